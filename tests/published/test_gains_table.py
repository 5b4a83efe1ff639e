"""Last table of Lashkaripour's lecture: gains from trade in single- and multi-industry models, WIOD 2008.

The printed 7.8 for Belgium, single industry, is a slip: the data give 7.49.
"""

import numpy as np
import pytest

import exacthat as eh
from exacthat import scenarios

PRINTED = {"IRL": (8.0, 23.5), "BEL": (7.5, 32.7), "DEU": (4.5, 12.7), "CHN": (2.6, 4.0), "USA": (1.8, 4.4)}
ELASTICITY = 5.0  # of the single-industry column (Costinot and Rodriguez-Clare 2014)


@pytest.fixture(scope="module")
def economy():
    return eh.datasets.load("wiod2008")


@pytest.mark.parametrize("country", PRINTED)
def test_to_the_printed_digit(economy, country):
    n = economy.countries.index(country)
    single = eh.single_industry_gains(economy, ELASTICITY)[n]
    multi = eh.gains_from_trade(economy).percent[n]
    assert (round(float(single), 1), round(float(multi), 1)) == PRINTED[country]


def _solved(world):
    """Loss of real wages (N,) in percent when all foreign trade ends, by the solver."""
    eq = eh.counterfactual(world, eh.Shock(trade_cost=np.inf), deficits="zero")
    assert eq.certificate.ok
    return 100.0 * (1.0 - eq.wage_hat / eq.price_index_hat)


def test_to_the_printed_digit_by_solving_for_autarky(economy):
    """In the world with the data's trade shares and final-demand weights, which its flows alone contradict."""
    size = economy.expenditure[:, None] * economy.expenditure_shares
    world = eh.Economy(
        economy.trade_shares * size, economy.trade_elasticity, countries=economy.countries,
        industries=economy.industries,
    )  # fmt: skip
    one = eh.Economy(economy.flows.sum(axis=2, keepdims=True), ELASTICITY, countries=economy.countries)
    multi, single = _solved(world), _solved(one)
    np.testing.assert_allclose(multi, eh.gains_from_trade(economy).percent, atol=1e-7)
    at = {country: economy.countries.index(country) for country in PRINTED}
    solved = {country: (round(float(single[n]), 1), round(float(multi[n]), 1)) for country, n in at.items()}
    assert solved == PRINTED


def test_to_the_printed_digit_by_the_command():
    table = scenarios.run(scenarios.find("autarky-wiod2008"))
    printed = dict(zip((row[0] for row in table.rows), zip(
        table.columns["gains_single_industry"].round(1).tolist(), table.columns["gains_from_trade"].round(1).tolist(),
    )))  # fmt: skip
    assert printed == PRINTED


def test_multi_exceeds_single_except_in_japan_and_korea(economy):
    """A usual ordering and not a theorem."""
    smaller = eh.gains_from_trade(economy).percent < eh.single_industry_gains(economy, ELASTICITY)
    assert set(np.array(economy.countries)[smaller]) == {"JPN", "KOR"}
