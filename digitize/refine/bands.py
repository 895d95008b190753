"""Cut bands of a page along its rows for a network that finds where the pen ran.

A band is a window of the upright page, pixel by pixel, about the level of a row (`digitize.records.traces.Rows`), high
enough for a tall beat. Its channels say what is known of every pixel: the ink, the contrast of the picture, whether a
network takes it for the pen's, what the row's own deterministic trace covers, what those of the other rows cover, and
where pulses, separators and names are printed. So a network starts from what is known and may leave it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from digitize.refine.layers import Layers

CHANNELS = ("ink", "contrast", "pen", "own", "others", "print")
"""What a band shows, see `Band`."""

HEIGHTS = (320, 448, 576, 768)
"""Heights of bands, in pixels: of 38 mm to either side of a level no printed trace went beyond."""

FOLD = (4, 2)
"""Pixels of a cell, down and across: networks and decoding go by cells."""

STEPS = 2
"""Samples a column that are read: at its middle and half-way to the next."""

_MARGIN = 48
"""Pixels of a band above and below all that is known of its row."""
_AROUND = 81
"""Pixels (8 mm) over which the paper's gray is averaged."""


@dataclass(frozen=True, eq=False)
class Band:
    """A window along a row.

    Attributes
    ----------
    pixels : ndarray, shape (len(CHANNELS), height, width), uint8
        255 is all ink, black on white, the pen's, covered by the row's trace, by those of other rows, print.
    level : ndarray, shape (width,), float32
        The row's level, in pixels from the band's top.
    top : int
        The band's first row of pixels (y), a multiple of a cell's height; what lies beyond the page is empty.
    """

    pixels: NDArray[np.uint8]
    level: NDArray[np.float32]
    top: int


@dataclass(frozen=True, eq=False)
class Bands:
    """A page from which bands are cut.

    Attributes
    ----------
    layers : Layers

    Examples
    --------
    >>> from digitize.records.traces import Rows, Traces
    >>> page = np.zeros((200, 60), np.uint8)
    >>> page[99:102] = 255
    >>> flat = np.full((1, 60), 100, np.float32)
    >>> ends = np.array([0]), np.array([60])
    >>> traces = Traces(flat, flat, np.full((1, 60), 3, np.uint8), *ends, *ends, 1.5, np.stack([flat, flat]))
    >>> layers = Layers(page, 255 - page, page, np.zeros((200, 60), bool), traces, Rows(flat, *ends), 10, 8)
    >>> band = Bands(layers).cut(0, 20, 8, 16)
    >>> band.top, float(band.level[0]), band.pixels[:4, 6:10, 0].tolist()
    (92, 8.0, [[0, 255, 255, 255], [0, 254, 254, 254], [0, 255, 255, 255], [0, 255, 255, 255]])
    """

    layers: Layers

    @cached_property
    def contrast(self) -> NDArray[np.uint8]:
        """By how much each pixel is darker than the paper around, shape (h, w); 254 is half of the way to black."""
        paper = cv2.blur(self.layers.gray, (_AROUND, _AROUND))
        return np.asarray(2 * np.minimum(cv2.subtract(paper, self.layers.gray), 127), np.uint8)

    @cached_property
    def edges(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Top and bottom of what each row's pen covers in every column, shape (rows, w); NaN where it is hidden."""
        traces = self.layers.traces
        before = np.concatenate([traces.center[:, :1], traces.between[:, :-1]], axis=1)
        places = np.stack([before, traces.center, traces.between])
        hidden = np.isnan(traces.center)
        low, high = np.fmin.reduce(places) - traces.radius, np.fmax.reduce(places) + traces.radius
        return np.where(hidden, np.nan, low), np.where(hidden, np.nan, high)

    @cached_property
    def strokes(self) -> NDArray[np.float32]:
        """How many rows' pens cover each pixel, shape (h, w)."""
        return fill_strokes(*self.edges, self.layers.gray.shape[0])

    def cut(self, row: int, start: int, width: int, height: int) -> Band:
        """Cut a band.

        Parameters
        ----------
        row : int
        start : int
            First column.
        width, height : int

        Returns
        -------
        Band
        """
        layers = self.layers
        whole_height, whole_width = layers.gray.shape
        level = layers.rows.level[row, np.clip(np.arange(start, start + width), 0, whole_width - 1)]
        top = FOLD[0] * round(float(np.median(level)) / FOLD[0]) - height // 2
        y = slice(max(top, 0), max(min(top + height, whole_height), 0))
        x = slice(start, min(start + width, whole_width))
        inside = slice(y.start - top, y.stop - top), slice(0, x.stop - x.start)
        pixels = np.zeros((len(CHANNELS), height, width), np.uint8)
        pixels[(0, *inside)] = layers.coverage[y, x]
        pixels[(1, *inside)] = self.contrast[y, x]
        pixels[(2, *inside)] = layers.pen[y, x]
        above, below = (edge[row : row + 1, x] - top for edge in self.edges)
        own = fill_strokes(above, below, height)
        pixels[(3, slice(None), inside[1])] = 255 * np.minimum(own, 1.0) + 0.5
        others = np.clip(self.strokes[y, x] - own[inside[0]], 0.0, 1.0)
        pixels[(4, *inside)] = 255 * others + 0.5
        pixels[(5, *inside)] = np.where(layers.print_mask[y, x], np.uint8(255), np.uint8(0))
        return Band(pixels, np.asarray(level - top, np.float32), top)

    @property
    def height(self) -> int:
        """Height that bands of this page need: all that is known of any row lies within."""
        return height_for(self.layers.traces.center - self.layers.rows.level)


def height_for(away: NDArray[np.floating]) -> int:
    """Choose the height of a band.

    Parameters
    ----------
    away : ndarray
        Pixels from the level at which the pen may be; NaN for none.

    Returns
    -------
    int
        Of `HEIGHTS`.

    Examples
    --------
    >>> height_for(np.array([-20.0, 130.0, np.nan])), height_for(np.array([]))
    (448, 320)
    """
    farthest = float(np.nanmax(np.abs(away), initial=0.0)) + _MARGIN
    return next((height for height in HEIGHTS if farthest <= height / 2), HEIGHTS[-1])


def fill_strokes(top: NDArray[np.floating], bottom: NDArray[np.floating], height: int) -> NDArray[np.float32]:
    """Count how many strokes cover each pixel, to a fraction.

    Parameters
    ----------
    top, bottom : ndarray, shape (n, w)
        Edges of n strokes in every column, pixels (y); NaN for none.
    height : int
        Of the picture.

    Returns
    -------
    ndarray, shape (height, w), float32

    Examples
    --------
    >>> fill_strokes(np.array([[0.5], [1.75]]), np.array([[2.5], [9.0]]), 4)[:, 0].tolist()
    [0.0, 1.0, 1.75, 1.0]
    """
    change = np.zeros((height + 2, top.shape[1]), np.float32)
    for of_one in zip(top, bottom, strict=True):
        column = np.flatnonzero(np.isfinite(of_one).all(axis=0))
        for edge, sign in zip(of_one, (1.0, -1.0), strict=True):
            at = np.clip(edge[column] + 0.5, 0.0, height)
            above = at.astype(np.intp)
            part = at - above
            change[above, column] += sign * (1.0 - part)
            change[above + 1, column] += sign * part
    return np.cumsum(change, axis=0, out=change)[:height]
