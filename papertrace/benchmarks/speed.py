"""Time the parts: ``python -m papertrace.benchmarks speed [--out DIR] [--pages N] [--archive N]``.

One thread; every figure is the median over N runs after a warm-up, in seconds of the processor, so that other work on
the machine counts little. The digitizer reads each kind of page in a process of its own, whose peak of memory is the
kind's. The command is timed as people start it (`papertrace.benchmarks.command_line`). Writes ``speed.md`` and
``speed.json``.
"""

from __future__ import annotations

import cProfile
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from digitize import PageError, trace_leads
from papertrace.benchmarks.command_line import Figure, command_line
from papertrace.benchmarks.options import parser_for, whole_number
from papertrace.benchmarks.processes import peak_memory, start_processes
from papertrace.benchmarks.report import Report, Section, Table, provenance
from papertrace.synth import PRESETS, render_page, simulate

DPI = 200.0
"""Presets print at 150 to 300 dpi and more; here all are printed alike."""

_WARM_UP = 2
_SECONDS, _FS = 10.0, 500
_CLEAN: dict[str, dict[str, Any]] = {"plain 3x4+II": {"layout": "3x4+II"}, "plain 12x1": {"layout": "12x1"}}
_NO_GRID: dict[str, dict[str, Any]] = {"plain, no grid": {"layout": "3x4+II", "grid": "none"}}

_STAGES = {
    "grid or paper": ("find_grid", "first_scale", "measured_scale"),
    "upright page": ("_upright",),
    "ink": ("find_ink",),
    "rows and marks": ("runs_downward", "find_rows", "normalize_fading", "find_symbols", "without_pulses"),
    "traces": ("find_pen_ink", "trace_ink", "touch_names", "erase_traces"),
    "words, names, layout, scale": ("find_words", "read_layout", "read_scale", "_turns_by_print"),
    "correction": ("correct",),
    "confidence, strips, verdict": ("marks_of", "rate", "strips_of", "join_strips", "edge_width", "cut_off", "judge"),
}
"""Stages of the digitizer: the functions that those of `_FROM` call for each."""

_FROM = (
    *("place_page", "lay", "_laid", "_follow", "led_past_names", "read_print", "recounted_grid", "_analyze", "choose"),
    *("refined", "_rated", "leads_of"),
)
"""The way of a page: functions of `digitize.api` and of those modules in which it goes on."""


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


@dataclass(frozen=True)
class Reading(Timing):
    """Time and memory that digitizing one kind of page takes.

    Attributes
    ----------
    peak : float
        Highest memory of the process that did, MiB; NaN where the system does not tell.
    unread : int
        Pages that were refused.
    """

    peak: float
    unread: int


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
            pixels: int = height * width
            return pixels

        return print_page

    kinds = [(name, work(None, knobs)) for name, knobs in _CLEAN.items()]
    kinds += [(name, work(name, {})) for name in PRESETS]
    return [measure(name, print_page, pages) for name, print_page in tqdm(kinds, unit="kind")]


def digitizer(pages: int) -> list[Timing]:
    """Time the digitizer, picture to millivolts: plain pages, then every preset, each page of another seed.

    Parameters
    ----------
    pages : int
        Pages of each kind.

    Returns
    -------
    list of Reading
    """
    kinds: list[tuple[str, str | None, dict[str, Any]]] = []
    kinds += [(name, None, knobs) for name, knobs in (_CLEAN | _NO_GRID).items()]
    kinds += [(name, name, {}) for name in PRESETS]
    readings: list[Timing] = []
    for name, preset, knobs in tqdm(kinds, unit="kind"):
        images = _print(preset, knobs, pages + _WARM_UP)
        with start_processes(1, on_one_core=True) as process:
            readings.append(process.submit(read, name, images).result())
    return readings


def read(name: str, images: Sequence[NDArray[np.uint8]]) -> Reading:
    """Time the digitizer on pictures, the first two as a warm-up; a page that is refused takes its time, too."""
    unread = set()

    def digitize(run: int) -> int:
        image = images[run + _WARM_UP]
        try:
            trace_leads(image, fs=_FS)
        except PageError:
            unread.add(run)
        pixels: int = image.shape[0] * image.shape[1]
        return pixels

    timing = measure(name, digitize, len(images) - _WARM_UP)
    return Reading(**asdict(timing), peak=peak_memory(), unread=len([run for run in unread if run >= 0]))


def stages(pages: int) -> list[Timing]:
    """Time the stages of the digitizer on plain pages, each of another seed.

    A profiler takes the times, so their sum is a little more than the page's own.

    Parameters
    ----------
    pages : int
        Number of pages.

    Returns
    -------
    list of Timing
        In the order of the way of a page, what belongs to none of them last.
    """
    images = _print(None, _CLEAN["plain 3x4+II"], pages + _WARM_UP)
    with start_processes(1, on_one_core=True) as process:
        seconds = process.submit(read_by_stage, images).result()
    megapixels = statistics.median(image.shape[0] * image.shape[1] for image in images) / 1e6
    return [
        Timing(stage, statistics.median(times), max(times), pages, megapixels)
        for stage, times in ((stage, [page[stage] for page in seconds]) for stage in [*_STAGES, "the rest"])
    ]


