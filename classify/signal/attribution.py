"""Find which part of a page spoke for a statement: integrated gradients, carried back onto the strips.

Integrated gradients (Sundararajan, Taly and Yan 2017, "Axiomatic attribution for deep networks") share out how far a
logit lies from that of a page with flat lines and even beats among the samples. What an averaged beat gets is shared by
the beats that it is the average of; what the intervals get, by the QRS complexes between which they were measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from classify.measure.peaks import find_qrs
from classify.records.segments import StripSegment
from classify.signal.averaged_beats import BEFORE_S
from classify.signal.inputs import (
    BEAT_SAMPLES,
    FS,
    INTERVALS,
    RHYTHM_SAMPLES,
    NetworkInput,
    StripLocation,
    locate_segments,
)
from classify.signal.weights import load_weights
from classify.statements import CODES
from digitize.records.layouts import LEAD_NAMES

_STEPS = 16
_BLUR_S = 0.04
"""Neighboring samples tell the same; which of them got the credit is noise."""

_EVEN = {"median": 0.8, "variation": 0, "change": 0, "shortest": 0, "longest": 0, "alike": 1, "least_alike": 1}
"""`INTERVALS` of even beats, all alike, 75 a minute."""

_QRS_S = 0.1


def attribute(segments: Sequence[StripSegment], fs: int, code: str) -> tuple[NDArray[np.float32], ...]:
    """Tell how far each sample of a page's strips speaks for a statement.

    Parameters
    ----------
    segments : sequence of StripSegment
        The strips in any order.
    fs : int
        Their sampling frequency in Hz.
    code : str
        One of `classify.statements.CODES`.

    Returns
    -------
    tuple of ndarray, shape (n,), float32
        One a segment, as long as its signal: parts of the logit, positive where a sample speaks for the statement.

    Raises
    ------
    ValueError
        If there is no such statement, or nothing to read.

    Examples
    --------
    >>> beats = np.exp(-(((np.arange(1000) % 90 - 45) / 3) ** 2)).astype(np.float32)
    >>> (spoke,) = attribute([StripSegment("II", beats)], 100, "SR")
    >>> spoke.shape, bool(np.isfinite(spoke).all())
    ((1000,), True)
    """
    if code not in CODES:
        raise ValueError(f"unknown statement {code!r}; allowed: {', '.join(CODES)}")
    page, locations = locate_segments(segments, fs)
    parts = _integrate_gradients(page, code)
    timed = [location.is_rhythm for location in locations]
    timed = timed if any(timed) else [location.beats is not None for location in locations]
    spread = []
    for segment, location, is_timed in zip(segments, locations, timed, strict=True):
        share = _spread(parts, segment, location, fs)
        if is_timed:
            share += _about_beats(segment, fs, len(share)) * float(parts["intervals"].sum()) / sum(timed)
        spread.append(_smooth(share, len(segment.signal), fs))
    return tuple(spread)


def _integrate_gradients(page: NetworkInput, code: str) -> dict[str, NDArray[np.float32]]:
    """Part a logit by what the network saw: ``beats``, ``rhythm`` and ``intervals``, in their shapes."""
    import torch

    from classify.signal.network import INPUTS, batch_inputs

    weights = load_weights()
    given = dict(zip(INPUTS, batch_inputs([page]), strict=True))
    even = torch.tensor([_EVEN.get(name, value) for name, value in zip(INTERVALS, page.intervals, strict=True)])
    moved = {"beats": given["beats"], "rhythm": given["rhythm"], "intervals": given["intervals"] - even}
    share = ((torch.arange(_STEPS) + 0.5) / _STEPS)[:, None]
    varied = {
        name: given[name] - (1 - (share[:, :, None] if name == "beats" else share)) * way for name, way in moved.items()
    }
    for tensor in varied.values():
        tensor.requires_grad_()
    rest = {name: tensor.expand(_STEPS, *tensor.shape[1:]) for name, tensor in given.items() if name not in varied}
    logits = weights.network(*({**rest, **varied}[name] for name in INPUTS))[:, CODES.index(code)]
    slopes = torch.autograd.grad(logits.sum(), list(varied.values()))
    return {name: (slope.mean(0) * moved[name][0]).numpy() for name, slope in zip(varied, slopes, strict=True)}


def _spread(
    parts: Mapping[str, NDArray[np.float32]], segment: StripSegment, location: StripLocation, fs: int
) -> NDArray[np.float64]:
    """Lay the parts of beats and rhythm on a segment's samples at `FS`."""
    share = np.zeros(round(len(segment.signal) * FS / fs) + 1)
    if location.beats is not None and len(location.beats):
        _add_beat(share, parts["beats"][LEAD_NAMES.index(segment.lead)] / len(location.beats), location.beats)
    if location.is_rhythm:
        share[:RHYTHM_SAMPLES] += parts["rhythm"][: len(share)]
    return share


def _smooth(share: NDArray[np.float64], n: int, fs: int) -> NDArray[np.float32]:
    """Blur samples at `FS` and take them to `n` samples at `fs`."""
    from scipy.ndimage import gaussian_filter1d

    smooth = gaussian_filter1d(share, _BLUR_S * FS, mode="constant")
    return np.asarray(np.interp(np.arange(n) * FS / fs, np.arange(len(share)), smooth), np.float32)


def _about_beats(segment: StripSegment, fs: int, n: int) -> NDArray[np.float64]:
    """Share 1 among those of `n` samples at `FS` that lie about a beat of the segment; the others get 0."""
    at = find_qrs(segment.signal[None], fs) * FS / fs
    near = (np.abs(np.arange(n)[:, None] - at) <= _QRS_S / 2 * FS).any(axis=1)
    share: NDArray[np.float64] = near / max(near.sum(), 1)
    return share


def _add_beat(strip: NDArray[np.float64], beat: NDArray[np.float32], at: NDArray[np.int64]) -> None:
    """Add a beat's parts to a strip at each of its beats, in place."""
    samples = at[:, None] - round(BEFORE_S * FS) + np.arange(BEAT_SAMPLES)
    inside = (samples >= 0) & (samples < len(strip))
    np.add.at(strip, samples[inside], np.broadcast_to(beat, samples.shape)[inside])
