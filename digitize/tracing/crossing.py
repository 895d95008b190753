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

from digitize.tracing.pen import NODES, fit_path

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
    """Settle who drew what at every crossing of neighboring rows.

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
        # Before and after the crossing every row has its own ink.
        top, bottom = (
            np.stack(
                [own, *(np.where(together, story[side], edge) for story in ((nothing, nothing), far, near, whole))]
            )
            for side, (own, edge) in enumerate(zip((first[0][row], first[1][row]), whole, strict=True))
        )
        guess = _guess(top, bottom, radius)
        enough = np.isfinite(guess).sum(axis=1) >= 4
        told.append((top[enough], bottom[enough], guess[enough]))
    if not all(len(guess) for _, _, guess in told):
        return first
    # All paths at once: one by one, most of the time would go by between them.
    top, bottom, guess = (np.concatenate(parts) for parts in zip(*told, strict=True))
    path = fit_path(top, bottom, guess, radius, rounds=5)
    count = len(told[0][0])
    swept = _sweep(path, radius)
    bend = _bend(path)
    upper, lower = (swept[0][:count], swept[1][:count]), (swept[0][count:], swept[1][count:])
    cost = _unexplained(ink, together, upper, lower) + bend[:count, None] + bend[count:] + _BETTER
    cost[0, 0] -= _BETTER
    i, j = np.unravel_index(cost.argmin(), cost.shape)
    return np.stack([top[i], top[count + j]]), np.stack([bottom[i], bottom[count + j]])


def _guess(top: NDArray[np.float64], bottom: NDArray[np.float64], radius: float) -> NDArray[np.float64]:
    """About where paths run, from what edges there are."""
    center = (top + bottom) / 2
    center = np.where(np.isfinite(center), center, top + radius)
    return np.where(np.isfinite(center), center, bottom - radius)


def _bend(path: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much each path bends, in unexplained edges; a tip is no worse the sharper it is."""
    return np.asarray(np.minimum(np.abs(np.diff(path, 2)) * NODES / _BEND, 3.0).sum(axis=1))


def _sweep(path: NDArray[np.float64], radius: float) -> Edges:
    """Edges of the ink that each path leaves, column by column, shape (k, n)."""
    reach = int(np.ceil(radius * NODES))
    offsets = np.arange(-reach, reach + 1)
    depth = np.sqrt(np.maximum(radius**2 - (offsets / NODES) ** 2, 0.0))
    padded = np.pad(path, ((0, 0), (reach, reach)), mode="edge")
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=1)[:, ::NODES]
    return (around - depth).min(axis=2), (around + depth).max(axis=2)


def _unexplained(ink: Edges, together: NDArray[np.bool_], upper: Edges, lower: Edges) -> NDArray[np.float64]:
    """Edges of the ink that two swept paths do not explain, and white where there is ink; of every pair of stories."""
    (above, below), (other_above, other_below) = (
        tuple(edge[:, None] for edge in upper),
        tuple(edge[None] for edge in lower),
    )
    top, bottom = np.minimum(above, other_above), np.maximum(below, other_below)
    # A shared edge is one edge.
    share = np.where(together, 0.5, 1.0)
    cost = np.zeros(top.shape)
    for row, (own_top, own_bottom) in enumerate(((above, below), (other_above, other_below))):
        for seen, own, joint in ((ink[0][row], own_top, top), (ink[1][row], own_bottom, bottom)):
            off = np.where(together, joint, own) - seen
            cost += share * np.nan_to_num(off**2 / (off**2 + _NEAR**2))
    white = np.maximum(np.maximum(above, other_above) - np.minimum(below, other_below), 0.0)
    return np.asarray((cost + together * white**2 / (white**2 + _NEAR**2)).sum(axis=2))
