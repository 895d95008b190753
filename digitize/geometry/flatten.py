"""Lay a picture of a page flat along its lattice, so that what reads flat pages can read it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from digitize.geometry.lattice import Lattice
from digitize.geometry.mapping import project, to_paper, to_picture

_CELL = 16
"""Pixels of the flat picture between the nodes at which the way back is computed exactly."""

_BEYOND = 0.12
"""Part of its own size by which the flat picture reaches beyond where the lattice was seen."""


@dataclass(frozen=True)
class FlatPicture:
    """A picture laid flat.

    Attributes
    ----------
    image : ndarray, shape (h, w, 3), uint8
    homography : ndarray, shape (3, 3), float64
    bend : ndarray, shape (r, c, 2), float32
        From the pixels of the picture to those of the flat one, as in `digitize.geometry.mapping`.
    shape : tuple of int
        Height and width of the picture.
    """

    image: NDArray[np.uint8]
    homography: NDArray[np.float64]
    bend: NDArray[np.float32]
    shape: tuple[int, ...]

    @property
    def middle(self) -> NDArray[np.float64]:
        """The pixel ``(x, y)`` in the middle of the flat picture."""
        return np.array([self.image.shape[1] / 2, self.image.shape[0] / 2])

    def followed_by(
        self, homography: NDArray[np.float64], bend: NDArray[np.float32]
    ) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        """Homography and bend from the picture to where another pair takes the pixels of the flat one."""
        rows, columns = self.bend.shape[:2]
        y, x = np.mgrid[:rows, :columns] + 0.5
        nodes = np.stack([x * self.shape[1] / columns, y * self.shape[0] / rows], axis=2) - 0.5
        total = homography @ self.homography
        flat = to_paper(nodes, self.homography, self.bend, self.shape)
        found = to_paper(flat, homography, bend, self.image.shape)
        return total, (found - project(total, nodes)).astype(np.float32)


def lay_flat(image: NDArray[np.uint8], lattice: Lattice) -> FlatPicture:
    """Lay a picture flat.

    Parameters
    ----------
    image : ndarray, shape (h, w, 3), uint8
    lattice : Lattice
        Of that picture.

    Returns
    -------
    FlatPicture
        As fine as the picture is where its lines stand farthest apart, and as large as the lattice that was seen and a
        little more.

    Examples
    --------
    >>> seen = np.array([[0.0, 0.0], [30.0, 20.0]])
    >>> lattice = Lattice(np.diag([0.1, 0.1, 1.0]), np.zeros((2, 3, 2), np.float32), seen, pixels_per_cycle=10.0)
    >>> flat = lay_flat(np.zeros((200, 300, 3), np.uint8), lattice)
    >>> project(flat.homography, np.array([100.0, 100.0])) - project(flat.homography, np.array([0.0, 0.0]))
    array([100., 100.])
    """
    low, high = lattice.seen.min(axis=0), lattice.seen.max(axis=0)
    more = lattice.margin + _BEYOND * (high - low)
    border = to_paper(_border(image.shape), lattice.homography, lattice.departure, image.shape)
    # Seen edge-on, a picture's border may lie beyond the horizon of its paper.
    before = _border(image.shape) @ lattice.homography[2, :2] + lattice.homography[2, 2] > 0
    low, high = (
        np.maximum(low - more, border.min(axis=0) if before.all() else -np.inf),
        np.minimum(high + more, border.max(axis=0) if before.all() else np.inf),
    )
    scale = lattice.pixels_per_cycle
    to_flat = np.array([[scale, 0.0, -low[0] * scale], [0.0, scale, -low[1] * scale], [0.0, 0.0, 1.0]])
    homography, bend = to_flat @ lattice.homography, lattice.departure * np.float32(scale)
    columns, rows = np.ceil((high - low) * scale).astype(int)
    places = np.stack(np.meshgrid(np.arange(-1, columns // _CELL + 3), np.arange(-1, rows // _CELL + 3)), axis=2)
    nodes = to_picture(places * _CELL + (_CELL - 1) / 2, homography, bend, image.shape).astype(np.float32)
    way = cv2.resize(nodes, None, fx=_CELL, fy=_CELL, interpolation=cv2.INTER_LINEAR)
    way = way[_CELL : _CELL + rows, _CELL : _CELL + columns]
    # OpenCV 5 goes wrong over one map of two channels with bilinear interpolation.
    gray = tuple(float(level) for level in np.median(image[::8, ::8].reshape(-1, 3), axis=0))
    flat = cv2.remap(
        image, way[..., 0], way[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=gray
    )
    return FlatPicture(np.asarray(flat, np.uint8), homography, bend, image.shape)


def _border(shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Pixels around a picture, (n, 2)."""
    across, down = np.linspace(-0.5, shape[1] - 0.5, 20), np.linspace(-0.5, shape[0] - 0.5, 20)
    return np.concatenate(
        [np.stack(np.broadcast_arrays(across, edge), axis=1) for edge in (down[0], down[-1])]
        + [np.stack(np.broadcast_arrays(edge, down), axis=1) for edge in (across[0], across[-1])]
    )
