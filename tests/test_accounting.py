"""Gains from trade, tables, corrective policy, firms: closed forms against counterfactuals and each other."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import exacthat as eh
from tests.taxed_worlds import PARTS, taxed_economy
from tests.worlds import economy, primitives

SEEDS = st.integers(0, 2**32 - 1)
ENTRY = st.sampled_from(["free", "restricted"])


def adds_up(gains):
    log = np.log1p(-gains.percent / 100)
    np.testing.assert_allclose(gains.trade_term + gains.scale_term + gains.income_term, log, atol=1e-10)
    np.testing.assert_allclose(gains.covariance_term + gains.divergence_term, gains.scale_term, atol=1e-10)


@given(seed=SEEDS, entry=ENTRY, parts=st.sets(st.sampled_from(PARTS)))
def test_gains_are_the_cost_of_autarky_in_any_balanced_world(seed, entry, parts):
    """Both entry regimes, the base year's own subsidies and tariffs, input-output links."""
    world = taxed_economy(seed, parts=parts, entry=entry)
    gains = eh.gains_from_trade(world)
    eq = eh.counterfactual(world, eh.Shock(trade_cost=np.inf), tol=1e-12)
    np.testing.assert_allclose(np.log(eq.welfare_hat), np.log1p(-gains.percent / 100), rtol=1e-9, atol=1e-10)
    adds_up(gains)
    assert gains.balanced
    assert not gains.unsupplied
    # the same terms as those of the counterfactual
    terms = eq.decompose("roundabout").terms
    np.testing.assert_allclose(gains.trade_term, terms["trade"], atol=1e-9)
    np.testing.assert_allclose(gains.scale_term, terms["scale"], atol=1e-9)
    income = terms["profits"] + terms["taxes"] + terms["deficit"]
    np.testing.assert_allclose(gains.income_term, income, atol=1e-9)


@settings(max_examples=50)
@given(base=primitives(deficits=False))
def test_gains_of_a_world_from_primitives_are_the_ratio_of_two_worlds(base):
    """Two worlds solved in levels, any kind: with links, taxes, profits."""
    home = np.eye(len(base.labour), dtype=bool)[:, :, None]
    alone = replace(base, trade_cost=np.where(home, base.trade_cost, np.inf))

    def welfare(world, solved):
        consumer, _ = world.prices(solved)
        return solved.expenditure / (consumer**world.expenditure_shares).prod(axis=1)

    world = base.solve()
    lost = 1 - welfare(alone, alone.solve()) / welfare(base, world)
    np.testing.assert_allclose(eh.gains_from_trade(world).percent, 100 * lost, rtol=1e-7, atol=1e-7)


@given(seed=SEEDS)
def test_without_links_and_taxes_the_gains_are_the_lectures_product(seed):
    world = economy(seed)
    beta, y = world.expenditure_shares, world.output_shares
    mu, epsilon = world.scale_elasticity, world.trade_elasticity
    gains = eh.gains_from_trade(world)
    product = ((beta / y) ** (mu * beta) * world.domestic_shares ** (beta / epsilon)).prod(axis=1)
    np.testing.assert_allclose(gains.percent, 100 * (1 - product), atol=1e-9)
    divergence = (beta * np.log(beta / y)).sum(axis=1)
    np.testing.assert_allclose(gains.divergence_term, (beta * mu).sum(axis=1) * divergence, atol=1e-12)


@given(seed=SEEDS, mu=st.floats(0.01, 0.1))
def test_equal_scale_economies_dampen_the_gains(seed, mu):
    world = replace(economy(seed), scale_elasticity=mu)
    gains = eh.gains_from_trade(world)
    np.testing.assert_allclose(gains.covariance_term, 0.0, atol=1e-12)
    assert (gains.divergence_term >= -1e-12).all()
    table = eh.gains_table(world)
    assert (table.with_scale <= table.no_scale + 1e-10).all()


@given(seed=SEEDS)
def test_one_industry_with_links_has_gains_multiplied_by_one_over_labours_share(seed):
    rng = np.random.default_rng(seed)
    flows = rng.lognormal(size=(3, 3, 1)) + 5.0 * np.eye(3)[:, :, None]
    share = rng.uniform(0.1, 0.4)
    flows = flows + flows.transpose(1, 0, 2)  # balanced trade
    world = eh.Economy(flows, 4.0, input_shares=np.full((1, 1), share))
    expected = 1 - world.domestic_shares[:, 0] ** (1 / (4.0 * (1 - share)))
    np.testing.assert_allclose(eh.gains_from_trade(world).percent, 100 * expected, rtol=1e-10)
    np.testing.assert_allclose(eh.single_industry_gains(world, 4.0), 100 * expected, rtol=1e-10)


