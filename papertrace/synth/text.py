"""Printed text: coverage masks of a string in one of the page fonts, and how wide it prints.

Sizes are heights of a capital letter, so that a page keeps its proportions whatever the font.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

_FILES = {
    "sans": "DejaVuSans.ttf",
    "sans-bold": "DejaVuSans-Bold.ttf",
    "serif-bold": "DejaVuSerif-Bold.ttf",
    "mono": "DejaVuSansMono.ttf",
    "sans-oblique": "DejaVuSans-Oblique.ttf",
    "condensed-bold": "DejaVuSansCondensed-Bold.ttf",
    "roman": "Roman.ttf",
    "roman-bold": "Roman-Bold.ttf",
}
_REFERENCE = 256


@dataclass(frozen=True)
class TextMask:
    """Coverage of one line of text.

    Attributes
    ----------
    coverage : ndarray, shape (h, w), uint8
    left, baseline : float
        Where the text's origin (pen start, on the line that letters stand on) lies, in pixels from the mask's corner.
    """

    coverage: NDArray[np.uint8]
    left: float
    baseline: float


@lru_cache(maxsize=256)
def _font(name: str, size: float) -> ImageFont.FreeTypeFont:
    if name == "aileron":
        font = ImageFont.load_default(size=size)
        assert isinstance(font, ImageFont.FreeTypeFont)
        return font
    return ImageFont.truetype(str(Path(__file__).parent / "fonts" / _FILES[name]), size)


@lru_cache(maxsize=16)
def _em_per_cap(name: str) -> float:
    _, top, _, bottom = _font(name, _REFERENCE).getbbox("I", anchor="ls")
    return _REFERENCE / (bottom - top)


def text_width(string: str, font: str, cap_height: float) -> float:
    """Advance width of a line of text, in the unit of `cap_height`.

    Parameters
    ----------
    string : str
    font : str
        One of `papertrace.synth.style.FONTS`.
    cap_height : float

    Returns
    -------
    float

    Examples
    --------
    >>> text_width("aVR aVR", "mono", 2.0) > 2 * text_width("aVR", "mono", 2.0)
    True
    """
    em = _em_per_cap(font)
    return float(_font(font, _REFERENCE).getlength(string)) / _REFERENCE * em * cap_height


@lru_cache(maxsize=64)
def text_mask(string: str, font: str, cap_height: float) -> TextMask:
    """Draw a line of text as coverage, upright.

    Parameters
    ----------
    string : str
    font : str
        One of `papertrace.synth.style.FONTS`.
    cap_height : float
        Height of a capital letter in pixels.

    Returns
    -------
    TextMask

    Examples
    --------
    >>> mask = text_mask("V1", "sans", 40.0)
    >>> bool(abs(np.ptp(np.flatnonzero(mask.coverage.max(axis=1) > 127)) - 40) < 3)
    True
    """
    pad = 2 + round(cap_height / 4)
    face = _font(font, round(cap_height * _em_per_cap(font), 2))
    left, top, right, bottom = face.getbbox(string, anchor="ls")
    origin = (pad - int(np.floor(min(left, 0))), pad - int(np.floor(top)))
    canvas = Image.new("L", (origin[0] + int(np.ceil(right)) + pad, origin[1] + int(np.ceil(bottom)) + pad))
    ImageDraw.Draw(canvas).text(origin, string, font=face, fill=255, anchor="ls")
    return TextMask(np.asarray(canvas, np.uint8), float(origin[0]), float(origin[1]))
