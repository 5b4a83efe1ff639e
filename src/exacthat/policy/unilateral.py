"""optimal_policy(): the rates with which one country does best while others leave theirs as they are."""

from __future__ import annotations

import numpy as np

from exacthat.economy import Economy
from exacthat.errors import BadInput, NotConverged
from exacthat.policy.formulas import formula_rates
from exacthat.policy.instruments import INSTRUMENTS
from exacthat.policy.problem import World
from exacthat.policy.result import OptimalPolicy

IN_FORCE = "rates in force"
CLOSED_FORMS = "closed forms"


def optimal_policy(
    economy: Economy,
    country: str,
    instruments=INSTRUMENTS,
    *,
    by_partner: bool = False,
    limits=None,
    tol: float = 1e-7,
    threads: int | None = None,
) -> OptimalPolicy:
    """Maximise one country's welfare over its own taxes; those of all others stay the base year's.

    Parameters
    ----------
    economy : Economy
        The base year, without deficits (`exacthat.purge_deficits`); any taxes, input-output links, either entry
        regime, mu*epsilon < 1 under free entry.
    country : label
        Who acts.
    instruments : some of "tariff", "export_subsidy", "production_subsidy"
        What it may set, by industry; its other taxes stay the base year's. All three: first best. Without
        production subsidies: second best. Tariffs alone: third best.
    by_partner : bool
        Whether tariffs and export subsidies may differ by partner; by default they are uniform.
    limits : mapping, optional
        Lowest and highest rate by instrument, such as {"tariff": (0, 0.5)}; -0.99 and 99 by default.
    tol : float
        Largest marginal gain left: d ln W by d ln(1 + rate) over the base-year share in spending of what
        the rate taxes.
    threads : int, optional
        For the compiled kernel.

    Returns
    -------
    OptimalPolicy: a certified local optimum, the best of those found from the rates in force and from the closed
    forms. `reached` tells where each start led; no more is known of other optima.

    Raises
    ------
    BadInput, BadParameter
        For deficits, an unknown country or instrument, limits without sense, a country that has nothing to tax.
    NotConverged
        Where the slopes stay above `tol` or a direction with rising welfare is left, with the world reached.

    Maximises ln What_i = ln(Ehat_i / Phat_i) over u = ln(1 + rate) with exact gradients, each one counterfactual
    and one transposed solve: L-BFGS-B from every start, then Newton steps whose Hessian (differences of gradients, one
    per rate) is the second-order condition. Two levels have no effect and are set: a common factor on
    1 + t and 1 + x (Lerner symmetry), so that ln(1 + t) has mean 0 by imports; without input-output links a common
    factor on 1 + s, so that ln(1 + s) has the mean of ln(1 + mu) by sales. The first best then reads
    s = mu whatever the size of the country, and in a small one t = 0, 1 + x = epsilon / (1 + epsilon)
    (Lashkaripour and Lugovskyy 2023).

    Cost: one equilibrium per rate for the second-order condition, beside those of the search; `evaluations` counts all.

    One industry without scale effects has the textbook's tariff, 1 / (epsilon lambda_jj):

    >>> import exacthat as eh
    >>> world = eh.Economy([[[8.0], [2.0]], [[2.0], [8.0]]], 4.0, countries=["HOM", "FOR"])
    >>> best = optimal_policy(world, "HOM", "tariff", tol=1e-9)
    >>> rate, abroad = best.rates["HOM"]["tariff"][0], best.equilibrium.trade_shares[1, 1, 0]
    >>> bool(abs(rate - 1 / (4.0 * abroad)) < 1e-9), round(100 * float(rate), 2)
    (True, 28.6)
    """
    if not isinstance(country, str):
        raise BadInput(f"country is {country!r}; give the label of one country")
    world = World(economy, country, instruments, by_partner, limits, tol, threads)
    levers = world.levers
    terrain = world.terrain(np.eye(len(economy.countries))[levers.players[0]])
    starts = {IN_FORCE: np.clip(levers.normalised(levers.in_force), *levers.bounds)}
    guess = _closed_forms(world)
    if guess is not None:
        starts[CLOSED_FORMS] = guess
    top, reached = world.best(terrain, starts)
    return world.conclude(f"highest welfare of {country}", top, reached, terrain.objective.evaluations)


def _closed_forms(world: World) -> np.ndarray | None:
    """Closed forms read at the base year, then once more where they lead; None where that is no equilibrium."""
    levers, u = world.levers, world.levers.in_force
    try:
        for _ in range(2):
            eq = world.at(levers.policy(u))
            u = levers.pack(formula_rates(eq, levers.players[0], levers.instruments))
            u = np.clip(levers.normalised(u), *levers.bounds)
    except NotConverged:
        return None
    return u
