"""How far a digitized page can be trusted: focus, ends cut off, and a verdict with its reasons."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from digitize.layout.confirm import DISAGREEMENT
from digitize.records.results import Calibration, Quality, Strip
from digitize.records.upright import PIXELS_PER_MM

BLURRED_MM = 0.55
"""Width of the pen's edge from which a page is called out of focus: wider than any pen's radius."""

_LEVEL = 0.3
"""Slope up to which a trace's edge is measured straight across."""
_REACH = 12
_LEAST_INK = 0.1
_EDGE_MM = 1.0
_GOOD, _USABLE = 0.8, 0.55
"""Share of a page's samples that may be expected to be right for a verdict of good and of usable."""
_GOOD_PAGE, _USABLE_PAGE = 0.9, 0.5
"""Probability that the page is right as a whole for a verdict of good and of usable."""
_GOOD_LEAD, _USABLE_LEAD = 0.65, 0.35
"""The same for its worst lead."""


def edge_width(coverage: NDArray[np.float32], center: NDArray[np.float32]) -> float:
    """Width of the edge of the pen's ink, as the inverse of its steepest rise.

    Parameters
    ----------
    coverage : ndarray, shape (h, w), float32
        Share of each pixel of the upright page that is ink.
    center : ndarray, shape (rows, w), float32
        The pen's center (`Traces.center`).

    Returns
    -------
    float
        Millimeters, the median over level stretches; NaN where there are none.

    Examples
    --------
    >>> page = np.zeros((60, 300), np.float32)
    >>> page[29:32] = 1.0
    >>> center = np.full((1, 300), 30, np.float32)
    >>> edge_width(page, center)
    0.1
    """
    height = len(coverage)
    widths = []
    for row in center:
        slope = np.abs(np.gradient(row))
        columns = np.flatnonzero((slope < _LEVEL) & (row > _REACH) & (row < height - 1 - _REACH))[::3]
        if len(columns) < 10:
            continue
        around = np.rint(row[columns]).astype(np.intp)[:, None] + np.arange(-_REACH, _REACH + 1)
        profile = coverage[around, columns[:, None]]
        rise = np.abs(np.diff(profile, axis=1)).max(axis=1)
        darkest = profile.max(axis=1)
        seen = (darkest > _LEAST_INK) & (rise > 0)
        widths.append(darkest[seen] / rise[seen])
    every = np.concatenate(widths) if widths else np.zeros(0)
    return float(np.median(every)) / PIXELS_PER_MM if len(every) else float("nan")


def cut_off(center: NDArray[np.float32], inside: NDArray[np.bool_]) -> bool:
    """Whether traces run into the picture's edge, so that more of them may lie beyond it.

    Parameters
    ----------
    center : ndarray, shape (rows, w), float32
        The pen's center (`Traces.center`).
    inside : ndarray, shape (h, w), bool
        Where the picture has pixels (`UprightPage.inside`).

    Returns
    -------
    bool

    Examples
    --------
    >>> center = np.full((1, 300), 30, np.float32)
    >>> cut_off(center, np.ones((60, 300), bool))
    True
    >>> cut_off(np.pad(center, ((0, 0), (20, 20)), constant_values=np.nan), np.ones((60, 340), bool))
    False
    """
    height, width = inside.shape
    near = round(_EDGE_MM * PIXELS_PER_MM)
    for row in center:
        known = np.flatnonzero(np.isfinite(row))
        if len(known) == 0:
            continue
        for end, step in ((known[0], -near), (known[-1], near)):
            x, y = end + step, int(np.clip(round(float(row[end])), 0, height - 1))
            if not (0 <= x < width and inside[y, x]):
                return True
        up = row[known] - near
        down = row[known] + near
        beyond = (up < 0) | (down > height - 1)
        rows_up, rows_down = (np.clip(np.rint(edge), 0, height - 1).astype(np.intp) for edge in (up, down))
        if (beyond | ~inside[rows_up, known] | ~inside[rows_down, known]).any():
            return True
    return False


