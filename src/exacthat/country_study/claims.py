"""What SDPI working paper 213 says of industry in Pakistan and its peers, held against the embedded series.

A claim is put in words of this package. Its verdict follows from numbers computed in the run: "confirmed"
where every part holds, "roughly" where every part holds within a margin that the part states, "not confirmed"
otherwise. A stated size holds within 5 percent of itself and roughly within 20; a stated bound holds as
it stands and roughly within 10 percent of the bound.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exacthat.datasets import series

CONFIRMED, ROUGHLY, NOT = "confirmed", "roughly", "not confirmed"
SIZE, SIZE_ROUGHLY, BOUND_ROUGHLY = 0.05, 0.20, 0.10
SIX = ("PAK", "BGD", "VNM", "IND", "IDN", "MYS")
MEASURES = ("manuf_va_per_worker_usd", "manuf_va_per_industry_worker_usd")


@dataclass(frozen=True)
class Claim:
    """One statement of the paper: where it stands, what it says, what the data say, and the verdict.

    `countries` are those it is about; `series` the data it was held against.
    """

    figure: str
    countries: tuple[str, ...]
    statement: str
    found: str
    series: tuple[str, ...]
    verdict: str


def claims() -> tuple[Claim, ...]:
    """Hold every claim about Figures 1 to 3 and section 5.7 against the data.

    >>> {claim.verdict for claim in claims()} <= {CONFIRMED, ROUGHLY, NOT}
    True
    """
    return (*_structure(), *_growth(), *_technology(), *_productivity())


def at(name: str, country: str, year: int) -> float:
    """Return the value of a series in `year`, or in the nearest year that has one."""
    years, values = series(name).of(country)
    return float(values[np.argmin(np.abs(years - year))])


def between(name: str, country: str, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
    """Return years and values of a series from `first` to `last`, both included."""
    years, values = series(name).of(country)
    inside = (years >= first) & (years <= last)
    return years[inside], values[inside]


def compound_growth(name: str, country: str, first: int) -> tuple[float, int, int]:
    """Return compound growth in percent a year from `first` to the last year, and the two years."""
    years, values = between(name, country, first, 9999)
    rate = (values[-1] / values[0]) ** (1.0 / (years[-1] - years[0])) - 1.0
    return 100.0 * float(rate), int(years[0]), int(years[-1])


def size(found: float, stated: float) -> str:
    """Judge a stated size."""
    gap = abs(found / stated - 1.0)
    return CONFIRMED if gap <= SIZE else ROUGHLY if gap <= SIZE_ROUGHLY else NOT


def below(found: float, bound: float) -> str:
    """Judge a stated upper bound."""
    return CONFIRMED if found < bound else ROUGHLY if found < bound * (1 + BOUND_ROUGHLY) else NOT


def above(found: float, bound: float) -> str:
    """Judge a stated lower bound."""
    return CONFIRMED if found > bound else ROUGHLY if found > bound * (1 - BOUND_ROUGHLY) else NOT


def holds(fact: bool) -> str:
    """Judge a comparison, which holds or does not."""
    return CONFIRMED if fact else NOT


def worst(*verdicts: str) -> str:
    """Return the verdict of a claim with several parts."""
    return max(verdicts, key=(CONFIRMED, ROUGHLY, NOT).index)


def _structure() -> list[Claim]:
    """Figure 1: shares in GDP."""
    industry, agriculture, manufacturing = "industry_va_pct_gdp", "agri_va_pct_gdp", "manuf_va_pct_gdp"
    years, farm = series(agriculture).of("PAK")
    _, pak = between(industry, "PAK", 1980, 9999)
    made_year, made = (values[-1] for values in series(manufacturing).of("PAK"))
    bgd = {year: at(industry, "BGD", year) for year in (1985, 2000, 2024)}
    vnm = {year: at(industry, "VNM", year) for year in (1986, 2011, 2012, 2013)}
    early = float(np.mean([vnm[year] for year in (2011, 2012, 2013)]))
    held = {c: float(between(industry, c, 1990, 9999)[1].min()) for c in ("MYS", "IDN")}
    return [
        Claim(
            "1", ("PAK",), "Agriculture fell from more than 40 to about 20 percent of Pakistan's GDP.",
            f"{farm[0]:.1f} in {years[0]}, {farm[-1]:.1f} in {years[-1]}.", (agriculture,),
            worst(above(farm[0], 40.0), size(farm[-1], 20.0)),
        ),
        Claim(
            "1", ("PAK",), "Pakistan's industry has stayed between about 18 and 23 percent of GDP.",
            f"{pak.min():.1f} to {pak.max():.1f} since 1980.", (industry,),
            worst(above(pak.min(), 18.0), below(pak.max(), 23.0)),
        ),
        Claim(
            "1", ("PAK",), "Manufacturing makes less than 13 percent of Pakistan's GDP.",
            f"{made:.1f} in {made_year}.", (manufacturing,), below(made, 13.0),
        ),
        Claim(
            "1", ("BGD",), "Bangladesh's industry grew from a modest share and rose steadily after 2000.",
            f"{bgd[1985]:.1f} percent in 1985, {bgd[2000]:.1f} in 2000, {bgd[2024]:.1f} in 2024.",
            (industry,), holds(bgd[2024] > bgd[2000] + 2.0 and bgd[1985] <= bgd[2000]),
        ),
        Claim(
            "1", ("VNM",),
            "Viet Nam's industry rose from under 25 percent of GDP in the mid-1980s to nearly 38 in the early 2010s.",
            f"{vnm[1986]:.1f} in 1986 (the first year of the series), {early:.1f} on average in 2011-2013.",
            (industry,), worst(below(vnm[1986], 25.0), size(early, 38.0)),
        ),
        Claim(
            "1", ("MYS", "IDN"), "Malaysia and Indonesia kept high shares of industry.",
            f"Lowest since 1990: {held['MYS']:.1f} (Malaysia), {held['IDN']:.1f} (Indonesia); "
            f"Pakistan's highest since 1980: {pak.max():.1f}.", (industry,),
            holds(min(held.values()) > pak.max()),
        ),
    ]  # fmt: skip


def _growth() -> list[Claim]:
    """Figure 2: growth of manufacturing and its volatility."""
    name = "manuf_va_growth_pct"
    mean, spread = {}, {}
    for country in SIX:
        years, growth = between(name, country, 1986, 9999)
        mean[country], spread[country] = float(growth.mean()), float(growth.std(ddof=1))
    relative = {country: spread[country] / mean[country] for country in SIX}
    span = f"{years[0]}-{years[-1]}"
    stated = {"PAK": 5.0, "VNM": 8.0, "BGD": 7.7}
    falling = {c: int((between(name, c, 1986, 9999)[1] < 0).sum()) for c in SIX}
    more = [c for c in SIX[1:] if spread[c] > spread["PAK"]]
    more_relative = [c for c in SIX[1:] if relative[c] > relative["PAK"]]
    listed = lambda held, digits: ", ".join(f"{c} {held[c]:.{digits}f}" for c in SIX)  # noqa: E731
    return [
        Claim(
            "2", ("PAK", "VNM", "BGD"),
            "Since the mid-1980s manufacturing grew by a little over 5 percent a year in Pakistan, by 8 in Viet "
            "Nam and by 7.7 in Bangladesh.",
            f"Mean growth {span}: {', '.join(f'{c} {mean[c]:.1f}' for c in stated)}.", (name,),
            worst(*(size(mean[c], stated[c]) for c in stated)),
        ),
        Claim(
            "2", ("PAK",), "Pakistan's manufacturing grew more slowly than Viet Nam's and Bangladesh's.",
            f"Mean growth {span}: {listed(mean, 1)}.", (name,),
            holds(mean["PAK"] < min(mean["VNM"], mean["BGD"])),
        ),
        Claim(
            "2", ("PAK",), "Growth was more volatile in Pakistan than elsewhere, with frequent downturns.",
            f"Standard deviation {span}: {listed(spread, 1)}; over the mean: {listed(relative, 2)}; years of "
            f"decline: {listed(falling, 0)}. More volatile than Pakistan: {', '.join(more) or 'none'}; relative "
            f"to the mean: {', '.join(more_relative) or 'none'}.", (name,),
            holds(not more and not more_relative),
        ),
    ]  # fmt: skip


def _technology() -> list[Claim]:
    """Figure 3, left: what manufactured exports are made of."""
    name = "mht_exports_pct_manuf"
    years, pak = series(name).of("PAK")
    last = int(years[-1])
    (first, vnm_first), (_, vnm) = ((int(y), at(name, "VNM", int(y))) for y in (years[0], last))
    bgd_first, bgd = at(name, "BGD", first), at(name, "BGD", last)
    idn = at(name, "IDN", last)
    return [
        Claim(
            "3 left", ("PAK",),
            "Medium- and high-technology goods never reached 10 percent of Pakistan's manufactured exports in "
            "three decades.",
            f"Between {pak.min():.1f} and {pak.max():.1f} percent in {first}-{last}; the data say nothing of "
            "earlier years, so no more than roughly.", (name,), worst(ROUGHLY, below(float(pak.max()), 10.0)),
        ),
        Claim(
            "3 left", ("VNM",), "Viet Nam's share rose to nearly 60 percent.",
            f"{vnm_first:.1f} in {first}, {vnm:.1f} in {last}.", (name,),
            worst(size(vnm, 60.0), holds(vnm > vnm_first)),
        ),
        Claim(
            "3 left", ("IDN",), "Indonesia's share rose to more than 30 percent.",
            f"{at(name, 'IDN', first):.1f} in {first}, {idn:.1f} in {last}.", (name,),
            worst(above(idn, 30.0), holds(idn > at(name, "IDN", first))),
        ),
        Claim(
            "3 left", ("BGD",), "Bangladesh's share fell.",
            f"{bgd_first:.1f} in {first}, {bgd:.1f} in {last}.", (name,), holds(bgd < bgd_first),
        ),
    ]  # fmt: skip


def _productivity() -> list[Claim]:
    """Figure 3, right, and section 5.7: value added per worker, by two measures that must both agree."""
    growth = {name: {c: compound_growth(name, c, 1991)[0] for c in SIX} for name in MEASURES}
    spans = {name: "-".join(map(str, compound_growth(name, "PAK", 1991)[1:])) for name in MEASURES}
    level = {name: {c: float(series(name).of(c)[1][-1]) for c in SIX} for name in MEASURES}
    last = {name: int(series(name).of("PAK")[0][-1]) for name in MEASURES}

    def rates(countries):
        told = [
            f"{', '.join(f'{c} {growth[m][c]:.1f}' for c in countries)} ({spans[m]}, {_BASES[m]})"
            for m in MEASURES
        ]
        return f"Percent a year: {'; '.join(told)}."

    def levels(countries):
        told = [
            f"{', '.join(f'{c} {level[m][c]:,.0f}' for c in countries)} ({last[m]}, {_BASES[m]})"
            for m in MEASURES
        ]
        return f"USD of 2015: {'; '.join(told)}."

    def both(judge):
        return worst(*(judge(name) for name in MEASURES))

    stated = {"PAK": 3800.0, "IND": 6200.0, "IDN": 7800.0}
    return [
        Claim(
            "3 right", ("PAK",), "Value added per worker in Pakistan's manufacturing grew by less than 1 percent a "
            "year since 1991.", rates(("PAK",)), MEASURES, both(lambda m: below(growth[m]["PAK"], 1.0)),
        ),
        Claim(
            "3 right", ("BGD", "VNM"), "It grew by more than 4 percent a year in Bangladesh and by nearly 2 in "
            "Viet Nam.", rates(("BGD", "VNM")), MEASURES,
            both(lambda m: worst(above(growth[m]["BGD"], 4.0), size(growth[m]["VNM"], 2.0))),
        ),
        Claim(
            "3 right", ("PAK", "MYS", "IDN"), "Malaysia and Indonesia outpaced Pakistan as well.",
            rates(("PAK", "MYS", "IDN")), MEASURES,
            both(lambda m: holds(min(growth[m]["MYS"], growth[m]["IDN"]) > growth[m]["PAK"])),
        ),
        Claim(
            "3 right", ("BGD", "VNM"), "Bangladesh and Viet Nam show the fastest growth of all six.",
            rates(SIX), MEASURES,
            both(lambda m: holds(set(sorted(SIX, key=growth[m].get)[-2:]) == {"BGD", "VNM"})),
        ),
        Claim(
            "3 right", ("PAK",), "Pakistan stands at the bottom in value added per worker.", levels(SIX), MEASURES,
            both(lambda m: holds(min(SIX, key=level[m].get) == "PAK")),
        ),
        Claim(
            "5.7", ("PAK", "IND", "IDN"), "A worker in manufacturing adds about 3,800 USD in Pakistan, 6,200 in India "
            "and 7,800 in Indonesia (prices not stated).", levels(tuple(stated)), MEASURES,
            both(lambda m: worst(*(size(level[m][c], stated[c]) for c in stated))),
        ),
    ]  # fmt: skip


_BASES = dict(zip(MEASURES, ("manufacturing workers", "workers in all industry")))
