"""optimal_policy(): exact formulas, limits that theory gives, second-order conditions, edges, refusals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import exacthat as eh
from exacthat.policy.formulas import formula_rates, two_countries
from exacthat.policy.instruments import INSTRUMENTS, Levers
from exacthat.policy.search import FLAT
from tests.taxed_worlds import POLICY_PROBLEMS, taxed_economy
from tests.worlds import economy as random_economy

ENTRY = ("free", "restricted")


def two(entry, seed=0, industries=3):
    """Two countries of different size, trade both ways in every industry, no taxes, no deficits."""
    return random_economy(seed, countries=2, industries=industries, entry=entry, highest_alpha=0.7)


def in_logs(result, country):
    return {name: np.log1p(rate) for name, rate in result.rates[country].items()}


def levelled(tariff, export, imports):
    """Both in logs, on the level at which tariffs have mean zero by imports (Lerner symmetry)."""
    level = np.average(tariff, weights=imports)
    return tariff - level, export - level


@pytest.mark.parametrize("entry", ENTRY)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_two_countries_have_the_exact_first_best(entry, seed):
    """Lashkaripour and Lugovskyy (2023): the closed form read at the numerical optimum gives it back."""
    economy = two(entry, seed)
    best = eh.optimal_policy(economy, "C0", tol=1e-9)
    exact, found = two_countries(best.equilibrium, 0), in_logs(best, "C0")
    tariff, export = levelled(exact["tariff"], exact["export_subsidy"], economy.border_flows[1, 0])
    np.testing.assert_allclose(found["tariff"], tariff, atol=1e-7)
    np.testing.assert_allclose(found["export_subsidy"], export, atol=1e-7)
    np.testing.assert_allclose(best.rates["C0"]["production_subsidy"], economy.scale_elasticity, atol=1e-7)


@pytest.mark.parametrize("entry", ENTRY)
def test_iterating_the_closed_form_leads_to_the_optimum(entry):
    """Without any search: rates from the formula, the world under them, rates again."""
    economy = two(entry)
    levers = Levers(economy, eh.Policy().rates(economy), [0], INSTRUMENTS)
    u = levers.in_force
    for _ in range(40):
        eq = eh.counterfactual(economy, policy=levers.policy(u), tol=1e-12)
        u = levers.normalised(levers.pack(two_countries(eq, 0)))
    best = eh.optimal_policy(economy, "C0", tol=1e-9)
    np.testing.assert_allclose(levers.pack(in_logs(best, "C0")), u, atol=1e-7)


@pytest.mark.parametrize("entry", ENTRY)
def test_small_open_economy(entry):
    """t = 0, 1 + x = epsilon / (1 + epsilon), 1 + s = 1 + mu as the country vanishes in its markets."""
    epsilon, mu = np.array([3.0, 5.0, 8.0]), np.array([0.2, 0.15, 0.05])
    gaps = []
    for size in (1e-2, 1e-4):
        flows = np.array([[[0.6, 0.7, 0.5], [0.4, 0.2, 0.5]], [[0.4, 0.3, 0.5], [20, 30, 40]]])
        flows[:, 1] *= [[size], [1.0]]
        flows[:, 0] *= size
        flows[0, 1] *= flows[1, 0].sum() / flows[0, 1].sum()
        economy = eh.Economy(flows, epsilon, mu, entry=entry)
        rates = eh.optimal_policy(economy, "C0").rates["C0"]
        small = {"tariff": 0.0, "export_subsidy": -1 / (1 + epsilon), "production_subsidy": mu}
        gaps.append(max(np.abs(rates[name] - small[name]).max() for name in INSTRUMENTS))
    assert gaps[1] < 1e-5
    assert gaps[0] > 20 * gaps[1]


@pytest.mark.parametrize("seed", [0, 1])
def test_one_industry_has_the_textbook_tariff(seed):
    """mu = 0, K = 1, two countries: t = 1 / (epsilon lambda_jj); an export tax does the same (Lerner)."""
    economy = eh.purge_deficits(
        eh.Economy(np.random.default_rng(seed).uniform(1, 4, (2, 2, 1)), 3.0, countries=["HOM", "FOR"])
    )
    by_tariff = eh.optimal_policy(economy, "HOM", "tariff", tol=1e-9)
    abroad = by_tariff.equilibrium.trade_shares[1, 1, 0]
    assert by_tariff.rates["HOM"]["tariff"][0] == pytest.approx(1 / (3.0 * abroad), abs=1e-8)
    by_tax = eh.optimal_policy(economy, "HOM", "export_subsidy", tol=1e-9)
    assert by_tax.rates["HOM"]["export_subsidy"][0] == pytest.approx(-1 / (1 + 3.0 * abroad), abs=1e-8)
    np.testing.assert_allclose(by_tax.welfare_percent, by_tariff.welfare_percent, atol=1e-9)


@pytest.mark.parametrize("entry", ENTRY)
def test_closed_economy(entry):
    """1 + s = 1 + mu, and the gain is the closed form's."""
    economy = eh.Economy([[[4.0, 3.0, 2.0]]], [3.0, 4.0, 5.0], [0.2, 0.1, 0.15], entry=entry)
    best = eh.optimal_policy(economy, "C0", "production_subsidy", tol=1e-9)
    np.testing.assert_allclose(best.rates["C0"]["production_subsidy"], economy.scale_elasticity, atol=1e-8)
    gain = eh.closed_economy_gain(economy.expenditure_shares[0], economy.scale_elasticity, entry)
    assert np.log(best.equilibrium.welfare_hat[0]) == pytest.approx(gain, abs=1e-12)
    alone = eh.optimal_policy(economy, "C0")  # no one to trade with: the other instruments are idle
    np.testing.assert_allclose(alone.welfare_percent, best.welfare_percent, atol=1e-9)


