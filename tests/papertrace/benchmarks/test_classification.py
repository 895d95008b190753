from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from classify.statements import CODES, STATEMENTS
from papertrace.benchmarks.classification import (
    NAMES,
    by_chance,
    by_people,
    figures,
    lost_on_paper,
    main,
    reliability,
    score,
)
from tests.papertrace.benchmarks.blank_records import records


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
    same = lost_on_paper(truth, probability, probability, thresholds, thresholds)
    assert all((i.value, i.low, i.high) == (0, 0, 0) for i in same.values())
    noise = np.random.default_rng(1).random(truth.shape)
    worse = lost_on_paper(truth, probability, noise, thresholds, thresholds)["macro AUROC, all statements"]
    assert worse.high < 0
    alone = score(truth, probability, thresholds)["macro AUROC, all statements"]
    assert alone.low < alone.value < alone.high


def test_pages_may_have_thresholds_of_their_own(judged):
    truth, probability = judged
    thresholds = np.full(len(CODES), 0.5)
    own = np.where(np.arange(len(truth)) < 40, 0.5, 2.0)[:, None] * np.ones(len(CODES))
    told = lost_on_paper(truth, probability, probability, thresholds, own)
    assert told["macro AUROC, all statements"].value == 0 and told["F1, all statements"].high < 0


def test_people_are_scored_by_sex_and_age(judged):
    truth, probability = judged
    of = dataclasses.replace(records(80, 0), labels=truth.astype(np.float32))
    told = by_people(of, probability)
    assert list(told) == ["women", "men", "0 to 49 years", "50 to 64 years", "65 to 79 years", "80 to 89 years"]
    assert told["women"][0] == told["men"][0] == 40 and sum(count for count, _ in told.values()) == 160
    assert all(0.5 < interval.value < 1 for _, interval in told.values())


def test_reliability_counts_every_statement_once(judged):
    truth, probability = judged
    rows = reliability(truth, probability)
    own = [place for place, statement in enumerate(STATEMENTS) if statement.group not in ("subclass", "challenge")]
    assert sum(count for *_, count in rows) == 80 * len(own)
    assert [said for said, *_ in rows] == sorted(said for said, *_ in rows)
    perfect = reliability(truth, truth)
    assert [row[:2] for row in perfect] == [(0.0, 0.0), (1.0, 1.0)]


def test_chance_alone_makes_a_calibration_error_that_more_records_make_smaller():
    rng = np.random.default_rng(0)
    probability = rng.random((800, len(CODES)))
    few, many = by_chance(probability[:50])["superclasses"], by_chance(probability)["superclasses"]
    assert 0 < many.low < many.value < many.high < few.low < few.value < few.high
    truth = (rng.random(probability.shape) < probability).astype(float)
    seen = score(truth, probability, np.full(len(CODES), 0.5))["calibration error, superclasses"]
    assert many.low < seen.value < many.high
    sure = np.round(probability)
    assert by_chance(sure)["superclasses"].high == 0


def test_a_small_run_writes_every_table(folder, tmp_path, capsys):
    main(["--data", str(folder), "--out", str(tmp_path), "--pages", "0"])
    text = (tmp_path / "classification.md").read_text()
    for name in (
        "True signal",
        "By sex and age",
        "What probabilities were worth",
        "what chance alone makes of it",
        "Statement by statement",
        "Beside other networks",
    ):
        assert name in text
    ours = json.loads((tmp_path / "classification.json").read_text())["networks"]
    assert all(text.count(f"| {name} | ") == 2 for name in ours) and "| LSTM |" not in text
    other = {"LSTM": next(own for name, own in ours.items() if name in ("this one", "this one, one of them"))}
    (tmp_path / "baselines.json").write_text(json.dumps(other))
    assert "price of paper" not in text and capsys.readouterr().out.strip() == text.strip()
    main(["--data", str(folder), "--out", str(tmp_path), "--pages", "0"])
    assert "| LSTM | cut to 3x4+II | 1.00 M | " in (tmp_path / "classification.md").read_text()
