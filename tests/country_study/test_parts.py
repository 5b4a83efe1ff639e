"""Country studies: claims against series, exact parts, draws, sensitivity, learning, knowledge."""

import re
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtri

import exacthat as eh
from exacthat import datasets, scenarios
from exacthat.country_study import country_study, dynamic
from exacthat.country_study.claims import (
    CONFIRMED,
    MEASURES,
    NOT,
    ROUGHLY,
    above,
    below,
    claims,
    compound_growth,
    size,
)
from exacthat.country_study.correction import correct
from exacthat.country_study.diagnosis import diagnose
from exacthat.country_study.draws import elasticity_draws
from exacthat.country_study.focus import SECTORS, supports
from exacthat.country_study.knowledge import knowledge_scenarios
from exacthat.country_study.sensitivity import (
    BASELINE,
    COLUMNS,
    REFUSED,
    flips,
    intervals,
    sensitivity,
    variants,
)
from exacthat.country_study.specialisation import specialisation
from exacthat.errors import BadInput
from exacthat.report.country import files, words
from exacthat.study import corrective_policy
from exacthat.sweep.draws import ALPHA_BELOW, NOT_BELOW
from tests.country_study.conftest import FILE

# What the paper says


@pytest.mark.parametrize(
    ("judge", "found", "stated", "verdict"),
    [
        (size, 5.1, 5.0, CONFIRMED),
        (size, 5.6, 5.0, ROUGHLY),
        (size, 3.9, 5.0, NOT),
        (below, 12.9, 13.0, CONFIRMED),
        (below, 13.6, 13.0, ROUGHLY),
        (below, 14.4, 13.0, NOT),
        (above, 31.0, 30.0, CONFIRMED),
        (above, 28.0, 30.0, ROUGHLY),
        (above, 26.9, 30.0, NOT),
    ],
)
def test_verdicts_follow_their_rule(judge, found, stated, verdict):
    assert judge(found, stated) == verdict


def test_claims_name_figure_series_and_verdict():
    found = claims()
    assert {claim.figure for claim in found} == {"1", "2", "3 left", "3 right", "5.7"}
    assert {claim.verdict for claim in found} == {CONFIRMED, ROUGHLY, NOT}
    for claim in found:
        assert set(claim.series) <= set(datasets.series_names())
        assert re.search(r"\d", claim.found)


def test_value_added_per_worker_contradicts_the_paper():
    growth, first, last = compound_growth("manuf_va_per_worker_usd", "PAK", 1991)
    years, values = datasets.series("manuf_va_per_worker_usd").of("PAK")
    start = values[years == first][0]
    assert start * (1 + growth / 100) ** (last - first) == pytest.approx(values[-1])
    assert growth > 1.0
    told = [claim for claim in claims() if "less than 1 percent" in claim.statement]
    assert [claim.verdict for claim in told] == [NOT]
    assert f"PAK {growth:.1f}" in told[0].found


def test_other_countries_get_their_claims_and_strangers_none():
    assert all("VNM" in claim.countries for claim in diagnose("VNM", []).claims)
    assert diagnose("THA", []).claims == ()
    assert diagnose("DEU", ["PAK"]) is None


# What the country makes


def test_advantage_is_share_over_world_share(economy):
    held = specialisation(economy, "PAK")
    exports = economy.flows.sum(axis=1) - np.einsum("nnk->nk", economy.flows)
    goods = exports[:, :27]
    by_hand = (goods[economy.countries.index("PAK")] / goods[economy.countries.index("PAK")].sum()) / (
        goods.sum(axis=0) / goods.sum()
    )
    assert held.advantage == pytest.approx(by_hand)
    assert held.export_share.sum() == pytest.approx(100.0)
    assert sorted(sum(held.clusters, ())) == sorted(
        label for label, value in zip(held.goods, held.advantage) if value >= 1.0
    )


def test_proximity_is_a_share_of_countries(economy):
    held = specialisation(economy, "PAK")
    assert (held.proximity == held.proximity.T).all()
    assert ((held.proximity >= 0) & (held.proximity <= 1)).all()
    assert np.diag(held.proximity) == pytest.approx(1.0)
    assert ((held.density >= 0) & (held.density <= 1)).all()


