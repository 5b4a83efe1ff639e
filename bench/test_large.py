"""Large worlds from a memory map: time of a construction and a solve, peak anonymous memory over the flows' size."""

import json
import subprocess
import sys

import pytest

CODE = (
    "import json, sys; from bench.large_world import measure;"
    "print(json.dumps(measure(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:], 2)))"
)


@pytest.mark.parametrize("size", [(265, 170), (1500, 20)], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize(
    "shocks", [["productivity"], ["trade_cost"], ["productivity", "trade_cost"]], ids="+".join
)
def test_large_world(benchmark, record, tmp_path, size, shocks):
    """Each in a process of its own; the peak of the last step counts all that is held by then."""
    if benchmark.disabled:
        pytest.skip("large worlds are measured only")

    def run():
        command = [sys.executable, "-c", CODE, str(tmp_path / "flows"), *map(str, size), *shocks]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    steps = benchmark.pedantic(run, rounds=1)
    for step in steps:
        notes = {key: f"{value:.3g}" for key, value in step.items() if key not in ("step", "seconds")}
        group, method = f"large world {'+'.join(shocks)}", f"exacthat {step['step']}"
        record(group, f"{size[0]}x{size[1]}", method, time=step["seconds"], **notes)
        assert step["peak"] <= 2.0
        assert step.get("residual", 0.0) <= 1e-10
