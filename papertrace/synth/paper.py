"""The sheet before anything is printed on it: paper, its age and texture, and the grid, straight in pixels.

Grid lines stand at exact sub-pixel positions: each pixel's share of a line is looked up by where the pixel lies within
its 5 mm. Age and fading are smooth random fields, drawn per millimeter of sheet, so one seed gives one sheet at any
resolution.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from papertrace.synth.fields import patches, spread
from papertrace.synth.geometry import quadrilateral
from papertrace.synth.halftone import screened
from papertrace.synth.scene import Scene
from papertrace.synth.style import GRID_COLORS, PageStyle

_MAJOR, _MINOR = 5.0, 1.0
_PHASES = 4096
_AGE_MM, _FADE_MM = 45.0, 30.0
"""Sizes of the patches in which paper browns and grids fade."""
_BROWN = np.array([0.14, 0.24, 0.5])
"""Share of red, green and blue that wholly browned paper takes away."""
_TILE = 512
_FIBERS_PER_CM2 = 60


def gridded_paper(
    scene: Scene,
    style: PageStyle,
    homography: NDArray[np.float64],
    shape: tuple[int, int],
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """Draw paper and grid; beside a skewed sheet it goes on, for the bed to be laid over.

    Parameters
    ----------
    scene : Scene
    style : PageStyle
    homography : ndarray, shape (3, 3)
        Paper mm to pixels.
    shape : tuple of int
        Height and width of the picture.
    rng : numpy.random.Generator
        Source of age, fading and texture; each has a stream of its own.

    Returns
    -------
    ndarray, shape (height, width, 3), uint8

    Examples
    --------
    >>> scene = Scene(10.0, 10.0, (0.0, 0.0, 10.0, 10.0), (0.0, 0.0), (), False, (), ())
    >>> paper = gridded_paper(scene, PageStyle(), np.diag([4.0, 4.0, 1.0]), (40, 40), np.random.default_rng(0))
    >>> paper[20, 20, 1] < paper[18, 18, 1]
    np.True_
    """
    age, fade, fiber = rng.spawn(3)
    level = np.zeros(shape, np.uint8)
    if style.grid != "none":
        level = _grid_level(scene, style, homography, shape)
        if style.grid_fade:
            left = 1 - style.grid_fade * patches(fade, scene.width, scene.height, _FADE_MM)
            cv2.multiply(level, spread(left, shape), level, 1 / 255)
    color = style.grid_color or GRID_COLORS[style.grid]
    paper, grid = np.array(style.paper_color, float), np.array(color, float)
    share = np.arange(256)[:, None] / 255
    palette = np.round(paper * (1 - share) + grid * share).astype(np.uint8)
    image: NDArray[np.uint8]
    if style.screen:
        printed = palette[round(255 * style.major_strength)].tolist()
        dots = screened(level, (printed[0], printed[1], printed[2]), homography, style.screen / 25.4)
        image = np.asarray(cv2.merge([cv2.LUT(dot, row) for dot, row in zip(dots, palette.T, strict=True)]), np.uint8)
    else:
        image = np.asarray(cv2.applyColorMap(level, palette[:, None, :]), np.uint8)
    if style.yellowing:
        old = 0.7 + 0.3 * patches(age, scene.width, scene.height, _AGE_MM)
        tint = 1 - style.yellowing * old[..., None] * _BROWN
        cv2.multiply(image, spread(tint, shape), image, 1 / 255)
    if style.texture:
        cv2.subtract(image, _texture(fiber, style, shape), image)
    return image


def _texture(rng: np.random.Generator, style: PageStyle, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Draw what grain and fibers take away from the paper's light: one tile, repeated over the picture."""
    scale = style.dpi / 25.4
    # Bytes, because OpenCV blurs those alike on every machine; a blur of `sigma` divides noise by 2 sigma sqrt(pi).
    grain = rng.integers(0, 256, (_TILE, _TILE), np.uint8)
    sigma = 0.12 * scale + 0.8
    edge = int(4 * sigma)
    smooth = np.asarray(cv2.GaussianBlur(np.pad(grain, edge, mode="wrap"), (0, 0), sigma))[edge:-edge, edge:-edge]
    uneven = (grain - 127.5 + 2 * np.sqrt(np.pi) * sigma * (smooth - 127.5)) / (255 / np.sqrt(12))
    fibers = np.zeros((_TILE, _TILE), np.uint8)
    count = max(8, round(_FIBERS_PER_CM2 * (_TILE / scale / 10) ** 2))
    start, angle = rng.uniform(0, _TILE, (count, 2)), rng.uniform(0, np.pi, count)
    step = rng.uniform(0.3, 1.2, count)[:, None] * scale * np.column_stack((np.cos(angle), np.sin(angle)))
    bend = rng.normal(0, 0.15, (count, 2)) * scale
    paths = np.round(np.stack((start, start + step + bend, start + 2 * step), axis=1) * 256).astype(np.int32)
    for offset in ((0, 0), (_TILE, 0), (0, _TILE), (_TILE, _TILE)):
        # A fiber that leaves the tile comes in again on the other side.
        cv2.polylines(fibers, list(paths - np.array(offset) * 256), False, 255, 1, cv2.LINE_AA, 8)
    depth = 0.5 + uneven / 6 + fibers / 510.0
    tile = np.clip(np.round(depth * style.texture), 0, 255).astype(np.uint8)
    rows, columns = (-(-size // _TILE) for size in shape)
    return np.repeat(np.tile(tile, (rows, columns))[: shape[0], : shape[1], None], 3, axis=2)


def _grid_level(
    scene: Scene, style: PageStyle, homography: NDArray[np.float64], shape: tuple[int, int]
) -> NDArray[np.uint8]:
    """Strength of the grid's ink in every pixel, 0 to 255."""
    scale = style.dpi / 25.4
    to_paper = np.linalg.inv(homography)
    major = _line_profile(_MAJOR, style.major_width, style.major_strength, scale, style.antialias)
    minor = _line_profile(_MINOR, style.minor_width, style.minor_strength, scale, style.antialias)
    lines = np.maximum(minor, major) if style.grid_form == "lines" else major
    phases = [_phase(to_paper[axis], scene.grid_origin[axis], shape) for axis in (0, 1)]
    level = np.maximum(*(lines[phase] for phase in phases))
    if style.grid_form == "dots":
        dots = _line_profile(_MINOR, 2 * style.minor_width, style.major_strength, scale, style.antialias)
        level = np.maximum(level, np.minimum(*(dots[phase] for phase in phases)))
    elif style.grid_form == "dotted":
        dashes = _line_profile(_MINOR / 2, _MINOR / 4, 1.0, scale, style.antialias)
        for along, across in (phases, phases[::-1]):
            level = np.maximum(level, np.minimum(minor[across], dashes[along]))
    if scene.grid_area != (0.0, 0.0, scene.width, scene.height):
        x0, y0, x1, y1 = scene.grid_area
        half = style.major_width / 2
        level &= quadrilateral((x0 - half, y0 - half, x1 + half, y1 + half), homography, shape)
    return level


def _phase(row: NDArray[np.float64], origin: float, shape: tuple[int, int]) -> NDArray[np.uint16]:
    """Where each pixel lies within its 5 mm, in steps of 5 / 4096 mm, from one row of the pixel-to-paper matrix.

    Periods are counted in 32-bit fixed point, whose overflow is the wrap from one 5 mm to the next; a matrix that does
    not mix the axes gives one row or one column instead of the whole picture.
    """
    height, width = shape

    def fraction(millimeters: NDArray[np.float64]) -> NDArray[np.uint32]:
        return ((millimeters / _MAJOR) % 1.0 * 2.0**32).astype(np.uint64).astype(np.uint32)

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
