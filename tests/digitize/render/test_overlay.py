from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest

from digitize.records.results import Highlight
from digitize.render.overlay import MARK_COLOR, ROW_COLORS, SHADE_COLOR, UNSURE_COLOR, Annotation, overlay_svg


def test_overlay(leads, paper):
    before = paper.copy()
    drawn = leads.overlay(paper)
    assert (paper == before).all()
    assert drawn.shape == paper.shape and drawn.dtype == np.uint8

    def mixed(color):
        """Opaque shares of a color over white, as the overlay mixes them."""
        return np.rint(0.65 * np.array(color) + 0.35 * 255)

    rhythm = leads.strips[-1]
    for sample, color in ((2000, ROW_COLORS[3]), (250, UNSURE_COLOR)):
        x, y = np.rint(rhythm.path[sample]).astype(int)
        near = drawn[y - 1 : y + 2, x].astype(float)
        assert np.abs(near - mixed(color)).max(axis=1).min() < 30, (sample, near)
    x, y = 55, 480  # sample 125, in the hidden stretch: nothing is drawn
    assert (drawn[y - 3 : y + 4, x] == paper[y - 3 : y + 4, x]).all()
    assert (drawn != paper).any(axis=2).mean() < 0.2


def test_overlay_of_strips_without_a_trace(leads, paper):
    hidden = [
        replace(strip, path=np.full_like(strip.path, np.nan), signal=np.full_like(strip.signal, np.nan))
        for strip in leads.strips
    ]
    assert (replace(leads, strips=tuple(hidden)).overlay(paper) == paper).all()
    assert (replace(leads, strips=()).overlay(paper) == paper).all()


