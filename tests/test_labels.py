"""Tables that carry labels are put in order or refused; labels that cannot stand, or look alike, are refused."""

import numpy as np
import pandas as pd
import pytest
import xarray

import exacthat as eh
from exacthat import clusters, dynamics
from exacthat.accounting import elasticity_correlation
from exacthat.labels import look_alikes

COUNTRIES, INDUSTRIES = ["PAK", "IND", "CHN"], ["food", "steel", "cars"]
NAMES = {"countries": COUNTRIES, "industries": INDUSTRIES}
FLOWS = np.random.default_rng(2).uniform(1, 2, (3, 3, 3)) + 5 * np.eye(3)[:, :, None]
ROWS = {
    "origin": ["A", "A", "B", "B"],
    "destination": ["A", "B", "A", "B"],
    "industry": ["food"] * 4,
    "value": [8.0, 2.0, 1.0, 9.0],
}


def build(**changes):
    return eh.Economy(
        **{"flows": FLOWS, "trade_elasticity": 4.0, "scale_elasticity": 0.1, **NAMES, **changes}
    )


def shuffled(values, rows=COUNTRIES, columns=INDUSTRIES):
    """The same numbers by label, in another order."""
    return pd.DataFrame(values, rows, columns).iloc[::-1, [1, 2, 0]]


def labelled(values, **axes):
    return xarray.DataArray(values, axes, list(axes)[: np.ndim(values)])


SHARES = np.random.default_rng(3).dirichlet(np.ones(3), 3)
INPUTS = np.random.default_rng(4).uniform(0, 0.2, (3, 3))
RATES = np.random.default_rng(5).uniform(0, 0.2, (3, 3, 3)) * ~np.eye(3, dtype=bool)[:, :, None]


@pytest.mark.parametrize(
    ("name", "plain", "labelled"),
    [
        ("expenditure_shares", SHARES, shuffled(SHARES)),
        ("production_subsidy", SHARES, shuffled(SHARES)),
        ("production_subsidy", SHARES[0], pd.Series(SHARES[0], INDUSTRIES)[::-1]),
        ("production_subsidy", SHARES, [pd.Series(row, INDUSTRIES)[::-1] for row in SHARES]),
        ("input_shares", INPUTS, shuffled(INPUTS, INDUSTRIES)),
        ("trade_elasticity", SHARES[0], pd.Series(SHARES[0], INDUSTRIES)[::-1]),
        ("tariff", SHARES[0], pd.Series(SHARES[0], INDUSTRIES)[::-1]),
        ("tariff", RATES, labelled(RATES[::-1, :, ::-1], o=COUNTRIES[::-1], d=COUNTRIES, k=INDUSTRIES[::-1])),
    ],
)
def test_labelled_tables_are_read_by_label(name, plain, labelled):
    options = {"expenditure_shares": SHARES} if name == "input_shares" else {}
    expected, found = (getattr(build(**options, **{name: given}), name) for given in (plain, labelled))
    np.testing.assert_array_equal(found, expected)


def test_deficits_are_read_by_label():
    levels = pd.Series({"CHN": 0.2, "PAK": -0.3, "IND": 0.1})
    assert eh.counterfactual(build(), deficits=levels).deficits.tolist() == [-0.3, 0.1, 0.2]


def test_columns_of_polars_are_labels():
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame(dict(zip(INDUSTRIES, SHARES.T))).select("cars", "food", "steel")
    np.testing.assert_array_equal(build(expenditure_shares=frame).expenditure_shares, SHARES)
    unnamed = polars.DataFrame(SHARES)
    np.testing.assert_array_equal(build(expenditure_shares=unnamed).expenditure_shares, SHARES)
    with pytest.raises(eh.BadInput, match=r"labels of its own \('cars'\)"):
        eh.Shock(productivity=frame)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            pd.DataFrame(SHARES, COUNTRIES, ["food", "steel", "car"]),
            "column label 'car', .* did you mean 'cars'",
        ),
        (pd.DataFrame(SHARES, ["PAK", "PAK", "IND"], INDUSTRIES), "row label 'PAK' twice"),
        (pd.DataFrame(SHARES[:2], COUNTRIES[:2], INDUSTRIES), "lacks the row label 'CHN'"),
    ],
)
def test_other_labels_are_named(given, message):
    with pytest.raises(eh.BadInput, match=message):
        build(expenditure_shares=given)


def test_a_series_by_country_is_none_by_industry():
    """As many countries as industries: only the labels tell them apart."""
    with pytest.raises(eh.BadInput, match="row label 'PAK', which is none"):
        build(production_subsidy=pd.Series([0.1, 0.2, 0.3], COUNTRIES))


