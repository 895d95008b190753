"""QR and bar codes as modules: 255 is ink, one array element a module."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_CODE39 = {
    "0": "nnnwwnwnn", "1": "wnnwnnnnw", "2": "nnwwnnnnw", "3": "wnwwnnnnn", "4": "nnnwwnnnw", "5": "wnnwwnnnn",
    "6": "nnwwwnnnn", "7": "nnnwnnwnw", "8": "wnnwnnwnn", "9": "nnwwnnwnn", "A": "wnnnnwnnw", "B": "nnwnnwnnw",
    "C": "wnwnnwnnn", "D": "nnnnwwnnw", "E": "wnnnwwnnn", "F": "nnwnwwnnn", "G": "nnnnnwwnw", "H": "wnnnnwwnn",
    "I": "nnwnnwwnn", "J": "nnnnwwwnn", "K": "wnnnnnnww", "L": "nnwnnnnww", "M": "wnwnnnnwn", "N": "nnnnwnnww",
    "O": "wnnnwnnwn", "P": "nnwnwnnwn", "Q": "nnnnnnwww", "R": "wnnnnnwwn", "S": "nnwnnnwwn", "T": "nnnnwnwwn",
    "U": "wwnnnnnnw", "V": "nwwnnnnnw", "W": "wwwnnnnnn", "X": "nwnnwnnnw", "Y": "wwnnwnnnn", "Z": "nwwnwnnnn",
    "-": "nwnnnnwnw", ".": "wwnnnnwnn", " ": "nwwnnnwnn", "*": "nwnnwnwnn",
}  # fmt: skip
_WIDE = 3


def qr_code(text: str) -> NDArray[np.uint8]:
    """QR code (ISO/IEC 18004) without its quiet zone.

    Parameters
    ----------
    text : str
        At most 500 characters.

    Returns
    -------
    ndarray, shape (n, n), uint8

    Raises
    ------
    ValueError
        If the text is empty or too long.

    Examples
    --------
    >>> qr_code("00326 1987-03-12").shape
    (21, 21)
    """
    if not 0 < len(text) <= 500:
        raise ValueError(f"text has {len(text)} characters; allowed: 1 to 500")
    code = np.asarray(cv2.QRCodeEncoder.create().encode(text), np.uint8)
    ink = np.bitwise_not(code)
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def bar_code(text: str) -> NDArray[np.uint8]:
    """Code 39 (ISO/IEC 16388) with its start and stop characters, wide bars three times as wide as narrow ones.

    Parameters
    ----------
    text : str
        Digits, capitals, ``-``, ``.`` and blanks.

    Returns
    -------
    ndarray, shape (n,), uint8

    Raises
    ------
    ValueError
        If the text has another character.

    Examples
    --------
    >>> bar_code("7").size
    47
    """
    unknown = sorted(set(text) - (set(_CODE39) - {"*"}))
    if unknown:
        raise ValueError(f"text has {unknown[0]!r}; allowed: {''.join(sorted(set(_CODE39) - {'*'}))}")
    modules: list[int] = []
    for character in f"*{text}*":
        for index, width in enumerate(_CODE39[character]):
            modules += [0 if index % 2 else 255] * (_WIDE if width == "w" else 1)
        modules.append(0)
    return np.array(modules[:-1], np.uint8)
