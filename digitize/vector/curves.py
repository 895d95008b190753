"""Find what may be traces and calibration pulses among the lines of a drawing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from digitize.records.drawing import Line
from digitize.records.upright import PIXELS_PER_MM

_JOINED = 0.005 * PIXELS_PER_MM
"""Farthest that a line begins from the end of the one that it goes on from: rounding moves it less, and a sample at 25
mm/s is ten times as long."""
_FEWEST, _SHORTEST = 20, 10.0 * PIXELS_PER_MM
"""Fewest points of a trace, and its least length."""
_MOST_TRACES = 200
"""More lines that could be traces are a drawing of something else."""
_BACK = 0.03 * PIXELS_PER_MM
"""Farthest that rounding moves a point of a trace back in time."""
_LEVEL = 0.05 * PIXELS_PER_MM
"""Farthest that points of a pulse's foot or roof are from one level."""
_FOOT = 15.0 * PIXELS_PER_MM
"""Longest foot of a pulse."""
_LEAST_HEIGHT, _LEAST_WIDTH = 2.0 * PIXELS_PER_MM, 1.5 * PIXELS_PER_MM
"""Least height and width of a pulse."""
_FLANK = 1.5 * PIXELS_PER_MM
"""Longest way in time of a pulse's flank."""


class PulseShape(NamedTuple):
    """A calibration pulse: middles of its flanks (x), its roof and its foot (y), and the point after it."""

    left: float
    right: float
    top: float
    foot: float
    end: int


def find_curves(lines: Sequence[Line]) -> tuple[list[NDArray[np.float64]], list[PulseShape]]:
    """Find lines that run in time as traces do, and calibration pulses.

    Parameters
    ----------
    lines : sequence of Line
        In upright pixels.

    Returns
    -------
    traces : list of ndarray, shape (n, 2), float64
        Points in time's order, without calibration pulses; none where there are far too many.
    pulses : list of PulseShape

    Examples
    --------
    >>> wave = np.array([(x, 100 + 9 * np.sin(x)) for x in range(60, 400)])
    >>> pulse = np.array([(0, 100), (10, 100), (10, 0), (60, 0), (60, 100)], float)
    >>> pieces = [Line(piece, (0, 0, 0), 1.0) for piece in (pulse, wave[:99], wave[98:])]
    >>> traces, pulses = find_curves(pieces)
    >>> [len(trace) for trace in traces], pulses[0].foot - pulses[0].top
    ([340], 100.0)
    """
    traces: list[NDArray[np.float64]] = []
    pulses = []
    for points in _chains(lines):
        forward = _forward(points)
        if forward is None:
            continue
        before = leading_pulse(forward)
        rest = forward if before is None else forward[before.end :]
        after = leading_pulse(rest[::-1] * [-1.0, 1.0])
        if before is not None:
            pulses.append(before)
        if after is not None:
            pulses.append(PulseShape(-after.right, -after.left, after.top, after.foot, 0))
            rest = rest[: len(rest) - after.end]
        if len(rest) >= _FEWEST and rest[-1, 0] - rest[0, 0] >= _SHORTEST and not _repeats(rest, traces):
            traces.append(rest)
        if len(traces) > _MOST_TRACES:
            return [], []
    return traces, pulses


def _chains(lines: Sequence[Line]) -> Iterator[NDArray[np.float64]]:
    """Lines that go on where the last one of their kind ended, joined."""
    open_chains: dict[object, list[NDArray[np.float64]]] = {}
    for line in lines:
        kind = line.color, round(line.width, 2)
        chain = open_chains.get(kind)
        if chain is not None and np.abs(line.points[0] - chain[-1][-1]).max() < _JOINED:
            chain.append(line.points[1:])
            continue
        if chain is not None:
            yield np.concatenate(chain)
        open_chains[kind] = [line.points]
    yield from map(np.concatenate, open_chains.values())


def _forward(points: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """The points in time's order; None where they run back and forth, or stand still.

    Where nothing is shown there is a point without a y: between it and the next no way is known.
    """
    x = points[:, 0]
    if len(points) < 4 or x[0] == x[-1]:
        return None
    points = points if x[-1] > x[0] else points[::-1]
    x = points[:, 0]
    if np.isnan(x).any():
        x = np.interp(np.arange(len(x)), np.flatnonzero(np.isfinite(x)), x[np.isfinite(x)])
        x[np.isnan(points[:, 0])] = x[np.flatnonzero(np.isnan(points[:, 0])) - 1]
    if not (np.diff(x) >= -_BACK).all():
        return None
    return np.stack([np.maximum.accumulate(x), points[:, 1]], axis=1)


def _repeats(points: NDArray[np.float64], others: Sequence[NDArray[np.float64]]) -> bool:
    """Whether a line was drawn before: some programs draw a white edge first."""
    return any(
        len(points) == len(other) and bool((np.abs(points - other) < _JOINED).all()) for other in reversed(others)
    )


def leading_pulse(points: NDArray[np.float64]) -> PulseShape | None:
    """Find the calibration pulse with which a line begins.

    Parameters
    ----------
    points : ndarray, shape (n, 2)
        In time's order.

    Returns
    -------
    PulseShape or None
        None where it begins otherwise. No heart holds a level for 60 ms as exactly as a drawn roof does.

    Examples
    --------
    >>> leading_pulse(np.array([(0, 0), (5, 0), (5, -100), (55, -100), (55, 0), (60, 0)], float))
    PulseShape(left=5.0, right=55.0, top=-100.0, foot=0.0, end=6)
    """
    if len(points) < 4:
        return None
    x, y = points[:, 0], points[:, 1]
    foot = float(y[0])
    rise = _run(y, 0, foot)
    roof = rise
    while roof + 1 < len(y) and y[roof + 1] < y[roof] - _LEVEL:
        roof += 1
    if roof == len(y):
        return None
    top = float(y[roof])
    fall = _run(y, roof, top)
    ground = fall
    while ground < len(y) and y[ground] < foot - _LEVEL:
        ground += 1
    if ground == len(y) or abs(y[ground] - foot) > _LEVEL or foot - top < _LEAST_HEIGHT:
        return None
    flanks = x[roof] - x[rise - 1], x[ground] - x[fall - 1]
    if x[rise - 1] - x[0] > _FOOT or max(flanks) > _FLANK or x[fall - 1] - x[roof] < _LEAST_WIDTH:
        return None
    left, right = (float(x[a] + x[b]) / 2 for a, b in ((rise - 1, roof), (fall - 1, ground)))
    return PulseShape(left, right, top, foot, _run(y, ground, foot))


def _run(y: NDArray[np.float64], start: int, level: float) -> int:
    """Number of the first point from `start` on that is off a level."""
    off = np.flatnonzero(~(np.abs(y[start:] - level) <= _LEVEL))
    return start + int(off[0]) if len(off) else len(y)
