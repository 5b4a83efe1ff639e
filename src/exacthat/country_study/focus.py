"""The paper's focus sectors: which industry of the data holds them, and what static support for one does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exacthat.certificate import Certificate
from exacthat.economy import Economy
from exacthat.equilibrium import counterfactual
from exacthat.scenario import Policy

CORRECTIVE, TENTH = "s = mu", "s = 0.1"


@dataclass(frozen=True)
class FocusSector:
    """A sector that section 4.5 of SDPI working paper 213 names, and where the data have it.

    industry      label in `icio2019`, or None where no industry that scales or learns holds it
    note          what else lies in that industry
    """

    name: str
    industry: str | None
    note: str


SECTORS = (
    FocusSector("textiles, apparel, leather and footwear", "C13T15",
                "leather and footwear cannot be told apart from textiles"),
    FocusSector("food processing (agribusiness)", "C10T12", "beverages and tobacco lie in it"),
    FocusSector("pharmaceuticals", "C21", "its elasticities are those of chemicals as a whole"),
    FocusSector("sporting goods, surgical and medical devices", "C31T33",
                "furniture, jewellery, toys and repair lie in it; instruments of precision lie in C26"),
    FocusSector("IT and services", None, "inside SERV, which has no scale economies here: support cannot be judged"),
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Support:
    """A production subsidy to one industry of one country, nothing else changing; percent.

    welfare       change of the country's welfare; nan without a certificate
    bill          subsidies over its national income
    employment    change of the industry's share in employment, percentage points
    """

    sector: FocusSector
    rule: str
    rate: float
    welfare: float
    bill: float
    employment: float
    certificate: Certificate


def supports(
    base: Economy, country: str, *, tol: float = 1e-10, threads: int | None = None, progress=None
) -> tuple[Support, ...]:
    """Solve for support of each focus sector of `country` alone: at its scale elasticity and at ten percent.

    Support of one industry is no corrective policy: it is judged against no support of any. Raises
    `BadInput` for an unknown country.

    >>> from exacthat import datasets
    >>> found = supports(datasets.load("icio2019", deficits="zero"), "PAK")
    >>> len(found), all(one.certificate.ok for one in found)
    (8, True)
    """
    n = int(base.country_index(country)[0])
    found = []
    for sector in SECTORS:
        if sector.industry is None:
            continue
        k = base.industries.index(sector.industry)
        for rule, rate in ((CORRECTIVE, float(base.scale_elasticity[k])), (TENTH, 0.1)):
            if progress is not None:
                progress(f"support of {sector.industry} at {rule}")
            rates = np.array(base.production_subsidy)
            rates[n, k] = rate
            policy = Policy(production_subsidy=rates, large_rates=True)
            solved = counterfactual(base, policy=policy, tol=tol, threads=threads, on_failure="return")
            found.append(_support(sector, rule, rate, solved, n, k))
    return tuple(found)


def _support(sector, rule, rate, solved, n, k) -> Support:
    income = solved.expenditure_hat[n] * solved.economy.expenditure[n] - solved.deficits[n]
    changes = (
        100.0 * (solved.welfare_hat[n] - 1.0),
        100.0 * solved.subsidy_cost[n] / income,
        100.0 * (solved.output_shares[n, k] - solved.economy.output_shares[n, k]),
    )
    held = solved.certificate
    welfare, bill, employment = map(float, changes) if held.ok else (float("nan"),) * 3
    return Support(sector, rule, rate, welfare, bill, employment, held)
