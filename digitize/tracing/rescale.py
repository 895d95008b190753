"""Scale and direction of a page without a grid, as its own calibration pulses and rows measure them in a first view."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from digitize.geometry.mapping import box_around
from digitize.geometry.scale import straight
from digitize.records.placement import PaperScale
from digitize.records.standards import GAINS, ROW_SECONDS, USUAL_GAIN, USUAL_SPEED
from digitize.records.symbols import Symbols
from digitize.records.traces import Traces
from digitize.records.upright import PIXELS_PER_MM
from digitize.tracing.ends import unseen_end

_USUAL_DPI = (72, 75, 96, 100, 120, 150, 200, 240, 250, 300, 400, 600)
_ROW_FITS, _SIZE_FITS = 0.3, 0.3
"""Logarithms by which rows may be longer or shorter than usual, and the page larger or smaller than it was taken for,
where both together tell the gain of a pulse."""

_AGREE = 0.03
"""Part by which heights of equal pulses differ at most."""

_LEAST_ENDS, _IN_LINE = 3, 0.03 * PIXELS_PER_MM
"""Fewest rows whose ends tell a slope, and how far three quarters of these are from one line at most."""

_MOST_LEAN = 0.01
"""Steepest slope that they tell (pixels a pixel): rows of a first view are leveled to half a degree."""


def measured_scale(
    first: PaperScale,
    traces: Traces,
    level: NDArray[np.float32],
    symbols: Symbols,
    *,
    speed: float | None,
    gain: float | None,
) -> PaperScale:
    """Correct a scale by the pulses, rows and slope seen at it.

    Parameters
    ----------
    first : PaperScale
        Scale of the view in which the rest was found, quarter turns included.
    traces : Traces
    level : ndarray, shape (rows, w), float32
    symbols : Symbols
    speed, gain : float, optional
        As the caller knows them.

    Returns
    -------
    PaperScale
    """
    slope = _slope_by_ends(traces, level)
    if slope is None:
        slope = _slope_by_levels(traces, level)
    ratio, source = 1.0, first.source
    length = float(np.median(traces.end - traces.start)) / PIXELS_PER_MM
    # The width of a picture that shows more than the page says least of all.
    is_row = 0.8 < ROW_SECONDS * USUAL_SPEED / length < (1.8 if first.source == "assumed" else 1.25)
    by_row = ROW_SECONDS * (speed or USUAL_SPEED) / length
    # A fax's dots tell more precisely what a millimeter is than anything that is printed on the page.
    if symbols.pulses and first.source != "fax":
        height = _usual_height(np.array([pulse.foot - pulse.top for pulse in symbols.pulses])) / PIXELS_PER_MM
        ratio, source = (gain or _gain_of_pulse(height, by_row)) / height, "pulse"
    elif first.source in ("assumed", "paper") and is_row:
        ratio, source = by_row, "rows"
    if first.source == "fax":
        change = straight(1.0, slope)
    elif first.extent is None:
        # A pulse is 80 pixels high and known to half of one; pages are scanned and drawn at few resolutions.
        dpi = 25.4 / (float(np.hypot(*first.matrix[0, :2])) * ratio)
        usual = min(_USUAL_DPI, key=lambda candidate: abs(candidate - dpi))
        if abs(usual / dpi - 1) < 0.015:
            ratio *= dpi / usual
        change = straight(ratio, slope)
    else:
        # A sheet seen obliquely is known by its outline only up to the ratio of its sides.
        change = np.diag([by_row if is_row else ratio, ratio, 1.0]) @ straight(1.0, slope)
    extent = None if first.extent is None else box_around(change, first.extent)
    return PaperScale(change @ first.matrix, source, extent)


def _gain_of_pulse(height: float, by_row: float) -> float:
    """Gain at which a pulse is so many millimeters of the first view high.

    That of custom, unless at it rows would be twice or half as long as usual, and at another gain both as long as usual
    and of the size that the first view took the page for.
    """

    def fits(gain: float) -> bool:
        ratio = gain / height
        return bool(abs(np.log(ratio / by_row)) < _ROW_FITS and abs(np.log(ratio)) < _SIZE_FITS)

    others = [gain for gain in GAINS if gain != USUAL_GAIN and fits(gain)]
    return others[0] if len(others) == 1 and not fits(USUAL_GAIN) else USUAL_GAIN


def _slope_by_ends(traces: Traces, level: NDArray[np.float32]) -> float | None:
    """Angle by which rows descend, square to the line on which they all begin or end; None where they do not.

    A recording wanders about its baseline and seems to descend; the pen's ends are seen to a part of a pixel.
    """
    found = []
    for side, at, outward in ((traces.left, traces.start, -1), (traces.right, traces.end - 1, 1)):
        seen = np.abs(side - unseen_end(at, outward, traces.radius)) > 1e-6
        if seen.sum() < _LEAST_ENDS:
            continue
        y = level[seen, at[seen]]
        # Theil and Sen's: a row that a word or a stain prolongs does not tilt it.
        lean, offset, *_ = stats.theilslopes(side[seen], y)
        astray = float(np.percentile(np.abs(side[seen] - offset - lean * y), 75))
        if astray < _IN_LINE and abs(lean) < _MOST_LEAN:
            found.append((astray, -float(np.arctan(lean))))
    return min(found)[1] if found else None


def _slope_by_levels(traces: Traces, level: NDArray[np.float32]) -> float:
    """Angle by which rows descend, by their levels."""
    slopes = []
    for row, start, end in zip(level, traces.start, traces.end, strict=True):
        columns = np.arange(start, end, PIXELS_PER_MM)
        if len(columns) > 10:
            # Theil and Sen's: a stretch that was followed wrongly does not tilt it.
            slopes.append(stats.theilslopes(row[columns], columns)[0])
    return float(np.arctan(np.median(slopes))) if slopes else 0.0


def _usual_height(heights: NDArray[np.float64]) -> float:
    """Height of most of the pulses; of as many, the taller ones: a stain hides a part sooner than it adds one."""
    agreeing = np.abs(heights / heights[:, None] - 1.0) < _AGREE
    best = max(range(len(heights)), key=lambda k: (int(agreeing[k].sum()), float(heights[k])))
    return float(np.median(heights[agreeing[best]]))
