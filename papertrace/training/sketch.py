"""Draw the picture of a page straight away, without printing and reading it: thirty times as fast.

`classify.picture.picture` leaves of a page its ink at two pixels a millimeter. As much is drawn here from the printer's
own scene (`papertrace.synth.scene`: every layout, paper, pen, lettering), four times as fine and then reduced; what a
reader gets wrong, its scale, its level and where the middle is, is drawn by chance.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from classify.picture.picture import HEIGHT, PIXELS_PER_MM, WIDTH, around
from classify.records.segments import StripSegment
from digitize.records.layouts import LEAD_NAMES
from papertrace.synth.scene import Scene, compose
from papertrace.synth.style import PageStyle, random_style
from papertrace.synth.text import text_mask
from papertrace.training.cells import Cells, Drawn, cells_of

_FINE = 4
_SUBPIXEL = 16


@dataclass(frozen=True)
class Sketch:
    """A drawn picture and the truth about it.

    Attributes
    ----------
    ink : ndarray, shape (HEIGHT, WIDTH), uint8
        See `classify.picture.picture.Picture`.
    cells : Cells
    pieces : tuple of StripSegment
        What its strips show, in millivolts.
    """

    ink: NDArray[np.uint8]
    cells: Cells
    pieces: tuple[StripSegment, ...]


def draw_sketch(signal: NDArray[np.float32], fs: int, rng: np.random.Generator) -> Sketch:
    """Draw a recording on a page of any make.

    Parameters
    ----------
    signal : ndarray, shape (12, n)
        Millivolts.
    fs : int
        Hz.
    rng : numpy.random.Generator
        Source of every choice.

    Returns
    -------
    Sketch

    Examples
    --------
    >>> sketch = draw_sketch(np.zeros((12, 1000), np.float32), 100, np.random.default_rng(0))
    >>> sketch.ink.shape, len(sketch.pieces) > 0
    ((448, 608), True)
    """
    style = random_style(rng)
    scene = compose(np.asarray(signal, np.float64), fs, style, rng)
    matrix = _place(scene, rng)
    drawn = [
        Drawn(
            LEAD_NAMES.index(trace.lead),
            _through(matrix, trace.path),
            _through(matrix, np.array([[trace.path[0, 0], trace.baseline], [trace.path[-1, 0], trace.baseline]])),
        )
        for trace in scene.traces
    ]
    pieces = tuple(StripSegment(own.lead, signal[LEAD_NAMES.index(own.lead), own.first : own.last], own.first / fs)
                   for own in scene.traces)  # fmt: skip
    return Sketch(_draw(scene, matrix, style), cells_of(drawn), pieces)


def _place(scene: Scene, rng: np.random.Generator) -> NDArray[np.float64]:
    """From mm of the sheet to pixels, shape (2, 3): as `classify.picture.picture.picture_of` would, a little wrong."""
    ends = np.concatenate([trace.path[[0, -1], 0] for trace in scene.traces])
    levels = [trace.baseline for trace in scene.traces]
    left, top, right, bottom = around((ends.min(), min(levels), ends.max(), max(levels)), 1.0)
    scale = min(PIXELS_PER_MM, WIDTH / (right - left), HEIGHT / (bottom - top))
    scale *= float(np.exp(rng.normal(0, 0.01) if rng.random() < 0.8 else rng.normal(0, 0.1)))
    angle = np.deg2rad(rng.normal(0, 0.15) if rng.random() < 0.8 else rng.normal(0, 1.5))
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = np.array([(left + right) / 2, (top + bottom) / 2])
    shift = np.array([(WIDTH - 1) / 2, (HEIGHT - 1) / 2]) + rng.normal(0, 5, 2) - linear @ middle
    return np.column_stack([linear, shift])


def _draw(scene: Scene, matrix: NDArray[np.float64], style: PageStyle) -> NDArray[np.uint8]:
    canvas = np.zeros((HEIGHT * _FINE, WIDTH * _FINE), np.uint8)
    fine = matrix * _FINE
    fine[:, 2] += (_FINE - 1) / 2
    scale = float(np.hypot(*fine[:, 0]))
    strokes = [(stroke.path, stroke.width) for stroke in scene.marks]
    if scene.joins:
        for row in {trace.row for trace in scene.traces}:
            path = np.concatenate([trace.path for trace in scene.traces if trace.row == row])
            strokes.append((path, style.pen_width))
    else:
        strokes += [(trace.path, style.pen_width) for trace in scene.traces]
    for path, width in strokes:
        points = _through(fine, path)
        points = points[np.isfinite(points).all(axis=1)]
        if len(points) > 1:
            at = np.rint(np.clip(points, -30_000, 30_000) * _SUBPIXEL).astype(np.int32)
            cv2.polylines(canvas, [at], False, 255, max(1, round(width * scale)), cv2.LINE_AA, 4)
    for text in (*(trace.label for trace in scene.traces), *scene.texts):
        mask = text_mask(text.string, style.font, float(max(4, round(text.size * scale))))
        x, y = np.rint(_through(fine, np.array([[text.x, text.y]]))[0] - (mask.left, mask.baseline)).astype(int)
        height, width = mask.coverage.shape
        under = canvas[max(y, 0) : max(y + height, 0), max(x, 0) : max(x + width, 0)]
        over = mask.coverage[max(-y, 0) :, max(-x, 0) :][: under.shape[0], : under.shape[1]]
        np.maximum(under[: over.shape[0], : over.shape[1]], over, out=under[: over.shape[0], : over.shape[1]])
    return np.asarray(cv2.resize(canvas, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA), np.uint8)


def _through(matrix: NDArray[np.float64], points: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.asarray(points @ matrix[:, :2].T + matrix[:, 2])
