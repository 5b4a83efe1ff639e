"""Read numbers from users: every fault of one call, with its cell and its cure, in one report."""

from __future__ import annotations

import numpy as np

from .errors import BadInput, BadParameter


class Reader:
    """Collects the faults of one call; `finish` raises them together.

    Faults of range alone raise `BadParameter`; as soon as one value has the wrong shape, is missing or
    is not a number, the report is a `BadInput`.
    """

    def __init__(self):
        self._problems: list[str] = []
        self._only_ranges = True

    def fault(self, problem: str, *, out_of_range: bool = False) -> None:
        """Note one fault; `out_of_range` says that the value is readable but not allowed."""
        self._problems.append(problem)
        self._only_ranges &= out_of_range

    def finish(self) -> None:
        """Raise what was noted, if anything."""
        if self._problems:
            raise (BadParameter if self._only_ranges else BadInput)(self._problems)

    def array(self, name: str, value, *, shape=None, cure: str = "", **limits) -> np.ndarray:
        """Read finite floats; `shape` broadcasts smaller arrays; `limits` are above, least, below, most.

        On a fault the returned array is a stand-in of the right shape filled with nan: call `finish`
        before using it.
        """
        try:
            array = np.array(value, dtype=float)
        except (TypeError, ValueError):
            self.fault(f"{name} is not numeric: give numbers in a rectangular array{_tail(cure)}")
            return np.full(shape or (), np.nan)
        if shape is not None:
            try:
                array = np.broadcast_to(array, shape).copy()
            except ValueError:
                self.fault(f"{name} has shape {array.shape}; it must have shape {shape}{_tail(cure)}")
                return np.full(shape, np.nan)
        if not np.isfinite(array).all():
            where = _cell(name, np.argwhere(~np.isfinite(array))[0])
            self.fault(f"{where} is not finite: fill in or drop missing values{_tail(cure)}")
            return array
        for bound, (broken, words) in _LIMITS.items():
            limit = limits.get(bound)
            if limit is not None and broken(array, limit).any():
                cell = np.argwhere(broken(array, limit))[0]
                problem = f"{_cell(name, cell)} is {array[tuple(cell)]:g}; it must be {words} {limit:g}"
                self.fault(problem + _tail(cure), out_of_range=True)
        return array

    def number(self, name: str, value, *, cure: str = "", **limits) -> float:
        """Read one finite number within `limits` (as in `array`)."""
        array = self.array(name, value, cure=cure, **limits)
        if array.ndim:
            self.fault(f"{name} has shape {array.shape}; it must be a single number{_tail(cure)}")
            return np.nan
        return float(array)

    def choice(self, name: str, value, options) -> None:
        """Note a fault unless `value` is one of `options`."""
        if value not in options:
            listed = " or ".join(repr(option) for option in options)
            self.fault(f"{name} is {value!r}; it must be {listed}", out_of_range=True)

    def broadcastable(self, **arrays) -> None:
        """Note a fault unless the arrays broadcast together."""
        try:
            np.broadcast_shapes(*(array.shape for array in arrays.values()))
        except ValueError:
            shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
            self.fault(f"shapes do not broadcast together: {shapes}")

    def dates(self, name: str, value) -> np.ndarray:
        """Read (T,) dates, none before zero."""
        dates = self.array(name, value, least=0.0)
        if dates.ndim != 1 or dates.size == 0:
            self.fault(f"{name} has shape {dates.shape}; it must be a list of dates, shape (T,), T >= 1")
        return dates


_LIMITS = {
    "above": (lambda array, limit: array <= limit, "above"),
    "least": (lambda array, limit: array < limit, "at least"),
    "below": (lambda array, limit: array >= limit, "below"),
    "most": (lambda array, limit: array > limit, "at most"),
}


def _cell(name: str, index) -> str:
    return f"{name}[{', '.join(str(i) for i in index)}]" if len(index) else name


def _tail(cure: str) -> str:
    return f" ({cure})" if cure else ""


def frozen(array) -> np.ndarray:
    """Return `array` as a read-only copy, for results that nobody should alter by accident."""
    array = np.array(array)
    array.setflags(write=False)
    return array
