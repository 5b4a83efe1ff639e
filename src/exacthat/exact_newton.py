"""Newton's method with the exact, dense Jacobian and with trade balances: for hat systems that iterations lose.

Where a country, or a group of them, trades very little with the others, its wage acts on revenue only through that
trade, and residuals of revenue no longer tell it. Here the revenue equations of each country's largest industry give
way to the trade balances of the groups of `exacthat.blocs`, in logs of what they buy from others over what they earn
there, which by Walras' law say the same; in one country of each component, the one that trades most, to the
numeraire. Equation numbers are those of `exacthat.kernels.gravity.ref`.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from exacthat.blocs import crossing, groups
from exacthat.kernels.gravity.system import Point, System

LARGEST_WAGE_STEP = 1.0  # in ln(labour income), as in the compiled solve
SMALLEST_LENGTH = 1e-4  # of a Newton step, in halving it
MAX_ITERATIONS = 20


def refine(
    system: System, start: Point, tolerance: float, max_iterations=MAX_ITERATIONS
) -> tuple[Point, int]:
    """Go from `start` by exact Newton steps until every equation holds to `tolerance`; return point and steps.

    Stops where no step lessens the residual: whether the point solves the system is for the caller to judge.
    """
    with np.errstate(all="ignore"):  # trial points may leave the range of numbers; they are rejected
        x = start.flat()
        at, iteration = _equations(system, x), 0
        while at.valid and iteration < max_iterations:
            rows = _rows(at)
            missed = _missed(at, rows)
            if np.abs(missed).max() <= tolerance:
                break
            step = _step(system, at, rows, missed)
            if step is None:
                break
            found = _shorter(system, x, at, step, rows, missed)
            if found is None:
                break
            (x, at), iteration = found, iteration + 1
    return system.point(x), iteration


def _shorter(system: System, x, at, step, rows, missed):
    """The point and its equations after as much of the step as lessens the residual; None where nothing does."""
    wage_step = np.abs((at.y * step[: at.r.size].reshape(at.r.shape)).sum(axis=0)).max()
    length = min(1.0, LARGEST_WAGE_STEP / wage_step) if wage_step > 0 else 1.0
    while length >= SMALLEST_LENGTH:
        trial = _equations(system, x + length * step)
        if trial.valid and np.linalg.norm(_missed(trial, rows)) < np.linalg.norm(missed):
            return x + length * step, trial
        length *= 0.5
    return None


def _equations(system: System, x) -> SimpleNamespace:
    """Equations (1) to (10) at a vector of unknowns, with powers relative to the largest of each industry."""
    point = system.point(x)
    at = SimpleNamespace(r=point.sales, live=system.sales > 0, l=system.labour_share, kappa=system.cost_share)
    at.alpha, at.epsilon = system.feedback[:, None], system.trade_elasticity[:, None]
    G = system.weights if system.border is None else system.border
    H = G if system.revenue is None else system.revenue
    at.R = system.sales * np.exp(at.r)
    wages = at.l * at.kappa * at.R
    at.labour = wages.sum(axis=0)
    at.y = wages / at.labour
    at.v = np.log(at.labour / system.labour_income)
    total, base = (np.bincount(system.component, w) for w in (at.labour, system.labour_income))
    at.scale, at.in_component = (total / base)[system.component], at.labour / total[system.component]
    ln_cost = at.l * at.v
    if system.input_shares is not None:
        ln_cost = ln_cost + np.einsum("igk,gi->ki", system.input_shares, point.prices)
    ln_u = np.where(at.live, at.alpha * at.r - (at.alpha + at.epsilon) * ln_cost + system.shift, -np.inf)
    most = ln_u.max(axis=1, keepdims=True)
    most = np.where(np.isfinite(most), most, 0.0)
    at.u = np.exp(ln_u - most)
    supplied = np.einsum("kjn,kj->kn", system.weights, at.u)
    over_d = np.where(supplied > 0, 1.0 / np.where(supplied > 0, supplied, 1.0), 0.0)
    at.inputs, at.owed = (1.0 - at.l) * at.kappa, system.deficits * at.scale
    if point.expenditure is None:
        at.E = ((1.0 / system.markup - at.inputs) * at.R).sum(axis=0) + at.owed
    else:
        at.E = system.expenditure * np.exp(point.expenditure)
    at.X = system.spending_shares * at.E
    if system.input_shares is not None:
        at.X = at.X + np.einsum("nkg,gn->kn", system.input_shares, at.kappa * at.R)
    q = at.X * over_d
    received = np.where(at.live, np.einsum("kin,kn->ki", H, q), 1.0)
    at.supply = (system.weights * at.u[:, :, None] * over_d[:, None, :]).transpose(0, 2, 1)  # Lambda[k, n, j]
    at.buyers = H * q[:, None, :] / received[:, :, None]  # Omega[k, i, n]
    sold = np.where(at.live, system.markup * received / np.where(at.live, system.sales, 1.0), 1.0)
    at.miss_r = np.where(at.live, at.r - (ln_u - most) - np.log(sold) + np.log(at.scale), 0.0)
    at.miss_p = None if point.prices is None else point.prices + np.where(supplied > 0, np.log(
        np.where(supplied > 0, supplied, 1.0)) + most, 0.0) / at.epsilon  # fmt: skip
    at.border = G * at.u[:, :, None] * q[:, None, :]  # value at the border, foreign and home
    at.miss_e = None
    if point.expenditure is not None:
        at.at_border = at.border.sum(axis=2)
        at.tariffs = at.X - at.border.sum(axis=1)
        at.b = np.where(at.live, np.einsum("kin,kn->ki", G, q) / (system.markup * received), 0.0)
        at.income = ((at.b - at.inputs) * at.R + at.tariffs).sum(axis=0) + at.owed
        at.miss_e = point.expenditure - np.log(at.income / system.expenditure)
        at.G_buyers = G * q[:, None, :] / np.where(at.live, np.einsum("kin,kn->ki", G, q), 1.0)[:, :, None]
    at.abroad = at.border * ~np.eye(len(at.v), dtype=bool)
    at.component = system.component
    parts = [part for part in (at.miss_r, at.miss_p, at.miss_e) if part is not None]
    at.residual = np.concatenate([part.ravel() for part in parts])
    at.valid = bool((at.E > 0).all() and np.isfinite(at.residual).all()) and (
        point.expenditure is None or bool((at.income > 0).all())
    )
    return at


def _rows(at) -> SimpleNamespace:
    """Which revenue equations give way (N,), to the balance of whom (N, N), or to the numeraire (N,)."""
    countries = len(at.v)
    inside, root = groups(at.abroad.sum(axis=0))
    numeraire = np.zeros(countries, dtype=bool)
    for c in range(at.component.max() + 1):
        numeraire[np.argmax(root & (at.component == c))] = True
    places = at.R.argmax(axis=0) * countries + np.arange(countries)
    return SimpleNamespace(places=places, inside=inside, numeraire=numeraire)


def _balances(at, rows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What each group owes, earns from others and pays to them; money lent and borrowed included."""
    owed = rows.inside @ at.owed
    sold, bought = crossing(at.abroad.sum(axis=0), rows.inside)
    return owed, sold + np.maximum(owed, 0.0), bought + np.maximum(-owed, 0.0)


