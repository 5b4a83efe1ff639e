"""nash_policy() and cooperative_policy(): grids, best responses, efficiency, symmetry, refusals."""

import doctest
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

import exacthat as eh
from exacthat.policy.instruments import INSTRUMENTS, Levers
from exacthat.policy.search import FLAT
from tests.taxed_worlds import POLICY_PROBLEMS, taxed_economy
from tests.worlds import economy as random_economy

ENTRY = ("free", "restricted")
EPSILON, BETA = np.array([2.0, 4.0, 6.0, 8.0]), np.array([0.4, 0.3, 0.2, 0.1])


def symmetric(countries=2, entry="free", scale=0.75, home=0.6):
    share = np.full((countries, countries), (1 - home) / (countries - 1))
    np.fill_diagonal(share, home)
    return eh.Economy(share[:, :, None] * BETA, EPSILON, scale / EPSILON, entry=entry)


def at_equilibrium(result):
    """The world under a policy as a base year of its own."""
    economy, policy = result.economy, result.policy
    return eh.Economy(
        result.equilibrium.flows, economy.trade_elasticity, economy.scale_elasticity, entry=economy.entry,
        tariff=policy.tariff, export_subsidy=policy.export_subsidy, production_subsidy=policy.production_subsidy,
        input_shares=economy.input_shares,
    )  # fmt: skip


def test_two_symmetric_countries_match_a_grid():
    """One industry: welfare over a grid of one tariff peaks at the common Nash tariff, given the other's."""
    economy = eh.Economy([[[7.0], [3.0]], [[3.0], [7.0]]], 4.0, 0.1)
    war = eh.nash_policy(economy, instruments="tariff", tol=1e-8)
    own, other = (war.rates[name]["tariff"][0] for name in war.players)
    assert own == pytest.approx(other, abs=1e-7)
    grid = own + np.linspace(-0.3, 0.3, 61)

    def welfare(rate):
        tariff = np.array([[[0.0], [other]], [[rate], [0.0]]])
        return eh.counterfactual(economy, policy=eh.Policy(tariff=tariff)).welfare_hat[0]

    values = [welfare(rate) for rate in grid]
    assert np.argmax(values) == 30
    assert welfare(own) == pytest.approx(1 + war.welfare_percent[0] / 100, abs=1e-10)
    assert (war.welfare_percent < 0).all()  # both lose: the prisoners' dilemma


@pytest.mark.parametrize("entry", ENTRY)
def test_symmetric_players_do_the_same(entry):
    war = eh.nash_policy(symmetric(3, entry), tol=1e-8)
    for name in INSTRUMENTS:
        first = war.rates["C0"][name]
        for player in ("C1", "C2"):
            np.testing.assert_allclose(war.rates[player][name], first, atol=1e-6)
    np.testing.assert_allclose(war.rates["C0"]["production_subsidy"], 0.75 / EPSILON, atol=1e-6)
    assert np.ptp(war.welfare_percent) < 1e-6


@pytest.mark.parametrize("entry", ENTRY)
@pytest.mark.parametrize("instruments", [("tariff",), INSTRUMENTS])
@pytest.mark.parametrize("parts", [(), ("links", "bilateral")])
def test_rates_are_best_responses(entry, instruments, parts):
    """From the Nash world as the base year, no player's own optimum gains anything."""
    economy = taxed_economy(7, parts=parts, entry=entry, countries=3, industries=2)
    war = eh.nash_policy(economy, instruments=instruments, tol=1e-8)
    base = at_equilibrium(war)
    for player in war.players:
        best = eh.optimal_policy(base, player, instruments, tol=1e-8)
        levers = Levers(base, best.policy, base.country_index(player), instruments)
        nash = levers.normalised(Levers(base, war.policy, levers.players, instruments).in_force)
        np.testing.assert_allclose(levers.in_force, nash, atol=2e-6)
        assert best.welfare_percent[base.countries.index(player)] == pytest.approx(0, abs=1e-9)


def test_one_player_alone_is_the_unilateral_optimum():
    economy = random_economy(2)
    war, best = eh.nash_policy(economy, "C1", tol=1e-8), eh.optimal_policy(economy, "C1", tol=1e-8)
    for name in INSTRUMENTS:
        np.testing.assert_allclose(war.rates["C1"][name], best.rates["C1"][name], atol=1e-6)
    sum_of_one = eh.cooperative_policy(economy, "C1", weights=[0, 1, 0, 0], tol=1e-8)
    for name in INSTRUMENTS:
        np.testing.assert_allclose(sum_of_one.rates["C1"][name], best.rates["C1"][name], atol=1e-6)


def test_nash_does_not_depend_on_the_order_of_players():
    economy = random_economy(2, industries=2)
    one, other = (eh.nash_policy(economy, players, tol=1e-8) for players in (["C0", "C2"], ["C2", "C0"]))
    np.testing.assert_allclose(one.policy.tariff, other.policy.tariff, atol=1e-6)
    np.testing.assert_array_equal(one.policy.tariff[:, 1], 0.0)


@settings(max_examples=8)
@given(**POLICY_PROBLEMS)
def test_no_player_gains_by_a_small_change_alone(seed, parts, entry, instruments):
    economy = taxed_economy(seed, parts=parts, entry=entry, countries=3, industries=2)
    war, rng = eh.nash_policy(economy, instruments=instruments, tol=1e-8), np.random.default_rng(seed)
    for p in range(3):
        levers = Levers(economy, war.policy, [p], war.instruments)
        change = 0.02 * rng.normal(size=levers.size)
        moved = eh.counterfactual(economy, policy=levers.policy(levers.in_force + change), tol=1e-12)
        gain = np.log(moved.welfare_hat[p] / war.equilibrium.welfare_hat[p])
        second = 0.5 * FLAT * levers.stiffness @ change**2
        assert gain <= war.gradient * levers.share @ np.abs(change) + second + 1e-12


