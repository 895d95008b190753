"""Tell which lead a rhythm strip shows by the strip itself.

A rhythm strip repeats one of the leads above it, and shows the very same beats where the lead's own strip was recorded.
No two leads draw alike, so the lead whose strip lies on the rhythm strip is the one, whatever a worn name seems to say.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_SAME = 0.1
"""Share of a strip's power that may be left when the same lead is taken off: 10 dB, far below what two leads share."""

_ALIKE = 0.5
"""The same, where no lead fits clearly better than the expected one: on bent paper strips do not lie as exactly."""

_CLEARLY = 0.25
"""Part of what the expected lead leaves that another must stay below: inferior leads are much alike, and a strip that
is traced a little wrongly somewhere leaves most of what it leaves there."""


def lead_of_rhythm(
    rhythm: NDArray[np.float32],
    strips: Sequence[tuple[str, float, NDArray[np.float32]]],
    fs: float,
    named: str | None = None,
) -> str | None:
    """Find the lead that a rhythm strip repeats.

    Parameters
    ----------
    rhythm : ndarray, shape (n,)
        Signal of the rhythm strip, mV.
    strips : sequence of (str, float, ndarray)
        Lead, start on the rhythm strip's clock (s) and signal (mV) of the other strips.
    fs : float
        Sampling frequency, Hz.
    named : str, optional
        Lead that the strip is expected to show: it stands unless its own strip does not lie on the rhythm strip.
        Neighboring chest leads may be too much alike for the best match to be told from the next.

    Returns
    -------
    str or None
        None when no strip lies on the rhythm strip.

    Examples
    --------
    >>> t = np.arange(5000) / 500
    >>> lead, other = np.sin(7 * t) ** 15, np.cos(9 * t) ** 9
    >>> lead_of_rhythm(lead, [("V1", 2.5, other[1250:2500]), ("V5", 5.0, lead[2500:3750])], 500)
    'V5'
    """
    best: tuple[float, str | None] = (np.inf, None)
    expected = np.inf
    reach = int(0.02 * fs)
    for lead, start, signal in strips:
        first = round(start * fs)
        for shift in range(-reach, reach + 1, 2):
            here = rhythm[max(0, first + shift) : max(0, first + shift + len(signal))]
            own = signal[max(0, -first - shift) :][: len(here)]
            known = np.isfinite(here) & np.isfinite(own)
            if known.sum() < max(0.6 * len(signal), 1):
                continue
            left = share_left(own[known], here[known])
            if left < _SAME and lead == named:
                return named
            if lead == named:
                expected = min(expected, left)
            if left < best[0]:
                best = left, lead
    if expected < _ALIKE and best[0] > _CLEARLY * expected:
        return named
    # Where the expected lead does not lie there, another one does that leaves far less.
    return best[1] if best[0] < max(_SAME, min(_ALIKE, _CLEARLY * expected) if np.isfinite(expected) else 0.0) else None


def share_left(signal: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Share of a signal's power that is left when another is taken off, both about their means.

    Parameters
    ----------
    signal, other : ndarray, shape (n,)

    Returns
    -------
    float

    Examples
    --------
    >>> share_left(np.array([1.0, 3.0]), np.array([5.0, 6.0]))
    0.25
    """
    a, b = signal - signal.mean(), other - other.mean()
    return float(((a - b) ** 2).sum() / max(float((a**2).sum()), 1e-9))
