from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitize.layout.timing import columns_are_simultaneous, time_passes_in_white

FS = 500
SECONDS = 2.5


def record(seed: int) -> np.ndarray:
    """Ten seconds of irregular beats."""
    rng = np.random.default_rng(seed)
    time = np.arange(10 * FS) / FS
    beats = 0.2 + np.cumsum(rng.uniform(0.55, 1.1, 16))
    return (np.exp(-0.5 * ((time[:, None] - beats) / 0.012) ** 2)).sum(axis=1).astype(np.float32)


def strips(signal: np.ndarray, together: bool, sign: float = 1.0) -> list[tuple[float, np.ndarray]]:
    n = int(SECONDS * FS)
    offsets = [SECONDS, 2 * SECONDS, 3 * SECONDS]
    return [
        (offset, sign * (signal[:n] if together else signal[int(offset * FS) : int(offset * FS) + n]))
        for offset in offsets
    ]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), together=st.booleans(), sign=st.sampled_from([1.0, -0.4]), noise=st.floats(0, 0.02))
def test_beats_tell(seed, together, sign, noise):
    """Whatever the lead's polarity and size."""
    signal = record(seed)
    rhythm = signal + np.random.default_rng(seed).normal(0, noise, len(signal)).astype(np.float32)
    assert columns_are_simultaneous([], strips(signal, together, sign), [rhythm], FS) is together


def test_hidden_stretches_do_not_matter():
    signal = record(3)
    rhythm = signal.copy()
    rhythm[600:650] = rhythm[3000:3100] = np.nan
    assert columns_are_simultaneous([], strips(signal, False), [rhythm], FS) is False
    assert columns_are_simultaneous([], strips(signal, True), [rhythm], FS) is True


def test_several_rhythm_strips_vote():
    signal = record(4)
    flat = np.zeros_like(signal)
    assert columns_are_simultaneous([], strips(signal, True), [flat, signal], FS) is True


@pytest.mark.parametrize("rhythm", [[], [np.zeros(5000, np.float32)], [np.full(5000, np.nan, np.float32)]])
def test_nothing_to_compare_with(rhythm):
    assert columns_are_simultaneous([], strips(record(5), False), rhythm, FS) is None


def test_no_later_columns():
    assert columns_are_simultaneous([], [], [record(6)], FS) is None


def test_a_rhythm_strip_that_is_too_short_to_reach_a_column():
    signal = record(7)
    assert columns_are_simultaneous([], strips(signal, False), [signal[:1500]], FS) is None


def columns_of(signal: np.ndarray, together: bool) -> list[list[np.ndarray]]:
    n = int(SECONDS * FS)
    starts = [0 if together else k * n for k in range(4)]
    return [[signal[start : start + n], -0.5 * signal[start : start + n]] for start in starts]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("together", [True, False])
def test_columns_tell_without_a_rhythm_strip(seed, together):
    signal = record(seed)
    columns = columns_of(signal, together)
    assert columns_are_simultaneous(columns, strips(signal, together), [], FS) is together


def test_columns_that_beat_differently_were_not_recorded_together():
    """Whatever a rhythm strip on bent paper seems to say."""
    signal = record(7)
    later = strips(signal, True)
    assert columns_are_simultaneous(columns_of(signal, True), later, [signal], FS) is True
    assert columns_are_simultaneous(columns_of(signal, False), later, [signal], FS) is False


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), passes=st.booleans(), white=st.floats(0.025, 0.08))
def test_beats_tell_whether_time_passes_in_white(seed, passes, white):
    signal = record(seed)
    strips = []
    for column in (1, 2, 3):
        without, within = column * (SECONDS - white), column * SECONDS
        start = round((within if passes else without) * FS)
        strips.append((without, within, -signal[start : start + round((SECONDS - white) * FS)]))
    assert time_passes_in_white(strips, [signal], FS) is passes


def test_no_rhythm_strip_tells_of_white():
    assert not time_passes_in_white([(2.4, 2.5, record(1)[1250:2450])], [], FS)
