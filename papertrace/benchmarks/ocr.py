"""Look for names in pictures by an OCR of another make, Tesseract, which is called as a command."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from papertrace.benchmarks.names import Item

TESSERACT = "tesseract"

IN_A_ROW = 4
"""Letters or digits of an item, one after the other, that are enough to have read it."""

CAPS_PX = (24, 40)
"""Heights to which capitals are brought where an item is looked at by itself."""

MODES = (11, 12)
"""Tesseract's ways to look for sparse text."""

_LIGHT = 200
_AROUND = 0.6
_WIDTH = 1600
_GAP = 20


def has_tesseract() -> bool:
    """Whether the command is there."""
    return shutil.which(TESSERACT) is not None


def version() -> str:
    """Tell Tesseract's version, as it says it."""
    answer = subprocess.run([TESSERACT, "--version"], capture_output=True, text=True, check=True)
    return (answer.stdout or answer.stderr).splitlines()[0]


@dataclass(frozen=True)
class Found:
    """A word that was read, in capitals, and the middle of its box in pixels ``(x, y)``."""

    text: str
    middle: tuple[float, float]


def read_picture(image: NDArray[np.uint8], mode: int = 11) -> list[Found]:
    """Read a picture.

    Parameters
    ----------
    image : ndarray, shape (h, w) or (h, w, 3), uint8
        Gray or RGB.
    mode : int
        Tesseract's ``--psm``.

    Returns
    -------
    list of Found

    Raises
    ------
    subprocess.CalledProcessError
        If Tesseract fails.
    """
    bgr = image if image.ndim == 2 else image[..., ::-1]
    png = cv2.imencode(".png", bgr)[1].tobytes()
    command = [TESSERACT, "-", "-", "--psm", str(mode), "--dpi", "300", "tsv"]
    one_thread = {**os.environ, "OMP_THREAD_LIMIT": "1"}
    read = subprocess.run(command, input=png, capture_output=True, check=True, env=one_thread)
    words = []
    for line in read.stdout.decode("utf-8", "replace").splitlines()[1:]:
        *_, x, y, width, height, _, text = line.split("\t")
        if text.strip():
            words.append(Found(text.upper(), (int(x) + int(width) / 2, int(y) + int(height) / 2)))
    return words


def is_read(string: str, text: str) -> bool:
    """Whether `IN_A_ROW` letters or digits of a string stand in a text, upper or lower case.

    Examples
    --------
    >>> is_read("KOWALSKI", "x0walski"), is_read("KOWALSKI", "KOW ALS")
    (True, False)
    """
    searched = text.upper()
    return any(string[k : k + IN_A_ROW].upper() in searched for k in range(len(string) - IN_A_ROW + 1))


def montage(
    image: NDArray[np.uint8], items: Sequence[Item], cap_px: int
) -> tuple[NDArray[np.uint8], list[NDArray[np.float32]]]:
    """Lay the surroundings of items side by side, each turned upright and brought to one size.

    Parameters
    ----------
    image : ndarray, shape (h, w, 3), uint8
        RGB.
    items : sequence of Item
    cap_px : int
        Height of their capitals.

    Returns
    -------
    picture : ndarray, shape (H, W, 3), uint8
    places : list of ndarray, shape (4, 2), float32
        Corners of each item's place there.
    """
    crops = [_upright(image, item, cap_px) for item in items]
    x, y, tall, corners = _GAP, _GAP, 0, []
    for crop in crops:
        if x > _GAP and x + crop.shape[1] + _GAP > _WIDTH:
            x, y, tall = _GAP, y + tall + _GAP, 0
        corners.append((x, y))
        x, tall = x + crop.shape[1] + _GAP, max(tall, len(crop))
    right = max((x + crop.shape[1] for (x, _), crop in zip(corners, crops, strict=True)), default=0)
    picture = np.full((y + tall + _GAP, right + _GAP, 3), 255, np.uint8)
    places = []
    for (x, y), crop in zip(corners, crops, strict=True):
        height, width = crop.shape[:2]
        picture[y : y + height, x : x + width] = crop
        places.append(np.array([(x, y), (x + width, y), (x + width, y + height), (x, y + height)], np.float32))
    return picture, places


def are_read(items: Sequence[Item], texts: Sequence[str]) -> list[bool]:
    """Say which items are read, by what was read in each one's place."""
    return [is_read(item.string, text) for item, text in zip(items, texts, strict=True)]


def read_items(image: NDArray[np.uint8], items: Sequence[Item]) -> list[str]:
    """Read each item's place by itself: upright, in two sizes, as it is and without colors.

    Parameters
    ----------
    image : ndarray, shape (h, w, 3), uint8
        RGB.
    items : sequence of Item

    Returns
    -------
    list of str
        All that is read there, a line a word.
    """
    texts = [""] * len(items)
    for cap_px, mode in zip(CAPS_PX, MODES, strict=True):
        laid, places = montage(image, items, cap_px)
        # In the lightest of its colors a red grid is all but gone.
        for look in (laid, np.asarray(laid.max(axis=2), np.uint8)):
            texts = _added(texts, read_picture(look, mode), places)
    return texts


def read_page(image: NDArray[np.uint8], items: Sequence[Item], scales: Sequence[float] = (1.0,)) -> list[str]:
    """Read a whole picture by four quarter turns and at several scales, and tell what stands in each item's place.

    Parameters
    ----------
    image : ndarray, shape (h, w, 3), uint8
        RGB.
    items : sequence of Item
    scales : sequence of float

    Returns
    -------
    list of str
        A line a word.
    """
    texts = [""] * len(items)
    # The grid, which slows the search by ten and hides letters, is light in one of its colors.
    lightest = image.max(axis=2)
    dark = np.where(lightest > _LIGHT, np.uint8(255), lightest)
    for scale in scales:
        turned = np.asarray(cv2.resize(dark, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC), np.uint8)
        places = [item.corners * np.float32(scale) for item in items]
        for _ in range(4):
            texts = _added(texts, read_picture(turned), places)
            places = [np.stack([y, turned.shape[1] - 1 - x], axis=1) for x, y in (place.T for place in places)]
            turned = np.ascontiguousarray(np.rot90(turned))
    return texts


def _added(texts: Sequence[str], words: Sequence[Found], places: Sequence[NDArray[np.float32]]) -> list[str]:
    """Texts of places with the words that stand in them: among a page's strokes an OCR reads some name somewhere."""
    return [
        text + "".join(f"{word.text}\n" for word in words if cv2.pointPolygonTest(place, word.middle, False) >= 0)
        for text, place in zip(texts, places, strict=True)
    ]


def _upright(image: NDArray[np.uint8], item: Item, cap_px: int) -> NDArray[np.uint8]:
    a, b, _, d = item.corners
    across, tall = (float(np.hypot(*side)) for side in (b - a, d - a))
    scale = cap_px / max(tall, 1.0)
    edge = _AROUND * cap_px
    width, height = across * scale, tall * scale
    upright = np.array([(edge, edge), (edge + width, edge), (edge + width, edge + height), (edge, edge + height)])
    matrix = cv2.getPerspectiveTransform(item.corners, upright.astype(np.float32))
    size = (round(width + 2 * edge), round(height + 2 * edge))
    crop = cv2.warpPerspective(
        image, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT, borderValue=(255, 255, 255)
    )
    return np.asarray(crop, np.uint8)
