"""Scores of multi-label predictions, each statement by itself, and their bootstrap intervals."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Array = NDArray[np.floating]


def auroc(truth: Array, score: Array) -> NDArray[np.float64]:
    """Compute the area under the receiver operating characteristic, ties counted half (Mann and Whitney 1947).

    Parameters
    ----------
    truth, score : ndarray, shape (n, statements)
        Truth is 0 or 1.

    Returns
    -------
    ndarray, shape (statements,), float64
        NaN for a statement that is always or never true.

    Examples
    --------
    >>> float(auroc(np.array([[0], [1], [1], [0]]), np.array([[0.1], [0.9], [0.4], [0.4]]))[0])
    0.875
    """
    positives = truth.sum(0, dtype=np.float64)
    negatives = len(truth) - positives
    rank_sum = (rankdata(score, axis=0) * truth).sum(0)
    pairs = positives * negatives
    return np.where(pairs > 0, (rank_sum - positives * (positives + 1) / 2) / np.maximum(pairs, 1), np.nan)


def average_precision(truth: Array, score: Array) -> NDArray[np.float64]:
    """Take the mean over the positives of the precision at their rank.

    Parameters
    ----------
    truth, score : ndarray, shape (n, statements)
        Truth is 0 or 1; ties keep the order of the records.

    Returns
    -------
    ndarray, shape (statements,), float64
        NaN for a statement that is always or never true.

    Examples
    --------
    >>> round(float(average_precision(np.array([[1], [0], [1]]), np.array([[0.9], [0.8], [0.7]]))[0]), 3)
    0.833
    """
    ordered = np.take_along_axis(truth, np.argsort(-score, axis=0, kind="stable"), axis=0)
    precision = np.cumsum(ordered, 0) / np.arange(1, len(truth) + 1)[:, None]
    positives = truth.sum(0, dtype=np.float64)
    judged = (positives > 0) & (positives < len(truth))
    return np.where(judged, (precision * ordered).sum(0) / np.maximum(positives, 1), np.nan)


def f1(truth: Array, present: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Compute the harmonic mean of sensitivity and precision.

    Parameters
    ----------
    truth, present : ndarray, shape (n, statements)
        Truth is 0 or 1.

    Returns
    -------
    ndarray, shape (statements,), float64
        NaN for a statement that is always or never true.

    Examples
    --------
    >>> float(f1(np.array([[1], [0], [1]]), np.array([[True], [True], [False]]))[0])
    0.5
    """
    hits = (truth * present).sum(0, dtype=np.float64)
    positives = truth.sum(0, dtype=np.float64)
    judged = (positives > 0) & (positives < len(truth))
    return np.where(judged, 2 * hits / np.maximum(positives + present.sum(0), 1), np.nan)


def calibration_error(truth: Array, probability: Array, bins: int = 10) -> NDArray[np.float64]:
    """Compute the expected calibration error over equally wide bins of probability (Guo et al. 2017).

    Parameters
    ----------
    truth, probability : ndarray, shape (n, statements)
        Truth is 0 or 1.
    bins : int
        Count of bins between 0 and 1.

    Returns
    -------
    ndarray, shape (statements,), float64

    Examples
    --------
    >>> float(calibration_error(np.array([[1.0], [0.0]]), np.array([[0.75], [0.75]]))[0])
    0.25
    """
    place = np.minimum((probability * bins).astype(int), bins - 1)
    excess = probability - truth
    off = [np.abs(np.where(place == b, excess, 0).sum(0)) for b in range(bins)]
    error: NDArray[np.float64] = np.sum(off, axis=0) / len(truth)
    return error


def best_f1_thresholds(truth: Array, probability: Array) -> NDArray[np.float64]:
    """Find the threshold of each statement at which its F1 is highest.

    Parameters
    ----------
    truth, probability : ndarray, shape (n, statements)
        Truth is 0 or 1.

    Returns
    -------
    ndarray, shape (statements,), float64
        Half way between the last probability above and the first one below; 0.5 for a statement that is never true.

    Examples
    --------
    >>> float(best_f1_thresholds(np.array([[1], [1], [0]]), np.array([[0.9], [0.5], [0.25]]))[0])
    0.375
    """
    order = np.argsort(-probability, axis=0, kind="stable")
    ordered = np.take_along_axis(probability, order, axis=0)
    hits = np.cumsum(np.take_along_axis(truth, order, axis=0), 0)
    called = np.arange(1, len(truth) + 1)[:, None]
    positives = truth.sum(0)
    best = (2 * hits / (called + positives)).argmax(0)
    columns = np.arange(truth.shape[1])
    below = np.where(best + 1 < len(truth), ordered[np.minimum(best + 1, len(truth) - 1), columns], 0.0)
    return np.where(positives > 0, (ordered[best, columns] + below) / 2, 0.5)


@dataclass(frozen=True)
class Interval:
    """A figure with its 95 % bootstrap interval.

    Attributes
    ----------
    value, low, high : float
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """Three decimals, the interval in brackets."""
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


def bootstrap(
    measure: Callable[[NDArray[np.int64]], NDArray[np.float64]], n: int, resamples: int = 1000, seed: int = 0
) -> list[Interval]:
    """Draw percentile intervals of figures over resampled records (Efron 1979).

    Records that are drawn twice make some figures larger, a calibration error above all; each interval is moved by the
    difference between the mean of its resamples and the figure itself, so that it stands around the figure.

    Parameters
    ----------
    measure : callable
        Takes indices of records, gives an array of figures; NaN figures are left out of the percentiles.
    n : int
        Count of records.
    resamples, seed : int

    Returns
    -------
    list of Interval
        One a figure.

    Examples
    --------
    >>> x = np.arange(100.0)
    >>> interval = bootstrap(lambda i: np.array([x[i].mean()]), 100)[0]
    >>> interval.value, bool(interval.low < 49.5 < interval.high)
    (49.5, True)
    """
    rng = np.random.default_rng(seed)
    values = measure(np.arange(n))
    draws = np.stack([measure(rng.integers(0, n, n)) for _ in range(resamples)])
    with warnings.catch_warnings():
        # What no draw can judge is NaN.
        warnings.simplefilter("ignore", RuntimeWarning)
        low, high = np.nanpercentile(draws, [2.5, 97.5], axis=0) + values - np.nanmean(draws, axis=0)
    return [Interval(*(float(x) for x in row)) for row in zip(values, low, high, strict=True)]
