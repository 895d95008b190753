"""Read print on an upright page: words, lead names, and the scale that the printer states.

Words are found by their shape: pieces of ink as large as letters, standing side by side. They are read by the small
PP-OCR recognizer (Cui et al., PaddleOCR 3.0 technical report, 2025) that the rapidocr wheel carries, which gives for
every few pixels along a word the probabilities of all characters. A lead name is not taken from the one best string of
these, since ``II`` may come out as ``Il``, ``Ⅱ`` or ``11``: the likelihoods of all spellings of each lead, over all
alignments (the forward pass of connectionist temporal classification, Graves et al. 2006), are summed instead.
"""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import signal, sparse

from digitize.ink.components import find_components
from digitize.ocr.onnx import read_notes
from digitize.records.layouts import ALL_NAMES
from digitize.records.standards import GAINS, SPEEDS, USUAL_GAIN
from digitize.records.upright import PIXELS_PER_MM

_LEVEL = 0.4
"""Coverage of ink from which a pixel belongs to a letter."""

_DARKNESS = 0.6
"""Least mean coverage of a letter's pixels; letters beside a dark one may be a little paler."""

_STROKE = 1.3
"""Least ink in a letter, in pixels for each of its rows; the same goes for letters beside one."""

_MOST_GLYPHS = 1500
"""Pieces of ink that are looked at on one page: three times what a full header has."""

_HEIGHT = 48
"""Pixels of a line of text in the recognizer."""

_NAME_WIDTHS = (96, 160, 320)
"""Widths to which crops of names are padded: the recognizer prepares itself anew for every other width."""

_LONGEST_LINE = 1600
"""Pixels of the recognizer's line: longer ones are squeezed."""

_SCALE_WIDTH = 5000
"""Pixels of line, all together, that are read in search of speed and gain: about 1 s on one core."""

_ELSE = 0.1
"""Likelihood of a string that is no lead name, relative to a lead name that is read as surely."""

_LINES_AT_ONCE = 3
"""Lines that are read before looking whether speed and gain are found."""

_MARGIN = 0.4
"""White around a crop, in heights of its box."""

_MISCOUNT = 0.02
"""Odds of counting the strokes of I, II and III wrong, where the print is clear enough for a reading."""

_RAPIDOCR = "rapidocr>=3.10,<4"
"""Versions of rapidocr that are known to carry the recognizer, as in the package's requirements."""


@dataclass(frozen=True)
class Word:
    """A group of letters.

    Attributes
    ----------
    box : tuple of int
        ``(x0, y0, x1, y1)`` around its ink in upright pixels, `x1` and `y1` excluded.
    glyphs : int
        Pieces of ink as large as a letter.
    """

    box: tuple[int, int, int, int]
    glyphs: int


@dataclass(frozen=True)
class LeadReadings:
    """Words read as lead names.

    Attributes
    ----------
    log_probability : ndarray, shape (n, leads + 1), float64
        Of the leads of `digitize.records.layouts.ALL_NAMES` and, last, of anything else; sums to 1 along each row.
    negated : ndarray, shape (n,), bool
        Where a minus stands before the name, as in Cabrera's ``-aVR``.
    """

    log_probability: NDArray[np.float64]
    negated: NDArray[np.bool_]


@dataclass(frozen=True)
class PrintedScale:
    """Speed and gain as the page states them, None where it does not.

    Attributes
    ----------
    speed : float or None
        mm/s, one of `SPEEDS`.
    gain : float or None
        mm/mV, one of `GAINS`; the limb leads' where the page states two.
    chest_gain : float or None
        mm/mV of the chest leads, where the page states it apart.
    text : str
        The lines that say so, joined by a line feed.
    """

    speed: float | None
    gain: float | None
    chest_gain: float | None
    text: str


