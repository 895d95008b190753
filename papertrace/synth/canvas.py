"""A sheet to paint on: ink that lets the print below show through, and things that hide it.

Where a patch reaches beyond the sheet it is cut off. Pixel centers are at whole numbers, so a paper point ``p`` mm from
the sheet's upper left corner lies at ``p * px_per_mm - 0.5``.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

RGB = tuple[int, int, int]

_BAND = 128


class Canvas:
    """A copy of a sheet's picture that is painted in place, and the record of what was hidden.

    Parameters
    ----------
    image : ndarray, shape (H, W, 3), uint8
        Copied.
    px_per_mm : float

    Raises
    ------
    ValueError
        If the image is not an RGB picture or the resolution is not positive.

    Attributes
    ----------
    image : ndarray, shape (H, W, 3), uint8
    hidden : ndarray, shape (H, W), uint8
        Share of each pixel that is covered so that nothing below can be seen, 255 where it is all.
    px_per_mm : float
    width, height : float
        The sheet in mm.

    Examples
    --------
    >>> canvas = Canvas(np.full((4, 4, 3), 200, np.uint8), 1.0)
    >>> canvas.ink(np.full((2, 2), 255, np.uint8), (1, 1), (0, 0, 128))
    >>> canvas.image[1, 1].tolist(), int(canvas.hidden.max())
    ([0, 0, 100], 0)
    """

    def __init__(self, image: NDArray[np.uint8], px_per_mm: float) -> None:
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise ValueError(f"image has shape {image.shape} and type {image.dtype}; allowed: (H, W, 3) of uint8")
        if not (np.isfinite(px_per_mm) and px_per_mm > 0):
            raise ValueError(f"px_per_mm is {px_per_mm}; allowed: a positive number")
        self.image = image.copy()
        self.hidden: NDArray[np.uint8] = np.zeros(image.shape[:2], np.uint8)
        self.px_per_mm = px_per_mm
        self.height, self.width = (length / px_per_mm for length in image.shape[:2])

    def ink(self, coverage: NDArray[np.uint8], corner: tuple[int, int], color: RGB) -> None:
        """Filter the light through ink: ``color`` where coverage is 255, as a dye on white paper would look.

        Parameters
        ----------
        coverage : ndarray, shape (h, w), uint8
        corner : tuple of int
            x, y of the patch's first pixel.
        color : RGB
        """
        window, patch = self._clip(coverage.shape[:2], corner)
        if window is None:
            return
        part = coverage[patch]
        # One table a channel: what the ink lets through at each coverage.
        levels = np.arange(256, dtype=np.float32)[:, None] / 255
        table = np.rint(255 + levels * (np.array(color, np.float32) - 255)).astype(np.uint8)
        through = cv2.LUT(cv2.merge([part, part, part]), table[None])
        self.image[window] = cv2.multiply(self.image[window], through, scale=1 / 255)

    def cover(self, picture: NDArray[np.uint8] | RGB, coverage: NDArray[np.uint8], corner: tuple[int, int]) -> None:
        """Lay something opaque on the sheet.

        Parameters
        ----------
        picture : ndarray, shape (h, w, 3), uint8, or RGB
            What is seen from above.
        coverage : ndarray, shape (h, w), uint8
            Its shape, 255 where it is.
        corner : tuple of int
            x, y of the patch's first pixel.
        """
        window, patch = self._clip(coverage.shape[:2], corner)
        if window is None:
            return
        self.glaze(picture, coverage, corner)
        part = coverage[patch]
        hidden = self.hidden[window]
        # What is left to see of both, as uint8 products; exact at 0 and 255.
        self.hidden[window] = cv2.subtract(
            np.full_like(part, 255), cv2.multiply(cv2.bitwise_not(hidden), cv2.bitwise_not(part), scale=1 / 255)
        )

    def glaze(self, picture: NDArray[np.uint8] | RGB, opacity: NDArray[np.uint8], corner: tuple[int, int]) -> None:
        """Mix something with what is below it, which stays to be seen.

        Parameters
        ----------
        picture : ndarray, shape (h, w, 3), uint8, or RGB
        opacity : ndarray, shape (h, w), uint8
        corner : tuple of int
            x, y of the patch's first pixel.
        """
        window, patch = self._clip(opacity.shape[:2], corner)
        if window is None:
            return
        part = opacity[patch]
        below = self.image[window]
        # In bands that stay in the processor's cache: as whole pictures the steps would take three times as long.
        for top in range(0, len(part), _BAND):
            band = slice(top, top + _BAND)
            share = cv2.merge([part[band]] * 3)
            above = picture[patch][band] if isinstance(picture, np.ndarray) else np.full_like(share, picture)
            below[band] = cv2.add(
                cv2.multiply(above, share, scale=1 / 255),
                cv2.multiply(below[band], cv2.bitwise_not(share), scale=1 / 255),
            )

    def _clip(
        self, shape: tuple[int, ...], corner: tuple[int, int]
    ) -> tuple[tuple[slice, slice] | None, tuple[slice, slice]]:
        """Window of the sheet that a patch falls on, None if it misses it, and that part of the patch."""
        (height, width), (x, y) = self.hidden.shape, corner
        x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + shape[1], width), min(y + shape[0], height)
        patch = (slice(y0 - y, max(y1, y0) - y), slice(x0 - x, max(x1, x0) - x))
        return ((slice(y0, y1), slice(x0, x1)) if x1 > x0 and y1 > y0 else None), patch
