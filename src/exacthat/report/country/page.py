"""The page of a country study: one HTML file with everything in it."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.metadata import version

import jinja2

from exacthat import datasets
from exacthat.country_study import CountryStudy
from exacthat.country_study.claims import CONFIRMED, NOT, ROUGHLY
from exacthat.country_study.dynamic import DISCOUNT, HORIZON, PRODUCTIVITY, SUPPORT, TYPICAL_GROWTH
from exacthat.country_study.knowledge import SINCE
from exacthat.country_study.sensitivity import REFUSED
from exacthat.country_study.specialisation import NEAR
from exacthat.report.country import figures, grids, words
from exacthat.report.country.figures import Chart
from exacthat.report.country.grids import Grid
from exacthat.report.text import header
from exacthat.scenarios import Plan
from exacthat.sweep.draws import ALPHA_BELOW


@dataclass(frozen=True)
class Section:
    """One part of the page."""

    key: str
    title: str
    paragraphs: tuple[str, ...]
    charts: tuple[Chart, ...]
    grids: tuple[Grid, ...]


def page(plan: Plan, table_plan: Plan, study: CountryStudy) -> bytes:
    """Return the page as UTF-8. `table_plan` is the plan of the peers' table."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(__package__, "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=False,
    )
    text = environment.get_template("page.html.j2").render(
        title=plan.title,
        certificate=words.certificate_line(study),
        failed=bool(study.failed),
        lead=_lead(study),
        summary=words.summary(study),
        sections=sections(study),
        verdicts=(CONFIRMED, ROUGHLY, NOT),
        basis=_basis(table_plan, study),
        sources=_sources(study),
        versions=_versions(),
    )
    return text.encode("utf-8")


def sections(study: CountryStudy) -> list[Section]:
    """Return the parts of the page that have something to show, in order."""
    built = [_diagnosis(study), _specialisation(study), _correction(study), _focus(study), _learning(study),
             _knowledge(study), _sensitivity(study)]  # fmt: skip
    return [section for section in built if section is not None]


def _section(key, title, paragraphs, charts, tables) -> Section:
    present = lambda parts: tuple(part for part in parts if part is not None)  # noqa: E731
    return Section(key, title, tuple(paragraphs), present(charts), present(tables))


def _lead(study: CountryStudy) -> str:
    return (
        "A study of the question that Chatha, Ahmed and Zahid ask of Pakistan (SDPI working paper 213, 2026), with a "
        "quantitative trade model with scale economies. Every number was computed in one run on embedded data; "
        "welfare is real expenditure of the country as a whole. "
        + ("Learning over time is in its own part." if study.learning else "Learning over time is not in it.")
    )


def _diagnosis(study: CountryStudy) -> Section | None:
    if study.diagnosis is None:
        return None
    paragraphs = [
        "The paper's Figures 1 to 3, redrawn from series. Its sentences stand below in other words, each with what "
        "the data say and a verdict that follows from the numbers."
    ]
    return _section("diagnosis", "Diagnosis", paragraphs, figures.diagnosis(study),
                    [grids.facts(study), grids.claims(study), grids.targets(study)])  # fmt: skip


def _specialisation(study: CountryStudy) -> Section:
    held = study.specialisation
    clusters = "; ".join(" + ".join(cluster) for cluster in held.clusters) or "none"
    concentration = ", ".join(
        f"{label} {held.concentration[label]:.2f}" for label in (study.country, *study.peers)
    )
    paragraphs = [
        f"Strengths are goods with a revealed comparative advantage of at least 1; two belong to one cluster if the "
        f"proximity of their product space, computed from the same flows, is at least {NEAR:g}. Clusters: {clusters}.",
        f"Concentration of goods exports (sum of squared shares): {concentration}. Density is how near an "
        "industry lies "
        "to what the country is strong in, from 0 to 1.",
    ]
    return _section("specialisation", "Specialisation and clusters", paragraphs, [figures.advantage(study)],
                    [grids.goods(study)])  # fmt: skip


def _correction(study: CountryStudy) -> Section:
    paragraphs = [
        "The corrective policy subsidises production in every industry at its scale elasticity, financed lump sum. "
        "Only differences between industries matter: the same rate everywhere changes nothing. The bill counts gross, "
        "beside the gain, because the money has to be raised; the model charges nothing for raising it.",
        *words.immiserizing(study),
    ]
    charts = [figures.gains(study), figures.trade_gains(study)]
    if study.alone.parts and study.together.parts:
        charts += [figures.parts(study), figures.coordination(study)]
    return _section("correction", "Trade and corrective policy", paragraphs, charts,
                    [grids.peers(study), grids.parts(study), grids.coordination(study)])  # fmt: skip


def _focus(study: CountryStudy) -> Section:
    paragraphs = [
        "The paper names focus sectors. The data separate some of them. Support here is a production subsidy to one "
        "industry with no support of any other, and its effect is static: it ends with the support, and no learning is "
        "in it."
    ]
    return _section("focus", "Support of single sectors", paragraphs, [], [grids.focus(study)])


