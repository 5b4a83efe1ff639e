"""Appraisal against quadrature, closed forms and invariances; what is refused."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

import exacthat as eh
from exacthat.appraisal import Stream, compare, mill_test, supported_industries
from exacthat.errors import BadInput, BadParameter, NotConverged
from tests.streams import Path, flat, step

rates = st.floats(0.005, 0.3)
elasticities = st.sampled_from([0.0, 0.5, 1.0, 1.0 + 1e-7, 2.0, 4.0])


def utility(level, theta):
    return np.log(level) if theta == 1 else (level ** (1 - theta) - 1) / (1 - theta)


# Present values -------------------------------------------------------------------------------------


@given(rates, elasticities, st.floats(-0.05, 0.08), st.floats(-0.05, 0.08), st.floats(0.3, 2.0))
def test_present_values_match_quadrature(delta, theta, growth, drift, level):
    end = 40.0

    def policy(t):
        return level * np.exp(growth * t)

    def baseline(t):
        return 1.3 * np.exp(drift * t) * (1 + 0.2 * np.sin(t))

    got = compare(policy, baseline, delta, theta, horizon=end)
    unit = baseline(0.0)

    def value(stream):
        options = {"epsabs": 1e-12, "epsrel": 1e-12, "limit": 400}
        return quad(lambda t: utility(stream(t) / unit, theta) * np.exp(-delta * t), 0, end, **options)[0]

    if abs(theta - 1) > 1e-5 or theta == 1:  # the reference formula cancels close to one
        scale = max(1.0, abs(value(policy)), abs(value(baseline)))
        assert got.policy_value[0] == pytest.approx(value(policy), abs=1e-8 * scale)
        assert got.baseline_value[0] == pytest.approx(value(baseline), abs=1e-8 * scale)
        assert got.present_value[0] == pytest.approx(value(policy) - value(baseline), abs=1e-8 * scale)
    else:
        near = compare(policy, baseline, delta, 1.0, horizon=end)
        assert got.present_value[0] == pytest.approx(near.present_value[0], rel=1e-4, abs=1e-4)
    assert got.error[0] < 1e-6


@given(rates, elasticities, st.floats(-0.02, 0.04), st.floats(-0.02, 0.04), st.floats(0.5, 1.5))
def test_growth_tail_equals_the_closed_form_for_ever(delta, theta, growth, drift, level):
    # W = level e^(g t): the value of the infinite stream does not depend on where the tail begins
    if delta <= max((1 - theta) * growth, (1 - theta) * drift) + 1e-3:
        return

    def value(level, g):
        if abs(theta - 1) < 1e-5:
            return np.log(level) / delta + g / delta**2
        k = 1 - theta
        return (level**k / (delta - k * g) - 1 / delta) / k

    for end in (10.0, 60.0):
        got = compare(
            lambda t: level * np.exp(growth * t),
            lambda t: np.exp(drift * t),
            delta,
            theta,
            end,
            tail="growth",
        )
        exact = value(level, growth) - value(1.0, drift)
        tolerance = 1e-8 if theta == 1 or abs(theta - 1) > 1e-5 else 1e-4
        assert got.present_value[0] == pytest.approx(exact, rel=tolerance, abs=tolerance / delta)
        np.testing.assert_allclose(got.tail_growth[:, 0], [growth, drift], atol=1e-12)


def test_given_tail_growth_replaces_the_measured_one():
    got = compare(flat, flat, 0.05, 1.0, 10.0, "growth", tail_growth=(0.02, [0.01]))
    assert got.present_value[0] == pytest.approx(np.exp(-0.5) * 0.01 / 0.05**2, rel=1e-10)
    assert got.break_even[0] == 0.0
    assert got.overtaking[0] == 0.0


@given(rates, st.floats(0.5, 2.0), elasticities)
def test_constant_tail_of_a_constant_stream_is_a_perpetuity(delta, level, theta):
    got = compare(lambda t: level * flat(t), flat, delta, theta, horizon=7.0, tail="constant")
    u = utility(level, theta) if abs(theta - 1) > 1e-5 or theta == 1 else np.log(level)
    assert got.present_value[0] == pytest.approx(u / delta, rel=1e-5 if theta == 1 + 1e-7 else 1e-8, abs=1e-9)
    assert got.consumption_equivalent[0] == pytest.approx(100 * (level - 1), rel=1e-8, abs=1e-8)


@given(rates, elasticities, st.floats(-0.3, 0.5), st.sampled_from(["truncate", "constant"]))
def test_consumption_equivalent_of_a_constant_percentage_is_that_percentage(delta, theta, percent, tail):
    def baseline(t):
        return 2.0 * np.exp(0.01 * t) * (1 + 0.1 * np.cos(t))

    got = compare(lambda t: (1 + percent) * baseline(t), baseline, delta, theta, horizon=30.0, tail=tail)
    assert got.consumption_equivalent[0] == pytest.approx(100 * percent, rel=1e-7, abs=1e-7)
    assert got.static_cost[0] == pytest.approx(-100 * percent, rel=1e-12, abs=1e-12)


def test_values_do_not_depend_on_the_unit_of_welfare_or_of_time():
    def policy(t):
        return 0.9 * np.exp(0.03 * t)

    one = compare(policy, flat, 0.05, 2.0, horizon=20.0)
    two = compare(lambda t: 7 * policy(t), lambda t: 7 * flat(t), 0.05, 2.0, horizon=20.0)
    np.testing.assert_allclose(one.present_value, two.present_value, rtol=1e-11)
    months = compare(lambda t: policy(t / 12), flat, 0.05 / 12, 2.0, horizon=240.0)
    np.testing.assert_allclose(months.present_value, 12 * one.present_value, rtol=1e-11)
    np.testing.assert_allclose(months.break_even, 12 * one.break_even, rtol=1e-9)
    np.testing.assert_allclose(months.critical_discount_rate, one.critical_discount_rate / 12, rtol=1e-9)


def test_no_discounting():
    got = compare(lambda t: np.exp(0.01 * t), flat, 0.0, horizon=10.0)
    assert got.present_value[0] == pytest.approx(0.01 * 50, rel=1e-12)


def test_large_discount_rates_are_exact_too():
    got = compare(lambda t: np.exp(0.1 + 0.02 * t), flat, 5000.0, horizon=100.0)
    assert got.present_value[0] == pytest.approx(0.1 / 5000 + 0.02 / 5000**2, rel=1e-10)


# Streams --------------------------------------------------------------------------------------------


def test_paths_integrate_piece_by_piece_between_events():
    policy = Path(
        lambda t, side: step(t, side, 10.0, np.array([0.8, 1.0]), np.array([1.2, 1.1])), 30.0, [10.0]
    )
    baseline = Path(
        lambda t, side: step(t, side, 4.0, np.array([1.0, 1.0]), np.array([1.1, 1.0])), 25.0, [4.0]
    )
    got = compare(policy, baseline, 0.05)
    assert got.horizon == 25.0

    def part(a, b, jump):
        return np.log(jump) * (np.exp(-0.05 * a) - np.exp(-0.05 * b)) / 0.05

    first = part(0, 4, 0.8) + part(4, 10, 0.8 / 1.1) + part(10, 25, 1.2 / 1.1)
    np.testing.assert_allclose(got.present_value, [first, part(10, 25, 1.1)], rtol=1e-12)
    np.testing.assert_allclose(got.overtaking, [10.0, 0.0], rtol=1e-12)
    np.testing.assert_allclose(got.static_cost, [20.0, 0.0], atol=1e-12)


def test_a_jump_that_no_event_announces_is_found():
    policy = Path(lambda t, side: np.array([step(t, side, 100 / 7, 0.8, 1.2)]), 30.0)
    got = compare(policy, lambda t: flat(t), 0.05, horizon=30.0)
    discount = np.exp(-0.05 * np.array([0, 100 / 7, 30])) / 0.05
    exact = np.log(0.8) * (discount[0] - discount[1]) + np.log(1.2) * (discount[1] - discount[2])
    assert got.present_value[0] == pytest.approx(exact, rel=1e-8)


def test_events_at_the_ends_do_no_harm():
    policy = Path(lambda t, side: np.array([1.0 + t]), 5.0, [0.0, 5.0, 5.0, 2.0, 2.0])
    got = compare(policy, flat, 0.0, horizon=5.0)
    assert got.present_value[0] == pytest.approx(6 * np.log(6) - 5, rel=1e-10)


def test_tables_of_values_join_by_lines_and_jump_where_a_date_repeats():
    table = ([0.0, 2.0, 2.0, 4.0], [1.0, 1.0, 3.0, 1.0])
    got = compare(table, ([0.0, 4.0], [1.0, 1.0]), 0.0, inverse_elasticity=0.0)
    assert got.present_value[0] == pytest.approx(2.0, rel=1e-12)


def test_every_kind_of_stream_gives_the_same_answer():
    grid = np.linspace(0, 20, 801)
    level = np.exp(0.02 * grid) - 0.1
    named = Path(lambda t, side: np.array([np.exp(0.02 * t) - 0.1]), 20.0, name="consumption")
    kinds = [
        (lambda t: np.exp(0.02 * t) - 0.1),
        Stream.from_function(lambda t: np.exp(0.02 * t)[:, None] - 0.1, 20.0),
        (grid, level),
        Stream.from_values(grid, level, countries=["PAK"]),
        named,
    ]
    values = [compare(kind, flat, 0.04, horizon=20.0).present_value[0] for kind in kinds]
    np.testing.assert_allclose(values, values[0], rtol=2e-5)
    np.testing.assert_allclose([values[1], values[4]], values[0], rtol=1e-12)


def test_another_attribute_can_be_the_welfare():
    path = Path(lambda t, side: np.array([2.0 + t]), 3.0, name="welfare_per_head_hat")
    stream = Stream.from_path(path, welfare="welfare_per_head_hat")
    assert stream.evaluate(np.array([1.0]), "left").tolist() == [[3.0]]
    with pytest.raises(BadInput, match="'consumption' or 'welfare_hat'"):
        compare(path, flat, 0.05)


def test_noise_is_refused_rather_than_averaged():
    rng = np.random.default_rng(1)
    with pytest.raises(NotConverged, match="resolution"):
        compare(lambda t: np.exp(0.1 * rng.standard_normal(t.shape)), flat, 0.05, horizon=10.0)


# Critical rates and dates ---------------------------------------------------------------------------


@given(st.floats(0.01, 0.3), st.floats(0.02, 0.1))
def test_critical_rate_of_learning_against_a_static_cost(cost, growth):
    # ln W = -cost + growth t for ever: worth -cost/d + growth/d^2, zero at d = growth/cost
    got = compare(
        lambda t: np.exp(-cost + growth * t),
        flat,
        0.05,
        horizon=10.0,
        tail="growth",
        tail_growth=(growth, 0.0),
    )
    assert got.critical_discount_rate[0] == pytest.approx(growth / cost, rel=1e-9)
    assert [pays for _, pays in got.critical_discount_rates[0]] == ["below"]
    assert got.bastable[0] == (growth / cost > 0.05)
    assert got.overtaking[0] == pytest.approx(cost / growth, rel=1e-9)
    # running value: zero where the integral of (growth s - cost) e^(-d s) is
    if got.bastable[0]:
        date, d = got.break_even[0], 0.05
        discount = np.exp(-d * date)
        running = growth * (1 - discount * (1 + d * date)) / d**2 - cost * (1 - discount) / d
        assert running == pytest.approx(0.0, abs=1e-8)
        assert date > got.overtaking[0]
    else:
        assert np.isinf(got.break_even[0])


def cost_gain_cost(t):
    return np.array([0.97 if t < 5 else 1.08 if t < 15 else 0.96])


def test_all_critical_rates_with_their_direction():
    path = Path(lambda t, side: cost_gain_cost(t - (1e-9 if side == "left" else 0)), 60.0, [5.0, 15.0])
    got = compare(path, flat, 0.1, horizon=60.0)
    assert [pays for _, pays in got.critical_discount_rates[0]] == ["above", "below"]
    assert got.critical_discount_rate[0] == got.critical_discount_rates[0][1].rate
    for rate, pays in got.critical_discount_rates[0]:
        at = [
            compare(path, flat, rate * factor, horizon=60.0).present_value[0] for factor in (0.99, 1.0, 1.01)
        ]
        assert at[1] == pytest.approx(0.0, abs=1e-9)
        assert (at[0] > 0) == (pays == "below")
        assert (at[2] > 0) == (pays == "above")
    assert np.isinf(got.overtaking[0])
    assert got.bastable[0]
    assert 5 < got.break_even[0] < 15


def test_two_critical_rates_closer_than_the_grid_are_found():
    # cost, gain, cost around a double root: the gain is set so that the value barely turns positive
    def path(gain):
        levels = np.exp([-0.1, gain, -0.2])
        return Path(
            lambda t, side: np.array([levels[np.searchsorted([1, 2], t, side=side)]]), 3.0, [1.0, 2.0]
        )

    # mean over three years of unit length is zero where -0.1 + gain q - 0.2 q^2 = 0, q = e^(-d)
    gain = np.sqrt(4 * 0.1 * 0.2) * (1 + 1e-9)
    got = compare(path(gain), flat, 0.1, horizon=3.0)
    roots = np.sort(-np.log(np.roots([-0.2, gain, -0.1]).real))
    np.testing.assert_allclose([rate for rate, _ in got.critical_discount_rates[0]], roots, rtol=1e-6)
    assert [pays for _, pays in got.critical_discount_rates[0]] == ["above", "below"]
    assert compare(path(gain * (1 - 1e-6)), flat, 0.1, horizon=3.0).critical_discount_rates == ((),)


@given(st.integers(0, 10**6))
def test_critical_rates_of_steps_are_the_roots_of_a_polynomial(seed):
    # with unit steps the value is a polynomial in q = e^(-d) times (1 - q)/d: roots in (0, 1) are the rates
    rng = np.random.default_rng(seed)
    gains = rng.normal(size=5) * 0.1
    path = Path(
        lambda t, side: np.array([np.exp(gains[np.searchsorted([1, 2, 3, 4], t, side=side)])]),
        5.0,
        [1, 2, 3, 4],
    )
    roots = np.roots(gains[::-1])
    roots = roots[np.abs(roots.imag) < 1e-12].real
    roots = roots[(roots > 0) & (roots < 1)]
    got = compare(path, flat, 0.1, horizon=5.0).critical_discount_rates[0]
    np.testing.assert_allclose([rate for rate, _ in got], np.sort(-np.log(roots)), rtol=1e-7, atol=1e-9)
    sides = [pays for _, pays in got]
    assert all(a != b for a, b in pairwise(sides))


def test_break_even_beyond_the_horizon_lies_in_the_tail():
    policy = ([0.0, 5.0, 5.0, 6.0], [0.9, 0.9, 1.1, 1.1])
    got = compare(policy, ([0.0, 6.0], [1.0, 1.0]), 0.02, tail="constant")
    d, loss, gain = 0.02, np.log(0.9), np.log(1.1)
    # loss (1 - e^(-5d)) + gain (e^(-5d) - e^(-t d)) = 0
    date = -np.log(np.exp(-5 * d) + loss * (1 - np.exp(-5 * d)) / gain) / d
    assert got.break_even[0] == pytest.approx(date, rel=1e-9)
    assert np.isinf(compare(policy, ([0.0, 6.0], [1.0, 1.0]), 0.02).break_even[0])


def test_a_growing_tail_overtakes_after_the_horizon():
    got = compare(lambda t: np.exp(-0.2 + 0.01 * t), flat, 0.02, horizon=10.0, tail="growth")
    assert got.overtaking[0] == pytest.approx(20.0, rel=1e-9)
    falling = compare(lambda t: np.exp(0.2 - 0.01 * t), flat, 0.02, horizon=10.0, tail="growth")
    assert np.isinf(falling.overtaking[0])
    assert falling.critical_discount_rates[0] == ((pytest.approx(0.05, rel=1e-8), "above"),)


def test_a_tail_that_turns_in_the_far_future_does_not_overflow():
    # money metric: a tenth less but for a hair more growth, overtaking after about 2600 units of time
    options = {"inverse_elasticity": 0.0, "horizon": 10.0, "tail": "growth"}
    got = compare(lambda t: 0.9 * np.exp(0.2 * t), lambda t: np.exp((0.2 - 4e-5) * t), 0.25, **options)
    assert got.overtaking[0] == pytest.approx(-np.log(0.9) / 4e-5, rel=1e-6)
    assert got.present_value[0] == pytest.approx(0.9 / 0.05 - 1 / 0.05004, rel=1e-9)
    assert np.isinf(got.break_even[0])


def test_the_same_path_twice_is_worth_nothing():
    def path(t):
        return np.stack([1 + t, np.exp(-t)], axis=1)

    got = compare(path, path, 0.05, 2.0, horizon=10.0)
    for number in (
        got.present_value,
        got.consumption_equivalent,
        got.static_cost,
        got.break_even,
        got.overtaking,
    ):
        np.testing.assert_array_equal(number, 0.0)
    assert not got.bastable.any()
    assert got.critical_discount_rates == ((), ())
    assert np.isnan(got.critical_discount_rate).all()


def test_differences_below_the_resolution_have_no_sign():
    def noisy(t):
        return np.exp(1e-10 * np.sin(3 * t))

    got = compare(noisy, flat, 0.05, horizon=10.0)
    assert got.critical_discount_rates == ((),)
    assert (got.break_even[0], got.overtaking[0]) == (0.0, 0.0)
    assert not got.bastable[0]
    assert compare(noisy, flat, 0.05, horizon=10.0, resolution=1e-14).overtaking[0] > 0


@given(st.integers(0, 10**6), st.floats(0.0, 0.2))
def test_swapping_policy_and_baseline_changes_the_sign(seed, delta):
    rng = np.random.default_rng(seed)
    dates = np.linspace(0, 10, 8)
    one, two = np.exp(0.2 * rng.normal(size=(2, 8, 3)))
    two[0] = one[0]  # the unit of utility is baseline welfare at date 0
    there, back = compare((dates, one), (dates, two), delta), compare((dates, two), (dates, one), delta)
    np.testing.assert_allclose(there.present_value, -back.present_value, atol=1e-9)
    for a, b in zip(there.critical_discount_rates, back.critical_discount_rates):
        np.testing.assert_allclose([rate for rate, _ in a], [rate for rate, _ in b], rtol=1e-7)
        assert all(x.pays != y.pays for x, y in zip(a, b))


@given(st.integers(0, 10**6), st.floats(0.0, 0.2))
def test_dates_agree_with_brute_force(seed, delta):
    rng = np.random.default_rng(seed)
    dates = np.linspace(0, 10, 6)
    level = np.exp(0.2 * rng.normal(size=6))
    got = compare((dates, level), ([0.0, 10.0], [1.0, 1.0]), delta, inverse_elasticity=0.0)
    fine = np.linspace(0, 10, 200_001)
    gain = (np.interp(fine, dates, level) - 1) * np.exp(-delta * fine)
    running = np.concatenate([[0], np.cumsum((gain[1:] + gain[:-1]) / 2 * np.diff(fine))])
    for series, date in ((gain, got.overtaking[0]), (running, got.break_even[0])):
        below = np.flatnonzero(series < -1e-9)
        if below.size == 0:
            assert date == pytest.approx(0.0, abs=1e-3)
        elif below[-1] == fine.size - 1:
            assert np.isinf(date)
        else:
            assert date == pytest.approx(fine[below[-1] + 1], abs=2e-3)


# Bad input ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"discount_rate": -0.01}, BadParameter, "discount_rate is -0.01"),
        ({"discount_rate": np.nan}, BadInput, "not finite"),
        ({"discount_rate": [0.1, 0.2]}, BadInput, "single number"),
        ({"inverse_elasticity": -1.0}, BadParameter, "inverse_elasticity"),
        ({"tail": "linear"}, BadParameter, "'truncate' or 'constant' or 'growth'"),
        ({"tail": "constant", "discount_rate": 0.0}, BadParameter, "diverges"),
        ({"tail_growth": (0.0, 0.0)}, BadParameter, "not 'growth'"),
        ({"tail": "growth", "tail_growth": 0.01}, BadInput, "a pair"),
        (
            {"tail": "growth", "inverse_elasticity": 0.0, "discount_rate": 0.01},
            BadParameter,
            "must exceed.*0.02",
        ),
        ({"horizon": 0.0}, BadParameter, "horizon"),
        ({"horizon": None}, BadInput, "policy is a function: give the horizon"),
        ({"baseline_path": ([0.0, 5.0], [1.0, 1.0])}, BadParameter, "the streams end at 5"),
        ({"baseline_path": ([0.0, 10.0], np.ones((2, 3)))}, BadInput, "has 1 countries, the baseline 3"),
        ({"baseline_path": ([0.0, 10.0], np.ones(3))}, BadInput, "do not fit"),
        ({"baseline_path": ([1.0, 10.0], np.ones(2))}, BadParameter, "start at 0"),
        ({"baseline_path": ([0.0, 0.0, 10.0], np.ones(3))}, BadParameter, "repeat"),
        ({"baseline_path": ([0.0, 10.0], [1.0, -1.0])}, BadParameter, r"values\[1\]"),
        ({"baseline_path": lambda t: 1.0 - t}, BadInput, "country 0 at date .* must be positive and finite"),
        ({"baseline_path": lambda t: 1.0}, BadInput, r"must be \(T, N\)"),
        ({"baseline_path": 3.0}, BadInput, "baseline is a float"),
        ({"supported": [0]}, BadInput, "bare stream without employment"),
        ({"mill_rule": "thrives"}, BadParameter, "mill_rule"),
    ],
)
def test_compare_refuses(change, error, match):
    good = {
        "policy_path": lambda t: np.exp(0.02 * t),
        "baseline_path": flat,
        "discount_rate": 0.05,
        "horizon": 10.0,
    }
    with pytest.raises(error, match=match):
        compare(**{**good, **change})


def test_failed_countries_of_a_path_are_named():
    good = Stream.from_function(lambda t: np.ones((t.size, 2)), 5.0, countries=["PAK", "IND"])
    bad = Stream.from_function(
        lambda t: np.stack([np.ones_like(t), np.full_like(t, np.nan)], 1), 5.0, countries=["PAK", "IND"]
    )
    with pytest.raises(BadInput, match="'IND' at date 0 is nan"):
        compare(bad, good, 0.05)
    assert "PAK" in str(compare(good, good, 0.05))
    swapped = Stream.from_function(lambda t: np.ones((t.size, 2)), 5.0, countries=["IND", "PAK"])
    with pytest.raises(BadInput, match="'PAK' of the policy stream is 'IND' in the baseline"):
        compare(good, swapped, 0.05)


def test_a_breakpoint_at_the_horizon_hides_the_growth_of_the_tail():
    stream = Stream.from_function(lambda t: np.exp(0.01 * t), 10.0, [9.999])
    with pytest.raises(BadParameter, match="give tail_growth"):
        compare(stream, flat, 0.05, horizon=10.0, tail="growth")


@pytest.mark.parametrize(
    ("supported", "ends", "match"),
    [
        ([5], 3.0, "names industry 5 of 2"),
        ([0.5], 3.0, "a list of industries by number or label"),
        ([[0], [0, 1]], 3.0, "a list of industries by number or label"),
        (np.ones((3, 3), dtype=bool), 3.0, "boolean"),
        ([0], None, "no event of kind 'phase'"),
        ([0], 50.0, "within the horizon"),
    ],
)
def test_mill_refuses(supported, ends, match):
    path = Path(lambda t, side: np.array([1.0]), 20.0, [], lambda t, side: np.array([[0.5, 0.5]]))
    with pytest.raises(BadInput, match=match):
        compare(path, path, 0.05, supported=supported, support_ends=ends)


def test_other_functions_refuse():
    with pytest.raises(BadInput, match="fit"):
        mill_test(np.ones((2, 1, 2)) / 2, np.ones((3, 1, 2)) / 2, [0])
    with pytest.raises(BadParameter, match=r"sum to 0\.9"):
        supported_industries(0.1, [[0.5, 0.4]])
    with pytest.raises(BadParameter, match="a learning curve falls"):
        eh.infant_industry(1.0, 2.0, 0.1, 1.0, 0.05)
    with pytest.raises(BadParameter) as caught:
        eh.infant_industry(1.0, 0.5, -0.1, 1.0, 0.0)
    assert len(caught.value.problems) == 2
    with pytest.raises(BadParameter, match=r"marginal_cost\['funds'\]"):
        eh.pigouvian_subsidy(0.1, {"funds": -0.1})
    with pytest.raises(BadInput, match="pass 0"):
        eh.pigouvian_subsidy(0.1, {})
    with pytest.raises(BadInput, match="broadcast"):
        eh.pigouvian_subsidy([0.1, 0.2], [0.1, 0.2, 0.3])
