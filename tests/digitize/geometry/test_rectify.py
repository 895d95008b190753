from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from digitize.geometry.mapping import project
from digitize.geometry.rectify import TILE_MM, rectify
from digitize.records.upright import PIXELS_PER_MM


def matrix_of(
    pixels_per_mm: float, degrees: float = 0.0, shift: tuple[float, float] = (0.0, 0.0)
) -> NDArray[np.float64]:
    """Pixels of a picture to millimeters: scaled and turned."""
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) / pixels_per_mm
    return np.vstack([np.column_stack([turn, shift]), [0.0, 0.0, 1.0]])


def dots(shape: tuple[int, int], places: NDArray[np.float64], radius: float) -> NDArray[np.uint8]:
    """White picture with soft dark dots."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    ink = sum(np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * radius**2)) for px, py in places)
    return np.repeat(np.rint(255 * (1 - np.clip(ink, 0, 1)))[..., None], 3, axis=2).astype(np.uint8)


def center_of_dot(image: NDArray[np.uint8], near: NDArray[np.float64], reach: int = 14) -> NDArray[np.float64]:
    """Center of mass of the ink around a place."""
    left, top = np.rint(near).astype(int) - reach
    ink = 255.0 - image[top : top + 2 * reach + 1, left : left + 2 * reach + 1, 0]
    y, x = np.mgrid[: ink.shape[0], : ink.shape[1]]
    return np.array([left + (ink * x).sum() / ink.sum(), top + (ink * y).sum() / ink.sum()])


PLACES = np.array([[60.0, 50.0], [240.3, 90.7], [330.6, 220.2], [100.5, 240.0], [200.0, 150.0]])


@pytest.mark.parametrize("pixels_per_mm", [3.9, 7.87, 11.8])
@pytest.mark.parametrize("degrees", [0.0, 3.0, -7.0])
def test_to_original_inverts_the_mapping(pixels_per_mm, degrees):
    image = dots((300, 400), PLACES, 2.0)
    matrix = matrix_of(pixels_per_mm, degrees, (3.0, -8.0))
    page = rectify(image, matrix)
    corners = np.array([[0, 0], [400, 0], [0, 300], [400, 300]], float)
    corners = project(matrix, corners)
    origin = np.floor(corners.min(axis=0) / TILE_MM + 0.02) * TILE_MM
    expected = (project(matrix, PLACES) - origin) * PIXELS_PER_MM
    found = np.array([center_of_dot(page.image, place) for place in expected])
    assert np.abs(found - expected).max() < 0.15
    assert np.abs(page.to_original(expected) - PLACES).max() < 0.01
    assert page.image.shape[:2] == page.inside.shape
    columns, rows = np.rint(expected).astype(int).T
    assert page.inside[rows, columns].all()


def test_bend_is_honored():
    shape = (300, 400)
    y, x = np.mgrid[: shape[0], : shape[1]]
    bend = np.stack([0.8 * np.sin(y / 60), 1.2 * np.sin(x / 90)], axis=2).astype(np.float32)
    image = dots(shape, PLACES, 2.0)
    matrix = matrix_of(7.87)
    page = rectify(image, matrix, bend)
    departure = np.array([bend[round(py), round(px)] for px, py in PLACES])
    expected = (PLACES / 7.87 + departure) * PIXELS_PER_MM
    found = np.array([center_of_dot(page.image, place) for place in expected])
    plain = np.array([center_of_dot(rectify(image, matrix).image, place) for place in PLACES / 7.87 * PIXELS_PER_MM])
    assert np.abs(found - expected).max() < 0.2
    assert np.abs(page.to_original(expected) - PLACES).max() < 0.15
    assert np.abs(plain - expected).max() > 4


def test_a_coarse_bend_is_the_fine_one():
    y, x = np.mgrid[:300, :400]
    fine = np.stack([0.004 * x, 0.002 * y + 0.001 * x], axis=2).astype(np.float32)
    coarse = cv2.resize(fine, (40, 30), interpolation=cv2.INTER_AREA)
    matrix = matrix_of(7.87)
    points = PLACES / 7.87 * PIXELS_PER_MM
    image = np.zeros((300, 400, 3), np.uint8)
    same = rectify(image, matrix, coarse).to_original(points) - rectify(image, matrix, fine).to_original(points)
    assert np.abs(same).max() < 0.1


def test_down_scaling_does_not_alias():
    image = np.full((1200, 1200, 3), 255, np.uint8)
    image[:, ::3] = 0
    page = rectify(image, matrix_of(25.0))
    middle = page.image[40:-40, 40:-40, 0].astype(float)
    assert abs(middle.mean() - 170) < 2
    # Picking pixels would leave the stripes as strong as they were, at a wrong pitch.
    assert middle.std() < 0.12 * image.std()


def test_lines_stay_where_they_are_when_scaled_down():
    image = np.full((1200, 1200, 3), 255, np.uint8)
    image[:, 600:606] = 0
    ink = 255.0 - rectify(image, matrix_of(23.6)).image[100, :, 0]
    center = (ink * np.arange(len(ink))).sum() / ink.sum()
    assert abs(center - 602.5 / 2.36) < 0.05


def test_outside_the_picture_is_marked():
    page = rectify(np.zeros((300, 400, 3), np.uint8), matrix_of(7.87, 10.0))
    inside = page.inside.mean() * page.inside.size / (300 * 400 * (PIXELS_PER_MM / 7.87) ** 2)
    assert abs(inside - 1) < 0.02
    corner = page.to_original(np.array([[0.0, 0.0]]))[0]
    assert not page.inside[0, 0] and (corner < 0).any()


def test_origin_lies_on_a_line_and_a_page_that_starts_on_one_gains_no_tile():
    page = rectify(np.zeros((300, 400, 3), np.uint8), matrix_of(10.0, shift=(-0.05, 7.0)))
    assert page.image.shape == (300 + 20, 400, 3)


def test_many_points_and_none_and_unknown_ones():
    page = rectify(np.zeros((300, 400, 3), np.uint8), matrix_of(7.87))
    points = np.random.default_rng(0).uniform(0, 300, (100_001, 2))
    assert np.allclose(page.to_original(points), points / PIXELS_PER_MM * 7.87, atol=0.01)
    assert page.to_original(np.zeros((0, 2))).shape == (0, 2)
    unknown = page.to_original(np.array([[3.0, np.nan], [10.0, 10.0]]))
    assert np.isnan(unknown[0]).all() and np.isfinite(unknown[1]).all()


def test_inputs_are_not_modified():
    image = dots((300, 400), PLACES, 2.0)
    bend = np.full((30, 40, 2), 0.3, np.float32)
    matrix = matrix_of(20.0, 2.0)
    copies = image.copy(), matrix.copy(), bend.copy()
    page = rectify(image, matrix, bend)
    points = PLACES.copy()
    page.to_original(points)
    for now, before in zip((image, matrix, bend, points), (*copies, PLACES), strict=True):
        assert np.array_equal(now, before)