def test_inputs_raise_the_gains():
    world = taxed_economy(3, parts={"links"})
    plain = replace(world, input_shares=None)
    assert (eh.gains_from_trade(world).trade_term < eh.gains_from_trade(plain).trade_term).all()


def test_an_input_that_no_one_supplies_at_home_costs_everything():
    """It is no final good, so only the links show that the country needs it."""
    flows = np.array([[[8.0, 0.0], [2.0, 0.0]], [[2.0, 2.0], [8.0, 4.0]]])
    inputs = np.array([[0.0, 0.0], [0.2, 0.0]])  # industry 0 uses industry 1 alone
    shares = [[1.0, 0.0], [0.8, 0.2]]
    world = eh.Economy(flows, 4.0, input_shares=inputs, expenditure_shares=shares)
    gains = eh.gains_from_trade(world)
    assert gains.unsupplied == (("C0", "industry1"),)
    assert gains.percent[0] == 100.0
    assert gains.percent[1] < 100.0


def test_gains_refuse_what_has_no_bound():
    flows = np.ones((2, 2, 1)) + 4.0 * np.eye(2)[:, :, None]
    explosive = eh.Economy(flows, 4.0, 0.5, input_shares=[[0.7]])
    with pytest.raises(eh.BadInput, match=r"'C0': scale effects of inputs.*\n.*'C1'"):
        eh.gains_from_trade(explosive)
    flows = np.array([[[0.2, 5.0], [0.1, 1.0]], [[0.4, 1.0], [0.8, 5.0]]])
    lavish = eh.Economy(
        flows, 4.0, input_shares=[[0.7, 0.0], [0.0, 0.0]], production_subsidy=[[0.5, 0.0], [0.0, 0.0]]
    )
    with pytest.raises(eh.NoEquilibrium, match="'C0' alone would use more than it makes"):
        eh.gains_from_trade(lavish)


@given(seed=SEEDS, entry=ENTRY, parts=st.sets(st.sampled_from(PARTS)))
def test_columns_of_the_table_are_what_their_names_say(seed, entry, parts):
    world = taxed_economy(seed, parts=parts, entry=entry)
    table = eh.gains_table(world, 5.0)
    np.testing.assert_array_equal(table.with_scale, eh.gains_from_trade(world).percent)
    np.testing.assert_array_equal(table.single_industry, eh.single_industry_gains(world, 5.0))
    if entry == "free" or "links" not in parts:
        flat = eh.Economy(
            world.flows, world.trade_elasticity, 0.0, entry=entry, tariff=world.tariff,
            export_subsidy=world.export_subsidy, production_subsidy=world.production_subsidy,
            input_shares=world.input_shares,
        )  # fmt: skip
        np.testing.assert_allclose(table.no_scale, eh.gains_from_trade(flat).percent, atol=1e-9)
    if not {"bilateral", "subsidies"} & set(parts):
        labour = world.labour_share * world.cost_share * world.sales
        labour = labour.sum(axis=1) / (world.cost_share * world.sales).sum(axis=1)
        power = 1 / (table.effective_elasticity * labour)
        np.testing.assert_allclose(
            100 * (1 - (table.domestic_share / 100) ** power), table.no_scale, rtol=1e-9
        )


@given(seed=SEEDS)
def test_the_effective_elasticity_is_the_lectures_mean(seed):
    world = economy(seed)
    own, total = world.domestic_shares, np.einsum("nnk->n", world.flows) / world.expenditure
    inverse = (world.expenditure_shares / world.trade_elasticity * np.log(own)).sum(axis=1) / np.log(total)
    table = eh.gains_table(world)
    np.testing.assert_allclose(table.effective_elasticity, 1 / inverse, rtol=1e-9)
    spent = world.flows.sum(axis=(0, 1))
    mean = (spent * world.trade_elasticity).sum() / spent.sum()
    np.testing.assert_allclose(table.single_elasticity, mean, rtol=1e-12)


