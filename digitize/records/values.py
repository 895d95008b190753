"""Values with their source: what was decided, and how that came to be known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

Source = Literal["given", "read", "measured", "assumed"]
"""How a value came to be known: by the caller; printed on the page; from grid, pulse or trace; the field's default."""

PitchSource = Literal["grid", "fax", "pulse", "rows", "paper", "print", "assumed"]
"""What a page's scale was taken from (`digitize.records.results.Calibration.pitch_source`)."""

TraceSource = Literal["raster", "vector"]
"""What a signal was read from (`digitize.records.results.LeadData.source`)."""


class Value(NamedTuple):
    """A number and how it came to be known.

    Attributes
    ----------
    value : float
    source : Source
    """

    value: float
    source: Source


@dataclass(frozen=True)
class Scale:
    """Scale of a page: speed and gains.

    Attributes
    ----------
    speed : Value
        Paper speed, mm/s.
    gain : Value
        mm/mV.
    chest_gain : Value
        That of V1 to V6: on many pages half of the limb leads'. Assumed to be `gain` where nothing tells another.
    warnings : tuple of str
        What a reader should know of them.
    """

    speed: Value
    gain: Value
    chest_gain: Value
    warnings: tuple[str, ...]
