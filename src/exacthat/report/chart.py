"""One chart per study, drawn without a display."""

from __future__ import annotations

import io
from textwrap import fill

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from exacthat.report.frame import BLUE, GREY, ORANGE, blank, finish, legend, note
from exacthat.report.gains_chart import gains_chart, trade_panel
from exacthat.report.published_chart import nafta_chart, table5_chart
from exacthat.scenarios import Plan
from exacthat.study import Result


def chart_png(plan: Plan, result: Result) -> bytes:
    """Draw the table of `result` and return it as PNG."""
    draw = {
        "corrective-policy": _corrective,
        "gains-from-trade": gains_chart,
        "counterfactual": _counterfactual,
        "table5": table5_chart,
        "nafta": nafta_chart,
    }[result.kind]
    figure = draw(plan, result)
    picture = io.BytesIO()
    FigureCanvasAgg(figure).print_png(picture, metadata={"Software": None})
    return picture.getvalue()


def _corrective(plan: Plan, result: Result) -> Figure:
    columns = result.columns
    order = np.argsort(columns["domestic_share"], kind="stable")  # the most closed country on top
    names = [f"{result.rows[n][0]} ({columns['domestic_share'][n]:.0f}\u2009%)" for n in order]
    figure, (left, right) = blank(plan, len(order), (1.25, 1.0))
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
    finish(left, len(rows), "Corrective policy", "change of welfare, percent")
    legend(left)
    left.set_ylabel("country (domestic share of spending)")
    trade_panel(right, result, order)
    return figure


def _counterfactual(plan: Plan, result: Result) -> Figure:
    names = list(result.welfare)
    values = result.columns["welfare"].reshape(len(names), -1)
    countries = np.array([country for _, country in result.rows[: values.shape[1]]])
    order = np.argsort(values[0], kind="stable")
    rows = np.arange(len(order))
    figure, panels = blank(plan, len(order), (1.0,) * len(names))
    panels[0].set_yticks(rows, countries[order])
    for axes, name, change in zip(panels, names, values):
        axes.barh(rows, change[order], 0.62, color=np.where(change[order] < 0, ORANGE, BLUE), zorder=2)
        axes.axvline(0.0, color="black", lw=0.9, zorder=3)
        finish(axes, len(rows), fill(name, 36), "change of welfare, percent", pad=6.0)
        axes.locator_params(axis="x", nbins=6)
    if len(names) > 1:
        note(figure, 0.99, "right", "the panels have different scales")
    return figure
