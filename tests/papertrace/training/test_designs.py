from __future__ import annotations

import pytest
import torch
from safetensors.torch import load, save

from digitize.refine.network import HOP, LATENT, OFFSETS, mean_offsets
from digitize.refine.windows import CHANNELS, FEATURES, HEIGHT
from papertrace.training.designs import DESIGNS, make_refiner


@pytest.mark.parametrize("design", DESIGNS)
class TestDesigns:
    """What every network must do."""

    @pytest.fixture
    def seen(self):
        generator = torch.Generator().manual_seed(0)
        pixels = torch.randint(0, 256, (3, 16 * HOP, len(CHANNELS), HEIGHT), generator=generator).to(torch.uint8)
        return pixels, torch.randn((3, 16 * HOP, len(FEATURES)), generator=generator)

    @pytest.mark.parametrize("steps", (1, 2, 4))
    def test_shapes(self, design, steps, seen):
        logits, sure = make_refiner(design, steps)(*seen)
        assert logits.shape == (3, 16 * HOP, steps, len(OFFSETS)) and sure.shape == (3, 16 * HOP, steps)

    def test_untrained_it_moves_nothing(self, design, seen):
        logits, _ = make_refiner(design, 2).eval()(*seen)
        assert mean_offsets(logits).abs().max() < 1e-6

    def test_all_of_it_learns(self, design, seen):
        torch.manual_seed(0)
        network = make_refiner(design, 2)
        torch.nn.init.normal_(network.head.weight)
        logits, sure = network(*seen)
        (logits.square().mean() + sure.square().mean()).backward()
        idle = [name for name, weight in network.named_parameters() if weight.grad is None or not weight.grad.any()]
        # A bias before a normalization, or of a softmax's keys, has no effect on anything.
        assert not [name for name in idle if not name.endswith("bias")]

    def test_segments_do_not_see_each_other(self, design, seen):
        torch.manual_seed(0)
        network = make_refiner(design, 2).eval()
        torch.nn.init.normal_(network.head.weight)
        with torch.inference_mode():
            together, alone = network(*seen)[0][1], network(seen[0][1:2], seen[1][1:2])[0][0]
        torch.testing.assert_close(together, alone, rtol=1e-3, atol=1e-3)

    def test_one_latent_and_few_weights(self, design):
        network = make_refiner(design, 2)
        assert network.head.in_channels == LATENT
        assert len(save(network.state_dict())) < 5e6

    def test_weights_survive_a_file(self, design, seen):
        network, other = make_refiner(design, 2).eval(), make_refiner(design, 2).eval()
        other.load_state_dict(load(save(network.state_dict())))
        with torch.inference_mode():
            torch.testing.assert_close(network(*seen)[0], other(*seen)[0])


def test_unknown_networks_are_named():
    with pytest.raises(ValueError, match=r"design is 'gru'; allowed: cnn, lstm, transformer"):
        make_refiner("gru", 2)
    with pytest.raises(ValueError, match="steps is 0"):
        make_refiner("cnn", 0)
