from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from digitize.geometry.mapping import project
from digitize.geometry.sheet import find_sheet, sheet_to_millimeters

WIDTH, HEIGHT = 891, 630
CORNERS = np.array([[-0.5, -0.5], [WIDTH - 0.5, -0.5], [WIDTH - 0.5, HEIGHT - 0.5], [-0.5, HEIGHT - 0.5]])


def written() -> NDArray[np.uint8]:
    """A sheet of A4 with rows of pen and print."""
    page = np.full((HEIGHT, WIDTH, 3), 245, np.uint8)
    for y in range(100, 600, 60):
        wave = np.stack([np.arange(40, 860), y + 12 * np.sin(np.arange(40, 860) / 9)], axis=1).astype(np.int32)
        cv2.polylines(page, [wave], False, (20.0, 20.0, 20.0), 2)
        cv2.putText(page, "aVR", (60, y - 20), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (0, 0, 0), 1)
    return page


@pytest.mark.parametrize(
    "bends", [{}, {"tilt": 30.0, "axis": 20.0}, {"tilt": 25.0, "axis": 80.0, "roll": 12.0}], ids=str
)
def test_corners(camera, bends):
    picture, way = camera(written(), **bends)
    found = find_sheet(picture)
    assert found is not None
    assert np.abs(found - way(CORNERS)).max() < 3.0


def test_millimeters_of_a4(camera):
    picture, way = camera(written(), tilt=10.0, axis=30.0)
    found = find_sheet(picture)
    assert found is not None
    inner = np.array([[WIDTH * 0.25, HEIGHT * 0.5], [WIDTH * 0.75, HEIGHT * 0.5]]) - 0.5
    across = np.diff(project(sheet_to_millimeters(found), way(inner)), axis=0)[0]
    assert across == pytest.approx([148.5, 0.0], abs=1.5)


@pytest.mark.parametrize(
    ("size", "millimeters"), [((880, 680), (279.4, 215.9)), ((680, 880), (215.9, 279.4)), ((600, 850), (210.0, 297.0))]
)
def test_the_nearest_format_is_taken(size, millimeters):
    width, height = size
    corners = np.array([[5, 7], [5 + width, 7], [5 + width, 7 + height], [5, 7 + height]], float)
    assert project(sheet_to_millimeters(corners), corners[2]) == pytest.approx(millimeters)


def _cropped() -> NDArray[np.uint8]:
    """A sheet of which the picture shows one edge."""
    picture = np.full((500, 700, 3), 60, np.uint8)
    picture[:, 100:] = 240
    return picture


def _round() -> NDArray[np.uint8]:
    picture = np.full((500, 700, 3), 60, np.uint8)
    cv2.circle(picture, (350, 250), 200, (240.0, 240.0, 240.0), -1)
    return picture


def _small() -> NDArray[np.uint8]:
    picture = np.full((500, 700, 3), 60, np.uint8)
    picture[200:300, 300:420] = 240
    return picture


@pytest.mark.parametrize("make", [written, _cropped, _round, _small], ids=lambda make: make.__name__.strip("_"))
def test_no_sheet(make):
    assert find_sheet(make()) is None


def test_picture_is_not_modified(camera):
    picture, _ = camera(written(), tilt=10.0)
    before = picture.copy()
    find_sheet(picture)
    assert np.array_equal(picture, before)
