"""Elasticities of the study drawn from the standard errors of the table that they come from."""

from __future__ import annotations

from exacthat.datasets import elasticity_table
from exacthat.economy import Economy
from exacthat.sweep.draws import Draws, Estimate, draw_estimates


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
    columns = [table3[f"table3_{name}"] for name in ("epsilon", "epsilon_se", "mu", "mu_se")]
    estimates = []
    for name in dict.fromkeys(name for name in rows.tolist() if name):
        at = [position[row] for row in name.split("+")]
        estimates.append((Estimate(name, *(column[at] for column in columns)), rows == name))
    return draw_estimates(economy, count, seed, estimates)
