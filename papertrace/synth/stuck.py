"""Draw what is stuck on a sheet and hides it: printed labels and staples."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from papertrace.synth.canvas import RGB
from papertrace.synth.codes import bar_code
from papertrace.synth.text import text_mask

_DARK: RGB = (38, 36, 40)


def label(
    lines: list[str], code: str, size: tuple[float, float], color: RGB, px_per_mm: float
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Print an adhesive label: lines of text over a bar code, on a slip with round corners.

    Parameters
    ----------
    lines : list of str
    code : str
        What the bars say, see `papertrace.synth.codes.bar_code`; empty for none.
    size : tuple of float
        Width and height, mm.
    color : RGB
        Of the slip.
    px_per_mm : float

    Returns
    -------
    picture : ndarray, shape (h, w, 3), uint8
    coverage : ndarray, shape (h, w), uint8
        255 where the label is.

    Examples
    --------
    >>> picture, coverage = label(["DOE, J"], "123", (40.0, 15.0), (255, 255, 255), 8.0)
    >>> picture.shape, int(coverage[60, 160])
    ((120, 320, 3), 255)
    """
    width, height = (round(length * px_per_mm) for length in size)
    coverage = _round_box(width, height, round(1.2 * px_per_mm))
    ink = np.zeros((height, width), np.uint8)
    margin = round(2 * px_per_mm)
    bars = 0
    if code:
        modules = bar_code(code)
        bars = round(0.35 * height)
        row = cv2.resize(modules[None], (width - 2 * margin, bars), interpolation=cv2.INTER_AREA)
        ink[height - margin - bars : height - margin, margin : width - margin] = row
    pitch = (height - bars - 2 * margin) / len(lines)
    for index, line in enumerate(lines):
        mask = text_mask(line, "sans", max(4.0, min(0.55 * pitch, 2.6 * px_per_mm))).coverage
        top = round(margin + (index + 0.5) * pitch - mask.shape[0] / 2)
        window = ink[max(top, 0) : top + mask.shape[0], margin : min(margin + mask.shape[1], width - margin)]
        part = mask[max(-top, 0) :][: window.shape[0], : window.shape[1]]
        np.maximum(window, part, out=window)
    # The slip's edge is a little darker where it is cut and its thickness throws a shadow.
    edge = cv2.subtract(coverage, cv2.erode(coverage, np.ones((3, 3), np.uint8)))
    shade = cv2.subtract(np.full_like(ink, 255), cv2.max(ink, cv2.convertScaleAbs(edge, alpha=0.2)))
    # One table a channel leads from ink to slip.
    levels = np.arange(256, dtype=np.float32)[:, None] / 255
    table = np.rint(np.array(_DARK) + levels * (np.array(color, np.float32) - np.array(_DARK))).astype(np.uint8)
    return np.asarray(cv2.LUT(cv2.merge([shade, shade, shade]), table[None]), np.uint8), coverage


def staple(length: float, angle: float, px_per_mm: float) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Drive a staple through the sheet: a wire with a bright back, darker flanks and a pinch at each end.

    Parameters
    ----------
    length : float
        mm.
    angle : float
        Degrees, positive clockwise as seen.
    px_per_mm : float

    Returns
    -------
    picture : ndarray, shape (n, n, 3), uint8
    coverage : ndarray, shape (n, n), uint8
        255 where the wire is.

    Examples
    --------
    >>> picture, coverage = staple(11.0, 30.0, 8.0)
    >>> bool(abs((coverage / 255).sum() / 64 - 11.0 * 0.55) < 1.0)
    True
    """
    fine = 4
    scale = px_per_mm * fine
    size = int(np.ceil((length + 2) * px_per_mm)) * fine
    way = np.array([np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))]) * length / 2 * scale
    middle = np.array([size / 2, size / 2])
    start, end = (tuple(np.rint(middle + sign * way).astype(int).tolist()) for sign in (-1, 1))
    coverage = np.zeros((size, size), np.uint8)
    shade = np.full((size, size), 105, np.uint8)
    cv2.line(coverage, start, end, 255, round(0.55 * scale))
    cv2.line(shade, start, end, 168, round(0.32 * scale))
    cv2.line(shade, start, end, 225, max(1, round(0.12 * scale)))
    for point in (start, end):
        cv2.circle(shade, point, round(0.4 * scale), 70, -1)
    small = (size // fine, size // fine)
    gray, seen = (cv2.resize(layer, small, interpolation=cv2.INTER_AREA) for layer in (shade, coverage))
    return np.asarray(cv2.merge([gray, gray, gray]), np.uint8), np.asarray(seen, np.uint8)


def turned(
    picture: NDArray[np.uint8], coverage: NDArray[np.uint8], angle: float
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Turn a patch about its middle; it grows to hold itself.

    Parameters
    ----------
    picture : ndarray, shape (h, w, 3), uint8
    coverage : ndarray, shape (h, w), uint8
    angle : float
        Degrees, positive clockwise as seen.

    Returns
    -------
    picture : ndarray, shape (n, m, 3), uint8
    coverage : ndarray, shape (n, m), uint8

    Examples
    --------
    >>> picture, coverage = turned(np.zeros((10, 30, 3), np.uint8), np.full((10, 30), 255, np.uint8), 90.0)
    >>> coverage.shape
    (31, 11)
    """
    height, width = coverage.shape
    cos, sin = float(np.cos(np.deg2rad(angle))), float(np.sin(np.deg2rad(angle)))
    box = (int(abs(cos) * width + abs(sin) * height) + 1, int(abs(sin) * width + abs(cos) * height) + 1)
    x, y = (width - 1) / 2, (height - 1) / 2
    matrix = np.array(
        [[cos, -sin, (box[0] - 1) / 2 - cos * x + sin * y], [sin, cos, (box[1] - 1) / 2 - sin * x - cos * y]]
    )
    # The picture goes on past its edge, or the mixing at the edge would take up black.
    seen = cv2.warpAffine(picture, matrix, box, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(seen, np.uint8), np.asarray(
        cv2.warpAffine(coverage, matrix, box, flags=cv2.INTER_LINEAR), np.uint8
    )


def _round_box(width: int, height: int, radius: int) -> NDArray[np.uint8]:
    fine = 2
    box = np.zeros((height * fine, width * fine), np.uint8)
    reach = radius * fine
    cv2.rectangle(box, (reach, 0), (width * fine - 1 - reach, height * fine - 1), 255, -1)
    cv2.rectangle(box, (0, reach), (width * fine - 1, height * fine - 1 - reach), 255, -1)
    for x in (reach, width * fine - 1 - reach):
        for y in (reach, height * fine - 1 - reach):
            cv2.circle(box, (x, y), reach, 255, -1)
    return np.asarray(cv2.resize(box, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
