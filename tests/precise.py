"""Equilibria to 40 digits from the raw data of an economy, by code that shares nothing with the library."""

from __future__ import annotations

import mpmath as mp
import numpy as np

DIGITS = 40
exact = np.vectorize(lambda value: mp.mpf(float(value)), otypes=[object])
log = np.vectorize(mp.log, otypes=[object])
exp = np.vectorize(mp.exp, otypes=[object])


def ln_welfare_errors(eq) -> np.ndarray:
    """|reported - true| ln What (N,), where the true equilibrium is the one nearest to the reported."""
    with mp.workdps(DIGITS):
        return np.abs(log(exact(eq.welfare_hat)) - _World(eq).ln_welfare(eq)).astype(float)


class _World:
    """Data and scenario of an equilibrium in exact numbers; [origin, destination, industry] throughout."""

    def __init__(self, eq):
        eco, (n, _, k) = eq.economy, eq.economy.flows.shape
        rate = lambda given: exact(np.zeros((n, n, k)) if given is None else given)  # noqa: E731
        hat = lambda given, shape: exact(np.ones(shape) if given is None else given)  # noqa: E731
        flows, self.epsilon, mu = exact(eco.flows), exact(eco.trade_elasticity), exact(eco.scale_elasticity)
        self.mu = mu if eco.entry == "free" else 0 * mu
        self.kappa = 1 / (1 + mu - self.mu)
        self.inputs = exact(np.zeros((n, k, k)) if eco.input_shares is None else eco.input_shares)
        self.share = 1 - self.inputs.sum(axis=1)
        t0, x0, s0 = rate(eco.tariff), rate(eco.export_subsidy), exact(eco.production_subsidy)
        self.t, self.x = rate(eq.policy.tariff), rate(eq.policy.export_subsidy)
        self.s = exact(eq.policy.production_subsidy)
        spending = flows.sum(axis=0)
        wedge = hat(eq.shock.trade_cost, (n, n, k)) * (1 + self.t) * (1 + x0) / ((1 + t0) * (1 + self.x))
        self.weights = flows / np.where(spending == 0, mp.mpf(1), spending) * wedge**-self.epsilon
        border = flows / (1 + t0)
        self.sales = (1 + s0) * ((1 + x0) * border).sum(axis=1)
        self.labour_income = (self.share * self.kappa * self.sales).sum(axis=1)
        final = spending - np.einsum("ngk,nk->ng", self.inputs, self.kappa * self.sales)
        self.spending = final.sum(axis=1)
        self.beta = final / self.spending[:, None]
        revenue = self.sales.sum(axis=1) - border.sum(axis=(1, 2))
        used = ((1 - self.share) * self.kappa * self.sales).sum(axis=1)
        income = self.sales.sum(axis=1) - used - revenue + (flows - border).sum(axis=(0, 2))
        self.deficits = self.spending - income if eq.deficits.any() else 0 * income
        self.labour = hat(eq.shock.labour, n)
        self.shift = (1 + self.s) / (1 + s0) * hat(eq.shock.productivity, (n, k))
        self.shift = self.shift * hat(eq.shock.entry_cost, (n, k)) ** -self.mu
        self.live = eq._system.sales.T > 0
        self.groups = exact(eq._system.component[:, None] == eq._system.component)

    def split(self, x):
        """Sales hat (N, K), consumer prices (N, K), spending hat (N,) of the vector of logs."""
        n, k = self.live.shape
        r = np.zeros((n, k), dtype=object)
        r[self.live] = x[: self.live.sum()]
        return r, x[self.live.sum() : -n].reshape(n, k), x[-n:]

    def residual(self, x):
        """What (R, P, E) miss, in logs, and ln of the price sums d."""
        r, prices, e = self.split(x)
        R, E = np.where(self.live, self.sales * exp(r), mp.mpf(0)), self.spending * exp(e)
        wages = (self.share * self.kappa * R).sum(axis=1)
        growth = self.groups.dot(wages) / self.groups.dot(self.labour_income)
        ln_cost = self.share * log(wages / self.labour_income / self.labour)[:, None]
        ln_cost = ln_cost + np.einsum("igk,ig->ik", self.inputs, prices)
        factory = exp(ln_cost) * exp(r - ln_cost) ** -self.mu / self.shift  # R / c bundles of inputs
        u = np.where(self.live, factory**-self.epsilon, mp.mpf(0))
        supplies = self.weights * u[:, None, :]
        d = supplies.sum(axis=0)
        d = np.where(d == 0, mp.mpf(1), d)
        X = self.beta * E[:, None] + np.einsum("ngk,nk->ng", self.inputs, self.kappa * R)
        border = supplies / d * X / (1 + self.t)
        received = (1 + self.s) * ((1 + self.x) * border).sum(axis=1)
        received = np.where(self.live, received, mp.mpf(1))
        tariffs = (self.t * border).sum(axis=(0, 2))
        subsidies = (R * (1 - border.sum(axis=1) / received)).sum(axis=1)
        inputs = ((1 - self.share) * self.kappa * R).sum(axis=1)
        income = R.sum(axis=1) - inputs - subsidies + tariffs + self.deficits * growth
        f_r = log(np.where(self.live, R, mp.mpf(1)) / received) + log(growth)[:, None]
        missed = [f_r[self.live], (prices + log(d) / self.epsilon).ravel(), log(E / income)]
        return np.concatenate(missed), log(d)

    def ln_welfare(self, eq):
        """Ln What of the equilibrium near `eq`, by Newton's method with differences."""
        r = eq._solution.point.sales.T
        prices = -eq._solution.state.price_power.T / eq.economy.trade_elasticity
        spending = np.log(eq._solution.state.expenditure / eq.economy.expenditure)
        x = exact(np.concatenate([r[self.live], prices.ravel(), spending]))
        missed, _ = self.residual(x)
        tiny, columns = mp.mpf(10) ** -18, []
        for unit in exact(np.eye(x.size)):
            columns.append((self.residual(x + tiny * unit)[0] - missed) / tiny)
        inverse = exact(np.linalg.inv(np.stack(columns, axis=1).astype(float)))
        for _ in range(12):
            x = x - inverse.dot(missed)
            missed, ln_d = self.residual(x)
            if max(abs(missed)) < mp.mpf(10) ** (8 - DIGITS):
                return self.split(x)[2] + (self.beta / self.epsilon * ln_d).sum(axis=1)
        raise AssertionError(f"the precise solution stopped at {mp.nstr(max(abs(missed)), 3)}")
