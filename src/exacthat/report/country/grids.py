"""Tables of a country study: the same rows for the page and for the CSV files."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from exacthat.country_study import CountryStudy
from exacthat.country_study.diagnosis import GROWTH_FROM, PRODUCTIVITY_FROM, TARGET_YEARS
from exacthat.country_study.dynamic import DISCOUNT, HORIZON, SUPPORT
from exacthat.country_study.focus import SECTORS, TENTH
from exacthat.country_study.knowledge import YEARS
from exacthat.country_study.sensitivity import CERTIFIED, COLUMNS, PERCENTILES
from exacthat.report.country.figures import industry_names

Cell = str | float | int


@dataclass(frozen=True)
class Grid:
    """A table: `key` names its file.

    The file has all columns and digits, the page the first `columns_shown` columns (0: all) and `digits` digits;
    `stacked` rows become cards on narrow screens.
    """

    key: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    digits: int = 2
    note: str = ""
    columns_shown: int = 0
    stacked: bool = False

    @property
    def header(self) -> tuple[str, ...]:
        """Columns of the page."""
        return self.columns[: self.columns_shown or None]

    def to_csv(self) -> bytes:
        """Return the table as CSV, numbers in full digits, empty where nothing is known."""
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        for row in self.rows:
            writer.writerow(["" if _unknown(cell) else cell for cell in row])
        return text.getvalue().encode("utf-8")

    def shown(self) -> list[list[tuple[str, bool]]]:
        """Return the cells as (text, whether a number)."""
        return [[self._shown(cell) for cell in row[: self.columns_shown or None]] for row in self.rows]

    def _shown(self, cell: Cell) -> tuple[str, bool]:
        if isinstance(cell, str):
            return cell, False
        if _unknown(cell):
            return "n/a", True
        if isinstance(cell, int):
            return f"{cell}", True
        return f"{cell:z,.0f}" if abs(cell) >= 1000 else f"{cell:z.{self.digits}f}", True


def _unknown(cell: Cell) -> bool:
    return isinstance(cell, float) and math.isnan(cell)


PERCENT = {
    "gain_alone": "gain alone",
    "gain_together": "gain coordinated",
    "subsidy_bill_alone": "subsidy bill alone",
    "closed_economy_gain": "closed-economy gain",
    "gains_from_trade": "gains from trade",
    "gains_from_trade_no_scale": "same, no scale",
}


def facts(study: CountryStudy) -> Grid | None:
    """Return what the series say of the country and its peers."""
    if study.diagnosis is None:
        return None
    columns = (
        "country", "industry, % of GDP", "manufacturing, % of GDP", "mean growth of manufacturing, % a year",
        "its standard deviation", "medium and high technology, % of manufactured exports",
        "value added per manufacturing worker, USD of 2015", "its growth, % a year",
        "growth per worker in all industry, % a year",
    )  # fmt: skip
    rows = tuple(
        (one.country, one.industry, one.manufacturing, one.growth, one.volatility, one.technology,
         one.value_added, one.value_added_growth, one.industry_value_added_growth)
        for one in study.diagnosis.facts
    )  # fmt: skip
    note = (
        f"Shares are those of the last year of each series; growth of manufacturing since {GROWTH_FROM}, of "
        f"productivity since {PRODUCTIVITY_FROM}."
    )
    return Grid("diagnosis", "The country and its peers in the series", columns, rows, 1, note)


def claims(study: CountryStudy) -> Grid | None:
    """Return the paper's claims with what was found and the verdict."""
    if study.diagnosis is None or not study.diagnosis.claims:
        return None
    columns = ("figure", "the paper says", "the data say", "verdict", "series")
    rows = tuple(
        (one.figure, one.statement, one.found, one.verdict, ", ".join(one.series))
        for one in study.diagnosis.claims
    )
    note = (
        "A stated size is confirmed within 5 percent of itself and roughly within 20; a stated bound roughly within 10 "
        "percent of the bound; claims with several parts get the verdict of the worst part."
    )
    return Grid(
        "claims",
        "The paper's sentences and the data",
        columns,
        rows,
        note=note,
        columns_shown=4,
        stacked=True,
    )


def goods(study: CountryStudy) -> Grid:
    """Return the goods industries by exports."""
    held = study.specialisation
    order = np.argsort(-held.export_share, kind="stable")
    names = industry_names()
    columns = (
        "industry", "name", "revealed comparative advantage", "share of goods exports, %", "share of employment, %",
        "share of spending, %", "scale elasticity", "density",
    )  # fmt: skip
    rows = tuple(
        (held.goods[k], names[held.goods[k]], *(float(part[k]) for part in (
            held.advantage, held.export_share, held.employment_share, held.spending_share,
            held.scale_elasticity, held.density)))
        for k in order
    )  # fmt: skip
    return Grid("specialisation", "Goods industries, by exports", columns, rows)


