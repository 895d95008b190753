"""The raster of a screen, as another raster sees it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_GAP_SHARE = 0.6
_EXPOSURE = 0.75


def show_on_screen(
    image: NDArray[np.uint8], x: NDArray[np.float32], y: NDArray[np.float32], pitch: float, contrast: float
) -> NDArray[np.uint8]:
    """Multiply a picture by the stripes of a screen that shows the page.

    Red, green and blue light up in stripes a third of `pitch` apart, with dark rows between the screen's pixels. A
    camera's sensor measures red and blue at every other pixel only: where the pitch comes near two of its pixels, the
    stripes beat against it in colors.

    Parameters
    ----------
    image : ndarray, shape (H, W, 3), uint8
    x, y : ndarray, shape (H, W), float32
        Each pixel's place on the screen, in mean pixels of the picture.
    pitch : float
        Of the screen, in mean pixels of the picture.
    contrast : float
        0 to 1.

    Returns
    -------
    ndarray, shape (H, W, 3), uint8
    """
    # A sensor's pixel averages the raster over about 0.7 of its own pitch.
    seen = contrast * abs(float(np.sinc(0.7 / pitch)))
    # The exposure makes up for most of the light that the raster takes.
    mean = ((1 - seen / 2) * (1 - seen * _GAP_SHARE / 2)) ** _EXPOSURE
    height, width = image.shape[:2]
    channels = []
    for channel, stripe in zip(cv2.split(image), (0, 1, 2), strict=True):
        every = 1 if stripe == 1 else 2
        measured = np.s_[::every, ::every]
        across = _raster(x[measured] / pitch + np.float32(stripe / 3), seen)
        gain = cv2.multiply(across, _raster(y[measured] / pitch, seen * _GAP_SHARE), scale=1 / 255)
        if every == 2:
            gain = cv2.resize(gain, (gain.shape[1] * 2, gain.shape[0] * 2), interpolation=cv2.INTER_LINEAR)
        channels.append(cv2.multiply(channel, gain[:height, :width], scale=1 / (255 * mean)))
    return np.asarray(cv2.merge(channels), np.uint8)


def _raster(periods: NDArray[np.float32], contrast: float) -> NDArray[np.uint8]:
    """Light between ``1 - contrast`` and 1, 255 where it is full."""
    phase = (periods * np.float32(256)).astype(np.int32).astype(np.uint8)
    wave = 0.5 + 0.5 * np.cos(2 * np.pi * np.arange(256) / 256)
    return np.asarray(cv2.LUT(phase, np.round(255 * (1 - contrast * (1 - wave))).astype(np.uint8)), np.uint8)
