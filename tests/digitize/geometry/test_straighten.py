from __future__ import annotations

import cv2
import numpy as np
import pytest

from digitize.geometry.mapping import to_paper
from digitize.geometry.rectify import rectify
from digitize.geometry.straighten import carry, straighten
from digitize.records.placement import Grid

SHAPE = (1600, 2300)
MATRIX = np.array([[0.118, 0.003, 2.0], [-0.003, 0.118, 1.0], [0.0, 0.0, 1.0]])


def flat_grid() -> Grid:
    return Grid(MATRIX, np.zeros((8, 8, 2), np.float32), 1.0, 1.0)


def waves(points: np.ndarray, depth: float) -> np.ndarray:
    """Millimeters by which paper is off at places of it, shape (..., 2)."""
    x, y = points[..., 0], points[..., 1]
    return depth * np.stack([np.sin(x / 40 + y / 25), np.cos(x / 30 - y / 45)], axis=-1)


def lines_of(upright, grid: Grid, depth: float) -> tuple[np.ndarray, np.ndarray]:
    """Draw the 5 mm lines of waved paper onto an upright page."""
    height, width = upright.inside.shape
    step = 20
    # OpenCV enlarges about the middles of pixels: with this half, the nodes come to lie on whole ones.
    y, x = (np.arange(0, side, step) + 0.5 for side in (height, width))
    points = np.stack(np.meshgrid(x, y), axis=-1)
    picture = upright.to_original(points.reshape(-1, 2)).astype(np.float64)
    paper = to_paper(picture[:, None], grid.matrix, None, SHAPE)[:, 0].reshape(points.shape)
    paper = paper + waves(paper, depth)
    dense = cv2.resize(paper.astype(np.float32), None, fx=step, fy=step, interpolation=cv2.INTER_LINEAR)
    shift = (step - 1) // 2
    dense = np.pad(dense, ((0, step), (0, step), (0, 0)), mode="edge")[shift : shift + height, shift : shift + width]
    off = np.abs((dense + 2.5) % 5 - 2.5) * 10
    drawn = (np.clip(2.0 - off, 0, 1) * 255).astype(np.uint8)
    return np.ascontiguousarray(drawn[..., 0]), np.ascontiguousarray(drawn[..., 1])


@pytest.mark.parametrize("depth", [0.0, 0.6, 1.2])
def test_waved_paper_is_straightened(depth):
    grid = flat_grid()
    upright = rectify(np.zeros((*SHAPE, 3), np.uint8), grid.matrix, grid.bend)
    straight = straighten(grid, upright, lines_of(upright, grid, depth), SHAPE)
    places = np.stack(np.meshgrid(np.arange(100.0, 2200, 37), np.arange(100.0, 1500, 37)), axis=-1)
    true = to_paper(places, grid.matrix, None, SHAPE)
    true = true + waves(true, depth)
    before = np.hypot(*(to_paper(places, grid.matrix, grid.bend, SHAPE) - true).reshape(-1, 2).T)
    after = np.hypot(*(to_paper(places, straight.matrix, straight.bend, SHAPE) - true).reshape(-1, 2).T)
    assert np.sqrt((before**2).mean()) == pytest.approx(depth, abs=0.15 * depth + 0.01)
    assert np.sqrt((after**2).mean()) * 10 < 0.1 + 0.6 * depth, "pixels of the upright page"


