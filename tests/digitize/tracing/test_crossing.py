from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitize.tracing.crossing import settle_crossings
from digitize.tracing.pen import fit_path

N = 60
X = np.arange(N, dtype=float)
FINE = np.arange(-1, N + 0.01, 0.1)
RADIUS = 1.5


def swept(curve: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Edges of the ink of a round pen along a curve given at `FINE`."""
    off = X[:, None] - FINE
    half = np.where(np.abs(off) <= RADIUS, np.sqrt(np.maximum(RADIUS**2 - off**2, 0)), np.nan)
    return np.nanmin(curve - half, axis=1), np.nanmax(curve + half, axis=1)


def beat(level: float, height: float, at: float = 30.0) -> np.ndarray:
    return level - height * np.exp(-0.5 * ((FINE - at) / 3.0) ** 2)


def crossing(upper: np.ndarray, lower: np.ndarray):
    """What both rows are seen to follow: their own ink, or one run where it hangs together."""
    (top_u, bottom_u), (top_l, bottom_l) = swept(upper), swept(lower)
    touch = (top_l <= bottom_u + 0.5) & (top_u <= bottom_l + 0.5)
    top, bottom = np.minimum(top_u, top_l), np.maximum(bottom_u, bottom_l)
    ink = np.where(touch, top, [top_u, top_l]), np.where(touch, bottom, [bottom_u, bottom_l])
    return np.where(touch, 0, [np.zeros(N, int), np.ones(N, int)]), ink, touch


def half_way(ink, touch):
    """The first guess that is wrong here: each row takes its half of what they share."""
    middle = (ink[0][0] + ink[1][0]) / 2
    return (
        np.stack([ink[0][0], np.where(touch, middle, ink[0][1])]),
        np.stack([np.where(touch, middle, ink[1][0]), ink[1][1]]),
    )


def paths(edges) -> np.ndarray:
    """Both rows' centers."""
    both = []
    for top, bottom in zip(*edges, strict=True):
        center = (top + bottom) / 2
        both.append(fit_path(top, bottom, center, RADIUS)[::2])
    return np.stack(both)


def at_columns(curve: np.ndarray) -> np.ndarray:
    return np.interp(X, FINE, curve)


@pytest.mark.parametrize("height", [70.0, 95.0])
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_row_at_rest_does_not_bounce_off_the_beat_that_hides_it(height, mirrored):
    resting, moving = np.full(len(FINE), 100.0), beat(160, height)
    upper, lower = (260 - moving, 260 - resting) if mirrored else (resting, moving)
    chosen, ink, touch = crossing(upper, lower)
    assert touch.any()
    found = paths(settle_crossings(chosen, ink, half_way(ink, touch), RADIUS))
    for path, curve in zip(found, (upper, lower), strict=True):
        assert np.abs(path - at_columns(curve)).max() < 6.0


def test_a_right_first_guess_stays():
    upper, lower = np.full(len(FINE), 100.0), beat(160, 80)
    chosen, ink, touch = crossing(upper, lower)
    right = (
        np.stack([np.where(touch, np.nan, ink[0][0]), ink[0][1]]),
        np.stack([np.where(touch, np.nan, ink[1][0]), ink[1][1]]),
    )
    for before, after in zip(right, settle_crossings(chosen, ink, right, RADIUS), strict=True):
        np.testing.assert_array_equal(before, after)


def test_rows_that_run_together_for_long_are_left_alone():
    chosen = np.zeros((2, 200), int)
    ink = np.full((2, 200), 50.0), np.full((2, 200), 60.0)
    for before, after in zip(ink, settle_crossings(chosen, ink, ink, RADIUS), strict=True):
        np.testing.assert_array_equal(before, after)


@settings(max_examples=30, deadline=None)
@given(height=st.floats(20, 140), at=st.floats(5, 55), level=st.floats(110, 160))
def test_edges_are_those_of_the_ink_or_of_the_guess_and_nothing_is_modified(height, at, level):
    chosen, ink, touch = crossing(np.full(len(FINE), 100.0), beat(level, height, at))
    guess = half_way(ink, touch)
    copies = [edge.copy() for edge in (*ink, *guess)]
    settled = settle_crossings(chosen, ink, guess, RADIUS)
    for drawn, own, first in zip(settled, ink, guess, strict=True):
        assert (np.isnan(drawn) | (drawn == own) | (drawn == first)).all()
        assert (drawn == own)[:, ~touch].all()
    for before, after in zip(copies, (*ink, *guess), strict=True):
        np.testing.assert_array_equal(before, after)