def focus(study: CountryStudy) -> Grid:
    """Return the paper's focus sectors, where the data have them, and what static support does."""
    columns = (
        "focus sector", "industry", "what else lies in it", "rule", "rate, %", "change of welfare, %",
        "subsidy bill, % of income", "employment share, points",
    )  # fmt: skip
    rows = [
        (one.sector.name, one.sector.industry or "", one.sector.note, one.rule, 100.0 * one.rate, one.welfare,
         one.bill, one.employment)
        for one in study.supports
    ]  # fmt: skip
    nothing = float("nan")
    rows += [
        (sector.name, "SERV", sector.note, "", nothing, nothing, nothing, nothing)
        for sector in SECTORS
        if sector.industry is None
    ]
    return Grid(
        "focus", "Support of one focus sector, nothing else changing", columns, tuple(rows), 3, stacked=True
    )


def peers(study: CountryStudy) -> Grid:
    """Return the table of the country and its peers."""
    table = study.table
    columns = ("country", *(f"{PERCENT.get(key, key.replace('_', ' '))}, %" for key in table.columns))
    rows = tuple(
        (labels[0], *(float(values[at]) for values in table.columns.values()))
        for at, labels in enumerate(table.rows)
    )
    return Grid("peers", "Corrective policy of the country and its peers", columns, rows)


def parts(study: CountryStudy) -> Grid:
    """Return the exact parts of the country's gain, alone and together, in 100 log points."""
    names = list(study.alone.parts or study.together.parts)
    columns = (
        "policy",
        *names,
        "sum = 100 ln of welfare",
        "change of welfare, %",
        "subsidy bill, % of income",
    )
    n = study.base.countries.index(study.country)
    rows = tuple(
        (one.name, *(one.parts.get(name, float("nan")) for name in names),
         sum(one.parts.values()) if one.parts else float("nan"), float(one.welfare[n]), one.bill)
        for one in (study.alone, study.together)
    )  # fmt: skip
    return Grid("decomposition", "Exact parts of the gain, in 100 log points", columns, rows, 3)


def coordination(study: CountryStudy) -> Grid:
    """Return what coordination gives every country, the largest gain first."""
    order = np.argsort(-study.together.welfare, kind="stable")
    rows = tuple((study.base.countries[n], float(study.together.welfare[n])) for n in order)
    title = "Change of welfare if all countries correct"
    return Grid("coordination", title, ("country", "change of welfare, %"), rows)


def sensitivity(study: CountryStudy) -> Grid:
    """Return the gains under every set of assumptions."""
    columns = (
        "assumption", *(f"{PERCENT[key]}, %" for key in COLUMNS), "countries that gain together", "outcome", "reason",
    )  # fmt: skip
    rows = tuple(
        (one.name, *(one.values[key] for key in COLUMNS),
         one.gainers if one.outcome == CERTIFIED else float("nan"), one.outcome, one.reason)
        for one in study.variants
    )  # fmt: skip
    return Grid("sensitivity", "Gains under other assumptions", columns, rows, columns_shown=len(columns) - 1)


def signs(study: CountryStudy) -> Grid:
    """Return the gain alone of the country and its peers under every set of assumptions that has a result."""
    countries = (study.country, *study.peers)
    rows = tuple(
        (one.name, *(one.alone[country] for country in countries))
        for one in study.variants
        if one.outcome == CERTIFIED
    )
    columns = ("assumption", *(f"{country}, %" for country in countries))
    return Grid("signs", "Gain from correcting alone, under other assumptions", columns, rows)


def intervals(study: CountryStudy) -> Grid | None:
    """Return percentiles over the draws."""
    if study.interval is None:
        return None
    columns = (
        "result", *(f"{level:g}th percentile" for level in PERCENTILES), "point estimate", "draws above 0, %"
    )  # fmt: skip
    point = study.variants[0].values
    rows = tuple(
        (
            f"{PERCENT[key]}, %",
            *study.interval.percentiles(key),
            point[key],
            study.interval.share_positive(key),
        )
        for key in COLUMNS
    )
    return Grid("intervals", "Results over draws of the elasticities", columns, rows)


def cuts(study: CountryStudy) -> Grid | None:
    """Return how many proposals were cut, by estimate."""
    if study.interval is None:
        return None
    drawn = study.interval.draws
    rows = tuple((name, drawn.proposed[name], drawn.cut[name]) for name in drawn.proposed)
    return Grid("cuts", "Proposals of the draws, by estimate", ("estimate", "proposed", "cut"), rows)


