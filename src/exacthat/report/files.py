"""Write the results of a study: table, manifest and chart, without touching the files of anyone else."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from exacthat.errors import BadInput
from exacthat.study import PLAIN, Result

PROGRAM = "exacthat"
SUFFIXES = (".json", ".csv", ".png")  # in the order of writing: the manifest says whose files the others are


def paths(folder: Path, name: str, suffixes: Sequence[str] = SUFFIXES) -> dict[str, Path]:
    """Return the path of each file that a study called `name` writes, by suffix."""
    return {suffix: folder / f"{name}{suffix}" for suffix in suffixes}


def check_free(
    folder: Path, name: str, inputs: Sequence[Path] = (), suffixes: Sequence[str] = SUFFIXES
) -> None:
    """Raise `BadInput` where writing would replace an input or a file that is no result of the same name."""
    targets = paths(folder, name, suffixes)
    existing = [path for path in targets.values() if path.exists()]
    read = {path.resolve() for path in inputs}
    problems = [f"{path} is read by the scenario and would be overwritten" for path in existing
                if path.resolve() in read]  # fmt: skip
    if existing and not _is_own(targets[".json"], name):
        problems += [f"{path} exists and is no result of this command" for path in existing]
    if problems:
        raise BadInput([f"{problem}: move it, or choose another folder with --out" for problem in problems])


def table_csv(result: Result) -> bytes:
    """Return the table as CSV: the row labels, then one column per number, named with its unit, in full digits."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        [*result.index, *(name if name in PLAIN else f"{name}_percent" for name in result.columns)]
    )
    for at, labels in enumerate(result.rows):
        writer.writerow([*labels, *(repr(float(values[at])) for values in result.columns.values())])
    return text.getvalue().encode("utf-8")


def hashes(name: str, contents: Mapping[str, bytes]) -> dict[str, str]:
    """Return the sha256 of each of `contents` (by suffix) under the name of its file."""
    return {f"{name}{suffix}": hashlib.sha256(content).hexdigest() for suffix, content in contents.items()}


def write(folder: Path, name: str, contents: Mapping[str, bytes]) -> list[Path]:
    """Write `contents` (by suffix), each file whole or not at all; return their paths. Raises `OSError`.

    The manifest (.json) comes first: it says whose files the others are.
    """
    folder.mkdir(parents=True, exist_ok=True)
    targets = paths(folder, name, sorted(contents, key=lambda suffix: suffix != ".json"))
    for suffix, path in targets.items():
        part = path.with_name(f".{path.name}.part")
        part.write_bytes(contents[suffix])
        os.replace(part, path)
    return list(targets.values())


def _is_own(path: Path, name: str) -> bool:
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(manifest, dict) and manifest.get("program") == PROGRAM and manifest.get("name") == name