def _learning(study: CountryStudy) -> Section | None:
    if not study.learning:
        return None
    main = study.learning[0].assumptions
    paragraphs = [
        "Productivity phi of every industry and country starts at one and grows with employment, in shares of the "
        "country's: what an industry learns from another is an entry of the matrix of spillovers, here "
        f"{main.matrix}. Services neither send nor receive; an industry whose employment share is small against the "
        f"activity constant {main.activity:g} learns little; nothing is learned from abroad. The matrix gives a "
        f"shape only. Its scale makes the {PRODUCTIVITY} of {words.place(study.country)} start to grow at c = "
        f"{100 * main.growth:.2f} percent a year, which is what value added per worker grew by in the series "
        f"({100 * TYPICAL_GROWTH:g} where they do not hold the country); the same scale holds in all countries.",
        "The law is additive in levels, so growth fades: a target path cannot be sustained by a constant c. Support "
        f"lasts {SUPPORT:g} years; welfare is compared with no support over {HORIZON:g} years, log utility, nothing "
        f"counted after that; the consumption equivalent is at {100 * DISCOUNT:g} percent. At the start the effect is "
        "the static one, which goes when support goes; right after the end only learning is left.",
        "Bastable: the present value is positive. Mill: the industry's employment share never lies below that "
        "without support after it has ended; with gravity no industry shuts, so survival alone says nothing. The two "
        "can disagree. Critical discount rates are those at which the present value is zero, with the side on which "
        "support pays.",
        "The Pigouvian subsidy is what employment adds beyond its wage: to productivity at once, through scale (mu), "
        "and to the productivity of later years, through learning. The second is a shadow value along the path "
        "without support, from its adjoint, discounted at the same rate to the same horizon, per value of output at "
        "buyers' prices. Of both only differences between industries matter, and no cost of raising money is taken "
        "off.",
    ]
    charts = figures.support(study) if study.learning[0].trajectories else []
    return _section("learning", "Ten years of support with learning", paragraphs, charts,
                    [grids.support(study), grids.learning(study), grids.rates(study),
                     grids.pigouvian(study)])  # fmt: skip


def _knowledge(study: CountryStudy) -> Section | None:
    if not study.knowledge:
        return None
    paragraphs = [
        "The growth laws of the paper's annexure, apart from trade. By law (4) knowledge grows by research at home, a "
        "constant flow, and by diffusion from the knowledge of others; by law (8) growth diffuses. The embedded data "
        f"hold neither: value added per manufacturing worker stands for knowledge, its growth since {SINCE} is what "
        "law (4) starts at, and shares in imports of goods say who learns from whom. The part of growth that came from "
        "abroad is a scenario, and what is left counts as research.",
        "By law (4) growth for ever does not depend on research, which moves levels only, and growth fades where "
        "research is all there is; by law (8) research moves growth itself. The two do not follow from one another.",
    ]
    return _section(
        "knowledge", "Research and knowledge from abroad", paragraphs, [], [grids.knowledge(study)]
    )


def _sensitivity(study: CountryStudy) -> Section:
    paragraphs = [
        "Purging deficits is a counterfactual of its own. The rows with deficits as observed keep them fixed in "
        "units of "
        "world labour income; their gains from trade are formulas, not counterfactuals."
    ]
    if any(one.outcome == REFUSED for one in study.variants):
        paragraphs.append(
            "Sets of trade elasticities from other papers come without scale elasticities of their own; with those of "
            "the baseline they reach mu*epsilon of 1 in some industry and are refused under free entry. Restricted "
            "entry has no such bound."
        )
    charts = [figures.variants(study, others=False), figures.variants(study, others=True)]
    if study.interval is not None:
        charts.append(figures.draws(study))
        reasons = ", ".join(f"{reason} {number}" for reason, number in study.interval.draws.reasons.items())
        paragraphs.append(
            f"Draws: every estimate of Table 3 of Lashkaripour and Lugovskyy (2023) is normal with its standard error, "
            f"trade and scale elasticity independent of each other (the table prints no covariance); industries that "
            f"share an estimate share the draw; proposals outside epsilon > 0, mu >= 0, mu*epsilon < {ALPHA_BELOW:g} "
            f"are cut and drawn again, which moves means as well as tails. Cut by reason (one proposal may have "
            f"several): {reasons}."
        )
    return _section("sensitivity", "What the answer depends on", paragraphs, charts,
                    [grids.sensitivity(study), grids.signs(study), grids.intervals(study),
                     grids.cuts(study)])  # fmt: skip


def _basis(table_plan: Plan, study: CountryStudy) -> list[tuple[str, str]]:
    about = datasets.describe(table_plan.options["data"])
    return [
        *header(table_plan, study.table, study.tolerance),
        (
            "Flows",
            f"of {about.year}, the last year before the pandemic, at producer prices, goods and services for "
            "intermediate "
            "and final use together, no input-output links",
        ),
        (
            "Model",
            "many countries and industries, constant elasticities, scale economies external to the firm (free "
            "entry) or "
            "markups and profits (restricted entry); labour moves between industries, not between countries; subsidies "
            "are paid lump sum, without cost of raising them, corruption, or error in choosing industries",
        ),
        (
            "Not in it",
            f"{'' if study.learning else 'learning over time, '}capital, unemployment, finance, several of the "
            "paper's instruments (regulation, "
            "skills, partnerships), and tariffs",
        ),
        (
            "Certificates",
            "every equilibrium was solved to the tolerance above on the largest relative residual of any market; what "
            "misses it is shown as n/a and named in the first line",
        ),
        ("Draws", f"seed {study.seed}" if study.interval else "none"),
        ("Licence of data", about.licence),
    ]


def _sources(study: CountryStudy) -> list[str]:
    names = datasets.series_names() if study.diagnosis is not None else ()
    held = [datasets.series(name) for name in names]
    matrices = dict.fromkeys(one.assumptions.matrix for one in study.learning)
    spilled = [datasets.describe_spillovers(name) for name in matrices]
    return [f"{one.title}: {one.source}. {one.licence}." for one in spilled] + [
        f"{one.title} ({one.unit}): {one.source}. {one.licence}." for one in held
    ]


def _versions() -> str:
    packages = ", ".join(
        f"{name} {version(name)}" for name in ("exacthat", "numpy", "scipy", "matplotlib", "jinja2")
    )
    return f"Computed with {packages}, Python {platform.python_version()}."
