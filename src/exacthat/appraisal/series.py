"""A function of time as Legendre series on adaptive pieces, and its exact discounted integrals.

The pieces are made once; every discount rate then costs one weighted sum, whatever its size, which is what
a search for all critical rates needs.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import legendre
from scipy.special import ive

from ..errors import NotConverged

TERMS = 16
MORE_PIECES = 4000  # beyond those between breakpoints; only a stream without smooth stretches needs them
_NODES, _WEIGHTS = legendre.leggauss(TERMS)
_VALUES = legendre.legvander(_NODES, TERMS - 1)  # [node, degree]
_DEGREES = np.arange(TERMS)
_TO_SERIES = ((2 * _DEGREES + 1) / 2)[:, None] * _VALUES.T * _WEIGHTS
_SMALL = 2.0  # up to here the quadrature of the moments is exact to rounding


@dataclass(frozen=True, eq=False)
class Series:
    """M functions on I consecutive pieces; `coefficients[piece, degree, function]`, `error` (M,) on
    integrals."""

    starts: np.ndarray
    ends: np.ndarray
    coefficients: np.ndarray
    error: np.ndarray

    def integrals(self, rate: float, origin: float = 0.0) -> np.ndarray:
        """Return the integral of f(t) exp(-rate (t - origin)) over each piece, (I, M)."""
        half = (self.ends - self.starts) / 2
        factor = half * np.exp(-rate * (self.starts - origin))
        return factor[:, None] * np.einsum("il,ilm->im", moments(rate * half), self.coefficients)

    def integral_to(self, date: float, rate: float, column: int) -> float:
        """Return the integral of f(t) exp(-rate t) of one function from 0 to `date`."""
        whole = self.ends <= date
        total = self.column(column).integrals(rate)[whole, 0].sum()
        piece = np.count_nonzero(whole)
        if piece < len(self.starts) and date > self.starts[piece]:
            start, half = self.starts[piece], (date - self.starts[piece]) / 2
            x = (2 * (start + half * (1 + _NODES)) - start - self.ends[piece]) / (self.ends[piece] - start)
            again = _TO_SERIES @ legendre.legval(x, self.coefficients[piece, :, column])
            total += half * np.exp(-rate * start) * (moments(np.array([rate * half]))[0] @ again)
        return float(total)

    def column(self, column: int) -> Series:
        """Return the series of one function alone."""
        one = slice(column, column + 1)
        return Series(self.starts, self.ends, self.coefficients[:, :, one], self.error[one])

    def signs(self, resolution: float) -> list[tuple[float, float, int]]:
        """Return (start, end, sign) of the first function; stretches within +-`resolution` have sign 0."""
        stretches: list[tuple[float, float, int]] = []
        for start, end, series in zip(self.starts, self.ends, self.coefficients[:, :, 0]):
            for a, b in _between_roots(series):
                inside = legendre.legval(a + (b - a) * np.linspace(0.0, 1.0, 9), series)
                sign = 0 if np.abs(inside).max() <= resolution else int(np.sign(inside[4]))
                left, right = ((end - start) * x / 2 + (start + end) / 2 for x in (a, b))
                if stretches and stretches[-1][2] == sign:
                    stretches[-1] = (stretches[-1][0], right, sign)
                else:
                    stretches.append((left, right, sign))
        return stretches


def moments(z: np.ndarray) -> np.ndarray:
    """Return the integrals of P_l(x) exp(-z (1 + x)) over [-1, 1], shape (Z, TERMS), for z >= 0.

    They are 2 (-1)^l exp(-z) i_l(z), i_l the modified spherical Bessel function of the first kind.
    """
    out = np.empty((z.size, TERMS))
    small = z <= _SMALL
    out[small] = (_WEIGHTS * np.exp(-z[small, None] * (1 + _NODES))) @ _VALUES
    large = z[~small, None]
    out[~small] = 2 * (-1.0) ** _DEGREES * np.sqrt(np.pi / (2 * large)) * ive(_DEGREES + 0.5, large)
    return out


def fit(function: Callable[[np.ndarray], np.ndarray], edges, tolerance: float, floor: float) -> Series:
    """Represent `function(times)` -> (T, M) on pieces between `edges`, halving where it is not smooth enough.

    A piece is accepted when its last terms, weighted by its share of the horizon, are below `tolerance` times
    the largest value of the function, or below `floor`. Raises `NotConverged` if halving does not end.
    """
    edges = np.asarray(edges, dtype=float)
    pending = np.stack([edges[:-1], edges[1:]], axis=1)
    length, most = edges[-1] - edges[0], len(edges) + MORE_PIECES
    scale, made, done = 0.0, 0, []
    while len(pending):
        made += len(pending)
        if made > 2 * most:
            worst = pending[0]
            raise NotConverged(
                f"the stream is not smooth near date {worst[0]:g}: list its breakpoints, or raise "
                "`resolution` to the accuracy with which it is known"
            )
        half = (pending[:, 1] - pending[:, 0])[:, None] / 2
        times = pending[:, :1] + half * (1 + _NODES)
        values = function(times.ravel()).reshape(len(pending), TERMS, -1)
        series = np.einsum("lj,ijm->ilm", _TO_SERIES, values)
        scale = np.maximum(scale, np.abs(values).max(axis=(0, 1)))
        tail = np.abs(series[:, -3:]).max(axis=1)
        smooth = tail * (2 * half / length) <= np.maximum(tolerance * scale, floor)
        accept = smooth.all(axis=1) | (half[:, 0] <= 1e-14 * edges[-1])
        done += [(*pending[i], series[i], tail[i] * 2 * half[i]) for i in np.flatnonzero(accept)]
        rest = pending[~accept]
        middle = rest.mean(axis=1)
        pending = np.stack([rest[:, 0], middle, middle, rest[:, 1]], axis=1).reshape(-1, 2)
    done.sort(key=lambda piece: piece[0])
    starts, ends, series, errors = (np.array(part) for part in zip(*done))
    return Series(starts, ends, series, errors.sum(axis=0))


def _between_roots(series):
    """Return the intervals of [-1, 1] between the sign changes of a Legendre series."""
    if abs(series[0]) > np.abs(series[1:]).sum():
        return [(-1.0, 1.0)]
    roots = legendre.legroots(legendre.legtrim(series, 1e-14 * np.abs(series).max()))
    real = np.sort(roots.real[(np.abs(roots.imag) < 1e-10) & (np.abs(roots.real) < 1)])
    cuts = np.unique(np.concatenate([[-1.0], real, [1.0]]))
    return list(itertools.pairwise(cuts))
