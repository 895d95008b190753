"""Follow the pen along every row of an upright page, to a fraction of a pixel.

Two ideas carry this step. Rows are followed *together*: each takes, in every column, one run of ink, joined to the one
before, as near to its slow level as may be, and not the run that another row rests on (Viterbi, 1967); so a deep S wave
finds its way through the row below. And the pen has a width: the upper edge of its ink is the curve dilated by the nib,
the lower edge the curve eroded, so moving each edge inward by the *measured* radius gives the curve exactly where it is
smooth, from above at a peak and from below at a trough, where a centroid would round both off.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from digitize.geometry.rectify import PIXELS_PER_MM
from digitize.ink.runs import Runs, find_runs
from digitize.records.traces import Traces, TraceState
from digitize.tracing.crossing import settle_crossings
from digitize.tracing.pen import NODES, fit_path
from digitize.tracing.rows import Rows, close_gaps, span_of_pieces

_AWAY = 0.003
"""Cost a pixel of distance from the row's level: a trace 33 mm away is worth one column without ink."""
_LIFTED = 1.0
"""Cost of a column without ink."""
_LAND = 3.0
"""Cost of lifting or landing the pen."""
_JUMP = 0.5
"""Cost a pixel of white between runs of neighbouring columns."""
_FAR = 25.0
"""White, in pixels, beyond which a jump costs more than its length: a worn stroke has many small gaps."""
_TAKEN = 5.0
"""Cost of a run on which another row rests, or that is part of a name."""

_GAP = 61
"""Columns of missing ink that do not end a trace."""
_LEAST_PIECE = 10 * PIXELS_PER_MM
"""Columns of ink that begin one."""

PEN_DOWN = 0.7
"""First column of a stroke before the pen's middle, less the pen's radius, where the shape of its end is not seen."""
_END_REACH = 6
"""Columns beyond a trace's end in which the end's own shape is looked at."""
_ROUND_END, _BLURRED_END = 0.87, 0.18
"""Radii beyond the nib's centre at which the ink of a stroke's round end is half as high as the stroke, and by how many
pixels, for a radius of one, a scanner's blur brings that nearer."""

_TOGETHER = 15
"""Pixels between the levels of two rows that ran together."""
_LONG = 100
"""Columns over which they do; crossing beats are shorter."""
_OWN = 8
"""Pixels from a level within which ink is a row's own."""
_MOSTLY = 0.5
"""Share of these columns in which ink beside them is nobody's, where a row lost its own."""

_STEEP = 11
"""Pixels of ink, one above the other, that make a steep stroke."""
_STROKE = 3
"""Columns beside a stroke's middle that are still the stroke's."""
_SHADE = 11
"""Columns of ink side by side that no steep stroke fills."""
_EVENLY = 0.4
"""Share of the darkest ink around that all of them have."""
_PALEST = 0.2
"""Share of the pen's coverage that they have at least: paler ink is a remnant of the grid."""

_NIB_ANGLES = 25

_LEVEL = 0.1
"""Slope (pixels a pixel) up to which the pen's thickness is measured."""

_ROUGH = 0.14
"""How rough a level stroke's edges are, in pixels, that noise has eaten at; a sharp pen's are half of that."""
_SOOTHE = 4.0
"""Width of the blur that takes the noise off such edges, as a multiple of their roughness."""
_MOST_BLUR = 1.0
"""Widest of these blurs, in pixels: a wider one closes the notch between the flanks of a beat."""

_EDGE = 0.5
"""Share of the pen's coverage at which its edge is taken."""

_BRIDGE = 15
"""Columns (60 ms at 25 mm/s) over which a hidden trace is interpolated; beyond, nothing is claimed."""


@dataclass(frozen=True, eq=False)
class PenInk:
    """Ink that a pen may have left along the rows of a page.

    Attributes
    ----------
    coverage : ndarray, shape (h, w), float32
        Share of each pixel that is ink, blurred where noise has eaten at its edges.
    rows : Rows
    runs : Runs
        Stretches of ink in every column, steep strokes as dark as level ones.
    darkness : float
        The pen's usual coverage.
    radius : float
        The pen's radius in pixels.
    """

    coverage: NDArray[np.float32]
    rows: Rows
    runs: Runs
    darkness: float
    radius: float


