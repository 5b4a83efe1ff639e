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


@dataclass(frozen=True, eq=False)
class Correction:
    """One corrective policy, seen from one country.

    welfare        (N,) change in percent, nan without a certificate
    parts          name -> exact part of the country's log change of welfare, in 100 log points; they add up to
                   100 ln of its welfare hat
    bill           subsidies in percent of the country's national income
    employment     (K,) change of the country's employment shares, percentage points
    """

    name: str
    welfare: np.ndarray
    parts: Mapping[str, float]
    bill: float
    employment: np.ndarray
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

    `base` must be a world without deficits, links, taxes, under free entry [MODEL section 2]: with m = 1 + mu,
    y' the new employment shares, y* = (y'/m)/sum(y'/m) and b spending shares,

        ln W = E_y[m ln m] - E_y[m] ln E_y*[m] + E_y[mu ln(y*/y)]      "efficiency"
             - sum (y - b) (mu ln(y'/y) + ln m)                        "transfer abroad"
             - sum (b/epsilon) ln(domestic share, new over old)        "gains from trade"

    and, where the country buys goods it does not make, what is left: "goods it does not make".
    Raises `BadInput` for another base year and unknown countries.

    >>> world = Economy([[[8.0, 3.0], [2.0, 2.0]], [[2.0, 2.0], [8.0, 3.0]]], 4.0, [0.2, 0.0])
    >>> alone, together, test = correct(world, "C0")
    >>> bool(abs(sum(together.parts.values()) - 100 * np.log1p(together.welfare[0] / 100)) < 1e-8)
    True
    """
    taxed = base.tariff is not None or base.export_subsidy is not None or base.production_subsidy.any()
    if base.entry != "free" or base.deficits.any() or taxed or base.input_shares is not None:
        raise BadInput(
            "the split holds under free entry without deficits, taxes and links: purge the deficits"
        )
    n = int(base.country_index(country)[0])
    solved = []
    for name, countries in ((ALONE, [country]), (TOGETHER, None)):
        if progress is not None:
            progress(f"{country}: corrective policy {name}")
        policy = Policy.corrective(base, countries)
        found = counterfactual(base, policy=policy, tol=tol, threads=threads, on_failure="return")
        solved.append(_correction(name, found, n))
    closed = float(100.0 * np.expm1(closed_economy_gain(base.spending_shares[n], base.scale_elasticity)))
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
        employment=100.0 * (solved.output_shares[n] - solved.economy.output_shares[n]),
        certificate=solved.certificate,
    )


def _parts(solved: Equilibrium, n: int) -> dict[str, float]:
    base = solved.economy
    y, b, m = base.output_shares[n], base.spending_shares[n], 1.0 + base.scale_elasticity
    mu, epsilon = base.scale_elasticity, base.trade_elasticity
    made = y > 0
    starred = solved.output_shares[n] / m
    starred = starred / starred.sum()
    moved = np.log(np.where(made, solved.output_shares[n], 1.0) / np.where(made, y, 1.0))
    moved_star = np.log(np.where(made, starred, 1.0) / np.where(made, y, 1.0))
    domestic = np.einsum("nnk->nk", solved.trade_shares)[n]
    opened = np.log(np.where(made, domestic, 1.0) / np.where(made, base.domestic_shares[n], 1.0))
    efficiency = (y * m * np.log(m)).sum() - (y * m).sum() * np.log((starred * m).sum())
    parts = {
        "efficiency": efficiency + (y * mu * moved_star).sum(),
        "transfer abroad": -((y - b) * np.where(made, mu * moved + np.log(m), 0.0)).sum(),
        "gains from trade": -(b / epsilon * opened).sum(),
    }
    if (b[~made] > 0).any():
        parts["goods it does not make"] = np.log(solved.welfare_hat[n]) - sum(parts.values())
    return {key: 100.0 * float(value) for key, value in parts.items()}
