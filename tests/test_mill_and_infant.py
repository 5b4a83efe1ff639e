"""Mill's test, infant industries and Pigouvian subsidies, against rules, quadrature and streams."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

import exacthat as eh
from exacthat.appraisal import compare, mill_test, supported_industries
from tests.streams import Path, flat, step

# Mill -----------------------------------------------------------------------------------------------


def test_supported_is_above_the_employment_weighted_mean():
    shares = np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]])
    assert not supported_industries(0.3, shares).any()
    np.testing.assert_array_equal(supported_industries([0.1, 0.0, 0.2], shares), [[1, 0, 1], [0, 0, 1]])
    assert supported_industries([[0.1, 0.0, 0.0], [0.0, 0.0, 0.0]], shares).sum() == 1


def test_mill_rules():
    policy = np.array([[[0.3, 0.7, 0.0]], [[0.2, 0.8, 0.0]]])
    baseline = np.array([[[0.25, 0.75, 0.0]], [[0.25, 0.75, 0.0]]])
    share = mill_test(policy, baseline, [0, 1, 2])
    np.testing.assert_array_equal(share.stands, [[False, False, False]])
    np.testing.assert_allclose(share.margin, [[-0.05, -0.05, 0.0]])
    stands = mill_test(policy, baseline, [0, 1, 2], rule="stands")
    np.testing.assert_array_equal(stands.stands, [[True, True, False]])
    assert not stands.passes[0]
    assert mill_test(policy, baseline, [0, 1], rule="stands").passes[0]
    none = mill_test(policy, baseline, np.zeros((1, 3), dtype=bool))
    assert not none.passes[0]
    assert np.isnan(none.margin).all()


def test_mill_and_bastable_can_disagree():
    def shares(t, side):
        return np.array([[step(t, side, 10.0, 0.5, 0.4), step(t, side, 10.0, 0.5, 0.6)]])

    policy = Path(lambda t, side: np.array([0.9]), 30.0, [10.0], shares, kind="phase")
    baseline = Path(lambda t, side: np.array([1.0]), 30.0, [], lambda t, side: np.array([[0.35, 0.65]]))
    got = compare(policy, baseline, 0.05, supported=[0])
    assert got.mill.tolist() == [True]
    assert not got.mill.flags.writeable
    assert got.bastable.tolist() == [False]
    assert got.mill_test.support_ends == 10.0
    assert got.mill_test.rule == "share"
    assert got.mill_test.margin[0, 0] == pytest.approx(0.05)
    assert "Mill" in str(got)


def test_mill_looks_at_both_sides_of_every_later_event():
    def shares(t, side):  # the industry shuts for good at date 20, the last date of the path
        return np.array([[0.0, 2.0]]) if t == 20.0 and side == "right" else np.array([[1.0, 1.0]])

    def brief(t, side):  # or only in the instant before an event
        return np.array([[0.0, 2.0]]) if t == 15.0 and side == "left" else np.array([[1.0, 1.0]])

    baseline = Path(
        lambda t, side: np.array([1.0]), 20.0, [], lambda t, side: np.ones((1, 2)), name="consumption"
    )
    for law in (shares, brief):
        policy = Path(lambda t, side: np.array([1.0]), 20.0, [15.0], law, name="consumption")
        got = compare(policy, baseline, 0.05, supported=[True, False], support_ends=5.0)
        assert got.mill_test.rule == "stands"
        assert not got.mill[0]
        assert compare(policy, baseline, 0.05, supported=[1], support_ends=5.0).mill[0]


def test_the_end_of_support_may_be_the_horizon():
    path = Path(lambda t, side: np.array([1.0]), 20.0, [], lambda t, side: np.array([[0.5, 0.5]]))
    got = compare(path, path, 0.05, supported=[0], support_ends=20.0)
    assert got.mill.tolist() == [True]


# Infant industries and Pigou ------------------------------------------------------------------------

curves = st.tuples(
    st.floats(0.5, 3.0), st.floats(0.1, 1.0), st.floats(0.02, 0.5), st.floats(0.2, 2.0), st.floats(0.01, 0.2)
)


@given(curves)
def test_infant_industry_matches_quadrature(curve):
    start, share, learning, price, delta = curve
    limit = share * start
    got = eh.infant_industry(start, limit, learning, price, delta, output=3.0)

    def unit_cost(t):
        return limit + (start - limit) * np.exp(-learning * t)

    def value(a, b):
        def flow(t):
            return 3.0 * (price - unit_cost(t)) * np.exp(-delta * t)

        return quad(flow, a, b, epsabs=1e-11, epsrel=1e-12, limit=500)[0]

    far = 45.0 / delta
    mill = min(float(got.mill_time), far)
    scale = 3.0 * max(start, price) / delta
    assert float(got.present_value) == pytest.approx(value(0, mill) + value(mill, far), abs=1e-8 * scale)
    assert float(got.cost) == pytest.approx(-value(0, mill), abs=1e-8 * scale)
    assert float(got.benefit) == pytest.approx(value(mill, far), abs=1e-8 * scale)
    if 0 < got.mill_time < np.inf:
        assert unit_cost(float(got.mill_time)) == pytest.approx(price, rel=1e-9)
    assert got.bastable == (got.present_value > 0)


def test_infant_industry_regimes_and_critical_rate():
    got = eh.infant_industry(1.5, [0.8, 1.0, 1.2, 1.5], 0.2, [1.0, 1.0, 1.0, 1.6], 0.05)
    np.testing.assert_array_equal(got.mill, [True, False, False, True])
    np.testing.assert_array_equal(np.isinf(got.mill_time), [False, True, True, False])
    assert got.mill_time[3] == 0.0
    np.testing.assert_allclose(got.cost[3], 0.0)
    np.testing.assert_allclose(got.benefit[1:3], 0.0)
    np.testing.assert_allclose(got.present_value, got.benefit - got.cost, atol=1e-12)
    at = eh.infant_industry(1.5, 0.8, 0.2, 1.0, float(got.critical_discount_rate[0]))
    assert float(at.present_value) == pytest.approx(0.0, abs=1e-12)
    np.testing.assert_array_equal(got.critical_discount_rate[1:], [0.0, 0.0, np.inf])
    # Mill without Bastable: it stands one day, but the wait was too dear
    dear = eh.infant_industry(1.5, 0.8, 0.2, 1.0, 2 * float(got.critical_discount_rate[0]))
    assert dear.mill
    assert not dear.bastable


def test_infant_industry_agrees_with_the_stream_appraisal():
    # profits as a money stream on top of an income of one, appraised in the money metric for a long horizon
    start, limit, learning, price, delta = 1.5, 0.8, 0.2, 1.0, 0.1
    closed = eh.infant_industry(start, limit, learning, price, delta, output=0.1)

    def income(t):
        return 1 + 0.1 * (price - limit - (start - limit) * np.exp(-learning * t))

    got = compare(income, flat, delta, 0.0, horizon=300.0)
    assert got.present_value[0] == pytest.approx(float(closed.present_value), abs=1e-8)
    assert got.critical_discount_rate[0] == pytest.approx(float(closed.critical_discount_rate), rel=1e-6)
    assert got.overtaking[0] == pytest.approx(float(closed.mill_time), rel=1e-9)


def test_pigouvian_subsidy_subtracts_named_costs():
    benefit = np.array([[0.2, 0.1], [0.0, 0.3]])
    np.testing.assert_allclose(eh.pigouvian_subsidy(benefit, 0.0), benefit)
    named = eh.pigouvian_subsidy(benefit, {"funds": 0.05, "administration": [0.0, 0.1]})
    np.testing.assert_allclose(named, [[0.15, -0.05], [-0.05, 0.15]], atol=1e-15)
