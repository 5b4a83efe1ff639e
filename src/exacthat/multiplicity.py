"""Is an equilibrium the only one? A theorem where one holds, else a search from random points."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from exacthat.blocs import slacks
from exacthat.conditions import BALANCE
from exacthat.error_bound import DENSE, PROVED, Reported, error_bound
from exacthat.kernels.gravity import cy
from exacthat.kernels.gravity.system import Point, Solution, System
from exacthat.solver import ROUNDING, default_threads

UNIQUE = "proved"
NONE_FOUND = "not found otherwise"
MULTIPLE = "multiple"
STARTS = 20  # random points of a search
STARTS_ABOVE_ONE = 100  # where mu*epsilon of one and above makes several equilibria likely
SPREADS = (0.3, 1.0, 3.0)  # standard deviations of ln(sales) at them, in turn
DISTINCT = 1e-2  # in ln(sales): what two equilibria differ by at least; ten times the largest proved radius


class Uniqueness(NamedTuple):
    """What is known of other equilibria: the verdict, what it rests on, and those found."""

    verdict: str
    method: str
    others: tuple[Solution, ...]


def theorem(system: System) -> str:
    """Name the case of the uniqueness theorem that covers a system, or "" if none does.

    The theorem (docs/uniqueness.md): without input-output links, bilateral taxes and deficits, with spending a
    fixed multiple of labour income in every country, there is exactly one equilibrium if every mu*epsilon that
    acts is below one. With a single industry mu*epsilon does not matter, for a single country only links do.
    Cells that are empty in the base year stay empty: equilibria in which they open are none of this system.
    """
    if system.input_shares is not None:
        return ""
    if len(system.deficits) == 1:
        return "one country"
    if system.border is not None or system.deficits.any():
        return ""
    ratio = np.where(system.sales > 0, system.markup * system.cost_share, np.nan)
    if (np.nanmax(ratio, axis=0) != np.nanmin(ratio, axis=0)).any():
        return ""
    if len(system.sales) == 1:
        return "one industry"
    return "every mu*epsilon below one" if system.feedback.max() < 1.0 else ""


def uniqueness(reported: Reported, tolerance: float) -> Uniqueness:
    """Apply the theorem, else search from random points (the same ones in every run).

    An equilibrium counts as another one if its residual and trade balances meet what a certificate asks, its ln(sales)
    are `DISTINCT` and, up to 2,000 unknowns, a true equilibrium near it is proved. Equilibria in which an industry
    has left a country, normal for mu*epsilon above one, are not looked for.
    """
    case = theorem(reported.system)
    if case:
        return Uniqueness(UNIQUE, f"theorem, {case}", ())
    starts = STARTS if reported.system.feedback.max() < 1.0 else STARTS_ABOVE_ONE
    others, solved = _search(reported, tolerance, starts)
    method = f"{starts} solves from random points, {solved} of which reached an equilibrium"
    return Uniqueness(MULTIPLE if others else NONE_FOUND, method, others)


def _search(reported: Reported, tolerance: float, starts: int) -> tuple[tuple[Solution, ...], int]:
    system, rng = reported.system, np.random.default_rng(0)
    threads = default_threads(system)
    known, others, solved = [reported.point.sales], [], 0
    for start in range(starts):
        found = cy.solve(
            system, _anywhere(rng, system, SPREADS[start % len(SPREADS)]), ROUNDING, 300, threads, halvings=40
        )
        if not found.residual <= tolerance or not slacks(system, found).balance <= BALANCE:
            continue
        solved += 1
        if min(np.abs(found.point.sales - sales).max() for sales in known) <= DISTINCT:
            continue
        if _proved(reported, found):
            known.append(found.point.sales)
            others.append(found._replace(converged=True))
    return tuple(others), solved


def _anywhere(rng, system: System, spread: float) -> Point:
    """Draw ln(sales), by cell and by country; prices and spending follow from there in the solve."""
    origin = system.origin()
    sales = rng.normal(0.0, spread, origin.sales.shape) + rng.normal(0.0, 0.3, len(system.deficits))
    return origin._replace(sales=np.where(system.sales > 0, sales, 0.0))


def _proved(reported: Reported, found: Solution) -> bool:
    """Whether an equilibrium near a solution is proved, where that is affordable."""
    state, system = found.state, reported.system
    spread = system.spending_shares * state.price_power / system.trade_elasticity[:, None]
    ln_welfare = np.log(state.expenditure / system.expenditure) + spread.sum(axis=0)
    unknowns = sum(part.size for part in found.point if part is not None)
    return (
        unknowns > DENSE
        or error_bound(reported._replace(point=found.point, ln_welfare=ln_welfare))[1] == PROVED
    )
