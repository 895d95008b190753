from __future__ import annotations

import sys
import types
from pathlib import Path

import numpy as np
import pytest

from benchmarks.classification import (
    NAMES,
    choose_pages,
    digitised_views,
    figures,
    predict_pages,
    price_of_paper,
    score,
)
from classify.statements import CODES
from classify.view import cut_to_layout, view_pieces
from training.ptbxl import Records


@pytest.fixture
def judged() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    truth = (rng.random((80, len(CODES))) < 0.3).astype(float)
    return truth, np.clip(0.25 * truth + 0.75 * rng.random(truth.shape), 0, 1)


def test_perfect_predictions(judged):
    truth, _ = judged
    named = dict(zip(NAMES, figures(truth, truth, np.full(len(CODES), 0.5)), strict=True))
    for name, value in named.items():
        assert value == (0 if name.startswith("calibration") else 1), name


def test_price_is_nothing_for_the_same_predictions_and_something_for_worse_ones(judged):
    truth, probability = judged
    thresholds = np.full(len(CODES), 0.5)
    same = price_of_paper(truth, probability, probability, thresholds)
    assert all((i.value, i.low, i.high) == (0, 0, 0) for i in same.values())
    noise = np.random.default_rng(1).random(truth.shape)
    worse = price_of_paper(truth, probability, noise, thresholds)["macro AUROC, all statements"]
    assert worse.high < 0
    alone = score(truth, probability, thresholds)["macro AUROC, all statements"]
    assert alone.low < alone.value < alone.high


def records(n: int, printable: int) -> Records:
    paths = tuple(Path(str(i)) if i < printable else None for i in range(n))
    return Records(
        np.arange(n),
        np.full(n, 9),
        np.zeros((n, 12, 1000), np.float32),
        np.ones(n, bool),
        ({},) * n,
        np.zeros((n, len(CODES)), np.float32),
        paths,
    )


def test_pages_are_chosen_from_what_can_be_printed():
    few, more = choose_pages(records(40, 30), 10), choose_pages(records(40, 30), 20)
    assert len(few) == 10 and set(few.ids) < set(more.ids) and max(more.ids) < 30
    assert len(choose_pages(records(40, 5), 10)) == 5


def test_pages_that_cannot_be_digitised_are_kept_as_errors(monkeypatch):
    """The printer and the digitiser are stood in for: this is about what becomes of their results."""
    chosen = records(3, 3)

    def trace_leads(image, fs):
        if image == 1:
            raise ValueError("no grid")
        return image

    digitize = types.SimpleNamespace(trace_leads=trace_leads)
    synth = types.SimpleNamespace(
        render_page=lambda signal, fs, *, layout, dpi, seed: types.SimpleNamespace(image=seed)
    )
    monkeypatch.setitem(sys.modules, "digitize", digitize)
    monkeypatch.setitem(sys.modules, "synth", synth)
    monkeypatch.setattr("benchmarks.classification.read_500", lambda path: None)
    view = view_pieces(cut_to_layout(np.random.default_rng(0).normal(size=(12, 1000)).astype("f4"), "3x4+II"), 100)
    monkeypatch.setattr("benchmarks.classification.view_leads", lambda leads: view)
    views = digitised_views(chosen)
    assert views == [view, "record 1: no grid", view]
    probability = predict_pages(views)
    assert (probability[[0, 2]] > 0).all() and (probability[1] == 0).all()
