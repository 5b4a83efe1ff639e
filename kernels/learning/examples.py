"""Random valid arguments of the learning kernels, for the tests and benches that walk the registry."""

import numpy as np

from ..cutoff import ref as cutoff
from . import ref as reference


def _pattern(share):
    """The pattern of a static equilibrium: 0 abroad, 1 at home, 2 shared, 3 not traded (share nan)."""
    return np.select([np.isnan(share), share == 1, share == 0], [3, 1, 0], 2).astype(np.int8)


def rates(rng, n=None):
    """Draw (log_technology, status, spillovers, labour, sigma, mobile): up to three goods tied."""
    n = int(rng.integers(2, 9)) if n is None else n
    log_technology = rng.normal(scale=0.3, size=(2, n))
    labour, sigma, mobile = rng.lognormal(size=2), float(1 + rng.lognormal()), int(rng.random() < 0.2)
    share = cutoff.mobile(log_technology, labour, sigma)[0]
    if not mobile:
        share = cutoff.trade(log_technology, rng.random(n) < rng.choice([0.5, 1.0]), labour, sigma)[0]
    status = _pattern(share)
    spillovers = rng.random((n, n))
    if not mobile and np.sum(status == 2) == 1:  # tie up to two more goods to the marginal one
        others = rng.permutation(np.flatnonzero(status < 2))[: rng.integers(0, 3)]
        gap = log_technology[0] - log_technology[1]
        tied, tied_status = log_technology.copy(), status.copy()
        tied[0, others] += gap[status == 2] - gap[others]
        tied_status[others] = 2
        split = reference.rates(tied, tied_status, spillovers, labour, sigma, mobile)[2][tied_status == 2]
        if np.all((split > 0) & (split < 1)):  # a slide, not a tie that falls apart
            log_technology, status = tied, tied_status
    return log_technology, status, spillovers, labour, sigma, mobile


def resolve(rng, n=None):
    """Draw (log_technology, status, spillovers, labour, sigma): two to four goods tied, all alike or not."""
    n = int(rng.integers(2, 9)) if n is None else n
    alike = rng.random() < 0.5
    log_technology = np.zeros((2, n)) if alike else rng.normal(scale=0.3, size=(2, n))
    labour = rng.choice([1.0, 2.0, 3.0], 2) if alike else rng.lognormal(size=2)
    spillovers = 0.2 * np.eye(n) + (0.1 if alike else rng.random((n, n)))
    status = _pattern(cutoff.trade(log_technology, np.ones(n, dtype=bool), labour, 2.0)[0])
    if alike:  # all are tied: trade in the first goods only
        status[rng.integers(2, 5) :] = 3
    elif np.any(status == 2):
        others = rng.permutation(np.flatnonzero(status != 2))[:3]
        gap = log_technology[0] - log_technology[1]
        log_technology[0, others] += gap[status == 2] - gap[others]
        status[others] = 2
    return log_technology, status, spillovers, labour, 2.0


def trajectory(rng, n=None):
    """Draw (log_technology, status, spillovers, labour, sigma, times, tolerance); patterns change."""
    n = int(rng.integers(2, 5)) if n is None else n
    level = rng.normal(scale=0.3, size=n)
    log_technology = level + rng.normal(scale=rng.choice([0.02, 0.1, 0.3]), size=(2, n))
    spillovers = rng.choice([0.2, 1.0]) * rng.random((n, n)) * (rng.random((n, n)) < 0.6)
    labour, sigma = rng.lognormal(sigma=0.5, size=2), float(rng.choice([1.5, 2.0, 3.0, 5.0]))
    tradable = rng.random(n) < rng.choice([0.7, 1.0])
    status = _pattern(cutoff.trade(log_technology, tradable, labour, sigma)[0])
    return log_technology, status, spillovers, labour, sigma, np.array([6.0, 12.0]), 1e-10
