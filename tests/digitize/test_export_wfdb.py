from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import wfdb
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from digitize.export import to_digital, write_wfdb
from digitize.records.layouts import LEAD_NAMES
from digitize.version import __version__


def names_in(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_wfdb_round_trip(leads, tmp_path):
    assert leads.to_wfdb(tmp_path / "scan") == tmp_path / "scan.hea"
    assert names_in(tmp_path) == ["scan.dat", "scan.hea"]
    record = wfdb.rdrecord(str(tmp_path / "scan"))
    assert record.sig_name == list(LEAD_NAMES)
    assert record.units == ["mV"] * 12
    assert record.fmt == ["16"] * 12
    assert record.adc_gain == [1000] * 12
    assert record.baseline == [0] * 12
    assert record.fs == leads.fs
    assert record.comments == [
        f"digitized by Papertrace {__version__}",
        f"layout: {leads.layout}",
        "paper: 25 mm/s (read), 10 mm/mV (assumed)",
        f"verdict: {leads.quality.verdict} ({'; '.join(leads.quality.reasons)})",
    ]
    assert (np.isnan(record.p_signal.T) == np.isnan(leads.signal)).all()
    seen = np.isfinite(leads.signal)
    assert np.abs(record.p_signal.T[seen] - leads.signal[seen]).max() <= 0.000501


def test_a_header_is_ascii_and_says_why_the_verdict_is_not_better(leads, tmp_path):
    quality = replace(leads.quality, verdict="usable", reasons=("the gain is\nassumed", "5 \u00b5V"))
    replace(leads, quality=quality).to_wfdb(tmp_path / "scan")
    header = (tmp_path / "scan.hea").read_bytes().decode("ascii")
    assert "verdict: usable (the gain is assumed; 5 \\xb5V)" in header
    assert wfdb.rdheader(str(tmp_path / "scan")).sig_name == list(LEAD_NAMES)


def test_wfdb_takes_the_header_path_and_replaces(leads, tmp_path):
    leads.to_wfdb(tmp_path / "scan")
    replace(leads, signal=leads.signal * 2).to_wfdb(tmp_path / "scan.hea")
    record = wfdb.rdrecord(str(tmp_path / "scan"))
    assert np.nanmax(record.p_signal) == pytest.approx(2 * np.nanmax(leads.signal), abs=0.001)


def test_a_lead_that_was_not_printed(leads, tmp_path):
    signal = leads.signal.copy()
    signal[3] = np.nan
    replace(leads, signal=signal).to_wfdb(tmp_path / "scan")
    assert np.isnan(wfdb.rdrecord(str(tmp_path / "scan")).p_signal[:, 3]).all()


def test_digital_samples_are_clipped_and_never_taken_for_invalid():
    samples = to_digital(np.array([0, 0.0004, 0.0006, 32.7674, 40, -40, -32.768, np.inf, -np.inf, np.nan]))
    assert samples.tolist() == [0, 0, 1, 32767, 32767, -32767, -32767, 32767, -32767, -32768]


def test_record_names_that_wfdb_cannot_hold(leads, tmp_path):
    with pytest.raises(ValueError, match=r"record name 'my scan'; allowed: letters"):
        leads.to_wfdb(tmp_path / "my scan")
    assert names_in(tmp_path) == []


def test_leads_beyond_the_twelve(leads_of, back_strip, tmp_path):
    page = leads_of(np.zeros((12, 1000), np.float32), strips=(back_strip("V8", 250, 500), back_strip("V4R", 0, 900)))
    write_wfdb(page, tmp_path / "scan")
    record = wfdb.rdrecord(str(tmp_path / "scan"))
    assert record.sig_name == [*LEAD_NAMES, "V8", "V4R"]
    seen = np.isfinite(record.p_signal[:, 12])
    assert np.flatnonzero(seen)[[0, -1]].tolist() == [250, 749] and seen.sum() == 500
    np.testing.assert_allclose(record.p_signal[seen, 12], back_strip("V8", 250, 500).signal, atol=0.000501)


@settings(max_examples=25, deadline=None)
@given(signal=arrays(np.float32, st.tuples(st.just(12), st.integers(1, 30)), elements=st.floats(-40, 40, width=32)))
def test_any_signal_comes_back_within_half_a_unit(leads_of, signal):
    signal[signal > 39] = np.nan
    with tempfile.TemporaryDirectory() as folder:
        write_wfdb(leads_of(signal), Path(folder) / "scan")
        read = wfdb.rdrecord(str(Path(folder) / "scan")).p_signal.T
    assert (np.isnan(read) == np.isnan(signal)).all()
    assert np.nanmax(np.abs(read - np.clip(signal, -32.767, 32.767)), initial=0) <= 0.000501
