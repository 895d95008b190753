from __future__ import annotations

import pytest
import torch

from classify.picture.image import DESIGNS, look_at, make_network
from classify.picture.network import CELLS, NOWHERE, PictureNetwork, Trunk
from classify.picture.picture import HEIGHT, WIDTH
from classify.signal.inputs import cut_to_layout, input_from_segments
from classify.signal.network import batch_inputs
from classify.statements import STATEMENTS
from papertrace.training.imagenet import RESNET18, load_resnet18


@pytest.fixture(scope="module")
def pictures():
    torch.manual_seed(0)
    return torch.randint(0, 256, (2, 1, HEIGHT, WIDTH), dtype=torch.uint8)


@pytest.fixture(scope="module")
def views():
    generator = torch.Generator().manual_seed(1)
    signals = torch.randn(2, 12, 1000, generator=generator).numpy()
    return [input_from_segments(cut_to_layout(signal, "3x4+II"), 100) for signal in signals]


@pytest.mark.parametrize("design", DESIGNS)
class TestDesigns:
    """What every network must do."""

    def test_shapes(self, design, pictures, views):
        network = make_network(design, 8, 1).eval()
        given = batch_inputs(views) if design == "dual" else ()
        seen = network(pictures, *given)
        assert seen.logits.shape == (2, len(STATEMENTS))
        assert seen.leads.shape == (2, NOWHERE + 1, *CELLS) and seen.pen.shape[2:] == CELLS
        assert torch.isfinite(seen.logits).all()

    def test_a_page_is_read_by_itself(self, design, pictures, views):
        network = make_network(design, 8, 1)
        inks = list(pictures[:, 0].numpy())
        together, cells = look_at(network, inks, views if design == "dual" else None)
        alone, its = look_at(network, inks[1:], views[1:] if design == "dual" else None)
        assert cells.shape == (2,) and cells[1] == its[0]
        assert together[1] == pytest.approx(alone[0], abs=1e-4)
        assert abs(together[0] - together[1]).max() > 1e-6

    def test_every_weight_learns(self, design, pictures, views):
        network = make_network(design, 8, 1).train()
        given = batch_inputs(views) if design == "dual" else ()
        seen = network(pictures, *given)
        (seen.logits.square().sum() + seen.leads.square().sum() + seen.pen.square().sum()).backward()
        assert all(weight.grad is not None for weight in network.parameters())


def test_how_channels_lie_in_memory_changes_nothing(pictures):
    torch.manual_seed(0)
    told = []
    network = PictureNetwork(16, dropout=0.0).train()
    for layout in (torch.contiguous_format, torch.channels_last):
        for weight in network.parameters():
            if weight.ndim == 4:
                weight.data = weight.data.contiguous(memory_format=layout)
        seen = network(pictures)
        assert seen.logits.isfinite().all()
        gradient = torch.autograd.grad(
            seen.logits.square().mean() + seen.pen.square().mean(), network.trunk.conv1.weight
        )
        told.append((seen.logits, seen.leads, *gradient))
    for one, other in zip(*told, strict=True):
        assert (one - other).norm() < 1e-2 * one.norm()


def test_where_a_lead_lies_is_where_its_features_come_from(pictures):
    network = PictureNetwork(8, dropout=0.0).eval()
    with torch.no_grad():
        network.leads.bias[:] = torch.tensor([0.0] * NOWHERE + [30.0])
        nothing = network.features(pictures)
        network.leads.bias[6] = 60.0
        somewhere = network.features(pictures)
    assert not torch.allclose(nothing, somewhere)


def test_weights_of_imagenet_fit(tmp_path):
    trunk = Trunk(**RESNET18)
    state = {**trunk.state_dict(), "conv1.weight": torch.ones(64, 3, 7, 7), "fc.weight": torch.zeros(1000, 512)}
    torch.save(state, tmp_path / "resnet18-f37072fd.pth")
    loaded = load_resnet18(tmp_path / "resnet18-f37072fd.pth")
    trunk.load_state_dict(loaded)
    assert (trunk.conv1.weight == 3).all()
    torch.save({"conv1.weight": torch.ones(64, 3, 3, 3)}, tmp_path / "other.pth")
    with pytest.raises(ValueError, match=r"other.pth: not a ResNet-18"):
        load_resnet18(tmp_path / "other.pth")
