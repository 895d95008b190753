"""Find what is drawn with a ruler among the traces: calibration pulses and the bars that separate columns.

Both are made of upright strokes with square ends, which no heart draws: a beat's stroke leans. Two such strokes under
one flat roof are a calibration pulse; strokes of one length at one place in several rows are separators.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product

import cv2
import numpy as np
from numpy.typing import NDArray

from digitize.ink.components import find_components
from digitize.ink.look import Look
from digitize.records.layouts import COLUMN_COUNTS
from digitize.records.symbols import Bar, Pulse, Symbols
from digitize.records.traces import Rows
from digitize.records.upright import PIXELS_PER_MM

HALF_SECOND = 12.5 * PIXELS_PER_MM
"""Length of half a second at 25 mm/s, of a quarter at 50 mm/s: rows are whole multiples of it."""
FOOT = 3 * PIXELS_PER_MM
"""Longest foot of a pulse that the length of its row tells."""
_STRAY = 2.5 * PIXELS_PER_MM
"""How much shorter than whole half seconds a row may be found that is whole: the last of its ink is easily lost."""

_LEAST = 2 * PIXELS_PER_MM + 1
"""Shortest stroke."""
_BROKEN = 6
"""Most pixels of ink that a line of the grid takes with it where it crosses a stroke; even, so that what mends them is
centered."""

_LEAST_SEEN = 4 * PIXELS_PER_MM
"""Shortest pulse that tells of a row, and how far apart the feet of two rows' pulses are at least."""
_SAME_HEIGHT = 4
"""Pixels by which the ends of a pulse's flanks differ at most."""
_LEAST_ROOF, _LEAST_STEPPED = 5, 2 * PIXELS_PER_MM
"""Shortest roof, between its flanks; shortest pulse that has two."""

_LIKELY, _POSSIBLE = 127, 50
"""Probabilities, 0 to 255, from which a pixel is taken for a pulse's or a separator's, and may be a pulse's."""

_AT_END = 0.1
"""Share of a row's length that counts as its end."""


def find_symbols(coverage: NDArray[np.float32], rows: Rows, look: Look | None = None) -> Symbols:
    """Find calibration pulses and separators.

    Parameters
    ----------
    coverage : ndarray, shape (h, w), float32
        Share of each pixel of the upright page that is ink.
    rows : Rows
    look : Look, optional
        Which kind of print every pixel is: pulses and separators are found that hang together with a trace, and no
        pulse is believed that does not look like one.

    Returns
    -------
    Symbols

    Examples
    --------
    >>> page = np.zeros((700, 1200), np.float32)
    >>> page[400:404, 50:100] = page[300:304, 100:150] = page[400:404, 150:1100] = 1
    >>> page[300:404, 98:102] = page[300:404, 148:152] = 1
    >>> level = np.full((1, 1200), 401.5, np.float32)
    >>> symbols = find_symbols(page, Rows(level, np.array([50]), np.array([1100])))
    >>> [(pulse.left, pulse.right, pulse.top, pulse.foot) for pulse in symbols.pulses]
    [(99.5, 149.5, 301.5, 401.5)]
    """
    ink = (coverage >= 0.4).astype(np.uint8)
    # A row's level over all its length: a pulse itself, or a beat, is not part of it.
    level = np.median(rows.level, axis=1)
    mended = np.asarray(cv2.morphologyEx(ink, cv2.MORPH_CLOSE, np.ones((_BROKEN + 1, 1), np.uint8)), np.uint8)
    pulses = _find_pulses(ink, _strokes(coverage, mended, level))
    if look is not None:
        pulses = _seen_pulses(coverage, look.of("pulse"), level, pulses)
    pulses = _in_line(pulses, rows)
    # Mended, a separator would run into the name or the trace beside it.
    strokes = _strokes(coverage, ink, level)
    if look is not None:
        strokes += _strokes(coverage, (look.of("separator") > _LIKELY).astype(np.uint8), level)
    # Where one row has a pulse the others have theirs, even if a beat or a label hides a flank.
    flanks = [x for pulse in pulses for x in (pulse.left, pulse.right)]
    free = [s for s in strokes if not any(abs(s.x - flank) < PIXELS_PER_MM for flank in flanks)]
    bars = _separators(free, level, *_span(rows, pulses))
    mask = np.zeros(ink.shape, bool)
    half = _half_width(coverage, bars)
    for bar in bars:
        top, bottom, x = int(bar.top), int(bar.bottom), round(bar.x)
        mask[max(0, top - 1) : bottom + 2, max(0, x - half) : x + half + 1] = True
    for pulse in pulses:
        _cover_outline(mask, pulse)
    return Symbols(tuple(pulses), tuple(bars), mask)


