"""How well the strips of a page agree with each other.

All leads of a heart beat at once, and a lead that is printed twice is the same twice. A strip that beats where no other
does was traced wrongly or stands at a wrong time, whatever its ink looks like.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitize.layout.rhythm import share_left
from digitize.layout.timing import activity_of
from digitize.records.results import Strip

_LEAST = 1.0
"""Seconds that two strips must share to be compared."""
_REACH = 0.02
"""Seconds by which two prints of a lead may be apart."""


@dataclass(frozen=True)
class Agreement:
    """Measures of what strips have in common.

    Attributes
    ----------
    own, beside : tuple of ndarray
        For every strip, at each of its samples: its activity and the mean activity of the others at that time, 1 where
        they are as active as they are in the mean; 1 where there is nothing to compare.
    together : ndarray, shape (strips,)
        Correlation of a strip's activity with that of the others; 0 where there is nothing to compare.
    repeated : ndarray, shape (strips,)
        Share of a strip's power that is left when another print of the same lead at the same time is taken off; NaN
        where no other is.
    """

    own: tuple[NDArray[np.float32], ...]
    beside: tuple[NDArray[np.float32], ...]
    together: NDArray[np.float32]
    repeated: NDArray[np.float32]


def compare_strips(strips: Sequence[Strip], fs: int) -> Agreement:
    """Compare the strips of a page with each other.

    Parameters
    ----------
    strips : sequence of Strip
        At their times, under their names.
    fs : int
        Their sampling frequency, Hz.

    Returns
    -------
    Agreement

    Examples
    --------
    >>> beats = np.zeros(1500, np.float32)
    >>> beats[100::400] = 1.0
    >>> def strip(lead, row, signal):
    ...     return Strip(lead, row, 0, 0.0, signal, np.ones(1500, np.float32), np.zeros((1500, 2)), "read")
    >>> found = compare_strips([strip("I", 0, beats), strip("II", 1, 2 * beats), strip("I", 2, beats)], 500)
    >>> found.together.round(2).tolist(), found.repeated.tolist()
    ([1.0, 1.0, 1.0], [0.0, nan, 0.0])
    """
    first = [round(strip.start * fs) for strip in strips]
    length = max((start + len(strip.signal) for start, strip in zip(first, strips, strict=True)), default=0)
    activity = np.full((len(strips), length), np.nan, np.float32)
    for k, strip in enumerate(strips):
        activity[k, first[k] : first[k] + len(strip.signal)] = _relative_activity(strip.signal, fs)
    known = np.isfinite(activity)
    filled = np.where(known, activity, 0.0)
    others = (filled.sum(axis=0) - filled) / np.maximum(known.sum(axis=0) - known, 1)
    seen = known & (known.sum(axis=0) > 1)
    own, beside, together = [], [], np.zeros(len(strips), np.float32)
    for k, strip in enumerate(strips):
        span = slice(first[k], first[k] + len(strip.signal))
        own.append(np.where(known[k, span], filled[k, span], 1.0).astype(np.float32))
        beside.append(np.where(seen[k, span], others[k, span], 1.0).astype(np.float32))
        a, b = activity[k, seen[k]], others[k, seen[k]]
        if len(a) >= _LEAST * fs and a.std() > 0 and b.std() > 0:
            together[k] = np.corrcoef(a, b)[0, 1]
    return Agreement(tuple(own), tuple(beside), together, _repeated(strips, first, fs))


def _relative_activity(signal: NDArray[np.float32], fs: int) -> NDArray[np.float32]:
    """How fast a strip moves, in units of its mean; NaN where it is hidden."""
    moving = activity_of(signal, fs)
    mean = max(float(moving.mean()), 1e-9) if len(moving) else 1.0
    return np.where(np.isfinite(signal), moving / mean, np.nan).astype(np.float32)


def _repeated(strips: Sequence[Strip], first: list[int], fs: int) -> NDArray[np.float32]:
    left = np.full(len(strips), np.nan, np.float32)
    reach = round(_REACH * fs)
    for k, strip in enumerate(strips):
        for j, other in enumerate(strips):
            if j == k or other.lead != strip.lead:
                continue
            for shift in range(-reach, reach + 1, 2):
                offset = first[k] - first[j] + shift
                here = other.signal[max(0, offset) : max(0, offset + len(strip.signal))]
                mine = strip.signal[max(0, -offset) :][: len(here)]
                both = np.isfinite(here[: len(mine)]) & np.isfinite(mine)
                if both.sum() < _LEAST * fs:
                    continue
                left[k] = np.fmin(left[k], share_left(mine[both], here[: len(mine)][both]))
    return left