def find_pen_ink(coverage: NDArray[np.float32], rows: Rows, print_mask: NDArray[np.bool_] | None = None) -> PenInk:
    """Find what may be trace on a page.

    Parameters
    ----------
    coverage : ndarray, shape (h, w), float32
        Share of each pixel of the upright page that is ink.
    rows : Rows
    print_mask : ndarray, shape (h, w), bool, optional
        Text, separators and calibration pulses, which are not trace.

    Returns
    -------
    PenInk

    Examples
    --------
    >>> from digitize.tracing.rows import find_rows
    >>> page = np.zeros((400, 900), np.float32)
    >>> wave = 200 + (40 * np.sin(np.arange(900) / 30)).astype(int)
    >>> for dy in (-1, 0, 1):
    ...     page[wave + dy, np.arange(900)] = 1
    >>> find_pen_ink(page, find_rows(page)).radius
    1.5
    """
    level_of_pen = _pen_coverage(coverage, rows)
    keep = np.ones(coverage.shape, bool) if print_mask is None else ~print_mask
    keep[:, : rows.start.min()] = keep[:, rows.end.max() :] = False
    # What is solid enough to be a trace is judged by the ink as it is.
    strokes = _with_fast_strokes(coverage, level_of_pen)
    runs = find_runs(strokes, _EDGE * level_of_pen, keep)
    rough = _roughness(runs, rows)
    if rough > _ROUGH:
        width = min(_SOOTHE * rough, _MOST_BLUR)
        coverage, strokes = (
            np.asarray(cv2.GaussianBlur(ink, (0, 0), width), np.float32) for ink in (coverage, strokes)
        )
        level_of_pen = _pen_coverage(coverage, rows)
        runs = find_runs(strokes, _EDGE * level_of_pen, keep)
    radius = _pen_radius(runs, rows)
    return PenInk(coverage, _part_levels(runs, rows), runs, level_of_pen, radius)


def trace_ink(found: PenInk, names: NDArray[np.float64]) -> Traces:
    """Trace every row through a pen's ink.

    Parameters
    ----------
    found : PenInk
    names : ndarray, shape (n, 4), float64
        Boxes ``(x0, y0, x1, y1)`` of lead names that traces may touch: ink that ends inside one is avoided.

    Returns
    -------
    Traces

    Examples
    --------
    >>> from digitize.tracing.rows import find_rows
    >>> page = np.zeros((400, 900), np.float32)
    >>> wave = 200 + (40 * np.sin(np.arange(900) / 30)).astype(int)
    >>> for dy in (-1, 0, 1):
    ...     page[wave + dy, np.arange(900)] = 1
    >>> traces = trace_ink(find_pen_ink(page, find_rows(page)), np.zeros((0, 4)))
    >>> bool(np.nanmax(np.abs(traces.centre[0] - wave)) < 1.5)
    True
    """
    coverage, rows, runs, radius = found.coverage, found.rows, found.runs, found.radius
    chosen = _follow(runs, rows, radius, names)
    columns = np.arange(len(runs.count))
    top = np.where(chosen >= 0, runs.top[columns, np.maximum(chosen, 0)], np.nan)
    bottom = np.where(chosen >= 0, runs.bottom[columns, np.maximum(chosen, 0)], np.nan)
    ink = top.copy(), bottom.copy()
    shared = _resolve_shared(chosen, top, bottom, rows.level, radius)
    top, bottom = settle_crossings(chosen, ink, (top, bottom), radius)
    centre = np.stack([_centre_line(t, b, s, radius) for t, b, s in zip(top, bottom, shared, strict=True)])
    state = np.where(shared, np.uint8(TraceState.SHARED), np.uint8(TraceState.SEEN))
    start, end = _extents(_solid(coverage, centre, chosen >= 0, found.darkness))
    for row in range(len(centre)):
        centre[row, : start[row]] = centre[row, end[row] :] = np.nan
        _bridge(centre[row], state[row])
    state[~np.isfinite(centre)] = TraceState.UNKNOWN
    between = np.full_like(centre, np.nan)
    for row in np.flatnonzero(np.isfinite(centre).any(axis=1)).tolist():
        here = slice(start[row], end[row])
        hidden = ~np.isfinite(centre[row, here])
        path = fit_path(top[row, here], bottom[row, here], centre[row, here], radius)
        path[::NODES][hidden] = np.nan
        path[1::NODES][hidden[1:] | hidden[:-1]] = np.nan
        centre[row, here] = path[::NODES]
        between[row, start[row] : end[row] - 1] = path[1::NODES]
    left, right = _ends(coverage, centre, start, end, radius)
    return Traces(
        centre.astype(np.float32),
        between.astype(np.float32),
        state,
        start,
        end,
        left,
        right,
        radius,
        np.stack(ink).astype(np.float32),
    )


