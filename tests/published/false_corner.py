"""Solve one country's free-entry policy of Table 5 with a general solver that measures its error in dollars.

The equations are those of Lashkaripour and Lugovskyy (2023), free entry, s = mu in one country, written here a
second time in numpy and as their programs pose them: unknown changes of wages w, of spending e and of
industry employment h, residuals in the currency of the data. Per country i and industry k, in million USD,

    w_i h_ik R_ik  -  revenue that demand implies       = 0
    sum_k h_ik R_ik  -  Y_i                             = 0    labour
    e_i E_i  -  wages, tariffs, less subsidies          = 0    (the last one gives way to: world wages unchanged)

Implied revenue contains h^(mu epsilon), so h_ik = 0 solves its own row whatever demand there is: each set of shut
industries is a root in dollars. Relative to the industry's size its error has no bound.

    python tests/published/false_corner.py          Belgium, industry by industry (about a minute)
    python tests/published/false_corner.py --all    the 43 countries of the table (about six minutes)
"""

from __future__ import annotations

import sys

import numpy as np
from scipy.optimize import OptimizeResult, least_squares, root

import exacthat as eh

SHUT = 1e-4  # of its base-year employment: below it an industry counts as shut in this comparison


class Dollars:
    """Residual and Jacobian of the paper's equations, at x = (w, e, h) of size N + N + N K."""

    def __init__(self, world: eh.Economy, country: str):
        self.world, self.acting = world, world.countries.index(country)
        self.n, self.k = world.output_shares.shape
        self.subsidy = np.zeros((self.n, self.k))
        self.subsidy[self.acting] = world.scale_elasticity
        self.start = np.ones(2 * self.n + self.n * self.k)

    def parts(self, x):
        """Return w, e, h, trade shares, spending, border flows, implied revenue and price powers."""
        world, x = self.world, np.abs(x)
        w, e, h = x[: self.n], x[self.n : 2 * self.n], x[2 * self.n :].reshape(self.n, self.k)
        epsilon = world.trade_elasticity
        u = h**world.alpha * w[:, None] ** -epsilon * (1.0 + self.subsidy) ** epsilon
        offer = world.trade_shares * u[:, None, :]
        power = offer.sum(axis=0)
        share = offer / np.where(power > 0, power, 1.0)
        spending = world.expenditure_shares * (e * world.expenditure)[:, None]
        border = share * spending / (1.0 + world.tariff)
        revenue = (1.0 + self.subsidy) * border.sum(axis=1)
        return w, e, h, share, spending, border, revenue, power

    def residual(self, x):
        """Return all equations in million USD."""
        world, (w, e, h, _, spending, border, revenue, _) = self.world, self.parts(x)
        goods = w[:, None] * h * world.sales - revenue
        labour = (h * world.sales).sum(axis=1) - world.labour_income
        tariffs = spending.sum(axis=1) - border.sum(axis=(0, 2))
        subsidies = revenue.sum(axis=1) - border.sum(axis=(1, 2))
        income = e * world.expenditure - (w * world.labour_income + tariffs - subsidies)
        income[-1] = ((w - 1.0) * world.labour_income).sum()
        return np.concatenate([goods.ravel(), labour, income])

    def jacobian(self, x):
        """Return the dense Jacobian of `residual`."""
        world, (w, e, h, share, spending, border, _, _) = self.world, self.parts(x)
        n, k = self.n, self.k
        i = np.arange(n)
        labour, income = n * k + i, n * k + n + i
        matrix = np.zeros((x.size, x.size))
        per_h = world.alpha / np.where(h > 0, h, np.inf)  # d ln u / d h
        for g in range(k):
            goods, column = i * k + g, 2 * n + i * k + g
            lost = border[:, :, g] @ share[:, :, g].T
            sold = np.diag(border[:, :, g].sum(axis=1)) - lost  # d border sales_i / d ln u_j
            gross = (1.0 + self.subsidy[:, g, None]) * sold
            tariffs = (border[:, :, g].sum(axis=0) * share[:, :, g] - border[:, :, g]).T
            net = tariffs - (gross - sold)
            matrix[np.ix_(goods, column)] -= gross * per_h[:, g]
            matrix[np.ix_(goods, i)] += gross * world.trade_elasticity[g] / w
            matrix[goods, column] += w * world.sales[:, g]
            matrix[goods, i] += h[:, g] * world.sales[:, g]
            by_spending = (1.0 + self.subsidy[:, g, None]) * border[:, :, g] / e
            matrix[np.ix_(goods, n + i)] -= by_spending
            matrix[labour, column] += world.sales[:, g]
            matrix[np.ix_(income, column)] -= net * per_h[:, g]
            matrix[np.ix_(income, i)] += net * world.trade_elasticity[g] / w
            collected = np.diag((spending[:, g] - border[:, :, g].sum(axis=0)) / e)
            matrix[np.ix_(income, n + i)] -= collected - (by_spending - border[:, :, g] / e)
        matrix[income, n + i] += world.expenditure
        matrix[income, i] -= world.labour_income
        matrix[-1] = 0.0
        matrix[-1, :n] = world.labour_income
        return matrix * np.where(x < 0, -1.0, 1.0)

    def relative(self, x):
        """Return ln(wage bill) - ln(implied revenue) of the acting country's industries (K,)."""
        w, _, h, _, _, _, revenue, _ = self.parts(x)
        at = self.acting
        return np.log(w[at] * h[at] * self.world.sales[at]) - np.log(revenue[at])

    def welfare(self, x) -> float:
        """Return the acting country's change of welfare in percent."""
        _, e, _, _, _, _, _, power = self.parts(x)
        at, world = self.acting, self.world
        ln_price = -(world.expenditure_shares[at] / world.trade_elasticity * np.log(power[at])).sum()
        return 100.0 * float(np.expm1(np.log(e[at]) - ln_price))

    def employment(self, x):
        """Return employment of the acting country's industries over that of the base year (K,)."""
        return self.parts(x)[2][self.acting]

    def dogbox(self) -> OptimizeResult:
        """Run scipy's rectangular trust-region dogleg from the base year, with its own tolerances."""
        return least_squares(self.residual, self.start, self.jacobian, method="dogbox", max_nfev=100)

    def hybrid(self) -> OptimizeResult:
        """Run MINPACK's hybrid method (dogleg trust region) from the base year, to 1e-10 in the unknowns."""
        options = {"xtol": 1e-10, "maxfev": 20_000}
        return root(self.residual, self.start, jac=self.jacobian, method="hybr", options=options)

    def shut_down(self, x, steps: int = 8):
        """Return the root in dollars near `x` at which the industries below `SHUT` are at exactly zero."""
        x = np.abs(x)
        first = 2 * self.n + self.acting * self.k
        shut = first + np.flatnonzero(self.employment(x) < SHUT)
        x[shut] = 0.0
        moves = np.setdiff1d(np.arange(x.size), shut)
        rows = np.setdiff1d(np.arange(x.size), shut - 2 * self.n)
        for _ in range(steps):
            step = np.linalg.solve(self.jacobian(x)[np.ix_(rows, moves)], self.residual(x)[rows])
            x[moves] -= step
        return x


