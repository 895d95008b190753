"""The relief of crumpled paper: flat facets between sharp ridges."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from papertrace.synth.noise import smooth_noise

_FINER = 0.38
_UNEVEN = 0.9


def facets(
    shape: tuple[int, int], px_per_mm: float, size: float, stretch: float, angle: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Relief of a sheet that was crumpled and flattened again.

    A crumpled sheet is nearly flat facets that meet in ridges (T. Witten, *Stress focusing in elastic sheets*, 2007):
    here the triangles of a Delaunay net over random points at random heights, with a finer and shallower net
    upon it; some ridges are sharp, some are rounded, and no facet is quite plane.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of the lattice.
    px_per_mm : float
        Of the lattice.
    size : float
        Mean distance of the points, mm.
    stretch : float
        How much longer than broad the facets are, 1 or more.
    angle : float
        Of their long side, degrees clockwise from the x axis.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (rows, columns, 2), float32
        Slope along x and y, of root mean square 1.

    Examples
    --------
    >>> slope = facets((100, 120), 2.0, 20.0, 1.0, 0.0, np.random.default_rng(0))
    >>> slope.shape, round(float(np.sqrt((slope**2).sum(axis=2).mean())), 3)
    ((100, 120, 2), 1.0)
    """
    slope = _net(shape, px_per_mm * size, stretch, angle, rng)
    slope += np.float32(0.5) * _net(shape, px_per_mm * size * _FINER, stretch, angle, rng)
    # Blurring is cheaper at half the size, and what is rounded needs no more.
    half = cv2.GaussianBlur(cv2.resize(slope, None, fx=0.5, fy=0.5), (0, 0), 0.8 * px_per_mm)
    rounded = cv2.resize(half, shape[::-1])
    sharp = np.clip(0.5 + 1.2 * smooth_noise(shape, 15 * px_per_mm, rng), 0, 1)
    crisp = cv2.GaussianBlur(slope, (0, 0), 0.3 * px_per_mm)
    slope = np.asarray(cv2.blendLinear(crisp, rounded, sharp, 1 - sharp), np.float32)
    height = smooth_noise(shape, 9 * px_per_mm, rng, octaves=2)
    scale = _UNEVEN * px_per_mm / 8
    slope += cv2.merge([cv2.Sobel(height, -1, 1, 0, scale=scale), cv2.Sobel(height, -1, 0, 1, scale=scale)])
    return slope / np.float32(np.sqrt(np.vdot(slope, slope) / (shape[0] * shape[1])))


def _net(
    shape: tuple[int, int], size: float, stretch: float, angle: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Slope of a triangle net over random points about `size` pixels apart."""
    rows, columns = shape
    cos, sin = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    root = np.sqrt(stretch)
    # Points are drawn evenly in a frame that is turned and shrunk along the facets' long side.
    to_sheet = np.array([[cos, sin], [-sin, cos]]) * np.array([[root], [1 / root]])
    reach = 0.5 * np.hypot(rows, columns) + 2 * size * root
    half = np.ceil(reach / (size * np.array([root, 1 / root]))).astype(int)
    nodes = np.stack(np.meshgrid(*(np.arange(-n, n + 1, dtype=float) for n in half)), -1).reshape(-1, 2)
    drawn = (nodes + rng.uniform(-0.62, 0.62, nodes.shape)) * size
    points = drawn @ to_sheet + (columns / 2, rows / 2)
    near = np.all((points > -1.5 * size * root) & (points < np.array([columns, rows]) + 1.5 * size * root), axis=1)
    points = points[near]
    heights = rng.normal(0, 1, len(points))
    net = Delaunay(drawn[near]).simplices
    corners = points[net]
    edges = corners[:, 1:] - corners[:, :1]
    rise = (heights[net][:, 1:] - heights[net][:, :1])[..., None]
    turn = edges[:, 0, 0] * edges[:, 1, 1] - edges[:, 0, 1] * edges[:, 1, 0]
    # Slivers, which the net has at its rim only, would stand on end.
    turn = np.where(np.abs(turn) < 0.05 * size**2, np.inf, turn)
    planes = (
        np.stack(
            [
                rise[:, 0, 0] * edges[:, 1, 1] - rise[:, 1, 0] * edges[:, 0, 1],
                rise[:, 1, 0] * edges[:, 0, 0] - rise[:, 0, 0] * edges[:, 1, 0],
            ],
            axis=1,
        )
        / turn[:, None]
        * size
    )
    slope = np.zeros((rows, columns, 2), np.float32)
    for corner, plane in zip(np.rint(corners).astype(np.int32), planes.tolist(), strict=True):
        cv2.fillConvexPoly(slope, corner, plane)
    return slope
