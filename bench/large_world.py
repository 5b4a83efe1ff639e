"""Worlds too large to copy: flows written to a memory map in blocks, anonymous memory watched while they are used.

python -m bench.large_world 265 170 productivity
"""

import argparse
import gc
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

import exacthat as eh

SHOCKS = ("productivity", "trade_cost")


def write_flows(path, countries: int, industries: int, seed: int = 0) -> np.memmap:
    """Write flows with home bias to `path`, one origin at a time; return them as a read-only memory map."""
    rng = np.random.default_rng(seed)
    shape = countries, countries, industries
    size, taste = np.exp(rng.normal(0, 1, countries)), np.exp(rng.normal(0, 0.5, shape[1:]))
    with Path(path).open("wb") as file:
        for origin in range(countries):
            advantage = np.exp(rng.normal(0, 0.7, industries))
            row = size[origin] * size[:, None] * taste * advantage * np.exp(rng.normal(0, 1, shape[1:]))
            row[origin] *= countries
            row.tofile(file)
    return np.memmap(path, dtype=np.float64, mode="r", shape=shape)


def anonymous_memory() -> int:
    """Bytes of this process that no file backs (Linux)."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) * 1024
    raise OSError("this system does not tell anonymous memory")


class Watch:
    """Context: `peak()` is the largest growth of anonymous memory since it was entered, looked at every half ms.

    Each call starts a new peak.
    """

    def __enter__(self):
        gc.collect()
        self._most, self._start, self._open = 0, anonymous_memory(), True
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def _look(self):
        while self._open:
            self._most = max(self._most, anonymous_memory() - self._start)
            time.sleep(0.0005)

    def peak(self) -> int:
        """Return the peak since the last call, in bytes."""
        most, self._most = max(self._most, anonymous_memory() - self._start), 0
        return most

    def __exit__(self, *error):
        self._open = False
        self._thread.join()


def elasticities(industries: int, seed: int = 0):
    """Draw trade and scale elasticities with mu*epsilon below 0.6."""
    rng = np.random.default_rng(seed)
    epsilon = rng.uniform(2.0, 8.0, industries)
    return epsilon, rng.uniform(0.1, 0.6, industries) / epsilon


def measure(path, countries: int, industries: int, shocks=SHOCKS, threads: int = 1) -> list[dict]:
    """Construct the world of `write_flows` and solve it after each shock: seconds, peak memory over flows, residual.

    The peak counts from before the construction: what the world itself keeps is in it.
    """
    flows = write_flows(path, countries, industries)
    changes = {
        "productivity": eh.Shock(
            productivity=np.exp(np.random.default_rng(1).normal(0, 0.1, (countries, industries)))
        ),
        "trade_cost": eh.Shock(trade_cost=1.2),
    }
    warm = eh.Economy([[[8.0], [2.0]], [[2.0], [8.0]]], 4.0)
    eh.counterfactual(warm, eh.Shock(trade_cost=1.1), threads=threads)  # everything imported
    found = []
    with Watch() as whole:
        start = time.perf_counter()
        economy = eh.Economy(flows, *elasticities(industries))
        found.append({"step": "Economy", "seconds": time.perf_counter() - start, "peak": whole.peak()})
        for name in shocks:
            start = time.perf_counter()
            certificate = eh.counterfactual(economy, changes[name], threads=threads).certificate
            seconds = time.perf_counter() - start
            found.append(
                {"step": name, "seconds": seconds, "peak": whole.peak(), "residual": certificate.residual,
                 "iterations": certificate.iterations}
            )  # fmt: skip
    return [{**step, "peak": step["peak"] / flows.nbytes} for step in found]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("countries", type=int)
    parser.add_argument("industries", type=int)
    parser.add_argument("shocks", nargs="*", default=SHOCKS)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for step in measure(
            Path(folder) / "flows", options.countries, options.industries, options.shocks, options.threads
        ):
            print(", ".join(f"{key} {value:.3g}" if key != "step" else value for key, value in step.items()))
