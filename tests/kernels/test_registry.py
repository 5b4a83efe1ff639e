"""Every kernel against its reference: one test body for all families."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exacthat.kernels.registry import KERNELS


def _arrays(value):
    """Flatten what a kernel returns into float arrays (counts of steps are the twins' own business)."""
    if isinstance(value, np.ndarray | float):
        return [np.asarray(value, dtype=float)]
    if dataclasses.is_dataclass(value):
        value = tuple(vars(value).values())
    if isinstance(value, tuple):
        return [array for part in value for array in _arrays(part)]
    return []


def _solution(value):
    """Of a solve, compare the point and its state; residual and last step are not results."""
    if hasattr(value, "misses"):
        return value.price_power, value.accounts
    return (
        (value.point, value.state[1:], value.exports, value.imports) if hasattr(value, "last_step") else value
    )


@pytest.mark.parametrize("name", KERNELS)
@settings(max_examples=40)
@given(seed=st.integers(0, 2**32 - 1))
def test_fast_twin_agrees_with_reference(name, seed):
    kernel = KERNELS[name]
    arguments = kernel.load("examples")(np.random.default_rng(seed))
    expected = _arrays(_solution(kernel.load("reference")(*arguments)))
    found = _arrays(_solution(kernel.load("fast")(*arguments)))
    assert len(expected) == len(found) > 0
    for want, got in zip(expected, found):
        scale = max(1.0, np.abs(want).max(initial=0.0))
        np.testing.assert_allclose(got, want, rtol=kernel.tolerance, atol=kernel.tolerance * scale)


@pytest.mark.parametrize("name", KERNELS)
def test_twins_have_the_same_name(name):
    kernel = KERNELS[name]
    assert kernel.load("reference").__name__ == kernel.load("fast").__name__ == name.split(".")[1]
