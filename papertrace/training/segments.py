"""Segments of traces beside the printer's truth, for `papertrace.training.refiner`.

The traces of read pages (`papertrace.training.band_pages`) are led back where they are astray (`digitize.refine.read`),
and windows are cut along them (`digitize.refine.windows`). Each page becomes one small file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from digitize.refine.correct import LENGTH
from digitize.refine.read import WEIGHTS, lead_back
from digitize.refine.windows import CHANNELS, FEATURES, HEIGHT, cut_windows
from papertrace.training import band_pages
from papertrace.training.band_pages import QUARTERS, ReadPage
from papertrace.training.pages import Job, make_missing, write_arrays
from papertrace.training.sources import version_of_code

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


@dataclass(frozen=True)
class Cut:
    """Segments to cut, and the file to leave.

    Attributes
    ----------
    read : Path
        A read page, see `papertrace.training.band_pages`.
    seed : int
        Says which segments are taken.
    most : int
        Segments at most.
    file : Path
    """

    read: Path
    seed: int
    most: int
    file: Path


def collect(jobs: Sequence[Job], folder: Path, most: int, processes: int) -> Segments:
    """Make the segments of read pages that are not there yet, and load all.

    Parameters
    ----------
    jobs : sequence of Job
        Whose read pages are there.
    folder : Path
        Of the segments' files.
    most : int
        Segments of a page at most.
    processes : int
        Pages at a time.

    Returns
    -------
    Segments
        In the order of the jobs, however many processes made them.
    """
    cuts = [Cut(job.file, job.seed, most, folder / job.file.name) for job in jobs]
    make_missing(cuts, make, processes)
    return load([cut.file for cut in cuts])


def make(cut: Cut) -> None:
    """Lead the traces of a read page back, and write segments along them; none where the page could not be read."""
    page = band_pages.load(cut.read)
    save(cut.file, empty() if page is None else cut_segments(led_back(page), np.random.default_rng(cut.seed), cut.most))


def led_back(page: ReadPage) -> ReadPage:
    """Lead the traces of a page back, as `digitize.refine.correct` does; each of its rows is as long as it was printed.

    Parameters
    ----------
    page : ReadPage

    Returns
    -------
    ReadPage
    """
    spans = {}
    for row, seen in enumerate(np.isfinite(page.seen[..., 0])):
        columns = np.flatnonzero(seen)
        if len(columns):
            spans[row] = float(columns[0]), float(columns[-1])
    return replace(page, layers=replace(page.layers, traces=lead_back(page.layers, spans)))


def cut_segments(page: ReadPage, rng: np.random.Generator, most: int) -> Segments:
    """Choose segments of a page by chance; no two overlap.

    Parameters
    ----------
    page : ReadPage
    rng : numpy.random.Generator
    most : int
        Segments at most.

    Returns
    -------
    Segments
    """
    traces, truth = page.layers.traces, page.seen
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
    windows = cut_windows(page.layers)

    def cut(of_page: NDArray[Kind]) -> NDArray[Kind]:
        return np.stack([of_page[row, start : start + LENGTH] for row, start in chosen])

    return Segments(
        cut(windows.pixels),
        cut(windows.features),
        cut(windows.scale),
        cut(path),
        cut(truth),
        np.full(len(chosen), page.page, np.int32),
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
    """Name the version of what makes segments: the code, and the weights of the network that leads traces back."""
    return version_of_code("papertrace.training.segments", WEIGHTS, without=("digitize.refine.network",))
