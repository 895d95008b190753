"""Find the sheet in a picture that shows what it lies on: its four corners, and the way from them to millimeters.

What a picture without a grid still shows of its geometry is the paper's outline. A sheet is a bright quadrilateral that
stands clear of the picture's border; of the usual formats the one is taken whose proportions are nearest to what the
four corners allow (Zhang and He, Digital Signal Processing 17, 2007, find these from one view; here the lengths of
opposite sides, averaged, are near enough, for pulses and rows correct the scale afterwards).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_SIDE = 640
"""Pixels at which the outline is looked for."""

_SHARE = (0.2, 0.985)
"""Part of the picture that a sheet covers."""

_FILLED = 0.96
"""Part of its quadrilateral that it fills."""

_CONTRAST = 18.0
"""Levels by which a sheet differs from what it lies on."""

_FORMATS_MM = ((297.0, 210.0), (279.4, 215.9))
"""A4 and Letter."""


def find_sheet(image: NDArray[np.uint8]) -> NDArray[np.float64] | None:
    """Find the sheet of a page photographed or scanned with its surroundings.

    Parameters
    ----------
    image : ndarray, shape (h, w, 3), uint8

    Returns
    -------
    ndarray, shape (4, 2), float64, or None
        Corners ``(x, y)`` from the upper left one clockwise; None where no quadrilateral stands clear of the border.

    Examples
    --------
    >>> image = np.full((300, 400, 3), 60, np.uint8)
    >>> image[40:260, 50:350] = 240
    >>> np.allclose(find_sheet(image), [(50, 40), (350, 40), (350, 260), (50, 260)], atol=1.5)
    True
    """
    ratio = min(1.0, _SIDE / max(image.shape[:2]))
    small = cv2.resize(image, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA)
    # What is written on the sheet must not break it up.
    plain = cv2.medianBlur(cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8)), 5)
    border = np.concatenate([plain[:2].reshape(-1, 3), plain[-2:].reshape(-1, 3), plain[:, 0], plain[:, -1]])
    differ = np.abs(plain.astype(np.int16) - np.median(border, axis=0).astype(np.int16)).max(axis=2).astype(np.uint8)
    mask = cv2.threshold(differ, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)[1]
    if not mask.any() or differ[mask > 0].mean() < _CONTRAST:
        return None
    outlines, _ = cv2.findContours(np.asarray(mask, np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not outlines:
        return None
    outline = max(outlines, key=cv2.contourArea)
    hull = cv2.convexHull(outline)
    rough = cv2.approxPolyDP(hull, 0.03 * cv2.arcLength(hull, True), True)[:, 0].astype(np.float64)
    area = float(cv2.contourArea(outline))
    if len(rough) != 4 or not _SHARE[0] < area / differ.size < _SHARE[1]:
        return None
    corners = _sharpen(outline[:, 0].astype(np.float64), rough)
    if corners is None or area < _FILLED * cv2.contourArea(corners.astype(np.float32)):
        return None
    # Outlines run through the middles of the outermost pixels.
    middle = corners.mean(axis=0)
    corners = corners + 0.5 * np.sign(corners - middle)
    corners = (corners + 0.5) / ratio - 0.5
    order = np.argsort(np.arctan2(*(corners - corners.mean(axis=0)).T[::-1]))
    return np.asarray(corners[order] + 0.0)


def sheet_to_millimeters(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Homography from the picture to the millimeters of the sheet, shape (3, 3).

    Parameters
    ----------
    corners : ndarray, shape (4, 2), float64
        As `find_sheet` finds them.

    Examples
    --------
    >>> corners = np.array([[0.0, 0.0], [594.0, 0.0], [594.0, 420.0], [0.0, 420.0]])
    >>> (sheet_to_millimeters(corners) @ [594.0, 420.0, 1.0]).round(6)
    array([297., 210.,   1.])
    """
    sides = np.hypot(*(np.roll(corners, -1, axis=0) - corners).T)
    across, down = sides[[0, 2]].mean(), sides[[1, 3]].mean()
    long, short = min(
        _FORMATS_MM, key=lambda size: abs(np.log(size[0] / size[1] * min(across, down) / max(across, down)))
    )
    width, height = (long, short) if across >= down else (short, long)
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    return np.asarray(cv2.getPerspectiveTransform(corners.astype(np.float32), target), np.float64)


def _sharpen(outline: NDArray[np.float64], rough: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Corners where the straight lines through the four sides of an outline meet."""
    lines = []
    for start, end in zip(rough, np.roll(rough, -1, axis=0), strict=True):
        way = end - start
        length = float(np.hypot(*way))
        along = (outline - start) @ way / length**2
        off = np.abs((outline - start) @ np.array([-way[1], way[0]])) / length
        near = outline[(along > 0.08) & (along < 0.92) & (off < 0.03 * length)]
        if len(near) < 0.3 * length:
            return None
        vx, vy, x, y = (
            float(value) for value in cv2.fitLine(near.astype(np.float32), cv2.DIST_HUBER, 0, 0.01, 0.01).ravel()
        )
        lines.append((-vy, vx, vy * x - vx * y))
    corners = []
    for before, after in zip(np.roll(lines, 1, axis=0), lines, strict=True):
        crossing = np.cross(before, after)
        if abs(crossing[2]) < 0.3:
            return None
        corners.append(crossing[:2] / crossing[2])
    return np.array(corners)
