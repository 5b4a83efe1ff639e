"""Labels of countries and industries: read, told apart, and put in order."""

from __future__ import annotations

from collections.abc import Sequence
from unicodedata import normalize

import numpy as np

from exacthat.errors import BadInput, nearest

NAMED_AXES = (("origin", "destination", "industry"), ("country", "industry"))  # in the order they are read
PLACES = {"origin": -3, "destination": -2, "industry": -1}  # where they stand beside axes of other names
BY_COUNTRY = ("labour", "deficits")  # what an array with one axis tells apart
BY_INDUSTRY = (
    "trade_cost", "productivity", "entry_cost", "tariff", "export_subsidy", "production_subsidy", "trade_elasticity",
    "scale_elasticity",
)  # fmt: skip


def axis_labels(given, size: int, what: str, stem: str, faults: list[str]) -> tuple[str, ...]:
    """Read `size` distinct labels of an axis, or number them; note in `faults` those that cannot stand.

    Labels of another number, or without an order, are `BadInput`.
    """
    if given is None:
        return tuple(f"{stem}{j}" for j in range(size))
    given = listed(given, what)
    if len(given) != size:
        raise BadInput(f"{len(given)} {what} are named but the flows have {size}")
    names = tuple(str(name).strip() for name in given)
    unfit = [absent(label) or isinstance(label, bytes) for label in given]
    faults += [
        f"{what}: the label at position {at} is {given[at]!r}; give it as text"
        for at in range(size)
        if unfit[at]
    ]
    first: dict[str, int] = {}
    faults += [
        f"{what} name {name!r} twice (positions {first[name]} and {at}); labels must be distinct"
        for at, name in enumerate(names)
        if first.setdefault(name, at) != at and not unfit[at]
    ]
    faults += [f"{what}: the label at position {at} is empty" for at, name in enumerate(names) if not name]
    faults += look_alikes(names, what)
    return names


def listed(given, what: str) -> list:
    """Return labels as a list; one text and a set, whose order is left to chance, are `BadInput`."""
    if isinstance(given, set | frozenset):
        raise BadInput(f"{what} are a set, which has no order; give a list in the order of the flows")
    if isinstance(given, str | bytes) or not hasattr(given, "__iter__") or getattr(given, "ndim", 1) != 1:
        raise BadInput(f"{what} is {given!r}; give a sequence of labels")
    return list(np.asarray(given) if hasattr(given, "dims") else given)


def absent(label) -> bool:
    """Whether a label is missing: None, nan, or pandas' NA (which is not equal to anything, not even unequal)."""
    return label is None or type(label).__name__ in ("NAType", "NaTType") or label != label


def look_alikes(names: Sequence[str], what: str) -> list[str]:
    """List labels that differ by case, spaces or the way a letter is encoded alone: one of them is a slip."""
    seen: dict[str, str] = {}
    return [
        f"{what}: {name!r} looks like {other!r}; if they are one, write them alike, else give them other labels"
        for name in dict.fromkeys(names)
        if (other := seen.setdefault(" ".join(normalize("NFKC", name).casefold().split()), name)) != name
    ]


def positions(wanted, known: Sequence[str], what: str) -> np.ndarray:
    """Return where labels stand in `known`; unknown ones raise `BadInput` with the nearest spelling."""
    wanted = np.ravel(np.asarray(wanted)) if hasattr(wanted, "ndim") else wanted
    wanted = list(wanted) if hasattr(wanted, "__iter__") and not isinstance(wanted, str) else [wanted]
    wanted = [name if isinstance(name, str) else str(name) for name in wanted]
    index = {label: at for at, label in enumerate(known)}
    unknown = [f"unknown {what} {name!r}{nearest(name, known)}" for name in wanted if name not in index]
    if unknown:
        raise BadInput(unknown)
    return np.array([index[name] for name in wanted], dtype=int)


