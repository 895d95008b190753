"""The arrhythmia network: convolutions over the averaged beats, convolutions and an LSTM over the rhythm strip.

What twelve leads look like around a QRS complex is read from their averaged beats, which stand together whatever the
layout; how beats follow each other is read from the rhythm strip by residual convolutions and a bidirectional LSTM
(after Strodthoff et al. 2021, whose xresnet1d and LSTM are the best on PTB-XL), and from its measured intervals. Each
residual block weighs its channels (Hu et al. 2018, "Squeeze-and-excitation networks").
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from classify.signal.inputs import ABSENT, BEAT_SAMPLES, INTERVALS, NetworkInput
from classify.statements import STATEMENTS
from digitize.records.layouts import LEAD_NAMES

INPUTS = ("beats", "beats_seen", "intervals", "rhythm", "rhythm_seen", "rhythm_lead")
"""Attributes of `NetworkInput` that `ArrhythmiaNetwork.forward` takes, in its order."""

_WIDTH = 64
_FEATURES = 128
_HIDDEN = 48

FORM_FEATURES, ORDER_FEATURES = _FEATURES, 2 * _HIDDEN
ORDER_STRIDE = 8
"""Samples of the rhythm strip to one place of `ArrhythmiaNetwork.read_order`."""

BRANCHES = ("beats.", "rhythm.", "rhythm_lead.", "lstm.")
"""Beginnings of the names of the weights that read beats and rhythm; the others make statements of it."""

FEATURES = _FEATURES + len(INTERVALS) + 4 * _HIDDEN
"""Length of `ArrhythmiaNetwork.features` of a page."""


class Residual(nn.Module):
    """Two convolutions along time, their channels weighed, added to their input.

    Parameters
    ----------
    n_in, n_out : int
        Channels.
    stride : int
        Samples in for one out; the length must be a multiple of it.
    dropout : float
    """

    def __init__(self, n_in: int, n_out: int, stride: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(n_in, n_out, 5, stride, padding=2, bias=False),
            nn.BatchNorm1d(n_out),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Conv1d(n_out, n_out, 5, padding=2, bias=False),
            nn.BatchNorm1d(n_out),
        )
        self.weigh = nn.Sequential(nn.Linear(n_out, n_out // 4), nn.ReLU(), nn.Linear(n_out // 4, n_out), nn.Sigmoid())
        self.skip = nn.Identity() if n_in == n_out and stride == 1 else nn.Conv1d(n_in, n_out, 1, bias=False)
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, n_in, n) to (B, n_out, n / stride)."""
        # Pooled so, a backward pass is twice as fast on a CPU as through avg_pool1d.
        short = x.unflatten(2, (-1, self.stride)).mean(3) if self.stride > 1 else x
        y = self.layers(x)
        return functional.relu(y * self.weigh(y.mean(2))[:, :, None] + self.skip(short))


