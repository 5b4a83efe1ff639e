"""Find the top of a smooth function of logs of rates: L-BFGS-B to its neighbourhood, Newton steps to the top."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from exacthat.errors import NotConverged

FLAT = 1e-5  # curvature over the largest one below which a direction counts as flat, by forward differences
VERY_FLAT = 1e-7  # the same by central differences
FAINT = 1e-2  # least scale of curvatures, which are of order one unless no rate has an effect
NEAR = 1e-4  # relative slope at which L-BFGS-B hands over: rounding of the value stops it soon after
STEP = 1e-6  # of a forward difference of slopes, over the square root of stiffness and at most LONGEST
CENTRAL_STEP = 1e-5
LONGEST = 1e-3
STEPS = 8  # Newton steps with one Hessian
ROUNDS = 5  # Hessians
LESS = 0.9  # of the slope that a Newton step must leave at most; else a new Hessian is due
KICK = 0.1  # scaled distance by which a search leaves a saddle
LOST = 1.0  # log points by which a point without an equilibrium counts as worse than the start


class Objective:
    """A value with its gradient, counted; a point whose equilibrium is not found counts as lost."""

    def __init__(self, function: Callable[[np.ndarray], tuple[float, np.ndarray]]):
        self._function, self._lost, self.evaluations = function, None, 0

    def __call__(self, u: np.ndarray) -> tuple[float, np.ndarray]:
        self.evaluations += 1
        try:
            value, slope = self._function(u)
        except NotConverged:
            if self._lost is None:
                raise
            return self._lost, np.zeros_like(u)
        if self._lost is None:
            self._lost = value - LOST
        return value, slope


class Terrain(NamedTuple):
    """What a search is told: the function, bounds (2, size), stiffness and what each rate taxes (size,)."""

    objective: Objective
    bounds: np.ndarray
    stiffness: np.ndarray
    share: np.ndarray

    def held(self, u: np.ndarray, slope: np.ndarray) -> np.ndarray:
        """Whether a rate stands at a limit that it would pass if it could."""
        low, high = self.bounds
        return ((u <= low) & (slope <= 0)) | ((u >= high) & (slope >= 0))

    def missed(self, u: np.ndarray, slope: np.ndarray) -> float:
        """Largest slope by what its rate taxes, limits apart."""
        return float(np.max(np.abs(slope / self.share) * ~self.held(u, slope), initial=0.0))


class Top(NamedTuple):
    """Where a search ended."""

    u: np.ndarray
    value: float
    missed: float  # largest relative slope
    curvature: float  # largest eigenvalue of the scaled Hessian over its largest modulus


def climb(terrain: Terrain, u: np.ndarray) -> np.ndarray:
    """Go uphill from u by L-BFGS-B, in coordinates in which all rates are about equally stiff."""
    from scipy.optimize import minimize

    scale = np.sqrt(terrain.stiffness)

    def downhill(z):
        value, slope = terrain.objective(z / scale)
        return -value, -slope / scale

    found = minimize(
        downhill, u * scale, jac=True, method="L-BFGS-B", bounds=(terrain.bounds * scale).T,
        options={"maxiter": 500, "maxcor": 20, "gtol": NEAR * float(np.sqrt(terrain.share.min())), "ftol": 1e-14},
    )  # fmt: skip
    return np.clip(found.x / scale, *terrain.bounds)


class Model:
    """Second-order model around u: its curvature and the Newton step to its top, over rates no limit holds."""

    def __init__(self, terrain: Terrain, u: np.ndarray, slope: np.ndarray, among=True, central=False):
        self.scale = np.sqrt(terrain.stiffness)
        self.free = among & ~terrain.held(u, slope)
        values, self._vectors = np.linalg.eigh(hessian(terrain, u, slope, self.free, central))
        largest = np.abs(values).max(initial=FAINT)
        self.curvature = float(values.max() / largest) if len(values) else 0.0
        steep = np.abs(values) > (VERY_FLAT if central else FLAT) * largest
        self._inverse = (self._vectors[:, steep] / values[steep]) @ self._vectors[:, steep].T

    def step(self, slope: np.ndarray) -> np.ndarray:
        """Newton step at another point nearby; none along flat directions."""
        step = np.zeros_like(slope)
        step[self.free] = -self._inverse @ (slope / self.scale)[self.free] / self.scale[self.free]
        return step

    def away(self) -> np.ndarray:
        """The direction in which the function bends upwards most."""
        step = np.zeros_like(self.scale)
        step[self.free] = KICK * self._vectors[:, -1] / self.scale[self.free]
        return step


def finish(terrain: Terrain, u: np.ndarray, tolerance: float) -> Top:
    """Take Newton steps until relative slopes are below `tolerance`; climb on from saddles and where they fail.

    The Hessian, one evaluation per rate, is also the second-order condition: no eigenvalue above zero but for
    flat directions. Where it does not lead to the top, the next ones are taken more closely, at twice the cost.
    """
    value, slope = terrain.objective(u)
    curvature = 0.0
    for round_ in range(ROUNDS):
        model = Model(terrain, u, slope, central=round_ > 0)
        curvature = model.curvature
        if curvature > FLAT:
            starts = [np.clip(u + side * model.away(), *terrain.bounds) for side in (1.0, -1.0)]
            u = climb(terrain, max(starts, key=lambda start: terrain.objective(start)[0]))
            value, slope = terrain.objective(u)
            continue
        begin = u
        for _ in range(STEPS):
            missed = terrain.missed(u, slope)
            if missed <= tolerance:
                return Top(u, value, missed, curvature)
            nearer = np.clip(u + model.step(slope), *terrain.bounds)
            new_value, new_slope = terrain.objective(nearer)
            if terrain.missed(nearer, new_slope) > LESS * missed:
                break
            u, value, slope = nearer, new_value, new_slope
        if u is begin:  # too far away for Newton
            u = climb(terrain, u)
            value, slope = terrain.objective(u)
    return Top(u, value, terrain.missed(u, slope), curvature)


def hessian(terrain: Terrain, u, slope, free, central: bool) -> np.ndarray:
    """Scaled Hessian over the free rates, by forward or central differences of exact slopes."""
    scale, (low, high) = np.sqrt(terrain.stiffness), terrain.bounds
    at = np.flatnonzero(free)
    columns = np.zeros((len(at), len(at)))
    for column, j in enumerate(at):
        step = min((CENTRAL_STEP if central else STEP) / scale[j], LONGEST)
        ends = [u[j], min(u[j] + step, high[j])]
        if central or ends[1] <= u[j]:
            ends[0] = max(u[j] - step, low[j])
        slopes = [slope if end == u[j] else terrain.objective(_moved(u, j, end))[1] for end in ends]
        columns[:, column] = (slopes[1] - slopes[0])[at] / ((ends[1] - ends[0]) * scale[at] * scale[j])
    return 0.5 * (columns + columns.T)


def _moved(u: np.ndarray, j: int, to: float) -> np.ndarray:
    moved = u.copy()
    moved[j] = to
    return moved
