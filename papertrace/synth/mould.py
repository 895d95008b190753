"""Mould: colonies of round specks that crowd in damp corners, dense ones so dark that nothing shows through."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from papertrace.synth.noise import smooth_noise


def colonies(shape: tuple[int, int], px_per_mm: float, strength: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Let mould grow on a sheet.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns.
    px_per_mm : float
    strength : float
        From a few specks at 0.1 to colonies over much of the sheet at 1.

    Returns
    -------
    ndarray, shape `shape`, uint8
        Density: 255 where nothing of the sheet can be seen.

    Examples
    --------
    >>> density = colonies((420, 594), 2.0, 0.5, np.random.default_rng(0))
    >>> density.shape, 0.002 < float((density > 60).mean()) < 0.5
    ((420, 594), True)
    """
    rows, columns = shape
    growth = np.zeros(shape, np.uint8)
    for _ in range(1 + int(rng.poisson(6 * strength))):
        # Damp sits along the edges.
        center = rng.beta(0.6, 0.6, 2) * (columns, rows)
        spread = rng.uniform(6, 16 + 30 * strength) * px_per_mm
        count = int(rng.uniform(60, 160 + 500 * strength))
        places = center + rng.normal(0, 1, (count, 2)) * spread * rng.uniform(0.5, 1.2, 2)
        # Few specks are old and large, most are young and small.
        radii = np.minimum(0.12 + rng.exponential(0.28, count), 2.2) * px_per_mm
        levels = rng.uniform(50, 200, count)
        for (x, y), radius, level in zip(np.rint(places * 16).astype(int).tolist(), radii, levels, strict=True):
            cv2.circle(growth, (x, y), int(radius * 16), level, -1, cv2.LINE_8, 4)
    # Specks are furry: darker within, their rims broken by hyphae.
    furry = cv2.GaussianBlur(growth, (0, 0), 0.3 * px_per_mm)
    fur = 0.8 + 0.55 * smooth_noise(shape, 0.5 * px_per_mm, rng)
    coarse = cv2.resize(growth, (max(1, columns // 4), max(1, rows // 4)), interpolation=cv2.INTER_AREA)
    halo = cv2.resize(cv2.GaussianBlur(coarse, (0, 0), 0.5 * px_per_mm), (columns, rows))
    density = furry * fur + np.float32(0.45) * halo
    return np.asarray(np.clip(density * np.float32(0.75 + 0.5 * strength), 0, 255), np.uint8)
