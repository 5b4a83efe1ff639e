"""What a call costs beside its solve: from Python arguments to a certified result, on one thread."""

import functools

import numpy as np
import pytest

import exacthat as eh
from exacthat.kernels.gravity import cy, examples

SIZES = [(5, 4), (44, 16)]
SHOCKS = {
    "trade cost": lambda n, k: {"trade_cost": 1.1},
    "trade costs": lambda n, k: {"trade_cost": np.full((n, n, k), 1.1) - 0.1 * np.eye(n)[:, :, None]},
    "productivity": lambda n, k: {"productivity": np.linspace(0.9, 1.1, n * k).reshape(n, k)},
}


@functools.cache
def world(size):
    rng = np.random.default_rng(0)
    n, k = size
    epsilon = np.exp(rng.uniform(np.log(1.5), np.log(8.0), k))
    return eh.Economy(examples.flows(rng, n, k), epsilon, rng.uniform(0.1, 0.7, k) / epsilon)


@pytest.mark.parametrize("method", ["exacthat kernel", "call", "call and welfare"])
@pytest.mark.parametrize("shock", SHOCKS)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_call(benchmark, record, size, shock, method):
    economy, change = world(size), SHOCKS[shock](*size)
    first = eh.counterfactual(economy, eh.Shock(**change))
    work = {
        "exacthat kernel": lambda: cy.solve(first._system),
        "call": lambda: eh.counterfactual(economy, eh.Shock(**change), threads=1),
        "call and welfare": lambda: eh.counterfactual(economy, eh.Shock(**change), threads=1).welfare_hat,
    }[method]
    found = benchmark(work)
    record(f"call, {shock}", f"{size[0]}x{size[1]}", method)
    if method == "call and welfare":
        np.testing.assert_allclose(found, first.welfare_hat, rtol=1e-12)
    elif method == "call":
        assert found.certificate.ok
    else:
        assert found.converged
