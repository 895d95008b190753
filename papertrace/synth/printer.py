"""The page printer: twelve leads in, a picture and the exact truth about it out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from digitize.records.layouts import LEAD_NAMES
from papertrace.synth.exposure import Sheet, expose, lay_out
from papertrace.synth.geometry import apply_homography
from papertrace.synth.notes import Notes, draw_notes
from papertrace.synth.pose import pose
from papertrace.synth.presets import preset_style
from papertrace.synth.raster import rasterize
from papertrace.synth.scene import Scene, Trace, compose
from papertrace.synth.style import PageStyle
from papertrace.synth.warp import Warp, make_warp, plane_through
from papertrace.synth.wear import Wear, apply_wear

_SCENE, _NOTES, _WEAR, _PRINT = 1, 2, 3, 8
_HALF_STRIP = 5.0

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 in pixels of the picture."""


@dataclass(frozen=True)
class PrintedStrip:
    """One lead as printed.

    Attributes
    ----------
    lead : str
        One of `digitize.records.layouts.LEAD_NAMES`.
    inverted : bool
        True where it is drawn upside down, as ``-aVR`` is.
    row, column : int
        Place on the page; rhythm strips have column 0 in a row of their own.
    start, end : float
        Time on the record's clock in seconds, `end` excluded.
    gain : float
        mm/mV.
    polyline : ndarray, shape (n, 2), float32
        The samples as ``(x, y)`` in pixels, NaN where the trace cannot be seen: lifted, off the sheet, covered, torn
        off, or out of the picture.
    baseline : ndarray, shape (2, 2), float32
        The line of 0 mV: its points at `start` and at `end`, which may lie out of the picture.
    path : ndarray, shape (n, 2), float32
        The samples as ``(x, y)`` in mm of the flat sheet, seen or not; y NaN where the signal is.
    zero : ndarray, shape (2, 2), float32
        `baseline` in mm of the flat sheet.
    label : str
        The name as printed.
    label_box : Box
        Around the ink of the name, or where it would be.
    """

    lead: str
    inverted: bool
    row: int
    column: int
    start: float
    end: float
    gain: float
    polyline: NDArray[np.float32]
    baseline: NDArray[np.float32]
    path: NDArray[np.float32]
    zero: NDArray[np.float32]
    label: str
    label_box: Box


@dataclass(frozen=True)
class PrintedText:
    """A line of header or footer and the box around its ink."""

    string: str
    box: Box


@dataclass(frozen=True)
class PrintedPage:
    """A picture of a page and the truth about it. Pixel centers are at whole numbers, y points down.

    Attributes
    ----------
    image : ndarray, shape (H, W, 3), uint8
        RGB.
    ink : ndarray, shape (H, W), uint8
        Share of each pixel that the traces' pen covers, 255 where it is all; 0 where the pen cannot be seen.
    signal : ndarray, shape (12, n), float32
        Millivolts in the order of `LEAD_NAMES`, NaN where the picture shows nothing. Where a lead is printed twice, its
        longer strip counts; strips that go on in another row are put together.
    fs : float
        Sampling frequency, Hz.
    strips : tuple of PrintedStrip
    texts : tuple of PrintedText
        Header and footer.
    nodes : ndarray, shape (k, 2), float32
        Pixels of the 5 mm crossings of the grid; empty when there is none.
    layout : str
    speed, gain : float
        mm/s and mm/mV; strips of other gain say so.
    sheet : tuple of float
        Width and height of the paper in mm.
    pixels_per_mm : float
        Mean over the sheet.
    homography : ndarray, shape (3, 3), float64
        Paper mm, from the sheet's upper left corner, to pixels: exact for a flat sheet under a scanner, else the plane
        that fits best.
    warp : Warp
        Pixels to paper mm and back, as exact as the polylines.
    style : PageStyle
        Every knob the page was printed with.
    scene : Scene
        What was printed, in mm of the flat sheet.
    bare : ndarray, shape (h, w), uint8, or None
        Share of each pixel of the flat sheet, at `pixels_per_mm`, where the print can be seen: not covered, torn off or
        pasted over. None where all of it is.
    """

    image: NDArray[np.uint8]
    ink: NDArray[np.uint8]
    signal: NDArray[np.float32]
    fs: float
    strips: tuple[PrintedStrip, ...]
    texts: tuple[PrintedText, ...]
    nodes: NDArray[np.float32]
    layout: str
    speed: float
    gain: float
    sheet: tuple[float, float]
    pixels_per_mm: float
    homography: NDArray[np.float64]
    warp: Warp
    style: PageStyle
    scene: Scene
    bare: NDArray[np.uint8] | None


