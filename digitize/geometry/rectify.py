"""Put the page upright at a fixed scale, by one remap of the original pixels.

After this step nothing knows about dots per inch, skew or camera: an upright page has `PIXELS_PER_MM` pixels a
millimeter in both directions, time to the right, voltage up.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from digitize.geometry.mapping import project, scale_at, to_picture
from digitize.records.upright import CELL, PIXELS_PER_MM, UprightPage

TILE_MM = 5
"""The page's origin lies on a whole multiple of this, so that the grid repeats every tile of the upright page."""

MOST_PIXELS = 100_000_000
"""Largest upright page, pixels: a square meter. Sixteen sheets of A4 side by side; a scale that makes a page larger was
taken from what is neither a grid nor a pulse."""


def extent_of(
    shape: tuple[int, ...], matrix: NDArray[np.float64], extent: tuple[float, float, float, float] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Upper left and lower right corner of a page in millimeters.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the picture.
    matrix, extent
        As for `rectify`.

    Returns
    -------
    low, high : ndarray, shape (2,)

    Examples
    --------
    >>> low, high = extent_of((400, 600), np.diag([0.25, 0.25, 1.0]))
    >>> low.tolist(), high.tolist()
    ([0.0, 0.0], [150.0, 100.0])
    """
    if extent is not None:
        return np.array(extent[:2]), np.array(extent[2:])
    height, width = shape[:2]
    corners = project(matrix, np.array([[0, 0], [width, 0], [0, height], [width, height]], float))
    return corners.min(axis=0), corners.max(axis=0)


def rectify(
    image: NDArray[np.uint8],
    matrix: NDArray[np.float64],
    bend: NDArray[np.float32] | None = None,
    extent: tuple[float, float, float, float] | None = None,
) -> UprightPage:
    """Remap a page to an upright one.

    Parameters
    ----------
    image : ndarray, shape (h, w, 3), uint8
        RGB page.
    matrix : ndarray, shape (3, 3), float64
        Homography from pixels of the picture to millimeters (`Grid.matrix`).
    bend : ndarray, shape (r, c, 2), float32, optional
        Departure of the paper from a plane (`Grid.bend`); none by default.
    extent : tuple of float, optional
        Left, top, right and bottom of the page in millimeters (`Grid.extent`); all of the picture by default.

    Returns
    -------
    UprightPage

    Examples
    --------
    >>> page = rectify(np.zeros((400, 600, 3), np.uint8), np.diag([0.25, 0.25, 1.0]))
    >>> page.image.shape
    (1000, 1500, 3)
    >>> np.allclose(page.to_original(np.array([[39.5, 19.5]])), [[15.8, 7.8]])
    True
    """
    height, width = image.shape[:2]
    low, high = extent_of(image.shape, matrix, extent)
    # A page that starts on a line must not gain an empty tile.
    first = np.floor(low / TILE_MM + 0.02) * TILE_MM
    columns, rows = np.ceil((high - first) * PIXELS_PER_MM).astype(int)

    node_y, node_x = (
        np.arange(-(-side // CELL) + 2, dtype=np.float64) * CELL - (CELL + 1) / 2 for side in (rows, columns)
    )
    millimeters = np.stack(np.meshgrid(node_x, node_y), axis=2) / PIXELS_PER_MM + first
    nodes = to_picture(millimeters, matrix, bend, image.shape).astype(np.float32)

    dense = cv2.resize(nodes, None, fx=CELL, fy=CELL, interpolation=cv2.INTER_LINEAR)
    dense = dense[CELL : CELL + rows, CELL : CELL + columns]
    enlargement = PIXELS_PER_MM / float(np.sqrt(np.prod(scale_at(matrix, (width / 2, height / 2))[:2])))
    # Fewer pixels than the scan has: what would alias is taken out first.
    source = cv2.GaussianBlur(image, (0, 0), 0.4 / enlargement) if enlargement < 0.7 else image
    upright = cv2.remap(source, dense, np.empty(0), cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    inside = cv2.inRange(dense, (0, 0), (width - 1, height - 1)) > 0
    return UprightPage(np.asarray(upright, np.uint8), inside, nodes)
