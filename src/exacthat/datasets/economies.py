"""Embedded data sets as calibrated economies."""

from __future__ import annotations

import numpy as np

from exacthat.checks import elasticity
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
    "wiod2014": ("services_trade_elasticity", "as_published"),
    "icio2019": ("services_trade_elasticity",),
    "nafta1993": (),
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
    under free entry; flows as observed and the applied tariffs, in their right orientation.
    `icio2019`: 81 x 28; elasticities of their Table 3, by the correspondence in
    `elasticity_table("icio2019")`; industries are ISIC codes (long names: `describe("icio2019")`).
    `nafta1993`: 31 x 40; tariffs of 1993 and input-output links of Caliendo and Parro (2015), scale
    elasticity 0; flows are the data's times 1 + tariff. Their final-demand shares contradict the flows: a
    counterfactual starts from `deficits="zero"`, the world solved at these shares. The tariffs of 2005 are
    `arrays("nafta1993")["tariff2005"]`.

    Options, by keyword:

    deficits : "observed" (default), or "zero": the world with the same fundamentals and no deficits.
    entry : "free" (default) or "restricted". The elasticities do not change with it, but for `as_published`.
    trade_elasticity, scale_elasticity : number or one per industry in place of the set's own, which None
        keeps. With `icio2019` the first may also be the name of a set in `elasticity_table("icio2019")`.
    services_trade_elasticity : number in place of the set's own (`wiod2014`: 10, `icio2019`: 4).
    expenditure_shares : `wiod2008` only: "final" (default) or "spending", the shares in the flows.
    as_published : `wiod2014` only: True gives the world of the paper's Table 5 under `entry`: its balanced
        flows (deficits are zero), its tariffs with origin and destination swapped, its services elasticity
        (10 under free, 11 under restricted entry). Lashkaripour and Lugovskyy (2023).

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
    flows, tariff, inputs = _accounts(name, held, options)
    if inputs is not None and options.get("entry", "free") == "restricted":
        # what the data give are shares of revenue, of which cost is 1 / (1 + mu)
        inputs = inputs * (
            1.0 + elasticity(scale, "scale_elasticity", held["industries"].tolist(), positive=False)
        )
    economy = Economy(
        flows,
        trade,
        scale,
        entry=options.get("entry", "free"),
        countries=held["countries"].tolist(),
        industries=held["industries"].tolist(),
        expenditure_shares=_weights(held, options),
        tariff=tariff,
        input_shares=inputs,
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
    published = options.get("as_published", False)
    if "as_published" in known and not isinstance(published, bool):
        faults.append(f"as_published = {published!r} (known: False, True)")
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


def _accounts(name: str, held, options: dict):
    """Return flows at consumer prices, tariffs and input shares of revenue, the last two None where there are none."""
    flows = held["flows"].astype(np.float64)
    if name == "nafta1993":
        bought = held["intermediate_shares"].astype(np.float64)
        total = bought.sum(axis=1, keepdims=True)  # rounding of the source; 0 where an industry buys nothing
        bought /= np.where(total > 0, total, 1.0)
        inputs = bought * (1.0 - held["value_added_share"])[:, None, :]
        return flows * (1.0 + held["tariff"]), held["tariff"], inputs
    if name == "wiod2014" and options.get("as_published", False):
        published = held[f"flows_balanced_{options.get('entry', 'free')}"]
        return published, held["tariff"].transpose(1, 0, 2), None
    return flows, held.get("tariff"), None


def _elasticities(name: str, held, options: dict):
    """Return trade and scale elasticity: those of the set, changed as the options say."""
    if name == "icio2019":
        table = elasticity_table(name)
        trade, scale = table["trade_elasticity"], table["scale_elasticity"]
    elif name == "wiod2014":
        regime = options.get("entry", "free") if options.get("as_published", False) else "free"
        trade, scale = held[f"trade_elasticity_{regime}"], held["scale_elasticity"]
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
