"""Read the strips of a page off its drawing: every sample from the path that the file itself draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import make_interp_spline

from digitize.layout.clock import set_clock
from digitize.layout.confirm import confirm_names
from digitize.layout.naming import Naming, name_rows
from digitize.ocr.text import parse_scale
from digitize.records.drawing import Drawing
from digitize.records.known import Known
from digitize.records.layouts import ALL_NAMES, is_chest, lead_of, sign_of
from digitize.records.page_layout import PageLayout, Place
from digitize.records.results import Calibration, Geometry, Strip
from digitize.records.symbols import Pulse
from digitize.records.upright import PIXELS_PER_MM
from digitize.records.values import Scale, Source
from digitize.strips.cut import strip_of
from digitize.strips.scale import find_scale
from digitize.tracing.alignment import Given, likely_pitches
from digitize.vector.arrange import NamedCells, Rows, arrange, place_names
from digitize.vector.curves import PulseShape, find_curves
from digitize.vector.upright import UprightDrawing, put_upright

_UNREAD = 0.5
"""Price of a trace without a name, as in `digitize.layout.naming`."""
_LEAST_NAMED = 0.5
"""Least share of the traces that have a name: of others the picture may tell it."""
_HALF_SECOND, _WHOLE = 0.5, 0.006
"""Columns are whole multiples of this many seconds, and by which part they may seem to be off."""
_WHITE = 5.0 * PIXELS_PER_MM
"""White between columns from which on it parts panels, and is no time."""
_EVEN, _FEWER = 0.9, 1.1
"""Least part of a path's longest step that its shortest one is where they are even, and how many times as long as a
sample they are where points are fewer."""
_DEGREE = 5
"""Of the spline through the points: on six pages that hold 125 points a second a line is 4.6 dB below what the points
allow, a cubic spline 1.1, this one 0.8, and a higher degree no better."""
_SAME_SAMPLE = 0.05
"""Part of a sample by which a path may end before its last."""


@dataclass(frozen=True, eq=False)
class ReadDrawing:
    """Strips that were read off a drawing, and what is known of them.

    Attributes
    ----------
    strips : tuple of Strip
    layout : str
        Name of the layout.
    calibration : Calibration
    geometry : Geometry
    residual : float
        Share of the limb leads' power that breaks Einthoven's law; NaN where none tells.
    unread : int
        Strips whose names could not be read.
    contradicted : bool
        Whether the page's names are other than those of the given layout.
    warnings : tuple of str
    """

    strips: tuple[Strip, ...]
    layout: str
    calibration: Calibration
    geometry: Geometry
    residual: float
    unread: int
    contradicted: bool
    warnings: tuple[str, ...]


def read_drawing(drawing: Drawing, known: Known, fs: int) -> ReadDrawing | None:
    """Read strips off the lines and the text of a page.

    Parameters
    ----------
    drawing : Drawing
    known : Known
    fs : int
        Sampling frequency of the strips, Hz.

    Returns
    -------
    ReadDrawing or None
        None where the drawing does not tell all of it: its traces are no paths, or do not part as the leads do, or the
        file does not spell out their names.
    """
    upright = put_upright(drawing)
    traces, shapes = find_curves(upright.lines)
    if not traces:
        return None
    rows = arrange(traces)
    ways = [(named, naming) for named in place_names(rows, upright.words) if (naming := _name(rows, named, known))]
    if not ways:
        return None
    named, naming = max(ways, key=lambda way: way[1].score)
    pulses = _pulses(shapes, rows)
    chest = {row for row, labels in _labels(naming) if all(is_chest(lead_of(label)) for label in labels)}
    # A comma that ends a statement is no decimal one.
    scale = find_scale(parse_scale(drawing.text.replace(", ", "; ")), pulses, chest, speed=known.speed, gain=known.gain)
    layout = _layout(rows, named, naming, scale, known)
    if layout.lost:
        return None
    strips = _cut(rows, layout, scale, pulses, upright, fs)
    strips, layout_again, residual, law_warnings = confirm_names(strips, layout)
    strips, name, clock_warnings = set_clock(strips, layout_again, fs)
    return ReadDrawing(
        strips=tuple(strips),
        layout=name,
        calibration=Calibration(
            scale.speed.value, scale.gain.value, scale.speed.source, scale.gain.source, upright.pixels_per_mm,
            upright.source,
        ),
        geometry=Geometry(drawing.size, upright.rotation, float(upright.source == "grid")),
        residual=residual,
        unread=sum(not place.is_read for place in layout.places),
        contradicted=any(place.contradicted for place in layout.places),
        warnings=(*layout.warnings, *scale.warnings, *law_warnings, *clock_warnings),
    )  # fmt: skip


def _name(rows: Rows, named: NamedCells, known: Known) -> Naming | None:
    """Leads of the rows; None where too few names can be read, or rows have other numbers of traces than of leads."""
    seen = np.isfinite(named.cells[:, :, 0])
    places = sum(map(len, rows.traces))
    if seen.sum() < _LEAST_NAMED * places and (known.given_layout is None or not known.given_layout.tells_leads):
        return None
    given = None
    if known.given_layout is not None:
        if (known.given_layout.n_rows, known.given_layout.columns) != (len(rows.traces), rows.columns):
            return None
        pitches = likely_pitches(np.zeros((known.given_layout.n_rows, len(rows.traces))), rows.level)
        given = Given(known.given_layout, rows.level, pitches)
    naming = name_rows(named.cells, np.zeros(len(rows.traces), np.int64), _UNREAD, given)
    counts = [0] * naming.skipped + [len(labels) for labels in naming.rows]
    return naming if counts == [len(traces) for traces in rows.traces] else None


def _labels(naming: Naming) -> list[tuple[int, tuple[str, ...]]]:
    """Each row's number and labels."""
    return list(enumerate(naming.rows, naming.skipped))


