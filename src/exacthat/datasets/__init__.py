"""Embedded data sets: calibrated worlds with their provenance, the elasticities that go with them, time series.

>>> from exacthat import datasets
>>> datasets.names()
('wiod2008', 'wiod2014', 'icio2019', 'nafta1993')
>>> datasets.describe("icio2019").shape
(81, 81, 28)

Nothing is fetched: the arrays are part of the package. Their sources, years, licences, oddities and the
way they were built stand in `data/README.md`, and in machine-readable form in `data/provenance.toml`.
"""

from exacthat.datasets.catalogue import Description, arrays, data_hash, describe, names
from exacthat.datasets.economies import load
from exacthat.datasets.mrio import InputOutputTable
from exacthat.datasets.readers import from_pymrio, read_mrio_csv
from exacthat.datasets.spillover_matrices import (
    SpilloverDescription,
    describe_spillovers,
    spillover_crosswalk,
    spillover_names,
    spillovers,
)
from exacthat.datasets.tables import elasticity_table, table_names
from exacthat.datasets.time_series import Series, series, series_countries, series_names

__all__ = [
    "Description",
    "InputOutputTable",
    "Series",
    "SpilloverDescription",
    "arrays",
    "data_hash",
    "describe",
    "describe_spillovers",
    "elasticity_table",
    "from_pymrio",
    "load",
    "names",
    "read_mrio_csv",
    "series",
    "series_countries",
    "series_names",
    "spillover_crosswalk",
    "spillover_names",
    "spillovers",
    "table_names",
]
