"""Arguments that nobody should give: each is an error at once that names it and says what is allowed."""

from __future__ import annotations

import copy
import re
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classify import interpret
from digitize import load_pages, trace_leads
from digitize.api import leads_of
from digitize.leads import no_leads
from digitize.pages.page import load_page
from digitize.records.arguments import number

WHITE = np.full((120, 200), 255, np.uint8)
NO_NUMBERS = (True, False, np.True_, "25", b"25", [25], np.array(25.0), 25 + 0j, Decimal(25), object())
BOUNDS = {"fs": (1, 10_000), "speed": (5, 200), "gain": (1, 100), "dpi": (100, 700)}


def give(name: str, value: object) -> None:
    if name in ("dpi", "index"):
        load_page(WHITE, **{name: value})
    else:
        trace_leads(WHITE, **{name: value})


@pytest.mark.parametrize("name", [*BOUNDS, "index"])
@pytest.mark.parametrize("value", NO_NUMBERS, ids=lambda value: type(value).__name__)
def test_numbers_of_another_type(name, value):
    with pytest.raises(TypeError, match=rf"^{name} is .*; allowed: a (whole )?number from "):
        give(name, value)


@pytest.mark.parametrize("name", ["fs", "index"])
@pytest.mark.parametrize("value", [500.0, np.float32(500), float("nan"), None])
def test_numbers_that_must_be_whole(name, value):
    with pytest.raises(TypeError, match=rf"^{name} is .*; allowed: a whole number from "):
        give(name, value)


@pytest.mark.parametrize("name", BOUNDS)
@given(data=st.data())
def test_numbers_out_of_bounds(name, data):
    low, high = BOUNDS[name]
    if name == "fs":
        value = data.draw(st.integers(max_value=low - 1) | st.integers(min_value=high + 1))
    else:
        below = st.floats(max_value=low, exclude_max=True)
        value = data.draw(below | st.floats(min_value=high, exclude_min=True) | st.just(float("nan")))
    with pytest.raises(ValueError, match=rf"^{name} is .*; allowed: a (whole )?number from {low} to {high} \("):
        give(name, value)


@given(value=st.integers(5, 200) | st.floats(5, 200))
def test_numbers_of_every_kind_are_numbers(value):
    for kind in (type(value), np.float64):
        assert number("speed", kind(value), (5, 200), "mm/s") == float(value)


@pytest.mark.parametrize("value", ["no", 1, 0, None, np.array(True)])
def test_what_is_neither_true_nor_false(value):
    with pytest.raises(TypeError, match=r"^refine is .*; allowed: True or False$"):
        trace_leads(WHITE, refine=value)


@pytest.mark.parametrize("function", [load_pages, load_page, trace_leads])
@pytest.mark.parametrize("source", [None, 5, [[1]], bytearray(b"x"), object(), open])
def test_what_is_no_page(function, source):
    with pytest.raises(TypeError, match=r"^source is .*; allowed: a path, bytes, an array, a PIL image or a Page$"):
        function(source)


@pytest.mark.parametrize("function", [load_pages, trace_leads])
@pytest.mark.parametrize(
    "array",
    [np.zeros((3,) * 5), np.zeros((0, 0)), np.zeros((200, 200), object), np.array("x"), np.ma.masked_all((200, 200))],
)
def test_arrays_that_are_no_page(function, array):
    with pytest.raises(ValueError, match=r"^array: "):
        function(array)


@pytest.mark.parametrize("name", ["white", "sixteen bits"])
def test_arrays_are_read_however_they_lie_in_memory(name):
    array = np.random.default_rng(0).integers(0, 256, (130, 210, 3)).astype(np.uint8 if name == "white" else np.uint16)
    expected = load_page(np.ascontiguousarray(array[::-1, ::2])).image
    array.flags.writeable = False
    assert (load_page(array[::-1, ::2]).image == expected).all()


@pytest.mark.parametrize("error", [None, "path", np.zeros(5), WHITE])
def test_what_are_no_leads(error):
    for function in (interpret, interpret(no_leads((800, 600), "no trace")).explain):
        with pytest.raises(TypeError, match=r"^leads is .*; allowed: what trace_leads gives$"):
            function(error)


@pytest.mark.parametrize("kind", [type(None), str, np.float64, np.bool_, list])
def test_pictures_that_cannot_be_drawn_on(leads, paper, kind):
    picture = {str: "path", list: paper.tolist(), type(None): None}.get(kind, None)
    if issubclass(kind, np.generic):
        picture = paper.astype(kind)
    with pytest.raises(TypeError, match=r"^image .*; allowed: an array of uint8 as large as the page, of shape \("):
        leads.overlay(picture)


def test_pictures_of_another_size(leads, paper):
    for picture in (paper[:-1], paper[:, 1:], paper[..., 0], paper[..., :2], paper[None]):
        with pytest.raises(ValueError, match=re.escape(f"image has the shape {picture.shape}; allowed: ")):
            leads.overlay(picture)


def test_other_arguments_of_a_picture(leads, paper):
    with pytest.raises(TypeError, match=r"^marks is 1; allowed: a sequence of Annotation$"):
        leads.overlay(paper, [1])
    with pytest.raises(TypeError, match=r"^shade is 'AFIB'; allowed: a Highlight, or None$"):
        leads.overlay(paper, shade="AFIB")
    with pytest.raises(TypeError, match=r"^path is 5; allowed: a path$"):
        leads.to_wfdb(5)


def test_records_are_compared_without_an_error(leads):
    other = copy.deepcopy(leads)
    assert leads == leads and leads != other and leads != 5
    assert leads in [1, leads] and {leads: 1}[leads] == 1


def test_an_analysis_is_cut_at_a_frequency_that_is_allowed():
    with pytest.raises(ValueError, match=r"^fs is 20000; allowed: a whole number from 1 to 10000 \(Hz\)$"):
        leads_of(None, fs=20_000)
