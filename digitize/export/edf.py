"""European Data Format: EDF+C."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from digitize.export.channels import INVALID, channels_of, find_gaps, quantize
from digitize.export.extras import needs_extra
from digitize.files import written_together
from digitize.version import __version__

if TYPE_CHECKING:
    from digitize.records.results import LeadData

STEPS = (1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3)
"""Millivolts that a unit may be worth: with each of them EDF's eight characters hold the physical range exactly."""

GAP = "gap"
"""Annotation of a stretch that the page does not show; `@@` and the signal's label follow it."""


def write_edf(leads: LeadData, path: str | os.PathLike[str]) -> Path:
    """Write an EDF+ file: one signal a lead, in millivolts, in data records of a second.

    Each lead has the finest of `STEPS` that its largest value allows. EDF has no NaN: a gap holds the lead's digital
    minimum, -32768, which no sample has otherwise, and is annotated ``gap@@ECG V1``, from its start for its length (a
    text that ends with ``@@`` and a label belongs to that signal, as EDFbrowser and MNE read it). The last data record
    is filled up with such samples. The format has no place for confidence; nothing is said of patient or date.

    Parameters
    ----------
    leads : LeadData
    path : path
        The file; it is replaced when it exists.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ImportError
        If edfio is not installed.
    OSError
        If the file cannot be written.

    References
    ----------
    Kemp and Olivan, "European data format 'plus' (EDF+), an EDF alike standard format for the exchange of physiological
    data", Clin Neurophysiol 114, 2003.
    """
    with needs_extra("EDF+"):
        from edfio import Edf, EdfAnnotation, EdfSignal, Recording

    channels = channels_of(leads)
    padding = -channels.signal.shape[1] % channels.fs
    signals, annotations = [], []
    for name, lead in zip(channels.names, channels.signal, strict=True):
        label, step = f"ECG {name}", finest_step(lead)
        digital = np.pad(quantize(lead, step), (0, padding), constant_values=INVALID)
        signals.append(
            EdfSignal.from_digital(
                digital,
                channels.fs,
                label=label,
                transducer_type="digitized from paper",
                physical_dimension="mV",
                physical_range=(round(-32768 * step, 7), round(32767 * step, 7)),
                digital_range=(-32768, 32767),
            )
        )
        annotations += [
            EdfAnnotation(start / channels.fs, (end - start) / channels.fs, f"{GAP}@@{label}")
            for start, end in find_gaps(np.pad(lead, (0, padding), constant_values=np.nan))
        ]
    file = Path(path)
    with written_together(file.parent) as temporary:
        Edf(
            signals,
            recording=Recording(equipment_code=f"Papertrace_{__version__}"),
            data_record_duration=1,
            annotations=annotations,
        ).write(temporary / file.name)
    return file


def finest_step(signal: NDArray[np.float32]) -> float:
    """Choose what a unit is worth so that 32767 of them reach the largest value.

    Parameters
    ----------
    signal : ndarray, any shape
        Millivolts.

    Returns
    -------
    float
        One of `STEPS`; the coarsest where none reaches.

    Examples
    --------
    >>> finest_step(np.array([0.3, np.nan, -1.8]))
    0.0001
    """
    seen = np.abs(signal[np.isfinite(signal)])
    largest = float(seen.max()) if seen.size else 0.0
    return next((step for step in STEPS if largest <= 32767 * step), STEPS[-1])
