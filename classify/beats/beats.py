"""The beats of a page's rhythm strip, each with its time and its class."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classify.beats.inputs import inputs_from_strip
from classify.measure.peaks import find_r_peaks
from classify.records.beats import CLASSES, Beat, Beats
from classify.records.segments import StripSegment, longest_segment
from digitize.records.weights import check_names, load_trained

if TYPE_CHECKING:
    from torch import nn

    from classify.signal.network import Ensemble

WEIGHTS = Path(__file__).parents[1] / "weights" / "beats.safetensors"
"""The weights; their training record lies beside them, with the suffix ``.json``."""

WINDOW_S, STEP_S = 10.0, 5.0
"""Longer strips are read in windows of so many seconds, which begin so far apart: the network learned no more."""

SHORTEST_S = 2.0
"""A strip must show as many seconds to be read beat by beat."""


@lru_cache(maxsize=16)
def load_network(path: Path = WEIGHTS) -> tuple[Ensemble, str]:
    """Load the networks that name beats as one, and their version, once.

    Parameters
    ----------
    path : Path
        The ``.safetensors`` file.

    Returns
    -------
    network : Ensemble
        Of `classify.beats.network.BeatNetwork`, set to evaluation.
    version : str

    Raises
    ------
    FileNotFoundError, ValueError
        See `digitize.records.weights.load_trained`; if they know other classes than this code, too.
    """
    from classify.beats.network import BeatNetwork
    from classify.signal.network import Ensemble

    def build(record: dict[str, Any]) -> Ensemble:
        check_names(path, "classes", record["classes"], CLASSES)
        return Ensemble([BeatNetwork() for _ in range(record["members"])])

    network, record = load_trained(path, build, "beats")
    return network, str(record["version"])


def read_beats(segments: Sequence[StripSegment], fs: int) -> Beats:
    """Find and name the beats of the strip that shows most.

    Hardly a beat of class Q was there to learn from, and those of class F are nearly all one patient's: neither is
    recognized reliably; the figures are in README.md.

    Parameters
    ----------
    segments : sequence of StripSegment
        The strips of a page; gaps do not count, and of strips as long, lead II comes before V1 before V5 (as
        `classify.records.segments.longest_segment` chooses).
    fs : int
        Their sampling frequency in Hz.

    Returns
    -------
    Beats
        With a reason where there are none. A beat by a strip's end is named from what is seen of it.

    Raises
    ------
    FileNotFoundError, ValueError
        See `load_network`.

    Examples
    --------
    >>> read_beats([StripSegment("II", np.zeros(500, np.float32))], fs=500).reason
    'lead II shows 1.0 s; beats are named from 2 s on'
    """
    version = load_network()[1]
    shown = [StripSegment(segment.lead, segment.signal[np.isfinite(segment.signal)]) for segment in segments]
    chosen = longest_segment(shown)
    if chosen is None:
        return Beats((), None, None, version, "no strip was traced")
    place = next(k for k, segment in enumerate(shown) if segment is chosen)
    if len(chosen.signal) < SHORTEST_S * fs:
        reason = f"lead {chosen.lead} shows {len(chosen.signal) / fs:.1f} s; beats are named from {SHORTEST_S:g} s on"
        return Beats((), chosen.lead, place, version, reason)
    signal = segments[place].signal
    peaks = find_r_peaks(signal, fs)
    if not len(peaks):
        return Beats((), chosen.lead, place, version, f"lead {chosen.lead} has no R peak")
    named = name_peaks(signal, fs, peaks, load_network()[0])
    beats = tuple(
        Beat(
            float(peak / fs),
            int(peak),
            CLASSES[int(row.argmax())],
            float(row.max()),
            dict(zip(CLASSES, (float(value) for value in row), strict=True)),
        )
        for peak, row in zip(peaks, named, strict=True)
    )
    return Beats(beats, chosen.lead, place, version)


def name_peaks(
    signal: NDArray[np.float32], fs: int, peaks: NDArray[np.int64], network: nn.Module
) -> NDArray[np.float64]:
    """Name beats whose R peaks are known, each from ten seconds about it.

    Parameters
    ----------
    signal : ndarray, shape (n,)
        Millivolts, NaN where hidden.
    fs : int
        Sampling frequency in Hz.
    peaks : ndarray, shape (beats,)
        Samples of the R peaks, in order.
    network : Module
        See `classify.beats.network.name_beats`.

    Returns
    -------
    ndarray, shape (beats, classes), float64
        Probabilities, in the order of `classify.records.beats.CLASSES`. Where windows overlap, a beat's are those of
        the window in whose middle it lies most.
    """
    from classify.beats.network import name_beats

    length, step = round(WINDOW_S * fs), round(STEP_S * fs)
    starts = np.arange(0, max(len(signal) - length, 0) + step, step)
    starts = np.unique(np.minimum(starts, max(len(signal) - length, 0)))
    nearest = np.abs(peaks[:, None] - (starts + length / 2)).argmin(axis=1)
    strips, kept = [], list[NDArray[np.bool_]]()
    for window, start in enumerate(starts):
        inside = np.flatnonzero((peaks >= start) & (peaks < start + length))
        if (nearest[inside] == window).any():
            strips.append(inputs_from_strip(signal[start : start + length], fs, peaks[inside] - start))
            kept.append(nearest[inside] == window)
    named = name_beats(network, strips)
    return named[np.concatenate(kept)] if kept else named
