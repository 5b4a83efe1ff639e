"""Eight kinds of worlds in levels: equilibrium conditions, hats as ratios of two worlds, tax neutrality."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import exacthat as eh
from tests.worlds import primitives, rates, shocks

KINDS = list(itertools.product(["free", "restricted"], [False, True], [False, True]))
SEEDS = st.integers(0, 2**32 - 1)
kinds = pytest.mark.parametrize(("entry", "links", "deficits"), KINDS)


def assert_equilibrium(world, economy, tolerance=1e-9):
    """The level-form conditions of the model, written out from fundamentals."""
    price, factory = world.prices(economy)
    k = len(economy.industries)
    inputs = np.zeros((len(world.labour), k, k)) if world.input_shares is None else world.input_shares
    kappa = np.ones(k) if world.entry == "free" else 1 / (1 + world.scale_elasticity)
    flows, sales = economy.flows, economy.sales
    wedge = world.trade_cost * (1 + world.tariff) / (1 + world.export_subsidy)
    shares = (wedge * factory[:, None, :] / price[None]) ** -world.trade_elasticity
    spending = flows.sum(axis=0)
    close = lambda a, b: np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * 1e-3)  # noqa: E731
    close(flows, shares * spending)  # demand
    border = flows / (1 + world.tariff)
    close(sales, (1 + world.production_subsidy) * ((1 + world.export_subsidy) * border).sum(axis=1))  # goods
    labour = ((1 - inputs.sum(axis=1)) * kappa * sales).sum(axis=1)
    close(economy.labour_income, labour)  # labour
    tariffs, subsidies = (flows - border).sum(axis=(0, 2)), sales.sum(axis=1) - border.sum(axis=(1, 2))
    income = labour + ((1 - kappa) * sales).sum(axis=1) + tariffs - subsidies
    final = spending - np.einsum("igk,ik->ig", inputs, kappa * sales)
    close(final, world.expenditure_shares * (income + world.deficits)[:, None])  # budgets
    close(labour.sum(), world.labour.sum())  # numeraire


@kinds
@settings(max_examples=30)
@given(data=st.data())
def test_level_form_worlds_meet_the_equilibrium_conditions(entry, links, deficits, data):
    world = data.draw(primitives(entry=entry, links=links, deficits=deficits))
    assert_equilibrium(world, world.solve())


@kinds
@settings(max_examples=30)
@given(data=st.data())
def test_hats_are_the_ratio_of_two_level_form_equilibria(entry, links, deficits, data):
    """Any kind of shock and new rates of all instruments, in every kind of world."""
    world = data.draw(primitives(entry=entry, links=links, deficits=deficits))
    before = world.solve()
    shock = data.draw(shocks(before.flows.shape))
    drawn = rates(np.random.default_rng(data.draw(SEEDS)), before.flows.shape)
    chosen = data.draw(st.sets(st.sampled_from(sorted(drawn))))
    policy = eh.Policy(**{name: drawn[name] for name in chosen})
    moved = world.after(shock, policy)
    after = moved.solve()
    eq = eh.counterfactual(before, shock, policy, tol=1e-12)
    scale = moved.labour.sum() / world.labour.sum()  # world labour income is the sum of labour in levels
    np.testing.assert_allclose(eq.flows, after.flows / scale, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(eq.sales, after.sales / scale, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(eq.output_shares, after.output_shares, rtol=1e-9, atol=1e-12)
    wage = after.labour_income / moved.labour / (before.labour_income / world.labour) / scale
    np.testing.assert_allclose(eq.wage_hat, wage, rtol=1e-9)
    ln_price = [np.log(w.prices(e)[0]) for w, e in ((world, before), (moved, after))]
    change = (world.expenditure_shares * (ln_price[1] - ln_price[0])).sum(axis=1) - np.log(scale)
    np.testing.assert_allclose(np.log(eq.price_index_hat), change, rtol=0, atol=1e-9)
    np.testing.assert_allclose(eq.income_hat, after.income / before.income / scale, rtol=1e-9)
    np.testing.assert_allclose(eq.welfare_hat, eq.expenditure_hat / eq.price_index_hat, rtol=1e-13)
    for name in ("tariff_revenue", "subsidy_cost", "profits"):
        same = eh.counterfactual(after)
        np.testing.assert_allclose(getattr(eq, name), getattr(same, name) / scale, rtol=1e-8, atol=1e-9)
    assert eq.certificate.ok


@kinds
@settings(max_examples=20)
@given(data=st.data())
def test_no_change_is_exactly_one(entry, links, deficits, data):
    economy = data.draw(primitives(entry=entry, links=links, deficits=deficits)).solve()
    eq = eh.counterfactual(economy)
    assert all((hat == 1).all() for hat in (eq.welfare_hat, eq.wage_hat, eq.income_hat, eq.output_share_hat))
    np.testing.assert_allclose(eq.flows, economy.flows, rtol=1e-11, atol=1e-15)


@settings(max_examples=50)
@given(data=st.data(), up=st.floats(0.7, 1.5), across=st.floats(0.7, 1.5))
def test_taxes_are_neutral_where_theory_says_so(data, up, across):
    """One country's (1+t) and (1+x) times a constant, its (1+s) divided by one: nothing real moves at D = 0."""
    world = data.draw(primitives(links=False, deficits=False, taxes=True))
    economy = world.solve()
    i = data.draw(st.integers(0, len(world.labour) - 1))
    abroad = np.arange(len(world.labour)) != i
    tariff, subsidy, production = (
        np.array(a) for a in (world.tariff, world.export_subsidy, world.production_subsidy)
    )
    tariff[abroad, i] = up * (1 + tariff[abroad, i]) - 1
    subsidy[i, abroad] = up * (1 + subsidy[i, abroad]) - 1
    production[i] = (1 + production[i]) / across - 1
    policy = eh.Policy(tariff=tariff, export_subsidy=subsidy, production_subsidy=production)
    eq = eh.counterfactual(economy, policy=policy, tol=1e-14)
    np.testing.assert_allclose(eq.welfare_hat, 1.0, rtol=1e-12)
    np.testing.assert_allclose(eq.output_share_hat, 1.0, rtol=1e-11)


@settings(max_examples=30)
@given(data=st.data())
def test_lerner_symmetry_survives_links(data):
    """The tariff and export-subsidy part of neutrality holds with input-output links too."""
    world = data.draw(primitives(links=True, deficits=False, taxes=True))
    economy = world.solve()
    tariff, subsidy = np.array(world.tariff), np.array(world.export_subsidy)
    abroad = np.arange(len(world.labour)) != 0
    tariff[abroad, 0] = 1.3 * (1 + tariff[abroad, 0]) - 1
    subsidy[0, abroad] = 1.3 * (1 + subsidy[0, abroad]) - 1
    eq = eh.counterfactual(economy, policy=eh.Policy(tariff=tariff, export_subsidy=subsidy), tol=1e-13)
    np.testing.assert_allclose(eq.welfare_hat, 1.0, rtol=1e-10)


@settings(max_examples=30)
@given(data=st.data())
def test_no_scale_and_no_profits_make_the_regimes_one(data):
    """mu = 0: Caliendo-Parro under either name."""
    world = replace(data.draw(primitives(highest_alpha=0.0, entry="free")), deficits=None)
    economies = [replace(world, entry=entry).solve() for entry in ("free", "restricted")]
    results = [eh.counterfactual(e, eh.Shock(trade_cost=1.3), tol=1e-12).welfare_hat for e in economies]
    np.testing.assert_allclose(*results, rtol=1e-10)
