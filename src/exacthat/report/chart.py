"""One chart per study, drawn without a display."""

from __future__ import annotations

import io
from textwrap import fill

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from exacthat.scenarios import Plan
from exacthat.study import Result

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#6E6E6E"  # told apart by colour-blind readers
ROW = 0.42  # inches per country
NOTES = 0.25  # inches for the line below the panels
LEGEND_ABOVE = 24.0  # points between a panel and its title


def chart_png(plan: Plan, result: Result) -> bytes:
    """Draw the table of `result` and return it as PNG."""
    draw = {
        "corrective-policy": _corrective,
        "gains-from-trade": _gains,
        "counterfactual": _counterfactual,
        "table5": _table5,
        "nafta": _nafta,
    }[result.kind]
    figure = draw(plan, result)
    picture = io.BytesIO()
    FigureCanvasAgg(figure).print_png(picture, metadata={"Software": None})
    return picture.getvalue()


def _corrective(plan: Plan, result: Result) -> Figure:
    columns = result.columns
    order = np.argsort(columns["domestic_share"], kind="stable")  # the most closed country on top
    names = [f"{result.rows[n][0]} ({columns['domestic_share'][n]:.0f}\u2009%)" for n in order]
    figure, (left, right) = _figure(plan, len(order), (1.25, 1.0))
    rows = np.arange(len(order))
    alone, together = columns["gain_alone"][order], columns["gain_together"][order]
    left.hlines(
        rows, np.minimum(alone, together), np.maximum(alone, together), color="#C8C8C8", lw=3, zorder=1
    )
    left.scatter(columns["closed_economy_gain"][order], rows, marker="|", s=190, color=GREY, lw=2,
                 label="closed economy", zorder=2)  # fmt: skip
    left.scatter(alone, rows, s=62, color=ORANGE, label="alone", zorder=3)
    left.scatter(together, rows, s=62, color=BLUE, label="all countries together", zorder=3)
    left.axvline(0.0, color="black", lw=0.9, zorder=1.5)
    left.set_yticks(rows, names)
    _finish(left, len(rows), "Corrective policy", "change of welfare, percent")
    _legend(left)
    left.set_ylabel("country (domestic share of spending)")
    _trade_panel(right, result, order)
    return figure


def _gains(plan: Plan, result: Result) -> Figure:
    order = np.argsort(result.columns["gains_from_trade"], kind="stable")
    figure, (axes,) = _figure(plan, len(order), (1.0,))
    axes.set_yticks(np.arange(len(order)), [result.rows[n][0] for n in order])
    _trade_panel(axes, result, order)
    return figure


def _trade_panel(axes, result: Result, order) -> None:
    columns, rows = result.columns, np.arange(len(order))
    if result.base.scale_elasticity.any():
        axes.scatter(columns["gains_from_trade_no_scale"][order], rows, s=62, color="white", edgecolor=GREEN,
                     lw=1.6, label="without scale", zorder=3)  # fmt: skip
    axes.scatter(columns["gains_from_trade"][order], rows, s=62, color=GREEN, lw=1.6, zorder=3,
                 label="with scale" if result.base.scale_elasticity.any() else "many industries")  # fmt: skip
    if "gains_single_industry" in columns:
        axes.scatter(columns["gains_single_industry"][order], rows, s=44, color=GREY, marker="D",
                     label="one industry", zorder=3)  # fmt: skip
    _finish(axes, len(rows), "Gains from trade", "percent of welfare")
    axes.set_xlim(left=min(0.0, axes.get_xlim()[0]))
    _legend(axes)


def _counterfactual(plan: Plan, result: Result) -> Figure:
    names = list(result.welfare)
    values = result.columns["welfare"].reshape(len(names), -1)
    countries = np.array([country for _, country in result.rows[: values.shape[1]]])
    order = np.argsort(values[0], kind="stable")
    rows = np.arange(len(order))
    figure, panels = _figure(plan, len(order), (1.0,) * len(names))
    panels[0].set_yticks(rows, countries[order])
    for axes, name, change in zip(panels, names, values):
        axes.barh(rows, change[order], 0.62, color=np.where(change[order] < 0, ORANGE, BLUE), zorder=2)
        axes.axvline(0.0, color="black", lw=0.9, zorder=3)
        _finish(axes, len(rows), fill(name, 36), "change of welfare, percent", pad=6.0)
        axes.locator_params(axis="x", nbins=6)
    if len(names) > 1:
        _note(figure, 0.99, "right", "the panels have different scales")
    return figure


