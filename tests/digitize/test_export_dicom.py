from __future__ import annotations

import re
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydicom.sr.codedict import codes

from digitize.export import write_dicom
from digitize.export.dicom import GENERAL, TWELVE_LEAD
from digitize.records.layouts import ALL_NAMES, LEAD_NAMES

# PS3.3, tables A.34.3-1 and A.34.4-1: the mandatory modules of both classes. Type 1 has a value, type 2 may be empty.
TYPE_1 = (
    *("StudyInstanceUID", "SeriesInstanceUID", "Modality"),  # general study, general series
    *("InstanceNumber", "ContentDate", "ContentTime", "AcquisitionDateTime"),  # waveform identification
    *("WaveformSequence", "SOPClassUID", "SOPInstanceUID"),  # waveform, SOP common
    "DeidentificationMethod",  # patient, 1C: the identity is removed
    "SpecificCharacterSet",  # SOP common, 1C: the character set is not the basic one
)
TYPE_2 = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex"),
    *("StudyDate", "StudyTime", "StudyID", "AccessionNumber", "ReferringPhysicianName"),
    *("SeriesNumber", "Manufacturer", "AcquisitionContextSequence"),
)
GROUP_TYPE_1 = (
    *("WaveformOriginality", "NumberOfWaveformChannels", "NumberOfWaveformSamples", "SamplingFrequency"),
    *("ChannelDefinitionSequence", "WaveformBitsAllocated", "WaveformSampleInterpretation", "WaveformData"),
    "WaveformPaddingValue",  # 1C: there may be padding
)
CHANNEL_TYPE_1 = (
    *("ChannelSourceSequence", "WaveformBitsStored"),
    # 1C: the samples are calibrated, and there is no time skew
    *("ChannelSensitivity", "ChannelSensitivityUnitsSequence", "ChannelSensitivityCorrectionFactor"),
    *("ChannelBaseline", "ChannelSampleSkew"),
)
CODE_TYPE_1 = ("CodeValue", "CodingSchemeDesignator", "CodeMeaning")


def written(leads, path: Path) -> pydicom.Dataset:
    assert write_dicom(leads, path) == path
    return pydicom.dcmread(path)


def millivolts(data: pydicom.Dataset) -> np.ndarray:
    """Read the first group, (channels, n): pydicom applies the sensitivity, the padding is the reader's affair."""
    group = data.WaveformSequence[0]
    padding = np.frombuffer(group.WaveformPaddingValue, "<i2")[0]
    raw = np.frombuffer(group.WaveformData, "<i2").reshape(-1, group.NumberOfWaveformChannels)
    assert {c.ChannelSensitivityUnitsSequence[0].CodeValue for c in group.ChannelDefinitionSequence} == {"uV"}
    return np.where(raw == padding, np.nan, data.waveform_array(0) / 1000).T


def values(data: pydicom.Dataset, keyword: str) -> bool:
    return keyword in data and not data[keyword].is_empty


def test_round_trip(leads, tmp_path):
    data = written(leads, tmp_path / "scan.dcm")
    assert [file.name for file in tmp_path.iterdir()] == ["scan.dcm"]
    group = data.WaveformSequence[0]
    assert data.SOPClassUID == TWELVE_LEAD == pydicom.uid.TwelveLeadECGWaveformStorage
    assert (group.SamplingFrequency, group.NumberOfWaveformSamples) == (500, 5000)
    assert [channel.ChannelLabel for channel in group.ChannelDefinitionSequence] == list(LEAD_NAMES)
    read = millivolts(data)
    assert (np.isnan(read) == np.isnan(leads.signal)).all()
    assert np.nanmax(np.abs(read - leads.signal)) <= 0.000501


def test_every_required_attribute_has_a_value(leads, tmp_path):
    data = written(leads, tmp_path / "scan.dcm")
    assert [keyword for keyword in TYPE_1 if not values(data, keyword)] == []
    assert [keyword for keyword in TYPE_2 if keyword not in data] == []
    (group,) = data.WaveformSequence
    assert [keyword for keyword in GROUP_TYPE_1 if not values(group, keyword)] == []
    for channel in group.ChannelDefinitionSequence:
        assert [keyword for keyword in CHANNEL_TYPE_1 if not values(channel, keyword)] == []
        for code in (*channel.ChannelSourceSequence, *channel.ChannelSensitivityUnitsSequence):
            assert [keyword for keyword in CODE_TYPE_1 if not values(code, keyword)] == []
    for note in data.WaveformAnnotationSequence:
        assert values(note, "ReferencedWaveformChannels") and values(note, "UnformattedTextValue")
    assert data.file_meta.MediaStorageSOPInstanceUID == data.SOPInstanceUID
    assert data.file_meta.TransferSyntaxUID.is_little_endian


def test_the_class_keeps_its_constraints(leads, tmp_path):
    """PS3.3 A.34.3.4: what a 12-lead ECG may hold."""
    data = written(leads, tmp_path / "scan.dcm")
    (group,) = data.WaveformSequence
    assert data.Modality == "ECG"
    assert group.NumberOfWaveformChannels <= 13 and group.NumberOfWaveformSamples <= 16384
    assert 200 <= group.SamplingFrequency <= 1000
    assert (group.WaveformSampleInterpretation, group.WaveformBitsAllocated) == ("SS", 16)


