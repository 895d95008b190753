"""Intervals, rate and axis of a page, each with its reason where it cannot be measured.

Rate and RR intervals come from the R peaks of the longest strip (and of one strip of every column where none runs below
all of them); QRS, PR and QT from the averaged beat of all leads (`classify.measure.average`, `classify.measure.waves`),
checked against what NeuroKit2 finds beat by beat on those strips (`classify.measure.delineation`): without a steady P
wave there is no PR interval, and without agreement about the T wave's end no QT interval.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from classify.measure.average import AveragedBeat, average_beat, usual_beats
from classify.measure.axis import frontal_axis
from classify.measure.delineation import StripWaves, delineate_strips
from classify.measure.peaks import find_r_peaks
from classify.measure.waves import Waves, find_p_onset, find_waves
from classify.records.measurements import UNITS, Measurement, Measurements, not_measured
from classify.records.segments import StripSegment, longest_segment
from digitize.leads import Leads
from digitize.records.layouts import LEAD_NAMES

STEADY_P = 2 / 3
"""Share of the beats that must have a P wave at the same place for a PR interval. On PTB-XL's folds 1 to 8, 4 % of the
records in atrial fibrillation and 96 % of those in sinus rhythm have it."""

LEAST_CONFIDENCE = 0.4
"""Mean confidence that a strip needs to be measured on."""

Times = NDArray[np.float64]
"""R peaks, shape (beats,): seconds on the record's clock."""

Column = tuple[StripSegment, NDArray[np.int64]]
"""A run and the samples of its R peaks."""

_LIMITS = {"heart_rate": (20, 300), "pr": (80, 400), "qrs": (50, 240), "qt": (200, 700), "qtc": (250, 700)}

_SHORTEST_S = 2.0
# A single interval may be one between a QRS complex and a wave that was taken for one; nothing would tell.
_FEWEST_BEATS = 3
_FEWEST_INTERVALS = 3
_ENOUGH_BEATS = 5  # P waves of other leads, V1 above all, stand elsewhere
_BRIDGED_S = 0.1
_T_ENDS_AGREE_S = 0.06
_STEADY_RR = 0.15
_FORMULAS_AGREE = (60, 100)
_WIDE_QRS_MS = 120


def measure(strips: Sequence[StripSegment], fs: int) -> Measurements:
    """Measure rate, intervals and axis.

    Parameters
    ----------
    strips : sequence of StripSegment
        The strips of a page.
    fs : int
        Their sampling frequency in Hz.

    Returns
    -------
    Measurements
        A value outside what hearts do (e.g. a PR interval of 30 ms) is a mistake and so absent, with that reason.

    Examples
    --------
    >>> measure([StripSegment("II", np.zeros(500, np.float32))], fs=500).heart_rate.reason
    'lead II shows 1.0 s in one piece; a rate needs 2 s'
    """
    columns = _columns([_longest_run(strip, fs) for strip in strips], fs)
    if not columns:
        return not_measured("no strip was traced")
    leads = tuple(run.lead for run, _ in columns)
    seconds, beats = sum(len(run.signal) for run, _ in columns) / fs, sum(len(peaks) for _, peaks in columns)
    if seconds < _SHORTEST_S:
        reason = f"{_name(leads)} shows {seconds:.1f} s in one piece; a rate needs {_SHORTEST_S:g} s"
        return not_measured(reason, 0, leads)
    intervals = np.concatenate([np.diff(peaks) for _, peaks in columns]) / fs
    if beats < _FEWEST_BEATS or len(intervals) < _FEWEST_BEATS - 1:
        reason = f"{beats} R peaks in {seconds:.1f} s of {_name(leads)}; a rate needs {_FEWEST_BEATS} in one piece"
        return not_measured(reason, beats, leads)

    mean_rr, middle_rr = float(intervals.mean()), float(np.median(intervals))
    second = delineate_strips(columns if len(columns[0][1]) < _ENOUGH_BEATS else columns[:1], fs)
    p_peak = second.p_peak if second is not None and second.p_share >= STEADY_P else None
    beat, averaged = _average(strips, _usual_times(columns, fs), middle_rr, p_peak, fs)
    waves = find_waves(beat, middle_rr, p_peak) if averaged >= _FEWEST_BEATS else None

    variation = _value("rr_variation", float(intervals.std() / mean_rr))
    if len(intervals) < _FEWEST_INTERVALS:
        variation = _absent("rr_variation", f"{len(intervals)} intervals; a variation needs {_FEWEST_INTERVALS}")
    missing = _why_no_waves(averaged, beats)
    pr, qrs, qt, axis = (_absent(name, missing) for name in ("pr", "qrs", "qt", "axis"))
    if waves is not None:
        pr, qrs = _pr(beat, waves, middle_rr, second, leads), _qrs(waves, len(columns))
        qt, axis = _qt(waves, second, leads), _axis(beat, waves)
    return Measurements(
        heart_rate=_value("heart_rate", 60 / mean_rr),
        rr_variation=variation,
        p_share=_absent("p_share", _too_few(leads)) if second is None else _value("p_share", second.p_share),
        pr=pr,
        qrs=qrs,
        qt=qt,
        qtc=_qtc(qt, mean_rr, variation, qrs),
        axis=axis,
        beats=beats,
        averaged=averaged,
        leads=leads,
    )


