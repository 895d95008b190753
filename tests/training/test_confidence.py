from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors.numpy import load_file

from digitize.confidence import FEATURES
from training.confidence import Config, Sample, collect, reliability, train, write


def samples(seed: int, n: int = 4000) -> Sample:
    """Marks of which the first alone decides, with a known chance."""
    rng = np.random.default_rng(seed)
    marks = rng.uniform(0, 1, (n, len(FEATURES))).astype(np.float32)
    return Sample(marks, rng.random(n) < 0.2 + 0.75 * marks[:, 0])


def test_the_network_learns_chances(tmp_path):
    config = Config(epochs=15, batch=512, rate=0.01)
    tensors, history = train([samples(0), samples(1)], [samples(2)], config)
    again, _ = train([samples(0), samples(1)], [samples(2)], config)
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(tensor, again[name])
    assert min(epoch["fold 8"] for epoch in history) < 0.63
    write(tmp_path, tensors, history, [[samples(0)], [samples(2)]], config)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["confidence.json", "confidence.safetensors"]
    assert load_file(tmp_path / "confidence.safetensors").keys() == tensors.keys()
    for row in json.loads((tmp_path / "confidence.json").read_text())["reliability on fold 8"]:
        assert row["samples"] < 100 or row["said"] == pytest.approx(row["right"], abs=0.12)


def test_reliability_counts_every_sample():
    rng = np.random.default_rng(0)
    probability = rng.uniform(0, 1, 1000).astype(np.float32)
    table = reliability(probability, rng.random(1000) < probability)
    assert sum(row["samples"] for row in table) == 1000
    assert all(abs(row["said"] - row["right"]) < 0.15 for row in table)


def test_a_page_is_compared_with_its_truth(folder):
    sample = collect((folder / "records500/00000/00001_hr", "clean", 3))
    assert sample is not None
    assert sample.marks.shape == (len(sample.right), len(FEATURES))
    assert len(sample.right) >= 500
    assert sample.right.mean() > 0.6
