"""Scale and direction of a page without a grid, for a first view of it.

Without millimeter lines the page is laid out twice: first at the scale that the dots of a fax tell, else along the
outline of its sheet where that is seen, else at the scale that the file states or that a sheet of usual width would
have; and then as its own calibration pulses and rows tell (`digitize.tracing.rescale`).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from digitize.geometry.mapping import project
from digitize.geometry.sheet import find_sheet, sheet_to_millimeters
from digitize.records.placement import PaperScale
from digitize.records.standards import DPI

_SHEET_MM = 279.4
"""Long side of a Letter sheet; A4 is 6 % longer, which is near enough for a first view."""
_SKEW_SIDE = 900
"""Pixels at which a page's skew is looked for."""

_SKEWS = np.arange(-60, 61)
"""Skews that are tried, in tenths of a degree."""

_LEVEL = 3
"""Tenths of a degree up to which rows are level enough for a first view."""


def first_scale(image: NDArray[np.uint8], dpi: float | None, received: float | None = None) -> PaperScale:
    """Scale for a first view of a page, shape (h, w, 3), that states so many dots per inch.

    A fax's repeated dots tell more surely than anything else how many there are (`digitize.pages.fax.fax_resolution`).

    Examples
    --------
    >>> first_scale(np.full((1700, 2200, 3), 255, np.uint8), 200.0).source
    'print'
    """
    if received is not None:
        return PaperScale(straight(25.4 / received, _skew(image)), "fax")
    corners = find_sheet(image)
    if corners is not None:
        matrix = sheet_to_millimeters(corners)
        (left, top), (right, bottom) = project(matrix, corners[[0, 2]]).tolist()
        return PaperScale(matrix, "paper", (left, top, right, bottom))
    if dpi is not None and DPI[0] <= dpi <= DPI[1]:
        return PaperScale(straight(25.4 / dpi, _skew(image)), "print")
    return PaperScale(straight(_SHEET_MM / max(image.shape[:2]), _skew(image)), "assumed")


def _skew(image: NDArray[np.uint8]) -> float:
    """Angle in radians by which rows and lines of print descend: their ink, summed along it, is least spread."""
    ratio = min(1.0, _SKEW_SIDE / max(image.shape[:2]))
    gray = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA)
    # Thin dark strokes, and no shade of a border.
    ink = cv2.morphologyEx(gray, cv2.MORPH_BLACKHAT, np.ones((7, 7), np.uint8))
    y, x = np.nonzero(ink > 60)
    weight = ink[y, x].astype(np.float64)
    slopes = np.tan(np.radians(_SKEWS / 10.0))
    sums = [np.bincount((y - slope * x + _SKEW_SIDE).astype(np.intp), weight) for slope in slopes]
    best = int(_SKEWS[np.argmax([float((part**2).sum()) for part in sums])])
    return float(np.radians(best / 10.0)) if abs(best) > _LEVEL else 0.0


def straight(ratio: float, slope: float) -> NDArray[np.float64]:
    """Give the homography that enlarges by a ratio and turns rows that descend by `slope` (radians) level."""
    cos, sin = np.cos(slope) * ratio, np.sin(slope) * ratio
    return np.array([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]])
