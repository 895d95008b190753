"""Take the lines and the text of a PDF page out of its file, without rendering it.

PDFium gives every object of a page with the matrix, the clipping path and the form that it is drawn through. Here all
of it is brought to pixels of the page's picture, as `digitize.pages.page` renders it.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pypdfium2
from numpy.typing import NDArray
from pypdfium2 import raw

from digitize.records.drawing import Drawing, Line, Text

_MOST_POINTS = 600_000
"""Most points of all lines: three times what a page has on which every sample and every dot of the grid is a path."""

_FARTHEST = 1e6
"""Pixels from the page's corner beyond which a coordinate is none."""

_DEEPEST = 15
"""Forms within forms that are looked into."""

_CURVE = np.linspace(0.0, 1.0, 9)[1:]
"""Places along a Bezier curve at which it is sampled."""

_GAP, _OFF = 0.6, 0.5
"""Parts of a letter's size: white between letters of one word, and how far these are from one line."""

Box = tuple[float, float, float, float]
"""Left, top, right and bottom: the least and the greatest x and y."""

Affine = tuple[float, float, float, float, float, float]
"""``(a, b, c, d, e, f)`` of x' = a x + c y + e and y' = b x + d y + f, as in PDF."""


def read_drawing(page: pypdfium2.PdfPage, size: tuple[int, int], dpi: float) -> Drawing | None:
    """Take the lines and the text of a page.

    Parameters
    ----------
    page : pypdfium2.PdfPage
    size : tuple of int
        Width and height of its picture, pixels.
    dpi : float
        The picture's resolution.

    Returns
    -------
    Drawing or None
        None where the page strokes nothing, or far more than an electrocardiogram needs.
    """
    to_picture = _to_picture(page, dpi)
    lines: list[Line] = []
    left = _MOST_POINTS
    for item, affine in _stroked_paths(page, None, to_picture, 0):
        own = _after(_matrix_of(item), affine)
        subpaths = _subpaths(_segments(item), own)
        left -= sum(map(len, subpaths))
        if left < 0:
            return None
        shown = _shown(subpaths, _clip_of(item, affine))
        if shown:
            color, width = _stroke(item)
            a, b, c, d, _, _ = own
            width *= math.sqrt(abs(a * d - b * c))
            lines += [Line(points, color, width) for points in shown]
    if not lines:
        return None
    text_page = page.get_textpage()
    words = tuple(_words(text_page, to_picture))
    return Drawing(tuple(lines), words, text_page.get_text_range().replace("\r", ""), size, dpi)


def _to_picture(page: pypdfium2.PdfPage, dpi: float) -> Affine:
    """Map from the page's points, y upward, to pixels of its picture, y downward, turned as it is shown."""
    left, bottom, right, top = page.get_bbox()
    turned: Affine = {
        0: (1, 0, 0, -1, -left, top),
        90: (0, 1, 1, 0, -bottom, -left),
        180: (-1, 0, 0, 1, right, -bottom),
        270: (0, -1, -1, 0, top, right),
    }[page.get_rotation()]
    scale = dpi / 72
    # Pixel centers are at whole numbers.
    return _after(turned, (scale, 0, 0, scale, -0.5, -0.5))


def _after(first: Affine, then: Affine) -> Affine:
    """One map after another."""
    a, b, c, d, e, f = first
    p, q, r, s, t, u = then
    return p * a + r * b, q * a + s * b, p * c + r * d, q * c + s * d, p * e + r * f + t, q * e + s * f + u


def _stroked_paths(page: pypdfium2.PdfPage, form: Any, affine: Affine, depth: int) -> Iterator[tuple[Any, Affine]]:
    """Stroked paths of a page or a form, each with the map from the form that holds it to the picture."""
    parent = page if form is None else form
    count, get = (
        (raw.FPDFPage_CountObjects, raw.FPDFPage_GetObject)
        if form is None
        else (raw.FPDFFormObj_CountObjects, raw.FPDFFormObj_GetObject)
    )
    fill, stroke = ctypes.c_int(), ctypes.c_int()
    for index in range(count(parent)):
        item = get(parent, index)
        kind = raw.FPDFPageObj_GetType(item)
        if kind == raw.FPDF_PAGEOBJ_PATH:
            if raw.FPDFPath_GetDrawMode(item, fill, stroke) and stroke.value:
                yield item, affine
        elif kind == raw.FPDF_PAGEOBJ_FORM and depth < _DEEPEST:
            yield from _stroked_paths(page, item, _after(_matrix_of(item), affine), depth + 1)


