"""Read one [[counterfactual]] of a scenario file: numbers and lists of cells become hats and rates."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from exacthat.checks import LARGE_RATE, large_rate
from exacthat.economy import Economy
from exacthat.scenario import Policy, Shock
from exacthat.scenarios.faults import Faults, is_number

ROUTE, CELL = ("origin", "destination", "industry"), ("country", "industry")
HATS = {"trade_cost": ROUTE, "productivity": CELL, "labour": ("country",), "entry_cost": CELL}
SUBSIDY = "production_subsidy"
RATES = {"tariff": ROUTE, "export_subsidy": ROUTE, SUBSIDY: CELL}
AXES = HATS | RATES
CONFIRM = "add large_changes = true"
KEYS = ("name", *AXES, "corrective", "large_changes")
LARGE = LARGE_RATE  # hats beyond this or its inverse are taken for percentages, as rates are


def read_change(entry: Mapping, economy: Economy, where: str, faults: Faults) -> tuple[Shock, Policy]:
    """Return the shock and the policy that `entry` describes; note what is wrong with it in `faults`."""
    large = entry.get("large_changes", False)
    if not isinstance(large, bool):
        faults.add(where, f"large_changes is {large!r}; it must be true or false", "large_changes")
    if not any(key in entry for key in (*AXES, "corrective")):
        faults.add(where, f"changes nothing: give at least one of {', '.join((*AXES, 'corrective'))}")
    hats = {
        key: _cells(key, entry[key], np.ones(_shape(key, economy)), economy, large is True, where, faults)[0]
        for key in HATS
        if key in entry
    }
    rates, given = {}, {}
    for key in RATES:
        own = getattr(economy, key)
        rates[key] = np.zeros(_shape(key, economy)) if own is None else np.array(own)
        given[key] = np.zeros(rates[key].shape, dtype=bool)
        if key in entry:
            rates[key], given[key] = _cells(
                key, entry[key], rates[key], economy, large is True, where, faults
            )
    if "corrective" in entry:
        _correct(entry["corrective"], rates[SUBSIDY], given[SUBSIDY], economy, where, faults)
    return Shock(**hats), Policy(**rates, large_rates=True)


def _shape(key: str, economy: Economy) -> tuple[int, ...]:
    return tuple(len(_known(axis, economy)) for axis in AXES[key])


def _known(axis: str, economy: Economy) -> tuple[str, ...]:
    return economy.industries if axis == "industry" else economy.countries


def _cells(key, given, values, economy, large, where, faults) -> tuple[np.ndarray, np.ndarray]:
    """Write the amounts of `given` into `values`; return them and which cells were written."""
    amount = "rate" if key in RATES else "hat"
    entries = [{amount: given}] if is_number(given) else [given] if isinstance(given, dict) else given
    written = np.zeros(values.shape, dtype=bool)
    if not (isinstance(entries, list) and entries and all(isinstance(entry, dict) for entry in entries)):
        example = ", ".join(f'{axis} = "..."' for axis in AXES[key])
        faults.add(where, f"{key} must be a number or a list of {{ {example}, {amount} = ... }}", key)
        return values, written
    for entry in entries:
        before = len(faults)
        faults.unknown_keys(f"{where}.{key}", entry, (*AXES[key], amount))
        _judge_amount(key, amount, entry.get(amount), large, where, faults)
        chosen = [_positions(axis, entry, economy, f"{where}.{key}", faults) for axis in AXES[key]]
        if len(faults) > before:
            continue
        cells = np.zeros(values.shape, dtype=bool)
        cells[np.ix_(*chosen)] = True
        if AXES[key] == ROUTE:
            home = np.arange(len(economy.countries))
            cells[home, home] = False
        if not cells.any():
            faults.add(where, f"{key} names one country as origin and destination: no foreign trade there")
        if (cells & written).any():
            cell = _name(np.argwhere(cells & written)[0], AXES[key], economy)
            faults.add(where, f"{key} sets {cell} twice; let every cell stand in one entry")
        values[cells] = entry[amount]
        written |= cells
    return values, written


def _positions(axis: str, entry: Mapping, economy: Economy, where: str, faults: Faults) -> np.ndarray:
    known = _known(axis, economy)
    if axis not in entry:
        return np.arange(len(known))
    listed = faults.labels(where, entry[axis], axis, known)
    return np.array([known.index(label) for label in listed if label in known], dtype=int)


def _judge_amount(key: str, amount: str, value, large: bool, where: str, faults: Faults) -> None:
    if amount == "rate":
        if not (is_number(value) and -1.0 < value < np.inf):
            faults.add(
                where, f"{key}: rate is {value!r}; it must be a number above -1 (ten percent is 0.1)", key
            )
        elif value >= LARGE and not large:
            faults.add(where, f"{key} {large_rate(value, CONFIRM)}", key)
        return
    endless = key == "trade_cost" and value == np.inf
    if not (is_number(value) and value > 0 and (value < np.inf or endless)):
        ends = " (inf ends the trade)" if key == "trade_cost" else ""
        faults.add(
            where,
            f"{key}: hat is {value!r}; it must be new over old, a number above 0: "
            f"ten percent more is 1.1{ends}",
            key,
        )
    elif not (endless or large or 1 / LARGE < value < LARGE):
        faults.add(
            where,
            f"{key} = {value:g} is {value:g} times the old value; ten percent more is 1.1; if it is meant, {CONFIRM}",
            key,
        )


def _correct(given, rates, written, economy: Economy, where: str, faults: Faults) -> None:
    """Set s = mu where `corrective` says, in place."""
    countries = list(economy.countries)
    if given != "all":
        countries = faults.labels(where, given, "corrective", economy.countries)
    for country in (label for label in countries if label in economy.countries):
        n = economy.countries.index(country)
        if written[n].any():
            faults.add(
                where,
                f"production_subsidy and corrective both set the subsidies of {country!r}; keep one of them",
            )
        rates[n] = economy.scale_elasticity


def _name(cell, axes, economy: Economy) -> str:
    return ", ".join(f"{axis} {_known(axis, economy)[at]!r}" for axis, at in zip(axes, cell))
