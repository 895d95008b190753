"""Where the truth of a printed page lies on the upright page that was made of its picture.

The polylines of a printed page are in pixels of its picture; carried through the reading's own rectification they say
where the pen ran on the upright page, whatever the reading made of names, speed, gain and clock. So a network that is
trained on them learns what can be seen.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from digitize.geometry.mapping import to_paper
from digitize.records.page_analysis import PageAnalysis
from digitize.records.placement import Grid
from digitize.records.upright import PIXELS_PER_MM
from papertrace.synth.printer import PrintedPage

_OFF_MM = 1.5
"""Median distance beyond which a row's trace is not that of a strip."""
_OFF_LEVEL_MM = 5.0
"""Median distance beyond which a row's level is not that of a printed row: half the least pitch of rows."""
_LEAST = 50
"""Fewest places that tell."""


def to_upright(points: NDArray[np.floating], analysis: PageAnalysis, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Carry pixels of the picture onto the upright page: the inverse of `UprightPage.to_original`.

    Parameters
    ----------
    points : ndarray, shape (n, 2)
        Pixels ``(x, y)`` of the picture; NaN stays NaN.
    analysis : PageAnalysis
    shape : tuple of int
        Height and width of the picture.

    Returns
    -------
    ndarray, shape (n, 2), float64
    """
    known = np.isfinite(points).all(axis=1)
    upright = np.full(points.shape, np.nan)
    # One column of points: `to_paper` takes lattices.
    paper = to_paper(points[known][:, None], analysis.placement.matrix, _bend(analysis), shape)[:, 0]
    upright[known] = (paper - _origin(analysis, shape)) * PIXELS_PER_MM
    return upright


def true_paths(page: PrintedPage, analysis: PageAnalysis, steps: int) -> NDArray[np.float32]:
    """Find where the pen truly ran along each row that was traced.

    Parameters
    ----------
    page : PrintedPage
    analysis : PageAnalysis
        What was found on that page.
    steps : int
        Places a column.

    Returns
    -------
    ndarray, shape (rows, w, steps), float32
        The truth (y) at ``x + k / steps``; NaN where the page shows no pen, and along rows whose trace is none of the
        page's strips or runs along another row's.
    """
    center = analysis.traces.center
    rows, width = center.shape
    x = np.arange(width * steps) / steps
    truth = np.full((rows, width * steps), np.nan, np.float32)
    for strip in page.strips:
        points = to_upright(strip.polyline, analysis, page.image.shape)
        shown = _along(points, x)
        off = np.abs(center - shown[None, ::steps])
        enough = np.isfinite(off).sum(axis=1) > _LEAST
        if not enough.any():
            continue
        usual = np.array([np.nanmedian(own) if tells else np.inf for own, tells in zip(off, enough, strict=True)])
        row = int(usual.argmin())
        if usual[row] < _OFF_MM * PIXELS_PER_MM:
            truth[row] = np.where(np.isfinite(shown), shown, truth[row])
    return truth.reshape(rows, width, steps)


def true_rows(page: PrintedPage, analysis: PageAnalysis, steps: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Find where the pen truly ran along each row that was found, whatever its trace followed.

    Parameters
    ----------
    page : PrintedPage
    analysis : PageAnalysis
        What was found on that page.
    steps : int
        Places a column.

    Returns
    -------
    seen : ndarray, shape (rows, w, steps), float32
        The truth (y) at ``x + k / steps``; NaN where the page shows no pen, and along rows that are none of the page's.
    drawn : ndarray, shape (rows, w, steps), float32
        The same, also where the pen is hidden: covered, torn off, out of the picture.
    """
    level = analysis.rows.level
    rows, width = level.shape
    x = np.arange(width * steps) / steps
    seen, drawn = np.full((2, rows, width * steps), np.nan, np.float32)
    shape = page.image.shape
    for printed_row in sorted({strip.row for strip in page.strips}):
        own = [strip for strip in page.strips if strip.row == printed_row]
        shown = _joined([_along(to_upright(strip.polyline, analysis, shape), x) for strip in own])
        whole = _joined([_along(to_upright(page.warp.to_pixels(strip.path), analysis, shape), x) for strip in own])
        off = np.abs(level - whole[None, ::steps])
        enough = np.isfinite(off).sum(axis=1) > _LEAST
        usual = np.array([np.nanmedian(apart) if tells else np.inf for apart, tells in zip(off, enough, strict=True)])
        row = int(usual.argmin())
        if usual[row] < _OFF_LEVEL_MM * PIXELS_PER_MM:
            seen[row], drawn[row] = shown, np.where(np.isfinite(shown), shown, whole)
    return seen.reshape(rows, width, steps), drawn.reshape(rows, width, steps)


def _joined(paths: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Put the paths of the strips of a row together."""
    joined = np.full_like(paths[0], np.nan)
    for path in paths:
        joined = np.where(np.isfinite(path), path, joined)
    return joined


def _along(points: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Height of a polyline at places x: cubic between its points, NaN beyond each of its unbroken stretches."""
    y = np.full(len(x), np.nan)
    known = np.isfinite(points[:, 0]) & np.isfinite(points[:, 1])
    # Where a badly bent page was badly flattened, time may run backwards for a moment.
    reached = np.maximum.accumulate(np.where(known, points[:, 0], -1e9))
    known[1:] &= np.diff(reached) > 0
    edges = np.flatnonzero(np.diff(known.astype(np.int8), prepend=0, append=0))
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        if last - first < 4:
            continue
        inside = (x >= points[first, 0]) & (x <= points[last - 1, 0])
        y[inside] = CubicSpline(points[first:last, 0], points[first:last, 1])(x[inside])
    return y


def _origin(analysis: PageAnalysis, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Millimeters of paper under the upright pixel (0, 0), from nodes that lie in the picture."""
    height, width = shape[:2]
    nodes = analysis.upright.nodes
    paper = to_paper(nodes, analysis.placement.matrix, _bend(analysis), shape)
    # Nodes belong to the upright pixels 16 j - 8.5.
    column, row = np.meshgrid(*(16 * np.arange(n) - 8.5 for n in nodes.shape[1::-1]))
    inside = ((nodes >= 0) & (nodes <= (width - 1, height - 1))).all(axis=2)
    return np.median((paper - np.stack([column, row], axis=2) / PIXELS_PER_MM)[inside], axis=0)


def _bend(analysis: PageAnalysis) -> NDArray[np.float32] | None:
    return analysis.placement.bend if isinstance(analysis.placement, Grid) else None
