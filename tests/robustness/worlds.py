"""Random worlds over the whole range the library accepts, each by its number.

A world is an economy with a scenario. `draw(number)` always gives the same one; its `kind` names the shock.
Base years come from flows alone, so drawing one solves nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

import exacthat as eh

KINDS = (
    "uniform cost", "one-sided cost", "random costs", "dying industry", "autarky", "country shut", "pair shut",
    "cells shut", "tariffs", "subsidies", "deficits", "everything",
)  # fmt: skip
LARGEST_DEFICIT = 0.5  # of national income
LARGEST_ALPHA = 0.995


class World(NamedTuple):
    """An economy and what happens to it."""

    number: int
    kind: str
    economy: eh.Economy
    shock: eh.Shock
    policy: eh.Policy
    deficits: str | np.ndarray


def draw(number: int, small: bool = False) -> World:
    """Draw world `number`; `small` bounds its size at 5 countries and 4 industries."""
    rng = np.random.default_rng([number, int(small)])
    kind = KINDS[number % len(KINDS)]
    economy = _economy(rng, small)
    shock, policy = _scenario(rng, kind, economy)
    return World(number, kind, economy, shock, policy, _deficits(rng, kind, economy))


def _economy(rng, small: bool) -> eh.Economy:
    n, k = rng.integers(2, 6 if small else 13), rng.integers(1, 5 if small else 17)
    if not small and rng.random() < 0.04:
        n = rng.integers(30, 45)
    linked = rng.random() < 0.25
    epsilon = np.exp(rng.uniform(np.log(0.5), np.log(20.0), k))
    mu = _feedback(rng, k) / epsilon
    entry = rng.choice(["free", "restricted"], p=[0.75, 0.25])
    taxes = _base_taxes(rng, n, k) if rng.random() < 0.3 else {}
    flows = _flows(rng, n, k, rng.uniform(0.0, 0.6) if rng.random() < 0.5 else 0.0)
    inputs = rng.dirichlet(np.ones(k), (n, k)).transpose(0, 2, 1) * rng.uniform(0.1, 0.7, (n, 1, k))
    inputs *= (flows.sum(axis=0) > 0)[:, :, None]
    for _ in range(60):
        try:
            economy = eh.Economy(
                flows, epsilon, mu, entry=entry, input_shares=inputs if linked else None, **taxes
            )
        except eh.BadInput:  # industries use more than there is, or a country has no income
            inputs, flows = 0.7 * inputs, flows if linked else _more_at_home(flows)
            continue
        if linked and entry == "free" and economy.roundabout.max() >= 0.95:
            inputs = 0.8 * inputs
        elif (np.abs(economy.deficits) > LARGEST_DEFICIT * economy.income).any():
            flows = _more_at_home(flows)
        else:
            return economy
    raise AssertionError("no valid economy was drawn")


def _feedback(rng, industries: int) -> np.ndarray:
    """alpha (K,): none, moderate, mixed, steep, or all at the largest."""
    style = rng.choice(5, p=[0.1, 0.45, 0.2, 0.15, 0.1])
    low, high = [(0.0, 0.0), (0.0, 0.9), (0.0, LARGEST_ALPHA), (0.9, LARGEST_ALPHA), (LARGEST_ALPHA,) * 2][
        style
    ]
    return rng.uniform(low, high, industries)


def _base_taxes(rng, n: int, k: int) -> dict:
    abroad = ~np.eye(n, dtype=bool)[:, :, None]
    taxes = {"tariff": rng.uniform(0, rng.choice([0.1, 1.0]), (n, n, k)) * abroad}
    if rng.random() < 0.5:
        taxes["export_subsidy"] = rng.uniform(-0.2, 0.2, (n, n, k)) * abroad
    if rng.random() < 0.5:
        taxes["production_subsidy"] = rng.uniform(-0.3, 0.3, (n, k))
    return taxes


def _flows(rng, n: int, k: int, zeros: float) -> np.ndarray:
    """Flows with comparative advantage, a share `zeros` of empty cells, sometimes more than one trading group."""
    size = np.exp(rng.normal(0, 1.5, n))
    x = np.exp(rng.normal(0, 1.5, (n, n, k))) * np.exp(rng.normal(0, 1, (n, 1, k)))
    x *= (size[:, None] * size[None, :] / size.sum())[:, :, None]
    home = np.arange(n)
    x[home, home] *= np.exp(rng.uniform(0, 4))
    empty = rng.random(x.shape) < zeros
    if rng.random() < 0.5:  # every country makes what it buys
        empty[home, home] = False
    empty[home, home, rng.integers(0, k, n)] = False  # every country sells something and buys something
    for g in range(k):  # and every industry has a maker
        empty[0, 0, g] &= not empty[:, :, g].all()
    x[empty] = 0.0
    if n > 3 and rng.random() < 0.05:  # two groups of countries that do not trade
        x[: n // 2, n // 2 :] = x[n // 2 :, : n // 2] = 0.0
    return _less_imbalance(x, 100 if rng.random() < 0.5 else 3)


def _less_imbalance(x: np.ndarray, rounds: int) -> np.ndarray:
    """Scale each country's exports up and imports down by one factor, in rounds, towards balanced trade."""
    abroad = x * ~np.eye(len(x), dtype=bool)[:, :, None]
    factor = np.ones(len(x))
    for _ in range(rounds):
        sold = factor * (abroad.sum(axis=2) / factor).sum(axis=1)
        bought = (factor[:, None] * abroad.sum(axis=2)).sum(axis=0) / factor
        both = (sold > 0) & (bought > 0)
        factor = factor * np.where(
            both, np.sqrt(np.where(both, bought, 1.0) / np.where(both, sold, 1.0)), 1.0
        )
    scaled = x * factor[:, None, None] / factor[None, :, None]
    return scaled / scaled.sum()


