"""Schumpeterian growth: output, knowledge that diffuses between countries, growth rates, market effects.

Source: the annexure of SDPI working paper 213, equations (3) to (8). Its (4) and (5) are one equation.
Its letters alpha and R each carry two meanings, so the arguments are named. `diffusion[receiver, sender]`
throughout.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.integrate import DOP853
from scipy.optimize import brentq
from scipy.sparse.csgraph import breadth_first_order, connected_components

from ..checks import Reader, frozen
from ..errors import NotConverged
from ..read_only import ReadOnly

LAWS = ("stocks", "catch_up")
_TIE = 1e-10  # relative distance at which two roots of the diffusion matrix count as equal
_LEVEL = 1e-9  # stocks this close, relative to the largest, count as level when looking for an overtaking
_EXISTENCE = 1e-12  # a spectral radius this close to one is one in floating point


@dataclass(frozen=True, eq=False)
class LongRunGrowth(ReadOnly):
    """What diffusion alone decides in the long run; N countries.

    `rate` is the Perron root of the diffusion matrix, the growth rate of world knowledge; `country_rates`
    (N,) the rate of each country, lower where knowledge of the leading group never arrives. `shares` (N,)
    are the limit shares of world knowledge (they sum to one), `influence` (N,) says what a unit of knowledge
    in each country adds to the level of the common path: T(t) e^(-rate t) tends to
    shares * (influence @ (T(0) + efficiency * research / rate)). `unique` is False if the limit depends on
    initial knowledge and research (no group of countries learns from each other, or two separate groups
    tie); then `shares` and `influence` are nan. A single country has share one and influence nan.
    """

    rate: float
    country_rates: np.ndarray
    shares: np.ndarray
    influence: np.ndarray
    unique: bool


@dataclass(frozen=True, eq=False)
class MarketEffects(ReadOnly):
    """How trade changes the incentive to research, in logs; arrays of one broadcast shape.

    `market_size` and `escape_competition` are >= 0, `profit_reduction` <= 0; `total` is their sum and
    `research_hat` = exp(total), the factor on research effort that `knowledge_path` takes.
    """

    market_size: np.ndarray
    escape_competition: np.ndarray
    profit_reduction: np.ndarray
    total: np.ndarray
    research_hat: np.ndarray


def output(technology, labour, intermediates, quality, intermediate_share):
    """Return output Y = T L^(1-a) X^a Q^(1-a), a = `intermediate_share`.

    All arguments broadcast; `technology` T, `labour` L, `intermediates` X and `quality` Q are >= 0, a lies in
    [0, 1]. Equation (3) of the annexure of SDPI working paper 213. Raises `BadParameter` for values out of
    range, `BadInput` for shapes that do not broadcast.

    >>> float(output(technology=1.5, labour=4.0, intermediates=9.0, quality=4.0, intermediate_share=0.5))
    18.0
    """
    read = Reader()
    named = {"technology": technology, "labour": labour, "intermediates": intermediates, "quality": quality}
    values = [read.array(name, value, least=0.0) for name, value in named.items()]
    share = read.array("intermediate_share", intermediate_share, least=0.0, most=1.0)
    read.broadcastable(**dict(zip(named, values)), intermediate_share=share)
    read.finish()
    technology, labour, intermediates, quality = values
    return technology * (labour * quality) ** (1.0 - share) * intermediates**share


def quality(domestic, foreign, *, domestic_elasticity, foreign_elasticity, scale=1.0):
    """Return quality Q = scale * domestic^d * foreign^f from domestic innovation and foreign technology.

    All arguments broadcast; `domestic`, `foreign` and `scale` are > 0, the elasticities d and f >= 0.
    Equation (7) of the annexure of SDPI working paper 213 says only that Q is a function of the two; the
    log-linear form is this library's, so the elasticities have no default. Raises `BadParameter` for values
    out of range, `BadInput` for shapes that do not broadcast.

    >>> float(quality(4.0, 16.0, domestic_elasticity=0.5, foreign_elasticity=0.25))
    4.0
    """
    read = Reader()
    values = {
        "domestic": read.array("domestic", domestic, above=0.0),
        "foreign": read.array("foreign", foreign, above=0.0),
        "domestic_elasticity": read.array("domestic_elasticity", domestic_elasticity, least=0.0),
        "foreign_elasticity": read.array("foreign_elasticity", foreign_elasticity, least=0.0),
        "scale": read.array("scale", scale, above=0.0),
    }
    read.broadcastable(**values)
    read.finish()
    powers = values["domestic"] ** values["domestic_elasticity"]
    return values["scale"] * powers * values["foreign"] ** values["foreign_elasticity"]


def effective_market(domestic, access, foreign):
    """Return the effective market size L_eff = L + theta L_foreign.

    All arguments broadcast; `domestic` L > 0, `foreign` L_foreign >= 0, `access` theta in [0, 1] is the share
    of foreign markets open to exporters. Equation (6) of the annexure of SDPI working paper 213. Raises
    `BadParameter` for values out of range, `BadInput` for shapes that do not broadcast.

    >>> float(effective_market(100.0, 0.25, 400.0))
    200.0
    """
    read = Reader()
    domestic = read.array("domestic", domestic, above=0.0)
    access = read.array("access", access, least=0.0, most=1.0, cure="a share, not percent")
    foreign = read.array("foreign", foreign, least=0.0)
    read.broadcastable(domestic=domestic, access=access, foreign=foreign)
    read.finish()
    return domestic + access * foreign


def market_effects(domestic, access, foreign, competition, *, size, escape, profit_reduction):
    """Return how market size and competition change the incentive to research, term by term.

    The annexure of SDPI working paper 213 (market dynamics i and ii) states three signs and no magnitudes:
    a bigger market raises the return to research, escape from competition raises research, lower profits
    reduce it. Each channel is log-linear here, with an elasticity >= 0 that the user must give:

        ln research_hat = size * ln(L_eff / L) + (escape - profit_reduction) * competition.

    `domestic`, `access`, `foreign` as in `effective_market`; `competition` >= 0 is the rise in competition
    from foreign producers in logs. All arguments broadcast. Only escape - profit_reduction matters for the
    total: which of the two prevails is an empirical question that the annexure leaves open. Raises
    `BadParameter` for values out of range, `BadInput` for shapes that do not broadcast.

    >>> effects = market_effects(100.0, 0.25, 400.0, 0.1, size=1.0, escape=0.5, profit_reduction=0.5)
    >>> float(effects.research_hat)
    2.0
    """
    read = Reader()
    values = {
        "competition": read.array("competition", competition, least=0.0),
        "size": read.array("size", size, least=0.0),
        "escape": read.array("escape", escape, least=0.0),
        "profit_reduction": read.array("profit_reduction", profit_reduction, least=0.0),
    }
    read.finish()
    market = effective_market(domestic, access, foreign) / np.asarray(domestic, dtype=float)
    read.broadcastable(market=market, **values)
    read.finish()
    terms = np.broadcast_arrays(
        values["size"] * np.log(market),
        values["escape"] * values["competition"],
        -values["profit_reduction"] * values["competition"],
    )
    total = sum(terms)
    return MarketEffects(*(frozen(term) for term in terms), frozen(total), frozen(np.exp(total)))


def knowledge_path(initial, efficiency, research, diffusion, times, *, breaks=None, law="stocks"):
    """Return knowledge T at each date, shape (T, N), from T(0) = `initial`.

    `law` "stocks", equation (4) = (5) of the annexure of SDPI working paper 213:

        dT_n/dt = lambda_n R_n + sum_{i != n} e_ni T_i,

    linear, exact by the exponential of the matrix [[E, lambda R], [0, 0]], singular E included. `law`
    "catch_up" is an alternative that the annexure does not state: what a country lacks flows in,

        dT_n/dt = lambda_n R_n + sum_{i != n} e_ni max(T_i - T_n, 0),

    integrated numerically to a relative accuracy of 1e-9, restarting wherever one country overtakes another.

    `initial` (N,) >= 0; `efficiency` lambda, scalar or (N,), >= 0; `diffusion` e[receiver, sender], (N, N),
    or a scalar for the same rate between all pairs, >= 0 with a zero diagonal; `times` (T,) dates >= 0 in
    any order. `research` R >= 0 is scalar or (N,) when constant; when it varies, (P, N) with the P - 1
    increasing dates at which one row gives way to the next in `breaks`. Cost: one matrix exponential of
    order N + 1 per date. Raises `BadParameter` for values out of range or knowledge beyond floating point,
    `BadInput` for wrong shapes.

    >>> knowledge_path([1.0, 1.0], 1.0, [0.1, 0.0], [[0.0, 0.0], [0.5, 0.0]], [0.0, 2.0]).tolist()
    [[1.0, 1.0], [1.2, 2.1]]
    """
    read = Reader()
    initial = read.array("initial", initial, least=0.0)
    if initial.ndim != 1 or initial.size == 0:
        read.fault(f"initial has shape {initial.shape}; it must be (N,), one stock per country")
        read.finish()
    n = initial.size
    efficiency = read.array("efficiency", efficiency, shape=(n,), least=0.0)
    diffusion = _diffusion(read, diffusion, n)
    times = read.dates("times", times)
    read.choice("law", law, LAWS)
    if breaks is None:
        cure = "research that varies, (P, N), needs the dates in `breaks`"
        research = read.array("research", research, shape=(n,), least=0.0, cure=cure)[None, :]
        breaks = np.zeros(0)
    else:
        breaks = read.dates("breaks", breaks)
        if (np.diff(breaks, prepend=0.0) <= 0).any():
            read.fault("breaks must be increasing dates after 0", out_of_range=True)
        research = read.array("research", research, shape=(breaks.size + 1, n), least=0.0)
    read.finish()

    advance = _advance_stocks if law == "stocks" else _advance_catch_up
    path = np.empty((times.size, n))
    edges = np.concatenate([[0.0], breaks, [np.inf]])
    state = initial
    with np.errstate(over="ignore", invalid="ignore"):
        for start, end, effort in zip(edges[:-1], edges[1:], research):
            inside = np.flatnonzero((times >= start) & (times <= end))
            inside = inside[np.argsort(times[inside], kind="stable")]
            ends = times[inside] if np.isinf(end) else np.append(times[inside], end)
            states = advance(state, efficiency * effort, diffusion, ends - start)
            path[inside] = states[: inside.size]
            state = states[-1] if len(states) else state
    lost = ~np.isfinite(path).all(axis=1)
    if lost.any():
        problem = f"times: knowledge at date {times[lost].min():g} exceeds floating point: end earlier"
        read.fault(problem, out_of_range=True)
        read.finish()
    return path


def _advance_stocks(initial, inflow, diffusion, spans):
    n = initial.size
    unit = inflow.max() or 1.0  # keeps the norm of the augmented matrix near that of the diffusion matrix
    system = np.zeros((n + 1, n + 1))
    system[:n, :n] = diffusion
    system[:n, n] = inflow / unit
    start = np.append(initial, unit)
    return [(_exponential(span * system) @ start)[:n] for span in spans]


def _exponential(matrix):
    """Return the exponential of a nonnegative matrix, every entry to a small relative error.

    A Taylor series with squaring: no term is negative, so nothing cancels. General-purpose exponentials are
    accurate relative to the largest entry only and lose countries that fall far behind the leaders.
    """
    halvings = int(max(np.ceil(np.log2(max(matrix.sum(axis=0).max(), 1.0))), 0))
    scaled = matrix / 2.0**halvings
    term = total = np.eye(matrix.shape[0])
    order = 0
    # A chain of countries is as long as the matrix: stopping earlier would cut its end off.
    while order < len(matrix) or (term > 1e-17 * total).any():
        order += 1
        term = term @ scaled / order
        total = total + term
    for _ in range(halvings):
        total = total @ total
    return total


def _advance_catch_up(initial, inflow, diffusion, spans):
    def rate(_, stock):
        return inflow + (diffusion * np.maximum(stock[None, :] - stock[:, None], 0.0)).sum(axis=1)

    states, stock, now = [], initial, 0.0
    for span in spans:
        while now < span:
            now, stock = _to_overtaking(rate, now, stock, span)
        states.append(stock)
    return states


def _to_overtaking(rate, now, stock, end):
    """Integrate until `end` or the first date at which one country overtakes another; return date and stock.

    The rate has a kink there, which an integrator's error estimate misses. The step across it is repeated
    up to the overtaking; how exactly that is located matters to second order only.
    """
    solver = _integrator(rate, now, stock, end)
    while solver.status == "running":
        before, begin = solver.y, solver.t
        _step(solver)
        gap_before, gap_after = before[:, None] - before, solver.y[:, None] - solver.y
        overtaken = np.argwhere((gap_before > _LEVEL * solver.y.max()) & (gap_after < 0))
        if overtaken.size:
            within = solver.dense_output()
            kink = min(brentq(_gap, begin, solver.t, args=(within, i, j)) for i, j in overtaken)
            solver = _integrator(rate, begin, before, kink)
            while solver.status == "running":
                _step(solver)
    return solver.t, solver.y


def _gap(date, stock_at, i, j):
    return stock_at(date)[i] - stock_at(date)[j]


def _integrator(rate, now, stock, end):
    # Knowledge never falls, so an absolute tolerance from today's largest stock is safe.
    scale = max(stock.max(), (end - now) * rate(now, stock).max(), np.finfo(float).tiny)
    return DOP853(rate, now, stock, end, rtol=1e-12, atol=1e-14 * scale)


def _step(solver) -> None:
    message = solver.step()
    if solver.status == "failed":
        raise NotConverged(f"catch-up diffusion could not be integrated: {message}")


def spectral_radius(diffusion) -> float:
    """Return the largest root of a diffusion matrix, the number that decides whether (8) has a solution.

    `diffusion[receiver, sender]` (N, N) is >= 0 with a zero diagonal, so the root is real (Perron). For one
    rate e between all pairs it is e (N - 1). Raises `BadInput` or `BadParameter` as `knowledge_path` does.

    >>> round(spectral_radius([[0.0, 0.5], [0.125, 0.0]]), 12)
    0.25
    """
    read = Reader()
    matrix = _diffusion(read, diffusion)
    read.finish()
    return max(root for root, _ in _groups(matrix))


def long_run_growth(diffusion) -> LongRunGrowth:
    """Return the long-run growth rate of knowledge and its distribution over countries.

    Under equation (4) of the annexure of SDPI working paper 213 knowledge grows in the long run at the Perron
    root of `diffusion[receiver, sender]` (N, N), >= 0 with a zero diagonal, and its shares are the Perron
    vector: both independent of research, which moves levels only (`influence`). Countries that the leading
    group does not reach grow at the largest root among the groups that do reach them. Where no countries
    learn from each other the root is zero: growth is then polynomial, not exponential. Raises `BadInput`
    for a wrong shape, `BadParameter` for negative entries or a diagonal.

    >>> world = long_run_growth([[0.0, 0.04], [0.01, 0.0]])
    >>> round(world.rate, 12), world.shares.round(12).tolist()
    (0.02, [0.666666666667, 0.333333333333])
    """
    read = Reader()
    matrix = _diffusion(read, diffusion)
    read.finish()
    n = matrix.shape[0]
    groups = sorted(_groups(matrix), key=lambda group: -group[0])
    country_rates = np.full(n, -1.0)
    for root, members in groups:
        reached = breadth_first_order(matrix.T > 0, members[0], return_predecessors=False)
        country_rates[reached] = np.maximum(country_rates[reached], root)
    rate, leaders = groups[0]
    alone = len(groups) == 1 or groups[1][0] < rate * (1.0 - _TIE)
    unique = alone and (rate > 0 or n == 1)
    shares = influence = np.full(n, np.nan)
    if n == 1:
        shares = np.ones(1)
    elif unique:
        shares = _dominant_vector(matrix, leaders, rate)
        shares = shares / shares.sum()
        influence = _dominant_vector(matrix.T, leaders, rate)
        influence = influence / (influence @ shares)
    return LongRunGrowth(float(rate), frozen(country_rates), frozen(shares), frozen(influence), bool(unique))


def _groups(matrix):
    """Return (root, members) for every group of countries that learn from each other, however indirectly."""
    count, label = connected_components(matrix > 0, directed=True, connection="strong")
    groups = []
    for group in range(count):
        members = np.flatnonzero(label == group)
        block = matrix[np.ix_(members, members)]
        root = float(np.linalg.eigvals(block).real.max()) if members.size > 1 else 0.0
        groups.append((root, members))
    return groups


def _dominant_vector(matrix, leaders, root):
    """Return the nonnegative vector v with matrix v = root v, when only `leaders` attain the root."""
    values, vectors = np.linalg.eig(matrix[np.ix_(leaders, leaders)])
    vector = np.zeros(matrix.shape[0])
    vector[leaders] = np.abs(vectors[:, np.argmax(values.real)].real)
    reached = breadth_first_order(matrix.T > 0, leaders[0], return_predecessors=False)
    followers = np.setdiff1d(reached, leaders)
    own = root * np.eye(followers.size) - matrix[np.ix_(followers, followers)]
    vector[followers] = np.linalg.solve(own, matrix[np.ix_(followers, leaders)] @ vector[leaders])
    return vector


def growth_rates(efficiency, research, diffusion):
    """Return the equilibrium growth rates g (N,) that solve g_n = lambda_n R_n + sum_{i != n} e_ni g_i.

    Equation (8) of the annexure of SDPI working paper 213, as the system (I - E) g = lambda R. It has a
    nonnegative solution for every research effort if and only if the spectral radius of E is below one (with
    one rate e for all pairs: e < 1/(N-1)). It is a law of its own: it does not follow from (4), where
    long-run growth is the root of E whatever research is.

    `efficiency` lambda >= 0 and `research` R >= 0 are scalar or (N,); `diffusion` e[receiver, sender] is
    (N, N), or a scalar with the other two giving N; >= 0, zero diagonal. Raises `BadParameter` where no
    equilibrium exists or a value is out of range, `BadInput` for wrong shapes.

    >>> growth_rates([0.5, 0.5], [0.02, 0.04], 0.5).round(12).tolist()
    [0.026666666667, 0.033333333333]
    """
    read = Reader()
    efficiency = read.array("efficiency", efficiency, least=0.0)
    research = read.array("research", research, least=0.0)
    diffusion = read.array("diffusion", diffusion, least=0.0)
    read.finish()
    scalar = diffusion.ndim == 0
    n = max((*efficiency.shape, *research.shape, *diffusion.shape), default=1)
    efficiency = read.array("efficiency", efficiency, shape=(n,))
    research = read.array("research", research, shape=(n,))
    diffusion = _diffusion(read, diffusion, n)
    read.finish()
    radius = max(root for root, _ in _groups(diffusion))
    if radius >= 1.0 - _EXISTENCE:
        cure = f"e below 1/(N-1) = {1 / (n - 1):g}" if scalar else "weaker diffusion"
        problem = f"diffusion has spectral radius {radius:.6g}; equation (8) has an equilibrium only below 1"
        read.fault(f"{problem}: use {cure}", out_of_range=True)
        read.finish()
    return np.linalg.solve(np.eye(n) - diffusion, efficiency * research)


def _diffusion(read: Reader, diffusion, n: int | None = None) -> np.ndarray:
    """Read a diffusion matrix; `n` is the number of countries where something else says it."""
    matrix = read.array("diffusion", diffusion, least=0.0)
    if matrix.ndim == 0 and n is not None:
        return np.where(np.eye(n, dtype=bool), 0.0, matrix)
    size = n or (matrix.shape[0] if matrix.ndim else 0)
    if matrix.shape != (size, size) or size == 0:
        read.fault(f"diffusion has shape {matrix.shape}; it must be (N, N), [receiver, sender]")
        return np.zeros((size, size))
    own = np.flatnonzero(np.diagonal(matrix))
    if own.size:
        cell = f"diffusion[{own[0]}, {own[0]}]"
        problem = f"{cell} is {matrix[own[0], own[0]]:g}; it must be 0: the sum runs over other countries"
        read.fault(problem, out_of_range=True)
    return matrix
