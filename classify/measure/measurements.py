"""Intervals, rate and axis of a page, each with its reason where it cannot be measured.

Rate and RR intervals come from the R peaks of the longest strip (and of one strip of every column where none runs below
all of them); QRS, PR and QT from the averaged beat of all leads (`classify.measure.average`, `classify.measure.waves`),
checked against what NeuroKit2 finds beat by beat on those strips (`classify.measure.delineation`): without a steady P
wave there is no PR interval, and without agreement about the T wave's end no QT interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classify.measure.average import AveragedBeat, TimedStrip, average_beat, usual_beats
from classify.measure.axis import frontal_axis
from classify.measure.delineation import StripWaves, delineate_strips
from classify.measure.waves import Waves, find_p_onset, find_waves
from classify.signal.view import Piece, longest_piece
from digitize.leads import Leads
from digitize.records.layouts import LEAD_NAMES

QTC_FORMULA = "Fridericia"
"""QTc is QT / RR^(1/3), RR in seconds (Fridericia 1920).

Bazett's square root, although the most used, overcorrects: at fast rates it makes normal QT intervals long, at slow
ones long ones normal. The AHA, ACCF and HRS advise against it (Rautaharju et al. 2009); in 6,609 patients Fridericia's
and the Framingham formula left the least dependence on the rate and told mortality best (Vandenberk et al. 2016).
"""

STEADY_P = 2 / 3
"""Share of the beats that must have a P wave at the same place for a PR interval. On PTB-XL's folds 1 to 8, 4 % of the
records in atrial fibrillation and 96 % of those in sinus rhythm have it."""

LEAST_CONFIDENCE = 0.4
"""Mean confidence that a strip needs to be measured on."""

Times = NDArray[np.float64]
"""R peaks, shape (beats,): seconds on the record's clock."""

Column = tuple[TimedStrip, NDArray[np.int64]]
"""A run and the samples of its R peaks."""

_LIMITS = {"heart_rate": (20, 300), "pr": (80, 400), "qrs": (50, 240), "qt": (200, 700), "qtc": (250, 700)}
_UNITS = {
    "heart_rate": "1/min", "rr_variation": "1", "p_share": "1",
    "pr": "ms", "qrs": "ms", "qt": "ms", "qtc": "ms", "axis": "degrees",
}  # fmt: skip

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


@dataclass(frozen=True)
class Measurement:
    """One value, or why there is none.

    Attributes
    ----------
    value : float or None
    unit : str
        ``"1/min"``, ``"ms"``, ``"degrees"`` or ``"1"`` (a share).
    reason : str or None
        Why `value` is None.
    note : str or None
        What to know before using `value`.
    """

    value: float | None
    unit: str
    reason: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class Measurements:
    """What was measured on a page.

    Attributes
    ----------
    heart_rate : Measurement
        Beats a minute, the mean over the strips that `leads` names.
    rr_variation : Measurement
        Standard deviation of the RR intervals over their mean: a few hundredths in sinus rhythm, typically above 0.1
        in atrial fibrillation.
    p_share : Measurement
        Share of the beats whose P wave stands where the others' do.
    pr, qrs, qt : Measurement
        Intervals from the earliest onset in any lead to the latest end.
    qtc : Measurement
        QT corrected for the rate by `QTC_FORMULA`.
    axis : Measurement
        The QRS complex's axis in the frontal plane, -180 to 180 degrees.
    beats : int
        Count of R peaks in the strips that `leads` names.
    averaged : int
        How many beats of the page, in whatever column, went into the averaged beat.
    leads : tuple of str
        Leads of the strips that the rhythm was read from: the longest one, and one of every column beside it.
    """

    heart_rate: Measurement
    rr_variation: Measurement
    p_share: Measurement
    pr: Measurement
    qrs: Measurement
    qt: Measurement
    qtc: Measurement
    axis: Measurement
    beats: int
    averaged: int
    leads: tuple[str, ...]


def not_measured(reason: str, beats: int = 0, leads: tuple[str, ...] = ()) -> Measurements:
    """Measurements of a page on which nothing can be measured.

    Parameters
    ----------
    reason : str
        Given for every value.
    beats : int
    leads : tuple of str

    Returns
    -------
    Measurements

    Examples
    --------
    >>> not_measured("no strip was traced").qt.reason
    'no strip was traced'
    """
    return Measurements(
        **{name: Measurement(None, unit, reason) for name, unit in _UNITS.items()}, beats=beats, averaged=0, leads=leads
    )


