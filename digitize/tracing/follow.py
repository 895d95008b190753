"""Follow all rows of a page together through its runs of ink.

Each row takes, in every column, one run of ink, joined to the one before, as near to its slow level as may be, and not
the run that another row rests on; so a deep S wave finds its way through the row below.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from digitize.ink.runs import Runs
from digitize.records.traces import Rows

_AWAY = 0.003
"""Cost a pixel of distance from the row's level: a trace 33 mm away is worth one column without ink."""
_LIFTED = 1.0
"""Cost of a column without ink."""
_LAND = 3.0
"""Cost of lifting or landing the pen."""
_JUMP = 0.5
"""Cost a pixel of white between runs of neighboring columns."""
_FAR = 25.0
"""White, in pixels, beyond which a jump costs more than its length: a worn stroke has many small gaps."""
_TAKEN = 5.0
"""Cost of a run on which another row rests, or that is part of a name."""


def follow_rows(runs: Runs, rows: Rows, radius: float, names: NDArray[np.float64]) -> NDArray[np.int64]:
    """Choose the run of ink that each row takes in every column, all rows together (Viterbi, 1967).

    Parameters
    ----------
    runs : Runs
        Ink that may be trace.
    rows : Rows
        Rows that are followed.
    radius : float
        The pen's radius in pixels.
    names : ndarray, shape (n, 4), float64
        Boxes ``(x0, y0, x1, y1)`` of lead names: ink that ends inside one is avoided.

    Returns
    -------
    ndarray, shape (rows, w), int
        Number of the run in its column, -1 where the pen is lifted.

    Examples
    --------
    >>> runs = Runs(np.array([[8.0, 28.0]] * 5), np.array([[10.0, 30.0]] * 5), np.full(5, 2))
    >>> level = np.repeat([[9.0], [30.0]], 5, axis=1).astype(np.float32)
    >>> follow_rows(runs, Rows(level, np.zeros(2, int), np.full(2, 5)), 1.0, np.zeros((0, 4))).tolist()
    [[0, 0, 0, 0, 0], [1, 1, 1, 1, 1]]
    """
    width, n_runs = runs.top.shape
    n_rows = len(rows.level)
    top, bottom = runs.top.astype(np.float64), runs.bottom.astype(np.float64)
    level = rows.level.T.astype(np.float64)
    with np.errstate(invalid="ignore"):
        away = np.maximum(np.maximum(top[:, None] - level[:, :, None], level[:, :, None] - bottom[:, None]), 0.0)
        rests = (away < 6.0) & ((bottom - top) < 6 * radius + 4)[:, None]
    taken = (rests.sum(axis=1, keepdims=True) - rests) > 0
    node = _AWAY * away + np.where(taken & ~rests, _TAKEN, 0.0)
    for name in names:
        columns, letter = inside_box(top.T, bottom.T, name)
        node[columns] += _TAKEN * letter.T[:, None]
    # Lifted, the pen hovers at the row's level.
    landing = _LAND + 5 * _AWAY * away

    every = np.arange(n_rows)
    back = np.full((width, n_rows, n_runs + 1), -1, np.int16)
    count = runs.count.tolist()
    now = count[0]
    cost, lifted = node[0, :, :now], np.full(n_rows, _LIFTED)
    for x in range(1, width):
        before, now = now, count[x]
        best = lifted[:, None] + landing[x, :, :now]
        if before:
            lift = cost + landing[x - 1, :, :before]
            source = lift.argmin(axis=1)
            least = lift[every, source]
            back[x, :, n_runs] = np.where(least < lifted, source, -1)
            lifted = np.minimum(lifted, least)
        if before and now:
            gap = np.maximum(top[x, :now, None] - bottom[x - 1, :before], top[x - 1, :before] - bottom[x, :now, None])
            gap = np.maximum(gap - 1.0, 0.0)
            step = cost[:, None] + _JUMP * gap * (1.0 + gap / _FAR)
            along = step.min(axis=2)
            stays = along <= best
            back[x, :, :now] = np.where(stays, step.argmin(axis=2), -1)
            best = np.where(stays, along, best)
        cost = best + node[x, :, :now]
        lifted = lifted + _LIFTED
    final = np.concatenate([cost, lifted[:, None]], axis=1)
    state = final.argmin(axis=1)
    state[state == now] = -1
    chosen = np.empty((n_rows, width), np.int64)
    for x in range(width - 1, -1, -1):
        chosen[:, x] = state
        # State -1, the lifted pen, is also the last of `back`.
        state = back[x, every, state].astype(np.int64)
    return chosen


def inside_box(
    top: NDArray[np.floating], bottom: NDArray[np.floating], box: NDArray[np.float64]
) -> tuple[slice, NDArray[np.bool_]]:
    """Find the runs of ink that end inside a box.

    Parameters
    ----------
    top, bottom : ndarray, shape (n, w)
        Edges of n runs in every column, pixels (y); NaN for none.
    box : ndarray, shape (4,), float64
        ``(x0, y0, x1, y1)``.

    Returns
    -------
    columns : slice
        Of the box.
    inside : ndarray, shape (n, columns), bool
        Which runs there end inside it.

    Examples
    --------
    >>> columns, inside = inside_box(np.full((1, 9), 4.0), np.full((1, 9), 6.0), np.array([2.0, 3.0, 4.0, 7.0]))
    >>> columns, inside.tolist()
    (slice(2, 5, None), [[True, True, True]])
    """
    x0, y0, x1, y1 = box
    columns = slice(max(0, int(x0)), int(x1) + 1)
    with np.errstate(invalid="ignore"):
        return columns, (top[:, columns] >= y0) & (bottom[:, columns] <= y1)
