"""Whole economies for hypothesis: sizes, elasticities, taxes, links and data drawn together."""

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
    tariff: np.ndarray
    export_subsidy: np.ndarray
    production_subsidy: np.ndarray
    input_shares: np.ndarray | None
    deficits: np.ndarray
    entry: str

    def solve(self) -> eh.Economy:
        return eh.from_primitives(**vars(self))

    def after(self, shock: eh.Shock, policy: eh.Policy) -> Primitives:
        """The fundamentals after a shock and under new taxes; deficits stay fixed in world labour income."""
        base = self.solve()
        hat, rates = shock.hats(base), policy.rates(base)
        one = lambda x: 1.0 if x is None else x  # noqa: E731
        none = lambda x: np.zeros_like(self.tariff) if x is None else x  # noqa: E731
        labour = self.labour * one(hat.labour)
        return replace(
            self,
            trade_cost=self.trade_cost * one(hat.trade_cost),
            productivity=self.productivity * one(hat.productivity),
            entry_cost=self.entry_cost * one(hat.entry_cost),
            labour=labour,
            tariff=none(rates.tariff),
            export_subsidy=none(rates.export_subsidy),
            production_subsidy=rates.production_subsidy,
            deficits=self.deficits * labour.sum() / self.labour.sum(),
        )

    def prices(self, economy: eh.Economy):
        """Consumer prices [destination, industry] and factory prices [origin, industry] of a solved world.

        From its wages and revenues alone, by iterating cost -> prices -> cost.
        """
        n, _, k = self.trade_cost.shape
        mu = self.scale_elasticity if self.entry == "free" else np.zeros(k)
        inputs = np.zeros((n, k, k)) if self.input_shares is None else self.input_shares
        wage = economy.labour_income / self.labour
        labour = 1.0 - inputs.sum(axis=1)
        wedge = self.trade_cost * (1 + self.tariff) / (1 + self.export_subsidy)
        ln_price = np.zeros((n, k))
        for _ in range(2000):
            cost = np.exp(labour * np.log(wage)[:, None] + np.einsum("igk,ig->ik", inputs, ln_price))
            bundles = np.where(economy.sales > 0, economy.sales, 1.0) / cost
            factory = (
                cost * (bundles / self.entry_cost) ** -mu / self.productivity / (1 + self.production_subsidy)
            )
            power = (wedge * factory[:, None, :]) ** -self.trade_elasticity * (economy.sales > 0)[:, None, :]
            new = -np.log(power.sum(axis=0)) / self.trade_elasticity
            if np.abs(new - ln_price).max() < 1e-14:
                break
            ln_price = new
        return np.exp(new), factory


@st.composite
def primitives(draw, most_countries=4, most_industries=4, highest_alpha=0.9, entry=None, links=None, deficits=None,
               taxes=None):  # fmt: skip
    """Draw fundamentals; about a tenth of the foreign routes are closed. None leaves a feature to chance."""
    chance = lambda given: draw(st.booleans()) if given is None else given  # noqa: E731
    n, k = draw(st.integers(1, most_countries)), draw(st.integers(1, most_industries))
    entry = entry or draw(st.sampled_from(["free", "restricted"]))
    links, deficits, taxes = chance(links), chance(deficits), chance(taxes)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    home = np.arange(n)
    cost = np.exp(np.abs(rng.normal(0.5, 0.5, (n, n, k))))
    cost[rng.random(cost.shape) < 0.1] = np.inf
    cost[home, home] = 1.0
    if n > 1:  # one industry is traded by all, so the world does not fall apart
        cost[:, :, 0] = np.where(np.isinf(cost[:, :, 0]), 3.0, cost[:, :, 0])
    shares = rng.dirichlet(np.ones(k) * 2, n)
    labour = np.exp(rng.normal(0, 1, n))
    epsilon = np.exp(rng.uniform(np.log(0.7), np.log(9), k))
    gap = rng.uniform(-0.1, 0.1, n) * labour
    gap = gap - gap.sum() * labour / labour.sum()
    return Primitives(
        trade_cost=cost,
        productivity=np.exp(rng.normal(0, 0.4, (n, k))),
        entry_cost=np.exp(rng.normal(0, 0.4, (n, k))),
        expenditure_shares=shares / shares.sum(axis=1, keepdims=True),
        labour=labour,
        trade_elasticity=epsilon,
        scale_elasticity=rng.uniform(0, highest_alpha * (0.5 if links else 1.0), k) / epsilon,
        **rates(rng, (n, n, k), taxes),
        input_shares=rng.uniform(0.1, 0.6) * rng.dirichlet(np.ones(k), (n, k)).transpose(0, 2, 1)
        if links
        else None,
        deficits=gap if deficits and n > 1 else np.zeros(n),
        entry=entry,
    )


def rates(rng, shape, taxes=True):
    """Draw all three instruments for a world of `shape`; production subsidies only where `taxes` is False."""
    n, _, k = shape
    abroad = ~np.eye(n, dtype=bool)[:, :, None] * taxes
    return {
        "tariff": rng.uniform(0, 0.4, shape) * abroad,
        "export_subsidy": rng.uniform(-0.2, 0.2, shape) * abroad,
        "production_subsidy": rng.uniform(-0.2, 0.3, (n, k)),
    }


@st.composite
def shocks(draw, shape):
    """Draw one kind of shock, or all kinds at once, for a world of `shape` (N, N, K)."""
    n, _, k = shape
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size = draw(st.sampled_from([0.01, 0.3, 0.8]))
    cost = np.exp(rng.normal(0, size, shape))
    cost[np.arange(n), np.arange(n)] = 1.0
    all_kinds = {
        "trade_cost": cost,
        "productivity": np.exp(rng.normal(0, size / 2, (n, k))),
        "entry_cost": np.exp(rng.normal(0, size / 2, (n, k))),
        "labour": np.exp(rng.normal(0, size / 2, n)),
    }
    kind = draw(st.sampled_from([*all_kinds, "all"]))
    return eh.Shock(**(all_kinds if kind == "all" else {kind: all_kinds[kind]}))


def economy(
    seed, countries=4, industries=3, balanced=True, highest_alpha=0.9, zeros=0.0, entry="free", **options
):
    """Make an economy from random flows; `balanced` purges its deficits, else a tenth of them is left."""
    from exacthat.kernels.gravity.examples import flows

    rng = np.random.default_rng(seed)
    epsilon = np.exp(rng.uniform(np.log(0.7), np.log(9), industries))
    mu = rng.uniform(0, highest_alpha, industries) / epsilon
    raw = eh.Economy(flows(rng, countries, industries, zeros), epsilon, mu, entry=entry, **options)
    if balanced:
        return eh.purge_deficits(raw)
    flows = eh.counterfactual(raw, deficits=0.1 * raw.deficits).flows
    return eh.Economy(flows, epsilon, mu, entry=entry, **options)
