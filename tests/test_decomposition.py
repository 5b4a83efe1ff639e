"""What changes of welfare are made of: every set of terms adds up, and each term is what its name says."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import exacthat as eh
from tests.worlds import economy

SEEDS = st.integers(0, 2**32 - 1)


def tariff_world(seed, size, links=False):
    """A balanced world whose foreign tariffs are about `size`."""
    rng = np.random.default_rng(seed)
    tariff = size * rng.random((4, 4, 3)) * ~np.eye(4, dtype=bool)[:, :, None]
    inputs = 0.3 * rng.dirichlet(np.ones(3), 3).T * np.ones((4, 1, 1)) if links else None
    shares = rng.dirichlet(np.full(3, 5.0), 4) if links else None
    return economy(seed, highest_alpha=0.0, tariff=tariff, input_shares=inputs, expenditure_shares=shares)


@given(seed=SEEDS, links=st.booleans())
def test_caliendo_parro_terms_are_the_derivative_in_tariffs(seed, links):
    """Their error is of second order: ten times smaller tariffs, a hundred times smaller error."""
    misses = []
    for size in (1e-2, 1e-3):
        world = tariff_world(seed, size, links)
        eq = eh.counterfactual(world, policy=eh.Policy(tariff=0.0), tol=1e-12)
        terms = eh.caliendo_parro_terms(eq)
        assert abs(terms.exact).max() > 1e-3 * size
        misses.append(abs(terms.error).max())
    assert misses[0] < 20 * 1e-4
    assert misses[1] < misses[0] / 50


@given(seed=SEEDS)
def test_caliendo_parro_terms_of_trade_cancel_over_the_world(seed):
    world = tariff_world(seed, 0.3)
    eq = eh.counterfactual(world, policy=eh.Policy(tariff=0.0))
    terms = eh.caliendo_parro_terms(eq).terms
    assert abs((terms["terms_of_trade"] * world.expenditure).sum()) < 1e-12 * world.expenditure.sum()
