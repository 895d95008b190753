"""A page as other programs draw it: the same sheet by reportlab, cairo and matplotlib."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from digitize.records.layouts import LEAD_NAMES, Layout, find_layout, lead_of, sign_of

WIDTH, HEIGHT = 280.0, 200.0
"""Size of the sheet, mm."""

POINT = 72 / 25.4
"""Points of a millimeter."""

LEFT, FIRST_ROW, ROW = 20.0, 40.0, 35.0
"""Where the traces begin, where the first row is, and how far apart rows are, mm."""

RATE = 500
"""Points a second."""


class Stroke(NamedTuple):
    """A line through points (mm, y downward), its color and width (mm), and the trace that it is a part of, or -1."""

    points: NDArray[np.float64]
    color: tuple[float, float, float]
    width: float
    trace: int = -1


class Sheet(NamedTuple):
    """Lines and texts (x, y, words; mm) of a page, and what it shows (12, n), mV."""

    strokes: Sequence[Stroke]
    texts: Sequence[tuple[float, float, str]]
    truth: NDArray[np.float64]


def sheet_of(
    recording: NDArray[np.floating],
    layout: Layout | str = "3x4+II",
    *,
    speed: float = 25.0,
    gain: float = 10.0,
    grid: bool = True,
    pulse: str = "apart",
    scale: str = "{speed:g} mm/s  {gain:g} mm/mV",
    names: bool = True,
) -> Sheet:
    """Lay out a recording: pulses are ``"apart"``, ``"joined"`` to their traces, or there are none (``""``)."""
    found = find_layout(layout) if isinstance(layout, str) else layout
    strokes = list(_grid()) if grid else []
    texts = [(LEFT, HEIGHT - 8, scale.format(speed=speed, gain=gain))]
    truth = np.full(recording.shape, np.nan)
    number = 0
    for row, labels in enumerate(found.all_rows):
        zero = FIRST_ROW + ROW * row
        foot = np.array([(-9, 0), (-7, 0), (-7, -gain), (-7 + speed / 5, -gain), (-7 + speed / 5, 0), (-1, 0)], float)
        foot += [LEFT, zero]
        count = recording.shape[1] // len(labels)
        for column, label in enumerate(labels):
            lead, shown = LEAD_NAMES.index(lead_of(label)), slice(column * count, (column + 1) * count)
            mv = sign_of(label) * recording[lead, shown]
            x = LEFT + (np.arange(count) + column * count) / RATE * speed
            points = np.stack([x, zero - mv * gain], axis=1)
            if pulse == "joined" and column == 0:
                points = np.concatenate([foot, points])
            elif pulse and column == 0:
                strokes.append(Stroke(foot, (0, 0, 0), 0.3))
            strokes.append(Stroke(points, (0, 0, 0), 0.3, number))
            truth[lead, shown] = recording[lead, shown]
            number += 1
            if names:
                texts.append((x[0] + 1, zero - 12, label))
    return Sheet(strokes, texts, truth)


def _grid() -> Iterator[Stroke]:
    for at, size, other, flip in ((10.0, WIDTH, HEIGHT, 1), (10.0, HEIGHT, WIDTH, -1)):
        for k, place in enumerate(np.arange(at, size - 9.5, 1.0)):
            ends = np.array([(place, 10.0), (place, other - 10.0)])[:, ::flip]
            yield Stroke(ends, (1.0, 0.6, 0.6) if k % 5 == 0 else (1.0, 0.85, 0.85), 0.2 if k % 5 == 0 else 0.1)


def by_reportlab(
    sheet: Sheet,
    *,
    around: Callable[[Any], AbstractContextManager[None]] | None = None,
    pieces: bool = False,
    subpaths: int = 1,
    size: tuple[float, float] = (WIDTH, HEIGHT),
    turned: int = 0,
    factor: float = 1.0,
) -> bytes:
    """Draw a sheet; `pieces` draws each step of a trace as a line of its own, `subpaths` parts them within a path.

    `around` wraps all of it, `factor` scales it in a form, `turned` is the page's /Rotate.
    """
    from reportlab.pdfgen import canvas

    file = io.BytesIO()
    # It turns the sheet, too.
    size = size[::-1] if turned in (90, 270) else size
    page = canvas.Canvas(file, pagesize=(size[0] * POINT * factor, size[1] * POINT * factor), pageCompression=0)
    with around(page) if around else _nothing(page):
        if factor != 1.0:
            page.beginForm("sheet", 0, 0, WIDTH * POINT, HEIGHT * POINT)
        _draw(page, sheet, pieces, subpaths)
        if factor != 1.0:
            page.endForm()
            page.scale(factor, factor)
            page.doForm("sheet")
    page.setPageRotation(turned)
    page.showPage()
    page.save()
    return file.getvalue()


@contextmanager
def _nothing(page: Any) -> Iterator[None]:
    yield


def _draw(page: Any, sheet: Sheet, pieces: bool, subpaths: int) -> None:
    for stroke in sheet.strokes:
        page.setStrokeColorRGB(*stroke.color)
        page.setLineWidth(stroke.width * POINT)
        xy = stroke.points * [POINT, -POINT] + [0, HEIGHT * POINT]
        if pieces and stroke.trace >= 0:
            for (x0, y0), (x1, y1) in pairwise(xy):
                page.line(x0, y0, x1, y1)
            continue
        path = page.beginPath()
        edges = np.linspace(0, len(xy) - 1, (subpaths if stroke.trace >= 0 else 1) + 1).astype(int)
        for first, last in pairwise(edges):
            path.moveTo(*xy[first])
            for point in xy[first + 1 : last + 1]:
                path.lineTo(*point)
        page.drawPath(path)
    page.setFont("Helvetica", 9)
    for x, y, words in sheet.texts:
        page.drawString(x * POINT, (HEIGHT - y) * POINT, words)


def by_cairo(sheet: Sheet) -> bytes:
    """Draw a sheet with cairo."""
    import cairocffi

    file = io.BytesIO()
    surface = cairocffi.PDFSurface(file, WIDTH * POINT, HEIGHT * POINT)
    context = cairocffi.Context(surface)
    context.scale(POINT, POINT)
    for stroke in sheet.strokes:
        context.set_source_rgb(*stroke.color)
        context.set_line_width(stroke.width)
        context.move_to(*stroke.points[0])
        for point in stroke.points[1:]:
            context.line_to(*point)
        context.stroke()
    context.set_source_rgb(0, 0, 0)
    context.set_font_size(3.5)
    for x, y, words in sheet.texts:
        context.move_to(x, y)
        context.show_text(words)
    surface.finish()
    return file.getvalue()


def by_matplotlib(sheet: Sheet) -> bytes:
    """Draw a sheet with matplotlib, every trace in the next color of its cycle."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH / 25.4, HEIGHT / 25.4))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, WIDTH)
    axes.set_ylim(HEIGHT, 0)
    axes.axis("off")
    for stroke in sheet.strokes:
        color = f"C{stroke.trace}" if stroke.trace >= 0 else stroke.color
        axes.plot(*stroke.points.T, color=color, linewidth=stroke.width * POINT)
    for x, y, words in sheet.texts:
        axes.text(x, y, words, fontsize=9)
    file = io.BytesIO()
    # Simplified lines leave points out: then the file does not hold what was drawn.
    with rc_context({"path.simplify": False}):
        figure.savefig(file, format="pdf")
    return file.getvalue()
