"""Views for the fits of statements: records as pages would show them, in any layout and with what paper does to them.

Most are cut from the recordings, with a little of what body, paper and digitizing do; others are pages that
`papertrace.synth` printed and the digitizer read (`papertrace.training.digitized`). All of a record's views are made
once; an epoch takes one of each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly
from tqdm import tqdm

from classify.records.segments import StripSegment
from classify.signal.inputs import FS, NetworkInput, cut_to_layout, input_from_segments
from classify.signal.network import INPUTS
from classify.statements import group_indices
from digitize.records.layouts import LEAD_NAMES, find_layout
from papertrace.datasets.ptbxl import Records

# Rectangle, whether rhythm strips stand below, and how often.
LAYOUTS = (
    ("12x1", False, 0.25),
    ("3x4", True, 0.40),
    ("3x4", False, 0.08),
    ("6x2", True, 0.05),
    ("6x2", False, 0.08),
    ("2x6", True, 0.06),
    ("4x3", True, 0.05),
    ("1x1", False, 0.03),
)
"""Rectangle, whether rhythm strips stand below it, and how often; ``1x1`` is one lead alone."""

_RHYTHM_LEADS = [{"II": 0.72, "V1": 0.15}.get(lead, 0.013) for lead in LEAD_NAMES]
_NOISES = ("bw", "em", "ma")


@dataclass(frozen=True)
class Pool:
    """Views in arrays.

    Attributes
    ----------
    beats, beats_seen : ndarray, shape (n, 12, BEAT_SAMPLES), float16
    intervals : ndarray, shape (n, len(INTERVALS)), float32
    rhythm, rhythm_seen : ndarray, shape (n, 1000), float16
    rhythm_lead : ndarray, shape (n,), int8
        As in `classify.signal.inputs.NetworkInput`.
    record : ndarray, shape (n,), int64
        Place among the records.
    """

    beats: NDArray[np.float16]
    beats_seen: NDArray[np.float16]
    intervals: NDArray[np.float32]
    rhythm: NDArray[np.float16]
    rhythm_seen: NDArray[np.float16]
    rhythm_lead: NDArray[np.int8]
    record: NDArray[np.int64]

    def __len__(self) -> int:
        """Count the views."""
        return len(self.record)

    @cached_property
    def by_record(self) -> dict[int, NDArray[np.intp]]:
        """Places of the views of every record that has one."""
        order = np.argsort(self.record, kind="stable")
        records, first = np.unique(self.record[order], return_index=True)
        return dict(zip(records.tolist(), np.split(order, first[1:]), strict=True))


def pool_views(views: Sequence[NetworkInput], record: Sequence[int] | NDArray[np.integer]) -> Pool:
    """Put views into arrays.

    Parameters
    ----------
    views : sequence of NetworkInput
    record : sequence of int
        The record of each.

    Returns
    -------
    Pool
    """
    kinds = {"intervals": np.float32, "rhythm_lead": np.int8}
    arrays = {
        name: np.stack([getattr(view, name) for view in views]).astype(kinds.get(name, np.float16)) for name in INPUTS
    }
    return Pool(**arrays, record=np.asarray(record, np.int64))


def make_pool(records: Records, views: int, seed: int, noise: NDArray[np.float32] | None) -> Pool:
    """Show every record several times.

    Parameters
    ----------
    records : Records
    views : int
        Of each record.
    seed : int
    noise : ndarray, shape (kinds, n), float32, or None
        See `load_noise`.

    Returns
    -------
    Pool
        Ordered by pass, then by record.

    Raises
    ------
    ValueError
        If a record lost its millivolts and none has them.
    """
    scale = Scale(records)
    made, of = [], []
    for k in range(views):
        rng = np.random.default_rng((seed, k))
        signals = [scale.millivolts(place, rng) for place in range(len(records))]
        for place in tqdm(range(len(records)), desc=f"views {k + 1}/{views}", leave=False, disable=None):
            made.append(show(signals[place], rng, noise))
            of.append(place)
    return pool_views(made, of)


def show(signal: NDArray[np.float32], rng: np.random.Generator, noise: NDArray[np.float32] | None) -> NetworkInput:
    """Show a record as a page might; see `show_pieces`.

    Parameters
    ----------
    signal : ndarray, shape (12, 1000)
        Millivolts at 100 Hz.
    rng : numpy.random.Generator
    noise : ndarray, shape (kinds, n), float32, or None

    Returns
    -------
    NetworkInput
    """
    return input_from_segments(show_pieces(signal, rng, noise), FS)


def show_pieces(
    signal: NDArray[np.float32], rng: np.random.Generator, noise: NDArray[np.float32] | None
) -> list[StripSegment]:
    """Cut a record as a page might show it: in some layout, half of the windows cut anywhere in it, with faults.

    Parameters
    ----------
    signal : ndarray, shape (12, 1000)
        Millivolts at 100 Hz.
    rng : numpy.random.Generator
    noise : ndarray, shape (kinds, n), float32, or None

    Returns
    -------
    list of StripSegment
    """
    rectangle, has_rhythm, _ = LAYOUTS[rng.choice(len(LAYOUTS), p=[share for *_, share in LAYOUTS])]
    disturbed = disturb(signal, rng, noise)
    if rectangle == "1x1":
        lead = str(rng.choice(LEAD_NAMES, p=_RHYTHM_LEADS))
        pieces: list[StripSegment] = [StripSegment(lead, disturbed[LEAD_NAMES.index(lead)])]
    else:
        layout = f"{rectangle}+{rng.choice(LEAD_NAMES, p=_RHYTHM_LEADS)}" if has_rhythm else rectangle
        columns = find_layout(rectangle).columns
        last = signal.shape[1] - signal.shape[1] // columns
        starts = rng.integers(0, last + 1, columns).tolist() if rng.random() < 0.5 else None
        pieces = _lose(list(cut_to_layout(disturbed, layout, starts)), rng)
    left, right = rng.integers(0, 6, 2)
    trimmed = [piece._replace(signal=piece.signal[left : len(piece.signal) - right]) for piece in pieces]
    return [misread(piece, rng) for piece in trimmed]


def disturb(
    signal: NDArray[np.float32], rng: np.random.Generator, noise: NDArray[np.float32] | None
) -> NDArray[np.float32]:
    """Do a little of what body, paper and scanner do: gain, speed, blur, wander, noise.

    Parameters
    ----------
    signal : ndarray, shape (12, n)
        Millivolts at 100 Hz; not modified.
    rng : numpy.random.Generator
    noise : ndarray, shape (kinds, m), float32, or None
        Recorded noise of unit variance, m at least n.

    Returns
    -------
    ndarray, shape (12, n), float32
    """
    n = signal.shape[1]
    out = signal * np.exp(rng.normal(0, 0.06) + rng.normal(0, 0.03, (12, 1))).astype(np.float32)
    if rng.random() < 0.3:
        at = (n - 1) / 2 + (np.arange(n) - (n - 1) / 2) * rng.uniform(0.96, 1.0)
        left = np.minimum(at.astype(int), n - 2)
        share = (at - left).astype(np.float32)
        out = out[:, left] * (1 - share) + out[:, left + 1] * share
    if rng.random() < 0.4:
        side = np.float32(rng.uniform(0, 0.3))
        out[:, 1:-1] = (1 - 2 * side) * out[:, 1:-1] + side * (out[:, :-2] + out[:, 2:])
    if rng.random() < 0.5:
        cycles = rng.uniform(0.05, 0.5) * n / FS
        phase = rng.uniform(0, 2 * np.pi, (12, 1))
        amplitude = rng.exponential(0.04, (12, 1))
        out = out + (amplitude * np.sin(phase + np.linspace(0, 2 * np.pi * cycles, n))).astype(np.float32)
    if rng.random() < 0.5:
        out = out + rng.standard_normal(out.shape, dtype=np.float32) * np.float32(rng.exponential(0.015))
    if noise is not None and rng.random() < 0.3:
        kind = noise[rng.integers(len(noise))]
        starts = rng.integers(0, len(kind) - n + 1, 12)
        strength = rng.exponential(0.03, (12, 1)).astype(np.float32)
        out = out + strength * kind[starts[:, None] + np.arange(n)]
    return out.astype(np.float32)


def load_noise(folder: Path) -> NDArray[np.float32] | None:
    """Load the MIT-BIH Noise Stress Test Database (Moody, Muldrow and Mark 1984): wander, electrodes, muscles.

    Parameters
    ----------
    folder : Path
        With ``bw``, ``em`` and ``ma``.

    Returns
    -------
    ndarray, shape (6, n), float32, or None
        Both channels of each at 100 Hz, of unit variance; None where the folder does not hold all three.
    """
    if not all((folder / f"{name}.hea").is_file() for name in _NOISES):
        return None
    import wfdb

    channels = []
    for name in _NOISES:
        record = wfdb.rdrecord(str(folder / name))
        for channel in record.p_signal.T:
            slow = resample_poly(np.nan_to_num(channel - np.nanmean(channel)), FS, int(record.fs))
            channels.append((slow / max(slow.std(), 1e-6)).astype(np.float32))
    shortest = min(len(channel) for channel in channels)
    return np.stack([channel[:shortest] for channel in channels])


class Scale:
    """Millivolts of all records, those that lost them scaled like a donor with the same superclasses.

    Parameters
    ----------
    records : Records

    Raises
    ------
    ValueError
        If a record lost its millivolts and none has them.
    """

    def __init__(self, records: Records) -> None:
        self.records = records
        self.donors = _donors(records)

    def millivolts(self, place: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """Signal of one record, shape (12, 1000); the donor is drawn anew each time."""
        signal: NDArray[np.float32] = self.records.signals[place]
        if self.records.millivolts[place]:
            return signal
        same = self.donors.get(_kind(self.records, place), self.donors[b""])
        return with_donor_scale(signal, self.records.signals[rng.choice(same)])


def in_millivolts(records: Records, seed: int) -> NDArray[np.float32]:
    """Give the signals of all records in millivolts, shape (n, 12, 1000), the donors drawn by a seed; see `Scale`."""
    scale, rng = Scale(records), np.random.default_rng(seed)
    return np.stack([scale.millivolts(place, rng) for place in range(len(records))])


def with_donor_scale(signal: NDArray[np.float32], donor: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give a record that lost its millivolts the amplitudes of another one.

    Parameters
    ----------
    signal, donor : ndarray, shape (12, n)
        The record (its limb leads in proportion, see `papertrace.datasets.ptbxl.restore_limb_ratios`) and one in
        millivolts.

    Returns
    -------
    ndarray, shape (12, n), float32
        The limb leads with the donor's lead II, each chest lead with the donor's standard deviation.
    """
    wanted, own = donor.std(1), signal.std(1)
    wanted[:6], own[:6] = wanted[1], own[1]
    scaled: NDArray[np.float32] = (signal * (wanted / np.maximum(own, 1e-3))[:, None]).astype(np.float32)
    return scaled


