"""Rubber stamps: round and rectangular, unevenly inked, printed with unequal pressure."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from papertrace.synth.noise import smooth_noise
from papertrace.synth.text import text_mask

_PX = 16.0
"""Pixels per mm that stamps are cut at, before they are turned and scaled."""


def round_stamp(ring: str, middle: str, diameter: float) -> NDArray[np.uint8]:
    """Cut a round stamp: two rings, text that runs around between them, and a line across.

    Parameters
    ----------
    ring, middle : str
    diameter : float
        mm.

    Returns
    -------
    ndarray, shape (n, n), uint8
        255 where the rubber takes ink, at 16 pixels a mm.

    Examples
    --------
    >>> stamp = round_stamp("COUNTY HOSPITAL", "12 MAR 1987", 30.0)
    >>> stamp.shape, bool(stamp[240, 2] > 0)
    ((480, 480), True)
    """
    size = round(diameter * _PX)
    radius = size / 2
    cap = 0.085 * size
    inner = radius - 2.1 * cap
    stamp = np.zeros((size, size), np.uint8)
    line = max(2, round(0.35 * _PX))
    center = (size // 2, size // 2)
    cv2.circle(stamp, center, int(radius - line), 255, line, cv2.LINE_AA)
    cv2.circle(stamp, center, int(inner), 255, max(1, line // 2), cv2.LINE_AA)
    # The text is set straight and bent: a polar map takes angle to x and radius to y.
    mask = text_mask(ring, "sans-bold", cap)
    y, x = np.mgrid[:size, :size].astype(np.float32) - np.float32(radius - 0.5)
    middle_radius = (radius - line + inner) / 2
    along = np.arctan2(x, -y) * np.float32(middle_radius) + np.float32(mask.coverage.shape[1] / 2)
    across = np.float32(mask.baseline - cap / 2 + middle_radius) - np.hypot(x, y)
    bent = np.asarray(cv2.remap(mask.coverage, along, across, cv2.INTER_LINEAR), np.uint8)
    stamp = np.maximum(stamp, bent)
    return _lines_across(stamp, [middle], 0.95 * inner * 2, 0.8 * cap)


def box_stamp(lines: list[str], width: float) -> NDArray[np.uint8]:
    """Cut a rectangular stamp: a frame and lines of capitals.

    Parameters
    ----------
    lines : list of str
    width : float
        mm.

    Returns
    -------
    ndarray, shape (h, w), uint8
        255 where the rubber takes ink, at 16 pixels a mm.

    Examples
    --------
    >>> box_stamp(["CARDIOLOGY", "REVIEWED"], 40.0).shape
    (242, 640)
    """
    cap = width * _PX / 14
    size = (round(cap * (0.9 + 2.2 * len(lines))) // 2 * 2, round(width * _PX))
    stamp = np.zeros(size, np.uint8)
    line = max(2, round(0.5 * _PX))
    cv2.rectangle(stamp, (line, line), (size[1] - 1 - line, size[0] - 1 - line), 255, line)
    return _lines_across(stamp, lines, 0.88 * size[1], cap)


def stamped(
    stamp: NDArray[np.uint8], px_per_mm: float, angle: float, wear: float, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Press a stamp on paper.

    Parameters
    ----------
    stamp : ndarray, shape (h, w), uint8
        As cut, at 16 pixels a mm.
    px_per_mm : float
        Of the page.
    angle : float
        Degrees, positive clockwise as seen.
    wear : float
        How uneven ink and pressure are, 0 to 1.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (n, m), uint8
        The print's coverage.

    Examples
    --------
    >>> stamp = box_stamp(["CARDIOLOGY"], 40.0)
    >>> printed = stamped(stamp, 8.0, 30.0, 0.5, np.random.default_rng(0))
    >>> bool(0.1 < printed.sum() / (stamp.sum() / 4) < 0.9)
    True
    """
    # Anti-aliased for the page's pixels before it is turned.
    scale = px_per_mm / _PX
    small = cv2.resize(stamp, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    height, width = small.shape
    turn = np.deg2rad(angle)
    cos, sin = float(np.cos(turn)), float(np.sin(turn))
    box = (int(abs(cos) * width + abs(sin) * height) + 3, int(abs(sin) * width + abs(cos) * height) + 3)
    x, y = (width - 1) / 2, (height - 1) / 2
    matrix = np.array(
        [[cos, -sin, (box[0] - 1) / 2 - cos * x + sin * y], [sin, cos, (box[1] - 1) / 2 - sin * x - cos * y]]
    )
    turned = np.asarray(cv2.warpAffine(small, matrix, box, flags=cv2.INTER_LINEAR), np.float32)
    shape = (box[1], box[0])
    # Pressure differs across the stamp, ink on the rubber by millimeters, the paper takes it by tenths of one.
    pressure = smooth_noise(shape, 12 * px_per_mm, rng)
    pad = smooth_noise(shape, 1.5 * px_per_mm, rng, octaves=2)
    grain = smooth_noise(shape, max(1.0, 0.2 * px_per_mm), rng)
    ink = np.float32(0.9 - 0.15 * wear) + np.float32(wear) * (0.45 * pressure + 0.35 * pad + 0.5 * grain)
    return np.asarray(np.rint(turned * np.clip(ink, 0, 1)), np.uint8)


def _lines_across(stamp: NDArray[np.uint8], lines: list[str], width: float, cap: float) -> NDArray[np.uint8]:
    """Set lines of text in the middle of a stamp, smaller where they are too long."""
    stamp = stamp.copy()
    for index, line in enumerate(lines):
        mask = text_mask(line, "sans-bold", cap)
        if mask.coverage.shape[1] > width:
            mask = text_mask(line, "sans-bold", cap * width / mask.coverage.shape[1])
        height, length = mask.coverage.shape
        center = stamp.shape[0] / 2 + (index - (len(lines) - 1) / 2) * 2.2 * cap
        top, left = round(center - height / 2), round(stamp.shape[1] / 2 - length / 2)
        window = stamp[top : top + height, left : left + length]
        np.maximum(window, mask.coverage[: window.shape[0], : window.shape[1]], out=window)
    return stamp
