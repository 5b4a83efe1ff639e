"""Embedded data sets as calibrated economies."""

from __future__ import annotations

import numpy as np

from exacthat.datasets.catalogue import arrays, record
from exacthat.datasets.tables import elasticity_table
from exacthat.economy import Economy
from exacthat.errors import BadInput, BadParameter, nearest

_CHOICES = {
    "deficits": ("observed", "zero"),
    "entry": ("free", "restricted"),
    "expenditure_shares": ("final", "spending"),
}
_OPTIONS = ("deficits", "entry", "trade_elasticity", "scale_elasticity")
_OWN_OPTIONS = {
    "wiod2008": ("expenditure_shares",),
    "wiod2014": ("services_trade_elasticity",),
    "icio2019": ("services_trade_elasticity",),
}
# The elasticity sets of the ICIO table that `trade_elasticity` takes by name.
_ICIO_SETS = ("LL", "CP", "IS", "GYY", "BSY", "Shap", "FGO", "U4")


def load(name: str, **options) -> Economy:
    """Return the data set `name` as an `Economy`, with elasticities that belong to it.

    `wiod2008`: 34 countries x 31 industries; trade elasticities of Costinot and Rodriguez-Clare (2014),
    scale elasticity 0. Their weights are shares in final demand and contradict the flows, which hold
    intermediates: they serve the formulas. A counterfactual starts from `expenditure_shares="spending"`,
    or from the world solved at the weights, whose flows are no longer the data's (`deficits="zero"`).
    `wiod2014`: 44 x 16; elasticities of Lashkaripour and Lugovskyy (2023) as used in their computations
    under free entry; flows as observed, without tariffs (`arrays("wiod2014")` carries them).
    `icio2019`: 81 x 28; elasticities of their Table 3, by the correspondence in
    `elasticity_table("icio2019")`; industries are ISIC codes (long names: `describe("icio2019")`).

    Options, by keyword:

    deficits : "observed" (default), or "zero": the world with the same fundamentals and no deficits.
    entry : "free" (default) or "restricted". The elasticities do not change with it.
    trade_elasticity, scale_elasticity : number or one per industry in place of the set's own, which None
        keeps. With `icio2019` the first may also be the name of a set in `elasticity_table("icio2019")`.
    services_trade_elasticity : number in place of the set's own (`wiod2014`: 10, `icio2019`: 4).
    expenditure_shares : `wiod2008` only: "final" (default) or "spending", the shares in the flows.

    Raises `BadInput` for an unknown name, option or choice, all faults at once with the nearest
    spelling; `BadParameter` for elasticities out of range.

    >>> economy = load("icio2019", services_trade_elasticity=5.0)
    >>> len(economy.countries), economy.industries[-1], float(economy.trade_elasticity[-1])
    (81, 'SERV', 5.0)
    """
    record("sets", name)
    _check(name, options)
    held = arrays(name)
    trade, scale = _elasticities(name, held, options)
    economy = Economy(
        held["flows"].astype(np.float64),
        trade,
        scale,
        entry=options.get("entry", "free"),
        countries=held["countries"].tolist(),
        industries=held["industries"].tolist(),
        expenditure_shares=_weights(held, options),
    )
    if options.get("deficits", "observed") == "observed":
        return economy
    from exacthat.equilibrium import purge_deficits  # the solver loads only when it is needed

    return purge_deficits(economy)


def _check(name: str, options: dict) -> None:
    known = (*_OPTIONS, *_OWN_OPTIONS[name])
    faults = [
        f"data set {name!r} has no option {option!r}{nearest(option, known)} (known: {', '.join(known)})"
        for option in options
        if option not in known
    ]
    for option, choices in _CHOICES.items():
        value = options.get(option, choices[0])
        if option in known and not (isinstance(value, str) and value in choices):
            faults.append(f"{option} = {value!r}{nearest(value, choices)} (known: {', '.join(choices)})")
    chosen = options.get("trade_elasticity")
    if isinstance(chosen, str) and name != "icio2019":
        faults.append(f"trade_elasticity = {chosen!r}: {name!r} has no named sets; pass numbers")
    elif isinstance(chosen, str) and chosen not in _ICIO_SETS:
        faults.append(
            f"trade_elasticity = {chosen!r}{nearest(chosen, _ICIO_SETS)} (known: {', '.join(_ICIO_SETS)})"
        )
    elif (
        chosen is not None
        and not isinstance(chosen, str)
        and options.get("services_trade_elasticity") is not None
    ):
        faults.append("trade_elasticity and services_trade_elasticity both set services: pass one of them")
    if faults:
        raise BadInput(faults)


def _elasticities(name: str, held, options: dict):
    """Return trade and scale elasticity: those of the set, changed as the options say."""
    if name == "icio2019":
        table = elasticity_table(name)
        trade, scale = table["trade_elasticity"], table["scale_elasticity"]
    elif name == "wiod2014":
        trade, scale = held["trade_elasticity_free"], held["scale_elasticity"]
    else:
        trade, scale = held["trade_elasticity"], held["scale_elasticity"]
    chosen = options.get("trade_elasticity")
    if isinstance(chosen, str):
        trade = table[chosen]
    elif chosen is not None:
        trade = chosen
    chosen = options.get("services_trade_elasticity")
    if chosen is not None:
        services = held["industries"] == record("sets", name)["services"]
        trade = np.where(services, _positive(chosen), trade)
    chosen = options.get("scale_elasticity")
    return trade, scale if chosen is None else chosen


def _positive(value) -> float:
    if isinstance(value, (int, float, np.number)) and 0.0 < value < np.inf:
        return float(value)
    raise BadParameter(
        f"services_trade_elasticity = {value!r} must be one finite number above 0: pass e.g. 4.0"
    )


def _weights(held, options: dict):
    if options.get("expenditure_shares", "final") == "spending":
        return None
    return held.get("expenditure_shares")
