"""Odd arguments of the clusters part: each one is a named error that says which argument and what it takes."""

import numpy as np
import pytest
import scipy.sparse

import exacthat as eh
from exacthat import clusters
from exacthat.clusters import Phase

WORLD = clusters.World([[2.0, 1.0], [1.0, 2.0]], 0.1 * np.eye(2), elasticity=2.0)
FREE = [Phase("free")]
FLOWS = np.ones((2, 2, 3))


def path():
    return clusters.simulate(WORLD, FREE, 1.0)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: clusters.simulate("w", FREE, 1.0), "simulate takes a clusters.World, not str"),
        (lambda: clusters.simulate(WORLD, Phase("free"), 1.0), "the schedule is Phase"),
        (lambda: clusters.simulate(WORLD, FREE, True), "horizon is True"),
        (lambda: clusters.simulate(WORLD, FREE, "long"), "horizon is 'long'"),
        (lambda: clusters.simulate(WORLD, FREE, 1.0, max_evaluations="x"), "max_evaluations is 'x'"),
        (lambda: clusters.simulate(WORLD, FREE, 1.0, max_evaluations=0), "max_evaluations is 0"),
        (lambda: clusters.simulate(WORLD, FREE, 1.0, rtol=True), "rtol is True"),
        (lambda: clusters.simulate(WORLD, [Phase("autarky", until=True), *FREE], 1.0), "until=True"),
        (lambda: clusters.simulate(WORLD, [Phase([[True], [True, False]])], 1.0), "must be boolean"),
        (lambda: clusters.simulate_many(WORLD, FREE, horizon=1.0, threads=-1), "threads is -1"),
        (lambda: clusters.simulate_many(WORLD, FREE, horizon=1.0, threads=0), "threads is 0"),
        (lambda: clusters.simulate_many(["w"], FREE, horizon=1.0), "not str"),
        (lambda: clusters.simulate_many(3, FREE, horizon=1.0), "worlds is 3"),
        (lambda: clusters.HomeProduces(3), "argument of HomeProduces is 3"),
        (lambda: clusters.HomeProduces("ab"), "argument of HomeProduces is 'ab'"),
        (lambda: clusters.opening_schedule(WORLD, "soon", 1.0), "dates cannot be read"),
        (lambda: clusters.opening_schedule(WORLD, [0.0, 1.0], -1.0), "horizon is -1.0"),
        (lambda: clusters.diagnose(None), "diagnose takes a clusters.World"),
        (lambda: clusters.diagnose(WORLD).destroys(2), "country is 2"),
        (lambda: clusters.opening_effects(3, [1.0]), "opening_effects takes a clusters.World"),
        (lambda: clusters.opening_effects(WORLD, "late"), "times cannot be read"),
        (lambda: clusters.opening_effects(WORLD, [1.0], regime="fre"), "did you mean 'free'"),
        (lambda: clusters.best_delay(WORLD, 0.1, 1.0, weights="ab"), "weights cannot be read"),
        (lambda: clusters.best_delay(WORLD, 0.1, 1.0, weights=(0.0, 0.0)), "not both zero"),
        (lambda: clusters.best_delay(WORLD, "x", 1.0), "discount_rate is .x.; it must be one number"),
        (lambda: clusters.best_delay(WORLD, 0.1, 1.0, points=0), "points is 0"),
        (lambda: clusters.best_delay(None, 0.1, 1.0), "clusters.World"),
        (lambda: clusters.best_order(WORLD, 0.1, 1.0, sweeps=-1), "sweeps is -1"),
        (lambda: clusters.protect(WORLD, 1), "industries is 1"),
        (lambda: clusters.present_value(3, 0.1), "takes a Path"),
        (lambda: clusters.spillovers_from([[1.0, 2.0], [3.0]]), "links cannot be read"),
        (lambda: clusters.spillovers_from(np.eye(2), strength=0.0), "strength is 0.0"),
        (lambda: clusters.revealed_world(FLOWS, [4.0, 4.0], np.zeros((3, 3)), 2.0), "its shape is"),
        (lambda: clusters.revealed_world(FLOWS, 4.0, np.zeros((2, 2)), 2.0), r"must be \(3, 3\)"),
        (lambda: clusters.revealed_world(FLOWS, 4.0, np.zeros((3, 3)), 1.0), "elasticity is 1.0"),
        (lambda: clusters.revealed_world(FLOWS, 4.0, np.zeros((3, 3)), 2.0, floor=-1), "floor is -1"),
        (lambda: clusters.revealed_world(FLOWS, 4.0, np.zeros((3, 3)), 2.0, home="PAK"), "home PAK"),
        (lambda: clusters.revealed_world([[1.0], [2.0, 3.0]], 4.0, np.eye(2), 2.0), "flows cannot be read"),
        (lambda: clusters.world_of(3, "PAK", np.eye(2), 2.0), "takes an Economy; int has no flows"),
        (lambda: clusters.examples.load("figure-8", elasticity=2.0), "has no option 'elasticity'"),
        (lambda: clusters.examples.load(8), "no example 8"),
        (lambda: clusters.examples.load("figure-2").streams(points=0), "points is 0"),
        (lambda: clusters.examples.cutoff_curves(WORLD, points=0), "points is 0"),
        (lambda: clusters.communities("ab"), "spillovers cannot be read"),
        (lambda: clusters.communities(np.ones((2, 3))), r"must be \(n, n\)"),
        (lambda: clusters.communities(-np.eye(2)), "not negative"),
        (lambda: clusters.equilibrium("w"), "equilibrium takes a clusters.World"),
        (lambda: WORLD.replace(sigma=3.0), "a World has no 'sigma'"),
        (lambda: WORLD.replace(industries="ab"), "must be a list of labels"),
        (lambda: path().at("x"), "times cannot be read"),
        (lambda: path().at([]), "must be a date or a list of dates"),
        (lambda: path().at(np.nan), "must be a date or a list of dates"),
    ],
)
def test_odd_arguments_are_named(call, words):
    with pytest.raises(eh.BadInput, match=words):
        call()


def test_sparse_links_give_the_spillovers_of_dense_ones():
    dense = np.array([[4.0, 2.0], [0.0, 1.0]])
    sparse = clusters.spillovers_from(scipy.sparse.csr_array(dense))
    np.testing.assert_array_equal(sparse, clusters.spillovers_from(dense))


def test_a_path_without_a_step_says_so():
    with pytest.raises(clusters.IntegrationFailed, match="budget") as caught:
        clusters.simulate(WORLD, [Phase("autarky", until=0.5), *FREE], 1.0, max_evaluations=1)
    assert caught.value.path.horizon < 1.0


@pytest.mark.parametrize("elasticity", [1.001, 1.002])
def test_consumption_beyond_floating_numbers_is_refused(elasticity):
    world = clusters.World(np.ones((2, 10)), np.zeros((10, 10)), elasticity)
    for call in (lambda: clusters.equilibrium(world), lambda: clusters.simulate(world, FREE, 1.0).at(0.5)):
        with pytest.raises(eh.BadParameter, match=r"take an elasticity of about 1.003 or more"):
            call()
    near = clusters.equilibrium(world.replace(elasticity=1.0034))
    assert np.log(near.consumption[0]) == pytest.approx(np.log(10) / 0.0034, rel=1e-12)
