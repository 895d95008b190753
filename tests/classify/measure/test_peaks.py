from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classify.measure.peaks import find_r_peaks


def beat_train(times, seconds: float, fs: int, t_wave: float = 0.3) -> np.ndarray:
    """Millivolts with a P wave, a QRS complex and a T wave at each time."""
    clock = np.arange(round(seconds * fs)) / fs
    signal = np.zeros_like(clock)
    for at in times:
        for height, away, width in ((0.12, -0.16, 0.025), (1.0, 0.0, 0.012), (-0.2, 0.03, 0.012), (t_wave, 0.28, 0.05)):
            signal += height * np.exp(-(((clock - at - away) / width) ** 2))
    return signal.astype(np.float32)


@pytest.mark.parametrize("fs", [100, 250, 360, 500])
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("seconds", [2.5, 10])
def test_every_beat_is_found_where_it_is(fs, sign, seconds):
    times = np.arange(0.5, seconds - 0.2, 0.8)
    peaks = find_r_peaks(sign * beat_train(times, seconds, fs), fs)
    assert len(peaks) == len(times)
    assert np.abs(peaks / fs - times).max() < 0.02


@settings(max_examples=30, deadline=None)
@given(
    intervals=st.lists(st.floats(0.45, 1.6), min_size=6, max_size=14),
    gain=st.floats(0.2, 4),
    offset=st.floats(-3, 3),
)
def test_gain_and_offset_change_nothing(intervals, gain, offset):
    times = 0.5 + np.cumsum(intervals) - intervals[0]
    signal = beat_train(times, times[-1] + 0.6, 250)
    peaks = find_r_peaks(gain * signal + np.float32(offset), 250)
    assert len(peaks) == len(times)
    assert np.abs(peaks / 250 - times).max() < 0.02


def test_a_tall_t_wave_is_no_beat():
    times = np.arange(0.5, 9.5, 1.0)
    assert len(find_r_peaks(beat_train(times, 10, 500, t_wave=0.9), 500)) == len(times)


def test_small_beats_between_giants_are_found():
    times = np.arange(0.5, 9.6, 0.7)
    signal = beat_train(times, 10, 500)
    signal += 4 * beat_train(times[[3, 9]], 10, 500, t_wave=-0.5)
    assert len(find_r_peaks(signal, 500)) == len(times)


def test_wander_and_noise_are_borne():
    rng = np.random.default_rng(0)
    times = np.arange(0.4, 9.8, 0.75)
    wander = np.sin(2 * np.pi * 0.3 * np.arange(5000) / 500)
    signal = beat_train(times, 10, 500) + wander + rng.normal(0, 0.05, 5000)
    peaks = find_r_peaks(signal, 500)
    assert len(peaks) == len(times) and np.abs(peaks / 500 - times).max() < 0.02


def test_no_peak_lies_in_a_gap():
    signal = beat_train(np.arange(0.5, 9.6, 0.8), 10, 500)
    signal[600:1100] = np.nan
    before = signal.copy()
    peaks = find_r_peaks(signal, 500)
    assert not ((peaks >= 600) & (peaks < 1100)).any()
    assert len(peaks) >= 9
    assert np.array_equal(signal, before, equal_nan=True)


@pytest.mark.parametrize(
    "signal",
    [
        np.zeros(0),
        np.zeros(5000),
        np.full(5000, np.nan),
        np.full(100, 2.0),
        np.random.default_rng(1).normal(0, 0.002, 5000),
        np.where(np.arange(500) < 40, 1.0, np.nan),
    ],
)
def test_what_is_flat_hidden_or_short_has_no_beats(signal):
    assert find_r_peaks(signal.astype(np.float32), 500).tolist() == []


@settings(max_examples=40, deadline=None)
@given(n=st.integers(0, 700), seed=st.integers(0, 999), fs=st.sampled_from([60, 100, 500]))
def test_any_length_can_be_read(n, seed, fs):
    rng = np.random.default_rng(seed)
    signal = rng.normal(0, 1, n).astype(np.float32)
    signal[rng.random(n) < 0.3] = np.nan
    peaks = find_r_peaks(signal, fs)
    assert (np.diff(peaks) > 0).all() and np.isfinite(signal[peaks]).all()


def test_a_strip_of_one_second_shows_its_beat():
    assert len(find_r_peaks(beat_train([0.5], 1, 500), 500)) == 1


def test_a_rate_that_cannot_hold_a_qrs_complex():
    with pytest.raises(ValueError, match="fs is 50 Hz; allowed: 60"):
        find_r_peaks(np.zeros(500, np.float32), 50)
