"""Elasticities drawn from their standard errors, inside the range of the model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from exacthat import checks
from exacthat.checks import frozen
from exacthat.economy import Economy, require_economy
from exacthat.errors import BadInput, BadParameter
from exacthat.read_only import ReadOnly
from exacthat.scenario import Policy, Scenario, Shock

ALPHA_BELOW = 0.995  # an equilibrium is unique below 1; nearer to 1 than this the solve is not reliable
NOT_BELOW = f"mu*epsilon was not below {ALPHA_BELOW}"
REASONS = ("trade elasticity was not above 0", "scale elasticity was below 0", NOT_BELOW)
_BLOCK = 256  # proposals at a time
_HOPELESS = 1e-3  # share of proposals kept below which nothing sensible is drawn


@dataclass(frozen=True, eq=False)
class Draws(ReadOnly):
    """Accepted draws and what was cut.

    trade_elasticity, scale_elasticity    (S, K)
    proposed, cut    estimate -> proposals made until S were accepted, and how many of these were cut
    reasons          reason -> proposals cut for it; one proposal may fall under several
    """

    trade_elasticity: np.ndarray
    scale_elasticity: np.ndarray
    proposed: Mapping[str, int]
    cut: Mapping[str, int]
    reasons: Mapping[str, int]

    def scenarios(
        self, shock: Shock | None = None, policy: Policy | None = None, deficits=None
    ) -> list[Scenario]:
        """Return one scenario per draw: the same change under its elasticities, for `exacthat.counterfactuals`."""
        pairs = zip(self.trade_elasticity, self.scale_elasticity)
        return [
            Scenario(shock, policy, deficits, epsilon, mu, f"draw {s}")
            for s, (epsilon, mu) in enumerate(pairs)
        ]


@dataclass(frozen=True, eq=False)
class Estimate:
    """One estimate: trade and scale elasticity (R,) with standard errors, the mean of R rows of a table."""

    name: str
    trade: np.ndarray
    trade_se: np.ndarray
    scale: np.ndarray
    scale_se: np.ndarray


def elasticity_draws(
    economy: Economy,
    count: int,
    seed: int,
    *,
    trade_se=0.0,
    scale_se=0.0,
    estimates: Sequence[str] | None = None,
) -> Draws:
    """Draw elasticities around those of an economy, normal with the given standard errors.

    Parameters
    ----------
    economy : Economy
        Its elasticities are the means.
    count, seed : int
        Number of draws and seed of the generator.
    trade_se, scale_se : scalar, (K,) or mapping by industry label
        Standard errors; 0 keeps the value.
    estimates : (K,) labels, optional
        Industries with the same label share one estimate and its draw; each has its own by default.

    Returns
    -------
    Draws, whose `scenarios` a batch solves. Trade and scale elasticity are independent of each other and of other
    industries. A draw is kept where epsilon > 0, mu >= 0 and, under free entry, mu*epsilon < `ALPHA_BELOW`, and
    drawn again otherwise; what was cut is counted.

    Raises `BadInput` where industries that share an estimate differ, `BadParameter` for standard errors below 0 and
    for an industry whose draws nearly all fall outside the model.

    >>> import exacthat as eh
    >>> world = eh.Economy([[[8.0], [2.0]], [[2.0], [8.0]]], trade_elasticity=4.0, scale_elasticity=0.1)
    >>> drawn = elasticity_draws(world, 100, seed=1, trade_se=0.5, scale_se=0.05)
    >>> batch = eh.counterfactuals(world, drawn.scenarios(eh.Shock(trade_cost=1.1)))
    >>> drawn.trade_elasticity.shape, bool(batch.ok.all())
    ((100, 1), True)
    """
    labels = require_economy(economy).industries
    faults = [
        f"{name} is {value!r}; it must be a whole number of at least {least}"
        for name, value, least in (("count", count, 1), ("seed", seed, 0))
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least
    ]
    if faults:
        raise BadParameter(faults)
    se = [
        checks.elasticity(given, name, labels, positive=False)
        for given, name in ((trade_se, "trade_se"), (scale_se, "scale_se"))
    ]
    if estimates is not None and not isinstance(estimates, Iterable):
        raise BadInput(f"estimates is {estimates!r}; give one label for each of the {len(labels)} industries")
    names = labels if estimates is None else tuple(map(str, estimates))
    if len(names) != len(labels):
        raise BadInput(
            f"{len(names)} estimates are named; give one label for each of the {len(labels)} industries"
        )
    means = economy.trade_elasticity, economy.scale_elasticity
    table = np.stack([means[0], se[0], means[1], se[1]])
    members = {name: np.flatnonzero([own == name for own in names]) for name in dict.fromkeys(names)}
    faults = [
        f"industries {', '.join(labels[k] for k in at)} share the estimate {name!r} but not their elasticities and "
        "standard errors: give them labels of their own"
        for name, at in members.items()
        if (table[:, at] != table[:, at[:1]]).any()
    ]
    if faults:
        raise BadInput(faults)
    drawn = [
        (Estimate(name, *table[:, at[:1]]), at) for name, at in members.items() if table[[1, 3], at[0]].any()
    ]
    return draw_estimates(economy, count, seed, drawn)


def draw_estimates(economy: Economy, count: int, seed: int, estimates) -> Draws:
    """Draw each of `estimates`, pairs of an `Estimate` and the industries (positions) it serves."""
    trade = np.tile(economy.trade_elasticity, (count, 1))
    scale = np.tile(economy.scale_elasticity, (count, 1))
    proposed, cut, reasons = {}, {}, dict.fromkeys(REASONS, 0)
    highest = ALPHA_BELOW if economy.entry == "free" else np.inf
    generator = np.random.Generator(np.random.PCG64(seed))
    for estimate, serves in estimates:
        pairs, outside = _accepted(generator, count, estimate, highest)
        proposed[estimate.name], cut[estimate.name] = outside.shape[1], int(outside.any(axis=0).sum())
        for reason, hits in zip(REASONS, outside.sum(axis=1)):
            reasons[reason] += int(hits)
        trade[:, serves], scale[:, serves] = pairs.T[:, :, None]
    return Draws(frozen(trade), frozen(scale), *map(MappingProxyType, (proposed, cut, reasons)))


def _accepted(generator, count: int, estimate: Estimate, highest: float) -> tuple[np.ndarray, np.ndarray]:
    """Draw until `count` pairs (epsilon, mu) are accepted; return them and which proposals were outside, by reason."""
    from scipy.special import ndtri

    kept: list[np.ndarray] = []
    looked: list[np.ndarray] = []
    while len(kept) < count:
        normal = ndtri(generator.random((_BLOCK, 2, len(estimate.trade))))
        epsilon = estimate.trade + estimate.trade_se * normal[:, 0]
        mu = estimate.scale + estimate.scale_se * normal[:, 1]
        pair = np.stack([epsilon.mean(axis=1), mu.mean(axis=1)], axis=1)
        outside = np.stack(
            [(epsilon <= 0).any(axis=1), (mu < 0).any(axis=1), pair[:, 0] * pair[:, 1] >= highest]
        )
        wrong = outside.any(axis=0)
        used = np.searchsorted(np.cumsum(~wrong), count - len(kept)) + 1  # proposals looked at
        kept += list(pair[:used][~wrong[:used]])
        looked.append(outside[:, :used])
        if len(kept) < _HOPELESS * _BLOCK * len(looked):
            raise BadParameter(
                f"of {_BLOCK * len(looked)} draws of {estimate.name!r} {len(kept)} lie inside the model (outside: "
                f"{', '.join(REASONS)}): lower its standard errors, or its scale elasticity"
            )
    return np.array(kept), np.concatenate(looked, axis=1)
