"""A page before it is pixels: traces, marks and text placed on paper, in millimetres.

Paper coordinates are ``(x, y)`` in mm from the sheet's upper left corner, y downward. Whatever happens to the picture
afterwards (scanning, skew, wear) maps these coordinates on, so the truth follows from the scene alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitize.layouts import LEAD_NAMES
from synth.header import HeaderColumn, footer_text, header_columns
from synth.style import PAPERS, PageStyle
from synth.text import text_width

_PULSE_SECONDS = 0.2
_PULSE_MV = 1.0
_LINE_SPACING = 1.7
_MAJOR = 5.0


@dataclass(frozen=True)
class Text:
    """A line of text whose origin (pen start on the base line) stands at ``(x, y)`` mm; `size` is its cap height."""

    string: str
    x: float
    y: float
    size: float


@dataclass(frozen=True)
class Stroke:
    """Pen line through `path`, shape (m, 2) mm, `width` mm wide; rows of NaN lift the pen."""

    path: NDArray[np.float64]
    width: float


@dataclass(frozen=True)
class Trace:
    """One lead on paper.

    Attributes
    ----------
    lead : str
        One of `LEAD_NAMES`.
    inverted : bool
        True where the lead is printed upside down (``-aVR``).
    row, column : int
    first, last : int
        Samples of the record, `last` excluded.
    path : ndarray, shape (last - first, 2)
        The samples in mm, y NaN where the signal is.
    baseline : float
        y of 0 mV.
    label : Text
    """

    lead: str
    inverted: bool
    row: int
    column: int
    first: int
    last: int
    path: NDArray[np.float64]
    baseline: float
    label: Text


@dataclass(frozen=True)
class Scene:
    """Everything on one sheet.

    Attributes
    ----------
    width, height : float
        The sheet in mm.
    grid_area : tuple of float
        x0, y0, x1, y1 of the gridded rectangle.
    grid_origin : tuple of float
        A 5 mm node.
    traces : tuple of Trace
    joins : bool
        Whether the pen goes on from one column of a row to the next.
    marks : tuple of Stroke
        Calibration pulses and separators.
    texts : tuple of Text
        Header and footer; lead names are with the traces.
    """

    width: float
    height: float
    grid_area: tuple[float, float, float, float]
    grid_origin: tuple[float, float]
    traces: tuple[Trace, ...]
    joins: bool
    marks: tuple[Stroke, ...]
    texts: tuple[Text, ...]


def compose(signal: NDArray[np.float64], fs: float, style: PageStyle, rng: np.random.Generator) -> Scene:
    """Place a recording on paper.

    Parameters
    ----------
    signal : ndarray, shape (12, n)
        Millivolts in the order of `LEAD_NAMES`, NaN where nothing is to be drawn.
    fs : float
        Sampling frequency, Hz.
    style : PageStyle
    rng : numpy.random.Generator
        Source of the made-up header.

    Returns
    -------
    Scene

    Raises
    ------
    ValueError
        If the recording is shorter than one sample a column, or not even a quarter of a second a column fits on the
        paper.
    """
    layout = style.resolved_layout()
    if signal.shape[1] < layout.columns:
        raise ValueError(
            f"signal has {signal.shape[1]} samples; allowed for layout {layout.name}: at least {layout.columns}"
        )
    rows = [*layout.rows, *((lead,) for lead in layout.rhythm)]
    spelled = {lead: _spell(lead, style) for row in rows for lead in row}
    label_width = max(text_width(label, style.font, style.label_size) for label in spelled.values())

    pulse_width = (_PULSE_SECONDS * style.speed + 2.5) if style.pulse != "none" else 0.0
    before = 1.0 + (pulse_width if style.pulse == "left" else 0.0)
    after = 1.0 + (pulse_width if style.pulse == "right" else 0.0)
    gap = 2.5 if style.separator == "gap" else 0.0
    if style.label_position == "left":
        before += label_width + 1.0
        gap = max(gap, label_width + 2.0)
    frame = 2 * style.margin + before + after + (layout.columns - 1) * gap

    column_seconds = signal.shape[1] / fs / layout.columns
    sheet = PAPERS[style.paper]
    if sheet is not None:
        fitting = math.floor((sheet[0] - frame) / style.speed / layout.columns * 4) / 4
        if fitting <= 0:
            raise ValueError(
                f"{layout.name} at {style.speed:g} mm/s does not fit on {style.paper}; allowed: paper='content'"
            )
        column_seconds = min(column_seconds, fitting)
    block_width = before + after + layout.columns * column_seconds * style.speed + (layout.columns - 1) * gap

    line = style.text_size * _LINE_SPACING
    available = (sheet[0] if sheet else block_width + 2 * style.margin) - 2 * style.margin
    columns = _fitting(header_columns(rng), available, style) if style.header else []
    above = max((len(column.lines) for column in columns), default=-1) * line + line
    below = 2.5 * line if style.footer else 0.0
    pitch = style.row_pitch or min(max(150.0 / len(rows), 14.0), 32.0)
    if sheet is None:
        width = block_width + 2 * style.margin
        height = len(rows) * pitch + above + below + 2 * style.margin
    else:
        width, height = sheet
        pitch = min(pitch, (height - above - below - 2 * style.margin) / len(rows))
    free = height - above - below - 2 * style.margin - len(rows) * pitch
    left = (width - block_width) / 2
    top = style.margin + above + style.placement * free
    bottom = top + len(rows) * pitch

    traces: list[Trace] = []
    marks: list[Stroke] = []
    for row, leads in enumerate(rows):
        baseline = top + (row + 0.5) * pitch
        seconds = column_seconds if row < len(layout.rows) else column_seconds * layout.columns
        for column, name in enumerate(leads):
            x = left + before + column * (column_seconds * style.speed + gap)
            start = column * seconds if style.columns == "sequential" else 0.0
            first = round(start * fs)
            last = min(round((start + seconds) * fs), signal.shape[1])
            lead = name.removeprefix("-")
            inverted = name.startswith("-")
            samples = signal[LEAD_NAMES.index(lead), first:last]
            path = np.column_stack(
                (
                    x + (np.arange(first, last) / fs - start) * style.speed,
                    baseline - (-samples if inverted else samples) * style.gain,
                )
            )
            label = _place_label(spelled[name], x, baseline, pitch, pulse_width, column, style)
            traces.append(Trace(lead, inverted, row, column, first, last, path, baseline, label))
            if column:
                marks.extend(_separator(x - gap, baseline, style))
        if style.pulse == "left":
            marks.append(_pulse(left + before - pulse_width, baseline, style))
        elif style.pulse == "right":
            end = left + before + layout.columns * column_seconds * style.speed + (layout.columns - 1) * gap
            marks.append(_pulse(end + 1.0, baseline, style))

    texts = [
        Text(string, style.margin + column.place * available, style.margin + (number + 1) * line, style.text_size)
        for column in columns
        for number, string in enumerate(column.lines)
    ]
    if style.footer:
        string, place = footer_text(rng, style.speed, style.gain)
        start = min(place * available, max(0.0, available - text_width(string, style.font, style.text_size)))
        texts.append(Text(string, style.margin + start, bottom + 1.5 * line, style.text_size))

    if style.grid_area == "page":
        area = (0.0, 0.0, width, height)
        origin = style.grid_phase
    else:
        origin = (left - 1.0, top)
        area = (
            *origin,
            origin[0] + math.ceil((block_width + 2.0) / _MAJOR) * _MAJOR,
            top + math.ceil(len(rows) * pitch / _MAJOR) * _MAJOR,
        )
    return Scene(width, height, area, origin, tuple(traces), style.separator == "join", tuple(marks), tuple(texts))


def _spell(lead: str, style: PageStyle) -> str:
    return lead.replace("aV", "AV") if style.lead_spelling == "AVR" else lead


def _fitting(columns: list[HeaderColumn], available: float, style: PageStyle) -> list[HeaderColumn]:
    """Header columns that neither leave the paper nor run into the next one."""
    kept: list[HeaderColumn] = []
    for column in sorted(columns, key=lambda column: column.place):
        width = max(text_width(string, style.font, style.text_size) for string in column.lines)
        free_from = 0.0
        if kept:
            last = kept[-1]
            free_from = last.place * available + max(
                text_width(string, style.font, style.text_size) for string in last.lines
            )
        if column.place * available + width <= available and column.place * available >= free_from:
            kept.append(column)
    return kept


def _place_label(
    string: str, x: float, baseline: float, pitch: float, pulse_width: float, column: int, style: PageStyle
) -> Text:
    size = style.label_size
    if style.label_position == "left":
        clear = 1.0 + (pulse_width if column == 0 and style.pulse == "left" else 0.0)
        return Text(string, x - clear - text_width(string, style.font, size), baseline + size / 2, size)
    offset = min(style.label_offset, 0.5 * pitch)
    y = baseline - offset if style.label_position == "above" else baseline + offset + size
    return Text(string, x + 0.8, y, size)


def _pulse(x: float, baseline: float, style: PageStyle) -> Stroke:
    """Step up 1 mV for 0.2 s, with a foot of a millimetre on either side."""
    width = _PULSE_SECONDS * style.speed
    top = baseline - _PULSE_MV * style.gain
    up, down, end = x + 1, x + 1 + width, x + 2 + width
    path = [(x, baseline), (up, baseline), (up, top), (down, top), (down, baseline), (end, baseline)]
    return Stroke(np.array(path), style.pen_width)


def _separator(x: float, baseline: float, style: PageStyle) -> list[Stroke]:
    if style.separator == "bar":
        return [Stroke(np.array([(x, baseline - 3.5), (x, baseline + 3.5)]), max(0.5, style.pen_width))]
    if style.separator == "tick":
        ends = ((baseline - 5.0, baseline - 3.0), (baseline + 3.0, baseline + 5.0))
        return [Stroke(np.array([(x, start), (x, end)]), style.pen_width) for start, end in ends]
    return []
