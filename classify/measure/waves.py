"""Find where the waves of an averaged beat begin and end, all leads taken together.

An interval of a 12-lead ECG goes from the earliest onset in any lead to the latest end (CSE Working Party 1985), so
the leads are looked at as one: by the root mean square of their slopes, the spatial velocity, for the QRS complex and
the P wave, and of their deflections for the T wave, whose
end is where the steepest tangent to its descent meets the line after it (Lepeschkin and Surawicz 1952).

The shares below were chosen on PTB-XL's folds 1 to 8, so that complete bundle branch blocks stand out by their QRS
duration and normal ECGs fill the reference ranges of 46,129 healthy people (Mason et al. 2007: QRS 69 to 109 ms, PR 113
to 212 ms, QT 325 to 452 ms).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classify.measure.average import AveragedBeat

_SMOOTHED_S = 0.010
_P_SMOOTHED_S = 0.022  # P waves are slow and low
_BASIS_S = 0.006
_SEARCHED_S = (0.12, 0.18)  # the steepest part of a QRS complex lies about the peak so far
_NEEDED_S = (0.36, 0.5)  # what a lead must show to have a say

_QRS_SHARE = 0.06  # of the highest velocity
_ABOVE_NOISE = 3.0
_ABOVE_T = 1.2  # a steep ST segment or T wave is no QRS complex
_MOST_FOR_T = 0.2
_PAUSE_S = 0.024  # slopes between the notches of a bundle branch block
_FOOT_SHARE, _FOOT_NOISE, _FOOT_T, _FOOT_S = 0.015, 2.0, 0.6, 0.016
_REACH_S = (0.15, 0.22)
_STEEP = 0.25  # a P wave's descent is less steep

_P_SHARE = 0.25
_P_ABOVE_NOISE = 1.5
_P_BACK_S, _P_REACH_S = 0.08, 0.12
_P_HALF_S = 0.04  # from its peak, a P wave of 80 ms, a short one, has come down
_T_FALLS_S = 0.03  # between the steepest part of a T wave's descent and where its tangent meets the level

_ST_S = 0.06
_T_LATEST_S, _T_LATEST_SHARE = 0.62, 0.75  # of the RR interval
_T_LOWEST_MV = 0.04


@dataclass(frozen=True)
class Waves:
    """Times of one averaged beat, seconds from its R peak.

    Attributes
    ----------
    qrs_onset, qrs_end : float
    t_end : float or None
        None where no lead has a T wave that rises by 0.04 mV and comes down.
    leads : int
        How many leads were looked at.
    """

    qrs_onset: float
    qrs_end: float
    t_end: float | None
    leads: int


def find_waves(beat: AveragedBeat, rr: float, p_peak: float | None = None) -> Waves | None:
    """Find the QRS complex and the end of the T wave.

    Parameters
    ----------
    beat : AveragedBeat
    rr : float
        RR interval in seconds: the T wave ends before the next P wave.
    p_peak : float, optional
        Where a P wave stands in most beats, seconds from the R peak (negative). The QRS complex begins after it, not
        before the leads rest most between the two: where the PR segment is short, as in a fast heart, or hidden by
        noise, the descent of a high P wave is as steep as the bounds are and would be taken for a part of the complex.

    Returns
    -------
    Waves or None
        None where no lead shows enough of the beat, or nothing stands out of the noise.

    Examples
    --------
    >>> time = np.arange(-250, 325) / 500
    >>> qrs = np.clip(1 - np.abs(time) / 0.04, 0, None)
    >>> wave = qrs + 0.3 * np.exp(-(((time - 0.28) / 0.06) ** 2))
    >>> waves = find_waves(AveragedBeat(("II",), wave[None], np.array([9]), 500), rr=1.0)
    >>> round(waves.qrs_onset, 2), round(waves.qrs_end, 2), round(waves.t_end, 2)
    (-0.05, 0.04, 0.37)
    """
    fs, peak = beat.fs, beat.peak
    whole = _whole(beat)
    signal = beat.signal[whole]
    if len(signal) == 0:
        return None
    signal = _bridged(signal)
    smooth = _smoothed(signal, _SMOOTHED_S * fs)
    velocity = _velocity(smooth, np.ones(len(signal)), fs)
    steepest = peak + _argmax(velocity, peak, fs, _SEARCHED_S)
    highest = velocity[steepest]
    noise = np.quantile(velocity[peak - round(_NEEDED_S[0] * fs) : peak + round(_NEEDED_S[1] * fs)], 0.15)
    if highest <= 2 * _ABOVE_NOISE * noise:
        return None
    after = velocity[peak + round(0.18 * fs) : peak + round(min(0.5, 0.6 * rr) * fs)]
    t_velocity = np.quantile(after, 0.95) if len(after) else 0.0
    bound = max(_QRS_SHARE * highest, _ABOVE_NOISE * noise)
    bound_end = max(bound, min(_ABOVE_T * t_velocity, _MOST_FOR_T * highest))
    foot = max(_FOOT_SHARE * highest, _FOOT_NOISE * noise)
    pause, most = round(_PAUSE_S * fs), round(_FOOT_S * fs)
    valley = 0 if p_peak is None else _valley(velocity, peak + round(p_peak * fs), steepest, fs)
    first, last = max(peak - round(_REACH_S[0] * fs), valley), peak + round(_REACH_S[1] * fs)
    onset = _edge(velocity[first : steepest + 1][::-1], bound, pause)
    onset = steepest - onset - _foot(velocity[valley : steepest - onset + 1][::-1], foot, most)
    end = _edge(velocity[steepest : last + 1], bound_end, pause)
    end = steepest + end + _foot(velocity[steepest + end :], max(foot, _FOOT_T * t_velocity), most)
    t_end = _t_end(smooth, onset, end, min(_T_LATEST_S, _T_LATEST_SHARE * rr), beat)
    return Waves((onset - peak) / fs, (end - peak) / fs, t_end, int(whole.sum()))


def find_p_onset(beat: AveragedBeat, p_peak: float, t_end: float | None = None) -> float | None:
    """Find where the P wave begins.

    Parameters
    ----------
    beat : AveragedBeat
    p_peak : float
        Where a P wave stands in most beats, seconds from the R peak (negative).
    t_end : float, optional
        Where the T wave of the beat before ends, seconds from the R peak (negative): in a fast heart the P wave begins
        on its last descent. It is not used where it lies on the P wave itself.

    Returns
    -------
    float or None
        Seconds from the R peak, where the velocity falls to a quarter of that of the P wave's ascent, or is lowest
        if it does not fall so far. Leads count by the beats that went into them, for a P wave is as low as the noise of
        a single beat. None where no lead shows enough.

    Examples
    --------
    >>> time = np.arange(-250, 325) / 500
    >>> wave = np.exp(-((time / 0.02) ** 2)) + 0.15 * np.exp(-(((time + 0.16) / 0.025) ** 2))
    >>> round(find_p_onset(AveragedBeat(("II",), wave[None], np.array([9]), 500), p_peak=-0.16), 2)
    -0.21
    """
    fs = beat.fs
    whole = _whole(beat)
    if not whole.any():
        return None
    smooth = _smoothed(_bridged(beat.signal[whole]), _P_SMOOTHED_S * fs)
    velocity = _velocity(smooth, beat.counts[whole].astype(np.float64), fs)
    noise = np.quantile(velocity[round(0.12 * fs) : beat.peak + round(0.6 * fs)], 0.1)
    top = beat.peak + round(p_peak * fs)
    first, start = (max(top - round(reach * fs), 0) for reach in (_P_REACH_S, _P_BACK_S))
    if t_end is not None:
        ends = beat.peak + round(t_end * fs)
        falls = ends - round(_T_FALLS_S * fs)
        if falls <= top - round(_P_HALF_S * fs):
            first, start = max(first, falls), max(start, min(ends, top - round(_T_FALLS_S * fs)))
    if top <= start:
        return None
    steepest = start + int(np.argmax(velocity[start : top + 1]))
    bound = max(_P_SHARE * velocity[steepest], _P_ABOVE_NOISE * noise)
    before = velocity[first : steepest + 1]
    quiet = np.flatnonzero(before <= bound)
    return float(first + (quiet[-1] if len(quiet) else np.argmin(before)) - beat.peak) / fs


def _whole(beat: AveragedBeat) -> NDArray[np.bool_]:
    """Find the leads that show nine tenths of the beat and all of its QRS complex."""
    first, last = (beat.peak + round(sign * s * beat.fs) for sign, s in zip((-1, 1), _NEEDED_S, strict=True))
    near = slice(beat.peak - round(0.1 * beat.fs), beat.peak + round(0.1 * beat.fs))
    seen = np.isfinite(beat.signal)
    whole: NDArray[np.bool_] = (seen[:, first:last].mean(axis=1) >= 0.9) & seen[:, near].all(axis=1)
    return whole


def _bridged(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    samples = np.arange(signal.shape[1])
    seen = np.isfinite(signal)
    return np.array([np.interp(samples, samples[at], row[at]) for row, at in zip(signal, seen, strict=True)])


def _smoothed(signal: NDArray[np.float64], samples: float) -> NDArray[np.float64]:
    from scipy.ndimage import uniform_filter1d

    smooth: NDArray[np.float64] = uniform_filter1d(signal, max(round(samples), 1), axis=-1, mode="nearest")
    return smooth


def _velocity(smooth: NDArray[np.float64], weights: NDArray[np.float64], fs: int) -> NDArray[np.float64]:
    """Compute the root of the leads' weighted mean squared slope, mV a sample, shape (n,)."""
    reach = max(round(0.004 * fs), 1)
    slope = np.zeros_like(smooth)
    slope[:, reach:-reach] = (smooth[:, 2 * reach :] - smooth[:, : -2 * reach]) / (2 * reach)
    return _smoothed(np.sqrt(weights @ slope**2 / weights.sum()), _BASIS_S * fs)


