"""The Malthusian trap against independent integration, closed forms and limits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from exacthat import growth
from exacthat.errors import BadInput, BadParameter

TIMES = np.array([0.0, 3.0, 17.0, 60.0, 200.0])

worlds = st.fixed_dictionaries(
    {
        "income": st.floats(0.2, 5.0),
        "subsistence": st.floats(0.5, 2.0),
        "response": st.floats(0.005, 0.1),
        "land_share": st.floats(0.1, 0.9),
        "technology_growth": st.floats(-0.01, 0.03),
        "land_growth": st.floats(-0.01, 0.02),
        "closure": st.sampled_from(["linear", "log"]),
        "n_max": st.one_of(st.none(), st.floats(-0.004, 0.04)),
    }
)


def population_law(world):
    b, floor = world["response"], world["subsistence"]
    ceiling = np.inf if world["n_max"] is None else world["n_max"]
    if world["closure"] == "linear":
        return lambda y: min(b * (y / floor - 1.0), ceiling)
    return lambda y: min(b * np.log(y / floor), ceiling)


def integrate(world, times, kink):
    """Integrate ln y and ln L from the differential equations, restarting at the kink of the ceiling."""
    law, s = population_law(world), world["land_share"]

    def rate(_, state):
        n = law(np.exp(state[0]))
        return [world["technology_growth"] + s * (world["land_growth"] - n), n]

    def crossing(_, state):
        return state[0] - kink

    crossing.terminal = True
    out, state, now = np.empty((2, times.size)), np.array([np.log(world["income"]), 0.0]), 0.0
    out[:, 0] = state
    for j in range(1, times.size):
        while now < times[j]:
            events = crossing if abs(state[0] - kink) > 1e-9 else None
            run = solve_ivp(rate, (now, times[j]), state, "DOP853", events=events, rtol=1e-13, atol=1e-15)
            now, state = run.t[-1], run.y[:, -1]
        out[:, j] = state
    return np.exp(out)


@given(worlds)
def test_closed_forms_match_integration(world):
    path = growth.malthus(TIMES, **world)
    income, population = integrate(world, TIMES, np.log(path.ceiling_income))
    np.testing.assert_allclose(path.income, income, rtol=1e-10)
    np.testing.assert_allclose(path.population_hat, population, rtol=1e-9)
    law = population_law(world)
    np.testing.assert_allclose(path.population_growth, [law(y) for y in income], rtol=1e-9, atol=1e-12)


@given(worlds)
def test_escape_if_and_only_if_progress_beats_the_ceiling(world):
    path = growth.malthus([0.0], **world)
    progress = world["technology_growth"] / world["land_share"] + world["land_growth"]
    ceiling = np.inf if world["n_max"] is None else world["n_max"]
    if abs(progress - ceiling) > 1e-12:
        assert path.escapes == (progress > ceiling)
    assert path.escapes == np.isinf(path.long_run_income) == (path.long_run_growth > 0)


@given(worlds)
def test_long_run_income_is_where_the_path_goes(world):
    path = growth.malthus([0.0], **world)
    if path.escapes:
        late = growth.malthus([4000.0, 4001.0], **world) if path.long_run_growth < 0.1 else None
        if late is not None:
            grown = np.log(late.income[1] / late.income[0])
            if path.ceiling_date < 4000.0 or world["income"] > path.ceiling_income:
                assert grown == pytest.approx(path.long_run_growth, rel=1e-8)
    elif path.long_run_income > 0:
        settled = growth.malthus([0.0, 50.0], **{**world, "income": path.long_run_income})
        np.testing.assert_allclose(settled.income, path.long_run_income, rtol=1e-9)
        gap = [
            abs(np.log(y / path.long_run_income)) for y in growth.malthus([0.0, 10.0, 300.0], **world).income
        ]
        assert gap[2] <= gap[1] + 1e-12
        assert gap[1] <= gap[0] + 1e-12


def test_trap_returns_to_subsistence_without_progress():
    for closure in growth.malthusian.CLOSURES:
        path = growth.malthus([5000.0], 3.0, 1.5, 0.02, 0.4, closure=closure)
        assert path.income[0] == pytest.approx(1.5, rel=1e-10)
        assert path.long_run_income == pytest.approx(1.5)


def test_long_run_population_matches_the_steady_state_of_technology():
    technology, land, share, floor = 2.0, 3.0, 0.4, 1.2
    labour = 1.7
    start = growth.malthus_income(technology, labour, land, share)
    path = growth.malthus([6000.0], float(start), floor, 0.02, share, closure="log")
    steady = growth.malthus_population(technology, land, floor, share)
    assert labour * path.population_hat[0] == pytest.approx(float(steady), rel=1e-9)


def test_log_closure_halves_the_gap_each_half_life():
    path = growth.malthus([0.0], 4.0, 1.0, 0.03, 0.5, closure="log")
    later = growth.malthus([path.half_life, 2 * path.half_life], 4.0, 1.0, 0.03, 0.5, closure="log")
    np.testing.assert_allclose(later.income, [2.0, 4.0**0.25], rtol=1e-12)


def test_steady_progress_buys_a_constant_income():
    b, s, g_a, g_r = 0.02, 0.5, 0.005, 0.001
    extra = (g_a / s + g_r) / b
    linear = growth.malthus([0.0], 1.0, 2.0, b, s, g_a, g_r)
    log = growth.malthus([0.0], 1.0, 2.0, b, s, g_a, g_r, closure="log")
    assert linear.long_run_income == pytest.approx(2.0 * (1 + extra))
    assert log.long_run_income == pytest.approx(2.0 * np.exp(extra))


def test_income_vanishes_when_progress_is_worse_than_population_can_fall():
    path = growth.malthus([0.0, 1000.0, 1001.0], 1.0, 1.0, 0.01, 0.5, technology_growth=-0.02)
    assert path.long_run_income == 0.0
    fall = np.log(path.income[2] / path.income[1])
    assert fall == pytest.approx(path.long_run_growth, rel=1e-6)
    assert path.long_run_growth == pytest.approx(-0.02 + 0.5 * 0.01)


def test_linear_closure_at_zero_growth_constant():
    # k = gA + s (gR + b) = 0: income follows y0 / (1 + c y0 t)
    path = growth.malthus([0.0, 10.0, 400.0], 2.0, 1.0, 0.02, 0.5, technology_growth=-0.01)
    np.testing.assert_allclose(path.income, 2.0 / (1 + 0.01 * 2.0 * path.times), rtol=1e-12)


def test_borderline_ceiling_keeps_the_income_it_starts_with():
    path = growth.malthus([0.0, 100.0], 5.0, 1.0, 0.02, 0.5, 0.01, 0.0, "linear", 0.02)
    assert not path.escapes
    np.testing.assert_allclose(path.income, 5.0, rtol=1e-14)
    assert path.long_run_income == 5.0


def test_output_is_income_times_population():
    technology, labour, land = np.array([1.0, 2.0]), np.array([3.0, 5.0]), 2.0
    total = growth.malthus_output(technology, labour, land, 0.3)
    np.testing.assert_allclose(
        total, labour * growth.malthus_income(technology, labour, land, 0.3), rtol=1e-14
    )
    np.testing.assert_allclose(total, technology * labour**0.7 * land**0.3, rtol=1e-14)
    at_floor = growth.malthus_population(technology, land, 1.1, 0.3)
    np.testing.assert_allclose(growth.malthus_income(technology, at_floor, land, 0.3), 1.1, rtol=1e-13)


def test_results_are_read_only():
    path = growth.malthus([0.0, 1.0], 1.0, 1.0, 0.02, 0.5)
    with pytest.raises(ValueError, match="read-only"):
        path.income[0] = 2.0


def test_every_fault_of_a_call_is_reported_with_its_cure():
    with pytest.raises(BadParameter) as caught:
        growth.malthus([0.0, -1.0], 0.0, 1.0, -0.02, 1.0, closure="cubic")
    text = str(caught.value)
    for word in ("times[1]", "income", "response", "land_share", "'linear' or 'log'"):
        assert word in text
    assert len(caught.value.problems) == 5


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"times": [[0.0]]}, r"shape \(1, 1\)"),
        ({"income": [1.0, 2.0]}, "single number"),
        ({"income": np.nan}, "not finite"),
        ({"income": "rich"}, "not numeric"),
        ({"n_max": -0.02}, "above -0.02"),
        ({"technology_growth": 5.0, "n_max": 0.1, "times": [1000.0]}, "exceeds floating point"),
    ],
)
def test_malthus_refuses(change, match):
    good = {"times": [0.0, 1.0], "income": 1.0, "subsistence": 1.0, "response": 0.02, "land_share": 0.5}
    with pytest.raises(BadInput, match=match):
        growth.malthus(**{**good, **change})


def test_static_helpers_refuse():
    with pytest.raises(BadParameter, match="land_share is 1"):
        growth.malthus_output(1.0, 1.0, 1.0, 1.0)
    with pytest.raises(BadParameter, match="needs a head"):
        growth.malthus_income(1.0, 0.0, 1.0, 0.5)
    with pytest.raises(BadInput, match="broadcast"):
        growth.malthus_population([1.0, 2.0], [1.0, 2.0, 3.0], 1.0, 0.5)
