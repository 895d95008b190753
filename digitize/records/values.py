"""Values with their source: what was decided, and how that came to be known."""

from __future__ import annotations

from typing import Literal, NamedTuple

Source = Literal["given", "read", "measured", "assumed"]
"""How a value came to be known: by the caller; printed on the page; from grid, pulse or trace; the field's default."""

PitchSource = Literal["grid", "fax", "pulse", "rows", "paper", "print", "assumed"]
"""What a page's scale was taken from (`digitize.records.results.Calibration.pitch_source`)."""


class Value(NamedTuple):
    """A number and how it came to be known.

    Attributes
    ----------
    value : float
    source : Source
    """

    value: float
    source: Source
