"""The pen's path from the edges of its ink: the smoothest path whose swept nib leaves just these edges.

A round nib that runs along a curve leaves ink whose upper edge, in a column, is drawn by one point of the curve and the
lower edge by another: on a flank half a nib before the column and half a nib behind it, on a level stretch in it. Each
edge thus says where the path was at one instant, and the two of a column say it for two instants: a steep stroke is
known at twice as many times as it has columns. Which instant it was depends on the path, so path and contacts are found
by turns, each time by linear least squares with a penalty on curvature (Whittaker's smoother, 1923) that only matters
where no edge is seen: under a crossing trace, or between the flanks of a beat narrower than the pen.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, ndimage

NODES = 2
"""Nodes of the path a column."""

_ANGLES = 25
"""Points of the nib that may draw an edge."""
_STIFF = 0.01
"""Weight of squared curvature (pixels per squared pixel) against squared pixels of an edge."""
_TRUSTED = 2.0
"""Pixels by which an edge may be off before it counts less: what another stroke drew is not this path's."""
_PROMINENT = 4.0
"""Radii by which a tip stands out before the edge behind it counts for half."""


def fit_path(
    top: NDArray[np.floating],
    bottom: NDArray[np.floating],
    guess: NDArray[np.floating],
    radius: float,
    rounds: int = 8,
) -> NDArray[np.float64]:
    """Fit a pen's path, or several, to the edges of its ink.

    Parameters
    ----------
    top, bottom : ndarray, shape (w,) or (k, w)
        Edges of the ink column by column, pixels (y, downward); NaN where they are not seen. A row each of k paths.
    guess : ndarray, shape (w,) or (k, w)
        About where the path runs; NaN where that is not known.
    radius : float
        The nib's, in pixels.
    rounds : int
        How often contacts are found anew: five tell paths apart, eight settle one.

    Returns
    -------
    ndarray, shape (2 w - 1,) or (k, 2 w - 1), float64
        The path at every column and half-way between two, wherever: also where nothing was known.

    Raises
    ------
    ValueError
        If a path has no guess at all.

    Examples
    --------
    A nib of radius 2 draws a tip as a round cap; its edges tell where the flanks would have met.

    >>> x = np.arange(60)
    >>> fine = np.arange(0, 59.01, 0.05)
    >>> tip = 30 + 6 * np.abs(fine - 30)
    >>> off = x[:, None] - fine
    >>> half = np.where(abs(off) <= 2, np.sqrt(np.maximum(4 - off**2, 0)), np.nan)
    >>> top, bottom = np.nanmin(tip - half, axis=1), np.nanmax(tip + half, axis=1)
    >>> path = fit_path(top, bottom, (top + bottom) / 2, 2.0)
    >>> bool(np.abs(path[40:80:2] - tip[400:800:20]).max() < 1.5)
    True
    """
    if np.ndim(guess) == 1:
        alone: NDArray[np.float64] = fit_path(top[None], bottom[None], guess[None], radius, rounds)[0]
        return alone
    count, width = top.shape
    nodes = NODES * (width - 1) + 1
    path = np.empty((count, nodes))
    for one, about in enumerate(guess):
        known = np.flatnonzero(np.isfinite(about))
        if len(known) == 0:
            raise ValueError("no column has a guess of the path; allowed: one at least")
        path[one] = np.interp(np.arange(nodes) / NODES, known, about[known])
    if nodes < 3:
        return path
    every = np.arange(width)
    angle = np.linspace(-np.pi / 2, np.pi / 2, _ANGLES)[:, None]
    depth = radius * np.cos(angle)
    at = np.clip((every + radius * np.sin(angle)) * NODES, 0, nodes - 1.001)
    left = at.astype(int)
    part = at - left
    rigid = np.tile(_curvature(nodes), count)
    sure = _sure_edges(top, bottom, radius)
    for _ in range(rounds):
        here = path[:, left] * (1 - part) + path[:, left + 1] * part
        node, share, height, weight = [], [], [], []
        drawn_edges = (top, sure[0], here - depth, np.argmin), (bottom, sure[1], here + depth, np.argmax)
        for edge, certain, drawn, contact in drawn_edges:
            touch = contact(drawn, axis=1)
            off = edge - np.take_along_axis(drawn, touch[:, None], axis=1)[:, 0]
            row, column = np.nonzero(np.isfinite(off))
            touch, off = touch[row, column], off[row, column]
            node.append(row * nodes + left[touch, column])
            share.append(part[touch, column])
            height.append(here[row, touch, column] + off)
            weight.append(certain[row, column] / np.maximum(1.0, np.abs(off) / _TRUSTED))
        # One system of all paths: no term joins the last node of one to the first of the next.
        path = _solve(rigid, *(np.concatenate(parts) for parts in (node, share, height, weight))).reshape(count, nodes)
    return path


def _sure_edges(
    top: NDArray[np.floating], bottom: NDArray[np.floating], radius: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How far each edge can be believed, 0 to 1: in the notch between two flanks that nearly touch, blur leaves ink.

    A tip stands out from the edges around it on its own side; the notch behind it does not.
    """
    around = 2 * int(np.ceil(radius + 1)) + 1
    known = np.isfinite(top) & np.isfinite(bottom)
    up = ndimage.maximum_filter1d(np.where(known, top, -np.inf), around, axis=-1) - np.where(known, top, 0.0)
    down = np.where(known, bottom, 0.0) - ndimage.minimum_filter1d(np.where(known, bottom, np.inf), around, axis=-1)
    up, down = np.where(known, up, 0.0), np.where(known, down, 0.0)
    enough = _PROMINENT * radius
    most = np.maximum(up, down) + enough
    return (up + enough) / most, (down + enough) / most


def _curvature(nodes: int) -> NDArray[np.float64]:
    """Upper bands of the matrix of the curvature's penalty, as `scipy.linalg.solveh_banded` takes them."""
    bands = np.zeros((3, nodes))
    second = np.array([1.0, -2.0, 1.0]) * NODES**2
    for i in range(3):
        for j in range(i, 3):
            bands[2 - (j - i), j : nodes - 2 + j] += _STIFF / NODES * second[i] * second[j]
    return bands


def _solve(
    rigid: NDArray[np.float64],
    node: NDArray[np.int64],
    share: NDArray[np.float64],
    height: NDArray[np.float64],
    weight: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Path nearest to heights at places ``node + share``, weighted, that bends least."""
    size = rigid.shape[1]
    bands = rigid.copy()
    # Keeps the matrix regular where only one place is known.
    bands[2] += 1e-9
    right = np.zeros(size)
    for offset, part in ((0, 1.0 - share), (1, share)):
        bands[2] += np.bincount(node + offset, weight * part**2, size)
        right += np.bincount(node + offset, weight * part * height, size)
    bands[1] += np.bincount(node + 1, weight * share * (1.0 - share), size)
    # What `scipy.linalg.solveh_banded` calls; its checks take longer than a short path's solution.
    _, path, failed = linalg.lapack.dpbsv(bands, right, overwrite_ab=True, overwrite_b=True)
    if failed:
        raise linalg.LinAlgError(f"path of {size} nodes: leading minor {failed} is not positive definite")
    return np.asarray(path, np.float64)
