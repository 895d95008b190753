"""The arrhythmia network: a convolutional and a recurrent part, once for the stacked strips, once for the rhythm strip.

Residual 1-D convolutions find waves, a bidirectional LSTM relates them in time (after Strodthoff et al. 2021, whose
xresnet1d and LSTM are the best on PTB-XL), and mean and maximum pooling over the seen time make both branches
independent of the strips' length.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from classify.statements import STATEMENTS
from classify.view import ABSENT, View
from digitize.layouts import LEAD_NAMES

_REDUCTION = 8
_FAR = 100.0


class _Residual(nn.Module):
    def __init__(self, n_in: int, n_out: int, stride: int, dropout: float) -> None:
        super().__init__()
        self.first = nn.Conv1d(n_in, n_out, 5, stride, padding=2, bias=False)
        self.first_norm = nn.BatchNorm1d(n_out)
        self.second = nn.Conv1d(n_out, n_out, 5, padding=2, bias=False)
        self.second_norm = nn.BatchNorm1d(n_out)
        self.dropout = nn.Dropout(dropout)
        self.skip = nn.Conv1d(n_in, n_out, 1, bias=False)
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        short = functional.avg_pool1d(x, self.stride, ceil_mode=True) if self.stride > 1 else x
        y = self.dropout(functional.relu(self.first_norm(self.first(x))))
        return functional.relu(self.second_norm(self.second(y)) + self.skip(short))


class _Branch(nn.Module):
    """(B, channels, n) and seen (B, n) to (B, features): mean and maximum over the seen time.

    Both the waves and what the LSTM makes of them are pooled: without the waves the convolutions learn more slowly.
    """

    def __init__(self, channels: int, widths: tuple[int, int, int], hidden: int, dropout: float) -> None:
        super().__init__()
        self.stem = nn.Conv1d(channels, widths[0], 11, 2, padding=5, bias=False)
        self.stem_norm = nn.BatchNorm1d(widths[0])
        self.blocks = nn.Sequential(
            _Residual(widths[0], widths[0], 1, dropout),
            _Residual(widths[0], widths[1], 2, dropout),
            _Residual(widths[1], widths[2], 2, dropout),
        )
        self.lstm = nn.LSTM(widths[2], hidden, batch_first=True, bidirectional=True)
        self.features = 2 * (2 * hidden + widths[2])

    def forward(self, x: Tensor, seen: Tensor, shift: Tensor | None = None) -> Tensor:
        y = self.stem_norm(self.stem(x))
        if shift is not None:
            y = y + shift[:, :, None]
        waves = self.blocks(functional.relu(y)).transpose(1, 2)
        y = torch.cat([self.lstm(waves)[0], waves], 2)
        steps = functional.max_pool1d(seen[:, None], _REDUCTION, ceil_mode=True)[:, 0, : y.shape[1], None]
        # A branch without a single seen sample has nothing to pool: its caller replaces the result.
        mean = (y * steps).sum(1) / steps.sum(1).clamp(min=1)
        return torch.cat([mean, y.masked_fill(steps == 0, -_FAR).amax(1)], 1)


class ArrhythmiaNetwork(nn.Module):
    """Logits of every statement from views of pages.

    Parameters
    ----------
    dropout : float
        Share of features dropped in training.

    Notes
    -----
    `forward` takes ``strips`` and ``strips_seen`` (B, 12, length), ``rhythm`` and ``rhythm_seen`` (B, 1000) and
    ``rhythm_lead`` (B,) of int64, as `classify.view.View` describes them, and gives (B, statements). Strips may have
    any length of at least 8 samples, the same within a batch.

    Examples
    --------
    >>> network = ArrhythmiaNetwork().eval()
    >>> strips, rhythm = torch.zeros(2, 12, 250), torch.zeros(2, 1000)
    >>> network(strips, strips, rhythm, rhythm, torch.tensor([1, ABSENT])).shape[1] == len(STATEMENTS)
    True
    """

    def __init__(self, dropout: float = 0.2) -> None:
        super().__init__()
        self.strips = _Branch(2 * len(LEAD_NAMES), (64, 96, 128), 96, dropout)
        self.rhythm = _Branch(2, (32, 48, 64), 48, dropout)
        self.rhythm_lead = nn.Embedding(len(LEAD_NAMES), 32)
        self.no_rhythm = nn.Parameter(torch.zeros(self.rhythm.features))
        self.head = nn.Sequential(
            nn.Dropout(2 * dropout),
            nn.Linear(self.strips.features + self.rhythm.features, 128),
            nn.ReLU(),
            nn.Dropout(2 * dropout),
            nn.Linear(128, len(STATEMENTS)),
        )

    def forward(
        self, strips: Tensor, strips_seen: Tensor, rhythm: Tensor, rhythm_seen: Tensor, rhythm_lead: Tensor
    ) -> Tensor:
        """Logits (B, statements) of a batch of views; see the class."""
        shape = self.strips(torch.cat([strips, strips_seen], 1), strips_seen.amax(1))
        lead = self.rhythm_lead(rhythm_lead.clamp(max=ABSENT - 1))
        beats = self.rhythm(torch.stack([rhythm, rhythm_seen], 1), rhythm_seen, lead)
        beats = torch.where((rhythm_lead == ABSENT)[:, None], self.no_rhythm, beats)
        logits: Tensor = self.head(torch.cat([shape, beats], 1))
        return logits


def stack_views(views: Sequence[View]) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Batch views whose strips are equally long.

    Parameters
    ----------
    views : sequence of View

    Returns
    -------
    tuple of Tensor
        The arguments of `ArrhythmiaNetwork.forward`.
    """
    return (
        torch.from_numpy(np.stack([view.strips for view in views])),
        torch.from_numpy(np.stack([view.strips_seen for view in views])),
        torch.from_numpy(np.stack([view.rhythm for view in views])),
        torch.from_numpy(np.stack([view.rhythm_seen for view in views])),
        torch.tensor([view.rhythm_lead for view in views]),
    )


def read_views(network: ArrhythmiaNetwork, views: Sequence[View], batch_size: int = 64) -> NDArray[np.float32]:
    """Logits of many views, whatever their strips' lengths.

    Parameters
    ----------
    network : ArrhythmiaNetwork
        It is set to evaluation, and left so.
    views : sequence of View
    batch_size : int
        Views read at a time.

    Returns
    -------
    ndarray, shape (views, statements), float32
    """
    network.eval()
    device = network.no_rhythm.device
    logits = np.empty((len(views), len(STATEMENTS)), np.float32)
    by_length: dict[int, list[int]] = {}
    for place, view in enumerate(views):
        by_length.setdefault(view.strips.shape[1], []).append(place)
    with torch.inference_mode():
        for places in by_length.values():
            for start in range(0, len(places), batch_size):
                batch = places[start : start + batch_size]
                inputs = (tensor.to(device) for tensor in stack_views([views[place] for place in batch]))
                logits[batch] = network(*inputs).cpu().numpy()
    return logits
