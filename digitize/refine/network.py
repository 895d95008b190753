"""The networks that correct a trace: one windowed CNN, alone or with an encoder and a decoder along the strip.

Three designs see the same windows through the same CNN and pass on a latent of the same size in every column:

- ``"cnn"``: the windowed CNN alone;
- ``"lstm"``: an LSTM encoder and an LSTM decoder (Hochreiter and Schmidhuber, 1997) run along the strip, both ways;
- ``"transformer"``: a transformer encoder and a transformer decoder (Vaswani et al., 2017) look along the strip.

Their output says for every sample how likely the pen is at each of `OFFSETS` from the path (`read_offsets` makes one
number of it), and how likely it is that what is read there is right.
"""

from __future__ import annotations

import math

import torch
from torch import nn

from digitize.refine.windows import CHANNELS, HEIGHT, MARKS, growing

DESIGNS = ("cnn", "lstm", "transformer")
"""What may follow the windowed CNN."""

LATENT = 64
"""Size of the latent of a column, and of a token along the strip."""

HOP = 4
"""Columns of a token along the strip."""

OFFSETS = torch.from_numpy(growing(16, 0.2, 40.0)).float()
"""Offsets from the path (units across the stroke, downward) over which the network distributes the pen."""

_MIDDLE = len(OFFSETS) // 2
_NEAR = 3
"""Offsets to either side of the likeliest one that `read_offsets` averages."""
_SHARP = 1.0
"""How fast an untrained network's distribution falls off beside the path, a step."""


