"""What the compiled solve is measured against: the fixed-point loop as people write it, and tuned.

Both iterate on wages and employment until the largest relative residual is below the tolerance. *Plain*
rebuilds trade shares with a three-dimensional power and einsum in every iteration; *tuned* computes the
trade weights once and uses batched matrix products. The damping is searched for, per problem, and the best
one is used: steps `wage` for wages and `share` for employment shares, both in logs.
"""

from __future__ import annotations

import itertools

import numpy as np

WAGE_STEPS = (0.05, 0.1, 0.15, 0.2, 0.3, 0.5)
SHARE_STEPS = (0.3, 0.6, 1.0)


def plain_sales(system, trade_shares, trade_cost, log_sales_hat):
    """Sales that demand implies [industry, country], from [origin, destination, industry] arrays."""
    epsilon, alpha = system.trade_elasticity, system.feedback
    sales = system.sales.T * np.exp(log_sales_hat.T)
    wage = sales.sum(axis=1) / system.labour_income
    share = np.exp(log_sales_hat.T) / wage[:, None]
    power = trade_shares * (trade_cost * wage[:, None, None]) ** -epsilon
    power = power * (share**alpha * np.exp(system.shift.T))[:, None, :]
    new_shares = power / power.sum(axis=0)
    spending = sales.sum(axis=1) + system.deficits * sales.sum() / system.labour_income.sum()
    return np.einsum("ink,nk,n->ki", new_shares, system.spending_shares.T, spending)


def tuned_sales(system, weights, log_sales_hat):
    """The same with weights [industry, origin, destination] computed beforehand and batched products."""
    sales = system.sales * np.exp(log_sales_hat)
    income = sales.sum(axis=0)
    wage_bill = np.log(income / system.labour_income)
    alpha, epsilon = system.feedback[:, None], system.trade_elasticity[:, None]
    u = np.exp(alpha * log_sales_hat - (alpha + epsilon) * wage_bill + system.shift)
    d = np.matmul(u[:, None, :], weights)[:, 0]
    spending = income + system.deficits * income.sum() / system.labour_income.sum()
    q = system.spending_shares * spending / d
    return u * np.matmul(weights, q[:, :, None])[:, :, 0]


def iterate(system, implied_sales, wage_step, share_step, tolerance=1e-10, most=4000):
    """Run the damped loop; return (log sales hat, iterations, residual), iterations = `most` if it failed."""
    r, live = np.zeros_like(system.sales), system.sales > 0
    for count in range(1, most + 1):
        implied = implied_sales(r)
        hat = np.divide(implied, system.sales, out=np.exp(r), where=live)
        target = np.log(hat)
        residual = np.abs(target - r).max()
        if residual <= tolerance:
            return r, count, residual
        if not np.isfinite(residual):
            return r, most, np.inf
        old, new = (system.sales * np.exp(r)).sum(axis=0), implied.sum(axis=0)
        wage = np.log(new / old)
        share = target - r - wage
        wage = wage_step * (wage - np.log(new.sum() / old.sum()))
        r = r + wage + share_step * share
        r = r - np.log((system.sales * np.exp(r)).sum() / system.labour_income.sum())
    return r, most, residual


def best_damping(system, weights, tolerance=1e-10, most=4000):
    """Search the grid of step sizes with the tuned loop; return (wage step, share step, iterations)."""
    best = (np.nan, np.nan, most)
    for steps in itertools.product(WAGE_STEPS, SHARE_STEPS):
        with np.errstate(all="ignore"):
            _, count, residual = iterate(
                system, lambda r: tuned_sales(system, weights, r), *steps, tolerance, best[2]
            )
        if residual <= tolerance and count < best[2]:
            best = (*steps, count)
    return best


def tuned_general(system, weights, border, point):
    """Targets of sales, prices and spending with tariffs and input-output links, by batched products."""
    sales, prices, spending = point
    alpha, epsilon = system.feedback[:, None], system.trade_elasticity[:, None]
    labour_share, inputs = system.labour_share, system.input_shares
    revenue = system.sales * np.exp(sales)
    income = (labour_share * system.cost_share * revenue).sum(axis=0)
    ln_cost = labour_share * np.log(income / system.labour_income)
    if inputs is not None:
        ln_cost = ln_cost + np.matmul(prices.T[:, None, :], inputs)[:, 0].T
    u = np.exp(alpha * sales - (alpha + epsilon) * ln_cost + system.shift)
    d = np.matmul(u[:, None, :], weights)[:, 0]
    final = system.expenditure * np.exp(spending)
    demand = system.spending_shares * final
    if inputs is not None:
        demand = demand + np.matmul(inputs, (system.cost_share * revenue).T[:, :, None])[:, :, 0].T
    q = demand / d
    received = np.matmul(border, q[:, :, None])[:, :, 0]
    target = np.log(system.markup * u * received / system.sales)
    untaxed = np.matmul(u[:, None, :], border)[:, 0] / d
    scale = income.sum() / system.labour_income.sum()
    kept = 1.0 / system.markup - (1.0 - labour_share) * system.cost_share
    earned = (kept * revenue + demand * (1.0 - untaxed)).sum(axis=0) + system.deficits * scale
    return target, -np.log(d) / epsilon, np.log(earned / system.expenditure)


def iterate_general(system, weights, border, wage_step, share_step, tolerance=1e-10, most=4000):
    """Run the damped loop on sales, prices and spending; return (log sales hat, iterations, residual)."""
    n = len(system.deficits)
    r, p, e = np.zeros_like(system.sales), np.zeros_like(system.sales), np.zeros(n)
    for count in range(1, most + 1):
        target, price, spending = tuned_general(system, weights, border, (r, p, e))
        residual = max(np.abs(target - r).max(), np.abs(price - p).max(), np.abs(spending - e).max())
        if residual <= tolerance:
            return r, count, residual
        if not np.isfinite(residual):
            return r, most, np.inf
        labour = system.labour_share * system.cost_share * system.sales
        old, new = (labour * np.exp(r)).sum(axis=0), (labour * np.exp(target)).sum(axis=0)
        wage = np.log(new / old)
        r = r + wage_step * wage + share_step * (target - r - wage)
        numeraire = np.log((labour * np.exp(r)).sum() / system.labour_income.sum())
        r, p, e = r - numeraire, price - numeraire, spending - numeraire
    return r, most, residual


def best_damping_general(system, weights, border, tolerance=1e-10, most=3000):
    """Search the grid of step sizes; return (wage step, share step, iterations)."""
    best = (np.nan, np.nan, most)
    for steps in itertools.product(WAGE_STEPS, SHARE_STEPS):
        with np.errstate(all="ignore"):
            _, count, residual = iterate_general(system, weights, border, *steps, tolerance, best[2])
        if residual <= tolerance and count < best[2]:
            best = (*steps, count)
    return best
