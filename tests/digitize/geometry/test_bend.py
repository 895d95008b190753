from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitize.geometry.bend import follow_bend
from digitize.geometry.grid import find_grid


def waves(cycles: np.ndarray) -> np.ndarray:
    return np.exp(2j * np.pi * cycles)


def arch(height: float, shape: tuple[int, int] = (40, 60)) -> np.ndarray:
    """Cycles of a sheet that is bent across and a little along."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    return height * np.sin(np.pi * x / shape[1]) * (0.8 + 0.2 * y / shape[0])


def inner(bend: np.ndarray) -> np.ndarray:
    return bend[4:-4, 4:-4]


@settings(max_examples=25, deadline=None)
@given(height=st.floats(-4, 4), phase=st.floats(-0.5, 0.5))
def test_any_number_of_cycles_is_followed(height, phase):
    cycles = arch(height) + phase
    bend = follow_bend(waves(cycles), 1.0)
    assert bend is not None
    off = inner(bend - cycles)
    assert np.abs(off - np.round(np.median(off))).max() < 0.1


def test_it_lies_around_zero():
    bend = follow_bend(waves(arch(0.4) + 7), 1.0)
    assert bend is not None
    assert abs(np.median(bend)) <= 0.5


def test_hidden_blocks_go_on_as_those_around():
    cycles = arch(2.0)
    grid = waves(cycles)
    grid[15:22, 20:30] = 0
    bend = follow_bend(grid, 1.0)
    assert bend is not None
    off = bend - cycles
    off -= np.round(np.median(off))
    assert np.abs(off[15:22, 20:30]).max() < 0.6
    assert np.abs(inner(off)[:8]).max() < 0.1


def test_of_two_pieces_the_larger_is_followed():
    cycles = arch(2.0)
    grid = waves(cycles)
    grid[:, 44:47] = 0
    grid[:, 47:] *= np.exp(1j)
    bend = follow_bend(grid, 1.0)
    assert bend is not None
    off = bend[4:-4, 4:38] - cycles[4:-4, 4:38]
    assert np.abs(off - np.round(np.median(off))).max() < 0.1


@pytest.mark.parametrize(
    "grid",
    [
        np.zeros((20, 30), complex),
        waves(np.random.default_rng(1).uniform(-0.5, 0.5, (40, 60))),
        np.where(np.arange(60) < 10, 1.0, 0.05) * np.ones((40, 1), complex),
    ],
    ids=["nothing", "noise", "little grid"],
)
def test_what_cannot_be_followed_is_none(grid):
    assert follow_bend(grid, 1.0) is None


def test_the_input_is_not_modified():
    grid = waves(arch(1.0))
    before = grid.copy()
    follow_bend(grid, 1.0)
    np.testing.assert_array_equal(grid, before)


@pytest.mark.parametrize("millimeters", [1.5, 3.0])
def test_lines_of_a_curved_sheet_are_placed(millimeters):
    """A sheet that arches by more than a line: its millimeters are straight again over most of the page."""
    per_mm, shape = 6.0, (1000, 1600)
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    drop = (millimeters * per_mm * np.sin(np.pi * x / shape[1])).astype(np.float32)
    flat = np.full((*shape, 3), 252, np.uint8)
    for mm in range(0, 300):
        width, color = (2, (225, 120, 120)) if mm % 5 == 0 else (1, (240, 185, 185))
        at = round(mm * per_mm)
        flat[at : at + width] = np.minimum(flat[at : at + width], color)
        flat[:, at : at + width] = np.minimum(flat[:, at : at + width], color)
    page = cv2.remap(flat, x, y + drop, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    grid = find_grid(page)
    assert grid is not None
    bend = cv2.resize(grid.bend[..., 1], shape[::-1], interpolation=cv2.INTER_LINEAR)
    found = grid.matrix[1, 0] * x + grid.matrix[1, 1] * y + grid.matrix[1, 2] + bend
    off = (found - (y + drop) / per_mm)[60:-60:20, 60:-60:20]
    off -= np.median(off)
    assert np.percentile(np.abs(off), 90) < 0.1
