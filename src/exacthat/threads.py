"""How many threads of the compiled kernels pay."""

from __future__ import annotations

import os

ONE_THREAD_BELOW = 1 << 20  # bytes of trade weights: below, sharing the work costs more than it saves


def processors() -> int:
    """Processors this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def paying(cells: int, industries: int) -> int:
    """Threads that pay for a world of so many flows: one for small ones, else the processors, an industry for each."""
    return 1 if 8 * cells < ONE_THREAD_BELOW else min(processors(), industries)
