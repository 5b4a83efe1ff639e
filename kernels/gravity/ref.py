"""The exact hat system in pure numpy: the specification of the compiled twin.

Multi-industry gravity with scale effects (Lashkaripour and Lugovskyy 2023; Kucheryavyy, Lyn and
Rodriguez-Clare 2023) in exact hat algebra. Letters: k industry, i and j origin, n destination. The unknown
is r[k, i], the log change of producer revenue; arrays are described in `system.System`.

    (1)  Y'_i   = sum_k kappa_ki R_ki,                R_ki = R0_ki exp(r_ki)
    (2)  E'_n   = sum_k R_kn / m_kn + D_n g,          g = world (component) labour income over its base
    (3)  ln u   = alpha_k r - (alpha_k + eps_k) v + shift,      v_i = ln(Y'_i / Y_i)
    (4)  d_kn   = sum_j A_kjn u_kj                    (= price index hat to the power -eps)
    (5)  Q_ki   = sum_n A_kin beta_kn E'_n / d_kn
    (6)  F_ki   = r - ln u - ln(m_ki Q_ki / R0_ki) + ln g

(3) is yhat^alpha Yhat^-eps with yhat Yhat = exp(r), where y are the employment shares: labour is the only
input and each industry's wage bill moves with its revenue. (6) says that revenue equals what demand implies.
The system is homogeneous of degree zero in (R, E): ln g, one constant per connected component, is zero at
the solution by Walras' law and picks the numeraire "labour income of each component is unchanged".
Cells with R0 = 0 stay at zero.
"""

from __future__ import annotations

import numpy as np

from exacthat.kernels.gravity.system import Solution, State, System


def trade_weights(trade_shares, trade_cost, trade_elasticity):
    """A[k, i, n] = lambda[k, i, n] tauhat[i, n, k]^-eps_k, exactly 0 where the trade cost is infinite.

    trade_shares (K, N, N), trade_cost (N, N, K) as users give it, trade_elasticity (K,).
    """
    hat = trade_cost.transpose(2, 0, 1)
    return trade_shares * np.where(np.isinf(hat), 0.0, hat ** -trade_elasticity[:, None, None])


def _levels(system: System, log_sales_hat):
    """Revenues, labour income and spending at a point: equations (1) and (2)."""
    revenue = system.sales * np.exp(log_sales_hat)
    base = system.labour_income
    labour = (system.labour_share * revenue).sum(axis=0)
    scale = np.bincount(system.component, labour) / np.bincount(system.component, base)
    scale = scale[system.component]
    spending = (revenue / system.markup).sum(axis=0) + system.deficits * scale
    return revenue, labour, np.log(labour / base), np.log(scale), spending


def _market(system: System, log_sales_hat, wage_bill, expenditure):
    """Weights u, demand denominators d and demand Q: equations (3), (4), (5)."""
    alpha, epsilon = system.feedback[:, None], system.trade_elasticity[:, None]
    u = np.exp(alpha * log_sales_hat - (alpha + epsilon) * wage_bill + system.shift)
    u = np.where(system.sales > 0, u, 0.0)
    d = np.einsum("kjn,kj->kn", system.weights, u)
    spending = system.spending_shares * expenditure
    q = np.divide(spending, d, out=np.zeros_like(d), where=spending > 0)
    return u, d, q, np.einsum("kin,kn->ki", system.weights, q)


def evaluate(system: System, log_sales_hat) -> State:
    """Evaluate the hat system at `log_sales_hat` (K, N): equations (1) to (6)."""
    _, _, wage_bill, scale, expenditure = _levels(system, log_sales_hat)
    u, d, _, demand = _market(system, log_sales_hat, wage_bill, expenditure)
    live = system.sales > 0
    implied = np.where(live, system.markup * u * demand, 1.0)
    residual = log_sales_hat + np.log(np.where(live, system.sales, 1.0)) - np.log(implied) + scale
    return State(np.where(live, residual, 0.0), wage_bill, expenditure, np.log(np.where(d > 0, d, 1.0)))


def jacobian_product(system: System, log_sales_hat, direction):
    """Derivative of the residual at `log_sales_hat` (K, N) along `direction` (K, N).

    dln u = alpha dr - (alpha + eps) dv;  dln Q = Omega (dln E - Lambda' dln u), where
    Omega[k, i, n] = A q / Q are destination shares and Lambda[k, j, n] = A u / d the new trade shares.
    """
    revenue, labour, wage_bill, scale, expenditure = _levels(system, log_sales_hat)
    u, d, q, demand = _market(system, log_sales_hat, wage_bill, expenditure)
    live = system.sales > 0
    x = np.where(live, direction, 0.0)
    dv = (system.labour_share * revenue * x).sum(axis=0) / labour
    dscale = np.bincount(system.component, labour * dv) / np.bincount(system.component, labour)
    dscale = dscale[system.component]
    deficits = system.deficits * np.exp(scale)
    dln_e = ((revenue / system.markup * x).sum(axis=0) + deficits * dscale) / expenditure
    alpha, epsilon = system.feedback[:, None], system.trade_elasticity[:, None]
    dln_u = alpha * x - (alpha + epsilon) * dv
    dln_d = np.einsum("kjn,kj->kn", system.weights, u * dln_u) / np.where(d > 0, d, 1.0)
    dln_q = np.einsum("kin,kn->ki", system.weights, q * (dln_e - dln_d)) / np.where(live, demand, 1.0)
    return np.where(live, x - dln_u - dln_q + dscale, 0.0)


def solve(system: System, start=None, tolerance=1e-10, max_iterations=100) -> Solution:
    """Solve F = 0 by Newton's method with the dense Jacobian: for small systems and for tests.

    Steps are halved until the residual falls. `converged` says whether the largest |F| met `tolerance`.
    """
    shape = system.sales.shape
    r = np.zeros(shape) if start is None else np.array(start, dtype=float)
    live = np.flatnonzero(system.sales.ravel() > 0)
    state, step, evaluations, products = evaluate(system, r), np.zeros(shape), 1, 0
    for iteration in range(max_iterations + 1):
        residual = np.abs(state.residual).max()
        if residual <= tolerance or iteration == max_iterations:
            break
        unit = np.zeros((live.size, *shape))
        unit.reshape(live.size, -1)[np.arange(live.size), live] = 1.0
        jacobian = np.stack([jacobian_product(system, r, x).ravel()[live] for x in unit], axis=1)
        products += live.size
        step = np.zeros(shape)
        step.ravel()[live] = np.linalg.solve(jacobian, -state.residual.ravel()[live])
        for _ in range(40):
            with np.errstate(all="ignore"):
                trial = evaluate(system, r + step)
            evaluations += 1
            if np.linalg.norm(trial.residual) < np.linalg.norm(state.residual):
                break
            step *= 0.5
        else:
            break
        r, state = r + step, trial
    return Solution(
        r, state, bool(residual <= tolerance), float(residual), float(np.abs(step).max()),
        iteration, evaluations, products,
    )  # fmt: skip
