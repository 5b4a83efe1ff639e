"""Carry out a plan."""

from __future__ import annotations

from exacthat.checks import number, thread_count
from exacthat.country_study import CountryStudy, country_study
from exacthat.equilibrium import LARGEST_TOLERANCE
from exacthat.errors import BadInput
from exacthat.published import nafta, table5
from exacthat.scenarios.file import COUNTRY_STUDY, Plan
from exacthat.study import Progress, Result, corrective_policy, counterfactuals, trade_gains


def run(
    plan: Plan, *, tol: float = 1e-10, threads: int | None = None, progress: Progress | None = None
) -> Result | CountryStudy:
    """Return what the study that `plan` describes found.

    `tol` is at most 1e-6. Raises `BadInput` for what is no plan, and as the functions of `exacthat.study` do.

    >>> from exacthat.scenarios import find
    >>> run(find("autarky-wiod2008")).columns["gains_from_trade"].round(1)
    array([23.5, 32.7, 12.7,  4. ,  4.4])
    """
    if not isinstance(plan, Plan):
        raise BadInput(f"plan is a {type(plan).__name__}; pass what exacthat.scenarios.find or read returns")
    tol, threads = number(tol, "tol", 0.0, LARGEST_TOLERANCE), thread_count(threads)
    if plan.kind == COUNTRY_STUDY:
        country, *peers = plan.countries
        numbers = {"draws": plan.draws, "seed": plan.seed, "learning": plan.learning, "tol": tol}
        return country_study(plan.economy, country, peers, **numbers, threads=threads, progress=progress)
    options = {"deficits": plan.deficits, "threads": threads, "progress": progress}
    if plan.kind == "corrective-policy":
        return corrective_policy(plan.economy, plan.countries, tol=tol, **options)
    if plan.kind == "gains-from-trade":
        elasticity = plan.single_industry_elasticity
        return trade_gains(plan.economy, plan.countries, single_industry_elasticity=elasticity, **options)
    if plan.kind == "table5":
        return table5(tol=tol, threads=threads, progress=progress)
    if plan.kind == "nafta":
        return nafta(plan.economy, plan.countries, tol=tol, threads=threads, progress=progress)
    return counterfactuals(plan.economy, plan.changes, plan.countries, tol=tol, **options)
