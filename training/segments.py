"""Segments of traces for `training.refiner`: what the digitiser really read on printed pages, beside what was printed.

A page is printed by `synth`, read by the deterministic stage, and its windows are cut (`digitize.windows`); the truth
is carried onto its upright page (`training.upright`). Each page becomes one small file, so that collecting can be
interrupted, goes on where it stopped, and runs in several processes.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from digitize.api import Reading, nearest_columns, rate_strips, read_page, strips_of
from digitize.page import PageError
from digitize.refine import LENGTH, windows_of
from digitize.trace import Traces
from digitize.windows import CHANNELS, HEIGHT, MARKS, Windows
from synth import render_page
from synth.presets import PRESETS
from training.ptbxl import read_500
from training.upright import true_paths

_FS = 500
"""Sampling frequency of the recordings that are printed, Hz."""

QUARTERS = 4
"""Places a column at which the truth is known."""

_LEAST_KNOWN = 0.5
"""Share of a segment's columns in which trace and truth are known."""


@dataclass(frozen=True, eq=False)
class Segments:
    """Stretches of traces with their truth.

    Attributes
    ----------
    pixels : ndarray, shape (n, LENGTH, len(CHANNELS), HEIGHT), uint8
    marks : ndarray, shape (n, LENGTH, len(MARKS)), float16
    scale : ndarray, shape (n, LENGTH), float32
        These three as in `digitize.windows.Windows`.
    path : ndarray, shape (n, LENGTH, 2), float32
        The trace (y) in every column and half-way to the next; NaN where it is hidden.
    truth : ndarray, shape (n, LENGTH, QUARTERS), float32
        The pen (y) at every quarter of a column; NaN where the page shows nothing.
    rated : ndarray, shape (n, LENGTH), float16
        Confidence of the trace (`digitize.confidence`).
    page : ndarray, shape (n,), int32
        Number of the page that a segment is from.
    """

    pixels: NDArray[np.uint8]
    marks: NDArray[np.float16]
    scale: NDArray[np.float32]
    path: NDArray[np.float32]
    truth: NDArray[np.float32]
    rated: NDArray[np.float16]
    page: NDArray[np.int32]

    def __len__(self) -> int:
        """Count the segments."""
        return len(self.page)


@dataclass(frozen=True)
class Job:
    """A page to print, and the file to leave."""

    record: Path
    preset: str
    seed: int
    page: int
    most: int
    file: Path


def plan(records: Sequence[Path], pages: int, most: int, seed: int, folder: Path) -> list[Job]:
    """Plan pages: every preset as often, every record about as often.

    Parameters
    ----------
    records : sequence of Path
    pages : int
    most : int
        Segments of a page at most.
    seed : int
        Drives records, pages and segments.
    folder : Path
        Of the files.

    Returns
    -------
    list of Job
    """
    order = np.random.default_rng(seed).permutation(len(records))
    names = list(PRESETS)
    return [
        Job(
            record=records[order[k % len(records)]],
            preset=names[k % len(names)],
            seed=seed * 1_000_000 + k,
            page=k,
            most=most,
            file=folder / f"{k:05d}.npz",
        )
        for k in range(pages)
    ]


def collect(jobs: Sequence[Job], processes: int) -> Segments:
    """Make the segments that are not there yet, and load all.

    Parameters
    ----------
    jobs : sequence of Job
    processes : int
        Pages at a time.

    Returns
    -------
    Segments
        In the order of the jobs, however many processes made them.
    """
    missing = [job for job in jobs if not job.file.is_file()]
    # A fresh interpreter: a fork of one whose libraries run threads may hang.
    fresh = multiprocessing.get_context("spawn")
    if missing:
        with ProcessPoolExecutor(processes, mp_context=fresh, initializer=cv2.setNumThreads, initargs=(1,)) as pool:
            for _ in tqdm(pool.map(make, missing), total=len(missing), unit="page", disable=None):
                pass
    return load([job.file for job in jobs])


def make(job: Job) -> None:
    """Print a page, read it, and write its segments; none where the page cannot be read."""
    page = render_page(read_500(job.record), _FS, job.preset, seed=job.seed)
    try:
        reading = read_page(page.image)
    except PageError:
        segments = empty()
    else:
        segments = cut_segments(
            windows_of(reading.view, reading.worth.gain),
            reading.view.traces,
            true_paths(page, reading.view, QUARTERS),
            _rated(reading),
            np.random.default_rng(job.seed),
            most=job.most,
            page=job.page,
        )
    save(job.file, segments)


def _rated(reading: Reading) -> NDArray[np.float32]:
    """Confidence of the traces (rows, w); 0 beside the strips."""
    rated = np.zeros_like(reading.view.traces.centre)
    strips, _, residual, _ = strips_of(reading, _FS)
    columns = nearest_columns(reading, strips, _FS)
    for strip, nearest, own in zip(strips, columns, rate_strips(reading, strips, residual, _FS), strict=True):
        rated[strip.row, nearest] = own
    return rated


def cut_segments(
    windows: Windows,
    traces: Traces,
    truth: NDArray[np.float32],
    rated: NDArray[np.float32],
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
        See `training.upright.true_paths`.
    rated : ndarray, shape (rows, w), float32
        Confidence of the traces.
    rng : numpy.random.Generator
    most : int
        Segments at most.
    page : int
        Number of the page.

    Returns
    -------
    Segments
    """
    path = np.stack([traces.centre, traces.between], axis=2)
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

    def cut(of_page: NDArray) -> NDArray:
        return np.stack([of_page[row, start : start + LENGTH] for row, start in chosen])

    return Segments(
        cut(windows.pixels),
        cut(windows.marks),
        cut(windows.scale),
        cut(path),
        cut(truth),
        cut(rated).astype(np.float16),
        np.full(len(chosen), page, np.int32),
    )


def empty() -> Segments:
    """No segments at all."""
    return Segments(
        np.zeros((0, LENGTH, len(CHANNELS), HEIGHT), np.uint8),
        np.zeros((0, LENGTH, len(MARKS)), np.float16),
        np.zeros((0, LENGTH), np.float32),
        np.zeros((0, LENGTH, 2), np.float32),
        np.zeros((0, LENGTH, QUARTERS), np.float32),
        np.zeros((0, LENGTH), np.float16),
        np.zeros(0, np.int32),
    )


def save(file: Path, segments: Segments) -> None:
    """Write segments, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(".tmp")
    with unfinished.open("wb") as stream:
        np.savez_compressed(stream, **{field.name: getattr(segments, field.name) for field in fields(Segments)})
    os.replace(unfinished, file)


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
    parts: dict[str, list[NDArray]] = {field.name: [getattr(empty(), field.name)] for field in fields(Segments)}
    for file in files:
        with np.load(file) as content:
            for name, kept in parts.items():
                kept.append(content[name])
    return Segments(**{name: np.concatenate(kept) for name, kept in parts.items()})
