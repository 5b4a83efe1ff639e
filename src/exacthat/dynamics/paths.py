"""simulate() and Path: integrate learning through a schedule, read the world at any date."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from exacthat.assembly import assemble, check_baseline
from exacthat.certificate import Certificate
from exacthat.checks import Reader, frozen, thread_count
from exacthat.conditions import CERTIFIED
from exacthat.dynamics.learning import Learning
from exacthat.dynamics.schedule import Phase, check_kind, spans
from exacthat.dynamics.worlds import Predictor, World, between
from exacthat.economy import Economy
from exacthat.errors import BadInput, NotConverged
from exacthat.kernels.gravity import cy
from exacthat.kernels.gravity.system import Solution
from exacthat.read_only import ReadOnly
from exacthat.scenario import Policy, Shock
from exacthat.solver import WORK

TIGHTEST, LOOSEST = 1e-11, 1e-2  # rtol
STAGE = 1e-2  # tolerance of a solve within a step over rtol: its noise must not drive the step size
STAGE_LEAST, STAGE_MOST = 1e-13, 1e-6
CERTIFY = 1e-10  # accepted states are solved at least to this
FIRST_CHANGE = 0.01  # largest change of ln(phi) in the first step of a phase
SIDES = ("right", "left")  # of a date at which a phase starts
CACHED = 1024  # dates whose states a path keeps


class PathStopped(NotConverged):
    """The integration stopped before the horizon; `.path` is the path up to there (None if there is none).

    `.reached` is the percent of the horizon covered.
    """

    def __init__(self, message: str, *, path=None, reached: float = 0.0):
        super().__init__(message, reached=reached)
        self.path = path


@dataclass(frozen=True)
class Event:
    """A date at which the path may jump: the start of a phase (kind "phase"), the first at 0."""

    time: float
    kind: str
    phase: int


@dataclass(frozen=True, eq=False)
class States(ReadOnly):
    """Worlds at T dates; the first axis is dropped where a single date was asked for.

    times (T,); productivity (T, N, K) is phi; output_shares (T, N, K) employment shares; welfare_hat (T, N)
    What = Ehat / Phat relative to the base year, total, and welfare_per_head_hat; price_index_hat, wage_hat
    and expenditure_hat (T, N), all over the base year with world labour income unchanged.
    """

    times: np.ndarray
    productivity: np.ndarray
    output_shares: np.ndarray
    welfare_hat: np.ndarray
    welfare_per_head_hat: np.ndarray
    price_index_hat: np.ndarray
    wage_hat: np.ndarray
    expenditure_hat: np.ndarray


class Node(NamedTuple):
    """The end of one accepted step, with what `World.slack` says of it."""

    time: float
    solution: Solution
    slack: tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Leg:
    """One phase as it was integrated: a node at its start and after every step, dense output between them."""

    phase: Phase
    world: World
    nodes: tuple[Node, ...]
    steps: tuple
    start_state: np.ndarray

    @property
    def start(self) -> float:
        return self.nodes[0].time

    @property
    def end(self) -> float:
        return self.nodes[-1].time

    def y(self, time: float) -> np.ndarray:
        """Return the learning state at a date of this leg."""
        if not self.steps:
            return self.start_state
        ends = [node.time for node in self.nodes[1:]]
        return self.steps[min(int(np.searchsorted(ends, time)), len(ends) - 1)](time)

    def solve(self, time: float) -> tuple[np.ndarray, Solution]:
        """Return the learning state and the certified equilibrium at a date of this leg."""
        y = self.y(time)
        times, points = zip(*((node.time, node.solution.point) for node in self.nodes))
        found = self.world.solve(y, between(times, points, time)) or self.world.solve_afar(y)
        if found is None:
            raise NotConverged(f"no equilibrium was found at date {time:g}, between certified ones")
        return y, found


@dataclass(frozen=True, eq=False, repr=False)
class Path:
    """A world learning through a schedule of phases.

    `certificate` is the worst over all accepted states, its counts the totals of the integration; `evaluations`
    counts right-hand sides (one warm-started equilibrium each), `steps` accepted steps. Everything is relative
    to the base year: welfare at date 0 is not 1 under a policy.
    """

    economy: Economy
    learning: Learning
    horizon: float
    rtol: float
    evaluations: int
    certificate: Certificate
    _legs: tuple[Leg, ...] = field(repr=False)
    _cache: dict = field(default_factory=dict, repr=False)

    @property
    def countries(self) -> tuple[str, ...]:
        """Labels of the country axis."""
        return self.economy.countries

    @property
    def industries(self) -> tuple[str, ...]:
        """Labels of the industry axis."""
        return self.economy.industries

    @property
    def events(self) -> tuple[Event, ...]:
        """The start of every phase, in order."""
        return tuple(Event(leg.start, "phase", at) for at, leg in enumerate(self._legs))

    @property
    def phase_starts(self) -> tuple[float, ...]:
        """Dates at which the phases start."""
        return tuple(leg.start for leg in self._legs)

    @property
    def knots(self) -> np.ndarray:
        """Ends of the accepted steps, from 0 to the horizon: between them productivity is one polynomial."""
        return np.unique([node.time for leg in self._legs for node in leg.nodes])

    @property
    def steps(self) -> int:
        """Number of accepted steps."""
        return sum(len(leg.steps) for leg in self._legs)

    def at(self, times, side: str = "right") -> States:
        """Return the world at `times` (scalar or (T,), within [0, horizon]), each solved and certified.

        side : "right", or "left" for the limit from before where a phase starts; productivity is continuous,
            all else may jump.
        Raises `BadInput` for dates outside the path. Cost: one warm-started solve a date; dates asked for
        before are remembered.

        >>> import numpy as np
        >>> from exacthat.dynamics import Learning, simulate
        >>> world = Economy([[[2.0, 3.0]]], 4.0)
        >>> path = simulate(world, Learning(0.1 * np.eye(2), activity=0.0), horizon=10.0)
        >>> path.at(10.0).productivity.round(9).tolist()
        [[1.4, 1.6]]
        """
        read = Reader()
        dates = read.array("times", times, least=0.0, most=self.horizon, cure="a date within the horizon")
        read.choice("side", side, SIDES)
        if dates.ndim > 1:
            read.fault(f"times has shape {dates.shape}; it must be one date or a list of dates")
        read.finish()
        rows = [self._state(float(date), side) for date in np.atleast_1d(dates)]
        empty = (0, len(self.countries))
        wide = {"productivity", "output_shares"}
        arrays = {
            name: np.stack([row[name] for row in rows])
            if rows
            else np.empty((*empty, len(self.industries)) if name in wide else empty)
            for name in States.__dataclass_fields__
            if name != "times"
        }
        if dates.ndim == 0:
            arrays = {name: array[0] for name, array in arrays.items()}
        return States(frozen(dates), **{name: frozen(array) for name, array in arrays.items()})

    def scenario(self, time: float, side: str = "right") -> tuple[Shock, Policy]:
        """Return the shock and policy with which `exacthat.counterfactual` gives the world at a date.

        The shock is the phase's with productivity times phi / phi(0). Raises as `at`.
        """
        leg = self._leg_at(time, side)
        phi = self.at(time, side).productivity / self.learning.fit(self.economy).initial
        phase = leg.phase
        shock = phase.shock or Shock()
        own = shock.hats(self.economy).productivity
        return replace(shock, productivity=phi if own is None else own * phi), phase.policy or Policy()

    def rates(self, time: float, side: str = "right") -> Policy:
        """Return the rates in force at a date, by default the economy's own: full arrays, or None at the border.

        Raises as `at`.

        >>> from exacthat.dynamics import Learning, simulate
        >>> world = Economy([[[2.0, 3.0]]], 4.0)
        >>> aid = Phase(policy=Policy(production_subsidy=[0.1, 0.0]), until=3.0)
        >>> path = simulate(world, Learning(np.eye(2)), [aid, Phase()], horizon=9.0)
        >>> path.rates(0.0).production_subsidy.tolist(), path.rates(3.0).production_subsidy.tolist()
        ([[0.1, 0.0]], [[0.0, 0.0]])
        """
        return self._leg_at(time, side).world.problem.policy

    def _leg_at(self, time, side) -> Leg:
        """Read a date and a side, and return the leg there."""
        read = Reader()
        date = read.number("time", time, least=0.0, most=self.horizon, cure="a date within the horizon")
        read.choice("side", side, SIDES)
        read.finish()
        return self._leg(date, side)

    def _leg(self, time: float, side: str) -> Leg:
        starts = self.phase_starts
        at = int(np.searchsorted(starts, time, side="right" if side == "right" else "left")) - 1
        return self._legs[max(at, 0)]

    def _state(self, time: float, side: str) -> dict[str, np.ndarray]:
        leg = self._leg(time, side)
        key = leg.start, time
        if key not in self._cache:
            if len(self._cache) >= CACHED:
                del self._cache[next(iter(self._cache))]
            self._cache[key] = _outcomes(leg.world, *leg.solve(time))
        return self._cache[key]

    def __repr__(self):
        phases = "1 phase" if len(self._legs) == 1 else f"{len(self._legs)} phases"
        return f"Path({len(self.countries)} countries, {phases}, horizon {self.horizon:g})"

    def __str__(self):
        return (
            f"{self!r}: {self.certificate.outcome}, {self.steps} steps, {self.evaluations} evaluations at rtol "
            f"{self.rtol:.0e}, largest residual {self.certificate.residual:.1e}; {self.learning}"
        )


def simulate(
    economy: Economy,
    learning: Learning,
    phases=None,
    *,
    horizon: float,
    rtol: float = 1e-9,
    deficits="fixed",
    threads: int | None = None,
) -> Path:
    """Integrate learning from the base year through a schedule of phases.

    Parameters
    ----------
    economy : Economy
        The base year, at date 0.
    learning : Learning
        Spillovers, diffusion, research, activity rule and law.
    phases : list of Phase, or one Phase, optional
        Policies and shocks in force, each until its date; by default nothing changes but productivity.
    horizon : float > 0
        Last date, in the unit of time of `learning`.
    rtol : float in [1e-11, 1e-2]
        Largest local error of any productivity in one step, relative. Equilibria within a step are solved to
        rtol / 100, accepted states to a residual of 1e-10 or that, whichever is smaller. A path that
        `exacthat.compare` appraises to its `resolution` wants no larger an rtol: coarse steps show as kinks.
    deficits : "fixed", "zero" or (N,)
        As in `counterfactual`: fixed deficits keep their share of world labour income.
    threads : int, optional
        For the compiled equilibrium solver; results do not depend on it.

    phi (N, K) follows the law of `learning` and is continuous; phi / phi(0) enters the exact hat system as a
    change of productivity since the base year, so every evaluation is one counterfactual, warm-started from its
    neighbours in time. Integrated by the Runge-Kutta method of order 8 with dense output (scipy's DOP853), phase
    by phase. Cells without output in the base year stay without, and do not learn.

    Raises
    ------
    BadInput, BadParameter, NoEquilibrium
        For arguments that do not fit, naming the phase; every fault at once.
    PathStopped (a NotConverged)
        Where no step is small enough, with `.path` up to there.

    >>> import exacthat as eh
    >>> world = eh.Economy([[[8.0], [2.0]], [[2.0], [8.0]]], trade_elasticity=4.0)
    >>> opening = [Phase(shock=eh.Shock(trade_cost=float("inf")), until=10.0), Phase()]
    >>> path = simulate(world, Learning([[0.01]], activity=0.0), opening, horizon=20.0)
    >>> path.at(10.0, "left").welfare_hat.round(6).tolist(), path.at(10.0).welfare_hat.round(6).tolist()
    ([1.040316, 1.040316], [1.1, 1.1])
    """
    check_kind("economy", economy, Economy)
    check_kind("learning", learning, Learning)
    dated = spans(Phase() if phases is None else phases, horizon)
    horizon = dated[-1][2]
    read = Reader()
    rtol = read.number("rtol", rtol, least=TIGHTEST, most=LOOSEST)
    read.finish()
    check_baseline(economy)
    fitted = learning.fit(economy)
    stage = float(np.clip(STAGE * rtol, STAGE_LEAST, STAGE_MOST))
    tolerance = min(stage, CERTIFY)
    threads = thread_count(threads)
    problems = _assembled(economy, dated, deficits, threads)
    worlds = [World(economy, problem, fitted, tolerance, threads) for problem in problems]

    legs: list[Leg] = []
    phi, count = fitted.initial, 0

    def path(end: float) -> Path:
        return Path(economy, learning, end, rtol, count, _worst(legs, tolerance, end / horizon), tuple(legs))

    for (phase, start, end), world in zip(dated, worlds):
        leg, evaluations, trouble = _integrate(phase, world, start, end, world.state(phi), rtol, stage)
        count += evaluations
        legs += [leg] if leg is not None and (leg.steps or not legs) else []
        if trouble:
            stopped = legs[-1].end if legs else 0.0
            raise PathStopped(
                f"the integration stopped at date {stopped:g} of {horizon:g}: {trouble} (.path has what was reached)",
                path=path(stopped) if legs else None,
                reached=100.0 * stopped / horizon,
            )
        phi = world.productivity(leg.y(end))
    return path(legs[-1].end)


def _assembled(economy: Economy, dated, deficits, threads: int | None) -> list:
    """Build the hat system of every phase; report the faults of all phases together."""
    problems, faults, kind = [], [], BadInput
    for at, (phase, _, _) in enumerate(dated):
        try:
            shock, policy = phase.shock or Shock(), phase.policy or Policy()
            problems.append(assemble(economy, shock, policy, deficits, threads=threads))
        except BadInput as error:
            kind = type(error)
            faults += [f"phase {at}: {problem}" for problem in error.problems]
    if faults:
        raise kind(faults)
    return problems


def _integrate(phase: Phase, world: World, start: float, end: float, y, rtol: float, stage: float):
    """Follow one phase; return its leg (None if it has no start), the evaluations and what went wrong ("")."""
    from scipy.integrate import DOP853

    first = world.solve_afar(y)
    if first is None:
        return None, 1, "no equilibrium was found at the start of a phase"
    predictor, count, latest = Predictor(), 0, first
    predictor.add(start, first.point)

    def speed(time, at):
        nonlocal count, latest
        count += 1
        found = world.solve(at, predictor.at(time), stage)
        if found is None:  # the integrator takes a smaller step where it meets nan
            return np.full(at.size, np.nan)
        predictor.add(time, found.point)
        latest = found
        with np.errstate(over="ignore", invalid="ignore"):
            return world.speed(at, found)

    rate = world.speed(y, first)
    local = rtol / np.sqrt(y.size)  # scipy bounds the root mean square error; this bounds every cell's
    if world.fitted.law == "proportional":
        relative, absolute, change = 100 * np.finfo(float).eps, local, np.abs(rate).max()
    else:
        relative, absolute, change = max(local, 100 * np.finfo(float).eps), 0.0, np.abs(rate / y).max()
    step = min(end - start, FIRST_CHANGE / change) if change > 0 else end - start
    solver = DOP853(speed, start, y, end, rtol=relative, atol=absolute, first_step=step)
    nodes, steps = [Node(start, first, world.slack(y, first))], []
    while solver.status == "running":
        message = solver.step()
        if solver.status == "failed":
            return Leg(phase, world, tuple(nodes), tuple(steps), y), count, _trouble(message)
        accepted = latest  # the last evaluation of a step is at its end
        slack = world.slack(solver.y, accepted)
        if not world.certified(accepted, slack):
            accepted = world.solve(solver.y, accepted.point)
            slack = None if accepted is None else world.slack(solver.y, accepted)
        dense = solver.dense_output()
        whole = np.isfinite(dense(0.5 * (solver.t_old + solver.t))).all()
        if accepted is None or not whole:
            trouble = _trouble("a step could not be completed")
            return Leg(phase, world, tuple(nodes), tuple(steps), y), count, trouble
        nodes.append(Node(solver.t, accepted, slack))
        steps.append(dense)
    return Leg(phase, world, tuple(nodes), tuple(steps), y), count, ""


def _trouble(message: str) -> str:
    return (
        f"no step is small enough ({message.rstrip('.').lower()}). Productivity or the equilibrium runs away there: "
        "lower the spillovers, or end the horizon earlier"
    )


def _outcomes(world: World, y, solution: Solution) -> dict[str, np.ndarray]:
    economy, state = world.economy, solution.state
    prices = world.prices(solution)
    expenditure = state.expenditure / economy.expenditure
    welfare = expenditure / prices
    return {
        "productivity": world.productivity(y),
        "output_shares": world.output_shares(solution),
        "welfare_hat": welfare,
        "welfare_per_head_hat": welfare / world.problem.labour,
        "price_index_hat": prices,
        "wage_hat": np.exp(state.wage_bill) / world.problem.labour,
        "expenditure_hat": expenditure,
    }


def _worst(legs: list[Leg], tolerance: float, reached: float) -> Certificate:
    """The certificate of the whole path: the worst of all accepted states, the totals of all work."""
    held = [(leg.world, node) for leg in legs for node in leg.nodes]
    world, (_, worst, _) = max(held, key=lambda one: one[1].solution.residual)
    slacks = np.array([node.slack for _, node in held])
    work = [sum(getattr(leg.world, name) for leg in legs) for name in WORK]
    return Certificate(
        CERTIFIED, worst.residual, tolerance, *slacks.max(axis=0).tolist(),
        max(node.solution.last_step for _, node in held), "Newton-GMRES along the path", 100.0 * reached, *work,
        float(world.problem.system.feedback.max()), world.worst(worst), cy.instruction_set(), world.threads,
    )  # fmt: skip
