"""Gather what every format writes: the twelve standard leads, and after them the others that a page shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from digitize.records.layouts import LEAD_NAMES, OTHER_NAMES

if TYPE_CHECKING:
    from digitize.records.results import LeadData, Strip

UNITS_PER_MV = 1000
"""Digital units per millivolt in 16-bit formats: one unit is a microvolt."""

INVALID = -32768
"""The digital sample that stands for "not known" in 16-bit formats; `wfdb.rdrecord` gives NaN for it."""


@dataclass(frozen=True, eq=False)
class Channels:
    """Leads as a file holds them.

    Attributes
    ----------
    names : tuple of str
        Lead names, the standard twelve first.
    signal : ndarray, shape (channels, n), float32
        Millivolts; NaN where the page shows nothing.
    confidence : ndarray, shape (channels, n), float32
        0 where nothing is known to 1.
    fs : int
        Sampling frequency in Hz.
    """

    names: tuple[str, ...]
    signal: NDArray[np.float32]
    confidence: NDArray[np.float32]
    fs: int

    def shown(self) -> Channels:
        """Keep the leads of which the page shows something."""
        seen = np.asarray(np.isfinite(self.signal).any(axis=1))
        names = tuple(name for name, kept in zip(self.names, seen, strict=True) if kept)
        return Channels(names, self.signal[seen], self.confidence[seen], self.fs)


def channels_of(leads: LeadData) -> Channels:
    """Take the leads that a file is to hold.

    Parameters
    ----------
    leads : LeadData

    Returns
    -------
    Channels
        Copies of the twelve rows of `leads`, and one more row for each other lead among its strips, in the order of
        `digitize.records.layouts.OTHER_NAMES`; one that is printed twice takes the longer strip.
    """
    others = [(name, _longest(leads, name)) for name in OTHER_NAMES]
    names = [*LEAD_NAMES, *(name for name, strip in others if strip is not None)]
    n = leads.signal.shape[1]
    signal = np.full((len(names), n), np.nan, np.float32)
    confidence = np.zeros((len(names), n), np.float32)
    signal[: len(LEAD_NAMES)], confidence[: len(LEAD_NAMES)] = leads.signal, leads.confidence
    for name, strip in others:
        if strip is not None:
            start, row = round(strip.start * leads.fs), names.index(name)
            kept = slice(start, start + len(strip.signal))
            length = len(signal[row, kept])
            signal[row, kept], confidence[row, kept] = strip.signal[:length], strip.confidence[:length]
    return Channels(tuple(names), signal, confidence, leads.fs)


def _longest(leads: LeadData, name: str) -> Strip | None:
    strips = [strip for strip in leads.strips if strip.lead == name]
    return max(strips, key=lambda strip: len(strip.signal), default=None)


def to_digital(signal: NDArray[np.float32]) -> NDArray[np.int16]:
    """Convert millivolts to 16-bit samples of a microvolt.

    Parameters
    ----------
    signal : ndarray, any shape, float
        Millivolts; what is beyond +-32.767 mV is clipped there.

    Returns
    -------
    ndarray, same shape, int16
        Microvolts; `INVALID` for NaN.

    Examples
    --------
    >>> to_digital(np.array([0.0015, -99, np.nan])).tolist()
    [2, -32767, -32768]
    """
    return quantize(signal, 1 / UNITS_PER_MV)


def quantize(signal: NDArray[np.float32], step: float) -> NDArray[np.int16]:
    """Convert millivolts to 16-bit samples.

    Parameters
    ----------
    signal : ndarray, any shape, float
        Millivolts; what is beyond 32767 steps is clipped there.
    step : float
        Millivolts a unit.

    Returns
    -------
    ndarray, same shape, int16
        The nearest units, -32767 to 32767; `INVALID` for NaN.
    """
    units = np.clip(np.rint(np.asarray(signal, np.float64) / step), -32767, 32767)
    return np.where(np.isnan(signal), INVALID, np.nan_to_num(units)).astype(np.int16)


def find_gaps(signal: NDArray[np.float32]) -> NDArray[np.int64]:
    """Find where one lead shows nothing.

    Parameters
    ----------
    signal : ndarray, shape (n,)

    Returns
    -------
    ndarray, shape (gaps, 2), int64
        First sample of each run of NaN, and the one after its last.

    Examples
    --------
    >>> find_gaps(np.array([np.nan, 1, np.nan, np.nan])).tolist()
    [[0, 1], [2, 4]]
    """
    edges = np.diff(np.isnan(signal).astype(np.int8), prepend=0, append=0)
    return np.flatnonzero(edges).reshape(-1, 2)
