"""Analyze an upright page: its ink, its rows, calibration pulses and separators, and the traces along the rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from digitize.geometry.rectify import MOST_PIXELS, extent_of, rectify
from digitize.geometry.straighten import carry, straighten
from digitize.ink.coverage import Ink, find_ink
from digitize.ink.gate import gated
from digitize.ink.grid_area import GridArea
from digitize.ink.look import Look, Looker
from digitize.ocr.text import find_words
from digitize.records.page import Page, PageError
from digitize.records.placement import Grid, Placement
from digitize.records.symbols import Symbols
from digitize.records.traces import Rows, Traces
from digitize.records.upright import PIXELS_PER_MM, UprightPage
from digitize.tracing.fading import normalize_fading
from digitize.tracing.pen_ink import PenInk, find_pen_ink
from digitize.tracing.rows import find_rows, holds
from digitize.tracing.symbols import find_symbols, stacked_pulses, without_pulses
from digitize.tracing.trace import touch_names, trace_ink

_LEAST_ROW_MM = 40.0
"""Shortest row that is a recording and not a stray line."""

_ON_ROW_MM = 2.5
"""Distance from a row's level within which no print is expected."""

_WITHIN, _ABOVE = -1, 2
"""Tiles by which rows lie within the grid, whose edge may be the paper's, and by which a tall complex may leave it."""

_SOURCES = {"fax": "dots", "paper": "outline", "print": "stated resolution", "assumed": "assumed size"}
"""Sources of a scale as an error names them, where the name is not the word for it."""

_NO_NAMES = np.zeros((0, 4))


@dataclass(frozen=True)
class LaidPage:
    """A page put upright by its placement, and its ink.

    Attributes
    ----------
    placement : Grid or PaperScale
        Where its millimeters lie in the picture.
    upright : UprightPage
    ink : Ink
        As the matting has it.
    coverage : ndarray, shape (h, w), float32
        Share of each pixel that is ink, and print where a network looked at the page.
    look : Look or None
        Which kind of print every pixel is; None where no network looked.
    """

    placement: Placement
    upright: UprightPage
    ink: Ink
    coverage: NDArray[np.float32]
    look: Look | None = None

    @property
    def near_grid(self) -> NDArray[np.float32]:
        """Ink that lies on the grid, shape (h, w); all ink of a page without one."""
        return _on_grid_area(self.coverage, self.ink.grid_area)


@dataclass(frozen=True)
class UprightAnalysis:
    """Everything found on an upright page.

    Attributes
    ----------
    laid : LaidPage
    rows : Rows
    baseline : ndarray, shape (rows,), float64
        0 mV of each row (y).
    symbols : Symbols
        Calibration pulses and separators.
    pen : PenInk
        Ink that the pen may have left.
    traces : Traces
        The pen's path along the rows.
    """

    laid: LaidPage
    rows: Rows
    baseline: NDArray[np.float64]
    symbols: Symbols
    pen: PenInk
    traces: Traces

    @property
    def placement(self) -> Placement:
        """Where the page's millimeters lie in the picture."""
        return self.laid.placement

    @property
    def coverage(self) -> NDArray[np.float32]:
        """Share of each pixel that is ink, shape (h, w)."""
        return self.laid.coverage

    @property
    def row_mm(self) -> float:
        """Length of a usual row, millimeters."""
        return float(np.median(self.traces.end - self.traces.start)) / PIXELS_PER_MM


def lay(page: Page, placement: Placement) -> LaidPage:
    """Put a page upright by its placement, and find its ink.

    Parameters
    ----------
    page : Page
    placement : Grid or PaperScale

    Returns
    -------
    LaidPage

    Raises
    ------
    PageError
        If the page would be larger than any sheet of paper.
    """
    upright = _upright(page, placement)
    ink = find_ink(upright, tiled=isinstance(placement, Grid))
    return LaidPage(placement, upright, ink, ink.coverage)


def looked_at(page: Page, laid: LaidPage, look_at: Looker) -> LaidPage:
    """Let the network look at a page: it says where the grid's lines run, and what is ink; the matting where that ends.

    Parameters
    ----------
    page : Page
    laid : LaidPage
        Not modified.
    look_at : callable
        See `digitize.ink.look`.

    Returns
    -------
    LaidPage
        With `look`, put upright anew by the lines that were seen, and without the ink that is no print.

    Raises
    ------
    FileNotFoundError
        If the package's weights are missing.
    """
    look = look_at(laid.upright.image, laid.ink.paper)
    grid = laid.placement
    if isinstance(grid, Grid):
        straight = straighten(grid, laid.upright, (look.of("upright"), look.of("level")), page.image.shape)
        if straight is not grid:
            again = lay(page, straight)
            look = Look(carry(look.kinds, (grid, laid.upright), again.upright, page.image.shape))
            laid = again
    return replace(laid, coverage=gated(laid.ink, look), look=look)


