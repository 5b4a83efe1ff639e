"""What a result misses, and what to do about it: the words of `NotConverged`, `NotCertified` and `NoEquilibrium`."""

from __future__ import annotations

import numpy as np

from exacthat.blocs import largest_imbalance
from exacthat.conditions import BALANCE
from exacthat.kernels.gravity import cy

THIN = "End it with infinite trade costs, or use a smaller shock"
ROUNDING = 1e-12  # a residual up to here, where the tolerance is smaller still


def unfinanced(result, ends: str) -> str:
    """Say how far the deficits can be financed after the change, and who is to lend most."""
    lent = -result.deficits / result.economy.labour_income
    n = int(np.argmax(lent))
    return (
        f"the deficits cannot be financed after this change: at {ends}, a lender's spending falls to zero. The largest "
        f"lender, {result.countries[n]!r}, is to lend {lent[n]:.3g} of its base-year labour income, more than it can "
        "earn abroad: pass deficits='zero' or smaller ones"
    )


def failure(result) -> str:
    """Say what a result misses and what to do."""
    certificate = result.certificate
    if certificate.balance > BALANCE and certificate.residual <= certificate.tolerance:
        gap = cy.slacks(result._system, result._solution).imbalance
        n = int(np.argmax(gap))
        if gap[n] <= BALANCE:
            between, inside = largest_imbalance(result._system, result._solution)
            names = ", ".join(repr(result.countries[i]) for i in np.flatnonzero(inside))
            return (
                f"trade of the group {names} with the others is small and misses its balance by {between:.1e} of "
                f"itself: too little to tell their relative wage. {THIN}"
            )
        trade = (
            result._solution.imports[n] + result._solution.exports[n]
        ) / result._solution.state.expenditure[n]
        return (
            f"trade of country {result.countries[n]!r} is {trade:.1e} of its spending and misses its balance by "
            f"{gap[n]:.1e} of itself: too little to tell its wage. {THIN}"
        )
    reached = max(certificate.residual, certificate.walras)
    if certificate.tolerance < reached <= ROUNDING:
        return (
            f"the residual {certificate.residual:.1e} and Walras' slack {certificate.walras:.1e} are rounding: "
            f"tol={certificate.tolerance:.0e} is below what any solve reaches. Pass tol={10.0 * reached:.0e} or larger"
        )
    if certificate.alpha_max >= 1.0:
        return (
            f"the equilibrium of the base year was followed over {certificate.completed:.3g} percent of the change; "
            "its branch may end there, since with mu*epsilon of one and above an industry can leave a country for "
            "good. Try a smaller change"
        )
    followed = (
        f"the solution was followed over {np.floor(10 * certificate.completed) / 10:g} percent of the change"
    )
    return (
        f"the solver stopped at a residual of {certificate.residual:.2e} (tolerance {certificate.tolerance:.0e}), "
        f"worst in country {certificate.worst[0]!r}, industry {certificate.worst[1]!r}; {followed}. Try a smaller "
        "change, or lower scale elasticities"
    )