def measure_leads(leads: Leads) -> Measurements:
    """Measure a digitized page.

    Parameters
    ----------
    leads : Leads

    Returns
    -------
    Measurements
        On strips whose mean confidence is `LEAST_CONFIDENCE` or more.
    """
    strips = [strip for strip in leads.strips if strip.lead in LEAD_NAMES and np.isfinite(strip.signal).any()]
    trusted = [
        StripSegment(strip.lead, strip.signal, strip.start)
        for strip in strips
        if strip.confidence[np.isfinite(strip.signal)].mean() >= LEAST_CONFIDENCE
    ]
    if strips and not trusted:
        return not_measured(f"no strip was traced with a confidence of {LEAST_CONFIDENCE:.0%} or more")
    return measure(trusted, leads.fs)


def _value(name: str, value: float, note: str | None = None) -> Measurement:
    low, high = _LIMITS.get(name, (-np.inf, np.inf))
    if low <= value <= high:
        return Measurement(value, UNITS[name], note=note)
    return _absent(name, f"what was found, {value:.0f} {UNITS[name]}, is not within {low} to {high}")


def _absent(name: str, reason: str) -> Measurement:
    return Measurement(None, UNITS[name], reason)


def _name(leads: Sequence[str]) -> str:
    return f"lead{'s' if len(leads) > 1 else ''} {', '.join(leads)}"


def _too_few(leads: Sequence[str]) -> str:
    return f"fewer than {_FEWEST_BEATS} beats of {_name(leads)} show what stands before their QRS complexes"


def _why_no_waves(averaged: int, beats: int) -> str:
    if averaged < _FEWEST_BEATS:
        return f"{averaged} of {beats} beats are like the others; an averaged beat needs {_FEWEST_BEATS}"
    return "no lead shows a whole beat that stands out of the noise"


def _qrs(waves: Waves, columns: int) -> Measurement:
    note = f"from {columns} columns with beats of their own: less exact" if columns > 1 else None
    return _value("qrs", 1000 * (waves.qrs_end - waves.qrs_onset), note)


def _pr(beat: AveragedBeat, waves: Waves, rr: float, second: StripWaves | None, leads: Sequence[str]) -> Measurement:
    if second is None:
        return _absent("pr", _too_few(leads))
    if second.p_share < STEADY_P:
        where = f"{second.p_share:.0%} of {second.beats} beats in {_name(leads)}"
        return _absent("pr", f"no P wave stands at a steady place before the QRS complexes ({where})")
    onset = find_p_onset(beat, second.p_peak, None if waves.t_end is None else waves.t_end - rr)
    if onset is None:
        return _absent("pr", "no lead shows the P wave of a whole beat")
    return _value("pr", 1000 * (waves.qrs_onset - onset))


def _qt(waves: Waves, second: StripWaves | None, leads: Sequence[str]) -> Measurement:
    if waves.t_end is None:
        return _absent("qt", "no T wave rises and comes down")
    if second is None or second.t_end is None:
        note = "from the averaged beat alone"
    elif abs(second.t_end - waves.t_end) > _T_ENDS_AGREE_S:
        ends = f"{1000 * waves.t_end:.0f} ms after the R peak in the averaged beat, {1000 * second.t_end:.0f} ms"
        return _absent("qt", f"the end of the T wave is uncertain: {ends} in {_name(leads)}")
    else:
        note = None
    return _value("qt", 1000 * (waves.t_end - waves.qrs_onset), note)


