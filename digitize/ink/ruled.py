"""Take ruled lines of 0 mV away, which run level through a trace from end to end."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from digitize.records.upright import PIXELS_PER_MM

_INK, _EDGE = 0.3, 0.15
"""Coverage of ink, and of the edge of a line."""
_LONG, _UNBROKEN = 60 * PIXELS_PER_MM, 0.7
"""Least length of a ruled line, and share of its columns that show it."""
_BESIDE = 5 * PIXELS_PER_MM
"""How far above and below a line its own trace is looked for: rows are farther apart than this."""
_REACH = 15 * PIXELS_PER_MM
"""How far a trace goes from its line."""
_BOTH = 0.1
"""Share of a line's columns that show a trace beside it too. A trace alone is in two places where it turns sharply."""
_THICK = 6
"""Pixels; a thicker level line is no ruled one."""


def without_ruled_lines(coverage: NDArray[np.float32]) -> NDArray[np.float32]:
    """Take lines away that run on at their level where the trace has left it.

    A trace that is level for long leaves its level with every beat; a ruled line is there in those columns too.

    Parameters
    ----------
    coverage : ndarray, shape (h, w), float32
        Share of each pixel of an upright page that is ink; not modified.

    Returns
    -------
    ndarray, shape (h, w), float32
        The line is left where nothing else is, as the trace may lie on it, and where it touches the trace.

    Examples
    --------
    >>> page = np.zeros((300, 1000), np.float32)
    >>> x = np.arange(1000)
    >>> trace = (150 - 40 * np.sin(x / 60)).astype(int)
    >>> page[trace, x] = page[trace + 1, x] = page[150] = 1.0
    >>> clean = without_ruled_lines(page)
    >>> float(page[150].mean()), float(clean[150].mean().round(1)), float(clean[trace, x].min())
    (1.0, 0.0, 1.0)
    """
    ink = coverage > _INK
    thick = cv2.dilate(ink.view(np.uint8), np.ones((3, 1), np.uint8)).view(bool)
    clean = coverage
    for y in _levels(thick):
        near = slice(max(0, y - _THICK), y + _THICK + 1)
        line = _thin(_run_through(coverage[near], min(y, _THICK)))
        if _beside(ink, line, y, _BESIDE).sum() < _BOTH * thick[y].sum():
            continue
        clean = clean.copy() if clean is coverage else clean
        clean[near][line & _beside(ink, line, y, _REACH)] = 0
    return clean


def _levels(thick: NDArray[np.bool_]) -> list[int]:
    """Levels (y) at which ink runs on from one end to the other; the middle of each line."""
    found = []
    for y in np.flatnonzero(thick.sum(axis=1) >= _UNBROKEN * _LONG):
        columns = np.flatnonzero(thick[y])
        length = columns[-1] - columns[0] + 1
        if length >= _LONG and len(columns) >= _UNBROKEN * length:
            found.append((int(y), len(columns)))
    # The level with the most ink of those that belong to one line.
    return [y for y, n in found if all(n > m or (n == m and y <= z) for z, m in found if abs(z - y) <= _THICK)]


def _thin(run: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Those columns of a line, shape (h, w), that are as thin as it mostly is."""
    height = run.sum(axis=0)
    drawn = height > 0
    usual = np.median(height[drawn]) if drawn.any() else 0.0
    return np.asarray(run & (height <= usual + 1) & (height < _THICK))


def _run_through(near: NDArray[np.float32], middle: int) -> NDArray[np.bool_]:
    """Ink that hangs together with a level, up or down its column, or with one of the two beside it; as `near`."""
    ink = near > _EDGE
    run = np.zeros_like(ink)
    run[middle - 1 : middle + 2] = ink[middle - 1 : middle + 2]
    for y in range(middle + 2, len(ink)):
        run[y] = ink[y] & run[y - 1]
    for y in range(middle - 2, -1, -1):
        run[y] = ink[y] & run[y + 1]
    return run


def _beside(ink: NDArray[np.bool_], line: NDArray[np.bool_], y: int, reach: int) -> NDArray[np.bool_]:
    """Columns of a line that show, too, ink of a piece that comes near it or hangs together with such, shape (w,)."""
    band = ink[max(0, y - reach) : y + reach + 1].copy()
    middle = min(y, reach)
    level = slice(max(0, middle - _THICK), middle + _THICK + 1)
    band[level] &= ~line
    count, labels = cv2.connectedComponents(band.view(np.uint8), connectivity=8)
    hanging = np.zeros(count, bool)
    hanging[np.unique(labels[level])] = True
    hanging[0] = False
    return np.asarray(line.any(axis=0) & hanging[labels].any(axis=0))
