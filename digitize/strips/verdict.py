"""How far a digitised page can be trusted: focus, ends cut off, and a verdict with its reasons."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from digitize.geometry.rectify import PIXELS_PER_MM
from digitize.layout.confirm import DISAGREEMENT
from digitize.records.results import Calibration, Quality, Strip

BLURRED_MM = 0.55
"""Width of the pen's edge from which a page is called out of focus: wider than any pen's radius."""

_LEVEL = 0.3
"""Slope up to which a trace's edge is measured straight across."""
_REACH = 12
_LEAST_INK = 0.1
_EDGE_MM = 1.0
_GOOD, _USABLE = 0.8, 0.55
"""Share of a page's samples that may be expected to be right for a verdict of good and of usable."""
_GOOD_LEAD, _USABLE_LEAD = 0.65, 0.35
"""The same for its worst lead."""


def edge_width(coverage: NDArray[np.float32], centre: NDArray[np.float32]) -> float:
    """Width of the edge of the pen's ink, as the inverse of its steepest rise.

    Parameters
    ----------
    coverage : ndarray, shape (h, w), float32
        Share of each pixel of the upright page that is ink.
    centre : ndarray, shape (rows, w), float32
        The pen's centre (`Traces.centre`).

    Returns
    -------
    float
        Millimetres, the median over level stretches; NaN where there are none.

    Examples
    --------
    >>> page = np.zeros((60, 300), np.float32)
    >>> page[29:32] = 1.0
    >>> centre = np.full((1, 300), 30, np.float32)
    >>> edge_width(page, centre)
    0.1
    """
    height = len(coverage)
    widths = []
    for row in centre:
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


def cut_off(centre: NDArray[np.float32], inside: NDArray[np.bool_]) -> bool:
    """Whether traces run into the picture's edge, so that more of them may lie beyond it.

    Parameters
    ----------
    centre : ndarray, shape (rows, w), float32
        The pen's centre (`Traces.centre`).
    inside : ndarray, shape (h, w), bool
        Where the picture has pixels (`UprightPage.inside`).

    Returns
    -------
    bool

    Examples
    --------
    >>> centre = np.full((1, 300), 30, np.float32)
    >>> cut_off(centre, np.ones((60, 300), bool))
    True
    >>> cut_off(np.pad(centre, ((0, 0), (20, 20)), constant_values=np.nan), np.ones((60, 340), bool))
    False
    """
    height, width = inside.shape
    near = round(_EDGE_MM * PIXELS_PER_MM)
    for row in centre:
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

    Returns
    -------
    Quality
        *good*: nothing speaks against it. *usable*: look at the reasons. *unreliable*: do not measure on it.
    """
    expected = [_expected(strip) for strip in strips]
    sizes = [len(strip.signal) for strip in strips]
    right = float(np.average(expected, weights=sizes))
    worst = int(np.argmin(expected))
    doubts: list[str] = []
    faults: list[str] = []
    if right < _GOOD:
        (doubts if right >= _USABLE else faults).append(f"only {right:.0%} of the samples are likely within 0.1 mV")
    if expected[worst] < _GOOD_LEAD:
        (doubts if expected[worst] >= _USABLE_LEAD else faults).append(
            f"of lead {strips[worst].lead} only {expected[worst]:.0%} of the samples are likely within 0.1 mV"
        )
    guessed = sum(strip.name_source == "assumed" for strip in strips) if unread is None else unread
    if contradicted:
        doubts.append("the page's names contradict the given layout")
    if guessed:
        (faults if guessed > len(strips) / 2 else doubts).append(f"{guessed} of {len(strips)} lead names were not read")
    if lost:
        doubts.append(f"no strip was found for the printed name of {', '.join(lost)}")
    if calibration.pitch_source == "assumed":
        faults.append("neither grid nor pulse nor print tells the scale")
    elif calibration.pitch_source != "grid":
        doubts.append(f"no grid: the scale is taken from the {calibration.pitch_source}")
    if calibration.gain_source == "assumed":
        doubts.append("the gain is assumed")
    if calibration.speed_source == "assumed":
        doubts.append("the paper speed is assumed")
    if residual > DISAGREEMENT:
        doubts.append(f"the limb leads contradict Einthoven's law ({10 * np.log10(residual):.0f} dB)")
    if edge_mm > BLURRED_MM:
        doubts.append(f"out of focus: the trace's edge is {edge_mm:.1f} mm wide")
    if truncated:
        doubts.append("traces run into the picture's edge")
    verdict = "unreliable" if faults else "usable" if doubts else "good"
    return Quality(verdict, (*faults, *doubts), right, edge_mm)


def _expected(strip: Strip) -> float:
    """Share of a strip's samples that may be expected to be right; hidden ones are not."""
    return float(strip.confidence.mean()) if len(strip.confidence) else 0.0
