from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitize.records.traces import Rows
from digitize.tracing.fading import normalize_fading

HEIGHT, WIDTH, LEVELS = 700, 1500, (200.0, 450.0)


def page() -> np.ndarray:
    drawn = np.zeros((HEIGHT, WIDTH), np.float32)
    for level in LEVELS:
        drawn[int(level) - 2 : int(level) + 2, 60:1440] = 0.9
        for beat in range(150, 1440, 180):
            drawn[int(level) - 70 : int(level), beat : beat + 4] = 0.7
    return drawn


def rows(start: int = 60) -> Rows:
    level = np.repeat(np.float32(LEVELS)[:, None], WIDTH, axis=1)
    return Rows(level, np.full(2, start), np.full(2, 1440))


def test_a_page_that_has_not_paled_is_left_alone():
    drawn = page()
    assert normalize_fading(drawn, rows()) is drawn


@pytest.mark.parametrize("left", [0.35, 0.5])
def test_a_washed_corner_is_as_dark_as_the_rest_or_nearly(left):
    paled = page()
    paled[:, :500] *= left
    before = paled.copy()
    evened = normalize_fading(paled, rows(500))
    assert np.array_equal(paled, before)
    for level in LEVELS:
        np.testing.assert_allclose(evened[int(level), 100:380], 0.72, atol=0.04)
        np.testing.assert_allclose(evened[int(level), 620:1440], 0.9, atol=0.01)


def test_only_the_row_that_paled_is_darkened():
    paled = page()
    paled[350:, 700:] *= 0.5
    evened = normalize_fading(paled, rows())
    assert evened[450, 1200] == pytest.approx(0.72, abs=0.03)
    assert evened[200, 1200] == pytest.approx(0.9, abs=0.01)


def test_what_the_grid_left_is_no_pale_ink():
    drawn = page()
    drawn[:, 1440:] = 0.0
    rng = np.random.default_rng(0)
    smudged = np.maximum(drawn, 0.35 * (rng.random(drawn.shape) < 0.5)).astype(np.float32)
    smudged[:, :1440] = drawn[:, :1440]
    assert normalize_fading(smudged, rows())[:, 1460:].max() <= 0.36


@settings(max_examples=25, deadline=None)
@given(st.floats(0.0, 1.0), st.integers(0, WIDTH), st.integers(0, 2**32 - 1))
def test_ink_is_never_made_paler_nor_more_than_whole(left, until, seed):
    paled = page()
    paled[:, :until] *= np.float32(left)
    paled += np.random.default_rng(seed).uniform(0, 0.05, paled.shape).astype(np.float32)
    evened = normalize_fading(paled, rows())
    assert (evened >= paled - 1e-6).all()
    assert evened.max() <= max(1.0, paled.max())
    assert evened.dtype == np.float32


def test_rows_without_ink_at_their_levels_tell_nothing():
    drawn = np.zeros((HEIGHT, WIDTH), np.float32)
    drawn[600:604, 60:1440] = 0.9
    assert normalize_fading(drawn, rows()) is drawn
