"""Photographed pages, end to end."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from digitize import trace_leads
from papertrace.synth import render_page


def similarity(found: NDArray[np.float32], printed: NDArray[np.float32]) -> NDArray[np.float64]:
    """Correlation lead by lead at the best shift within 40 ms."""
    best = []
    for ours, true in zip(found, printed, strict=True):
        n = min(len(ours), len(true))
        at_shift = []
        for shift in range(-20, 21):
            a, b = np.roll(ours[:n], shift), true[:n]
            both = np.isfinite(a) & np.isfinite(b)
            at_shift.append(np.corrcoef(a[both], b[both])[0, 1])
        best.append(max(at_shift))
    return np.array(best)


@pytest.mark.parametrize(
    ("knobs", "bends", "source", "least"),
    [
        ({}, {"tilt": 30.0, "axis": 60.0, "roll": 8.0}, "grid", 0.97),
        ({}, {"curve": 0.9, "tilt": 10.0}, "grid", 0.97),
        ({"grid": "none", "paper": "A4"}, {"tilt": 25.0, "axis": 20.0}, "pulse", 0.93),
    ],
    ids=["oblique", "curved", "without a grid"],
)
def test_a_photographed_page_is_read(recording, camera, knobs, bends, source, least):
    page = render_page(recording, 500, dpi=150, **knobs)
    picture, _ = camera(page.image, **bends)
    leads = trace_leads(picture)
    assert leads.layout == "3x4+II"
    assert leads.calibration.pitch_source == source
    assert np.median(similarity(leads.signal, page.signal)) > least


def test_traces_lie_on_the_pen_of_the_photograph(recording, camera):
    page = render_page(recording, 500, dpi=150)
    picture, way = camera(page.image, tilt=30.0, axis=20.0)
    found = {(strip.row, strip.column): strip for strip in trace_leads(picture).strips}
    for strip in page.strips:
        true = way(strip.polyline.astype(float))
        ours = found[strip.row, strip.column].path
        order = np.argsort(true[:, 0])
        off = ours[:, 1] - np.interp(ours[:, 0], true[order, 0], true[order, 1])
        assert np.nanmedian(np.abs(off)) < 1.0


def test_a_table_of_stone_has_no_rows(recording):
    """Specks as bright as the paper and as dark as the pen lie around the page, in rows if one looks for rows."""
    page = render_page(recording, 500, dpi=120)
    paper = int(np.median(page.image))
    rng = np.random.default_rng(4)
    table = np.full((1500, 1900, 1), 0.75 * paper)
    for _ in range(40_000):
        y, x = rng.integers(1490), rng.integers(1890)
        table[y : y + rng.integers(2, 6), x : x + rng.integers(2, 6)] = rng.choice([0.45, 0.95]) * paper
    picture = np.repeat(table.astype(np.uint8), 3, axis=2)
    height, width = page.image.shape[:2]
    picture[250 : 250 + height, 280 : 280 + width] = page.image
    leads = trace_leads(picture)
    assert leads.layout == "3x4+II"
    assert similarity(leads.signal, page.signal).min() > 0.95
