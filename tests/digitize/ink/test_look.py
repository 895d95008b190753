from __future__ import annotations

import numpy as np
import pytest
import torch

from digitize.ink import look
from digitize.ink.look import WEIGHTS, load_network, look_at
from digitize.ink.network import LookNetwork
from digitize.records.kinds import KINDS, PRINT
from papertrace.synth import render_page
from papertrace.synth.flat import lay_flat


def untrained(seed: int = 0) -> LookNetwork:
    torch.manual_seed(seed)
    return LookNetwork(4, (8, 12)).eval()


def test_pen_is_told_from_the_grid():
    t = np.arange(5000) / 500
    signal = np.repeat(0.8 * np.sin(2 * np.pi * 1.2 * t)[None] ** 15, 12, axis=0)
    flat = lay_flat(render_page(signal, 500, dpi=200, grid="red", layout="3x4", seed=2))
    seen = look_at(flat.image, flat.seen)
    pen, grid = flat.kinds[0] > 200, (flat.kinds[5:].max(axis=0) > 200) & (flat.kinds[:5].max(axis=0) == 0)
    assert (seen.of("pen")[pen] > 127).mean() > 0.95
    assert (seen.of(*KINDS[:PRINT])[grid] > 127).mean() < 0.01
    for kind in ("pulse", "name", "upright", "level"):
        there = (flat.kinds[KINDS.index(kind)] > 200) & flat.seen
        assert (seen.of(kind)[there] > 127).mean() > 0.7, kind


@pytest.mark.parametrize("shape", [(1, 1), (37, 250), (1700, 70)])
def test_any_size_is_judged_and_bands_meet(shape, monkeypatch):
    image = np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)
    before, paper = image.copy(), np.ones(shape, bool)
    seen = look_at(image, paper, untrained())
    assert seen.kinds.shape == (len(KINDS), *shape)
    np.testing.assert_array_equal(image, before)
    monkeypatch.setattr(look, "_BAND", 10_000)
    at_once = look_at(image, paper, untrained())
    assert np.abs(at_once.kinds.astype(int) - seen.kinds).max() <= 1


def test_beside_the_paper_is_nothing():
    paper = np.zeros((300, 200), bool)
    paper[100:200, 50:150] = True
    seen = look_at(np.full((300, 200, 3), 90, np.uint8), paper, untrained())
    assert (seen.kinds[:, ~paper] == 0).all()
    assert (seen.kinds[:, paper] > 0).any()


def test_folded_normalization_changes_nothing():
    network = untrained()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.running_mean, -1, 1)
            torch.nn.init.uniform_(module.running_var, 0.5, 2)
            torch.nn.init.uniform_(module.weight, 0.5, 2)
    image = torch.randint(0, 256, (1, 3, 64, 64), dtype=torch.uint8)
    with torch.inference_mode():
        before = network(image)
        network.fold_normalization()
        assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in network.modules())
        assert torch.allclose(network(image), before, atol=1e-4)


def test_weights_are_small_and_of_these_kinds():
    assert WEIGHTS.stat().st_size < 4_000_000
    assert load_network() is load_network()
