"""A page before it is pixels: traces, marks and text placed on paper, in millimeters.

Paper coordinates are ``(x, y)`` in mm from the sheet's upper left corner, y downward. Whatever happens to the picture
afterwards (scanning, skew, wear) maps these coordinates on, so the truth follows from the scene alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from digitize.records.layouts import LEAD_NAMES, Layout, is_chest, lead_of, sign_of
from papertrace.synth.header import HeaderColumn, footer_text, header_columns
from papertrace.synth.style import SHEETS, PageStyle
from papertrace.synth.text import text_width

_PULSE_MV = 1.0
_LINE_SPACING = 1.7
_MAJOR = 5.0
_LEAST_PITCH = 3.0
_LEAST_WRAPPED_PITCH = 8.0
"""Rows closer than this are not begun when a recording goes on in further rows of a page of fixed height."""
_DASH, _DASH_GAP = 2.0, 1.2
_DOT, _DOT_GAP = 0.3, 1.0
_THIN = 0.6
"""Width of lines through the page, in widths of the pen."""


STROKES = ("pulse", "separator", "underline", "ruled")
"""Kinds of marks; a ruled one is paper to a reader: a frame, a line of 0 mV, a line at every second."""


@dataclass(frozen=True)
class Text:
    """A line of text whose origin (pen start on the base line) stands at ``(x, y)`` mm; `size` is its cap height."""

    string: str
    x: float
    y: float
    size: float


@dataclass(frozen=True)
class Stroke:
    """Pen line through `path`, shape (m, 2) mm, `width` mm wide; `kind` is one of `STROKES`."""

    path: NDArray[np.float64]
    width: float
    kind: str


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
    gain : float
        mm/mV.
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
    gain: float
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
        Calibration pulses, separators and underlines.
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
        If the recording is shorter than one sample a column, or the paper is too narrow for a quarter of a second a
        column or too low for the rows.
    """
    layout = style.resolved_layout()
    if signal.shape[1] < layout.columns:
        raise ValueError(
            f"signal has {signal.shape[1]} samples; allowed for layout {layout.name}: at least {layout.columns}"
        )
    columns = header_columns(rng, style.header_form) if style.header else []
    block, columns = _arrange(signal.shape[1] / fs, layout, columns, style)
    traces: list[Trace] = []
    marks: list[Stroke] = []
    for row in range(len(block.rows)):
        drawn, strokes = _draw_row(signal, fs, layout, block, row, style)
        traces += drawn
        marks += strokes
    marks += _page_separators(layout, block, style)
    texts = _header_texts(columns, block.free, style)
    if style.footer:
        string, place = footer_text(rng, style.speed, style.gain, style.chest_gain)
        start = min(place * block.free, max(0.0, block.free - text_width(string, style.font, style.text_size)))
        y = block.bottom + 1.5 * (style.text_size * _LINE_SPACING)
        texts.append(Text(string, style.margin + start, y, style.text_size))
    area, origin = _grid(block, style)
    marks += _ruled(block, style)
    if style.grid_frame:
        x0, y0, x1, y1 = area
        outline = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)])
        marks += [Stroke(outline[side : side + 2], _THIN * style.pen_width, "ruled") for side in range(4)]
    joins = style.separator == "join"
    return Scene(block.sheet[0], block.sheet[1], area, origin, tuple(traces), joins, tuple(marks), tuple(texts))


@dataclass(frozen=True)
class _Across:
    """Millimeters of a row that are not time: before and after it, between columns, all of that; a pulse's share."""

    before: float
    after: float
    gap: float
    frame: float
    pulse: float


@dataclass(frozen=True)
class _Block:
    """Where the rows of traces stand on the sheet.

    Attributes
    ----------
    sheet : tuple of float
        Its width and height in mm.
    free : float
        Width between its margins.
    across : _Across
    seconds, end : float
        Time that a column shows, and time after which nothing is printed.
    rows : list of (tuple of str, float)
        Leads of each row and when it starts.
    pitch : float
        Distance of the rows in mm.
    left, top, width, bottom : float
        The rows' rectangle in mm.
    """

    sheet: tuple[float, float]
    free: float
    across: _Across
    seconds: float
    end: float
    rows: list[tuple[tuple[str, ...], float]]
    pitch: float
    left: float
    top: float
    width: float
    bottom: float

    def column(self, number: int, style: PageStyle) -> float:
        """Find where the traces of a column begin."""
        return self.left + self.across.before + number * (self.seconds * style.speed + self.across.gap)


