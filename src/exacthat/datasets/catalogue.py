"""The catalogue of embedded data: what there is, where it comes from, and the arrays themselves."""

from __future__ import annotations

import hashlib
import io
import textwrap
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

import numpy as np

from exacthat.errors import BadInput, nearest


@dataclass(frozen=True)
class Description:
    """What a data set is and what its users owe to its makers.

    `shape` is (origins, destinations, industries) of the flows, `unit` theirs; `sha256` is the hash of
    the data file in this installation. `industries` are the labels of the `Economy` that `load`
    returns, `industry_names` the long names in the same order (equal to the labels where the source has
    no codes). `print` shows all but the labels.
    """

    name: str
    title: str
    source: str
    year: int
    shape: tuple[int, int, int]
    unit: str
    licence: str
    citation: tuple[str, ...]
    notes: tuple[str, ...]
    sha256: str
    countries: tuple[str, ...]
    industries: tuple[str, ...]
    industry_names: tuple[str, ...]

    def __str__(self) -> str:
        origins, _, industries = self.shape
        lines = [
            f"{self.name}: {self.title}",
            f"  {origins} countries x {industries} industries, {self.year}, {self.unit}",
            *_wrapped("Source: ", self.source),
            *_wrapped("Licence: ", self.licence),
            *(line for text in self.citation for line in _wrapped("Cite: ", text)),
            *(line for text in self.notes for line in _wrapped("- ", text)),
            f"  sha256 {self.sha256}",
        ]
        return "\n".join(lines)


def names() -> tuple[str, ...]:
    """Return the names of the embedded data sets.

    >>> names()
    ('wiod2008', 'wiod2014', 'icio2019', 'nafta1993')
    """
    return tuple(catalogue()["sets"])


def describe(name: str) -> Description:
    """Return provenance, licence, citation, oddities and labels of the data set `name`.

    Raises `BadInput` for an unknown name and for a data file that is not the one that was recorded.

    >>> about = describe("icio2019")
    >>> about.year, about.unit
    (2019, 'million USD, current prices')
    >>> about.industry_names[about.industries.index("C19")]
    'Coke and refined petroleum'
    """
    facts, held = record("sets", name), arrays(name)
    return Description(
        name=name,
        title=facts["title"],
        source=facts["source"],
        year=facts["year"],
        shape=held["flows"].shape,
        unit=facts["unit"],
        licence=facts["licence"],
        citation=tuple(facts["citation"]),
        notes=tuple(facts["notes"]),
        sha256=data_hash(name),
        countries=tuple(held["countries"].tolist()),
        industries=tuple(held["industries"].tolist()),
        industry_names=tuple(held.get("industry_names", held["industries"]).tolist()),
    )


def arrays(name: str) -> Mapping[str, np.ndarray]:
    """Return the arrays of the data set `name` as stored, read-only, by array name.

    `flows` [origin, destination, industry] in the unit of `describe(name)`, float32 or float64 as in
    the source; `countries` and `industries` are text. The other arrays differ by set and are listed in
    `data/README.md`: final-demand weights and elasticities, tariffs and balanced flows.

    Raises `BadInput` for an unknown name and for a data file that is not the one that was recorded.

    >>> held = arrays("wiod2014")
    >>> sorted(held)[:5]
    ['countries', 'flows', 'flows_balanced_free', 'flows_balanced_restricted', 'industries']
    >>> held["tariff"].shape
    (44, 44, 16)
    """
    with np.load(io.BytesIO(read(record("sets", name))), allow_pickle=False) as stored:
        held = {key: stored[key] for key in stored.files}
    for array in held.values():
        array.flags.writeable = False
    return MappingProxyType(held)


def data_hash(name: str) -> str:
    """Return the sha256 of the data file behind `name`, computed from the installed file.

    Raises `BadInput` for an unknown name and for a data file that is not the one that was recorded.

    >>> len(data_hash("wiod2008"))
    64
    """
    return hashlib.sha256(read(record("sets", name))).hexdigest()


@cache
def catalogue() -> dict:
    """Return the provenance file as nested dictionaries."""
    return tomllib.loads((_folder() / "provenance.toml").read_text(encoding="utf-8"))


def record(kind: str, name: str) -> dict:
    """Return the provenance of `name` among the "sets" or the "tables", or refuse with the nearest name."""
    known = catalogue()[kind]
    if not isinstance(name, str) or name not in known:
        what = {"sets": "data set", "tables": "elasticity table"}[kind]
        raise BadInput(f"there is no {what} {name!r}{nearest(name, list(known))} (known: {', '.join(known)})")
    return known[name]


def read(facts: dict) -> bytes:
    """Return the bytes of the file that `facts` describes, or refuse if they are not the recorded ones."""
    try:
        content = (_folder() / facts["file"]).read_bytes()
    except FileNotFoundError:
        raise BadInput(f"the data file {facts['file']} is missing: install the package again") from None
    if hashlib.sha256(content).hexdigest() != facts["sha256"]:
        raise BadInput(f"the data file {facts['file']} was altered or cut short: install the package again")
    return content


def _folder():
    return files(__package__) / "data"


def _wrapped(head: str, text: str) -> list[str]:
    return textwrap.wrap(
        head + text,
        width=100,
        initial_indent="  ",
        subsequent_indent=" " * (2 + len(head)),
        break_long_words=False,
    )
