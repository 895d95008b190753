"""Smooth random fields over a sheet: where age, light or ink come and go slowly.

Only element-wise arithmetic and OpenCV's bit-exact interpolation are used, so a seed gives the same field on every
machine.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def patches(rng: np.random.Generator, width: float, height: float, size: float) -> NDArray[np.float64]:
    """Draw a field of soft patches.

    Parameters
    ----------
    rng : numpy.random.Generator
    width, height : float
        The sheet in mm.
    size : float
        Distance in mm over which the field changes.

    Returns
    -------
    ndarray, shape (rows, columns), float64
        0 to 1, eight values a patch along each axis, from the sheet's upper left corner to its lower right one.

    Examples
    --------
    >>> field = patches(np.random.default_rng(0), 100.0, 50.0, 25.0)
    >>> field.shape, bool(field.min() >= 0 and field.max() <= 1)
    ((16, 32), True)
    """
    cells = max(2, round(height / size)), max(2, round(width / size))
    field = rng.uniform(-0.25, 1.25, (cells[0] + 1, cells[1] + 1))
    for axis, count in enumerate(cells):
        place = (np.arange(8 * count) + 0.5) / 8
        share = place % 1.0
        weight = np.expand_dims(share**2 * (3 - 2 * share), 1 - axis)
        before = np.take(field, place.astype(int), axis)
        field = before + weight * (np.take(field, place.astype(int) + 1, axis) - before)
    return np.clip(field, 0.0, 1.0)


def spread(field: NDArray[np.floating], shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Stretch a field of 0 to 1 over a picture.

    Parameters
    ----------
    field : ndarray, shape (rows, columns) or (rows, columns, channels)
    shape : tuple of int
        Height and width of the picture.

    Returns
    -------
    ndarray, shape (height, width) or (height, width, channels), uint8
        255 where the field is 1.

    Examples
    --------
    >>> spread(np.array([[0.0, 1.0]]), (1, 4)).tolist()
    [[0, 64, 191, 255]]
    """
    levels = np.round(np.clip(field, 0, 1) * 255).astype(np.uint8)
    return np.asarray(cv2.resize(levels, shape[::-1], interpolation=cv2.INTER_LINEAR_EXACT), np.uint8)
