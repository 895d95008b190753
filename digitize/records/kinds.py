"""Kinds of print that a pixel of a page may be."""

from __future__ import annotations

KINDS = ("pen", "pulse", "name", "separator", "text", "upright", "level")
"""A trace, a calibration pulse, a lead name, a separator of columns, other print (header, footer, underlines), an
upright and a level line of the 5 mm grid. Where strokes cross, a pixel is of several kinds."""

PRINT = 5
"""Kinds, the first of `KINDS`, that were printed onto the grid; the others are the grid's lines."""
