"""Folds and creases: straight lines along which paper was bent and the print broke."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from papertrace.synth.brush import PenLine
from papertrace.synth.noise import smooth_noise

FOLDS = ("none", "half", "half-long", "quarter", "thirds", "corner", "plane")
"""How a sheet was folded: across the middle, along it, both, twice as a letter is, a corner over, or as a paper plane
is begun."""

_USUAL_RISE = 0.2


@dataclass(frozen=True)
class Crease:
    """A line along which a sheet was bent.

    Attributes
    ----------
    start, end : tuple of float
        mm.
    rise : float
        Slope at the line: positive if it is a ridge, negative if it is a valley.
    reach : float
        Distance over which the paper lies flat again, mm.
    width : float
        Of the line where the print is broken, mm.
    """

    start: tuple[float, float]
    end: tuple[float, float]
    rise: float
    reach: float
    width: float


def fold_lines(pattern: str, width: float, height: float, rng: np.random.Generator) -> list[Crease]:
    """Fold a sheet as people do: nearly straight, nearly in the middle.

    Parameters
    ----------
    pattern : str
        One of `FOLDS`.
    width, height : float
        The sheet, mm.
    rng : numpy.random.Generator

    Returns
    -------
    list of Crease

    Raises
    ------
    ValueError
        If there is no such pattern.

    Examples
    --------
    >>> len(fold_lines("thirds", 297.0, 210.0, np.random.default_rng(0)))
    2
    """
    if pattern not in FOLDS:
        raise ValueError(f"fold is {pattern!r}; allowed: {', '.join(FOLDS)}")
    across = {"half": (0.5,), "quarter": (0.5,), "thirds": (1 / 3, 2 / 3)}.get(pattern, ())
    along = (0.5,) if pattern in ("half-long", "quarter") else ()
    if pattern in ("corner", "plane"):
        return _oblique(pattern, width, height, rng)
    creases = []
    for upright, places in ((True, across), (False, along)):
        length, breadth = (height, width) if upright else (width, height)
        for place in places:
            ends = breadth * place + rng.normal(0, 0.008 * breadth) + rng.normal(0, 0.8, 2)
            points = [(float(ends[0]), -5.0), (float(ends[1]), length + 5.0)]
            if not upright:
                points = [(y, x) for x, y in points]
            creases.append(_folded(points[0], points[1], rng))
    return creases


def _folded(start: tuple[float, float], end: tuple[float, float], rng: np.random.Generator) -> Crease:
    return Crease(
        start,
        end,
        float(rng.choice((-1, 1)) * rng.uniform(0.1, 0.35)),
        float(rng.uniform(18, 70)),
        float(rng.uniform(0.25, 0.7)),
    )


def _oblique(pattern: str, width: float, height: float, rng: np.random.Generator) -> list[Crease]:
    """Fold a corner over, or both corners of a side to a point on the middle of the sheet's breadth."""
    right, low = rng.random() < 0.5, rng.random() < 0.5
    creases = []
    if pattern == "corner":
        ends = [(rng.uniform(0.3, 0.9) * width, -5.0), (-5.0, rng.uniform(0.3, 0.9) * height)]
    else:
        tip = (-2.0, height * rng.uniform(0.4, 0.6))
        ends = [(rng.uniform(0.35, 0.6) * width, -5.0), tip, (rng.uniform(0.35, 0.6) * width, height + 5.0)]
    places = [(width - x if right else x, height - y if low else y) for x, y in ends]
    for start, end in itertools.pairwise(places):
        creases.append(_folded((float(start[0]), float(start[1])), (float(end[0]), float(end[1])), rng))
    return creases


def random_crease(width: float, height: float, rng: np.random.Generator) -> Crease:
    """Crease a sheet by accident: a line of any direction that ends on the sheet or runs off it.

    Parameters
    ----------
    width, height : float
        The sheet, mm.
    rng : numpy.random.Generator

    Returns
    -------
    Crease

    Examples
    --------
    >>> random_crease(297.0, 210.0, np.random.default_rng(0)).reach < 20
    True
    """
    middle = rng.uniform((0, 0), (width, height))
    angle = rng.uniform(0, np.pi)
    half = rng.uniform(15, 150) / 2 * np.array([np.cos(angle), np.sin(angle)])
    (x0, y0), (x1, y1) = (middle - half).tolist(), (middle + half).tolist()
    return Crease(
        (x0, y0),
        (x1, y1),
        float(rng.choice((-1, 1)) * rng.uniform(0.1, 0.4)),
        float(rng.uniform(3, 14)),
        float(rng.uniform(0.12, 0.4)),
    )


