"""Put a drawing upright: turn it so that its names can be read, and find how long its millimeters are.

A page that is drawn to scale has millimeters of 1/25.4 inch, but many are drawn smaller or larger than they are meant
to be printed, and plots have a scale of their own along each axis: where a grid is drawn, its lines tell.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitize.records.drawing import Drawing, Line, Text
from digitize.records.upright import PIXELS_PER_MM
from digitize.records.values import PitchSource
from digitize.vector.names import lead_called

_LONG = 20.0 * PIXELS_PER_MM
"""Least length of a line of the grid."""
_STRAIGHT = 0.02 * PIXELS_PER_MM
"""Farthest that it strays."""
_ONE = 0.05 * PIXELS_PER_MM
"""Lines that are no farther apart are one that is drawn twice."""
_FEWEST = 8
"""Fewest lines that make a grid."""
_LINES_MM = (1.0, 5.0)
"""Distances of a grid's lines as they are meant, mm."""
_SCALED = 1.7
"""Factor by which a page may be drawn smaller or larger than meant."""
_TO_SCALE = 5e-4
"""Part by which a grid whose page is to scale may seem to be off, for coordinates are rounded."""
_MOST_OFF, _ON_LATTICE = 0.1, 0.8
"""Part of their distance by which lines may be off a lattice, and the share of them that lies on it."""


@dataclass(frozen=True, eq=False)
class UprightDrawing:
    """Lines and words in upright pixels (`digitize.records.upright.PIXELS_PER_MM`).

    Attributes
    ----------
    lines : tuple of Line
    words : tuple of Text
    matrix : ndarray, shape (2, 3), float64
        Affine map from pixels of the page's picture.
    source : str
        What its millimeters are taken from: ``"grid"``, or ``"print"`` where the page is taken to be to scale.
    """

    lines: tuple[Line, ...]
    words: tuple[Text, ...]
    matrix: NDArray[np.float64]
    source: PitchSource

    @property
    def pixels_per_mm(self) -> float:
        """Pixels of the picture along a millimeter of time."""
        return PIXELS_PER_MM / math.hypot(*self.matrix[0, :2])

    @property
    def rotation(self) -> float:
        """Angle of the time axis against the picture's x axis, in degrees, positive clockwise as seen."""
        a, b = self.matrix[0, :2]
        return math.degrees(math.atan2(b, a))

    def to_picture(self, points: NDArray[np.float64]) -> NDArray[np.float32]:
        """Pixels of the picture under upright points, (n, 2)."""
        back = np.linalg.inv(self.matrix[:, :2])
        return np.asarray((points - self.matrix[:, 2]) @ back.T, np.float32)


def put_upright(drawing: Drawing) -> UprightDrawing:
    """Turn a drawing so that time runs to the right, and bring it to the scale of upright pages.

    Parameters
    ----------
    drawing : Drawing

    Returns
    -------
    UprightDrawing

    Examples
    --------
    >>> line = Line(np.array([[50.0, 50.0], [50.0, 150.0]]), (0, 0, 0), 1.0)
    >>> page = Drawing((line,), (Text("V1", (40.0, 40.0, 48.0, 60.0), 90.0),), "V1", (200, 200), 254.0)
    >>> upright = put_upright(page)
    >>> upright.lines[0].points.tolist(), upright.source
    ([[50.0, -50.0], [150.0, -50.0]], 'print')
    """
    angle = math.radians(_time_axis(drawing.words))
    cos, sin = (round(value, 12) for value in (math.cos(angle), math.sin(angle)))
    turned = np.array([[cos, sin, 0.0], [-sin, cos, 0.0]]) * (PIXELS_PER_MM * 25.4 / drawing.dpi)
    # Some pages have a line for each sample and each dot of the grid: all are mapped at once.
    points = np.concatenate([line.points for line in drawing.lines])
    ends = np.cumsum([len(line.points) for line in drawing.lines])
    factors, source = _scale(_mapped(points, turned), ends)
    matrix = turned * np.array(factors)[:, None]
    lines = np.split(_mapped(points, matrix), ends[:-1])
    return UprightDrawing(
        tuple(Line(own, line.color, line.width) for own, line in zip(lines, drawing.lines, strict=True)),
        tuple(_placed(word, matrix) for word in drawing.words),
        matrix,
        source,
    )


def _time_axis(words: Sequence[Text]) -> float:
    """Direction in which most names, else most words, are written, degrees."""
    names = [word for word in words if lead_called(word.text)]
    angles = Counter(round(word.angle, 3) % 360 for word in names or words)
    return angles.most_common(1)[0][0] if angles else 0.0


def _mapped(points: NDArray[np.float64], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(points @ matrix[:, :2].T + matrix[:, 2], np.float64)


def _placed(word: Text, matrix: NDArray[np.float64]) -> Text:
    x0, y0, x1, y1 = word.box
    corners = _mapped(np.array([(x0, y0), (x1, y0), (x0, y1), (x1, y1)]), matrix)
    low, high = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    return Text(word.text, (low[0], low[1], high[0], high[1]), 0.0)


def _scale(points: NDArray[np.float64], ends: NDArray[np.intp]) -> tuple[tuple[float, float], PitchSource]:
    """Factors along time and voltage that make the grid's millimeters 1 mm long; 1 where there is no grid."""
    last = ends[np.diff(ends, prepend=0) == 2] - 1
    span = np.abs(points[last] - points[last - 1])
    factors = []
    for axis in (0, 1):
        across = (span[:, axis] < _STRAIGHT) & (span[:, 1 - axis] > _LONG)
        factors.append(_factor(points[last[across], axis]))
    known = [factor for factor in factors if factor is not None]
    if not known:
        return (1.0, 1.0), "print"
    return (factors[0] or known[0], factors[1] or known[0]), "grid"


def _factor(at: NDArray[np.float64]) -> float | None:
    """By how much lines at these places are to be moved apart to be millimeters apart; None where they are no grid."""
    at = np.unique(at)
    at = at[np.r_[True, np.diff(at) > _ONE]] if len(at) else at
    if len(at) < _FEWEST:
        return None
    pitch, first = float(np.median(np.diff(at))), float(at[0])
    # The longer the piece that is counted off, the better the pitch is known.
    for _ in range(2):
        index = np.rint((at - first) / pitch)
        on = np.abs(at - first - index * pitch) < _MOST_OFF * pitch
        if on.sum() < _FEWEST:
            return None
        pitch, first = (float(value) for value in np.polyfit(index[on], at[on], 1))
    if on.mean() < _ON_LATTICE:
        return None
    for line_mm in _LINES_MM:
        factor = line_mm * PIXELS_PER_MM / pitch
        if 1 / _SCALED < factor < _SCALED:
            return 1.0 if abs(factor - 1) < _TO_SCALE else factor
    return None
