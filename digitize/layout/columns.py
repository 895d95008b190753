"""Where the strips of a page begin and end: the time of every first sample.

Four things know it, and each is blind somewhere. The pen comes down at a row's beginning and is lifted at its end, but
a calibration pulse may lead straight into the trace, paper may be cut, and nobody knows the shape of the pen's end.
Bars stand at the borders. And electrocardiographs print whole half seconds: where that tells the length of a row, its
middle tells the beginning: whatever the pen's ends look like, they look alike on either side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitize.records.symbols import Pulse, Symbols
from digitize.records.traces import Traces, TraceState
from digitize.records.upright import PIXELS_PER_MM
from digitize.tracing.ends import PEN_DOWN
from digitize.tracing.symbols import FOOT, HALF_SECOND, split_pulses

_TOGETHER = 4 * PIXELS_PER_MM
"""Rows that begin no farther apart than this begin together: one that strays was cut by print or worn ink."""
_LATE = 15.0 * PIXELS_PER_MM
"""Rows that begin so much later than others did not begin there: no pulse that passes for trace is as wide."""
_JOINED = 0.8 * PIXELS_PER_MM
"""Farthest that a trace which goes on from a pulse's flank seems to begin beside it."""
_BESIDE_FOOT = 4
"""Pixels above and below a pulse's foot in which its line runs."""
_INK, _JOINED_INK = 0.4, 0.9
"""Least coverage of ink, and share of the columns from a pulse to the trace that hold it where a foot joins them."""
_MOST_SNAP = (0.006, 0.015)
"""How far from a whole number of half seconds the columns of a whole page, and of one cut short, may be."""
_WHOLE = 0.015
"""How much longer than its rows a page's columns may be together and still be whole."""
_NEAR_BAR = 4 * PIXELS_PER_MM
"""Farthest that a bar stands from the border that it marks."""
_AGREE = 0.5 * PIXELS_PER_MM
"""Farthest apart that a row's beginning, its end and its bars put the first sample to be averaged."""
_BESIDE_BORDER = 10 * PIXELS_PER_MM
"""How far from a border white between two strips is looked for."""
_LEAST_GAP, _LEAST_BESIDE_BAR = 0.5 * PIXELS_PER_MM, 2.0 * PIXELS_PER_MM
"""Narrowest white that parts strips; where bars stand, which hide the traces, it is wider."""
_OFF = 0.6 * PIXELS_PER_MM
"""By how much the last strip's beginning must depart from where the white before it ends for the white to be asked."""
_OFTEN = 0.6
"""Share of the borders at which strips that are parted show white."""
_ON_ROW = 3 * PIXELS_PER_MM
"""Farthest that the middle of a name that stands in the gap before its strip is from the row's level."""
_NARROWER, _WIDER = 0.2 * PIXELS_PER_MM, 8 * PIXELS_PER_MM
"""By how much gaps may be narrower than measured, and wider, where a name that was not found fills a part of them."""
_NAME_TO_STRIP = 4 * PIXELS_PER_MM
"""Farthest that a strip begins after a name that stands before it."""
_SAMPLES, _LAST_SAMPLE = 5000, 0.05 * PIXELS_PER_MM
"""A row of 10 s has so many samples, at 500 Hz, and ends at the last one, not where the next would stand; that is 2 ms
at 25 mm/s."""


@dataclass(frozen=True, eq=False)
class Ends:
    """Where rows begin and end.

    Attributes
    ----------
    left, right : ndarray, shape (rows,), float64
        First and last sample of every row (x): the pen's middle at its ends, or the flank of a calibration pulse.
    sure_left, sure_right : ndarray, shape (rows,), bool
        False where a pulse leads into the trace: the row begins or ends at its flank, or up to a foot's length away.
    """

    left: NDArray[np.float64]
    right: NDArray[np.float64]
    sure_left: NDArray[np.bool_]
    sure_right: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class White:
    """White between the strips of a row.

    Attributes
    ----------
    width : float
        Pixels, 0 where the strips touch.
    begins : ndarray, shape (columns - 1,), float64
        Where the strip after each white begins (x), NaN where no row shows it; empty where the strips touch.
    """

    width: float
    begins: NDArray[np.float64]


