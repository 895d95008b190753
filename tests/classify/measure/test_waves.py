from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from classify.measure.average import AveragedBeat
from classify.measure.waves import find_p_onset, find_waves

FS = 500


def trapezium(time: np.ndarray, start: float, end: float, rise: float) -> np.ndarray:
    return np.clip(np.minimum(time - start, end - time) / rise, 0, 1)


def beat_of(
    qrs: float = 0.09, t_end: float = 0.36, pr: float = 0.16, noise: float = 0.0, leads: int = 12, fs: int = FS
) -> AveragedBeat:
    """A beat whose waves begin and end at known times; the R peak lies in the middle of the QRS complex."""
    time = np.arange(-round(0.5 * fs), round(0.65 * fs)) / fs
    shape = (
        0.12 * np.sin(np.pi * trapezium(time, -qrs / 2 - pr, -qrs / 2 - pr + 0.1, 0.1)) ** 2
        + 1.2 * np.sin(np.pi * np.clip((time + qrs / 2) / qrs, 0, 1) * 1.5) * trapezium(time, -qrs / 2, qrs / 2, 0.004)
        + 0.3 * np.exp(-(((time - t_end + 0.09) / 0.064) ** 2))
    )
    strengths = np.linspace(0.4, 1.4, leads) * np.where(np.arange(leads) % 4 == 3, -1, 1)
    signal = strengths[:, None] * shape + noise * np.random.default_rng(1).normal(size=(leads, len(time)))
    return AveragedBeat(tuple(f"lead {n}" for n in range(leads)), signal, np.full(leads, 8), fs)


@pytest.mark.parametrize("qrs", [0.08, 0.12, 0.16])
@pytest.mark.parametrize("noise", [0.0, 0.005])
def test_qrs_duration(qrs, noise):
    waves = find_waves(beat_of(qrs, t_end=0.42, noise=noise), rr=0.9)
    assert 1000 * (waves.qrs_end - waves.qrs_onset) == pytest.approx(1000 * qrs, abs=16)
    assert waves.leads == 12


@pytest.mark.parametrize("t_end", [0.3, 0.36, 0.45])
def test_t_end(t_end):
    waves = find_waves(beat_of(t_end=t_end, noise=0.004), rr=1.0)
    assert waves.t_end == pytest.approx(t_end, abs=0.02)


@pytest.mark.parametrize("pr", [0.13, 0.18, 0.26])
def test_p_onset(pr):
    beat = beat_of(pr=pr, noise=0.003)
    onset = find_p_onset(beat, p_peak=-0.045 - pr + 0.05)
    assert onset == pytest.approx(-0.045 - pr, abs=0.02)


@pytest.mark.parametrize("fs", [250, 1000])
def test_times_do_not_depend_on_the_frequency(fs):
    expected, other = (find_waves(beat_of(fs=f), rr=0.9) for f in (FS, fs))
    assert other.qrs_onset == pytest.approx(expected.qrs_onset, abs=0.008)
    assert other.qrs_end == pytest.approx(expected.qrs_end, abs=0.008)
    assert other.t_end == pytest.approx(expected.t_end, abs=0.008)


def test_gain_and_offset_change_nothing():
    beat = beat_of(noise=0.003)
    expected = find_waves(beat, rr=0.9)
    moved = find_waves(replace(beat, signal=0.9 * beat.signal + np.arange(12)[:, None]), rr=0.9)
    assert moved.qrs_onset == pytest.approx(expected.qrs_onset)
    assert moved.qrs_end == pytest.approx(expected.qrs_end)


def test_leads_with_holes_have_no_say():
    beat = beat_of(noise=0.003)
    signal = beat.signal.copy()
    signal[2, beat.peak + 5] = np.nan
    signal[3, :180] = np.nan
    signal[4, 5:20] = np.nan
    assert find_waves(replace(beat, signal=signal), rr=0.9).leads == 10
    signal[:] = np.nan
    assert find_waves(replace(beat, signal=signal), rr=0.9) is None
    assert find_p_onset(replace(beat, signal=signal), p_peak=-0.15) is None


def test_nothing_but_noise_has_no_waves():
    beat = beat_of()
    noise = 0.02 * np.random.default_rng(2).normal(size=beat.signal.shape)
    assert find_waves(replace(beat, signal=noise), rr=0.9) is None


def test_a_flat_t_wave_has_no_end():
    beat = beat_of()
    time = (np.arange(575) - beat.peak) / FS
    signal = np.where(np.abs(time) <= 0.06, beat.signal, 0.0)
    assert find_waves(replace(beat, signal=signal), rr=0.9).t_end is None
