"""Scale and direction of a page without a grid.

Without millimetre lines the page is laid out twice: first at the scale that the dots of a fax tell, else along the
outline of its sheet where that is seen, else at the scale that the file states or that a sheet of usual width would
have; and then at the slope, and unless it is a fax the scale, that its own calibration pulses and rows measure in that
first view.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import stats

from digitize.geometry.mapping import box_around, project, quarter_turn
from digitize.geometry.rectify import PIXELS_PER_MM
from digitize.geometry.sheet import find_sheet, sheet_to_millimetres
from digitize.ocr.text import GAINS
from digitize.strips.scale import USUAL_GAIN, USUAL_SPEED
from digitize.tracing.symbols import Marks
from digitize.tracing.trace import Traces, unseen_end

_SHEET_MM = 279.4
"""Long side of a Letter sheet; A4 is 6 % longer, which is near enough for a first view."""
_USUAL_DPI = (72, 75, 96, 100, 120, 150, 200, 240, 250, 300, 400, 600)
_ROW_SECONDS = 10.0

_SKEW_SIDE = 900
"""Pixels at which a page's skew is looked for."""

_SKEWS = np.arange(-60, 61)
"""Skews that are tried, in tenths of a degree."""

_ROW_FITS, _SIZE_FITS = 0.3, 0.3
"""Logarithms by which rows may be longer or shorter than usual, and the page larger or smaller than it was taken for,
where both together tell the gain of a pulse."""

_AGREE = 0.03
"""Part by which heights of equal pulses differ at most."""

_LEAST_ENDS, _IN_LINE = 3, 0.03 * PIXELS_PER_MM
"""Fewest rows whose ends tell a slope, and how far three quarters of these are from one line at most."""
_MOST_LEAN = 0.01
"""Steepest slope that they tell (pixels a pixel): rows of a first view are levelled to half a degree."""

_LEVEL = 3
"""Tenths of a degree up to which rows are level enough for a first view."""


@dataclass(frozen=True)
class PaperScale:
    """Pixels to millimetres of a page without a grid, and what they were taken from (`Calibration.pitch_source`).

    The extent is that of the sheet where its outline was seen: left, top, right and bottom in millimetres.
    """

    matrix: NDArray[np.float64]
    source: str
    extent: tuple[float, float, float, float] | None = None

    def turned(self, turns: int) -> PaperScale:
        """The same, time and voltage turned by quarter turns clockwise as seen."""
        turn = quarter_turn(turns)
        extent = None if self.extent is None else box_around(turn, self.extent)
        return PaperScale(turn @ self.matrix, self.source, extent)


def first_scale(image: NDArray[np.uint8], dpi: float | None, received: float | None = None) -> PaperScale:
    """Scale for a first view of a page, shape (h, w, 3), that states so many dots per inch.

    A fax's repeated dots tell more surely than anything else how many there are (`digitize.pages.fax.fax_resolution`).

    Examples
    --------
    >>> first_scale(np.full((1700, 2200, 3), 255, np.uint8), 200.0).source
    'print'
    """
    if received is not None:
        return PaperScale(_straight(25.4 / received, _skew(image)), "fax")
    corners = find_sheet(image)
    if corners is not None:
        matrix = sheet_to_millimetres(corners)
        (left, top), (right, bottom) = project(matrix, corners[[0, 2]]).tolist()
        return PaperScale(matrix, "paper", (left, top, right, bottom))
    if dpi is not None and 100 <= dpi <= 700:
        return PaperScale(_straight(25.4 / dpi, _skew(image)), "print")
    return PaperScale(_straight(_SHEET_MM / max(image.shape[:2]), _skew(image)), "assumed")


def _skew(image: NDArray[np.uint8]) -> float:
    """Angle in radians by which rows and lines of print descend: their ink, summed along it, is least spread."""
    ratio = min(1.0, _SKEW_SIDE / max(image.shape[:2]))
    grey = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA)
    # Thin dark strokes, and no shade of a border.
    ink = cv2.morphologyEx(grey, cv2.MORPH_BLACKHAT, np.ones((7, 7), np.uint8))
    y, x = np.nonzero(ink > 60)
    weight = ink[y, x].astype(np.float64)
    slopes = np.tan(np.radians(_SKEWS / 10.0))
    sums = [np.bincount((y - slope * x + _SKEW_SIDE).astype(np.intp), weight) for slope in slopes]
    best = int(_SKEWS[np.argmax([float((part**2).sum()) for part in sums])])
    return float(np.radians(best / 10.0)) if abs(best) > _LEVEL else 0.0


def measured_scale(
    first: PaperScale,
    traces: Traces,
    level: NDArray[np.float32],
    marks: Marks,
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
    marks : Marks
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
    is_row = 0.8 < _ROW_SECONDS * USUAL_SPEED / length < (1.8 if first.source == "assumed" else 1.25)
    by_row = _ROW_SECONDS * (speed or USUAL_SPEED) / length
    # A fax's dots tell more precisely what a millimetre is than anything that is printed on the page.
    if marks.pulses and first.source != "fax":
        height = _usual_height(np.array([pulse.foot - pulse.top for pulse in marks.pulses])) / PIXELS_PER_MM
        ratio, source = (gain or _gain_of_pulse(height, by_row)) / height, "pulse"
    elif first.source in ("assumed", "paper") and is_row:
        ratio, source = by_row, "rows"
    if first.source == "fax":
        change = _straight(1.0, slope)
    elif first.extent is None:
        # A pulse is 80 pixels high and known to half of one; pages are scanned and drawn at few resolutions.
        dpi = 25.4 / (float(np.hypot(*first.matrix[0, :2])) * ratio)
        usual = min(_USUAL_DPI, key=lambda candidate: abs(candidate - dpi))
        if abs(usual / dpi - 1) < 0.015:
            ratio *= dpi / usual
        change = _straight(ratio, slope)
    else:
        # A sheet seen obliquely is known by its outline only up to the ratio of its sides.
        change = np.diag([by_row if is_row else ratio, ratio, 1.0]) @ _straight(1.0, slope)
    extent = None if first.extent is None else box_around(change, first.extent)
    return PaperScale(change @ first.matrix, source, extent)


def _gain_of_pulse(height: float, by_row: float) -> float:
    """Gain at which a pulse is so many millimetres of the first view high.

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


def _straight(ratio: float, slope: float) -> NDArray[np.float64]:
    """Homography that enlarges by a ratio and turns rows that descend by `slope` (radians) level."""
    cos, sin = np.cos(slope) * ratio, np.sin(slope) * ratio
    return np.array([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]])
