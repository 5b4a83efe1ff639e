"""Random hat systems: arguments for the twin tests and the benches."""

from __future__ import annotations

import numpy as np

from exacthat.kernels.gravity.ref import evaluate as _evaluate
from exacthat.kernels.gravity.ref import trade_weights as _trade_weights
from exacthat.kernels.gravity.system import System, pack


def flows(rng, countries=5, industries=4, zeros=0.2):
    """Draw flows (N, N, K) with home bias, comparative advantage and a share `zeros` of empty trade cells."""
    size = np.exp(rng.normal(0, 1, countries))
    advantage = np.exp(rng.normal(0, 0.7, (countries, 1, industries)))
    taste = np.exp(rng.normal(0, 0.5, (1, countries, industries)))
    x = advantage * taste * size[:, None, None] * size[None, :, None]
    x = x * np.exp(rng.normal(0, 1, x.shape))
    x[rng.random(x.shape) < zeros] = 0.0
    home = np.arange(countries)
    x[home, home] = (x.sum(axis=0) + x.sum(axis=1)) * rng.uniform(0.3, 2.0, (countries, industries)) + 1e-3
    return x / x.sum()


def system(rng, countries=5, industries=4, size=0.3, trade_costs="random", highest=0.9) -> System:
    """Draw a system that a shock of log size `size` moves away from its base; `highest` bounds alpha.

    trade_costs: "random" draws one per cell, a number multiplies every foreign one.
    """
    x = flows(rng, countries, industries)
    spending = x.sum(axis=0)
    shares = np.ascontiguousarray((x / spending).transpose(2, 0, 1))
    epsilon = np.exp(rng.uniform(np.log(1.0), np.log(9.0), industries))
    if trade_costs == "random":
        cost = np.exp(rng.normal(0, size, x.shape))
        cost[np.arange(countries), np.arange(countries)] = 1.0
    else:
        cost = np.where(np.eye(countries, dtype=bool)[:, :, None], 1.0, trade_costs) + np.zeros(x.shape)
    sales = np.ascontiguousarray(x.sum(axis=1).T)
    deficits = (x.sum(axis=(0, 2)) - x.sum(axis=(1, 2))) * (countries > 1)
    return System(
        weights=pack(_trade_weights(shares, cost, epsilon)),
        spending_shares=np.ascontiguousarray((spending / spending.sum(axis=1, keepdims=True)).T),
        sales=sales,
        shift=rng.normal(0, size / 2, sales.shape),
        markup=np.ones_like(sales),
        labour_share=np.ones_like(sales),
        labour_income=sales.sum(axis=0),
        deficits=0.5 * deficits,
        trade_elasticity=epsilon,
        feedback=rng.uniform(0, highest, industries),
        component=np.zeros(countries, dtype=np.int32),
    )


def evaluate(rng, **options):
    """Draw arguments of `evaluate`: a system and a point near its base."""
    drawn = system(rng, **options)
    return drawn, rng.normal(0, 0.2, drawn.sales.shape)


def jacobian_product(rng, **options):
    """Draw arguments of `jacobian_product`: a system, a point and a direction."""
    drawn, point = evaluate(rng, **options)
    return drawn, point, rng.normal(size=point.shape)


def solve(rng, **options):
    """Draw arguments of `solve`: a system, the base as the start, a tight tolerance."""
    drawn = system(rng, **options)
    assert np.isfinite(_evaluate(drawn, np.zeros_like(drawn.sales)).residual).all()
    return drawn, None, 1e-12


def trade_weights(rng, countries=5, industries=4):
    """Draw arguments of `trade_weights`, one trade cost infinite where there is more than one country."""
    shares = pack(rng.random((industries, countries, countries)))
    cost = np.exp(rng.normal(0, 1, (countries, countries, industries)))
    cost[0, -1, 0] = np.inf
    return shares, cost, np.exp(rng.uniform(-1, 3, industries))
