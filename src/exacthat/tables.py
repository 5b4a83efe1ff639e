"""Long tables: one row per origin, destination and industry, read into flows with every fault reported."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from exacthat.errors import SHOWN, BadInput, nearest
from exacthat.labels import absent, axis_labels, listed, look_alikes

MISSING = ("raise", "zero")
RATES = ("tariff", "export_subsidy")


def read_long(table, columns: Mapping[str, str], missing: str, countries=None, industries=None):
    """Read a long table into ``flows[origin, destination, industry]`` and its labels.

    `columns` maps "origin", "destination", "industry", "value", and the roles in `RATES` if there are any, to
    column names of `table`. Returns (flows, countries, industries, rates by role, faults of its rows and labels);
    rates of absent rows are 0. Raises `BadInput` where columns are missing or of different lengths.
    """
    if missing not in MISSING:
        raise BadInput(f"missing is {missing!r}; it must be one of {MISSING}")
    read = {role: _column(table, name) for role, name in columns.items()}
    lengths = {columns[role]: len(column) for role, column in read.items()}
    if len(set(lengths.values())) != 1 or not len(read["value"]):
        raise BadInput(f"the columns have {lengths} rows; they must be of one length and not empty")
    problems: list[str] = []
    origin, destination, industry = (
        _text(read[role], columns[role], problems) for role in ("origin", "destination", "industry")
    )
    labels = origin, destination, industry
    values = {
        role: _values(read[role], columns[role], labels, problems, signed=role in RATES)
        for role in ("value", *RATES)
        if role in read
    }
    found = len(problems)
    countries = _axis(countries, np.concatenate([origin, destination]), "countries", problems)
    industries = _axis(industries, industry, "industries", problems)
    told_apart = len(problems) == found
    axes = (
        _positions(origin, countries, columns["origin"], problems),
        _positions(destination, countries, columns["destination"], problems),
        _positions(industry, industries, columns["industry"], problems),
    )
    known = np.logical_and.reduce([axis >= 0 for axis in axes])
    shape = (len(countries), len(countries), len(industries))
    cells = np.ravel_multi_index([axis[known] for axis in axes], shape)
    rows = np.bincount(cells, minlength=np.prod(shape))
    name = lambda cell: _cell_name(cell, shape, countries, industries)  # noqa: E731
    for cell in np.flatnonzero(rows > 1):
        problems.append(f"{name(cell)} stands in {rows[cell]} rows; sum them or drop all but one")
    if missing == "raise" and told_apart:
        empty = np.flatnonzero(rows == 0)
        problems += [
            f"{name(cell)} has no row; add it, or pass missing='zero'" for cell in empty[: 4 * SHOWN]
        ]
        if len(empty) > 4 * SHOWN:
            problems.append(
                f"{len(empty) - 4 * SHOWN} more cells of {len(countries)} x {len(countries)} countries and "
                f"{len(industries)} industries have no row; are the columns the ones you mean?"
            )
    arrays = {}
    for role, column in values.items():
        array = np.zeros(np.prod(shape))
        array[cells] = column[known]
        arrays[role] = array.reshape(shape)
    return arrays.pop("value"), tuple(countries), tuple(industries), arrays, problems


def _column(table, name: str) -> np.ndarray:
    """Return one column of a frame, a structured array or a mapping."""
    if hasattr(table, "collect"):
        raise BadInput(f"a {type(table).__name__} is a plan of a table: collect() it first")
    if isinstance(table, np.ndarray):
        names = list(table.dtype.names or ())
    elif hasattr(table, "columns"):
        names = list(table.columns)
    elif isinstance(table, Mapping):
        names = list(table)
    else:
        raise BadInput(f"a {type(table).__name__} has no columns; give a frame or a mapping of arrays")
    if name not in names:
        raise BadInput(f"the table has no column {name!r}{nearest(name, names)} (columns: {names})")
    column = table[name]
    if isinstance(column, np.ma.MaskedArray):
        raise BadInput(f"column {name!r} is masked; fill it first, a mask would be lost")
    column = np.asarray(column, dtype=object if isinstance(column, list | tuple) else None)
    if column.ndim != 1:
        raise BadInput(f"column {name!r} has shape {column.shape}; it must be one-dimensional")
    return column


def _axis(given, column: np.ndarray, what: str, problems: list[str]) -> list[str]:
    """Return the labels of an axis as given, or in the order in which `column` has them."""
    if given is None:
        names = _in_order(column)
        problems += look_alikes(names, what)
        return names
    given = listed(given, what)
    return list(axis_labels(given, len(given), what, "", problems))


def _text(column: np.ndarray, name: str, problems: list[str]) -> np.ndarray:
    """Read labels as text; an empty or missing label is a fault ("NA" read as missing is the usual cause), and ""."""
    labels = column.tolist()
    text = np.array(
        ["" if absent(label) or isinstance(label, bytes) else str(label).strip() for label in labels]
    )
    problems += [
        f"row {row}: {name!r} is {labels[row]!r}; decode labels to text"
        if isinstance(labels[row], bytes)
        else f"row {row} has no label in column {name!r}; if it should be 'NA' (Namibia), read the column as text"
        for row in np.flatnonzero(text == "")
    ]
    return text


def _values(column: np.ndarray, name: str, keys, problems: list[str], signed: bool = False) -> np.ndarray:
    """Read numbers, or text that holds them; what is no number becomes 0 after a note."""
    if column.dtype.kind in "iuf":
        values = column.astype(float)
    else:
        values = np.zeros(len(column))
        for row, value in enumerate(column.tolist()):
            try:
                if isinstance(value, bool | np.bool_):
                    raise TypeError
                values[row] = float(value)
            except (TypeError, ValueError, OverflowError):
                comma = isinstance(value, str) and value.count(",") == 1
                cure = "write it with a decimal point" if comma else "it must be a number"
                problems.append(f"row {row}: {name!r} is {value!r}; {cure}")
    for row in np.flatnonzero(~(np.isfinite(values) & (signed | (values >= 0)))):
        cell = " -> ".join(str(key[row]) for key in keys[:2])
        problems.append(
            f"row {row} ({cell}, {keys[2][row]}): {name!r} is {values[row]:g}; "
            f"it must be finite{'' if signed else ' and not negative'}"
        )
    return values


def _in_order(column: np.ndarray) -> list[str]:
    return [label for label in dict.fromkeys(column.tolist()) if label]


def _positions(column: np.ndarray, known: list[str], name: str, problems: list[str]) -> np.ndarray:
    index = {label: at for at, label in enumerate(known)}
    for label in _in_order(column):
        if label not in index:
            problems.append(f"column {name!r} holds the unknown label {label!r}{nearest(label, known)}")
    return np.array([index.get(label, -1) for label in column.tolist()])


def _cell_name(cell: int, shape, countries, industries) -> str:
    i, n, k = np.unravel_index(cell, shape)
    return f"the flow from {countries[i]!r} to {countries[n]!r} in industry {industries[k]!r}"
