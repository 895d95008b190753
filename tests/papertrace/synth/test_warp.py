from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from papertrace.synth.capture import Capture
from papertrace.synth.pose import bend, pose
from papertrace.synth.warp import apply_offset, fill_lattice, make_warp

A4 = (297.0, 210.0)
HARD = Capture(
    tilt=45.0,
    tilt_direction=60.0,
    distance=1.2,
    lens=(-0.06, 0.02),
    curl=20.0,
    curl_direction=20.0,
    curl_waves=1.5,
    lift=30.0,
    lift_corner=1,
    framing=(0.1, 0.05, 0.1, 0.05),
)


def wrinkles(spacing: float = 2.0) -> NDArray[np.float32]:
    x, y = np.meshgrid(np.arange(0, 300, spacing), np.arange(0, 213, spacing))
    return (0.6 * np.stack((np.sin(y / 9), np.sin(x / 7 + y / 15)), axis=-1)).astype(np.float32)


def scattered(count: int = 4000) -> NDArray[np.float64]:
    return np.random.default_rng(0).uniform(0, 1, (count, 2)) * A4


@pytest.mark.parametrize("scale", [72 / 25.4, 200 / 25.4, 600 / 25.4])
@pytest.mark.parametrize("worn", [False, True])
def test_both_ways_agree(scale: float, worn: bool) -> None:
    placed = pose(A4, HARD, 4.0, scale)
    warp = make_warp(placed.forward, placed.shape, A4, scale, wrinkles() if worn else None, 2.0)
    points = scattered()
    pixels = warp.to_pixels(points)
    assert np.abs(warp.to_sheet(pixels) - points).max() * scale < 0.01
    flat = placed.forward(points) - pixels if not worn else None
    assert flat is None or np.abs(flat).max() < 0.1


def test_dense_map_is_the_lattice() -> None:
    placed = pose(A4, HARD, 0.0, 4.0)
    warp = make_warp(placed.forward, placed.shape, A4, 4.0, wrinkles(), 2.0)
    dense = np.stack(fill_lattice(warp.lattice, warp.step, warp.shape), axis=-1)
    assert dense.shape == (*placed.shape, 2) == (*warp.shape, 2)
    pixels = np.random.default_rng(1).integers(0, placed.shape[::-1], (500, 2))
    np.testing.assert_allclose(dense[pixels[:, 1], pixels[:, 0]], warp.to_sheet(pixels), atol=1e-3)


def test_offset_is_where_the_flat_paper_lies() -> None:
    scale = 4.0
    placed = pose(A4, Capture(), 0.0, scale)
    offset = wrinkles()
    warp = make_warp(placed.forward, placed.shape, A4, scale, offset, 2.0)
    worn = np.array([[100.0, 60.0], [250.0, 150.0]])
    expected = worn + np.array([offset[30, 50], offset[75, 125]])
    # The picture's lattice rounds the corners of the offset's.
    np.testing.assert_allclose(warp.to_sheet(worn * scale - 0.5), expected, atol=0.03)
    np.testing.assert_allclose(apply_offset(worn, offset, 2.0), expected, atol=1e-6)


def test_points_beside_the_picture_are_still_placed() -> None:
    crop = Capture(tilt=20.0, distance=1.5, framing=(-0.3, -0.3, -0.3, -0.3))
    placed = pose(A4, crop, 0.0, 8.0)
    warp = make_warp(placed.forward, placed.shape, A4, 8.0)
    points = scattered(500)
    pixels = warp.to_pixels(points)
    assert (pixels < 0).any()
    assert np.abs(pixels - placed.forward(points)).max() < 0.2


def test_unknown_points_stay_unknown() -> None:
    placed = pose(A4, Capture(), 0.0, 4.0)
    warp = make_warp(placed.forward, placed.shape, A4, 4.0)
    points = np.array([[[10.0, np.nan], [10.0, 20.0]]])
    assert np.isnan(warp.to_pixels(points)[0, 0]).all() and np.isfinite(warp.to_pixels(points)[0, 1]).all()
    assert np.isnan(warp.to_sheet(points)[0, 0]).all()


