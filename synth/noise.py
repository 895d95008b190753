"""Smooth random fields: value noise, the sum of random lattices that are interpolated by cubics."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def smooth_noise(
    shape: tuple[int, int], cell: float | tuple[float, float], rng: np.random.Generator, octaves: int = 1
) -> NDArray[np.float32]:
    """Random field that varies over `cell` pixels, and by half as much over half of that with every octave.

    Value noise (K. Perlin, *An image synthesizer*, 1985, in its lattice form).

    Parameters
    ----------
    shape : tuple of int
        Rows and columns.
    cell : float or tuple of float
        Distance of the coarsest lattice's nodes in pixels, or the distances along rows' axis and columns' axis.
    rng : numpy.random.Generator
    octaves : int

    Returns
    -------
    ndarray, shape `shape`, float32
        Mean about 0, standard deviation about 0.4, nearly all of it in [-1, 1].

    Examples
    --------
    >>> field = smooth_noise((40, 60), 10.0, np.random.default_rng(0), octaves=3)
    >>> field.shape, bool(np.abs(np.diff(field)).max() < 0.5)
    ((40, 60), True)
    """
    cells = (cell, cell) if isinstance(cell, int | float) else cell
    total = np.zeros(shape, np.float32)
    weight = 1.0
    power = 0.0
    for octave in range(octaves):
        step = [max(1.0, size / 2**octave) for size in cells]
        nodes = [int(np.ceil(length / size)) + 3 for length, size in zip(shape, step, strict=True)]
        lattice = rng.random(nodes, np.float32) * 2 - 1
        # Node 1 of the lattice stands on the first pixel's centre, so that the border has neighbours on both sides.
        matrix = np.array([[1 / step[1], 0, 1], [0, 1 / step[0], 1]], np.float64)
        total += weight * cv2.warpAffine(
            lattice, matrix, (shape[1], shape[0]), flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REFLECT_101,
        )  # fmt: skip
        power += weight**2
        weight /= 2
    return total / np.float32(np.sqrt(power))
