"""The exact hat system in pure numpy: the specification of the compiled twin.

Multi-industry gravity with scale effects, taxes, profits and input-output links (Lashkaripour and
Lugovskyy 2023; Kucheryavyy, Lyn and Rodriguez-Clare 2023; Caliendo and Parro 2015) in exact hat algebra.
Letters: k and g industry, i and j origin, n destination. Unknowns: r[k, i], the log change of producer
revenue; with input-output links p[k, n], the log change of consumer price indices; with bilateral taxes
e[n], the log change of final spending. Arrays are described in `system`.

    (1)  R_ki  = R0_ki exp(r_ki),   Y'_i = sum_k l_ki kappa_ki R_ki,   v_i = ln(Y'_i / Y_i)
    (2)  ln c  = l_ki v_i + sum_g a_igk p_gi                                        cost of an input bundle
    (3)  ln u  = alpha_k r - (alpha_k + eps_k) ln c + shift                         delivered price power
    (4)  d_kn  = sum_j A_kjn u_kj                                                   = price index hat ^ -eps
    (5)  X_kn  = beta_kn E'_n + sum_g a_nkg kappa_gn R_gn                           spending on an industry
    (6)  V_ki  = m_ki u_ki sum_n H_kin X_kn / d_kn,    m = 1 + s'                   revenue that demand implies
    (7)  E'_n  = sum_k (b_kn - (1 - l) kappa) R_kn + sum_k X_kn (1 - sum_i G_kin u_ki / d_kn) + D_n g,
         b_kn  = sum_i G_kni X_ki / d_ki / (m_kn sum_i H_kni X_ki / d_ki)           income and deficit
    (8)  F_r   = r - ln(V_ki / R0_ki) + ln g
    (9)  F_p   = p + ln(d_kn) / eps_k
    (10) F_e   = e - ln(right side of (7) / E_n),   E'_n = E_n exp(e_n)
    (11) |sum_ki R_ki exp(ln g - F_r) / sum_ki R_ki - 1|                           Walras slack: 0 at a solution

(3) is the price tauhat chat (Zhat/fhat)^-mu / phihat with input bundles Zhat = Rhat/chat (labour alone
without links), to the power -eps. (7) is labour income, profits, less subsidies (of which b,
value at the border per unit of revenue, falls short), tariffs and the deficit; without bilateral taxes b = 1/m,
(7) is linear in R and E' is no unknown. g is
world (component) labour income over its base: the system is homogeneous of degree zero in (R, P, E), and ln g,
one constant per connected component, is zero at the solution by Walras' law and picks the numeraire "labour
income of each component is unchanged". Cells with R0 = 0 stay at zero.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from exacthat.kernels.gravity.system import (
    Change,
    Point,
    Pullback,
    Slacks,
    Solution,
    Solutions,
    State,
    System,
)


def trade_shares(flows, spending):
    """lambda[k, i, n] = flows[i, n, k] / spending[n, k], 0 where nothing is spent; flows (N, N, K), spending (N, K)."""
    shares = np.divide(flows, spending, out=np.zeros(flows.shape), where=spending > 0)
    return shares.transpose(2, 0, 1)


def extent(hats):
    """Return the least and the largest of an array of any shape, NaN where there is one."""
    return float(np.min(hats)), float(np.max(hats))


def trade_weights(trade_shares, trade_cost, trade_elasticity):
    """A[k, i, n] = lambda[k, i, n] hat[i, n, k]^-eps_k, exactly 0 where the hat is infinite.

    trade_shares (K, N, N), trade_elasticity (K,). trade_cost as users give it: a scalar or (K,) for all i != n,
    (N, N, 1) or (N, N, K) for all cells.
    """
    if np.ndim(trade_cost) < 3:
        abroad = ~np.eye(trade_shares.shape[1], dtype=bool)[:, :, None]
        trade_cost = np.where(abroad, trade_cost, np.ones(len(trade_elasticity)))
    hat = trade_cost.transpose(2, 0, 1)
    return trade_shares * np.where(np.isinf(hat), 0.0, hat ** -trade_elasticity[:, None, None])


def slacks(system: System, solution: Solution) -> Slacks:
    """Judge a solution by what its residual does not say: each country's trade and adding-up."""
    state = solution.state
    income = system.labour_income * np.exp(state.wage_bill)
    revenue = system.sales * np.exp(solution.point.sales)
    trade = solution.imports + solution.exports
    gap = np.abs(solution.imports - solution.exports - system.deficits)
    employment = (system.labour_share * system.cost_share * revenue).sum(axis=0) / income
    largest = [-1.0 if part is None else np.abs(part).max() for part in state.residual]
    part = int(np.argmax(largest))
    cells = np.atleast_2d(state.residual[part])
    imbalance = np.divide(gap, trade, out=np.zeros_like(trade), where=trade != 0)
    return Slacks(
        imbalance=imbalance,
        balance=float(imbalance.max()),
        adding_up=float(np.abs(employment - 1.0).max()),
        worst=(part, *map(int, np.unravel_index(np.argmax(np.abs(cells)), cells.shape))),
    )