@given(seed=SEEDS)
def test_equal_industries_make_all_columns_equal(seed):
    """One elasticity, the same domestic share everywhere, equal output: nothing to tell industries apart."""
    rng = np.random.default_rng(seed)
    flows = np.einsum("in,k->ink", np.full((3, 3), 1.0) + 4.0 * np.eye(3), rng.dirichlet(np.ones(4)))
    table = eh.gains_table(eh.Economy(flows, 3.0, rng.uniform(0, 0.3, 4)))
    np.testing.assert_allclose(table.no_scale, table.single_industry, rtol=1e-9)
    np.testing.assert_allclose(table.with_scale, table.single_industry, rtol=1e-9)
    np.testing.assert_allclose(table.effective_elasticity, 3.0, rtol=1e-9)


def test_the_table_prints_and_frames_its_columns():
    table = eh.gains_table(economy(1))
    frame = table.to_frame()
    assert list(frame.index) == list(table.countries)
    np.testing.assert_array_equal(frame["with_scale"], table.with_scale)
    lines = str(table).splitlines()
    assert len(lines) == 2 + len(table.countries)
    assert f"{table.effective_elasticity[0]:.2f}" in lines[2]
    assert "not counterfactuals" in str(eh.gains_table(economy(1, balanced=False)))


@pytest.mark.parametrize("elasticity", [0.0, -1.0, float("inf"), float("nan"), [4.0], "4"])
def test_the_single_elasticity_is_one_number_above_zero(elasticity):
    with pytest.raises(eh.BadParameter, match="one number above 0"):
        eh.gains_table(economy(1), elasticity)


def test_a_country_that_does_not_trade_has_no_effective_elasticity():
    table = eh.gains_table(eh.Economy(np.ones((1, 1, 2)), [2.0, 4.0]))
    assert np.isnan(table.effective_elasticity).all()
    np.testing.assert_array_equal(table.with_scale, 0.0)
    imported = eh.Economy([[[0.0, 4.0], [4.0, 1.0]], [[4.0, 1.0], [4.0, 4.0]]], 3.0)
    table = eh.gains_table(imported)
    assert table.no_scale[0] == table.with_scale[0] == 100.0
    assert table.effective_elasticity[0] == 0.0


def test_correlation_of_the_papers_fourteen_rows():
    """The lecture prints Cov = -0.65; the rows of Table 3 have this correlation and this covariance."""
    table = eh.datasets.elasticity_table("ll2023")
    rows = {
        name: (epsilon, mu)
        for name, epsilon, mu in zip(table["table3_row"], table["table3_epsilon"], table["table3_mu"])
        if np.isfinite(epsilon)
    }
    assert len(rows) == 14
    covariance, correlation = eh.elasticity_correlation(*zip(*rows.values()))
    assert (round(covariance, 2), round(14 / 13 * covariance, 2), round(correlation, 2)) == (
        -0.38,
        -0.41,
        -0.70,
    )


@given(seed=SEEDS)
def test_correlation_is_numpys(seed):
    rng = np.random.default_rng(seed)
    epsilon, mu = rng.random((2, 6))
    counts = rng.integers(1, 5, 6)
    for weights in (None, counts):
        expected = np.cov(epsilon, mu, bias=True, fweights=weights)
        covariance, correlation = eh.elasticity_correlation(epsilon, mu, weights)
        np.testing.assert_allclose(covariance, expected[0, 1], atol=1e-14)
        np.testing.assert_allclose(correlation, expected[0, 1] / np.sqrt(expected[0, 0] * expected[1, 1]))
    assert np.isnan(eh.elasticity_correlation([0.1] * 7, rng.random(7), rng.random(7))[1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0, 2.0], [0.1]), "of one length"),
        (([], []), "not empty"),
        (([1.0, 2.0], [0.1, 0.2], [0.0, 0.0]), "not all 0"),
        (([1.0, 2.0], [0.1, 0.2], [1.0, -1.0]), "at least 0"),
    ],
)
def test_correlation_refuses(arguments, message):
    with pytest.raises(eh.BadInput, match=message):
        eh.elasticity_correlation(*arguments)


