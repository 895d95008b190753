"""Pictures of a result: the traces over the page they were read from, and the leads on paper of their own."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from types import NoneType
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from digitize.records.arguments import of_type
from digitize.records.results import Highlight
from digitize.render.paper import HUNDREDTHS, TOLERANCE_MM, path_data, row_starts

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from digitize.records.results import LeadData, Strip

ROW_COLORS = ((0, 90, 255), (0, 140, 60), (120, 50, 210), (0, 150, 170))
"""RGB, taken in turn by the page's rows: none is a color of ECG paper or ink."""

UNSURE_COLOR = (255, 110, 0)
"""RGB of the parts with a confidence below `UNSURE`."""

UNSURE = 0.5

MARK_COLOR = (200, 0, 80)
"""RGB of marks with a text; those without have their row's."""

SHADE_COLOR = (225, 0, 200)
"""RGB of the band of a `Highlight`."""

_SHADES = (0.15, 0.3, 0.5, 0.7, 0.9)
"""Strengths from which on the band gets one layer darker."""

_SHADE_OPACITY = 0.16
_SHADE_MM = 3.2
_SHADE_TOLERANCE_MM = 0.2
_OPACITY = 0.65
_WIDTH_MM = 0.3
_CAPITALS_MM = 2.5
_SUBPIXEL_BITS = 4
_MOST_MV = 5.0
_TICK_MM = 1.6
_REACH_MM = 3.0  # a mark stands above the highest point of the trace so far to either side


class Annotation(NamedTuple):
    """Say something of one sample of a strip, drawn above it.

    Attributes
    ----------
    strip : int
        Place of the strip in `Leads.strips`.
    sample : int
        Sample of that strip.
    text : str
        A letter or two; where it is empty there is only a tick.
    """

    strip: int
    sample: int
    text: str = ""


def draw_overlay(
    image: NDArray[np.uint8], leads: LeadData, marks: Sequence[Annotation] = (), shade: Highlight | None = None
) -> NDArray[np.uint8]:
    """Draw the traces over the page.

    Parameters
    ----------
    image : ndarray, shape (height, width, 3), uint8
        The page that was digitized, RGB, or another picture as large. It is not modified.
    leads : LeadData
    marks : sequence of Annotation
        E.g. one a beat.
    shade : Highlight, optional
        E.g. where a statement's evidence lies.

    Returns
    -------
    ndarray, shape (height, width, 3), uint8
        A copy with thin translucent traces, one color a row, orange where the confidence is below `UNSURE`, the lead's
        name at the start of each strip, and ticks and texts above the samples that are marked. With a shade it is
        taller than the page by a line with the shade's text.

    Raises
    ------
    TypeError
        If an argument, or the picture's pixels, are of another type.
    ValueError
        If it has another size or shape.
    """
    _check_picture(image, leads.geometry.page_size)
    for mark in marks:
        of_type("marks", mark, Annotation, "a sequence of Annotation")
    of_type("shade", shade, (Highlight, NoneType), "a Highlight, or None")
    if not leads.strips:
        return image.copy()
    per_mm = leads.calibration.pixels_per_mm
    image = image if shade is None else _shaded(image, leads, shade)
    drawn = image.copy()
    thickness = max(2, round(_WIDTH_MM * per_mm))
    for strip in leads.strips:
        color = ROW_COLORS[strip.row % len(ROW_COLORS)]
        for line, sure in _lines(strip):
            points = np.rint(line * (1 << _SUBPIXEL_BITS)).astype(np.int32)
            cv2.polylines(
                drawn, [points], False, color if sure else UNSURE_COLOR, thickness, cv2.LINE_AA, _SUBPIXEL_BITS
            )
    drawn = np.asarray(cv2.addWeighted(drawn, _OPACITY, image, 1 - _OPACITY, 0), np.uint8)
    for strip in leads.strips:
        _write_name(drawn, strip, ROW_COLORS[strip.row % len(ROW_COLORS)], per_mm)
    for mark in marks:
        _draw_mark(drawn, leads, mark)
    return drawn if shade is None else _with_legend(drawn, per_mm, shade.text)


def _check_picture(image: NDArray[np.uint8], page_size: tuple[int, int]) -> None:
    width, height = page_size
    allowed = f"an array of uint8 as large as the page, of shape {(height, width, 3)}"
    of_type("image", image, np.ndarray, allowed)
    if image.dtype != np.uint8:
        raise TypeError(f"image has pixels of type {image.dtype}; allowed: {allowed}")
    if image.shape != (height, width, 3):
        raise ValueError(f"image has the shape {image.shape}; allowed: {allowed}")


