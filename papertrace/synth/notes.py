"""Add to a page what people add: handwriting, pen marks, stamps, codes, labels, highlighter, redaction, staples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import cv2
import numpy as np
from numpy.typing import NDArray

from papertrace.synth.brush import PenLine, brush
from papertrace.synth.canvas import RGB, Canvas
from papertrace.synth.codes import bar_code, qr_code
from papertrace.synth.handwriting import Hand, random_hand, write
from papertrace.synth.knobs import check, described, draw, knob, one_of, rgb, whole
from papertrace.synth.marks import MARKS, draw_mark, hand_line, underline
from papertrace.synth.noise import smooth_noise
from papertrace.synth.stamps import box_stamp, round_stamp, stamped
from papertrace.synth.stuck import label, staple, turned

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 in mm from the sheet's upper left corner."""

CODES = ("none", "qr", "bar", "both")

_BALLPOINTS: tuple[RGB, ...] = ((28, 42, 128), (40, 60, 165), (26, 26, 34), (40, 40, 46), (176, 28, 40), (20, 104, 70))
_STAMP_INKS: tuple[RGB, ...] = ((92, 50, 140), (60, 62, 160), (186, 40, 58), (46, 46, 60), (30, 116, 92))
_HIGHLIGHTERS: tuple[RGB, ...] = ((250, 242, 80), (255, 170, 200), (150, 240, 140), (255, 190, 90))
_SLIPS: tuple[RGB, ...] = ((252, 252, 250), (250, 246, 232), (252, 240, 140), (238, 242, 246))

# Printed as it stands: another spelling would change the pages of every seed.
_REMARKS = (
    *(
        "sinus rhythm",
        "NSR",
        "no change",
        "no acute change",
        "see old ECG",
        "compare previous",
        "AF",
        "AF ?",
        "old LBBB",
    ),
    *(
        "RBBB",
        "?STEMI",
        "ST V2-V4",
        "T inv. lat.",
        "1^ AV block",
        "PVCs",
        "pt pain free",
        "chest pain",
        "reviewed",
        "seen",
    ),
    *(
        "poor quality",
        "repeat!",
        "normal",
        "WNL",
        "pre op",
        "post PCI",
        "LVH",
        "low voltage",
        "QTc ok",
        "on amiodarone",
    ),
    *("call Dr", "to file", "copy to GP", "artefact", "lead V3 off?", "baseline wander", "ok", "bradycardic"),
)
_NAMES = ("Weber", "Okafor", "Lindqvist", "Moreau", "Tanaka", "Novak", "Haddad", "Silva", "Kowalska", "Brandt")
_PLACES = ("COUNTY HOSPITAL", "ST ANNA CLINIC", "DEPT OF CARDIOLOGY", "UNIVERSITY HOSPITAL", "HEART CENTRE NORTH")
_WARNINGS = ("REVIEWED", "COPY", "RECEIVED", "CONFIDENTIAL", "FILED", "URGENT", "SCANNED", "ARCHIVE")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


def _some(rng: np.random.Generator, share: float, mean: float, most: int) -> int:
    """Draw how many there are; the number is drawn only where there are some."""
    return int(min(most, 1 + rng.poisson(mean))) if rng.random() < share else 0


