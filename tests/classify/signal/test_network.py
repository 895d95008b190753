from __future__ import annotations

import numpy as np
import pytest
import torch

from classify.signal.inputs import ABSENT, BEAT_SAMPLES, INTERVALS, cut_to_layout, input_from_segments
from classify.signal.network import INPUTS, ArrhythmiaNetwork, Ensemble, batch_inputs, predict_logits
from classify.statements import STATEMENTS


@pytest.fixture(scope="module")
def network() -> ArrhythmiaNetwork:
    torch.manual_seed(0)
    return ArrhythmiaNetwork().eval()


def inputs(batch: int = 2) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [
        torch.randn(batch, 12, BEAT_SAMPLES, generator=generator),
        torch.ones(batch, 12, BEAT_SAMPLES),
        torch.randn(batch, len(INTERVALS), generator=generator),
        torch.randn(batch, 1000, generator=generator),
        torch.ones(batch, 1000),
        torch.ones(batch, dtype=torch.long),
    ]


def changed(network: torch.nn.Module, name: str, value: torch.Tensor) -> bool:
    """Whether the network says something else when one of its inputs is another."""
    given = inputs()
    other = [value if own == name else tensor for own, tensor in zip(INPUTS, given, strict=True)]
    return not torch.allclose(network(*given), network(*other), atol=1e-4, rtol=0)


def test_it_is_small():
    assert sum(parameter.numel() for parameter in ArrhythmiaNetwork().parameters()) <= 1_500_000


def test_one_logit_a_statement(network):
    logits = network(*inputs())
    assert logits.shape == (2, len(STATEMENTS)) and torch.isfinite(logits).all()
    assert ArrhythmiaNetwork(7).eval()(*inputs()).shape == (2, 7)


def test_records_of_a_batch_do_not_touch_each_other(network):
    both = inputs()
    assert torch.allclose(network(*both)[:1], network(*(tensor[:1] for tensor in both)), atol=1e-5)


def test_every_input_matters(network):
    given = dict(zip(INPUTS, inputs(), strict=True))
    assert changed(network, "beats", given["beats"].flip(1)), "the order of the leads"
    for name in ("beats", "rhythm"):
        assert changed(network, name, given[name].roll(7, -1)), name
    for name in ("beats_seen", "rhythm_seen"):
        assert changed(network, name, 0.5 * given[name]), name
    assert changed(network, "intervals", given["intervals"] + 1)
    assert changed(network, "rhythm_lead", torch.full((2,), 6))


def test_absent_rhythm_is_ignored_whatever_it_holds(network):
    given = inputs()
    absent = torch.full((2,), ABSENT)
    empty = [*given[:3], torch.zeros(2, 1000), torch.zeros(2, 1000), absent]
    assert torch.equal(network(*empty), network(*given[:5], absent))
    assert changed(network, "rhythm_lead", absent)


def test_every_parameter_learns():
    torch.manual_seed(0)
    network = ArrhythmiaNetwork()
    network(*inputs()).square().sum().backward()
    still = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert still == []


def test_ensemble_is_the_mean_of_its_members(network):
    torch.manual_seed(5)
    other = ArrhythmiaNetwork().eval()
    both = Ensemble([network, other])
    assert torch.allclose(both(*inputs()), (network(*inputs()) + other(*inputs())) / 2, atol=1e-6)


def test_views_keep_their_order(network):
    rng = np.random.default_rng(0)
    recordings = rng.normal(size=(4, 12, 1000)).astype(np.float32)
    layouts = ("3x4+II", "12x1", "3x4", "6x2")
    views = [input_from_segments(cut_to_layout(x, layout), 100) for x, layout in zip(recordings, layouts, strict=True)]
    together = predict_logits(network, views, batch_size=3)
    alone = np.concatenate([predict_logits(network, [view]) for view in views])
    assert np.allclose(together, alone, atol=1e-5)
    assert np.ptp(together, axis=0).max() > 1e-3
    assert [tensor.dtype for tensor in batch_inputs(views)] == [torch.float32] * 5 + [torch.int64]
