"""Find the leads of all strips from readings of words: which words are names, how they stand in line, what they say.

Every way in which names can stand in line, column by column, is a hypothesis; with it go a layout of the table and the
rows that are rhythm strips. The hypothesis under which the readings of all words together are most likely wins (a sum
of log-likelihood ratios, Neyman and Pearson, 1933); what traces say beside names, `digitize.layout.obedience` knows. A
name that cannot be read costs little; one that reads as another costs no more than one reading can prove; and an order
of names that is in no table must explain much more than one that is. In such an order the names are a permutation of
the leads, so the most likely *assignment* of names to strips (Kuhn, 1955) is taken.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from digitize.records.layouts import (
    ALL_NAMES,
    COLUMN_COUNTS,
    CUSTOM,
    LAYOUTS,
    LEAD_NAMES,
    MOST_ROWS,
    OTHER_NAMES,
    UNKNOWN,
    Layout,
    lead_of,
)
from digitize.records.upright import PIXELS_PER_MM
from digitize.tracing.alignment import Given, align

NUMERALS = 3
"""I, II and III come first in `LEAD_NAMES`: names that any upright strokes can look like."""

_NAME_BEFORE, _NAME_AFTER = 25.0 * PIXELS_PER_MM, 30.0 * PIXELS_PER_MM
"""Farthest that names stand before and after the beginnings of their strips."""
_LINE = 3.0 * PIXELS_PER_MM
"""Names no farther apart than this, across, stand in one line."""
_ACROSS, _DOWN = 2.0 * PIXELS_PER_MM, 2.5 * PIXELS_PER_MM
"""By how much names usually stray from their line and from their distance to the trace."""
_FARTHEST = 6.0 * PIXELS_PER_MM
"""Farthest that one strays."""
_MOST_STANDINGS, _AS_LIKELY = 3, 0.6
"""Distances of names from traces that are looked at, and part of the best one's merit from which one is."""
_OFFSETS = {0: (-1.0 * PIXELS_PER_MM, 8.0 * PIXELS_PER_MM), 2: (-4.0 * PIXELS_PER_MM, 1.0 * PIXELS_PER_MM)}
"""How far the names' sides that stand in line usually are behind the beginnings of their strips."""
_USUAL_OFFSET = {0: 2.0 * PIXELS_PER_MM, 2: -1.0 * PIXELS_PER_MM}
_OTHER_DISTANCE = 1.0
"""Price of each distance that is likelier, where the layout is given and any of the rows may be left out for it."""
_NEAR_BAR = 4.0 * PIXELS_PER_MM
_WHOLE = 0.015
"""How much longer than its rows a page's columns may be together and still be whole."""
_LEAST_SHARE = 0.88
"""Share of its rows that a page's columns fill at least: a pulse may follow."""
_MOST_LINES = 30
"""Hypotheses on lines that are looked at for each number of columns."""
_MOST_RHYTHM = 3
_CLOSE, _MOST_RIVALS = 6.0, 5
"""By how many nats a hypothesis may be behind to be looked at again, and how many are."""
_WITHIN_LAW = 12.0
"""By how many nats names may be behind: what traces say of them may be as much."""

