"""Marks that readers make over a trace: rings around a beat, arrows, ticks, lines, caliper points, underlines."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from papertrace.synth.brush import PenLine, smooth

MARKS = ("ring", "arrow", "tick", "line", "cross", "calipers", "bracket")
"""Marks that can be drawn over a strip."""


def draw_mark(kind: str, x: float, y: float, pen: float, rng: np.random.Generator) -> list[PenLine]:
    """Draw a mark on a place of the sheet by hand.

    Parameters
    ----------
    kind : str
        One of `MARKS`.
    x, y : float
        Its place, mm.
    pen : float
        Width of the pen's line, mm.
    rng : numpy.random.Generator

    Returns
    -------
    list of PenLine

    Raises
    ------
    ValueError
        If there is no such mark.

    Examples
    --------
    >>> [len(draw_mark(kind, 50.0, 50.0, 0.4, np.random.default_rng(0))) for kind in MARKS]
    [1, 2, 1, 1, 2, 3, 1]
    """
    place = np.array([x, y])
    if kind == "ring":
        size = rng.uniform((5, 5), (13, 13))
        start = rng.uniform(0, 2 * np.pi)
        turn = start + np.linspace(0, 2 * np.pi * rng.uniform(1.02, 1.25), 14)
        # A hand closes a ring beside where it began.
        radius = size * (np.linspace(1, rng.uniform(0.85, 1.15), 14)[:, None] + rng.normal(0, 0.03, (14, 2)))
        return [hand_line(np.stack([np.cos(turn), np.sin(turn)], 1) * radius + (x, y), pen, rng)]
    if kind == "arrow":
        length, angle = rng.uniform(8, 22), rng.uniform(0, 2 * np.pi)
        way = np.array([np.cos(angle), np.sin(angle)])
        side = np.array([-way[1], way[0]])
        shaft = np.array([place - length * way, place - 0.5 * length * way + rng.normal(0, 0.6) * side, place])
        barb = rng.uniform(1.8, 3.5)
        back = place - barb * way
        head = np.array([back + 0.6 * barb * side, place, place, back - 0.6 * barb * side])
        return [hand_line(shaft, pen, rng), hand_line(head + rng.normal(0, 0.15, (4, 2)), pen, rng)]
    if kind == "tick":
        hook = np.array([(-0.5, -0.3), (-0.15, 0.3), (-0.1, 0.3), (0.8, -1.0)]) * rng.uniform(3, 7)
        return [hand_line(hook + place, pen, rng)]
    if kind == "line":
        length = rng.uniform(15, 60)
        slope = rng.normal(0, 0.04)
        return [hand_line(np.array([(x + t * length, y + t * slope * length) for t in (-0.5, 0, 0.5)]), pen, rng)]
    if kind == "cross":
        half = rng.uniform(4, 12)
        lean = rng.uniform(0.6, 1.2)
        legs = (
            np.array([(-half, -half * lean), (half, half * lean)]),
            np.array([(-half, half * lean), (half, -half * lean)]),
        )
        return [hand_line(place + leg + rng.normal(0, 0.5, (2, 2)), pen, rng) for leg in legs]
    if kind == "calipers":
        width, height = rng.uniform(8, 28), rng.uniform(3, 8)
        posts = [np.array([(x + s * width / 2, y - height), (x + s * width / 2, y + height)]) for s in (-1, 1)]
        bar = np.array([(x - width / 2, y - 0.6 * height), (x, y - 0.6 * height), (x + width / 2, y - 0.6 * height)])
        return [hand_line(points + rng.normal(0, 0.2, points.shape), pen, rng) for points in (*posts, bar)]
    if kind == "bracket":
        width, drop = rng.uniform(12, 45), rng.uniform(2, 4)
        points = [
            (-width / 2, -drop),
            (-width / 2, 0),
            (-width / 2, 0),
            (width / 2, 0),
            (width / 2, 0),
            (width / 2, -drop),
        ]
        return [hand_line(place + points + rng.normal(0, 0.2, (6, 2)), pen, rng)]
    raise ValueError(f"mark is {kind!r}; allowed: {', '.join(MARKS)}")


def underline(x0: float, x1: float, y: float, pen: float, rng: np.random.Generator) -> list[PenLine]:
    """Underline something by hand, once or twice.

    Parameters
    ----------
    x0, x1, y : float
        mm.
    pen : float
        Width of the pen's line, mm.
    rng : numpy.random.Generator

    Returns
    -------
    list of PenLine

    Examples
    --------
    >>> len(underline(20.0, 60.0, 12.0, 0.4, np.random.default_rng(0))) in (1, 2)
    True
    """
    lines = []
    for index in range(1 + int(rng.random() < 0.25)):
        ends = np.linspace(x0 + rng.normal(0, 0.8), x1 + rng.normal(0, 1.5), 4)
        heights = y + 1.1 * index + rng.normal(0, 0.2, 4) + np.linspace(0, rng.normal(0, 0.5), 4)
        lines.append(hand_line(np.stack([ends, heights], 1), pen, rng))
    return lines


def hand_line(points: NDArray[np.float64], pen: float, rng: np.random.Generator) -> PenLine:
    """Lead a pen through points without a ruler.

    Parameters
    ----------
    points : ndarray, shape (n, 2)
        mm.
    pen : float
        Width of the line, mm.
    rng : numpy.random.Generator

    Returns
    -------
    PenLine

    Examples
    --------
    >>> hand_line(np.array([[0.0, 0.0], [9.0, 0.0]]), 0.4, np.random.default_rng(0)).path.shape
    (17, 2)
    """
    path = smooth(points, 16)
    tremor = np.stack(
        [np.interp(np.linspace(0, 1, len(path)), np.linspace(0, 1, 9), rng.normal(0, 0.06, 9)) for _ in (0, 1)]
    )
    knots = np.linspace(0, 1, 2 + len(path) // 12)
    width = pen * np.interp(np.linspace(0, 1, len(path)), knots, rng.uniform(0.75, 1.2, len(knots)))
    return PenLine(path + tremor.T, width)
