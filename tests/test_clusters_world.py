"""Worlds and static equilibria: what is refused and how, regimes, gains."""

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

import exacthat as eh
from exacthat import clusters

GOOD = {"technology": [[2.0, 1.0], [1.0, 2.0]], "spillovers": np.zeros((2, 2)), "elasticity": 2.0}


def faults(**changes):
    with pytest.raises(eh.BadInput) as caught:
        clusters.World(**{**GOOD, **changes})
    return caught.value


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"technology": [[1.0, 2.0]]}, "technology has shape (1, 2)"),
        ({"technology": [[1.0, 0.0], [1.0, 2.0]]}, "technology[0, 1] is 0"),
        ({"technology": [[1.0, 2.0], [np.nan, 2.0]]}, "technology[1, 0] is nan"),
        ({"technology": [[1.0, 2.0], ["x", 2.0]]}, "technology must be an array of numbers"),
        ({"spillovers": np.zeros((3, 3))}, "with 2 industries in technology they must be (2, 2)"),
        ({"spillovers": [[0.0, -0.1], [0.0, 0.0]]}, "spillovers[0, 1] is -0.1"),
        ({"spillovers": [[0.0, 0.0], [1.5, 0.0]]}, "spillovers[1, 0] is 1.5"),
        ({"spillovers": scipy.sparse.csr_array([[0.0, 0.0], [1.5, 0.0]])}, "spillovers[1, 0] is 1.5"),
        ({"labour": [1.0]}, "labour has shape (1,)"),
        ({"labour": [1.0, -2.0]}, "labour[1] is -2"),
        ({"elasticity": 1.0}, "elasticity is 1.0"),
        ({"elasticity": "two"}, "elasticity is 'two'"),
        ({"industries": ["a", "a"]}, "labels must differ"),
    ],
)
def test_bad_worlds_are_named_by_cell(changes, words):
    assert words in str(faults(**changes))


def test_all_faults_come_at_once_and_a_bad_elasticity_is_a_parameter():
    problems = faults(technology=[[1.0, -1.0], [0.0, 2.0]], spillovers=[[2.0, 0.0], [0.0, 0.0]]).problems
    assert len(problems) == 3
    with pytest.raises(eh.BadParameter):
        clusters.World(**{**GOOD, "elasticity": 0.5})


def test_worlds_do_not_share_memory_with_their_arguments():
    technology = np.ones((2, 2))
    world = clusters.World(technology, np.zeros((2, 2)), 2.0)
    technology[0, 0] = 5.0
    assert world.technology[0, 0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        world.technology[0, 0] = 5.0


@pytest.mark.parametrize("regime", ["fre", np.ones(3, dtype=bool), [1, 0], None])
def test_unknown_regimes_are_refused(regime):
    with pytest.raises(eh.BadParameter):
        clusters.equilibrium(clusters.World(**GOOD), regime=regime)


def test_a_misspelt_regime_is_recognised():
    with pytest.raises(eh.BadParameter, match="did you mean 'autarky'"):
        clusters.equilibrium(clusters.World(**GOOD), regime="autarchy")


@given(st.integers(0, 2**32 - 1))
def test_gains_are_never_negative_and_prices_agree_with_budgets(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 9))
    world = clusters.World(
        rng.lognormal(size=(2, n)), np.zeros((n, n)), 1 + rng.lognormal(), rng.lognormal(size=2)
    )
    some = rng.random(n) < 0.5
    some[rng.integers(n)] = True
    for regime in ("free", "autarky", some):
        state = clusters.equilibrium(world, regime)
        assert np.all(state.gains > -1e-12)
        wages = np.array([1.0 if np.isnan(state.relative_wage) else state.relative_wage, 1.0])
        np.testing.assert_allclose(state.consumption * state.price_index, wages * world.labour, rtol=1e-12)


def test_gains_can_be_zero_for_a_large_country():
    world = clusters.World([[2.0, 1.0], [1.0, 1.0]], np.zeros((2, 2)), 2.0, labour=(0.1, 100.0))
    gains = clusters.equilibrium(world).gains
    assert gains[0] > 0.1
    assert gains[1] == pytest.approx(0, abs=1e-12)


def test_the_marginal_industry():
    world = clusters.World([[10.0, 5.0, 1.0], [1.0, 5.0, 10.0]], np.zeros((3, 3)), 2.0)
    state = clusters.equilibrium(world)
    assert state.marginal == 1
    assert state.home_share.tolist() == [1.0, 0.5, 0.0]
    assert clusters.equilibrium(world, "autarky").marginal == -1
    assert np.isnan(clusters.equilibrium(world, "autarky").relative_wage)
    assert clusters.equilibrium(world, "mobile").relative_wage == 1.0


def test_technologies_out_of_range_are_refused():
    world = clusters.World([[1e200, 1.0], [1e-200, 1e190]], np.zeros((2, 2)), 60.0)
    with pytest.raises(eh.NoEquilibrium, match="too far apart"):
        clusters.equilibrium(world)


def test_a_regime_without_a_tradable_industry_is_sent_to_autarky():
    world = clusters.World(np.ones((2, 3)), np.zeros((3, 3)), 2.0)
    with pytest.raises(eh.BadInput, match='"autarky"'):
        clusters.equilibrium(world, np.zeros(3, bool))
