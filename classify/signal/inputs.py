"""The input of the arrhythmia network, made of the strips of a page.

A 3x4 page shows each lead for 2.5 s, one column after another, and one lead for 10 s. The beats of every column are
averaged (`classify.signal.averaged_beats`), so that the twelve leads stand together whatever the layout; the longest
strip adds the rhythm, with its intervals. Training cuts real recordings into the same segments (`cut_to_layout`) and
takes them through the same function, so what is learned is what is met.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from classify.records.segments import StripSegment, longest_segment, segments_from_leads
from classify.signal.averaged_beats import AFTER_S, BEFORE_S, AveragedBeats, average_beats
from digitize.leads import Leads
from digitize.records.layouts import LEAD_NAMES, Layout, find_layout, lead_of

FS = 100
"""Sampling frequency of the input in Hz."""

BEAT_SAMPLES = round((BEFORE_S + AFTER_S) * FS)
"""Samples of an averaged beat."""

RHYTHM_SAMPLES = 10 * FS
"""Samples of the rhythm strip: ten seconds, shorter ones are padded as unseen."""

ABSENT = len(LEAD_NAMES)
"""`NetworkInput.rhythm_lead` of a page without a rhythm strip."""

SHORTEST_RHYTHM_S = 4.0
"""A strip must show as many seconds to be a rhythm strip."""

INTERVALS = (
    *("known", "median", "variation", "change", "shortest", "longest", "alike", "least_alike", "seconds"),
    "seen_leads",
)
"""Measures of the beats of a page: whether there are two in a strip, their median interval (s), its relative
standard deviation and mean change, the shortest and longest over the median less 1, how alike the QRS complexes are
(mean and least correlation), the length of the strip over ten seconds, and the share of leads seen."""

_SHORTEST_STRIP_S = 1.0
_LIMIT_MV = 5.0
_SAME_MOMENT_S = 0.15
"""Strips that start and end within as much of each other were recorded together."""
_USUAL_S = 0.8


class StripLocation(NamedTuple):
    """The part of a segment in a network's input.

    Attributes
    ----------
    beats : ndarray, shape (beats,), int64, or None
        Samples at `FS` of the middles of its QRS complexes; None where its lead's beat is another segment's.
    is_rhythm : bool
        Whether it is the rhythm strip.
    """

    beats: NDArray[np.int64] | None
    is_rhythm: bool


@dataclass(frozen=True)
class NetworkInput:
    """One page as the network's input, at 100 Hz, in millivolts about each strip's median.

    Attributes
    ----------
    beats : ndarray, shape (12, BEAT_SAMPLES), float32
        The averaged beat of every lead; 0 where nothing is seen.
    beats_seen : ndarray, shape (12, BEAT_SAMPLES), float32
        Confidence of `beats`, 0 (nothing is seen) to 1.
    intervals : ndarray, shape (len(INTERVALS),), float32
        See `INTERVALS`.
    rhythm : ndarray, shape (1000,), float32
        The rhythm strip; 0 where nothing is seen.
    rhythm_seen : ndarray, shape (1000,), float32
        Confidence of `rhythm`, 0 to 1.
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
    >>> segments = cut_to_layout(np.zeros((12, 1000), np.float32), "3x4+II")
    >>> len(segments), segments[3].lead, len(segments[3].signal), len(segments[-1].signal)
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


def input_from_leads(leads: Leads) -> NetworkInput:
    """Make the network's input of a digitized page.

    Parameters
    ----------
    leads : Leads
        A page's strips.

    Returns
    -------
    NetworkInput

    Raises
    ------
    ValueError
        If no strip has a second of signal.
    """
    return input_from_segments(segments_from_leads(leads), leads.fs)


def input_from_segments(segments: Sequence[StripSegment], fs: int) -> NetworkInput:
    """Average the beats of a page and choose its rhythm strip; see `locate_segments`.

    Parameters
    ----------
    segments : sequence of StripSegment
        The strips in any order.
    fs : int
        Their sampling frequency in Hz.

    Returns
    -------
    NetworkInput

    Raises
    ------
    ValueError
        If a lead's name is unknown or no strip has a second of signal.

    Examples
    --------
    >>> page = input_from_segments(cut_to_layout(np.zeros((12, 5000), np.float32), "3x4+V1", fs=500), fs=500)
    >>> page.beats.shape, LEAD_NAMES[page.rhythm_lead]
    ((12, 100), 'V1')
    """
    return locate_segments(segments, fs)[0]


