from __future__ import annotations

import json

import numpy as np
import pytest

from classify.records.measurements import not_measured
from digitize.records.layouts import LEAD_NAMES
from papertrace.benchmarks import measurements
from papertrace.benchmarks.measurements import NAMES, QUESTIONS, differences, strips_of, tell, values_of
from papertrace.datasets.ptbxl import data_folder
from papertrace.metrics.scores import Interval
from tests.measured import MEASURED


def question(title: str):
    return next(question for question in QUESTIONS if question.title.startswith(title))


def values(**of: list[float]) -> np.ndarray:
    rows = np.full((len(next(iter(of.values()))), len(NAMES)), np.nan)
    for name, column in of.items():
        rows[:, NAMES.index(name)] = column
    return rows


def test_strips_stand_at_their_times():
    signal = np.arange(12)[:, None] * 10_000 + np.arange(5000)[None]
    strips = strips_of(signal.astype(np.float32), "3x4+II")
    assert [strip.lead for strip in strips[:4]] == ["I", "aVR", "V1", "V4"]
    for strip in strips:
        assert strip.signal[0] == LEAD_NAMES.index(strip.lead) * 10_000 + strip.start * 500
    assert (strips[-1].lead, strips[-1].start, len(strips[-1].signal)) == ("II", 0.0, 5000)


def test_absent_values_are_nan():
    rows = values_of([MEASURED, not_measured("too short"), None])
    assert rows.shape == (3, len(NAMES))
    assert rows[0, NAMES.index("pr")] == 162.0 and np.isnan(rows[0, NAMES.index("axis")])
    assert np.isnan(rows[1:]).all()


def test_a_measurement_that_tells_and_one_that_does_not():
    codes = [frozenset({"1AVB"})] * 5 + [frozenset({"SR"})] * 20 + [frozenset({"AFIB"})] * 5
    pr = [220.0] * 5 + [160.0] * 20 + [300.0] * 5
    asked = question("PR")
    assert tell(asked, values(pr=pr), codes).value == 1.0, "fibrillation is not asked about"
    assert tell(asked, values(pr=[160.0] * 30), codes).value == 0.5
    assert tell(asked, values(pr=[np.nan] * 5 + pr[5:]), codes) is None
    slow = [frozenset({"SBRAD"})] * 5 + [frozenset()] * 25
    assert tell(question("heart rate, sinus brady"), values(heart_rate=[50.0] * 5 + [70.0] * 25), slow).value == 1.0


def test_the_further_left_the_more_it_is_left_axis_deviation():
    asked = question("axis")
    codes = [frozenset({"LAD"})] * 3 + [frozenset({"MID"})] * 3 + [frozenset({"RAD"})]
    assert tell(asked, values(axis=[-40.0, -100.0, 170.0 + 30 - 360, 60.0, 45.0, 100.0, -60.0]), codes).value == 1.0
    assert tell(asked, values(axis=[60.0, 45.0, 100.0, -40.0, -100.0, -60.0, 0.0]), codes).value == 0.0


def test_differences_are_paired():
    signal = values(pr=[160.0, 180.0, np.nan, 200.0], axis=[175.0, 0.0, 10.0, 20.0])
    page = values(pr=[164.0, np.nan, 150.0, 190.0], axis=[-175.0, 0.0, 10.0, 20.0])
    found = differences(page, signal)
    assert found["pr"] == {
        "both": 2,
        "median": -3.0,
        "typical": 7.0,
        "worst": pytest.approx(9.7),
        "page": 0.75,
        "signal": 0.75,
    }
    assert found["axis"]["worst"] < 10, "over the half turn"
    assert found["qrs"]["both"] == 0 and np.isnan(found["qrs"]["median"])


@pytest.mark.skipif(not (data_folder() / "ptbxl_database.csv").is_file(), reason="PTB-XL is not beside the repository")
def test_the_command_writes_its_files(tmp_path, monkeypatch):
    """On a handful of records, and with pages whose measurements are known."""
    load = measurements.load_records

    def few(folder, folds):
        records = load(folder, folds)
        return records.take(np.isin(np.arange(len(records)), np.flatnonzero(records.millivolts)[:12]))

    monkeypatch.setattr(measurements, "load_records", few)
    monkeypatch.setattr(measurements, "read_500", lambda path: np.zeros((12, 5000), np.float32))
    monkeypatch.setattr(measurements, "measure", lambda strips, fs: MEASURED)
    monkeypatch.setattr(measurements, "measure_pages", lambda records: [MEASURED, None][: len(records)])
    monkeypatch.setattr(measurements, "bootstrap", lambda measure, n, seed: exactly(measure, n))
    measurements.main(["--out", str(tmp_path), "--pages", "2"])
    result = json.loads((tmp_path / "measurements.json").read_text())
    assert result["paper"]["pr"]["median"] == 0 and result["failures"] == 1
    text = (tmp_path / "measurements.md").read_text()
    assert "| pr | 50% | 100% | 1 | 0.0 ms | 0.0 ms | 0.0 ms |" in text
    assert "| qrs | 92, 92, 92 | 92, 92, 92 | 69 to 109 |" in text


def exactly(measure, n):
    """Stands in for the bootstrap, which would take longer than the rest."""
    value = float(measure(np.arange(n))[0])
    return [Interval(value, value, value)]
