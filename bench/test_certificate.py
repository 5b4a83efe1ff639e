"""What a certificate computes on first use, beside the solve it certifies, at (44, 16).

pytest bench --benchmark-enable -k certificate
"""

import functools

import numpy as np
import pytest

import exacthat as eh
from exacthat.kernels.gravity.examples import flows

SIZE = (44, 16)


@functools.cache
def world():
    rng = np.random.default_rng(3)
    epsilon = np.exp(rng.uniform(np.log(1.5), np.log(9.0), SIZE[1]))
    return eh.purge_deficits(eh.Economy(flows(rng, *SIZE), epsilon, rng.uniform(0.0, 0.9, SIZE[1]) / epsilon))


@functools.cache
def shock():
    cost = np.exp(np.random.default_rng(4).normal(0.0, 0.3, world().flows.shape))
    cost[np.arange(SIZE[0]), np.arange(SIZE[0])] = 1.0
    return eh.Shock(trade_cost=cost)


def solve():
    """A solve with a new certificate, which has computed nothing yet."""
    return eh.counterfactual(world(), shock())


@pytest.mark.parametrize("what", ["solve", "error bound", "certify", "gradient", "sensitivity"])
def test_cost(benchmark, record, what):
    fresh = lambda: ((solve(),), {})  # noqa: E731
    notes = {}
    if what == "solve":
        certificate = benchmark(solve).certificate
        assert certificate.ok
        notes = {"passes": certificate.passes64 + certificate.passes16, "products": certificate.products}
    elif what == "error bound":
        bound = benchmark.pedantic(lambda eq: eq.certificate.error_bound, setup=fresh, rounds=5)
        assert (bound < 1e-10).all()
    elif what == "certify":
        eq = solve()
        judge = functools.partial(
            eh.certify, world(), shock(), wage_hat=eq.wage_hat, output_share_hat=eq.output_share_hat
        )
        assert benchmark(judge).ok
    elif what == "gradient":
        gradient = benchmark(eh.welfare_gradient, solve(), "C0", threads=1)
        assert gradient.residual <= 1e-12
        notes = {"products": gradient.products}
    else:
        slope = benchmark(eh.welfare_sensitivity, solve(), {"productivity": 1.0}, threads=1)
        np.testing.assert_allclose(slope, 1.0, atol=1e-9)
    record("certificate", "44x16", f"exacthat {what}", **notes)
