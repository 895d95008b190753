"""A one-dimensional xresnet, the best single network on PTB-XL in Strodthoff et al. 2021.

He et al. 2019 ("Bag of tricks for image classification") made it of a residual network: three convolutions for a stem,
shortcuts that pool before they project, and residual branches that begin as nothing. There are two basic blocks a
stage, for a hundred layers would overfit to a fifth of PTB-XL and have several times the parameters of ours.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from classify.statements import STATEMENTS
from digitize.records.layouts import LEAD_NAMES

_STEM = (32, 32, 64)
_STAGES = (64, 96, 128, 144)
_BLOCKS = 2
_LENGTH = 5


class XResNet1d(nn.Module):
    """Logits of every statement from sheets, by residual convolutions and the mean and maximum over time.

    Parameters
    ----------
    outputs : int
        Logits; by default one a statement.
    dropout : float
        Share of features dropped in training.

    Examples
    --------
    >>> XResNet1d(3).eval()(*torch.zeros(2, 5, 12, 1000)).shape
    torch.Size([5, 3])
    """

    def __init__(self, outputs: int = len(STATEMENTS), dropout: float = 0.3) -> None:
        super().__init__()
        widths = (2 * len(LEAD_NAMES), *_STEM)
        stem = [_convolution(n_in, n_out, 2 if k == 0 else 1) for k, (n_in, n_out) in enumerate(pairwise(widths))]
        blocks = []
        n_in = _STEM[-1]
        for stage, n_out in enumerate(_STAGES):
            for block in range(_BLOCKS):
                blocks.append(_Block(n_in, n_out, 2 if stage and not block else 1))
                n_in = n_out
        self.features = nn.Sequential(*stem, nn.MaxPool1d(3, 2, padding=1), *blocks)
        self.head = nn.Sequential(
            nn.BatchNorm1d(2 * n_in),
            nn.Dropout(dropout),
            nn.Linear(2 * n_in, 128),
            nn.ReLU(),
            nn.BatchNorm1d(128),
            nn.Dropout(dropout),
            nn.Linear(128, outputs),
        )

    def forward(self, signal: Tensor, seen: Tensor) -> Tensor:
        """From signal and seen, (B, 12, n) each, to (B, outputs)."""
        told = self.features(torch.cat([signal, seen], 1))
        logits: Tensor = self.head(torch.cat([told.mean(2), told.amax(2)], 1))
        return logits


class _Block(nn.Module):
    """Two convolutions, added to their input, which is pooled and projected where its shape is another."""

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(_convolution(n_in, n_out, stride), _convolution(n_out, n_out, 1, last=True))
        pool = [nn.AvgPool1d(2, ceil_mode=True)] if stride > 1 else []
        project = [] if n_in == n_out else [nn.Conv1d(n_in, n_out, 1, bias=False), nn.BatchNorm1d(n_out)]
        self.shortcut = nn.Sequential(*pool, *project)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.relu(self.branch(x) + self.shortcut(x))


def _convolution(n_in: int, n_out: int, stride: int, last: bool = False) -> nn.Sequential:
    norm = nn.BatchNorm1d(n_out)
    if last:
        nn.init.zeros_(norm.weight)
    layers = [nn.Conv1d(n_in, n_out, _LENGTH, stride, padding=_LENGTH // 2, bias=False), norm]
    return nn.Sequential(*layers) if last else nn.Sequential(*layers, nn.ReLU())
