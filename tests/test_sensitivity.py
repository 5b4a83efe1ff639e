"""Welfare of all countries along one direction: against the gradient of each and against full solves."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import exacthat as eh
from tests.taxed_worlds import PARTS, taxed_economy
from tests.test_gradient import KINDS, difference, scenario, solve


@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**32 - 1),
    parts=st.sets(st.sampled_from(PARTS)),
    entry=st.sampled_from(["free", "restricted"]),
    names=st.sets(st.sampled_from(KINDS), min_size=1),
)
def test_sensitivity_is_the_gradient_of_every_country_along_the_direction(seed, parts, entry, names):
    economy = taxed_economy(seed, parts=parts, entry=entry)
    eq = solve(economy, *scenario(economy, seed))
    rng = np.random.default_rng(seed)
    gradients = [eh.welfare_gradient(eq, name) for name in economy.countries]
    direction = {name: rng.normal(size=gradients[0][name].shape) for name in names if name in gradients[0]}
    assume(direction)
    got = eh.welfare_sensitivity(eq, direction)
    terms = np.array([[(slope[name] * direction[name]).sum() for name in direction] for slope in gradients])
    np.testing.assert_allclose(got, terms.sum(axis=1), rtol=0, atol=1e-9 * max(1.0, np.abs(terms).max()))


@pytest.mark.parametrize("kind", KINDS)
def test_sensitivity_is_the_slope_of_full_solves(kind):
    economy = taxed_economy(11, PARTS)
    hats, policy = scenario(economy, 11)
    rng = np.random.default_rng(12)
    shape = eh.welfare_gradient(solve(economy, hats, policy), "C0")[kind].shape
    direction = rng.normal(size=shape)
    if len(shape) == 3:
        direction[np.arange(4), np.arange(4)] = 0.0
    got = eh.welfare_sensitivity(solve(economy, hats, policy), {kind: direction})
    for weights, slope in zip(np.eye(4), got):
        expected = difference(economy, hats, policy, weights, kind, direction)
        assert slope == pytest.approx(expected, rel=1e-8, abs=1e-8 * np.abs(got).max())


def test_directions_add_up_and_broadcast():
    economy = taxed_economy(3, ("bilateral",))
    eq = eh.counterfactual(economy)
    both = eh.welfare_sensitivity(eq, {"tariff": 1.0, "productivity": np.ones((4, 1))})
    tariff, productivity = (eh.welfare_sensitivity(eq, {name: 1.0}) for name in ("tariff", "productivity"))
    np.testing.assert_allclose(both, tariff + productivity, atol=1e-10)
    np.testing.assert_allclose(productivity, 1.0, atol=1e-10)  # better technology everywhere


@pytest.mark.parametrize(
    ("direction", "message"),
    [
        ({"tarif": 1.0}, "did you mean 'tariff'"),
        ({"labour": np.ones(3)}, "must broadcast to"),
        ({"labour": np.nan}, "must be finite"),
        ([1.0], "pass a mapping"),
        ({"scale_elasticity": 1.0}, "restricted entry"),
    ],
)
def test_directions_that_cannot_be_read_are_refused(direction, message):
    eq = eh.counterfactual(taxed_economy(1, (), entry="restricted"))
    with pytest.raises(eh.BadInput, match=message):
        eh.welfare_sensitivity(eq, direction)