def judge(
    strips: Sequence[Strip],
    calibration: Calibration,
    *,
    residual: float,
    edge_mm: float,
    truncated: bool,
    lost: Sequence[str] = (),
    unread: int | None = None,
    contradicted: bool = False,
    probability: float = math.nan,
) -> Quality:
    """Give a verdict on a page.

    Parameters
    ----------
    strips : sequence of Strip
    calibration : Calibration
    residual : float
        Share of the limb leads' power that breaks Einthoven's law, NaN where it cannot be judged.
    edge_mm : float
        See `edge_width`.
    truncated : bool
        See `cut_off`.
    lost : sequence of str
        Leads that the page names, but of which no strip was found.
    unread : int, optional
        Strips whose names could not be read; by default those of which it is assumed.
    contradicted : bool
        Whether the page's names are other than those that the caller gave.
    probability : float
        That the page is right as a whole (`digitize.strips.confidence.rate_page`); NaN where nobody asked.

    Returns
    -------
    Quality
        *good*: nothing speaks against it. *usable*: look at the reasons. *unreliable*: do not measure on it.
    """
    expected = [_expected(strip) for strip in strips]
    right = float(np.average(expected, weights=[len(strip.signal) for strip in strips]))
    reasons = [
        *_doubt_page(probability),
        *_doubt_samples(strips, expected, right),
        *_doubt_names(strips, lost, unread, contradicted),
        *_doubt_scale(calibration),
        *_doubt_picture(residual, edge_mm, truncated),
    ]
    faults = tuple(reason.text for reason in reasons if reason.is_fault)
    doubts = tuple(reason.text for reason in reasons if not reason.is_fault)
    verdict = "unreliable" if faults else "usable" if doubts else "good"
    return Quality(verdict, (*faults, *doubts), right, edge_mm, probability)


class _Reason(NamedTuple):
    """Something that speaks against a page; a fault forbids to measure on it."""

    text: str
    is_fault: bool = False


def _doubt_page(probability: float) -> Iterator[_Reason]:
    if probability < _GOOD_PAGE:
        yield _Reason(
            f"right in all of its leads with a probability of only {probability:.0%}", probability < _USABLE_PAGE
        )


def _doubt_samples(strips: Sequence[Strip], expected: Sequence[float], right: float) -> Iterator[_Reason]:
    if right < _GOOD:
        yield _Reason(f"only {right:.0%} of the samples are likely within 0.1 mV", right < _USABLE)
    worst = int(np.argmin(expected))
    if expected[worst] < _GOOD_LEAD:
        yield _Reason(
            f"of lead {strips[worst].lead} only {expected[worst]:.0%} of the samples are likely within 0.1 mV",
            expected[worst] < _USABLE_LEAD,
        )


def _doubt_names(
    strips: Sequence[Strip], lost: Sequence[str], unread: int | None, contradicted: bool
) -> Iterator[_Reason]:
    guessed = sum(strip.name_source == "assumed" for strip in strips) if unread is None else unread
    if contradicted:
        yield _Reason("the page's names contradict the given layout")
    if guessed:
        yield _Reason(f"{guessed} of {len(strips)} lead names were not read", guessed > len(strips) / 2)
    if lost:
        yield _Reason(f"no strip was found for the printed name of {', '.join(lost)}")


def _doubt_scale(calibration: Calibration) -> Iterator[_Reason]:
    if calibration.pitch_source == "assumed":
        yield _Reason("neither grid nor pulse nor print tells the scale", is_fault=True)
    elif calibration.pitch_source != "grid":
        yield _Reason(f"no grid: the scale is taken from the {calibration.pitch_source}")
    if calibration.gain_source == "assumed":
        yield _Reason("the gain is assumed")
    if calibration.speed_source == "assumed":
        yield _Reason("the paper speed is assumed")


def _doubt_picture(residual: float, edge_mm: float, truncated: bool) -> Iterator[_Reason]:
    if residual > DISAGREEMENT:
        yield _Reason(f"the limb leads contradict Einthoven's law ({10 * np.log10(residual):.0f} dB)")
    if edge_mm > BLURRED_MM:
        yield _Reason(f"out of focus: the trace's edge is {edge_mm:.1f} mm wide")
    if truncated:
        yield _Reason("traces run into the picture's edge")


def _expected(strip: Strip) -> float:
    """Share of a strip's samples that may be expected to be right; hidden ones are not."""
    return float(strip.confidence.mean()) if len(strip.confidence) else 0.0
