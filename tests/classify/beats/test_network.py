from __future__ import annotations

import numpy as np
import pytest
import torch

from classify.beats.inputs import AFTER, BEFORE, CHANNELS, FEATURES, BeatInputs
from classify.beats.network import BeatNetwork, batch_strips, name_beats
from classify.records.beats import CLASSES


def view(beats: int, seed: int) -> BeatInputs:
    rng = np.random.default_rng(seed)
    return BeatInputs(
        rng.normal(size=(beats, CHANNELS, BEFORE + AFTER)).astype(np.float32),
        rng.normal(size=(beats, FEATURES)).astype(np.float32),
    )


@pytest.fixture
def network() -> BeatNetwork:
    torch.manual_seed(0)
    return BeatNetwork().eval()


def test_every_beat_gets_probabilities(network):
    named = name_beats(network, [view(3, 0), view(1, 1), view(12, 2)])
    assert named.shape == (16, len(CLASSES)) and named.dtype == np.float64
    np.testing.assert_allclose(named.sum(axis=1), 1)
    assert name_beats(network, []).shape == (0, len(CLASSES))


def test_strips_do_not_hear_each_other(network):
    together = name_beats(network, [view(3, 0), view(12, 2)])
    alone = np.concatenate([name_beats(network, [view(3, 0)]), name_beats(network, [view(12, 2)])])
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_beats_of_a_strip_hear_each_other_in_both_directions(network):
    strip, other = view(5, 3), view(5, 4)
    changed = BeatInputs(strip.windows.copy(), strip.features.copy())
    changed.features[2] = other.features[2]
    difference = np.abs(name_beats(network, [strip]) - name_beats(network, [changed])).max(axis=1)
    assert (difference > 1e-7).all()


def test_it_learns_and_is_small(network):
    assert sum(weight.numel() for weight in network.parameters()) * 4 <= 1e6
    network.train()
    logits = network(*batch_strips([view(4, 5), view(2, 6)]))
    assert logits.shape == (6, len(CLASSES))
    logits.square().sum().backward()
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in network.parameters())
