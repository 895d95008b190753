"""A page as one picture of fixed size for a network that looks at it: ink on nothing, upright, two pixels a millimeter.

Grid, paper and light are taken away, and the traces stand in the middle. Where a page could be put upright, the picture
is made of that, and a millimeter is a millimeter; of any other photograph it is made coarsely: the light is evened out,
what is paler than ink is dropped, and what is left is turned to landscape and fitted in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from digitize.records.page_analysis import PageAnalysis

HEIGHT, WIDTH = 448, 608
"""Pixels of every picture: A4 across, with a little around it."""

PIXELS_PER_MM = 2.0
"""Scale of a picture, unless its traces would not fit: 20 ms and 0.05 mV a pixel at 25 mm/s and 10 mm/mV."""

REACH_MM = 12.0
"""Margin above the first row and below the last one, at least."""

SIDE_MM = 6.0
"""Margin to the left and to the right of the rows, at least."""

_COARSE = 1200
"""Longest side of a photograph, in pixels, when it is made a picture coarsely: finer than the picture will be."""
_TALL = 1.25
"""Height over width from which a photograph is turned."""
_INK_SHARE = 0.45
"""Share of the darkest ink's contrast from which a pixel counts as ink and not as grid."""
_FAINTEST = 0.08
"""Least contrast that is taken for ink, so that an empty page stays empty."""


@dataclass(frozen=True)
class Picture:
    """A page as a network looks at it.

    Attributes
    ----------
    ink : ndarray, shape (HEIGHT, WIDTH), uint8
        Share of each pixel that is ink, 255 where it is all.
    matrix : ndarray, shape (2, 3), float64
        From pixels ``(x, y, 1)`` of what it was made of to its own.
    """

    ink: NDArray[np.uint8]
    matrix: NDArray[np.float64]


def picture_of(analysis: PageAnalysis) -> Picture:
    """Make the picture of a page that could be put upright.

    Parameters
    ----------
    analysis : PageAnalysis
        What `digitize.api.analyze_page` found; its names, speed and gain are not looked at.

    Returns
    -------
    Picture
        Of the upright page's pixels.

    Examples
    --------
    >>> from digitize.api import analyze_page
    >>> picture = picture_of(analyze_page("samples/00024_hr.png"))
    >>> picture.ink.shape, picture.matrix[0].round(2).tolist()[:2]
    ((448, 608), [0.2, 0.0])
    """
    from digitize.records.upright import PIXELS_PER_MM as UPRIGHT_PIXELS_PER_MM

    shown = around(analysis.waveform_box, UPRIGHT_PIXELS_PER_MM)
    return place(analysis.ink_image, shown, PIXELS_PER_MM / UPRIGHT_PIXELS_PER_MM)


def coarse_picture(image: NDArray[np.uint8]) -> Picture:
    """Make a picture of any photograph, whatever is on it.

    Parameters
    ----------
    image : ndarray, shape (h, w, 3), uint8
        RGB.

    Returns
    -------
    Picture
        Its scale is not known: what looks like ink fills it.

    Examples
    --------
    >>> page = np.full((300, 200, 3), 240, np.uint8)
    >>> page[:, 98:103] = 10
    >>> ink = coarse_picture(page).ink
    >>> bool((ink.max(axis=0) > 200).all()), bool(coarse_picture(np.zeros((1, 1, 3), np.uint8)).ink.any())
    (True, False)
    """
    height, width = image.shape[:2]
    scale = min(1.0, _COARSE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    to_small = _scaling(size[0] / width, size[1] / height)
    if size[1] > _TALL * size[0]:
        # Rows run along the longer side of most paper; which way up it then is cannot be told.
        small = np.ascontiguousarray(np.rot90(small))
        to_small = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, size[0] - 1.0], [0.0, 0.0, 1.0]]) @ to_small
    ink = _coarse_ink(small)
    placed = place(ink, _inked(ink), np.inf)
    return Picture(placed.ink, placed.matrix @ to_small)


def around(box: tuple[float, float, float, float], pixels_per_mm: float) -> tuple[float, float, float, float]:
    """Add margins to a box (left, top, right, bottom) of rows: `REACH_MM` above and below, `SIDE_MM` beside them."""
    left, top, right, bottom = box
    side, reach = SIDE_MM * pixels_per_mm, REACH_MM * pixels_per_mm
    return left - side, top - reach, right + side, bottom + reach


def place(ink: NDArray[np.uint8], box: tuple[float, float, float, float], scale: float) -> Picture:
    """Put a box of a page into the middle of a picture.

    Parameters
    ----------
    ink : ndarray, shape (h, w), uint8
    box : tuple of float
        Left, top, right and bottom in its pixels: all of it is shown.
    scale : float
        Pixels of the picture for one of the page, fewer where the box would not fit.

    Returns
    -------
    Picture

    Examples
    --------
    >>> int((place(np.full((100, 200), 255, np.uint8), (0, 0, 200, 100), 1.0).ink == 255).sum())
    20000
    """
    left, top, right, bottom = box
    scale = min(scale, WIDTH / max(right - left, 1.0), HEIGHT / max(bottom - top, 1.0))
    height, width = ink.shape
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(ink, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    matrix = _scaling(size[0] / width, size[1] / height)
    x, y = (matrix @ ((left + right) / 2, (top + bottom) / 2, 1.0))[:2]
    right_by, down_by = round((WIDTH - 1) / 2 - x), round((HEIGHT - 1) / 2 - y)
    matrix[:2, 2] += right_by, down_by
    picture = np.zeros((HEIGHT, WIDTH), np.uint8)
    columns, rows = (slice(max(0, by), max(0, by + side)) for by, side in zip((right_by, down_by), size, strict=True))
    part = small[max(0, -down_by) :, max(0, -right_by) :][:HEIGHT, :WIDTH]
    shown = picture[rows, columns]
    shown[:] = part[: shown.shape[0], : shown.shape[1]]
    return Picture(picture, matrix[:2])


def _scaling(across: float, down: float) -> NDArray[np.float64]:
    """Make the matrix that scales pixels whose centers lie at whole numbers."""
    return np.array([[across, 0.0, (across - 1) / 2], [0.0, down, (down - 1) / 2], [0.0, 0.0, 1.0]])


def _coarse_ink(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Measure darkness against the paper around: of colored grid and paper the brightest channel has least."""
    bright = image.max(axis=2)
    side = max(image.shape[:2]) // 24 | 1
    paper = cv2.blur(cv2.dilate(bright, np.ones((side, side), np.uint8)), (side, side)).astype(np.float32)
    dark = np.maximum(paper - bright, 0.0) / np.maximum(paper, 1.0)
    darkest = max(float(np.percentile(dark, 99.5)), _FAINTEST)
    least = _INK_SHARE * darkest
    return np.asarray(255 * np.clip((dark - least) / (darkest - least), 0.0, 1.0), np.uint8)


def _inked(ink: NDArray[np.uint8]) -> tuple[float, float, float, float]:
    """Find the box around nearly all ink; all of the page where there is none."""
    edges = []
    for axis in (0, 1):
        mass = np.cumsum(ink.sum(axis=axis, dtype=np.float64))
        if mass[-1] == 0:
            return 0.0, 0.0, float(ink.shape[1]), float(ink.shape[0])
        edges.append(np.searchsorted(mass, np.array([0.005, 0.995]) * mass[-1]))
    (left, right), (top, bottom) = edges
    return float(left) - 0.5, float(top) - 0.5, float(right) + 0.5, float(bottom) + 0.5
