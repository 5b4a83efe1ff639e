"""The rates a government may set, as one vector of logs: what it does to a policy, and what welfare does to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from functools import cached_property

import numpy as np

from exacthat import checks
from exacthat.economy import Economy
from exacthat.equilibrium import Equilibrium
from exacthat.errors import BadInput, BadParameter, nearest
from exacthat.gradient import over
from exacthat.scenario import Policy

INSTRUMENTS = ("tariff", "export_subsidy", "production_subsidy")
WIDEST = (-0.99, 99.0)  # rates searched where the caller names no limits
SMALLEST = 1e-12  # share of a flow in spending below which it counts as this: it must not divide


def read_instruments(given) -> tuple[str, ...]:
    """Read one name of an instrument or several; the order is that of `INSTRUMENTS`."""
    names = [given] if isinstance(given, str) else list(given) if isinstance(given, Sequence | Set) else None
    if not names:
        raise BadInput(f"instruments is {given!r}; name one or more of {', '.join(INSTRUMENTS)}")
    faults = [
        f"unknown instrument {name!r}{nearest(name, INSTRUMENTS)} (known: {', '.join(INSTRUMENTS)})"
        for name in names
        if name not in INSTRUMENTS
    ]
    if faults:
        raise BadInput(faults)
    return tuple(name for name in INSTRUMENTS if name in names)


def read_limits(given, instruments) -> dict[str, tuple[float, float]]:
    """Read lowest and highest rates by instrument; those not named may lie anywhere within `WIDEST`."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise BadInput(f"limits is a {type(given).__name__}; give a mapping such as {{'tariff': (0, 0.5)}}")
    faults, limits = [], {}
    for name, pair in given.items():
        if name not in instruments:
            faults.append(
                f"limits name {name!r}, which is not an instrument here{nearest(name, instruments)}"
            )
            continue
        pair = checks.numbers(pair, f"limits of {name}")
        if pair.shape != (2,) or not WIDEST[0] <= pair[0] <= pair[1] <= WIDEST[1]:
            faults.append(
                f"limits of {name} are {pair.tolist()}; give a lowest and a highest rate, within "
                f"{WIDEST[0]:g} and {WIDEST[1]:g} (0.1 is ten percent)"
            )
        else:
            limits[name] = float(pair[0]), float(pair[1])
    if faults:
        raise BadParameter(faults)
    return limits


