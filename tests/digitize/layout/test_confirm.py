"""Rows without names, held against the law of the limb leads."""

from __future__ import annotations

import numpy as np
import pytest

from digitize.layout.confirm import confirm_names
from digitize.records.layouts import LEAD_NAMES, find_layout
from digitize.records.page_layout import PageLayout, Place
from digitize.records.results import Strip


def page(recording: np.ndarray, shown: tuple[str, ...], source: str) -> tuple[list[Strip], PageLayout]:
    """Six rows that were read as the limb leads and show others."""
    named = [row[0] for row in find_layout("limb-6x1").rows]
    strips = [
        Strip(
            lead=lead,
            row=row,
            column=0,
            start=0.0,
            signal=recording[LEAD_NAMES.index(own), :2500].astype(np.float32),
            confidence=np.ones(2500, np.float32),
            path=np.zeros((2500, 2)),
            name_source=source,
        )
        for row, (lead, own) in enumerate(zip(named, shown, strict=True))
    ]
    places = tuple(
        Place(lead, 1, row, 0, 0.0, 2500.0, 0.0, source, 0.9 if source == "read" else 0.0)
        for row, lead in enumerate(named)
    )
    return strips, PageLayout(places, np.zeros((0, 4)), find_layout("limb-6x1"), 6, 6)


@pytest.mark.parametrize("shown", ["limb-6x1", "chest-6x1"])
def test_six_rows_without_names_are_the_leads_that_the_law_allows(recording, shown):
    leads = tuple(row[0] for row in find_layout(shown).rows)
    strips, found, _, warnings = confirm_names(*page(recording, leads, "assumed"))
    assert tuple(strip.lead for strip in strips) == leads
    assert found.layout.name == shown
    assert any("V1 to V6" in warning for warning in warnings) == (shown == "chest-6x1")


def test_names_that_were_read_stay(recording):
    strips, found, residual, warnings = confirm_names(*page(recording, LEAD_NAMES[6:], "read"))
    assert [strip.lead for strip in strips] == [row[0] for row in find_layout("limb-6x1").rows]
    assert found.layout.name == "limb-6x1"
    assert residual > 0.5
    assert any("Einthoven disagreement" in warning for warning in warnings)