@pytest.mark.parametrize(
    "change",
    [
        lambda: eh.Shock(productivity=pd.DataFrame(np.ones((3, 3)), columns=["cars", "steel", "food"])),
        lambda: eh.Shock(labour=pd.Series([1.0, 2.0, 3.0], COUNTRIES)),
        lambda: eh.Shock(productivity=[row for _, row in shuffled(SHARES).iterrows()]),
        lambda: eh.Shock(trade_cost=xarray.DataArray(np.ones((3, 3, 1)), {"o": COUNTRIES}, ["o", "d", "k"])),
        lambda: eh.Policy(production_subsidy=shuffled(SHARES)),
    ],
)
def test_labels_are_refused_where_the_order_is_not_known(change):
    with pytest.raises(eh.BadInput, match=r"labels of its own .*to_numpy"):
        change()


ROUTES = {"origin": COUNTRIES, "destination": COUNTRIES[::-1], "industry": INDUSTRIES}


def test_flows_bring_their_labels():
    table = labelled(FLOWS[:, ::-1], **ROUTES)
    world = eh.Economy(table, 4.0)
    assert (world.countries, world.industries) == (tuple(COUNTRIES), tuple(INDUSTRIES))
    np.testing.assert_array_equal(world.flows, FLOWS)
    np.testing.assert_array_equal(build(flows=table[::-1, :, ::-1]).flows, FLOWS)


def test_named_axes_are_read_by_name():
    """As many countries as industries, and the same labels of origins and destinations: only the names tell."""
    table = labelled(FLOWS[:, ::-1], **ROUTES).transpose("industry", "destination", "origin")
    np.testing.assert_array_equal(build(flows=table).flows, FLOWS)
    tariff = labelled(RATES[:, ::-1], **ROUTES).transpose("destination", "origin", "industry")
    np.testing.assert_array_equal(build(tariff=tariff).tariff, RATES)
    subsidy = labelled(SHARES, country=COUNTRIES, industry=INDUSTRIES).T
    np.testing.assert_array_equal(build(production_subsidy=subsidy).production_subsidy, SHARES)


def test_flows_whose_labels_do_not_fit_are_refused():
    table = labelled(FLOWS, **ROUTES | {"destination": ["PAK", "IND", "JPN"]})
    with pytest.raises(eh.BadInput, match="column label 'JPN', which is none of the economy's"):
        eh.Economy(table, 4.0)
    with pytest.raises(eh.BadInput, match="row label 'PAK'"):
        eh.Economy(table, 4.0, countries=["JPN", "CHN", "KOR"])


def unlabelled(values, *names):
    return xarray.DataArray(values, dims=names)


@pytest.mark.parametrize(
    "read",
    [
        lambda: build(flows=unlabelled(FLOWS, "destination", "origin", "sector")),
        lambda: build(flows=unlabelled(FLOWS, "industry", "from", "to")),
        lambda: build(tariff=unlabelled(RATES[:, :, :1], "destination", "origin", "all")),
        lambda: build(production_subsidy=unlabelled(SHARES, "industry", "origin")),
        lambda: build(production_subsidy=unlabelled(SHARES, "sector", "country")),
        lambda: build(input_shares=unlabelled(INPUTS, "industry", "input")),
        lambda: build(trade_elasticity=unlabelled(SHARES[0], "country")),
        lambda: eh.Shock(productivity=unlabelled(SHARES[0], "country")),
        lambda: eh.Shock(labour=unlabelled(SHARES[0], "industry")),
        lambda: eh.welfare_sensitivity(
            eh.counterfactual(build()), {"tariff": unlabelled(SHARES, "origin", "industry")}
        ),
    ],
)
def test_named_axes_that_stand_where_others_are_read_are_refused(read):
    """As many countries as industries: no size tells."""
    with pytest.raises(eh.BadInput, match="of which one stands where another is read"):
        read()


def test_names_of_axes_that_stand_where_they_are_read_are_let_through():
    subsidy = build(production_subsidy=unlabelled(SHARES, "firm", "industry")).production_subsidy
    np.testing.assert_array_equal(subsidy, SHARES)
    shares = build(input_shares=unlabelled(INPUTS, "input", "industry")).input_shares
    np.testing.assert_array_equal(shares[0], INPUTS)
    rates = build(tariff=unlabelled(RATES[:, :, :1], "origin", "destination", "all")).tariff
    np.testing.assert_array_equal(rates[:, :, 0], RATES[:, :, 0])
    np.testing.assert_array_equal(eh.Shock(labour=unlabelled(SHARES[0], "origin")).labour, SHARES[0])


