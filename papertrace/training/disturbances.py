"""Disturb windows of pages: geometry, light, paper, device and file, drawn anew every time a window is seen.

A network that meets a window only as the printer left it learns the printer. Each disturbance is one that real pages
show and that the printer, or the exact way in which its pages are laid flat, shows too rarely.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


def bend(image: Image, maps: NDArray[np.uint8], side: int, rng: np.random.Generator) -> tuple[Image, NDArray[np.uint8]]:
    """Cut a smaller window out of a window: turned, scaled, bent, and now and then on its side or head.

    Parameters
    ----------
    image : ndarray, shape (h, h, 3), uint8
    maps : ndarray, shape (h, h, k), uint8
    side : int
        Pixels of the smaller window's side.
    rng : numpy.random.Generator

    Returns
    -------
    image : ndarray, shape (side, side, 3), uint8
    maps : ndarray, shape (side, side, k), uint8
    """
    whole = image.shape[0]
    angle, size = np.deg2rad(rng.normal(0, 1.2)), np.exp(rng.uniform(np.log(0.85), np.log(1.18)))
    linear = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / size
    if rng.random() < 0.2:
        quarter = np.array([[0.0, -1.0], [1.0, 0.0]])
        linear = linear @ np.linalg.matrix_power(quarter, int(rng.choice([1, 2, 2, 3])))
    free = max(0.0, whole - side / size) / 2
    middle = (whole - 1) / 2 + rng.uniform(-free, free, 2)
    at = np.stack(np.meshgrid(*2 * [np.arange(side) - (side - 1) / 2]), axis=-1)
    place = at @ linear.T + middle
    if rng.random() < 0.5:
        waves = rng.normal(0, 1, (2, 4, 4)).astype(np.float32) * rng.uniform(0, 4) / 2
        place += np.stack([cv2.resize(wave, (side, side), interpolation=cv2.INTER_CUBIC) for wave in waves], axis=-1)
    x, y = (np.ascontiguousarray(place[..., axis], np.float32) for axis in (0, 1))
    smooth = cv2.remap(image, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    bent = np.empty((side, side, maps.shape[2]), np.uint8)
    for first in range(0, maps.shape[2], 4):
        part = np.ascontiguousarray(maps[..., first : first + 4])
        moved = cv2.remap(part, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        bent[..., first : first + 4] = moved.reshape(side, side, -1)
    return np.asarray(smooth, np.uint8), bent


def disturb(image: Image, rng: np.random.Generator) -> Image:
    """Change how a window looks, and not what it shows.

    Parameters
    ----------
    image : ndarray, shape (h, w, 3), uint8
        RGB.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (h, w, 3), uint8
    """
    light = _recolored(image.astype(np.float32) / np.float32(255), rng)
    if rng.random() < 0.5:
        light *= _shade(light.shape[:2], rng)[..., None]
    if rng.random() < 0.25:
        light *= _creases(light.shape[:2], rng)[..., None]
    if rng.random() < 0.3:
        light = _resampled(light, rng)
    if rng.random() < 0.4:
        blurred = cv2.GaussianBlur(light, (0, 0), rng.uniform(0.7, 2.5))
        light += rng.uniform(0.2, 1.5) * (light - blurred)
    if rng.random() < 0.6:
        light += _noise(light.shape, rng)
    changed = np.asarray((np.clip(light, 0, 1) * 255).round(), np.uint8)
    if rng.random() < 0.08:
        changed = _binarized(changed, rng)
    if rng.random() < 0.6:
        quality = int(rng.integers(25, 93))
        changed = np.asarray(
            cv2.imdecode(cv2.imencode(".jpg", changed, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR),
            np.uint8,
        )
    return changed


def _recolored(light: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Gray pictures, swapped channels, other gains, another gamma."""
    draw = rng.random()
    if draw < 0.2:
        light = np.repeat(cv2.cvtColor(light, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    elif draw < 0.35:
        light = light[..., rng.permutation(3)]
    if rng.random() < 0.5:
        light = np.clip(light, 0, 1) ** np.float32(np.exp(rng.normal(0, 0.3)))
    gains = np.exp(rng.normal(0, 0.12) + rng.normal(0, 0.05, 3))
    return np.asarray(light * np.minimum(gains, 1.3), np.float32)


def _shade(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    """Light that falls off over the window, or the edge of a shadow, hard or soft."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    along = np.cos(angle) * (x - rng.uniform(0, shape[1])) + np.sin(angle) * (y - rng.uniform(0, shape[0]))
    if rng.random() < 0.4:
        along += rng.uniform(2, 20) * np.sin((np.cos(angle) * y - np.sin(angle) * x) / rng.uniform(15, 60))
    width = np.exp(rng.uniform(np.log(0.7), np.log(40)))
    dark = rng.uniform(0.05, 0.55)
    return np.asarray(1 - dark / (1 + np.exp(np.clip(-along / width, -30, 30))), np.float32)


def _creases(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    """Thin lines, dark on one side and bright on the other."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    field = np.ones(shape, np.float32)
    for _ in range(int(rng.integers(1, 4))):
        # Folds often run along the sheet's sides, as the grid does.
        angle = rng.choice([0.0, np.pi / 2]) + rng.normal(0, 0.05) if rng.random() < 0.5 else rng.uniform(0, np.pi)
        off = np.cos(angle) * (x - rng.uniform(0, shape[1])) + np.sin(angle) * (y - rng.uniform(0, shape[0]))
        width, depth = np.exp(rng.uniform(np.log(0.7), np.log(6))), rng.uniform(0.05, 0.4)
        ridge = np.exp(-((off / width) ** 2) / 2)
        field *= 1 - depth * ridge * (1 if rng.random() < 0.5 else np.tanh(off / width))
    return field


def _resampled(light: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """As a device of fewer pixels sees it."""
    share = rng.uniform(0.35, 0.9)
    height, width = light.shape[:2]
    size = (max(8, round(width * share)), max(8, round(height * share)))
    small = cv2.resize(light, size, interpolation=cv2.INTER_AREA)
    back = (cv2.INTER_LINEAR, cv2.INTER_CUBIC)[int(rng.integers(2))]
    return np.asarray(cv2.resize(small, (width, height), interpolation=back), np.float32)


def _noise(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    """A sensor's grain, colored or gray, of one pixel or of several."""
    channels = 3 if rng.random() < 0.5 else 1
    noise = rng.standard_normal((*shape[:2], channels), np.float32)
    if rng.random() < 0.5:
        sigma = rng.uniform(0.5, 1.5)
        noise = cv2.GaussianBlur(noise, (0, 0), sigma).reshape(*shape[:2], channels) * np.float32(2 * sigma)
    return np.asarray(np.float32(np.exp(rng.uniform(np.log(0.004), np.log(0.06)))) * noise, np.float32)


def _binarized(image: Image, rng: np.random.Generator) -> Image:
    """Black or white, by the brightness around: lines break into dots and strokes get holes."""
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    block = int(rng.integers(7, 40)) * 2 + 1
    black = cv2.adaptiveThreshold(
        gray, 255, cv2.ADAPTIVE_THRESH_GAUSSIAN_C, cv2.THRESH_BINARY, block, rng.uniform(3, 25)
    )
    if rng.random() < 0.5:
        black = cv2.GaussianBlur(black, (0, 0), rng.uniform(0.4, 0.9))
    return np.repeat(np.asarray(black, np.uint8)[..., None], 3, axis=2)
