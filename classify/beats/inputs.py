"""The input of the network that names beats, made of a strip and its R peaks.

Paper shows ten seconds, unknown leads at any gain, and a wandering baseline. So everything is relative to the strip
itself: voltages to its usual QRS complex, intervals to its usual interval, shapes to its commonest one. Training cuts
recordings into strips and takes them through the same function, so what is learned is what is met.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import gcd

import numpy as np
from numpy.typing import NDArray

FS = 125
"""Sampling frequency of the input in Hz."""

BEFORE, AFTER = 56, 72
"""Samples of a window before the R peak and from it on: 0.45 s and 0.58 s."""

CHANNELS = 3
FEATURES = 11

_BASELINE_HZ = 0.5
_QRS = slice(BEFORE - 10, BEFORE + 14)
_P = slice(BEFORE - 32, BEFORE - 8)
_ALIKE = 0.8
_FLAT_MV = 0.05
_MOST = 6.0
_BRIDGED_S = 0.1


@dataclass(frozen=True)
class BeatInputs:
    """The beats of one strip as the network's input.

    Attributes
    ----------
    windows : ndarray, shape (beats, CHANNELS, BEFORE + AFTER), float32
        Each beat and the strip's commonest one, both in units of the strip's usual QRS complex; and 1 where the beat is
        seen, else 0.
    features : ndarray, shape (beats, FEATURES), float32
        Logarithms of: interval before and after relative to the strip's median, the former relative to the latter, the
        median itself to 0.8 s, QRS power relative to the commonest beat; correlation with it over QRS complex and P
        wave, share of the strip's beats that are alike; whether both intervals and the median are known, else they are
        0.
    """

    windows: NDArray[np.float32]
    features: NDArray[np.float32]


def inputs_from_strip(signal: NDArray[np.float32], fs: int, peaks: NDArray[np.int64]) -> BeatInputs:
    """Make the network's input of a strip.

    Parameters
    ----------
    signal : ndarray, shape (n,)
        Millivolts, NaN where hidden.
    fs : int
        Their sampling frequency in Hz.
    peaks : ndarray, shape (beats,)
        Samples of the R peaks, in order; at least one.

    Returns
    -------
    BeatInputs

    Examples
    --------
    >>> signal = np.exp(-(((np.arange(5000) % 400 - 200) / 10.0) ** 2)).astype(np.float32)
    >>> inputs_from_strip(signal, 500, np.arange(200, 5000, 400)).windows.shape
    (12, 3, 128)
    """
    level, seen = _resample(signal, fs)
    at = np.round(peaks * FS / fs).astype(int)
    places = at[:, None] + np.arange(-BEFORE, AFTER)
    inside = (places >= 0) & (places < len(level))
    places = np.clip(places, 0, len(level) - 1)
    shown = inside & seen[places]
    beats = np.where(shown, level[places], 0.0)
    qrs = beats[:, _QRS]
    beats = np.clip(beats / max(_FLAT_MV, float(np.median(np.ptp(qrs, axis=1)))), -_MOST, _MOST)

    likeness = _correlation(beats[:, None, _QRS], beats[None, :, _QRS])
    common = likeness[int(likeness.mean(axis=1).argmax())] >= _ALIKE
    usual = np.median(beats[common], axis=0)
    power = (np.square(beats[:, _QRS]).mean(axis=1) + 1e-3) / (np.square(usual[_QRS]).mean() + 1e-3)
    alike = np.stack(
        [
            0.5 * np.log(power),
            _correlation(beats[:, _QRS], usual[None, _QRS]),
            _correlation(beats[:, _P], usual[None, _P]),
            (likeness >= _ALIKE).mean(axis=1),
        ],
        axis=1,
    )
    windows = np.stack([beats, np.broadcast_to(usual, beats.shape), shown], axis=1)
    features = np.concatenate([_intervals(signal, fs, peaks), alike], axis=1)
    return BeatInputs(windows.astype(np.float32), features.astype(np.float32))


def _resample(signal: NDArray[np.float32], fs: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Bridge gaps, take off the baseline, resample to `FS`; tell where it is seen."""
    from scipy.signal import butter, resample_poly, sosfiltfilt

    seen = np.isfinite(signal)
    samples = np.arange(len(signal))
    whole = np.interp(samples, samples[seen], signal[seen])
    if fs != FS:
        divisor = gcd(fs, FS)
        whole = resample_poly(whole, FS // divisor, fs // divisor, padtype="edge")
        seen = seen[np.minimum(np.round(np.arange(len(whole)) * fs / FS).astype(int), len(seen) - 1)]
    high = butter(1, _BASELINE_HZ, "highpass", fs=FS, output="sos")
    return sosfiltfilt(high, whole - np.median(whole), padlen=min(len(whole) - 1, 2 * FS)), seen


def _intervals(signal: NDArray[np.float32], fs: int, peaks: NDArray[np.int64]) -> NDArray[np.float64]:
    """Compute the first seven features, shape (beats, 7); an interval with a gap is unknown: a beat may hide there."""
    intervals = np.full(len(peaks) + 1, np.nan)
    for k, (first, last) in enumerate(pairwise(peaks)):
        hidden = ~np.isfinite(signal[first:last])
        if hidden.sum() <= _BRIDGED_S * fs:
            intervals[k + 1] = (last - first) / fs
    known = intervals[np.isfinite(intervals)]
    usual = np.median(known) if len(known) else np.nan
    before, after = np.log(intervals[:-1]), np.log(intervals[1:])
    ratios = np.stack([before - np.log(usual), after - np.log(usual), before - after], axis=1)
    median = np.full((len(peaks), 1), np.log(usual / 0.8))
    flags = np.isfinite(np.concatenate([ratios[:, :2], median], axis=1))
    features: NDArray[np.float64] = np.nan_to_num(np.concatenate([ratios, median, flags], axis=1))
    return features


def _correlation(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute Pearson's correlation along the last axis; 0 where one of them is flat."""
    left = left - left.mean(axis=-1, keepdims=True)
    right = right - right.mean(axis=-1, keepdims=True)
    norm = np.sqrt(np.square(left).sum(axis=-1) * np.square(right).sum(axis=-1))
    correlation: NDArray[np.float64] = (left * right).sum(axis=-1) / np.maximum(norm, 1e-6)
    return correlation