def _pulses(shapes: Sequence[PulseShape], rows: Rows) -> tuple[Pulse, ...]:
    return tuple(
        Pulse(int(np.abs(rows.level - shape.foot).argmin()), shape.left, shape.right, shape.top, shape.foot)
        for shape in shapes
    )


def _layout(rows: Rows, named: NamedCells, naming: Naming, scale: Scale, known: Known) -> PageLayout:
    """Where the strips are, and when: a lead that continues goes on where it ended above."""
    per_second = scale.speed.value * PIXELS_PER_MM
    places = []
    shown = dict.fromkeys(ALL_NAMES, 0.0)
    for row, labels in _labels(naming):
        for column, begin in enumerate(_begins(rows.traces[row], per_second)):
            trace = rows.traces[row][column]
            place = _place(labels, row, column, named, known)
            before = shown[place.lead] if naming.layout.continues else begin
            left, right = float(trace[0, 0]), float(trace[-1, 0] + _step(trace))
            places.append(replace(place, left=left, right=right, before=before))
            shown[place.lead] += right - left
    found = {place.lead for place in places}
    lost = () if known.given_layout else tuple(dict.fromkeys(lead for lead in named.astray if lead not in found))
    others = [f"{place.contradicted} in row {place.row + 1}" for place in places if place.contradicted]
    told = (f"layout {naming.layout.name!r} was given, but the page's names read {', '.join(others)}",)
    return PageLayout(
        places=tuple(places),
        names=named.boxes,
        layout=naming.layout,
        shown_rows=len(rows.traces),
        named_rows=len(rows.traces) - naming.skipped,
        contradictions=told if others else (),
        lost=lost,
    )


