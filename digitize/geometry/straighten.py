"""Follow the 5 mm lines of an upright page to where they run, and straighten them: the lattice, cell by cell.

The grid that was found by its waves is smooth; paper that was folded and wrinkled is not. On the upright page every
line should run along a multiple of 5 mm. Where it does not, the paper is moved, cell by cell, and what the lines do not
tell its neighbors do.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from digitize.geometry.mapping import to_paper
from digitize.geometry.rectify import TILE_MM
from digitize.records.placement import Grid
from digitize.records.upright import CELL, PIXELS_PER_MM, UprightPage

_PITCH = TILE_MM * PIXELS_PER_MM
_BAND = 40
"""Pixels along a line of which its place is told as one: longer than most letters are tall."""
_SEEN = 0.25
"""Share of a band in which a line is seen, from which it tells anything."""
_PEAK = 3
"""Pixels around a line's darkest place whose center of gravity is its place."""
_ASTRAY = 4.0
"""Pixels from where its neighbors run from which a line is another one, or a stroke."""
_NEAR, _FAR = 0.7, 2.5
"""Standard deviations, in cells, of the smoothing where lines are seen, and where they are hidden."""
_LESS = 0.02
"""What the wider smoothing counts beside the other."""
_STAYS = 0.001
"""What it counts that a line runs where the grid has it: far from all lines that are seen nothing else is known."""
_RASTER = 0.6
"""Pixels of the picture by which one line may be off that was drawn on whole pixels."""
_ROUNDS = 6
"""Times that the sheet is followed from what is known to the cells beside."""
_STRAIGHT = 0.3
"""Pixels of the picture that lines are off in nineteen of twenty places, at most, on a page that is straight: that much
is left of lines that were drawn on whole pixels."""
_LEAST_CELLS = 40
"""Fewest places that tell how a page is bent."""
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
    offsets = [_offsets(np.ascontiguousarray(seen if axis == 0 else seen.T), pixel) for axis, seen in enumerate(lines)]
    found = [None if offset is None else (offset if axis == 0 else offset.T) for axis, offset in enumerate(offsets)]
    if all(own is None or np.percentile(np.abs(own), 95) < _STRAIGHT * pixel for own in found):
        return grid
    count = [max(2, round(side * scale / _NODE_MM)) for side in shape[:2]]
    y, x = ((np.arange(n) + 0.5) * side / n - 0.5 for n, side in zip(count, shape[:2], strict=True))
    nodes = np.stack(np.meshgrid(x, y), axis=-1)
    paper = to_paper(nodes, grid.matrix, grid.bend, shape)
    flat = to_paper(nodes, grid.matrix, None, shape)
    at = (paper - _origin(upright, grid, shape)) * PIXELS_PER_MM
    off = np.stack([_at(own, axis, at) for axis, own in enumerate(found)], axis=-1)
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


def _offsets(lines: NDArray[np.uint8], pixel: float) -> NDArray[np.float32] | None:
    """How far upright lines are off, in pixels, at every band and line: shape (bands, lines + 1); None where unseen.

    By how much a line at most is off because it was drawn on whole pixels is not the paper's; `pixel` is the side of a
    pixel of the picture in pixels of the upright page.
    """
    height, width = lines.shape
    bands, count = max(1, height // _BAND), width // _PITCH + 1
    # Cell k holds what lies within half a pitch of line k.
    padded = cv2.copyMakeBorder(lines, 0, 0, _PITCH // 2, count * _PITCH, cv2.BORDER_CONSTANT, value=0)
    cells = padded[: bands * _BAND, : count * _PITCH] if height >= _BAND else padded[:, : count * _PITCH]
    share = cv2.resize(cells, (count * _PITCH, bands), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    profile = np.asarray(cv2.GaussianBlur(share, (5, 1), 1.0)).reshape(bands, count, _PITCH)
    peak = np.asarray(profile.argmax(axis=2))
    strength = np.take_along_axis(profile, peak[..., None], axis=2)[..., 0]
    place = np.clip(peak[..., None] + np.arange(-_PEAK, _PEAK + 1), 0, _PITCH - 1)
    mass = np.take_along_axis(profile, place, axis=2)
    offset = (mass * place).sum(axis=2, dtype=np.float64) / np.maximum(mass.sum(axis=2), 1e-6) - _PITCH // 2
    weight = np.where(strength > _SEEN, strength, 0.0)
    return _followed(offset.astype(np.float32), weight.astype(np.float32), pixel)


def _followed(offset: NDArray[np.float32], weight: NDArray[np.float32], pixel: float) -> NDArray[np.float32] | None:
    """Offsets of a sheet that bends from cell to cell: what jumps is another line, or a stroke; None of too few."""
    field = _smooth(offset, weight, (_FAR,))
    kept = weight
    for _ in range(_ROUNDS):
        # From where lines run as they do around, the sheet is followed to where it bends more.
        kept = np.where(np.abs(offset - field) < _ASTRAY, weight, np.float32(0.0))
        field = _smooth(offset, kept, (_NEAR, _FAR))
    if (kept > 0).sum() < _LEAST_CELLS:
        return None
    wide = _smooth(offset, kept, (_FAR,))
    # What smoothing took off long waves is given back (Tukey 1977, "twicing").
    wide += _smooth(offset - wide, kept, (_FAR,))
    detail = field - wide
    share = np.clip(np.abs(detail) / np.float32(_RASTER * pixel) - 1, 0, 1)
    return np.asarray(wide + share * detail, np.float32)


def _smooth(values: NDArray[np.float32], weight: NDArray[np.float32], widths: tuple[float, ...]) -> NDArray[np.float32]:
    """Smooth values by their weights, over the widest of some widths in cells only where the others see little."""
    share, total = np.zeros_like(values), np.full_like(values, _STAYS)
    for number, cells in enumerate(widths):
        importance = np.float32(_LESS**number)
        share += importance * cv2.GaussianBlur(values * weight, (0, 0), cells)
        total += importance * cv2.GaussianBlur(weight, (0, 0), cells)
    return np.asarray(share / total, np.float32)


def _at(offsets: NDArray[np.float32] | None, axis: int, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Offsets at upright points, shape (r, c, 2); 0 where nothing is known of this axis."""
    if offsets is None:
        return np.zeros(points.shape[:2])
    along, across = points[..., 1 - axis], points[..., axis]
    # Lines stand at multiples of the pitch, bands have their places in their middles.
    band, line = (along + 0.5) / _BAND - 0.5, across / _PITCH
    x, y = (line, band) if axis == 0 else (band, line)
    found = cv2.remap(
        offsets, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return found.astype(np.float64)


def _origin(upright: UprightPage, grid: Grid, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Millimeters of paper under the upright pixel (0, 0)."""
    rows, columns = upright.nodes.shape[:2]
    middle = upright.nodes[rows // 2, columns // 2]
    paper = to_paper(middle[None].astype(np.float64), grid.matrix, grid.bend, shape)[0]
    place = CELL * np.array([columns // 2, rows // 2]) - (CELL + 1) / 2
    return np.asarray(np.round((paper - place / PIXELS_PER_MM) / TILE_MM) * TILE_MM)
