"""Crop, turn and invert a picture as a caller says, and take what was found on it back to the original."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from digitize.pages.page import MIN_SIDE
from digitize.records.known import Known
from digitize.records.page import Page, PageError
from digitize.records.results import LeadData

if TYPE_CHECKING:
    from collections.abc import Callable

L = TypeVar("L", bound=LeadData)


def edit_page(page: Page, known: Known) -> Page:
    """Crop, turn and invert a page, in this order.

    Parameters
    ----------
    page : Page
        Not modified.
    known : Known

    Returns
    -------
    Page
        The same where nothing of this is asked for.

    Raises
    ------
    PageError
        If the crop reaches out of the picture, or leaves less of it than a page needs.

    Examples
    --------
    >>> page = Page(np.zeros((200, 300, 3), np.uint8), "scan", None, 0)
    >>> edit_page(page, Known(crop=(0, 0, 250, 200), turn=90, invert=True)).image.shape
    (250, 200, 3)
    """
    image = page.image
    if known.crop is not None:
        left, top, right, bottom = known.crop
        height, width = image.shape[:2]
        if right > width or bottom > height:
            raise PageError(f"{page.name}: crop {known.crop} reaches out of the picture of {width} x {height} pixels")
        if min(right - left, bottom - top) < MIN_SIDE:
            raise PageError(f"{page.name}: crop {known.crop} is too small: the limit is {MIN_SIDE} pixels a side")
        image = image[top:bottom, left:right]
    if known.turn:
        image = np.rot90(image, -known.turn // 90)
    if known.invert:
        image = 255 - image
    return page if image is page.image else replace(page, image=np.ascontiguousarray(image))


def as_pictured(leads: L, page: Page, known: Known) -> L:
    """Tell where the strips of an edited page lie in the picture that it was made of.

    Parameters
    ----------
    leads : Leads
        Of ``edit_page(page, known)``.
    page : Page
        Before it was edited.
    known : Known

    Returns
    -------
    Leads
        With paths, size and rotation of the original picture.
    """
    if known.crop is None and not known.turn:
        return leads
    height, width = page.image.shape[:2]
    left, top, right, bottom = known.crop or (0, 0, width, height)
    turn = known.turn or 0
    back = _BACK[turn]
    corner, size = np.array([left, top], np.float32), (right - left - 1, bottom - top - 1)
    strips = tuple(replace(strip, path=(back(strip.path, size) + corner).astype(np.float32)) for strip in leads.strips)
    rotation = (leads.geometry.rotation - turn + 180.0) % 360.0 - 180.0
    return replace(leads, strips=strips, geometry=replace(leads.geometry, page_size=(width, height), rotation=rotation))


def _upright(path: NDArray[np.float32], last: tuple[int, int]) -> NDArray[np.float32]:
    return path


def _quarter(path: NDArray[np.float32], last: tuple[int, int]) -> NDArray[np.float32]:
    return np.stack([path[:, 1], last[1] - path[:, 0]], axis=1)


def _half(path: NDArray[np.float32], last: tuple[int, int]) -> NDArray[np.float32]:
    return np.asarray(np.array(last, np.float32) - path)


def _three_quarters(path: NDArray[np.float32], last: tuple[int, int]) -> NDArray[np.float32]:
    return np.stack([last[0] - path[:, 1], path[:, 0]], axis=1)


_BACK: dict[int, Callable[[NDArray[np.float32], tuple[int, int]], NDArray[np.float32]]] = {
    0: _upright,
    90: _quarter,
    180: _half,
    270: _three_quarters,
}
"""Ways back from a picture that was turned, given the last column and row of what it was."""
