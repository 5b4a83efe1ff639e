"""Elasticities drawn from their standard errors, estimate by estimate, inside the range of the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from scipy.special import ndtri

from exacthat.checks import frozen
from exacthat.datasets import elasticity_table
from exacthat.economy import Economy

ALPHA_BELOW = 0.995  # an equilibrium is unique below 1; nearer to 1 than this the solve is not reliable
NOT_BELOW = f"mu*epsilon was not below {ALPHA_BELOW}"
REASONS = ("trade elasticity was not above 0", "scale elasticity was below 0", NOT_BELOW)
_BLOCK = 256  # proposals at a time


@dataclass(frozen=True, eq=False)
class Draws:
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


def elasticity_draws(economy: Economy, count: int, seed: int) -> Draws:
    """Draw the elasticities of `icio2019` from Table 3 of Lashkaripour and Lugovskyy (2023) and its errors.

    Every estimate is normal around its value with its standard error, trade and scale elasticity
    independent of each other and of other estimates (the table prints no covariance). Industries that share
    an estimate share its draw; those that average two rows average two draws. A draw of an estimate is kept
    where epsilon > 0, mu >= 0 and mu*epsilon < `ALPHA_BELOW` in the industries it serves, and drawn again
    otherwise.
    Industries without an estimate (services) keep the elasticities of `economy`, whose industries must be
    those of `icio2019`.

    >>> from exacthat import datasets
    >>> drawn = elasticity_draws(datasets.load("icio2019"), 3, seed=1)
    >>> drawn.trade_elasticity.shape, bool((drawn.trade_elasticity * drawn.scale_elasticity < 1).all())
    ((3, 28), True)
    """
    rows = elasticity_table("icio2019")["table3_rows"]
    table3 = elasticity_table("ll2023")
    position = {row: at for at, row in enumerate(table3["table3_row"].tolist())}
    trade = np.tile(economy.trade_elasticity, (count, 1))
    scale = np.tile(economy.scale_elasticity, (count, 1))
    proposed, cut, reasons = {}, {}, dict.fromkeys(REASONS, 0)
    generator = np.random.Generator(np.random.PCG64(seed))
    for estimate in dict.fromkeys(name for name in rows.tolist() if name):
        at = [position[row] for row in estimate.split("+")]
        kept: list[np.ndarray] = []
        proposed[estimate] = cut[estimate] = 0
        while len(kept) < count:
            normal = ndtri(generator.random((_BLOCK, 2, len(at))))
            epsilon = table3["table3_epsilon"][at] + table3["table3_epsilon_se"][at] * normal[:, 0]
            mu = table3["table3_mu"][at] + table3["table3_mu_se"][at] * normal[:, 1]
            pair = np.stack([epsilon.mean(axis=1), mu.mean(axis=1)], axis=1)
            outside = np.stack(
                [(epsilon <= 0).any(axis=1), (mu < 0).any(axis=1), pair[:, 0] * pair[:, 1] >= ALPHA_BELOW]
            )
            wrong = outside.any(axis=0)
            used = np.searchsorted(np.cumsum(~wrong), count - len(kept)) + 1  # proposals looked at
            proposed[estimate] += len(wrong[:used])
            cut[estimate] += int(wrong[:used].sum())
            for reason, hit in zip(REASONS, outside[:, :used].sum(axis=1)):
                reasons[reason] += int(hit)
            kept += list(pair[:used][~wrong[:used]])
        serves = rows == estimate
        trade[:, serves], scale[:, serves] = np.array(kept).T[:, :, None]
    return Draws(frozen(trade), frozen(scale), *map(MappingProxyType, (proposed, cut, reasons)))
