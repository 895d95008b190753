from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from digitize.api import Reading, leads_of, read_page
from digitize.blackout import BESIDE_MM, black_out
from digitize.leads import Leads
from digitize.warp import project
from synth import PrintedPage, render_page

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Understood:
    """A picture and what was found in it."""

    image: Picture
    reading: Reading
    leads: Leads

    @property
    def left(self) -> Picture:
        return black_out(self.image, self.reading, self.leads)

    @property
    def shown(self) -> NDArray[np.bool_]:
        """Where something is left: the pen itself may be black."""
        return black_out(np.full_like(self.image, 255), self.reading, self.leads).all(axis=2)


def understood(image: Picture) -> Understood:
    reading = read_page(image)
    return Understood(image, reading, leads_of(reading, fs=500))


def boxes_of(page: PrintedPage) -> list[tuple[slice, slice]]:
    """Header and footer in the picture."""
    height, width = page.image.shape[:2]
    boxes = []
    for text in page.texts:
        x0, y0, x1, y1 = (round(side) for side in text.box)
        if x1 > 0 and y1 > 0 and x0 < width and y0 < height:
            boxes.append((slice(max(y0, 0), y1), slice(max(x0, 0), x1)))
    return boxes


@pytest.fixture(scope="module")
def page(recording) -> PrintedPage:
    return render_page(recording, 500)


@pytest.fixture(scope="module")
def plain(page) -> Understood:
    return understood(page.image)


@pytest.mark.parametrize(("preset", "seed"), [("office_scan", 4), ("faxed", 5), ("phone_photo", 1), ("crumpled", 3)])
def test_nothing_printed_is_left_beside_the_traces(recording, preset, seed):
    page = render_page(recording, 500, preset, seed=seed, header=True, footer=True)
    found = understood(page.image)
    assert found.leads.quality.verdict != "unreliable"
    boxes = boxes_of(page)
    assert boxes
    assert all(np.ptp(page.image[box]) > 60 for box in boxes), "there was something to black out"
    shown = found.shown
    # The box around a slanting line has corners without text.
    assert max(shown[box].mean() for box in boxes) < 0.01
    assert shown[page.ink > 128].mean() > 0.9, "the traces stay"


@pytest.mark.parametrize("turn", [np.rot90, lambda image: image[::-1, ::-1]], ids=["quarter", "half"])
def test_a_turned_page(page, turn: Callable[[NDArray], NDArray]):
    text = np.zeros(page.image.shape[:2], bool)
    for box in boxes_of(page):
        text[box] = True
    shown = understood(np.ascontiguousarray(turn(page.image))).shown
    assert not shown[turn(text)].any()
    assert shown[turn(page.ink > 128)].mean() > 0.9


def test_what_is_left_is_untouched_and_near_a_trace(page, plain):
    before = page.image.copy()
    left, shown = plain.left, plain.shown
    assert (page.image == before).all()
    assert (left[shown] == page.image[shown]).all() and not left[~shown].any()
    free = cv2.distanceTransform((page.ink < 128).astype(np.uint8), cv2.DIST_L2, 5) / page.pixels_per_mm
    names = 0
    for strip in page.strips:
        x0, y0, x1, y1 = (round(side) for side in strip.label_box)
        names += bool(shown[y0:y1, x0:x1].all())
        around = round(page.pixels_per_mm)
        shown[y0 - around : y1 + around, x0 - around : x1 + around] = False
    assert names > 7, "names stay, wherever they stand"
    assert BESIDE_MM - 0.5 < free[shown].max() < BESIDE_MM + 0.5


def test_of_an_unreliable_page_nothing_is_left(plain):
    quality = replace(plain.leads.quality, verdict="unreliable")
    assert not replace(plain, leads=replace(plain.leads, quality=quality)).left.any()


def test_a_word_beside_a_trace_goes(page, plain):
    """Within the paper that is left, words are blacked out as such."""
    per_mm = page.pixels_per_mm
    path = next(strip.polyline for strip in page.strips if strip.lead == "II" and strip.row == 3)
    flat = min(range(200, 4000, 20), key=lambda start: np.ptp(path[start : start + 200, 1]))
    x, y = path[flat, 0], path[flat : flat + 200, 1].min() - 0.6 * per_mm
    written = page.image.copy()
    scale = 1.3 * per_mm / cv2.getTextSize("1", cv2.FONT_HERSHEY_SIMPLEX, 1, 1)[0][1]
    place = round(float(x)), round(float(y))
    cv2.putText(written, "1950", place, cv2.FONT_HERSHEY_SIMPLEX, scale, (20, 20, 24), 2, cv2.LINE_AA)
    ink = (written != page.image).any(axis=2)
    assert plain.shown[ink].mean() > 0.7, "it stands where the paper is left"
    assert understood(written).shown[ink].mean() < 0.02


def test_text_that_was_taken_for_a_trace_goes(page, plain):
    """A trace that was led along the header does not bring it back."""
    box = max(boxes_of(page), key=lambda box: box[1].stop - box[1].start)
    strip, traces, upright = plain.leads.strips[0], plain.reading.view.traces, plain.reading.view.upright
    path = np.full_like(strip.path, (box[0].start + box[0].stop) / 2)
    path[:, 0] = np.linspace(box[1].start, box[1].stop, len(path))
    corners = np.array([[0, 0], [500, 0], [500, 500], [0, 500]], np.float32)
    to_upright = cv2.getPerspectiveTransform(upright.to_original(corners), corners)
    x, y = project(to_upright, path).T
    centre = traces.centre.copy()
    centre[0, x.astype(int)] = y
    view = replace(plain.reading.view, traces=replace(traces, centre=centre))
    along = replace(plain.leads, strips=(replace(strip, path=path), *plain.leads.strips[1:]))
    text = np.zeros(page.image.shape[:2], bool)
    text[box] = (page.image[box] < 100).all(axis=2)
    shown = replace(plain, reading=replace(plain.reading, view=view), leads=along).shown
    assert text.sum() > 500
    assert shown[text].mean() < 0.05
