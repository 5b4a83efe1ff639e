"""Integrate a world through a schedule; read the path at any date."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from ..checks import frozen, thread_count
from ..errors import BadInput, BadParameter, ExacthatError
from ..threads import processors
from . import arguments
from .schedule import ConditionNotMet, Phase, phase_limits
from .statics import consumption_index, solve
from .world import World

_KINDS = {
    1: "shared",
    2: "home",
    3: "foreign",
    4: "crossing",
    5: "slide",
    6: "slide end",
    7: "tie broken",
}
_MET = 1
_FAILURES = {
    2: "needed more evaluations than the budget",
    3: "met a tie of industries and found no pattern that follows it",
    4: "could not meet the tolerance with any step",
}


class IntegrationFailed(ExacthatError):
    """The integration stopped before its end; the message says why, `.path` is the path up to there."""

    exit_code = 9

    def __init__(self, message: str, *, path=None):
        super().__init__(message)
        self.path = path


@dataclass(frozen=True)
class Event:
    """One change of pattern.

    kind : "phase" (a phase starts; industries are the tradable ones), "shared" (an industry comes to be made
        in both countries), "home" / "foreign" (a shared industry is made there alone from now on), "crossing"
        (the marginal industry meets another one and they change places), "slide" (their tie starts to be
        kept), "slide end", "tie broken" (mobile labour: a tied industry goes to one place).
    """

    time: float
    kind: str
    industries: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class States:
    """States of a path at T dates.

    technology : (T, 2, n); consumption : (T, 2); relative_wage : (T,), nan in autarky; employment :
    (T, 2, n), on a slide with the split that keeps the tie; home_share : (T, n), nan where not traded.
    """

    times: np.ndarray
    technology: np.ndarray
    consumption: np.ndarray
    relative_wage: np.ndarray
    employment: np.ndarray
    home_share: np.ndarray


@dataclass(frozen=True, eq=False)
class _Piece:
    """One phase as it was integrated: what `evaluate` needs to replay it."""

    start: float
    end: float
    mobile: int
    steps: np.ndarray
    states: np.ndarray
    patterns: np.ndarray
    events: np.ndarray
    industries: np.ndarray
    tradable: np.ndarray


@dataclass(frozen=True, eq=False)
class Path:
    """A world's path through a schedule, with its event log.

    Right-continuous: at a date where a phase starts, `at` gives the new phase unless side="left".
    """

    world: World
    horizon: float
    evaluations: int
    pieces: tuple[_Piece, ...] = field(repr=False)

    @property
    def events(self) -> tuple[Event, ...]:
        """All events in time order."""
        out = []
        for piece in self.pieces:
            out.append(Event(piece.start, "phase", tuple(np.flatnonzero(piece.tradable).tolist())))
            places = [*piece.events[:, 2].astype(int), piece.industries.size]
            for row, (time, kind, _) in enumerate(piece.events):
                names = piece.industries[places[row] : places[row + 1]]
                out.append(Event(float(time), _KINDS[int(kind)], tuple(names.tolist())))
        return tuple(out)

    @property
    def phase_starts(self) -> tuple[float, ...]:
        """Date at which each phase that was entered starts."""
        return tuple(piece.start for piece in self.pieces)

    @property
    def knots(self) -> np.ndarray:
        """Dates between which every stream of the path is smooth: starts of its steps, and the horizon."""
        starts = [piece.steps[:, 0] for piece in self.pieces]
        return np.unique(np.concatenate([*starts, [self.horizon]]))

    def at(self, times, side: str = "right") -> States:
        """Return the states at `times` (scalar or (T,), within [0, horizon]).

        side : "right", or "left" for the limit from before at dates where something jumps. Dense output of
        the integrator's own order; each step of the path is taken once more, however many dates it holds.
        Raises BadInput for dates outside the path, BadParameter where consumption leaves the floating range.

        >>> import numpy as np
        >>> from exacthat import clusters
        >>> world = clusters.World([[10, 10, 5, 5], [5, 5, 10, 10]], 0.2 * np.eye(4), elasticity=2.0)
        >>> path = clusters.simulate(world, [clusters.Phase("free")], horizon=10.0)
        >>> path.at([0.0, 10.0]).consumption.round(6).tolist()
        [[40.0, 40.0], [44.0, 44.0]]
        """
        from ..kernels.learning import nb
        from ..kernels.learning.tableau import FINE, QUICK

        wanted = arguments.dates(times, "times")
        if side not in ("left", "right"):
            raise BadParameter(f'side is {side!r}; it must be "left" or "right"')
        outside = wanted[~((wanted >= 0) & (wanted <= self.horizon))]
        if outside.size:
            shown = ", ".join(f"{time:g}" for time in outside[:5])
            raise BadInput(f"dates must lie in [0, {self.horizon:g}], the path's span; outside: {shown}")
        n = self.world.n
        out = [np.empty((wanted.size, *shape)) for shape in ((2, n), (n,), (2, n), (3,))]
        pieces = [piece for piece in self.pieces if piece.steps.shape[0]]
        if not pieces:
            raise BadInput("this path ended before its first step: it has no states")
        starts = np.array([piece.start for piece in pieces])
        place = np.maximum(np.searchsorted(starts, wanted, side=side) - 1, 0)
        for number in np.unique(place):
            piece = pieces[number]
            mine = np.flatnonzero(place == number)
            mine = mine[np.argsort(wanted[mine], kind="stable")]
            step = np.maximum(np.searchsorted(piece.steps[:, 0], wanted[mine], side=side) - 1, 0)
            replayed = nb.evaluate(
                *self.world.links,
                np.array(self.world.labour),
                self.world.elasticity,
                piece.mobile,
                piece.steps,
                piece.states,
                piece.patterns,
                wanted[mine],
                step,
                FINE,
                QUICK,
            )
            for target, values in zip(out, replayed):
                target[mine] = values
        technology, share, employment, summary = out
        return States(
            times=frozen(wanted.copy()),
            technology=frozen(np.exp(technology)),
            consumption=frozen(consumption_index(self.world, summary[:, 1:])),
            relative_wage=frozen(np.exp(summary[:, 0])),
            employment=frozen(employment),
            home_share=frozen(share),
        )


def starting_pattern(
    world: World, tradable: np.ndarray, mobile: int, log_technology: np.ndarray
) -> np.ndarray:
    """Return the status (n,) of each industry: 0 abroad, 1 at home, 2 shared or tied, 3 not traded.

    Of a tie too large for the kernel to resolve as a whole, industries are put at home in their order until
    home's part is used up; where the flows disagree the integrator moves them at once, pair by pair.
    """
    from ..kernels.learning.nb import LARGEST_TIE

    share = solve(world, "mobile" if mobile else tradable, log_technology)[0]
    status = np.select([np.isnan(share), share == 1, share == 0], [3, 1, 0], 2).astype(np.int8)
    tied = np.flatnonzero(status == 2)
    if tied.size > LARGEST_TIE and not mobile:
        weight = np.exp((world.elasticity - 1) * (log_technology[1, tied] - log_technology[1, tied].max()))
        filled = np.cumsum(weight) - share[tied[0]] * weight.sum()
        marginal = int(np.argmax(filled > 0)) if filled[-1] > 0 else tied.size - 1
        status[tied[:marginal]], status[tied[marginal + 1 :]] = 1, 0
    return status


def _run(world: World, limits: list[tuple], horizon: float, rtol: float, budget: int) -> Path:
    from ..kernels.learning import nb
    from ..kernels.learning.tableau import FINE, QUICK

    now, state, evaluations, pieces = 0.0, np.array(world.log_technology), 0, []
    labour = np.array(world.labour)  # writeable, as all other arguments: one compiled version serves
    for number, (mobile, tradable, end, wanted, side) in enumerate(limits):
        if end <= now and number < len(limits) - 1:
            continue
        outcome, stop, used, state, steps, states, patterns, events, industries = nb.integrate(
            state,
            starting_pattern(world, tradable, mobile, state),
            *world.links,
            labour,
            world.elasticity,
            mobile,
            now,
            end,
            wanted,
            side,
            rtol,
            budget - evaluations,
            FINE,
            QUICK,
        )
        evaluations += used
        pieces.append(_Piece(now, stop, mobile, steps, states, patterns, events, industries, tradable))
        now = stop
        if outcome in _FAILURES:
            path = Path(world, stop, evaluations, tuple(pieces))
            raise IntegrationFailed(
                f"at time {stop:.6g} of {horizon:g} the integration {_FAILURES[outcome]}", path=path
            )
        if wanted.size and outcome != _MET:
            names = ", ".join(map(str, wanted.tolist()))
            place = "abroad" if side else "at home"
            raise ConditionNotMet(
                f"phase {number} waits until free trade would put industries {names} wholly {place}, which "
                f"does not happen by the horizon {horizon:g}: extend the horizon, or end the phase by a date",
                path=Path(world, stop, evaluations, tuple(pieces)),
            )
    return Path(world, float(horizon), evaluations, tuple(pieces))


def simulate(
    world: World, phases: Sequence[Phase], horizon: float, *, rtol: float = 1e-9, max_evaluations: int = 10**8
) -> Path:
    """Integrate learning through a schedule of regimes, from time 0 to `horizon`.

    dA_i/dt = sum_j spillovers[j, i] L_j where L_i > 0, else 0, in each country (Hanlon 2012, (9)), L from the
    static equilibrium of each date. Patterns are frozen within a step and every change of pattern is located;
    ties that attract are followed with the split that keeps them, ties that repel are left at once. Industries
    tied exactly are taken all together, at the start of a phase and later: of the patterns that can follow, the
    one that keeps the fewest of them tied, then the one they leave fastest, then the one with the earliest
    industries at home (kernels/learning/ref.py). More than twelve tied industries are put at home in their order
    and then follow their pairs; there the path may hang on round-off.
    `rtol` controls the error of ln A: in tests over random worlds true errors stay within ten times it.

    Raises BadInput for a schedule that cannot run, ConditionNotMet (carrying `.path`) when an `until`
    condition never holds, IntegrationFailed (carrying `.path`) if the integrator cannot go on.

    >>> import numpy as np
    >>> from exacthat import clusters
    >>> world = clusters.World([[1.02, 1.0], [1.0, 1.0]], [[0, 0.2], [0.2, 0]], 2.0, labour=(0.6, 2.0))
    >>> path = clusters.simulate(world, [clusters.Phase("free")], horizon=20.0)
    >>> path.at(20.0).technology[0, 0].round(3).tolist()
    [2.201, 2.198]
    >>> [(event.kind, event.industries) for event in path.events]
    [('phase', (0, 1)), ('slide', (1, 0))]
    """
    limits = phase_limits(arguments.world(world, "simulate"), phases, horizon)
    budget = arguments.whole(max_evaluations, "max_evaluations", 1)
    return _run(world, limits, float(horizon), arguments.tolerance(rtol), budget)


def simulate_many(
    worlds: World | Sequence[World],
    phases: Sequence[Phase] | Sequence[Sequence[Phase]],
    *,
    horizon: float,
    rtol: float = 1e-9,
    threads: int | None = None,
    on_failure: str = "raise",
    max_evaluations: int = 10**8,
) -> list[Path]:
    """Simulate many worlds, or one world under many schedules, over threads.

    worlds : a World or a sequence. phases : one schedule for all, or one for each. threads : None takes all
    cores. on_failure : "raise", or "return" to put the error in the failed path's place. Same results as
    `simulate` one by one, whatever the number of threads.

    >>> import numpy as np
    >>> from exacthat import clusters
    >>> world = clusters.World([[2.0, 1.0], [1.0, 2.0]], 0.1 * np.eye(2), elasticity=2.0)
    >>> paths = clusters.simulate_many([world, world], [clusters.Phase("free")], horizon=5.0)
    >>> [path.at(5.0).consumption.round(3).tolist() for path in paths]
    [[[5.0, 5.0]], [[5.0, 5.0]]]
    """
    rtol, horizon = arguments.tolerance(rtol), arguments.horizon(horizon)
    budget = arguments.whole(max_evaluations, "max_evaluations", 1)
    if on_failure not in ("raise", "return"):
        raise BadParameter(f'on_failure is {on_failure!r}; it must be "raise" or "return"')
    threads = thread_count(threads) or processors()
    schedules = arguments.listed(phases, "phases")
    if schedules and isinstance(schedules[0], Phase):
        schedules = [schedules]
    worlds = [worlds] * len(schedules) if isinstance(worlds, World) else arguments.listed(worlds, "worlds")
    if len(schedules) == 1:
        schedules = schedules * len(worlds)
    if len(worlds) != len(schedules):
        raise BadInput(
            f"{len(worlds)} worlds and {len(schedules)} schedules: give one schedule, or one for each world"
        )
    jobs = [
        (world, phase_limits(arguments.world(world, "simulate_many"), schedule, horizon))
        for world, schedule in zip(worlds, schedules)
    ]

    def run(job):
        try:
            return _run(*job, horizon, rtol, budget)
        except ExacthatError as error:
            if on_failure == "raise":
                raise
            return error

    if threads == 1 or len(jobs) < 2:
        return [run(job) for job in jobs]
    size = max(1, len(jobs) // (4 * threads))
    blocks = [jobs[start : start + size] for start in range(0, len(jobs), size)]
    with ThreadPoolExecutor(threads) as pool:
        return [
            path for block in pool.map(lambda block: [run(job) for job in block], blocks) for path in block
        ]


def warmup() -> None:
    """Compile the kernels now rather than in the first call; later processes load them from numba's cache."""
    world = World([[2.0, 1.0], [1.0, 2.0]], np.zeros((2, 2)), 2.0)
    simulate(world, [Phase("free")], 1.0).at(0.5)
    solve(world, "mobile", world.log_technology)