def _shaded(image: NDArray[np.uint8], leads: LeadData, shade: Highlight) -> NDArray[np.uint8]:
    """The page with a band along its traces, in as many layers as the strengths that it reaches."""
    thickness = max(3, round(_SHADE_MM * leads.calibration.pixels_per_mm))
    layers = np.zeros(image.shape[:2], np.uint8)
    for number, least in enumerate(_SHADES, 1):
        for strip, strength in zip(leads.strips, shade.strength, strict=True):
            for line in _stretches(strip, strength >= least):
                points = np.rint(line * (1 << _SUBPIXEL_BITS)).astype(np.int32)
                cv2.polylines(layers, [points], False, number, thickness, cv2.LINE_8, _SUBPIXEL_BITS)
    drawn, where = image.copy(), layers > 0
    share = 1 - (1 - _SHADE_OPACITY) ** layers[where][:, None].astype(np.float32)
    drawn[where] = np.rint(image[where] * (1 - share) + np.array(SHADE_COLOR, np.float32) * share)
    return drawn


def _stretches(strip: Strip, chosen: NDArray[np.bool_]) -> list[NDArray[np.float32]]:
    """Runs of a strip's path that are chosen and shown."""
    kept = chosen & np.isfinite(strip.path).all(axis=1)
    edges = np.flatnonzero(np.diff(kept, prepend=False, append=False)).reshape(-1, 2)
    return [strip.path[start:end] for start, end in edges]


def _with_legend(drawn: NDArray[np.uint8], per_mm: float, text: str) -> NDArray[np.uint8]:
    """The picture with a line below it that says what the band means, smaller where the picture is narrow."""
    face, pad, swatch = cv2.FONT_HERSHEY_SIMPLEX, round(1.5 * per_mm), round(6 * per_mm)
    scale = _CAPITALS_MM * per_mm / cv2.getTextSize("I", face, 1, 1)[0][1]
    thickness = max(1, round(0.25 * per_mm))
    room = drawn.shape[1] - 3 * pad - swatch
    scale *= min(1.0, room / cv2.getTextSize(text, face, scale, thickness)[0][0])
    (_, tall), low = cv2.getTextSize(text, face, scale, thickness)
    line = np.full((tall + low + 2 * pad, drawn.shape[1], 3), 255, np.uint8)
    share = 1 - (1 - _SHADE_OPACITY) ** np.linspace(0, len(_SHADES), swatch)[None, :, None]
    line[pad : pad + tall, pad : pad + swatch] = np.rint(255 * (1 - share) + np.array(SHADE_COLOR) * share)
    cv2.putText(line, text, (2 * pad + swatch, pad + tall), face, scale, (40, 0, 35), thickness, cv2.LINE_AA)
    return np.concatenate([drawn, line])


