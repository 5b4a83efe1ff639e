"""Files of a country study: page, tables and manifest, and those of its first part, the peers' table."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from exacthat.country_study import CountryStudy
from exacthat.report import files
from exacthat.report.country import grids, words
from exacthat.report.manifest import number, provenance
from exacthat.scenarios import Plan

KEYS = ("diagnosis", "claims", "specialisation", "decomposition", "coordination", "focus", "sensitivity", "signs",
        "intervals", "cuts", "targets", "support", "learning", "rates", "pigouvian", "knowledge")  # fmt: skip
SUFFIXES = (".json", ".html", *(f"-{key}.csv" for key in KEYS))


def table_plan(plan: Plan) -> Plan:
    """Return the plan of the first part: the table of the country and its peers."""
    title = f"Corrective industrial policy: {words.place(plan.countries[0])} and its peers"
    return replace(plan, name=plan.table_name, title=title, kind="corrective-policy")


def check_free(folder: Path, plan: Plan) -> None:
    """Raise `BadInput` where writing would replace a file that is no result of the same name."""
    files.check_free(folder, plan.table_name, plan.inputs)
    files.check_free(folder, plan.name, plan.inputs, SUFFIXES)


def contents(plan: Plan, study: CountryStudy) -> dict[str, bytes]:
    """Return page and tables by suffix; the manifest comes on top of them."""
    from exacthat.report.country.page import page

    tables = {f"-{grid.key}.csv": grid.to_csv() for grid in grids.every(study)}
    return {".html": page(plan, table_plan(plan), study), **tables}


def manifest(plan: Plan, study: CountryStudy, others: dict[str, bytes], wall_seconds: float) -> dict:
    """Return how the numbers came about, and every table, as one plain dictionary."""
    return {
        **provenance(plan, "not certified" if study.failed else "certified", words.certificate_line(study)),
        "study": {
            "kind": plan.kind,
            "country": study.country,
            "peers": list(study.peers),
            "draws": plan.draws,
            "seed": plan.seed,
            "learning": plan.learning,
            "first_part": f"{plan.table_name}.json",
        },
        "tolerances": {"counterfactual": study.tolerance},
        "equilibria": {
            "certified": study.solved,
            "paths": study.paths,
            "largest_residual": study.residual,
            "failed": list(study.failed),
        },
        "tables": {
            grid.key: {
                "title": grid.title,
                "columns": list(grid.columns),
                "rows": [
                    [number(cell) if isinstance(cell, float) else cell for cell in row] for row in grid.rows
                ],
            }
            for grid in grids.every(study)
        },
        "findings": {heading: sentences for heading, sentences in words.summary(study)},
        "files": files.hashes(plan.name, others),
        "wall_seconds": round(wall_seconds, 3),
    }


def encoded(facts: dict) -> bytes:
    """Return a manifest as JSON text."""
    return f"{json.dumps(facts, indent=2, ensure_ascii=False, allow_nan=False)}\n".encode()
