"""Networks that look at a picture of a page: a compact ResNet, the place of every lead, statements, and the signal.

The trunk is a residual network (He et al. 2016) with torchvision's names, so that weights trained on ImageNet fit where
its width and depth are those of ResNet-18; a feature pyramid (Lin et al. 2017) gives every cell of 4 x 4 mm what is
around it. Of each cell that a strip's zero line runs through, the signal head says which lead it is and how high the
pen stands in each of its columns. Where the leads lie is also where the statement head looks for them: it averages the
cells' features by lead, and takes their maxima, so that V1 is told from V6 whatever the layout.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from classify.picture.picture import HEIGHT, WIDTH
from classify.signal.network import FEATURES, ArrhythmiaNetwork
from classify.statements import STATEMENTS
from digitize.records.layouts import LEAD_NAMES

CELL = 8
"""Pixels of a cell's side."""

CELLS = (HEIGHT // CELL, WIDTH // CELL)
"""Rows and columns of cells."""

NOWHERE = len(LEAD_NAMES)
"""Class of a cell that no zero line runs through; those before are leads."""

LOOKED = 192
"""Length of `PictureNetwork.features` of a picture."""

_AROUND = 48
_USUAL_INK = 0.05


class Seen(NamedTuple):
    """Outputs of a network for pictures.

    Attributes
    ----------
    logits : Tensor, shape (B, outputs)
        Of the statements.
    leads : Tensor, shape (B, NOWHERE + 1, rows, columns)
        Logits of each cell's lead.
    pen : Tensor, shape (B, CELL, rows, columns)
        Pixels by which the pen stands below the cell's middle, in each of its columns, left to right.
    """

    logits: Tensor
    leads: Tensor
    pen: Tensor


class Block(nn.Module):
    """Two convolutions, added to their input: torchvision's basic block.

    Parameters
    ----------
    n_in, n_out : int
        Channels.
    stride : int
    """

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(n_out)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(n_out)
        same = n_in == n_out and stride == 1
        short = nn.Sequential(nn.Conv2d(n_in, n_out, 1, stride, bias=False), nn.BatchNorm2d(n_out))
        self.downsample = nn.Identity() if same else short

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, n_in, h, w) to (B, n_out, h / stride, w / stride)."""
        y = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(self.bn2(self.conv2(y)) + self.downsample(x))


class Trunk(nn.Module):
    """A residual network in four stages, each of half the resolution and twice the channels of the one before.

    Parameters
    ----------
    width : int
        Channels of the first stage.
    blocks : int
        Of each stage; a width of 64 and two blocks are ResNet-18.
    """

    def __init__(self, width: int, blocks: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        sizes = [width * 2**stage for stage in range(4)]
        self.layer1 = _stage(width, sizes[0], 1, blocks)
        self.layer2, self.layer3, self.layer4 = (_stage(before, size, 2, blocks) for before, size in pairwise(sizes))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Map (B, 1, h, w) to the last three stages, 8, 16 and 32 pixels a cell."""
        x = _as_weights(self.conv1(x), next(self.layer1.parameters()))
        x = functional.max_pool2d(functional.relu(self.bn1(x)), 3, 2, 1)
        second = self.layer2(self.layer1(x))
        third = self.layer3(second)
        return second, third, self.layer4(third)


