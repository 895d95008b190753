"""WFDB records."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from digitize.export.channels import UNITS_PER_MV, channels_of, to_digital
from digitize.files import record_name, written_together
from digitize.records.arguments import of_type
from digitize.version import __version__

if TYPE_CHECKING:
    from digitize.records.results import LeadData


def write_wfdb(leads: LeadData, path: str | os.PathLike[str]) -> Path:
    """Write a WFDB record: format 16, 1000 units per mV, NaN as the invalid sample.

    The format has no place for confidence. Layout, scale and verdict stand in the header as comments.

    Parameters
    ----------
    leads : LeadData
    path : path
        The record without suffix, or its ``.hea`` file. Both files are replaced when they exist.

    Returns
    -------
    Path
        The header file.

    Raises
    ------
    TypeError
        If the path is none.
    ValueError
        If the record's name has other characters than letters, digits, hyphens and underscores.
    OSError
        If the files cannot be written.

    References
    ----------
    Moody et al., "PhysioNet: a web-based resource for the study of physiologic signals", IEEE Eng Med Biol 20, 2001;
    header(5) and signal(5) of the WFDB Applications Guide.
    """
    import wfdb

    of_type("path", path, (str, os.PathLike), "a path")
    header = Path(path) if Path(path).suffix == ".hea" else Path(f"{os.fspath(path)}.hea")
    name = header.stem
    if record_name(name) != name:
        raise ValueError(f"record name {name!r}; allowed: letters, digits, hyphens and underscores")
    channels = channels_of(leads)
    count = len(channels.names)
    with written_together(header.parent) as temporary:
        wfdb.wrsamp(
            name,
            fs=channels.fs,
            units=["mV"] * count,
            sig_name=list(channels.names),
            d_signal=np.ascontiguousarray(to_digital(channels.signal).T),
            fmt=["16"] * count,
            adc_gain=[UNITS_PER_MV] * count,
            baseline=[0] * count,
            comments=_comments(leads),
            write_dir=str(temporary),
        )
    return header


def _comments(leads: LeadData) -> list[str]:
    paper, quality = leads.calibration, leads.quality
    why = f" ({'; '.join(quality.reasons)})" if quality.reasons else ""
    told = [
        f"digitized by Papertrace {__version__}",
        f"layout: {leads.layout}",
        f"paper: {paper.speed:g} mm/s ({paper.speed_source}), {paper.gain:g} mm/mV ({paper.gain_source})",
        f"verdict: {quality.verdict}{why}",
    ]
    # A header is a file of lines, and other programs read it as ASCII.
    return [" ".join(line.split()).encode("ascii", "backslashreplace").decode("ascii") for line in told]