def test_channel_sources_are_those_of_the_context_group(leads_of, back_strip, tmp_path):
    """CID 3001, as pydicom has it."""
    known = {getattr(codes.cid3001, name).value: getattr(codes.cid3001, name).meaning for name in codes.cid3001.dir()}
    signal = np.zeros((12, 500), np.float32)
    page = leads_of(signal, strips=tuple(back_strip(name, 0, 500) for name in ALL_NAMES[12:]))
    data = written(page, tmp_path / "scan.dcm")
    assert data.SOPClassUID == GENERAL == pydicom.uid.GeneralECGWaveformStorage
    channels = data.WaveformSequence[0].ChannelDefinitionSequence
    assert [channel.ChannelLabel for channel in channels] == list(ALL_NAMES)
    sources = {channel.ChannelLabel: channel.ChannelSourceSequence[0] for channel in channels}
    for name, source in sources.items():
        assert source.CodingSchemeDesignator == "MDC"
        assert source.CodeMeaning == known[source.CodeValue]
        assert name in re.split(r"[ ,]", source.CodeMeaning) or (name, source.CodeValue) == ("V1R", "2:0")
    assert len({source.CodeValue for source in sources.values()}) == len(ALL_NAMES)


def test_nothing_is_said_of_the_patient(leads, tmp_path):
    data = written(leads, tmp_path / "Miller.dcm")
    for keyword in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "AccessionNumber"):
        assert not values(data, keyword)
    assert data.PatientIdentityRemoved == "YES"
    assert data.AcquisitionDateTime == "19000101000000"
    assert b"Miller" not in (tmp_path / "Miller.dcm").read_bytes()


def test_it_says_that_it_is_digitized_and_how_well(leads, tmp_path):
    texts = [note.UnformattedTextValue for note in written(leads, tmp_path / "a.dcm").WaveformAnnotationSequence]
    assert texts[0].startswith("Digitized from paper by Papertrace")
    assert texts[0].endswith("Verdict: usable (the gain is assumed)")
    assert texts[1:] == list(leads.warnings)
    long = written(replace(leads, warnings=("µ" * 2000,)), tmp_path / "b.dcm")
    assert long.WaveformAnnotationSequence[1].UnformattedTextValue == "µ" * 1024


def test_identifiers_are_stable_and_differ(leads, tmp_path):
    """The same page gives the same file; another name or another sample another one."""
    first = written(leads, tmp_path / "scan.dcm")
    content = (tmp_path / "scan.dcm").read_bytes()
    written(leads, tmp_path / "scan.dcm")
    assert (tmp_path / "scan.dcm").read_bytes() == content
    signal = leads.signal.copy()
    signal[0, 0] += 0.001
    others = written(leads, tmp_path / "scan2.dcm"), written(replace(leads, signal=signal), tmp_path / "scan.dcm")
    keywords = ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
    uids = [data[keyword].value for data in (first, *others) for keyword in keywords]
    assert len(set(uids)) == 9
    assert all(uid.is_valid and uid.startswith("2.25.") for uid in uids)


@pytest.mark.parametrize(
    ("n", "missing", "expected"), [(16384, 0, TWELVE_LEAD), (16385, 0, GENERAL), (900, 5, GENERAL)]
)
def test_other_leads_and_long_pages_are_general(leads_of, tmp_path, n, missing, expected):
    signal = np.ones((12, n), np.float32)
    signal[:missing] = np.nan
    data = written(leads_of(signal), tmp_path / "scan.dcm")
    assert data.SOPClassUID == expected
    labels = [channel.ChannelLabel for channel in data.WaveformSequence[0].ChannelDefinitionSequence]
    assert labels == list(LEAD_NAMES[missing:])
    assert data.waveform_array(0).shape == (n, 12 - missing)


@pytest.mark.parametrize("fs", [199, 1001])
def test_other_frequencies_are_an_error(leads_of, tmp_path, fs):
    with pytest.raises(ValueError, match=f"fs is {fs}; allowed in DICOM: 200 to 1000 Hz"):
        write_dicom(leads_of(np.ones((12, 9)), fs), tmp_path / "scan.dcm")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_page_is_an_error(leads_of, tmp_path):
    with pytest.raises(ValueError, match="no lead shows anything"):
        write_dicom(leads_of(np.full((12, 9), np.nan)), tmp_path / "scan.dcm")


@settings(max_examples=25, deadline=None)
@given(signal=arrays(np.float32, st.tuples(st.just(12), st.integers(1, 30)), elements=st.floats(-40, 40, width=32)))
def test_any_signal_comes_back_within_half_a_unit(leads_of, signal):
    signal[:, 1:][signal[:, 1:] > 39] = np.nan
    with tempfile.TemporaryDirectory() as folder:
        read = millivolts(written(leads_of(signal), Path(folder) / "scan.dcm"))
    assert (np.isnan(read) == np.isnan(signal)).all()
    assert np.nanmax(np.abs(read - np.clip(signal, -32.767, 32.767))) <= 0.000501
