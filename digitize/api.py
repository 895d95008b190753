"""Take a page all the way from its picture to leads: the way of a page, top to bottom."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from digitize.geometry.placement import certainty_of, place_page, scale_in_middle
from digitize.ink.look import Looker, look_at
from digitize.layout import orientation
from digitize.layout.clock import set_clock
from digitize.layout.confirm import confirm_names
from digitize.layout.printed import ReadPage, without_false_rows
from digitize.layout.rename import renamed
from digitize.leads import Leads
from digitize.pages.edit import as_pictured, edit_page
from digitize.pages.page import PageSource, load_drawing, load_only_page
from digitize.records.arguments import number, of_type
from digitize.records.drawing import Drawing
from digitize.records.known import Known
from digitize.records.layouts import LEAD_NAMES, is_chest
from digitize.records.page import Page, PageError
from digitize.records.page_analysis import PageAnalysis
from digitize.records.page_layout import PageLayout
from digitize.records.placement import PaperScale
from digitize.records.results import Calibration, Geometry, Quality, Strip
from digitize.records.standards import SAMPLING_HZ
from digitize.records.values import PitchSource, TraceSource
from digitize.refine.correct import TraceRefiner, correct
from digitize.strips import confidence
from digitize.strips.cut import columns_of, cut_strips, join_strips
from digitize.strips.scale import find_scale
from digitize.strips.verdict import cut_off, edge_width, judge
from digitize.tracing.view import led_past_names
from digitize.vector.read import read_drawing

_SOME_NAMES = 3
"""Limb leads by whose names alone a page without grid and pulse is known."""


def trace_leads(
    image: PageSource,
    *,
    layout: str | None = None,
    speed: float | None = None,
    gain: float | None = None,
    known: Known | None = None,
    fs: int = 500,
    refine: bool = True,
) -> Leads:
    """Digitize one page.

    Parameters
    ----------
    image : path, bytes, ndarray, PIL image or Page
        One page (see `load_pages` for many).
    layout : str, optional
        Name of the layout (`digitize.records.layouts.find_layout`), e.g. ``"3x4+II"``: its rows are looked for and its
        leads named, and where the page says otherwise a warning tells. Read off the page by default.
    speed, gain : float, optional
        Paper speed (5 to 200 mm/s) and gain (1 to 100 mm/mV); read, measured or assumed by default.
    known : Known, optional
        These and whatever else the caller knows: names of strips, which part of the picture is the page, how it must be
        turned, whether it is a negative. What is given by itself stands in the place of the same here.
    fs : int
        Sampling frequency of the result, 1 to 10000 Hz.
    refine : bool
        Whether networks tell what is ink (`digitize.ink.look`) and correct the traces (`digitize.refine.correct`).

    Returns
    -------
    Leads
        Its paths are those of the picture as it was given, however it was cropped and turned.

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
    >>> trace_leads("samples/00024_hr.png", known=Known(rename={"V1": "V2", "V2": "V1"}), refine=False).layout
    'custom-3x4+II'
    """
    fs = int(number("fs", fs, SAMPLING_HZ, "Hz", whole=True))
    of_type("refine", refine, (bool, np.bool_), "True or False")
    known = (known or Known()).but(Known(layout, speed, gain))
    drawn = leads_of_drawing(load_drawing(image), known=known, fs=fs)
    if drawn is not None:
        return drawn
    page = load_only_page(image)
    analysis = analyze_page(edit_page(page, known), known=known, look=look_at if refine else None)
    return as_pictured(leads_of(refined(analysis) if refine else analysis, fs=fs), page, known)


def leads_of_drawing(
    drawing: Drawing | None,
    *,
    known: Known | None = None,
    fs: int,
) -> Leads | None:
    """Read leads off the paths that a page's file draws, where it draws the traces: nothing is rendered.

    Parameters
    ----------
    drawing : Drawing or None
        Of a page (`Page.drawing`).
    known : Known, optional
        What the caller knows. Of a page that is renamed, cropped, turned or inverted only the picture tells.
    fs : int
        Sampling frequency, Hz.

    Returns
    -------
    Leads or None
        None where the drawing does not tell all of it: `analyze_page` then looks at the page's picture.

    Examples
    --------
    >>> leads_of_drawing(None, fs=500) is None
    True
    """
    known = known or Known()
    edited = not known.given.keys() <= {"layout", "speed", "gain"}
    read = None if drawing is None or edited else read_drawing(drawing, known, fs)
    if read is None:
        return None
    quality = partial(judge, contradicted=read.contradicted, unread=read.unread, edge_mm=math.nan, truncated=False)
    return _joined(
        read.strips,
        read.layout,
        read.calibration,
        read.geometry,
        quality,
        residual=read.residual,
        lost=(),
        warnings=read.warnings,
        source="vector",
        fs=fs,
    )


def analyze_page(
    image: PageSource,
    *,
    layout: str | None = None,
    speed: float | None = None,
    gain: float | None = None,
    known: Known | None = None,
    look: Looker | None = look_at,
) -> PageAnalysis:
    """Find the traces of a page and what they are: all of `trace_leads` that happens in pixels and millimeters.

    Parameters
    ----------
    image, layout, speed, gain, known
        As for `trace_leads`, and so are the errors. But the picture is taken as it is: `digitize.pages.edit.edit_page`
        crops, turns and inverts it before.
    look : callable or None
        Tells what is ink: by default the network that comes with the package (`digitize.ink.look`); None for none.

    Returns
    -------
    PageAnalysis

    Examples
    --------
    >>> analysis = analyze_page("samples/00024_hr.png")
    >>> analysis.layout.name, analysis.scale.speed.value
    ('3x4+II', 25.0)
    """
    known = (known or Known()).but(Known(layout, speed, gain))
    page, placement = place_page(load_only_page(image))
    read = without_false_rows(orientation.choose(page, placement, known, look), known)
    strips = renamed(_checked(page, read), known.rename)
    view = led_past_names(read.analysis, strips.names)
    limb_rows = {place.row for place in strips.places if not is_chest(place.lead)}
    chest_rows = {place.row for place in strips.places} - limb_rows
    scale = find_scale(read.scale, read.pulses, chest_rows, speed=known.speed, gain=known.gain)
    return PageAnalysis(
        page=page,
        placement=view.placement,
        upright=view.laid.upright,
        coverage=view.coverage,
        rows=view.rows,
        baseline=view.baseline,
        symbols=view.symbols,
        traces=view.traces,
        layout=strips,
        scale=scale,
        pen=None if view.laid.look is None else view.laid.look.of("pen"),
    )


def refined(analysis: PageAnalysis, refine: TraceRefiner = correct) -> PageAnalysis:
    """Correct the traces of a page.

    Parameters
    ----------
    analysis : PageAnalysis
        Not modified.
    refine : callable
        By default the networks that come with the package (`digitize.refine.correct`).

    Returns
    -------
    PageAnalysis

    Raises
    ------
    FileNotFoundError
        If the package's weights are missing.
    """
    traces, right = refine(analysis)
    return replace(analysis, traces=traces, right=right)


def leads_of(analysis: PageAnalysis, *, fs: int) -> Leads:
    """Turn what was found on a page into leads: all of `trace_leads` that happens in seconds and millivolts.

    Parameters
    ----------
    analysis : PageAnalysis
    fs : int
        Sampling frequency of the result, 1 to 10000 Hz.

    Returns
    -------
    Leads

    Raises
    ------
    TypeError, ValueError
        If the frequency is no whole number, or out of range.
    """
    fs = int(number("fs", fs, SAMPLING_HZ, "Hz", whole=True))
    layout, traces = analysis.layout, analysis.traces
    strips, name, residual, warnings = strips_of(analysis, fs)
    strips, probability = _rated(analysis, strips, residual, fs)
    pixels_per_mm, _, rotation = scale_in_middle(analysis.placement, analysis.page)
    height, width = analysis.page.image.shape[:2]
    quality = partial(
        judge,
        edge_mm=edge_width(analysis.coverage, traces.center),
        truncated=cut_off(traces.center, analysis.upright.inside),
        unread=_unread(layout, strips),
        contradicted=any(place.contradicted for place in layout.places),
        probability=probability,
    )
    return _joined(
        strips,
        name,
        _calibration(analysis, pixels_per_mm),
        Geometry((width, height), rotation, certainty_of(analysis.placement)),
        quality,
        residual=residual,
        lost=layout.lost,
        warnings=warnings,
        source="raster",
        fs=fs,
    )


def _joined(
    strips: Sequence[Strip],
    layout: str,
    calibration: Calibration,
    geometry: Geometry,
    quality: Callable[..., Quality],
    *,
    residual: float,
    lost: Sequence[str],
    warnings: Sequence[str],
    source: TraceSource,
    fs: int,
) -> Leads:
    """Join strips to leads; `quality` is `judge`, but for what is known here."""
    signal, certainty = join_strips(strips, fs)
    missing = [lead for lead, row in zip(LEAD_NAMES, signal, strict=True) if not np.isfinite(row).any()]
    lost = [lead for lead in lost if lead in missing]
    return Leads(
        signal=signal,
        confidence=certainty,
        fs=fs,
        strips=tuple(strips),
        layout=layout,
        calibration=calibration,
        geometry=geometry,
        quality=quality(strips, calibration, residual=residual, lost=lost),
        warnings=(*_no_grid(calibration), *warnings, *_not_found(missing, lost)),
        source=source,
    )


def strips_of(analysis: PageAnalysis, fs: int) -> tuple[list[Strip], str, float, list[str]]:
    """Turn what was found into strips, each under its name and at its time.

    Parameters
    ----------
    analysis : PageAnalysis
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
    cut = cut_strips(analysis, fs)
    cut, layout, residual, law_warnings = confirm_names(cut, analysis.layout)
    strips, name, clock_warnings = set_clock(cut, layout, fs)
    # Those of the layout are about the names as they were read.
    warnings = [*analysis.layout.warnings, *analysis.scale.warnings, *law_warnings, *clock_warnings]
    return strips, name, residual, warnings


