"""What a page shows, as the network sees it.

A 3x4 page shows each lead for 2.5 s, one column after another, and one lead for 10 s. The beats of every column are
laid over each other (`classify.signal.stack`), so that the twelve leads stand together whatever the layout; the long
strip stands beside them for the rhythm, with what its intervals tell. Training cuts real recordings into the same
pieces (`cut_to_layout`) and takes them through the same function, so what is learned is what is met.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from classify.records.segments import StripSegment, longest_segment, segments_from_leads
from classify.signal.stack import AFTER_S, BEFORE_S, Stack, stack_beats
from digitize.leads import Leads
from digitize.records.layouts import LEAD_NAMES, Layout, find_layout, lead_of

FS = 100
"""Sampling frequency of a view in Hz."""

BEAT_SAMPLES = round((BEFORE_S + AFTER_S) * FS)
"""Length of an averaged beat of a view."""

RHYTHM_SAMPLES = 10 * FS
"""Length of the rhythm strip of a view: ten seconds, shorter ones are padded as unseen."""

ABSENT = len(LEAD_NAMES)
"""`View.rhythm_lead` of a page without a rhythm strip."""

SHORTEST_RHYTHM_S = 4.0
"""A strip must show as many seconds to be a rhythm strip."""

INTERVALS = (
    *("known", "median", "variation", "change", "shortest", "longest", "alike", "least_alike", "seconds"),
    "seen_leads",
)
"""What is measured of the beats of a page: whether there are two in a strip, their median interval (s), its relative
standard deviation and mean change, the shortest and longest over the median less 1, how alike the QRS complexes are
(mean and least correlation), the length of the strip over ten seconds, and the share of leads seen."""

_SHORTEST_STRIP_S = 1.0
_LIMIT_MV = 5.0
_SAME_MOMENT_S = 0.15
"""Strips that start and end within as much of each other were recorded together."""
_USUAL_S = 0.8


class Place(NamedTuple):
    """What of a view a piece gave.

    Attributes
    ----------
    beats : ndarray, shape (beats,), int64, or None
        Samples at `FS` of the middles of its QRS complexes; None where its lead's beat is another piece's.
    is_rhythm : bool
        Whether it is the rhythm strip.
    """

    beats: NDArray[np.int64] | None
    is_rhythm: bool


@dataclass(frozen=True)
class View:
    """One page as the network's input, at 100 Hz, in millivolts about each strip's median.

    Attributes
    ----------
    beats : ndarray, shape (12, BEAT_SAMPLES), float32
        The averaged beat of every lead; 0 where nothing is seen.
    beats_seen : ndarray, shape (12, BEAT_SAMPLES), float32
        How sure `beats` is, 0 (nothing is seen) to 1.
    intervals : ndarray, shape (len(INTERVALS),), float32
        See `INTERVALS`.
    rhythm : ndarray, shape (1000,), float32
        The rhythm strip; 0 where nothing is seen.
    rhythm_seen : ndarray, shape (1000,), float32
        How sure `rhythm` is, 0 to 1.
    rhythm_lead : int
        Index of the rhythm strip's lead among the standard twelve, or `ABSENT`.
    """

    beats: NDArray[np.float32]
    beats_seen: NDArray[np.float32]
    intervals: NDArray[np.float32]
    rhythm: NDArray[np.float32]
    rhythm_seen: NDArray[np.float32]
    rhythm_lead: int


def cut_to_layout(
    signal: NDArray[np.float32], layout: Layout | str, starts: Sequence[int] | None = None, *, fs: int = FS
) -> tuple[StripSegment, ...]:
    """Cut a recording into the strips that a page of it would show.

    Parameters
    ----------
    signal : ndarray, shape (12, n)
        The recording.
    layout : Layout or str
        A layout or its name; the rectangle's columns share the recording's length equally.
    starts : sequence of int, optional
        First sample of each column; by default the columns follow one another as printed.
    fs : int
        Its sampling frequency in Hz.

    Returns
    -------
    tuple of StripSegment
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
    unknown = {lead_of(label) for label in page.labels} - set(LEAD_NAMES)
    if unknown:
        raise ValueError(f"unknown lead {min(unknown)!r} in layout {page.name!r}; allowed: {', '.join(LEAD_NAMES)}")
    length = signal.shape[1] // page.columns
    if starts is None:
        starts = [column * length for column in range(page.columns)]
    if len(starts) != page.columns or min(starts) < 0 or max(starts) + length > signal.shape[1]:
        raise ValueError(
            f"starts are {list(starts)}; allowed: {page.columns} numbers from 0 to {signal.shape[1] - length}"
        )
    rectangle = [
        StripSegment(
            lead_of(label), signal[LEAD_NAMES.index(lead_of(label)), start : start + length], place * length / fs
        )
        for row in page.rows
        for place, (label, start) in enumerate(zip(row, starts, strict=True))
    ]
    return (*rectangle, *(StripSegment(lead, signal[LEAD_NAMES.index(lead)]) for lead in page.rhythm))


