"""A plain LSTM (Hochreiter and Schmidhuber 1997), bidirectional, as in Strodthoff et al. 2021.

There its layers read each sample of 2.5 s; here they read frames of 40 ms, for ten seconds are four times as long.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from classify.statements import STATEMENTS
from digitize.records.layouts import LEAD_NAMES
from papertrace.training.sheets import pieces_of_time

_FRAME = 4
_WIDTH = 96
_HIDDEN = 160


class PlainLstm(nn.Module):
    """Logits of every statement from sheets, by two bidirectional layers and the mean and maximum over time.

    Parameters
    ----------
    outputs : int
        Logits; by default one a statement.
    dropout : float
        Share of features dropped in training.

    Examples
    --------
    >>> PlainLstm(3).eval()(*torch.zeros(2, 5, 12, 1000)).shape
    torch.Size([5, 3])
    """

    def __init__(self, outputs: int = len(STATEMENTS), dropout: float = 0.3) -> None:
        super().__init__()
        self.frames = nn.Linear(2 * len(LEAD_NAMES) * _FRAME, _WIDTH)
        self.lstm = nn.LSTM(_WIDTH, _HIDDEN, 2, batch_first=True, dropout=dropout, bidirectional=True)
        self.head = nn.Sequential(
            nn.Dropout(dropout), nn.Linear(4 * _HIDDEN, 128), nn.ReLU(), nn.Dropout(dropout), nn.Linear(128, outputs)
        )

    def forward(self, signal: Tensor, seen: Tensor) -> Tensor:
        """From signal and seen, (B, 12, n) each, to (B, outputs)."""
        told = self.lstm(self.frames(pieces_of_time(signal, seen, _FRAME)))[0]
        logits: Tensor = self.head(torch.cat([told.mean(1), told.amax(1)], 1))
        return logits
