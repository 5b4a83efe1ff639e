"""From economy and scenario to a hat system: assemble it, refuse what has no equilibrium."""

from __future__ import annotations

from functools import cached_property
from math import log
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from exacthat.checks import blocks, frozen
from exacthat.economy import Economy
from exacthat.errors import BadInput, BadParameter, NoEquilibrium
from exacthat.kernels.gravity import cy
from exacthat.kernels.gravity.system import System, pack
from exacthat.scenario import Policy, Shock, deficit_levels
from exacthat.threads import paying

ONE_MATRIX_ABOVE = 1 << 26  # bytes of flows: larger worlds do not keep shares and moved weights side by side
LARGEST_POWER = 600.0  # of e: a change of trade shares beyond it is an end or a beginning of trade
COMPONENT_DEFICIT = 1e-9  # of income: what a group of countries without outside trade may borrow


class Problem(NamedTuple):
    """A hat system and what the result needs besides."""

    system: System
    labour: np.ndarray  # Lhat (N,)
    policy: Policy  # new rates, full arrays
    shock: Shock  # checked hats in the shapes given; None where nothing changes
    unchanged: bool  # nothing differs from the base year


class _Base:
    """What the hat systems of one economy share; it keeps no reference to the economy itself."""

    def __init__(self, economy: Economy):
        epsilon, mu, sales = economy.trade_elasticity, economy.scale_elasticity, economy.sales
        self.scale = mu if economy.entry == "free" else np.zeros_like(mu)
        self.feedback = self.scale * epsilon
        self.steepest = float(epsilon.max())
        self.policy = Policy().rates(economy)
        self.settled = economy.entry != "free" or bool(
            self.feedback.max() < 1.0 and economy.roundabout.max() < 1.0
        )
        self.untaxed = economy.tariff is None and economy.export_subsidy is None
        self.spending_shares = np.ascontiguousarray(economy.expenditure_shares.T)
        self.sales = np.ascontiguousarray(sales.T)
        self.shift = np.zeros_like(self.sales)
        self.markup = np.ascontiguousarray((1.0 + economy.production_subsidy).T)
        self.cost_share = np.ascontiguousarray(np.broadcast_to(economy.cost_share[:, None], sales.T.shape))
        self.same_labour = np.ones(len(economy.countries))
        for array in vars(self).values():
            if isinstance(array, np.ndarray):
                frozen(array)
        self._books = economy.countries, economy.labour_income, economy.linked, economy.deficits

    @cached_property
    def component(self) -> np.ndarray:
        """Groups of countries that trade in the base year and finance their own deficits (N,)."""
        return frozen(trade_groups(*self._books))


_BASES: WeakKeyDictionary[Economy, _Base] = WeakKeyDictionary()


def _base(economy: Economy) -> _Base:
    found = _BASES.get(economy)
    if found is None:
        found = _BASES[economy] = _Base(economy)
    return found


