from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classify.beats.inputs import AFTER, BEFORE, CHANNELS, FEATURES, FS, inputs_from_strip

NARROW, BROAD = 0.012, 0.05


def strip(times, seconds: float = 10, fs: int = 500, broad: tuple[int, ...] = ()) -> np.ndarray:
    """Millivolts with a narrow peak at each time, or a broad one that points down."""
    clock = np.arange(round(seconds * fs)) / fs
    signal = np.zeros_like(clock)
    for number, at in enumerate(times):
        height, width = (-1.5, BROAD) if number in broad else (1.0, NARROW)
        signal += height * np.exp(-(((clock - at) / width) ** 2))
    return signal.astype(np.float32)


TIMES = np.arange(0.6, 9.5, 0.8)
PEAKS = np.round(TIMES * 500).astype(np.int64)


def test_a_regular_strip():
    view = inputs_from_strip(strip(TIMES), 500, PEAKS)
    assert view.windows.shape == (len(TIMES), CHANNELS, BEFORE + AFTER) and view.windows.dtype == np.float32
    assert view.features.shape == (len(TIMES), FEATURES) and view.features.dtype == np.float32
    beats, usual, seen = view.windows.transpose(1, 0, 2)
    assert (np.abs(beats - usual)[:, BEFORE - 20 : BEFORE + 20] < 0.1).all()
    assert (beats.argmax(axis=1) == BEFORE).all()
    assert np.abs(np.ptp(beats[1:-1], axis=1) - 1).max() < 0.1
    assert seen.all()
    assert np.abs(view.features[1:-1, :4]).max() < 0.02
    assert (view.features[1:-1, 4:7] == 1).all()
    assert (view.features[:, 8] > 0.99).all() and (view.features[:, 10] == 1).all()


def test_a_premature_beat_and_its_pause():
    times = TIMES.copy()
    times[5] -= 0.3
    view = inputs_from_strip(strip(times), 500, np.round(times * 500).astype(np.int64))
    before, after = view.features[5, :2]
    assert before == pytest.approx(np.log(0.5 / 0.8), abs=0.02)
    assert after == pytest.approx(np.log(1.1 / 0.8), abs=0.02)
    assert view.features[5, 2] == pytest.approx(before - after, abs=1e-6)


def test_a_broad_beat_is_unlike_the_usual_one():
    view = inputs_from_strip(strip(TIMES, broad=(4,)), 500, PEAKS)
    assert view.features[4, 8] < 0 < 0.9 < np.delete(view.features[:, 8], 4).min()
    assert view.features[4, 7] > 0.3, "its power is greater"
    assert view.windows[:, 1].argmax(axis=1).tolist() == [BEFORE] * len(TIMES), "the usual beat is a narrow one"


def test_first_and_last_interval_are_not_known():
    view = inputs_from_strip(strip(TIMES), 500, PEAKS)
    assert view.features[0, [0, 4]].tolist() == [0, 0] and view.features[0, 5] == 1
    assert view.features[-1, [1, 5]].tolist() == [0, 0] and view.features[-1, 4] == 1


def test_an_interval_with_a_gap_in_it_is_not_known():
    signal = strip(TIMES)
    signal[PEAKS[5] + 80 : PEAKS[6] - 80] = np.nan
    before = signal.copy()
    view = inputs_from_strip(signal, 500, PEAKS)
    assert view.features[5, 5] == view.features[6, 4] == 0
    assert view.features[5, 4] == view.features[6, 5] == 1
    assert not view.windows[5, 2].all() and np.isfinite(view.windows).all()
    assert (view.windows[5, 0][view.windows[5, 2] == 0] == 0).all()
    assert np.array_equal(signal, before, equal_nan=True)


def test_one_beat_alone():
    view = inputs_from_strip(strip([0.5], seconds=1), 500, np.array([250]))
    assert view.windows.shape[0] == 1 and (view.features[0, :7] == 0).all()
    assert np.isfinite(view.features).all()


@settings(max_examples=25, deadline=None)
@given(gain=st.floats(0.3, 5), offset=st.floats(-2, 2), fs=st.sampled_from([FS, 250, 360, 500]))
def test_gain_offset_and_rate_hardly_change_it(gain, offset, fs):
    usual = inputs_from_strip(strip(TIMES), 500, PEAKS)
    signal = (gain * strip(TIMES, fs=fs) + offset).astype(np.float32)
    view = inputs_from_strip(signal, fs, np.round(TIMES * fs).astype(np.int64))
    # At 125 Hz a narrow peak may stand between two samples.
    assert np.abs(view.features - usual.features).max() < 0.12
    assert np.abs(view.windows - usual.windows).max() < 0.35
