"""Where the millimeters of a page lie in its picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from digitize.records.values import PitchSource


@dataclass(frozen=True, eq=False)
class Grid:
    """A lattice of millimeters on the picture.

    A pixel ``(x, y)`` lies at ``p / w + bend(x, y)`` millimeters, ``(p, w) = matrix @ (x, y, 1)``, the grid's lines at
    whole millimeters, its 5 mm lines, where there are any, at multiples of five.

    Attributes
    ----------
    matrix : ndarray, shape (3, 3), float64
        Homography from pixels of the picture to millimeters along time and (downward) along voltage.
    bend : ndarray, shape (h, w, 2), float32
        What the paper departs from a plane (a scanner's uneven feed, a wavy sheet), in millimeters along time and
        voltage, at the nodes of a coarse lattice that spans the picture from corner to corner.
    line_mm : float
        Distance of the finest lines that were seen: 1 or 5 mm.
    certainty : float
        0 to 1: the share of the comb's teeth that stand clear of the noise.
    extent : tuple of float, optional
        Left, top, right and bottom in millimeters of the part of the page whose place is known; None where the grid
        tells the place of every pixel.
    """

    matrix: NDArray[np.float64]
    bend: NDArray[np.float32]
    line_mm: float
    certainty: float
    extent: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, eq=False)
class PaperScale:
    """Pixels to millimeters of a page without a grid, and what they were taken from (`Calibration.pitch_source`).

    The extent is that of the sheet where its outline was seen: left, top, right and bottom in millimeters.
    """

    matrix: NDArray[np.float64]
    source: PitchSource
    extent: tuple[float, float, float, float] | None = None


Placement: TypeAlias = Grid | PaperScale
"""Where a page's millimeters lie."""
