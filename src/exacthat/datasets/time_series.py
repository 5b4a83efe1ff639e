"""Embedded time series by country and year."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache

import numpy as np

from exacthat.checks import frozen
from exacthat.datasets.catalogue import catalogue, read
from exacthat.errors import BadInput, nearest

_FILE = "peers"


@dataclass(frozen=True, eq=False)
class Series:
    """One indicator over time: `values` (C, T) by country and year, nan where the source has nothing."""

    name: str
    title: str
    unit: str
    source: str
    licence: str
    countries: tuple[str, ...]
    years: np.ndarray
    values: np.ndarray

    def of(self, country: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the years (T',) for which `country` has a value, and the values; `BadInput` if it has none.

        >>> years, values = series("manuf_va_pct_gdp").of("PAK")
        >>> int(years[0]), float(values[0])
        (1960, 11.3028)
        """
        if country not in self.countries:
            raise BadInput(
                f"series {self.name!r} has no country {country!r}{nearest(country, self.countries)} "
                f"(known: {', '.join(self.countries)})"
            )
        row = self.values[self.countries.index(country)]
        known = np.isfinite(row)
        if not known.any():
            raise BadInput(f"series {self.name!r} has no year of {country!r}: choose another series")
        return self.years[known], row[known]


def series_names() -> tuple[str, ...]:
    """Return the names of the embedded time series.

    >>> series_names()[:2]
    ('agri_va_pct_gdp', 'industry_va_pct_gdp')
    """
    return tuple(catalogue()["series"][_FILE]["columns"])


def series_countries() -> dict[str, str]:
    """Return the countries of the time series: label -> name.

    >>> series_countries()["VNM"]
    'Viet Nam'
    """
    return dict(catalogue()["series"][_FILE]["names"])


def series(name: str) -> Series:
    """Return the time series `name` of twelve economies, Pakistan and its peers among them.

    Units, sources and licences are fields of the result. Raises `BadInput` for an unknown name, with the
    nearest one, and for a data file that is not the one that was recorded.

    >>> held = series("industry_va_pct_gdp")
    >>> held.unit, held.values.shape
    ('percent of GDP', (12, 65))
    """
    columns = catalogue()["series"][_FILE]["columns"]
    if not isinstance(name, str) or name not in columns:
        raise BadInput(
            f"there is no series {name!r}{nearest(name, list(columns))} (known: {', '.join(columns)})"
        )
    countries, years, tables = _table()
    return Series(name, **columns[name], countries=countries, years=years, values=tables[name])


@cache
def _table() -> tuple[tuple[str, ...], np.ndarray, dict[str, np.ndarray]]:
    """Return countries, years and one array (C, T) per column of the file."""
    header, *rows = csv.reader(read(catalogue()["series"][_FILE]).decode("utf-8").splitlines())
    countries = tuple(dict.fromkeys(row[0] for row in rows))
    years = sorted({int(row[1]) for row in rows})
    tables = {name: np.full((len(countries), len(years)), np.nan) for name in header[2:]}
    for country, year, *cells in rows:
        at = countries.index(country), years.index(int(year))
        for name, cell in zip(header[2:], cells):
            if cell:
                tables[name][at] = float(cell)
    return countries, frozen(np.array(years)), {name: frozen(table) for name, table in tables.items()}
