"""Measure a digitization: signal-to-noise ratios lead by lead, clock, baseline, gain, coverage, and Einthoven's law.

Signals are ``(12, n)`` millivolts in the order of `digitize.records.layouts.LEAD_NAMES`, NaN where nothing is shown.
Truth and estimate share time zero and the sampling frequency; their lengths may differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import interpolate

from digitize.records.layouts import LEAD_NAMES

MAX_SHIFT = 0.5
"""Longest shift of the aligned ratio, seconds, to either side."""

MAX_OFFSET = 1.0
"""Largest mean offset that the aligned ratio removes, mV, to either side."""

POOLED_SHIFT = 0.2
"""Longest shift of the pooled ratio, seconds, to either side."""

RIGHT_ALIGNED, RIGHT_POOLED, RIGHT_COVERAGE, RIGHT_CLOCK = 15.0, 12.0, 0.85, 0.020
"""What a page must reach to be right: aligned ratio (dB), pooled ratio (dB), coverage, and clock (s, at most)."""

_ANOTHERS = 3.0
"""Decibels by which a signal must fit another lead better than its own to be called that lead's."""

_PARTS = 8
"""Parts of a sample by which a page's clock is shifted."""

LEAST_POWER = 0.001**2 / 12
"""Power of rounding to the microvolt of WFDB records, mV^2: less noise than this is not measured, and a lead with less
signal is flat."""


def aligned_snr(truth: NDArray[np.floating], estimate: NDArray[np.floating], fs: float) -> NDArray[np.float64]:
    """Signal-to-noise ratio of each lead after alignment, the measure of the PhysioNet Challenge 2024.

    The estimate is shifted by the whole number of samples, up to `MAX_SHIFT`, that makes the ratio highest over the
    samples that both have; its mean offset, up to `MAX_OFFSET`, is removed; 10 log10(mean x^2 / mean (x - y)^2) is
    multiplied by the share of the truth's samples that the shifted estimate has. A negative ratio stays negative.

    Parameters
    ----------
    truth, estimate : ndarray, shapes (12, n) and (12, m)
        mV.
    fs : float
        Sampling frequency of both, Hz.

    Returns
    -------
    ndarray, shape (12,), float64
        Decibels; 0 for a lead that the estimate lacks, NaN for one that the truth lacks or has flat.

    Raises
    ------
    ValueError
        If a signal has not twelve rows, or `fs` is not above 0.

    Notes
    -----
    The ratio and its share of samples are those of the Challenge's ``compute_snr``. Its ``align_signals`` differs:

    - it takes shift and offset from the peak of a cross-correlation of the two signals drawn as pictures of quantized
      levels, so the offset is a whole number of levels and the pair need not be the best; here every shift is tried,
      and the offset is the mean difference;
    - here a shift to either side keeps every sample that has a partner, whatever the two lengths;
    - a shift that leaves less than half of the most partners is not taken here: a few samples match anything;
    - a lead that is missing counts 0 dB here, and a ratio ends where `LEAST_POWER` is the noise, not at infinity.

    References
    ----------
    Reyna et al., "Digitization and classification of ECG images: the George B. Moody PhysioNet Challenge 2024",
    Computing in Cardiology 51, 2024.

    Examples
    --------
    >>> truth = np.random.default_rng(0).normal(size=(12, 2000))
    >>> estimate = np.roll(truth, 40, axis=1) + 0.3
    >>> bool((aligned_snr(truth, estimate, 500) > 60).all()), bool((strict_snr(truth, estimate) < 0).all())
    (True, True)
    """
    truth, estimate = _checked_with(truth, estimate, fs)
    return _ratios(truth, _aligned(truth, estimate, _best_shifts(truth, estimate, MAX_SHIFT * fs)), MAX_OFFSET)


