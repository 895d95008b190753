"""Correct the traces of a page by a small network that slides along every row.

The deterministic trace is the start and the reference: the network sees windows around it (`digitize.windows`) and says
how far from it, across the stroke, the pen ran (`digitize.network`). What the trace does not know stays unknown. The
weights were trained on pages that `synth` prints, against the errors that this package really makes on them
(``python -m training.refiner``).
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from digitize.trace import Traces
from digitize.view import View
from digitize.warp import scale_at
from digitize.windows import Windows, cut_windows

if TYPE_CHECKING:
    from digitize.network import Refiner

WEIGHTS = Path(__file__).parent / "weights" / "refine.safetensors"
"""The weights; their training record lies beside them, with the suffix ``.json``."""

LENGTH = 512
"""Columns that the network sees at a time, as in training."""
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


def refine(view: View, gain: float, network: Refiner | None = None) -> View:
    """Correct the traces of a page.

    Parameters
    ----------
    view : View
        What was found on the page; not modified.
    gain : float
        mm/mV.
    network : Refiner, optional
        By default the one that comes with the package.

    Returns
    -------
    View
        With other `traces`: NaN where those were.

    Raises
    ------
    FileNotFoundError
        If there is no network and the weights are missing.
    """
    used = network or load_network()
    offsets, _ = judge(windows_of(view, gain), used)
    return replace(view, traces=moved(view.traces, offsets))


def moved(traces: Traces, offsets: NDArray[np.float32]) -> Traces:
    """Move traces by offsets (pixels, y), shape (rows, w, 2): in every column and half-way to the next."""
    return replace(traces, centre=traces.centre + offsets[..., 0], between=traces.between + offsets[..., 1])


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
    import torch

    from digitize.network import mean_offsets

    rows, width = windows.scale.shape
    starts = _starts(width)
    length = max(width, LENGTH) - width

    def padded(values: NDArray) -> NDArray:
        return np.pad(values, [(0, 0), (0, length)] + [(0, 0)] * (values.ndim - 2), mode="edge")

    pixels, marks = padded(windows.pixels), padded(windows.marks)
    places = [(row, start) for row in range(rows) for start in starts]
    offsets = np.zeros((rows, width, 2), np.float32)
    sure = np.zeros((rows, width, 2), np.float32)
    with torch.inference_mode():
        for first in range(0, len(places), _AT_ONCE):
            batch = places[first : first + _AT_ONCE]
            seen, measured = (
                torch.from_numpy(np.stack([of[row, start : start + LENGTH] for row, start in batch]))
                for of in (pixels, marks)
            )
            logits, own = network(seen, measured)
            found = mean_offsets(logits).numpy()
            for (row, start), offset, certain in zip(batch, found, own.numpy(), strict=True):
                inner = _BORDER if start else 0
                here = slice(start + inner, min(start + LENGTH, width))
                offsets[row, here] = offset[inner : here.stop - start]
                sure[row, here] = certain[inner : here.stop - start]
    return offsets * windows.scale[..., None], sure


def _starts(width: int) -> list[int]:
    """Where stretches begin, so that every column lies within one, off its ends."""
    last = max(width - LENGTH, 0)
    return [*range(0, last, LENGTH - 2 * _BORDER), last]


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
    FileNotFoundError
        If the weights or their record are missing.
    """
    from safetensors.torch import load_file

    from digitize.network import Refiner

    record_path = path.with_suffix(".json")
    for needed in (path, record_path):
        if not needed.is_file():
            raise FileNotFoundError(f"{needed}: no such file; `python -m training.refiner` writes it")
    record = json.loads(record_path.read_text(encoding="utf-8"))
    network = Refiner(record["design"], record["steps"])
    network.load_state_dict(load_file(path))
    return network.eval()
