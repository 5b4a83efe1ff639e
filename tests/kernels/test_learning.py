"""Learning kernels: accuracy through events and slides, closed forms, sparse against dense."""

import numpy as np
import pytest
import scipy.sparse
from scipy.linalg import expm
from scipy.optimize import brentq

from exacthat.kernels.cutoff import ref as cutoff
from exacthat.kernels.learning import examples, nb, ref
from exacthat.kernels.learning.tableau import FINE, QUICK

NOWHERE = np.empty(0, np.int64)
SLIDE = (
    np.log([[1.02, 1.0], [1.0, 1.0]]),
    np.array([2, 0], np.int8),
    np.array([[0.0, 0.2], [0.2, 0.0]]),
    np.array([0.6, 2.0]),
    2.0,
)


def links(spillovers):
    if scipy.sparse.issparse(spillovers):
        rows = scipy.sparse.csr_array(spillovers.T)
        return np.empty((0, 0)), rows.indptr.astype(np.int64), rows.indices.astype(np.int64), rows.data
    return np.ascontiguousarray(spillovers.T), NOWHERE, NOWHERE, np.empty(0)


def run(log_technology, status, spillovers, labour, sigma, stop, tolerance, mobile=0):
    economy = (log_technology, status, *links(spillovers), labour, sigma, mobile)
    return nb.integrate(*economy, 0.0, stop, NOWHERE, 0, tolerance, 10**7, FINE, QUICK)


def test_error_stays_within_ten_tolerances():
    ladder = 10.0 ** -np.arange(4, 12)
    events = 0
    for seed in range(300):
        log_technology, status, spillovers, labour, sigma, _, _ = examples.trajectory(
            np.random.default_rng(seed), n=2 + seed % 7
        )
        economy = (log_technology, status, spillovers, labour, sigma, 30.0)
        exact = run(*economy, 1e-13)
        assert exact[0] == nb.REACHED
        events += exact[7].shape[0]
        for tolerance in ladder:
            result = run(*economy, tolerance)
            assert result[0] == nb.REACHED
            assert np.abs(result[3] - exact[3]).max() < 10 * tolerance
    assert events > 100


@pytest.mark.parametrize("seed", [0, 5, 8])
def test_error_against_an_independent_solution(seed):
    economy = examples.trajectory(np.random.default_rng(seed), n=5)
    exact = ref.trajectory(*economy[:-1], 1e-11)
    for tolerance in (1e-4, 1e-7, 1e-10):
        assert np.abs(nb.trajectory(*economy[:-1], tolerance) - exact).max() < 10 * tolerance


def test_sliding_along_a_tie():
    result = run(*SLIDE, 20.0, 1e-11)
    technology = np.exp(result[3])
    np.testing.assert_allclose(technology[0], [2.2010, 2.1980], atol=5e-5)
    assert technology[0, 0] / technology[1, 0] == pytest.approx(
        technology[0, 1] / technology[1, 1], rel=1e-13
    )
    np.testing.assert_allclose(result[3], ref.trajectory(*SLIDE, np.array([20.0]), 1e-11)[0], atol=1e-9)


def test_a_slide_of_three_industries():
    rng = np.random.default_rng(13_872)
    n = int(rng.integers(3, 6))
    log_technology = rng.normal(size=n) * 0.1 + rng.normal(size=(2, n)) * 0.02
    spillovers = rng.random((n, n)) * ~np.eye(n, dtype=bool)
    sigma, labour = float(rng.choice([1.5, 2.0, 3.0])), rng.lognormal(sigma=0.3, size=2)
    share = cutoff.trade(log_technology, np.ones(n, dtype=bool), labour, sigma)[0]
    status = np.select([share == 1, share == 0], [1, 0], 2).astype(np.int8)
    result = run(log_technology, status, spillovers, labour, sigma, 10.0, 1e-10)
    assert (result[6] == nb.SHARED).sum(axis=1).max() == 3
    exact = ref.trajectory(log_technology, status, spillovers, labour, sigma, np.array([5.0, 10.0]), 1e-10)
    np.testing.assert_allclose(result[3], exact[1], atol=1e-8)