# The corrective policy


@pytest.mark.parametrize("country", ["PAK", "VNM", "BEL"])
def test_parts_add_up_to_the_whole(base, country):
    *both, test = correct(base, country)
    n = base.countries.index(country)
    for one in both:
        assert sum(one.parts.values()) == pytest.approx(100 * np.log1p(one.welfare[n] / 100), abs=1e-7)
        assert list(one.parts) == ["efficiency", "transfer abroad", "gains from trade"]
    assert test.verdict == (both[0].welfare[n] < 0 < min(test.closed, both[1].welfare[n]))


def test_countries_alike_gain_together_what_efficiency_gives():
    flows = np.array([2.0, 1.0, 3.0]) * (0.5 + 4.0 * np.eye(3))[:, :, None]
    world = eh.Economy(flows, [4.0, 6.0, 3.0], [0.15, 0.05, 0.0])
    _, together, test = correct(world, "C0")
    assert together.parts["transfer abroad"] == pytest.approx(0.0, abs=1e-8)
    assert together.parts["gains from trade"] == pytest.approx(0.0, abs=1e-8)
    assert test.together == pytest.approx(test.closed, abs=1e-8)


def test_immiserizing_example_is_seen():
    epsilon = np.array([2.0, 4.0, 6.0, 8.0])
    flows = np.array([0.4, 0.3, 0.2, 0.1]) * (0.2 + 0.4 * np.eye(3))[:, :, None]
    world = eh.Economy(flows, epsilon, 0.75 / epsilon)
    alone, together, test = correct(world, "C0")
    assert 100 * np.log1p(together.welfare[0] / 100) == pytest.approx(0.5176, abs=5e-5)
    assert 100 * np.log1p(alone.welfare[0] / 100) == pytest.approx(-2.88, abs=5e-3)
    assert test.verdict


def test_split_refuses_worlds_it_does_not_hold_for(economy):
    with pytest.raises(BadInput, match="purge the deficits"):
        correct(economy, "PAK")


def test_support_of_one_sector_is_its_counterfactual(base):
    one = supports(base, "PAK")[1]
    k = base.industries.index(one.sector.industry)
    n = base.countries.index("PAK")
    rates = np.zeros(base.output_shares.shape)
    rates[n, k] = 0.1
    solved = eh.counterfactual(base, policy=eh.Policy(production_subsidy=rates))
    assert one.welfare == pytest.approx(100 * (solved.welfare_hat[n] - 1), abs=1e-8)
    assert one.employment > 0


# What it rests on


def test_draws_stay_inside_the_model_and_share_estimates(economy):
    drawn = elasticity_draws(economy, 50, seed=3)
    alpha = drawn.trade_elasticity * drawn.scale_elasticity
    assert (drawn.trade_elasticity > 0).all()
    assert (drawn.scale_elasticity >= 0).all()
    assert (alpha < ALPHA_BELOW).all()
    rows = datasets.elasticity_table("icio2019")["table3_rows"]
    for name in drawn.proposed:
        same = drawn.trade_elasticity[:, rows == name]
        assert (same == same[:, :1]).all()
        assert drawn.proposed[name] - drawn.cut[name] == 50
    assert (drawn.trade_elasticity[:, -1] == economy.trade_elasticity[-1]).all()
    assert (drawn.scale_elasticity[:, -1] == 0).all()
    assert sum(drawn.reasons.values()) >= sum(drawn.cut.values()) > 0