@described
@dataclass(frozen=True)
class Notes:
    """Say what was added to a sheet after it was printed. By default nothing.

    The fields stand in the order in which `random_notes` draws them, and the place of each is the number of its stream
    of random numbers: a new one goes last.

    Raises
    ------
    ValueError
        If a value is not one of those allowed; the message lists them.

    Examples
    --------
    >>> Notes(words=2).stamps
    0
    """

    words: int = knob(
        0,
        whole(0, 12),
        "Handwritten remarks: most beside the traces, some over them.",
        lambda rng: _some(rng, 0.55, 1.5, 8),
    )
    marks: int = knob(
        0,
        whole(0, 20),
        "Rings, arrows, ticks, lines, crosses, calipers and brackets drawn over the traces.",
        lambda rng: _some(rng, 0.3, 2.0, 10),
    )
    underlines: int = knob(
        0, whole(0, 10), "Strokes of a pen below printed text.", lambda rng: _some(rng, 0.15, 0.7, 4)
    )
    highlights: int = knob(
        0, whole(0, 10), "Strokes of a highlighter over printed text.", lambda rng: _some(rng, 0.1, 0.7, 4)
    )
    stamps: int = knob(0, whole(0, 4), "Round and rectangular rubber stamps.", lambda rng: _some(rng, 0.2, 0.3, 3))
    codes: str = knob(
        "none",
        one_of(*CODES),
        "Codes that are printed where there is room.",
        lambda rng: CODES[int(rng.choice(4, p=[0.65, 0.15, 0.13, 0.07]))],
    )
    redactions: int = knob(
        0,
        whole(0, 8),
        "Boxes over printed text, and now and then over the traces.",
        lambda rng: _some(rng, 0.2, 1.5, 6),
    )
    redaction_color: RGB = knob(
        (0, 0, 0),
        rgb(),
        "Color of those boxes.",
        lambda rng: ((0, 0, 0), (255, 255, 255), (205, 203, 200))[int(rng.choice(3, p=[0.55, 0.3, 0.15]))],
    )
    labels: int = knob(0, whole(0, 4), "Printed labels stuck on.", lambda rng: _some(rng, 0.12, 0.2, 2))
    staples: int = knob(0, whole(0, 4), "Staples in the upper corners.", lambda rng: _some(rng, 0.12, 0.3, 2))
    ink: RGB | None = knob(
        None, rgb(none=True), "Ink of words, marks and underlines; None takes one of the usual pens for each."
    )

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Noted:
    """A sheet with notes.

    Attributes
    ----------
    image : ndarray, shape (H, W, 3), uint8
        RGB.
    hidden : ndarray, shape (H, W), uint8
        Share of each pixel that something opaque covers, so that the trace below cannot be seen.
    """

    image: NDArray[np.uint8]
    hidden: NDArray[np.uint8]


def random_notes(rng: np.random.Generator) -> Notes:
    """Draw what a page may have gone through: often nothing, rarely much.

    Parameters
    ----------
    rng : numpy.random.Generator

    Returns
    -------
    notes : Notes

    Examples
    --------
    >>> random_notes(np.random.default_rng(5)) == random_notes(np.random.default_rng(5))
    True
    """
    untouched = rng.random() < 0.4
    drawn = draw(Notes, rng)
    return Notes() if untouched else drawn


def draw_notes(
    image: NDArray[np.uint8], px_per_mm: float, occupied: Sequence[Box], notes: Notes, rng: np.random.Generator
) -> Noted:
    """Add notes to a flat, upright sheet.

    Parameters
    ----------
    image : ndarray, shape (H, W, 3), uint8
        RGB.
    px_per_mm : float
        Pixels per mm.
    occupied : sequence of Box
        The traces' areas and the printed texts, mm. What is at most 8 mm high is taken for text.
    notes : Notes
    rng : numpy.random.Generator
        Source of every place, word and shape. Each kind of note has a stream of its own, so that one more word
        does not move the stamps.

    Returns
    -------
    Noted

    Raises
    ------
    ValueError
        If the image is not an RGB picture or the resolution is not positive.

    Examples
    --------
    >>> sheet = np.full((400, 600, 3), 250, np.uint8)
    >>> noted = draw_notes(sheet, 4.0, [], Notes(words=1, redactions=1), np.random.default_rng(0))
    >>> noted.image.shape, int(noted.hidden.max())
    ((400, 600, 3), 255)
    """
    canvas = Canvas(image, px_per_mm)
    key = int(rng.integers(1 << 62))
    streams = {field.name: np.random.default_rng([key, index]) for index, field in enumerate(fields(Notes))}
    texts = [box for box in occupied if box[3] - box[1] <= 8]
    areas = [box for box in occupied if box[3] - box[1] > 8] or [(0.0, 0.0, canvas.width, canvas.height)]
    sheet = _Sheet(canvas, notes, texts, areas, list(occupied))
    for name, add in _LAYERS.items():
        add(sheet, streams[name])
    return Noted(canvas.image, canvas.hidden)


