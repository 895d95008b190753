"""Load the arrhythmia network's weights, and ask it for probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from classify.signal.view import View
from classify.statements import CODES
from digitize.records.weights import read_weights

if TYPE_CHECKING:
    from classify.signal.network import Ensemble

WEIGHTS = Path(__file__).parents[1] / "weights" / "arrhythmia.safetensors"
"""The weights; their training record lies beside them, with the suffix ``.json``."""


@dataclass(frozen=True)
class Weights:
    """A trained network and what belongs to it.

    Attributes
    ----------
    network : Ensemble
        Set to evaluation.
    slope, offset : ndarray, shape (statements,), float64
        What calibrates the logits.
    thresholds : ndarray, shape (statements,), float64
    version : str
    """

    network: Ensemble
    slope: NDArray[np.float64]
    offset: NDArray[np.float64]
    thresholds: NDArray[np.float64]
    version: str


@lru_cache(maxsize=2)
def load_weights(path: Path = WEIGHTS) -> Weights:
    """Load the network and its training record, once.

    Parameters
    ----------
    path : Path
        The ``.safetensors`` file.

    Returns
    -------
    Weights

    Raises
    ------
    FileNotFoundError
        If the weights or their record are missing.
    ValueError
        If they do not belong together (`digitize.records.weights`), or not to this code's network and statements.
    """
    content, record = read_weights(path)
    codes = tuple(statement["code"] for statement in record["statements"])
    if codes != CODES:
        raise ValueError(f"{path}: statements {', '.join(codes)}; this code's are {', '.join(CODES)}")

    from safetensors.torch import load

    from classify.signal.network import ArrhythmiaNetwork, Ensemble

    network = Ensemble([ArrhythmiaNetwork() for _ in range(record["members"])])
    state = load(content)
    wanted = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in state.items()}
    for name in sorted(wanted.keys() | found.keys()):
        if wanted.get(name) != found.get(name):
            raise ValueError(f"{path}: {name} has shape {found.get(name)}; this network's is {wanted.get(name)}")
    network.load_state_dict(state)
    slope, offset, thresholds = (
        np.array([statement[name] for statement in record["statements"]]) for name in ("slope", "offset", "threshold")
    )
    return Weights(network.eval(), slope, offset, thresholds, str(record["version"]))


def predict(views: Sequence[View]) -> NDArray[np.float64]:
    """Probabilities of every statement for many views.

    Parameters
    ----------
    views : sequence of View

    Returns
    -------
    ndarray, shape (views, statements), float64
    """
    from classify.signal.network import read_views

    weights = load_weights()
    logits = read_views(weights.network, views).astype(np.float64)
    return np.asarray(1 / (1 + np.exp(-(weights.slope * logits + weights.offset))), np.float64)
