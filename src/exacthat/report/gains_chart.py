"""Gains from trade by country: one industry, many, and many with scale economies."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from exacthat.report.frame import GREEN, GREY, ORANGE, blank, finish, legend, note
from exacthat.scenarios import Plan
from exacthat.study import Result

STYLE = {
    "gains_single_industry": {"s": 26, "color": GREY, "marker": "D"},
    "gains_from_trade_no_scale": {"s": 46, "color": "white", "edgecolor": GREEN, "lw": 1.6},
    "gains_from_trade": {"s": 46, "color": GREEN, "lw": 1.6},
}
EVERYTHING = 100.0  # percent: a good that no one at home supplies


def gains_chart(plan: Plan, result: Result) -> Figure:
    """Draw the gains of each country, the largest on top."""
    gains = result.columns["gains_from_trade"]
    order = np.argsort(gains, kind="stable")
    figure, (axes,) = blank(plan, len(order), (1.0,))
    axes.set_yticks(np.arange(len(order)), [result.rows[n][0] for n in order])
    trade_panel(axes, result, order)
    told = ["100: no supplier of some good at home"] if (gains >= EVERYTHING).any() else []
    if result.base.scale_elasticity.any():
        told.append("bar: what scale economies add (green) or take away (orange)")
    note(figure, 0.99, "right", "; ".join(told))
    return figure


def trade_panel(axes, result: Result, order) -> None:
    """Draw gains from trade in one panel, rows in `order`; gains of everything stand at the edge."""
    columns, rows = result.columns, np.arange(len(order))
    scaled = bool(result.base.scale_elasticity.any())
    many = "many, " if "gains_single_industry" in columns else ""
    names = {"gains_single_industry": "one industry", "gains_from_trade": "many industries"}
    if scaled:
        names["gains_from_trade_no_scale"] = f"{many}without scale"
        names["gains_from_trade"] = f"{many}with scale"
    values = {key: columns[key][order] for key in STYLE if key in names and key in columns}
    edge = _edge(np.concatenate(list(values.values())))
    shown = {key: np.minimum(numbers, edge) for key, numbers in values.items()}
    if scaled:
        without, gains = shown["gains_from_trade_no_scale"], shown["gains_from_trade"]
        colours = np.where(gains >= without, GREEN, ORANGE)
        low, high = np.minimum(without, gains), np.maximum(without, gains)
        axes.hlines(rows, low, high, color=colours, lw=3, alpha=0.45, zorder=2)
    for key, numbers in shown.items():
        inside = values[key] <= edge
        axes.scatter(numbers[inside], rows[inside], label=names[key], zorder=3, **STYLE[key])
    for at in np.flatnonzero(values["gains_from_trade"] > edge):
        axes.annotate(f"{values['gains_from_trade'][at]:.0f} \u2192", (edge, at), ha="right", va="center",
                      color=GREEN, fontsize=9, fontweight="bold", annotation_clip=False)  # fmt: skip
    finish(axes, len(rows), "Gains from trade", "percent of welfare")
    axes.set_xlim(min(0.0, *(numbers.min() for numbers in shown.values())), None if np.isinf(edge) else edge)
    legend(axes)


def _edge(values) -> float:
    """Return where the axis ends: beyond all values, except those where everything is lost and others are far."""
    inside = values[values < EVERYTHING]
    far = inside.size and inside.max() < 0.7 * EVERYTHING and (values >= EVERYTHING).any()
    return 1.12 * inside.max() if far else np.inf
