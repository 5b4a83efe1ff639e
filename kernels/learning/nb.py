"""Learning in two trading countries, compiled: frozen patterns, located events, sliding along ties.

Same functions as `ref`, and `integrate`/`evaluate`, which record and replay a path. Industries stand in the
order home-only, shared, non-traded, foreign-only, so every loop runs over a contiguous range and each row
of the spillovers is read only where its country is active. Industry numbers return on the way out.

Patterns give each industry a status: FOREIGN 0, HOME 1, SHARED 2 (marginal, or tied on a slide), LOCAL 3
(non-traded). A pattern holds while its slack is positive; the integrator takes a step with the pattern
frozen, looks for the first time the slack is lost, and moves on from there with the pattern that follows.

Contents, in this order; each part calls those before it.

    pattern     _assemble _swap _share _settle _copy _record_status _record_state
    statics     _balance _employ: the equilibrium of a frozen pattern
    learning    _received _receive _receive_sparse _spillover _flows: spillovers times labour
    growth      _solve _candidate _split _allocate _grow: the split of shared goods, and d ln A / dt
    ties        _pace _choose _leave _fill _repair _choose_many _project _gather _resolve _begin _break_tie
    steps       _combine _step _interpolant _inside _velocity: one Runge-Kutta step and its dense output
    slacks      _slide_slacks _slack _margins _certain _suspect _bracket _locate: where a pattern ends
    conditions  _missing _produces _misses _meets: where an `until` condition first holds
    paths       _apply _longer integrate _adopt evaluate
    entry       rates resolve trajectory

It is one file because numba's cache stamps the file of the cached function only: an edit to a function that it
calls in another file would leave the old machine code in use.
"""

import math
from collections import namedtuple

import numpy as np
from numba import njit

from .tableau import FINE, QUICK

_OPTIONS = {"cache": True, "nogil": True, "error_model": "numpy"}
_DOT = {**_OPTIONS, "fastmath": {"reassoc", "contract"}}

FOREIGN, HOME, SHARED, LOCAL = 0, 1, 2, 3
# what an event does to its industries
BECOMES_SHARED, BECOMES_HOME, BECOMES_FOREIGN, CROSSING, SLIDE, SLIDE_END, TIE_BROKEN = 1, 2, 3, 4, 5, 6, 7
REACHED, MET, EXHAUSTED, STUCK, LOST = 0, 1, 2, 3, 4  # how an integration ends
_JOINS_HOME, _JOINS_FOREIGN, _EMPTY, _FULL, _OUTWARD = 1, 2, 3, 4, 5  # which slack is lost
_ROUND_OFF = 5e-14  # a slack is lost below minus this: its own rounding error stays above
_TIED = 2e-13  # goods whose log ratios differ by no more are tied: their paths differ by round-off only
_SHARE_ERROR = 1e-6  # a share lies in [0, 1] up to this; what counts is its labour, to _ROUND_OFF
_NOBODY = 1e-12  # of a country's labour: round-off
_SAFETY = 0.1  # local error per step, in units of the tolerance
_SLIDING = 3.0  # how much tighter a slide is followed: its shares, and where it ends, magnify errors of ln A
LARGEST_TIE = 12  # industries whose tie is resolved by trying every assignment: half a million

# rows: spillovers[receiver, sender] in position order, empty if sparse; pointer, senders, values: the same by
# industry number (CSR); parameters: sigma, L, L*; cut: end of home-only, shared goods, end of non-traded,
# 1 if mobile; ids: industry at each position; weights: a and b; labour: by position; labour_of: by industry,
# sparse only; split: each country's share of the shared goods; level: see _balance
_Economy = namedtuple(
    "_Economy",
    "rows pointer senders values parameters cut ids weights labour labour_of split level",
)


@njit(**_OPTIONS)
def _assemble(status, spillovers, pointer, senders, values, labour, sigma, mobile):
    n = status.size
    ids = np.empty(n, np.int64)
    cut = np.zeros(4, np.int64)
    place = 0
    for wanted in (HOME, SHARED, LOCAL, FOREIGN):
        for i in range(n):
            if status[i] == wanted:
                ids[place] = i
                place += 1
        if wanted == HOME:
            cut[0] = place
        elif wanted == SHARED:
            cut[1] = place - cut[0]
        elif wanted == LOCAL:
            cut[2] = place
    cut[3] = mobile
    size = spillovers.shape[0]
    rows = np.empty((size, size))
    for p in range(size):
        for q in range(size):
            rows[p, q] = spillovers[ids[p], ids[q]]
    labour_of = np.zeros((2, 0 if size else n))
    return _Economy(
        rows,
        pointer,
        senders,
        values,
        np.array([sigma, labour[0], labour[1]]),
        cut,
        ids,
        np.zeros((2, n)),
        np.zeros((2, n)),
        labour_of,
        np.zeros((2, n)),
        np.zeros(13),
    )


@njit(**_OPTIONS)
def _swap(x, eco, p, q):
    if p == q:
        return
    eco.ids[p], eco.ids[q] = eco.ids[q], eco.ids[p]
    for c in range(2):
        x[c, p], x[c, q] = x[c, q], x[c, p]
    n = eco.rows.shape[0]
    for j in range(n):
        eco.rows[p, j], eco.rows[q, j] = eco.rows[q, j], eco.rows[p, j]
    for i in range(n):
        eco.rows[i, p], eco.rows[i, q] = eco.rows[i, q], eco.rows[i, p]


@njit(**_OPTIONS)
def _share(x, eco, p):
    """Let the one-country industry at position p be shared."""
    cut = eco.cut
    if p < cut[0]:
        _swap(x, eco, p, cut[0] - 1)
        cut[0] -= 1
    else:
        _swap(x, eco, p, cut[2])
        _swap(x, eco, cut[2], cut[0] + cut[1])
        cut[2] += 1
    cut[1] += 1


@njit(**_OPTIONS)
def _settle(x, eco, p, home):
    """Give the shared industry at position p wholly to one country."""
    cut = eco.cut
    if home:
        _swap(x, eco, p, cut[0])
        cut[0] += 1
    else:
        _swap(x, eco, p, cut[0] + cut[1] - 1)
        _swap(x, eco, cut[0] + cut[1] - 1, cut[2] - 1)
        cut[2] -= 1
    cut[1] -= 1


@njit(**_OPTIONS)
def _copy(source, target):
    for c in range(2):
        for p in range(source.shape[1]):
            target[c, p] = source[c, p]


@njit(**_OPTIONS)
def _record_status(eco, out):
    s, k, e = eco.cut[0], eco.cut[1], eco.cut[2]
    for p in range(out.size):
        out[eco.ids[p]] = HOME if p < s else (SHARED if p < s + k else (LOCAL if p < e else FOREIGN))


@njit(**_OPTIONS)
def _record_state(x, eco, out):
    for p in range(x.shape[1]):
        out[0, eco.ids[p]], out[1, eco.ids[p]] = x[0, p], x[1, p]


