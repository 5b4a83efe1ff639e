"""The cut-off equilibrium in numba: pivot passes instead of a sort, closed forms, one root at most.

Same functions as `ref`. Cost: about three passes over the industries, one when the first pivot decides.
"""

import math

import numpy as np
from numba import njit

_OPTIONS = {"cache": True, "nogil": True, "error_model": "numpy"}


@njit(**_OPTIONS)
def _vertical(s_home, s_foreign, n_home, n_foreign, labour, sigma):
    """Return ln omega when every traded good has one producer; `labour` is L / L*."""
    v = (math.log(s_home / s_foreign) - math.log(labour)) / sigma
    if n_home == 0.0 and n_foreign == 0.0:
        return v
    for _ in range(60):  # Newton on an increasing function whose slope lies in [sigma, 2 sigma - 1]
        u = math.exp((1.0 - sigma) * v)
        price = u * (s_home + n_home) + s_foreign
        price_foreign = u * s_home + s_foreign + n_foreign
        excess = sigma * v + math.log(labour) - math.log(s_home / s_foreign) - math.log(price / price_foreign)
        slope = sigma + (sigma - 1.0) * (u * (s_home + n_home) / price - u * s_home / price_foreign)
        step = excess / slope
        v -= step
        if abs(step) <= 1e-15 * (1.0 + abs(v)):
            break
    return v


@njit(**_OPTIONS)
def trade(log_technology, tradable, labour, sigma):
    n = log_technology.shape[1]
    share, abroad = (
        np.full(n, np.nan),
        np.full(n, np.nan),
    )  # one less the other would lose a small country's digits
    employment = np.empty((2, n))
    summary = np.full(3, np.nan)
    power = sigma - 1.0
    shift_home, shift_foreign = log_technology[0].max(), log_technology[1].max()
    a, b, ratio = np.empty(n), np.empty(n), np.empty(n)
    open_goods = np.empty(n, np.int64)
    count = 0
    n_home = n_foreign = 0.0
    for i in range(n):
        home, foreign = log_technology[0, i] - shift_home, log_technology[1, i] - shift_foreign
        a[i], b[i], ratio[i] = math.exp(power * home), math.exp(power * foreign), home - foreign
        if tradable[i]:
            open_goods[count] = i
            count += 1
        else:
            n_home += a[i]
            n_foreign += b[i]
    if count == 0:
        for i in range(n):
            employment[0, i] = labour[0] * a[i] / n_home
            employment[1, i] = labour[1] * b[i] / n_foreign
        summary[1] = math.log(labour[0]) + shift_home + math.log(n_home) / power
        summary[2] = math.log(labour[1]) + shift_foreign + math.log(n_foreign) / power
        return share, employment, summary

    relative = labour[0] / labour[1] * math.exp(shift_home - shift_foreign)
    s_home = s_foreign = 0.0
    v = np.nan
    horizontal = False
    while count > 0:  # goods whose place is still open; the pivot decides all on one side of it
        first, middle, last = (
            ratio[open_goods[0]],
            ratio[open_goods[count // 2]],
            ratio[open_goods[count - 1]],
        )
        pivot = max(min(first, middle), min(max(first, middle), last))
        above = below = tied_home = tied_foreign = 0.0
        for c in range(count):
            i = open_goods[c]
            if ratio[i] > pivot:
                above += a[i]
            elif ratio[i] < pivot:
                below += b[i]
            else:
                tied_home += a[i]
                tied_foreign += b[i]
        u = math.exp(-power * pivot)
        price = u * (s_home + above) + s_foreign + below + tied_foreign
        spending_foreign = 1.0 / (price + n_foreign)
        spending_home = math.exp(pivot) * relative / (price + u * n_home)
        needed = spending_home * (s_foreign + below + tied_foreign) - spending_foreign * u * (s_home + above)
        other = spending_foreign * (u * (s_home + above) + tied_foreign) - spending_home * (s_foreign + below)
        kept = 0
        if needed < 0.0:  # omega lies above the pivot: the tied goods and all below it are foreign
            s_foreign += below + tied_foreign
            for c in range(count):
                i = open_goods[c]
                if ratio[i] > pivot:
                    open_goods[kept] = i
                    kept += 1
                else:
                    share[i], abroad[i] = 0.0, 1.0
        elif other < 0.0:
            s_home += above + tied_home
            for c in range(count):
                i = open_goods[c]
                if ratio[i] < pivot:
                    open_goods[kept] = i
                    kept += 1
                else:
                    share[i], abroad[i] = 1.0, 0.0
        else:
            horizontal = True
            v = pivot
            for c in range(count):
                i = open_goods[c]
                if ratio[i] == pivot:
                    share[i], abroad[i] = needed / (needed + other), other / (needed + other)
                else:
                    share[i], abroad[i] = (1.0, 0.0) if ratio[i] > pivot else (0.0, 1.0)
            s_home += above
            s_foreign += below + tied_foreign  # at the marginal ratio both places supply at the same cost
        count = kept
    if not horizontal:
        v = _vertical(s_home, s_foreign, n_home, n_foreign, relative, sigma)
    u, omega = math.exp(-power * v), math.exp(v)
    price = u * s_home + s_foreign
    spending_foreign = 1.0 / (price + n_foreign)
    spending_home = omega * relative / (price + u * n_home)
    world = spending_home + spending_foreign
    unit_home = u / omega * labour[0] / relative
    for i in range(n):
        if tradable[i]:
            employment[0, i] = unit_home * world * a[i] * share[i]
            employment[1, i] = labour[1] * world * b[i] * abroad[i]
        else:
            employment[0, i] = unit_home * spending_home * a[i]
            employment[1, i] = labour[1] * spending_foreign * b[i]
    summary[0] = v + shift_home - shift_foreign
    summary[1] = v + shift_home + math.log(labour[0]) + math.log(price + u * n_home) / power
    summary[2] = shift_foreign + math.log(labour[1]) + math.log(price + n_foreign) / power
    return share, employment, summary


@njit(**_OPTIONS)
def mobile(log_technology, labour, sigma):
    n = log_technology.shape[1]
    share = np.empty(n)
    employment = np.empty((2, n))
    shift = log_technology.max()
    power = sigma - 1.0
    total = 0.0
    for i in range(n):
        home, foreign = log_technology[0, i], log_technology[1, i]
        share[i] = 1.0 if home > foreign else (0.0 if home < foreign else 0.5)
        employment[0, i] = math.exp(power * (max(home, foreign) - shift))
        total += employment[0, i]
    for i in range(n):
        amount = (labour[0] + labour[1]) * employment[0, i] / total
        employment[0, i] = amount * share[i]
        employment[1, i] = amount * (1.0 - share[i])
    summary = np.zeros(3)
    summary[1] = summary[2] = shift + math.log(total) / power
    return share, employment, summary
