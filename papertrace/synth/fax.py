"""Send a page by a fax machine."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

DOTS_PER_INCH = {"standard": (204.0, 98.0), "fine": (204.0, 196.0)}
"""Across and down, of ITU-T Recommendation T.4 (group 3)."""

_THRESHOLD = 170
_INSET = 0.5
# Bayer's matrix of order 3 (1973): every 2 x 2, 4 x 4 and 8 x 8 block has evenly spread thresholds.
_CELL = np.array([[0, 2], [3, 1]])
_BAYER = np.block(
    [[4 * np.block([[4 * _CELL + value for value in row] for row in _CELL]) + value for value in row] for row in _CELL]
)


def send_by_fax(
    image: NDArray[np.uint8],
    mode: str,
    pixels_per_mm: float,
    halftone: bool,
    dropouts: float,
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """Reduce a page to a fax's black and white dots and show it at the picture's size.

    Parameters
    ----------
    image : ndarray, shape (H, W, 3), uint8
    mode : {"standard", "fine"}
    pixels_per_mm : float
        Of the picture.
    halftone : bool
        Ordered dither instead of one threshold.
    dropouts : float
        Share of lines that were lost; the receiver repeats the one before.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (H, W, 3), uint8
    """
    height, width = image.shape[:2]
    across, down = DOTS_PER_INCH[mode]
    dots = (max(8, round(width / pixels_per_mm / 25.4 * across)), max(8, round(height / pixels_per_mm / 25.4 * down)))
    gray = _resize(np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8), dots, cv2.INTER_LINEAR)
    if halftone:
        tile = np.round(255 * (_BAYER + _INSET) / _BAYER.size).astype(np.uint8)
        repeats = (dots[1] // 8 + 1, dots[0] // 8 + 1)
        threshold = np.tile(tile, repeats)[: dots[1], : dots[0]]
    else:
        threshold = np.full(gray.shape, _THRESHOLD, np.uint8)
    lines = np.where(gray >= threshold, np.uint8(255), np.uint8(0))
    if dropouts:
        source = np.where(rng.random(dots[1]) < dropouts, -1, np.arange(dots[1]))
        lines = lines[np.maximum(np.maximum.accumulate(source), 0)]
    shown = _resize(lines, (width, height), cv2.INTER_NEAREST_EXACT)
    return np.repeat(shown[..., None], 3, axis=2)


def _resize(image: NDArray[np.uint8], size: tuple[int, int], enlarge: int) -> NDArray[np.uint8]:
    """Resize each axis by itself: OpenCV's averaging is centered only where both axes shrink or stay."""
    for width, height in ((size[0], image.shape[0]), size):
        larger = width > image.shape[1] or height > image.shape[0]
        image = np.asarray(cv2.resize(image, (width, height), interpolation=enlarge if larger else cv2.INTER_AREA))
    return image
