"""A transformer over a sheet cut into short pieces (Vaswani et al. 2017; pieces as in Dosovitskiy et al. 2021).

"Attention is all you need" and "An image is worth 16x16 words". A piece is a fifth of a second of all leads; places are
learned, layers are normalized before attention.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from classify.statements import STATEMENTS
from digitize.records.layouts import LEAD_NAMES
from papertrace.training.sheets import SAMPLES, pieces_of_time

_PIECE = 20
_WIDTH = 128
_LAYERS = 5
_HEADS = 8


class Transformer(nn.Module):
    """Logits of every statement from sheets, by attention among pieces of time and the mean over them.

    Parameters
    ----------
    outputs : int
        Logits; by default one a statement.
    dropout : float
        Share of features dropped in training; a third of it within the layers.

    Examples
    --------
    >>> Transformer(3).eval()(*torch.zeros(2, 5, 12, 1000)).shape
    torch.Size([5, 3])
    """

    def __init__(self, outputs: int = len(STATEMENTS), dropout: float = 0.3) -> None:
        super().__init__()
        self.pieces = nn.Linear(2 * len(LEAD_NAMES) * _PIECE, _WIDTH)
        self.places = nn.Parameter(0.02 * torch.randn(SAMPLES // _PIECE, _WIDTH))
        layer = nn.TransformerEncoderLayer(
            _WIDTH, _HEADS, 4 * _WIDTH, dropout / 3, activation="gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, _LAYERS, enable_nested_tensor=False)
        self.head = nn.Sequential(nn.LayerNorm(_WIDTH), nn.Dropout(dropout), nn.Linear(_WIDTH, outputs))

    def forward(self, signal: Tensor, seen: Tensor) -> Tensor:
        """From signal and seen, (B, 12, 1000) each, to (B, outputs)."""
        pieces = self.pieces(pieces_of_time(signal, seen, _PIECE))
        logits: Tensor = self.head(self.layers(pieces + self.places).mean(1))
        return logits