def in_order(values, array: np.ndarray, what: str, axes: Sequence[Sequence[str]]) -> np.ndarray:
    """Put `array`, the numbers of the table `values`, into the order of `axes`, the labels of its last axes.

    An axis without labels of its own (none, or those that pandas and polars number by default) stays in place. One
    whose labels are not exactly those of `axes`, in any order, is `BadInput`, and so is any where `axes` is empty:
    the order is not known there. So are default numbers where the labels are the same numbers in another order.
    """
    faults = []
    known = [None] * max(array.ndim - len(axes), 0) + list(axes)[max(len(axes) - array.ndim, 0) :]
    for axis, own in enumerate(_carried(values)[: array.ndim]):
        size = array.shape[axis]
        if own is None or len(own) != size:
            continue
        own = [str(label).strip() for label in own]
        numbered = own in ([str(j) for j in range(size)], [f"column_{j}" for j in range(size)])
        same = known[axis] is not None and sorted(own) == sorted(known[axis])
        if numbered and same and own != list(known[axis]):
            faults.append(
                f"{what} is numbered {own[0]!r}, {own[1]!r} and so on, which may be labels or places: pass .to_numpy() "
                "in the economy's order"
            )
        elif same:
            array = array.take([own.index(label) for label in known[axis]], axis=axis)
        elif numbered:
            continue
        elif known[axis] is None:
            axes = f".transpose{values.dims}" if len(getattr(values, "dims", ())) > 1 else ""
            raise BadInput(
                f"{what} carries labels of its own ({own[0]!r}), but is read in the economy's order: pass plain "
                f"numbers in that order, by .loc[...] with the economy's labels and {axes}.to_numpy()"
            )
        else:
            faults.append(_unplaced(what, axis, own, known[axis]))
    if faults:
        raise BadInput(faults)
    return array


def turned(values, what: str):
    """Turn an xarray whose axes have the names of `NAMED_AXES` into their order; anything else stays as it is.

    An axis with one of these names that stands where another is read is `BadInput`.
    """
    own = tuple(map(str, getattr(values, "dims", ())))
    for names in NAMED_AXES:
        if own != names and sorted(own) == sorted(names):
            return values.transpose(*names)
    if len(own) == 1:
        misread = BY_COUNTRY if own[0] == "industry" else BY_INDUSTRY
        stray = own[0] in ("country", *PLACES) and what in misread
    else:
        stray = (
            any(PLACES.get(name, at) != at for at, name in enumerate(own, -len(own))) or "country" in own[-1:]
        )
    if stray:
        raise BadInput(
            f"{what} has axes named {', '.join(own)}, of which one stands where another is read: put them in the order "
            "of a plain array, or name all of them: origin, destination, industry or country, industry"
        )
    return values


def of_flows(table) -> tuple[list | None, list | None]:
    """Return the labels of countries and of industries that flows (N, N, K) carry; None where they carry none."""
    own = _carried(table)
    return (own[1] if own[0] is None else own[0], own[2]) if len(own) == 3 else (None, None)


def carries_labels(values) -> bool:
    """Whether `values` is a table that may have labels by axis."""
    return any(axis is not None for axis in _carried(values))


def _carried(values) -> list:
    """Return the labels that a frame, a series or an xarray carries, by axis; None for an axis without."""
    if hasattr(values, "dims") and hasattr(values, "indexes"):
        return [list(values.indexes[dim]) if dim in values.indexes else None for dim in values.dims]
    index, columns = getattr(values, "index", None), getattr(values, "columns", None)
    columns = getattr(values, "column_names", columns)
    return [None if axis is None or callable(axis) else list(axis) for axis in (index, columns)]


def _unplaced(what: str, axis: int, own: list[str], known: Sequence[str]) -> str:
    """Say which label keeps a table from being put in order."""
    place, hint = ("row", "column")[axis] if axis < 2 else f"axis {axis}", ""
    stray = next((label for label in own if label not in known), None)
    if stray is not None:
        hint = nearest(stray, known)
        fault = f"has the {place} label {stray!r}, which is none of the economy's"
    elif len(set(own)) < len(own):
        fault = f"has the {place} label {next(label for label in own if own.count(label) > 1)!r} twice"
    else:
        fault = f"lacks the {place} label {next(label for label in known if label not in own)!r}"
    return f"{what} {fault}: pass a table with the economy's labels, or .to_numpy() in its order{hint}"
