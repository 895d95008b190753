"""Grids of dots, as thermal printers and their report programs draw them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_INK = np.array([120, 70, 70])


def on_dotted_grid(page: NDArray[np.uint8], per_mm: float, *, faint: float, quality: int) -> NDArray[np.uint8]:
    """Print a page, shape (h, w, 3), on dots of one pixel and store it as JPEG.

    Every millimeter has a dot, of so faint an ink; along 5 mm lines there is a dark one every half millimeter. So lines
    of dots half a millimeter apart are the clearest that there are.
    """
    height, width = page.shape[:2]
    ink = np.zeros((height, width))
    halves = np.arange(2 * int(max(height, width) / per_mm) + 1)
    for rows, columns, strength in ((2, 2, faint), (10, 1, 1.0), (1, 10, 1.0)):
        y, x = (np.rint(halves[::step] * per_mm / 2 + 3.3).astype(int) for step in (rows, columns))
        ink[np.ix_(y[(y > 0.1 * height) & (y < 0.97 * height)], x[(x > 0.03 * width) & (x < 0.97 * width)])] = strength
    dots = 255 - ink[..., None] * (255 - _INK)
    _, file = cv2.imencode(".jpg", np.minimum(page, dots.astype(np.uint8)), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR), np.uint8)
