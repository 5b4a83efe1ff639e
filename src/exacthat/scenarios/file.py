"""Read a scenario file into a plan: every key checked, the economy built, all faults in one report."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType

from exacthat.cluster_study import names as cluster_names
from exacthat.country_study.whole import DATA, DRAWS, SEED
from exacthat.datasets import series_countries
from exacthat.economy import Economy
from exacthat.errors import BadInput, nearest
from exacthat.scenario import Policy, Shock
from exacthat.scenarios.changes import KEYS as CHANGE_KEYS
from exacthat.scenarios.changes import read_change
from exacthat.scenarios.economy import KEYS as ECONOMY_KEYS
from exacthat.scenarios.economy import build
from exacthat.scenarios.faults import Faults, is_number
from exacthat.study import DEFICITS
from exacthat.study import KINDS as TABLES

DEFAULT = "pakistan"
COUNTRY_STUDY = "country-study"
KINDS = (COUNTRY_STUDY, *TABLES)
FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
KEYS = {
    "scenario": ("name", "title"),
    "economy": ECONOMY_KEYS,
    "study": (
        "kind",
        "countries",
        "single_industry_elasticity",
        "country",
        "draws",
        "seed",
        "learning",
        "table_name",
    ),
}
LIST = "counterfactual"
MOST_DRAWS = 100_000
# Studies of published tables: the data set each belongs to, and the keys of [economy] that it has a use for.
PUBLISHED = {"table5": ("wiod2014", ("data",)), "nafta": ("nafta1993", ("data", "deficits"))}


@dataclass(frozen=True, eq=False)
class Plan:
    """A checked scenario: what to compute, on which economy, from which files.

    name, title     of the results; the name is also that of their files
    origin          path of the scenario, or its embedded name
    kind            "country-study", or one of `exacthat.study.KINDS`
    countries       rows of the table; of a country study the country itself, then its peers
    economy         the base year as observed
    deficits        "zero" or "fixed": what the study makes of the deficits of the base year
    changes         name of a counterfactual -> (shock, policy)
    single_industry_elasticity    for gains from trade, or None
    draws, seed     of the elasticities, for a country study; else 0
    learning        whether a country study has its dynamic part
    table_name      of the files of its first part, the table of the country and its peers; else None
    options         the table [economy] as written
    hashes          data set or file -> sha256 of what was read; `scenario_hash` that of the scenario's text
    inputs          paths of the tables read
    """

    name: str
    title: str
    origin: str
    kind: str
    countries: tuple[str, ...]
    economy: Economy
    deficits: str
    changes: Mapping[str, tuple[Shock, Policy]]
    single_industry_elasticity: float | None
    draws: int
    seed: int
    learning: bool
    table_name: str | None
    options: Mapping[str, object]
    hashes: Mapping[str, str]
    scenario_hash: str
    inputs: tuple[Path, ...]


def embedded() -> tuple[str, ...]:
    """Return the names of the embedded scenarios, the default first.

    >>> embedded()
    ('pakistan', 'autarky-wiod2008', 'gains-wiod2014', 'nafta', 'peers', 'table5', 'trade-war-wiod2014')
    """
    names = {entry.name for entry in files(__package__).iterdir()}
    stems = {name.removesuffix(".toml") for name in names if name.endswith(".toml")}
    return (DEFAULT, *sorted(stems - {DEFAULT}))


def find(scenario: str | Path, country: str | None = None) -> Plan:
    """Return the plan of an embedded scenario by its name, or of a file by its path, which ends in .toml.

    `country` takes the place of the one that a country study names. Raises `BadInput` for an unknown name and
    a file that cannot be read, and as `read` does.

    >>> find("autarky-wiod2008").kind
    'gains-from-trade'
    """
    if not isinstance(scenario, str | Path):
        raise BadInput(f"scenario is {scenario!r}; give the name of an embedded one or the path of a file")
    name = str(scenario)
    if name in embedded():
        return read((files(__package__) / f"{name}.toml").read_text(encoding="utf-8"), name, country=country)
    path = Path(scenario)
    if path.suffix.lower() != ".toml":
        own, known = f"{name}.toml", (*embedded(), *cluster_names())
        hint = f"; did you mean {own!r}?" if Path(own).is_file() else nearest(name, known)
        raise BadInput(
            f"there is no scenario {name!r}{hint} (known: {', '.join(embedded())}; studies of clusters: "
            f"{', '.join(cluster_names())}; the path of an own scenario ends in .toml)"
        )
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not UTF-8 text (byte {error.start}): save it as UTF-8") from None
    return read(text, name, path.parent, country)


def read(text: str, origin: str, folder: Path = Path(), country: str | None = None) -> Plan:
    """Check the text of a scenario and build its economy; `folder` is where the tables it names lie.

    `country` takes the place of the one that a country study names, whose files then carry its label.

    `origin` names the text in messages. Raises `BadInput` with every fault of the text, its labels and its
    tables, or `BadParameter` where only elasticities are out of range.

    >>> plan = read('[economy]\\ndata = "wiod2014"\\n[study]\\nkind = "gains-from-trade"', "mine.toml")
    >>> plan.name, plan.deficits, len(plan.countries)
    ('mine', 'zero', 44)
    """
    if not isinstance(text, str):
        raise BadInput(f"the text of a scenario is a {type(text).__name__}; find reads a file by its path")
    origin, folder = str(origin), Path(folder)
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{origin} is not valid TOML: {error}") from None
    faults = Faults(origin, text)
    tables = _tables(given, faults)
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", Path(origin).stem).strip("-_") or "scenario"
    name = faults.text("scenario", tables["scenario"], "name", stem)
    _check_file_name("scenario", "name", name, faults)
    title = faults.text("scenario", tables["scenario"], "title", name)
    deficits = faults.choice("economy", tables["economy"], "deficits", DEFICITS, "zero")
    entries = _entries(given, faults)
    kind, elasticity = _study(tables["study"], entries, faults)
    if kind in PUBLISHED:
        _check_published(kind, tables, deficits, faults)
    built = build(tables["economy"], folder, faults)
    countries, changes = (), {}
    if built is not None:
        economy = built.economy
        countries = economy.countries
        if "countries" in tables["study"]:
            listed = tables["study"]["countries"]
            countries = tuple(faults.labels("study", listed, "countries", economy.countries))
        if kind == COUNTRY_STUDY:
            country, countries = _subject(tables, country, countries, economy, faults)
        elif country is not None:
            faults.add("study", f"--country {country} has no use in a study of kind {kind!r}: drop it")
        if deficits == "zero" and not economy.consistent and economy.input_shares is None:
            faults.add(
                "economy",
                "deficits = 'zero' needs expenditure shares that agree with the flows: add "
                "expenditure_shares = 'spending', or set deficits = 'fixed'",
                "deficits",
            )
        changes = {
            label: read_change(entry, economy, f"{LIST} {label}", faults) for label, entry in entries.items()
        }
    draws, seed = _draws(tables["study"], kind, faults)
    table_name = _table_name(tables["study"], kind, name, faults)
    faults.report()
    if kind == COUNTRY_STUDY:
        if country != tables["study"]["country"]:
            name, table_name = f"{name}-{country}", f"{table_name}-{country}"
        title = title.replace("{country}", series_countries().get(country, country))
    return Plan(
        name=name,
        title=title,
        origin=origin,
        kind=kind,
        countries=countries,
        economy=built.economy,
        deficits=deficits,
        changes=MappingProxyType(changes),
        single_industry_elasticity=elasticity,
        draws=draws,
        seed=seed,
        learning=tables["study"].get("learning", True),
        table_name=table_name,
        options=MappingProxyType(tables["economy"]),
        hashes=MappingProxyType(built.hashes),
        scenario_hash=hashlib.sha256(text.encode("utf-8")).hexdigest(),
        inputs=built.inputs,
    )


def _tables(given: Mapping, faults: Faults) -> dict[str, Mapping]:
    faults.unknown_keys("top level", given, (*KEYS, LIST))
    tables = {}
    for section, keys in KEYS.items():
        table = given.get(section, {})
        if not isinstance(table, dict):
            faults.add(section, f"must be a table: write [{section}] on a line of its own")
            table = {}
        faults.unknown_keys(section, table, keys)
        tables[section] = table
    return tables


def _entries(given: Mapping, faults: Faults) -> dict[str, Mapping]:
    """Return the [[counterfactual]] tables by name."""
    listed = given.get(LIST, [])
    if not (isinstance(listed, list) and all(isinstance(entry, dict) for entry in listed)):
        faults.add(LIST, f"must be a list of tables: write [[{LIST}]] on a line of its own")
        return {}
    entries: dict[str, Mapping] = {}
    for at, entry in enumerate(listed, start=1):
        label = faults.text(f"{LIST} {at}", entry, "name", f"number {at}")
        faults.unknown_keys(f"{LIST} {label}", entry, CHANGE_KEYS)
        if label in entries:
            faults.add(LIST, f"two are named {label!r}; names must be distinct")
        entries[label] = entry
    return entries


def _check_published(kind: str, tables: Mapping, deficits: str, faults: Faults) -> None:
    """Note what a study of a published table has no use for: it holds for one data set, handled in one way."""
    data, keys = PUBLISHED[kind]
    given = tables["economy"]
    if given.get("data") != data:
        faults.add("economy", f"a study of kind {kind!r} needs data = {data!r}", "data")
    for key in given:
        if key not in keys and key in ECONOMY_KEYS:
            faults.add("economy", f"{key} has no use in a study of kind {kind!r}: drop it", key)
    if deficits != "zero":
        faults.add("economy", f"a study of kind {kind!r} needs deficits = 'zero'", "deficits")
    if kind == "table5" and "countries" in tables["study"]:
        faults.add("study", "countries has no use in a study of kind 'table5': drop it", "countries")


def _study(table: Mapping, entries: Mapping, faults: Faults) -> tuple[str, float | None]:
    """Return the kind of the study and the elasticity of its single-industry formula."""
    if "kind" not in table and not entries:
        faults.add("study", f"kind is missing; it must be one of {', '.join(map(repr, KINDS))}")
    kind = faults.choice("study", table, "kind", KINDS, "counterfactual")
    if table.get("kind") == "counterfactual" and not entries:
        faults.add("study", f"kind 'counterfactual' needs at least one [[{LIST}]]", "kind")
    if kind != "counterfactual" and entries:
        faults.add("study", f"kind {kind!r} has no use for [[{LIST}]]; set kind = 'counterfactual'", "kind")
    elasticity = table.get("single_industry_elasticity")
    if elasticity is None:
        return kind, None
    if not (is_number(elasticity) and 0 < elasticity < float("inf")):
        faults.add(
            "study", f"single_industry_elasticity is {elasticity!r}; it must be a number above 0",
            "single_industry_elasticity",
        )  # fmt: skip
    elif kind != "gains-from-trade":
        faults.add(
            "study", f"single_industry_elasticity has no use in a study of kind {kind!r}: drop it",
            "single_industry_elasticity",
        )  # fmt: skip
    return kind, elasticity


def _subject(tables, chosen: str | None, listed, economy: Economy, faults: Faults):
    """Return the country of a country study, and it with its peers; note what such a study cannot start from."""
    study = tables["study"]
    own = faults.text("study", study, "country")
    if own is None:
        faults.add("study", f"kind {COUNTRY_STUDY!r} needs country = the label of one country")
        return None, ()
    for key, label in (("country", own), ("--country", chosen)):
        if label is not None and label not in economy.countries:
            faults.add(
                "study", f"{key} is the unknown label {label!r}{nearest(label, economy.countries)}", key
            )
    for key, needed in (("data", DATA), ("deficits", "zero"), ("entry", "free")):
        if tables["economy"].get(key, needed if key != "data" else None) != needed:
            faults.add("economy", f"kind {COUNTRY_STUDY!r} needs {key} = {needed!r}", key)
    if "countries" not in study:
        faults.add("study", f"kind {COUNTRY_STUDY!r} needs countries = a list of peers")
    country = chosen or own
    return country, (country, *(label for label in listed if label != country))


def _table_name(table: Mapping, kind: str, name: str, faults: Faults) -> str | None:
    """Return the name of the files of a country study's table; it cannot be that of its other files."""
    if kind != COUNTRY_STUDY:
        if "table_name" in table:
            faults.add("study", f"table_name has no use in a study of kind {kind!r}: drop it", "table_name")
        return None
    chosen = faults.text("study", table, "table_name", f"{name}-peers")
    _check_file_name("study", "table_name", chosen, faults)
    if chosen == name:
        faults.add(
            "study", f"table_name is {chosen!r}, the name of the scenario: choose another", "table_name"
        )
    return chosen


def _check_file_name(where: str, key: str, name: str, faults: Faults) -> None:
    if not FILE_NAME.fullmatch(name):
        faults.add(where, f"{key} is {name!r}; it names files: use letters, digits, - and _", key)


def _draws(table: Mapping, kind: str, faults: Faults) -> tuple[int, int]:
    """Return number and seed of the draws of a country study."""
    given = {}
    for key, default in (("draws", DRAWS), ("seed", SEED)):
        given[key] = table.get(key, default)
        whole = isinstance(given[key], int) and not isinstance(given[key], bool)
        if not (whole and 0 <= given[key] <= MOST_DRAWS):
            faults.add(
                "study", f"{key} is {given[key]!r}; it must be a whole number from 0 to {MOST_DRAWS}", key
            )
    if not isinstance(table.get("learning", True), bool):
        faults.add("study", f"learning is {table['learning']!r}; it must be true or false", "learning")
    if kind == COUNTRY_STUDY:
        return given["draws"], given["seed"]
    for key in ("country", "draws", "seed", "learning"):
        if key in table:
            faults.add("study", f"{key} has no use in a study of kind {kind!r}: drop it", key)
    return 0, 0
