"""error_bound(): how far reported log welfare can be from that of a true equilibrium, by Newton-Kantorovich.

What is proved, where the method says so. Let F be the residual of the hat system (equations (1) to (10) of
kernels/gravity/ref.py), z a point in floating point, C an approximate inverse of the Jacobian J(z). If

    Y >= |C F(z)|,    Z >= |1 - C J(x)|  for all x within a radius r of z,    Z < 1,    Y / (1 - Z) <= r

then x -> x - C F(x) contracts the ball of radius r and maps it into itself: F has exactly one zero in the ball,
at a distance of at most Y / (1 - Z). All norms are the largest |component| over a scale of its own, one per
unknown. The bound on ln welfare is the distance from the reported number to that at z, plus |g C F(z)| (g the
gradient of ln welfare) and what rounding, data and second derivatives can add.

What is assumed: float64 arithmetic rounds to nearest, exp and log err by at most two units in the last place,
and every coefficient of the system is off by at most the rounding of sums over countries and industries plus,
in trade weights, that of the power (`enclosure.coefficients`). So the zero that is enclosed is that of the exact
data, and of all systems that near. Rounding of F is bounded along the way (`Enclosed.error`), underflow included;
the compiled J is off by at most 16 times the error of its factors, relative to the sum of the sizes of its terms
(an entry passes fewer than 16 nested roundings); the bounds themselves are rounded, which `SLACK` covers.

Not proved: that there is no other equilibrium outside the ball.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np

from exacthat.assembly import assemble, price_index
from exacthat.checks import frozen
from exacthat.economy import Economy
from exacthat.enclosure import LIBRARY, SLACK, UNIT, coefficients, enclose
from exacthat.kernels.gravity import cy
from exacthat.kernels.gravity.system import Point, Solution, System
from exacthat.scenario import Policy, Shock
from exacthat.solver import ROUNDING, default_threads

DENSE = 2000  # unknowns up to which the dense inverse is affordable
PROVED = "Newton-Kantorovich bound"
ESTIMATED = "residual and condition estimate"
LARGEST_RADIUS = 1e-3
SAFETY = 2.0  # of the estimate
DRAWS = 4  # random combinations of gradients in the estimate
LARGEST_RESIDUAL = 1e-6  # of a point from which an estimate makes sense


class Reported(NamedTuple):
    """What a bound needs: the system, base trade shares (K, N, N), the point that was reported, its ln What (N,)."""

    system: System
    base_shares: np.ndarray
    point: Point
    ln_welfare: np.ndarray


class Evidence(NamedTuple):
    """What a certificate keeps: the scenario as it was asked and what was reported, without any (N, N, K) array."""

    economy: Economy
    shock: Shock
    policy: Policy | None
    deficits: str | np.ndarray
    solution: Solution

    def reported(self) -> Reported:
        """Assemble the system anew."""
        economy, state = self.economy, self.solution.state
        system = assemble(economy, self.shock, self.policy, self.deficits, allow_multiple=True).system
        welfare = state.expenditure / economy.expenditure / price_index(economy, state.price_power)
        return Reported(system, economy.packed_shares, self.solution.point, np.log(welfare))


def error_bound(reported: Reported) -> tuple[np.ndarray, str]:
    """Bound |reported - true| ln What (N,) and name the method: `PROVED` or `ESTIMATED`.

    The proof is tried up to `DENSE` unknowns. Where it fails (near a singular Jacobian) and above, the estimate is
    twice what further Newton steps move, plus what rounding of the residual moves through a few random
    combinations of the gradients of ln welfare. Infinite where even those steps do not lead to a solution.
    Cost of the proof: one Jacobian product per unknown, one dense inverse, one dense product.
    """
    system = reported.system
    live = system.moving()
    if live.sum() <= DENSE:
        proved = _proved(reported, live)
        if np.isfinite(proved).all():
            return frozen(proved), PROVED
    return frozen(_estimated(reported, live)), ESTIMATED


def _shaped(system: System, values, live) -> Point:
    """A point of which only the unknowns that move are given."""
    whole = np.zeros(live.size)
    whole[live] = values
    return system.point(whole)


def _flat(parts, name: str, live) -> np.ndarray:
    """One attribute of enclosed residuals, over the unknowns that move."""
    return np.concatenate([getattr(part, name).ravel() for part in parts])[live]


def _slopes(system: System, point: Point, live, weights, threads=1) -> np.ndarray:
    """Gradients of weighted sums of ln What, one for each row of `weights` (., N), over the moving unknowns."""
    spending = cy.evaluate(system, point, threads).expenditure
    rows = [
        cy.pullback(
            system, point, system.origin(), row / spending, row * _price_weights(system), threads
        ).unknowns
        for row in weights
    ]
    return np.stack([row.flat()[live] for row in rows])


def _price_weights(system: System) -> np.ndarray:
    return system.spending_shares / system.trade_elasticity[:, None]


def _proved(reported: Reported, live) -> np.ndarray:
    """The bound (N,) of the module's theorem; infinite where its conditions do not hold."""
    system, size, nowhere = reported.system, int(live.sum()), np.full(len(reported.ln_welfare), np.inf)
    flat = functools.partial(_flat, live=live)
    point = cy.solve(system, reported.point, ROUNDING).point  # z: a better centre asks for a smaller ball
    try:
        jacobian = cy.jacobian(system, point)
        inverse = np.linalg.inv(jacobian)
        gradient = _slopes(system, point, live, np.eye(len(nowhere)))
    except (np.linalg.LinAlgError, ArithmeticError):
        return nowhere
    if not np.isfinite(inverse).all():
        return nowhere
    off, size_of = coefficients(system, reported.base_shares), np.abs(inverse)
    unit = size_of.sum(axis=1)
    unit = unit / unit.max()
    scale, dot = _shaped(system, unit, live), (size + 2) * UNIT  # rounding of an inner product
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        missed, _, _ = enclose(system, point, scale, 0.0, off)
        residual, error = flat(missed, "value"), flat(missed, "error") + dot * np.abs(flat(missed, "value"))
        step = SLACK * ((np.abs(inverse @ residual) + size_of @ error) / unit).max()  # Y
        radius = 4.0 * step
        if not radius <= LARGEST_RADIUS:
            return nowhere
        missed, welfare, imprecise = enclose(system, point, scale, radius, off)
        rough = 16.0 * (off.relative + np.max(off.weights) + imprecise)
        left = np.abs(np.eye(size) - inverse @ jacobian) @ unit
        left += size_of @ (dot * (np.abs(jacobian) @ unit) + rough * flat(missed, "slope"))
        left += radius * (size_of @ flat(missed, "bend"))
        contraction = SLACK * (left / unit).max()  # Z
        if not contraction <= 0.5:  # then Y / (1 - Z) <= 2 Y <= radius
            return nowhere
        distance = step / (1.0 - contraction)
        effect = gradient @ inverse
        bound = np.abs(effect @ residual) + np.abs(effect) @ error
        bound += dot * (np.abs(gradient) @ size_of) @ (np.abs(residual) + error)
        bound += distance * (contraction * (np.abs(gradient) @ unit) + rough * welfare.slope)
        bound += 0.5 * distance**2 * welfare.bend + welfare.error
        return SLACK * (bound + np.abs(reported.ln_welfare - welfare.value) + LIBRARY * np.abs(welfare.value))


def _estimated(reported: Reported, live) -> np.ndarray:
    """Twice the move of ln What (N,) in further Newton steps and what rounding does through its gradients."""
    system, threads = reported.system, default_threads(reported.system)
    better = cy.solve(system, reported.point, ROUNDING, threads=threads)
    if not better.residual <= LARGEST_RESIDUAL:
        return np.full(len(reported.ln_welfare), np.inf)
    missed, welfare, _ = enclose(system, better.point, system.origin(), 0.0, coefficients(system))
    error = _flat(missed, "error", live)
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (DRAWS, len(welfare.value)))
    rounding = []
    for row in _slopes(system, better.point, live, signs, threads):
        dual = cy.solve_linear(system, better.point, _shaped(system, row, live), True, 1e-6, threads)[0]
        rounding.append(np.abs(dual.flat()[live]) @ error)
    return SAFETY * (np.abs(reported.ln_welfare - welfare.value) + max(rounding) + welfare.error)
