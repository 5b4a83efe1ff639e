"""Sweep the embedded data sets: every shock and policy of a list, certified or rightly refused.

``python -m bench.robustness_data [name ...]``: one line per scenario with its outcome, Newton steps and seconds.
"""

from __future__ import annotations

import collections
import sys
import time

import numpy as np

import exacthat as eh
from tests.robustness.levels import Model, Precision, why_none


def scenarios(economy: eh.Economy):
    """Name, shock, policy and deficits of each scenario."""
    n, _, k = economy.flows.shape
    first, largest = 0, int(np.argmax(economy.labour_income))
    for factor in (0.2, 0.5, 0.8, 1.2, 2.0, 5.0, 10.0):
        for deficits in ("fixed", "zero"):
            yield f"all trade costs x {factor}", eh.Shock(trade_cost=factor), None, deficits
    for industry in (0, k // 2):
        for factor in (0.2, 5.0, 10.0):
            hats = np.where(np.arange(k) == industry, factor, 1.0)
            yield f"trade costs of industry {industry} x {factor}", eh.Shock(trade_cost=hats), None, "fixed"
        hats = np.where(np.arange(k) == industry, 0.2, 1.0)
        yield f"productivity of industry {industry} / 5", eh.Shock(productivity=hats), None, "fixed"
    for country in (first, largest):
        shut = np.ones((n, n, k))
        shut[country] = shut[:, country] = np.inf
        shut[country, country] = 1.0
        for deficits in ("fixed", "zero"):
            yield f"{economy.countries[country]} shut", eh.Shock(trade_cost=shut), None, deficits
    for deficits in ("fixed", "zero"):
        yield "autarky", eh.Shock(trade_cost=np.inf), None, deficits
        yield "no change", None, None, deficits
    for rate in (0.0, 0.5, 2.0, 5.0):
        yield f"tariffs of all {rate:.0%}", None, eh.Policy(tariff=rate, large_rates=True), "fixed"
        one = eh.Policy.uniform_tariff(economy, economy.countries[largest], rate, large_rates=True)
        yield f"tariff of {economy.countries[largest]} {rate:.0%}", None, one, "fixed"
    for rate in (-0.5, 0.5, 1.0):
        one = np.array(economy.production_subsidy)
        one[:, 0] = rate
        yield f"subsidy of industry 0 {rate:.0%}", None, eh.Policy(production_subsidy=one), "fixed"
        one = np.array(economy.production_subsidy)
        one[largest] = np.linspace(rate, 0.0, k)
        yield (
            f"subsidies of {economy.countries[largest]} {rate:.0%}",
            None,
            eh.Policy(production_subsidy=one),
            "fixed",
        )
    yield "corrective policy", None, eh.Policy.corrective(economy), "fixed"


def main() -> None:
    ends = collections.Counter()
    for name in sys.argv[1:] or ("icio2019", "wiod2014", "wiod2008", "nafta1993"):
        economy = eh.datasets.load(name)
        if not economy.consistent:
            economy = eh.rebalance(economy)
        for what, shock, policy, deficits in scenarios(economy):
            start, steps, why = time.perf_counter(), 0, ""
            try:
                solved = eh.counterfactual(economy, shock, policy, deficits=deficits)
                end, steps, why = "certified", solved.certificate.iterations, solved.certificate.method
            except eh.errors.ExacthatError as error:
                end, why = type(error).__name__, str(error)[:110].replace("\n", " ")
                model = Model(economy, shock or eh.Shock(), policy or eh.Policy(), deficits, Precision())
                why = f"{why_none(model)} {why}"
            ends[name, end] += 1
            spent = time.perf_counter() - start
            print(
                f"{name} {what:32s} {deficits:6s} {end:14s} {steps:4d} steps {spent:7.3f} s  {why}",
                flush=True,
            )
    for (name, end), count in sorted(ends.items()):
        print(f"{name:10s} {end:14s} {count}")


if __name__ == "__main__":
    main()