def assemble(
    economy: Economy,
    shock: Shock,
    policy: Policy | None,
    deficits,
    allow_multiple: bool = False,
    threads: int | None = None,
) -> Problem:
    """Build the hat system of a scenario (equations in kernels/gravity/ref.py); refuse impossible ones.

    `allow_multiple` admits mu*epsilon of one and above under free entry, where equilibria are not unique. `threads`
    compute powers of trade costs, by default as many as pay.
    """
    base = _base(economy)
    if not base.settled:
        _check_scale_effects(economy, allow_multiple)
    hats = shock.checked(economy)
    rates = base.policy if policy is None else policy.rates(economy)
    levels = frozen(deficit_levels(deficits, economy))
    same_rates = rates.production_subsidy is economy.production_subsidy
    labour = base.same_labour
    if hats.labour is not None:
        labour = frozen(np.array(np.broadcast_to(hats.labour, labour.shape)))

    shift, markup = base.shift, base.markup
    if not same_rates:
        markup = np.ascontiguousarray((1.0 + rates.production_subsidy).T)
        same_rates = bool((markup == base.markup).all())
    if not (hats.labour is hats.productivity is hats.entry_cost is None and same_rates):
        subsidies = None if same_rates else (markup / base.markup).T
        shift = price_shift(economy, hats, subsidies, economy.trade_elasticity, base.scale)

    price_hat, ended = _price_hat(economy, base.steepest, hats.trade_cost, rates)
    weights = _weights(economy, price_hat, threads)
    sales, linked = (base.sales, economy.linked) if not ended else _surviving(economy, weights)
    border = revenue = None
    if not (base.untaxed and rates.tariff is None and rates.export_subsidy is None):
        border, revenue = _taxed(economy, rates, weights)
    if levels is economy.deficits and not ended:
        component = base.component
    else:
        component = trade_groups(economy.countries, economy.labour_income, linked, levels)
    system = System(
        weights, base.spending_shares, sales, shift, markup, base.cost_share, economy.labour_income,
        economy.expenditure, levels, economy.trade_elasticity, base.feedback, component, economy.input_shares,
        border, revenue,
    )  # fmt: skip
    unchanged = (
        shift is base.shift
        and price_hat is None
        and (levels is economy.deficits or bool((levels == economy.deficits).all()))
    )
    return Problem(system, labour, rates, hats, unchanged)


def price_shift(economy: Economy, hats: Shock, subsidies, epsilon, scale) -> np.ndarray:
    """Exogenous part (K, N) of ln u: change of 1 + s (None where it stays), labour, productivity, entry cost."""
    ln_u = np.zeros(economy.sales.shape) if subsidies is None else np.log(subsidies)
    if hats.labour is not None:
        ln_u = ln_u + (1.0 + scale) * economy.labour_share * np.log(hats.labour).reshape(-1, 1)
    if hats.productivity is not None:
        ln_u = ln_u + np.log(hats.productivity)
    if hats.entry_cost is not None:
        ln_u = ln_u - scale * np.log(hats.entry_cost)
    shift = np.ascontiguousarray((epsilon * ln_u).T)
    low, high = cy.extent(shift)
    if not -LARGEST_POWER <= low <= high <= LARGEST_POWER:
        far = ~(np.abs(shift) <= LARGEST_POWER)
        raise BadInput(
            f"prices of country {economy.countries[i]!r} in industry {economy.industries[k]!r} change by a factor of "
            f"e^{-ln_u[i, k]:.4g}, which to the power of the trade elasticity leaves the range of numbers: use a "
            "smaller change"
            for k, i in np.argwhere(far)
        )
    return shift


def _weights(economy: Economy, price_hat, threads: int | None) -> np.ndarray:
    """A (K, N, N): trade shares times price hats to the power -epsilon; the shares themselves where none moves.

    Of a large world one such array is kept at a time: its shares give way and are computed again when needed.
    """
    if price_hat is None:
        return economy.packed_shares
    threads = threads or paying(economy.flows.size, len(economy.industries))
    if economy.flows.nbytes < ONE_MATRIX_ABOVE:
        return cy.trade_weights(economy.packed_shares, price_hat, economy.trade_elasticity, None, threads)
    vars(economy).pop("packed_shares", None)
    shares = cy.trade_shares(economy.flows, economy.spending, threads)
    return cy.trade_weights(shares, price_hat, economy.trade_elasticity, shares, threads)


def _price_hat(
    economy: Economy, steepest: float, trade_cost, rates: Policy
) -> tuple[np.ndarray | None, bool]:
    """Change of consumer over factory prices, trade cost times (1+t)/(1+x), and whether it ends any trade.

    In the shape of the trade cost where taxes stay, else (N, N, K); None without any change.
    """
    hat = trade_cost
    for new, old, power in (
        (rates.tariff, economy.tariff, 1.0),
        (rates.export_subsidy, economy.export_subsidy, -1.0),
    ):
        if new is old:
            continue
        change = ((1.0 if new is None else 1.0 + new) / (1.0 if old is None else 1.0 + old)) ** power
        if hat is not None and hat.ndim < 3:
            hat = Shock(trade_cost=hat).hats(economy).trade_cost
        hat = change if hat is None else hat * change
    if hat is None:
        return None, False
    low, high = cy.extent(hat)
    ended = high == np.inf
    if low == high == 1.0:
        return None, False
    if ended:
        high = float(np.max(hat, where=hat < np.inf, initial=1.0))
    if low < np.inf and steepest * max(-log(low), log(high)) > LARGEST_POWER:
        _check_range(economy, hat)
    return hat, ended


