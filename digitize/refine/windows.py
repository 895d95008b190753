"""Cut windows along a trace for a network: pixels around the path, column by column, and what can be measured there.

A beat's flank crosses hundreds of rows within a few columns, so an error of a tenth of a column is one of many pixels
there and of a tenth of a pixel elsewhere. Windows are therefore measured in units of distance *across* the stroke: one
unit is `hypot(1, slope)` rows. Their rows are bands that grow outward, so that a window is fine at the path and yet
reaches the neighboring rows; each value is the exact mean of its band, wherever between two pixels the path runs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from digitize.ink.runs import Runs, find_runs
from digitize.records.traces import Traces, TraceState
from digitize.refine.layers import Layers

HEIGHT = 32
"""Bands of a window."""
CHANNELS = ("ink", "gray", "others", "pen")
"""Ink of the page, its gray, what the other rows' traces cover, and what looks like the pen's."""
FEATURES = (
    *("scale", "slope_before", "slope_after", "top", "bottom", "top_far", "bottom_far", "ink_left", "ink_right"),
    *("sure", "radius", "known", "away", "resolution", "tolerance", "pale"),
)
"""What is measured in each column."""

_TURNED = {
    "slope_before": "slope_before",
    "slope_after": "slope_after",
    "away": "away",
    "top": "bottom",
    "bottom": "top",
    "top_far": "bottom_far",
    "bottom_far": "top_far",
}
"""Features that change sign upside down, and whose place they take."""
_SURENESS = {TraceState.UNKNOWN: 0.0, TraceState.BRIDGED: 0.3, TraceState.SHARED: 0.6, TraceState.SEEN: 1.0}
"""The feature "sure" by the state of a trace: the weights were trained with these values."""
_FINEST = 1.0
"""Height of the two bands beside the path, in units."""
_FARTHEST = 40.0
"""Where the outermost bands end, in units."""
_STEEPEST = 100.0
"""Most rows that a unit has."""
_BESIDE = 12
"""Columns within which ink to the left and right of the path is followed."""


def growing(steps: int, finest: float, farthest: float) -> NDArray[np.float64]:
    """Offsets that grow outward from 0 to both sides, ``2 steps + 1`` of them: the hyperbolic sine of equal steps.

    Examples
    --------
    >>> growing(3, 1.0, 9.0).round(1).tolist()
    [-9.0, -3.2, -1.0, 0.0, 1.0, 3.2, 9.0]
    """
    low, high = 1e-6, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if np.sinh(middle * steps) / np.sinh(middle) < farthest / finest else (low, middle)
    return np.asarray(finest * np.sinh(low * np.arange(-steps, steps + 1)) / np.sinh(low), np.float64)


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows along every row of a page.

    Attributes
    ----------
    pixels : ndarray, shape (rows, w, len(CHANNELS), HEIGHT), uint8
        From above the path to below it; 255 is all ink, or black.
    features : ndarray, shape (rows, w, len(FEATURES)), float16
        About -1 to 1 each.
    scale : ndarray, shape (rows, w), float32
        Pixels (y) of a unit.
    """

    pixels: NDArray[np.uint8]
    features: NDArray[np.float16]
    scale: NDArray[np.float32]