def _arrange(
    recorded: float, layout: Layout, columns: list[HeaderColumn], style: PageStyle
) -> tuple[_Block, list[HeaderColumn]]:
    """Place the rows on the sheet, below those header columns that fit."""
    across = _across(layout, style)
    sheet_width, sheet_height = _sheet(style)
    seconds, end = _durations(recorded, layout, across, sheet_width, style)
    block_width = across.frame + layout.columns * seconds * style.speed
    width = sheet_width or block_width + 2 * style.margin
    free = width - 2 * style.margin
    columns = _fitting(columns, free, style)

    line = style.text_size * _LINE_SPACING
    above = max((len(column.lines) for column in columns), default=-1) * line + line
    below = 2.5 * line if style.footer else 0.0
    outside = above + below + 2 * style.margin
    starts = [number * seconds for number in range(math.ceil(end / seconds / layout.columns - 1e-6))]
    rows, pitch = _rows(layout, starts, None if sheet_height is None else sheet_height - outside, style)
    height = sheet_height or len(rows) * pitch + outside
    left = (width - block_width) / 2
    top = style.margin + above + style.placement * (height - outside - len(rows) * pitch)
    bottom = top + len(rows) * pitch
    return _Block((width, height), free, across, seconds, end, rows, pitch, left, top, block_width, bottom), columns


def _draw_row(
    signal: NDArray[np.float64], fs: float, layout: Layout, block: _Block, row: int, style: PageStyle
) -> tuple[list[Trace], list[Stroke]]:
    """Draw the traces of a row, their separators and underlines, and its calibration pulse."""
    leads, begin = block.rows[row]
    across = block.across
    traces: list[Trace] = []
    marks: list[Stroke] = []
    baseline = block.top + (row + 0.5) * block.pitch
    duration = block.seconds * layout.columns / len(leads)
    last_row = len(block.rows) - 1
    has_pulse = {"all": True, "first": row == 0, "last": row == last_row}[style.pulse_rows]
    for column, name in enumerate(leads):
        x = block.column(column, style)
        start = begin + (column * duration if style.columns == "sequential" else 0.0)
        first = round(start * fs)
        last = min(round((start + duration) * fs), round(block.end * fs), signal.shape[1])
        if last <= first:
            continue
        if column:
            marks += _separator(x - across.gap, baseline, style)
        trace = _trace(signal, fs, name, (first, last), start, x, baseline, style)
        label = _place_label(name, x, baseline, block.pitch, across.pulse if has_pulse else 0.0, column, style)
        traces.append(replace(trace, row=row, column=column, label=label))
        if style.label_underline:
            marks.append(_underline(label, style))
    if style.pulse != "none" and has_pulse:
        right = block.left + block.width - across.after + 1.0
        x = block.left + across.before - across.pulse if style.pulse == "left" else right
        marks.append(_pulse(x, baseline, _gains(leads, style), style))
    return traces, marks


def _grid(block: _Block, style: PageStyle) -> tuple[tuple[float, float, float, float], tuple[float, float]]:
    """Find the gridded rectangle and a 5 mm node of the grid."""
    if style.grid_area == "page":
        return (0.0, 0.0, *block.sheet), style.grid_phase
    if style.grid_area == "margins":
        edge = style.margin / 2
        return (edge, edge, block.sheet[0] - edge, block.sheet[1] - edge), style.grid_phase
    origin = (block.left - 1.0, block.top)
    across = math.ceil((block.width + 2.0) / _MAJOR) * _MAJOR
    down = math.ceil(len(block.rows) * block.pitch / _MAJOR) * _MAJOR
    return (*origin, origin[0] + across, block.top + down), origin


def _across(layout: Layout, style: PageStyle) -> _Across:
    label = max(text_width(_spell(name, style), style.font, style.label_size) for name in layout.labels)
    beside = 2 * style.pulse_foot + style.pulse_gap
    pulse = style.pulse_seconds * style.speed + beside if style.pulse != "none" else 0.0
    before = 1.0 + (pulse if style.pulse == "left" else 0.0)
    after = 1.0 + (pulse if style.pulse == "right" else 0.0)
    gap = 2.5 if style.separator == "gap" else 0.0
    if style.label_position == "left":
        before += label + 1.0
        gap = max(gap, label + 2.0)
    return _Across(before, after, gap, before + after + (layout.columns - 1) * gap, pulse)


