"""Plane geometry of a page: points and rectangles from paper to pixels."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

SHIFT = 8
"""Fractional bits of the coordinates that OpenCV draws at."""


def apply_homography(homography: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Map points by a homography.

    Parameters
    ----------
    homography : ndarray, shape (3, 3)
    points : ndarray, shape (..., 2)

    Returns
    -------
    ndarray, shape (..., 2)

    Examples
    --------
    >>> apply_homography(np.diag([2.0, 2.0, 1.0]), np.array([[1.0, 3.0]])).tolist()
    [[2.0, 6.0]]
    """
    mapped = np.asarray(points) @ homography[:, :2].T + homography[:, 2]
    return mapped[..., :2] / mapped[..., 2:]


def quadrilateral(
    box: tuple[float, float, float, float], homography: NDArray[np.float64], shape: tuple[int, int]
) -> NDArray[np.uint8]:
    """Coverage of a rectangle of paper.

    Parameters
    ----------
    box : tuple of float
        x0, y0, x1, y1 in mm.
    homography : ndarray, shape (3, 3)
        Paper mm to pixels.
    shape : tuple of int
        Height and width of the picture.

    Returns
    -------
    ndarray, shape (height, width), uint8

    Examples
    --------
    >>> (quadrilateral((2.0, 2.0, 4.0, 4.0), np.eye(3), (7, 7)) > 127)[3].astype(int).tolist()
    [0, 0, 1, 1, 1, 0, 0]
    """
    x0, y0, x1, y1 = box
    corners = apply_homography(homography, np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]))
    mask = np.zeros(shape, np.uint8)
    cv2.fillConvexPoly(mask, np.round(corners * 2**SHIFT).astype(np.int32), 255, cv2.LINE_AA, SHIFT)
    return mask
