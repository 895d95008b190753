from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from digitize.ink.look import load_network
from digitize.records.kinds import KINDS
from papertrace.synth import render_page
from papertrace.synth.flat import lay_flat
from papertrace.training.look import (
    DESIGNS,
    WINDOW,
    Batch,
    Config,
    batch_of,
    dice_by_kind,
    loss_of,
    make_look,
    train,
    write_weights,
)
from papertrace.training.look_windows import HIDDEN, SIDE, LookWindows, cut_windows
from papertrace.training.loop import Run


@pytest.fixture(scope="module")
def windows() -> LookWindows:
    t = np.arange(5000) / 500
    signal = np.repeat(np.sin(2 * np.pi * 1.1 * t)[None] ** 21, 12, axis=0)
    return cut_windows(lay_flat(render_page(signal, 500, dpi=120, seed=4)), np.random.default_rng(3), 12)


def test_windows_hold_what_the_page_shows(windows):
    assert windows.image.shape == (12, SIDE, SIDE, 3)
    gray = windows.image.astype(float).mean(axis=3)
    assert (windows.pen > 200).any(axis=(1, 2)).sum() >= 9
    assert np.median(gray[windows.pen > 200]) < np.median(gray[windows.pen == 0]) - 80
    hidden = windows.others >> (HIDDEN - 1) & 1
    assert hidden.mean() < 0.5


def test_small_pages_are_filled_up():
    page = render_page(np.zeros((12, 500)), 500, dpi=100, layout="limb-3x1", paper="content", header=False)
    small = lay_flat(page, pixels_per_mm=3.0, margin=0.0)
    cut = cut_windows(small, np.random.default_rng(0), 2)
    assert cut.image.shape == (2, SIDE, SIDE, 3)
    assert (cut.others >> (HIDDEN - 1) & 1).any(), "what was added has no truth"


def test_batches_hold_every_kind(windows):
    batch = batch_of(windows, np.arange(12), np.random.default_rng(1))
    assert batch.image.shape == (12, 3, WINDOW, WINDOW)
    assert batch.target.shape == (12, len(KINDS), WINDOW, WINDOW)
    for kind in ("pen", "upright", "level"):
        assert (batch.target[:, KINDS.index(kind)] > 127).any(), kind


def test_loss_falls_with_the_truth_and_ignores_what_is_hidden():
    target = torch.zeros(1, len(KINDS), 8, 8, dtype=torch.uint8)
    target[:, 0, 3] = 255
    seen = torch.ones(1, 1, 8, 8, dtype=torch.bool)
    right = torch.where(target > 0, 8.0, -8.0)
    batch = Batch(torch.zeros(1, 3, 8, 8, dtype=torch.uint8), target, seen)
    assert loss_of(right, batch) < 0.3 < loss_of(-right, batch)
    seen = seen.clone()
    seen[..., 6:, :] = False
    wrong = right.clone()
    wrong[..., 6:, :] = 8.0
    hidden = batch._replace(seen=seen)
    assert loss_of(wrong, hidden) == pytest.approx(float(loss_of(right, hidden)))


def test_a_network_learns_and_its_weights_can_be_used(windows, tmp_path, monkeypatch):
    monkeypatch.setitem(DESIGNS, "tiny", (4, (16, 24)))
    config = Config(epochs=8, batch=6, rate=5e-3, design="tiny", average=0.9)
    trained = train(windows, windows, config, Run("tiny", on_epoch=lambda figures: None))
    assert trained.history[-1]["loss"] < 0.85 * trained.history[0]["loss"]
    assert max(row["pen"] for row in trained.history) > 0.06, "an untrained network has 0.03"
    record = write_weights(tmp_path, trained, config, {"train": {"windows": 12}}, "cpu")
    assert json.loads((tmp_path / "look.json").read_text())["sha256"] == record["sha256"]
    batch = batch_of(windows, np.arange(4), np.random.default_rng(0))
    again = dice_by_kind(load_network(tmp_path / "look.safetensors"), [batch])
    assert again == pytest.approx(dice_by_kind(trained.network, [batch]), abs=0.01)


def test_unknown_designs_are_named():
    with pytest.raises(ValueError, match="design is 'deep'; allowed: fold4"):
        make_look("deep")


def test_nothing_to_train_on(windows):
    none = LookWindows(windows.image[:0], windows.pen[:0], windows.others[:0], windows.page[:0])
    with pytest.raises(ValueError, match="0 windows to train on, 12 to choose"):
        train(none, windows, Config(), Run("none"))
