"""Learning through events against scipy.integrate.solve_ivp, in one process and at equal true error.

The baseline is what a careful user writes: each date's equilibrium in vectorised numpy, re-solved at every
evaluation, one matrix product for both countries, state ln A. Its method and tolerance are the fastest found that
reach our true error in that world (against our own path at rtol 1e-12, itself tested against an independent
solution). Worlds that slide along a tie are left out: there the baseline chatters, and no tolerance makes it right.
BLAS is held to one thread as our integrator is.

Ratios are of medians on both sides, timed in turns. What is asserted is the error, never a time.
"""

import itertools
import time

import numpy as np
import pytest
import scipy.sparse
from scipy.integrate import solve_ivp
from threadpoolctl import threadpool_limits

from exacthat import clusters

FREE = [clusters.Phase("free")]


def right_hand_side(world):
    """The model as numpy writes it: sort by ratio, cumulate, find the marginal good, one product."""
    n, sigma, labour = world.n, world.elasticity, world.labour
    spillovers = world.spillovers.T.tocsr() if scipy.sparse.issparse(world.spillovers) else world.spillovers

    def slopes(_, flat):
        technology = np.exp(flat.reshape(2, n))
        a, b = technology if sigma == 2 else technology ** (sigma - 1)
        ratio = technology[0] / technology[1]
        order = np.argsort(-ratio)
        a, b, ratio = a[order], b[order], ratio[order]
        home, foreign = np.cumsum(a), np.maximum(b.sum() - np.cumsum(b), 0.0)
        kk = ratio**sigma * labour[0] / labour[1]
        part = (kk * (foreign + b) - (home - a)) / (a + kk * b)
        marginal = int(np.argmax(part <= 1)) if (part <= 1).any() else n
        share = np.zeros(n)
        share[:marginal] = 1.0
        if marginal < n:
            share[marginal] = max(part[marginal], 0.0)
        employment = np.empty((2, n))
        employment[0, order] = labour[0] * share * a / (share * a).sum()
        employment[1, order] = labour[1] * (1 - share) * b / ((1 - share) * b).sum()
        received = (
            (spillovers @ employment.T).T if scipy.sparse.issparse(spillovers) else employment @ spillovers
        )
        return ((employment > 0) * received / technology).ravel()

    return slopes


def draw(n, seed, speed, *, still=0.6, labour=(1.0, 3.0), spread=0.3):
    """A larger country that learns faster, and industries that do not learn: home takes them over."""
    rng = np.random.default_rng(seed)
    technology = np.exp(0.3 * rng.normal(size=n) + spread * rng.normal(size=(2, n)))
    rate = np.exp(rng.normal(size=n)) * (rng.random(n) > still)
    return clusters.World(technology, np.minimum(speed * rng.random((n, n)) * rate, 1.0), 2.0, labour)


def medians(*functions, repeats=5):
    """Median wall time of each function, called in turns, and the last results."""
    spent, results = np.empty((repeats, len(functions))), [None] * len(functions)
    for turn in range(repeats):
        for place, function in enumerate(functions):
            start = time.perf_counter()
            results[place] = function()
            spent[turn, place] = time.perf_counter() - start
    return np.median(spent, axis=0), results


def final(path):
    return np.log(path.at(path.horizon).technology[0])


def solved(world, horizon, method, rtol):
    """Final ln A (2, n) by solve_ivp."""
    start = np.log(world.technology).ravel()
    result = solve_ivp(right_hand_side(world), (0, horizon), start, method, rtol=rtol, atol=rtol)
    return result.y[:, -1].reshape(2, -1)


def baseline(world, horizon, exact, error, patience=20.0):
    """Fastest solve_ivp that reaches `error`, of one call each: (seconds, its error, method, rtol)."""
    best = (np.inf, np.inf, "DOP853", 1e-13)
    for method in ("RK45", "DOP853", "LSODA"):
        for rtol in 10.0 ** -np.arange(5.0, 13.5, 0.5):
            began = time.perf_counter()
            reached = np.abs(solved(world, horizon, method, rtol) - exact).max()
            spent = time.perf_counter() - began
            if reached <= error:
                best = min(best, (spent, reached, method, rtol))
                break
            if spent > min(patience, best[0]):
                break
    return best


def keep(record, group, size, ours, theirs, our_notes, their_notes):
    """Record both sides of a comparison, seconds as they were timed in turns."""
    for method, spent, notes in (("scipy and numpy", theirs, their_notes), ("exacthat", ours, our_notes)):
        shown = {key: f"{note:.3g}" if isinstance(note, float) else note for key, note in notes.items()}
        record(group, size, method, time=spent, **shown)


