"""Errors: what went wrong, in which cell, and what to do about it.

Every error of the package is an `ExacthatError`. One raised for bad input lists all faults found, not
only the first; one raised by a solve carries what was reached, so nothing is lost.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

SHOWN = 12  # faults printed in one message; all of them are in `.problems`


class ExacthatError(Exception):
    """Base of all errors of this package; `exit_code` is what the command returns."""

    exit_code = 1


class BadInput(ExacthatError, ValueError):
    """Data or a scenario that cannot be used; `.problems` lists every fault with its cell and cure."""

    exit_code = 3

    def __init__(self, problems: str | Iterable[str]):
        self.problems = [problems] if isinstance(problems, str) else list(problems)
        shown = self.problems[:SHOWN]
        if len(self.problems) > SHOWN:
            shown.append(f"... and {len(self.problems) - SHOWN} more (see .problems)")
        super().__init__("\n".join(shown))


class BadParameter(BadInput):
    """An elasticity, a rate or an option outside the range in which the model is defined."""

    exit_code = 4


class NoEquilibrium(BadInput):
    """The scenario has no equilibrium, whatever the solver: the message says why."""

    exit_code = 5


class NotConverged(ExacthatError):
    """The solver stopped before its residual met the tolerance.

    `.equilibrium` is the last iterate (with its certificate, outcome "not converged") and `.reached`
    the share of the shock, in percent, up to which a certified equilibrium was followed.
    """

    exit_code = 6

    def __init__(self, message: str, *, equilibrium=None, reached: float = 0.0):
        super().__init__(message)
        self.equilibrium = equilibrium
        self.reached = reached


class NotCertified(ExacthatError):
    """A proposed solution fails the equilibrium conditions; `.certificate` says by how much and where."""

    exit_code = 7

    def __init__(self, message: str, *, certificate=None):
        super().__init__(message)
        self.certificate = certificate


class MissingLibrary(ExacthatError, ImportError):
    """An optional library is not installed; the message says which, what for and how to get it."""

    exit_code = 10


def nearest(label: str, known: Sequence[str]) -> str:
    """Say which known label `label` may have meant, as the end of a sentence ("" if none is near)."""
    names = [str(name) for name in known]
    close = [name for name in names if name.casefold() == str(label).casefold()]
    close += difflib.get_close_matches(str(label), names, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""
