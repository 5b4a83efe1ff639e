"""Merging and dropping countries and industries of an economy, by label, with accounts that still add up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from exacthat import checks
from exacthat.economy import Economy
from exacthat.errors import BadInput, BadParameter, nearest

INTERNAL_TAXES = ("refuse", "drop")


class Grouping(NamedTuple):
    """New labels of one axis and, for each old position, the new one (-1: dropped)."""

    labels: tuple[str, ...]
    target: np.ndarray

    @property
    def merged(self) -> list[int]:
        """New positions that stand for more than one old label."""
        return [j for j in range(len(self.labels)) if (self.target == j).sum() > 1]

    def add(self, values: np.ndarray, axis: int) -> np.ndarray:
        """Sum `values` over the members of each new label along `axis`; what is dropped is left out."""
        moved = np.moveaxis(values, axis, 0)
        total = np.zeros((len(self.labels), *moved.shape[1:]))
        kept = self.target >= 0
        np.add.at(total, self.target[kept], moved[kept])
        return np.ascontiguousarray(np.moveaxis(total, 0, axis))


def merge_labels(known: Sequence[str], groups, what: str) -> tuple[Grouping, list[str]]:
    """Read ``{new label: [members]}``; a new label stands where its first member stood. Returns also the faults."""
    faults, owner = [], {}
    if groups is not None and not isinstance(groups, Mapping):
        faults.append(f"{what} groups are {groups!r}; give a mapping {{new label: [members]}}")
        groups = None
    for label, members in (groups or {}).items():
        label, members = str(label), _listed(members, f"members of the new {what} {label!r}", faults)
        if not label.strip():
            faults.append(f"a new {what} has an empty label")
        if not members:
            faults.append(f"the new {what} {label!r} has no members: list them, or leave it out")
        for member in members:
            if member not in known:
                faults.append(
                    f"the new {what} {label!r} names an unknown {what} {member!r}{nearest(member, known)}"
                )
            elif owner.setdefault(member, label) != label:
                faults.append(
                    f"{what} {member!r} is a member of both {owner[member]!r} and {label!r}: leave it in one"
                )
        faults += [
            f"the new {what} {label!r} names {member!r} {members.count(member)} times: name it once"
            for member in dict.fromkeys(members)
            if members.count(member) > 1
        ]
    faults += [
        f"the new {what} {label!r} has the label of a {what} that is in no group: rename it, or add {label!r} to "
        "its members"
        for label in map(str, groups or {})
        if label in known and label not in owner
    ]
    named = [owner.get(label, label) for label in known]
    labels = tuple(dict.fromkeys(named))
    return Grouping(labels, np.array([labels.index(name) for name in named])), faults


def choose_labels(known: Sequence[str], chosen, rest: str | None, what: str) -> tuple[Grouping, list[str]]:
    """Keep `chosen` in their order; the others are merged under `rest` (at the end), or dropped where it is None."""
    if chosen is None:
        return merge_labels(known, None, what)
    faults: list[str] = []
    if isinstance(chosen, set | frozenset):
        faults.append(f"selected {what} labels are a set, which has no order: give a list")
    chosen = _listed(chosen, f"selected {what} labels", faults)
    faults += [
        f"unknown {what} {name!r}{nearest(name, known)}"
        for name in dict.fromkeys(chosen)
        if name not in known
    ]
    faults += [
        f"{what} {name!r} is selected {chosen.count(name)} times: name it once"
        for name in dict.fromkeys(chosen)
        if chosen.count(name) > 1
    ]
    if not chosen:
        faults.append(f"no {what} is selected: name at least one")
    others = [name for name in known if name not in chosen]
    labels = list(dict.fromkeys(chosen))
    if rest is not None and others:
        rest = str(rest)
        if not rest.strip():
            faults.append(f"the label for the other {what} labels is empty")
        if rest in chosen:
            faults.append(
                f"{what} {rest!r} is selected and is also the label for the others: pass another one"
            )
        labels.append(rest)
    place = {name: at for at, name in enumerate(labels)}
    remainder = -1 if rest is None else len(labels) - 1
    target = [place[name] if name in chosen else remainder for name in known]
    return Grouping(tuple(labels), np.array(target)), faults


def _listed(given, what: str, faults: list[str]) -> list[str]:
    """Read one label or several as text."""
    if isinstance(given, str):
        return [given]
    try:
        return [str(name) for name in (np.ravel(given) if hasattr(given, "dims") else given)]
    except TypeError:
        faults.append(f"{what} are {given!r}; give a list of labels")
        return []


def aggregate(
    economy: Economy,
    countries=None,
    industries=None,
    *,
    trade_elasticity: Mapping[str, float] | None = None,
    scale_elasticity: Mapping[str, float] | None = None,
    internal_taxes: str = "refuse",
) -> Economy:
    """Merge countries and industries; see `Economy.aggregate`."""
    by_country, faults = merge_labels(economy.countries, countries, "country")
    by_industry, more = merge_labels(economy.industries, industries, "industry")
    if faults or more:
        raise BadInput(faults + more)
    given = {"trade_elasticity": trade_elasticity, "scale_elasticity": scale_elasticity}
    return _regroup(economy, by_country, by_industry, given, internal_taxes)


def select(
    economy: Economy,
    countries=None,
    industries=None,
    *,
    rest: str | None = "ROW",
    rest_industry: str | None = "OTHER",
    trade_elasticity: Mapping[str, float] | None = None,
    scale_elasticity: Mapping[str, float] | None = None,
    internal_taxes: str = "refuse",
) -> Economy:
    """Keep countries and industries, merge or drop the others; see `Economy.select`."""
    by_country, faults = choose_labels(economy.countries, countries, rest, "country")
    by_industry, more = choose_labels(economy.industries, industries, rest_industry, "industry")
    if economy.input_shares is not None and (by_industry.target < 0).any():
        more.append(
            "industries of a world with input-output links cannot be dropped, since others use what they make: "
            "pass rest_industry='OTHER' to merge them"
        )
    if faults or more:
        raise BadInput(faults + more)
    given = {"trade_elasticity": trade_elasticity, "scale_elasticity": scale_elasticity}
    try:
        return _regroup(economy, by_country, by_industry, given, internal_taxes)
    except BadInput as error:
        if (by_country.target >= 0).all():
            raise
        hint = "countries were dropped with all their trade: rest='ROW' merges them and keeps the accounts"
        raise type(error)([*error.problems, hint]) from error


def _regroup(economy: Economy, by_country: Grouping, by_industry: Grouping, given, internal_taxes) -> Economy:
    if internal_taxes not in INTERNAL_TAXES:
        raise BadParameter(
            f"internal_taxes is {internal_taxes!r}; it must be one of {INTERNAL_TAXES}"
            f"{nearest(internal_taxes, INTERNAL_TAXES)}"
        )
    faults: list[str] = []
    elasticities = {
        name: _elasticities(economy, by_industry, name, {} if values is None else values, faults)
        for name, values in given.items()
    }
    flows, border, gate = _values(economy, by_country, internal_taxes, faults)
    if faults:
        raise BadInput(faults)

    def total(values):
        return by_industry.add(by_country.add(by_country.add(values, 0), 1), 2)

    # A rate is the mean of the members' rates, weighted by what it is levied on; by nothing where that is zero.
    tariff = None if economy.tariff is None else _mean(economy.tariff, border, total)
    export_subsidy = None if economy.export_subsidy is None else _mean(economy.export_subsidy, border, total)
    home = np.arange(len(by_country.labels))
    for rates in (tariff, export_subsidy):
        if rates is not None:
            rates[home, home] = 0.0  # domestic values carry no taxes: see _values

    def by_cell(values):
        return by_industry.add(by_country.add(values, 0), 1)

    kept = np.ix_(by_country.target >= 0, by_country.target >= 0, by_industry.target >= 0)
    sold = np.zeros_like(gate)
    sold[kept] = gate[kept]
    return replace(
        economy,
        flows=total(flows),
        countries=by_country.labels,
        industries=by_industry.labels,
        tariff=tariff,
        export_subsidy=export_subsidy,
        production_subsidy=_mean(economy.production_subsidy, sold.sum(axis=1), by_cell),
        input_shares=_inputs(economy, by_country, by_industry, sold, elasticities["scale_elasticity"]),
        expenditure_shares=_final_shares(economy, by_country, by_industry),
        **elasticities,
    )


def _values(economy: Economy, by_country: Grouping, internal_taxes: str, faults: list[str]):
    """Return flows at consumer prices, at the border and at the factory gate.

    Trade between members of one new country becomes domestic, where no tariff or export subsidy can stand:
    taxes on it are a fault, or all three values are those at the factory gate.
    """
    flows, border = economy.flows, economy.border_flows
    gate = border if economy.export_subsidy is None else (1.0 + economy.export_subsidy) * border
    target = by_country.target
    inside = (target[:, None] == target[None, :]) & (target >= 0) & ~np.eye(len(target), dtype=bool)
    taxed = inside[:, :, None] & (flows > 0) & ((flows != border) | (gate != border))
    if not taxed.any():
        return flows, border, gate
    if internal_taxes == "refuse":
        cure = "pass internal_taxes='drop' to value that trade at the factory gate without them"
        for i, n in np.argwhere(taxed.any(axis=2)):
            cells = np.flatnonzero(taxed[i, n])
            faults.append(
                f"trade from {economy.countries[i]!r} to {economy.countries[n]!r} is taxed or subsidised (industry "
                f"{economy.industries[cells[0]]!r}{f' and {len(cells) - 1} more' if len(cells) > 1 else ''}) and would "
                f"become domestic trade of {by_country.labels[target[i]]!r}, which cannot be: {cure}"
            )
    return np.where(taxed, gate, flows), np.where(taxed, gate, border), gate


def _mean(rates, weights, add) -> np.ndarray:
    """Average `rates` by `weights` over the members that `add` sums; equal weights where all are zero."""
    weight, members = add(weights), add(np.ones_like(rates))
    weighted = (weight > 0) & (members > 1)
    return np.where(
        weighted,
        add(rates * weights) / np.where(weighted, weight, 1.0),
        add(rates) / np.maximum(members, 1.0),
    )


def _elasticities(economy: Economy, by_industry: Grouping, name: str, given, faults: list[str]) -> np.ndarray:
    """Return the elasticity of each new industry: the given one, else the one its members share."""
    old, labels = getattr(economy, name), by_industry.labels
    if not isinstance(given, Mapping):
        faults.append(f"{name} is {given!r}; give a mapping {{new industry: value}}")
        return old
    faults += [
        f"{name} names {label!r}, which merges no industries{nearest(label, [labels[j] for j in by_industry.merged])}"
        for label in given
        if label not in [labels[j] for j in by_industry.merged]
    ]
    values = []
    for j, label in enumerate(labels):
        members = np.flatnonzero(by_industry.target == j)
        values.append(given.get(label, old[members[0]]))
        if label not in given and np.ptp(old[members]) > 0:
            listed = ", ".join(f"{economy.industries[k]!r} {old[k]:g}" for k in members)
            faults.append(
                f"the industries merged into {label!r} differ in {name} ({listed}): pass {name}={{{label!r}: value}}"
            )
    return checks.numbers(values, name)


def _inputs(economy: Economy, by_country, by_industry, sold, scale_elasticity) -> np.ndarray | None:
    """Return shares of cost that keep the value of every input used: members' shares weighted by their cost."""
    if economy.input_shares is None:
        return None
    sales = (1.0 + economy.production_subsidy) * sold.sum(axis=1)
    cost = (economy.cost_share * sales)[:, None, :]
    regroup = lambda values: by_industry.add(by_industry.add(by_country.add(values, 0), 1), 2)  # noqa: E731
    used, plain = regroup(economy.input_shares * cost), regroup(economy.input_shares)
    markup = 0.0 if economy.entry == "free" else scale_elasticity
    whole = by_industry.add(by_country.add(sales, 0), 1) / (1.0 + markup)
    members = by_industry.add(by_country.add(np.ones_like(sales), 0), 1)
    weighted = ((whole > 0) & (members > 1))[:, None, :]
    return np.where(weighted, used / np.where(weighted, whole[:, None, :], 1.0), plain / members[:, None, :])


def _final_shares(economy: Economy, by_country: Grouping, by_industry: Grouping) -> np.ndarray | None:
    """Return None where the flows imply the shares; shares that contradict them add up, by final spending."""
    if economy.consistent and (economy.final_demand >= 0).all():
        return None
    spent = by_industry.add(by_country.add(economy.expenditure_shares * economy.expenditure[:, None], 0), 1)
    faults = [
        f"country {by_country.labels[n]!r} spends nothing on the selected industries: select more of them"
        for n in np.flatnonzero(spent.sum(axis=1) <= 0)
    ]
    if faults:
        raise BadInput(faults)
    return spent / spent.sum(axis=1, keepdims=True)
