"""The corrective policy s = mu of one country, alone and with all others: exact parts, winners and losers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from exacthat.accounting import closed_economy_gain
from exacthat.certificate import Certificate
from exacthat.economy import Economy
from exacthat.equilibrium import Equilibrium, counterfactual
from exacthat.errors import BadInput
from exacthat.scenario import Policy

ALONE, TOGETHER = "alone", "all together"
NONE = "other_income"  # zero in a base year without deficits and taxes at the border


@dataclass(frozen=True, eq=False)
class Correction:
    """One corrective policy, seen from one country.

    welfare        (N,) change in percent, nan without a certificate
    parts          name -> exact part of the country's log change of welfare, in 100 log points; they add up to
                   100 ln of its welfare hat
    bill           subsidies in percent of the country's national income
    """

    name: str
    welfare: np.ndarray
    parts: Mapping[str, float]
    bill: float
    certificate: Certificate


@dataclass(frozen=True, eq=False)
class Immiserizing:
    """Does correcting alone harm a country that a closed economy, or coordination, would not? In percent."""

    closed: float
    alone: float
    together: float

    @property
    def verdict(self) -> bool:
        """True where the country loses alone although it would gain closed and gains together."""
        return self.alone < 0.0 < min(self.closed, self.together)


def correct(
    base: Economy, country: str, *, tol: float = 1e-10, threads: int | None = None, progress=None
) -> tuple[Correction, Correction, Immiserizing]:
    """Solve the policy of `country` alone and of all countries, and split the country's gain exactly.

    The parts are those of `exacthat.decomposition.decompose(equilibrium, "corrective")`; `base` has no deficits
    and no taxes, so there is no other income among them. Raises `BadInput` for another base year and unknown
    countries.

    >>> world = Economy([[[8.0, 3.0], [2.0, 2.0]], [[2.0, 2.0], [8.0, 3.0]]], 4.0, [0.2, 0.0])
    >>> alone, together, test = correct(world, "C0")
    >>> bool(abs(sum(together.parts.values()) - 100 * np.log1p(together.welfare[0] / 100)) < 1e-8)
    True
    """
    if base.deficits.any() or base.tariff is not None or base.export_subsidy is not None:
        raise BadInput("the split holds without deficits and taxes at the border: purge the deficits first")
    n = int(base.country_index(country)[0])
    solved = []
    for name, countries in ((ALONE, [country]), (TOGETHER, None)):
        if progress is not None:
            progress(f"{country}: corrective policy {name}")
        policy = Policy.corrective(base, countries)
        found = counterfactual(base, policy=policy, tol=tol, threads=threads, on_failure="return")
        solved.append(_correction(name, found, n))
    closed = float(
        100.0 * np.expm1(closed_economy_gain(base.spending_shares[n], base.scale_elasticity, base.entry))
    )
    return *solved, Immiserizing(closed, *(float(one.welfare[n]) for one in solved))


def _correction(name: str, solved: Equilibrium, n: int) -> Correction:
    certified = solved.certificate.ok
    welfare = 100.0 * (solved.welfare_hat - 1.0)
    income = solved.expenditure_hat[n] * solved.economy.expenditure[n]
    return Correction(
        name=name,
        welfare=welfare if certified else np.full_like(welfare, np.nan),
        parts=_parts(solved, n) if certified else {},
        bill=float(100.0 * solved.subsidy_cost[n] / income) if certified else np.nan,
        certificate=solved.certificate,
    )


def _parts(solved: Equilibrium, n: int) -> dict[str, float]:
    terms = solved.decompose("corrective").terms
    return {
        name.replace("_", " "): 100.0 * float(values[n]) for name, values in terms.items() if name != NONE
    }
