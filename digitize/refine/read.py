"""Read the traces of a page from its rows' bands: slide a network along every row, and decode what it says.

The network (`digitize.refine.distribution`) gives a distribution over y in every column. All rows are decoded together
(`digitize.refine.decode`); the pen is at the mean of the distribution beside its row's way, and that it is right is as
likely as the distribution says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import special

from digitize.records.page_layout import Place
from digitize.records.traces import Traces, TraceState
from digitize.records.upright import PIXELS_PER_MM
from digitize.records.weights import load_trained, version_of
from digitize.refine.bands import FOLD, STEPS, Band, Bands
from digitize.refine.decode import USUAL, Field, Prices, ways_of
from digitize.refine.layers import Layers

if TYPE_CHECKING:
    from torch import nn

    from digitize.refine.distribution import Distribution

WEIGHTS = Path(__file__).parents[1] / "weights" / "reader.safetensors"
"""The weights; their training record lies beside them, with the suffix ``.json``."""

LENGTH = 512
"""Columns that a network sees at a time in training: 2 s at 25 mm/s."""
_LONGEST = 1024
"""Columns that it sees at a time here: the fewer windows, the less they overlap."""
_WHOLE = 32
"""Columns of which a window is a multiple."""
_BORDER = 48
"""Columns at each end of them that are left to the neighboring ones."""
_AT_ONCE = 4
"""Bands that are judged together."""
_BESIDE = 3
"""Cells beside a way that still count to its mean."""
_AGREES, _SOON = 12.0, 2
"""Pixels up to which a trace and what is read agree, and columns by which one may be before the other."""
_AROUND = 7
"""Columns about one in which they do not that are read as well."""
_NEAR, _INK = 2, 102
"""Pixels around a path of which the darkest is its ink, and how much of it is ink at least."""
_WHITE = 8
"""Columns without ink at which a trace ends that goes on beyond where it was found."""
_BEFORE = 256
"""Columns before and after a doubt that are read with it: half of what a network sees in training."""
_LIKELY = 127
"""Probability, 0 to 255, from which a pixel is taken for the pen's."""
_BESIDE_STROKE = 4
"""Pixels to which a trace explains the ink beside it."""
_RUN = 8
"""Columns without ink, or unknown, from which a trace is doubted."""
_WINDOW, _LEFT = 100, 40
"""Columns within which so many pixels of the pen's ink that no trace explains make one doubted: 1.3 mm of a line."""
_TOLERANCE_MV = 0.1
"""Error up to which what is read is right."""
_SURE = 8.0
"""Largest logit of being right."""


def spans_of(places: Iterable[Place]) -> dict[int, tuple[float, float]]:
    """Tell where the strips of each row begin and end.

    Parameters
    ----------
    places : iterable of Place

    Returns
    -------
    dict of int to (float, float)
        Pixels (x), by row.
    """
    spans: dict[int, tuple[float, float]] = {}
    for place in places:
        left, right = spans.get(place.row, (np.inf, -np.inf))
        spans[place.row] = min(left, place.left), max(right, place.right)
    return spans


def lead_back(layers: Layers, spans: Mapping[int, tuple[float, float]], network: nn.Module | None = None) -> Traces:
    """Lead traces back to the pen where they went astray, and on where they did not follow it.

    Where a trace and the network agree to 1.2 mm the trace stays: it knows to a tenth of a pixel where its ink is, but
    not always which ink is its own.

    Parameters
    ----------
    layers : Layers
        Not modified.
    spans : mapping of int to (float, float)
        Where the strips of rows begin and end (x).
    network : Module, optional
        Set to evaluation. By default the one that comes with the package.

    Returns
    -------
    Traces
        From where each row's trace was found to begin to where it ends, without gaps, and on to the ends of its strips
        as far as there is ink.

    Raises
    ------
    FileNotFoundError
        If no network is given and the package's weights are missing.
    """
    network = load_network() if network is None else network
    found = layers.traces
    start, end = found.start.copy(), found.end.copy()
    for row, (left, right) in spans.items():
        start[row] = min(start[row], max(round(left), 0))
        end[row] = max(end[row], min(round(right) + 1, found.center.shape[1]))
    longer = replace(found, start=start, end=end)
    read = _read_where_doubted(replace(layers, traces=longer), network)
    astray = (_departs(read.center, found.center) | _departs(found.center, read.center)).astype(np.uint8)
    astray = cv2.dilate(astray, np.ones((1, _AROUND), np.uint8)).view(bool)
    center, between = (
        np.where(astray, new, old) for new, old in ((read.center, found.center), (read.between, found.between))
    )
    return _as_far_as_ink(replace(read, center=center, between=between), found, layers.coverage)


