from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import digitize.geometry.grid
from digitize.geometry.flatten import FlatPicture
from digitize.geometry.grid import find_grid
from digitize.geometry.mapping import project, scale_at, to_paper, turned
from digitize.pages.page import load_page
from digitize.records.placement import Grid
from papertrace.datasets.ptbxl import data_folder
from papertrace.synth import render_page
from tests.digitize.dotted import on_dotted_grid

SHAPE = (600, 900)


def draw_page(
    per_mm: float | tuple[float, float] = 4.0,
    rotation: float = 0.0,
    *,
    shape: tuple[int, int] = SHAPE,
    minor: float = 0.35,
    major: float = 0.7,
    dots: bool = False,
    warp: NDArray[np.float64] | None = None,
) -> NDArray[np.uint8]:
    """Pink grid whose 5 mm node lies on pixel (0, 0), with a wavy black trace; `warp` (h, w, 2) is added in mm."""
    height, width = shape
    x_per_mm, y_per_mm = (per_mm, per_mm) if isinstance(per_mm, float) else per_mm
    y, x = np.mgrid[:height, :width].astype(float)
    turn = np.radians(rotation)
    along = (np.cos(turn) * x + np.sin(turn) * y) / x_per_mm
    down = (-np.sin(turn) * x + np.cos(turn) * y) / y_per_mm
    if warp is not None:
        along, down = along + warp[..., 0], down + warp[..., 1]

    def line(place: NDArray[np.float64], pitch: float, half: float, scale: float) -> NDArray[np.float64]:
        distance = np.abs((place / pitch + 0.5) % 1.0 - 0.5) * pitch
        return np.clip((half - distance) * scale + 0.5, 0.0, min(1.0, 2 * half * scale))

    fine = [line(place, 1.0, 0.08, scale) for place, scale in ((along, x_per_mm), (down, y_per_mm))]
    coarse = [line(place, 5.0, 0.15, scale) for place, scale in ((along, x_per_mm), (down, y_per_mm))]
    level = np.maximum(major * np.maximum(*coarse), minor * (np.minimum(*fine) if dots else np.maximum(*fine)))
    page = 255 - level[..., None] * np.array([20, 110, 90])
    columns = np.arange(width)
    for row in (0.3, 0.7):
        trace = row * height + 12 * np.sin(columns / 17) - 40 * np.exp(-(((columns % 160) - 80) ** 2) / 18)
        points = np.stack([columns, trace], axis=1).astype(np.int32)
        cv2.polylines(page, [points], False, (20.0, 20.0, 20.0), 2)
    return page.round().astype(np.uint8)


def place(grid: Grid, points: NDArray[np.float64], shape: tuple[int, int] = SHAPE) -> NDArray[np.float64]:
    """Millimeters under pixels, bend included."""
    return to_paper(points, grid.matrix, grid.bend, shape)


def scale(grid: Grid, shape: tuple[int, int] = SHAPE) -> tuple[float, float]:
    """Pixels a millimeter along time and along voltage in the picture's middle."""
    return scale_at(grid.matrix, (shape[1] / 2, shape[0] / 2))[:2]


def found(page: NDArray[np.uint8]) -> Grid:
    grid = find_grid(page)
    assert grid is not None
    assert np.isfinite(grid.matrix).all() and np.isfinite(grid.bend).all()
    return grid


@settings(max_examples=12, deadline=None)
@given(per_mm=st.floats(3.2, 11.0), rotation=st.floats(-10.0, 10.0))
def test_pitch_and_rotation(per_mm, rotation):
    grid = found(draw_page(per_mm, rotation))
    assert scale(grid) == pytest.approx((per_mm, per_mm), rel=3e-3)
    assert scale_at(grid.matrix, (450.0, 300.0))[2] == pytest.approx(rotation, abs=0.05)
    assert 0 < grid.certainty <= 1


@pytest.mark.parametrize("per_mm", [2.835, 3.937, 5.906, 7.874])
def test_lines_stand_on_whole_millimeters_and_wide_ones_on_fives(per_mm):
    grid = found(draw_page(per_mm))
    distance = (place(grid, np.array([[0.0, 0.0], [per_mm * 50, per_mm * 25]])) / 5 + 0.5) % 1 - 0.5
    assert np.abs(distance * 5).max() < 0.06


def test_directions_may_differ_in_scale():
    assert scale(found(draw_page((4.0, 4.04)))) == pytest.approx((4.0, 4.04), rel=1e-3)


def test_dotted_grid():
    grid = found(draw_page(5.0, 1.0, minor=0.7, dots=True))
    assert scale(grid) == pytest.approx((5.0, 5.0), rel=1e-3)


