"""How fast the parts are: ``python -m benchmarks.speed [--out DIR] [--pages N]``.

One process, one thread; every figure is the median over N runs after a warm-up, in seconds of the processor, so that
other work on the machine counts little. Writes ``speed.md`` and ``speed.json``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
from tqdm import tqdm

from benchmarks.report import provenance, table
from digitize.export import written_together
from synth import PRESETS, render_page, simulate

DPI = 200.0
"""Presets print at 150 to 300 dpi and more; here all are printed alike."""

_WARM_UP = 2
_SECONDS, _FS = 10.0, 500
_CLEAN: dict[str, dict[str, Any]] = {"plain 3x4+II": {"layout": "3x4+II"}, "plain 12x1": {"layout": "12x1"}}


@dataclass(frozen=True)
class Timing:
    """Seconds of the processor that one kind of work takes.

    Attributes
    ----------
    name : str
    median, slowest : float
        Seconds a run.
    runs : int
    megapixels : float
        Median size of what was made.
    """

    name: str
    median: float
    slowest: float
    runs: int
    megapixels: float


def measure(name: str, work: Callable[[int], int], runs: int) -> Timing:
    """Time a piece of work.

    Parameters
    ----------
    name : str
    work : callable
        Takes the number of the run and returns the number of pixels that it made or read.
    runs : int
        After a warm-up of two, whose numbers are negative.

    Returns
    -------
    Timing

    Examples
    --------
    >>> measure("nothing", lambda run: 10**6, 3).megapixels
    1.0
    """
    for run in range(-_WARM_UP, 0):
        work(run)
    seconds, pixels = [], []
    for run in range(runs):
        start = time.process_time()
        made = work(run)
        seconds.append(time.process_time() - start)
        pixels.append(made)
    return Timing(name, statistics.median(seconds), max(seconds), runs, statistics.median(pixels) / 1e6)


def printer(pages: int) -> list[Timing]:
    """Time the printer: plain pages, then every preset, each page of another seed.

    Parameters
    ----------
    pages : int
        Pages of each kind.

    Returns
    -------
    list of Timing
    """
    signal = simulate(_SECONDS, _FS, seed=1)

    def work(preset: str | None, knobs: dict[str, Any]) -> Callable[[int], int]:
        def print_page(run: int) -> int:
            height, width = render_page(signal, _FS, preset, seed=run + _WARM_UP, dpi=DPI, **knobs).ink.shape
            return height * width

        return print_page

    kinds = [(name, work(None, knobs)) for name, knobs in _CLEAN.items()]
    kinds += [(name, work(name, {})) for name in PRESETS]
    return [measure(name, print_page, pages) for name, print_page in tqdm(kinds, unit="kind")]


SECTIONS: dict[str, Callable[[int], list[Timing]]] = {"printer": printer}
"""Parts that are timed, by the key of their results."""


def write(results: dict[str, list[Timing]], out: Path) -> None:
    """Write ``speed.md`` and ``speed.json``.

    Parameters
    ----------
    results : dict
        Timings of every section.
    out : Path
        Folder.
    """
    made_with = provenance()
    lines = [
        "# Speed",
        "",
        f"{made_with['date']}, commit {made_with['commit']}, {made_with['platform']}; one process, one thread. "
        "Medians over the runs, after a warm-up, in seconds of the processor.",
        "",
        "## Page printer",
        "",
        f"Pages with their truth in memory at {DPI:g} dpi (`synth.render_page`), each of another seed.",
        "",
        *table(
            ["pages", "pages/s", "seconds a page", "slowest", "megapixels", "runs"],
            (
                (
                    timing.name,
                    f"{1 / timing.median:.1f}",
                    f"{timing.median:.2f}",
                    f"{timing.slowest:.2f}",
                    f"{timing.megapixels:.1f}",
                    timing.runs,
                )
                for timing in results["printer"]
            ),
        ),
    ]
    content = {"made with": made_with, "dpi": DPI} | {
        section: [asdict(timing) for timing in timings] for section, timings in results.items()
    }
    with written_together(out) as unfinished:
        (unfinished / "speed.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (unfinished / "speed.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the command line.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description="Time the parts on one core.")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path(__file__).parent / "results",
        help="folder for the two files (default: %(default)s)",
    )
    parser.add_argument("--pages", type=int, default=20, help="pages of each kind (default: %(default)s)")
    chosen = parser.parse_args(arguments)
    if chosen.pages < 1:
        parser.error(f"--pages is {chosen.pages}; allowed: whole numbers from 1")
    cv2.setNumThreads(1)
    write({name: section(chosen.pages) for name, section in SECTIONS.items()}, chosen.out)


if __name__ == "__main__":
    main()
