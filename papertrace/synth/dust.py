"""Dust, hairs and scratches on a sheet or on the glass of a scanner."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from papertrace.synth.brush import smooth

_SHIFT = 4


def dust(
    shape: tuple[int, int], px_per_mm: float, strength: float, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Scatter dust.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns.
    px_per_mm : float
    strength : float
        0 to 1; at 1 a dirty glass.
    rng : numpy.random.Generator

    Returns
    -------
    dark, light : ndarray, shape `shape`, uint8
        What specks and hairs take from the picture's levels, and what fluff and scratches add.

    Examples
    --------
    >>> dark, light = dust((400, 600), 2.0, 1.0, np.random.default_rng(0))
    >>> 0 < float((dark > 0).mean()) < 0.05, 0 < float((light > 0).mean()) < 0.05
    (True, True)
    """
    area = shape[0] * shape[1] / px_per_mm**2 / 62_000
    layers = []
    for specks, lines in ((350, 14), (160, 10)):
        layer = np.zeros(shape, np.uint8)
        count = int(rng.poisson(specks * strength * area))
        places = np.rint(rng.uniform((0, 0), (shape[1], shape[0]), (count, 2)) * (1 << _SHIFT)).astype(int).tolist()
        radii = np.minimum(0.05 + rng.exponential(0.06, count), 0.5) * px_per_mm * (1 << _SHIFT)
        levels = rng.uniform(25, 150, count)
        for (x, y), radius, level in zip(places, radii.astype(int).tolist(), levels.tolist(), strict=True):
            cv2.circle(layer, (x, y), radius, level, -1, cv2.LINE_AA, _SHIFT)
        for _ in range(int(rng.poisson(lines * strength * area))):
            # A hair curls, a scratch is nearly straight.
            steps = np.cumsum(rng.normal(0, 1, (5, 2)) + rng.normal(0, 1.5, 2), axis=0) * rng.uniform(0.6, 4)
            path = smooth(steps + rng.uniform((0, 0), (shape[1], shape[0])) / px_per_mm, 8)
            fixed = np.rint(path * px_per_mm * (1 << _SHIFT)).astype(np.int32)
            thick = max(1, round(0.08 * px_per_mm))
            cv2.polylines(layer, [fixed], False, rng.uniform(30, 90), thick, cv2.LINE_AA, _SHIFT)
        layers.append(layer)
    return layers[0], layers[1]