@njit(**_OPTIONS)
def _balance(x, eco):
    """Solve the statics of the frozen pattern.

    level: 0 ln omega (nan in autarky, 0 if mobile), 1-2 labour per weight of traded goods at home and
    abroad, 3-4 the same of non-traded goods, 5 home's part of the shared goods' weight, 6 that weight, 7 the
    traded goods' price sum, 8-9 consumption of each country over exp of `shift`, to the power sigma - 1 (if
    mobile: per head), 10-11 that shift, 12 foreign's part of the shared goods' weight.

    Each country's part comes from its own labour market: 6 less 5 would lose the digits of a small country.
    """
    sigma, home_labour, foreign_labour = eco.parameters
    power = sigma - 1.0
    s, k, e = eco.cut[0], eco.cut[1], eco.cut[2]
    n = x.shape[1]
    weights, level = eco.weights, eco.level
    shift_home = shift_foreign = -np.inf
    for p in range(e):
        shift_home = max(shift_home, x[0, p])
    for p in range(s, n):
        shift_foreign = max(shift_foreign, x[1, p])
    if eco.cut[3]:
        shift_home = shift_foreign = max(shift_home, shift_foreign)
    s_home = s_foreign = tied_home = tied_foreign = n_home = n_foreign = 0.0
    for p in range(e):
        weights[0, p] = math.exp(power * (x[0, p] - shift_home))
    for p in range(s, n):
        weights[1, p] = math.exp(power * (x[1, p] - shift_foreign))
    for p in range(s):
        s_home += weights[0, p]
    for p in range(s, s + k):
        tied_home += weights[0, p]
        tied_foreign += weights[1, p]
    for p in range(s + k, e):
        n_home += weights[0, p]
        n_foreign += weights[1, p]
    for p in range(e, n):
        s_foreign += weights[1, p]
    level[5], level[6], level[7] = 0.0, tied_foreign, s_home + s_foreign
    if eco.cut[3]:
        total = s_home + s_foreign + 0.5 * (tied_home + tied_foreign)
        level[0] = 0.0
        level[1] = level[2] = (home_labour + foreign_labour) / total
        level[8] = level[9] = total
        level[10] = level[11] = shift_home
        return
    if k == 0 and s == 0 and e == n:
        level[0] = np.nan
        level[3], level[4] = home_labour / n_home, foreign_labour / n_foreign
        level[8], level[9] = n_home, n_foreign
        level[10], level[11] = shift_home, shift_foreign
        return
    relative = home_labour / foreign_labour * math.exp(shift_home - shift_foreign)
    if k == 0:
        v = (math.log(s_home / s_foreign) - math.log(relative)) / sigma
        if e > s:
            for _ in range(60):  # Newton: the slope lies between sigma and 2 sigma - 1
                u = math.exp(-power * v)
                price = u * (s_home + n_home) + s_foreign
                price_foreign = u * s_home + s_foreign + n_foreign
                excess = sigma * v + math.log(relative * s_foreign * price_foreign / (s_home * price))
                step = excess / (sigma + power * (u * (s_home + n_home) / price - u * s_home / price_foreign))
                v -= step
                if not abs(step) > 1e-15 * (1.0 + abs(v)):
                    break
    else:
        v = 0.0
        for p in range(s, s + k):
            v += (x[0, p] - shift_home) - (x[1, p] - shift_foreign)
        v /= k
    u, omega = math.exp(-power * v), math.exp(v)
    price = u * s_home + s_foreign + tied_foreign
    spending_foreign = 1.0 / (price + n_foreign)
    spending_home = omega * relative / (price + u * n_home)
    world = spending_home + spending_foreign
    unit_home = u / omega * home_labour / relative
    level[0] = v + shift_home - shift_foreign
    level[1], level[2] = unit_home * world, foreign_labour * world
    level[3], level[4] = unit_home * spending_home, foreign_labour * spending_foreign
    level[5] = (spending_home * (s_foreign + tied_foreign) - spending_foreign * u * s_home) / world
    level[12] = (spending_foreign * (u * s_home + tied_foreign) - spending_home * s_foreign) / world
    level[7] = price
    level[8], level[9] = price + u * n_home, price + n_foreign
    level[10], level[11] = v + shift_home, shift_foreign


@njit(**_OPTIONS)
def _employ(eco):
    """Labour of all but the shared goods, which get none yet."""
    s, k, e = eco.cut[0], eco.cut[1], eco.cut[2]
    n = eco.ids.size
    labour, weights, level = eco.labour, eco.weights, eco.level
    for p in range(s):
        labour[0, p] = level[1] * weights[0, p]
    for p in range(s, s + k):
        labour[0, p] = labour[1, p] = 0.0
    for p in range(s + k, e):
        labour[0, p] = level[3] * weights[0, p]
        labour[1, p] = level[4] * weights[1, p]
    for p in range(e, n):
        labour[1, p] = level[2] * weights[1, p]
    if eco.rows.shape[0] == 0:
        for p in range(n):
            eco.labour_of[0, eco.ids[p]] = labour[0, p] if p < e else 0.0
            eco.labour_of[1, eco.ids[p]] = labour[1, p] if p >= s else 0.0


@njit(**_DOT)
def _received(eco, p, c):
    """Learning that the industry at p receives in country c."""
    total = 0.0
    if eco.rows.shape[0]:
        low = 0 if c == 0 else eco.cut[0]
        high = eco.cut[2] if c == 0 else eco.ids.size
        row, amounts = eco.rows[p, low:high], eco.labour[c, low:high]
        for q in range(amounts.size):
            total += row[q] * amounts[q]
    else:
        i = eco.ids[p]
        for q in range(eco.pointer[i], eco.pointer[i + 1]):
            total += eco.values[q] * eco.labour_of[c, eco.senders[q]]
    return total


@njit(**_DOT)
def _receive(rows, labour, out, low, high):
    """out = rows @ labour on the square range [low, high), four rows at a time to read labour once.

    Slices that start at zero let the compiler see that no index is negative, which doubles the speed.
    """
    amounts = labour[low:high]
    p = low
    while p + 4 <= high:
        r0, r1, r2, r3 = (
            rows[p, low:high],
            rows[p + 1, low:high],
            rows[p + 2, low:high],
            rows[p + 3, low:high],
        )
        t0 = t1 = t2 = t3 = 0.0
        for q in range(amounts.size):
            amount = amounts[q]
            t0 += r0[q] * amount
            t1 += r1[q] * amount
            t2 += r2[q] * amount
            t3 += r3[q] * amount
        out[p], out[p + 1], out[p + 2], out[p + 3] = t0, t1, t2, t3
        p += 4
    while p < high:
        row = rows[p, low:high]
        t0 = 0.0
        for q in range(amounts.size):
            t0 += row[q] * amounts[q]
        out[p] = t0
        p += 1


@njit(**_DOT)
def _receive_sparse(pointer, senders, values, labour, receivers, out):
    """out = what each receiver gets, from spillovers stored by receiver; unsigned places need no wrapping."""
    for p in range(receivers.size):
        i = receivers[p]
        total = 0.0
        for q in range(pointer[i], pointer[i + 1]):
            total += values[np.uint64(q)] * labour[np.uint64(senders[np.uint64(q)])]
        out[p] = total


@njit(**_OPTIONS)
def _spillover(eco, p, q):
    """Spillover from the industry at position q to the one at position p."""
    if eco.rows.shape[0]:
        return eco.rows[p, q]
    i, j = eco.ids[p], eco.ids[q]
    for place in range(eco.pointer[i], eco.pointer[i + 1]):
        if eco.senders[place] == j:
            return eco.values[place]
    return 0.0


@njit(**_OPTIONS)
def _flows(x, eco):
    """Growth of the shared goods as it depends on their split f: home[:, k] + home[:, :k] f,
    foreign[:, k] + foreign[:, :k] (1 - f)."""
    s, k = eco.cut[0], eco.cut[1]
    home, foreign = np.empty((k, k + 1)), np.empty((k, k + 1))
    for g in range(k):
        at_home, abroad = math.exp(-x[0, s + g]), math.exp(-x[1, s + g])
        home[g, k] = at_home * _received(eco, s + g, 0)
        foreign[g, k] = abroad * _received(eco, s + g, 1)
        for j in range(k):
            spillover = _spillover(eco, s + g, s + j)
            home[g, j] = at_home * spillover * eco.level[1] * eco.weights[0, s + j]
            foreign[g, j] = abroad * spillover * eco.level[2] * eco.weights[1, s + j]
    return home, foreign


@njit(**_OPTIONS)
def _solve(matrix, right):
    """Solve in place by elimination with row exchanges; False if the matrix is singular."""
    m = right.size
    for c in range(m):
        best = c
        for r in range(c + 1, m):
            if abs(matrix[r, c]) > abs(matrix[best, c]):
                best = r
        if not abs(matrix[best, c]) > 1e-300:
            return False
        if best != c:
            for j in range(m):
                matrix[c, j], matrix[best, j] = matrix[best, j], matrix[c, j]
            right[c], right[best] = right[best], right[c]
        for r in range(c + 1, m):
            factor = matrix[r, c] / matrix[c, c]
            for j in range(c, m):
                matrix[r, j] -= factor * matrix[c, j]
            right[r] -= factor * right[c]
    for c in range(m - 1, -1, -1):
        for j in range(c + 1, m):
            right[c] -= matrix[c, j] * right[j]
        right[c] /= matrix[c, c]
    return True


