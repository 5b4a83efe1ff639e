"""The command: run a scenario, list the data."""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from threading import Lock, Timer

import click

from exacthat import cluster_study
from exacthat.equilibrium import LARGEST_TOLERANCE
from exacthat.errors import ExacthatError, NotCertified, NotConverged
from exacthat.scenarios import DEFAULT, embedded

PATIENCE = 1.0  # seconds of silence before progress shows

EXIT_CODES = """\b
Exit codes:
  0  done, every equilibrium certified
  1  the system refused (a folder that cannot be written, a missing package)
  2  the command line is wrong
  3  data or a scenario that cannot be used
  4  an elasticity, a rate or an option out of range
  5  the scenario has no equilibrium
  6  a solve did not converge; a table of the others is still written
  7  a proposed solution failed its check"""


def _one_message(function):
    """Turn errors of the package and of the system into one message and their exit code."""

    @wraps(function)
    def guarded(*args, **options):
        try:
            return function(*args, **options)
        except ExacthatError as error:
            lines = "\n".join(getattr(error, "problems", [str(error)])).splitlines()
            several = "".join(f"\n  {line}" for line in lines)
            click.echo(f"error: {lines[0]}" if len(lines) == 1 else f"error:{several}", err=True)
            raise SystemExit(error.exit_code) from None
        except BrokenPipeError:
            # whoever read the output has enough of it; the files are written before anything is printed
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(0) from None
        except OSError as error:
            named = f"{error.filename}: " if error.filename else ""
            click.echo(f"error: {named}{error.strerror or error}", err=True)
            raise SystemExit(ExacthatError.exit_code) from None

    return guarded


@click.group(epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="exacthat", prog_name="exacthat")
def command():
    """Exact hat algebra: counterfactuals for trade and industrial policy, with certificates."""


@command.command(
    epilog=f"\b\nEmbedded scenarios: {', '.join(embedded())}\n"
    f"Studies of clusters: {', '.join(cluster_study.names())}\n\n{EXIT_CODES}"
)
@click.argument("scenario", default=DEFAULT, metavar="[NAME|FILE.toml]")
@click.option(
    "--country", metavar="LABEL", help="Another country for a country study (ISO code, such as VNM)."
)
@click.option("--out", "folder", type=click.Path(path_type=Path, file_okay=False), default=Path(),
              help="Folder for the files, made if absent.  [default: the current one]")  # fmt: skip
@click.option("--threads", type=click.IntRange(min=1), help="Threads to compute with; results do not change.")
@click.option("--tol", type=click.FloatRange(0.0, cluster_study.LARGEST, min_open=True), default=1e-10,
              show_default=True, help="Largest relative residual of a certified equilibrium, at most "
              f"{LARGEST_TOLERANCE:g}; of paths of clusters, at least {cluster_study.SMALLEST:g}.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the manifest as JSON instead of the table.")
@_one_message
def run(scenario: str, country: str | None, folder: Path, threads: int | None, tol: float, as_json: bool):
    """Compute a scenario: print its table, write it as CSV with a JSON manifest and a PNG chart.

    Without an argument: the study of industrial policy in Pakistan, which also writes a report (HTML) with its
    tables (CSV). The name of an own scenario file ends in .toml; `python -c "help('exacthat.scenarios')"`
    tells its keys.
    """
    if cluster_study.owns(scenario):
        return _clusters(cluster_study.known(scenario, country, threads), folder, tol, as_json)
    from exacthat import scenarios
    from exacthat.report import screen

    with _progress() as tell:
        tell("reading the scenario")
        plan = scenarios.find(scenario, country)
        whole = plan.kind == scenarios.COUNTRY_STUDY
        result, written, text = (_country if whole else _table)(plan, folder, threads, tol, tell)
    if as_json:
        click.echo(text.rstrip())
    else:
        if whole:
            from exacthat.report.country import screen as country_screen

            click.echo(country_screen.report(plan, result))
        else:
            click.echo(screen.report(plan, result, tol))
        click.echo(f"\nWritten to {folder.resolve()}: {', '.join(path.name for path in written)}")
    if result.failed:
        reached = result.failed
        if not whole:
            reached = [
                f"{name} ({result.certificates[name].completed:.0f} percent of the change)"
                for name in result.failed
            ]
        click.echo(
            f"error: not converged: {', '.join(reached)}; loosen --tol or make the change smaller", err=True
        )
        raise SystemExit(NotConverged.exit_code)


