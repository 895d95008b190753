"""Printed pages as training material: which are printed, and one small file of each, made by several processes.

Collecting can be interrupted and goes on where it stopped; files belong to the code that made them
(`papertrace.training.sources.version_of_code`).
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import cv2
import numpy as np
import torch
from tqdm import tqdm

from papertrace.datasets.recordings import find_unreserved
from papertrace.synth.presets import PRESETS

TRAIN_FOLDS, CHOICE_FOLD = (1, 2, 3, 4, 5, 6, 7), 8
"""PTB-XL's folds of the pages that train, and of those that choose."""

MIXTURE = (*PRESETS, *("office_print",) * 3)
"""Presets of pages that train: office prints are what most people have who have paper and no electrocardiograph."""


@dataclass(frozen=True)
class Job:
    """A page to print, and the file to leave.

    Attributes
    ----------
    record : Path
    preset : str
    seed : int
    page : int
        Its number.
    file : Path
    """

    record: Path
    preset: str
    seed: int
    page: int
    file: Path


def plan(
    records: Sequence[Path], pages: int, seed: int, folder: Path, presets: Sequence[str] = tuple(PRESETS)
) -> list[Job]:
    """Plan pages: every preset as often, every record about as often.

    Parameters
    ----------
    records : sequence of Path
    pages : int
    seed : int
        Drives records and pages.
    folder : Path
        Of the files.
    presets : sequence of str
        One that is named twice is printed twice as often.

    Returns
    -------
    list of Job

    Examples
    --------
    >>> [job.preset for job in plan([Path("00001_hr")], 3, 1, Path("pages"))]
    ['clean', 'office_scan', 'faxed']
    """
    order = np.random.default_rng(seed).permutation(len(records))
    return [
        Job(
            record=records[order[k % len(records)]],
            preset=presets[k % len(presets)],
            seed=seed * 1_000_000 + k,
            page=k,
            file=folder / f"{k:05d}.npz",
        )
        for k in range(pages)
    ]


def plan_folds(
    data: Path, folder: Path, train_pages: int, choose_pages: int, seeds: tuple[int, int] = (1, 2)
) -> tuple[list[Job], list[Job]]:
    """Plan the pages that train, and those that choose: of `MIXTURE`, without reserved records.

    Parameters
    ----------
    data : Path
        Of the recordings.
    folder : Path
        Of the files: in its ``train`` and its ``fold8``.
    train_pages, choose_pages : int
    seeds : (int, int)
        A network that judges others should have seeds of its own: they are surer of pages that they were trained on.

    Returns
    -------
    train, choose : list of Job
        Of folds 1 to 7, and of fold 8.
    """
    train, choose = (
        plan(find_unreserved(data, folds), pages, seed, folder / name, MIXTURE)
        for name, folds, pages, seed in (
            ("train", TRAIN_FOLDS, train_pages, seeds[0]),
            ("fold8", (CHOICE_FOLD,), choose_pages, seeds[1]),
        )
    )
    return train, choose


class WithFile(Protocol):
    """Something to make that leaves a file."""

    @property
    def file(self) -> Path:
        """The file."""


Task = TypeVar("Task", bound=WithFile)


def make_missing(jobs: Sequence[Task], make: Callable[[Task], None], processes: int) -> None:
    """Make the files that are not there yet.

    Parameters
    ----------
    jobs : sequence of Job
        Or of anything else that has a file.
    make : callable
        Leaves a job's file (`write_arrays`); processes import it by its name.
    processes : int
        Pages at a time.
    """
    missing = [job for job in jobs if not job.file.is_file()]
    if not missing:
        return
    # A fresh interpreter: a fork of one whose libraries run threads may hang.
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=fresh, initializer=_one_thread) as pool:
        for _ in tqdm(pool.map(make, missing), total=len(missing), unit="page", disable=None):
            pass


def write_arrays(file: Path, arrays: Mapping[str, Any]) -> None:
    """Write arrays into a ``.npz`` file, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(".tmp")
    with unfinished.open("wb") as stream:
        np.savez_compressed(stream, **arrays)
    os.replace(unfinished, file)


def _one_thread() -> None:
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