@dataclass(frozen=True)
class _Sheet:
    """Hold a sheet that is written on, and its notes.

    Attributes
    ----------
    canvas : Canvas
    notes : Notes
    texts, areas : list of Box
        Printed texts; areas of traces, or all of the sheet.
    taken : list of Box
        Where there is something; every note that seeks a free place adds its own.
    """

    canvas: Canvas
    notes: Notes
    texts: list[Box]
    areas: list[Box]
    taken: list[Box]


def _codes(sheet: _Sheet, rng: np.random.Generator) -> None:
    canvas, kind, taken = sheet.canvas, sheet.notes.codes, sheet.taken
    number = f"{rng.integers(10**7):07d}"
    if kind in ("qr", "both"):
        module = rng.uniform(0.4, 0.75)
        ink = cv2.copyMakeBorder(qr_code(f"ECG-{number}"), 3, 3, 3, 3, cv2.BORDER_CONSTANT, value=0)
        size = max(len(ink), round(len(ink) * module * canvas.px_per_mm))
        # A printer of today prints it on the sheet with a white ground of its own.
        gray = cv2.bitwise_not(np.asarray(cv2.resize(ink, (size, size), interpolation=cv2.INTER_AREA), np.uint8))
        mm = size / canvas.px_per_mm
        x, y = _free_place(canvas, (mm, mm), taken, rng, margin=1.0)
        place = _corner(canvas, gray.shape, x, y)
        canvas.cover(np.repeat(gray[..., None], 3, axis=2), np.full_like(gray, 255), place)
    if kind in ("bar", "both"):
        modules = bar_code(number)
        width, height = rng.uniform(32, 58), rng.uniform(6, 12)
        size_px = (max(len(modules), round(width * canvas.px_per_mm)), max(1, round(height * canvas.px_per_mm)))
        bars = np.asarray(cv2.resize(modules[None], size_px, interpolation=cv2.INTER_AREA), np.uint8)
        x, y = _free_place(canvas, (width, height), taken, rng, margin=3.0)
        canvas.ink(bars, _corner(canvas, bars.shape, x, y), (24, 24, 28))


def _highlights(sheet: _Sheet, rng: np.random.Generator) -> None:
    canvas = sheet.canvas
    for _ in range(sheet.notes.highlights):
        x0, y0, x1, y1 = _pick(sheet.texts or sheet.areas, rng)
        breadth = rng.uniform(3.5, 5.5)
        end = min(x1, x0 + rng.uniform(20, 80))
        y = (y0 + y1) / 2 if y1 - y0 <= 8 else rng.uniform(y0, y1)
        ends = np.linspace(x0 - rng.uniform(0, 3), end + rng.uniform(0, 3), 4)
        line = hand_line(np.stack([ends, y + rng.normal(0, 0.3, 4)], 1), breadth, rng)
        # A chisel tip is as wide everywhere.
        coverage, corner = brush([PenLine(line.path, np.full(len(line.path), breadth))], canvas.px_per_mm)
        streaks = smooth_noise(coverage.shape, (0.5 * canvas.px_per_mm, 20 * canvas.px_per_mm), rng)
        color = _HIGHLIGHTERS[int(rng.integers(len(_HIGHLIGHTERS)))]
        canvas.ink(np.asarray(coverage * np.clip(0.85 + 0.2 * streaks, 0, 1), np.uint8), corner, color)


def _labels(sheet: _Sheet, rng: np.random.Generator) -> None:
    canvas = sheet.canvas
    for _ in range(sheet.notes.labels):
        size = (rng.uniform(38, 75), rng.uniform(14, 30))
        lines = [f"{_NAMES[int(rng.integers(len(_NAMES)))].upper()}, {'ABEJKLMS'[int(rng.integers(8))]}."]
        born = f"{rng.integers(1, 29):02d}.{rng.integers(1, 13):02d}.19{rng.integers(20, 99)}"
        lines.append(f"{born}  {'MF'[int(rng.integers(2))]}")
        if size[1] > 20:
            lines.append(f"WARD {rng.integers(1, 12)}{'ABC'[int(rng.integers(3))]}")
        code = f"{rng.integers(10**6):06d}" if rng.random() < 0.7 else ""
        picture, coverage = label(lines, code, size, _SLIPS[int(rng.integers(len(_SLIPS)))], canvas.px_per_mm)
        picture, coverage = turned(picture, coverage, rng.normal(0, 3))
        x, y = _free_place(canvas, size, sheet.taken, rng, margin=1.0)
        canvas.cover(picture, coverage, _corner(canvas, coverage.shape, x, y))