def in_phase_snr(truth: NDArray[np.floating], estimate: NDArray[np.floating], fs: float) -> NDArray[np.float64]:
    """The aligned ratio where the estimate's clock may start between two samples: once for the page, not for each lead.

    Paper does not tell when a sample was taken. A page whose clock is right to half a millisecond loses nothing by
    `aligned_snr`, and one that is 1 ms off, half a sample at 500 Hz, loses several dB of a ratio near 30.

    Parameters
    ----------
    truth, estimate : ndarray, shapes (12, n) and (12, m)
        mV.
    fs : float
        Sampling frequency of both, Hz.

    Returns
    -------
    ndarray, shape (12,), float64
        As `aligned_snr` gives them, after the shift by whole eighths of a sample, carried out by a cubic, with the
        highest mean.

    Raises
    ------
    ValueError
        As `aligned_snr`.

    Examples
    --------
    >>> samples, pitch = np.arange(2000), np.linspace(20, 50, 12)[:, None] / 500
    >>> truth, late = np.sin(pitch * samples), np.sin(pitch * (samples - 0.5))
    >>> bool(in_phase_snr(truth, late, 500).min() > aligned_snr(truth, late, 500).max())
    True
    """
    truth, estimate = _checked(truth, estimate)
    ratios = [aligned_snr(truth, _delayed(estimate, part / _PARTS), fs) for part in range(_PARTS)]
    return max(ratios, key=lambda ratio: float(np.nansum(ratio)))


def strict_snr(truth: NDArray[np.floating], estimate: NDArray[np.floating]) -> NDArray[np.float64]:
    """Signal-to-noise ratio of each lead as it stands: a wrong baseline, start or speed is noise.

    Parameters
    ----------
    truth, estimate : ndarray, shapes (12, n) and (12, m)
        mV.

    Returns
    -------
    ndarray, shape (12,), float64
        As for `aligned_snr`, without shift and with no offset removed.

    Raises
    ------
    ValueError
        If a signal has not twelve rows.

    Examples
    --------
    >>> truth = np.ones((12, 100))
    >>> float(strict_snr(truth, truth + 0.1)[0].round(6))
    20.0
    """
    truth, estimate = _checked(truth, estimate)
    return _ratios(truth, _aligned(truth, estimate, [0] * len(truth)), 0.0)


def pooled_snr(truth: NDArray[np.floating], estimate: NDArray[np.floating], fs: float) -> float:
    """Signal-to-noise ratio of a page within 0.2 s, powers pooled over its leads.

    Each lead is shifted by the whole number of samples, up to `POOLED_SHIFT`, that fits best, and its mean offset is
    removed; then the power of all leads is divided by the power of all their noise. A sample that the estimate lacks
    counts as read as 0 mV. This is the measure of the PhysioNet digitization competition of 2025, save that the
    shift is searched and not taken from a cross-correlation's peak.

    Parameters
    ----------
    truth, estimate : ndarray, shapes (12, n) and (12, m)
        mV.
    fs : float
        Sampling frequency of both, Hz.

    Returns
    -------
    float
        Decibels; NaN where the truth has no lead that is not flat.

    Raises
    ------
    ValueError
        If a signal has not twelve rows, or `fs` is not above 0.

    Examples
    --------
    >>> truth = np.random.default_rng(0).normal(size=(12, 2000))
    >>> estimate = truth + 0.3
    >>> estimate[0] = np.nan
    >>> round(pooled_snr(truth, estimate, 500), 1)  # a twelfth of the power is lacking
    10.8
    """
    truth, estimate = _checked_with(truth, estimate, fs)
    signal = noise = 0.0
    shifts = _best_shifts(truth, estimate, POOLED_SHIFT * fs)
    for x, moved in zip(truth, _aligned(truth, estimate, shifts), strict=True):
        seen = np.isfinite(x)
        both = seen & np.isfinite(moved)
        signal += float((x[seen] ** 2).sum())
        noise += float((x[seen & ~both] ** 2).sum())
        if both.any():
            apart = moved[both] - x[both]
            noise += float(((apart - np.clip(apart.mean(), -MAX_OFFSET, MAX_OFFSET)) ** 2).sum())
    samples = max(int(np.isfinite(truth).sum()), 1)
    if signal / samples < LEAST_POWER:
        return float("nan")
    return float(10 * np.log10(signal / max(noise, LEAST_POWER * samples)))