def view_pieces(pieces: Sequence[StripSegment], fs: int) -> View:
    """Stack the beats of a page and choose its rhythm strip; see `place_pieces`.

    Parameters
    ----------
    pieces : sequence of StripSegment
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
    >>> view = view_pieces(cut_to_layout(np.zeros((12, 5000), np.float32), "3x4+V1", fs=500), fs=500)
    >>> view.beats.shape, LEAD_NAMES[view.rhythm_lead]
    ((12, 100), 'V1')
    """
    return place_pieces(pieces, fs)[0]


def place_pieces(pieces: Sequence[StripSegment], fs: int) -> tuple[View, tuple[Place, ...]]:
    """Stack the beats of a page, choose its rhythm strip, and tell what of the view each piece gave.

    A lead that is printed twice is taken from where more leads stand together; the rhythm strip is `longest_segment`,
    if it shows at least 4 s. Without one, the intervals are those of the columns.

    Parameters
    ----------
    pieces : sequence of StripSegment
        The strips in any order.
    fs : int
        Their sampling frequency in Hz.

    Returns
    -------
    view : View
    places : tuple of Place
        One a piece.

    Raises
    ------
    ValueError
        If a lead's name is unknown or no strip has a second of signal.
    """
    for piece in pieces:
        if piece.lead not in LEAD_NAMES:
            raise ValueError(f"unknown lead {piece.lead!r}; allowed: {', '.join(LEAD_NAMES)}")
    usable = [k for k, piece in enumerate(pieces) if np.isfinite(piece.signal).sum() >= _SHORTEST_STRIP_S * fs]
    if not usable:
        raise ValueError(f"no strip holds {_SHORTEST_STRIP_S:g} s of signal")
    slow = {k: _at_view_rate(pieces[k], fs) for k in usable}
    groups = _recorded_together([(k, pieces[k]) for k in usable], fs)
    stacks = [_stacked([slow[k] for k in group]) for group in groups]
    beats = np.zeros((len(LEAD_NAMES), BEAT_SAMPLES), np.float32)
    beats_seen = np.zeros_like(beats)
    giver: dict[int, tuple[int, Stack]] = {}
    for group, stack in sorted(zip(groups, stacks, strict=True), key=lambda of: len(of[0])):
        for place, k in enumerate(group):
            row = LEAD_NAMES.index(pieces[k].lead)
            beats[row], beats_seen[row] = stack.average[place], stack.seen[place]
            giver[row] = (k, stack)

    rhythm = np.zeros(RHYTHM_SAMPLES, np.float32)
    rhythm_seen = np.zeros_like(rhythm)
    rhythm_lead = ABSENT
    timed = list(zip(stacks, (len(slow[group[0]].signal) for group in groups), strict=True))
    long = longest_segment(list(slow.values()))
    if long is not None and len(long.signal) >= SHORTEST_RHYTHM_S * FS:
        shown = long.signal[:RHYTHM_SAMPLES]
        rhythm[: len(shown)] = np.nan_to_num(shown)
        rhythm_seen[: len(shown)] = _sure(long)[:RHYTHM_SAMPLES]
        rhythm_lead = LEAD_NAMES.index(long.lead)
        timed = [of for of, group in zip(timed, groups, strict=True) if any(slow[k] is long for k in group)]
    told = [_intervals(stack, length) for stack, length in timed]
    known = [values for values in told if values[0]] or told
    intervals = np.append(np.mean(known, axis=0), beats_seen.any(axis=1).mean())
    at = {k: stack.at for k, stack in giver.values()}
    places = tuple(Place(at.get(k), rhythm_lead != ABSENT and slow.get(k) is long) for k in range(len(pieces)))
    return View(beats, beats_seen, intervals.astype(np.float32), rhythm, rhythm_seen, rhythm_lead), places


