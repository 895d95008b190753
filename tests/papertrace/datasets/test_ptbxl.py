from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from classify.statements import CODES
from papertrace.datasets.ptbxl import data_folder, load_ptbxl, read_500, restore_limb_ratios


def test_records_whose_files_exist(folder):
    records = load_ptbxl(folder, tuple(range(1, 11)))
    assert records.ids.tolist() == [1, 2, 3, 5, 6]
    assert records.folds.tolist() == [1, 3, 8, 9, 9]
    assert records.signals.shape == (5, 12, 1000) and records.signals.dtype == np.float32
    assert records.millivolts.tolist() == [True, True, True, False, True]
    assert [path is not None for path in records.paths_500] == [True, False, True, False, False]
    assert records.codes[1] == {"IMI": 0.0, "INJAS": 50.0, "AFIB": 0.0}


def test_signals_are_in_millivolts_and_in_time(folder, twelve_leads):
    records = load_ptbxl(folder, (1, 3))
    for signal, seed in zip(records.signals, (1, 2), strict=True):
        assert np.abs(signal - twelve_leads(100, seed))[:, 20:-20].max() < 0.01


def test_labels_count_every_likelihood(folder):
    records = load_ptbxl(folder, tuple(range(1, 11)))
    true = [{code for code, value in zip(CODES, row, strict=True) if value} for row in records.labels]
    infarction = {"MI", "AMI (subclass)", "IMI (subclass)", "IMI", "Acute MI"}
    assert true == [
        {"NORM", "SR"},
        {*infarction, "AFIB", "AFIB/AFL"},
        {"HYP", "LVH", "CD", "CLBBB"},
        {"PVC"},
        {"NORM"},
    ]


def test_people(folder):
    records = load_ptbxl(folder, tuple(range(1, 11)))
    assert np.array_equal(records.ages, [50, 61, np.nan, np.nan, 33], equal_nan=True)
    assert records.women.tolist() == [False, True, True, False, True]
    assert records.axes == ("MID", "LAD", None, None, "MID")


def test_normalized_limb_leads_fit_each_other_again(folder):
    signal = load_ptbxl(folder, (9,)).signals[0]
    i, ii, iii, avr, avl, avf = signal[:6]
    for residual in (i - ii + iii, avr + (i + ii) / 2, avl - (i - iii) / 2, avf - (ii + iii) / 2):
        assert np.abs(residual).max() < 0.01
    assert np.allclose(signal[6:].std(1), 1, atol=0.01)


def test_flat_lead_is_left_alone(twelve_leads):
    signal = twelve_leads(100, 0)
    signal[:6] = 0
    assert np.isfinite(restore_limb_ratios(signal)).all()


def test_take(folder):
    records = load_ptbxl(folder, tuple(range(1, 11)))
    taken = records.take(records.millivolts & (records.folds != 3))
    assert taken.ids.tolist() == [1, 3, 6] and len(taken) == 3
    assert taken.codes == (records.codes[0], records.codes[2], records.codes[4])
    assert np.array_equal(taken.labels, records.labels[[0, 2, 4]])
    assert taken.women.tolist() == [False, True, True] and taken.axes == ("MID", None, "MID")


def test_500_hz(folder, twelve_leads):
    (path,) = load_ptbxl(folder, (8,)).paths_500
    assert np.abs(read_500(path) - twelve_leads(500, 3)).max() < 0.001
    with pytest.raises(ValueError, match="sampled at 100 Hz; allowed: 500"):
        read_500(folder / "records100/00000/00002_lr")


def test_lead_missing(folder):
    path = folder / "records100/00000/00002_lr.hea"
    path.write_text(path.read_text().replace(" V6", " V7"))
    with pytest.raises(ValueError, match="00002_lr: lead V6 is missing"):
        load_ptbxl(folder, (3,))


def test_wrong_folder(tmp_path, folder):
    with pytest.raises(FileNotFoundError, match=r"ptbxl_database\.csv: no such file"):
        load_ptbxl(tmp_path / "elsewhere", (1,))
    with pytest.raises(ValueError, match="no record of folds 10 has its files there"):
        load_ptbxl(folder, (10,))


def test_data_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("PAPERTRACE_DATA", str(tmp_path))
    assert data_folder() == tmp_path / "ptb-xl"


def test_real_records():
    if not (data_folder() / "ptbxl_database.csv").is_file():
        pytest.skip(f"PTB-XL is not at {data_folder()}; set PAPERTRACE_DATA")
    table = pd.read_csv(data_folder() / "ptbxl_database.csv").query("strat_fold == 9")
    assert len(table) > 2000
    path = next(data_folder() / name for name in table.filename_hr if (data_folder() / f"{name}.hea").is_file())
    signal = read_500(path)
    assert signal.shape == (12, 5000)
    assert np.abs(signal[0] - signal[1] + signal[2]).max() < 0.01
