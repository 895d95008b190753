"""Divide the ink that several rows follow among them, by what each of them does beside it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from digitize.tracing.crossing import Edges

_BESIDE_LEVEL, _BESIDE_REACH = 12, 3
"""Columns to either side of shared ink that tell at which level a row rests there, and whether it was moving."""


def divide_shared(
    chosen: NDArray[np.int64], ink: Edges, level: NDArray[np.float32], radius: float
) -> tuple[Edges, NDArray[np.bool_]]:
    """Divide runs that several rows took among them.

    A row that the run passes on both sides is crossed by another's beat: it is hidden there. Of two rows that a run
    joins without passing either, the one whose ink was already stretching beside the crossing moved.

    Parameters
    ----------
    chosen : ndarray, shape (rows, w), int
        Run that each row follows, -1 for none.
    ink : pair of ndarray, shape (rows, w), float64
        Top and bottom of these runs in pixels (y), NaN for none.
    level : ndarray, shape (rows, w), float32
        Where the rows are between beats (`Rows.level`).
    radius : float
        The pen's radius in pixels.

    Returns
    -------
    edges : pair of ndarray, shape (rows, w), float64
        Top and bottom of what each row drew; NaN where another's ink hides it.
    shared : ndarray, shape (rows, w), bool
        Where a row's run is another's too.

    Examples
    --------
    A beat of the lower row crosses the upper one, which rests at 10:

    >>> chosen = np.array([[0] * 9, [1, 1, 1, 0, 0, 0, 1, 1, 1]])
    >>> ink = np.array([[9.0] * 9, [39, 39, 20, 2, 2, 2, 20, 39, 39]]), np.array([[11.0] * 9, [41.0] * 9])
    >>> for edge, own in zip(ink, (2.0, 41.0)):
    ...     edge[0, 3:6] = own
    >>> (top, bottom), shared = divide_shared(chosen, ink, np.repeat([[10.0], [40.0]], 9, axis=1), 1.0)
    >>> top[0].tolist()
    [9.0, 9.0, 9.0, nan, nan, nan, 9.0, 9.0, 9.0]
    >>> top[1].tolist()
    [39.0, 39.0, 20.0, 2.0, 2.0, 2.0, 20.0, 39.0, 39.0]
    """
    shared = np.array([(_followers(chosen, row) & (chosen[row] >= 0)).any(axis=0) for row in range(len(chosen))])
    top, bottom = ink[0].copy(), ink[1].copy()
    for row in range(len(chosen)):
        for (span,) in ndimage.find_objects(ndimage.label(shared[row])[0]):
            top[row, span], bottom[row, span] = _edges_within(row, span, chosen, ink, level, shared, radius)
    return (top, bottom), shared


def _followers(chosen: NDArray[np.int64], row: int) -> NDArray[np.bool_]:
    """Which of the other rows take the run of a row, shape (rows, w)."""
    same: NDArray[np.bool_] = chosen == chosen[row]
    same[row] = False
    return same


def _edges_within(
    row: int,
    span: slice,
    chosen: NDArray[np.int64],
    ink: Edges,
    level: NDArray[np.float32],
    shared: NDArray[np.bool_],
    radius: float,
) -> Edges:
    """Edges of what a row drew within a span of columns in which other rows follow its ink, too."""
    top, bottom = ink[0][row, span], ink[1][row, span]
    margin = 3 * radius + 2
    rest = _resting_level(ink[0][row], ink[1][row], shared[row], span, level[row])
    above, below = rest - top > margin, bottom - rest > margin
    others = _followers(chosen[:, span], row)
    reach = np.array([_reach_beside(low - high, here, span) for high, low, here in zip(*ink, shared, strict=True)])
    rival = np.where(others, reach[:, None], 0.0).max(axis=0)
    hidden = (above & below) | ((above | below) & (reach[row] < 0.5 * rival))
    # A run that goes beyond one of the other rows is this row's stroke.
    passes = (others & (top < level[:, span] - margin) & (bottom > level[:, span] + margin)).any(axis=0)
    # Where both moved, toward each other, the border lies between.
    met = (rival > 0.5 * reach[row]) & ~passes
    middle = (top + bottom) / 2
    return (
        np.where(hidden, np.nan, np.where(met & above, middle, top)),
        np.where(hidden, np.nan, np.where(met & below, middle, bottom)),
    )


def _beside(shared: NDArray[np.bool_], span: slice, reach: int) -> NDArray[np.intp]:
    """Columns beside a span in which a row's ink is its own."""
    start, stop = span.start, span.stop
    columns: NDArray[np.intp] = np.r_[max(0, start - reach) : start, stop : min(len(shared), stop + reach)]
    return columns[~shared[columns]]


def _resting_level(
    top: NDArray[np.float64],
    bottom: NDArray[np.float64],
    shared: NDArray[np.bool_],
    span: slice,
    level: NDArray[np.float32],
) -> float:
    """Level of a row around a crossing: the middle of its own ink on either side."""
    columns = _beside(shared, span, _BESIDE_LEVEL)
    seen = columns[np.isfinite(top[columns])]
    return float(np.median((top[seen] + bottom[seen]) / 2)) if len(seen) else float(level[span.start])


def _reach_beside(height: NDArray[np.float64], shared: NDArray[np.bool_], span: slice) -> float:
    """Longest run that a row has of its own beside a crossing; 0 for none."""
    seen = height[_beside(shared, span, _BESIDE_REACH)]
    return float(seen[np.isfinite(seen)].max(initial=0.0))
