"""Optics and sensor: blur, smear, noise, sharpening and a scanner's streaks."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

Image = NDArray[np.uint8]

_SUBPIXELS = 8
_READ_SHARE = 0.3
_UNIT = 32.0
# One byte of the generator is one normal deviate, in 1/32 of a standard deviation.
_NORMAL = np.round(_UNIT * norm.ppf((np.arange(256) + 0.5) / 256)).astype(np.int8)


def blur(image: Image, defocus: float, motion: float, motion_direction: float) -> Image:
    """Defocus and smear, both symmetric, so that nothing moves.

    Parameters
    ----------
    image : ndarray, shape (H, W, 3), uint8
    defocus : float
        Standard deviation in pixels.
    motion : float
        Length of the smear in pixels.
    motion_direction : float
        Degrees.

    Returns
    -------
    ndarray, shape (H, W, 3), uint8
    """
    if defocus:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), defocus), np.uint8)
    if motion:
        half = int(np.ceil(motion / 2)) + 1
        angle = np.deg2rad(motion_direction)
        way = np.array([np.cos(angle), np.sin(angle)]) * motion / 2
        size = (2 * half + 1) * _SUBPIXELS
        kernel = np.zeros((size, size), np.float32)
        middle = np.array([(size - 1) / 2] * 2)
        ends = [np.round((middle + sign * way * _SUBPIXELS) * 256).astype(int) for sign in (-1, 1)]
        cv2.line(kernel, tuple(map(int, ends[0])), tuple(map(int, ends[1])), 1.0, _SUBPIXELS, cv2.LINE_8, 8)
        kernel = kernel + kernel[::-1, ::-1]
        small = cv2.resize(kernel, (2 * half + 1, 2 * half + 1), interpolation=cv2.INTER_AREA)
        small = small / small.sum()
        image = np.asarray(cv2.filter2D(image, -1, small, borderType=cv2.BORDER_REPLICATE), np.uint8)
    return image


def add_noise(image: Image, level: float, rng: np.random.Generator) -> Image:
    """Noise of a color sensor: of single pixels in the brightness, of wider grain in the colors.

    Its variance grows with the light (shot noise) from a floor (read-out).

    Parameters
    ----------
    image : ndarray, shape (H, W, 3), uint8
    level : float
        Standard deviation on white, in gray levels.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (H, W, 3), uint8
    """
    height, width = image.shape[:2]
    sharp = _normal((height, width), rng)
    # Red and blue stand at every other pixel of the sensor; what lies between is interpolated.
    small = ((height + 1) // 2, (width + 1) // 2)
    tones = [cv2.resize(_normal(small, rng), (width, height), interpolation=cv2.INTER_LINEAR) for _ in range(2)]
    red, blue = (cv2.addWeighted(sharp, 0.5, tone, 0.9, 0) for tone in tones)
    spread = level * np.sqrt(_READ_SHARE**2 + (1 - _READ_SHARE**2) * np.arange(256) / 255) / _UNIT
    light = cv2.LUT(image[..., 1], spread.astype(np.float32))
    shaken = cv2.merge([cv2.multiply(noise, light, dtype=cv2.CV_16S) for noise in (red, sharp, blue)])
    return np.asarray(cv2.add(image, shaken, dtype=cv2.CV_8U), np.uint8)


def smooth(image: Image, strength: float, noise: float) -> Image:
    """Reduce noise as a phone does: colors are blurred, the brightness is averaged over its like.

    A bilateral filter (C. Tomasi, R. Manduchi, *Bilateral filtering for gray and color images*, 1998) leaves edges
    and what rises above twice the noise.

    Parameters
    ----------
    image : ndarray, shape (H, W, 3), uint8
    strength : float
        0 to 1.
    noise : float
        Standard deviation of the sensor's noise, gray levels.

    Returns
    -------
    ndarray, shape (H, W, 3), uint8
    """
    light, *tones = cv2.split(cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb))
    smoothed = cv2.bilateralFilter(light, 5, 2 * noise + 2, 1.5)
    light = cv2.addWeighted(light, 1 - strength, smoothed, strength, 0)
    tones = [cv2.GaussianBlur(tone, (0, 0), 0.5 + 2 * strength) for tone in tones]
    return np.asarray(cv2.cvtColor(cv2.merge([light, *tones]), cv2.COLOR_YCrCb2RGB), np.uint8)


def sharpen(image: Image, amount: float) -> Image:
    """Unsharp masking, as phones and scanners do it: the halo belongs to their pictures.

    Parameters
    ----------
    image : ndarray, shape (H, W, 3), uint8
    amount : float

    Returns
    -------
    ndarray, shape (H, W, 3), uint8
    """
    soft = cv2.GaussianBlur(image, (0, 0), 1.2)
    return np.asarray(cv2.addWeighted(image, 1 + amount, soft, -amount, 0), np.uint8)


def band(image: Image, strength: float, rng: np.random.Generator) -> Image:
    """Streaks of a scanner: lines of uneven lamp and carriage, columns of uneven or dusty sensor cells.

    Parameters
    ----------
    image : ndarray, shape (H, W, 3), uint8
    strength : float
        0 to 1.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (H, W, 3), uint8
    """
    height, width = image.shape[:2]
    lines = cv2.GaussianBlur(rng.standard_normal((height, 1)), (1, 0), 0.1, sigmaY=max(height / 300, 0.8))
    lines = 0.03 * strength * lines / lines.std() + 0.006 * strength * rng.standard_normal((height, 1))
    cells = 0.006 * strength * rng.standard_normal((1, width))
    for _ in range(int(rng.integers(0, 5))):
        column = int(rng.integers(width))
        cells[0, column : column + int(rng.integers(1, 3))] += strength * rng.uniform(-0.35, 0.1)
    gain = (1 + lines + cells).astype(np.float32)
    return np.asarray(cv2.multiply(image, cv2.merge([gain] * 3), dtype=cv2.CV_8U), np.uint8)


def _normal(shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.int16]:
    """Normal deviates in units of 1/32 from one random byte each."""
    normal: NDArray[np.int16] = _NORMAL[rng.integers(0, 256, shape, np.uint8)].astype(np.int16)
    return normal
