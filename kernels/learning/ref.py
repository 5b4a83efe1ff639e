"""Learning in two trading countries, as its conditions are written.

Hanlon (2012), equations (8)-(12): dA_i/dt = 1[L_i > 0] sum_j spillovers[j, i] L_j in each country, labour
from the static equilibrium. State: ln A (2, n). A pattern `status` (n,) says where each industry is made: 0
abroad, 1 at home, 2 in both at one unit cost (the marginal good, or goods whose tie is kept), 3 in both
because it is not traded. Several goods of status 2 are a slide: their split keeps d ln(A/A*)/dt equal.

Ties. Let goods i of a group stand at the margin together, A_i/A*_i = omega. What follows gives each good a
place, wholly home, wholly abroad or kept in both (one good at least), such that, with c = d ln omega/dt,

    kept:    d ln A_i/dt - d ln A*_i/dt = c and its home share f_i lies in [0, 1]
    home:    d ln A_i/dt >= c    (abroad it is not made, and not learned)
    abroad:  -d ln A*_i/dt <= c
    b_i summed over home's goods, plus f_i b_i over the kept ones, is home's part of the group.

Some such pattern exists: the condition with d ln A_i/dt - d ln A*_i/dt in all three lines is a variational
inequality of a continuous map on the compact set of splits, which has a solution, and it implies these. Where
there are several, the one with the fewest kept goods follows; of these, the one whose goods leave fastest (by
the slowest of them); of these, the one with the earliest industries at home. All hangs on the state alone, and
on all goods of the tie at once: pairs taken one after the other may follow each other in a circle.
"""

import itertools

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

FOREIGN, HOME, SHARED, LOCAL = 0, 1, 2, 3


def _statics(x, status, labour, sigma, mobile):
    """Return ln omega, labour per weight of traded and local goods (2, 2), home's shared part."""
    a, b = np.exp((sigma - 1) * x)
    home, foreign, shared, local = (status == kind for kind in (HOME, FOREIGN, SHARED, LOCAL))
    if mobile:
        total = a[home].sum() + b[foreign].sum() + 0.5 * (a[shared].sum() + b[shared].sum())
        return 0.0, np.full((2, 2), labour.sum() / total), np.nan
    if local.all():
        per_weight = np.array([labour[0] / a.sum(), labour[1] / b.sum()])
        return np.nan, np.stack([per_weight, per_weight]), np.nan

    def spending(v):  # D P^sigma of each country, (4), with w* = 1
        u = np.exp((1 - sigma) * v)
        common = u * a[home].sum() + b[foreign].sum() + b[shared].sum()
        incomes = labour * [np.exp(v), 1.0]
        return u, incomes / (common + np.array([u * a[local].sum(), b[local].sum()]))

    def unspent(v):  # home income less what home's unshared industries earn
        u, each = spending(v)
        return np.exp(v) * labour[0] - u * (a[home].sum() * each.sum() + a[local].sum() * each[0])

    if shared.any():
        v = np.mean((x[0] - x[1])[shared])
    else:
        width = 1.0
        while unspent(-width) * unspent(width) > 0:
            width *= 2
        v = brentq(unspent, -width, width, xtol=1e-15, rtol=1e-15)
    u, each = spending(v)
    home_weights = u / np.exp(v) * np.array([each.sum(), each[0]])
    return v, np.stack([home_weights, [each.sum(), each[1]]], axis=1), unspent(v) / each.sum()


def _place(x, status, split, per_weight, sigma):
    """Return employment (2, n) at a given split of the shared goods."""
    a, b = np.exp((sigma - 1) * x)
    weight = np.where(status == LOCAL, per_weight[1][:, None], per_weight[0][:, None])
    home = np.select([status == FOREIGN, status == SHARED], [0.0, split], 1.0)
    foreign = np.select([status == HOME, status == SHARED], [0.0, 1 - split], 1.0)
    return weight * np.stack([home * a, foreign * b])


def _learn(x, status, employment, spillovers):
    active = np.stack([status != FOREIGN, status != HOME])
    return active * (employment @ spillovers) * np.exp(-x)  # (9)


def rates(log_technology, status, spillovers, labour, sigma, mobile):
    """Return d ln A / dt (2, n), employment (2, n) and home_share (n,) of a frozen pattern.

    `spillovers` is [sender, receiver]; an industry without employment in a country does not learn there.
    """
    x, shared = log_technology, np.flatnonzero(status == SHARED)
    _, per_weight, part = _statics(x, status, labour, sigma, mobile)
    split = np.full(status.size, np.nan)
    if mobile:
        split[shared] = 0.5
    elif shared.size == 1:
        split[shared] = part / np.exp((sigma - 1) * x[1, shared])
    elif shared.size > 1:  # growth of ln(A/A*) is linear in the split: equal for all, and the parts add up

        def gap_growth(shares):
            trial = np.zeros(status.size)
            trial[shared] = shares
            growth = _learn(x, status, _place(x, status, trial, per_weight, sigma), spillovers)
            return (growth[0] - growth[1])[shared]

        none = gap_growth(np.zeros(shared.size))
        slope = np.stack([gap_growth(unit) - none for unit in np.eye(shared.size)], axis=1)
        weight = np.exp((sigma - 1) * x[1, shared])
        matrix = np.block([[slope, -np.ones((shared.size, 1))], [weight, np.zeros(1)]])
        split[shared] = np.linalg.solve(matrix, [*-none, part])[:-1]
    employment = _place(x, status, np.where(status == SHARED, split, 0.0), per_weight, sigma)
    share = np.select([status == HOME, status == FOREIGN, status == SHARED], [1.0, 0.0, split], np.nan)
    return _learn(x, status, employment, spillovers), employment, share


