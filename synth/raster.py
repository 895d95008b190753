"""From millimetres to pixels: every line and letter as the share of each pixel that its ink covers.

Pixel centres are at whole numbers, so paper point ``p`` mm from the corner of an upright page lies at
``p * dpi / 25.4 - 0.5`` pixels. Lines, dots and text are placed at exact sub-pixel positions; skew is part of the
placement, so nothing is ever resampled.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from synth.scene import Scene, Text, Trace
from synth.style import GRID_COLORS, RGB, PageStyle
from synth.text import text_mask
from synth.upsample import upsample

_MAJOR, _MINOR = 5.0, 1.0
_PHASES = 4096
_WINDOW = 64
_SHIFT = 8
_TEXT_OVERSAMPLING = 4


@dataclass(frozen=True)
class Raster:
    """A drawn scene.

    Attributes
    ----------
    image : ndarray, shape (H, W, 3), uint8
    ink : ndarray, shape (H, W), uint8
        Coverage by the pen of the traces alone, 255 where it is full.
    homography : ndarray, shape (3, 3), float64
        Paper mm to pixels.
    label_boxes : list of tuple of float
        One a trace: x0, y0, x1, y1 of the printed lead name in pixels.
    text_boxes : list of tuple of float
        The same for header and footer.
    """

    image: NDArray[np.uint8]
    ink: NDArray[np.uint8]
    homography: NDArray[np.float64]
    label_boxes: list[tuple[float, float, float, float]]
    text_boxes: list[tuple[float, float, float, float]]


def apply_homography(homography: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Map points by a homography.

    Parameters
    ----------
    homography : ndarray, shape (3, 3)
    points : ndarray, shape (..., 2)

    Returns
    -------
    ndarray, shape (..., 2)

    Examples
    --------
    >>> apply_homography(np.diag([2.0, 2.0, 1.0]), np.array([[1.0, 3.0]])).tolist()
    [[2.0, 6.0]]
    """
    mapped = np.asarray(points) @ homography[:, :2].T + homography[:, 2]
    return mapped[..., :2] / mapped[..., 2:]


def rasterise(scene: Scene, fs: float, style: PageStyle) -> Raster:
    """Draw a scene at the style's resolution and skew.

    Parameters
    ----------
    scene : Scene
    fs : float
        Sampling frequency of the traces, Hz: how densely the pen's way is interpolated.
    style : PageStyle

    Returns
    -------
    Raster
    """
    homography, shape = _placement(scene, style)
    scale = style.dpi / 25.4
    image = _gridded_paper(scene, style, homography, shape)

    ink = np.zeros(shape, np.uint8)
    factor = max(1, int(np.ceil(4 * scale * style.speed / fs)))
    for path in _pen_paths(scene, factor):
        _draw(ink, apply_homography(homography, path), style.pen_width * scale, style)
    marks = np.zeros(shape, np.uint8)
    for stroke in scene.marks:
        _draw(marks, apply_homography(homography, stroke.path), stroke.width * scale, style)
    text = np.zeros(shape, np.uint8)
    label_boxes = [_write(text, trace.label, homography, style) for trace in scene.traces]
    text_boxes = [_write(text, line, homography, style) for line in scene.texts]
    if style.rotation:
        sheet = _quadrilateral((0.0, 0.0, scene.width, scene.height), homography, shape)
        for layer in (ink, marks, text):
            np.minimum(layer, sheet, out=layer)

    _paint(image, np.maximum(ink, marks), style.pen_color)
    _paint(image, text, style.text_color)
    return Raster(image, ink, homography, label_boxes, text_boxes)


def _placement(scene: Scene, style: PageStyle) -> tuple[NDArray[np.float64], tuple[int, int]]:
    """Homography of the sheet and the (height, width) of the picture that holds all of it."""
    scale = style.dpi / 25.4
    angle = np.deg2rad(style.rotation)
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    corners = np.array([(0, 0), (scene.width, 0), (0, scene.height), (scene.width, scene.height)]) @ linear.T
    low, high = corners.min(axis=0), corners.max(axis=0)
    homography = np.eye(3)
    homography[:2, :2] = linear
    homography[:2, 2] = -low - 0.5
    width, height = np.ceil(high - low - 1e-6).astype(int)
    return homography, (int(height), int(width))


def _gridded_paper(
    scene: Scene, style: PageStyle, homography: NDArray[np.float64], shape: tuple[int, int]
) -> NDArray[np.uint8]:
    level = np.zeros(shape, np.uint8)
    if style.grid != "none":
        level = _grid_level(scene, style, homography, shape)
    paper, grid = np.array(style.paper_color, float), np.array(GRID_COLORS[style.grid], float)
    share = np.arange(256)[:, None] / 255
    palette = np.round(paper * (1 - share) + grid * share).astype(np.uint8)
    image: NDArray[np.uint8] = np.asarray(cv2.applyColorMap(level, palette[:, None, :]), np.uint8)
    if style.rotation:
        sheet = _quadrilateral((0.0, 0.0, scene.width, scene.height), homography, shape)
        _paint(image, 255 - sheet, style.bed_color)
    return image