@pytest.mark.parametrize("rtol", [1e-6, 1e-8])
def test_ensemble_of_small_economies(benchmark, record, rtol):
    """n = 10, events without slides; all threads for the ensemble, as its users call it."""
    worlds = []
    for seed in itertools.count():
        world = draw(10, seed, 0.9, labour=(0.6, 1.6))
        kinds = [event.kind for event in clusters.simulate(world, FREE, 30.0).events]
        if "slide" not in kinds and len(kinds) > 2:
            worlds.append(world)
        if len(worlds) == 16:
            break
    exact = [final(path) for path in clusters.simulate_many(worlds, FREE, horizon=30.0, rtol=1e-12)]
    many = worlds * 25
    paths = clusters.simulate_many(worlds, FREE, horizon=30.0, rtol=rtol)
    errors = [np.abs(final(path) - truth).max() for path, truth in zip(paths, exact)]
    with threadpool_limits(1):
        found = [
            baseline(*pair, max(error, 1e-13)) for *pair, error in zip(worlds, [30.0] * 16, exact, errors)
        ]
        (ours, theirs), _ = medians(
            lambda: clusters.simulate_many(many, FREE, horizon=30.0, rtol=rtol),
            lambda: [solved(world, 30.0, *row[2:]) for world, row in zip(worlds, found)],
        )
    ours /= 25
    benchmark(lambda: clusters.simulate_many(worlds, FREE, horizon=30.0, rtol=rtol))
    assert max(errors) < 10 * rtol
    events = sum(len(path.events) - 1 for path in paths)
    keep(
        record, "learning, 16 economies", f"10 goods, rtol {rtol:g}", ours, theirs,
        {"error": float(max(errors)), "events": events}, {"error": float(max(row[1] for row in found))},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("n", "seed", "speed", "horizon", "rtol"),
    [
        (100, 1, 0.5, 50.0, 1e-6),
        (100, 2, 0.5, 50.0, 1e-6),
        (100, 1, 0.5, 50.0, 1e-8),
        (1000, 1, 0.05, 100.0, 1e-6),
    ],
)
def test_one_economy(benchmark, record, n, seed, speed, horizon, rtol):
    if benchmark.disabled and n == 1000:
        pytest.skip("its baseline takes minutes: it is timed only")
    world = draw(n, seed, speed, spread=0.3 if n < 1000 else 0.4)
    exact = final(clusters.simulate(world, FREE, horizon, rtol=1e-12))
    path = clusters.simulate(world, FREE, horizon, rtol=rtol)
    error = np.abs(final(path) - exact).max()
    with threadpool_limits(1):
        found = baseline(world, horizon, exact, error)
        (ours, theirs), _ = medians(
            lambda: clusters.simulate(world, FREE, horizon, rtol=rtol),
            lambda: solved(world, horizon, *found[2:]),
        )
    benchmark.pedantic(lambda: clusters.simulate(world, FREE, horizon, rtol=rtol), rounds=1)
    events = len(path.events) - 1
    assert error < 10 * rtol
    assert "slide" not in {event.kind for event in path.events}
    keep(
        record, f"learning, world {seed}", f"{n} goods, rtol {rtol:g}", ours, theirs,
        {"error": float(error), "events": events, "evaluations per event": path.evaluations / events},
        {"error": float(found[1]), "by": f"{found[2]} at {found[3]:.0e}"},
    )  # fmt: skip


@pytest.mark.parametrize("density", [1.0, 0.01])
def test_one_evaluation_of_many_industries(benchmark, record, density):
    """n = 5000: a longer against a shorter run, so that building the arrays does not count."""
    n = 5000
    rng = np.random.default_rng(0)
    if density == 1.0:
        spillovers = rng.random((n, n)) / n
    else:
        spillovers = scipy.sparse.random_array((n, n), density=density, rng=rng, format="csr")
    world = clusters.World(np.exp(0.3 * rng.normal(size=(2, n))), spillovers, 2.0)

    def run(budget):
        try:
            return clusters.simulate(world, FREE, 1e6, rtol=1e-12, max_evaluations=budget).evaluations
        except clusters.IntegrationFailed as stopped:
            return stopped.path.evaluations

    run(1)
    slopes, start = right_hand_side(world), np.log(world.technology).ravel()

    def alone():
        with threadpool_limits(1):
            return slopes(0.0, start)

    (short, long, theirs, threaded), (few, many, expected, _) = medians(
        lambda: run(20), lambda: run(140), alone, lambda: slopes(0.0, start)
    )
    ours = (long - short) / (many - few)
    benchmark.pedantic(lambda: run(1), rounds=1)
    step = 1e-7
    path = clusters.simulate(world, FREE, step, rtol=1e-10)
    moved = ((final(path) - np.log(world.technology)) / step).ravel()
    assert np.abs(moved - expected).max() < 1e-4 * np.abs(expected).max()
    keep(
        record, "learning, one evaluation", f"{n} goods, {'dense' if density == 1.0 else 'sparse'}", ours, theirs,
        {"reads": f"{8e-9 * n * n * density / 2 / ours:.3g} GB/s"},
        {"with threads in BLAS": f"{1e3 * threaded:.4g} ms"},
    )  # fmt: skip
