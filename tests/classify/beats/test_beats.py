from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from classify.beats.beats import WEIGHTS, load_network, name_peaks, read_beats
from classify.measure.peaks import find_r_peaks
from classify.records.beats import CLASSES, NOT_READ, Beat, Beats
from classify.records.segments import StripSegment


def with_premature(rhythm: np.ndarray, at_s: float, next_s: float, fs: int = 500) -> np.ndarray:
    """Put a broad and tall beat with a discordant T wave before the next beat, which is left out: the pause."""
    clock = np.arange(len(rhythm)) / fs
    kept = np.clip(np.maximum((at_s - 0.05 - clock) / 0.1, (clock - next_s - 0.35) / 0.1), 0, 1)
    broad = 2.2 * np.exp(-(((clock - at_s) / 0.055) ** 2)) - 0.7 * np.exp(-(((clock - at_s - 0.28) / 0.08) ** 2))
    return (kept * rhythm + broad).astype(np.float32)


def test_every_beat_of_a_sinus_rhythm_is_normal(ecg):
    found = read_beats([StripSegment("II", ecg(70))], 500)
    assert found.lead == "II" and found.segment == 0 and found.reason is None
    assert len(found.beats) in (11, 12)
    assert {beat.kind for beat in found.beats} == {"N"}
    assert found.weights_version == load_network()[1]
    for beat in found.beats:
        assert beat.time_s == beat.sample / 500
        assert beat.probability == beat.probabilities[beat.kind] == max(beat.probabilities.values())
        assert tuple(beat.probabilities) == CLASSES
        assert sum(beat.probabilities.values()) == pytest.approx(1)


def test_a_broad_premature_beat_is_ventricular(ecg):
    signal = ecg(60)
    peaks = find_r_peaks(signal, 500)
    at = (peaks[4] + 0.58 * (peaks[5] - peaks[4])) / 500
    found = read_beats([StripSegment("II", with_premature(signal, at, peaks[5] / 500))], 500)
    strange = [beat for beat in found.beats if beat.kind != "N"]
    assert [beat.kind for beat in strange] == ["V"]
    assert strange[0].time_s == pytest.approx(at, abs=0.05)
    assert found.summary() == f"1 of {len(found.beats)} beats ventricular ectopic in lead II"


def test_the_strip_that_shows_most_is_read(ecg):
    gappy = ecg(80)
    gappy[1000:4000] = np.nan
    found = read_beats(
        [StripSegment("I", ecg(60, 2.5)), StripSegment("II", gappy), StripSegment("V1", ecg(70, 8))], 500
    )
    assert found.lead == "V1" and found.segment == 2


def test_no_beat_stands_in_a_gap(ecg):
    signal = ecg(70)
    signal[2000:2600] = np.nan
    found = read_beats([StripSegment("II", signal)], 500)
    assert len(found.beats) >= 9
    assert np.isfinite(signal[[beat.sample for beat in found.beats]]).all()


def test_a_short_strip_is_read(ecg):
    assert len(read_beats([StripSegment("V5", ecg(70, 2.5))], 500).beats) in (2, 3)


@pytest.mark.parametrize(
    ("pieces", "reason"),
    [
        ([], "no strip was traced"),
        ([StripSegment("II", np.full(5000, np.nan, np.float32))], "lead II shows 0.0 s; beats are named from 2 s on"),
        ([StripSegment("aVF", np.zeros(900, np.float32))], "lead aVF shows 1.8 s; beats are named from 2 s on"),
        ([StripSegment("II", np.zeros(5000, np.float32))], "lead II has no R peak"),
    ],
)
def test_no_beats_have_a_reason(pieces, reason):
    found = read_beats(pieces, 500)
    assert found.beats == () and found.reason == reason
    assert found.summary() == f"No beats: {reason}"


def test_long_strips_are_read_in_windows_of_ten_seconds(ecg):
    rhythm = np.tile(ecg(60)[:5000], 3)
    peaks = find_r_peaks(rhythm, 500)
    network = load_network()[0]
    named = name_peaks(rhythm, 500, peaks, network)
    assert named.shape == (len(peaks), len(CLASSES))
    middle = (peaks >= 6250) & (peaks < 8750)
    inside = (peaks >= 5000) & (peaks < 10000)
    alone = name_peaks(rhythm[5000:10000], 500, peaks[inside] - 5000, network)
    np.testing.assert_allclose(named[middle], alone[middle[inside]], atol=1e-6)


def test_summary():
    def beats(kinds: str) -> Beats:
        return Beats(tuple(Beat(0.0, 0, kind, 1.0, {}) for kind in kinds), "V1", 0, "")

    assert beats("NNN").summary() == "3 beats, none of them ectopic in lead V1"
    assert beats("NVSV").summary() == (
        "1 of 4 beats supraventricular ectopic, 2 of 4 beats ventricular ectopic in lead V1"
    )
    assert NOT_READ.summary() == "No beats: the beats were not read"


def test_weights_are_small_and_their_record_says_where_they_come_from():
    assert WEIGHTS.stat().st_size <= 1e6
    record = json.loads(WEIGHTS.with_suffix(".json").read_text())
    assert tuple(record["classes"]) == CLASSES
    held_out = [name for names in record["folds"] for name in names]
    assert sorted(held_out) == sorted(record["data"]["records"]) and len(held_out) == 22
    assert record["figures"]["beats"]["f1"] > 0.995
    assert record["figures"]["classes"]["V"]["f1"] > 0.8


def test_other_classes(tmp_path):
    for suffix in (".safetensors", ".json"):
        shutil.copy(WEIGHTS.with_suffix(suffix), tmp_path)
    copy = tmp_path / WEIGHTS.name
    record = json.loads(copy.with_suffix(".json").read_text())
    copy.with_suffix(".json").write_text(json.dumps({**record, "classes": ["N", "V"]}))
    with pytest.raises(ValueError, match="classes N, V; this code's are N, S, V, F, Q"):
        load_network(copy)


def test_weights_of_another_network(tmp_path):
    from safetensors.torch import load, save

    from digitize.records.weights import hash_of

    state = load(WEIGHTS.read_bytes())
    del state["members.0.name.1.bias"]
    content = save(state)
    path = tmp_path / "beats.safetensors"
    path.write_bytes(content)
    path.with_suffix(".json").write_text(json.dumps({**hash_of(content), "members": 1, "classes": list(CLASSES)}))
    with pytest.raises(ValueError, match=r"beats\.safetensors: of another network"):
        load_network(path)