def follow_traces(laid: LaidPage, n_rows: int | None = None) -> UprightAnalysis | None:
    """Find the rows of an upright page and follow their traces.

    Parameters
    ----------
    laid : LaidPage
    n_rows : int, optional
        How many rows there are, where that is known: if not so many are found, they are looked for again. Where it is
        not, as many as have a calibration pulse.

    Returns
    -------
    UprightAnalysis or None
        None where no trace runs across the page.
    """
    analysis = _follow(laid, find_rows)
    found = 0 if analysis is None else len(analysis.rows.level)
    if n_rows is None:
        pulses = found if laid.look is None else stacked_pulses(laid.look.of("pulse"))
        again = _follow(laid, lambda coverage: find_rows(coverage, pulses)) if pulses > found else None
        # Pulses stand beside averaged beats, too, which are no rows.
        return again if again is not None and len(again.rows.level) == pulses else analysis
    if found == n_rows:
        return analysis
    again = _follow(laid, lambda coverage: find_rows(coverage, n_rows))
    if analysis is None or again is None:
        return analysis or again
    better = found < len(again.rows.level)
    # Of more rows that are among them names tell later which are meant; others are none.
    better |= found > n_rows == len(again.rows.level) and not holds(list(analysis.rows.level), list(again.rows.level))
    return again if better else analysis


def follow_rows(laid: LaidPage, rows: Rows) -> UprightAnalysis | None:
    """Follow the traces along rows that are known; None where there are none."""
    return _follow(laid, lambda _: rows)


def led_past_names(analysis: UprightAnalysis, names: NDArray[np.float64]) -> UprightAnalysis:
    """Follow the traces anew where one ran into a lead name, now that it is known where the names stand.

    Parameters
    ----------
    analysis : UprightAnalysis
    names : ndarray, shape (n, 4)
        Boxes of the printed names (`PageLayout.names`).

    Returns
    -------
    UprightAnalysis
        The same where no trace touches a name.
    """
    if not touch_names(analysis.traces, names):
        return analysis
    return replace(analysis, traces=trace_ink(analysis.pen, names))


def _follow(laid: LaidPage, find: Callable[[NDArray[np.float32]], Rows | None]) -> UprightAnalysis | None:
    """Follow the traces of an upright page, whose rows are found in the ink that lies on the grid."""
    rows = find(laid.near_grid)
    if rows is None:
        return None
    coverage = laid.coverage
    near = _on_grid_area(coverage, laid.ink.grid_area, _ABOVE)
    dark = normalize_fading(near, rows)
    if dark is not near:
        again = find(_on_grid_area(dark, laid.ink.grid_area))
        dark, rows = (near, rows) if again is None or len(again.level) != len(rows.level) else (dark, again)
    symbols = find_symbols(dark, rows, laid.look)
    glyphs = _away_from(rows, find_words(coverage)[1])
    rows = without_pulses(dark, rows, symbols, laid.look)
    while True:
        pen = find_pen_ink(dark, rows, symbols.mask | glyphs)
        traces = trace_ink(pen, _NO_NAMES)
        real = _is_real(traces)
        if real.all():
            break
        if not real.any():
            return None
        # A row less may change what the others follow.
        rows = Rows(rows.level[real], rows.start[real], rows.end[real])
        symbols = find_symbols(dark, rows, laid.look)
    baseline = np.array([_baseline(traces, symbols, row) for row in range(len(rows.level))])
    return UprightAnalysis(laid, rows, baseline, symbols, pen, traces)


def _on_grid_area(
    coverage: NDArray[np.float32], grid_area: GridArea | None, above: int = _WITHIN
) -> NDArray[np.float32]:
    """Ink on the grid, or up to some tiles above and below it; all ink of a page without one."""
    return coverage if grid_area is None else grid_area.keep(coverage, above)


def _is_real(traces: Traces) -> NDArray[np.bool_]:
    """Which rows are recordings: long enough, and followed."""
    long = traces.end - traces.start > _LEAST_ROW_MM * PIXELS_PER_MM
    return np.asarray(long & np.isfinite(traces.center).any(axis=1))


def _upright(page: Page, placement: Placement) -> UprightPage:
    bend = placement.bend if isinstance(placement, Grid) else None
    low, high = extent_of(page.image.shape, placement.matrix, placement.extent)
    across, down = (high - low).tolist()
    most = MOST_PIXELS / PIXELS_PER_MM**2
    if not across * down <= most:
        source = "grid" if isinstance(placement, Grid) else _SOURCES.get(placement.source, placement.source)
        raise PageError(
            f"{page.name}: no electrocardiogram found (by its {source} the page is {across / 1000:.2g} x "
            f"{down / 1000:.2g} m; allowed: up to {most / 1e6:g} square meter)"
        )
    return rectify(page.image, placement.matrix, bend, placement.extent)


def _away_from(rows: Rows, glyphs: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels of text that do not lie on a row: there, what looks like a letter is a piece of a broken trace."""
    y, x = np.nonzero(glyphs)
    near = np.abs(rows.level[:, x] - y).min(axis=0) < _ON_ROW_MM * PIXELS_PER_MM
    kept = glyphs.copy()
    kept[y[near], x[near]] = False
    return kept


def _baseline(traces: Traces, symbols: Symbols, row: int) -> float:
    """0 mV of a row (y): the foot of its calibration pulse, else its middle level."""
    feet = [pulse.foot for pulse in symbols.pulses if pulse.row == row]
    if feet:
        return float(np.median(feet))
    return float(np.nanmedian(traces.center[row, traces.start[row] : traces.end[row]]))
