"""The network that names beats: one convolutional look at each, one recurrent look along the strip.

A beat's shape is given together with that of the strip's commonest beat, for a bundle branch block makes every beat
broad and only a comparison tells a ventricular one from it; when it came is told by its intervals relative to the
strip's. A gated recurrent unit (Cho et al. 2014) then reads the strip in both directions, because a premature beat is
one among its neighbors.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from classify.beats.inputs import AFTER, BEFORE, CHANNELS, FEATURES, BeatInputs
from classify.records.beats import CLASSES


class BeatNetwork(nn.Module):
    """Logits of `CLASSES` for each beat of some strips.

    Parameters
    ----------
    width : int
        Channels of the first convolution; the second has half as many again, the last twice as many.
    hidden : int
        Size of the recurrent state in each direction.
    dropout : float
    """

    def __init__(self, width: int = 24, hidden: int = 48, dropout: float = 0.3) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = CHANNELS
        for wider, kernel in ((width, 7), (3 * width // 2, 5), (2 * width, 5)):
            layers += [nn.Conv1d(channels, wider, kernel, 2, kernel // 2), nn.BatchNorm1d(wider), nn.ReLU()]
            channels = wider
        layers += [nn.Conv1d(channels, 12, 1), nn.Flatten(), nn.Dropout(dropout)]
        self.look = nn.Sequential(*layers, nn.Linear(12 * (BEFORE + AFTER) // 8, 48), nn.ReLU())
        self.timing = nn.Sequential(nn.Linear(FEATURES, 32), nn.ReLU())
        self.along = nn.GRU(80, hidden, num_layers=1, batch_first=True, bidirectional=True)
        self.name = nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * hidden + 80, len(CLASSES)))

    def forward(self, windows: Tensor, features: Tensor, counts: Tensor) -> Tensor:
        """Name the beats.

        Parameters
        ----------
        windows : tensor, shape (beats, CHANNELS, BEFORE + AFTER)
            Those of all strips, one strip after the other.
        features : tensor, shape (beats, FEATURES)
        counts : tensor, shape (strips,), int64
            Beats of each strip, on the CPU; at least one each.

        Returns
        -------
        tensor, shape (beats, classes)
        """
        beats = torch.cat([self.look(windows), self.timing(features)], dim=1)
        strips = nn.utils.rnn.pack_sequence(beats.split(counts.tolist()), enforce_sorted=False)
        along = nn.utils.rnn.unpack_sequence(self.along(strips)[0])
        logits: Tensor = self.name(torch.cat([torch.cat(along), beats], dim=1))
        return logits


def batch_strips(strips: Sequence[BeatInputs]) -> tuple[Tensor, Tensor, Tensor]:
    """Put strips together for `BeatNetwork.forward`.

    Parameters
    ----------
    strips : sequence of BeatInputs
        At least one beat each.

    Returns
    -------
    windows, features, counts : tensor
    """
    return (
        torch.from_numpy(np.concatenate([strip.windows for strip in strips])),
        torch.from_numpy(np.concatenate([strip.features for strip in strips])),
        torch.tensor([len(strip.features) for strip in strips]),
    )


@torch.inference_mode()
def name_beats(network: nn.Module, strips: Sequence[BeatInputs]) -> NDArray[np.float64]:
    """Compute the probabilities of the beats of some strips.

    Parameters
    ----------
    network : Module
        `BeatNetwork`, or several as one (`classify.signal.network.Ensemble`), set to evaluation, on any device.
    strips : sequence of BeatInputs
        At least one beat each.

    Returns
    -------
    ndarray, shape (beats, classes), float64
        One strip after the other; each row adds up to 1.
    """
    device = next(network.parameters()).device
    parts = []
    for first in range(0, len(strips), 64):
        windows, features, counts = batch_strips(strips[first : first + 64])
        parts.append(network(windows.to(device), features.to(device), counts).double().softmax(dim=1).cpu().numpy())
    return np.concatenate(parts) if parts else np.empty((0, len(CLASSES)))
