"""Reading multi-regional input-output tables: wide CSV files and pymrio objects."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from exacthat.aggregation import Grouping
from exacthat.checks import numbers
from exacthat.datasets.mrio import InputOutputTable
from exacthat.errors import SHOWN, BadInput, nearest
from exacthat.labels import absent

OUTPUT = ("OUT", "OUTPUT", "GO", "TOTAL", "TOT")  # labels of gross output, which the sums are checked against
VALUE_ADDED = ("VA", "VALU")


def read_mrio_csv(
    path,
    *,
    separator: str = "_",
    rename: Mapping[str, str] | None = None,
    ignore: Sequence[str] = (),
    tolerance: float = 1e-3,
    delimiter: str = ",",
    encoding: str = "utf-8-sig",
) -> InputOutputTable:
    """Read a wide input-output table whose rows and columns are labelled COUNTRY_INDUSTRY.

    The layout of the inter-country tables of the OECD and of tables like them: a header line; one row per producing
    country and industry (``AUS_A01_02``: the country stands before the first `separator`); columns of the
    same labels, then final use COUNTRY_CATEGORY (``AUS_HFCE``). Rows and columns without a separator are margins:
    gross output (OUT, OUTPUT, GO, TOTAL, TOT) is checked, value added (VA, VALU) is kept, others (taxes less
    subsidies, margins) are part of the check only.

    Parameters
    ----------
    path : file name
    separator : text between country and industry
    rename : mapping of country labels
        Labels that become equal are added up: ``{"CN1": "CHN", "CN2": "CHN"}`` joins the parts of a country.
    ignore : labels of rows and columns to pass over
    tolerance : float
        Largest relative difference between the margins and the sums of the table; tables in whole numbers are
        allowed half a unit per cell besides.
    delimiter, encoding : of the file

    Raises `BadInput` with all faults: no such file, an empty or truncated one, cells that are not numbers, unknown,
    duplicate or missing labels, margins that do not add up.

    Cost: the whole table is in memory, eight bytes a cell.
    """
    header, names, cells = _read_cells(Path(path), delimiter, encoding)
    return _arrange(names, header, cells, separator, dict(rename or {}), set(map(str, ignore)), tolerance)


def from_pymrio(mrio, *, rename: Mapping[str, str] | None = None) -> InputOutputTable:
    """Read a pymrio system: its `Z` and `Y` frames, indexed by (region, sector) and (region, category).

    Anything with these two frames will do; pymrio itself is not imported. Rows and columns are matched by
    label, whatever their order. `rename` maps region labels, as in `read_mrio_csv`. Value added is output
    less inputs. Raises `BadInput` with all faults; tables not yet computed (`Z` is None) are one.
    """
    faults = [
        f"the pymrio object has no {name}: run calc_all() on it first, or give it the table"
        for name in ("Z", "Y")
        if getattr(mrio, name, None) is None
    ]
    if faults:
        raise BadInput(faults)
    axes = {
        "Z rows": mrio.Z.index, "Z columns": mrio.Z.columns, "Y rows": mrio.Y.index, "Y columns": mrio.Y.columns,
    }  # fmt: skip
    pairs = {name: list(axis) for name, axis in axes.items()}
    faults = [
        f"{name} hold the label {label!r}; each must be a pair of texts: (region, sector) or (region, "
        "category)"
        for name, found in pairs.items()
        for label in found
        if not (isinstance(label, tuple) and len(label) == 2) or any(map(absent, label))
    ]
    if faults:
        raise BadInput(faults)
    if pairs["Z rows"] != pairs["Y rows"]:
        raise BadInput("Z and Y have different rows, or the same in another order: reindex Y to Z's rows")
    faults = [
        f"{name} hold {label!r} {count} times: labels must be distinct"
        for name, found in pairs.items()
        for label, count in Counter(found).items()
        if count > 1
    ]
    if faults:
        raise BadInput(faults)
    cells = np.hstack([numbers(np.asarray(mrio.Z), "Z"), numbers(np.asarray(mrio.Y), "Y")])
    return _table(pairs["Z rows"], pairs["Z columns"], pairs["Y columns"], cells, dict(rename or {}), None)


def _read_cells(path: Path, delimiter: str, encoding: str):
    """Return the column labels, the row labels and the numbers of a wide file."""
    if not path.is_file():
        raise BadInput(f"there is no file {str(path)!r}")
    faults, names, rows = [], [], []
    try:
        with path.open(newline="", encoding=encoding) as file:
            lines = csv.reader(file, delimiter=delimiter)
            header = [label.strip() for label in next(lines, [])][1:]
            if not header:
                raise BadInput(f"{path.name} has no header with columns separated by {delimiter!r}")
            for number, line in enumerate(lines, start=2):
                if not line:
                    continue
                if len(line) != len(header) + 1:
                    faults.append(
                        f"line {number} has {len(line)} cells, the header {len(header) + 1}: the file is truncated "
                        "or a label holds the delimiter"
                    )
                    continue
                names.append(line[0].strip())
                rows.append(_numbers(line[1:], names[-1], header, faults))
    except UnicodeDecodeError as error:
        raise BadInput(f"{path.name} is not {encoding} text ({error.reason}): pass its encoding") from error
    except csv.Error as error:
        raise BadInput(f"{path.name} is not a table of text: {error}") from error
    if not rows and not faults:
        faults.append(f"{path.name} has a header and no rows")
    if faults:
        raise BadInput(faults)
    return header, names, np.array(rows)


def _numbers(line: list[str], name: str, header: list[str], faults: list[str]) -> np.ndarray:
    """Read one row of numbers; cell by cell only where that finds a fault."""
    try:
        values = np.array(line, dtype=np.float64)
        if np.isfinite(values).all():
            return values
    except ValueError:
        values = np.full(len(line), np.nan)
    for at, text in enumerate(line):
        try:
            values[at] = float(text)
        except ValueError:
            cure = "write it with a decimal point" if text.count(",") == 1 else "it must be a number"
            faults.append(f"row {name!r}, column {header[at]!r} is {text!r}; {cure}")
        else:
            if not np.isfinite(values[at]):
                faults.append(f"row {name!r}, column {header[at]!r} is {text!r}; it must be finite")
    return values


def _arrange(names, header, cells, separator, rename, ignore, tolerance) -> InputOutputTable:
    """Tell producers, users, final use and margins apart by label, check the margins and build the table."""
    faults = [
        f"{what} {label!r} stands {count} times: labels must be distinct"
        for what, axis in (("row", names), ("column", header))
        for label, count in Counter(axis).items()
        if label not in ignore and count > 1
    ]

    def positions(axis, paired):
        return [at for at, name in enumerate(axis) if (separator in name) == paired and name not in ignore]

    def split(label):
        return tuple(label.split(separator, 1))

    producers, columns = positions(names, True), set(header)
    labels, countries = {names[at] for at in producers}, {split(names[at])[0] for at in producers}
    users = [at for at in positions(header, True) if header[at] in labels]
    buyers = [at for at in positions(header, True) if header[at] not in labels]
    if not producers:
        faults.append(f"no row is labelled COUNTRY{separator}INDUSTRY: pass the separator that the file uses")
    elif not buyers:
        faults.append(f"no column is labelled COUNTRY{separator}CATEGORY: the table has no final use")
    known = countries | set(rename)
    foreign = [header[at] for at in buyers if producers and split(header[at])[0] not in known]
    faults += [
        f"column {label!r} is of a country without rows{_hint(label, names, foreign)}: correct or rename it"
        for label in foreign
    ]
    strays = [names[at] for at in producers if names[at] not in columns]
    faults += [
        f"row {label!r} has no column of its label{_hint(label, header, strays)}: ignore it if it is no industry"
        for label in strays
    ]
    if faults:
        raise BadInput(faults)
    block = cells[np.ix_(producers, users + buyers)]
    below = {names[at].upper(): cells[at, users] for at in positions(names, False)}
    beside = {header[at].upper(): cells[producers, at] for at in positions(header, False)}
    slack = 0.5 if (block == np.rint(block)).all() else 0.0  # per cell, for tables in whole numbers
    faults = _margin_faults("row", [names[at] for at in producers], block.sum(axis=1), beside, tolerance,
                            slack * block.shape[1])  # fmt: skip
    costs = [values for label, values in below.items() if label not in OUTPUT]
    if costs:
        total = block[:, : len(users)].sum(axis=0) + sum(costs)
        faults += _margin_faults("column", [header[at] for at in users], total, below, tolerance,
                                 slack * (len(block) + len(costs)))  # fmt: skip
    if faults:
        raise BadInput(faults)
    value_added = next((below[label] for label in VALUE_ADDED if label in below), None)
    rows, using, final = ([split(label) for label in axis] for axis in (
        [names[at] for at in producers], [header[at] for at in users], [header[at] for at in buyers]))  # fmt: skip
    return _table(rows, using, final, block, rename, value_added)


def _hint(label: str, known, faulty) -> str:
    """Suggest a spelling, unless so many labels are wrong that the search would take long and help no one."""
    return nearest(label, known) if len(faulty) <= SHOWN else ""


def _margin_faults(what: str, names, sums, margins, tolerance: float, slack: float) -> list[str]:
    """Say where sums differ from gross output, if the table gives it."""
    given = next((margins[label] for label in OUTPUT if label in margins), None)
    if given is None:
        return []
    return [
        f"{what} {names[at]!r} sums to {sums[at]:.6g} but the table gives an output of {given[at]:.6g}: correct "
        "the cells, or raise tolerance"
        for at in np.flatnonzero(~(np.abs(sums - given) <= tolerance * np.abs(given) + slack))
    ]


def _table(rows, users, buyers, cells, rename, value_added) -> InputOutputTable:
    """Build the table from pairs of labels (country, industry or category) in any order."""
    rows, users, buyers = (
        [(str(rename.get(str(country), country)), str(name)) for country, name in pairs]
        for pairs in (rows, users, buyers)
    )
    countries, industries, categories = (
        tuple(dict.fromkeys(label)) for label in (
            (country for country, _ in rows), (name for _, name in rows), (name for _, name in buyers))
    )  # fmt: skip
    faults = []

    def grouping(pairs, seconds, what):
        wanted = [(country, name) for country in countries for name in seconds]
        place = {pair: at for at, pair in enumerate(wanted)}
        faults.extend(
            f"{what} {pair!r} is unknown: rows are of countries and industries that also use, and the reverse"
            for pair in dict.fromkeys(pairs)
            if pair not in place
        )
        found = set(pairs)
        faults.extend(
            f"{country!r} has no {what} {name!r}: add it (zeros if there is none), or aggregate before"
            for country, name in wanted
            if (country, name) not in found
        )
        return Grouping(tuple(map(str, wanted)), np.array([place.get(pair, -1) for pair in pairs], dtype=int))

    by_row = grouping(rows, industries, "row")
    by_user = grouping(users, industries, "column")
    by_buyer = grouping(buyers, categories, "final-use column")
    if faults:
        raise BadInput(faults)
    n, k, c = len(countries), len(industries), len(categories)
    cells = by_row.add(cells, 0)
    return InputOutputTable(
        by_user.add(cells[:, : len(users)], 1).reshape(n, k, n, k),
        by_buyer.add(cells[:, len(users) :], 1).reshape(n, k, n, c),
        countries,
        industries,
        categories,
        None if value_added is None else by_user.add(value_added, 0).reshape(n, k),
    )
