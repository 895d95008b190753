"""From traces on paper to strips in millivolts and seconds, and from strips to twelve leads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from digitize.records.layouts import LEAD_NAMES, is_chest
from digitize.records.page_analysis import PageAnalysis
from digitize.records.page_layout import Place
from digitize.records.results import Strip
from digitize.records.traces import Traces
from digitize.records.upright import PIXELS_PER_MM
from digitize.records.values import Scale

_END = 8.0
"""Pixels by which a trace is prolonged at its ends."""
_LEVEL = 0.7
"""Slope (pixels a pixel) up to which it is."""
_STRAIGHT = 1.5
"""Pixels by which its last columns may depart from a straight line for that."""
_HALF_BAR = 3.0
"""Pixels to either side of a bar's middle in which a trace is hidden."""


def columns_of(traces: Traces, place: Place, scale: Scale, fs: int) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Where the samples of a strip lie: x of the upright page, and the nearest column of pixels."""
    per_second = scale.speed.value * PIXELS_PER_MM
    n = round((place.right - place.left) / per_second * fs)
    x = place.left + np.arange(n) * per_second / fs
    return x, np.clip(np.rint(x).astype(np.intp), 0, traces.center.shape[1] - 1)


def cut_strips(analysis: PageAnalysis, fs: int) -> list[Strip]:
    """Cut strips in millivolts and seconds; how sure they are is not known yet, so their confidence is 0."""
    strips = []
    for place in analysis.layout.places:
        x, _ = columns_of(analysis.traces, place, analysis.scale, fs)
        y = _sample(analysis.traces, place, x, [bar.x for bar in analysis.symbols.bars if bar.row == place.row])
        path = analysis.upright.to_original(np.stack([x, y], axis=1))
        strips.append(strip_of(place, analysis.scale, analysis.baseline[place.row], y, path))
    return strips


def strip_of(place: Place, scale: Scale, baseline: float, y: NDArray[np.float64], path: NDArray[np.float32]) -> Strip:
    """Put the samples of a strip, given by their y, in millivolts, and the strip at its time; its confidence is 0."""
    gain = (scale.chest_gain if is_chest(place.lead) else scale.gain).value
    signal = place.sign * (baseline - y) / (PIXELS_PER_MM * gain)
    return Strip(
        lead=place.lead,
        row=place.row,
        column=place.column,
        start=place.before / (scale.speed.value * PIXELS_PER_MM),
        signal=signal.astype(np.float32),
        confidence=np.zeros(len(y), np.float32),
        path=path,
        name_source=place.name_source,
    )


def join_strips(strips: Sequence[Strip], fs: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Twelve rows from the strips; where two of a lead show the same time the longer one wins."""
    first = [round(strip.start * fs) for strip in strips]
    n = max(start + len(strip.signal) for start, strip in zip(first, strips, strict=True))
    signal = np.full((len(LEAD_NAMES), n), np.nan, np.float32)
    confidence = np.zeros((len(LEAD_NAMES), n), np.float32)
    for start, strip in sorted(zip(first, strips, strict=True), key=lambda pair: len(pair[1].signal)):
        if strip.lead not in LEAD_NAMES:
            continue
        row, time = LEAD_NAMES.index(strip.lead), slice(start, start + len(strip.signal))
        if np.isfinite(signal[row, time]).any():
            signal[row], confidence[row] = np.nan, 0.0
        signal[row, time], confidence[row, time] = strip.signal, strip.confidence
    return signal, confidence


def _sample(traces: Traces, place: Place, x: NDArray[np.float64], borders: list[float]) -> NDArray[np.float64]:
    """Center of a trace at positions x: cubic between the columns of each unbroken stretch."""
    a, b = max(0, int(place.left) - 5), min(traces.center.shape[1], int(place.right) + 5)
    path = np.stack([traces.center[place.row, a:b], traces.between[place.row, a:b]], axis=1).ravel().astype(np.float64)
    at = a + np.arange(len(path)) / 2
    known = np.isfinite(path) & (at >= place.left - 1) & (at <= place.right + 1)
    # What lies under the bar between two strips is neither's, nor a bridge from one to the other.
    for border in borders:
        known &= np.abs(at - border) > _HALF_BAR
    y = np.full(len(x), np.nan)
    breaks = np.flatnonzero(np.diff(known.astype(int), prepend=0, append=0))
    for first, last in zip(breaks[::2], breaks[1::2], strict=True):
        inside = (x >= at[first] - 0.5) & (x <= at[last - 1] + 0.5)
        if last - first >= 8 and inside.any():
            y[inside] = CubicSpline(at[first:last], path[first:last])(x[inside])
    _prolong(x, y)
    return y


def _prolong(x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
    """Continue a strip straight on to its ends, where a flank, a bar or the pen's round end hides it; in place."""
    known = np.flatnonzero(np.isfinite(y))
    if len(known) < 20:
        return
    for end, inner in ((slice(None, known[0]), known[:10]), (slice(known[-1] + 1, None), known[-10:])):
        hidden = x[end]
        edge = x[inner[0]] if end.start is None else x[inner[-1]]
        near = np.abs(hidden - edge) <= _END
        if near.any():
            slope, offset = np.polyfit(x[inner] - edge, y[inner], 1)
            bent = float(np.abs(y[inner] - offset - slope * (x[inner] - edge)).max())
            # In the middle of a beat nobody knows how it goes on.
            if abs(slope) < _LEVEL and bent < _STRAIGHT:
                y[end] = np.where(near, offset + slope * (hidden - edge), np.nan)
