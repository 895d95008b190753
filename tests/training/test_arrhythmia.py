from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch

from classify.diagnose import load_weights
from classify.statements import CODES
from classify.view import FS, cut_to_layout, view_pieces
from training.arrhythmia import (
    Config,
    fit_temperature,
    macro_auroc,
    main,
    page_views,
    train,
    training_views,
    with_donor_scale,
    write_weights,
)
from training.ptbxl import Records

CONFIG = Config(epochs=3, batch_size=8, dropout=0.0, learning_rate=3e-3)


def records(n: int, seed: int, normalised: bool = False) -> Records:
    """Pulse trains whose rate and height decide the labels."""
    rng = np.random.default_rng(seed)
    fast = rng.random(n) < 0.5
    high = rng.random(n) < 0.5
    time = np.arange(1000) / FS
    signals = np.stack([
        (1 + 2 * h) * (np.sin(2 * np.pi * (2.2 if f else 0.9) * time + rng.uniform(0, 6)) > 0.95) * np.ones((12, 1))
        for f, h in zip(fast, high, strict=True)
    ])  # fmt: skip
    labels = np.zeros((n, len(CODES)), np.float32)
    labels[:, CODES.index("STACH")], labels[:, CODES.index("SR")] = fast, ~fast
    labels[:, CODES.index("HYP")], labels[:, CODES.index("NORM")] = high, ~high
    known = np.ones(n, bool)
    if normalised:
        known[1::2] = False
    return Records(
        np.arange(n), np.ones(n, np.int64), signals.astype(np.float32), known, ({},) * n, labels, (None,) * n
    )


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    checkpoint = tmp_path_factory.mktemp("run") / "checkpoint"
    return train(records(32, 0, normalised=True), records(16, 1), CONFIG, checkpoint, lambda figures: None)


def test_loss_falls(uninterrupted):
    losses = [figures["loss"] for figures in uninterrupted.history]
    assert len(losses) == 3 and losses[-1] < 0.9 * losses[0]


def test_resumed_run_gives_the_same_weights(uninterrupted, tmp_path):
    class Interrupted(Exception):
        pass

    def interrupt(figures):
        if figures["epoch"] == 2:
            raise Interrupted

    data = records(32, 0, normalised=True), records(16, 1), CONFIG, tmp_path / "checkpoint"
    with pytest.raises(Interrupted):
        train(*data, interrupt)
    seen = []
    resumed = train(*data, seen.append)
    assert [figures["epoch"] for figures in seen] == [3]
    assert resumed.history == uninterrupted.history
    for name, tensor in uninterrupted.network.state_dict().items():
        assert torch.equal(tensor, resumed.network.state_dict()[name]), name
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint"]

    with pytest.raises(ValueError, match="of another configuration"):
        train(*data[:2], dataclasses.replace(CONFIG, seed=1), data[3], seen.append)


def test_training_needs_a_record_in_millivolts(tmp_path):
    lost = dataclasses.replace(records(8, 0), millivolts=np.zeros(8, bool))
    with pytest.raises(ValueError, match="no training record is in millivolts"):
        train(lost, records(8, 1), CONFIG, tmp_path / "checkpoint", lambda figures: None)


def test_weights_are_written_and_loaded(uninterrupted, tmp_path):
    choice = records(16, 1)
    record = write_weights(tmp_path, uninterrupted, CONFIG, records(32, 0), choice, records(16, 2))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["arrhythmia.json", "arrhythmia.safetensors"]
    assert json.loads((tmp_path / "arrhythmia.json").read_text())["version"] == record["version"]
    weights = load_weights(tmp_path / "arrhythmia.safetensors")
    assert weights.version == record["version"]
    for name, tensor in uninterrupted.network.state_dict().items():
        assert torch.equal(tensor, weights.network.state_dict()[name])


def test_views_of_a_batch_share_a_shape_and_leave_the_signals_alone():
    signals = np.random.default_rng(0).normal(size=(6, 12, 1000)).astype(np.float32)
    before = signals.copy()
    rng = np.random.default_rng(1)
    lengths = set()
    for _ in range(40):
        views = training_views(signals, rng)
        assert len({view.strips.shape for view in views}) == 1
        assert all(np.isfinite(view.strips).all() and np.isfinite(view.rhythm).all() for view in views)
        lengths.add(views[0].strips.shape[1])
    assert min(lengths) < 251 and max(lengths) > 980
    assert np.array_equal(signals, before)


def test_pages_are_cut_as_printed():
    data = records(2, 0)
    views = page_views(data)
    expected = data.signals[1, 9, 750:1000] - np.median(data.signals[1, 9, 750:1000])
    assert np.allclose(views[1].strips[9], expected)
    assert views[1].rhythm_lead == 1


def test_donor_scale():
    rng = np.random.default_rng(0)
    signal, donor = rng.normal(size=(2, 12, 1000)).astype(np.float32) * np.arange(1, 13, dtype=np.float32)[:, None]
    donor = donor[::-1].copy()
    scaled = with_donor_scale(signal, donor)
    assert np.allclose(scaled[6:].std(1), donor[6:].std(1), rtol=1e-4)
    assert scaled[1].std() == pytest.approx(donor[1].std(), rel=1e-4)
    assert np.allclose(scaled[:6] / signal[:6], scaled[1, 0] / signal[1, 0], rtol=1e-4)


def test_temperature_of_overconfident_logits():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (3000, 2)).astype(np.float32)
    truth = (rng.random((3000, 2)) < 1 / (1 + np.exp(-logits))).astype(np.float32)
    assert fit_temperature(truth, logits) == pytest.approx(1, abs=0.1)
    assert fit_temperature(truth, logits * 2.5) == pytest.approx(2.5, abs=0.25)


def test_macro_auroc_leaves_out_what_cannot_be_judged():
    data = records(20, 0)
    figures = macro_auroc(data.labels, data.labels)
    assert figures == {"superclass": 1.0, "rhythm": 1.0, "all": 1.0}
    assert np.isnan(macro_auroc(np.zeros_like(data.labels), data.labels)["all"])


def test_one_view_is_what_inference_sees():

    data = records(1, 0)
    alone = view_pieces(cut_to_layout(data.signals[0], "3x4+II"), FS)
    assert np.array_equal(page_views(data)[0].strips, alone.strips)


def test_command(folder, tmp_path, capsys):
    out = tmp_path / "run"
    main(["--data", str(folder), "--out", str(out), "--epochs", "1"])
    assert sorted(path.name for path in out.iterdir()) == ["arrhythmia.json", "arrhythmia.safetensors"]
    record = json.loads((out / "arrhythmia.json").read_text())
    assert record["data"]["train"]["records"] == 2 and record["data"]["fold 9"]["records"] == 1
    assert record["version"] == load_weights(out / "arrhythmia.safetensors").version
    assert "2 records to train on, 1 to choose, 1 to report" in capsys.readouterr().out


def test_command_without_a_fold_to_choose_on(folder, tmp_path, capsys):
    for file in folder.rglob("00003_*"):
        file.unlink()
    with pytest.raises(SystemExit):
        main(["--data", str(folder), "--out", str(tmp_path / "run")])
    assert "no record of fold 8 in millivolts" in capsys.readouterr().err
