"""Merging and selecting: accounts add up, faults are named, and theory's invariances hold."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import exacthat as eh
from exacthat.kernels.gravity import examples
from tests.worlds import shocks


def world(seed, countries=5, industries=4, taxes=True, links=True, entry="free", zeros=0.2):
    """Make a world with every wedge there is; elasticities equal across industries."""
    rng = np.random.default_rng(seed)
    flows = examples.flows(rng, countries, industries, zeros)
    abroad = ~np.eye(countries, dtype=bool)[:, :, None]
    options = {}
    if taxes:
        options = {
            "tariff": rng.uniform(0, 0.3, flows.shape) * abroad,
            "export_subsidy": rng.uniform(-0.1, 0.1, flows.shape) * abroad,
            "production_subsidy": rng.uniform(-0.1, 0.2, (countries, industries)),
        }
    if links:
        sales = eh.Economy(flows, 5.0, **options).sales
        spending = flows.sum(axis=0)
        share = 0.4 * spending / np.maximum(sales, spending).sum(axis=1, keepdims=True)
        noise = rng.uniform(0.3, 1.0, (countries, industries, industries))
        options["input_shares"] = share[:, :, None] * noise
    return eh.Economy(flows, 5.0, 0.15, entry=entry, **options)


kinds = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 2**32 - 1), "links": st.booleans(), "entry": st.sampled_from(["free", "restricted"]),
    }
)  # fmt: skip
arrays = ("flows", "trade_elasticity", "scale_elasticity", "tariff", "export_subsidy", "production_subsidy",
          "input_shares", "expenditure_shares")  # fmt: skip


@given(kind=kinds)
def test_groups_of_one_change_nothing(kind):
    eco = world(**kind)
    same = eco.aggregate(countries={c: [c] for c in eco.countries}, industries={k: k for k in eco.industries})
    for name in arrays:
        np.testing.assert_array_equal(getattr(same, name), getattr(eco, name), err_msg=name)
    assert (same.countries, same.industries, same.entry) == (eco.countries, eco.industries, eco.entry)


@given(kind=kinds)
def test_accounts_and_taxes_add_up(kind):
    eco = world(**kind)
    merged = eco.aggregate(
        countries={"EU": ["C3", "C1"]},
        industries={"goods": ["industry0", "industry3"]},
        internal_taxes="drop",
    )
    assert merged.countries == ("C0", "EU", "C2", "C4")
    assert merged.industries == ("goods", "industry1", "industry2")
    join = lambda values: np.stack([values[0], values[1] + values[3], values[2], values[4]])  # noqa: E731
    goods = lambda values: np.stack([values[:, 0] + values[:, 3], values[:, 1], values[:, 2]], axis=1)  # noqa: E731
    np.testing.assert_allclose(merged.sales, goods(join(eco.sales)), rtol=1e-12)
    np.testing.assert_allclose(merged.labour_income, join(eco.labour_income), rtol=1e-11)
    np.testing.assert_allclose(merged.deficits, join(eco.deficits), atol=1e-12)
    outside = [0, 2, 3]
    exports = lambda world, at: world.border_flows[at].sum(axis=0)  # noqa: E731
    np.testing.assert_allclose(
        exports(merged, [1])[outside].sum(axis=1), exports(eco, [1, 3])[[0, 2, 4]].sum(axis=1), rtol=1e-12
    )
    taxes = lambda world: (world.flows - world.border_flows).sum(axis=(0, 2))  # noqa: E731
    np.testing.assert_allclose(taxes(merged)[outside], taxes(eco)[[0, 2, 4]], rtol=1e-11)
    inner = eco.flows[[1, 3]][:, [3, 1]] - eco.border_flows[[1, 3]][:, [3, 1]] * (
        1 + eco.export_subsidy[[1, 3]][:, [3, 1]]
    )
    internal_taxes = np.einsum("iik->", inner)
    np.testing.assert_allclose(merged.income, join(eco.income) - [0, internal_taxes, 0, 0], rtol=1e-10)
    np.testing.assert_allclose(
        merged.final_demand[outside], goods(join(eco.final_demand))[outside], atol=1e-12
    )


@given(kind=kinds)
def test_everything_in_one_is_a_closed_economy(kind):
    eco = world(**kind, taxes=False)
    one = eco.aggregate(countries={"world": eco.countries})
    assert one.flows.shape == (1, 1, 4)
    np.testing.assert_allclose(one.flows.sum(), eco.flows.sum())
    np.testing.assert_allclose(one.domestic_shares, 1.0)
    np.testing.assert_allclose(one.income, eco.income.sum())
    np.testing.assert_allclose(eh.gains_from_trade(one).trade_term, 0.0, atol=1e-12)
    np.testing.assert_allclose(one.final_demand, eco.final_demand.sum(axis=0, keepdims=True), atol=1e-12)


@given(kind=kinds)
def test_merging_in_steps_is_merging_at_once(kind):
    eco = world(**kind)
    at_once = eco.aggregate(
        countries={"A": ["C0", "C1", "C2"]},
        industries={"x": ["industry1", "industry2"]},
        internal_taxes="drop",
    )
    steps = eco.aggregate(countries={"B": ["C1", "C2"]}, internal_taxes="drop")
    steps = steps.aggregate(industries={"x": ["industry1", "industry2"]})
    steps = steps.aggregate(countries={"A": ["C0", "B"]}, internal_taxes="drop")
    assert steps.countries == at_once.countries
    for name in ("border_flows", "sales", "expenditure_shares", "input_shares", *arrays[:3]):
        if getattr(at_once, name) is not None:
            np.testing.assert_allclose(getattr(steps, name), getattr(at_once, name), rtol=1e-9, atol=1e-12)


@given(kind=kinds)
def test_select_orders_and_merges_the_rest(kind):
    eco = world(**kind, taxes=False)
    chosen = eco.select(["C3", "C0"], ["industry2"])
    assert chosen.countries == ("C3", "C0", "ROW")
    assert chosen.industries == ("industry2", "OTHER")
    np.testing.assert_array_equal(chosen.flows[:2, :2, 0], eco.flows[[3, 0]][:, [3, 0], 2])
    for name in ("income", "expenditure", "labour_income"):
        np.testing.assert_allclose(getattr(chosen, name)[:2], getattr(eco, name)[[3, 0]])
        np.testing.assert_allclose(getattr(chosen, name).sum(), getattr(eco, name).sum())
    np.testing.assert_array_equal(eco.select(eco.countries[::-1]).flows, eco.flows[::-1, ::-1])


def test_select_without_a_rest_drops_all_trade_with_it():
    eco = world(7, links=False)
    pair = eco.select(["C2", "C4"], ["industry1", "industry0"], rest=None, rest_industry=None)
    cells = np.ix_([2, 4], [2, 4], [1, 0])
    for name in ("flows", "tariff", "export_subsidy"):
        np.testing.assert_array_equal(getattr(pair, name), getattr(eco, name)[cells])
    np.testing.assert_array_equal(pair.production_subsidy, eco.production_subsidy[[2, 4]][:, [1, 0]])
    assert abs(pair.deficits.sum()) < 1e-12


def split(values, axis, weights):
    """Replace position 0 of an axis by copies that carry `weights`."""
    first = np.expand_dims(np.take(values, 0, axis), axis)
    rest = np.take(values, range(1, values.shape[axis]), axis)
    return np.concatenate([*(weight * first for weight in weights), rest], axis)


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), links=st.booleans(), data=st.data())
def test_merging_twin_industries_leaves_welfare_unchanged(seed, links, data):
    """Equal elasticities, proportional flows and inputs: the twins move together."""
    eco = world(seed, countries=4, industries=3, taxes=False, links=links)
    inputs = eco.input_shares
    if links:
        inputs = split(split(inputs, 1, (0.3, 0.7)), 2, (1, 1))
    twins = eh.Economy(
        split(eco.flows, 2, (0.3, 0.7)), 5.0, 0.15, input_shares=inputs,
        industries=["a", "b", "industry1", "industry2"],
    )  # fmt: skip
    merged = twins.aggregate(industries={"industry0": ["a", "b"]})
    np.testing.assert_allclose(merged.flows, eco.flows, rtol=1e-12)
    if links:
        np.testing.assert_allclose(merged.input_shares, eco.input_shares, rtol=1e-9, atol=1e-12)
    shock = data.draw(shocks(eco.flows.shape))
    both = {
        name: None if value is None or name == "labour" else split(value, -1, (1, 1))
        for name, value in vars(shock).items()
    } | {"labour": shock.labour}
    apart = eh.counterfactual(twins, eh.Shock(**both), tol=1e-11)
    together = eh.counterfactual(merged, shock, tol=1e-11)
    np.testing.assert_allclose(together.welfare_hat, apart.welfare_hat, rtol=1e-7)


@example(seed=14041, links=True, cost=3.0)
@settings(max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), links=st.booleans(), cost=st.floats(0.8, 3.0))
def test_merging_twin_countries_leaves_welfare_unchanged(seed, links, cost):
    """A country cut in two replicas that trade freely: a shock to its foreign trade moves both alike."""
    eco = world(seed, countries=3, industries=3, taxes=False, links=links)
    inputs = None if eco.input_shares is None else split(eco.input_shares, 0, (1, 1))
    halves = eh.Economy(
        split(split(eco.flows, 0, (0.4, 0.6)), 1, (0.4, 0.6)), 5.0, 0.15, input_shares=inputs,
        countries=["north", "south", "C1", "C2"],
    )  # fmt: skip
    merged = halves.aggregate(countries={"C0": ["north", "south"]})
    np.testing.assert_allclose(merged.flows, eco.flows, rtol=1e-12)
    abroad = np.ones((4, 4, 1))
    abroad[:2, 2:] = abroad[2:, :2] = cost
    try:
        apart = eh.counterfactual(halves, eh.Shock(trade_cost=abroad), tol=1e-11)
    except eh.NoEquilibrium:  # deficits that dearer trade cannot finance, in one country as in two
        with pytest.raises(eh.NoEquilibrium):
            eh.counterfactual(merged, eh.Shock(trade_cost=abroad[1:, 1:]), tol=1e-11)
        return
    together = eh.counterfactual(merged, eh.Shock(trade_cost=abroad[1:, 1:]), tol=1e-11)
    np.testing.assert_allclose(apart.welfare_hat[[0, 1]], together.welfare_hat[[0, 0]], rtol=1e-7)
    np.testing.assert_allclose(apart.welfare_hat[2:], together.welfare_hat[1:], rtol=1e-7)


def test_contradicting_final_demand_shares_add_up_by_spending():
    shares = np.array([[0.5, 0.3, 0.2], [0.2, 0.2, 0.6], [0.1, 0.8, 0.1]])
    eco = eh.Economy(examples.flows(np.random.default_rng(0), 3, 3), 5.0, 0.1, expenditure_shares=shares)
    merged = eco.aggregate(countries={"AB": ["C0", "C1"]}, industries={"x": ["industry0", "industry2"]})
    weight = eco.expenditure[:2] / eco.expenditure[:2].sum()
    np.testing.assert_allclose(merged.expenditure_shares[0], [weight @ [0.7, 0.8], weight @ [0.3, 0.2]])
    np.testing.assert_allclose(merged.expenditure_shares[1], [0.2, 0.8])


def test_elasticities_of_merged_industries_are_given_or_equal():
    eco = eh.Economy(examples.flows(np.random.default_rng(0), 3, 3), [4.0, 6.0, 5.0], [0.1, 0.1, 0.05])
    merged = eco.aggregate(industries={"x": ["industry0", "industry1"]}, trade_elasticity={"x": 4.5})
    assert merged.trade_elasticity.tolist() == [4.5, 5.0]
    assert merged.scale_elasticity.tolist() == [0.1, 0.05]
    with pytest.raises(eh.BadInput) as caught:
        eco.aggregate(industries={"x": ["industry1", "industry2"]})
    assert caught.value.problems == [
        "the industries merged into 'x' differ in trade_elasticity ('industry1' 6, 'industry2' 5): "
        "pass trade_elasticity={'x': value}",
        "the industries merged into 'x' differ in scale_elasticity ('industry1' 0.1, 'industry2' 0.05): "
        "pass scale_elasticity={'x': value}",
    ]
    with pytest.raises(eh.BadInput, match="'industry2', which merges no industries"):
        eco.aggregate(
            industries={"x": ["industry0", "industry1"]}, trade_elasticity={"x": 4.0, "industry2": 3.0}
        )
    with pytest.raises(eh.BadParameter, match="trade_elasticity of industry 'x' is -1"):
        eco.aggregate(industries={"x": ["industry0", "industry1"]}, trade_elasticity={"x": -1})


def test_a_new_markup_keeps_the_value_of_inputs():
    plain = world(4, taxes=False, entry="restricted")
    options = {"input_shares": plain.input_shares * 0.8, "entry": "restricted"}
    eco = eh.Economy(plain.flows, 5.0, [0.1, 0.2, 0.1, 0.1], **options)
    merged = eco.aggregate(industries={"x": ["industry0", "industry1"]}, scale_elasticity={"x": 0.3})
    used = lambda world: ((1 - world.labour_share) * world.cost_share * world.sales).sum(axis=1)  # noqa: E731
    np.testing.assert_allclose(used(merged), used(eco), rtol=1e-12)
    np.testing.assert_allclose(merged.income, eco.income, rtol=1e-12)
    assert (merged.labour_income < eco.labour_income).all()


FAULTS = {
    "unknown": ({"countries": {"EU": ["C0", "C9"]}}, "new country 'EU' names an unknown country 'C9'"),
    "two groups": (
        {"countries": {"A": ["C0", "C1"], "B": ["C1"]}},
        "country 'C1' is a member of both 'A' and 'B'",
    ),
    "twice": ({"countries": {"A": ["C0", "C0"]}}, "names 'C0' 2 times"),
    "clash": ({"countries": {"C2": ["C0", "C1"]}}, "has the label of a country that is in no group"),
    "empty": ({"industries": {"x": []}}, "new industry 'x' has no members"),
    "blank": ({"industries": {" ": ["industry0"]}}, "empty label"),
    "no mapping": ({"countries": ["C0", "C1"]}, "give a mapping"),
    "no list": ({"countries": {"A": None}}, "give a list of labels"),
    "option": ({"internal_taxes": "dorp"}, "did you mean 'drop'"),
    "scalar": ({"trade_elasticity": 4.0}, "give a mapping"),
    "text": (
        {"industries": {"x": ["industry0", "industry1"]}, "scale_elasticity": {"x": "low"}},
        "scale_elasticity cannot be read",
    ),
}


@pytest.mark.parametrize(("arguments", "message"), FAULTS.values(), ids=FAULTS)
def test_faults_of_groups(arguments, message):
    with pytest.raises(eh.BadInput, match=message):
        world(1).aggregate(**arguments)


def test_labels_may_be_exchanged():
    eco = world(1, taxes=False)
    assert eco.aggregate(countries={"C1": ["C0"], "C0": ["C1"]}).countries[:2] == ("C1", "C0")


SELECTION_FAULTS = {
    "unknown": ((["C0", "C7"],), {}, "unknown country 'C7'"),
    "twice": ((["C0", "C0"],), {}, "'C0' is selected 2 times"),
    "none": (([],), {}, "no country is selected"),
    "set": (({"C0", "C1"},), {}, "selected country labels are a set, which has no order"),
    "clash": ((["C0", "C1"],), {"rest": "C1"}, "is also the label for the others"),
    "links": ((None, ["industry0"]), {"rest_industry": None}, "cannot be dropped"),
}


@pytest.mark.parametrize(
    ("given_labels", "options", "message"), SELECTION_FAULTS.values(), ids=SELECTION_FAULTS
)
def test_faults_of_selections(given_labels, options, message):
    with pytest.raises(eh.BadInput, match=message):
        world(1).select(*given_labels, **options)


def test_all_faults_in_one_report():
    with pytest.raises(eh.BadInput) as caught:
        world(1).aggregate(countries={"A": ["C9"], "B": []}, industries={"x": ["industry9"]})
    assert len(caught.value.problems) == 3


def test_taxed_internal_trade_is_refused_by_pair():
    eco = world(1)
    with pytest.raises(eh.BadInput) as caught:
        eco.aggregate(countries={"EU": ["C0", "C1"]})
    assert len(caught.value.problems) == 2
    assert "would become domestic trade of 'EU'" in str(caught.value)
    tariff = np.array(eco.tariff)
    tariff[:2, :2] = 0.0
    union = eh.Economy(eco.flows, 5.0, 0.15, tariff=tariff)
    merged = union.aggregate(countries={"EU": ["C0", "C1"]})
    np.testing.assert_allclose(merged.income.sum(), union.income.sum())


def test_dropping_countries_that_inputs_come_from_is_explained():
    flows = np.array([[[5.0, 5.0], [1.0, 1.0]], [[5.0, 1.0], [5.0, 5.0]]])
    inputs = np.array([[[0.8, 0.5], [0.1, 0.1]], [[0.1, 0.1], [0.1, 0.1]]])
    eco = eh.Economy(flows, 5.0, input_shares=inputs, countries=["A", "B"])
    with pytest.raises(eh.BadInput, match="rest='ROW' merges them"):
        eco.select(["A"], rest=None)