def clock_error(truth: NDArray[np.floating], estimate: NDArray[np.floating], fs: float) -> float:
    """Seconds by which a page's time is off: the median over leads of the shift, up to 0.5 s, that fits best.

    Parameters
    ----------
    truth, estimate : ndarray, shapes (12, n) and (12, m)
        mV.
    fs : float
        Sampling frequency of both, Hz.

    Returns
    -------
    float
        Positive where the estimate is late; NaN where no lead can be compared.

    Raises
    ------
    ValueError
        If a signal has not twelve rows, or `fs` is not above 0.

    Examples
    --------
    >>> truth = np.random.default_rng(0).normal(size=(12, 2000))
    >>> clock_error(truth, np.roll(truth, 40, axis=1), 500)
    0.08
    """
    truth, estimate = _checked_with(truth, estimate, fs)
    return _clock_error(truth, estimate, _best_shifts(truth, estimate, MAX_SHIFT * fs), fs)


def coverage(truth: NDArray[np.floating], estimate: NDArray[np.floating]) -> float:
    """Share of the truth's samples, of all leads together, that the estimate has at the same time.

    Parameters
    ----------
    truth, estimate : ndarray, shapes (12, n) and (12, m)
        mV.

    Returns
    -------
    float
        0 to 1; NaN when the truth is empty.

    Raises
    ------
    ValueError
        If a signal has not twelve rows.

    Examples
    --------
    >>> coverage(np.zeros((12, 100)), np.zeros((12, 75)))
    0.75
    """
    truth, estimate = _checked(truth, estimate)
    seen = np.isfinite(truth)
    had = np.isfinite(_aligned(truth, estimate, [0] * len(truth)))
    return float((seen & had).sum() / seen.sum()) if seen.any() else float("nan")


_LAWS = (
    {"II": 1.0, "I": -1.0, "III": -1.0},
    {"aVR": 1.0, "I": 0.5, "II": 0.5},
    {"aVL": 1.0, "I": -0.5, "III": 0.5},
    {"aVF": 1.0, "II": -0.5, "III": -0.5},
)


def einthoven_residual(signal: NDArray[np.floating]) -> float:
    """Power that breaks the laws of the limb leads, relative to the power of the leads.

    II - I - III, aVR + (I + II)/2, aVL - (I - III)/2 and aVF - (II + III)/2 are zero in every true recording. Each
    is taken where all of its leads are shown at the same time; it needs no truth.

    Parameters
    ----------
    signal : ndarray, shape (12, n)
        mV.

    Returns
    -------
    float
        Energy of these sums over energy of their terms: 0 for leads that agree, about 1 for unrelated ones, up to 3.
        NaN where no law can be judged.

    Raises
    ------
    ValueError
        If the signal has not twelve rows.

    References
    ----------
    Einthoven, "The different forms of the human electrocardiogram and their signification", Lancet 1912; Goldberger,
    "A simple, indifferent, electrocardiographic electrode of zero potential", Am Heart J 23, 1942.

    Examples
    --------
    >>> i, iii = np.random.default_rng(0).normal(size=(2, 500))
    >>> leads = np.full((12, 500), np.nan)
    >>> leads[:3] = i, i + iii, iii
    >>> einthoven_residual(leads) < 1e-9, einthoven_residual(leads[[1, 0, *range(2, 12)]]) > 0.5
    (True, True)
    """
    signal, _ = _checked(signal, signal)
    broken = whole = 0.0
    for law in _LAWS:
        terms = np.array([factor * signal[LEAD_NAMES.index(lead)] for lead, factor in law.items()])
        terms = terms[:, np.isfinite(terms).all(axis=0)]
        broken += float((terms.sum(axis=0) ** 2).sum())
        whole += float((terms**2).sum())
    return broken / whole if whole > 0 else float("nan")


