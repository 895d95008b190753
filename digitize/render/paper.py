"""Signals redrawn on ECG paper, as SVG: what was digitized, in the form that is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from digitize.records.results import LeadData


class ConfidenceBand(NamedTuple):
    """How a trace is shaded where it is not sure.

    Attributes
    ----------
    below : float
        The confidence below which it applies.
    color : str
    opacity : float
    """

    below: float
    color: str
    opacity: float


SHADES = (ConfidenceBand(0.5, "#f26b1d", 0.45), ConfidenceBand(0.75, "#f7b928", 0.5))
"""Drawn behind a trace of low confidence, the lowest first."""

HUNDREDTHS = 'transform="scale(.01)" fill="none" stroke-linejoin="round" stroke-linecap="round"'
"""Attributes of an element that draws `path_data`."""

TOLERANCE_MM = 0.02
"""Millimeters by which a drawn trace may leave its samples: no eye and no printer tells."""

_GAIN = 10.0  # mm/mV, unless another is asked for
_MARGIN_MM = 10.0  # left of time zero: the calibration pulse stands there
_RIGHT_MM = 2.0
_LEAST_MM, _MOST_MM = 10.0, 45.0  # paper above and below a row's zero
_TEXT_MM = 3.2
_PULSE_MM = 5.0
_HALO_MM = 1.8
_CELL_PER_TOLERANCE = 25  # shades change every half millimeter at most, where the tolerance is the default
_COARSEST_MM = 0.5
_LAP_S = 0.1  # by so much a row that goes on may begin before the one above it ends


class _Row(NamedTuple):
    """Millimeters from the top of the paper."""

    zero: float
    top: float


class PaperTrace(NamedTuple):
    """A signal and its place on the paper.

    Attributes
    ----------
    name : str
        Written at its start, e.g. the lead's name.
    signal : ndarray, shape (n,)
        Millivolts; where they are NaN nothing is drawn.
    row : int
        From 0 at the top.
    start : float
        Seconds from the left end of the row.
    confidence : ndarray, shape (n,), optional
        0 to 1, as `digitize.leads.Leads.confidence`: a trace of low confidence is shaded as `SHADES` say.
    """

    name: str
    signal: NDArray[np.floating]
    row: int = 0
    start: float = 0.0
    confidence: NDArray[np.floating] | None = None


def paper_svg(
    traces: Sequence[PaperTrace],
    fs: float,
    *,
    speed: float = 25.0,
    gain: float = _GAIN,
    tolerance: float = TOLERANCE_MM,
    seconds: float = 0.0,
) -> str:
    """Draw signals on ECG paper: small squares of 1 mm, large ones of 5 mm, a calibration pulse before each row.

    Parameters
    ----------
    traces : sequence of PaperTrace
        They may be of different lengths.
    fs : float
        Their sampling frequency in Hz.
    speed, gain : float
        Paper speed in mm/s and gain in mm/mV.
    tolerance : float
        Millimeters by which a trace may leave its samples to save points (Ramer 1972; Douglas and Peucker 1973); the
        shades are coarser by as much.
    seconds : float
        Time that the paper has room for at least.

    Returns
    -------
    str
        An ``<svg>`` element as wide as its container, at most life-size (96 dpi): it needs nothing from elsewhere, has
        no identifiers and prints. One unit is a millimeter.

    Raises
    ------
    ValueError
        If an array of confidence is not as long as its signal, or fs, speed, gain or tolerance is out of range.

    Examples
    --------
    >>> beat = np.exp(-(((np.arange(500) - 250) / 8.0) ** 2))
    >>> svg = paper_svg([PaperTrace("I", beat), PaperTrace("aVR", -beat, row=1)], 500)
    >>> svg.startswith("<svg"), svg.count('class="trace"'), ">aVR<" in svg
    (True, 2, True)
    """
    for what, value in (("fs", fs), ("speed", speed), ("gain", gain), ("tolerance", tolerance)):
        if not (np.isfinite(value) and value > 0):
            raise ValueError(f"{what} is {value!r}; allowed: numbers above 0")
    for trace in traces:
        if trace.confidence is not None and len(trace.confidence) != len(trace.signal):
            raise ValueError(
                f"{trace.name}: {len(trace.confidence)} values of confidence for {len(trace.signal)} samples"
            )

    heights = [-gain * np.asarray(trace.signal, np.float64) for trace in traces]  # downward, as the drawing is
    zero, tall = _zero_lines(heights, [trace.row for trace in traces])
    end = max((trace.start + len(trace.signal) / fs for trace in traces), default=0.0)
    end = max(end, seconds)
    wide = _MARGIN_MM + 5 * np.ceil(max(speed * end, 50.0) / 5) + _RIGHT_MM

    shades = [""] * len(SHADES)
    lines, labels = "", ""
    cell = max(1, round(_CELL_PER_TOLERANCE * tolerance * fs / speed))
    for trace, height in zip(traces, heights, strict=True):
        x = _MARGIN_MM + speed * (trace.start + np.arange(len(height)) / fs)
        y, seen = zero[trace.row].zero + height, np.isfinite(height)
        if trace.confidence is not None and len(x):
            kind = _kinds(np.asarray(trace.confidence), cell)
            for number in range(len(SHADES)):
                shades[number] += path_data(x, y, seen & (kind == number), 5 * tolerance)
        lines += f'<path class="trace" d="{path_data(x, y, seen, tolerance)}"/>'
        labels += _label(trace.name, _MARGIN_MM + speed * trace.start, zero[trace.row].top)
    names = ", ".join(trace.name for trace in traces)
    described = f"Electrocardiogram on paper: {names}" if traces else "Electrocardiogram without a trace"
    scale = f"{speed:g} mm/s, {gain:g} mm/mV"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide:g} {tall:g}" role="img" '
        f'aria-label="{escape(described)}" style="display:block;width:100%;max-width:{wide:g}mm;height:auto">'
        f'<rect width="{wide:g}" height="{tall:g}" fill="#fffafa"/>'
        + _grid(wide, tall)
        + _halo(shades)
        + f'<path d="{"".join(_pulse(row.zero, gain) for row in zero.values())}" fill="none" stroke="#555" '
        'stroke-width=".25"/>'
        + f'<g {HUNDREDTHS} stroke="#111" stroke-width="28">'
        + lines
        + f'</g><g font-family="sans-serif" font-size="{_TEXT_MM:g}" fill="#111" stroke="#fffafa" stroke-width=".7" '
        'paint-order="stroke" stroke-linejoin="round">'
        + labels
        + f'<text x="{_MARGIN_MM:g}" y="{tall - 1.2:g}" font-size="2.6">{scale}</text></g></svg>'
    )


def leads_svg(leads: LeadData, *, tolerance: float = TOLERANCE_MM) -> str:
    """Draw digitized leads on ECG paper, arranged as on their page.

    Parameters
    ----------
    leads : LeadData
    tolerance : float
        As for `paper_svg`.

    Returns
    -------
    str
        An ``<svg>`` element, at 25 mm/s and 10 mm/mV whatever the page had.
    """
    return paper_svg(_traces(leads), leads.fs, tolerance=tolerance)


def _traces(leads: LeadData) -> list[PaperTrace]:
    """The strips of a page in its arrangement."""
    offsets = row_starts(leads)
    strips = sorted(leads.strips, key=lambda strip: (strip.row, strip.start))
    return [
        PaperTrace(strip.lead, strip.signal, strip.row, strip.start - offsets[strip.row], strip.confidence)
        for strip in strips
    ]


def sheets_svg(leads: LeadData, tallest: float, *, tolerance: float = TOLERANCE_MM) -> list[str]:
    """Draw digitized leads on ECG paper that is cut between rows where it is taller than a sheet.

    Parameters
    ----------
    leads : LeadData
    tallest : float
        Millimeters; a sheet with a single row may be taller.
    tolerance : float
        As for `paper_svg`.

    Returns
    -------
    list of str
        ``<svg>`` elements as of `leads_svg`, from the top, all as wide as the widest.
    """
    traces = _traces(leads)
    seconds = max((trace.start + len(trace.signal) / leads.fs for trace in traces), default=0.0)
    sheets: list[list[PaperTrace]] = [[]]
    for row in sorted({trace.row for trace in traces}):
        own = [trace for trace in traces if trace.row == row]
        if sheets[-1] and _height([*sheets[-1], *own]) > tallest:
            sheets.append([])
        sheets[-1] += own
    return [paper_svg(sheet, leads.fs, tolerance=tolerance, seconds=seconds) for sheet in sheets]


def _height(traces: Sequence[PaperTrace]) -> float:
    """Millimeters of the paper that traces need."""
    heights = [-_GAIN * np.asarray(trace.signal, np.float64) for trace in traces]
    return _zero_lines(heights, [trace.row for trace in traces])[1]


def draw_within(largest: int, draw: Callable[[float], str]) -> str | None:
    """Draw as finely as a number of characters allows.

    Parameters
    ----------
    largest : int
    draw : function
        Gives a drawing from its tolerance in millimeters; it is asked for coarser and coarser ones.

    Returns
    -------
    str or None
        None where even the coarsest is longer than `largest`.

    Examples
    --------
    >>> draw_within(60, lambda tolerance: f"{tolerance:g} mm " * round(1 / tolerance))
    '0.5 mm 0.5 mm '
    """
    tolerance = TOLERANCE_MM
    while len(drawn := draw(tolerance)) > largest:
        if tolerance >= _COARSEST_MM:
            return None
        tolerance *= 5
    return drawn


def path_data(
    x: NDArray[np.float64], y: NDArray[np.float64], drawn: NDArray[np.bool_], tolerance: float = TOLERANCE_MM
) -> str:
    """Write a polyline as the ``d`` of an SVG path, of relative moves in hundredths of its unit (`HUNDREDTHS`).

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Its points; one unit is a millimeter.
    drawn : ndarray, shape (n,), bool
        Where it is False the line is broken.
    tolerance : float
        As for `paper_svg`.

    Returns
    -------
    str

    Examples
    --------
    >>> x = np.arange(6.0)
    >>> path_data(x, np.where(x > 3, 1.0, 0.0), x != 2)
    'M0 0l100 0M300 0l100 100 100 0'
    """
    parts = []
    edges = np.flatnonzero(np.diff(drawn.astype(np.int8), prepend=0, append=0)).reshape(-1, 2)
    for first, end in edges:
        line = np.stack([x[first:end], y[first:end]], axis=1).astype(np.float32)
        kept = cv2.approxPolyDP(line, tolerance, False).reshape(-1, 2)
        # Rounded before they are subtracted, or the rounding would add up along the trace.
        steps = np.diff(np.rint(kept * 100).astype(int), axis=0, prepend=0)
        (left, high), *others = steps.tolist()
        moves = "l" + " ".join(f"{dx} {dy}" for dx, dy in others) if others else "h0"
        parts.append(f"M{left} {high}{moves}".replace(" -", "-"))
    return "".join(parts)


def row_starts(leads: LeadData) -> dict[int, float]:
    """Find the time at the left end of each row of a page.

    Parameters
    ----------
    leads : LeadData

    Returns
    -------
    dict
        Seconds by row: 0, unless each row goes on where the one above it ended; then the start of its first strip.
    """
    first: dict[int, float] = {}
    last: dict[int, float] = {}
    for strip in leads.strips:
        first[strip.row] = min(first.get(strip.row, np.inf), strip.start)
        last[strip.row] = max(last.get(strip.row, 0.0), strip.start + len(strip.signal) / leads.fs)
    rows = sorted(first)
    goes_on = len(rows) > 1 and all(first[below] >= last[above] - _LAP_S for above, below in pairwise(rows))
    return first if goes_on else dict.fromkeys(rows, 0.0)


def _zero_lines(heights: Sequence[NDArray[np.float64]], places: Sequence[int]) -> tuple[dict[int, _Row], float]:
    """Place the rows, zero lines on thick lines of the grid; and the paper's height."""
    zero: dict[int, _Row] = {}
    below = 0.0
    for row in sorted(set(places)):
        seen = np.concatenate([y[np.isfinite(y)] for y, place in zip(heights, places, strict=True) if place == row])
        # The name stands above the trace; a wild spike must not push the other rows off the page.
        up = np.clip(-seen.min(initial=0.0) + _TEXT_MM + 1, _LEAST_MM, _MOST_MM)
        down = np.clip(seen.max(initial=0.0) + 1, _LEAST_MM / 2, _MOST_MM)
        line = 5 * np.ceil((below + up) / 5)
        zero[row] = _Row(line, line - up)
        below = line + down
    return zero, float(5 * np.ceil((below + _TEXT_MM) / 5))


