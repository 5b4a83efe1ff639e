"""Infant industries along a learning curve, and the Pigouvian subsidy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..checks import Reader, frozen
from ..read_only import ReadOnly


@dataclass(frozen=True, eq=False)
class InfantIndustry(ReadOnly):
    """The appraisal of an infant industry; arrays of the arguments' broadcast shape.

    `mill_time` is when its cost reaches the world price (infinite if never). `cost` is the present value of
    the losses before, `benefit` of the gains after, `present_value` the difference. `critical_discount_rate`
    is the rate below which it pays: infinite if it is competitive from the start, 0 if it never pays. `mill`:
    the industry stands on its own one day; `bastable`: the present value is positive.
    """

    mill_time: np.ndarray
    present_value: np.ndarray
    cost: np.ndarray
    benefit: np.ndarray
    critical_discount_rate: np.ndarray
    mill: np.ndarray
    bastable: np.ndarray


def infant_industry(initial_cost, limit_cost, learning_rate, world_price, discount_rate, output=1.0):
    """Appraise an industry whose unit cost falls along c(t) = cbar + (c0 - cbar) exp(-l t).

    c0 = `initial_cost` >= cbar = `limit_cost` > 0, l = `learning_rate` > 0, p = `world_price` > 0 and
    delta = `discount_rate` > 0 per unit of time, x = `output` > 0 per unit of time, constant for ever. Then
    the Mill time is ln((c0 - cbar)/(p - cbar))/l and the present value

        x [(p - cbar)/delta - (c0 - cbar)/(delta + l)].

    All arguments broadcast; an industry with c0 <= p needs no support (Mill time 0), one with cbar >= p never
    stands (infinite). Closed form behind the Mill and Bastable tests of section 4.4 of SDPI working paper
    213. Raises `BadParameter` for values out of range, `BadInput` for shapes that do not broadcast.

    >>> textiles = infant_industry(1.5, 0.75, 0.25, 1.0, discount_rate=0.05)
    >>> round(float(textiles.mill_time), 4), round(float(textiles.present_value), 4)
    (4.3944, 2.5)
    >>> bool(textiles.mill), bool(textiles.bastable), float(textiles.critical_discount_rate)
    (True, True, 0.125)
    """
    read = Reader()
    start = read.array("initial_cost", initial_cost, above=0.0)
    limit = read.array("limit_cost", limit_cost, above=0.0)
    learning = read.array("learning_rate", learning_rate, above=0.0)
    price = read.array("world_price", world_price, above=0.0)
    discount = read.array("discount_rate", discount_rate, above=0.0, cure="the output runs for ever")
    output = read.array("output", output, above=0.0)
    read.broadcastable(
        initial_cost=start,
        limit_cost=limit,
        learning_rate=learning,
        world_price=price,
        discount_rate=discount,
        output=output,
    )
    read.finish()
    arrays = np.broadcast_arrays(start, limit, learning, price, discount, output)
    start, limit, learning, price, discount, output = arrays
    if (start < limit).any():
        read.fault("initial_cost is below limit_cost: a learning curve falls", out_of_range=True)
        read.finish()

    margin, gap = price - limit, start - limit  # the profit of the mature industry, and what is to be learned
    stands, from_start = (margin > 0) | (start <= price), start <= price
    learns = stands & ~from_start
    mill_time = np.where(from_start, 0.0, np.inf)
    ratio = np.divide(gap, margin, out=np.ones_like(gap), where=learns)
    np.divide(np.log(ratio), learning, out=mill_time, where=learns)

    at_mill = np.exp(-discount * mill_time)  # discount factor; 0 if the date never comes
    still = np.where(stands, gap * np.exp(-learning * mill_time), 0.0)  # cost gap left at the Mill time
    benefit = output * np.where(stands, at_mill * (margin / discount - still / (discount + learning)), 0.0)
    losses = (gap - at_mill * still) / (discount + learning) - margin * (1.0 - at_mill) / discount
    cost = output * np.where(from_start, 0.0, losses)
    critical = np.where(from_start, np.inf, 0.0)
    np.divide(learning * margin, start - price, out=critical, where=learns)
    value = output * (margin / discount - gap / (discount + learning))
    fields = (mill_time, value, cost, benefit, critical, stands, value > 0)
    return InfantIndustry(*(frozen(field) for field in fields))


def pigouvian_subsidy(marginal_external_benefit, marginal_cost):
    """Return the Pigouvian subsidy: the marginal external benefit less a named marginal cost.

    `marginal_external_benefit` is a number or array (for example (N, K)); `marginal_cost` a number or array
    that broadcasts with it, or better a mapping from the name of each cost to its value, {"administration":
    0.02}, so that what is subtracted is on record; several costs add up. Both in one unit, such as a share of
    the wage bill; costs are >= 0, a benefit below 0 is a harm. A negative result calls for a tax. Section 4.4
    of SDPI working paper 213 subtracts an unnamed marginal cost; textbook Pigou is the benefit alone (pass 0),
    because private marginal cost is already in the price. With scale economies the benefit is the scale
    elasticity, per unit of the wage bill. Raises `BadParameter` for negative costs, `BadInput` for other types
    and shapes that do not broadcast.

    >>> float(pigouvian_subsidy(0.25, {"cost of public funds": 0.0625, "administration": 0.0625}))
    0.125
    """
    read = Reader()
    benefit = read.array("marginal_external_benefit", marginal_external_benefit)
    costs = marginal_cost if isinstance(marginal_cost, Mapping) else {"": marginal_cost}
    if not costs:
        read.fault("marginal_cost names no cost: pass 0 for textbook Pigou")
    named = {f"marginal_cost[{name!r}]" if name else "marginal_cost": cost for name, cost in costs.items()}
    arrays = {name: read.array(name, cost, least=0.0) for name, cost in named.items()}
    read.broadcastable(marginal_external_benefit=benefit, **arrays)
    read.finish()
    return benefit - sum(arrays.values())
