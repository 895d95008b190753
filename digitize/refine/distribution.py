"""The network that says where in each column of a row's band the pen is: a distribution over y, finer than its cells.

A convolutional network that goes down to coarse cells, with the whole window in sight, and up again (Ronneberger et
al., 2015, "U-Net"). `FOLD` pixels become a cell; at the end every cell gives the logits of its own pixels at each of
its steps of time, and the softmax over a column of pixels is the distribution.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

from digitize.refine.bands import CHANNELS, FOLD, STEPS

SIZES = (16, 24, 32, 48, 64)
"""Channels of each level; every level has half of the cells of the one before, in both directions."""

_REACHES = (1, 2, 4)
"""Dilations along the strip on the last level: together they see the whole window."""
_FAR = 100.0
"""Pixels from the level that are one unit of its channel."""


class Cells(nn.Module):
    """Make features of the cells of bands, from the pixels in and around each and from where the row's level is.

    Parameters
    ----------
    size : int
        Channels.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.pixels = nn.Conv2d(
            len(CHANNELS), size, (2 * FOLD[0], 3 * FOLD[1]), stride=FOLD, padding=(FOLD[0] // 2, FOLD[1]), bias=False
        )
        self.place = nn.Conv2d(2, size, 1, bias=False)
        self.normalize = nn.BatchNorm2d(size)

    def forward(self, pixels: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
        """Features, shape (n, size, h / FOLD[0], w / FOLD[1]), of bands as `Distribution` takes them."""
        n, _, height, width = pixels.shape
        down, across = FOLD
        middle = down * torch.arange(height // down, device=level.device) + (down - 1) / 2
        away = (middle[:, None] - level.reshape(n, 1, width // across, across).mean(dim=3)) / _FAR
        place = torch.stack([away, torch.exp(-4 * away.square())], dim=1)
        seen = pixels.contiguous(memory_format=torch.channels_last).float() / 255
        found: torch.Tensor = functional.relu(self.normalize(self.pixels(seen) + self.place(place)))
        return found


class Distribution(nn.Module):
    """Where the pen is in each column of a band.

    Parameters
    ----------
    sizes : sequence of int
        Channels of each level.
    """

    def __init__(self, sizes: Sequence[int] = SIZES) -> None:
        super().__init__()
        self.start = Cells(sizes[0])
        self.down, self.across, self.up = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for depth, (finer, coarser) in enumerate(pairwise(sizes), start=2):
            reaches = _REACHES if depth == len(sizes) else (1, 1)
            halved = nn.Conv2d(finer, coarser, 2, stride=2, bias=False)
            self.down.append(
                nn.Sequential(halved, nn.BatchNorm2d(coarser), nn.ReLU(), *(_Residual(coarser, of) for of in reaches))
            )
            self.across.append(nn.Conv2d(coarser, finer, 1))
            self.up.append(_Residual(finer))
        self.head = nn.Conv2d(sizes[0], FOLD[0] * FOLD[1] * STEPS, 3, padding=1)
        for weight in self.head.parameters():
            nn.init.zeros_(weight)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, pixels: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
        """Judge bands.

        Parameters
        ----------
        pixels : tensor, shape (n, len(CHANNELS), h, w), uint8
            See `digitize.refine.bands.Band`; h is a multiple of 64, w of 32.
        level : tensor, shape (n, w)

        Returns
        -------
        tensor, shape (n, w, STEPS, h)
            Logit of the pen being at each pixel, at ``x + k / STEPS``.
        """
        n, _, height, width = pixels.shape
        found = self.start(pixels, level)
        finer = []
        for down in self.down:
            finer.append(found)
            found = down(found)
        for across, up in zip(reversed(self.across), reversed(self.up), strict=True):
            found = up(finer.pop() + functional.interpolate(across(found), scale_factor=2.0))
        logits: torch.Tensor = self.head(found).reshape(
            n, FOLD[0], FOLD[1] * STEPS, height // FOLD[0], width // FOLD[1]
        )
        return logits.permute(0, 4, 2, 3, 1).reshape(n, width, STEPS, height)


class _Residual(nn.Module):
    """Two convolutions, added to their input."""

    def __init__(self, size: int, reach: int = 1) -> None:
        super().__init__()
        self.layers = nn.Sequential(*_convolution(size, reach), nn.ReLU(), *_convolution(size, reach))

    def forward(self, found: torch.Tensor) -> torch.Tensor:
        return functional.relu(found + self.layers(found))


def _convolution(size: int, reach: int) -> tuple[nn.Module, nn.Module]:
    along = nn.Conv2d(size, size, 3, padding=(1, reach), dilation=(1, reach), bias=False)
    return along, nn.BatchNorm2d(size)
