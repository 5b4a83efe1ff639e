"""What stands around a table: its certificate, what it rests on, and what its numbers say in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from exacthat import datasets
from exacthat.conditions import alpha_text
from exacthat.equilibrium import REBALANCE_TOLERANCE
from exacthat.published import MEMBERS, PRINTED_CP
from exacthat.scenarios import Plan
from exacthat.study import TOGETHER, Result

HEADINGS = {
    "gains_from_trade": "gains\nfrom\ntrade",
    "gains_from_trade_no_scale": "same,\nno\nscale",
    "gains_single_industry": "same,\none\nindustry",
    "effective_elasticity": "effective\ntrade\nelasticity",
    "closed_economy_gain": "closed\neconomy\ngain",
    "gain_alone": "gain\nalone",
    "gain_together": "gain\ncoordinated",
    "subsidy_bill_alone": "subsidy\nbill\nalone",
    "domestic_share": "domestic\nshare",
    "welfare": "welfare",
    "real_wage": "real\nwage",
    "price_index": "price\nindex",
    "income": "income",
    "terms_of_trade": "terms\nof\ntrade",
    "volume_of_trade": "volume\nof\ntrade",
    "welfare_first_order": "welfare,\nfirst\norder",
    "real_income": "real\nincome,\nexact",
    **{
        f"{entry}_{policy}_{tariffs}": f"{short}\n{acting}\n{tariffs}"
        for entry, short in (("restricted", "restr."), ("free", "free"))
        for policy, acting in (("alone", "alone"), ("together", "coord."))
        for tariffs in ("swapped", "right")
    },
}
MEANINGS = {
    "gains_from_trade": "welfare lost by moving to autarky",
    "gains_from_trade_no_scale": "the same base year with scale elasticities of zero",
    "gains_single_industry": "as if all industries were one, with the trade elasticity {single:g}",
    "effective_elasticity": "a number; one industry with it gives the gains without scale",
    "closed_economy_gain": "from the same policy without trade",
    "gain_alone": "welfare change if this country alone corrects",
    "gain_together": "welfare change if all {n} countries correct",
    "subsidy_bill_alone": "over national income, acting alone",
    "domestic_share": "of total spending",
    "welfare": "real expenditure",
    "terms_of_trade": "first order in prices and quantities, as Caliendo and Parro (2015) define it",
    "volume_of_trade": "first order as well",
    "welfare_first_order": "the sum of the two, which the paper prints",
    "real_income": "change of final spending over its price index, without approximation",
}
_ELASTICITIES = {
    "wiod2008": "Costinot and Rodriguez-Clare (2014)",
    "wiod2014": "Lashkaripour and Lugovskyy (2023), as in their computations",
    "icio2019": "Lashkaripour and Lugovskyy (2023), Table 3",
    "nafta1993": "Caliendo and Parro (2015), 99 percent sample",
}
_SERVICES = {"wiod2014": "Services", "icio2019": "SERV", "nafta1993": "Retail"}
_TABLE5_HEADER = [
    (
        "Base year",
        "the paper's handling: 1 million USD added to every flow, deficits purged (free entry: at mu = 0)",
    ),
    ("Entry", "restricted (restr.: markup 1 + mu, profits stay at home) and free (scale effects)"),
    (
        "Tariffs",
        "swapped: origin and destination exchanged, as the paper's programs read them; right: as levied",
    ),
    ("Elasticities", "as in the paper's computations; services' trade elasticity 11 restricted, 10 free"),
    ("Columns", "one country alone, or all {n} together (coord.); ROW acts with the others and has no row"),
]
SHOWN = 6  # country labels listed in a sentence


def certificate_line(result: Result) -> str:
    """Say in one line how many equilibria were solved and how well the worst of them holds."""
    solved = len(result.certificates)
    if not solved:
        return "closed form: no equilibrium was solved"
    worst = result.certificates[result.worst]
    if result.failed:
        missed = f"{len(result.failed)} of {solved} equilibria miss the tolerance {worst.tolerance:.0e}"
        return f"NOT certified: {missed}: {enumerated(result.failed)}"
    which = "1 equilibrium" if solved == 1 else f"all {solved} equilibria"
    largest = max(result.certificates.values(), key=lambda certificate: certificate.residual)
    return f"certified: {which}; worst residual {largest.residual:.1e} (tolerance {largest.tolerance:.0e})"


def header(plan: Plan, result: Result, tol: float) -> list[tuple[str, str]]:
    """Return what the table rests on as (label, text) pairs."""
    economy = result.base
    n, k = len(economy.countries), len(economy.industries)
    size = f"{n} countries x {k} {'industry' if k == 1 else 'industries'}"
    lines = []
    if "data" in plan.options:
        about = datasets.describe(plan.options["data"])
        lines += [("Data", f"{about.name}: {about.title}, {about.year}; {size}"), ("Source", about.source)]
    else:
        lines += [("Data", f"{plan.options['flows']}; {size}")]
        lines += [("Source", plan.options["source"])] if "source" in plan.options else []
    if result.kind == "table5":
        lines += [(label, said.format(n=n)) for label, said in _TABLE5_HEADER]
    else:
        lines += [("Base year", _deficits(plan, economy)), ("Entry", _entry(economy))]
        lines += [("Tariffs", _tariffs(result))] if economy.tariff is not None else []
        lines += [("Elasticities", _elasticities(plan, economy))]
    if result.kind in ("corrective-policy", "table5"):
        lines.append(("Policy", "production subsidies at the scale elasticity, s = mu, financed lump sum"))
    lines.append(("Units", _units(result)))
    if result.certificates:
        purged = f"; base year {REBALANCE_TOLERANCE:.0e}" if plan.deficits == "zero" else ""
        lines.append(("Tolerance", f"{tol:.0e}, the largest relative residual of any market{purged}"))
    return lines


def legend(plan: Plan, result: Result) -> list[str]:
    """Return one line of explanation per column that needs one."""
    filled = {"n": len(result.base.countries), "single": plan.single_industry_elasticity or 0.0}
    return [
        f"{' '.join(HEADINGS[key].split())}: {MEANINGS[key].format(**filled)}"
        for key in result.columns
        if key in MEANINGS
    ]


def findings(result: Result) -> list[str]:
    """Return sentences that say what the numbers of this table show."""
    told = {
        "corrective-policy": _corrective,
        "gains-from-trade": _gains,
        "counterfactual": _counterfactual,
        "table5": _table5,
        "nafta": _nafta,
    }[result.kind](result)
    gains = result.columns.get("gains_from_trade")
    if gains is not None and (gains == 100.0).any():
        dependent = [row[-1] for row, gain in zip(result.rows, gains) if gain == 100.0]
        told.append(
            f"Gains from trade of 100 percent: {enumerated(dependent)} would have no supplier of some good."
        )
    if result.failed:
        told.append(f"Nothing is said of {enumerated(result.failed)}: not certified.")
    return told


def _corrective(result: Result) -> list[str]:
    countries = np.array([row[-1] for row in result.rows])
    alone, together = result.columns["gain_alone"], result.columns["gain_together"]
    everyone = result.welfare[TOGETHER]
    told = [f"Acting alone, {_split(countries, alone)}."] if np.isfinite(alone).any() else []
    if np.isfinite(everyone).all():
        gain, total = int((everyone > 0).sum()), len(everyone)
        losers = np.array(result.base.countries)[everyone < 0]
        lost = f"; {enumerated(losers)} {'loses' if len(losers) == 1 else 'lose'}" if len(losers) else ""
        told.append(f"With all {total} countries acting together, {gain} of {total} gain{lost}.")
    known = np.isfinite(alone) & np.isfinite(together)
    if known.any():
        more, total = countries[known & (together > alone)], int(known.sum())
        which = f"all {total}" if len(more) == total else f"{len(more)} of {total}"
        which += f" ({enumerated(more)})" if 0 < len(more) < total else ""
        told.append(f"Acting together gives more than acting alone to {which} of the table.")
    bill = result.columns["subsidy_bill_alone"]
    if np.isfinite(bill).any():
        low, high = np.nanargmin(bill), np.nanargmax(bill)
        cost = f"{bill[low]:.1f} ({countries[low]})"
        if len(bill) > 1:
            cost = f"between {cost} and {bill[high]:.1f} ({countries[high]})"
        told.append(f"The subsidies of a country acting alone cost {cost} percent of its national income.")
    if result.base.deficits.any():
        told.append("Deficits are as observed: the gains from trade are exact for balanced trade only.")
    return told


def _gains(result: Result) -> list[str]:
    countries = np.array([row[-1] for row in result.rows])
    gains, without = result.columns["gains_from_trade"], result.columns["gains_from_trade_no_scale"]
    low, high = np.argmin(gains), np.argmax(gains)
    told = [f"Gains from trade range from {gains[low]:.1f} ({countries[low]}) to {gains[high]:.1f} percent "
            f"({countries[high]})."]  # fmt: skip
    if not result.base.scale_elasticity.any():
        told.append("All scale elasticities are zero here, so scale makes no difference.")
    else:
        told.append(f"Scale raises the gains from trade of {int((gains > without).sum())} of {len(gains)}.")
    if "gains_single_industry" in result.columns:
        larger = int((without > result.columns["gains_single_industry"]).sum())
        told.append(
            f"Many industries without scale give larger gains than one industry in {larger} of {len(gains)}."
        )
    if result.base.deficits.any():
        told.append("Deficits are as observed: the formula is exact for balanced trade only.")
    return told


def _counterfactual(result: Result) -> list[str]:
    told = []
    for name, welfare in result.welfare.items():
        if not np.isfinite(welfare).all():
            continue
        low, high = np.argmin(welfare), np.argmax(welfare)
        countries = result.base.countries
        told.append(
            f"{name}: {int((welfare > 0).sum())} of {len(welfare)} countries gain; lowest change of welfare "
            f"{welfare[low]:.2f} percent ({countries[low]}), highest {welfare[high]:.2f} ({countries[high]})."
        )
    return told


def _table5(result: Result) -> list[str]:
    told = []
    place = {name: at for at, name in enumerate(result.columns)}
    for entry in ("restricted", "free"):
        for policy, acting in (("alone", "each country alone"), ("together", "coordinated")):
            swapped, right = (place[f"{entry}_{policy}_{tariffs}"] for tariffs in ("swapped", "right"))
            mean, printed = result.summary["mean"], result.summary["printed"][swapped]
            if not np.isfinite(mean[[swapped, right]]).all():
                continue
            agrees = "agrees with" if round(float(mean[swapped]), 2) == printed else "differs from"
            told.append(
                f"{entry.capitalize()} entry, {acting}: mean {mean[swapped]:.4f} percent with swapped tariffs, which "
                f"{agrees} the printed {printed:.2f}; {mean[right]:.4f} with the right ones."
            )
    return told


def _nafta(result: Result) -> list[str]:
    first, exact = result.columns["welfare_first_order"], result.columns["real_income"]
    return [
        f"{row[0]}: first-order welfare {a:.2f} percent{_printed(row[0])}, exact real income {b:.3f}."
        for row, a, b in zip(result.rows, first, exact)
        if np.isfinite(a)
    ]


def _printed(country: str) -> str:
    return f" (printed: {PRINTED_CP[country]:.2f})" if country in PRINTED_CP else ""


def _tariffs(result: Result) -> str:
    if result.kind == "nafta":
        return f"of 1993; those among {enumerated(MEMBERS)} move to 2005, all others stay"
    return "of the base year; their revenue is income"


def _deficits(plan: Plan, economy) -> str:
    if plan.deficits == "zero":
        return "deficits purged: the same fundamentals, every country spends exactly its income"
    if not economy.deficits.any():
        return "as observed; every country spends its income"
    if plan.kind == "gains-from-trade":
        return "deficits as observed"
    return "deficits as observed, held fixed in units of world labour income"


def _entry(economy) -> str:
    if economy.entry == "free":
        return f"free (no profits; scale effects where mu > 0); largest mu*epsilon {alpha_text(economy.alpha.max())}"
    return "restricted (fixed number of firms, markup 1 + mu, profits stay at home)"


def _elasticities(plan: Plan, economy) -> str:
    data = plan.options.get("data")
    own = [key for key in ("trade_elasticity", "scale_elasticity") if key in plan.options]
    if data is None:
        text = plan.options.get("elasticities", "given in the scenario")
    else:
        text = _ELASTICITIES.get(data, f"those of {data}")
        text += f"; changed by the scenario: {', '.join(own)}" if own else ""
    if data in _SERVICES:
        services = economy.trade_elasticity[economy.industries.index(_SERVICES[data])]
        text += f"; services' trade elasticity {services:g}"
    return text


def _units(result: Result) -> str:
    if result.kind == "gains-from-trade":
        return "percent"
    if result.kind == "nafta":
        return "percent, whatever the numeraire"
    if result.kind in ("corrective-policy", "table5"):
        return "percent; gains are changes of welfare (real expenditure), whatever the numeraire"
    return "changes in percent; price index and income in units of world labour income (numeraire)"


def _split(countries, change) -> str:
    """Say who gains and who loses."""
    up, down = countries[change > 0], countries[change < 0]
    said = [f"{enumerated(up)} {'gains' if len(up) == 1 else 'gain'}"] if len(up) else []
    said += [f"{enumerated(down)} {'loses' if len(down) == 1 else 'lose'}"] if len(down) else []
    return "; ".join(said) or "no country gains or loses"


def enumerated(names: Sequence[str]) -> str:
    """Return names as a list in a sentence, the first few of them."""
    names = [str(name) for name in names]
    if len(names) > SHOWN:
        return f"{', '.join(names[:SHOWN])} and {len(names) - SHOWN} more"
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
