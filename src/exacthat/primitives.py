"""from_primitives(): the level-form equilibrium of fundamentals, as a calibrated world."""

from __future__ import annotations

import numpy as np

from exacthat.economy import Economy
from exacthat.errors import BadInput, BadParameter, NotConverged
from exacthat.kernels.gravity.system import System, pack
from exacthat.solver import default_threads, trade_groups


def from_primitives(
    trade_cost,
    productivity,
    entry_cost,
    expenditure_shares,
    labour,
    trade_elasticity,
    scale_elasticity=0.0,
    *,
    production_subsidy=0.0,
    deficits=None,
    entry="free",
    countries=None,
    industries=None,
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
        beta, rows summing to one.
    labour : (N,)
        L > 0.
    trade_elasticity, scale_elasticity : scalar or (K,)
        epsilon > 0, mu >= 0, with mu*epsilon < 1 under free entry.
    production_subsidy : scalar, (K,), (N, 1) or (N, K)
        Rates s.
    deficits : (N,), optional
        In units of account in which world labour income is the sum of `labour`; sums to zero.

    The equilibrium [L]: lambda_ink proportional to (L_ik/f_ik)^alpha phi_ik^eps (tau_ink w_i/(1+s_ik))^-eps;
    revenue R_ik = (1+s_ik) sum_n lambda_ink beta_nk E_n; w_i L_i = sum_k kappa_k R_ik, L_ik = kappa_k R_ik/w_i;
    E_n = sum_k R_nk/(1+s_nk) + D_n. Wages are the economy's labour income over `labour`.

    Raises `BadInput`, `BadParameter`, and `NotConverged` where Newton's method does not reach `tol`.

    >>> import numpy as np
    >>> eco = from_primitives(np.array([[[1.0], [2.0]], [[2.0], [1.0]]]), np.ones((2, 1)), np.ones((2, 1)),
    ...                       np.ones((2, 1)), np.ones(2), trade_elasticity=1.0)
    >>> eco.domestic_shares.ravel()
    array([0.66666667, 0.66666667])
    """
    tau = np.array(trade_cost, dtype=float)
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
    # A stand-in economy checks shares, elasticities, subsidies and labels.
    shares = np.array(expenditure_shares, dtype=float)
    if shares.shape != (n, k):
        raise BadInput(f"expenditure_shares have shape {shares.shape}; they must be ({n}, {k})")
    frame = Economy(
        np.ones((n, n, k)), trade_elasticity, scale_elasticity, entry=entry, countries=countries,
        industries=industries, expenditure_shares=shares, production_subsidy=production_subsidy,
    )  # fmt: skip
    if entry == "free" and frame.alpha.max() >= 1:
        worst = frame.industries[int(np.argmax(frame.alpha))]
        raise BadParameter(f"industry {worst!r} has mu*epsilon = {frame.alpha.max():.4g}; it must be below 1")
    owed = np.zeros(n) if deficits is None else np.array(deficits, dtype=float)
    if owed.shape != (n,) or abs(owed.sum()) > 1e-9 * size.sum():
        raise BadInput(f"deficits must be ({n},) and sum to zero")

    epsilon = frame.trade_elasticity
    scale = frame.scale_elasticity if entry == "free" else np.zeros(k)
    alpha = scale * epsilon
    sales = size[:, None] * shares.mean(axis=0) / frame.cost_share  # where the solver starts
    ln_u = epsilon * (np.log(phi) + np.log1p(frame.production_subsidy) - scale * np.log(fixed))
    ln_u += alpha * np.log(np.where(sales > 0, sales, 1.0))  # (L/f)^alpha w^-eps in terms of R and Y = w L
    with np.errstate(under="ignore"):
        weights = np.where(np.isinf(tau), 0.0, tau**-epsilon)
    system = System(
        weights=pack(weights.transpose(2, 0, 1)),
        spending_shares=np.ascontiguousarray(shares.T),
        sales=np.ascontiguousarray(sales.T),
        shift=np.ascontiguousarray(ln_u.T),
        markup=np.ascontiguousarray(1.0 + frame.production_subsidy.T),
        cost_share=np.ascontiguousarray(np.broadcast_to(frame.cost_share[:, None], (k, n))),
        labour_income=size,
        expenditure=size,
        deficits=owed,
        trade_elasticity=epsilon,
        feedback=alpha,
        component=trade_groups(frame.countries, size, np.isfinite(tau).any(axis=2), owed),
    )
    return _solved(system, frame, weights, tol)


def _solved(system: System, frame: Economy, weights, tol: float) -> Economy:
    from exacthat.kernels.gravity import cy

    found = cy.solve(system, None, tol, max_iterations=200, threads=default_threads(system))
    if not found.converged:
        raise NotConverged(
            f"the level-form equilibrium stopped at a residual of {found.residual:.2e} (tol {tol:.0e})"
        )
    alpha, epsilon = system.feedback[:, None], system.trade_elasticity[:, None]
    ln_u = alpha * found.point.sales - (alpha + epsilon) * found.state.wage_bill + system.shift
    u = np.exp(ln_u - ln_u.max(axis=1, keepdims=True)).T
    shares = weights * np.where(system.sales.T > 0, u, 0.0)[:, None, :]
    spent = frame.expenditure_shares * found.state.expenditure[:, None]
    shares /= np.where(spent > 0, shares.sum(axis=0), 1.0)
    return Economy(
        shares * spent, frame.trade_elasticity, frame.scale_elasticity, entry=frame.entry,
        countries=frame.countries, industries=frame.industries, production_subsidy=frame.production_subsidy,
    )  # fmt: skip


def _positive(name: str, values, shape) -> np.ndarray:
    array = np.array(values, dtype=float)
    if array.shape != shape:
        raise BadInput(f"{name} has shape {array.shape}; it must be {shape}")
    for at in np.argwhere(~(np.isfinite(array) & (array > 0))):
        raise BadInput(f"{name}{at.tolist()} is {array[tuple(at)]:g}; it must be finite and above 0")
    return array
