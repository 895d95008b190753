"""Readers of row bands: the one that ships, and those that it is chosen from.

Each finds where the pen is at every step of a row's band (`digitize.refine.bands`):

- ``"distribution"``: as a distribution over y in every column, decoded along the row (`digitize.refine.distribution`);
- ``"cnn"``: a CNN over sliding windows that predicts the signal directly;
- ``"lstm"``: the windows into an LSTM, and an LSTM that decodes the signal, hop after hop, from what it said before
  (Hochreiter and Schmidhuber, 1997; Sutskever et al., 2014);
- ``"transformer"``: self-attention over the windows, and a transformer that decodes so (Vaswani et al., 2017).

The last three share the configuration of the windowed CNN and the size of its latent.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from digitize.records.traces import Traces
from digitize.records.weights import load_trained
from digitize.refine.bands import FOLD, HEIGHTS, STEPS, Bands
from digitize.refine.correct import TraceRefiner
from digitize.refine.distribution import Cells, Distribution
from digitize.refine.layers import Layers, layers_of
from digitize.refine.read import LENGTH, read_bands, slide, with_paths
from papertrace.training.band_segments import Batch, truth_at_steps
from papertrace.training.loop import Forward

LATENT = 64
"""Size of the latent of a window."""

HOP = 4
"""Columns from one window to the next."""

HEIGHT = HEIGHTS[-1]
"""Height of the bands of readers that predict the signal directly."""

UNIT = 100.0
"""Pixels of a unit of what they say."""

_FLOOR = 0.02
"""Squared pixels below which an error is no longer worth a loss."""
_BLUNT = 1.0
"""Half width, in pixels, of the target of a distribution where the pen runs level."""
_NOISE = 0.03
"""Noise, in units, that is added to what a decoder is told to have said before: it will err."""


class WindowCnn(nn.Module):
    """Latents of windows that slide along a band."""

    def __init__(self) -> None:
        super().__init__()
        self.cells = Cells(16)
        self.look = nn.Sequential(
            _strided(16, 24, (2, 2)),
            _strided(24, 32, (2, 1)),
            _strided(32, 48, (2, 1)),
            _strided(48, 48, (2, 1)),
            nn.Flatten(1, 2),
        )
        self.mix = nn.Sequential(nn.Conv1d(48 * HEIGHT // 64, LATENT, 1), nn.BatchNorm1d(LATENT), nn.ReLU())
        self.window = nn.Sequential(*(_Residual(reach) for reach in (1, 2, 4)))
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, pixels: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
        """Latents, shape (n, w / HOP, LATENT), of bands."""
        found: torch.Tensor = self.window(self.mix(self.look(self.cells(pixels, level))))
        return found.transpose(1, 2)


class DirectReader(nn.Module):
    """A reader that says the signal itself, and how sure it is.

    Parameters
    ----------
    decoder : Module or None
        Says a hop after the other; None for all hops by themselves.
    """

    def __init__(self, decoder: nn.Module | None = None) -> None:
        super().__init__()
        self.windows = WindowCnn()
        self.decoder = decoder
        self.head = nn.Linear(LATENT, 2 * HOP * STEPS)
        for weight in self.head.parameters():
            nn.init.zeros_(weight)

    def forward(
        self, pixels: torch.Tensor, level: torch.Tensor, said: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Read bands.

        Parameters
        ----------
        pixels : tensor, shape (n, len(CHANNELS), HEIGHT, w), uint8
        level : tensor, shape (n, w)
            See `digitize.refine.bands.Band`; w is a multiple of `HOP`.
        said : tensor, shape (n, w, STEPS), optional
            What a decoder is told to have said before, units from the level; by default what it says.

        Returns
        -------
        away : tensor, shape (n, w, STEPS)
            Units from the level to the pen.
        sure : tensor, shape (n, w, STEPS)
            Logit of that being right.
        """
        latents = self.windows(pixels, level)
        if self.decoder is None:
            return _unfolded(self.head(latents))
        if said is not None:
            hops = said.reshape(*latents.shape[:2], -1)
            before = torch.cat([torch.zeros_like(hops[:, :1]), hops[:, :-1]], dim=1)
            return _unfolded(self.head(self.decoder(latents, before)))
        return _unfolded(self.decoder.decode(latents, self.head))  # type: ignore[operator]


