"""The truth about a picture, cell by cell: which lead's zero line runs through it, and where the pen stands there.

It is what the signal head of `classify.picture.network` is held to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from classify.picture.network import CELL, CELLS
from classify.picture.picture import HEIGHT, WIDTH


class Drawn(NamedTuple):
    """A strip on a picture.

    Attributes
    ----------
    lead : int
        Place among the standard twelve.
    pen : ndarray, shape (n, 2)
        Its samples as pixels ``(x, y)`` of the picture, NaN where they cannot be seen.
    zero : ndarray, shape (2, 2)
        Both ends of the line of 0 mV.
    """

    lead: int
    pen: NDArray[np.floating]
    zero: NDArray[np.floating]


@dataclass(frozen=True)
class Cells:
    """The cells of a picture that zero lines run through.

    Attributes
    ----------
    place : ndarray, shape (n,), int32
        Row times columns plus column.
    strip : ndarray, shape (n,), uint8
        Number of the strip.
    lead : ndarray, shape (n,), uint8
        Place among the standard twelve.
    pen : ndarray, shape (n, CELL), float16
        Pixels by which the pen stands below the cell's middle in each of its columns, NaN where it cannot be seen.
    """

    place: NDArray[np.int32]
    strip: NDArray[np.uint8]
    lead: NDArray[np.uint8]
    pen: NDArray[np.float16]


def cells_of(strips: Sequence[Drawn]) -> Cells:
    """Find the cells that strips run through.

    Parameters
    ----------
    strips : sequence of Drawn
        Of more than 255, the first are taken.

    Returns
    -------
    Cells
        Of two zero lines in a cell, the later strip's counts; cells in which less than half of the columns show the
        pen are left out.

    Examples
    --------
    >>> level = np.array([[100.0, 27.5], [115.0, 27.5]])
    >>> cells = cells_of([Drawn(6, level + (0, 2), level)])
    >>> (cells.place // CELLS[1]).tolist(), (cells.place % CELLS[1]).tolist(), cells.pen[0, 4:].tolist()
    ([3, 3, 3], [12, 13, 14], [2.0, 2.0, 2.0, 2.0])
    """
    found: dict[int, tuple[int, int, NDArray[np.float64]]] = {}
    for number, strip in enumerate(strips[:255]):
        pen = _along(strip.pen)
        (x0, y0), (x1, y1) = np.asarray(strip.zero, np.float64)
        if not np.isfinite((x0, y0, x1, y1)).all() or x1 - x0 < 1.0:
            continue
        middle = (np.arange(CELLS[1]) + 0.5) * CELL - 0.5
        level = y0 + (middle - x0) * (y1 - y0) / (x1 - x0)
        row = np.floor((level + 0.5) / CELL).astype(np.int64)
        below = pen.reshape(CELLS[1], CELL) - ((row + 0.5) * CELL - 0.5)[:, None]
        shown = np.isfinite(below).sum(axis=1) >= CELL // 2
        for column in np.flatnonzero(shown & (row >= 0) & (row < CELLS[0])):
            found[int(row[column]) * CELLS[1] + int(column)] = (number, strip.lead, below[column])
    places = sorted(found)
    return Cells(
        np.array(places, np.int32),
        np.array([found[place][0] for place in places], np.uint8),
        np.array([found[place][1] for place in places], np.uint8),
        np.array([found[place][2] for place in places], np.float16).reshape(len(places), CELL),
    )


def _along(pen: NDArray[np.floating]) -> NDArray[np.float64]:
    """Height of the pen in every column of a picture, NaN beyond it, where it is hidden and out of the picture."""
    known = np.flatnonzero(np.isfinite(pen[:, 0]))
    if len(known) < 2:
        return np.full(WIDTH, np.nan)
    # A hidden sample has no place; between its neighbors is near enough to keep its NaN.
    x = np.interp(np.arange(len(pen)), known, pen[known, 0])
    y = np.interp(np.arange(WIDTH), np.maximum.accumulate(x), pen[:, 1], left=np.nan, right=np.nan)
    return np.where((y >= 0) & (y <= HEIGHT - 1), y, np.nan)
