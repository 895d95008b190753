"""The averaged beat: what the beats of a page have in common, lead by lead.

Noise, wander and what the pen hid differ from beat to beat and go; onsets and ends of waves stay. Beats that look
different from the others or come early are left out, for they have other intervals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classify.measure.median import nan_median
from classify.records.segments import StripSegment

BEFORE_S = 0.5
"""Seconds of an averaged beat before its R peak: a PR interval of 400 ms fits."""

AFTER_S = 0.65
"""Seconds after it: a QT interval of 600 ms fits."""

_ALIKE = 0.8
_COMPARED_S = (0.1, 0.3)  # QRS complex and T wave: the P wave of another beat may lie further out
_EARLY = 0.8
_FEWEST = 3  # as many beats of the usual rhythm suffice, else those that come early are averaged too


@dataclass(frozen=True, eq=False)
class AveragedBeat:
    """One beat of every lead.

    Attributes
    ----------
    leads : tuple of str
        In the order of the rows of `signal`.
    signal : ndarray, shape (leads, n), float64
        Millivolts about each lead's median, from `BEFORE_S` before the R peak to `AFTER_S` after it; NaN where no beat
        was seen.
    counts : ndarray, shape (leads,), int64
        How many beats went in.
    fs : int
        Sampling frequency in Hz.
    """

    leads: tuple[str, ...]
    signal: NDArray[np.float64]
    counts: NDArray[np.int64]
    fs: int

    @property
    def peak(self) -> int:
        """Sample of the R peak."""
        return round(BEFORE_S * self.fs)


def usual_beats(strip: StripSegment, times: NDArray[np.float64], fs: int) -> NDArray[np.bool_]:
    """Tell the beats that are like most others from those that look different or come early.

    Parameters
    ----------
    strip : StripSegment
    times : ndarray, shape (beats,)
        R peaks within the strip, seconds on the record's clock, in order.
    fs : int
        Hz.

    Returns
    -------
    ndarray, shape (beats,), bool
        Beats whose QRS complex and T wave correlate with the median beat's by 0.8 or more, and that do not follow
        the one before by less than 0.8 of the median interval. Where that would leave fewer than three, early ones
        count as well.

    Examples
    --------
    >>> time = np.arange(5000) / 500
    >>> beats = np.array([1.0, 2.0, 3.0, 3.6, 5.0, 6.0])
    >>> wave = sum(np.exp(-(((time - beat) / 0.02) ** 2)) for beat in beats)
    >>> usual_beats(StripSegment("II", wave), beats, fs=500).tolist()
    [True, True, True, False, True, True]
    """
    if len(times) == 0:
        return np.zeros(0, np.bool_)
    inner = _windows(strip, times, fs, *_COMPARED_S)
    seen = np.isfinite(inner)
    inner = np.where(seen, inner - nan_median(inner, axis=1)[:, None], 0.0)
    middle = np.median(inner, axis=0)
    norms = np.linalg.norm(inner, axis=1) * np.sqrt((seen * middle**2).sum(axis=1))
    likeness = inner @ middle / np.maximum(norms, np.finfo(np.float64).tiny)
    alike: NDArray[np.bool_] = (likeness >= _ALIKE) & (seen.mean(axis=1) >= 0.5)
    intervals = np.diff(times)
    if len(intervals) == 0:
        return alike
    early = np.concatenate([[False], intervals < _EARLY * np.median(intervals)])
    return alike & ~early if (alike & ~early).sum() >= _FEWEST else alike


def average_beat(strips: Sequence[StripSegment], times: NDArray[np.float64], fs: int) -> AveragedBeat:
    """Average beats lead by lead: the median of those that a lead shows, sample by sample.

    Parameters
    ----------
    strips : sequence of StripSegment
        In any order; of a lead that is printed twice, the strip is taken that shows more of the beats.
    times : ndarray, shape (beats,)
        R peaks of the beats to be averaged, seconds on the record's clock.
    fs : int
        Hz.

    Returns
    -------
    AveragedBeat
        Leads that show none of the beats are left out.

    Examples
    --------
    >>> time = np.arange(5000) / 500
    >>> beats = np.array([1.0, 2.0, 3.0])
    >>> wave = sum(np.exp(-(((time - beat) / 0.02) ** 2)) for beat in beats)
    >>> beat = average_beat([StripSegment("II", wave)], beats, fs=500)
    >>> beat.signal.shape, beat.counts.tolist(), round(float(beat.signal[0, beat.peak]), 3)
    ((1, 575), [3], 1.0)
    """
    rows: dict[str, tuple[NDArray[np.float64], int]] = {}
    for strip in strips:
        places = np.round((times - strip.start) * fs).astype(int)
        inside = (places >= 0) & (places < len(strip.signal))
        inside[inside] = np.isfinite(strip.signal[places[inside]])
        count = int(inside.sum())
        if count > rows.get(strip.lead, (None, 0))[1]:
            windows = _windows(strip, times[inside], fs, BEFORE_S, AFTER_S)
            rows[strip.lead] = nan_median(windows - nan_median(windows, axis=1)[:, None], axis=0), count
    return AveragedBeat(
        tuple(rows),
        np.array([row for row, _ in rows.values()]).reshape(len(rows), round(BEFORE_S * fs) + round(AFTER_S * fs)),
        np.array([count for _, count in rows.values()], np.int64),
        fs,
    )


def _windows(
    strip: StripSegment, times: NDArray[np.float64], fs: int, before: float, after: float
) -> NDArray[np.float64]:
    """Cut out the samples about each time, shape (times, n): NaN beyond the strip."""
    places = np.round((times - strip.start) * fs).astype(int)[:, None]
    samples = places + np.arange(-round(before * fs), round(after * fs))
    inside = (samples >= 0) & (samples < len(strip.signal))
    return np.where(inside, strip.signal[np.clip(samples, 0, len(strip.signal) - 1)].astype(np.float64), np.nan)
