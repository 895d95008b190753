"""A digitization as its users hold it: its data (`digitize.records.results`) and what can be done with them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from digitize.records.layouts import LEAD_NAMES
from digitize.records.results import Calibration, Geometry, Highlight, LeadData, Quality

if TYPE_CHECKING:
    import os

    import pandas as pd
    import xarray
    from matplotlib.figure import Figure

    from digitize.render.overlay import Annotation


class Leads(LeadData):
    """A digitized electrocardiogram: `LeadData` with exports and pictures.

    Examples
    --------
    >>> from digitize import trace_leads
    >>> leads = trace_leads("samples/00024_hr.png")
    >>> leads["II"].shape
    (5000,)
    >>> leads
    <Leads 3x4+II: 12 leads of 10.0 s at 500 Hz, 25 mm/s, 10 mm/mV; usable>
    """

    def __repr__(self) -> str:
        """Tell in a line what was found; the fields have the rest."""
        shown = int(np.isfinite(self.signal).any(axis=1).sum())
        paper = self.calibration
        return (
            f"<Leads {self.layout}: {shown} leads of {self.signal.shape[1] / self.fs:.1f} s at {self.fs} Hz, "
            f"{paper.speed:g} mm/s, {paper.gain:g} mm/mV; {self.quality.verdict}>"
        )

    def __getitem__(self, lead: str) -> NDArray[np.float32]:
        """Give one lead by its name.

        Parameters
        ----------
        lead : str
            One of the standard twelve, or another that the page shows (V7, V4R, ...).

        Returns
        -------
        ndarray, shape (n,), float32
            Millivolts on the record's clock, NaN where the page shows nothing; a copy.

        Raises
        ------
        KeyError
            If the page has no such lead.
        """
        from digitize.export import channels_of

        channels = channels_of(self)
        if lead not in channels.names:
            raise KeyError(f"no lead {lead!r}; allowed: {', '.join(channels.names)}")
        signal: NDArray[np.float32] = channels.signal[channels.names.index(lead)]
        return signal

    def to_frame(self) -> pd.DataFrame:
        """Arrange the leads as a table: millivolts, one column a lead, indexed by ``time_s`` (`export.to_frame`)."""
        from digitize.export import to_frame

        return to_frame(self)

    def to_xarray(self) -> xarray.Dataset:
        """Arrange ``signal`` and ``confidence`` as labeled arrays (`export.to_xarray`); needs xarray."""
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

    def to_csv(self, path: str | os.PathLike[str]) -> Path:
        """Write the leads as a table of comma-separated values (`export.write_csv`); returns the file's path."""
        from digitize.export import write_csv

        return write_csv(self, path)

    def to_edf(self, path: str | os.PathLike[str]) -> Path:
        """Write the leads as EDF+ (`export.write_edf`); needs edfio; returns the file's path."""
        from digitize.export import write_edf

        return write_edf(self, path)

    def to_dicom(self, path: str | os.PathLike[str]) -> Path:
        """Write the leads as a DICOM waveform (`export.write_dicom`); needs pydicom; returns the file's path."""
        from digitize.export import write_dicom

        return write_dicom(self, path)

    def to_fhir(self, path: str | os.PathLike[str]) -> Path:
        """Write the leads as a FHIR Observation (R4) (`export.write_fhir`); returns the file's path."""
        from digitize.export import write_fhir

        return write_fhir(self, path)

    def to_parquet(self, path: str | os.PathLike[str]) -> Path:
        """Write the leads as a Parquet table (`export.write_parquet`); needs pyarrow; returns the file's path."""
        from digitize.export import write_parquet

        return write_parquet(self, path)

    def overlay(
        self, image: NDArray[np.uint8], marks: Sequence[Annotation] = (), shade: Highlight | None = None
    ) -> NDArray[np.uint8]:
        """Draw the traces, marks above them and a band along them over a copy of their page, or of a picture as large.

        The arguments are those of `digitize.render.overlay.draw_overlay`.
        """
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
    """Give the leads of a page that could not be digitized: none.

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
        quality=Quality("unreliable", (f"the page could not be digitized: {reason}",), 0.0, math.nan),
        warnings=(f"the page could not be digitized: {reason}",),
    )