def touch_names(traces: Traces, names: NDArray[np.float64]) -> bool:
    """Whether a trace follows ink that ends inside a name: if none does, to trace with these names changes nothing.

    `trace_ink` only makes such ink dearer, and a cheapest path stays the cheapest when others become dearer.

    Parameters
    ----------
    traces : Traces
        Traced without names.
    names : ndarray, shape (n, 4), float64
        Boxes ``(x0, y0, x1, y1)``.

    Returns
    -------
    bool

    Examples
    --------
    >>> from digitize.tracing.rows import find_rows
    >>> page = np.zeros((400, 900), np.float32)
    >>> wave = 200 + (40 * np.sin(np.arange(900) / 30)).astype(int)
    >>> for dy in (-1, 0, 1):
    ...     page[wave + dy, np.arange(900)] = 1
    >>> traces = trace_ink(find_pen_ink(page, find_rows(page)), np.zeros((0, 4)))
    >>> [touch_names(traces, np.array([[300.0, y, 340.0, y + 50.0]])) for y in (60, 150)]
    [False, True]
    """
    return any(_letters(traces.ink[0], traces.ink[1], name)[1].any() for name in names)


def erase_traces(coverage: NDArray[np.float32], traces: Traces) -> NDArray[np.float32]:
    """Ink without the traces: print, whole again where a trace only touched it.

    Parameters
    ----------
    coverage : ndarray, shape (h, w), float32
    traces : Traces
        Traces of that page.

    Returns
    -------
    ndarray, shape (h, w), float32

    Examples
    --------
    >>> page = np.ones((40, 60), np.float32)
    >>> centre = np.full((1, 60), 20, np.float32)
    >>> ends = np.array([0]), np.array([60]), np.array([0.0]), np.array([59.0])
    >>> seen, ink = np.full((1, 60), TraceState.SEEN, np.uint8), np.stack([centre, centre])
    >>> left = erase_traces(page, Traces(centre, centre, seen, *ends, 1.5, ink))
    >>> float(left[20].max()), float(left[:15].min())
    (0.0, 1.0)
    """
    drawn = np.zeros(coverage.shape, np.uint8)
    thickness = round(2 * traces.radius) + 3
    for centre in traces.centre:
        known = np.isfinite(centre)
        breaks = np.flatnonzero(np.diff(known.astype(np.int8), prepend=0, append=0))
        for first, last in zip(breaks[::2], breaks[1::2], strict=True):
            points = np.stack([np.arange(first, last), np.rint(centre[first:last])], axis=1).astype(np.int32)
            cv2.polylines(drawn, [points.reshape(-1, 1, 2)], False, 1, thickness)
    return np.where(drawn > 0, np.float32(0.0), coverage)


def _solid(
    coverage: NDArray[np.float32], centre: NDArray[np.float64], inked: NDArray[np.bool_], level_of_pen: float
) -> NDArray[np.bool_]:
    """Where a row follows the pen and not specks and remnants of the grid, which are pale or broken."""
    row = np.where(np.isfinite(centre), np.rint(centre), 0).astype(int)
    dark = coverage[np.clip(row, 0, len(coverage) - 1), np.arange(coverage.shape[1])] > 0.7 * level_of_pen
    often: NDArray[np.bool_] = ndimage.uniform_filter1d((dark & inked).astype(float), _GAP, axis=1) > 0.4
    return inked & often