@njit(**_OPTIONS)
def _candidate(places, home, foreign, weight, part, f):
    """Try one continuation of a tie: places[g] 1 wholly at home, -1 wholly abroad, 0 kept in the tie.

    Fills the shares f that keep the zeros tied. Returns how fast the others leave in their own direction (the
    least of them, inf if none), and the least of f and 1 - f over the zeros: below 0 there is no such split.
    Both -inf if no split decides the tie. A good with one place only does not learn in the other.
    """
    k = places.size
    size = 1
    left = part
    for g in range(k):
        f[g] = 0.0
        if places[g] == 0:
            size += 1
        elif places[g] == 1:
            f[g] = 1.0
            left -= weight[g]
    matrix, right = np.zeros((size, size)), np.zeros(size)
    row = 0
    for g in range(k):
        if places[g] == 0:
            right[row] = foreign[g, k] - home[g, k]
            column = 0
            for j in range(k):
                if places[j] == 0:
                    matrix[row, column] = home[g, j] + foreign[g, j]
                    right[row] += foreign[g, j]
                    column += 1
                elif places[j] == 1:
                    right[row] -= home[g, j]
                else:
                    right[row] += foreign[g, j]
            matrix[row, size - 1] = -1.0
            matrix[size - 1, row] = weight[g]
            row += 1
    right[size - 1] = left
    if size == 2:
        share = left / matrix[1, 0]
        right[1] = matrix[0, 0] * share - right[0]
        right[0] = share
    elif not _solve(matrix, right):  # no split of these goods decides their tie: the even one is as good
        total = 0.0
        for g in range(k):
            total += weight[g] if places[g] == 0 else 0.0
        for g in range(k):
            f[g] = left / total if places[g] == 0 else f[g]
        return -np.inf, -np.inf
    common = right[size - 1]
    row = 0
    room = np.inf
    for g in range(k):
        if places[g] == 0:
            f[g] = right[row]
            room = min(room, min(f[g], 1.0 - f[g]))
            row += 1
    margin = np.inf
    for g in range(k):
        if places[g] == 1:
            growth = home[g, k]
            for j in range(k):
                growth += home[g, j] * f[j]
            margin = min(margin, growth - common)
        elif places[g] == -1:
            growth = foreign[g, k]
            for j in range(k):
                growth += foreign[g, j] * (1.0 - f[j])
            margin = min(margin, common + growth)
    return margin, room


@njit(**_OPTIONS)
def _split(x, eco):
    """Each country's shares that keep several shared goods tied."""
    s, k = eco.cut[0], eco.cut[1]
    home, foreign = _flows(x, eco)
    weight = eco.weights[1, s : s + k]
    _candidate(np.zeros(k, np.int64), home, foreign, weight, eco.level[5], eco.split[0])
    for g in range(k):
        eco.split[1, g] = 1.0 - eco.split[0, g]
    for c in range(2):  # each country's shares add up to its own part, to its own last digit
        made, part = 0.0, eco.level[5 if c == 0 else 12]
        for g in range(k):
            made += weight[g] * eco.split[c, g]
        for g in range(k):
            eco.split[c, g] *= part / made if made > 0.0 < part else 1.0


@njit(**_OPTIONS)
def _allocate(x, eco):
    """Labour of every industry in both countries."""
    _balance(x, eco)
    _employ(eco)
    s, k = eco.cut[0], eco.cut[1]
    if eco.cut[3]:
        for g in range(k):
            eco.split[0, g] = eco.split[1, g] = 0.5
    elif k == 1:
        eco.split[0, 0], eco.split[1, 0] = eco.level[5] / eco.level[6], eco.level[12] / eco.level[6]
    elif k > 1:
        _split(x, eco)
    for g in range(k):
        p = s + g
        eco.labour[0, p] = eco.level[1] * eco.weights[0, p] * eco.split[0, g]
        eco.labour[1, p] = eco.level[2] * eco.weights[1, p] * eco.split[1, g]
        if eco.rows.shape[0] == 0:
            eco.labour_of[0, eco.ids[p]] = eco.labour[0, p]
            eco.labour_of[1, eco.ids[p]] = eco.labour[1, p]


@njit(**_OPTIONS)
def _grow(x, eco, out):
    """d ln A / dt of the active industries, by position."""
    _allocate(x, eco)
    s, e, n = eco.cut[0], eco.cut[2], x.shape[1]
    if eco.rows.shape[0]:
        _receive(eco.rows, eco.labour[0], out[0], 0, e)
        _receive(eco.rows, eco.labour[1], out[1], s, n)
    else:
        _receive_sparse(eco.pointer, eco.senders, eco.values, eco.labour_of[0], eco.ids[:e], out[0, :e])
        _receive_sparse(eco.pointer, eco.senders, eco.values, eco.labour_of[1], eco.ids[s:], out[1, s:])
    for p in range(e):
        out[0, p] *= math.exp(-x[0, p])
    for p in range(s, n):
        out[1, p] *= math.exp(-x[1, p])


@njit(**_OPTIONS)
def _pace(home, foreign):
    """The fastest growth of a tied good: the scale against which flows count as zero."""
    pace = 0.0
    for g in range(home.shape[0]):
        pace = max(pace, max(home[g].sum(), foreign[g].sum()))
    return pace


@njit(**_OPTIONS)
def _choose(home, foreign, weight, part, stay, least):
    """Places of the goods of a tie by trying them all, the rule of `ref`: the fewest kept first, then the fastest
    departure, then the earliest industries at home.

    Departures slower than `least` do not count. Without `stay` some good must leave. Also returns whether
    the choice is consistent: up to rounding, each good is where it grows best.
    """
    k = weight.size
    places, chosen, fallback = np.zeros(k, np.int64), np.zeros(k, np.int64), np.zeros(k, np.int64)
    f = np.empty(k)
    pace = _pace(home, foreign)
    chosen_margin, fallback_margin = -np.inf, -np.inf
    for allowed in range(1, k):
        for number in range(3**k):
            code, kept = number, 0
            for g in range(k - 1, -1, -1):
                places[g] = 1 - code % 3
                code //= 3
                kept += places[g] == 0
            if kept != allowed:
                continue
            margin, room = _candidate(places, home, foreign, weight, part, f)
            if room < -_SHARE_ERROR:
                continue
            if margin >= least - 1e-12 * pace and margin > chosen_margin + 1e-9 * pace:
                chosen, chosen_margin = places.copy(), margin
            if margin > fallback_margin:
                fallback, fallback_margin = places.copy(), margin
        if chosen_margin > -np.inf:
            return chosen, True
    chosen = np.zeros(k, np.int64)
    if stay and _candidate(chosen, home, foreign, weight, part, f)[1] >= -_SHARE_ERROR:
        return chosen, True
    return fallback, fallback_margin >= -1e-6 * pace


@njit(**_OPTIONS)
def _leave(home, foreign, weight, part):
    """Places in which the good with the fastest departure leaves a slide and no other does."""
    k = weight.size
    places, f = np.zeros(k, np.int64), np.empty(k)
    best, leaver, direction = -np.inf, 0, 0
    for g in range(k):
        for place in (1, -1):
            places[g] = place
            margin, room = _candidate(places, home, foreign, weight, part, f)
            if room >= -_SHARE_ERROR and margin > best:
                best, leaver, direction = margin, g, place
        places[g] = 0
    places[leaver] = direction
    return places, best >= -1e-6 * _pace(home, foreign)


@njit(**_OPTIONS)
def _fill(home, foreign, weight, part, kept, by_flow):
    """Places with one good kept: home takes the others in turn while they fit into its part.

    Next comes the one that learns most from those already there, less what it would learn abroad; or, not
    `by_flow`, the next in the order of the industries.
    """
    k = weight.size
    lead = np.zeros(k)
    if by_flow:
        for g in range(k):
            lead[g] = home[g, k] + home[g, g] - foreign[g, k]
            for j in range(k):
                lead[g] -= foreign[g, j] if j != g else 0.0
    places, left = np.full(k, -1), part
    places[kept] = 0
    slightly = 1e-9 * _pace(home, foreign)
    for _ in range(k):
        first = -1
        for g in range(k):
            fits = places[g] == -1 and weight[g] <= left * (1.0 + 1e-12)
            if fits and (first < 0 or lead[g] > lead[first] + slightly):
                first = g
        if first < 0 or left <= 1e-12 * part:
            break
        places[first] = 1
        left -= weight[first]
        if by_flow:
            for g in range(k):
                lead[g] += home[g, first] + foreign[g, first]
    return places


