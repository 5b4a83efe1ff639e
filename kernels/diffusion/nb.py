"""The fast twin of `ref`: two matrix products by BLAS, everything else in one pass over the cells."""

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
def from_employment(employment, spillovers, diffusion, research, activity):
    """Equation (2); the twin of `ref.from_employment`."""
    out = np.dot(np.dot(diffusion, employment), spillovers)
    for i in range(employment.shape[0]):
        for k in range(employment.shape[1]):
            here = employment[i, k]
            out[i, k] = here / (here + activity) * (out[i, k] + research[i, k]) if here > 0.0 else 0.0
    return out


@numba.njit(cache=True)
def from_stocks(productivity, employment, spillovers, diffusion, research, activity):
    """Equation (3); the twin of `ref.from_stocks`."""
    abroad = diffusion.copy()
    for i in range(diffusion.shape[0]):
        abroad[i, i] = 0.0
    own, out = np.dot(employment, spillovers), np.dot(abroad, productivity)
    for i in range(employment.shape[0]):
        for k in range(employment.shape[1]):
            here, received = employment[i, k], diffusion[i, i] * own[i, k] + out[i, k] + research[i, k]
            out[i, k] = here / (here + activity) * received if here > 0.0 else 0.0
    return out
