"""Correct the traces of a page by small networks that slide along every row.

The deterministic trace is the start and the reference: the network sees windows around it (`digitize.refine.windows`)
and says how far from it, across the stroke, the pen ran (`digitize.refine.network`). What the trace does not know stays
unknown. The weights were trained on pages that `papertrace.synth` prints, against the errors that this package really
makes on them (``python -m papertrace.training.refiner``).
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from digitize.records.page_analysis import PageAnalysis
from digitize.records.traces import Traces
from digitize.records.weights import load_trained, version_of
from digitize.refine.layers import Layers, layers_of
from digitize.refine.read import lead_back, spans_of
from digitize.refine.windows import Windows, cut_windows, upside_down

if TYPE_CHECKING:
    from digitize.refine.network import Refiner

WEIGHTS = Path(__file__).parents[1] / "weights" / "refiner.safetensors"
"""The weights; their training record lies beside them, with the suffix ``.json``."""


LENGTH = 512
"""Columns that the network sees at a time, as in training: 2 s at 25 mm/s."""
_BORDER = 48
"""Columns at each end of them that are left to the neighboring ones: the network's own window is 34 to either side."""
_AT_ONCE = 16
"""Stretches that are judged together."""


class TraceRefiner(Protocol):
    """Correct the traces of a page: what `refine` does with the package's network, or anything that does the same."""

    def __call__(self, analysis: PageAnalysis, /) -> tuple[Traces, NDArray[np.float32] | None]:
        """Give the corrected traces, and the logit that they are right, shape (rows, w), where it is known."""
        ...


def correct(analysis: PageAnalysis) -> tuple[Traces, NDArray[np.float32]]:
    """Correct the traces of a page by the networks that come with the package.

    One leads traces back that went astray (`digitize.refine.read`), the other says to a part of a pixel where the pen
    was (`refine`).

    Parameters
    ----------
    analysis : PageAnalysis
        Not modified.

    Returns
    -------
    traces : Traces
    sure : ndarray, shape (rows, w), float32
        Logit that they are right, at each column.

    Raises
    ------
    FileNotFoundError
        If the package's weights are missing.
    """
    layers = layers_of(analysis)
    return refine_traces(replace(layers, traces=lead_back(layers, spans_of(analysis.layout.places))))


def refine(analysis: PageAnalysis, network: Refiner | None = None) -> tuple[Traces, NDArray[np.float32]]:
    """Correct the traces of a page.

    Parameters
    ----------
    analysis : PageAnalysis
        Not modified.
    network : Refiner, optional
        By default the one that comes with the package.

    Returns
    -------
    traces : Traces
        Hidden where those of the analysis are.
    sure : ndarray, shape (rows, w), float32
        The network's logit that they are right: a feature for `digitize.strips.confidence`.

    Raises
    ------
    FileNotFoundError
        If no network is given and the package's weights are missing.
    """
    return refine_traces(layers_of(analysis), network)


def refine_traces(layers: Layers, network: Refiner | None = None) -> tuple[Traces, NDArray[np.float32]]:
    """Correct the traces of a page of which the layers are known, as `refine` does.

    Parameters
    ----------
    layers : Layers
        Not modified.
    network : Refiner, optional

    Returns
    -------
    traces : Traces
    sure : ndarray, shape (rows, w), float32
        Logit that they are right.
    """
    network = load_network() if network is None else network
    traces = layers.traces
    offsets, sure = judge(cut_windows(layers), network)
    half_way = offsets[..., network.steps // 2] if network.steps > 1 else _half_way(offsets[..., 0])
    corrected = replace(traces, center=traces.center + offsets[..., 0], between=traces.between + half_way)
    return corrected, sure[..., 0]


def judge(windows: Windows, network: Refiner) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Let the network slide along the rows of a page.

    Parameters
    ----------
    windows : Windows
    network : Refiner

    Returns
    -------
    offsets : ndarray, shape (rows, w, steps), float32
        Pixels (y) from the path to the pen, at ``x + k / steps``.
    sure : ndarray, shape (rows, w, steps), float32
        Logit of what lies there being right.
    """
    rows, width = windows.scale.shape
    missing = max(LENGTH - width, 0)

    def padded(values: NDArray[Any]) -> NDArray[Any]:
        return np.pad(values, [(0, 0), (0, missing)] + [(0, 0)] * (values.ndim - 2), mode="edge")

    pixels, features = padded(windows.pixels), padded(windows.features)
    places = [(row, start) for row in range(rows) for start in _starts(width)]
    offsets, sure = np.zeros((2, rows, width, network.steps), np.float32)
    for first in range(0, len(places), _AT_ONCE):
        batch = places[first : first + _AT_ONCE]
        found = look_both_ways(
            network, *(np.stack([of[row, start : start + LENGTH] for row, start in batch]) for of in (pixels, features))
        )
        for (row, start), offset, own in zip(batch, *found, strict=True):
            inner = _BORDER if start else 0
            here = slice(start + inner, min(start + LENGTH, width))
            offsets[row, here] = offset[inner : here.stop - start]
            sure[row, here] = own[inner : here.stop - start]
    return offsets * windows.scale[..., None], sure


def look_both_ways(
    network: Refiner, pixels: NDArray[np.uint8], features: NDArray[np.float16]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Let a network judge windows as they are and upside down, and take the mean of both.

    Parameters
    ----------
    network : Refiner
        Set to evaluation.
    pixels : ndarray, shape (n, w, len(CHANNELS), HEIGHT), uint8
    features : ndarray, shape (n, w, len(FEATURES)), float16

    Returns
    -------
    offsets, sure : ndarray, shape (n, w, steps), float32
        Units across the stroke, and logits.
    """
    import torch

    from digitize.refine.network import mean_offsets

    device = next(network.parameters()).device
    offsets, sure = [], []
    with torch.inference_mode():
        for sign, (seen, measured) in ((1, (pixels, features)), (-1, upside_down(pixels, features))):
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
    return version_of(WEIGHTS)


def _half_way(offsets: NDArray[np.float32]) -> NDArray[np.float32]:
    """Offsets half-way to the next column, from those of the columns (rows, w), by a cubic through the four nearest."""
    padded = np.pad(offsets, ((0, 0), (1, 2)), mode="edge")
    before, here, after, beyond = (padded[:, k : k + offsets.shape[1]] for k in range(4))
    return np.asarray((9 * (here + after) - (before + beyond)) / 16, np.float32)


@lru_cache(maxsize=2)
def load_network(path: Path = WEIGHTS) -> Refiner:
    """Load the network, once.

    Parameters
    ----------
    path : Path
        The ``.safetensors`` file.

    Returns
    -------
    Refiner
        Set to evaluation.

    Raises
    ------
    FileNotFoundError, ValueError
        See `digitize.records.weights.load_trained`.
    """
    from digitize.refine.network import Refiner

    return load_trained(path, lambda record: Refiner(record["steps"]), "refiner")[0]
