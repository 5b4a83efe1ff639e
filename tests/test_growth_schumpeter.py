"""Knowledge diffusion against independent integration, simulation and closed forms."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from exacthat import growth
from exacthat.errors import BadInput, BadParameter

seeds = st.integers(0, 2**32 - 1)


def world(seed, n=None, density=0.7):
    rng = np.random.default_rng(seed)
    n = n or int(rng.integers(1, 7))
    diffusion = rng.uniform(0.0, 0.1, (n, n)) * (rng.random((n, n)) < density)
    np.fill_diagonal(diffusion, 0.0)
    return rng.uniform(0.1, 2.0, n), rng.uniform(0.1, 1.0, n), rng.uniform(0.0, 0.2, n), diffusion


def integrate(initial, inflow, rate_of, times):
    """Integrate from date to date: the integrator's interpolation between steps is less accurate."""

    def rate(t, stock):
        return inflow(t) + rate_of(stock)

    states = [initial]
    for start, end in pairwise(times):
        run = solve_ivp(rate, (start, end), states[-1], "DOP853", rtol=3e-14, atol=1e-16)
        states.append(run.y[:, -1])
    return np.stack(states)


@given(seeds)
def test_knowledge_matches_integration(seed):
    initial, efficiency, research, diffusion = world(seed)
    times = np.array([0.0, 1.0, 7.5, 30.0])
    path = growth.knowledge_path(initial, efficiency, research, diffusion, times)
    reference = integrate(initial, lambda _: efficiency * research, lambda stock: diffusion @ stock, times)
    np.testing.assert_allclose(path, reference, rtol=1e-10)


@given(seeds)
def test_research_by_pieces_is_a_chain_of_constant_pieces(seed):
    initial, efficiency, research, diffusion = world(seed)
    pieces = np.stack([research, 0 * research, 2 * research])
    times = np.array([20.0, 0.0, 5.0, 3.0, 11.0, 8.0])
    path = growth.knowledge_path(initial, efficiency, pieces, diffusion, times, breaks=[5.0, 11.0])
    first = growth.knowledge_path(initial, efficiency, pieces[0], diffusion, [0.0, 3.0, 5.0])
    second = growth.knowledge_path(first[-1], efficiency, pieces[1], diffusion, [3.0, 6.0])
    third = growth.knowledge_path(second[-1], efficiency, pieces[2], diffusion, [9.0])
    expected = np.stack([third[0], first[0], first[2], first[1], second[1], second[0]])
    np.testing.assert_allclose(path, expected, rtol=1e-12)


def test_singular_diffusion_gives_polynomials():
    # a chain 0 -> 1 -> 2 is nilpotent: T grows as a polynomial of degree 3
    diffusion = np.array([[0, 0, 0], [0.2, 0, 0], [0, 0.3, 0]], dtype=float)
    t = np.array([0.0, 4.0, 100.0])
    path = growth.knowledge_path([1.0, 2.0, 3.0], 1.0, [0.1, 0, 0], diffusion, t)
    one = 2.0 + 0.2 * (t + 0.05 * t**2)
    two = 3.0 + 0.3 * (2.0 * t + 0.2 * (t**2 / 2 + 0.05 * t**3 / 3))
    np.testing.assert_allclose(path, np.stack([1.0 + 0.1 * t, one, two], axis=1), rtol=1e-12)


@given(seeds)
def test_catch_up_matches_integration(seed):
    initial, efficiency, research, diffusion = world(seed)
    times = np.array([0.0, 2.0, 9.0, 25.0])
    path = growth.knowledge_path(initial, efficiency, research, diffusion, times, law="catch_up")

    def inflow(stock):
        return np.array([sum(diffusion[n] * np.maximum(stock - stock[n], 0.0)) for n in range(stock.size)])

    reference = integrate(initial, lambda _: efficiency * research, inflow, times)
    np.testing.assert_allclose(path, reference, rtol=1e-9)


