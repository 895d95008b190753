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
        total += np.float32(weight) * _octave(shape, tuple(size / 2**octave for size in cells), rng)
        power += weight**2
        weight /= 2
    return total / np.float32(np.sqrt(power))


def _octave(shape: tuple[int, int], cells: tuple[float, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    step = [max(1.0, size) for size in cells]
    # Broad waves are drawn small first: eight pixels hold one well enough for a second cubic.
    shrink = [int(max(1, size // 8)) for size in step]
    small = [-(-length // by) + 2 for length, by in zip(shape, shrink, strict=True)]
    factors = [size / by for size, by in zip(step, shrink, strict=True)]
    nodes = [int(np.ceil(length / factor)) + 3 for length, factor in zip(small, factors, strict=True)]
    lattice = rng.random(nodes, np.float32) * 2 - 1
    field = cv2.resize(lattice, None, fx=factors[1], fy=factors[0], interpolation=cv2.INTER_CUBIC)
    # The first cell has no neighbor to be curved by.
    first = [int(factor) for factor in factors]
    field = field[first[0] : first[0] + small[0], first[1] : first[1] + small[1]]
    if max(shrink) > 1:
        field = cv2.resize(field, None, fx=shrink[1], fy=shrink[0], interpolation=cv2.INTER_CUBIC)
    return np.asarray(field[: shape[0], : shape[1]], np.float32)
