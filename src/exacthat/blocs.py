"""Trade between groups of countries: their relative wages hang on it, however small it is.

Two groups that trade much inside and little with one another meet all conditions by country to a high precision
whatever their relative wage is; only the balance of what passes between them tells it. The groups that count are the
sides of the links of a tree that joins the countries by their largest trade: a group that only thin trade joins to the
others is one of them, or what two or more of them differ by.
"""

from __future__ import annotations

import numpy as np

from exacthat.conditions import BALANCE
from exacthat.kernels.gravity import cy
from exacthat.kernels.gravity.system import Slacks, Solution, System


def slacks(system: System, solution: Solution) -> Slacks:
    """Judge a solution by `cy.slacks`, with groups of countries in its balance where it might be above `BALANCE`."""
    found = cy.slacks(system, solution)
    if solution.branch_bound <= BALANCE:  # a bound: the groups' own imbalances are below
        return found
    between, _ = largest_imbalance(system, solution)
    return found if between <= found.balance else found._replace(balance=between)


def largest_imbalance(system: System, solution: Solution) -> tuple[float, np.ndarray]:
    """|imports - exports - deficit| over trade of the group with the largest, and who is in it (N,)."""
    between = flows(system, solution)
    if not _possible(between):
        return np.inf, np.ones(len(between), dtype=bool)
    inside, root = groups(between)
    sold, bought = crossing(between, inside)
    gap = np.abs(bought - sold - inside @ system.deficits)
    imbalance = np.divide(gap, bought + sold, out=np.zeros(len(gap)), where=~root)
    at = int(np.argmax(imbalance))
    return float(imbalance[at]), inside[at]


def thin(system: System, solution: Solution, share: float) -> bool:
    """Whether some group of countries trades, but less than a share of the spending on either side."""
    between, spending = flows(system, solution), solution.state.expenditure
    if not _possible(between):
        return False
    inside, root = groups(between)
    trade = sum(crossing(between, inside))
    smaller = np.minimum(inside @ spending, ~inside @ spending)
    return bool((trade < share * smaller)[~root].any())


def _possible(between) -> bool:
    """Whether these are flows of goods: iterates of a solve that fails can have negative ones."""
    with np.errstate(over="ignore"):
        return bool((between >= 0).all() and np.isfinite(between.sum()))


def crossing(between, inside) -> tuple[np.ndarray, np.ndarray]:
    """What the groups in the rows of `inside` sell to others and what they buy from them."""
    sold, bought = (((inside @ way) * ~inside).sum(axis=1) for way in (between, between.T))
    return sold, bought


@np.errstate(all="ignore")  # iterates and proposals may leave the range of numbers: `_possible` tells
def flows(system: System, solution: Solution) -> np.ndarray:
    """Trade (N, N) at the border, all industries together."""
    state, border = solution.state, system.weights if system.border is None else system.border
    ln_u, spending = price_power(system, solution), system.spending_shares * state.expenditure
    if system.input_shares is not None:
        revenue = system.sales * np.exp(solution.point.sales)
        spending = spending + np.einsum("nkg,gn->kn", system.input_shares, system.cost_share * revenue)
    total = np.zeros(system.weights.shape[1:])
    for k, live in enumerate(system.sales > 0):
        relative = np.exp(np.where(live, ln_u[k], -np.inf)[:, None] - state.price_power[k])
        total += border[k] * np.where(border[k] > 0, relative, 0.0) * spending[k]
    return total


def groups(between) -> tuple[np.ndarray, np.ndarray]:
    """Trees of the largest trade that joins countries: who is in the branch from each on (N, N), and the roots (N,).

    The root of each tree is the country that trades most; a branch is one side of the link that leads to it.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import breadth_first_order, connected_components, minimum_spanning_tree

    trade = between + between.T
    np.fill_diagonal(trade, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        length = np.where(trade > 0, 1.0 + np.log(trade.max()) - np.log(trade), 0.0)
    tree = minimum_spanning_tree(csr_array(length))
    label = connected_components(tree, directed=False)[1]
    inside, root = np.eye(len(trade), dtype=bool), np.zeros(len(trade), dtype=bool)
    for c in range(label.max() + 1):
        members = np.flatnonzero(label == c)
        first = members[np.argmax(trade[members].sum(axis=1))]
        root[first] = True
        order, parents = breadth_first_order(tree, first, directed=False)
        for country in order[:0:-1]:
            inside[parents[country]] |= inside[country]
    return inside, root


def price_power(system: System, solution: Solution) -> np.ndarray:
    """ln u (K, N): factory price hats to the power -epsilon, equation (3) of the kernel."""
    point, state = solution.point, solution.state
    alpha, epsilon = system.feedback[:, None], system.trade_elasticity[:, None]
    ln_cost = system.labour_share * state.wage_bill
    if system.input_shares is not None:
        ln_cost = ln_cost - np.einsum("igk,gi->ki", system.input_shares, state.price_power / epsilon)
    return alpha * point.sales - (alpha + epsilon) * ln_cost + system.shift