@njit(**_OPTIONS)
def _repair(places, home, foreign, weight, part):
    """Make the places of a tie consistent, if that works: settle the good whose share is furthest out of
    [0, 1], take back the one that departs the wrong way, until neither is left."""
    k = weight.size
    f = np.empty(k)
    small = 1e-12 * _pace(home, foreign)
    for _ in range(8 * k):
        margin, room = _candidate(places, home, foreign, weight, part, f)
        if margin >= -small and room >= -1e-9:
            return True
        worst, place, excess = -1, 0, 1e-9
        kept, common = 0, 0.0
        for g in range(k):
            if places[g] == 0:
                kept += 1
                if max(-f[g], f[g] - 1.0) > excess:
                    worst, place, excess = g, (1 if f[g] > 1.0 else -1), max(-f[g], f[g] - 1.0)
        if worst < 0:
            excess = small
            for settled in range(2):  # the kept goods first: they say how fast the tie itself moves
                for g in range(k):
                    at_home, abroad = home[g, k], foreign[g, k]
                    for j in range(k):
                        at_home += home[g, j] * f[j]
                        abroad += foreign[g, j] * (1.0 - f[j])
                    if not settled and places[g] == 0:
                        common = at_home - abroad
                    wrong = common - at_home if places[g] == 1 else -abroad - common
                    if settled and places[g] != 0 and wrong > excess:
                        worst, place, excess = g, 0, wrong
        if worst < 0 or (place != 0 and kept == 1):
            return False
        places[worst] = place
    return False


@njit(**_OPTIONS)
def _choose_many(home, foreign, weight, part, stay):
    """Places of the goods of a tie too large to try them all, and whether they are consistent.

    One good is kept, any, and home filled with others by `_fill`; of these the fastest departure. Where none is
    consistent, the best of them is repaired, or else the tie of all. Without `stay` one good leaves and no other.
    """
    if not stay:
        return _leave(home, foreign, weight, part)
    k = weight.size
    f = np.empty(k)
    pace = _pace(home, foreign)
    best, chosen = -np.inf, np.zeros(k, np.int64)
    for by_flow in (True, False):
        for kept in range(k):
            places = _fill(home, foreign, weight, part, kept, by_flow)
            margin, room = _candidate(places, home, foreign, weight, part, f)
            if room >= -_SHARE_ERROR and margin > best + 1e-9 * pace:
                best, chosen = margin, places
    if best >= -1e-12 * pace or _repair(chosen, home, foreign, weight, part):
        return chosen, True
    chosen = np.zeros(k, np.int64)
    return chosen, _repair(chosen, home, foreign, weight, part)


@njit(**_OPTIONS)
def _project(x, eco):
    """Put the goods of a slide back on their common ratio: each step leaves it by its local error."""
    s, k = eco.cut[0], eco.cut[1]
    if k < 2 or eco.cut[3]:
        return
    mean = 0.0
    for p in range(s, s + k):
        mean += (x[0, p] - x[1, p]) / k
    for p in range(s, s + k):
        gap = 0.5 * (mean - (x[0, p] - x[1, p]))
        x[0, p] += gap
        x[1, p] -= gap


@njit(**_OPTIONS)
def _gather(x, eco, within, changed, count):
    """Share every one-country good whose log ratio is `within` reach of the margin, so that the whole tie
    stands together, in the order of the industries; lists them in `changed` and returns how many that has.

    An exact tie of more than LARGEST_TIE goods is left to its pairs."""
    _balance(x, eco)
    v, p, tied = eco.level[0], 0, eco.cut[1]
    for q in range(x.shape[1]):
        alone = q < eco.cut[0] or q >= eco.cut[2]
        tied += alone and abs(x[0, q] - x[1, q] - v) <= within
    if tied > LARGEST_TIE and within <= _TIED:
        return count
    while p < x.shape[1]:
        alone = p < eco.cut[0] or p >= eco.cut[2]
        if alone and abs(x[0, p] - x[1, p] - v) <= within:
            changed[count] = eco.ids[p]
            count += 1
            _share(x, eco, p)
            p = -1
        p += 1
    s, k = eco.cut[0], eco.cut[1]
    for g in range(s, s + k):
        first = g
        for p in range(g + 1, s + k):
            if eco.ids[p] < eco.ids[first]:
                first = p
        _swap(x, eco, g, first)
    return count


@njit(**_OPTIONS)
def _resolve(x, eco, stay, least):
    """Choose the continuation of the tie among the shared goods and apply it; False if none is consistent."""
    s, k = eco.cut[0], eco.cut[1]
    _balance(x, eco)
    _employ(eco)
    home, foreign = _flows(x, eco)
    weight = eco.weights[1, s : s + k].copy()
    if k <= LARGEST_TIE:
        chosen, consistent = _choose(home, foreign, weight, eco.level[5], stay, least)
    else:
        chosen, consistent = _choose_many(home, foreign, weight, eco.level[5], stay)
    if not consistent:
        return False
    group = eco.ids[s : s + k].copy()
    for g in range(k):
        if chosen[g] != 0:
            for p in range(eco.cut[0], eco.cut[0] + eco.cut[1]):
                if eco.ids[p] == group[g]:
                    _settle(x, eco, p, chosen[g] == 1)
                    break
    _project(x, eco)
    return True


@njit(**_OPTIONS)
def _begin(x, eco, changed):
    """Resolve the tie at the margin before the first step; lists its industries in `changed` and returns how
    many it has, -1 if nothing consistent follows it. A good shared to the last digit only is settled: whether
    it is learned there must not hang on round-off."""
    s, k, n = eco.cut[0], eco.cut[1], x.shape[1]
    if s == 0 and k == 0 and eco.cut[2] == n:
        return 0
    for g in range(k):
        changed[g] = eco.ids[s + g]
    count = _gather(x, eco, _TIED, changed, k)
    if eco.cut[1] > 1:
        _project(x, eco)
        if not _resolve(x, eco, True, 0.0):
            return -1
    if eco.cut[1] == 1:
        _allocate(x, eco)
        p = eco.cut[0]
        for c in range(2):
            if eco.labour[c, p] <= _NOBODY * eco.parameters[1 + c]:
                _settle(x, eco, p, c == 1)
                break
    return count


@njit(**_OPTIONS)
def _break_tie(x, eco, growth, gap):
    """Mobile labour: give the first tied good whose places differ (in growth, then in level) to the better.

    Returns its industry, -1 if every tie stands.
    """
    for p in range(eco.cut[0], eco.cut[0] + eco.cut[1]):
        ahead = x[0, p] - x[1, p]
        if abs(ahead) <= gap:
            ahead = growth[0, p] - growth[1, p]
            if abs(ahead) <= 1e-12 * (growth[0, p] + growth[1, p]):
                continue
        industry = eco.ids[p]
        _settle(x, eco, p, ahead > 0.0)
        return industry
    return -1


@njit(**_OPTIONS)
def _combine(x, slopes, coefficients, count, h, eco, out):
    """out = x + h sum_j coefficients[j] slopes[j] on the active industries."""
    for c in range(2):
        low, high = (0, eco.cut[2]) if c == 0 else (eco.cut[0], x.shape[1])
        target, base = out[c, low:high], x[c, low:high]
        for p in range(target.size):
            target[p] = base[p]
        for j in range(count):
            if coefficients[j] != 0.0:
                factor, slope = h * coefficients[j], slopes[j, c, low:high]
                for p in range(target.size):
                    target[p] += factor * slope[p]


@njit(**_OPTIONS)
def _step(x, h, eco, tableau, slopes, end, work):
    """One step from slopes[0]; fills `end`, the slopes, and returns the error in units of ln A."""
    stages, errors, _, shape = tableau
    last = shape[0]
    _copy(x, end)
    for i in range(1, last + 1):
        _combine(x, slopes, stages[i], i, h, eco, end)
        _grow(end, eco, slopes[i])
    first = second = 0.0
    for estimate in range(2):
        if errors[estimate, 0] == 0.0:
            continue
        for c in range(2):
            low, high = (0, eco.cut[2]) if c == 0 else (eco.cut[0], x.shape[1])
            total = work[c, low:high]
            for p in range(total.size):
                total[p] = 0.0
            for j in range(last + 1):
                if errors[estimate, j] != 0.0:
                    factor, slope = errors[estimate, j], slopes[j, c, low:high]
                    for p in range(total.size):
                        total[p] += factor * slope[p]
            largest = 0.0
            for p in range(total.size):
                if not abs(total[p]) < np.inf:
                    return np.inf
                largest = max(largest, abs(total[p]))
            if estimate == 0:
                first = max(first, largest)
            else:
                second = max(second, largest)
    if first == 0.0:
        return 0.0
    return h * first * first / math.sqrt(first * first + 0.01 * second * second)


