"""Bent paper: how its relief looks in slanting light, and where it moves what is printed on it.

A relief is its slope: ``slope[row, column] = (dz/dx, dz/dy)`` on a lattice of square cells. Shading and displacement
both follow from it, so that a wrinkle that is seen is a wrinkle that bends the grid.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import fft

_STEEPEST = 0.7
_HOLLOW = 0.10
_SKY = 0.2
_STRAIN_CEILING = 0.35


def soften(slope: NDArray[np.float32]) -> NDArray[np.float32]:
    """Keep a relief below the slope of 0.7 that paper takes without folding over itself.

    Parameters
    ----------
    slope : ndarray, shape (r, c, 2), float32

    Returns
    -------
    ndarray, shape (r, c, 2), float32

    Examples
    --------
    >>> float(soften(np.full((1, 1, 2), 9.0, np.float32)).max()) < 0.5
    True
    """
    share = 1 / (1 + cv2.magnitude(slope[..., 0], slope[..., 1]) / np.float32(_STEEPEST))
    return np.asarray(cv2.multiply(slope, cv2.merge([share, share])), np.float32)


def shading(slope: NDArray[np.float32], px_per_mm: float, azimuth: float, height: float) -> NDArray[np.float32]:
    """Light that a relief sends up, relative to flat paper.

    Lambert's law for a lamp far away, a fifth of the light from all sides, and less of it in hollows, in proportion to
    the curvature.

    Parameters
    ----------
    slope : ndarray, shape (r, c, 2), float32
    px_per_mm : float
        Of the lattice.
    azimuth : float
        Where the light comes from, in degrees clockwise as seen: 0 from the right, 90 from below.
    height : float
        Of the lamp above the paper's plane, degrees.

    Returns
    -------
    ndarray, shape (r, c), float32
        1 where the paper is flat.

    Examples
    --------
    >>> towards = np.full((8, 8, 2), (-0.2, 0.0), np.float32)
    >>> bool(shading(towards, 2.0, 0.0, 45.0)[4, 4] > 1.1), bool(shading(towards, 2.0, 180.0, 45.0)[4, 4] < 0.9)
    (True, True)
    """
    x, y = slope[..., 0], slope[..., 1]
    flatness = np.float32(1 / np.tan(np.deg2rad(height)))
    sun = flatness * np.float32(np.cos(np.deg2rad(azimuth))), flatness * np.float32(np.sin(np.deg2rad(azimuth)))
    facing = np.maximum((1 - sun[0] * x - sun[1] * y) / np.sqrt(1 + x * x + y * y), 0)
    facing = np.float32(_SKY) + np.float32(1 - _SKY) * facing
    kernel = np.array([[-0.5, 0, 0.5]], np.float32) * np.float32(px_per_mm)
    hollow = cv2.sepFilter2D(x, -1, kernel, np.ones((1, 1), np.float32)) + cv2.sepFilter2D(
        y, -1, np.ones((1, 1), np.float32), kernel
    )
    return np.asarray(facing * (1 - np.float32(_HOLLOW) * np.tanh(3 * hollow)), np.float32)


def displacement(slope: NDArray[np.float32], spacing: float, factor: int = 1) -> NDArray[np.float32]:
    """Where paper that was bent without being stretched shows its print, seen from straight above.

    Bent paper covers less of the plane than flat paper: a step of 1 across a slope of s takes sqrt(1 + s^2) of paper,
    so the flat position runs ahead by the strain s^2/2, and in two dimensions by the tensor ``T = grad z grad z^T / 2``
    (the membrane strain of thin plates; L. Landau and E. Lifshitz, *Theory of Elasticity*, section 14). The field
    whose own strain is nearest to T in the least-squares sense obeys Navier's equation ``div e(u) = div T`` and is
    solved for by a Fourier transform; the sheet's mean shrinkage is left out, as a page keeps its size.

    Parameters
    ----------
    slope : ndarray, shape (r, c, 2), float32
        Both r and c multiples of `factor`.
    spacing : float
        Of the result, mm.
    factor : int
        Cells of the relief to one cell of the result, whose point ``[i, j]`` lies in the middle of those that it
        stands for.

    Returns
    -------
    ndarray, shape (r / factor, c / factor, 2), float32
        Flat minus seen position, x and y in mm. Its derivatives stay below 0.35, so that the map can be inverted.

    Examples
    --------
    >>> slope = np.zeros((32, 32, 2), np.float32)
    >>> slope[:, 12:16, 0], slope[:, 16:20, 0] = 0.3, -0.3
    >>> shift = displacement(slope, 2.0)
    >>> bool(shift[16, 20, 0] - shift[16, 11, 0] > 0.2), bool(abs(shift[..., 1]).max() < 1e-4)
    (True, True)
    """
    # Strain is averaged, not slope: the ripples of a crumpled sheet shorten it though their mean slope is zero.
    x, y = slope[..., 0], slope[..., 1]
    rows, columns = slope.shape[0] // factor, slope.shape[1] // factor
    t_xx, t_xy, t_yy = (
        fft.rfft2(cv2.resize(t, (columns, rows), interpolation=cv2.INTER_AREA))
        for t in (0.5 * x * x, 0.5 * x * y, 0.5 * y * y)
    )
    ky = 2 * np.pi * fft.fftfreq(rows, spacing)[:, None]
    kx = 2 * np.pi * fft.rfftfreq(columns, spacing)[None, :]
    k2 = kx**2 + ky**2
    k2[0, 0] = 1.0
    force_x, force_y = t_xx * kx + t_xy * ky, t_xy * kx + t_yy * ky
    along = 0.5 * (kx * force_x + ky * force_y) / k2
    # A Gaussian of 0.8 cells keeps the field so smooth that interpolation between its points is exact enough.
    gain = -2j / k2 * np.exp(-0.5 * k2 * (0.8 * spacing) ** 2)
    gain[0, 0] = 0.0
    shift = [fft.irfft2(gain * (force - k * along), s=(rows, columns)) for force, k in ((force_x, kx), (force_y, ky))]
    field = np.stack(shift, axis=-1)
    steepest = max(float(np.abs(np.diff(field, axis=axis)).sum(axis=2).max()) / spacing for axis in (0, 1))
    return np.asarray(field * min(1.0, _STRAIN_CEILING / max(steepest, 1e-9)), np.float32)
