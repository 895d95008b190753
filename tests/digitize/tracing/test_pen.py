from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitize.tracing.pen import NODES, fit_path

COLUMNS = 120
FINE = np.arange(0, COLUMNS - 1 + 1e-9, 0.05)


def edges(curve: np.ndarray, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Edges of the ink of a round nib along a curve that is given at `FINE`."""
    off = np.arange(COLUMNS)[:, None] - FINE
    half = np.where(np.abs(off) <= radius, np.sqrt(np.maximum(radius**2 - off**2, 0)), np.nan)
    return np.nanmin(curve - half, axis=1), np.nanmax(curve + half, axis=1)


def drawn(curve: np.ndarray) -> np.ndarray:
    """The curve at the nodes of a path."""
    return np.interp(np.arange(NODES * (COLUMNS - 1) + 1) / NODES, FINE, curve)


@pytest.mark.parametrize("radius", [1.0, 1.7, 3.0])
@pytest.mark.parametrize("slope", [0.0, 1.0, 8.0, -8.0])
def test_a_straight_stroke_is_its_middle(radius, slope):
    curve = 500 + slope * (FINE - 60)
    top, bottom = edges(curve, radius)
    path = fit_path(top, bottom, (top + bottom) / 2, radius)
    assert np.abs(path - drawn(curve))[10:-10].max() < 0.15 + 0.02 * abs(slope)


@pytest.mark.parametrize("phase", [0.0, 0.3, 0.5, 0.8])
def test_a_beat_is_nearer_than_by_the_middle_of_its_ink(phase):
    curve = 200 - 90 * np.exp(-0.5 * ((FINE - 60 - phase) / 2.5) ** 2)
    top, bottom = edges(curve, 1.6)
    middle = (top + bottom) / 2
    error = np.abs(fit_path(top, bottom, middle, 1.6) - drawn(curve))[80:160]
    crude = np.abs(np.interp(np.arange(len(drawn(curve))) / NODES, np.arange(COLUMNS), middle) - drawn(curve))[80:160]
    assert np.sqrt((error**2).mean()) < 0.3 * np.sqrt((crude**2).mean())


def test_where_no_edge_is_seen_the_path_goes_smoothly_on():
    curve = 200 + 0.02 * (FINE - 60) ** 2
    top, bottom = edges(curve, 1.5)
    guess = (top + bottom) / 2
    top[55:63] = bottom[55:63] = guess[55:63] = np.nan
    assert np.abs(fit_path(top, bottom, guess, 1.5) - drawn(curve))[10:-10].max() < 0.5


def test_ink_of_another_stroke_hardly_bends_the_path():
    curve = np.full(len(FINE), 200.0)
    top, bottom = edges(curve, 1.5)
    bottom[60:62] += 150
    assert np.abs(fit_path(top, bottom, np.full(COLUMNS, 200.0), 1.5) - 200).max() < 0.05 * 150


def test_no_guess_is_an_error():
    nothing = np.full(5, np.nan)
    with pytest.raises(ValueError, match="no column has a guess"):
        fit_path(nothing, nothing, nothing, 1.5)


@pytest.mark.parametrize("width", [1, 2, 3])
def test_the_shortest_traces(width):
    level = np.full(width, 7.0)
    path = fit_path(level - 1, level + 1, level, 1.0)
    assert path.shape == (NODES * (width - 1) + 1,)
    np.testing.assert_allclose(path, 7.0, atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), up=st.floats(-500, 500), radius=st.floats(0.8, 3.0))
def test_moved_and_mirrored_ink_gives_the_moved_and_mirrored_path(seed, up, radius):
    rng = np.random.default_rng(seed)
    curve = 300 + 40 * np.interp(FINE, np.arange(0, 126, 6), rng.normal(size=21))
    top, bottom = edges(curve, radius)
    guess = (top + bottom) / 2
    path = fit_path(top, bottom, guess, radius)
    np.testing.assert_allclose(fit_path(top + up, bottom + up, guess + up, radius), path + up, atol=0.02)
    np.testing.assert_allclose(fit_path(-bottom, -top, -guess, radius), -path, atol=0.02)


def test_paths_fitted_together_are_those_fitted_alone():
    curves = [60 + height * np.exp(-(((FINE - 50) / 8) ** 2)) for height in (-40.0, 3.0, 25.0)]
    top, bottom = (np.stack(side) for side in zip(*(edges(curve, 1.6) for curve in curves), strict=True))
    top[1, 30:60] = np.nan
    together = fit_path(top, bottom, (top + bottom) / 2, 1.6)
    for one in range(3):
        alone = fit_path(top[one], bottom[one], (top[one] + bottom[one]) / 2, 1.6)
        np.testing.assert_allclose(together[one], alone, atol=1e-6)
