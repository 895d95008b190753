"""A first look at a page: upright, its ink, its rows, its marks, and the traces along the rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitize.geometry.grid import Grid
from digitize.geometry.rectify import MOST_PIXELS, PIXELS_PER_MM, UprightPage, extent_of, rectify
from digitize.geometry.scale import PaperScale
from digitize.ink.coverage import Ink, find_ink
from digitize.ink.grid_area import Ground
from digitize.ocr.text import find_words
from digitize.pages.page import Page, PageError
from digitize.tracing.direction import runs_downward
from digitize.tracing.fading import without_fading
from digitize.tracing.rows import Rows, find_rows, holds
from digitize.tracing.symbols import Marks, find_marks, without_pulses
from digitize.tracing.trace import PenInk, Traces, find_pen_ink, trace_ink

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
class View:
    """What was found on an upright page."""

    ground: Grid | PaperScale
    upright: UprightPage
    coverage: NDArray[np.float32]
    rows: Rows
    baseline: NDArray[np.float64]
    marks: Marks
    pen: PenInk
    traces: Traces


def look(
    page: Page,
    ground: Grid | PaperScale,
    *,
    may_turn: bool = True,
    count: int | None = None,
    only: Rows | None = None,
) -> View | None:
    """Put a page upright, by its traces if it may turn, and follow its traces; None when there are none.

    Where it is known how many rows there are, and not so many are found, they are looked for again; if the rows
    themselves are known, not at all.

    Raises
    ------
    PageError
        If the page would be larger than any sheet of paper.
    """
    upright = _upright(page, ground)
    ink = find_ink(upright, tiled=isinstance(ground, Grid))
    within = _on_ground(ink.coverage, ink.ground)
    if may_turn and runs_downward(within):
        ground = ground.turned(1)
        upright = _upright(page, ground)
        ink = find_ink(upright, tiled=isinstance(ground, Grid))
        within = _on_ground(ink.coverage, ink.ground)
    if only is not None:
        return _follow(ground, upright, ink, lambda _: only)
    view = _follow(ground, upright, ink, find_rows)
    found = 0 if view is None else len(view.rows.level)
    if count is None or found == count:
        return view
    again = _follow(ground, upright, ink, lambda coverage: find_rows(coverage, count))
    if view is None or again is None:
        return view or again
    better = found < len(again.rows.level)
    # Of more rows that are among them names tell later which are meant; others are none.
    better |= found > count == len(again.rows.level) and not holds(list(view.rows.level), list(again.rows.level))
    return again if better else view


def _follow(
    ground: Grid | PaperScale,
    upright: UprightPage,
    ink: Ink,
    find: Callable[[NDArray[np.float32]], Rows | None],
) -> View | None:
    """Follow the traces of an upright page, whose rows are found in the ink that lies on the grid."""
    rows = find(_on_ground(ink.coverage, ink.ground))
    if rows is None:
        return None
    coverage = ink.coverage
    near = _on_ground(coverage, ink.ground, _ABOVE)
    dark = without_fading(near, rows)
    if dark is not near:
        again = find(_on_ground(dark, ink.ground))
        dark, rows = (near, rows) if again is None or len(again.level) != len(rows.level) else (dark, again)
    marks = find_marks(dark, rows)
    glyphs = _away_from(rows, find_words(coverage)[1])
    rows = without_pulses(dark, rows, marks)
    while True:
        pen = find_pen_ink(dark, rows, marks.mask | glyphs)
        traces = trace_ink(pen, _NO_NAMES)
        real = _is_real(traces)
        if real.all():
            break
        if not real.any():
            return None
        # A row less may change what the others follow.
        rows = Rows(rows.level[real], rows.start[real], rows.end[real])
        marks = find_marks(dark, rows)
    baseline = np.array([_baseline(traces, marks, row) for row in range(len(rows.level))])
    return View(ground, upright, coverage, rows, baseline, marks, pen, traces)


def _on_ground(coverage: NDArray[np.float32], ground: Ground | None, above: int = _WITHIN) -> NDArray[np.float32]:
    """Ink on the grid, or up to some tiles above and below it; all ink of a page without one."""
    return coverage if ground is None else ground.keep(coverage, above)


def _is_real(traces: Traces) -> NDArray[np.bool_]:
    """Which rows are recordings: long enough, and followed."""
    long = traces.end - traces.start > _LEAST_ROW_MM * PIXELS_PER_MM
    return np.asarray(long & np.isfinite(traces.centre).any(axis=1))


def _upright(page: Page, ground: Grid | PaperScale) -> UprightPage:
    bend = ground.bend if isinstance(ground, Grid) else None
    low, high = extent_of(page.image.shape, ground.matrix, ground.extent)
    across, down = (high - low).tolist()
    most = MOST_PIXELS / PIXELS_PER_MM**2
    if not across * down <= most:
        source = "grid" if isinstance(ground, Grid) else _SOURCES.get(ground.source, ground.source)
        raise PageError(
            f"{page.name}: no electrocardiogram found (by its {source} the page is {across / 1000:.2g} x "
            f"{down / 1000:.2g} m; allowed: up to {most / 1e6:g} square meter)"
        )
    return rectify(page.image, ground.matrix, bend, ground.extent)


def _away_from(rows: Rows, glyphs: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels of text that do not lie on a row: there, what looks like a letter is a piece of a broken trace."""
    y, x = np.nonzero(glyphs)
    near = np.abs(rows.level[:, x] - y).min(axis=0) < _ON_ROW_MM * PIXELS_PER_MM
    kept = glyphs.copy()
    kept[y[near], x[near]] = False
    return kept


def _baseline(traces: Traces, marks: Marks, row: int) -> float:
    """0 mV of a row (y): the foot of its calibration pulse, else its middle level."""
    feet = [pulse.foot for pulse in marks.pulses if pulse.row == row]
    if feet:
        return float(np.median(feet))
    return float(np.nanmedian(traces.centre[row, traces.start[row] : traces.end[row]]))
