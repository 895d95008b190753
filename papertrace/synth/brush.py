"""Pen lines of varying width as the share of each pixel that they cover."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

_SHIFT = 4
_FINE = 3
_LARGE = 1 << 19


@dataclass(frozen=True)
class PenLine:
    """A line that a pen draws without lifting.

    Attributes
    ----------
    path : ndarray, shape (n, 2), float64
        x, y in mm.
    width : ndarray, shape (n,), float64
        Width of the line at each point, mm.
    """

    path: NDArray[np.float64]
    width: NDArray[np.float64]


def brush(lines: Sequence[PenLine], px_per_mm: float) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """Draw pen lines on a patch of their own.

    Parameters
    ----------
    lines : sequence of PenLine
        At least one.
    px_per_mm : float

    Returns
    -------
    coverage : ndarray, shape (h, w), uint8
    corner : tuple of int
        x, y of the patch's first pixel on the sheet.

    Examples
    --------
    >>> line = PenLine(np.array([[2.0, 3.0], [8.0, 3.0]]), np.array([1.0, 1.0]))
    >>> coverage, corner = brush([line], 10.0)
    >>> bool(abs(coverage.sum() / 255 - 60 * 10) < 100)
    True
    """
    reach = max(float(line.width.max()) for line in lines) + 2 / px_per_mm
    points = np.concatenate([line.path for line in lines])
    low = np.floor((points.min(axis=0) - reach) * px_per_mm).astype(int)
    high = np.ceil((points.max(axis=0) + reach) * px_per_mm).astype(int)
    width, height = (high - low + 1).tolist()
    # Small patches are drawn finer: letters need round strokes, a line across the page only needs to be fast.
    scale = _FINE if width * height < _LARGE else 2
    canvas = np.zeros((height * scale, width * scale), np.uint8)
    for line in lines:
        at = ((line.path * px_per_mm - low) * scale - 0.5) * (1 << _SHIFT)
        fixed = np.rint(at).astype(np.int32)
        # OpenCV's thickness 1, 2, 3, 5, 7... comes out 1, 3, 5, 7, 9... pixels wide.
        step = np.rint((line.width * px_per_mm * scale - 1) / 2).astype(int)
        thickness = np.maximum(2 * step - 1, np.maximum(step, 0) + 1)
        # A run of one width is one call.
        breaks = np.flatnonzero(np.diff(thickness)) + 1
        for start, end in zip([0, *breaks], [*breaks, len(fixed)], strict=True):
            run = fixed[start : min(end + 1, len(fixed))]
            cv2.polylines(canvas, [run], False, 255, int(thickness[start]), cv2.LINE_8, _SHIFT)
    return np.asarray(cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA), np.uint8), (
        int(low[0]),
        int(low[1]),
    )


def smooth(points: NDArray[np.float64], per_segment: int = 6) -> NDArray[np.float64]:
    """Lead a smooth curve through points, as a hand does.

    A centripetal Catmull-Rom spline (C. Yuksel et al., *On the parameterization of Catmull-Rom curves*, 2009): no
    loops or cusps between close points.

    Parameters
    ----------
    points : ndarray, shape (n, 2)
        At least two.
    per_segment : int
        Points that each segment is drawn with.

    Returns
    -------
    ndarray, shape ((n - 1) * per_segment + 1, 2), float64

    Examples
    --------
    >>> smooth(np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]]), 2)[:, 0].round(3).tolist()
    [0.0, 0.5, 1.0, 1.5, 2.0]
    """
    padded = np.concatenate([[2 * points[0] - points[1]], points, [2 * points[-1] - points[-2]]])
    knots = np.concatenate([[0.0], np.cumsum(np.sqrt(np.hypot(*np.diff(padded, axis=0).T)) + 1e-6)])
    t0, t1, t2, t3 = (knots[k : len(knots) - 3 + k, None] for k in range(4))
    p0, p1, p2, p3 = (padded[k : len(padded) - 3 + k, None, :] for k in range(4))
    t = (t1 + (t2 - t1) * np.arange(per_segment) / per_segment)[..., None]
    t0, t1, t2, t3 = (knot[..., None] for knot in (t0, t1, t2, t3))
    a1 = ((t1 - t) * p0 + (t - t0) * p1) / (t1 - t0)
    a2 = ((t2 - t) * p1 + (t - t1) * p2) / (t2 - t1)
    a3 = ((t3 - t) * p2 + (t - t2) * p3) / (t3 - t2)
    b1 = ((t2 - t) * a1 + (t - t0) * a2) / (t2 - t0)
    b2 = ((t3 - t) * a2 + (t - t1) * a3) / (t3 - t1)
    curve = ((t2 - t) * b1 + (t - t1) * b2) / (t2 - t1)
    return np.concatenate([curve.reshape(-1, 2), points[-1:]])
