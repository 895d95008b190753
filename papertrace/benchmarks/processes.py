"""Run a benchmark's work in processes of one thread each, and measure the memory that they take."""

from __future__ import annotations

import math
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")
Result = TypeVar("Result")

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@contextmanager
def start_processes(
    jobs: int, on_one_core: bool = False, first: Callable[[], object] | None = None
) -> Iterator[ProcessPoolExecutor]:
    """Start processes whose libraries use one thread each.

    They are fresh interpreters: thread counts are read when a library is loaded, and a fork of a process whose
    libraries run threads may hang.

    Parameters
    ----------
    jobs : int
        How many.
    on_one_core : bool
        Hold each to one core, libraries that start threads of their own included.
    first : callable, optional
        Called in each process before its work: what it loads does not count in the time of the work.

    Yields
    ------
    ProcessPoolExecutor
    """
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        with ProcessPoolExecutor(
            jobs, multiprocessing.get_context("spawn"), initializer=_prepare, initargs=(on_one_core, first)
        ) as processes:
            yield processes
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def run_all(
    work: Callable[[Item], Result],
    items: Sequence[Item],
    jobs: int,
    on_one_core: bool = False,
    first: Callable[[], object] | None = None,
) -> Iterator[Result]:
    """Do the work on pages, or whatever the items are, some at a time, with a bar of what is done.

    Parameters
    ----------
    work : callable
        Takes an item; any module must be able to import it.
    items : sequence
    jobs : int
        Items at a time.
    on_one_core, first
        See `start_processes`.

    Yields
    ------
    object
        What the work returned, in the order of the items.
    """
    if items:
        with start_processes(min(jobs, len(items)), on_one_core, first) as processes:
            yield from tqdm(processes.map(work, items), total=len(items), unit="page", disable=None)


def peak_memory() -> float:
    """Highest memory of this process so far, MiB; NaN where the system does not tell."""
    if sys.platform == "win32":
        return math.nan
    import resource

    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def _prepare(on_one_core: bool, first: Callable[[], object] | None) -> None:
    import cv2

    cv2.setNumThreads(1)
    if on_one_core and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    if first is not None:
        first()