def _qtc(qt: Measurement, rr: float, variation: Measurement, qrs: Measurement) -> Measurement:
    if qt.value is None:
        return _absent("qtc", qt.reason or "")
    if variation.value is not None and variation.value > _STEADY_RR:
        # Rautaharju et al. 2009: no correction should be attempted then.
        return _absent("qtc", f"RR intervals vary by {variation.value:.0%}: no correction for the rate holds")
    notes = []
    low, high = _FORMULAS_AGREE
    if not low <= 60 / rr <= high:
        notes.append(f"at {60 / rr:.0f}/min, outside {low} to {high}, formulas differ")
    if qrs.value is not None and qrs.value >= _WIDE_QRS_MS:
        notes.append("a wide QRS complex lengthens it")
    return _value("qtc", qt.value / rr ** (1 / 3), "; ".join(notes) or None)


def _axis(beat: AveragedBeat, waves: Waves) -> Measurement:
    axis = frontal_axis(beat, waves)
    return _absent("axis", axis.reason or "") if axis.degrees is None else _value("axis", axis.degrees)


def _longest_run(strip: StripSegment, fs: int) -> StripSegment:
    """Take the longest part without a gap of more than 0.1 s; shorter gaps are joined by straight lines."""
    seen = np.flatnonzero(np.isfinite(strip.signal))
    if len(seen) == 0:
        return StripSegment(strip.lead, np.empty(0, np.float32), strip.start)
    breaks = np.flatnonzero(np.diff(seen) > round(_BRIDGED_S * fs) + 1)
    starts = seen[np.concatenate([[0], breaks + 1])]
    ends = seen[np.concatenate([breaks, [len(seen) - 1]])] + 1
    longest = int(np.argmax(ends - starts))
    samples = np.arange(starts[longest], ends[longest])
    signal = np.interp(samples, seen, strip.signal[seen]).astype(np.float32)
    return StripSegment(strip.lead, signal, strip.start + float(starts[longest]) / fs)


def _columns(runs: Sequence[StripSegment], fs: int) -> list[Column]:
    """Take the longest run with its R peaks, then one of every column beside it.

    A page without a rhythm strip shows other beats in every column.
    """

    def end(run: StripSegment) -> float:
        return run.start + len(run.signal) / fs

    columns: list[Column] = []
    rest = list(runs)
    while (chosen := longest_segment(rest)) is not None:
        enough = len(chosen.signal) >= _SHORTEST_S * fs
        columns.append((chosen, find_r_peaks(chosen.signal, fs) if enough else np.empty(0, np.int64)))
        rest = [
            run
            for run in rest
            if len(run.signal) >= _SHORTEST_S * fs and not chosen.start <= (run.start + end(run)) / 2 <= end(chosen)
        ]
    return columns


def _usual_times(columns: Sequence[Column], fs: int) -> list[Times]:
    """Time every column's usual beats, without those that a column before it shows already."""
    found: list[Times] = []
    for place, (run, peaks) in enumerate(columns):
        times = run.start + peaks / fs
        seen = [(before.start, before.start + len(before.signal) / fs) for before, _ in columns[:place]]
        new = np.array([all(not start <= at <= end for start, end in seen) for at in times], np.bool_)
        found.append(times[usual_beats(run, times, fs) & new])
    return found


def _average(
    strips: Sequence[StripSegment], times: Sequence[Times], rr: float, p_peak: float | None, fs: int
) -> tuple[AveragedBeat, int]:
    """Average beats of several columns, and count them.

    The R peak of one lead is not at the time of another's: columns with R peaks of their own are set against each other
    by the onset of their QRS complexes.
    """
    aligned = [times[0]]
    if len(times) > 1:
        first = find_waves(average_beat(strips, times[0], fs), rr, p_peak)
        for peaks in times[1:]:
            waves = find_waves(average_beat(strips, peaks, fs), rr, p_peak)
            if first is not None and waves is not None:
                aligned.append(peaks + waves.qrs_onset - first.qrs_onset)
    every = np.concatenate(aligned)
    return average_beat(strips, every, fs), len(every)
