"""Solve a hat system: Newton first; where that fails, follow the solution along a path, rung after rung."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from exacthat.blocs import price_power, slacks, thin
from exacthat.conditions import BALANCE
from exacthat.exact_newton import refine
from exacthat.kernels.gravity import cy
from exacthat.kernels.gravity.system import Point, Slacks, Solution, System, pack
from exacthat.threads import paying

ROUNDING = 1e-15  # a residual no solve gets far below
SMALLEST_STEP = 1e-3  # of a path
FINEST = 1e-4  # of what a path has reached: where its very end is looked for
NOTHING_LEFT = 0.05  # of what a country lends: spending that falls below it is on its way to zero
THIN = 1e-4  # of spending: trade below which residuals of revenue tell little of a country's wage
WEAK = 0.5  # alpha up to which Newton rarely fails: where the path of scale effects begins
DENSE = 3000  # unknowns up to which the dense Jacobian is worth its memory and time
# what a certificate counts over all attempts
WORK = ("iterations", "evaluations", "products", "passes64", "passes16")


class Outcome(NamedTuple):
    """A solution and its slacks, how it was reached and how far the shock was followed (percent).

    `ends` says where a path to the solution ends because a lender's spending falls to zero; empty where none does.
    """

    solution: Solution
    slacks: Slacks
    method: str
    completed: float
    ends: str = ""


def default_threads(system: System) -> int:
    """Threads that pay: one for small systems, else the processors this process may use."""
    return paying(system.weights.size, len(system.trade_elasticity))


def solve(
    system: System,
    tolerance: float,
    threads: int,
    base: System | Callable[[], System] | None = None,
    start: Point | None = None,
) -> Outcome:
    """Solve by Newton-GMRES from the base year; where that fails, climb the ladder of the other methods.

    `base` is a system whose solution is `start` (no change by default), from which the shock can be followed, or
    what makes it when it is needed. Without it the first solve is given more patience. Where trade is thin, exact
    Newton steps help on every rung.
    """
    patience = {} if base is not None else {"max_iterations": 300, "halvings": 40}
    first = cy.solve(system, None, tolerance, threads=threads, **patience)
    judged = slacks(system, first)
    if first.converged and judged.balance <= BALANCE:
        return Outcome(first, judged, "Newton-GMRES", 100.0)
    base = base() if callable(base) else base
    tried, completed = [], 0.0
    for method, attempts, reached in _rungs(system, first, tolerance, threads, base, start):
        tried += attempts
        completed = max(completed, reached)
        if attempts[-1].converged and reached == 1.0:
            tried.append(_balanced(system, attempts[-1], tolerance, threads))
            if _solves(system, tried[-1]):
                exact = any(one.iterations > 0 and one.products == 0 for one in [*attempts, tried[-1]])
                method += " and exact Newton steps" * exact
                return _outcome(system, tried[-1], tried, method, 100.0)
    # what Newton left is the best iterate of the problem that was asked
    best = next((attempt for attempt in tried[::-1] if completed == 1.0 and attempt.converged), first)
    left = _outcome(system, best, tried, "Newton-GMRES", 100.0 * completed)
    return _finance(system, left, tolerance, threads, base, start) if system.deficits.any() else left


def on_branch(
    system: System, tolerance: float, threads: int, base: System | Callable[[], System] | None
) -> Outcome:
    """Follow the solution from `base`, where it is no change: for systems with several solutions."""
    if base is None:
        return solve(system, tolerance, threads)
    at_base = cy.solve(system, None, tolerance, 0, threads)
    attempts, steps, reached = follow(system, base() if callable(base) else base, None, tolerance, threads)
    if reached < 1.0:
        return _outcome(system, at_base, [at_base, *attempts], "Newton-GMRES", 100.0 * reached)
    found = _balanced(system, attempts[-1], tolerance, threads)
    method = f"Newton-GMRES, shock followed in {steps} steps"
    return _outcome(system, found, [at_base, *attempts, found], method, 100.0)


def _rungs(
    system: System, first: Solution, tolerance: float, threads: int, base: System | None, start: Point | None
):
    """The ladder, each rung for what those before cannot do: its name, its solves and how far it reached (to 1)."""
    yield "Newton-GMRES", [first], float(first.converged)
    if WEAK < system.feedback.max() < 1.0:
        attempts, steps, reached = _follow_scale(system, tolerance, threads)
        yield f"Newton-GMRES, scale effects followed in {steps} steps", attempts, float(reached == 1.0)
    if base is not None:
        attempts, steps, reached = follow(system, base, start, tolerance, threads)
        yield f"Newton-GMRES, shock followed in {steps} steps", attempts, reached


def _with_work(solution: Solution, attempts: list[Solution]) -> Solution:
    """The solution with the work of all attempts."""
    return solution._replace(**{name: sum(getattr(attempt, name) for attempt in attempts) for name in WORK})


def _outcome(
    system: System, solution: Solution, attempts: list[Solution], method: str, completed: float
) -> Outcome:
    return Outcome(_with_work(solution, attempts), slacks(system, solution), method, completed)


def _solves(system: System, solution: Solution) -> bool:
    return solution.converged and slacks(system, solution).balance <= BALANCE


def _follow_scale(system: System, tolerance: float, threads: int) -> tuple[list[Solution], int, float]:
    """Let scale effects grow from weak ones to the system's own, 1 - alpha falling geometrically.

    Near alpha = 1 countries specialise almost wholly; which way, the shock decides and weak scale effects show.
    """
    alpha = system.feedback
    weak = np.minimum(alpha, WEAK)
    between = lambda t: system._replace(feedback=1.0 - (1.0 - alpha) ** t * (1.0 - weak) ** (1.0 - t))  # noqa: E731
    begin = cy.solve(between(0.0), None, tolerance, threads=threads, halvings=15)
    if not begin.converged:
        return [begin], 0, 0.0
    attempts, points = _follow(lambda t: system if t == 1.0 else between(t), begin.point, tolerance, threads)
    return [begin, *attempts], sum(attempt.converged for attempt in attempts), points[-1][0]


def _finance(system: System, left: Outcome, tolerance: float, threads: int, base, start) -> Outcome:
    """Let deficits, or the change, grow from zero to the system's own; say where a lender has nothing left to spend."""
    none = system._replace(deficits=np.zeros_like(system.deficits))
    balanced = solve(none, tolerance, threads, base, start).solution
    tried, ways = [left.solution, balanced], []
    if _solves(none, balanced):
        deficits = lambda t: system._replace(deficits=t * system.deficits)  # noqa: E731
        ways.append((balanced.point, "the deficits, growing from zero", deficits))
    if base is not None:  # countries that only buy or only sell, for instance, need their deficits
        begin = system.origin() if start is None else start
        ways.append((begin, "the change, growing from none", lambda t: _between(base, system, t)))
    for begin, what, between in ways:
        attempts, points = _follow(between, begin, tolerance, threads, to_the_end=True)
        tried += attempts
        reached, solved = points[-1][0], [attempt for attempt in attempts if attempt.converged]
        if reached == 1.0:
            tried.append(_balanced(system, solved[-1], tolerance, threads))
            method = f"Newton-GMRES, {what.partition(',')[0]} followed in {len(solved)} steps"
            return _outcome(system, tried[-1], tried, method, 100.0)
        left = left._replace(solution=_with_work(left.solution, tried))
        if solved and (solved[-1].state.expenditure < -NOTHING_LEFT * between(reached).deficits).any():
            return left._replace(ends=f"{100.0 * reached:.3g} percent of {what}")
    return left


