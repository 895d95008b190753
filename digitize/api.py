"""From a page to leads: the way of a page, top to bottom."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from digitize.calibration import Scale, find_scale
from digitize.grid import Grid, find_grid
from digitize.gridless import PaperScale, first_scale, measured_scale
from digitize.ink import find_ink
from digitize.layout import PageLayout, Place, read_layout
from digitize.layouts import LEAD_NAMES, Layout, find_layout
from digitize.leads import Calibration, Geometry, Leads, Strip
from digitize.marks import Marks, find_marks, without_pulses
from digitize.orientation import is_upside_down, runs_downward
from digitize.page import Page, PageError, PageSource, load_pages
from digitize.rectify import PIXELS_PER_MM, UprightPage, rectify
from digitize.rhythm import lead_of_rhythm
from digitize.rows import Rows, find_rows
from digitize.text import Word, find_words, read_scale
from digitize.timing import columns_are_simultaneous
from digitize.trace import Traces, erase_traces, trace_rows
from digitize.warp import scale_at

_LEAST_ROW_MM = 40.0
"""Shortest row that is a recording and not a stray line."""


_ON_ROW_MM = 2.5
"""Distance from a row's level within which no print is expected."""
_END = 8.0
"""Pixels by which a trace is prolonged at its ends."""
_LEVEL = 0.7
"""Slope (pixels a pixel) up to which it is."""
_HALF_BAR = 5.0
"""Pixels to either side of a bar's middle in which a trace is hidden."""


@dataclass(frozen=True)
class _View:
    """What was found on an upright page."""

    ground: Grid | PaperScale
    upright: UprightPage
    coverage: NDArray[np.float32]
    rows: Rows
    not_trace: NDArray[np.bool_]
    baseline: NDArray[np.float64]
    marks: Marks
    traces: Traces


def trace_leads(
    image: PageSource,
    *,
    layout: str | None = None,
    speed: float | None = None,
    gain: float | None = None,
    fs: int = 500,
) -> Leads:
    """Digitise one page.

    Parameters
    ----------
    image : path, bytes, ndarray, PIL image or Page
        One page (see `load_pages` for many).
    layout : str, optional
        Name of the layout (`digitize.layouts`), e.g. ``"3x4+II"``; read off the page by default.
    speed, gain : float, optional
        Paper speed (mm/s) and gain (mm/mV); read, measured or assumed by default.
    fs : int
        Sampling frequency of the result, Hz.

    Returns
    -------
    Leads

    Raises
    ------
    PageError
        If the picture cannot be read, has several pages, or shows no electrocardiogram.
    ValueError
        If an option is out of range.

    Examples
    --------
    >>> leads = trace_leads("samples/00024_hr.png")
    >>> leads.layout, leads.signal.shape, leads.calibration.gain
    ('3x4+II', (12, 5000), 10.0)
    """
    for name, value in (("speed", speed), ("gain", gain), ("fs", fs)):
        if value is not None and not (np.isfinite(value) and value > 0):
            raise ValueError(f"{name} is {value!r}; allowed: a positive number")
    given = None if layout is None else find_layout(layout)
    pages = load_pages(image)
    if len(pages) > 1:
        raise PageError(f"{pages[0].name}: {len(pages)} pages in one file; pass one of load_pages(...)")
    page = pages[0]

    view = _look(page, find_grid(page.image) or first_scale(page.image, page.dpi))
    if view is not None and isinstance(view.ground, PaperScale):
        view = _look(page, _measured(view, speed, gain))
    if view is None:
        raise PageError(f"{page.name}: no electrocardiogram found (no trace runs across the picture)")

    printed, words, found = _read(view, given)
    names_read = sum(place.name_source == "read" for place in found.places)
    if 4 * names_read < 3 * len(found.places) and len(view.marks.pulses) < 2 and is_upside_down(view.coverage):
        turned = _look(page, view.ground.turned(2))
        if turned is not None and isinstance(turned.ground, PaperScale):
            turned = _look(page, _measured(turned, speed, gain))
        if turned is not None:
            view = turned
            printed, words, found = _read(view, given)
    grid = view.ground if isinstance(view.ground, Grid) else None
    pitch_source = "grid" if isinstance(view.ground, Grid) else view.ground.source
    if grid is None and not view.marks.pulses and all(place.name_source == "assumed" for place in found.places):
        raise PageError(f"{page.name}: no electrocardiogram found (no grid, no lead name, no calibration pulse)")
    # Now that the names are known, a trace that ran into one can be led past it.
    view = replace(view, traces=trace_rows(view.coverage, view.rows, view.not_trace, found.names))
    worth = find_scale(read_scale(printed, words), view.marks.pulses, speed=speed, gain=gain)
    strips, name, clock_warnings = _set_clock(_cut(view, found, worth, fs), found, fs)
    signal, confidence = _join(strips, fs)

    height, width = page.image.shape[:2]
    pixels_per_mm, _, rotation = scale_at(view.ground.matrix, (width / 2, height / 2))
    warnings = [*found.warnings, *worth.warnings, *clock_warnings]
    if grid is None:
        warnings.insert(0, f"no grid found; the scale is taken from: {pitch_source}")
    missing = [name for name, row in zip(LEAD_NAMES, signal, strict=True) if not np.isfinite(row).any()]
    if missing:
        warnings.append(f"leads not on the page: {', '.join(missing)}")
    return Leads(
        signal=signal,
        confidence=confidence,
        fs=fs,
        strips=tuple(strips),
        layout=name,
        calibration=Calibration(
            worth.speed,
            worth.gain,
            worth.speed_source,
            worth.gain_source,
            pixels_per_mm,
            pitch_source,
        ),
        geometry=Geometry(
            page_size=(width, height),
            rotation=rotation,
            grid_certainty=0.0 if grid is None else grid.certainty,
        ),
        warnings=tuple(warnings),
    )


