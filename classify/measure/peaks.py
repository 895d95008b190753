"""R peaks of one lead.

A QRS complex is the steepest and strongest thing of a beat between about 6 and 25 Hz, whichever way it points (Thakor,
Webster and Tompkins 1984). The envelope of that band has one hump a beat; humps are kept by their height over what
the strip's other beats have, and weak ones beside strong ones are the P and T waves. Unlike detectors for monitors (Pan
and Tompkins 1985), which must decide at once, this one looks at both sides: paper shows no more than ten seconds, and a
threshold that first has to settle would lose the beginning.

The bounds were chosen on MIT-BIH's DS1 (de Chazal et al. 2004) on a plateau: any of them may change by a fifth without
losing 0.002 of F1 there.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil

import numpy as np
from numpy.typing import NDArray

LOWEST_FS = 60
"""Hz below which the band does not fit."""

_BAND_HZ = (6.0, 25.0)
_HUMP_S = 0.16
_REFRACTORY_S = 0.2
_BLOCK_S = 1.5  # as a rule there is a beat in it
_BLOCKS = 7  # whose median says how strong beats are: a giant one does not hide its neighbors
_STRONG = 0.35
_RECOVERED = 0.15
_PAUSE = 1.6
_WAVE_S, _WAVE = 0.34, 0.6  # a P or T wave is so near to its QRS complex, and so much weaker
_FLAT_MV = 0.005
_REACH_S = 0.08


def find_r_peaks(signal: NDArray[np.float32], fs: int) -> NDArray[np.int64]:
    """Find the beats of one strip.

    Parameters
    ----------
    signal : ndarray, shape (n,)
        Millivolts, NaN where hidden.
    fs : int
        Sampling frequency in Hz, at least `LOWEST_FS`.

    Returns
    -------
    ndarray, shape (beats,), int64
        Samples of the largest deflection, up or down, of each QRS complex, in order; none lies in a gap.

    Raises
    ------
    ValueError
        If `fs` is too low.

    Examples
    --------
    >>> time = np.arange(5000) / 500
    >>> find_r_peaks(-np.exp(-(((time % 2.5 - 1.0) / 0.02) ** 2)), fs=500).tolist()
    [500, 1750, 3000, 4250]
    """
    seen = np.isfinite(signal)
    beats = find_qrs(signal[None], fs)
    if len(beats) == 0:
        return beats
    samples = np.arange(len(signal))
    peaks = np.unique(_largest_deflection(np.interp(samples, samples[seen], signal[seen]), beats, fs))
    return peaks[seen[peaks]]


def find_qrs(strips: NDArray[np.float32], fs: int) -> NDArray[np.int64]:
    """Find the beats of strips that were recorded together.

    Parameters
    ----------
    strips : ndarray, shape (leads, n)
        Millivolts, NaN where hidden.
    fs : int
        Sampling frequency in Hz, at least `LOWEST_FS`.

    Returns
    -------
    ndarray, shape (beats,), int64
        Samples of the middle of each QRS complex, where the leads' envelopes are highest together; in order.

    Raises
    ------
    ValueError
        If `fs` is too low.

    Examples
    --------
    >>> time = np.arange(1000) / 100
    >>> beats = np.exp(-(((time % 2.5 - 1.0) / 0.02) ** 2))
    >>> find_qrs(np.stack([beats, -beats]), fs=100).tolist()
    [100, 350, 600, 850]
    """
    if fs < LOWEST_FS:
        raise ValueError(f"fs is {fs} Hz; allowed: {LOWEST_FS} and above")
    whole = [
        np.interp(np.arange(len(strip)), np.flatnonzero(seen), strip[seen])
        for strip, seen in zip(strips, np.isfinite(strips), strict=True)
        if seen.sum() >= _REFRACTORY_S * fs
    ]
    if not whole:
        return np.empty(0, np.int64)
    from scipy.signal import find_peaks

    humps = _humps(np.stack(whole), fs)
    candidates, _ = find_peaks(humps, distance=ceil(_REFRACTORY_S * fs))
    strength = humps[candidates] / _level(humps, candidates, fs)
    kept = _without_waves(candidates, strength, np.flatnonzero(strength > _STRONG), fs)
    beats: NDArray[np.int64] = candidates[_with_recovered(candidates, strength, kept, fs)].astype(np.int64)
    return beats


def _humps(strips: NDArray[np.float64], fs: int) -> NDArray[np.float64]:
    """Compute the mean envelope of the QRS band of strips (leads, n), shape (n,), in millivolts."""
    from scipy.signal import sosfiltfilt

    window = np.hanning(round(_HUMP_S * fs) | 1)
    swing = np.abs(sosfiltfilt(_band(fs), strips, padlen=min(strips.shape[1] - 1, fs)))
    return np.asarray(np.convolve(swing.mean(axis=0), window / window.sum(), "same"), np.float64)


@lru_cache(maxsize=8)
def _band(fs: int) -> NDArray[np.float64]:
    """Make the filter of the QRS band."""
    from scipy.signal import butter

    return np.asarray(butter(2, [_BAND_HZ[0], min(_BAND_HZ[1], 0.45 * fs)], "bandpass", fs=fs, output="sos"))


def _level(humps: NDArray[np.float64], candidates: NDArray[np.intp], fs: int) -> NDArray[np.float64]:
    """Tell how strong beats are around each candidate, shape (candidates,), in millivolts."""
    from scipy.ndimage import median_filter

    edges = np.linspace(0, len(humps), max(1, round(len(humps) / (_BLOCK_S * fs))) + 1).astype(int)
    strongest = np.maximum.reduceat(humps, edges[:-1])
    typical = median_filter(strongest, size=min(_BLOCKS, len(strongest)), mode="nearest")
    level: NDArray[np.float64] = np.maximum(
        np.interp(candidates, (edges[:-1] + edges[1:]) / 2, typical), _FLAT_MV / _STRONG
    )
    return level


def _without_waves(
    candidates: NDArray[np.intp], strength: NDArray[np.float64], kept: NDArray[np.intp], fs: int
) -> NDArray[np.intp]:
    """Leave out what is near to something much stronger, the weakest first, so that it hides nothing else."""
    while len(kept) > 1:
        near = np.diff(candidates[kept]) < _WAVE_S * fs
        heights = strength[kept]
        weak = np.zeros(len(kept), bool)
        weak[1:] |= near & (heights[1:] < _WAVE * heights[:-1])
        weak[:-1] |= near & (heights[:-1] < _WAVE * heights[1:])
        if not weak.any():
            break
        kept = np.delete(kept, np.flatnonzero(weak)[np.argmin(heights[weak])])
    return kept


def _with_recovered(
    candidates: NDArray[np.intp], strength: NDArray[np.float64], kept: NDArray[np.intp], fs: int
) -> NDArray[np.intp]:
    """Add the strongest weak beat of each long pause (Pan and Tompkins 1985's search back)."""
    from scipy.ndimage import median_filter

    if len(kept) < 4:
        return kept
    intervals = np.diff(candidates[kept])
    usual = median_filter(intervals, size=9, mode="nearest")
    recovered = []
    for pause in np.flatnonzero(intervals > _PAUSE * usual):
        first, last = candidates[kept[pause]], candidates[kept[pause + 1]]
        inside = np.arange(kept[pause] + 1, kept[pause + 1])
        away = np.minimum(candidates[inside] - first, last - candidates[inside])
        inside = inside[(away > _WAVE_S * fs) & (strength[inside] > _RECOVERED)]
        if len(inside):
            recovered.append(inside[np.argmax(strength[inside])])
    return np.sort(np.concatenate([kept, np.array(recovered, kept.dtype)]))


def _largest_deflection(signal: NDArray[np.float64], beats: NDArray[np.intp], fs: int) -> NDArray[np.int64]:
    """Find the samples near the beats where the signal is farthest from what it is around them."""
    reach = round(_REACH_S * fs)
    padded = np.pad(signal, 3 * reach, mode="edge")
    around = padded[beats[:, None] + np.arange(6 * reach + 1)]
    middle = around[:, 2 * reach : 4 * reach + 1]
    farthest = np.abs(middle - np.median(around, axis=1, keepdims=True)).argmax(axis=1)
    largest: NDArray[np.int64] = np.clip(beats + farthest - reach, 0, len(signal) - 1).astype(np.int64)
    return largest