def features_of(analysis: PageAnalysis, strips: Sequence[Strip], residual: float, fs: int) -> list[NDArray[np.float32]]:
    """Measure what the confidence of every sample of every strip rests on.

    Parameters
    ----------
    analysis : PageAnalysis
    strips : sequence of Strip
    residual : float
        See `strips_of`.
    fs : int
        Sampling frequency of the strips, Hz.

    Returns
    -------
    list of ndarray, shape (samples, len(digitize.strips.confidence.FEATURES)), float32
    """
    level, layout, scale = analysis.rows.level, analysis.layout, analysis.scale
    along = confidence.measure(
        analysis.coverage,
        analysis.traces,
        level,
        gain=scale.gain.value,
        grid=certainty_of(analysis.placement),
        named=_named(layout, len(level)),
        sure=analysis.right,
    )
    places = layout.by_cell
    paths = [
        along[strip.row, columns_of(analysis.traces, places[strip.row, strip.column], scale, fs)[1]] for strip in strips
    ]
    return confidence.measure_strips(strips, paths, fs=fs, residual=residual, pulse=bool(analysis.symbols.pulses))


def _checked(page: Page, read: ReadPage) -> PageLayout:
    """The layout of a page, if it is an electrocardiogram, and as the caller says."""
    layout = read.layout
    if layout is None:
        raise PageError(f"{page.name}: {read.problem}")
    gridless = isinstance(read.analysis.placement, PaperScale)
    if gridless and not read.pulses and not _names_tell(layout):
        raise PageError(f"{page.name}: no electrocardiogram found (no grid, no lead name, no calibration pulse)")
    if not layout.places:
        raise PageError(f"{page.name}: no electrocardiogram found (no row is long enough)")
    return layout


