"""Tell along which axis of a page its traces run.

A grid looks the same after a quarter turn. Traces run along time, so their ink hangs together over long stretches of
one axis only.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from digitize.records.upright import PIXELS_PER_MM

_INKED = 0.4
"""Coverage from which a pixel is ink."""

_CELL = 2 * PIXELS_PER_MM
"""Side of the cells in which ink is looked for."""

_LONG_CELLS = 25
"""Cells (50 mm) over which only a trace, a frame or a ruled line hangs together."""

_SIDEWAYS = 1.5
"""How many times more ink must hang together downward than across before a page lies on its side."""


def runs_downward(coverage: NDArray[np.float32]) -> bool:
    """Whether the traces run down the page instead of across it.

    Parameters
    ----------
    coverage : ndarray, shape (h, w), float32
        Share of each pixel of the upright page that is ink.

    Returns
    -------
    bool

    Examples
    --------
    >>> page = np.zeros((900, 1200), np.float32)
    >>> page[400:403, 100:1100] = 1
    >>> runs_downward(page), runs_downward(page.T)
    (False, True)
    """
    rows, columns = (side // _CELL for side in coverage.shape)
    if min(rows, columns) == 0:
        return False
    ink = (coverage[: rows * _CELL, : columns * _CELL] >= _INKED).view(np.uint8)
    # A cell is inked where a stroke crosses it; lone specks do not.
    cells = (cv2.resize(ink * 255, (columns, rows), interpolation=cv2.INTER_AREA) > 5).view(np.uint8)
    return _hanging_together(cells.T) > _SIDEWAYS * _hanging_together(cells)


def _hanging_together(cells: NDArray[np.uint8]) -> int:
    """Cells in unbroken stretches across of at least `_LONG_CELLS`, where a stretch may rise or sink slowly."""
    beside = cv2.dilate(cells, np.ones((3, 1), np.uint8))
    long = cv2.morphologyEx(
        beside, cv2.MORPH_OPEN, np.ones((1, _LONG_CELLS), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0
    )
    return int(np.count_nonzero(cells[np.asarray(long) > 0]))
