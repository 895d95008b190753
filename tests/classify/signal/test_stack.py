from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classify.signal.stack import stack_beats

FS = 100


def train(places: list[int], n: int = 1000, width: float = 2.5) -> np.ndarray:
    """One lead: a pulse at each place, followed by a broad wave."""
    time = np.arange(n)
    at = np.array(places)[:, None]
    return (np.exp(-(((time - at) / width) ** 2)) + 0.2 * np.exp(-(((time - at - 25) / 8) ** 2))).sum(0).astype("f4")


def sure(strips: np.ndarray) -> np.ndarray:
    return np.ones_like(strips)


def test_beats_of_all_leads_are_laid_over_each_other():
    lead = train([100, 190, 290, 370, 480, 560, 660, 750, 850, 930])
    strips = np.stack([lead, -0.5 * lead, 2 * lead])
    stack = stack_beats(strips, sure(strips), FS)
    assert len(stack.at) == 10 and np.abs(stack.at - [100, 190, 290, 370, 480, 560, 660, 750, 850, 930]).max() <= 1
    assert np.allclose(stack.average[1], -0.5 * stack.average[0], atol=1e-5)
    assert stack.average[0].argmax() == 40 and abs(stack.average[0].max() - 1) < 0.05
    assert (stack.alike > 0.95).all() and (stack.seen == 1).all()


def test_a_beat_of_another_kind_is_left_out_and_told():
    lead = train([100, 200, 300, 400, 600, 700, 800, 900])
    other = -2 * train([520], width=8)
    strips = np.stack([lead + other, lead - other])
    stack = stack_beats(strips, sure(strips), FS)
    odd = np.abs(stack.at - 520) < 8
    assert odd.sum() == 1 and stack.alike[odd][0] < 0.6 < stack.alike[~odd].min()
    usual = stack_beats(np.stack([lead, lead]), sure(strips), FS)
    assert np.abs(stack.average - usual.average)[:, 20:80].max() < 0.1


def test_what_no_beat_shows_is_unseen():
    strips = train([15, 110], n=150)[None]
    stack = stack_beats(strips, sure(strips), FS)
    assert len(stack.at) == 2
    assert stack.seen.shape == (1, 100) and stack.seen.all()
    alone = stack_beats(strips[:, :90], sure(strips[:, :90]), FS)
    assert len(alone.at) == 1 and not alone.seen[0, :20].any() and alone.seen[0, 30:].all()
    assert not alone.average[0, :20].any()


def test_confidence_is_that_of_the_beats_that_show_a_sample():
    strips = train([100, 200, 300, 400])[None, :500]
    confidence = sure(strips)
    confidence[0, 60:160] = 0.2
    hidden = strips.copy()
    hidden[0, 200:220] = np.nan
    stack = stack_beats(hidden, confidence, FS)
    assert stack.seen[0, 30] == pytest.approx((0.2 + 3) / 4, abs=0.01)
    assert stack.seen[0, 45] == pytest.approx((0.2 + 2) / 3, abs=0.01)
    assert np.isfinite(stack.average).all()


@pytest.mark.parametrize("strips", [np.zeros((2, 300)), np.full((2, 300), np.nan), np.zeros((1, 5)), np.zeros((3, 0))])
def test_nothing_to_find(strips):
    strips = strips.astype(np.float32)
    stack = stack_beats(strips, sure(strips), FS)
    assert len(stack.at) == 0 and not stack.seen.any() and stack.average.shape == (len(strips), 100)


@settings(deadline=None, max_examples=25)
@given(
    gap=st.integers(60, 130),
    gain=st.floats(0.3, 4.0),
    offset=st.floats(-2.0, 2.0),
    flip=st.booleans(),
)
def test_gain_and_offset_pass_through(gap, gain, offset, flip):
    lead = train(list(range(50, 950, gap)))
    base = stack_beats(lead[None], sure(lead[None]), FS)
    factor = -gain if flip else gain
    moved = (factor * lead + offset).astype(np.float32)[None]
    stack = stack_beats(moved, sure(moved), FS)
    assert np.array_equal(stack.at, base.at)
    assert np.allclose(stack.average, factor * base.average + offset * (base.seen > 0), atol=1e-3)
