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
        name="gravity.jacobian",
        reference="gravity.ref:jacobian",
        fast="gravity.cy:jacobian",
        examples="gravity.examples:evaluate",
        contract="System, Point -> matrix over the unknowns that move",
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
        name="gravity.solve_linear",
        reference="gravity.ref:solve_linear",
        fast="gravity.cy:solve_linear",
        examples="gravity.examples:solve_linear",
        contract="System, Point, right side (Point), transposed -> (Point, relative residual, products)",
        equation="(derivative of equations (8)-(10), or its transpose) y = right side",
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
        name="gravity.slacks",
        reference="gravity.ref:slacks",
        fast="gravity.cy:slacks",
        examples="gravity.examples:slacks",
        contract="System, Solution -> Slacks",
        equation="trade balances and adding-up at a solution",
        tolerance=1e-12,
    ),
    Kernel(
        name="gravity.trade_shares",
        reference="gravity.ref:trade_shares",
        fast="gravity.cy:trade_shares",
        examples="gravity.examples:trade_shares",
        contract="flows (N, N, K), spending (N, K) -> (K, N, N)",
        equation="lambda = X / sum_i X, zero where nothing is spent",
        tolerance=1e-15,
    ),
    Kernel(
        name="gravity.extent",
        reference="gravity.ref:extent",
        fast="gravity.cy:extent",
        examples="gravity.examples:extent",
        contract="hats of any shape -> (least, largest)",
        equation="minimum and maximum",
        tolerance=0.0,
    ),
    Kernel(
        name="gravity.solve_many",
        reference="gravity.ref:solve_many",
        fast="gravity.cy:solve_many",
        examples="gravity.examples:solve_many",
        contract="base System, list of Change, tolerance, threads, base-year rates (N, N, K) or None -> Solutions",
        equation="zero residual, equations (8)-(10), of every row",
        tolerance=1e-8,
    ),
    Kernel(
        name="gravity.trade_weights",
        reference="gravity.ref:trade_weights",
        fast="gravity.cy:trade_weights",
        examples="gravity.examples:trade_weights",
        contract="trade shares (K, N, N), trade cost hat (), (K,), (N, N, 1) or (N, N, K), trade elasticity (K,) "
        "-> (K, N, N)",
        equation="A = lambda tauhat^-epsilon, zero at infinite cost",
        tolerance=1e-13,
    ),
    Kernel(
        name="cutoff.trade",
        reference="cutoff.ref:trade",
        fast="cutoff.nb:trade",
        examples="cutoff.examples:trade",
        contract="log_technology (2, n), tradable (n,) bool, labour (2,) > 0, sigma > 1",
        equation="Hanlon (2012), (4)-(12); with non-traded goods one root per pattern",
        tolerance=1e-10,
    ),
    Kernel(
        name="cutoff.mobile",
        reference="cutoff.ref:mobile",
        fast="cutoff.nb:mobile",
        examples="cutoff.examples:mobile",
        contract="log_technology (2, n), labour (2,) > 0, sigma > 1",
        equation="Hanlon (2012), section 5: omega = 1, absolute advantage",
        tolerance=1e-12,
    ),
)


_register(
    Kernel(
        name="learning.rates",
        reference="learning.ref:rates",
        fast="learning.nb:rates",
        examples="learning.examples:rates",
        contract="log_technology (2, n), status (n,) int8, spillovers (n, n) [sender, receiver], "
        "labour (2,), sigma > 1, mobile 0 or 1",
        equation="Hanlon (2012), (8), (9), (12); on a slide the split that keeps the tie",
        tolerance=1e-8,
    ),
    Kernel(
        name="learning.resolve",
        reference="learning.ref:resolve",
        fast="learning.nb:resolve",
        examples="learning.examples:resolve",
        contract="log_technology (2, n), status (n,) int8 with the tied goods shared, spillovers (n, n) "
        "[sender, receiver], labour (2,), sigma > 1 -> status (n,), whether it is consistent",
        equation="the continuation of a tie, as chosen in learning/ref.py",
        tolerance=0.0,
    ),
    Kernel(
        name="learning.trajectory",
        reference="learning.ref:trajectory",
        fast="learning.nb:trajectory",
        examples="learning.examples:trajectory",
        contract="log_technology (2, n), status (n,) int8, spillovers (n, n) [sender, receiver], "
        "labour (2,), sigma > 1, times (T,) increasing, tolerance on ln A",
        equation="Hanlon (2012), (9) through every change of the pattern",
        tolerance=1e-8,
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
