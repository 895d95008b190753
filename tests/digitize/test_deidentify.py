from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from digitize.api import analyze_page, leads_of
from digitize.deidentify import GRID_COLORS, redraw_page
from digitize.geometry.mapping import project
from digitize.leads import Leads
from digitize.records.page_analysis import PageAnalysis
from papertrace.synth import PrintedPage, render_page

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Understood:
    """A picture and what was found in it."""

    analysis: PageAnalysis
    leads: Leads

    @property
    def page(self) -> Picture:
        return redraw_page(self.analysis, self.leads)

    @property
    def ink(self) -> NDArray[np.bool_]:
        """Where something darker than the grid is drawn."""
        return (self.page < min(min(color) for color in GRID_COLORS.values()) - 40).all(axis=2)


def understood(image: Picture) -> Understood:
    analysis = analyze_page(image)
    return Understood(analysis, leads_of(analysis, fs=500))


def in_boxes(page: PrintedPage) -> NDArray[np.bool_]:
    """Header and footer in the picture."""
    inside = np.zeros(page.image.shape[:2], bool)
    for text in page.texts:
        x0, y0, x1, y1 = (max(round(side), 0) for side in text.box)
        inside[y0:y1, x0:x1] = True
    return inside


def with_noise(value: Any, shape: tuple[int, ...], rng: np.random.Generator) -> Any:
    """Put noise in place of every array in a record that is as large as the upright page or its picture."""
    if isinstance(value, np.ndarray) and value.shape[:2] in (shape[:2], shape[2:]) and value.ndim in (2, 3):
        return rng.integers(0, 2 if value.dtype == bool else 256, value.shape).astype(value.dtype)
    if is_dataclass(value) and not isinstance(value, type):
        known = {field.name: getattr(value, field.name) for field in fields(value) if field.init}
        return replace(value, **{name: with_noise(held, shape, rng) for name, held in known.items()})
    return value


@pytest.fixture(scope="module")
def page(recording) -> PrintedPage:
    return render_page(recording, 500, separator="bar")


@pytest.fixture(scope="module")
def plain(page) -> Understood:
    return understood(page.image)


def test_no_pixel_of_the_page_is_looked_at(page, plain):
    """Not its own picture, not the upright one, not the share of ink: with noise in all of them it is the same."""
    analysis = plain.analysis
    shape = (*analysis.page.image.shape[:2], *analysis.coverage.shape)
    blind = with_noise(analysis, shape, np.random.default_rng(0))
    for pixels in ("page.image", "upright.image", "coverage", "symbols.mask"):
        before, after = analysis, blind
        for name in pixels.split("."):
            before, after = getattr(before, name), getattr(after, name)
        assert (before != after).mean() > 0.3, pixels
    assert (redraw_page(blind, plain.leads) == plain.page).all()


