from __future__ import annotations

import dataclasses

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from digitize.refine.bands import CHANNELS, FOLD, HEIGHTS, Bands, fill_strokes, height_for
from tests.papertrace.training.band_page import HEIGHT, WIDTH, bands, page

EDGE = st.floats(-20, 40, width=32) | st.just(float("nan"))


@given(st.lists(st.tuples(EDGE, EDGE), min_size=1, max_size=6))
def test_strokes_cover_what_lies_between_their_edges(edges):
    top, bottom = (np.array([[edge] for edge in of]) for of in zip(*edges, strict=True))
    top, bottom = np.minimum(top, bottom), np.maximum(top, bottom)
    height = 24
    cover = fill_strokes(top, bottom, height)
    shown = np.clip(bottom, -0.5, height - 0.5) - np.clip(top, -0.5, height - 0.5)
    assert abs(cover.sum() - np.nansum(shown)) < 1e-3
    assert cover.min() > -1e-4 and cover.max() < len(edges) + 1e-4


def test_a_band_shows_its_part_of_the_page():
    of = bands()
    band = of.cut(1, 500, 512, 320)
    assert band.top % FOLD[0] == 0 and abs(band.top - (420 - 160)) < FOLD[0]
    here = slice(band.top, band.top + 320), slice(500, 1012)
    np.testing.assert_array_equal(band.pixels[0], of.layers.coverage[here])
    assert (band.level == 420 - band.top).all()
    own = band.pixels[CHANNELS.index("own")]
    column = 650 - 500
    followed = own[:, column] > 128
    assert abs(np.flatnonzero(followed).mean() + band.top - of.layers.traces.center[1, 650]) < 1
    assert not own[: 200 - band.top + 30 if band.top < 200 else 1].any(), "the other row is not its own"


def test_other_rows_are_shown_as_such():
    high = bands().cut(1, 100, 512, 768)
    others, own = (high.pixels[CHANNELS.index(name)] for name in ("others", "own"))
    first = 200 - high.top
    assert (others[first - 20 : first + 20].max(axis=0) > 200)[20:190].all()
    assert not np.minimum(others, own).any()


def test_beyond_the_page_is_nothing():
    band = bands().cut(0, WIDTH - 100, 512, 768)
    assert not band.pixels[:, :, 100:].any() and not band.pixels[:, : -band.top].any()
    assert band.pixels[0, :, :100].any()


def test_print_is_marked():
    band = bands().cut(0, 0, 512, 448)
    marked = np.argwhere(band.pixels[CHANNELS.index("print")])
    assert marked.min(axis=0).tolist() == [10 - band.top, 40] and marked.max(axis=0).tolist() == [29 - band.top, 59]


def test_bands_are_as_high_as_the_tallest_beat():
    layers = page(0).layers
    tall = layers.traces.center.copy()
    tall[0, 50] -= 200
    higher = dataclasses.replace(layers, traces=dataclasses.replace(layers.traces, center=tall))
    assert Bands(layers).height == 320 and Bands(higher).height == 576
    assert height_for(np.array([9000.0])) == HEIGHTS[-1]


def test_contrast_is_that_to_the_paper_around():
    layers = page(0).layers
    shade = np.linspace(0, 120, WIDTH)[None].repeat(HEIGHT, axis=0)
    dim = dataclasses.replace(layers, gray=np.uint8(layers.gray / 255 * (255 - shade)))
    bright, dark = (Bands(of).contrast[layers.coverage > 250].astype(float) for of in (layers, dim))
    assert bright.min() > 200 and dark.mean() > 0.5 * bright.mean()
    assert Bands(dim).contrast[layers.coverage == 0].mean() < 5
