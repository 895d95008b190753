from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classify.signal.averaged_beats import average_beats

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
    beats = average_beats(strips, sure(strips), FS)
    assert len(beats.qrs) == 10 and np.abs(beats.qrs - [100, 190, 290, 370, 480, 560, 660, 750, 850, 930]).max() <= 1
    assert np.allclose(beats.average[1], -0.5 * beats.average[0], atol=1e-5)
    assert beats.average[0].argmax() == 40 and abs(beats.average[0].max() - 1) < 0.05
    assert (beats.likeness > 0.95).all() and (beats.seen == 1).all()


def test_a_beat_of_another_kind_is_left_out_and_told():
    lead = train([100, 200, 300, 400, 600, 700, 800, 900])
    other = -2 * train([520], width=8)
    strips = np.stack([lead + other, lead - other])
    beats = average_beats(strips, sure(strips), FS)
    odd = np.abs(beats.qrs - 520) < 8
    assert odd.sum() == 1 and beats.likeness[odd][0] < 0.6 < beats.likeness[~odd].min()
    usual = average_beats(np.stack([lead, lead]), sure(strips), FS)
    assert np.abs(beats.average - usual.average)[:, 20:80].max() < 0.1


def test_what_no_beat_shows_is_unseen():
    strips = train([15, 110], n=150)[None]
    beats = average_beats(strips, sure(strips), FS)
    assert len(beats.qrs) == 2
    assert beats.seen.shape == (1, 100) and beats.seen.all()
    alone = average_beats(strips[:, :90], sure(strips[:, :90]), FS)
    assert len(alone.qrs) == 1 and not alone.seen[0, :20].any() and alone.seen[0, 30:].all()
    assert not alone.average[0, :20].any()


def test_confidence_is_that_of_the_beats_that_show_a_sample():
    strips = train([100, 200, 300, 400])[None, :500]
    confidence = sure(strips)
    confidence[0, 60:160] = 0.2
    hidden = strips.copy()
    hidden[0, 200:220] = np.nan
    beats = average_beats(hidden, confidence, FS)
    assert beats.seen[0, 30] == pytest.approx((0.2 + 3) / 4, abs=0.01)
    assert beats.seen[0, 45] == pytest.approx((0.2 + 2) / 3, abs=0.01)
    assert np.isfinite(beats.average).all()


@pytest.mark.parametrize("strips", [np.zeros((2, 300)), np.full((2, 300), np.nan), np.zeros((1, 5)), np.zeros((3, 0))])
def test_nothing_to_find(strips):
    strips = strips.astype(np.float32)
    beats = average_beats(strips, sure(strips), FS)
    assert len(beats.qrs) == 0 and not beats.seen.any() and beats.average.shape == (len(strips), 100)


@settings(deadline=None, max_examples=25)
@given(
    gap=st.integers(60, 130),
    gain=st.floats(0.3, 4.0),
    offset=st.floats(-2.0, 2.0),
    flip=st.booleans(),
)
def test_gain_and_offset_pass_through(gap, gain, offset, flip):
    lead = train(list(range(50, 950, gap)))
    base = average_beats(lead[None], sure(lead[None]), FS)
    factor = -gain if flip else gain
    moved = (factor * lead + offset).astype(np.float32)[None]
    beats = average_beats(moved, sure(moved), FS)
    assert np.array_equal(beats.qrs, base.qrs)
    assert np.allclose(beats.average, factor * base.average + offset * (base.seen > 0), atol=1e-3)