def render_page(
    signal: ArrayLike, fs: float, style: PageStyle | str | None = None, *, seed: int = 0, **knobs: Any
) -> PrintedPage:
    """Print a recording on paper and take its picture.

    Parameters
    ----------
    signal : array_like, shape (12, n)
        Millivolts in the order of `digitize.records.layouts.LEAD_NAMES`. Where it is NaN the pen is lifted.
    fs : float
        Sampling frequency, Hz.
    style : PageStyle or str, optional
        The page's looks: by default a plain red 3x4 page with lead II below; a name of
        `papertrace.synth.presets.PRESETS` draws them from `seed`.
    seed : int
        Drives everything that is left to chance; one seed gives one page, bit for bit.
    **knobs
        Attributes of `PageStyle` that replace those of `style`.

    Returns
    -------
    PrintedPage

    Raises
    ------
    ValueError
        If the signal is not 12 leads of at least two samples, holds an infinite value, or a knob's value is not
        allowed.
    TypeError
        If a knob does not exist.

    Examples
    --------
    >>> page = render_page(np.zeros((12, 5000)), 500, layout="6x2", dpi=100)
    >>> [strip.label for strip in page.strips][:2]
    ['I', 'V1']
    """
    millivolts = np.array(signal, dtype=np.float64)
    if millivolts.ndim != 2 or millivolts.shape[0] != len(LEAD_NAMES) or millivolts.shape[1] < 2:
        raise ValueError(f"signal has shape {millivolts.shape}; allowed: (12, n) with n of at least 2")
    if np.isinf(millivolts).any():
        raise ValueError("signal holds an infinite value; allowed: millivolts, or NaN where nothing is printed")
    if not (np.isfinite(fs) and fs > 0):
        raise ValueError(f"fs is {fs}; allowed: a positive number of Hz")
    if isinstance(style, str):
        style = preset_style(style, seed)
    chosen = replace(style or PageStyle(), **knobs)

    scene = compose(millivolts, fs, chosen, np.random.default_rng([seed, _SCENE]))
    untouched = chosen.notes == Notes() and chosen.wear == Wear()
    taken = (_scan if untouched and not chosen.capture.moves else _photograph)(scene, fs, chosen, seed)
    strips = _strips(scene, taken, fs, chosen)
    return PrintedPage(
        image=taken.image,
        ink=taken.ink,
        signal=_truth(millivolts, fs, strips),
        fs=fs,
        strips=strips,
        texts=tuple(PrintedText(text.string, box) for text, box in zip(scene.texts, taken.text_boxes, strict=True)),
        nodes=_nodes(scene, taken, chosen),
        layout=chosen.resolved_layout().name,
        speed=chosen.speed,
        gain=chosen.gain,
        sheet=(scene.width, scene.height),
        pixels_per_mm=chosen.dpi / 25.4,
        homography=taken.homography,
        warp=taken.warp,
        style=chosen,
        scene=scene,
        bare=taken.bare,
    )


