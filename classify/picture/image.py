"""Statements straight from the picture of a page, with a signal beside it or without."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classify.signal.inputs import NetworkInput
from classify.statements import CODES
from digitize.records.weights import check_names, load_trained

if TYPE_CHECKING:
    import torch

DESIGNS = ("image", "hybrid", "dual")
"""A network that learned to make statements; one that learned to give the signal back besides; one that makes them of
picture and digitized signal together."""

FOLDER = Path(__file__).parents[1] / "weights"
"""Folder of the weights, one file a design; their training records lie beside them, with the suffix ``.json``."""

FEWEST_CELLS = 25
"""Cells in which a lead must be seen for a picture to show an electrocardiogram: 4 s at 25 mm/s."""

LEAST_RUN = 8
"""Cells side by side, 32 mm, in which one lead must be seen: single ones are found in photographs of anything."""


@dataclass(frozen=True)
class PictureWeights:
    """A trained network and what belongs to it.

    Attributes
    ----------
    design : str
        One of `DESIGNS`.
    network : Module
        `PictureNetwork` or `DualNetwork`, set to evaluation.
    slope, offset : ndarray, shape (statements,), float64
        What calibrates the logits.
    thresholds : ndarray, shape (statements,), float64
    version : str
    """

    design: str
    network: torch.nn.Module
    slope: NDArray[np.float64]
    offset: NDArray[np.float64]
    thresholds: NDArray[np.float64]
    version: str


def is_trained(design: str) -> bool:
    """Tell whether the weights of a design lie where they are looked for.

    Parameters
    ----------
    design : str
        One of `DESIGNS`.

    Returns
    -------
    bool
    """
    return (FOLDER / f"{design}.safetensors").is_file()


@lru_cache(maxsize=4)
def load_picture_weights(design: str, folder: Path | None = None) -> PictureWeights:
    """Load a network and its training record, once.

    Parameters
    ----------
    design : str
        One of `DESIGNS`.
    folder : Path, optional
        Where they lie; by default `FOLDER`.

    Returns
    -------
    PictureWeights

    Raises
    ------
    FileNotFoundError, ValueError
        See `digitize.records.weights.load_trained`; if there is no such design, or it makes other statements than this
        code's, too.
    """
    if design not in DESIGNS:
        raise ValueError(f"design is {design!r}; allowed: {', '.join(DESIGNS)}")
    path = (folder or FOLDER) / f"{design}.safetensors"

    def build(record: dict[str, Any]) -> torch.nn.Module:
        check_names(path, "statements", (statement["code"] for statement in record["statements"]), CODES)
        return make_network(design, record["configuration"]["width"], record["configuration"]["blocks"])

    network, record = load_trained(path, build, f"image --design {design}")
    slope, offset, thresholds = (
        np.array([statement[name] for statement in record["statements"]]) for name in ("slope", "offset", "threshold")
    )
    return PictureWeights(design, network, slope, offset, thresholds, str(record["version"]))


def make_network(
    design: str, width: int, blocks: int, outputs: int = len(CODES), dropout: float = 0.3
) -> torch.nn.Module:
    """Make the untrained network of a design; see `classify.picture.network`."""
    from classify.picture.network import DualNetwork, PictureNetwork

    return (DualNetwork if design == "dual" else PictureNetwork)(width, blocks, outputs, dropout)


def look_at(
    network: torch.nn.Module,
    pictures: Sequence[NDArray[np.uint8]],
    inputs: Sequence[NetworkInput] | None = None,
    batch_size: int = 8,
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Compute the logits of many pictures, and how much of leads is seen in them.

    Parameters
    ----------
    network : Module
        It is set to evaluation, and left so.
    pictures : sequence of ndarray, shape (HEIGHT, WIDTH), uint8
        `classify.picture.picture.Picture.ink`.
    inputs : sequence of NetworkInput, optional
        Of the same pages: for a `DualNetwork`, and for it alone.
    batch_size : int
        Pictures looked at at a time.

    Returns
    -------
    logits : ndarray, shape (pictures, outputs), float32
    cells : ndarray, shape (pictures,), int64
        See `count_cells`.
    """
    import torch

    from classify.picture.network import NOWHERE
    from classify.signal.network import batch_inputs

    network.eval()
    device = next(network.parameters()).device
    logits, cells = [], []
    with torch.inference_mode():
        for first in range(0, len(pictures), batch_size):
            chosen = slice(first, first + batch_size)
            given = [torch.from_numpy(np.stack(pictures[chosen]))[:, None]]
            given += [] if inputs is None else batch_inputs(inputs[chosen])
            seen = network(*(part.to(device) for part in given))
            logits.append(seen.logits.float().cpu().numpy())
            cells.append(count_cells(seen.leads.argmax(1).cpu().numpy(), NOWHERE))
    return np.concatenate(logits), np.concatenate(cells)


def count_cells(leads: NDArray[np.integer], nowhere: int) -> NDArray[np.int64]:
    """Count the cells in which a lead is seen, and seen again in its neighbors, `LEAST_RUN` in all.

    Parameters
    ----------
    leads : ndarray, shape (pictures, rows, columns), int
        Likeliest lead of every cell.
    nowhere : int
        What stands for none.

    Returns
    -------
    ndarray, shape (pictures,), int64

    Examples
    --------
    >>> leads = np.full((1, 3, 20), 12)
    >>> leads[0, 1, 4:14], leads[0, 2, 3:7] = 6, 7
    >>> count_cells(leads, 12)
    array([10])
    """
    runs = np.lib.stride_tricks.sliding_window_view(leads, LEAST_RUN, axis=2)
    begins = (runs == runs[..., :1]).all(axis=3) & (runs[..., 0] != nowhere)
    covered = np.zeros(leads.shape, bool)
    for shift in range(LEAST_RUN):
        covered[:, :, shift : shift + begins.shape[2]] |= begins
    return np.asarray(covered.sum(axis=(1, 2)), np.int64)


def predict_pictures(
    weights: PictureWeights, pictures: Sequence[NDArray[np.uint8]], inputs: Sequence[NetworkInput] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Compute every statement's probability for many pictures, and how much of leads is seen in them.

    Parameters
    ----------
    weights : PictureWeights
    pictures : sequence of ndarray, shape (HEIGHT, WIDTH), uint8
    inputs : sequence of NetworkInput, optional
        See `look_at`.

    Returns
    -------
    probabilities : ndarray, shape (pictures, statements), float64
    cells : ndarray, shape (pictures,), int64
        See `count_cells`; below `FEWEST_CELLS` there is no electrocardiogram in it.
    """
    logits, cells = look_at(weights.network, pictures, inputs)
    probabilities = 1 / (1 + np.exp(-(weights.slope * logits.astype(np.float64) + weights.offset)))
    return np.asarray(probabilities, np.float64), cells
