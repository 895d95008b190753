"""Find the rows of a page: the traces that run across it, one above the other.

Between heart beats every row is one thin run of ink in a column, and rows keep their order. So the number of rows is
the number of runs that most columns have, and in those columns the k-th run from the top belongs to the k-th row. That
needs no assumption on spacing, and neither baseline wander nor crossing beats disturb it: they spoil few columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal

from digitize.ink.components import find_components
from digitize.ink.runs import Runs, find_runs
from digitize.records.traces import Rows
from digitize.records.upright import PIXELS_PER_MM
from digitize.tracing.alignment import align, likely_pitches

_LEAST_WIDTH = 15 * PIXELS_PER_MM
"""Ink that hangs together over less than 15 mm is print, not a trace; a broken trace has longer pieces too."""

_STRAIGHT = 60 * PIXELS_PER_MM + 1
"""No heart is still, to a tenth of a millimeter, for 2.4 s: longer level ink is a ruled line."""

_STEADY = 10 * PIXELS_PER_MM
"""What wander moves a row's level at most: rows are farther apart."""

_BEAT = 60
"""Columns that a beat takes."""

_BESIDE = 3 * PIXELS_PER_MM
"""How far above and below a row's level other ink speaks for letters."""

_FIRM, _FAINT = 0.4, 0.2
"""Coverage at the edge of ink, and of ink on a page where a pen ran dry or faded."""

_FEW_ORDERED = 0.25
"""Share of the columns with ink that must have as many runs as any to say how many rows there are."""

_DENSE, _THINNER = 0.45, 0.25
"""Shares of the columns with ink with thin ink near a row's level: on most pages, and where beats are tall."""

_THINNEST = 0.08
"""The same, where it is known how many rows there are."""

_SCORE_OF_ROW = 4.0
"""What speaks for a row as inked as the most inked one, nats, beside the prices of `digitize.tracing.alignment`."""

_LEAST_SUPPORT = 0.2
"""Part of the most inked row's ink that a row has at least."""

_LEAST_PITCH = 5 * PIXELS_PER_MM
"""Rows are farther apart than this."""

_AT_LEVEL = 1.5 * PIXELS_PER_MM
_THIN, _TALL = 0.8 * PIXELS_PER_MM, 4 * PIXELS_PER_MM
_SUPPORT = 0.6
"""How near its level the ink of a row lies, how tall it is between beats, at rest and where a muscle trembles, and how
much there must be of it, in parts of what the row with most has."""

_CLEARLY = 0.2
"""Rows' score by which another way to tell them must be better than the usual one."""

_AS_INKED = 0.9
"""Part of the ink of the least inked row that another must have to be a row besides."""

_RESTS = 0.5
"""Share of the columns in which a row must be at its level for rows to be told by that."""

_LESS_INK, _MORE_INK = 0.55, 1.15
"""Parts of what rows usually have at their levels: a line of print has less, an edge, which has no beats, more."""

_MOST_DRIFT = 20 * PIXELS_PER_MM
"""What the level of a row of a bent page, or of one that wanders much, may range over."""

_FARTHEST = 30 * PIXELS_PER_MM
"""Ink farther than this from where a row is mostly is not at its level."""

_STRAIGHT_REACH = 0.7 * PIXELS_PER_MM
"""No trace stays so near its level for 98 % of its length: it has beats."""

_SLOW = 81
"""Columns of the running median (0.32 s at 25 mm/s) that keeps wander and drops beats."""


@dataclass(frozen=True, eq=False)
class _Rising:
    """Places (y) in the columns of a page, those of one column after those of the one before, each column's rising.

    Attributes
    ----------
    begin : ndarray, shape (w + 1,), int64
        Where each column's places begin, and the end of the last one's.
    keys : ndarray, shape (n,), float64
        The places, each column's moved beyond those of the one before: one search does for all columns.
    far : float
        How far each is moved beyond the one before.
    """

    begin: NDArray[np.int64]
    keys: NDArray[np.float64]
    far: float

    def find(self, y: NDArray[np.float64], side: Literal["left", "right"]) -> NDArray[np.int64]:
        """Number of the first place in each column that is at least that column's y, or from the right beyond it."""
        columns = np.arange(len(self.begin) - 1)
        return np.searchsorted(self.keys, columns * self.far + np.clip(y, 0.5 - self.far / 2, self.far / 2 - 0.5), side)


def _rising(y: NDArray[np.floating], begin: NDArray[np.int64]) -> _Rising:
    far = 2.0 * float(np.abs(y).max(initial=0.0)) + 4.0
    return _Rising(begin, np.repeat(np.arange(len(begin) - 1) * far, np.diff(begin)) + y, far)