@njit(**_OPTIONS)
def _interpolant(x, h, eco, tableau, slopes, work, powers):
    """Take the stages that the dense output needs; powers (7, 2, n) then holds its coefficients."""
    stages, _, dense, shape = tableau
    for i in range(shape[0] + 1, shape[1]):
        _copy(x, work)
        _combine(x, slopes, stages[i], i, h, eco, work)
        _grow(work, eco, slopes[i])
    for c in range(2):
        low, high = (0, eco.cut[2]) if c == 0 else (eco.cut[0], x.shape[1])
        for j in range(7):
            target = powers[j, c, low:high]
            for p in range(target.size):
                target[p] = 0.0
            for i in range(shape[1]):
                if dense[i, j] != 0.0:
                    factor, slope = h * dense[i, j], slopes[i, c, low:high]
                    for p in range(target.size):
                        target[p] += factor * slope[p]


@njit(**_OPTIONS)
def _inside(x, eco, powers, theta, out):
    """The state at the fraction theta of the step."""
    _copy(x, out)
    for c in range(2):
        low, high = (0, eco.cut[2]) if c == 0 else (eco.cut[0], x.shape[1])
        target = out[c, low:high]
        power = 1.0
        for j in range(7):
            power *= theta
            coefficient = powers[j, c, low:high]
            for p in range(target.size):
                target[p] += power * coefficient[p]


@njit(**_OPTIONS)
def _velocity(eco, powers, theta, out):
    """The slope of the dense output at the fraction theta of the step, per step."""
    for c in range(2):
        low, high = (0, eco.cut[2]) if c == 0 else (eco.cut[0], out.shape[1])
        for p in range(low, high):
            total = 0.0
            for j in range(6, -1, -1):
                total = total * theta + (j + 1) * powers[j, c, p]
            out[c, p] = total


@njit(**_OPTIONS)
def _slide_slacks(x, eco, out):
    """The 4k slacks of a slide: what is left of each good's two shares, then, for each good and either
    direction, how far it is from leaving: held back by its own flow, or by shares of the others."""
    s, k = eco.cut[0], eco.cut[1]
    _balance(x, eco)
    _employ(eco)
    home, foreign = _flows(x, eco)
    weight = eco.weights[1, s : s + k]
    places, f = np.zeros(k, np.int64), np.empty(k)
    _candidate(places, home, foreign, weight, eco.level[5], f)
    for g in range(k):
        out[2 * g] = f[g] * weight[g] / eco.level[7]
        out[2 * g + 1] = (1.0 - f[g]) * weight[g] / eco.level[7]
    for g in range(k):
        for side in range(2):
            places[g] = 1 - 2 * side
            margin, room = _candidate(places, home, foreign, weight, eco.level[5], f)
            held = max(-margin, -room)
            out[2 * k + 2 * g + side] = held if held < np.inf else 1.0
        places[g] = 0


@njit(**_OPTIONS)
def _slack(x, eco, slide):
    """How far the frozen pattern is from its end: (slack, which condition, position); fills `slide` (4k,) with the
    slacks of a slide. `eco` is left in balance at x."""
    s, k, e, n = eco.cut[0], eco.cut[1], eco.cut[2], x.shape[1]
    _balance(x, eco)
    v = eco.level[0]
    slack, which, where = np.inf, 0, 0
    for p in range(s):
        gap = x[0, p] - x[1, p] - v
        if gap < slack:
            slack, which, where = gap, _JOINS_HOME, p
    for p in range(e, n):
        gap = v - (x[0, p] - x[1, p])
        if gap < slack:
            slack, which, where = gap, _JOINS_FOREIGN, p
    if k == 1:
        home, foreign = eco.level[5] / eco.level[7], eco.level[12] / eco.level[7]
        if home < slack:
            slack, which, where = home, _EMPTY, s
        if foreign < slack:
            slack, which, where = foreign, _FULL, s
    elif k > 1:
        _slide_slacks(x, eco, slide)
        least = slide.min()
        if least < slack:
            slack, which, where = least, _OUTWARD, s
    return slack, which, where


@njit(**_OPTIONS)
def _margins(x, rate, scale, eco, margin, drift):
    """Every slack of the pattern and its slope along `scale` times `rate`, and what `_slack` returns.

    One-country industries by position, the two slacks of a single shared good at its position and at n, those
    of a slide after them, their slopes by differences; unused places hold a slack of one.
    """
    s, k, e, n = eco.cut[0], eco.cut[1], eco.cut[2], x.shape[1]
    margin[:] = 1.0
    drift[:] = 0.0
    if k > 1:
        near, apart = np.empty((2, 4 * k)), 1e-6 * scale
        for side in range(2):
            _slide_slacks(x + (apart if side else -apart) * rate, eco, near[side])
        for j in range(4 * k):
            drift[n + 1 + j] = (near[1, j] - near[0, j]) / 2e-6
    slack, which, where = _slack(x, eco, margin[n + 1 :])
    power, weights, level = eco.parameters[0] - 1.0, eco.weights, eco.level
    sums, moves = np.zeros(5), np.zeros(5)  # home, tied abroad, non-traded at home and abroad, foreign
    shift = -np.inf
    for p in range(e):
        shift = max(shift, x[0, p])
    for p in range(n):
        if p < s or s + k <= p < e:
            kind = 0 if p < s else 2
            sums[kind] += weights[0, p]
            moves[kind] += scale * power * weights[0, p] * rate[0, p]
        if p >= s:
            kind = 1 if p < s + k else (3 if p < e else 4)
            sums[kind] += weights[1, p]
            moves[kind] += scale * power * weights[1, p] * rate[1, p]
    u = math.exp(-power * (level[0] - shift + level[11]))
    at_home, abroad = level[8], level[9]
    v = 0.0
    if k == 0:
        # the slope of the balance solved by `_balance`, by the implicit function theorem
        v = moves[4] / sums[4] - moves[0] / sums[0] + (u * moves[0] + moves[4] + moves[3]) / abroad
        v -= (u * (moves[0] + moves[2]) + moves[4]) / at_home
        v /= -(eco.parameters[0] + power * (u * (sums[0] + sums[2]) / at_home - u * sums[0] / abroad))
    else:
        for p in range(s, s + k):
            v += scale * (rate[0, p] - rate[1, p]) / k
    for p in range(s):
        margin[p] = x[0, p] - x[1, p] - level[0]
        drift[p] = scale * rate[0, p] - v
    for p in range(e, n):
        margin[p] = level[0] - (x[0, p] - x[1, p])
        drift[p] = v + scale * rate[1, p]
    if k == 1:
        price = level[7]
        exports, exports_move = u * sums[0], u * moves[0] - power * v * u * sums[0]
        price_move = exports_move + moves[4] + moves[1]
        local_move = u * moves[2] - power * v * u * sums[2]
        home = eco.parameters[1] / eco.parameters[2] * math.exp(level[0]) / at_home
        foreign = 1.0 / abroad
        home_move = home * (v - (price_move + local_move) / at_home)
        foreign_move = -foreign * (price_move + moves[3]) / abroad
        top = home * (sums[4] + sums[1]) - foreign * exports
        top_move = home_move * (sums[4] + sums[1]) + home * (moves[4] + moves[1])
        top_move -= foreign_move * exports + foreign * exports_move
        bottom = (home + foreign) * price
        bottom_move = (home_move + foreign_move) * price + (home + foreign) * price_move
        margin[s], margin[n] = level[5] / price, level[12] / price
        drift[s] = (top_move - top / bottom * bottom_move) / bottom
        drift[n] = (moves[1] - level[6] / price * price_move) / price - drift[s]
    return slack, which, where


@njit(**_OPTIONS)
def _certain(width, left, left_slope, right, right_slope, error):
    """What a slack does between two dates, if its cubic errs by at most `error` midway: 1 it holds, -1 it
    falls throughout, 0 neither is sure.

    The error of a cubic through values and slopes is proportional to (theta (1 - theta))^2, so the slack
    lies in the convex hull of quartic Bernstein coefficients, the middle one moved by 8/3 of the error.
    """
    first, second = left + width * left_slope / 3.0, right - width * right_slope / 3.0
    early, late = 0.25 * (left + 3.0 * first), 0.25 * (3.0 * second + right)
    middle, move = 0.5 * (first + second), 8.0 / 3.0 * error
    if min(min(left, early), min(middle - move, min(late, right))) >= -_ROUND_OFF:
        return 1
    if left >= early and early >= middle + move and middle - move >= late and late >= right:
        return -1
    return 0


