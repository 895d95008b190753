"""Classes of single beats from their pictures, by a network that was trained on a folder a class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from classify.picture.network import Trunk
from digitize.records.weights import load_trained

SIDE = 96
"""Pixels of a picture's side, as the network sees it."""

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp")
"""Names of pictures end so."""

NAME = "beat_images.safetensors"
"""File of the weights; the training record lies beside it, with the suffix ``.json``."""

_USUAL_INK = 0.1


class BeatImageNetwork(nn.Module):
    """Logits of classes from pictures of beats: the trunk of the pages' networks, and what lies where in the picture.

    Parameters
    ----------
    classes, width, blocks : int
        Outputs; of the `classify.picture.network.Trunk`.

    Examples
    --------
    >>> BeatImageNetwork(5, 16, 1).eval()(torch.zeros(2, 1, SIDE, SIDE, dtype=torch.uint8)).shape
    torch.Size([2, 5])
    """

    def __init__(self, classes: int, width: int, blocks: int) -> None:
        super().__init__()
        self.trunk = Trunk(width, blocks)
        self.head = nn.Sequential(nn.Dropout(0.3), nn.Linear(8 * width * 9, classes))

    def forward(self, pictures: Tensor) -> Tensor:
        """Map (B, 1, SIDE, SIDE) of uint8, `read_beat_image`, to (B, classes)."""
        last = self.trunk(pictures.float() / 255 - _USUAL_INK)[2]
        logits: Tensor = self.head(functional.adaptive_avg_pool2d(last, 3).flatten(1))
        return logits


@dataclass(frozen=True)
class BeatImageWeights:
    """A trained network and its classes.

    Attributes
    ----------
    network : BeatImageNetwork
        Set to evaluation.
    classes : tuple of str
    version : str
    """

    network: BeatImageNetwork
    classes: tuple[str, ...]
    version: str


def read_beat_image(file: Path) -> NDArray[np.uint8]:
    """Read the picture of a beat.

    Parameters
    ----------
    file : Path

    Returns
    -------
    ndarray, shape (SIDE, SIDE), uint8
        255 where the stroke is.

    Raises
    ------
    ValueError
        If it cannot be read.
    """
    picture = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise ValueError(f"{file}: cannot be read; allowed: {', '.join(SUFFIXES)}")
    small = np.asarray(cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)
    # Strokes are what there is less of, on white and on black.
    return 255 - small if np.median(small) > 127 else small


def load_beat_images(folder: Path) -> BeatImageWeights:
    """Load what ``python -m papertrace.training.beat_images train`` left.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    BeatImageWeights

    Raises
    ------
    FileNotFoundError, ValueError
        See `digitize.records.weights.load_trained`.
    """

    def build(record: dict[str, Any]) -> BeatImageNetwork:
        configuration = record["configuration"]
        return BeatImageNetwork(len(record["classes"]), configuration["width"], configuration["blocks"])

    network, record = load_trained(folder / NAME, build)
    return BeatImageWeights(network, tuple(record["classes"]), str(record["version"]))


def predict_beat_images(
    network: BeatImageNetwork, ink: Sequence[NDArray[np.uint8]] | NDArray[np.uint8], batch_size: int = 256
) -> NDArray[np.float32]:
    """Compute the probability of every class.

    Parameters
    ----------
    network : BeatImageNetwork
        It is set to evaluation, and left so.
    ink : sequence of ndarray, shape (SIDE, SIDE), uint8
        See `read_beat_image`.
    batch_size : int

    Returns
    -------
    ndarray, shape (pictures, classes), float32

    Examples
    --------
    >>> predict_beat_images(BeatImageNetwork(5, 4, 1), np.zeros((3, SIDE, SIDE), np.uint8)).sum(1).round(3)
    array([1., 1., 1.], dtype=float32)
    """
    network.eval()
    with torch.inference_mode():
        parts = [network(part[:, None]).softmax(1) for part in torch.from_numpy(np.asarray(ink)).split(batch_size)]
    return np.asarray(torch.cat(parts).numpy(), np.float32)