def _balanced(system: System, solution: Solution, tolerance: float, threads: int) -> Solution:
    """Go on from a converged solution in which some country's trade does not balance well yet.

    Counts its own work alone.
    """
    if _solves(system, solution):
        return solution._replace(**dict.fromkeys(WORK, 0))
    better = _exact(system, solution.point, tolerance, threads)
    if better is None or not _solves(system, better):
        better = cy.solve(system, solution.point, ROUNDING, threads=threads)
    return better._replace(converged=better.residual <= tolerance)


def _dense(system: System) -> bool:
    """Whether the dense Jacobian is small enough to be used."""
    return sum(part.size for part in system.origin() if part is not None) <= DENSE


def _exact(system: System, point: Point, tolerance: float, threads: int) -> Solution | None:
    """Exact Newton steps from `point`; None where the system is too large or the steps lead nowhere."""
    if not _dense(system):
        return None
    found, steps = refine(system, point, 0.1 * tolerance)
    judged = cy.solve(system, found, tolerance, 0, threads=threads)
    return judged._replace(iterations=steps) if np.isfinite(judged.residual) else None


def follow(
    system: System, base: System, start: Point | None, tolerance: float, threads: int
) -> tuple[list[Solution], int, float]:
    """Move from `base`, solved by `start`, to `system` in adaptive steps, each from a secant prediction.

    Returns all attempts in order, the steps that succeeded and the share of the way reached.
    """
    # from the unknowns of the target: its taxes may need more of them than the base has
    begin = system.origin() if start is None else start
    attempts, points = _follow(lambda t: _between(base, system, t), begin, tolerance, threads)
    return attempts, sum(attempt.converged for attempt in attempts), points[-1][0]