@pytest.mark.parametrize("n", [2, 3, 4, 5, 10, 50])
@pytest.mark.parametrize("kind", ["even", "own", "clusters"])
def test_identical_countries_leave_their_ties(n, kind):
    own = 0.2 * np.eye(n)
    spillovers = {"even": np.full((n, n), 0.1), "own": own, "clusters": np.roll(own, 1, axis=1)}[kind]
    status = np.full(n, nb.SHARED, np.int8)
    result = run(np.zeros((2, n)), status, spillovers, np.array([1.0, 1.3]), 2.0, 10.0, 1e-9)
    assert result[0] == nb.REACHED
    assert np.isfinite(result[3]).all()
    loose = run(np.zeros((2, n)), status, spillovers, np.array([1.0, 1.3]), 2.0, 10.0, 1e-6)
    np.testing.assert_array_equal(loose[6][0], result[6][0])  # the same goods at home, whatever the tolerance
    np.testing.assert_allclose(loose[3], result[3], rtol=0, atol=1e-5)


def test_vertical_pattern_is_linear_in_its_own_time():
    log_technology = np.log([[9.0, 8.0, 3.0, 2.0], [2.0, 3.0, 9.0, 8.0]])
    spillovers = 0.2 * np.random.default_rng(4).random((4, 4))
    status = np.array([1, 1, 0, 0], np.int8)
    result = run(log_technology, status, spillovers, np.ones(2), 2.0, 10.0, 1e-12)
    assert result[7].shape[0] == 0
    home = spillovers[:2, :2].T
    grid, weights = np.polynomial.legendre.leggauss(20)

    def taken(span):  # dt = S ds, S the sum of home technologies
        nodes = 0.5 * span * (grid + 1)
        return 0.5 * span * sum(w * (expm(home * s) @ [9.0, 8.0]).sum() for w, s in zip(weights, nodes))

    own_time = brentq(lambda span: taken(span) - 10.0, 0.0, 10.0, xtol=1e-14)
    np.testing.assert_allclose(np.exp(result[3][0, :2]), expm(home * own_time) @ [9.0, 8.0], rtol=1e-10)


def test_sparse_and_dense_spillovers_give_the_same_path():
    for seed in range(20):
        economy = list(examples.trajectory(np.random.default_rng(seed), n=5)[:5])
        dense = run(*economy, 20.0, 1e-10)
        economy[2] = scipy.sparse.csr_array(economy[2])
        sparse = run(*economy, 20.0, 1e-10)
        np.testing.assert_allclose(sparse[3], dense[3], rtol=0, atol=1e-11)
        np.testing.assert_array_equal(sparse[7][:, 1], dense[7][:, 1])


def many_events(n=200):
    """A larger country that learns faster, and industries that do not learn: home takes them over."""
    rng = np.random.default_rng(1)
    log_technology = rng.normal(size=n) * 0.3 + rng.normal(size=(2, n)) * 0.3
    rate = np.exp(rng.normal(size=n)) * (rng.random(n) > 0.6)
    spillovers = np.minimum(0.25 * rng.random((n, n)) * rate, 1.0)
    labour = np.array([1.0, 3.0])
    share = cutoff.trade(log_technology, np.ones(n, dtype=bool), labour, 2.0)[0]
    status = np.select([share == 1, share == 0], [1, 0], 2).astype(np.int8)
    return log_technology, status, spillovers, labour, 2.0, 60.0


@pytest.mark.parametrize("tolerance", [1e-5, 1e-8, 1e-10])
def test_events_cost_at_most_thirty_evaluations(tolerance):
    result = run(*many_events(), tolerance)
    events = result[7].shape[0]
    assert events > 50
    assert result[2] <= 30 * events


