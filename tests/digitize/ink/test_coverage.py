from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from digitize.ink.coverage import find_ink
from digitize.ink.runs import find_runs
from digitize.records.upright import UprightPage

HEIGHT, WIDTH = 700, 1000
BLACK, GRAY = (20, 20, 20), (95, 95, 95)
PEN_RADIUS = 2.0
GRIDS = {
    "red": ((250, 195, 190), (235, 130, 125)),
    "gray": ((225, 225, 225), (190, 190, 190)),
    "dark olive": ((150, 150, 95), (105, 105, 55)),
}


def wave(phase: float = 0.0) -> NDArray[np.float64]:
    """Rows of a curve that passes every sub-pixel position, and grid lines at every angle to it."""
    x = np.arange(WIDTH)
    return 345 + phase + 60 * np.sin(x / 70) + 0.013 * x


def stroke(y: NDArray[np.float64], radius: float = PEN_RADIUS) -> NDArray[np.float64]:
    """Coverage of a pen of that radius along a curve, column by column: sub-pixel edges."""
    across = np.abs(np.arange(HEIGHT)[:, None] - y) / np.hypot(1, np.gradient(y))
    return np.clip(radius + 0.5 - across, 0.0, 1.0)


def paper_with_grid(colors: tuple[tuple[int, int, int], ...] | None) -> NDArray[np.float64]:
    """White paper with 1 mm and 5 mm lines of about a pixel and a half."""
    paper = np.full((HEIGHT, WIDTH, 3), 252.0)
    for color, pitch in zip(colors or (), (10, 50), strict=False):
        for axis, side in enumerate((HEIGHT, WIDTH)):
            away = np.abs((np.arange(side) + pitch / 2) % pitch - pitch / 2)
            share = np.expand_dims(np.clip(1.25 - away, 0.0, 1.0), (1 - axis, 2))
            paper = np.where(share > 0, np.minimum(paper, paper * (1 - share) + share * np.array(color)), paper)
    return paper


def draw(paper: NDArray[np.float64], coverage: NDArray[np.float64], pen: tuple[int, int, int]) -> NDArray[np.float64]:
    return paper * (1 - coverage[..., None]) + coverage[..., None] * np.array(pen)


def upright(image: NDArray[np.float64], noise: float = 1.5) -> UprightPage:
    noisy = image + np.random.default_rng(3).normal(0.0, noise, image.shape)
    pixels = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
    return UprightPage(pixels, np.ones(pixels.shape[:2], bool), np.zeros((1, 1, 2), np.float32))