def test_labels_may_come_as_an_axis_of_an_xarray():
    table = labelled(FLOWS, origin=COUNTRIES, destination=COUNTRIES, industry=[1999, 2000, 2001])
    world = eh.Economy(FLOWS, 4.0, countries=table["origin"], industries=table["industry"])
    assert (world.countries, world.industries) == (tuple(COUNTRIES), ("1999", "2000", "2001"))
    assert world.country_index(table["origin"][1:]).tolist() == [1, 2]
    assert world.country_index(table["origin"][2]).tolist() == [2]
    assert world.select(table["origin"][1:], rest=None).countries == tuple(COUNTRIES[1:])
    days = xarray.DataArray(np.array(["2001-01-01", "2002-01-01", "2003-01-01"], "M8[D]"), dims="day")
    assert eh.Economy(FLOWS, 4.0, industries=days).industries[0].startswith("2001-01-01")


def test_flows_with_labels_on_one_side_bring_them():
    world = eh.Economy(labelled(FLOWS, **ROUTES).drop_vars("origin"), 4.0)
    assert world.countries == tuple(COUNTRIES[::-1])
    np.testing.assert_array_equal(world.flows, FLOWS)


def test_a_dataset_is_no_array_of_flows():
    with pytest.raises(eh.BadInput, match="flows cannot be read as an array"):
        eh.Economy(labelled(FLOWS, **ROUTES).to_dataset(name="flows"), 4.0)


def test_what_a_scenario_keeps_of_an_xarray_is_its_own():
    drawn = labelled(SHARES[0].copy(), industry=INDUSTRIES)
    kept = eh.Scenario(trade_elasticity=drawn)
    drawn[:] = 9.0
    np.testing.assert_array_equal(kept.trade_elasticity, SHARES[0])


def test_the_way_out_for_labelled_shocks_keeps_the_order_of_axes():
    table = labelled(SHARES, country=COUNTRIES, industry=INDUSTRIES).T
    with pytest.raises(eh.BadInput, match=r"\.transpose\('country', 'industry'\)\.to_numpy\(\)"):
        eh.Shock(productivity=table)


def test_numbered_frames_are_plain_arrays():
    assert eh.Shock(productivity=pd.DataFrame(2 * np.ones((3, 3)))).productivity.shape == (3, 3)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"countries": set(COUNTRIES)}, "countries are a set, which has no order"),
        ({"industries": frozenset(INDUSTRIES)}, "industries are a set"),
        ({"countries": ["PAK", None, "CHN"]}, "label at position 1 is None"),
        ({"industries": ["food", "steel", float("nan")]}, "label at position 2 is nan"),
        ({"countries": [b"PAK", "IND", "CHN"]}, "label at position 0 is b'PAK'; give it as text"),
        ({"countries": b"PAK"}, "give a sequence"),
        ({"countries": ["Ind", "IND", "CHN"]}, "'IND' looks like 'Ind'; if they are one, write them alike"),
        ({"industries": ["food", "iron ore", "Iron  Ore"]}, "'Iron  Ore' looks like 'iron ore'"),
    ],
)
def test_labels_that_cannot_stand_are_refused(given, message):
    with pytest.raises(eh.BadInput, match=message):
        build(**given)


@pytest.mark.parametrize("name", ["wiod2014", "wiod2008", "icio2019", "nafta1993"])
def test_no_labels_of_the_embedded_data_look_alike(name):
    held = eh.datasets.arrays(name)
    assert not look_alikes([*held["countries"].tolist(), *held["industries"].tolist()], "labels")


@pytest.mark.parametrize(
    ("changes", "options", "message"),
    [
        ({"industry": ["food", "Food", "food ", "food"]}, {}, "'Food' looks like 'food'"),
        ({"origin": [b"A", b"A", b"B", b"B"]}, {}, "row 0: 'origin' is b'A'; decode labels to text"),
        ({"value": [True, 2.0, 1.0, 9.0]}, {}, "row 0: 'value' is True; it must be a number"),
        ({"origin": [None] * 4, "destination": [None] * 4, "industry": [None] * 4}, {}, "row 3 has no label"),
        ({}, {"countries": {"A", "B"}}, "countries are a set"),
        ({}, {"countries": ["A", "B", None]}, "label at position 2 is None"),
        ({"tariff": [0, 10, 10, 0]}, {"tariff": "tariff"}, r"tariff\['A', 'B', 'food'\] is 10, .* mean 0.1"),
    ],
)
def test_slips_in_long_tables(changes, options, message):
    with pytest.raises(eh.BadInput, match=message):
        eh.Economy.from_long(ROWS | changes, 4.0, **options)


