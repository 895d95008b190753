"""The result of a digitisation: twelve leads in millivolts, and how they were found on the page.

Conventions, here and in the whole package: pixels are ``(x, y)`` with y downward and pixel centres at whole numbers;
arrays of leads are ``(12, n)`` in the order of `LEAD_NAMES`; millivolts, seconds, millimetres; NaN where the page
shows nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from digitize.records.layouts import LEAD_NAMES

if TYPE_CHECKING:
    import os

    import pandas as pd
    import xarray
    from matplotlib.figure import Figure

    from digitize.render.overlay import Mark

Source = str
"""How a value came to be known: ``"read"`` (printed on the page), ``"measured"`` (from grid, pulse or trace),
``"given"`` (by the caller) or ``"assumed"`` (the field's default)."""


SPEEDS_MM_S, GAINS_MM_MV = (5.0, 200.0), (1.0, 100.0)
"""Paper speeds and gains that a caller may give, from and to: electrocardiographs have 5 to 100 mm/s and 2.5 to 40
mm/mV, and some pictures are enlarged."""


@dataclass(frozen=True)
class Calibration:
    """What a millimetre of paper is worth.

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
    pitch_source: str


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
    """

    verdict: str
    reasons: tuple[str, ...]
    right: float
    edge_mm: float


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


class Shade(NamedTuple):
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


@dataclass(frozen=True)
class Leads:
    """A digitised electrocardiogram.

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

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the rows of `signal`: the standard twelve."""
        return LEAD_NAMES

    @property
    def rhythm(self) -> Strip | None:
        """The longest strip of the page, the one to read a rhythm from; None when nothing was traced."""
        return max(self.strips, key=lambda strip: len(strip.signal), default=None)

    def to_frame(self) -> pd.DataFrame:
        """Arrange the leads as a table: millivolts, one column a lead, indexed by ``time_s`` (`export.to_frame`)."""
        from digitize.export import to_frame

        return to_frame(self)

    def to_xarray(self) -> xarray.Dataset:
        """Arrange ``signal`` and ``confidence`` as labelled arrays (`export.to_xarray`); needs xarray."""
        from digitize.export import to_xarray

        return to_xarray(self)

    def to_wfdb(self, path: str | os.PathLike[str]) -> Path:
        """Write the leads as a WFDB record (``.hea`` and ``.dat``); returns the header's path.

        Parameters
        ----------
        path : path
            The record without suffix, or its ``.hea`` file; existing files are replaced.
        """
        from digitize.export import write_wfdb

        return write_wfdb(self, path)

    def overlay(
        self, image: NDArray[np.uint8], marks: Sequence[Mark] = (), shade: Shade | None = None
    ) -> NDArray[np.uint8]:
        """Draw the traces, marks above them and a band along them over a copy of their page (`draw_overlay`)."""
        from digitize.render.overlay import draw_overlay

        return draw_overlay(image, self, marks, shade)

    def plot(self) -> Figure:
        """Plot the leads on ECG paper, arranged as on the page."""
        from digitize.render.overlay import plot_leads

        return plot_leads(self)

    def _repr_html_(self) -> str:
        """Show the leads in a notebook: on ECG paper, with the verdict and what to know before trusting them."""
        from digitize.render.notebook import leads_html

        return leads_html(self)


def no_leads(page_size: tuple[int, int], reason: str, fs: int = 500) -> Leads:
    """Give the leads of a page that could not be digitised: none.

    Parameters
    ----------
    page_size : tuple of int
        Width and height of the picture in pixels.
    reason : str
        Why not.
    fs : int
        Hz.

    Returns
    -------
    Leads
        Without a strip or a sample; its verdict is *unreliable*.

    Examples
    --------
    >>> leads = no_leads((800, 600), "no trace")
    >>> leads.quality.verdict, leads.strips, leads.signal.shape
    ('unreliable', (), (12, 0))
    """
    nothing = np.zeros((len(LEAD_NAMES), 0), np.float32)
    return Leads(
        signal=nothing,
        confidence=nothing,
        fs=fs,
        strips=(),
        layout="none",
        calibration=Calibration(25.0, 10.0, "assumed", "assumed", math.nan, "assumed"),
        geometry=Geometry(page_size, 0.0, 0.0),
        quality=Quality("unreliable", (f"the page could not be digitised: {reason}",), 0.0, math.nan),
        warnings=(f"the page could not be digitised: {reason}",),
    )
