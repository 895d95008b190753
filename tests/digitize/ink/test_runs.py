from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from digitize.ink.runs import find_runs

LEVEL = 0.5
shapes = st.tuples(st.integers(1, 12), st.integers(1, 6))


def pages(shape: tuple[int, int]) -> st.SearchStrategy[NDArray[np.float32]]:
    """Coverage in steps that 32 bits hold exactly."""
    return arrays(np.uint8, shape, elements=st.integers(0, 16)).map(lambda steps: steps.astype(np.float32) / 16)


def joined(coverage: NDArray[np.float32], keep: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Ink of a page, and the short faint stretches between ink."""
    ink = (coverage > LEVEL) & keep
    for x in range(ink.shape[1]):
        rows = np.flatnonzero(ink[:, x])
        for above, below in pairwise(rows):
            hole = slice(above + 1, below)
            if below - above - 1 <= 8 and (coverage[hole, x] > 0.4 * LEVEL).all() and keep[hole, x].all():
                ink[hole, x] = True
    return ink


@settings(max_examples=200, deadline=None)
@given(shapes.flatmap(lambda shape: st.tuples(pages(shape), arrays(bool, shape))))
def test_runs_are_ordered_and_complete(case):
    coverage, keep = case
    height, width = coverage.shape
    for mask in (None, keep):
        runs = find_runs(coverage, LEVEL, mask)
        ink = joined(coverage, np.ones_like(keep) if mask is None else mask)
        begins = ink & ~np.vstack([np.zeros((1, width), bool), ink[:-1]])
        assert np.array_equal(runs.count, begins.sum(axis=0))
        assert runs.top.shape == runs.bottom.shape == (width, max(1, runs.count.max()))
        beyond = np.arange(runs.top.shape[1]) >= runs.count[:, None]
        assert np.array_equal(np.isnan(runs.top), beyond) and np.array_equal(np.isnan(runs.bottom), beyond)
        known = ~beyond
        assert (runs.top < runs.bottom)[known].all()
        assert (runs.top[known] > -1).all() and (runs.bottom[known] < height).all()
        assert (runs.bottom[:, :-1] <= runs.top[:, 1:])[known[:, 1:]].all()
        for x in range(width):
            first = np.flatnonzero(begins[:, x])
            assert (first - 1 <= runs.top[x, : len(first)]).all() and (runs.top[x, : len(first)] <= first).all()


@settings(max_examples=100, deadline=None)
@given(shapes.flatmap(pages))
def test_a_page_upside_down_has_the_same_runs_upside_down(coverage):
    height = len(coverage)
    runs, turned = find_runs(coverage, LEVEL), find_runs(coverage[::-1], LEVEL)
    for column, count in enumerate(runs.count):
        mirrored = height - 1 - turned.bottom[column, :count][::-1]
        assert np.allclose(runs.top[column, :count], mirrored, atol=1e-5)


@pytest.mark.parametrize(("softness", "tolerance"), [(1.0, 0.09), (2.0, 1e-4)])
@pytest.mark.parametrize("radius", [1.2, 2.0, 3.7])
def test_edges_are_found_at_every_fraction_of_a_pixel(radius, softness, tolerance):
    y = 20 + np.linspace(0, 2, 101)
    away = np.abs(np.arange(40)[:, None] - y)
    coverage = np.clip((radius - away) / softness + 0.5, 0, 1).astype(np.float32)
    runs = find_runs(coverage, 0.5)
    assert np.allclose(runs.top[:, 0], y - radius, atol=tolerance)
    assert np.allclose(runs.bottom[:, 0], y + radius, atol=tolerance)


def test_what_is_not_kept_is_not_ink_and_nothing_is_modified():
    coverage = np.zeros((30, 3), np.float32)
    coverage[5:10] = coverage[20:25] = 1
    keep = np.ones(coverage.shape, bool)
    keep[5:10, 1] = False
    inputs = coverage.copy(), keep.copy()
    runs = find_runs(coverage, 0.5, keep)
    assert runs.count.tolist() == [2, 1, 2]
    assert runs.top.tolist()[0] == [4.5, 19.5] and runs.bottom.tolist()[0] == [9.5, 24.5]
    assert runs.top[1, 0] == 19.5 and np.isnan(runs.top[1, 1])
    assert np.array_equal(coverage, inputs[0]) and np.array_equal(keep, inputs[1])


def test_ink_at_the_rim_of_the_page_ends_there():
    runs = find_runs(np.ones((8, 2), np.float32), 0.5)
    assert runs.top.ravel().tolist() == [-0.5, -0.5] and runs.bottom.ravel().tolist() == [7.5, 7.5]


def test_page_without_ink():
    runs = find_runs(np.zeros((8, 5), np.float32), 0.5)
    assert not runs.count.any() and runs.top.shape == (5, 1) and np.isnan(runs.bottom).all()


@pytest.mark.parametrize(
    ("hole", "faintest", "count"), [(4, 0.3, 1), (8, 0.3, 1), (9, 0.3, 2), (4, 0.15, 2), (1, 0.0, 2)]
)
def test_faint_holes_do_not_part_a_stroke(hole, faintest, count):
    coverage = np.zeros((40, 1), np.float32)
    coverage[5:12] = coverage[12 + hole : 25 + hole] = 1
    coverage[12 : 12 + hole] = 0.35
    coverage[12 + hole // 2] = faintest
    runs = find_runs(coverage, LEVEL)
    assert runs.count[0] == count
    assert (runs.top[0, 0], runs.bottom[0, count - 1]) == (4.5, 24.5 + hole)
