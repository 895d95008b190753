"""Names and numbers all over a printed page: in its margins, between its rows, beside and across its traces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from papertrace.synth import PrintedPage
from papertrace.synth.brush import brush
from papertrace.synth.handwriting import random_hand, write
from papertrace.synth.text import text_mask

SURNAMES = (
    *("ABERNATHY", "BLACKWOOD", "CZERNIAK", "DUBROVSKY", "FAIRBANKS", "GOLDSMITH", "HARGREAVES", "JOHANSSON"),
    *("KOWALSKI", "LINDQVIST", "MORTENSEN", "NAKAMURA", "OSTROWSKI", "PEMBERTON", "ROSENTHAL", "SUTHERLAND"),
    *("THORNTON", "UNDERHILL", "WAKEFIELD", "YAMAGUCHI", "ZIMMERMANN", "BRANDENBURG", "CHAMBERLAIN", "DONNELLY"),
)

PLACES = (
    *("header", "footer", "margin", "between rows", "beside, small", "beside, pale", "beside, grid's color"),
    *("beside, number", "slanted", "across, large", "across, small", "handwriting"),
)
"""Where items stand and what they look like: two of each on a page."""

_DARK, _BLUE, _PALE, _GRID = (25, 25, 30), (30, 40, 130), (185, 185, 185), (235, 150, 150)
_FONTS = ("sans", "sans-bold", "mono", "roman", "condensed-bold")
_MASK_PX = 48

_TRIES = 12
"""Stretches of traces among which print that is to stand close to one chooses the flattest."""


@dataclass(frozen=True, eq=False)
class Item:
    """A name or a number on a page.

    Attributes
    ----------
    string : str
    place : str
        One of `PLACES`.
    cap_mm : float
        Height of its capitals.
    corners : ndarray, shape (4, 2), float32
        Pixels of the upper left, upper right, lower right and lower left corner of its box, as it is read.
    """

    string: str
    place: str
    cap_mm: float
    corners: NDArray[np.float32]


def print_names(page: PrintedPage, rng: np.random.Generator) -> tuple[NDArray[np.uint8], list[Item]]:
    """Print two items of each of `PLACES` on a page.

    Parameters
    ----------
    page : PrintedPage
        It is not modified.
    rng : numpy.random.Generator

    Returns
    -------
    image : ndarray, shape (h, w, 3), uint8
        The page's picture with the items. They are printed on the picture itself and so are sharper than the device
        that took it would show them; black or white where the picture is.
    items : list of Item
        Those of which the picture shows all.

    Examples
    --------
    >>> from papertrace.synth import render_page, simulate
    >>> page = render_page(simulate(1, 500), 500)
    >>> image, items = print_names(page, np.random.default_rng(0))
    >>> image.shape == page.image.shape, len({item.place for item in items}) > 8
    (True, True)
    """
    image = page.image.astype(np.float32)
    strings = [SURNAMES[k] for k in rng.permutation(len(SURNAMES))]
    items: list[Item] = []
    for place in (*PLACES, *PLACES):
        string = f"{rng.integers(10_000_000, 99_999_999)}" if "number" in place else strings[len(items) % len(strings)]
        cap, color, mask, cap_px = _looks(place, string, rng)
        box = np.array(mask.shape[::-1]) / cap_px * cap
        corner, angle = _where(page, place, box, rng)
        turn = np.array([(np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))])
        on_sheet = corner + (np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) * box) @ turn
        corners = page.warp.to_pixels(on_sheet).astype(np.float32)
        limit = np.array(image.shape[1::-1]) - 1
        if not (np.isfinite(corners).all() and (corners >= 0).all() and (corners <= limit).all()):
            continue
        _print(image, mask, corners, color)
        items.append(Item(string, place, cap, corners))
    drawn = np.rint(image).astype(np.uint8)
    if page.style.color == "1-bit":
        drawn = np.where(drawn < 128, np.uint8(0), np.uint8(255))
    return drawn, items


def _looks(
    place: str, string: str, rng: np.random.Generator
) -> tuple[float, tuple[int, int, int], NDArray[np.uint8], float]:
    """Height of the capitals in mm, color, coverage without an edge, and height of its capitals in pixels."""
    cap, color = float(rng.uniform(1.5, 2.5)), (_DARK, _BLUE)[int(rng.integers(2))]
    if "small" in place or "number" in place:
        cap = float(rng.uniform(0.7, 1.5))
    if "pale" in place:
        cap, color = float(rng.uniform(1.0, 2.0)), _PALE
    if "grid" in place:
        cap, color = float(rng.uniform(1.0, 2.0)), _GRID
    if place == "handwriting":
        hand = random_hand(rng)
        written = brush(write(string.capitalize(), hand, rng), _MASK_PX / cap)[0]
        mask, cap_px = written, 1.6 * hand.x_height * _MASK_PX / cap
    else:
        mask, cap_px = text_mask(string, str(rng.choice(_FONTS)), float(_MASK_PX)).coverage, float(_MASK_PX)
    y, x = np.nonzero(mask)
    return cap, color, mask[y.min() : y.max() + 1, x.min() : x.max() + 1], cap_px


def _where(
    page: PrintedPage, place: str, box: NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.float64], float]:
    """Upper left corner in mm of the sheet, and the angle by which the item is turned clockwise."""
    width, height = page.sheet
    along = float(rng.uniform(0.1, 0.9)) * max(width - box[0], 0.0)
    if place == "header":
        return np.array([along, rng.uniform(2, 7)]), 0.0
    if place == "footer":
        return np.array([along, height - rng.uniform(2, 7) - box[1]]), 0.0
    if place == "margin":
        down = rng.uniform(0.1, 0.9) * max(height - box[0], 0.0)
        return np.array([rng.uniform(1, 4) + box[1], down]), np.pi / 2
    x, near = min(
        (_stretch(page, box[0], rng) for _ in range(_TRIES if place.startswith("beside") else 1)),
        key=lambda stretch: float(np.ptp(stretch[1])),
    )
    if place.startswith("across"):
        return np.array([x, np.median(near) - box[1] / 2]), 0.0
    if place in ("between rows", "handwriting"):
        return np.array([x, near.max() + rng.uniform(3, 6)]), 0.0
    if place == "slanted":
        return np.array([x, near.max() + rng.uniform(0.5, 2.0)]), float(rng.uniform(0.1, 0.5))
    # As close as it can be read: all of what is small stands within 2 mm or so.
    apart = float(rng.uniform(0.5, max(0.7, 2.0 - box[1])))
    below = rng.random() < 0.5
    return np.array([x, near.max() + apart if below else near.min() - apart - box[1]]), 0.0


def _stretch(page: PrintedPage, wide: float, rng: np.random.Generator) -> tuple[float, NDArray[np.float32]]:
    """Left end (mm) of a stretch of any trace, and the trace's heights along it."""
    strip = page.strips[int(rng.integers(len(page.strips)))]
    path = strip.path[np.isfinite(strip.path).all(axis=1)]
    wide = min(wide, float(np.ptp(path[:, 0])))
    x = float(rng.uniform(path[0, 0], path[-1, 0] - wide))
    return x, path[(path[:, 0] >= x) & (path[:, 0] <= x + wide), 1]


def _print(
    image: NDArray[np.float32], mask: NDArray[np.uint8], corners: NDArray[np.float32], color: Sequence[int]
) -> None:
    """Filter the light of a picture through ink; in place."""
    low = np.floor(corners.min(axis=0)).astype(int)
    size = np.ceil(corners.max(axis=0)).astype(int) + 1 - low
    upright = np.array([(0, 0), (mask.shape[1], 0), mask.shape[::-1], (0, mask.shape[0])], np.float32)
    # What would alias in a small print is taken out first.
    shrunk = mask.shape[0] / max(float(np.hypot(*(corners[3] - corners[0]))), 1.0)
    soft = cv2.GaussianBlur(mask, (0, 0), 0.4 * shrunk) if shrunk > 1.3 else mask
    matrix = cv2.getPerspectiveTransform(upright, corners - low.astype(np.float32))
    share = cv2.warpPerspective(soft, matrix, size.tolist())[..., None] / np.float32(255)
    part = image[low[1] : low[1] + size[1], low[0] : low[0] + size[0]]
    part *= 1 - share * (1 - np.array(color, np.float32) / 255)
