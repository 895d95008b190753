"""Replace one part of a page's reading by the truth, to see what this part costs.

An oracle gets the true millivolts and answers in place of a part of the product; the rest is the product's own. What
the score gains is the part's price. Prices do not add up: an oracle mends what follows from its part as well.

``layout``
    The page is read again with its layout given, as a caller may give it (`digitize.trace_leads`): number and order of
    rows, columns and leads. It does not replace where rows and borders are found, nor which rows of many are meant.
``clock``
    Each lead is moved as a whole, by up to 0.5 s, to where it fits best (`best_clock`). It replaces borders, pulses
    taken for signal and a lattice that is off as a whole; not what the trace looks like, nor its name.
``lag``
    After the clock, each lead is stretched and squeezed: a lag every half second (`best_lag`). It replaces the lattice
    within a strip, and the part of the tracer's error that lies along time. Noise is fitted too, a little.
``ink``
    With the layout given, the true signal is drawn in the place of each strip, on an empty page, and traced, refined
    and cut by the product (`draw_truth`). It replaces paper, light, grid, print, matting and the rows' search, and, as
    the drawing trusts the lattice and the borders that were found, clock and lag too. It does not replace the borders
    themselves (what of a lead lies beyond them is not drawn), nor the pen's width, crossings, the tracer and the cut.

So layout, layout + lag, layout + ink mend more and more: what the last leaves is the tracer's own error on good ink,
and what it gains over the one before is what the page's look costs beyond its geometry along time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import interpolate, ndimage

from digitize.api import analyze_page, refined, strips_of
from digitize.ink.coverage import Ink
from digitize.ink.look import look_at
from digitize.records.layouts import LEAD_NAMES, is_chest
from digitize.records.page import Page
from digitize.records.page_analysis import PageAnalysis
from digitize.records.page_layout import Place
from digitize.records.traces import Rows
from digitize.records.upright import PIXELS_PER_MM
from digitize.strips.cut import join_strips
from digitize.tracing.view import LaidPage, follow_rows
from papertrace.metrics.digitization import MAX_OFFSET, MAX_SHIFT

ORACLES = ("layout", "clock", "lag", "ink")
"""Names of the oracles."""

SUMS = ("layout", "clock", "lag", "layout + clock", "layout + lag", "layout + ink")
"""What is asked together; the ink is drawn where strips stand, and needs the layout."""

LAG_PITCH, MAX_LAG = 0.5, 0.06
"""Seconds between the places at which a lag is chosen, and the longest one to either side of the lead's clock."""

_PARTS = 16
"""Parts of a sample by which signals are moved."""

_STEP = 0.25
"""Samples between the lags that are tried."""

_SWEEPS, _ROUNDS = 2, 60
"""How often every lag is chosen anew, its neighbors' being known, and then all together."""

_FINER = 4
"""Dots a pixel, along and down, of the page on which the truth is drawn."""

_SLOW = 0.5
"""Seconds to either side over which the level of a row is the median of what is drawn."""


def sums_of(oracles: Sequence[str]) -> tuple[str, ...]:
    """List what is asked together where some oracles are chosen.

    Parameters
    ----------
    oracles : sequence of str
        Of `ORACLES`.

    Returns
    -------
    tuple of str
        Of `SUMS`.

    Examples
    --------
    >>> sums_of(["clock"]), sums_of(["layout", "lag"]), sums_of(["ink"])
    (('clock',), ('layout', 'lag', 'layout + lag'), ('layout + ink',))
    """
    chosen = {*oracles, *(["layout"] if "ink" in oracles else [])}
    return tuple(
        name for name in SUMS if set(name.split(" + ")) <= chosen and (name != "layout" or "layout" in oracles)
    )