@njit(**_OPTIONS)
def _suspect(x, end, h, eco, first, last):
    """Whether the step may have lost a slack, by its two ends.

    The cubic of a slack is trusted up to a sixteenth of its departure from a straight line; on a slide the
    slacks have no cheap slopes, and the dense output is asked always. Without trade in goods, or with mobile
    labour, there is nothing to lose.
    """
    s, k, e, n = eco.cut[0], eco.cut[1], eco.cut[2], x.shape[1]
    if eco.cut[3] or (s == 0 and k == 0 and e == n):
        return False
    if k > 1:
        return True
    margin, drift = np.empty((2, n + 1)), np.empty((2, n + 1))
    if _margins(end, last, h, eco, margin[1], drift[1])[0] < -_ROUND_OFF:
        return True
    _margins(x, first, h, eco, margin[0], drift[0])
    for p in range(n + 1):
        start = max(margin[0, p], 0.0)
        move = margin[1, p] - start
        bend = abs(move - drift[0, p]) + abs(move - drift[1, p])
        if _certain(1.0, start, drift[0, p], margin[1, p], drift[1, p], bend / 16.0) != 1:
            return True
    return False


@njit(**_OPTIONS)
def _bracket(x, eco, powers, work, low, at_low, high, at_high, which, where):
    """The root of the slack between two fractions of the step: (theta, which, position)."""
    if at_low <= 0.0:
        return low, which, where
    side, slide = 0, np.empty(4 * eco.cut[1])
    for trial in range(100):
        if high - low <= 1e-16 + 1e-15 * high or at_high == 0.0:
            break
        theta = (low * at_high - high * at_low) / (at_high - at_low)  # secant, halved on the stale side
        if trial % 4 == 3 or not low < theta < high:
            theta = 0.5 * (low + high)
        _inside(x, eco, powers, theta, work)
        slack, kind, place = _slack(work, eco, slide)
        if slack > 0.0:
            low, at_low = theta, slack
            at_high *= 0.5 if side == 1 else 1.0
            side = 1
        else:
            high, at_high, which, where = theta, slack, kind, place
            at_low *= 0.5 if side == -1 else 1.0
            side = -1
    return high, which, where


@njit(**_OPTIONS)
def _locate(x, eco, powers, work):
    """First loss of slack on the interpolant: (theta, which, position), theta -1 if there is none.

    Halves the step from the left until on each part every slack holds for certain, or one falls through
    zero and no other can have been lost before; the error of a cubic is measured midway, and a half has
    a sixteenth of it (a quarter is allowed for). A first part of 2^-14 stands apart: what is lost there is
    lost at once, by a pattern that the start of the step does not bear.
    """
    n, k = x.shape[1], eco.cut[1]
    count = n + 1 + (4 * k if k > 1 else 0)
    # row 0 is the left end of the part at hand, the last row in use its right end
    rows = 40
    dates, least, kinds, places = (
        np.empty(rows),
        np.empty(rows),
        np.empty(rows, np.int64),
        np.empty(rows, np.int64),
    )
    margin, drift = np.empty((rows, count)), np.empty((rows, count))
    error = np.full((rows, count), np.inf)
    rate = np.zeros((2, n))
    dates[0], dates[1], dates[2] = 0.0, 1.0, 2.0**-14
    for row in range(3):
        _inside(x, eco, powers, dates[row], work)
        _velocity(eco, powers, dates[row], rate)
        least[row], kinds[row], places[row] = _margins(work, rate, 1.0, eco, margin[row], drift[row])
    if not least[2] >= -_ROUND_OFF:
        return _bracket(x, eco, powers, work, 0.0, least[0], dates[2], least[2], kinds[2], places[2])
    margin[0] = np.maximum(margin[0], 0.0)
    top = 2
    while top > 0:
        width = dates[top] - dates[0]
        lost = not least[top] >= -_ROUND_OFF
        settled = least[0] > 0.0 or not lost
        if settled:
            for p in range(count):
                state = _certain(
                    width, margin[0, p], drift[0, p], margin[top, p], drift[top, p], error[top, p]
                )
                if state != 1 and not (lost and state == -1 and margin[top, p] < -_ROUND_OFF):
                    settled = False
                    break
        if not settled and width > 2.0**-24 and top < rows - 1:
            middle = dates[0] + 0.5 * width
            _inside(x, eco, powers, middle, work)
            _velocity(eco, powers, middle, rate)
            new = top + 1
            dates[new] = middle
            least[new], kinds[new], places[new] = _margins(work, rate, 1.0, eco, margin[new], drift[new])
            for p in range(count):
                cubic = 0.5 * (margin[0, p] + margin[top, p]) + 0.125 * width * (drift[0, p] - drift[top, p])
                error[top, p] = error[new, p] = 0.25 * abs(margin[new, p] - cubic)
            top = new
            continue
        if lost:
            return _bracket(
                x, eco, powers, work, dates[0], least[0], dates[top], least[top], kinds[top], places[top]
            )
        dates[0], least[0] = dates[top], least[top]
        margin[0], drift[0] = margin[top], drift[top]
        top -= 1
    return -1.0, 0, 0


@njit(**_OPTIONS)
def _missing(x, rate, eco, target, side, gap, drift):
    """How far free trade is from putting one industry wholly on `side`, above 0 if it does not: (slack, its
    slope along `rate`), and the lead (n,) of every industry's log ratio over its own, with slopes."""
    n = x.shape[1]
    power = eco.parameters[0] - 1.0
    mine = 0
    while eco.ids[mine] != target:
        mine += 1
    ratio, move = x[0, mine] - x[1, mine], rate[0, mine] - rate[1, mine]
    shift_home, shift_foreign = x[0].max(), x[1].max()
    home = foreign = home_move = foreign_move = 0.0
    for p in range(n):
        gap[p], drift[p] = x[0, p] - x[1, p] - ratio, rate[0, p] - rate[1, p] - move
        if gap[p] >= (-_TIED if side == 0 else _TIED):
            weight = math.exp(power * (x[0, p] - shift_home))
            home += weight
            home_move += power * rate[0, p] * weight
        else:
            weight = math.exp(power * (x[1, p] - shift_foreign))
            foreign += weight
            foreign_move += power * rate[1, p] * weight
    if home == 0.0 or foreign == 0.0:  # one country would be left without an industry
        return np.inf, 0.0
    sigma = eco.parameters[0]
    excess = sigma * (ratio - shift_home + shift_foreign) + math.log(foreign) - math.log(home)
    excess += math.log(eco.parameters[1] / eco.parameters[2]) + shift_home - shift_foreign
    slope = sigma * move + foreign_move / foreign - home_move / home
    return (-excess, -slope) if side == 0 else (excess, slope)


@njit(**_OPTIONS)
def _produces(x, eco, wanted, side):
    """Whether free trade would put the wanted industries wholly at home (side 0) or abroad (side 1)."""
    still, gap, drift = np.zeros(x.shape), np.empty(x.shape[1]), np.empty(x.shape[1])
    missing = 0
    for target in wanted:
        missing += _missing(x, still, eco, target, side, gap, drift)[0] > 0.0
    return missing == 0


@njit(**_OPTIONS)
def _misses(x, eco, powers, low, high, wanted, side, work):
    """Whether one of the wanted industries is for certain not on `side` anywhere between two fractions of the
    step: it is so at both ends and midway, the cubic of its slack holds as in `_locate`, and no other
    industry changes places with it in the order of the ratios, where that slack jumps."""
    n, width = x.shape[1], high - low
    gap, drift, rate = np.empty((3, n)), np.empty((3, n)), np.zeros((2, n))
    slack, slope = np.empty(3), np.empty(3)
    for target in wanted:
        for row in range(3):
            _inside(x, eco, powers, low + 0.5 * row * width, work)
            _velocity(eco, powers, low + 0.5 * row * width, rate)
            slack[row], slope[row] = _missing(work, rate, eco, target, side, gap[row], drift[row])
        if not slack.min() > 0.0:
            continue
        sure = True
        for p in range(n):
            sign = 1.0 if gap[0, p] + gap[2, p] >= 0.0 else -1.0
            cubic = 0.5 * (gap[0, p] + gap[2, p]) + 0.125 * width * (drift[0, p] - drift[2, p])
            error = abs(gap[1, p] - cubic)
            left, right = sign * gap[0, p], sign * gap[2, p]
            if _certain(width, left, sign * drift[0, p], right, sign * drift[2, p], error) != 1:
                sure = False
                break
        if not sure:
            continue
        if slack.min() == np.inf:
            return True
        cubic = 0.5 * (slack[0] + slack[2]) + 0.125 * width * (slope[0] - slope[2])
        if _certain(width, slack[0], slope[0], slack[2], slope[2], abs(slack[1] - cubic)) == 1:
            return True
    return False