@given(
    seed=SEEDS,
    entry=ENTRY,
    parts=st.sets(st.sampled_from(["bilateral", "subsidies"])),
    balanced=st.booleans(),
)
def test_immiserization_is_the_counterfactual_and_its_slope(seed, entry, parts, balanced):
    world = taxed_economy(seed, parts=parts, entry=entry, countries=3, balanced=balanced)
    found = eh.immiserization(world, tol=1e-12)
    for n, country in enumerate(world.countries):
        eq = eh.counterfactual(world, policy=eh.Policy.corrective(world, [country]), tol=1e-12)
        np.testing.assert_allclose(found.gain[n], np.log(eq.welfare_hat[n]), atol=1e-10)
    np.testing.assert_allclose(sum(found.outcome.values()), found.gain, atol=1e-10)
    rates = np.array(world.production_subsidy)
    rates[0] += 1e-5 * (world.scale_elasticity - rates[0])
    eq = eh.counterfactual(world, policy=eh.Policy(production_subsidy=rates), tol=1e-13)
    np.testing.assert_allclose(
        np.log(eq.welfare_hat[0]) / 1e-5, found.predicted_gain[0], rtol=1e-2, atol=1e-4
    )
    assert all(certificate.ok for certificate in found.certificates.values())
    assert len(found.certificates) == 9