def find_words(coverage: NDArray[np.float32]) -> tuple[list[Word], NDArray[np.bool_]]:
    """Find words by their shape.

    Parameters
    ----------
    coverage : ndarray, shape (h, w), float32
        Share of each upright pixel that is ink.

    Returns
    -------
    words : list of Word
        From top to bottom.
    glyphs : ndarray, shape (h, w), bool
        The letters' ink.

    Examples
    --------
    >>> page = np.zeros((300, 900), np.float32)
    >>> page[200:203] = 1.0  # too long for a letter
    >>> page[100:130, [50, 51, 52, 62, 63, 64]] = 1.0
    >>> find_words(page)[0]
    [Word(box=(50, 100, 65, 130), glyphs=2)]
    """
    pieces = find_components(coverage >= _LEVEL)
    boxes, area = pieces.boxes, pieces.area
    width, height = (boxes[:, 2:] - boxes[:, :2]).T
    mm = PIXELS_PER_MM
    # Letters of a coarse scan touch: a piece may be several letters wide if it is no taller than small print.
    tall = (height >= mm) & (height <= 6 * mm) & ((width <= 8 * mm) | ((height <= 4 * mm) & (width <= 10 * height)))
    # A letter's stroke is at most a third of its height, and its ink as long as it is tall: neither speck nor blot.
    glyph = tall & (area >= 1.2 * height) & (area <= 0.75 * width * height + 3 * height)
    glyph[0] = False
    # What is left of a grid is paler and thinner than print.
    ink = np.bincount(pieces.number, coverage.ravel()[pieces.inked], len(area))
    glyph &= (ink >= 0.8 * _DARKNESS * area) & (ink >= 0.8 * _STROKE * height)
    sure = (ink >= _DARKNESS * area) & (ink >= _STROKE * height)
    index = np.flatnonzero(glyph)
    if len(index) > _MOST_GLYPHS:
        index = index[np.argsort(-area[index], kind="stable")[:_MOST_GLYPHS]]
    word = _group(boxes[index])
    # A minus before a name is too flat for a letter.
    flat = (width >= 2 * height) & (width >= mm // 2) & (width <= 2 * mm) & (area >= 0.5 * width * height)
    dash = np.flatnonzero(flat)[:_MOST_GLYPHS]
    chosen = np.zeros(len(area), bool)
    words = []
    for number in range(word.max(initial=-1) + 1):
        members = index[word == number]
        if not sure[members].any():
            continue
        x0, y0, x1, y1 = _around(boxes[members])
        chosen[members] = True
        # Dots and specks between the letters belong to them.
        within = np.unique(pieces.labels[y0:y1, x0:x1])
        chosen[within[(boxes[within, :2] >= (x0, y0)).all(axis=1) & (boxes[within, 2:] <= (x1, y1)).all(axis=1)]] = True
        level = np.abs(boxes[dash, 1] + boxes[dash, 3] - y0 - y1) < 0.5 * (y1 - y0)
        minus = dash[level & (boxes[dash, 2] <= x0) & (boxes[dash, 2] > x0 - 0.5 * (y1 - y0))]
        chosen[minus] = True
        words.append(Word((int(boxes[minus, 0].min(initial=x0)), y0, x1, y1), len(members)))
    return sorted(words, key=lambda word: (word.box[1], word.box[0])), pieces.mask(chosen)


def _around(boxes: NDArray[np.int32]) -> tuple[int, int, int, int]:
    x0, y0 = boxes[:, :2].min(axis=0)
    x1, y1 = boxes[:, 2:].max(axis=0)
    return int(x0), int(y0), int(x1), int(y1)


def _group(boxes: NDArray[np.int32], reach: float = 0.7) -> NDArray[np.int32]:
    """Number the words that boxes belong to; neighbors on one line less than `reach` heights apart are one word."""
    x0, y0, x1, y1 = boxes.T
    height = y1 - y0
    least, most = np.minimum.outer(height, height), np.maximum.outer(height, height)
    gap = np.maximum.outer(x0, x0) - np.minimum.outer(x1, x1)
    shared = np.minimum.outer(y1, y1) - np.maximum.outer(y0, y0)
    # Letters of one line stand on one line, or are as tall above it, but for the few that hang below.
    level = np.minimum(np.abs(np.subtract.outer(y0, y0)), np.abs(np.subtract.outer(y1, y1))) < 0.25 * most
    near = (gap < reach * most) & (shared > 0.5 * least) & (most < 2.2 * least) & level
    return np.asarray(sparse.csgraph.connected_components(sparse.csr_array(near), directed=False)[1], np.int32)


def read_lead_names(coverage: NDArray[np.float32], boxes: ArrayLike) -> LeadReadings:
    """Read boxes as lead names.

    Parameters
    ----------
    coverage : ndarray, shape (h, w), float32
        Share of each upright pixel that is ink.
    boxes : array_like, shape (n, 4)
        ``(x0, y0, x1, y1)`` in upright pixels, each tight around one name.

    Returns
    -------
    LeadReadings

    Raises
    ------
    RuntimeError
        If the rapidocr package carries no recognizer.

    Examples
    --------
    >>> page = np.zeros((300, 900), np.float32)
    >>> page[100:130, [50, 51, 52, 62, 63, 64]] = 1.0
    >>> readings = read_lead_names(page, [(50, 100, 65, 130)])
    >>> ALL_NAMES[int(readings.log_probability[0].argmax())]
    'II'
    """
    # The same crop, mostly an empty one, is read once.
    number: dict[bytes, int] = {}
    every = [_crop(coverage, box) for box in np.asarray(boxes, float).reshape(-1, 4)]
    which = np.array([number.setdefault(crop.tobytes(), len(number)) for crop in every], np.intp)
    crops = [every[index] for index in np.unique(which, return_index=True)[1]]
    likelihood, minus = np.zeros((len(crops), len(ALL_NAMES) + 1)), np.zeros((len(crops), 2))
    posteriors = _recognize(crops, _NAME_WIDTHS)
    strokes = np.array([_count_strokes(crop) for crop in crops])
    steps = np.array([len(posterior) for posterior in posteriors])
    for number in np.unique(steps):
        alike = np.flatnonzero(steps == number)
        batch = np.stack([posteriors[index] for index in alike])
        likelihood[alike], minus[alike] = _name_likelihoods(batch, strokes[alike])
    with np.errstate(divide="ignore"):
        logs = np.log(likelihood / likelihood.sum(axis=1, keepdims=True))
    return LeadReadings(logs[which], (minus[:, 1] > minus[:, 0])[which])


def read_text(coverage: NDArray[np.float32], boxes: ArrayLike) -> list[str]:
    """Read boxes as words or lines.

    Parameters
    ----------
    coverage : ndarray, shape (h, w), float32
        Share of each upright pixel that is ink.
    boxes : array_like, shape (n, 4)
        ``(x0, y0, x1, y1)`` in upright pixels, each tight around one line.

    Returns
    -------
    list of str
        The best string of each box, empty where nothing is readable.

    Raises
    ------
    RuntimeError
        If the rapidocr package carries no recognizer.

    Examples
    --------
    >>> page = np.zeros((100, 100), np.float32)
    >>> page[20:50, 40:45] = page[45:50, 40:60] = 1.0
    >>> read_text(page, [(40, 20, 60, 50)])
    ['L']
    """
    _, characters = _recognizer()
    crops = [_crop(coverage, box) for box in np.asarray(boxes, float).reshape(-1, 4)]
    strings = []
    for posterior in _recognize(crops, range(160, _LONGEST_LINE + 1, 160)):
        best = posterior.argmax(axis=1)
        first = np.r_[True, best[1:] != best[:-1]]
        strings.append("".join(characters[k] for k in best[first & (best > 0)]).strip())
    return strings


def read_scale(coverage: NDArray[np.float32], words: Sequence[Word]) -> PrintedScale:
    """Find paper speed and gain in the page's print.

    Lines are read from the bottom of the page, where most printers state them, then from its top, until both are found
    or enough has been read.

    Parameters
    ----------
    coverage : ndarray, shape (h, w), float32
        Share of each upright pixel that is ink.
    words : sequence of Word
        The page's words, from `find_words`.

    Returns
    -------
    PrintedScale

    Raises
    ------
    RuntimeError
        If the rapidocr package carries no recognizer.

    Examples
    --------
    >>> read_scale(np.zeros((100, 100), np.float32), []).speed is None
    True
    """
    lines = _lines(words)
    left = _SCALE_WIDTH
    scale = PrintedScale(None, None, None, "")
    texts: list[str] = []
    while lines and left > 0:
        batch, lines = lines[:_LINES_AT_ONCE], lines[_LINES_AT_ONCE:]
        left -= sum(min(_LONGEST_LINE, _line_pixels(box)) for box in batch)
        texts += [text for text in read_text(coverage, batch) if parse_scale(text).text]
        scale = parse_scale("\n".join(texts))
        if scale.speed is not None and scale.gain is not None:
            break
    return scale


_NUMBER = r"(?<![\d.])([\doOlI|][\doOlISsZz|]{0,2}(?:[. ][\doOρp]\W?)?)\s*"
_MILLI = r"[mnriul√ ]{1,6}"
_PER = r"\s*[/1lI|7iyYf\\]\s*"
_SPEED_TEXT = re.compile(_NUMBER + rf"(?:{_MILLI}{_PER}|mm\s?)[s5$]", re.IGNORECASE)
_CHEST = r"(?:[ct]hest|precordial|pr[ea]c\w*|(?<![a-z])v(?:1\s?-\s?v?6)?)[:;.]?\s*"
_GAIN_UNIT = rf"({_MILLI}{_PER}|mm\s?|cm{_PER})(?:m|rn|nn|in)[vyu]"
_GAIN_TEXT = re.compile(rf"({_CHEST})?{_NUMBER}{_GAIN_UNIT}", re.IGNORECASE)
_GAINS_TEXT = re.compile(rf"{_NUMBER}/\s*([\doO]{{1,2}}(?:\.[\doO])?)\s*{_GAIN_UNIT}", re.IGNORECASE)
_TIMES_TEXT = re.compile(r"(?<![\w.])(?<!\d\s)[x×]\s?(\d?\.?\d)(?=\s)", re.IGNORECASE)
_TIMES = tuple(gain / USUAL_GAIN for gain in GAINS)
"""Gains as LIFEPAK monitors state them, beside the speed: ``x.5 .05-40Hz 25mm/sec`` is 5 mm/mV."""
_DIGITS = str.maketrans("oOρplI|SsZz ", "00001115522.")


def parse_scale(text: str) -> PrintedScale:
    """Find speed and gain in a text, mistakes of reading allowed for.

    Parameters
    ----------
    text : str
        Any number of lines.

    Returns
    -------
    PrintedScale
        Its `text` is the whole text where something was found.

    Examples
    --------
    >>> parse_scale("Speed: 25 mm/sec  Limb: 10 mm/mV  Chest: 5 mm/mV").chest_gain
    5.0
    >>> parse_scale("25,0mrn/5 lOmm/mv 0.05-150 Hz").gain
    10.0
    >>> both = parse_scale("25 mm/s 20/10 mm/mV")
    >>> both.gain, both.chest_gain
    (20.0, 10.0)
    >>> parse_scale("PR 160 ms").speed is None
    True
    """
    dense = text.replace(",", ".").replace(". ", ".")
    speed = gain = chest_gain = None
    for match in _SPEED_TEXT.finditer(dense):
        speed = speed or _plausible(match[1], SPEEDS)
    if pair := _GAINS_TEXT.search(dense):
        gain, chest_gain = _plausible(pair[1], GAINS), _plausible(pair[2], GAINS)
    for match in _GAIN_TEXT.finditer(dense):
        value = _plausible(match[2], GAINS, 10.0 if match[3].lower().startswith("c") else 1.0)
        if match[1]:
            chest_gain = chest_gain or value
        else:
            gain = gain or value
    if gain is None:
        gain, chest_gain = chest_gain, None
    if gain is None:
        stated = [_TIMES_TEXT.search(line) for line in dense.splitlines() if _SPEED_TEXT.search(line)]
        times = next((_plausible(match[1], _TIMES) for match in stated if match), None)
        gain = None if times is None else times * USUAL_GAIN
    found = speed is not None or gain is not None
    return PrintedScale(speed, gain, chest_gain, text if found else "")


def _plausible(number: str, allowed: tuple[float, ...], factor: float = 1.0) -> float | None:
    try:
        value = float(re.sub(r"[^\d.]", "", number.strip().translate(_DIGITS))) * factor
    except ValueError:
        return None
    # A decimal point is easily lost: 250 is 25.0.
    return next((v for v in (value, value / 10.0) if v in allowed), None)


def _line_pixels(box: tuple[int, int, int, int]) -> int:
    return round((box[2] - box[0]) / (box[3] - box[1]) * _HEIGHT / (1.0 + 2.0 * _MARGIN))


def _lines(words: Sequence[Word]) -> list[tuple[int, int, int, int]]:
    """Lines of print that may state a scale, those of the page's lower part from the bottom up, then the others."""
    small = [word for word in words if word.box[3] - word.box[1] <= 5 * PIXELS_PER_MM]
    if not small:
        return []
    boxes = np.array([word.box for word in small], np.int32)
    glyphs = np.array([word.glyphs for word in small])
    line = _group(boxes, 2.0)
    lines = []
    for number in range(line.max() + 1):
        x0, y0, x1, y1 = _around(boxes[line == number])
        # "25mm/s" is 4 heights long; touching letters of a coarse scan are few pieces.
        if x1 - x0 >= 3.5 * (y1 - y0) and glyphs[line == number].sum() >= 2:
            lines.append((x0, y0, x1, y1))
    middle = (min(box[1] for box in lines) + max(box[3] for box in lines)) / 2 if lines else 0.0
    lower = sorted((box for box in lines if box[1] > middle), key=lambda box: -box[3])
    upper = sorted((box for box in lines if box[1] <= middle), key=lambda box: box[1])
    return lower + upper


def _crop(coverage: NDArray[np.float32], box: NDArray[np.float64]) -> NDArray[np.uint8]:
    """One line as the recognizer wants it: dark on white, `_HEIGHT` pixels high, all beyond the box white."""
    height, width = coverage.shape
    x0, x1 = np.clip((int(np.floor(box[0])) - 1, int(np.ceil(box[2])) + 1), 0, width)
    y0, y1 = np.clip((int(np.floor(box[1])) - 1, int(np.ceil(box[3])) + 1), 0, height)
    if x1 <= x0 or y1 <= y0:
        return np.full((_HEIGHT, _HEIGHT), 255, np.uint8)
    window = np.pad(coverage[y0:y1, x0:x1], round(_MARGIN * (y1 - y0)))
    scale = _HEIGHT / window.shape[0]
    columns = int(np.clip(round(window.shape[1] * scale), 1, _LONGEST_LINE))
    sized = cv2.resize(window, (columns, _HEIGHT), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    return np.asarray(255.0 * (1.0 - np.clip(sized, 0.0, 1.0)), np.uint8)


@lru_cache(maxsize=1)
def _recognizer() -> tuple[cv2.dnn.Net, tuple[str, ...]]:
    """Network and its characters; the first is the blank."""
    # rapidocr is not imported: it is here for the file that it carries, which OpenCV runs.
    package = find_spec("rapidocr")
    folders = [Path(folder) for folder in (package and package.submodule_search_locations) or ()]
    models = sorted(model for folder in folders for model in folder.rglob("*rec*small*.onnx"))
    if not models:
        carrier = f"rapidocr {version('rapidocr')}" if folders else "rapidocr, which is not installed,"
        where = f" in {', '.join(map(str, folders))}" if folders else ""
        raise RuntimeError(f"{carrier} carries no recognizer '*rec*small*.onnx'{where}; allowed: {_RAPIDOCR}")
    model = models[-1].read_bytes()
    characters = read_notes(model)["character"].splitlines()
    return cv2.dnn.readNetFromONNX(np.frombuffer(model, np.uint8)), ("", *characters, " ")


_ONE_AT_A_TIME = threading.Lock()
"""Held while the network runs: it keeps its input and what it has computed so far."""


def _recognize(crops: Sequence[NDArray[np.uint8]], widths: Sequence[int]) -> list[NDArray[np.float32]]:
    """Probabilities of all characters along each crop, shape (steps, characters)."""
    if not crops:
        return []
    net, _ = _recognizer()
    posteriors = []
    # Several at once take as long, and as much more memory.
    for crop in crops:
        width = next((width for width in widths if crop.shape[1] <= width), widths[-1])
        if crop.shape[1] > width:
            crop = np.asarray(cv2.resize(crop, (width, _HEIGHT), interpolation=cv2.INTER_AREA), np.uint8)
        line = np.pad(crop, ((0, 0), (0, width - crop.shape[1])), constant_values=255)
        with _ONE_AT_A_TIME:
            net.setInput(np.repeat((line.astype(np.float32) / 127.5 - 1.0)[None, None], 3, axis=1))
            posteriors.append(np.asarray(net.forward()[0], np.float32))
    return posteriors


# Characters that a symbol of a lead name is read as: those that are it, and those that it is often taken for.
_SYMBOLS = {
    "I": ("IⅠⅰ", ""),
    "l": ("l", "jJ"),
    "1": ("1１", "iIl|!7"),
    "|": ("|｜!i/", "[]"),
    "Ⅱ": ("Ⅱⅱ‖∥", "HUun几"),
    "Ⅲ": ("Ⅲⅲ川", "山洲"),
    "a": ("aàáα", "AdoeQHR"),
    "A": ("AÀ", "4"),
    "V": ("Vv∨Ⅴⅴν√", "YyUuγυNMW"),
    "R": ("Rr", "KP"),
    "L": ("Ll", "tI1"),
    "F": ("Ff", "EPft"),
    "D": ("Dd", "O0"),
    "C": ("Cc", "G"),
    "2": ("2２", "Zz"),
    "3": ("3３", "B8"),
    "4": ("4４", "A"),
    "5": ("5５", "Ss"),
    "6": ("6６", "bG"),
    "7": ("7７", "?"),
    "8": ("8８", "B&"),
    "9": ("9９", "gq"),
    "-": ("-−–—一~", "_"),
    "bar": ("", "Il1|｜[]!i丨"),
}
_SIMILAR = 0.2
"""Weight of characters that a symbol is only taken for."""

_STRAY = (" ", "-−–—_.,:;'`·~\"")
"""Characters that may stand beside or within a name: the first kind at will, the others, mostly specks, at a price."""


def _chains_of(name: str) -> Iterator[tuple[Sequence[str], bool]]:
    """Spellings of a lead as chains of symbols, and whether each negates it."""
    if name.startswith("I"):
        romans = _roman_spellings(len(name))
        # "D1" is among the strokes.
        digit = [str(len(name))] if name != "I" else []
        yield from ((spelling, False) for spelling in romans)
        yield from (("D" + spelling, False) for spelling in romans + digit)
        return
    augmented = name.startswith("a")
    forms = [first + "V" + name[2] for first in "aA"] if augmented else [letter + name[1:] for letter in "VC"]
    yield from ((form, False) for form in forms)
    if augmented:
        yield from (("-" + form, True) for form in forms)
    # The bar that ends the strip before it may touch a name.
    yield from ((("bar", *form), False) for form in forms)


def _roman_spellings(number: int) -> list[str]:
    strokes = "Il1|"
    spellings = ["".join(run) for run in itertools.product(strokes, repeat=number)]
    if number == 2:
        spellings += ["Ⅱ"]
    elif number == 3:
        spellings += ["Ⅲ", *(stroke + "Ⅱ" for stroke in strokes), *("Ⅱ" + stroke for stroke in strokes)]
    return spellings


@lru_cache(maxsize=1)
def _spellings() -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Spellings of all leads as chains of symbols, padded with -1; their lengths, leads, and whether negated."""
    chains = [(chain, lead, negated) for lead, name in enumerate(ALL_NAMES) for chain, negated in _chains_of(name)]
    symbols = list(_SYMBOLS)
    longest = max(len(chain) for chain, _, _ in chains)
    table = np.full((len(chains), longest), -1)
    for row, (chain, _, _) in enumerate(chains):
        table[row, : len(chain)] = [symbols.index(symbol) for symbol in chain]
    return (
        table,
        np.array([len(chain) for chain, _, _ in chains]),
        np.array([lead for _, lead, _ in chains]),
        np.array([negated for _, _, negated in chains]),
    )


@lru_cache(maxsize=1)
def _symbol_weights() -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Characters that stand for a symbol or the blank, and the weight of each (rows) for all of these (columns)."""
    _, characters = _recognizer()
    number = {character: index for index, character in enumerate(characters)}
    weights = np.zeros((len(characters), 1 + len(_SYMBOLS)))
    weights[0, 0] = 1.0
    for column, (sure, similar) in enumerate([_STRAY, *_SYMBOLS.values()]):
        for group, weight in ((similar, _SIMILAR), (sure, 1.0)):
            weights[[number[character] for character in group if character in number], column] = weight
    used = np.flatnonzero(weights.any(axis=1))
    return used, weights[used]


def _count_strokes(crop: NDArray[np.uint8]) -> int:
    """Upright strokes that stand side by side in a crop."""
    cap = _HEIGHT / (1.0 + 2.0 * _MARGIN)
    # Serifs and what crosses a name touch few rows of its middle.
    middle = slice(round(_HEIGHT / 2 - 0.3 * cap), round(_HEIGHT / 2 + 0.3 * cap))
    profile = np.pad(255.0 - crop[middle].mean(axis=0), 1)
    peaks, _ = signal.find_peaks(profile, height=0.4 * profile.max(), prominence=max(1.0, 0.3 * profile.max()))
    return len(peaks)


def _name_likelihoods(
    posterior: NDArray[np.float32], strokes: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Likelihoods of crops as leads and anything else (n, leads + 1), and of names without and with a minus (n, 2)."""
    table, length, lead, negated = _spellings()
    used, weights = _symbol_weights()
    # The floor keeps the product of 40 steps above the smallest number.
    emission = np.maximum(posterior[:, :, used].astype(np.float64) @ weights, 1e-7)
    chains, longest = table.shape
    states = np.zeros((chains, 2 * longest + 1), np.int64)
    states[:, 1::2] = table + 1
    skip = np.zeros(states.shape)
    skip[:, 3::2] = (table[:, 1:] != table[:, :-1]) & (table[:, 1:] >= 0)
    forward = np.zeros((len(posterior), *states.shape))
    forward[:, :, 0], forward[:, :, 1] = emission[:, 0, :1], emission[:, 0, states[:, 1]]
    for step in np.moveaxis(emission[:, 1:], 1, 0):
        moved = forward.copy()
        moved[..., 1:] += forward[..., :-1]
        moved[..., 2:] += skip[:, 2:] * forward[..., :-2]
        forward = moved * step[:, states]
    row = np.arange(chains)
    likelihood = forward[:, row, 2 * length] + forward[:, row, 2 * length - 1]
    names = likelihood @ (lead[:, None] == np.arange(len(ALL_NAMES)))
    # The recognizer knows a row of strokes, yet not always how many.
    counted = np.isin(strokes, (1, 2, 3))
    romans = names[counted, :3]
    told = romans * np.where(np.arange(1, 4) == strokes[counted, None], 1.0, _MISCOUNT)
    names[counted, :3] = told * (romans.sum(axis=1) / np.maximum(told.sum(axis=1), 1e-300))[:, None]
    other = _ELSE * np.prod(np.maximum(posterior.max(axis=2), 1e-7), axis=1, dtype=np.float64)
    signs = np.stack([likelihood[:, ~negated].sum(axis=1), likelihood[:, negated].sum(axis=1)], axis=1)
    return np.c_[names, other], signs
