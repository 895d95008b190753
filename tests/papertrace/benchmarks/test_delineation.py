from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from classify.measure.peaks import find_r_peaks
from classify.records.measurements import Measurement, not_measured
from papertrace.benchmarks import delineation
from papertrace.benchmarks.delineation import (
    Marked,
    beats_of,
    errors,
    judge_simulated,
    median_beats,
    truth_of,
    with_noise,
    without_pr_segments,
)
from papertrace.datasets.ptbxl import data_folder
from papertrace.synth.simulator import draw_heart, simulate
from tests.measured import MEASURED

FOLDER = data_folder().parent


def test_waves_belong_to_the_beat_that_they_stand_beside():
    samples = [5, 9, 14, 40, 45, 52, 90, 100, 110, 240, 245, 250]
    symbols = ["(", "p", ")", "(", "N", ")", "(", "t", ")", "(", "N", ")"]
    first, second = beats_of(samples, symbols)
    assert first.tolist() == [45, 5, 14, 40, 52, 110]
    assert second[[0, 3, 4]].tolist() == [245, 240, 250] and np.isnan(second[[1, 2, 5]]).all()
    assert beats_of([], []).shape == (0, 6)


def test_leads_are_taken_together_by_their_median():
    row = np.array([[45.0, 5, 14, 40, 52, np.nan]])
    found = {"I": row - 4, "II": row, "III": np.concatenate([row + 2, row + 400])}
    assert median_beats(found)[0, :4].tolist() == [5, 14, 40, 52]
    assert len(median_beats(found)) == 1


def known_heart(rate: int = 70) -> Marked:
    """A simulated heart with what it says itself; its beats are found by their R peaks in lead II."""
    heart, signal = draw_heart(rate, seed=1), simulate(6.0, 500, rate, seed=1).astype(np.float32)
    peaks = find_r_peaks(signal[1], 500)
    top = next(wave.top for wave in heart.waves if np.abs(wave.dipole).max() > 0.6)
    onset = peaks[1:-1] - top / 2
    p_end = heart.waves[1].end / 2
    beats = [[at - heart.pr / 2, at + p_end, at, at + heart.qrs / 2, at + heart.qt / 2] for at in onset]
    return Marked(signal, np.array(beats))


def test_the_truth_of_a_heart_that_is_known():
    heart, truth = draw_heart(70, seed=1), truth_of(known_heart())
    for name in ("pr", "qrs", "qt"):
        assert truth[name] == pytest.approx(getattr(heart, name), abs=0.1)
    assert truth["axis"] == pytest.approx(heart.axis, abs=3)


def test_what_is_not_marked_is_not_known():
    marked = known_heart()
    truth = truth_of(replace(marked, beats=np.full_like(marked.beats, np.nan)))
    assert np.isnan(list(truth.values())).all()


def test_a_cut_pr_segment_leaves_the_waves_as_they_are():
    marked = known_heart()
    cut = without_pr_segments(marked)
    before, after = truth_of(marked), truth_of(cut)
    gap = np.median(marked.beats[:, 2] - marked.beats[:, 1]) * 2
    assert before["pr"] - after["pr"] == pytest.approx(gap - 10, abs=2)
    assert (after["qrs"], after["qt"]) == pytest.approx((before["qrs"], before["qt"]), abs=1)
    assert after["axis"] == pytest.approx(before["axis"], abs=3)
    assert cut.signal.shape[1] < marked.signal.shape[1]


def test_noise_is_as_strong_as_asked():
    signal = simulate(4.0, 500, seed=2).astype(np.float32)
    noise = [np.random.default_rng(1).normal(size=(2, 9000)).astype(np.float32)]
    added = with_noise(signal, noise, 12, seed=3) - signal
    ratio = np.ptp(signal, axis=1) ** 2 / 8 / np.mean(added**2, axis=1)
    assert 10 * np.log10(ratio) == pytest.approx(np.full(12, 12.0), abs=0.01)


def test_errors_are_counted_where_both_are_known():
    axis = [Measurement(value, "degrees") for value in (170.0, 20.0, -140.0)]
    measured = [replace(MEASURED, axis=one) for one in axis] + [not_measured("-")]
    truths = [{"pr": 160.0, "qrs": np.nan, "qt": 380.0, "axis": value} for value in (-170.0, 60.0, 40.0, 0.0)]
    told = errors(measured, truths)
    assert (told["pr"]["n"], told["pr"]["asked"], told["pr"]["mean"]["value"]) == (3, 4, 2.0)
    assert told["qrs"] == {"n": 0, "asked": 0, "mean": None, "sd": None}
    assert (told["axis"]["n"], told["axis"]["within_30"], told["axis"]["beyond_90"]) == (3, 1, 1)


def test_simulated_hearts_are_judged_by_their_own_intervals():
    told = judge_simulated(rates=(80,), seeds=2)["80/min"]
    assert told["axis"]["within_30"] == 2 and abs(told["qrs"]["mean"]["value"]) < 12


@pytest.mark.skipif(not (FOLDER / "ludb").is_dir(), reason="LUDB is not beside the repository")
def test_the_command_writes_its_files(tmp_path, monkeypatch):
    """On the first records that there are."""
    read, count = delineation.read_marked, iter(range(1000))
    monkeypatch.setattr(delineation, "SEEDS", 1)
    monkeypatch.setattr(delineation, "judge_simulated", lambda: judge_simulated((70,), 1))
    monkeypatch.setattr(delineation, "read_marked", lambda path: read(path) if next(count) < 3 else None)
    judge = delineation.judge_marked
    monkeypatch.setattr(delineation, "judge_marked", lambda records, noises: judge(records[:3], noises))
    delineation.main(["--out", str(tmp_path)])
    told = json.loads((tmp_path / "delineation.json").read_text())["ludb"]["as recorded"]
    assert told["axis"]["n"] == told["axis"]["within_30"] == 3
    assert "| as recorded |" in (tmp_path / "delineation.md").read_text()


def test_a_folder_without_records_is_named(tmp_path, capsys):
    with pytest.raises(SystemExit):
        delineation.main(["--data", str(tmp_path)])
    assert "holds no records" in capsys.readouterr().err