@pytest.mark.parametrize("entry", ENTRY)
@pytest.mark.parametrize("parts", [(), ("links", "bilateral", "subsidies")])
@pytest.mark.parametrize("by_partner", [False, True])
def test_production_subsidies_are_pigouvian_whatever_the_size(entry, parts, by_partner):
    """s = mu at the first best of a large country among several, taxes and inputs of others or not."""
    economy = taxed_economy(1, parts=parts, entry=entry)
    best = eh.optimal_policy(economy, "C1", by_partner=by_partner, tol=1e-9)
    np.testing.assert_allclose(best.rates["C1"]["production_subsidy"], economy.scale_elasticity, atol=1e-6)


def test_a_country_of_the_data():
    """United States in wiod2014, 44 x 16: first best at s = mu, tariffs alone are worth less."""
    economy = eh.datasets.load("wiod2014", deficits="zero")
    at = economy.countries.index("USA")
    first, third = (eh.optimal_policy(economy, "USA", names, tol=1e-8) for names in (INSTRUMENTS, "tariff"))
    np.testing.assert_allclose(
        first.rates["USA"]["production_subsidy"], economy.scale_elasticity, rtol=1e-6, atol=1e-6
    )
    assert first.welfare_percent[at] > 2 * third.welfare_percent[at] > 0
    assert (third.rates["USA"]["tariff"] > 0).all()


def test_more_instruments_and_partners_are_worth_more():
    economy = taxed_economy(5, parts=("links",))
    steps = [
        eh.optimal_policy(economy, "C0", INSTRUMENTS[: number + 1]).welfare_percent[0] for number in range(3)
    ]
    steps.append(eh.optimal_policy(economy, "C0", by_partner=True).welfare_percent[0])
    assert 0 < steps[0] < steps[1] < steps[2] < steps[3]


@pytest.mark.parametrize(
    "instruments", [("tariff",), ("tariff", "export_subsidy"), ("production_subsidy",), INSTRUMENTS]
)
@pytest.mark.parametrize("entry", ENTRY)
def test_optimum_beats_the_formulas(entry, instruments):
    economy = random_economy(4, entry=entry)
    best = eh.optimal_policy(economy, "C0", instruments)
    levers = Levers(economy, eh.Policy().rates(economy), [0], instruments)
    formula = levers.pack(formula_rates(eh.counterfactual(economy), 0, instruments))
    by_formula = eh.counterfactual(economy, policy=levers.policy(formula))
    assert best.welfare_percent[0] > max(0.0, 100 * (by_formula.welfare_hat[0] - 1))


