"""Calibration pulses and separators of a page, in upright pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Pulse:
    """A calibration pulse, in upright pixels.

    Attributes
    ----------
    row : int
        Row of traces that it belongs to.
    left, right : float
        Middles of its flanks (x).
    top, foot : float
        Middle of its roof, and of the line it stands on (y): 1 mV and 0 mV.
    step : float
        Middle of its second, lower roof (y): 1 mV of the chest leads, where theirs is a gain of their own. NaN where it
        has none.
    """

    row: int
    left: float
    right: float
    top: float
    foot: float
    step: float = math.nan


@dataclass(frozen=True)
class Bar:
    """A separator between columns, in upright pixels: middle (x), ends (y), and the row it stands in."""

    row: int
    x: float
    top: float
    bottom: float


@dataclass(frozen=True, eq=False)
class Symbols:
    """Pulses and separators of a page, and the pixels that they cover (h, w)."""

    pulses: tuple[Pulse, ...]
    bars: tuple[Bar, ...]
    mask: NDArray[np.bool_]
