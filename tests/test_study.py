"""Studies: closed forms, limits, agreement with single counterfactuals, faults."""

import numpy as np
import pytest

import exacthat as eh
from exacthat.errors import BadInput, BadParameter, NoEquilibrium, NotConverged
from exacthat.study import BASE_YEAR, TOGETHER, corrective_policy, counterfactuals, trade_gains

MU = np.array([0.15, 0.05, 0.0])
EPSILON = np.array([4.0, 6.0, 3.0])


def world(seed=1, n=4, **options):
    rng = np.random.default_rng(seed)
    flows = rng.lognormal(sigma=0.7, size=(n, n, 3)) + 4.0 * np.eye(n)[:, :, None]
    labels = [f"L{j}" for j in range(n)]
    return eh.Economy(flows, EPSILON, MU, countries=labels, industries=["a", "b", "c"], **options)


def symmetric(n=3, **options):
    flows = np.array([2.0, 1.0, 3.0]) * (0.5 + 4.0 * np.eye(n))[:, :, None]
    return eh.Economy(flows, EPSILON, MU, **options)


@pytest.mark.parametrize("entry", ["free", "restricted"])
def test_countries_alike_gain_together_what_a_closed_economy_gains(entry):
    columns = corrective_policy(symmetric(entry=entry)).columns
    assert columns["gain_together"] == pytest.approx(columns["closed_economy_gain"], abs=1e-7)
    assert columns["gain_alone"] == pytest.approx(np.full(3, columns["gain_alone"][0]), abs=1e-7)
    assert (columns["closed_economy_gain"] > 0).all()


def test_one_country_is_a_closed_economy():
    columns = corrective_policy(symmetric(n=1)).columns
    assert columns["gain_alone"] == pytest.approx(columns["closed_economy_gain"], abs=1e-7)
    assert columns["gains_from_trade"] == pytest.approx([0.0], abs=1e-12)
    assert columns["domestic_share"] == pytest.approx([100.0])


def test_without_scale_the_policy_does_nothing():
    economy = world()
    plain = eh.Economy(economy.flows, EPSILON, 0.0, countries=economy.countries)
    columns = corrective_policy(plain).columns
    for name in ("gain_alone", "gain_together", "closed_economy_gain", "subsidy_bill_alone"):
        assert abs(columns[name]).max() < 1e-12, name
    assert columns["gains_from_trade"] == pytest.approx(columns["gains_from_trade_no_scale"], abs=1e-10)


def test_rows_agree_with_counterfactuals_solved_one_by_one():
    economy = world()
    table = corrective_policy(economy, ["L2", "L0"])
    base = eh.purge_deficits(economy)
    for row, n in enumerate([2, 0]):
        solved = eh.counterfactual(base, policy=eh.Policy.corrective(base, [economy.countries[n]]))
        assert table.columns["gain_alone"][row] == pytest.approx(100 * (solved.welfare_hat[n] - 1), abs=1e-7)
        income = solved.income_hat[n] * base.flows[n].sum()
        assert table.columns["subsidy_bill_alone"][row] == pytest.approx(
            100 * solved.subsidy_cost[n] / income, rel=1e-7
        )
    together = eh.counterfactual(base, policy=eh.Policy.corrective(base))
    assert table.welfare[TOGETHER] == pytest.approx(100 * (together.welfare_hat - 1), abs=1e-7)
    assert table.columns["gain_together"] == pytest.approx(table.welfare[TOGETHER][[2, 0]], abs=0)


def test_subset_of_countries_is_a_subset_of_rows():
    economy = world()
    whole, part = corrective_policy(economy), corrective_policy(economy, ["L3", "L1"])
    for name, values in part.columns.items():
        assert values.tolist() == whole.columns[name][[3, 1]].tolist(), name


def test_gains_without_scale_are_those_of_the_world_without_scale():
    base = eh.purge_deficits(world())
    plain = eh.Economy(base.flows, EPSILON, 0.0, countries=base.countries)
    columns = trade_gains(base).columns
    assert columns["gains_from_trade_no_scale"] == pytest.approx(
        eh.gains_from_trade(plain).percent, abs=1e-10
    )
    assert abs(columns["gains_from_trade"] - columns["gains_from_trade_no_scale"]).max() > 0.01


def test_country_without_own_supply_loses_everything_in_autarky():
    flows = np.array(world().flows)
    flows[0, :, 1] = 0.0
    columns = trade_gains(eh.Economy(flows, EPSILON, MU)).columns
    assert columns["gains_from_trade"][0] == columns["gains_from_trade_no_scale"][0] == 100.0
    assert (columns["gains_from_trade"][1:] < 100.0).all()


def test_base_year_is_purged_and_certified_or_kept():
    economy = world()
    purged, kept = trade_gains(economy), trade_gains(economy, deficits="fixed")
    assert not purged.base.deficits.any()
    assert purged.certificates[BASE_YEAR].ok
    assert kept.base is economy
    assert not kept.certificates
    assert kept.worst is None
    assert abs(purged.columns["domestic_share"] - kept.columns["domestic_share"]).max() > 0.1


