"""Economy: derived shares, and every fault of bad data named with its cell and cure."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import exacthat as eh
from tests.worlds import economy

NAMES = {"countries": ["PAK", "IND", "VNM"], "industries": ["textiles", "steel"]}


def flows():
    x = np.random.default_rng(0).uniform(1, 2, (3, 3, 2))
    return x


def build(**changes):
    arguments = {"flows": flows(), "trade_elasticity": [4.0, 5.0], "scale_elasticity": [0.1, 0.15], **NAMES}
    return eh.Economy(**{**arguments, **changes})


def with_cell(cell, value):
    x = flows()
    x[cell] = value
    return x


@given(seed=st.integers(0, 2**32 - 1), entry=st.sampled_from(["free", "restricted"]))
def test_shares_add_up_and_accounts_close(seed, entry):
    world = economy(seed, balanced=False, zeros=0.3, entry=entry, production_subsidy=[0.1, -0.2, 0.0])
    np.testing.assert_allclose(world.trade_shares.sum(axis=0), 1.0)
    np.testing.assert_allclose(world.expenditure_shares.sum(axis=1), 1.0)
    np.testing.assert_allclose(world.output_shares.sum(axis=1), 1.0)
    income = (world.sales / (1 + world.production_subsidy)).sum(axis=1)
    np.testing.assert_allclose(world.expenditure - world.deficits, income)
    assert abs(world.deficits.sum()) < 1e-12
    np.testing.assert_allclose(world.labour_income, (world.cost_share * world.sales).sum(axis=1))


def test_round_off_deficits_are_zero():
    x = flows() + np.swapaxes(flows(), 0, 1)  # bilateral flows equal in both directions: balanced
    x[0, 1, 0] *= 1 + 1e-12
    assert not build(flows=x).deficits.any()


def test_arrays_are_read_only_and_the_input_is_copied():
    x = flows()
    world = build(flows=x)
    x[0, 0, 0] = 99.0
    assert world.flows[0, 0, 0] != 99.0
    with pytest.raises(ValueError, match="read-only"):
        world.flows[0, 0, 0] = 1.0


@pytest.mark.parametrize("another", [copy.deepcopy, lambda world: pickle.loads(pickle.dumps(world))])
def test_copies_are_read_only_too(another):
    """What has been derived from the arrays stays with a copy, so they must not move under it."""
    world = build()
    welfare = eh.counterfactual(world, eh.Shock(trade_cost=1.1)).welfare_hat
    made = another(world)
    arrays = {name: value for name, value in vars(made).items() if isinstance(value, np.ndarray)}
    assert len(arrays) > 5
    for array in (*arrays.values(), *made._totals):
        assert not array.flags.writeable
    assert (eh.counterfactual(made, eh.Shock(trade_cost=1.1)).welfare_hat == welfare).all()


def test_elasticities_by_label():
    world = build(trade_elasticity={"steel": 5.0, "textiles": 4.0})
    assert world.trade_elasticity.tolist() == [4.0, 5.0]


BAD = [
    ({"flows": np.ones((3, 2, 2))}, eh.BadInput, r"shape \(3, 2, 2\).*\(N, N, K\)"),
    ({"flows": with_cell((0, 1, 0), np.nan)}, eh.BadInput, r"from 'PAK' to 'IND' in industry 'textiles' is nan"),
    ({"flows": with_cell((2, 0, 1), -3.0)}, eh.BadInput, r"from 'VNM' to 'PAK' in industry 'steel' is -3"),
    ({"flows": with_cell((0, 0, 0), np.inf)}, eh.BadInput, r"from 'PAK' to 'PAK' .* is inf"),
    ({"flows": with_cell(0, 0.0)}, eh.BadInput, r"country 'PAK' sells nothing"),
    ({"flows": with_cell((slice(None), 1), 0.0)}, eh.BadInput, r"country 'IND' buys nothing"),
    ({"flows": with_cell((..., 1), 0.0)}, eh.BadInput, r"industry 'steel' has no producers"),
    ({"flows": "text"}, eh.BadInput, r"flows cannot be read as an array of numbers"),
    ({"trade_elasticity": [4.0, 0.0]}, eh.BadParameter, r"trade_elasticity of industry 'steel' is 0; .* above 0"),
    ({"trade_elasticity": [-1.0, 5.0]}, eh.BadParameter, r"trade_elasticity of industry 'textiles' is -1"),
    ({"trade_elasticity": [1.0, 2.0, 3.0]}, eh.BadInput, r"trade_elasticity has shape \(3,\)"),
    ({"trade_elasticity": {"textiles": 4.0, "stel": 5.0}}, eh.BadInput, r"'stel'; did you mean 'steel'"),
    ({"trade_elasticity": {"textiles": 4.0}}, eh.BadInput, r"lacks industry 'steel'"),
    ({"scale_elasticity": [0.1, -0.1]}, eh.BadParameter, r"elasticity of industry 'steel' is -0.1; .* at least 0"),
    ({"scale_elasticity": [np.nan, 0.1]}, eh.BadParameter, r"'textiles' is nan"),
    ({"entry": "fre"}, eh.BadParameter, r"entry is 'fre'.*did you mean 'free'"),
    ({"countries": ["PAK", "IND"]}, eh.BadInput, r"2 countries are named but the flows have 3"),
    ({"countries": ["PAK", "PAK", "VNM"]}, eh.BadInput, r"'PAK' twice"),
    ({"countries": ["PAK", " ", "VNM"]}, eh.BadInput, r"label at position 1 is empty"),
    ({"expenditure_shares": np.ones((2, 2))}, eh.BadInput, r"expenditure_shares have shape \(2, 2\)"),
    ({"expenditure_shares": [[0.5, 0.5], [0.5, 0.4], [1, 0]]}, eh.BadInput, r"shares of country 'IND' sum to 0.9"),
    ({"expenditure_shares": [[0.5, 0.5], [1.5, -0.5], [1, 0]]}, eh.BadInput, r"'IND' on industry 'steel' is -0.5"),
    ({"expenditure_shares": [[0.5, 0.5 + 2e-8], [1, 0], [1, 0]]}, eh.BadInput, r"'PAK' sum to 1 \+ 2e-08"),
    ({"flows": with_cell((0, 1, 1), 1e308)}, eh.BadInput, r"'PAK' to 'IND' .* is 1e\+308; .* change the unit"),
    ({"flows": 1e155 * flows()}, eh.BadInput, r"largest that can be computed with is 1e\+100"),
    ({"flows": 1e-155 * flows()}, eh.BadInput, r"least that can be computed with is 1e-100: change the unit"),
    ({"trade_elasticity": [4.0, 1e-16]}, eh.BadParameter, r"of industry 'steel' is 1e-16; .* 0.0001 is the least"),
    ({"trade_elasticity": None}, eh.BadInput, r"trade_elasticity cannot be read .* it holds None"),
    ({"trade_elasticity": True}, eh.BadInput, r"it holds True"),
    ({"trade_elasticity": [4, "5"]}, eh.BadInput, r"it holds '5' at \[1\]"),
    ({"trade_elasticity": np.array([4, "5"], object)}, eh.BadInput, r"it holds '5' at \[1\]"),
    ({"scale_elasticity": [0.1, False]}, eh.BadInput, r"it holds False at \[1\]"),
    ({"tariff": np.array([True, False])}, eh.BadInput, r"tariff cannot be read .* it holds True at \[0\]"),
    ({"tariff": 25.0}, eh.BadParameter, r"tariff\['PAK', 'IND', 'textiles'\] is 25, .* did you mean 0.25\?"),
    ({"export_subsidy": [0.0, 5.0]}, eh.BadParameter, r"'steel'\] is 5, a rate of 500 percent; did you mean 0.05\?"),
    ({"production_subsidy": 30}, eh.BadParameter, r"production_subsidy\['VNM', 'steel'\] is 30"),
    ({"tariff": np.full((3, 3, 1), 1.1)}, eh.BadParameter, r"look like powers \(1 \+ rate\); subtract 1"),
    ({"large_rates": "yes"}, eh.BadParameter, r"large_rates is 'yes'; it must be True or False"),
    ({"production_subsidy": [-1.0, 0.0]}, eh.BadParameter, r"production_subsidy of country 'PAK' .* is -1"),
    ({"production_subsidy": [0.0, 0.0, 0.0]}, eh.BadInput, r"production_subsidy has shape \(3,\)"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "error", "message"), BAD)
def test_bad_data_are_named(changes, error, message):
    with pytest.raises(error, match=message):
        build(**changes)


def test_all_faults_of_the_flows_are_reported_at_once():
    x = flows()
    x[0, 1, 0], x[1, 2, 1], x[2, 2, 0] = np.nan, -1.0, np.inf
    with pytest.raises(eh.BadInput) as caught:
        build(flows=x)
    assert len(caught.value.problems) == 3


def test_all_faults_of_an_economy_are_reported_at_once():
    with pytest.raises(eh.BadInput) as caught:
        build(
            countries=["A", "A", "B"], flows=with_cell((0, 1, 0), np.nan), trade_elasticity=[4.0, -4.0],
            scale_elasticity=[-0.1, 0.1], entry="fre", tariff=[-2.0, 0.0], production_subsidy=np.zeros(5),
            expenditure_shares=np.ones((3, 2)),
        )  # fmt: skip
    problems = caught.value.problems
    for piece in (
        "name 'A' twice", "in industry 'textiles' is nan", "trade_elasticity of industry 'steel' is -4",
        "scale_elasticity of industry 'textiles' is -0.1", "entry is 'fre'", "is -2; rates must be",
        "production_subsidy has shape (5,)", "sum to 2",
    ):  # fmt: skip
        assert any(piece in problem for problem in problems), piece
    with pytest.raises(eh.BadParameter) as caught:
        build(trade_elasticity=[4.0, -4.0], scale_elasticity=[-0.1, 0.1], tariff=9.0)
    assert len(caught.value.problems) == 1 + 1 + 6 * 2


def test_large_rates_are_accepted_when_confirmed():
    world = build(tariff=6.0, large_rates=True)
    assert world.tariff.max() == 6.0
    policy = eh.Policy(tariff=7.0, large_rates=True)
    kept = eh.counterfactual(world, policy=policy).policy
    assert eh.counterfactual(world, policy=kept).policy.tariff.max() == 7.0
    merged = world.select(["PAK"], internal_taxes="drop")
    assert merged.tariff.max() == pytest.approx(6.0)


@pytest.mark.parametrize("size", [1e-99, 1e99])
def test_the_unit_of_flows_does_not_matter(size):
    shock = eh.Shock(trade_cost=1.1)
    expected = eh.counterfactual(build(), shock).welfare_hat
    found = eh.counterfactual(build(flows=size * flows()), shock).welfare_hat
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_unknown_country_is_suggested():
    with pytest.raises(eh.BadInput, match="unknown country 'PKA'; did you mean 'PAK'"):
        eh.Policy.corrective(build(), ["PKA"])


def long_table():
    x = flows()
    index = pd.MultiIndex.from_product([NAMES["countries"], NAMES["countries"], NAMES["industries"]])
    frame = index.to_frame(index=False, name=["origin", "destination", "industry"])
    frame["value"] = x.ravel()
    return frame


@pytest.mark.parametrize("kind", ["pandas", "mapping", "structured", "renamed", "shuffled"])
def test_long_tables_of_any_kind(kind):
    frame, options = long_table(), {}
    if kind == "mapping":
        frame = {name: list(frame[name]) for name in frame}
    elif kind == "structured":
        frame = frame.to_records(index=False)
    elif kind == "renamed":
        frame = frame.rename(columns={"origin": "exporter", "value": "usd"})
        options = {"origin": "exporter", "value": "usd"}
    elif kind == "shuffled":
        frame = frame.sample(frac=1, random_state=1)
        options = NAMES
    world = eh.Economy.from_long(frame, {"textiles": 4.0, "steel": 5.0}, **options)
    assert world.countries == tuple(NAMES["countries"])
    np.testing.assert_array_equal(world.flows, flows())


def test_polars_tables():
    polars = pytest.importorskip("polars")
    world = eh.Economy.from_long(polars.DataFrame(long_table().to_dict("list")), 4.0)
    np.testing.assert_array_equal(world.flows, flows())


def test_all_faults_of_a_table_are_reported_at_once():
    frame = long_table().astype({"value": object})
    frame.loc[0, "value"] = "1,5"
    frame.loc[1, "value"] = -2.0
    frame.loc[2, "value"] = float("nan")
    frame.loc[3, "value"] = "n.a."
    frame.loc[4, "origin"] = "PAKI"
    frame.loc[5, "destination"] = None
    frame = pd.concat([frame.drop(index=7), frame.loc[[8]]])
    with pytest.raises(eh.BadInput) as caught:
        eh.Economy.from_long(frame, {"textiles": 4.0, "steel": -5.0}, None, **NAMES)
    text = "\n".join(caught.value.problems)
    for piece in (
        "row 0: 'value' is '1,5'; write it with a decimal point",
        "row 1 (PAK -> PAK, steel): 'value' is -2",
        "row 2 (PAK -> IND, textiles): 'value' is nan",
        "row 3: 'value' is 'n.a.'; it must be a number",
        "unknown label 'PAKI'; did you mean 'PAK'",
        "row 5 has no label in column 'destination'",
        "from 'IND' to 'PAK' in industry 'steel' has no row",
        "from 'IND' to 'IND' in industry 'textiles' stands in 2 rows",
        "trade_elasticity of industry 'steel' is -5",
        "scale_elasticity cannot be read as an array of numbers: it holds None",
    ):
        assert piece in text


def test_absent_rows_can_be_zeros():
    frame = long_table().drop(index=3)
    assert eh.Economy.from_long(frame, 4.0, missing="zero").flows[0, 1, 1] == 0.0
    with pytest.raises(eh.BadInput, match="from 'PAK' to 'IND' in industry 'steel' has no row"):
        eh.Economy.from_long(frame, 4.0)


def test_labels_are_text():
    frame = long_table().replace({"PAK": "NA", "textiles": "010"})
    world = eh.Economy.from_long(frame, 4.0)
    assert world.countries[0] == "NA"
    assert world.industries[0] == "010"


@pytest.mark.parametrize(
    ("table", "options", "message"),
    [
        (long_table(), {"value": "valu"}, r"no column 'valu'; did you mean 'value'"),
        ([1, 2, 3], {}, r"a list has no columns"),
        ({"origin": ["A"], "destination": ["A"], "industry": ["x"], "value": []}, {}, r"one length"),
        (long_table(), {"missing": "ignore"}, r"missing is 'ignore'"),
    ],
)
def test_bad_tables(table, options, message):
    with pytest.raises(eh.BadInput, match=message):
        eh.Economy.from_long(table, 4.0, **options)


def test_long_csv_with_text_labels_and_tariffs(tmp_path):
    """`NA` is Namibia and 010121 keeps its zero when the file is read as text; rates come from a column."""
    (tmp_path / "flows.csv").write_text(
        "origin,destination,industry,value,tariff\n"
        "NA,NA,010121,8,0\nNA,ZA,010121,2,0.1\nZA,NA,010121,1.5,-0.05\nZA,ZA,010121,9,0\n"
    )
    text = pd.read_csv(tmp_path / "flows.csv", dtype=str, keep_default_na=False)
    world = eh.Economy.from_long(text, {"010121": 4.0}, tariff="tariff")
    assert (world.countries, world.industries) == (("NA", "ZA"), ("010121",))
    assert world.tariff[:, :, 0].tolist() == [[0.0, 0.1], [-0.05, 0.0]]
    assert world.flows[0, 1, 0] == 2.0
    for frame in (text, text.drop(index=1)):
        absent = eh.Economy.from_long(frame, 4.0, missing="zero", tariff=0.2, export_subsidy="tariff")
        assert absent.tariff[0, 1, 0] == 0.2
        assert absent.export_subsidy[0, 1, 0] == (0.1 if len(frame) == 4 else 0.0)
    with pytest.raises(eh.BadInput, match="row 2: 'tariff' is 'ten'; it must be a number"):
        eh.Economy.from_long(text.assign(tariff=["0", "0", "ten", "0"]), 4.0, tariff="tariff")
    with pytest.raises(eh.BadInput, match="no column 'tarif'; did you mean 'tariff'"):
        eh.Economy.from_long(text, 4.0, tariff="tarif")
    with pytest.raises(eh.BadParameter, match="on its own goods"):
        eh.Economy.from_long(text.assign(tariff="0.1"), 4.0, tariff="tariff")