def support(study: CountryStudy) -> Grid | None:
    """Return ten years of support of each focus sector under the main assumptions."""
    if not study.learning:
        return None
    columns = (
        "industry", "rule", "rate, %", "static effect at the start, %", "effect right after support, %",
        f"effect after {HORIZON:g} years, %", "productivity of the industry when support ends, %",
        "consumption equivalent, %", "critical discount rates, % (pays)", f"Bastable at {100 * DISCOUNT:g} %", "Mill",
        "margin of Mill, points",
    )  # fmt: skip
    rows = tuple(
        (one.sector.industry, one.rule, 100.0 * one.rate, one.at_start, one.after, one.at_end, one.productivity,
         one.equivalent, _critical(one.critical), _passes(one.bastable), _passes(one.mill), one.mill_margin)
        for one in study.learning[0].trajectories
    )  # fmt: skip
    return Grid("support", "Ten years of support against none: effects on welfare", columns, rows, 3)


def learning(study: CountryStudy) -> Grid | None:
    """Return what support at ten percent does under each set of assumptions on learning."""
    if not study.learning:
        return None
    columns = (
        "assumption", "c, % a year", "spillovers", "activity constant", "industry", "effect right after support, %",
        "consumption equivalent, %", "critical discount rates, % (pays)", "Bastable", "Mill",
    )  # fmt: skip
    rows = tuple(
        (held.assumptions.name, 100.0 * held.assumptions.growth, held.assumptions.matrix,
         f"{held.assumptions.activity:g}", one.sector.industry, one.after, one.equivalent, _critical(one.critical),
         _passes(one.bastable), _passes(one.mill))
        for held in study.learning
        for one in held.trajectories
        if one.rule == TENTH
    )  # fmt: skip
    return Grid("learning", "Support at ten percent under other assumptions on learning", columns, rows, 3)


def rates(study: CountryStudy) -> Grid | None:
    """Return the starting rates of learning that the scale implies, and how growth fades without support."""
    if not study.learning:
        return None
    countries = (study.country, *study.peers)
    dates = tuple(sorted({date for held in study.learning for date in held.fading}))
    columns = (
        "assumption", *(f"start, {label}" for label in countries),
        *(f"{study.country} after {date:g} years" for date in dates if date > 0),
    )  # fmt: skip
    rows = tuple(
        (held.assumptions.name, *(held.starting[label] for label in countries),
         *(held.fading.get(date, float("nan")) for date in dates if date > 0))
        for held in study.learning
    )  # fmt: skip
    title = "Growth of manufacturing productivity without support, % a year"
    return Grid("rates", title, columns, rows)


def pigouvian(study: CountryStudy) -> Grid | None:
    """Return the dynamic Pigouvian subsidies of the focus sectors' industries, and the mean of all industries."""
    if not study.learning or not study.learning[0].subsidies:
        return None
    columns = (
        "industry", "scale (mu), %", "learning at the start, %", f"learning after {SUPPORT:g} years, %",
        "Pigouvian subsidy at the start, %",
    )  # fmt: skip
    rows = tuple(
        (one.industry, one.scale, one.learning, one.later, one.subsidy) for one in study.learning[0].subsidies
    )
    note = "The last row is the mean over all industries by employment: only differences from it matter."
    return Grid(
        "pigouvian", "Subsidy that pays for scale and for learning, no support given", columns, rows, 2, note
    )


def knowledge(study: CountryStudy) -> Grid | None:
    """Return what research at home and diffusion from abroad do to knowledge, by scenario."""
    if not study.knowledge:
        return None
    columns = (
        "part of growth from abroad, %", "change", *(f"knowledge after {years:g} years, %" for years in YEARS),
        f"mean growth over {YEARS[-1]:g} years, % a year", "growth for ever, law (4), % a year",
        "growth, law (8), % a year",
    )  # fmt: skip
    rows = tuple(
        (one.from_abroad, one.change, *one.gains, one.growth, one.long_run, one.equilibrium)
        for one in study.knowledge
    )
    return Grid("knowledge", "Research at home and knowledge from abroad", columns, rows)


def _critical(rates) -> str:
    return ", ".join(f"{100 * rate:.2f} ({pays})" for rate, pays in rates) or "none"


def _passes(verdict: bool) -> str:
    return "passes" if verdict else "fails"


def targets(study: CountryStudy) -> Grid | None:
    """Return the growth that the paper's target asks for."""
    if study.diagnosis is None or not study.diagnosis.targets:
        return None
    columns = ("goal", "start, USD per worker", "goal, USD per worker", "growth, % a year")
    rows = tuple((one.what, one.start, one.goal, one.growth) for one in study.diagnosis.targets)
    title = f"Growth of value added per worker that reaches a goal in {TARGET_YEARS} years"
    return Grid("targets", title, columns, rows)


def every(study: CountryStudy) -> Sequence[Grid]:
    """Return all tables that have a file of their own; the peers' table has its own files."""
    built = [make(study) for make in (facts, claims, goods, parts, coordination, focus, sensitivity, signs,
                                      intervals, cuts, targets, support, learning, rates, pigouvian,
                                      knowledge)]  # fmt: skip
    return [grid for grid in built if grid is not None]