def test_catch_up_of_two_countries_has_a_closed_form_through_the_overtaking():
    # the gap T0 - T1 closes at rate e toward (r0 - r1)/e; once it changes sign the other country lags
    e, r0, r1, gap0 = 0.1, 0.02, 0.10, 1.0
    limit = (r0 - r1) / e
    overtaking = np.log((gap0 - limit) / -limit) / e
    times = np.array([0.0, 0.5 * overtaking, overtaking, 3 * overtaking])
    path = growth.knowledge_path([2.0, 1.0], 1.0, [r0, r1], e, times, law="catch_up")
    before = limit + (gap0 - limit) * np.exp(-e * times)
    after = limit * (1 - np.exp(-e * np.maximum(times - overtaking, 0)))
    gap = np.where(times <= overtaking, before, after)
    np.testing.assert_allclose(path[:, 0] - path[:, 1], gap, atol=1e-9)
    np.testing.assert_allclose(path[:3, 0], 2.0 + r0 * times[:3], rtol=1e-9)
    np.testing.assert_allclose(path[3, 1], path[2, 1] + r1 * 2 * overtaking, rtol=1e-9)


def test_catch_up_by_pieces_and_repeated_dates():
    pieces = [[0.1, 0.0], [0.0, 0.0]]
    path = growth.knowledge_path(
        [1.0, 1.0], 1.0, pieces, 0.2, [10.0, 10.0, 40.0], breaks=[10.0], law="catch_up"
    )
    np.testing.assert_array_equal(path[0], path[1])
    np.testing.assert_allclose(path[:, 0], 2.0, rtol=1e-11)
    gap = path[0, 0] - path[0, 1]
    np.testing.assert_allclose(path[2, 0] - path[2, 1], gap * np.exp(-0.2 * 30), rtol=1e-8)


@given(seeds)
def test_simulation_reaches_the_perron_growth_rate_shares_and_level(seed):
    initial, efficiency, research, diffusion = world(seed, n=5)
    diffusion += 0.01 * (1 - np.eye(5))  # every country learns from every other
    limit = growth.long_run_growth(diffusion)
    t = np.array([1000.0, 1001.0])
    path = growth.knowledge_path(initial, efficiency, research, diffusion, t)
    np.testing.assert_allclose(np.log(path[1] / path[0]), limit.rate, rtol=1e-8)
    np.testing.assert_allclose(path[1] / path[1].sum(), limit.shares, rtol=1e-8)
    np.testing.assert_allclose(limit.country_rates, limit.rate, rtol=1e-12)
    level = limit.shares * (limit.influence @ (initial + efficiency * research / limit.rate))
    np.testing.assert_allclose(path[0] * np.exp(-limit.rate * t[0]), level, rtol=1e-7)
    np.testing.assert_allclose(diffusion @ limit.shares, limit.rate * limit.shares, rtol=1e-10)


def test_research_moves_levels_and_not_long_run_growth():
    _, _, research, diffusion = world(3, n=4, density=1.0)
    times = [2000.0, 2001.0]
    low = growth.knowledge_path(np.ones(4), 1.0, research, diffusion, times)
    high = growth.knowledge_path(np.ones(4), 1.0, 10 * research, diffusion, times)
    np.testing.assert_allclose(np.log(low[1] / low[0]), np.log(high[1] / high[0]), rtol=1e-10)
    assert (high[0] > 1.5 * low[0]).all()


def test_countries_out_of_reach_of_the_leaders_grow_at_their_own_root():
    # pair {0, 1} feeds 2; pair {3, 4} is separate and slower
    diffusion = np.zeros((5, 5))
    diffusion[0, 1] = diffusion[1, 0] = 0.05
    diffusion[2, 0] = 0.01
    diffusion[3, 4], diffusion[4, 3] = 0.04, 0.01
    limit = growth.long_run_growth(diffusion)
    assert limit.unique
    np.testing.assert_allclose(limit.country_rates, [0.05, 0.05, 0.05, 0.02, 0.02], rtol=1e-12)
    path = growth.knowledge_path(np.ones(5), 1.0, 0.1, diffusion, [3000.0, 3001.0])
    np.testing.assert_allclose(np.log(path[1] / path[0]), limit.country_rates, rtol=1e-8)
    np.testing.assert_allclose(path[1] / path[1].sum(), limit.shares, atol=1e-10)
    np.testing.assert_allclose(limit.influence[2:], 0.0)


