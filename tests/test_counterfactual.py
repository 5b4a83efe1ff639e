"""Counterfactuals against theory: closed forms, identities, invariances, edges."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import exacthat as eh
from tests.worlds import economy

SEEDS = st.integers(0, 2**32 - 1)


def hats(eq):
    return (
        eq.welfare_hat,
        eq.price_index_hat,
        eq.income_hat,
        eq.expenditure_hat,
        eq.output_share_hat,
        eq.output_shares,
    )


def assert_same(first, second, tolerance=1e-9):
    for a, b in zip(hats(first), hats(second)):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=1e-14)


@given(seed=SEEDS, balanced=st.booleans(), entry=st.sampled_from(["free", "restricted"]))
def test_no_change_is_exactly_one(seed, balanced, entry):
    world = economy(seed, balanced=balanced, zeros=0.2, entry=entry)
    n, _, k = world.flows.shape
    ones = eh.Shock(trade_cost=1.0, productivity=np.ones((n, k)), labour=np.ones(n), entry_cost=np.ones(k))
    for eq in (
        eh.counterfactual(world),
        eh.counterfactual(world, ones, eh.Policy(production_subsidy=world.production_subsidy)),
    ):
        assert all((hat == 1.0).all() for hat in (*hats(eq)[:5], eq.wage_hat))
        np.testing.assert_allclose(eq.flows, world.flows, rtol=1e-12)
        assert eq.certificate.ok
        assert eq.certificate.residual < 1e-10


@given(seed=SEEDS, entry=st.sampled_from(["free", "restricted"]))
def test_autarky_is_the_closed_form(seed, entry):
    world = economy(seed, entry=entry)
    eq = eh.counterfactual(world, eh.Shock(trade_cost=np.inf), tol=1e-12)
    gains = eh.gains_from_trade(world)
    np.testing.assert_allclose(100 * (1 - eq.welfare_hat), gains.percent, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(np.diagonal(eq.trade_shares), 1.0, rtol=1e-12)
    np.testing.assert_allclose(gains.covariance_term + gains.divergence_term, gains.scale_term, atol=1e-14)


@given(seed=SEEDS)
def test_permuting_countries_or_industries_permutes_the_result(seed):
    world = economy(seed, countries=5, industries=4, balanced=False, zeros=0.1)
    rng = np.random.default_rng(seed)
    cost = np.exp(rng.normal(0, 0.3, world.flows.shape))
    cost[np.arange(5), np.arange(5)] = 1.0
    eq = eh.counterfactual(world, eh.Shock(trade_cost=cost), tol=1e-12)
    p, q = rng.permutation(5), rng.permutation(4)
    moved = eh.Economy(world.flows[p][:, p][:, :, q], world.trade_elasticity[q], world.scale_elasticity[q])
    other = eh.counterfactual(moved, eh.Shock(trade_cost=cost[p][:, p][:, :, q]), tol=1e-12)
    np.testing.assert_allclose(other.welfare_hat, eq.welfare_hat[p], rtol=1e-9)
    np.testing.assert_allclose(other.output_shares, eq.output_shares[p][:, q], rtol=1e-9)


@given(seed=SEEDS, unit=st.sampled_from([1e-9, 1e-3, 1e9]))
def test_the_currency_does_not_matter(seed, unit):
    world = economy(seed, balanced=False)
    other = eh.Economy(world.flows * unit, world.trade_elasticity, world.scale_elasticity)
    shock = eh.Shock(trade_cost=1.2)
    assert_same(eh.counterfactual(world, shock, tol=1e-12), eh.counterfactual(other, shock, tol=1e-12))


@given(seed=SEEDS)
def test_budgets_and_markets_clear_in_levels(seed):
    world = economy(seed, balanced=False, zeros=0.2)
    policy = eh.Policy.corrective(world)
    eq = eh.counterfactual(world, eh.Shock(trade_cost=1.3), policy, tol=1e-12)
    np.testing.assert_allclose((1 + policy.production_subsidy) * eq.flows.sum(axis=1), eq.sales, rtol=1e-10)
    spending = eq.expenditure_hat * world.expenditure
    np.testing.assert_allclose(eq.flows.sum(axis=(0, 2)), spending, rtol=1e-12)
    income = eq.sales.sum(axis=1) - eq.subsidy_cost
    np.testing.assert_allclose(income + world.deficits, spending, rtol=1e-10)
    labour_income = (world.cost_share * eq.sales).sum(axis=1)
    np.testing.assert_allclose(labour_income.sum(), world.labour_income.sum(), rtol=1e-10)
    assert eq.certificate.walras < 1e-11
    assert eq.certificate.adding_up < 1e-12


@given(seed=SEEDS, factor=st.floats(0.5, 3.0))
def test_labour_in_one_country_alone_scales_it(seed, factor):
    """N = 1: welfare moves with Lhat^(1 + sum beta mu), wages are the numeraire."""
    world = economy(seed, countries=1, industries=3)
    eq = eh.counterfactual(world, eh.Shock(labour=factor))
    expected = factor ** (1 + (world.expenditure_shares * world.scale_elasticity).sum())
    np.testing.assert_allclose(eq.welfare_hat, expected, rtol=1e-10)
    np.testing.assert_allclose(eq.welfare_per_head_hat * factor, eq.welfare_hat, rtol=1e-14)


@given(seed=SEEDS)
def test_one_country_productivity_and_entry_cost(seed):
    """N = 1: ln W moves by sum beta (ln phihat - mu ln fhat)."""
    world = economy(seed, countries=1, industries=4)
    rng = np.random.default_rng(seed)
    phi, fixed = np.exp(rng.normal(0, 1, (2, 1, 4)))
    eq = eh.counterfactual(world, eh.Shock(productivity=phi, entry_cost=fixed))
    expected = (world.expenditure_shares * (np.log(phi) - world.scale_elasticity * np.log(fixed))).sum()
    np.testing.assert_allclose(np.log(eq.welfare_hat), expected, atol=1e-11)


@given(seed=SEEDS)
def test_without_scale_the_level_of_entry_cost_is_idle(seed):
    world = economy(seed, highest_alpha=0.0)
    eq = eh.counterfactual(world, eh.Shock(entry_cost=np.full(3, 2.0)))
    np.testing.assert_allclose(eq.welfare_hat, 1.0, atol=1e-12)


@given(seed=SEEDS)
def test_without_scale_the_acr_formula_holds_for_any_trade_shock(seed):
    """mu = 0, K = 1: What = lambdahat_nn^(-1/epsilon)."""
    world = economy(seed, industries=1, highest_alpha=0.0)
    rng = np.random.default_rng(seed)
    cost = np.exp(rng.normal(0, 0.5, world.flows.shape))
    cost[np.arange(4), np.arange(4)] = 1.0
    eq = eh.counterfactual(world, eh.Shock(trade_cost=cost), tol=1e-12)
    domestic = np.diagonal(eq.trade_shares)[0] / world.domestic_shares[:, 0]
    np.testing.assert_allclose(eq.welfare_hat, domestic ** (-1 / world.trade_elasticity[0]), rtol=1e-9)


@given(seed=SEEDS)
def test_one_industry_has_no_scale_effect_from_trade(seed):
    """K = 1: all labour stays in the industry, so mu does not matter for trade shocks."""
    world = economy(seed, industries=1)
    flat = eh.Economy(world.flows, world.trade_elasticity)
    shock = eh.Shock(trade_cost=1.5)
    assert_same(eh.counterfactual(world, shock, tol=1e-12), eh.counterfactual(flat, shock, tol=1e-12))


@given(seed=SEEDS)
def test_welfare_obeys_the_compact_identity(seed):
    """d ln W = sum_k beta (dln phi + mu dln y - dln lambda_nn / epsilon), exact at any size."""
    world = economy(seed)
    rng = np.random.default_rng(seed)
    phi = np.exp(rng.normal(0, 0.5, (4, 3)))
    eq = eh.counterfactual(world, eh.Shock(trade_cost=0.8, productivity=phi), tol=1e-12)
    domestic = np.einsum("nnk->nk", eq.trade_shares) / world.domestic_shares
    terms = (
        np.log(phi)
        + world.scale_elasticity * np.log(eq.output_share_hat)
        - np.log(domestic) / world.trade_elasticity
    )
    expected = (world.expenditure_shares * terms).sum(axis=1)
    np.testing.assert_allclose(np.log(eq.welfare_hat), expected, atol=1e-10)


@given(seed=SEEDS, rate=st.floats(-0.3, 1.0))
def test_a_uniform_subsidy_is_neutral(seed, rate):
    world = economy(seed)
    eq = eh.counterfactual(world, policy=eh.Policy(production_subsidy=rate), tol=1e-12)
    np.testing.assert_allclose(eq.welfare_hat, 1.0, rtol=1e-10)
    np.testing.assert_allclose(eq.output_share_hat, 1.0, rtol=1e-9)


@pytest.fixture(scope="module")
def symmetric():
    """Three identical countries: epsilon 2, 4, 6, 8; mu = .75 / epsilon; home share .6."""
    epsilon = np.array([2.0, 4.0, 6.0, 8.0])
    share = np.full((3, 3), 0.2) + 0.4 * np.eye(3)
    flows = share[:, :, None] * np.array([0.4, 0.3, 0.2, 0.1])
    return eh.Economy(flows, epsilon, 0.75 / epsilon)


def test_symmetric_countries_gain_together_what_a_closed_economy_gains(symmetric):
    together = eh.counterfactual(symmetric, policy=eh.Policy.corrective(symmetric), tol=1e-12)
    closed = eh.closed_economy_gain(symmetric.expenditure_shares, symmetric.scale_elasticity)
    np.testing.assert_allclose(np.log(together.welfare_hat), closed, atol=1e-12)
    assert round(100 * float(closed[0]), 4) == 0.5176


def test_symmetric_countries_lose_alone(symmetric):
    alone = eh.counterfactual(symmetric, policy=eh.Policy.corrective(symmetric, ["C0"]), tol=1e-12)
    assert round(100 * np.log(alone.welfare_hat[0]), 2) == -2.88


@given(seed=SEEDS, entry=st.sampled_from(["free", "restricted"]))
def test_corrective_policy_in_a_closed_economy(seed, entry):
    world = economy(seed, countries=1, industries=5, entry=entry)
    eq = eh.counterfactual(world, policy=eh.Policy.corrective(world), tol=1e-12)
    gain = eh.closed_economy_gain(world.expenditure_shares, world.scale_elasticity, entry)
    np.testing.assert_allclose(np.log(eq.welfare_hat), gain, atol=1e-12)
    assert gain >= -1e-15


@given(seed=SEEDS)
def test_cells_without_output_stay_at_zero(seed):
    world = economy(seed, countries=4, industries=3, zeros=0.0)
    flows = np.array(world.flows)
    flows[1, :, 2] = 0.0
    world = eh.Economy(flows, world.trade_elasticity, world.scale_elasticity)
    eq = eh.counterfactual(world, eh.Shock(trade_cost=1.2))
    assert eq.output_shares[1, 2] == 0.0
    assert eq.output_share_hat[1, 2] == 1.0
    assert (eq.flows[1, :, 2] == 0.0).all()
    assert np.isfinite(eq.welfare_hat).all()


def test_an_industry_that_loses_its_last_market_dies():
    world = economy(7, countries=3, industries=2)
    flows = np.array(world.flows)
    flows[0, [0, 1], 1] = 0.0  # country 0 sells industry 1 to country 2 only
    world = eh.Economy(flows, world.trade_elasticity, world.scale_elasticity)
    cost = np.ones(flows.shape)
    cost[0, 2, 1] = np.inf
    eq = eh.counterfactual(world, eh.Shock(trade_cost=cost))
    assert eq.output_shares[0, 1] == eq.output_share_hat[0, 1] == 0.0
    np.testing.assert_allclose(eq.output_shares.sum(axis=1), 1.0, rtol=1e-12)
    near = eh.counterfactual(world, eh.Shock(trade_cost=np.where(np.isinf(cost), 1e9, cost)))
    np.testing.assert_allclose(eq.welfare_hat, near.welfare_hat, rtol=1e-3)


def test_one_country_shut_leaves_the_others_trading():
    world = economy(11, countries=4)
    cost = np.ones(world.flows.shape)
    cost[0, 1:] = cost[1:, 0] = np.inf
    eq = eh.counterfactual(world, eh.Shock(trade_cost=cost), tol=1e-12)
    rest = eh.Economy(world.flows, world.trade_elasticity, world.scale_elasticity)
    gains = eh.gains_from_trade(rest).percent[0]
    np.testing.assert_allclose(100 * (1 - eq.welfare_hat[0]), gains, rtol=1e-8)
    assert (eq.trade_shares[1:, 1:] < 1).all()


@given(seed=SEEDS)
def test_purging_deficits_is_the_zero_deficit_counterfactual(seed):
    raw = economy(seed, balanced=False)
    purged = eh.purge_deficits(raw)
    eq = eh.counterfactual(raw, deficits="zero", tol=1e-12)
    assert not purged.deficits.any()
    np.testing.assert_allclose(purged.flows, eq.flows, rtol=1e-9)
    assert eh.counterfactual(purged).certificate.method == "base year, no change"


@given(seed=SEEDS)
def test_rebalance_makes_contradicting_shares_consistent(seed):
    raw = economy(seed, balanced=False)
    shares = np.random.default_rng(seed).dirichlet(np.ones(3), 4)
    world = eh.Economy(raw.flows, raw.trade_elasticity, raw.scale_elasticity, expenditure_shares=shares)
    with pytest.raises(eh.BadInput, match=r"not an equilibrium.*rebalance"):
        eh.counterfactual(world)
    balanced = eh.rebalance(world)
    np.testing.assert_allclose(balanced.expenditure_shares, shares, atol=1e-12)
    assert balanced.consistent
    assert eh.counterfactual(balanced).certificate.ok


def test_an_unmet_tolerance_is_an_error_that_keeps_the_iterate():
    world = economy(3, countries=20, industries=6)  # too many cells to be exact all at once
    with pytest.raises(eh.NotConverged, match="rounding: tol=1e-19") as caught:
        eh.counterfactual(world, eh.Shock(trade_cost=1.5), tol=1e-19)
    assert caught.value.equilibrium.certificate.outcome == "not converged"
    assert caught.value.equilibrium.certificate.residual < 1e-10
    kept = eh.counterfactual(world, eh.Shock(trade_cost=1.5), tol=1e-19, on_failure="return")
    assert not kept.certificate.ok


def test_continuation_reaches_what_newton_reaches():
    """The fallback follows the shock from the base year to the same equilibrium."""
    from exacthat import assembly, solver

    world = economy(4, countries=5, zeros=0.1)
    shock, policy = (
        eh.Shock(trade_cost=2.0, labour=np.linspace(0.5, 2, 5)),
        eh.Policy.corrective(world, ["C0"]),
    )
    problem = assembly.assemble(world, shock, policy, "zero")
    attempts, steps, reached = solver.follow(problem.system, assembly.base_system(world), None, 1e-12, 1)
    direct = eh.counterfactual(world, shock, policy, deficits="zero", tol=1e-12)
    assert reached == 1.0
    assert steps > 1
    hat = attempts[-1].state.expenditure / world.expenditure
    np.testing.assert_allclose(hat, direct.expenditure_hat, rtol=1e-9)


def test_continuation_moves_into_tariffs_from_a_base_year_without_any():
    from exacthat import assembly, solver

    world = economy(4)
    problem = assembly.assemble(world, eh.Shock(), eh.Policy(tariff=0.3), "fixed")
    attempts, steps, reached = solver.follow(problem.system, assembly.base_system(world), None, 1e-12, 1)
    direct = eh.counterfactual(world, policy=eh.Policy(tariff=0.3), tol=1e-12)
    assert reached == 1.0
    assert steps > 1
    hat = attempts[-1].state.expenditure / world.expenditure
    np.testing.assert_allclose(hat, direct.expenditure_hat, rtol=1e-9)


def test_the_result_prints_its_status_first_and_labels():
    world = economy(3, countries=12)
    eq = eh.counterfactual(world, eh.Shock(trade_cost=0.9))
    first, *rest = str(eq).splitlines()
    assert first.startswith("certified: residual")
    assert any(line.startswith("C") for line in rest)
    frame = eq.to_frame()
    assert list(frame.index) == list(world.countries)
    np.testing.assert_allclose(frame["welfare_percent"], 100 * (eq.welfare_hat - 1))
    assert eq.to_frame("industry").loc[("C3", "industry1"), "output_share"] == eq.output_shares[3, 1]


def test_results_are_read_only():
    eq = eh.counterfactual(economy(1), eh.Shock(trade_cost=1.1))
    with pytest.raises(ValueError, match="read-only"):
        eq.welfare_hat[0] = 2.0
    with pytest.raises(AttributeError):
        eq.welfare_hat = None


@pytest.mark.parametrize("hats", [{"labour": [1e290, 1.0]}, {"productivity": 1e-300}])
def test_changes_beyond_the_range_of_numbers_are_refused_by_cell(hats):
    world = eh.Economy([[[8.0], [2.0]], [[2.0], [8.0]]], 4.0, 0.2, countries=["HOM", "FOR"])
    with pytest.raises(
        eh.BadInput, match=r"prices of country 'HOM' in industry .* leaves the range of numbers"
    ):
        eh.counterfactual(world, eh.Shock(**hats))
    assert list(eh.counterfactuals(world, [eh.Shock(**hats)]).outcome) == ["BadInput"]
