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
FLOWS_ONLY = ("source", "missing", "elasticities", "large_rates")
KEYS = ("data", "flows", "deficits", "entry", *ELASTICITIES, *DATA_ONLY, *FLOWS_ONLY)
CHOICES = {"entry": ENTRY, "missing": MISSING}
STAND_IN = {"trade_elasticity": 1.0}  # for elasticities that cannot be used, to check the rest of a file
WHERE = "economy"


class Built(NamedTuple):
    """An economy, the sha256 of each thing it was read from, and the paths among them."""

    economy: Economy
    hashes: dict[str, str]
    inputs: tuple[Path, ...]


def build(table: Mapping, folder: Path, faults: Faults) -> Built | None:
    """Return what [economy] describes, or None after noting why it cannot be built.

    Where faults leave the labels known, what is returned has stand-ins for what is wrong: for the checks of the
    rest of the file.
    """
    embedded = "data" in table
    source = "data" if embedded else "flows"
    if embedded == ("flows" in table):
        faults.add(WHERE, "give either data = (an embedded data set) or flows = (a CSV file)")
        return None
    if faults.text(WHERE, table, source) is None:
        return None
    usable = {key: value for key, value in table.items() if _judge(key, table, embedded, faults)}
    refused = {*ELASTICITIES, "elasticities"} & (table.keys() - usable.keys())
    if refused and not embedded:
        usable = {key: value for key, value in usable.items() if "elasticit" not in key} | STAND_IN
    try:
        return _from_data(usable) if embedded else _from_flows(usable, folder, faults)
    except BadInput as error:
        faults.absorb(WHERE, error)
    return _data_set(table["data"]) if table.get("data") in datasets.names() else None


def _judge(key: str, table: Mapping, embedded: bool, faults: Faults) -> bool:
    """Whether the value under `key` can be used; note it if not."""
    before, value = len(faults), table[key]
    if key in (FLOWS_ONLY if embedded else DATA_ONLY):
        faults.add(WHERE, f"{key} has no use with {'data' if embedded else 'flows'}: drop it", key)
    elif key in CHOICES:
        faults.choice(WHERE, table, key, CHOICES[key], CHOICES[key][0])
    elif key == "large_rates" and not isinstance(value, bool):
        faults.add(WHERE, f"{key} is {value!r}; it must be true or false", key)
    elif key in ("source", "elasticities"):
        faults.text(WHERE, table, key)
    elif key in ELASTICITIES:
        named = embedded and key == "trade_elasticity" and isinstance(value, str)
        if not (named or is_number(value) or _by_label(value)):
            faults.add(WHERE, f"{key} is {value!r}; it must be a number or a table by industry", key)
    return len(faults) == before


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
    return _data_set(table["data"], **options, **changed) if changed else _data_set(table["data"], economy)


def _data_set(name: str, economy: Economy | None = None, **options) -> Built:
    return Built(economy or datasets.load(name, **options), {name: datasets.data_hash(name)}, ())


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
    hashes: dict[str, str] = {}
    names = [table[key] for key in ("flows", "elasticities") if key in table]
    before = len(faults)
    try:
        elasticities = _own_elasticities(table, folder, hashes)
    except BadInput as error:
        faults.absorb(WHERE, error)
    name = table["flows"]
    columns = _read_csv(folder / name, hashes, name, FLOWS)
    given = {"missing": table.get("missing", "raise"), "entry": table.get("entry", "free")}
    given["large_rates"] = table.get("large_rates", False)
    given |= {rate: rate for rate in RATES if rate in columns}
    given |= elasticities if len(faults) == before else STAND_IN
    try:
        economy = Economy.from_long(columns, **given)
    except BadInput as error:
        faults.absorb(WHERE, type(error)([f"{name}: {problem}" for problem in error.problems]))
        try:
            economy = Economy.from_long(columns, **STAND_IN, missing="zero")
        except BadInput:
            return None
    return Built(economy, hashes, tuple(folder / name for name in names))


def _own_elasticities(table: Mapping, folder: Path, hashes: dict[str, str]) -> dict:
    """Return the elasticities of own flows, from keys or from a file."""
    given = {key: table[key] for key in ELASTICITIES if key in table}
    if "elasticities" in table and given:
        raise BadInput("give elasticities in a file or as keys, not both")
    if "elasticities" in table:
        name = table["elasticities"]
        given = _elasticities(_read_csv(folder / name, hashes, name, ("industry", "trade_elasticity")), name)
    if "trade_elasticity" not in given:
        raise BadInput("trade_elasticity is missing: give a number, a table by industry or elasticities")
    return given


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