def _more_at_home(flows: np.ndarray) -> np.ndarray:
    more, home = np.array(flows), np.arange(len(flows))
    more[home, home] *= 1.7
    return more


def _scenario(rng, kind: str, economy: eh.Economy) -> tuple[eh.Shock, eh.Policy]:
    n, _, k = economy.flows.shape
    one, other = rng.choice(n, 2, replace=False)
    cost = np.ones((n, n, k))
    abroad = ~np.eye(n, dtype=bool)
    factor = float(np.exp(rng.uniform(np.log(0.2), np.log(10.0))))
    shock, policy = {}, {}
    if kind == "uniform cost":
        cost[abroad] = factor
    elif kind == "one-sided cost":
        cost[(one, slice(None)) if rng.random() < 0.5 else (slice(None), one)] = factor
    elif kind == "random costs":
        cost[abroad] = np.exp(np.clip(rng.normal(0, 1.0, cost.shape), np.log(0.2), np.log(10.0)))[abroad]
    elif kind == "dying industry":
        which = (slice(None) if rng.random() < 0.5 else one, rng.integers(k))
        if rng.random() < 0.5:
            shock["productivity"] = np.ones((n, k))
            shock["productivity"][which] = 0.2
        else:
            cost[which[0], :, which[1]] = 10.0
    elif kind == "autarky":
        cost[abroad] = np.inf
    elif kind == "country shut":
        cost[one] = cost[:, one] = np.inf
    elif kind == "pair shut":
        cost[one, other] = cost[other, one] = np.inf
    elif kind == "cells shut":
        cost[rng.random(cost.shape) < rng.uniform(0.0, 0.4)] = np.inf
    elif kind == "tariffs":
        policy["tariff"] = _tariffs(rng, n, k, one)
    elif kind == "subsidies":
        policy["production_subsidy"] = rng.uniform(-0.5, 1.0, (n, k))
        if rng.random() < 0.5:
            policy["export_subsidy"] = rng.uniform(-0.5, 1.0, (n, n, k)) * abroad[:, :, None]
    elif kind == "everything":
        cost[abroad] = np.exp(rng.normal(0, 0.5, cost.shape))[abroad]
        cost[rng.random(cost.shape) < 0.05] = np.inf
        shock = {name: np.exp(rng.normal(0, 0.5, (n, k))) for name in ("productivity", "entry_cost")}
        shock["labour"] = np.exp(rng.normal(0, 0.5, n))
        policy = {
            "tariff": _tariffs(rng, n, k, one),
            "export_subsidy": rng.uniform(-0.3, 0.3, (n, n, k)) * abroad[:, :, None],
            "production_subsidy": rng.uniform(-0.3, 0.5, (n, k)),
        }
    cost[np.arange(n), np.arange(n)] = 1.0
    if (cost != 1.0).any():
        shock["trade_cost"] = cost
    return eh.Shock(**shock), eh.Policy(**policy)


def _tariffs(rng, n: int, k: int, one: int) -> np.ndarray:
    """Tariffs up to 500 percent: one rate for all, one country's, or drawn by cell."""
    rates, highest = np.zeros((n, n, k)), rng.choice([0.5, 5.0])
    style = rng.integers(3)
    if style == 0:
        rates[:] = rng.uniform(0, highest)
    elif style == 1:
        rates[:, one] = rng.uniform(0, highest)
    else:
        rates = rng.uniform(0, highest, rates.shape)
    return rates * ~np.eye(n, dtype=bool)[:, :, None]


def _deficits(rng, kind: str, economy: eh.Economy):
    """Fixed, zero, or levels of up to half of income; worlds that fall apart mostly without deficits."""
    fixed = 0.1 if kind in ("autarky", "country shut") else 0.5
    style = rng.random()
    if kind != "deficits" and style < fixed:
        return "fixed"
    if kind != "deficits" or style < 0.3:
        return "zero"
    levels = rng.uniform(-LARGEST_DEFICIT, LARGEST_DEFICIT, len(economy.countries)) * economy.labour_income
    borrowed, lent = levels.clip(min=0.0), -levels.clip(max=0.0)
    both = min(borrowed.sum(), lent.sum())
    return (
        both * (borrowed / max(borrowed.sum(), both) - lent / max(lent.sum(), both))
        if both > 0
        else 0.0 * levels
    )
