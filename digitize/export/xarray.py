"""Leads as labeled arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from digitize.export.channels import channels_of
from digitize.export.extras import needs_extra
from digitize.version import __version__

if TYPE_CHECKING:
    import xarray

    from digitize.records.results import LeadData


def to_xarray(leads: LeadData) -> xarray.Dataset:
    """Arrange the leads as labeled arrays.

    Parameters
    ----------
    leads : LeadData

    Returns
    -------
    xarray.Dataset
        ``signal`` (millivolts, NaN where the page shows nothing) and ``confidence``, each of the dimensions ``lead``
        and ``time`` (seconds), float32, with ``units``; the attributes say ``fs``, ``layout``, ``verdict``,
        ``warnings`` and ``version``.

    Raises
    ------
    ImportError
        If xarray is not installed.

    Examples
    --------
    >>> from digitize import trace_leads
    >>> data = to_xarray(trace_leads("samples/00024_hr.png"))
    >>> data.signal.sel(lead="V2", time=slice(5.0, 7.4)).notnull().mean().item() > 0.9
    True
    """
    with needs_extra("to_xarray"):
        import xarray

    channels = channels_of(leads)
    time = np.arange(channels.signal.shape[1]) / channels.fs
    return xarray.Dataset(
        {
            "signal": (("lead", "time"), channels.signal, {"units": "mV", "long_name": "voltage"}),
            "confidence": (("lead", "time"), channels.confidence, {"units": "1"}),
        },
        coords={"lead": list(channels.names), "time": ("time", time, {"units": "s"})},
        attrs={
            "fs": leads.fs,
            "layout": leads.layout,
            "verdict": leads.quality.verdict,
            "warnings": list(leads.warnings),
            "version": __version__,
        },
    )