def _extents(inked: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First column, and column after the last, of the solid part of each row; specks before and after do not count."""
    starts, ends = np.zeros(len(inked), np.int64), np.zeros(len(inked), np.int64)
    for row, known in enumerate(inked):
        starts[row], ends[row] = span_of_pieces(close_gaps(known, _GAP), known, _LEAST_PIECE)
    followed = ends > starts
    starts[followed] = _agree(starts[followed], outward=-1)
    ends[followed] = _agree(ends[followed], outward=1)
    return starts, ends


def unseen_end(side: NDArray[np.int64], outward: int, radius: float) -> NDArray[np.float64]:
    """Tell where the pen's centre came down or was lifted, where the shape of the stroke's end is not seen.

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


def _ends(
    coverage: NDArray[np.float32],
    centre: NDArray[np.float64],
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    radius: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where the pen's centre came down and was lifted in each row (x).

    The ink of a round end is half as high as the stroke 0.87 radii beyond the nib's centre; of a thin one less.
    """
    found = []
    for side, outward in ((start, -1), (end - 1, 1)):
        own = unseen_end(side, outward, radius)
        for row in np.flatnonzero(end > start):
            columns = side[row] + outward * np.arange(-1, _END_REACH + 1)
            level = centre[row, columns[1]]
            if columns.min() < 0 or columns.max() >= coverage.shape[1] or not np.isfinite(level):
                continue
            reach = int(np.ceil(2 * radius)) + 2
            y = np.clip(round(level) + np.arange(-reach, reach + 1), 0, len(coverage) - 1)
            height = coverage[y[:, None], columns].sum(axis=0)
            low = np.flatnonzero(height < radius)
            # Ink that goes on, as a pulse's foot does, ends where the trace was found to end.
            if len(low) and low[0] > 0 and height[low[0] :][:3].min() < 0.3 * radius:
                high, after = height[low[0] - 1], height[low[0]]
                edge = columns[low[0] - 1] + outward * (high - radius) / (high - after)
                own[row] = edge - outward * (_ROUND_END * radius - _BLURRED_END / radius)
        found.append(own)
    return found[0], found[1]


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


def _pen_coverage(coverage: NDArray[np.float32], rows: Rows) -> float:
    """Coverage at the middle of a level stroke: below 1 where the pen is thinner than the scanner's pixel."""
    peaks = []
    width = coverage.shape[1]
    for level, start, end in zip(rows.level, rows.start, rows.end, strict=True):
        columns = np.arange(max(start, 0), min(end, width), 3)
        around = np.rint(level[columns]).astype(int)[:, None] + np.arange(-8, 9)
        peaks.append(coverage[np.clip(around, 0, len(coverage) - 1), columns[:, None]].max(axis=1))
    return float(np.clip(np.median(np.concatenate(peaks)), 0.3, 1.0))


def _with_fast_strokes(coverage: NDArray[np.float32], level_of_pen: float) -> NDArray[np.float32]:
    """Coverage with steep strokes as dark as level ones: a pen that moves fast leaves less ink."""
    # Bytes are a few times faster than floats, and finer than a scanner's noise.
    evened = cv2.blur(cv2.convertScaleAbs(coverage, alpha=255.0), (1, _STEEP // 2))
    upright = cv2.morphologyEx(evened, cv2.MORPH_OPEN, np.ones((_STEEP, 1), np.uint8))
    # A stroke's edges are as pale as a fast stroke; how dark its middle is tells them apart.
    darkest = cv2.dilate(evened, np.ones((_STEEP, 2 * _STROKE + 1), np.uint8))
    upright = cv2.dilate(upright, np.ones((1, 2 * _STROKE + 1), np.uint8))
    pale = darkest < 255.0 * level_of_pen
    # Shade of a crease is as pale, but wide.
    shade = cv2.morphologyEx(evened, cv2.MORPH_OPEN, np.ones((1, _SHADE), np.uint8))
    share = cv2.convertScaleAbs(darkest, alpha=_EVENLY)
    steep = np.flatnonzero(pale & (upright > share) & (upright > 255.0 * _PALEST * level_of_pen) & (shade < share))
    darker = coverage.copy()
    dark = np.take(darkest, steep) / np.float32(255.0 * level_of_pen)
    np.put(darker, steep, np.minimum(np.take(coverage, steep) / dark, 1.0))
    return darker


def _resting_ink(runs: Runs, rows: Rows) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Middle and height, column by column, of the runs on which each row rests; NaN where it does not."""
    every_column = np.arange(len(runs.count))
    centre = (runs.top + runs.bottom) / 2
    for level in rows.level:
        off = np.where(np.isfinite(centre), np.abs(centre - level[:, None]), np.inf)
        nearest = off.argmin(axis=1)
        resting = off[every_column, nearest] < 0.4 * PIXELS_PER_MM
        height = (runs.bottom - runs.top)[every_column, nearest]
        yield np.where(resting, centre[every_column, nearest], np.nan), np.where(resting, height, np.nan)


def _roughness(runs: Runs, rows: Rows) -> float:
    """How much the thickness of level strokes changes from column to column by chance, in pixels.

    A heart moves both edges of a stroke alike; noise moves each by itself.
    """
    changes = []
    for path, height in _resting_ink(runs, rows):
        change = height[1:-1] - (height[:-2] + height[2:]) / 2
        changes.append(change[(np.abs(path[2:] - path[:-2]) / 2 < _LEVEL) & np.isfinite(change)])
    every = np.abs(np.concatenate(changes))
    # 1.48 medians are a standard deviation, and two thirds of the variance are the column's own.
    return float(1.48 * np.median(every) / np.sqrt(1.5)) if len(every) else 0.0


def _pen_radius(runs: Runs, rows: Rows) -> float:
    """Half the thickness of the runs on which rows rest, across the stroke, where it runs straight and nearly level."""
    thickness = []
    for path, height in _resting_ink(runs, rows):
        slope, within = (path[4:] - path[:-4]) / 4, (path[3:-1] - path[1:-3]) / 2
        straight = np.flatnonzero((np.abs(slope) < _LEVEL) & (np.abs(slope - within) < 0.15))
        thickness.append(height[straight + 2] / np.hypot(1.0, slope[straight]))
    every = np.concatenate(thickness)
    every = every[np.isfinite(every)]
    # The lower part: a trembling stroke is thicker than the pen, and too wide a nib costs more than too thin.
    return float(np.percentile(every, 25) / 2) if len(every) else 1.5


def _part_levels(runs: Runs, rows: Rows) -> Rows:
    """Rows whose levels ran together for a while apart again, where ink beside them is nobody's.

    A level that wander took out of the order of rows is carried on straight, and may end on the next row's.
    """
    level = rows.level.copy()
    middle = (runs.top + runs.bottom) / 2
    thin = np.isfinite(middle) & (runs.bottom - runs.top < 0.8 * PIXELS_PER_MM)
    with np.errstate(invalid="ignore"):
        owned: NDArray[np.bool_] = np.any([np.abs(middle - own[:, None]) < _OWN for own in rows.level], axis=0)
    for upper in range(len(level) - 1):
        together = ndimage.binary_opening(np.abs(rows.level[upper + 1] - rows.level[upper]) < _TOGETHER, np.ones(_LONG))
        pieces, _ = ndimage.label(together)
        for (piece,) in ndimage.find_objects(pieces):
            above = level[upper - 1, piece] if upper else np.full(piece.stop - piece.start, -np.inf)
            below = level[upper + 2, piece] if upper + 2 < len(level) else np.full(piece.stop - piece.start, np.inf)
            free = thin[piece] & ~owned[piece] & (middle[piece] > above[:, None]) & (middle[piece] < below[:, None])
            inked = np.flatnonzero(free.any(axis=1))
            if len(inked) < _MOSTLY * (piece.stop - piece.start):
                continue
            apart = np.where(free, np.abs(middle[piece] - level[upper, piece][:, None]), np.inf)[inked]
            path = middle[piece][inked, apart.argmin(axis=1)]
            usual = float(np.median(path - level[upper, piece][inked]))
            slow = ndimage.median_filter(path, size=min(_LONG // 2 + 1, len(path)), mode="nearest")
            moved = upper if usual < 0 else upper + 1
            level[moved, piece] = np.interp(np.arange(piece.stop - piece.start), inked, slow)
    return Rows(level, rows.start, rows.end)


def _follow(runs: Runs, rows: Rows, radius: float, names: NDArray[np.float64]) -> NDArray[np.int64]:
    """For every row and column the run it takes, -1 where the pen is lifted, shape (rows, w)."""
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
        columns, letter = _letters(top.T, bottom.T, name)
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


def _letters(
    top: NDArray[np.floating], bottom: NDArray[np.floating], name: NDArray[np.float64]
) -> tuple[slice, NDArray[np.bool_]]:
    """Columns of a name's box, and which runs in them, shape (n, columns) of (n, w), end inside it."""
    x0, y0, x1, y1 = name
    columns = slice(max(0, int(x0)), int(x1) + 1)
    with np.errstate(invalid="ignore"):
        return columns, (top[:, columns] >= y0) & (bottom[:, columns] <= y1)


def _resolve_shared(
    chosen: NDArray[np.int64],
    top: NDArray[np.float64],
    bottom: NDArray[np.float64],
    level: NDArray[np.float32],
    radius: float,
) -> NDArray[np.bool_]:
    """Divide runs that several rows took among them, in place; returns where a row shared, shape (rows, w).

    A row that the run passes on both sides is crossed by another's beat: it is hidden there. Of two rows that a run
    joins without passing either, the one whose ink was already stretching beside the crossing moved.
    """
    n_rows, width = chosen.shape
    shared = np.zeros((n_rows, width), bool)
    for upper in range(n_rows):
        for lower in range(upper + 1, n_rows):
            same = (chosen[upper] == chosen[lower]) & (chosen[upper] >= 0)
            if not same.any():
                continue
            shared[upper] |= same
            shared[lower] |= same
    height = bottom - top
    new_top, new_bottom = top.copy(), bottom.copy()
    for row in range(n_rows):
        pieces, _ = ndimage.label(shared[row])
        for piece in ndimage.find_objects(pieces):
            a, b = piece[0].start, piece[0].stop
            rest = _resting_level(top[row], bottom[row], shared[row], a, b, level[row])
            beside = _reach_beside(height[row], shared[row], a, b)
            for x in range(a, b):
                others = [m for m in range(n_rows) if m != row and chosen[m, x] == chosen[row, x]]
                above = rest - top[row, x]
                below = bottom[row, x] - rest
                margin = 3 * radius + 2
                if above > margin and below > margin:
                    new_top[row, x] = new_bottom[row, x] = np.nan
                    continue
                rivals = [_reach_beside(height[m], shared[m], a, b) for m in others]
                if (above > margin or below > margin) and beside < 0.5 * max(rivals, default=0.0):
                    new_top[row, x] = new_bottom[row, x] = np.nan
                elif rivals and max(rivals) > 0.5 * beside and not _passes(others, level, top, bottom, row, x, margin):
                    # Both moved, toward each other: the border lies between.
                    middle = (top[row, x] + bottom[row, x]) / 2
                    if above > margin:
                        new_top[row, x] = middle
                    if below > margin:
                        new_bottom[row, x] = middle
    top[:], bottom[:] = new_top, new_bottom
    return shared


def _resting_level(
    top: NDArray[np.float64],
    bottom: NDArray[np.float64],
    shared: NDArray[np.bool_],
    start: int,
    stop: int,
    level: NDArray[np.float32],
) -> float:
    """Level of a row around a crossing: the middle of its own ink within 12 columns on either side."""
    beside = np.r_[max(0, start - 12) : start, stop : min(len(top), stop + 12)]
    own = beside[~shared[beside] & np.isfinite(top[beside])]
    if len(own) == 0:
        return float(level[start])
    return float(np.median((top[own] + bottom[own]) / 2))


def _reach_beside(height: NDArray[np.float64], shared: NDArray[np.bool_], start: int, stop: int) -> float:
    """Longest run a row has of its own within 3 columns of a crossing."""
    beside = np.r_[max(0, start - 3) : start, stop : min(len(height), stop + 3)]
    own = height[beside][~shared[beside] & np.isfinite(height[beside])]
    return float(own.max()) if len(own) else 0.0


def _passes(
    others: list[int],
    level: NDArray[np.float32],
    top: NDArray[np.float64],
    bottom: NDArray[np.float64],
    row: int,
    x: int,
    margin: float,
) -> bool:
    """Whether the run goes beyond one of the other rows, so that it is this row's stroke."""
    return any(top[row, x] < level[m, x] - margin and bottom[row, x] > level[m, x] + margin for m in others)


def _centre_line(
    top: NDArray[np.float64], bottom: NDArray[np.float64], shared: NDArray[np.bool_], radius: float
) -> NDArray[np.float64]:
    """The pen's centre from the edges of its ink (a morphological closing and opening by the nib)."""
    columns = np.arange(len(top), dtype=np.float64)
    from_top = np.full(len(top), -np.inf)
    from_bottom = np.full(len(top), np.inf)
    # Around the nib in equal angles: on a steep stroke it is its side that draws, a whole radius away.
    for angle in np.linspace(-np.pi / 2, np.pi / 2, _NIB_ANGLES):
        at, depth = columns + radius * np.sin(angle), radius * np.cos(angle)
        left = np.floor(at).astype(int)
        part = at - left
        inside = (left >= 0) & (left + 1 < len(top))
        left = np.where(inside, left, 0)
        upper = np.where(inside, top[left] * (1 - part) + top[np.minimum(left + 1, len(top) - 1)] * part, np.nan)
        lower = np.where(inside, bottom[left] * (1 - part) + bottom[np.minimum(left + 1, len(top) - 1)] * part, np.nan)
        np.fmax(from_top, upper + depth, out=from_top)
        np.fmin(from_bottom, lower - depth, out=from_bottom)
    known = np.isfinite(top)
    # At a tip the nib's own end draws the edge, however steep the sides: there a radius a little too large cuts off
    # nothing.
    peak = top <= ndimage.minimum_filter1d(np.where(np.isfinite(top), top, np.inf), 5)
    trough = bottom >= ndimage.maximum_filter1d(np.where(np.isfinite(bottom), bottom, -np.inf), 5)
    peak &= ~shared
    trough &= ~shared
    from_top[peak] = np.minimum(from_top[peak], top[peak] + radius)
    from_bottom[trough] = np.maximum(from_bottom[trough], bottom[trough] - radius)
    known &= np.isfinite(from_top) & np.isfinite(from_bottom)
    middle = np.full(len(top), np.nan)
    middle[known] = (from_top[known] + from_bottom[known]) / 2
    apart = known.copy()
    apart[known] = from_bottom[known] - from_top[known] > 1.0
    # A narrow peak stands out on the upper edge, a trough on the lower; between two of them the stroke is half-way.
    around = 2 * int(np.ceil(2 * radius + 3)) + 1
    up = ndimage.maximum_filter1d(np.where(known, top, -np.inf), around) - top
    down = bottom - ndimage.minimum_filter1d(np.where(known, bottom, np.inf), around)
    up, down = np.maximum(up[apart], 0.0) ** 2 + 1e-3, np.maximum(down[apart], 0.0) ** 2 + 1e-3
    middle[apart] = (from_top[apart] * up + from_bottom[apart] * down) / (up + down)
    return middle


def _bridge(centre: NDArray[np.float64], state: NDArray[np.uint8]) -> None:
    """Interpolate short gaps, in place."""
    known = np.flatnonzero(np.isfinite(centre))
    if len(known) < 2:
        return
    gaps = np.flatnonzero((np.diff(known) > 1) & (np.diff(known) <= _BRIDGE))
    for gap in gaps:
        a, b = known[gap], known[gap + 1]
        centre[a : b + 1] = np.linspace(centre[a], centre[b], b - a + 1)
        state[a + 1 : b] = TraceState.BRIDGED
