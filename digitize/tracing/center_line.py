"""Find the pen's center from the edges of its ink, and bridge short gaps.

The pen has a width: the upper edge of its ink is the curve dilated by the nib, the lower edge the curve eroded, so
moving each edge inward by the *measured* radius gives the curve exactly where it is smooth, from above at a peak and
from below at a trough, where a centroid would round both off.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_NIB_ANGLES = 25
_BRIDGE = 15
"""Columns (60 ms at 25 mm/s) over which a hidden trace is interpolated; beyond, nothing is claimed."""


def center_line(
    top: NDArray[np.float64], bottom: NDArray[np.float64], shared: NDArray[np.bool_], radius: float
) -> NDArray[np.float64]:
    """Find the pen's center from the edges of its ink: a morphological closing and opening by the nib.

    Parameters
    ----------
    top, bottom : ndarray, shape (w,), float64
        Edges of a row's ink in pixels (y), NaN where they are not known.
    shared : ndarray, shape (w,), bool
        Where the ink is another row's, too.
    radius : float
        The pen's radius in pixels.

    Returns
    -------
    ndarray, shape (w,), float64
        Pixels (y), NaN where it is not known.

    Examples
    --------
    >>> top = np.array([8.0, 8, 8, 8, 2, 8, 8, 8, 8])
    >>> center_line(top, np.full(9, 11.0), np.zeros(9, bool), 1.5).round(1).tolist()
    [9.5, 9.5, 9.5, 9.5, 3.5, 9.5, 9.5, 9.5, 9.5]
    """
    from_top, from_bottom = _from_edges(top, bottom, radius)
    # At a tip the nib's own end draws the edge, however steep the sides: there a radius a little too large cuts off
    # nothing.
    peak = top <= ndimage.minimum_filter1d(np.where(np.isfinite(top), top, np.inf), 5)
    trough = bottom >= ndimage.maximum_filter1d(np.where(np.isfinite(bottom), bottom, -np.inf), 5)
    peak &= ~shared
    trough &= ~shared
    from_top[peak] = np.minimum(from_top[peak], top[peak] + radius)
    from_bottom[trough] = np.maximum(from_bottom[trough], bottom[trough] - radius)
    known = np.isfinite(top) & np.isfinite(from_top) & np.isfinite(from_bottom)
    middle = np.full(len(top), np.nan)
    middle[known] = (from_top[known] + from_bottom[known]) / 2
    apart = known.copy()
    apart[known] = from_bottom[known] - from_top[known] > 1.0
    # A narrow peak stands out on the upper edge, a trough on the lower; between two of them the stroke is half-way.
    around = 2 * int(np.ceil(2 * radius + 3)) + 1
    up = ndimage.maximum_filter1d(np.where(known, top, -np.inf), around) - top
    down = bottom - ndimage.minimum_filter1d(np.where(known, bottom, np.inf), around)
    up, down = np.maximum(up[apart], 0.0) ** 2 + 1e-3, np.maximum(down[apart], 0.0) ** 2 + 1e-3
    middle[apart] = (from_top[apart] * up + from_bottom[apart] * down) / (up + down)
    return middle


def _from_edges(
    top: NDArray[np.float64], bottom: NDArray[np.float64], radius: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Highest and lowest place of the nib's center at which it stays within the upper and the lower edge."""
    columns = np.arange(len(top), dtype=np.float64)
    from_top = np.full(len(top), -np.inf)
    from_bottom = np.full(len(top), np.inf)
    # Around the nib in equal angles: on a steep stroke it is its side that draws, a whole radius away.
    for angle in np.linspace(-np.pi / 2, np.pi / 2, _NIB_ANGLES):
        at, depth = columns + radius * np.sin(angle), radius * np.cos(angle)
        left = np.floor(at).astype(int)
        part = at - left
        inside = (left >= 0) & (left + 1 < len(top))
        left = np.where(inside, left, 0)
        upper = np.where(inside, top[left] * (1 - part) + top[np.minimum(left + 1, len(top) - 1)] * part, np.nan)
        lower = np.where(inside, bottom[left] * (1 - part) + bottom[np.minimum(left + 1, len(top) - 1)] * part, np.nan)
        np.fmax(from_top, upper + depth, out=from_top)
        np.fmin(from_bottom, lower - depth, out=from_bottom)
    return from_top, from_bottom


def bridge_gaps(center: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Interpolate the short gaps of center lines.

    Parameters
    ----------
    center : ndarray, shape (rows, w), float64
        NaN where it is not known.

    Returns
    -------
    center : ndarray, shape (rows, w), float64
    bridged : ndarray, shape (rows, w), bool
        Where it was interpolated.

    Examples
    --------
    >>> center, bridged = bridge_gaps(np.array([[3.0, np.nan, 5.0, np.nan]]))
    >>> center.tolist(), bridged.tolist()
    ([[3.0, 4.0, 5.0, nan]], [[False, True, False, False]])
    """
    center, bridged = center.copy(), np.zeros(center.shape, bool)
    for row, line in enumerate(center):
        known = np.flatnonzero(np.isfinite(line))
        for gap in np.flatnonzero((np.diff(known) > 1) & (np.diff(known) <= _BRIDGE)):
            a, b = known[gap], known[gap + 1]
            line[a : b + 1] = np.linspace(line[a], line[b], b - a + 1)
            bridged[row, a + 1 : b] = True
    return center, bridged