@settings(max_examples=15)
@given(**POLICY_PROBLEMS, by_partner=st.booleans())
def test_no_small_change_of_the_rates_raises_welfare(seed, parts, entry, instruments, by_partner):
    economy = taxed_economy(seed, parts=parts, entry=entry, countries=3, industries=2)
    best = eh.optimal_policy(economy, "C0", instruments, by_partner=by_partner)
    assert best.gradient <= 1e-7
    assert best.equilibrium.certificate.ok
    levers = Levers(economy, best.policy, [0], best.instruments, by_partner)
    top, rng = levers.in_force, np.random.default_rng(seed)
    for size in (0.002, 0.02):
        for _ in range(3):
            change = size * rng.normal(size=levers.size)
            moved = eh.counterfactual(economy, policy=levers.policy(top + change), tol=1e-12)
            gain = np.log(moved.welfare_hat[0] / best.equilibrium.welfare_hat[0])
            second = 0.5 * FLAT * levers.stiffness @ change**2
            assert gain <= best.gradient * levers.share @ np.abs(change) + second + 1e-12


def test_levels_without_effect_are_where_the_docstring_says():
    economy = random_economy(3)
    best = eh.optimal_policy(economy, "C0")
    rates, imports = in_logs(best, "C0"), economy.border_flows[1:, 0].sum(axis=0)
    assert np.average(rates["tariff"], weights=imports) == pytest.approx(0, abs=1e-12)
    level = np.average(
        rates["production_subsidy"] - np.log1p(economy.scale_elasticity), weights=economy.sales[0]
    )
    assert level == pytest.approx(0, abs=1e-12)


def test_limits_hold_rates_and_say_so():
    economy = random_economy(3)
    free = eh.optimal_policy(economy, "C0", "tariff")
    cap = float(np.median(free.rates["C0"]["tariff"]))
    capped = eh.optimal_policy(economy, "C0", "tariff", limits={"tariff": (0.0, cap)})
    rates = capped.rates["C0"]["tariff"]
    assert rates.max() == pytest.approx(cap, abs=1e-12)
    assert len(capped.at_limit) == (rates >= cap - 1e-12).sum() > 0
    assert "tariff of 'C0'" in capped.at_limit[0]
    assert capped.gradient <= 1e-7
    assert 0 < capped.welfare_percent[0] < free.welfare_percent[0]


def test_rates_of_others_and_other_instruments_stay():
    economy = taxed_economy(2)
    best = eh.optimal_policy(economy, "C2", "tariff")
    np.testing.assert_array_equal(best.policy.production_subsidy, economy.production_subsidy)
    np.testing.assert_array_equal(best.policy.export_subsidy, economy.export_subsidy)
    others = np.arange(4) != 2
    np.testing.assert_array_equal(best.policy.tariff[:, others], economy.tariff[:, others])
    assert np.ptp(best.policy.tariff[others, 2], axis=0).max() == 0  # uniform over partners


def test_the_policy_returned_does_what_is_reported():
    """Also where the optimum ends a tariff of the base year: zero rates are rates."""
    economy = taxed_economy(2, parts=("bilateral",), countries=2)
    best = eh.optimal_policy(economy, "C0", limits={"tariff": (0.0, 0.0), "export_subsidy": (0.0, 0.0)})
    assert not best.policy.tariff[:, 0].any()
    again = eh.counterfactual(economy, policy=best.policy)
    np.testing.assert_allclose(100 * (again.welfare_hat - 1), best.welfare_percent, atol=1e-8)
    np.testing.assert_allclose(
        np.log1p(best.rates["C0"]["production_subsidy"]),
        np.log1p(best.policy.production_subsidy[0]),
        atol=1e-12,
    )


