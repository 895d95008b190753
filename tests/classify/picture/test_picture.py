from __future__ import annotations

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classify.picture.picture import HEIGHT, PIXELS_PER_MM, WIDTH, coarse_picture, picture_of, place
from digitize.records.upright import PIXELS_PER_MM as UPRIGHT


def analysis(height_mm: float, width_mm: float, rows_mm: tuple[float, ...], ends_mm: tuple[float, float]):
    """A page with one level row of ink at each height."""
    ink = np.zeros((round(height_mm * UPRIGHT), round(width_mm * UPRIGHT)), np.uint8)
    start, end = (round(edge * UPRIGHT) for edge in ends_mm)
    for row in rows_mm:
        at = round(row * UPRIGHT)
        ink[at - 3 : at + 4, start:end] = 255
    box = (float(start), min(rows_mm) * UPRIGHT, float(end), max(rows_mm) * UPRIGHT)
    return SimpleNamespace(ink_image=ink, waveform_box=box)


def test_a_millimeter_is_a_millimeter_and_the_rows_stand_in_the_middle():
    picture = picture_of(analysis(200, 280, (40.0, 80.0), (20.0, 260.0)))
    rows, columns = np.flatnonzero(picture.ink.max(1) > 60), np.flatnonzero(picture.ink.max(0) > 60)
    assert picture.ink.shape == (HEIGHT, WIDTH)
    assert columns[-1] - columns[0] + 1 == pytest.approx(240 * PIXELS_PER_MM, abs=2)
    assert rows[-1] - rows[0] == pytest.approx(40 * PIXELS_PER_MM, abs=3)
    assert (rows[0] + rows[-1]) / 2 == pytest.approx((HEIGHT - 1) / 2, abs=2)
    assert (columns[0] + columns[-1]) / 2 == pytest.approx((WIDTH - 1) / 2, abs=2)


def test_rows_that_are_too_long_are_made_to_fit():
    picture = picture_of(analysis(100, 600, (50.0,), (20.0, 580.0)))
    columns = np.flatnonzero(picture.ink.max(0) > 60)
    assert columns[0] > 0 and columns[-1] < WIDTH - 1
    assert len(columns) == pytest.approx(560 * WIDTH / 572, abs=3)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 300), st.integers(1, 300), st.sampled_from(["black", "white", "noise"]), st.integers(0, 9))
def test_any_picture_gives_one(height, width, kind, seed):
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    image = {"black": np.zeros_like(noise), "white": np.full_like(noise, 255), "noise": noise}[kind]
    picture = coarse_picture(image)
    assert picture.ink.shape == (HEIGHT, WIDTH) and picture.ink.dtype == np.uint8
    assert np.isfinite(picture.matrix).all()
    if kind != "noise":
        assert not picture.ink.any()


@pytest.mark.parametrize("tall", [False, True])
def test_the_coarse_picture_keeps_ink_drops_a_pale_grid_and_says_where_it_came_from(tall):
    image = np.full((900, 1200, 3), 235, np.uint8)
    image[::40], image[:, ::40] = (240, 170, 170), (240, 170, 170)
    # Shadow, as a photograph has.
    image = (image * np.linspace(0.6, 1.0, 1200)[None, :, None]).astype(np.uint8)
    cv2.circle(image, (300, 450), 12, (10, 10, 10), -1)
    cv2.rectangle(image, (900, 300), (960, 400), (10, 10, 10), -1)
    if tall:
        image = np.ascontiguousarray(np.rot90(image[:, 100:1000], 1))
        image = np.pad(image, ((200, 200), (0, 0), (0, 0)), constant_values=140)
    picture = coarse_picture(image)
    assert 0.005 < (picture.ink > 60).mean() < 0.12
    dark = np.argwhere(image.max(axis=2) < 30)[:, ::-1]
    at = np.rint(dark @ picture.matrix[:, :2].T + picture.matrix[:, 2]).astype(int)
    inside = ((at >= 0) & (at < (WIDTH, HEIGHT))).all(axis=1)
    assert inside.mean() > 0.95
    assert (picture.ink[at[inside, 1], at[inside, 0]] > 120).mean() > 0.8


def test_what_lies_beyond_the_page_is_empty():
    picture = place(np.full((50, 80), 255, np.uint8), (-40.0, -20.0, 40.0, 30.0), 1.0)
    assert (picture.ink == 255).sum() == 50 * 80
    corner = picture.matrix @ (0.0, 0.0, 1.0)
    assert picture.ink[tuple(np.rint(corner[::-1]).astype(int))] == 255
    assert corner == pytest.approx(((WIDTH - 1) / 2, (HEIGHT - 1) / 2 - 5), abs=1)
