"""Read the layout of a page: how many columns its rows have, where they begin and end, and which lead each strip is.

Position and names help each other: the words that can be names are read, the hypothesis on lines and leads that
explains them best is taken (`digitize.layout.naming`), and where it has a strip without a name, the name is looked for
again at its place, with the trace that may run through it and without. Where names leave several layouts about as
likely, the law of the limb leads decides (`digitize.layout.obedience`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from digitize.layout.columns import NO_WHITE, begin_together, past_names, row_ends, strip_edges, white_between
from digitize.layout.naming import (
    NUMERALS,
    Lines,
    Names,
    Naming,
    evidence,
    find_lines,
    likely_namings,
    place_names,
    rows_of_names,
)
from digitize.layout.obedience import obedience
from digitize.ocr.text import LeadReadings, Word, find_words, read_lead_names
from digitize.records.layouts import ALL_NAMES, COLUMN_COUNTS, LEAD_NAMES, Layout, lead_of, sign_of
from digitize.records.page_layout import READ, PageLayout, Place
from digitize.records.symbols import Symbols
from digitize.records.traces import Traces
from digitize.records.upright import PIXELS_PER_MM
from digitize.records.values import Source
from digitize.tracing.alignment import Given, likely_pitches

_NAME_HEIGHT_MM = (1.2, 7.0)
_NAME_WIDTH_MM = 18.0
_LONGEST = 5.0
"""Width of the longest name in heights."""
_SLIM = 0.4
"""Width of a single stroke, in heights, at most."""
_OTHER_SIZE = 0.25
"""Share by which the height of a word differs at least from the page's names for it to be none."""
_MOST_GLYPHS = 6
"""Pieces of ink in the longest name, a minus and a bar before it included."""
_NEAR_MM = 25.0
"""Farthest that a name stands above or below its trace."""
_ON_ROW = 5 * PIXELS_PER_MM
"""Farthest that a name's middle is from the 0 mV of a row whose trace seems to run on through it."""
_TEN_SECONDS = 250.0 * PIXELS_PER_MM
"""Length of most recordings at 25 mm/s."""
_LEAST_STRIP = 2.0 * PIXELS_PER_MM
"""Shortest strip: where a row was cut short there may be nothing left of its last one."""
_SURE, _SURER = float(np.log(0.6)), float(np.log(0.9))
_CHARACTER_WIDTHS = {"I": 0.45}
"""Widths of letters, in heights of the name, where they are not the usual 0.8."""
_MOST_MISSING = 1 / 3
"""Share of the rows of a given layout that a page may lack."""
_NOTHING = np.log(np.r_[np.full(len(ALL_NAMES), 0.001 / len(ALL_NAMES)), 0.999])
"""Reading of a word that is no name."""


class RowsMissing(ValueError):
    """The page has far fewer rows than the layout that the caller gave."""


@dataclass(frozen=True)
class _Slots:
    """Places for names: row, column, left side (x) and middle (y); column's line (x); word there, -1 for none."""

    row: NDArray[np.int64]
    column: NDArray[np.int64]
    x: NDArray[np.float64]
    line: NDArray[np.float64]
    y: NDArray[np.float64]
    word: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class _Doubts:
    """Slots to be looked at again: numbers (n,), windows (n, 4) around their names; of all, whose name a trace cut."""

    slot: NDArray[np.int64]
    windows: NDArray[np.float64]
    cut: NDArray[np.bool_]