def _measured(view: _View, speed: float | None, gain: float | None) -> PaperScale:
    """The scale of a page without a grid that its pulses and rows have."""
    assert isinstance(view.ground, PaperScale)
    return measured_scale(view.ground, view.traces, view.rows.level, view.marks, speed=speed, gain=gain)


def _read(view: _View, given: Layout | None) -> tuple[NDArray[np.float32], list[Word], PageLayout]:
    """What is left when the traces are taken away, the words in it, and the layout."""
    printed = erase_traces(view.coverage, view.traces)
    printed[view.marks.mask] = 0.0
    words = find_words(printed)[0]
    return printed, words, read_layout(view.coverage, printed, view.traces, view.baseline, view.marks, words, given)


def _look(page: Page, ground: Grid | PaperScale) -> _View | None:
    """Put a page upright and follow its traces; None when there are none."""
    upright = _upright(page, ground)
    coverage = find_ink(upright, tiled=isinstance(ground, Grid)).coverage
    if runs_downward(coverage):
        ground = ground.turned(1)
        upright = _upright(page, ground)
        coverage = find_ink(upright, tiled=isinstance(ground, Grid)).coverage
    rows = find_rows(coverage)
    if rows is None:
        return None
    marks = find_marks(coverage, rows)
    glyphs = _away_from(rows, find_words(coverage)[1])
    rows = without_pulses(coverage, rows, marks)
    traces = trace_rows(coverage, rows, marks.mask | glyphs)
    real = traces.end - traces.start > _LEAST_ROW_MM * PIXELS_PER_MM
    if not real.any():
        return None
    if not real.all():
        rows = Rows(rows.level[real], rows.start[real], rows.end[real])
        marks = find_marks(coverage, rows)
        traces = trace_rows(coverage, rows, marks.mask | glyphs)
    baseline = np.array([_baseline(traces, marks, row) for row in range(len(rows.level))])
    return _View(ground, upright, coverage, rows, marks.mask | glyphs, baseline, marks, traces)


def _upright(page: Page, ground: Grid | PaperScale) -> UprightPage:
    bend = ground.bend if isinstance(ground, Grid) else None
    return rectify(page.image, ground.matrix, bend, ground.extent)


