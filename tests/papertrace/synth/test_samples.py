from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import wfdb
from PIL import Image

from digitize.records.layouts import LEAD_NAMES
from papertrace.synth.files import read_record

ROOT = Path(__file__).parents[3]
SAMPLES = ROOT / "samples"
SHEET = ROOT / "docs" / "presets.jpg"
PTB_XL = Path(os.environ.get("PAPERTRACE_DATA", ROOT.parent / "shared" / "data")) / "ptb-xl"
SECONDS = {"00024_hr": 2.5, "00307_hr": 5.0, "02988_hr": 10.0, "00139_hr": 2.5, "00436_hr": 2.5}
RHYTHM = {"00024_hr": ["II"], "00307_hr": ["II"], "00436_hr": ["II", "V1", "V5"]}


@pytest.mark.parametrize("name", SECONDS)
def test_truth_shows_what_the_layout_shows(name: str) -> None:
    truth = wfdb.rdrecord(str(SAMPLES / f"{name}_truth"))
    assert truth.sig_name == list(LEAD_NAMES) and truth.fs == 500 and truth.sig_len == 5000
    shown = np.isfinite(truth.p_signal).sum(axis=0) / 500
    expected = [10.0 if lead in RHYTHM.get(name, []) else SECONDS[name] for lead in LEAD_NAMES]
    assert shown.tolist() == expected


def test_pages_are_small_and_readable() -> None:
    pages = sorted(path for path in SAMPLES.iterdir() if path.suffix in (".png", ".jpg"))
    assert sorted(path.stem for path in pages) == sorted(SECONDS)
    assert sum(path.stat().st_size for path in SAMPLES.iterdir()) < 5e6
    for path in pages:
        assert path.stat().st_size < 1.5e6
        with Image.open(path) as picture:
            assert min(np.asarray(picture).shape[:2]) > 700


def test_contact_sheet_is_small() -> None:
    assert SHEET.stat().st_size <= 600_000
    with Image.open(SHEET) as picture:
        assert min(picture.size) > 1000


@pytest.mark.skipif(not PTB_XL.is_dir(), reason=f"PTB-XL is not at {PTB_XL} (set PAPERTRACE_DATA)")
@pytest.mark.parametrize("name", SECONDS)
def test_truth_is_the_recording(name: str) -> None:
    signal, _ = read_record(PTB_XL / "records500" / f"{name[:2]}000" / name)
    truth = wfdb.rdrecord(str(SAMPLES / f"{name}_truth")).p_signal.T
    shown = np.isfinite(truth)
    assert np.abs(truth - signal)[shown].max() < 1e-3