@njit(**_OPTIONS)
def _meets(x, eco, powers, until, wanted, side, work):
    """First fraction of the step, up to `until`, at which the condition holds; -1 if it does not.

    From the left: a part that misses the condition for certain is passed, any other one is halved.
    """
    low, width = 0.0, until
    while low < until:
        high = min(low + width, until)
        if _misses(x, eco, powers, low, high, wanted, side, work):
            low = high
            width *= 2.0
            continue
        if width > 2.0**-20 * until:
            width *= 0.5
            continue
        _inside(x, eco, powers, high, work)
        if _produces(work, eco, wanted, side):
            break
        low = high
    if low >= until:
        return -1.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        if not low < middle < high:
            break
        _inside(x, eco, powers, middle, work)
        if _produces(work, eco, wanted, side):
            high = middle
        else:
            low = middle
    return high


@njit(**_OPTIONS)
def _apply(x, eco, which, where, together, least, changed):
    """Move to the pattern that follows a lost slack; fills `changed` with the industries.

    All industries at the margin are one tie: those tied to it, and with `together` not negative also those as
    close as that. Among three or more, the pairs alone may follow each other in a circle. Returns (kind,
    number of industries), kind 0 if no pattern follows.
    """
    if which in (_EMPTY, _FULL):
        changed[0] = eco.ids[where]
        _settle(x, eco, where, which == _FULL)
        return (BECOMES_HOME if which == _FULL else BECOMES_FOREIGN), 1
    count = 0
    sliding = eco.cut[1] > 1
    if which != _OUTWARD:
        changed[0] = eco.ids[where]
        count = 1
    for p in range(eco.cut[0], eco.cut[0] + eco.cut[1]):
        changed[count] = eco.ids[p]
        count += 1
    if which != _OUTWARD:
        _share(x, eco, where)
    tied = eco.cut[1]
    count = _gather(x, eco, max(together, _TIED), changed, count)
    if eco.cut[1] == 1:  # the boundary of a shared good never holds the path: it is left at once
        return BECOMES_SHARED, 1
    _project(x, eco)
    if not _resolve(x, eco, which != _OUTWARD or eco.cut[1] > tied, least):
        return 0, count
    if eco.cut[1] > 1:
        return SLIDE, count
    return (SLIDE_END if sliding else CROSSING), count


@njit(**_OPTIONS)
def _longer(record, needed):
    """The record itself, or a copy with twice the rows once they do not suffice."""
    size = record.shape[0]
    if needed <= size:
        return record
    longer = np.empty((2 * needed, *record.shape[1:]), record.dtype)
    old, new = record.ravel(), longer.ravel()
    for j in range(old.size):
        new[j] = old[j]
    return longer


@njit(**_OPTIONS)
def integrate(
    log_technology,
    status,
    spillovers,
    pointer,
    senders,
    values,
    labour,
    sigma,
    mobile,
    start,
    stop,
    wanted,
    side,
    tolerance,
    budget,
    fine,
    quick,
):
    """Integrate one phase and record it.

    log_technology (2, n); status (n,) of the pattern at the start, of which a tie at the margin is resolved
    anew; spillovers (n, n) [receiver, sender] or
    (0, 0) with the CSR triple; wanted (m,) and side: stop when free trade would put these industries wholly
    on that side; tolerance on ln A; fine, quick: tableaux. Returns (how it ended, time, evaluations, state),
    then per step (start, size, whether quick, number of its pattern) and state, the patterns, per event
    (time, kind, its first place in the list of industries), and that list.
    """
    n = status.size
    eco = _assemble(status, spillovers, pointer, senders, values, labour, sigma, mobile)
    x = np.empty((2, n))
    for p in range(n):
        x[0, p], x[1, p] = log_technology[0, eco.ids[p]], log_technology[1, eco.ids[p]]
    slopes, powers = np.zeros((16, 2, n)), np.zeros((7, 2, n))
    end, work = np.empty((2, n)), np.empty((2, n))
    changed = np.empty(n + 1, np.int64)
    steps, states = np.empty((32, 4)), np.empty((32, 2, n))
    patterns = np.empty((8, n), np.int8)
    events, industries = np.empty((8, 3)), np.empty(16, np.int64)
    taken = adopted = happened = listed = 0

    outcome = REACHED
    t, h, spacing = start, 0.0, stop - start
    last_event, burst, last_industry, shrunk, fastest = start, 0, -1, 0, 0.0
    evaluations = 0
    fresh, new_pattern, is_quick = True, True, False
    busy, wait, patience = 0, 0, 4  # steps in a row cut by events; steps before the quick pair may try
    limit = _SAFETY * tolerance
    if wanted.size and _produces(x, eco, wanted, side):
        outcome = MET
    elif not mobile:
        count = _begin(x, eco, changed)
        if count < 0:
            outcome = STUCK
        elif eco.cut[1] > 1:
            events[0, 0], events[0, 1], events[0, 2] = t, SLIDE, 0
            happened, listed = 1, count
            industries = _longer(industries, listed)
            for g in range(count):
                industries[g] = changed[g]
    while outcome == REACHED and t < stop:
        if evaluations >= budget:
            outcome = EXHAUSTED
            break
        if fresh:
            _grow(x, eco, slopes[0])
            evaluations += 1
            fresh = False
            fastest = 0.0
            for p in range(n):
                if p < eco.cut[2]:
                    fastest = max(fastest, abs(slopes[0, 0, p]))
                if p >= eco.cut[0]:
                    fastest = max(fastest, abs(slopes[0, 1, p]))
            if mobile:
                industry = _break_tie(x, eco, slopes[0], 1e-12)
                if industry >= 0:
                    events = _longer(events, happened + 1)
                    events[happened, 0], events[happened, 1], events[happened, 2] = t, TIE_BROKEN, listed
                    happened += 1
                    industries = _longer(industries, listed + 1)
                    industries[listed] = industry
                    listed += 1
                    fresh, new_pattern = True, True
                    continue
        if h == 0.0:
            h = stop - t
            if fastest > 0.0:
                h = min(h, 0.1 * limit**0.125 / fastest)
        h = min(h, stop - t)
        tableau = quick if is_quick else fine
        error = _step(x, h, eco, tableau, slopes, end, work) / limit
        if eco.cut[1] > 1:
            error *= _SLIDING
        evaluations += tableau[3][0]
        order = 5.0 if is_quick else 8.0
        if not error <= 1.0:
            h *= max(0.2, 0.9 * error ** (-1.0 / order)) if error < np.inf else 0.2
            if is_quick:
                is_quick, wait, patience = False, patience, min(2 * patience, 256)
            if h <= 1e-15 * max(abs(t), 1e-3 * (stop - start)):
                outcome = LOST
            continue
        theta, which, where, met = -1.0, 0, 0, -1.0
        last = tableau[3][0]
        suspect = _suspect(x, end, h, eco, slopes[0], slopes[last])
        if wanted.size or suspect:
            _interpolant(x, h, eco, tableau, slopes, work, powers)
            evaluations += tableau[3][1] - 1 - last
            if suspect:
                theta, which, where = _locate(x, eco, powers, work)
            if wanted.size:
                met = _meets(x, eco, powers, theta if theta >= 0.0 else 1.0, wanted, side, work)
        share = met if met >= 0.0 else (theta if theta >= 0.0 else 1.0)
        advance = share * h
        idle = advance <= 4e-16 * (abs(t) + 1.0)
        burst = burst + 1 if theta >= 0.0 and advance * fastest <= limit else 0
        if theta >= 0.0 and met < 0.0 and idle:
            if eco.ids[where] == last_industry and shrunk < 8:  # it may leave and come back inside the step
                shrunk += 1
                h /= 64.0
                continue
        elif not idle:
            shrunk = 0
        if burst > 8 * n + 100:
            outcome = STUCK
            break
        if not idle:
            if new_pattern:
                patterns = _longer(patterns, adopted + 1)
                _record_status(eco, patterns[adopted])
                adopted += 1
                new_pattern = False
            steps, states = _longer(steps, taken + 1), _longer(states, taken + 1)
            steps[taken, 0], steps[taken, 1], steps[taken, 2], steps[taken, 3] = t, h, is_quick, adopted - 1
            _record_state(x, eco, states[taken])
            taken += 1
        grow = min(8.0, max(0.2, 0.9 * max(error, 1e-12) ** (-1.0 / order)))
        if met >= 0.0:
            _inside(x, eco, powers, met, work)
            _copy(work, x)
            t += met * h
            outcome = MET
        elif theta >= 0.0:
            if not idle:
                _inside(x, eco, powers, theta, work)
                _copy(work, x)
                t += advance
                spacing = 0.5 * (spacing + t - last_event)
                last_event = t
                busy += 1
            last_industry = eco.ids[where]
            # a burst of events too close to tell apart is one tie, and a slow departure does not end it
            together, least = -1.0, 0.0
            if burst > 0 and burst % (n + 5) == 0 and which in (_JOINS_HOME, _JOINS_FOREIGN):
                together, least = limit, 1e-6 * fastest
            kind, count = _apply(x, eco, which, where, together, least, changed)
            if kind == 0:
                outcome = STUCK
                break
            events = _longer(events, happened + 1)
            events[happened, 0], events[happened, 1], events[happened, 2] = t, kind, listed
            happened += 1
            industries = _longer(industries, listed + count)
            for g in range(count):
                industries[listed + g] = changed[g]
            listed += count
            fresh, new_pattern = True, True
            h = min(h * grow, 8.0 * spacing) if not idle else h
            if wait > 0:
                wait -= 1
            elif busy >= 3 and not is_quick:
                is_quick = True
        else:
            _copy(end, x)
            t = stop if h >= stop - t else t + h
            if is_quick:  # the step was cut by its error, not by an event: the fine pair goes further
                is_quick, wait, patience = False, patience, min(2 * patience, 256)
                fresh = True
            busy = 0
            h *= grow
            _copy(slopes[last], slopes[0])
            if eco.cut[1] > 1 and not mobile:
                _project(x, eco)
            if mobile and eco.cut[1] > 0:
                fresh = True

    final = np.empty((2, n))
    _record_state(x, eco, final)
    return (
        outcome,
        t,
        evaluations,
        final,
        steps[:taken],
        states[:taken],
        patterns[:adopted],
        events[:happened],
        industries[:listed],
    )


