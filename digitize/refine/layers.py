"""Take the layers of an upright page from which a network's view of it is cut."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from digitize.geometry.mapping import scale_at
from digitize.records.page_analysis import PageAnalysis
from digitize.records.traces import Rows, Traces


@dataclass(frozen=True, eq=False)
class Layers:
    """What bands and windows are cut from: the layers of an upright page, and what was found on it.

    Attributes
    ----------
    coverage : ndarray, shape (h, w), uint8
        Share of each pixel that is ink, 255 where it is all.
    gray : ndarray, shape (h, w), uint8
        The page.
    pen : ndarray, shape (h, w), uint8
        Probability of each pixel being the pen's, 255 where it is certain; the ink where no network looked at the page.
    print_mask : ndarray, shape (h, w), bool
        Calibration pulses, separators, and the boxes of lead names.
    traces : Traces
    rows : Rows
    gain : float
        mm/mV.
    resolution : float
        Pixels a millimeter of the original picture.
    """

    coverage: NDArray[np.uint8]
    gray: NDArray[np.uint8]
    pen: NDArray[np.uint8]
    print_mask: NDArray[np.bool_]
    traces: Traces
    rows: Rows
    gain: float
    resolution: float


def layers_of(analysis: PageAnalysis) -> Layers:
    """Take the layers of a page.

    Parameters
    ----------
    analysis : PageAnalysis

    Returns
    -------
    Layers
    """
    upright = analysis.upright
    height, width = upright.nodes.shape[:2]
    # The middle of the lattice lies in the middle of the page.
    middle = upright.nodes[height // 2, width // 2]
    print_mask = analysis.symbols.mask.copy()
    for x0, y0, x1, y1 in analysis.layout.names:
        print_mask[max(0, int(y0)) : int(y1) + 1, max(0, int(x0)) : int(x1) + 1] = True
    coverage = np.asarray(np.rint(255 * analysis.coverage), np.uint8)
    return Layers(
        coverage=coverage,
        gray=np.asarray(cv2.cvtColor(upright.image, cv2.COLOR_RGB2GRAY), np.uint8),
        pen=coverage if analysis.pen is None else analysis.pen,
        print_mask=print_mask,
        traces=analysis.traces,
        rows=analysis.rows,
        gain=analysis.scale.gain.value,
        resolution=scale_at(analysis.placement.matrix, (float(middle[0]), float(middle[1])))[0],
    )
