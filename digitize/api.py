"""From a page to leads: the way of a page, top to bottom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from numbers import Real
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from digitize.geometry.grid import Grid, find_grid
from digitize.geometry.mapping import scale_at
from digitize.geometry.rectify import PIXELS_PER_MM
from digitize.geometry.scale import PaperScale, first_scale
from digitize.layout.clock import set_clock
from digitize.layout.confirm import confirm_names
from digitize.layout.orientation import is_upside_down, turns_by_names
from digitize.layout.page_layout import PageLayout, RowsMissing, read_layout
from digitize.leads import Leads
from digitize.ocr.text import PrintedScale, find_words, read_scale
from digitize.pages.fax import fax_resolution, without_halftone
from digitize.pages.page import Page, PageError, PageSource, load_page, page_names
from digitize.records.layouts import LEAD_NAMES, Layout, find_layout
from digitize.records.results import Calibration, Geometry, Strip
from digitize.records.standards import GAINS_MM_MV, SPEEDS_MM_S
from digitize.refine.correct import refine as refine_traces
from digitize.strips import confidence
from digitize.strips.cut import columns_of, cut_strips, join_strips
from digitize.strips.scale import Scale, find_scale, miscount
from digitize.strips.verdict import cut_off, edge_width, judge
from digitize.tracing.rescale import measured_scale
from digitize.tracing.rows import Rows
from digitize.tracing.trace import erase_traces, touch_names, trace_ink
from digitize.tracing.view import View, look

if TYPE_CHECKING:
    from digitize.refine.network import Refiner

_SAME_PITCH = 0.003
"""Part by which a grid's pitch may differ from what the dots of a fax say: a dither's beat is 0.4 % off."""

_SOME_NAMES = 3
"""Limb leads by whose names alone a page without grid and pulse is known."""

_TOO_NEAR = 0.7
"""Part of the distance between the rows of a given layout by which another row is away at least."""


@dataclass(frozen=True, eq=False)
class Reading:
    """What was found on a page, before it is turned into millivolts.

    Attributes
    ----------
    page : Page
    view : View
        The page upright, its rows and traces.
    found : PageLayout
        Which lead stands where.
    worth : Scale
        What a millimetre is worth.
    sure : ndarray, shape (rows, w), float32, or None
        Logit that the traces are right, of the network that corrected them; None if none did (`refined`).
    """

    page: Page
    view: View
    found: PageLayout
    worth: Scale
    sure: NDArray[np.float32] | None = None


class _Seen(NamedTuple):
    """The scale that a page states, and its layout, or why that cannot be the given one."""

    scale: PrintedScale
    found: PageLayout | str


def trace_leads(
    image: PageSource,
    *,
    layout: str | None = None,
    speed: float | None = None,
    gain: float | None = None,
    fs: int = 500,
    refine: bool = True,
) -> Leads:
    """Digitise one page.

    Parameters
    ----------
    image : path, bytes, ndarray, PIL image or Page
        One page (see `load_pages` for many).
    layout : str, optional
        Name of the layout (`digitize.records.layouts.find_layout`), e.g. ``"3x4+II"``: its rows are looked for and its
        leads named, and where the page says otherwise a warning tells. Read off the page by default.
    speed, gain : float, optional
        Paper speed (5 to 200 mm/s) and gain (1 to 100 mm/mV); read, measured or assumed by default.
    fs : int
        Sampling frequency of the result, Hz.
    refine : bool
        Whether a network corrects the traces (`digitize.refine.correct`).

    Returns
    -------
    Leads

    Raises
    ------
    PageError
        If the picture cannot be read, has several pages, shows no electrocardiogram, or far fewer rows than the given
        layout.
    TypeError
        If an option is of another type.
    ValueError
        If an option is out of range.
    FileNotFoundError
        If the weights of a network are missing.

    Examples
    --------
    >>> leads = trace_leads("samples/00024_hr.png")
    >>> leads.layout, leads.signal.shape, leads.calibration.gain
    ('3x4+II', (12, 5000), 10.0)
    """
    if not (np.isfinite(fs) and fs > 0):
        raise ValueError(f"fs is {fs!r}; allowed: a positive number")
    reading = read_page(image, layout=layout, speed=speed, gain=gain)
    return leads_of(refined(reading) if refine else reading, fs=fs)


def refined(reading: Reading, network: Refiner | None = None) -> Reading:
    """Let a network correct the traces of a page (`digitize.refine.correct`).

    Parameters
    ----------
    reading : Reading
        Not modified.
    network : Refiner, optional
        By default the one that comes with the package.

    Returns
    -------
    Reading

    Raises
    ------
    FileNotFoundError
        If no network is given and the package's weights are missing.
    """
    traces, sure = refine_traces(reading.view, reading.worth.gain, network)
    return replace(reading, view=replace(reading.view, traces=traces), sure=sure)


def leads_of(reading: Reading, *, fs: int) -> Leads:
    """Turn what was found on a page into leads: all of `trace_leads` that happens in seconds and millivolts.

    Parameters
    ----------
    reading : Reading
    fs : int
        Sampling frequency of the result, Hz.

    Returns
    -------
    Leads
    """
    view, worth = reading.view, reading.worth
    strips, name, residual, warnings = strips_of(reading, fs)
    marks = marks_of(reading, strips, residual, fs)
    strips = [
        replace(strip, confidence=np.where(np.isfinite(strip.signal), confidence.rate(seen), np.float32(0.0)))
        for strip, seen in zip(strips, marks, strict=True)
    ]
    signal, joined = join_strips(strips, fs)

    height, width = reading.page.image.shape[:2]
    pixels_per_mm, _, rotation = scale_at(view.ground.matrix, (width / 2, height / 2))
    pitch_source = view.ground.source if isinstance(view.ground, PaperScale) else "grid"
    calibration = Calibration(
        worth.speed, worth.gain, worth.speed_source, worth.gain_source, pixels_per_mm, pitch_source
    )
    if isinstance(view.ground, PaperScale):
        warnings.insert(0, f"no grid found; the scale is taken from: {pitch_source}")
    missing = [lead for lead, row in zip(LEAD_NAMES, signal, strict=True) if not np.isfinite(row).any()]
    if missing:
        warnings.append(f"leads not on the page: {', '.join(missing)}")
    lost = [lead for lead in reading.found.lost if lead in missing]
    if lost:
        warnings.append(f"lead names are printed where no strip was found: {', '.join(lost)}")
    quality = judge(
        strips,
        calibration,
        residual=residual,
        edge_mm=edge_width(view.coverage, view.traces.centre),
        truncated=cut_off(view.traces.centre, view.upright.inside),
        lost=lost,
        unread=_unread(reading.found, strips),
        contradicted=any(place.contradicted for place in reading.found.places),
    )
    return Leads(
        signal=signal,
        confidence=joined,
        fs=fs,
        strips=tuple(strips),
        layout=name,
        calibration=calibration,
        geometry=Geometry(
            page_size=(width, height),
            rotation=rotation,
            grid_certainty=_certainty(view),
        ),
        quality=quality,
        warnings=tuple(warnings),
    )


def read_page(
    image: PageSource, *, layout: str | None = None, speed: float | None = None, gain: float | None = None
) -> Reading:
    """Find the traces of a page and what they are: all of `trace_leads` that happens in pixels and millimetres.

    Parameters and errors are those of `trace_leads`.

    Returns
    -------
    Reading
    """
    speed = _checked("speed", speed, SPEEDS_MM_S, "mm/s")
    gain = _checked("gain", gain, GAINS_MM_MV, "mm/mV")
    given = None if layout is None else find_layout(layout)
    count = None if given is None else given.n_rows
    names = page_names(image)
    if len(names) > 1:
        raise PageError(f"{names[0]}: {len(names)} pages in one file; pass one of load_pages(...)")
    page, ground = _grounded(load_page(image))
    view = _look(page, ground, speed, gain, count)
    if view is None:
        raise PageError(f"{page.name}: no electrocardiogram found (no trace runs across the picture)")

    seen = _read(view, given)
    counted = _counted_anew(page, view, seen.scale, speed, gain, count)
    if counted is not None:
        view = counted
        seen = _read(view, given)
    names_read, named = (0, 1) if isinstance(seen.found, str) else _names_read(seen.found)
    doubtful = 4 * names_read < 3 * named and len(view.marks.pulses) < 2
    turns = 0
    if doubtful:
        turns = 2 if is_upside_down(view.coverage, view.rows) else turns_by_names(view.coverage)
    if turns:
        turned = _look(page, view.ground.turned(turns), speed, gain, count, may_turn=False)
        if turned is not None:
            view = turned
            seen = _read(view, given)
    if given is not None and not isinstance(seen.found, str):
        view, seen = _without_false_rows(page, view, seen, seen.found, given)
    found = seen.found
    if isinstance(found, str):
        raise PageError(f"{page.name}: {found}")
    gridless = isinstance(view.ground, PaperScale)
    if gridless and not view.marks.pulses and not _names_tell(found):
        raise PageError(f"{page.name}: no electrocardiogram found (no grid, no lead name, no calibration pulse)")
    if not found.places:
        raise PageError(f"{page.name}: no electrocardiogram found (no row is long enough)")
    if touch_names(view.traces, found.names):
        # Now that the names are known, a trace that ran into one can be led past it.
        view = replace(view, traces=trace_ink(view.pen, found.names))
    limb_rows = {place.row for place in found.places if not place.lead.startswith("V")}
    chest_rows = {place.row for place in found.places} - limb_rows
    worth = find_scale(seen.scale, view.marks.pulses, chest_rows, speed=speed, gain=gain)
    return Reading(page, view, found, worth)


def marks_of(reading: Reading, strips: Sequence[Strip], residual: float, fs: int) -> list[NDArray[np.float32]]:
    """Measure what the confidence of every sample of every strip rests on.

    Parameters
    ----------
    reading : Reading
    strips : sequence of Strip
    residual : float
        See `strips_of`.
    fs : int
        Sampling frequency of the strips, Hz.

    Returns
    -------
    list of ndarray, shape (samples, len(digitize.strips.confidence.FEATURES)), float32
    """
    view, worth = reading.view, reading.worth
    along = confidence.measure(
        view.coverage,
        view.traces,
        view.rows.level,
        gain=worth.gain,
        grid=_certainty(view),
        named=_named(reading.found, len(view.rows.level)),
        sure=reading.sure,
    )
    places = {(place.row, place.column): place for place in reading.found.places}
    paths = [
        along[strip.row, columns_of(view.traces, places[strip.row, strip.column], worth, fs)[1]] for strip in strips
    ]
    return confidence.measure_strips(strips, paths, fs=fs, residual=residual, pulse=bool(view.marks.pulses))


def strips_of(reading: Reading, fs: int) -> tuple[list[Strip], str, float, list[str]]:
    """Turn what was found into strips, each under its name and at its time.

    Parameters
    ----------
    reading : Reading
    fs : int
        Sampling frequency of the strips, Hz.

    Returns
    -------
    strips : list of Strip
    layout : str
    residual : float
        Share of the limb leads' power that breaks Einthoven's law, the worst of the columns; NaN where none tells.
    warnings : list of str
    """
    cut = cut_strips(reading.view, reading.found, reading.worth, fs)
    cut, found, residual, law_warnings = confirm_names(cut, reading.found)
    strips, name, clock_warnings = set_clock(cut, found, fs)
    return strips, name, residual, [*found.warnings, *reading.worth.warnings, *law_warnings, *clock_warnings]


def _checked(name: str, value: float | None, bounds: tuple[float, float], unit: str) -> float | None:
    """A number that a caller gives, if it is one and within its bounds."""
    if value is None:
        return None
    allowed = f"allowed: a number from {bounds[0]:g} to {bounds[1]:g} ({unit})"
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} is {value!r}; {allowed}")
    if not bounds[0] <= value <= bounds[1]:
        raise ValueError(f"{name} is {value!r}; {allowed}")
    return float(value)


def _grounded(page: Page) -> tuple[Page, Grid | PaperScale]:
    """The page, its greys restored if it is a dithered fax, and where its millimetres lie."""
    received = fax_resolution(page.image)
    page = replace(page, image=without_halftone(page.image, received))
    grid = find_grid(page.image)
    if grid is not None and (received is None or _has_pitch(grid, page, received / 25.4)):
        return page, grid
    return page, first_scale(page.image, page.dpi, received)


def _has_pitch(grid: Grid, page: Page, pixels_per_mm: float) -> bool:
    """Whether a grid has such a pitch: the beat of a fax's dither, some 8 dots, is near a millimetre, too."""
    height, width = page.image.shape[:2]
    scales = scale_at(grid.matrix, (width / 2, height / 2))[:2]
    return all(abs(scale / pixels_per_mm - 1.0) < _SAME_PITCH for scale in scales)


