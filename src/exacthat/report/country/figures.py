"""Charts of a country study as SVG: narrow panels that stay readable on a phone, text kept as text."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from textwrap import fill

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from exacthat.country_study import CountryStudy
from exacthat.country_study.diagnosis import GROWTH_FROM
from exacthat.country_study.dynamic import HORIZON, SUPPORT
from exacthat.country_study.sensitivity import BASELINE, CERTIFIED
from exacthat.country_study.whole import DATA
from exacthat.datasets import describe, series
from exacthat.report.text import enumerated

COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#444444")  # the country first
GREY, LIGHT = "#6E6E6E", "#E6E6E6"
BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"
WIDTH = 4.7  # inches
SMOOTH = 3  # years of the rolling mean of growth
SHOWN_GOODS = 12
_STYLE = {"svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9.5, "axes.titlesize": 10.5}


@dataclass(frozen=True)
class Chart:
    """One chart: its SVG element, its caption, and what it shows in words for those who cannot see it."""

    svg: str
    caption: str
    description: str


def diagnosis(study: CountryStudy) -> list[Chart]:
    """Return Figures 1 to 3 of the paper, redrawn from the series."""
    if study.diagnosis is None:
        return []
    countries = [one.country for one in study.diagnosis.facts]
    return [
        _sectors(study.country),
        _lines("1-right", "Industry", "industry_va_pct_gdp", countries, "percent of GDP", 1960),
        _lines("2-left", f"Growth of manufacturing, {SMOOTH}-year mean", "manuf_va_growth_pct", countries,
               "percent a year", GROWTH_FROM, smooth=SMOOTH),
        _volatility(study),
        _lines("3-left", "Medium- and high-technology exports", "mht_exports_pct_manuf", countries,
               "percent of manufactured exports", 1990),
        _lines("3-right", "Value added per manufacturing worker", "manuf_va_per_worker_usd", countries,
               "thousand USD of 2015 (log scale)", 1990, scale=1e-3, log=True),
    ]  # fmt: skip


def industry_names() -> dict[str, str]:
    """Return the long name of every industry by its label."""
    about = describe(DATA)
    return dict(zip(about.industries, about.industry_names))


def advantage(study: CountryStudy) -> Chart:
    """Draw the largest goods exports with their revealed comparative advantage."""
    held = study.specialisation
    order = np.argsort(-held.export_share, kind="stable")[:SHOWN_GOODS][::-1]
    figure, axes = _figure(4.6)
    rows = np.arange(len(order))
    strong = held.advantage[order] >= 1.0
    axes.barh(rows, held.export_share[order], color=np.where(strong, BLUE, "#B8C4CE"), height=0.68, zorder=2)
    for row, k in zip(rows, order):
        axes.annotate(f"{held.advantage[k]:.2f}", (held.export_share[k], row), (4, 0), va="center", color=GREY,
                      textcoords="offset points", fontsize=8.5)  # fmt: skip
    names = industry_names()
    axes.set_yticks(rows, [fill(f"{held.goods[k]} {names[held.goods[k]]}", 26) for k in order], fontsize=7.5)
    axes.margins(x=0.12)
    _finish(axes, "Exports of goods", "percent of goods exports", grid="x")
    return Chart(
        _svg(figure, "advantage"),
        "The largest goods exports. Beside each bar: revealed comparative advantage, the share in the country's "
        "exports "
        "over the share in the world's; blue where it is 1 or more.",
        f"Bars of the {len(order)} largest goods exports of {study.country}.",
    )


def gains(study: CountryStudy) -> Chart:
    """Draw the gain alone, coordinated and in a closed economy of the country and its peers."""
    columns, labels = study.table.columns, [row[0] for row in study.table.rows]
    rows = np.arange(len(labels))[::-1]
    figure, axes = _figure(0.9 + 0.42 * len(labels))
    alone, together = columns["gain_alone"], columns["gain_together"]
    axes.hlines(
        rows, np.minimum(alone, together), np.maximum(alone, together), color="#C8C8C8", lw=3, zorder=1
    )
    axes.scatter(
        columns["closed_economy_gain"], rows, marker="|", s=150, color=GREY, lw=2, label="closed economy"
    )
    axes.scatter(alone, rows, s=45, color=ORANGE, label="alone", zorder=3)
    axes.scatter(together, rows, s=45, color=BLUE, label="coordinated", zorder=3)
    axes.axvline(0.0, color="black", lw=0.9, zorder=1.5)
    axes.set_yticks(rows, labels)
    axes.set_ylim(-0.6, len(labels) - 0.4)
    _finish(axes, "Corrective policy", "change of welfare, percent", grid="x", legend=3)
    return Chart(
        _svg(figure, "gains"),
        "Change of welfare from production subsidies at the scale elasticity: by the country alone, by all countries "
        "together, and in a closed economy.",
        "Dots for each country: gain alone, coordinated and closed.",
    )


def trade_gains(study: CountryStudy) -> Chart:
    """Draw the gains from trade with and without scale economies."""
    columns, labels = study.table.columns, [row[0] for row in study.table.rows]
    rows = np.arange(len(labels))[::-1]
    figure, axes = _figure(0.9 + 0.42 * len(labels))
    with_scale, without = columns["gains_from_trade"], columns["gains_from_trade_no_scale"]
    axes.hlines(rows, np.minimum(with_scale, without), np.maximum(with_scale, without), color="#C8C8C8", lw=3)
    axes.scatter(
        without, rows, s=45, color="white", edgecolor=GREEN, lw=1.5, label="no scale economies", zorder=3
    )
    axes.scatter(with_scale, rows, s=45, color=GREEN, label="with them", zorder=3)
    axes.set_yticks(rows, labels)
    axes.set_ylim(-0.6, len(labels) - 0.4)
    axes.set_xlim(left=0.0)
    _finish(axes, "Gains from trade", "percent of welfare", grid="x", legend=2)
    return Chart(
        _svg(figure, "trade"),
        "Welfare lost by moving to autarky, with and without scale economies in the same base year.",
        "Dots for each country: gains from trade with and without scale economies.",
    )


def parts(study: CountryStudy) -> Chart:
    """Draw the exact parts of the gain alone and together."""
    names = list(study.alone.parts)
    figure, axes = _figure(2.5)
    for row, one in ((1, study.alone), (0, study.together)):
        up = down = 0.0
        for name, colour in zip(names, (BLUE, "#E69F00", GREEN, GREY)):
            value = one.parts[name]
            axes.barh(row, value, 0.55, left=up if value >= 0 else down, color=colour, zorder=2,
                      label=name if row == 1 else None)  # fmt: skip
            up, down = (up + value, down) if value >= 0 else (up, down + value)
        axes.plot([sum(one.parts.values())], [row], marker="D", color="black", ms=6, zorder=3, ls="none",
                  label="sum" if row == 1 else None)  # fmt: skip
    axes.axvline(0.0, color="black", lw=0.9, zorder=2.5)
    axes.set_yticks([1, 0], ["alone", "coordinated"])
    axes.set_ylim(-0.55, 1.55)
    _finish(axes, "Exact parts of the gain", "100 log points of welfare", grid="x", legend=2)
    return Chart(
        _svg(figure, "parts"),
        "What the gain is made of: efficiency of the mix of industries, prices handed to buyers abroad, and "
        "trade shares. "
        "The parts add up exactly.",
        "Stacked bars of the parts, alone and coordinated.",
    )


def coordination(study: CountryStudy) -> Chart:
    """Draw the gain of every country from coordination, ordered."""
    order = np.argsort(study.together.welfare, kind="stable")
    welfare = study.together.welfare[order]
    labels = [study.base.countries[n] for n in order]
    marked = {study.country, *study.peers}
    figure, axes = _figure(3.0)
    colours = [
        ORANGE if value < 0 else BLUE if label in marked else "#A9BBD0"
        for value, label in zip(welfare, labels)
    ]
    at = np.arange(len(order))
    axes.bar(at, welfare, 0.8, color=colours, zorder=2)
    axes.axhline(0.0, color="black", lw=0.9, zorder=3)
    previous, raised = -9, False
    for x, value, label in zip(at, welfare, labels):
        if label not in marked:
            continue
        raised = x - previous < 4 and not raised  # labels of neighbours would lie on each other
        axes.annotate(label, (x, max(value, 0.0)), (0, 26 if raised else 3), textcoords="offset points",
                      rotation=90, ha="center", va="bottom", fontsize=8)  # fmt: skip
        previous = x
    losers = [label for value, label in zip(welfare, labels) if value < 0]
    axes.set_xticks([])
    axes.set_xlabel(f"{len(order)} countries, ordered")
    axes.margins(x=0.01, y=0.16)
    _finish(axes, "All countries correct", None, grid="y")
    axes.set_ylabel("change of welfare, percent")
    return Chart(
        _svg(figure, "coordination"),
        "Who gains and who loses if all countries correct at once: the country and its peers in dark blue, losers in "
        f"orange ({enumerated(losers) if losers else 'none'}).",
        "Bars of the change of welfare of every country.",
    )


def variants(study: CountryStudy, others: bool) -> Chart | None:
    """Draw the gain alone and together under changes of the baseline, or under the `others`' trade elasticities."""
    shown = [one for one in study.variants if one.outcome == CERTIFIED and (one.group == "sets") == others]
    if not shown or study.variants[0].outcome != CERTIFIED:
        return None
    figure, axes = _figure(1.0 + 0.3 * len(shown))
    rows = np.arange(len(shown))[::-1]
    alone = np.array([one.values["gain_alone"] for one in shown])
    together = np.array([one.values["gain_together"] for one in shown])
    axes.hlines(
        rows, np.minimum(alone, together), np.maximum(alone, together), color="#C8C8C8", lw=2.5, zorder=1
    )
    axes.scatter(alone, rows, s=34, color=ORANGE, label="alone", zorder=3)
    axes.scatter(together, rows, s=34, color=BLUE, label="coordinated", zorder=3)
    axes.axvline(0.0, color="black", lw=0.9, zorder=1.5)
    base = study.variants[0].values
    for value, colour in ((base["gain_alone"], ORANGE), (base["gain_together"], BLUE)):
        axes.axvline(value, color=colour, lw=0.8, ls=":", zorder=1)
    axes.set_yticks(rows, [_short(one.name) for one in shown], fontsize=8)
    axes.set_ylim(-0.7, len(shown) - 0.3)
    title = "Trade elasticities of others" if others else "Under other assumptions"
    _finish(axes, title, "change of welfare, percent", grid="x", legend=2)
    what = "with trade elasticities of other papers" if others else "under other assumptions"
    return Chart(
        _svg(figure, "sets" if others else "variants"),
        f"Gain of the country from its corrective policy {what}; dotted lines mark the baseline.",
        "Dots of the gain alone and coordinated for each set of assumptions.",
    )


