"""Worlds from data: technologies recovered from gravity flows, errors that name the flow."""

from types import SimpleNamespace

import numpy as np
import pytest

import exacthat as eh
from exacthat import clusters


def gravity(seed, k=5, wage=1.7):
    """Flows of two countries with symmetric trade costs, and the productivity ratios behind them."""
    rng = np.random.default_rng(seed)
    theta, productivity = rng.uniform(2, 8, k), rng.lognormal(sigma=0.3, size=(2, k))
    costs = np.ones((2, 2, k))
    costs[0, 1] = costs[1, 0] = rng.uniform(1.2, 2.5, k)
    wages = np.array([wage, 1.0])
    weight = (productivity[:, None, :] / (wages[:, None, None] * costs)) ** theta
    spending = rng.dirichlet(np.ones(k), size=2) * [[1.0], [3.0]]
    return weight / weight.sum(axis=0) * spending, theta, productivity[0] / productivity[1]


@pytest.mark.parametrize("seed", range(5))
def test_gravity_flows_reveal_their_productivities(seed):
    flows, theta, ratio = gravity(seed)
    world = clusters.revealed_world(flows, theta, np.zeros((5, 5)), 3.0, relative_wage=1.7)
    np.testing.assert_allclose(world.technology[0] / world.technology[1], ratio, rtol=1e-12)
    price = np.minimum(1.7 / world.technology[0], 1 / world.technology[1])
    np.testing.assert_allclose(price ** (1 - 3.0), flows.sum(axis=(0, 1)) / flows.sum(), rtol=1e-12)
    assert world.labour[0] * 1.7 / world.labour[1] == pytest.approx(flows[0].sum() / flows[1].sum())


def test_one_country_against_the_rest_by_name():
    flows, theta, _ = gravity(1)
    split = np.zeros((3, 3, 5))  # foreign in two halves that behave alike
    split[0, 0], split[0, 1:], split[1:, 0], split[1:, 1:] = (
        flows[0, 0],
        flows[0, 1] / 2,
        flows[1, 0] / 2,
        flows[1, 1] / 4,
    )
    labels = [f"industry {g}" for g in range(5)]
    economy = SimpleNamespace(
        flows=split, countries=["PAK", "IND", "ROW"], industries=labels, trade_elasticity=theta
    )
    world = clusters.world_of(economy, "PAK", np.zeros((5, 5)), 2.0)
    whole = clusters.revealed_world(flows, theta, np.zeros((5, 5)), 2.0)
    np.testing.assert_allclose(world.technology, whole.technology, rtol=1e-12)
    assert world.industries[0] == "industry 0"
    with pytest.raises(eh.BadInput, match="did you mean 'PAK'"):
        clusters.world_of(economy, "PAX", np.zeros((5, 5)), 2.0)


def test_the_question_of_a_country():
    flows, theta, _ = gravity(2, k=4)
    world = clusters.revealed_world(flows, theta, clusters.spillovers_from(np.ones((4, 4)), own=0.0), 2.0)
    found = clusters.diagnose(world)
    assert found.slows(0) == (found.growth_open < found.growth_autarky[0])
    assert (found.verdict == "destroying") == (found.slows(0) and found.slows(1))
    opened = clusters.equilibrium(world)
    workers = np.stack([clusters.equilibrium(world, "autarky").employment, opened.employment])
    received = np.where(workers > 0, workers @ np.array(world.spillovers), 0.0).sum(axis=2)
    np.testing.assert_allclose([found.learning_autarky, found.learning_open], received, rtol=1e-12)
    assert [found.destroys(n) for n in range(2)] == (received[1] < received[0]).tolist()


def test_zero_negative_and_misshapen_flows_are_refused():
    flows, theta, _ = gravity(3)
    zero = flows.copy()
    zero[0, 1, 2] = 0
    with pytest.raises(eh.BadInput, match="from home to foreign in industry 2"):
        clusters.revealed_world(zero, theta, np.zeros((5, 5)), 2.0)
    assert clusters.revealed_world(zero, theta, np.zeros((5, 5)), 2.0, floor=1e-9).n == 5
    with pytest.raises(eh.BadInput, match=r"flows\[0, 1, 2\] is -1.0"):
        clusters.revealed_world(zero - (zero == 0), theta, np.zeros((5, 5)), 2.0)
    with pytest.raises(eh.BadInput, match="must be"):
        clusters.revealed_world(flows[0], theta, np.zeros((5, 5)), 2.0)
    with pytest.raises(eh.BadInput, match="two of the countries"):
        clusters.revealed_world(flows, theta, np.zeros((5, 5)), 2.0, home=4)
    with pytest.raises(eh.BadInput, match="not all zero"):
        clusters.spillovers_from(np.zeros((2, 2)))


def test_the_wage_is_a_unit_in_statics_and_not_in_learning():
    flows, theta, _ = gravity(4, k=4)
    spillovers = clusters.spillovers_from(np.ones((4, 4)), own=0.0, strength=0.1)
    worlds = [
        clusters.revealed_world(flows, theta, spillovers, 2.0, relative_wage=wage) for wage in (1.0, 0.5)
    ]
    equal, poor = (clusters.equilibrium(world) for world in worlds)
    assert poor.relative_wage == pytest.approx(0.5 * equal.relative_wage, rel=1e-12)
    np.testing.assert_allclose(poor.consumption, equal.consumption, rtol=1e-12)
    np.testing.assert_allclose(poor.home_share, equal.home_share, atol=1e-12)
    growth = [clusters.diagnose(world).growth_autarky for world in worlds]
    np.testing.assert_allclose(
        growth[1] / growth[0], [4.0, 1.0], rtol=1e-12
    )  # twice the workers, half as good
