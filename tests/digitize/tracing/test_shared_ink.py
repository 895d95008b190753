from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from digitize.tracing.shared_ink import divide_shared

WIDTH, RADIUS = 60, 1.5
LEVELS = (100.0, 160.0)


def followed(upper: tuple[float, float], lower: tuple[float, float], joined: tuple[float, float]):
    """Two rows of ink of their own, which follow one run in columns 28 to 31."""
    top, bottom = (np.repeat([[u], [v]], WIDTH, axis=1) for u, v in zip(upper, lower, strict=True))
    chosen = np.repeat([[0], [1]], WIDTH, axis=1)
    chosen[:, 28:32], top[:, 28:32], bottom[:, 28:32] = 0, *joined
    level = np.repeat([[LEVELS[0]], [LEVELS[1]]], WIDTH, axis=1).astype(np.float32)
    return chosen, (top.astype(float), bottom.astype(float)), level


def test_a_row_at_rest_is_hidden_where_a_beat_crosses_it():
    chosen, ink, level = followed((98, 102), (158, 162), (60, 162))
    # The lower row's flanks stretch beside the crossing.
    ink[0][1, 25:28] = ink[0][1, 32:35] = 110
    (top, bottom), shared = divide_shared(chosen, ink, level, RADIUS)
    assert (np.flatnonzero(shared[0]) == np.arange(28, 32)).all()
    assert np.isnan(top[0, 28:32]).all() and np.isnan(bottom[0, 28:32]).all()
    assert (top[1, 28:32] == 60).all() and (bottom[1, 28:32] == 162).all()


def test_of_two_rows_that_moved_toward_each_other_each_keeps_its_half():
    chosen, ink, level = followed((98, 102), (158, 162), (98, 162))
    for side in (slice(25, 28), slice(32, 35)):
        ink[1][0, side], ink[0][1, side] = 125, 135
    (top, bottom), _ = divide_shared(chosen, ink, level, RADIUS)
    assert (bottom[0, 28:32] == 130).all() and (top[1, 28:32] == 130).all()
    assert (top[0, 28:32] == 98).all() and (bottom[1, 28:32] == 162).all()


@given(data=st.data(), rows=st.integers(1, 5))
@settings(max_examples=80, deadline=None)
def test_ink_of_ones_own_stays_and_shared_ink_is_only_ever_cut(data, rows):
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    chosen = np.repeat(rng.integers(-1, 3, (rows, WIDTH // 6)), 6, axis=1)
    edge = np.sort(rng.uniform(0, 300, (WIDTH, 6)), axis=1)
    run = np.maximum(chosen, 0)
    ink = tuple(np.where(chosen >= 0, edge[np.arange(WIDTH), 2 * run + side], np.nan) for side in (0, 1))
    level = np.sort(rng.uniform(0, 300, (rows, 1)), axis=0) + np.zeros((1, WIDTH))
    before = [array.copy() for array in (chosen, *ink, level)]
    (top, bottom), shared = divide_shared(chosen, ink, level.astype(np.float32), RADIUS)
    for array, kept in zip((chosen, *ink, level), before, strict=True):
        np.testing.assert_array_equal(array, kept)
    together = (chosen[:, None] == chosen[None]).sum(axis=1) > 1
    np.testing.assert_array_equal(shared, together & (chosen >= 0))
    np.testing.assert_array_equal(top[~shared], ink[0][~shared])
    np.testing.assert_array_equal(bottom[~shared], ink[1][~shared])
    np.testing.assert_array_equal(np.isnan(top), np.isnan(bottom))
    kept = np.isfinite(top)
    assert (top[kept] >= ink[0][kept]).all() and (bottom[kept] <= ink[1][kept]).all()