@pytest.mark.parametrize(("faint", "quality"), [(0.2, 90), (0.8, 90), (0.4, 75)])
def test_dots_half_a_millimeter_apart_on_5_mm_lines(faint, quality):
    shape = (800, 1100)
    page = draw_page(6.0, shape=shape, minor=0.0, major=0.0)
    grid = found(on_dotted_grid(page, 7.94, faint=faint, quality=quality))
    assert scale(grid, shape) == pytest.approx((7.94, 7.94), rel=2e-3)


def test_a_grid_of_a_known_pitch(recording):
    """Dots half a millimeter apart look like millimeters where only 5 mm lines have them."""
    per_mm = 240 / 25.4
    page = render_page(recording, 500, grid="none", paper="A4", dpi=240).image
    page = on_dotted_grid(page, per_mm, faint=0.0, quality=90)
    grid = find_grid(page, 0.97 * per_mm)
    assert grid is not None
    assert scale(grid, page.shape[:2]) == pytest.approx((per_mm, per_mm), rel=1e-3)
    assert find_grid(draw_page(6.0), 4.2) is None


def test_a_dotted_grid_is_not_followed_on_half_of_its_millimeters(recording):
    page = render_page(recording, 500, grid="none", paper="A4", dpi=200).image
    grid = found(on_dotted_grid(page, 7.94, faint=0.45, quality=88))
    assert scale(grid, page.shape[:2]) == pytest.approx((7.94, 7.94), rel=1e-3)
    assert scale_at(grid.matrix, (1100.0, 800.0))[2] == pytest.approx(0.0, abs=0.02)


@pytest.mark.parametrize("name", ["abnormal_HB_122", "normal_Normal_194"])
def test_dotted_grids_of_a_device(name):
    """The first was followed with its time axis twice too fine, the second along its diagonals."""
    path = data_folder().parent / "real-pages" / "devices" / f"{name}.jpg"
    if not path.is_file():
        pytest.skip(f"{path} is not there; set PAPERTRACE_DATA")
    page = load_page(path).image
    grid = found(page)
    assert scale(grid, page.shape[:2]) == pytest.approx((7.94, 7.94), rel=3e-3)
    assert scale_at(grid.matrix, (1100.0, 800.0))[2] == pytest.approx(0.0, abs=0.1)


BASES = {
    "half in time": [[2, 0], [0, 1]],
    "half in voltage": [[1, 0], [0, 2]],
    "half in both": [[2, 0], [0, 2]],
    "twice in time": [[0.5, 0], [0, 1]],
    "one diagonal": [[1, 0], [-1, 1]],
    "both diagonals": [[1, 1], [-1, 1]],
}


@pytest.mark.parametrize("basis", BASES.values(), ids=BASES)
@pytest.mark.parametrize("turns", range(4))
def test_followed_lattices_keep_the_basis_and_the_turn_of_a_flat_fit(monkeypatch, basis, turns):
    """However well it is followed; one that is bent or stretched a little is no other basis."""
    flat = found(draw_page())
    known = digitize.geometry.grid._Fit(flat, 0.5)
    laid = FlatPicture(draw_page(), np.eye(3), np.zeros((2, 2, 2), np.float32), SHAPE)
    followed = turned(flat, turns)

    def fit(change: list[list[float]]) -> digitize.geometry.grid._Fit | None:
        matrix = np.eye(3)
        matrix[:2, :2] = change
        other = digitize.geometry.grid._Fit(replace(followed, matrix=matrix @ followed.matrix), 0.99)
        monkeypatch.setattr(digitize.geometry.grid, "_find_flat", lambda *_: other)
        return digitize.geometry.grid._fit_laid_flat(laid, 1.0, known)

    assert fit(basis) is None
    same = fit([[1.04, 0.02], [-0.03, 0.96]])
    assert same is not None and same.agreement == 0.99
    assert scale(same.grid) == pytest.approx((4.0, 4.0), rel=0.06)
    assert abs(scale_at(same.grid.matrix, (450.0, 300.0))[2]) < 3.0


def test_lines_of_5_mm_only():
    grid = found(draw_page(4.3, minor=0.0))
    assert scale(grid) == pytest.approx((4.3, 4.3), rel=1e-3)
    assert grid.line_mm == 5.0


def test_lines_of_1_mm_only():
    grid = found(draw_page(4.3, major=0.35))
    assert scale(grid) == pytest.approx((4.3, 4.3), rel=1e-3)
    assert grid.line_mm == 1.0


def test_lines_rounded_to_whole_pixels_are_not_taken_for_wider_ones():
    shape = (1200, 1800)
    page = np.full((*shape, 3), 255, np.uint8)
    for side, count in enumerate(shape):
        lines = np.rint(np.arange(0, count - 1, 7.874)).astype(int)
        page[(slice(None), lines) if side else lines] = (250, 170, 170)
    assert scale(found(page)) == pytest.approx((7.874, 7.874), rel=1e-3)