def _draw_mark(drawn: NDArray[np.uint8], leads: LeadData, mark: Annotation) -> None:
    place = _mark_place(leads, mark)
    if place is None:
        return
    per_mm = leads.calibration.pixels_per_mm
    color = _mark_color(leads, mark)
    x, foot, head = round(place[0]), round(place[1]), round(place[1] - _TICK_MM * per_mm)
    thickness = max(1, round(0.3 * per_mm))
    cv2.line(drawn, (x, foot), (x, head), color, thickness, cv2.LINE_AA)
    if mark.text:
        face = cv2.FONT_HERSHEY_SIMPLEX
        scale = _CAPITALS_MM * per_mm / cv2.getTextSize("I", face, 1, 1)[0][1]
        wide = cv2.getTextSize(mark.text, face, scale, thickness)[0][0]
        corner = (x - wide // 2, round(head - 0.4 * per_mm))
        cv2.putText(drawn, mark.text, corner, face, scale, (255, 255, 255), 3 * thickness, cv2.LINE_AA)
        cv2.putText(drawn, mark.text, corner, face, scale, color, thickness, cv2.LINE_AA)


def _mark_color(leads: LeadData, mark: Annotation) -> tuple[int, int, int]:
    return MARK_COLOR if mark.text else ROW_COLORS[leads.strips[mark.strip].row % len(ROW_COLORS)]


def _mark_place(leads: LeadData, mark: Annotation) -> tuple[float, float] | None:
    """Where a mark's tick stands, in pixels; None where the sample is hidden."""
    path, per_mm = leads.strips[mark.strip].path, leads.calibration.pixels_per_mm
    x, y = (float(value) for value in path[mark.sample])
    if not (np.isfinite(x) and np.isfinite(y)):
        return None
    near = path[np.abs(path[:, 0] - x) <= _REACH_MM * per_mm]
    # There must be room for the tick and the text.
    return x, max(float(near[:, 1].min()) - per_mm, (_TICK_MM + _CAPITALS_MM + 1) * per_mm)


def _lines(strip: Strip) -> list[tuple[NDArray[np.float32], bool]]:
    """Cut a strip into runs that are all sure or all unsure; each reaches the first point of the next."""
    seen = np.isfinite(strip.path).all(axis=1) & np.isfinite(strip.signal)
    kind = np.where(seen, 1 + (strip.confidence >= UNSURE), 0)
    starts = np.flatnonzero(np.diff(kind, prepend=-1))
    ends = np.append(starts[1:], len(kind))
    lines = []
    for start, end in zip(starts, ends, strict=True):
        if kind[start]:
            reach = end + 1 if end < len(kind) and kind[end] else end
            lines.append((strip.path[start:reach], bool(kind[start] == 2)))
    return lines


def _write_name(drawn: NDArray[np.uint8], strip: Strip, color: tuple[int, int, int], per_mm: float) -> None:
    seen = strip.path[np.isfinite(strip.path).all(axis=1)]
    if not len(seen):
        return
    face, height = cv2.FONT_HERSHEY_SIMPLEX, _CAPITALS_MM * per_mm
    scale = height / cv2.getTextSize("I", face, 1, 1)[0][1]
    left, base = _name_place(seen, per_mm)
    x, y = int(left), int(max(base, height + 2))
    thickness = max(1, round(0.3 * per_mm))
    cv2.putText(drawn, strip.lead, (x, y), face, scale, (255, 255, 255), 3 * thickness, cv2.LINE_AA)
    cv2.putText(drawn, strip.lead, (x, y), face, scale, color, thickness, cv2.LINE_AA)


def _name_place(seen: NDArray[np.float32], per_mm: float) -> tuple[float, float]:
    """Left end and base line of a strip's name, above the highest point of its first 10 mm, in pixels."""
    near = seen[seen[:, 0] <= seen[0, 0] + 10 * per_mm]
    return float(seen[0, 0]), float(near[:, 1].min()) - 1.5 * per_mm


def overlay_svg(
    leads: LeadData,
    *,
    marks: Sequence[Annotation] = (),
    shade: Highlight | None = None,
    tolerance: float = TOLERANCE_MM,
) -> str:
    """Draw the traces as a layer to lay over the page: sharp at any size.

    Parameters
    ----------
    leads : LeadData
    marks : sequence of Annotation
        As for `draw_overlay`.
    shade : Highlight, optional
        As for `draw_overlay`; its text is left to the caller.
    tolerance : float
        Millimeters of the paper by which a trace may leave its samples to save points.

    Returns
    -------
    str
        An ``<svg>`` element that covers the picture as it is stretched over it, one unit a millimeter of the paper.
        Colors are those of `draw_overlay`; it needs nothing from elsewhere and has no identifiers.

    Examples
    --------
    >>> from digitize import trace_leads
    >>> overlay_svg(trace_leads("samples/00024_hr.png")).count("<text")
    13
    """
    per_mm = leads.calibration.pixels_per_mm
    width, height = (side / per_mm for side in leads.geometry.page_size)
    lines, names = "", ""
    for strip in leads.strips:
        row = f"rgb{ROW_COLORS[strip.row % len(ROW_COLORS)]}".replace(" ", "")
        data = {True: "", False: ""}
        for line, sure in _lines(strip):
            # The middle of the first pixel is half a pixel from the picture's edge.
            x, y = ((line.astype(np.float64) + 0.5) / per_mm).T
            data[sure] += path_data(x, y, np.ones(len(x), bool), tolerance)
        for sure, color in ((True, row), (False, f"rgb{UNSURE_COLOR}".replace(" ", ""))):
            if data[sure]:
                lines += f'<path class="trace" stroke="{color}" d="{data[sure]}"/>'
        seen = strip.path[np.isfinite(strip.path).all(axis=1)]
        if len(seen):
            left, base = _name_place(seen, per_mm)
            names += f'<text x="{left / per_mm:.1f}" y="{max(base / per_mm, _CAPITALS_MM + 0.5):.1f}" fill="{row}">'
            names += f"{escape(strip.lead)}</text>"
    ticks, texts = _marks_svg(leads, marks)
    described = f"Traces of {', '.join(strip.lead for strip in leads.strips)}" if leads.strips else "No traces"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.2f} {height:.2f}" preserveAspectRatio="none" '
        f'role="img" aria-label="{escape(described)}">'
        f"{_shade_svg(leads, shade)}"
        f'<g {HUNDREDTHS} stroke-width="{100 * _WIDTH_MM:g}" stroke-opacity=".75">{lines}</g>{ticks}'
        f'<g font-family="sans-serif" font-weight="bold" font-size="{1.4 * _CAPITALS_MM:g}" stroke="#fff" '
        f'stroke-width=".7" paint-order="stroke" stroke-linejoin="round">{names}{texts}</g></svg>'
    )


