"""Solve a hat system: Newton first, and where that fails follow the solution along the shock."""

from __future__ import annotations

import os
from typing import NamedTuple

import numpy as np

from exacthat.kernels.gravity import cy
from exacthat.kernels.gravity.system import Point, Solution, System, pack

ONE_THREAD_BELOW = (
    1 << 23
)  # bytes of trade weights: below, a busy machine makes one thread wait for the other
BALANCE = 1e-6  # of trade: the largest imbalance of a certified country
ROUNDING = 1e-15  # a residual no solve gets far below
SMALLEST_STEP = 1e-3  # of the shock, in continuation
WORK = (
    "iterations",
    "evaluations",
    "products",
    "passes64",
    "passes32",
)  # what a certificate counts over all attempts


class Outcome(NamedTuple):
    """A solution, how it was reached and how far the shock was followed (percent)."""

    solution: Solution
    method: str
    completed: float


def default_threads(system: System) -> int:
    """Threads that pay: one for small systems, else the processors this process may use."""
    if system.weights.size * 8 < ONE_THREAD_BELOW:
        return 1
    return min(processors(), len(system.trade_elasticity))


def processors() -> int:
    """Processors this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def solve(
    system: System, tolerance: float, threads: int, base: System | None = None, start: Point | None = None
) -> Outcome:
    """Solve by Newton-GMRES from the base year; where that fails, follow the solution from `base`.

    `base` is a system whose solution is `start` (no change by default). Without it Newton is given more patience.
    """
    patience = {} if base is not None else {"max_iterations": 300, "halvings": 40}
    solution = cy.solve(system, None, tolerance, threads=threads, **patience)
    if solution.converged or base is None:
        reached = 100.0 if solution.converged else 0.0
        return Outcome(_balanced(system, solution, tolerance, threads), "Newton-GMRES", reached)
    followed, steps, reached = follow(system, base, start, tolerance, threads)
    work = {name: getattr(solution, name) + sum(getattr(point, name) for point in followed) for name in WORK}
    if reached < 1.0:  # what Newton left is the best iterate of the problem that was asked
        return Outcome(solution._replace(**work), "Newton-GMRES", 100.0 * reached)
    solution = _balanced(system, followed[-1]._replace(**work), tolerance, threads)
    return Outcome(solution, f"Newton-GMRES, shock followed in {steps} steps", 100.0)


def imbalance(system: System, solution: Solution) -> np.ndarray:
    """|imports - exports - deficit| over trade (N,): what relative wages hang on when trade is small.

    Zero for a country that trades with no one.
    """
    trade = solution.imports + solution.exports
    gap = np.abs(solution.imports - solution.exports - system.deficits)
    return np.divide(gap, trade, out=np.zeros_like(trade), where=trade > 0)


def _balanced(system: System, solution: Solution, tolerance: float, threads: int) -> Solution:
    """Go on from a converged solution in which some country's trade does not balance well yet."""
    if not solution.converged or imbalance(system, solution).max() <= BALANCE:
        return solution
    better = cy.solve(system, solution.point, ROUNDING, threads=threads)
    work = {name: getattr(solution, name) + getattr(better, name) for name in WORK}
    return better._replace(converged=better.residual <= tolerance, **work)


def follow(
    system: System, base: System, start: Point | None, tolerance: float, threads: int
) -> tuple[list[Solution], int, float]:
    """Move from `base`, solved by `start`, to `system` in adaptive steps, each from a secant prediction.

    Returns all attempts in order, the steps that succeeded and the share of the way reached.
    """
    # from the unknowns of the target: its taxes may need more of them than the base has
    points = [(0.0, system.origin() if start is None else start)]
    step, steps, attempts = 0.25, 0, []
    while points[-1][0] < 1.0 and step >= SMALLEST_STEP:
        at = min(1.0, points[-1][0] + step)
        attempts.append(
            cy.solve(_between(base, system, at), _predict(points, at), tolerance, threads=threads)
        )
        if attempts[-1].converged:
            points, steps = [points[-1], (at, attempts[-1].point)], steps + 1
            step *= 1.5
        else:
            step *= 0.5
    return attempts, steps, points[-1][0]


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


def price_power(system: System, solution: Solution) -> np.ndarray:
    """ln u (K, N): factory price hats to the power -epsilon, equation (3) of the kernel."""
    point, state = solution.point, solution.state
    alpha, epsilon = system.feedback[:, None], system.trade_elasticity[:, None]
    ln_cost = system.labour_share * state.wage_bill
    if system.input_shares is not None:
        ln_cost = ln_cost - np.einsum("igk,gi->ki", system.input_shares, state.price_power / epsilon)
    return alpha * point.sales - (alpha + epsilon) * ln_cost + system.shift


def trade_shares(system: System, solution: Solution) -> np.ndarray:
    """lambda' = A u / d (N, N, K) at a solution; 0 where nothing is bought or made."""
    ln_u, ln_d = price_power(system, solution), solution.state.price_power
    live = (system.sales > 0)[:, :, None] & (system.weights > 0)
    with np.errstate(under="ignore"):
        relative = np.exp(np.where(live, ln_u[:, :, None] - ln_d[:, None, :], -np.inf))
    return np.ascontiguousarray((system.weights * relative).transpose(1, 2, 0))
