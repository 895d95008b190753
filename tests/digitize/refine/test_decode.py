from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from digitize.refine.bands import FOLD, STEPS
from digitize.refine.decode import Field, Prices, cheapest_way, ways_of

COSTS = st.tuples(st.integers(1, 12), st.integers(1, 8)).flatmap(
    lambda shape: st.tuples(*[hnp.arrays(np.float64, shape, elements=st.floats(0, 10))] * 2)
)


def cost_of(way: np.ndarray, node: np.ndarray, step: np.ndarray) -> float:
    """Cost of a way, cell by cell."""
    total = float(node[0, way[0]])
    for x in range(1, len(way)):
        a, b = sorted((way[x - 1], way[x]))
        passed = step[x, a : b + 1].sum() - (step[x, a] + step[x, b]) / 2
        total += float(passed + node[x, way[x]])
    return total


@given(COSTS)
def test_no_way_is_cheaper(costs):
    node, step = costs
    way, cost = cheapest_way(node, step)
    height = np.cumsum(step, axis=1) - step / 2
    least = node[0]
    for x in range(1, len(node)):
        least = (least[None] + np.abs(height[x][:, None] - height[x][None])).min(axis=1) + node[x]
    assert cost == pytest.approx(least.min(), abs=1e-6)
    assert cost == pytest.approx(cost_of(way, node, step), abs=1e-6)


WIDE, HIGH = 120, 160
"""Columns and rows of pixels of a field."""


def field(paths: list[tuple[np.ndarray, float]], ink: np.ndarray, top: int = 0) -> Field:
    """A pen that may be at some paths (y of the page at every step), each as likely as it says."""
    share = np.full((WIDE * STEPS, HIGH), 1e-5, np.float32)
    for path, likely in paths:
        share[np.arange(WIDE * STEPS), np.rint(path).astype(int) - top] += likely
    return Field(share / share.sum(axis=1, keepdims=True), ink, top)


def inked(*paths: np.ndarray) -> np.ndarray:
    ink = np.zeros((HIGH, WIDE), np.uint8)
    for path in paths:
        for x in range(WIDE):
            y = np.rint(path[STEPS * x : STEPS * x + STEPS + 1]).astype(int)
            ink[y.min() : y.max() + 1, x] = 255
    return ink


def test_a_flank_is_followed_through_its_ink():
    x = np.arange(WIDE * STEPS) / STEPS
    beat = 120.0 - 100 * np.exp(-(((x - 60) / 3) ** 2))
    way = ways_of([field([(beat, 1.0)], inked(beat))])[0]
    shown = beat.reshape(-1, FOLD[1] * STEPS)
    off = np.maximum(shown.min(axis=1) - (way + 1) * FOLD[0], way * FOLD[0] - shown.max(axis=1))
    assert off.max() <= FOLD[0]


def test_white_paper_is_not_crossed_for_a_moment():
    flat, other = (np.full(WIDE * STEPS, y) for y in (40.0, 120.0))
    moment = slice(110, 118)
    one = field([(flat, 1.0)], inked(flat, other))
    share = one.share.copy()
    share[moment, 40], share[moment, 120] = 0.1, 0.9
    way = ways_of([Field(share, one.ink, 0)])[0]
    assert (way == 40 // FOLD[0]).all()
    jumps = ways_of([Field(share, np.full_like(one.ink, 255), 0)], Prices(inked=0.0))[0]
    assert (jumps == 120 // FOLD[0]).any(), "what holds it is the white between"


def test_two_rows_do_not_go_on_in_the_same_ink():
    upper, lower = (np.full(WIDE * STEPS, y) for y in (40.0, 120.0))
    ink = inked(upper, lower)
    first = field([(upper, 0.9)], ink)
    second = field([(upper, 0.5), (lower, 0.3)], ink)
    ways = ways_of([first, second])
    assert (ways[0] == 10).all() and (ways[1] == 30).all()
    assert (ways_of([second])[0] == 10).all(), "alone it would"


def test_rows_cross():
    x = np.arange(WIDE * STEPS) / STEPS
    flat = np.full(len(x), 60.0)
    beat = 120.0 - 100 * np.exp(-(((x - 60) / 4) ** 2))
    ink = inked(flat, beat)
    ways = ways_of([field([(flat, 1.0)], ink), field([(beat, 1.0)], ink)])
    assert np.abs(ways[0] - 15).max() <= 1 and ways[1].min() <= 9


def test_ways_count_from_the_page_top():
    flat = np.full(WIDE * STEPS, 200.0)
    ink = np.zeros((HIGH, WIDE), np.uint8)
    ink[200 - 160] = 255
    assert (ways_of([field([(flat, 1.0)], ink, top=160)])[0] == 50).all()
