"""What a page's file draws: its lines and its text, as they stand in the file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Line:
    """A line that is stroked in one go.

    Attributes
    ----------
    points : ndarray, shape (n, 2), float64
        ``(x, y)`` in pixels of the page's picture, exactly as the file has them; NaN between what a clipping path shows
        of it.
    color : tuple of int
        RGB.
    width : float
        Pixels; 0 for the thinnest that can be drawn.
    """

    points: NDArray[np.float64]
    color: tuple[int, int, int]
    width: float


@dataclass(frozen=True)
class Text:
    """A word that the file writes.

    Attributes
    ----------
    text : str
    box : tuple of float
        ``(x0, y0, x1, y1)`` around it in pixels of the page's picture.
    angle : float
        Direction in which it is written, in degrees, positive clockwise as seen; 0 for usual text.
    """

    text: str
    box: tuple[float, float, float, float]
    angle: float


@dataclass(frozen=True, eq=False)
class Drawing:
    """Lines and text of a page.

    Attributes
    ----------
    lines : tuple of Line
        In the order in which they are drawn.
    words : tuple of Text
    text : str
        All of the text, line by line in the file's order.
    size : tuple of int
        Width and height of the page's picture, pixels.
    dpi : float
        Pixels an inch, if the page is to scale.
    """

    lines: tuple[Line, ...]
    words: tuple[Text, ...]
    text: str
    size: tuple[int, int]
    dpi: float
