"""Tell pen from paper and grid: how much of each pixel of an upright page is covered by ink.

A pixel's color is a mixture, ``covered * pen + (1 - covered) * ground``, and the ground is known: the grid repeats
every 5 mm, so the typical color of each place of a 5 mm tile, over all tiles of the page, is paper and grid without
the pen. Solving for the covered share (image matting with a known background) removes the grid and keeps the sub-pixel
edges of the trace, on color, gray and black-and-white pages alike, even where the grid is as dark as the pen.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from digitize.geometry.rectify import TILE_MM
from digitize.ink.grid_area import GridArea, find_grid_area, spread
from digitize.records.upright import PIXELS_PER_MM, UprightPage

_TILE = TILE_MM * PIXELS_PER_MM
_TILES_USED = 300
_WHITE = 255
"""The paper's own color in a picture of relative colors."""

_NOTICEABLE = 0.1
"""Share of the paper's brightness by which a pixel must differ from bare ground to be looked at."""

_STROKES = ((0.35, 0.6), (0.2, 0.75))
"""How much darker strokes are than what is around them, at least, and how bright, at most, in parts of the paper's
brightness; where there are hardly any such, the pen is paler."""
_LEAST_FLOOR = 100
"""Fewest pixels that tell the pen's color."""

_SMALLER = 5
"""By how much a page is reduced to see its paper."""
_BEYOND_PEN = np.ones((5, 5), np.uint8)
"""What a stroke of a page so reduced does not fill."""
_LEAST_TABLE = 0.05
"""Least share of a picture beside the grid that tells how bright the table is."""
_DARK_TABLE = 0.6
"""How bright a table is at most, relative to the paper."""

_AS_DARK, _SAME_COLOR = 0.7, 0.98
"""Depth of a line in parts of the pen's, and squared cosine of their colors, from which ink cannot be told from it."""

_LEAST_INK = 0.003
"""What a full cover of ink costs in squared color error: about the noise of a scan."""


_VEIL_CELL = 4
"""Side in pixels of the cells in which a veil is looked for."""
_VEIL_CELLS = 5
"""Cells, two millimeters, beside each other that a veil covers in most parts, and strokes in few."""
_VEIL_SHARE = 30
"""Percentile of these cells that is the veil's: of flanks of a beat and of letters less than 70 % is ink."""
_VEILED = 0.01
"""Least share of a page that is under a veil: letters and the tips of beats alone make up less."""
_LEAST_SEEN = 0.3
"""Share that a veil leaves to be seen, at least, where ink over it still tells anything."""


@dataclass(frozen=True)
class Ink:
    """The pen on an upright page.

    Attributes
    ----------
    coverage : ndarray, shape (h, w), float32
        Share of each pixel that is ink, 0 to 1; grid and shade removed. Printed text is ink too.
    paper : ndarray, shape (h, w), bool
        Where there is paper: inside the picture, and not the dark table around a page.
    pen : tuple of float
        Color of the pen relative to the paper's, RGB, 0 (black) to 1.
    grid_area : GridArea or None
        Which part of the page bears the grid; None where there is none.
    blind : ndarray, shape (h, w), bool
        Where a line of the grid is so like the pen that no color tells the two apart.
    """

    coverage: NDArray[np.float32]
    paper: NDArray[np.bool_]
    pen: tuple[float, float, float]
    grid_area: GridArea | None
    blind: NDArray[np.bool_]


