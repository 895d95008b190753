from __future__ import annotations

import numpy as np
import pytest

from digitize.records.kinds import KINDS
from papertrace.synth import Capture, Wear, render_page
from papertrace.synth.flat import lay_flat


def beats(seconds: float = 10.0) -> np.ndarray:
    t = np.arange(round(seconds * 500)) / 500
    return np.repeat(np.exp(-(((t % 0.8) - 0.4) ** 2) / 0.0004)[None], 12, axis=0)


@pytest.mark.parametrize(
    "knobs",
    [
        {},
        {"capture": Capture(quarter_turns=1)},
        {"capture": Capture(tilt=25.0, distance=1.2, curl=10.0), "wear": Wear(crumple=0.6)},
    ],
    ids=["scan", "turned", "bent"],
)
def test_print_lies_where_its_kind_says(knobs):
    page = render_page(beats(), 500, dpi=150, grid="none", seed=3, **knobs)
    flat = lay_flat(page, margin=0.0)
    gray = flat.image.astype(float).mean(axis=2)
    for kind in ("pen", "pulse", "name"):
        there = flat.kinds[KINDS.index(kind)]
        inked, beside = (there > 200) & flat.seen, (flat.kinds.max(axis=0) == 0) & flat.seen
        assert inked.sum() > 500, kind
        assert np.median(gray[inked]) < np.median(gray[beside]) - 60, kind
        # A shift by a pen's width would show.
        moved = np.roll(there, 5, axis=0) > 200
        assert np.median(gray[inked]) < np.median(gray[moved & flat.seen & (there == 0)]) - 40, kind


def test_grid_lines_are_marked():
    page = render_page(np.zeros((12, 5000)), 500, dpi=200, grid="red", seed=1)
    flat = lay_flat(page, margin=0.0)
    redness = flat.image[..., 0].astype(float) - flat.image[..., 1]
    for kind in ("upright", "level"):
        line = flat.kinds[KINDS.index(kind)] > 128
        bare = flat.kinds.max(axis=0) == 0
        assert 0.01 < line.mean() < 0.1
        assert redness[line].mean() > redness[bare].mean() + 20


def test_what_is_torn_off_is_not_asked_for():
    page = render_page(beats(), 500, dpi=100, wear=Wear(tears=3), seed=5)
    flat = lay_flat(page, margin=4.0)
    assert page.bare is not None
    assert 0.5 < flat.seen.mean() < 1.0
    assert not flat.seen[40:-40, 40:-40].all(), "the tear is inside the sheet's frame"


def test_margin_is_what_lies_around():
    page = render_page(beats(), 500, dpi=100, seed=5)
    flat, wide = lay_flat(page, margin=0.0), lay_flat(page, margin=8.0)
    assert wide.seen.shape == tuple(side + 160 for side in flat.seen.shape)
    assert not wide.seen[:70].any()
    np.testing.assert_array_equal(wide.kinds[:, 80:-80, 80:-80], flat.kinds)
