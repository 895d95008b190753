"""From millimeters to pixels: every line and letter as the share of each pixel that its ink covers.

Pixel centers are at whole numbers, so paper point ``p`` mm from the corner of an upright page lies at
``p * dpi / 25.4 - 0.5`` pixels. Lines, dots and text are placed at exact sub-pixel positions; skew is part of the
placement, so nothing is ever resampled.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from papertrace.synth.canvas import RGB
from papertrace.synth.geometry import apply_homography, quadrilateral
from papertrace.synth.halftone import screened, with_ragged_edge
from papertrace.synth.ink import from_head, ink_strength
from papertrace.synth.paper import gridded_paper
from papertrace.synth.pen import draw_line, merge, thin_with_speed
from papertrace.synth.scene import Scene, Text, Trace
from papertrace.synth.style import PageStyle
from papertrace.synth.text import TextMask, text_mask
from papertrace.synth.upsample import upsample

_TEXT_OVERSAMPLING = 4
_BLACK = 60
"""Level up to which a printer prints ink without a screen, by black toner alone."""
_BAND_EDGE_MM = 0.7

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Raster:
    """A drawn scene.

    Attributes
    ----------
    image : ndarray, shape (H, W, 3), uint8
    ink : ndarray, shape (H, W), uint8
        Coverage by the pen of the traces alone, 255 where it is full: all of the pen's way, also where ink has faded
        or dropped out.
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
    label_boxes: list[Box]
    text_boxes: list[Box]


def rasterize(scene: Scene, fs: float, style: PageStyle, rng: np.random.Generator) -> Raster:
    """Draw a scene at the style's resolution and skew.

    Parameters
    ----------
    scene : Scene
    fs : float
        Sampling frequency of the traces, Hz: how densely the pen's way is interpolated.
    style : PageStyle
    rng : numpy.random.Generator
        Source of what is uneven in paper and ink.

    Returns
    -------
    Raster
    """
    paper_rng, ink_rng, toner_rng = rng.spawn(3)
    homography, shape = _placement(scene, style)
    image = gridded_paper(scene, style, homography, shape, paper_rng)
    paths = pen_paths(scene, fs, style.dpi / 25.4, style.speed)
    if style.dot_pitch:
        pitch = style.dot_pitch
        to_head = np.array([[1 / pitch, 0, -0.5], [0, 1 / pitch, -0.5], [0, 0, 1]])
        head = (int(np.ceil(scene.height / pitch)), int(np.ceil(scene.width / pitch)))
        dots = _layers(scene, paths, style, to_head, head, 25.4 / pitch, False)
        ink, marks, text = (from_head(layer, pitch, homography, shape) for layer in dots)
    else:
        ink, marks, text = _layers(scene, paths, style, homography, shape, style.dpi, style.antialias)
    if style.rotation:
        sheet = quadrilateral((0.0, 0.0, scene.width, scene.height), homography, shape)
        for layer in (ink, marks, text):
            np.minimum(layer, sheet, out=layer)
        _paint(image, 255 - sheet, style.bed_color)

    strength = ink_strength((scene.width, scene.height), style, homography, shape, ink_rng)
    trace = ink
    if style.pen_thinning and not style.dot_pitch:
        trace = _thinned(ink, paths, style, homography)
    label_boxes = [_ink_box(trace.label, homography, style) for trace in scene.traces]
    if style.label_band is not None:
        for box in label_boxes:
            _lay_band(image, box, style.label_band, style)
    for layer, color in ((np.maximum(trace, marks), style.pen_color), (text, style.text_color)):
        if strength is not None:
            cv2.multiply(layer, strength, layer, 1 / 255)
        if style.toner:
            layer = with_ragged_edge(layer, style.toner, style.dpi / 25.4, toner_rng)
        if style.screen and max(color) > _BLACK:
            _paint_dots(image, screened(layer, color, homography, style.screen / 25.4), color)
        else:
            _paint(image, layer, color)
    text_boxes = [_ink_box(line, homography, style) for line in scene.texts]
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