def _grid(wide: float, tall: float) -> str:
    drawn = ""
    for every, color, width in ((1, "#f6cfcf", 0.1), (5, "#e9a3a3", 0.18)):
        columns = "".join(f"M{x} 0v{tall:g}" for x in range(0, int(wide) + 1, every) if every == 5 or x % 5)
        rows = "".join(f"M0 {y}h{wide:g}" for y in range(0, int(tall) + 1, every) if every == 5 or y % 5)
        drawn += f'<path d="{columns}{rows}" fill="none" stroke="{color}" stroke-width="{width}"/>'
    return drawn


def _pulse(zero: float, gain: float) -> str:
    """One millivolt for 5 mm, in the margin."""
    return f"M1 {zero:g}h1.5v{-gain:g}h{_PULSE_MM:g}v{gain:g}h1"


def _kinds(confidence: NDArray[np.float32], cell: int) -> NDArray[np.int64]:
    """Number of the shade of each sample, `len(SHADES)` for none, the same for all samples of a cell."""
    cells = np.arange(0, len(confidence), cell)
    sizes = np.diff(cells, append=len(confidence))
    mean = np.add.reduceat(confidence, cells, dtype=np.float64) / sizes
    return np.repeat(np.digitize(mean, [shade.below for shade in SHADES]), sizes)


def _halo(shades: Sequence[str]) -> str:
    """Broad lines behind the traces, the surest first."""
    return "".join(
        f'<path class="unsure" {HUNDREDTHS} stroke="{shade.color}" stroke-opacity="{shade.opacity:g}" '
        f'stroke-width="{100 * _HALO_MM:g}" d="{line}"/>'
        for shade, line in reversed(list(zip(SHADES, shades, strict=True)))
        if line
    )


def _label(name: str, x: float, top: float) -> str:
    return f'<text x="{x + 0.8:.2f}" y="{top + _TEXT_MM:.2f}" font-weight="bold">{escape(name)}</text>'