def _donors(records: Records) -> dict[bytes, NDArray[np.int64]]:
    """Group the records in millivolts by their superclasses; all of them under the empty key."""
    known = np.flatnonzero(records.millivolts)
    if not len(known):
        raise ValueError("no training record is in millivolts; at least one is needed")
    keys = [_kind(records, place) for place in known]
    donors = {key: known[[k == key for k in keys]] for key in set(keys)}
    donors[b""] = known
    return donors


def _kind(records: Records, place: np.intp | int) -> bytes:
    return records.labels[place, list(group_indices("superclass"))].tobytes()


def _lose(pieces: list[StripSegment], rng: np.random.Generator) -> list[StripSegment]:
    """Lose some leads, as a page may."""
    chance = rng.random()
    if chance < 0.12:
        lost = set(rng.choice(LEAD_NAMES, rng.integers(1, 4), replace=False))
    elif chance < 0.15:
        lost = set(LEAD_NAMES[:6] if rng.random() < 0.5 else LEAD_NAMES[6:])
    else:
        lost = set()
    return [piece for piece in pieces if piece.lead not in lost]


def misread(piece: StripSegment, rng: np.random.Generator) -> StripSegment:
    """Read a piece as a digitizer does: sure of most of it, wrong as often as it is unsure, blind now and then.

    Parameters
    ----------
    piece : StripSegment
        At `FS`.
    rng : numpy.random.Generator

    Returns
    -------
    StripSegment
    """
    signal = piece.signal.copy()
    sure = np.full(len(signal), rng.uniform(0.9, 1.0), np.float32)
    if rng.random() < 0.15:
        first = rng.integers(len(signal))
        here = slice(first, first + rng.integers(10, 150))
        sure[here] = rng.uniform(0.2, 0.9)
        if rng.random() > sure[first]:
            signal[here] += np.float32(rng.normal(0, 0.4)) * np.hanning(len(signal[here])).astype(np.float32)
    if rng.random() < 0.03:
        first = rng.integers(len(signal))
        hidden = slice(first, first + rng.integers(5, 50))
        if np.isfinite(signal).sum() - len(signal[hidden]) > FS:
            signal[hidden] = np.nan
    return piece._replace(signal=signal, confidence=sure)
