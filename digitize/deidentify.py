"""Draw a page anew from what was read on it, so that nothing else of it can be seen.

Print cannot be struck out safely: what is small, pale, of the grid's color, written by hand or crossed by a trace is
missed. So nothing is struck out, because nothing is copied: no pixel of the picture is looked at. On white paper stand
the millimeters where the grid has them, the stroke of a pen along each trace, and the calibration pulses, separators
and lead names that were recognized. All of it is told by the signal and the report as well.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from digitize.records.placement import Grid
from digitize.records.symbols import Pulse
from digitize.records.upright import PIXELS_PER_MM
from digitize.strips.cut import columns_of

if TYPE_CHECKING:
    from digitize.leads import Leads
    from digitize.records.page_analysis import PageAnalysis
    from digitize.records.page_layout import Place

INK = (45, 45, 45)
"""RGB of all that is drawn, but for the grid."""

GRID_COLORS = {1: (252, 222, 222), 5: (242, 180, 180)}
"""RGB of the grid's lines, by their distance in mm."""

_FINE = 3.0
"""Pixels a millimeter below which lines a millimeter apart would run together."""

_STEP = 16
"""Upright pixels between the points of a line of the grid, which may be bent."""

_AROUND_NAME = np.array([4, 3, -4, -3])
"""Upright pixels from a name's box in `PageLayout.names` to the name itself."""

_PEN_MM = 0.3
"""Width of the stroke along traces that have none of their own."""

_FACE, _LETTER_PX = cv2.FONT_HERSHEY_SIMPLEX, 40
_SUBPIXEL_BITS = 4
_FARTHEST = 1e6  # pixels: what lies farther out of the picture cannot be told from it


def redraw_page(analysis: PageAnalysis, leads: Leads) -> NDArray[np.uint8]:
    """Draw a page anew, as large as its picture and every place where it is there.

    Parameters
    ----------
    analysis : PageAnalysis
        What was found on the page, its traces corrected if those of the leads are. Of its pictures the size counts.
    leads : Leads
        The leads of that analysis.

    Returns
    -------
    ndarray, shape (height, width, 3), uint8
        RGB. The pen's stroke is as wide everywhere, and is left out where a trace was led over a gap in the ink or
        beside it. Names are drawn where they were read; the grid where one was found.

    Examples
    --------
    >>> from digitize.api import analyze_page, leads_of
    >>> analysis = analyze_page("samples/00024_hr.png")
    >>> leads = leads_of(analysis, fs=500)
    >>> page = redraw_page(analysis, leads)
    >>> x, y = leads.strips[0].path[600].round().astype(int)
    >>> page.shape == analysis.page.image.shape, page[y, x].tolist() == list(INK)
    (True, True)
    """
    width, height = leads.geometry.page_size
    paper = np.full((height, width, 3), 255, np.uint8)
    per_mm = leads.calibration.pixels_per_mm
    if isinstance(analysis.placement, Grid):
        _draw_grid(paper, analysis, analysis.placement.line_mm, per_mm)
    pen = max(1, round(2 * analysis.traces.radius / PIXELS_PER_MM * per_mm))
    for bar in analysis.symbols.bars:
        _draw(paper, [_on_picture(analysis, [(bar.x, bar.top), (bar.x, bar.bottom)])], INK, pen)
    for pulse in analysis.symbols.pulses:
        _draw(paper, [_on_picture(analysis, _outline(pulse))], INK, pen)
    _draw(paper, _strokes(analysis, leads), INK, pen)
    names = analysis.layout.names
    for place, box in zip(analysis.layout.places, names, strict=bool(len(names))):
        if place.name_source == "read":
            _write_name(paper, analysis, place, box)
    return paper


def redraw_strips(leads: Leads) -> NDArray[np.uint8]:
    """Draw the traces of a page that was read off its file's own paths, and nothing else of it.

    Parameters
    ----------
    leads : Leads

    Returns
    -------
    ndarray, shape (height, width, 3), uint8
        RGB, as large as the page's picture, every trace where it is there.

    Examples
    --------
    >>> from digitize.leads import no_leads
    >>> redraw_strips(no_leads((40, 30), "")).shape
    (30, 40, 3)
    """
    width, height = leads.geometry.page_size
    paper = np.full((height, width, 3), 255, np.uint8)
    per_mm = leads.calibration.pixels_per_mm
    strokes = []
    for strip in leads.strips:
        edges = np.flatnonzero(np.diff(np.isfinite(strip.path).all(axis=1), prepend=False, append=False)).reshape(-1, 2)
        strokes += [strip.path[start:end] for start, end in edges]
    _draw(paper, strokes, INK, max(1, round(_PEN_MM * per_mm)) if strokes else 1)
    return paper


