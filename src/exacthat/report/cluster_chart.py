"""Charts of studies of clusters: consumption over time with phases and events; the two curves of Figure 1."""

from __future__ import annotations

import io
from textwrap import fill

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from exacthat.cluster_checks import pieces
from exacthat.cluster_study import COUNTRIES, ClusterStudy
from exacthat.report.frame import BLUE, GREEN, GREY, ORANGE

COLOURS = (GREY, ORANGE, BLUE, GREEN)
DASHES = ("-", (0, (6, 3)), (0, (2, 2)), (0, (8, 2, 2, 2)))  # lines that coincide stay visible
ALIKE = 3.0  # countries whose ranges together are less than so many of the smaller one share their scale
CLOSED, PARTLY, OPEN, MOBILE = "#D0D0D0", "#F3D9B1", "#A9CCE3", "#B8DDB8"
MARKS = {
    "shared": "D",
    "home": "^",
    "foreign": "v",
    "crossing": "X",
    "slide": "s",
    "slide end": "P",
    "tie broken": "*",
}


def chart_png(study: ClusterStudy) -> bytes:
    """Draw a study and return it as PNG."""
    figure = _curves(study) if study.lines else _streams(study)
    picture = io.BytesIO()
    FigureCanvasAgg(figure).print_png(picture, metadata={"Software": None})
    return picture.getvalue()


def _streams(study: ClusterStudy) -> Figure:
    """Draw both countries over time, and below them the phases and events of each schedule.

    Consumption; population where it moves, since indices at different elasticities cannot be compared.
    """
    moving = all(piece.mobile for path in study.paths.values() for piece in path.pieces)
    strip = 0.55 + 0.3 * len(study.paths)
    figure = Figure(figsize=(9.0, 6.9 + strip), dpi=150, layout="constrained")
    home, foreign, phases = figure.subplots(3, 1, sharex=True, height_ratios=(2.7, 2.7, strip))
    _title(figure, study)
    lines = []
    for at, (name, path) in enumerate(study.paths.items()):
        style = {"color": COLOURS[at % len(COLOURS)], "ls": DASHES[at % len(DASHES)], "lw": 2.0}
        lines.append(Line2D([], [], label=name, **style))
        for number, piece, states in pieces(path):
            values = states.employment.sum(axis=2) if moving else states.consumption
            for n, axes in enumerate((home, foreign)):
                axes.plot(states.times, values[:, n], **style)
                if number:
                    axes.axvline(piece.start, color=style["color"], lw=0.9, ls=":", zorder=0)
            _bar(phases, at, piece)
        for event in (one for one in study.events if one.schedule == name and one.kind != "phase"):
            phases.plot(event.time, at, MARKS[event.kind], color="black", ms=6, zorder=3)
        for time in path.phase_starts[1:]:
            phases.annotate(
                f"{time:.4g}", (time, at), (4, 0), textcoords="offset points", va="center", fontsize=8.5
            )
    for axes, country in zip((home, foreign), COUNTRIES):
        axes.set_title(country.capitalize(), loc="left", fontsize=11)
        axes.set_ylabel("population" if moving else "consumption, index D")
        _plain(axes)
        axes.set_xlim(0.0, study.horizon)
    low, high = _both(home, foreign)
    if high - low < ALIKE * min(np.ptp(home.get_ylim()), np.ptp(foreign.get_ylim())):
        home.set_ylim(foreign.set_ylim(low, high))
    _legend(home, lines, 2.6)
    phases.set_title("Phases and events", loc="left", fontsize=11)
    phases.set_yticks(range(len(study.paths)), list(study.paths))
    phases.set_ylim(len(study.paths) - 0.4, -0.6)
    phases.set_xlabel("time")
    phases.spines[["top", "right", "left"]].set_visible(False)
    phases.tick_params(axis="y", length=0)
    _legend(phases, _key(study), 1.6)
    return figure


def _legend(axes, handles: list, length: float) -> None:
    """Put a legend of one line above a panel, to the right of its title."""
    axes.legend(handles=handles, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=len(handles), frameon=False,
                fontsize=8.5 if len(handles) < 4 else 8, handlelength=length, borderaxespad=0.2)  # fmt: skip


def _both(home, foreign) -> tuple[float, float]:
    limits = [*home.get_ylim(), *foreign.get_ylim()]
    return min(limits), max(limits)


def _regime(piece) -> tuple[str, str]:
    if piece.mobile:
        return MOBILE, "free trade and migration"
    if not piece.tradable.any():
        return CLOSED, "autarky"
    return (OPEN, "free trade") if piece.tradable.all() else (PARTLY, "some industries open")


def _bar(axes, at: int, piece) -> None:
    axes.barh(at, piece.end - piece.start, 0.62, left=piece.start, color=_regime(piece)[0], edgecolor="white")


def _key(study: ClusterStudy) -> list:
    regimes = dict(_regime(piece)[::-1] for path in study.paths.values() for piece in path.pieces)
    kinds = dict.fromkeys(event.kind for event in study.events if event.kind != "phase")
    marks = [Line2D([], [], color="black", marker=MARKS[kind], ls="none", ms=6, label=kind) for kind in kinds]
    return [Patch(color=colour, label=label) for label, colour in regimes.items()] + marks


def _curves(study: ClusterStudy) -> Figure:
    figure = Figure(figsize=(9.0, 5.6), dpi=150, layout="constrained")
    axes = figure.subplots()
    _title(figure, study)
    z, (crossing, wage) = study.lines["z"], study.lines["equilibrium"]
    axes.plot(
        z,
        study.lines["relative_productivity"],
        color=BLUE,
        lw=2.0,
        label="relative productivity A / A*, (11)",
    )
    axes.plot(
        z, study.lines["balanced_trade"], color=ORANGE, lw=2.0, ls=DASHES[1], label="balanced trade, (10)"
    )
    axes.plot([0, crossing, crossing], [wage, wage, 0], color=GREY, lw=0.9, ls=":")
    axes.plot(
        crossing, wage, "o", color="black", ms=7, label=f"equilibrium: wage {wage:.3f}, z = {crossing:.3f}"
    )
    axes.set_xlabel("z: industries at home, in order of comparative advantage")
    axes.set_ylabel("wage at home over wage abroad")
    axes.set_xlim(0.0, float(round(z[-1])))
    axes.set_ylim(0.0, 1.15 * float(study.lines["relative_productivity"].max()))
    axes.legend(frameon=False, handlelength=3.0)
    _plain(axes)
    return figure


def _title(figure: Figure, study: ClusterStudy) -> None:
    facts = dict(study.facts)
    below = f"{facts['Source']}; {facts['Elasticity'].removeprefix('of substitution, ')}; {facts['Labour']}"
    figure.suptitle(f"{fill(study.title, 80)}", x=0.01, ha="left", fontsize=12, fontweight="bold")
    figure.supxlabel(fill(below, 130), x=0.01, ha="left", fontsize=8, color=GREY)


def _plain(axes) -> None:
    axes.grid(color="#E6E6E6")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
