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