class ArrhythmiaNetwork(nn.Module):
    """Logits of every statement of pages.

    Parameters
    ----------
    outputs : int
        Logits; by default one a statement.
    dropout : float
        Share of features dropped in training.

    Notes
    -----
    `forward` takes what `INPUTS` names, as `classify.signal.inputs.NetworkInput` describes it, each with a batch in
    front (``rhythm_lead`` of int64), and gives (B, outputs).

    Examples
    --------
    >>> network = ArrhythmiaNetwork().eval()
    >>> beats, rhythm = torch.zeros(2, 12, BEAT_SAMPLES), torch.zeros(2, 1000)
    >>> leads = torch.tensor([1, ABSENT])
    >>> network(beats, beats, torch.zeros(2, len(INTERVALS)), rhythm, rhythm, leads).shape[1] == len(STATEMENTS)
    True
    """

    def __init__(self, outputs: int = len(STATEMENTS), dropout: float = 0.3) -> None:
        super().__init__()
        inner = dropout / 3
        self.beats = nn.Sequential(
            _stem(2 * len(LEAD_NAMES), _WIDTH, 7, 1),
            Residual(_WIDTH, _WIDTH, 1, inner),
            Residual(_WIDTH, _WIDTH, 2, inner),
            Residual(_WIDTH, 2 * _WIDTH, 1, inner),
            Residual(2 * _WIDTH, 2 * _WIDTH, 2, inner),
            nn.Flatten(),
            nn.Dropout(dropout),
            # A beat's middle has its place, so what stands where is kept.
            nn.Linear(2 * _WIDTH * (BEAT_SAMPLES // 4), _FEATURES),
            nn.ReLU(),
        )
        # Seconds, shares and correlations vary by tenths and hundredths.
        self.intervals = nn.BatchNorm1d(len(INTERVALS))
        self.rhythm = nn.Sequential(_stem(2, 32, 11, 2), Residual(32, 48, 2, inner), Residual(48, 64, 2, inner))
        self.rhythm_lead = nn.Embedding(len(LEAD_NAMES) + 1, 16)
        self.lstm = nn.LSTM(64 + 16, _HIDDEN, batch_first=True, bidirectional=True)
        self.head = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(FEATURES, _FEATURES),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(_FEATURES, outputs),
        )

    def forward(
        self,
        beats: Tensor,
        beats_seen: Tensor,
        intervals: Tensor,
        rhythm: Tensor,
        rhythm_seen: Tensor,
        rhythm_lead: Tensor,
    ) -> Tensor:
        """Compute the logits (B, outputs) of a batch of pages; see the class."""
        logits: Tensor = self.head(self.features(beats, beats_seen, intervals, rhythm, rhythm_seen, rhythm_lead))
        return logits

    def features(
        self,
        beats: Tensor,
        beats_seen: Tensor,
        intervals: Tensor,
        rhythm: Tensor,
        rhythm_seen: Tensor,
        rhythm_lead: Tensor,
    ) -> Tensor:
        """Compute what the logits are made of, (B, FEATURES): form of the beats, intervals, and their order."""
        form = self.read_form(beats, beats_seen)
        order = self.read_order(rhythm, rhythm_seen, rhythm_lead)
        pooled = torch.cat([order.mean(1), order.amax(1)], 1) * (rhythm_lead != ABSENT)[:, None]
        return torch.cat([form, self.intervals(intervals), pooled], 1)

    def read_form(self, beats: Tensor, beats_seen: Tensor) -> Tensor:
        """Compute features (B, `FORM_FEATURES`) of averaged beats."""
        form: Tensor = self.beats(torch.cat([beats, beats_seen], 1))
        return form

    def read_order(self, rhythm: Tensor, rhythm_seen: Tensor, rhythm_lead: Tensor) -> Tensor:
        """Compute features (B, 1000 / `ORDER_STRIDE`, `ORDER_FEATURES`) of rhythm strips, from place to place."""
        waves = self.rhythm(torch.stack([rhythm, rhythm_seen], 1)).transpose(1, 2)
        lead = self.rhythm_lead(rhythm_lead)[:, None].expand(-1, waves.shape[1], -1)
        order: Tensor = self.lstm(torch.cat([waves, lead], 2))[0]
        return order


class Ensemble(nn.Module):
    """The mean of several networks' logits.

    Parameters
    ----------
    members : sequence of Module
        Of the same inputs and outputs.
    """

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, *inputs: Tensor) -> Tensor:
        """Compute the logits (B, outputs) of a batch of pages; see `ArrhythmiaNetwork`."""
        return torch.stack([member(*inputs) for member in self.members]).mean(0)


def batch_inputs(inputs: Sequence[NetworkInput]) -> tuple[Tensor, ...]:
    """Batch the inputs of pages.

    Parameters
    ----------
    inputs : sequence of NetworkInput

    Returns
    -------
    tuple of Tensor
        The arguments of `ArrhythmiaNetwork.forward`.
    """
    return tuple(torch.from_numpy(np.stack([np.asarray(getattr(page, name)) for page in inputs])) for name in INPUTS)


def predict_logits(network: nn.Module, inputs: Sequence[NetworkInput], batch_size: int = 64) -> NDArray[np.float32]:
    """Compute the logits of many pages.

    Parameters
    ----------
    network : Module
        `ArrhythmiaNetwork`, or what takes the same inputs. It is set to evaluation, and left so.
    inputs : sequence of NetworkInput
    batch_size : int
        Views read at a time.

    Returns
    -------
    ndarray, shape (pages, outputs), float32
    """
    return run_network(network, batch_inputs(inputs), batch_size)


def run_network(network: nn.Module, inputs: Sequence[Tensor], batch_size: int = 64) -> NDArray[np.float32]:
    """Compute the logits of many pages, given as tensors.

    Parameters
    ----------
    network : Module
        It is set to evaluation, and left so.
    inputs : sequence of Tensor
        Its arguments, each of all pages.
    batch_size : int
        Pages read at a time.

    Returns
    -------
    ndarray, shape (pages, outputs), float32
    """
    network.eval()
    device = next(network.parameters()).device
    with torch.inference_mode():
        parts = [
            network(*(tensor[start : start + batch_size].to(device) for tensor in inputs)).cpu().numpy()
            for start in range(0, len(inputs[0]), batch_size)
        ]
    return np.concatenate(parts)


def _stem(n_in: int, n_out: int, length: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv1d(n_in, n_out, length, stride, padding=length // 2, bias=False), nn.BatchNorm1d(n_out), nn.ReLU()
    )
