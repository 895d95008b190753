"""Trace every row of an upright page: the pen's path, to a fraction of a pixel.

The steps are: follow all rows together through the page's ink (`digitize.tracing.follow`), divide the ink that several
rows follow (`digitize.tracing.shared_ink`, `digitize.tracing.crossing`), find the pen's center from the edges of its
ink (`digitize.tracing.center_line`) and where each trace begins and ends (`digitize.tracing.ends`), and fit the
smoothest path that leaves just this ink (`digitize.tracing.pen`).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from digitize.ink.runs import Runs
from digitize.records.traces import Traces, TraceState
from digitize.tracing.center_line import bridge_gaps, center_line
from digitize.tracing.crossing import Edges, settle_crossings
from digitize.tracing.ends import find_ends, find_extents
from digitize.tracing.follow import follow_rows, inside_box
from digitize.tracing.pen import NODES, fit_path
from digitize.tracing.pen_ink import PenInk
from digitize.tracing.shared_ink import divide_shared


def trace_ink(found: PenInk, names: NDArray[np.float64]) -> Traces:
    """Trace every row through a pen's ink.

    Parameters
    ----------
    found : PenInk
    names : ndarray, shape (n, 4), float64
        Boxes ``(x0, y0, x1, y1)`` of lead names that traces may touch: ink that ends inside one is avoided.

    Returns
    -------
    Traces

    Examples
    --------
    >>> from digitize.tracing.pen_ink import find_pen_ink
    >>> from digitize.tracing.rows import find_rows
    >>> page = np.zeros((400, 900), np.float32)
    >>> wave = 200 + (40 * np.sin(np.arange(900) / 30)).astype(int)
    >>> for dy in (-1, 0, 1):
    ...     page[wave + dy, np.arange(900)] = 1
    >>> traces = trace_ink(find_pen_ink(page, find_rows(page)), np.zeros((0, 4)))
    >>> bool(np.nanmax(np.abs(traces.center[0] - wave)) < 1.5)
    True
    """
    rows, radius = found.rows, found.radius
    chosen = follow_rows(found.runs, rows, radius, names)
    ink = _edges_of(found.runs, chosen)
    edges, shared = divide_shared(chosen, ink, rows.level, radius)
    edges = settle_crossings(chosen, ink, edges, radius)
    center = np.stack([center_line(top, bottom, of, radius) for top, bottom, of in zip(*edges, shared, strict=True)])
    start, end = find_extents(found.coverage, center, chosen >= 0, found.darkness)
    columns = np.arange(center.shape[1])
    center[(columns < start[:, None]) | (columns >= end[:, None])] = np.nan
    center, bridged = bridge_gaps(center)
    state = _states(np.isfinite(center), bridged, shared)
    center, between = _fit_paths(edges, center, start, end, radius)
    left, right = find_ends(found.coverage, center, start, end, radius)
    return Traces(
        center.astype(np.float32),
        between.astype(np.float32),
        state,
        start,
        end,
        left,
        right,
        radius,
        np.stack(ink).astype(np.float32),
    )


def _edges_of(runs: Runs, chosen: NDArray[np.int64]) -> Edges:
    """Top and bottom of the runs that each row takes, shape (rows, w); NaN where the pen is lifted."""
    columns, run = np.arange(len(runs.count)), np.maximum(chosen, 0)
    top, bottom = (np.where(chosen >= 0, edge[columns, run], np.nan) for edge in (runs.top, runs.bottom))
    return top, bottom


def _states(known: NDArray[np.bool_], bridged: NDArray[np.bool_], shared: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """How the center is known in every column (`TraceState`)."""
    state = np.where(shared, TraceState.SHARED, TraceState.SEEN)
    state = np.where(bridged, TraceState.BRIDGED, state)
    return np.where(known, state, TraceState.UNKNOWN).astype(np.uint8)


def _fit_paths(
    edges: Edges, center: NDArray[np.float64], start: NDArray[np.int64], end: NDArray[np.int64], radius: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Smoothest paths through the edges: the pen's center in every column and half-way to the next."""
    center, between = center.copy(), np.full_like(center, np.nan)
    for row in np.flatnonzero(np.isfinite(center).any(axis=1)).tolist():
        here = slice(start[row], end[row])
        hidden = ~np.isfinite(center[row, here])
        path = fit_path(edges[0][row, here], edges[1][row, here], center[row, here], radius)
        path[::NODES][hidden] = np.nan
        path[1::NODES][hidden[1:] | hidden[:-1]] = np.nan
        center[row, here] = path[::NODES]
        between[row, start[row] : end[row] - 1] = path[1::NODES]
    return center, between


def touch_names(traces: Traces, names: NDArray[np.float64]) -> bool:
    """Whether a trace follows ink that ends inside a name: if none does, to trace with these names changes nothing.

    `trace_ink` only makes such ink dearer, and a cheapest path stays the cheapest when others become dearer.

    Parameters
    ----------
    traces : Traces
        Traced without names.
    names : ndarray, shape (n, 4), float64
        Boxes ``(x0, y0, x1, y1)``.

    Returns
    -------
    bool

    Examples
    --------
    >>> from digitize.tracing.pen_ink import find_pen_ink
    >>> from digitize.tracing.rows import find_rows
    >>> page = np.zeros((400, 900), np.float32)
    >>> wave = 200 + (40 * np.sin(np.arange(900) / 30)).astype(int)
    >>> for dy in (-1, 0, 1):
    ...     page[wave + dy, np.arange(900)] = 1
    >>> traces = trace_ink(find_pen_ink(page, find_rows(page)), np.zeros((0, 4)))
    >>> [touch_names(traces, np.array([[300.0, y, 340.0, y + 50.0]])) for y in (60, 150)]
    [False, True]
    """
    return any(inside_box(traces.ink[0], traces.ink[1], name)[1].any() for name in names)


def erase_traces(coverage: NDArray[np.float32], traces: Traces) -> NDArray[np.float32]:
    """Ink without the traces: print, whole again where a trace only touched it.

    Parameters
    ----------
    coverage : ndarray, shape (h, w), float32
    traces : Traces
        Traces of that page.

    Returns
    -------
    ndarray, shape (h, w), float32

    Examples
    --------
    >>> page = np.ones((40, 60), np.float32)
    >>> center = np.full((1, 60), 20, np.float32)
    >>> ends = np.array([0]), np.array([60]), np.array([0.0]), np.array([59.0])
    >>> seen, ink = np.full((1, 60), TraceState.SEEN, np.uint8), np.stack([center, center])
    >>> left = erase_traces(page, Traces(center, center, seen, *ends, 1.5, ink))
    >>> float(left[20].max()), float(left[:15].min())
    (0.0, 1.0)
    """
    drawn = np.zeros(coverage.shape, np.uint8)
    thickness = round(2 * traces.radius) + 3
    for center in traces.center:
        known = np.isfinite(center)
        breaks = np.flatnonzero(np.diff(known.astype(np.int8), prepend=0, append=0))
        for first, last in zip(breaks[::2], breaks[1::2], strict=True):
            points = np.stack([np.arange(first, last), np.rint(center[first:last])], axis=1).astype(np.int32)
            cv2.polylines(drawn, [points.reshape(-1, 1, 2)], False, 1, thickness)
    return np.where(drawn > 0, np.float32(0.0), coverage)
