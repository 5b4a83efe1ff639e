"""Diagnosis: the paper's Figures 1 to 3 from data, for one country beside its peers, and its target of growth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from exacthat.country_study.claims import MEASURES, Claim, claims, compound_growth
from exacthat.datasets import series, series_countries
from exacthat.growth import required_growth

GROWTH_FROM = 1986  # "since the mid-1980s"
PRODUCTIVITY_FROM = 1991
TARGET_YEARS = 5
TARGET_RISE = (0.40, 0.50)  # of value added per worker in five years, section 5.7
PAPER_START = 3800.0  # USD, as the paper states it
PAPER_BENCHMARKS = {"IND": 6200.0, "IDN": 7800.0}


@dataclass(frozen=True)
class Facts:
    """What the series say of one country; nan where they say nothing.

    industry, manufacturing    last share in GDP, percent
    growth, volatility         mean and standard deviation of growth of manufacturing since 1986, percent a year
    technology                 last share of medium- and high-technology goods in manufactured exports, percent
    value_added, value_added_growth    per worker in manufacturing: last level (USD of 2015) and compound growth
                               since 1991, percent a year
    industry_value_added_growth    the same growth per worker in all industry
    """

    country: str
    industry: float
    manufacturing: float
    growth: float
    volatility: float
    technology: float
    value_added: float
    value_added_growth: float
    industry_value_added_growth: float


@dataclass(frozen=True)
class Target:
    """Growth, percent a year, that takes `start` to `goal` USD per worker in five years."""

    what: str
    start: float
    goal: float
    growth: float


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """Facts of the country and those of its peers that the series hold, claims about it, and growth targets."""

    country: str
    facts: tuple[Facts, ...]
    claims: tuple[Claim, ...]
    targets: tuple[Target, ...]


def diagnose(country: str, peers: Sequence[str]) -> Diagnosis | None:
    """Return the diagnosis of `country`, or None where the embedded series do not hold it.

    Of the claims of the working paper those that concern the country; targets are the paper's for Pakistan,
    and the same rise from the level in the data for any country.

    >>> found = diagnose("PAK", ["VNM"])
    >>> [one.country for one in found.facts], len(found.claims) > 10
    (['PAK', 'VNM'], True)
    >>> diagnose("DEU", []) is None
    True
    """
    held = series_countries()
    if country not in held:
        return None
    facts = tuple(_facts(label) for label in (country, *peers) if label in held)
    concerning = claims() if country == "PAK" else tuple(one for one in claims() if country in one.countries)
    return Diagnosis(country, facts, concerning, tuple(_targets(country, facts[0])))


def _known(name: str, country: str) -> tuple[np.ndarray, np.ndarray]:
    """Return years and values of a series, empty where it holds nothing for the country."""
    held = series(name)
    row = held.values[held.countries.index(country)]
    known = np.isfinite(row)
    return held.years[known], row[known]


def _facts(country: str) -> Facts:
    last = {}
    for name in ("industry_va_pct_gdp", "manuf_va_pct_gdp", "mht_exports_pct_manuf", MEASURES[0]):
        values = _known(name, country)[1]
        last[name] = float(values[-1]) if len(values) else float("nan")
    years, growth = _known("manuf_va_growth_pct", country)
    growth = growth[years >= GROWTH_FROM]
    rates = [
        compound_growth(name, country, PRODUCTIVITY_FROM)[0]
        if len(_known(name, country)[1])
        else float("nan")
        for name in MEASURES
    ]
    return Facts(
        country,
        last["industry_va_pct_gdp"],
        last["manuf_va_pct_gdp"],
        float(growth.mean()) if len(growth) else float("nan"),
        float(growth.std(ddof=1)) if len(growth) > 1 else float("nan"),
        last["mht_exports_pct_manuf"],
        last[MEASURES[0]],
        *rates,
    )


def _targets(country: str, facts: Facts) -> list[Target]:
    starts = [("the paper's level", PAPER_START)] if country == "PAK" else []
    if np.isfinite(facts.value_added):
        starts.append(("the level in the data", facts.value_added))
    goals = [
        (f"{100 * rise:.0f} percent above {where}", start, start * (1.0 + rise))
        for where, start in starts
        for rise in TARGET_RISE
    ]
    if country == "PAK":
        goals += [
            (f"the paper's level of {label}", PAPER_START, goal) for label, goal in PAPER_BENCHMARKS.items()
        ]
    return [
        Target(what, start, goal, 100.0 * float(required_growth(start, goal, TARGET_YEARS)))
        for what, start, goal in goals
    ]