def _shade_svg(leads: LeadData, shade: Highlight | None) -> str:
    """The band's layers, one path each, so that none of them lies on itself."""
    if shade is None:
        return ""
    layers = ""
    for least in _SHADES:
        data = ""
        for strip, strength in zip(leads.strips, shade.strength, strict=True):
            for line in _stretches(strip, strength >= least):
                x, y = ((line.astype(np.float64) + 0.5) / leads.calibration.pixels_per_mm).T
                data += path_data(x, y, np.ones(len(x), bool), _SHADE_TOLERANCE_MM)
        layers += f'<path d="{data}"/>' if data else ""
    color = f"rgb{SHADE_COLOR}".replace(" ", "")
    return (
        f'<g class="shade" {HUNDREDTHS} stroke="{color}" stroke-width="{100 * _SHADE_MM:g}" '
        f'stroke-opacity="{_SHADE_OPACITY:g}">{layers}</g>'
    )


def _marks_svg(leads: LeadData, marks: Sequence[Annotation]) -> tuple[str, str]:
    """Ticks, one path a color, and texts."""
    per_mm = leads.calibration.pixels_per_mm
    data: dict[str, str] = {}
    texts = ""
    for mark in marks:
        place = _mark_place(leads, mark)
        if place is None:
            continue
        color = f"rgb{_mark_color(leads, mark)}".replace(" ", "")
        x, foot = ((value + 0.5) / per_mm for value in place)
        data[color] = data.get(color, "") + f"M{x:.2f} {foot:.2f}v{-_TICK_MM:g}"
        if mark.text:
            texts += f'<text x="{x:.2f}" y="{foot - _TICK_MM - 0.4:.2f}" fill="{color}" text-anchor="middle">'
            texts += f"{escape(mark.text)}</text>"
    ticks = "".join(f'<path class="mark" stroke="{c}" stroke-width=".3" d="{d}"/>' for c, d in data.items())
    return ticks, texts


def plot_leads(leads: LeadData) -> Figure:
    """Plot the leads on ECG paper, arranged as on the page.

    Parameters
    ----------
    leads : LeadData

    Returns
    -------
    matplotlib.figure.Figure
        Time across at 25 mm/s, voltage upward at 10 mm/mV; small squares 0.04 s and 0.1 mV, large ones 0.2 s and
        0.5 mV. The figure belongs to no pyplot window.
    """
    from digitize.render.figure import ShownFigure

    rows = max((strip.row for strip in leads.strips), default=0) + 1
    left = row_starts(leads)
    ends = [strip.start - left[strip.row] + len(strip.signal) / leads.fs for strip in leads.strips]
    spacing = 3.0  # mV from row to row
    width = max(ends, default=10.0)
    low, high = -spacing * (rows - 0.5), spacing / 2
    for strip in leads.strips:  # what the first and the last row need more, within reason
        seen = np.clip(strip.signal[np.isfinite(strip.signal)], -_MOST_MV, _MOST_MV) - spacing * strip.row
        low, high = min(low, seen.min(initial=low)), max(high, seen.max(initial=high))
    figure = ShownFigure(figsize=((25 * width + 10) / 25.4, (10 * (high - low) + 12) / 25.4), layout="constrained")
    axes = figure.add_subplot(xlim=(0, width), ylim=(low, high), aspect=10 / 25, xlabel="time (s)")
    axes.set_xticks(np.arange(int(width) + 1))
    axes.set_yticks([])
    for seconds, millivolts, line in ((0.04, 0.1, 0.2), (0.2, 0.5, 0.5)):
        axes.vlines(np.arange(0, width, seconds), low, high, color="#f0a8a8", linewidth=line)
        axes.hlines(np.arange(low, high, millivolts), 0, width, color="#f0a8a8", linewidth=line)
    for strip in leads.strips:
        base = -spacing * strip.row
        start = strip.start - left[strip.row]
        time = start + np.arange(len(strip.signal)) / leads.fs
        axes.plot(time, strip.signal + base, color="black", linewidth=0.8)
        axes.text(start + 0.05, base + 1.2, strip.lead, fontsize=9, weight="bold")
    return figure
