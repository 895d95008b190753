"""Look at an upright page: say of every pixel which kind of print it is, by a small network that slides over the page.

The matting of `digitize.ink.coverage` knows to a tenth of a pixel where ink ends, but not what is ink: where the light
changes, what is left of the grid stands in it. The network knows what is ink: a trace, a pulse, a name, whatever paper,
light and grid lie around it. The weights were trained on pages that `papertrace.synth` prints
(``python -m papertrace.training.look``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digitize.records.kinds import KINDS
from digitize.records.weights import check_names, load_trained

if TYPE_CHECKING:
    from digitize.ink.network import LookNetwork

WEIGHTS = Path(__file__).parents[1] / "weights" / "look.safetensors"
"""The weights; their training record lies beside them, with the suffix ``.json``."""

_BAND = 1536
"""Rows of pixels that are judged at a time."""
_MARGIN = 64
"""Rows above and below them that the network sees too."""


@dataclass(frozen=True, eq=False)
class Look:
    """Which kind of print every pixel of an upright page is.

    Attributes
    ----------
    kinds : ndarray, shape (len(KINDS), h, w), uint8
        Probability of each kind, 255 where it is certain.
    """

    kinds: NDArray[np.uint8]

    def of(self, *kinds: str) -> NDArray[np.uint8]:
        """Probability of the likeliest of some `KINDS`, shape (h, w), 255 where it is certain."""
        first, *others = (self.kinds[KINDS.index(kind)] for kind in kinds)
        for other in others:
            first = cv2.max(first, other)
        return np.asarray(first, np.uint8)


Looker = Callable[[NDArray[np.uint8], NDArray[np.bool_]], Look]
"""Looks at an upright page, and is told where there is paper: `look_at`, or anything that does the same."""


def look_at(image: NDArray[np.uint8], paper: NDArray[np.bool_], network: LookNetwork | None = None) -> Look:
    """Say of every pixel of an upright page what is printed there.

    Parameters
    ----------
    image : ndarray, shape (h, w, 3), uint8
        RGB, at `digitize.records.upright.PIXELS_PER_MM`.
    paper : ndarray, shape (h, w), bool
        Where there is paper: beside it nothing is looked for.
    network : LookNetwork, optional
        By default the one that comes with the package.

    Returns
    -------
    Look

    Raises
    ------
    FileNotFoundError
        If no network is given and the package's weights are missing.

    Examples
    --------
    >>> from digitize.ink.network import LookNetwork
    >>> untrained = LookNetwork(4, (8, 12)).eval()
    >>> page, paper = np.full((400, 600, 3), 250, np.uint8), np.ones((400, 600), bool)
    >>> look_at(page, paper, untrained).kinds.shape
    (7, 400, 600)
    """
    network = load_network() if network is None else network
    kinds = np.zeros((len(KINDS), *paper.shape), np.uint8)
    x, y, width, height = cv2.boundingRect(paper.view(np.uint8))
    for top in range(y, y + height, _BAND):
        bottom = min(top + _BAND, y + height)
        first, last = max(top - _MARGIN, y), min(bottom + _MARGIN, y + height)
        seen = _judge(image[first:last, x : x + width], network)
        kinds[:, top:bottom, x : x + width] = seen[:, top - first : bottom - first]
    return Look(kinds)


def _judge(image: NDArray[np.uint8], network: LookNetwork) -> NDArray[np.uint8]:
    """Probability of each kind in a part of a page, shape (len(KINDS), h, w)."""
    import torch
    from torch.nn import functional

    height, width = image.shape[:2]
    down, across = (-side % network.multiple for side in (height, width))
    padded = np.ascontiguousarray(
        cv2.copyMakeBorder(image, 0, down, 0, across, cv2.BORDER_REPLICATE).transpose(2, 0, 1)
    )
    with torch.inference_mode():
        # Folded and unfolded as bytes: a quarter of the memory of floating point.
        judged = network.judge(functional.pixel_unshuffle(torch.from_numpy(padded)[None], network.fold))
        certain = judged.sigmoid_().mul_(255).round_().to(torch.uint8)
        kinds = functional.pixel_shuffle(certain, network.fold)[0].numpy()
    return np.asarray(kinds[:, :height, :width], np.uint8)


@lru_cache(maxsize=2)
def load_network(path: Path = WEIGHTS) -> LookNetwork:
    """Load the network, once.

    Parameters
    ----------
    path : Path
        The ``.safetensors`` file.

    Returns
    -------
    LookNetwork
        Set to evaluation, its normalization folded into its convolutions.

    Raises
    ------
    FileNotFoundError, ValueError
        See `digitize.records.weights.load_trained`; also if it tells other kinds than `KINDS`.
    """
    import torch

    from digitize.ink.network import LookNetwork

    def build(record: dict[str, Any]) -> LookNetwork:
        check_names(path, "kinds", record["kinds"], KINDS)
        return LookNetwork(record["fold"], record["channels"])

    network, _ = load_trained(path, build, "look")
    network.fold_normalization()
    # In this order of memory its convolutions take two thirds of the time; torch's annotations do not know of it.
    untyped: Any = network
    untyped.to(memory_format=torch.channels_last)
    return network
