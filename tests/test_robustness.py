"""Random worlds over the whole range end certified and right, or refused for a reason that holds.

`python -m bench.robustness` sweeps thousands; here are the first of each kind and those that once failed.
"""

import numpy as np
import pytest

import exacthat as eh
from exacthat import assembly, exact_newton, solver
from exacthat.kernels.gravity import cy, examples
from tests.robustness.levels import Model, Precision, why_none
from tests.robustness.worlds import KINDS, draw

# small worlds by the method they need
SHOCK, THIN = (85, 264, 746, 1423), (11, 288, 1008, 47)
UNFINANCED = (156, 188, 430, 771, 886, 1314)  # a lender's spending falls to zero as deficits grow
ONE_WAY_UNFINANCED = (440, 495)  # the same as the change grows: one country only buys, or only sells


def solve(world, **options):
    return eh.counterfactual(world.economy, world.shock, world.policy, deficits=world.deficits, **options)


def assert_true(world, solved, tolerance=1e-8):
    """The library's welfare agrees with equations of their own, solved again in extended precision."""
    model = Model(world.economy, world.shock, world.policy, world.deficits, Precision())
    z, left, _ = model.polish(model.guess(solved))
    assert left < 1e-13
    np.testing.assert_allclose(
        np.log(solved.welfare_hat), model.ln_welfare(z).astype(float), rtol=0, atol=tolerance
    )


@pytest.mark.parametrize("number", range(4 * len(KINDS)))
def test_random_worlds_end_certified_and_true_or_rightly_refused(number):
    world = draw(number, small=True)
    reasons = why_none(Model(world.economy, world.shock, world.policy, world.deficits, Precision()))
    if reasons:
        with pytest.raises(eh.NoEquilibrium):
            solve(world)
        return
    solved = solve(world)
    assert solved.certificate.ok
    assert_true(world, solved)


@pytest.mark.parametrize("number", [35, 75, 626, 803, 1163, 1283])
def test_scale_effects_near_one_are_followed_from_weak_ones(number):
    solved = solve(draw(number))
    assert solved.certificate.ok
    assert "scale effects followed" in solved.certificate.method


@pytest.mark.parametrize(
    ("number", "method"),
    [(number, "followed") for number in SHOCK] + [(number, "exact Newton steps") for number in THIN],
)
def test_rungs_of_the_ladder(number, method):
    world = draw(number, small=True)
    solved = solve(world)
    assert method in solved.certificate.method
    assert_true(world, solved)


@pytest.mark.parametrize("number", THIN)
def test_wages_of_countries_that_hardly_trade(number):
    """Their trade balances to a part in 1e6 of itself although residuals of revenue cannot tell it."""
    world = draw(number, small=True)
    solved = solve(world)
    assert solved.certificate.balance < 1e-9
    model = Model(world.economy, world.shock, world.policy, world.deficits, Precision())
    z, _, _ = model.polish(model.guess(solved))
    np.testing.assert_allclose(np.log(solved.wage_hat), model.split(z)[1].astype(float), atol=1e-6)


@pytest.mark.parametrize("number", [*UNFINANCED, *ONE_WAY_UNFINANCED])
def test_deficits_that_no_one_can_finance_are_refused(number):
    with pytest.raises(eh.NoEquilibrium, match=r"spending falls to zero.*pass deficits='zero'"):
        solve(draw(number, small=True))


def test_the_largest_deficit_that_can_be_financed_is_where_the_refusal_says():
    """One industry, two countries: below the share in the message there is an equilibrium, above none."""
    world = draw(156, small=True)
    with pytest.raises(eh.NoEquilibrium) as caught:
        solve(world)
    share = float(str(caught.value).split(" at ")[1].split(" percent")[0]) / 100
    assert 0 < share < 1
    below = solve(world._replace(deficits=0.98 * share * world.economy.deficits))
    assert below.certificate.ok
    with pytest.raises(eh.NoEquilibrium):
        solve(world._replace(deficits=1.02 * share * world.economy.deficits))


@pytest.mark.parametrize("kind", examples.KINDS)
def test_the_dense_jacobian_is_the_derivative(kind):
    rng = np.random.default_rng(5)
    system = examples.system(rng, 4, 3, kind=kind)
    x = examples.near(rng, system, 0.1).flat()
    x[: system.sales.size] *= (system.sales > 0).ravel()
    at = exact_newton._equations(system, x)
    rows = exact_newton._rows(at)
    direction, step = rng.normal(size=x.size), 1e-6
    direction[: system.sales.size] *= (system.sales > 0).ravel()
    ahead, behind = (
        exact_newton._missed(exact_newton._equations(system, x + side * step * direction), rows)
        for side in (1, -1)
    )
    slope = exact_newton._jacobian(system, at, rows) @ direction
    np.testing.assert_allclose(slope, (ahead - behind) / (2 * step), atol=1e-7)
    np.testing.assert_allclose(
        at.residual,
        cy.evaluate(system, system.point(x)).residual.flat(),
        atol=1e-13,
    )


@pytest.mark.parametrize("kind", examples.KINDS)
def test_exact_newton_reaches_what_newton_gmres_reaches(kind):
    system = examples.system(np.random.default_rng(9), 5, 4, kind=kind)
    point, steps = exact_newton.refine(system, system.origin(), 1e-12)
    assert 0 < steps < 15
    expected = cy.solve(system, None, 1e-12).point
    for ours, theirs in zip(point, expected):
        if ours is not None:
            np.testing.assert_allclose(ours, theirs, atol=1e-9)


def test_weak_scale_effects_lead_to_the_same_equilibrium():
    world = draw(62, small=True)
    system = assembly.assemble(world.economy, eh.Shock(trade_cost=1.1), eh.Policy(), "zero").system
    attempts, steps, reached = solver._follow_scale(system, 1e-12, 1)
    assert (reached, steps > 1) == (1.0, True)
    np.testing.assert_allclose(attempts[-1].point.sales, cy.solve(system, None, 1e-12).point.sales, atol=1e-9)
