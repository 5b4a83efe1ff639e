"""What the three policy problems share: worlds as functions of free rates, and the way from a top to a result."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from exacthat.checks import frozen, number, thread_count
from exacthat.economy import Economy, require_economy
from exacthat.equilibrium import Equilibrium, counterfactual
from exacthat.errors import BadInput, NotConverged
from exacthat.gradient import welfare_gradient
from exacthat.policy.instruments import Levers, read_instruments, read_limits
from exacthat.policy.result import OptimalPolicy
from exacthat.policy.search import FLAT, Objective, Terrain, Top, climb, finish
from exacthat.scenario import Policy

SOLVED = 1e-12  # residual of the equilibria on the way
LOOSEST = 1e-4  # relative slope that may still be called an optimum


class World:
    """Equilibria and slopes of welfare as functions of the free rates of some countries."""

    def __init__(self, economy: Economy, players, instruments, by_partner, limits, tol, threads):
        require_balanced(economy)
        names = read_instruments(instruments)
        self.tolerance = number(tol, "tol", 0.0, LOOSEST)
        self.economy, self.threads = economy, thread_count(threads)
        self._options = names, bool(by_partner), read_limits(limits, names)
        at = economy.country_index(economy.countries if players is None else players)
        twice = sorted({economy.countries[i] for i in at if (at == i).sum() > 1})
        if twice or not len(at):
            raise BadInput(f"countries name {twice} twice" if twice else "countries is empty: name who acts")
        self.levers = self.levers_of(at, Policy().rates(economy))
        idle = [
            f"country {label!r} has nothing to set: none of its {', '.join(names)} taxes anything in the base year"
            for p, label in enumerate(self.players)
            if not (self.levers.owner == p).any()
        ]
        if idle:
            raise BadInput(idle)

    def levers_of(self, players, rates: Policy) -> Levers:
        """The free rates of some players while all other rates stay at `rates`."""
        return Levers(self.economy, rates, players, *self._options)

    @property
    def players(self) -> tuple[str, ...]:
        """Labels of the countries whose rates are free."""
        return tuple(self.economy.countries[i] for i in self.levers.players)

    def at(self, policy: Policy) -> Equilibrium:
        """The equilibrium under a policy."""
        return counterfactual(self.economy, policy=policy, tol=SOLVED, threads=self.threads)

    def welfare(self, eq: Equilibrium, weights: np.ndarray, levers: Levers) -> tuple[float, np.ndarray]:
        """Weighted sum of ln What and its slope in the free rates."""
        gradient = welfare_gradient(eq, weights, threads=self.threads)
        return float(weights @ np.log(eq.welfare_hat)), levers.slope(eq, gradient)

    def terrain(self, weights: np.ndarray, levers: Levers | None = None) -> Terrain:
        """What a search is told to maximise a weighted sum of ln What over free rates."""
        levers = self.levers if levers is None else levers
        objective = Objective(lambda u: self.welfare(self.at(levers.policy(u)), weights, levers))
        by_owner = weights[levers.players][levers.owner]
        by_owner = np.where(by_owner > 0, by_owner, 1.0)
        return Terrain(objective, levers.bounds, levers.stiffness * by_owner, levers.share * by_owner)

    def best(self, terrain: Terrain, starts: Mapping[str, np.ndarray]) -> tuple[Top, dict[str, float]]:
        """Climb from every start, finish the highest, put levels where they belong; tell where each led (100 ln)."""
        ends = {name: climb(terrain, u) for name, u in starts.items()}
        reached = {name: terrain.objective(u)[0] for name, u in ends.items()}
        first = max(reached, key=reached.get)
        top = finish(terrain, ends[first], self.tolerance)
        u = self.levers.normalised(top.u)
        value, slope = terrain.objective(u)
        reached[first] = value
        top = Top(u, value, terrain.missed(u, slope), top.curvature)
        return top, {name: 100.0 * value for name, value in reached.items()}

    def conclude(self, goal: str, top: Top, reached: Mapping[str, float], evaluations: int) -> OptimalPolicy:
        """Turn a top into a result that is certified to both orders, or raise."""
        levers, policy = self.levers, self.levers.policy(top.u)
        eq = self.at(policy)
        if not (top.missed <= self.tolerance and top.curvature <= FLAT):
            raise NotConverged(
                f"{goal}: the search stopped at a marginal gain of {top.missed:.1e} of what a rate taxes (tolerance "
                f"{self.tolerance:.0e}) and a largest curvature of {top.curvature:.1e} of the steepest (at most "
                f"{FLAT:.0e}); set limits, or leave out an instrument (the world reached is in .equilibrium)",
                equilibrium=eq,
            )
        low, high = levers.bounds
        blocks = levers.unpack(top.u)
        rates = {
            player: MappingProxyType(
                {
                    name: frozen(np.expm1(block[p] if len(block[p]) > 1 else block[p, 0]))
                    for name, block in blocks.items()
                }
            )
            for p, player in enumerate(self.players)
        }
        return OptimalPolicy(
            goal=goal,
            players=self.players,
            instruments=levers.instruments,
            policy=policy,
            equilibrium=eq,
            rates=MappingProxyType(rates),
            gradient=top.missed,
            curvature=top.curvature,
            reached=MappingProxyType(dict(reached)),
            at_limit=tuple(levers.name(j) for j in np.flatnonzero((top.u <= low) | (top.u >= high))),
            evaluations=evaluations + 1,
        )


def require_balanced(economy: Economy) -> None:
    """Refuse a base year with deficits: taxes move what a deficit fixed in the numeraire buys."""
    require_economy(economy)
    if economy.deficits.any():
        raise BadInput(
            "the base year has deficits, which stay fixed in world labour income: taxes move what that buys, so that "
            "no best level of them need exist. Pass exacthat.purge_deficits(economy)"
        )
