"""Segments of traces beside the printer's truth, for `papertrace.training.refiner`.

A page is printed by `papertrace.synth`, read by the deterministic stage, and its windows are cut
(`digitize.refine.windows`); the truth is carried onto its upright page (`papertrace.training.upright`). Each page
becomes one small file (`papertrace.training.pages`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from digitize.api import analyze_page
from digitize.records.page import PageError
from digitize.records.traces import Traces
from digitize.refine.correct import LENGTH, windows_of
from digitize.refine.windows import CHANNELS, FEATURES, HEIGHT, Windows
from papertrace.datasets.ptbxl import read_500
from papertrace.synth import render_page
from papertrace.training.pages import Job, make_missing, write_arrays
from papertrace.training.sources import version_of_code
from papertrace.training.upright import true_paths

_FS = 500
"""Sampling frequency of the recordings that are printed, Hz."""

QUARTERS = 4
"""Places a column at which the truth is known."""

_LEAST_KNOWN = 0.5
"""Share of a segment's columns in which trace and truth are known."""

Kind = TypeVar("Kind", bound=np.generic)


@dataclass(frozen=True, eq=False)
class Segments:
    """Stretches of traces with their truth.

    Attributes
    ----------
    pixels : ndarray, shape (n, LENGTH, len(CHANNELS), HEIGHT), uint8
    features : ndarray, shape (n, LENGTH, len(FEATURES)), float16
    scale : ndarray, shape (n, LENGTH), float32
        These three as in `digitize.refine.windows.Windows`.
    path : ndarray, shape (n, LENGTH, 2), float32
        The trace (y) in every column and half-way to the next; NaN where it is hidden.
    truth : ndarray, shape (n, LENGTH, QUARTERS), float32
        The pen (y) at every quarter of a column; NaN where the page shows nothing.
    page : ndarray, shape (n,), int32
        Number of the page that a segment is from.
    """

    pixels: NDArray[np.uint8]
    features: NDArray[np.float16]
    scale: NDArray[np.float32]
    path: NDArray[np.float32]
    truth: NDArray[np.float32]
    page: NDArray[np.int32]

    def __len__(self) -> int:
        """Count the segments."""
        return len(self.page)


def collect(jobs: Sequence[Job], most: int, processes: int) -> Segments:
    """Make the segments that are not there yet, and load all.

    Parameters
    ----------
    jobs : sequence of Job
    most : int
        Segments of a page at most.
    processes : int
        Pages at a time.

    Returns
    -------
    Segments
        In the order of the jobs, however many processes made them.
    """
    make_missing(jobs, partial(make, most=most), processes)
    return load([job.file for job in jobs])


def make(job: Job, most: int) -> None:
    """Print a page, read it, and write its segments, `most` of them; none where the page cannot be read."""
    page = render_page(read_500(job.record), _FS, job.preset, seed=job.seed)
    try:
        analysis = analyze_page(page.image)
    except PageError:
        segments = empty()
    else:
        segments = cut_segments(
            windows_of(analysis),
            analysis.traces,
            true_paths(page, analysis, QUARTERS),
            np.random.default_rng(job.seed),
            most=most,
            page=job.page,
        )
    save(job.file, segments)


def cut_segments(
    windows: Windows,
    traces: Traces,
    truth: NDArray[np.float32],
    rng: np.random.Generator,
    *,
    most: int,
    page: int,
) -> Segments:
    """Choose segments of a page by chance; no two overlap.

    Parameters
    ----------
    windows : Windows
    traces : Traces
    truth : ndarray, shape (rows, w, QUARTERS), float32
        See `papertrace.training.upright.true_paths`.
    rng : numpy.random.Generator
    most : int
        Segments at most.
    page : int
        Number of the page.

    Returns
    -------
    Segments
    """
    path = np.stack([traces.center, traces.between], axis=2)
    known = np.isfinite(path[..., 0]) & np.isfinite(truth[..., 0])
    places = []
    for row, here in enumerate(known):
        first = int(rng.integers(LENGTH // 2))
        for start in range(first, known.shape[1] - LENGTH + 1, LENGTH):
            if here[start : start + LENGTH].mean() >= _LEAST_KNOWN:
                places.append((row, start))
    chosen = [places[k] for k in rng.permutation(len(places))[:most]]
    if not chosen:
        return empty()

    def cut(of_page: NDArray[Kind]) -> NDArray[Kind]:
        return np.stack([of_page[row, start : start + LENGTH] for row, start in chosen])

    return Segments(
        cut(windows.pixels),
        cut(windows.features),
        cut(windows.scale),
        cut(path),
        cut(truth),
        np.full(len(chosen), page, np.int32),
    )


def empty() -> Segments:
    """No segments at all."""
    return Segments(
        np.zeros((0, LENGTH, len(CHANNELS), HEIGHT), np.uint8),
        np.zeros((0, LENGTH, len(FEATURES)), np.float16),
        np.zeros((0, LENGTH), np.float32),
        np.zeros((0, LENGTH, 2), np.float32),
        np.zeros((0, LENGTH, QUARTERS), np.float32),
        np.zeros(0, np.int32),
    )


def save(file: Path, segments: Segments) -> None:
    """Write segments, whole or not at all."""
    write_arrays(file, {field.name: getattr(segments, field.name) for field in fields(Segments)})


def load(files: Sequence[Path]) -> Segments:
    """Load segments from files.

    Parameters
    ----------
    files : sequence of Path
        Written by `save`.

    Returns
    -------
    Segments
        In the order of the files.
    """
    parts: dict[str, list[NDArray[Any]]] = {field.name: [getattr(empty(), field.name)] for field in fields(Segments)}
    for file in files:
        with np.load(file) as content:
            for name, kept in parts.items():
                kept.append(content[name])
    return Segments(**{name: np.concatenate(kept) for name, kept in parts.items()})


def version_of_segments() -> str:
    """Name the version of the code that makes segments; how the networks look changes nothing of what they see."""
    return version_of_code("papertrace.training.segments", without=("digitize.refine.network",))
