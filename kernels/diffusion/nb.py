"""The fast twin of `ref`: one pass over receiving countries, no arrays but the result and one row."""

import numba
import numpy as np


@numba.njit(cache=True)
def active(employment, activity):
    """Equation (1); the twin of `ref.active`."""
    out = np.zeros_like(employment)
    for i in range(employment.shape[0]):
        for k in range(employment.shape[1]):
            if employment[i, k] > 0.0:
                out[i, k] = employment[i, k] / (employment[i, k] + activity)
    return out


@numba.njit(cache=True)
def _add_product(row, matrix, out):
    """Add row @ matrix to `out`, four rows of the matrix at a time: one read and write of `out` serves four."""
    whole = matrix.shape[0] // 4 * 4
    for g in range(0, whole, 4):
        a, b, c, d = row[g], row[g + 1], row[g + 2], row[g + 3]
        if a != 0.0 or b != 0.0 or c != 0.0 or d != 0.0:
            for k in range(matrix.shape[1]):
                out[k] += (a * matrix[g, k] + b * matrix[g + 1, k]) + (
                    c * matrix[g + 2, k] + d * matrix[g + 3, k]
                )
    for g in range(whole, matrix.shape[0]):
        for k in range(matrix.shape[1]):
            out[k] += row[g] * matrix[g, k]


@numba.njit(cache=True)
def from_employment(employment, spillovers, diffusion, research, activity):
    """Equation (2); the twin of `ref.from_employment`."""
    out = active(employment, activity)
    senders, received = np.empty(employment.shape[1]), np.empty(employment.shape[1])
    for i in range(employment.shape[0]):
        senders[:] = 0.0
        _add_product(diffusion[i], employment, senders)
        received[:] = research[i]
        _add_product(senders, spillovers, received)
        for k in range(employment.shape[1]):
            out[i, k] *= received[k]
    return out


@numba.njit(cache=True)
def from_stocks(productivity, employment, spillovers, diffusion, research, activity):
    """Equation (3); the twin of `ref.from_stocks`."""
    out = active(employment, activity)
    abroad = diffusion.copy()
    received = np.empty(employment.shape[1])
    for i in range(employment.shape[0]):
        abroad[i, i] = 0.0
        received[:] = research[i]
        _add_product(diffusion[i, i] * employment[i], spillovers, received)
        _add_product(abroad[i], productivity, received)
        for k in range(employment.shape[1]):
            out[i, k] *= received[k]
    return out
