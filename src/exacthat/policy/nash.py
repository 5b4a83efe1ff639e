"""nash_policy(): rates from which no country gains by changing its own alone."""

from __future__ import annotations

import numpy as np

from exacthat.economy import Economy
from exacthat.gradient import welfare_gradient
from exacthat.policy.instruments import INSTRUMENTS
from exacthat.policy.problem import World
from exacthat.policy.result import OptimalPolicy
from exacthat.policy.search import FLAT, Model, Top, climb

ROUNDS = 6  # of best responses, each followed by steps of all players at once
STEPS = 50  # of all players at once, with one Hessian for each
MEMORY = 8  # steps that are mixed
LOST = 10.0  # factor on the least slope found beyond which steps have left the neighbourhood
NEARBY = 0.01  # logs of rates that steps may move before the Hessians of the certificate are computed again


def nash_policy(
    economy: Economy,
    countries=None,
    instruments=INSTRUMENTS,
    *,
    by_partner: bool = False,
    limits=None,
    tol: float = 1e-6,
    threads: int | None = None,
) -> OptimalPolicy:
    """Find taxes of several countries, each the best response to those of the others.

    Parameters
    ----------
    economy, instruments, by_partner, limits, tol, threads
        As for `optimal_policy`, for each player; `tol` is looser by default.
    countries : labels, optional
        The players, all by default; others keep the base year's rates.

    Returns
    -------
    OptimalPolicy whose `gradient` and `curvature` are the largest of all players' own: no player gains by a small
    change of its rates. `reached` is empty: one equilibrium is found, the one that best responses from the rates
    in force lead to. Autarky, by prohibitive taxes of all, is another.

    Raises as `optimal_policy` does; `NotConverged` also where best responses run in circles.

    First-order conditions d ln W_p / d ln(1 + rate) = 0 for the rates of p, for all players p at once. Each player
    in turn climbs to its best response; from there all take Newton steps of their own problems at the same
    time, one equilibrium and one transposed solve per player each, mixed over the last steps (Anderson) until the
    slopes vanish. Hessians of the players' own problems are the second-order condition. Levels without effect are
    set as in `optimal_policy`.

    Cost: some times that of `optimal_policy` for every player; `evaluations` counts it.

    >>> import exacthat as eh
    >>> world = eh.Economy([[[8.0], [2.0]], [[2.0], [8.0]]], 4.0, countries=["HOM", "FOR"])
    >>> war = nash_policy(world, instruments="tariff", tol=1e-8)
    >>> rates = [war.rates[name]["tariff"][0] for name in war.players]
    >>> bool(abs(rates[0] - rates[1]) < 1e-7), bool((war.welfare_percent < 0).all())
    (True, True)
    """
    world = World(economy, countries, instruments, by_partner, limits, tol, threads)
    levers = world.levers
    game = _Game(world)
    top = game.settle(np.clip(levers.normalised(levers.in_force), *levers.bounds))
    return world.conclude(f"Nash equilibrium of {len(world.players)} countries", top, {}, game.evaluations)


class _Game:
    """Own slopes of all players, best responses one after another, and steps of all at once."""

    def __init__(self, world: World):
        self.world, self.levers = world, world.levers
        everyone = np.eye(len(world.economy.countries))
        self.own = everyone[self.levers.players]  # whose welfare each player maximises
        self.together = world.terrain(self.own.sum(axis=0))  # bounds and scales of all rates
        self.evaluations = 0

    def slopes(self, u: np.ndarray) -> np.ndarray:
        """d ln W_p / du for the rates that p sets."""
        self.evaluations += 1
        eq, threads = self.world.at(self.levers.policy(u)), self.world.threads
        slope = np.zeros_like(u)
        for p, weights in enumerate(self.own):
            mine = self.levers.owner == p
            slope[mine] = self.levers.slope(eq, welfare_gradient(eq, weights, threads=threads))[mine]
        return slope

    def respond(self, u: np.ndarray) -> np.ndarray:
        """Let one player after another climb to its best response."""
        for p, i in enumerate(self.levers.players):
            mine = self.levers.owner == p
            alone = self.world.levers_of([i], self.levers.policy(u).rates(self.world.economy))
            terrain = self.world.terrain(self.own[p], alone)
            u = np.where(mine, 0.0, u)
            u[mine] = alone.normalised(climb(terrain, alone.in_force))
            self.evaluations += terrain.objective.evaluations
        return u

    def models(self, u: np.ndarray, slope: np.ndarray, central: bool) -> list[Model]:
        """Second-order model of each player's own problem."""
        found = []
        for p, weights in enumerate(self.own):
            terrain = self.world.terrain(weights)
            found.append(Model(terrain, u, slope, among=self.levers.owner == p, central=central))
            self.evaluations += terrain.objective.evaluations
        return found

    def settle(self, u: np.ndarray) -> Top:
        """Best responses until near, then steps of all players at once until no slope is left."""
        respond, tolerance = True, self.world.tolerance
        for round_ in range(ROUNDS):
            u = self.respond(u) if respond else u
            slope, begin = self.slopes(u), u
            models = self.models(u, slope, central=round_ > 0)
            curvature = max(model.curvature for model in models)
            if curvature > FLAT:
                away = sum(model.away() for model in models if model.curvature > FLAT)
                u, respond = np.clip(u + away, *self.levers.bounds), True
                continue
            u, slope = self.step_together(u, slope, models)
            respond = self.together.missed(u, slope) > tolerance
            if not respond and np.abs(u - begin).max() <= NEARBY:
                break
        u = self.levers.normalised(u)
        return Top(u, np.nan, self.together.missed(u, self.slopes(u)), curvature)

    def step_together(self, u, slope, models: list[Model]) -> tuple[np.ndarray, np.ndarray]:
        """Newton steps of the players' own problems, mixed over the last ones (Anderson); the best point found."""
        best, points, steps = (u, slope), [], []
        for _ in range(STEPS):
            missed, least = self.together.missed(u, slope), self.together.missed(*best)
            best = (u, slope) if missed <= least else best
            if missed <= self.world.tolerance or missed > LOST * least:
                break
            points = [*points[-MEMORY:], u]
            steps = [*steps[-MEMORY:], sum(model.step(slope) for model in models)]
            nearer = u + steps[-1]
            if len(steps) > 1:
                change = np.diff(steps, axis=0).T
                mix = np.linalg.lstsq(change, steps[-1])[0]
                nearer = nearer - (np.diff(points, axis=0).T + change) @ mix
            u = np.clip(nearer, *self.levers.bounds)
            slope = self.slopes(u)
        return best
