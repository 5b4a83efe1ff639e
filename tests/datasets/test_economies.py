"""Embedded data as economies: the arrays arrive unchanged, options do what they say."""

import numpy as np
import pytest

import exacthat
from exacthat import datasets
from exacthat.errors import BadInput, BadParameter


@pytest.fixture(scope="module", params=datasets.names())
def loaded(request):
    return request.param, datasets.load(request.param)


def test_an_economy_carries_labels_and_sales_of_its_data(loaded):
    name, economy = loaded
    held = datasets.arrays(name)
    assert isinstance(economy, exacthat.Economy)
    assert tuple(economy.countries) == tuple(held["countries"].tolist())
    assert tuple(economy.industries) == tuple(held["industries"].tolist())
    flows = held["flows"].astype(float)
    at_border = {"nafta1993": 1.0, "wiod2014": 1.0 / (1.0 + held.get("tariff", 0.0))}.get(name, 1.0)
    np.testing.assert_allclose(economy.sales, (flows * at_border).sum(axis=1), rtol=1e-12)
    assert economy.entry == "free"


@pytest.mark.parametrize("name", ["wiod2014", "nafta1993"])
def test_tariffs_arrive_in_their_orientation(name):
    np.testing.assert_array_equal(datasets.load(name).tariff, datasets.arrays(name)["tariff"])


def test_links_of_1993_leave_value_added_to_labour():
    economy, held = datasets.load("nafta1993"), datasets.arrays("nafta1993")
    np.testing.assert_allclose(economy.labour_share, held["value_added_share"], rtol=1e-12)
    np.testing.assert_allclose(economy.expenditure_shares, held["expenditure_shares"], rtol=1e-15)


@pytest.mark.parametrize(("entry", "services"), [("free", 10.0), ("restricted", 11.0)])
def test_the_published_world_has_the_arrays_of_the_paper(entry, services):
    economy, held = datasets.load("wiod2014", as_published=True, entry=entry), datasets.arrays("wiod2014")
    np.testing.assert_array_equal(economy.flows, held[f"flows_balanced_{entry}"])
    np.testing.assert_array_equal(economy.tariff, held["tariff"].transpose(1, 0, 2))
    assert (economy.entry, economy.trade_elasticity[-1]) == (entry, services)
    assert not economy.deficits.any()


def test_default_elasticities_are_those_of_the_set(loaded):
    name, economy = loaded
    held = datasets.elasticity_table(name) if name == "icio2019" else datasets.arrays(name)
    trade = held["trade_elasticity_free" if name == "wiod2014" else "trade_elasticity"]
    np.testing.assert_array_equal(economy.trade_elasticity, trade)
    np.testing.assert_array_equal(economy.scale_elasticity, held["scale_elasticity"])


def test_wiod2008_weights_are_final_demand_or_spending():
    held = datasets.arrays("wiod2008")
    np.testing.assert_allclose(
        datasets.load("wiod2008").expenditure_shares, held["expenditure_shares"], rtol=1e-12
    )
    spending = held["flows"].sum(axis=0)
    np.testing.assert_allclose(
        datasets.load("wiod2008", expenditure_shares="spending").expenditure_shares,
        spending / spending.sum(axis=1, keepdims=True),
        rtol=1e-12,
    )


@pytest.mark.parametrize("name", ["wiod2014", "icio2019"])
def test_services_trade_elasticity_changes_services_alone(name):
    before, after = datasets.load(name), datasets.load(name, services_trade_elasticity=6.5)
    assert after.trade_elasticity[-1] == 6.5
    np.testing.assert_array_equal(after.trade_elasticity[:-1], before.trade_elasticity[:-1])
    np.testing.assert_array_equal(after.scale_elasticity, before.scale_elasticity)
    kept = datasets.load(name, services_trade_elasticity=None, trade_elasticity=None)
    np.testing.assert_array_equal(kept.trade_elasticity, before.trade_elasticity)


def test_trade_elasticities_go_by_the_name_of_their_set():
    table = datasets.elasticity_table("icio2019")
    chosen = datasets.load("icio2019", trade_elasticity="FGO", services_trade_elasticity=5.0)
    np.testing.assert_array_equal(chosen.trade_elasticity[:-1], table["FGO"][:-1])
    assert chosen.trade_elasticity[-1] == 5.0


def test_overrides_and_entry_reach_the_economy():
    economy = datasets.load(
        "wiod2014", trade_elasticity=4.0, scale_elasticity=np.full(16, 0.1), entry="restricted"
    )
    np.testing.assert_array_equal(economy.trade_elasticity, np.full(16, 4.0))
    np.testing.assert_array_equal(economy.scale_elasticity, np.full(16, 0.1))
    assert economy.entry == "restricted"
    np.testing.assert_array_equal(
        datasets.load("wiod2014", entry="restricted").trade_elasticity,
        datasets.load("wiod2014").trade_elasticity,
    )


@pytest.mark.parametrize("entry", ["free", "restricted"])
@pytest.mark.parametrize("name", datasets.names())
def test_zero_deficits_balance_every_country(name, entry):
    observed, balanced = (datasets.load(name, deficits=rule, entry=entry) for rule in ("observed", "zero"))
    assert (np.abs(observed.deficits) > 1e-3 * observed.expenditure).any()
    assert not balanced.deficits.any()
    np.testing.assert_allclose(balanced.income, balanced.expenditure, rtol=1e-9)
    np.testing.assert_allclose(balanced.expenditure_shares, observed.expenditure_shares, atol=1e-9)
    assert balanced.entry == entry


@pytest.mark.parametrize(
    ("name", "options", "named"),
    [
        ("icio2019", {"deficit": "zero"}, ["no option 'deficit'", "did you mean 'deficits'?"]),
        (
            "wiod2008",
            {"services_trade_elasticity": 4},
            ["no option 'services_trade_elasticity'", "known: deficits"],
        ),
        ("wiod2014", {"deficits": "zeros"}, ["deficits = 'zeros'; did you mean 'zero'?"]),
        ("wiod2014", {"entry": None}, ["entry = None", "free, restricted"]),
        ("wiod2008", {"expenditure_shares": "final demand"}, ["did you mean 'final'?"]),
        ("wiod2014", {"as_published": "yes"}, ["as_published = 'yes'", "False, True"]),
        ("icio2019", {"as_published": True}, ["no option 'as_published'"]),
        ("wiod2014", {"trade_elasticity": "CP"}, ["has no named sets"]),
        ("icio2019", {"trade_elasticity": "FG0"}, ["did you mean 'FGO'?", "LL, CP"]),
        ("icio2019", {"trade_elasticity": 4.0, "services_trade_elasticity": 4.0}, ["pass one of them"]),
        ("icio2019", {"year": 2020, "entry": "fre"}, ["no option 'year'", "did you mean 'free'?"]),
    ],
)
def test_wrong_options_are_refused_together_with_the_cure(name, options, named):
    with pytest.raises(BadInput) as caught:
        datasets.load(name, **options)
    for text in named:
        assert text in str(caught.value)


@pytest.mark.parametrize("value", [0.0, -4, np.nan, np.inf, "4", [4.0]])
def test_services_trade_elasticity_is_one_positive_number(value):
    with pytest.raises(
        BadParameter, match=r"services_trade_elasticity = .* must be one finite number above 0"
    ):
        datasets.load("icio2019", services_trade_elasticity=value)
