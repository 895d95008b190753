"""Designs of the network that corrects traces: the one that ships, and those that it was chosen from.

All see the same windows through the same CNN (`digitize.refine.network`) and differ in what looks along the strip:

- ``"cnn"``: nothing;
- ``"lstm"``: an LSTM encoder and an LSTM decoder (Hochreiter and Schmidhuber, 1997), which ship;
- ``"transformer"``: a transformer encoder and a transformer decoder (Vaswani et al., 2017).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from digitize.records.weights import load_trained
from digitize.refine.network import LATENT, Recurrent, Refiner


class Attentive(nn.Module):
    """Tokens, shape (n, t, LATENT), each knowing its place; the decoder asks with them what the encoder made of all."""

    def __init__(self, layers: int = 2, heads: int = 4) -> None:
        super().__init__()
        encoding = nn.TransformerEncoderLayer(LATENT, heads, 2 * LATENT, 0.0, batch_first=True, norm_first=True)
        decoding = nn.TransformerDecoderLayer(LATENT, heads, 2 * LATENT, 0.0, batch_first=True, norm_first=True)
        # Nested tensors have no use here: every token counts.
        self.encoder = nn.TransformerEncoder(encoding, layers, enable_nested_tensor=False)
        self.decoder = nn.TransformerDecoder(decoding, layers)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Tokens that know of each other, shape (n, t, LATENT)."""
        placed = tokens + _places(tokens.shape[1]).to(tokens)
        written: torch.Tensor = self.decoder(placed, self.encoder(placed))
        return written


def _places(count: int) -> torch.Tensor:
    """Sines and cosines that tell tokens their places, shape (count, LATENT)."""
    rate = torch.exp(torch.arange(0, LATENT, 2) * (-math.log(10_000.0) / LATENT))
    angle = torch.arange(count)[:, None] * rate
    return torch.stack([angle.sin(), angle.cos()], dim=2).flatten(1)


ALONG: dict[str, Callable[[], nn.Module] | None] = {"cnn": None, "lstm": Recurrent, "transformer": Attentive}
"""What looks along the strip, by design."""

DESIGNS = tuple(ALONG)


def make_refiner(design: str, steps: int) -> Refiner:
    """Make an untrained network.

    Parameters
    ----------
    design : str
        One of `DESIGNS`.
    steps : int
        Samples a column.

    Returns
    -------
    Refiner

    Raises
    ------
    ValueError
        If there is no such design, or `steps` is below 1.

    Examples
    --------
    >>> make_refiner("cnn", 2).along is None
    True
    """
    if design not in ALONG:
        raise ValueError(f"design is {design!r}; allowed: {', '.join(DESIGNS)}")
    return Refiner(steps, ALONG[design])


def load_refiner(path: Path) -> Refiner:
    """Load what `papertrace.training.refiner` left, of any design.

    Parameters
    ----------
    path : Path
        The ``.safetensors`` file.

    Returns
    -------
    Refiner
        Set to evaluation.

    Raises
    ------
    FileNotFoundError, ValueError
        See `digitize.records.weights.load_trained`.
    """
    return load_trained(path, lambda record: make_refiner(record["design"], record["steps"]))[0]
