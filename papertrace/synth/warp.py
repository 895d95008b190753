"""The geometry of one picture: where each pixel lies on the sheet, and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RectBivariateSpline

Points = NDArray[np.float64]

_INVERSE_SPACING = 2.0
_COARSE = 4
_NEWTON_STEPS = 12
_CONVERGED = 1e-3
_SLOPE_STEP = 0.05


@dataclass(frozen=True)
class Warp:
    """Where each pixel of a picture lies on the flat sheet: a lattice with straight lines between its nodes.

    The lattice is the definition: the picture is drawn through it and the truth is its exact inverse, so that both
    agree however bent the paper is.

    Attributes
    ----------
    lattice : ndarray, shape (rows, columns, 2), float32
        Sheet ``(x, y)`` in mm at pixel ``x = (j - 0.5) * step - 0.5``, ``y = (i - 0.5) * step - 0.5`` of node
        ``[i, j]``: half a step beyond the picture on every side.
    step : int
        Pixels between two nodes.
    shape : tuple of int
        Height and width of the picture.
    inverse : ndarray, shape (rows, columns, 2), float32
        About the pixel ``(x, y)`` of sheet point ``origin + (j, i) * inverse_spacing``: the start of the search, and
        the answer for points that are not in the picture.
    origin : tuple of float
        mm.
    inverse_spacing : float
        mm.

    Examples
    --------
    >>> warp = make_warp(lambda points: points * 8 - 0.5, (160, 240), (30.0, 20.0), 8.0)
    >>> warp.to_sheet(np.array([[79.5, 39.5]])).round(3).tolist()
    [[10.0, 5.0]]
    >>> warp.to_pixels(np.array([[10.0, 5.0]])).round(2).tolist()
    [[79.5, 39.5]]
    """

    lattice: NDArray[np.float32]
    step: int
    shape: tuple[int, int]
    inverse: NDArray[np.float32]
    origin: tuple[float, float]
    inverse_spacing: float

    def to_sheet(self, pixels: NDArray[np.floating]) -> Points:
        """Map pixels to the sheet.

        Parameters
        ----------
        pixels : ndarray, shape (..., 2)
            ``(x, y)``; beyond the picture the outermost cell is continued.

        Returns
        -------
        ndarray, shape (..., 2), float64
            mm, NaN where `pixels` is.
        """
        given = np.asarray(pixels, float)
        flat = given.reshape(-1, 2)
        mapped = np.full(flat.shape, np.nan)
        known = np.isfinite(flat).all(axis=1)
        mapped[known] = _bilinear(self.lattice, (flat[known] + 0.5) / self.step + 0.5)[0]
        return mapped.reshape(given.shape)

    def to_pixels(self, points: NDArray[np.floating]) -> Points:
        """Map points of the sheet to the picture.

        Parameters
        ----------
        points : ndarray, shape (..., 2)
            mm.

        Returns
        -------
        ndarray, shape (..., 2), float64
            Pixels ``(x, y)``: exact to a thousandth in the picture, to a few hundredths beside it, NaN where `points`
            is.
        """
        given = np.asarray(points, float)
        flat = given.reshape(-1, 2)
        found = np.full(flat.shape, np.nan)
        known = np.flatnonzero(np.isfinite(flat).all(axis=1))
        start = _bilinear(self.inverse, (flat[known] - self.origin) / self.inverse_spacing)[0]
        found[known] = start
        height, width = self.shape
        beside = 2.0 * self.step
        near = ((start > -beside) & (start < (width + beside, height + beside))).all(axis=1)
        searched = known[near]
        found[searched] = self._search(found[searched], flat[searched])
        return found.reshape(given.shape)

    def _search(self, start: Points, points: Points) -> Points:
        """Newton's method on the lattice; a point that does not settle keeps its start."""
        best = start.copy()
        pending, place = np.arange(len(start)), start.copy()
        for _ in range(_NEWTON_STEPS):
            value, slopes = _bilinear(self.lattice, (place + 0.5) / self.step + 0.5)
            change = _solve(slopes / self.step, value - points[pending])
            place = place - np.clip(change, -2.0 * self.step, 2.0 * self.step)
            settled = np.abs(change).max(axis=1) < _CONVERGED
            best[pending[settled]] = place[settled]
            pending, place = pending[~settled], place[~settled]
            if not len(pending):
                break
        return best


