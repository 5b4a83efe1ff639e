"""Schedules and paths: phases, conditions, limits from both sides, ensembles, errors that carry the path."""

import numpy as np
import pytest
import scipy.sparse

import exacthat as eh
from exacthat import clusters
from exacthat.clusters import ForeignProduces, HomeProduces, Phase

FREE = [Phase("free")]
TABLE_2 = 0.2 * np.kron(np.eye(2), [[0.0, 1.0], [1.0, 0.0]])


def mirror(home, elasticity=2.0):
    return clusters.World([home, home[::-1]], TABLE_2, elasticity)


def random_world(seed, n=6):
    rng = np.random.default_rng(seed)
    technology = np.exp(0.3 * rng.normal(size=n) + 0.1 * rng.normal(size=(2, n)))
    return clusters.World(technology, rng.random((n, n)), 2.5, rng.lognormal(sigma=0.3, size=2))


def test_switch_times_of_figures_6_and_7():
    for home, date in (([10, 4, 5, 2], 105 * (3 / 7**0.5 - 1)), ([10, 4, 6, 2], 110 * ((5 / 3) ** 0.5 - 1))):
        for condition in (HomeProduces([0, 1]), ForeignProduces([2, 3])):
            schedule = [Phase("autarky", until=condition), Phase("free")]
            for rtol in (1e-5, 1e-7, 1e-9, 1e-11):
                path = clusters.simulate(mirror(home), schedule, 60.0, rtol=rtol)
                assert path.phase_starts[1] == pytest.approx(date, rel=0, abs=10 * rtol)


@pytest.mark.parametrize("elasticity", [1.2, 1.5, 2.0, 3.0, 4.0])
def test_gradual_opening_shortens_the_delay(elasticity):
    world = mirror([10, 4, 6, 2], elasticity)
    end = Phase("free")
    delayed = clusters.simulate(world, [Phase("autarky", until=HomeProduces([0, 1])), end], 1e4)
    first = np.array([True, False, False, True])
    gradual = clusters.simulate(world, [Phase(first, until=HomeProduces([0, 1])), end], 1e4)
    assert gradual.phase_starts[1] < delayed.phase_starts[1]
    for path, jumps in ((gradual, False), (delayed, True)):
        before, after = (path.at(path.phase_starts[1], side=side) for side in ("left", "right"))
        np.testing.assert_allclose(before.technology, after.technology, rtol=1e-12)
        if jumps:
            assert np.all(after.consumption > 1.01 * before.consumption)
        else:
            np.testing.assert_allclose(after.consumption, before.consumption, rtol=1e-9)


def test_timed_phases_equal_one_after_the_other():
    world = random_world(1)
    whole = clusters.simulate(world, [Phase("autarky", until=3.0), Phase("free")], 10.0, rtol=1e-11)
    first = clusters.simulate(world, [Phase("autarky")], 3.0, rtol=1e-11)
    second = clusters.simulate(
        world.replace(technology=first.at(3.0).technology[0]), [Phase("free")], 7.0, rtol=1e-11
    )
    np.testing.assert_allclose(whole.at(10.0).technology, second.at(7.0).technology, rtol=1e-9)
    assert [event.time for event in whole.events if event.kind == "phase"] == [0.0, 3.0]


def test_dense_output_does_not_depend_on_the_dates_asked_for():
    path = clusters.simulate(random_world(2), [Phase("autarky", until=2.0), Phase("free")], 20.0)
    times = np.linspace(0, 20, 57)
    together = path.at(times)
    order = np.random.default_rng(0).permutation(times.size)
    shuffled = path.at(times[order])
    np.testing.assert_array_equal(shuffled.consumption, together.consumption[order])
    np.testing.assert_allclose(path.at(times[33]).technology[0], together.technology[33], rtol=1e-12)
    exact = clusters.simulate(path.world, [Phase("autarky", until=2.0), Phase("free")], 20.0, rtol=1e-12)
    np.testing.assert_allclose(together.technology, exact.at(times).technology, rtol=1e-8)


