"""A round pen of a physical width: the share of every pixel that it covers."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from papertrace.synth.geometry import SHIFT

_WINDOW, _BLOCK = 64, 16
_FINE_DPI = 3200
_LEAST_DOTS = 1.2
"""Width in pixels below which a line of whole dots would have holes."""
_LEVELS = 16
_BRISK = 6.0
"""How many times longer than a flat one a stroke is, less one, when it has lost half of what speed can take."""


def draw_line(layer: NDArray[np.uint8], points: NDArray[np.float64], width: float, dpi: float, antialias: bool) -> None:
    """Add the coverage of a round pen along `points` to `layer`, in place.

    The pen is drawn at about 3200 dpi in windows around the line and averaged down. OpenCV's line of even thickness
    ``t`` is ``t + 1`` wide and exactly centered; that of odd thickness is ``t + 2`` wide.

    Parameters
    ----------
    layer : ndarray, shape (H, W), uint8
    points : ndarray, shape (m, 2)
        The pen's way in pixels.
    width : float
        In pixels.
    dpi : float
        Of the layer.
    antialias : bool
        False covers whole pixels only, those of which half is covered, and no line is thinner than they are.

    Examples
    --------
    >>> layer = np.zeros((5, 9), np.uint8)
    >>> draw_line(layer, np.array([[-3.0, 2.0], [12.0, 2.0]]), 2.0, 200.0, True)
    >>> layer[:, 4].tolist()
    [0, 128, 255, 143, 0]
    """
    if not antialias:
        width = max(width, _LEAST_DOTS)
    oversampling = int(np.clip(round(_FINE_DPI / dpi), 2, 32))
    thickness = max(2, 2 * round((width * oversampling - 1) / 2))
    reach = int(np.ceil(width / 2)) + 1
    height, full_width = layer.shape
    x, y = points.T
    low, high = (x, x) if len(points) == 1 else (np.minimum(x[:-1], x[1:]), np.maximum(x[:-1], x[1:]))
    # Paths run from left to right but for what skew takes back, so two monotone bounds find a window's segments.
    reached, leaving = np.maximum.accumulate(high), np.minimum.accumulate(low[::-1])[::-1]
    first_column = max(0, int(np.floor(low.min())) - reach)
    last_column = min(full_width, int(np.ceil(high.max())) + reach + 1)
    fine = np.round(((points + 0.5) * oversampling - 0.5) * 2**SHIFT).astype(np.int64)

    def spans(edges: NDArray[np.int_]) -> list[tuple[int, int, int, int, int, int]]:
        """Left, right, top, bottom in pixels, and first and last point, of columns of the layer that the pen meets."""
        starts = np.searchsorted(reached, edges[:-1] - reach)
        ends = np.maximum(np.searchsorted(leaving, edges[1:] + reach, "right") + 1, starts + 1)
        found = []
        for left, right, start, end in np.column_stack((edges[:-1], edges[1:], starts, ends)).tolist():
            rows = y[start:end]
            top = max(0, int(np.floor(rows.min())) - reach)
            bottom = min(height, int(np.ceil(rows.max())) + reach + 1)
            if bottom > top:
                found.append((left, right, top, bottom, start, end))
        return found

    for left, right, top, bottom, start, end in spans(_edges(first_column, last_column, _WINDOW)):
        tile = np.zeros(((bottom - top) * oversampling, (right - left) * oversampling), np.uint8)
        corner = np.array([left, top]) * oversampling * 2**SHIFT
        path = (fine[start:end] - corner).astype(np.int32)
        if len(path) == 1:
            path = np.repeat(path, 2, axis=0)
        cv2.polylines(tile, [path[:, None]], False, 255, thickness, cv2.LINE_8, SHIFT)
        for first, last, upper, lower, _, _ in spans(_edges(left, right, _BLOCK)):
            rows = slice((upper - top) * oversampling, (lower - top) * oversampling)
            columns = slice((first - left) * oversampling, (last - left) * oversampling)
            merge(layer, tile[rows, columns], first, upper, oversampling, antialias)


def _edges(start: int, end: int, step: int) -> NDArray[np.int_]:
    return np.append(np.arange(start, end, step), end)


def merge(
    layer: NDArray[np.uint8], tile: NDArray[np.uint8], left: int, top: int, oversampling: int, antialias: bool
) -> None:
    """Average a finer tile down and add it to `layer` with its corner at ``(left, top)``, in place.

    Parameters
    ----------
    layer : ndarray, shape (H, W), uint8
    tile : ndarray, shape (h * oversampling, w * oversampling), uint8
    left, top : int
        Column and row of the layer.
    oversampling : int
    antialias : bool
        False rounds coverage to none or all.

    Examples
    --------
    >>> layer = np.zeros((2, 2), np.uint8)
    >>> merge(layer, np.full((2, 2), 255, np.uint8), 1, 0, 2, True)
    >>> layer.tolist()
    [[0, 255], [0, 0]]
    """
    height, width = tile.shape[0] // oversampling, tile.shape[1] // oversampling
    coverage = np.asarray(cv2.resize(tile, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    if not antialias:
        coverage = np.where(coverage >= 128, np.uint8(255), np.uint8(0))
    target = layer[top : top + height, left : left + width]
    np.maximum(target, coverage, out=target)


def thin_with_speed(strength: NDArray[np.uint8], points: NDArray[np.float64], width: float, thinning: float) -> None:
    """Write how strong the ink of each part of a line is into `strength`, in place: steep parts are drawn fast.

    Paper runs evenly, so a stroke's speed goes with its length per length of paper.

    Parameters
    ----------
    strength : ndarray, shape (H, W), uint8
        255 is full.
    points : ndarray, shape (m, 2)
        The pen's way in pixels, along x as the paper runs.
    width : float
        Of the pen, in pixels.
    thinning : float
        Share of the ink that an endlessly fast stroke loses.

    Examples
    --------
    >>> strength = np.full((60, 60), 255, np.uint8)
    >>> thin_with_speed(strength, np.array([[5.0, 50.0], [30.0, 50.0], [31.0, 5.0], [55.0, 5.0]]), 2.0, 0.8)
    >>> int(strength[50, 10]), int(strength[25, 30]) < 100
    (255, True)
    """
    if len(points) < 2:
        return
    step = np.abs(np.diff(points, axis=0))
    length = np.hypot(*step.T) / np.maximum(step[:, 0], 1e-3)
    excess = np.maximum(length - 1, 0)
    level = np.round((1 - thinning * excess / (excess + _BRISK)) * _LEVELS).astype(int)
    edges = np.concatenate(([0], np.flatnonzero(np.diff(level)) + 1, [len(level)]))
    path = np.round(points * 2**SHIFT).astype(np.int32)
    runs: dict[int, list[NDArray[np.int32]]] = {}
    for start, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        runs.setdefault(int(level[start]), []).append(path[start : end + 1, None])
    for strong in sorted(runs):
        # Where parts meet, the stronger one is laid over the weaker.
        cv2.polylines(strength, runs[strong], False, strong * 255 // _LEVELS, int(width) + 3, cv2.LINE_8, SHIFT)