def _table5(plan: Plan, result: Result) -> Figure:
    columns = result.columns
    order = np.argsort(columns["free_alone_swapped"], kind="stable")
    rows = np.arange(len(order))
    figure, panels = _figure(plan, len(order), (1.0, 1.0), height=0.2)
    panels[0].set_yticks(rows, [result.rows[n][0] for n in order], fontsize=8)
    for axes, entry in zip(panels, ("restricted", "free")):
        for policy, label, color in (("alone", "alone", ORANGE), ("together", "all together", BLUE)):
            swapped, right = (columns[f"{entry}_{policy}_{which}"][order] for which in ("swapped", "right"))
            axes.scatter(swapped, rows, s=26, color=color, label=label, zorder=3)
            axes.scatter(right, rows, s=52, color="none", edgecolor=color, lw=0.8, zorder=2)
        axes.axvline(0.0, color="black", lw=0.9, zorder=1.5)
        _finish(axes, len(rows), f"{entry.capitalize()} entry", "change of welfare, percent")
        _legend(axes)
    _note(figure, 0.99, "right", "filled: tariffs swapped; ring: tariffs the right way; scales differ")
    return figure


def _nafta(plan: Plan, result: Result) -> Figure:
    columns = result.columns
    rows = np.arange(len(result.rows))[::-1]
    figure, (axes,) = _figure(plan, len(rows), (1.0,))
    axes.set_yticks(rows, [row[0] for row in result.rows])
    for key, label, color, marker in (
        ("welfare_first_order", "first order, as printed", ORANGE, "o"),
        ("real_income", "exact real income", BLUE, "D"),
    ):
        axes.scatter(columns[key], rows, s=62, color=color, marker=marker, label=label, zorder=3)
    axes.axvline(0.0, color="black", lw=0.9, zorder=1.5)
    _finish(axes, len(rows), "Welfare", "percent")
    _legend(axes)
    return figure


def _figure(plan: Plan, rows: int, widths: tuple[float, ...], height: float = ROW):
    """Return a figure with a title, a line of notes below, and one panel per entry of `widths`.

    `height` is that of a row, in inches.
    """
    height = 2.0 + height * max(rows, 3)
    figure = Figure(figsize=(max(9.0, 3.2 * len(widths)), height), dpi=150, layout="constrained")
    panels = figure.subplots(1, len(widths), sharey=True, width_ratios=widths, squeeze=False)[0]
    figure.suptitle(f"{fill(plan.title, 80)}\n", x=0.01, ha="left", fontsize=12, fontweight="bold")
    base = "deficits purged" if plan.deficits == "zero" else "deficits as observed"
    data = plan.options.get("data", plan.options.get("flows"))
    entry = "" if plan.kind == "table5" else f"; {plan.economy.entry} entry"
    _note(figure, 0.01, "left", f"Data: {data}; {base}{entry}")
    figure.get_layout_engine().set(rect=(0, NOTES / height, 1, 1 - NOTES / height), wspace=0.04)
    return figure, panels


def _note(figure: Figure, x: float, side: str, text: str) -> None:
    figure.text(x, 0.2 * NOTES / figure.get_figheight(), text, fontsize=8, color=GREY, ha=side)


def _finish(axes, rows: int, title: str, unit: str, pad: float = LEGEND_ABOVE) -> None:
    axes.set_ylim(-0.6, rows - 0.4)
    axes.set_xlabel(unit)
    axes.set_title(title, loc="left", fontsize=11, pad=pad)
    axes.grid(axis="x", color="#E6E6E6")
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _legend(axes) -> None:
    """Put the legend between the title of a panel and its frame, without a say in the layout."""
    legend = axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=3, frameon=False, fontsize=9,
                         borderaxespad=0.0, handletextpad=0.1, columnspacing=0.8)  # fmt: skip
    legend.set_in_layout(False)