def _argmax(values: NDArray[np.float64], middle: int, fs: int, reach: tuple[float, float]) -> int:
    first = middle - round(reach[0] * fs)
    return int(np.argmax(values[first : middle + round(reach[1] * fs)])) + first - middle


def _edge(outward: NDArray[np.float64], bound: float, pause: int) -> int:
    """Find the last value above a bound before a stretch of more than `pause` values below it."""
    above = np.flatnonzero(outward > bound)
    breaks = np.flatnonzero(np.diff(above) > pause + 1)
    return int(above[breaks[0] if len(breaks) else -1]) if len(above) else 0


def _valley(velocity: NDArray[np.float64], p_peak: int, steepest: int, fs: int) -> int:
    """Find the lowest velocity between a P wave's descent and the QRS complex; 0 where there is no room for it."""
    start = max(p_peak + round(_P_HALF_S * fs), 0)
    steep = np.flatnonzero(velocity[start:steepest] > _STEEP * velocity[steepest])
    between = velocity[start : start + int(steep[0]) if len(steep) else steepest]
    return start + int(np.argmin(between)) if len(between) else 0


def _foot(outward: NDArray[np.float64], bound: float, most: int) -> int:
    """Tell how many values further a wave goes on while it still falls towards rest."""
    falls = (outward[1 : most + 1] > bound) & (outward[1 : most + 1] < 1.02 * outward[: len(outward[1 : most + 1])])
    ends = np.flatnonzero(~falls)
    return int(ends[0]) if len(ends) else len(falls)


def _t_end(smooth: NDArray[np.float64], onset: int, end: int, latest: float, beat: AveragedBeat) -> float | None:
    fs, peak = beat.fs, beat.peak
    level = np.median(smooth[:, max(onset - round(0.02 * fs), 0) : onset], axis=1, keepdims=True)
    height = np.sqrt(np.mean((_smoothed(smooth, 0.018 * fs) - level) ** 2, axis=0))
    first, last = end + round(_ST_S * fs), min(peak + round(latest * fs), len(height) - round(0.03 * fs))
    if last - first < round(0.08 * fs):
        return None
    top = first + int(np.argmax(height[first:last]))
    slope = np.gradient(_smoothed(height, 0.022 * fs))
    reach = slice(top, min(last + round(0.06 * fs), top + round(0.2 * fs), len(height)))
    steepest = top + int(np.argmin(slope[reach]))
    rest = height[steepest : steepest + round(0.16 * fs)].min()
    if slope[steepest] >= 0 or height[top] - rest < _T_LOWEST_MV:
        return None
    return float(steepest + (height[steepest] - rest) / -slope[steepest] - peak) / fs