def test_a_missing_label_is_no_label():
    with pytest.raises(eh.BadInput) as caught:
        eh.Economy.from_long(ROWS | {"origin": ["A", None, "B", "B"]}, 4.0)
    assert not any("'None'" in problem for problem in caught.value.problems)


def test_blanks_around_labels_do_not_count():
    world = eh.Economy.from_long(ROWS | {"industry": ["food", " food", "food ", "food"]}, {"food": 4.0})
    assert world.industries == ("food",)


def test_lazy_tables_are_to_be_collected():
    polars = pytest.importorskip("polars")
    with pytest.raises(eh.BadInput, match=r"LazyFrame .* collect\(\) it first"):
        eh.Economy.from_long(polars.LazyFrame(ROWS), 4.0)


@pytest.mark.parametrize("elasticity", [pd.Series([4.0, 5.0, 6.0]), [4.0, 5.0, 6.0]])
def test_numbers_of_rows_are_places_or_labels_but_not_both(elasticity):
    assert eh.Economy(FLOWS, elasticity, industries=[0, 1, 2]).trade_elasticity.tolist() == [4.0, 5.0, 6.0]
    table = pd.DataFrame(np.full((3, 3), 0.1))
    for given in ({"trade_elasticity": pd.Series([4.0, 5.0, 6.0])}, {"production_subsidy": table}):
        with pytest.raises(eh.BadInput, match="may be labels or places"):
            build(**{"industries": ["2", "0", "1"], **given})


def test_elasticities_by_label():
    assert (
        build(trade_elasticity=pd.Series([6.0, 4.0, 5.0], ["cars", "food", "steel"])).trade_elasticity[2]
        == 6.0
    )
    with pytest.raises(eh.BadInput, match="'cars' twice"):
        build(trade_elasticity=pd.Series([4.0, 5.0, 6.0, 7.0], ["food", "steel", "cars", "cars"]))
    years = eh.Economy(FLOWS, {2019: 4.0, 2021: 6.0, 2020: 5.0}, industries=[2019, 2020, 2021])
    assert years.trade_elasticity.tolist() == [4.0, 5.0, 6.0]


def test_rows_of_lists_are_put_in_order_at_any_depth():
    row = pd.Series([0.3, 0.1, 0.2], ["cars", "food", "steel"])
    tariff = [[0.0 * row if i == n else row for n in range(3)] for i in range(3)]
    assert build(tariff=tariff).tariff[0, 1].tolist() == [0.1, 0.2, 0.3]
    with pytest.raises(eh.BadInput, match="labels of its own"):
        eh.Policy(tariff=tariff)


@pytest.mark.parametrize(
    "call",
    [
        lambda series, frame: dynamics.Learning(np.eye(3), initial=frame),
        lambda series, frame: dynamics.Learning(np.eye(3), labour=series),
        lambda series, frame: dynamics.Learning(frame, industries=["steel", "food", "cars"]),
        lambda series, frame: clusters.World(frame.iloc[:2], 0.1 * np.eye(3), elasticity=2.0),
        lambda series, frame: elasticity_correlation(series, series),
    ],
)
def test_tables_with_labels_are_refused_where_the_order_is_not_known(call):
    series = pd.Series([1.0, 2.0, 3.0], INDUSTRIES)
    with pytest.raises(eh.BadInput, match="labels"):
        call(series, pd.DataFrame(np.eye(3) + 1.0, INDUSTRIES, INDUSTRIES))


def test_weights_and_directions_are_read_by_label():
    eq = eh.counterfactual(eh.purge_deficits(build()), eh.Shock(trade_cost=1.1))
    weights = pd.Series([0.0, 1.0, 0.0], ["CHN", "IND", "PAK"])
    np.testing.assert_array_equal(
        eh.welfare_gradient(eq, weights)["labour"], eh.welfare_gradient(eq, "IND")["labour"]
    )
    direction = np.random.default_rng(3).normal(size=(3, 3))
    frame = shuffled(direction)
    np.testing.assert_array_equal(
        eh.welfare_sensitivity(eq, {"productivity": frame}),
        eh.welfare_sensitivity(eq, {"productivity": direction}),
    )


@pytest.mark.parametrize("kind", [eh.Policy, lambda **given: build(**given)])
def test_a_confirmation_is_a_truth_value(kind):
    with pytest.raises(eh.BadInput, match=r"large_rates is .* True or False"):
        kind(large_rates=np.array([True, False]))
