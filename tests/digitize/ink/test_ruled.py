from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitize.ink.ruled import without_ruled_lines

HEIGHT, WIDTH, LEVEL = 400, 2000, 200


def beats(seed: int, tall: float = 80.0) -> np.ndarray:
    """The level of a trace (y) in every column: still, but for waves and beats."""
    rng = np.random.default_rng(seed)
    x = np.arange(WIDTH)
    y = np.full(WIDTH, float(LEVEL))
    for beat in np.cumsum(rng.uniform(150, 260, 16)):
        y += -tall * np.exp(-(((x - beat) / 8) ** 2)) - 0.25 * tall * np.exp(-(((x - beat - 70) / 25) ** 2))
    return y


def drawn(y: np.ndarray, half: float = 1.5) -> np.ndarray:
    """Ink of a pen that runs along a level in every column, and from one to the next."""
    before = np.r_[y[0], y[:-1]]
    low, high = np.minimum(y, before) - half, np.maximum(y, before) + half
    row = np.arange(HEIGHT)[:, None]
    return ((row >= low) & (row <= high)).astype(np.float32)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), up=st.integers(-8, 8), thick=st.integers(1, 3))
def test_a_line_through_a_trace_goes_where_the_trace_has_left_it(seed, up, thick):
    y = beats(seed) + 4 * np.sin(np.arange(WIDTH) / 90)
    trace = drawn(y)
    line = slice(LEVEL + up, LEVEL + up + thick)
    page = trace.copy()
    page[line] = np.maximum(page[line], 0.8)
    before = page.copy()
    clean = without_ruled_lines(page)
    np.testing.assert_array_equal(page, before)
    np.testing.assert_array_equal(clean[trace > 0], page[trace > 0])
    away = (y < LEVEL + up - 6) | (y > LEVEL + up + thick + 6)
    assert away.mean() > 0.1
    assert (clean[line, away] > trace[line, away]).mean() < 0.02


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), tall=st.floats(2.0, 80.0))
def test_a_trace_that_is_still_between_its_beats_stays(seed, tall):
    page = drawn(beats(seed, tall))
    page[40:60, 300:420:7] = 1.0  # print above it
    assert without_ruled_lines(page) is page


@pytest.mark.parametrize("row", [120, 280])
def test_a_still_trace_below_another_one_stays(row):
    page = np.maximum(drawn(beats(3)), drawn(np.full(WIDTH, float(row))))
    assert without_ruled_lines(page) is page


def test_a_frame_stays():
    page = drawn(beats(5))
    page[20:22], page[-22:-20], page[:, 10:12], page[:, -12:-10] = 1.0, 1.0, 1.0, 1.0
    assert without_ruled_lines(page) is page
