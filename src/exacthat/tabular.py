"""Results as tables: labelled pandas frames, xarray datasets, and lines of text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from exacthat.errors import MissingLibrary

NARROWEST = 9  # characters of a column of numbers


def frame(columns: Mapping[str, np.ndarray], **axes: Sequence[str]):
    """Return a pandas frame with one row per label of `axes`, or per combination of labels of several.

    `columns` are arrays with these axes in order. Raises `MissingLibrary` where pandas is not installed.
    """
    try:
        import pandas as pd
    except ModuleNotFoundError as error:
        raise MissingLibrary('frames need pandas: install with  pip install "exacthat[app]"') from error
    names = list(axes)
    if len(names) == 1:
        index = pd.Index(axes[names[0]], name=names[0])
    else:
        index = pd.MultiIndex.from_product(axes.values(), names=names)
    return pd.DataFrame({name: np.ravel(values) for name, values in columns.items()}, index=index)


def dataset(
    variables: Mapping[str, tuple[tuple[str, ...], np.ndarray]],
    coordinates: Mapping[str, Sequence[str]],
    **said,
):
    """Return an xarray dataset of named (axes, array), labelled by `coordinates`, with what is `said` as attributes.

    The arrays are copied. Raises `MissingLibrary` where xarray is not installed.
    """
    try:
        import xarray
    except ModuleNotFoundError as error:
        raise MissingLibrary('datasets need xarray: install with  pip install "exacthat[xarray]"') from error
    copies = {name: (axes, np.array(values)) for name, (axes, values) in variables.items()}
    return xarray.Dataset(copies, {name: list(labels) for name, labels in coordinates.items()}, said)


def text(
    labels: Sequence[str], columns: Mapping[str, np.ndarray], digits: int, rows: Iterable[int | None] = ()
) -> list[str]:
    """Return the lines of a table, one per country: all or the given `rows`, where None is a line of dots."""
    first = max(len(name) for name in (*labels, "country"))
    widths = {name: max(len(name), NARROWEST) for name in columns}
    lines = ["  ".join([f"{'country':{first}}", *(f"{name:>{width}}" for name, width in widths.items())])]
    for n in rows or range(len(labels)):
        if n is None:
            lines.append("...")
            continue
        cells = (f"{values[n]:z{widths[name]}.{digits}f}" for name, values in columns.items())
        lines.append("  ".join([f"{labels[n]:{first}}", *cells]))
    return lines


def highest_and_lowest(values, shown: int = 10) -> list[int | None]:
    """Return rows from the highest value to the lowest; of many the ends alone, with None between."""
    order = np.argsort(-values, kind="stable").tolist()
    return order if len(order) <= shown else [*order[: shown // 2], None, *order[-(shown // 2) :]]
