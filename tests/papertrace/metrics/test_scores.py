from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from papertrace.metrics.scores import auroc, average_precision, best_f1_thresholds, bootstrap, calibration_error, f1


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_auroc_and_average_precision_by_their_definitions(seed):
    rng = np.random.default_rng(seed)
    truth = (rng.random((30, 2)) < 0.4).astype(float)
    score = np.round(rng.random((30, 2)) + 0.3 * truth, 1)
    for column, area in enumerate(auroc(truth, score)):
        positive, negative = (score[truth[:, column] == label, column] for label in (1, 0))
        won = (positive[:, None] > negative).mean() + (positive[:, None] == negative).mean() / 2
        assert area == pytest.approx(won)
    distinct = rng.permuted(np.arange(60.0).reshape(30, 2), axis=0)
    for column, precision in enumerate(average_precision(truth, distinct)):
        of = distinct[:, column]
        at = [truth[of >= x, column].mean() for x in of[truth[:, column] == 1]]
        assert precision == pytest.approx(np.mean(at))


def test_statements_that_cannot_be_judged_are_nan():
    truth = np.array([[1, 0, 1], [1, 0, 0]])
    for measure in (auroc, average_precision, lambda t, p: f1(t, p > 0.5)):
        assert np.isfinite(measure(truth, np.full((2, 3), 0.4))).tolist() == [False, False, True]


def test_chance_is_a_half():
    rng = np.random.default_rng(0)
    truth = (rng.random((4000, 1)) < 0.3).astype(float)
    assert auroc(truth, rng.random((4000, 1)))[0] == pytest.approx(0.5, abs=0.03)
    assert average_precision(truth, rng.random((4000, 1)))[0] == pytest.approx(0.3, abs=0.03)


def test_no_other_threshold_has_a_better_f1():
    rng = np.random.default_rng(3)
    truth = (rng.random((60, 5)) < 0.3).astype(float)
    probability = np.clip(0.3 * truth + 0.7 * rng.random((60, 5)), 0, 1)
    best = f1(truth, probability >= best_f1_thresholds(truth, probability))
    for threshold in np.linspace(0, 1, 201):
        assert (f1(truth, probability >= threshold) <= best + 1e-12).all()


def test_threshold_of_a_statement_that_is_never_true():
    assert best_f1_thresholds(np.zeros((4, 1)), np.full((4, 1), 0.2))[0] == 0.5


def test_calibration_of_true_and_false_probabilities():
    rng = np.random.default_rng(0)
    probability = rng.random((20000, 1))
    truth = (rng.random((20000, 1)) < probability).astype(float)
    assert calibration_error(truth, probability)[0] < 0.02
    assert calibration_error(truth, probability**3)[0] > 0.15
    assert calibration_error(np.ones((3, 1)), np.ones((3, 1)))[0] == 0


def test_bootstrap_is_repeatable_and_narrows():
    x = np.random.default_rng(0).normal(size=400)
    few, many = (bootstrap(lambda i: np.array([x[i].mean()]), n)[0] for n in (25, 400))
    assert many.high - many.low < (few.high - few.low) / 2
    assert bootstrap(lambda i: np.array([x[i].mean()]), 25)[0] == few
    assert str(many).startswith(f"{many.value:.3f} (")


def test_interval_of_a_calibration_error_holds_it():
    rng = np.random.default_rng(0)
    probability = rng.random((100, 3))
    truth = (rng.random((100, 3)) < probability).astype(float)
    for interval in bootstrap(lambda i: calibration_error(truth[i], probability[i]), 100):
        assert interval.low < interval.value < interval.high
