"""OptimalPolicy: rates, the world under them, and the evidence that they are a local optimum."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from exacthat.checks import frozen
from exacthat.economy import Economy
from exacthat.equilibrium import Equilibrium
from exacthat.errors import BadParameter
from exacthat.scenario import Policy


@dataclass(frozen=True, eq=False, repr=False)
class OptimalPolicy:
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
        import pandas as pd

        if by == "country":
            return self.equilibrium.to_frame()
        if by != "industry":
            raise BadParameter(f"by is {by!r}; it must be 'industry' or 'country'")
        partners = any(rate.ndim == 2 for own in self.rates.values() for rate in own.values())
        axes = [self.players, self.economy.countries, self.economy.industries]
        names = ["country", "partner", "industry"]
        if not partners:
            del axes[1], names[1]
        shape = [len(axis) for axis in axes[1:]]
        columns = {
            f"{name}_percent": np.concatenate(
                [np.broadcast_to(100.0 * self.rates[player][name], shape).ravel() for player in self.players]
            )
            for name in self.instruments
        }
        return pd.DataFrame(columns, index=pd.MultiIndex.from_product(axes, names=names))

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
        lines += (
            [f"{len(self.at_limit)} rates stand at a limit: {self.at_limit[0]}, ..."] if self.at_limit else []
        )
        labels = self.economy.industries
        width = max(len(label) for label in (*labels, "percent"))
        for player in self.players[:1]:
            columns = {name: rate for name, rate in self.rates[player].items() if rate.ndim == 1}
            if columns:
                lines += ["", f"rates of {player}", "  ".join([f"{'percent':{width}}", *columns])]
            for k, label in enumerate(labels if columns else ()):
                cells = (f"{100.0 * rate[k]:z{len(name)}.2f}" for name, rate in columns.items())
                lines.append("  ".join([f"{label:{width}}", *cells]))
        own = [self.economy.countries.index(player) for player in self.players]
        gains = self.welfare_percent[own]
        others = np.delete(self.welfare_percent, own)
        lines += ["", f"welfare of {self.players[0]} {gains[0]:+.4f} %"]
        if len(gains) > 1:
            lines[-1] += (
                f"; {(gains > 0).sum()} of {len(gains)} players gain, simple mean {gains.mean():+.4f} %"
            )
        if len(others):
            lines[-1] += (
                f"; {(others > 0).sum()} of {len(others)} others gain, simple mean {others.mean():+.4f} %"
            )
        return "\n".join(lines)