def _names_tell(layout: PageLayout) -> bool:
    """Whether the names speak for an electrocardiogram: any stroke reads as an I, and two do as II."""
    known = [place.lead for place in layout.places if place.name_source != "assumed"]
    return len(known) >= _SOME_NAMES or any(lead.strip("I") for lead in known)


def _rated(analysis: PageAnalysis, strips: Sequence[Strip], residual: float, fs: int) -> tuple[list[Strip], float]:
    """Strips with the probability that each of their samples is right, and that of the page."""
    features = features_of(analysis, strips, residual, fs)
    rated = [confidence.rate(own) for own in features]
    known = [np.isfinite(strip.signal) for strip in strips]
    measured = confidence.measure_page(
        [own[seen] for own, seen in zip(features, known, strict=True)],
        [sure[seen] for sure, seen in zip(rated, known, strict=True)],
    )
    sure_strips = [
        replace(strip, confidence=np.where(seen, sure, np.float32(0.0)))
        for strip, seen, sure in zip(strips, known, rated, strict=True)
    ]
    return sure_strips, confidence.rate_page(measured)


def _calibration(analysis: PageAnalysis, pixels_per_mm: float) -> Calibration:
    placement, scale = analysis.placement, analysis.scale
    pitch_source: PitchSource = placement.source if isinstance(placement, PaperScale) else "grid"
    speed, gain = scale.speed, scale.gain
    return Calibration(speed.value, gain.value, speed.source, gain.source, pixels_per_mm, pitch_source)


def _no_grid(calibration: Calibration) -> list[str]:
    source = calibration.pitch_source
    return [] if source == "grid" else [f"no grid found; the scale is taken from: {source}"]


def _not_found(missing: Sequence[str], lost: Sequence[str]) -> list[str]:
    warnings = []
    if missing:
        warnings.append(f"leads not on the page: {', '.join(missing)}")
    if lost:
        warnings.append(f"lead names are printed where no strip was found: {', '.join(lost)}")
    return warnings


def _unread(layout: PageLayout, strips: Sequence[Strip]) -> int:
    """Number of strips whose names neither print nor traces tell: that a caller knows them is no proof."""
    read = {(place.row, place.column) for place in layout.places if place.is_read}
    return sum(strip.name_source != "measured" and (strip.row, strip.column) not in read for strip in strips)


def _named(layout: PageLayout, rows: int) -> NDArray[np.float32]:
    """Share of each row's strips whose name can be read: that a caller knows it makes no trace better."""
    known = np.zeros(rows, np.float32)
    total = np.zeros(rows, np.float32)
    for place in layout.places:
        known[place.row] += place.is_read
        total[place.row] += 1
    return np.asarray(known / np.maximum(total, 1.0), np.float32)
