"""Country studies: claims against series, exact parts, draws, sensitivity, learning, page and files."""

import csv
import html
import html.parser
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.special import ndtri

import exacthat as eh
from exacthat import datasets, scenarios
from exacthat.commands import command
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
    CERTIFIED,
    COLUMNS,
    REFUSED,
    flips,
    intervals,
    sensitivity,
    variants,
)
from exacthat.country_study.specialisation import specialisation
from exacthat.errors import BadInput
from exacthat.report.country import files, grids, words
from exacthat.study import corrective_policy
from exacthat.sweep.draws import ALPHA_BELOW, NOT_BELOW

FILE = """[scenario]
name = "own"
title = "Policy in {country}?"
[economy]
data = "icio2019"
services_trade_elasticity = 4.0
[study]
kind = "country-study"
country = "PAK"
countries = ["PAK", "VNM"]
draws = 2
learning = false
"""


@pytest.fixture(scope="module")
def economy():
    return datasets.load("icio2019")


@pytest.fixture(scope="module")
def base(economy):
    return eh.purge_deficits(economy)


@pytest.fixture(scope="module")
def study(economy):
    return country_study(economy, "PAK", ["VNM"], draws=2, learning=False)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("country")
    (folder / "own.toml").write_text(FILE, encoding="utf-8")
    out = folder / "out"
    arguments = ["run", str(folder / "own.toml"), "--out", str(out)]
    return out, CliRunner().invoke(command, arguments, prog_name="exacthat")


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


@pytest.mark.parametrize(
    ("alone", "together", "said"),
    [(1.0, 2.0, "not immiserizing"), (-1.0, 2.0, "is immiserizing"), (-1.0, -0.5, "does not help it either")],
)
def test_immiserizing_is_said_as_it_is(study, alone, together, said):
    test = replace(study.immiserizing, closed=0.7, alone=alone, together=together)
    assert said in words.immiserizing(replace(study, immiserizing=test))[0]


def test_summary_is_made_of_the_numbers(study):
    told = " ".join(sentence for _, several in words.summary(study) for sentence in several)
    n = study.base.countries.index("PAK")
    assert f"gains {study.alone.welfare[n]:.2f} percent of welfare" in told
    assert f"cost {study.alone.bill:.1f} percent" in told
    assert f"{int((study.together.welfare > 0).sum())} of 81 gain" in told
    certified = sum(one.outcome == CERTIFIED for one in study.variants)
    assert certified + sum(one.outcome == REFUSED for one in study.variants) == len(study.variants)


class Page(html.parser.HTMLParser):
    """Collects everything on a page that could reach outside."""

    def __init__(self):
        super().__init__()
        self.outside, self.ids, self.open = [], [], []

    def handle_starttag(self, tag, attributes):
        held = dict(attributes)
        if tag in ("link", "iframe", "img", "object", "embed", "base"):
            self.outside.append(tag)
        for name in ("href", "src", "xlink:href", "srcset", "action"):
            if name in held and not held[name].startswith("#"):
                self.outside.append(held[name])
        if "id" in held:
            self.ids.append(held["id"])


def test_page_reaches_for_nothing_outside_itself(run):
    text = (run[0] / "own.html").read_text(encoding="utf-8")
    page = Page()
    page.feed(text)
    assert page.outside == []
    assert text.count("<script>") == 1  # sorts the tables
    assert not re.search(r"import|fetch|XMLHttpRequest|https?:", text[text.index("<script>") :])
    assert len(page.ids) == len(set(page.ids))
    assert "@import" not in text
    assert not re.search(r"url\((?!#)", text)
    named = set(re.findall(r"https?://[^\"'\s<]+", text))
    assert named <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}  # names, not addresses
    for reference in set(re.findall(r"url\(#([^)]+)\)", text)) | set(re.findall(r'href="#([^"]+)"', text)):
        assert reference in page.ids


def test_page_shows_summary_tables_and_charts(run, study):
    text = (run[0] / "own.html").read_text(encoding="utf-8")
    assert "<title>Policy in Pakistan?</title>" in text
    assert text.index("certified") < text.index("<h1>")
    assert text.count("<svg") >= 12
    assert text.count("<figcaption>") == text.count("<svg")
    for grid in grids.every(study):
        assert html.escape(grid.title, quote=False).replace("'", "&#39;") in text


def test_screen_starts_with_its_certificate_and_holds_the_peers_table(run):
    _, result = run
    lines = result.stdout.splitlines()
    assert result.exit_code == 0, result.output
    assert re.fullmatch(r"certified: \d+ equilibria; worst residual \S+ \(tolerance 1e-10\)", lines[0])
    assert max(map(len, lines[:-1])) <= 100
    assert any(line.startswith(" PAK ") for line in lines)
    assert "Policy in Pakistan?" in lines


