"""A made-up page with the truth about its rows, as `papertrace.training.band_pages` has it."""

from __future__ import annotations

import numpy as np

from digitize.records.traces import Rows, Traces, TraceState
from digitize.refine.bands import Bands, fill_strokes
from digitize.refine.layers import Layers
from papertrace.training.band_pages import QUARTERS, ReadPage

WIDTH, HEIGHT = 1100, 640
LEVELS = (200.0, 420.0)


def page(seed: int, number: int = 0, kind: str = "clean") -> ReadPage:
    """Draw two waves with a steep beat each; the trace of the second is astray over some hundred columns."""
    rng = np.random.default_rng(seed)
    x = np.arange(WIDTH * QUARTERS) / QUARTERS
    truth = np.stack([
        level + 15 * np.sin(x / rng.uniform(20, 40)) - 80 * np.exp(-(((x - rng.uniform(100, 900)) / 5) ** 2))
        for level in LEVELS
    ]).reshape(2, WIDTH, QUARTERS)  # fmt: skip
    center, between = truth[..., 0].copy(), truth[..., 2].copy()
    center[1, 600:720] += 60
    between[1, 599:720] += 60
    center[0, 300:310] = between[0, 299:310] = np.nan
    between[:, -1] = np.nan
    ends = np.zeros(2, np.int64), np.full(2, WIDTH)
    state = np.where(np.isfinite(center), np.uint8(TraceState.SEEN), np.uint8(TraceState.UNKNOWN))
    traces = Traces(
        center.astype(np.float32), between.astype(np.float32), state, *ends, np.zeros(2), np.full(2, WIDTH - 1.0), 1.5,
        np.stack([center, center]).astype(np.float32),
    )  # fmt: skip
    coverage = drawn(truth)
    rows = Rows(np.repeat(np.float32(LEVELS)[:, None], WIDTH, axis=1), *ends)
    print_mask = np.zeros(coverage.shape, bool)
    print_mask[10:30, 40:60] = True
    seen = truth.astype(np.float32)
    return ReadPage(
        Layers(coverage, 255 - coverage, coverage, print_mask, traces, rows, 10.0, 8.0), seen, seen, kind, number
    )


def drawn(truth: np.ndarray) -> np.ndarray:
    """Ink of a pen of radius 1.5 along paths at quarters of columns, shape (HEIGHT, WIDTH), uint8."""
    low, high = truth.min(axis=2) - 1.5, truth.max(axis=2) + 1.5
    return np.rint(255 * np.minimum(fill_strokes(low, high, HEIGHT), 1.0)).astype(np.uint8)


def bands(seed: int = 0) -> Bands:
    """Bands of such a page."""
    return Bands(page(seed).layers)