def read_by_stage(images: Sequence[NDArray[np.uint8]]) -> list[dict[str, float]]:
    """Seconds of every stage on pictures, the first two as a warm-up."""
    found = []
    for image in images:
        profile = cProfile.Profile(time.process_time, builtins=False)
        profile.runcall(trace_leads, image, fs=_FS)
        found.append(_by_stage(profile))
    return found[_WARM_UP:]


def _by_stage(profile: cProfile.Profile) -> dict[str, float]:
    profile.create_stats()
    statistic: Mapping[tuple[str, int, str], Any] = vars(profile)["stats"]
    seconds = dict.fromkeys(_STAGES, 0.0)
    for (_, _, function), (_, _, _, _, callers) in statistic.items():
        for stage, functions in _STAGES.items():
            if function in functions:
                # Only where the way of a page calls it: the time of a stage's own parts is the stage's.
                seconds[stage] += sum(times[3] for caller, times in callers.items() if caller[2] in _FROM)
    whole = next(times[3] for (_, _, function), times in statistic.items() if function == trace_leads.__name__)
    return seconds | {"the rest": whole - sum(seconds.values())}


def _print(preset: str | None, knobs: dict[str, Any], pages: int) -> list[NDArray[np.uint8]]:
    signal = simulate(_SECONDS, _FS, seed=1)
    return [render_page(signal, _FS, preset, seed=seed, dpi=DPI, **knobs).image for seed in range(pages)]


SECTIONS: dict[str, Callable[[int], Sequence[Timing]]] = {
    "printer": printer,
    "digitizer": digitizer,
    "stages": stages,
}
"""Parts that are timed, by the key of their results."""


def report(results: Mapping[str, Sequence[Timing]], figures: Sequence[Figure], made_with: Mapping[str, Any]) -> Report:
    """Describe how fast the parts and the command are.

    Parameters
    ----------
    results : mapping of str to sequence of Timing
        Timings of every section.
    figures : sequence of Figure
        Of the command.
    made_with : mapping
        See `papertrace.benchmarks.report.provenance`.

    Returns
    -------
    Report
    """
    sections = [
        Section("", ["One thread. Medians over the runs, after a warm-up, in seconds of the processor."]),
        Section("Page printer", [_PRINTER, _printer_table(results["printer"])]),
        Section(
            "Digitizer",
            [
                _DIGITIZER,
                _digitizer_table([reading for reading in results["digitizer"] if isinstance(reading, Reading)]),
                "Where the time of a plain 3x4+II page goes, under a profiler:",
                _stages_table(results["stages"]),
            ],
        ),
        Section("Command", [_COMMAND, _command_table(figures)]),
    ]
    data = {"made with": made_with, "dpi": DPI}
    data |= {section: [asdict(timing) for timing in timings] for section, timings in results.items()}
    data["command"] = [asdict(figure) for figure in figures]
    return Report("speed", "Speed", sections, made_with, data)


_PRINTER = f"Pages with their truth in memory at {DPI:g} dpi (`papertrace.synth.render_page`), each of another seed."
_DIGITIZER = (
    f"Pictures in memory at {DPI:g} dpi to millivolts (`digitize.trace_leads`), each of another seed. Peak memory "
    "of the process that read the kind's pages, the program and its models included."
)
_COMMAND = (
    f"`python pipeline.py` on plain 3x4+II pages at {DPI:g} dpi, from start to written files, by the clock; as "
    "many threads as libraries like. Medians over the runs."
)


def _printer_table(timings: Sequence[Timing]) -> Table:
    rows = [
        (
            timing.name,
            f"{1 / timing.median:.1f}",
            f"{timing.median:.2f}",
            f"{timing.slowest:.2f}",
            f"{timing.megapixels:.1f}",
            timing.runs,
        )
        for timing in timings
    ]
    return Table(["pages", "pages/s", "seconds a page", "slowest", "megapixels", "runs"], rows)


def _digitizer_table(readings: Sequence[Reading]) -> Table:
    rows = [
        (
            reading.name,
            f"{reading.median:.2f}",
            f"{reading.slowest:.2f}",
            f"{reading.megapixels:.1f}",
            f"{reading.peak:.0f}",
            reading.unread,
            reading.runs,
        )
        for reading in readings
    ]
    return Table(["pages", "seconds a page", "slowest", "megapixels", "peak memory, MiB", "not read", "runs"], rows)


def _stages_table(stages: Sequence[Timing]) -> Table:
    total = sum(stage.median for stage in stages)
    rows = [(stage.name, f"{stage.median:.3f}", f"{stage.median / total:.0%}") for stage in stages]
    return Table(["stage", "seconds", "share"], rows)


def _command_table(figures: Sequence[Figure]) -> Table:
    rows = [(figure.name, f"{figure.value:.2f} {figure.unit}".strip(), figure.goal, figure.runs) for figure in figures]
    return Table(["figure", "value", "goal", "runs or pages"], rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the command line.
    """
    parser = parser_for("speed", __doc__, pages=20)
    parser.add_argument(
        "--archive", type=whole_number(1), default=500, help="pages of an archive (default: %(default)s)"
    )
    chosen = parser.parse_args(arguments)
    figures = command_line(chosen.archive, DPI)
    cv2.setNumThreads(1)
    report({name: section(chosen.pages) for name, section in SECTIONS.items()}, figures, provenance()).write(chosen.out)