def _clusters(name: str, folder: Path, tol: float, as_json: bool):
    """Carry out a study of clusters and write its files."""
    from exacthat.report import clusters, files

    with _progress() as tell:
        files.check_free(folder, name)
        tell("integrating; the first run on a machine also compiles")
        start = time.perf_counter()
        study = cluster_study.run(name, tol=tol)
        facts = clusters.manifest(study, tol, time.perf_counter() - start)
        tell("drawing")
        from exacthat.report.cluster_chart import chart_png

        contents = {".csv": clusters.series_csv(study), ".png": chart_png(study)}
        facts["files"] = files.hashes(name, contents)
        text = json.dumps(facts, indent=2, ensure_ascii=False, allow_nan=False)
        written = files.write(folder, name, contents | {".json": f"{text}\n".encode()})
    if as_json:
        click.echo(text)
    else:
        click.echo(clusters.report(study))
        click.echo(f"\nWritten to {folder.resolve()}: {', '.join(path.name for path in written)}")
    if study.failed:
        click.echo(f"error: not met: {'; '.join(study.failed)}; try another --tol", err=True)
        raise SystemExit(NotCertified.exit_code)


def _table(plan, folder: Path, threads: int | None, tol: float, tell):
    """Compute a study of one table and write its files; return the result, their paths and the manifest."""
    from exacthat import scenarios
    from exacthat.report import files

    files.check_free(folder, plan.name, plan.inputs)
    start = time.perf_counter()
    result = scenarios.run(plan, tol=tol, threads=threads, progress=lambda name: tell(f"solving: {name}"))
    written, text = _write_table(plan, result, folder, tol, time.perf_counter() - start, tell)
    return result, written, text


def _write_table(plan, result, folder: Path, tol: float, seconds: float, tell):
    """Write table, chart and manifest of one table; return their paths and the manifest."""
    from exacthat.report import files
    from exacthat.report.manifest import manifest

    tell("drawing")
    from exacthat.report.chart import chart_png  # the slowest import of all

    facts = manifest(plan, result, tol, seconds)
    contents = {".csv": files.table_csv(result), ".png": chart_png(plan, result)}
    facts["files"] = files.hashes(plan.name, contents)
    text = json.dumps(facts, indent=2, ensure_ascii=False, allow_nan=False)
    return files.write(folder, plan.name, contents | {".json": f"{text}\n".encode()}), text


def _country(plan, folder: Path, threads: int | None, tol: float, tell):
    """Compute a country study and write the files of all its parts; as `_table`."""
    from exacthat import scenarios
    from exacthat.report import files
    from exacthat.report.country import files as country_files

    country_files.check_free(folder, plan)
    start = time.perf_counter()
    study = scenarios.run(plan, tol=tol, threads=threads, progress=tell)
    seconds = time.perf_counter() - start
    written, _ = _write_table(country_files.table_plan(plan), study.table, folder, tol, seconds, tell)
    contents = country_files.contents(plan, study)
    text = country_files.encoded(country_files.manifest(plan, study, contents, seconds))
    written = files.write(folder, plan.name, contents | {".json": text}) + written
    return study, written, text.decode()


@command.command()
@click.argument("name", required=False)
@_one_message
def data(name: str | None):
    """List the embedded data sets, or describe one: source, licence, citation, oddities."""
    from exacthat import datasets

    if name is not None:
        click.echo(str(datasets.describe(name)))
        return
    from rich import box
    from rich.table import Table

    from exacthat.report import screen

    table = Table("name", "year", "countries", "industries", "what", box=box.SIMPLE_HEAD, pad_edge=False)
    for known in datasets.names():
        about = datasets.describe(known)
        origins, _, industries = about.shape
        table.add_row(known, str(about.year), str(origins), str(industries), about.title)
    click.echo(screen.printed([table]))
    click.echo("`exacthat data NAME` tells source, licence and oddities of one.")


@contextmanager
def _progress():
    """Yield a function that is told what comes next; show it on a terminal once patience has run out."""
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from exacthat.report import screen

    out = screen.console(stderr=True)
    display = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=out,
        transient=True,
        disable=not out.is_terminal,
    )
    task, lock, over = display.add_task("start"), Lock(), False

    def begin():
        with lock:
            if not over:
                display.start()

    timer = Timer(PATIENCE, begin)
    timer.daemon = True
    timer.start()
    try:
        yield lambda what: display.update(task, description=what)
    finally:
        timer.cancel()
        with lock:
            over = True
            display.stop()
