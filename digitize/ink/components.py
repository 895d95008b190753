"""Pieces of ink that hang together: where they are and how large."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Components:
    """Pieces of ink, numbered from 1; number 0 is the background.

    Attributes
    ----------
    labels : ndarray, shape (h, w), int32
        Number of the piece that a pixel belongs to.
    inked : ndarray, shape (m,), int64
        Flat indices of the pixels of ink.
    number : ndarray, shape (m,), int32
        Piece of each of these pixels.
    boxes : ndarray, shape (n + 1, 4), int32
        ``(x0, y0, x1, y1)`` around each piece, `x1` and `y1` excluded; of the background the whole picture.
    area : ndarray, shape (n + 1,), int64
        Pixels of each piece; 0 of the background.
    """

    labels: NDArray[np.int32]
    inked: NDArray[np.int64]
    number: NDArray[np.int32]
    boxes: NDArray[np.int32]
    area: NDArray[np.int64]

    def mask(self, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Pixels, shape (h, w), of chosen pieces, shape (n + 1,)."""
        mask = np.zeros(self.labels.shape, bool)
        mask.ravel()[self.inked[chosen[self.number]]] = True
        return mask


def find_components(ink: NDArray[np.bool_]) -> Components:
    """Find the pieces of ink that hang together, corner to corner too.

    Parameters
    ----------
    ink : ndarray, shape (h, w), bool

    Returns
    -------
    Components

    Examples
    --------
    >>> ink = np.zeros((5, 8), bool)
    >>> ink[1, 2] = ink[2, 3:6] = ink[4, 7] = True
    >>> pieces = find_components(ink)
    >>> pieces.boxes[1:].tolist(), pieces.area.tolist()
    ([[2, 1, 6, 3], [7, 4, 8, 5]], [0, 4, 1])
    """
    height, width = ink.shape
    count, found = cv2.connectedComponents(np.ascontiguousarray(ink).view(np.uint8), connectivity=8)
    labels = np.asarray(found, np.int32)
    inked = np.flatnonzero(ink)
    number = labels.ravel()[inked]
    y, x = np.divmod(inked.astype(np.int32), np.int32(width))
    boxes = np.zeros((count, 4), np.int32)
    # OpenCV's own statistics count every pixel of the background, which takes five times as long as the labels.
    boxes[:, :2] = width, height
    for side, place in ((0, x), (1, y)):
        np.minimum.at(boxes[:, side], number, place)
        np.maximum.at(boxes[:, side + 2], number, place + 1)
    boxes[0] = 0, 0, width, height
    return Components(labels, inked, number, boxes, np.bincount(number, minlength=count))