def folded(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Millimeters by which paper is off that was folded: cells near x = 100 are half as wide, and lean below y = 90."""
    middle = 100 + np.maximum(y - 90, 0) * 0.3
    return 7.5 * np.clip((x - middle) / 7.5, -1, 1)


def test_a_fold_that_hides_cells_is_counted_out():
    """The flat grid has three cells too few across the fold: no offset from the nearest line tells it."""
    grid = flat_grid()
    upright = rectify(np.zeros((*SHAPE, 3), np.uint8), grid.matrix, grid.bend)
    height, width = upright.inside.shape
    x, y = np.meshgrid(np.arange(width) / 10, np.arange(height) / 10)
    lines = []
    for own in (x + folded(x, y), y):
        off = np.abs((own + 2.5) % 5 - 2.5) * 10
        lines.append((np.clip(2.0 - off, 0, 1) * 255).astype(np.uint8))
    straight = straighten(grid, upright, (lines[0], lines[1]), SHAPE)
    places = np.stack(np.meshgrid(np.arange(100.0, 2200, 37), np.arange(100.0, 1500, 37)), axis=-1)
    flat, bent = (to_paper(places, grid.matrix, own.bend, SHAPE) for own in (grid, straight))
    origin = to_paper(upright.nodes[:1, :1].astype(np.float64), grid.matrix, None, SHAPE)[0, 0]
    upright_mm = flat - np.round(origin / 5) * 5
    off = (bent - flat)[..., 0] - folded(upright_mm[..., 0], upright_mm[..., 1])
    # Where the paper as a whole lies is told by its lines only to a multiple of 5 mm.
    off -= np.round(np.median(off) / 5) * 5
    assert np.median(np.abs(off)) < 0.05
    assert np.percentile(np.abs(off), 95) < 1.0
    assert np.abs(off).max() < 2.5, "no cell is lost"


def test_finer_lines_are_not_counted():
    """Where 1 mm lines are as dark here and there, the strongest line within each cell is the 5 mm line."""
    grid = flat_grid()
    upright = rectify(np.zeros((*SHAPE, 3), np.uint8), grid.matrix, grid.bend)
    rng = np.random.default_rng(2)
    lines = lines_of(upright, grid, 0.0)
    for line in (lines[0], lines[1].T):
        for fine in range(10, line.shape[1], 10):
            for start in range(0, len(line), 20):
                line[start : start + 20, fine] |= np.uint8(200 * (rng.random() < 0.5))
    straight = straighten(grid, upright, lines, SHAPE)
    assert np.abs(straight.bend).max() < 0.1


def test_lines_that_were_drawn_on_whole_pixels_do_not_bend_the_paper():
    grid = flat_grid()
    upright = rectify(np.zeros((*SHAPE, 3), np.uint8), grid.matrix, grid.bend)
    height, width = upright.inside.shape
    rng = np.random.default_rng(5)
    lines = []
    for side, other in ((width, height), (height, width)):
        own = np.zeros((other, side), np.uint8)
        for line in range(50, side - 50, 50):
            # By chance a shade more on one side or the other.
            at = line + round(rng.uniform(-2.4, 2.4))
            own[:, line - 1 : line + 2] = 255
            own[:, line + int(np.sign(at - line)) * 2] = 128 if at != line else 0
        lines.append(own)
    straight = straighten(grid, upright, (lines[0], np.ascontiguousarray(lines[1].T)), SHAPE)
    assert np.abs(straight.bend).max() < 0.02


def test_strokes_and_gaps_do_not_bend_it():
    grid = flat_grid()
    upright = rectify(np.zeros((*SHAPE, 3), np.uint8), grid.matrix, grid.bend)
    lines = lines_of(upright, grid, 0.0)
    for line in lines:
        line[300:600, 400:1100] = 0
        line[:, 1517:1520] = 255
        line[713:716] = 255
    straight = straighten(grid, upright, lines, SHAPE)
    assert np.abs(straight.bend).max() < 0.1


def test_without_lines_it_stays():
    grid = flat_grid()
    upright = rectify(np.zeros((*SHAPE, 3), np.uint8), grid.matrix, grid.bend)
    none = np.zeros(upright.inside.shape, np.uint8)
    assert straighten(grid, upright, (none, none), SHAPE) is grid


def test_maps_are_carried_to_where_the_lines_run_now():
    grid = flat_grid()
    blank = np.zeros((*SHAPE, 3), np.uint8)
    upright = rectify(blank, grid.matrix, grid.bend)
    lines = lines_of(upright, grid, 1.0)
    straight = straighten(grid, upright, lines, SHAPE)
    after = rectify(blank, straight.matrix, straight.bend)
    carried = carry(np.stack(lines), (grid, upright), after, SHAPE)
    assert carried.shape == (2, *after.inside.shape)
    inner = carried[:, 200:-200, 200:-200].astype(float)
    across, down = inner[0].mean(axis=0), inner[1].mean(axis=1)
    for profile in (across, down):
        at = np.flatnonzero(profile > 0.5 * profile.max()) + 200
        assert (np.abs((at + 25) % 50 - 25) <= 1).all(), "every line stands on a multiple of 5 mm"