@dataclass(frozen=True)
class _Taken:
    """A picture and its geometry: sheet mm to pixels, and which points of the sheet can be seen there."""

    image: NDArray[np.uint8]
    ink: NDArray[np.uint8]
    warp: Warp
    homography: NDArray[np.float64]
    label_boxes: list[Box]
    text_boxes: list[Box]
    to_pixels: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    bare: NDArray[np.uint8] | None

    def is_bare(self, points: NDArray[np.float64], scale: float) -> NDArray[np.bool_]:
        """Whether the print can be seen at points of the sheet, shape (n, 2) in mm, at so many pixels a mm."""
        if self.bare is None:
            return np.ones(len(points), np.bool_)
        column, row = np.clip(np.nan_to_num(points) * scale, 0, np.array(self.bare.shape[::-1]) - 1).astype(int).T
        return np.asarray(self.bare[row, column] >= 128, np.bool_)


def _scan(scene: Scene, fs: float, style: PageStyle, seed: int) -> _Taken:
    """Draw a flat sheet where it lies in the picture: nothing is resampled."""
    raster = rasterize(scene, fs, style, np.random.default_rng([seed, _PRINT]))
    turns = style.capture.quarter_turns
    turn = _quarter_turn(raster.image.shape[:2], turns)
    homography = turn @ raster.homography

    def to_pixels(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return apply_homography(homography, points)

    image, ink = (np.ascontiguousarray(np.rot90(layer, -turns)) for layer in (raster.image, raster.ink))
    size = (scene.width, scene.height)
    warp = make_warp(to_pixels, (ink.shape[0], ink.shape[1]), size, style.dpi / 25.4)
    return _Taken(
        expose(image, warp, size, style, seed),
        ink,
        warp,
        homography,
        [_box_around(apply_homography(turn, _outline(box))) for box in raster.label_boxes],
        [_box_around(apply_homography(turn, _outline(box))) for box in raster.text_boxes],
        to_pixels,
        None,
    )


def _photograph(scene: Scene, fs: float, style: PageStyle, seed: int) -> _Taken:
    """Draw a flat upright sheet, write on it, wear it, and take its picture."""
    scale = style.dpi / 25.4
    size = (scene.width, scene.height)
    raster = rasterize(scene, fs, replace(style, rotation=0.0), np.random.default_rng([seed, _PRINT]))
    # A pixel of the upright sheet is placed half a pixel in.
    label_boxes, text_boxes = (
        [_millimeters(box, scale) for box in boxes] for boxes in (raster.label_boxes, raster.text_boxes)
    )
    occupied = [_area(trace) for trace in scene.traces] + label_boxes + text_boxes
    noted = draw_notes(raster.image, scale, occupied, style.notes, np.random.default_rng([seed, _NOTES]))
    worn = apply_wear(noted.image, scale, style.wear, np.random.default_rng([seed, _WEAR]))
    bare = np.minimum(255 - np.maximum(noted.hidden, worn.hidden), worn.paper)

    placed = pose(size, style.capture, style.rotation, scale)
    warp = make_warp(placed.forward, placed.shape, size, scale, worn.offset, worn.spacing)
    ink = np.asarray(cv2.multiply(raster.ink, bare, scale=1 / 255), np.uint8)
    sheet = Sheet(worn.image, ink, worn.paper, size, scale)
    image, ink = lay_out(sheet, warp, style, seed)

    return _Taken(
        expose(image, warp, size, style, seed),
        ink,
        warp,
        plane_through(warp.to_pixels, size),
        [_box_around(warp.to_pixels(_outline(box))) for box in label_boxes],
        [_box_around(warp.to_pixels(_outline(box))) for box in text_boxes],
        warp.to_pixels,
        np.asarray(bare, np.uint8),
    )


def _quarter_turn(shape: tuple[int, ...], turns: int) -> NDArray[np.float64]:
    """Pixels of an upright picture to those of the picture turned clockwise, as a matrix."""
    height, width = shape[:2]
    matrices = [
        [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
        [[0, -1, height - 1], [1, 0, 0], [0, 0, 1]],
        [[-1, 0, width - 1], [0, -1, height - 1], [0, 0, 1]],
        [[0, 1, 0], [-1, 0, width - 1], [0, 0, 1]],
    ]
    return np.array(matrices[turns], float)


def _millimeters(box: Box, scale: float) -> Box:
    x0, y0, x1, y1 = ((edge + 0.5) / scale for edge in box)
    return x0, y0, x1, y1


def _area(trace: Trace) -> Box:
    """The strip's place on the sheet in mm: half a centimeter about its zero line, or all that the pen does."""
    y = trace.path[:, 1]
    reach = np.append(y[np.isfinite(y)], (trace.baseline - _HALF_STRIP, trace.baseline + _HALF_STRIP))
    return float(trace.path[0, 0]), float(reach.min()), float(trace.path[-1, 0]), float(reach.max())


def _outline(box: Box) -> NDArray[np.float64]:
    """Corners of a box and the middles of its sides, shape (8, 2)."""
    x0, y0, x1, y1 = box
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    return np.array([(x0, y0), (x, y0), (x1, y0), (x1, y), (x1, y1), (x, y1), (x0, y1), (x0, y)])


def _box_around(points: NDArray[np.float64]) -> Box:
    (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
    return float(x0), float(y0), float(x1), float(y1)


def _strips(scene: Scene, taken: _Taken, fs: float, style: PageStyle) -> tuple[PrintedStrip, ...]:
    height, width = taken.ink.shape
    paths = np.concatenate([trace.path for trace in scene.traces])
    on_sheet = np.all((paths >= 0) & (paths <= (scene.width, scene.height)), axis=1)
    pixels = np.where((on_sheet & taken.is_bare(paths, style.dpi / 25.4))[:, None], taken.to_pixels(paths), np.nan)
    in_picture = np.all((pixels >= -0.5) & (pixels <= (width - 0.5, height - 0.5)), axis=1)
    pixels = np.where(in_picture[:, None], pixels, np.nan).astype(np.float32)
    polylines = np.split(pixels, np.cumsum([len(trace.path) for trace in scene.traces])[:-1])
    strips = []
    for trace, box, polyline in zip(scene.traces, taken.label_boxes, polylines, strict=True):
        x0 = trace.path[0, 0]
        x1 = x0 + (trace.last - trace.first) / fs * style.speed
        zero = np.array([(x0, trace.baseline), (x1, trace.baseline)])
        strips.append(
            PrintedStrip(
                lead=trace.lead,
                inverted=trace.inverted,
                row=trace.row,
                column=trace.column,
                start=trace.first / fs,
                end=trace.last / fs,
                gain=trace.gain,
                polyline=polyline,
                baseline=taken.to_pixels(zero).astype(np.float32),
                path=trace.path.astype(np.float32),
                zero=zero.astype(np.float32),
                label=trace.label.string,
                label_box=box,
            )
        )
    return tuple(strips)


def _truth(millivolts: NDArray[np.float64], fs: float, strips: tuple[PrintedStrip, ...]) -> NDArray[np.float32]:
    truth = np.full((len(LEAD_NAMES), max(round(strip.end * fs) for strip in strips)), np.nan, np.float32)
    for strip in sorted(strips, key=lambda strip: len(strip.polyline)):
        index, span = LEAD_NAMES.index(strip.lead), slice(round(strip.start * fs), round(strip.end * fs))
        truth[index, span] = np.where(np.isfinite(strip.polyline[:, 1]), millivolts[index, span], np.nan)
    return truth


def _nodes(scene: Scene, taken: _Taken, style: PageStyle) -> NDArray[np.float32]:
    if style.grid == "none":
        return np.zeros((0, 2), np.float32)
    axes = []
    for axis in (0, 1):
        low, high = scene.grid_area[axis], scene.grid_area[axis + 2]
        first = low + (scene.grid_origin[axis] - low) % 5.0
        axes.append(np.arange(first, min(high, (scene.width, scene.height)[axis]) + 1e-6, 5.0))
    crossings = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)
    return taken.to_pixels(crossings).astype(np.float32)
