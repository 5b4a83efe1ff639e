"""What changes of welfare are made of: every set of terms adds up, and each term is what its name says."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import exacthat as eh
from tests.taxed_worlds import PARTS, any_policy, any_shock, taxed_economy
from tests.worlds import economy

SEEDS = st.integers(0, 2**32 - 1)


def tariff_world(seed, size, links=False):
    """A balanced world whose foreign tariffs are about `size`."""
    rng = np.random.default_rng(seed)
    tariff = size * rng.random((4, 4, 3)) * ~np.eye(4, dtype=bool)[:, :, None]
    inputs = 0.3 * rng.dirichlet(np.ones(3), 3).T * np.ones((4, 1, 1)) if links else None
    shares = rng.dirichlet(np.full(3, 5.0), 4) if links else None
    return economy(seed, highest_alpha=0.0, tariff=tariff, input_shares=inputs, expenditure_shares=shares)


@given(seed=SEEDS, links=st.booleans())
def test_caliendo_parro_terms_are_the_derivative_in_tariffs(seed, links):
    """Their error is of second order: ten times smaller tariffs, a hundred times smaller error."""
    misses = []
    for size in (1e-2, 1e-3):
        world = tariff_world(seed, size, links)
        eq = eh.counterfactual(world, policy=eh.Policy(tariff=0.0), tol=1e-12)
        terms = eh.caliendo_parro_terms(eq)
        assert abs(terms.exact).max() > 1e-3 * size
        misses.append(abs(terms.error).max())
    assert misses[0] < 20 * 1e-4
    assert misses[1] < misses[0] / 50


@given(seed=SEEDS)
def test_caliendo_parro_terms_of_trade_cancel_over_the_world(seed):
    world = tariff_world(seed, 0.3)
    eq = eh.counterfactual(world, policy=eh.Policy(tariff=0.0))
    terms = eh.caliendo_parro_terms(eq).terms
    assert abs((terms["terms_of_trade"] * world.expenditure).sum()) < 1e-12 * world.expenditure.sum()


WORLDS = st.fixed_dictionaries(
    {
        "seed": SEEDS,
        "entry": st.sampled_from(["free", "restricted"]),
        "parts": st.sets(st.sampled_from(PARTS)),
        "balanced": st.booleans(),
    }
)


def adds_up(parts, eq):
    np.testing.assert_allclose(sum(parts.terms.values()), parts.total, atol=1e-15)
    np.testing.assert_allclose(parts.total, np.log(eq.welfare_hat), rtol=0, atol=1e-10)


@given(drawn=WORLDS, moved=st.sampled_from(["shock", "policy", "both"]))
def test_terms_of_welfare_add_up_for_any_change_of_any_world(drawn, moved):
    world = taxed_economy(**drawn)
    rng = np.random.default_rng(drawn["seed"])
    shock = any_shock(rng, world.flows.shape) if moved != "policy" else None
    policy = any_policy(rng, world.flows.shape) if moved != "shock" else None
    eq = eh.counterfactual(world, shock, policy, tol=1e-12)
    direct, traced = eq.decompose(), eq.decompose("roundabout")
    adds_up(direct, eq)
    adds_up(traced, eq)
    np.testing.assert_allclose(
        sum(direct.terms[name] for name in ("profits", "taxes", "deficit", "labour")),
        np.log(eq.expenditure_hat / eq.wage_hat),
        atol=1e-10,
    )
    if drawn["entry"] == "restricted":
        assert not direct.terms["scale"].any()
    else:
        assert not direct.terms["profits"].any()
    if "links" not in drawn["parts"]:
        assert not direct.terms["input_prices"].any()
        for name, values in traced.terms.items():
            np.testing.assert_allclose(values, direct.terms[name], atol=1e-14)


@pytest.mark.parametrize("name", ["wiod2014", "icio2019"])
def test_terms_add_up_on_data_with_industries_that_are_not_made_at_home(name):
    untaxed = replace(eh.datasets.load(name), tariff=None)  # growth and corrective policy want no tariffs
    world = eh.purge_deficits(untaxed)
    assert (world.domestic_shares[world.spending > 0] == 0).any()
    phi = np.exp(np.random.default_rng(0).normal(0, 0.3, world.sales.shape))
    eq = eh.counterfactual(world, eh.Shock(trade_cost=1.3, productivity=phi), tol=1e-12)
    for kind in ("welfare", "roundabout", "growth"):
        adds_up(eq.decompose(kind), eq)
    eq = eh.counterfactual(world, policy=eh.Policy.corrective(world), tol=1e-12)
    for kind in ("welfare", "corrective"):
        adds_up(eq.decompose(kind), eq)


@given(drawn=WORLDS)
def test_prices_explain_trade_shares_and_the_price_index(drawn):
    """lambda'/lambda = (tauhat x factory price x taxes / price index)^-epsilon; Phat = prod Phat_k^beta_k."""
    world = taxed_economy(**drawn)
    rng = np.random.default_rng(drawn["seed"])
    shock, policy = any_shock(rng, world.flows.shape), any_policy(rng, world.flows.shape)
    eq = eh.counterfactual(world, shock, policy, tol=1e-12)
    power = lambda rate: 1.0 if rate is None else 1.0 + rate  # noqa: E731
    taxes = (
        power(policy.tariff)
        / power(world.tariff)
        * power(world.export_subsidy)
        / power(policy.export_subsidy)
    )
    price = shock.trade_cost * eq.factory_price_hat[:, None, :] * taxes / eq.industry_price_hat
    expected = world.trade_shares * price**-world.trade_elasticity
    np.testing.assert_allclose(eq.trade_shares, expected, rtol=1e-9, atol=1e-14)
    index = (eq.industry_price_hat**world.expenditure_shares).prod(axis=1)
    np.testing.assert_allclose(eq.price_index_hat, index, rtol=1e-12)
    if world.input_shares is None and world.entry == "free":
        employment = eq.output_share_hat * eq.labour_hat[:, None]
        price = eq.wage_hat[:, None] * (employment / shock.entry_cost) ** -world.scale_elasticity
        price = price / shock.productivity
        price = price * (1 + world.production_subsidy) / (1 + policy.production_subsidy)
        np.testing.assert_allclose(eq.factory_price_hat, price, rtol=1e-9)


