"""Charts of the published tables: industrial policy by entry regime, welfare of NAFTA."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from exacthat.report.frame import BLUE, ORANGE, blank, finish, legend, note
from exacthat.scenarios import Plan
from exacthat.study import Result


def table5_chart(plan: Plan, result: Result) -> Figure:
    """Draw both entry regimes side by side: each country alone and all together, under both tariffs."""
    columns = result.columns
    order = np.argsort(columns["free_alone_swapped"], kind="stable")
    rows = np.arange(len(order))
    figure, panels = blank(plan, len(order), (1.0, 1.0), entry="both entry regimes")
    panels[0].set_yticks(rows, [result.rows[n][0] for n in order])
    for axes, entry in zip(panels, ("restricted", "free")):
        for policy, label, color in (("alone", "alone", ORANGE), ("together", "all together", BLUE)):
            swapped, right = (columns[f"{entry}_{policy}_{which}"][order] for which in ("swapped", "right"))
            axes.scatter(swapped, rows, s=26, color=color, label=label, zorder=3)
            axes.scatter(right, rows, s=52, color="none", edgecolor=color, lw=0.8, zorder=2)
        axes.axvline(0.0, color="black", lw=0.9, zorder=1.5)
        finish(axes, len(rows), f"{entry.capitalize()} entry", "change of welfare, percent")
        legend(axes)
    note(figure, 0.99, "right", "filled: tariffs swapped; ring: tariffs the right way; scales differ")
    return figure


def nafta_chart(plan: Plan, result: Result) -> Figure:
    """Draw the first-order welfare that the paper prints and the exact real income, one row per country."""
    columns = result.columns
    rows = np.arange(len(result.rows))[::-1]
    figure, (axes,) = blank(plan, len(rows), (1.0,))
    axes.set_yticks(rows, [row[0] for row in result.rows])
    for key, label, color, marker in (
        ("welfare_first_order", "first order, as printed", ORANGE, "o"),
        ("real_income", "exact real income", BLUE, "D"),
    ):
        axes.scatter(columns[key], rows, s=62, color=color, marker=marker, label=label, zorder=3)
    axes.axvline(0.0, color="black", lw=0.9, zorder=1.5)
    finish(axes, len(rows), "Welfare", "percent")
    legend(axes)
    return figure
