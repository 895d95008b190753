"""What every network that makes statements must do, ours and those that it is measured against."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from classify.records.segments import StripSegment
from classify.signal.inputs import FS, cut_to_layout, input_from_segments
from classify.signal.network import ArrhythmiaNetwork, batch_inputs
from classify.statements import STATEMENTS
from papertrace.training.baselines import NETWORKS
from papertrace.training.loop import mixed_precision
from papertrace.training.sheets import pieces_of_time, sheet_of, stack_sheets


def pages(layouts=("12x1", "3x4+II", "6x2")) -> list[tuple[StripSegment, ...]]:
    rng = np.random.default_rng(0)
    beats = np.exp(-(((np.arange(1000) % 85 - 40) / 3) ** 2))
    return [
        cut_to_layout((np.outer(rng.normal(size=12), beats) + 0.02 * rng.normal(size=(12, 1000))).astype("f4"), layout)
        for layout in layouts
    ]


def views(of) -> tuple[torch.Tensor, ...]:
    return batch_inputs([input_from_segments(pieces, FS) for pieces in of])


@pytest.mark.parametrize(
    ("make", "stack"),
    [(ArrhythmiaNetwork, views), *((network, stack_sheets) for network in NETWORKS.values())],
    ids=["ours", *NETWORKS],
)
class TestNetworks:
    def test_it_is_of_like_size(self, make, stack):
        assert 0.8e6 < sum(part.numel() for part in make().parameters()) < 1.2e6

    def test_one_logit_a_statement_whatever_the_layout(self, make, stack):
        network = make().eval()
        logits = network(*stack(pages()))
        assert logits.shape == (3, len(STATEMENTS)) and torch.isfinite(logits).all()
        assert make(5).eval()(*stack(pages())).shape == (3, 5)

    def test_pages_of_a_batch_do_not_touch_each_other(self, make, stack):
        network = make().eval()
        alone = torch.cat([network(*stack([page])) for page in pages()])
        assert torch.allclose(network(*stack(pages())), alone, atol=1e-4)
        assert not torch.allclose(alone[0], alone[1], atol=1e-4)

    def test_what_is_seen_is_told_apart_from_what_is_flat(self, make, stack):
        network = make().eval()
        page = pages(("3x4+II",))[0]
        flat = [piece._replace(signal=0 * piece.signal) if piece.lead == "V5" else piece for piece in page]
        gone = [piece for piece in page if piece.lead != "V5"]
        assert not torch.allclose(network(*stack([flat])), network(*stack([gone])), atol=1e-6)

    def test_only_its_last_layer_depends_on_the_count_of_outputs(self, make, stack):
        few, many = make(3).state_dict(), make(7).state_dict()
        assert few.keys() == many.keys()
        differ = {name for name in few if few[name].shape != many[name].shape}
        assert len(differ) == 2 and all(few[name].shape[1:] == many[name].shape[1:] for name in differ)

    def test_every_parameter_learns(self, make, stack):
        torch.manual_seed(0)
        network = make()
        for _ in range(2):  # what begins as nothing lets its branch learn from the second step on
            network.zero_grad()
            network(*stack(pages())).square().sum().backward()
            with torch.no_grad():
                for part in network.parameters():
                    part -= 0.01 * part.grad.sign()
        assert [name for name, part in network.named_parameters() if not part.grad.any()] == []

    def test_bfloat16_changes_little(self, make, stack):
        torch.manual_seed(0)
        network = make().eval()
        with mixed_precision("cpu"), torch.no_grad():
            short = network(*stack(pages())).float()
        exact = network(*stack(pages()))
        assert torch.allclose(short, exact, atol=0.05)
        # A convolution of stride 4 and as many taps was wrong altogether on some processors, and passed for little.
        assert (short - exact).norm() < 0.2 * exact.norm()


def test_a_sheet_has_strips_in_their_places():
    page = [
        StripSegment("V1", np.array([1.0, 2, np.nan, 9], np.float32), start=2.5),
        StripSegment("II", np.full(250, 7, np.float32)),
        StripSegment("II", np.linspace(-1, 1, 1200).astype(np.float32)),
    ]
    signal, seen = sheet_of(page)
    assert signal[6, 250:254].tolist() == [-1, 0, 0, 5] and seen[6, 250:254].tolist() == [1, 1, 0, 1]
    assert seen.sum() == 1003 and signal[1, 0] == -1, "the longer strip of a lead, as far as it fits"


def test_pieces_of_time_are_what_a_convolution_of_such_a_stride_sees():
    torch.manual_seed(0)
    signal, seen = torch.randn(2, 3, 12, 40)
    convolution = torch.nn.Conv1d(24, 5, 4, 4)
    linear = torch.nn.Linear(96, 5)
    linear.load_state_dict({"weight": convolution.weight.flatten(1), "bias": convolution.bias})
    expected = convolution(torch.cat([signal, seen], 1)).transpose(1, 2)
    assert torch.allclose(linear(pieces_of_time(signal, seen, 4)), expected, atol=1e-5)
