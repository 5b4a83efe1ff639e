"""Collect the measured times of one process and print their ratios at the end.

`--ratios FILE` also writes them as a table in Markdown, with what they were measured on.
"""

import os
import platform
from pathlib import Path

import pytest

TIMES: dict[tuple[str, str], dict[str, float]] = {}
NOTES: dict[tuple[str, str], dict[str, str]] = {}
BUILT: dict[tuple[str, str], dict[str, str]] = {}
WEIGHTS = "trade weights"  # groups that time building them end like those of the solves, with the shock


def pytest_addoption(parser):
    parser.addoption("--ratios", metavar="FILE", help="write the table of ratios to this file (Markdown)")


@pytest.fixture
def record(benchmark):
    """Call record(group, size, method) after timing to keep the median; extra keywords become notes.

    `time` gives seconds measured otherwise; the note `per` divides the median by a number of repetitions;
    `weights` names the method that builds the trade weights beforehand ("" where every iteration does), so that
    ratios can count it.
    """

    def keep(group, size, method, time=None, **notes):
        benchmark.extra_info.update(size=size, method=method, **notes)
        if benchmark.stats is not None:
            if "weights" in notes:
                BUILT.setdefault((group, size), {})[method] = notes.pop("weights")
            if time is None:
                time = benchmark.stats.stats.median / notes.get("per", 1)
            TIMES.setdefault((group, size), {})[method] = time
            NOTES.setdefault((group, size), {})[method] = ", ".join(
                f"{k} {v}" for k, v in notes.items() if k != "per"
            )

    return keep


def fastest(times: dict[str, float]) -> float | None:
    """Return the time of the fastest compiled method."""
    return min((time for method, time in times.items() if method.startswith("exacthat")), default=None)


def with_weights(group: str, size: str) -> dict[str, float]:
    """Return the times of a group's methods with building the trade weights counted; none where it was not timed."""
    build = TIMES.get((f"{WEIGHTS} {group.rpartition(' ')[2]}", size), {})
    return {
        method: TIMES[group, size][method] + (build[by] if by else 0.0)
        for method, by in BUILT.get((group, size), {}).items()
        if not by or by in build
    }


def rows():
    """Yield group, size, method, time, its ratio to the fastest compiled one, the same with weights built, notes."""
    for (group, size), times in TIMES.items():
        built = with_weights(group, size)
        for method, time in times.items():
            ratios = [
                some[method] / best if method in some and (best := fastest(some)) else None
                for some in (times, built)
            ]
            yield group, size, method, time, *ratios, NOTES[group, size][method]


def pytest_terminal_summary(terminalreporter, config):
    """Print every method's median time and its ratios to the fastest compiled one, by group and size."""
    last = None
    for group, size, method, time, ratio, built, note in rows():
        if (group, size) != last:
            terminalreporter.write_sep("-", f"{group} {size}")
            last = group, size
        given = f"{ratio:10.1f} x" if ratio else ""
        note = f"{note}, {built:.1f} x with weights built" if built else note
        terminalreporter.write_line(f"{method:28} {1e3 * time:12.4f} ms {given}   {note}")
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
        "einsum and a three-dimensional power in every iteration; both with the best damping found. Solves start from",
        "trade weights; the second ratio counts building them from trade costs on both sides.",
        "",
        f"{os.cpu_count()} processors, {platform.machine()}, vectors: {cy.instruction_set()}; Python "
        f"{platform.python_version()}, numpy {np.__version__}, scipy {scipy.__version__}, numba {numba.__version__}.",
        "",
        "| what | size | method | time, ms | ratio | with weights built | notes |",
        "|---|---|---|---:|---:|---:|---|",
    ]
    for group, size, method, time, *ratios, note in rows():
        given = " | ".join("" if ratio is None else f"{ratio:.3g}" for ratio in ratios)
        lines.append(f"| {group} | {size} | {method} | {1e3 * time:.4g} | {given} | {note} |")
    return "\n".join(lines) + "\n"
