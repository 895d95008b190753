from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

from digitize.leads import Leads
from digitize.records.results import Calibration, Geometry, Quality, Strip

FS = 500
Way = Callable[[NDArray[np.float64]], NDArray[np.float64]]
_DESK = (90, 70, 50)
_CELL = 8
BEATS = (0.42, 1.23, 1.97, 2.86, 3.55, 4.47, 5.21, 6.13, 6.84, 7.71, 8.62, 9.33)
"""Seconds of the R peaks: no two intervals alike, so that a wrong second is seen."""

# Waves of a beat: seconds from the R peak, width (s), millivolts.
WAVES = {
    "I": ((-0.17, 0.028, 0.09), (-0.030, 0.011, -0.14), (0.0, 0.014, 1.00), (0.27, 0.05, 0.22)),
    "II": ((-0.17, 0.022, 0.17), (0.0, 0.015, 0.80), (0.038, 0.014, -0.50), (0.25, 0.045, 0.34)),
    "V1": ((-0.16, 0.018, 0.08), (-0.014, 0.012, 0.28), (0.026, 0.016, -0.82), (0.30, 0.04, -0.18)),
    "V2": ((-0.010, 0.013, 0.40), (0.032, 0.020, -1.35), (0.24, 0.060, 0.55)),
    "V3": ((-0.17, 0.02, 0.06), (-0.006, 0.016, 0.85), (0.048, 0.014, -0.95), (0.28, 0.035, 0.70)),
    "V4": ((-0.17, 0.03, 0.05), (0.004, 0.018, 1.50), (0.054, 0.013, -0.40), (0.23, 0.030, 0.35)),
    "V5": ((-0.15, 0.02, 0.12), (-0.034, 0.011, -0.20), (0.0, 0.014, 1.20), (0.20, 0.025, 0.24)),
    "V6": ((-0.18, 0.02, 0.10), (-0.044, 0.012, -0.16), (0.008, 0.022, 0.75), (0.32, 0.055, 0.12)),
}


