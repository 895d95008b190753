"""Find where the trace of every row begins and ends, to a fraction of a pixel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from digitize.records.upright import PIXELS_PER_MM
from digitize.tracing.rows import close_gaps, span_of_pieces

_GAP = 61
"""Columns of missing ink that do not end a trace."""
_LEAST_PIECE = 10 * PIXELS_PER_MM
"""Columns of ink that begin one."""

PEN_DOWN = 0.7
"""First column of a stroke before the pen's middle, less the pen's radius, where the shape of its end is not seen."""
_END_REACH = 6
"""Columns beyond a trace's end in which the end's own shape is looked at."""
_ROUND_END, _BLURRED_END = 0.87, 0.18
"""Radii beyond the nib's center at which the ink of a stroke's round end is half as high as the stroke, and by how many
pixels, for a radius of one, a scanner's blur brings that nearer."""


def find_extents(
    coverage: NDArray[np.float32], center: NDArray[np.float64], inked: NDArray[np.bool_], darkness: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find the solid part of every row: specks before and after it do not count.

    Parameters
    ----------
    coverage : ndarray, shape (h, w), float32
        Share of each pixel that is ink.
    center : ndarray, shape (rows, w), float64
        The pen's center (y), NaN where it is not known.
    inked : ndarray, shape (rows, w), bool
        Where the rows follow ink.
    darkness : float
        The pen's usual coverage.

    Returns
    -------
    start, end : ndarray, shape (rows,), int
        First column, and column after the last; 0 and 0 of a row without a solid part.

    Examples
    --------
    >>> page = np.zeros((40, 400), np.float32)
    >>> page[20, 50:350] = 1
    >>> start, end = find_extents(page, np.full((1, 400), 20.0), page[20:21] > 0, 1.0)
    >>> start.tolist(), end.tolist()
    ([50], [350])
    """
    inked = _solid(coverage, center, inked, darkness)
    starts, ends = np.zeros(len(inked), np.int64), np.zeros(len(inked), np.int64)
    for row, known in enumerate(inked):
        starts[row], ends[row] = span_of_pieces(close_gaps(known, _GAP), known, _LEAST_PIECE)
    followed = ends > starts
    starts[followed] = _agree(starts[followed], outward=-1)
    ends[followed] = _agree(ends[followed], outward=1)
    return starts, ends


def _solid(
    coverage: NDArray[np.float32], center: NDArray[np.float64], inked: NDArray[np.bool_], darkness: float
) -> NDArray[np.bool_]:
    """Where a row follows the pen and not specks and remnants of the grid, which are pale or broken."""
    row = np.where(np.isfinite(center), np.rint(center), 0).astype(int)
    dark = coverage[np.clip(row, 0, len(coverage) - 1), np.arange(coverage.shape[1])] > 0.7 * darkness
    often: NDArray[np.bool_] = ndimage.uniform_filter1d((dark & inked).astype(float), _GAP, axis=1) > 0.4
    return inked & often


def _agree(ends: NDArray[np.int64], outward: int) -> NDArray[np.int64]:
    """Ends of rows, brought to the one that most rows share.

    Rows of one page begin and end together. One that seems shorter was worn there, and shows nothing where it really is
    shorter; one that seems a little longer ran on into a remnant of the grid.
    """
    if len(ends) < 3:
        return ends
    usual = int(np.median(ends))
    if np.mean(np.abs(ends - usual) <= 2 * PIXELS_PER_MM) < 0.5:
        alike = np.abs(ends - ends[:, None]) <= 2 * PIXELS_PER_MM
        outermost = int(np.argmax(ends * outward))
        # A stain may have shortened half of the rows; three do not begin too early at one place by chance.
        if alike[outermost].sum() < max(3, len(ends) / 2):
            return ends
        usual = int(np.median(ends[alike[outermost]]))
    beyond = (ends - usual) * outward
    return np.where(beyond < 20 * PIXELS_PER_MM, usual, ends)


def unseen_end(side: NDArray[np.int64], outward: int, radius: float) -> NDArray[np.float64]:
    """Tell where the pen's center came down or was lifted, where the shape of the stroke's end is not seen.

    Parameters
    ----------
    side : ndarray, shape (rows,), int
        First columns of the rows' traces, or their last ones.
    outward : int
        -1 for the first, 1 for the last.
    radius : float
        The pen's radius in pixels.

    Returns
    -------
    ndarray, shape (rows,), float64

    Examples
    --------
    >>> unseen_end(np.array([100]), -1, 1.5).tolist()
    [100.8]
    """
    return np.asarray(side + outward * (PEN_DOWN - radius), np.float64)


def find_ends(
    coverage: NDArray[np.float32],
    center: NDArray[np.float64],
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    radius: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Find where the pen's center came down and was lifted in each row.

    Parameters
    ----------
    coverage : ndarray, shape (h, w), float32
        Share of each pixel that is ink.
    center : ndarray, shape (rows, w), float64
        The pen's center (y), NaN where it is not known.
    start, end : ndarray, shape (rows,), int
        See `find_extents`.
    radius : float
        The pen's radius in pixels.

    Returns
    -------
    left, right : ndarray, shape (rows,), float64
        Pixels (x); as `unseen_end` where the shape of the stroke's end tells nothing.

    Examples
    --------
    >>> page = np.zeros((40, 400), np.float32)
    >>> page[19:22, 50:350] = 1
    >>> left, right = find_ends(page, np.full((1, 400), 20.0), np.array([50]), np.array([350]), 1.5)
    >>> left.round(2).tolist(), right.round(2).tolist()
    ([50.68], [348.32])
    """
    found = []
    for side, outward in ((start, -1), (end - 1, 1)):
        ends = unseen_end(side, outward, radius)
        for row in np.flatnonzero(end > start):
            seen = _seen_end(coverage, center[row], int(side[row]), outward, radius)
            ends[row] = ends[row] if seen is None else seen
        found.append(ends)
    return found[0], found[1]


def _seen_end(
    coverage: NDArray[np.float32], center: NDArray[np.float64], side: int, outward: int, radius: float
) -> float | None:
    """Where the pen came down or was lifted at one end of a row (x), None where its shape is not seen.

    The ink of a round end is half as high as the stroke 0.87 radii beyond the nib's center; of a thin one less.
    """
    columns = side + outward * np.arange(-1, _END_REACH + 1)
    if columns.min() < 0 or columns.max() >= coverage.shape[1] or not np.isfinite(center[columns[1]]):
        return None
    reach = int(np.ceil(2 * radius)) + 2
    y = np.clip(round(center[columns[1]]) + np.arange(-reach, reach + 1), 0, len(coverage) - 1)
    height = coverage[y[:, None], columns].sum(axis=0)
    low = np.flatnonzero(height < radius)
    # Ink that goes on, as a pulse's foot does, ends where the trace was found to end.
    if not len(low) or low[0] == 0 or height[low[0] :][:3].min() >= 0.3 * radius:
        return None
    high, after = height[low[0] - 1], height[low[0]]
    edge = columns[low[0] - 1] + outward * (high - radius) / (high - after)
    return float(edge - outward * (_ROUND_END * radius - _BLURRED_END / radius))