def test_plot(leads, tmp_path):
    figure = leads.plot()
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.texts] == [strip.lead for strip in leads.strips]
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), leads.strips[0].signal)
    figure.savefig(tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 10_000


def test_plot_of_a_lead_that_goes_on(leads_of, back_strip):
    strips = tuple(replace(back_strip("V1", 5000 * row, 5000), row=row) for row in range(3))
    (axes,) = leads_of(np.zeros((12, 15000)), strips=strips).plot().axes
    assert axes.get_xlim() == (0, 10)
    assert [line.get_xdata()[0] for line in axes.lines] == [0, 0, 0]


def test_plot_holds_tall_beats_and_cuts_wild_ones(leads_of, back_strip):
    tall, wild = back_strip("V2", 0, 500), back_strip("V3", 0, 500)
    tall.signal[100], wild.signal[100] = -3.5, -40
    for strip, lowest in ((tall, -3.5), (wild, -5), (back_strip("V2", 0, 500), -1.5)):
        (axes,) = leads_of(np.zeros((12, 500)), strips=(strip,)).plot().axes
        assert axes.get_ylim()[0] == lowest


def points_of(data: str) -> np.ndarray:
    """Points of a path of relative moves, in its unit."""
    points = []
    for first, moves in re.findall(r"M([-\d ]+)(?:l([-\d ]+))?", data):
        steps = [int(step) for step in re.findall(r"-?\d+", f"{first} {moves}")]
        points.append(np.cumsum(np.reshape(steps, (-1, 2)), axis=0))
    return np.concatenate(points) / 100


def test_layer_lies_on_the_traces(leads):
    root = ET.fromstring(overlay_svg(leads))
    per_mm = leads.calibration.pixels_per_mm
    assert root.get("viewBox") == "0 0 275.00 150.00"
    names = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert names == [strip.lead for strip in leads.strips]
    paths = list(root.iter("{http://www.w3.org/2000/svg}path"))
    assert len(paths) == 2 * len(leads.strips)
    for strip, sure, unsure in zip(leads.strips, paths[::2], paths[1::2], strict=True):
        assert unsure.get("stroke") == "rgb(255,110,0)" != sure.get("stroke")
        seen = strip.path[np.isfinite(strip.path).all(axis=1)]
        for path in (sure, unsure):
            pixels = points_of(path.get("d")) * per_mm - 0.5
            away = np.hypot(*(pixels[:, None] - seen[None]).transpose(2, 0, 1)).min(axis=1)
            assert away.max() < 0.03, "every corner is a sample"
        x = points_of(unsure.get("d"))[:, 0] * per_mm - 0.5
        assert abs(x.min() - strip.path[200, 0]) < 0.1 and abs(x.max() - strip.path[300, 0]) < 0.1


def test_layer_of_a_page_without_a_trace(leads):
    hidden = replace(leads.strips[0], path=np.full_like(leads.strips[0].path, np.nan))
    root = ET.fromstring(overlay_svg(replace(leads, strips=(hidden,))))
    assert not list(root.iter("{http://www.w3.org/2000/svg}path"))
    assert ET.fromstring(overlay_svg(replace(leads, strips=()))).get("aria-label") == "No traces"


def test_marks_stand_above_their_samples(leads, paper):
    last = len(leads.strips) - 1
    plain, drawn = leads.overlay(paper), leads.overlay(paper, [Annotation(last, 2000), Annotation(last, 3000, "V")])
    changed = np.argwhere((drawn != plain).any(axis=2))
    per_mm = leads.calibration.pixels_per_mm
    for sample, tall in ((2000, 3), (3000, 6)):
        x = leads.strips[last].path[sample, 0]
        near = changed[np.abs(changed[:, 1] - x) < 3 * per_mm]
        top = leads.strips[last].path[sample - 55 : sample + 56, 1].min()
        assert len(near) and near[:, 0].max() < top and near[:, 0].min() > top - (tall + 1) * per_mm
        assert (near[:, 0].max() - near[:, 0].min()) / per_mm == pytest.approx(tall - 1, abs=1.6)
    away = np.abs(changed[:, 1, None] - leads.strips[last].path[[2000, 3000], 0]).min(axis=1)
    assert away.max() < 3 * per_mm, "nothing else changes"


def test_marks_of_hidden_samples_are_left_out(leads, paper):
    assert (leads.overlay(paper, [Annotation(0, 120, "V")]) == leads.overlay(paper)).all()
    assert overlay_svg(leads, marks=[Annotation(0, 120, "V")]) == overlay_svg(leads)


def test_marks_at_the_edge_of_the_page_stay_on_it(leads):
    high = replace(leads.strips[0], path=leads.strips[0].path - np.array([0, 130], np.float32))
    root = ET.fromstring(overlay_svg(replace(leads, strips=(high,)), marks=[Annotation(0, 400, "S")]))
    (text,) = [own for own in root.iter("{http://www.w3.org/2000/svg}text") if own.text == "S"]
    assert float(text.get("y")) > 2


def test_marks_of_the_layer(leads):
    last = len(leads.strips) - 1
    root = ET.fromstring(
        overlay_svg(leads, marks=[Annotation(last, 2000), Annotation(last, 2400), Annotation(last, 3000, "<V>")])
    )
    ticks = [path for path in root.iter("{http://www.w3.org/2000/svg}path") if path.get("class") == "mark"]
    assert [path.get("d").count("M") for path in ticks] == [2, 1]
    assert ticks[1].get("stroke") == f"rgb{MARK_COLOR}".replace(" ", "")
    (text,) = [own for own in root.iter("{http://www.w3.org/2000/svg}text") if own.text == "<V>"]
    x = leads.strips[last].path[3000, 0]
    assert float(text.get("x")) == pytest.approx((x + 0.5) / leads.calibration.pixels_per_mm, abs=0.01)


def band(leads, strip: int, first: int, last: int, strength: float) -> Highlight:
    of = [np.zeros(len(own.signal), np.float32) for own in leads.strips]
    of[strip][first:last] = strength
    return Highlight(tuple(of), "a <band>")


def test_a_band_lies_along_the_trace_and_is_darker_where_it_is_stronger(leads, paper):
    last, per_mm = len(leads.strips) - 1, leads.calibration.pixels_per_mm
    path = leads.strips[last].path[2000:2600]
    plain = leads.overlay(paper)
    towards = []
    for strength in (0.2, 0.6, 1.0):
        drawn = leads.overlay(paper, shade=band(leads, last, 2000, 2600, strength))
        assert drawn.shape[0] > len(paper) and drawn.shape[1:] == paper.shape[1:], "a line below the page says why"
        assert drawn[len(paper) :].min() < 100
        drawn = drawn[: len(paper)]
        changed = np.argwhere((drawn != plain).any(axis=2))[:, ::-1]
        away = np.hypot(*(changed[:, None] - path).transpose(2, 0, 1)).min(axis=1)
        assert away.max() < 2.2 * per_mm
        near = drawn[tuple(changed.T[::-1])].astype(float)
        towards.append(np.abs(near - SHADE_COLOR).mean())
    assert towards[0] > towards[1] > towards[2]
    assert (leads.overlay(paper, shade=band(leads, last, 0, 5000, 0.05))[: len(paper)] == plain).all()


def test_a_band_breaks_where_the_trace_is_hidden(leads, paper):
    drawn = leads.overlay(paper, shade=band(leads, 0, 105, 145, 1.0))
    assert (drawn[: len(paper)] == leads.overlay(paper)).all()
    assert 'd="' not in overlay_svg(replace(leads, strips=()), shade=Highlight((), ""))


def test_the_band_of_the_layer_is_below_the_traces(leads):
    assert "shade" not in overlay_svg(leads)
    drawn = ET.fromstring(overlay_svg(leads, shade=band(leads, 2, 300, 500, 0.6)))
    groups = list(drawn.iter("{http://www.w3.org/2000/svg}g"))
    assert groups[0].get("class") == "shade" and len(groups[0]) == 3
    start = re.match(r"M(-?\d+) (-?\d+)", groups[0][0].get("d")).groups()
    x, y = (leads.strips[2].path[300] + 0.5) / leads.calibration.pixels_per_mm
    assert [float(value) / 100 for value in start] == pytest.approx([x, y], abs=0.02)