def test_states_solve_the_static_model_at_their_date():
    world = random_world(3)
    path = clusters.simulate(world, [Phase(np.arange(6) < 4, until=5.0), Phase("free")], 12.0)
    for time, regime in ((1.0, np.arange(6) < 4), (9.0, "free")):
        state = path.at(time)
        static = clusters.equilibrium(world.replace(technology=state.technology[0]), regime)
        np.testing.assert_allclose(state.consumption[0], static.consumption, rtol=1e-11)
        np.testing.assert_allclose(state.employment[0], static.employment, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(state.home_share[0], static.home_share, rtol=1e-8, atol=1e-8)


def test_free_migration_keeps_people_and_never_changes_the_pattern():
    world = random_world(4)
    path = clusters.simulate(world, [Phase("mobile")], 20.0)
    states = path.at(np.linspace(0, 20, 9))
    np.testing.assert_allclose(states.employment.sum(axis=(1, 2)), world.labour.sum(), rtol=1e-12)
    assert len(path.events) == 1
    assert np.all(states.relative_wage == 1)
    per_head = states.consumption / states.employment.sum(axis=2)
    np.testing.assert_allclose(per_head[:, 0], per_head[:, 1], rtol=1e-12)


def test_a_slide_reports_the_split_that_keeps_the_tie():
    world = clusters.World([[1.02, 1.0], [1.0, 1.0]], [[0, 0.2], [0.2, 0]], 2.0, labour=(0.6, 2.0))
    path = clusters.simulate(world, [Phase("free")], 20.0)
    state = path.at(10.0)
    growth = np.einsum("cj,ji->ci", state.employment[0], world.spillovers) / state.technology[0]
    assert growth[0, 0] - growth[1, 0] == pytest.approx(growth[0, 1] - growth[1, 1], abs=1e-10)
    np.testing.assert_allclose(path.at(20.0).technology[0, 0], [2.2010, 2.1980], atol=5e-5)


def test_ensembles_are_the_single_runs_whatever_the_threads():
    worlds = [random_world(seed) for seed in range(30)]
    schedule = [Phase("autarky", until=1.0), Phase("free")]
    single = [clusters.simulate(world, schedule, 10.0).at(10.0).consumption for world in worlds]
    for threads in (1, 2, None):
        many = clusters.simulate_many(worlds, schedule, horizon=10.0, threads=threads)
        np.testing.assert_array_equal([path.at(10.0).consumption for path in many], single)


def test_one_world_under_many_schedules():
    schedules = [[Phase("autarky", until=date), Phase("free")] for date in (1.0, 2.0)]
    paths = clusters.simulate_many(random_world(5), schedules, horizon=5.0)
    assert [path.phase_starts for path in paths] == [(0.0, 1.0), (0.0, 2.0)]


def test_a_condition_never_met_carries_the_path():
    schedule = [Phase("free", until=HomeProduces([0, 1])), Phase("free")]
    world = mirror([10, 4, 5, 2])
    with pytest.raises(clusters.ConditionNotMet, match="extend the horizon") as caught:
        clusters.simulate(world, schedule, 30.0)
    assert caught.value.path.at(30.0).consumption.shape == (1, 2)
    returned = clusters.simulate_many([world], schedule, horizon=30.0, on_failure="return")
    assert isinstance(returned[0], clusters.ConditionNotMet)
    with pytest.raises(clusters.ConditionNotMet):
        clusters.simulate_many([world, world], schedule, horizon=30.0)


def test_waiting_for_a_condition_changes_no_event():
    everything = [
        Phase("free", until=HomeProduces(range(6))),
        Phase("free"),
    ]  # never: foreign makes something
    changes = 0
    for seed in range(10):
        world = random_world(seed)
        free = clusters.simulate(world, FREE, 20.0).events
        with pytest.raises(clusters.ConditionNotMet) as caught:
            clusters.simulate(world, everything, 20.0)
        waiting = caught.value.path.events
        assert [(one.kind, one.industries) for one in waiting] == [(one.kind, one.industries) for one in free]
        assert [one.time for one in waiting] == pytest.approx([one.time for one in free], rel=0, abs=1e-9)
        changes += len(free) - 1
    assert changes > 5


@pytest.mark.parametrize("seed", range(3))
def test_a_tie_of_more_than_twelve_industries_follows_one_path_at_any_tolerance(seed):
    rng = np.random.default_rng(seed)
    spillovers = rng.random((14, 14)) * (rng.random((14, 14)) < 0.4)
    world = clusters.World(np.ones((2, 14)), spillovers, 2.0, rng.choice([1.0, 2.0, 3.0], 2))
    loose, tight = (clusters.simulate(world, FREE, 10.0, rtol=rtol).at([2.0, 10.0]) for rtol in (1e-9, 1e-11))
    np.testing.assert_allclose(loose.technology, tight.technology, rtol=1e-8)


def test_a_condition_that_holds_at_once_ends_its_phase_at_once():
    world = clusters.World([[10, 10, 5, 5], [5, 5, 10, 10]], TABLE_2, 2.0)
    path = clusters.simulate(world, [Phase("autarky", until=HomeProduces([0])), Phase("free")], 5.0)
    assert path.phase_starts == (0.0, 0.0)
    assert path.at(0.0).consumption[0, 0] == pytest.approx(40)


def test_a_budget_that_runs_out_carries_the_path():
    with pytest.raises(clusters.IntegrationFailed, match="budget") as caught:
        clusters.simulate(random_world(6), [Phase("free")], 50.0, max_evaluations=40)
    assert 0 < caught.value.path.horizon < 50


@pytest.mark.parametrize(
    ("phases", "horizon", "words"),
    [
        ([], 5.0, "schedule is empty"),
        (["free"], 5.0, "phase 0 is a str"),
        ([Phase("free")], -1.0, "horizon is -1.0"),
        ([Phase("autarky"), Phase("free")], 5.0, "phase 0 has no end"),
        ([Phase("autarky", until=7.0), Phase("free")], 5.0, "the phases after it would never start"),
        (
            [Phase("autarky", until=3.0), Phase("free", until=2.0), Phase("free")],
            5.0,
            "before an earlier phase",
        ),
        ([Phase("free", until=3.0)], 5.0, "before the horizon"),
        ([Phase("free", until=HomeProduces([0]))], 5.0, "add the phase that follows"),
        ([Phase("autarky", until=HomeProduces([9])), Phase("free")], 5.0, "industry 9 is not in this world"),
        ([Phase("autarky", until="later"), Phase("free")], 5.0, "neither a date nor a condition"),
        ([Phase("open")], 5.0, "phase 0: regime 'open' is unknown"),
    ],
)
def test_schedules_that_cannot_run_are_refused(phases, horizon, words):
    with pytest.raises(eh.BadInput, match=words):
        clusters.simulate(mirror([10, 4, 5, 2]), phases, horizon)


def test_dates_and_options_out_of_range_are_refused():
    path = clusters.simulate(mirror([10, 4, 5, 2]), [Phase("free")], 5.0)
    with pytest.raises(eh.BadInput, match=r"outside: 6, -1"):
        path.at([1.0, 6.0, -1.0])
    with pytest.raises(eh.BadParameter, match="side is"):
        path.at(1.0, side="both")
    with pytest.raises(eh.BadParameter, match="rtol is 1"):
        clusters.simulate(path.world, [Phase("free")], 5.0, rtol=1.0)


def test_conditions_take_labels():
    world = clusters.World([[10, 4, 5, 2], [2, 5, 4, 10]], TABLE_2, 2.0, industries=["a", "b", "c", "d"])
    path = clusters.simulate(world, [Phase("autarky", until=HomeProduces(["a", "b"])), Phase("free")], 60.0)
    assert path.phase_starts[1] == pytest.approx(105 * (3 / 7**0.5 - 1), abs=1e-6)


def test_sparse_spillovers_follow_the_dense_path():
    dense = random_world(7, n=30)
    sparse = dense.replace(spillovers=scipy.sparse.csr_array(dense.spillovers))
    paths = clusters.simulate_many([dense, sparse], [Phase("free")], horizon=5.0)
    np.testing.assert_allclose(paths[0].at(5.0).technology, paths[1].at(5.0).technology, rtol=1e-8)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("elasticity", [2.0, 10.0])
def test_identical_countries_with_paired_industries_reach_the_horizon(seed, elasticity):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(7, 24))
    pairs = 0.2 * np.kron(np.eye((n + 1) // 2), [[0, 1], [1, 0]])[:n, :n]
    level = np.exp(0.3 * rng.normal(size=n))
    world = clusters.World([level, level], pairs, elasticity, rng.lognormal(sigma=0.3, size=2))
    states = clusters.simulate(world, [Phase("free")], 40.0, rtol=1e-7).at(np.linspace(0, 40, 5))
    np.testing.assert_allclose(states.employment.sum(axis=2), np.tile(world.labour, (5, 1)), rtol=1e-10)
    assert np.all(np.diff(states.technology, axis=0) >= 0)


def test_a_slide_ends_where_a_flow_turns_outward():
    technology, spillovers = [[1.488, 1.435], [1.488, 1.461]], [[0.026, 0.0], [0.124, 0.074]]
    world = clusters.World(technology, spillovers, 5.0, labour=(0.904, 0.926))
    path = clusters.simulate(world, [Phase("free")], 30.0, rtol=1e-10)
    assert [event.kind for event in path.events] == ["phase", "slide", "slide end"]
    end = path.events[2].time
    states = path.at([end - 1.0, end, end + 1.0])
    gaps = np.diff(np.log(states.technology[:, 0] / states.technology[:, 1]), axis=1)[:, 0]
    np.testing.assert_allclose(gaps[:2], 0, atol=1e-11)
    assert abs(gaps[2]) > 1e-4
    assert ((states.home_share > 0) & (states.home_share < 1)).sum(axis=1).tolist()[::2] == [2, 1]


def ring_world(seed, n=6):
    """Pairs of industries that teach each other, whose slacks often dip below zero for a short while."""
    rng = np.random.default_rng(seed)
    labour = rng.lognormal(0, 0.6, 2)
    log_technology = rng.normal(scale=0.2, size=n) + 0.01 * rng.normal(size=(2, n))
    spillovers = 0.3 * np.kron(np.eye(n // 2), [[0, 1], [1, 0]]) * rng.uniform(0.5, 1.0, (n, n))
    return clusters.World(np.exp(log_technology), spillovers, 3.0, labour)


@pytest.mark.parametrize(
    ("seed", "tolerances", "kinds"),
    [
        (50638, (1e-7, 1e-8, 1e-9), ["crossing", "slide", "slide end", "foreign"]),
        (50363, (1e-4, 1e-7, 1e-8, 1e-9), ["crossing", "slide", "slide end", "foreign"]),
        (53300, (1e-4, 1e-5, 1e-6, 1e-9), ["slide", "slide end", "foreign"]),
        (51135, (1e-5, 1e-6, 1e-8), ["crossing", "slide", "slide end", "home"]),
        (53021, (1e-6,), ["crossing", "slide", "slide end", "foreign"]),
    ],
)
def test_a_slack_lost_and_regained_within_a_step_is_an_event(seed, tolerances, kinds):
    world = ring_world(seed)
    exact = clusters.simulate(world, [Phase("free")], 20.0, rtol=1e-12)
    end = np.log(exact.at(20.0).technology)
    assert [event.kind for event in exact.events[1:]] == kinds
    for rtol in tolerances:
        path = clusters.simulate(world, [Phase("free")], 20.0, rtol=rtol)
        found = [(event.kind, event.industries) for event in path.events]
        assert found == [(event.kind, event.industries) for event in exact.events]
        np.testing.assert_allclose(np.log(path.at(20.0).technology), end, rtol=0, atol=10 * rtol)


@pytest.mark.parametrize("rtol", [1e-6, 1e-9])
def test_static_conditions_hold_at_every_date(rtol):
    times = np.linspace(0, 20, 201)
    for seed in range(50300, 50500):
        world = ring_world(seed)
        states = clusters.simulate(world, [Phase("free")], 20.0, rtol=rtol).at(times)
        advantage = np.log(states.technology[:, 0] / states.technology[:, 1] / states.relative_wage[:, None])
        share = states.home_share
        wrong = np.where(share == 1, -advantage, np.where(share == 0, advantage, np.abs(advantage)))
        assert wrong.max() < 10 * rtol, seed
        assert share.min() > -10 * rtol, seed
        assert share.max() < 1 + 10 * rtol, seed


def tied_world(seed):
    """Two countries with one technology; spillovers even, inside industries, in pairs, rings or blocks."""
    rng = np.random.default_rng(seed)
    n, kind = int(rng.integers(2, 13)), seed % 5
    pairs = np.kron(np.eye((n + 1) // 2), [[0.0, 1.0], [1.0, 0.0]])[:n, :n]
    spillovers = [
        np.full((n, n), 0.1),
        0.2 * np.eye(n),
        0.2 * pairs + 0.1 * np.eye(n) * (seed % 2),
        0.15 * (np.roll(np.eye(n), 1, 1) + np.roll(np.eye(n), -1, 1)),
        0.2 * (np.arange(n)[:, None] // 3 == np.arange(n) // 3) * ~np.eye(n, dtype=bool),
    ][kind]
    level = np.ones(n) if rng.random() < 0.5 else rng.choice([1.0, 1.5, 2.0], n)
    labour = [(1.0, 1.0), (1.0, 2.0), (1.0, 3.0), rng.lognormal(sigma=0.4, size=2)][int(rng.integers(4))]
    return clusters.World([level, level], spillovers, float(rng.choice([1.3, 2.0, 8.0])), labour)


@pytest.mark.parametrize("first", range(0, 100, 25))
def test_exact_ties_do_not_hang_on_the_tolerance(first):
    times = [0.0, 5.0, 20.0]
    for seed in range(first, first + 25):
        world = tied_world(seed)
        exact = np.log(clusters.simulate(world, FREE, 20.0, rtol=1e-12).at(times).technology)
        for rtol in (1e-6, 1e-9):
            found = np.log(clusters.simulate(world, FREE, 20.0, rtol=rtol).at(times).technology)
            assert np.abs(found - exact).max() < 10 * rtol, (seed, rtol)


def test_a_tie_without_a_pattern_is_a_named_error_that_carries_the_path(monkeypatch):
    from exacthat.kernels.learning import nb

    world = random_world(8)
    integrate = nb.integrate
    monkeypatch.setattr(nb, "integrate", lambda *arguments: (nb.STUCK, *integrate(*arguments)[1:]))
    with pytest.raises(clusters.IntegrationFailed, match="found no pattern that follows it") as caught:
        clusters.simulate(world, FREE, 5.0)
    assert caught.value.path.at(5.0).technology.shape == (1, 2, 6)
