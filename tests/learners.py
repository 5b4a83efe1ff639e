"""Learning processes and worlds for tests of many-country learning."""

import numpy as np

import exacthat as eh
from exacthat.dynamics import Learning
from tests import worlds


def learning(rng, n, k, law="additive", **options):
    """Draw a learning process of about two percent a year."""
    drawn = {
        "spillovers": 0.04 * rng.random((k, k)),
        "diffusion": np.eye(n) + 0.2 * rng.random((n, n)),
        "activity": 0.01,
        "law": law,
        "labour": rng.uniform(0.5, 2.0, n),
        "initial": rng.uniform(0.5, 2.0, (n, k)),
        "research": 0.01 * rng.random((n, k)),
    }
    if law == "stocks":
        drawn["diffusion"] = np.eye(n) + 0.02 * rng.random((n, n))
    return Learning(**{**drawn, **options})


def drawn(seed, n=3, k=3, **options):
    rng = np.random.default_rng(seed)
    return rng, worlds.economy(rng.integers(2**32), n, k, highest_alpha=0.6, **options)


def psi(employment, activity):
    return np.where(employment > 0, employment / np.maximum(employment + activity, 1e-300), 0.0)


def alone(shares, epsilon=4.0, mu=0.1, **options):
    """One country that spends these shares."""
    return eh.Economy(np.asarray(shares, dtype=float)[None, None, :], epsilon, mu, **options)