def _stamps(sheet: _Sheet, rng: np.random.Generator) -> None:
    canvas = sheet.canvas
    for _ in range(sheet.notes.stamps):
        date = f"{rng.integers(1, 29):d} {_MONTHS[int(rng.integers(12))]} {rng.integers(1979, 2024)}"
        place = _PLACES[int(rng.integers(len(_PLACES)))]
        if rng.random() < 0.5:
            stamp = round_stamp(place, date, rng.uniform(26, 42))
        else:
            lines = [_WARNINGS[int(rng.integers(len(_WARNINGS)))], date, place][: int(rng.integers(1, 4))]
            stamp = box_stamp(lines, rng.uniform(32, 60))
        print_ = stamped(stamp, canvas.px_per_mm, rng.normal(0, 14), rng.uniform(0.2, 0.9), rng)
        size = (print_.shape[1] / canvas.px_per_mm, print_.shape[0] / canvas.px_per_mm)
        x, y = _free_place(canvas, size, sheet.taken, rng, margin=-4.0)
        color = _STAMP_INKS[int(rng.integers(len(_STAMP_INKS)))]
        canvas.ink(print_, _corner(canvas, print_.shape, x, y), color)


def _words(sheet: _Sheet, rng: np.random.Generator) -> None:
    canvas = sheet.canvas
    # One or two people write on a sheet, each with one pen.
    writers = [(random_hand(rng), _pen(sheet.notes.ink, rng)[0]) for _ in range(2)]
    for _ in range(sheet.notes.words):
        hand, color = writers[int(rng.random() < 0.25)]
        lines = _remark(hand, rng)
        angle = np.pi / 2 * rng.choice((-1, 1)) if rng.random() < 0.06 else rng.normal(0, 0.06)
        cos, sin = np.cos(angle), np.sin(angle)
        turn = np.array([[cos, sin], [-sin, cos]])
        points = np.concatenate([line.path for line in lines]) @ turn
        low, high = points.min(axis=0), points.max(axis=0)
        if rng.random() < 0.25:
            x, y = rng.uniform((0, 0), (canvas.width, canvas.height))
        else:
            x, y = _free_place(canvas, (high[0] - low[0], high[1] - low[1]), sheet.taken, rng, margin=3.0)
        shift = np.array([x, y]) - (low + high) / 2
        _ink(canvas, [PenLine(line.path @ turn + shift, line.width) for line in lines], color)


def _underlines(sheet: _Sheet, rng: np.random.Generator) -> None:
    for _ in range(sheet.notes.underlines):
        x0, _, x1, y1 = _pick(sheet.texts or sheet.areas, rng)
        color, pen = _pen(sheet.notes.ink, rng)
        _ink(sheet.canvas, underline(x0, min(x1, x0 + 80), y1 + rng.uniform(0.3, 1.2), pen, rng), color)


