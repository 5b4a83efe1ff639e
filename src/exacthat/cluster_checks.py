"""Check paths of clusters: the static equilibrium written out anew, and a second, tighter integration."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from exacthat.clusters import Path, States, simulate

LOOSE = 10.0  # the tolerance of the checks over that of the integration
TIGHTER = 100.0  # the tolerance of the integration over that of the second one
POINTS = 101  # dates in the file, for each phase of each schedule


@dataclass(frozen=True)
class Check:
    """One measured quantity, in relative terms, and what it must not exceed."""

    name: str
    value: float
    tolerance: float

    @property
    def ok(self) -> bool:
        """Whether it is met; nan never is."""
        return self.value <= self.tolerance


def static_residual(path: Path, piece, states: States) -> np.ndarray:
    """Return the largest relative gap (T,) in the static equilibrium of `states`, all in one phase of `path`.

    Written out anew from technology, wage and employment, Hanlon (2012), (1)-(8): goods markets, the cost of
    every producer against the price, full employment, consumption against income over the price index.
    """
    sigma, labour = path.world.elasticity, path.world.labour
    wage = np.where(np.isnan(states.relative_wage), 1.0, states.relative_wage)
    wages = np.stack([wage, np.ones_like(wage)], axis=1)
    cost = wages[:, :, None] / states.technology
    price = np.where(piece.tradable, cost.min(axis=1, keepdims=True), cost)
    index = (price ** (1 - sigma)).sum(axis=2) ** (1 / (1 - sigma))
    population = states.employment.sum(axis=2)
    income = wages * population
    demand = (price / index[:, :, None]) ** (1 - sigma) * income[:, :, None]
    revenue = wages[:, :, None] * states.employment
    abroad = np.abs(revenue.sum(axis=1) / demand.sum(axis=1) - 1)
    markets = np.where(piece.tradable, abroad[:, None, :], np.abs(revenue / demand - 1))
    dearer = np.where(states.employment > 0, cost / price - 1, 0.0)
    if piece.mobile:
        idle = np.abs(population.sum(axis=1, keepdims=True) / labour.sum() - 1)
    else:
        idle = np.abs(population / labour - 1)
    index_gap = np.abs(states.consumption * index / income - 1)
    parts = [markets.max(axis=(1, 2)), dearer.max(axis=(1, 2)), idle.max(axis=1), index_gap.max(axis=1)]
    return np.max(parts, axis=0)


def pieces(path: Path, points: int = POINTS) -> Iterator[tuple]:
    """Yield (number, phase, states at `points` even dates) of each phase; at its end the limit from inside."""
    last = len(path.pieces) - 1
    for number, piece in enumerate(path.pieces):
        if piece.end > piece.start or number == last:
            times = np.linspace(piece.start, piece.end, points)
            first, rest = path.at(times[:1]), path.at(times[1:], side="left")
            joined = {key: np.concatenate([getattr(first, key), getattr(rest, key)])
                      for key in States.__dataclass_fields__}  # fmt: skip
            yield number, piece, States(**joined)


def against_tighter(curves, paths, horizon, tol) -> tuple[float, float]:
    """Return how far dates of events (over the horizon) and consumption move when integrated more tightly.

    Infinite where the events themselves differ. Left aside are those at the start of a phase: one that waits for
    an industry opens just as this industry stands at the cut-off, and the last digit says whether it is shared.
    """
    dates = levels = 0.0
    for name, (world, phases) in curves.items():
        path, tight = paths[name], simulate(world, phases, horizon, rtol=tol / TIGHTER)
        ours, theirs = (_apart(held, LOOSE * tol * horizon) for held in (path, tight))
        if [(one.kind, one.industries) for one in ours] != [(one.kind, one.industries) for one in theirs]:
            return np.inf, np.inf
        moved = [abs(one.time - other.time) / horizon for one, other in zip(ours, theirs)]
        dates = max(dates, *moved)
        switches = np.array([*path.phase_starts, *tight.phase_starts])[:, None]
        times = np.linspace(0.0, horizon, POINTS)
        apart = np.all(np.abs(times - switches) > LOOSE * tol * horizon, axis=0)  # it may jump at a switch
        times = times[apart]
        change = np.abs(path.at(times).consumption / tight.at(times).consumption - 1)
        levels = max(levels, float(change.max()))
    return float(dates), levels


def _apart(path: Path, span: float) -> list:
    """Return the events of a path without those, other than phases, within `span` of the start of a phase."""
    return [
        event
        for event in path.events
        if event.kind == "phase" or min(abs(event.time - start) for start in path.phase_starts) > span
    ]