def test_replay_meets_the_steps_and_the_conditions():
    economy = many_events(60)
    result = run(*economy, 1e-9)
    steps, states, patterns = result[4:7]
    times = np.concatenate([steps[:, 0], [economy[5]]])
    inside = np.concatenate([np.arange(steps.shape[0]), [steps.shape[0] - 1]])
    technology, _, employment, summary = nb.evaluate(
        *links(economy[2]), economy[3], economy[4], 0, steps, states, patterns, times, inside, FINE, QUICK
    )
    np.testing.assert_allclose(technology[:-1], states, atol=1e-14)
    np.testing.assert_allclose(technology[-1], result[3], atol=1e-11)
    for row in range(0, times.size, 5):
        static = cutoff.trade(technology[row], np.ones(60, dtype=bool), economy[3], economy[4])
        np.testing.assert_allclose(employment[row], static[1], rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(summary[row], static[2], rtol=1e-10, atol=1e-10)


def test_mobile_ties_go_to_the_faster_place():
    log_technology = np.log([[2.0, 1.0, 1.0], [1.0, 2.0, 1.0]])
    spillovers = np.zeros((3, 3))
    spillovers[0, 2], spillovers[1, 2] = 0.3, 0.1
    result = run(
        log_technology, np.array([1, 0, 2], np.int8), spillovers, np.ones(2), 2.0, 5.0, 1e-9, mobile=1
    )
    assert result[7][:, 1].tolist() == [nb.TIE_BROKEN]
    assert result[3][0, 2] > 0
    assert result[3][1, 2] == 0


@pytest.mark.parametrize(
    "status",
    [[1, 1, 0, 0, 3], [1, 2, 0, 0, 3], [1, 1, 2, 0, 0], [1, 1, 0, 0, 0], [2, 2, 1, 0, 3], [2, 2, 2, 0, 1]],
)
def test_slopes_of_the_slacks_are_their_derivatives(status):
    rng = np.random.default_rng(7)
    n, shared = len(status), status.count(nb.SHARED)
    count = n + 1 + (4 * shared if shared > 1 else 0)
    empty = np.empty(0, np.int64)
    links = (rng.random((n, n)), empty, empty, np.empty(0))
    eco = nb._assemble(np.array(status), *links, np.array([1.3, 0.8]), 2.7, 0)
    x, rate = rng.normal(size=(2, n)), rng.normal(size=(2, n))
    rate[1, : eco.cut[0]] = 0.0  # who does not produce does not learn
    rate[0, eco.cut[2] :] = 0.0
    tie = slice(eco.cut[0], eco.cut[0] + eco.cut[1])
    x[0, tie], rate[0, tie] = x[1, tie] + 0.1, rate[1, tie] + 0.07  # what is shared stays tied
    margin, slope, unused = np.empty((3, count)), np.empty(count), np.empty(count)
    step = 1e-5
    for row, shift in enumerate((-step, 0.0, step)):
        nb._margins(x + shift * rate, rate, 1.0, eco, margin[row], slope if shift == 0 else unused)
    np.testing.assert_allclose(slope, (margin[2] - margin[0]) / (2 * step), rtol=1e-7, atol=1e-8)
    assert np.count_nonzero(slope) >= 3


def test_a_slide_ends_within_a_step_that_it_outlives_at_both_ends():
    """Shares of a slide that dip out of [0, 1] and come back: only a search inside the step sees it."""
    empty = np.empty(0, np.int64)
    links = (np.array([[0.0, 1.0], [1.0, 0.0]]), empty, empty, np.empty(0))
    eco = nb._assemble(np.array([2, 2]), *links, np.array([1.0, 3.0]), 2.0, 0)
    x, powers, work, slide = np.zeros((2, 2)), np.zeros((7, 2, 2)), np.empty((2, 2)), np.empty(8)
    powers[0, :, 0], powers[1, :, 0] = 8.0, -8.0  # good 0 rises and falls in both countries, the tie holds
    ends = [nb._slack(x, eco, slide)[0]]
    nb._inside(x, eco, powers, 1.0, work)
    ends.append(nb._slack(work, eco, slide)[0])
    nb._inside(x, eco, powers, 0.5, work)
    midway = nb._slack(work, eco, slide)[0]
    assert min(ends) > 0.0 > midway
    theta, which, _ = nb._locate(x, eco, powers, work)
    assert 0.0 < theta < 0.5
    assert which == nb._OUTWARD
    nb._inside(x, eco, powers, theta, work)
    assert abs(nb._slack(work, eco, slide)[0]) < 1e-10


def test_a_slide_that_ends_where_the_other_share_is_used_up():
    """A good may leave once the other one's share suffices: the choice must not refuse what was located."""
    economy = examples.trajectory(np.random.default_rng(155), n=3)[:5]
    exact = run(*economy, 30.0, 1e-13)
    assert exact[0] == nb.REACHED
    for tolerance in (1e-6, 1e-8, 1e-10):
        result = run(*economy, 30.0, tolerance)
        assert result[0] == nb.REACHED
        assert np.abs(result[3] - exact[3]).max() < 10 * tolerance


@pytest.mark.parametrize("side", [0, 1])
def test_a_condition_met_for_a_moment_is_located(side):
    """The condition holds in a thousandth of the step, away from its ends and from every fixed sample."""
    empty = np.empty(0, np.int64)
    links = (np.zeros((2, 2)), empty, empty, np.empty(0))
    eco = nb._assemble(np.array([3, 3]), *links, np.ones(2), 2.0, 0)
    top, half = 0.37, 0.0005  # the country leads in its good where (theta - top)^2 < half^2
    x, powers, work = np.zeros((2, 2)), np.zeros((7, 2, 2)), np.empty((2, 2))
    x[side, side] = half**2 - top**2
    powers[0, side, side], powers[1, side, side] = 2.0 * top, -1.0
    found = nb._meets(x, eco, powers, 1.0, np.array([side]), side, work)
    assert found == pytest.approx(top - half, abs=1e-9)