def _check_range(economy: Economy, hat) -> None:
    """Refuse finite changes of prices that to the power -epsilon leave the range of numbers."""
    if hat.ndim < 3:
        hat = Shock(trade_cost=hat).hats(economy).trade_cost
    faults = []
    for part in blocks(economy.flows):
        finite = np.where(np.isinf(hat[part]), 1.0, hat[part])
        power = economy.trade_elasticity * np.abs(np.log(finite))
        finite = np.broadcast_to(finite, power.shape)
        faults += [
            f"the price of goods from {economy.countries[part.start + i]!r} to {economy.countries[n]!r} in industry "
            f"{economy.industries[k]!r} changes by a factor of {finite[i, n, k]:.4g}, which to the power of the trade "
            "elasticity leaves the range of numbers: use numpy.inf to end a trade, or a smaller change"
            for i, n, k in np.argwhere(power > LARGEST_POWER)
        ]
    if faults:
        raise BadInput(faults)


def _taxed(economy: Economy, rates: Policy, weights) -> tuple[np.ndarray, np.ndarray | None]:
    """Weights at the border and at the factory gate where bilateral taxes stand before or after."""
    tariff, subsidy = rates.tariff, rates.export_subsidy
    border = weights if tariff is None else pack(weights / (1.0 + tariff).transpose(2, 0, 1))
    revenue = None if subsidy is None else pack(border * (1.0 + subsidy).transpose(2, 0, 1))
    if revenue is None and economy.export_subsidy is not None:
        revenue = border
    return border, revenue


def price_index(economy: Economy, price_power, trade_elasticity=None) -> np.ndarray:
    """Phat (..., N) = prod_k d^(-beta/epsilon) for ln d (..., K, N); leading axes are scenarios.

    `trade_elasticity` (..., K) is by default the economy's.
    """
    epsilon = economy.trade_elasticity if trade_elasticity is None else trade_elasticity
    return np.exp(-(economy.expenditure_shares.T * price_power / epsilon[..., None]).sum(axis=-2))


def base_system(economy: Economy, allow_multiple: bool = False) -> System:
    """Return the hat system of the base year: its solution is no change, if the data are consistent."""
    return assemble(economy, Shock(), None, "fixed", allow_multiple).system


def _check_scale_effects(economy: Economy, allow_multiple: bool) -> None:
    """Refuse scale effects under free entry that leave no equilibrium, or several where one was asked for."""
    faults = [
        f"industry {economy.industries[k]!r} has mu*epsilon = {economy.alpha[k]:.4g}; under free entry the "
        f"equilibrium is unique only below 1: lower its scale elasticity ({economy.scale_elasticity[k]:g}) "
        f"or its trade elasticity ({economy.trade_elasticity[k]:g}). From Python, counterfactual with "
        "allow_multiple=True returns one of several equilibria"
        for k in np.flatnonzero((economy.alpha >= 1.0) & (not allow_multiple))
    ]
    faults += [
        f"country {economy.countries[i]!r}: inputs and scale effects compound to {economy.roundabout[i]:.4g} (spectral "
        "radius of input shares times 1 + mu); at 1 and above its goods make themselves cheaper without bound. "
        f"The heaviest user is {economy.industries[k]!r}: lower its input shares or scale elasticity"
        for i in np.flatnonzero(economy.roundabout >= 1.0)
        for k in [np.argmax(economy.input_shares[i].sum(axis=0) * (1.0 + economy.scale_elasticity))]
    ]
    if faults:
        raise BadParameter(faults)