class RecurrentDecoder(nn.Module):
    """An LSTM reads the latents, both ways; another writes the signal from them and from what it wrote before."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.LSTM(LATENT, LATENT // 2, batch_first=True, bidirectional=True)
        self.writer = nn.LSTM(LATENT + HOP * STEPS, LATENT, batch_first=True)

    def forward(self, latents: torch.Tensor, before: torch.Tensor) -> torch.Tensor:
        """What to say of every hop, shape (n, t, LATENT), where what was said before it is known."""
        read, state = self._read(latents)
        written: torch.Tensor = self.writer(torch.cat([read, before], dim=2), state)[0]
        return written

    def decode(self, latents: torch.Tensor, head: nn.Module) -> torch.Tensor:
        """Say one hop after the other, shape (n, t, outputs of the head)."""
        read, state = self._read(latents)
        before = latents.new_zeros(len(latents), 1, HOP * STEPS)
        told = []
        for hop in range(latents.shape[1]):
            written, state = self.writer(torch.cat([read[:, hop : hop + 1], before], dim=2), state)
            told.append(head(written))
            before = told[-1][..., : HOP * STEPS]
        return torch.cat(told, dim=1)

    def _read(self, latents: torch.Tensor) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor]]:
        read, (hidden, cell) = self.encoder(latents)
        both = [torch.cat([part[0], part[1]], dim=1)[None] for part in (hidden, cell)]
        return read, (both[0], both[1])


class AttentiveDecoder(nn.Module):
    """Self-attention over the latents; a transformer writes the signal, asking them and what it wrote before."""

    def __init__(self, layers: int = 2, heads: int = 4) -> None:
        super().__init__()
        encoding = nn.TransformerEncoderLayer(LATENT, heads, 2 * LATENT, 0.0, batch_first=True, norm_first=True)
        decoding = nn.TransformerDecoderLayer(LATENT, heads, 2 * LATENT, 0.0, batch_first=True, norm_first=True)
        # Nested tensors have no use here: every token counts.
        self.encoder = nn.TransformerEncoder(encoding, layers, enable_nested_tensor=False)
        self.writer = nn.TransformerDecoder(decoding, layers)
        self.tell = nn.Linear(HOP * STEPS, LATENT)

    def forward(self, latents: torch.Tensor, before: torch.Tensor) -> torch.Tensor:
        """What to say of every hop, shape (n, t, LATENT), where what was said before it is known."""
        return self._write(self._read(latents), before)

    def decode(self, latents: torch.Tensor, head: nn.Module) -> torch.Tensor:
        """Say one hop after the other, shape (n, t, outputs of the head)."""
        read = self._read(latents)
        before = latents.new_zeros(len(latents), 1, HOP * STEPS)
        for _ in range(latents.shape[1]):
            told: torch.Tensor = head(self._write(read, before))
            before = torch.cat([before, told[:, -1:, : HOP * STEPS]], dim=1)
        return told

    def _read(self, latents: torch.Tensor) -> torch.Tensor:
        read: torch.Tensor = self.encoder(latents + places_of(latents.shape[1]).to(latents))
        return read

    def _write(self, read: torch.Tensor, before: torch.Tensor) -> torch.Tensor:
        count = before.shape[1]
        # Each hop is asked with its own window.
        asked = self.tell(before) + read[:, :count]
        mask = nn.Transformer.generate_square_subsequent_mask(count).to(read)
        written: torch.Tensor = self.writer(asked, read, tgt_mask=mask, tgt_is_causal=True)
        return written


def places_of(count: int, size: int = LATENT) -> torch.Tensor:
    """Make the sines and cosines that tell tokens their places, shape (count, size)."""
    rate = torch.exp(torch.arange(0, size, 2) * (-math.log(10_000.0) / size))
    angle = torch.arange(count)[:, None] * rate
    return torch.stack([angle.sin(), angle.cos()], dim=2).flatten(1)


def distribution_loss(network: Forward, batch: Batch) -> torch.Tensor:
    """Cross-entropy with a peak where the pen is, as wide as it is steep, and the logarithm of the mean's error.

    Parameters
    ----------
    network : callable
        A `digitize.refine.distribution.Distribution`.
    batch : Batch

    Returns
    -------
    tensor, shape ()
    """
    log = torch.log_softmax(network(batch.pixels, batch.level), dim=-1)
    y = torch.arange(log.shape[-1], device=log.device, dtype=log.dtype)
    truth, half = truth_at_steps(batch.truth), _half_rise(batch.truth)
    known = torch.isfinite(truth) & torch.isfinite(half) & (truth >= 0) & (truth <= len(y) - 1)
    truth, half = (torch.where(known, part, 0.0) for part in (truth, half))
    peak = (1 - (y - truth[..., None]).abs() / (_BLUNT + 1.5 * half[..., None])).clamp_min(0)
    target = peak / peak.sum(dim=-1, keepdim=True)
    entropy = -(target * log).sum(dim=-1)[known].mean()
    return entropy + _ratio_loss(log.exp() @ y - truth, known)


def direct_loss(network: Forward, batch: Batch) -> torch.Tensor:
    """Logarithm of the error, the error itself, and whether the network knows where it is right.

    Parameters
    ----------
    network : callable
        A `DirectReader`.
    batch : Batch

    Returns
    -------
    tensor, shape ()
    """
    away = (truth_at_steps(batch.truth) - batch.level[..., None]) / UNIT
    known = torch.isfinite(away)
    away = torch.where(known, away, 0.0)
    said, sure = network(batch.pixels, batch.level, away + _NOISE * torch.randn_like(away))
    error: torch.Tensor = (said - away) * UNIT
    right = (error.detach().abs() < 10.0).float()
    doubt: torch.Tensor = nn.functional.binary_cross_entropy_with_logits(sure[known], right[known])
    return _ratio_loss(error, known) + error[known].abs().mean() / UNIT + 0.1 * doubt


def _ratio_loss(error: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Logarithm of each band's squared error: the ratio in decibels, but for a factor."""
    count = known.sum(dim=(1, 2))
    square = (error.square() * known).sum(dim=(1, 2)) / count.clamp_min(1)
    return torch.log10(square + _FLOOR)[count > 0].mean()


