"""The pen's way and the ink on the picture are one, whatever the ink is like."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from papertrace.synth import PrintedPage, render_page

FS = 500
BARE = {"header": False, "footer": False, "pulse": "none", "grid": "none", "label_position": "left"}

INKS: dict[str, dict[str, object]] = {
    "plain": {},
    "pale": {"pen_strength": 0.3},
    "faded": {"ink_fade": 0.8},
    "fast": {"pen_thinning": 0.8, "pen_width": 0.4},
    "dead dots along": {"dead_dots": 30},
    "dead dots across": {"dead_dots": 60, "feed": "across"},
    "specks": {"specks": 6.0},
    "whole pixels": {"antialias": False},
    "thermal": {"dot_pitch": 0.125},
    "coarse dots": {"dot_pitch": 0.25, "pen_width": 0.25},
    "old paper": {"yellowing": 0.7, "texture": 10.0},
    "worn out": {"dot_pitch": 0.125, "ink_fade": 0.5, "dead_dots": 10, "specks": 2.0, "texture": 6.0},
}


def bare_page(signal: NDArray[np.float64], dpi: float, rotation: float, ink: str, **knobs: object) -> PrintedPage:
    chosen = {"layout": "6x2", "bed_color": (255,) * 3, **BARE, **INKS[ink], **knobs}
    return render_page(signal, FS, dpi=dpi, rotation=rotation, seed=11, **chosen)


def dot_of(page: PrintedPage) -> float:
    """Side of the dots that are printed wholly or not at all, pixels; 0 where there are none."""
    pitch = page.style.dot_pitch * page.pixels_per_mm
    return max(1.0, pitch) if pitch or not page.style.antialias else 0.0


def darkness_of(page: PrintedPage) -> NDArray[np.float64]:
    """Ink as the picture shows it, 0 to 255, no paper."""
    paper = float(np.median(page.image[..., 1]))
    dark = np.clip(paper - page.image[..., 1], 0, None)
    noise = 60.0 if page.style.texture or page.style.yellowing else 0.0
    return np.where(dark > noise, dark, 0.0)


def offsets(page: PrintedPage, darkness: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ink's center of mass minus the polyline, across it, in pixels, where the trace is slow and there is ink."""
    reach = int(page.pixels_per_mm) + 2
    found = []
    for strip in page.strips:
        x, y = strip.polyline.astype(float).T
        for column in range(int(x[0]) + reach, int(x[-1]) - reach, 7):
            expected = np.interp(column, x, y)
            rows = np.arange(round(expected) - reach, round(expected) + reach + 1)
            weight = darkness[rows, column]
            if weight.sum() > 50:
                found.append((weight * rows).sum() / weight.sum() - expected)
    return np.array(found)