# Log-likelihood ratios and prices in nats.
_MOST_FOR_LETTERS, _MOST_FOR_NUMERALS = 5.0, 1.5
"""What one reading may weigh: nothing looks like letters by chance, but any stroke looks like a numeral."""
_MOST_AGAINST = 1.5
"""What one reading may weigh against another name."""
_UNREAD = 0.5
"""Price of a strip whose name is not found on a page with names."""
_HARDLY_ANY, _SOME, _ILLEGIBLE = 0.1, 0.3, 2.0
"""Shares of the names up to which a page's names are illegible, and from which they are not; the most that they say
against a layout where they are."""
_PARTED = 0.5
"""Worth of white at a border between columns."""
_ASTRAY = 1.5
"""Price of a sure name that stands where the hypothesis has no strip."""
_OWN_ORDER = 7.0
"""Price of an order of names that is in no table."""
_EMPTY_COLUMN = 3.0
"""Price, in such an order, of a column without a name."""
_OUTSIDE, _SURELY_OUTSIDE = 3.0, 1.5
"""Price of a lead outside the standard twelve in the place of one of them, and least evidence for it."""
_BACK = tuple(OTHER_NAMES.index(lead) for lead in ("V7", "V8", "V9"))
_LEFT_OUT = 4.0
"""Price of a row above the first strip."""
_PRICES = {"3x4": 0.0, "12x1": 0.5, "6x2": 1.0}
_RARE, _PARTIAL = 2.0, 3.0
"""Prices of the common layouts, of others, and of those without all twelve leads."""
_CONTINUES = 4.0
"""Price of one lead that continues from row to row."""
_RARELY_CONTINUES = 1.0
"""Price of one that is seldom chosen for that."""
_LONGEST_BLOCK = 3
"""Most leads that continue together."""
_RHYTHM_PRICES = (0.5, 0.0, 1.0, 0.5)
"""Prices of 0 to 3 rhythm strips."""
_BAR, _STRAY_BAR, _MISSING_BAR = 1.0, 0.5, 0.5
"""Worth of a bar at a border; prices of one elsewhere and of one that is missing."""
_MOST_STRAY, _CUT_BEFORE, _NO_ROOM = 4.0, 0.5, 3.0
"""Most that unusual places of names cost; price of a first column that is cut short, and more where names that end in
line have no white to stand in."""
_USUAL_RHYTHM = {"II": 2.0, "V1": 1.6, "V5": 1.5}
"""What speaks for these leads as rhythm strips, beside their names."""


@dataclass(frozen=True)
class Names:
    """Words that may be names.

    Attributes
    ----------
    boxes : ndarray, shape (n, 4), float64
        ``(x0, y0, x1, y1)`` in upright pixels.
    logs : ndarray, shape (n, leads + 1), float64
        Log-probabilities of `ALL_NAMES` and, last, of anything else.
    sure : ndarray, shape (n,), bool
        Which are names beyond doubt.
    """

    boxes: NDArray[np.float64]
    logs: NDArray[np.float64]
    sure: NDArray[np.bool_]

    @property
    def lettered(self) -> NDArray[np.bool_]:
        """Which are sure and no numerals."""
        lettered: NDArray[np.bool_] = self.sure & (self.logs[:, :-1].argmax(axis=1) >= NUMERALS)
        return lettered

    @property
    def unread(self) -> float:
        """Price of a strip whose name is not found, nats: nothing where the page has no names."""
        return _UNREAD if self.sure.any() else 0.0


@dataclass(frozen=True, eq=False)
class Standing:
    """How names stand to the rows.

    Attributes
    ----------
    row : ndarray, shape (n,), int
        Row of each name.
    stray : ndarray, shape (n,), float64
        How far the names are from where they should stand, downward.
    distance : float
        From a row's 0 mV down to the middle of its names.
    """

    row: NDArray[np.int64]
    stray: NDArray[np.float64]
    distance: float


@dataclass(frozen=True)
class Lines:
    """How names stand in line.

    Attributes
    ----------
    columns : int
    pitch : float
        Distance of the lines in pixels.
    first : float
        Where the first one is (x).
    side : int
        0 where the names' left sides stand in line, 2 where their right sides do: an index into boxes.
    """

    columns: int
    pitch: float
    first: float
    side: int


@dataclass(frozen=True)
class Naming:
    """Leads of the rows.

    Attributes
    ----------
    score : float
        What speaks for it, nats.
    layout : Layout
        As it was given, else with the leads that were found.
    rows : tuple of tuple of str
        Labels of the page's rows, rhythm strips last; empty for a row of the page that a given layout lacks.
    skipped : int
        Rows above the first of these that are no strips.
    missing : tuple of str
        Leads of rows of a given layout that the page lacks.
    """

    score: float
    layout: Layout
    rows: tuple[tuple[str, ...], ...]
    skipped: int = 0
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Hypothesis:
    """How names stand, the leads that it gives, and what these rest on.

    Attributes
    ----------
    lines : Lines
    begin : float
        Where the first column begins (x): before the rows do, where a picture's edge cuts it short.
    standing : Standing
    naming : Naming
    cells : ndarray, shape (rows, columns, leads), float64
        Evidence of every place for every lead, NaN where nothing stands.
    astray : ndarray, shape (rows,), int
        Sure names of every row that stand in none of its places.
    worth_of_borders : float
        What borders add, nats.
    """

    lines: Lines
    begin: float
    standing: Standing
    naming: Naming
    cells: NDArray[np.float64]
    astray: NDArray[np.int64]
    worth_of_borders: float