def find_ink(page: UprightPage, *, tiled: bool) -> Ink:
    """Find the ink of an upright page.

    Parameters
    ----------
    page : UprightPage
    tiled : bool
        Whether the page has a grid that repeats every `TILE_MM`.

    Returns
    -------
    Ink

    Examples
    --------
    >>> blank = np.full((500, 500, 3), 250, np.uint8)
    >>> blank[240:244] = 20
    >>> ink = find_ink(UprightPage(blank, np.ones((500, 500), bool), np.zeros((1, 1, 2), np.float32)), tiled=False)
    >>> bool((ink.coverage[240:244, 10:-10] > 0.9).all()), bool((ink.coverage[:230] < 0.1).all())
    (True, True)
    """
    flat, paper, brightness = _flatten(page)
    height, width = paper.shape
    brightest = _max_channel(flat)
    tile = _bare_tile(flat, paper) if tiled else np.full((_TILE, _TILE, 3), _WHITE, np.uint8)
    grid_area = find_grid_area(flat, tile) if tiled else None
    if grid_area is not None:
        paper = _without_table(paper, brightness, grid_area)
    # The interpolated rim of the picture and of the paper is not ink.
    inner = cv2.erode(paper.view(np.uint8), np.ones((9, 9), np.uint8), borderValue=0).view(bool)
    pen = _pen_color(flat, brightest, inner, _least_around(_max_channel(tile)))
    row_line, column_line = np.full((height, 3), _WHITE, np.uint8), np.full((width, 3), _WHITE, np.uint8)
    if tiled:
        # A worn or dashed line is darker than its kind along its whole length. A level trace along it is darker still.
        darkest = np.maximum(tile.min(axis=(0, 1)), pen + 0.25 * (_WHITE - pen)).astype(np.uint8)
        row_line, column_line = (np.maximum(_own_color(flat, axis), darkest) for axis in (0, 1))
    # Printed lines stray by a fraction of a pixel from where they should be: a place beside a line may be line.
    tile, row_line, column_line = _least_around(tile), _least_beside(row_line), _least_beside(column_line)

    across = np.minimum(np.tile(tile, (1, width // _TILE + 1, 1))[:, :width], column_line)
    noticed = (brightest < (1.0 - _NOTICEABLE) * _WHITE) & inner
    coverage, blind = np.zeros((height, width), np.float32), np.zeros((height, width), np.bool_)
    # A row of tiles at a time: what is computed of them stays in the processor's cache.
    for top in range(0, height, _TILE):
        band = slice(top, min(top + _TILE, height))
        here = np.flatnonzero(noticed[band])
        pixels, lines = (np.take(colors.reshape(-1, 3), here, axis=0) for colors in (flat[band], across))
        lines = np.minimum(lines, np.take(row_line[band], here // width, axis=0))
        np.put(coverage[band], here, _unmix(pixels, lines, pen))
        np.put(blind[band], here, _alike(lines, pen))
    coverage = _without_veil(coverage)
    red, green, blue = (float(channel) / _WHITE for channel in pen)
    return Ink(coverage, paper, (red, green, blue), grid_area, blind)


def _without_veil(coverage: NDArray[np.float32]) -> NDArray[np.float32]:
    """Coverage without what shades an area and not a line: creases and blots narrower than the paper's own shade.

    What most of a place of a few strokes' widths exceeds is no stroke, and a stroke over a blot covers what it left.
    """
    height, width = coverage.shape
    size = (-(-width // _VEIL_CELL), -(-height // _VEIL_CELL))
    small = cv2.convertScaleAbs(cv2.resize(coverage, size, interpolation=cv2.INTER_AREA), alpha=_WHITE)
    # A percentile exceeds a level where enough of its cells do: that is counted many times faster.
    dark = (small > _NOTICEABLE * _WHITE).view(np.uint8)
    cells = (_VEIL_CELLS, _VEIL_CELLS)
    count = cv2.boxFilter(dark, cv2.CV_8U, cells, normalize=False, borderType=cv2.BORDER_REFLECT)
    if (count >= _VEIL_CELLS**2 - _VEIL_CELLS**2 * _VEIL_SHARE // 100).mean() < _VEILED:
        return coverage
    veil = _ranked_around(np.asarray(small, np.uint8), _VEIL_CELLS, _VEIL_CELLS**2 * _VEIL_SHARE // 100)
    seen = cv2.resize(veil, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.float32)
    seen /= _WHITE
    bare = coverage - seen
    np.subtract(1.0, seen, out=seen)
    np.maximum(seen, _LEAST_SEEN, out=seen)
    np.maximum(bare, 0.0, out=bare)
    bare /= seen
    return bare


def _ranked_around(image: NDArray[np.uint8], side: int, rank: int) -> NDArray[np.uint8]:
    """`scipy.ndimage.rank_filter` of an odd side: exchanges of whole pictures take a tenth of its time."""
    height, width = image.shape
    around = cv2.copyMakeBorder(image, *(side // 2,) * 4, cv2.BORDER_REFLECT)
    shifted = [around[y : y + height, x : x + width] for y in range(side) for x in range(side)]
    for found in range(rank + 1):
        for k in range(len(shifted) - 1, found, -1):
            shifted[k - 1], shifted[k] = cv2.min(shifted[k - 1], shifted[k]), cv2.max(shifted[k - 1], shifted[k])
    return np.asarray(shifted[rank], np.uint8)


def _unmix(pixels: NDArray[np.uint8], line: NDArray[np.uint8], pen: NDArray[np.float32]) -> NDArray[np.float32]:
    """Share of pen in pixels that mix white paper, the grid's line at that place, and pen.

    Of the mixtures that explain a pixel equally well the one with least pen is taken: where a grid is gray like the
    pen, what a line can explain is line.

    Parameters
    ----------
    pixels, line : ndarray, shape (n, 3), uint8
    pen : ndarray, shape (3,), float32

    Returns
    -------
    ndarray, shape (n,), float32
    """
    # Channel by channel in memory: sums over three neighboring numbers are slow.
    to_pixel, to_line, to_pen = (
        1.0 - colors.T.astype(np.float32, order="C") / _WHITE for colors in (pixels, line, pen[None])
    )
    xx, ll, pp = (to_pixel**2).sum(axis=0), (to_line**2).sum(axis=0), float((to_pen**2).sum())
    lx, lp, px = (to_line * to_pixel).sum(axis=0), (to_line * to_pen).sum(axis=0), (to_pixel * to_pen).sum(axis=0)

    determinant = ll * pp - lp**2
    well_posed = determinant > 0.02 * ll * pp
    safe = np.where(well_posed, determinant, np.float32(1.0))
    # The tile shows a line that strays as paler than it is; a colored one may be taken at its full depth.
    deepest = np.where(well_posed, np.float32(1.8), np.float32(1.0))
    only_line = np.clip(lx / np.maximum(ll, 1e-4), 0.0, deepest)
    only_pen = np.clip(px / max(pp, 1e-4), 0.0, 1.0)
    apart = ll + pp - 2 * lp
    over_line = np.clip((ll - lp - lx + px) / np.maximum(apart, 1e-3), 0.0, 1.0)
    zero: NDArray[np.float32] = np.zeros_like(lx)
    inner_line, inner_pen = (lx * pp - px * lp) / safe, (px * ll - lx * lp) / safe
    inside = well_posed & (inner_line >= 0) & (inner_pen >= 0) & (inner_line / deepest + inner_pen <= 1)
    best, share = np.full_like(lx, np.inf), zero
    for b, c, allowed in (
        (only_line, zero, True),
        (1.0 - over_line, over_line, True),
        (zero, only_pen, True),
        (inner_line, inner_pen, inside),
    ):
        left = xx + b * (b * ll - 2 * lx) + c * (c * pp - 2 * px) + 2 * b * c * lp + _LEAST_INK * c
        better = (left < best) & allowed
        best, share = np.where(better, left, best), np.where(better, c, share)
    # Print that is blacker than the pen.
    share[(to_pixel.min(axis=0) >= to_pen.min()) & (to_line.min(axis=0) < to_pen.min())] = 1.0
    return share


def _alike(line: NDArray[np.uint8], pen: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Whether lines, shape (n, 3), have the color of the pen, and are most as dark or darker."""
    to_line, to_pen = ((1.0 - colors.astype(np.float32) / _WHITE) for colors in (line, pen))
    along, own, whole = to_line @ to_pen, (to_line**2).sum(axis=1), float(to_pen @ to_pen)
    return np.asarray((along > _AS_DARK * whole) & (along**2 > _SAME_COLOR * own * whole))


def _max_channel(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Brightest channel of every pixel, shape (h, w); many times faster than ``image.max(axis=2)``."""
    red, green, blue = cv2.split(image)
    return np.asarray(cv2.max(cv2.max(red, green), blue), np.uint8)


def _least_around(tile: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Darkest color within a pixel of every place of a tile that repeats."""
    around = np.pad(tile, [(1, 1), (1, 1), (0, 0)][: tile.ndim], mode="wrap")
    return np.asarray(cv2.erode(around, np.ones((3, 3), np.uint8)), np.uint8)[1:-1, 1:-1]


def _least_beside(colors: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Darkest color within a place of every place along a list of colors, shape (n, 3)."""
    return np.asarray(cv2.erode(colors[:, None], np.ones((3, 1), np.uint8)), np.uint8)[:, 0]


def _flatten(page: UprightPage) -> tuple[NDArray[np.uint8], NDArray[np.bool_], NDArray[np.uint8]]:
    """Color relative to the paper around, so that shade and stain drop out; where there is paper; its brightness."""
    height, width = page.inside.shape
    size = (max(1, width // _SMALLER), max(1, height // _SMALLER))
    small = cv2.resize(page.image, size, interpolation=cv2.INTER_AREA)
    around = cv2.medianBlur(cv2.dilate(small, _BEYOND_PEN), 15)
    inside = cv2.resize(page.inside.view(np.uint8), size, interpolation=cv2.INTER_NEAREST).view(bool)
    brightness = around.max(axis=2)
    lit = (brightness > 0.4 * np.median(brightness[inside])).view(np.uint8)
    # The dilation that hid the pen let the paper grow over the table around it too.
    lit = cv2.erode(cv2.morphologyEx(lit, cv2.MORPH_OPEN, np.ones((9, 9), np.uint8)), _BEYOND_PEN)
    paper = cv2.resize(lit, (width, height), interpolation=cv2.INTER_NEAREST).view(bool) & page.inside
    around = np.maximum(cv2.GaussianBlur(around, (0, 0), 3.0), 1)
    around = cv2.resize(around, (width, height), interpolation=cv2.INTER_LINEAR)
    # Paper that is brighter than its surroundings is as white as they are: eight bits hold all that matters.
    return np.asarray(cv2.divide(page.image, around, scale=_WHITE), np.uint8), paper, brightness


def _without_table(paper: NDArray[np.bool_], brightness: NDArray[np.uint8], grid_area: GridArea) -> NDArray[np.bool_]:
    """Paper without a table that is nearly as bright as its shade: what lies beside the grid tells how bright that is.

    Only near the grid's edge and beyond it; within, the dark is shade.
    """
    deep = cv2.erode(grid_area.tiles, np.ones((5, 5), np.uint8), borderValue=0)
    on, within = (spread(tiles > 0, grid_area.side // _SMALLER, brightness.shape) for tiles in (grid_area.tiles, deep))
    size = (brightness.shape[1], brightness.shape[0])
    beside = ~on & cv2.resize(paper.view(np.uint8), size, interpolation=cv2.INTER_NEAREST).view(bool)
    if beside.mean() < _LEAST_TABLE:
        return paper
    light, dark = float(np.median(brightness[on])), float(np.median(brightness[beside]))
    if dark > _DARK_TABLE * light:
        return paper
    lit = cv2.erode((brightness > (light + dark) / 2).view(np.uint8), _BEYOND_PEN).view(bool) | within
    back = (paper.shape[1], paper.shape[0])
    kept: NDArray[np.bool_] = paper & cv2.resize(lit.view(np.uint8), back, interpolation=cv2.INTER_NEAREST).view(bool)
    return kept


def _bare_tile(flat: NDArray[np.uint8], paper: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Color of a 5 mm tile of bare grid, shape (50, 50, 3)."""
    rows, columns = paper.shape[0] // _TILE, paper.shape[1] // _TILE
    whole = paper[: rows * _TILE, : columns * _TILE].reshape(rows, _TILE, columns, _TILE).all(axis=(1, 3))
    row, column = np.nonzero(whole)
    if len(row) < 8:
        return np.full((_TILE, _TILE, 3), _WHITE, np.uint8)
    chosen = np.linspace(0, len(row) - 1, min(len(row), _TILES_USED)).astype(int)
    tops, lefts = row[chosen] * _TILE, column[chosen] * _TILE
    stack = np.stack([flat[y : y + _TILE, x : x + _TILE] for y, x in zip(tops, lefts, strict=True)])
    stack.partition(len(stack) * 35 // 100, axis=0)
    tile: NDArray[np.uint8] = stack[len(stack) * 35 // 100]
    return tile


def _own_color(flat: NDArray[np.uint8], axis: int) -> NDArray[np.uint8]:
    """Color that a quarter of each pixel row (axis 0) or column (axis 1) does not exceed."""
    sample = flat[:, ::7] if axis == 0 else flat[::7].swapaxes(0, 1)
    quarter = sample.shape[1] // 4
    return np.partition(sample, quarter, axis=1)[:, quarter]


def _pen_color(
    flat: NDArray[np.uint8], brightest: NDArray[np.uint8], inner: NDArray[np.bool_], tile: NDArray[np.uint8]
) -> NDArray[np.float32]:
    """Color of a pixel that is all pen: the floor of thin dark strokes beside the grid's lines.

    Parameters
    ----------
    flat : ndarray, shape (h, w, 3), uint8
    brightest : ndarray, shape (h, w), uint8
        Its brightest channel.
    inner : ndarray, shape (h, w), bool
        Paper.
    tile : ndarray, shape (50, 50), uint8
        Brightest channel of the bare tile.

    Returns
    -------
    ndarray, shape (3,), float32
        RGB, 0 to 255.
    """
    bright = tile > 0.8 * _WHITE
    if bright.mean() < 0.05:
        bright = tile >= np.percentile(tile, 80)
    height, width = brightest.shape
    bright = np.tile(bright, (height // _TILE + 1, width // _TILE + 1))[:height, :width]
    stroke = cv2.morphologyEx(brightest, cv2.MORPH_BLACKHAT, np.ones((9, 9), np.uint8))
    lowest = (brightest == cv2.erode(brightest, np.ones((3, 3), np.uint8))) & inner & bright
    for deep, dark in _STROKES:
        colors = flat[lowest & (stroke > deep * _WHITE) & (brightest < dark * _WHITE)]
        if len(colors) >= _LEAST_FLOOR:
            break
    else:
        return np.full(3, 0.2 * _WHITE, np.float32)
    # Creases and stains are paler than the pen, print is blacker: the middle of the darker half is the trace.
    darkness = np.argsort(colors.max(axis=1), kind="stable")
    middle = darkness[int(0.35 * len(colors)) : int(0.45 * len(colors))]
    color: NDArray[np.float32] = np.median(colors[middle], axis=0).astype(np.float32)
    return color
