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