@njit(**_OPTIONS)
def _adopt(x, eco, status):
    """Rearrange the industries to another pattern, touching only those that change."""
    for i in range(x.shape[1]):
        p = 0
        while eco.ids[p] != i:
            p += 1
        s, k, e = eco.cut[0], eco.cut[1], eco.cut[2]
        now = HOME if p < s else (SHARED if p < s + k else (LOCAL if p < e else FOREIGN))
        if now != status[i]:
            if now != SHARED:
                _share(x, eco, p)
                p = eco.cut[0] if p < s else eco.cut[0] + eco.cut[1] - 1
            if status[i] != SHARED:
                _settle(x, eco, p, status[i] == HOME)


@njit(**_OPTIONS)
def evaluate(
    spillovers,
    pointer,
    senders,
    values,
    labour,
    sigma,
    mobile,
    record,
    states,
    patterns,
    times,
    steps,
    fine,
    quick,
):
    """Replay a recorded phase: the state and its static equilibrium at `times` in the steps `steps`.

    Returns log_technology (T, 2, n), home_share (T, n), employment (T, 2, n) and (ln omega, ln D, ln D*)
    (T, 3). Steps must not decrease. Each step is taken once more, however many times it holds.
    """
    n = states.shape[2]
    count = times.size
    technology, employment = np.empty((count, 2, n)), np.empty((count, 2, n))
    share, summary = np.full((count, n), np.nan), np.empty((count, 3))
    slopes, powers = np.zeros((16, 2, n)), np.zeros((7, 2, n))
    x, end, work = np.empty((2, n)), np.empty((2, n)), np.empty((2, n))
    eco = _assemble(patterns[0], spillovers, pointer, senders, values, labour, sigma, mobile)
    ready, pattern, taken = -1, 0, False
    for j in range(count):
        step = steps[j]
        if step != ready:
            if record[step, 3] != pattern:
                pattern = int(record[step, 3])
                _adopt(x, eco, patterns[pattern])
            for p in range(n):
                x[0, p], x[1, p] = states[step, 0, eco.ids[p]], states[step, 1, eco.ids[p]]
            ready, taken = step, False
        h = record[step, 1]
        theta = (times[j] - record[step, 0]) / h
        if theta > 0.0:
            if not taken:
                tableau = quick if record[step, 2] else fine
                _grow(x, eco, slopes[0])
                _step(x, h, eco, tableau, slopes, end, work)
                _interpolant(x, h, eco, tableau, slopes, work, powers)
                taken = True
            _inside(x, eco, powers, theta, work)
        else:
            _copy(x, work)
        _allocate(work, eco)
        s, k, e = eco.cut[0], eco.cut[1], eco.cut[2]
        population_home = population_foreign = 0.0
        for p in range(n):
            i = eco.ids[p]
            technology[j, 0, i], technology[j, 1, i] = work[0, p], work[1, p]
            employment[j, 0, i] = eco.labour[0, p] if p < e else 0.0
            employment[j, 1, i] = eco.labour[1, p] if p >= s else 0.0
            population_home += employment[j, 0, i]
            population_foreign += employment[j, 1, i]
            if p < s:
                share[j, i] = 1.0
            elif p < s + k:
                share[j, i] = eco.split[0, p - s]
            elif p >= e:
                share[j, i] = 0.0
        if not mobile:
            population_home, population_foreign = labour
        people_home = math.log(population_home) if population_home > 0.0 else -np.inf
        people_foreign = math.log(population_foreign) if population_foreign > 0.0 else -np.inf
        summary[j, 0] = eco.level[0]
        summary[j, 1] = people_home + eco.level[10] + math.log(eco.level[8]) / (sigma - 1.0)
        summary[j, 2] = people_foreign + eco.level[11] + math.log(eco.level[9]) / (sigma - 1.0)
    return technology, share, employment, summary


@njit(**_OPTIONS)
def rates(log_technology, status, spillovers, labour, sigma, mobile):
    """Return d ln A / dt (2, n), employment (2, n) and home_share (n,) of a frozen pattern.

    `spillovers` is [sender, receiver]; an industry without employment in a country does not learn there.
    """
    n = status.size
    empty, none = np.empty(0, np.int64), np.empty(0)
    receiving = np.ascontiguousarray(spillovers.T)
    eco = _assemble(status, receiving, empty, empty, none, labour, sigma, mobile)
    x, growth = np.empty((2, n)), np.zeros((2, n))
    for p in range(n):
        x[0, p], x[1, p] = log_technology[0, eco.ids[p]], log_technology[1, eco.ids[p]]
    _grow(x, eco, growth)
    share = np.full(n, np.nan)
    out, employment = np.zeros((2, n)), np.zeros((2, n))
    s, k, e = eco.cut[0], eco.cut[1], eco.cut[2]
    for p in range(n):
        i = eco.ids[p]
        if p < e:
            out[0, i], employment[0, i] = growth[0, p], eco.labour[0, p]
        if p >= s:
            out[1, i], employment[1, i] = growth[1, p], eco.labour[1, p]
        if p < s or p >= e:
            share[i] = 1.0 if p < s else 0.0
        elif p < s + k:
            share[i] = eco.split[0, p - s]
    return out, employment, share


@njit(**_OPTIONS)
def resolve(log_technology, status, spillovers, labour, sigma):
    """Return the pattern (n,) that follows a tie at the margin, and whether it is consistent.

    `status` marks the tied goods SHARED, however many they are, and where the other ones are made.
    """
    n = status.size
    empty, none = np.empty(0, np.int64), np.empty(0)
    receiving = np.ascontiguousarray(spillovers.T)
    eco = _assemble(status, receiving, empty, empty, none, labour, sigma, 0)
    x = np.empty((2, n))
    for p in range(n):
        x[0, p], x[1, p] = log_technology[0, eco.ids[p]], log_technology[1, eco.ids[p]]
    count = _begin(x, eco, np.empty(n + 1, np.int64))
    out = np.empty(n, np.int8)
    _record_status(eco, out)
    return out, count >= 0


def trajectory(log_technology, status, spillovers, labour, sigma, times, tolerance):
    """Return ln A (T, 2, n) at increasing `times`, from time 0 and the pattern `status`; no migration."""
    links = (np.ascontiguousarray(spillovers.T), np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
    nowhere = np.empty(0, np.int64)
    _, _, _, final, steps, states, patterns, _, _ = integrate(
        log_technology,
        status,
        *links,
        labour,
        sigma,
        0,
        0.0,
        times[-1],
        nowhere,
        0,
        tolerance,
        10**8,
        FINE,
        QUICK,
    )
    inside = np.searchsorted(steps[:, 0], times, side="right") - 1
    out = evaluate(*links, labour, sigma, 0, steps, states, patterns, times, inside, FINE, QUICK)[0]
    out[-1] = final
    return out
