"""Arrange the traces of a drawing in rows and columns, and find which name belongs to which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from digitize.layout.naming import evidence, rows_of_names
from digitize.records.drawing import Text
from digitize.records.layouts import ALL_NAMES
from digitize.records.upright import PIXELS_PER_MM
from digitize.vector.names import lead_called

_SAME_COLUMN = 0.25
"""Traces begin together if they begin no farther apart than this part of their usual length."""
_USUAL_PITCH = 20.0 * PIXELS_PER_MM
"""Distance of rows where there is but one."""
_OTHER_ROW = 0.6
"""Part of the distance of rows from which on a trace stands in a row of its own."""
_AT_BEGIN = 3.0 * PIXELS_PER_MM
"""Farthest that a name stands before the beginning of its trace, or after it where names stand before traces."""
_BEFORE = 25.0 * PIXELS_PER_MM
"""Farthest that a name which stands before its trace is away."""
_FARTHEST = 8.0 * PIXELS_PER_MM
"""Farthest that names stray from where most stand below or above their rows."""
_SURE = 0.999
"""Probability of a name that the file spells out."""


@dataclass(frozen=True, eq=False)
class Rows:
    """Traces in rows, top to bottom, each from left to right.

    Attributes
    ----------
    traces : tuple of tuple of ndarray, shape (n, 2)
        Upright points.
    level : ndarray, shape (rows,), float64
        Where each row is between beats (y).
    """

    traces: tuple[tuple[NDArray[np.float64], ...], ...]
    level: NDArray[np.float64]

    @property
    def columns(self) -> int:
        """Most traces of a row."""
        return max(map(len, self.traces))


def arrange(traces: Sequence[NDArray[np.float64]]) -> Rows:
    """Arrange traces in rows.

    Parameters
    ----------
    traces : sequence of ndarray, shape (n, 2)
        At least one.

    Returns
    -------
    Rows

    Examples
    --------
    >>> flat = lambda x, y: np.array([(x, y), (x + 500, y)], float)
    >>> rows = arrange([flat(520, 410), flat(0, 400), flat(0, 100), flat(500, 90)])
    >>> [[int(trace[0, 0]) for trace in row] for row in rows.traces]
    [[0, 500], [0, 520]]
    """
    begins = np.array([trace[0, 0] for trace in traces])
    level = np.array([_level_of(trace) for trace in traces])
    apart = _SAME_COLUMN * float(np.median([trace[-1, 0] - trace[0, 0] for trace in traces]))
    order = np.argsort(begins, kind="stable")
    columns = np.split(order, np.flatnonzero(np.diff(begins[order]) > apart) + 1)
    # The column that has most traces tells where the rows are; a trace that none of them is near has its own.
    rows = sorted(float(y) for y in level[max(columns, key=len)])
    pitch = float(np.min(np.diff(rows))) if len(rows) > 1 else _USUAL_PITCH
    members: list[list[int]] = [[] for _ in rows]
    for column in columns:
        cost = np.abs(level[column][:, None] - np.array(rows))
        chosen = zip(*optimize.linear_sum_assignment(cost), strict=True)
        left = set(range(len(column)))
        for k, row in chosen:
            if cost[k, row] < max(_OTHER_ROW * pitch, _USUAL_PITCH / 2):
                members[row].append(int(column[k]))
                left.discard(int(k))
        for k in left:
            rows.append(float(level[column[k]]))
            members.append([int(column[k])])
    top = np.argsort(rows)
    return Rows(
        tuple(tuple(traces[k] for k in sorted(members[row], key=lambda k: begins[k])) for row in top),
        np.array([rows[row] for row in top]),
    )


def _level_of(trace: NDArray[np.float64]) -> float:
    """The level that a trace keeps to most of the time (y)."""
    x = np.linspace(trace[0, 0], trace[-1, 0], 500)
    return float(np.nanmedian(np.interp(x, trace[:, 0], trace[:, 1])))


@dataclass(frozen=True, eq=False)
class NamedCells:
    """Names at their traces.

    Attributes
    ----------
    cells : ndarray, shape (rows, columns, leads), float64
        Evidence of every place for every lead of `ALL_NAMES`, NaN where no name stands.
    negated : ndarray, shape (rows, columns), bool
        Where a minus stands before the name.
    boxes : ndarray, shape (n, 4), float64
        Of the names that have a trace.
    astray : tuple of str
        Leads whose names stand near the rows, but at no trace.
    """

    cells: NDArray[np.float64]
    negated: NDArray[np.bool_]
    boxes: NDArray[np.float64]
    astray: tuple[str, ...]


def place_names(rows: Rows, words: Sequence[Text]) -> list[NamedCells]:
    """Find the trace of each name.

    Parameters
    ----------
    rows : Rows
    words : sequence of Text
        In upright pixels.

    Returns
    -------
    list of NamedCells
        The likeliest way first: where names stand half-way between rows, they may belong to either.
    """
    called = [(word, *found) for word in words if (found := lead_called(word.text))]
    boxes = np.array([word.box for word, _, _ in called], float).reshape(-1, 4)
    logs = np.full((len(called), len(ALL_NAMES) + 1), np.log((1 - _SURE) / len(ALL_NAMES)))
    logs[np.arange(len(called)), [ALL_NAMES.index(lead) for _, lead, _ in called]] = np.log(_SURE)
    worth = evidence(logs)
    ways = []
    for standing in rows_of_names(boxes, np.ones(len(called), bool), rows.level):
        near = np.abs(standing.stray) < _FARTHEST
        sides = [_columns(rows, boxes, standing.row, near, before) for before in (False, True)]
        served = [_served(standing.row, side) for side in sides]
        column = sides[int(np.argmax(served))]
        shape = (len(rows.traces), rows.columns)
        cells = np.full((*shape, len(ALL_NAMES)), np.nan)
        negated = np.zeros(shape, bool)
        for k in np.flatnonzero(column >= 0):
            place = standing.row[k], column[k]
            cells[place] = np.fmax(cells[place], worth[k])
            negated[place] |= called[k][2]
        astray = tuple(called[k][1] for k in np.flatnonzero(near & (column < 0)))
        ways.append(NamedCells(cells, negated, boxes[column >= 0], astray))
    return ways


def _columns(
    rows: Rows, boxes: NDArray[np.float64], row: NDArray[np.int64], near: NDArray[np.bool_], before: bool
) -> NDArray[np.int64]:
    """Column of each name, -1 for none: names stand over the beginnings of their traces, or `before` them."""
    column = np.full(len(boxes), -1)
    for number in np.flatnonzero(near):
        traces = rows.traces[row[number]]
        begins = np.array([trace[0, 0] for trace in traces])
        if before:
            away = begins - boxes[number, 2]
            fits = np.flatnonzero((away > -_AT_BEGIN) & (away < _BEFORE))
            column[number] = fits[0] if len(fits) else -1
        else:
            fits = np.flatnonzero(begins < boxes[number, 0] + _AT_BEGIN)
            if len(fits) and boxes[number, 0] < traces[fits[-1]][-1, 0]:
                column[number] = fits[-1]
            # That of a first trace may stand left of its calibration pulse.
            if not len(fits) and begins[0] - boxes[number, 2] < _BEFORE:
                column[number] = 0
    return column


def _served(row: NDArray[np.int64], column: NDArray[np.int64]) -> int:
    """How many traces have a name, less the names that share one."""
    places = list(zip(row[column >= 0].tolist(), column[column >= 0].tolist(), strict=True))
    return 2 * len(set(places)) - len(places)
