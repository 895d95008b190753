"""The traces of a page in pixels: where the pen ran along every row, and how that is known."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray


class TraceState(IntEnum):
    """How a trace's center is known in a column; the greater, the more is seen of it.

    Examples
    --------
    >>> state = np.array([TraceState.SEEN, TraceState.UNKNOWN, TraceState.SHARED], np.uint8)
    >>> (state > TraceState.BRIDGED).tolist()
    [True, False, True]
    """

    UNKNOWN = 0
    """No center is known."""
    BRIDGED = 1
    """The center was interpolated over a short gap."""
    SHARED = 2
    """The center was told apart from another row's, in ink that both rows share."""
    SEEN = 3
    """The row has ink of its own."""


@dataclass(frozen=True, eq=False)
class Traces:
    """The pen's path along every row.

    Attributes
    ----------
    center : ndarray, shape (rows, w), float32
        The pen's center in pixels (y); NaN where it cannot be known.
    between : ndarray, shape (rows, w), float32
        The same half a column further right.
    state : ndarray, shape (rows, w), uint8
        How each center is known (`TraceState`).
    start, end : ndarray, shape (rows,), int
        First column of each row's trace, and the column after its last; 0 and 0 where nothing could be followed.
    left, right : ndarray, shape (rows,), float64
        Where the pen's center came down and was lifted (x), to a fraction of a pixel.
    radius : float
        The pen's radius in pixels.
    ink : ndarray, shape (2, rows, w), float32
        Top and bottom of the run of ink that each row follows, in pixels (y); NaN where the pen is lifted.
    """

    center: NDArray[np.float32]
    between: NDArray[np.float32]
    state: NDArray[np.uint8]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    left: NDArray[np.float64]
    right: NDArray[np.float64]
    radius: float
    ink: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of a page, top to bottom.

    Attributes
    ----------
    level : ndarray, shape (rows, w), float32
        Where each row is between beats, in pixels (y), column by column; defined over the whole width.
    start, end : ndarray, shape (rows,), int
        First column with ink of the row, and the column after its last.
    """

    level: NDArray[np.float32]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
