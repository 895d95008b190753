"""Pages for training, straight from records: no files, and upright windows around every strip with their truth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from papertrace.synth.files import read_record
from papertrace.synth.printer import PrintedPage, PrintedStrip, render_page
from papertrace.synth.style import PageStyle
from papertrace.synth.upsample import upsample
from papertrace.synth.warp import fill_lattice

Source = str | Path | tuple[ArrayLike, float]
"""A WFDB record, or millivolts of shape (12, n) and their sampling frequency in Hz."""

_WARP_STEP = 1.0


@dataclass(frozen=True)
class StripWindows:
    """The windows of one strip.

    Attributes
    ----------
    images : ndarray, shape (n, h, w, 3), uint8
        Upright: time runs right at `pixels_per_mm`, voltage up; the strip's zero line lies in the middle, at row
        ``(h - 1) / 2``. Where the picture ends, its edge is repeated.
    centers : ndarray, shape (n, w), float32
        Row of the pen's center in each column, NaN where the picture does not show it.
    page : PrintedPage
    strip : PrintedStrip
    """

    images: NDArray[np.uint8]
    centers: NDArray[np.float32]
    page: PrintedPage
    strip: PrintedStrip


def stream_pages(
    records: Sequence[Source],
    style: PageStyle | str | None = "random",
    seed: int = 0,
    *,
    passes: int | None = 1,
    worker: tuple[int, int] = (0, 1),
    **knobs: Any,
) -> Iterator[PrintedPage]:
    """Print page after page.

    Page number i, counted over all passes, shows record ``i % len(records)`` with the seed ``seed + i``: what it looks
    like depends on neither the other pages nor the number of workers.

    Parameters
    ----------
    records : sequence of (str, Path or tuple)
        WFDB records, or pairs of millivolts, shape (12, n), and Hz.
    style, **knobs
        As for `papertrace.synth.render_page`.
    seed : int
        Of the first page.
    passes : int or None
        How many times each record is printed; None goes on for ever.
    worker : tuple of int
        Index of this worker and number of all: it prints the pages with ``i % number == index``.

    Yields
    ------
    PrintedPage

    Raises
    ------
    ValueError
        If there is no record, or passes or worker make no sense.

    Examples
    --------
    >>> pages = stream_pages([(np.zeros((12, 1000)), 500)], None, passes=2, layout="II", dpi=72)
    >>> [page.layout for page in pages]
    ['II', 'II']
    """
    index, number = worker
    if not len(records):
        raise ValueError("records is empty; allowed: at least one")
    if passes is not None and passes < 1:
        raise ValueError(f"passes is {passes}; allowed: None or at least 1")
    if not 0 <= index < number:
        raise ValueError(f"worker is {worker}; allowed: (index, number) with 0 <= index < number")
    return _print(records, style, seed, passes, worker, knobs)


def _print(
    records: Sequence[Source],
    style: PageStyle | str | None,
    seed: int,
    passes: int | None,
    worker: tuple[int, int],
    knobs: dict[str, Any],
) -> Iterator[PrintedPage]:
    index, number = worker
    for place in count(index, number):
        if passes is not None and place >= passes * len(records):
            return
        source = records[place % len(records)]
        signal, fs = source if isinstance(source, tuple) else read_record(source)
        yield render_page(signal, fs, style, seed=seed + place, **knobs)


def stream_windows(
    pages: Iterator[PrintedPage] | Sequence[PrintedPage], width_mm: float, height_mm: float, pixels_per_mm: float
) -> Iterator[StripWindows]:
    """Cut every strip of every page into windows.

    Parameters
    ----------
    pages : iterable of PrintedPage
        `stream_pages`, for one.
    width_mm, height_mm, pixels_per_mm : float
        As for `strip_windows`.

    Yields
    ------
    StripWindows

    Examples
    --------
    >>> pages = stream_pages([(np.zeros((12, 1000)), 500)], None, layout="limb-3x1", dpi=72)
    >>> [cut.strip.lead for cut in stream_windows(pages, 20.0, 10.0, 4.0)]
    ['I', 'II', 'III']
    """
    for page in pages:
        for strip in page.strips:
            images, centers = strip_windows(page, strip, width_mm, height_mm, pixels_per_mm)
            yield StripWindows(images, centers, page, strip)


def strip_windows(
    page: PrintedPage, strip: PrintedStrip, width_mm: float, height_mm: float, pixels_per_mm: float
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Cut a strip into upright windows of one size, whatever became of the paper.

    The windows follow one another from the strip's first sample on; the last one may reach past its end.

    Parameters
    ----------
    page : PrintedPage
    strip : PrintedStrip
        One of the page's.
    width_mm, height_mm : float
        Size of a window on the paper.
    pixels_per_mm : float
        Of the windows.

    Returns
    -------
    images : ndarray, shape (n, h, w, 3), uint8
        Column c of window k lies ``k * width + (c + 0.5) / pixels_per_mm`` mm after the strip's start; row r lies
        ``((h - 1) / 2 - r) / pixels_per_mm`` mm above its zero line.
    centers : ndarray, shape (n, w), float32
        Row of the pen's center in each column: the band-limited curve that the pen drew, NaN where it cannot be seen.

    Raises
    ------
    ValueError
        If a window has no pixels.

    Examples
    --------
    >>> from papertrace.synth import render_page
    >>> page = render_page(np.zeros((12, 1000)), 500, layout="limb-3x1", dpi=100)
    >>> images, centers = strip_windows(page, page.strips[1], 20.0, 10.0, 4.0)
    >>> images.shape, centers.shape, float(centers[0, 5])
    ((3, 40, 80, 3), (3, 80), 19.5)
    """
    width, height = round(width_mm * pixels_per_mm), round(height_mm * pixels_per_mm)
    if width < 1 or height < 1:
        raise ValueError(f"a window of {width_mm} x {height_mm} mm at {pixels_per_mm} has no pixel; allowed: more")
    (x0, zero), (x1, _) = strip.zero.astype(float)
    columns = int(np.ceil((x1 - x0) * pixels_per_mm / width - 1e-6)) * width

    # The paper is smooth over a millimeter: place a coarse lattice exactly, and what lies between by straight lines.
    step = max(1, int(_WARP_STEP * pixels_per_mm))
    counts = [int(np.ceil(extent / step)) + 2 for extent in (columns, height)]
    across, down = (((np.arange(n) - 0.5) * step - 0.5) for n in counts)
    x = x0 + (across + 0.5) / pixels_per_mm
    y = zero + (down - (height - 1) / 2) / pixels_per_mm
    lattice = page.warp.to_pixels(np.stack(np.meshgrid(x, y), axis=-1)).astype(np.float32)
    cut = cv2.remap(
        page.image,
        *fill_lattice(lattice, step, (height, columns)),
        cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    images = np.asarray(cut, np.uint8).reshape(height, -1, width, 3).transpose(1, 0, 2, 3)

    at = x0 + (np.arange(columns) + 0.5) / pixels_per_mm
    centers = (_pen(strip, at, pixels_per_mm) - zero) * pixels_per_mm + (height - 1) / 2
    return np.ascontiguousarray(images), centers.astype(np.float32).reshape(-1, width)


def _pen(strip: PrintedStrip, at: NDArray[np.float64], pixels_per_mm: float) -> NDArray[np.float64]:
    """Height of the pen, mm of paper, at places along it; NaN where either neighboring sample cannot be seen."""
    path = strip.path.astype(float)
    drawn = np.isfinite(path[:, 1])
    heights = np.full(len(at), np.nan)
    spacing = (path[-1, 0] - path[0, 0]) / max(len(path) - 1, 1)
    factor = max(1, int(np.ceil(2 * spacing * pixels_per_mm)))
    edges = np.flatnonzero(np.diff(np.concatenate(([False], drawn, [False])).astype(int)))
    for start, end in edges.reshape(-1, 2):
        x, y = (upsample(axis, factor) for axis in path[start:end].T)
        inside = (at >= x[0]) & (at <= x[-1])
        heights[inside] = np.interp(at[inside], x, y)
    seen = np.asarray(np.isfinite(strip.polyline).all(axis=1))
    index = np.searchsorted(path[:, 0], at)
    before, after = np.clip(index - 1, 0, len(path) - 1), np.clip(index, 0, len(path) - 1)
    return np.where(seen[before] & seen[after], heights, np.nan)