def test_print_beside_a_trace_adds_nothing(page, plain):
    """Small, pale or red: what is no trace, name or mark has no part in the page that is drawn.

    It may move the grid by a hundredth of a pixel, which is found by what all of the page shows.
    """
    per_mm = page.pixels_per_mm
    path = next(strip.polyline for strip in page.strips if strip.lead == "II" and strip.row == 3)
    written = page.image.copy()
    for number, (tall, color) in enumerate(((0.9, (20, 20, 24)), (1.4, (190, 190, 190)), (1.4, (240, 150, 150)))):
        scale = tall * per_mm / cv2.getTextSize("I", cv2.FONT_HERSHEY_SIMPLEX, 1, 1)[0][1]
        part = path[600 + 1300 * number : 1000 + 1300 * number]
        place = round(float(part[0, 0])), round(float(part[:, 1].max() + (0.9 + tall) * per_mm))
        cv2.putText(written, "RONALDSSON 1950", place, cv2.FONT_HERSHEY_SIMPLEX, scale, color, 1, cv2.LINE_AA)
    assert (written != page.image).any(axis=2).sum() > 1000
    ink = understood(written).ink
    for drawn, other in ((ink, plain.ink), (plain.ink, ink)):
        near = cv2.dilate(other.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        assert not (drawn & ~near).any()


@pytest.mark.parametrize(("preset", "seed"), [("office_scan", 4), ("faxed", 5), ("phone_photo", 1), ("crumpled", 3)])
def test_a_page_keeps_its_traces_and_loses_its_print(recording, preset, seed):
    page = render_page(recording, 500, preset, seed=seed, header=True, footer=True)
    found = understood(page.image)
    inside = in_boxes(page)
    assert inside.any()
    assert not found.ink[inside].any()
    assert found.page.shape == page.image.shape
    near = cv2.dilate(found.ink.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    assert near[page.ink > 128].mean() > 0.9


@pytest.mark.parametrize("turn", [np.rot90, lambda image: image[::-1, ::-1]], ids=["quarter", "half"])
def test_a_turned_page(page, turn: Callable[[NDArray], NDArray]):
    ink = understood(np.ascontiguousarray(turn(page.image))).ink
    assert not ink[turn(in_boxes(page))].any()
    assert ink[turn(page.ink > 200)].mean() > 0.9


def test_names_separators_and_pulses_stand_where_they_were_read(page, plain):
    ink = plain.ink
    read = {(place.row, place.column) for place in plain.analysis.layout.places if place.name_source == "read"}
    assert len(read) >= 11
    around = round(0.5 * page.pixels_per_mm)
    for strip in page.strips:
        if (strip.row, strip.column) in read:
            x0, y0, x1, y1 = (round(side) for side in strip.label_box)
            drawn = ink[y0:y1, x0 - around : x1 + around]
            assert 0.1 < drawn.mean() < 0.9, strip.label
    analysis = plain.analysis
    assert analysis.symbols.bars and analysis.symbols.pulses
    for bar in analysis.symbols.bars:
        x, y = analysis.upright.to_original(np.array([(bar.x, (bar.top + bar.bottom) / 2)]))[0].round().astype(int)
        assert ink[y, x]
    for pulse in analysis.symbols.pulses:
        x, y = (
            analysis.upright.to_original(np.array([((pulse.left + pulse.right) / 2, pulse.top)]))[0].round().astype(int)
        )
        assert ink[y, x] and not ink[y + round(3 * page.pixels_per_mm), x]


def test_a_stepped_pulse_has_both_roofs(recording):
    page = render_page(recording, 500, gain=10.0, chest_gain=5.0, pulse="left")
    found = understood(page.image)
    stepped = [pulse for pulse in found.analysis.symbols.pulses if np.isfinite(pulse.step)]
    assert stepped
    for pulse in stepped:
        points = np.array([(pulse.left + 8, pulse.top), (pulse.right - 8, pulse.step)])
        for x, y in found.analysis.upright.to_original(points).round().astype(int):
            assert found.ink[y, x]


def test_a_name_that_was_not_read_is_not_drawn(page, plain):
    places = tuple(replace(place, name_source="assumed") for place in plain.analysis.layout.places)
    unread = replace(plain, analysis=replace(plain.analysis, layout=replace(plain.analysis.layout, places=places)))
    strip = next(strip for strip in page.strips if strip.lead == "aVL")
    x0, y0, x1, y1 = (round(side) for side in strip.label_box)
    assert plain.ink[y0:y1, x0:x1].any() and not unread.ink[y0:y1, x0:x1].any()


def test_the_grid_lies_where_the_page_has_it(page, plain):
    x, y = page.nodes.round().astype(int).T
    inside = (x >= 0) & (y >= 0) & (x < page.image.shape[1]) & (y < page.image.shape[0])
    drawn = plain.page[y[inside], x[inside]]
    assert (drawn[:, 1] < 230).mean() > 0.95
    assert (plain.page == 255).all(axis=2).mean() > 0.3


def test_a_page_without_a_grid_gets_none(recording):
    found = understood(render_page(recording, 500, grid="none").image)
    colors = np.unique(found.page.reshape(-1, 3), axis=0)
    assert (np.ptp(colors.astype(int), axis=1) == 0).all(), "black, white and gray"


def test_where_no_ink_was_followed_none_is_drawn(plain):
    traces, strip = plain.analysis.traces, plain.leads.strips[-1]
    ink = traces.ink.copy()
    ink[:, strip.row, 900:1200] = np.nan
    ink[:, strip.row, 1400:1500] -= 30
    bare = replace(plain, analysis=replace(plain.analysis, traces=replace(traces, ink=ink)))
    lost = plain.ink & ~bare.ink
    x = np.flatnonzero(lost.any(axis=0))
    edges = plain.analysis.upright.to_original(np.array([(900.0, 500.0), (1500.0, 500.0)]))[:, 0]
    assert abs(x.min() - edges[0]) < 4 and abs(x.max() - edges[1]) < 4


def test_a_trace_that_was_led_along_a_line_of_text_is_but_a_line(page, plain):
    """Whatever it followed, its stroke is a pen wide: the letters' shapes are not in it."""
    text = max(page.texts, key=lambda text: text.box[2] - text.box[0])
    x0, y0, x1, y1 = (round(side) for side in text.box)
    dark = (page.image[y0:y1, x0:x1] < 110).all(axis=2)
    assert dark.sum() > 300
    strip, analysis = plain.leads.strips[0], plain.analysis
    corners = np.array([[0, 0], [500, 0], [500, 500], [0, 500]], np.float32)
    to_upright = cv2.getPerspectiveTransform(analysis.upright.to_original(corners), corners)
    columns = np.flatnonzero(dark.any(axis=0))
    middle = [np.flatnonzero(dark[:, column]).mean() for column in columns]
    path = np.stack([columns + x0, np.array(middle) + y0], axis=1)
    at, y = project(to_upright, path).T
    every = np.arange(analysis.traces.center.shape[1])
    followed = np.interp(every, at, y)
    traces = replace(
        analysis.traces, center=np.tile(followed, (len(analysis.traces.center), 1)),
        ink=np.tile(followed, (2, len(analysis.traces.center), 1)),
    )  # fmt: skip
    samples = np.linspace(0, len(path) - 1, len(strip.path))
    along = np.stack([np.interp(samples, np.arange(len(path)), path[:, axis]) for axis in (0, 1)], axis=1)
    misled = Understood(
        replace(plain.analysis, traces=traces),
        replace(plain.leads, strips=(replace(strip, path=along.astype(np.float32)),)),
    )
    drawn = misled.ink[y0:y1, x0:x1]
    assert drawn.any()
    free = np.ones(dark.shape, np.uint8)
    cv2.polylines(free, [(along - (x0, y0)).round().astype(np.int32)], False, 0, 1)
    reach = analysis.traces.radius / 10 * page.pixels_per_mm
    assert cv2.distanceTransform(free, cv2.DIST_L2, 5)[drawn].max() <= reach + 2
