"""The manifest of a study: all it takes to see how its numbers came about, ready for JSON."""

from __future__ import annotations

import math
import platform
from importlib.metadata import version

from exacthat.equilibrium import REBALANCE_TOLERANCE
from exacthat.report.files import PROGRAM
from exacthat.report.text import certificate_line, findings
from exacthat.scenarios import Plan
from exacthat.study import PLAIN, Result

SCHEMA = 1


def manifest(plan: Plan, result: Result, tol: float, wall_seconds: float) -> dict:
    """Return versions, hashes, options, tolerances, every certificate and the table as one plain dictionary."""
    economy = result.base
    purged = {"base year": REBALANCE_TOLERANCE} if plan.deficits == "zero" else {}
    solved = "certified" if result.certificates else "closed form"
    return {
        **provenance(plan, "not certified" if result.failed else solved, certificate_line(result)),
        "study": {
            "kind": plan.kind,
            "countries": list(plan.countries),
            "single_industry_elasticity": plan.single_industry_elasticity,
        },
        "economy": {
            "options": dict(plan.options),
            "deficits": plan.deficits,
            "entry": "restricted and free" if plan.kind == "table5" else economy.entry,
            "countries": len(economy.countries),
            "industries": list(economy.industries),
            "trade_elasticity": economy.trade_elasticity.tolist(),
            "scale_elasticity": economy.scale_elasticity.tolist(),
            "largest_mu_epsilon": float(economy.alpha.max()),
        },
        "tolerances": {"counterfactual": tol, **purged},
        "certificates": {name: _finite(held.to_dict()) for name, held in result.certificates.items()},
        "table": {
            "unit": "percent",
            "numbers": [name for name in result.columns if name in PLAIN],
            "columns": [*result.index, *result.columns],
            "rows": [
                [*labels, *(number(values[at]) for values in result.columns.values())]
                for at, labels in enumerate(result.rows)
            ],
            "summary": {name: [number(value) for value in values] for name, values in result.summary.items()},
        },
        "findings": findings(result),
        "wall_seconds": round(wall_seconds, 3),
    }


def provenance(plan: Plan, outcome: str, summary: str) -> dict:
    """Return what every manifest says of program, scenario, data, versions and machine."""
    from exacthat.kernels.gravity import cy

    return {
        "program": PROGRAM,
        "schema": SCHEMA,
        "name": plan.name,
        "title": plan.title,
        "outcome": outcome,
        "summary": summary,
        "scenario": {"origin": plan.origin, "sha256": plan.scenario_hash},
        "data": [{"name": name, "sha256": sha256} for name, sha256 in plan.hashes.items()],
        "versions": {
            PROGRAM: version(PROGRAM),
            "python": platform.python_version(),
            **{name: version(name) for name in ("numpy", "scipy", "matplotlib")},
        },
        "platform": {"system": platform.system(), "machine": platform.machine()},
        "kernel": {"instruction_set": cy.instruction_set()},
    }


def _finite(fields: dict) -> dict:
    return {key: number(value) if isinstance(value, float) else value for key, value in fields.items()}


def number(value) -> float | None:
    """JSON has no nan and no infinity: null stands for them."""
    return float(value) if math.isfinite(value) else None
