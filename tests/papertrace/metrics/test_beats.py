from __future__ import annotations

import numpy as np
import pytest

from papertrace.metrics.beats import NONE, confusion, figures, found_or_not, match, outside

N, S, V = 0, 1, 2


def test_beats_are_paired_within_150_ms():
    annotated, found = np.array([1000, 2000, 3000]), np.array([1050, 2100, 2990, 3500])
    assert match(annotated, found, 360).tolist() == [0, -1, 2, -1]
    assert match(annotated, np.empty(0, np.int64), 360).tolist() == []
    assert match(np.empty(0, np.int64), found, 360).tolist() == [-1] * 4


def test_counts():
    classes = np.array([N, N, V, S, V])
    partner = np.array([0, 2, -1, 3, 4])
    counts = confusion(classes, np.array([N, V, V, N, S]), partner)
    assert counts.sum() == 6 and counts[N, N] == counts[V, V] == counts[S, N] == counts[V, S] == 1
    assert counts[N, NONE] == 1, "missed"
    assert counts[NONE, V] == 1, "invented"
    sensitivity, value, f1 = figures(counts)[V]
    assert (sensitivity, value, f1) == (0.5, 0.5, 0.5)
    assert np.isnan(figures(counts)[3]).all()
    assert found_or_not(counts) == pytest.approx([4 / 5, 4 / 5, 4 / 5])


def test_nothing_found_or_nothing_there():
    none = np.empty(0, np.int64)
    assert confusion(np.array([V]), none, none)[V, NONE] == 1
    assert confusion(none, np.array([V]), np.array([-1]))[NONE, V] == 1


def test_stretches_that_are_not_scored():
    samples = np.array([10, 95, 100, 150, 205, 300])
    assert samples[outside(samples, np.array([[100, 200]]), 5)].tolist() == [10, 300]
    assert outside(samples, np.empty((0, 2), np.int64), 5).all()