def test_cut_draws_are_counted_and_told(economy, study):
    """The proposals of the first estimate, drawn here one by one."""
    count, seed = 40, 3
    drawn = elasticity_draws(economy, count, seed)
    table = datasets.elasticity_table("ll2023")
    name = next(iter(drawn.proposed))
    at = [table["table3_row"].tolist().index(row) for row in name.split("+")]
    normal = ndtri(np.random.Generator(np.random.PCG64(seed)).random((256, 2, len(at))))
    kept = cut = 0
    for proposal in normal:
        epsilon = table["table3_epsilon"][at] + table["table3_epsilon_se"][at] * proposal[0]
        mu = table["table3_mu"][at] + table["table3_mu_se"][at] * proposal[1]
        inside = (epsilon > 0).all() and (mu >= 0).all() and epsilon.mean() * mu.mean() < 0.995
        kept, cut = kept + inside, cut + (not inside)
        if kept == count:
            break
    assert (drawn.proposed[name], drawn.cut[name]) == (kept + cut, cut)
    assert drawn.reasons[NOT_BELOW] > 0
    held = study.interval.draws
    told = dict(words.summary(study))["What it rests on"][-1]
    assert f" {sum(held.cut.values())} of {sum(held.proposed.values())} proposals were cut" in told
    assert f" {held.reasons[NOT_BELOW]} of them (also) because mu*epsilon was not below 0.995" in told


def test_draws_repeat_with_their_seed_and_grow_by_it(economy):
    first, again, other = (elasticity_draws(economy, 5, seed) for seed in (1, 1, 2))
    assert (first.trade_elasticity == again.trade_elasticity).all()
    assert (first.trade_elasticity != other.trade_elasticity).any()


def test_draws_of_precise_estimates_are_centred(economy):
    drawn = elasticity_draws(economy, 2000, seed=5)
    k = economy.industries.index("C13T15")  # 2 percent of its proposals are cut
    assert drawn.trade_elasticity[:, k].mean() == pytest.approx(3.359, abs=0.05)
    assert drawn.trade_elasticity[:, k].std() == pytest.approx(0.353, rel=0.1)


def test_variants_change_what_they_say(economy):
    listed = {name: (world, deficits) for _, name, world, deficits in variants(economy)}
    at = economy.industries.index
    assert next(iter(listed)) == BASELINE
    assert listed["petroleum without scale economies (mu 0)"][0].scale_elasticity[at("C19")] == 0
    swapped = listed["estimates of machinery and electrical equipment swapped"][0]
    assert swapped.trade_elasticity[at("C28")] == economy.trade_elasticity[at("C26")]
    assert swapped.scale_elasticity[at("C27")] == economy.scale_elasticity[at("C28")]
    half = listed["half of every scale elasticity"][0]
    assert half.scale_elasticity == pytest.approx(economy.scale_elasticity / 2)
    assert listed["restricted entry"][0].entry == "restricted"
    assert listed["deficits as observed, held fixed"][1] == "fixed"
    used = listed["petroleum as in the programs (epsilon 0.397, mu 1.758)"][0]
    assert used.trade_elasticity[at("C19")], used.scale_elasticity[at("C19")] == (0.397, 1.758)
    for value in (10, 11):
        assert listed[f"services' trade elasticity {value}"][0].trade_elasticity[-1] == value


def test_sensitivity_is_the_study_of_each_variant(economy):
    found = {one.name: one for one in sensitivity(economy, "PAK", ["IND"])}
    table = corrective_policy(economy, ["PAK", "IND"])
    for key in COLUMNS:
        assert found[BASELINE].values[key] == pytest.approx(table.columns[key][0], abs=1e-9)
    assert found[BASELINE].alone["IND"] == pytest.approx(table.columns["gain_alone"][1], abs=1e-9)
    refused = [one for one in found.values() if one.outcome == REFUSED]
    assert refused
    for one in refused:
        assert "free entry" in one.name
        assert "mu*epsilon" in one.reason
        assert np.isnan(list(one.values.values())).all()
    turned = flips(list(found.values()))
    for country, names in turned.items():
        for name in names:
            assert found[name].alone[country] * found[BASELINE].alone[country] < 0
    assert "restricted entry" in turned["IND"]