def test_effective_elasticity_turns_domestic_shares_into_the_gains_without_scale():
    columns = trade_gains(world()).columns
    gains = 1.0 - (columns["domestic_share"] / 100.0) ** (1.0 / columns["effective_elasticity"])
    assert 100.0 * gains == pytest.approx(columns["gains_from_trade_no_scale"], abs=1e-9)


def test_single_industry_column_only_on_request():
    economy = eh.Economy([[[8.0], [2.0]], [[2.0], [8.0]]], 4.0)
    assert "gains_single_industry" not in trade_gains(economy).columns
    table = trade_gains(economy, single_industry_elasticity=4.0)
    assert table.columns["gains_single_industry"] == pytest.approx(table.columns["gains_from_trade"])


def test_autarky_costs_the_gains_from_trade():
    economy = world()
    table = counterfactuals(economy, {"autarky": (eh.Shock(trade_cost=np.inf), eh.Policy())})
    assert table.columns["welfare"] == pytest.approx(
        -trade_gains(economy).columns["gains_from_trade"], abs=1e-6
    )
    assert table.rows == tuple(("autarky", country) for country in economy.countries)


def test_rows_of_counterfactuals_follow_their_order_and_that_of_countries():
    changes = {
        "dear": (eh.Shock(trade_cost=1.2), eh.Policy()),
        "nothing": (eh.Shock(), eh.Policy()),
    }
    table = counterfactuals(world(), changes, ["L3", "L0"])
    assert table.rows == (("dear", "L3"), ("dear", "L0"), ("nothing", "L3"), ("nothing", "L0"))
    assert (table.columns["welfare"][:2] < 0).all()
    assert (table.columns["welfare"][2:] == 0.0).all()
    assert list(table.certificates) == [BASE_YEAR, "dear", "nothing"]


def test_missed_tolerance_leaves_no_number():
    economy = world(n=12)
    table = corrective_policy(economy, tol=1e-18)
    assert len(table.failed) >= 2  # some residual may be zero by chance
    assert table.worst in table.failed
    missed = np.array([f"{country} alone" in table.failed for country in economy.countries])
    for name in ("gain_alone", "subsidy_bill_alone"):
        assert (np.isnan(table.columns[name]) == missed).all(), name
    assert np.isfinite(table.columns["gains_from_trade"]).all()
    changed = counterfactuals(economy, {"dear": (eh.Shock(trade_cost=1.2), eh.Policy())}, tol=1e-18)
    for name, values in changed.columns.items():
        assert (np.isnan(values) == (not changed.certificates["dear"].ok)).all(), name


def test_base_year_that_misses_its_tolerance_is_refused(monkeypatch):
    monkeypatch.setattr("exacthat.study.REBALANCE_TOLERANCE", 1e-20)
    with pytest.raises(NotConverged, match="the base year without deficits"):
        trade_gains(world())


def test_progress_hears_every_equilibrium_before_its_solve():
    heard = []
    table = corrective_policy(world(), ["L1", "L0"], progress=heard.append)
    assert heard == list(table.certificates) == [BASE_YEAR, "L1 alone", "L0 alone", TOGETHER]


def test_results_are_read_only():
    table = corrective_policy(world(), ["L1"])
    with pytest.raises(ValueError, match="read-only"):
        table.columns["gain_alone"][0] = 1.0


def test_impossible_counterfactual_is_named():
    cut = np.ones((4, 4, 1))
    cut[0, 1:] = np.inf
    changes = {"embargo": (eh.Shock(trade_cost=cut), eh.Policy())}
    with pytest.raises(NoEquilibrium, match="counterfactual 'embargo'"):
        counterfactuals(world(), changes)


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"countries": ["L9"]}, BadInput, "unknown country 'L9'"),
        ({"countries": ["L1", "L1"]}, BadInput, "each once"),
        ({"countries": []}, BadInput, "at least one"),
        ({"deficits": "fixd"}, BadParameter, "did you mean 'fixed'"),
    ],
)
def test_faults_are_named(options, kind, message):
    with pytest.raises(kind, match=message):
        corrective_policy(world(), **options)


def test_scale_too_strong_for_one_equilibrium_is_refused():
    strong = eh.Economy(world().flows, EPSILON, [0.3, 0.1, 0.0])
    with pytest.raises(BadParameter, match="unique only below 1"):
        corrective_policy(strong)


def test_closed_economy_column_counts_links_and_standing_subsidies():
    """It is what the country alone in the world would gain: with links more than the formula, with s = mu nothing."""
    flows, mu = [[[8.0, 6.0]]], [0.2, 0.0]
    linked = eh.Economy(flows, 4.0, mu, input_shares=[[0.3, 0.1], [0.1, 0.3]])
    standing = eh.Economy(flows, 4.0, mu, production_subsidy=[[0.2, 0.0]])
    for world in (linked, standing):
        table = corrective_policy(world)
        np.testing.assert_allclose(
            table.columns["closed_economy_gain"], table.columns["gain_alone"], atol=1e-8
        )
    formula = 100 * np.expm1(eh.closed_economy_gain(linked.spending_shares, linked.scale_elasticity))
    assert corrective_policy(linked).columns["closed_economy_gain"][0] > 2 * formula[0]
