"""Find the ink that a pen may have left along the rows of a page: how dark and how wide it draws, and its runs.

A pen that moves fast leaves less ink, noise eats at its edges, and the levels of two rows may have run together: all
three are mended here, before any row is followed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from digitize.ink.runs import Runs, find_runs
from digitize.records.traces import Rows
from digitize.records.upright import PIXELS_PER_MM

_TOGETHER = 15
"""Pixels between the levels of two rows that ran together."""
_LONG = 100
"""Columns over which they do; crossing beats are shorter."""
_OWN = 8
"""Pixels from a level within which ink is a row's own."""
_MOSTLY = 0.5
"""Share of these columns in which ink beside them is nobody's, where a row lost its own."""

_STEEP = 11
"""Pixels of ink, one above the other, that make a steep stroke."""
_STROKE = 3
"""Columns beside a stroke's middle that are still the stroke's."""
_SHADE = 11
"""Columns of ink side by side that no steep stroke fills."""
_EVENLY = 0.4
"""Share of the darkest ink around that all of them have."""
_PALEST = 0.2
"""Share of the pen's coverage that they have at least: paler ink is a remnant of the grid."""

_LEVEL = 0.1
"""Slope (pixels a pixel) up to which the pen's thickness is measured."""

_ROUGH = 0.14
"""How rough a level stroke's edges are, in pixels, that noise has eaten at; a sharp pen's are half of that."""
_SOOTHE = 4.0
"""Width of the blur that takes the noise off such edges, as a multiple of their roughness."""
_MOST_BLUR = 1.0
"""Widest of these blurs, in pixels: a wider one closes the notch between the flanks of a beat."""

_EDGE = 0.5
"""Share of the pen's coverage at which its edge is taken."""


@dataclass(frozen=True, eq=False)
class PenInk:
    """Ink that a pen may have left along the rows of a page.

    Attributes
    ----------
    coverage : ndarray, shape (h, w), float32
        Share of each pixel that is ink, blurred where noise has eaten at its edges.
    rows : Rows
    runs : Runs
        Stretches of ink in every column, steep strokes as dark as level ones.
    darkness : float
        The pen's usual coverage.
    radius : float
        The pen's radius in pixels.
    """

    coverage: NDArray[np.float32]
    rows: Rows
    runs: Runs
    darkness: float
    radius: float


def find_pen_ink(coverage: NDArray[np.float32], rows: Rows, print_mask: NDArray[np.bool_] | None = None) -> PenInk:
    """Find what may be trace on a page.

    Parameters
    ----------
    coverage : ndarray, shape (h, w), float32
        Share of each pixel of the upright page that is ink.
    rows : Rows
    print_mask : ndarray, shape (h, w), bool, optional
        Text, separators and calibration pulses, which are not trace.

    Returns
    -------
    PenInk

    Examples
    --------
    >>> from digitize.tracing.rows import find_rows
    >>> page = np.zeros((400, 900), np.float32)
    >>> wave = 200 + (40 * np.sin(np.arange(900) / 30)).astype(int)
    >>> for dy in (-1, 0, 1):
    ...     page[wave + dy, np.arange(900)] = 1
    >>> find_pen_ink(page, find_rows(page)).radius
    1.5
    """
    level_of_pen = _pen_coverage(coverage, rows)
    keep = np.ones(coverage.shape, bool) if print_mask is None else ~print_mask
    keep[:, : rows.start.min()] = keep[:, rows.end.max() :] = False
    # What is solid enough to be a trace is judged by the ink as it is.
    strokes = _with_fast_strokes(coverage, level_of_pen)
    runs = find_runs(strokes, _EDGE * level_of_pen, keep)
    rough = _roughness(runs, rows)
    if rough > _ROUGH:
        width = min(_SOOTHE * rough, _MOST_BLUR)
        coverage, strokes = (
            np.asarray(cv2.GaussianBlur(ink, (0, 0), width), np.float32) for ink in (coverage, strokes)
        )
        level_of_pen = _pen_coverage(coverage, rows)
        runs = find_runs(strokes, _EDGE * level_of_pen, keep)
    radius = _pen_radius(runs, rows)
    return PenInk(coverage, _part_levels(runs, rows), runs, level_of_pen, radius)


def _pen_coverage(coverage: NDArray[np.float32], rows: Rows) -> float:
    """Coverage at the middle of a level stroke: below 1 where the pen is thinner than the scanner's pixel."""
    peaks = []
    width = coverage.shape[1]
    for level, start, end in zip(rows.level, rows.start, rows.end, strict=True):
        columns = np.arange(max(start, 0), min(end, width), 3)
        around = np.rint(level[columns]).astype(int)[:, None] + np.arange(-8, 9)
        peaks.append(coverage[np.clip(around, 0, len(coverage) - 1), columns[:, None]].max(axis=1))
    return float(np.clip(np.median(np.concatenate(peaks)), 0.3, 1.0))


