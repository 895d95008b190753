from __future__ import annotations

import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from digitize.export import write_edf
from digitize.export.edf import STEPS, finest_step
from digitize.records.layouts import LEAD_NAMES


def read_edf(path: Path) -> tuple[dict[str, list[str]], dict[str, np.ndarray], list[tuple[float, float, str]]]:
    """Read a file as the specification has it, by hand: header fields, physical values by label, annotations."""
    content = path.read_bytes()
    edges = (0, 8, 88, 168, 176, 184, 192, 236, 244, 252, 256)
    main = [content[a:b].decode("ascii").strip() for a, b in pairwise(edges)]
    records, seconds, count = int(main[7]), float(main[8]), int(main[9])
    fields, at = {"main": main}, 256
    names = ("label", "transducer", "unit", "low", "high", "bottom", "top", "filter", "samples", "reserved")
    for name, width in zip(names, (16, 80, 8, 8, 8, 8, 8, 80, 8, 32), strict=True):
        fields[name] = [content[at + i * width : at + (i + 1) * width].decode("ascii").strip() for i in range(count)]
        at += count * width
    assert at == int(main[5])
    lengths = [int(text) for text in fields["samples"]]
    data = np.frombuffer(content[at:], "<i2").reshape(records, sum(lengths))
    signals, annotations = {}, []
    for i, part in enumerate(np.split(data, np.cumsum(lengths)[:-1], axis=1)):
        if fields["label"][i] == "EDF Annotations":
            for record in part:
                for entry in record.tobytes().split(b"\0"):
                    time, *texts = entry.decode().rstrip("\x14").split("\x14")
                    onset, _, duration = time.partition("\x15")
                    annotations += [(float(onset), float(duration or 0), text) for text in texts if text]
            continue
        low, high, bottom, top = (float(fields[name][i]) for name in ("low", "high", "bottom", "top"))
        signals[fields["label"][i]] = (part.ravel() - bottom) / (top - bottom) * (high - low) + low
        assert lengths[i] / seconds == lengths[0] / seconds
    return fields, signals, annotations


def filled(signals: dict[str, np.ndarray], annotations: list[tuple[float, float, str]], fs: int) -> np.ndarray:
    """Put NaN where the annotations tell of gaps."""
    for onset, duration, text in annotations:
        kind, _, label = text.partition("@@")
        assert kind == "gap"
        signals[label][round(onset * fs) : round((onset + duration) * fs)] = np.nan
    return np.stack(list(signals.values()))


def test_round_trip(leads, tmp_path):
    assert write_edf(leads, tmp_path / "scan.edf") == tmp_path / "scan.edf"
    assert [file.name for file in tmp_path.iterdir()] == ["scan.edf"]
    fields, signals, annotations = read_edf(tmp_path / "scan.edf")
    assert list(signals) == [f"ECG {name}" for name in LEAD_NAMES]
    assert set(fields["unit"][:12]) == {"mV"}
    assert set(fields["samples"][:12]) == {"500"}
    assert ("gap@@ECG V1", 0.0, 5.0) in [(text, onset, duration) for onset, duration, text in annotations]
    lowest = {label: values.min() for label, values in signals.items()}
    assert lowest["ECG V1"] == float(fields["low"][6])
    read = filled(signals, annotations, leads.fs)
    assert (np.isnan(read) == np.isnan(leads.signal)).all()
    assert np.nanmax(np.abs(read - leads.signal)) <= 0.5 * 5e-5 + 1e-9


def test_nothing_is_said_of_patient_or_date(leads, tmp_path):
    write_edf(leads, tmp_path / "Miller_1950-01-02.edf")
    fields, _, _ = read_edf(tmp_path / "Miller_1950-01-02.edf")
    _, patient, recording, date, time, _, kind, *_ = fields["main"]
    assert patient == "X X X X"
    assert recording.startswith("Startdate X X X Papertrace_")
    assert (date, time, kind) == ("01.01.85", "00.00.00", "EDF+C")
    assert b"Miller" not in (tmp_path / "Miller_1950-01-02.edf").read_bytes()


