"""stability(): whether firms that react to yesterday's equilibrium would find back to the observed one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

import numpy as np

from exacthat.assembly import base_system, check_baseline
from exacthat.economy import Economy, require_economy
from exacthat.errors import NotConverged
from exacthat.kernels.gravity.system import System
from exacthat.solver import default_threads

DENSE = 500  # unknowns up to which all eigenvalues are computed; above, the largest one by Arnoldi's method
TOLERANCE = 1e-6  # relative, of the largest eigenvalue by Arnoldi's method
LINEAR = 1e-8  # relative residual of its linear systems
_COMPUTED: WeakKeyDictionary[Economy, Stability] = WeakKeyDictionary()


@dataclass(frozen=True)
class Stability:
    """How entry near the observed equilibrium reacts to itself.

    spectral_radius    largest modulus of an eigenvalue of the entry map's derivative
    alpha_max          largest mu*epsilon that acts (0 under restricted entry)
    stable             whether the radius is below one
    text               what that means
    """

    spectral_radius: float
    alpha_max: float
    stable: bool
    text: str

    def __str__(self):
        return self.text


def stability(economy: Economy) -> Stability:
    """Compute the spectral radius of the entry map at the observed equilibrium.

    The entry map takes numbers of firms to the numbers that zero profits imply. Given ln Z[i, k], the log
    changes of the firms in a country and industry (of the input bundles used there, to which zero profits
    tie them; of employment without input-output links), prices, wages, spending and sales clear all markets
    at the productivity Z^mu; then the new number is Z' = Rhat / chat, sales over the cost of an input bundle.
    An equilibrium is a fixed point, and the radius is the factor by which a small distance from the observed
    one shrinks (below one) or grows (above one) from round to round.

    With x the unknowns of the hat system and J(alpha) its Jacobian (kernels/gravity/ref.py), the derivative of
    the map has the nonzero eigenvalues of 1 - J(0)^-1 J(alpha): an eigenvalue rho means that J(alpha / rho) is
    singular, one that the equilibrium is not locally unique.

    In balanced worlds without taxes and links the radius did not exceed alpha_max in any of thousands of random
    worlds (no proof is known). Deficits, taxes and links can raise it above one although every mu*epsilon
    is below one: one industry in a closed economy with input share a has mu a / (1 - a). A closed economy and
    a world with one industry, without links, have radius 0; so has restricted entry, where no firm enters.
    Any alpha is allowed.

    Raises `BadInput` for a base year that is not an equilibrium, `NotConverged` where the eigenvalues cannot be found.
    Cost: all eigenvalues up to 500 unknowns, above a hundred or so linear systems in J(0). The result is kept with
    the economy.

    >>> world = Economy([[[10.0]]], trade_elasticity=4.0, scale_elasticity=0.2, input_shares=[[0.5]])
    >>> round(stability(world).spectral_radius, 9)
    0.2
    """
    require_economy(economy)
    if economy not in _COMPUTED:
        _COMPUTED[economy] = _stability(economy)
    return _COMPUTED[economy]


def instability(economy: Economy) -> str:
    """Say that the observed equilibrium is unstable, or nothing ("").

    Eigenvalues are computed only where they may tell: balanced worlds without taxes and links are taken as
    stable where alpha_max is below one, base years that contradict their flows are left out.
    """
    plain = (
        economy.input_shares is None
        and economy.tariff is None
        and economy.export_subsidy is None
        and not economy.production_subsidy.any()
        and not economy.deficits.any()
    )
    if (plain and economy.alpha.max() < 1.0) or not economy.consistent:
        return ""
    try:
        found = stability(economy)
    except NotConverged as error:
        return f"Whether the observed equilibrium is stable is not known: {error}"
    return "" if found.stable else found.text


def _stability(economy: Economy) -> Stability:
    check_baseline(economy)
    if economy.entry != "free":
        text = "Entry is restricted: no firm enters or leaves, so the observed equilibrium is stable."
        return Stability(0.0, 0.0, True, text)
    if not economy.alpha.any():
        text = "There are no scale effects: entry does not feed on itself, so the observed equilibrium is stable."
        return Stability(0.0, 0.0, True, text)
    without_scale = base_system(replace(economy, scale_elasticity=0.0))
    radius = _spectral_radius(without_scale, without_scale._replace(feedback=economy.alpha))
    return Stability(radius, float(economy.alpha.max()), radius < 1.0, _in_words(radius))


def _in_words(radius: float) -> str:
    if radius < 1.0:
        return (
            f"The observed equilibrium is stable: of a small departure of entry from it a share {radius:.3g} is "
            "left after each round in which firms enter and leave until profits are zero at given productivity."
        )
    return (
        f"The observed equilibrium is unstable: a small departure of entry from it grows by the factor {radius:.3g} "
        "in each round in which firms enter and leave until profits are zero at given productivity. Adaptive entry "
        "would not reach it, and a counterfactual may lie on another branch of equilibria than the one the world "
        "would move to."
    )


def _spectral_radius(without_scale: System, with_scale: System) -> float:
    """Largest |eigenvalue| of 1 - J(0)^-1 J(alpha) over the unknowns that can move: of all, or by Arnoldi's method."""
    from exacthat.kernels.gravity import cy

    origin, live, threads = without_scale.origin(), without_scale.moving(), default_threads(without_scale)
    size = int(live.sum())
    if size <= DENSE:
        without, scaled = cy.jacobian(without_scale, origin), cy.jacobian(with_scale, origin)
        try:
            return float(np.abs(np.linalg.eigvals(np.eye(size) - np.linalg.solve(without, scaled))).max())
        except np.linalg.LinAlgError as error:
            raise NotConverged(
                f"the entry map has no derivative at the observed equilibrium: {error}"
            ) from error
    from scipy.sparse.linalg import ArpackError, LinearOperator, eigs

    def entry(x):
        whole = np.zeros(live.size)
        whole[live] = x
        along = without_scale.point(whole)
        without, scaled = (
            cy.jacobian_product(system, origin, along, threads).flat()
            for system in (without_scale, with_scale)
        )
        right = without_scale.point(without - scaled)
        solved, left, _ = cy.solve_linear(without_scale, origin, right, tolerance=LINEAR, threads=threads)
        if not left <= LINEAR:
            raise NotConverged(
                "a linear system of the entry map was not solved: aggregate industries or countries"
            )
        return solved.flat()[live]

    start = np.cos(np.arange(size))  # fixed, and in no symmetric subspace
    try:
        whole = LinearOperator((size, size), entry, dtype=float)
        values = eigs(whole, k=1, which="LM", v0=start, tol=TOLERANCE, return_eigenvectors=False)
    except ArpackError as error:
        raise NotConverged(
            "the largest eigenvalue of the entry map was not found: aggregate industries or countries"
        ) from error
    return float(np.abs(values).max())