def read_layout(
    coverage: NDArray[np.float32],
    printed: NDArray[np.float32],
    traces: Traces,
    baseline: NDArray[np.float64],
    symbols: Symbols,
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
    symbols : Symbols
    words : list of Word
    given : Layout, optional
        The layout as the caller knows it; names then only tell where its columns begin, and which rows are its rows
        where there are more or fewer.

    Returns
    -------
    PageLayout

    Raises
    ------
    RowsMissing
        If the page has far fewer rows than the given layout.
    """
    ends = row_ends(traces, symbols, coverage)
    n_rows = len(ends.left)
    if given is not None and n_rows < (1 - _MOST_MISSING) * given.n_rows:
        raise RowsMissing(f"layout {given.name!r} has {given.n_rows} rows, but the page shows {n_rows}")
    # Rows are found in their order, but for those that cross.
    level: NDArray[np.float64] = np.maximum.accumulate(baseline) + np.arange(n_rows, dtype=np.float64)
    beside = None if given is None else Given(given, level, likely_pitches(np.zeros((given.n_rows, n_rows)), level))

    unmarked = np.where(symbols.mask, np.float32(0.0), coverage)
    boxes = np.array([word.box for word in words if _may_be_name(word, baseline)], float).reshape(-1, 4)
    boxes, readings = _read_words(printed, _join_strokes(boxes))
    names = _of_one_height(boxes, readings.log_probability)
    # A few words do not tell how tall names are: ticks are strokes too, and names that traces cut are less tall.
    tall = _usual_height(names) if 2 * names.lettered.sum() >= n_rows else 0.0
    # Where a trace seemed to run on through a name, that is no longer among the words.
    more, again = _read_words(unmarked, _names_on_rows(unmarked, boxes, baseline, tall), tall)
    known = len(boxes)
    # Strokes on a row prove nothing unless letters stand there as well.
    if tall or _of_one_height(more, again.log_probability).lettered.any():
        boxes, readings = np.concatenate([boxes, more]), _both(readings, again)
        names = _of_one_height(boxes, readings.log_probability)
    tall = _usual_height(names)
    apart = np.arange(len(boxes)) >= known
    standings = rows_of_names(boxes, names.sure, baseline)
    bars = np.array([bar.x for bar in symbols.bars])
    seen = names.boxes[names.sure]
    ends = past_names(ends, traces, seen, baseline)
    left, right = ends.left, ends.right
    gaps, parted = {}, []
    for n in COLUMN_COUNTS:
        pitch, columns = (right - left) / n, [n] * n_rows
        gaps[n] = white_between(traces, left, pitch, columns, seen, baseline, len(bars) > 0).width
        # Worn ink is white everywhere.
        shifted = white_between(traces, left - pitch / 2, pitch, columns, seen, baseline, len(bars) > 0)
        if gaps[n] and not shifted.width:
            parted.append(n)
    tries = []
    for hypothesis in find_lines(names, standings, left, right, bars, gaps, parted, beside):
        word = place_names(names, hypothesis.lines, hypothesis.standing, left)
        slots = _find_slots(word, hypothesis.lines, boxes, baseline + hypothesis.standing.distance, tall)
        logs = np.where((slots.word >= 0)[:, None], names.logs[slots.word] if len(boxes) else _NOTHING, np.nan)
        negated = (slots.word >= 0) & (readings.negated[slots.word] if len(boxes) else False)
        doubts = _find_doubts(logs, slots, hypothesis.naming, boxes, apart, tall, coverage, printed)
        tries.append((hypothesis, slots, logs, negated, doubts))
    # Hypotheses doubt much the same places: these are read once for all.
    both = _read_both(printed, unmarked, np.concatenate([doubts.windows for *_, doubts in tries]))
    ends_of = np.cumsum([len(doubts.slot) for *_, doubts in tries])
    looks = []
    for (hypothesis, slots, logs, negated, doubts), end in zip(tries, ends_of, strict=True):
        cells, lines = hypothesis.cells, hypothesis.lines
        if tall > 0:
            mine = slice(end - len(doubts.slot), end)
            _settle(logs, negated, slots, doubts, [(log[mine], minus[mine]) for log, minus in both])
            cells = _says(logs).reshape(n_rows, lines.columns, -1)
        for naming in likely_namings(cells, hypothesis.astray, names.unread, beside):
            law = obedience(traces.center, naming.rows, naming.skipped, hypothesis.begin, lines.pitch)
            score = naming.score + hypothesis.worth_of_borders + law
            looks.append((score, lines, hypothesis.begin, naming, slots, logs, negated))
    _, lines, begin, naming, slots, logs, negated = max(looks, key=lambda look: look[0])

    columns_of = [*[1] * naming.skipped, *(len(leads) for leads in naming.rows)]
    # A numeral alone may be any stroke; where the other names have it stand, it is a name.
    seen = boxes[slots.word[slots.word >= 0]]
    ends = past_names(ends, traces, seen, baseline)
    pitches = np.full(n_rows, lines.pitch)
    missing = max(float(np.median(left)) - begin, 0.0)
    white = white_between(traces, ends.left - missing, pitches, columns_of, seen, baseline, len(bars) > 0)
    of_rows = list(enumerate(naming.rows, naming.skipped))
    alone = [strip_edges(ends, row, 1, None, NO_WHITE, bars)[0] for row, leads in of_rows if len(leads) == 1]
    usual = float(np.median([end - begin for begin, end in alone])) if alone else _TEN_SECONDS
    edges = []
    for row, leads in of_rows:
        step = lines.pitch if len(leads) == lines.columns else None
        edges.append(strip_edges(ends, row, len(leads), step, white, bars, usual, missing) if leads else [])
    if white.width or len(bars):
        edges = begin_together(edges, white.width)
    places, chosen = [], []
    shown = dict.fromkeys(ALL_NAMES, 0.0)
    for index, leads in enumerate(naming.rows):
        row_number = index + naming.skipped
        begins = 0.0
        for column, label in enumerate(leads):
            slot = row_number * lines.columns + column
            lead = lead_of(label)
            certainty = _certainty(logs[slot], lead)
            known = given is not None and (len(leads) == 1 or given.tells_leads)
            source: Source = "given" if known else "read" if certainty > READ else "assumed"
            # In Cabrera's order aVR is inverted, even where its minus was not seen.
            inverted = sign_of(label) < 0 or (source == "read" and negated[slot])
            first, last = edges[index][column]
            if last - first < _LEAST_STRIP:
                continue
            places.append(
                Place(
                    lead=lead,
                    sign=-1 if inverted and lead == "aVR" else 1,
                    row=row_number,
                    column=column,
                    left=first,
                    right=last,
                    before=shown[lead] if naming.layout.continues else begins,
                    name_source=source,
                    certainty=certainty,
                    contradicted=_surely_other(logs[slot], lead) if known else "",
                )
            )
            chosen.append(slot)
            begins += last - first
            shown[lead] += last - first
    printed_names = _name_boxes(places, slots, np.array(chosen, np.intp), boxes, tall)
    lost = () if given is not None else _lost_names(places, names, slots)
    named_rows = sum(bool(leads) for leads in naming.rows)
    contradictions = () if given is None else _contradictions(places, naming, given)
    return PageLayout(tuple(places), printed_names, naming.layout, n_rows, named_rows, contradictions, lost)


def _lost_names(places: list[Place], names: Names, slots: _Slots) -> tuple[str, ...]:
    """Leads that have no strip, though words beyond doubt name them."""
    elsewhere = names.lettered.copy()
    elsewhere[slots.word[slots.word >= 0]] = False
    found = {place.lead for place in places}
    named = {ALL_NAMES[lead] for lead in names.logs[elsewhere, :-1].argmax(axis=1)}
    return tuple(lead for lead in LEAD_NAMES if lead in named - found)


def _contradictions(places: list[Place], naming: Naming, given: Layout) -> tuple[str, ...]:
    """Tell what on the page contradicts the layout that the caller gave."""
    warnings = []
    shown = sum(bool(leads) for leads in naming.rows)
    if shown < given.n_rows:
        without = f": no strip of {', '.join(naming.missing)}" if naming.missing else ""
        warnings.append(f"layout {given.name!r} has {given.n_rows} rows, but {shown} of them were found{without}")
    others = [f"{place.contradicted} in row {place.row + 1}" for place in places if place.contradicted]
    if others:
        warnings.append(f"layout {given.name!r} was given, but the page's names read {', '.join(others)}")
    return tuple(warnings)


def _surely_other(logs: NDArray[np.float64], lead: str) -> str:
    """The lead that a reading says beyond doubt, if it is another one."""
    if np.isnan(logs[0]):
        return ""
    best = int(logs[:-1].argmax())
    # What is left of any name may look like strokes, and a single one proves nothing.
    least = 0.0 if best == 0 else _SURER if best < NUMERALS else _SURE
    return ALL_NAMES[best] if logs[best] > least and ALL_NAMES[best] != lead else ""


def _join_strokes(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """The boxes, single strokes of one numeral that are printed far apart joined."""
    x0, y0, x1, y1 = boxes.T
    height = y1 - y0
    slim = _is_slim(boxes)
    apart = x0 - x1[:, None]
    near = (apart >= 0) & (apart < 1.2 * height) & slim & slim[:, None]
    for ends in (y0, y1):
        near &= np.abs(ends - ends[:, None]) < 0.1 * height
    numeral = sparse.csgraph.connected_components(sparse.csr_array(near), directed=False)[1]
    groups = [boxes[numeral == number] for number in range(numeral.max(initial=-1) + 1)]
    joined = [
        [np.r_[group[:, :2].min(axis=0), group[:, 2:].max(axis=0)]] if len(group) <= NUMERALS else group
        for group in groups
    ]
    return np.array([box for group in joined for box in group]).reshape(-1, 4)


def _is_slim(boxes: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which boxes hold a single stroke."""
    return np.asarray(boxes[:, 2] - boxes[:, 0] < _SLIM * (boxes[:, 3] - boxes[:, 1]))


def _read_words(
    printed: NDArray[np.float32], boxes: NDArray[np.float64], tall: float = 0.0
) -> tuple[NDArray[np.float64], LeadReadings]:
    """Boxes and what they say; of single strokes, which are many on some pages, only those as tall as the names."""
    slim = _is_slim(boxes)
    readings = read_lead_names(printed, boxes[~slim])
    if tall := tall or _usual_height(_of_one_height(boxes[~slim], readings.log_probability)):
        slim &= np.abs((boxes[:, 3] - boxes[:, 1]) / tall - 1) < _OTHER_SIZE
    again = read_lead_names(printed, boxes[slim])
    wide = boxes[~_is_slim(boxes)]
    return np.concatenate([wide, boxes[slim]]), _both(readings, again)


def _both(one: LeadReadings, other: LeadReadings) -> LeadReadings:
    return LeadReadings(
        np.concatenate([one.log_probability, other.log_probability]), np.concatenate([one.negated, other.negated])
    )


def _may_be_name(word: Word, baseline: NDArray[np.float64]) -> bool:
    x0, y0, x1, y1 = word.box
    height, width = (y1 - y0) / PIXELS_PER_MM, (x1 - x0) / PIXELS_PER_MM
    if not _NAME_HEIGHT_MM[0] <= height <= _NAME_HEIGHT_MM[1] or width > min(_NAME_WIDTH_MM, _LONGEST * height):
        return False
    near = np.abs(baseline - (y0 + y1) / 2).min() < _NEAR_MM * PIXELS_PER_MM
    return bool(near) and word.glyphs <= _MOST_GLYPHS


def _names_on_rows(
    coverage: NDArray[np.float32], boxes: NDArray[np.float64], baseline: NDArray[np.float64], tall: float
) -> NDArray[np.float64]:
    """Boxes of words that stand on a row and are none of those that are known; of the names' height, unless it is 0."""
    words = [word for word in find_words(coverage)[0] if _may_be_name(word, baseline)]
    found = np.array([word.box for word in words], float).reshape(-1, 4)
    x0, y0, x1, y1 = found.T
    taken = np.abs(baseline[:, None] - (y0 + y1) / 2).min(axis=0) < _ON_ROW
    if tall:
        taken &= _as_tall(found, tall) & (x1 - x0 < 4 * tall)
    height = (y1 - y0)[:, None]
    # What is left of a name that a trace cut is narrower.
    known = (
        (np.maximum(boxes[:, 0] - x0[:, None], x1[:, None] - boxes[:, 2]) < _SLIM * height)
        & (np.minimum(y1[:, None], boxes[:, 3]) > np.maximum(y0[:, None], boxes[:, 1]))
        & _as_tall(boxes, tall or height)
    ).any(axis=1)
    unknown: NDArray[np.float64] = found[taken & ~known]
    return unknown


def _as_tall(boxes: NDArray[np.float64], height: float | NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which boxes are as tall as that."""
    return np.asarray(np.abs((boxes[:, 3] - boxes[:, 1]) / height - 1) < 0.2)


def _of_one_height(boxes: NDArray[np.float64], logs: NDArray[np.float64]) -> Names:
    """Names of one print: words of another height are none."""
    sure = _sure_names(boxes, logs)
    height = boxes[:, 3] - boxes[:, 1]
    if sure.any():
        logs = np.where((np.abs(height / np.median(height[sure]) - 1) > _OTHER_SIZE)[:, None], _NOTHING, logs)
    return Names(boxes, logs, sure)


def _usual_height(names: Names) -> float:
    """Height of the page's names, 0 when none is sure."""
    height = (names.boxes[:, 3] - names.boxes[:, 1])[names.sure]
    return float(np.median(height)) if len(height) else 0.0


def _sure_names(boxes: NDArray[np.float64], likely: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which words are lead names beyond doubt.

    Any upright stroke reads as I. But the names of a page are printed in one size, so a numeral must be as tall as the
    names that have letters.
    """
    sure: NDArray[np.bool_] = likely[:, :-1].max(axis=1, initial=-np.inf) > _SURE
    numeral = likely[:, :-1].argmax(axis=1) < NUMERALS if len(boxes) else np.zeros(0, bool)
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


def _says(logs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Evidence of readings, NaN where there is none for any lead."""
    says = np.full((len(logs), len(ALL_NAMES)), np.nan)
    read = ~np.isnan(logs[:, 0])
    says[read] = evidence(logs[read])
    says[read & ~(np.nan_to_num(says, nan=-1.0).max(axis=1) > 0)] = np.nan
    return says


def _find_slots(
    word: NDArray[np.int64], lines: Lines, boxes: NDArray[np.float64], level: NDArray[np.float64], tall: float
) -> _Slots:
    """Where names should stand: in line with those of their column, at one distance from their rows."""
    n_rows = len(level)
    row, column = np.divmod(np.arange(n_rows * lines.columns), lines.columns)
    x = np.zeros((n_rows, lines.columns))
    for number in range(lines.columns):
        found = word[:, number][word[:, number] >= 0]
        line = lines.first + lines.pitch * number
        x[:, number] = np.median(boxes[found, lines.side]) if len(found) > 1 else line
    if lines.side == 2:
        x -= 2.2 * tall
    flat = word.ravel()
    y = np.where(flat >= 0, (boxes[flat, 1] + boxes[flat, 3]) / 2 if len(boxes) else 0.0, level[row])
    at = np.where(flat >= 0, boxes[flat, 0] if len(boxes) else 0.0, x.ravel())
    return _Slots(row, column, at, x.ravel(), y, flat)


def _find_doubts(
    logs: NDArray[np.float64],
    slots: _Slots,
    naming: Naming,
    boxes: NDArray[np.float64],
    apart: NDArray[np.bool_],
    tall: float,
    coverage: NDArray[np.float32],
    printed: NDArray[np.float32],
) -> _Doubts:
    """Names that were not found, that a trace cut up, or that say other than expected; none without their height.

    Words that stand `apart` from all other ink were read whole, though a trace seemed to run on through them.
    """
    wanted, windows = [], []
    cut = np.zeros(len(logs), bool)
    for index, (row, column, word) in enumerate(zip(slots.row, slots.column, slots.word, strict=True)):
        leads = naming.rows[row - naming.skipped] if 0 <= row - naming.skipped < len(naming.rows) else ()
        if column >= len(leads) or tall == 0:
            continue
        whole = _with_lost_stroke(boxes[word], slots.line[index], coverage) if word >= 0 else np.zeros(4)
        # A name through which a trace ran has lost some of its ink.
        in_doubt = word >= 0 and not apart[word]
        cut[index] = in_doubt and (whole[0] < boxes[word, 0] or _was_cut(whole, coverage, printed))
        if word < 0 or _certainty(logs[index], leads[column]) < READ or cut[index]:
            x, y = whole[0] if cut[index] else slots.x[index], slots.y[index]
            if word < 0:
                y = _height_of_piece(boxes, x, y, tall)
            wanted.append(index)
            right = max(x + 2.2 * tall, boxes[word, 2] if word >= 0 else 0.0)
            windows.append([x - 2, y - tall / 2 - 6, right, y + tall / 2 + 6])
    return _Doubts(np.array(wanted, np.int64), np.array(windows, float).reshape(-1, 4), cut)


def _read_both(
    printed: NDArray[np.float32], unmarked: NDArray[np.float32], windows: NDArray[np.float64]
) -> list[tuple[NDArray[np.float64], NDArray[np.bool_]]]:
    """Readings of windows without the traces and with them, and whether a minus stands there."""
    first = read_lead_names(printed, windows)
    logs, negated = first.log_probability.copy(), first.negated.copy()
    left, top = (np.maximum(np.floor(windows[:, k]).astype(int) - 2, 0) for k in (0, 1))
    right, bottom = (np.ceil(windows[:, k]).astype(int) + 2 for k in (2, 3))
    places = [np.s_[y0:y1, x0:x1] for x0, y0, x1, y1 in zip(left, top, right, bottom, strict=True)]
    # Where no trace runs there is but one reading.
    other = np.array([not np.array_equal(printed[place], unmarked[place]) for place in places], bool)
    again = read_lead_names(unmarked, windows[other])
    logs[other], negated[other] = again.log_probability, again.negated
    return [(first.log_probability, first.negated), (logs, negated)]


def _settle(
    logs: NDArray[np.float64],
    negated: NDArray[np.bool_],
    slots: _Slots,
    doubts: _Doubts,
    both: list[tuple[NDArray[np.float64], NDArray[np.bool_]]],
) -> None:
    """Put what doubtful places say into the readings, in place."""
    # With the trace a name is whole, without it cut up: each reading counts as far as it is to be believed.
    for number, index in enumerate(doubts.slot):
        readings = [again[number] for again, _ in both]
        signs = [minus[number] for _, minus in both]
        if slots.word[index] >= 0 and not doubts.cut[index]:
            readings.append(logs[index])
            signs.append(negated[index])
        weights = np.array([_weight(reading) for reading in readings])
        logs[index] = np.log(np.average(np.exp(readings), axis=0, weights=weights) + 1e-9)
        negated[index] = signs[int(weights.argmax())] and logs[index, :-1].max() > _SURE


def _with_lost_stroke(box: NDArray[np.float64], line: float, coverage: NDArray[np.float32]) -> NDArray[np.float64]:
    """A name's box from where the names of its column begin, if there is ink: a stroke that is joined to a trace."""
    x0, y0, x1, y1 = box
    if not 0.2 < (x0 - line) / (y1 - y0) < 1.0:
        return box
    before = coverage[int(y0) : int(y1), max(0, int(line) - 2) : int(x0)]
    return np.array([line, y0, x1, y1]) if before.sum() > y1 - y0 else box


def _height_of_piece(boxes: NDArray[np.float64], x: float, y: float, tall: float) -> float:
    """Middle (y) of a name of which only a piece was found: a letter or digit of its size where it should stand."""
    middle, height = (boxes[:, 1] + boxes[:, 3]) / 2, boxes[:, 3] - boxes[:, 1]
    piece = (np.abs(height / tall - 1) < 0.2) & (boxes[:, 0] > x - 4) & (boxes[:, 0] < x + 1.8 * tall)
    piece &= np.abs(middle - y) < 3.0 * PIXELS_PER_MM
    return float(middle[piece][np.abs(middle[piece] - y).argmin()]) if piece.any() else float(y)


def _certainty(logs: NDArray[np.float64], label: str) -> float:
    """Probability of a lead by a reading, what is something else shared out among all; 0 without a reading."""
    if np.isnan(logs[0]):
        return 0.0
    return float(np.exp(logs[ALL_NAMES.index(lead_of(label))]) + np.exp(logs[-1]) / len(ALL_NAMES))


def _name_boxes(
    places: list[Place], slots: _Slots, chosen: NDArray[np.int64], boxes: NDArray[np.float64], tall: float
) -> NDArray[np.float64]:
    """Box of every strip's whole name, also where only a part of it could be found; none without any name."""
    whole = []
    for place, slot in zip(places, chosen if tall > 0 else (), strict=tall > 0):
        x, y = slots.x[slot], slots.y[slot]
        width = tall * sum(_CHARACTER_WIDTHS.get(letter, 0.8) for letter in place.lead)
        whole.append([x - 4, y - tall / 2 - 3, x + width + 4, y + tall / 2 + 3])
    return np.array(whole).reshape(-1, 4)


def _was_cut(box: NDArray[np.float64], coverage: NDArray[np.float32], printed: NDArray[np.float32]) -> bool:
    """Whether erasing the traces took ink out of a box."""
    x0, y0, x1, y1 = box.astype(int)
    before, after = coverage[y0:y1, x0 : x1 + 1].sum(), printed[y0:y1, x0 : x1 + 1].sum()
    return bool(after < 0.95 * before)


def _weight(logs: NDArray[np.float64]) -> float:
    """How far a reading is to be believed beside another of the same place.

    What is left of a cut-up name may look like a numeral; nothing looks like letters by chance.
    """
    lead = int(logs[:-1].argmax())
    return float(np.exp(logs[lead])) * (1.0 if lead >= NUMERALS else 0.5) + 1e-6