def _away_from(rows: Rows, glyphs: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels of text that do not lie on a row: there, what looks like a letter is a piece of a broken trace."""
    y, x = np.nonzero(glyphs)
    near = np.abs(rows.level[:, x] - y).min(axis=0) < _ON_ROW_MM * PIXELS_PER_MM
    kept = glyphs.copy()
    kept[y[near], x[near]] = False
    return kept


def _cut(view: _View, found: PageLayout, worth: Scale, fs: int) -> list[Strip]:
    """Strips in millivolts and seconds."""
    per_second = worth.speed * PIXELS_PER_MM
    strips = []
    for place in found.places:
        n = round((place.right - place.left) / per_second * fs)
        x = place.left + np.arange(n) * per_second / fs
        y, confidence = _sample(view.traces, place, x, [bar.x for bar in view.marks.bars])
        gain = worth.chest_gain if place.lead.startswith("V") else worth.gain
        signal = place.sign * (view.baseline[place.row] - y) / (PIXELS_PER_MM * gain)
        row_length = _row_length(found, place.row)
        strips.append(
            Strip(
                lead=place.lead,
                row=place.row,
                column=place.column,
                start=place.share * row_length / per_second,
                signal=signal.astype(np.float32),
                confidence=confidence.astype(np.float32),
                path=view.upright.to_original(np.stack([x, y], axis=1)),
                name_source=place.name_source,
            )
        )
    return strips


def _row_length(found: PageLayout, row: int) -> float:
    """Pixels that a row's strips are long together."""
    return sum(place.right - place.left for place in found.places if place.row == row)


def _set_clock(strips: list[Strip], found: PageLayout, fs: int) -> tuple[list[Strip], str, list[str]]:
    """Starts of the strips and leads of the rhythm strips, as the strips themselves tell; and the layout's name."""
    columns = {row: sum(place.row == row for place in found.places) for row in {place.row for place in found.places}}
    alone = [k for k, strip in enumerate(strips) if columns[strip.row] == 1]
    warnings = []
    later = [(strip.start, strip.signal) for strip in strips if strip.column > 0]
    if later:
        together = columns_are_simultaneous(later, [strips[k].signal for k in alone], fs)
        if together is None:
            warnings.append("columns taken to follow each other in time (no rhythm strip to compare with)")
        elif together:
            strips = [replace(strip, start=0.0) for strip in strips]
    name = found.name
    if "+" not in name:
        return strips, name, warnings
    rhythm = [strips[k] for k in alone[-name.count("+") :]]
    others = [strip for strip in strips if strip not in rhythm]
    kept = list(others)
    for strip in rhythm:
        lead = lead_of_rhythm(strip.signal, [(other.lead, other.start, other.signal) for other in others], fs)
        if lead is not None and lead != strip.lead:
            strip = replace(strip, lead=lead, name_source="measured")
        if lead is None and strip.name_source == "assumed":
            warnings.append("a row without a readable name that repeats no lead of the page was left out")
            continue
        kept.append(strip)
    name = "+".join([name.split("+")[0], *(strip.lead for strip in kept[len(others) :])])
    return sorted(kept, key=lambda strip: (strip.row, strip.column)), name, warnings


def _sample(
    traces: Traces, place: Place, x: NDArray[np.float64], borders: list[float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centre and confidence of a trace at positions x: cubic between the columns of each unbroken stretch."""
    a, b = max(0, int(place.left) - 5), min(traces.centre.shape[1], int(place.right) + 5)
    centre = traces.centre[place.row, a:b].astype(np.float64)
    known = np.isfinite(centre)
    # What lies under the bar between two strips is neither's, nor a bridge from one to the other.
    column = np.arange(a, b)
    for border in borders:
        known &= np.abs(column - border) > _HALF_BAR
    known &= (column >= place.left - 1) & (column <= place.right + 1)
    y = np.full(len(x), np.nan)
    breaks = np.flatnonzero(np.diff(known.astype(int), prepend=0, append=0))
    for first, last in zip(breaks[::2], breaks[1::2], strict=True):
        columns = column[first:last]
        inside = (x >= columns[0] - 0.5) & (x <= columns[-1] + 0.5)
        if len(columns) >= 4 and inside.any():
            y[inside] = CubicSpline(columns, centre[first:last])(x[inside])
    _prolong(x, y)
    nearest = np.clip(np.rint(x).astype(int), 0, traces.confidence.shape[1] - 1)
    sure = np.maximum(traces.confidence[place.row, nearest], 0.3)
    return y, np.where(np.isfinite(y), sure, 0.0)


def _prolong(x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
    """Continue a strip straight on to its ends, where a flank, a bar or the pen's round end hides it; in place."""
    known = np.flatnonzero(np.isfinite(y))
    if len(known) < 20:
        return
    for end, inner in ((slice(None, known[0]), known[:10]), (slice(known[-1] + 1, None), known[-10:])):
        hidden = x[end]
        edge = x[inner[0]] if end.start is None else x[inner[-1]]
        near = np.abs(hidden - edge) <= _END
        if near.any():
            slope, offset = np.polyfit(x[inner] - edge, y[inner], 1)
            # In the middle of a beat nobody knows how it goes on.
            if abs(slope) < _LEVEL:
                y[end] = np.where(near, offset + slope * (hidden - edge), np.nan)


def _baseline(traces: Traces, marks: Marks, row: int) -> float:
    """0 mV of a row (y): the foot of its calibration pulse, else its middle level."""
    feet = [pulse.foot for pulse in marks.pulses if pulse.row == row]
    if feet:
        return float(np.median(feet))
    return float(np.nanmedian(traces.centre[row, traces.start[row] : traces.end[row]]))


def _join(strips: list[Strip], fs: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Twelve rows from the strips; the longer strip of a lead wins."""
    first = [round(strip.start * fs) for strip in strips]
    n = max(start + len(strip.signal) for start, strip in zip(first, strips, strict=True))
    signal = np.full((len(LEAD_NAMES), n), np.nan, np.float32)
    confidence = np.zeros((len(LEAD_NAMES), n), np.float32)
    for start, strip in sorted(zip(first, strips, strict=True), key=lambda pair: len(pair[1].signal)):
        row = LEAD_NAMES.index(strip.lead)
        signal[row], confidence[row] = np.nan, 0.0
        signal[row, start : start + len(strip.signal)] = strip.signal
        confidence[row, start : start + len(strip.signal)] = strip.confidence
    return signal, confidence
