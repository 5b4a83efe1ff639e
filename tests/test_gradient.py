"""The gradient of welfare against differences of full solves, and where theory gives it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import exacthat as eh
from tests.taxed_worlds import PARTS, taxed_economy
from tests.worlds import economy, rates

STEP = 5e-4
KINDS = ("trade_cost", "productivity", "entry_cost", "labour", "tariff", "export_subsidy", "production_subsidy",
         "trade_elasticity", "scale_elasticity")  # fmt: skip


def scenario(economy, seed):
    """A shock to everything and new rates: the point at which the derivative is taken."""
    rng = np.random.default_rng(seed)
    n, _, k = economy.flows.shape
    cost = np.exp(rng.normal(0, 0.2, economy.flows.shape))
    cost[np.arange(n), np.arange(n)] = 1.0
    hats = {
        "trade_cost": cost,
        "productivity": np.exp(rng.normal(0, 0.2, (n, k))),
        "entry_cost": np.exp(rng.normal(0, 0.2, (n, k))),
        "labour": np.exp(rng.normal(0, 0.2, n)),
    }
    return hats, rates(rng, economy.flows.shape)


def solve(economy, hats, policy):
    return eh.counterfactual(economy, eh.Shock(**hats), eh.Policy(**policy), tol=1e-13)


def difference(economy, hats, policy, weights, kind, direction):
    """Fourth-order central difference of weighted ln welfare along `direction`."""

    def value(step):
        moved_hats, moved_policy, world = dict(hats), dict(policy), economy
        if kind in hats:
            moved_hats[kind] = hats[kind] * np.exp(step * direction)
        elif kind in policy:
            moved_policy[kind] = policy[kind] + step * direction
        else:
            own = {field: getattr(economy, field) for field in economy.__dataclass_fields__}
            world = eh.Economy(**{**own, kind: getattr(economy, kind) + step * direction})
        return weights @ np.log(solve(world, moved_hats, moved_policy).welfare_hat)

    return (8 * (value(STEP) - value(-STEP)) - (value(2 * STEP) - value(-2 * STEP))) / (12 * STEP)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=12)
@given(
    seed=st.integers(0, 2**32 - 1),
    parts=st.sets(st.sampled_from(PARTS)),
    entry=st.sampled_from(["free", "restricted"]),
)
def test_gradient_is_the_slope_of_full_solves(kind, seed, parts, entry):
    economy = taxed_economy(seed, parts=parts, entry=entry)
    hats, policy = scenario(economy, seed)
    rng = np.random.default_rng(seed + 1)
    weights = rng.normal(size=len(economy.countries))
    gradient = eh.welfare_gradient(solve(economy, hats, policy), weights)
    assert gradient.residual <= 1e-12
    if kind not in gradient:
        assert (kind, entry) == ("scale_elasticity", "restricted")
        return
    slope = gradient[kind]
    direction = rng.normal(size=slope.shape)
    if slope.ndim == 3:
        direction[np.arange(len(weights)), np.arange(len(weights))] = 0.0
    expected = difference(economy, hats, policy, weights, kind, direction)
    scale = np.abs(slope).max() * np.abs(direction).sum()
    assert (slope * direction).sum() == pytest.approx(expected, rel=1e-8, abs=1e-9 * scale)


def test_small_subsidies_at_the_optimum_of_a_closed_economy_do_nothing():
    """One country at s = mu is efficient: the gradient in its subsidies vanishes."""
    economy = eh.Economy([[[4.0, 3.0, 2.0]]], [3.0, 4.0, 5.0], [0.2, 0.1, 0.15])
    eq = eh.counterfactual(economy, policy=eh.Policy.corrective(economy))
    slope = eh.welfare_gradient(eq, "C0")
    np.testing.assert_allclose(slope["production_subsidy"], 0.0, atol=1e-12)


def test_pigouvian_subsidy_from_the_gradient_is_mu():
    """Closed economy: the gradient in s vanishes where subsidies are proportional to 1 + mu, and only there."""
    economy = eh.Economy([[[4.0, 3.0, 2.0]]], [3.0, 4.0, 5.0], [0.2, 0.1, 0.15])
    rate = np.zeros(3)
    for _ in range(60):
        eq = eh.counterfactual(economy, policy=eh.Policy(production_subsidy=rate))
        slope = eh.welfare_gradient(eq, "C0")["production_subsidy"][0]
        rate = rate + 3.0 * slope
        rate = (1 + rate) * 1.2 / (1 + rate[0]) - 1  # a uniform subsidy is neutral: fix the first rate at mu
    np.testing.assert_allclose(rate, economy.scale_elasticity, atol=1e-6)


def test_gradient_of_trade_costs_is_the_envelope_without_distortions():
    """mu = 0, no taxes, one country small in trade: d ln W_n / d ln tau sums to minus imports less terms of trade."""
    economy = eh.Economy([[[8.0], [2.0]], [[2.0], [8.0]]], 4.0)
    slope = eh.welfare_gradient(eh.counterfactual(economy), [1.0, 1.0])
    # at equal weights transfers between identical countries cancel: each route costs its share of world spending
    np.testing.assert_allclose(slope["trade_cost"][:, :, 0], -np.array([[0.8, 0.2], [0.2, 0.8]]), rtol=1e-10)


MIRROR = eh.Economy([[[8.0], [2.0]], [[2.0], [8.0]]], 4.0, 0.1)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("XXX", "unknown country 'XXX'"),
        ([1.0], r"shape \(1,\)"),
        ([1.0, np.nan], "weight of country 'C1' is nan"),
    ],
)
def test_bad_weights_are_refused(wrong, message):
    with pytest.raises(eh.BadInput, match=message):
        eh.welfare_gradient(eh.counterfactual(MIRROR), wrong)


@pytest.mark.parametrize("threads", [0, -1, "2", True, 1.5, [1]])
def test_threads_that_are_no_number_of_threads_are_refused(threads):
    eq = eh.counterfactual(MIRROR)
    for use in (lambda: eh.welfare_gradient(eq, "C0", threads=threads),
                lambda: eh.welfare_sensitivity(eq, {"tariff": 1.0}, threads=threads)):  # fmt: skip
        with pytest.raises(eh.BadParameter, match=r"threads is .* a whole number of at least 1"):
            use()


@pytest.mark.parametrize("threads", [None, 2, 10**12])
def test_threads_do_not_change_a_bit(threads):
    eq = eh.counterfactual(economy(5, countries=7, industries=4))
    one, more = (eh.welfare_gradient(eq, "C0", threads=count) for count in (1, threads))
    for name in one:
        np.testing.assert_array_equal(one[name], more[name])
    one, more = (eh.welfare_sensitivity(eq, {"tariff": 1.0}, threads=count) for count in (1, threads))
    np.testing.assert_array_equal(one, more)


def test_a_parameter_without_a_derivative_says_why():
    restricted = eh.Economy(MIRROR.flows, 4.0, 0.1, entry="restricted")
    slope = eh.welfare_gradient(eh.counterfactual(restricted), "C0")
    assert "scale_elasticity" not in slope
    assert slope.get("scale_elasticity") is None
    with pytest.raises(KeyError, match=r"restricted entry .* no derivative"):
        slope["scale_elasticity"]
    with pytest.raises(KeyError, match="did you mean 'tariff'"):
        slope["tarif"]
