"""Whole economies for hypothesis: sizes, elasticities and data drawn together."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from hypothesis import strategies as st

import exacthat as eh


@dataclass(frozen=True)
class Primitives:
    """Fundamentals of a world in levels; `solve()` is its equilibrium."""

    trade_cost: np.ndarray
    productivity: np.ndarray
    entry_cost: np.ndarray
    expenditure_shares: np.ndarray
    labour: np.ndarray
    trade_elasticity: np.ndarray
    scale_elasticity: np.ndarray
    production_subsidy: np.ndarray
    deficits: np.ndarray
    entry: str

    def solve(self) -> eh.Economy:
        return eh.from_primitives(**vars(self))

    def shocked(self, shock: eh.Shock, production_subsidy=None) -> Primitives:
        hat = shock.hats(self.solve())
        one = lambda x: 1.0 if x is None else x  # noqa: E731
        return replace(
            self,
            trade_cost=self.trade_cost * one(hat.trade_cost),
            productivity=self.productivity * one(hat.productivity),
            entry_cost=self.entry_cost * one(hat.entry_cost),
            labour=self.labour * one(hat.labour),
            production_subsidy=self.production_subsidy if production_subsidy is None else production_subsidy,
        )


@st.composite
def primitives(draw, most_countries=4, most_industries=4, highest_alpha=0.9, entries=("free", "restricted"),
               deficits=True, subsidies=True):  # fmt: skip
    """Draw fundamentals; about a tenth of the foreign routes are closed."""
    n, k = draw(st.integers(1, most_countries)), draw(st.integers(1, most_industries))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    cost = np.exp(np.abs(rng.normal(0.5, 0.5, (n, n, k))))
    cost[rng.random(cost.shape) < 0.1] = np.inf
    cost[np.arange(n), np.arange(n)] = 1.0
    if n > 1:  # one industry is traded by all, so the world does not fall apart
        cost[:, :, 0] = np.where(np.isinf(cost[:, :, 0]), 3.0, cost[:, :, 0])
    shares = rng.dirichlet(np.ones(k) * 2, n)
    labour = np.exp(rng.normal(0, 1, n))
    epsilon = np.exp(rng.uniform(np.log(0.7), np.log(9), k))
    gap = rng.normal(0, 0.1, n) * labour
    gap = gap - gap.sum() * labour / labour.sum()
    return Primitives(
        trade_cost=cost,
        productivity=np.exp(rng.normal(0, 0.4, (n, k))),
        entry_cost=np.exp(rng.normal(0, 0.4, (n, k))),
        expenditure_shares=shares / shares.sum(axis=1, keepdims=True),
        labour=labour,
        trade_elasticity=epsilon,
        scale_elasticity=rng.uniform(0, highest_alpha, k) / epsilon,
        production_subsidy=rng.uniform(-0.2, 0.4, (n, k)) if subsidies else np.zeros((n, k)),
        deficits=gap if deficits and n > 1 and draw(st.booleans()) else np.zeros(n),
        entry=draw(st.sampled_from(entries)),
    )


@st.composite
def shocks(draw, shape, labour=True):
    """Draw one kind of shock, or all kinds at once, for a world of `shape` (N, N, K)."""
    n, _, k = shape
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size = draw(st.sampled_from([0.01, 0.3, 1.0]))
    cost = np.exp(rng.normal(0, size, shape))
    cost[np.arange(n), np.arange(n)] = 1.0
    all_kinds = {
        "trade_cost": cost,
        "productivity": np.exp(rng.normal(0, size / 2, (n, k))),
        "entry_cost": np.exp(rng.normal(0, size / 2, (n, k))),
        "labour": np.exp(rng.normal(0, size / 2, n)),
    }
    if not labour:
        del all_kinds["labour"]
    kind = draw(st.sampled_from([*all_kinds, "all"]))
    return eh.Shock(**(all_kinds if kind == "all" else {kind: all_kinds[kind]}))


def economy(
    seed, countries=4, industries=3, balanced=True, highest_alpha=0.9, zeros=0.0, entry="free", **options
):
    """Make an economy from random flows; `balanced` purges its deficits."""
    from exacthat.kernels.gravity.examples import flows

    rng = np.random.default_rng(seed)
    epsilon = np.exp(rng.uniform(np.log(0.7), np.log(9), industries))
    mu = rng.uniform(0, highest_alpha, industries) / epsilon
    raw = eh.Economy(flows(rng, countries, industries, zeros), epsilon, mu, entry=entry, **options)
    return eh.purge_deficits(raw) if balanced else raw
