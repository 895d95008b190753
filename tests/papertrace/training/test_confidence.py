from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from safetensors.numpy import load_file

from digitize import PageError
from digitize.refine import read
from digitize.strips.confidence import FEATURES, PAGE_FEATURES, layers_of, probability
from papertrace.training import samples as made
from papertrace.training.confidence import Config, fit_pages, main, reliability, tensors_of, train, write
from papertrace.training.loop import Run
from papertrace.training.pages import Job, plan, write_arrays
from papertrace.training.samples import Samples, collect, version_of_samples

CORRECTED, SURE = FEATURES.index("corrected"), FEATURES.index("sure")


def samples(seed: int, n: int = 4000) -> Samples:
    """Features of which the first alone decides, with a known chance; half of them of corrected traces."""
    rng = np.random.default_rng(seed)
    features = rng.uniform(0, 1, (n, len(FEATURES))).astype(np.float32)
    features[:, CORRECTED] = np.arange(n) % 2
    right = rng.random(n) < 0.2 + 0.75 * features[:, 0]
    return Samples(features, right, np.arange(n) % 3, np.array([right.mean() > 0.57]))


def test_the_network_learns_chances(tmp_path):
    config = Config(epochs=15, batch=512, rate=0.01)
    trained, again = (train([samples(0), samples(1)], [samples(2)], config, Run("fit")) for _ in range(2))
    tensors = tensors_of(trained.network)
    for name, tensor in tensors_of(again.network).items():
        np.testing.assert_array_equal(tensor, tensors[name])
    assert min(epoch["fold 8"] for epoch in trained.history) < 0.63
    write(tmp_path, trained, [samples(0)], [samples(2)], config, "cpu")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["confidence.json", "confidence.safetensors"]
    assert load_file(tmp_path / "confidence.safetensors").keys() == {*tensors, "page.weight", "page.bias"}
    record = json.loads((tmp_path / "confidence.json").read_text())
    assert record["reader"] == read.weights_version()
    for kind in ("traced", "corrected"):
        table = record["figures"]["reliability on fold 8"][kind]
        assert sum(row["samples"] for row in table) == 2000
        for row in table:
            assert row["samples"] < 100 or row["said"] == pytest.approx(row["right"], abs=0.12)


def test_pages_are_not_learned_by_heart():
    """Each page has features of its own, the same all over it, and is right or wrong by a coin."""
    rng = np.random.default_rng(3)

    def page() -> Samples:
        features = np.repeat(rng.uniform(0, 1, (1, len(FEATURES))).astype(np.float32), 100, axis=0)
        right = np.full(100, rng.random() < 0.5)
        return Samples(features, right, np.zeros(100, int), right[:1])

    train_set, choose_set = [page() for _ in range(30)], [page() for _ in range(30)]
    config = Config(epochs=20, batch=256, rate=0.01)
    known, shaken = (
        train(train_set, choose_set, replace(config, shaken=by), Run("fit")).history[-1]["fold 8"]
        for by in (0.0, config.shaken)
    )
    assert shaken < known - 0.3


def test_what_the_network_that_corrects_says_counts_only_where_it_corrected():
    rng = np.random.default_rng(5)

    def told(n: int) -> Samples:
        features = np.zeros((n, len(FEATURES)), np.float32)
        features[:, CORRECTED] = np.arange(n) % 2
        features[:, SURE] = features[:, CORRECTED] * rng.choice([-0.5, 0.5], n)
        chance = np.select([features[:, SURE] > 0, features[:, SURE] < 0], [0.95, 0.2], 0.7)
        right = rng.random(n) < chance
        return Samples(features, right, np.zeros(n, int), right[:1])

    config = Config(epochs=15, batch=256, rate=0.01, shaken=0.0)
    tensors = tensors_of(train([told(8000)], [told(2000)], config, Run("fit")).network)
    cases = np.zeros((3, len(FEATURES)), np.float32)
    cases[1:, CORRECTED] = 1
    cases[1:, SURE] = (-0.5, 0.5)
    assert probability(cases, layers_of({name: part.numpy() for name, part in tensors.items()})) == pytest.approx(
        [0.7, 0.2, 0.95], abs=0.06
    )


def test_pages_are_told_by_their_features():
    rng = np.random.default_rng(6)
    measured = rng.normal(size=(4000, len(PAGE_FEATURES))).astype(np.float32) * [5.0, *[0.1] * (len(PAGE_FEATURES) - 1)]
    chance = 1 / (1 + np.exp(-(0.4 * measured[:, 0] - 10 * measured[:, 3] + 1)))
    right = rng.random(4000) < chance
    tensors = fit_pages(measured[:2000].astype(np.float32), right[:2000], 1e-3)
    said = probability(
        measured[2000:].astype(np.float32), [(tensors["page.weight"].numpy(), tensors["page.bias"].numpy())]
    )
    assert np.abs(said - chance[2000:]).mean() < 0.05


def test_reliability_counts_every_sample():
    rng = np.random.default_rng(0)
    said = rng.uniform(0, 1, 1000).astype(np.float32)
    table = reliability(said, rng.random(1000) < said)
    assert sum(row["samples"] for row in table) == 1000
    assert all(abs(row["said"] - row["right"]) < 0.15 for row in table)


def test_a_page_is_read_once_and_compared_with_its_truth_twice(folder, tmp_path, monkeypatch):
    readings, read = [], made.analyze_page

    def counted(image):
        readings.append(read(image))
        return readings[-1]

    monkeypatch.setattr(made, "analyze_page", counted)
    job = Job(folder / "records500/00000/00001_hr", "clean", 3, 0, tmp_path / "00000.npz")
    made.make(job)
    (page,) = collect([job], 1)
    assert len(readings) == 1, "and what is there is not made again"
    assert page.features.shape == (len(page.right), len(FEATURES))
    corrected = page.features[:, CORRECTED] > 0
    assert corrected.mean() == pytest.approx(0.5, abs=0.01)
    assert not page.features[~corrected, SURE].any() and page.features[corrected, SURE].std() > 0
    for kind in (corrected, ~corrected):
        assert kind.sum() >= 500
        assert page.right[kind].mean() > 0.6


def test_pages_that_cannot_be_read_leave_no_samples(folder, tmp_path, monkeypatch):
    def fail(image):
        raise PageError("nothing here")

    monkeypatch.setattr(made, "analyze_page", fail)
    (job,) = plan([folder / "records500/00000/00001_hr"], 1, 3, tmp_path)
    made.make(job)
    assert job.file.is_file() and collect([job], 1) == []


def test_command_takes_up_what_is_there(folder, tmp_path):
    pages = tmp_path / "pages" / version_of_samples()
    for name, seed in (("train", 1), ("fold8", 2)):
        page = samples(seed)
        write_arrays(pages / name / "00000.npz", asdict(page))
    main(["--data", str(folder), "--out", str(tmp_path), "--train-pages", "1", "--choose-pages", "1"])
    record = json.loads((tmp_path / "confidence.json").read_text())
    assert record["data"]["pages"] == {"train": 1, "fold 8": 1} and tuple(record["features"]) == FEATURES