def stacked_pulses(seen: NDArray[np.uint8]) -> int:
    """Count the calibration pulses that stand above each other, as those of rows do.

    Parameters
    ----------
    seen : ndarray, shape (h, w), uint8
        How likely each pixel of the upright page is a calibration pulse's, 0 to 255.

    Returns
    -------
    int
        The most in any place, no two of them on one level.

    Examples
    --------
    >>> seen = np.zeros((700, 300), np.uint8)
    >>> for top in (100, 400):
    ...     seen[top : top + 100, 50:54] = seen[top : top + 100, 96:100] = seen[top : top + 4, 50:100] = 255
    >>> stacked_pulses(seen)
    2
    """
    joined = cv2.morphologyEx((seen > _LIKELY).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((_BROKEN + 1,) * 2, np.uint8))
    left, top, right, bottom = find_components(np.asarray(joined) > 0).boxes[1:].T
    tall = (bottom - top >= _LEAST_SEEN) & (right - left >= _LEAST_ROOF)
    most = 0
    for x in left[tall]:
        foot = np.sort(bottom[tall & (np.abs(left - x) < FOOT)])
        most = max(most, 1 + int((np.diff(foot) > _LEAST_SEEN).sum()))
    return most


def _strokes(coverage: NDArray[np.float32], ink: NDArray[np.uint8], level: NDArray[np.floating]) -> list[Bar]:
    """Upright strokes with square ends that stand at rows."""
    tall = cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((_LEAST, 1), np.uint8))
    pieces = find_components(np.asarray(tall) > 0)
    left, y, right, bottom = pieces.boxes[1:].T.astype(float)
    width, height, area = right - left, bottom - y, pieces.area[1:]
    square = (area > 0.8 * width * height) & (width <= 1.4 * PIXELS_PER_MM) & (height <= 45 * PIXELS_PER_MM)
    strokes = [
        Bar(
            _row_of(level, y[i], y[i] + height[i]),
            _middle(coverage, int(left[i]), int(width[i]), int(y[i]), int(height[i])),
            float(y[i]),
            float(y[i] + height[i] - 1),
        )
        for i in np.flatnonzero(square)
    ]
    return [stroke for stroke in strokes if stroke.row >= 0]


def _beyond_gap(coverage: NDArray[np.float32], pulses: list[Pulse], edge: int, step: int) -> int:
    """Column at which traces begin (step 1) or end (-1) when white parts them from their pulses, else the edge."""
    reach = 10 * PIXELS_PER_MM
    window = slice(edge, edge + reach) if step > 0 else slice(max(0, edge - reach + 1), edge + 1)
    begins = []
    for pulse in pulses:
        # High enough that no beat leaves it.
        above, below = max(0, int(pulse.foot) - 12 * PIXELS_PER_MM), int(pulse.foot) + 6 * PIXELS_PER_MM
        band = (coverage[above:below, window].max(axis=0) > 0.4)[::step]
        white = np.flatnonzero(~band[1:] & ~band[:-1])
        if len(white):
            # A speck is no trace.
            ahead = np.convolve(band, np.ones(PIXELS_PER_MM), "full")[PIXELS_PER_MM - 1 :] / PIXELS_PER_MM
            ink = np.flatnonzero((band & (ahead > 0.5))[white[0] + 1 :])
            if len(ink):
                begins.append(edge + step * (white[0] + 1 + ink[0]))
    if len(begins) <= 0.5 * len(pulses):
        return edge
    # All traces of a page begin at one place; white that only some beats leave does not count.
    usual = int(np.median(begins))
    alike = np.sum(np.abs(np.array(begins) - usual) <= PIXELS_PER_MM)
    return usual if alike > 0.5 * len(pulses) else edge


