from __future__ import annotations

import json

import numpy as np
import pytest

from digitize.confidence import FEATURES, WEIGHTS, measure, rate, weights_version
from digitize.rows import find_rows
from digitize.trace import Traces, trace_rows

CLEAN = {"gain": 10.0, "grid": 1.0}


@pytest.fixture(scope="module")
def page() -> np.ndarray:
    """Two sine rows, 30 mm apart, drawn with a pen of 3 pixels."""
    coverage = np.zeros((700, 1500), np.float32)
    x = np.arange(50, 1450)
    for level in (200, 500):
        y = level + np.rint(30 * np.sin(x / 40)).astype(int)
        for step in (-1, 0, 1):
            coverage[y + step, x] = 1.0
    return coverage


def marks_of(coverage: np.ndarray, traces: Traces | None = None, **known: float) -> np.ndarray:
    rows = find_rows(coverage)
    assert rows is not None
    named = np.full(len(rows.level), known.pop("named", 1.0), np.float32)
    traces = trace_rows(coverage, rows) if traces is None else traces
    return measure(coverage, traces, rows.level, named=named, **{**CLEAN, **known})


def test_marks_are_finite_and_of_the_order_of_one(page):
    marks = marks_of(page)
    assert marks.shape == (2, 1500, len(FEATURES))
    assert marks.dtype == np.float32
    assert np.isfinite(marks).all()
    assert np.abs(marks[:, 100:1400]).max() < 3


@pytest.mark.parametrize(
    ("feature", "spoil"),
    [
        ("stray", lambda page: page[320:326, 700:760].fill(1.0)),
        ("stray_near", lambda page: page[320:326, 700:760].fill(1.0)),
        ("ink", lambda page: np.multiply(page[:, 700:760], 0.7, out=page[:, 700:760])),
        ("noise", lambda page: page[5::9, 5::9].fill(0.3)),
        ("broken", lambda page: page[150:250, 700:790].fill(0.0)),
    ],
)
def test_trouble_leaves_its_mark(page, feature, spoil):
    spoilt = page.copy()
    spoil(spoilt)
    place = FEATURES.index(feature)
    before, after = (marks_of(coverage)[0, 690:780, place] for coverage in (page, spoilt))
    change = (after - before) * (-1 if feature == "ink" else 1)
    assert change.max() > 0.05


def test_what_is_known_of_the_page_is_passed_on(page):
    coarse, fine = marks_of(page, gain=5.0), marks_of(page, gain=20.0, grid=0.0, named=0.5)
    assert coarse[0, 700, FEATURES.index("tolerance")] < fine[0, 700, FEATURES.index("tolerance")]
    assert fine[0, 700, FEATURES.index("grid")] == 0.0
    assert fine[0, 700, FEATURES.index("named")] == 0.5


def test_inputs_stay_as_they_were(page):
    kept = page.copy()
    marks_of(page)
    np.testing.assert_array_equal(page, kept)


def test_probabilities_follow_the_marks(page):
    good = marks_of(page)[:, 200:1300]
    bad = good.copy()
    bad[..., FEATURES.index("bridged")] = 1.0
    bad[..., FEATURES.index("ink")] = 0.0
    bad[..., FEATURES.index("stray_near")] = 1.5
    assert rate(good).mean() > rate(bad).mean() + 0.1
    assert ((rate(bad) > 0) & (rate(good) < 1)).all()


def test_weights_belong_to_their_record():
    record = json.loads(WEIGHTS.with_suffix(".json").read_text())
    assert tuple(record["features"]) == FEATURES
    assert record["version"] == weights_version()
    for row in record["reliability on fold 8"]:
        assert row["samples"] < 2000 or abs(row["said"] - row["right"]) < 0.12