@settings(max_examples=30, deadline=None)
@given(
    curl=st.floats(0, 40),
    direction=st.floats(-180, 180),
    waves=st.floats(0, 4),
    phase=st.floats(-180, 180),
)
def test_curled_paper_does_not_stretch(curl: float, direction: float, waves: float, phase: float) -> None:
    bent = Capture(curl=curl, curl_direction=direction, curl_waves=waves, curl_phase=phase)
    check_lengths(bent)


@settings(max_examples=20, deadline=None)
@given(lift=st.floats(0, 50), corner=st.integers(0, 3))
def test_lifted_corner_does_not_stretch(lift: float, corner: int) -> None:
    check_lengths(Capture(lift=lift, lift_corner=corner))


def check_lengths(capture: Capture) -> None:
    points = scattered(300)
    way = np.random.default_rng(2).normal(size=points.shape)
    step = 0.01 * way / np.linalg.norm(way, axis=1, keepdims=True)
    moved = bend(points + step, A4, capture) - bend(points, A4, capture)
    np.testing.assert_allclose(np.linalg.norm(moved, axis=1), 0.01, rtol=2e-3)


def test_camera_sees_the_near_side_larger() -> None:
    foot = pose(A4, Capture(tilt=30.0, tilt_direction=90.0, distance=1.5), 0.0, 8.0)
    corners = foot.forward(np.array([(0, 0), (297, 0), (0, 210), (297, 210)], float))
    assert corners[3, 0] - corners[2, 0] > 1.15 * (corners[1, 0] - corners[0, 0])
    right = pose(A4, Capture(tilt=30.0, tilt_direction=0.0, distance=1.5), 0.0, 8.0)
    corners = right.forward(np.array([(0, 0), (297, 0), (0, 210), (297, 210)], float))
    assert corners[3, 1] - corners[1, 1] > 1.15 * (corners[2, 1] - corners[0, 1])


@pytest.mark.parametrize("capture", [Capture(), HARD, Capture(tilt=30.0, distance=1.0)])
def test_mean_scale_is_kept_and_framing_is_beside_the_sheet(capture: Capture) -> None:
    placed = pose(A4, capture, 2.0, 6.0)
    points = scattered()
    pixels = placed.forward(points)
    step = 0.01
    across, down = (placed.forward(points + nudge) - pixels for nudge in step * np.eye(2))
    area = np.abs(across[:, 0] * down[:, 1] - across[:, 1] * down[:, 0]) / step**2
    assert np.exp(np.log(area).mean() / 2) == pytest.approx(6.0, rel=0.03)
    assert (pixels > -1).all() and (pixels < placed.shape[::-1]).all()


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_quarter_turns_turn_the_picture(turns: int) -> None:
    upright, turned = (pose(A4, Capture(quarter_turns=count), 3.0, 2.0) for count in (0, turns))
    height, width = upright.shape
    assert turned.shape == np.rot90(np.zeros(upright.shape), -turns).shape
    index = np.arange(height * width).reshape(height, width)
    x, y = np.round(upright.forward(np.array([[40.0, 30.0]])))[0].astype(int)
    u, v = np.round(turned.forward(np.array([[40.0, 30.0]])))[0].astype(int)
    assert np.rot90(index, -turns)[v, u] == index[y, x]


def test_paper_that_hides_itself_is_refused() -> None:
    rolled = Capture(tilt=50.0, tilt_direction=0.0, distance=1.0, curl=40.0, curl_waves=4.0)
    placed = pose(A4, rolled, 0.0, 4.0)
    with pytest.raises(ValueError, match="allowed: less tilt"):
        make_warp(placed.forward, placed.shape, A4, 4.0)
