from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitize.geometry.mapping import project, quarter_turn, scale_at, to_paper, to_picture

SHAPE = (600, 900, 3)


def bend(height: float) -> np.ndarray:
    y, x = np.mgrid[:30, :45] / 45
    return (height * np.stack([np.sin(6 * y), np.cos(5 * x)], axis=2)).astype(np.float32)


@settings(max_examples=30, deadline=None)
@given(
    turn=st.floats(-3.0, 3.0),
    scale=st.floats(2.0, 24.0),
    lean=st.floats(-3e-4, 3e-4),
    height=st.floats(-3.0, 3.0),
)
def test_to_picture_inverts_to_paper(turn, scale, lean, height):
    cos, sin = np.cos(turn) / scale, np.sin(turn) / scale
    homography = np.array([[cos, sin, 3.0], [-sin, cos, -7.0], [lean, 0.5 * lean, 1.0]])
    # Paper that is bent by more than a third of a millimeter a millimeter stands on edge.
    departure = bend(height / scale)
    points = np.stack(np.meshgrid(np.linspace(0, 899, 13), np.linspace(0, 599, 9)), axis=2)
    paper = to_paper(points, homography, departure, SHAPE)
    assert np.abs(to_picture(paper, homography, departure, SHAPE) - points).max() < 0.02


def test_single_points_and_rows_of_them():
    points = np.array([[10.0, 20.0], [300.5, 400.25]])
    one, two = to_paper(points, np.eye(3), bend(1.0), SHAPE), to_paper(points[None], np.eye(3), bend(1.0), SHAPE)
    assert one.shape == (2, 2) and np.array_equal(one, two[0])


def test_the_bend_goes_on_beyond_the_picture():
    constant = np.full((4, 5, 2), 2.0, np.float32)
    assert to_paper(np.array([[-1e6, 1e7]]), np.eye(3), constant, SHAPE) == pytest.approx(
        np.array([[-1e6 + 2, 1e7 + 2]])
    )


def test_scale_is_that_of_the_neighborhood():
    homography = np.array([[0.12, 0.01, 0.0], [-0.02, 0.1, 5.0], [2e-4, 1e-4, 1.0]])
    back = np.linalg.inv(homography)
    here = project(homography, np.array([400.0, 300.0]))
    right, down = (project(back, here + step) - (400.0, 300.0) for step in ((1e-3, 0.0), (0.0, 1e-3)))
    along, across, angle = scale_at(homography, (400.0, 300.0))
    assert along == pytest.approx(1e3 * np.hypot(*right), rel=1e-3)
    assert across == pytest.approx(1e3 * np.hypot(*down), rel=1e-3)
    assert angle == pytest.approx(np.degrees(np.arctan2(right[1], right[0])), abs=0.05)


def test_quarter_turns_add_up():
    assert np.array_equal(quarter_turn(1) @ quarter_turn(1), quarter_turn(2))
    assert np.array_equal(quarter_turn(3) @ quarter_turn(1), np.eye(3))
    assert np.array_equal(quarter_turn(-1), quarter_turn(3))
