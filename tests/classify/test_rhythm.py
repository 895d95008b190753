from __future__ import annotations

import numpy as np
import pytest

from classify.rhythm import measure_rhythm
from classify.view import Piece


@pytest.mark.parametrize("heart_rate", [60, 120])
@pytest.mark.parametrize("sign", [1, -1])
def test_heart_rate_of_a_simulated_recording(heart_rate, sign, ecg):
    rhythm = measure_rhythm([Piece("II", sign * ecg(heart_rate))], 500)
    assert rhythm.heart_rate == pytest.approx(heart_rate, abs=3)
    assert rhythm.rr_variation is not None and rhythm.rr_variation < 0.05
    assert rhythm.lead == "II" and rhythm.reason is None


def test_the_longest_strip_is_read(ecg):
    rhythm = measure_rhythm([Piece("I", ecg(60, 2.5)), Piece("V1", ecg(120))], 500)
    assert rhythm.lead == "V1"
    assert rhythm.heart_rate == pytest.approx(120, abs=3)


def test_a_long_strip_full_of_gaps_is_passed_over(ecg):
    gappy = ecg(120)
    gappy[np.arange(5000) % 500 < 100] = np.nan
    rhythm = measure_rhythm([Piece("II", gappy), Piece("V1", ecg(60, 5))], 500)
    assert rhythm.lead == "V1" and rhythm.heart_rate == pytest.approx(60, abs=3)


def test_irregular_beats_have_more_variation(ecg):
    beats = [ecg(60), ecg(120)]
    mixed = np.concatenate([beats[0][:2500], beats[1][:2500]])
    variation = measure_rhythm([Piece("II", mixed)], 500).rr_variation
    assert variation is not None and variation > 0.2


def test_a_gap_shortens_the_strip_but_not_the_rate(ecg):
    signal = ecg(60)
    signal[2000:2400] = np.nan
    signal[3000:3020] = np.nan
    before = signal.copy()
    rhythm = measure_rhythm([Piece("II", signal)], 500)
    assert rhythm.heart_rate == pytest.approx(60, abs=3)
    assert 4 <= rhythm.beats <= 6
    assert np.array_equal(signal, before, equal_nan=True)


@pytest.mark.parametrize(
    ("pieces", "reason"),
    [
        ([], "no strip was traced"),
        ([Piece("II", np.full(5000, np.nan, np.float32))], "shows 0.0 s in one piece"),
        ([Piece("II", np.zeros(5000, np.float32))], "has 0 R peaks in 10.0 s"),
        ([Piece("aVF", np.zeros(900, np.float32))], "lead aVF shows 1.8 s in one piece; a rate needs 2 s"),
    ],
)
def test_no_rate_has_a_reason(pieces, reason):
    rhythm = measure_rhythm(pieces, 500)
    assert rhythm.heart_rate is None and rhythm.rr_variation is None
    assert rhythm.reason is not None and reason in rhythm.reason
