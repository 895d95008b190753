"""Find where the millimeters of a page lie: by its grid, or without one by the first scale that its picture tells."""

from __future__ import annotations

from dataclasses import replace

from digitize.geometry.grid import find_grid
from digitize.geometry.mapping import scale_at
from digitize.geometry.scale import first_scale
from digitize.pages.fax import fax_resolution, without_halftone
from digitize.records.page import Page
from digitize.records.placement import Grid, PaperScale, Placement

_SAME_PITCH = 0.003
"""Part by which a grid's pitch may differ from what the dots of a fax say: a dither's beat is 0.4 % off."""


def place_page(page: Page) -> tuple[Page, Placement]:
    """Find where the millimeters of a page lie.

    Parameters
    ----------
    page : Page
        Not modified.

    Returns
    -------
    page : Page
        The same, its grays restored if it is a dithered fax.
    placement : Grid or PaperScale

    Examples
    --------
    >>> import numpy as np
    >>> blank = Page(np.full((850, 1100, 3), 255, np.uint8), "blank", 100.0, 0)
    >>> place_page(blank)[1].source
    'print'
    """
    received = fax_resolution(page.image)
    page = replace(page, image=without_halftone(page.image, received))
    grid = find_grid(page.image)
    if grid is not None and (received is None or _has_pitch(grid, page, received / 25.4)):
        return page, grid
    return page, first_scale(page.image, page.dpi, received)


def certainty_of(placement: Placement) -> float:
    """Tell how certain a grid is, 0 to 1: 0 where there is none."""
    return 0.0 if isinstance(placement, PaperScale) else placement.certainty


def scale_in_middle(placement: Placement, page: Page) -> tuple[float, float, float]:
    """Measure pixels a millimeter along and down, and the time axis's angle, in the middle of a page (`scale_at`)."""
    height, width = page.image.shape[:2]
    return scale_at(placement.matrix, (width / 2, height / 2))


def _has_pitch(grid: Grid, page: Page, pixels_per_mm: float) -> bool:
    """Whether a grid has such a pitch: the beat of a fax's dither, some 8 dots, is near a millimeter, too."""
    return all(abs(scale / pixels_per_mm - 1.0) < _SAME_PITCH for scale in scale_in_middle(grid, page)[:2])
