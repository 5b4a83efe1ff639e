"""Worlds with everything in them: input-output links, tariffs, subsidies, profits, empty trade cells."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

import exacthat as eh
from exacthat.kernels.gravity.examples import flows
from exacthat.policy.instruments import INSTRUMENTS

PARTS = ("links", "bilateral", "subsidies")
POLICY_PROBLEMS = {  # what a search for taxes may be asked, for hypothesis
    "seed": st.integers(0, 2**32 - 1),
    "parts": st.sets(st.sampled_from(PARTS)),
    "entry": st.sampled_from(("free", "restricted")),
    "instruments": st.sets(st.sampled_from(INSTRUMENTS), min_size=1),
}


def taxed_economy(seed, parts=PARTS, entry="free", countries=4, industries=3, zeros=0.1, balanced=True,
                  highest_alpha=0.6):  # fmt: skip
    """Make an economy from random flows with the named parts; `balanced` purges its deficits, else a tenth is left."""
    rng = np.random.default_rng(seed)
    n, k = countries, industries
    spent = flows(rng, n, k, zeros)
    abroad = ~np.eye(n, dtype=bool)[:, :, None]
    epsilon = np.exp(rng.uniform(np.log(0.8), np.log(8.0), k))
    options = {"entry": entry}
    if "bilateral" in parts:
        options["tariff"] = rng.uniform(0, 0.4, spent.shape) * abroad
        options["export_subsidy"] = rng.uniform(-0.1, 0.1, spent.shape) * abroad
    if "subsidies" in parts:
        options["production_subsidy"] = rng.uniform(-0.1, 0.2, (n, k))
    inputs = rng.dirichlet(np.ones(k), (n, k)).transpose(0, 2, 1) * rng.uniform(0.2, 0.6, (n, 1, k))
    scale = rng.uniform(0.0, highest_alpha, k) / epsilon
    while True:
        try:
            raw = eh.Economy(
                spent, epsilon, scale, input_shares=inputs if "links" in parts else None, **options
            )
            break
        except eh.BadInput:
            inputs = 0.7 * inputs
    return eh.rebalance(raw, "zero" if balanced else 0.1 * raw.deficits)


def any_policy(rng, shape):
    """Draw rates of all three instruments."""
    n, _, k = shape
    abroad = ~np.eye(n, dtype=bool)[:, :, None]
    return eh.Policy(
        tariff=rng.uniform(0, 0.4, shape) * abroad,
        export_subsidy=rng.uniform(-0.1, 0.1, shape) * abroad,
        production_subsidy=rng.uniform(-0.1, 0.3, (n, k)),
    )


def any_shock(rng, shape, home=True):
    """Draw hats of all four kinds; `home` moves trade costs at home, too."""
    n, _, k = shape
    cost = np.exp(rng.normal(0, 0.3, shape))
    if not home:
        cost[np.arange(n), np.arange(n)] = 1.0
    return eh.Shock(
        trade_cost=cost,
        productivity=np.exp(rng.normal(0, 0.2, (n, k))),
        labour=np.exp(rng.normal(0, 0.2, n)),
        entry_cost=np.exp(rng.normal(0, 0.2, (n, k))),
    )
