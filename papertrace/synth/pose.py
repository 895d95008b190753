"""Bent sheet and pinhole camera: where a point of the sheet stands in space, and where in the picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from papertrace.synth.capture import Capture

Points = NDArray[np.float64]

_PROFILE_KNOTS = 2049
_LIFT_SHARE = 0.3
_DENSE = 9
# Degrees; the radius of the arc must stay finite.
_LEAST_LIFT = 1e-3


@dataclass(frozen=True)
class Pose:
    """A projection and the picture that it fills.

    Attributes
    ----------
    forward : callable
        Points of the sheet, shape (n, 2) mm, to pixels ``(x, y)``, quarter turns included.
    shape : tuple of int
        Height and width of the picture.
    """

    forward: Callable[[Points], Points]
    shape: tuple[int, int]


def pose(sheet: tuple[float, float], capture: Capture, rotation: float, pixels_per_mm: float) -> Pose:
    """Place sheet and camera so that the picture shows the sheet at a mean scale.

    Parameters
    ----------
    sheet : tuple of float
        Width and height in mm.
    capture : Capture
    rotation : float
        Of the sheet on its bed, in degrees, positive clockwise.
    pixels_per_mm : float
        Geometric mean of the scale over the sheet.

    Returns
    -------
    Pose
        The picture holds the whole sheet, more or less by `Capture.framing`.

    Examples
    --------
    >>> placed = pose((100.0, 50.0), Capture(), 0.0, 4.0)
    >>> placed.shape, placed.forward(np.array([[100.0, 50.0]])).round(6).tolist()
    ((200, 400), [[399.5, 199.5]])
    """
    project = _projection(sheet, capture, rotation)
    scale = pixels_per_mm / _mean_scale(project, sheet)
    border = project(_border(sheet)) * scale
    low, high = border.min(axis=0), border.max(axis=0)
    left, top, right, bottom = capture.framing
    size = high - low
    low, high = low - size * (left, top), high + size * (right, bottom)
    width, height = (int(extent) for extent in np.maximum(np.ceil(high - low - 1e-6), 8))

    def forward(points: Points) -> Points:
        x, y = (project(points) * scale - low - 0.5).T
        return np.stack(
            [(x, y), (height - 1 - y, x), (width - 1 - x, height - 1 - y), (y, width - 1 - x)][capture.quarter_turns],
            axis=-1,
        )

    return Pose(forward, (width, height) if capture.quarter_turns % 2 else (height, width))


def bend(points: Points, sheet: tuple[float, float], capture: Capture) -> Points:
    """Where points of the sheet stand in space.

    A lifted corner is an arc of a cylinder across the diagonal; a curl is a cylinder whose slope follows a cosine of
    the way along the paper. Each keeps lengths on the paper.

    Parameters
    ----------
    points : ndarray, shape (n, 2)
        mm.
    sheet : tuple of float
        Width and height in mm.
    capture : Capture

    Returns
    -------
    ndarray, shape (n, 3)
        mm from the sheet's middle, right, down and up from the bed.

    Examples
    --------
    >>> bend(np.array([[10.0, 10.0]]), (20.0, 20.0), Capture()).tolist()
    [[0.0, 0.0, 0.0]]
    """
    flat = points - np.array(sheet) / 2
    height = np.zeros(len(points))
    if capture.lift > _LEAST_LIFT:
        corner = np.array(sheet) / 2 * [(-1, -1), (1, -1), (1, 1), (-1, 1)][capture.lift_corner]
        reach = float(np.hypot(*corner))
        way = corner / reach
        length = _LIFT_SHARE * 2 * reach
        beyond = np.maximum(flat @ way - (reach - length), 0.0)
        # Past the corner nothing is on paper; going straight on there keeps the projection one to one.
        arc, rest = np.minimum(beyond, length), np.maximum(beyond - length, 0.0)
        steepest = np.deg2rad(capture.lift)
        radius = length / steepest
        height = radius * (1 - np.cos(arc / radius)) + np.sin(steepest) * rest
        flat = flat + (radius * np.sin(arc / radius) + np.cos(steepest) * rest - beyond)[:, None] * way
    if capture.curl:
        angle = np.deg2rad(capture.curl_direction)
        way = np.array([np.cos(angle), np.sin(angle)])
        half = float(np.abs(way) @ sheet) / 2
        along = np.linspace(-half, half, _PROFILE_KNOTS)
        phase = np.pi * capture.curl_waves * along / (2 * half) + np.deg2rad(capture.curl_phase)
        slope = np.deg2rad(capture.curl) * np.cos(phase)
        place = flat @ way
        flat = flat + (_integral(np.cos(slope), along, place) - place)[:, None] * way
        height = height + _integral(np.sin(slope), along, place)
    return np.column_stack((flat, height))


def _integral(values: Points, along: Points, place: Points) -> Points:
    """Integral of `values` from the middle of `along` to each `place`; beyond the ends they stay as they are."""
    spacing = along[1] - along[0]
    total = np.concatenate(([0.0], np.cumsum((values[1:] + values[:-1]) / 2 * spacing)))
    total -= total[len(total) // 2]
    before, after = np.minimum(place - along[0], 0.0), np.maximum(place - along[-1], 0.0)
    integral: Points = np.interp(place, along, total) + before * values[0] + after * values[-1]
    return integral


def _projection(sheet: tuple[float, float], capture: Capture, rotation: float) -> Callable[[Points], Points]:
    """Sheet mm to the image plane, in mm at the distance of the point that the camera aims at."""
    turn, tilt, side = np.deg2rad([rotation, capture.tilt, capture.tilt_direction])
    rotate = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    diagonal = float(np.hypot(*sheet))
    # Right, down, into the bed: a right-handed frame.
    backwards = np.array([np.sin(tilt) * np.cos(side), np.sin(tilt) * np.sin(side), -np.cos(tilt)])
    view = -backwards
    right = np.array([1.0, 0.0, 0.0]) - view[0] * view
    right /= np.linalg.norm(right)
    down = np.cross(view, right)
    aim = (np.array(capture.aim) - 0.5) * sheet @ rotate
    k1, k2 = capture.lens

    def project(points: Points) -> Points:
        x, y, up = bend(points, sheet, capture).T
        placed = np.column_stack((np.column_stack((x, y)) @ rotate - aim, -up))
        seen = np.column_stack((placed @ right, placed @ down))
        if capture.distance is not None:
            away = capture.distance * diagonal
            seen *= away / np.maximum(placed @ view + away, 0.05 * away)[:, None]
        if any(capture.lens):
            square = (seen**2).sum(axis=1, keepdims=True) / (diagonal / 2) ** 2
            # Far beside the sheet the polynomial would turn back.
            square = np.minimum(square, 1.5)
            seen = seen * (1 + k1 * square + k2 * square**2)
        return seen

    return project


def _mean_scale(project: Callable[[Points], Points], sheet: tuple[float, float]) -> float:
    points = np.stack(np.meshgrid(*(np.linspace(0.05, 0.95, 7) * extent for extent in sheet)), axis=-1).reshape(-1, 2)
    here = project(points)
    (a, b), (c, d) = ((project(points + nudge) - here).T / 0.01 for nudge in 0.01 * np.eye(2))
    return float(np.exp(np.log(np.abs(a * d - b * c)).mean() / 2))


def _border(sheet: tuple[float, float]) -> Points:
    share = np.linspace(0, 1, _DENSE)
    zero, one = np.zeros(_DENSE), np.ones(_DENSE)
    sides = [(share, zero), (share, one), (zero, share), (one, share)]
    return np.concatenate([np.column_stack(side) for side in sides]) * sheet