def _matrix_of(item: Any) -> Affine:
    found = raw.FS_MATRIX()
    raw.FPDFPageObj_GetMatrix(item, found)
    return found.a, found.b, found.c, found.d, found.e, found.f


def _segments(path: Any) -> list[Any]:
    return [raw.FPDFPath_GetPathSegment(path, index) for index in range(raw.FPDFPath_CountSegments(path))]


def _subpaths(segments: Sequence[Any], affine: Affine) -> list[NDArray[np.float64]]:
    """Points of the subpaths of a path, (n, 2) each, its curves sampled."""
    subpaths: list[list[tuple[float, float]]] = []
    control: list[tuple[float, float]] = []
    x, y = ctypes.c_float(), ctypes.c_float()
    a, b, c, d, e, f = affine
    for segment in segments:
        raw.FPDFPathSegment_GetPoint(segment, x, y)
        kind = raw.FPDFPathSegment_GetType(segment)
        point = a * x.value + c * y.value + e, b * x.value + d * y.value + f
        if kind == raw.FPDF_SEGMENT_MOVETO or not subpaths:
            subpaths.append([])
        if kind == raw.FPDF_SEGMENT_BEZIERTO and subpaths[-1]:
            control.append(point)
            if len(control) == 3:
                subpaths[-1] += _bezier(subpaths[-1][-1], *control)
                control = []
        else:
            subpaths[-1].append(point)
        if raw.FPDFPathSegment_GetClose(segment):
            subpaths[-1].append(subpaths[-1][0])
    return [np.array(points, float) for points in subpaths]


def _bezier(*corners: tuple[float, float]) -> list[tuple[float, float]]:
    t = _CURVE[:, None]
    a, b, c, d = np.array(corners)
    along = (1 - t) ** 3 * a + 3 * t * (1 - t) ** 2 * b + 3 * t**2 * (1 - t) * c + t**3 * d
    return [(float(px), float(py)) for px, py in along]


def _shown(subpaths: Sequence[NDArray[np.float64]], clip: Box | None) -> list[NDArray[np.float64]]:
    """What can be seen of the subpaths, those apart that run out of any page."""
    near = [points for points in subpaths if (np.abs(points) < _FARTHEST).all()]
    seen = near if clip is None else [_clipped(points, clip) for points in near]
    return [points for points in seen if len(points) > 1]


def _stroke(item: Any) -> tuple[tuple[int, int, int], float]:
    """Color and width of a path's stroke."""
    red, green, blue, alpha = ctypes.c_uint(), ctypes.c_uint(), ctypes.c_uint(), ctypes.c_uint()
    width = ctypes.c_float()
    raw.FPDFPageObj_GetStrokeColor(item, red, green, blue, alpha)
    raw.FPDFPageObj_GetStrokeWidth(item, width)
    return (red.value, green.value, blue.value), width.value