def check_baseline(economy: Economy) -> None:
    """Refuse expenditure shares that contradict the flows, naming the worst cell and the cures."""
    if economy.consistent:
        return
    implied = economy.final_demand / economy.expenditure[:, None]
    gap = np.abs(economy.expenditure_shares - implied)
    n, k = np.unravel_index(np.argmax(gap), gap.shape)
    raise BadInput(
        f"the base year is not an equilibrium: {economy.countries[n]!r} spends "
        f"{implied[n, k]:.4g} of its total on industry {economy.industries[k]!r} according to the flows "
        f"but {economy.expenditure_shares[n, k]:.4g} in expenditure_shares; leave expenditure_shares out, "
        "or solve for a consistent world with exacthat.rebalance(economy)"
    )


def _surviving(economy: Economy, weights) -> tuple[np.ndarray, np.ndarray]:
    """Sales (K, N) with zeros where no market is left, and which countries still trade with which.

    Who has no buyer stops, and so does who cannot buy an input; both go on until nothing more changes.
    """
    wanted = economy.expenditure_shares.T > 0
    live, open_ = economy.sales.T > 0, weights > 0
    inputs = None if economy.input_shares is None else economy.input_shares > 0
    while True:
        demand = wanted if inputs is None else wanted | np.einsum("igk,ki->gi", inputs, live).astype(bool)
        served = (open_ & live[:, :, None]).any(axis=1)
        stay = live & (open_ & demand[:, None, :]).any(axis=2)
        if inputs is not None:
            stay &= ~np.einsum("igk,gi->ki", inputs, ~served).astype(bool)
        if (stay == live).all():
            break
        live = stay
    faults = [
        f"no one is left to supply industry {economy.industries[k]!r} to {economy.countries[n]!r}, which spends "
        f"{economy.spending_shares[n, k]:.3g} of its total on it: leave a trade cost finite, or merge "
        "the industry"
        for k, n in np.argwhere(wanted & ~served)
    ]
    faults += [
        f"country {economy.countries[i]!r} has no market left for anything it makes: leave a trade cost finite"
        for i in np.flatnonzero(~live.any(axis=0))
    ]
    if faults:
        raise NoEquilibrium(faults)
    flows = open_ & demand[:, None, :] & live[:, :, None]
    return np.ascontiguousarray(np.where(live, economy.sales.T, 0.0)), flows.any(axis=0)


def trade_groups(countries, labour_income, linked, deficits) -> np.ndarray:
    """Number the groups of countries that trade; refuse groups whose books cannot balance."""
    if linked.all():
        return np.zeros(len(linked), dtype=np.int32)
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    graph = csr_array(linked)
    count, component = connected_components(graph, directed=True, connection="weak")
    owed, income = np.bincount(component, deficits), np.bincount(component, labour_income)
    names = np.array(countries)
    faults = [
        f"countries {', '.join(names[component == c])} trade with no one else, yet their deficits sum to "
        f"{owed[c]:.4g} ({owed[c] / income[c]:.3g} of their labour income), which no one can finance: "
        "pass deficits='zero' or purge them first"
        for c in np.flatnonzero(np.abs(owed) > COMPONENT_DEFICIT * income)
    ]
    strong, group = connected_components(graph, directed=True, connection="strong")
    if not faults and strong > count:
        faults = _one_way(names, linked, deficits, group)
    if faults:
        raise NoEquilibrium(faults)
    return component.astype(np.int32)


def _one_way(names, linked, deficits, group) -> list[str]:
    """Faults of groups that only sell to the others or only buy: their deficits must have the right sign."""
    faults = []
    for g in range(group.max() + 1):
        inside = group == g
        sells, buys = linked[inside][:, ~inside].any(), linked[~inside][:, inside].any()
        owed = deficits[inside].sum()
        if sells == buys or (sells and owed < 0) or (buys and owed > 0):
            continue
        faults.append(
            f"countries {', '.join(names[inside])} can only {'sell to' if sells else 'buy from'} the others, which "
            f"their deficits ({owed:.4g} in sum) do not allow: open or close both directions"
        )
    return faults
