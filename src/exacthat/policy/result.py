"""OptimalPolicy: rates, the world under them, and the evidence that they are a local optimum."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from exacthat import tabular
from exacthat.checks import frozen
from exacthat.economy import Economy
from exacthat.equilibrium import Equilibrium
from exacthat.errors import BadParameter
from exacthat.read_only import ReadOnly
from exacthat.scenario import Policy


@dataclass(frozen=True, eq=False, repr=False)
class OptimalPolicy(ReadOnly):
    """Policy that no small change of the free rates improves, with its certificate.

    goal               what is maximised, in words
    players            labels of the countries whose rates are free
    instruments        names of their instruments
    policy             rates of all countries (`exacthat.Policy`)
    equilibrium        the world under it, certified
    rates              player -> instrument -> (K,), or (N, K) by partner; nan where nothing is traded or made
    gradient           largest marginal gain left: d ln W by d ln(1 + rate), over the share in spending of what the
                       rate taxes (base year); rates held by a limit apart
    curvature          largest eigenvalue of the Hessian over its largest modulus, in logs of 1 + rate scaled by
                       the root of what they tax; 0 for flat directions, never above 1e-5 (second-order condition)
    reached            start -> 100 ln of the goal where the search from there ended; other values than the largest
                       are of other local optima, or of a search that a flat stretch stopped
    at_limit           rates that a limit holds, in words
    evaluations        equilibria solved on the way, each with its gradients
    """

    goal: str
    players: tuple[str, ...]
    instruments: tuple[str, ...]
    policy: Policy
    equilibrium: Equilibrium
    rates: Mapping[str, Mapping[str, np.ndarray]]
    gradient: float
    curvature: float
    reached: Mapping[str, float]
    at_limit: tuple[str, ...]
    evaluations: int

    @property
    def economy(self) -> Economy:
        """The base year."""
        return self.equilibrium.economy

    @cached_property
    def welfare_percent(self) -> np.ndarray:
        """Change of welfare against the base year (N,), in percent."""
        return frozen(100.0 * (self.equilibrium.welfare_hat - 1.0))

    def to_frame(self, by: str = "industry"):
        """Return a pandas frame: rates in percent by player and "industry", or welfare by "country".

        Rates by partner add a level to the index; a production subsidy then repeats over partners.
        """
        if by == "country":
            return self.equilibrium.to_frame()
        if by != "industry":
            raise BadParameter(f"by is {by!r}; it must be 'industry' or 'country'")
        partners = any(rate.ndim == 2 for own in self.rates.values() for rate in own.values())
        axes = {
            "country": self.players,
            "partner": self.economy.countries,
            "industry": self.economy.industries,
        }
        if not partners:
            del axes["partner"]
        shape = [len(labels) for labels in axes.values()][1:]
        columns = {
            f"{name}_percent": np.stack(
                [np.broadcast_to(100.0 * self.rates[player][name], shape) for player in self.players]
            )
            for name in self.instruments
        }
        return tabular.frame(columns, **axes)

    def __repr__(self):
        return (
            f"OptimalPolicy({self.goal}; {', '.join(self.instruments)}; largest gradient {self.gradient:.1e})"
        )

    def __str__(self):
        lines = [
            f"{self.goal}: {', '.join(self.instruments)}",
            f"largest marginal gain left {self.gradient:.1e} of what a rate taxes, largest curvature "
            f"{self.curvature:.1e} of the steepest, {self.evaluations} equilibria",
            str(self.equilibrium.certificate),
        ]
        if self.at_limit:
            lines.append(f"{len(self.at_limit)} rates stand at a limit, the first {self.at_limit[0]}")
        return "\n".join([*lines, *self._rate_lines(self.players[0]), "", self._welfare_line()])

    def _rate_lines(self, player: str) -> list[str]:
        """A table of the rates of one player that are uniform over partners."""
        columns = {name: rate for name, rate in self.rates[player].items() if rate.ndim == 1}
        if not columns:
            return []
        width = max(len(label) for label in (*self.economy.industries, "percent"))
        lines = ["", f"rates of {player}", "  ".join([f"{'percent':{width}}", *columns])]
        for k, label in enumerate(self.economy.industries):
            cells = (f"{100.0 * rate[k]:z{len(name)}.2f}" for name, rate in columns.items())
            lines.append("  ".join([f"{label:{width}}", *cells]))
        return lines

    def _welfare_line(self) -> str:
        """Welfare of the first player, and how many others gain."""
        own = self.economy.country_index(self.players)
        parts = [f"welfare of {self.players[0]} {self.welfare_percent[own[0]]:+.4f} %"]
        for who, gains in (
            ("players", self.welfare_percent[own]),
            ("others", np.delete(self.welfare_percent, own)),
        ):
            if len(gains) > (who == "players"):
                parts.append(
                    f"{(gains > 0).sum()} of {len(gains)} {who} gain, simple mean {gains.mean():+.4f} %"
                )
        return "; ".join(parts)
