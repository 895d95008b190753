"""Wear ink: fading, dead dots of the print head, specks that never took, and the head's dots themselves."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from papertrace.synth.fields import patches, spread
from papertrace.synth.geometry import SHIFT, apply_homography
from papertrace.synth.style import PageStyle

_HEAD_PITCH = 0.125
"""Of a thermal head whose dots do not show."""
_SLOW_MM, _PATCH_MM = 80.0, 22.0
_SPECK_MM = (0.08, 0.35)


def ink_strength(
    size: tuple[float, float],
    style: PageStyle,
    homography: NDArray[np.float64],
    shape: tuple[int, int],
    rng: np.random.Generator,
) -> NDArray[np.uint8] | None:
    """Say how much of the ink is there, all over the sheet.

    Parameters
    ----------
    size : tuple of float
        Width and height of the sheet in mm.
    style : PageStyle
    homography : ndarray, shape (3, 3)
        Paper mm to pixels.
    shape : tuple of int
        Height and width of the picture.
    rng : numpy.random.Generator
        Fading, dead dots and specks have a stream each.

    Returns
    -------
    ndarray, shape (height, width), uint8, or None
        255 where all of it is; None when that is everywhere.

    Examples
    --------
    >>> style = PageStyle(dead_dots=1)
    >>> strength = ink_strength((10.0, 10.0), style, np.diag([8.0, 8.0, 1.0]), (80, 80), np.random.default_rng(0))
    >>> int((strength.min(axis=1) < 255).sum()) in (1, 2, 3)
    True
    """
    fade, dots, specks = rng.spawn(3)
    if style.pen_strength == 1 and not (style.ink_fade or style.dead_dots or style.specks):
        return None
    strength = np.full(shape, round(255 * style.pen_strength), np.uint8)
    if style.ink_fade:
        slow = patches(fade, size[0], 1.0, _SLOW_MM)[:1]
        patchy = patches(fade, *size, _PATCH_MM)
        along = np.linspace(0, slow.shape[1] - 1, patchy.shape[1]).round().astype(int)
        lost = style.ink_fade * (0.4 * slow[:, along] + 0.6 * patchy**2)
        cv2.multiply(strength, spread(1 - lost, shape), strength, 1 / 255)
    if style.dead_dots:
        _kill_dots(strength, size, style, homography, dots)
    if style.specks:
        _drop_specks(strength, size, style, homography, specks)
    return strength


def _kill_dots(
    strength: NDArray[np.uint8],
    size: tuple[float, float],
    style: PageStyle,
    homography: NDArray[np.float64],
    rng: np.random.Generator,
) -> None:
    pitch = style.dot_pitch or _HEAD_PITCH
    across = 1 if style.feed == "along" else 0
    count = int(size[across] / pitch)
    places = (rng.choice(count, min(style.dead_dots, count), replace=False) + 0.5) * pitch
    ends = np.zeros((len(places), 2, 2))
    ends[:, :, across] = places[:, None]
    ends[:, 1, 1 - across] = size[1 - across]
    width = pitch * style.dpi / 25.4
    # OpenCV's thinnest line is a pixel wide: a thinner one takes away less.
    left = 255 - round(255 * min(1.0, width))
    lines = np.full_like(strength, 255)
    paths = np.round(apply_homography(homography, ends) * 2**SHIFT).astype(np.int32)
    cv2.polylines(lines, list(paths), False, left, max(1, round(width)), cv2.LINE_AA, SHIFT)
    np.minimum(strength, lines, out=strength)


def _drop_specks(
    strength: NDArray[np.uint8],
    size: tuple[float, float],
    style: PageStyle,
    homography: NDArray[np.float64],
    rng: np.random.Generator,
) -> None:
    count = int(rng.poisson(style.specks * size[0] * size[1] / 100))
    places = apply_homography(homography, rng.uniform((0.0, 0.0), size, (count, 2)))
    radii = rng.uniform(*_SPECK_MM, count) / 2 * style.dpi / 25.4
    for (x, y), radius in zip(np.round(places * 2**SHIFT).astype(int).tolist(), radii.tolist(), strict=True):
        cv2.circle(strength, (x, y), round(radius * 2**SHIFT), 0, -1, cv2.LINE_AA, SHIFT)


def from_head(
    dots: NDArray[np.uint8], pitch: float, homography: NDArray[np.float64], shape: tuple[int, int]
) -> NDArray[np.uint8]:
    """Put what a print head left, dot by dot, into the picture.

    Parameters
    ----------
    dots : ndarray, shape (rows, columns), uint8
        255 where the head printed; the first dot's center lies half a pitch from the sheet's corner.
    pitch : float
        Distance of the dots in mm.
    homography : ndarray, shape (3, 3)
        Paper mm to pixels, a similarity.
    shape : tuple of int
        Height and width of the picture.

    Returns
    -------
    ndarray, shape (height, width), uint8
        Coverage.

    Examples
    --------
    >>> dots = np.repeat(np.array([[0, 255, 0]], np.uint8), 3, axis=0)
    >>> picture = from_head(dots, 1.0, np.array([[4.0, 0, -0.5], [0, 4.0, -0.5], [0, 0, 1.0]]), (12, 12))
    >>> (picture[6] // 128).tolist()
    [0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0]
    """
    to_paper = np.array([[pitch, 0, pitch / 2], [0, pitch, pitch / 2], [0, 0, 1]])
    matrix = homography @ to_paper
    pixels = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if pixels < 1:
        # Several dots a pixel: what a pixel sees of each.
        dots = np.asarray(cv2.GaussianBlur(dots, (0, 0), 0.4 / pixels), np.uint8)
    soft = np.asarray(cv2.warpAffine(dots, matrix[:2], shape[::-1], flags=cv2.INTER_LINEAR), np.uint8)
    if pixels > 1:
        # Interpolation ramps over a whole dot; the edge of one takes a pixel.
        steep = np.clip((np.arange(256) - 127.5) * pixels + 127.5, 0, 255).round().astype(np.uint8)
        soft = np.asarray(cv2.LUT(soft, steep), np.uint8)
    return soft
