"""One phase as a function of productivity: the hat system assembled once, solved again and again."""

from __future__ import annotations

from bisect import bisect_right

import numpy as np

from exacthat.assembly import Problem, base_system
from exacthat.blocs import slacks
from exacthat.conditions import BALANCE
from exacthat.dynamics.learning import Fitted
from exacthat.economy import Economy
from exacthat.kernels.gravity import cy
from exacthat.kernels.gravity.system import Point, Solution, System
from exacthat.solver import ROUNDING, WORK, default_threads, solve

REMEMBERED = 14  # solutions a predictor keeps: those of one Runge-Kutta step
USED = 4  # of them, nearest in time, that one prediction goes through
APART = 1e-9  # of a step: nodes closer together make a polynomial useless


class World:
    """The world of one phase: from the learning state y to equilibrium, employment and speed.

    y is phi flattened, or ln phi under the proportional law; only the shift of the hat system depends on it.
    Counts what its solves cost.
    """

    def __init__(
        self, economy: Economy, problem: Problem, fitted: Fitted, tolerance: float, threads: int | None
    ):
        self.economy, self.problem, self.fitted = economy, problem, fitted
        self.tolerance = tolerance
        self.threads = threads or default_threads(problem.system)
        self.live = problem.system.sales.T > 0
        self.ln_initial = np.log(fitted.initial)
        for name in WORK:
            setattr(self, name, 0)

    def productivity(self, y) -> np.ndarray:
        """Return phi (N, K); nan where it would not be a finite positive number."""
        y = y.reshape(self.live.shape)
        with np.errstate(over="ignore"):
            phi = np.exp(y) if self.fitted.law == "proportional" else y
        return np.where((phi > 0) & np.isfinite(phi), phi, np.nan)

    def state(self, productivity) -> np.ndarray:
        """Undo `productivity`."""
        return (np.log(productivity) if self.fitted.law == "proportional" else productivity).ravel()

    def solve(self, y, start: Point, tolerance: float | None = None) -> Solution | None:
        """Solve by Newton's method from a point nearby, to be certified; None where that fails.

        With a `tolerance` of its own the solution serves a step of the integrator and trade need not balance.
        """
        system = self.system(y)
        if system is None:
            return None
        aim = self.tolerance if tolerance is None else tolerance
        found = self._counted(cy.solve(system, start, aim, threads=self.threads))
        if tolerance is not None or found is None or self.certified(found, self.slack(y, found)):
            return found
        # Little trade, whose balance a small residual does not settle: go on to rounding.
        found = cy.solve(system, found.point, ROUNDING, threads=self.threads)
        found = self._counted(found._replace(converged=found.residual <= aim))
        return found if found is not None and self.certified(found, self.slack(y, found)) else None

    def solve_afar(self, y) -> Solution | None:
        """Solve from the base year, following the shock where Newton's method fails."""
        system = self.system(y)
        if system is None:
            return None
        outcome = solve(system, self.tolerance, self.threads, base_system(self.economy))
        found = self._counted(outcome.solution)
        whole = found is not None and outcome.completed == 100.0
        return found if whole and self.certified(found, self.slack(y, found)) else None

    def certified(self, solution: Solution, slack: tuple[float, float, float]) -> bool:
        """Tell whether a solution with that `slack` meets the world's tolerance and balances trade."""
        return solution.residual <= self.tolerance and slack[1] <= BALANCE

    def output_shares(self, solution: Solution) -> np.ndarray:
        """Employment shares (N, K)."""
        with np.errstate(under="ignore"):
            hat = np.exp(solution.point.sales.T - solution.state.wage_bill[:, None])
        return np.where(self.live, self.economy.output_shares * hat, 0.0)

    def speed(self, y, solution: Solution) -> np.ndarray:
        """Return dy/dt, flattened."""
        employment = (self.fitted.labour * self.problem.labour)[:, None] * self.output_shares(solution)
        return self.fitted.speed(self.productivity(y), employment).ravel()

    def prices(self, solution: Solution) -> np.ndarray:
        """Consumer price index over the base year's (N,)."""
        economy = self.economy
        power = solution.state.price_power.T / economy.trade_elasticity
        return np.exp(-(economy.expenditure_shares * power).sum(axis=1))

    def slack(self, y, solution: Solution) -> tuple[float, float, float]:
        """Return Walras' slack, the largest trade imbalance and the adding-up error of employment shares at y."""
        judged = slacks(self.system(y), solution)
        return solution.walras, judged.balance, judged.adding_up

    def worst(self, solution: Solution) -> tuple[str, str]:
        """Labels of the cell with the largest residual."""
        part = max(
            (part for part in solution.state.residual if part is not None), key=lambda x: np.abs(x).max()
        )
        at = np.unravel_index(np.argmax(np.abs(part)), part.shape)
        countries, industries = self.economy.countries, self.economy.industries
        return (countries[at[0]], "spending") if len(at) == 1 else (countries[at[1]], industries[at[0]])

    def system(self, y) -> System | None:
        """Return the hat system at y; None where y is no productivity."""
        ln_hat = np.log(self.productivity(y)) - self.ln_initial
        if np.isnan(ln_hat).any():
            return None
        system = self.problem.system
        shift = system.shift + np.ascontiguousarray((self.economy.trade_elasticity * ln_hat).T)
        return system._replace(shift=shift)

    def _counted(self, found: Solution) -> Solution | None:
        for name in WORK:
            setattr(self, name, getattr(self, name) + getattr(found, name))
        return found if found.converged else None


class Predictor:
    """Extrapolates solutions in time: a polynomial through the remembered ones nearest in time."""

    def __init__(self):
        self.times: list[float] = []
        self.points: list[Point] = []

    def add(self, time: float, point: Point) -> None:
        """Remember a solution; the oldest are forgotten."""
        self.times.append(time)
        self.points.append(point)
        del self.times[:-REMEMBERED], self.points[:-REMEMBERED]

    def at(self, time: float) -> Point:
        """Predict the solution at a date."""
        times = np.array(self.times)
        span = max(np.ptp(times), abs(time - times[-1]))
        chosen: list[int] = []
        for at in np.argsort(np.abs(times - time)[::-1], kind="stable"):
            at = len(times) - 1 - at
            if all(abs(times[at] - times[other]) > APART * span for other in chosen):
                chosen.append(at)
            if len(chosen) == USED:
                break
        if times[chosen[0]] == time:
            chosen = chosen[:1]
        return combine([self.points[at] for at in chosen], lagrange(times[chosen], time))


def lagrange(nodes, time: float) -> np.ndarray:
    """Weights of the values at `nodes` in the polynomial through them, at `time`."""
    weights = np.ones(len(nodes))
    for j in range(len(nodes)):
        for m in range(len(nodes)):
            if m != j:
                weights[j] *= (time - nodes[m]) / (nodes[j] - nodes[m])
    return weights


def between(times, points, time: float) -> Point:
    """Interpolate solutions at rising `times` by the polynomial through the `USED` around a date."""
    first = min(max(bisect_right(times, time) - USED // 2, 0), max(len(times) - USED, 0))
    chosen = slice(first, first + USED)
    return combine(points[chosen], lagrange(np.array(times[chosen]), time))


def combine(points, weights) -> Point:
    """Weighted sum of points."""
    return Point(
        *(
            None if parts[0] is None else sum(weight * part for weight, part in zip(weights, parts))
            for parts in zip(*points)
        )
    )