def changed(system: System, change: Change, tariff=None, export_subsidy=None) -> System:
    """Return the system of one row of `solve_many`.

    A = lambda hat^-eps with hat = tauhat (1+t')(1+x) / ((1+t)(1+x')), border = A / (1+t'), revenue = border (1+x').
    """
    own = {
        name: getattr(change, name)
        for name in ("shift", "markup", "deficits", "trade_elasticity", "feedback")
        if getattr(change, name) is not None
    }
    system = system._replace(**own)
    if change.trade_cost is None and change.tariff is None and change.export_subsidy is None:
        return system
    one = np.ones(system.weights.shape).transpose(1, 2, 0)
    new_t, new_x = (one if rate is None else 1.0 + rate for rate in (change.tariff, change.export_subsidy))
    old_t, old_x = (one if rate is None else 1.0 + rate for rate in (tariff, export_subsidy))
    hat = (one if change.trade_cost is None else change.trade_cost) * (new_t / old_t) * (old_x / new_x)
    weights = trade_weights(system.weights, hat, system.trade_elasticity)
    if system.border is None:
        return system._replace(weights=weights)
    border = weights / new_t.transpose(2, 0, 1)
    return system._replace(weights=weights, border=border, revenue=border * new_x.transpose(2, 0, 1))


def solve_many(
    system: System, changes, tolerance=1e-10, threads=1, tariff=None, export_subsidy=None
) -> Solutions:
    """Solve one system per `Change` of a common base year, whose weights are trade shares.

    `tariff` and `export_subsidy` (N, N, K) are the rates behind its border and revenue. Rows that do not converge
    are nan. `threads` is for the compiled twin.
    """
    price_power, accounts, misses, work = [], [], [], []
    for change in changes:
        found = solve(changed(system, change, tariff, export_subsidy), None, tolerance)
        state, kept = found.state, 1.0 if found.converged else np.nan
        price_power.append(state.price_power * kept)
        accounts.append(np.stack([state.wage_bill, state.expenditure, found.exports, found.imports]) * kept)
        misses.append(
            [found.residual, *(kept * np.array([found.walras, found.last_step, found.branch_bound]))]
        )
        work.append([found.iterations, found.evaluations, found.products])
    return Solutions(*map(np.array, (price_power, accounts, misses, work)))


def _by_component(system: System, values):
    return np.bincount(system.component, values)[system.component]