def test_limits_that_depend_on_the_start_are_said_to():
    two_blocs = np.kron(np.eye(2), [[0, 0.1], [0.1, 0]])
    limit = growth.long_run_growth(two_blocs)
    assert limit.rate == pytest.approx(0.1)
    assert not limit.unique
    assert np.isnan(limit.shares).all()
    chain = growth.long_run_growth([[0, 0], [0.3, 0]])
    assert chain.rate == 0
    assert not chain.unique
    alone = growth.long_run_growth([[0.0]])
    assert (alone.rate, alone.shares.tolist()) == (0.0, [1.0])


def test_uniform_diffusion_has_root_e_times_n_minus_one():
    n, e = 6, 0.03
    matrix = e * (1 - np.eye(n))
    assert growth.spectral_radius(matrix) == pytest.approx(e * (n - 1), rel=1e-12)
    np.testing.assert_allclose(growth.long_run_growth(matrix).shares, 1 / n, rtol=1e-12)


@given(seeds)
def test_permuting_countries_permutes_results(seed):
    initial, efficiency, research, diffusion = world(seed, n=5, density=1.0)
    order = np.random.default_rng(seed).permutation(5)
    swapped = diffusion[np.ix_(order, order)]
    path = growth.knowledge_path(initial, efficiency, research, diffusion, [12.0])
    again = growth.knowledge_path(initial[order], efficiency[order], research[order], swapped, [12.0])
    np.testing.assert_allclose(again, path[:, order], rtol=1e-12)
    np.testing.assert_allclose(
        growth.long_run_growth(swapped).shares, growth.long_run_growth(diffusion).shares[order], rtol=1e-9
    )


@given(seeds)
def test_growth_rates_solve_the_system(seed):
    _, efficiency, research, diffusion = world(seed)
    n = efficiency.size
    g = growth.growth_rates(efficiency, research, diffusion)
    for i in range(n):
        foreign = sum(diffusion[i, j] * g[j] for j in range(n) if j != i)
        assert g[i] == pytest.approx(efficiency[i] * research[i] + foreign, rel=1e-12)
    assert (g >= 0).all()


def test_uniform_growth_rates_have_a_closed_form():
    n, e, effort = 4, 0.2, np.array([0.01, 0.02, 0.03, 0.0])
    g = growth.growth_rates(1.0, effort, e)
    np.testing.assert_allclose(g, (effort + e * effort.sum() / (1 - e * (n - 1))) / (1 + e), rtol=1e-12)
    np.testing.assert_allclose(growth.growth_rates(1.0, effort, 0.0), effort)


@pytest.mark.parametrize("e", [1 / 3, 0.34, 5.0])
def test_growth_system_is_refused_from_spectral_radius_one(e):
    with pytest.raises(BadParameter, match=r"spectral radius.*below 1.*1/\(N-1\)"):
        growth.growth_rates(1.0, np.full(4, 0.02), e)
    with pytest.raises(BadParameter, match="weaker diffusion"):
        growth.growth_rates(1.0, 0.02, e * (1 - np.eye(4)))


def test_growth_system_just_inside_the_condition():
    g = growth.growth_rates(1.0, np.full(4, 0.02), (1 - 1e-6) / 3)
    np.testing.assert_allclose(g, 0.02 / 1e-6, rtol=1e-6)


def test_one_way_diffusion_always_has_an_equilibrium():
    g = growth.growth_rates(1.0, [0.01, 0.02], [[0, 0], [50.0, 0]])
    np.testing.assert_allclose(g, [0.01, 0.52])


def test_static_functions():
    assert float(growth.effective_market(10.0, 0.0, 1e9)) == 10.0
    labour = np.array([1.0, 2.0])
    once = growth.output(1.3, labour, 3.0, 1.7, 0.4)
    np.testing.assert_allclose(growth.output(1.3, 2 * labour, 6.0, 1.7, 0.4), 2 * once, rtol=1e-14)
    np.testing.assert_allclose(growth.output(1.3, labour, 3.0, 1.7, 0.0), 1.3 * labour * 1.7, rtol=1e-14)
    level = growth.quality(2.0, 3.0, domestic_elasticity=0.6, foreign_elasticity=0.2, scale=1.5)
    assert np.log(level) == pytest.approx(np.log(1.5) + 0.6 * np.log(2.0) + 0.2 * np.log(3.0))