NO_WHITE = White(0.0, np.zeros(0))
"""Strips touch."""


def row_ends(traces: Traces, symbols: Symbols, coverage: NDArray[np.float32]) -> Ends:
    """Find where the rows begin and end.

    Parameters
    ----------
    traces : Traces
    symbols : Symbols
    coverage : ndarray, shape (h, w), float32
        Share of each pixel of the upright page that is ink.

    Returns
    -------
    Ends

    Examples
    --------
    >>> nothing = np.zeros((2, 900), np.float32)
    >>> ends = np.array([50, 50]), np.array([850, 850]), np.array([50.0, 52.0]), np.array([849.0, 849.0])
    >>> unknown, no_marks = np.zeros((2, 900), np.uint8), Symbols((), (), nothing > 0)
    >>> found = row_ends(Traces(nothing, nothing, unknown, *ends, 1.5, nothing), no_marks, nothing)
    >>> found.left.tolist(), found.right.tolist()
    ([51.0, 51.0], [849.0, 849.0])
    """
    left, right = traces.left.copy(), traces.right.copy()
    middle = float(np.median((left + right) / 2))
    before, after = split_pulses(symbols.pulses, middle)
    flanks_of = [pulse.right for pulse in before], [pulse.left for pulse in after]
    late = _begins_late(left)
    sure = []
    sides = (left, before, flanks_of[0], ~late), (right, after, flanks_of[1], np.ones_like(late))
    for ends, pulses, flanks, whole in sides:
        free = np.ones(len(ends), bool)
        usual = float(np.median(ends[whole]))
        if flanks:
            joined = _feet_lead_to(usual, pulses, flanks, coverage)
            free = (np.abs(ends - float(np.median(flanks))) >= _JOINED) & (not joined)
        # The trace goes on from the pulse's flank, unless white parts them.
        if flanks and abs(usual - float(np.median(flanks))) < _JOINED:
            usual = float(np.median(flanks))
        near = np.abs(ends - usual) < _TOGETHER
        if free[near].sum() * 2 >= near.sum() and free[near].any():
            usual, free[near] = float(np.median(ends[near & free])), True
        else:
            free[near] = False
        ends[near] = usual
        sure.append(free)
    # What lies before the trace of a row that begins late is hidden.
    left[late], sure[0][late] = float(np.median(left[~late])), True
    return Ends(left, right, *sure)


def _feet_lead_to(x: float, pulses: Sequence[Pulse], flanks: Sequence[float], coverage: NDArray[np.float32]) -> bool:
    """Whether ink runs at the foot of most pulses from the flank as far as x."""
    joined = []
    for pulse, flank in zip(pulses, flanks, strict=True):
        foot = round(pulse.foot)
        near = slice(max(0, foot - _BESIDE_FOOT), foot + _BESIDE_FOOT + 1)
        between = coverage[near, round(min(flank, x)) : round(max(flank, x)) + 1]
        joined.append(bool((between.max(axis=0) > _INK).mean() > _JOINED_INK) if between.size else True)
    return 2 * sum(joined) > len(joined)


