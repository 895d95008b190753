from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classify.measure.average import AFTER_S, BEFORE_S, average_beat, usual_beats
from classify.records.segments import StripSegment

FS = 500
TIME = np.arange(10 * FS) / FS
BEATS = np.arange(0.7, 9.5, 0.8)


def train(times: np.ndarray, width: float = 0.02, height: float = 1.0) -> np.ndarray:
    """One narrow wave a beat with a broad one behind it."""
    shape = sum(
        height * np.exp(-(((TIME - at) / width) ** 2)) + 0.3 * np.exp(-(((TIME - at - 0.25) / 0.05) ** 2))
        for at in times
    )
    return np.asarray(shape, np.float32)


def test_noise_goes_and_the_beat_stays():
    clean = train(BEATS)
    noisy = clean + 0.1 * np.random.default_rng(0).normal(size=len(clean)).astype("f4")
    one, many = (
        average_beat([StripSegment("II", noisy)], times, FS).signal[0, 150:525] for times in (BEATS[3:4], BEATS)
    )
    truth = average_beat([StripSegment("II", clean)], BEATS, FS).signal[0, 150:525]
    errors = [np.std(beat - truth) for beat in (one, many)]
    assert errors[1] < 0.5 * errors[0]


def test_strips_at_their_times():
    """A column in the page's middle shows the beats of its own time."""
    clean = train(BEATS)
    strips = [StripSegment("V1", -clean[2500:3750], 5.0), StripSegment("II", clean)]
    beat = average_beat(strips, BEATS, FS)
    assert beat.leads == ("V1", "II")
    assert beat.counts.tolist() == [3, len(BEATS)]
    assert beat.signal.shape == (2, round((BEFORE_S + AFTER_S) * FS))
    seen = slice(beat.peak - 100, beat.peak + 200)
    assert np.allclose(-beat.signal[0, seen], beat.signal[1, seen], atol=0.05)


def test_of_a_lead_printed_twice_the_longer_strip_is_averaged():
    clean = train(BEATS)
    for strips in ([clean[:1250], clean], [clean, clean[:1250]]):
        beat = average_beat([StripSegment("II", signal) for signal in strips], BEATS, FS)
        assert beat.counts.tolist() == [len(BEATS)]


def test_gaps_are_filled_by_other_beats():
    gappy = train(BEATS)
    gappy[round(BEATS[2] * FS) + 40 : round(BEATS[2] * FS) + 150] = np.nan
    gappy[round(BEATS[5] * FS) - 30 : round(BEATS[5] * FS) + 30] = np.nan
    before = gappy.copy()
    beat = average_beat([StripSegment("II", gappy)], BEATS, FS)
    assert np.array_equal(gappy, before, equal_nan=True)
    assert beat.counts.tolist() == [len(BEATS) - 1], "a beat without its R peak is none"
    assert np.isfinite(beat.signal).all()
    whole = average_beat([StripSegment("II", train(BEATS))], BEATS, FS)
    assert np.abs(beat.signal - whole.signal).max() < 0.05


def test_no_beats_at_all():
    beat = average_beat([StripSegment("II", train(BEATS))], np.empty(0), FS)
    assert beat.leads == () and beat.signal.shape == (0, 575)
    assert usual_beats(StripSegment("II", train(BEATS)), np.empty(0), FS).shape == (0,)


def test_other_and_early_beats_are_not_usual():
    times = np.array([0.7, 1.5, 2.3, 2.8, 3.9, 4.7, 5.5, 6.3, 7.1])
    wave = train(np.delete(times, 6)) - train(times[6:7], width=0.08, height=2)
    usual = usual_beats(StripSegment("II", wave), times, FS)
    assert np.flatnonzero(~usual).tolist() == [3, 6]


@settings(max_examples=25, deadline=None)
@given(st.floats(-3, 3), st.floats(0.2, 5), st.integers(0, 2**16))
def test_neither_offset_nor_gain_decide(offset, gain, seed):
    """Where 0 mV lies, and the gain, say nothing about beats being alike."""
    wave = train(BEATS) + 0.02 * np.random.default_rng(seed).normal(size=5000)
    strips = [StripSegment("II", signal) for signal in (wave, gain * wave + offset)]
    assert np.array_equal(*(usual_beats(strip, BEATS, FS) for strip in strips))
    first, second = (average_beat([strip], BEATS, FS).signal for strip in strips)
    assert np.allclose(gain * first, second, atol=1e-6)


@pytest.mark.parametrize("fs", [200, 1000])
def test_other_frequencies(fs):
    time = np.arange(10 * fs) / fs
    wave = sum(np.exp(-(((time - at) / 0.02) ** 2)) for at in BEATS)
    beat = average_beat([StripSegment("II", wave)], BEATS, fs)
    assert beat.signal[0].argmax() == beat.peak == round(BEFORE_S * fs)
