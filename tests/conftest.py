from __future__ import annotations

import os

# With a process of tests on each core, threads of one wait for those of another: set before a library starts its own.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import wfdb
from numpy.typing import NDArray

from digitize.leads import Leads
from digitize.records.layouts import LEAD_NAMES, find_layout
from digitize.records.results import Calibration, Geometry, Quality, Strip
from tests.watch import skip_unwatched

FS = 500
PER_MM = 4.0
ROW_HEIGHT = 120.0


def beat_train(n: int, phase: float) -> NDArray[np.float32]:
    """Millivolts with an upright peak every 0.8 s."""
    time = (np.arange(n) / FS + phase) % 0.8 - 0.4
    return (np.exp(-((time / 0.012) ** 2)) + 0.2 * np.exp(-(((time - 0.2) / 0.05) ** 2))).astype(np.float32)


@pytest.fixture(scope="session")
def can_watch() -> None:
    """For tests of what `tests.watch.watch` sees: see `skip_unwatched`."""
    skip_unwatched()


@pytest.fixture
def leads() -> Leads:
    """A 3x4+II page of 10 s at 4 pixels per millimeter, with a hidden stretch and an unsure one."""
    layout = find_layout("3x4+II")
    strips = []
    for row, names in enumerate(layout.rows):
        for column, name in enumerate(names):
            strips.append(_strip(name, row, column, 2.5 * column, 1250, "assumed"))
    strips.append(_strip("II", 3, 0, 0.0, 5000, "read"))
    signal = np.full((12, 5000), np.nan, np.float32)
    confidence = np.zeros((12, 5000), np.float32)
    for strip in strips:
        start = round(strip.start * FS)
        signal[LEAD_NAMES.index(strip.lead), start : start + len(strip.signal)] = strip.signal
        confidence[LEAD_NAMES.index(strip.lead), start : start + len(strip.signal)] = strip.confidence
    return Leads(
        signal=signal,
        confidence=confidence,
        fs=FS,
        strips=tuple(strips),
        layout="3x4+II",
        calibration=Calibration(25.0, 10.0, "read", "assumed", PER_MM, "grid"),
        geometry=Geometry((1100, 600), 0.5, 0.9),
        quality=Quality("usable", ("the gain is assumed",), 0.94, 0.2),
        warnings=("gain not found on the page: 10 mm/mV assumed",),
    )


def _strip(name: str, row: int, column: int, start: float, n: int, source: str) -> Strip:
    signal = beat_train(n, start + 0.05 * row)
    signal[100:150] = np.nan
    confidence = np.full(n, 0.9, np.float32)
    confidence[200:300] = 0.2
    confidence[100:150] = 0
    x = 30 + (start + np.arange(n) / FS) * 25 * PER_MM
    y = ROW_HEIGHT * (row + 1) - np.nan_to_num(signal) * 10 * PER_MM
    path = np.stack([x, y], axis=1).astype(np.float32)
    path[100:150] = np.nan
    return Strip(name, row, column, start, signal, confidence, path, source)


@pytest.fixture
def paper() -> NDArray[np.uint8]:
    """The picture that belongs to `leads`: white with a pink grid and no trace."""
    image = np.full((600, 1100, 3), 255, np.uint8)
    image[:, :: int(5 * PER_MM)] = (255, 190, 190)
    image[:: int(5 * PER_MM)] = (255, 190, 190)
    return image


@pytest.fixture
def as_png(tmp_path) -> Callable[[NDArray[np.uint8], str], str]:
    """Write an array as a picture file and give its path."""
    from PIL import Image

    def write(image: NDArray[np.uint8], name: str) -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
        return str(path)

    return write


def _twelve_leads(fs: int, seed: int) -> np.ndarray:
    """Ten seconds that obey Einthoven, (12, n) in mV."""
    rng = np.random.default_rng(seed)
    time = np.arange(10 * fs) / fs
    free = [np.sin(2 * np.pi * f * time + p) for f, p in zip(rng.uniform(1, 8, 8), rng.uniform(0, 6, 8), strict=True)]
    i, iii, *chest = free
    iii = 0.4 * iii
    return np.stack([i, i + iii, iii, -i - iii / 2, (i - iii) / 2, i / 2 + iii, *chest])


def _write(folder: Path, name: str, signal: np.ndarray, fs: int, units: str = "mV") -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    names = [lead.upper() if lead.startswith("a") else lead for lead in LEAD_NAMES]
    wfdb.wrsamp(
        path.name, fs, [units] * 12, names, p_signal=signal.T, fmt=["16"] * 12, adc_gain=[1000.0] * 12,
        baseline=[0] * 12, write_dir=str(path.parent),
    )  # fmt: skip


@pytest.fixture
def twelve_leads() -> Callable[[int, int], np.ndarray]:
    """Give the signal of `folder`'s records from a sampling frequency and the record's id, (12, n) in mV."""
    return _twelve_leads


@pytest.fixture
def folder(tmp_path) -> Path:
    """Write a small PTB-XL: one record's files are missing, one is normalized, one is there at both frequencies."""
    rows = [
        (1, 1, "{'NORM': 100.0, 'SR': 0.0}"),
        (2, 3, "{'IMI': 0.0, 'INJAS': 50.0, 'AFIB': 0.0}"),
        (3, 8, "{'LVH': 100.0, 'CLBBB': 35.0}"),
        (4, 3, "{'NORM': 100.0}"),
        (5, 9, "{'PVC': 0.0}"),
        (6, 9, "{'NORM': 80.0}"),
    ]
    pd.DataFrame(
        {
            "ecg_id": [r[0] for r in rows],
            "strat_fold": [r[1] for r in rows],
            "scp_codes": [r[2] for r in rows],
            "age": [50.0, 61.0, None, 70.0, 300.0, 33.0],
            "sex": [0, 1, 1, 0, 0, 1],
            "heart_axis": ["MID", "LAD", None, "MID", None, "MID"],
            "infarction_stadium1": [None, "Stadium III", None, None, None, None],
            "infarction_stadium2": None,
            "filename_lr": [f"records100/00000/{r[0]:05d}_lr" for r in rows],
            "filename_hr": [f"records500/00000/{r[0]:05d}_hr" for r in rows],
        }
    ).to_csv(tmp_path / "ptbxl_database.csv", index=False)
    _write(tmp_path, "records500/00000/00001_hr", _twelve_leads(500, 1), 500)
    _write(tmp_path, "records100/00000/00002_lr", _twelve_leads(100, 2), 100)
    _write(tmp_path, "records100/00000/00003_lr", _twelve_leads(100, 3), 100)
    _write(tmp_path, "records500/00000/00003_hr", _twelve_leads(500, 3), 500)
    _write(tmp_path, "records100/00000/00006_lr", _twelve_leads(100, 6), 100)
    scaled = _twelve_leads(100, 5)
    _write(tmp_path, "records100-normalized/00000/00005_nr", scaled / scaled.std(1, keepdims=True), 100, "SD")
    return tmp_path
