"""Tell whether the columns of a page follow each other in time or were recorded together.

On most pages the second column goes on where the first ended; some printers show the same seconds in every column. A
rhythm strip below decides: its beats stand under those of a column either at the column's own place, or at the start.
Without one the columns do: the beats of columns that were recorded together stand at the same places in all of them.
In white between two columns time passes on some printers, not on others: beats right below each other tell that too.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_SAME = 0.85
"""Likeness of columns from which they were recorded together. Of 150 recordings of PTB-XL, cut into columns of every
layout, 98 in 100 that were cut in turn are below 0.7, and 95 in 100 that were cut at the same place above this."""

_UNLIKE = 0.775
"""Likeness up to which they were not, whatever the rhythm strip says: half-way between the two."""

_CLEARLY = 0.1
"""By how much columns must fit the page's start better than their own places: of a heart as even as a clock, both fit,
and most printers let columns follow each other."""

_DRIFT = 0.03
"""Share of a time on the page by which it may be wrong: bent paper under a camera is stretched here and there."""

_DRIFT_COST = 0.3
"""Likeness that the whole of this drift must be worth: the beats of an even heart fit somewhere near any place."""

_SMOOTH = 0.03
"""Seconds (standard deviation) over which activity is smoothed."""

_STEP = 0.02
"""Seconds between the starts that are tried."""


def columns_are_simultaneous(
    columns: Sequence[Sequence[NDArray[np.float32]]],
    strips: list[tuple[float, NDArray[np.float32]]],
    rhythm: list[NDArray[np.float32]],
    fs: float,
) -> bool | None:
    """Compare columns with each other and with the rhythm strips.

    Parameters
    ----------
    columns : sequence of sequence of ndarray
        Signals (mV) of the strips of every column, each from its own start.
    strips : list of (float, ndarray)
        For every strip beyond the first column: seconds between the row's start and the strip's, and its signal (mV).
    rhythm : list of ndarray
        Signals of the rhythm strips, from the row's start.
    fs : float
        Sampling frequency of all, Hz.

    Returns
    -------
    bool or None
        None when there is nothing to compare.

    Examples
    --------
    >>> beats = np.zeros(5000, np.float32)
    >>> beats[[300, 1100, 1800, 2700, 3400, 4300]] = 1
    >>> columns_are_simultaneous([[beats[:2500]], [beats[2500:]]], [(5.0, beats[2500:])], [beats], 500)
    False
    >>> columns_are_simultaneous([[beats[:2500]], [-beats[:2500]]], [(5.0, -beats[:2500])], [], 500)
    True
    """
    votes = []
    for below in rhythm:
        activity = activity_of(below, fs)
        for offset, strip in strips:
            own = activity_of(strip, fs)
            in_turn = _best_likeness(own, activity, offset, _DRIFT * offset, fs)
            together = _best_likeness(own, activity, 0.0, 0.0, fs)
            if in_turn is not None and together is not None:
                votes.append(together - in_turn)
    alike = _likeness_of_columns(columns, fs)
    if votes:
        # On bent paper beats stand askew under each other: the columns must bear the rhythm strip out.
        return bool(np.median(votes) > _CLEARLY) and (alike is None or alike > _UNLIKE)
    return None if alike is None else alike > _SAME


def time_passes_in_white(
    strips: Sequence[tuple[float, float, NDArray[np.float32]]], rhythm: Sequence[NDArray[np.float32]], fs: float
) -> bool:
    """Tell whether the rhythm strips' beats stand right below those of the columns that white parts.

    Parameters
    ----------
    strips : sequence of (float, float, ndarray)
        For every strip beyond the first column: seconds that the columns before it last, seconds from the row's start
        to the strip's as the page has it, white included, and its signal (mV).
    rhythm : sequence of ndarray
        Signals of the rhythm strips, from the row's start.
    fs : float
        Sampling frequency of all, Hz.

    Returns
    -------
    bool
        False when there is nothing to compare.

    Examples
    --------
    >>> beats = np.zeros(5000, np.float32)
    >>> beats[[300, 1100, 1800, 2700, 3400, 4300]] = 1
    >>> time_passes_in_white([(4.9, 5.0, beats[2500:4950])], [beats], 500)
    True
    """
    votes = []
    for below in rhythm:
        activity = activity_of(below, fs)
        for without, within, strip in strips:
            own = activity_of(strip, fs)
            apart = _likeness(own, activity[round(without * fs) :])
            below_each_other = _likeness(own, activity[round(within * fs) :])
            if apart is not None and below_each_other is not None:
                votes.append(below_each_other - apart)
    return bool(votes) and bool(np.median(votes) > 0)


def _likeness_of_columns(columns: Sequence[Sequence[NDArray[np.float32]]], fs: float) -> float | None:
    """Correlation of the columns' activities with that of the first, each from its own start; the median of them."""
    n = min((len(strip) for column in columns for strip in column), default=0)
    if len(columns) < 2 or n < fs:
        return None
    every = []
    for column in columns:
        moves = [activity for strip in column if (activity := activity_of(strip[:n], fs)).std() > 0]
        if not moves:
            return None
        every.append(np.mean([(activity - activity.mean()) / activity.std() for activity in moves], axis=0))
    return float(np.median([np.corrcoef(every[0], other)[0, 1] for other in every[1:]]))


def activity_of(signal: NDArray[np.float32], fs: float) -> NDArray[np.float64]:
    """Measure how fast the trace moves, smoothed over 60 ms: high in beats, whatever the lead's polarity.

    Parameters
    ----------
    signal : ndarray, shape (n,)
        Millivolts, NaN where hidden.
    fs : float
        Sampling frequency, Hz.

    Returns
    -------
    ndarray, shape (n,), float64
        Millivolts a sample; bridged where the signal is hidden, 0 where all of it is.

    Examples
    --------
    >>> activity_of(np.zeros(3, np.float32), 500).tolist()
    [0.0, 0.0, 0.0]
    """
    known = np.isfinite(signal)
    if not known.any():
        return np.zeros(len(signal))
    filled = np.interp(np.arange(len(signal)), np.flatnonzero(known), signal[known])
    activity: NDArray[np.float64] = ndimage.gaussian_filter1d(np.abs(np.gradient(filled)), _SMOOTH * fs)
    return activity


def _best_likeness(
    own: NDArray[np.float64], other: NDArray[np.float64], place: float, reach: float, fs: float
) -> float | None:
    """Highest likeness at any start within reach of a place (s), less what its distance costs."""
    best = None
    for drift in np.arange(-round(reach / _STEP), round(reach / _STEP) + 1) * _STEP:
        likeness = _likeness(own, other[max(0, round((place + drift) * fs)) :])
        if likeness is not None:
            score = likeness - (_DRIFT_COST * abs(drift) / reach if drift else 0.0)
            best = score if best is None else max(best, score)
    return best


def _likeness(own: NDArray[np.float64], other: NDArray[np.float64]) -> float | None:
    """Correlation of two activities from their starts on."""
    n = min(len(own), len(other))
    if n < 0.8 * len(own) or own[:n].std() == 0 or other[:n].std() == 0:
        return None
    return float(np.corrcoef(own[:n], other[:n])[0, 1])
