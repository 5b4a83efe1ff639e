"""cooperative_policy(): the rates of all countries that make a weighted sum of log welfare largest."""

from __future__ import annotations

import numpy as np

from exacthat.checks import numbers
from exacthat.economy import Economy
from exacthat.errors import BadInput
from exacthat.policy.formulas import corrective
from exacthat.policy.instruments import INSTRUMENTS
from exacthat.policy.problem import World
from exacthat.policy.result import OptimalPolicy


def cooperative_policy(
    economy: Economy,
    countries=None,
    instruments=INSTRUMENTS,
    *,
    weights=None,
    by_partner: bool = False,
    limits=None,
    tol: float = 1e-6,
    threads: int | None = None,
) -> OptimalPolicy:
    """Maximise a weighted sum of ln welfare of all countries over the taxes of those that cooperate.

    Parameters
    ----------
    economy, instruments, by_partner, limits, tol, threads
        As for `optimal_policy`; `tol`, looser by default, bounds the marginal gain of the sum over the share of
        what a rate taxes and the weight of the country that sets it.
    countries : labels, optional
        Whose rates are free, all by default; the others count in the sum.
    weights : (N,), optional
        Of ln What_n, normalised to sum to one; by default shares in world income, so that to first order a unit
        of real income counts the same wherever it arises.

    Returns
    -------
    OptimalPolicy, as `optimal_policy` does; starts are the rates in force and the corrective policy.

    Raises as `optimal_policy` does, and `BadInput` for weights of another shape or sign.

    The literature calls cooperative the efficient policy 1 + s = 1 + mu, t = x = 0, which is
    `Policy.corrective`: best for the sum if gains are shared by transfers between governments (Lashkaripour and
    Lugovskyy 2023). The model has no transfers beyond the base year's deficits, which are zero here, so this is the
    best that the instruments themselves do for the weights given. Rates with 1 + t = 1 + x on a route
    leave its prices alone and hand income from the exporter to the importer. With both border instruments the
    optimum has 1 + s = 1 + mu, and they serve as the transfers: where there are two countries, or at least as many
    industries as countries, or rates by partner, they bring income shares to the weights and leave no wedge on
    trade, if rates are uniform over partners as far as net exports by industry allow. With production subsidies
    alone there are no transfers, and rates move from s = mu towards what the weights favour. At weights that are
    the income shares under the corrective policy, that policy itself is the optimum.

    Levels without effect are set as in `optimal_policy`, country by country.

    Cost: as for `optimal_policy`, with the rates of all countries.

    In a symmetric world nobody is to be favoured, and the gain is that of a closed economy:

    >>> import numpy as np, exacthat as eh
    >>> share, epsilon = np.full((3, 3), 0.2) + 0.4 * np.eye(3), np.array([2.0, 4.0, 6.0, 8.0])
    >>> world = eh.Economy(share[:, :, None] * [0.4, 0.3, 0.2, 0.1], epsilon, 0.75 / epsilon)
    >>> best = cooperative_policy(world, instruments="production_subsidy")
    >>> gain = eh.closed_economy_gain([0.4, 0.3, 0.2, 0.1], 0.75 / epsilon)
    >>> bool(np.abs(np.log(best.equilibrium.welfare_hat) - gain).max() < 1e-9), round(100 * float(gain), 4)
    (True, 0.5176)
    """
    world = World(economy, countries, instruments, by_partner, limits, tol, threads)
    levers = world.levers
    terrain = world.terrain(_weights(economy, weights))
    starts = {
        "rates in force": levers.normalised(levers.in_force),
        "corrective policy": levers.normalised(levers.pack(corrective(economy))),
    }
    starts = {name: np.clip(u, *levers.bounds) for name, u in starts.items()}
    top, reached = world.best(terrain, starts)
    goal = f"highest weighted welfare, {len(world.players)} countries acting"
    return world.conclude(goal, top, reached, terrain.objective.evaluations)


def _weights(economy: Economy, given) -> np.ndarray:
    """Weights that sum to one: income shares by default."""
    n = len(economy.countries)
    weights = economy.expenditure if given is None else numbers(given, "weights")
    if weights.shape != (n,) or not (np.isfinite(weights) & (weights >= 0)).all() or not weights.sum() > 0:
        raise BadInput(f"weights must be ({n},), finite, at least 0 and not all 0")
    return weights / weights.sum()
