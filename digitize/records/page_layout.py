"""Which strips a page has, and where they lie on the upright page."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitize.records.layouts import LEAD_NAMES, Layout
from digitize.records.values import Source

READ = 0.3
"""Least probability of a lead, from its own name, that makes it read."""


@dataclass(frozen=True)
class Place:
    """A strip on the upright page.

    Attributes
    ----------
    lead : str
        One of `ALL_NAMES`.
    sign : int
        -1 when the page shows the lead inverted (Cabrera's -aVR), else 1.
    row, column : int
        Row of the traces; column from the left.
    left, right : float
        Where the strip's first and last samples lie, pixels (x).
    before : float
        Pixels of time between the page's first sample and this strip's first, when columns follow each other.
    name_source : str
        ``"read"``, ``"assumed"`` or ``"given"``.
    certainty : float
        Probability of the lead by its own name alone, 0 to 1.
    contradicted : str
        The lead that its name beyond doubt is instead, where the caller gave another; else empty.
    """

    lead: str
    sign: int
    row: int
    column: int
    left: float
    right: float
    before: float
    name_source: Source
    certainty: float
    contradicted: str = ""

    @property
    def is_read(self) -> bool:
        """Whether its own name can be read, whoever knew the lead."""
        return self.certainty > READ


@dataclass(frozen=True, eq=False)
class PageLayout:
    """Which strips a page has.

    Attributes
    ----------
    places : tuple of Place
    names : ndarray, shape (n, 4), float64
        Boxes of their printed names.
    layout : Layout
    shown_rows, named_rows : int
        Rows that the page shows, and those of them that the layout has: the rest were left out.
    contradictions : tuple of str
        What on the page contradicts the layout that the caller gave.
    lost : tuple of str
        Leads without a strip whose names stand on the page nevertheless; none where the layout was given.
    """

    places: tuple[Place, ...]
    names: NDArray[np.float64]
    layout: Layout
    shown_rows: int
    named_rows: int
    contradictions: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name of the layout."""
        return self.layout.name

    @property
    def by_cell(self) -> dict[tuple[int, int], Place]:
        """Each strip's place by its row and column."""
        return {(place.row, place.column): place for place in self.places}

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings that a reader should know of."""
        unread = [place.lead for place in self.places if place.name_source == "assumed"]
        outside = [place.lead for place in self.places if place.lead not in LEAD_NAMES]
        warnings = []
        if unread:
            warnings.append(f"lead names not read, taken from position: {', '.join(unread)}")
        if outside:
            warnings.append(f"leads outside the standard twelve, kept as strips only: {', '.join(outside)}")
        if self.named_rows < self.shown_rows:
            warnings.append(
                f"the page shows {self.shown_rows} rows, layout {self.layout.name!r} has {self.named_rows}: "
                "the rest were left out"
            )
        return (*warnings, *self.contradictions)
