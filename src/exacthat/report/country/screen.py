"""Print a country study: certificate, the peers' table, what was found."""

from __future__ import annotations

from rich.text import Text

from exacthat.country_study import CountryStudy
from exacthat.report import screen
from exacthat.report.country import words
from exacthat.report.country.files import table_plan
from exacthat.scenarios import Plan


def report(plan: Plan, study: CountryStudy) -> str:
    """Return the report of a country study as the screen shows it."""
    parts = [
        screen.certificate(words.certificate_line(study), study.failed),
        *screen.body(table_plan(plan), study.table, study.tolerance),
        Text(f"\n{plan.title}", style="bold"),
    ]
    for heading, sentences in words.summary(study):
        parts += [Text(f"\n{heading}", style="bold"), *map(Text, sentences)]
    return screen.printed(parts)
