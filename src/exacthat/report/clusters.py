"""Show a study of clusters: its screen, its series as CSV, its manifest."""

from __future__ import annotations

import csv
import io
import math
import platform
from importlib.metadata import version

from rich import box
from rich.table import Table
from rich.text import Text

from exacthat.cluster_country import COLUMNS, MEANING
from exacthat.cluster_study import ClusterStudy, phases_text
from exacthat.report.files import PROGRAM
from exacthat.report.manifest import SCHEMA
from exacthat.report.screen import printed

_SHORT = {
    "own learning": "own links",
    "growth autarky": "growth closed",
    "cluster destroyed": "cluster lost",
    "consumers lose": "buyers lose",
}
SHOWN = 12  # events on the screen; all of them are in the manifest


def check_line(study: ClusterStudy) -> str:
    """Say in one line whether the checks of the run are met, and what was checked."""
    said = ", ".join(f"{check.name} {check.value:.1e}" for check in study.checks)
    outcome = f"NOT checked: {'; '.join(study.failed)} over the tolerance" if study.failed else "checked"
    return f"{outcome}: {said} (tolerance {study.checks[0].tolerance:.0e})"


def report(study: ClusterStudy) -> str:
    """Return the whole report of a study for the screen."""
    facts = Table.grid(padding=(0, 2, 0, 0))
    for label, text in (*study.facts, *_checked(study)):
        facts.add_row(Text(label, style="dim"), Text(text))
    parts = [
        Text(check_line(study), style="bold red" if study.failed else "bold green"),
        Text(f"\n{study.title}", style="bold"),
        facts,
        _table(study),
    ]
    if study.paths:
        meaning = " C: index of consumption D of the place"
        meaning += "; switch: date of the last phase" if "switch" in study.columns else ""
        parts.append(Text(meaning, style="dim"))
        parts += [Text("\nEvents"), _events(study)]
    if study.cases:
        parts += [Text("\nOne assumption changed at a time"), _cases(study), Text(f" {MEANING}", style="dim")]
    parts += [Text(), *map(Text, (*study.findings, *said_of_paper(study)))]
    return printed(parts)


def said_of_paper(study: ClusterStudy) -> list[str]:
    """Return the statements of the paper with whether they hold in this run."""
    return [
        f"{'Holds' if held else 'DOES NOT HOLD'} here: {statement}."
        for statement, held in study.statements.items()
    ]


def series_csv(study: ClusterStudy) -> bytes:
    """Return the series as CSV in full digits; empty where there is no such number."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    columns, rows = study.series
    writer.writerow(columns)
    for row in rows:
        writer.writerow(
            ["" if value is None else repr(value) if isinstance(value, float) else value for value in row]
        )
    return text.getvalue().encode("utf-8")


def manifest(study: ClusterStudy, tol: float, wall_seconds: float) -> dict:
    """Return worlds, schedules, checks, table, events and versions as one plain dictionary."""
    return {
        "program": PROGRAM,
        "schema": SCHEMA,
        "name": study.name,
        "title": study.title,
        "outcome": "not checked" if study.failed else "checked",
        "summary": check_line(study),
        "scenario": {"origin": study.name},
        "study": {"kind": "clusters", "horizon": study.horizon, "facts": dict(study.facts)},
        "schedules": {
            name: {
                "phases": phases_text(world, phases),
                "elasticity": world.elasticity,
                "labour": world.labour.tolist(),
                "industries": world.industries,
                "technology": world.technology.tolist(),
                "spillovers": world.spillovers.tolist(),
            }
            for name, (world, phases) in study.worlds.items()
        },
        "tolerances": {"integration": tol, "checks": study.checks[0].tolerance},
        "checks": {
            check.name: {"value": check.value if math.isfinite(check.value) else None, "ok": check.ok}
            for check in study.checks
        },
        "statements": {statement: bool(held) for statement, held in study.statements.items()},
        "table": {"columns": list(study.columns), "rows": [list(row) for row in study.rows]},
        **(
            {"cases": {"columns": list(COLUMNS), "rows": [list(row) for row in study.cases]}}
            if study.cases
            else {}
        ),
        "events": [
            {"schedule": one.schedule, "time": one.time, "kind": one.kind, "industries": list(one.industries)}
            for one in study.events
        ],
        "findings": [*study.findings, *said_of_paper(study)],
        "versions": {
            PROGRAM: version(PROGRAM),
            "python": platform.python_version(),
            **{name: version(name) for name in ("numpy", "scipy", "numba", "matplotlib")},
        },
        "platform": {"system": platform.system(), "machine": platform.machine()},
        "wall_seconds": round(wall_seconds, 3),
    }


def _checked(study: ClusterStudy) -> list[tuple[str, str]]:
    if not study.paths:
        return []
    return [
        (
            "Checked",
            "goods markets, costs, employment and consumption anew along each path; dates (over the horizon) "
            "and consumption against a second integration, a hundred times tighter. No certificate of a "
            "counterfactual applies",
        )
    ]


def _table(study: ClusterStudy) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    texts = [any(isinstance(row[at], str) for row in study.rows) for at in range(len(study.columns))]
    for name, text in zip(study.columns, texts):
        heading = name.replace(" at ", " at\n")
        table.add_column(heading, justify="left" if text else "right", no_wrap=True, vertical="bottom")
    previous = None
    for row in study.rows:
        if study.paths and previous not in (None, row[0]):
            table.add_section()
        shown = ("", *row[1:]) if row[0] == previous else row
        previous = row[0]
        table.add_row(*(_cell(name, value) for name, value in zip(study.columns, shown)))
    return table


def _cases(study: ClusterStudy) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name, value in zip(COLUMNS[1:], study.cases[0][1:]):
        heading = _SHORT.get(name, name).replace(" ", "\n")
        table.add_column(
            heading, justify="left" if isinstance(value, str) else "right", vertical="bottom", no_wrap=True
        )
    previous = None
    for matrix, *row in study.cases:
        if matrix != previous:
            table.add_row(Text(f"spillovers: {matrix}", style="bold"))
        previous = matrix
        table.add_row(*(f"{value:z.3g}" if isinstance(value, float) else str(value) for value in row))
    return table


def _cell(column: str, value) -> Text:
    if value is None:
        return Text("-")
    if isinstance(value, str):
        return Text(value)
    digits = 3
    if column.startswith("C at"):
        digits = 2 if value >= 10 else 3 if value >= 0.1 else 5
    return Text(f"{value:z.{digits}f}")


def _events(study: ClusterStudy) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(justify="right")
    for one in study.events[:SHOWN]:
        table.add_row(Text(f"{one.time:.6f}"), Text(one.schedule), Text(one.text))
    if len(study.events) > SHOWN:
        table.add_row("", "", Text(f"and {len(study.events) - SHOWN} more in the manifest"))
    return table
