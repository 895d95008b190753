"""Follow the 5 mm lines of an upright page to where they run, and straighten them: the lattice, cell by cell.

The grid that was found by its waves is smooth, and where the paper was folded it may have lost a cell; paper that was
folded and wrinkled is not. On the upright page every line should run along a multiple of 5 mm, that of its number
(`digitize.geometry.grid_lines`). Where it does not, the paper is moved, cell by cell, and what the lines do not tell
their neighbors do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from digitize.geometry.grid_lines import BAND, index_lines
from digitize.geometry.mapping import to_paper
from digitize.geometry.rectify import TILE_MM
from digitize.records.placement import Grid
from digitize.records.upright import CELL, PIXELS_PER_MM, UprightPage

_PITCH = TILE_MM * PIXELS_PER_MM
_LEAST_CELLS = 40
"""Fewest places that tell how a page is bent."""
_AROUND = (11, 3)
"""Bands (22 mm) and lines of whose places each one is compared with the median: bars and beats are less tall."""
_SPREADS, _ASTRAY = 6.0, (0.8, 4.0)
"""Median distances from that median beyond which a place is a stroke's, not the line's, and the least and the most that
this may be, in pixels: flat paper shows a stroke that stands right beside a line."""
_NEAR, _FAR = 0.7, 2.5
"""Standard deviations, in cells, of the smoothing where lines are seen, and where they are hidden."""
_LESS = 0.02
"""What the wider smoothing counts beside the other."""
_STAYS = 0.001
"""What it counts that a line runs where the grid has it: far from all lines that are seen nothing else is known."""
_RASTER = 0.6
"""Pixels of the picture by which one line may be off that was drawn on whole pixels."""
_STRAIGHT = 0.3
"""Pixels of the picture that lines are off in nine of ten places, at most, on a page that is straight: that much
is left of lines that were drawn on whole pixels."""
_FIXED_POINTS = 12
"""Steps by which the place of a line that is off is found: where cells are half as wide as they should be, each halves
what is left."""
_NODE_MM = 2.5
"""Distance of the nodes of the bend that results."""


def straighten(
    grid: Grid,
    upright: UprightPage,
    lines: tuple[NDArray[np.uint8], NDArray[np.uint8]],
    shape: tuple[int, ...],
) -> Grid:
    """Bend a grid so that its 5 mm lines run where they are seen.

    Parameters
    ----------
    grid : Grid
    upright : UprightPage
        Put upright by this grid.
    lines : tuple of two ndarray, shape (h, w), uint8
        How likely each pixel of the upright page belongs to an upright, and to a level, 5 mm line, 255 where it is
        certain.
    shape : tuple of int
        Height and width of the picture.

    Returns
    -------
    Grid
        The same where too few lines are seen, or they run straight as it is.
    """
    scale = abs(np.linalg.det(grid.matrix[:2, :2])) ** 0.5 / grid.matrix[2, 2]
    pixel = scale * PIXELS_PER_MM
    found = [_offsets(np.ascontiguousarray(seen if axis == 0 else seen.T), pixel) for axis, seen in enumerate(lines)]
    if all(own is None or np.percentile(np.abs(own.field[own.seen]), 90) < _STRAIGHT * pixel for own in found):
        return grid
    count = [max(2, round(side * scale / _NODE_MM)) for side in shape[:2]]
    y, x = ((np.arange(n) + 0.5) * side / n - 0.5 for n, side in zip(count, shape[:2], strict=True))
    nodes = np.stack(np.meshgrid(x, y), axis=-1)
    paper = to_paper(nodes, grid.matrix, grid.bend, shape)
    flat = to_paper(nodes, grid.matrix, None, shape)
    at = (paper - _origin(upright, grid, shape)) * PIXELS_PER_MM
    off = np.zeros_like(at)
    for axis, own in enumerate(found):
        if own is not None:
            off[..., axis] = own.at(at[..., 1 - axis], at[..., axis])
    bend = paper - off / PIXELS_PER_MM - flat
    return replace(grid, bend=bend.astype(np.float32))


def carry(
    maps: NDArray[np.uint8], before: tuple[Grid, UprightPage], after: UprightPage, shape: tuple[int, ...]
) -> NDArray[np.uint8]:
    """Carry maps of an upright page over to the same page put upright anew.

    Parameters
    ----------
    maps : ndarray, shape (k, h, w), uint8
    before : (Grid, UprightPage)
        What they are of.
    after : UprightPage
    shape : tuple of int
        Height and width of the picture.

    Returns
    -------
    ndarray, shape (k, h', w'), uint8
        0 where the page had no pixel before.
    """
    grid, upright = before
    paper = to_paper(after.nodes.astype(np.float64), grid.matrix, grid.bend, shape)
    places = ((paper - _origin(upright, grid, shape)) * PIXELS_PER_MM).astype(np.float32)
    height, width = after.inside.shape
    dense = np.asarray(cv2.resize(places, None, fx=CELL, fy=CELL, interpolation=cv2.INTER_LINEAR))
    # Whole and fractional places as integers: they are computed once for all maps.
    at, share = cv2.convertMaps(dense[CELL : CELL + height, CELL : CELL + width], np.empty(0), cv2.CV_16SC2)
    carried = [cv2.remap(one, at, share, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT) for one in maps]
    return np.asarray(np.stack(carried), np.uint8)


@dataclass(frozen=True, eq=False)
class _Offsets:
    """How far the upright lines of a page are off, in pixels, shape (bands, lines); where; which line is the first."""

    field: NDArray[np.float32]
    seen: NDArray[np.bool_]
    first: int

    def at(self, along: NDArray[np.float64], across: NDArray[np.float64]) -> NDArray[np.float64]:
        """Offsets at places along the lines and across them, in pixels of the page as it is."""
        # Bands have their places in their middles.
        band = ((along + 0.5) / BAND - 0.5).astype(np.float32)
        off = np.zeros(along.shape, np.float32)
        for _ in range(_FIXED_POINTS):
            line = ((across - off) / _PITCH - self.first).astype(np.float32)
            off = np.asarray(cv2.remap(self.field, line, band, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))
        return off.astype(np.float64)


def _offsets(lines: NDArray[np.uint8], pixel: float) -> _Offsets | None:
    """How far upright lines are off, where they are seen and around; None where too few are.

    By how much a line at most is off because it was drawn on whole pixels is not the paper's; `pixel` is the side of a
    pixel of the picture in pixels of the upright page.
    """
    found = index_lines(lines, _PITCH)
    if len(found.x) < _LEAST_CELLS:
        return None
    first, last = int(found.line.min()), int(found.line.max())
    offset, weight = np.zeros((2, lines.shape[0] // BAND, last - first + 1), np.float32)
    cells = found.band, found.line - first
    offset[cells] = found.x - _PITCH * found.line
    weight[cells] = found.strength
    weight[_is_astray(offset, weight > 0)] = 0.0
    if (weight > 0).sum() < _LEAST_CELLS:
        return None
    return _Offsets(_without_raster(offset, weight, pixel), weight > 0, first)


def _is_astray(offset: NDArray[np.float32], known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which places are beside their line: far from the median of what is known around, by how far those are."""
    half = [side // 2 for side in _AROUND]
    padded = np.pad(
        np.where(known, offset, np.float32(np.nan)), [(side, side) for side in half], constant_values=np.nan
    )
    around = np.lib.stride_tricks.sliding_window_view(padded, _AROUND).reshape(*offset.shape, -1)
    median = _median(around)
    spread = _median(np.abs(around - median[..., None]))
    return np.asarray(~(np.abs(offset - median) <= np.clip(_SPREADS * spread, *_ASTRAY)))


def _median(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Median of what is known along the last axis; NaN where that is one value or none."""
    ordered = np.sort(values, axis=-1)
    count = np.isfinite(ordered).sum(axis=-1)
    middle = np.stack([np.maximum(count - 1, 0) // 2, count // 2], axis=-1).clip(0, ordered.shape[-1] - 1)
    median = np.take_along_axis(ordered, middle, axis=-1).mean(axis=-1)
    return np.where(count > 1, median, np.float32(np.nan))


def _without_raster(offset: NDArray[np.float32], weight: NDArray[np.float32], pixel: float) -> NDArray[np.float32]:
    """Offsets of a sheet that bends from cell to cell, without what only shows that lines lie on whole pixels."""
    near, wide = (_smooth_twice(offset, weight, widths) for widths in ((_NEAR, _FAR), (_FAR,)))
    detail = near - wide
    share = np.clip(np.abs(detail) / np.float32(_RASTER * pixel) - 1, 0, 1)
    return np.asarray(wide + share * detail, np.float32)


def _smooth_twice(
    values: NDArray[np.float32], weight: NDArray[np.float32], widths: tuple[float, ...]
) -> NDArray[np.float32]:
    """Smooth values, and give back what that took off long waves (Tukey 1977, "twicing")."""
    smooth = _smooth(values, weight, widths)
    return smooth + _smooth(values - smooth, weight, widths)


def _smooth(values: NDArray[np.float32], weight: NDArray[np.float32], widths: tuple[float, ...]) -> NDArray[np.float32]:
    """Smooth values by their weights, over the widest of some widths in cells only where the others see little."""
    share, total = np.zeros_like(values), np.full_like(values, _STAYS)
    for number, cells in enumerate(widths):
        importance = np.float32(_LESS**number)
        along = cells * _PITCH / BAND
        share += importance * cv2.GaussianBlur(values * weight, (0, 0), cells, sigmaY=along)
        total += importance * cv2.GaussianBlur(weight, (0, 0), cells, sigmaY=along)
    return np.asarray(share / total, np.float32)


def _origin(upright: UprightPage, grid: Grid, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Millimeters of paper under the upright pixel (0, 0)."""
    rows, columns = upright.nodes.shape[:2]
    middle = upright.nodes[rows // 2, columns // 2]
    paper = to_paper(middle[None].astype(np.float64), grid.matrix, grid.bend, shape)[0]
    place = CELL * np.array([columns // 2, rows // 2]) - (CELL + 1) / 2
    return np.asarray(np.round((paper - place / PIXELS_PER_MM) / TILE_MM) * TILE_MM)