def _missed(at, rows) -> np.ndarray:
    """What each equation misses, trade balances and numeraires in their places."""
    missed = at.residual.copy()
    _, earned, paid = _balances(at, rows)
    both = (paid > 0) & (earned > 0)
    balance = np.where(both, np.log(np.where(both, paid, 1.0) / np.where(both, earned, 1.0)), np.inf)
    missed[rows.places] = np.where(rows.numeraire, np.log(at.scale), balance)
    return missed


def _step(system: System, at, rows, missed):
    """The Newton step: minus the inverse Jacobian times what is missed; None where it is singular."""
    jacobian = _jacobian(system, at, rows)
    moves = np.ones(missed.size, dtype=bool)
    moves[: at.r.size] = at.live.ravel()
    step = np.zeros(missed.size)
    try:
        step[moves] = np.linalg.solve(jacobian[np.ix_(moves, moves)], -missed[moves])
    except np.linalg.LinAlgError:
        return None
    return step if np.isfinite(step).all() else None


def _jacobian(system: System, at, rows) -> np.ndarray:
    """Derivative of `_missed`: the chain rule through equations (1) to (10), all directions at once."""
    K, N = at.r.shape
    size = at.residual.size
    a, k, i = system.input_shares, np.arange(K)[:, None], np.arange(N)
    own = k * N + i  # column of r[k, i]
    dr, dv, dprice = np.zeros((K, N, size)), np.zeros((N, size)), None
    dr[k, i, own] = 1.0
    dv[i, own] = at.y
    dscale = np.zeros((N, size))
    for c in range(at.component.max() + 1):
        inside = at.component == c
        dscale[inside] = (at.in_component[inside, None] * dv[inside]).sum(axis=0)
    dcost = at.l[:, :, None] * dv
    if a is not None:
        dprice = np.zeros((K, N, size))
        dprice[k, i, K * N + own] = 1.0
        for g in range(K):
            dcost[:, i, K * N + g * N + i] += a[:, g, :].T
    du = np.where(
        at.live[:, :, None], at.alpha[:, :, None] * dr - (at.alpha + at.epsilon)[:, :, None] * dcost, 0.0
    )
    dd = at.supply @ du
    dowed = at.owed[:, None] * dscale
    dE = np.zeros((N, size))
    if at.miss_e is None:
        dE[i, own] = (1.0 / system.markup - at.inputs) * at.R
        dE += dowed
    else:
        dE[i, size - N + i] = at.E
    dX = system.spending_shares[:, :, None] * dE
    if a is not None:
        for g in range(K):
            dX[:, i, g * N + i] += a[:, :, g].T * (at.kappa * at.R)[g]
    dq = np.where(at.X[:, :, None] > 0, dX / np.where(at.X > 0, at.X, 1.0)[:, :, None] - dd, 0.0)
    dreceived = at.buyers @ dq
    parts = [np.where(at.live[:, :, None], dr - du - dreceived + dscale, 0.0)]
    if dprice is not None:
        parts.append(dprice + dd / at.epsilon[:, :, None])
    if at.miss_e is not None:
        db = at.G_buyers @ dq - dreceived
        received = ((at.b - at.inputs) * at.R)[:, :, None] * dr + (at.b * at.R)[:, :, None] * db
        untaxed = at.border.sum(axis=1)[:, :, None] * dq + at.border.transpose(0, 2, 1) @ du
        dincome = (received + dX - untaxed).sum(axis=0) + dowed
        parts.append(np.eye(N, size, size - N) - dincome / at.income[:, None])
    jacobian = np.concatenate([part.reshape(-1, size) for part in parts])
    inside, outside = rows.inside, ~rows.inside
    dsold, dpaid = (
        _dcrossing(at.abroad, one, other, du, dq) for one, other in ((inside, outside), (outside, inside))
    )
    owed, earned, paid = _balances(at, rows)
    lends, dowed = (owed < 0)[:, None], inside @ dowed
    with np.errstate(all="ignore"):  # the numeraire's rows
        balance = np.where(lends, dpaid - dowed, dpaid) / paid[:, None]
        balance -= np.where(lends, dsold, dsold + dowed) / earned[:, None]
    jacobian[rows.places] = np.where(rows.numeraire[:, None], dscale, balance)
    return jacobian


def _dcrossing(trade, sellers, buyers, du, dq) -> np.ndarray:
    """Derivative of what the sellers in each row sell to the buyers in it."""
    by_seller = np.einsum("kin,gn->gki", trade, buyers) * sellers[:, None, :]
    by_buyer = np.einsum("kin,gi->gkn", trade, sellers) * buyers[:, None, :]
    return np.tensordot(by_seller, du, 2) + np.tensordot(by_buyer, dq, 2)
