"""The network behind `digitize.ink.look`: a U-Net over pixels that are folded into channels.

Folded, a network of few channels sees two centimeters of paper at once, which tells a grid's line from a trace, and
still knows every pixel (Ronneberger et al. 2015, "U-Net"; Shi et al. 2016, the sub-pixel convolution).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from digitize.records.kinds import KINDS

DILATIONS = (2, 4)
"""Of the residual layers at the coarsest level."""


class LookNetwork(nn.Module):
    """A network that says of every pixel of a page what is printed there.

    Parameters
    ----------
    fold : int
        Side of the squares of pixels that are folded into channels.
    channels : sequence of int
        Of each level; every level has half the resolution of the one before.

    Examples
    --------
    >>> network = LookNetwork(4, (8, 16)).eval()
    >>> network(torch.zeros(1, 3, 64, 96, dtype=torch.uint8)).shape
    torch.Size([1, 7, 64, 96])
    """

    def __init__(self, fold: int, channels: Sequence[int]) -> None:
        super().__init__()
        self.fold = fold
        self.multiple = fold * 2 ** (len(channels) - 1)
        self.first = nn.Conv2d(3 * fold**2, channels[0], 3, padding=1)
        self.inward = nn.ModuleList(Residual(number) for number in channels[:-1])
        self.down = nn.ModuleList(nn.Conv2d(fine, coarse, 2, stride=2) for fine, coarse in pairwise(channels))
        self.bottom = nn.Sequential(*(Residual(channels[-1], dilation) for dilation in DILATIONS))
        self.up = nn.ModuleList(nn.Conv2d(coarse, fine, 1) for fine, coarse in pairwise(channels))
        self.outward = nn.ModuleList(Residual(number) for number in channels[:-1])
        self.last = nn.Conv2d(channels[0], len(KINDS) * fold**2, 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Judge pictures.

        Parameters
        ----------
        image : tensor, shape (n, 3, h, w), uint8
            RGB; h and w are multiples of `multiple`.

        Returns
        -------
        tensor, shape (n, len(KINDS), h, w)
            Logits.
        """
        return functional.pixel_shuffle(self.judge(functional.pixel_unshuffle(image, self.fold)), self.fold)

    def judge(self, squares: torch.Tensor) -> torch.Tensor:
        """Judge pictures whose pixels are folded.

        Parameters
        ----------
        squares : tensor, shape (n, 3 * fold ** 2, h / fold, w / fold), uint8

        Returns
        -------
        tensor, shape (n, len(KINDS) * fold ** 2, h / fold, w / fold)
            Logits.
        """
        seen = self.first(squares.float().div_(255).sub_(0.5))
        passed = []
        for layer, down in zip(self.inward, self.down, strict=True):
            passed.append(layer(seen))
            seen = down(passed[-1])
        seen = self.bottom(seen)
        for layer, up, beside in zip(reversed(self.outward), reversed(self.up), reversed(passed), strict=True):
            seen = layer(functional.interpolate(up(seen), scale_factor=2.0) + beside)
        judged: torch.Tensor = self.last(seen)
        return judged

    def fold_normalization(self) -> None:
        """Fold the normalization into the convolutions, in place, for evaluation: the same outputs in less time."""
        for module in self.modules():
            if isinstance(module, Residual):
                module.fold_normalization()


class Residual(nn.Module):
    """Two convolutions, added to their input."""

    def __init__(self, channels: int, dilation: int = 1) -> None:
        super().__init__()
        self.first, self.second = (
            nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation, bias=False) for _ in range(2)
        )
        self.normal: nn.Module = nn.BatchNorm2d(channels)
        self.last: nn.Module = nn.BatchNorm2d(channels)

    def fold_normalization(self) -> None:
        """Fold the normalization into the convolutions, in place."""
        if isinstance(self.normal, nn.BatchNorm2d) and isinstance(self.last, nn.BatchNorm2d):
            self.first = fuse_conv_bn_eval(self.first, self.normal)
            self.second = fuse_conv_bn_eval(self.second, self.last)
            self.normal, self.last = nn.Identity(), nn.Identity()

    def forward(self, seen: torch.Tensor) -> torch.Tensor:
        """Shape (n, channels, h, w) to the same."""
        added: torch.Tensor = self.last(self.second(self.normal(self.first(seen)).relu_()))
        return (seen + added).relu_()
