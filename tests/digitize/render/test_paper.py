from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from digitize.render.paper import SHADES, PaperTrace, leads_svg, paper_svg, sheets_svg

SVG = "{http://www.w3.org/2000/svg}"
MARGIN = 10.0


def drawn(svg: str, kind: str) -> list[list[np.ndarray]]:
    """Read the paths of a class: for each its unbroken lines, (points, 2) in mm."""
    paths = [path for path in ET.fromstring(svg).iter(f"{SVG}path") if path.get("class") == kind]
    return [
        [
            np.cumsum(np.array(re.findall(r"-?\d+", line.replace("h0", "")), float).reshape(-1, 2), axis=0) / 100
            for line in path.get("d", "").split("M")[1:]
        ]
        for path in paths
    ]


def labels(svg: str) -> dict[str, tuple[float, float]]:
    return {t.text: (float(t.get("x")), float(t.get("y"))) for t in ET.fromstring(svg).iter(f"{SVG}text")}


def distance(point: np.ndarray, line: np.ndarray) -> float:
    """From a point to a line of points, in mm."""
    a, b = (line, line) if len(line) == 1 else (line[:-1], line[1:])
    along = ((point - a) * (b - a)).sum(axis=1) / np.maximum(((b - a) ** 2).sum(axis=1), 1e-12)
    return float(np.hypot(*(a + np.clip(along, 0, 1)[:, None] * (b - a) - point).T).min())


def stacked(names, signals):
    """Each signal in a row of its own."""
    return [PaperTrace(name, signal, row) for row, (name, signal) in enumerate(zip(names, signals, strict=True))]


def test_scale_of_the_paper():
    """A second is 25 mm, a millivolt 10 mm upward, and the pulse in the margin says so."""
    step = PaperTrace("II", np.repeat(np.float32([0, 1]), 500))
    (line,) = drawn(paper_svg([step], 500), "trace")[0]
    assert line[0, 0] == MARGIN and line[-1, 0] == pytest.approx(MARGIN + 25 * 999 / 500, abs=0.01)
    assert line[0, 1] - line[-1, 1] == pytest.approx(10)
    (fast,) = drawn(paper_svg([step], 500, speed=50, gain=20), "trace")[0]
    assert fast[-1, 0] == pytest.approx(MARGIN + 50 * 999 / 500, abs=0.01)
    assert fast[0, 1] - fast[-1, 1] == pytest.approx(20)
    assert "v-20h5v20" in paper_svg([PaperTrace("I", np.zeros(9))], 500, gain=20)
    assert "50 mm/s, 20 mm/mV" in labels(paper_svg([PaperTrace("I", np.zeros(9))], 500, speed=50, gain=20))


def test_zero_lines_lie_on_thick_lines_of_the_grid():
    signals = [np.full(100, 0.0), np.full(100, 2.34), np.full(100, -1.7)]
    lines = [trace[0] for trace in drawn(paper_svg(stacked("abc", signals), 500), "trace")]
    for line, signal in zip(lines, signals, strict=True):
        zero = line[0, 1] + 10 * signal[0]
        assert zero % 5 == pytest.approx(0, abs=0.011)


def test_rows_do_not_touch_unless_they_are_wild():
    wave = 2 * np.sin(np.arange(500) / 20)
    lines = [trace[0] for trace in drawn(paper_svg(stacked("abcd", [wave] * 4), 500), "trace")]
    for above, below in pairwise(lines):
        assert above[:, 1].max() < below[:, 1].min()
    wild = wave.copy()
    wild[7] = 30
    root = ET.fromstring(paper_svg(stacked("ab", [wild, wave]), 500))
    assert float(root.get("viewBox").split()[3]) < 150


def test_signals_of_one_row_stand_side_by_side():
    flat = np.zeros(250)
    svg = paper_svg([PaperTrace("I", flat), PaperTrace("V1", flat, 0, 2.5), PaperTrace("II", flat, 1)], 100)
    first, second, third = (trace[0] for trace in drawn(svg, "trace"))
    assert second[0, 0] == MARGIN + 62.5 and first[0, 0] == third[0, 0] == MARGIN
    assert first[0, 1] == second[0, 1] < third[0, 1]
    named = labels(svg)
    assert named["V1"][0] - named["I"][0] == 62.5 and named["I"][1] == named["V1"][1] < named["II"][1]


def test_low_confidence_is_shaded_and_nothing_else():
    signal, confidence = np.zeros(500), np.full(500, 0.9)
    confidence[100:150], confidence[300:325], signal[320:] = 0.6, 0.1, np.nan
    shades = drawn(paper_svg([PaperTrace("I", signal, confidence=confidence)], 500), "unsure")
    assert len(shades) == len(SHADES)
    (some,), (little,) = shades
    assert (some[:, 0].min(), some[:, 0].max()) == pytest.approx((MARGIN + 5, MARGIN + 7.45), abs=0.01)
    assert (little[:, 0].min(), little[:, 0].max()) == pytest.approx((MARGIN + 15, MARGIN + 15.95), abs=0.01)
    assert drawn(paper_svg([PaperTrace("I", signal)], 500), "unsure") == []
    assert drawn(paper_svg([PaperTrace("I", signal, confidence=np.ones(500))], 500), "unsure") == []


