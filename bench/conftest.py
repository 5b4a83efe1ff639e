"""Collect the measured times of one process and print their ratios at the end."""

import pytest

TIMES: dict[tuple[str, str], dict[str, float]] = {}
NOTES: dict[tuple[str, str], dict[str, str]] = {}


@pytest.fixture
def record(benchmark):
    """Call record(group, size, method) after timing to keep the median; extra keywords become notes."""

    def keep(group, size, method, **notes):
        benchmark.extra_info.update(size=size, method=method, **notes)
        if benchmark.stats is not None:
            TIMES.setdefault((group, size), {})[method] = benchmark.stats.stats.median / notes.get("per", 1)
            NOTES.setdefault((group, size), {})[method] = ", ".join(
                f"{k} {v}" for k, v in notes.items() if k != "per"
            )

    return keep


def pytest_terminal_summary(terminalreporter):
    """Print, per group and size, every method's median time and its ratio to the fastest compiled one."""
    for (group, size), times in TIMES.items():
        fastest = min((time for method, time in times.items() if method.startswith("exacthat")), default=None)
        terminalreporter.write_sep("-", f"{group} {size}")
        for method, time in times.items():
            ratio = f"{time / fastest:10.1f} x" if fastest else ""
            note = NOTES[group, size][method]
            terminalreporter.write_line(f"{method:28} {1e3 * time:12.4f} ms {ratio}   {note}")
