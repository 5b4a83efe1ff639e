"""welfare_sensitivity(): how every country's welfare moves along one direction of parameters, by one forward solve."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace

import numpy as np

from exacthat.checks import frozen, numbers, thread_count
from exacthat.equilibrium import Equilibrium, require_certified
from exacthat.errors import BadInput, NotConverged, nearest
from exacthat.gradient import AXES, LEAST_ACCURACY, NO_SCALE, SCALE, ln_price_hat, over, with_spending
from exacthat.kernels.gravity import cy
from exacthat.kernels.gravity.system import Point
from exacthat.solver import default_threads

ACCURACY = 1e-13  # relative residual that the linear solve aims at


def welfare_sensitivity(
    eq: Equilibrium, direction: Mapping[str, np.ndarray], *, threads: int | None = None
) -> np.ndarray:
    """Derivative of every country's ln What along one direction of shocks, rates and elasticities.

    Parameters
    ----------
    eq : Equilibrium
        Where the derivative is taken.
    direction : mapping
        Names of `welfare_gradient` to what moves per unit: logs of hats for "trade_cost" (N, N, K),
        "productivity", "entry_cost" (N, K) and "labour" (N,); levels for "tariff", "export_subsidy" (N, N, K; the
        diagonal is not read), "production_subsidy" (N, K), "trade_elasticity", "scale_elasticity" (K,). Scalars
        and arrays that broadcast to these shapes serve, too.
    threads : int, optional
        For the compiled kernel.

    Returns (N,). The product of `welfare_gradient` of each country with the direction, at the cost of one linear
    system in place of N: x' = -J^-1 F_theta along the direction, equations (1) to (10) of
    ``exacthat.kernels.gravity.ref``, solved by GMRES. Prefer it for few parameters, the gradient for few countries.

    Raises `BadInput` for unknown names and shapes that do not fit, `NotCertified` for an equilibrium without a
    certificate, `NotConverged` where GMRES stops above a relative residual of 1e-9.

    >>> import exacthat as eh
    >>> world = eh.Economy([[[8.0], [2.0]], [[2.0], [8.0]]], 4.0)
    >>> eh.welfare_sensitivity(eh.counterfactual(world), {"productivity": 1.0}).round(12)
    array([1., 1.])
    """
    system, point = with_spending(require_certified(eq))
    threads = thread_count(threads) or default_threads(system)
    along = _direction(eq, direction)
    shares, border = eq.trade_shares, eq.border_flows
    one = lambda rates: 1.0 if rates is None else 1.0 + rates  # noqa: E731
    tariff, subsidy = one(eq.policy.tariff), one(eq.policy.export_subsidy)
    epsilon, alpha = system.trade_elasticity, system.feedback
    mu, share, state = alpha / epsilon, system.labour_share.T, eq._solution.state
    sales, ln_cost, ln_d = point.sales.T, share * state.wage_bill[:, None], state.price_power.T
    if point.prices is not None:
        ln_cost = ln_cost + np.einsum("igk,gi->ik", system.input_shares, point.prices)

    # (3), (4), (6) at unchanged unknowns; weights on matrices are shares of what they add up to
    on_tariff, on_subsidy = along.tariff / tariff, along.export_subsidy / subsidy
    on_markup = along.production_subsidy / (1.0 + eq.policy.production_subsidy)
    on_A = epsilon * (on_subsidy - on_tariff - along.trade_cost)
    if along.trade_elasticity.any():
        on_A = on_A - ln_price_hat(eq) * along.trade_elasticity
    on_G = on_A - on_tariff
    on_H = on_G + on_subsidy
    fixed = 0.0 if eq.shock.entry_cost is None else np.log(eq.shock.entry_cost)
    ln_labour = share * np.log(eq.labour_hat)[:, None]
    ln_u = epsilon * (along.productivity + on_markup) - alpha * along.entry_cost
    ln_u = ln_u + (alpha + epsilon) * share * along.labour[:, None]
    ln_u = ln_u + along.trade_elasticity * (system.shift.T / epsilon + mu * sales - (1.0 + mu) * ln_cost)
    ln_u = ln_u + along.scale_elasticity * epsilon * (sales - ln_cost + ln_labour - fixed)
    d = (shares * (on_A + ln_u[:, None, :])).sum(axis=0)
    received = _mean(border if eq.policy.export_subsidy is None else border * subsidy, on_H - d)
    by_power = ln_d * along.trade_elasticity / epsilon**2
    on_border = border.sum(axis=1) * (_mean(border, on_G - d) - on_markup - received)
    untaxed = shares / tariff * (on_G + ln_u[:, None, :] - d)
    spent = eq.flows.sum(axis=0)
    income = (on_border - spent * untaxed.sum(axis=0)).sum(axis=1)

    # the unknowns make up for what (8), (9) and (10) then miss
    on_prices = None if point.prices is None else (by_power - d / epsilon).T
    missed = Point((on_markup + ln_u + received).T, on_prices, income / state.expenditure)
    follow, left, _ = cy.solve_linear(system, point, missed, tolerance=ACCURACY, threads=threads)
    if not left <= LEAST_ACCURACY:
        raise NotConverged(f"the forward solve stopped at a relative residual of {left:.1e}", equilibrium=eq)
    r, e = follow.sales.T, follow.expenditure
    wages = over(
        share * system.cost_share.T * eq.sales, (share * system.cost_share.T * eq.sales).sum(axis=1)[:, None]
    )
    ln_cost = share * (wages * r).sum(axis=1)[:, None]
    if follow.prices is not None:
        ln_cost = ln_cost + np.einsum("igk,gi->ik", system.input_shares, follow.prices)
    d = d + (shares * (alpha * r - (alpha + epsilon) * ln_cost)[:, None, :]).sum(axis=0)
    return frozen(e + (eq.economy.expenditure_shares * (d / epsilon - by_power)).sum(axis=1))


def _direction(eq: Equilibrium, given) -> SimpleNamespace:
    """Read a direction: full arrays of what moves, zeros that broadcast for the rest."""
    if not isinstance(given, Mapping):
        raise BadInput(f"direction is a {type(given).__name__}; pass a mapping of names to arrays")
    faults = [f"unknown parameter {name!r}{nearest(name, list(AXES))}" for name in given if name not in AXES]
    if SCALE in given and eq.economy.entry != "free":
        faults.append(f"{SCALE}: {NO_SCALE}")
    along = {name: np.zeros([1] * len(axes)) for name, axes in AXES.items()}
    for name in AXES.keys() & given.keys():
        labels = [eq.industries if axis == "industry" else eq.countries for axis in AXES[name]]
        values, shape = numbers(given[name], name, *labels), tuple(map(len, labels))
        try:
            along[name] = np.array(np.broadcast_to(values, shape))
        except ValueError:
            faults.append(f"{name} has shape {values.shape}; it must broadcast to {shape}")
        if not np.isfinite(values).all():
            faults.append(f"{name} must be finite")
    if faults:
        raise BadInput(faults)
    for name in {"tariff", "export_subsidy"} & given.keys():
        home = np.arange(len(eq.countries))
        along[name][home, home] = 0.0
    return SimpleNamespace(**along)


def _mean(flows, values) -> np.ndarray:
    """Means (N, K) over destinations, weighted by flows; 0 where nothing flows."""
    return over((flows * values).sum(axis=1), flows.sum(axis=1))
