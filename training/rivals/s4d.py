"""A structured state space network with diagonal states: S4D (Gu et al. 2022).

"On the parameterization and initialization of diagonal state space models": each channel is filtered by a linear system
of diagonal states, which begin as S4D-Lin, discretised by zero-order hold. The whole response is one long convolution,
made by Fourier transform, here in both directions of time. Mehari and Strodthoff 2022 ("Advancing the state-of-the-art
for ECG analysis through structured state space models") found such networks best on PTB-XL; four layers are theirs.
Frames of 40 ms are not: they keep a fit on a plain CPU within hours.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from classify.statements import STATEMENTS
from digitize.layouts import LEAD_NAMES

_FRAME = 4
_WIDTH = 320
_STATES = 8
_LAYERS = 4
_STEPS = (1e-3, 1e-1)


class S4d(nn.Module):
    """Logits of every statement from sheets, by state space layers and the mean over time.

    Parameters
    ----------
    outputs : int
        Logits; by default one a statement.
    dropout : float
        Share of features dropped in training; a third of it within the layers.

    Examples
    --------
    >>> S4d(3).eval()(*torch.zeros(2, 5, 12, 1000)).shape
    torch.Size([5, 3])
    """

    def __init__(self, outputs: int = len(STATEMENTS), dropout: float = 0.3) -> None:
        super().__init__()
        self.frames = nn.Conv1d(2 * len(LEAD_NAMES), _WIDTH, _FRAME, _FRAME)
        self.layers = nn.Sequential(*(_Layer(_WIDTH, dropout / 3) for _ in range(_LAYERS)))
        self.head = nn.Sequential(nn.LayerNorm(_WIDTH), nn.Dropout(dropout), nn.Linear(_WIDTH, outputs))

    def forward(self, signal: Tensor, seen: Tensor) -> Tensor:
        """From signal and seen, (B, 12, n) each, to (B, outputs)."""
        told = self.layers(self.frames(torch.cat([signal, seen], 1)).transpose(1, 2))
        logits: Tensor = self.head(told.mean(1))
        return logits


class Filters(nn.Module):
    """One linear system a channel, in both directions of time.

    Parameters
    ----------
    width : int
        Channels.
    states : int
        Complex states of each, which stand for as many conjugate pairs.
    """

    def __init__(self, width: int, states: int) -> None:
        super().__init__()
        low, high = (math.log(step) for step in _STEPS)
        self.log_step = nn.Parameter(torch.rand(width) * (high - low) + low)
        self.log_decay = nn.Parameter(torch.full((width, states), math.log(0.5)))
        self.frequency = nn.Parameter(math.pi * torch.arange(states).repeat(width, 1))
        self.read_out = nn.Parameter(torch.randn(2, width, states, 2) * math.sqrt(0.5))
        self.through = nn.Parameter(torch.randn(width))

    def response(self, n: int) -> Tensor:
        """Responses to an impulse forward and backward in time, (2, width, n)."""
        pole = torch.complex(-self.log_decay.exp(), self.frequency)
        turned = pole * self.log_step.exp()[:, None]
        weight = torch.view_as_complex(self.read_out) * (turned.exp() - 1) / pole
        powers = (turned[:, :, None] * torch.arange(n, device=turned.device)).exp()
        return 2 * torch.einsum("dws,wsn->dwn", weight, powers).real

    def forward(self, x: Tensor) -> Tensor:
        """From (B, n, width) to the same."""
        n = x.shape[1]
        ahead, back = self.response(n)
        # Backward responses stand at the end of the circle, the first of them at the sample before.
        kernel = torch.cat([ahead, back.flip(1)], 1)
        # Fourier transforms know no bfloat16.
        filtered: Tensor = _Filtered.apply(x.float(), kernel.T)
        return filtered + self.through * x


class _Filtered(torch.autograd.Function):
    """Circular convolution over twice the samples, cut to as many as there were.

    Its gradients are correlations, made by transforms of real numbers; those that PyTorch derives by itself are of
    complex ones and take most of a step.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, kernel: Tensor) -> Tensor:
        """From (B, n, width) and (2 n, width) to (B, n, width)."""
        spectra = torch.fft.rfft(x, len(kernel), dim=1), torch.fft.rfft(kernel, dim=0)
        ctx.save_for_backward(*spectra)
        return torch.fft.irfft(spectra[0] * spectra[1], len(kernel), dim=1)[:, : x.shape[1]]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        """Gradients by x and by the kernel."""
        of_x, of_kernel = ctx.saved_tensors
        n = gradient.shape[1]
        of_gradient = torch.fft.rfft(gradient, 2 * n, dim=1)
        return (
            torch.fft.irfft(of_gradient * of_kernel.conj(), 2 * n, dim=1)[:, :n],
            torch.fft.irfft((of_gradient * of_x.conj()).sum(0), 2 * n, dim=0),
        )


class _Layer(nn.Module):
    """Filters and a gate, added to their input."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.filters = nn.Sequential(nn.LayerNorm(width), Filters(width, _STATES), nn.GELU(), nn.Dropout(dropout))
        self.mix = nn.Sequential(nn.Linear(width, 2 * width), nn.GLU(), nn.Dropout(dropout))

    def forward(self, x: Tensor) -> Tensor:
        mixed: Tensor = self.mix(self.filters(x))
        return x + mixed
