"""Correct the traces of a page by a small network that slides along every row.

The deterministic trace is the start and the reference: the network sees windows around it (`digitize.windows`) and says
how far from it, across the stroke, the pen ran (`digitize.network`). What the trace does not know stays unknown. The
weights were trained on pages that `synth` prints, against the errors that this package really makes on them
(``python -m training.refiner``).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digitize.trace import Traces
from digitize.view import View
from digitize.warp import scale_at
from digitize.weights import read_weights
from digitize.windows import Windows, cut_windows, upside_down

if TYPE_CHECKING:
    from digitize.network import Refiner

WEIGHTS = Path(__file__).parent / "weights" / "refiner.safetensors"
"""The weights; their training record lies beside them, with the suffix ``.json``."""


@dataclass(frozen=True)
class Trust:
    """How far two witnesses of a sample are believed, fitted on fold 8.

    Attributes
    ----------
    before : tuple of float
        Constant and weight of the odds of `digitize.confidence`: the odds that an uncorrected trace is right.
    after : tuple of float
        Constant, weight of these odds and weight of the network's own: the odds that the corrected one is.
    """

    before: tuple[float, float]
    after: tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Model:
    """A trained network, how far to trust it, and the version of its weights."""

    network: Refiner
    trust: Trust
    version: str


LENGTH = 512
"""Columns that the network sees at a time, as in training: 2 s at 25 mm/s."""
_BORDER = 48
"""Columns at each end of them that are left to the neighbouring ones: the network's own window is 34 to either side."""
_AT_ONCE = 16
"""Stretches that are judged together."""