def measure(strips: Sequence[TimedStrip], fs: int) -> Measurements:
    """Measure rate, intervals and axis.

    Parameters
    ----------
    strips : sequence of TimedStrip
        The strips of a page.
    fs : int
        Their sampling frequency in Hz.

    Returns
    -------
    Measurements
        A value outside what hearts do (e.g. a PR interval of 30 ms) is a mistake and so absent, with that reason.

    Examples
    --------
    >>> measure([TimedStrip("II", 0.0, np.zeros(500, np.float32))], fs=500).heart_rate.reason
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
    qrs = _absent("qrs", missing) if waves is None else _qrs(waves, len(columns))
    qt = _absent("qt", missing) if waves is None else _qt(waves, second, leads)
    axis = _absent("axis", missing) if waves is None else _axis(beat, waves)
    return Measurements(
        heart_rate=_value("heart_rate", 60 / mean_rr),
        rr_variation=variation,
        p_share=_absent("p_share", _too_few(leads)) if second is None else _value("p_share", second.p_share),
        pr=_absent("pr", missing) if waves is None else _pr(beat, waves, middle_rr, second, leads),
        qrs=qrs,
        qt=qt,
        qtc=_qtc(qt, mean_rr, variation, qrs),
        axis=axis,
        beats=beats,
        averaged=averaged,
        leads=leads,
    )


def measure_leads(leads: Leads) -> Measurements:
    """Measure a digitised page.

    Parameters
    ----------
    leads : Leads

    Returns
    -------
    Measurements
        On strips whose mean confidence is `LEAST_CONFIDENCE` or more.
    """
    strips = [strip for strip in leads.strips if strip.lead in LEAD_NAMES and np.isfinite(strip.signal).any()]
    sure = [
        TimedStrip(strip.lead, strip.start, strip.signal)
        for strip in strips
        if strip.confidence[np.isfinite(strip.signal)].mean() >= LEAST_CONFIDENCE
    ]
    if strips and not sure:
        return not_measured(f"no strip was traced with a confidence of {LEAST_CONFIDENCE:.0%} or more")
    return measure(sure, leads.fs)


def as_values(measured: Measurements) -> dict[str, Any]:
    """Lay measurements out as plain values, as the report has them.

    Parameters
    ----------
    measured : Measurements

    Returns
    -------
    dict
        Every value by its name, None where it is absent; ``qtc_formula``, ``beats``, ``averaged`` and ``leads``;
        ``units``, and by the same names ``reasons`` of what is absent and ``notes``.

    Examples
    --------
    >>> values = as_values(not_measured("no strip was traced"))
    >>> values["pr"], values["reasons"]["pr"], values["units"]["pr"]
    (None, 'no strip was traced', 'ms')
    """
    every = {name: getattr(measured, name) for name in _UNITS}
    return {
        **{name: one.value for name, one in every.items()},
        "qtc_formula": QTC_FORMULA,
        **{field.name: getattr(measured, field.name) for field in fields(measured) if field.name not in every},
        "units": dict(_UNITS),
        "reasons": {name: one.reason for name, one in every.items() if one.reason is not None},
        "notes": {name: one.note for name, one in every.items() if one.note is not None},
    }


def _value(name: str, value: float, note: str | None = None) -> Measurement:
    low, high = _LIMITS.get(name, (-np.inf, np.inf))
    if low <= value <= high:
        return Measurement(value, _UNITS[name], note=note)
    return _absent(name, f"what was found, {value:.0f} {_UNITS[name]}, is not within {low} to {high}")


def _absent(name: str, reason: str) -> Measurement:
    return Measurement(None, _UNITS[name], reason)


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


def _longest_run(strip: TimedStrip, fs: int) -> TimedStrip:
    """Longest part without a gap of more than 0.1 s; shorter gaps are joined by straight lines."""
    seen = np.flatnonzero(np.isfinite(strip.signal))
    if len(seen) == 0:
        return TimedStrip(strip.lead, strip.start, np.empty(0, np.float32))
    breaks = np.flatnonzero(np.diff(seen) > round(_BRIDGED_S * fs) + 1)
    starts = seen[np.concatenate([[0], breaks + 1])]
    ends = seen[np.concatenate([breaks, [len(seen) - 1]])] + 1
    longest = int(np.argmax(ends - starts))
    samples = np.arange(starts[longest], ends[longest])
    signal = np.interp(samples, seen, strip.signal[seen]).astype(np.float32)
    return TimedStrip(strip.lead, strip.start + float(starts[longest]) / fs, signal)


def _longest(runs: Sequence[TimedStrip]) -> TimedStrip | None:
    chosen = longest_piece([Piece(run.lead, run.signal) for run in runs])
    return None if chosen is None else next(run for run in runs if run.signal is chosen.signal)


def _columns(runs: Sequence[TimedStrip], fs: int) -> list[Column]:
    """The longest run with its R peaks, then one of every column beside it.

    A page without a rhythm strip shows other beats in every column.
    """
    from classify.measure.peaks import find_r_peaks

    def end(of: TimedStrip) -> float:
        return of.start + len(of.signal) / fs

    columns: list[Column] = []
    rest = list(runs)
    while (chosen := _longest(rest)) is not None:
        enough = len(chosen.signal) >= _SHORTEST_S * fs
        columns.append((chosen, find_r_peaks(chosen.signal, fs) if enough else np.empty(0, np.int64)))
        rest = [
            run
            for run in rest
            if len(run.signal) >= _SHORTEST_S * fs and not chosen.start <= (run.start + end(run)) / 2 <= end(chosen)
        ]
    return columns


def _usual_times(columns: Sequence[Column], fs: int) -> list[Times]:
    """Times of every column's usual beats, without those that a column before it shows already."""
    found: list[Times] = []
    for place, (run, peaks) in enumerate(columns):
        times = run.start + peaks / fs
        seen = [(other.start, other.start + len(other.signal) / fs) for other, _ in columns[:place]]
        new = np.array([all(not start <= at <= end for start, end in seen) for at in times], np.bool_)
        found.append(times[usual_beats(run, times, fs) & new])
    return found


def _average(
    strips: Sequence[TimedStrip], times: Sequence[Times], rr: float, p_peak: float | None, fs: int
) -> tuple[AveragedBeat, int]:
    """Average beats of several columns, and count them.

    The R peak of one lead is not at the time of another's: columns with R peaks of their own are set against each other
    by the onset of their QRS complexes.
    """
    aligned = [times[0]]
    if len(times) > 1:
        first = find_waves(average_beat(strips, times[0], fs), rr, p_peak)
        for own in times[1:]:
            waves = find_waves(average_beat(strips, own, fs), rr, p_peak)
            if first is not None and waves is not None:
                aligned.append(own + waves.qrs_onset - first.qrs_onset)
    every = np.concatenate(aligned)
    return average_beat(strips, every, fs), len(every)