def test_intervals_solve_every_draw_in_its_own_base_year(economy):
    held = intervals(economy, "PAK", 2, seed=1, threads=2)
    assert held.failed == 0
    assert held.solved == 6
    world = replace(
        economy,
        trade_elasticity=held.draws.trade_elasticity[1],
        scale_elasticity=held.draws.scale_elasticity[1],
    )
    alone = corrective_policy(world, ["PAK"]).columns["gain_alone"][0]
    assert held.values["gain_alone"][1] == pytest.approx(alone, abs=1e-9)
    low, middle, high = held.percentiles("gain_alone")
    assert low <= middle <= high
    alone_one = intervals(economy, "PAK", 2, seed=1, threads=1)
    assert (alone_one.values["gain_alone"] == held.values["gain_alone"]).all()


# Ten years of support


def small(base):
    """Pakistan, Viet Nam and the rest: the same code in a world of three."""
    others = [label for label in base.countries if label not in ("PAK", "VNM")]
    at = [base.countries.index(label) for label in ("PAK", "VNM")]
    rest = [base.countries.index(label) for label in others]
    flows = np.zeros((3, 3, len(base.industries)))
    groups = [[at[0]], [at[1]], rest]
    for i, origins in enumerate(groups):
        for n, destinations in enumerate(groups):
            flows[i, n] = base.flows[np.ix_(origins, destinations)].sum(axis=(0, 1))
    return replace(
        base,
        flows=flows,
        countries=("PAK", "VNM", "ROW"),
        expenditure_shares=None,
        production_subsidy=0.0,
    )


@pytest.fixture(scope="module")
def learned(base):
    return dynamic.trajectories(small(base), "PAK", ["VNM"], diagnose("PAK", []))


def test_learning_starts_at_the_rate_it_is_scaled_to_and_fades(learned):
    for held in learned:
        assert not held.failed
        assert held.starting["PAK"] == pytest.approx(100 * held.assumptions.growth)
        assert held.fading[0.0] == pytest.approx(held.starting["PAK"], rel=1e-3)
        assert held.fading[50.0] < held.fading[0.0]
    assert {held.assumptions.matrix for held in learned} == {"proximity", "suppliers", "customers"}
    assert {held.assumptions.activity for held in learned} == {0.0, 0.001, 0.01}


def test_support_starts_with_its_static_effect_which_ends_with_it(base, learned):
    world = small(base)
    static = {(one.sector, one.rule): one.welfare for one in supports(world, "PAK")}
    for one in learned[0].trajectories:
        assert one.at_start == pytest.approx(static[one.sector, one.rule], abs=1e-6)
        during, after = one.relative[: dynamic.NODES], one.relative[dynamic.NODES :]
        assert one.times[dynamic.NODES - 1] == one.times[dynamic.NODES] == dynamic.SUPPORT
        assert (during[0], after[0], after[-1]) == (one.at_start, one.after, one.at_end)
        assert one.productivity > 0


def test_between_nodes_the_path_is_as_interpolated(base):
    world = small(base)
    industries = world.industries
    learning = dynamic.Learning(datasets.spillovers("proximity", industries), industries=industries)
    learning = dynamic.scale_to_growth(world, learning, "PAK", dynamic.manufacturing(world), 0.07)
    plan = (SECTORS[0], "s = 0.1", 0.1)
    stream = dynamic._stream(dynamic._sampled(world, 0, learning, plan, valued=False))
    rates = np.zeros(world.output_shares.shape)
    rates[0, industries.index("C13T15")] = 0.1
    policy = eh.Policy(production_subsidy=rates)
    phases = [dynamic.Phase(policy=policy, until=10.0), dynamic.Phase()]
    path = dynamic.simulate(world, learning, phases, horizon=50.0, rtol=1e-8)
    times = np.array([0.3, 4.7, 10.0, 13.0, 33.3, 49.0])
    assert stream.evaluate(times, "right")[:, 0] == pytest.approx(path.at(times).welfare_hat[:, 0], rel=1e-5)
    before = path.at(10.0, side="left").welfare_hat[0]
    assert stream.evaluate(np.array([10.0]), "left")[0, 0] == pytest.approx(before, rel=1e-5)


