"""Static equilibrium of a world under a trade regime, and the gains over autarky."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..checks import frozen
from ..errors import BadInput, BadParameter, NoEquilibrium, nearest
from . import arguments
from .world import World

REGIMES = ("autarky", "free", "mobile")
_RANGE = 700.0  # largest size of the logarithm of an index of consumption


def regime_mask(world: World, regime) -> tuple[str, np.ndarray]:
    """Return ("mobile" or "trade", tradable industries (n,)) of a regime; BadParameter if it is none."""
    if isinstance(regime, str):
        if regime not in REGIMES:
            raise BadParameter(
                f"regime {regime!r} is unknown: take one of {', '.join(REGIMES)} or a boolean array of the "
                f"tradable industries{nearest(regime, REGIMES)}"
            )
        return ("mobile" if regime == "mobile" else "trade"), np.full(world.n, regime != "autarky")
    try:
        mask = np.asarray(regime)
    except ValueError:  # a ragged list
        mask = np.empty(0)
    if mask.dtype != bool or mask.shape != (world.n,):
        raise BadParameter(
            f"a regime given as an array must be boolean of shape ({world.n},), true where the industry is "
            f"tradable; this one is {mask.dtype} of shape {mask.shape}"
        )
    return "trade", mask.copy()


def solve(world: World, regime, log_technology: np.ndarray):
    """Return home_share, employment and (ln omega, ln D, ln D*) at the given state."""
    from ..kernels.cutoff import nb

    kind, tradable = regime_mask(world, regime)
    state, labour = np.array(log_technology), np.array(world.labour)  # writeable: one compiled version serves
    if kind == "mobile":
        share, employment, summary = nb.mobile(state, labour, world.elasticity)
        with np.errstate(divide="ignore"):  # an empty place consumes nothing
            summary[1:] += np.log(employment.sum(axis=1))
        return share, employment, summary
    share, employment, summary = nb.trade(state, tradable, labour, world.elasticity)
    if not (np.isfinite(summary[1:]).all() and np.isfinite(employment).all()):
        raise NoEquilibrium(
            "technologies are too far apart for this elasticity: a country's only competitive industries "
            "weigh less than 1e-300 of its best one; drop industries that nobody would run, or lower it"
        )
    return share, employment, summary


def consumption_index(world: World, logs: np.ndarray) -> np.ndarray:
    """Return exp of ln D; BadParameter where D, a sum to the power 1 / (sigma - 1), leaves the floating range."""
    shown = logs[np.isfinite(logs)]  # an empty place consumes nothing, ln D = -inf
    worst = float(np.abs(shown).max(initial=0.0))
    if worst > _RANGE:
        needed = 1 + (world.elasticity - 1) * worst / _RANGE
        raise BadParameter(
            f"at elasticity {world.elasticity:g} the index of consumption is exp({shown[np.abs(shown).argmax()]:.4g}), "
            f"beyond floating numbers: with {world.n} industries take an elasticity of about {needed:.4g} or more"
        )
    return np.exp(logs)


@dataclass(frozen=True, eq=False)
class StaticEquilibrium:
    """Hold the cut-off equilibrium of one date.

    relative_wage : w / w*, nan in autarky (no common unit), 1 if labour is mobile.
    employment : (2, n) workers. home_share : (n,) home's part of world output, nan where not traded.
    marginal : number of the industry made in both countries, the lowest of several tied ones, -1 if none.
    consumption : (2,) the index D of each country (of the place's population if labour is mobile).
    """

    world: World
    regime: str | np.ndarray
    relative_wage: float
    employment: np.ndarray
    home_share: np.ndarray
    marginal: int
    consumption: np.ndarray

    @cached_property
    def prices(self) -> np.ndarray:
        """Price of each good in each country (2, n), w* = 1; in autarky each country's own wage is 1."""
        home_wage = 1.0 if np.isnan(self.relative_wage) else self.relative_wage
        cost = np.array([[home_wage], [1.0]]) / self.world.technology
        cheapest = np.broadcast_to(cost.min(axis=0), cost.shape)
        return frozen(np.where(np.isnan(self.home_share), cost, cheapest))

    @cached_property
    def price_index(self) -> np.ndarray:
        """P of each country (2,), equation (2)."""
        power, least = 1 - self.world.elasticity, self.prices.min(axis=1, keepdims=True)
        return frozen(least[:, 0] * ((self.prices / least) ** power).sum(axis=1) ** (1 / power))

    @cached_property
    def gains(self) -> np.ndarray:
        """Static gains (2,): consumption per worker over its autarky value at the same technology, less one.

        Never negative without migration; zero is possible, also for a large country (its wage may equal
        the ratio at which it gains nothing), so the paper's "strict gains" are weak.
        """
        autarky = solve(self.world, "autarky", self.world.log_technology)[2][1:]
        population = self.employment.sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            per_head = np.log(self.consumption) - np.log(population)
        return frozen(np.expm1(per_head - autarky + np.log(self.world.labour)))


def equilibrium(world: World, regime="free") -> StaticEquilibrium:
    """Solve the static equilibrium of a world.

    regime : "free" trade, "autarky", "mobile" (free trade and free migration), or a boolean (n,) array of
        the tradable industries. Hanlon (2012), (4)-(12), with the lower sum of (10) starting after the
        marginal good. Goods tied at the margin are split in one proportion; under "mobile" an exact tie is
        split half and half. Costs a few passes over the industries, no sort.

    Raises BadParameter for an unknown regime and for an elasticity so near 1 that consumption leaves the floating
    range (its logarithm is about ln n / (sigma - 1)), BadInput for an array without a tradable industry,
    NoEquilibrium where technologies leave that range.

    >>> import numpy as np
    >>> from exacthat import clusters
    >>> world = clusters.World([[10, 10, 5, 5], [5, 5, 10, 10]], np.zeros((4, 4)), elasticity=2.0)
    >>> trade = clusters.equilibrium(world)
    >>> trade.relative_wage, trade.marginal, trade.consumption.round(6).tolist()
    (1.0, -1, [40.0, 40.0])
    >>> trade.gains.round(3).tolist()
    [0.333, 0.333]
    """
    arguments.world(world, "equilibrium")
    if not regime_mask(world, regime)[1].any() and not isinstance(regime, str):
        raise BadInput('no industry is tradable in this regime: nothing links the countries, write "autarky"')
    share, employment, summary = solve(world, regime, world.log_technology)
    shared = np.flatnonzero((share > 0) & (share < 1))
    return StaticEquilibrium(
        world=world,
        regime=regime if isinstance(regime, str) else frozen(np.array(regime)),
        relative_wage=float(np.exp(summary[0])),
        employment=frozen(employment),
        home_share=frozen(share),
        marginal=int(shared[0]) if shared.size else -1,
        consumption=frozen(consumption_index(world, summary[1:])),
    )
