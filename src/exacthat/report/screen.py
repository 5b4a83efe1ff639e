"""Print a study on the screen: certificate first, what it rests on, the table, what it says."""

from __future__ import annotations

import math
from collections.abc import Iterable

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from exacthat.report.text import HEADINGS, certificate_line, findings, header, legend
from exacthat.scenarios import Plan
from exacthat.study import PLAIN, Result

NARROW, WIDE = 80, 100


def console(stderr: bool = False) -> Console:
    """Return a console of 80 to 100 columns that writes plain text where no terminal listens."""
    found = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    return Console(
        stderr=stderr, highlight=False, markup=False, emoji=False, width=min(max(found.width, NARROW), WIDE)
    )


def printed(parts: Iterable[RenderableType]) -> str:
    """Return `parts` one below the other as the screen shows them, without blanks at the ends of lines."""
    out = console()
    with out.capture() as captured:
        for part in parts:
            out.print(part)
    return "\n".join(line.rstrip() for line in captured.get().rstrip().splitlines())


def report(plan: Plan, result: Result, tol: float) -> str:
    """Return the whole report of a study."""
    return printed([certificate(certificate_line(result), result.failed), *body(plan, result, tol)])


def certificate(line: str, failed) -> Text:
    """Return the first line of a report."""
    return Text(line, style="bold red" if failed else "bold green")


def body(plan: Plan, result: Result, tol: float) -> list[RenderableType]:
    """Return a report without its certificate: title, what it rests on, table, what it says."""
    facts = Table.grid(padding=(0, 2, 0, 0))
    for label, text in header(plan, result, tol):
        facts.add_row(Text(label, style="dim"), Text(text))
    meanings = [Text(f" {line}", style="dim") for line in legend(plan, result)]
    return [
        Text(f"\n{plan.title}", style="bold"),
        facts,
        _table(result),
        *meanings,
        Text(),
        *map(Text, findings(result)),
    ]


def _table(result: Result) -> Table:
    dense = len(result.columns) > 7  # eight columns fit the narrowest screen without half of their padding
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0) if dense else (0, 1))
    for label in result.index:
        table.add_column(label, no_wrap=True, vertical="bottom")
    for key in result.columns:
        table.add_column(HEADINGS[key], justify="right", no_wrap=True, vertical="bottom")
    digits = 3 if result.kind in ("counterfactual", "nafta") else 2  # shocks may be small, policies are not
    previous = None
    for at, labels in enumerate(result.rows):
        if previous is not None and len(labels) > 1 and labels[0] != previous:
            table.add_section()
        shown = ("", *labels[1:]) if len(labels) > 1 and labels[0] == previous else labels
        previous = labels[0]
        table.add_row(
            *map(Text, shown), *(_cell(key, values[at], digits) for key, values in result.columns.items())
        )
    if result.summary:
        table.add_section()
    for name, values in result.summary.items():
        cells = (f"{value:z.{digits}f}" if math.isfinite(value) else "-" for value in values)
        table.add_row(Text(name), *map(Text, cells))
    return table


def _cell(key: str, value: float, digits: int) -> Text:
    if math.isfinite(value):
        return Text(f"{value:z.{digits}f}")
    return Text("none") if key in PLAIN else Text("failed", style="red")