def test_verdicts_agree_with_the_numbers_beside_them(learned):
    for held in learned:
        for one in held.trajectories:
            assert one.bastable == (one.equivalent > 0)
            assert one.mill == (one.mill_margin >= -1e-7)


def test_dynamic_subsidies_are_scale_and_the_shadow_value_of_learning(base, learned):
    world = small(base)
    *held, mean = learned[0].subsidies
    assert [one.industry for one in held] == [sector.industry for sector in SECTORS if sector.industry]
    assert mean.industry == "all industries"
    assert all(not one.subsidies for one in learned[1:])
    industries = world.industries
    learning = dynamic.Learning(datasets.spillovers("proximity", industries), industries=industries)
    learning = dynamic.scale_to_growth(
        world, learning, "PAK", dynamic.manufacturing(world), learned[0].assumptions.growth
    )
    path = dynamic.simulate(world, learning, horizon=dynamic.HORIZON)
    value = dynamic.learning_value(path, dynamic.DISCOUNT, "PAK", times=[0.0])
    for one in held:
        k = industries.index(one.industry)
        assert one.scale == pytest.approx(100 * world.scale_elasticity[k])
        assert one.learning == pytest.approx(100 * value.rate[0, 0, k], rel=1e-3)
        assert one.subsidy == pytest.approx(one.scale + one.learning)
        assert 0 < one.later < one.learning  # fewer years are left to use what is learned
    benefit = value.marginal_external_benefit[0, 0]
    assert mean.subsidy == pytest.approx(100 * world.output_shares[0] @ benefit, rel=1e-3)


# Research and knowledge from abroad


def test_knowledge_starts_at_the_growth_of_the_series(economy):
    found = knowledge_scenarios(economy, "PAK")
    assert len(found) == 6
    for still, research, wider in (found[:3], found[3:]):
        assert still.gains == (0.0, 0.0)
        # Law (8) keeps the growth of the series; twice the research adds the part that came from home or more.
        history = 100 * np.log1p(compound_growth(MEASURES[0], "PAK", 1991)[0] / 100)
        assert still.equilibrium == pytest.approx(history)
        home = (1 - still.from_abroad / 100) * history
        assert research.equilibrium > history + home
        assert wider.equilibrium > history
        # Law (4): research moves levels, not growth for ever, and diffusion between others stays what it was.
        assert research.long_run == pytest.approx(still.long_run)
        assert min(*research.gains, *wider.gains) > 0
        assert research.growth > still.growth
    assert (
        found[4].gains[1] < found[1].gains[1]
    )  # the more comes from abroad, the less research at home moves
    assert knowledge_scenarios(economy, "DEU") == ()


# The whole and its report


def test_study_refuses_what_it_cannot_start_from(economy):
    other = eh.Economy([[[8.0], [2.0]], [[2.0], [8.0]]], 4.0, entry="restricted", countries=["PAK", "VNM"])
    with pytest.raises(BadInput) as caught:
        country_study(other, "PAK", ["PAK"])
    assert len(caught.value.problems) == 3
    with pytest.raises(BadInput, match="unknown country 'PAQ'"):
        country_study(economy, "PAQ", ["VNM"], draws=0, learning=False)


def test_missed_tolerance_leaves_no_numbers_and_says_so(economy, monkeypatch):
    few = variants(economy)[:2]
    monkeypatch.setattr("exacthat.country_study.sensitivity.variants", lambda economy: few)
    missed = country_study(economy, "PAK", ["VNM"], draws=1, learning=False, tol=1e-18)
    assert missed.failed
    assert words.certificate_line(missed).startswith("NOT certified")
    assert all(sentence for _, told in words.summary(missed) for sentence in told)
    page = files.contents(scenarios.read(FILE, "own.toml"), missed)[".html"].decode()
    assert "NOT certified" in page
    assert "n/a" in page


def test_country_study_of_another_country_needs_no_series(economy):
    found = country_study(economy, "BEL", ["PAK"], draws=0, learning=False)
    assert found.diagnosis is None
    assert found.interval is None
    told = " ".join(sentence for _, several in words.summary(found) for sentence in several)
    assert "do not hold BEL" in told
