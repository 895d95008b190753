"""Ink as runs: in every pixel column, the vertical stretches that the pen covers, with sub-pixel edges.

Everything that follows a trace works on these few numbers a column instead of on pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_SEAM = 8
"""Longest faint stretch, in pixels, within a run: noise, and the grid taken off, leave holes in a stroke."""
_FAINT = 0.4
"""Share of the level that ink within a run may fall to."""


@dataclass(frozen=True)
class Runs:
    """Runs of ink, column by column, padded to the column with most.

    Attributes
    ----------
    top, bottom : ndarray, shape (w, r), float32
        Edges in pixels (y), where coverage crosses half of the pen's; NaN beyond a column's last run.
    count : ndarray, shape (w,), int
        Runs in each column.
    """

    top: NDArray[np.float32]
    bottom: NDArray[np.float32]
    count: NDArray[np.int64]


def find_runs(coverage: NDArray[np.float32], level: float, keep: NDArray[np.bool_] | None = None) -> Runs:
    """Find the runs of a coverage image.

    Parameters
    ----------
    coverage : ndarray, shape (h, w), float32
        Share of each pixel that is ink.
    level : float
        Coverage at a run's edge.
    keep : ndarray, shape (h, w), bool, optional
        Pixels that count; all by default.

    Returns
    -------
    Runs

    Examples
    --------
    >>> coverage = np.zeros((9, 1), np.float32)
    >>> coverage[3:7, 0] = [0.5, 1.0, 1.0, 0.25]
    >>> runs = find_runs(coverage, 0.5)
    >>> float(runs.top[0, 0]), round(float(runs.bottom[0, 0]), 2)
    (3.0, 5.67)
    """
    height, width = coverage.shape
    mask = coverage > level
    if keep is not None:
        mask &= keep
    padded = np.zeros((width, height + 2), bool)
    padded[:, 1:-1] = mask.T
    # Runs begin and end by turns: the padding sees to it that no run is open at a column's end.
    column, change = np.divmod(np.flatnonzero(padded[:, 1:] != padded[:, :-1]), height + 1)
    column, first, last = column[::2], change[::2], change[1::2] - 1
    parted = ~_join_below(coverage, column, first, last, _FAINT * level, keep)
    begins = np.ones(len(parted), bool)
    begins[1:] = parted[:-1]
    first, last = first[begins], last[parted]
    column = column[parted]

    def crossing(row: NDArray[np.int64], beyond: NDArray[np.int64]) -> NDArray[np.float32]:
        inner = coverage[row, column]
        outer = np.where((beyond >= 0) & (beyond < height), coverage[np.clip(beyond, 0, height - 1), column], 0.0)
        step = (inner - level) / np.maximum(inner - outer, 1e-6)
        # A neighbor that was masked out may be darker than the level: then the edge is the mask's.
        return (row + (beyond - row) * np.clip(step, 0.0, 1.0)).astype(np.float32)

    count = np.bincount(column, minlength=width)
    order = np.arange(len(column)) - np.repeat(np.cumsum(count) - count, count)
    shape = (width, max(1, int(count.max(initial=0))))
    top, bottom = np.full(shape, np.nan, np.float32), np.full(shape, np.nan, np.float32)
    top[column, order] = crossing(first, first - 1)
    bottom[column, order] = crossing(last, last + 1)
    return Runs(top, bottom, count)


def _join_below(
    coverage: NDArray[np.float32],
    column: NDArray[np.int64],
    first: NDArray[np.int64],
    last: NDArray[np.int64],
    faint: float,
    keep: NDArray[np.bool_] | None,
) -> NDArray[np.bool_]:
    """Which runs go on in the next one below: only faint ink lies between them."""
    gap = np.zeros(len(column), np.int64)
    gap[:-1] = np.where(column[1:] == column[:-1], first[1:] - last[:-1] - 1, 0)
    joined = (gap > 0) & (gap <= _SEAM)
    for step in range(1, _SEAM + 1):
        within = np.flatnonzero(joined & (step <= gap))
        row = last[within] + step
        ink = coverage[row, column[within]] > faint
        if keep is not None:
            ink &= keep[row, column[within]]
        joined[within[~ink]] = False
    return joined
