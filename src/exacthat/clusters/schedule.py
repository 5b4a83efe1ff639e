"""Schedules of liberalization: phases, and the dates or conditions that end them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import BadInput, ExacthatError
from . import arguments
from .statics import regime_mask
from .world import World


class ConditionNotMet(ExacthatError):
    """An `until` condition never held within the horizon; `.path` is the path up to there."""

    exit_code = 8

    def __init__(self, message: str, *, path=None):
        super().__init__(message)
        self.path = path


@dataclass(frozen=True)
class HomeProduces:
    """Hold once free trade would put these industries (numbers or labels) wholly at home.

    >>> from exacthat import clusters
    >>> clusters.HomeProduces([0, 1]).industries
    (0, 1)
    """

    industries: tuple

    side = 0

    def __post_init__(self):
        listed = arguments.listed(self.industries, f"the argument of {type(self).__name__}")
        object.__setattr__(self, "industries", tuple(listed))
        if not self.industries:
            raise BadInput(f"{type(self).__name__} needs at least one industry")


@dataclass(frozen=True)
class ForeignProduces(HomeProduces):
    """Hold once free trade would put these industries wholly abroad."""

    side = 1


@dataclass(frozen=True, eq=False)
class Phase:
    """One piece of a schedule: a regime and what ends it.

    regime : "autarky", "free", "mobile", or a boolean (n,) array of the tradable industries.
    until : a date, a HomeProduces or ForeignProduces condition, or None for the last phase. A date that has
        passed when the phase would start skips the phase.

    >>> from exacthat import clusters
    >>> clusters.Phase("autarky", until=14.0).until
    14.0
    """

    regime: str | np.ndarray
    until: float | HomeProduces | None = None


def phase_limits(world: World, phases: Sequence[Phase], horizon: float) -> list[tuple]:
    """Return (mobile, tradable, end date, wanted industries, side) per phase; BadInput with all faults."""
    problems: list[str] = []
    horizon, phases = arguments.horizon(horizon), arguments.listed(phases, "the schedule")
    if not phases:
        raise BadInput("the schedule is empty: give at least Phase('free')")
    nowhere = np.empty(0, np.int64)
    limits, latest = [], 0.0
    for number, phase in enumerate(phases):
        where = f"phase {number}"
        if not isinstance(phase, Phase):
            problems.append(f"{where} is a {type(phase).__name__}; a schedule is a list of clusters.Phase")
            continue
        try:
            kind, tradable = regime_mask(world, phase.regime)
        except BadInput as fault:
            problems += [f"{where}: {line}" for line in fault.problems]
            continue
        final = number == len(phases) - 1
        end, wanted, side = horizon, nowhere, 0
        if isinstance(phase.until, HomeProduces):
            try:
                wanted, side = world.indices(phase.until.industries), phase.until.side
            except BadInput as fault:
                problems += [f"{where}: {line}" for line in fault.problems]
            if final:
                problems.append(f"{where} is the last and ends on a condition: add the phase that follows it")
        elif phase.until is None:
            if not final:
                problems.append(f"{where} has no end and is not the last: give it a date or a condition")
        elif arguments.is_date(phase.until):
            end = float(phase.until)
            if end < latest:
                problems.append(f"{where} ends at {end:g}, before an earlier phase does ({latest:g})")
            latest = max(latest, end)
            if not final and end >= horizon:
                problems.append(
                    f"{where} ends at {end:g} and the horizon is {horizon:g}: the phases after it would "
                    "never start; extend the horizon or drop them"
                )
            if final and end < horizon:
                problems.append(
                    f"{where} is the last and ends at {end:g}, before the horizon {horizon:g}: "
                    "leave its end out or shorten the horizon"
                )
            end = min(end, horizon)
        else:
            problems.append(f"{where}: until={phase.until!r} is neither a date nor a condition")
        limits.append((int(kind == "mobile"), tradable, end, wanted, side))
    if problems:
        raise BadInput(problems)
    return limits


def opening_schedule(world: World, dates: Sequence[float], horizon: float) -> list[Phase]:
    """Return the phases that open each industry at its own date (n,), never if at or past the horizon.

    >>> import numpy as np
    >>> from exacthat import clusters
    >>> world = clusters.World(np.ones((2, 3)), np.zeros((3, 3)), elasticity=2.0)
    >>> [phase.until for phase in clusters.opening_schedule(world, [0.0, 5.0, 99.0], horizon=20.0)]
    [5.0, None]
    """
    arguments.world(world, "opening_schedule")
    horizon, dates = arguments.horizon(horizon), arguments.dates(dates, "dates")
    if dates.shape != (world.n,) or not np.all(dates >= 0):
        raise BadInput(f"opening dates must be {world.n} non-negative times, one for each industry")
    moments = [0.0, *sorted({float(date) for date in dates if 0 < date < horizon})]
    phases = []
    for number, moment in enumerate(moments):
        open_now = dates <= moment
        regime = "free" if open_now.all() else ("autarky" if not open_now.any() else open_now)
        phases.append(Phase(regime, moments[number + 1] if number + 1 < len(moments) else None))
    return phases