def _draw_grid(paper: NDArray[np.uint8], analysis: PageAnalysis, line_mm: float, per_mm: float) -> None:
    """Draw the lines that were seen, the coarse over the fine ones; in place."""
    height, width = analysis.upright.inside.shape
    across, down = (np.arange(0, side + _STEP, _STEP, dtype=float) for side in (width, height))
    for distance, color in GRID_COLORS.items():
        if distance < max(line_mm, 5 if per_mm < _FINE else 1):
            continue
        step = distance * PIXELS_PER_MM
        lines = [np.stack([np.full(len(down), float(x)), down], axis=1) for x in range(0, width, step)]
        lines += [np.stack([across, np.full(len(across), float(y))], axis=1) for y in range(0, height, step)]
        _draw(paper, [_on_picture(analysis, line) for line in lines], color, max(1, round(0.1 * per_mm)))


def _outline(pulse: Pulse) -> list[tuple[float, float]]:
    """Corners of a calibration pulse; where its second roof begins is not known, so it is drawn in the middle."""
    left, right, top, foot = pulse.left, pulse.right, pulse.top, pulse.foot
    if math.isnan(pulse.step):
        return [(left, foot), (left, top), (right, top), (right, foot)]
    middle = (left + right) / 2
    return [(left, foot), (left, top), (middle, top), (middle, pulse.step), (right, pulse.step), (right, foot)]


def _strokes(analysis: PageAnalysis, leads: Leads) -> list[NDArray[np.floating]]:
    """The pen's way along every strip, where its stroke meets the ink that was followed."""
    traces = analysis.traces
    top, bottom = traces.ink
    inked = (traces.center >= top - traces.radius) & (traces.center <= bottom + traces.radius)
    places = analysis.layout.by_cell
    strokes = []
    for strip in leads.strips:
        column = columns_of(traces, places[strip.row, strip.column], analysis.scale, leads.fs)[1]
        seen = inked[strip.row, column] & np.isfinite(strip.path).all(axis=1)
        edges = np.flatnonzero(np.diff(seen, prepend=False, append=False)).reshape(-1, 2)
        strokes += [strip.path[start:end] for start, end in edges]
    return strokes


def _write_name(paper: NDArray[np.uint8], analysis: PageAnalysis, place: Place, box: NDArray[np.float64]) -> None:
    """Write a lead's name into the box that it was read in, as the paper lies; in place."""
    text = f"-{place.lead}" if place.sign < 0 else place.lead
    scale = _LETTER_PX / cv2.getTextSize("I", _FACE, 1, 1)[0][1]
    thickness = _LETTER_PX // 8
    across, tall = cv2.getTextSize(text, _FACE, scale, thickness)[0]
    mask = np.zeros((tall + thickness, across), np.uint8)
    cv2.putText(mask, text, (0, tall + thickness // 2), _FACE, scale, 255, thickness, cv2.LINE_AA)
    x0, y0, x1, y1 = box + _AROUND_NAME
    corners = _on_picture(analysis, [(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
    if not np.isfinite(corners).all():
        return
    size = np.array(paper.shape[1::-1])
    low, high = (np.clip(edge, 0, size).astype(int) for edge in (corners.min(axis=0), corners.max(axis=0) + 2))
    if (low >= high).any():
        return
    own = np.array([(0, 0), (across, 0), (across, mask.shape[0]), (0, mask.shape[0])], np.float32)
    placed = cv2.getPerspectiveTransform(own, (corners - low).astype(np.float32))
    drawn = cv2.warpPerspective(mask, placed, (high - low).tolist())[..., None] / 255
    part = paper[low[1] : high[1], low[0] : high[0]]
    part[:] = np.rint(part * (1 - drawn) + np.array(INK) * drawn)


def _on_picture(
    analysis: PageAnalysis, points: Sequence[tuple[float, float]] | NDArray[np.floating]
) -> NDArray[np.float32]:
    return analysis.upright.to_original(np.asarray(points, float))


def _draw(
    paper: NDArray[np.uint8], lines: Sequence[NDArray[np.floating]], color: tuple[int, int, int], thickness: int
) -> None:
    """Draw lines through pixels of the picture; in place."""
    points = [
        np.rint(np.clip(line, -_FARTHEST, _FARTHEST) * (1 << _SUBPIXEL_BITS)).astype(np.int32)
        for line in lines
        if np.isfinite(line).all()
    ]
    cv2.polylines(paper, points, False, color, thickness, cv2.LINE_AA, _SUBPIXEL_BITS)