def test_terms_are_zero_where_their_cause_is_absent():
    world = taxed_economy(5, parts={"links"})
    terms = eh.counterfactual(world, eh.Shock(trade_cost=1.2)).decompose().terms
    idle = ("labour", "profits", "taxes", "deficit", "subsidies", "productivity", "domestic_trade_cost")
    assert all(abs(terms[name]).max() < 1e-11 for name in idle)
    assert all(abs(terms[name]).max() > 1e-5 for name in ("scale", "input_prices", "trade"))


@given(drawn=WORLDS)
def test_productivity_counts_once_and_through_inputs_of_inputs(drawn):
    """ln a in every industry: directly ln a, traced through inputs the sum of a Neumann series."""
    world = taxed_economy(**drawn)
    eq = eh.counterfactual(world, eh.Shock(productivity=1.3), tol=1e-12)
    np.testing.assert_allclose(eq.decompose().terms["productivity"], np.log(1.3), atol=1e-12)
    mu = world.scale_elasticity if world.entry == "free" else np.zeros(3)
    series, term = 0.0, world.expenditure_shares
    for _ in range(400):
        series = series + term
        if world.input_shares is None:
            break
        term = np.einsum("ngk,nk->ng", world.input_shares, (1 + mu) * term)
    traced = eq.decompose("roundabout").terms["productivity"]
    np.testing.assert_allclose(traced, np.log(1.3) * series.sum(axis=1), rtol=1e-9)


