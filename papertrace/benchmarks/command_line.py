"""Time the command as people start it: one page, an archive on two cores, its memory over hundreds of pages.

Everything runs in processes of its own, from a cold start to the written files, in seconds of the clock.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from papertrace.synth import render_page, simulate

_ROOT = Path(__file__).parents[2]
_KINDS = 10
"""Different pages; an archive repeats them, so that any tenth of it is like any other."""
_STARTS, _ROUNDS = 5, 3
_PAGES_AT_WORK = 2 * _KINDS
_LOOK = 0.2
"""Seconds between two looks at the memory."""
_FS = 500


@dataclass(frozen=True)
class Figure:
    """One figure, and what it ought to be.

    Attributes
    ----------
    name, goal : str
    value : float
        NaN where the system does not tell.
    unit : str
    runs : int
        Runs, or pages, that it rests on.
    """

    name: str
    value: float
    unit: str
    goal: str
    runs: int


def command_line(pages: int, dpi: float) -> list[Figure]:
    """Measure the command.

    Parameters
    ----------
    pages : int
        Pages of the archive whose reading must not need more and more memory.
    dpi : float
        Resolution of all pages.

    Returns
    -------
    list of Figure
    """
    with TemporaryDirectory() as folder:
        kinds = _print(Path(folder) / "kinds", dpi)
        empty, importing = (
            statistics.median(_seconds(["-c", work]) for _ in range(_STARTS)) for work in ("pass", "import digitize")
        )
        cold = statistics.median(_read([kinds[0]], Path(folder) / f"cold{run}", 1)[0] for run in range(_STARTS))
        at_work = _archive(kinds, Path(folder) / "at work", _PAGES_AT_WORK)
        # In turns, so that other work on the machine weighs on both.
        alone, together = zip(
            *(
                [_read([at_work], Path(folder) / f"{jobs} jobs, {run}", jobs)[0] for jobs in (1, 2)]
                for run in range(_ROUNDS)
            ),
            strict=True,
        )
        archive = _archive(kinds, Path(folder) / "archive", pages)
        _, memory = _read([archive], Path(folder) / "out", 1)
    growth, highest = _growth(memory, pages), max((mebibytes for _, mebibytes in memory), default=float("nan"))
    return [
        Figure("import digitize", importing - empty, "s", "below 0.5", _STARTS),
        Figure("the command on one page, cold", cold, "s", "below 6", _STARTS),
        Figure("one job's time over two jobs'", sum(alone) / sum(together), "", "1.7 or more", _ROUNDS),
        Figure("memory of the last tenth of an archive over the first's", growth, "MiB", "flat", pages),
        Figure("highest memory, all processes", highest, "MiB", "", pages),
    ]


def _print(folder: Path, dpi: float) -> list[Path]:
    folder.mkdir()
    files = []
    for seed in range(_KINDS):
        page = render_page(simulate(10.0, _FS, seed=seed), _FS, layout="3x4+II", dpi=dpi, rotation=seed / 10)
        files.append(folder / f"page{seed}.png")
        Image.fromarray(page.image).save(files[-1])
    return files


def _archive(kinds: Sequence[Path], folder: Path, pages: int) -> Path:
    folder.mkdir()
    for number in range(pages):
        os.link(kinds[number % len(kinds)], folder / f"{number:05d}.png")
    return folder


def _seconds(arguments: Sequence[str]) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, cwd=_ROOT)
    return time.perf_counter() - began


def _read(sources: Sequence[Path], out: Path, jobs: int) -> tuple[float, list[tuple[int, float]]]:
    """Seconds of the command on files, and how much memory it had when so many pages were done."""
    began = time.perf_counter()
    words = [sys.executable, "pipeline.py", *map(str, sources), "--out", str(out), "--jobs", str(jobs), "--quiet"]
    process = subprocess.Popen(words, cwd=_ROOT)
    with _watched(process.pid, lambda: len(list(out.glob("*.json")))) as memory:
        code = process.wait()
    if code:
        raise RuntimeError(f"{' '.join(words)}: exit code {code}; allowed: 0")
    return time.perf_counter() - began, memory


@contextmanager
def _watched(process: int, done: Callable[[], int]) -> Iterator[list[tuple[int, float]]]:
    """Pages done and MiB of a process and all that it started, from look to look; nothing where there is no /proc."""
    seen: list[tuple[int, float]] = []
    over = threading.Event()

    def look() -> None:
        while not over.wait(_LOOK):
            seen.append((done(), sum(_resident(member) for member in family(process, _parents()))))

    watcher = threading.Thread(target=look)
    if Path("/proc/self/stat").exists():
        watcher.start()
    try:
        yield seen
    finally:
        over.set()
        if watcher.ident is not None:
            watcher.join()


def family(process: int, parents: Mapping[int, int]) -> list[int]:
    """List a process and all that descend from it.

    Parameters
    ----------
    process : int
    parents : mapping
        Every process and its parent.

    Returns
    -------
    list of int

    Examples
    --------
    >>> family(5, {5: 1, 6: 5, 7: 6, 8: 1})
    [5, 6, 7]
    """
    found = [process]
    for parent in found:
        found += [child for child, parent_of_child in parents.items() if parent_of_child == parent]
    return found


def _parents() -> dict[int, int]:
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                # The name, in brackets, may hold anything.
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                continue
    return parents


def _resident(process: int) -> float:
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    except (OSError, IndexError):
        return 0.0


def _growth(memory: Sequence[tuple[int, float]], pages: int) -> float:
    """Highest memory in the last tenth of the pages less that in the first, from when all kinds were seen once."""
    tenth = max(_KINDS, pages // 10)
    first = [mebibytes for done, mebibytes in memory if _KINDS <= done < _KINDS + tenth]
    last = [mebibytes for done, mebibytes in memory if pages - tenth <= done < pages]
    return max(last) - max(first) if first and last else float("nan")