@dataclass(frozen=True, eq=False)
class PageScore:
    """All measures of one page.

    Attributes
    ----------
    aligned, strict : ndarray, shape (12,), float64
        See `aligned_snr` and `strict_snr`; dB, NaN for leads that the truth lacks.
    pooled : float
        See `pooled_snr`; dB.
    coverage : float
        See `coverage`.
    residual : float
        See `einthoven_residual`; of the estimate.
    clock_ms : float
        See `clock_error`, here in milliseconds.
    baseline_uv : float
        Median over leads of the absolute mean difference after alignment, microvolts; NaN where no lead can be
        compared.
    gain_percent : float
        Median over leads of the slope of the aligned estimate over the truth, less 1: positive where the estimate is
        too tall; NaN where no lead can be compared.
    misnamed : tuple of str
        Leads that the estimate lacks, or whose signal is that of another lead shown at the same time.
    """

    aligned: NDArray[np.float64]
    strict: NDArray[np.float64]
    pooled: float
    coverage: float
    residual: float
    clock_ms: float
    baseline_uv: float
    gain_percent: float
    misnamed: tuple[str, ...]

    @property
    def aligned_mean(self) -> float:
        """Mean aligned ratio over the leads that the truth has, dB."""
        return float(np.nanmean(self.aligned))

    @property
    def strict_mean(self) -> float:
        """Mean strict ratio over the leads that the truth has, dB."""
        return float(np.nanmean(self.strict))

    @property
    def worst_lead(self) -> str:
        """Name of the lead with the lowest aligned ratio."""
        return LEAD_NAMES[int(np.nanargmin(self.aligned))]

    @property
    def worst(self) -> float:
        """Lowest aligned ratio, dB: sees a swapped or lost lead."""
        return float(np.nanmin(self.aligned))

    @property
    def right(self) -> bool:
        """Whether each lead stands under its name, the trace was followed, and the time kept.

        No lead is `misnamed`, and the page reaches `RIGHT_ALIGNED`, `RIGHT_POOLED`, `RIGHT_COVERAGE` and `RIGHT_CLOCK`.
        """
        return bool(
            self.aligned_mean >= RIGHT_ALIGNED
            and self.pooled >= RIGHT_POOLED
            and self.coverage >= RIGHT_COVERAGE
            and abs(self.clock_ms) <= 1000 * RIGHT_CLOCK
            and not self.misnamed
        )


def score_page(truth: NDArray[np.floating], estimate: NDArray[np.floating], fs: float) -> PageScore:
    """Compute all measures of a page.

    Parameters
    ----------
    truth, estimate : ndarray, shapes (12, n) and (12, m)
        mV.
    fs : float
        Sampling frequency of both, Hz.

    Returns
    -------
    PageScore

    Raises
    ------
    ValueError
        If a signal has not twelve rows, `fs` is not above 0, or the truth has no lead that is not flat.

    Examples
    --------
    >>> truth = np.random.default_rng(0).normal(size=(12, 1000))
    >>> estimate = truth + 0.1
    >>> estimate[6] = np.nan
    >>> score = score_page(truth, estimate, 500)
    >>> score.worst_lead, score.worst, round(score.coverage, 3), score.misnamed, score.right
    ('V1', 0.0, 0.917, ('V1',), False)
    >>> score = score_page(truth, np.roll(1.02 * truth, 5, axis=1), 500)
    >>> score.clock_ms, round(score.gain_percent, 3), score.right
    (10.0, 2.0, True)
    >>> score_page(truth, truth[[1, 0, *range(2, 12)]], 500).misnamed
    ('I', 'II')
    """
    truth, estimate = _checked_with(truth, estimate, fs)
    shifts = _best_shifts(truth, estimate, MAX_SHIFT * fs)
    moved = _aligned(truth, estimate, shifts)
    aligned = _ratios(truth, moved, MAX_OFFSET)
    if np.isnan(aligned).all():
        raise ValueError("the truth has no lead to compare with: all are empty or flat")
    baseline, gain = _baseline_and_gain(truth, moved)
    return PageScore(
        aligned=aligned,
        strict=strict_snr(truth, estimate),
        pooled=pooled_snr(truth, estimate, fs),
        coverage=coverage(truth, estimate),
        residual=einthoven_residual(estimate),
        clock_ms=1000 * _clock_error(truth, estimate, shifts, fs),
        baseline_uv=1000 * baseline,
        gain_percent=100 * gain,
        misnamed=_misnamed(truth, estimate, aligned, fs),
    )