def draws(study: CountryStudy) -> Chart | None:
    """Draw the spread of the gains over the draws."""
    if study.interval is None or not np.isfinite(study.interval.values["gain_alone"]).any():
        return None
    figure, axes = _figure(2.9)
    held = {key: study.interval.values[key] for key in ("gain_alone", "gain_together")}
    held = {key: values[np.isfinite(values)] for key, values in held.items()}
    edges = np.histogram_bin_edges(np.concatenate(list(held.values())), bins=30)
    for (key, values), colour, name in zip(held.items(), (ORANGE, BLUE), ("alone", "coordinated")):
        axes.hist(values, edges, color=colour, alpha=0.55, label=name, zorder=2)
        axes.axvline(study.variants[0].values[key], color=colour, lw=1.2, ls=":", zorder=3)
    axes.axvline(0.0, color="black", lw=0.9, zorder=3)
    _finish(axes, "Over draws of the elasticities", "change of welfare, percent", grid="y", legend=2)
    axes.set_ylabel("draws")
    return Chart(
        _svg(figure, "draws"),
        f"Gains over {len(study.interval.gainers)} draws of trade and scale elasticities from their standard "
        "errors; dotted "
        "lines mark the point estimates.",
        "Histograms of the gain alone and coordinated.",
    )


def support(study: CountryStudy) -> list[Chart]:
    """Draw the effect of ten years of support over time, one chart per rule."""
    charts = []
    for rule in dict.fromkeys(one.rule for one in study.learning[0].trajectories):
        figure, axes = _figure(3.2)
        shown = [one for one in study.learning[0].trajectories if one.rule == rule]
        for one, colour in zip(shown, COLOURS):
            label = f"{one.sector.industry} ({100 * one.rate:.0f} %)"
            axes.plot(one.times, one.relative, color=colour, lw=1.8, label=label)
        axes.axhline(0.0, color="black", lw=0.9)
        axes.axvspan(0.0, SUPPORT, color="#F0F2F4", zorder=0)
        axes.margins(x=0)
        _finish(axes, f"Ten years of support, {rule}", "years", legend=2)
        axes.set_ylabel("effect on welfare, percent")
        charts.append(
            Chart(
                _svg(figure, f"support-{len(charts)}"),
                f"Welfare of the country with support of one sector ({rule}) over welfare without, shaded "
                "while it lasts. The static effect ends with the support; what is left is learned.",
                f"Lines of the effect on welfare over {HORIZON:g} years, one for each supported sector.",
            )
        )
    return charts


