"""All thin layers on a sheet as one: how much of the picture's light they let through and how much they add.

Every dye, shade and film maps a level ``v`` to ``share * v + add``; one after the other they are such a map again. So
they are composed on a coarse lattice and the full picture is touched once.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from papertrace.synth.canvas import RGB

_UNIT = 200.0
"""Level of `share` that stands for 1; brighter than flat paper, up to 1.27, is light that a slope throws up."""


class Veil:
    """Layers over a sheet, painted in place.

    Parameters
    ----------
    width, height : float
        The sheet, mm.
    px_per_mm : float
        Of the veil's own lattice, whose first pixel's corner is the sheet's.

    Attributes
    ----------
    shape : tuple of int
        Rows and columns.
    px_per_mm : float

    Examples
    --------
    >>> veil = Veil(2.0, 2.0, 4.0)
    >>> veil.film(np.full((8, 8), 255, np.uint8), (10, 20, 30))
    >>> veil.over(np.full((20, 20, 3), 99, np.uint8))[0, 0].tolist()
    [10, 20, 30]
    """

    def __init__(self, width: float, height: float, px_per_mm: float) -> None:
        self.px_per_mm = px_per_mm
        self.shape = (math.ceil(height * px_per_mm), math.ceil(width * px_per_mm))
        self._share: MatLike = np.full((*self.shape, 3), int(_UNIT), np.uint8)
        self._add: MatLike = np.zeros((*self.shape, 3), np.uint8)
        self._films = False

    def dye(self, through: list[NDArray[np.float32]]) -> None:
        """Filter the light that comes through; to be done before any film is laid on.

        Parameters
        ----------
        through : list of ndarray, each of shape `shape`, float32
            What is left of red, green and blue.
        """
        levels = [cv2.convertScaleAbs(channel, alpha=_UNIT) for channel in through]
        self._share = cv2.multiply(self._share, cv2.merge(levels), scale=1 / _UNIT)

    def film(self, opacity: NDArray[np.uint8], color: RGB) -> None:
        """Lay on something of a color of its own.

        Parameters
        ----------
        opacity : ndarray, shape `shape`, uint8
            255 hides all that is below.
        color : RGB
        """
        self._films = True
        left = cv2.bitwise_not(opacity)
        left = cv2.merge([left, left, left])
        own = cv2.merge([cv2.convertScaleAbs(opacity, alpha=level / 255) for level in color])
        self._share = cv2.multiply(self._share, left, scale=1 / 255)
        self._add = cv2.add(cv2.multiply(self._add, left, scale=1 / 255), own)

    def over(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Look at a picture of the sheet through the veil.

        Parameters
        ----------
        image : ndarray, shape (H, W, 3), uint8

        Returns
        -------
        ndarray, shape (H, W, 3), uint8
        """
        size = image.shape[1::-1]
        layer = cv2.resize(self._share, size, interpolation=cv2.INTER_LINEAR)
        seen = cv2.multiply(image, layer, scale=1 / _UNIT)
        if self._films:
            cv2.resize(self._add, size, layer, interpolation=cv2.INTER_LINEAR)
            cv2.add(seen, layer, seen)
        return np.asarray(seen, np.uint8)
