from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save

from digitize.api import refined
from digitize.geometry.rectify import rectify
from digitize.records.layouts import find_layout
from digitize.records.page import Page
from digitize.records.page_analysis import PageAnalysis
from digitize.records.page_layout import PageLayout
from digitize.records.placement import PaperScale
from digitize.records.symbols import Symbols
from digitize.records.traces import Rows, Traces, TraceState
from digitize.records.upright import PIXELS_PER_MM
from digitize.records.values import Scale, Value
from digitize.records.weights import hash_of
from digitize.refine.correct import LENGTH, load_network, refine
from digitize.refine.layers import layers_of
from digitize.refine.network import OFFSETS, Refiner
from digitize.refine.windows import CHANNELS, FEATURES, HEIGHT, cut_windows, growing

WIDTH = 1300


@pytest.fixture(scope="module")
def analysis(draw) -> PageAnalysis:
    """Two rows on white paper: a wave with a steep part, and a straight line; a stretch of the first is hidden."""
    x = np.arange(WIDTH, dtype=np.float64)
    wave = 150 + 30 * np.sin(x / 40) - 90 * np.exp(-(((x - 700) / 6) ** 2))
    center = np.stack([wave, np.full(WIDTH, 300.0)])
    coverage = np.maximum(*(draw((400, WIDTH), np.stack([x, y], axis=1)) for y in center))
    between = (center + np.roll(center, -1, axis=1)) / 2
    between[:, -1] = np.nan
    center[0, 400:430] = np.nan
    between[0, 399:430] = np.nan
    ends = np.zeros(2, np.int64), np.full(2, WIDTH), np.zeros(2), np.full(2, WIDTH - 1.0)
    state = np.where(np.isfinite(center), np.uint8(TraceState.SEEN), np.uint8(TraceState.UNKNOWN))
    traces = Traces(
        center.astype(np.float32), between.astype(np.float32), state, *ends, 1.5, np.stack([center, center])
    )
    picture = np.repeat(np.uint8(255 * (1 - coverage))[..., None], 3, axis=2)
    matrix = np.diag([1 / PIXELS_PER_MM, 1 / PIXELS_PER_MM, 1.0])
    upright = rectify(picture, matrix)
    rows = Rows(np.repeat([[150.0], [300.0]], WIDTH, axis=1).astype(np.float32), *ends[:2])
    gain = Value(10.0, "read")
    return PageAnalysis(
        page=Page(picture, "page", None, 0),
        placement=PaperScale(matrix, "print"),
        upright=upright,
        coverage=coverage,
        rows=rows,
        baseline=np.array([150.0, 300.0]),
        symbols=Symbols((), (), np.zeros((400, WIDTH), bool)),
        traces=traces,
        layout=PageLayout((), np.zeros((0, 4)), find_layout("I+II"), 2, 2),
        scale=Scale(Value(25.0, "read"), gain, gain, ()),
    )