def test_another_reader_agrees(leads, tmp_path):
    """EDFlib, the reader of EDFbrowser; there is no wheel of it for every Python."""
    pyedflib = pytest.importorskip("pyedflib")
    write_edf(leads, tmp_path / "scan.edf")
    with pyedflib.EdfReader(str(tmp_path / "scan.edf")) as reader:
        assert reader.filetype == pyedflib.FILETYPE_EDFPLUS
        labels = reader.getSignalLabels()
        signals = {label: reader.readSignal(i) for i, label in enumerate(labels)}
        annotations = list(zip(*reader.readAnnotations(), strict=True))
        assert {reader.getPhysicalDimension(i) for i in range(12)} == {"mV"}
        assert set(reader.getSampleFrequencies()) == {500}
    assert labels == [f"ECG {name}" for name in LEAD_NAMES]
    read = filled(signals, annotations, leads.fs)
    assert (np.isnan(read) == np.isnan(leads.signal)).all()
    assert np.nanmax(np.abs(read - leads.signal)) <= 0.5 * 5e-5 + 1e-9


@pytest.mark.parametrize("fs", [100, 360, 500, 1000])
def test_the_last_second_is_filled_up_with_a_gap(leads_of, tmp_path, fs):
    signal = np.tile(np.sin(np.arange(2 * fs + 7) / fs, dtype=np.float32), (12, 1))
    write_edf(leads_of(signal, fs), tmp_path / "scan.edf")
    _, signals, annotations = read_edf(tmp_path / "scan.edf")
    assert len(signals["ECG I"]) == 3 * fs
    read = filled(signals, annotations, fs)
    assert np.isfinite(read[:, : 2 * fs + 7]).all() and np.isnan(read[:, 2 * fs + 7 :]).all()
    assert np.abs(read[:, : 2 * fs + 7] - signal).max() <= 0.5 * finest_step(signal[0]) + 1e-9


def test_leads_beyond_the_twelve(leads_of, back_strip, tmp_path):
    page = leads_of(np.zeros((12, 1000), np.float32), strips=(back_strip("V9", 250, 500), back_strip("V9", 0, 90)))
    write_edf(page, tmp_path / "scan.edf")
    _, signals, annotations = read_edf(tmp_path / "scan.edf")
    assert list(signals)[12:] == ["ECG V9"]
    assert [(onset, duration) for onset, duration, text in annotations] == [(0, 0.5), (1.5, 0.5)]


def test_steps_are_written_exactly():
    """Eight characters hold the physical limits of every step."""
    for step in STEPS:
        for limit in (-32768, 32767):
            assert float(f"{limit * step:.7f}"[:8]) == pytest.approx(limit * step, rel=1e-12)
    assert finest_step(np.array([np.nan], np.float32)) == 1e-5
    assert finest_step(np.array([0.32767])) == 1e-5 and finest_step(np.array([-0.32768])) == 2e-5
    assert finest_step(np.array([99.0])) == 1e-3


@settings(max_examples=25, deadline=None)
@given(
    signal=arrays(np.float32, st.tuples(st.just(12), st.integers(1, 30)), elements=st.floats(-1, 1, width=32)),
    scale=st.sampled_from([0.01, 1, 30, 100]),
)
def test_any_signal_comes_back_within_half_a_unit(leads_of, signal, scale):
    signal[np.abs(signal) < 0.05] = np.nan
    signal *= np.float32(scale)
    with tempfile.TemporaryDirectory() as folder:
        write_edf(leads_of(signal), Path(folder) / "scan.edf")
        _, signals, annotations = read_edf(Path(folder) / "scan.edf")
    read = filled(signals, annotations, 500)[:, : signal.shape[1]]
    assert (np.isnan(read) == np.isnan(signal)).all()
    for lead, back in zip(signal, read, strict=True):
        error = np.abs(back - np.clip(lead, -32.767, 32.767))
        assert np.nanmax(error, initial=0) <= 0.5 * finest_step(lead) + 1e-6 * scale
