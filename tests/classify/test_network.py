from __future__ import annotations

import numpy as np
import pytest
import torch

from classify.network import ArrhythmiaNetwork, read_views
from classify.statements import STATEMENTS
from classify.view import ABSENT, cut_to_layout, view_pieces


@pytest.fixture(scope="module")
def network() -> ArrhythmiaNetwork:
    torch.manual_seed(0)
    network = ArrhythmiaNetwork()
    torch.nn.init.normal_(network.no_rhythm)
    return network.eval()


def inputs(length: int, batch: int = 2) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [
        torch.randn(batch, 12, length, generator=generator),
        torch.ones(batch, 12, length),
        torch.randn(batch, 1000, generator=generator),
        torch.ones(batch, 1000),
        torch.ones(batch, dtype=torch.long),
    ]


def test_it_is_small():
    assert sum(parameter.numel() for parameter in ArrhythmiaNetwork().parameters()) <= 1_500_000


@pytest.mark.parametrize("length", [8, 100, 167, 243, 250, 333, 500, 1000])
def test_strips_of_any_length(network, length):
    logits = network(*inputs(length))
    assert logits.shape == (2, len(STATEMENTS))
    assert torch.isfinite(logits).all()


def test_records_of_a_batch_do_not_touch_each_other(network):
    both = inputs(250)
    first = [tensor[:1] for tensor in both]
    assert torch.allclose(network(*both)[:1], network(*first), atol=1e-5)


def test_lead_order_matters(network):
    given = inputs(250)
    swapped = list(given)
    swapped[0] = given[0].flip(1)
    assert not torch.allclose(network(*given), network(*swapped), atol=1e-4, rtol=0)


def test_mask_matters(network):
    given = inputs(250)
    masked = list(given)
    masked[1] = given[1].clone()
    masked[1][:, 4] = 0
    assert not torch.allclose(network(*given), network(*masked), atol=1e-4, rtol=0)


def test_rhythm_lead_matters(network):
    given = inputs(250)
    other = [*given[:4], torch.full((2,), 6)]
    assert not torch.allclose(network(*given), network(*other), atol=1e-4, rtol=0)


def test_absent_rhythm_is_ignored_whatever_it_holds(network):
    given = inputs(250)
    absent = torch.full((2,), ABSENT)
    empty = [*given[:2], torch.zeros(2, 1000), torch.zeros(2, 1000), absent]
    full = [*given[:4], absent]
    assert torch.equal(network(*empty), network(*full))
    assert not torch.allclose(network(*given), network(*full), atol=1e-4, rtol=0)


def test_every_parameter_learns():
    torch.manual_seed(0)
    network = ArrhythmiaNetwork()
    given = inputs(250)
    given[4] = torch.tensor([1, ABSENT])
    network(*given).square().sum().backward()
    still = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert still == []


def test_views_of_mixed_lengths_keep_their_order(network):
    rng = np.random.default_rng(0)
    recordings = rng.normal(size=(4, 12, 1000)).astype(np.float32)
    layouts = ("3x4+II", "12x1", "3x4", "6x2")
    views = [view_pieces(cut_to_layout(x, layout), 100) for x, layout in zip(recordings, layouts, strict=True)]
    together = read_views(network, views, batch_size=2)
    alone = np.concatenate([read_views(network, [view]) for view in views])
    assert np.allclose(together, alone, atol=1e-5)
    assert np.ptp(together, axis=0).max() > 1e-3