def cut_windows(layers: Layers) -> Windows:
    """Cut windows along the traces of a page.

    Parameters
    ----------
    layers : Layers

    Returns
    -------
    Windows

    Examples
    --------
    >>> from digitize.records.traces import Rows
    >>> page = np.zeros((200, 60), np.uint8)
    >>> page[99:102] = 255
    >>> flat = np.full((1, 60), 100, np.float32)
    >>> ends = np.array([0]), np.array([60]), np.array([0.0]), np.array([59.0])
    >>> seen = np.full((1, 60), TraceState.SEEN, np.uint8)
    >>> traces = Traces(flat, flat, seen, *ends, 1.5, np.stack([flat, flat]))
    >>> layers = Layers(page, 255 - page, page, np.zeros((200, 60), bool), traces, Rows(flat, *ends[:2]), 10, 8)
    >>> windows = cut_windows(layers)
    >>> windows.pixels.shape, windows.pixels[0, 30, 0, 12:20].tolist()
    ((1, 60, 4, 32), [0, 0, 124, 255, 255, 124, 0, 0])
    """
    traces, rows = layers.traces, layers.rows
    coverage = np.asarray(layers.coverage / np.float32(255), np.float32)
    known = np.isfinite(traces.center)
    y = np.where(known, traces.center, rows.level).astype(np.float32)
    before, after = _slopes(traces, y)
    scale = _scale(before, after)
    edges = growing(HEIGHT // 2, _FINEST, _FARTHEST).astype(np.float32)
    at = y[..., None] + scale[..., None] * edges
    bands = np.diff(at, axis=2)
    pixels = np.empty((*y.shape, len(CHANNELS), HEIGHT), np.uint8)
    for channel, layer in (("ink", layers.coverage), ("gray", 255 - layers.gray), ("pen", layers.pen)):
        pixels[:, :, CHANNELS.index(channel)] = _means(layer, at, bands) + 0.5
    reach = (traces.radius * np.hypot(1.0, (np.abs(before) + np.abs(after)) / 2)).astype(np.float32)
    pixels[:, :, CHANNELS.index("others")] = 255 * _others(y, known, reach, at, bands) + 0.5

    pale = _pale(coverage, y, known)
    top, bottom = _run_at(find_runs(coverage, 0.5 * pale), y)
    left, right = _beside(coverage, y, 0.5 * pale)
    found = {
        "scale": np.log(scale) / 4,
        "slope_before": np.arcsinh(before) / 4,
        "slope_after": np.arcsinh(after) / 4,
        "top": np.arcsinh((top - y) / scale) / 2,
        "bottom": np.arcsinh((bottom - y) / scale) / 2,
        "top_far": np.arcsinh(top - y) / 5,
        "bottom_far": np.arcsinh(bottom - y) / 5,
        "ink_left": left / _BESIDE,
        "ink_right": right / _BESIDE,
        "sure": sureness(traces.state),
        "radius": np.full_like(y, traces.radius / 5),
        "known": known,
        "away": np.arcsinh((y - rows.level) / 10) / 4,
        "resolution": np.full_like(y, np.log(layers.resolution / 10)),
        "tolerance": np.full_like(y, np.log(layers.gain / 10)),
        "pale": np.full_like(y, pale),
    }
    return Windows(pixels, np.stack([np.asarray(found[name], np.float16) for name in FEATURES], axis=2), scale)


def sureness(state: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Weigh the states of traces, as the feature "sure" of windows.

    Parameters
    ----------
    state : ndarray, uint8
        Of `TraceState`.

    Returns
    -------
    ndarray of the same shape, float32

    Examples
    --------
    >>> sureness(np.array([TraceState.SEEN, TraceState.UNKNOWN], np.uint8)).tolist()
    [1.0, 0.0]
    """
    table = np.array([_SURENESS[kind] for kind in sorted(TraceState)], np.float32)
    return np.asarray(table[state], np.float32)


def upside_down(
    pixels: NDArray[np.uint8], features: NDArray[np.float16]
) -> tuple[NDArray[np.uint8], NDArray[np.float16]]:
    """Turn windows upside down: what a page shows that was turned over about its time axis.

    Parameters
    ----------
    pixels : ndarray, shape (..., len(CHANNELS), HEIGHT), uint8
    features : ndarray, shape (..., len(FEATURES)), float16

    Returns
    -------
    pixels : ndarray
        A view.
    features : ndarray
    """
    turned = features.copy()
    for name, other in _TURNED.items():
        turned[..., FEATURES.index(name)] = -features[..., FEATURES.index(other)]
    return pixels[..., ::-1], turned


def _slopes(traces: Traces, y: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Slope of the path (pixels a column) in the halves of a column before and after its middle."""
    after = 2 * (traces.between - traces.center)
    before = np.zeros_like(y)
    before[:, 1:] = 2 * (traces.center[:, 1:] - traces.between[:, :-1])
    return np.nan_to_num(before), np.nan_to_num(after)


def _scale(before: NDArray[np.float32], after: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows that a unit across the stroke has: by the steepest part within a column."""
    steepest = ndimage.maximum_filter1d(np.maximum(np.abs(before), np.abs(after)), 3, axis=1)
    return np.asarray(np.minimum(np.hypot(1.0, steepest), _STEEPEST), np.float32)


def _means(layer: NDArray[np.number], at: NDArray[np.float32], bands: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean of a layer (h, w) between heights (y), shape (rows, w, n + 1); nothing lies beyond the page."""
    height, width = layer.shape
    total = np.zeros((width, height + 1), np.float32)
    np.cumsum(layer.T, axis=1, out=total[:, 1:])
    place = np.clip(at + 0.5, 0, height - 1e-3)
    whole = place.astype(np.int32)
    part = place - whole
    flat = total.ravel()
    whole += (np.arange(width, dtype=np.int32) * (height + 1))[:, None]
    low = flat[whole]
    sums = low + (flat[whole + 1] - low) * part
    return np.asarray(np.diff(sums, axis=2) / bands, np.float32)


def _others(
    y: NDArray[np.float32],
    known: NDArray[np.bool_],
    reach: NDArray[np.float32],
    at: NDArray[np.float32],
    bands: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Share of each band that the strokes of other rows cover."""
    covered = np.zeros(bands.shape, np.float32)
    for row in range(len(y)):
        first, last = at[row, :, 0], at[row, :, -1]
        for other in range(len(y)):
            if other == row:
                continue
            top, bottom = y[other] - reach[other], y[other] + reach[other]
            near = np.flatnonzero(known[other] & (bottom > first) & (top < last))
            inside = np.clip(at[row, near], top[near, None], bottom[near, None])
            covered[row, near] += np.diff(inside, axis=1) / bands[row, near]
    return np.minimum(covered, 1.0)


def _pale(coverage: NDArray[np.float32], y: NDArray[np.float32], known: NDArray[np.bool_]) -> float:
    """Coverage at the middle of the pen's stroke."""
    row, column = np.nonzero(known)
    if len(row) == 0:
        return 1.0
    around = np.rint(y[row, column]).astype(np.intp)[:, None] + np.arange(-1, 2)
    peaks = coverage[np.clip(around, 0, len(coverage) - 1), column[:, None]].max(axis=1)
    return float(np.clip(np.median(peaks), 0.3, 1.0))


def _run_at(runs: Runs, y: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Top and bottom of the run of ink nearest to the path; the path itself in a column without ink."""
    columns = np.arange(len(runs.count))
    top, bottom = np.empty_like(y), np.empty_like(y)
    for row, path in enumerate(y):
        with np.errstate(invalid="ignore"):
            off = np.maximum(runs.top - path[:, None], path[:, None] - runs.bottom)
        nearest = np.where(np.isfinite(off), off, np.inf).argmin(axis=1)
        empty = runs.count == 0
        top[row] = np.where(empty, path, runs.top[columns, nearest])
        bottom[row] = np.where(empty, path, runs.bottom[columns, nearest])
    return top, bottom


def _beside(
    coverage: NDArray[np.float32], y: NDArray[np.float32], level: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Columns of ink to the left and to the right of the path at its height, to a fraction."""
    height, width = coverage.shape
    row = np.clip(np.rint(y).astype(np.intp), 0, height - 1)
    columns = np.arange(width)
    found = []
    for direction in (-1, 1):
        length = np.zeros(y.shape, np.float32)
        inner = coverage[row, columns]
        going = inner > level
        for step in range(1, _BESIDE + 1):
            outer = coverage[row, np.clip(columns + direction * step, 0, width - 1)]
            stays = outer > level
            edge = np.clip((inner - level) / np.maximum(inner - outer, 1e-6), 0.0, 1.0)
            length += going * np.where(stays, 1.0, edge)
            going &= stays
            inner = outer
        found.append(length)
    return found[0], found[1]