def _sectors(country: str) -> Chart:
    figure, axes = _figure(3.1)
    names = {"agri_va_pct_gdp": "agriculture", "industry_va_pct_gdp": "industry", "services_va_pct_gdp": "services",
             "manuf_va_pct_gdp": "manufacturing (in industry)"}  # fmt: skip
    for (name, label), colour, dashes in zip(
        names.items(), (GREEN, ORANGE, BLUE, "#E69F00"), ("-", "-", "-", "--")
    ):
        years, values = _known(name, country)
        axes.plot(years, values, dashes, color=colour, lw=1.8, label=label)
    axes.set_ylim(bottom=0)
    _finish(axes, f"{country}: sectors", None, legend=2)
    axes.set_ylabel("percent of GDP")
    return Chart(
        _svg(figure, "1-left"),
        "Figure 1, left: value added by sector. Source: World Development Indicators.",
        f"Lines of agriculture, industry, services and manufacturing in GDP of {country}.",
    )


def _lines(key, title, name, countries, unit, first, smooth=1, scale=1.0, log=False) -> Chart:
    figure, axes = _figure(3.1)
    for at, country in reversed(list(enumerate(countries))):
        years, values = _known(name, country)
        if smooth > 1 and len(values) >= smooth:
            values = np.convolve(values, np.full(smooth, 1.0 / smooth), "valid")
            years = years[smooth - 1 :]
        years, values = years[years >= first], values[years >= first] * scale
        axes.plot(years, values, color=COLOURS[min(at, len(COLOURS) - 1)], lw=2.6 if at == 0 else 1.3, label=country,
                  zorder=3 if at == 0 else 2)  # fmt: skip
    if log:
        axes.set_yscale("log")
        ticks = [
            tick for tick in (1, 2, 5, 10, 20, 50, 100) if axes.get_ylim()[0] <= tick <= axes.get_ylim()[1]
        ]
        axes.set_yticks(ticks, [f"{tick}" for tick in ticks])
        axes.minorticks_off()
    if smooth > 1:
        axes.axhline(0.0, color="black", lw=0.8)
    _finish(axes, title, None, legend=6)
    handles, labels = axes.get_legend_handles_labels()
    _legend(axes, handles[::-1], labels[::-1], 6)
    axes.set_ylabel(unit)
    held = series(name)
    title = held.title[0].lower() + held.title[1:]
    return Chart(
        _svg(figure, key),
        f"Figure {key.replace('-', ', ')}: {title}. {held.source.split(',')[0]}.",
        f"Lines by country of {title}, {unit}.",
    )