def locate_segments(segments: Sequence[StripSegment], fs: int) -> tuple[NetworkInput, tuple[StripLocation, ...]]:
    """Average the beats of a page, choose its rhythm strip, and tell where each segment went.

    A lead that is printed twice is taken from where more leads stand together; the rhythm strip is `longest_segment`,
    if it shows at least 4 s. Without one, the intervals are those of the columns.

    Parameters
    ----------
    segments : sequence of StripSegment
        The strips in any order.
    fs : int
        Their sampling frequency in Hz.

    Returns
    -------
    page : NetworkInput
    locations : tuple of StripLocation
        One a segment.

    Raises
    ------
    ValueError
        If a lead's name is unknown or no strip has a second of signal.
    """
    resampled = {k: _resample(segments[k], fs) for k in _usable(segments, fs)}
    groups = _recorded_together([(k, segments[k]) for k in resampled], fs)
    averages = [_average([resampled[k] for k in group]) for group in groups]
    beats, beats_seen, qrs = _beats_by_lead(segments, groups, averages)
    strip = _rhythm_strip(list(resampled.values()))
    timed = [number for number, group in enumerate(groups) if any(resampled[k] is strip for k in group)]
    lengths = {n: len(resampled[groups[n][0]].signal) for n in timed or range(len(groups))}
    intervals = _mean_intervals([(averages[n], length) for n, length in lengths.items()])
    page = NetworkInput(
        beats, beats_seen, np.append(intervals, beats_seen.any(axis=1).mean()).astype(np.float32), *_rhythm(strip)
    )
    is_rhythm = [strip is not None and resampled.get(k) is strip for k in range(len(segments))]
    return page, tuple(StripLocation(qrs.get(k), is_long) for k, is_long in enumerate(is_rhythm))


def _usable(segments: Sequence[StripSegment], fs: int) -> list[int]:
    """Number the segments that show a second."""
    for segment in segments:
        if segment.lead not in LEAD_NAMES:
            raise ValueError(f"unknown lead {segment.lead!r}; allowed: {', '.join(LEAD_NAMES)}")
    usable = [k for k, segment in enumerate(segments) if np.isfinite(segment.signal).sum() >= _SHORTEST_STRIP_S * fs]
    if not usable:
        raise ValueError(f"no strip holds {_SHORTEST_STRIP_S:g} s of signal")
    return usable


def _beats_by_lead(
    segments: Sequence[StripSegment], groups: Sequence[Sequence[int]], averages: Sequence[AveragedBeats]
) -> tuple[NDArray[np.float32], NDArray[np.float32], dict[int, NDArray[np.int64]]]:
    """Take each lead from the largest group that has it; gives the segments' QRS complexes, too."""
    beats = np.zeros((len(LEAD_NAMES), BEAT_SAMPLES), np.float32)
    beats_seen = np.zeros_like(beats)
    sources: dict[int, tuple[int, AveragedBeats]] = {}
    for group, average in sorted(zip(groups, averages, strict=True), key=lambda pair: len(pair[0])):
        for place, k in enumerate(group):
            row = LEAD_NAMES.index(segments[k].lead)
            beats[row], beats_seen[row] = average.average[place], average.seen[place]
            sources[row] = k, average
    return beats, beats_seen, {k: average.qrs for k, average in sources.values()}


def _rhythm_strip(segments: Sequence[StripSegment]) -> StripSegment | None:
    """Choose among segments at `FS`; None where the longest one is too short."""
    strip = longest_segment(segments)
    return None if strip is None or len(strip.signal) < SHORTEST_RHYTHM_S * FS else strip


