"""Table 2 of Caliendo and Parro (2015): welfare of NAFTA's tariff cuts, first order as printed, and exact."""

import numpy as np
import pytest

import exacthat as eh
from exacthat.errors import BadInput
from exacthat.published import MEMBERS, PRINTED_CP, nafta

EXACT = {"MEX": 0.007, "CAN": -0.110, "USA": 0.074}


@pytest.fixture(scope="module")
def economy():
    return eh.datasets.load("nafta1993")


@pytest.fixture(scope="module")
def table(economy):
    return nafta(economy)


def _row(table, country):
    at = table.rows.index((country,))
    return {name: float(values[at]) for name, values in table.columns.items()}


@pytest.mark.parametrize("country", MEMBERS)
def test_first_order_welfare_to_the_printed_digit(table, country):
    row = _row(table, country)
    assert round(row["welfare_first_order"], 2) == PRINTED_CP[country]
    assert row["terms_of_trade"] + row["volume_of_trade"] == pytest.approx(row["welfare_first_order"])


@pytest.mark.parametrize("country", MEMBERS)
def test_exact_real_income(table, country):
    assert round(_row(table, country)["real_income"], 3) == EXACT[country]


def test_both_equilibria_are_certified_and_balanced(table):
    assert table.failed == ()
    assert len(table.certificates) == 2
    assert not table.base.deficits.any()
    assert len(table.rows) == 31


def test_first_order_and_exact_agree_for_small_tariffs(economy):
    """With all tariffs at a hundredth, before and after, the two differ by second order only."""
    base = eh.purge_deficits(economy)
    small = eh.Economy(
        base.flows / (1 + base.tariff) * (1 + 0.01 * base.tariff), base.trade_elasticity,
        countries=base.countries, industries=base.industries, tariff=0.01 * base.tariff,
        input_shares=base.input_shares, expenditure_shares=base.expenditure_shares,
    )  # fmt: skip
    small = eh.purge_deficits(small)
    tariff = np.array(small.tariff)
    members = small.country_index(MEMBERS)
    tariff[np.ix_(members, members)] = 0.0
    terms = eh.caliendo_parro_terms(eh.counterfactual(small, policy=eh.Policy(tariff=tariff), tol=1e-12))
    assert abs(terms.exact[members]).min() > 1e-6
    assert abs(terms.error[members]).max() < 0.05 * abs(terms.exact[members]).max()


def test_members_not_in_the_data_are_refused(economy):
    with pytest.raises(BadInput, match="'MEXICO'"):
        nafta(economy, ["MEXICO"])
