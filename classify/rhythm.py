"""Heart rate and its regularity, measured on the longest strip of a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classify.peaks import find_r_peaks
from classify.view import Piece, longest_piece

_SHORTEST_S = 2.0
# A single interval may be one between a QRS complex and a wave that was taken for one; nothing would tell.
_FEWEST_BEATS = 3
_BRIDGED_S = 0.1


@dataclass(frozen=True)
class Rhythm:
    """What the R peaks of one strip tell.

    Attributes
    ----------
    heart_rate : float or None
        Beats a minute, the mean over the strip; None when it cannot be measured.
    rr_variation : float or None
        Standard deviation of the RR intervals over their mean: a few hundredths in sinus rhythm, typically above 0.1
        in atrial fibrillation. None with fewer than three intervals.
    beats : int
        Count of R peaks.
    lead : str or None
        The strip that was read.
    reason : str or None
        Why `heart_rate` is None.
    """

    heart_rate: float | None
    rr_variation: float | None
    beats: int
    lead: str | None
    reason: str | None = None


def _longest_run(signal: NDArray[np.float32], bridged: int) -> NDArray[np.float32]:
    """Longest part without a gap of more than `bridged` samples; shorter gaps are joined by straight lines."""
    seen = np.flatnonzero(np.isfinite(signal))
    if len(seen) == 0:
        return np.empty(0, np.float32)
    breaks = np.flatnonzero(np.diff(seen) > bridged + 1)
    starts = seen[np.concatenate([[0], breaks + 1])]
    ends = seen[np.concatenate([breaks, [len(seen) - 1]])] + 1
    longest = int(np.argmax(ends - starts))
    samples = np.arange(starts[longest], ends[longest])
    return np.interp(samples, seen, signal[seen]).astype(np.float32)


def measure_rhythm(pieces: Sequence[Piece], fs: int) -> Rhythm:
    """Find the R peaks of the longest strip, gaps not counted, and measure their intervals (`classify.peaks`).

    Parameters
    ----------
    pieces : sequence of Piece
        The strips of a page.
    fs : int
        Their sampling frequency in Hz.

    Returns
    -------
    Rhythm
        With a reason instead of a rate where there is less than 2 s of trace or fewer than three beats.

    Examples
    --------
    >>> measure_rhythm([Piece("II", np.zeros(500, np.float32))], fs=500).reason
    'lead II shows 1.0 s in one piece; a rate needs 2 s'
    """
    piece = longest_piece([Piece(piece.lead, _longest_run(piece.signal, round(_BRIDGED_S * fs))) for piece in pieces])
    if piece is None:
        return Rhythm(None, None, 0, None, "no strip was traced")
    run = piece.signal
    if len(run) < _SHORTEST_S * fs:
        reason = f"lead {piece.lead} shows {len(run) / fs:.1f} s in one piece; a rate needs {_SHORTEST_S:g} s"
        return Rhythm(None, None, 0, piece.lead, reason)
    peaks = find_r_peaks(run, fs)
    if len(peaks) < _FEWEST_BEATS:
        reason = f"lead {piece.lead} has {len(peaks)} R peaks in {len(run) / fs:.1f} s; a rate needs {_FEWEST_BEATS}"
        return Rhythm(None, None, len(peaks), piece.lead, reason)
    intervals = np.diff(peaks) / fs
    variation = float(intervals.std() / intervals.mean()) if len(intervals) >= 3 else None
    return Rhythm(float(60 / intervals.mean()), variation, len(peaks), piece.lead)