def ask(
    sums: Sequence[str],
    page: Page,
    read: NDArray[np.floating],
    truth: NDArray[np.float64],
    layout: str,
    fs: int,
    refine: bool = True,
) -> dict[str, NDArray[np.float64]]:
    """Read a page with the help of oracles.

    Parameters
    ----------
    sums : sequence of str
        Of `SUMS`.
    page : Page
    read : ndarray, shape (12, m)
        The page as read without help, mV.
    truth : ndarray, shape (12, n), float64
        mV, NaN where the page shows nothing.
    layout : str
        Its layout (`digitize.records.layouts.find_layout`).
    fs : int
        Sampling frequency of both, Hz.
    refine : bool
        Whether networks tell what is ink and correct the traces.

    Returns
    -------
    dict
        By sum, the page as read with this help, shape (12, any); without a sample where it cannot be read so.
    """
    known = _known(page, layout, refine) if any(name.startswith("layout") for name in sums) else None
    given = _signal(known, fs, refine)
    ways: Mapping[str, Callable[[], NDArray[np.float64]]] = {
        "layout": lambda: given,
        "clock": partial(best_clock, truth, read, fs),
        "lag": partial(best_lag, truth, read, fs),
        "layout + clock": partial(best_clock, truth, given, fs),
        "layout + lag": partial(best_lag, truth, given, fs),
        "layout + ink": lambda: _signal(known and draw_truth(known, truth, fs), fs, refine),
    }
    return {name: ways[name]() for name in sums}


def best_clock(truth: NDArray[np.floating], estimate: NDArray[np.floating], fs: float) -> NDArray[np.float64]:
    """Move each lead as a whole to where it fits the truth best.

    Parameters
    ----------
    truth, estimate : ndarray, shapes (12, n) and (12, m)
        mV.
    fs : float
        Sampling frequency of both, Hz.

    Returns
    -------
    ndarray, shape (12, n), float64
        The estimate, each lead shifted by up to `MAX_SHIFT`, to a part of a sample: to the least noise, its offset
        removed, over what both have; at least half of the samples must remain. Gaps stay gaps.

    Examples
    --------
    >>> time = np.arange(1000) / 500
    >>> truth = np.sin(2 * np.pi * np.outer(np.linspace(1.1, 3.3, 12), time))
    >>> late = np.sin(2 * np.pi * np.outer(np.linspace(1.1, 3.3, 12), time - 0.0105))
    >>> bool(np.nanmax(np.abs(best_clock(truth, late, 500) - truth)) < 0.002)
    True
    """
    moved = np.full(truth.shape, np.nan)
    for row, x, y in zip(moved, truth, estimate, strict=True):
        if np.isfinite(x).any() and np.isfinite(y).any():
            fine = _Fine(y)
            row[:] = fine.at(np.arange(len(x)) + _clock_of(x, fine, round(MAX_SHIFT * fs)))
    return moved


def best_lag(truth: NDArray[np.floating], estimate: NDArray[np.floating], fs: float) -> NDArray[np.float64]:
    """Move each lead to where it fits the truth best, and every half second of it again.

    Parameters
    ----------
    truth, estimate : ndarray, shapes (12, n) and (12, m)
        mV.
    fs : float
        Sampling frequency of both, Hz.

    Returns
    -------
    ndarray, shape (12, n), float64
        The estimate, each lead shifted as by `best_clock` and besides by lags of up to `MAX_LAG`, chosen every
        `LAG_PITCH` and joined smoothly: those that leave the least noise. Gaps stay gaps: what fills one is no gain,
        and a sample that falls into one counts as read as 0 mV.

    Examples
    --------
    >>> time = np.arange(2000) / 500
    >>> lag = 0.01 * np.sin(2 * np.pi * time / 3)
    >>> truth, late = (np.tile(np.sin(2 * np.pi * 4 * t), (12, 1)) for t in (time, time - lag))
    >>> error = [np.nanstd(find(truth, late, 500) - truth) for find in (best_clock, best_lag)]
    >>> bool(error[0] > 8 * error[1])
    True
    """
    moved = np.full(truth.shape, np.nan)
    for row, x, y in zip(moved, truth, estimate, strict=True):
        if np.isfinite(x).any() and np.isfinite(y).any():
            fine = _Fine(y)
            shift = _clock_of(x, fine, round(MAX_SHIFT * fs))
            every = np.arange(len(x))
            lagging = fine.at(every + _lags_of(x, fine, shift, fs))
            row[:] = np.where(np.isfinite(fine.at(every + shift)), lagging, np.nan)
    return moved


