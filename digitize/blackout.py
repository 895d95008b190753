"""Black out what a page tells about its patient.

Words are not looked for to be struck out: handwriting, stamps, bar codes, faint print and what lies beside the sheet
would be missed. All of the picture goes but the surroundings of the traces; there, words that are found go too, and
lead names that were surely read come back.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from digitize.rectify import PIXELS_PER_MM
from digitize.text import Word, find_words, read_text
from digitize.trace import erase_traces

if TYPE_CHECKING:
    from digitize.api import Reading
    from digitize.leads import Leads

BESIDE_MM = 2.0
"""Paper that is left on either side of a trace: enough to see whether it was followed, little for a line of text."""

_AROUND_MM = 0.5
_SURE = 0.9
_TELLING = re.compile(r"\d{2}|[^\W\d_]{4}")
"""What no trace is mistaken for by chance: two digits, or four letters, in a row."""

_SUBPIXEL_BITS = 4


def black_out(image: NDArray[np.uint8], reading: Reading, leads: Leads) -> NDArray[np.uint8]:
    """Black out all of a page but its traces, the grid beside them and their names.

    Parameters
    ----------
    image : ndarray, shape (height, width, 3), uint8
        The page that was digitised, RGB. It is not modified.
    reading : digitize.api.Reading
        What was found on it.
    leads : Leads
        The leads of that reading.

    Returns
    -------
    ndarray, shape (height, width, 3), uint8
        A copy, black wherever the page is more than `BESIDE_MM` away from a trace. Within, words of two letters or
        more are black as well. Lead names that were surely read are left, wherever they stand. Of an unreliable page
        nothing is left: what was followed on it may be anything.

    Notes
    -----
    What is not promised: writing that a trace runs through, or single strokes of it within `BESIDE_MM`, may be left;
    so may text that was itself taken for a trace, unless it is read as text.

    Examples
    --------
    >>> from digitize.api import leads_of, read_page
    >>> reading = read_page("samples/00024_hr.png")
    >>> leads = leads_of(reading, fs=500)
    >>> hidden = black_out(reading.page.image, reading, leads)
    >>> on_trace = leads.strips[0].path[600].round().astype(int)
    >>> int(hidden[0].max()), int(hidden[on_trace[1] - 8, on_trace[0]].max())
    (0, 255)
    """
    if leads.quality.verdict == "unreliable":
        return np.zeros_like(image)
    shown = np.zeros(image.shape[:2], np.uint8)
    beside = max(1, round(2 * BESIDE_MM * leads.calibration.pixels_per_mm))
    for strip in leads.strips:
        known = np.isfinite(strip.path).all(axis=1)
        breaks = np.flatnonzero(np.diff(known.astype(np.int8), prepend=0, append=0))
        for first, last in zip(breaks[::2], breaks[1::2], strict=True):
            line = np.rint(strip.path[first:last] * (1 << _SUBPIXEL_BITS)).astype(np.int32)
            cv2.polylines(shown, [line], False, 1, beside, cv2.LINE_8, _SUBPIXEL_BITS)
    view = reading.view
    unmarked = np.where(view.marks.mask, np.float32(0.0), view.coverage)
    printed = erase_traces(unmarked, view.traces)
    words = find_words(printed)[0]
    for word in [*filter(_is_long, words), *_read_through_traces(unmarked, printed)]:
        _fill(shown, reading, word.box, 0)
    for box in _lead_names(reading, words):
        _fill(shown, reading, box, 1)
    return image * shown[..., None]


def _is_long(word: Word) -> bool:
    """Whether a word is more than one letter; one alone beside a trace mostly is a flank that was left over."""
    x0, y0, x1, y1 = word.box
    return word.glyphs > 1 or x1 - x0 > 1.5 * (y1 - y0)


def _read_through_traces(coverage: NDArray[np.float32], printed: NDArray[np.float32]) -> list[Word]:
    """Words that are cut up when the traces are erased, because a trace was led along them."""
    erased = coverage > printed
    words = [
        word
        for word in find_words(coverage)[0]
        if _is_long(word) and erased[word.box[1] : word.box[3], word.box[0] : word.box[2]].any()
    ]
    texts = read_text(coverage, [word.box for word in words])
    return [word for word, text in zip(words, texts, strict=True) if _TELLING.search(text)]


def _lead_names(reading: Reading, words: list[Word]) -> list[tuple[int, int, int, int]]:
    """Boxes of lead names that were surely read, each as wide as it is printed: half of III would be another lead."""
    found = reading.found
    every = np.array([word.box for word in words], np.int64).reshape(-1, 4)
    names = []
    for place, box in zip(found.places, found.names, strict=bool(len(found.names))):
        if place.certainty < _SURE:
            continue
        meets = (every[:, :2] < box[2:]).all(axis=1) & (every[:, 2:] > box[:2]).all(axis=1)
        if not meets.any():
            continue
        (x0, y0), (x1, y1) = every[meets, :2].min(axis=0), every[meets, 2:].max(axis=0)
        # A name that has run into other text is no name alone.
        if x1 - x0 <= 1.5 * (box[2] - box[0]) and y1 - y0 <= 1.5 * (box[3] - box[1]):
            names.append((int(x0), int(y0), int(x1), int(y1)))
    return names


def _fill(shown: NDArray[np.uint8], reading: Reading, box: tuple[int, int, int, int], value: int) -> None:
    """Set a box of the upright page, and a little around it, in the picture; in place."""
    x0, y0, x1, y1 = np.array(box) + _AROUND_MM * PIXELS_PER_MM * np.array([-1, -1, 1, 1])
    corners = reading.view.upright.to_original(np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]))
    cv2.fillPoly(shown, [np.rint(corners).astype(np.int32)], value)
