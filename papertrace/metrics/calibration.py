"""Calibration of logits: one slope and one offset a statement, held near one temperature for all.

Temperature scaling (Guo et al. 2017, "On calibration of modern neural networks") has one slope for everything; Platt's
(1999) has a line for each class, for which rare statements have too few positives. Here each statement has its line,
and pays for leaving the common temperature, so that the rare ones stay with it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar

_PRIOR = 4.0
"""Nats that a statement pays for a slope or an offset that is one off the common one (slopes in logarithms)."""


@dataclass(frozen=True)
class Calibration:
    """Lines that make calibrated logits.

    Attributes
    ----------
    slope, offset : ndarray, shape (statements,), float64
        The probability of a logit x is the logistic function of ``slope x + offset``.
    """

    slope: NDArray[np.float64]
    offset: NDArray[np.float64]


def fit_calibration(truth: NDArray[np.floating], logits: NDArray[np.floating]) -> Calibration:
    """Find the lines that make the probabilities fit best.

    Parameters
    ----------
    truth, logits : ndarray, shape (n, statements)

    Returns
    -------
    Calibration

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> logits = rng.normal(0, 2, (4000, 2))
    >>> truth = rng.random((4000, 2)) < 1 / (1 + np.exp(-logits))
    >>> found = fit_calibration(truth, np.stack([3 * logits[:, 0], logits[:, 1] + 1], axis=1))
    >>> (1 / found.slope[:1]).round().tolist(), found.offset[1:].round(1).tolist()
    ([3.0], [-1.0])
    """
    values = np.asarray(logits, np.float64)
    common = minimize_scalar(
        lambda log: _cross_entropy(truth, values * np.exp(log)), bounds=(-3, 3), method="bounded"
    ).x
    lines = [_line(truth[:, i], values[:, i], float(common)) for i in range(values.shape[1])]
    return Calibration(*np.array(lines, np.float64).reshape(-1, 2).T)


def _line(truth: NDArray[np.floating], logits: NDArray[np.float64], common: float) -> tuple[float, float]:
    """Slope and offset of one statement."""

    def cost(line: NDArray[np.float64]) -> float:
        paid = _PRIOR * float((line[0] - common) ** 2 + line[1] ** 2)
        return len(truth) * _cross_entropy(truth, logits * np.exp(line[0]) + line[1]) + paid

    slope, offset = minimize(cost, np.array([common, 0.0]), method="L-BFGS-B").x
    return float(np.exp(slope)), float(offset)


def _cross_entropy(truth: NDArray[np.floating], logits: NDArray[np.float64]) -> float:
    return float(np.mean(np.logaddexp(0, logits) - truth * logits))
