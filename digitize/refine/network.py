"""The network that corrects a trace: a windowed CNN, and an LSTM encoder and decoder along the strip.

The CNN makes a latent of the window of every column; the LSTMs (Hochreiter and Schmidhuber, 1997) run along the strip,
both ways. Its output says for every sample how likely the pen is at each of `OFFSETS` from the path (`mean_offsets`
makes one number of it), and how likely it is that what is read there is right. What it was compared with in training,
and is not shipped, is in `papertrace.training.designs`.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from digitize.refine.windows import CHANNELS, FEATURES, HEIGHT, growing

LATENT = 64
"""Size of the latent of a column, and of a token along the strip."""

HOP = 4
"""Columns of a token along the strip."""

OFFSETS = torch.from_numpy(growing(16, 0.2, 40.0)).float()
"""Offsets from the path (units across the stroke, downward) over which the network distributes the pen."""

_MIDDLE = len(OFFSETS) // 2
_SHARP = 1.0
"""How fast an untrained network's distribution falls off beside the path, a step."""


class Recurrent(nn.Module):
    """Tokens, shape (n, t, LATENT), read both ways and written both ways."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.LSTM(LATENT, LATENT // 2, batch_first=True, bidirectional=True)
        self.decoder = nn.LSTM(LATENT, LATENT // 2, batch_first=True, bidirectional=True)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Tokens that know of each other, shape (n, t, LATENT)."""
        read, (hidden, cell) = self.encoder(tokens)
        written: torch.Tensor = self.decoder(read, (hidden, cell))[0]
        return written


class Refiner(nn.Module):
    """A network that corrects traces; untrained, it leaves every path as it is.

    Parameters
    ----------
    steps : int
        Samples a column.
    along : callable or None
        Makes the part that looks along the strip, from tokens, shape (n, t, LATENT), to tokens; None for none.

    Raises
    ------
    ValueError
        If `steps` is below 1.
    """

    def __init__(self, steps: int = 2, along: Callable[[], nn.Module] | None = Recurrent) -> None:
        super().__init__()
        if steps < 1:
            raise ValueError(f"steps is {steps}; allowed: whole numbers from 1")
        self.steps = steps
        self.pixels = nn.Sequential(
            _across(len(CHANNELS), 8, 5), _across(8, 16, 3), _across(16, 24, 3), nn.Flatten(1, 2)
        )
        self.mix = nn.Sequential(
            nn.Conv1d(24 * HEIGHT // 8 + len(FEATURES), LATENT, 3, padding=1), nn.BatchNorm1d(LATENT), nn.ReLU()
        )
        self.window = nn.Sequential(*(_Residual(dilation) for dilation in (1, 2, 4)))
        self.along = None if along is None else along()
        if along is not None:
            self.gather = nn.Conv1d(LATENT, LATENT, HOP, stride=HOP)
            self.spread = nn.ConvTranspose1d(LATENT, LATENT, HOP, stride=HOP)
        self.head = nn.Conv1d(LATENT, steps * (len(OFFSETS) + 1), 1)
        nn.init.zeros_(self.head.weight)
        start = -_SHARP * (torch.arange(len(OFFSETS)) - _MIDDLE).abs()
        self.head.bias = nn.Parameter(torch.cat([start.repeat(steps), torch.zeros(steps)]))

    def forward(self, pixels: torch.Tensor, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Judge windows.

        Parameters
        ----------
        pixels : tensor, shape (n, w, len(CHANNELS), HEIGHT), uint8
            See `digitize.refine.windows.Windows`; w is a multiple of `HOP`.
        features : tensor, shape (n, w, len(FEATURES))

        Returns
        -------
        logits : tensor, shape (n, w, steps, len(OFFSETS))
            Of the pen being at each offset, at ``x + k / steps``.
        sure : tensor, shape (n, w, steps)
            Logit of what is read there being right.
        """
        n, width = pixels.shape[:2]
        seen = self.pixels(pixels.permute(0, 2, 3, 1).float() / 255)
        latent = self.window(self.mix(torch.cat([seen, features.float().transpose(1, 2)], dim=1)))
        if self.along is not None:
            tokens = self.along(self.gather(latent).transpose(1, 2)).transpose(1, 2)
            latent = latent + self.spread(tokens)
        out = self.head(latent).transpose(1, 2)
        cut = self.steps * len(OFFSETS)
        return out[..., :cut].reshape(n, width, self.steps, len(OFFSETS)), out[..., cut:]


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