def _grid_level(
    scene: Scene, style: PageStyle, homography: NDArray[np.float64], shape: tuple[int, int]
) -> NDArray[np.uint8]:
    """Strength of the grid's ink in every pixel, 0 to 255."""
    scale = style.dpi / 25.4
    to_paper = np.linalg.inv(homography)
    major = _line_profile(_MAJOR, style.major_width, style.major_strength, scale, style.antialias)
    if style.grid_form == "dots":
        lines, dots = major, _line_profile(_MINOR, 2 * style.minor_width, style.major_strength, scale, style.antialias)
    else:
        minor = _line_profile(_MINOR, style.minor_width, style.minor_strength, scale, style.antialias)
        lines, dots = np.maximum(minor, major), None
    phases = [_phase(to_paper[axis], scene.grid_origin[axis], shape) for axis in (0, 1)]
    level = np.maximum(*(lines[phase] for phase in phases))
    if dots is not None:
        level = np.maximum(level, np.minimum(*(dots[phase] for phase in phases)))
    if scene.grid_area != (0.0, 0.0, scene.width, scene.height):
        x0, y0, x1, y1 = scene.grid_area
        half = style.major_width / 2
        level &= _quadrilateral((x0 - half, y0 - half, x1 + half, y1 + half), homography, shape)
    return level


def _phase(row: NDArray[np.float64], origin: float, shape: tuple[int, int]) -> NDArray[np.uint16]:
    """Where each pixel lies within its 5 mm, in steps of 5 / 4096 mm, from one row of the pixel-to-paper matrix.

    Periods are counted in 32-bit fixed point, whose overflow is the wrap from one 5 mm to the next; a matrix that does
    not mix the axes gives one row or one column instead of the whole picture.
    """
    height, width = shape

    def fraction(millimetres: NDArray[np.float64]) -> NDArray[np.uint32]:
        return ((millimetres / _MAJOR) % 1.0 * 2.0**32).astype(np.uint64).astype(np.uint32)

    along_x = fraction(row[0] * np.arange(width) + row[2] - origin)[None, :]
    along_y = fraction(row[1] * np.arange(height))[:, None]
    if abs(row[1]) * height < 1e-9:
        total = along_x
    elif abs(row[0]) * width < 1e-9:
        total = along_y + along_x[:, :1]
    else:
        total = along_x + along_y
    return (total >> np.uint32(20)).astype(np.uint16)


def _line_profile(pitch: float, width: float, strength: float, scale: float, antialias: bool) -> NDArray[np.uint8]:
    """Ink by phase for lines every `pitch` mm: the overlap of a line with a pixel-wide box."""
    position = (np.arange(_PHASES) + 0.5) / _PHASES * _MAJOR
    distance = ((position / pitch + 0.5) % 1.0 - 0.5) * pitch * scale
    line = width * scale
    if antialias:
        coverage = np.clip(line / 2 + 0.5 - np.abs(distance), 0.0, min(1.0, line))
    else:
        half = max(line, 1.0) / 2
        coverage = ((distance > -half) & (distance <= half)).astype(float)
    return np.round(255 * strength * coverage).astype(np.uint8)


def _quadrilateral(
    box: tuple[float, float, float, float], homography: NDArray[np.float64], shape: tuple[int, int]
) -> NDArray[np.uint8]:
    """Coverage of a rectangle given in mm."""
    x0, y0, x1, y1 = box
    corners = apply_homography(homography, np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]))
    mask = np.zeros(shape, np.uint8)
    cv2.fillConvexPoly(mask, np.round(corners * 2**_SHIFT).astype(np.int32), 255, cv2.LINE_AA, _SHIFT)
    return mask


def _pen_paths(scene: Scene, factor: int) -> list[NDArray[np.float64]]:
    """Where the pen goes down and up again: runs of finite samples, interpolated; joined columns are one run."""
    paths: list[NDArray[np.float64]] = []
    before: Trace | None = None
    for trace in scene.traces:
        runs = _finite_runs(trace.path)
        drawn = [np.column_stack([upsample(axis, factor) for axis in run.T]) for run in runs]
        joined = scene.joins and before is not None and before.row == trace.row and drawn and paths
        if joined and before is not None and np.isfinite(before.path[-1:]).all() and np.isfinite(trace.path[:1]).all():
            drawn[0] = np.concatenate((paths.pop(), drawn[0]))
        paths.extend(drawn)
        before = trace
    return paths


