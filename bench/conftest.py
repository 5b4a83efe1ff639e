"""Collect the measured times of one process and print their ratios at the end.

`--ratios FILE` also writes them as a table in Markdown, with what they were measured on.
"""

import os
import platform
from pathlib import Path

import pytest

TIMES: dict[tuple[str, str], dict[str, float]] = {}
NOTES: dict[tuple[str, str], dict[str, str]] = {}


def pytest_addoption(parser):
    parser.addoption("--ratios", metavar="FILE", help="write the table of ratios to this file (Markdown)")


@pytest.fixture
def record(benchmark):
    """Call record(group, size, method) after timing to keep the median; extra keywords become notes.

    The note `per` divides the time by a number of repetitions.
    """

    def keep(group, size, method, **notes):
        benchmark.extra_info.update(size=size, method=method, **notes)
        if benchmark.stats is not None:
            TIMES.setdefault((group, size), {})[method] = benchmark.stats.stats.median / notes.get("per", 1)
            NOTES.setdefault((group, size), {})[method] = ", ".join(
                f"{k} {v}" for k, v in notes.items() if k != "per"
            )

    return keep


def fastest(times: dict[str, float]) -> float | None:
    """Return the time of the fastest compiled method."""
    return min((time for method, time in times.items() if method.startswith("exacthat")), default=None)


def pytest_terminal_summary(terminalreporter, config):
    """Print, per group and size, every method's median time and its ratio to the fastest compiled one."""
    for (group, size), times in TIMES.items():
        best = fastest(times)
        terminalreporter.write_sep("-", f"{group} {size}")
        for method, time in times.items():
            ratio = f"{time / best:10.1f} x" if best else ""
            note = NOTES[group, size][method]
            terminalreporter.write_line(f"{method:28} {1e3 * time:12.4f} ms {ratio}   {note}")
    if config.getoption("ratios") and TIMES:
        Path(config.getoption("ratios")).write_text(table(), encoding="utf-8")


def table() -> str:
    """Return the ratios as Markdown: how many times the fastest compiled method every other one takes."""
    import numba
    import numpy as np
    import scipy

    from exacthat.kernels.gravity import cy

    lines = [
        "# Ratios measured in one process",
        "",
        "Time of each method over the time of the fastest `exacthat` row of its group: medians, one run of",
        "`python -m bench`. `tuned numpy` computes trade weights once and multiplies in batches; `plain numpy` is",
        "einsum and a three-dimensional power in every iteration; both with the best damping found.",
        "",
        f"{os.cpu_count()} processors, {platform.machine()}, vectors: {cy.instruction_set()}; Python "
        f"{platform.python_version()}, numpy {np.__version__}, scipy {scipy.__version__}, numba {numba.__version__}.",
        "",
        "| what | size | method | time, ms | ratio | notes |",
        "|---|---|---|---:|---:|---|",
    ]
    for (group, size), times in TIMES.items():
        best = fastest(times)
        for method, time in times.items():
            ratio = f"{time / best:.3g}" if best else ""
            lines.append(
                f"| {group} | {size} | {method} | {1e3 * time:.4g} | {ratio} | {NOTES[group, size][method]} |"
            )
    return "\n".join(lines) + "\n"
