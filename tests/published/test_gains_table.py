"""Last table of Lashkaripour's lecture: gains from trade in single- and multi-industry models, WIOD 2008.

The printed 7.8 for Belgium, single industry, is a slip: the data give 7.49.
"""

import numpy as np
import pytest

import exacthat as eh

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


def test_multi_exceeds_single_except_in_japan_and_korea(economy):
    """A usual ordering and not a theorem."""
    smaller = eh.gains_from_trade(economy).percent < eh.single_industry_gains(economy, ELASTICITY)
    assert set(np.array(economy.countries)[smaller]) == {"JPN", "KOR"}