@pytest.mark.parametrize("entry", ENTRY)
@pytest.mark.parametrize("instruments", [("production_subsidy",), INSTRUMENTS])
def test_cooperation_of_symmetric_countries_is_corrective(entry, instruments):
    economy = symmetric(3, entry)
    best = eh.cooperative_policy(economy, instruments=instruments)
    gain = eh.closed_economy_gain(BETA, economy.scale_elasticity, entry)
    np.testing.assert_allclose(np.log(best.equilibrium.welfare_hat), gain, atol=1e-9)
    corrective = eh.counterfactual(economy, policy=eh.Policy.corrective(economy))
    np.testing.assert_allclose(best.equilibrium.welfare_hat, corrective.welfare_hat, atol=1e-9)


@pytest.mark.parametrize("entry", ENTRY)
@pytest.mark.parametrize("parts", [(), ("links",)])
def test_corrective_policy_is_best_at_its_own_income_shares(entry, parts):
    """Efficiency: at weights that are income shares there, no instrument of anyone raises the sum."""
    economy = taxed_economy(3, parts=parts, entry=entry, zeros=0.0, countries=3)
    corrected = eh.counterfactual(economy, policy=eh.Policy.corrective(economy))
    weights = corrected.expenditure_hat * economy.expenditure
    best = eh.cooperative_policy(economy, weights=weights)
    np.testing.assert_allclose(best.equilibrium.welfare_hat, corrected.welfare_hat, atol=1e-5)
    for player in best.players:
        np.testing.assert_allclose(
            best.rates[player]["production_subsidy"], economy.scale_elasticity, atol=1e-5
        )


@pytest.mark.parametrize("entry", ENTRY)
@pytest.mark.parametrize(
    ("countries", "industries", "by_partner"), [(2, 2, False), (3, 3, False), (3, 2, True)]
)
def test_border_taxes_stand_in_for_transfers(entry, countries, industries, by_partner):
    """With any weights no wedge is left on trade, s = mu, and incomes are shared as weighted."""
    economy = taxed_economy(3, parts=(), entry=entry, zeros=0.0, countries=countries, industries=industries)
    weights = economy.expenditure / economy.expenditure.sum()
    weights = weights + 0.002 * (1 / countries - weights)
    best = eh.cooperative_policy(economy, weights=weights, by_partner=by_partner, tol=1e-8)
    wedge = np.log1p(best.policy.tariff) - np.log1p(best.policy.export_subsidy)
    level = wedge[0].mean(axis=1)  # Lerner: a factor for each country, one for the first
    for origin, destination in np.argwhere(~np.eye(countries, dtype=bool)):
        expected = level[destination] - level[origin]
        np.testing.assert_allclose(wedge[origin, destination], expected, atol=1e-5)
    income = best.equilibrium.expenditure_hat * economy.expenditure * np.exp(-level)
    np.testing.assert_allclose(income / income.sum(), weights, atol=1e-5)
    for player in best.players:
        np.testing.assert_allclose(
            best.rates[player]["production_subsidy"], economy.scale_elasticity, atol=1e-5
        )


def test_without_transfers_subsidies_favour_the_weighted():
    """Production subsidies alone: more than the corrective policy for the sum, not at s = mu."""
    economy = random_economy(8, countries=2)
    best = eh.cooperative_policy(economy, instruments="production_subsidy", weights=[0.9, 0.1])
    corrected = eh.counterfactual(economy, policy=eh.Policy.corrective(economy))
    gain = np.log(best.equilibrium.welfare_hat / corrected.welfare_hat) @ [0.9, 0.1]
    assert gain > 1e-4
    assert np.abs(best.rates["C0"]["production_subsidy"] - economy.scale_elasticity).max() > 1e-3


@pytest.mark.parametrize("solve", [eh.nash_policy, eh.cooperative_policy])
def test_rates_without_any_effect_are_an_optimum(solve):
    """One industry: production subsidies are neutral, so welfare is flat in all rates."""
    economy = random_economy(40, countries=2, industries=1)
    result = solve(economy, instruments="production_subsidy")
    np.testing.assert_allclose(result.welfare_percent, 0.0, atol=1e-9)
    np.testing.assert_allclose(
        result.policy.production_subsidy[:, 0], economy.scale_elasticity[0], atol=1e-12
    )


def test_results_of_many_print():
    best = eh.cooperative_policy(symmetric(2), instruments="production_subsidy")
    assert "2 of 2 players gain" in str(best)
    assert best.to_frame().shape == (8, 1)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"weights": [1.0]}, "weights must be"),
        ({"weights": [1.0, -1.0]}, "weights must be"),
        ({"weights": [0.0, 0.0]}, "weights must be"),
        ({"weights": [np.nan, 1.0]}, "weights must be"),
        ({"countries": ["C0", "C0"]}, "twice"),
        ({"countries": []}, "countries is empty"),
        ({"countries": ["C7"]}, "unknown country 'C7'"),
        ({"instruments": "subsidy"}, "unknown instrument"),
    ],
)
def test_wrong_input_is_named(wrong, says):
    with pytest.raises(eh.BadInput, match=says):
        eh.cooperative_policy(symmetric(2), **wrong)
    if "weights" not in wrong:
        with pytest.raises(eh.BadInput, match=says):
            eh.nash_policy(symmetric(2), **wrong)


def test_numbers_of_the_page_are_reproduced():
    page = Path(__file__).parents[1] / "docs" / "optimal-policy.md"
    done = doctest.testfile(str(page), module_relative=False)
    assert done.attempted > 8
    assert done.failed == 0
