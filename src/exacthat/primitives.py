"""from_primitives(): the level-form equilibrium of fundamentals, as a calibrated world."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from exacthat import checks
from exacthat.assembly import trade_groups
from exacthat.economy import Economy
from exacthat.errors import BadInput, BadParameter, NotConverged
from exacthat.kernels.gravity import cy
from exacthat.kernels.gravity.ref import trade_weights
from exacthat.kernels.gravity.system import Point, System, pack
from exacthat.solver import default_threads, solve, trade_shares


def from_primitives(
    trade_cost,
    productivity,
    entry_cost,
    expenditure_shares,
    labour,
    trade_elasticity,
    scale_elasticity=0.0,
    *,
    tariff=None,
    export_subsidy=None,
    production_subsidy=0.0,
    input_shares=None,
    deficits=None,
    entry="free",
    countries=None,
    industries=None,
    large_rates=False,
    tol=1e-13,
) -> Economy:
    """Solve the model in levels and return that world as an economy.

    Parameters
    ----------
    trade_cost : (N, N, K)
        tau[origin, destination, industry] > 0; ``numpy.inf`` where there is no trade.
    productivity, entry_cost : (N, K)
        phi > 0 and f > 0; entry costs matter under free entry only.
    expenditure_shares : (N, K)
        beta, shares in final spending, rows summing to one.
    labour : (N,)
        L > 0.
    trade_elasticity, scale_elasticity : scalar or (K,)
        epsilon > 0, mu >= 0, with mu*epsilon < 1 under free entry.
    tariff, export_subsidy, production_subsidy
        Rates t, x, s in the shapes that `Economy` takes; 0.1 is ten percent. `large_rates` confirms rates of 5
        and more.
    input_shares : (N, K, K) or (K, K), optional
        Share of input g in the cost of industry k, as in `Economy`.
    deficits : (N,), optional
        In units of account in which world labour income is the sum of `labour`; sums to zero.

    The equilibrium [L, LL]: lambda_ink proportional to (Z_ik/f_ik)^alpha phi_ik^eps (price wedge_ink c_ik)^-eps
    with the wedge tau (1+t)/((1+x)(1+s)), unit cost c_ik = w_i^l prod_g P_ig^a, input bundles Z_ik = R_ik/c_ik and
    consumer prices P_nk = d_nk^(-1/eps); revenue R_ik = (1+s) sum_n (1+x)/(1+t) X_ink; w_i L_i = sum_k l kappa R;
    final spending is labour income, profits, net tax revenue and the deficit. Wages are the economy's labour
    income over `labour`. Constants (gamma and the like) are left out: they cancel in all results.

    Raises `BadInput`, `BadParameter`, and `NotConverged` where Newton's method does not reach `tol`.

    >>> import numpy as np
    >>> eco = from_primitives(np.array([[[1.0], [2.0]], [[2.0], [1.0]]]), np.ones((2, 1)), np.ones((2, 1)),
    ...                       np.ones((2, 1)), np.ones(2), trade_elasticity=1.0)
    >>> eco.domestic_shares.ravel()
    array([0.66666667, 0.66666667])
    """
    tau, tol = checks.numbers(trade_cost, "trade_cost"), checks.number(tol, "tol", 0.0, 1e-6)
    if tau.ndim != 3 or tau.shape[0] != tau.shape[1]:
        raise BadInput(f"trade_cost has shape {tau.shape}; it must be (N, N, K)")
    n, _, k = tau.shape
    arrays = {
        "productivity": (productivity, (n, k)),
        "entry_cost": (entry_cost, (n, k)),
        "labour": (labour, (n,)),
    }
    phi, fixed, size = (_positive(name, values, shape) for name, (values, shape) in arrays.items())
    if not (tau > 0).all() or not np.isfinite(tau[np.arange(n), np.arange(n)]).all():
        raise BadInput("trade_cost must be above 0 everywhere and finite at home")
    # A stand-in economy checks shares, elasticities, taxes and labels.
    frame = Economy(
        np.ones((n, n, k)), trade_elasticity, scale_elasticity, entry=entry, countries=countries,
        industries=industries, expenditure_shares=expenditure_shares, tariff=tariff, export_subsidy=export_subsidy,
        production_subsidy=production_subsidy, input_shares=input_shares, large_rates=large_rates,
    )  # fmt: skip
    if entry == "free" and frame.alpha.max() >= 1:
        worst = frame.industries[int(np.argmax(frame.alpha))]
        raise BadParameter(f"industry {worst!r} has mu*epsilon = {frame.alpha.max():.4g}; it must be below 1")
    owed = np.zeros(n) if deficits is None else checks.numbers(deficits, "deficits")
    if owed.shape != (n,) or not abs(owed.sum()) <= 1e-9 * size.sum():
        raise BadInput(f"deficits must be ({n},) and sum to zero")

    epsilon = frame.trade_elasticity
    scale = frame.scale_elasticity if entry == "free" else np.zeros(k)
    sales = size[:, None] * frame.expenditure_shares.mean(axis=0)  # where the solver starts
    sales *= (size / (frame.labour_share * frame.cost_share * sales).sum(axis=1))[:, None]
    ln_u = np.log(phi) + np.log1p(frame.production_subsidy) - scale * np.log(fixed)
    ln_u += scale * np.log(np.where(sales > 0, sales, 1.0))  # (Z/f)^mu with Z = R/c in the unknown R
    one = np.ones_like(tau)
    tariffs, subsidies = (one if tax is None else 1.0 + tax for tax in (frame.tariff, frame.export_subsidy))
    taxed = frame.tariff is not None or frame.export_subsidy is not None
    weights = pack(trade_weights(one.transpose(2, 0, 1), tau * tariffs / subsidies, epsilon))
    border = pack(weights / tariffs.transpose(2, 0, 1)) if taxed else None
    by_industry = lambda array: np.ascontiguousarray(np.broadcast_to(array, (n, k)).T)  # noqa: E731
    system = System(
        weights=weights,
        spending_shares=by_industry(frame.expenditure_shares),
        sales=by_industry(sales),
        shift=by_industry(epsilon * ln_u),
        markup=by_industry(1.0 + frame.production_subsidy),
        cost_share=by_industry(frame.cost_share),
        labour_income=size,
        expenditure=size,
        deficits=owed,
        trade_elasticity=epsilon,
        feedback=scale * epsilon,
        component=trade_groups(frame.countries, size, np.isfinite(tau).any(axis=2), owed),
        input_shares=frame.input_shares,
        border=border,
        revenue=pack(border * subsidies.transpose(2, 0, 1)) if taxed else None,
    )
    return _solved(system, frame, tol)


def _solved(system: System, frame: Economy, tol: float) -> Economy:
    """Solve, and read the world off: flows are trade shares times spending of all users."""
    threads = default_threads(system)
    outcome = solve(system, tol, threads)
    if not outcome.solution.converged:
        outcome = solve(system, tol, threads, *_simple_world(system, tol))
    found = outcome.solution
    if not found.converged:
        raise NotConverged(
            f"the level-form equilibrium stopped at a residual of {found.residual:.2e} (tol {tol:.0e}); "
            f"{outcome.completed:.0f} percent of the way from a world without differences was followed",
            reached=outcome.completed,
        )
    spent = frame.expenditure_shares * found.state.expenditure[:, None]
    if frame.input_shares is not None:
        sales = system.sales.T * np.exp(found.point.sales.T)
        spent = spent + np.einsum("igk,ik->ig", frame.input_shares, frame.cost_share * sales)
    own = {field.name: getattr(frame, field.name) for field in fields(frame)}
    return Economy(**{**own, "flows": trade_shares(system, found) * spent, "expenditure_shares": None})


def _simple_world(system: System, tol: float) -> tuple[System, Point] | tuple[None, None]:
    """The same countries with equal technology, free trade and no taxes, and its solution: where to start."""
    open_ = pack((system.weights > 0).astype(float))
    simple = system._replace(
        weights=open_,
        border=None if system.border is None else open_,
        revenue=None if system.revenue is None else open_,
        shift=np.zeros_like(system.shift),
        markup=np.ones_like(system.markup),
        deficits=np.zeros_like(system.deficits),
    )
    found = cy.solve(simple, None, tol, 300, halvings=40)
    return (simple, found.point) if found.converged else (None, None)


def _positive(name: str, values, shape) -> np.ndarray:
    array = checks.numbers(values, name)
    if array.shape != shape:
        raise BadInput(f"{name} has shape {array.shape}; it must be {shape}")
    for at in np.argwhere(~(np.isfinite(array) & (array > 0))):
        raise BadInput(f"{name}{at.tolist()} is {array[tuple(at)]:g}; it must be finite and above 0")
    return array
