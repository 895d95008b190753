"""Store a page in black and white as a copier does: each pixel against its surroundings."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_WINDOW_MM = 6.0
_FINER = 2


def binarize(gray: NDArray[np.uint8], below: float, pixels_per_mm: float) -> NDArray[np.uint8]:
    """Cut a picture at a threshold that follows the light, finer than its pixels, which keep some gray at edges.

    Faint lines and noise near the threshold break up in dots, and pale strokes get holes (P. Wellner, *Adaptive
    thresholding for the DigitalDesk*, 1993).

    Parameters
    ----------
    gray : ndarray, shape (H, W), uint8
    below : float
        Levels below the mean of 6 mm around it from which a pixel is black.
    pixels_per_mm : float

    Returns
    -------
    ndarray, shape (H, W), uint8

    Examples
    --------
    >>> page = np.tile(np.linspace(120, 250, 96).astype(np.uint8), (96, 1))
    >>> page[48] -= 40
    >>> black = binarize(page, 15, 8.0) < 128
    >>> bool(black[48, 4:-4].all()), bool(black[30].any())
    (True, False)
    """
    height, width = gray.shape
    fine = cv2.resize(gray, (_FINER * width, _FINER * height), interpolation=cv2.INTER_CUBIC)
    window = 2 * max(1, round(_FINER * _WINDOW_MM * pixels_per_mm / 2)) + 1
    cut = cv2.adaptiveThreshold(fine, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY, window, below)
    return np.asarray(cv2.resize(cut, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
