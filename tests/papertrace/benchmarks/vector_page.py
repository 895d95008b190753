"""Curves, grid and names of a page that a program drew as PDF."""

from __future__ import annotations

import ctypes
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pypdfium2
from pypdfium2 import raw

FEWEST = 40
"""Corners of a curve; pulses, frames and separators have fewer."""

NAME = re.compile(r"(?<!\S)(-?aV[RLF]|I{1,3}|V[1-6])(?!\S)")


@dataclass(frozen=True, eq=False)
class VectorPage:
    """Points (1/72 inch) from the lower left corner of the page.

    Attributes
    ----------
    height : float
    curves : list of ndarray, shape (n, 2)
        Unbroken ones.
    boxes : list of tuple of float
        Left, bottom, right and top of rectangles.
    upright : ndarray, shape (n,)
        x of the upright lines that most begin at one height, in order, each once.
    names : list of tuple
        Name of a lead, and its x and y.
    """

    height: float
    curves: list[np.ndarray]
    boxes: list[tuple[float, float, float, float]]
    upright: np.ndarray
    names: list[tuple[str, float, float]]


def read_vector_page(path: Path) -> VectorPage:
    with pypdfium2.PdfDocument(path) as document:
        page = document[0]
        pieces = [piece for item in page.get_objects([raw.FPDF_PAGEOBJ_PATH], max_depth=9) for piece in _pieces(item)]
        text = page.get_textpage()
        found = [(match[0], *text.get_charbox(match.start())[:2]) for match in NAME.finditer(text.get_text_range())]
        height = page.get_height()
    lines = np.array([piece.min(axis=0) for piece in pieces if len(piece) == 2 and piece[0, 0] == piece[1, 0]])
    boxes = [(*piece.min(axis=0), *piece.max(axis=0)) for piece in pieces if len(piece) in (4, 5)]
    curves = [piece for piece in pieces if len(piece) >= FEWEST]
    places = np.sort(_of_one_panel(lines)) if len(lines) else np.zeros(0)
    return VectorPage(height, curves, boxes, places[np.diff(places, prepend=-1) > 0.1], found)


def _of_one_panel(lines: np.ndarray) -> np.ndarray:
    """x of those that begin where most begin: panels may have grids that do not go on from one to the other."""
    feet, count = np.unique(lines[:, 1].round(1), return_counts=True)
    return lines[lines[:, 1].round(1) == feet[count.argmax()], 0]


def _pieces(item: pypdfium2.PdfObject) -> list[np.ndarray]:
    """Corners of a path, parted where the pen is lifted."""
    a, b, c, d, e, f = item.get_matrix().get()
    corners, lifted = [], []
    for number in range(raw.FPDFPath_CountSegments(item.raw)):
        segment = raw.FPDFPath_GetPathSegment(item.raw, number)
        x, y = ctypes.c_float(), ctypes.c_float()
        raw.FPDFPathSegment_GetPoint(segment, x, y)
        corners.append((a * x.value + c * y.value + e, b * x.value + d * y.value + f))
        lifted.append(raw.FPDFPathSegment_GetType(segment) == raw.FPDF_SEGMENT_MOVETO)
    return np.split(np.array(corners), np.flatnonzero(lifted)[1:]) if corners else []
