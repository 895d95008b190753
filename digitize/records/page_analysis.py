"""Everything found on a page before it is turned into millivolts: the middle stop of its way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitize.records.page import Page
from digitize.records.page_layout import PageLayout
from digitize.records.placement import Placement
from digitize.records.symbols import Symbols
from digitize.records.traces import Rows, Traces
from digitize.records.upright import UprightPage
from digitize.records.values import Scale


@dataclass(frozen=True, eq=False)
class PageAnalysis:
    """Everything found on a page, in upright pixels (`digitize.records.upright`).

    Attributes
    ----------
    page : Page
        The picture as it was read, its grays restored if it is a dithered fax.
    placement : Grid or PaperScale
        Where its millimeters lie in the picture.
    upright : UprightPage
    coverage : ndarray, shape (h, w), float32
        Share of each pixel that is ink.
    rows : Rows
    baseline : ndarray, shape (rows,), float64
        0 mV of each row (y).
    symbols : Symbols
        Calibration pulses and separators.
    traces : Traces
        The pen's path along the rows.
    layout : PageLayout
        Which lead stands where.
    scale : Scale
        Speed and gain.
    pen : ndarray, shape (h, w), uint8, or None
        Probability of each pixel being the pen's, 255 where it is certain; None where no network looked at the page.
    right : ndarray, shape (rows, w), float32, or None
        Logit that the traces are right, of the network that corrected them; None if none did.

    Examples
    --------
    >>> from digitize.api import analyze_page
    >>> analysis = analyze_page("samples/00024_hr.png")
    >>> analysis.layout.name, analysis.scale.speed.value, len(analysis.symbols.pulses)
    ('3x4+II', 25.0, 4)
    """

    page: Page
    placement: Placement
    upright: UprightPage
    coverage: NDArray[np.float32]
    rows: Rows
    baseline: NDArray[np.float64]
    symbols: Symbols
    traces: Traces
    layout: PageLayout
    scale: Scale
    pen: NDArray[np.uint8] | None = None
    right: NDArray[np.float32] | None = None

    @property
    def ink_image(self) -> NDArray[np.uint8]:
        """Ink of the upright page, shape (h, w): 255 where a pixel is all ink."""
        return np.asarray(self.coverage * 255, np.uint8)

    @property
    def waveform_box(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of the rows on the upright page, pixels: tall beats reach beyond."""
        top, bottom = float(np.nanmin(self.rows.level)), float(np.nanmax(self.rows.level))
        return float(self.traces.start.min()), top, float(self.traces.end.max()), bottom