def evidence(logs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weigh what readings say for and against each lead.

    Parameters
    ----------
    logs : ndarray, shape (n, leads + 1)
        As in `Names`.

    Returns
    -------
    ndarray, shape (n, leads), float64
        Log-likelihood ratios against anything else, held to what one reading may prove.

    Examples
    --------
    >>> logs = np.log(np.full((1, len(ALL_NAMES) + 1), 1e-6))
    >>> logs[0, LEAD_NAMES.index("V3")] = 0.0
    >>> found = evidence(logs)[0]
    >>> ALL_NAMES[found.argmax()], float(found.max())
    ('V3', 5.0)
    """
    most = np.full(len(ALL_NAMES), _MOST_FOR_LETTERS)
    most[:NUMERALS] = _MOST_FOR_NUMERALS
    best = logs[:, :-1].max(axis=1, initial=-np.inf)
    # Against the lead that it says best, too: what is surely V1 is not V4, even where it might be nothing.
    ratio = logs[:, :-1] - np.maximum(logs[:, -1], -10.0)[:, None]
    found: NDArray[np.float64] = np.minimum(ratio, most - np.minimum(best[:, None] - logs[:, :-1], 20.0))
    return found


def rows_of_names(boxes: NDArray[np.float64], sure: NDArray[np.bool_], baseline: NDArray[np.float64]) -> list[Standing]:
    """Row of each name: the nearest, after the distance at which names stand from their traces was taken off.

    Parameters
    ----------
    boxes : ndarray, shape (n, 4)
    sure : ndarray, shape (n,), bool
        Those that tell the distance.
    baseline : ndarray, shape (rows,)
        0 mV of the rows (y).

    Returns
    -------
    list of Standing
        At the most likely distance; then, where names may as well belong to other rows, at those that make it so.

    Examples
    --------
    >>> boxes = np.array([[0, 80, 20, 100], [0, 480, 20, 500.0]])
    >>> standing, *_ = rows_of_names(boxes, np.ones(2, bool), np.array([150.0, 550.0]))
    >>> standing.row.tolist(), standing.stray.tolist(), standing.distance
    ([0, 1], [0.0, 0.0], -60.0)
    """
    away = (boxes[:, 1] + boxes[:, 3])[:, None] / 2 - baseline
    if not sure.any():
        return [_stand(away, sure, -6.0 * PIXELS_PER_MM)]
    # Names stand all above or all below, at one distance: the one at which most names find a row and most rows a name.
    distances = np.arange(-20, 20.5, 0.5) * PIXELS_PER_MM
    merit = []
    for distance in distances:
        stray = np.abs(away[sure] - distance) / (3.0 * PIXELS_PER_MM)
        fit = np.maximum(1.0 - stray.min(axis=1), 0.0)
        named = len(np.unique(stray.argmin(axis=1)[fit > 0.3]))
        merit.append(float(fit.sum() + named - 0.002 * abs(distance)))
    left, chosen = np.array(merit), [int(np.argmax(merit))]
    # Distances nearer to each other than that give names the same rows.
    apart = 0.5 * float(np.median(np.diff(baseline))) if len(baseline) > 1 else np.inf
    while len(chosen) < _MOST_STANDINGS:
        left[np.abs(distances - distances[chosen[-1]]) < apart] = -np.inf
        if left.max() <= _AS_LIKELY * max(merit):
            break
        chosen.append(int(left.argmax()))
    return [_stand(away, sure, float(distances[k])) for k in chosen]


def _stand(away: NDArray[np.float64], sure: NDArray[np.bool_], distance: float) -> Standing:
    row = np.abs(away - distance).argmin(axis=1)
    own = away[np.arange(len(away)), row]
    near = sure & (np.abs(own - distance) < _DOWN)
    distance = float(np.median(own[near])) if near.any() else distance
    return Standing(row, own - distance, distance)


def find_lines(
    names: Names,
    standings: Sequence[Standing],
    left: NDArray[np.float64],
    right: NDArray[np.float64],
    bars: NDArray[np.float64],
    gaps: Mapping[int, float],
    parted: Collection[int] = (),
    given: Given | None = None,
) -> list[Hypothesis]:
    """Find how the names of a page stand in line, and the leads that this gives.

    Parameters
    ----------
    names : Names
    standings : sequence of Standing
        From `rows_of_names`.
    left, right : ndarray, shape (rows,)
        Where the rows' samples begin and end (x).
    bars : ndarray, shape (k,)
        Separators within the rows (x).
    gaps : mapping of int to float
        White between neighboring strips, if there were so many columns.
    parted : collection of int
        Numbers of columns at whose borders, and not between them, all rows are white.
    given : Given, optional
        The layout as the caller knows it.

    Returns
    -------
    list of Hypothesis
        The most likely one and, where names are missing, different ones that are nearly as likely; best first.
    """
    best: dict[tuple[int, int], Hypothesis] = {}
    for lines in _ways(names, left, right, gaps, None if given is None else given.layout.columns):
        begin, worth = _begin_of(bars, lines, gaps.get(lines.columns, 0.0), left, right)
        worth += _PARTED * len(left) * (lines.columns - 1) * (lines.columns in parted)
        for number, standing in enumerate(standings):
            cells, astray = _cells(names, lines, standing, left)
            naming = name_rows(cells, astray, names.unread, given)
            told = worth - (0.0 if given is None else _OTHER_DISTANCE * number)
            naming = replace(naming, score=naming.score + told)
            kind = (lines.columns, number)
            if kind not in best or naming.score > best[kind].naming.score:
                best[kind] = Hypothesis(lines, begin, standing, naming, cells, astray, told)
    ranked = sorted(best.values(), key=lambda hypothesis: -hypothesis.naming.score)
    least = ranked[0].naming.score - _CLOSE
    return [hypothesis for hypothesis in ranked if hypothesis.naming.score >= least][:_MOST_RIVALS]


def _ways(
    names: Names,
    left: NDArray[np.float64],
    right: NDArray[np.float64],
    gaps: Mapping[int, float],
    columns: int | None,
) -> list[Lines]:
    """Ways in which names may stand in line: columns that are whole shares of the rows, or the last one cut short."""
    start, length = float(np.median(left)), float(np.median(right - left))
    counts = COLUMN_COUNTS if columns is None else (columns,)
    found = [Lines(n, length / n, start, 0) for n in counts]
    # Names that stand left of their strips fill the white between those.
    found += [Lines(n, (length + gaps[n]) / n, start - PIXELS_PER_MM, 2) for n in counts if gaps.get(n, 0.0) > _LINE]
    which = names.lettered if names.lettered.any() else names.sure
    for side in (0, 2):
        ends = np.sort(names.boxes[which, side])
        groups = np.split(ends, np.flatnonzero(np.diff(ends) > _LINE) + 1) if len(ends) else []
        at = [float(np.median(group)) for group in groups]
        for n in counts:
            before = _farthest_before(side, n)
            # They stand in the white between the strips, so that is a part of every column.
            span = length + (gaps.get(n, 0.0) if side == 2 else 0.0)
            pitches = [(span / n, x - column * span / n) for x in at for column in range(n)]
            for a in range(n - 1):
                for b in range(a + 1, n):
                    for i, x in enumerate(at):
                        for other in at[i + 1 :]:
                            pitch = (other - x) / (b - a)
                            if _fits(n * pitch / span, n):
                                pitches.append((pitch, x - a * pitch))
            fitting = [
                Lines(n, pitch, first, side)
                for pitch, first in pitches
                # Where the first column is cut short, it begins before its row.
                if -before - max(n * pitch - span, 0.0) <= first - start <= min(_NAME_AFTER, 0.6 * pitch)
            ]
            found += sorted(fitting, key=lambda lines: -_on_line(ends, lines))[:_MOST_LINES]
    return found


def _farthest_before(side: int, columns: int) -> float:
    """How far before their strips names may stand in line."""
    # Those that end in line stand close; only a first one may stand left of a pulse as well.
    return _NAME_BEFORE if side == 0 or columns == 1 else _LINE


def _fits(ratio: float, n_columns: int) -> bool:
    """Whether columns so much longer than their rows are cut short, or followed by something that is no strip."""
    return 1 + _WHOLE < ratio < (1 + 4 * _WHOLE) * n_columns / (n_columns - 1) or _LEAST_SHARE < ratio < 1 - _WHOLE


def _on_line(x: NDArray[np.float64], lines: Lines) -> int:
    """How many names stand in line."""
    column = np.rint((x - lines.first) / lines.pitch)
    inside = (column >= 0) & (column < lines.columns)
    return int((inside & (np.abs(x - lines.first - column * lines.pitch) < _LINE)).sum())


def place_names(names: Names, lines: Lines, standing: Standing, left: NDArray[np.float64]) -> NDArray[np.int64]:
    """Find the word that names each place.

    Parameters
    ----------
    names : Names
    lines : Lines
    standing : Standing
    left : ndarray, shape (rows,)
        Where the rows' samples begin (x).

    Returns
    -------
    ndarray, shape (rows, columns), int
        Numbers of the words, -1 where there is none.
    """
    column, value, placed = _values(names, lines, standing, left)
    word = np.full((len(left), lines.columns), -1)
    order = np.flatnonzero(placed)[np.argsort(value[placed].max(axis=1), kind="stable")]
    word[standing.row[order], column[order]] = order
    return word


def _cells(
    names: Names, lines: Lines, standing: Standing, left: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Evidence of every place for every lead (rows, columns, leads), NaN where nothing stands; sure names elsewhere.

    The latter are counted by row.
    """
    column, value, placed = _values(names, lines, standing, left)
    cells = np.full((len(left), lines.columns, len(ALL_NAMES)), -np.inf)
    np.maximum.at(cells, (standing.row[placed], column[placed]), value[placed])
    cells[np.isinf(cells).all(axis=2)] = np.nan
    return cells, np.bincount(standing.row[names.lettered & ~placed], minlength=len(left))


def _values(
    names: Names, lines: Lines, standing: Standing, left: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]:
    """Column of each word, what it is worth there for each lead (n, leads), and whether it stands in a place at all."""
    x = names.boxes[:, lines.side] - lines.first
    column = np.rint(x / lines.pitch).astype(int)
    across = x - column * lines.pitch
    # Where names stand left of their strips, that of a first strip stands left of its calibration pulse too.
    end, begin = names.boxes[:, 2], left[standing.row]
    before = (lines.side == 2) & (end < begin + PIXELS_PER_MM) & (end > begin - _NAME_BEFORE)
    column, across = np.where(before, 0, column), np.where(before, 0.0, across)
    value = evidence(names.logs) - 0.5 * ((across / _ACROSS) ** 2 + (standing.stray / _DOWN) ** 2)[:, None]
    inside = (column >= 0) & (column < lines.columns) & (np.abs(across) < _FARTHEST)
    return column, value, inside & (value.max(axis=1) > 0)


def _begin_of(
    bars: NDArray[np.float64], lines: Lines, gap: float, left: NDArray[np.float64], right: NDArray[np.float64]
) -> tuple[float, float]:
    """Where the first column begins, and what its borders and the places of its names add, nats.

    Columns that are longer than their rows are cut short: the last of them or the first, or both.
    """
    start, end = float(np.median(left)), float(np.median(right))

    def worth(begin: float) -> float:
        return _worth_of_bars(bars, lines, begin, gap, start, end, len(left))

    if lines.columns * lines.pitch - gap <= (1 + _WHOLE) * (end - start):
        return start, worth(start)
    cut_before = end + gap - lines.columns * lines.pitch
    at_names = lines.first - _USUAL_OFFSET[lines.side]
    begins = [start] if lines.first >= start - _farthest_before(lines.side, lines.columns) else []
    begins += [cut_before] + [at_names] * (cut_before < at_names < start)
    least, most = _OFFSETS[lines.side]
    # Names can stand in line with their right sides before strips that white parts.
    no_room = _NO_ROOM if lines.side == 2 and gap < _LINE else 0.0
    told = []
    for begin in begins:
        offset = lines.first - begin
        stray = max(least - gap - offset, offset - most, 0.0)
        price = min(0.5 * (stray / _DOWN) ** 2, _MOST_STRAY) + no_room + (_CUT_BEFORE if begin < start else 0.0)
        told.append(worth(begin) - price)
    best = int(np.argmax(told))
    return begins[best], told[best]


def _worth_of_bars(
    bars: NDArray[np.float64], lines: Lines, begin: float, gap: float, start: float, end: float, rows: int
) -> float:
    inside = bars[(bars > start + 0.05 * (end - start)) & (bars < start + 0.95 * (end - start))]
    if len(inside) == 0:
        return 0.0
    borders = begin + lines.pitch * np.arange(1, lines.columns)
    # A bar stands anywhere in the white between two strips, mostly at the end of the first.
    before = borders - inside[:, None]
    near = (before > -_NEAR_BAR) & (before < gap + _NEAR_BAR)
    missing = max(0, rows * len(borders) - int(near.sum()))
    stray = int((~near.any(axis=1)).sum())
    return _BAR * float(near.sum()) - _STRAY_BAR * stray - _MISSING_BAR * missing


def name_rows(
    cells: NDArray[np.float64], astray: NDArray[np.int64], unread: float, given: Given | None = None
) -> Naming:
    """Find the leads that explain what is read best: the first of `likely_namings`.

    Parameters
    ----------
    cells : ndarray, shape (rows, columns, leads)
    astray : ndarray, shape (rows,), int
    unread : float
    given : Given, optional

    Returns
    -------
    Naming

    Examples
    --------
    >>> cells = np.full((3, 4, len(ALL_NAMES)), np.nan)
    >>> cells[1, 2] = -3.0
    >>> cells[1, 2, LEAD_NAMES.index("V2")] = 5.0
    >>> name_rows(cells, np.zeros(3, int), 0.5).layout.name
    '3x4'
    """
    return likely_namings(cells, astray, unread, given)[0]


def likely_namings(
    cells: NDArray[np.float64], astray: NDArray[np.int64], unread: float, given: Given | None = None
) -> list[Naming]:
    """Find the leads that explain what is read, best first, and others that explain it nearly as well.

    Parameters
    ----------
    cells : ndarray, shape (rows, columns, leads)
        Evidence of every place for every lead of `ALL_NAMES`, NaN where nothing stands.
    astray : ndarray, shape (rows,), int
        Sure names of every row that stand in none of its places.
    unread : float
        Price of a place with nothing.
    given : Given, optional
        The layout as the caller knows it: then only its rows are found among those of the page, and of a rectangle in
        an order of its own the leads.

    Returns
    -------
    list of Naming
    """
    n_rows, n_columns, _ = cells.shape
    empty = np.isnan(cells[:, :, 0])
    held = np.where(empty[:, :, None], -unread, np.maximum(cells, -_MOST_AGAINST))
    # Names in the later columns of a rhythm strip are astray.
    later = (~empty[:, 1:] & (np.nanmax(np.where(empty[:, 1:, None], 0.0, cells[:, 1:]), axis=2) > 2.0)).sum(axis=1)
    free = np.where(empty[:, :, None], 0.0, held)
    if given is not None:
        naming = _as_given(held, free, later, given)
        return [replace(naming, score=naming.score - _ASTRAY * float(astray.sum()))]

    found: list[Naming] = []
    for layout in LAYOUTS.values():
        size = len(layout.rows)
        if layout.columns != n_columns or size > n_rows:
            continue
        for skipped in range(min(2, n_rows - size + 1)):
            rest = n_rows - size - skipped
            if rest > _MOST_RHYTHM:
                continue
            block, below = slice(skipped, skipped + size), free[skipped + size :, 0]
            score, rows = _in_table_order(layout, held[block], free[block], below)
            worth, rhythm = _rhythm(below, later[skipped + size :])
            score += worth - unread * float(empty[skipped + size :, 0].sum())
            score -= _RHYTHM_PRICES[rest] + _LEFT_OUT * skipped
            rectangle = layout.rectangle if rows == layout.rows else f"{CUSTOM}{layout.rectangle}"
            whole = Layout(rectangle, rows, tuple(rhythm))
            found.append(Naming(score, whole, whole.all_rows, skipped))
    found += _single_rows(held[:, 0], free[:, 0]) if n_columns == 1 else []
    found += [
        _own_order(free, size, n_rows, later, unread * float(empty[:size].sum() + empty[size:, 0].sum()))
        for size in range(max(1, n_rows - _MOST_RHYTHM), n_rows + 1)
    ]
    found.sort(key=lambda naming: -naming.score)
    return [
        replace(naming, score=naming.score - _ASTRAY * float(astray.sum()))
        for naming in found
        if naming.score >= found[0].score - _WITHIN_LAW
    ]


def _as_given(held: NDArray[np.float64], free: NDArray[np.float64], later: NDArray[np.int64], given: Given) -> Naming:
    """A layout that is known, its rows among those of the page."""
    layout = given.layout
    rows = layout.all_rows
    worth = np.array([[_of_row(held[row], leads) for row in range(len(held))] for leads in rows])
    worth[len(layout.rows) :] -= _ASTRAY * later
    # The caller knows better than names that seem to say something else: these only tell which row is which.
    score, row_of = align(np.maximum(worth, 0.0), given.level, given.pitches)
    pairs = [(index, int(row)) for index, row in enumerate(row_of) if row >= 0]
    score += sum(min(worth[pair], 0.0) for pair in pairs)
    shown: list[tuple[str, ...]] = [()] * len(held)
    for index, row in pairs:
        shown[row] = rows[index]
    block = [row for index, row in pairs if index < len(layout.rows)]
    if block and not layout.tells_leads:
        for row, leads in zip(block, _own_leads(held[block], free[block]), strict=True):
            shown[row] = leads
    missing = tuple(lead for index, row in enumerate(row_of) if row < 0 for lead in rows[index] if lead != UNKNOWN)
    return Naming(float(score), layout, tuple(shown), missing=missing)


def _of_row(held: NDArray[np.float64], leads: Sequence[str]) -> float:
    """Weigh the names of a row (columns, leads) for its showing these; any lead will do for one that is unknown."""
    told = zip(leads, held[: len(leads)], strict=True)
    return float(sum(place.max() if lead == UNKNOWN else place[_index(lead)] for lead, place in told))


def _own_leads(held: NDArray[np.float64], free: NDArray[np.float64]) -> tuple[tuple[str, ...], ...]:
    """Leads of a rectangle of which only the size is known: a table's with some of others, or in an order of theirs."""
    n_rows, n_columns, _ = held.shape
    ways = [
        _in_table_order(layout, held, free, free[:0, 0])
        for layout in LAYOUTS.values()
        if (len(layout.rows), layout.columns) == (n_rows, n_columns)
    ]
    return max([*ways, _assigned(free)], key=lambda way: way[0])[1]


def _in_table_order(
    layout: Layout, held: NDArray[np.float64], free: NDArray[np.float64], below: NDArray[np.float64]
) -> tuple[float, tuple[tuple[str, ...], ...]]:
    """Weigh a rectangle of the table above such rhythm strips, and name its leads.

    Some of them may be replaced by others outside the standard twelve.
    """
    price = _PRICES.get(layout.name, _RARE if held[:, :, 0].size == len(LEAD_NAMES) else _PARTIAL)
    index = np.array([[_index(lead) for lead in row] for row in layout.rows])
    expected = np.take_along_axis(held, index[:, :, None], axis=2)[:, :, 0]
    outside = free[:, :, len(LEAD_NAMES) :]
    other = outside.max(axis=2) - _OUTSIDE
    replaced = (other > expected) & (other > _SURELY_OUTSIDE - _OUTSIDE)
    # Leads of the back are recorded together: a lone one is a digit misread.
    back = replaced & np.isin(outside.argmax(axis=2), _BACK)
    replaced &= ~back if back.sum() == 1 else True
    rows = tuple(
        tuple(
            ALL_NAMES[len(LEAD_NAMES) + int(outside[r, c].argmax())] if replaced[r, c] else lead
            for c, lead in enumerate(leads)
        )
        for r, leads in enumerate(layout.rows)
    )
    return float(np.where(replaced, other, expected).sum()) + _forgiven(expected, below) - price, rows


def _forgiven(expected: NDArray[np.float64], rhythm: NDArray[np.float64]) -> float:
    """Take back what speaks too much against a layout where hardly any name can be read: one cause hid them all."""
    read = int((expected > 0).sum()) + int((rhythm.max(axis=1, initial=0.0) > 0).sum())
    illegible = np.clip((_SOME - read / (expected.size + len(rhythm))) / (_SOME - _HARDLY_ANY), 0.0, 1.0)
    return float(illegible) * max(0.0, -float(np.minimum(expected, 0.0).sum()) - _ILLEGIBLE)


def _index(label: str) -> int:
    return ALL_NAMES.index(lead_of(label))


def _rhythm(free: NDArray[np.float64], later: NDArray[np.int64]) -> tuple[float, list[str]]:
    """Worth and leads of rhythm strips: no two alike."""
    usual = np.array([_USUAL_RHYTHM.get(lead, 0.0) for lead in ALL_NAMES])
    strip, lead = optimize.linear_sum_assignment(-(free + usual))
    worth = float((free[strip, lead] + usual[lead] - usual.max()).sum())
    return worth - _ASTRAY * float(later.sum()), [ALL_NAMES[k] for k in lead]


def _single_rows(held: NDArray[np.float64], free: NDArray[np.float64]) -> list[Naming]:
    """Rows of one strip each: different leads, or a few that continue below."""
    n_rows = len(held)
    found = []
    if n_rows <= 1 + _MOST_RHYTHM:
        worth, leads = _rhythm(free, np.zeros(n_rows, int))
        price = _RARE + 1.0 * (n_rows - 1)
        layout = Layout.of_strips(leads)
        found.append(Naming(worth - price, layout, layout.all_rows))
    longest = min(_LONGEST_BLOCK, n_rows // 2) if n_rows <= MOST_ROWS else 0
    found += [_continued(held, size) for size in range(1, longest + 1) if n_rows % size == 0]
    return found


def _continued(held: NDArray[np.float64], size: int) -> Naming:
    """Blocks of so many leads, each continuing in the next block."""
    times = len(held) // size
    folded = held.reshape(times, size, -1).sum(axis=0)
    # The same single stroke in every row is a mark of some kind, and proves nothing.
    folded[:, 0] = np.minimum(folded[:, 0], 0.0)
    rare = np.where([lead in _USUAL_RHYTHM for lead in ALL_NAMES], 0.0, _RARELY_CONTINUES)
    _, leads = optimize.linear_sum_assignment(rare - folded)
    worth = float((folded - rare)[np.arange(size), leads].sum())
    # Unless half of the rows name their leads, they are more likely to be different ones.
    named = (held[np.arange(len(held)), np.tile(leads, times)] > 0).mean()
    layout = Layout.of_strips([ALL_NAMES[lead] for lead in leads], times)
    return Naming(worth - _CONTINUES if named >= 0.5 else -np.inf, layout, layout.all_rows)


def _own_order(free: NDArray[np.float64], size: int, n_rows: int, later: NDArray[np.int64], unread: float) -> Naming:
    """A rectangle of leads in an order of its own, and rhythm strips below."""
    score, rows = _assigned(free[:size])
    worth, rhythm = _rhythm(free[size:, 0], later[size:])
    score += worth - unread - _RHYTHM_PRICES[n_rows - size]
    layout = Layout.custom(rows, rhythm)
    return Naming(score, layout, layout.all_rows)


def _assigned(free: NDArray[np.float64]) -> tuple[float, tuple[tuple[str, ...], ...]]:
    """Weigh the likeliest order of leads in a rectangle (rows, columns, leads), and give those leads."""
    n_rows, n_columns, _ = free.shape
    flat = free.reshape(n_rows * n_columns, -1)
    # Leads outside the standard twelve are not looked for where nothing is read.
    weight = flat - np.where(np.arange(len(ALL_NAMES)) < len(LEAD_NAMES), 0.0, 0.5)
    place, lead = optimize.linear_sum_assignment(-weight)
    leads = dict(zip(place.tolist(), lead.tolist(), strict=True))
    # More strips than leads: the rest say what they say best.
    chosen = [ALL_NAMES[leads.get(k, int(weight[k].argmax()))] for k in range(len(flat))]
    rows = tuple(tuple(chosen[row * n_columns : (row + 1) * n_columns]) for row in range(n_rows))
    score = float(flat[place, lead].sum()) - _OWN_ORDER
    score -= _EMPTY_COLUMN * float((free.max(axis=(0, 2)) <= 0).sum())
    score -= _PARTIAL if len(flat) != len(LEAD_NAMES) else 0.0
    return score, rows
