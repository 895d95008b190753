from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from classify.picture.image import PictureWeights
from classify.picture.picture import HEIGHT, WIDTH
from classify.statements import CODES
from digitize.records.results import VERDICTS
from papertrace.benchmarks import readers
from papertrace.benchmarks.readers import (
    AUTO,
    MEASURES,
    TWO_STAGE,
    Reader,
    difference,
    find_networks,
    read_by_all,
    report,
)
from papertrace.benchmarks.reading import KIT, NOT_READ, PAPERS, Read, Task
from papertrace.training.pictures import blank_view


@pytest.fixture(scope="module")
def pages() -> list[Read]:
    verdicts = (*VERDICTS, NOT_READ)
    ink = np.zeros((HEIGHT, WIDTH), np.uint8)
    return [
        Read(Task(paper, Path(), 0, k, Path()), ink, blank_view(), blank_view(), verdicts[k % 4], "", 3.0, 1.0, 0.5)
        for paper in (*PAPERS, KIT)
        for k in range(12)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def truth(pages) -> np.ndarray:
    return (np.random.default_rng(0).random((len(pages), len(CODES))) < 0.4).astype(float)


def test_auto_is_the_mean_where_the_signal_is_unreliable_and_the_picture_where_there_is_none(pages, monkeypatch):
    ones = np.ones(len(CODES))
    monkeypatch.setattr(
        readers, "predict_pictures", lambda weights, inks, views: (np.full((len(inks), len(CODES)), 0.9), None)
    )
    network = readers.load_weights().network
    every = read_by_all(pages, {"image": PictureWeights("image", network, ones, ones, 0.25 * ones, "1")})
    assert [own.name for own in every] == [TWO_STAGE, "image", AUTO]
    signal, image, auto = every
    doubtful, none = (np.array([page.verdict == verdict for page in pages]) for verdict in ("unreliable", NOT_READ))
    assert (auto.probability[none] == 0.9).all() and (auto.thresholds[none] == 0.25).all()
    assert auto.probability[doubtful] == pytest.approx(signal.probability[doubtful] / 2 + 0.45)
    assert auto.thresholds[doubtful] == pytest.approx(signal.thresholds[doubtful] / 2 + 0.125)
    assert (auto.probability[~doubtful & ~none] == signal.probability[~doubtful & ~none]).all()
    assert not signal.probability[[page.verdict == NOT_READ for page in pages]].any()
    assert auto.parameters == signal.parameters + image.parameters


def test_the_table_has_every_reader_on_all_pages(pages, truth):
    rng = np.random.default_rng(1)
    half = np.full(truth.shape, 0.5)
    good = Reader(TWO_STAGE, 10, 0.1, np.clip(truth + rng.normal(0, 0.2, truth.shape), 0, 1), half)
    bad = Reader("image", 20, 0.2, rng.random(truth.shape), half)
    own = {
        "configuration": {"design": "hybrid", "signal": 0.3},
        "parameters": 20,
        "seconds": [60, 60],
        "device": "an abacus",
        "figures": {"fold 8": {"superclass": 0.8, "all": 0.7, "signal dB": 9.0, "leads right": 0.9}},
    }
    made = {"date": "today", "papertrace": "1", "commit": None}
    judged = {"pictures": {"N": 1200, "V": 70}, "groups": 9, "folds": 3, "accuracy": 0.9, "F1": {"N": 0.99, "V": 0.75}}
    beats = {"figures": {"cross-validated": judged}, "parameters": 5000}
    told = report(pages, truth, [good, bad], {"hybrid-0.3": own}, made, beats, resamples=20)
    text, plain = told.markdown(), json.loads(told.json())
    assert "1,270 pictures of 9 records, 3-fold" in text and "| V | 70 | 0.750 |" in text
    assert {"clean", KIT, "all presets", "verdict good", f"verdict {NOT_READ}"} <= plain["scores"].keys()
    for measure in MEASURES:
        scores = plain["scores"]["all presets"]
        assert scores[TWO_STAGE][measure]["value"] > scores["image"][measure]["value"] + 0.1
    assert "| clean | 12 | signal | 10 | 4.10 |" in text and "| clean | 12 | image | 20 | 3.70 |" in text
    assert "| hybrid-0.3 | 0.3 | 20 | 2 | an abacus | 0.800 |" in text
    assert "signal minus image" in text and "| image | stained |" in text
    paired = difference(truth, good, good, [np.array([k, k + 12]) for k in range(12)], 5)
    assert all(interval.value == interval.low == interval.high == 0 for interval in paired)


def test_networks_are_found_by_design_and_by_run(tmp_path, monkeypatch):
    for name in ("image/image", "hybrid-1/hybrid", "hybrid-0.1/hybrid"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / f"{name}.safetensors").touch()
    monkeypatch.setattr(readers, "load_picture_weights", lambda design, folder: (design, folder.name))
    found = find_networks(tmp_path)
    assert found == {
        "image": ("image", "image"),
        "hybrid-0.1": ("hybrid", "hybrid-0.1"),
        "hybrid-1": ("hybrid", "hybrid-1"),
    }
