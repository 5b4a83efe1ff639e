"""Phases: which policy and which shocks hold when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

from exacthat.checks import Reader
from exacthat.errors import BadInput
from exacthat.scenario import Policy, Shock


@dataclass(frozen=True, eq=False)
class Phase:
    """Hold a policy and a shock until a date.

    policy : Policy, optional
        Rates in force; None keeps the economy's own taxes.
    shock : Shock, optional
        Hats relative to the base year, not to the phase before; learning comes on top of `shock.productivity`.
    until : float, optional
        Date at which the phase ends; None, for the last phase, is the horizon.

    >>> Phase(policy=Policy(tariff=0.1), until=10.0).until
    10.0
    """

    _: KW_ONLY
    policy: Policy | None = None
    shock: Shock | None = None
    until: float | None = None


def spans(phases, horizon) -> tuple[tuple[Phase, float, float], ...]:
    """Return each phase with its start and its end; refuse schedules with gaps, all faults at once."""
    phases = (phases,) if isinstance(phases, Phase) else phases
    read = Reader()
    horizon = read.number("horizon", horizon, above=0.0)
    if not isinstance(phases, Sequence) or not phases:
        read.fault(f"phases is {phases!r}; give a list of at least one Phase")
        read.finish()
    start, dated = 0.0, []
    for at, phase in enumerate(phases):
        last = at == len(phases) - 1
        if not isinstance(phase, Phase):
            read.fault(f"phase {at} is {phase!r}; it must be a Phase")
            continue
        for name, kind in (("policy", Policy), ("shock", Shock)):
            value = getattr(phase, name)
            if not isinstance(value, kind | None):
                read.fault(f"{name} of phase {at} is {value!r}; it must be a {kind.__name__} or None")
        if phase.until is None and not last:
            read.fault(f"phase {at} has no `until`, yet phase {at + 1} follows: say when it ends")
            continue
        end = horizon if phase.until is None else read.number(f"until of phase {at}", phase.until)
        if end <= start:
            read.fault(
                f"phase {at} lasts from {start:g} until {end:g}: dates are absolute and must rise up to the horizon",
                out_of_range=True,
            )
        elif last and end < horizon:
            read.fault(
                f"the schedule ends at {end:g}, before the horizon {horizon:g}: leave `until` of the last phase out",
                out_of_range=True,
            )
        elif not last and end >= horizon:
            read.fault(
                f"phase {at} lasts until {end:g}, the horizon is {horizon:g}: nothing is left for later phases",
                out_of_range=True,
            )
        dated.append((phase, start, min(end, horizon)))
        start = end
    read.finish()
    return tuple(dated)


def check_kind(name: str, value, kind) -> None:
    """Refuse an argument of another kind."""
    if not isinstance(value, kind):
        raise BadInput(f"{name} is a {type(value).__name__}; it must be an exacthat {kind.__name__}")