def _misnamed(
    truth: NDArray[np.float64], estimate: NDArray[np.float64], aligned: NDArray[np.float64], fs: float
) -> tuple[str, ...]:
    """Name the leads that the estimate lacks, or whose signal is that of another lead shown at the same time."""
    names = []
    for lead in np.flatnonzero(np.isfinite(aligned)):
        if not np.isfinite(estimate[lead]).any():
            names.append(LEAD_NAMES[lead])
        elif aligned[lead] < RIGHT_ALIGNED:
            as_others = aligned_snr(truth, np.repeat(estimate[lead : lead + 1], len(LEAD_NAMES), axis=0), fs)
            if np.nanmax(as_others) > aligned[lead] + _ANOTHERS:
                names.append(LEAD_NAMES[lead])
    return tuple(names)


def _clock_error(truth: NDArray[np.float64], estimate: NDArray[np.float64], shifts: Sequence[int], fs: float) -> float:
    """Median shift, seconds, over the leads that both have and of which the truth is not all zero."""
    compared = (np.isfinite(truth) & (np.nan_to_num(truth) != 0)).any(axis=1) & np.isfinite(estimate).any(axis=1)
    seconds = [shift / fs for shift, both in zip(shifts, compared, strict=True) if both]
    return float(np.median(seconds)) if seconds else float("nan")


def _baseline_and_gain(truth: NDArray[np.float64], moved: NDArray[np.float64]) -> tuple[float, float]:
    """Median over leads of the absolute mean difference (mV), and of the slope of `moved` over the truth, less 1."""
    offsets, gains = [], []
    for x, y in zip(truth, moved, strict=True):
        both = np.isfinite(x) & np.isfinite(y)
        if both.any() and np.var(x[both]) >= LEAST_POWER:
            offsets.append(abs(float(np.mean(y[both] - x[both]))))
            gains.append(float(np.cov(x[both], y[both], bias=True)[0, 1] / np.var(x[both])) - 1)
    return (float(np.median(offsets)), float(np.median(gains))) if offsets else (float("nan"), float("nan"))