def _sheet(style: PageStyle) -> tuple[float | None, float | None]:
    """Width and height of the paper in mm, None where it is as large as what is printed."""
    if style.paper in SHEETS:
        width, height = (style.sheet_scale * length for length in SHEETS[style.paper])
        return (width, height) if style.orientation == "landscape" else (height, width)
    return None, style.roll_height if style.paper == "roll" else None


def _durations(
    recorded: float, layout: Layout, across: _Across, sheet_width: float | None, style: PageStyle
) -> tuple[float, float]:
    """Seconds of a column, and seconds after which nothing is printed."""
    seconds = style.column_seconds or recorded / layout.columns
    end = None
    if style.wrap is not None and layout.columns == 1:
        end = min(seconds, recorded)
        seconds = min(end, style.wrap)
    if sheet_width is not None:
        free = sheet_width - 2 * style.margin - across.frame
        fitting = math.floor(free / style.speed / layout.columns * 4) / 4
        if fitting <= 0:
            raise ValueError(
                f"{layout.name} at {style.speed:g} mm/s does not fit on {style.paper}; allowed: paper='content'"
            )
        seconds = min(seconds, fitting)
    return seconds, end or seconds * layout.columns


def _rows(
    layout: Layout, starts: list[float], free: float | None, style: PageStyle
) -> tuple[list[tuple[tuple[str, ...], float]], float]:
    """Leads of each row and when it starts, as many as fit in `free` mm of height, and how far apart the rows are."""
    block = layout.all_rows
    if free is not None and len(starts) > 1:
        starts = starts[: max(1, int(free / _LEAST_WRAPPED_PITCH) // len(block))]
    rows = [(leads, start) for start in starts for leads in block]
    pitch = style.row_pitch or min(max(150.0 / len(rows), 14.0), 32.0)
    if free is not None:
        pitch = min(pitch, free / len(rows))
        if pitch < _LEAST_PITCH:
            raise ValueError(
                f"{len(rows)} rows do not fit in {free:.0f} mm of {style.paper} paper; allowed: paper='content'"
            )
    return rows, pitch


def _trace(
    signal: NDArray[np.float64],
    fs: float,
    name: str,
    span: tuple[int, int],
    start: float,
    x: float,
    baseline: float,
    style: PageStyle,
) -> Trace:
    lead, sign = lead_of(name), sign_of(name)
    samples = signal[LEAD_NAMES.index(lead), slice(*span)]
    gain = _gain(lead, style)
    path = np.column_stack((x + (np.arange(*span) / fs - start) * style.speed, baseline - sign * samples * gain))
    return Trace(lead, sign < 0, 0, 0, *span, path, baseline, gain, Text(_spell(name, style), x, baseline, 0.0))


def _gain(lead: str, style: PageStyle) -> float:
    return style.gain if style.chest_gain is None or not is_chest(lead) else style.chest_gain


def _header_texts(columns: list[HeaderColumn], available: float, style: PageStyle) -> list[Text]:
    size = style.text_size
    texts = []
    for column in columns:
        widths = _cell_widths(column, style)
        for number, string in enumerate(column.lines):
            y = style.margin + (number + 1) * size * _LINE_SPACING
            x = style.margin + column.place * available
            cells = string.split("\t")
            for index, cell in enumerate(cells):
                flush = widths[index] - text_width(cell, style.font, size) if 0 < index < len(cells) - 1 else 0.0
                if cell:
                    texts.append(Text(cell, x + flush, y, size))
                x += widths[index] + size
    return texts


def _cell_widths(column: HeaderColumn, style: PageStyle) -> list[float]:
    """Widths of the columns of cells within a header column; a line without tabs counts where it stands alone."""
    lines = [string.split("\t") for string in column.lines]
    most = max(len(cells) for cells in lines)
    parted = [cells for cells in lines if len(cells) == most]
    return [max(text_width(cells[index], style.font, style.text_size) for cells in parted) for index in range(most)]


def _spell(lead: str, style: PageStyle) -> str:
    if is_chest(lead):
        return style.chest_spelling + lead[1:]
    if "aV" not in lead:
        return lead
    sign, limb = lead[:-3], lead[-1]
    return sign + style.lead_spelling[:2] + (limb.lower() if style.lead_spelling.endswith("r") else limb)


def _fitting(columns: list[HeaderColumn], available: float, style: PageStyle) -> list[HeaderColumn]:
    """Header columns that neither leave the paper nor run into the next one."""
    kept: list[HeaderColumn] = []
    free_from = 0.0
    for column in sorted(columns, key=lambda column: column.place):
        cells = _cell_widths(column, style)
        single = [string for string in column.lines if "\t" not in string]
        alone = max((text_width(string, style.font, style.text_size) for string in single), default=0.0)
        width = max(sum(cells) + style.text_size * (len(cells) - 1), alone)
        if column.place * available + width <= available and column.place * available >= free_from:
            kept.append(column)
            free_from = column.place * available + width
    return kept


def _place_label(
    name: str, x: float, baseline: float, pitch: float, pulse_width: float, column: int, style: PageStyle
) -> Text:
    string, size = _spell(name, style), style.label_size
    if style.label_position == "left":
        clear = 1.0 + (pulse_width if column == 0 and style.pulse == "left" else 0.0)
        return Text(string, x - clear - text_width(string, style.font, size), baseline + size / 2, size)
    offset = min(style.label_offset, 0.5 * pitch)
    y = {"above": baseline - offset, "below": baseline + offset + size, "over": baseline + size / 2}
    return Text(string, x + style.label_indent, y[style.label_position], size)


def _underline(label: Text, style: PageStyle) -> Stroke:
    y = label.y + 0.3 * label.size
    end = label.x + text_width(label.string, style.font, label.size)
    return Stroke(np.array([(label.x, y), (end, y)]), 0.1 * label.size, "underline")


def _gains(leads: tuple[str, ...], style: PageStyle) -> list[float]:
    """The gains of a row's leads, in the order in which they first appear."""
    return list(dict.fromkeys(_gain(lead_of(lead), style) for lead in leads))


def _pulse(x: float, baseline: float, gains: list[float], style: PageStyle) -> Stroke:
    """Step up 1 mV, at each gain in turn, with a foot on either side."""
    step = style.pulse_seconds * style.speed / len(gains)
    x += style.pulse_foot
    path = [(x - style.pulse_foot, baseline), (x, baseline)]
    for number, gain in enumerate(gains):
        top = baseline - _PULSE_MV * gain
        path += [(x + number * step, top), (x + (number + 1) * step, top)]
    down = x + len(gains) * step
    path += [(down, baseline), (down + style.pulse_foot, baseline)]
    return Stroke(np.array(path), style.pen_width, "pulse")


def _separator(x: float, baseline: float, style: PageStyle) -> list[Stroke]:
    if style.separator == "bar":
        bar = np.array([(x, baseline - 3.5), (x, baseline + 3.5)])
        return [Stroke(bar, max(0.5, style.pen_width), "separator")]
    if style.separator == "tick":
        ends = ((baseline - 5.0, baseline - 3.0), (baseline + 3.0, baseline + 5.0))
        return [Stroke(np.array([(x, start), (x, end)]), style.pen_width, "separator") for start, end in ends]
    if style.separator == "dashed":
        return _dashes(x, baseline - 8.0, baseline + 8.0, _DASH, _DASH_GAP, style.pen_width)
    return []


def _page_separators(layout: Layout, block: _Block, style: PageStyle) -> list[Stroke]:
    """Lines between columns that run through all rows of the rectangle."""
    strokes: list[Stroke] = []
    top, bottom = block.top, block.top + len(layout.rows) * block.pitch
    if style.separator == "page":
        bottom = block.bottom
    for column in range(1, layout.columns):
        x = block.column(column, style) - block.across.gap
        if style.separator in ("line", "page"):
            strokes.append(Stroke(np.array([(x, top), (x, bottom)]), _THIN * style.pen_width, "separator"))
        elif style.separator == "dotted":
            strokes.extend(_dashes(x, top, bottom, _DOT, _DOT_GAP, style.pen_width))
    return strokes


def _ruled(block: _Block, style: PageStyle) -> list[Stroke]:
    """Lines at 0 mV through the rows, and upright ones at every second, as recorders of a few leads print."""
    right = block.left + block.width
    lines = []
    if style.ruled in ("rows", "both"):
        heights = block.top + (np.arange(len(block.rows)) + 0.5) * block.pitch
        lines += [((block.left, y), (right, y)) for y in heights]
    if style.ruled in ("seconds", "both"):
        places = np.arange(block.left + block.across.before, right, style.speed)
        lines += [((x, block.top), (x, block.bottom)) for x in places]
    return [Stroke(np.array(line), _THIN * style.pen_width, "ruled") for line in lines]


def _dashes(x: float, top: float, bottom: float, dash: float, gap: float, width: float) -> list[Stroke]:
    starts = np.arange(top, bottom - dash, dash + gap)
    return [Stroke(np.array([(x, start), (x, start + dash)]), width, "separator") for start in starts]
