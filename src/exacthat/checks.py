"""Reading arrays that users give: shapes and ranges, with every fault named by its cell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from exacthat.errors import SHOWN, BadInput, BadParameter, nearest
from exacthat.labels import carries_labels, in_order, turned

BLOCK = 1 << 20  # cells of flows looked at in one go: what is computed from large flows needs little memory
MOST_THREADS = 2**31 - 1  # as many as C counts
SHARE_SUM = 1e-8  # how closely given shares must sum to one and agree with the flows
LARGEST_FLOW = 1e100  # beyond it, and below its inverse, squares of sums of flows leave the range of numbers
LEAST_TRADE_ELASTICITY = 1e-4  # below it the rounding of logs, divided by it, is no longer small
LARGE_RATE = 5.0  # rates from this on are taken for percentages
CONFIRM_RATE = "set large_rates to true"
NO_NUMBERS = (str, bytes, bool, np.bool_, type(None))  # though numpy would read some of them as numbers


def numbers(values, what: str, *axes: Sequence[str], placed: bool = True) -> np.ndarray:
    """Copy `values` into a C-contiguous float array; a read-only memory map of such an array stays where it is.

    `axes` are the labels of its last axes: a table that carries labels is put into their order, after an xarray with
    named axes is put into that of the names; unless `placed`, labels are left to the caller. Text, truth values, ragged
    lists, complex numbers, masked arrays and labels that are not in `axes` are `BadInput`.
    """
    if type(values) is float:
        return np.array(values)
    if isinstance(values, np.ndarray) and values.dtype == np.float64:
        source = values if isinstance(values, np.memmap) else values.base
        if isinstance(source, np.memmap) and not source.flags.writeable and values.flags.c_contiguous:
            return values.view(np.ndarray)
        if type(values) is np.ndarray:
            return np.array(values, order="C")
    values = turned(values, what)
    if isinstance(values, np.ma.MaskedArray):
        raise BadInput(f"{what} is a masked array; fill it first (values.filled(...)), a mask would be lost")
    if isinstance(values, list | tuple):
        values = _rows_in_order(values, what, axes)
    try:
        array = np.asarray(values)
        _refuse_non_numbers(values, array)
        array = np.array(array, dtype=np.float64, order="C")
    except (TypeError, ValueError, OverflowError) as error:
        raise BadInput(f"{what} cannot be read as an array of numbers: {error}") from error
    if isinstance(values, np.ndarray | list | int) or not placed:
        return array
    return in_order(values, array, what, axes)


def _rows_in_order(values, what: str, axes) -> list:
    """Put rows that carry labels each into order, at whatever depth of lists they stand."""
    if len(values) and isinstance(values[0], int | float):
        return values
    return [
        in_order(part, np.asarray(part), what, axes[1:]) if carries_labels(part)
        else _rows_in_order(part, what, axes[1:]) if isinstance(part, list | tuple)
        else part
        for part in values
    ]  # fmt: skip


def _refuse_non_numbers(values, array: np.ndarray) -> None:
    """Raise a TypeError that names the first value which is no number but would be read as one."""
    kinds = _kinds(values if isinstance(values, list | tuple) else array)
    if any(issubclass(kind, NO_NUMBERS) for kind in kinds):
        for at, value in np.ndenumerate(np.asarray(values, dtype=object)):
            if isinstance(value, NO_NUMBERS):
                where = f" at [{', '.join(map(str, at))}]" if at else ""
                raise TypeError(
                    f"it holds {value.item() if isinstance(value, np.generic) else value!r}{where}"
                )
    if array.dtype.kind not in "iufO":
        raise TypeError(f"it holds {array.dtype}")


def _kinds(values) -> set[type]:
    """Types of the values in lists of lists and arrays: numpy makes one type of what a list mixes."""
    if isinstance(values, np.ndarray):
        return set(map(type, values.ravel().tolist())) if values.dtype == object else {values.dtype.type}
    kinds = set(map(type, values))
    nested = kinds & {list, tuple, np.ndarray}
    for part in values if nested else ():
        if type(part) in nested:
            kinds |= _kinds(part)
    return kinds


def number(value, what: str, low: float, high: float) -> float:
    """Read one number above `low` and at most `high`."""
    if type(value) is float and low < value <= high:
        return value
    try:
        read = numbers(value, what)
    except BadInput:
        read = np.array([np.nan])
    if read.shape != () or not low < read <= high:
        raise BadParameter(f"{what} is {value!r}; it must be one number above {low:g} and at most {high:g}")
    return float(read)


def thread_count(value) -> int | None:
    """Read a number of threads: a whole number of at least one, as many as C can count at most; None stays None."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise BadParameter(f"threads is {value!r}; it must be a whole number of at least 1")
    return min(int(value), MOST_THREADS)


