"""Results as tables: labels, columns of the field, what prints, and what a missing library says."""

import subprocess
import sys

import numpy as np
import pytest

import exacthat as eh
from tests.taxed_worlds import taxed_economy
from tests.worlds import economy

SHOCK = eh.Shock(trade_cost=1.2)


@pytest.fixture(scope="module")
def solved():
    return eh.counterfactual(taxed_economy(4, ["bilateral", "subsidies"]), SHOCK)


def test_the_frame_of_an_equilibrium_has_the_columns_of_the_field(solved):
    frame = solved.to_frame()
    names = [
        "welfare",
        "real_wage",
        "price_index",
        "wage",
        "income",
        "expenditure",
        "exports",
        "imports",
        "domestic",
        "output",
    ]
    assert list(frame.columns) == [f"{name}_percent" for name in names]
    assert frame.attrs["outcome"] == "certified"
    np.testing.assert_allclose(
        frame["real_wage_percent"], 100 * (solved.wage_hat / solved.price_index_hat - 1)
    )
    n, away = 2, [0, 1, 3]
    before, after = solved.economy.border_flows, solved.border_flows
    change = lambda old, new: 100 * (new.sum() / old.sum() - 1)  # noqa: E731
    row = frame.loc[solved.countries[n]]
    assert row["exports_percent"] == pytest.approx(change(before[n, away], after[n, away]))
    assert row["imports_percent"] == pytest.approx(change(before[away, n], after[away, n]))
    assert row["domestic_percent"] == pytest.approx(change(before[n, n], after[n, n]))
    assert row["output_percent"] == pytest.approx(change(solved.economy.sales[n], solved.sales[n]))


def test_levels_by_industry_add_up_to_the_flows(solved):
    frame = solved.to_frame("industry")
    assert frame["exports"].sum() == pytest.approx(frame["imports"].sum())
    whole = frame["exports"].sum() + frame["domestic"].sum()
    assert whole == pytest.approx(solved.border_flows.sum())


def test_what_the_base_year_lacks_has_no_change_in_percent():
    flows = np.zeros((2, 2, 1))
    flows[0, 0, 0] = flows[1, 1, 0] = 1.0
    frame = eh.counterfactual(eh.Economy(flows, 4.0), eh.Shock(productivity=1.1)).to_frame()
    assert frame["exports_percent"].isna().all()
    np.testing.assert_allclose(frame["welfare_percent"], 10.0)


def test_a_frame_of_an_iterate_says_so():
    world = eh.Economy(np.random.default_rng(1).uniform(0.1, 1.0, (3, 3, 2)), 4.0, 0.2499999999)
    assert eh.counterfactual(world, SHOCK, on_failure="return").to_frame().attrs["outcome"] == "not converged"


def test_no_change_is_printed_as_no_gain():
    world = economy(6)
    assert "0 of 4 countries gain, 4 move by less than 0.0005 %;" in str(eh.counterfactual(world))
    almost = str(eh.counterfactual(world, eh.Shock(productivity=1 + 1e-9)))
    assert "0 of 4 countries gain, 4 move" in almost


def test_a_gradient_is_labelled(solved):
    slope = eh.welfare_gradient(solved, "C1")
    assert repr(slope).startswith("WelfareGradient(ln W of C1 by trade_cost, productivity")
    assert len(repr(slope)) < 250
    frame = slope.to_frame("tariff")
    assert frame.index.names == ["origin", "destination", "industry"]
    assert frame.loc[("C0", "C1", "industry2"), "tariff"] == slope["tariff"][0, 1, 2]
    assert slope.to_frame("labour").loc["C3", "labour"] == slope["labour"][3]
    whole = slope.to_frame().set_index("parameter")
    assert len(whole) == sum(values.size for values in slope.values())
    productivity = whole.loc["productivity"].set_index(["country", "industry"])["derivative"]
    np.testing.assert_array_equal(productivity.to_numpy(), slope["productivity"].ravel())
    with pytest.raises(KeyError, match="did you mean 'tariff'"):
        slope.to_frame("tarif")


def test_a_gradient_prints_where_it_is_largest(solved):
    slope = eh.welfare_gradient(solved, "C1")
    lines = str(slope).splitlines()
    assert lines[0].startswith("derivatives of ln W of C1")
    assert len(lines) == 1 + len(slope)
    i, k = np.unravel_index(np.argmax(np.abs(slope["productivity"])), slope["productivity"].shape)
    assert lines[2].split("  ")[-1] == f"C{i}, industry{k}"
    assert "a weighted sum of ln W" in str(eh.welfare_gradient(solved, np.ones(4)))


