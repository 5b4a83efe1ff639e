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

_register(
    Kernel(
        name="diffusion.active",
        reference="diffusion.ref:active",
        fast="diffusion.nb:active",
        examples="diffusion.examples:active",
        contract="employment (N, K), activity >= 0 -> (N, K)",
        equation="psi(L) = L / (L + activity), psi(0) = 0, equation (1) of diffusion/ref.py",
        tolerance=1e-15,
    ),
    Kernel(
        name="diffusion.from_employment",
        reference="diffusion.ref:from_employment",
        fast="diffusion.nb:from_employment",
        examples="diffusion.examples:from_employment",
        contract="employment (N, K), spillovers [sender, receiver] (K, K), diffusion [receiver, sender] (N, N), "
        "research (N, K), activity >= 0 -> (N, K)",
        equation="psi(L) (diffusion L spillovers + research), equation (2) of diffusion/ref.py",
        tolerance=1e-13,
    ),
    Kernel(
        name="diffusion.from_stocks",
        reference="diffusion.ref:from_stocks",
        fast="diffusion.nb:from_stocks",
        examples="diffusion.examples:from_stocks",
        contract="productivity (N, K), then as diffusion.from_employment -> (N, K)",
        equation="as (2) with stocks diffusing from abroad, equation (3) of diffusion/ref.py",
        tolerance=1e-13,
    ),
)