def _remark(hand: Hand, rng: np.random.Generator) -> list[PenLine]:
    """Write something that is written on such pages: a remark, a number, a date, a name, a signature."""
    kind = rng.random()
    if kind < 0.12:
        return _signature(hand, rng)
    if kind < 0.6:
        texts = [_REMARKS[int(rng.integers(len(_REMARKS)))] for _ in range(1 + int(rng.random() < 0.3))]
    elif kind < 0.75:
        texts = [f"{rng.integers(1, 29)}/{rng.integers(1, 13)}/{rng.integers(79, 99)}"]
        texts += [f"{rng.integers(24)}:{rng.integers(60):02d}"] * int(rng.random() < 0.5)
    elif kind < 0.9:
        texts = [
            (
                f"BP {rng.integers(95, 190)}/{rng.integers(50, 100)}",
                f"HR {rng.integers(45, 140)}",
                f"K+ {rng.integers(30, 60) / 10}",
                f"QTc {rng.integers(380, 520)}",
                f"{rng.integers(30, 99)} y",
                f"axis {rng.integers(-60, 120)}^",
            )[int(rng.integers(6))]
        ]
    else:
        texts = [f"Dr {_NAMES[int(rng.integers(len(_NAMES)))]}"]
    lines = []
    for row, text in enumerate(texts):
        shift = (rng.normal(0, 0.8), row * 2.6 * hand.x_height)
        lines += [PenLine(line.path + shift, line.width) for line in write(text, hand, rng)]
    if rng.random() < 0.12:
        right = max(line.path[:, 0].max() for line in lines)
        lines += underline(0.0, right, (len(texts) - 0.6) * 2.6 * hand.x_height, hand.pen, rng)
    return lines


def _signature(hand: Hand, rng: np.random.Generator) -> list[PenLine]:
    """A capital, a run of loops that dies away, a stroke back below."""
    initial = "ABCDEGHJKLMNPRSTVW"[int(rng.integers(18))]
    lines = write(initial, hand, rng)
    loops = int(rng.integers(4, 10))
    turns = np.arange(6 * loops)
    fade = np.linspace(1.0, 0.25, len(turns)) * hand.x_height
    run = np.stack(
        [
            1.4 * hand.x_height + turns * 0.15 * hand.x_height + 0.35 * fade * np.sin(turns * np.pi / 3),
            -0.5 * fade * (1 + np.cos(turns * np.pi / 3) * rng.uniform(0.4, 1.6, loops).repeat(6)),
        ],
        axis=1,
    )
    lines.append(hand_line(run + rng.normal(0, 0.08 * hand.x_height, run.shape), hand.pen, rng))
    if rng.random() < 0.5:
        lines += underline(0.0, float(run[-1, 0]), 0.7 * hand.x_height, hand.pen, rng)[:1]
    return lines


def _marks(sheet: _Sheet, rng: np.random.Generator) -> None:
    for _ in range(sheet.notes.marks):
        x0, y0, x1, y1 = _pick(sheet.areas, rng)
        kind = MARKS[int(rng.choice(len(MARKS), p=[0.28, 0.17, 0.15, 0.13, 0.05, 0.12, 0.1]))]
        color, pen = _pen(sheet.notes.ink, rng)
        _ink(sheet.canvas, draw_mark(kind, rng.uniform(x0, x1), rng.uniform(y0, y1), pen, rng), color)


def _redactions(sheet: _Sheet, rng: np.random.Generator) -> None:
    """Cover printed texts, or pieces of the traces, by straight boxes or by a broad felt-tip."""
    canvas, color = sheet.canvas, sheet.notes.redaction_color
    for _ in range(sheet.notes.redactions):
        x0, y0, x1, y1 = _private(sheet, rng)
        if rng.random() < 0.3:
            breadth = min(y1 - y0 + 1, rng.uniform(4, 7))
            rows = max(1, round((y1 - y0) / (0.75 * breadth)))
            heights = y0 + (np.arange(rows) + 0.5) * (y1 - y0) / rows
            ends = np.array([(x0 if (row + side) % 2 else x1, y) for row, y in enumerate(heights) for side in (0, 1)])
            line = hand_line(ends + rng.normal(0, 0.25, ends.shape), breadth, rng)
            coverage, corner = brush([PenLine(line.path, np.full(len(line.path), breadth))], canvas.px_per_mm)
            canvas.cover(color, coverage, corner)
        else:
            box = [round(value * canvas.px_per_mm) for value in (x0, y0, x1, y1)]
            shape = (max(1, box[3] - box[1]), max(1, box[2] - box[0]))
            canvas.cover(color, np.full(shape, 255, np.uint8), (box[0], box[1]))