def _departs(path: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Where a path is far from where another runs, a little earlier or later: on a flank y alone tells nothing."""
    beside = np.ones((1, 2 * _SOON + 1), np.uint8)
    known = np.isfinite(other)
    low = cv2.erode(np.where(known, other, np.float32(np.inf)), beside)
    high = cv2.dilate(np.where(known, other, np.float32(-np.inf)), beside)
    # What is no number departs, too.
    return np.asarray(~((path >= low - _AGREES) & (path <= high + _AGREES) & known))


def _as_far_as_ink(traces: Traces, found: Traces, coverage: NDArray[np.uint8]) -> Traces:
    """Traces without what goes on beyond where they were found, and beyond white on their way."""
    height, width = coverage.shape
    columns = np.arange(width)
    start, end = found.start.copy(), found.end.copy()
    for row, center in enumerate(traces.center):
        y = np.rint(np.nan_to_num(center)).astype(np.intp)
        darkest = np.max(
            [coverage[np.clip(y + off, 0, height - 1), columns] for off in range(-_NEAR, _NEAR + 1)], axis=0
        )
        inked = np.flatnonzero((darkest >= _INK) & np.isfinite(center))
        before, after = inked[inked < start[row]], inked[inked >= end[row]]
        ways = np.append(before, start[row])[::-1], np.append(end[row] - 1, after)
        first, last = (way[: np.append(np.abs(np.diff(way)) > _WHITE, True).argmax() + 1][-1] for way in ways)
        start[row], end[row] = first, last + 1
    within = (columns >= start[:, None]) & (columns < end[:, None])
    center, between = (np.where(within, path, np.float32(np.nan)) for path in (traces.center, traces.between))
    state = np.where(within, traces.state, np.uint8(TraceState.UNKNOWN))
    return replace(traces, center=center, between=between, state=state, start=start, end=end)


@lru_cache(maxsize=2)
def load_network(path: Path = WEIGHTS) -> Distribution:
    """Load the network, once.

    Parameters
    ----------
    path : Path
        The ``.safetensors`` file.

    Returns
    -------
    Distribution
        Set to evaluation.

    Raises
    ------
    FileNotFoundError, ValueError
        See `digitize.records.weights.load_trained`.
    """

    def build(_: dict[str, Any]) -> Distribution:
        from digitize.refine.distribution import Distribution

        return Distribution()

    return load_trained(path, build, "bands --reader distribution")[0]


def weights_version() -> str:
    """Tell the version of the package's weights, as their training record has it."""
    return version_of(WEIGHTS)


def _read_where_doubted(layers: Layers, network: nn.Module) -> Traces:
    """Read the rows that are doubted, from the first column to the last in which one is; the rest stays."""
    doubts = doubted(layers)
    rows = np.flatnonzero(doubts.any(axis=1)).tolist()
    traces = layers.traces
    if not rows:
        return traces
    columns = np.flatnonzero(doubts.any(axis=0))
    part = slice(max(int(columns[0]) - _BEFORE, 0), int(columns[-1]) + _BEFORE)
    read, _ = read_bands(_columns_of(layers, part), network, rows=rows)
    whole = {name: getattr(traces, name).copy() for name in ("center", "between", "state")}
    for name, path in whole.items():
        path[:, part] = getattr(read, name)
    return replace(traces, **whole)


def _columns_of(layers: Layers, part: slice) -> Layers:
    """Some columns of a page."""
    traces, rows = layers.traces, layers.rows
    width = layers.gray[:, part].shape[1]

    def moved(ends: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.asarray(np.clip(ends - part.start, 0, width), np.int64)

    return replace(
        layers,
        **{name: getattr(layers, name)[:, part] for name in ("coverage", "gray", "pen", "print_mask")},
        traces=replace(
            traces,
            **{name: getattr(traces, name)[:, part] for name in ("center", "between", "state")},
            ink=traces.ink[..., part],
            start=moved(traces.start),
            end=moved(traces.end),
        ),
        rows=replace(rows, level=rows.level[:, part], start=moved(rows.start), end=moved(rows.end)),
    )


def doubted(layers: Layers) -> NDArray[np.bool_]:
    """Find where traces may be astray: they are unknown, leave ink, or lie where none is.

    Parameters
    ----------
    layers : Layers

    Returns
    -------
    ndarray, shape (rows, w), bool
    """
    bands = Bands(layers)
    traces, level = layers.traces, layers.rows.level
    height, width = layers.gray.shape
    explained = (bands.strokes > 0).view(np.uint8) | layers.print_mask.view(np.uint8)
    near = cv2.dilate(explained, np.ones((2 * _BESIDE_STROKE + 1,) * 2, np.uint8))
    pen, ink = layers.pen > _LIKELY, layers.coverage >= _INK
    left = (pen & ink & (near == 0)).astype(np.uint8)
    beside = cv2.dilate((pen | ink).view(np.uint8), np.ones((2 * _BESIDE_STROKE + 1, 1), np.uint8))
    columns = np.arange(width)
    middle = np.median(level, axis=1)
    half = int(np.median(np.diff(middle))) // 2 if len(middle) > 1 else bands.height // 2
    doubts = np.zeros(traces.center.shape, bool)
    for row, center in enumerate(traces.center):
        within = (columns >= traces.start[row]) & (columns < traces.end[row])
        y = np.nan_to_num(center, nan=-1).astype(np.intp).clip(-1, height - 1)
        lost = within & (np.isnan(center) | (beside[y, columns] == 0))
        top, bottom = (int(np.clip(middle[row] + side * half, 0, height)) for side in (-1, 1))
        beyond = left[top:bottom].sum(axis=0, dtype=np.float32) * within
        run, around = np.ones(_RUN, np.float32), np.ones(_WINDOW, np.float32)
        doubts[row] = np.convolve(lost, run, "same") >= _RUN
        doubts[row] |= np.convolve(beyond, around, "same") >= _LEFT
    return doubts


def read_bands(
    layers: Layers, network: nn.Module, prices: Prices = USUAL, rows: Sequence[int] | None = None
) -> tuple[Traces, NDArray[np.float32]]:
    """Read the traces of a page.

    Parameters
    ----------
    layers : Layers
        Not modified.
    network : Distribution
        Set to evaluation.
    prices : Prices
    rows : sequence of int, optional
        Rows to read, by default all; the others stay as they are.

    Returns
    -------
    traces : Traces
    right : ndarray, shape (rows, w), float32
        Logit that they are; of rows that are not read 0.
    """
    bands = Bands(layers)
    chosen = range(len(layers.rows.level)) if rows is None else rows
    fields = [_field_of(bands, row, network) for row in chosen]
    width = layers.gray.shape[1]
    tolerance = _TOLERANCE_MV * layers.gain * PIXELS_PER_MM
    paths = np.stack([layers.traces.center, layers.traces.between], axis=2)
    rights = np.zeros(layers.traces.center.shape, np.float32)
    for row, field, way in zip(chosen, fields, ways_of(fields, prices), strict=True):
        path, right = _mean_beside(field, way, tolerance)
        paths[row] = path.reshape(-1, STEPS)[:width]
        rights[row] = right.reshape(-1, STEPS)[:width, 0]
    return with_paths(layers.traces, paths, chosen), rights


@dataclass(frozen=True, eq=False)
class Judged:
    """A band, and what a network says of it.

    Attributes
    ----------
    band : Band
    start : int
        The band's first column.
    inner : int
        Columns at its beginning that are left to the band before.
    said : tuple of ndarray, shape (columns, ...), float32
        The network's outputs.
    """

    band: Band
    start: int
    inner: int
    said: tuple[NDArray[np.float32], ...]


def slide(bands: Bands, row: int, height: int, network: nn.Module, length: int = LENGTH) -> list[Judged]:
    """Let a network slide along a row.

    Parameters
    ----------
    bands : Bands
    row : int
    height : int
        Of the bands.
    network : Module
        Takes pixels and levels of bands; gives a tensor or a tuple of tensors.
    length : int
        Of the bands, in columns.

    Returns
    -------
    list of Judged
        From left to right, together at least as long as the page is wide.
    """
    import torch

    last = max(-(-bands.layers.gray.shape[1] // FOLD[1]) * FOLD[1] - length, 0)
    starts = [*range(0, last, length - 2 * _BORDER), last]
    judged = []
    for first in range(0, len(starts), _AT_ONCE):
        some = [(start, bands.cut(row, start, length, height)) for start in starts[first : first + _AT_ONCE]]
        pixels, level = (np.stack([getattr(band, name) for _, band in some]) for name in ("pixels", "level"))
        with torch.inference_mode():
            found = network(torch.from_numpy(pixels), torch.from_numpy(level))
        outputs = [part.numpy() for part in (found if isinstance(found, tuple) else (found,))]
        for k, (start, band) in enumerate(some):
            judged.append(Judged(band, start, _BORDER if start else 0, tuple(part[k] for part in outputs)))
    return judged


def length_for(width: int) -> int:
    """Choose the length of windows that overlap least: all of a page are as long, and none is too long.

    Parameters
    ----------
    width : int
        Of the page.

    Returns
    -------
    int
        Columns.

    Examples
    --------
    >>> length_for(300), length_for(1000), length_for(2806)
    (320, 1024, 1024)
    """
    windows = max(1, -(-(width - 2 * _BORDER) // (_LONGEST - 2 * _BORDER)))
    return -(-((width - 2 * _BORDER) // windows + 2 * _BORDER) // _WHOLE) * _WHOLE


def _field_of(bands: Bands, row: int, network: nn.Module) -> Field:
    """Say where a row's pen may be, from the page's first column on."""
    height = bands.height
    judged = slide(bands, row, height, network, length_for(bands.layers.gray.shape[1]))
    top = min(of.band.top for of in judged)
    deepest = max(of.band.top for of in judged) + height - top
    length = len(judged[0].band.level)
    whole = judged[-1].start + length
    share, ink = np.zeros((whole, STEPS, deepest), np.float32), np.zeros((deepest, whole), np.uint8)
    for of in judged:
        y, x = slice(of.band.top - top, of.band.top - top + height), slice(of.start + of.inner, of.start + length)
        share[x], ink[:, x] = 0.0, 0
        share[x, :, y] = special.softmax(of.said[0][of.inner :], axis=-1)
        ink[y, x] = of.band.pixels[0, :, of.inner :]
    return Field(share.reshape(-1, deepest), ink, top)


def _mean_beside(
    field: Field, way: NDArray[np.intp], tolerance: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean of a distribution beside a way, and logit of its being right, at every step: shape (w * STEPS,) each."""
    padded = np.pad(way - field.top // FOLD[0], 1, mode="edge")
    around = np.stack([padded[:-2], padded[1:-1], padded[2:]])
    steps = FOLD[1] * STEPS
    height = field.share.shape[1]
    low = np.repeat(np.clip((around.min(axis=0) - _BESIDE) * FOLD[0], 0, height), steps)
    high = np.repeat(np.clip((around.max(axis=0) + _BESIDE + 1) * FOLD[0], 0, height), steps)
    total, moment = np.zeros((2, len(field.share), height + 1), np.float32)
    np.cumsum(field.share, axis=1, out=total[:, 1:])
    np.cumsum(field.share * np.arange(height, dtype=np.float32), axis=1, out=moment[:, 1:])
    every = np.arange(len(total))
    mass = total[every, high] - total[every, low]
    middle = np.repeat((padded[1:-1] + 0.5) * FOLD[0] - 0.5, steps)
    mean = np.where(mass > 1e-4, (moment[every, high] - moment[every, low]) / np.maximum(mass, 1e-4), middle)
    ends = [np.clip(np.rint(mean + sign * tolerance + 0.5).astype(np.intp), 0, height) for sign in (-1, 1)]
    right = np.clip(total[every, ends[1]] - total[every, ends[0]], 1e-6, 1 - 1e-6)
    logit = np.clip(np.log(right / (1 - right)), -_SURE, _SURE)
    return (mean + field.top).astype(np.float32), logit.astype(np.float32)


def with_paths(traces: Traces, paths: NDArray[np.float32], rows: Sequence[int] | None = None) -> Traces:
    """Lay traces on other paths.

    Parameters
    ----------
    traces : Traces
    paths : ndarray, shape (rows, w, STEPS), float32
        Pixels (y).
    rows : sequence of int, optional
        Rows that are laid so, by default all; the others stay as they are.

    Returns
    -------
    Traces
        From each trace's start to its end; bridged where the center was not known.
    """
    columns = np.arange(paths.shape[1])
    laid = np.ones(len(paths), bool) if rows is None else np.isin(np.arange(len(paths)), list(rows))
    within = (columns >= traces.start[:, None]) & (columns < traces.end[:, None])
    center = np.where(within, paths[..., 0], np.nan)
    between = np.where(within & (columns + 1 < traces.end[:, None]), paths[..., 1], np.nan)
    state = np.where(within & laid[:, None], np.maximum(traces.state, TraceState.BRIDGED), traces.state)
    return replace(traces, center=center, between=between, state=state.astype(np.uint8))