def _names_read(found: PageLayout) -> tuple[int, int]:
    """Number of the strips whose own names can be read, and of all."""
    return sum(place.is_read for place in found.places), len(found.places)


def _names_tell(found: PageLayout) -> bool:
    """Whether the names speak for an electrocardiogram: any stroke reads as an I, and two do as II."""
    known = [place.lead for place in found.places if place.name_source != "assumed"]
    return len(known) >= _SOME_NAMES or any(lead.strip("I") for lead in known)


def _unread(found: PageLayout, strips: Sequence[Strip]) -> int:
    """Number of strips whose names neither print nor traces tell: that a caller knows them is no proof."""
    read = {(place.row, place.column) for place in found.places if place.is_read}
    return sum(strip.name_source != "measured" and (strip.row, strip.column) not in read for strip in strips)


def _certainty(view: View) -> float:
    return 0.0 if isinstance(view.ground, PaperScale) else view.ground.certainty


def _named(found: PageLayout, rows: int) -> NDArray[np.float32]:
    """Share of each row's strips whose name can be read: that a caller knows it makes no trace better."""
    known = np.zeros(rows, np.float32)
    total = np.zeros(rows, np.float32)
    for place in found.places:
        known[place.row] += place.is_read
        total[place.row] += 1
    return np.asarray(known / np.maximum(total, 1.0), np.float32)


