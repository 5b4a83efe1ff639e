"""Published elasticities as tables: a mapping from column name to array."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from exacthat.datasets.catalogue import catalogue, read, record


def table_names() -> tuple[str, ...]:
    """Return the names of the elasticity tables.

    >>> table_names()
    ('ll2023', 'icio2019')
    """
    return tuple(catalogue()["tables"])


def elasticity_table(name: str) -> Mapping[str, np.ndarray]:
    """Return an elasticity table: column name -> read-only array, one entry per industry.

    "ll2023": the 16 industries of `wiod2014`. `table3_epsilon`, `table3_mu` and their standard errors
    `..._se` are those printed in Table 3 of Lashkaripour and Lugovskyy (2023), `table3_ratio` the
    printed product of the two; `epsilon_used` and `mu_used` are the values in the paper's computations;
    the last three columns are alternatives (Lashkaripour 2021; two-way fixed effects).

    "icio2019": the 28 industries of `icio2019`. `trade_elasticity` and `scale_elasticity` are the mean
    over the rows of Table 3 named in `table3_rows` ("Wood+Paper": two rows), `..._se` the standard error
    of that mean if the estimates of different rows are independent. Industries with the same
    `table3_rows` share one estimate: draw by row, not by industry. Services have no row: their trade
    elasticity is an assumption (4), their scale elasticity 0, the standard errors nan. The columns
    LL, CP, IS, GYY, BSY, Shap, FGO and U4 are eight sets of trade elasticities.

    Numbers are float64 without unit, nan where the source has none; labels are text.
    Raises `BadInput` for an unknown name and for a file that is not the one that was recorded.

    >>> table = elasticity_table("icio2019")
    >>> petroleum = table["industry"].tolist().index("C19")
    >>> float(table["trade_elasticity"][petroleum]), float(table["scale_elasticity"][petroleum])
    (0.636, 1.22)
    >>> table["table3_rows"][10].item(), table["LL"][10].item()
    ('Wood+Paper', 3.271)
    """
    columns = _columns(name)
    if name == "icio2019":
        columns |= _from_table3(columns)
    for column in columns.values():
        column.flags.writeable = False
    return MappingProxyType(columns)


def _columns(name: str) -> dict[str, np.ndarray]:
    facts = record("tables", name)
    header, *rows = csv.reader(read(facts).decode("utf-8").splitlines())
    return {
        label: np.array(cells if label in facts["text"] else [float(cell or "nan") for cell in cells])
        for label, cells in zip(header, zip(*rows))
    }


def _from_table3(industries: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return elasticities and standard errors of industries that average rows of Table 3 of `ll2023`."""
    table3 = _columns("ll2023")
    position = {row: index for index, row in enumerate(table3["table3_row"].tolist())}
    groups = [
        [position[row] for row in rows.split("+") if row] for rows in industries["table3_rows"].tolist()
    ]
    without = np.array([not group for group in groups])

    def mean(column):
        return np.array([table3[column][group].mean() if group else np.nan for group in groups])

    def error_of_mean(column):
        squares = table3[column] ** 2
        return np.array([squares[group].sum() ** 0.5 / len(group) if group else np.nan for group in groups])

    return {
        "trade_elasticity": np.where(without, industries["LL"], mean("table3_epsilon")),
        "trade_elasticity_se": error_of_mean("table3_epsilon_se"),
        "scale_elasticity": np.where(without, 0.0, mean("table3_mu")),
        "scale_elasticity_se": error_of_mean("table3_mu_se"),
    }