def windows_of(view: View, gain: float) -> Windows:
    """Cut the windows along the traces of a page.

    Parameters
    ----------
    view : View
    gain : float
        mm/mV.

    Returns
    -------
    Windows
    """
    upright = view.upright
    height, width = upright.nodes.shape[:2]
    # The middle of the lattice lies in the middle of the page.
    middle = upright.nodes[height // 2, width // 2]
    return cut_windows(
        view.coverage,
        np.asarray(cv2.cvtColor(upright.image, cv2.COLOR_RGB2GRAY), np.uint8),
        view.traces,
        view.rows,
        gain=gain,
        resolution=scale_at(view.ground.matrix, (float(middle[0]), float(middle[1])))[0],
    )


def refine(view: View, gain: float, model: Model | None = None) -> tuple[Traces, NDArray[np.float32]]:
    """Correct the traces of a page.

    Parameters
    ----------
    view : View
        What was found on the page; not modified.
    gain : float
        mm/mV.
    model : Model, optional
        By default the one that comes with the package.

    Returns
    -------
    traces : Traces
        Hidden where those of the view are.
    sure : ndarray, shape (rows, w), float32
        The network's logit that they are right; `trusted` makes a probability of it.

    Raises
    ------
    FileNotFoundError
        If no model is given and the package's weights are missing.
    """
    offsets, sure = judge(windows_of(view, gain), (model or load_model()).network)
    traces = view.traces
    corrected = replace(traces, centre=traces.centre + offsets[..., 0], between=traces.between + offsets[..., 1])
    return corrected, sure[..., 0]


def trusted(rated: NDArray[np.floating], sure: NDArray[np.floating], trust: Trust) -> NDArray[np.float32]:
    """Probability that a corrected sample is right, from two witnesses.

    What the marks of trouble say of the page (`rated`: also of its names and clock, which the network does not see) is
    kept; what they and the network say of the trace is weighed together.

    Parameters
    ----------
    rated : ndarray
        Confidence of the trace before it was corrected.
    sure : ndarray, same shape
        The network's logit that what it read is right.
    trust : Trust

    Returns
    -------
    ndarray, same shape, float32

    Examples
    --------
    >>> trust = Trust(before=(0.0, 1.0), after=(0.0, 0.5, 0.5))
    >>> trusted(np.array([0.8, 0.8]), np.log([4.0, 0.25]), trust).astype(float).round(2).tolist()
    [0.8, 0.5]
    """
    odds = _logit(rated)
    before = _probability(trust.before[0] + trust.before[1] * odds)
    after = _probability(trust.after[0] + trust.after[1] * odds + trust.after[2] * sure)
    return np.asarray(after * np.minimum(rated / before, 1.0), np.float32)


def judge(windows: Windows, network: Refiner) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Let the network slide along the rows of a page.

    Parameters
    ----------
    windows : Windows
    network : Refiner
        Of two steps a column.

    Returns
    -------
    offsets : ndarray, shape (rows, w, 2), float32
        Pixels (y) from the path to the pen.
    sure : ndarray, shape (rows, w, 2), float32
        Logit of what lies there being right.
    """
    rows, width = windows.scale.shape
    missing = max(LENGTH - width, 0)

    def padded(values: NDArray[Any]) -> NDArray[Any]:
        return np.pad(values, [(0, 0), (0, missing)] + [(0, 0)] * (values.ndim - 2), mode="edge")

    pixels, marks = padded(windows.pixels), padded(windows.marks)
    places = [(row, start) for row in range(rows) for start in _starts(width)]
    offsets = np.zeros((rows, width, 2), np.float32)
    sure = np.zeros((rows, width, 2), np.float32)
    for first in range(0, len(places), _AT_ONCE):
        batch = places[first : first + _AT_ONCE]
        found = look_both_ways(
            network, *(np.stack([of[row, start : start + LENGTH] for row, start in batch]) for of in (pixels, marks))
        )
        for (row, start), offset, own in zip(batch, *found, strict=True):
            inner = _BORDER if start else 0
            here = slice(start + inner, min(start + LENGTH, width))
            offsets[row, here] = offset[inner : here.stop - start]
            sure[row, here] = own[inner : here.stop - start]
    return offsets * windows.scale[..., None], sure


def look_both_ways(
    network: Refiner, pixels: NDArray[np.uint8], marks: NDArray[np.float16]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Let a network judge windows as they are and upside down, and take the mean of both.

    Parameters
    ----------
    network : Refiner
        Set to evaluation.
    pixels : ndarray, shape (n, w, len(CHANNELS), HEIGHT), uint8
    marks : ndarray, shape (n, w, len(MARKS)), float16

    Returns
    -------
    offsets, sure : ndarray, shape (n, w, steps), float32
        Units across the stroke, and logits.
    """
    import torch

    from digitize.network import mean_offsets

    device = next(network.parameters()).device
    offsets, sure = [], []
    with torch.inference_mode():
        for sign, (seen, measured) in ((1, (pixels, marks)), (-1, upside_down(pixels, marks))):
            logits, own = network(
                torch.from_numpy(np.ascontiguousarray(seen)).to(device), torch.from_numpy(measured).to(device)
            )
            offsets.append(sign * mean_offsets(logits).cpu().numpy())
            sure.append(own.cpu().numpy())
    return (offsets[0] + offsets[1]) / 2, (sure[0] + sure[1]) / 2


def _starts(width: int) -> list[int]:
    """Where stretches begin, so that every column lies within one, off its ends."""
    last = max(width - LENGTH, 0)
    return [*range(0, last, LENGTH - 2 * _BORDER), last]


def weights_version() -> str:
    """Tell the version of the package's weights, as their training record has it."""
    record = json.loads(WEIGHTS.with_suffix(".json").read_text(encoding="utf-8"))
    return str(record["version"])


def _logit(probability: NDArray[np.floating]) -> NDArray[np.float64]:
    inside = np.clip(np.asarray(probability, np.float64), 1e-4, 1 - 1e-4)
    return np.asarray(np.log(inside / (1 - inside)), np.float64)


def _probability(logit: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-np.clip(logit, -15.0, 15.0))), np.float64)


@lru_cache(maxsize=2)
def load_model(path: Path = WEIGHTS) -> Model:
    """Load the network and its training record, once.

    Parameters
    ----------
    path : Path
        The ``.safetensors`` file.

    Returns
    -------
    Model

    Raises
    ------
    FileNotFoundError
        If the weights or their record are missing.
    ValueError
        If they do not belong together.
    """
    from safetensors.torch import load

    from digitize.network import Refiner

    content, record = read_weights(path)
    network = Refiner(record["design"], record["steps"])
    network.load_state_dict(load(content))
    trust = Trust(**{name: tuple(values) for name, values in record["trust"].items()})
    return Model(network.eval(), trust, record["version"])
