"""A page put upright, at a fixed scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

PIXELS_PER_MM = 10
"""Scale of upright pages: 0.01 mV and 4 ms a pixel at 10 mm/mV and 25 mm/s. Finer than a 200-dpi scan (7.9), so that
nothing of it is lost; what a 300-dpi scan (11.8) has more is below the width of a pen."""

CELL = 16
"""Upright pixels between the nodes at which the way back to the picture is computed exactly."""


@dataclass(frozen=True, eq=False)
class UprightPage:
    """A page at `PIXELS_PER_MM`, upright.

    Attributes
    ----------
    image : ndarray, shape (h, w, 3), uint8
        RGB.
    inside : ndarray, shape (h, w), bool
        Where the picture has pixels.
    nodes : ndarray, shape (r, c, 2), float32
        Pixels ``(x, y)`` of the original picture under upright pixels ``(16 j - 8.5, 16 i - 8.5)``.
    """

    image: NDArray[np.uint8]
    inside: NDArray[np.bool_]
    nodes: NDArray[np.float32]

    def to_original(self, points: NDArray[np.floating]) -> NDArray[np.float32]:
        """Pixels of the original picture under upright points.

        Parameters
        ----------
        points : ndarray, shape (n, 2)
            Upright ``(x, y)``.

        Returns
        -------
        ndarray, shape (n, 2), float32
            NaN for points that are not finite.
        """
        at = (np.asarray(points, np.float64) + 0.5) / CELL + 0.5
        known = np.isfinite(at).all(axis=1)
        original = np.full(at.shape, np.nan, np.float32)
        # cv2.remap rounds places to 1/32 of a cell, half an upright pixel.
        for axis in (0, 1):
            original[known, axis] = ndimage.map_coordinates(
                self.nodes[..., axis], at[known, ::-1].T, order=1, mode="nearest"
            )
        return original