def _volatility(study: CountryStudy) -> Chart:
    figure, axes = _figure(3.1)
    for at, one in enumerate(study.diagnosis.facts):
        if np.isfinite(one.growth):
            axes.scatter(one.volatility, one.growth, s=70 if at == 0 else 42, color=COLOURS[min(at, len(COLOURS) - 1)],
                         zorder=3)  # fmt: skip
            axes.annotate(
                one.country, (one.volatility, one.growth), (6, 3), textcoords="offset points", fontsize=9
            )
    axes.margins(0.15)
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    _finish(axes, f"Manufacturing since {GROWTH_FROM}", "standard deviation of growth, points", grid="both")
    axes.set_ylabel("mean growth, percent a year")
    return Chart(
        _svg(figure, "2-right"),
        "Figure 2, right: mean growth of manufacturing against its volatility, 1986 to 2020. Computed from "
        "United Nations national accounts.",
        "Dots by country: volatility across, mean growth up.",
    )


def _known(name: str, country: str):
    held = series(name)
    row = held.values[held.countries.index(country)]
    known = np.isfinite(row)
    return held.years[known], row[known]


def _short(name: str) -> str:
    replaced = (
        ("estimates of machinery and electrical equipment swapped", "machinery, electrical swapped"),
        ("petroleum without scale economies (mu 0)", "petroleum: mu 0"),
        ("services' trade elasticity", "services: epsilon"),
        ("restricted entry, deficits as observed", "restricted, deficits kept"),
        ("deficits as observed, held fixed", "deficits kept"),
        ("half of every scale elasticity", "half of every mu"),
    )
    for long, short in replaced:
        name = name.replace(long, short)
    name = re.sub(r"petroleum as in the programs .*", "petroleum: programs' values", name)
    name = re.sub(r"petroleum at the highest mu .*\((.*)\)", r"petroleum: mu \1", name)
    return (
        re.sub(r"trade elasticities (\w+), (\w+) entry", r"epsilon \1, \2", name)
        if name != BASELINE
        else name
    )


