"""Between the picture and the paper: a homography and a bend, both ways.

A pixel ``(x, y)`` lies at ``p / w + bend(x, y)`` on the paper, ``(p, w) = homography @ (x, y, 1)``. The bend is known
at the nodes of a coarse lattice that spans the picture from corner to corner, and goes on beyond it as at its edge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from digitize.records.placement import Grid, Placement

P = TypeVar("P", bound=Placement)

_ROUNDS = 8
"""Where the bend changes by a third from place to place, this leaves less than a thousandth of it."""


def project(homography: NDArray[Any], points: NDArray[Any]) -> NDArray[np.float64]:
    """Points ``(x, y)``, shape (..., 2), through a homography, shape (3, 3).

    Examples
    --------
    >>> project(np.diag([2.0, 2.0, 1.0]), np.array([1.0, 3.0]))
    array([2., 6.])
    """
    x, y = points[..., 0], points[..., 1]
    (a, b, c), (d, e, f), (g, h, i) = homography
    w = g * x + h * y + i
    return np.stack([(a * x + b * y + c) / w, (d * x + e * y + f) / w], axis=-1)


def to_paper(
    points: NDArray[Any],
    homography: NDArray[np.float64],
    bend: NDArray[np.float32] | None,
    shape: tuple[int, ...],
) -> NDArray[np.float64]:
    """Places on the paper under pixels of the picture.

    Parameters
    ----------
    points : ndarray, shape (n, 2) or (r, c, 2)
        Pixels ``(x, y)``; n, r and c of at most 32,767.
    homography : ndarray, shape (3, 3), float64
    bend : ndarray, shape (r, c, 2), float32, or None
    shape : tuple of int
        Height and width of the picture.

    Returns
    -------
    ndarray, shape of the points, float64

    Examples
    --------
    >>> to_paper(np.array([[10.0, 20.0]]), np.diag([0.1, 0.1, 1.0]), np.ones((2, 2, 2), np.float32), (90, 90))
    array([[2., 3.]])
    """
    flat = project(homography, points)
    return flat if bend is None else flat + _bend_at(points, bend, shape)


def to_picture(
    points: NDArray[Any],
    homography: NDArray[np.float64],
    bend: NDArray[np.float32] | None,
    shape: tuple[int, ...],
) -> NDArray[np.float64]:
    """Pixels of the picture under places on the paper: the inverse of `to_paper`, with the same parameters."""
    back = np.linalg.inv(homography)
    pixels = project(back, points)
    if bend is not None:
        # The bend is known at the pixel that is sought: each round takes it at the pixel that the one before found.
        for _ in range(_ROUNDS):
            pixels = project(back, points - _bend_at(pixels, bend, shape))
    return pixels


def scale_at(homography: NDArray[np.float64], point: Sequence[float]) -> tuple[float, float, float]:
    """Pixels a unit of paper along its x and y axes, and the x axis's angle in degrees clockwise, at a pixel.

    Examples
    --------
    >>> scale_at(np.diag([0.1, 0.2, 1.0]), (300.0, 200.0))
    (10.0, 5.0, 0.0)
    """
    inverse = np.linalg.inv(derivative_at(homography, point))
    along, down = (float(np.hypot(*inverse[:, axis])) for axis in (0, 1))
    return along, down, float(np.degrees(np.arctan2(inverse[1, 0], inverse[0, 0])))


def derivative_at(homography: NDArray[np.float64], point: Sequence[float]) -> NDArray[np.float64]:
    """Derivative of a homography at a pixel: how a step along x and y of the picture moves on the paper, shape (2, 2).

    Examples
    --------
    >>> derivative_at(np.diag([0.1, 0.2, 1.0]), (300.0, 200.0))
    array([[0.1, 0. ],
           [0. , 0.2]])
    """
    x, y = project(homography, np.array(point))
    rows = homography[:2] - np.array([[x], [y]]) * homography[2]
    return np.asarray(rows[:, :2] / (homography[2] @ (*point, 1.0)))


def quarter_turn(turns: int) -> NDArray[np.float64]:
    """Homography that turns millimeters (x, y) about the origin by quarter turns clockwise as seen, shape (3, 3).

    Examples
    --------
    >>> quarter_turn(1) @ [2.0, 0.0, 1.0]
    array([0., 2., 1.])
    """
    cos, sin = ((1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0))[turns % 4]
    return np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])


def turned(placement: P, turns: int) -> P:
    """Turn time and voltage of a placement by quarter turns clockwise as seen.

    Parameters
    ----------
    placement : Grid or PaperScale
    turns : int

    Returns
    -------
    Grid or PaperScale
    """
    turn = quarter_turn(turns)
    extent = None if placement.extent is None else box_around(turn, placement.extent)
    changed: dict[str, Any] = {"matrix": turn @ placement.matrix, "extent": extent}
    if isinstance(placement, Grid):
        changed["bend"] = (placement.bend @ turn[:2, :2].T).astype(np.float32)
    return replace(placement, **changed)


def box_around(homography: NDArray[Any], box: Sequence[float]) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of what a homography makes of such a box.

    Examples
    --------
    >>> box_around(quarter_turn(1), (0.0, 0.0, 30.0, 20.0))
    (-20.0, 0.0, 0.0, 30.0)
    """
    left, top, right, bottom = box
    corners = project(homography, np.array([[left, top], [right, top], [left, bottom], [right, bottom]], float))
    low, high = corners.min(axis=0) + 0.0, corners.max(axis=0) + 0.0
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _bend_at(points: NDArray[Any], bend: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float64]:
    scale = np.array([bend.shape[1] / shape[1], bend.shape[0] / shape[0]])
    at = np.clip((points + 0.5) * scale - 0.5, -9.0, np.array(bend.shape[1::-1]) + 9.0).astype(np.float32)
    at = at.reshape(-1, 1, 2) if at.ndim == 2 else at
    found = cv2.remap(bend, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return found.reshape(points.shape).astype(np.float64)