def _point(system: System, point: Point) -> SimpleNamespace:
    """Equations (1) to (7) at a point."""
    at = SimpleNamespace(live=system.sales > 0, l=system.labour_share, kappa=system.cost_share)
    at.alpha, at.epsilon = system.feedback[:, None], system.trade_elasticity[:, None]
    at.a = system.input_shares
    at.G = system.weights if system.border is None else system.border
    at.H = at.G if system.revenue is None else system.revenue
    at.R = system.sales * np.exp(point.sales)  # (1)
    at.labour = (at.l * at.kappa * at.R).sum(axis=0)
    at.v = np.log(at.labour / system.labour_income)
    at.scale = _by_component(system, at.labour) / _by_component(system, system.labour_income)
    at.ln_c = at.l * at.v  # (2)
    if at.a is not None:
        at.ln_c = at.ln_c + np.einsum("igk,gi->ki", at.a, point.prices)
    ln_u = at.alpha * point.sales - (at.alpha + at.epsilon) * at.ln_c + system.shift  # (3)
    at.u = np.where(at.live, np.exp(ln_u), 0.0)
    at.d = np.einsum("kjn,kj->kn", system.weights, at.u)  # (4)
    at.inputs = (1.0 - at.l) * at.kappa
    deficits = system.deficits * at.scale
    if point.expenditure is None:
        at.E = ((1.0 / system.markup - at.inputs) * at.R).sum(axis=0) + deficits
    else:
        at.E = system.expenditure * np.exp(point.expenditure)
    at.X = system.spending_shares * at.E  # (5)
    if at.a is not None:
        at.X = at.X + np.einsum("nkg,gn->kn", at.a, at.kappa * at.R)
    at.q = np.divide(at.X, at.d, out=np.zeros_like(at.d), where=at.X > 0)
    at.received = np.where(at.live, np.einsum("kin,kn->ki", at.H, at.q), 1.0)
    at.border = np.where(at.live, np.einsum("kin,kn->ki", at.G, at.q), 1.0)
    at.V = system.markup * at.u * at.received  # (6)
    at.b = at.border / (system.markup * at.received)
    at.untaxed = np.einsum("kin,ki->kn", at.G, at.u) / np.where(at.d > 0, at.d, 1.0)
    tariffs = at.X * (1.0 - at.untaxed)
    at.income = ((at.b - at.inputs) * at.R + tariffs).sum(axis=0) + deficits  # (7)
    return at


def evaluate(system: System, point: Point) -> State:
    """Evaluate the hat system at a point: equations (1) to (10)."""
    at = _point(system, point)
    implied = np.where(at.live, at.V, 1.0) / np.where(at.live, system.sales, 1.0)
    price_power = np.log(np.where(at.d > 0, at.d, 1.0))
    f_r = np.where(at.live, point.sales - np.log(implied) + np.log(at.scale), 0.0)
    f_p = None if point.prices is None else point.prices + price_power / at.epsilon
    f_e = None if point.expenditure is None else point.expenditure - np.log(at.income / system.expenditure)
    return State(Point(f_r, f_p, f_e), at.v, at.E, price_power)


def _walras(system: System, point: Point, state: State):
    """Equation (11): world revenue that demand implies over world revenue, less one."""
    sales = system.sales * np.exp(point.sales)
    labour = system.labour_income * np.exp(state.wage_bill)
    growth = _by_component(system, labour) / _by_component(system, system.labour_income)
    return abs((sales * growth * np.exp(-state.residual.sales)).sum() / sales.sum() - 1.0)


def jacobian_product(system: System, point: Point, direction: Point) -> Point:
    """Derivative of the residual at `point` along `direction`."""
    at = _point(system, point)
    x_r = np.where(at.live, direction.sales, 0.0)
    dv = (at.l * at.kappa * at.R * x_r).sum(axis=0) / at.labour
    dscale = _by_component(system, at.labour * dv) / _by_component(system, at.labour)
    dln_c = at.l * dv
    if at.a is not None:
        dln_c = dln_c + np.einsum("igk,gi->ki", at.a, direction.prices)
    dln_u = at.alpha * x_r - (at.alpha + at.epsilon) * dln_c
    over_d = 1.0 / np.where(at.d > 0, at.d, 1.0)
    dln_d = np.einsum("kjn,kj->kn", system.weights, at.u * dln_u) * over_d
    deficits = system.deficits * at.scale * dscale
    if point.expenditure is None:
        dE = ((1.0 / system.markup - at.inputs) * at.R * x_r).sum(axis=0) + deficits
    else:
        dE = at.E * direction.expenditure
    dX = system.spending_shares * dE
    if at.a is not None:
        dX = dX + np.einsum("nkg,gn->kn", at.a, at.kappa * at.R * x_r)
    dq = np.where(at.X > 0, dX * over_d - at.q * dln_d, 0.0)
    dln_received = np.einsum("kin,kn->ki", at.H, dq) / at.received
    y_r = np.where(at.live, x_r - dln_u - dln_received + dscale, 0.0)
    y_p = None if point.prices is None else direction.prices + dln_d / at.epsilon
    if point.expenditure is None:
        return Point(y_r, y_p, None)
    dln_b = np.einsum("kin,kn->ki", at.G, dq) / at.border - dln_received
    duntaxed = np.einsum("kin,ki->kn", at.G, at.u * dln_u) * over_d - at.untaxed * dln_d
    dtariffs = dX * (1.0 - at.untaxed) - at.X * duntaxed
    dincome = (((at.b - at.inputs) * x_r + at.b * dln_b) * at.R + dtariffs).sum(axis=0) + deficits
    return Point(y_r, y_p, direction.expenditure - dincome / at.income)


