"""The truth lies where the picture shows it, however the picture was taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from digitize.records.layouts import LEAD_NAMES
from papertrace.synth import PrintedPage, render_page
from papertrace.synth.capture import Capture
from papertrace.synth.raster import apply_homography

FS = 500
BARE: dict[str, Any] = {
    "layout": "6x2",
    "header": False,
    "footer": False,
    "pulse": "none",
    "grid": "none",
    "label_position": "left",
    "pen_color": (0, 0, 0),
}
CAMERA = Capture(tilt=25.0, tilt_direction=70.0, distance=1.3, lens=(-0.03, 0.01), framing=(0.05, 0.02, 0.05, 0.02))
SEEN_WHOLE = Capture(framing=(0.01, 0.01, 0.01, 0.01))
# Skew, capture, waves of the paper in mm.
CONDITIONS: dict[str, tuple[float, Capture, float]] = {
    "skew": (2.5, Capture(), 0.0),
    "quarter turn": (0.0, Capture(quarter_turns=1), 0.0),
    "half turn": (-1.0, Capture(quarter_turns=2), 0.0),
    "tilted 45 degrees": (0.0, Capture(tilt=45.0, tilt_direction=30.0, distance=1.0), 0.0),
    "camera": (3.0, replace(CAMERA, quarter_turns=3), 0.0),
    "curled": (0.0, replace(CAMERA, curl=25.0, curl_direction=15.0, curl_waves=2.0), 0.0),
    "lifted": (0.0, replace(CAMERA, lift=40.0, lift_corner=2), 0.0),
    "cut off": (0.0, replace(CAMERA, framing=(-0.2, -0.1, -0.2, -0.1)), 0.0),
    "wrinkled": (0.0, SEEN_WHOLE, 0.6),
    "wrinkled and curled": (2.0, replace(CAMERA, curl=15.0), 0.6),
}


def slow_leads(seconds: float = 5.0, fs: float = FS) -> NDArray[np.float64]:
    time = np.arange(round(seconds * fs)) / fs
    return np.array([0.3 * np.sin(4 * time + lead) + 0.05 * (lead - 6) for lead in range(12)])


def across_pen(page: PrintedPage, layer: NDArray[np.floating]) -> NDArray[np.float64]:
    """Center of mass of a layer across each polyline minus the polyline, in pixels, away from its ends."""
    scale = page.pixels_per_mm
    reach = np.arange(-max(4.0, 0.9 * scale), max(4.0, 0.9 * scale) + 0.1, 0.25)
    offsets = []
    for strip in page.strips:
        line = strip.polyline.astype(float)
        known = np.isfinite(line).all(axis=1)
        safe = cv2.erode(known.astype(np.uint8)[:, None], np.ones((121, 1), np.uint8), borderValue=0)[:, 0] > 0
        chosen = np.flatnonzero(safe)[::7]
        chosen = chosen[(chosen >= 60) & (chosen < len(line) - 60)]
        tangent = line[chosen + 3] - line[chosen - 3]
        normal = np.stack((-tangent[:, 1], tangent[:, 0]), axis=-1) / np.linalg.norm(tangent, axis=1, keepdims=True)
        x, y = (line[chosen][:, None] + reach[:, None] * normal[:, None]).transpose(2, 0, 1)
        profile = map_coordinates(layer, [y, x], order=1, mode="nearest")
        inside = (x.min(axis=1) > 0) & (y.min(axis=1) > 0)
        inside &= (x.max(axis=1) < layer.shape[1] - 1) & (y.max(axis=1) < layer.shape[0] - 1)
        profile = profile - profile.min(axis=1, keepdims=True)
        offsets.append(((profile * reach).sum(axis=1) / np.maximum(profile.sum(axis=1), 1e-9))[inside])
    return np.concatenate(offsets)


@pytest.mark.parametrize("dpi", [72, 200, 600])
@pytest.mark.parametrize("name", CONDITIONS)
def test_polyline_lies_on_ink(name: str, dpi: float, wavy_paper: Callable[..., None]) -> None:
    rotation, capture, waves = CONDITIONS[name]
    wavy_paper(waves)
    signal = slow_leads(2.5 if dpi == 600 else 5.0)
    white = replace(capture, desk=(255, 255, 255), relief=0.0)
    page = render_page(signal, FS, dpi=dpi, bed_color=(255, 255, 255), rotation=rotation, capture=white, **BARE)
    for layer in (page.ink.astype(float), 255.0 - page.image[..., 1]):
        offsets = across_pen(page, layer)
        assert len(offsets) > 300
        assert abs(offsets.mean()) < 0.03
        assert np.percentile(np.abs(offsets), 99) < 0.2
        assert np.abs(offsets).max() < 0.5


@pytest.mark.parametrize(
    "capture",
    [
        Capture(fax="standard"),
        Capture(fax="fine"),
        Capture(fax="fine", halftone=True, dropouts=0.02),
        replace(CAMERA, moire=0.7, screen_pitch=2.05),
        replace(CAMERA, defocus=1.5, motion=4.0, motion_direction=30.0, noise=8.0, sharpening=1.0),
        replace(CAMERA, uneven=0.5, vignette=0.4, shadow=0.5, glare=0.4, curl=10.0, texture=0.6),
        Capture(banding=0.8, lid=0.6, noise=4.0, haze=0.2, white_balance=(0.9, 1.0, 0.8)),
    ],
)
@pytest.mark.parametrize("dpi", [100, 200])
def test_devices_move_nothing(capture: Capture, dpi: float) -> None:
    page = render_page(slow_leads(), FS, dpi=dpi, capture=capture, pen_width=0.4, **BARE)
    still = across_pen(page, page.ink.astype(float))
    assert np.abs(still).max() < 0.5
    shown = across_pen(page, 255.0 - cv2.GaussianBlur(page.image[..., 1], (0, 0), 0.8))
    # A fax's dots are up to 0.26 mm high: single places say little, their middle says all.
    assert abs(np.median(shown)) < 0.1
    assert abs(shown.mean()) < 0.05


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_random_pages_are_true(seed: int) -> None:
    signal = slow_leads(10.0, 100)
    page = render_page(signal, 100, "random", seed=seed, dpi=80, label_offset=9.0)
    height, width = page.image.shape[:2]
    assert page.ink.shape == (height, width) == page.warp.shape
    for strip in page.strips:
        assert len(strip.polyline) == len(strip.path)
        seen = np.isfinite(strip.polyline).all(axis=1)
        x, y = strip.polyline[seen].T
        assert ((x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)).all()
        back = page.warp.to_sheet(strip.polyline[seen])
        assert np.abs(back - strip.path[seen]).max(initial=0.0) < 0.01
        inside = (x > 1) & (y > 1) & (x < width - 2) & (y < height - 2)
        near = cv2.dilate(page.ink, np.ones((3, 3), np.uint8))
        lit = near[np.round(y[inside]).astype(int), np.round(x[inside]).astype(int)] > 0
        assert lit.size == 0 or lit.mean() > 0.97
        lead, first = LEAD_NAMES.index(strip.lead), round(strip.start * 100)
        truth = page.signal[lead, first : first + len(seen)]
        longest = max((s for s in page.strips if s.lead == strip.lead), key=lambda s: len(s.polyline))
        if strip is longest:
            np.testing.assert_array_equal(np.isfinite(truth), seen)
            np.testing.assert_allclose(truth[seen], signal[lead, first : first + len(seen)][seen], atol=1e-6)


def test_truth_is_unknown_where_the_picture_ends() -> None:
    cut = Capture(framing=(-0.3, 0.0, 0.0, 0.0))
    page = render_page(slow_leads(), FS, dpi=100, capture=cut, **BARE)
    whole = render_page(slow_leads(), FS, dpi=100, **BARE)
    lost = whole.image.shape[1] - page.image.shape[1]
    for strip, full in zip(page.strips, whole.strips, strict=True):
        expected = full.polyline[:, 0] >= lost - 0.5
        # Where the cut falls between two pixels is a matter of half a pixel.
        assert np.abs(np.isfinite(strip.polyline[:, 0]).sum() - expected.sum()) <= 3
        np.testing.assert_allclose(strip.baseline, full.baseline - (lost, 0), atol=0.6)


@pytest.mark.parametrize("torn", [True, False])
def test_truth_is_unknown_where_paper_or_pen_is_hidden(torn: bool, wavy_paper: Callable[..., None]) -> None:
    wavy_paper(torn=50.0) if torn else wavy_paper(covered=50.0)
    bed = Capture(framing=(0.01, 0.01, 0.0, 0.0), desk=(10, 20, 30))
    page = render_page(slow_leads(), FS, dpi=100, capture=bed, **BARE)
    x, y = np.round(page.warp.to_pixels(np.array([48.0, 48.0]))).astype(int)
    assert page.ink[:y, :x].max() == 0 and page.ink.max() > 120
    corner = page.image[y - 20 : y, x - 20 : x].reshape(-1, 3)
    # The sheet throws a little shadow on what lies below.
    assert (np.abs(np.median(corner, axis=0) - (10, 20, 30)) < 6).all() == torn
    for strip in page.strips:
        gone = (strip.path < 50.0 - 0.3).all(axis=1)
        kept = (strip.path > 50.0 + 0.3).any(axis=1)
        assert np.isnan(strip.polyline[gone]).all() and np.isfinite(strip.polyline[kept]).all()
    assert np.isnan(page.signal[0, :100]).all() and np.isfinite(page.signal[0, 1100:1200]).all()


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_boxes_and_nodes_follow_the_paper(turns: int) -> None:
    capture = replace(CAMERA, curl=15.0, quarter_turns=turns, desk=(255, 255, 255), relief=0.0)
    knobs = {**BARE, "grid": "red", "minor_strength": 0.0, "major_strength": 1.0, "grid_phase": (2.0, 3.0)}
    page = render_page(np.full((12, 2500), np.nan), FS, dpi=150, capture=capture, **knobs)
    for strip in page.strips:
        x0, y0, x1, y1 = strip.label_box
        inside = page.image[int(y0) : int(np.ceil(y1)) + 1, int(x0) : int(np.ceil(x1)) + 1, 0]
        assert inside.min() < 60
        around = page.image[int(y0) - 3 : int(y1) + 5, int(x0) - 3 : int(x1) + 5, 0].astype(int)
        around[3:-3, 3:-3] = 255
        assert around.min() > 100
    darkness = 255.0 - page.image[..., 1]
    height, width = darkness.shape
    inner = page.nodes[((page.nodes > 12) & (page.nodes < (width - 12, height - 12))).all(axis=1)].astype(float)
    assert len(inner) > 300
    offsets = np.stack(np.meshgrid(np.arange(-5, 6), np.arange(-5, 6)), axis=-1).reshape(-1, 2).astype(float)
    x, y = (inner[:, None] + offsets).transpose(2, 0, 1)
    mass = map_coordinates(darkness, [y, x], order=1)
    center = (mass[..., None] * offsets).sum(axis=1) / mass.sum(axis=1)[:, None]
    assert np.abs(np.median(center, axis=0)).max() < 0.05
    assert np.percentile(np.abs(center), 80) < 0.4


def test_homography_is_the_plane_that_fits_best() -> None:
    flat = render_page(slow_leads(), FS, dpi=100, capture=Capture(tilt=30.0, distance=1.2), **BARE)
    curled = render_page(slow_leads(), FS, dpi=100, capture=Capture(tilt=30.0, distance=1.2, curl=15.0), **BARE)
    points = np.stack(np.meshgrid(np.linspace(20, 120, 5), np.linspace(20, 100, 5)), axis=-1).reshape(-1, 2)
    for page, limit in ((flat, 0.05), (curled, 30.0)):
        error = np.abs(apply_homography(page.homography, points) - page.warp.to_pixels(points)).max()
        assert error < limit
    assert np.abs(apply_homography(curled.homography, points) - curled.warp.to_pixels(points)).max() > 1.0