def _lead(name: str, time: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    waves = sum(
        height * np.exp(-0.5 * ((time - beat - after) / width) ** 2)
        for beat in BEATS
        for after, width, height in WAVES[name]
    )
    wander = rng.uniform(0.03, 0.06) * np.sin(2 * np.pi * rng.uniform(0.15, 0.35) * time + rng.uniform(0.3, 6.0))
    return waves + wander + rng.normal(0, 0.004, len(time))


@pytest.fixture(scope="session")
def recording() -> NDArray[np.float32]:
    """Ten seconds of twelve leads, 500 Hz: every lead of its own shape, the limb leads as Einthoven has them."""
    rng = np.random.default_rng(1)
    time = np.arange(10 * FS) / FS
    one, two = _lead("I", time, rng), _lead("II", time, rng)
    limb = [one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2]
    return np.stack([*limb, *(_lead(f"V{n}", time, rng) for n in range(1, 7))]).astype(np.float32)


@pytest.fixture(scope="session")
def draw() -> Callable[..., NDArray[np.float32]]:
    """Draw with a round pen: the share of each pixel that a line through points ``(x, y)``, x rising, covers."""

    def cover(shape: tuple[int, int], points: ArrayLike, radius: float = 1.5) -> NDArray[np.float32]:
        fine = 20
        # Middles of the twentieths of pixel columns, and the edges of the ink there.
        x = (np.arange(shape[1] * fine) + 0.5) / fine - 0.5
        at, height = np.asarray(points, np.float64).T
        line = np.interp(x, at, height)
        drawn = (x >= at[0]) & (x <= at[-1])
        top, bottom = np.full(len(x), np.inf), np.full(len(x), -np.inf)
        for step in range(-int(radius * fine), int(radius * fine) + 1):
            reach = np.sqrt(radius**2 - (step / fine) ** 2)
            near, there = np.roll(line, step), np.roll(drawn, step)
            np.minimum(top, near - reach, out=top, where=there)
            np.maximum(bottom, near + reach, out=bottom, where=there)
        page = np.zeros(shape, np.float32)
        rows = np.arange(shape[0])[:, None]
        for part in range(0, fine, 2):
            a, b = np.maximum(top[part::fine], rows - 0.5), np.minimum(bottom[part::fine], rows + 0.5)
            page += np.clip(b - a, 0, 1) * 2 / fine
        return page

    return cover


@pytest.fixture(scope="session")
def camera() -> Callable[..., tuple[NDArray[np.uint8], Way]]:
    """Take a picture of a flat page as `_way_to_picture` bends it: the picture, and from the page's pixels to its."""

    def take(page: NDArray[np.uint8], **bends: float) -> tuple[NDArray[np.uint8], Way]:
        way, shape = _way_to_picture(page.shape, **bends)
        return _photograph(page, way, shape), way

    return take


def _way_to_picture(
    shape: tuple[int, ...],
    *,
    tilt: float = 0.0,
    axis: float = 0.0,
    roll: float = 0.0,
    curve: float = 0.0,
    fold: float = 0.0,
    lens: float = 0.0,
) -> tuple[Way, tuple[int, int]]:
    """From pixels (n, 2) of a flat page to those of its picture, and the picture's height and width.

    The sheet is tilted by degrees about an axis in its plane, rolled by degrees, bent to an arc of so many radians,
    folded along its middle by so many radians, and seen from twice its length away through a lens that barrels.
    """
    height, width = shape[:2]
    length = max(height, width)
    direction = np.radians(axis)
    tilted = cv2.Rodrigues(np.radians(tilt) * np.array([np.cos(direction), np.sin(direction), 0.0]))[0]
    turn = tilted @ cv2.Rodrigues(np.array([0.0, 0.0, np.radians(roll)]))[0]

    def project(points: NDArray[np.float64]) -> NDArray[np.float64]:
        x, y = ((points + 0.5 - np.array([width, height]) / 2) / length).T
        z = fold * np.abs(x)
        if curve:
            x, z = np.sin(curve * x) / curve, z + (1 - np.cos(curve * x)) / curve
        place = np.stack([x, y, z], axis=1) @ turn.T
        seen = place[:, :2] * 2.0 / (2.0 + place[:, 2:])
        return np.asarray(length * seen * (1 + lens * (seen**2).sum(axis=1, keepdims=True)))

    edge = np.stack(np.meshgrid(np.linspace(0, width, 30), np.linspace(0, height, 30)), axis=2).reshape(-1, 2)
    low, high = project(edge).min(axis=0) - 30, project(edge).max(axis=0) + 30
    columns, rows = np.ceil(high - low).astype(int)
    return (lambda points: project(points) - low), (int(rows), int(columns))


def _photograph(page: NDArray[np.uint8], way: Way, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Picture, (height, width), of a page on a brown desk."""
    y, x = (np.arange(-1, side // _CELL + 3) * _CELL + (_CELL - 1) / 2 for side in shape)
    nodes = np.stack(np.meshgrid(x, y), axis=2)
    sought = nodes.reshape(-1, 2)
    found = np.full_like(sought, 0.5) * page.shape[1::-1]
    for _ in range(25):
        here = way(found)
        (a, c), (b, d) = ((way(found + step) - here).T for step in np.eye(2))
        off_x, off_y = (sought - here).T
        step = np.stack([d * off_x - b * off_y, a * off_y - c * off_x], axis=1) / (a * d - b * c)[:, None]
        found += np.clip(step, -200, 200)
    dense = cv2.resize(found.reshape(nodes.shape).astype(np.float32), None, fx=_CELL, fy=_CELL)
    at_x, at_y = np.moveaxis(dense[_CELL : _CELL + shape[0], _CELL : _CELL + shape[1]], 2, 0)
    return np.asarray(
        cv2.remap(page, at_x, at_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT, borderValue=_DESK), np.uint8
    )


@pytest.fixture(scope="session")
def leads_of() -> Callable[..., Leads]:
    """Make leads of any signal, (12, n) in mV: where it is finite, the confidence is 0.9."""

    def make(signal: NDArray[np.float32], fs: int = FS, strips: tuple[Strip, ...] = ()) -> Leads:
        return Leads(
            signal=signal.astype(np.float32),
            confidence=np.where(np.isfinite(signal), 0.9, 0).astype(np.float32),
            fs=fs,
            strips=strips,
            layout="12x1",
            calibration=Calibration(25.0, 10.0, "read", "assumed", 8.0, "grid"),
            geometry=Geometry((1100, 600), 0.5, 0.9),
            quality=Quality("usable", ("the gain is assumed",), 0.94, 0.2),
            warnings=("gain not found on the page: 10 mm/mV assumed",),
        )

    return make


@pytest.fixture(scope="session")
def back_strip() -> Callable[[str, int, int], Strip]:
    """Make a strip of a lead, a rising line, from its first sample and its length."""

    def make(lead: str, first: int, n: int) -> Strip:
        signal = np.linspace(-1, 1, n, dtype=np.float32)
        return Strip(lead, 0, 0, first / FS, signal, np.full(n, 0.8, np.float32), np.zeros((n, 2), np.float32), "read")

    return make