def _with_fast_strokes(coverage: NDArray[np.float32], level_of_pen: float) -> NDArray[np.float32]:
    """Coverage with steep strokes as dark as level ones: a pen that moves fast leaves less ink."""
    # Bytes are a few times faster than floats, and finer than a scanner's noise.
    evened = cv2.blur(cv2.convertScaleAbs(coverage, alpha=255.0), (1, _STEEP // 2))
    upright = cv2.morphologyEx(evened, cv2.MORPH_OPEN, np.ones((_STEEP, 1), np.uint8))
    # A stroke's edges are as pale as a fast stroke; how dark its middle is tells them apart.
    darkest = cv2.dilate(evened, np.ones((_STEEP, 2 * _STROKE + 1), np.uint8))
    upright = cv2.dilate(upright, np.ones((1, 2 * _STROKE + 1), np.uint8))
    pale = darkest < 255.0 * level_of_pen
    # Shade of a crease is as pale, but wide.
    shade = cv2.morphologyEx(evened, cv2.MORPH_OPEN, np.ones((1, _SHADE), np.uint8))
    share = cv2.convertScaleAbs(darkest, alpha=_EVENLY)
    steep = np.flatnonzero(pale & (upright > share) & (upright > 255.0 * _PALEST * level_of_pen) & (shade < share))
    darker = coverage.copy()
    dark = np.take(darkest, steep) / np.float32(255.0 * level_of_pen)
    np.put(darker, steep, np.minimum(np.take(coverage, steep) / dark, 1.0))
    return darker


def _resting_ink(runs: Runs, rows: Rows) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Middle and height, column by column, of the runs on which each row rests; NaN where it does not."""
    every_column = np.arange(len(runs.count))
    center = (runs.top + runs.bottom) / 2
    for level in rows.level:
        off = np.where(np.isfinite(center), np.abs(center - level[:, None]), np.inf)
        nearest = off.argmin(axis=1)
        resting = off[every_column, nearest] < 0.4 * PIXELS_PER_MM
        height = (runs.bottom - runs.top)[every_column, nearest]
        yield np.where(resting, center[every_column, nearest], np.nan), np.where(resting, height, np.nan)


def _roughness(runs: Runs, rows: Rows) -> float:
    """How much the thickness of level strokes changes from column to column by chance, in pixels.

    A heart moves both edges of a stroke alike; noise moves each by itself.
    """
    changes = []
    for path, height in _resting_ink(runs, rows):
        change = height[1:-1] - (height[:-2] + height[2:]) / 2
        changes.append(change[(np.abs(path[2:] - path[:-2]) / 2 < _LEVEL) & np.isfinite(change)])
    every = np.abs(np.concatenate(changes))
    # 1.48 medians are a standard deviation, and two thirds of the variance are the column's own.
    return float(1.48 * np.median(every) / np.sqrt(1.5)) if len(every) else 0.0


def _pen_radius(runs: Runs, rows: Rows) -> float:
    """Half the thickness of the runs on which rows rest, across the stroke, where it runs straight and nearly level."""
    thickness = []
    for path, height in _resting_ink(runs, rows):
        slope, within = (path[4:] - path[:-4]) / 4, (path[3:-1] - path[1:-3]) / 2
        straight = np.flatnonzero((np.abs(slope) < _LEVEL) & (np.abs(slope - within) < 0.15))
        thickness.append(height[straight + 2] / np.hypot(1.0, slope[straight]))
    every = np.concatenate(thickness)
    every = every[np.isfinite(every)]
    # The lower part: a trembling stroke is thicker than the pen, and too wide a nib costs more than too thin.
    return float(np.percentile(every, 25) / 2) if len(every) else 1.5


def _part_levels(runs: Runs, rows: Rows) -> Rows:
    """Rows whose levels ran together for a while apart again, where ink beside them is nobody's.

    A level that wander took out of the order of rows is carried on straight, and may end on the next row's.
    """
    level = rows.level.copy()
    middle = (runs.top + runs.bottom) / 2
    thin = np.isfinite(middle) & (runs.bottom - runs.top < 0.8 * PIXELS_PER_MM)
    with np.errstate(invalid="ignore"):
        owned: NDArray[np.bool_] = np.any([np.abs(middle - own[:, None]) < _OWN for own in rows.level], axis=0)
    for upper in range(len(level) - 1):
        together = ndimage.binary_opening(np.abs(rows.level[upper + 1] - rows.level[upper]) < _TOGETHER, np.ones(_LONG))
        pieces, _ = ndimage.label(together)
        for (piece,) in ndimage.find_objects(pieces):
            above = level[upper - 1, piece] if upper else np.full(piece.stop - piece.start, -np.inf)
            below = level[upper + 2, piece] if upper + 2 < len(level) else np.full(piece.stop - piece.start, np.inf)
            free = thin[piece] & ~owned[piece] & (middle[piece] > above[:, None]) & (middle[piece] < below[:, None])
            inked = np.flatnonzero(free.any(axis=1))
            if len(inked) < _MOSTLY * (piece.stop - piece.start):
                continue
            apart = np.where(free, np.abs(middle[piece] - level[upper, piece][:, None]), np.inf)[inked]
            path = middle[piece][inked, apart.argmin(axis=1)]
            usual = float(np.median(path - level[upper, piece][inked]))
            slow = ndimage.median_filter(path, size=min(_LONG // 2 + 1, len(path)), mode="nearest")
            moved = upper if usual < 0 else upper + 1
            level[moved, piece] = np.interp(np.arange(piece.stop - piece.start), inked, slow)
    return Rows(level, rows.start, rows.end)