def view_leads(leads: Leads) -> View:
    """Take the network's input from a digitized page.

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
    return view_pieces(segments_from_leads(leads), leads.fs)


def _recorded_together(pieces: Sequence[tuple[int, StripSegment]], fs: int) -> list[list[int]]:
    """Part numbered pieces by the moment that they show; of a lead that is twice in a group, the first is taken."""
    groups: list[list[tuple[int, StripSegment]]] = []
    for number, piece in pieces:
        end = piece.start + len(piece.signal) / fs
        for group in groups:
            first = group[0][1]
            same_end = abs(first.start + len(first.signal) / fs - end) < _SAME_MOMENT_S
            if abs(first.start - piece.start) < _SAME_MOMENT_S and same_end:
                if piece.lead not in [other.lead for _, other in group]:
                    group.append((number, piece))
                break
        else:
            groups.append([(number, piece)])
    return [[number for number, _ in group] for group in groups]


def _at_view_rate(piece: StripSegment, fs: int) -> StripSegment:
    """Median to zero, polyphase resampling to `FS` with gaps bridged for the filter and emptied again."""
    signal = piece.signal
    finite = np.isfinite(signal)
    whole = bool(finite.all())
    centered = np.asarray(signal - np.median(signal if whole else signal[finite]), dtype=np.float32)
    sure = np.ones(len(signal), np.float32) if piece.confidence is None else piece.confidence
    if not whole:
        samples = np.arange(len(signal))
        centered = np.interp(samples, samples[finite], centered[finite]).astype(np.float32)
    if fs != FS:
        from scipy.signal import resample_poly

        divisor = gcd(fs, FS)
        centered = resample_poly(centered, FS // divisor, fs // divisor, padtype="edge").astype(np.float32)
        nearest = np.minimum(np.round(np.arange(len(centered)) * fs / FS).astype(int), len(finite) - 1)
        finite, sure = finite[nearest], sure[nearest]
    shown = np.where(finite, np.clip(centered, -_LIMIT_MV, _LIMIT_MV), np.float32(np.nan))
    return StripSegment(piece.lead, shown, piece.start, sure)


def _stacked(group: Sequence[StripSegment]) -> Stack:
    """Stack pieces at `FS` that were recorded together."""
    length = min(len(piece.signal) for piece in group)
    return stack_beats(
        np.stack([piece.signal[:length] for piece in group]), np.stack([_sure(piece)[:length] for piece in group]), FS
    )


def _sure(piece: StripSegment) -> NDArray[np.float32]:
    """Confidence of a piece, 0 where it is hidden."""
    sure = np.ones(len(piece.signal), np.float32) if piece.confidence is None else piece.confidence
    return np.where(np.isfinite(piece.signal), sure, np.float32(0.0))


def _intervals(stack: Stack, length: int) -> NDArray[np.float64]:
    """`INTERVALS` of one strip of `length` samples, but for the share of leads."""
    seconds = min(length, RHYTHM_SAMPLES) / RHYTHM_SAMPLES
    intervals = np.diff(stack.at) / FS
    if len(intervals) == 0:
        return np.array([0.0, _USUAL_S, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, seconds])
    median = float(np.median(intervals))
    change = float(np.abs(np.diff(intervals)).mean()) / median if len(intervals) > 1 else 0.0
    spread = (float(intervals.std()) / median, change, intervals.min() / median - 1, intervals.max() / median - 1)
    return np.array([1.0, median, *spread, float(stack.alike.mean()), float(stack.alike.min()), seconds])