def _rhythm(strip: StripSegment | None) -> tuple[NDArray[np.float32], NDArray[np.float32], int]:
    """Make `NetworkInput.rhythm`, `rhythm_seen` and `rhythm_lead`."""
    rhythm = np.zeros(RHYTHM_SAMPLES, np.float32)
    rhythm_seen = np.zeros_like(rhythm)
    if strip is None:
        return rhythm, rhythm_seen, ABSENT
    shown = strip.signal[:RHYTHM_SAMPLES]
    rhythm[: len(shown)] = np.nan_to_num(shown)
    rhythm_seen[: len(shown)] = _confidence(strip)[:RHYTHM_SAMPLES]
    return rhythm, rhythm_seen, LEAD_NAMES.index(strip.lead)


def _recorded_together(segments: Sequence[tuple[int, StripSegment]], fs: int) -> list[list[int]]:
    """Part numbered segments by the moment that they show; of a lead that is twice in a group, the first is taken."""
    groups: list[list[tuple[int, StripSegment]]] = []
    for number, segment in segments:
        end = segment.start + len(segment.signal) / fs
        for group in groups:
            first = group[0][1]
            same_end = abs(first.start + len(first.signal) / fs - end) < _SAME_MOMENT_S
            if abs(first.start - segment.start) < _SAME_MOMENT_S and same_end:
                if segment.lead not in [member.lead for _, member in group]:
                    group.append((number, segment))
                break
        else:
            groups.append([(number, segment)])
    return [[number for number, _ in group] for group in groups]


def _resample(segment: StripSegment, fs: int) -> StripSegment:
    """Set the median to zero and resample to `FS`, polyphase, with gaps bridged for the filter and emptied again."""
    signal = segment.signal
    finite = np.isfinite(signal)
    whole = bool(finite.all())
    centerd = np.asarray(signal - np.median(signal if whole else signal[finite]), dtype=np.float32)
    confidence = np.ones(len(signal), np.float32) if segment.confidence is None else segment.confidence
    if not whole:
        samples = np.arange(len(signal))
        centerd = np.interp(samples, samples[finite], centerd[finite]).astype(np.float32)
    if fs != FS:
        from scipy.signal import resample_poly

        divisor = gcd(fs, FS)
        centerd = resample_poly(centerd, FS // divisor, fs // divisor, padtype="edge").astype(np.float32)
        nearest = np.minimum(np.round(np.arange(len(centerd)) * fs / FS).astype(int), len(finite) - 1)
        finite, confidence = finite[nearest], confidence[nearest]
    shown = np.where(finite, np.clip(centerd, -_LIMIT_MV, _LIMIT_MV), np.float32(np.nan))
    return StripSegment(segment.lead, shown, segment.start, confidence)


def _average(group: Sequence[StripSegment]) -> AveragedBeats:
    """Average the beats of segments at `FS` that were recorded together."""
    length = min(len(segment.signal) for segment in group)
    signals = np.stack([segment.signal[:length] for segment in group])
    return average_beats(signals, np.stack([_confidence(segment)[:length] for segment in group]), FS)


def _confidence(segment: StripSegment) -> NDArray[np.float32]:
    """Give the confidence of a segment, 0 where it is hidden."""
    confidence = np.ones(len(segment.signal), np.float32) if segment.confidence is None else segment.confidence
    return np.where(np.isfinite(segment.signal), confidence, np.float32(0.0))


def _mean_intervals(timed: Sequence[tuple[AveragedBeats, int]]) -> NDArray[np.float64]:
    """Average `INTERVALS`, but for the share of leads, over strips of so many samples that have any."""
    measured = [_intervals(beats, length) for beats, length in timed]
    known = [values for values in measured if values[0]] or measured
    mean: NDArray[np.float64] = np.mean(known, axis=0)
    return mean


def _intervals(beats: AveragedBeats, length: int) -> NDArray[np.float64]:
    """Measure `INTERVALS` of one strip of `length` samples, but for the share of leads."""
    seconds = min(length, RHYTHM_SAMPLES) / RHYTHM_SAMPLES
    intervals = np.diff(beats.qrs) / FS
    if len(intervals) == 0:
        return np.array([0.0, _USUAL_S, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, seconds])
    median = float(np.median(intervals))
    change = float(np.abs(np.diff(intervals)).mean()) / median if len(intervals) > 1 else 0.0
    spread = (float(intervals.std()) / median, change, intervals.min() / median - 1, intervals.max() / median - 1)
    return np.array([1.0, median, *spread, float(beats.likeness.mean()), float(beats.likeness.min()), seconds])