def _look(
    page: Page,
    ground: Grid | PaperScale,
    speed: float | None,
    gain: float | None,
    count: int | None,
    may_turn: bool = True,
) -> View | None:
    """Look at a page; at one without a grid once more, at the scale that its pulses and rows have."""
    view = look(page, ground, may_turn=may_turn, count=count)
    if view is None or not isinstance(view.ground, PaperScale):
        return view
    scale = measured_scale(view.ground, view.traces, view.rows.level, view.marks, speed=speed, gain=gain)
    return look(page, scale, may_turn=may_turn, count=count)


def _counted_anew(
    page: Page, view: View, scale: PrintedScale, speed: float | None, gain: float | None, count: int | None
) -> View | None:
    """Look anew at a page on whose grid lines were taken for others; None where its print and pulses bear it out.

    So dots half a millimetre apart pass for millimetres. Where there is no grid of the pitch that they tell, the page
    keeps its own, and the pulses are warned of (`find_scale`).
    """
    traces = view.traces
    factor = miscount(scale, view.marks.pulses, float(np.median(traces.end - traces.start)) / PIXELS_PER_MM)
    if factor == 1.0 or isinstance(view.ground, PaperScale):
        return None
    height, width = page.image.shape[:2]
    pitch = float(np.sqrt(np.prod(scale_at(view.ground.matrix, (width / 2, height / 2))[:2])))
    grid = find_grid(page.image, pitch * factor)
    return None if grid is None else _look(page, grid, speed, gain, count)