def test_industries_nobody_trades_keep_their_rate():
    flows = np.full((2, 2, 3), 2.0)
    flows[:, :, 1] = np.eye(2)
    economy = eh.Economy(flows, [3.0, 4.0, 5.0], 0.1)
    best = eh.optimal_policy(economy, "C0")
    assert np.isnan(best.rates["C0"]["tariff"][1])
    assert np.isfinite(best.rates["C0"]["production_subsidy"]).all()
    assert best.policy.tariff[1, 0, 1] == 0


@pytest.mark.parametrize("entry", ENTRY)
def test_one_country_and_one_industry(entry):
    """Nothing to gain: the only subsidy is neutral."""
    economy = eh.Economy([[[3.0]]], 4.0, 0.2, entry=entry)
    best = eh.optimal_policy(economy, "C0")
    assert best.rates["C0"]["production_subsidy"][0] == pytest.approx(0.2, abs=1e-12)
    np.testing.assert_allclose(best.welfare_percent, 0.0, atol=1e-10)


def test_result_prints_and_turns_into_frames():
    economy = random_economy(6)
    best = eh.optimal_policy(economy, "C1", ("tariff", "production_subsidy"))
    assert "rates of C1" in str(best)
    assert "certified" in str(best)
    assert repr(best).startswith("OptimalPolicy(highest welfare of C1")
    frame = best.to_frame()
    assert list(frame.columns) == ["tariff_percent", "production_subsidy_percent"]
    np.testing.assert_allclose(frame["tariff_percent"], 100 * best.rates["C1"]["tariff"])
    assert best.to_frame("country").shape[0] == 4
    by_partner = eh.optimal_policy(economy, "C1", ("tariff", "production_subsidy"), by_partner=True)
    frame = by_partner.to_frame()
    assert frame.index.names == ["country", "partner", "industry"]
    assert np.isnan(frame.loc[("C1", "C1"), "tariff_percent"]).all()
    assert not best.welfare_percent.flags.writeable
    assert not best.rates["C1"]["tariff"].flags.writeable
    with pytest.raises(eh.BadInput, match="industry"):
        best.to_frame("partner")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"country": "C9"}, "unknown country 'C9'"),
        ({"country": 3}, "label of one country"),
        ({"country": ["C0", "C1"]}, "label of one country"),
        ({"instruments": "tarif"}, "did you mean 'tariff'"),
        ({"instruments": ()}, "name one or more"),
        ({"instruments": None}, "name one or more"),
        ({"instruments": ("tariff",), "limits": {"export_subsidy": (0, 1)}}, "not an instrument here"),
        ({"limits": {"tariff": (0.5, 0.1)}}, "a lowest and a highest rate"),
        ({"limits": {"tariff": 0.5}}, "a lowest and a highest rate"),
        ({"limits": 0.5}, "give a mapping"),
        ({"tol": 0.5}, "tol is 0.5"),
        ({"threads": 0}, "threads is 0"),
        ({"economy": "wiod2014"}, "pass an exacthat.Economy"),
    ],
)
def test_wrong_input_is_named(wrong, says):
    given = {"economy": random_economy(3), "country": "C0"} | wrong
    with pytest.raises(eh.BadInput, match=says):
        eh.optimal_policy(**given)


def test_worlds_without_an_optimum_are_refused():
    with pytest.raises(eh.BadInput, match="purge_deficits"):
        eh.optimal_policy(random_economy(3, balanced=False), "C0")
    with pytest.raises(eh.BadInput, match="nothing to set"):
        eh.optimal_policy(eh.Economy([[[3.0]]], 4.0), "C0", "tariff")
    with pytest.raises(eh.BadParameter, match="epsilon"):
        eh.optimal_policy(eh.Economy(np.ones((2, 2, 1)), 4.0, 0.5), "C0")


def test_a_search_that_cannot_meet_its_tolerance_says_so():
    with pytest.raises(eh.NotConverged, match="marginal gain") as caught:
        eh.optimal_policy(random_economy(3), "C0", tol=1e-18)
    assert caught.value.equilibrium.certificate.ok
