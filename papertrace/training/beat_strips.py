"""Strips to train the network that names beats: cut, disturbed, with what is known of each beat.

MIT-BIH tells the class of every beat, of a few patients. PTB-XL tells of thousands of patients whether a recording
shows premature beats at all, on every lead: where it shows none, all beats are N, be they broad or as irregular as in
atrial fibrillation; where it shows ventricular ones only, each beat is N or V, and one of them V. So what is known of a
beat is a set of classes, and of a strip, which classes it shows. Supraventricular beats, of which both have few, are
made besides: a regular recording is cut short between beats, for what makes them is that they come early and look
usual.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly
from tqdm import tqdm

from classify.beats.inputs import FS, BeatInputs, inputs_from_strip
from classify.measure.peaks import find_r_peaks
from classify.records.beats import CLASSES
from papertrace.datasets import ptbxl
from papertrace.datasets.mitbih import Recording
from papertrace.datasets.ptbxl import Records
from papertrace.metrics.beats import match

STRIP_S = 10.0
"""One lead as paper shows it."""

STORED_FS = 2 * FS
"""Sampling frequency in Hz of what strips are cut from."""

VENTRICULAR = frozenset({"PVC"})
SUPRAVENTRICULAR = frozenset({"PAC"})
TACHYCARDIA = frozenset({"SVTAC", "PSVT"})
UNCLEAR = frozenset({"PACE", "WPW", "PRC(S)", "SVARR", "BIGU", "TRIGU", "2AVB", "3AVB"})
"""SCP-ECG codes of PTB-XL: records with `VENTRICULAR` or `SUPRAVENTRICULAR` ones show such beats, those with
`TACHYCARDIA` hardly any other than S, and those with `UNCLEAR` ones may show any class and are left out."""

_TELLING = frozenset({"AFIB", "AFLT", "SARRH", "CLBBB", "CRBBB", "ILBBB", "IVCD", "STACH"})
_LEADS_OF_ECTOPIC, _LEADS_OF_TACHYCARDIA = 3, 6
_REGULAR, _EARLY = 0.06, 0.88
_QRS_S = 0.09
_SHORTEST_RR_S = 0.3


@dataclass(frozen=True)
class Stored:
    """A recording made ready to cut strips from.

    Attributes
    ----------
    signal : ndarray, shape (leads, n), float32
        Millivolts at `STORED_FS`.
    at : ndarray, shape (beats,), float64
        Seconds of the annotated beats.
    labels : ndarray, shape (beats,), int64
        Places of their classes in `CLASSES`.
    """

    signal: NDArray[np.float32]
    at: NDArray[np.float64]
    labels: NDArray[np.int64]


@dataclass(frozen=True)
class Strip:
    """One strip to train on.

    Attributes
    ----------
    view : BeatInputs
    allowed : ndarray, shape (beats, classes), bool
        Classes that each beat may have.
    shows : ndarray, shape (classes,), bool
        Classes of which the strip shows at least one beat, where only that is known.
    record : int
        Place of the record it was cut from; -1 for one of PTB-XL.
    """

    view: BeatInputs
    allowed: NDArray[np.bool_]
    shows: NDArray[np.bool_]
    record: int


def store(recording: Recording) -> Stored:
    """Make a recording ready."""
    labels = np.array([CLASSES.index(name) for name in recording.classes], np.int64)
    return Stored(_resampled(recording.signal, recording.fs, STORED_FS), recording.samples / recording.fs, labels)


def load_noise(folder: Path) -> NDArray[np.float32]:
    """Read the MIT-BIH Noise Stress Test's noises (Moody, Muldrow and Mark 1984): baseline, electrode, muscle.

    Parameters
    ----------
    folder : Path
        With ``bw``, ``em`` and ``ma``.

    Returns
    -------
    ndarray, shape (6, n), float32
        Millivolts at `FS`.
    """
    import wfdb

    records = [wfdb.rdrecord(str(folder / name)) for name in ("bw", "em", "ma")]
    channels = [_resampled(np.asarray(record.p_signal.T, np.float32), int(record.fs), FS) for record in records]
    shortest = min(own.shape[1] for own in channels)
    return np.concatenate([own[:, :shortest] for own in channels])


def draw_annotated(
    records: Sequence[Stored], noise: NDArray[np.float32], count: int, ectopic: float, flip: float, seed: int
) -> list[Strip]:
    """Cut strips of ten seconds or less, anywhere, from any lead, at another pace, disturbed.

    Parameters
    ----------
    records : sequence of Stored
    noise : ndarray, shape (channels, n), float32
        See `load_noise`.
    count : int
        Strips a record; those in which no beat is found are left out.
    ectopic : float
        Share of them that are cut about a beat that is not N.
    flip : float
        Share of them that are turned upside down.
    seed : int

    Returns
    -------
    list of Strip
    """
    strips = []
    for place, record in enumerate(tqdm(records, desc="strips of MIT-BIH", leave=False, disable=None)):
        rng = np.random.default_rng((seed, place))
        strange = np.flatnonzero(record.labels > 0)
        for _ in range(count):
            seconds = STRIP_S if rng.random() < 0.8 else rng.uniform(2.5, STRIP_S)
            taken = seconds * np.exp(rng.uniform(-0.12, 0.12))
            start = rng.uniform(0, record.signal.shape[1] / STORED_FS - taken)
            if len(strange) and rng.random() < ectopic:
                start = record.at[rng.choice(strange)] - rng.uniform(0, taken)
            start = float(np.clip(start, 0, record.signal.shape[1] / STORED_FS - taken - 0.1))
            lead = record.signal[rng.integers(len(record.signal))]
            places = (start + np.linspace(0, taken, round(seconds * FS), endpoint=False)) * STORED_FS
            strip, peaks = _strip_and_peaks(lead, places, noise, flip, rng)
            if not len(peaks):
                continue
            inside = np.flatnonzero((record.at >= start) & (record.at < start + taken))
            annotated = np.round((record.at[inside] - start) / taken * seconds * FS).astype(np.int64)
            partner = match(annotated, peaks, FS)
            # What was not annotated is no beat; the least that it must not do is alarm.
            labels = np.where(partner >= 0, np.append(record.labels[inside], 0)[partner], 0)
            allowed = np.eye(len(CLASSES), dtype=bool)[labels]
            strips.append(Strip(inputs_from_strip(strip, FS, peaks), allowed, np.zeros(len(CLASSES), bool), place))
    return strips


def draw_stated(
    records: Records, noise: NDArray[np.float32], count: int, early: float, flip: float, seed: int
) -> list[Strip]:
    """Take strips from recordings of which only the statements are known.

    Parameters
    ----------
    records : Records
        Of PTB-XL's folds 1 to 7.
    noise : ndarray, shape (channels, n), float32
        See `load_noise`.
    count : int
        Records without ectopic beats to take one lead each of: first those that are irregular, broad or fast.
    early : float
        Share of the regular ones among them in which beats are made to come early.
    flip : float
        Share that is turned upside down.
    seed : int

    Returns
    -------
    list of Strip
        More leads of the records with ectopic beats beside those.
    """
    rng = np.random.default_rng((seed, 1))
    every = [set(codes) for codes in records.codes]
    known = [k for k, codes in enumerate(every) if not codes & UNCLEAR]
    fast = [k for k in known if every[k] & TACHYCARDIA]
    ectopic = [k for k in known if every[k] & (VENTRICULAR | SUPRAVENTRICULAR) and not every[k] & TACHYCARDIA]
    clean = [k for k in known if not every[k] & (VENTRICULAR | SUPRAVENTRICULAR | TACHYCARDIA)]
    clean = sorted(rng.permutation(clean).tolist(), key=lambda k: not every[k] & _TELLING)[:count]
    taken = [*np.repeat(fast, _LEADS_OF_TACHYCARDIA), *np.repeat(ectopic, _LEADS_OF_ECTOPIC), *clean]
    strips = []
    for place in tqdm(taken, desc="strips of PTB-XL", leave=False, disable=None):
        codes = every[place]
        signal = records.signals[place, rng.integers(records.signals.shape[1])]
        stored = _resampled(signal, ptbxl.FS, STORED_FS)
        pace = np.exp(rng.uniform(-0.12, 0.12))
        places = np.arange(0, len(stored) - 1, STORED_FS / FS * pace)
        made = np.empty(0)
        if not codes & (VENTRICULAR | SUPRAVENTRICULAR | TACHYCARDIA) and rng.random() < early:
            places, made = hasten(stored, places, rng)
        strip, peaks = _strip_and_peaks(stored, places, noise, flip, rng)
        if len(peaks):
            shows = _stated(codes)
            allowed = np.repeat(shows[None], len(peaks), axis=0)
            allowed[:, CLASSES.index("N")] = not codes & TACHYCARDIA
            partner = match(np.round(made).astype(np.int64), peaks, FS)
            allowed[partner >= 0] = np.array(CLASSES) == "S"
            # Where every beat is S there is no need to look for one.
            shows &= not codes & TACHYCARDIA
            strips.append(Strip(inputs_from_strip(strip, FS, peaks), allowed, shows, -1))
    return strips


def hasten(
    signal: NDArray[np.float32], places: NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Let one beat, or a run of them, come early: what lies between the QRS complexes before them is pressed together.

    Parameters
    ----------
    signal : ndarray, shape (n,)
        Millivolts at `STORED_FS`.
    places : ndarray, shape (m,)
        Where in it the strip's samples lie.
    rng : Generator
        Advanced.

    Returns
    -------
    places : ndarray, shape (m,)
        Where they lie now; some at the end may be dropped. As given where the recording is not regular.
    made : ndarray, shape (beats,)
        Samples of the strip at which the early beats stand now.
    """
    step = places[1] - places[0]
    peaks = find_r_peaks(signal, STORED_FS)
    intervals = np.diff(peaks)
    if len(peaks) < 6 or intervals.std() > _REGULAR * intervals.mean():
        return places, np.empty(0)
    ratio = np.ones(len(intervals))
    runs = rng.integers(1, 4) if rng.random() < 0.7 else 0
    for first in rng.choice(np.arange(1, len(intervals)), min(runs, len(intervals) - 1), replace=False):
        ratio[first] = rng.uniform(0.45, 0.85)
        if first + 1 < len(ratio):
            ratio[first + 1] = max(ratio[first + 1], rng.uniform(0.95, 1.3))
    if not runs:
        first = rng.integers(1, len(intervals) - 2)
        last = first + rng.integers(3, len(intervals))
        ratio[first:last] = rng.uniform(0.5, 0.75) * np.exp(rng.normal(0, 0.02, len(ratio[first:last])))
    qrs = _QRS_S * STORED_FS
    wanted = np.maximum(ratio * intervals, np.minimum(_SHORTEST_RR_S * FS * step, intervals))
    wanted = np.maximum(wanted, 2.2 * qrs)
    # The strip's clock runs as the recording's within QRS complexes and otherwise as fast as is wanted.
    now = peaks[0] + np.concatenate([[0], np.cumsum(wanted)])
    source = np.concatenate([[0], np.stack([peaks - qrs, peaks + qrs], axis=1).ravel(), [len(signal) - 1]])
    clock = np.concatenate([[0], np.stack([now - qrs, now + qrs], axis=1).ravel()])
    clock = np.append(clock, clock[-1] + source[-1] - source[-2])
    ordered = np.maximum.accumulate(source) == source
    moved = np.interp(places[places <= clock[-1]], clock[ordered], source[ordered])
    early = np.flatnonzero(wanted < _EARLY * intervals) + 1
    return moved, now[early] / step


