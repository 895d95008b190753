from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitize.tracing.center_line import bridge_gaps, center_line


@pytest.mark.parametrize("radius", [0.8, 1.5, 3.0])
@pytest.mark.parametrize("slope", [0.0, 0.5, 2.0])
def test_the_center_of_a_straight_stroke_is_its_middle(radius, slope):
    path = 100 + slope * np.arange(80)
    half = radius * np.hypot(1.0, slope)
    found = center_line(path - half, path + half, np.zeros(80, bool), radius)
    np.testing.assert_allclose(found[10:-10], path[10:-10], atol=0.05 * (1 + slope))


@given(gap=st.integers(1, 40), start=st.integers(1, 40))
def test_short_gaps_are_bridged_straight_and_long_ones_stay(gap, start):
    line = np.linspace(10.0, 50.0, 100)[None]
    holed = line.copy()
    holed[0, start : start + gap] = np.nan
    before = holed.copy()
    center, bridged = bridge_gaps(holed)
    np.testing.assert_array_equal(holed, before)
    if bridged.any():
        np.testing.assert_array_equal(bridged, np.isnan(holed))
        np.testing.assert_allclose(center, line)
    else:
        np.testing.assert_array_equal(center, holed)
    assert bridged.any() == (gap < 15)
