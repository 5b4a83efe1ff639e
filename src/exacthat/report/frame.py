"""What all charts share: size, title, notes, grid, legend, colours."""

from __future__ import annotations

from textwrap import fill

from matplotlib.figure import Figure

from exacthat.scenarios import Plan

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#6E6E6E"  # told apart by colour-blind readers
ROW = 0.42  # inches per country
DENSE_ROW = 0.27  # the same where there are many
MANY = 20
NOTES = 0.25  # inches for the line below the panels
LEGEND_ABOVE = 24.0  # points between a panel and its title


def blank(plan: Plan, rows: int, widths: tuple[float, ...], entry: str | None = None):
    """Return a figure with a title, a line of notes below, and one panel per entry of `widths`.

    `entry` names the entry regime where it is not that of the plan's economy.
    """
    height = 2.0 + (ROW if rows <= MANY else DENSE_ROW) * max(rows, 3)
    figure = Figure(figsize=(max(9.0, 3.2 * len(widths)), height), dpi=150, layout="constrained")
    panels = figure.subplots(1, len(widths), sharey=True, width_ratios=widths, squeeze=False)[0]
    figure.suptitle(f"{fill(plan.title, 80)}\n", x=0.01, ha="left", fontsize=12, fontweight="bold")
    base = "deficits purged" if plan.deficits == "zero" else "deficits as observed"
    data = plan.options.get("data", plan.options.get("flows"))
    note(figure, 0.01, "left", f"Data: {data}; {base}; {entry or f'{plan.economy.entry} entry'}")
    figure.get_layout_engine().set(rect=(0, NOTES / height, 1, 1 - NOTES / height), wspace=0.04)
    return figure, panels


def note(figure: Figure, x: float, side: str, text: str) -> None:
    """Write a note below the panels, from `x` (0 to 1) to the left or right."""
    figure.text(x, 0.2 * NOTES / figure.get_figheight(), text, fontsize=8, color=GREY, ha=side)


def finish(axes, rows: int, title: str, unit: str, pad: float = LEGEND_ABOVE) -> None:
    """Set limits, labels and grid of a panel with one country per row."""
    axes.set_ylim(-0.6, rows - 0.4)
    axes.set_xlabel(unit)
    axes.set_title(title, loc="left", fontsize=11, pad=pad)
    axes.grid(axis="x", color="#E6E6E6")
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)


def legend(axes) -> None:
    """Put the legend between the title of a panel and its frame, without a say in the layout."""
    drawn = axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=3, frameon=False, fontsize=9,
                         borderaxespad=0.0, handletextpad=0.1, columnspacing=0.8)  # fmt: skip
    drawn.set_in_layout(False)