def _begins_late(left: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which rows begin far behind those that most begin with, or as many: tape, a hole or a torn corner hides them."""
    together = np.abs(left[:, None] - left) < _TOGETHER
    count = together.sum(axis=1)
    if count.max(initial=0) < max(2, len(left) / 3):
        return np.zeros(len(left), bool)
    return np.asarray(left > left[count == count.max()].min() + _LATE)


def past_names(ends: Ends, traces: Traces, names: NDArray[np.float64], level: NDArray[np.float64]) -> Ends:
    """Let rows begin after the names that stand before them, which look like the first piece of a trace.

    Parameters
    ----------
    ends : Ends
    traces : Traces
    names : ndarray, shape (n, 4)
        Boxes ``(x0, y0, x1, y1)`` of lead names.
    level : ndarray, shape (rows,)
        0 mV of the rows (y).

    Returns
    -------
    Ends

    Examples
    --------
    >>> level, state = np.full((1, 1000), 100, np.float32), np.full((1, 1000), TraceState.SEEN, np.uint8)
    >>> state[0, 60:72] = TraceState.UNKNOWN
    >>> at = np.array([20]), np.array([999]), np.array([20.0]), np.array([999.0])
    >>> traces, sure = Traces(level, level, state, *at, 1.5, level), np.ones(1, bool)
    >>> found = past_names(Ends(*at[2:], sure, sure), traces, np.array([[20, 90, 62, 115.0]]), np.array([100.0]))
    >>> round(float(found.left[0]), 1), bool(found.sure_left[0])
    (72.8, True)
    """
    begins = ends.left.copy()
    for row, left in enumerate(ends.left):
        own = names[np.abs((names[:, 1] + names[:, 3]) / 2 - level[row]) < _ON_ROW]
        own = own[(own[:, 0] < left + FOOT) & (own[:, 2] > left)]
        after = int(own[:, 2].max()) if len(own) else 0
        hidden = traces.state[row, after : after + _NAME_TO_STRIP] <= TraceState.BRIDGED
        white = np.flatnonzero(hidden)
        drawn = np.flatnonzero(~hidden[white[0] :]) if len(white) and len(own) else white[:0]
        if len(drawn):
            begins[row] = after + white[0] + drawn[0] + traces.radius - PEN_DOWN
    usual = float(np.median(begins))
    if np.mean(np.abs(begins - usual) < _AGREE) < 0.5:
        return ends
    moved = ends.left < usual - _AGREE
    return Ends(np.where(moved, usual, ends.left), ends.right, ends.sure_left | moved, ends.sure_right)


def white_between(
    traces: Traces,
    left: NDArray[np.float64],
    pitch: NDArray[np.float64],
    columns_of: list[int],
    names: NDArray[np.float64],
    level: NDArray[np.float64],
    barred: bool,
) -> White:
    """Measure the white between neighboring strips of a row.

    Parameters
    ----------
    traces : Traces
    left : ndarray, shape (rows,)
        First sample of every row (x).
    pitch : ndarray, shape (rows,)
        Distance of its columns' beginnings.
    columns_of : list of int
        Number of columns of each of the first rows.
    names : ndarray, shape (n, 4)
        Boxes ``(x0, y0, x1, y1)`` of lead names: one that stands before its strip, in the row, is part of the gap.
    level : ndarray, shape (rows,)
        0 mV of the rows (y).
    barred : bool
        Whether bars stand between the columns.

    Returns
    -------
    White
        Of no width where the strips touch.

    Examples
    --------
    >>> level, state = np.zeros((1, 1000), np.float32), np.full((1, 1000), TraceState.SEEN, np.uint8)
    >>> state[0, 480:520] = TraceState.UNKNOWN
    >>> ends = np.array([0]), np.array([1000]), np.array([0.0]), np.array([999.0])
    >>> traces, nothing = Traces(level, level, state, *ends, 1.5, level), np.zeros((0, 4))
    >>> white_between(traces, np.zeros(1), np.array([520.0]), [2], nothing, np.zeros(1), False).width
    43.0
    """
    plain, named = [], []
    for row, n_columns in enumerate(columns_of):
        hidden = traces.state[row] <= TraceState.BRIDGED
        hidden[traces.end[row] :] = False
        without = hidden.copy()
        own = names[np.abs((names[:, 1] + names[:, 3]) / 2 - level[row]) < _ON_ROW]
        for x0, _, x1, _ in own:
            a, b = max(0, int(x0) - 1), int(x1) + 1
            # A name that is printed over its strip has trace on both sides.
            without[a:b] |= bool(hidden[max(0, a - 5) : a].any() and hidden[b : b + 15].any())
        for column in range(1, n_columns):
            border = left[row] + pitch[row] * column
            window = slice(max(0, int(border - _BESIDE_BORDER)), int(border + _BESIDE_BORDER))
            plain.append((column, *_widest(hidden, window)))
            if without[window].sum() > hidden[window].sum():
                named.append((column, *_widest(without, window)))
    columns, first, after = np.array(named if 2 * len(named) >= len(plain) else plain, int).reshape(-1, 3).T
    white = after - first >= (_LEAST_BESIDE_BAR if barred else _LEAST_GAP)
    if not len(white) or white.mean() < _OFTEN:
        return NO_WHITE
    at = [after[white & (columns == column)] for column in range(1, columns.max() + 1)]
    begins = np.array([np.median(ends) if len(ends) else np.nan for ends in at])
    # The pen's round ends reach into the gap.
    return White(float(np.median(after - first)) + 2 * traces.radius, begins + traces.radius - PEN_DOWN)


def _widest(hidden: NDArray[np.bool_], window: slice) -> tuple[int, int]:
    """Begin and end of the widest white that reaches into a window."""
    pieces = np.flatnonzero(np.diff(hidden.astype(int), prepend=0, append=0)).reshape(-1, 2)
    inside = [(int(a), int(b)) for a, b in pieces if a < window.stop and b > window.start]
    return max(inside, key=lambda piece: piece[1] - piece[0], default=(0, 0))


def strip_edges(
    ends: Ends,
    row: int,
    columns: int,
    pitch: float | None,
    white: White,
    bars: NDArray[np.float64],
    usual: float = 0.0,
    missing: float = 0.0,
) -> list[tuple[float, float]]:
    """Find where the strips of a row begin and end.

    Parameters
    ----------
    ends : Ends
    row : int
    columns : int
        Number of the row's strips.
    pitch : float or None
        How far apart names stand; None where they do not tell.
    white : White
        Between the strips, about.
    bars : ndarray, shape (k,)
        Separators (x).
    usual : float
        Length of a row without gaps that is likely, where names that could not be read may hide a part of them.
    missing : float
        How much of the row is cut off before it.

    Returns
    -------
    list of (float, float)
        First sample and end of each strip (x).

    Examples
    --------
    >>> sure = np.ones(1, bool)
    >>> ends = Ends(np.array([100.2]), np.array([2599.3]), sure, sure)
    >>> [(round(a, 2), round(b, 2)) for a, b in strip_edges(ends, 0, 2, None, NO_WHITE, np.zeros(0))]
    [(100.0, 1350.0), (1350.0, 2600.0)]
    """
    shown, right = float(ends.left[row]), float(ends.right[row])
    left, sure_left = shown - missing, bool(ends.sure_left[row]) and not missing
    right += max(_LAST_SAMPLE, (right - left) / _SAMPLES)
    gap = white.width if columns > 1 else 0.0
    length = right - left - gap * (columns - 1)
    cut_short = pitch is not None and bool(abs((columns * pitch - gap) / (right - left) - 1) > _WHOLE)
    if pitch is not None and cut_short:
        length = columns * (pitch - gap)
    whole = _whole_length(length, cut_short, sure_left, bool(ends.sure_right[row]))
    if gap and not cut_short:
        if -_NARROWER < (right - left - usual) / (columns - 1) - gap < _WIDER:
            whole = usual
        if whole is not None and sure_left and ends.sure_right[row]:
            # The strips' length is known exactly: what is left over is white.
            gap = (right - left - whole) / (columns - 1)
    step = (whole if whole is not None else length) / columns + gap
    between = _step_between(white.begins[: columns - 1], np.nan)
    if whole is not None and not sure_left and abs(between - step) < _NARROWER:
        # Where the beginning is not sure, white is best measured from strip to strip.
        step, gap = between, between - whole / columns
    known, at = [0.0] * sure_left, [left] * sure_left
    at_bars = bars if not gap else bars + gap
    seen = _step_between(white.begins[: columns - 1], left)
    # Names stand as far apart as their strips begin: they tell strips of a whole length from others.
    if pitch is not None and abs(seen - step) * (columns - 1) > _OFF and abs(seen - pitch) < abs(step - pitch):
        whole, step, gap, at_bars = None, seen, white.width, white.begins
    for index in range(1, columns):
        near = at_bars[np.abs(at_bars - left - step * index) < _NEAR_BAR]
        if len(near):
            known.append(float(index))
            at.append(float(np.median(near)))
    if whole is None and len(known) > 2:
        step = float(np.polyfit(known, at, 1)[0])
    firsts = [x - step * index for index, x in zip(known, at, strict=True)]
    if whole is not None and not cut_short and ends.sure_right[row]:
        firsts.append(right - whole - gap * (columns - 1))
        # A pulse without a foot ends where the first sample stands.
        if not sure_left and not missing and abs(left - firsts[-1]) < _AGREE:
            firsts.append(left)
    first = _first_of(firsts, left)
    begins = [first + step * index for index in range(columns)]
    strips = [(begin, begin + step - gap) for begin in begins]
    if cut_short:
        strips[-1] = strips[-1][0], min(strips[-1][1], right)
    # Of what the picture's edge or tape hides the time is known; strips of which nothing is shown are none.
    return [(begin, end) if end > shown else (shown, shown) for begin, end in strips]


def _step_between(begins: NDArray[np.float64], left: float) -> float:
    """Distance at which strips begin by the white between them, NaN where that does not tell."""
    at = np.r_[left, begins]
    known = np.flatnonzero(np.isfinite(at))
    if len(known) < 2:
        return np.nan
    # A pulse's foot may lead into the first strip.
    known = known[1:] if len(known) > 2 else known
    step, first = np.polyfit(known, at[known], 1)
    return float(step) if np.abs(at[known] - first - step * known).max() < _AGREE else np.nan


def begin_together(edges: list[list[tuple[float, float]]], gap: float) -> list[list[tuple[float, float]]]:
    """Let rows of one strip begin where rows of several do, whose strips white or bars part.

    Parameters
    ----------
    edges : list of list of (float, float)
        First sample and end of the strips of every row (x), from `strip_edges`.
    gap : float
        White between the strips. Rows of one strip end before the others, by all that white: their ends tell nothing
        of their beginnings. Without any they are moved as they are.

    Returns
    -------
    list of list of (float, float)

    Examples
    --------
    >>> begin_together([[(112.0, 700.0), (800.0, 1388.0)], [(100.0, 1390.0)]], 100.0)
    [[(112.0, 700.0), (800.0, 1388.0)], [(112.0, 1390.0)]]
    >>> begin_together([[(112.0, 700.0), (700.0, 1288.0)], [(100.0, 1276.0)]], 0.0)
    [[(112.0, 700.0), (700.0, 1288.0)], [(112.0, 1288.0)]]
    """
    firsts = [strips[0][0] for strips in edges if len(strips) > 1]
    usual = float(np.median(firsts)) if firsts else np.inf
    return [
        [(usual, strips[0][1] + (0.0 if gap else usual - strips[0][0]))]
        if len(strips) == 1 and abs(strips[0][0] - usual) < FOOT
        else strips
        for strips in edges
    ]


def _whole_length(length: float, cut_short: bool, sure_left: bool, sure_right: bool) -> float | None:
    """The whole number of half seconds that a row is long, None where it is none."""
    whole = round(length / HALF_SECOND) * HALF_SECOND
    if whole and abs(length / whole - 1) < _MOST_SNAP[cut_short]:
        return whole
    shorter = np.floor(length / HALF_SECOND) * HALF_SECOND
    # Measured from the flank of a pulse, a row is longer by the pulse's foot.
    if shorter and sure_left != sure_right and not cut_short and length - shorter < FOOT:
        return float(shorter)
    return None


def _first_of(firsts: list[float], left: float) -> float:
    """Where the first sample is by all that tell it."""
    if not firsts:
        return left
    middle = float(np.median(firsts))
    near = [first for first in firsts if abs(first - middle) < _AGREE]
    return float(np.mean(near)) if near else firsts[0]
