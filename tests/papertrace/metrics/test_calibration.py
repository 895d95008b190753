from __future__ import annotations

import numpy as np

from papertrace.metrics.calibration import fit_calibration


def test_rare_statements_stay_with_the_common_temperature():
    rng = np.random.default_rng(0)
    true = rng.normal(-1, 2, (500, 12))
    truth = (rng.random(true.shape) < 1 / (1 + np.exp(-true))).astype(float)
    truth[:, 0] = 0
    truth[:2, 0] = 1
    found = fit_calibration(truth, 2 * true)
    assert np.allclose(found.slope[1:], 0.5, atol=0.15)
    assert np.allclose(found.offset[1:], 0, atol=0.5)
    assert 0.15 < found.slope[0] < 0.8 and np.isfinite(found.offset[0])


def test_probabilities_become_as_frequent_as_they_say():
    rng = np.random.default_rng(1)
    true = rng.normal(0, 2, (2000, 3))
    truth = (rng.random(true.shape) < 1 / (1 + np.exp(-true))).astype(float)
    logits = 3 * true + 2
    found = fit_calibration(truth, logits)
    said = 1 / (1 + np.exp(-(found.slope * logits + found.offset)))
    for low in (0.1, 0.4, 0.7):
        near = (said > low) & (said < low + 0.2)
        assert abs(said[near].mean() - truth[near].mean()) < 0.04
