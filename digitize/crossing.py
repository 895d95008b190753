"""Decide which of two rows drew which edge of the ink that they share where their beats cross.

There are few stories of how two traces came to share a run of ink: one of them rested, hidden by the other's beat; each
drew the edge on the far side, having passed the other; each drew its near side; one drew it all. Each story gives each
row its edges, its edges give it a path (`fit_path`), and two paths leave ink. The story is taken whose ink is most like
what is seen, drawn by the paths that bend least.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from digitize.nib import NODES, fit_path

_MARGIN = 8
"""Columns to either side of a crossing that paths are fitted to as well."""
_LONGEST = 80
"""Columns beyond which rows run into each other rather than cross."""
_NEAR = 6.0
"""Pixels by which an edge may be off before it counts as unexplained."""
_BEND = 30.0
"""Change of slope, in pixels a column, that counts as one unexplained edge."""
_BETTER = 1.0
"""Edges by which another story must explain more than the first."""

Edges = tuple[NDArray[np.float64], NDArray[np.float64]]


def settle_crossings(chosen: NDArray[np.int64], ink: Edges, edges: Edges, radius: float) -> Edges:
    """Settle who drew what at every crossing of neighbouring rows.

    Parameters
    ----------
    chosen : ndarray, shape (rows, w), int
        Run that each row follows, -1 for none; where two rows follow one run they cross.
    ink : pair of ndarray, shape (rows, w)
        Top and bottom of these runs, NaN for none.
    edges : pair of ndarray, shape (rows, w)
        First guess of what each row drew: edges of its own, NaN where another's ink hides them.
    radius : float
        The pen's radius in pixels.

    Returns
    -------
    pair of ndarray, shape (rows, w), float64
        Top and bottom edges that each row drew.

    Examples
    --------
    >>> ink = np.full((2, 40), 10.0), np.full((2, 40), 12.0)
    >>> chosen = np.array([[0] * 40, [1] * 40])
    >>> bool((settle_crossings(chosen, ink, ink, 1.0)[0] == ink[0]).all())
    True
    """
    top, bottom = edges[0].copy(), edges[1].copy()
    for upper in range(len(chosen) - 1):
        pair = slice(upper, upper + 2)
        together = (chosen[upper] == chosen[upper + 1]) & (chosen[upper] >= 0)
        # White between the flanks of two beats that cross twice does not end the crossing.
        pieces, _ = ndimage.label(ndimage.binary_closing(np.pad(together, 8), np.ones(7))[8:-8])
        for (piece,) in ndimage.find_objects(pieces):
            if piece.stop - piece.start > _LONGEST:
                continue
            here = slice(max(0, piece.start - _MARGIN), min(chosen.shape[1], piece.stop + _MARGIN))
            own = (top[pair, here], bottom[pair, here])
            best = _best_story((ink[0][pair, here], ink[1][pair, here]), own, together[here], radius)
            top[pair, here], bottom[pair, here] = best
    return top, bottom


def _best_story(ink: Edges, first: Edges, together: NDArray[np.bool_], radius: float) -> Edges:
    """Edges of two rows, shape (2, n) each, by the story that explains the ink best."""
    nothing = np.full(together.shape, np.nan)
    told = []
    for row in (0, 1):
        whole = ink[0][row], ink[1][row]
        far = (nothing, whole[1]) if row == 0 else (whole[0], nothing)
        near = (whole[0], nothing) if row == 0 else (nothing, whole[1])
        stories = [(first[0][row], first[1][row])]
        for story in ((nothing, nothing), far, near, whole):
            # Before and after the crossing every row has its own ink.
            edges = [np.where(together, drawn, edge) for drawn, edge in zip(story, whole, strict=True)]
            if not all(np.array_equal(*pair, equal_nan=True) for pair in zip(edges, stories[0], strict=True)):
                stories.append((edges[0], edges[1]))
        told.append([(story, path) for story in stories if (path := _path(story, radius)) is not None])
    if not told[0] or not told[1]:
        return first
    swept = [[_sweep(path, radius) for _, path in own] for own in told]
    bends = [[_bend(path) for _, path in own] for own in told]
    best, least = (0, 0), np.inf
    for i in range(len(told[0])):
        for j in range(len(told[1])):
            cost = _unexplained(ink, together, swept[0][i], swept[1][j]) + bends[0][i] + bends[1][j]
            if cost + (_BETTER if (i, j) != (0, 0) else 0.0) < least:
                best, least = (i, j), cost
    chosen = told[0][best[0]][0], told[1][best[1]][0]
    return np.stack([chosen[0][0], chosen[1][0]]), np.stack([chosen[0][1], chosen[1][1]])


def _path(story: Edges, radius: float) -> NDArray[np.float64] | None:
    """Path through the edges of a story; None when it has too few."""
    centre = (story[0] + story[1]) / 2
    centre = np.where(np.isfinite(centre), centre, np.where(np.isfinite(story[0]), story[0] + radius, centre))
    centre = np.where(np.isfinite(centre), centre, np.where(np.isfinite(story[1]), story[1] - radius, centre))
    if np.isfinite(centre).sum() < 4:
        return None
    return fit_path(story[0], story[1], centre, radius, rounds=5)


def _bend(path: NDArray[np.float64]) -> float:
    """How much a path bends, in unexplained edges; a tip is no worse the sharper it is."""
    return float(np.minimum(np.abs(np.diff(path, 2)) * NODES / _BEND, 3.0).sum())


def _sweep(path: NDArray[np.float64], radius: float) -> Edges:
    """Edges of the ink that a path leaves, column by column."""
    reach = int(np.ceil(radius * NODES))
    offsets = np.arange(-reach, reach + 1)
    depth = np.sqrt(np.maximum(radius**2 - (offsets / NODES) ** 2, 0.0))
    padded = np.pad(path, reach, mode="edge")
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)[::NODES]
    return (around - depth).min(axis=1), (around + depth).max(axis=1)


def _unexplained(ink: Edges, together: NDArray[np.bool_], upper: Edges, lower: Edges) -> float:
    """Edges of the ink that two swept paths do not explain, and white where there is ink."""
    drawn_top = np.where(together, np.minimum(upper[0], lower[0]), np.stack([upper[0], lower[0]]))
    drawn_bottom = np.where(together, np.maximum(upper[1], lower[1]), np.stack([upper[1], lower[1]]))
    off = np.stack([drawn_top - ink[0], drawn_bottom - ink[1]])
    # A shared edge is one edge.
    share = np.where(together, 0.5, 1.0)
    white = np.maximum(np.maximum(upper[0], lower[0]) - np.minimum(upper[1], lower[1]), 0.0)
    cost = share * np.nan_to_num(off**2 / (off**2 + _NEAR**2))
    return float(cost.sum() + (together * white**2 / (white**2 + _NEAR**2)).sum())
