from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from digitize.records.results import Strip
from digitize.records.traces import Traces
from digitize.refine import correct as refine
from digitize.refine import read
from digitize.strips.confidence import (
    FEATURES,
    PATH_FEATURES,
    WEIGHTS,
    measure,
    measure_strips,
    rate,
    weights_version,
)
from digitize.tracing.rows import find_rows
from tests.digitize.traced import trace_rows

CLEAN = {"gain": 10.0, "grid": 1.0, "sure": None}


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


def features_of(coverage: np.ndarray, traces: Traces | None = None, **known: Any) -> np.ndarray:
    rows = find_rows(coverage)
    assert rows is not None
    named = np.full(len(rows.level), known.pop("named", 1.0), np.float32)
    traces = trace_rows(coverage, rows) if traces is None else traces
    return measure(coverage, traces, rows.level, named=named, **{**CLEAN, **known})


def test_marks_are_finite_and_of_the_order_of_one(page):
    features = features_of(page)
    assert features.shape == (2, 1500, len(PATH_FEATURES))
    assert features.dtype == np.float32
    assert np.isfinite(features).all()
    assert np.abs(features[:, 100:1400]).max() < 3


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
    before, after = (features_of(coverage)[0, 690:780, place] for coverage in (page, spoilt))
    change = (after - before) * (-1 if feature == "ink" else 1)
    assert change.max() > 0.05


def test_what_is_known_of_the_page_is_passed_on(page):
    coarse, fine = features_of(page, gain=5.0), features_of(page, gain=20.0, grid=0.0, named=0.5)
    assert coarse[0, 700, FEATURES.index("tolerance")] < fine[0, 700, FEATURES.index("tolerance")]
    assert fine[0, 700, FEATURES.index("grid")] == 0.0
    assert fine[0, 700, FEATURES.index("named")] == 0.5


def test_the_word_of_the_network_that_corrects_is_a_mark(page):
    alone, corrected = features_of(page), features_of(page, sure=np.full((2, 1500), 2.5, np.float32))
    places = [FEATURES.index("corrected"), FEATURES.index("sure")]
    assert [features[0, 700, places].tolist() for features in (alone, corrected)] == [[0.0, 0.0], [1.0, 0.25]]
    assert features_of(page, sure=np.full((2, 1500), -1e6, np.float32))[0, 700, places].tolist() == [1.0, -1.0]


def test_inputs_stay_as_they_were(page):
    kept = page.copy()
    features_of(page)
    np.testing.assert_array_equal(page, kept)


def strips(*starts: float) -> list[Strip]:
    """Leads of one heart whose beats are not as even as a clock, in 5 s of a record each, said to begin at `starts`."""
    beats = np.zeros(5000, np.float32)
    beats[[300, 1100, 1800, 2700, 3400, 4300]] = 1.0
    beats = np.convolve(beats, np.hanning(30), "same").astype(np.float32)
    shown = [0.0, 0.0, 5.0, 5.0]
    found = []
    for row, (lead, true, start) in enumerate(zip(("I", "II", "V1", "V2"), shown, starts, strict=True)):
        signal = beats[round(true * 500) :][:2500] * (1 + 0.2 * row)
        column = int(true > 0)
        found.append(
            Strip(lead, row % 2, column, start, signal, np.ones(2500, np.float32), np.zeros((2500, 2)), "read")
        )
    rhythm = Strip("II", 2, 0, 0.0, 1.2 * beats, np.ones(5000, np.float32), np.zeros((5000, 2)), "assumed")
    return [*found, rhythm]


def features_of_strips(found: list[Strip], **known: object) -> list[np.ndarray]:
    paths = [np.zeros((len(strip.signal), len(PATH_FEATURES)), np.float32) for strip in found]
    return measure_strips(found, paths, **{"fs": 500, "residual": 0.01, "pulse": True, **known})


def test_strips_at_a_wrong_time_are_seen():
    place = FEATURES.index("least_together")
    right, wrong = (features_of_strips(strips(0.0, 0.0, later, later))[0][0, place] for later in (5.0, 0.0))
    assert right > 0.9
    assert wrong < right - 0.3


def test_what_strips_tell_of_each_other_is_passed_on():
    features = features_of_strips(strips(0.0, 0.0, 5.0, 5.0))
    assert [len(of) for of in features] == [2500] * 4 + [5000]
    assert all(of.shape[1] == len(FEATURES) and np.isfinite(of).all() and np.abs(of).max() < 3 for of in features)
    unrepeated = [of[0, FEATURES.index("unrepeated")] for of in features]
    assert unrepeated == [1, 0, 1, 1, 0]
    assert features[0][0, FEATURES.index("guessed")] == pytest.approx(0.2)
    blind = features_of_strips(strips(0.0, 0.0, 5.0, 5.0), residual=np.nan, pulse=False)
    for name in ("no_law", "no_pulse"):
        assert (features[0][0, FEATURES.index(name)], blind[0][0, FEATURES.index(name)]) == (0, 1)


def test_hidden_strips_leave_finite_marks():
    found = strips(0.0, 0.0, 5.0, 5.0)
    found[1] = replace(found[1], signal=np.full(2500, np.nan, np.float32))
    assert all(np.isfinite(of).all() for of in features_of_strips(found))
    hidden = [replace(strip, signal=np.full_like(strip.signal, np.nan)) for strip in found]
    assert all(np.isfinite(of).all() for of in features_of_strips(hidden))


def test_probabilities_follow_the_marks(page):
    found = strips(0.0, 0.0, 5.0, 5.0)
    along = features_of(page)[0, 200:1300]
    paths = [along[np.arange(len(strip.signal)) % len(along)] for strip in found]
    good = measure_strips(found, paths, fs=500, residual=0.005, pulse=True)[0]
    bad = good.copy()
    # Ink that another row claims too, other ink close by, and beats that no other strip shares.
    for feature, value in (("shared", 1.0), ("stray_near", 1.0), ("together", 0.0), ("least_together", 0.0)):
        bad[:, FEATURES.index(feature)] = value
    assert 1 - rate(bad).mean() > 3 * (1 - rate(good).mean())
    assert ((rate(bad) > 0) & (rate(good) < 1)).all()


def test_weights_belong_to_their_record():
    record = json.loads(WEIGHTS.with_suffix(".json").read_text())
    assert tuple(record["features"]) == FEATURES
    assert record["version"] == weights_version()
    assert record["refiner"] == refine.weights_version(), "confidence is trained after the networks that correct"
    assert record["reader"] == read.weights_version()
    for kind in ("traced", "corrected"):
        rows = record["figures"]["reliability on fold 8"][kind]
        samples = sum(row["samples"] for row in rows)
        # A tenth of the samples are those of four pages, and samples of a page err together.
        assert all(row["samples"] < samples / 10 or abs(row["said"] - row["right"]) < 0.12 for row in rows), kind
