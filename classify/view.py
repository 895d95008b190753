"""What a page shows, as the network sees it.

A 3x4 page shows each lead for 2.5 s, one column after another, and one lead for 10 s. The short strips are stacked as
if they had been recorded together, which keeps the network's input dense whatever the layout; the long strip stands
beside them for the rhythm. Training cuts real recordings into the same pieces (`cut_to_layout`) and takes them through
the same function, so what is learned is what is met.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from digitize.layouts import LEAD_NAMES, Layout, find_layout
from digitize.leads import Leads

FS = 100
"""Sampling frequency of a view in Hz."""

RHYTHM_SAMPLES = 10 * FS
"""Length of the rhythm strip of a view: ten seconds, shorter ones are padded as unseen."""

ABSENT = len(LEAD_NAMES)
"""`View.rhythm_lead` of a page without a rhythm strip."""

SHORTEST_RHYTHM_S = 4.0
"""A strip must show as many seconds to be a rhythm strip."""

_SHORTEST_STRIP_S = 1.0
_LIMIT_MV = 5.0
_RHYTHM_PREFERENCE = ("II", "V1", "V5", *(lead for lead in LEAD_NAMES if lead not in ("II", "V1", "V5")))


class Piece(NamedTuple):
    """A run of one lead.

    Attributes
    ----------
    lead : str
        One of `digitize.layouts.LEAD_NAMES`.
    signal : ndarray, shape (n,)
        Millivolts, NaN where hidden.
    """

    lead: str
    signal: NDArray[np.float32]


@dataclass(frozen=True)
class View:
    """One page as the network's input, at 100 Hz, in millivolts about each strip's median.

    Attributes
    ----------
    strips : ndarray, shape (12, length), float32
        The strips side by side in time; 0 where nothing is seen.
    strips_seen : ndarray, shape (12, length), float32
        1 where `strips` holds a sample of the page, else 0.
    rhythm : ndarray, shape (1000,), float32
        The rhythm strip; 0 where nothing is seen.
    rhythm_seen : ndarray, shape (1000,), float32
        1 where `rhythm` holds a sample of the page, else 0.
    rhythm_lead : int
        Index of the rhythm strip's lead among the standard twelve, or `ABSENT`.
    """

    strips: NDArray[np.float32]
    strips_seen: NDArray[np.float32]
    rhythm: NDArray[np.float32]
    rhythm_seen: NDArray[np.float32]
    rhythm_lead: int


def cut_to_layout(
    signal: NDArray[np.float32], layout: Layout | str, starts: Sequence[int] | None = None
) -> tuple[Piece, ...]:
    """Cut a recording into the strips that a page of it would show.

    Parameters
    ----------
    signal : ndarray, shape (12, n)
        The recording at any sampling frequency.
    layout : Layout or str
        A layout or its name; the rectangle's columns share the recording's length equally.
    starts : sequence of int, optional
        First sample of each column; by default the columns follow one another as printed.

    Returns
    -------
    tuple of Piece
        The rectangle row by row, then the rhythm strips.

    Raises
    ------
    ValueError
        If the signal does not have twelve leads, a start does not fit into it, or the layout is unknown.

    Examples
    --------
    >>> pieces = cut_to_layout(np.zeros((12, 1000), np.float32), "3x4+II")
    >>> len(pieces), pieces[3].lead, len(pieces[3].signal), len(pieces[-1].signal)
    (13, 'V4', 250, 1000)
    """
    if signal.ndim != 2 or len(signal) != len(LEAD_NAMES):
        raise ValueError(f"signal has shape {signal.shape}; allowed: (12, n)")
    page = find_layout(layout) if isinstance(layout, str) else layout
    length = signal.shape[1] // page.columns
    if starts is None:
        starts = [column * length for column in range(page.columns)]
    if len(starts) != page.columns or min(starts) < 0 or max(starts) + length > signal.shape[1]:
        raise ValueError(
            f"starts are {list(starts)}; allowed: {page.columns} numbers from 0 to {signal.shape[1] - length}"
        )
    rectangle = [
        Piece(lead.lstrip("-"), signal[LEAD_NAMES.index(lead.lstrip("-")), start : start + length])
        for row in page.rows
        for lead, start in zip(row, starts, strict=True)
    ]
    return (*rectangle, *(Piece(lead, signal[LEAD_NAMES.index(lead)]) for lead in page.rhythm))


def _at_view_rate(signal: NDArray[np.float32], fs: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Median to zero, gaps bridged for the filter and then emptied, polyphase resampling to `FS`; signal and seen."""
    finite = np.isfinite(signal)
    if not finite.any():
        empty = np.zeros(round(len(signal) * FS / fs), np.float32)
        return empty, empty.copy()
    whole = bool(finite.all())
    centred = np.asarray(signal - np.median(signal if whole else signal[finite]), dtype=np.float32)
    if not whole:
        samples = np.arange(len(signal))
        centred = np.interp(samples, samples[finite], centred[finite]).astype(np.float32)
    if fs != FS:
        from scipy.signal import resample_poly

        divisor = gcd(fs, FS)
        centred = resample_poly(centred, FS // divisor, fs // divisor, padtype="edge").astype(np.float32)
        nearest = np.minimum(np.round(np.arange(len(centred)) * fs / FS).astype(int), len(finite) - 1)
        finite = finite[nearest]
    seen = finite.astype(np.float32)
    return np.clip(centred, -_LIMIT_MV, _LIMIT_MV) * seen, seen


def longest_piece(pieces: Sequence[Piece]) -> Piece | None:
    """Choose the strip to read a rhythm from.

    Parameters
    ----------
    pieces : sequence of Piece
        The strips in any order.

    Returns
    -------
    Piece or None
        The longest one; of those as long within a tenth, lead II before V1 before V5 before the others. None when
        there is no strip.

    Examples
    --------
    >>> longest_piece(cut_to_layout(np.zeros((12, 1000), np.float32), "12x1")).lead
    'II'
    """
    longest = max((len(piece.signal) for piece in pieces), default=0)
    return min(
        (piece for piece in pieces if len(piece.signal) >= 0.9 * longest),
        key=lambda piece: (_RHYTHM_PREFERENCE.index(piece.lead), -len(piece.signal)),
        default=None,
    )


def view_pieces(pieces: Sequence[Piece], fs: int) -> View:
    """Stack the strips of a page and choose its rhythm strip.

    The strips' common length is their median length. A lead that is printed twice is stacked from the strip whose
    length is nearest to it; the rhythm strip is `longest_piece`, if it shows at least 4 s.

    Parameters
    ----------
    pieces : sequence of Piece
        The strips in any order.
    fs : int
        Their sampling frequency in Hz.

    Returns
    -------
    View

    Raises
    ------
    ValueError
        If a lead's name is unknown or no strip has a second of signal.

    Examples
    --------
    >>> view = view_pieces(cut_to_layout(np.zeros((12, 5000), np.float32), "3x4+V1"), fs=500)
    >>> view.strips.shape, LEAD_NAMES[view.rhythm_lead]
    ((12, 250), 'V1')
    """
    for piece in pieces:
        if piece.lead not in LEAD_NAMES:
            raise ValueError(f"unknown lead {piece.lead!r}; allowed: {', '.join(LEAD_NAMES)}")
    usable = [piece for piece in pieces if np.isfinite(piece.signal).sum() >= _SHORTEST_STRIP_S * fs]
    if not usable:
        raise ValueError(f"no strip holds {_SHORTEST_STRIP_S:g} s of signal: there is nothing to read")
    typical = float(np.median([len(piece.signal) for piece in usable]))
    length = round(typical * FS / fs)
    strips = np.zeros((len(LEAD_NAMES), length), np.float32)
    strips_seen = np.zeros_like(strips)
    for row, lead in enumerate(LEAD_NAMES):
        of_lead = [piece.signal for piece in usable if piece.lead == lead]
        if of_lead:
            nearest = min(of_lead, key=lambda signal: abs(len(signal) - typical))
            values, seen = _at_view_rate(nearest[: round(typical)], fs)
            n = min(length, len(values))
            strips[row, :n], strips_seen[row, :n] = values[:n], seen[:n]

    rhythm = np.zeros(RHYTHM_SAMPLES, np.float32)
    rhythm_seen = np.zeros_like(rhythm)
    rhythm_lead = ABSENT
    chosen = longest_piece(usable)
    if chosen is not None and len(chosen.signal) >= SHORTEST_RHYTHM_S * fs:
        values, seen = _at_view_rate(chosen.signal[: RHYTHM_SAMPLES * fs // FS], fs)
        rhythm[: len(values)], rhythm_seen[: len(values)] = values, seen
        rhythm_lead = LEAD_NAMES.index(chosen.lead)
    return View(strips, strips_seen, rhythm, rhythm_seen, rhythm_lead)


def pieces_of(leads: Leads) -> tuple[Piece, ...]:
    """Take the strips of a digitised page as pieces.

    Parameters
    ----------
    leads : Leads

    Returns
    -------
    tuple of Piece
    """
    return tuple(Piece(strip.lead, strip.signal) for strip in leads.strips if strip.lead in LEAD_NAMES)


def view_leads(leads: Leads) -> View:
    """Take the network's input from a digitised page.

    Parameters
    ----------
    leads : Leads
        A page's strips.

    Returns
    -------
    View

    Raises
    ------
    ValueError
        If no strip has a second of signal.
    """
    return view_pieces(pieces_of(leads), leads.fs)