class Refiner(nn.Module):
    """A network of one of `DESIGNS`; untrained, it leaves every path as it is.

    Parameters
    ----------
    design : str
        One of `DESIGNS`.
    steps : int
        Samples a column.

    Raises
    ------
    ValueError
        If there is no such design, or `steps` is below 1.
    """

    def __init__(self, design: str = "cnn", steps: int = 2) -> None:
        super().__init__()
        if design not in DESIGNS:
            raise ValueError(f"design is {design!r}; allowed: {', '.join(DESIGNS)}")
        if steps < 1:
            raise ValueError(f"steps is {steps}; allowed: whole numbers from 1")
        self.design, self.steps = design, steps
        self.pixels = nn.Sequential(
            _across(len(CHANNELS), 8, 5), _across(8, 16, 3), _across(16, 24, 3), nn.Flatten(1, 2)
        )
        self.mix = nn.Sequential(
            nn.Conv1d(24 * HEIGHT // 8 + len(MARKS), LATENT, 3, padding=1), nn.BatchNorm1d(LATENT), nn.ReLU()
        )
        self.window = nn.Sequential(*(_Residual(dilation) for dilation in (1, 2, 4)))
        if design != "cnn":
            self.along = _LSTM() if design == "lstm" else _Transformer()
            self.gather = nn.Conv1d(LATENT, LATENT, HOP, stride=HOP)
            self.spread = nn.ConvTranspose1d(LATENT, LATENT, HOP, stride=HOP)
        self.head = nn.Conv1d(LATENT, steps * (len(OFFSETS) + 1), 1)
        nn.init.zeros_(self.head.weight)
        start = -_SHARP * (torch.arange(len(OFFSETS)) - _MIDDLE).abs()
        self.head.bias = nn.Parameter(torch.cat([start.repeat(steps), torch.zeros(steps)]))

    def forward(self, pixels: torch.Tensor, marks: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Judge windows.

        Parameters
        ----------
        pixels : tensor, shape (n, w, len(CHANNELS), HEIGHT), uint8
            See `digitize.refine.windows.Windows`; w is a multiple of `HOP`.
        marks : tensor, shape (n, w, len(MARKS))

        Returns
        -------
        logits : tensor, shape (n, w, steps, len(OFFSETS))
            Of the pen being at each offset, at ``x + k / steps``.
        sure : tensor, shape (n, w, steps)
            Logit of what is read there being right.
        """
        n, width = pixels.shape[:2]
        seen = self.pixels(pixels.permute(0, 2, 3, 1).float() / 255)
        latent = self.window(self.mix(torch.cat([seen, marks.float().transpose(1, 2)], dim=1)))
        if self.design != "cnn":
            tokens = self.along(self.gather(latent).transpose(1, 2)).transpose(1, 2)
            latent = latent + self.spread(tokens)
        out = self.head(latent).transpose(1, 2)
        cut = self.steps * len(OFFSETS)
        return out[..., :cut].reshape(n, width, self.steps, len(OFFSETS)), out[..., cut:]


def read_offsets(logits: torch.Tensor) -> torch.Tensor:
    """Read distributions by a soft-argmax: the mean over the likeliest offset and those next to it.

    Parameters
    ----------
    logits : tensor, shape (..., len(OFFSETS))

    Returns
    -------
    tensor, shape (...)
        Units across the stroke.

    Examples
    --------
    >>> logits = torch.full((len(OFFSETS),), -9.0)
    >>> logits[20], logits[2] = 1.0, 0.9
    >>> bool(abs(read_offsets(logits) - OFFSETS[20]) < 0.01)
    True
    """
    likeliest = logits.argmax(dim=-1, keepdim=True)
    far = (torch.arange(len(OFFSETS), device=logits.device) - likeliest).abs() > _NEAR
    return mean_offsets(logits.masked_fill(far, -torch.inf))


def mean_offsets(logits: torch.Tensor) -> torch.Tensor:
    """Mean of distributions over all offsets, shape (..., len(OFFSETS)) to (...)."""
    return torch.softmax(logits, dim=-1) @ OFFSETS.to(logits.device)


def _across(inputs: int, outputs: int, height: int) -> nn.Sequential:
    """Convolve windows and halve their height."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, (height, 3), stride=(2, 1), padding=(height // 2, 1)),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


class _Residual(nn.Module):
    """Two convolutions along the strip, added to their input."""

    def __init__(self, dilation: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(LATENT, LATENT, 5, padding=2 * dilation, dilation=dilation),
            nn.BatchNorm1d(LATENT),
            nn.ReLU(),
            nn.Conv1d(LATENT, LATENT, 3, padding=dilation, dilation=dilation),
            nn.BatchNorm1d(LATENT),
        )

    def forward(self, latent: torch.Tensor) -> torch.Tensor:
        return torch.relu(latent + self.layers(latent))


class _LSTM(nn.Module):
    """Tokens, shape (n, t, LATENT), read both ways and written both ways."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.LSTM(LATENT, LATENT // 2, batch_first=True, bidirectional=True)
        self.decoder = nn.LSTM(LATENT, LATENT // 2, batch_first=True, bidirectional=True)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        read, (hidden, cell) = self.encoder(tokens)
        written: torch.Tensor = self.decoder(read, (hidden, cell))[0]
        return written


class _Transformer(nn.Module):
    """Tokens, shape (n, t, LATENT), each knowing its place; the decoder asks with them what the encoder made of all."""

    def __init__(self, layers: int = 2, heads: int = 4) -> None:
        super().__init__()
        encoding = nn.TransformerEncoderLayer(LATENT, heads, 2 * LATENT, 0.0, batch_first=True, norm_first=True)
        decoding = nn.TransformerDecoderLayer(LATENT, heads, 2 * LATENT, 0.0, batch_first=True, norm_first=True)
        # Nested tensors have no use here: every token counts.
        self.encoder = nn.TransformerEncoder(encoding, layers, enable_nested_tensor=False)
        self.decoder = nn.TransformerDecoder(decoding, layers)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        placed = tokens + _places(tokens.shape[1]).to(tokens)
        written: torch.Tensor = self.decoder(placed, self.encoder(placed))
        return written


def _places(count: int) -> torch.Tensor:
    """Sines and cosines that tell tokens their places, shape (count, LATENT)."""
    rate = torch.exp(torch.arange(0, LATENT, 2) * (-math.log(10_000.0) / LATENT))
    angle = torch.arange(count)[:, None] * rate
    return torch.stack([angle.sin(), angle.cos()], dim=2).flatten(1)
