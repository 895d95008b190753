"""Lay a printed page flat, and tell of each of its pixels what is printed there.

The exact inverse of what bent the sheet puts its picture upright at a fixed scale: what a perfect reading of the
geometry would see, with all that light, paper and device did to it. The print is drawn once more from the scene, kind
by kind, so a network can be taught to tell the kinds apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from digitize.records.kinds import KINDS
from papertrace.synth.geometry import quadrilateral
from papertrace.synth.pen import draw_line
from papertrace.synth.printer import PrintedPage
from papertrace.synth.raster import pen_paths, write_text

_CELL = 16
"""Pixels between points whose place in the picture is computed; between them it is interpolated."""
_MAJOR_MM = 5.0
_LEAST_LINE_MM = 0.25
"""Width at which a grid line is marked, at least."""
_SMOOTH = 0.4
"""Blur before a page is made smaller, in pixels of the smaller one."""


@dataclass(frozen=True)
class FlatPage:
    """A page laid flat, and the truth about its pixels.

    Attributes
    ----------
    image : ndarray, shape (h, w, 3), uint8
        RGB; the sheet and a margin around it.
    seen : ndarray, shape (h, w), bool
        Where the truth can be seen: in the picture, and not covered or torn off.
    kinds : ndarray, shape (len(KINDS), h, w), uint8
        Coverage of each pixel by print of each kind, 255 where it is full.
    """

    image: NDArray[np.uint8]
    seen: NDArray[np.bool_]
    kinds: NDArray[np.uint8]


def lay_flat(page: PrintedPage, pixels_per_mm: float = 10.0, margin: float = 8.0) -> FlatPage:
    """Lay a printed page flat.

    Parameters
    ----------
    page : PrintedPage
    pixels_per_mm : float
    margin : float
        Of what lies around the sheet, mm.

    Returns
    -------
    FlatPage

    Examples
    --------
    >>> from papertrace.synth import render_page
    >>> flat = lay_flat(render_page(np.zeros((12, 5000)), 500, dpi=100), margin=0.0)
    >>> pen = flat.kinds[KINDS.index("pen")] > 128
    >>> bool(flat.image[pen].mean() < flat.image[~pen].mean() - 50)
    True
    """
    width, height = (round((side + 2 * margin) * pixels_per_mm) for side in page.sheet)
    x, y = _places(page, (height, width), pixels_per_mm, margin)
    enlargement = pixels_per_mm / page.pixels_per_mm
    source = cv2.GaussianBlur(page.image, (0, 0), _SMOOTH / enlargement) if enlargement < 0.7 else page.image
    image = cv2.remap(source, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    rows, columns = page.image.shape[:2]
    seen = (x >= 0) & (x <= columns - 1) & (y >= 0) & (y <= rows - 1)
    matrix = np.array([[1, 0, margin - 0.5 / pixels_per_mm], [0, 1, margin - 0.5 / pixels_per_mm], [0, 0, 1]])
    matrix[:2] *= pixels_per_mm
    if page.bare is not None:
        inner = (slice(round(margin * pixels_per_mm), height - round(margin * pixels_per_mm)),
                 slice(round(margin * pixels_per_mm), width - round(margin * pixels_per_mm)))  # fmt: skip
        size = (seen[inner].shape[1], seen[inner].shape[0])
        seen[inner] &= cv2.resize(page.bare, size, interpolation=cv2.INTER_AREA) >= 128
    return FlatPage(np.asarray(image, np.uint8), seen, _kinds(page, matrix, (height, width), pixels_per_mm))


def _places(
    page: PrintedPage, shape: tuple[int, int], pixels_per_mm: float, margin: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Where the pixels of the flat page lie in the picture: x and y, each of `shape`."""
    nodes = [np.arange(-(-side // _CELL) + 2) * _CELL - (_CELL + 1) / 2 for side in shape]
    sheet = (np.stack(np.meshgrid(nodes[1], nodes[0]), axis=-1) + 0.5) / pixels_per_mm - margin
    picture = page.warp.to_pixels(sheet).astype(np.float32)
    dense = cv2.resize(picture, None, fx=_CELL, fy=_CELL, interpolation=cv2.INTER_LINEAR)
    dense = dense[_CELL : _CELL + shape[0], _CELL : _CELL + shape[1]]
    return np.ascontiguousarray(dense[..., 0]), np.ascontiguousarray(dense[..., 1])


def _kinds(
    page: PrintedPage, matrix: NDArray[np.float64], shape: tuple[int, int], pixels_per_mm: float
) -> NDArray[np.uint8]:
    """Coverage by print of each kind; `matrix` leads from mm of the sheet to pixels."""
    scene, style, dpi = page.scene, page.style, pixels_per_mm * 25.4
    kinds = np.zeros((len(KINDS), *shape), np.uint8)
    layers = dict(zip(KINDS, kinds, strict=True))
    for path in pen_paths(scene, page.fs, pixels_per_mm, page.speed):
        draw_line(layers["pen"], _through(matrix, path), style.pen_width * pixels_per_mm, dpi, True)
    for stroke in scene.marks:
        if stroke.kind == "ruled":
            continue
        layer = layers["text" if stroke.kind == "underline" else stroke.kind]
        draw_line(layer, _through(matrix, stroke.path), stroke.width * pixels_per_mm, dpi, True)
    for trace in scene.traces:
        write_text(layers["name"], trace.label, matrix, style, dpi, True)
    for text in scene.texts:
        write_text(layers["text"], text, matrix, style, dpi, True)
    if style.grid != "none":
        area = quadrilateral(scene.grid_area, matrix, shape) > 127
        half = max(style.major_width, _LEAST_LINE_MM) / 2 * pixels_per_mm
        for axis, kind in ((0, "upright"), (1, "level")):
            at = np.arange(shape[1 - axis]) - matrix[axis, 2]
            pitch = _MAJOR_MM * pixels_per_mm
            off = np.abs((at - scene.grid_origin[axis] * pixels_per_mm + pitch / 2) % pitch - pitch / 2)
            line = (np.clip(half + 0.5 - off, 0, 1) * 255).astype(np.uint8)
            layers[kind][:] = np.where(area, line if axis == 0 else line[:, None], 0)
    return kinds


def _through(matrix: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(points @ matrix[:2, :2].T + matrix[:2, 2])