def _stated(codes: Iterable[str]) -> NDArray[np.bool_]:
    """Classes of ectopic beats that a record shows, shape (classes,)."""
    told = set(codes)
    shown = {"V"} if told & VENTRICULAR else set()
    if told & (SUPRAVENTRICULAR | TACHYCARDIA):
        shown.add("S")
    return np.array([name in shown for name in CLASSES])


def _resampled(signal: NDArray[np.float32], fs: int, wanted: int) -> NDArray[np.float32]:
    divisor = int(np.gcd(wanted, fs))
    resampled = resample_poly(signal, wanted // divisor, fs // divisor, axis=-1, padtype="edge")
    return np.asarray(resampled, np.float32)


def _strip_and_peaks(
    lead: NDArray[np.float32],
    places: NDArray[np.float64],
    noise: NDArray[np.float32],
    flip: float,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Cut a strip out of a lead, disturb it, and find its beats."""
    first, last = int(places[0]), int(places[-1]) + 2
    strip = np.interp(places - first, np.arange(len(lead[first:last])), lead[first:last])
    strip = _disturb(strip, noise, rng)
    if rng.random() < flip:
        strip = -strip
    told = strip.astype(np.float32)
    return told, find_r_peaks(told, FS)


def _disturb(strip: NDArray[np.float64], noise: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float64]:
    """Do a little of what body, paper and scanner do: noise, blur, wander, a rough line."""
    out = strip.copy()
    spread = strip.std()
    if rng.random() < 0.4:
        start = rng.integers(noise.shape[1] - len(strip))
        own = noise[rng.integers(len(noise)), start : start + len(strip)]
        out += (own - own.mean()) * rng.exponential(0.15) * spread / max(float(own.std()), 1e-6)
    if rng.random() < 0.4:
        side = rng.uniform(0, 0.3)
        out[1:-1] = (1 - 2 * side) * out[1:-1] + side * (out[:-2] + out[2:])
    if rng.random() < 0.4:
        cycles = rng.uniform(0.05, 0.5) * len(strip) / FS
        wave = np.sin(rng.uniform(0, 2 * np.pi) + np.linspace(0, 2 * np.pi * cycles, len(strip)))
        out += rng.exponential(0.3) * spread * wave
    if rng.random() < 0.4:
        out += rng.normal(0, rng.exponential(0.06) * spread, len(strip))
    return out