def test_gains_from_trade_print_and_frame_their_countries():
    raw = economy(3, balanced=False, countries=12)
    gains = eh.gains_from_trade(raw)
    assert "12 countries" in repr(gains)
    assert "deficits as observed, no counterfactual: purge them first" in repr(gains)
    assert len(repr(gains)) < 150
    assert "call exacthat.purge_deficits(economy) first" in str(gains)
    shown = [line.split()[0] for line in str(gains).splitlines() if line.startswith("C")]
    order = np.argsort(-gains.percent)
    assert shown == [f"C{n}" for n in (*order[:5], *order[-5:])]
    frame = gains.to_frame()
    assert frame.loc["C7", "percent"] == gains.percent[7]
    assert frame.loc["C7", "scale_term"] == gains.scale_term[7]
    purged = eh.gains_from_trade(eh.purge_deficits(raw))
    assert "deficits" not in repr(purged) + str(purged)


def test_cells_that_no_one_supplies_at_home_are_named_where_gains_print():
    flows = np.random.default_rng(0).uniform(0.1, 1.0, (3, 3, 8))
    flows[1, 1, 1:] = 0.0
    text = str(eh.gains_from_trade(eh.Economy(flows, 4.0)))
    assert "no domestic supply: C1, industry1" in text
    assert "... and 2 more (see .unsupplied)" in text


def test_a_dataset_goes_back_in_by_its_labels(solved):
    held = solved.to_xarray()
    assert held.attrs == {"outcome": "certified", "residual": solved.certificate.residual}
    assert held["welfare_hat"].sel(country="C2") == solved.welfare_hat[2]
    assert held["sales"].sel(country="C1", industry="industry2") == solved.sales[1, 2]
    assert held["flows"].dims == ("origin", "destination", "industry")
    world = solved.economy
    turned = held["flows"].isel(origin=slice(None, None, -1), industry=[2, 0, 1])
    again = eh.Economy(turned, world.trade_elasticity, countries=world.countries, industries=world.industries)
    np.testing.assert_array_equal(again.flows, solved.flows)
    held["flows"][:] = 0.0
    assert solved.flows.any()


def test_datasets_of_a_gradient_and_a_batch_hold_all_of_them(solved):
    slope = eh.welfare_gradient(solved, "C1")
    held = slope.to_xarray()
    assert set(held.data_vars) == {*slope, "weights"}
    for name, values in slope.items():
        np.testing.assert_array_equal(held[name], values)
    assert held["tariff"].sel(origin="C0", destination="C1", industry="industry2") == slope["tariff"][0, 1, 2]
    scenarios = [eh.Scenario(SHOCK, name="close"), eh.Shock(labour=-1.0)]
    batch = eh.counterfactuals(solved.economy, scenarios)
    rows = batch.to_xarray()
    np.testing.assert_array_equal(rows["welfare_hat"], batch.welfare_hat)
    assert rows["outcome"].sel(scenario="1") == "BadInput"
    assert "labour" in str(rows["message"].sel(scenario="1").values)


@pytest.mark.parametrize(
    ("library", "method", "kind", "extra", "many"),
    [("pandas", "to_frame", "frames", "app", 7), ("xarray", "to_xarray", "datasets", "xarray", 3)],
)
def test_without_its_library_every_table_says_how_to_get_it(library, method, kind, extra, many):
    code = (
        f"import sys; sys.modules[{library!r}] = None\n"
        "import exacthat as eh\n"
        "world = eh.Economy([[[8.0, 1.0], [2.0, 1.0]], [[2.0, 1.0], [8.0, 1.0]]], 4.0, 0.1)\n"
        "eq = eh.counterfactual(world, eh.Shock(trade_cost=1.1))\n"
        "slope, batch = eh.welfare_gradient(eq, 'C0'), eh.counterfactuals(world, [eh.Shock(labour=1.1)])\n"
        "things = [eq, slope, batch, eq.decompose(), eh.gains_from_trade(world), eh.gains_table(world),\n"
        "          eh.immiserization(world)]\n"
        f"for thing in things[:{many}]:\n"
        f"    try: thing.{method}()\n"
        "    except eh.MissingLibrary as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    said = done.stdout.splitlines()
    assert said == [f'{kind} need {library}: install with  pip install "exacthat[{extra}]"'] * many, (
        done.stderr
    )
