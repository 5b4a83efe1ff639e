"""Elasticities of the nested models: formulas, limits, identities between models, bounds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exacthat.elasticities import armington, eaton_kortum, krugman, melitz_pareto
from exacthat.errors import BadParameter

substitution = st.floats(1.05, 30.0)
ratio = st.floats(1.001, 10.0)


@given(substitution, ratio, ratio)
def test_melitz_pareto_inverts_its_definition(sigma, spread, above):
    gamma = 1 + (sigma - 1) * spread
    theta = (gamma - 1) * above
    trade, scale = melitz_pareto(sigma, gamma, theta)
    assert 1 / trade == pytest.approx(1 / theta + 1 / (sigma - 1) - 1 / (gamma - 1), rel=1e-12)
    assert scale == pytest.approx(1 / theta, rel=1e-15)
    assert sigma - 1 < trade <= theta


@given(substitution, ratio, ratio)
def test_melitz_pareto_alpha_is_below_one_if_and_only_if_firms_are_closer_substitutes(sigma, spread, above):
    gamma = 1 + (sigma - 1) * spread
    trade, scale = melitz_pareto(sigma, gamma, (gamma - 1) * above)
    assert trade * scale < 1
    trade, scale = melitz_pareto(sigma, sigma, (sigma - 1) * above)
    assert trade * scale == pytest.approx(1, abs=4e-16)


@given(substitution, ratio)
def test_melitz_pareto_without_nests_is_eaton_kortum_with_externality_one_over_theta(sigma, above):
    theta = (sigma - 1) * above
    assert melitz_pareto(sigma, sigma, theta) == eaton_kortum(theta, 1 / theta)


@given(substitution, ratio)
def test_melitz_pareto_tends_to_krugman_as_selection_vanishes(sigma, spread):
    gamma = 1 + (sigma - 1) * spread
    expected = np.array(krugman(sigma, gamma))
    far, near = (
        np.abs(np.array(melitz_pareto(sigma, gamma, (gamma - 1) * (1 + step))) / expected - 1)
        for step in (1e-3, 1e-6)
    )
    assert (far <= 1.01e-3).all()
    assert (near <= 1.01e-6).all()


@given(substitution, ratio)
def test_krugman_alpha_is_one_only_without_nests(sigma, spread):
    gamma = 1 + (sigma - 1) * spread
    trade, scale = krugman(sigma, gamma)
    assert trade * scale == pytest.approx((sigma - 1) / (gamma - 1), rel=1e-14)
    assert trade * scale < 1
    trade, scale = krugman(sigma, sigma)
    assert trade * scale == pytest.approx(1, abs=4e-16)


@given(substitution)
def test_constant_returns_are_armington(sigma):
    assert krugman(sigma, np.inf) == armington(sigma) == eaton_kortum(sigma - 1)


@given(st.lists(st.tuples(substitution, ratio, ratio), min_size=1, max_size=6))
def test_arrays_are_evaluated_entry_by_entry(rows):
    sigma, spread, above = np.array(rows).T
    gamma = 1 + (sigma - 1) * spread
    theta = (gamma - 1) * above
    trade, scale = melitz_pareto(sigma, gamma, theta)
    single = [melitz_pareto(*row) for row in zip(sigma, gamma, theta)]
    np.testing.assert_array_equal(np.stack([trade, scale], axis=1), single)


def test_scalars_return_floats_and_arrays_broadcast():
    assert all(type(value) is float for value in krugman(np.float32(3), 5))
    trade, scale = krugman([[2.0], [3.0]], [4.0, 6.0, 8.0])
    assert trade.shape == scale.shape == (2, 3)
    trade[0, 0] = 9.0  # results are the caller's own arrays, not views of a broadcast
    assert trade[0, 1] == 1.0


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: armington(1.0), ["sigma = 1;"]),
        (lambda: armington([2.0, np.nan, np.inf]), ["sigma[1] = nan", "sigma[2] = inf"]),
        (lambda: armington("5"), ["sigma = '5' is not a real number"]),
        (lambda: armington([[2.0], [3.0, 4.0]]), ["sigma = [[2.0], [3.0, 4.0]] is not a real number"]),
        (lambda: armington(4.0 + 0j), ["not a real number"]),
        (lambda: eaton_kortum(0.0), ["theta = 0;"]),
        (lambda: eaton_kortum([4.0, 5.0], [0.1, -0.2]), ["scale[1] = -0.2"]),
        (lambda: eaton_kortum(4.0, np.inf), ["scale = inf"]),
        (lambda: krugman(4.0, 3.0), ["gamma = 3; must be at least sigma = 4"]),
        (lambda: krugman([0.5, 4.0], [3.0, np.nan]), ["sigma[0] = 0.5", "gamma[1] = nan"]),
        (lambda: krugman([2.0, 3.0], [3.0, 4.0, 5.0]), ["sigma (2,), gamma (3,) do not broadcast"]),
        (lambda: melitz_pareto(3.0, 5.0, 4.0), ["theta = 4;", "exceed gamma - 1 = 4"]),
        (lambda: melitz_pareto(3.0, 5.0, np.inf), ["theta = inf;"]),
        (lambda: melitz_pareto(3.0, np.inf, 9.0), ["gamma = inf; must be finite"]),
        (
            lambda: melitz_pareto([[3.0, 0.9]], 5.0, [[2.0], [8.0]]),
            ["theta[0, 0] = 2", "theta[0, 1] = 2", "sigma[0, 1] = 0.9", "sigma[1, 1] = 0.9"],
        ),
    ],
)
def test_values_outside_the_model_are_refused_by_name(call, named):
    with pytest.raises(BadParameter) as caught:
        call()
    for text in named:
        assert text in str(caught.value)


def test_faults_are_counted_once_each():
    with pytest.raises(BadParameter) as caught:
        melitz_pareto([0.5, 3.0], [4.0, 2.0], [8.0, 0.5])
    assert len(caught.value.problems) == 3  # sigma[0]; gamma[1] below sigma; theta[1] at or below gamma - 1