def published_world() -> eh.Economy:
    """Return the paper's world under free entry."""
    return eh.datasets.load("wiod2014", as_published=True, entry="free")


def certified(world: eh.Economy, country: str, tol: float = 1e-12):
    """Return the library's equilibrium of the same policy, and its unknowns as the solvers here pose them."""
    eq = eh.counterfactual(world, policy=eh.Policy.corrective(world, [country]), tol=tol)
    # under free entry an industry's wage bill is its sales: sales over the wage change are employment
    h = eq.sales / np.where(world.sales > 0, world.sales, 1.0) / eq.wage_hat[:, None]
    return eq, np.concatenate([eq.wage_hat, eq.expenditure_hat, h.ravel()])


def belgium() -> None:
    """Print the certified equilibrium, where two solvers stop, and a root with the industries shut."""
    world = published_world()
    model = Dollars(world, "BEL")
    eq, exact = certified(world, "BEL")
    points = {"certified": exact}
    for name, solve in (("hybr", model.hybrid), ("dogbox", model.dogbox)):
        found = solve()
        points[name] = found.x
        print(f"{name}: success = {found.success}: {found.message}")
    points["shut"] = model.shut_down(points["dogbox"])
    print(eq.certificate)
    print(f"sales of the world: {world.sales.sum():.1e} million USD")
    for name, x in points.items():
        largest = np.abs(model.residual(x)).max()
        shut = int((model.employment(x) < SHUT).sum())
        print(f"{name:9}  welfare {model.welfare(x):8.3f} %  largest residual {largest:.1e} million USD  "
              f"industries below {SHUT:g} of their size: {shut}")  # fmt: skip
    print(f"\n{'':42}{'employment over base year':^34}{'relative residual (log)':^34}")
    names = ("certified", "hybr", "dogbox")
    print(f"{'':42}" + "".join(f"{name:>11}" for name in names * 2))
    for k, industry in enumerate(world.industries):
        sizes = "".join(f"{model.employment(points[name])[k]:11.1e}" for name in names)
        errors = "".join(f"{model.relative(points[name])[k]:z11.1e}" for name in names)
        print(f"{industry:42}{sizes}{errors}")


def everyone() -> None:
    """Print welfare of each country acting alone: certified, and where dogbox stops."""
    world = published_world()
    rows = []
    for country in world.countries[:-1]:
        model = Dollars(world, country)
        eq, _ = certified(world, country, 1e-10)
        found = model.dogbox()
        rows.append((100.0 * (eq.welfare_hat[model.acting] - 1.0), model.welfare(found.x)))
        print(f"{country}  certified {rows[-1][0]:8.3f}  dogbox {rows[-1][1]:8.3f}  success {found.success}",
              flush=True)  # fmt: skip
    mean = np.mean(rows, axis=0)
    print(f"mean certified {mean[0]:8.3f}  dogbox {mean[1]:8.3f}")
    near = int((np.abs(np.diff(rows)) < 0.01).sum())
    print(f"dogbox within 0.01 points of the certified value: {near} of {len(rows)}")


if __name__ == "__main__":
    everyone() if "--all" in sys.argv[1:] else belgium()
