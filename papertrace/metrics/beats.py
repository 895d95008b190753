"""Scores of found beats and their classes against annotated ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from classify.records.beats import CLASSES

WINDOW_S = 0.15
"""A beat may be found so far from where it was annotated (ANSI/AAMI EC57)."""

NONE = len(CLASSES)
"""Row of `confusion` of beats that are none, and column of those that were missed."""


def match(annotated: NDArray[np.int64], found: NDArray[np.int64], fs: int) -> NDArray[np.int64]:
    """Pair beats by `wfdb.processing.compare_annotations`.

    Parameters
    ----------
    annotated, found : ndarray, shape (n,), (m,)
        Samples, in order.
    fs : int

    Returns
    -------
    ndarray, shape (m,), int64
        Place of each found beat's partner among the annotated ones, -1 where it has none.

    Examples
    --------
    >>> match(np.array([100, 500]), np.array([90, 300, 505]), fs=360).tolist()
    [0, -1, 1]
    """
    partner = np.full(len(found), -1, np.int64)
    if len(annotated) and len(found):
        from wfdb.processing import compare_annotations

        compared = compare_annotations(annotated, found, int(WINDOW_S * fs))
        paired = np.asarray(compared.matched_ref_inds, np.int64)
        partner[np.asarray(compared.matched_test_inds, np.int64)] = paired
    return partner


def outside(samples: NDArray[np.int64], stretches: NDArray[np.int64], margin: int) -> NDArray[np.bool_]:
    """Tell which samples lie outside of stretches that are not scored, and not within a margin of them.

    Parameters
    ----------
    samples : ndarray, shape (n,)
    stretches : ndarray, shape (stretches, 2)
    margin : int

    Returns
    -------
    ndarray, shape (n,), bool
    """
    first, last = stretches[:, :1] - margin, stretches[:, 1:] + margin
    return np.asarray(~((samples >= first) & (samples <= last)).any(axis=0))


def confusion(classes: NDArray[np.int64], called: NDArray[np.int64], partner: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count what was called what.

    Parameters
    ----------
    classes : ndarray, shape (n,)
        Annotated classes as places in `CLASSES`.
    called : ndarray, shape (m,)
        Those of the found beats.
    partner : ndarray, shape (m,)
        See `match`.

    Returns
    -------
    ndarray, shape (classes + 1, classes + 1), int64
        Rows are annotated, columns called; the last row is what is no beat, the last column what was missed.
    """
    counts = np.zeros((NONE + 1, NONE + 1), np.int64)
    truth = np.where(partner >= 0, np.append(classes, NONE)[partner], NONE)
    missed = np.delete(classes, partner[partner >= 0])
    np.add.at(counts, (truth, called), 1)
    np.add.at(counts, (missed, np.full(len(missed), NONE)), 1)
    return counts


def figures(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Sensitivity, positive predictive value and F1 of each class.

    Parameters
    ----------
    counts : ndarray, shape (classes + 1, classes + 1)
        See `confusion`.

    Returns
    -------
    ndarray, shape (classes, 3), float64
        NaN where there is nothing to divide by.

    Examples
    --------
    >>> counts = np.zeros((6, 6), int)
    >>> counts[2, 2], counts[2, 0], counts[0, 2], counts[2, NONE] = 6, 1, 2, 1
    >>> figures(counts)[2].tolist()
    [0.75, 0.75, 0.75]
    """
    hits = counts.diagonal()[:NONE].astype(float)
    true, called = counts.sum(axis=1)[:NONE], counts.sum(axis=0)[:NONE]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.stack([hits / true, hits / called, 2 * hits / (true + called)], axis=1)


def found_or_not(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Sensitivity, positive predictive value and F1 of finding beats, whatever they were called, shape (3,)."""
    hits = float(counts[:NONE, :NONE].sum())
    missed, invented = counts[:NONE, NONE].sum(), counts[NONE].sum()
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.array([hits / (hits + missed), hits / (hits + invented), 2 * hits / (2 * hits + missed + invented)])
