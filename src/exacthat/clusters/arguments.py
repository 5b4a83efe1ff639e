"""Read what callers of this package pass: worlds, numbers, counts, lists; each fault is a named error."""

from __future__ import annotations

import math

import numpy as np

from ..checks import number, numbers
from ..errors import BadInput, BadParameter
from .world import World

TIGHTEST, LOOSEST = 1e-13, 1e-2  # tolerances that the integrator takes


def world(value, caller: str) -> World:
    """Return a World, or raise BadInput."""
    if not isinstance(value, World):
        raise BadInput(f"{caller} takes a clusters.World, not {type(value).__name__}")
    return value


def whole(value, what: str, low: int) -> int:
    """Read a whole number of at least `low`."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)) or value < low:
        raise BadParameter(f"{what} is {value!r}; it must be a whole number of at least {low}")
    return int(value)


def rate(value, what: str) -> float:
    """Read a finite number of at least 0."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value == 0:
        return 0.0
    return number(value, what, 0.0, np.finfo(float).max)


def horizon(value) -> float:
    """Read a positive time."""
    if not (is_date(value) and value > 0):
        raise BadInput(f"horizon is {value!r}; it must be a positive time")
    return float(value)


def tolerance(value) -> float:
    """Read the tolerance of an integration."""
    if (
        isinstance(value, (bool, np.bool_))
        or not isinstance(value, (int, float, np.number))
        or not (TIGHTEST <= value <= LOOSEST)
    ):
        raise BadParameter(f"rtol is {value!r}; it must lie between {TIGHTEST:g} and {LOOSEST:g}")
    return float(value)


def dates(values, what: str) -> np.ndarray:
    """Read a date or a list of dates (T,), none of them nan."""
    read = np.atleast_1d(numbers(values, what))
    if isinstance(values, (bool, np.bool_)) or read.ndim != 1 or not read.size or np.isnan(read).any():
        raise BadInput(f"{what} is {values!r}; it must be a date or a list of dates")
    return read


def pair(values, what: str, *, positive: bool) -> np.ndarray:
    """Read two numbers, home's and foreign's: positive, or not negative and not both zero."""
    read = numbers(values, what)
    rule = "both positive" if positive else "not negative, not both zero"
    good = read.shape == (2,) and np.isfinite(read).all() and np.all(read > 0 if positive else read >= 0)
    if not good or not read.any():
        raise BadParameter(f"{what} is {values!r}; it must be two numbers, home's and foreign's, {rule}")
    return read


def listed(values, what: str) -> list:
    """Return a list of what was given; text and single values are BadInput."""
    if isinstance(values, str) or not hasattr(values, "__iter__"):
        raise BadInput(f"{what} is {values!r}; it must be a list")
    return list(values)


def is_date(value) -> bool:
    """Whether a value is a finite number, and not a truth value."""
    real = isinstance(value, (int, float, np.number)) and not isinstance(value, (bool, np.bool_))
    return real and math.isfinite(value)