def _place(labels: Sequence[str], row: int, column: int, named: NamedCells, known: Known) -> Place:
    """A strip's lead, and how it is known; where it is is not told yet."""
    label, cell = labels[column], named.cells[row, column]
    lead = lead_of(label)
    read = None if np.isnan(cell).all() else ALL_NAMES[int(cell.argmax())]
    given = known.given_layout is not None and (len(labels) == 1 or known.given_layout.tells_leads)
    source: Source = "given" if given else "read" if read == lead else "assumed"
    inverted = lead == "aVR" and (sign_of(label) < 0 or bool(named.negated[row, column]))
    return Place(
        lead=lead,
        sign=-1 if inverted else 1,
        row=row,
        column=column,
        left=np.nan,
        right=np.nan,
        before=np.nan,
        name_source=source,
        certainty=float(read == lead),
        contradicted=read if given and read is not None and read != lead else "",
    )


def _step(trace: NDArray[np.float64]) -> float:
    """Distance of a trace's points in time, pixels; what is drawn without points on straight ways counts little."""
    steps = np.diff(trace[:, 0])
    return float(np.median(steps[steps > 0]))


def _begins(traces: Sequence[NDArray[np.float64]], per_second: float) -> list[float]:
    """Time of each trace of a row after the first one's, in pixels.

    A page that shows whole half seconds tells it twice: by where its columns begin, and by how long they are. Rounding,
    and samples that a program leaves out, spoil one or the other.
    """
    begins = [0.0]
    for last, trace in pairwise(traces):
        pitch, length = float(trace[0, 0] - last[0, 0]), float(last[-1, 0] - last[0, 0]) + _step(last)
        halves = [value / per_second / _HALF_SECOND for value in (pitch, length)]
        off = [abs(value / max(round(value), 1) - 1) for value in halves]
        best = int(np.argmin(off))
        if off[best] < _WHOLE:
            way = round(halves[best]) * _HALF_SECOND * per_second
        else:
            way = length if pitch - length > _WHITE else pitch
        begins.append(begins[-1] + way)
    return begins


def _cut(
    rows: Rows, layout: PageLayout, scale: Scale, pulses: Sequence[Pulse], upright: UprightDrawing, fs: int
) -> list[Strip]:
    """Sample the traces, in millivolts and seconds."""
    per_second = scale.speed.value * PIXELS_PER_MM
    sampled = []
    for place in layout.places:
        trace = rows.traces[place.row][place.column]
        n = int((trace[-1, 0] - trace[0, 0]) / per_second * fs + _SAME_SAMPLE) + 1
        x = np.minimum(trace[0, 0] + np.arange(n) * per_second / fs, trace[-1, 0])
        sampled.append((x, _at(trace, x, per_second / fs)))
    strips = []
    for place, (x, y) in zip(layout.places, sampled, strict=True):
        of_row = [own for other, (_, own) in zip(layout.places, sampled, strict=True) if other.row == place.row]
        feet = [pulse.foot for pulse in pulses if pulse.row == place.row]
        zero = float(np.median(feet)) if feet else float(np.nanmedian(np.concatenate(of_row)))
        strip = strip_of(place, scale, zero, y, upright.to_picture(np.stack([x, y], axis=1)))
        # What the file draws is known; whether it is the lead that its name says, the verdict tells.
        strips.append(replace(strip, confidence=np.isfinite(strip.signal).astype(np.float32)))
    return strips


def _at(trace: NDArray[np.float64], x: NDArray[np.float64], spacing: float) -> NDArray[np.float64]:
    """A trace's y at some x, so far apart.

    A path is straight between its points. But where these are evenly spaced and fewer than the samples, they are
    samples of a recording, which is not straight between them: a smooth curve through them is nearer to it.
    """
    steps = np.diff(trace[:, 0])
    sparse = steps.min() > _EVEN * steps.max() and steps.mean() > _FEWER * spacing
    if sparse and np.isfinite(trace).all():
        return np.asarray(make_interp_spline(trace[:, 0], trace[:, 1], k=_DEGREE)(x), np.float64)
    return np.asarray(np.interp(x, trace[:, 0], trace[:, 1]), np.float64)
