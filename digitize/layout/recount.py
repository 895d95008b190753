"""Count the millimeters of a page anew where its print and its pulses say that the grid's lines were taken for others.

So dots half a millimeter apart pass for millimeters.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from digitize.geometry.grid import find_grid
from digitize.geometry.placement import scale_in_middle
from digitize.layout.printed import ReadPage
from digitize.ocr.text import PrintedScale
from digitize.records.page import Page
from digitize.records.placement import Grid, PaperScale
from digitize.records.standards import PULSE_SECONDS, ROW_SECONDS
from digitize.records.symbols import Pulse
from digitize.records.upright import PIXELS_PER_MM

_MISCOUNTED, _AGREE = 1.5, 0.08
"""Factor from which a grid's millimeters are others than the page's, and part by which two witnesses of it may differ.
"""


def recounted_grid(page: Page, read: ReadPage) -> Grid | None:
    """Find the grid of a page at the pitch that its print and its pulses tell.

    Parameters
    ----------
    page : Page
    read : ReadPage

    Returns
    -------
    Grid or None
        None where they bear the pitch out, or where there is no grid of the one that they tell: the page then keeps its
        own, and the pulses are warned of (`digitize.strips.scale`).
    """
    placement = read.analysis.placement
    if isinstance(placement, PaperScale):
        return None
    factor = miscount(read.scale, read.pulses, read.analysis.row_mm)
    if factor == 1.0:
        return None
    pitch = math.sqrt(math.prod(scale_in_middle(placement, page)[:2]))
    return find_grid(page.image, pitch * factor)


def miscount(printed: PrintedScale, pulses: Sequence[Pulse], row_mm: float) -> float:
    """Tell how many times too many millimeters a grid counts.

    Parameters
    ----------
    printed : PrintedScale
        What the page says.
    pulses : sequence of Pulse
        1 mV pulses of the upright page.
    row_mm : float
        Length of a usual row of the page in the grid's millimeters.

    Returns
    -------
    float
        1, unless the height of the pulses contradicts the printed gain as much as their width, or a row of ten seconds,
        contradicts the printed speed.

    Examples
    --------
    >>> pulses = [Pulse(0, 100.0, 200.0, 300.0, 500.0)]
    >>> miscount(PrintedScale(25.0, 10.0, None, "25 mm/s 10 mm/mV"), pulses, 500.0)
    2.0
    """
    if not pulses or printed.speed is None or printed.gain is None:
        return 1.0
    factor = float(np.median([(pulse.foot - pulse.top) / PIXELS_PER_MM for pulse in pulses])) / printed.gain
    width = float(np.median([pulse.right - pulse.left for pulse in pulses])) / PIXELS_PER_MM
    times = width / (PULSE_SECONDS * printed.speed), row_mm / (ROW_SECONDS * printed.speed)
    agreed = any(abs(time / factor - 1) < _AGREE for time in times)
    return factor if agreed and max(factor, 1 / factor) > _MISCOUNTED else 1.0
