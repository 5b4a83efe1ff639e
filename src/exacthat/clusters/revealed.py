"""A world from data: one country against another or the rest, technologies revealed by trade.

In gravity models with many industries, what n buys from i in industry k is proportional to
(z_ik / (w_i tau_ink))^theta_k. The ratio of home's to foreign's sales, averaged geometrically over the two
markets, is free of trade costs where they are symmetric between the two (tau_HF = tau_FH) and none at home:

    ln(A_k / A*_k) = [ln(X_HHk / X_FHk) + ln(X_HFk / X_FFk)] / (2 theta_k) + ln(w / w*).

The level of each industry reproduces its share in world spending under free trade: the cheaper of the two
costs is p_k with p_k^(1 - sigma) equal to that share. Labour is revenue over the wage.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse

from ..checks import number, numbers
from ..errors import BadInput, BadParameter, nearest
from .world import World


def _two_sides(flows: np.ndarray, home: int, foreign: Sequence[int]) -> np.ndarray:
    """Flows between home and the foreign countries together, (2, 2, K)."""
    sides = [np.array([home]), np.array(foreign)]
    return np.array([[flows[np.ix_(i, n)].sum(axis=(0, 1)) for n in sides] for i in sides])


def revealed_world(
    flows,
    trade_elasticity,
    spillovers,
    elasticity: float,
    *,
    home: int = 0,
    foreign: int | None = None,
    relative_wage: float = 1.0,
    floor: float | None = None,
    industries: Sequence[str] | None = None,
) -> World:
    """Return the World of one country against another, or the rest, that trade flows reveal.

    flows : (N, N, K) [origin, destination, industry], own sales on the diagonal. trade_elasticity : (K,) or
    scalar theta_k. spillovers : (K, K) [sender, receiver] in [0, 1], for instance from `spillovers_from`.
    elasticity : sigma among industries. home, foreign : numbers of the countries, foreign None for all
    others together. relative_wage : w / w* of the data, which flows alone do not reveal; it is the unit of home's
    labour, and the pattern of trade and consumption do not hang on it, but learning counts workers: home's
    growth is proportional to its inverse square. 1 counts workers of equal output. floor : flows below
    it count as it; without a floor a zero flow is an error, since it reveals no finite productivity.

    Raises BadInput naming the flows that are negative, missing or zero.

    >>> import numpy as np
    >>> from exacthat import clusters
    >>> flows = np.array([[[8.0, 2.0], [2.0, 0.5]], [[0.5, 2.0], [2.0, 8.0]]])
    >>> world = clusters.revealed_world(flows, 4.0, np.zeros((2, 2)), elasticity=2.0)
    >>> (world.technology[0] / world.technology[1]).round(4).tolist()
    [1.4142, 0.7071]
    """
    flows = numbers(flows, "flows")
    if flows.ndim != 3 or flows.shape[0] != flows.shape[1] or flows.shape[0] < 2:
        raise BadInput(f"flows have shape {flows.shape}; they must be (N, N, K) with two countries or more")
    count, _, k = flows.shape
    chosen = [country for country in (home, foreign) if country is not None]
    integers = all(isinstance(at, (int, np.integer)) and not isinstance(at, bool) for at in chosen)
    if (
        not chosen
        or not integers
        or home is None
        or min(chosen) < 0
        or max(chosen) >= count
        or home == foreign
    ):
        raise BadInput(f"home {home} and foreign {foreign} must be two of the countries 0 to {count - 1}")
    bad = np.argwhere(~((flows >= 0) & np.isfinite(flows)))
    if bad.size:
        raise BadInput(
            [f"flows{cell.tolist()} is {flows[tuple(cell)]}; flows are finite, not negative" for cell in bad]
        )
    theta = numbers(trade_elasticity, "trade_elasticity")
    if theta.shape not in {(), (k,)} or not np.all((theta > 0) & (theta < np.inf)):
        raise BadParameter(
            f"trade_elasticity must be one positive number or ({k},) of them, one for each industry of the flows; "
            f"its shape is {theta.shape}"
        )
    elasticity = number(elasticity, "elasticity", 1.0, np.finfo(float).max)
    relative_wage = number(relative_wage, "relative_wage", 0.0, np.finfo(float).max)
    if industries is not None and (
        isinstance(industries, str) or not hasattr(industries, "__len__") or len(industries) != k
    ):
        raise BadInput(f"industries is {industries!r}; it must be a list of {k} labels")
    others = [foreign] if foreign is not None else [at for at in range(count) if at != home]
    sides = _two_sides(flows, home, others)
    if floor is not None:
        sides = np.maximum(sides, number(floor, "floor", 0.0, np.finfo(float).max))
    zero = np.argwhere(sides == 0)
    if zero.size:
        names, labels = ("home", "foreign"), range(k) if industries is None else industries
        raise BadInput(
            [
                f"no sales from {names[i]} to {names[n]} in industry {labels[g]}: they reveal no "
                "productivity; aggregate the industry, or give a floor"
                for i, n, g in zero
            ]
        )
    logs = np.log(sides)
    ratio = (logs[0, 0] - logs[1, 0] + logs[0, 1] - logs[1, 1]) / (2 * theta) + np.log(relative_wage)
    spending = sides.sum(axis=(0, 1)) / sides.sum()
    cheapest = -np.log(spending) / (elasticity - 1)  # ln p, w* = 1: also min(ln w - ln A, -ln A*)
    abroad = -cheapest - np.maximum(ratio - np.log(relative_wage), 0.0)
    revenue = sides.sum(axis=(1, 2))
    labour = revenue / np.array([relative_wage, 1.0]) / revenue.sum()
    return World(np.exp([abroad + ratio, abroad]), spillovers, elasticity, labour, industries=industries)


def world_of(
    economy,
    home: str,
    spillovers,
    elasticity: float,
    *,
    foreign: str | None = None,
    relative_wage: float = 1.0,
    floor: float | None = None,
) -> World:
    """Return `revealed_world` of an Economy, countries by name, industries labelled.

    economy : anything with `flows` [origin, destination, industry], `countries`, `industries` and
    `trade_elasticity`. Ask `diagnose` whether opening now would destroy a cluster of this country.
    """
    lacking = [
        field
        for field in ("flows", "countries", "industries", "trade_elasticity")
        if not hasattr(economy, field)
    ]
    if lacking:
        raise BadInput(f"world_of takes an Economy; {type(economy).__name__} has no {', '.join(lacking)}")
    names = [str(country) for country in economy.countries]
    unknown = [name for name in (home, foreign) if name is not None and name not in names]
    if unknown:
        raise BadInput([f"country {name!r} is not in this economy{nearest(name, names)}" for name in unknown])
    return revealed_world(
        economy.flows,
        economy.trade_elasticity,
        spillovers,
        elasticity,
        home=names.index(home),
        foreign=None if foreign is None else names.index(foreign),
        relative_wage=relative_wage,
        floor=floor,
        industries=tuple(str(name) for name in economy.industries),
    )


def spillovers_from(links, *, own: float | None = None, strength: float = 1.0) -> np.ndarray:
    """Return spillovers (n, n) in [0, 1] from an input-output or proximity matrix.

    links : (n, n) non-negative, dense or sparse, [sender, receiver] (in an input-output table [supplier, user],
    if learning runs with the goods). Scaled to a largest entry `strength`; `own`, if given, replaces the diagonal.

    >>> from exacthat import clusters
    >>> clusters.spillovers_from([[4.0, 2.0], [0.0, 1.0]], own=0.5, strength=0.2).tolist()
    [[0.5, 0.1], [0.0, 0.5]]
    """
    links = numbers(links.toarray() if scipy.sparse.issparse(links) else links, "links")
    strength = number(strength, "strength", 0.0, 1.0)
    if own is not None and own != 0:
        own = number(own, "own", 0.0, 1.0)
    problems = []
    if links.ndim != 2 or links.shape[0] != links.shape[1]:
        problems.append(f"links have shape {links.shape}; they must be (n, n)")
    elif not (np.all(links >= 0) and np.isfinite(links).all()) or not links.any():
        problems.append("links must be finite, not negative, and not all zero")
    if problems:
        raise BadInput(problems)
    out = strength * links / links.max()
    if own is not None:
        np.fill_diagonal(out, own)
    return out