def _figure(height: float):
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        return figure, figure.subplots()


def _finish(axes, title: str, unit: str | None, grid: str = "y", legend: int = 0) -> None:
    with mpl.rc_context(_STYLE):
        labels = axes.get_legend_handles_labels()[1]
        lines = -(-len(labels) // legend) if legend else 0
        axes.set_title(title, loc="left", fontweight="bold", pad=6 + 14 * lines)
        if unit:
            axes.set_xlabel(unit)
        axes.grid(axis=grid, color=LIGHT)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        if legend:
            _legend(axes, *axes.get_legend_handles_labels(), legend)


def _legend(axes, handles, labels, columns: int) -> None:
    with mpl.rc_context(_STYLE):
        axes.legend(handles, labels, loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=columns, frameon=False,
                    fontsize=8.5, borderaxespad=0.0, handlelength=1.1, handletextpad=0.4,
                    columnspacing=0.9)  # fmt: skip


def _svg(figure: Figure, key: str) -> str:
    """Return the <svg> element alone, its ids made distinct, without dates, links or fixed size."""
    text = io.StringIO()
    salt = {"svg.hashsalt": key}
    with mpl.rc_context(_STYLE | salt):
        FigureCanvasSVG(figure).print_svg(
            text, metadata={"Date": None, "Creator": None, "Format": None, "Type": None}
        )
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :].strip()
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'id="([^"]+)"', rf'id="{key}-\1"', svg)
    svg = re.sub(r'(href="#|url\(#)', rf"\g<1>{key}-", svg)
    return re.sub(
        r'(<svg[^>]*?) width="[^"]*pt"', r"\1", re.sub(r'(<svg[^>]*?) height="[^"]*pt"', r"\1", svg)
    )
