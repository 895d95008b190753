"""Load the arrhythmia network's weights, and ask it for probabilities."""

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
    FileNotFoundError, ValueError
        See `digitize.records.weights.load_trained`; if it makes other statements than this code's, too.
    """
    from classify.signal.network import ArrhythmiaNetwork, Ensemble

    def build(record: dict[str, Any]) -> Ensemble:
        check_names(path, "statements", (statement["code"] for statement in record["statements"]), CODES)
        return Ensemble([ArrhythmiaNetwork() for _ in range(record["members"])])

    network, record = load_trained(path, build, "arrhythmia")
    slope, offset, thresholds = (
        np.array([statement[name] for statement in record["statements"]]) for name in ("slope", "offset", "threshold")
    )
    return Weights(network, slope, offset, thresholds, str(record["version"]))


def predict(inputs: Sequence[NetworkInput]) -> NDArray[np.float64]:
    """Compute the probability of every statement for many pages.

    Parameters
    ----------
    inputs : sequence of NetworkInput

    Returns
    -------
    ndarray, shape (pages, statements), float64
    """
    from classify.signal.network import predict_logits

    weights = load_weights()
    logits = predict_logits(weights.network, inputs).astype(np.float64)
    return np.asarray(1 / (1 + np.exp(-(weights.slope * logits + weights.offset))), np.float64)
