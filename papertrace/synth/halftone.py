"""Print colors as a laser printer does: in dots of toner, whose edges are not sharp."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from papertrace.synth.canvas import RGB

_ANGLES = (15.0, 75.0, 45.0)
"""Of the screens of cyan, magenta and yellow toner, which take red, green and blue light; degrees. Printers turn their
screens against each other, so that they do not beat (R. Ulichney, *Digital Halftoning*, 1987)."""
_GRAINS_PER_MM2 = 1.2
_GRAIN_REACH_MM = 0.35


def screened(
    level: NDArray[np.uint8], color: RGB, homography: NDArray[np.float64], dots_per_mm: float
) -> list[NDArray[np.uint8]]:
    """Break ink up into the dots of a clustered-dot screen, one for each color of light.

    Of the dots' pattern the first harmonics are kept, whose amplitude is that of round dots that cover as much as the
    color needs; a pixel averages them over its own width. Black and white have no dots.

    Parameters
    ----------
    level : ndarray, shape (H, W), uint8
        Coverage by the ink, 255 where it is full.
    color : RGB
        Of the ink.
    homography : ndarray, shape (3, 3)
        Paper mm to pixels, a similarity.
    dots_per_mm : float

    Returns
    -------
    list of three ndarray, shape (H, W), uint8
        Coverage as red, green and blue light see it.

    Examples
    --------
    >>> even = np.full((64, 64), 200, np.uint8)
    >>> red, green, _ = screened(even, (255, 128, 128), np.diag([8.0, 8.0, 1.0]), 4.0)
    >>> int(red.std()), bool(green.std() > 20), abs(int(green.mean()) - 200) < 20
    (0, True, True)
    """
    return [
        _dotted(level, 1 - value / 255, homography, dots_per_mm, angle)
        for value, angle in zip(color, _ANGLES, strict=True)
    ]


def _dotted(
    level: NDArray[np.uint8], share: float, homography: NDArray[np.float64], dots_per_mm: float, angle: float
) -> NDArray[np.uint8]:
    """Modulate coverage by the screen of one toner that covers a share of the paper."""
    if share <= 0.02 or share >= 0.98:
        return level
    depth = float(np.sin(np.pi * share) / np.pi / share)
    turn = np.deg2rad(angle)
    frequency = dots_per_mm * np.array([(np.cos(turn), np.sin(turn)), (-np.sin(turn), np.cos(turn))])
    per_pixel = frequency @ np.linalg.inv(homography[:2, :2])
    gain = np.full(level.shape, 128, np.uint8)
    for x, y in per_pixel:
        # What a pixel's square leaves of a wave.
        height = depth * float(np.sinc(x) * np.sinc(y))
        wave = np.round(128 + 127 * height * np.cos(2 * np.pi * np.arange(256) / 256)).astype(np.uint8)
        shift = np.asarray(cv2.LUT(_phases(x, y, level.shape), wave))
        gain = np.asarray(cv2.addWeighted(gain, 1, shift, 1, -128), np.uint8)
    return np.asarray(cv2.multiply(level, gain, scale=1 / 128), np.uint8)


def _phases(x: float, y: float, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Phase of a plane wave at every pixel, in 256ths of a period; the overflow of bytes is the wrap."""
    across, down = (
        ((rate * np.arange(count)) % 1.0 * 256).astype(np.uint8) for rate, count in ((y, shape[0]), (x, shape[1]))
    )
    return across[:, None] + down[None, :]


def with_ragged_edge(
    layer: NDArray[np.uint8], toner: float, pixels_per_mm: float, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Roughen the edge of ink, and scatter grains of toner beside it.

    Parameters
    ----------
    layer : ndarray, shape (H, W), uint8
        Coverage.
    toner : float
        0 leaves it as it is; 1 is a worn drum.
    pixels_per_mm : float
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (H, W), uint8

    Examples
    --------
    >>> layer = np.zeros((40, 40), np.uint8)
    >>> layer[:, 19], layer[:, 20], layer[:, 21] = 128, 255, 128
    >>> rough = with_ragged_edge(layer, 0.5, 8.0, np.random.default_rng(0))
    >>> bool(rough[:, 19].std() > 5), int(rough[:, 20].min())
    (True, 255)
    """
    if not layer.any():
        return layer
    # Grain of about 0.08 mm: the ragged edge of a line of toner under a glass.
    noise = rng.integers(0, 256, layer.shape, np.uint8)
    sigma = max(0.4, 0.08 * pixels_per_mm)
    soft = np.asarray(cv2.GaussianBlur(noise, (0, 0), sigma), np.float32) - 127.5
    soft *= np.float32(2 * np.sqrt(np.pi) * sigma / 74)
    slope = np.round(4 * np.arange(256) * (255 - np.arange(256)) / 255).clip(0, 255).astype(np.uint8)
    edge = np.asarray(cv2.LUT(layer, slope))
    rough = cv2.add(layer, cv2.multiply(soft, edge, scale=0.35 * toner, dtype=cv2.CV_16S), dtype=cv2.CV_8U)
    near = np.asarray(cv2.dilate(layer, np.ones((2 * max(1, round(_GRAIN_REACH_MM * pixels_per_mm)) + 1,) * 2)))
    share = 255 * toner * _GRAINS_PER_MM2 / pixels_per_mm**2
    grains = np.where((noise < share) & (near > 0), np.uint8(110), np.uint8(0))
    return np.asarray(cv2.max(rough, grains), np.uint8)
