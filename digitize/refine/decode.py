"""Decode where the pens of a page's rows ran from a distribution over y in every column, all rows together.

The cheapest way through a row's cells is found by dynamic programming (Viterbi, 1967). A cell costs what the
distribution says against it. Within a column the pen may run over many cells, as it does on the flank of a beat, but
leaves ink on all of them: white cells on its way cost. Two rows may cross; they may not go on in the same ink.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from digitize.refine.bands import FOLD

_BESIDE = 1
"""Cells between two ways in the same ink."""
_CROSSING = 8
"""Columns of cells (1.6 mm) within which rows cross, and beyond which they go on in the same ink."""
_CONFLICTS = 2
"""Conflicts that are settled, a row."""


@dataclass(frozen=True)
class Prices:
    """What a way costs besides the distribution, in units of the natural logarithm of a probability.

    Attributes
    ----------
    unlikely : float
        Of a cell that the distribution excludes: none costs more.
    white : float
        Of a white cell on the pen's way.
    inked : float
        Of an inked cell on its way: of two ways through ink the shorter one is the pen's.
    taken : float
        Of a column in another row's ink.
    """

    unlikely: float = 8.0
    white: float = 0.3
    inked: float = 0.02
    taken: float = 2.0


USUAL = Prices()
"""The prices by which pages are read."""


def cheapest_way(node: NDArray[np.floating], step: NDArray[np.floating]) -> tuple[NDArray[np.intp], float]:
    """Find the cheapest way through columns of cells.

    Parameters
    ----------
    node : ndarray, shape (w, n)
        Cost of being in each cell at the end of each column.
    step : ndarray, shape (w, n)
        Cost of running over each cell within each column; half of it at both ends of a way within a column.

    Returns
    -------
    cells : ndarray, shape (w,), int
    cost : float

    Examples
    --------
    >>> node = np.array([[0.0, 5, 5, 5], [5, 5, 5, 0], [5, 0, 5, 5.0]])
    >>> cheapest_way(node, np.full((3, 4), 1.0))
    (array([0, 3, 1]), 5.0)
    >>> cheapest_way(node, np.full((3, 4), 9.0))[0]
    array([0, 0, 0])
    """
    width, cells = node.shape
    every = np.arange(cells)
    height = np.cumsum(step, axis=1) - step / 2
    source = np.empty((width, cells), np.intp)
    cost = np.asarray(node[0], np.float64)
    for x in range(1, width):
        # From below or from above: the cost of a way is the difference of two heights, and its least a running one.
        rise, fall = cost - height[x], (cost + height[x])[::-1]
        least_rise, least_fall = np.minimum.accumulate(rise), np.minimum.accumulate(fall)
        up = np.maximum.accumulate(np.where(rise == least_rise, every, 0))
        down = cells - 1 - np.maximum.accumulate(np.where(fall == least_fall, every, 0))[::-1]
        by_rise, by_fall = least_rise + height[x], least_fall[::-1] - height[x]
        source[x] = np.where(by_rise <= by_fall, up, down)
        cost = np.minimum(by_rise, by_fall) + node[x]
    way = np.empty(width, np.intp)
    way[-1] = cost.argmin()
    for x in range(width - 1, 0, -1):
        way[x - 1] = source[x, way[x]]
    return way, float(cost.min())


@dataclass(frozen=True, eq=False)
class Field:
    """Where a row's pen may be, pixel by pixel.

    Attributes
    ----------
    share : ndarray, shape (w * STEPS, h), float32
        Probability of each pixel, at ``x + k / STEPS``; h and w are multiples of a cell's height and width.
    ink : ndarray, shape (h, w), uint8
        Ink of these pixels.
    top : int
        The page's row of pixels (y) at which it begins, a multiple of a cell's height.
    """

    share: NDArray[np.float32]
    ink: NDArray[np.uint8]
    top: int


def ways_of(fields: Sequence[Field], prices: Prices = USUAL) -> list[NDArray[np.intp]]:
    """Find the cheapest ways of all rows of a page, none of them going on in another's ink.

    Where two rows do, the one moves on to its next best way that loses less by it.

    Parameters
    ----------
    fields : sequence of Field
        One a row, which begin in the same column.
    prices : Prices

    Returns
    -------
    list of ndarray, shape (w / FOLD[1],), int
        Cell of each row in every column of cells, counted from the page's top.
    """
    rows = [_Row.of(field, prices) for field in fields]
    for _ in range(len(rows) * _CONFLICTS):
        found = _longest_conflict([row.way for row in rows])
        if found is None:
            break
        (first, second), columns = found
        moved = [
            rows[one].avoiding(rows[other].way, columns, prices.taken)
            for one, other in ((first, second), (second, first))
        ]
        lost = [new.cost - rows[old].cost for new, old in zip(moved, (first, second), strict=True)]
        best = int(np.argmin(lost))
        rows[(first, second)[best]] = moved[best]
    return [row.way for row in rows]


@dataclass(frozen=True, eq=False)
class _Row:
    """A row's costs, its cells counted from `top`, and its cheapest way, counted from the page's top."""

    node: NDArray[np.floating]
    step: NDArray[np.floating]
    top: int
    way: NDArray[np.intp]
    cost: float

    @classmethod
    def of(cls, field: Field, prices: Prices) -> _Row:
        height, width = field.ink.shape
        cells = height // FOLD[0], FOLD[0], width // FOLD[1]
        share = field.share.reshape(cells[2], -1, cells[0], FOLD[0]).sum(axis=3).mean(axis=1)
        darkest = field.ink.reshape(*cells, FOLD[1]).max(axis=(1, 3)).T / 255
        # Half of a pixel's ink is a stroke's edge, or a pale pen.
        white = np.maximum(1.0 - 2 * darkest, 0.0)
        node = np.minimum(-np.log(share + np.exp(-prices.unlikely)), prices.unlikely)
        return cls._with(node, prices.inked + prices.white * white, field.top // FOLD[0])

    @classmethod
    def _with(cls, node: NDArray[np.floating], step: NDArray[np.floating], top: int) -> _Row:
        way, cost = cheapest_way(node, step)
        return cls(node, step, top, way + top, cost)

    def avoiding(self, other: NDArray[np.intp], columns: slice, price: float) -> _Row:
        """The row where the cells of another's way cost more in some columns."""
        cells = np.arange(self.node.shape[1]) + self.top
        near = np.abs(cells - other[columns, None]) <= _BESIDE
        node = self.node.copy()
        node[columns] += price * near
        return self._with(node, self.step, self.top)


def _longest_conflict(ways: Sequence[NDArray[np.intp]]) -> tuple[tuple[int, int], slice] | None:
    """Find where two rows go on in the same cells for longest; None where no two do for longer than they cross."""
    longest, found = _CROSSING, None
    for first, second in combinations(range(len(ways)), 2):
        together = np.abs(ways[first] - ways[second]) <= _BESIDE
        edges = np.flatnonzero(np.diff(together.astype(np.int8), prepend=0, append=0))
        for start, end in zip(edges[::2], edges[1::2], strict=True):
            if end - start > longest:
                longest, found = int(end - start), ((first, second), slice(int(start), int(end)))
    return found
