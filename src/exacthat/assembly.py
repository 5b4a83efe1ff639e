"""From economy and scenario to a hat system: assemble it, refuse what has no equilibrium."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from exacthat.economy import Economy
from exacthat.errors import BadInput, BadParameter, NoEquilibrium
from exacthat.kernels.gravity.system import System, pack
from exacthat.scenario import Policy, Shock, deficit_levels

LARGEST_POWER = 600.0  # of e: a change of trade shares beyond it is an end or a beginning of trade
COMPONENT_DEFICIT = 1e-9  # of income: what a group of countries without outside trade may borrow


class Problem(NamedTuple):
    """A hat system and what the result needs besides."""

    system: System
    labour: np.ndarray  # Lhat (N,)
    policy: Policy  # new rates, full arrays
    shock: Shock  # hats, full arrays or None
    unchanged: bool  # nothing differs from the base year


def assemble(economy: Economy, shock: Shock, policy: Policy, deficits) -> Problem:
    """Build the hat system of a scenario (equations in kernels/gravity/ref.py); refuse impossible ones."""
    _check_uniqueness(economy)
    hats, rates = shock.hats(economy), policy.rates(economy)
    levels = deficit_levels(deficits, economy)
    epsilon, mu = economy.trade_elasticity, economy.scale_elasticity
    scale = mu if economy.entry == "free" else np.zeros_like(mu)
    labour = np.ones(len(economy.countries)) if hats.labour is None else hats.labour
    subsidies = (1.0 + rates.production_subsidy) / (1.0 + economy.production_subsidy)
    shift = price_shift(economy, hats, subsidies, epsilon, scale)

    sales, linked, weights = economy.sales, economy.linked, economy.packed_shares
    price_hat = _price_hat(economy, hats.trade_cost, rates)
    if price_hat is not None:
        from exacthat.kernels.gravity import cy

        weights = cy.trade_weights(weights, price_hat, epsilon)
        if np.isinf(price_hat).any():
            sales, linked = _surviving(economy, weights)
    border, revenue = _taxed(economy, rates, weights)
    system = System(
        weights=weights,
        spending_shares=np.ascontiguousarray(economy.expenditure_shares.T),
        sales=np.ascontiguousarray(sales.T),
        shift=shift,
        markup=np.ascontiguousarray((1.0 + rates.production_subsidy).T),
        cost_share=np.ascontiguousarray(np.broadcast_to(economy.cost_share[:, None], sales.T.shape)),
        labour_income=economy.labour_income,
        expenditure=economy.expenditure,
        deficits=levels,
        trade_elasticity=epsilon,
        feedback=scale * epsilon,
        component=trade_groups(economy.countries, economy.labour_income, linked, levels),
        input_shares=economy.input_shares,
        border=border,
        revenue=revenue,
    )
    unchanged = (
        all(hat is None for hat in vars(hats).values())
        and price_hat is None
        and bool((subsidies == 1.0).all())
        and bool((levels == economy.deficits).all())
    )
    return Problem(system, labour, rates, hats, unchanged)


def price_shift(economy: Economy, hats: Shock, subsidies, epsilon, scale) -> np.ndarray:
    """Exogenous part (K, N) of ln u: labour, production subsidies (change of 1 + s), productivity, entry cost."""
    ln_u = np.log(subsidies)
    if hats.labour is not None:
        ln_u = ln_u + (1.0 + scale) * economy.labour_share * np.log(hats.labour)[:, None]
    if hats.productivity is not None:
        ln_u = ln_u + np.log(hats.productivity)
    if hats.entry_cost is not None:
        ln_u = ln_u - scale * np.log(hats.entry_cost)
    return np.ascontiguousarray((epsilon * ln_u).T)


def _price_hat(economy: Economy, trade_cost, rates: Policy) -> np.ndarray | None:
    """Change (N, N, K) of consumer over factory prices: trade cost times (1+t)/(1+x); None without any."""
    hat = trade_cost
    for new, old, power in (
        (rates.tariff, economy.tariff, 1.0),
        (rates.export_subsidy, economy.export_subsidy, -1.0),
    ):
        if new is old:
            continue
        change = ((1.0 if new is None else 1.0 + new) / (1.0 if old is None else 1.0 + old)) ** power
        hat = change if hat is None else hat * change
    if hat is None or (hat == 1.0).all():
        return None
    power = economy.trade_elasticity * np.abs(np.log(np.where(np.isinf(hat), 1.0, hat)))
    faults = [
        f"the price of goods from {economy.countries[i]!r} to {economy.countries[n]!r} in industry "
        f"{economy.industries[k]!r} changes by a factor of {hat[i, n, k]:.4g}, which to the power of the trade "
        "elasticity leaves the range of numbers: use numpy.inf to end a trade, or a smaller change"
        for i, n, k in np.argwhere(power > LARGEST_POWER)
    ]
    if faults:
        raise BadInput(faults)
    return np.ascontiguousarray(hat)


def _taxed(economy: Economy, rates: Policy, weights) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Weights at the border and at the factory gate; None where no bilateral tax stands before or after."""
    if all(
        tax is None for tax in (rates.tariff, economy.tariff, rates.export_subsidy, economy.export_subsidy)
    ):
        return None, None
    tariff, subsidy = rates.tariff, rates.export_subsidy
    border = weights if tariff is None else pack(weights / (1.0 + tariff).transpose(2, 0, 1))
    revenue = None if subsidy is None else pack(border * (1.0 + subsidy).transpose(2, 0, 1))
    if revenue is None and economy.export_subsidy is not None:
        revenue = border
    return border, revenue


def base_system(economy: Economy) -> System:
    """Return the hat system of the base year: its solution is no change, if the data are consistent."""
    return assemble(economy, Shock(), Policy(), "fixed").system


def _check_uniqueness(economy: Economy) -> None:
    if economy.entry != "free":
        return
    faults = [
        f"industry {economy.industries[k]!r} has mu*epsilon = {economy.alpha[k]:.4g}; under free entry the "
        f"equilibrium is unique only below 1: lower its scale elasticity ({economy.scale_elasticity[k]:g}) "
        f"or its trade elasticity ({economy.trade_elasticity[k]:g})"
        for k in np.flatnonzero(economy.alpha >= 1.0)
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
    """Sales (N, K) with zeros where no market is left, and which countries still trade with which.

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
    return np.where(live.T, economy.sales, 0.0), flows.any(axis=0)


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
        f"{owed[c]:.4g} ({owed[c] / income[c]:.2%} of their labour income), which no one can finance: "
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