class ToTheInk(torch.nn.Module):
    """Says that the pen is in the middle of the ink that a window shows."""

    def __init__(self, steps=2):
        super().__init__()
        self.steps = steps
        self.sharpness = torch.nn.Parameter(torch.tensor(8.0))

    def forward(self, pixels, features):
        edges = torch.from_numpy(growing(HEIGHT // 2, 1.0, 40.0)).float()
        ink = pixels[:, :, 0].float() * edges.diff()
        middle = (ink * (edges[1:] + edges[:-1]) / 2).sum(-1) / ink.sum(-1).clamp_min(1e-6)
        logits = -self.sharpness * (OFFSETS - middle[..., None, None]).abs().expand(-1, -1, self.steps, -1)
        return logits, torch.zeros(logits.shape[:3])


def displaced(analysis: PageAnalysis, by: float) -> PageAnalysis:
    traces = analysis.traces
    moved = dataclasses.replace(traces, center=traces.center + by, between=traces.between + by)
    return dataclasses.replace(analysis, traces=moved)


FOLLOWS = ToTheInk()


class TestWindows:
    def test_the_pen_is_in_the_middle(self, analysis):
        windows = cut_windows(layers_of(analysis))
        assert windows.pixels.shape == (2, WIDTH, len(CHANNELS), HEIGHT) and windows.pixels.dtype == np.uint8
        assert windows.features.shape == (2, WIDTH, len(FEATURES)) and np.isfinite(windows.features).all()
        middle = windows.pixels[1, 100:200, 0].mean(axis=0)
        assert middle[HEIGHT // 2 - 1 : HEIGHT // 2 + 1].min() > 240 and middle[[0, -1]].max() == 0
        np.testing.assert_allclose(windows.scale[1], 1.0)

    def test_a_flank_is_as_thin_as_a_level_stroke(self, analysis):
        windows = cut_windows(layers_of(analysis))
        flank = 695
        assert windows.scale[0, flank] > 10
        inked = [(windows.pixels[row, flank, 0] > 128).sum() for row in (0, 1)]
        assert abs(int(inked[0]) - int(inked[1])) <= 2

    def test_other_rows_are_shown_as_such(self, analysis):
        windows = cut_windows(layers_of(analysis))
        tall = windows.pixels[0, 695]
        assert tall[2].max() > 0, "at a flank the window reaches the row below"
        assert windows.pixels[1, 100, 2].max() == 0, "and on a level stroke it does not"

    def test_what_looks_like_the_pen_is_shown_beside_the_ink(self, analysis):
        pen = np.zeros(analysis.coverage.shape, np.uint8)
        pen[140:160] = 200
        windows = cut_windows(layers_of(dataclasses.replace(analysis, pen=pen)))
        assert windows.pixels[0, 0, CHANNELS.index("pen")].max() == 200, "the first row's level is 150"
        assert windows.pixels[1, 0, CHANNELS.index("pen")].max() == 0 < windows.pixels[1, 0, 0].max()
        alone = cut_windows(layers_of(analysis)).pixels
        np.testing.assert_array_equal(alone[:, :, CHANNELS.index("pen")], alone[:, :, CHANNELS.index("ink")])

    @given(st.integers(2, 40), st.floats(0.05, 2.0), st.floats(1.01, 30.0))
    def test_offsets_grow_outward(self, steps, finest, times):
        offsets = growing(steps, finest, finest * steps * times)
        np.testing.assert_allclose(offsets, -offsets[::-1], atol=1e-9)
        assert offsets[-1] == pytest.approx(finest * steps * times, rel=1e-3)
        assert (np.diff(offsets, 2)[steps:] > -1e-9).all() and np.diff(offsets)[steps] == pytest.approx(finest)


def test_a_network_has_steps():
    with pytest.raises(ValueError, match="steps is 0"):
        Refiner(0)


def test_untrained_it_leaves_the_traces(analysis):
    traces, sure = refine(analysis, Refiner().eval())
    np.testing.assert_allclose(traces.center, analysis.traces.center, atol=1e-3)
    np.testing.assert_allclose(traces.between, analysis.traces.between, atol=1e-3)
    np.testing.assert_allclose(sure, 0.0, atol=1e-3)


def test_what_is_hidden_stays_hidden_and_nothing_else_is(analysis):
    before = [array.copy() for array in (analysis.traces.center, analysis.traces.between, analysis.traces.state)]
    traces = refine(analysis, FOLLOWS)[0]
    np.testing.assert_array_equal(np.isnan(traces.center), np.isnan(analysis.traces.center))
    np.testing.assert_array_equal(np.isnan(traces.between), np.isnan(analysis.traces.between))
    for array, kept in zip(
        (analysis.traces.center, analysis.traces.between, analysis.traces.state), before, strict=True
    ):
        np.testing.assert_array_equal(array, kept)


@pytest.mark.parametrize("by", (-2.0, 0.7, 3.0))
def test_traces_are_brought_to_the_ink(analysis, by):
    traces = refine(displaced(analysis, by), FOLLOWS)[0]
    level = np.r_[50:380, 450:650]
    for found, true in ((traces.center, analysis.traces.center), (traces.between, analysis.traces.between)):
        assert np.abs(found[1, :-1] - true[1, :-1]).max() < 0.3
        assert np.abs(found[0, level] - true[0, level]).max() < 0.5


def test_a_page_narrower_than_a_stretch(analysis):
    part = slice(None), slice(0, LENGTH - 100)
    cut = dataclasses.replace(
        analysis,
        coverage=analysis.coverage[part],
        upright=dataclasses.replace(analysis.upright, image=analysis.upright.image[part]),
        rows=dataclasses.replace(analysis.rows, level=analysis.rows.level[part]),
        traces=dataclasses.replace(
            analysis.traces,
            center=analysis.traces.center[part],
            between=analysis.traces.between[part],
            state=analysis.traces.state[part],
        ),
    )
    traces = refine(displaced(cut, 2.0), FOLLOWS)[0]
    assert np.abs(traces.center[1] - cut.traces.center[1]).max() < 0.3


@pytest.mark.parametrize("steps", (1, 2, 4))
def test_any_number_of_steps_tells_where_the_pen_is_half_way(analysis, steps, monkeypatch):
    def drift(x):
        return ((x - 600) / 300) ** 3

    x = np.arange(WIDTH)[:, None] + np.arange(steps) / steps
    offsets = np.repeat(drift(x)[None], 2, axis=0).astype(np.float32)
    monkeypatch.setattr("digitize.refine.correct.judge", lambda windows, network: (offsets, offsets))
    traces = refine(analysis, Refiner(steps))[0]
    inner = np.arange(2, WIDTH - 2)
    np.testing.assert_allclose((traces.center - analysis.traces.center)[1, inner], drift(inner), atol=1e-3)
    np.testing.assert_allclose((traces.between - analysis.traces.between)[1, inner], drift(inner + 0.5), atol=1e-3)


def test_weights_are_loaded_with_their_record(tmp_path):
    file = tmp_path / "refiner.safetensors"
    with pytest.raises(FileNotFoundError, match=r"training\.refiner"):
        load_network(file)
    content = save(Refiner(1).state_dict())
    file.write_bytes(content)
    record = {**hash_of(content), "steps": 1}
    file.with_suffix(".json").write_text(json.dumps(record))
    network = load_network(file)
    assert (network.steps, network.training) == (1, False)
    load_network.cache_clear()
    for changes, message in (
        ({"sha256": "other"}, "damaged or exchanged"),
        ({"steps": 2}, r"of another network: head\.bias has shape"),
    ):
        file.with_suffix(".json").write_text(json.dumps({**record, **changes}))
        with pytest.raises(ValueError, match=message):
            load_network(file)


def test_any_function_may_correct_the_traces(analysis):
    """Where it does not say how sure it is, the page has no such logit."""

    def lowered(page):
        return dataclasses.replace(page.traces, center=page.traces.center + 3), None

    corrected = refined(analysis, lowered)
    np.testing.assert_array_equal(corrected.traces.center, analysis.traces.center + 3)
    assert corrected.right is None and corrected.rows is analysis.rows
