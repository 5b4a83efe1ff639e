"""The cut-off equilibrium of two Ricardian countries, as its conditions are written.

Hanlon (2012), equations (4)-(12), with the lower sum of (10) starting after the marginal good. Industries
i, countries 0 (home) and 1 (foreign); w* = 1 and omega = w / w*. `log_technology` (2, n) is ln A, ln A*;
`labour` (2,) the endowments; `sigma` > 1 the elasticity of substitution.
"""

import numpy as np


def _shares_at(ratio, level, a, b, tradable, labour, sigma):
    """Return home's and foreign's share (2,) of the goods tied at `ratio` == `level`, were omega that level.

    Home's below 0 (foreign's below 0): the equilibrium omega lies above (below) the level. Each is what a
    country's labour makes beyond its other goods; they add up to 1.
    """
    omega = np.exp(level)
    tied = tradable & (ratio == level)
    cost_home, cost_foreign = omega ** (1 - sigma) * a, b  # unit costs to the power 1 - sigma
    traded = np.where(ratio > level, cost_home, cost_foreign)[tradable].sum()
    at_home, abroad = (
        cost_home[tradable & (ratio > level)].sum(),
        cost_foreign[tradable & (ratio < level)].sum(),
    )
    spending_home = omega * labour[0] / (traded + cost_home[~tradable].sum())
    spending_foreign = labour[1] / (traded + cost_foreign[~tradable].sum())
    world = spending_home + spending_foreign
    other_home = at_home * world + cost_home[~tradable].sum() * spending_home
    other_foreign = abroad * world + cost_foreign[~tradable].sum() * spending_foreign
    left = np.array([omega * labour[0] - other_home, labour[1] - other_foreign])
    return left / (cost_foreign[tied].sum() * world)


def _vertical(home, a, b, tradable, labour, sigma):
    """Return ln omega when the goods in `home` are made at home alone, the other traded goods abroad."""
    s_home, s_foreign = a[tradable & home].sum(), b[tradable & ~home].sum()
    n_home, n_foreign = a[~tradable].sum(), b[~tradable].sum()

    def excess(v):
        u = np.exp((1 - sigma) * v)
        balance = (u * (s_home + n_home) + s_foreign) / (u * s_home + s_foreign + n_foreign)
        return sigma * v - np.log(labour[1] / labour[0] * s_home / s_foreign * balance)

    low, high = -1.0, 1.0
    while excess(low) > 0:
        low *= 2
    while excess(high) < 0:
        high *= 2
    for _ in range(200):  # excess rises in v: its slope lies between sigma and 2 sigma - 1
        middle = 0.5 * (low + high)
        if excess(middle) > 0:
            high = middle
        else:
            low = middle
    return 0.5 * (low + high)


def trade(log_technology, tradable, labour, sigma):
    """Return home_share (n,), employment (2, n) and (ln omega, ln D, ln D*) of the trade equilibrium.

    `tradable` (n,) is boolean: all true is free trade, all false autarky. Tied marginal goods are split
    in the same proportion. `home_share` of a non-traded good is nan, ln omega of autarky too.
    """
    tradable = np.asarray(tradable, dtype=bool)
    shift = log_technology.max(axis=1)  # measure each country's labour in units of its best technology
    x = log_technology - shift[:, None]
    efficient = labour * np.exp(shift - shift[1])
    a, b = np.exp((sigma - 1) * x[0]), np.exp((sigma - 1) * x[1])  # (6), (7)
    ratio = x[0] - x[1]
    share = np.full((2, ratio.size), np.nan)
    if not tradable.any():
        employment = np.stack([labour[0] * a / a.sum(), labour[1] * b / b.sum()])  # (8)
        index = np.log(np.array([a.sum(), b.sum()])) / (sigma - 1)
        return share[0], employment, np.array([np.nan, *(np.log(labour) + shift + index)])
    levels = np.unique(ratio[tradable])[::-1]
    fractions = np.array([_shares_at(ratio, level, a, b, tradable, efficient, sigma) for level in levels])
    inside = np.flatnonzero((fractions >= 0).all(axis=1))
    if inside.size:  # horizontal: omega equals the marginal ratio
        v = levels[inside[0]]
        tied = fractions[inside[0]][:, None]
        share = np.where(ratio > v, [[1.0], [0.0]], np.where(ratio < v, [[0.0], [1.0]], tied))
    else:  # vertical: between the last ratio wholly at home and the first one abroad
        home = ratio >= levels[np.flatnonzero(fractions[:, 1] < 0)[-1]]
        v = _vertical(home, a, b, tradable, efficient, sigma)
        share = np.where(home, [[1.0], [0.0]], [[0.0], [1.0]])
    share = np.where(tradable, share, np.nan)
    cost = np.stack([np.exp((1 - sigma) * v) * a, b])
    traded = np.where(share[1] == 0, cost[0], cost[1])
    bought = np.where(tradable, traded, cost)  # (2): what each country pays for each good, to 1 - sigma
    price = bought.sum(axis=1)
    income = np.array([np.exp(v), 1.0]) * efficient
    spending = income / price  # D P^sigma in (4)
    made = np.where(tradable, share * traded * spending.sum(), cost * spending[:, None])
    employment = made / np.array([np.exp(v), 1.0])[:, None] * (labour / efficient)[:, None]  # (7), (12)
    consumption = np.log(income) + np.log(price) / (sigma - 1) + shift[1] + np.log(labour[1] / efficient[1])
    return share[0], employment, np.array([v + shift[0] - shift[1], *consumption])


def mobile(log_technology, labour, sigma):
    """Return home_share, employment and (0, ln d, ln d) when labour moves freely between the places.

    omega = 1: a good is made where its technology is better, an exact tie half in each place; a place's
    population is the sum of its own employment, d consumption per head, the same in both.
    """
    shift = log_technology.max()
    best = np.exp((sigma - 1) * (log_technology.max(axis=0) - shift))
    share = 0.5 * (1 + np.sign(log_technology[0] - log_technology[1]))
    employment = labour.sum() * best / best.sum() * np.stack([share, 1 - share])
    per_head = shift + np.log(best.sum()) / (sigma - 1)
    return share, employment, np.array([0.0, per_head, per_head])
