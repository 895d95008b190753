"""Lay out a page the plain way: strips in their places in twelve rows of ten seconds, and where there are any.

That is how others put pages to networks that were made for recordings. The networks that ours is measured against
(`papertrace.training.baselines`) get it; ours gets `classify.signal.inputs`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from classify.records.segments import StripSegment
from classify.signal.inputs import FS
from digitize.records.layouts import LEAD_NAMES
from papertrace.training.views import Scale, show_pieces

SAMPLES = 10 * FS
"""Length of a sheet at `FS`."""

_LIMIT_MV = 5.0


def sheet_of(pieces: Sequence[StripSegment]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Lay the strips of a page into an array.

    Parameters
    ----------
    pieces : sequence of StripSegment
        Strips at `FS`; of a lead that is there twice, the longer one is taken.

    Returns
    -------
    signal : ndarray, shape (12, 1000), float32
        Millivolts about each strip's median; 0 where nothing is shown.
    seen : ndarray, shape (12, 1000), float32
        1 where something is, else 0.

    Examples
    --------
    >>> signal, seen = sheet_of([StripSegment("V1", np.ones(250, np.float32), start=5.0)])
    >>> int(seen.sum()), int(seen[6, 500:750].sum()), float(np.abs(signal).max())
    (250, 250, 0.0)
    """
    signal, seen = np.zeros((2, len(LEAD_NAMES), SAMPLES), np.float32)
    for piece in sorted(pieces, key=lambda piece: len(piece.signal)):
        shown = np.isfinite(piece.signal)
        if not shown.any():
            continue
        row, start = LEAD_NAMES.index(piece.lead), min(max(round(piece.start * FS), 0), SAMPLES)
        n = min(len(piece.signal), SAMPLES - start)
        centered = np.clip(piece.signal - np.median(piece.signal[shown]), -_LIMIT_MV, _LIMIT_MV)
        signal[row], seen[row] = 0, 0
        signal[row, start : start + n] = np.where(shown, centered, 0)[:n]
        seen[row, start : start + n] = shown[:n]
    return signal, seen


def stack_sheets(pages: Sequence[Sequence[StripSegment]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Batch pages.

    Parameters
    ----------
    pages : sequence of sequence of StripSegment

    Returns
    -------
    signal, seen : tensor, shape (pages, 12, 1000)
    """
    signals, seens = zip(*(sheet_of(pieces) for pieces in pages), strict=True)
    return torch.from_numpy(np.stack(signals)), torch.from_numpy(np.stack(seens))


def draw_sheets(
    scale: Scale, noise: NDArray[np.float32] | None, places: NDArray[np.intp], rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Show some records as pages might (`papertrace.training.views.show_pieces`), each time anew.

    Parameters
    ----------
    scale : Scale
        The records.
    noise : ndarray, shape (kinds, n), float32, or None
        See `papertrace.training.views.load_noise`.
    places : ndarray, shape (pages,), int
        Places of the records.
    rng : numpy.random.Generator

    Returns
    -------
    signal, seen : tensor, shape (pages, 12, 1000)
    """
    return stack_sheets([show_pieces(scale.millivolts(int(place), rng), rng, noise) for place in places])


def pieces_of_time(signal: torch.Tensor, seen: torch.Tensor, samples: int) -> torch.Tensor:
    """Cut sheets into pieces of time, which a linear layer makes features of.

    A convolution with as long a stride as kernel would do the same, but is wrong in bfloat16 on processors with AMX
    (oneDNN 3.12, four taps over 24 channels).

    Parameters
    ----------
    signal, seen : tensor, shape (pages, 12, n)
    samples : int
        Length of a piece; n is a multiple of it.

    Returns
    -------
    tensor, shape (pages, n / samples, 24 samples)

    Examples
    --------
    >>> pieces_of_time(*torch.zeros(2, 5, 12, 1000), 4).shape
    torch.Size([5, 250, 96])
    """
    pieces: torch.Tensor = torch.cat([signal, seen], 1).unflatten(2, (-1, samples)).transpose(1, 2).flatten(2)
    return pieces
