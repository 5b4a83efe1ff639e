"""The learning kernel beyond its twin test: the Kronecker form it avoids, edges of the activity rule."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exacthat.kernels.diffusion import examples, nb, ref

SEEDS = st.integers(0, 2**32 - 1)


@given(seed=SEEDS)
def test_two_sided_product_is_the_kronecker_product(seed):
    employment, spillovers, diffusion, research, activity = examples.from_employment(
        np.random.default_rng(seed)
    )
    whole = np.kron(diffusion, spillovers.T) @ employment.ravel()
    expected = ref.active(employment, activity) * (whole.reshape(employment.shape) + research)
    found = nb.from_employment(employment, spillovers, diffusion, research, activity)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)


@given(seed=SEEDS)
def test_without_foreign_senders_both_sources_are_one(seed):
    arguments = list(examples.from_stocks(np.random.default_rng(seed)))
    arguments[3] = np.diag(np.diag(arguments[3]))
    np.testing.assert_allclose(nb.from_stocks(*arguments), nb.from_employment(*arguments[1:]), rtol=1e-13)


@pytest.mark.parametrize("twin", [ref, nb])
def test_idle_industries_learn_nothing_whatever_the_activity_constant(twin):
    employment = np.array([[0.0, 1e-300, 0.25]])
    assert twin.active(employment, 0.0).tolist() == [[0.0, 1.0, 1.0]]
    np.testing.assert_allclose(twin.active(employment, 0.25), [[0.0, 4e-300, 0.5]])
    learned = twin.from_employment(employment, np.ones((3, 3)), np.eye(1), np.ones((1, 3)), 0.0)
    assert learned[0, 0] == 0.0
    assert (learned[0, 1:] > 0).all()


@pytest.mark.parametrize("twin", [ref, nb])
def test_arguments_are_left_as_they_were(twin):
    arguments = examples.from_stocks(np.random.default_rng(1))
    before = [np.array(argument) for argument in arguments]
    twin.from_stocks(*arguments)
    assert all((now == then).all() for now, then in zip(arguments, before))
