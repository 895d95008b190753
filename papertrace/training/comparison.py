"""How networks that read pages are compared: the same figures of the same records, and what a page costs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from classify.records.segments import StripSegment
from classify.signal.inputs import cut_to_layout
from papertrace.datasets.ptbxl import Records
from papertrace.metrics.calibration import fit_calibration
from papertrace.metrics.scores import bootstrap, calibration_error
from papertrace.training.arrhythmia import calibrated, macro_auroc

LAYOUTS = {"12 leads, 10 s": "12x1", "cut to 3x4+II": "3x4+II"}
"""What is shown of each record, by the name of it."""

MEASURES = ("superclass", "rhythm", "all")
"""Macro AUROCs of `papertrace.training.arrhythmia.macro_auroc`."""

_TIMED = 30

Read = Callable[[Sequence[Sequence[StripSegment]]], NDArray[np.float32]]
"""Gives the logits (pages, statements) of pages."""


def compare(read: Read, parameters: int, choice: Records, report: Records) -> dict[str, Any]:
    """Take the figures of a network.

    Parameters
    ----------
    read : callable
        See `Read`.
    parameters : int
        How many it has.
    choice, report : Records
        Folds 8 and 9, in millivolts.

    Returns
    -------
    dict
        ``parameters``; ``seconds`` a page, median, from its strips on, on one thread; and by the names of `LAYOUTS`,
        then ``fold 8`` and ``fold 9``, each of `MEASURES`, and of fold 9 the ``calibration error`` of all statements
        once calibrated on fold 8, with their 95 % bootstrap intervals (`papertrace.metrics.scores.Interval`).
    """
    told: dict[str, Any] = {"parameters": parameters, "seconds": _seconds(read, choice)}
    for name, layout in LAYOUTS.items():
        chosen, reported = (read([cut_to_layout(s, layout) for s in of.signals]) for of in (choice, report))
        probability = calibrated(reported, fit_calibration(choice.labels, chosen))
        told[name] = {"fold 8": _intervals(choice.labels, chosen), "fold 9": _intervals(report.labels, reported)}
        told[name]["fold 9"]["calibration error"] = _error(report.labels, probability)
    return told


def _intervals(truth: NDArray[np.float32], logits: NDArray[np.float32]) -> dict[str, dict[str, float]]:
    def measure(chosen: NDArray[np.int64]) -> NDArray[np.float64]:
        figures = macro_auroc(truth[chosen], logits[chosen])
        return np.array([figures[name] for name in MEASURES])

    return {name: asdict(one) for name, one in zip(MEASURES, bootstrap(measure, len(truth)), strict=True)}


def _error(truth: NDArray[np.float32], probability: NDArray[np.float64]) -> dict[str, float]:
    def measure(chosen: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.array([calibration_error(truth[chosen], probability[chosen]).mean()])

    return asdict(bootstrap(measure, len(truth))[0])


def _seconds(read: Read, records: Records) -> float:
    pages = [cut_to_layout(signal, LAYOUTS["cut to 3x4+II"]) for signal in records.signals[:_TIMED]]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        read(pages[:1])
        taken = []
        for page in pages:
            began = time.perf_counter()
            read([page])
            taken.append(time.perf_counter() - began)
    finally:
        torch.set_num_threads(threads)
    return float(np.median(taken))
