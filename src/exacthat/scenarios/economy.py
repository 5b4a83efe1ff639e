"""Build the economy of a scenario file: embedded data or the user's own tables, elasticities by label."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from exacthat import datasets
from exacthat.economy import ENTRY, Economy
from exacthat.errors import BadInput, nearest
from exacthat.scenarios.faults import Faults, is_number
from exacthat.tables import MISSING, RATES

ELASTICITIES = ("trade_elasticity", "scale_elasticity")
FLOWS = ("origin", "destination", "industry", "value")
DATA_ONLY = ("services_trade_elasticity", "expenditure_shares", "as_published")
FLOWS_ONLY = ("source", "missing", "elasticities")
KEYS = ("data", "flows", "deficits", "entry", *ELASTICITIES, *DATA_ONLY, *FLOWS_ONLY)
WHERE = "economy"


class Built(NamedTuple):
    """An economy, the sha256 of each thing it was read from, and the paths among them."""

    economy: Economy
    hashes: dict[str, str]
    inputs: tuple[Path, ...]


def build(table: Mapping, folder: Path, faults: Faults) -> Built | None:
    """Return what [economy] describes, or None after noting why it cannot be built."""
    before = len(faults)
    embedded = "data" in table
    if embedded == ("flows" in table):
        faults.add(WHERE, "give either data = (an embedded data set) or flows = (a CSV file)")
    for key in FLOWS_ONLY if embedded else DATA_ONLY:
        if key in table:
            faults.add(WHERE, f"{key} has no use with {'data' if embedded else 'flows'}: drop it", key)
    faults.choice(WHERE, table, "entry", ENTRY, "free")
    faults.text(WHERE, table, "data" if embedded else "flows")
    for key in ELASTICITIES:
        named = embedded and key == "trade_elasticity" and isinstance(table.get(key), str)
        if key in table and not (named or is_number(table[key]) or _by_label(table[key])):
            faults.add(WHERE, f"{key} is {table[key]!r}; it must be a number or a table by industry", key)
    if len(faults) > before:
        return None
    try:
        return _from_data(table) if embedded else _from_flows(table, folder, faults)
    except BadInput as error:
        faults.absorb(WHERE, error)
        return None


def _by_label(value) -> bool:
    return isinstance(value, dict) and bool(value) and all(is_number(number) for number in value.values())


def _from_data(table: Mapping) -> Built:
    options = {
        key: table[key]
        for key in ("entry", *ELASTICITIES, *DATA_ONLY)
        if key in table and not isinstance(table[key], dict)
    }
    economy = datasets.load(table["data"], **options)
    changed = {
        key: _override(economy, key, table[key])
        for key in ELASTICITIES
        if isinstance(table.get(key), dict)
    }  # fmt: skip
    hashes = {table["data"]: datasets.data_hash(table["data"])}
    return Built(datasets.load(table["data"], **options, **changed) if changed else economy, hashes, ())


def _override(economy: Economy, key: str, given: Mapping[str, float]) -> np.ndarray:
    """Return the elasticities of `economy` with those of the industries in `given` replaced."""
    unknown = [f"{key} names an unknown industry {label!r}{nearest(label, economy.industries)}"
               for label in given if label not in economy.industries]  # fmt: skip
    if unknown:
        raise BadInput(unknown)
    values = np.array(getattr(economy, key))
    for label, number in given.items():
        values[economy.industries.index(label)] = number
    return values


def _from_flows(table: Mapping, folder: Path, faults: Faults) -> Built | None:
    missing = faults.choice(WHERE, table, "missing", MISSING, "raise")
    faults.text(WHERE, table, "source")
    hashes: dict[str, str] = {}
    names = [table["flows"]]
    elasticities = {key: table[key] for key in ELASTICITIES if key in table}
    if "elasticities" in table:
        names.append(table["elasticities"])
        if elasticities:
            faults.add(WHERE, "give elasticities in a file or as keys, not both", "elasticities")
            return None
        if faults.text(WHERE, table, "elasticities") is None:
            return None
        columns = _read_csv(folder / names[1], hashes, names[1], ("industry", "trade_elasticity"))
        elasticities = _elasticities(columns, names[1])
    if "trade_elasticity" not in elasticities:
        faults.add(WHERE, "trade_elasticity is missing: give a number, a table by industry or elasticities")
        return None
    columns = _read_csv(folder / names[0], hashes, names[0], FLOWS)
    try:
        economy = Economy.from_long(
            columns,
            **elasticities,
            **{rate: rate for rate in RATES if rate in columns},
            missing=missing,
            entry=table.get("entry", "free"),
        )
    except BadInput as error:
        raise type(error)([f"{names[0]}: {problem}" for problem in error.problems]) from None
    return Built(economy, hashes, tuple(folder / name for name in names))


def _read_csv(path: Path, hashes: dict[str, str], name: str, needed) -> dict[str, list[str]]:
    """Return a comma-separated file as text columns; note its sha256 under `name`."""
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise BadInput(f"{name} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise BadInput(f"{name} is not UTF-8 text (byte {error.start}): save it as UTF-8") from None
    hashes[name] = hashlib.sha256(content).hexdigest()
    lines = list(csv.reader(io.StringIO(text, newline="")))
    rows = [(number, row) for number, row in enumerate(lines, start=1) if row]
    if len(rows) < 2:
        raise BadInput(f"{name} holds no rows: it needs a header line and at least one row")
    header = [label.strip() for label in rows[0][1]]
    if len(header) == 1 and ";" in header[0]:
        raise BadInput(f"{name} is separated by semicolons: save it with commas and decimal points")
    faults = [f"{name} has no column {label!r}{nearest(label, header)} (columns: {', '.join(header)})"
              for label in needed if label not in header]  # fmt: skip
    faults += [f"{name} has the column {label!r} twice" for label in set(header) if header.count(label) > 1]
    faults += [f"{name}, line {number}: {len(row)} cells, but the header has {len(header)}"
               for number, row in rows[1:] if len(row) != len(header)]  # fmt: skip
    if faults:
        raise BadInput(faults)
    return {label: [row[at] for _, row in rows[1:]] for at, label in enumerate(header)}


def _elasticities(columns: Mapping[str, list[str]], name: str) -> dict[str, dict[str, float]]:
    """Return the elasticity columns of a table as mappings by industry."""
    industries, problems, read = columns["industry"], [], {}
    problems += [f"{name}: industry {label!r} stands in {industries.count(label)} rows; keep one of them"
                 for label in dict.fromkeys(industries) if industries.count(label) > 1]  # fmt: skip
    for key in (key for key in ELASTICITIES if key in columns):
        read[key] = {}
        for label, cell in zip(industries, columns[key]):
            try:
                read[key][label] = float(cell)
            except ValueError:
                problems.append(f"{name}: {key} of industry {label!r} is {cell!r}; it must be a number")
    if problems:
        raise BadInput(problems)
    return read