def frozen(array) -> np.ndarray:
    """Make an array read-only and return it; lists become one."""
    array = np.asarray(array)
    array.flags.writeable = False
    return array


def blocks(flows) -> list[slice]:
    """Cut the origins of flows (N, N, K) into pieces of about `BLOCK` cells."""
    step = max(1, BLOCK // flows[0].size)
    return [slice(at, at + step) for at in range(0, len(flows), step)]


def flow_faults(flows, countries, industries) -> list[str]:
    """List what is wrong with flows [origin, destination, industry]."""
    faults, unread = [], 0
    sold, spending = np.empty(len(flows)), np.zeros(flows.shape[1:])
    for part in blocks(flows):
        cells = flows[part]
        if not (cells.min() >= 0 and cells.max() <= LARGEST_FLOW):
            wrong = np.argwhere(~((cells >= 0) & (cells <= LARGEST_FLOW)))
            shown = wrong[: max(0, 4 * SHOWN - len(faults))]
            unread += len(wrong) - len(shown)
            faults += [
                f"flow from {countries[part.start + i]!r} to {countries[n]!r} in industry {industries[k]!r} is "
                f"{cells[i, n, k]:g}; {_cure_of_flow(cells[i, n, k])}"
                for i, n, k in shown
            ]
        elif not faults:
            sold[part] = cells.sum(axis=(1, 2))
            spending += cells.sum(axis=0)
    if faults:
        return [*faults, f"{unread} more flows are not finite, negative or too large"] if unread else faults
    total = sold.sum()
    if 0 < total < 1 / LARGEST_FLOW:
        return [
            f"flows sum to {total:g}; the least that can be computed with is {1 / LARGEST_FLOW:g}: change the unit"
        ]
    for i in np.flatnonzero(sold <= 0):
        faults.append(f"country {countries[i]!r} sells nothing, so it has no income: drop it or merge it")
    for n in np.flatnonzero(spending.sum(axis=1) <= 0):
        faults.append(f"country {countries[n]!r} buys nothing: drop it or merge it")
    for k in np.flatnonzero(spending.sum(axis=0) <= 0):
        faults.append(f"industry {industries[k]!r} has no producers: drop it or merge it")
    return faults


def _cure_of_flow(value: float) -> str:
    if np.isfinite(value) and value > 0:
        return (
            f"the largest that can be computed with is {LARGEST_FLOW:g}: correct the cell or change the unit"
        )
    return "flows must be finite and not negative: correct the cell or set it to 0"


def elasticity(given, what: str, industries, *, positive: bool) -> np.ndarray:
    """Read a scalar, (K,) or a mapping by industry label; `LEAST_TRADE_ELASTICITY` or more if `positive`, else 0."""
    if isinstance(given, Mapping):
        given = {str(name).strip(): value for name, value in given.items()}
        faults = [
            f"{what} names an unknown industry {name!r}{nearest(name, industries)}"
            for name in given
            if name not in industries
        ]
        faults += [f"{what} lacks industry {name!r}" for name in industries if name not in given]
        if faults:
            raise BadInput(faults)
        given = [given[name] for name in industries]
    values = numbers(given, what, industries)
    if values.shape not in {(), (len(industries),)}:
        raise BadInput(f"{what} has shape {values.shape}; give a scalar or ({len(industries)},)")
    values = np.array(np.broadcast_to(values, (len(industries),)))
    least = LEAST_TRADE_ELASTICITY if positive else 0.0
    faults = [
        f"{what} of industry {industries[k]!r} is {values[k]:g}; it must be finite and "
        f"{f'above 0: {least:g} is the least that can be computed with' if positive else 'at least 0'}"
        for k in np.flatnonzero(~(np.isfinite(values) & (values >= least)))
    ]
    if faults:
        raise BadParameter(faults)
    return values


def by_country_industry(given, countries, industries, what: str) -> np.ndarray:
    """Broadcast a scalar, (K,), (N, 1) or (N, K) to (N, K)."""
    values = numbers(given, what, countries, industries)
    n, k = len(countries), len(industries)
    if values.shape not in {(), (k,), (n, 1), (n, k)}:
        raise BadInput(f"{what} has shape {values.shape}; give a scalar, ({k},), ({n}, 1) or ({n}, {k})")
    return np.array(np.broadcast_to(values, (n, k)))


def by_route(given, countries, industries, what: str, home: float) -> np.ndarray:
    """Broadcast a scalar, (K,), (N, N, 1) or (N, N, K) to (N, N, K).

    A scalar or (K,) acts on foreign trade only: the diagonal is set to `home`. A full array acts where it says.
    """
    values = numbers(given, what, countries, countries, industries)
    n, k = len(countries), len(industries)
    if values.shape not in {(), (k,), (n, n, 1), (n, n, k)}:
        raise BadInput(
            f"{what} has shape {values.shape}; give a scalar, ({k},), ({n}, {n}, 1) or ({n}, {n}, {k})"
        )
    foreign_only = values.ndim < 3
    values = np.array(np.broadcast_to(values, (n, n, k)))
    if foreign_only:
        values[np.arange(n), np.arange(n)] = home
    return values


def production_rates(given, countries, industries, *, large: bool = True) -> np.ndarray:
    """Read production subsidies (N, K): rates above -100 percent, and below `LARGE_RATE` unless `large`."""
    rates = by_country_industry(given, countries, industries, "production_subsidy")
    faults = [
        f"production_subsidy of country {countries[i]!r} in industry {industries[k]!r} is {rates[i, k]:g}; "
        "rates must be finite and above -1 (a rate of 0.1 is ten percent)"
        for i, k in np.argwhere(~(np.isfinite(rates) & (rates > -1)))
    ]
    faults += [] if large else large_rates(rates, "production_subsidy", countries, industries)
    if faults:
        raise BadParameter(faults)
    return rates


def large_rate(rate: float, confirm: str = CONFIRM_RATE) -> str:
    """Ask whether a rate was meant as a percentage; `confirm` is how to say that it was not."""
    return f"is {rate:g}, a rate of {100 * rate:g} percent; did you mean {rate / 100:g}? if it is meant, {confirm}"


def large_rates(rates: np.ndarray, what: str, *axes: Sequence[str]) -> list[str]:
    """Ask about each cell of `rates` that looks like a percentage, by the labels in `axes` or else by position."""
    large = (rates >= LARGE_RATE) & (rates < np.inf)
    wrong = np.argwhere(large) if large.any() else ()
    shown = wrong[: 4 * SHOWN]
    faults = []
    for at in shown:
        cell = ", ".join(repr(axis[j]) for axis, j in zip(axes, at)) if axes else ", ".join(map(str, at))
        place = f"{what}[{cell}]" if cell else what
        faults.append(f"{place} {large_rate(rates[tuple(at)])}")
    if len(wrong) > len(shown):
        faults.append(f"{len(wrong) - len(shown)} more rates of {what} are that large")
    return faults


def border_rates(given, countries, industries, what: str, *, large: bool = True) -> np.ndarray:
    """Read tariffs or export subsidies (N, N, K): as production subsidies, and zero on the diagonal."""
    rates = by_route(given, countries, industries, what, home=0.0)
    faults = [
        f"{what} on goods from {countries[i]!r} to {countries[n]!r} in industry {industries[k]!r} is "
        f"{rates[i, n, k]:g}; rates must be finite and above -1 (a rate of 0.1 is ten percent)"
        for i, n, k in np.argwhere(~(np.isfinite(rates) & (rates > -1)))
    ]
    faults += [] if large else large_rates(rates, what, countries, countries, industries)
    home = np.arange(len(countries))
    if (np.abs(rates[home, home] - 1.0) <= 0.5).all():
        faults.append(
            f"{what} is {rates[0, 0, 0]:g} on own goods of {countries[0]!r} and alike for the others: these look like "
            "powers (1 + rate); subtract 1, and the diagonal must be 0"
        )
        raise BadParameter(faults)
    faults += [
        f"{what} of {countries[n]!r} on its own goods in industry {industries[k]!r} is {rates[n, n, k]:g}; "
        "the diagonal must be 0: domestic sales cross no border"
        for n, k in np.argwhere(np.nan_to_num(rates[home, home]) != 0)
    ]
    if faults:
        raise BadParameter(faults)
    return rates


def shares_by_country(given, countries, industries) -> np.ndarray:
    """Read expenditure shares (N, K): not negative, each row summing to one."""
    shares = numbers(given, "expenditure_shares", countries, industries)
    if shares.shape != (len(countries), len(industries)):
        raise BadInput(
            f"expenditure_shares have shape {shares.shape}; they must be ({len(countries)}, {len(industries)})"
        )
    faults = [
        f"expenditure share of country {countries[n]!r} on industry {industries[k]!r} is {shares[n, k]:g}; "
        "shares must be finite and not negative"
        for n, k in np.argwhere(~(np.isfinite(shares) & (shares >= 0)))
    ]
    faults += [
        f"expenditure shares of country {countries[n]!r} sum to {_apart(total)}; they must sum to 1 within "
        f"{SHARE_SUM:g}: normalise them"
        for n, total in enumerate(shares.sum(axis=1))
        if not faults and abs(total - 1.0) > SHARE_SUM
    ]
    if faults:
        raise BadInput(faults)
    return shares


def _apart(total: float) -> str:
    """Write a sum with as many digits as tell it from one."""
    return (
        f"{total:.6g}" if abs(total - 1.0) > 1e-5 else f"1 {'-' if total < 1 else '+'} {abs(total - 1.0):.2g}"
    )


def input_shares(given, countries, industries) -> np.ndarray:
    """Read input shares of cost (N, K, K) or (K, K): [country, supplying industry, using industry]."""
    shares = numbers(given, "input_shares", countries, industries, industries)
    n, k = len(countries), len(industries)
    if shares.shape not in {(k, k), (n, k, k)}:
        raise BadInput(
            f"input_shares have shape {shares.shape}; give ({n}, {k}, {k}): [country, input, user], or ({k}, {k})"
        )
    shares = np.array(np.broadcast_to(shares, (n, k, k)))
    faults = [
        f"share of input {industries[g]!r} in the cost of {industries[u]!r} in country {countries[i]!r} is "
        f"{shares[i, g, u]:g}; it must be finite and not negative"
        for i, g, u in np.argwhere(~(np.isfinite(shares) & (shares >= 0)))
    ]
    faults += [
        f"labour share of industry {industries[u]!r} in country {countries[i]!r} is "
        f"{1.0 - shares[i, :, u].sum():.4g}: its inputs exceed its cost. Shares are of cost; shares of revenue "
        "times 1 + mu under restricted entry pass 1 where profits exceed value added: lower mu or the inputs"
        for i, u in np.argwhere(shares.sum(axis=1) > 1.0 + SHARE_SUM)
        if not faults
    ]
    if faults:
        raise BadInput(faults)
    return shares / np.maximum(
        shares.sum(axis=1, keepdims=True), 1.0
    )  # rounding must not leave labour below 0


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

    def faults(self, problems: Iterable[str], *, out_of_range: bool = False) -> None:
        """Note several faults."""
        for problem in problems:
            self.fault(problem, out_of_range=out_of_range)

    def attempt(self, read, *arguments, **options):
        """Return what `read` makes of its arguments; None after noting the faults of a `BadInput`."""
        try:
            return read(*arguments, **options)
        except BadInput as error:
            self.faults(error.problems, out_of_range=isinstance(error, BadParameter))
            return None

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
            given = np.asarray(value)
            if given.dtype.kind in "US":  # which numpy would read
                raise TypeError
            array = np.array(given, dtype=float)
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
        if isinstance(value, np.ndarray) or value not in options:
            listed = " or ".join(repr(option) for option in options)
            self.fault(f"{name} is {value!r}; it must be {listed}", out_of_range=True)

    def flag(self, name: str, value) -> bool:
        """Read a truth value."""
        if not isinstance(value, bool | np.bool_):
            self.fault(f"{name} is {value!r}; it must be True or False", out_of_range=True)
            return False
        return bool(value)

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
