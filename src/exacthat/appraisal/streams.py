"""Streams of welfare over time, from any path, from a table of values or from a function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..checks import Reader, frozen
from ..errors import BadInput

WELFARE = ("consumption", "welfare_hat")  # what the states of a path call welfare, in order of preference


@dataclass(frozen=True, eq=False)
class Stream:
    """Welfare W(t) > 0 of N countries on [0, horizon], smooth between `breakpoints`.

    `evaluate(times, side)` takes increasing dates (T,) and returns (T, N); at a date where the stream jumps,
    `side` "right" asks for the value after the jump and "left" for the one before. `breakpoints` are the
    dates strictly inside the horizon where the stream or its slope may jump; a jump not listed is found, at
    the cost of more evaluations. `countries` are labels or None.
    """

    evaluate: Callable[[np.ndarray, str], np.ndarray]
    horizon: float
    breakpoints: np.ndarray
    countries: tuple[str, ...] | None = None

    @classmethod
    def from_path(cls, path, *, welfare: str | None = None, horizon: float | None = None) -> Stream:
        """Read the welfare of a path: `path.at(times, side=...)` gives states, `path.events` the breakpoints.

        The states' `consumption` (T, 2) or `welfare_hat` (T, N) is read; `welfare` names another attribute,
        such as "welfare_per_head_hat". `horizon` is needed only if the path has none of its own. Raises
        `BadInput` if nothing of the kind is there.
        """
        end = getattr(path, "horizon", None) if horizon is None else horizon
        if end is None:
            raise BadInput("the path has no `horizon`: give one")
        start_state = path.at(np.zeros(1), side="right")
        names = [welfare] if welfare else [name for name in WELFARE if hasattr(start_state, name)]
        if not names or not hasattr(start_state, names[0]):
            wanted = " or ".join(repr(name) for name in ([welfare] if welfare else WELFARE))
            raise BadInput(f"the states of the path have no {wanted}: name the attribute with `welfare`")

        def evaluate(times, side):
            return getattr(path.at(times, side=side), names[0])

        dates = [event.time for event in getattr(path, "events", ())]
        return cls.from_function(
            evaluate, end, dates, countries=getattr(path, "countries", None), takes_side=True
        )

    @classmethod
    def from_values(cls, times, values, *, countries: Sequence[str] | None = None) -> Stream:
        """Join values (T,) or (T, N) at dates (T,) by straight lines.

        The dates start at 0, end at the horizon and do not fall; a date given twice is a jump, its two rows
        the values before and after. Raises `BadInput` for other shapes, `BadParameter` for other dates.

        >>> stream = Stream.from_values([0.0, 5.0, 5.0, 10.0], [1.0, 1.0, 2.0, 2.0])
        >>> stream.evaluate([5.0], "left").tolist(), stream.evaluate([5.0], "right").tolist()
        ([[1.0]], [[2.0]])
        """
        read = Reader()
        times = read.dates("times", times)
        values = read.array("values", values, above=0.0, cure="welfare is a positive level")
        if values.ndim == 1:
            values = values[:, None]
        if values.ndim != 2 or values.shape[0] != times.size or times.size < 2:
            shapes = f"times {times.shape} and values {values.shape}"
            read.fault(f"{shapes} do not fit: (T,) and (T,) or (T, N), T >= 2")
        elif times[0] != 0 or (np.diff(times) < 0).any():
            read.fault("times must start at 0 and never fall", out_of_range=True)
        elif times[1] == 0 or times[-2] == times[-1] or (times[2:] == times[:-2]).any():
            problem = "times repeat at the start, at the end or more than once"
            read.fault(f"{problem}: a jump takes two rows at a date inside", out_of_range=True)
        read.finish()

        def evaluate(at, side):
            after = np.clip(np.searchsorted(times, at, side), 1, times.size - 1)
            weight = (np.asarray(at) - times[after - 1]) / (times[after] - times[after - 1])
            return values[after - 1] + weight[:, None] * (values[after] - values[after - 1])

        return cls.from_function(evaluate, times[-1], times, countries=countries, takes_side=True)

    @classmethod
    def from_function(
        cls,
        function,
        horizon: float,
        breakpoints=(),
        *,
        countries: Sequence[str] | None = None,
        takes_side: bool = False,
    ) -> Stream:
        """Take welfare from `function(times)`, which returns (T,) or (T, N) for dates (T,).

        `breakpoints` are the dates where it or its slope jumps. With `takes_side` the function is called as
        `function(times, side)`. Raises `BadParameter` for a horizon that is not positive.

        >>> Stream.from_function(lambda t: 1.0 + t, horizon=2.0).evaluate([0.0, 2.0], "right").tolist()
        [[1.0], [3.0]]
        """
        read = Reader()
        horizon = read.number("horizon", horizon, above=0.0)
        breakpoints = np.unique(read.array("breakpoints", breakpoints))
        read.finish()
        inside = breakpoints[(breakpoints > 0) & (breakpoints < horizon)]
        names = None if countries is None else tuple(str(name) for name in countries)

        def evaluate(times, side="right"):
            times = np.asarray(times, dtype=float)
            level = np.asarray(function(times, side) if takes_side else function(times), dtype=float)
            level = level[:, None] if level.ndim == 1 else level
            if level.ndim != 2 or level.shape[0] != times.size:
                raise BadInput(f"welfare at {times.size} dates has shape {level.shape}; it must be (T, N)")
            return _checked(level, times, names)

        return cls(evaluate, horizon, frozen(inside), names)


def as_stream(name: str, source, horizon: float | None) -> Stream:
    """Read a stream from a Stream, a path, a (times, values) pair or a function (with `horizon`)."""
    if isinstance(source, Stream):
        return source
    if hasattr(source, "at"):
        return Stream.from_path(source, horizon=getattr(source, "horizon", horizon))
    if isinstance(source, tuple | list) and len(source) == 2:
        return Stream.from_values(*source)
    if callable(source):
        if horizon is None:
            raise BadInput(f"{name} is a function: give the horizon")
        return Stream.from_function(source, horizon)
    kinds = "a path with .at(times, side=...), a pair (times, values), a function or a Stream"
    raise BadInput(f"{name} is a {type(source).__name__}; it must be {kinds}")


def _checked(level, times, countries):
    bad = np.argwhere(~(np.isfinite(level) & (level > 0)))
    if not bad.size:
        return level
    problems = []
    for n in np.unique(bad[:, 1]):
        t = bad[bad[:, 1] == n][0, 0]
        who = repr(countries[n]) if countries else n
        value = f"welfare of country {who} at date {times[t]:g} is {level[t, n]:g}"
        problems.append(
            f"{value}; it must be positive and finite: drop the country or end the horizon earlier"
        )
    raise BadInput(problems)