def _checked(
    truth: NDArray[np.floating], estimate: NDArray[np.floating]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    for name, signal in (("truth", truth), ("estimate", estimate)):
        if np.ndim(signal) != 2 or len(signal) != len(LEAD_NAMES):
            raise ValueError(f"{name} of shape {np.shape(signal)}; allowed: ({len(LEAD_NAMES)}, n)")
    return np.asarray(truth, np.float64), np.asarray(estimate, np.float64)


def _checked_with(
    truth: NDArray[np.floating], estimate: NDArray[np.floating], fs: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if not fs > 0:
        raise ValueError(f"sampling frequency {fs!r}; allowed: numbers above 0")
    return _checked(truth, estimate)


def _delayed(signal: NDArray[np.float64], part: float) -> NDArray[np.float64]:
    """Signals later by a part of a sample; NaN where a neighbor is."""
    if part == 0.0:
        return signal
    moved = np.full_like(signal, np.nan)
    for row_moved, row in zip(moved, signal, strict=True):
        known = np.flatnonzero(np.isfinite(row))
        if len(known) < 2:
            continue
        at = known[1:][np.diff(known) == 1]
        row_moved[at] = interpolate.CubicSpline(known, row[known])(at - part)
    return moved


def _shifted(y: NDArray[np.float64], shift: int, n: int) -> NDArray[np.float64]:
    """Take the samples ``y[i + shift]`` for i from 0 to n - 1, NaN where there are none."""
    moved = np.full(n, np.nan)
    first, end = max(0, -shift), min(n, len(y) - shift)
    if end > first:
        moved[first:end] = y[first + shift : end + shift]
    return moved


def _aligned(truth: NDArray[np.float64], estimate: NDArray[np.float64], shifts: Sequence[int]) -> NDArray[np.float64]:
    """Shift each lead of the estimate, and bring it to the truth's length."""
    return np.array([_shifted(y, shift, truth.shape[1]) for y, shift in zip(estimate, shifts, strict=True)])


def _ratios(truth: NDArray[np.float64], moved: NDArray[np.float64], max_offset: float) -> NDArray[np.float64]:
    return np.array([_ratio(x, y, max_offset) for x, y in zip(truth, moved, strict=True)])


def _ratio(x: NDArray[np.float64], y: NDArray[np.float64], max_offset: float) -> float:
    """Ratio of one lead in dB, the mean of ``y - x`` removed up to `max_offset`, times the share of samples."""
    seen = np.isfinite(x)
    if not seen.any() or np.mean(x[seen] ** 2) < LEAST_POWER:
        return float("nan")
    both = seen & np.isfinite(y)
    if not both.any():
        return 0.0
    noise = y[both] - x[both]
    noise -= np.clip(noise.mean(), -max_offset, max_offset)
    powers = np.maximum([np.mean(x[both] ** 2), np.mean(noise**2)], LEAST_POWER)
    return float(10 * np.log10(powers[0] / powers[1]) * both.sum() / seen.sum())


def _best_shifts(truth: NDArray[np.float64], estimate: NDArray[np.float64], reach: float) -> list[int]:
    return [_best_shift(x, y, round(reach)) for x, y in zip(truth, estimate, strict=True)]


def _best_shift(x: NDArray[np.float64], y: NDArray[np.float64], reach: int) -> int:
    """Shift of at most `reach` samples with the highest ratio, the shortest one of equals; all by correlation."""
    has_x, has_y = np.isfinite(x), np.isfinite(y)
    if not has_x.any() or not has_y.any():
        return 0
    # Centered, because sums of squares of what stands far from zero would drown the differences.
    center_x, center_y = x[has_x].mean(), y[has_y].mean()
    x = np.where(has_x, x - center_x, 0.0)
    y = np.where(has_y, y - center_y, 0.0)
    size = 1 << (len(x) + len(y) + reach).bit_length()
    of_x = np.conj(np.fft.rfft([has_x, x, x**2], size))
    of_y = np.fft.rfft([has_y, y, y**2], size)
    steps = np.arange(1, reach + 1)
    shifts: NDArray[np.intp] = np.concatenate([[0], np.stack([steps, -steps], axis=1).ravel()])

    def correlate(a: int, b: int) -> NDArray[np.float64]:
        return np.fft.irfft(of_x[a] * of_y[b], size)[shifts]

    partners = np.rint(correlate(0, 0))
    count = np.maximum(partners, 1)
    mean_x, mean_y = correlate(1, 0) / count, correlate(0, 1) / count
    power_x = correlate(2, 0) / count
    # Mean and mean square of the difference y - x, back in true millivolts.
    apart = center_y - center_x
    mean = mean_y - mean_x + apart
    square = (correlate(0, 2) - 2 * correlate(1, 1)) / count + power_x + 2 * apart * (mean_y - mean_x) + apart**2
    offset = np.clip(mean, -MAX_OFFSET, MAX_OFFSET)
    noise = np.maximum(square - 2 * offset * mean + offset**2, LEAST_POWER)
    signal = np.maximum(power_x + 2 * center_x * mean_x + center_x**2, LEAST_POWER)
    allowed = partners >= max(partners.max() / 2, 1)
    return int(shifts[np.argmax(np.where(allowed, signal / noise, -np.inf))])