class _Fine:
    """A lead at a part of a sample, carried out by a cubic within each unbroken stretch."""

    def __init__(self, y: NDArray[np.floating]) -> None:
        self._values = np.full(len(y) * _PARTS, np.nan)
        known = np.isfinite(y)
        breaks = np.flatnonzero(np.diff(known.astype(int), prepend=0, append=0)).reshape(-1, 2)
        for first, last in breaks:
            # Half a sample before and behind, too: a shift by a part must not cost a sample.
            places = np.arange(first * _PARTS - _PARTS // 2, (last - 1) * _PARTS + _PARTS // 2 + 1)
            places = places[(places >= 0) & (places < len(self._values))]
            if last - first > 1:
                self._values[places] = interpolate.CubicSpline(np.arange(first, last), y[first:last])(places / _PARTS)

    def at(self, places: NDArray[np.floating]) -> NDArray[np.float64]:
        """Millivolts at samples and parts of samples, rounded to `_PARTS`; NaN where there are none."""
        index = np.rint(places * _PARTS).astype(np.int64)
        inside = (index >= 0) & (index < len(self._values))
        return np.where(inside, self._values[np.where(inside, index, 0)], np.nan)


def _clock_of(x: NDArray[np.floating], fine: _Fine, reach: int) -> float:
    """Samples by which a lead is late: whole ones first, then parts of one."""
    shown = np.flatnonzero(np.isfinite(x))

    def best(shifts: NDArray[np.floating]) -> float:
        noise, partners = np.full(len(shifts), np.inf), np.zeros(len(shifts), np.int64)
        for k, shift in enumerate(shifts):
            apart = fine.at(shown + shift) - x[shown]
            apart = apart[np.isfinite(apart)]
            partners[k] = len(apart)
            if len(apart):
                noise[k] = np.mean((apart - np.clip(apart.mean(), -MAX_OFFSET, MAX_OFFSET)) ** 2)
        # The nearest of equals.
        order = np.argsort(np.abs(shifts), kind="stable")
        allowed = np.where(partners >= max(partners.max() / 2, 1), noise, np.inf)[order]
        return float(shifts[order[int(allowed.argmin())]])

    whole = best(np.arange(-reach, reach + 1.0))
    return best(whole + np.arange(-_PARTS, _PARTS + 1) / _PARTS)


def _lags_of(x: NDArray[np.floating], fine: _Fine, shift: float, fs: float) -> NDArray[np.float64]:
    """Samples by which a lead is late, sample by sample: one lag after the other is chosen, until all fit together."""
    shown = np.flatnonzero(np.isfinite(x))
    shown = shown[np.isfinite(fine.at(shown + shift))]
    if not len(shown):
        return np.full(len(x), shift)
    offset = float(np.clip(np.mean(fine.at(shown + shift) - x[shown]), -MAX_OFFSET, MAX_OFFSET))
    # A lag before the lead and one behind it: the curve needs two to either side.
    place = (np.arange(len(x)) - shown[0]) / (LAG_PITCH * fs) + 1
    nodes = np.arange(int(np.ceil(place[shown[-1]])) + 2)
    weights = _weight(place[shown][:, None] - nodes)
    reach = MAX_LAG * fs

    def noise(lags: NDArray[np.float64], here: NDArray[np.intp] | slice = slice(None)) -> NDArray[np.float64]:
        """Leave what lags do not explain; they may have several columns, one a trial."""
        read = fine.at(shown[here] + shift + (weights[here] @ lags).T) - offset
        return np.where(np.isfinite(read), read - x[shown[here]], x[shown[here]])

    lags = np.zeros(len(nodes))
    trials = np.arange(-round(reach / _STEP), round(reach / _STEP) + 1) * _STEP
    for _ in range(_SWEEPS):
        for node in nodes:
            here = np.flatnonzero(weights[:, node])
            tried = np.repeat(lags[:, None], len(trials), axis=1)
            tried[node] = trials
            power = (noise(tried, here) ** 2).sum(axis=1)
            # The shortest of equals.
            best = trials[power <= power.min() * (1 + 1e-9)]
            lags[node] = best[np.abs(best).argmin()]
    return shift + _weight(np.clip(place, 1, place[shown[-1]])[:, None] - nodes) @ _settled(lags, noise, weights, reach)


def _settled(
    lags: NDArray[np.float64],
    noise: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    weights: NDArray[np.float64],
    reach: float,
) -> NDArray[np.float64]:
    """Change all lags together as long as this leaves less noise (Levenberg 1944, Marquardt 1963)."""
    now, damping = noise(lags), 1e-3
    for _ in range(_ROUNDS):
        slope = (noise(lags + 0.5) - noise(lags - 0.5))[:, None] * weights
        curvature = slope.T @ slope
        ridge = damping * (np.diag(np.diag(curvature)) + np.eye(len(lags)) * np.trace(curvature) * 1e-3)
        change = np.linalg.lstsq(curvature + ridge, -slope.T @ now, rcond=None)[0]
        changed = np.clip(lags + change, -reach, reach)
        then = noise(changed)
        if (then**2).sum() < (now**2).sum():
            lags, now, damping = changed, then, damping / 4
        else:
            damping *= 8
    return lags


def _weight(away: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weight of a lag at a distance in pitches: cubic convolution (Keys 1981), which joins lags by a smooth curve."""
    d = np.abs(away)
    near, far = 1 + d**2 * (1.5 * d - 2.5), 2 + d * (-4 + d * (2.5 - 0.5 * d))
    return np.where(d < 1, near, np.where(d < 2, far, 0.0))


def draw_truth(analysis: PageAnalysis, truth: NDArray[np.float64], fs: int) -> PageAnalysis | None:
    """Draw the true signal as ink where the strips of a page stand, and trace it.

    Parameters
    ----------
    analysis : PageAnalysis
        Of the page, its layout given: tells place, 0 mV, gain and time of each strip, and the pen's radius. Not
        modified.
    truth : ndarray, shape (12, n), float64
        mV, NaN where the page shows nothing.
    fs : int
        Its sampling frequency, Hz.

    Returns
    -------
    PageAnalysis or None
        Of a white page that shows nothing but this ink, at the same places, those of rows that could not be followed
        left out. None where no row could.
    """
    paths = _true_paths(analysis, truth, fs)
    coverage = _drawn([path for _, path in paths], analysis.coverage.shape, analysis.traces.radius)
    numbers = sorted({place.row for place in analysis.layout.places})
    reach = round(_SLOW * analysis.scale.speed.value * PIXELS_PER_MM)
    levels = [_level_of([path for place, path in paths if place.row == number], coverage, reach) for number in numbers]
    drawn_rows = [number for number, found in zip(numbers, levels, strict=True) if found is not None]
    rows = Rows(*(np.array(values) for values in zip(*(found for found in levels if found is not None), strict=True)))
    white = np.asarray(255 * (1 - coverage[..., None]).repeat(3, axis=2), np.uint8)
    upright = replace(analysis.upright, image=white)
    nowhere = np.zeros(coverage.shape, bool)
    ink = Ink(coverage, ~nowhere, (0.0, 0.0, 0.0), None, nowhere)
    followed = follow_rows(LaidPage(analysis.placement, upright, ink, coverage), rows)
    if followed is None:
        return None
    # Rows that were not followed are left out: each of the others is the one that was drawn along its level.
    away = np.abs(followed.rows.level[:, None] - rows.level).mean(axis=2)
    kept = [drawn_rows[int(row)] for row in away.argmin(axis=1)]
    number_of = {number: k for k, number in enumerate(kept)}
    places = [replace(place, row=number_of[place.row]) for place in analysis.layout.places if place.row in number_of]
    return replace(
        analysis,
        upright=upright,
        coverage=coverage,
        rows=followed.rows,
        baseline=analysis.baseline[kept],
        symbols=followed.symbols,
        traces=followed.traces,
        layout=replace(analysis.layout, places=tuple(places)),
        right=None,
    )


def _true_paths(analysis: PageAnalysis, truth: NDArray[np.float64], fs: int) -> list[tuple[Place, NDArray[np.float64]]]:
    """Where the pen ran (x, y) in each strip, unbroken stretch by unbroken stretch, if the place of each is right."""
    scale = analysis.scale
    per_second = scale.speed.value * PIXELS_PER_MM
    paths = []
    for place in analysis.layout.places:
        if place.lead not in LEAD_NAMES:
            continue
        signal = truth[LEAD_NAMES.index(place.lead)]
        x = place.left + (np.arange(len(signal)) / fs * per_second - place.before)
        gain = (scale.chest_gain if is_chest(place.lead) else scale.gain).value
        y = analysis.baseline[place.row] - place.sign * signal * gain * PIXELS_PER_MM
        drawn = np.isfinite(y) & (x >= place.left - 0.5) & (x <= place.right + 0.5)
        breaks = np.flatnonzero(np.diff(drawn.astype(int), prepend=0, append=0)).reshape(-1, 2)
        paths += [(place, np.stack([x[a:b], y[a:b]], axis=1)) for a, b in breaks if b - a > 1]
    return paths


def _drawn(paths: Sequence[NDArray[np.float64]], shape: tuple[int, ...], radius: float) -> NDArray[np.float32]:
    """Share of each pixel that a round pen covers which runs along the paths."""
    height, width = shape
    fine = np.zeros((height * _FINER, width * _FINER), np.uint8)
    bits = 4
    for path in paths:
        points = np.rint(((path + 0.5) * _FINER - 0.5) * (1 << bits)).astype(np.int32).reshape(-1, 1, 2)
        cv2.polylines(fine, [points], False, 255, max(1, round(2 * radius * _FINER)), cv2.LINE_8, bits)
    small = cv2.resize(fine, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32) / np.float32(255)


def _level_of(
    paths: Sequence[NDArray[np.float64]], coverage: NDArray[np.float32], reach: int
) -> tuple[NDArray[np.float32], int, int] | None:
    """Level, first column and the column after the last of a row: its level is the running median of its paths."""
    if not paths:
        return None
    points = np.concatenate(paths)
    points = points[np.argsort(points[:, 0], kind="stable")]
    width = coverage.shape[1]
    start, end = max(0, int(points[0, 0])), min(width, int(np.ceil(points[-1, 0])) + 1)
    inner = np.interp(np.arange(start, end), points[:, 0], points[:, 1])
    slow = ndimage.median_filter(inner, 2 * reach + 1, mode="nearest")
    return np.pad(slow, (start, width - end), mode="edge").astype(np.float32), start, end


def _known(page: Page, layout: str, look: bool) -> PageAnalysis | None:
    """Read a page with its layout given; None where it cannot be read so."""
    try:
        return analyze_page(page, layout=layout, look=look_at if look else None)
    except Exception:  # a page that breaks the digitizer is a result, not the end of the run
        return None


def _signal(analysis: PageAnalysis | None, fs: int, refine: bool) -> NDArray[np.float64]:
    """Cut the leads of a page, shape (12, any), by the product's own functions."""
    nothing = np.full((len(LEAD_NAMES), 0), np.nan)
    if analysis is None:
        return nothing
    strips = strips_of(refined(analysis) if refine else analysis, fs)[0]
    return np.asarray(join_strips(strips, fs)[0], np.float64) if strips else nothing