def test_where_nothing_is_made_at_home_imports_carry_the_terms():
    flows = np.array(taxed_economy(2, parts=()).flows)
    flows[0, :, 1] = 0.0
    flows[0, 0, 2] = 0.0  # made, and sold abroad only
    flows[0, 1, 2] += 0.1
    rng = np.random.default_rng(3)
    for entry in ("free", "restricted"):
        for parts in ((), PARTS):
            like = taxed_economy(2, parts=parts, entry=entry)
            inputs = None if like.input_shares is None else 0.2 * like.input_shares
            world = eh.Economy(
                flows, like.trade_elasticity, like.scale_elasticity, entry=entry, tariff=like.tariff,
                production_subsidy=like.production_subsidy, input_shares=inputs,
            )  # fmt: skip
            eq = eh.counterfactual(world, any_shock(rng, flows.shape), deficits="zero", tol=1e-12)
            adds_up(eq.decompose(), eq)
            adds_up(eq.decompose("roundabout"), eq)
    plain = eh.purge_deficits(eh.Economy(flows, 4.0, [0.1, 0.0, 0.2]))
    eq = eh.counterfactual(plain, eh.Shock(trade_cost=0.8), tol=1e-12)
    adds_up(eq.decompose("growth"), eq)
    eq = eh.counterfactual(plain, policy=eh.Policy.corrective(plain), tol=1e-12)
    adds_up(eq.decompose("corrective"), eq)


@given(seed=SEEDS, size=st.sampled_from([1e-3, 0.1, 1.0]))
def test_growth_accounting_is_exact_and_its_covariance_form_is_not(seed, size):
    world = taxed_economy(seed, parts=())
    rng = np.random.default_rng(seed)
    n, _, k = shape = world.flows.shape
    cost = np.exp(rng.normal(0, size, shape))
    cost[np.arange(n), np.arange(n)] = 1.0
    shock = eh.Shock(trade_cost=cost, productivity=np.exp(rng.normal(0, size, (n, k))))
    eq = eh.counterfactual(world, shock, tol=1e-12)
    parts, first = eq.decompose("growth"), eh.first_order_growth(eq)
    adds_up(parts, eq)
    y, mu, move = world.output_shares, world.scale_elasticity, np.log(eq.output_share_hat)
    np.testing.assert_allclose(
        parts.terms["hulten"], (y * np.log(shock.productivity)).sum(axis=1), atol=1e-14
    )
    np.testing.assert_allclose(parts.terms["allocative_efficiency"], (y * mu * move).sum(axis=1), atol=1e-10)
    trade = np.log(np.einsum("nnk->nk", eq.trade_shares) / world.domestic_shares)
    beta = world.expenditure_shares
    expected = (beta - y) * (mu * move + np.log(shock.productivity)) - beta / world.trade_elasticity * trade
    np.testing.assert_allclose(parts.terms["terms_of_trade"], expected.sum(axis=1), atol=1e-10)
    np.testing.assert_allclose(first.error, (y * mu).sum(axis=1) * -(y * move).sum(axis=1), atol=1e-10)
    assert (first.error > -1e-10).all()


def test_covariance_form_errs_at_second_order():
    world = taxed_economy(4, parts=())
    rng = np.random.default_rng(0)
    direction = rng.normal(size=world.output_shares.shape)
    errors = [
        eh.first_order_growth(
            eh.counterfactual(world, eh.Shock(productivity=np.exp(h * direction)), tol=1e-13)
        ).error
        for h in (0.02, 0.01)
    ]
    np.testing.assert_allclose(errors[0] / errors[1], 4.0, rtol=0.1)


@given(seed=SEEDS, parts=st.sets(st.sampled_from(["bilateral", "subsidies"])), balanced=st.booleans(),
       entry=st.sampled_from(["free", "restricted"]), rates=st.sampled_from(["own", "all", "random"]))  # fmt: skip
def test_corrective_terms_add_up_for_production_subsidies(seed, parts, balanced, entry, rates):
    world = taxed_economy(seed, parts=parts, entry=entry, balanced=balanced)
    rng = np.random.default_rng(seed)
    policy = {
        "own": eh.Policy.corrective(world, ["C1"]),
        "all": eh.Policy.corrective(world),
        "random": eh.Policy(production_subsidy=rng.uniform(-0.2, 0.5, world.sales.shape)),
    }[rates]
    eq = eh.counterfactual(world, policy=policy, tol=1e-12)
    terms = eq.decompose("corrective").terms
    adds_up(eq.decompose("corrective"), eq)
    if balanced and "bilateral" not in parts:
        np.testing.assert_allclose(terms["other_income"], 0.0, atol=1e-10)


