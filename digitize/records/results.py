"""The result of a digitization: twelve leads in millivolts, and how they were found on the page.

Conventions, here and in the whole package: pixels are ``(x, y)`` with y downward and pixel centers at whole numbers;
arrays of leads are ``(12, n)`` in the order of `LEAD_NAMES`; millivolts, seconds, millimeters; NaN where the page
shows nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from digitize.records.layouts import LEAD_NAMES
from digitize.records.values import PitchSource, Source, TraceSource


@dataclass(frozen=True)
class Calibration:
    """Scale of the paper: time and millivolts of a millimeter.

    Attributes
    ----------
    speed, gain : float
        Paper speed in mm/s and gain in mm/mV.
    speed_source, gain_source : str
        ``"read"``, ``"measured"``, ``"given"`` or ``"assumed"``.
    pixels_per_mm : float
        Scale of the original page, along time.
    pitch_source : str
        What the scale was taken from: ``"grid"``; ``"fax"``, the repeated dots of a fax; ``"pulse"``, the height of the
        calibration pulses; ``"rows"``, which are 10 s long; ``"paper"``, the outline of a sheet of usual format;
        ``"print"``, the resolution that the file states; ``"assumed"``, the usual width of a page.
    """

    speed: float
    gain: float
    speed_source: Source
    gain_source: Source
    pixels_per_mm: float
    pitch_source: PitchSource


@dataclass(frozen=True)
class Geometry:
    """Where the upright page lies in the picture.

    Attributes
    ----------
    page_size : tuple of int
        Width and height of the picture in pixels.
    rotation : float
        Angle of the paper's time axis against the picture's x axis, in the picture's middle, in degrees from -180 to
        180, positive clockwise as seen.
    grid_certainty : float
        0 (no grid was found) to 1.
    """

    page_size: tuple[int, int]
    rotation: float
    grid_certainty: float


VERDICTS = ("good", "usable", "unreliable")
"""What may be said of a page, best first."""


@dataclass(frozen=True)
class Quality:
    """How far a page can be trusted (`digitize.strips.verdict`).

    Attributes
    ----------
    verdict : str
        One of `VERDICTS`.
    reasons : tuple of str
        Why it is not better, the gravest first; empty for a good page.
    right : float
        Share of the samples that are expected to lie within 0.1 mV of the truth.
    edge_mm : float
        Width of the edge of the pen's ink, mm: large when the page is out of focus; NaN where it was not measured.
    probability : float
        That the page is right as a whole: every lead under its name, close to the truth, at its time; NaN where it was
        not measured.
    """

    verdict: str
    reasons: tuple[str, ...]
    right: float
    edge_mm: float
    probability: float = math.nan


@dataclass(frozen=True, eq=False)
class Strip:
    """One lead as printed: a run of trace under one name.

    Attributes
    ----------
    lead : str
        One of `digitize.records.layouts.ALL_NAMES`; only those in `LEAD_NAMES` have a row in `Leads.signal`.
    row, column : int
        Place on the page, from the top and from the left; rhythm strips have column 0 in a row of their own.
    start : float
        Time of the first sample on the record's clock, seconds.
    signal : ndarray, shape (n,), float32
        Millivolts at the record's sampling frequency, NaN where the trace is hidden.
    confidence : ndarray, shape (n,), float32
        Probability that the sample lies within 0.1 mV of the truth; 0 where the trace is hidden.
    path : ndarray, shape (n, 2), float32
        The same samples as ``(x, y)`` in pixels of the original picture.
    name_source : str
        ``"read"`` when the printed name was read, ``"measured"`` when a rhythm strip lay on that lead's own strip or
        Einthoven's law told it,
        ``"assumed"`` when the layout and the other names supplied it, ``"given"`` when the caller did.
    """

    lead: str
    row: int
    column: int
    start: float
    signal: NDArray[np.float32]
    confidence: NDArray[np.float32]
    path: NDArray[np.float32]
    name_source: Source


class Highlight(NamedTuple):
    """A translucent band along the traces, the darker the more is to be seen there.

    Attributes
    ----------
    strength : tuple of ndarray, each of shape (n,)
        Of each strip of `Leads.strips`, sample by sample: 0 (no band) to 1.
    text : str
        What the band means, in ASCII.
    """

    strength: tuple[NDArray[np.float32], ...]
    text: str


@dataclass(frozen=True, eq=False)
class LeadData:
    """Data of a digitized electrocardiogram; `digitize.leads.Leads` adds what can be done with it.

    One is equal to itself only: compare `signal` (``numpy.array_equal`` with ``equal_nan=True``) for the content.

    Attributes
    ----------
    signal : ndarray, shape (12, n), float32
        Millivolts; NaN where the page shows nothing. Time zero is the first printed sample.
    confidence : ndarray, shape (12, n), float32
        0 where nothing is known to 1.
    fs : int
        Sampling frequency in Hz.
    strips : tuple of Strip
        The strips as printed. A lead that is printed twice takes the longer strip for `signal` and keeps both here.
    layout : str
        Name of the layout (see `digitize.records.layouts`), e.g. ``"3x4+II"``.
    calibration : Calibration
    geometry : Geometry
    quality : Quality
        Whether to trust the page, and why not.
    warnings : tuple of str
        What a reader should know before trusting the signal.
    source : str
        What the signal was read from: ``"raster"``, the pixels of a picture, or ``"vector"``, the paths that the file
        itself draws: then it is as exact as these are.
    """

    signal: NDArray[np.float32]
    confidence: NDArray[np.float32]
    fs: int
    strips: tuple[Strip, ...]
    layout: str
    calibration: Calibration
    geometry: Geometry
    quality: Quality
    warnings: tuple[str, ...] = field(default=())
    source: TraceSource = "raster"

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the rows of `signal`: the standard twelve."""
        return LEAD_NAMES

    @property
    def rhythm(self) -> Strip | None:
        """The longest strip of the page, the one to read a rhythm from; None when nothing was traced."""
        return max(self.strips, key=lambda strip: len(strip.signal), default=None)
