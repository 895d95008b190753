"""Handwriting: words as a pen's way, from a stroke alphabet that every hand bends in its own manner.

Each letter is a few strokes through points of a small lattice: ``"5i 3j"`` goes from column 5, height i to column 3,
height j. Heights are letters: a is the descenders' depth, e the line, j the height of small letters, n that of
capitals. A hand has a slant, proportions and a habitual bend of every letter; each time a letter is written it comes
out a little different. Letters that can be joined mostly are. Curves are splines through the points.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from papertrace.synth.brush import PenLine, smooth

_LINE, _X_HEIGHT = ord("e"), 5.0
_PER_POINT = 5

_GLYPHS = {
    "a": "5i 3j 1i 0g 1e 3e 5g 5j 5f 6e 7f",
    "b": "0n 0i 0e 0g 1i 3j 5i 5g 4e 2e 0f",
    "c": "5i 4j 2j 0h 0f 2e 4e 5f",
    "d": "5i 3j 1i 0g 1e 3e 5g 5n 5i 5f 6e 7f",
    "e": "0g 3g 5h 4j 2j 0h 0f 2e 4e 6f",
    "f": "5m 4n 2m 2j 2e 1b,0i 4j",
    "g": "5i 3j 1i 0g 1e 3e 5g 5j 5e 5b 3a 1a 0b",
    "h": "0n 0i 0e 0g 2j 4j 5h 5f 6e 7f",
    "i": "0j 0f 1e 2f,1l 1m",
    "j": "3j 3e 3b 1a 0b,3l 3m",
    "k": "0n 0i 0e,4j 1g 2g 5e 6f",
    "l": "0n 0i 0f 1e 2f",
    "m": "0j 0e 0h 2j 3i 3e 3h 5j 6i 6f 7e 8f",
    "n": "0j 0e 0h 2j 4j 5h 5f 6e 7f",
    "o": "3j 1i 0g 1e 3e 5g 4i 3j 5i",
    "p": "0j 0e 0a 0e 0h 2j 4j 5h 5f 3e 1e 0f",
    "q": "5i 3j 1i 0g 1e 3e 5g 5j 5e 5a 6b",
    "r": "0j 0e 0h 2j 4j 4i",
    "s": "4i 3j 1j 0i 1h 3g 4f 3e 1e 0f",
    "t": "1n 1i 1f 2e 3e 4f,0j 4k",
    "u": "0j 0f 1e 3e 4g 4j 4f 5e 6f",
    "v": "0j 2e 2e 4j 5j",
    "w": "0j 1e 1e 3i 4e 4e 6j 7j",
    "x": "0j 1i 4f 5e,4j 0e",
    "y": "0j 0g 1e 3f 4j 4e 4b 2a 0b",
    "z": "0j 4j 4j 0e 0e 4e 5f",
    "A": "0e 3n 3n 6e,1h 5i",
    "B": "0n 0e,0n 3n 4l 3j 0j 4i 5g 3e 0e",
    "C": "6l 4n 2n 0k 0h 2e 4e 6g",
    "D": "0n 0e,0n 3n 6k 6h 3e 0e",
    "E": "5n 0n 0n 0i 0e 0e 5e,0j 4j",
    "F": "5n 0n 0n 0e,0j 4j",
    "G": "6l 4n 2n 0k 0h 2e 4e 6g 6i 4i",
    "H": "0n 0e,5n 5e,0j 5j",
    "I": "1n 1e",
    "J": "4n 4g 3e 1e 0f",
    "K": "0n 0e,5n 0i 0i 5e",
    "L": "0n 0e 0e 5e",
    "M": "0e 1n 1n 4g 4g 7n 7n 8e",
    "N": "0e 0n 0n 5e 5e 5n",
    "O": "3n 0k 0h 3e 6h 6k 4n 2n",
    "P": "0e 0n 0n 3n 5l 4j 0i",
    "Q": "3n 0k 0h 3e 6h 6k 4n 2n,4g 7d",
    "R": "0e 0n 0n 3n 5l 4j 0i 1i 5e",
    "S": "5m 3n 1n 0l 1j 4i 5g 3e 1e 0f",
    "T": "0n 6n,3n 3e",
    "U": "0n 0g 1e 4e 5g 5n",
    "V": "0n 3e 3e 6n",
    "W": "0n 2e 2e 4l 4l 6e 6e 8n",
    "X": "0n 5e,5n 0e",
    "Y": "0n 3i 6n,3i 2e",
    "Z": "0n 5n 5n 0e 0e 5e",
    "0": "3m 1l 0h 1e 3e 5h 4l 3m",
    "1": "0k 2m 2m 2e",
    "2": "0k 1m 3m 4k 3i 0e 0e 5e",
    "3": "0l 2m 4l 3j 1i 1i 4h 4f 2e 0f",
    "4": "3m 0h 0h 5h,4j 4d",
    "5": "1m 0i 3j 5h 4f 2e 0f,1m 5m",
    "6": "4m 1j 0g 1e 4e 5g 3i 1h 0g",
    "7": "0m 5m 5m 2e,1i 5i",
    "8": "4l 2m 0l 1j 4h 4f 2e 0f 1h 4k 4l",
    "9": "5k 3m 1l 1j 3i 5k 5m 4e",
    ".": "0e 0f",
    ",": "1f 0d",
    ":": "0e 0f,0i 0j",
    "/": "0d 4n",
    "-": "0h 4h",
    "+": "0h 4h,2j 2f",
    "=": "0g 4g,0i 4i",
    "(": "2n 0j 0g 2d",
    ")": "0n 2j 2g 0d",
    "?": "0l 2n 4l 3j 2h 2g,2e 2f",
    "!": "0n 0g,0e 0f",
    "%": "5n 0e,1n 0l 2l 1n,4h 3f 5f 4h",
    "&": "6e 1l 2n 4l 0g 2e 5h",
    "^": "0j 2n 2n 4j",
}

LETTERS = frozenset(_GLYPHS) | {" "}
"""Characters that can be written."""

# Letters that end at the line or at half height with a stroke to the right, and those that begin at their left.
_LEADS_ON = frozenset("acdehiklmnortuvwxz")
_TAKES_UP = frozenset("abcdeghijklmnopqrstuvwxyz")


@dataclass(frozen=True)
class Hand:
    """How a person writes.

    Attributes
    ----------
    x_height : float
        Height of small letters, mm.
    slant : float
        Tangent of the slope to the right.
    breadth : float
        Width of letters relative to the alphabet's own.
    spacing : float
        Gap between letters relative to the small letters' height.
    pen : float
        Width of the pen's line, mm.
    pressure : float
        How much the line's width varies, 0 to 1.
    joins : float
        Share of the letters that are joined where they can be.
    unrest : float
        How far points stray from their place, relative to the small letters' height.
    habit : int
        Seed of the bends that this hand gives to every letter.

    Examples
    --------
    >>> Hand().x_height
    2.2
    """

    x_height: float = 2.2
    slant: float = 0.2
    breadth: float = 0.9
    spacing: float = 0.3
    pen: float = 0.4
    pressure: float = 0.35
    joins: float = 0.8
    unrest: float = 0.05
    habit: int = 0


def random_hand(rng: np.random.Generator) -> Hand:
    """Draw a hand, neat or hurried, with a ballpoint or a felt-tip pen.

    Parameters
    ----------
    rng : numpy.random.Generator

    Returns
    -------
    Hand

    Examples
    --------
    >>> random_hand(np.random.default_rng(1)) == random_hand(np.random.default_rng(1))
    True
    """

    def between(low: float, high: float) -> float:
        return float(rng.uniform(low, high))

    felt_tip = rng.random() < 0.2
    x_height = between(1.5, 3.0) * (1.3 if felt_tip else 1.0)
    return Hand(
        x_height=x_height,
        slant=between(-0.15, 0.55),
        breadth=between(0.65, 1.05),
        spacing=between(0.2, 0.45),
        # Nobody writes letters that their pen fills.
        pen=min(between(0.5, 0.8) if felt_tip else between(0.26, 0.48), 0.22 * x_height),
        pressure=between(0.15, 0.5),
        joins=between(0.2, 1.0),
        unrest=between(0.03, 0.1),
        habit=int(rng.integers(1 << 31)),
    )


def write(text: str, hand: Hand, rng: np.random.Generator) -> list[PenLine]:
    """Write a line of text.

    Parameters
    ----------
    text : str
        Of `LETTERS`.
    hand : Hand
    rng : numpy.random.Generator
        Makes no two letters alike.

    Returns
    -------
    list of PenLine
        In mm; the text starts at x = 0 and stands on y = 0, y downward.

    Raises
    ------
    ValueError
        If the text has a character that is not in the alphabet, or nothing but blanks.

    Examples
    --------
    >>> lines = write("no change", Hand(), np.random.default_rng(0))
    >>> bool(15 < max(line.path[:, 0].max() for line in lines) < 40)
    True
    """
    unknown = sorted(set(text) - LETTERS)
    if unknown:
        raise ValueError(f"text has {unknown[0]!r}; allowed: {''.join(sorted(LETTERS))}")
    if not text.strip():
        raise ValueError(f"text is {text!r}; allowed: at least one letter")
    unit = hand.x_height / _X_HEIGHT
    strokes: list[NDArray[np.float64]] = []
    x = 0.0
    drift = float(rng.normal(0, 0.02))
    before, main = " ", 0
    for letter in text:
        if letter == " ":
            x += _X_HEIGHT * (0.9 + 0.25 * rng.random())
        else:
            glyph = _bent(letter, hand.habit, hand.unrest)
            size = 1 + rng.normal(0, hand.unrest)
            right = max(float(stroke[:, 0].max()) for stroke in glyph)
            stray = rng.normal(0, 0.6 * hand.unrest * _X_HEIGHT, (sum(map(len, glyph)), 2))
            lift = rng.normal(0, 0.5 * hand.unrest * _X_HEIGHT) + drift * x
            first = 0
            joined = before in _LEADS_ON and letter in _TAKES_UP and rng.random() < hand.joins
            for index, stroke in enumerate(glyph):
                points = (stroke + stray[first : first + len(stroke)]) * size
                first += len(stroke)
                points = points * (hand.breadth, 1) + (x, lift)
                if index == 0 and joined:
                    strokes[main] = np.concatenate([strokes[main], points])
                else:
                    strokes.append(points)
                    if index == 0:
                        main = len(strokes) - 1
            x += hand.breadth * right * size + hand.spacing * _X_HEIGHT * rng.uniform(0.7, 1.3)
        before = letter
    return [_penned(stroke * (unit, -unit), hand, rng) for stroke in strokes]


@lru_cache(maxsize=len(_GLYPHS))
def _strokes(letter: str) -> tuple[NDArray[np.float64], ...]:
    return tuple(
        np.array([(int(point[0]), ord(point[1]) - _LINE) for point in stroke.split()], float)
        for stroke in _GLYPHS[letter].split(",")
    )


def _bent(letter: str, habit: int, unrest: float) -> list[NDArray[np.float64]]:
    """Letter as this hand always writes it."""
    rng = np.random.default_rng([habit, ord(letter)])
    return [stroke + rng.normal(0, 1.2 * unrest * _X_HEIGHT, stroke.shape) for stroke in _strokes(letter)]


def _penned(points: NDArray[np.float64], hand: Hand, rng: np.random.Generator) -> PenLine:
    """Curve through a stroke's points, slanted, with the pen's pressure: less uphill and at the ends."""
    path = smooth(points, _PER_POINT)
    path[:, 0] -= hand.slant * path[:, 1]
    steps = np.diff(path, axis=0, prepend=path[:1])
    down = steps[:, 1] / np.maximum(np.hypot(*steps.T), 1e-9)
    along: Any = np.arange(len(path))
    knots = np.arange(0, len(path) + 12, 12)
    wave = np.interp(along, knots, rng.normal(0, 0.4, len(knots)))
    ends = np.minimum(1, 0.55 + 0.15 * np.minimum(along, along[::-1]))
    press = np.convolve(np.pad(down, 3, mode="edge"), np.ones(7) / 7, "valid")
    return PenLine(path, hand.pen * np.clip(1 + hand.pressure * (0.6 * press + wave), 0.5, 1.6) * ends)