def edge_errors(coverage: NDArray[np.float32], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance in pixels of the found edges from the drawn ones, for the columns away from the rim."""
    keep = np.abs(np.arange(HEIGHT)[:, None] - y) < 12
    runs = find_runs(np.where(keep, coverage, np.float32(0.0)), 0.5)
    columns = slice(10, -10)
    assert (runs.count[columns] == 1).all()
    half = PEN_RADIUS * np.hypot(1, np.gradient(y))
    return np.abs(np.stack([runs.top[:, 0] - (y - half), runs.bottom[:, 0] - (y + half)]))[:, columns]


@pytest.mark.parametrize("pen", [BLACK, GRAY], ids=["black pen", "gray pen"])
@pytest.mark.parametrize("grid", GRIDS)
def test_coverage_and_edges_are_those_that_were_drawn(grid, pen):
    truth = stroke(wave())
    ink = find_ink(upright(draw(paper_with_grid(GRIDS[grid]), truth, pen)), tiled=True)
    away_from_rim = np.s_[10:-10, 10:-10]
    assert np.abs(ink.coverage - truth)[away_from_rim][truth[away_from_rim] > 0].mean() < 0.04
    assert ink.coverage[truth == 0].max() < 0.5
    assert ink.coverage[truth == 0].mean() < 1e-3
    assert np.allclose(np.array(ink.pen) * 252, pen, atol=6)
    assert edge_errors(ink.coverage, wave()).mean() < 0.1


@pytest.mark.parametrize("fraction", [0.0, 0.3, 0.5, 0.8])
def test_edges_of_a_level_pen_at_every_fraction_of_a_pixel(fraction):
    y = np.full(WIDTH, 354.0 + fraction)
    ink = find_ink(upright(draw(paper_with_grid(GRIDS["red"]), stroke(y), BLACK)), tiled=True)
    assert edge_errors(ink.coverage, y).mean() < 0.1


def test_shade_does_not_move_edges():
    truth = stroke(wave())
    shade = np.linspace(1.0, 0.5, WIDTH) * np.linspace(0.9, 1.0, HEIGHT)[:, None]
    ink = find_ink(upright(draw(paper_with_grid(GRIDS["red"]), truth, BLACK) * shade[..., None], noise=0.5), tiled=True)
    assert edge_errors(ink.coverage, wave()).mean() < 0.1
    assert ink.coverage[truth == 0].max() < 0.2


def test_a_blot_is_not_ink_and_a_stroke_through_it_is():
    away = np.abs(np.arange(WIDTH) - 500.0)
    shade = 1 - 0.6 * np.exp(-((away / 25) ** 2)) * (np.arange(HEIGHT)[:, None] > 250)
    page = draw(paper_with_grid(None), stroke(wave()), BLACK) * shade[..., None]
    coverage = find_ink(upright(page, noise=10.0), tiled=False).coverage
    path = np.rint(wave()[480:520]).astype(int)
    assert coverage[path, np.arange(480, 520)].min() > 0.6
    assert coverage[450:650, 480:520].mean() < 0.2


@pytest.mark.parametrize("table", [35, 110])
def test_dark_table_around_the_page_is_neither_paper_nor_ink(table):
    truth = stroke(wave())
    image = draw(paper_with_grid(GRIDS["red"]), truth, BLACK)
    image[:120] = image[:, :150] = table
    ink = find_ink(upright(image), tiled=True)
    assert not ink.paper[:115].any() and not ink.paper[:, :145].any()
    assert ink.paper[130:, 160:].mean() > 0.999
    assert ink.coverage[:140].max() < 0.1 and ink.coverage[:, :150].max() < 0.1
    assert np.abs(ink.coverage - truth)[130:-10, 160:-10].mean() < 0.005


def test_a_pale_pen_is_found_by_its_own_color():
    pale = (165, 165, 165)
    image = draw(paper_with_grid(GRIDS["red"]), stroke(wave()), pale)
    ink = find_ink(upright(image), tiled=True)
    assert np.allclose(np.array(ink.pen) * 252, pale, atol=6)
    assert edge_errors(ink.coverage, wave()).mean() < 0.15


def test_black_text_beside_a_gray_pen_is_ink_and_does_not_set_the_pen():
    text = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.putText(text, "V1", (450, 110), cv2.FONT_HERSHEY_SIMPLEX, 1.0, 255, 3, cv2.LINE_AA)
    trace = stroke(wave())
    image = draw(draw(paper_with_grid(GRIDS["red"]), trace, GRAY), text / 255.0, (5, 5, 5))
    ink = find_ink(upright(image), tiled=True)
    assert np.allclose(np.array(ink.pen) * 252, GRAY, atol=6)
    assert ink.coverage[text == 255].min() > 0.9
    assert edge_errors(ink.coverage, wave()).mean() < 0.1


def test_black_and_white_page_whose_grid_is_as_black_as_the_pen():
    drawn = stroke(wave()) > 0.5
    dashes = np.add.outer(np.arange(HEIGHT), np.arange(WIDTH)) % 4 < 2
    lines = (paper_with_grid(GRIDS["red"])[..., 1] < 180) & dashes
    image = np.repeat(np.where(drawn | lines, 0.0, 255.0)[..., None], 3, axis=2)
    ink = find_ink(upright(image, noise=0.0), tiled=True)
    assert ink.coverage[drawn].mean() > 0.8
    assert ink.coverage[~drawn].mean() < 0.005


def test_page_without_grid():
    truth = stroke(wave())
    ink = find_ink(upright(draw(paper_with_grid(None), truth, BLACK)), tiled=False)
    assert edge_errors(ink.coverage, wave()).mean() < 0.1
    assert ink.coverage[truth == 0].max() < 0.1


def test_bare_grid_has_no_ink():
    for colors in GRIDS.values():
        coverage = find_ink(upright(paper_with_grid(colors)), tiled=True).coverage
        assert coverage.max() < 0.3 and coverage.mean() < 1e-3


def test_a_page_of_any_size_and_nothing_is_modified():
    page = upright(draw(paper_with_grid(GRIDS["gray"]), stroke(wave()), BLACK)[:333, :777])
    before = page.image.copy()
    ink = find_ink(page, tiled=True)
    assert ink.coverage.shape == ink.paper.shape == (333, 777)
    assert ink.coverage.dtype == np.float32 and ink.paper.dtype == bool
    assert 0 <= ink.coverage.min() and ink.coverage.max() <= 1
    assert np.array_equal(page.image, before) and page.inside.all()
