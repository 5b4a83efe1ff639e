"""When to open, and which industries first: schedules that maximise discounted welfare.

The paper shows examples of delay and of gradual opening; here the best dates are computed. Welfare jumps
where a later opening finds another pattern of trade, so those dates are located and tried from both sides.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

from ..checks import frozen
from ..errors import BadInput
from . import arguments
from .paths import Path, simulate, simulate_many
from .schedule import Phase, opening_schedule
from .statics import regime_mask, solve
from .world import World

_MANY = 7  # up to this number of industries every choice of the ones that open at once is tried


def present_value(
    path: Path, discount_rate: float, *, inverse_elasticity: float = 1.0, unit: Sequence[float] = (1.0, 1.0)
) -> np.ndarray:
    """Return discounted utility (2,) of each country from 0 to the path's horizon, nothing after it.

    int exp(-discount_rate t) u(D(t) / unit) dt, u = ln at inverse elasticity 1, else
    (x^(1 - theta) - 1) / (1 - theta). Gauss-Legendre between the path's knots, exact to about 1e-10.

    >>> import numpy as np
    >>> from exacthat import clusters
    >>> world = clusters.World([[2.0, 1.0], [1.0, 2.0]], np.zeros((2, 2)), elasticity=2.0)
    >>> path = clusters.simulate(world, [clusters.Phase("free")], horizon=10.0)
    >>> clusters.present_value(path, 0.1).round(6).tolist()
    [8.763052, 8.763052]
    """
    if not isinstance(path, Path):
        raise BadInput(f"present_value takes a Path, as simulate returns it, not {type(path).__name__}")
    discount_rate = arguments.rate(discount_rate, "discount_rate")
    inverse_elasticity = arguments.rate(inverse_elasticity, "inverse_elasticity")
    unit = arguments.pair(unit, "unit", positive=True)
    knots = path.knots
    longest = min(path.horizon / 8, 1 / discount_rate if discount_rate > 0 else math.inf)
    pieces = [
        np.linspace(low, high, 1 + math.ceil((high - low) / longest))
        for low, high in itertools.pairwise(knots)
    ]
    edges = np.unique(np.concatenate(pieces))
    nodes, weights = np.polynomial.legendre.leggauss(8)
    middle, half = 0.5 * (edges[1:] + edges[:-1]), 0.5 * np.diff(edges)
    times = (middle[:, None] + half[:, None] * nodes).ravel()
    consumption = path.at(times).consumption / unit
    if inverse_elasticity == 1:
        utility = np.log(consumption)
    else:
        utility = (consumption ** (1 - inverse_elasticity) - 1) / (1 - inverse_elasticity)
    return ((half[:, None] * weights).ravel() * np.exp(-discount_rate * times)) @ utility


@dataclass(frozen=True, eq=False)
class BestOpening:
    """Hold the best schedule found.

    dates : (n,) when each industry opens to trade, inf if never within the horizon.
    values : (2,) discounted utility of each country; objective : their weighted sum.
    compared : the same (2,) for other schedules by name ("immediate", "never", "one date").
    consumption_equivalent : (2,) percent of consumption at every date that immediate opening would have to
        add to be as good, for logarithmic utility (nan otherwise).
    """

    dates: np.ndarray
    values: np.ndarray
    objective: float
    compared: dict[str, np.ndarray]
    consumption_equivalent: np.ndarray
    path: Path


class _Problem:
    """One objective over opening dates, remembered so that no schedule is simulated twice."""

    def __init__(self, world, discount_rate, horizon, weights, inverse_elasticity, rtol, threads):
        self.world, self.horizon = arguments.world(world, "a search"), arguments.horizon(horizon)
        self.rtol, self.threads = arguments.tolerance(rtol), threads
        self.discount_rate = arguments.rate(discount_rate, "discount_rate")
        self.inverse_elasticity = arguments.rate(inverse_elasticity, "inverse_elasticity")
        self.weights = arguments.pair(weights, "weights", positive=False)
        start = solve(world, "autarky", world.log_technology)[2][1:]
        self.unit = np.exp(start)
        self.known: dict[tuple, np.ndarray] = {}

    def _key(self, dates) -> tuple:
        return tuple(float(date) if date < self.horizon else math.inf for date in dates)

    def values(self, many) -> np.ndarray:
        """Discounted utility (len(many), 2) of schedules given by their opening dates (n,)."""
        keys = [self._key(dates) for dates in many]
        new = list(dict.fromkeys(key for key in keys if key not in self.known))
        schedules = [opening_schedule(self.world, key, self.horizon) for key in new]
        paths = simulate_many(
            self.world, schedules, horizon=self.horizon, rtol=self.rtol, threads=self.threads
        )
        for key, path in zip(new, paths):
            self.known[key] = present_value(
                path, self.discount_rate, inverse_elasticity=self.inverse_elasticity, unit=self.unit
            )
        return np.array([self.known[key] for key in keys])

    def scores(self, many) -> np.ndarray:
        return self.values(many) @ self.weights

    def breaks(self, dates: np.ndarray, group: np.ndarray) -> list[float]:
        """Dates at which opening `group` would start to find another pattern, the others at their dates."""
        never = np.where(group, math.inf, dates)
        path = simulate(
            self.world, opening_schedule(self.world, never, self.horizon), self.horizon, rtol=self.rtol
        )

        def pattern(states, row, moment):
            tradable = (never <= moment) | group
            share = solve(self.world, tradable, np.log(states.technology[row]))[0]
            return np.sign(share - 1).astype(float) + np.sign(share)  # -1 abroad, 0 shared, 1 at home, nan

        grid = np.linspace(0.0, self.horizon, 201)
        states = path.at(grid)
        seen = [pattern(states, row, moment) for row, moment in enumerate(grid)]
        found = []
        for row in range(grid.size - 1):
            if np.array_equal(seen[row], seen[row + 1], equal_nan=True):
                continue
            low, high, before = grid[row], grid[row + 1], seen[row]
            while high - low > 1e-11 * self.horizon:
                middle = 0.5 * (low + high)
                same = np.array_equal(pattern(path.at(middle), 0, middle), before, equal_nan=True)
                low, high = (middle, high) if same else (low, middle)
            found += [low, high]
        return found

    def best_date(self, dates: np.ndarray, group: np.ndarray, points: int) -> np.ndarray:
        """Move the opening of `group` to its best date, the others fixed."""
        grid = [*np.linspace(0.0, self.horizon, points)[:-1], math.inf, *self.breaks(dates, group)]
        grid = sorted({*grid, *(date for date in dates if math.isfinite(date))})
        scores = self.scores([np.where(group, date, dates) for date in grid])
        top = int(np.argmax(scores))
        best, value = grid[top], scores[top]
        for low, high in ((top - 1, top), (top, top + 1)):
            if low < 0 or high >= len(grid) or grid[high] - grid[low] < 1e-9 * self.horizon:
                continue
            inner = minimize_scalar(
                lambda date: -self.scores([np.where(group, date, dates)])[0],
                bounds=(grid[low], min(grid[high], self.horizon)),
                method="bounded",
                options={"xatol": 1e-7 * self.horizon, "maxiter": 40},
            )
            if -inner.fun > value:
                best, value = float(inner.x), -inner.fun
        return np.where(group, best, dates)

    def result(self, dates: np.ndarray, compared: dict) -> BestOpening:
        dates = np.where(dates < self.horizon, dates, math.inf)
        values = self.values([dates])[0]
        named = dict(zip(compared, self.values(list(compared.values()))))
        equivalent = np.full(2, math.nan)
        if self.inverse_elasticity == 1:
            rate = self.discount_rate
            span = -math.expm1(-rate * self.horizon) / rate if rate > 0 else self.horizon
            equivalent = 100 * np.expm1((values - named["immediate"]) / span)
        path = simulate(
            self.world, opening_schedule(self.world, dates, self.horizon), self.horizon, rtol=self.rtol
        )
        return BestOpening(
            frozen(dates),
            frozen(values),
            float(values @ self.weights),
            named,
            frozen(equivalent),
            path,
        )


def best_delay(
    world: World,
    discount_rate: float,
    horizon: float,
    *,
    weights: Sequence[float] = (1.0, 1.0),
    inverse_elasticity: float = 1.0,
    points: int = 65,
    rtol: float = 1e-8,
    threads: int | None = None,
) -> BestOpening:
    """Find the date at which opening all industries together is best, autarky before, free trade after.

    weights : on home's and foreign's discounted utility; (1, 0) is home alone. Utility as in
    `present_value`, in units of autarky consumption at time 0, cut at the horizon. Global over a grid of
    `points` dates and every date at which the pattern found changes; refined between its neighbours.

    >>> from exacthat import clusters
    >>> world, _ = clusters.examples.load("figure-6").curves["delayed"]
    >>> best = clusters.best_delay(world, discount_rate=0.02, horizon=60.0, points=17)
    >>> bool(abs(best.dates[0] - 105 * (3 / 7**0.5 - 1)) < 1e-6)
    True
    """
    problem = _Problem(world, discount_rate, horizon, weights, inverse_elasticity, rtol, threads)
    never, points = np.full(world.n, math.inf), arguments.whole(points, "points", 2)
    dates = problem.best_date(never, np.ones(world.n, dtype=bool), points)
    return problem.result(dates, {"immediate": np.zeros(world.n), "never": never})


def best_order(
    world: World,
    discount_rate: float,
    horizon: float,
    *,
    weights: Sequence[float] = (1.0, 1.0),
    inverse_elasticity: float = 1.0,
    points: int = 17,
    sweeps: int = 4,
    rtol: float = 1e-8,
    threads: int | None = None,
) -> BestOpening:
    """Find an opening date for each industry that maximises welfare: the order of opening and its timing.

    Starts from the best single date and from the best choice of industries that open at once (all choices up
    to seven industries, one added at a time above), then moves industries and groups with one date, each to
    its best date, until nothing improves. The result is at least as good as every start; it is the best
    found, not a proven optimum. Cost: some hundred to some thousand simulations.

    >>> from exacthat import clusters
    >>> world, _ = clusters.examples.load("figure-7").curves["gradual"]
    >>> best = clusters.best_order(world, discount_rate=0.02, horizon=60.0, points=9, sweeps=1)
    >>> bool((best.values > best.compared["one date"]).all())
    True
    """
    problem = _Problem(world, discount_rate, horizon, weights, inverse_elasticity, rtol, threads)
    points, sweeps = arguments.whole(points, "points", 2), arguments.whole(sweeps, "sweeps", 0)
    n = world.n
    never, immediate = np.full(n, math.inf), np.zeros(n)
    one_date = problem.best_date(never, np.ones(n, dtype=bool), points)
    later = [*np.linspace(0.0, horizon, points)[1:-1], math.inf]
    if n <= _MANY:
        firsts = [np.array(choice) for choice in itertools.product((True, False), repeat=n) if any(choice)]
        two_stage = [np.where(first, 0.0, date) for first in firsts for date in later]
        dates = two_stage[int(np.argmax(problem.scores(two_stage)))]
    else:
        dates = never
        for _ in range(n):
            steps = [np.where(np.arange(n) == industry, 0.0, dates) for industry in np.flatnonzero(dates > 0)]
            scores = problem.scores(steps)
            if scores.max() <= problem.scores([dates])[0]:
                break
            dates = steps[int(np.argmax(scores))]
    if problem.scores([one_date])[0] >= problem.scores([dates])[0]:
        dates = one_date
    for _ in range(sweeps):
        before = problem.scores([dates])[0]
        groups = [dates == date for date in np.unique(dates)]
        singles = [np.arange(n) == industry for industry in range(n)]
        for group in [*groups, *(single for single in singles if n > 1)]:
            dates = problem.best_date(dates, group, points)
        if problem.scores([dates])[0] <= before + 1e-12 * abs(before):
            break
    return problem.result(dates, {"immediate": immediate, "never": never, "one date": one_date})


def protect(world: World, industries: Sequence[int | str], until: float | None = None) -> list[Phase]:
    """Return a schedule that keeps these industries closed, for ever or until a date; others trade.

    >>> import numpy as np
    >>> from exacthat import clusters
    >>> world = clusters.World(np.ones((2, 3)), np.zeros((3, 3)), elasticity=2.0)
    >>> clusters.protect(world, [1], until=5.0)[0].regime.tolist()
    [True, False, True]
    """
    _, tradable = regime_mask(arguments.world(world, "protect"), "free")
    tradable[world.indices(arguments.listed(industries, "industries"))] = False
    return [Phase(tradable, until), Phase("free")] if until is not None else [Phase(tradable)]