def _cover_outline(mask: NDArray[np.bool_], pulse: Pulse) -> None:
    """Mark the flanks and the roofs of a pulse, in place."""
    half = int(0.3 * PIXELS_PER_MM)
    left, right, top, foot = (round(v) for v in (pulse.left, pulse.right, pulse.top, pulse.foot))
    for flank in (left, right):
        mask[max(0, top - half) : foot + half + 1, max(0, flank - half) : flank + half] = True
    if math.isnan(pulse.step):
        mask[max(0, top - half) : top + half + 1, left:right] = True
    else:
        mask[max(0, top - half) : round(pulse.step) + half + 1, left:right] = True


def split_pulses(pulses: Sequence[Pulse], middle: float) -> tuple[list[Pulse], list[Pulse]]:
    """Pulses left and right of a page's middle (x): those that lead the traces, and those that trail them."""
    return [pulse for pulse in pulses if pulse.right < middle], [pulse for pulse in pulses if pulse.left > middle]


def without_pulses(coverage: NDArray[np.float32], rows: Rows, symbols: Symbols, look: Look | None = None) -> Rows:
    """Rows that begin after leading calibration pulses and end before trailing ones.

    Parameters
    ----------
    coverage : ndarray, shape (h, w), float32
        Share of each pixel of the upright page that is ink.
    rows : Rows
    symbols : Symbols
        Symbols of those rows.
    look : Look, optional
        Which kind of print every pixel is: it tells where a long foot of a pulse ends that leads into the trace.

    Returns
    -------
    Rows
        The slow level, which pulses lift, is that of the trace beside them.

    Examples
    --------
    >>> rows = Rows(np.full((1, 1200), 400, np.float32), np.array([50]), np.array([1100]))
    >>> symbols = Symbols((Pulse(0, 99.5, 149.5, 301.5, 401.5),), (), np.zeros((700, 1200), bool))
    >>> int(without_pulses(np.ones((700, 1200), np.float32), rows, symbols).start[0])
    152
    """
    level, start, end = rows.level.copy(), rows.start.copy(), rows.end.copy()
    middle = float(np.median((start + end) / 2))
    before, after = split_pulses(symbols.pulses, middle)
    if look is not None and before and not _is_whole(float(np.median(end) - np.median([p.right for p in before]))):
        coverage = np.where(look.of("pulse") > look.of("pen"), np.float32(0), coverage)
    settle, window = 6 * PIXELS_PER_MM, 20 * PIXELS_PER_MM
    if before:
        first = _beyond_gap(coverage, before, int(np.median([pulse.right for pulse in before])) + 3, 1)
        start = np.maximum(start, first)
        beside = level[:, first + settle : first + settle + window]
        level[:, : first + settle] = np.median(beside, axis=1, keepdims=True)
    if after:
        last = _beyond_gap(coverage, after, int(np.median([pulse.left for pulse in after])) - 3, -1) + 1
        end = np.minimum(end, last)
        level[:, last - settle :] = np.median(level[:, last - settle - window : last - settle], axis=1, keepdims=True)
    return Rows(level, start, end)


def _is_whole(length: float) -> bool:
    """Whether a row that begins at its pulse's flank is whole half seconds long, but for a short foot of the pulse."""
    return (length + _STRAY) % HALF_SECOND - _STRAY < FOOT


