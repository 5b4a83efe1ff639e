"""A world of two countries: technologies, spillovers, elasticity of substitution, labour."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse

from ..checks import frozen
from ..errors import BadInput, BadParameter, nearest
from ..labels import in_order
from ..read_only import ReadOnly

_LISTED = 20  # faulty cells listed one by one


def _numbers(values, name: str, problems: list[str]) -> np.ndarray | None:
    try:
        return in_order(values, np.array(values, dtype=float), name, ())
    except BadInput as fault:
        problems += fault.problems
    except (TypeError, ValueError) as fault:
        problems.append(f"{name} must be an array of numbers: {fault}")
    return None


def _cells(bad: np.ndarray, values: np.ndarray, name: str, rule: str) -> list[str]:
    places = np.argwhere(bad)
    lines = [f"{name}[{', '.join(map(str, p))}] is {values[tuple(p)]:g}; {rule}" for p in places[:_LISTED]]
    if len(places) > _LISTED:
        lines.append(f"{name}: {len(places) - _LISTED} more such cells; {rule}")
    return lines


def _technology_faults(technology: np.ndarray) -> list[str]:
    if technology.ndim != 2 or technology.shape[0] != 2 or technology.shape[1] < 1:
        return [f"technology has shape {technology.shape}; it must be (2, n): home's row, then foreign's"]
    bad = ~((technology > 0) & np.isfinite(technology))
    return _cells(bad, technology, "technology", "output per worker must be positive and finite")


def _spillover_faults(spillovers, n: int | None) -> list[str]:
    if n is not None and spillovers.shape != (n, n):
        return [
            f"spillovers have shape {spillovers.shape}; with {n} industries in technology they must be "
            f"({n}, {n}), [sender, receiver]"
        ]
    rule = "spillovers must lie in [0, 1]: rescale time if learning is faster"
    if scipy.sparse.issparse(spillovers):
        cells = spillovers.tocoo()
        bad = np.flatnonzero(~((cells.data >= 0) & (cells.data <= 1)))
        lines = [
            f"spillovers[{cells.row[j]}, {cells.col[j]}] is {cells.data[j]:g}; {rule}" for j in bad[:_LISTED]
        ]
        return lines + ([f"spillovers: {bad.size - _LISTED} more such cells"] if bad.size > _LISTED else [])
    return _cells(~((spillovers >= 0) & (spillovers <= 1)), spillovers, "spillovers", rule)


@dataclass(frozen=True, eq=False)
class World(ReadOnly):
    """Hold two countries that make n goods with labour alone and learn across industries.

    technology : (2, n) output per worker at time 0, home's row first, positive.
    spillovers : (n, n) in [0, 1], `spillovers[sender, receiver]`, dense or scipy.sparse: what one worker in
        the sender adds to the receiver's technology per unit of time, inside a country (Hanlon 2012, (9)).
    elasticity : sigma > 1, the elasticity of substitution among goods.
    labour : (2,) workers of each country; Hanlon's examples have one each.
    industries : n labels, optional.

    Raises BadInput (BadParameter for the elasticity alone) with every fault and its cell.

    >>> from exacthat import clusters
    >>> world = clusters.World([[2.0, 1.0], [1.0, 2.0]], [[0.0, 0.2], [0.2, 0.0]], elasticity=2.0)
    >>> world.n, world.labour.tolist()
    (2, [1.0, 1.0])
    """

    technology: np.ndarray
    spillovers: np.ndarray | scipy.sparse.csr_array
    elasticity: float
    labour: np.ndarray = (1.0, 1.0)
    industries: tuple[str, ...] | None = None

    def __post_init__(self):
        problems: list[str] = []
        technology = _numbers(self.technology, "technology", problems)
        n = None
        if technology is not None:
            faults = _technology_faults(technology)
            problems += faults
            n = technology.shape[1] if technology.ndim == 2 and technology.shape[0] == 2 else None
        if scipy.sparse.issparse(self.spillovers):
            spillovers = scipy.sparse.csr_array(self.spillovers, dtype=float, copy=True)
            spillovers.sum_duplicates()
        else:
            spillovers = _numbers(self.spillovers, "spillovers", problems)
        if spillovers is not None:
            problems += _spillover_faults(spillovers, n)
        labour = _numbers(self.labour, "labour", problems)
        if labour is not None and labour.shape != (2,):
            problems.append(f"labour has shape {labour.shape}; it must be (2,), home and foreign")
        elif labour is not None:
            bad = ~((labour > 0) & np.isfinite(labour))
            problems += _cells(bad, labour, "labour", "each country needs workers")
        industries = self.industries
        if isinstance(industries, str) or not (industries is None or hasattr(industries, "__iter__")):
            problems.append(f"industries is {industries!r}; it must be a list of labels")
        elif industries is not None:
            industries = tuple(str(name) for name in industries)
            if n is not None and len(industries) != n:
                problems.append(f"{len(industries)} industry labels for {n} industries")
            if len(set(industries)) < len(industries):
                problems.append("industry labels must differ from each other")
        sigma = self.elasticity
        valid = isinstance(sigma, (int, float, np.floating, np.integer)) and 1 < sigma < math.inf
        fault = f"elasticity is {sigma!r}; the elasticity of substitution must be a number above 1"
        if not valid:
            problems.append(fault)
        if problems:
            raise (BadParameter if problems == [fault] else BadInput)(problems)
        if not scipy.sparse.issparse(spillovers):
            frozen(spillovers)
        for name, value in {
            "technology": frozen(technology),
            "spillovers": spillovers,
            "elasticity": float(sigma),
            "labour": frozen(labour),
            "industries": industries,
        }.items():
            object.__setattr__(self, name, value)

    @property
    def n(self) -> int:
        """Number of industries."""
        return self.technology.shape[1]

    @cached_property
    def log_technology(self) -> np.ndarray:
        """ln A and ln A*, (2, n): the state that is integrated."""
        return frozen(np.log(self.technology))

    @cached_property
    def links(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Spillovers by receiver, as the kernels take them: a dense matrix, or pointers, senders, values."""
        nothing = np.empty(0, np.int64)
        if scipy.sparse.issparse(self.spillovers):
            rows = scipy.sparse.csr_array(self.spillovers.T)
            rows.sort_indices()
            pointers, senders = rows.indptr.astype(np.int64), rows.indices.astype(np.int64)
            return np.empty((0, 0)), pointers, senders, rows.data.copy()
        return np.array(self.spillovers.T, order="C"), nothing, nothing, np.empty(0)

    def replace(self, **changes) -> World:
        """Return a copy with some fields changed, validated anew.

        >>> from exacthat import clusters
        >>> world = clusters.World([[2.0, 1.0], [1.0, 2.0]], [[0.0, 0.2], [0.2, 0.0]], elasticity=2.0)
        >>> world.replace(elasticity=3.0).elasticity
        3.0
        """
        fields = ("technology", "spillovers", "elasticity", "labour", "industries")
        unknown = [name for name in changes if name not in fields]
        if unknown:
            raise BadInput([f"a World has no {name!r}{nearest(name, fields)}" for name in unknown])
        return World(**{**{name: getattr(self, name) for name in fields}, **changes})

    def indices(self, industries: Sequence[int | str]) -> np.ndarray:
        """Return the numbers of industries given by number or label; BadInput names the unknown ones."""
        labels = self.industries or ()
        out, problems = [], []
        for item in industries:
            if isinstance(item, str) and item in labels:
                out.append(labels.index(item))
            elif isinstance(item, (int, np.integer)) and not isinstance(item, bool) and 0 <= item < self.n:
                out.append(int(item))
            else:
                problems.append(
                    f"industry {item!r} is not in this world of {self.n} industries (0 to {self.n - 1})"
                )
        if problems:
            raise BadInput(problems)
        return np.array(out, dtype=np.int64)