class Levers:
    """The free rates of some countries, u = ln(1 + rate), all other rates staying as they are in `rates`.

    A rate is uniform over partners, or one per partner; where nothing is bought, sold or made in the base year there
    is nothing to tax, and the rate in force stays. Blocks of u: instrument after instrument, in each the
    countries, partners and industries with trade, in this order.
    """

    def __init__(self, economy: Economy, rates: Policy, players, instruments, by_partner=False, limits=None):
        self.economy, self.players, self.instruments = economy, np.asarray(players), instruments
        self.by_partner, self.limits = by_partner, limits or {}
        zero = np.zeros(economy.flows.shape)
        self.rates = {name: zero if (own := getattr(rates, name)) is None else own for name in INSTRUMENTS}
        border = np.array(economy.border_flows)
        border[np.arange(len(border)), np.arange(len(border))] = 0.0
        values = {"tariff": border, "export_subsidy": border, "production_subsidy": economy.sales}
        self._values = {name: self._own(name, values[name]) for name in instruments}
        self.active = {name: self._over_partners(flows) > 0 for name, flows in self._values.items()}

    def _own(self, name: str, full: np.ndarray) -> np.ndarray:
        """What the players set of a full array, (players, partners, industries); one partner for production."""
        if name == "tariff":
            return full[:, self.players].transpose(1, 0, 2)
        return full[self.players] if name == "export_subsidy" else full[self.players][:, None, :]

    def _over_partners(self, cells: np.ndarray) -> np.ndarray:
        """Sums over the partners that share a rate."""
        return cells if self.by_partner else cells.sum(axis=1, keepdims=True)

    def pack(self, blocks: Mapping[str, np.ndarray]) -> np.ndarray:
        """One vector of arrays by instrument that broadcast to (players, partners or 1, industries)."""
        return np.concatenate(
            [np.broadcast_to(blocks[name], on.shape)[on] for name, on in self.active.items()]
        )

    def unpack(self, u: np.ndarray, missing=np.nan) -> dict[str, np.ndarray]:
        """Arrays by instrument of one vector; `missing` where nothing can be taxed."""
        blocks, at = {}, 0
        for name, on in self.active.items():
            blocks[name] = np.full(on.shape, missing)
            blocks[name][on] = u[at : at + on.sum()]
            at += on.sum()
        return blocks

    @cached_property
    def size(self) -> int:
        """Number of free rates."""
        return int(sum(on.sum() for on in self.active.values()))

    @cached_property
    def owner(self) -> np.ndarray:
        """Position in `players` of the country that sets each rate."""
        each = np.arange(len(self.players))[:, None, None]
        return self.pack(dict.fromkeys(self.instruments, each))

    @cached_property
    def share(self) -> np.ndarray:
        """Base-year value of what each rate taxes, over its country's spending."""
        spending = self.economy.expenditure[self.players][:, None, None]
        taxed = {name: self._over_partners(flows) / spending for name, flows in self._values.items()}
        return np.maximum(self.pack(taxed), SMALLEST)

    @cached_property
    def stiffness(self) -> np.ndarray:
        """About how fast marginal gains fall in each rate: what it taxes times 1 + trade elasticity."""
        return self.share * self.pack(dict.fromkeys(self.instruments, 1.0 + self.economy.trade_elasticity))

    @cached_property
    def bounds(self) -> np.ndarray:
        """Lowest and highest u (2, size)."""
        pairs = {name: np.log1p(self.limits.get(name, WIDEST)) for name in self.instruments}
        return np.array([self.pack({name: pair[side] for name, pair in pairs.items()}) for side in (0, 1)])

    @cached_property
    def in_force(self) -> np.ndarray:
        """u of the rates in force; a rate that partners share is their mean by value (of logs)."""
        logs = {}
        for name, flows in self._values.items():
            total = self._over_partners(np.log1p(self._own(name, self.rates[name])) * flows)
            logs[name] = over(total, self._over_partners(flows))
        return np.clip(self.pack(logs), *self.bounds)

    def policy(self, u: np.ndarray) -> Policy:
        """The policy of all countries with these rates in it."""
        full = {name: np.array(rates) for name, rates in self.rates.items()}
        for name, block in self.unpack(u).items():
            for p, i in enumerate(self.players):
                target = full[name][:, i] if name == "tariff" else full[name][i]
                target[...] = np.where(np.isnan(block[p]), target, np.expm1(block[p]))
                if name != "production_subsidy":
                    target[i] = 0.0
        return Policy(**full, large_rates=True)

    def slope(self, eq: Equilibrium, gradient: Mapping[str, np.ndarray]) -> np.ndarray:
        """Derivative by u of what `gradient` is the gradient of."""
        blocks = {}
        for name in self.instruments:
            rates = getattr(eq.policy, name)
            by_log = gradient[name] * (1.0 if rates is None else 1.0 + rates)
            blocks[name] = self._over_partners(self._own(name, by_log))
        return self.pack(blocks)

    @cached_property
    def neutral(self) -> list[tuple[np.ndarray, np.ndarray, float]]:
        """Directions of u without effect: the direction, the weights of a mean, and where that mean is kept.

        Lerner symmetry: a common factor on 1 + t and 1 + x of one country. Neutrality of a common factor on its
        1 + s, without input-output links. The mean of ln(1 + t) by imports is kept at 0, that of ln(1 + s) by
        sales where s = mu has it. Levels on which the caller set limits are left as found.
        """
        found = []
        label = self.pack({name: float(INSTRUMENTS.index(name)) for name in self.instruments})
        mu = self.pack(dict.fromkeys(self.instruments, np.log1p(self.economy.scale_elasticity)))

        def keep(along, weighed, level):
            if along.any() and weighed.any():
                weights = self.share * weighed / (self.share * weighed).sum()
                found.append((along.astype(float), weights, float(weights @ level)))

        free = {name for name in self.instruments if name not in self.limits}
        for p in range(len(self.players)):
            own = self.owner == p
            if {"tariff", "export_subsidy"} <= free:
                keep(own & (label < 2), own & (label == 0), np.zeros_like(mu))
            if "production_subsidy" in free and self.economy.input_shares is None:
                keep(own & (label == 2), own & (label == 2), mu)
        return found

    def normalised(self, u: np.ndarray) -> np.ndarray:
        """The same policy in effect, with levels that do not matter where `neutral` keeps them; as it is at a limit."""
        if ((u <= self.bounds[0]) | (u >= self.bounds[1])).any():
            return u
        for along, weights, level in self.neutral:
            u = u + along * (level - weights @ u)
        return u

    def name(self, at: int) -> str:
        """Say which rate stands at a position of u."""
        for instrument, numbered in self.unpack(np.arange(self.size), missing=-1).items():
            for p, partner, k in np.argwhere(numbered == at):
                towards = f" with {self.economy.countries[partner]!r}" if numbered.shape[1] > 1 else ""
                return (
                    f"{instrument} of {self.economy.countries[self.players[p]]!r}{towards} in industry "
                    f"{self.economy.industries[k]!r}"
                )
        raise IndexError(at)