def test_tables_are_written_in_full_and_again_in_the_manifest(run):
    out, _ = run
    manifest = json.loads((out / "own.json").read_text(encoding="utf-8"))
    assert manifest["study"]["country"] == "PAK"
    assert manifest["study"]["first_part"] == "own-peers.json"
    assert manifest["equilibria"]["failed"] == []
    for key, table in manifest["tables"].items():
        header, *rows = csv.reader(io.StringIO((out / f"own-{key}.csv").read_text(encoding="utf-8")))
        assert header == table["columns"]
        assert len(rows) == len(table["rows"])
        for row, known in zip(rows, table["rows"]):
            assert [cell == ("" if value is None else str(value)) for cell, value in zip(row, known)] == [
                True
            ] * len(row)
    written = {path.name for path in out.iterdir()}
    assert written == {*manifest["files"], "own.json", "own-peers.json", "own-peers.csv", "own-peers.png"}
    first = json.loads((out / "own-peers.json").read_text(encoding="utf-8"))
    assert first["study"]["kind"] == "corrective-policy"


def test_the_documented_report_is_whole_and_says_what_the_page_prints():
    """The report in docs/ and the sentences beside it are of one run, and bear no trace of where it ran."""
    docs = Path(__file__).parents[1] / "docs"
    report = (docs / "pakistan.html").read_text(encoding="utf-8")
    assert not re.search(r"(?<![\w<:/.])/\w+/\w+|\b[A-Z]:\\\\", report)  # an absolute path
    assert len(report) < 1_500_000
    printed = (docs / "country-study.md").read_text(encoding="utf-8").split("```\n")[1]
    title, findings = printed.split("\n\n", 1)
    shown = html.unescape(re.sub(r"<[^>]+>", " ", report)).split()
    assert f"<h1>{title}</h1>" in report
    assert " ".join(findings.split()) in " ".join(shown)


@pytest.mark.parametrize("suffix", [".html", "-claims.csv", "-peers.csv"])
def test_files_of_others_are_not_replaced(tmp_path, suffix):
    (tmp_path / "own.toml").write_text(FILE, encoding="utf-8")
    theirs = tmp_path / f"own{suffix}"
    theirs.write_text("theirs", encoding="utf-8")
    result = CliRunner().invoke(command, ["run", str(tmp_path / "own.toml"), "--out", str(tmp_path)])
    assert result.exit_code == 3
    assert "is no result of this command" in result.stderr
    assert theirs.read_text(encoding="utf-8") == "theirs"


def test_another_country_names_its_files():
    plan = scenarios.find("pakistan", "VNM")
    assert (plan.name, plan.table_name) == ("pakistan-VNM", "peers-VNM")
    assert plan.title == "Is there a case for industrial policy in Viet Nam?"
    assert plan.countries == ("VNM", "PAK", "BGD", "IND", "IDN", "MYS")
    assert scenarios.find("pakistan").table_name == "peers"
    assert scenarios.find("pakistan", "DEU").countries[0] == "DEU"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["pakistan", "--country", "PAQ"], "--country is the unknown label 'PAQ'; did you mean 'PAK'?"),
        (["pakistan", "--country", "vnm"], "did you mean 'VNM'?"),
        (["peers", "--country", "VNM"], "--country VNM has no use in a study of kind 'corrective-policy'"),
    ],
)
def test_wrong_countries_are_refused(arguments, message):
    result = CliRunner().invoke(command, ["run", *arguments])
    assert result.exit_code == 3
    assert message in result.stderr


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('country = "PAK"\n', "", "needs country"),
        ('"icio2019"', '"wiod2014"', "needs data = 'icio2019'"),
        ("draws = 2", "draws = -1", "draws is -1"),
        ("draws = 2", "seed = 1.5", "seed is 1.5"),
        ("learning = false", 'learning = "no"', "must be true or false"),
        ("learning = false", 'table_name = "own"', "the name of the scenario"),
        ("[economy]\n", '[economy]\nentry = "restricted"\n', "needs entry = 'free'"),
        ("[economy]\n", '[economy]\ndeficits = "fixed"\n', "needs deficits = 'zero'"),
        ('kind = "country-study"', 'kind = "corrective-policy"', "draws has no use"),
    ],
)
def test_faults_of_the_file_are_named(old, new, message):
    with pytest.raises(BadInput) as caught:
        scenarios.read(FILE.replace(old, new), "own.toml")
    assert message in str(caught.value)
