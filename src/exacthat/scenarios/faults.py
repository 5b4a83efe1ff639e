"""Collect every fault of one scenario text, and say where each of them stands."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from exacthat.errors import BadInput, BadParameter, nearest


class Faults:
    """Faults of one text, in the order in which they were found."""

    def __init__(self, origin: str, text: str):
        self.origin = origin
        self._lines = text.splitlines()
        self._found: list[str] = []
        self._parameters_only = True

    def __len__(self):
        return len(self._found)

    def add(self, where: str, problem: str, key: str | None = None) -> None:
        """Note a problem in the table `where`; `key` finds its line if it stands on one line only."""
        self._found.append(f"{self.origin}{self._line(key)}: [{where}] {problem}")
        self._parameters_only = False

    def absorb(self, where: str, error: BadInput) -> None:
        """Note the problems of an error raised by the economy or the data."""
        self._found += [f"{self.origin}: [{where}] {problem}" for problem in error.problems]
        self._parameters_only &= isinstance(error, BadParameter)

    def report(self) -> None:
        """Raise one error with all problems, if there are any."""
        if self._found:
            raise (BadParameter if self._parameters_only else BadInput)(self._found)

    def unknown_keys(self, where: str, table: Mapping, known: Sequence[str]) -> None:
        """Note the keys of `table` that do not exist, each with the nearest that does."""
        for key in table:
            if key not in known:
                hint = nearest(key, known) or f" (known: {', '.join(known)})"
                self.add(where, f"{key!r} is not a key{hint}", key)

    def choice(self, where: str, table: Mapping, key: str, choices: Sequence[str], default: str) -> str:
        """Return the text under `key`, one of `choices`."""
        value = table.get(key, default)
        if value not in choices:
            hint = nearest(value, choices) if isinstance(value, str) else ""
            self.add(
                where, f"{key} is {value!r}; it must be one of {', '.join(map(repr, choices))}{hint}", key
            )
            return default
        return value

    def text(self, where: str, table: Mapping, key: str, default: str | None = None) -> str | None:
        """Return the text under `key`, not empty."""
        value = table.get(key, default)
        if key in table and not (isinstance(value, str) and value.strip()):
            self.add(where, f"{key} is {value!r}; it must be a text in quotation marks", key)
            return default
        return value

    def labels(self, where: str, given, key: str, known: Sequence[str]) -> list[str]:
        """Return one label or a list of distinct labels as a list; note those that are not in `known`."""
        listed = [given] if isinstance(given, str) else given
        if not (isinstance(listed, list) and listed and all(isinstance(label, str) for label in listed)):
            self.add(
                where, f"{key} is {given!r}; it must be a label or a list of labels in quotation marks", key
            )
            return []
        for label in listed:
            if label not in known:
                self.add(where, f"{key} holds the unknown label {label!r}{nearest(label, known)}", key)
        for label in dict.fromkeys(label for label in listed if listed.count(label) > 1):
            self.add(where, f"{key} holds {label!r} more than once", key)
        return listed

    def _line(self, key: str | None) -> str:
        if key is None:
            return ""
        pattern = re.compile(rf"""\s*["']?{re.escape(key)}["']?\s*=""")
        at = [number for number, line in enumerate(self._lines, start=1) if pattern.match(line)]
        return f", line {at[0]}" if len(at) == 1 else ""


def is_number(value) -> bool:
    """Whether a TOML value is a number (a bool is none)."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)
