"""Find the part of an upright page that bears the grid: what lies beside it is margin, or the table under the paper.

Traces run over the grid. A table of wood, cloth or stone has ink enough for rows of its own, but nothing that repeats
with the grid: every tile of the page is compared with its bare tile, and the hull of those like it is the grid's area.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

_ALIKE = 0.3
"""Share of the bare tile's pattern that is found on the grid, shade and ink over it allowed for."""

_WHOLE = 0.75
"""Part of what tiles usually show of the pattern that tiles show which paper fills."""

_LEAST_TILES = 60
"""Fewest tiles of a page that is worth a recording."""


@dataclass(frozen=True, eq=False)
class GridArea:
    """The gridded part of a page.

    Attributes
    ----------
    tiles : ndarray, shape (rows, columns), uint8
        1 for every tile of it.
    side : int
        Pixels of a tile.
    """

    tiles: NDArray[np.uint8]
    side: int

    def keep(self, ink: NDArray[np.float32], above: int) -> NDArray[np.float32]:
        """Take away what lies more than a tile beside the grid, or so many tiles above or below it.

        Parameters
        ----------
        ink : ndarray, shape (h, w), float32
        above : int
            Tiles; below 0, what lies on the outermost tiles of the grid is taken away too, unless the picture ends
            there.

        Returns
        -------
        ndarray, shape (h, w), float32
        """
        change = cv2.dilate if above >= 0 else cv2.erode
        near = cv2.dilate(change(self.tiles, np.ones((2 * abs(above) + 1, 1), np.uint8)), np.ones((1, 3), np.uint8)) > 0
        if near.all():
            return ink
        return np.where(spread(near, self.side, ink.shape), ink, np.float32(0.0))


def spread(tiles: NDArray[np.generic], side: int, shape: tuple[int, ...]) -> NDArray[Any]:
    """Give every pixel what its tile has.

    Parameters
    ----------
    tiles : ndarray, shape (rows, columns)
    side : int
        Pixels of a tile.
    shape : tuple of int
        Height and width of the picture; what is left of a tile at its edge belongs to its neighbor.

    Returns
    -------
    ndarray, shape (h, w)

    Examples
    --------
    >>> spread(np.array([[0, 1]]), 2, (3, 5))
    array([[0, 0, 1, 1, 1],
           [0, 0, 1, 1, 1],
           [0, 0, 1, 1, 1]])
    """
    row, column = (np.minimum(np.arange(n) // side, count - 1) for n, count in zip(shape, tiles.shape, strict=True))
    return np.asarray(tiles[row][:, column])


def find_grid_area(flat: NDArray[np.uint8], tile: NDArray[np.uint8]) -> GridArea | None:
    """Find where a page bears its grid.

    Parameters
    ----------
    flat : ndarray, shape (h, w, 3), uint8
        Upright page, the paper white.
    tile : ndarray, shape (n, n, 3), uint8
        What repeats on its bare paper, from its upper left corner.

    Returns
    -------
    GridArea or None
        None where too little of the page is like the tile.

    Examples
    --------
    >>> page = np.full((900, 900, 3), 255, np.uint8)
    >>> page[100:800:10, 200:800] = page[100:800, 200:800:10] = 180
    >>> grid_area = find_grid_area(page, page[100:150, 200:250])
    >>> grid_area.tiles[8, 3:17].tolist()
    [0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0]
    >>> kept = grid_area.keep(np.ones((900, 900), np.float32), above=1)
    >>> float(kept[400, 300]), float(kept[400, 100]), float(kept[60, 400]), float(kept[40, 400])
    (1.0, 0.0, 1.0, 0.0)
    """
    side = len(tile)
    rows, columns = flat.shape[0] // side, flat.shape[1] // side
    channel = int(tile.reshape(-1, 3).std(axis=0).argmax())
    pattern = tile[..., channel].astype(np.float32)
    # A dark stroke must not outweigh the lines around it.
    seen = np.maximum(flat[: rows * side, : columns * side, channel], tile[..., channel].min())
    pattern -= pattern.mean()
    power = float((pattern**2).mean())
    if rows * columns < _LEAST_TILES or power == 0.0:
        return None
    product = cv2.multiply(seen, np.tile(pattern, (rows, columns)), dtype=cv2.CV_32F)
    alike = cv2.resize(product, (columns, rows), interpolation=cv2.INTER_AREA) / np.float32(power)
    # Names and complexes cover a tile here and there.
    gridded = (cv2.medianBlur(np.asarray(alike, np.float32), 3) > _ALIKE).astype(np.uint8)
    _, label, stats, _ = cv2.connectedComponentsWithStats(gridded, connectivity=8)
    areas = stats[1:, cv2.CC_STAT_AREA]
    if areas.max(initial=0) < _LEAST_TILES:
        return None
    points = np.argwhere(label == 1 + int(areas.argmax()))[:, ::-1].astype(np.int32)
    tiles = np.zeros((rows, columns), np.uint8)
    cv2.fillConvexPoly(tiles, cv2.convexHull(points), 1)
    # The paper may end within the last tiles of a picture.
    usual = float(np.median(alike[tiles > 0]))
    for row in (0, rows - 1):
        if tiles[row].any() and np.median(alike[row, tiles[row] > 0]) < _WHOLE * usual:
            tiles[row] = 0
    return GridArea(tiles, side)
