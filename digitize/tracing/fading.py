"""Make ink that water, light or a dry pen has paled as dark as the rest of it.

What counts as ink is told by one darkness for the whole page, and ink that has faded in one corner would be lost there,
with the beginning of every row that crosses it. How dark the pen's stroke is along each row, in the median over a
stretch of paper, tells where it has paled and by how much; between the rows that is interpolated.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from digitize.records.traces import Rows
from digitize.records.upright import PIXELS_PER_MM

_BAND = 5 * PIXELS_PER_MM
"""How far above and below its level a row's ink is looked for."""
_STEP = 4
"""Columns from one look to the next."""
_STRETCH = 16 * PIXELS_PER_MM // _STEP
"""Looks over which the median is taken: a beat's pale stroke does not count."""
_DARK, _PALE, _PALED, _GONE = 0.8, 0.75, 0.55, 0.3
"""Parts of the pen's usual coverage: how dark ink is made that is paler than the third, and, part of the way, than the
second, for a pen is never quite even. What is paler than the last is not known to be ink."""
_NOISE = 4.0
"""Ink is so many times as dark as what lies half-way between the rows."""
_MOST_INK = 0.2
"""Share of the band that is ink at most, where it is one stroke: what is left of a grid fills more."""
_LEAST = 20 * PIXELS_PER_MM // _STEP
"""Looks over which ink has paled at least: a pulse is hollow, and an edge of paper shades a little."""
_COARSE = 2 * PIXELS_PER_MM
"""Pixels from one row of the map of darkness to the next."""


def normalize_fading(coverage: NDArray[np.float32], rows: Rows) -> NDArray[np.float32]:
    """Darken the ink of a page where it has paled.

    Parameters
    ----------
    coverage : ndarray, shape (h, w), float32
        Share of each pixel of the upright page that is ink.
    rows : Rows
        The rows as far as they were found; they may go on into paler ink.

    Returns
    -------
    ndarray, shape (h, w), float32
        The very same array where nothing has paled.

    Examples
    --------
    >>> page = np.zeros((300, 1000), np.float32)
    >>> page[148:152, 50:950] = 0.9
    >>> page[:, :400] *= 0.5
    >>> rows = Rows(np.full((1, 1000), 150, np.float32), np.array([400]), np.array([950]))
    >>> evened = normalize_fading(page, rows)
    >>> [round(float(evened[150, x]), 2) for x in (20, 200, 800)]
    [0.0, 0.72, 0.9]
    """
    height, width = coverage.shape
    columns = np.arange(0, width, _STEP)
    level = np.rint(rows.level[:, columns]).astype(np.intp)
    peak, filled = _strokes(coverage, level, columns)
    noise = np.median(_strokes(coverage, _between(level), columns)[0])
    inside = (columns >= rows.start[:, None]) & (columns < rows.end[:, None])
    if not inside.any():
        return coverage
    usual = float(np.median(peak[inside]))
    if usual <= 0.0:
        return coverage
    gone = max(_GONE * usual, _NOISE * float(noise))
    paled = np.clip((_PALE - peak / usual) / (_PALE - _PALED), 0.0, 1.0) * ((peak > gone) & (filled < _MOST_INK))
    paled *= ndimage.binary_opening(paled > 0, np.ones((1, _LEAST)))
    if not paled.any():
        return coverage
    gain = 1.0 + paled * (_DARK * usual / np.maximum(peak, gone) - 1.0)
    gain = ndimage.uniform_filter1d(gain, _STRETCH // 4 + 1, axis=1)
    # Rows of one page keep their order, so the middles of their levels rise.
    middles = np.median(rows.level, axis=1)
    heights = np.arange(0, height + _COARSE, _COARSE)
    coarse = np.stack([np.interp(heights, middles, at) for at in gain.T], axis=1).astype(np.float32)
    fine = cv2.warpAffine(
        coarse,
        np.array([[_STEP, 0, 0], [0, _COARSE, 0]], np.float32),
        (width, height),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    restored: NDArray[np.float32] = np.minimum(coverage * fine, np.maximum(coverage, np.float32(1.0)))
    return restored


def _strokes(
    coverage: NDArray[np.float32], level: NDArray[np.intp], columns: NDArray[np.intp]
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """How dark the darkest ink beside levels is, and how much of what lies there is nearly as dark, in the median."""
    y = level[..., None] + np.arange(-_BAND, _BAND + 1)
    ink = coverage[np.clip(y, 0, len(coverage) - 1), columns[:, None]]
    peak = ink.max(axis=2)
    filled = (ink > 0.5 * peak[..., None]).mean(axis=2)
    size = (1, _STRETCH + 1)
    return ndimage.median_filter(peak, size, mode="nearest"), ndimage.median_filter(filled, size, mode="nearest")


def _between(level: NDArray[np.intp]) -> NDArray[np.intp]:
    """Heights half-way between rows; above and below the only one of a page."""
    if len(level) == 1:
        return np.concatenate([level - 3 * _BAND, level + 3 * _BAND])
    return np.asarray((level[1:] + level[:-1]) // 2, np.intp)