def pullback(system: System, point: Point, residual: Point, spending=None, price_power=None) -> Pullback:
    """Carry weights on the residual, on E' (N,) and on ln d (K, N) back through equations (10) to (1).

    With weights on the residual alone `unknowns` is the transposed Jacobian times them. With
    ``spending = 1/E'`` and ``price_power = beta/eps`` of one country it is the gradient of its ln welfare.
    """
    at = _point(system, point)
    w_r = np.where(at.live, residual.sales, 0.0)
    taxes = point.expenditure is not None
    ln_d = np.zeros_like(at.d) if price_power is None else np.array(price_power)
    to_E = np.zeros_like(at.E) if spending is None else np.array(spending)
    to_X, to_r, border, untaxed = np.zeros_like(at.d), w_r, None, None
    income = 0.0
    if taxes:
        income = -residual.expenditure / at.income
        border = income * at.b * at.R
        untaxed = -income * at.X
        to_X = to_X + income * (1.0 - at.untaxed)
        to_r = to_r + income * (at.b - at.inputs) * at.R
        ln_d = ln_d - untaxed * at.untaxed
    received = -w_r if border is None else -w_r - border
    if residual.prices is not None:
        ln_d = ln_d + residual.prices / at.epsilon
    to_q = np.einsum("kin,ki->kn", at.H, received / at.received)
    if taxes:
        to_q = to_q + np.einsum("kin,ki->kn", at.G, border / at.border)
    over_d = 1.0 / np.where(at.d > 0, at.d, 1.0)
    to_q = np.where(at.X > 0, to_q, 0.0)
    to_X = to_X + to_q * over_d
    ln_d = ln_d - to_q * at.q
    ln_u = at.u * np.einsum("kin,kn->ki", system.weights, ln_d * over_d) - w_r
    if taxes:
        ln_u = ln_u + at.u * np.einsum("kin,kn->ki", at.G, untaxed * over_d)
    to_E = to_E + (system.spending_shares * to_X).sum(axis=0)
    deficits = system.deficits * at.scale
    to_scale = w_r.sum(axis=0) + deficits * (income if taxes else to_E)
    if not taxes:
        to_r = to_r + (1.0 / system.markup - at.inputs) * at.R * to_E
    ln_c = -(at.alpha + at.epsilon) * ln_u
    to_p = None
    if at.a is not None:
        to_p = residual.prices + np.einsum("igk,ki->gi", at.a, ln_c)
        to_r = to_r + at.kappa * at.R * np.einsum("nkg,kn->gn", at.a, to_X)
    to_v = (at.l * ln_c).sum(axis=0)
    to_v = to_v + _by_component(system, to_scale) * at.labour / _by_component(system, at.labour)
    to_r = to_r + at.alpha * ln_u + at.l * at.kappa * at.R / at.labour * to_v
    to_e = residual.expenditure + at.E * to_E if taxes else None
    unknowns = Point(np.where(at.live, to_r, 0.0), to_p, to_e)
    return Pullback(unknowns, np.where(at.live, ln_u, 0.0), ln_d, received, border, untaxed, to_E)