def test_market_effects_have_the_stated_signs_and_move_research():
    effects = growth.market_effects(
        [10.0, 10.0], [0.0, 0.5], 40.0, [0.0, 0.2], size=0.8, escape=0.3, profit_reduction=0.7
    )
    np.testing.assert_allclose(effects.market_size, [0.0, 0.8 * np.log(3.0)])
    np.testing.assert_allclose(effects.escape_competition, [0.0, 0.06])
    np.testing.assert_allclose(effects.profit_reduction, [0.0, -0.14])
    np.testing.assert_allclose(effects.research_hat, np.exp([0.0, 0.8 * np.log(3.0) - 0.08]))
    balanced = growth.market_effects(10.0, 0.0, 40.0, 3.0, size=1.0, escape=0.4, profit_reduction=0.4)
    assert float(balanced.research_hat) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"initial": [[1.0]]}, BadInput, "one stock per country"),
        ({"initial": [1.0, -1.0]}, BadParameter, r"initial\[1\]"),
        ({"efficiency": -0.5}, BadParameter, "efficiency"),
        ({"diffusion": np.eye(2)}, BadParameter, r"diffusion\[0, 0\] is 1; it must be 0"),
        ({"diffusion": [[0, -0.1], [0, 0]]}, BadParameter, r"diffusion\[0, 1\]"),
        ({"diffusion": np.zeros((3, 3))}, BadInput, r"shape \(3, 3\)"),
        ({"research": [[0.1, 0.1], [0.2, 0.2]]}, BadInput, "breaks"),
        ({"research": [[0.1, 0.1], [0.2, 0.2]], "breaks": [3.0, 5.0]}, BadInput, r"shape \(3, 2\)"),
        ({"research": [[0.1, 0.1]] * 3, "breaks": [5.0, 3.0]}, BadParameter, "increasing"),
        ({"times": [-1.0]}, BadParameter, r"times\[0\]"),
        ({"times": []}, BadInput, "T >= 1"),
        ({"law": "osmosis"}, BadParameter, "catch_up"),
        ({"times": [1e5], "diffusion": 1.0}, BadParameter, "exceeds floating point"),
    ],
)
def test_knowledge_path_refuses(change, error, match):
    good = {"initial": [1.0, 1.0], "efficiency": 1.0, "research": 0.1, "diffusion": 0.05, "times": [0.0, 1.0]}
    with pytest.raises(error, match=match):
        growth.knowledge_path(**{**good, **change})


def test_other_functions_refuse():
    with pytest.raises(BadInput, match=r"\[receiver, sender\]"):
        growth.long_run_growth([0.1, 0.2])
    with pytest.raises(BadInput, match="rectangular"):
        growth.long_run_growth([[0.0, 0.1], [0.2]])
    with pytest.raises(BadInput, match="rectangular"):
        growth.growth_rates(1.0, [[0.1], 0.2], 0.1)
    with pytest.raises(BadInput, match=r"shape \(2, 2\)"):
        growth.growth_rates([1.0, 1.0, 1.0], 0.1, [[0, 0.1], [0.1, 0]])
    with pytest.raises(BadParameter, match="a share, not percent"):
        growth.effective_market(1.0, 25.0, 4.0)
    with pytest.raises(BadParameter, match="profit_reduction"):
        growth.market_effects(1.0, 0.1, 1.0, 0.1, size=1.0, escape=0.1, profit_reduction=-0.1)
    with pytest.raises(BadInput, match="broadcast"):
        growth.output([1.0, 2.0], [1.0, 2.0, 3.0], 1.0, 1.0, 0.5)
    with pytest.raises(BadParameter, match="foreign is 0"):
        growth.quality(1.0, 0.0, domestic_elasticity=1.0, foreign_elasticity=1.0)