def _clip_of(item: Any, affine: Affine) -> Box | None:
    """The box that all clipping paths of an object leave of it; None where there are none."""
    clip = raw.FPDFPageObj_GetClipPath(item)
    count = raw.FPDFClipPath_CountPaths(clip) if clip else 0
    box = None
    for index in range(max(count, 0)):
        segments = [
            raw.FPDFClipPath_GetPathSegment(clip, index, number)
            for number in range(max(raw.FPDFClipPath_CountPathSegments(clip, index), 0))
        ]
        if segments:
            points = np.concatenate(_subpaths(segments, affine))
            (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
            left, top, right, bottom = box or (-math.inf, -math.inf, math.inf, math.inf)
            box = max(left, x0), max(top, y0), min(right, x1), min(bottom, y1)
    return box


def _clipped(points: NDArray[np.float64], box: Box) -> NDArray[np.float64]:
    """What a box shows of a line, NaN between its parts."""
    low, high = np.array(box[:2]), np.array(box[2:])
    if ((points >= low) & (points <= high)).all():
        return points
    begin, along = points[:-1], np.diff(points, axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        at = np.stack([(low - begin) / along, (high - begin) / along])
    inside = (begin >= low) & (begin <= high)
    # Along an axis on which a piece stands still it is all inside or all outside.
    enters = np.where(along == 0, np.where(inside, 0.0, 2.0), np.fmin.reduce(at)).max(axis=1).clip(0.0)
    leaves = np.where(along == 0, np.where(inside, 1.0, -1.0), np.fmax.reduce(at)).min(axis=1).clip(max=1.0)
    shown: list[NDArray[np.float64]] = []
    for index in np.flatnonzero(enters < leaves):
        first, last = (begin[index] + along[index] * float(t[index]) for t in (enters, leaves))
        first = begin[index] if enters[index] == 0 else first
        last = points[index + 1] if leaves[index] == 1 else last
        if not shown:
            shown.append(first)
        elif not np.array_equal(shown[-1], first):
            # Nothing is known from where the line leaves the box to where it comes back.
            shown += [np.full(2, np.nan), first]
        shown.append(last)
    return np.array(shown).reshape(-1, 2)


class _Letter(NamedTuple):
    """A character, the box of its ink, and where and in which direction (radians, anticlockwise) it is written."""

    text: str
    box: Box
    origin: tuple[float, float]
    angle: float
    size: float


def _words(text_page: pypdfium2.PdfTextPage, to_picture: Affine) -> Iterator[Text]:
    word: list[_Letter] = []
    for index in range(text_page.count_chars()):
        letter = _letter(text_page, index)
        if word and (letter is None or not _goes_on(word[-1], letter)):
            yield _text(word, to_picture)
            word = []
        if letter is not None:
            word.append(letter)
    if word:
        yield _text(word, to_picture)


def _letter(text_page: pypdfium2.PdfTextPage, index: int) -> _Letter | None:
    """A character of the text; None for white."""
    code = raw.FPDFText_GetUnicode(text_page, index)
    # PDFium gives numbers that are no characters for glyphs without a meaning.
    text = chr(code) if 32 < code < 0x110000 else " "
    if text.isspace() or not text.isprintable():
        return None
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    x, y = ctypes.c_double(), ctypes.c_double()
    if not raw.FPDFText_GetCharBox(text_page, index, left, right, bottom, top):
        return None
    raw.FPDFText_GetCharOrigin(text_page, index, x, y)
    box = left.value, bottom.value, right.value, top.value
    # Some fonts state a size of 1, and a matrix beside it.
    size = max(box[2] - box[0], box[3] - box[1])
    # PDFium counts clockwise.
    return _Letter(text, box, (x.value, y.value), -float(raw.FPDFText_GetCharAngle(text_page, index)), size)


def _goes_on(last: _Letter, letter: _Letter) -> bool:
    """Whether a letter stands beside the last one, in the direction in which it is written."""
    if abs(math.remainder(letter.angle - last.angle, 2 * math.pi)) > 0.05:
        return False
    size = max(letter.size, last.size)
    way = np.subtract(letter.origin, last.origin)
    along = way @ [math.cos(last.angle), math.sin(last.angle)]
    beside = way @ [-math.sin(last.angle), math.cos(last.angle)]
    ends = np.array([last.box, letter.box]).reshape(2, 2, 2)
    white = float((ends[1].min(axis=0) - ends[0].max(axis=0)).max())
    return bool(along > 0 and abs(beside) < _OFF * size and white < _GAP * size)


def _text(word: Sequence[_Letter], to_picture: Affine) -> Text:
    a, b, c, d, e, f = to_picture
    left, bottom, right, top = zip(*(letter.box for letter in word), strict=True)
    corners = [(x, y) for x in (min(left), max(right)) for y in (min(bottom), max(top))]
    x = [a * px + c * py + e for px, py in corners]
    y = [b * px + d * py + f for px, py in corners]
    cos, sin = math.cos(word[0].angle), math.sin(word[0].angle)
    angle = math.degrees(math.atan2(b * cos + d * sin, a * cos + c * sin))
    return Text("".join(letter.text for letter in word), (min(x), min(y), max(x), max(y)), angle)