def _departure(x, status, group, economy):
    """How fast the unshared goods of `group` leave the tie in their own direction (-inf: they cannot)."""
    kept = group[status[group] == SHARED]
    if kept.size == 0:
        return -np.inf
    try:
        growth, _, share = rates(x, status, *economy)
    except np.linalg.LinAlgError:  # no split of these goods decides their tie
        return -np.inf
    if np.any(share[kept] < -1e-9) or np.any(share[kept] > 1 + 1e-9):
        return -np.inf
    ahead = growth[0] - growth[1] - np.mean((growth[0] - growth[1])[kept])
    return min((ahead[g] if status[g] == HOME else -ahead[g] for g in group if g not in kept), default=np.inf)


def _alternatives(status, group):
    """All patterns that differ inside `group`, fewest shared goods first, then the earliest at home."""
    for kinds in sorted(
        itertools.product((HOME, SHARED, FOREIGN), repeat=group.size), key=lambda k: k.count(SHARED)
    ):
        other = status.copy()
        other[group] = kinds
        yield other


def _continue(x, status, group, economy, least, ended=None):
    """The pattern that follows a tie of `group`, or None: not the one that `ended`, and departures slower than
    `least` do not count."""
    fastest = np.max(economy[0].sum(axis=0) * max(economy[1]) * np.exp(-x))  # an upper bound of any growth
    best, best_departure = None, -np.inf
    for other in _alternatives(status, group):
        if best is not None and np.sum(other == SHARED) > np.sum(best == SHARED):
            break
        if ended is not None and np.all(other == ended):
            continue
        departure = _departure(x, other, group, economy)
        if departure >= least and departure > best_departure + 1e-9 * fastest:
            best, best_departure = other, departure
    return best


def resolve(log_technology, status, spillovers, labour, sigma):
    """Return the pattern (n,) that follows a tie at the margin, and whether it is consistent.

    `status` marks the tied goods SHARED, however many they are, and where the other ones are made. A good that
    employs nobody in a country but for round-off is not made there.
    """
    economy = (spillovers, labour, sigma, 0)
    group, found = np.flatnonzero(status == SHARED), status.copy()
    if group.size > 1:
        found = _continue(log_technology, status, group, economy, -1e-12)
        if found is None:
            return status.copy(), False
    if np.sum(found == SHARED) == 1:  # shared to the last digit only: settled
        good = np.flatnonzero(found == SHARED)[0]
        idle = rates(log_technology, found, *economy)[1][:, good] <= 1e-12 * labour
        found[good] = FOREIGN if idle[0] else HOME if idle[1] else SHARED
    return found, True


def _slack(x, status, economy):
    """How far the pattern is from its end: gaps of the ratios, shares of a shared good, ways off a slide."""
    _, labour, sigma, mobile = economy
    v, _, part = _statics(x, status, labour, sigma, mobile)
    if mobile or np.isnan(v):
        return 1.0
    ratio, shared = x[0] - x[1], np.flatnonzero(status == SHARED)
    slack = [*(ratio - v)[status == HOME], *(v - ratio)[status == FOREIGN]]
    if shared.size == 1:
        weight = np.exp((sigma - 1) * x[1, shared[0]])
        slack += [part / weight, 1 - part / weight]
    elif shared.size > 1:
        fewer = [s for s in _alternatives(status, shared) if np.sum(s == SHARED) == shared.size - 1]
        slack.append(-max(_departure(x, other, shared, economy) for other in fewer))
    return min(slack)


def _follow(x, status, economy):
    """The pattern after a lost slack: the goods at the margin rearranged so that first-order flows agree."""
    _, labour, sigma, mobile = economy
    v, _, part = _statics(x, status, labour, sigma, mobile)
    ratio = x[0] - x[1]
    group = np.flatnonzero((status == SHARED) | ((status != LOCAL) & (np.abs(ratio - v) < 1e-9)))
    if group.size == 1:  # shared <-> one country: whichever side of the boundary the share is on
        other = status.copy()
        if status[group[0]] == SHARED:
            other[group] = HOME if part > 0.5 * np.exp((sigma - 1) * x[1, group[0]]) else FOREIGN
        else:
            other[group] = SHARED
        return other
    # a slide ends where a departure turns from negative to zero
    return _continue(x, status, group, economy, -1e-9, ended=status)


def trajectory(log_technology, status, spillovers, labour, sigma, times, tolerance):
    """Return ln A (T, 2, n) at increasing `times`, from time 0 and the pattern `status`; no migration."""
    x, now = log_technology.astype(float), 0.0
    status = resolve(x, status, spillovers, labour, sigma)[0]
    economy = (spillovers, labour, sigma, 0)
    out, done = np.empty((times.size, *x.shape)), 0
    stop = times[-1]

    def slopes(_, flat):
        return rates(flat.reshape(x.shape), status, *economy)[0].ravel()

    def slack(_, flat):
        return _slack(flat.reshape(x.shape), status, economy)

    slack.terminal, slack.direction = True, -1.0
    while done < times.size:
        part = solve_ivp(
            slopes,
            (now, stop),
            x.ravel(),
            "DOP853",
            dense_output=True,
            events=slack,
            rtol=max(0.01 * tolerance, 3e-14),
            atol=max(0.01 * tolerance, 3e-14),
            max_step=stop / 20,
            first_step=min(1e-6 * stop, stop - now),
        )
        while done < times.size and (times[done] < part.t[-1] or part.status == 0):
            out[done] = part.sol(times[done]).reshape(x.shape)
            done += 1
        x, now = part.y[:, -1].reshape(x.shape).copy(), part.t[-1]
        if part.status == 1:
            status = _follow(x, status, economy)
    return out
