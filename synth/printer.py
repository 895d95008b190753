"""The page printer: twelve leads in, a picture and the exact truth about it out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from digitize.layouts import LEAD_NAMES
from synth.raster import Raster, apply_homography, rasterise
from synth.scene import Scene, compose
from synth.style import PageStyle, random_style

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 in pixels of the picture."""


@dataclass(frozen=True)
class PrintedStrip:
    """One lead as printed.

    Attributes
    ----------
    lead : str
        One of `digitize.layouts.LEAD_NAMES`.
    inverted : bool
        True where it is drawn upside down, as ``-aVR`` is.
    row, column : int
        Place on the page; rhythm strips have column 0 in a row of their own.
    start, end : float
        Time on the record's clock in seconds, `end` excluded.
    gain : float
        mm/mV.
    polyline : ndarray, shape (n, 2), float32
        The samples as ``(x, y)`` in pixels, NaN where the trace is not on the page.
    baseline : ndarray, shape (2, 2), float32
        The line of 0 mV: its points at `start` and at `end`.
    label : str
        The name as printed.
    label_box : Box
        Around the ink of the name.
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
    label: str
    label_box: Box


@dataclass(frozen=True)
class PrintedText:
    """A line of header or footer and the box around its ink."""

    string: str
    box: Box


@dataclass(frozen=True)
class PrintedPage:
    """A picture of a page and the truth about it. Pixel centres are at whole numbers, y points down.

    Attributes
    ----------
    image : ndarray, shape (H, W, 3), uint8
        RGB.
    ink : ndarray, shape (H, W), uint8
        Share of each pixel that the traces' pen covers, 255 where it is all.
    signal : ndarray, shape (12, n), float32
        Millivolts in the order of `LEAD_NAMES`, NaN where the page shows nothing. Where a lead is printed twice, its
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
    pixels_per_mm : float
    homography : ndarray, shape (3, 3), float64
        Paper mm, from the sheet's upper left corner, to pixels.
    style : PageStyle
        Every knob the page was printed with.
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
    pixels_per_mm: float
    homography: NDArray[np.float64]
    style: PageStyle


def render_page(
    signal: ArrayLike, fs: float, style: PageStyle | str | None = None, *, seed: int = 0, **knobs: Any
) -> PrintedPage:
    """Print a recording on paper and take its picture.

    Parameters
    ----------
    signal : array_like, shape (12, n)
        Millivolts in the order of `digitize.layouts.LEAD_NAMES`. Where it is NaN the pen is lifted.
    fs : float
        Sampling frequency, Hz.
    style : PageStyle or "random", optional
        The page's looks: by default a plain red 3x4 page with lead II below; ``"random"`` draws them from `seed`.
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
        if style != "random":
            raise ValueError(f"style is {style!r}; allowed: 'random', a PageStyle or None")
        style = random_style(np.random.default_rng([seed, 0]))
    chosen = replace(style or PageStyle(), **knobs)

    scene = compose(millivolts, fs, chosen, np.random.default_rng([seed, 1]))
    raster = rasterise(scene, fs, chosen, np.random.default_rng([seed, 2]))
    strips = _strips(scene, raster, fs, chosen)
    return PrintedPage(
        image=_finish(raster.image, chosen),
        ink=raster.ink,
        signal=_truth(millivolts, fs, strips),
        fs=fs,
        strips=strips,
        texts=tuple(PrintedText(text.string, box) for text, box in zip(scene.texts, raster.text_boxes, strict=True)),
        nodes=_nodes(scene, raster, chosen),
        layout=chosen.resolved_layout().name,
        speed=chosen.speed,
        gain=chosen.gain,
        pixels_per_mm=chosen.dpi / 25.4,
        homography=raster.homography,
        style=chosen,
    )


def _strips(scene: Scene, raster: Raster, fs: float, style: PageStyle) -> tuple[PrintedStrip, ...]:
    strips = []
    for trace, box in zip(scene.traces, raster.label_boxes, strict=True):
        on_sheet = np.all((trace.path >= 0) & (trace.path <= (scene.width, scene.height)), axis=1)
        polyline = np.where(on_sheet[:, None], apply_homography(raster.homography, trace.path), np.nan)
        x0 = trace.path[0, 0]
        x1 = x0 + (trace.last - trace.first) / fs * style.speed
        baseline = apply_homography(raster.homography, np.array([(x0, trace.baseline), (x1, trace.baseline)]))
        strips.append(
            PrintedStrip(
                lead=trace.lead,
                inverted=trace.inverted,
                row=trace.row,
                column=trace.column,
                start=trace.first / fs,
                end=trace.last / fs,
                gain=trace.gain,
                polyline=polyline.astype(np.float32),
                baseline=baseline.astype(np.float32),
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


def _nodes(scene: Scene, raster: Raster, style: PageStyle) -> NDArray[np.float32]:
    if style.grid == "none":
        return np.zeros((0, 2), np.float32)
    axes = []
    for axis in (0, 1):
        low, high = scene.grid_area[axis], scene.grid_area[axis + 2]
        first = low + (scene.grid_origin[axis] - low) % 5.0
        axes.append(np.arange(first, min(high, (scene.width, scene.height)[axis]) + 1e-6, 5.0))
    crossings = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)
    return apply_homography(raster.homography, crossings).astype(np.float32)


def _finish(image: NDArray[np.uint8], style: PageStyle) -> NDArray[np.uint8]:
    """Do to the picture what colour modes and file formats do."""
    if style.color != "rgb":
        grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
        if style.color == "1-bit":
            grey = np.where(grey >= 128, np.uint8(255), np.uint8(0))
        image = np.repeat(grey[..., None], 3, axis=2)
    if style.jpeg is not None:
        _, encoded = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, style.jpeg])
        decoded = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)
        image = np.ascontiguousarray(decoded[..., ::-1])
    return image
