"""Every kernel: its reference, its fast twin, the equation it computes and how closely the twins agree.

One table drives the property test that ties the twins together, the benches and the dispatch. A kernel
is named `family.function`; both twins take the same arguments. `examples` names a function
`examples(rng, **sizes) -> tuple of arguments` that draws valid arguments.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Kernel:
    """One kernel: where its twins live and what ties them.

    `reference`, `fast` and `examples` are "module:function" below `exacthat.kernels`; `contract` says
    shapes and units of the arguments; `equation` where the formula comes from; `tolerance` bounds the
    relative difference of the twins' results.
    """

    name: str
    reference: str
    fast: str
    examples: str
    contract: str
    equation: str
    tolerance: float

    def load(self, which: str):
        """Return the callable behind `which`: "reference", "fast" or "examples"."""
        module, function = getattr(self, which).split(":")
        return getattr(importlib.import_module(f"{__package__}.{module}"), function)


KERNELS: dict[str, Kernel] = {}


def _register(*kernels: Kernel) -> None:
    for kernel in kernels:
        KERNELS[kernel.name] = kernel


_register(
    Kernel(
        name="gravity.evaluate",
        reference="gravity.ref:evaluate",
        fast="gravity.cy:evaluate",
        examples="gravity.examples:evaluate",
        contract="System, Point -> State",
        equation="exact hat algebra with scale effects, equations (1)-(10) of gravity/ref.py",
        tolerance=1e-12,
    ),
    Kernel(
        name="gravity.jacobian_product",
        reference="gravity.ref:jacobian_product",
        fast="gravity.cy:jacobian_product",
        examples="gravity.examples:jacobian_product",
        contract="System, Point, direction (Point) -> Point",
        equation="derivative of equations (8)-(10)",
        tolerance=1e-12,
    ),
    Kernel(
        name="gravity.pullback",
        reference="gravity.ref:pullback",
        fast="gravity.cy:pullback",
        examples="gravity.examples:pullback",
        contract="System, Point, weights on the residual (Point), on spending (N,), on ln d (K, N) -> Pullback",
        equation="transposed derivative of equations (1)-(10)",
        tolerance=1e-12,
    ),
    Kernel(
        name="gravity.solve_transposed",
        reference="gravity.ref:solve_transposed",
        fast="gravity.cy:solve_transposed",
        examples="gravity.examples:solve_transposed",
        contract="System, Point, right side (Point) -> (Point, relative residual, products)",
        equation="(transposed derivative of equations (8)-(10)) y = right side",
        tolerance=1e-8,
    ),
    Kernel(
        name="gravity.solve",
        reference="gravity.ref:solve",
        fast="gravity.cy:solve",
        examples="gravity.examples:solve",
        contract="System, start (Point) or None, tolerance -> Solution",
        equation="zero residual, equations (8)-(10)",
        tolerance=1e-9,
    ),
    Kernel(
        name="gravity.trade_weights",
        reference="gravity.ref:trade_weights",
        fast="gravity.cy:trade_weights",
        examples="gravity.examples:trade_weights",
        contract="trade shares (K, N, N), trade cost hat (N, N, K), trade elasticity (K,) -> (K, N, N)",
        equation="A = lambda tauhat^-epsilon, zero at infinite cost",
        tolerance=1e-13,
    ),
)
