"""A digitizer that knows the truth; the page's name says what it does wrong. Imported by the benchmark's processes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import wfdb

from digitize.leads import Leads
from digitize.records.layouts import LEAD_NAMES
from digitize.records.results import Calibration, Geometry, Quality, Strip


def trace(image: Path) -> Leads:
    if image.stem == "unreadable":
        raise ValueError(f"{image.name}: no grid | no trace")
    signal = wfdb.rdrecord(str(image.with_suffix(""))).p_signal.T.astype(np.float32)
    if image.stem == "no_v1":
        signal[LEAD_NAMES.index("V1")] = np.nan
    if image.stem == "late":
        signal = np.roll(signal, 50, axis=1) + np.float32(0.2)
    n = signal.shape[1]
    path = np.stack([np.linspace(10, 190, n), np.full(n, 60.0)], axis=1).astype(np.float32)
    strip = Strip("I", 0, 0, 0.0, signal[0], np.ones(n, np.float32), path, "read")
    return Leads(
        signal,
        np.isfinite(signal).astype(np.float32),
        500,
        (strip,),
        "12x1",
        Calibration(25.0, 10.0, "assumed", "assumed", 4.0, "grid"),
        Geometry((200, 120), 0.0, 1.0),
        Quality("good", (), 1.0, 0.2),
        ("nothing was looked at",),
    )
