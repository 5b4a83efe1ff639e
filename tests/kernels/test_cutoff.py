"""Cut-off kernels: conditions of the equilibrium, closed forms, symmetries."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exacthat.kernels.cutoff import examples, nb

seeds = st.integers(0, 2**32 - 1)


def conditions(log_technology, tradable, labour, sigma, share, employment, summary):
    """Largest relative violation of profits, entry, goods and labour markets, budgets."""
    technology = np.exp(log_technology)
    autarky = not tradable.any()
    wages = np.array([1.0 if autarky else np.exp(summary[0]), 1.0])
    cost = wages[:, None] / technology
    price = np.where(tradable, cost.min(axis=0), cost)
    consumption = np.exp(summary[1:])
    price_index = (price ** (1 - sigma)).sum(axis=1) ** (1 / (1 - sigma))
    demand = consumption[:, None] * (price / price_index[:, None]) ** -sigma  # (4)
    output = technology * employment  # (5)
    faults = [
        np.abs(consumption * price_index / (wages * labour) - 1).max(),  # budgets
        np.abs(employment.sum(axis=1) / labour - 1).max(),  # labour markets
        ((cost / price - 1) * (employment > 0)).max(),  # zero profit wherever something is made
    ]
    value = price * output
    world = np.where(tradable, value.sum(axis=0), value)
    bought = price * demand
    spent = np.where(tradable, bought.sum(axis=0), bought)
    faults.append(np.abs(world - spent).max() / (wages * labour).sum())  # goods markets
    made_shares = np.nan_to_num(share[tradable])
    faults.append(0.0 if np.all((made_shares >= 0) & (made_shares <= 1)) else 1.0)
    return max(faults)


def test_equilibrium_conditions_on_thousands_of_economies():
    rng = np.random.default_rng(1)
    worst = 0.0
    for _ in range(3000):
        economy = examples.trade(rng)
        worst = max(worst, conditions(*economy, *nb.trade(*economy)))
    assert worst < 1e-12


@pytest.mark.parametrize("n", [1, 2, 10_000])
def test_equilibrium_conditions_by_size(n):
    rng = np.random.default_rng(n)
    economy = (rng.normal(size=(2, n)), np.ones(n, dtype=bool), np.array([0.3, 2.0]), 3.0)
    assert conditions(*economy, *nb.trade(*economy)) < 1e-12


@given(seeds)
def test_closed_forms_of_free_trade(seed):
    rng = np.random.default_rng(seed)
    log_technology, _, labour, sigma = examples.trade(rng, n=6)
    share, employment, (log_wage, *_) = nb.trade(log_technology, np.ones(6, dtype=bool), labour, sigma)
    a, b = np.exp((sigma - 1) * log_technology)
    omega, ratio = np.exp(log_wage), np.exp(log_technology[0] - log_technology[1])
    shared = (share > 0) & (share < 1)
    if shared.sum() == 1:
        m = int(np.flatnonzero(shared)[0])
        kk = ratio[m] ** sigma * labour[0] / labour[1]
        s_home, s_foreign = a[ratio > ratio[m]].sum(), b[ratio < ratio[m]].sum()
        assert omega == pytest.approx(ratio[m], rel=1e-13)
        assert share[m] == pytest.approx((kk * (s_foreign + b[m]) - s_home) / (a[m] + kk * b[m]), abs=1e-10)
    elif not shared.any():
        s_home, s_foreign = a[share == 1].sum(), b[share == 0].sum()
        assert omega**sigma == pytest.approx(labour[1] / labour[0] * s_home / s_foreign, rel=1e-11)
        assert ratio[share == 0].max(initial=0) <= omega * (1 + 1e-12)
        assert omega <= ratio[share == 1].min(initial=np.inf) * (1 + 1e-12)
        np.testing.assert_allclose(employment[0], labour[0] * a * (share == 1) / s_home, rtol=1e-11)


@given(seeds)
def test_order_countries_and_units_do_not_matter(seed):
    rng = np.random.default_rng(seed)
    log_technology, tradable, labour, sigma = examples.trade(rng)
    share, employment, summary = nb.trade(log_technology, tradable, labour, sigma)
    order = rng.permutation(share.size)
    permuted = nb.trade(log_technology[:, order], tradable[order], labour, sigma)
    np.testing.assert_allclose(permuted[0], share[order], rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(permuted[2], summary, rtol=1e-11, atol=1e-12)
    swapped = nb.trade(log_technology[::-1].copy(), tradable, labour[::-1].copy(), sigma)
    np.testing.assert_allclose(swapped[1][::-1], employment, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(-swapped[2][0], summary[0], rtol=1e-11, atol=1e-11)
    bigger = nb.trade(log_technology, tradable, 7 * labour, sigma)
    np.testing.assert_allclose(bigger[1], 7 * employment, rtol=1e-11, atol=1e-13)
    better = nb.trade(log_technology + np.log(5), tradable, labour, sigma)
    np.testing.assert_allclose(better[2][1:], summary[1:] + np.log(5), rtol=1e-11, atol=1e-11)


def test_a_country_that_is_far_ahead_leaves_the_other_its_best_ratio():
    log_technology = np.array([[0.0, 0.3, -0.2], [500.0, 500.1, 499.8]])
    share, employment, summary = nb.trade(log_technology, np.ones(3, dtype=bool), np.array([1.0, 1.0]), 4.0)
    assert 0 < share[1] < 1e-200
    assert share[0] == share[2] == 0
    assert summary[0] == pytest.approx(0.3 - 500.1, rel=1e-13)
    np.testing.assert_allclose(employment.sum(axis=1), 1, rtol=1e-12)


def test_a_tied_margin_is_split_in_one_proportion():
    share, employment, summary = nb.trade(np.zeros((2, 4)), np.ones(4, dtype=bool), np.array([1.0, 3.0]), 2.0)
    np.testing.assert_allclose(share, 0.25, rtol=1e-14)
    np.testing.assert_allclose(employment, [[0.25] * 4, [0.75] * 4], rtol=1e-14)
    assert summary[0] == 0


def test_mobile_labour_follows_absolute_advantage():
    log_technology = np.log([[4.0, 1.0, 2.0], [1.0, 3.0, 2.0]])
    share, employment, summary = nb.mobile(log_technology, np.array([1.0, 2.0]), 2.0)
    np.testing.assert_array_equal(share, [1.0, 0.0, 0.5])
    np.testing.assert_allclose(employment.sum(axis=0), 3 * np.array([4, 3, 2]) / 9, rtol=1e-14)
    np.testing.assert_allclose(np.exp(summary[1:]), 9, rtol=1e-13)


def test_equilibrium_conditions_of_very_unequal_countries():
    """Labour and technology up to 1e12 apart: one country's share of a good is round-off against the other's."""
    rng = np.random.default_rng(2)
    worst = 0.0
    for _ in range(2000):
        log_technology, tradable, labour, sigma = examples.trade(rng)
        log_technology = log_technology + np.array([[0.0], [rng.uniform(-14, 14)]])
        labour = labour * np.array([1.0, 10.0 ** rng.uniform(-6, 6)])
        economy = (log_technology, tradable, labour, sigma)
        worst = max(worst, conditions(*economy, *nb.trade(*economy)))
    assert worst < 1e-12