def _finite_runs(path: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    finite = np.concatenate(([False], np.isfinite(path).all(axis=1), [False]))
    edges = np.flatnonzero(finite[1:] != finite[:-1])
    return [path[start:end] for start, end in edges.reshape(-1, 2)]


def _draw(layer: NDArray[np.uint8], points: NDArray[np.float64], width: float, style: PageStyle) -> None:
    """Add the coverage of a round pen of `width` pixels along `points` (pixels) to `layer`, in place.

    The pen is drawn at about 1600 dpi in windows around the line and averaged down. OpenCV's line of even thickness
    ``t`` is ``t + 1`` wide and exactly centred; that of odd thickness is ``t + 2`` wide.
    """
    if not style.antialias:
        # A line of whole dots has no holes, however thin the pen.
        width = max(width, 1.2)
    oversampling = int(np.clip(round(3200 / style.dpi), 2, 32))
    thickness = max(2, 2 * round((width * oversampling - 1) / 2))
    reach = int(np.ceil(width / 2)) + 1
    height, full_width = layer.shape
    x, y = points.T
    low, high = (x, x) if len(points) == 1 else (np.minimum(x[:-1], x[1:]), np.maximum(x[:-1], x[1:]))
    first_column = max(0, int(np.floor(low.min())) - reach)
    last_column = min(full_width, int(np.ceil(high.max())) + reach + 1)
    fine = np.round(((points + 0.5) * oversampling - 0.5) * 2**_SHIFT).astype(np.int64)
    for left in range(first_column, last_column, _WINDOW):
        right = min(left + _WINDOW, last_column)
        touched = np.flatnonzero((high >= left - reach) & (low <= right + reach))
        if not len(touched):
            continue
        start, end = touched[0], touched[-1] + 2
        top = max(0, int(np.floor(y[start:end].min())) - reach)
        bottom = min(height, int(np.ceil(y[start:end].max())) + reach + 1)
        if bottom <= top:
            continue
        tile = np.zeros(((bottom - top) * oversampling, (right - left) * oversampling), np.uint8)
        corner = np.array([left, top]) * oversampling * 2**_SHIFT
        path = (fine[start:end] - corner).astype(np.int32)
        if len(path) == 1:
            path = np.repeat(path, 2, axis=0)
        cv2.polylines(tile, [path[:, None]], False, 255, thickness, cv2.LINE_8, _SHIFT)
        _merge(layer, tile, left, top, oversampling, style.antialias)


def _merge(
    layer: NDArray[np.uint8], tile: NDArray[np.uint8], left: int, top: int, oversampling: int, antialias: bool
) -> None:
    height, width = tile.shape[0] // oversampling, tile.shape[1] // oversampling
    coverage = np.asarray(cv2.resize(tile, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    if not antialias:
        coverage = np.where(coverage >= 128, np.uint8(255), np.uint8(0))
    target = layer[top : top + height, left : left + width]
    np.maximum(target, coverage, out=target)


def _write(
    layer: NDArray[np.uint8], text: Text, homography: NDArray[np.float64], style: PageStyle
) -> tuple[float, float, float, float]:
    """Add a line of text to `layer`, in place, and return the box of its ink in pixels."""
    fine = _TEXT_OVERSAMPLING
    scale = style.dpi / 25.4 * fine
    mask = text_mask(text.string, style.font, text.size * scale)
    rows, columns = np.flatnonzero(mask.coverage.any(axis=1)), np.flatnonzero(mask.coverage.any(axis=0))
    ends = np.array([(columns[0], rows[0]), (columns[-1] + 1, rows[-1] + 1)]) - (mask.left, mask.baseline)
    (x0, y0), (x1, y1) = ends / scale + (text.x, text.y)
    corners = apply_homography(homography, np.array([(x0, y0), (x1, y0), (x0, y1), (x1, y1)]))
    low, high = corners.min(axis=0), corners.max(axis=0)

    left, top = np.maximum(np.floor(low).astype(int) - 1, 0)
    right, bottom = np.minimum(np.ceil(high).astype(int) + 2, layer.shape[::-1])
    if right > left and bottom > top:
        mask_to_paper = np.array(
            [
                [1 / scale, 0, text.x + (0.5 - mask.left) / scale],
                [0, 1 / scale, text.y + (0.5 - mask.baseline) / scale],
                [0, 0, 1],
            ]
        )
        to_tile = np.array(
            [[fine, 0, (0.5 - left) * fine - 0.5], [0, fine, (0.5 - top) * fine - 0.5], [0, 0, 1]], float
        )
        matrix = to_tile @ homography @ mask_to_paper
        size = (int(right - left) * fine, int(bottom - top) * fine)
        tile = np.asarray(cv2.warpAffine(mask.coverage, matrix[:2], size, flags=cv2.INTER_LINEAR), np.uint8)
        _merge(layer, tile, int(left), int(top), fine, style.antialias)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _paint(image: NDArray[np.uint8], coverage: NDArray[np.uint8], color: RGB) -> None:
    """Lay ink over the image, in place."""
    inked = np.flatnonzero(coverage)
    flat = image.reshape(-1, 3)
    share = coverage.reshape(-1)[inked, None].astype(np.float32) / 255
    flat[inked] = np.round(flat[inked] * (1 - share) + np.array(color, np.float32) * share).astype(np.uint8)