def to_ink(inked: NDArray[np.bool_], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance of each point (x, y) from the nearest inked pixel, 0 within one, 9 where none is near."""
    padded = np.pad(inked, 2)
    nearest = np.round(points).astype(int)
    found = np.full(len(points), 9.0)
    for dx in range(-2, 3):
        for dy in range(-2, 3):
            pixel = nearest + np.array([dx, dy])
            column, row = pixel.T
            beyond = np.maximum(np.abs(points - pixel) - 0.5, 0.0)
            found = np.where(padded[row + 2, column + 2], np.minimum(found, np.hypot(*beyond.T)), found)
    return found


@pytest.mark.parametrize("ink", INKS)
@pytest.mark.parametrize(("dpi", "rotation"), [(100, 0.0), (200, 1.7), (300, 0.0)])
def test_slow_polyline_is_the_center_of_the_ink(waves, dpi: float, rotation: float, ink: str) -> None:
    page = bare_page(waves[:, :2500], dpi, rotation, ink)
    mask, seen = offsets(page, page.ink.astype(float)), offsets(page, darkness_of(page))
    # A dot is printed or not, which moves a line's edges by up to half a dot.
    most = 0.5 * dot_of(page) or 0.15
    assert abs(mask.mean()) < max(0.01, 0.03 * dot_of(page))
    assert np.abs(mask).max() < most
    assert len(seen) > 0.6 * len(mask)
    assert abs(seen.mean()) < 0.06
    # What has dropped out of the line's width moves the center of the rest.
    assert np.percentile(np.abs(seen), 95) < max(most, 0.5)


@pytest.mark.parametrize("ink", INKS)
@pytest.mark.parametrize(("dpi", "rotation"), [(72, 0.0), (150, -2.0), (300, 1.0)])
def test_every_sample_lies_on_ink(beats, dpi: float, rotation: float, ink: str) -> None:
    page = bare_page(beats, dpi, rotation, ink, layout="3x4+II")
    for strip in page.strips:
        points = strip.polyline[np.isfinite(strip.polyline[:, 1])].astype(float)
        # Of whole dots that are larger than pixels, a quarter of one.
        assert to_ink(page.ink >= 40, points).max() <= max(0.5, 0.25 * dot_of(page))


@pytest.mark.parametrize("rotation", [0.0, 2.0])
def test_boxes_hold_what_the_head_writes(rotation: float) -> None:
    blank = np.full((12, 2000), np.nan)
    knobs = {**BARE, "header": True, "footer": True, "header_form": "table", "font": "condensed-bold"}
    page = render_page(
        blank, FS, layout="6x2", dpi=300, rotation=rotation, bed_color=(255,) * 3, dot_pitch=0.125, **knobs
    )
    ink = 255 - page.image[..., 1].astype(int)
    dot = int(np.ceil(0.125 * page.pixels_per_mm))
    boxes = [strip.label_box for strip in page.strips] + [text.box for text in page.texts]
    assert len(boxes) > 20
    for x0, y0, x1, y1 in boxes:
        box = np.s_[int(y0) - dot : int(y1) + dot + 2, int(x0) - dot : int(x1) + dot + 2]
        assert ink[box].max() > 200
    for x0, y0, x1, y1 in boxes:
        ink[int(y0) - dot : int(y1) + dot + 2, int(x0) - dot : int(x1) + dot + 2] = 0
    assert ink.max() == 0


def test_faster_strokes_are_lighter(beats) -> None:
    page = bare_page(beats, 300, 0.0, "fast", layout="12x1")
    strip = page.strips[0]
    x, y = strip.polyline.astype(float).T
    flat, steep = [], []
    for index in range(2, len(x) - 2):
        rise = abs(y[index + 1] - y[index - 1]) / (x[index + 1] - x[index - 1])
        value = page.image[round(y[index]), round(x[index]), 1]
        if rise > 8:
            steep.append(value)
        elif rise < 0.05:
            flat.append(value)
    assert np.median(steep) > np.median(flat) + 60
    assert np.median(flat) < 40


def test_dots_of_the_head_do_not_depend_on_the_scan(waves) -> None:
    fine, coarse = (
        bare_page(waves[:, :1000], dpi, 0.0, "plain", dot_pitch=0.25, pen_width=0.5) for dpi in (508.0, 101.6)
    )
    # At 508 dpi a dot is 5 pixels wide, at 101.6 dpi one.
    dots = fine.ink[2::5, 2::5] > 127
    once = coarse.ink > 127
    rows, columns = min(dots.shape[0], once.shape[0]), min(dots.shape[1], once.shape[1])
    assert (dots[:rows, :columns] == once[:rows, :columns]).mean() > 0.999
    block = np.repeat(np.repeat(dots, 5, 0), 5, 1)
    shape = np.minimum(block.shape, fine.ink.shape)
    assert ((fine.ink > 127)[: shape[0], : shape[1]] != block[: shape[0], : shape[1]]).mean() < 0.01


@pytest.mark.parametrize("feed", ["along", "across"])
def test_dead_dots_leave_lines(feed: str) -> None:
    tall = np.tile(np.sign(np.sin(np.arange(5000) * 2.5)), (12, 1))
    knobs = {"layout": "II", "dead_dots": 40, "feed": feed, "pen_width": 1.0}
    page = render_page(tall, FS, dpi=300, seed=2, **{**BARE, **knobs})
    whole = render_page(tall, FS, dpi=300, seed=2, **{**BARE, **knobs, "dead_dots": 0})
    lost = page.image[..., 1].astype(int) - whole.image[..., 1] > 100
    axis = 1 if feed == "along" else 0
    inked = (whole.image[..., 1] < 50).sum(axis=axis)
    share = lost.sum(axis=axis)[inked > 20] / inked[inked > 20]
    assert (share > 0.95).sum() >= 3
    assert (share < 0.05).mean() > 0.4
    np.testing.assert_array_equal(page.ink, whole.ink)


def test_specks_and_fading_take_ink_away(waves) -> None:
    plain = bare_page(waves, 150, 0.0, "plain")
    inked = plain.ink == 255
    for ink in ("specks", "faded", "pale"):
        page = bare_page(waves, 150, 0.0, ink)
        np.testing.assert_array_equal(page.ink, plain.ink)
        gain = page.image[..., 1][inked].astype(int) - plain.image[..., 1][inked]
        assert gain.min() >= -1
        if ink == "specks":
            assert 0.002 < (gain > 100).mean() < 0.2
        if ink == "faded":
            assert np.ptp(gain) > 60
        if ink == "pale":
            assert np.ptp(gain) <= 1 and gain.mean() > 100


def test_knobs_of_chance_do_not_shift_one_another(waves) -> None:
    knobs = {"dpi": 100.0, "seed": 4, "header_form": "table"}
    speckled = render_page(waves, FS, specks=3.0, **knobs).image.astype(int)
    clean = render_page(waves, FS, **knobs).image.astype(int)
    both = render_page(waves, FS, specks=3.0, texture=8.0, yellowing=0.5, grid_fade=0.5, **knobs).image.astype(int)
    textured = render_page(waves, FS, texture=8.0, yellowing=0.5, grid_fade=0.5, **knobs).image.astype(int)
    alone, together = speckled - clean, both - textured
    assert (alone != 0).sum() > 50
    differ = (alone.max(axis=2) > 0) != (together.max(axis=2) > 0)
    assert differ.sum() <= 0.01 * (alone.max(axis=2) > 0).sum()


@pytest.mark.parametrize("ink", INKS)
def test_one_seed_is_one_page_in_every_ink(waves, ink: str) -> None:
    once, again = (bare_page(waves[:, :1000], 100, 0.7, ink, grid="red", grid_fade=0.5) for _ in range(2))
    np.testing.assert_array_equal(once.image, again.image)
    np.testing.assert_array_equal(once.ink, again.ink)


def test_threads_do_not_change_the_page(waves) -> None:
    threads = cv2.getNumThreads()
    try:
        pages = []
        for count in (1, 3):
            cv2.setNumThreads(count)
            pages.append(bare_page(waves[:, :1000], 150, 0.7, "worn out", grid="pink", grid_fade=0.5, yellowing=0.5))
    finally:
        cv2.setNumThreads(threads)
    np.testing.assert_array_equal(pages[0].image, pages[1].image)
