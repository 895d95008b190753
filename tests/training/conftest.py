from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import wfdb

from digitize.layouts import LEAD_NAMES


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
    """Write a small PTB-XL: one record's files are missing, one is normalised, one is there at both frequencies."""
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
            "filename_lr": [f"records100/00000/{r[0]:05d}_lr" for r in rows],
            "filename_hr": [f"records500/00000/{r[0]:05d}_hr" for r in rows],
        }
    ).to_csv(tmp_path / "ptbxl_database.csv", index=False)
    pd.DataFrame(
        {"diagnostic_class": ["NORM", "MI", "MI", "HYP", "CD", None, None, None]},
        index=["NORM", "IMI", "INJAS", "LVH", "CLBBB", "AFIB", "SR", "PVC"],
    ).to_csv(tmp_path / "scp_statements.csv")
    _write(tmp_path, "records500/00000/00001_hr", _twelve_leads(500, 1), 500)
    _write(tmp_path, "records100/00000/00002_lr", _twelve_leads(100, 2), 100)
    _write(tmp_path, "records100/00000/00003_lr", _twelve_leads(100, 3), 100)
    _write(tmp_path, "records500/00000/00003_hr", _twelve_leads(500, 3), 500)
    _write(tmp_path, "records100/00000/00006_lr", _twelve_leads(100, 6), 100)
    scaled = _twelve_leads(100, 5)
    _write(tmp_path, "records100-normalised/00000/00005_nr", scaled / scaled.std(1, keepdims=True), 100, "SD")
    return tmp_path
