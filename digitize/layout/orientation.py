"""Choose which way up a page is: quarter turns are tried here and nowhere else.

A grid looks the same after a quarter turn. Traces run along time; lead names can be read one way up, and calibration
pulses stand up. Of the names only those with a letter beside the I tell anything: ``I``, ``II`` and ``III`` read the
same upside down.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from digitize.geometry.mapping import turned
from digitize.geometry.placement import scale_in_middle
from digitize.ink.look import Looker, look_at
from digitize.ink.ruled import without_ruled_lines
from digitize.layout.printed import ReadPage, read_print
from digitize.layout.recount import recounted_grid
from digitize.ocr.text import Word, find_words, read_lead_names
from digitize.records.known import Known
from digitize.records.layouts import LEAD_NAMES
from digitize.records.page import Page, PageError
from digitize.records.placement import Grid, Placement
from digitize.records.traces import Rows
from digitize.records.upright import PIXELS_PER_MM
from digitize.tracing.direction import runs_downward
from digitize.tracing.rescale import measured_scale
from digitize.tracing.symbols import find_symbols
from digitize.tracing.view import LaidPage, UprightAnalysis, follow_traces, lay, looked_at

_NAME_MM = (1.2, 6.0)
_NAME_GLYPHS = 5
_MOST_NAMES = 48
"""Height of a lead name in mm, its letters, and how many words of that size are read."""

_TELLING = tuple(index for index, name in enumerate(LEAD_NAMES) if name.strip("I"))
"""Leads whose names do not read the same upside down."""

_SURE = 0.8
"""Probability from which a name counts as read."""

_MOST_PULSES = 2
"""Pulses that count, each as much as a name."""

_CLEARLY = 0.9
"""Names by which the page turned round must be ahead."""


_TWO_NAMES = 1.7
"""Names by which a page on its side must be ahead: one may be read into anything."""


def choose(page: Page, placement: Placement, known: Known, look: Looker | None = look_at) -> ReadPage:
    """Put a page the right way up, follow its traces and read its print.

    Traces tell along which axis time runs. Where few of the lead names can then be read, names and pulses tell whether
    the page is to be turned further. In between, a grid whose lines were taken for others is counted anew.

    Parameters
    ----------
    page : Page
    placement : Grid or PaperScale
        Where the page's millimeters lie, up to quarter turns.
    known : Known
        What the caller knows of the page. Where that is how to turn it, it is left as it lies, and what speaks against
        that is among the layout's contradictions.
    look : callable or None
        Tells what is ink (`digitize.ink.look`); None for none.

    Returns
    -------
    ReadPage

    Raises
    ------
    PageError
        If no trace runs across the page, or it would be larger than any sheet of paper.
    """
    may_turn = known.turn is None
    if not may_turn:
        placement = turned(placement, round(scale_in_middle(placement, page)[2] / 90))
    read = _read(page, placement, known, look, may_turn=may_turn)
    if read is None:
        raise PageError(f"{page.name}: no electrocardiogram found (no trace runs across the picture)")
    grid = recounted_grid(page, read)
    if grid is not None:
        read = _read(page, grid, known, look, may_turn=may_turn) or read
    turns = _turns_by_print(read)
    if turns and not may_turn:
        return _contradicting(read, known, turns)
    if turns:
        read = _read(page, turned(read.analysis.placement, turns), known, look, may_turn=False) or read
    return read


def _contradicting(read: ReadPage, known: Known, turns: int) -> ReadPage:
    """The same, with a word on names and pulses that stand another way up than the caller says."""
    if read.layout is None:
        return read
    told = f"turned by {known.turn} degrees as given, but names or pulses stand upright {90 * turns} degrees further"
    return read._replace(layout=replace(read.layout, contradictions=(*read.layout.contradictions, told)))


def _read(
    page: Page, placement: Placement, known: Known, look: Looker | None, *, may_turn: bool = True
) -> ReadPage | None:
    analysis = _analyze(page, placement, known, look, may_turn=may_turn)
    return None if analysis is None else read_print(analysis, known)


def _analyze(
    page: Page, placement: Placement, known: Known, look: Looker | None, *, may_turn: bool
) -> UprightAnalysis | None:
    """Follow the traces of a page; of one without a grid once more, at the scale that its pulses and rows have."""
    if isinstance(placement, Grid):
        return follow_traces(_laid(page, placement, look, may_turn), known.n_rows)
    # The network knows print by its size: it looks when that is known.
    analysis = follow_traces(_laid(page, placement, None, may_turn), known.n_rows)
    if analysis is None or isinstance(analysis.placement, Grid):
        return analysis
    traces, level = analysis.traces, analysis.rows.level
    scale = measured_scale(analysis.placement, traces, level, analysis.symbols, speed=known.speed, gain=known.gain)
    return follow_traces(_laid(page, scale, look, may_turn), known.n_rows)


def _laid(page: Page, placement: Placement, look: Looker | None, may_turn: bool) -> LaidPage:
    """Put a page upright, so that its traces run across it if it may be turned, and look at it."""
    laid = lay(page, placement)
    if may_turn and runs_downward(laid.near_grid):
        laid = lay(page, turned(placement, 1))
    laid = laid if look is None else looked_at(page, laid, look)
    # Not before: ruled lines that run downward are left, and would pass for traces.
    return replace(laid, coverage=without_ruled_lines(laid.coverage))


def _turns_by_print(read: ReadPage) -> int:
    """Quarter turns clockwise that a page still needs; 0 where most of its names can be read, or two pulses stand."""
    places = () if read.layout is None else read.layout.places
    names_read = sum(place.is_read for place in places)
    most_read = read.layout is not None and 4 * names_read >= 3 * len(places)
    if most_read or len(read.pulses) >= 2:
        return 0
    # All ink: upside down or on its side, print does not look like any.
    coverage = read.analysis.laid.ink.coverage
    return 2 if is_upside_down(coverage, read.analysis.rows) else turns_by_names(coverage)


def is_upside_down(coverage: NDArray[np.float32], rows: Rows) -> bool:
    """Whether a page whose traces run across it stands on its head.

    Parameters
    ----------
    coverage : ndarray, shape (h, w), float32
        Share of each pixel of the page that is ink.
    rows : Rows
        The page's rows.

    Returns
    -------
    bool
        False where neither names nor pulses tell.

    Examples
    --------
    >>> rows = Rows(np.full((1, 300), 150, np.float32), np.array([0]), np.array([300]))
    >>> is_upside_down(np.zeros((300, 300), np.float32), rows)
    False
    """
    upended = np.ascontiguousarray(coverage[::-1, ::-1])
    height, width = coverage.shape
    rows_upended = Rows(height - 1 - rows.level[::-1, ::-1], width - rows.end[::-1], width - rows.start[::-1])
    ahead_by = len(find_symbols(upended, rows_upended).pulses) - len(find_symbols(coverage, rows).pulses)
    pulses = min(max(ahead_by, -_MOST_PULSES), _MOST_PULSES)
    ahead = _names_read(upended) + pulses
    # To read takes longest, and what can be read the right way up only ever speaks against.
    return ahead > _CLEARLY and ahead - _names_read(coverage) > _CLEARLY


def turns_by_names(coverage: NDArray[np.float32]) -> int:
    """Tell how a page that was laid on its side must be turned, by the lead names that can then be read.

    Beats so tall that they cross the rows beside them hang together across the traces as these do along them.

    Parameters
    ----------
    coverage : ndarray, shape (h, w), float32
        Share of each pixel of the page that is ink.

    Returns
    -------
    int
        Quarter turns clockwise: 1 or 3; 0 where names do not tell.

    Examples
    --------
    >>> turns_by_names(np.zeros((300, 300), np.float32))
    0
    """
    ahead = {turns: _names_read(np.ascontiguousarray(np.rot90(coverage, -turns))) for turns in (1, 3)}
    best = max(ahead, key=lambda turns: ahead[turns])
    if ahead[best] < _TWO_NAMES:
        return 0
    return best if ahead[best] - _names_read(coverage) > _TWO_NAMES else 0


def _names_read(coverage: NDArray[np.float32]) -> float:
    """Number of telling lead names that can be read, each weighted by how surely."""
    names = [word.box for word in find_words(coverage)[0] if _may_be_name(word)][:_MOST_NAMES]
    if not names:
        return 0.0
    best = np.exp(read_lead_names(coverage, names).log_probability)[:, _TELLING].max(axis=0)
    return float(best[best > _SURE].sum())


def _may_be_name(word: Word) -> bool:
    x0, y0, x1, y1 = word.box
    return word.glyphs <= _NAME_GLYPHS and _NAME_MM[0] <= (y1 - y0) / PIXELS_PER_MM <= _NAME_MM[1] and x1 - x0 < 200