@given(seed=SEEDS)
def test_corrective_terms_are_the_written_formulas(seed):
    """Free entry, untaxed base: E[m ln m] - E[m] ln E*[m] + E[mu ln(y*/y)] and its two companions."""
    world = taxed_economy(seed, parts=())
    eq = eh.counterfactual(world, policy=eh.Policy.corrective(world, ["C0"]), tol=1e-12)
    terms = eq.decompose("corrective").terms
    y, new, beta = (a[0] for a in (world.output_shares, eq.output_shares, world.expenditure_shares))
    mu = world.scale_elasticity
    m = 1 + mu
    star = new / m / (new / m).sum()
    efficiency = (y * m * np.log(m)).sum() - (y * m).sum() * np.log((star * m).sum())
    efficiency += (y * mu * np.log(star / y)).sum()
    np.testing.assert_allclose(terms["efficiency"][0], efficiency, atol=1e-10)
    transfer = -((y - beta) * (mu * np.log(new / y) + np.log(m))).sum()
    np.testing.assert_allclose(terms["transfer_abroad"][0], transfer, atol=1e-10)


@given(seed=SEEDS, entry=st.sampled_from(["free", "restricted"]))
def test_in_a_closed_economy_all_is_efficiency(seed, entry):
    world = taxed_economy(seed, parts=(), entry=entry, countries=1)
    eq = eh.counterfactual(world, policy=eh.Policy.corrective(world), tol=1e-12)
    terms = eq.decompose("corrective").terms
    gain = eh.closed_economy_gain(world.expenditure_shares, world.scale_elasticity, entry)
    np.testing.assert_allclose(terms["efficiency"], gain, atol=1e-10)
    for name in ("transfer_abroad", "gains_from_trade", "other_income"):
        np.testing.assert_allclose(terms[name], 0.0, atol=1e-10)


def test_identities_refuse_what_they_do_not_hold_for_all_at_once():
    world = taxed_economy(1, entry="restricted")
    eq = eh.counterfactual(world, any_shock(np.random.default_rng(1), world.flows.shape))
    with pytest.raises(eh.BadInput) as caught:
        eq.decompose("growth")
    for said in ("input-output links", "tariffs", "export subsidies", "production subsidies", "labour",
                 "entry cost", "restricted entry", "trade costs at home"):  # fmt: skip
        assert said in str(caught.value)
    with pytest.raises(eh.BadInput, match=r"links.*trade cost.*take kind 'welfare'"):
        eq.decompose("corrective")
    with pytest.raises(eh.BadParameter, match="did you mean 'growth'"):
        eq.decompose("grwth")
    uneven = eh.counterfactual(taxed_economy(1, parts=(), balanced=False), eh.Shock(trade_cost=1.1))
    with pytest.raises(eh.BadInput, match="purge them first"):
        uneven.decompose("growth")


def test_a_decomposition_prints_and_frames_what_it_holds():
    world = taxed_economy(1)
    parts = eh.counterfactual(world, eh.Shock(trade_cost=1.1)).decompose()
    text = str(parts).splitlines()
    assert text[0] == "change of welfare, 100 log points"
    assert text[1].split()[-2:] == ["total", "exact"]
    assert "0.000 everywhere: labour, profits, deficit" in str(parts)
    frame = parts.to_frame()
    assert list(frame.columns) == [*parts.terms, "total", "exact"]
    np.testing.assert_allclose(frame.loc["C2", "trade"], 100 * parts.terms["trade"][2])
    with pytest.raises(ValueError, match="read-only"):
        parts.terms["trade"][0] = 1.0
    with pytest.raises(TypeError):
        parts.terms["trade"] = 1.0