def _half_rise(truth: torch.Tensor) -> torch.Tensor:
    """Half of what the pen rises or falls within each step, from the truth, shape (n, w, QUARTERS), at its quarters."""
    fine = truth.flatten(1)
    before, after = nn.functional.pad(fine, (1, 0))[:, :-1], nn.functional.pad(fine, (0, 1))[:, 1:]
    # A band's first and last quarters have one neighbor only.
    before[:, 0], after[:, -1] = fine[:, 0], fine[:, -1]
    return truth_at_steps((after - before).abs().reshape(truth.shape) / 2)


def read_directly(layers: Layers, network: DirectReader) -> tuple[Traces, NDArray[np.float32]]:
    """Read the traces of a page by a reader that says the signal itself.

    Parameters
    ----------
    layers : Layers
        Not modified.
    network : DirectReader
        Set to evaluation.

    Returns
    -------
    traces : Traces
    right : ndarray, shape (rows, w), float32
        Logit that they are.
    """
    bands, (rows, width) = Bands(layers), layers.rows.level.shape
    whole = max(width, LENGTH) + FOLD[1]
    away, sure = np.zeros((2, rows, whole, STEPS), np.float32)
    for row in range(rows):
        for of in slide(bands, row, HEIGHT, network):
            here = slice(of.start + of.inner, of.start + LENGTH)
            away[row, here], sure[row, here] = (part[of.inner :] for part in of.said)
    paths = layers.rows.level[..., None] + UNIT * away[:, :width]
    return with_paths(layers.traces, paths), sure[:, :width, 0]


def _strided(inputs: int, outputs: int, stride: tuple[int, int]) -> nn.Sequential:
    """Convolve cells and take every other one of them."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )


class _Residual(nn.Module):
    """Two convolutions along the strip, added to their input."""

    def __init__(self, reach: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(LATENT, LATENT, 5, padding=2 * reach, dilation=reach),
            nn.BatchNorm1d(LATENT),
            nn.ReLU(),
            nn.Conv1d(LATENT, LATENT, 3, padding=reach, dilation=reach),
            nn.BatchNorm1d(LATENT),
        )

    def forward(self, latent: torch.Tensor) -> torch.Tensor:
        return torch.relu(latent + self.layers(latent))


def _unfolded(told: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Signal and certainty, shape (n, w, STEPS) each, from what is told of every hop, shape (n, t, 2 HOP STEPS)."""
    away, sure = told.split(HOP * STEPS, dim=2)
    return away.reshape(len(told), -1, STEPS), sure.reshape(len(told), -1, STEPS)


@dataclass(frozen=True)
class Reader:
    """A way to read bands.

    Attributes
    ----------
    make : callable
        Makes an untrained network.
    heights : tuple of int
        Of the bands that it takes.
    loss : callable
        Of a network, called like the module, on a batch.
    read : callable
        Reads the traces of a page by a network.
    """

    make: Callable[[], nn.Module]
    heights: tuple[int, ...]
    loss: Callable[[Forward, Batch], torch.Tensor]
    read: Callable[[Layers, Any], tuple[Traces, NDArray[np.float32]]]


READERS = {
    "distribution": Reader(Distribution, HEIGHTS, distribution_loss, read_bands),
    "cnn": Reader(DirectReader, (HEIGHT,), direct_loss, read_directly),
    "lstm": Reader(lambda: DirectReader(RecurrentDecoder()), (HEIGHT,), direct_loss, read_directly),
    "transformer": Reader(lambda: DirectReader(AttentiveDecoder()), (HEIGHT,), direct_loss, read_directly),
}


def load_reader(path: Path) -> TraceRefiner:
    """Load what `papertrace.training.bands` left, as what reads the traces of a page.

    Parameters
    ----------
    path : Path
        The ``.safetensors`` file.

    Returns
    -------
    callable

    Raises
    ------
    FileNotFoundError, ValueError
        See `digitize.records.weights.load_trained`.
    """
    network, record = load_trained(path, lambda record: READERS[record["reader"]].make())
    read = READERS[record["reader"]].read
    return lambda analysis: read(layers_of(analysis), network)