class PictureNetwork(nn.Module):
    """Statements and signal of pictures.

    Parameters
    ----------
    width, blocks : int
        Of the `Trunk`.
    outputs : int
        Logits; by default one a statement.
    dropout : float
        Share of features dropped in training.

    Examples
    --------
    >>> network = PictureNetwork().eval()
    >>> seen = network(torch.zeros(2, 1, HEIGHT, WIDTH, dtype=torch.uint8))
    >>> seen.logits.shape[1] == len(STATEMENTS), seen.leads.shape, seen.pen.shape
    (True, torch.Size([2, 13, 56, 76]), torch.Size([2, 8, 56, 76]))
    """

    def __init__(self, width: int = 24, blocks: int = 1, outputs: int = len(STATEMENTS), dropout: float = 0.3) -> None:
        super().__init__()
        self.trunk = Trunk(width, blocks)
        self.side = nn.ModuleList(nn.Conv2d(width * 2**stage, _AROUND, 1) for stage in (1, 2, 3))
        self.around = nn.Sequential(
            nn.Conv2d(_AROUND, _AROUND, 3, padding=1, bias=False), nn.BatchNorm2d(_AROUND), nn.ReLU()
        )
        self.leads = nn.Conv2d(_AROUND, NOWHERE + 1, 1)
        self.pen = nn.Conv2d(_AROUND, CELL, 1)
        self.gather = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(2 * NOWHERE * _AROUND + NOWHERE + 2 * 8 * width, LOOKED),
            nn.ReLU(),
        )
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(LOOKED, outputs))

    def forward(self, pictures: Tensor) -> Seen:
        """Look at pictures (B, 1, HEIGHT, WIDTH) of uint8, `Picture.ink`."""
        features, leads, pen = self.look(pictures)
        return Seen(self.head(features), leads, pen)

    def features(self, pictures: Tensor) -> Tensor:
        """Compute what the logits are made of, (B, LOOKED)."""
        return self.look(pictures)[0]

    def look(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Compute the features of pictures, and the signal head's output; see `Seen`."""
        stages = self.trunk(pictures.float() / 255 - _USUAL_INK)
        cells = self.side[2](stages[2])
        for stage in (1, 0):
            cells = functional.interpolate(cells, scale_factor=2.0, mode="nearest") + self.side[stage](stages[stage])
        cells = self.around(cells)
        leads, pen = self.leads(cells), self.pen(cells)
        return self.gather(torch.cat([_by_lead(cells, leads), _overall(stages[2])], 1)), leads, pen


class DualNetwork(nn.Module):
    """Statements of pages from picture and signal: the features of both streams, joined.

    Parameters
    ----------
    width, blocks : int
        Of the picture's `Trunk`.
    outputs : int
    dropout : float
    """

    def __init__(self, width: int = 24, blocks: int = 1, outputs: int = len(STATEMENTS), dropout: float = 0.3) -> None:
        super().__init__()
        self.picture = PictureNetwork(width, blocks, outputs, dropout)
        self.signal = ArrhythmiaNetwork(outputs, dropout)
        # One head for both.
        self.picture.head = nn.Sequential()
        self.signal.head = nn.Sequential()
        self.head = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(LOOKED + FEATURES, LOOKED),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(LOOKED, outputs),
        )

    def forward(self, pictures: Tensor, *inputs: Tensor) -> Seen:
        """Look at pictures and at what `classify.signal.network.INPUTS` names of the same pages.

        A page without a signal has an input of zeros, without a rhythm strip.
        """
        features, leads, pen = self.picture.look(pictures)
        return Seen(self.head(torch.cat([features, self.signal.features(*inputs)], 1)), leads, pen)


def _by_lead(cells: Tensor, leads: Tensor) -> Tensor:
    """Pool the cells' features over where each lead lies, by mean and maximum, and tell how much of it is seen."""
    where = functional.log_softmax(leads.float(), 1)[:, :NOWHERE].flatten(2)
    flat = cells.flatten(2)
    share = where.exp()
    size = share.sum(2)
    mean = torch.bmm(share.to(flat.dtype), flat.transpose(1, 2)) / (size[..., None] + 1.0)
    # A cell counts towards a lead's maximum as far as it is that lead's.
    weight = share.to(flat.dtype)
    with torch.no_grad():
        at = torch.stack([(flat * weight[:, lead : lead + 1]).max(2).indices for lead in range(NOWHERE)], 1)
    # Only where the maxima are, a gradient has anything to do.
    most = flat.gather(2, at.transpose(1, 2)).transpose(1, 2) * weight.gather(2, at)
    return torch.cat([mean.flatten(1), most.flatten(1), size / 20], 1)


def _as_weights(x: Tensor, weight: Tensor) -> Tensor:
    """Lay channels out as in the weights: from one channel they come out otherwise, and are slow to pool."""
    last = weight.is_contiguous(memory_format=torch.channels_last)
    return x.contiguous(memory_format=torch.channels_last) if last else x


def _stage(n_in: int, n_out: int, stride: int, blocks: int) -> nn.Sequential:
    return nn.Sequential(Block(n_in, n_out, stride), *(Block(n_out, n_out, 1) for _ in range(1, blocks)))


def _overall(stage: Tensor) -> Tensor:
    return torch.cat([stage.mean((2, 3)), stage.amax((2, 3))], 1)