def test_it_stands_alone(leads):
    svg = leads_svg(leads)
    ET.fromstring(svg)
    assert not re.search(r"\bid=|href|url\(|<script|<style|nan|inf", svg)
    assert svg.count("http") == 1


def test_names_are_escaped():
    svg = paper_svg([PaperTrace('<b>"&', np.zeros(5))], 500)
    assert '<b>"&' in labels(svg)
    assert ET.fromstring(svg).get("aria-label").endswith('<b>"&')


def test_nothing_to_draw():
    for svg in (
        paper_svg([], 500),
        paper_svg([PaperTrace("I", np.empty(0))], 500),
        paper_svg([PaperTrace("I", np.full(9, np.nan), confidence=np.zeros(9))], 500),
    ):
        width, height = ET.fromstring(svg).get("viewBox").split()[2:]
        assert float(width) > 50 and float(height) > 0
        assert all(lines == [] for lines in drawn(svg, "trace"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"traces": [PaperTrace("I", np.zeros(9), confidence=np.zeros(3))]}, "I: 3 values of confidence for 9 samples"),
        ({"fs": 0}, "fs is 0; allowed: numbers above 0"),
        ({"speed": np.nan}, "speed is nan"),
        ({"gain": -1}, "gain is -1"),
        ({"tolerance": 0}, "tolerance is 0"),
    ],
)
def test_what_does_not_fit_is_an_error(change, message):
    given_ = {"traces": [PaperTrace("I", np.zeros(9))], "fs": 500, **change}
    with pytest.raises(ValueError, match=message):
        paper_svg(**given_)


def test_leads_are_arranged_as_on_the_page(leads):
    traces = drawn(leads_svg(leads), "trace")
    assert len(traces) == len(leads.strips)
    assert [len(lines) for lines in traces] == [2] * 13, "each strip has a hidden stretch"
    assert [round(lines[0][0, 0] - MARGIN, 1) for lines in traces[:4]] == [0, 62.5, 125, 187.5]
    assert ET.fromstring(leads_svg(replace(leads, strips=()))).tag == f"{SVG}svg"


def test_a_lead_that_goes_on_starts_each_row_at_the_left(leads_of, back_strip):
    strips = tuple(replace(back_strip("V1", 5000 * row, 5000), row=row) for row in range(3))
    traces = drawn(leads_svg(leads_of(np.zeros((12, 15000)), strips=strips)), "trace")
    assert [lines[0][0, 0] for lines in traces] == [MARGIN] * 3
    late = (replace(strips[0], start=7.5), replace(strips[1], start=7.5))
    traces = drawn(leads_svg(leads_of(np.zeros((12, 15000)), strips=late)), "trace")
    assert [lines[0][0, 0] for lines in traces] == [MARGIN + 187.5] * 2


@settings(max_examples=60, deadline=None)
@given(
    signal=arrays(np.float32, st.integers(1, 80), elements=st.floats(-3, 3, width=32)),
    hidden=st.floats(-3, 3),
    tolerance=st.sampled_from([0.02, 0.3]),
)
def test_the_trace_runs_through_its_samples_and_leaves_gaps_open(signal, hidden, tolerance):
    signal[np.abs(signal - hidden) < 0.5] = np.nan
    before = signal.copy()
    (lines,) = drawn(paper_svg([PaperTrace("I", signal)], 100, tolerance=tolerance), "trace")
    np.testing.assert_array_equal(signal, before)
    runs = np.flatnonzero(np.diff(np.isfinite(signal).astype(int), prepend=0, append=0)).reshape(-1, 2)
    assert len(lines) == len(runs)
    if not len(runs):
        return
    zero = lines[0][0, 1] + 10 * signal[runs[0, 0]]
    for line, (first, end) in zip(lines, runs, strict=True):
        points = np.stack([MARGIN + np.arange(first, end) * 0.25, zero - 10 * signal[first:end]], axis=1)
        np.testing.assert_allclose(line[[0, -1]], points[[0, -1]], atol=0.011)
        assert max(distance(point, line) for point in points) <= 1.05 * tolerance + 0.02


def test_paper_is_cut_between_rows_into_sheets_of_one_width(leads):
    whole = leads_svg(leads)
    assert sheets_svg(leads, 1000.0) == [whole]
    sheets = sheets_svg(leads, 60.0)
    assert len(sheets) > 1
    assert sum(sheet.count('class="trace"') for sheet in sheets) == whole.count('class="trace"')
    boxes = [ET.fromstring(sheet).get("viewBox").split() for sheet in sheets]
    assert {box[2] for box in boxes} == {ET.fromstring(whole).get("viewBox").split()[2]}
    assert all(float(box[3]) <= 60 for box in boxes)
    assert len(sheets_svg(leads, 1.0)) == len({strip.row for strip in leads.strips})
    assert len(sheets_svg(replace(leads, strips=()), 60.0)) == 1
