"""Average the beats of strips that were recorded together, for the network.

The columns of a 3x4 page show different moments, so their strips cannot be laid over each other in time. Their beats
can: what a lead looks like around its QRS complex is the same cycle of the heart in every column. Electrocardiographs
average beats before they measure them (Kligfield et al. 2007, "Recommendations for the standardization and
interpretation of the electrocardiogram, part I"), and a network learns form from far fewer averaged beats than from
strips that hold a beat anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classify.measure.median import nan_median
from classify.measure.peaks import find_qrs

BEFORE_S, AFTER_S = 0.4, 0.6
"""Seconds of a beat before the middle of its QRS complex, and from there on."""

_QRS_S = (0.12, 0.20)
_MOSTLY = 0.7
_ALIKE = 0.6
"""Correlation with the most typical QRS complex below which a beat is of another kind and left out."""


@dataclass(frozen=True, eq=False)
class AveragedBeats:
    """The beats of strips that were recorded together.

    Attributes
    ----------
    average : ndarray, shape (leads, m), float32
        Median of the beats of the commonest kind, millivolts; 0 where no beat is seen.
    seen : ndarray, shape (leads, m), float32
        Mean confidence of what the average was taken from; 0 where nothing is seen.
    qrs : ndarray, shape (beats,), int64
        Samples of the middles of all QRS complexes.
    likeness : ndarray, shape (beats,), float32
        Correlation of each with the most typical one, all leads together.
    """

    average: NDArray[np.float32]
    seen: NDArray[np.float32]
    qrs: NDArray[np.int64]
    likeness: NDArray[np.float32]


def average_beats(strips: NDArray[np.float32], confidence: NDArray[np.float32], fs: int) -> AveragedBeats:
    """Lay the beats of simultaneous strips over each other and take their median.

    Parameters
    ----------
    strips : ndarray, shape (leads, n)
        Millivolts, NaN where hidden.
    confidence : ndarray, shape (leads, n)
        Of each sample, 0 to 1.
    fs : int
        Sampling frequency in Hz.

    Returns
    -------
    AveragedBeats
        Beats that the strips cut off count where they are seen.

    Examples
    --------
    >>> beat = np.exp(-(((np.arange(1000) % 100 - 50) / 3) ** 2)).astype(np.float32)
    >>> beats = average_beats(beat[None], np.ones((1, 1000), np.float32), fs=100)
    >>> beats.average.shape, len(beats.qrs), int(beats.average[0].argmax()), bool(beats.seen.all())
    ((1, 100), 10, 40, True)
    """
    before, after = round(BEFORE_S * fs), round(AFTER_S * fs)
    qrs = find_qrs(strips, fs)
    if len(qrs) == 0:
        empty = np.zeros((len(strips), before + after), np.float32)
        return AveragedBeats(empty, empty.copy(), qrs, np.empty(0, np.float32))
    beats = _cut(strips, qrs, before, after)
    likeness = _likeness(beats[:, :, before - round(_QRS_S[0] * fs) : before + round(_QRS_S[1] * fs)])
    usual = likeness > _ALIKE
    shown = np.isfinite(beats[usual])
    weights = np.where(shown, _cut(confidence, qrs, before, after)[usual], 0.0)
    seen = weights.sum(axis=0) / np.maximum(shown.sum(axis=0), 1)
    return AveragedBeats(np.nan_to_num(nan_median(beats[usual])), seen.astype(np.float32), qrs, likeness)


def _cut(strips: NDArray[np.float32], at: NDArray[np.int64], before: int, after: int) -> NDArray[np.float32]:
    """Cut windows out of strips, shape (beats, leads, before + after); NaN beyond their ends."""
    padded = np.pad(strips, ((0, 0), (before, after)), constant_values=np.nan)
    return np.asarray(padded[:, at[:, None] + np.arange(before + after)].transpose(1, 0, 2), np.float32)


def _likeness(qrs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Correlate each QRS complex (beats, leads, m) with the one that correlates best with all, shape (beats,)."""
    if len(qrs) < 3:
        return np.ones(len(qrs), np.float32)
    seen = np.isfinite(qrs).reshape(len(qrs), -1).astype(np.float32)
    flat = np.nan_to_num(qrs - np.nan_to_num(nan_median(qrs, axis=2))[:, :, None]).reshape(len(qrs), -1)
    power = (flat**2) @ seen.T
    each = (flat @ flat.T) / np.sqrt(np.maximum(power * power.T, 1e-12))
    alike = each[each.sum(axis=1).argmax()]
    # What a strip cuts off or hides is not held against a beat.
    return np.asarray(np.where(seen.mean(axis=1) < _MOSTLY, 1.0, alike), np.float32)
