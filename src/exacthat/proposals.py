"""certify(): judge a proposed solution, ours or another program's, by the equilibrium conditions alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from exacthat.assembly import Problem, assemble, check_baseline
from exacthat.blocs import largest_imbalance, slacks
from exacthat.certificate import Certificate
from exacthat.checks import number, numbers
from exacthat.conditions import BALANCE, NOT_CONVERGED
from exacthat.economy import Economy, require_economy
from exacthat.equilibrium import LARGEST_TOLERANCE, equilibrium_of
from exacthat.errors import BadInput, NotCertified
from exacthat.kernels.gravity import cy
from exacthat.kernels.gravity.system import Point, System
from exacthat.scenario import Policy, Shock, check_changes
from exacthat.solver import Outcome, default_threads

SHOWN = 5  # cells named in an error
ROUNDS = 5000  # of price and spending iterations
PRECISION = 1e-14


def certify(
    economy: Economy,
    shock: Shock | None = None,
    policy: Policy | None = None,
    *,
    wage_hat,
    output_share_hat,
    deficits="fixed",
    tol: float = 1e-9,
) -> Certificate:
    """Judge whether proposed wages and employment shares are an equilibrium of a scenario.

    Parameters
    ----------
    economy, shock, policy, deficits
        The scenario, as in `counterfactual`; mu*epsilon of any size is admitted.
    wage_hat : (N,)
        Wages per unit of labour, new over old, in any numeraire (one of its own in each group of countries that
        trades with no one else).
    output_share_hat : (N, K)
        Employment shares, new over old. Where the base year has no output the entry is not read; where the shock
        leaves no market it must be zero (below `tol`).
    tol : float
        What every condition must meet, at most 1e-6.

    All other unknowns follow: with the numeraire of `counterfactual`, sales are what, Lhat and yhat make of the
    base year's, prices and spending solve equations (9) and (10) of ``exacthat.kernels.gravity.ref`` given them.
    Judged are (8), the log of each cell's sales over what demand implies, the adding-up of each country's
    employment shares (both by `tol`), and the trade balances of each country and of each group that trades little
    with the others, by 1e-7 of that trade.

    Returns the certificate, with `error_bound` for the welfare that the proposal implies.

    Raises `NotCertified`, which names the worst cells and carries the certificate (None where wages or shares are
    not positive); `BadInput` for arrays of another shape or with entries that are not finite; all that
    `counterfactual` refuses.

    >>> import exacthat as eh
    >>> world = eh.Economy([[[8.0], [2.0]], [[2.0], [8.0]]], 4.0, countries=["HOM", "FOR"])
    >>> shock = eh.Shock(trade_cost=2.0)              # symmetric: wages stay equal, in any numeraire
    >>> eh.certify(world, shock, wage_hat=[7.0, 7.0], output_share_hat=[[1.0], [1.0]]).outcome
    'certified'
    """
    require_economy(economy)
    check_changes(shock, policy)
    tol = number(tol, "tol", 0.0, LARGEST_TOLERANCE)
    check_baseline(economy)
    wage, share = (
        _finite(wage_hat, "wage_hat", 1, economy),
        _finite(output_share_hat, "output_share_hat", 2, economy),
    )
    if wage.max() > 0:
        wage = wage / wage.max()  # any numeraire will do: one in which sums stay in the range of numbers
    problem = assemble(economy, shock or Shock(), policy, deficits, allow_multiple=True)
    system = problem.system
    live = system.sales.T > 0
    faults = [f"the wage of {economy.countries[i]!r} is {wage[i]:g}" for i in np.flatnonzero(wage <= 0)]
    faults += [
        f"the employment share of {_cell(economy, i, k)} is {share[i, k]:g} of the base year's, but there is demand"
        for i, k in np.argwhere(live & (share <= 0))
    ]
    if faults:
        raise NotCertified(f"an equilibrium is positive, but {'; '.join(faults[:SHOWN])}")
    ln_sales = np.log(np.where(live, share, 1.0)) + np.where(
        live, np.log(wage * problem.labour)[:, None], 0.0
    )
    total = (economy.output_shares * np.where(live, share, 0.0)).sum(axis=1)
    income = system.labour_income * wage * problem.labour
    of_group = lambda values: np.bincount(system.component, values)[system.component]  # noqa: E731
    ln_unit = np.log(of_group(income) / of_group(system.labour_income))
    point = _completed(system, np.where(live, ln_sales - ln_unit[:, None], 0.0).T)
    solution = cy.solve(system, point, tol, 0, default_threads(system))
    judged = slacks(system, solution)
    outcome = Outcome(solution, judged, "proposed solution", 100.0)
    certificate = equilibrium_of(economy, policy, deficits, problem, outcome, tol).certificate
    certificate = replace(certificate, adding_up=float(np.abs(total - 1.0).max()))
    faults = _faults(economy, problem, solution, judged, share, total, tol)
    if not faults and certificate.ok:
        return certificate
    if not np.isfinite(solution.residual):
        faults = ["demand leaves the range of numbers at these wages and shares"]
    faults = faults or [f"world sales differ from what demand implies by {certificate.walras:.2e}"]
    raise NotCertified("; ".join(faults), certificate=replace(certificate, outcome=NOT_CONVERGED))


def _finite(given, name: str, axes: int, economy: Economy) -> np.ndarray:
    labels = (economy.countries, economy.industries)[:axes]
    values, shape = numbers(given, name, *labels), tuple(map(len, labels))
    if values.shape != shape:
        raise BadInput(f"{name} has shape {values.shape}; it must be {shape}")
    read = np.ones(shape, dtype=bool) if axes == 1 else economy.sales > 0
    faults = [
        f"{name} of {_cell(economy, *at)} is {values[tuple(at)]:g}; it must be finite"
        for at in np.argwhere(read & ~np.isfinite(values))
    ]
    if faults:
        raise BadInput(faults)
    return values


def _cell(economy: Economy, i, k=None) -> str:
    country = f"country {economy.countries[i]!r}"
    return country if k is None else f"{country}, industry {economy.industries[k]!r}"


def _completed(system: System, sales) -> Point:
    """Find prices and spending given sales, by iterating equations (9) and (10)."""
    point = system.origin()._replace(sales=sales)
    if point.prices is None and point.expenditure is None:
        return point
    threads = default_threads(system)
    for _ in range(ROUNDS):
        try:
            missed = cy.evaluate(system, point, threads).residual
        except ArithmeticError:
            break
        parts = [(x, f) for x, f in zip(point[1:], missed[1:]) if x is not None]
        if max(np.abs(f).max() for _, f in parts) <= PRECISION:
            break
        point = Point(sales, *(None if x is None else x - f for x, f in zip(point[1:], missed[1:])))
    return point


def _faults(economy: Economy, problem: Problem, solution, judged, share, total, tol) -> list[str]:
    """Name the worst cells of each condition that is not met."""
    missed, gap = solution.state.residual, judged.imbalance
    order = np.argsort(np.abs(missed.sales.T), axis=None)[::-1][:SHOWN]
    cells = [np.unravel_index(at, share.shape) for at in order]
    faults = [
        f"sales of {_cell(economy, i, k)} are {missed.sales[k, i]:+.2e} (in logs) away from demand"
        for i, k in cells
        if not abs(missed.sales[k, i]) <= tol
    ]
    faults += [
        f"employment shares of {_cell(economy, i)} sum to one {total[i] - 1.0:+.2e}"
        for i in np.argsort(-np.abs(total - 1.0))[:SHOWN]
        if not abs(total[i] - 1.0) <= tol
    ]
    ended = (economy.sales > 0) & (problem.system.sales.T == 0)
    faults += [
        f"{_cell(economy, i, k)} has no market left, but its employment share is {share[i, k]:g} of the base year's"
        for i, k in np.argwhere(ended & ~(np.abs(share) <= tol))[:SHOWN]
    ]
    faults += [
        f"trade of {_cell(economy, i)} misses its balance by {gap[i]:.2e} of itself"
        for i in np.argsort(-gap)[:SHOWN]
        if not gap[i] <= BALANCE
    ]
    if not faults and not judged.balance <= BALANCE:
        between, inside = largest_imbalance(problem.system, solution)
        names = ", ".join(repr(economy.countries[i]) for i in np.flatnonzero(inside))
        faults.append(
            f"trade of the group {names} with the others misses its balance by {between:.2e} of itself"
        )
    for part, what in ((missed.prices, "prices"), (missed.expenditure, "spending")):
        if part is not None and not np.abs(part).max() <= tol:
            i = int(np.unravel_index(np.argmax(np.abs(part)), part.shape)[-1])
            faults.append(f"no {what} of {_cell(economy, i)} go with these wages and shares")
    return faults