def _read(view: View, given: Layout | None) -> _Seen:
    """Read what is left when the traces are taken away.

    That the layout cannot be the given one need not be the last word: the page may lie on its side.
    """
    printed = erase_traces(view.coverage, view.traces)
    printed[view.marks.mask] = 0.0
    words = find_words(printed)[0]
    scale = read_scale(printed, words)
    try:
        found = read_layout(view.coverage, printed, view.traces, view.baseline, view.marks, words, given)
    except RowsMissing as error:
        return _Seen(scale, str(error))
    return _Seen(scale, found)


def _without_false_rows(page: Page, view: View, seen: _Seen, found: PageLayout, given: Layout) -> tuple[View, _Seen]:
    """Follow the rows of a given layout once more, without those that stand too near them to be rows themselves."""
    shown = sorted({place.row for place in found.places})
    if len(shown) < 2 or len(shown) == len(view.baseline):
        return view, seen
    apart = np.abs(view.baseline[:, None] - view.baseline[shown]).min(axis=1)
    kept = apart > _TOO_NEAR * float(np.median(np.diff(view.baseline[shown])))
    kept[shown] = True
    if kept.all():
        return view, seen
    rows = Rows(view.rows.level[kept], view.rows.start[kept], view.rows.end[kept])
    again = look(page, view.ground, may_turn=False, only=rows)
    read = None if again is None else _read(again, given)
    if again is None or read is None or isinstance(read.found, str):
        return view, seen
    left_out = [warning for warning in found.warnings if "were left out" in warning]
    others = [warning for warning in read.found.warnings if "were left out" not in warning]
    return again, read._replace(found=replace(read.found, warnings=(*others, *left_out)))
