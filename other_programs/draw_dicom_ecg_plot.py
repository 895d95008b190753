"""Draw pages with dicom-ecg-plot: ``PYTHON draw_dicom_ecg_plot.py FOLDER``, in the program's own environment.

Options: ``layout``, ``mm_mv``, ``minor_axis``, ``interpretation`` and ``paper`` as the program has them. It writes
pictures at 300 dots an inch.
"""

import io
from pathlib import Path
from typing import Any

import numpy as np
from ecg import ECG
from orders import FS, LEAD_NAMES, orders
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, TwelveLeadECGWaveformStorage, generate_uid

MEASUREMENTS = {
    "VRate": 72, "PR Interval": 160, "QRS Duration": 92, "QT Interval": 388, "QTc Interval": 420, "P Axis": 50,
    "QRS Axis": 35, "T Axis": 40,
}  # fmt: skip
STATEMENTS = ("Sinus rhythm", "Nonspecific T abnormality", "Unconfirmed")


def dicom_of(signal: np.ndarray) -> io.BytesIO:
    """Write a signal, of an invented patient, as a DICOM file of a 12-lead ECG in whole microvolts."""
    page = Dataset()
    page.file_meta = FileMetaDataset()
    page.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    page.SOPClassUID = page.file_meta.MediaStorageSOPClassUID = TwelveLeadECGWaveformStorage
    page.SOPInstanceUID = page.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    page.PatientName, page.PatientID, page.PatientSex = "Example^Ada", "000000", "F"
    page.PatientBirthDate, page.PatientAge, page.AcquisitionDateTime = "19600101", "060Y", "20200102030405"
    page.InstitutionName = "Example Hospital"
    page.WaveformSequence = [_waveform(signal)]
    page.WaveformAnnotationSequence = [
        *(_item(ConceptNameCodeSequence=[_item(CodeMeaning=name)], NumericValue=n) for name, n in MEASUREMENTS.items()),
        *(_item(UnformattedTextValue=text) for text in STATEMENTS),
    ]
    file = io.BytesIO()
    page.save_as(file, enforce_file_format=True)
    file.seek(0)
    return file


def _waveform(signal: np.ndarray) -> Dataset:
    channels = [
        _item(
            ChannelSourceSequence=[
                _item(CodeValue=f"2:{number}", CodingSchemeDesignator="MDC", CodeMeaning=f"Lead {lead}")
            ],
            ChannelSensitivity=1,
            ChannelSensitivityUnitsSequence=[_item(CodeValue="uV", CodingSchemeDesignator="UCUM")],
            WaveformBitsStored=16,
        )
        for number, lead in enumerate(LEAD_NAMES, start=1)
    ]
    return _item(
        NumberOfWaveformChannels=len(signal),
        NumberOfWaveformSamples=signal.shape[1],
        SamplingFrequency=FS,
        ChannelDefinitionSequence=channels,
        WaveformBitsAllocated=16,
        WaveformSampleInterpretation="SS",
        WaveformData=np.rint(1000 * signal).astype("<i2").T.tobytes(),
    )


def _item(**elements: object) -> Dataset:
    item = Dataset()
    for name, value in elements.items():
        setattr(item, name, value)
    return item


def draw(signal: np.ndarray, page: Path, paper: str = "a4", **options: Any) -> None:
    """Draw a page. The program closes the figure that is open last when its object goes: here, and not later."""
    ecg = ECG(dicom_of(signal), paper=paper)
    ecg.draw(options.pop("layout"), **options)
    ecg.save(str(page), page.suffix[1:])


for signal, page, options in orders():
    draw(signal, page, **options)