def fill_lattice(
    lattice: NDArray[np.float32], step: int, shape: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Fill in every pixel of a lattice that is laid out as `Warp.lattice` is.

    Parameters
    ----------
    lattice : ndarray, shape (rows, columns, 2), float32
    step : int
        Pixels between two nodes.
    shape : tuple of int
        Height and width of what is wanted.

    Returns
    -------
    x, y : ndarray, shape `shape`, float32
        One array each: given a two-channel map and an empty second one, OpenCV 5.0 interpolates some types of
        picture from the wrong places.

    Examples
    --------
    >>> x, y = fill_lattice(np.array([[[0, 0], [4, 0]], [[0, 8], [4, 8]]], np.float32), 4, (1, 2))
    >>> x.tolist(), y.tolist()
    ([[2.5, 3.5]], [[5.0, 5.0]])
    """
    rows, columns = lattice.shape[:2]
    height, width = shape
    x, y = (
        cv2.resize(np.ascontiguousarray(axis), (columns * step, rows * step), interpolation=cv2.INTER_LINEAR)
        for axis in (lattice[..., 0], lattice[..., 1])
    )
    inner = np.s_[step : step + height, step : step + width]
    return np.asarray(x[inner], np.float32), np.asarray(y[inner], np.float32)


def make_warp(
    forward: Callable[[Points], Points],
    shape: tuple[int, int],
    sheet: tuple[float, float],
    pixels_per_mm: float,
    offset: NDArray[np.float32] | None = None,
    offset_spacing: float = 1.0,
) -> Warp:
    """Tabulate a smooth projection and the wear of the paper under it.

    Parameters
    ----------
    forward : callable
        Points of the worn sheet, shape (n, 2) mm, to pixels.
    shape : tuple of int
        Height and width of the picture.
    sheet : tuple of float
        Width and height of the sheet in mm.
    pixels_per_mm : float
        Mean scale of the picture: one node a millimeter.
    offset : ndarray, shape (rows, columns, 2), float32, optional
        Flat minus worn position in mm at worn point ``(j, i) * offset_spacing``; beyond its edge it goes on as it is.
    offset_spacing : float
        mm.

    Returns
    -------
    Warp

    Raises
    ------
    ValueError
        If the sheet hides a part of itself from the camera, or shows its back.
    """
    step = int(np.clip(round(pixels_per_mm), 2, 16))
    inverse, origin = _tabulate_inverse(forward, sheet, offset, offset_spacing)
    worn = _invert(forward, shape, sheet, step)
    lattice = apply_offset(worn, offset, offset_spacing)
    _check_faces(lattice, sheet)
    return Warp(lattice.astype(np.float32), step, shape, inverse, origin, _INVERSE_SPACING)


def apply_offset(points: Points, offset: NDArray[np.float32] | None, offset_spacing: float = 1.0) -> Points:
    """Where points of the worn sheet lie on the flat one.

    Parameters
    ----------
    points : ndarray, shape (..., 2)
        mm.
    offset, offset_spacing
        As for `make_warp`.

    Returns
    -------
    ndarray, shape (..., 2), float64
        mm.

    Examples
    --------
    >>> apply_offset(np.array([[1.5, 0.0]]), np.array([[[0, 0], [1, 0], [2, 0]]] * 2, np.float32)).tolist()
    [[3.0, 0.0]]
    """
    if offset is None:
        return points
    flat = points.reshape(-1, 2)
    last = np.array(offset.shape[1::-1]) - 1.0
    moved = flat + _bilinear(offset, np.clip(flat / offset_spacing, 0, last))[0]
    return np.asarray(moved.reshape(points.shape), np.float64)


def _bilinear(table: NDArray[np.float32], place: Points) -> tuple[Points, Points]:
    """Value, shape (n, 2), and slopes by column and by row, shape (n, 2, 2), of a table at ``(column, row)``."""
    rows, columns = table.shape[:2]
    column = np.clip(np.floor(place[:, 0]), 0, columns - 2).astype(np.intp)
    row = np.clip(np.floor(place[:, 1]), 0, rows - 2).astype(np.intp)
    across, down = place[:, :1] - column[:, None], place[:, 1:] - row[:, None]
    entries = table.reshape(-1, 2)
    corner = row * columns + column
    a, b = entries[corner], entries[corner + 1]
    c, d = entries[corner + columns], entries[corner + columns + 1]
    top, bottom = a + (b - a) * across, c + (d - c) * across
    by_row = bottom - top
    by_column = (b - a) * (1 - down) + (d - c) * down
    return top + by_row * down, np.stack((by_column, by_row), axis=-1)


def _solve(matrices: Points, values: Points) -> Points:
    """Solve 2 x 2 systems, shapes (n, 2, 2) and (n, 2)."""
    (a, b), (c, d) = matrices.transpose(1, 2, 0)
    x, y = values.T
    determinant = a * d - b * c
    determinant = np.where(np.abs(determinant) < 1e-12, 1e-12, determinant)
    return np.stack((d * x - b * y, a * y - c * x), axis=-1) / determinant[:, None]


def _tabulate_inverse(
    forward: Callable[[Points], Points],
    sheet: tuple[float, float],
    offset: NDArray[np.float32] | None,
    offset_spacing: float,
) -> tuple[NDArray[np.float32], tuple[float, float]]:
    count = np.ceil(np.array(sheet) / _INVERSE_SPACING).astype(int) + 3
    axes = [(np.arange(n) - 1.0) * _INVERSE_SPACING for n in count]
    flat = np.stack(np.meshgrid(*axes), axis=-1)
    worn = flat
    if offset is not None:
        # The paper's relief moves a point by far less than the relief is wide, so this contracts.
        for _ in range(6):
            worn = worn + flat - apply_offset(worn, offset, offset_spacing)
    pixels = forward(worn.reshape(-1, 2)).reshape(flat.shape)
    return pixels.astype(np.float32), (-_INVERSE_SPACING, -_INVERSE_SPACING)


def _invert(
    forward: Callable[[Points], Points], shape: tuple[int, int], sheet: tuple[float, float], step: int
) -> Points:
    """Worn sheet points of the lattice's pixels: Newton's method on a coarse lattice, splines between its nodes."""
    counts = [int(np.ceil(extent / step)) + 2 for extent in shape]
    y, x = ((np.arange(count) - 0.5) * step - 0.5 for count in counts)
    coarse_y, coarse_x = (np.linspace(axis[0], axis[-1], max(4, len(axis) // _COARSE + 1)) for axis in (y, x))
    target = np.stack(np.meshgrid(coarse_x, coarse_y), axis=-1).reshape(-1, 2)

    plane = plane_through(forward, sheet)
    place = cv2.perspectiveTransform(target[None], np.linalg.inv(plane))[0]
    reach = np.array(sheet)
    for _ in range(_NEWTON_STEPS):
        value = forward(place)
        slopes = np.stack(
            [(forward(place + nudge) - value) / _SLOPE_STEP for nudge in _SLOPE_STEP * np.eye(2)], axis=-1
        )
        change = _solve(slopes, value - target)
        place = np.clip(place - np.clip(change, -0.2 * reach, 0.2 * reach), -2 * reach, 3 * reach)
        if np.abs(change).max() < 1e-5:
            break
    place = place.reshape(len(coarse_y), len(coarse_x), 2)
    splines = (RectBivariateSpline(coarse_y, coarse_x, place[..., axis], s=0) for axis in (0, 1))
    return np.stack([spline(y, x) for spline in splines], axis=-1)


def plane_through(forward: Callable[[Points], Points], sheet: tuple[float, float]) -> NDArray[np.float64]:
    """Fit the homography, sheet mm to pixels, that comes nearest to a projection.

    Parameters
    ----------
    forward : callable
        Points of shape (n, 2) in mm to pixels.
    sheet : tuple of float
        Width and height in mm.

    Returns
    -------
    ndarray, shape (3, 3), float64
        Least squares over a lattice of points on the sheet.

    Examples
    --------
    >>> (plane_through(lambda points: 2 * points + 5, (100.0, 50.0)).round(6) + 0.0).tolist()
    [[2.0, 0.0, 5.0], [0.0, 2.0, 5.0], [0.0, 0.0, 1.0]]
    """
    points = np.stack(np.meshgrid(*(np.linspace(0, extent, 13) for extent in sheet)), axis=-1).reshape(-1, 2)
    homography, _ = cv2.findHomography(points, forward(points), 0)
    return np.asarray(homography, np.float64)


def _check_faces(lattice: Points, sheet: tuple[float, float]) -> None:
    across, down = np.diff(lattice, axis=1)[:-1], np.diff(lattice, axis=0)[:, :-1]
    area = across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0]
    on_sheet = np.asarray(((lattice >= 0) & (lattice <= sheet)).all(axis=-1))[:-1, :-1]
    if not (area[on_sheet] * np.sign(np.median(area)) > 0).all():
        raise ValueError("a part of the sheet is hidden behind another; allowed: less tilt, curl, lift or wear")
