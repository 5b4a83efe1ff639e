"""Targets: the numbers of section 5.7 and the identities between the helpers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exacthat import growth
from exacthat.errors import BadInput, BadParameter

levels = st.floats(10.0, 1e5)
rates = st.floats(-0.05, 0.15)


def test_section_5_7():
    percent = 100 * growth.required_growth(3800, [1.4 * 3800, 1.5 * 3800, 6200, 7800], 5)
    np.testing.assert_allclose(percent, [6.96, 8.45, 10.29, 15.47], atol=0.005)


@given(levels, levels, st.floats(0.5, 50.0), rates)
def test_growing_at_the_required_rate_arrives(start, target, years, moving):
    rate = growth.required_growth(start, target, years, target_growth=moving)
    grown = years * np.log1p(rate)
    assert grown == pytest.approx(np.log(target / start) + years * np.log1p(moving), rel=1e-6, abs=1e-9)
    if target > start * (1 + 1e-6):
        assert growth.years_to_reach(start, target, rate, target_growth=moving) == pytest.approx(
            years, rel=1e-6
        )


@given(levels, levels, levels)
def test_distances_add_up(a, b, c):
    via = growth.distance_to_frontier(a, b) + growth.distance_to_frontier(b, c)
    assert float(growth.distance_to_frontier(a, c)) == pytest.approx(float(via), abs=1e-12)


def test_years_to_reach_edges():
    years = growth.years_to_reach(
        100.0, [100.0, 90.0, 200.0, 200.0], [0.0, -0.1, 0.02, 0.03], target_growth=0.02
    )
    assert years[0] == years[1] == 0.0
    assert np.isinf(years[2])
    assert years[3] == pytest.approx(np.log(2.0) / np.log(1.03 / 1.02))


def test_targets_refuse():
    with pytest.raises(BadParameter, match="years is 0"):
        growth.required_growth(1.0, 2.0, 0.0)
    with pytest.raises(BadParameter, match="frontier"):
        growth.distance_to_frontier(1.0, -2.0)
    with pytest.raises(BadInput, match="broadcast"):
        growth.years_to_reach([1.0, 2.0], [1.0, 2.0, 3.0], 0.1)
    with pytest.raises(BadParameter, match="a fraction per year"):
        growth.years_to_reach(1.0, 2.0, -1.0)
