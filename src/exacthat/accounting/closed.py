"""The gain from correcting scale distortions without trade."""

from __future__ import annotations

import numpy as np

from exacthat.checks import numbers
from exacthat.economy import ENTRY
from exacthat.errors import BadInput, BadParameter


def closed_economy_gain(shares, scale_elasticity, entry: str = "free"):
    """Log welfare gain of the corrective policy s = mu in a closed economy, or coordinated in a symmetric world.

    Parameters
    ----------
    shares : (K,) or (N, K)
        Spending shares, summing to one over industries.
    scale_elasticity : scalar or (K,)
        mu >= 0; m = 1 + mu.
    entry : "free" or "restricted"
        Free: E[m ln m] - E[m] ln E[m], a Bregman distance (E over employment shares, which equal spending
        shares there). Restricted: E[ln m] + ln E[1/m].

    For a world without input-output links that has no subsidies yet; elsewhere solve the closed economy itself.
    Returns a float or (N,); 0 where mu does not vary. The lecture's first formula, E[m ln m] - E[m] E[ln m],
    is about twice the gain and is not used.

    >>> round(float(closed_economy_gain([0.4, 0.3, 0.2, 0.1], [0.375, 0.1875, 0.125, 0.09375])), 6)
    0.005176
    """
    shares = numbers(shares, "shares")
    mu = numbers(scale_elasticity, "scale_elasticity")
    if shares.ndim not in (1, 2) or mu.shape not in {(), shares.shape[-1:]}:
        raise BadInput(
            f"shares {shares.shape} and scale_elasticity {mu.shape} must be (K,) or (N, K) and () or (K,)"
        )
    if not ((shares >= 0).all() and np.allclose(shares.sum(axis=-1), 1.0, rtol=0, atol=1e-8)):
        raise BadInput("shares must be at least 0 and sum to 1 over industries: normalise them")
    if not (np.isfinite(mu) & (mu >= 0)).all():
        raise BadParameter("scale_elasticity must be finite and at least 0 in every industry")
    if entry not in ENTRY:
        raise BadParameter(f"entry is {entry!r}; it must be one of {ENTRY}")
    m = np.broadcast_to(1.0 + mu, shares.shape)
    if entry == "restricted":
        return (shares * np.log(m)).sum(axis=-1) + np.log((shares / m).sum(axis=-1))
    mean = (shares * m).sum(axis=-1)
    return (shares * m * np.log(m)).sum(axis=-1) - mean * np.log(mean)