def _private(sheet: _Sheet, rng: np.random.Generator) -> Box:
    """Choose what is to be hidden: mostly a printed text."""
    over_trace = rng.random() < 0.15
    if sheet.texts and not over_trace:
        x0, y0, x1, y1 = _pick(sheet.texts, rng)
        x1 = min(x1, x0 + rng.uniform(25, 90))
        return x0 - 0.8, y0 - 0.8, x1 + 0.8, y1 + 0.8
    width, height = rng.uniform(15, 55), rng.uniform(4, 11)
    if over_trace:
        left, top, right, bottom = _pick(sheet.areas, rng)
        x0, y0 = rng.uniform(left, max(left + 1, right - width)), rng.uniform(top, max(top + 1, bottom - height))
    else:
        x0, y0 = rng.uniform(0, max(1, sheet.canvas.width - width)), rng.uniform(0, 25)
    return x0, y0, x0 + width, y0 + height


def _staples(sheet: _Sheet, rng: np.random.Generator) -> None:
    canvas = sheet.canvas
    for _ in range(sheet.notes.staples):
        picture, coverage = staple(rng.uniform(9, 13), rng.normal(-40, 25), canvas.px_per_mm)
        side = canvas.width if rng.random() < 0.2 else 0.0
        place = (abs(side - rng.uniform(6, 20)), rng.uniform(5, 18))
        canvas.cover(picture, coverage, _corner(canvas, coverage.shape, *place))


_LAYERS: dict[str, Callable[[_Sheet, np.random.Generator], None]] = {
    "codes": _codes,
    "highlights": _highlights,
    "labels": _labels,
    "stamps": _stamps,
    "words": _words,
    "underlines": _underlines,
    "marks": _marks,
    "redactions": _redactions,
    "staples": _staples,
}
"""Functions that draw all notes of a kind, in the order in which they lie on each other."""


def _ink(canvas: Canvas, lines: list[PenLine], color: RGB) -> None:
    coverage, corner = brush(lines, canvas.px_per_mm)
    canvas.ink(coverage, corner, color)


def _pen(ink: RGB | None, rng: np.random.Generator) -> tuple[RGB, float]:
    """Color and width of a pen that lies on a ward's desk."""
    color = _BALLPOINTS[int(rng.choice(len(_BALLPOINTS), p=[0.27, 0.25, 0.16, 0.12, 0.14, 0.06]))]
    width = rng.uniform(0.7, 1.4) if rng.random() < 0.15 else rng.uniform(0.28, 0.55)
    return (color if ink is None else ink), float(width)


def _pick(boxes: Sequence[Box], rng: np.random.Generator) -> Box:
    areas = np.array([max(1e-3, (x1 - x0) * (y1 - y0)) for x0, y0, x1, y1 in boxes])
    return boxes[int(rng.choice(len(boxes), p=areas / areas.sum()))]


def _free_place(
    canvas: Canvas, size: tuple[float, float], taken: list[Box], rng: np.random.Generator, margin: float
) -> tuple[float, float]:
    """Middle of the place, of a few dozen drawn, that least of what is there lies on; it is taken from then on."""
    low = np.minimum(np.array(size) / 2 + margin, np.array([canvas.width, canvas.height]) / 2)
    high = np.maximum(np.array([canvas.width, canvas.height]) - low, low)
    places = rng.uniform(low, high, (40, 2))
    boxes = np.array(taken, float).reshape(-1, 4)
    ends = np.minimum(places[:, None] + np.array(size) / 2, boxes[None, :, 2:])
    sides = np.clip(ends - np.maximum(places[:, None] - np.array(size) / 2, boxes[None, :, :2]), 0, None)
    overlap = sides.prod(axis=2).sum(axis=1)
    x, y = places[int(np.argmin(overlap))].tolist()
    taken.append((x - size[0] / 2, y - size[1] / 2, x + size[0] / 2, y + size[1] / 2))
    return x, y


def _corner(canvas: Canvas, shape: tuple[int, ...], x: float, y: float) -> tuple[int, int]:
    """First pixel of a patch whose middle is to stand at x, y mm."""
    return (
        int(np.floor(x * canvas.px_per_mm - shape[1] / 2 + 0.5)),
        int(np.floor(y * canvas.px_per_mm - shape[0] / 2 + 0.5)),
    )
