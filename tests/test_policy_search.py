"""The search below the policies, on functions whose tops are known."""

import numpy as np
import pytest

import exacthat as eh
from exacthat.policy.search import Objective, Terrain, climb, finish


def terrain(function, low=-3.0, high=3.0):
    size = 2
    return Terrain(Objective(function), np.array([[low] * size, [high] * size]), np.ones(size), np.ones(size))


def two_tops(u):
    """-x^2 - (y^2 - 1)^2: tops at y = -1 and 1, a saddle at 0."""
    x, y = u
    return -(x**2) - (y**2 - 1) ** 2, np.array([-2 * x, -4 * y * (y**2 - 1)])


def test_the_top_is_found_to_the_tolerance():
    land = terrain(two_tops)
    top = finish(land, climb(land, np.array([0.7, 0.4])), 1e-10)
    np.testing.assert_allclose(top.u, [0.0, 1.0], atol=1e-10)
    assert top.missed <= 1e-10
    assert top.curvature < -0.1


def test_a_saddle_is_left():
    land = terrain(two_tops)
    top = finish(land, np.array([0.5, 0.0]), 1e-10)  # climbing along x alone would end at the saddle
    np.testing.assert_allclose(np.abs(top.u), [0.0, 1.0], atol=1e-10)


def test_a_start_too_far_for_newton_climbs():
    land = terrain(lambda u: (-np.log(np.cosh(u)).sum(), -np.tanh(u)))
    top = finish(land, np.array([2.5, -2.0]), 1e-10)
    np.testing.assert_allclose(top.u, 0.0, atol=1e-10)


def test_limits_hold():
    land = terrain(lambda u: (-((u - 2) ** 2).sum(), -2 * (u - 2)), high=1.5)
    top = finish(land, climb(land, np.zeros(2)), 1e-10)
    np.testing.assert_array_equal(top.u, 1.5)
    assert top.missed == 0


def test_flat_directions_are_no_obstacle():
    land = terrain(lambda u: (-((u.sum() - 1) ** 2), np.full(2, -2 * (u.sum() - 1))))
    top = finish(land, climb(land, np.zeros(2)), 1e-10)
    assert top.u.sum() == pytest.approx(1.0, abs=1e-9)
    assert abs(top.curvature) < 1e-6


def test_points_without_an_equilibrium_count_as_lost():
    def function(u):
        if u[0] > 0.5:
            raise eh.NotConverged("no solution here")
        return -((u - 0.2) ** 2).sum(), -2 * (u - 0.2)

    land = terrain(function)
    np.testing.assert_allclose(climb(land, np.array([-2.5, -2.5])), 0.2, atol=1e-3)
    assert land.objective(np.ones(2))[0] == pytest.approx(-2 * 2.7**2 - 1)
    with pytest.raises(eh.NotConverged):
        terrain(function).objective(np.ones(2))  # a start without one is an error
