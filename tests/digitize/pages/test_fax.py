from __future__ import annotations

import numpy as np
import pytest

from digitize.geometry.mapping import scale_at
from digitize.geometry.placement import place_page
from digitize.pages.fax import fax_resolution, is_bilevel, without_halftone
from digitize.pages.page import load_pages
from digitize.records.placement import PaperScale
from papertrace.synth import PrintedPage, render_page
from papertrace.synth.capture import Capture


def faxed(fax: str = "fine", halftone: bool = False, **knobs) -> PrintedPage:
    time = np.arange(5000) / 500
    beats = np.exp(-((((time * 1.2) % 1.0) - 0.4) ** 2) / 5e-4) + 0.05 * np.sin(2 * np.pi * 1.7 * time)
    signal = np.outer(np.linspace(0.5, 1.2, 12), beats)
    knobs = {"color": "1-bit", "grid": "pink", "rotation": 0.7, "dpi": 240.0, **knobs}
    return render_page(signal, 500, seed=3, capture=Capture(fax=fax, halftone=halftone, dropouts=0.01), **knobs)


@pytest.mark.parametrize(("fax", "dpi"), [("fine", 240.0), ("standard", 240.0), ("fine", 300.0), ("fine", 200.0)])
def test_repeated_dots_tell_the_resolution(fax, dpi):
    assert fax_resolution(faxed(fax, dpi=dpi).image) == pytest.approx(dpi, rel=1e-3)


def test_a_fax_turned_by_a_quarter_says_the_same():
    image = np.ascontiguousarray(np.rot90(faxed("standard").image))
    assert fax_resolution(image) == pytest.approx(240.0, rel=1e-3)


def test_pages_that_were_not_faxed_say_nothing():
    assert fax_resolution(faxed("none").image) is None
    assert fax_resolution(faxed("none", color="gray").image) is None
    enlarged = faxed("none", dpi=150.0).image.repeat(2, axis=0).repeat(2, axis=1)
    assert fax_resolution(enlarged) is None
    assert fax_resolution(np.full((900, 900, 3), 255, np.uint8)) is None


def test_a_fax_without_its_grid_is_measured_by_its_dots_and_laid_level():
    page = faxed()
    _, ground = place_page(load_pages(page.image)[0])
    assert isinstance(ground, PaperScale)
    assert ground.source == "fax"
    along, down, rotation = scale_at(ground.matrix, (1000.0, 800.0))
    assert (along, down) == pytest.approx((page.pixels_per_mm, page.pixels_per_mm), rel=1e-3)
    assert rotation == pytest.approx(0.7, abs=0.15)


def test_only_a_dithered_page_is_smoothed():
    plain, dithered = faxed(), faxed(halftone=True)
    assert without_halftone(plain.image, 240.0) is plain.image
    gray = without_halftone(dithered.image, 240.0)
    assert is_bilevel(dithered.image) and not is_bilevel(gray)
    assert abs(float(gray.mean()) - float(dithered.image.mean())) < 1.0
