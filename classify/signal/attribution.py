"""Which part of a page spoke for a statement: integrated gradients, carried back onto the strips.

Integrated gradients (Sundararajan, Taly and Yan 2017, "Axiomatic attribution for deep networks") share out how far a
logit lies from that of a page with flat lines and even beats among the samples. What an averaged beat gets is shared by
the beats that it is the average of; what the intervals get, by the QRS complexes between which they were measured.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from classify.measure.peaks import find_qrs
from classify.records.segments import StripSegment
from classify.signal.stack import BEFORE_S
from classify.signal.view import BEAT_SAMPLES, FS, INTERVALS, RHYTHM_SAMPLES, place_pieces
from classify.signal.weights import load_weights
from classify.statements import CODES
from digitize.records.layouts import LEAD_NAMES

_STEPS = 16
_BLUR_S = 0.04
"""Neighboring samples tell the same; which of them got the credit is noise."""

_EVEN = {"median": 0.8, "variation": 0, "change": 0, "shortest": 0, "longest": 0, "alike": 1, "least_alike": 1}
"""`INTERVALS` of even beats, all alike, 75 a minute."""

_QRS_S = 0.1


def attribute(pieces: Sequence[StripSegment], fs: int, code: str) -> tuple[NDArray[np.float32], ...]:
    """Tell how far each sample of a page's strips speaks for a statement.

    Parameters
    ----------
    pieces : sequence of StripSegment
        The strips in any order.
    fs : int
        Their sampling frequency in Hz.
    code : str
        One of `classify.statements.CODES`.

    Returns
    -------
    tuple of ndarray, shape (n,), float32
        One a piece, as long as its signal: parts of the logit, positive where a sample speaks for the statement.

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
    import torch
    from scipy.ndimage import gaussian_filter1d

    from classify.signal.network import INPUTS, stack_views

    weights = load_weights()
    view, places = place_pieces(pieces, fs)
    given = dict(zip(INPUTS, stack_views([view]), strict=True))
    even = torch.tensor([_EVEN.get(name, value) for name, value in zip(INTERVALS, view.intervals, strict=True)])
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
    of_beats, of_rhythm, of_intervals = (
        (slope.mean(0) * moved[name][0]).numpy() for name, slope in zip(varied, slopes, strict=True)
    )
    timed = [place.is_rhythm for place in places]
    timed = timed if any(timed) else [place.beats is not None for place in places]
    spoken = []
    for piece, place, is_timed in zip(pieces, places, timed, strict=True):
        slow = np.zeros(round(len(piece.signal) * FS / fs) + 1)
        if place.beats is not None and len(place.beats):
            _lay(slow, of_beats[LEAD_NAMES.index(piece.lead)] / len(place.beats), place.beats)
        if place.is_rhythm:
            slow[:RHYTHM_SAMPLES] += of_rhythm[: len(slow)]
        if is_timed:
            slow += _about_beats(piece, fs, len(slow)) * float(of_intervals.sum()) / sum(timed)
        smooth = gaussian_filter1d(slow, _BLUR_S * FS, mode="constant")
        spoken.append(
            np.interp(np.arange(len(piece.signal)) * FS / fs, np.arange(len(slow)), smooth).astype(np.float32)
        )
    return tuple(spoken)


def _about_beats(piece: StripSegment, fs: int, n: int) -> NDArray[np.float64]:
    """A share for each of `n` samples at `FS`: the same for all about a beat of the piece, together 1; 0 elsewhere."""
    at = find_qrs(piece.signal[None], fs) * FS / fs
    near = (np.abs(np.arange(n)[:, None] - at) <= _QRS_S / 2 * FS).any(axis=1)
    share: NDArray[np.float64] = near / max(near.sum(), 1)
    return share


def _lay(strip: NDArray[np.float64], beat: NDArray[np.float32], at: NDArray[np.int64]) -> None:
    """Add a beat's parts to a strip at each of its beats, in place."""
    samples = at[:, None] - round(BEFORE_S * FS) + np.arange(BEAT_SAMPLES)
    inside = (samples >= 0) & (samples < len(strip))
    np.add.at(strip, samples[inside], np.broadcast_to(beat, samples.shape)[inside])