@dataclass(frozen=True, eq=False)
class _Listed:
    """Runs of ink one after the other, column by column and top to bottom, without padding.

    On a noisy page nine tenths of `Runs` are padding, to the column with most.

    Attributes
    ----------
    top, bottom : ndarray, shape (n,), float32
    tops, bottoms : _Rising
    """

    top: NDArray[np.float32]
    bottom: NDArray[np.float32]
    tops: _Rising
    bottoms: _Rising

    def within(
        self, upper: NDArray[np.float64], lower: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """First and last run, column by column, that reach into a band; where none does the first is after the last."""
        return self.bottoms.find(upper, "left"), self.tops.find(lower, "right") - 1


def _listed(runs: Runs, tallest: float = np.inf) -> _Listed:
    """Runs less tall than that."""
    taken = runs.bottom - runs.top < tallest
    top, bottom = runs.top[taken], runs.bottom[taken]
    begin = np.r_[0, np.cumsum(taken.sum(axis=1))]
    return _Listed(top, bottom, _rising(top, begin), _rising(bottom, begin))


def find_rows(coverage: NDArray[np.float32], count: int | None = None) -> Rows | None:
    """Find the rows of traces.

    Parameters
    ----------
    coverage : ndarray, shape (h, w), float32
        Share of each pixel of the upright page that is ink.
    count : int, optional
        How many there are, where that is known: then so many are sought by their ink and even distances, among all
        that may be rows.

    Returns
    -------
    Rows or None
        None when no ink runs across the page.

    Examples
    --------
    >>> page = np.zeros((700, 900), np.float32)
    >>> for dy in range(3):
    ...     page[300 + dy + (20 * np.sin(np.arange(800) / 9)).astype(int), np.arange(50, 850)] = 1
    >>> rows = find_rows(page)
    >>> len(rows.level), int(rows.start[0]), int(rows.end[0])
    (1, 50, 850)
    """
    columns = np.arange(coverage.shape[1])
    if count is not None:
        level, runs = _so_many(coverage, columns, count)
        return _whole_rows(level, runs, runs) if level else None
    masked = find_runs(coverage, _FIRM, _trace_mask(coverage, _FIRM))
    inked = int((masked.count > 0).sum())
    if inked < _LEAST_WIDTH:
        return None
    runs = every = find_runs(coverage, _FIRM)
    level = _level_by_order(masked, columns, 0.5)
    pale = find_runs(coverage, _FAINT, _trace_mask(coverage, _FAINT))
    paler = _level_by_order(pale, columns, 0.5)
    if level and max(_range(row) for row in level) <= _STEADY and len(paler) <= len(level):
        runs = masked
    else:
        level, runs = _likeliest(coverage, columns, level, masked, every, pale)
        if not level:
            return None
        every = runs
    return _whole_rows(_without_edges(level, _listed(every)), every, runs)


def _whole_rows(level: list[NDArray[np.float64]], every: Runs, runs: Runs) -> Rows | None:
    """Rows at such levels, from their first ink to their last; those that are long enough."""
    listed = _listed(every)
    level = [_at_home(row) for row in level]
    start, end = _extents(listed if runs is every else _listed(runs), np.stack(level))
    start, end = _to_thin_ends(listed, np.stack(level), start, end)
    real = end - start > _LEAST_WIDTH
    return Rows(np.stack(level)[real].astype(np.float32), start[real], end[real]) if real.any() else None


def _so_many(
    coverage: NDArray[np.float32], columns: NDArray[np.int64], count: int
) -> tuple[list[NDArray[np.float64]], Runs]:
    """Levels of so many rows, if there are as many, and the ink that they go by."""
    pale = find_runs(coverage, _FAINT, _trace_mask(coverage, _FAINT))
    low, inked = _listed(pale, _TALL), int((pale.count > 0).sum())
    best: list[NDArray[np.float64]] = []
    runs = pale
    for ink in (find_runs(coverage, _FIRM), find_runs(coverage, _FAINT)):
        every = [row for tall in (_THIN, _TALL) for row in _level_by_density(ink, columns, _THINNEST, inked, tall)]
        levels = _different(_without_edges(every, _listed(ink)) if every else [], low)
        if not levels:
            continue
        support = np.array([_support(low, row) for row in levels])
        score = np.tile(_SCORE_OF_ROW * support / support.max(), (count, 1))
        middles = np.array([float(np.median(row)) for row in levels])
        chosen = align(score, middles, likely_pitches(score, middles))[1]
        found = [levels[row] for row in chosen if row >= 0]
        if len(found) > len(best):
            best, runs = found, ink
    return best, runs


def _different(levels: list[NDArray[np.float64]], low: _Listed) -> list[NDArray[np.float64]]:
    """Levels that may be rows, top to bottom: of those that are too near each other for two rows the most inked."""
    support = {id(row): _support(low, row) for row in levels}
    least = _LEAST_SUPPORT * max(support.values(), default=0)
    kept: list[NDArray[np.float64]] = []
    for row in sorted(levels, key=lambda row: -support[id(row)]):
        apart = [abs(float(np.median(row) - np.median(other))) for other in kept]
        if support[id(row)] > least and min(apart, default=np.inf) > _LEAST_PITCH:
            kept.append(row)
    return sorted(kept, key=lambda row: float(np.median(row)))


def _level_by_order(runs: Runs, columns: NDArray[np.int64], least: float) -> list[NDArray[np.float64]]:
    """Levels of the rows that most columns have, where these columns are more than such a share of those with ink."""
    if not runs.count.any():
        return []
    n_rows = int(np.bincount(runs.count[runs.count > 0]).argmax())
    ordered = np.flatnonzero(runs.count == n_rows)
    if len(ordered) <= least * int((runs.count > 0).sum()):
        return []
    center = (runs.top[ordered, :n_rows] + runs.bottom[ordered, :n_rows]) / 2
    return [_running_median(columns, ordered, center[:, row]) for row in range(n_rows)]


def _likeliest(
    coverage: NDArray[np.float32],
    columns: NDArray[np.int64],
    ordered: list[NDArray[np.float64]],
    masked: Runs,
    every: Runs,
    pale: Runs,
) -> tuple[list[NDArray[np.float64]], Runs]:
    """Of several ways to tell the rows the one with most ink at their levels, and the ink it goes by."""
    faint = find_runs(coverage, _FAINT)
    inked = max(1, int((masked.count > 0).sum()))
    low, all_runs = _listed(pale, _TALL), _listed(every)

    @cache
    def by_density(of_faint: bool, least: float, tall: float) -> list[NDArray[np.float64]]:
        return _level_by_density(faint if of_faint else every, columns, least, inked, tall)

    def score(level: list[NDArray[np.float64]]) -> float:
        support = [_support(low, row) / inked for row in level]
        return sum(support) - _SUPPORT * max(support, default=0.0) * len(support)

    dense = by_density(False, _DENSE, _THIN)
    by_order = _level_by_order(masked, columns, _FEW_ORDERED)
    if len(dense) < len(by_order):
        # Tall beats and bent rows thin a row's ink out; the count of runs tells that it is one.
        thinner = by_density(False, _THINNER, _THIN)
        dense = thinner if len(thinner) == len(by_order) else dense
    first = dense if not ordered or _jumps(ordered, dense) else ordered
    ways = [(_level_by_order(pale, columns, _FEW_ORDERED), faint), (by_order, every)]
    for runs in (every, faint):
        ways += [
            (by_density(runs is faint, share, tall), runs)
            for share, tall in ((_DENSE, _THIN), (_THINNER, _THIN), (_DENSE, _TALL))
        ]
    # A grid's remains are faint, too: among faint ink no row may have far less of it than the others.
    ways = [
        (_without_print(_without_edges(level, all_runs), low, inked, inner=runs is faint), runs)
        for level, runs in ways
        if level
    ]
    best = max(ways, key=lambda way: score(way[0]), default=(first, every))
    if not first:
        return best
    # Where no row rests, as in flutter, ink at the levels tells nothing of them.
    rests = max((_support(low, row) for row in best[0]), default=0) > _RESTS * inked
    clearly = _CLEARLY
    if len(best[0]) > len(first) and holds(best[0], first):
        # Nothing is told otherwise, only rows are added: as inked as the others, they are neither print nor dirt.
        weakest, weakest_before = (min(_support(low, row) for row in level) for level in (best[0], first))
        clearly = 0.0 if weakest > _AS_INKED * weakest_before else _CLEARLY
    return best if rests and score(best[0]) > score(first) + clearly else (first, every)


def holds(levels: Sequence[NDArray[np.floating]], others: Sequence[NDArray[np.floating]]) -> bool:
    """Tell whether rows are all among others, by their levels column by column (y)."""
    middles = np.array([np.median(row) for row in levels])
    return all(np.abs(middles - np.median(row)).min() < _STEADY / 4 for row in others)


def _jumps(levels: list[NDArray[np.float64]], dense: list[NDArray[np.float64]]) -> bool:
    """Whether a level changes from row to row: traces that beats cut into short pieces leave few runs in order."""
    if len(dense) < max(2, len(levels)):
        return False
    apart = np.diff([float(np.median(row)) for row in dense]).min()
    return max(_range(row) for row in levels) > 0.8 * float(apart)


def _without_print(
    level: list[NDArray[np.float64]], low: _Listed, inked: int, *, inner: bool
) -> list[NDArray[np.float64]]:
    """Rows but those that have far less ink at their levels than the rest, or ink in all columns, as edges have.

    Rows between others stay but where `inner` says so.
    """
    support = [_support(low, row) for row in level]
    most, usual = max(min(ink, inked) for ink in support), float(np.median(support))
    is_row = [_LESS_INK * most < ink <= max(_MORE_INK * usual, inked) for ink in support]
    if not any(is_row):
        return level
    first, last = is_row.index(True), len(is_row) - is_row[::-1].index(True)
    return [row for k, row in enumerate(level) if is_row[k] or (first < k < last and not inner)]


def _support(low: _Listed, level: NDArray[np.float64]) -> int:
    """Columns in which low ink lies at a level; none for one that is not a row's."""
    if _range(level) > _MOST_DRIFT:
        return 0
    first, last = low.within(level - _AT_LEVEL, level + _AT_LEVEL)
    return int((first <= last).sum())


def _without_edges(level: list[NDArray[np.float64]], runs: _Listed) -> list[NDArray[np.float64]]:
    """Rows but edges of paper and ruled lines: these are straight."""
    reach = np.full(len(level), np.nan)
    for k, row in enumerate(level):
        first, last = runs.within(row - 2 * PIXELS_PER_MM, row + 2 * PIXELS_PER_MM)
        inked = first <= last
        if inked.sum() >= _LEAST_WIDTH:
            top, bottom = runs.top[first[inked]], runs.bottom[last[inked]]
            reach[k] = np.percentile(np.maximum(row[inked] - top, bottom - row[inked]), 98)
    edge = reach < _STRAIGHT_REACH
    return level if edge.all() else [row for row, out in zip(level, edge, strict=True) if not out]


def _level_by_density(
    runs: Runs, columns: NDArray[np.int64], least: float, inked: int, tall: float
) -> list[NDArray[np.float64]]:
    """Levels of the rows of a page whose traces are broken or whose grid left marks: where low ink lies densest."""
    thin = _listed(runs, tall)
    y = (thin.top + thin.bottom) / 2
    middles = _rising(y, thin.tops.begin)
    column = np.repeat(columns, np.diff(middles.begin))
    # How many columns have thin ink within 2 mm: a trace nearly all, a line of print or a worn ruled line few.
    window = 2 * PIXELS_PER_MM
    bins = int(y.max()) + 2 * window if len(y) else 1
    present = np.zeros((bins // 10 + 1, len(columns)), bool)
    present[(y // 10).astype(int), column] = True
    near = ndimage.maximum_filter1d(present, 3, axis=0)
    share = near.sum(axis=1) / max(1, min(inked, int(near.any(axis=0).sum())))
    peaks, _ = signal.find_peaks(ndimage.gaussian_filter1d(share.astype(float), 1.0), height=least, distance=6)
    levels = []
    for peak in peaks:
        rough = 10.0 * peak + 5.0
        below = middles.find(np.full(len(columns), rough), "left")
        either = np.stack([below - 1, below])
        there = (either >= middles.begin[:-1]) & (either < middles.begin[1:])
        off = np.where(there, np.abs(y[np.clip(either, 0, len(y) - 1)] - rough), np.inf)
        nearest = off.argmin(axis=0)
        known = np.flatnonzero(off[nearest, columns] < 3 * window)
        levels.append(_running_median(columns, known, y[either[nearest[known], known]]))
    return levels


def _at_home(level: NDArray[np.float64]) -> NDArray[np.float64]:
    """A level, led past where it strays: beyond a row's ends a line of print may be all the ink that a column has."""
    columns = np.arange(len(level))
    own = np.abs(level - np.median(level)) < _FARTHEST
    return np.interp(columns, columns[own], level[own])


def _range(level: NDArray[np.float64]) -> float:
    return float(np.ptp(np.percentile(level, (2, 98))))


def _to_thin_ends(
    runs: _Listed, level: NDArray[np.float64], start: NDArray[np.int64], end: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows to their ends, which a first or last beat may part from the rest: one thin run a column, unlike letters."""
    starts, ends = start.copy(), end.copy()
    for row, slow in enumerate(level):
        first, last = runs.within(slow - _BESIDE, slow + _BESIDE)
        alone = first == last
        alone[alone] = (runs.bottom - runs.top)[first[alone]] < _THIN
        starts[row] = _thin_end(alone, start[row])
        ends[row] = len(alone) - _thin_end(alone[::-1], len(alone) - end[row])
    return starts, ends


def _thin_end(alone: NDArray[np.bool_], start: int) -> int:
    """First column of the pieces before a row's start that belong to it."""
    solid = close_gaps(alone, _BEAT)[:start]
    breaks = np.flatnonzero(~solid)
    first = int(breaks[-1]) + 1 if len(breaks) and breaks[-1] < start - 1 else start
    if len(breaks) == 0:
        first = 0
    elif first == start:
        # The beat itself is no thin run.
        before = np.flatnonzero(solid)
        if len(before) and start - before[-1] < _BEAT:
            gaps = breaks[breaks < before[-1]]
            first = int(gaps[-1]) + 1 if len(gaps) else 0
    added = alone[first:start]
    return first if added.sum() >= 3 * PIXELS_PER_MM and added.mean() > 0.5 else start


def _trace_mask(coverage: NDArray[np.float32], level: float) -> NDArray[np.bool_]:
    """Ink that hangs together over a good part of the page, without ruled lines and frames."""
    ink = (coverage >= level).astype(np.uint8)
    for axis in (1, 0):
        ruled = _ruled(ink, axis)
        if ruled.any():
            ink[cv2.dilate(ruled, np.ones((5, 5), np.uint8)) > 0] = 0
    joined = cv2.morphologyEx(ink, cv2.MORPH_CLOSE, np.ones((3, 9), np.uint8))
    pieces = find_components(np.asarray(joined) > 0)
    width, height = (pieces.boxes[:, 2:] - pieces.boxes[:, :2]).T
    long = (width >= _LEAST_WIDTH) & (height >= 0.8 * PIXELS_PER_MM)
    long[0] = False
    return pieces.mask(long) & (ink > 0)


def _ruled(ink: NDArray[np.uint8], axis: int) -> NDArray[np.uint8]:
    """Ink that runs straight over `_STRAIGHT` pixels along an axis; at the picture's edge half of it will do."""
    ruled = np.zeros_like(ink)
    lines, found = np.moveaxis(ink, axis, 1), np.moveaxis(ruled, axis, 1)
    # So wide an opening is slow, and few lines have enough ink for it.
    long = lines.sum(axis=1) >= min(_STRAIGHT // 2, lines.shape[1])
    if long.any():
        shape = (1, _STRAIGHT)
        found[long] = cv2.morphologyEx(lines[long], cv2.MORPH_OPEN, np.ones(shape, np.uint8))
    return ruled


def _running_median(
    columns: NDArray[np.int64], known: NDArray[np.int64], center: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Slow level of one row over all columns from its center in some."""
    smooth: NDArray[np.float64] = ndimage.median_filter(
        center.astype(np.float64), size=min(_SLOW, len(center)), mode="nearest"
    )
    return np.interp(columns, known, smooth)


def _extents(runs: _Listed, level: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First and last columns in which a row has ink at its level, lone specks left out."""
    reach = 2 * PIXELS_PER_MM
    starts, ends = [], []
    for row in level:
        first, last = runs.within(row - reach, row + reach)
        solid = close_gaps(first <= last, 60)
        start, end = span_of_pieces(solid, solid, _LEAST_WIDTH)
        starts.append(start)
        ends.append(end)
    return np.array(starts), np.array(ends)


def close_gaps(inked: NDArray[np.bool_], gap: int) -> NDArray[np.bool_]:
    """Columns of ink, and of gaps shorter than so many columns between them."""
    closed: NDArray[np.bool_] = ndimage.binary_closing(np.pad(inked, gap), np.ones(gap))[gap:-gap]
    return closed


def span_of_pieces(solid: NDArray[np.bool_], counted: NDArray[np.bool_], least: int) -> tuple[int, int]:
    """First column, and the column after the last, of the pieces with so many counted columns; 0 and 0 without any."""
    pieces, count = ndimage.label(solid)
    sizes = ndimage.sum_labels(counted, pieces, np.arange(1, count + 1))
    found = np.flatnonzero(np.isin(pieces, 1 + np.flatnonzero(sizes >= least)))
    return (int(found[0]), int(found[-1]) + 1) if len(found) else (0, 0)