def _layers(
    scene: Scene,
    paths: list[NDArray[np.float64]],
    style: PageStyle,
    homography: NDArray[np.float64],
    shape: tuple[int, int],
    dpi: float,
    antialias: bool,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """Coverage by the traces' pen, by marks and by text."""
    scale = dpi / 25.4
    ink, marks, text = (np.zeros(shape, np.uint8) for _ in range(3))
    for path in paths:
        draw_line(ink, apply_homography(homography, path), style.pen_width * scale, dpi, antialias)
    for stroke in scene.marks:
        draw_line(marks, apply_homography(homography, stroke.path), stroke.width * scale, dpi, antialias)
    for line in (*(trace.label for trace in scene.traces), *scene.texts):
        write_text(text, line, homography, style, dpi, antialias)
    return ink, marks, text


def _thinned(
    ink: NDArray[np.uint8], paths: list[NDArray[np.float64]], style: PageStyle, homography: NDArray[np.float64]
) -> NDArray[np.uint8]:
    """The traces' ink, less of it where the pen was fast."""
    strength = np.full_like(ink, 255)
    for path in paths:
        thin_with_speed(
            strength, apply_homography(homography, path), style.pen_width * style.dpi / 25.4, style.pen_thinning
        )
    return np.asarray(cv2.multiply(ink, strength, scale=1 / 255), np.uint8)


def pen_paths(scene: Scene, fs: float, scale: float, speed: float) -> list[NDArray[np.float64]]:
    """Find the ways of the pen from where it goes down to where it goes up again.

    Parameters
    ----------
    scene : Scene
    fs : float
        Sampling frequency of the traces, Hz.
    scale : float
        Pixels a millimeter of what is drawn: there are at least four points a pixel.
    speed : float
        mm/s.

    Returns
    -------
    list of ndarray, shape (n, 2), float64
        In mm: runs of finite samples, interpolated; joined columns are one run.
    """
    factor = max(1, int(np.ceil(4 * scale * speed / fs)))
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


def write_text(
    layer: NDArray[np.uint8],
    text: Text,
    homography: NDArray[np.float64],
    style: PageStyle,
    dpi: float,
    antialias: bool,
) -> None:
    """Add a line of text to a layer, in place.

    Parameters
    ----------
    layer : ndarray, shape (H, W), uint8
        Coverage.
    text : Text
    homography : ndarray, shape (3, 3)
        Paper mm to pixels of the layer.
    style : PageStyle
        Gives the font.
    dpi : float
        Of the layer.
    antialias : bool
        See `papertrace.synth.pen.draw_line`.
    """
    fine = _TEXT_OVERSAMPLING
    scale = dpi / 25.4 * fine
    mask = text_mask(text.string, style.font, text.size * scale)
    corners = _corners(text, mask, scale, homography)
    left, top = np.maximum(np.floor(corners.min(axis=0)).astype(int) - 1, 0)
    right, bottom = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 2, layer.shape[::-1])
    if right <= left or bottom <= top:
        return
    mask_to_paper = np.array(
        [
            [1 / scale, 0, text.x + (0.5 - mask.left) / scale],
            [0, 1 / scale, text.y + (0.5 - mask.baseline) / scale],
            [0, 0, 1],
        ]
    )
    to_tile = np.array([[fine, 0, (0.5 - left) * fine - 0.5], [0, fine, (0.5 - top) * fine - 0.5], [0, 0, 1]], float)
    matrix = to_tile @ homography @ mask_to_paper
    size = (int(right - left) * fine, int(bottom - top) * fine)
    tile = np.asarray(cv2.warpAffine(mask.coverage, matrix[:2], size, flags=cv2.INTER_LINEAR), np.uint8)
    merge(layer, tile, int(left), int(top), fine, antialias)


def _ink_box(text: Text, homography: NDArray[np.float64], style: PageStyle) -> Box:
    """Box of a line's ink in pixels."""
    scale = style.dpi / 25.4 * _TEXT_OVERSAMPLING
    corners = _corners(text, text_mask(text.string, style.font, text.size * scale), scale, homography)
    (x0, y0), (x1, y1) = corners.min(axis=0), corners.max(axis=0)
    return float(x0), float(y0), float(x1), float(y1)


def _corners(text: Text, mask: TextMask, scale: float, homography: NDArray[np.float64]) -> NDArray[np.float64]:
    """Corners of the rectangle around a line's ink."""
    rows, columns = np.flatnonzero(mask.coverage.any(axis=1)), np.flatnonzero(mask.coverage.any(axis=0))
    ends = np.array([(columns[0], rows[0]), (columns[-1] + 1, rows[-1] + 1)]) - (mask.left, mask.baseline)
    (x0, y0), (x1, y1) = ends / scale + (text.x, text.y)
    return apply_homography(homography, np.array([(x0, y0), (x1, y0), (x0, y1), (x1, y1)]))


def _lay_band(image: NDArray[np.uint8], box: Box, color: RGB, style: PageStyle) -> None:
    """Lay a band of one color below a lead name, in place."""
    edge = _BAND_EDGE_MM * style.dpi / 25.4
    x0, y0, x1, y1 = (round(side) for side in (box[0] - edge, box[1] - edge, box[2] + edge, box[3] + edge))
    cv2.rectangle(image, (x0, y0), (x1, y1), color, -1)


def _paint(image: NDArray[np.uint8], coverage: NDArray[np.uint8], color: RGB) -> None:
    """Lay ink over the image, in place."""
    # Of truth values the places are found many times faster than of levels.
    inked = np.flatnonzero(coverage > 0)
    flat = image.reshape(-1, 3)
    share = coverage.reshape(-1)[inked, None].astype(np.float32) / 255
    flat[inked] = np.round(flat[inked] * (1 - share) + np.array(color, np.float32) * share).astype(np.uint8)


def _paint_dots(image: NDArray[np.uint8], dots: list[NDArray[np.uint8]], color: RGB) -> None:
    """Lay ink in dots over the image, each color of light by itself, in place."""
    inked = np.flatnonzero(cv2.max(cv2.max(dots[0], dots[1]), dots[2]) > 0)
    flat = image.reshape(-1, 3)
    share = np.stack([dot.reshape(-1)[inked] for dot in dots], axis=1).astype(np.float32) / 255
    flat[inked] = np.round(flat[inked] * (1 - share) + np.array(color, np.float32) * share).astype(np.uint8)
