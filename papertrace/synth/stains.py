"""Stains: rings of cups, spills, drops and tide-marks, as the density of a dye that dried on the sheet."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from papertrace.synth.noise import smooth_noise


def ring(diameter: float, px_per_mm: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """The mark of a cup: a thin broken ring, darkest at its rims, in places doubled.

    A drop dries darkest at its edge (R. Deegan et al., *Capillary flow as the cause of ring stains*, 1997).

    Parameters
    ----------
    diameter : float
        mm.
    px_per_mm : float
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (n, n), float32
        Density, 0 where there is none, about 1 at the rim; the ring stands in the middle.

    Examples
    --------
    >>> density = ring(70.0, 4.0, np.random.default_rng(0))
    >>> bool(density[:, density.shape[1] // 2].max() > 0.2), float(density[0].max())
    (True, 0.0)
    """
    size = int((diameter + 16) * px_per_mm)
    x, y = _axes(size, px_per_mm)
    radius = np.sqrt(x * x + y * y)
    wobble = smooth_noise((size, size), 9 * px_per_mm, rng) + smooth_noise((size, size), 0.9 * px_per_mm, rng) * 0.3
    off = radius - np.float32(diameter / 2) + np.float32(0.5) * wobble
    breadth = np.float32(rng.uniform(0.8, 2.0))
    # A cup stands on its rim unevenly: part of the ring is pale or missing.
    turn = rng.uniform(0, 2 * np.pi)
    towards = (x * np.float32(np.cos(turn)) + y * np.float32(np.sin(turn))) / np.float32(diameter / 2)
    share = 0.55 + 0.6 * towards + 0.5 * wobble
    outer = np.exp(-np.square(off / np.float32(0.28)))
    inner = 0.55 * np.exp(-np.square((off + breadth) / np.float32(0.35)))
    between = 0.4 * ((off < 0) & (off > -breadth))
    return np.asarray((outer + inner + between) * np.clip(share, 0, 1), np.float32)


def spill(extent: float, px_per_mm: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """A spilled drop that dried: pale within, dark along its ragged edge, with splashes around it.

    Parameters
    ----------
    extent : float
        Diameter, mm.
    px_per_mm : float
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (n, n), float32
        Density, 0 where there is none; the spill stands in the middle.

    Examples
    --------
    >>> density = spill(30.0, 4.0, np.random.default_rng(0))
    >>> 0.1 < float(density[density.shape[0] // 2, density.shape[1] // 2]) < 0.6
    True
    """
    size = int(extent * 2 * px_per_mm) + 8
    x, y = _axes(size, px_per_mm)
    stretch = np.float32(rng.uniform(0.75, 1.3))
    radius = np.sqrt(np.square(x * stretch) + np.square(y / stretch))
    # Edges follow the fibers: large lobes and a fringe of tenths of a millimeter.
    lobes = smooth_noise((size, size), 0.35 * extent * px_per_mm, rng, octaves=2)
    fringe = smooth_noise((size, size), 0.7 * px_per_mm, rng, octaves=2)
    off = radius - np.float32(extent / 2) + np.float32(0.2 * extent) * lobes + np.float32(0.18) * fringe
    for _ in range(int(rng.integers(0, 9))):
        distance, turn, drop = rng.uniform(0.5, 0.85) * extent, rng.uniform(0, 2 * np.pi), rng.uniform(0.4, 2.0)
        across, down = distance * np.cos(turn), distance * np.sin(turn)
        column, row = (np.array([across, down]) * px_per_mm + size / 2).astype(int).tolist()
        reach = int(3 * px_per_mm)
        window = (slice(max(row - reach, 0), row + reach), slice(max(column - reach, 0), column + reach))
        splash = np.hypot(x[:, window[1]] - np.float32(across), y[window[0]] - np.float32(down)) - np.float32(drop)
        off[window] = np.minimum(off[window], splash + np.float32(0.15) * fringe[window])
    return dried(off) * (1 + np.float32(0.25) * lobes)


def dried(off: NDArray[np.float32]) -> NDArray[np.float32]:
    """Density of a dye that dried in a wet patch.

    Parameters
    ----------
    off : ndarray, float32
        Distance from the patch's edge in mm, negative within.

    Returns
    -------
    ndarray, float32
        About 1 at the edge, 0.3 within, 0 without.

    Examples
    --------
    >>> [round(float(level), 1) for level in dried(np.array([-9.0, 0.0, 2.0], np.float32))]
    [0.3, 0.6, 0.0]
    """
    within = np.clip(0.5 - off / np.float32(0.3), 0, 1)
    return np.asarray(within * (0.28 + 0.9 * np.exp(np.minimum(off, 0) / np.float32(0.9))), np.float32)


def soaked(
    shape: tuple[int, int], px_per_mm: float, share: float, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Water that came in from a side or a corner of the sheet and dried in stages.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of the sheet's lattice.
    px_per_mm : float
        Of the lattice.
    share : float
        How far it came, 0 to 1.
    rng : numpy.random.Generator

    Returns
    -------
    wet : ndarray, shape `shape`, float32
        1 where the paper was wet, 0 where it stayed dry.
    tide : ndarray, shape `shape`, float32
        Density of what the water carried to its edges.

    Examples
    --------
    >>> wet, tide = soaked((210, 297), 1.0, 0.5, np.random.default_rng(0))
    >>> 0.05 < float(wet.mean()) < 0.8, float(tide[wet == 0].max()) < 1.0
    (True, True)
    """
    rows, columns = shape
    height, width = rows / px_per_mm, columns / px_per_mm
    x = (np.arange(columns, dtype=np.float32) / np.float32(px_per_mm))[None, :]
    y = (np.arange(rows, dtype=np.float32) / np.float32(px_per_mm))[:, None]
    from_x = x if rng.random() < 0.5 else np.float32(width) - x
    from_y = y if rng.random() < 0.3 else np.float32(height) - y
    depth = share * rng.uniform(0.35, 0.65)
    kind = rng.random()
    if kind < 0.4:
        off = from_y - np.float32(depth * height) + 0 * x
    elif kind < 0.6:
        off = from_x - np.float32(depth * width) + 0 * y
    else:
        off = np.hypot(from_x, from_y) - np.float32(1.3 * depth * np.sqrt(width * height))
    reach = np.float32(0.35 * share * min(width, height))
    off = off + reach * (0.35 * smooth_noise(shape, 45 * px_per_mm, rng, octaves=3))
    off += np.float32(0.25) * smooth_noise(shape, 1.2 * px_per_mm, rng)
    tide = dried(off)
    # It dried in stages, and each left a paler line further back.
    for step in np.cumsum(rng.uniform(4, 16, int(rng.integers(1, 4)))):
        tide += np.float32(rng.uniform(0.2, 0.5)) * np.exp(-np.square((off + np.float32(step)) / np.float32(0.6)))
    return np.asarray(np.clip(0.5 - off / np.float32(1.5), 0, 1), np.float32), tide


def _axes(size: int, px_per_mm: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Distance of each column and of each row from the middle, mm."""
    axis = (np.arange(size, dtype=np.float32) - np.float32((size - 1) / 2)) / np.float32(px_per_mm)
    return axis[None, :], axis[:, None]
