"""Random learning worlds: arguments for the twin tests and the benches."""

from __future__ import annotations

import numpy as np


def active(rng, countries=5, industries=4):
    """Draw arguments of `active`: employment with empty cells, an activity constant that may be 0."""
    employment = rng.dirichlet(np.ones(industries), countries)
    employment[rng.random(employment.shape) < 0.2] = 0.0
    return employment, float(rng.choice([0.0, 1e-3, 1.0]))


def from_employment(rng, countries=5, industries=4):
    """Draw arguments of `from_employment`."""
    employment, activity = active(rng, countries, industries)
    spillovers = rng.random((industries, industries)) * (rng.random((industries, industries)) < 0.7)
    diffusion = np.eye(countries) + 0.3 * rng.random((countries, countries)) * (rng.random() < 0.7)
    return employment, spillovers, diffusion, rng.random(employment.shape), activity


def from_stocks(rng, countries=5, industries=4):
    """Draw arguments of `from_stocks`."""
    return np.exp(rng.normal(0, 1, (countries, industries))), *from_employment(rng, countries, industries)