def test_grid_in_a_box_on_blank_paper():
    page = np.full((800, 1200, 3), 255, np.uint8)
    page[300:600, 100:700] = draw_page(4.0)[:300, :600]
    assert scale(found(page)) == pytest.approx((4.0, 4.0), rel=1e-3)


def test_large_pages_are_placed_in_their_own_pixels():
    shape = (1500, 3000)
    grid = found(draw_page(10.0, shape=shape))
    distance = (place(grid, np.array([[0.0, 0.0], [2500.0, 1000.0]]), shape) + 0.5) % 1 - 0.5
    assert scale(grid) == pytest.approx((10.0, 10.0), rel=1e-3)
    assert np.abs(distance).max() < 0.06


def test_bend_is_recovered():
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(float)
    warp = 0.25 * np.stack([np.sin(2 * np.pi * y / 700), np.cos(2 * np.pi * x / 900)], axis=2)
    grid = found(draw_page(4.0, warp=warp))
    points = np.stack(np.meshgrid(np.arange(60.0, 850, 60), np.arange(60.0, 550, 60)), axis=2).reshape(-1, 2)
    column, row = points.astype(int).T
    truth = points / 4.0 + warp[row, column]
    error = place(grid, points) - truth
    error -= np.round(np.median(error, axis=0))
    assert np.percentile(np.abs(error), 95) < 0.13
    straight = project(grid.matrix, points) - truth
    straight -= np.round(np.median(straight, axis=0))
    assert np.sqrt((error**2).mean()) < 0.5 * np.sqrt((straight**2).mean())


def test_gray_and_black_and_white_pages():
    page = draw_page(6.0, 2.0, minor=0.8, major=1.0)
    gray = page.min(axis=2)
    for plane in (gray, np.where(gray < 200, 0, 255).astype(np.uint8)):
        grid = found(np.repeat(plane[..., None], 3, axis=2))
        assert scale(grid) == pytest.approx((6.0, 6.0), rel=3e-3)


def _blank() -> NDArray[np.uint8]:
    return np.full((*SHAPE, 3), 255, np.uint8)


def _noise() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (*SHAPE, 3)).astype(np.uint8)


def _smooth_texture() -> NDArray[np.uint8]:
    return cv2.normalize(cv2.GaussianBlur(_noise(), (0, 0), 4.0), None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


def _text() -> NDArray[np.uint8]:
    page = _blank()
    rng = np.random.default_rng(1)
    for y in range(30, SHAPE[0], 22):
        letters = "".join(rng.choice(list("abcdefghij klmnop")) for _ in range(70))
        cv2.putText(page, letters, (20, y), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
    return page


def _ruled() -> NDArray[np.uint8]:
    page = _blank()
    page[::8] = (180, 180, 240)
    return page


@pytest.mark.parametrize("make", [_blank, _noise, _smooth_texture, _text, _ruled], ids=lambda make: make.__name__[1:])
def test_no_grid(make):
    assert find_grid(make()) is None


def test_traces_alone_are_no_grid():
    assert find_grid(draw_page(4.0, minor=0.0, major=0.0)) is None


def test_page_is_not_modified():
    page = draw_page(4.0)
    before = page.copy()
    find_grid(page)
    assert np.array_equal(page, before)


def test_creased_paper_is_followed_into_its_ridges():
    y, x = np.mgrid[:1000, :1400].astype(float)
    # Ridges 40 mm apart push lines aside by up to an eighth of a millimeter; the smooth bend leaves 0.033 mm of it.
    pushed = x + 2.0 * np.abs((x + 0.4 * y) / 320 % 1 - 0.5)
    lines = np.maximum(*(np.clip(1 - np.abs((place + 4) % 8 - 4) / 1.2, 0, 1) for place in (pushed, y)))
    grid = find_grid(np.repeat((250 - 80 * lines)[..., None], 3, axis=2).astype(np.uint8))
    assert grid is not None
    places = np.stack(np.meshgrid(np.arange(100, 1300, 7), np.arange(100, 900, 7)), axis=2)
    found = to_paper(places.astype(float), grid.matrix, grid.bend, lines.shape)[..., 0]
    assert np.std(found - pushed[places[..., 1], places[..., 0]] / 8) < 0.027


def test_lines_that_were_followed_to_a_point_are_no_grid(monkeypatch):
    flat = digitize.geometry.grid.lay_flat
    monkeypatch.setattr(digitize.geometry.grid, "_find_flat", lambda *_: None)

    def to_a_point(*arguments: Any) -> Any:
        whole = flat(*arguments)
        return replace(whole, image=whole.image[:1, :1])

    monkeypatch.setattr(digitize.geometry.grid, "lay_flat", to_a_point)
    assert find_grid(cv2.resize(draw_page(), (2600, 1900))) is None
