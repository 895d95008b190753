"""Tear, cut and punch a sheet: tears, corners torn off, crooked cuts and holes."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

_SHIFT = 4
_WHOLE_PAGE = 150.0
_PITCH = {2: 80.0, 3: 108.0, 4: 80.0}


@dataclass(frozen=True)
class Tear:
    """Paper that was torn away.

    Attributes
    ----------
    missing : ndarray, shape (n, 2), float64
        Outline of what is gone, mm; it reaches beyond the sheet's edge.
    frayed : ndarray, shape (m, 2), float64
        Outline of what has lost its printed face or is gone, mm: between the two, white fibers show.
    """

    missing: NDArray[np.float64]
    frayed: NDArray[np.float64]


def random_tear(width: float, height: float, rng: np.random.Generator) -> Tear:
    """Tear a sheet: a slit from an edge, a ragged bite, or a corner.

    Parameters
    ----------
    width, height : float
        The sheet, mm.
    rng : numpy.random.Generator

    Returns
    -------
    Tear

    Examples
    --------
    >>> tear = random_tear(297.0, 210.0, np.random.default_rng(0))
    >>> tear.missing.shape[1], bool(tear.missing.min() < 0 or (tear.missing > (297, 210)).any())
    (2, True)
    """
    kind = rng.random()
    # A strip is torn less deeply than a whole page.
    scale = min(1.0, min(width, height) / _WHOLE_PAGE)
    if kind < 0.3:
        # A corner: from one edge to the one beside it.
        reach = rng.uniform(8, 45, 2) * scale
        way = np.array([(reach[0], -3.0), (reach[0], 0.0), (0.0, reach[1]), (-3.0, reach[1])])
        close = np.array([(-30.0, reach[1]), (-30.0, -30.0), (reach[0], -30.0)])
        mirror = rng.random(2) < 0.5

        def to_sheet(points: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.where(mirror, (width, height) - points, points)

    else:
        side = int(rng.integers(4))
        length = width if side % 2 == 0 else height
        place = rng.uniform(0.05, 0.95) * length
        if kind < 0.75:
            # A slit: narrow, deep, leaning.
            depth, gap = rng.uniform(8, 55) * scale, rng.uniform(0.4, 4.0)
            tip = place + rng.normal(0, 0.35) * depth
            way = np.array(
                [
                    (place - gap / 2, -3.0),
                    (place - gap / 2, 0.0),
                    (tip, depth),
                    (place + gap / 2, 0.0),
                    (place + gap / 2, -3.0),
                ]
            )
        else:
            depth, gap = rng.uniform(4, 18) * scale, rng.uniform(10, 50) * scale
            way = np.array(
                [
                    (place - gap / 2, -3.0),
                    (place - gap / 2, 0.0),
                    (place - 0.2 * gap, depth),
                    (place + 0.25 * gap, 0.7 * depth),
                    (place + gap / 2, 0.0),
                    (place + gap / 2, -3.0),
                ]
            )
        close = np.zeros((0, 2))

        def to_sheet(points: NDArray[np.float64]) -> NDArray[np.float64]:
            along, deep = points.T
            return np.stack([(along, deep), (width - deep, along), (along, height - deep), (deep, along)][side], axis=1)

    path = _ragged(way, rng)
    # Fibers of the lower plies stand out on one flank of a tear more than on the other.
    steps = np.gradient(path, axis=0)
    normal = np.stack([steps[:, 1], -steps[:, 0]], axis=1) / np.maximum(np.hypot(*steps.T), 1e-9)[:, None]
    outline = np.concatenate([path, close])
    ahead = np.roll(outline, -1, axis=0)
    outward = np.sign((outline[:, 0] * ahead[:, 1] - outline[:, 1] * ahead[:, 0]).sum())
    knots = np.linspace(0, 1, max(4, len(path) // 8))
    fray = np.interp(np.linspace(0, 1, len(path)), knots, np.clip(rng.exponential(0.45, len(knots)), 0.08, 1.6))
    frayed = path + outward * normal * fray[:, None]
    return Tear(to_sheet(outline), to_sheet(np.concatenate([frayed, close])))


def patch(outline: NDArray[np.float64], px_per_mm: float) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """Share of each pixel that lies within an outline.

    Parameters
    ----------
    outline : ndarray, shape (n, 2)
        mm.
    px_per_mm : float

    Returns
    -------
    coverage : ndarray, shape (h, w), uint8
    corner : tuple of int
        x, y of the patch's first pixel on the sheet.

    Examples
    --------
    >>> coverage, corner = patch(np.array([(1.0, 1.0), (3.0, 1.0), (3.0, 3.0), (1.0, 3.0)]), 10.0)
    >>> int(coverage[20 - corner[1], 20 - corner[0]]), bool(abs(coverage.sum() / 255 - 400) < 60)
    (255, True)
    """
    low = np.floor(outline.min(axis=0) * px_per_mm).astype(int) - 1
    high = np.ceil(outline.max(axis=0) * px_per_mm).astype(int) + 1
    coverage = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
    fixed = np.rint((outline * px_per_mm - 0.5 - low) * (1 << _SHIFT)).astype(np.int32)
    cv2.fillPoly(coverage, [fixed], 255, cv2.LINE_AA, _SHIFT)
    return coverage, (int(low[0]), int(low[1]))


def without(paper: NDArray[np.uint8], px_per_mm: float, outlines: list[NDArray[np.float64]]) -> NDArray[np.uint8]:
    """Take outlines out of a sheet.

    Parameters
    ----------
    paper : ndarray, shape (H, W), uint8
        255 where there is paper.
    px_per_mm : float
    outlines : list of ndarray, shape (n, 2)
        mm.

    Returns
    -------
    ndarray, shape (H, W), uint8

    Examples
    --------
    >>> box = np.array([(1.0, 1.0), (3.0, 1.0), (3.0, 3.0), (1.0, 3.0)])
    >>> int(without(np.full((40, 40), 255, np.uint8), 10.0, [box])[20, 20])
    0
    """
    paper = paper.copy()
    for outline in outlines:
        fixed = np.rint((outline * px_per_mm - 0.5) * (1 << _SHIFT)).astype(np.int32)
        cv2.fillPoly(paper, [fixed], 0, cv2.LINE_AA, _SHIFT)
    return paper


def cut_edges(width: float, height: float, most: float, rng: np.random.Generator) -> list[NDArray[np.float64]]:
    """Cut off up to all four edges of a sheet, each a little askew.

    Parameters
    ----------
    width, height : float
        The sheet, mm.
    most : float
        The most that an edge loses, mm, a quarter of the sheet's shorter side at most; one loses at least half of it.
    rng : numpy.random.Generator

    Returns
    -------
    list of ndarray, shape (4, 2), float64
        Outlines of what is gone, mm.

    Examples
    --------
    >>> len(cut_edges(297.0, 210.0, 10.0, np.random.default_rng(0)))
    4
    """
    most = min(most, min(width, height) / 4)
    losses = most * rng.uniform(0, 1, (4, 1)) * (rng.random((4, 1)) < 0.5) + rng.normal(0, 0.04, (4, 2)) * most
    worst = int(rng.integers(4))
    losses[worst] = most * (rng.uniform(0.5, 0.9) + np.array([0.0, rng.uniform(-0.1, 0.1)]))
    (l0, l1), (t0, t1), (r0, r1), (b0, b1) = np.clip(losses, 0, most).tolist()
    far = 10.0
    return [
        np.array([(-far, -far), (l0, -far), (l1, height + far), (-far, height + far)]),
        np.array([(-far, -far), (-far, t0), (width + far, t1), (width + far, -far)]),
        np.array([(width + far, -far), (width - r0, -far), (width - r1, height + far), (width + far, height + far)]),
        np.array([(-far, height + far), (-far, height - b0), (width + far, height - b1), (width + far, height + far)]),
    ]


def punched(count: int, width: float, height: float, rng: np.random.Generator) -> list[tuple[float, float, float]]:
    """Punch a sheet for a binder, on its left or its upper edge.

    Parameters
    ----------
    count : int
        2 or 4 holes, 80 mm apart (ISO 838), or 3, 108 mm apart, as on Letter paper.
    width, height : float
        The sheet, mm.
    rng : numpy.random.Generator

    Returns
    -------
    list of tuple of float
        x, y and diameter of each hole, mm.

    Examples
    --------
    >>> [round(hole[2], 1) for hole in punched(2, 297.0, 210.0, np.random.default_rng(0))]
    [6.0, 6.0]
    """
    pitch = _PITCH[count]
    diameter = 8.0 if count == 3 else 6.0
    on_top = rng.random() < 0.5
    middle = (width if on_top else height) / 2 + rng.normal(0, 3)
    inset = 12.0 + rng.normal(0, 1.2)
    places = middle + (np.arange(count) - (count - 1) / 2) * pitch
    return [(float(p), float(inset), diameter) if on_top else (float(inset), float(p), diameter) for p in places]


def _ragged(way: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Break a line up by midpoint displacement (A. Fournier et al., *Rendering of stochastic models*, 1982)."""
    path = way
    for _ in range(6):
        step = np.diff(path, axis=0)
        length = np.hypot(*step.T)[:, None]
        # A tear strays by a tenth of its length, down to the fibers of some tenths of a millimeter.
        stray = rng.normal(0, 0.09, length.shape) * np.minimum(length, 12) * (length > 0.3)
        middle = (path[:-1] + path[1:]) / 2 + stray * np.stack([-step[:, 1], step[:, 0]], 1) / np.maximum(length, 1e-9)
        path = np.concatenate([np.stack([path[:-1], middle], axis=1).reshape(-1, 2), path[-1:]])
    return path