@given(seed=SEEDS)
def test_first_order_efficiency_is_the_covariance_of_mu_and_the_move_of_labour(seed):
    """Untaxed base: d efficiency = sum y mu dln y, and no other income."""
    world = taxed_economy(seed, parts=(), countries=3)
    found = eh.immiserization(world)
    rates = [way * world.scale_elasticity * (np.arange(3) == 1)[:, None] for way in (-1e-4, 1e-4)]
    low, high = (eh.counterfactual(world, policy=eh.Policy(production_subsidy=s), tol=1e-13) for s in rates)
    move = np.log(high.output_shares[1] / low.output_shares[1]) / 2e-4
    expected = (world.output_shares[1] * world.scale_elasticity * move).sum()
    np.testing.assert_allclose(found.first_order["efficiency"][1], expected, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(found.first_order["other_income"], 0.0, atol=1e-8)


def test_symmetric_countries_with_opposite_elasticities_lose_alone_as_the_proposition_says():
    """And with mu and epsilon moving together they gain: the sign of Cov(mu, epsilon) is what differs."""
    epsilon = np.array([2.0, 4.0, 6.0, 8.0])
    flows = (np.full((3, 3), 0.2) + 0.4 * np.eye(3))[:, :, None] * np.full(4, 0.25)
    opposite = eh.immiserization(eh.Economy(flows, epsilon, 0.75 / epsilon))
    together = eh.immiserization(eh.Economy(flows, epsilon, 0.09 * epsilon / 8))
    assert opposite.correlation < 0 < together.correlation
    assert (opposite.predicted_terms_of_trade < together.predicted_terms_of_trade).all()
    assert (opposite.terms_of_trade < 0).all()
    assert (opposite.gain < 0).all()
    assert (together.gain > 0).all()


def test_a_closed_economy_has_no_terms_of_trade():
    world = economy(2, countries=1)
    found = eh.immiserization(world)
    np.testing.assert_allclose(found.predicted_terms_of_trade, 0.0, atol=1e-9)
    gain = eh.closed_economy_gain(world.expenditure_shares, world.scale_elasticity)
    np.testing.assert_allclose(found.gain, gain, atol=1e-9)


def test_without_scale_there_is_nothing_to_correct():
    found = eh.immiserization(economy(2, highest_alpha=0.0))
    np.testing.assert_allclose(found.gain, 0.0, atol=1e-12)
    assert np.isnan(found.correlation)


def test_rounding_is_no_loss():
    """A uniform subsidy is neutral: gains differ from zero by less than their certified bound."""
    flows = np.random.default_rng(0).uniform(0.1, 1, (4, 4, 3))
    flows[np.arange(4), np.arange(4)] *= 5
    found = eh.immiserization(eh.Economy((flows + flows.transpose(1, 0, 2)) / 2, 4.0, 0.2))
    assert (found.gain != 0).any()
    assert (np.abs(found.gain) <= found.error).all()
    assert found.direction.tolist() == [0, 0, 0, 0]
    assert (
        "0 of 4 countries lose, 4 see no change; the sign of the terms of trade is as predicted in 4"
        in str(found)
    )


def test_a_true_loss_counts_however_small():
    epsilon = np.array([2.0, 4.0, 6.0, 8.0])
    flows = (np.full((3, 3), 0.2) + 0.4 * np.eye(3))[:, :, None] * np.full(4, 0.25)
    found = eh.immiserization(eh.Economy(flows, epsilon, 1e-6 / epsilon), tol=1e-14)
    assert (found.gain > -1e-6).all()
    assert found.direction.tolist() == [-1, -1, -1]


def test_immiserization_prints_frames_and_tells_its_progress():
    world, heard = economy(5, countries=3), []
    found = eh.immiserization(world, progress=heard.append)
    assert heard == list(found.certificates)
    assert heard[2] == "C0 alone"
    frame = found.to_frame()
    np.testing.assert_allclose(frame["gain"], 100 * found.gain)
    assert f"{(found.gain < 0).sum()} of 3 countries lose; the sign" in str(found)
    np.testing.assert_array_equal(found.direction, np.sign(found.gain))
    with pytest.raises(eh.BadInput, match="links"):
        eh.immiserization(taxed_economy(1, parts={"links"}))


@given(base=primitives(entry="free", links=False))
def test_productivity_levels_price_the_trade_shares_of_a_world_from_primitives(base):
    """lambda_ink is proportional to (tau_ink w_i taxes / TFP_ik)^-epsilon."""
    world = base.solve()
    employment = world.output_shares * base.labour[:, None]
    levels = eh.productivity_levels(employment, base.productivity, base.entry_cost, base.scale_elasticity)
    wage = world.labour_income / base.labour
    taxes = (1 + base.tariff) / (1 + base.export_subsidy) / (1 + base.production_subsidy)[:, None, :]
    with np.errstate(divide="ignore"):
        price = base.trade_cost * taxes * (wage[:, None] / levels)[:, None, :]
        weight = price**-base.trade_elasticity
    np.testing.assert_allclose(world.trade_shares, weight / weight.sum(axis=0), rtol=1e-7, atol=1e-10)


@given(seed=SEEDS)
def test_firms_earn_their_entry_cost(seed):
    """gamma f M = L; TFP has elasticity mu in employment and -mu in the entry cost."""
    rng = np.random.default_rng(seed)
    size, fixed, phi = np.exp(rng.normal(size=(3, 2, 3)))
    gamma = 1 + np.exp(rng.normal(size=3))
    mu = 1 / (gamma - 1)
    np.testing.assert_allclose(gamma * fixed * eh.firm_mass(size, fixed, mu), size, rtol=1e-12)
    levels = eh.productivity_levels(size, phi, fixed, mu)
    np.testing.assert_allclose(levels, (1 - 1 / gamma) * phi * (gamma * fixed) ** -mu * size**mu, rtol=1e-12)
    np.testing.assert_allclose(eh.productivity_levels(2 * size, phi, 2 * fixed, mu), levels, rtol=1e-12)
    np.testing.assert_allclose(eh.productivity_levels(size, phi, fixed, 0.0), phi, rtol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        (([1.0], 1.0, 0.1), eh.BadInput, r"must be \(N, K\)"),
        (([[1.0, -1.0]], 1.0, 0.1), eh.BadInput, r"employment\[0, 1\] is -1"),
        (([[1.0, 1.0]], [1.0, 1.0, 1.0], 0.1), eh.BadInput, "entry_cost has shape"),
        (([[1.0, 1.0]], 0.0, 0.1), eh.BadParameter, "entry_cost must be finite and above 0"),
        (([[1.0, 1.0]], 1.0, -0.1), eh.BadParameter, "scale_elasticity"),
        (([[1.0, 1.0]], 1.0, [[0.1]]), eh.BadInput, "scale_elasticity has shape"),
    ],
)
def test_firm_mass_refuses(arguments, kind, message):
    with pytest.raises(kind, match=message):
        eh.firm_mass(*arguments)


def test_subsidies_above_five_that_were_confirmed_stay_confirmed():
    """What the library changes itself is not asked about again."""
    world = eh.purge_deficits(economy(5, countries=3, industries=2))
    high = replace(world, production_subsidy=6.0, large_rates=True)
    assert len(eh.immiserization(high).gain) == 3
    cost = np.where(np.eye(2, dtype=bool), 1.0, 1.5)[:, :, None]
    one = np.ones((2, 1))
    built = eh.from_primitives(cost, one, one, one, one[:, 0], 4.0, tariff=6.0, large_rates=True)
    assert built.tariff.max() == 6.0
