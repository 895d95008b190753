"""DICOM waveforms."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from digitize.export.channels import INVALID, Channels, channels_of, to_digital
from digitize.export.codes import UNSPECIFIED, lead_code, stable_uuid
from digitize.export.extras import needs_extra
from digitize.files import written_together
from digitize.records.layouts import LEAD_NAMES
from digitize.version import __version__

if TYPE_CHECKING:
    from pydicom import Dataset

    from digitize.records.results import LeadData

TWELVE_LEAD = "1.2.840.10008.5.1.4.1.1.9.1.1"
"""12-lead ECG Waveform Storage (PS3.3 A.34.3)."""

GENERAL = "1.2.840.10008.5.1.4.1.1.9.1.2"
"""General ECG Waveform Storage (PS3.3 A.34.4)."""

MOST_SAMPLES = 16384
"""Longest multiplex group of a 12-lead ECG."""

LOWEST_FS, HIGHEST_FS = 200, 1000
"""Sampling frequencies in Hz that both classes allow."""

UNKNOWN_TIME = "19000101000000"
"""Stands for the recording's date and time: DICOM demands one, and the page's own is not read."""

_TEXT_LENGTH = 1024


def write_dicom(leads: LeadData, path: str | os.PathLike[str]) -> Path:
    """Write a DICOM waveform: a 12-lead ECG when the page shows just the twelve leads, else a General ECG.

    One multiplex group holds the leads that the page shows, 16 bits, a microvolt a unit, clipped at +-32.767 mV. Gaps
    are Waveform Padding Value (-32768), which many readers plot as if it were a voltage (`pydicom.waveform_array`
    among them). The channels' sources are coded by ISO/IEEE 11073-10101 (CID 3001); V1R, which has no code, is an
    unspecified lead with that label. Filters are not stated, for paper does not tell them.

    The file holds no patient data: name, number, birth date and sex are empty, the date is `UNKNOWN_TIME`. That the
    waveform is digitized from paper, the page's verdict and its warnings are Waveform Annotations. The format has no
    place for confidence. Identifiers are made from the samples and the file's name: the same page gives the same file.

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
        If pydicom is not installed.
    ValueError
        If the sampling frequency is not between `LOWEST_FS` and `HIGHEST_FS`, or no lead shows anything.
    OSError
        If the file cannot be written.

    References
    ----------
    DICOM PS3.3, A.34.3, A.34.4, C.10.8 to C.10.10; PS3.16, CID 3001; PS3.5, B.2.
    """
    file = Path(path)
    data = waveform(leads, file.stem)
    with written_together(file.parent) as temporary:
        data.save_as(temporary / file.name, enforce_file_format=True)
    return file


def waveform(leads: LeadData, name: str) -> Dataset:
    """Make the data set that `write_dicom` writes.

    Parameters
    ----------
    leads : LeadData
    name : str
        The page's name, a part of what its identifiers are made from; it is not in the data set.

    Returns
    -------
    pydicom.Dataset
        With its file meta information.

    Raises
    ------
    ImportError, ValueError
        As for `write_dicom`.
    """
    with needs_extra("DICOM"):
        from pydicom.dataset import Dataset, FileMetaDataset
        from pydicom.uid import ExplicitVRLittleEndian

    if not LOWEST_FS <= leads.fs <= HIGHEST_FS:
        raise ValueError(f"fs is {leads.fs}; allowed in DICOM: {LOWEST_FS} to {HIGHEST_FS} Hz")
    channels = channels_of(leads).shown()
    if not channels.names:
        raise ValueError("no lead shows anything: there is no channel to write")
    twelve = channels.names == LEAD_NAMES and channels.signal.shape[1] <= MOST_SAMPLES

    data = Dataset()
    data.SpecificCharacterSet = "ISO_IR 192"
    data.SOPClassUID = TWELVE_LEAD if twelve else GENERAL
    data.SOPInstanceUID = _uid(stable_uuid(channels, name, "instance"))
    data.PatientName = data.PatientID = data.PatientBirthDate = data.PatientSex = ""
    data.PatientIdentityRemoved = "YES"
    data.DeidentificationMethod = "digitized from paper: nothing but the traces was taken over"
    data.StudyInstanceUID = _uid(stable_uuid(channels, name, "study"))
    data.StudyDate = data.StudyTime = data.StudyID = data.AccessionNumber = data.ReferringPhysicianName = ""
    data.Modality = "ECG"
    data.SeriesInstanceUID = _uid(stable_uuid(channels, name, "series"))
    data.SeriesNumber = data.InstanceNumber = 1
    data.SeriesDescription = "ECG digitized from paper"
    data.Manufacturer = data.ManufacturerModelName = "Papertrace"
    data.SoftwareVersions = __version__
    data.ContentDate, data.ContentTime = UNKNOWN_TIME[:8], UNKNOWN_TIME[8:]
    data.AcquisitionDateTime = UNKNOWN_TIME
    data.AcquisitionContextSequence = []
    data.WaveformAnnotationSequence = [_note(number, text) for number, text in enumerate(_texts(leads), 1)]
    data.WaveformSequence = [_group(channels)]
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return data


def _uid(identifier: uuid.UUID) -> str:
    return f"2.25.{identifier.int}"


def _texts(leads: LeadData) -> list[str]:
    reasons = f" ({'; '.join(leads.quality.reasons)})" if leads.quality.reasons else ""
    made = f"Digitized from paper by Papertrace {__version__}. Not for diagnosis. "
    return [made + f"Verdict: {leads.quality.verdict}{reasons}", *leads.warnings]


def _note(number: int, text: str) -> Dataset:
    from pydicom.dataset import Dataset

    note = Dataset()
    note.ReferencedWaveformChannels = [1, 0]  # all channels of the first group
    note.UnformattedTextValue = text[:_TEXT_LENGTH]
    note.AnnotationGroupNumber = number
    return note


def _group(channels: Channels) -> Dataset:
    from pydicom.dataset import Dataset

    group = Dataset()
    group.WaveformOriginality = "DERIVED"
    group.NumberOfWaveformChannels, group.NumberOfWaveformSamples = channels.signal.shape
    group.SamplingFrequency = channels.fs
    group.MultiplexGroupLabel = "PAPER"
    group.ChannelDefinitionSequence = [_channel(name) for name in channels.names]
    group.WaveformBitsAllocated = 16
    group.WaveformSampleInterpretation = "SS"
    group.WaveformPaddingValue = np.array(INVALID, "<i2").tobytes()
    group.WaveformData = to_digital(channels.signal).T.astype("<i2").tobytes()
    return group


def _channel(name: str) -> Dataset:
    from pydicom.dataset import Dataset

    code = lead_code(name)
    channel = Dataset()
    channel.ChannelLabel = name
    channel.ChannelSourceSequence = [_code(f"2:{code}", "MDC", _meaning(name, code))]
    channel.ChannelSensitivity = 1
    channel.ChannelSensitivityUnitsSequence = [_code("uV", "UCUM", "microvolt")]
    channel.ChannelSensitivityCorrectionFactor = 1
    channel.ChannelBaseline = 0
    channel.ChannelSampleSkew = 0
    channel.WaveformBitsStored = 16
    return channel


_AUGMENTED = {"aVR": "right", "aVL": "left", "aVF": "foot"}


def _meaning(name: str, code: int) -> str:
    if code == UNSPECIFIED:
        return "Unspecified lead"
    return f"{name}, augmented voltage, {_AUGMENTED[name]}" if name in _AUGMENTED else f"Lead {name}"


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    from pydicom.dataset import Dataset

    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return code
