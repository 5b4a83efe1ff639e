"""Targets: what growth a goal asks for, and how far the frontier is.

Example: section 5.7 of SDPI working paper 213 wants value added per manufacturing worker, 3,800 dollars, up
by 40 to 50 percent in five years and names India (6,200) and Indonesia (7,800) as benchmarks. Name the
productivity index with the number: value added per worker at fixed prices, real income and the learning
part of productivity are different things.
"""

from __future__ import annotations

import numpy as np

from ..checks import Reader


def required_growth(start, target, years, *, target_growth=0.0):
    """Return the compound rate per year that takes `start` to `target` in `years`.

    g = (target/start)^(1/years) (1 + target_growth) - 1, a fraction (0.08 is 8 percent). All arguments
    broadcast; `start` and `target` > 0 in one unit, `years` > 0. `target_growth` > -1 is the growth of a
    target that moves, such as a benchmark country. Raises `BadParameter` for values out of range, `BadInput`
    for shapes that do not broadcast.

    >>> (100 * required_growth(3800, [1.4 * 3800, 1.5 * 3800, 6200, 7800], 5)).round(2).tolist()
    [6.96, 8.45, 10.29, 15.47]
    """
    read = Reader()
    start, target = _levels(read, "start", start, "target", target)
    years = read.array("years", years, above=0.0)
    moving = read.array("target_growth", target_growth, above=-1.0, cure="a fraction per year")
    read.broadcastable(start=start, target=target, years=years, target_growth=moving)
    read.finish()
    return np.expm1(np.log(target / start) / years + np.log1p(moving))


def distance_to_frontier(level, frontier):
    """Return the log distance ln(frontier/level): zero at the frontier, negative beyond it.

    Both arguments broadcast and are > 0 in one unit. exp of minus the distance is the level as a share of the
    frontier. Raises `BadParameter` for values out of range, `BadInput` for shapes that do not broadcast.

    >>> round(float(distance_to_frontier(3800, 7800)), 4)
    0.7191
    """
    read = Reader()
    level, frontier = _levels(read, "level", level, "frontier", frontier)
    read.broadcastable(level=level, frontier=frontier)
    read.finish()
    return np.log(frontier / level)


def years_to_reach(start, target, growth, *, target_growth=0.0):
    """Return after how many years `start`, growing at `growth`, reaches `target`.

    t = ln(target/start) / ln((1 + growth)/(1 + target_growth)); zero if the target is already reached,
    infinite if it never is. All arguments broadcast; `start` and `target` > 0, the compound rates per year
    > -1. Inverse of `required_growth`. Raises `BadParameter` for values out of range, `BadInput` for
    shapes that do not broadcast.

    >>> years_to_reach(3800, [6200, 3000], 0.016).round(1).tolist()
    [30.8, 0.0]
    """
    read = Reader()
    start, target = _levels(read, "start", start, "target", target)
    growth = read.array("growth", growth, above=-1.0, cure="a fraction per year")
    moving = read.array("target_growth", target_growth, above=-1.0, cure="a fraction per year")
    read.broadcastable(start=start, target=target, growth=growth, target_growth=moving)
    read.finish()
    distance, speed = np.broadcast_arrays(np.log(target / start), np.log1p(growth) - np.log1p(moving))
    years = np.full(distance.shape, np.inf)
    np.divide(distance, speed, out=years, where=speed > 0)
    return np.where(distance <= 0, 0.0, years)


def _levels(read: Reader, name, value, other_name, other):
    return read.array(name, value, above=0.0), read.array(other_name, other, above=0.0)
