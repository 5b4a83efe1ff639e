"""Reading arrays that users give: shapes, ranges and labels, with every fault named by its cell."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from exacthat.errors import SHOWN, BadInput, BadParameter, nearest

BLOCK = 1 << 20  # cells of flows looked at in one go: what is computed from large flows needs little memory
MOST_THREADS = 2**31 - 1  # as many as C counts
SHARE_SUM = 1e-8  # how closely given shares must sum to one and agree with the flows


def numbers(values, what: str) -> np.ndarray:
    """Copy `values` into a C-contiguous float array; a read-only memory map of such an array stays where it is.

    Text, ragged lists, complex numbers, masked arrays and series with labels of their own (which a plain array
    would lose) are `BadInput`.
    """
    if type(values) is float:
        return np.array(values)
    if isinstance(values, np.ndarray) and values.dtype == np.float64:
        source = values if isinstance(values, np.memmap) else values.base
        if isinstance(source, np.memmap) and not source.flags.writeable and values.flags.c_contiguous:
            return values.view(np.ndarray)
        if type(values) is np.ndarray:
            return np.array(values, order="C")
    if isinstance(values, np.ma.MaskedArray):
        raise BadInput(f"{what} is a masked array; fill it first (values.filled(...)), a mask would be lost")
    index = getattr(values, "index", None)
    if index is not None and not callable(index) and list(index) != list(range(len(values))):
        raise BadInput(f"{what} carries labels of its own; pass .to_numpy() in the economy's order")
    try:
        array = np.asarray(values)
        if array.dtype.kind not in "biufO" or any(isinstance(value, str) for value in array.ravel()[:1]):
            raise TypeError(f"it holds {array.dtype}")
        return np.array(array, dtype=np.float64, order="C")
    except (TypeError, ValueError, OverflowError) as error:
        raise BadInput(f"{what} cannot be read as an array of numbers: {error}") from error


def number(value, what: str, low: float, high: float) -> float:
    """Read one number above `low` and at most `high`."""
    if type(value) is float and low < value <= high:
        return value
    read = numbers(value, what)
    if read.shape != () or isinstance(value, bool) or not low < read <= high:
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


def labels(given, size: int, what: str, stem: str) -> tuple[str, ...]:
    """Check `size` distinct labels of an axis, or number them."""
    if given is None:
        return tuple(f"{stem}{j}" for j in range(size))
    if isinstance(given, str) or not hasattr(given, "__iter__"):
        raise BadInput(f"{what} is {given!r}; give a sequence of {size} labels")
    given = list(given)
    names = tuple(str(name).strip() for name in given)
    if len(names) != size:
        raise BadInput(f"{len(names)} {what} are named but the flows have {size}")
    first: dict[str, int] = {}
    faults = [
        f"{what} name {name!r} twice (positions {first[name]} and {at}); labels must be distinct"
        for at, name in enumerate(names)
        if first.setdefault(name, at) != at
    ]
    faults += [
        f"{what}: the label at position {at} is empty" for at, name in enumerate(names) if not name.strip()
    ]
    if faults:
        raise BadInput(faults)
    return names


def positions(wanted, known, what: str) -> np.ndarray:
    """Return where labels stand in `known`; unknown ones raise `BadInput` with the nearest spelling."""
    wanted = list(wanted) if hasattr(wanted, "__iter__") and not isinstance(wanted, str) else [wanted]
    wanted = [name if isinstance(name, str) else str(name) for name in wanted]
    index = {label: at for at, label in enumerate(known)}
    unknown = [f"unknown {what} {name!r}{nearest(name, known)}" for name in wanted if name not in index]
    if unknown:
        raise BadInput(unknown)
    return np.array([index[name] for name in wanted], dtype=int)


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
        if not (cells.min() >= 0 and cells.max() < np.inf):
            wrong = np.argwhere(~(np.isfinite(cells) & (cells >= 0)))
            shown = wrong[: max(0, 4 * SHOWN - len(faults))]
            unread += len(wrong) - len(shown)
            faults += [
                f"flow from {countries[part.start + i]!r} to {countries[n]!r} in industry {industries[k]!r} is "
                f"{cells[i, n, k]:g}; flows must be finite and not negative: correct the cell or set it to 0"
                for i, n, k in shown
            ]
        elif not faults:
            sold[part] = cells.sum(axis=(1, 2))
            spending += cells.sum(axis=0)
    if faults:
        return [*faults, f"{unread} more flows are not finite or negative"] if unread else faults
    for i in np.flatnonzero(sold <= 0):
        faults.append(f"country {countries[i]!r} sells nothing, so it has no income: drop it or merge it")
    for n in np.flatnonzero(spending.sum(axis=1) <= 0):
        faults.append(f"country {countries[n]!r} buys nothing: drop it or merge it")
    for k in np.flatnonzero(spending.sum(axis=0) <= 0):
        faults.append(f"industry {industries[k]!r} has no producers: drop it or merge it")
    return faults


def elasticity(given, what: str, industries, *, positive: bool) -> np.ndarray:
    """Read a scalar, (K,) or a mapping by industry label; above 0 if `positive`, else at least 0."""
    if hasattr(given, "items") and hasattr(given, "keys") and not isinstance(given, Mapping):
        given = dict(given.items()) if list(given.keys()) != list(range(len(given))) else given.to_numpy()
    if isinstance(given, Mapping):
        faults = [
            f"{what} names an unknown industry {name!r}{nearest(name, industries)}"
            for name in given
            if name not in industries
        ]
        faults += [f"{what} lacks industry {name!r}" for name in industries if name not in given]
        if faults:
            raise BadInput(faults)
        given = [given[name] for name in industries]
    values = numbers(given, what)
    if values.shape not in {(), (len(industries),)}:
        raise BadInput(f"{what} has shape {values.shape}; give a scalar or ({len(industries)},)")
    values = np.array(np.broadcast_to(values, (len(industries),)))
    good = np.isfinite(values) & ((values > 0) if positive else (values >= 0))
    faults = [
        f"{what} of industry {industries[k]!r} is {values[k]:g}; it must be finite and "
        f"{'above 0' if positive else 'at least 0'}"
        for k in np.flatnonzero(~good)
    ]
    if faults:
        raise BadParameter(faults)
    return values


def by_country_industry(given, countries, industries, what: str) -> np.ndarray:
    """Broadcast a scalar, (K,), (N, 1) or (N, K) to (N, K)."""
    values = numbers(given, what)
    n, k = len(countries), len(industries)
    if values.shape not in {(), (k,), (n, 1), (n, k)}:
        raise BadInput(f"{what} has shape {values.shape}; give a scalar, ({k},), ({n}, 1) or ({n}, {k})")
    return np.array(np.broadcast_to(values, (n, k)))


def by_route(given, countries, industries, what: str, home: float) -> np.ndarray:
    """Broadcast a scalar, (K,), (N, N, 1) or (N, N, K) to (N, N, K).

    A scalar or (K,) acts on foreign trade only: the diagonal is set to `home`. A full array acts where it says.
    """
    values = numbers(given, what)
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


def production_rates(given, countries, industries) -> np.ndarray:
    """Read production subsidies (N, K): rates above -100 percent."""
    rates = by_country_industry(given, countries, industries, "production_subsidy")
    faults = [
        f"production_subsidy of country {countries[i]!r} in industry {industries[k]!r} is {rates[i, k]:g}; "
        "rates must be finite and above -1 (a rate of 0.1 is ten percent)"
        for i, k in np.argwhere(~(np.isfinite(rates) & (rates > -1)))
    ]
    if faults:
        raise BadParameter(faults)
    return rates


def border_rates(given, countries, industries, what: str) -> np.ndarray:
    """Read tariffs or export subsidies (N, N, K): rates above -100 percent, zero on the diagonal."""
    rates = by_route(given, countries, industries, what, home=0.0)
    faults = [
        f"{what} on goods from {countries[i]!r} to {countries[n]!r} in industry {industries[k]!r} is "
        f"{rates[i, n, k]:g}; rates must be finite and above -1 (a rate of 0.1 is ten percent)"
        for i, n, k in np.argwhere(~(np.isfinite(rates) & (rates > -1)))
    ]
    home = np.arange(len(countries))
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
    shares = numbers(given, "expenditure_shares")
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
        f"expenditure shares of country {countries[n]!r} sum to {total:.6g}; they must sum to 1 within "
        f"{SHARE_SUM:g}: normalise them"
        for n, total in enumerate(shares.sum(axis=1))
        if not faults and abs(total - 1.0) > SHARE_SUM
    ]
    if faults:
        raise BadInput(faults)
    return shares


def input_shares(given, countries, industries) -> np.ndarray:
    """Read input shares of cost (N, K, K) or (K, K): [country, supplying industry, using industry]."""
    shares = numbers(given, "input_shares")
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
