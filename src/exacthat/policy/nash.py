"""nash_policy(): rates from which no country gains by changing its own alone."""

from __future__ import annotations

import numpy as np

from exacthat.economy import Economy
from exacthat.gradient import welfare_gradient
from exacthat.policy.instruments import INSTRUMENTS
from exacthat.policy.problem import World
from exacthat.policy.result import OptimalPolicy
from exacthat.policy.search import FLAT, LESS, Model, Top, climb

ROUNDS = 6  # of best responses, each followed by steps of all players at once
STEPS = 50  # of all players at once, with one Hessian for each
NEARBY = 0.01  # logs of rates that steps may move before the Hessians of the certificate are computed again


def nash_policy(
    economy: Economy,
    countries=None,
    instruments=INSTRUMENTS,
    *,
    by_partner: bool = False,
    limits=None,
    tol: float = 1e-8,
    threads: int | None = None,
) -> OptimalPolicy:
    """Find taxes of several countries, each the best response to those of the others.

    Parameters
    ----------
    economy, instruments, by_partner, limits, tol, threads
        As for `optimal_policy`, for each player.
    countries : labels, optional
        The players, all by default; others keep the base year's rates.

    Returns
    -------
    OptimalPolicy whose `gradient` and `curvature` are the largest of all players' own: no player gains by a small
    change of its rates. `reached` is empty: one equilibrium is found, the one that best responses from the rates
    in force lead to. Prohibitive taxes of all are always another.

    Raises as `optimal_policy` does; `NotConverged` also where best responses run in circles.

    First-order conditions d ln W_p / d ln(1 + rate) = 0 for the rates of p, for all players p at once. One round
    lets each player in turn climb to its best response; from there all take Newton steps of their own problem at
    the same time, one equilibrium and one transposed solve per player each, until the slopes vanish. Hessians of
    the players' own problems are the second-order condition. Levels without effect are set as in
    `optimal_policy`.

    Cost: about twice that of `optimal_policy` for every player.

    >>> import exacthat as eh
    >>> world = eh.Economy([[[8.0], [2.0]], [[2.0], [8.0]]], 4.0, countries=["HOM", "FOR"])
    >>> war = nash_policy(world, instruments="tariff")
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
        self.own = np.eye(len(world.economy.countries))[
            self.levers.players
        ]  # whose welfare each player maximises
        self.together = world.terrain(self.own.sum(axis=0))  # bounds and scales of all rates
        self.evaluations = 0

    def slopes(self, u: np.ndarray) -> np.ndarray:
        """d ln W_p / du for the rates that p sets."""
        self.evaluations += 1
        eq, threads = self.world.at(self.levers.policy(u)), self.world.threads or 1
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

    def models(self, u: np.ndarray, slope: np.ndarray) -> list[Model]:
        """Second-order model of each player's own problem."""
        found = []
        for p, weights in enumerate(self.own):
            terrain = self.world.terrain(weights)
            found.append(Model(terrain, u, slope, among=self.levers.owner == p))
            self.evaluations += terrain.objective.evaluations
        return found

    def settle(self, u: np.ndarray) -> Top:
        """Best responses until near, then Newton steps of all players until no slope is left."""
        respond, curvature, tolerance = True, 0.0, self.world.tolerance
        for _ in range(ROUNDS):
            u = self.respond(u) if respond else u
            slope, begin = self.slopes(u), u
            models = self.models(u, slope)
            curvature = max(model.curvature for model in models)
            respond = curvature > FLAT
            for _ in range(0 if respond else STEPS):
                missed = self.together.missed(u, slope)
                if missed <= tolerance:
                    break
                nearer = np.clip(u + sum(model.step(slope) for model in models), *self.levers.bounds)
                new_slope = self.slopes(nearer)
                if self.together.missed(nearer, new_slope) > LESS * missed:
                    respond = True
                    break
                u, slope = nearer, new_slope
            missed = self.together.missed(u, slope)
            if missed <= tolerance and not respond and np.abs(u - begin).max() <= NEARBY:
                break
        return Top(u, 0.0, missed, curvature)
