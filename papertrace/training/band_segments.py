"""Bands of read pages with their truth, batch by batch: pages are loaded as needed, in a new order each epoch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from digitize.records.upright import PIXELS_PER_MM
from digitize.refine.bands import CHANNELS, HEIGHTS, STEPS, Bands, height_for
from digitize.refine.read import LENGTH
from papertrace.training.band_pages import QUARTERS, ReadPage, load
from papertrace.training.loop import Batches

_LEAST_KNOWN = 0.4
"""Share of a band's columns in which the truth is known."""
_ASTRAY_MM = 1.0
"""Distance from the truth at which a trace is on a wrong way, and not only imprecise."""
_ALWAYS = 0.1
"""Weight of a band whose trace is right everywhere, against 1 of one whose trace is nowhere."""
_AT_ONCE = 24
"""Pages whose bands are mixed."""
_USUAL = 448
"""Height of a band of which a batch has its size; of higher ones it has fewer."""
_UNKNOWN_OWN = 0.3
"""Share of the bands whose row is shown without its deterministic trace."""


class Batch(NamedTuple):
    """Bands as tensors.

    Attributes
    ----------
    pixels : tensor, shape (n, len(CHANNELS), h, LENGTH), uint8
    level : tensor, shape (n, LENGTH)
        See `digitize.refine.bands.Band`.
    truth : tensor, shape (n, LENGTH, QUARTERS)
        The pen (pixels from the band's top) at each quarter of a column; NaN where the page shows nothing.
    """

    pixels: torch.Tensor
    level: torch.Tensor
    truth: torch.Tensor


class Segment(NamedTuple):
    """One band of a batch, as arrays."""

    pixels: NDArray[np.uint8]
    level: NDArray[np.float32]
    truth: NDArray[np.float32]


def batches(files: Sequence[Path], batch: int, most: int, heights: Sequence[int] = HEIGHTS) -> Batches[Batch]:
    """Go through the pages of an epoch, `most` bands of each.

    Parameters
    ----------
    files : sequence of Path
        Written by `papertrace.training.band_pages.save`.
    batch : int
        Bands of a batch, of usual height.
    most : int
        Bands of a page.
    heights : sequence of int
        Allowed heights.

    Returns
    -------
    Batches
    """

    def draw(rng: np.random.Generator) -> Iterator[Batch]:
        return islice(_endless(files, batch, most, heights, rng), steps)

    steps = max(1, len(files) * most // batch)
    return Batches(steps, draw)


def _endless(
    files: Sequence[Path], batch: int, most: int, heights: Sequence[int], rng: np.random.Generator
) -> Iterator[Batch]:
    waiting: dict[int, list[Segment]] = {height: [] for height in heights}
    while True:
        order = rng.permutation(len(files))
        for first in range(0, len(order), _AT_ONCE):
            for k in order[first : first + _AT_ONCE]:
                page = load(files[k])
                for segment in [] if page is None else cut_segments(page, most, heights, rng):
                    waiting[segment.pixels.shape[1]].append(segment)
            ready = []
            for height, segments in waiting.items():
                size = max(1, round(batch * _USUAL / height)) if len(heights) > 1 else batch
                mixed = [segments[k] for k in rng.permutation(len(segments))]
                whole = len(mixed) // size * size
                ready += [mixed[k : k + size] for k in range(0, whole, size)]
                waiting[height] = mixed[whole:]
            for k in rng.permutation(len(ready)):
                yield batch_of(ready[k], rng)


def cut_segments(page: ReadPage, most: int, heights: Sequence[int], rng: np.random.Generator) -> list[Segment]:
    """Choose bands of a page by chance, those most whose trace is on a wrong way; no two of a row overlap.

    Parameters
    ----------
    page : ReadPage
    most : int
        Bands at most.
    heights : sequence of int
        Allowed heights.
    rng : numpy.random.Generator

    Returns
    -------
    list of Segment
    """
    layers = page.layers
    level, truth = layers.rows.level, page.seen
    known = np.isfinite(truth[..., 0])
    off = np.abs(layers.traces.center - truth[..., 0])
    astray = known & ~(off < _ASTRAY_MM * PIXELS_PER_MM)
    places, weights = [], []
    for row in range(len(level)):
        spare = level.shape[1] % LENGTH
        for start in range(int(rng.integers(spare + 1)), level.shape[1] - LENGTH + 1, LENGTH):
            here = slice(start, start + LENGTH)
            if known[row, here].mean() >= _LEAST_KNOWN:
                places.append((row, start))
                weights.append(_ALWAYS + astray[row, here].mean())
    if not places:
        return []
    share = np.array(weights) / np.sum(weights)
    chosen = rng.choice(len(places), min(most, len(places)), replace=False, p=share)
    bands, segments = Bands(layers), []
    for row, start in (places[k] for k in chosen):
        here = slice(start, start + LENGTH)
        middle = float(np.median(level[row, here]))
        away = np.append(truth[row, here].ravel(), layers.traces.center[row, here]) - middle
        fitting = [height for height in heights if height >= height_for(away)]
        band = bands.cut(row, start, LENGTH, min(fitting, default=max(heights)))
        segments.append(Segment(band.pixels, band.level, truth[row, here] - band.top))
    return segments


def batch_of(segments: Sequence[Segment], rng: np.random.Generator) -> Batch:
    """Put bands together; half of them upside down, some without their row's trace.

    Parameters
    ----------
    segments : sequence of Segment
        Of one height; not modified.
    rng : numpy.random.Generator

    Returns
    -------
    Batch
    """
    pixels, level, truth = (np.stack(parts) for parts in zip(*segments, strict=True))
    turned, unknown = rng.random((2, len(segments))) < [[0.5], [_UNKNOWN_OWN]]
    last = pixels.shape[2] - 1
    pixels[turned] = pixels[turned, :, ::-1]
    level[turned], truth[turned] = last - level[turned], last - truth[turned]
    pixels[unknown, CHANNELS.index("own")] = 0
    return Batch(torch.from_numpy(pixels), torch.from_numpy(level), torch.from_numpy(truth.astype(np.float32)))


def truth_at_steps(truth: torch.Tensor) -> torch.Tensor:
    """Truth at every step of a column, shape (..., QUARTERS) to (..., STEPS)."""
    return truth[..., :: QUARTERS // STEPS]