def add_slope(
    slope: NDArray[np.float32], px_per_mm: float, origin: tuple[float, float], creases: list[Crease]
) -> NDArray[np.float32]:
    """Bend a relief along creases.

    The paper comes up to the line as two flanks that flatten out exponentially, as a bent sheet does under its own
    weight; towards the ends of the crease it is bent less.

    Parameters
    ----------
    slope : ndarray, shape (r, c, 2), float32
    px_per_mm : float
        Of the lattice.
    origin : tuple of float
        x, y in mm of its first point.
    creases : list of Crease

    Returns
    -------
    ndarray, shape (r, c, 2), float32

    Examples
    --------
    >>> ridge = Crease((10.0, -5.0), (10.0, 25.0), 0.3, 20.0, 0.4)
    >>> slope = add_slope(np.zeros((40, 40, 2), np.float32), 2.0, (0.0, 0.0), [ridge])
    >>> bool(slope[20, 17, 0] > 0.2), bool(slope[20, 23, 0] < -0.2)
    (True, True)
    """
    slope = slope.copy()
    rows, columns = slope.shape[:2]
    x = (np.arange(columns, dtype=np.float32) / np.float32(px_per_mm) + np.float32(origin[0]))[None, :]
    y = (np.arange(rows, dtype=np.float32) / np.float32(px_per_mm) + np.float32(origin[1]))[:, None]
    for crease in creases:
        start, end = np.array(crease.start), np.array(crease.end)
        length = float(np.hypot(*(end - start)))
        way = (end - start) / length
        # Only what the crease reaches is bent.
        far = 5 * crease.reach
        low = np.minimum(start, end) - far - origin
        high = np.maximum(start, end) + far - origin
        (c0, r0), (c1, r1) = (np.clip(v * px_per_mm, 0, (columns, rows)).astype(int).tolist() for v in (low, high + 1))
        xs, ys = x[:, c0:c1] - np.float32(start[0]), y[r0:r1] - np.float32(start[1])
        across = xs * np.float32(-way[1]) + ys * np.float32(way[0])
        along = xs * np.float32(way[0]) + ys * np.float32(way[1])
        # Towards its ends a crease is shallower and holds less of the paper bent; a bend is some tenths of a mm round.
        fade = np.clip((np.minimum(along, length - along) + 0.5) / np.float32(0.4 * length), 1e-3, 1)
        flank = -np.clip(across / np.float32(0.6), -1, 1) * np.exp(-np.abs(across) / (np.float32(crease.reach) * fade))
        bend = flank * np.sqrt(fade) * np.float32(crease.rise)
        slope[r0:r1, c0:c1, 0] += bend * np.float32(-way[1])
        slope[r0:r1, c0:c1, 1] += bend * np.float32(way[0])
    return slope


def add_panels(
    slope: NDArray[np.float32], px_per_mm: float, origin: tuple[float, float], creases: list[Crease], tilt: float
) -> NDArray[np.float32]:
    """Tilt the panels on either side of folds against each other: plane paper that meets the light in steps.

    Parameters
    ----------
    slope : ndarray, shape (r, c, 2), float32
    px_per_mm : float
        Of the lattice.
    origin : tuple of float
        x, y in mm of its first point.
    creases : list of Crease
        Lines through all of the sheet.
    tilt : float
        Slope of a panel of a fold whose own rise is 0.2.

    Returns
    -------
    ndarray, shape (r, c, 2), float32

    Examples
    --------
    >>> ridge = Crease((10.0, -5.0), (10.0, 25.0), 0.2, 20.0, 0.4)
    >>> slope = add_panels(np.zeros((40, 40, 2), np.float32), 2.0, (0.0, 0.0), [ridge], 0.1)
    >>> bool(slope[20, 2, 0] > 0.09), bool(slope[20, 38, 0] < -0.09)
    (True, True)
    """
    slope = slope.copy()
    x = (np.arange(slope.shape[1], dtype=np.float32) / np.float32(px_per_mm) + np.float32(origin[0]))[None, :]
    y = (np.arange(slope.shape[0], dtype=np.float32) / np.float32(px_per_mm) + np.float32(origin[1]))[:, None]
    for crease in creases:
        start, end = np.array(crease.start), np.array(crease.end)
        way = (end - start) / np.hypot(*(end - start))
        across = (x - np.float32(start[0])) * np.float32(-way[1]) + (y - np.float32(start[1])) * np.float32(way[0])
        # A fold is round over half a millimeter.
        side = np.clip(across / np.float32(0.5), -1, 1) * np.float32(tilt * crease.rise / _USUAL_RISE)
        slope[..., 0] += side * np.float32(way[1])
        slope[..., 1] -= side * np.float32(way[0])
    return slope


def broken_print(
    shape: tuple[int, int], px_per_mm: float, creases: list[Crease], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Where the print is broken along creases.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of the lattice, whose first point is the sheet's corner.
    px_per_mm : float
        Of the lattice.
    creases : list of Crease
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape `shape`, uint8
        0 where it is whole, towards 255 where white fibers show.

    Examples
    --------
    >>> ridge = Crease((10.0, -5.0), (10.0, 25.0), 0.3, 20.0, 0.8)
    >>> broken = broken_print((80, 80), 4.0, [ridge], np.random.default_rng(0))
    >>> bool(broken[:, 38:42].mean() > 25), int(broken[:, :20].max())
    (True, 0)
    """
    lines = np.zeros(shape, np.uint8)
    for crease in creases:
        line = _wander(crease, rng)
        fixed = np.rint((line.path * px_per_mm - 0.5) * 16).astype(np.int32)
        weight = int(np.clip(255 * crease.width / 0.7, 60, 255))
        cv2.polylines(lines, [fixed], False, weight, max(1, round(crease.width * px_per_mm)), cv2.LINE_AA, 4)
    if not lines.any():
        return lines
    patchy = cv2.convertScaleAbs(np.maximum(smooth_noise(shape, 7.0 * px_per_mm, rng, octaves=4) * 190 + 110, 0))
    return np.asarray(cv2.multiply(lines, patchy, scale=1 / 255), np.uint8)


def _wander(crease: Crease, rng: np.random.Generator) -> PenLine:
    """The way of a crease, straight but for fibers."""
    start, end = np.array(crease.start), np.array(crease.end)
    steps = max(4, int(np.hypot(*(end - start)) / 3))
    path = start + np.linspace(0, 1, steps)[:, None] * (end - start)
    return PenLine(path + rng.normal(0, 0.1, path.shape), np.full(steps, crease.width))
