"""What a caller knows of a page: checked, obeyed, and told where the page says otherwise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from digitize.api import analyze_page, trace_leads
from digitize.geometry.mapping import turned
from digitize.geometry.placement import place_page
from digitize.layout.orientation import choose
from digitize.layout.rename import renamed
from digitize.pages.edit import as_pictured, edit_page
from digitize.pages.page import load_page
from digitize.records.known import TURNS, Known
from digitize.records.page import Page, PageError
from digitize.records.results import VERDICTS
from papertrace.synth import render_page

FS = 500


@pytest.fixture(scope="module")
def small(recording):
    return render_page(recording[:, :2000], FS, layout="limb-3x1", dpi=100, header=False).image


@pytest.fixture(scope="module")
def leads(small):
    return trace_leads(small, refine=False)


@pytest.mark.parametrize(
    ("given", "error", "told"),
    [
        ({"layout": 3}, TypeError, "layout is 3; allowed: a name"),
        ({"layout": "5x5"}, ValueError, "unknown layout '5x5'"),
        ({"speed": "25"}, TypeError, "speed is '25'; allowed: a number from 5 to 200"),
        ({"gain": 0.5}, ValueError, "gain is 0.5; allowed: a number from 1 to 100"),
        ({"rename": "V1"}, TypeError, "rename is 'V1'; allowed: a mapping"),
        ({"rename": {"V1": "V10"}}, ValueError, "rename: 'V10' is no lead;"),
        ({"rename": {"0.1": "V1"}}, ValueError, "rename: '0.1' is no lead or place"),
        ({"rename": {"V1": "V2", "v1": "V3"}}, ValueError, "rename: 'v1' is there twice"),
        ({"crop": (0, 0, 10.5, 10)}, TypeError, "crop is .*allowed: left, top, right and bottom"),
        ({"crop": (10, 0, 10, 10)}, ValueError, "left before right"),
        ({"crop": "0,0,5,5"}, TypeError, "crop is '0,0,5,5'"),
        ({"turn": 45}, ValueError, "turn is 45; allowed: 0, 90, 180 or 270"),
        ({"turn": True}, TypeError, "turn is True"),
        ({"invert": 1}, TypeError, "invert is 1; allowed: True or False"),
    ],
)
def test_what_is_wrong_is_told_with_what_is_allowed(given, error, told):
    with pytest.raises(error, match=told):
        Known(**given)


def test_only_what_is_known_is_given():
    known = Known(layout="3X4+ii", rename={"v1": "avr"}, turn=0)
    assert known.given == {"layout": "3x4+II", "rename": {"V1": "aVR"}, "turn": 0}
    assert Known(**known.given) == known
    assert Known().given == {} and Known().n_rows is None and known.n_rows == 4
    assert known.but(Known(turn=90)).given["turn"] == 90


@drawn(st.sampled_from(TURNS), st.integers(0, 20), st.integers(0, 15), st.booleans(), st.booleans())
def test_a_point_of_the_edited_page_is_found_in_the_picture(leads, turn, left, top, cropped, inverted):
    picture = np.random.default_rng(0).integers(0, 256, (150, 140, 3), np.uint8)
    page = Page(picture, "page", None, 0)
    known = Known(crop=(left, top, left + 110, top + 120) if cropped else None, turn=turn, invert=inverted)
    edited = edit_page(page, known)
    y, x = 17, 42
    path = np.array([[x, y], [np.nan, np.nan]], np.float32)
    strip = replace(leads.strips[0], path=path)
    found = as_pictured(replace(leads, strips=(strip,)), page, known)
    (back_x, back_y), hidden = found.strips[0].path
    there = picture[int(back_y), int(back_x)]
    assert (edited.image[y, x] == (255 - there if inverted else there)).all()
    assert np.isnan(hidden).all()
    if cropped or turn:
        assert found.geometry.page_size == (140, 150)
    assert (picture == np.random.default_rng(0).integers(0, 256, (150, 140, 3), np.uint8)).all()


@pytest.mark.parametrize("crop", [(0, 0, 5000, 200), (0, 0, 60, 200)])
def test_a_crop_out_of_the_picture_or_too_small_names_the_page(small, crop):
    with pytest.raises(PageError, match=r"page: crop \(0, 0, .*(reaches out of the picture of|is too small)"):
        trace_leads(small, known=Known(crop=crop))


def test_a_negative_on_its_side_in_a_larger_picture_reads_the_same(small, leads):
    height, width = small.shape[:2]
    around = np.full((height + 80, width + 50, 3), 90, np.uint8)
    around[60 : 60 + height, 20 : 20 + width] = small
    # Cropped first, so that the crop is the picture's own, as a person sees it.
    picture = np.ascontiguousarray(np.rot90(255 - around, 1))
    tall = around.shape[1]
    known = Known(crop=(60, tall - 20 - width, 60 + height, tall - 20), turn=90, invert=True)
    found = trace_leads(picture, known=known, refine=False)
    np.testing.assert_array_equal(found.signal, leads.signal)
    assert found.layout == leads.layout and found.geometry.page_size == picture.shape[1::-1]
    assert found.geometry.rotation == pytest.approx(leads.geometry.rotation - 90, abs=1e-6)
    own, path = leads.strips[1].path, found.strips[1].path
    np.testing.assert_allclose(path, np.stack([own[:, 1] + 60, tall - 1 - (own[:, 0] + 20)], axis=1), atol=1e-3)


def test_a_given_turn_is_obeyed_and_told(small):
    found = trace_leads(small, known=Known(turn=180), refine=False)
    assert "turned by 180 degrees as given, but names or pulses stand upright 180 degrees further" in found.warnings
    assert abs(found.geometry.rotation) == pytest.approx(180, abs=1)


def test_a_grid_that_is_found_on_its_side_is_turned_to_a_page_that_is_upright(small):
    page, placement = place_page(load_page(small))
    upright = choose(page, placement, Known(turn=0), None)
    for quarters in (1, 2, 3):
        again = choose(page, turned(placement, quarters), Known(turn=0), None)
        assert [place.lead for place in again.layout.places] == [place.lead for place in upright.layout.places]
        assert again.layout.contradictions == ()


def test_strips_are_renamed_together_and_what_is_printed_is_told(small, leads):
    found = trace_leads(small, known=Known(rename={"II": "III", "3.1": "II", "V9": "V1"}), refine=False)
    assert [(strip.lead, strip.name_source) for strip in found.strips][1:] == [("III", "given"), ("II", "given")]
    np.testing.assert_array_equal(found.strips[1].signal, leads.strips[1].signal)
    assert "rename: the page shows no strip V9, to be named V1" in found.warnings
    assert "rename: the strip in row 2 is now III, but its printed name reads II" in found.warnings
    assert VERDICTS.index(found.quality.verdict) >= VERDICTS.index(leads.quality.verdict)


def test_two_strips_of_one_name_are_told_and_rhythm_strips_have_their_own(recording):
    page = render_page(recording, FS, layout="3x4+II", dpi=100, header=False).image
    layout = analyze_page(page, look=None).layout
    assert layout.name == "3x4+II"
    twice = renamed(layout, {"V3": "V4"})
    assert "rename: 2 strips are now named V4; the longer one is the lead's" in twice.contradictions
    assert twice.name == "custom-3x4+II"
    rhythm = renamed(layout, {"4.1": "V1"})
    assert rhythm.name == "3x4+V1" and not any("2 strips" in told for told in rhythm.contradictions)
    assert renamed(layout, {}) is layout


def test_a_given_scale_that_print_contradicts_is_told(recording):
    page = render_page(recording, FS, layout="limb-3x1", dpi=150).image
    found = trace_leads(page, speed=50, gain=5, refine=False)
    assert (found.calibration.speed, found.calibration.gain) == (50, 5)
    assert "the page says 25 mm/s, but the speed is 50 mm/s (given)" in found.warnings
    assert "the page says 10 mm/mV, but the gain is 5 mm/mV (given)" in found.warnings
