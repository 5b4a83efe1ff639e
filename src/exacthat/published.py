"""Two published tables through the general path: industrial policy (Table 5 of LL), NAFTA (Table 2 of CP).

LL: Lashkaripour and Lugovskyy (2023, American Economic Review 113(10)). CP: Caliendo and Parro (2015,
Review of Economic Studies 82(1)).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from exacthat import datasets
from exacthat.certificate import Certificate
from exacthat.decomposition import caliendo_parro_terms
from exacthat.economy import Economy
from exacthat.equilibrium import counterfactual
from exacthat.scenario import Policy
from exacthat.study import BASE_YEAR, TOGETHER, Progress, Result, base_year, chosen, percent_change

ENTRY = ("restricted", "free")
TARIFFS = ("swapped", "right")  # the paper's programs read the importer as the origin
OUTSIDE = "ROW"  # acts with the others, but is no country of the table
ADDED = 1.0  # million USD, which the paper adds to every flow before it removes deficits
MEMBERS = ("MEX", "CAN", "USA")
# What the papers print, in percent; the policies of LL under the tariffs as their programs read them.
PRINTED_LL = MappingProxyType(
    {
        ("restricted", "alone"): -0.32,
        ("restricted", "together"): 1.67,
        ("free", "alone"): -2.78,
        ("free", "together"): 3.42,
    }
)
PRINTED_CP = MappingProxyType({"MEX": 1.31, "CAN": -0.06, "USA": 0.08})


def paper_world(entry: str, tariffs: str, threads: int | None = None) -> tuple[Economy, Certificate]:
    """Return the base year of Table 5 of LL under one entry regime, and its certificate.

    "swapped" tariffs: the paper's own balanced flows, which are checked as an equilibrium. "right": the same
    handling with the importer as the destination, see `without_deficits`.
    """
    published = datasets.load("wiod2014", as_published=True, entry=entry)
    if tariffs == "swapped":
        return published, counterfactual(published, threads=threads).certificate
    raw = datasets.load("wiod2014", entry=entry, trade_elasticity=published.trade_elasticity)
    return without_deficits(raw, threads)


def without_deficits(raw: Economy, threads: int | None = None) -> tuple[Economy, Certificate]:
    """Add `ADDED` to every flow and remove deficits as LL do; return that base year and its certificate.

    Under free entry they remove deficits at constant returns to scale (mu = 0) and put the scale elasticities
    back afterwards: with swapped tariffs this gives the balanced flows in their files, with scale effects it does not.
    """
    constant = raw.scale_elasticity if raw.entry == "restricted" else 0.0
    observed = replace(raw, flows=raw.flows + ADDED, expenditure_shares=None, scale_elasticity=constant)
    balanced, certificate = base_year(observed, threads)
    return replace(balanced, scale_elasticity=raw.scale_elasticity), certificate


def table5(*, tol: float = 1e-10, threads: int | None = None, progress: Progress | None = None) -> Result:
    """Tabulate the corrective policy s = mu as in Table 5 of LL, one row per country (43, without `ROW`).

    Columns, changes of welfare in percent: `restricted_alone_swapped`, ... for every pair of entry regime
    and policy (the country alone, all 44 together) and for both orientations of the tariffs. `summary` holds
    mean and median over the rows and what the paper prints. Certificates: 43 + 2 per world.

    Raises `NotConverged` if a base year misses its tolerance; another equilibrium that does leaves nan.
    """
    tell = progress or (lambda name: None)
    columns, certificates, welfare = {}, {}, {}
    for entry in ENTRY:
        worlds = {}
        for tariffs in TARIFFS:
            prefix = f"{entry} entry, {tariffs} tariffs: "
            tell(prefix + BASE_YEAR)
            worlds[tariffs], certificates[prefix + BASE_YEAR] = paper_world(entry, tariffs, threads)
        countries = [country for country in worlds["swapped"].countries if country != OUTSIDE]
        alone, together = {}, {}
        for tariffs, world in worlds.items():
            prefix = f"{entry} entry, {tariffs} tariffs: "
            for country in (*countries, None):
                name = prefix + (TOGETHER if country is None else f"{country} alone")
                tell(name)
                policy = Policy.corrective(world, None if country is None else [country])
                solved = counterfactual(world, policy=policy, tol=tol, threads=threads, on_failure="return")
                certificates[name] = solved.certificate
                welfare[name] = percent_change(solved, "welfare_hat")
            at = world.country_index(countries)
            own = (welfare[f"{prefix}{country} alone"][n] for country, n in zip(countries, at))
            alone[tariffs], together[tariffs] = np.array(list(own)), welfare[prefix + TOGETHER][at]
        columns |= {f"{entry}_alone_{tariffs}": alone[tariffs] for tariffs in TARIFFS}
        columns |= {f"{entry}_together_{tariffs}": together[tariffs] for tariffs in TARIFFS}
    printed = [
        PRINTED_LL[entry, policy] if tariffs == "swapped" else np.nan
        for entry, policy, tariffs in (name.split("_") for name in columns)
    ]
    summary = {
        "mean": np.array([values.mean() for values in columns.values()]),
        "median": np.array([np.median(values) for values in columns.values()]),
        "printed": np.array(printed),
    }
    rows = tuple((country,) for country in countries)
    return Result(
        "table5", worlds["swapped"], ("country",), rows, columns, certificates, welfare, summary=summary
    )


def nafta(
    economy: Economy,
    countries: Sequence[str] | None = None,
    *,
    tol: float = 1e-10,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Result:
    """Tabulate the tariff cuts among MEX, CAN and USA from 1993 to 2005, as in Table 2 of CP.

    `economy` is `datasets.load("nafta1993")`; all other tariffs stay those of 1993, deficits are zero before
    and after. Columns, in percent, one row per country: `terms_of_trade`, `volume_of_trade` and their sum
    `welfare_first_order`, the formula the paper prints; `real_income` (exact change of real final
    spending, I/P) and `real_wage`.

    Raises `BadInput` for unknown countries, `NotConverged` if the base year misses its tolerance.
    """
    at, countries = chosen(economy, countries)
    tell = progress or (lambda name: None)
    tell(BASE_YEAR)
    base, certificate = base_year(economy, threads)
    name = "tariffs of 2005 among " + ", ".join(MEMBERS)
    tell(name)
    members = base.country_index(MEMBERS)
    among = np.ix_(members, members)
    tariff = np.array(base.tariff)
    tariff[among] = datasets.arrays("nafta1993")["tariff2005"][among]
    solved = counterfactual(base, policy=Policy(tariff=tariff), tol=tol, threads=threads, on_failure="return")
    held = 1.0 if solved.certificate.ok else np.nan
    terms = dict.fromkeys(("terms_of_trade", "volume_of_trade"), np.full(len(base.countries), np.nan))
    if solved.certificate.ok:
        terms |= caliendo_parro_terms(solved).terms
    columns = {key: 100.0 * values[at] for key, values in terms.items()}
    columns["welfare_first_order"] = 100.0 * sum(terms.values())[at]
    columns["real_income"] = percent_change(solved, "welfare_hat")[at]
    columns["real_wage"] = 100.0 * held * (solved.wage_hat / solved.price_index_hat - 1.0)[at]
    rows = tuple((country,) for country in countries)
    certificates = {BASE_YEAR: certificate, name: solved.certificate}
    welfare = {name: percent_change(solved, "welfare_hat")}
    return Result("nafta", base, ("country",), rows, columns, certificates, welfare)