def _middle(coverage: NDArray[np.float32], x: int, width: int, y: int, height: int) -> float:
    """Middle of an upright stroke (x), to a fraction of a pixel: the median of its rows' centers of ink."""
    first, last = max(0, x - 2), x + width + 2
    rows = coverage[y + height // 5 : y + height - height // 5, first:last]
    ink = rows.sum(axis=1)
    centers = (rows @ np.arange(first, first + rows.shape[1]))[ink > 0] / ink[ink > 0]
    return float(np.median(centers)) if len(centers) else x + (width - 1) / 2


def _row_of(level: NDArray[np.floating], top: float, bottom: float) -> int:
    """Row at whose level a stroke stands, -1 when it stands at none."""
    reach = 3 * PIXELS_PER_MM
    touching = (level > top - reach) & (level < bottom + reach)
    if not touching.any():
        return -1
    # A pulse stands with its foot at the level.
    return int(np.argmin(np.where(touching, np.abs(level - bottom), np.inf)))


def _half_width(coverage: NDArray[np.float32], bars: list[Bar]) -> int:
    """Half the width of the bars in pixels, their half-covered edges included."""
    reach = PIXELS_PER_MM
    widths = []
    for bar in bars:
        x = round(bar.x)
        across = coverage[int(bar.top) : int(bar.bottom), max(0, x - reach) : x + reach]
        widths.append(int((np.median(across, axis=0) > 0.1).sum()))
    # Most bars are seen; a beat beside one does not count.
    return (int(np.median(widths)) + 1) // 2 if widths else 0


def _span(rows: Rows, pulses: list[Pulse]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where the rows' traces may begin and end (x), without pulses: what lies beside may prolong a row."""
    start, end = float(np.median(rows.start)), float(np.median(rows.end))
    starts, ends = np.unique([start, *rows.start]), np.unique([end, *rows.end])
    before, after = split_pulses(pulses, (start + end) / 2)
    if before:
        starts = np.array([np.median([pulse.right for pulse in before])])
    if after:
        ends = np.array([np.median([pulse.left for pulse in after])])
    return starts, ends


def _find_pulses(ink: NDArray[np.uint8], strokes: list[Bar]) -> list[Pulse]:
    pulses = []
    for left in strokes:
        for right in strokes:
            distance = right.x - left.x
            if not 1.5 * PIXELS_PER_MM <= distance <= 12 * PIXELS_PER_MM or left.row != right.row:
                continue
            if left.bottom - left.top < 4 * PIXELS_PER_MM:
                continue
            lower = right.top - left.top
            if abs(lower) <= _SAME_HEIGHT:
                pulse = _plain_pulse(ink, left, right)
            elif lower >= _LEAST and abs(right.bottom - left.bottom) <= _SAME_HEIGHT and distance >= _LEAST_STEPPED:
                pulse = _stepped_pulse(ink, left, right)
            else:
                pulse = None
            if pulse is not None:
                pulses.append(pulse)
    return pulses + _pulses_like(pulses, strokes)


def _seen_pulses(
    coverage: NDArray[np.float32], seen: NDArray[np.uint8], level: NDArray[np.floating], drawn: list[Pulse]
) -> list[Pulse]:
    """Pulses whose strokes say so and that look like ones, and besides those that look like ones."""
    pulses = [pulse for pulse in drawn if _looks_like_one(seen, pulse)]
    joined = cv2.morphologyEx((seen > _LIKELY).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
    for left, top, right, bottom in find_components(np.asarray(joined) > 0).boxes[1:]:
        width, height = right - left, bottom - top
        if not 1.5 * PIXELS_PER_MM <= width <= 15 * PIXELS_PER_MM or height < 4 * PIXELS_PER_MM:
            continue
        pulse = _outlined(coverage, seen, level, (left, top, right, bottom))
        if pulse is not None and all(
            abs(pulse.left - other.left) > PIXELS_PER_MM or pulse.row != other.row for other in pulses
        ):
            pulses.append(pulse)
    return pulses


def _looks_like_one(seen: NDArray[np.uint8], pulse: Pulse) -> bool:
    """Whether the flanks of a pulse may be ones: lines of a dark grid and beats have the same strokes."""
    rows = slice(max(0, round(pulse.top)), round(pulse.foot) + 1)
    flanks = [seen[rows, max(0, round(x) - 2) : round(x) + 3].max(axis=1, initial=0) for x in (pulse.left, pulse.right)]
    return bool((np.concatenate(flanks) > _POSSIBLE).mean() > 0.5)


def _outlined(
    coverage: NDArray[np.float32],
    seen: NDArray[np.uint8],
    level: NDArray[np.floating],
    box: tuple[int, int, int, int],
) -> Pulse | None:
    """The pulse whose outline fills a box; None where it has not two flanks and a roof."""
    left, top, right, bottom = box
    part = seen[top:bottom, left:right] > _LIKELY
    height = bottom - top
    tall = np.flatnonzero(part[height // 5 : height - height // 5].mean(axis=0) > 0.4)
    runs = np.split(tall, np.flatnonzero(np.diff(tall) > 3) + 1)
    if len(runs) < 2 or runs[-1][0] - runs[0][-1] < PIXELS_PER_MM:
        return None
    first, last = (_middle(coverage, left + int(run[0]), len(run), top, height) for run in (runs[0], runs[-1]))
    roof = part[:, runs[0][-1] + 2 : runs[-1][0] - 1].mean(axis=1) > 0.5
    upper = int(roof.argmax())
    # One that stands on its head has its roof below.
    if not roof.any() or upper > height / 3:
        return None
    thickness = int(roof[upper : upper + PIXELS_PER_MM].sum())
    # A trace that goes on from one flank may lead below the foot.
    lowest = min(int(np.flatnonzero(part[:, run].any(axis=1))[-1]) for run in (runs[0], runs[-1]))
    foot = top + lowest - (thickness - 1) / 2
    row = _row_of(level, top, bottom)
    return None if row < 0 else Pulse(row, first, last, top + upper + (thickness - 1) / 2, foot)


def _plain_pulse(ink: NDArray[np.uint8], left: Bar, right: Bar) -> Pulse | None:
    top = int(max(left.top, right.top))
    found = _roof(ink, top, int(left.x) + 3, int(right.x) - 2, left.bottom)
    if found is None:
        return None
    middle, half = found
    return Pulse(left.row, left.x, right.x, middle, min(left.bottom, right.bottom) - half)


def _stepped_pulse(ink: NDArray[np.uint8], left: Bar, right: Bar) -> Pulse | None:
    """A pulse with two roofs, the second one lower: 1 mV at the limb leads' gain, then at the chest leads'."""
    between = slice(int(left.top) + 4, int(right.top) - 2)
    a, b = int(left.x) + PIXELS_PER_MM // 2, int(right.x) - PIXELS_PER_MM // 2
    # Ink from one roof down to the other, a column of it or two side by side.
    down = ink[between, a:b].mean(axis=0)
    at = a + int(down.argmax())
    if down.max() < 0.7:
        return None
    upper = _roof(ink, int(left.top), int(left.x) + 3, at - 2, right.top)
    lower = _roof(ink, int(right.top), at + 3, int(right.x) - 2, right.bottom)
    if upper is None or lower is None:
        return None
    foot = min(left.bottom, right.bottom) - upper[1]
    return Pulse(left.row, left.x, right.x, upper[0], foot, step=lower[0])


def _roof(ink: NDArray[np.uint8], top: int, a: int, b: int, foot: float) -> tuple[float, float] | None:
    """Middle of the flat ink near a height (y) over columns a to b, and half its thickness; white must be below it."""
    if b - a < _LEAST_ROOF:
        return None
    height = foot - top
    over = ink[max(0, top - 2) : top + 5, a:b].any(axis=0).mean()
    hollow = ink[int(top + 0.3 * height) : int(top + 0.7 * height), a:b].mean()
    if over <= 0.85 or hollow >= 0.1:
        return None
    first = max(0, top - 4)
    around = ink[first : top + 12, a:b]
    half = (float(np.median(around.sum(axis=0))) - 1) / 2
    return float(np.median(around.argmax(axis=0))) + first + half, half


def _in_line(pulses: list[Pulse], rows: Rows) -> list[Pulse]:
    """Pulses at the ends of the rows, and elsewhere those that half of the rows have in line: no lines of a grid."""
    start, end = float(np.median(rows.start)), float(np.median(rows.end))
    margin = _AT_END * (end - start)
    return [
        pulse
        for pulse in pulses
        if not start + margin < pulse.left < end - margin
        or 2 * sum(abs(other.left - pulse.left) < PIXELS_PER_MM for other in pulses) >= len(rows.level)
    ]


def _pulses_like(pulses: list[Pulse], strokes: list[Bar]) -> list[Pulse]:
    """Pulses of rows in which a beat or a name hides the right flank: the left one stands where the others do."""
    if len(pulses) < 2:
        return []
    left, right = (float(np.median([getattr(pulse, side) for pulse in pulses])) for side in ("left", "right"))
    height, lower = (
        float(np.median([pulse.foot - getattr(pulse, roof) for pulse in pulses])) for roof in ("top", "step")
    )
    found = {pulse.row: pulse for pulse in pulses}
    more = []
    for stroke in strokes:
        length = stroke.bottom - stroke.top
        alike = abs(stroke.x - left) < 0.3 * PIXELS_PER_MM and abs(length - height) < 0.6 * PIXELS_PER_MM
        if alike and stroke.row not in found:
            half = (length - height) / 2
            foot = stroke.bottom - half
            more.append(Pulse(stroke.row, left, right, stroke.top + half, foot, foot - lower))
            found[stroke.row] = more[-1]
    return more


def _separators(
    strokes: list[Bar], level: NDArray[np.floating], starts: NDArray[np.float64], ends: NDArray[np.float64]
) -> list[Bar]:
    """Strokes that divide the rows into equal columns: alike in half of the rows, at the borders of the columns.

    Where the rows begin and end is one of `starts` and of `ends`, those by which most strokes stand at borders.
    """
    support = []
    for stroke in strokes:
        alike = {
            other.row
            for other in strokes
            if abs(other.x - stroke.x) < 3.0
            and abs((other.bottom - other.top) - (stroke.bottom - stroke.top)) < 5.0
            and abs((other.top - level[other.row]) - (stroke.top - level[stroke.row])) < 2.5 * PIXELS_PER_MM
        }
        support.append(len(alike) * (stroke.bottom - stroke.top) if len(alike) >= max(2, 0.5 * len(level)) else 0.0)
    x, weight = np.array([stroke.x for stroke in strokes]), np.array(support)
    best: tuple[float, list[Bar]] = (0.0, [])
    for n_columns, start, end in product(COLUMN_COUNTS[1:], starts, ends):
        borders = start + (end - start) * np.arange(1, n_columns) / n_columns
        near = np.abs(x - borders[:, None]) < 2.0 * PIXELS_PER_MM
        strongest = np.where(near, weight, 0.0).max(axis=1, initial=0.0)
        # A beat may hide a bar; half as many hidden as seen is too many.
        merit = float(strongest.sum() - 0.5 * strongest.max() * np.sum(strongest == 0))
        if merit > best[0]:
            chosen = [
                stroke
                for stroke, own, columns in zip(strokes, weight, near.T, strict=True)
                if columns.any() and own >= 0.6 * strongest[columns].max() > 0
            ]
            best = merit, chosen + _hidden_bars(chosen, borders)
    return best[1]


def _median_of(bars: list[Bar], at: NDArray[np.int64], border: int) -> float:
    """Middle (x) of the bars at one border: a beat that leans on one of them does not count."""
    return float(np.median([bar.x for bar, own in zip(bars, at, strict=True) if own == border]))


def _hidden_bars(seen: list[Bar], borders: NDArray[np.float64]) -> list[Bar]:
    """Bars that a beat hides, at the borders at which rows that have bars elsewhere show none."""
    at = np.array([np.abs(borders - bar.x).argmin() for bar in seen])
    # Where one column ends another begins: bars stand at equal distances, wherever the traces really begin.
    sharp = np.array([_median_of(seen, at, border) for border in at])
    degree = min(1, len(set(at)) - 1)
    places = borders + np.polyval(np.polyfit(at, sharp - borders[at], degree), np.arange(len(borders)))
    hidden = []
    for row in {bar.row for bar in seen}:
        own = [(bar, border) for bar, border in zip(seen, at, strict=True) if bar.row == row]
        top = float(np.median([bar.top for bar, _ in own]))
        bottom = float(np.median([bar.bottom for bar, _ in own]))
        missing = set(range(len(borders))) - {int(border) for _, border in own}
        hidden += [Bar(row, float(places[border]), top, bottom) for border in sorted(missing)]
    return hidden
