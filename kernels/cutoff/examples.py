"""Random valid arguments of the cut-off kernels, for the tests and benches that walk the registry."""

import numpy as np


def trade(rng, n=None):
    """Draw (log_technology, tradable, labour, sigma): ties, masks and both extremes of them included."""
    n = int(rng.integers(1, 12)) if n is None else n
    log_technology = rng.normal(scale=rng.choice([0.1, 1.0]), size=(2, n))
    if rng.random() < 0.3:
        log_technology = np.round(2 * log_technology) / 2  # exact ties of the ratio
    tradable = rng.random(n) < rng.choice([0.0, 0.5, 1.0], p=[0.1, 0.4, 0.5])
    return log_technology, tradable, rng.lognormal(size=2), float(1 + rng.lognormal())


def mobile(rng, n=None):
    """Draw (log_technology, labour, sigma)."""
    log_technology, _, labour, sigma = trade(rng, n)
    return log_technology, labour, sigma