def _follow(
    between: Callable[[float], System], start: Point, tolerance: float, threads: int, to_the_end: bool = False
) -> tuple[list[Solution], list[tuple[float, Point]]]:
    """Follow the solution of `between(t)` from `start` at t = 0; return all attempts and the last two points.

    `to_the_end` goes on in ever smaller steps, to where the path ends.
    """
    points = [(0.0, start)]
    step, attempts = 0.25, []
    while points[-1][0] < 1.0 and step >= (
        max(FINEST * points[-1][0], ROUNDING) if to_the_end else SMALLEST_STEP
    ):
        at = min(1.0, points[-1][0] + step)
        attempts.append(_corrected(between(at), _predict(points, at), tolerance, threads))
        if attempts[-1].converged:
            points = [points[-1], (at, attempts[-1].point)]
            step *= 1.5
        else:
            step *= 0.5
    return attempts, points


def _corrected(system: System, predicted: Point, tolerance: float, threads: int) -> Solution:
    """Newton-GMRES from a prediction; where trade is thin, exact Newton steps if it fails."""
    solution = cy.solve(system, predicted, tolerance, threads=threads)
    if solution.converged or not thin(system, solution, THIN):
        return solution
    exact = _exact(system, predicted, tolerance, threads)
    return solution if exact is None else exact


def _predict(points, at: float) -> Point:
    """Extend the line through the last two points of the path."""
    (first, before), (last, now) = points[0], points[-1]
    if last == first:
        return now
    further = (at - last) / (last - first)
    return Point(*(None if new is None else new + (new - old) * further for old, new in zip(before, now)))


def _between(base: System, target: System, t: float) -> System:
    """The system a share t of the way: geometric in weights and taxes, linear where trade ends.

    Deficits arrive first, in a quarter of the way: nearly closed countries cannot borrow.
    """
    if t == 1.0:
        return target

    def weights(old, new):
        if new is None:
            return None
        ends = new == 0
        ratio = np.divide(new, old, out=np.ones_like(old), where=~ends)
        return pack(old * np.where(ends, 1.0 - t, ratio**t))

    old_border = base.weights if base.border is None else base.border
    old_revenue = old_border if base.revenue is None else base.revenue
    return target._replace(
        weights=weights(base.weights, target.weights),
        border=weights(old_border, target.border),
        revenue=weights(old_revenue, target.revenue),
        sales=base.sales,
        spending_shares=(1 - t) * base.spending_shares + t * target.spending_shares,
        shift=t * target.shift,
        markup=base.markup ** (1 - t) * target.markup**t,
        deficits=target.deficits + max(0.0, 1.0 - 4.0 * t) * (base.deficits - target.deficits),
        component=base.component,
    )


def trade_shares(system: System, solution: Solution) -> np.ndarray:
    """lambda' = A u / d (N, N, K) at a solution; 0 where nothing is bought or made."""
    ln_u, ln_d = price_power(system, solution), solution.state.price_power
    live = (system.sales > 0)[:, :, None] & (system.weights > 0)
    with np.errstate(under="ignore"):
        relative = np.exp(np.where(live, ln_u[:, :, None] - ln_d[:, None, :], -np.inf))
    return np.ascontiguousarray((system.weights * relative).transpose(1, 2, 0))
