from __future__ import annotations

import numpy as np
import pytest

from papertrace.training.disturbances import bend, disturb


@pytest.mark.parametrize("seed", range(12))
def test_maps_move_with_the_picture(seed):
    image = np.full((320, 320, 3), 240, np.uint8)
    image[::40], image[:, ::40] = 0, 0
    maps = np.zeros((320, 320, 6), np.uint8)
    maps[..., 5] = (image[..., 0] == 0) * 255
    seen, moved = bend(image, maps, 256, np.random.default_rng(seed))
    assert seen.shape == (256, 256, 3)
    assert moved.shape == (256, 256, 6)
    assert (moved[..., :5] == 0).all()
    # Where the map says line, the picture is dark, and nowhere else.
    assert np.corrcoef(240.0 - seen[..., 1].ravel(), moved[..., 5].ravel())[0, 1] > 0.97


@pytest.mark.parametrize("seed", range(20))
def test_a_disturbed_window_still_shows_its_stroke(seed):
    image = np.full((256, 256, 3), 235, np.uint8)
    image[120:126] = 20
    before = image.copy()
    seen = disturb(image, np.random.default_rng(seed))
    np.testing.assert_array_equal(image, before)
    assert seen.shape == image.shape
    assert seen.dtype == np.uint8
    gray = seen.astype(float).mean(axis=2)
    assert np.median(gray[121:125]) < np.median(gray[60:100]) - 20


def test_one_seed_gives_one_window():
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    first, second, other = (disturb(image, np.random.default_rng(seed)) for seed in (4, 4, 5))
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()