def jacobian(system: System, point: Point) -> np.ndarray:
    """The Jacobian (moving, moving) at a point over the unknowns that move, in the order of `System.moving`."""
    moves = np.flatnonzero(system.moving())
    columns = []
    for at in moves:
        unit = np.zeros(system.moving().size)
        unit[at] = 1.0
        columns.append(jacobian_product(system, point, system.point(unit)).flat()[moves])
    return np.stack(columns, axis=1)


def solve_linear(system: System, point: Point, right: Point, transposed=False, tolerance=1e-12):
    """Solve J y = `right` with the Jacobian at `point` or its transpose; return (y, relative residual, products)."""
    matrix, moves = jacobian(system, point), system.moving()
    matrix = matrix.T if transposed else matrix
    wanted = right.flat()[moves]
    y = np.zeros(moves.size)
    y[moves] = np.linalg.solve(matrix, wanted)
    left = np.linalg.norm(matrix @ y[moves] - wanted) / max(np.linalg.norm(wanted), 1e-300)
    assert left <= max(tolerance, 1e-9)
    return system.point(y), float(left), len(matrix)


def _flows(system: System, point: Point) -> np.ndarray:
    """Trade [origin, destination] at the border, all industries together."""
    at = _point(system, point)
    return (at.G * at.u[:, :, None] * at.q[:, None, :]).sum(axis=0)


def _trade(flows):
    """Exports and imports of each country."""
    abroad = flows * ~np.eye(len(flows), dtype=bool)
    return abroad.sum(axis=1), abroad.sum(axis=0)


def _branch_bound(system: System, exports, imports, flows) -> float:
    """Largest bound on the imbalance of a branch of the trees that join each component by its largest trade.

    A branch trades with the others no less than its first country with the one it joined.
    """
    trade, gap, bound = flows + flows.T, imports - exports - system.deficits, 0.0
    np.fill_diagonal(trade, 0.0)
    for c in range(system.component.max() + 1):
        left = list(np.flatnonzero(system.component == c))
        tree, joined = [left.pop(int(trade.sum(axis=1)[left].argmax()))], []
        while left:
            link = trade[np.ix_(tree, left)]
            at, to = np.unravel_index(link.argmax(), link.shape)
            joined.append((left[to], tree[at], link[at, to]))
            tree.append(left.pop(to))
        gaps = gap.copy()
        for country, parent, width in reversed(joined):
            bound = max(bound, abs(gaps[country]) / width if width > 0 else np.inf)
            gaps[parent] += gaps[country]
    return float(bound)


def solve(system: System, start=None, tolerance=1e-10, max_iterations=100) -> Solution:
    """Solve for a zero residual by Newton's method with the dense Jacobian: for small systems and for tests.

    Steps are halved until the residual falls. `converged` says whether the largest residual met `tolerance`.
    """
    x, moves = (system.origin() if start is None else start).flat(), system.moving()
    state, step, evaluations, products = evaluate(system, system.point(x)), np.zeros(x.size), 1, 0
    for iteration in range(max_iterations + 1):
        residual = np.abs(state.residual.flat()).max()
        if residual <= tolerance or iteration == max_iterations:
            break
        matrix = jacobian(system, system.point(x))
        products += len(matrix)
        step = np.zeros(x.size)
        step[moves] = np.linalg.solve(matrix, -state.residual.flat()[moves])
        for _ in range(40):
            with np.errstate(all="ignore"):
                trial = evaluate(system, system.point(x + step))
            evaluations += 1
            if np.linalg.norm(trial.residual.flat()) < np.linalg.norm(state.residual.flat()):
                break
            step *= 0.5
        else:
            break
        x, state = x + step, trial
    point = system.point(x)
    flows = _flows(system, point)
    trade = _trade(flows)
    return Solution(
        point, state, *trade, bool(residual <= tolerance), float(residual),
        float(_walras(system, point, state)), float(np.abs(step).max()), iteration, evaluations, products,
        branch_bound=_branch_bound(system, *trade, flows),
    )  # fmt: skip
