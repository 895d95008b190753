"""Lay the rows of a layout that the caller gave beside the rows that were found on the page.

On a worn page rows are lost and lines of print pass for rows. Which row is which, three things tell: rows keep their
order, their names say what can be read of them, and electrocardiographs print them evenly spaced. The best alignment
under these is found as that of two sequences is (Needleman and Wunsch, 1970), where what comes between two pairs may be
missing on one side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitize.records.layouts import Layout

# Prices in nats.
_MISSING, _SURPLUS = 3.0, 1.0
"""Of a row of the layout that the page lacks, and of a row of the page that the layout lacks."""
_UNEVEN, _MOST_UNEVEN = 0.2, 2.0
"""Part of the usual distance by which rows usually are nearer or farther apart, and most that this costs."""
_SAME_PITCH, _MOST_PITCHES = 0.05, 4
"""Part by which distances differ that are looked at both, and how many are where names may tell."""


@dataclass(frozen=True, eq=False)
class Given:
    """A layout that the caller gave, and the rows of the page among which its rows are.

    Attributes
    ----------
    layout : Layout
    level : ndarray, shape (found,), float64
        Heights of the rows that were found on the page (y), rising.
    pitches : list of float
        Distances at which those of the layout may stand (`likely_pitches`).
    """

    layout: Layout
    level: NDArray[np.float64]
    pitches: list[float]


def likely_pitches(scores: NDArray[np.float64], level: NDArray[np.float64]) -> list[float]:
    """Find the distances at which the rows of a layout may stand, if they are among those that were found.

    Parameters
    ----------
    scores, level : ndarray
        As `align` takes them.

    Returns
    -------
    list of float
        Those whose alignments have the best scores, the best first, of equal ones the wider; infinite for one row.

    Examples
    --------
    >>> likely_pitches(np.zeros((4, 6)), np.array([100.0, 150.0, 200.0, 300.0, 340.0, 400.0]))[0]
    100.0
    """
    if len(level) < 2:
        return [np.inf]
    apart = np.sort((level[None, :] - level[:, None])[np.triu_indices(len(level), 1)]).tolist()
    tried = [apart[0]]
    for distance in apart[1:]:
        if distance > (1 + _SAME_PITCH) * tried[-1]:
            tried.append(distance)
    return sorted(reversed(tried), key=lambda pitch: -align(scores, level, [pitch])[0])[:_MOST_PITCHES]


def align(
    scores: NDArray[np.float64], level: NDArray[np.float64], pitches: Sequence[float]
) -> tuple[float, NDArray[np.int64]]:
    """Find the row of the page that shows each row of a layout.

    Parameters
    ----------
    scores : ndarray, shape (rows, found)
        What speaks for each row of the layout being each row that was found, nats.
    level : ndarray, shape (found,)
        Heights of the rows that were found (y), rising.
    pitches : sequence of float
        Distances of rows that are likely; the one that fits best is taken.

    Returns
    -------
    score : float
        What speaks for it, nats.
    row : ndarray, shape (rows,), int
        Numbers of the rows that were found, rising; -1 where there is none.

    Examples
    --------
    >>> level = np.array([100.0, 200.0, 400.0])
    >>> align(np.zeros((4, 3)), level, [100.0])[1].tolist()
    [0, 1, -1, 2]
    >>> names = np.zeros((2, 3))
    >>> names[0, 1] = names[1, 2] = 5.0
    >>> align(names, level, [100.0, 200.0])[1].tolist()
    [1, 2]
    """
    return max((_aligned(scores, level, pitch) for pitch in pitches), key=lambda way: way[0])


def _aligned(scores: NDArray[np.float64], level: NDArray[np.float64], pitch: float) -> tuple[float, NDArray[np.int64]]:
    n, m = scores.shape
    steps = np.arange(1, n)
    apart = (level[None, :] - level[:, None])[None] / (pitch * steps[:, None, None]) - 1.0
    uneven = np.minimum(0.5 * (apart / _UNEVEN) ** 2, _MOST_UNEVEN)
    passed = np.maximum(np.arange(m)[None, :] - np.arange(m)[:, None] - 1, 0)
    # From the pair before, so many rows of the layout up, to this one.
    price = uneven + _MISSING * (steps[:, None, None] - 1) + _SURPLUS * passed[None]
    best, came = np.full((n, m), -np.inf), np.full((n, m, 2), -1)
    for i in range(n):
        for j in range(m):
            best[i, j] = scores[i, j] - _MISSING * i - _SURPLUS * j
            if i and j:
                before = best[:i, :j] - price[:i, :j, j][::-1]
                at = np.unravel_index(before.argmax(), before.shape)
                if scores[i, j] + before[at] > best[i, j]:
                    best[i, j], came[i, j] = scores[i, j] + before[at], at
    ends = best - _MISSING * np.arange(n - 1, -1, -1)[:, None] - _SURPLUS * np.arange(m - 1, -1, -1)
    row = np.full(n, -1)
    i, j = divmod(int(ends.argmax()), m)
    score = float(ends[i, j])
    while i >= 0:
        row[i] = j
        i, j = came[i, j].tolist()
    return score, row
