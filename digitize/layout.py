"""Read the layout of a page: how many columns its rows have, where they begin and end, and which lead each strip is.

The names are read off the page. Position and names help each other: where the surely read names stand tells where the
others must be looked for, and the names of one page are a permutation of the leads, so the most likely *assignment* of
names to strips (Kuhn, 1955) is taken, not the most likely name strip by strip. A layout of the table is preferred when
the print does not speak against it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from digitize.layouts import LAYOUTS, LEAD_NAMES, Layout
from digitize.marks import Marks, split_pulses
from digitize.rectify import PIXELS_PER_MM
from digitize.text import Word, read_lead_names
from digitize.trace import Traces

_COLUMNS = (1, 2, 3, 4, 6)
_NAME_HEIGHT_MM = (1.2, 7.0)
_NAME_WIDTH_MM = 18.0
_NAME_OFF_MM = 14.0
"""Farthest that a name stands from the beginning of its strip."""
_NEAR_MM = 25.0
"""Farthest that a name stands above or below its trace."""
_UNIT_MM = 12.5
"""Length of half a second at 25 mm/s, of a quarter at 50 mm/s: rows are whole multiples of it."""
_SURE = float(np.log(0.6))
_TEMPLATE_BONUS = 7.0
"""How much less likely, in nats, a free order of names must be to be given up for one of the table."""


_NUMERALS = 3
"""I, II and III come first in `LEAD_NAMES`: names that any upright strokes can look like."""
_CHARACTER_WIDTHS = {"I": 0.45}
"""Widths of letters, in heights of the name, where they are not the usual 0.8."""
_NOTHING = np.log(np.r_[np.full(len(LEAD_NAMES), 0.001 / len(LEAD_NAMES)), 0.999])
"""Reading of a word that is no name."""


@dataclass(frozen=True)
class Place:
    """A strip on the upright page.

    Attributes
    ----------
    lead : str
        One of `LEAD_NAMES`.
    sign : int
        -1 when the page shows the lead inverted (Cabrera's -aVR), else 1.
    row, column : int
        Row of the traces; column from the left.
    left, right : float
        Where the strip's first and last samples lie, pixels (x).
    share : float
        Fraction of the row's duration before this strip, 0 for the first column.
    name_source : str
        ``"read"``, ``"assumed"`` or ``"given"``.
    """

    lead: str
    sign: int
    row: int
    column: int
    left: float
    right: float
    share: float
    name_source: str


@dataclass(frozen=True)
class PageLayout:
    """Strips of a page, boxes of their printed names (n, 4), the layout's name, and what a reader should know."""

    places: tuple[Place, ...]
    names: NDArray[np.float64]
    name: str
    warnings: tuple[str, ...]


def read_layout(
    coverage: NDArray[np.float32],
    printed: NDArray[np.float32],
    traces: Traces,
    baseline: NDArray[np.float64],
    marks: Marks,
    words: list[Word],
    given: Layout | None = None,
) -> PageLayout:
    """Read a page's layout.

    Parameters
    ----------
    coverage : ndarray, shape (h, w), float32
        Share of each pixel of the upright page that is ink.
    printed : ndarray, shape (h, w), float32
        The same, the traces erased (`erase_traces`).
    traces : Traces
    baseline : ndarray, shape (rows,), float64
        0 mV of those rows (y): names keep to it, not to the wandering trace.
    marks : Marks
    words : list of Word
    given : Layout, optional
        The layout as the caller knows it; names are then not read.

    Returns
    -------
    PageLayout

    Raises
    ------
    ValueError
        If the page has fewer rows than the given layout.
    """
    left, right = _row_ends(traces, marks)
    n_rows = len(left)
    if given is not None:
        return _apply(given, left, right, traces, marks)

    names = [word for word in words if _may_be_name(word, baseline)]
    boxes = np.array([word.box for word in names], float).reshape(-1, 4)
    scores = read_lead_names(printed, boxes)
    likely, negated = scores.log_probability, scores.negated
    sure = _sure_names(boxes, likely)
    height = boxes[:, 3] - boxes[:, 1]
    odd = np.abs(height / np.median(height[sure]) - 1) > 0.25 if sure.any() else np.zeros(len(boxes), bool)
    likely = np.where(odd[:, None], _NOTHING, likely)
    lettered = likely[sure, :-1].argmax(axis=1) >= _NUMERALS
    row_of, n_columns, columns_of = _find_columns(boxes[sure], lettered, baseline, left, right, marks)

    slots = [(row, column) for row in range(n_rows) for column in range(columns_of[row])]
    gap = _gap_between_columns(traces, left, right, columns_of, marks)
    edges = [_edges(left[row], right[row], columns_of[row], gap, marks) for row in range(n_rows)]
    offset = _name_offset(boxes[sure], row_of, edges, baseline)
    expected = np.array([(edges[row][column][0] + offset[0], baseline[row] + offset[1]) for row, column in slots])
    table = np.full((len(slots), len(LEAD_NAMES)), np.log(1.0 / len(LEAD_NAMES)))
    inverted = np.zeros(len(slots), bool)
    found = _match_names(boxes, likely, expected, slots)
    for index, name in found.items():
        table[index] = _over_leads(likely[name])
        inverted[index] = negated[name]
    # A name through which a trace ran has lost some of its ink.
    cut = [slot for slot, name in found.items() if _was_cut(boxes[name], coverage, printed)]
    missing = [index for index in range(len(slots)) if index not in found] + cut
    tall = float(np.median(height[sure])) if sure.any() else 0.0
    if missing and sure.any():
        for index in missing:
            if index not in found:
                expected[index, 1] = _height_of_piece(boxes, expected, index, tall)
        guesses = np.array(
            [[x - 2, y - tall / 2 - 6, x + 2.2 * tall, y + tall / 2 + 6] for x, y in expected[missing]]
        )
        # With the trace it is whole, without it cut up: each reading counts as far as it is to be believed.
        both = [read_lead_names(ink, guesses) for ink in (printed, np.where(marks.mask, np.float32(0.0), coverage))]
        for k, index in enumerate(missing):
            readings = [again.log_probability[k] for again in both]
            signs = [again.negated[k] for again in both]
            if index in found:
                readings.append(likely[found[index]])
                signs.append(negated[found[index]])
            worth = np.array([_worth(logs) for logs in readings])
            logs = np.log(np.average(np.exp(readings), axis=0, weights=worth) + 1e-9)
            table[index] = _over_leads(logs)
            inverted[index] = signs[int(worth.argmax())] and logs[:-1].max() > _SURE

    rhythm_rows = _rhythm_rows(columns_of, n_columns)
    chosen, layout_name = _name_slots(slots, table, rhythm_rows, n_columns)
    places, unread = [], []
    for index, (row, column) in enumerate(slots):
        lead = chosen[index]
        read = table[index, LEAD_NAMES.index(lead)] > np.log(0.3)
        if not read:
            unread.append(lead)
        places.append(
            Place(
                lead=lead,
                sign=-1 if inverted[index] and lead == "aVR" else 1,
                row=row,
                column=column,
                left=edges[row][column][0],
                right=edges[row][column][1],
                share=column / columns_of[row],
                name_source="read" if read else "assumed",
            )
        )
    warnings = [f"lead names not read, taken from position: {', '.join(unread)}"] if unread else []
    return PageLayout(tuple(places), _name_boxes(chosen, expected, found, boxes, tall), layout_name, tuple(warnings))


def _over_leads(logs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log-probabilities of the twelve leads, what is something else shared out among them."""
    return np.logaddexp(logs[:-1], logs[-1] - np.log(len(LEAD_NAMES)))


def _row_ends(traces: Traces, marks: Marks) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """First and last sample of every row (x): the pen's middle at its ends, or the flank of a calibration pulse."""
    left, right = traces.left.copy(), traces.right.copy()
    middle = float(np.median((left + right) / 2))
    before, after = split_pulses(marks.pulses, middle)
    flanks_of = [pulse.right for pulse in before], [pulse.left for pulse in after]
    # Rows of one page begin and end together; one that strays by a little was cut by print or worn ink.
    for ends, flanks in zip((left, right), flanks_of, strict=True):
        usual = float(np.median(ends))
        # The trace goes on from the pulse's flank, unless white parts them.
        if flanks and abs(usual - float(np.median(flanks))) < 0.8 * PIXELS_PER_MM:
            usual = float(np.median(flanks))
        ends[np.abs(ends - usual) < 4 * PIXELS_PER_MM] = usual
    return left, right


def _may_be_name(word: Word, baseline: NDArray[np.float64]) -> bool:
    x0, y0, x1, y1 = word.box
    height, width = (y1 - y0) / PIXELS_PER_MM, (x1 - x0) / PIXELS_PER_MM
    if not _NAME_HEIGHT_MM[0] <= height <= _NAME_HEIGHT_MM[1] or width > _NAME_WIDTH_MM:
        return False
    return bool(np.abs(baseline - (y0 + y1) / 2).min() < _NEAR_MM * PIXELS_PER_MM)


def _sure_names(boxes: NDArray[np.float64], likely: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which words are lead names beyond doubt.

    Any upright stroke reads as I. But the names of a page are printed in one size, so a numeral must be as tall as the
    names that have letters.
    """
    sure = likely[:, :-1].max(axis=1, initial=-np.inf) > _SURE
    numeral = likely[:, :-1].argmax(axis=1) < _NUMERALS if len(boxes) else np.zeros(0, bool)
    height = boxes[:, 3] - boxes[:, 1]
    lettered = sure & ~numeral
    if lettered.any():
        usual = float(np.median(height[lettered]))
        sure &= np.abs(height / usual - 1) < np.where(numeral, 0.15, 0.4)
    if lettered.sum() >= 3:
        # ... and stand in line with them: numerals head the columns that letters head too.
        across = np.abs(boxes[:, None, 0] - boxes[lettered & sure, 0]).min(axis=1)
        sure &= lettered | (across < 0.8 * PIXELS_PER_MM)
    return sure


def _find_columns(
    boxes: NDArray[np.float64],
    lettered: NDArray[np.bool_],
    baseline: NDArray[np.float64],
    left: NDArray[np.float64],
    right: NDArray[np.float64],
    marks: Marks,
) -> tuple[NDArray[np.int64], int, list[int]]:
    """Row of each surely read name, the number of columns, and the columns of every row (1 for rhythm strips)."""
    n_rows = len(left)
    row_of = _rows_of_names(boxes, baseline)
    length = float(np.median(right - left))
    start = float(np.median(left))
    bars = np.array([bar.x for bar in marks.bars if start + 0.05 * length < bar.x < start + 0.95 * length])
    best = (-np.inf, 1)
    stray_name = 0.0
    for n in _COLUMNS:
        edges = start + length * np.arange(1, n) / n
        score = -0.5 * n_rows * (n - 1)
        for edge in edges:
            score += 1.0 * np.sum(np.abs(bars - edge) < 4 * PIXELS_PER_MM)
        for bar in bars:
            if n == 1 or np.abs(edges - bar).min() >= 4 * PIXELS_PER_MM:
                score -= 0.5
        if len(boxes):
            phase = (boxes[:, 0] - start) / (length / n)
            column = np.clip(np.round(phase), 0, n - 1)
            stray = (boxes[:, 0] - start) - column * length / n
            if abs(np.median(stray)) > _NAME_OFF_MM * PIXELS_PER_MM:
                # Names stand at the beginnings of their strips.
                continue
            off = np.abs(stray - np.median(stray))
            score += np.sum((off < 5 * PIXELS_PER_MM) * np.where(column > 0, 1.0, 0.3)) - 1.0 * np.sum(
                off >= 5 * PIXELS_PER_MM
            )
        if score > best[0]:
            best = score, n
            stray_name = float(np.median(stray)) if len(boxes) else 0.0
    n_columns = best[1]
    columns_of = []
    for row in range(n_rows):
        edges = left[row] + (right[row] - left[row]) * np.arange(1, n_columns) / n_columns
        here = np.array([bar.x for bar in marks.bars if bar.row == row])
        # A numeral in mid-page may be any upright stroke.
        named = boxes[(row_of == row) & lettered, 0] - stray_name
        borders = sum(
            bool((np.abs(here - edge) < 4 * PIXELS_PER_MM).any() or (np.abs(named - edge) < 5 * PIXELS_PER_MM).any())
            for edge in edges
        )
        columns_of.append(n_columns if borders > 0.3 * (n_columns - 1) else 1)
    # Rhythm strips stand below the rectangle: a row between two that are divided is divided too.
    divided = [row for row, columns in enumerate(columns_of) if columns > 1]
    for row in range(divided[0], divided[-1]) if divided else ():
        columns_of[row] = n_columns
    return row_of, n_columns, columns_of


def _rows_of_names(boxes: NDArray[np.float64], baseline: NDArray[np.float64]) -> NDArray[np.int64]:
    """Row of each name: the nearest, after the distance at which names stand from their traces was taken off."""
    if len(boxes) == 0:
        return np.zeros(0, np.int64)
    distance = (boxes[:, 1] + boxes[:, 3])[:, None] / 2 - baseline
    # Names stand all above or all below, at one distance: the one at which most names find a row and most rows a name.
    shifts = np.arange(-15, 15.5, 0.5) * PIXELS_PER_MM
    merit = []
    for shift in shifts:
        stray = np.abs(distance - shift) / (3.0 * PIXELS_PER_MM)
        near = stray.argmin(axis=1)
        fit = np.maximum(1.0 - stray.min(axis=1), 0.0)
        named = len(np.unique(near[fit > 0.3]))
        merit.append(fit.sum() + named - 0.002 * abs(shift))
    shift = shifts[int(np.argmax(merit))]
    return np.abs(distance - shift).argmin(axis=1)


def _gap_between_columns(
    traces: Traces,
    left: NDArray[np.float64],
    right: NDArray[np.float64],
    columns_of: list[int],
    marks: Marks,
) -> float:
    """Pixels of white between neighbouring strips of a row, 0 when they touch or are parted by bars."""
    if marks.bars:
        return 0.0
    widths = []
    for row, n_columns in enumerate(columns_of):
        for border in np.linspace(left[row], right[row], n_columns + 1)[1:-1]:
            first = int(border - 5 * PIXELS_PER_MM)
            hidden = traces.confidence[row, first : int(border + 5 * PIXELS_PER_MM)] <= 0.3
            pieces = np.flatnonzero(np.diff(hidden.astype(int), prepend=0, append=0)).reshape(-1, 2)
            widths.append(max((int(b - a) for a, b in pieces), default=0))
    if not widths or np.mean(np.array(widths) >= 0.5 * PIXELS_PER_MM) < 0.6:
        return 0.0
    # The pen's round ends reach into the gap.
    return float(np.median(widths)) + 2 * traces.radius


def _edges(left: float, right: float, n_columns: int, gap: float, marks: Marks) -> list[tuple[float, float]]:
    """Beginning and end of a row's strips (x): equal shares of the row.

    Bars and the row's beginning each know where the borders are to half a pixel; together, and with columns that are a
    whole share of a whole number of half seconds, as all printers' are, to a tenth.
    """
    length = right - left - gap * (n_columns - 1)
    pitch = length / n_columns + gap
    bars = np.array([bar.x for bar in marks.bars])
    known, at = [0.0], [left]
    for index in range(1, n_columns):
        near = bars[np.abs(bars - left - pitch * index) < 4 * PIXELS_PER_MM]
        if len(near):
            known.append(float(index))
            at.append(float(np.median(near)))
    unit = _UNIT_MM * PIXELS_PER_MM
    whole = round(length / unit) * unit
    if whole and abs(length / whole - 1) < 0.006:
        pitch = whole / n_columns + gap
    elif len(known) > 2:
        pitch = float(np.polyfit(known, at, 1)[0])
    first = float(np.median(np.array(at) - pitch * np.array(known)))
    begins = [first + pitch * index for index in range(n_columns)]
    return [(begin, begin + pitch - gap) for begin in begins]


def _name_offset(
    boxes: NDArray[np.float64],
    row_of: NDArray[np.int64],
    edges: list[list[tuple[float, float]]],
    baseline: NDArray[np.float64],
) -> tuple[float, float]:
    """Where names stand: from a strip's border to the name's left side, from the baseline to its middle."""
    if len(boxes) == 0:
        return 0.0, -6.0 * PIXELS_PER_MM
    across, down = [], []
    for box, row in zip(boxes, row_of, strict=True):
        borders = np.array([begin for begin, _ in edges[row]])
        across.append(box[0] - borders[np.abs(borders - box[0]).argmin()])
        down.append((box[1] + box[3]) / 2 - baseline[row])
    # Names begin in line; one whose first stroke a trace hid seems to begin late.
    return float(np.percentile(across, 20)), float(np.median(down))


def _height_of_piece(
    boxes: NDArray[np.float64], expected: NDArray[np.float64], index: int, tall: float
) -> float:
    """Middle (y) of a name of which only a piece was found: a letter or digit of its size where it should stand."""
    x, y = expected[index]
    middle, height = (boxes[:, 1] + boxes[:, 3]) / 2, boxes[:, 3] - boxes[:, 1]
    reach = min(3.0 * PIXELS_PER_MM, _row_reach(expected))
    piece = (np.abs(height / tall - 1) < 0.2) & (boxes[:, 0] > x - 4) & (boxes[:, 0] < x + 1.8 * tall)
    piece &= np.abs(middle - y) < reach
    return float(middle[piece][np.abs(middle[piece] - y).argmin()]) if piece.any() else float(y)


def _row_reach(expected: NDArray[np.float64]) -> float:
    """Farthest that a name may stand above or below its place without being the next row's."""
    rows = np.unique(np.round(expected[:, 1]))
    return min(8.0 * PIXELS_PER_MM, 0.6 * float(np.diff(rows).min()) if len(rows) > 1 else np.inf)


def _name_boxes(
    chosen: list[str],
    expected: NDArray[np.float64],
    found: dict[int, int],
    boxes: NDArray[np.float64],
    tall: float,
) -> NDArray[np.float64]:
    """Box of every strip's whole name, also where only a part of it could be found."""
    whole = []
    for index, lead in enumerate(chosen):
        x, y = expected[index]
        if index in found:
            _, y0, _, y1 = boxes[found[index]]
            y = (y0 + y1) / 2
        width = tall * sum(_CHARACTER_WIDTHS.get(letter, 0.8) for letter in lead)
        whole.append([x - 4, y - tall / 2 - 3, x + width + 4, y + tall / 2 + 3])
    return np.array(whole).reshape(-1, 4)


def _was_cut(box: NDArray[np.float64], coverage: NDArray[np.float32], printed: NDArray[np.float32]) -> bool:
    """Whether erasing the traces took ink out of a box."""
    x0, y0, x1, y1 = box.astype(int)
    before, after = coverage[y0:y1, x0 : x1 + 1].sum(), printed[y0:y1, x0 : x1 + 1].sum()
    return bool(after < 0.95 * before)


def _worth(logs: NDArray[np.float64]) -> float:
    """How far a reading is to be believed beside another of the same place.

    What is left of a cut-up name may look like a numeral; nothing looks like letters by chance.
    """
    lead = int(logs[:-1].argmax())
    return float(np.exp(logs[lead])) * (1.0 if lead >= _NUMERALS else 0.5) + 1e-6


def _match_names(
    boxes: NDArray[np.float64],
    likely: NDArray[np.float64],
    expected: NDArray[np.float64],
    slots: list[tuple[int, int]],
) -> dict[int, int]:
    """For each strip the word that names it, one word a strip: the match of least distance over each column."""
    if len(boxes) == 0:
        return {}
    reach = _row_reach(expected)
    dx = np.abs(boxes[:, 0] - expected[:, None, 0]) / PIXELS_PER_MM
    dy = np.abs((boxes[:, 1] + boxes[:, 3]) / 2 - expected[:, None, 1])
    lead = likely[:, :-1].max(axis=1)
    numeral = likely[:, :-1].argmax(axis=1) < _NUMERALS
    possible = (dx < np.where(numeral, 0.6, 1.5)) & (lead > np.log(0.2))
    possible &= dy < np.where(numeral, min(3.0 * PIXELS_PER_MM, reach), reach)
    cost = np.where(possible, dy - reach * (1.0 + np.exp(lead)), 0.0)
    pairs = zip(*optimize.linear_sum_assignment(cost), strict=True)
    return {int(slot): int(word) for slot, word in pairs if possible[slot, word]}


def _rhythm_rows(columns_of: list[int], n_columns: int) -> list[int]:
    """Rows that are rhythm strips: single strips below a rectangle, or below twelve single strips."""
    if n_columns > 1:
        return [row for row, columns in enumerate(columns_of) if columns == 1]
    n_rows = len(columns_of)
    return list(range(12, n_rows)) if n_rows > 12 else []


def _name_slots(
    slots: list[tuple[int, int]], table: NDArray[np.float64], rhythm_rows: list[int], n_columns: int
) -> tuple[list[str], str]:
    """Lead of every slot, and the layout's name."""
    rectangle = [index for index, (row, _) in enumerate(slots) if row not in rhythm_rows]
    n_rows = len({slots[index][0] for index in rectangle})
    chosen = [""] * len(slots)
    logs = table[rectangle]
    name = f"{n_rows}x{n_columns}"
    best, best_name = -np.inf, ""
    for layout in LAYOUTS.values():
        flat = [lead.removeprefix("-") for row in layout.rows for lead in row]
        if len(layout.rows) != n_rows or layout.columns != n_columns or len(flat) != len(rectangle):
            continue
        total = sum(logs[i, LEAD_NAMES.index(lead)] for i, lead in enumerate(flat))
        if total > best:
            best, best_name, best_leads = total, layout.name, flat
    n_named = min(len(rectangle), len(LEAD_NAMES))
    slot_index, lead_index = optimize.linear_sum_assignment(-logs) if len(rectangle) else ([], [])
    free_total = float(logs[slot_index, lead_index].sum())
    if best + _TEMPLATE_BONUS >= free_total and best_name:
        name = best_name
        for index, lead in zip(rectangle, best_leads, strict=True):
            chosen[index] = lead
    else:
        name = f"custom-{name}" if n_named > 1 else ""
        for i, j in zip(slot_index, lead_index, strict=True):
            chosen[rectangle[i]] = LEAD_NAMES[j]
    rhythm = []
    for index, (row, _) in enumerate(slots):
        if row in rhythm_rows or not chosen[index]:
            # Lead II is the usual rhythm strip, when the print does not say.
            prior = np.where(np.array(LEAD_NAMES) == "II", 0.5, 0.0)
            chosen[index] = LEAD_NAMES[int(np.argmax(table[index] + prior))]
            rhythm.append(chosen[index])
    if not name and len(rectangle) == 1:
        name = chosen[rectangle[0]]
    return chosen, "+".join([name, *rhythm])


def _apply(
    layout: Layout, left: NDArray[np.float64], right: NDArray[np.float64], traces: Traces, marks: Marks
) -> PageLayout:
    """Strips of a layout that the caller gave."""
    rows = [*layout.rows, *((lead,) for lead in layout.rhythm)]
    if len(rows) > len(left):
        raise ValueError(f"layout {layout.name!r} has {len(rows)} rows, but the page shows {len(left)}")
    gap = _gap_between_columns(traces, left, right, [len(leads) for leads in rows], marks)
    places = []
    for row, leads in enumerate(rows):
        edges = _edges(left[row], right[row], len(leads), gap, marks)
        for column, lead in enumerate(leads):
            places.append(
                Place(
                    lead=lead.removeprefix("-"),
                    sign=-1 if lead.startswith("-") else 1,
                    row=row,
                    column=column,
                    left=edges[column][0],
                    right=edges[column][1],
                    share=column / len(leads),
                    name_source="given",
                )
            )
    warnings = (f"the page shows {len(left)} rows, layout {layout.name!r} has {len(rows)}: the rest were left out",)
    return PageLayout(tuple(places), np.zeros((0, 4)), layout.name, warnings if len(rows) < len(left) else ())


