"""How well pages are digitised.

``python -m papertrace.benchmarks.digitization [--data DIR] [--out DIR] [CONDITION ...]``.

Digitises the pages of ``kit-pages``, a condition a folder, and the scans of real prints, ``real``; scores them against
their truth and writes ``digitization.md`` and ``digitization.json``. A page that cannot be read counts 0 dB for every
lead. Pages are read in a process of their own that is held to one core, after one page that is not counted.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from digitize.export import written_together
from digitize.leads import Leads
from digitize.records.layouts import LEAD_NAMES
from papertrace.benchmarks.report import provenance, table
from papertrace.datasets.pages import FS, PageFile, find_pages, read_truth
from papertrace.datasets.ptbxl import data_folder
from papertrace.metrics.digitization import PageScore, in_phase_snr, score_page
from papertrace.metrics.scores import Interval, bootstrap

REAL = "real"
"""Condition of the scans of real prints."""

REAL_PAGES = ("90036.png", "90043.png")
"""The prints that make up the condition; the others were scanned after its first figures were published."""

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

Digitiser: TypeAlias = Callable[[Path], Leads]


@dataclass(frozen=True, eq=False)
class Reading:
    """What became of a page.

    Attributes
    ----------
    leads : Leads or None
        None for a page that could not be read.
    error : str
        Why; empty for a page that was read.
    seconds : float
        From the file to millivolts.
    peak : float
        Highest memory of the process so far, MiB; NaN where the system does not tell.
    """

    leads: Leads | None
    error: str
    seconds: float
    peak: float


@dataclass(frozen=True, eq=False)
class Result:
    """A page that was measured; `in_phase` is its mean ratio by `papertrace.metrics.digitization.in_phase_snr`, dB."""

    page: PageFile
    reading: Reading
    score: PageScore
    in_phase: float

    @property
    def name(self) -> str:
        """Condition and page."""
        return f"{self.condition}/{self.page.file.stem}"

    @property
    def condition(self) -> str:
        """See `condition_of`."""
        return condition_of(self.page)


def find_targets(data: Path) -> list[PageFile]:
    """List the pages that are scored.

    Parameters
    ----------
    data : Path
        Folder with ``kit-pages`` and ``real-pages/with-truth``; what is missing is left out.

    Returns
    -------
    list of PageFile
        By condition, the real scans last.

    Raises
    ------
    FileNotFoundError
        If there is no page.
    """
    targets = [
        page
        for page in find_pages(data, ("kit", "prints"))
        if page.truth is not None and (page.kind == "kit" or page.file.name in REAL_PAGES)
    ]
    if not targets:
        raise FileNotFoundError(f"{data}: has no pages with truth in kit-pages or real-pages/with-truth")
    return targets


def condition_of(page: PageFile) -> str:
    """Name the condition of a page: a folder of the kit, or `REAL`."""
    return REAL if page.kind == "prints" else page.file.parent.name


def digitise(image: Path) -> Leads:
    """Digitise a file as a user would, everything read from the page.

    Parameters
    ----------
    image : Path

    Returns
    -------
    Leads
    """
    from digitize import trace_leads

    return trace_leads(image, fs=FS)


def digitise_unrefined(image: Path) -> Leads:
    """Digitise a file as `digitise` does, without the network that corrects traces."""
    from digitize import trace_leads

    return trace_leads(image, fs=FS, refine=False)


def measure(targets: Sequence[PageFile], digitiser: Digitiser = digitise, jobs: int = 1) -> list[Result]:
    """Digitise pages and score them.

    Parameters
    ----------
    targets : sequence of PageFile
    digitiser : callable
        Takes a file and gives leads at `FS`; any module must be able to import it.
    jobs : int
        Processes. A lone one is held to one core.

    Returns
    -------
    list of Result
        In the order of the targets.
    """
    truths = [_truth_of(page) for page in targets]
    images = [page.file for page in targets]
    jobs = min(jobs, len(targets))
    with (
        one_thread_each(),
        ProcessPoolExecutor(
            jobs,
            # A fresh interpreter: thread counts are read when a library is loaded.
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_prepare,
            initargs=(digitiser, images[0], jobs == 1),
        ) as pool,
    ):
        reading = pool.map(_read, [digitiser] * len(images), images)
        readings = list(tqdm(reading, total=len(images), desc="pages", disable=None))
    nothing = np.full((len(LEAD_NAMES), 0), np.nan)
    return [
        _scored(page, reading, truth, reading.leads.signal if reading.leads else nothing)
        for page, truth, reading in zip(targets, truths, readings, strict=True)
    ]


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Let processes that are started within use one thread each: libraries look at this when they are loaded."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _prepare(digitiser: Digitiser, image: Path, alone: bool) -> None:
    import cv2

    cv2.setNumThreads(1)
    if alone:
        one_core()
    _read(digitiser, image)


def one_core() -> None:
    """Hold the process to one core, libraries that start threads of their own included."""
    import cv2

    cv2.setNumThreads(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def _read(digitiser: Digitiser, image: Path) -> Reading:
    start = time.perf_counter()
    leads, error = None, ""
    try:
        leads = digitiser(image)
    except Exception as exception:  # a page that breaks the digitiser is a result, not the end of the run
        error = f"{type(exception).__name__}: {exception}"
    return Reading(leads, error, time.perf_counter() - start, peak_memory())


def _truth_of(page: PageFile) -> NDArray[np.float64]:
    truth = read_truth(page)
    assert truth is not None
    return truth


def _scored(page: PageFile, reading: Reading, truth: NDArray[np.floating], signal: NDArray[np.floating]) -> Result:
    in_phase = float(np.nanmean(in_phase_snr(truth, signal, FS)))
    return Result(page, reading, score_page(truth, signal, FS), in_phase)


def peak_memory() -> float:
    """Highest memory of this process so far, MiB; NaN where the system does not tell."""
    if sys.platform == "win32":
        return math.nan
    import resource

    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def summary(results: Sequence[Result]) -> dict[str, Any]:
    """Average over pages.

    Parameters
    ----------
    results : sequence of Result

    Returns
    -------
    dict
        ``pages``, ``failed``, ``aligned`` (an `Interval` over pages), ``in phase``, ``strict``, ``worst``,
        ``worst_lead``, ``coverage``, ``residual`` (median; NaN where none could be judged) and ``seconds`` (median).
    """
    aligned = np.array([result.score.aligned_mean for result in results])
    worst = min(results, key=lambda result: result.score.worst)
    judged = [result.score.residual for result in results if math.isfinite(result.score.residual)]
    return {
        "pages": len(results),
        "failed": sum(result.reading.leads is None for result in results),
        "aligned": bootstrap(lambda chosen: np.array([aligned[chosen].mean()]), len(aligned))[0],
        "in phase": statistics.fmean(result.in_phase for result in results),
        "strict": statistics.fmean(result.score.strict_mean for result in results),
        "worst": worst.score.worst,
        "worst_lead": f"{worst.score.worst_lead} of {worst.page.file.stem}",
        "coverage": statistics.fmean(result.score.coverage for result in results),
        "residual": statistics.median(judged) if judged else math.nan,
        "seconds": statistics.median(result.reading.seconds for result in results),
    }


def _summaries(results: Sequence[Result]) -> dict[str, dict[str, Any]]:
    conditions = list(dict.fromkeys(result.condition for result in results))
    summaries = {
        condition: summary([result for result in results if result.condition == condition]) for condition in conditions
    }
    return summaries if len(conditions) == 1 else {**summaries, "all": summary(results)}


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else "-"


def _timing(jobs: int) -> str:
    if jobs > 1:
        return f"{jobs} pages at a time: **seconds are not comparable**."
    return (
        "Seconds: file to millivolts on one core, models loaded by a page before that is not counted; OpenMP, BLAS and "
        "OpenCV at one thread, and on Linux the process is held to one core."
    )


def markdown(results: Sequence[Result], jobs: int, made_with: dict[str, Any]) -> str:
    """Write the report.

    Parameters
    ----------
    results : sequence of Result
    jobs : int
        Pages that were digitised at a time.
    made_with : dict
        See `papertrace.benchmarks.report.provenance`.

    Returns
    -------
    str
        Markdown.
    """
    peak = max(result.reading.peak for result in results)
    conditions = [
        (
            name,
            row["pages"],
            f"{row['aligned'].value:.2f} ({row['aligned'].low:.2f} to {row['aligned'].high:.2f})",
            f"{row['in phase']:.2f}",
            f"{row['strict']:.2f}",
            f"{row['worst']:.2f}, {row['worst_lead']}",
            f"{row['coverage']:.3f}",
            _number(row["residual"], 4),
            f"{row['seconds']:.2f}",
            row["failed"],
        )
        for name, row in _summaries(results).items()
    ]
    pages = [
        (
            result.condition,
            result.page.file.stem,
            f"{result.score.aligned_mean:.2f}",
            f"{result.in_phase:.2f}",
            f"{result.score.strict_mean:.2f}",
            f"{result.score.worst:.2f}, {result.score.worst_lead}",
            f"{result.score.coverage:.3f}",
            _number(result.score.residual, 4),
            result.reading.leads.layout if result.reading.leads else "-",
            f"{result.reading.seconds:.2f}",
            result.reading.error,
        )
        for result in results
    ]
    libraries = ", ".join(f"{name} {version}" for name, version in made_with["libraries"].items() if version)
    lines = [
        "# Digitisation",
        "",
        "Signal-to-noise ratios in dB, mean over leads, then pages; 95 % bootstrap intervals over pages in brackets. "
        "Aligned: shift up to 0.5 s, in whole samples of 2 ms, and offset up to 1 mV removed lead by lead; in phase: "
        "the same after the page's clock was shifted by a part of a sample; strict: as it stands; worst: lowest "
        "aligned ratio of a lead; coverage: share of the truth's samples; residual: power that breaks Einthoven's and "
        "Goldberger's laws (median). A page that cannot be read, and a lead that is missing, count 0 dB.",
        "",
        f"{_timing(jobs)} Peak memory of a process: {_number(peak, 0)} MiB.",
        "",
        *table(
            [
                *("condition", "pages", "aligned", "in phase", "strict", "worst lead", "coverage", "residual"),
                *("seconds", "failed"),
            ],
            conditions,
        ),
        "",
        "## Page by page",
        "",
        *table(
            [
                "condition",
                "page",
                "aligned",
                "in phase",
                "strict",
                "worst lead",
                "coverage",
                "residual",
                "layout",
                "seconds",
                "error",
            ],
            pages,
        ),
        "",
        "The `real` scans are prints of 100 Hz records: their truth is these samples joined by straight lines.",
        "",
        f"Made {made_with['date']} with papertrace {made_with['papertrace']}, "
        f"commit {made_with['commit'] or 'unknown'}, Python {made_with['python']}, {libraries}; "
        f"{made_with['platform']}, {made_with['cpus']} cores.",
    ]
    return "\n".join(lines) + "\n"


def as_json(results: Sequence[Result], jobs: int, made_with: dict[str, Any]) -> str:
    """Write the report for machines; what `markdown` says and every lead's ratios, unknown values null.

    Parameters
    ----------
    results : sequence of Result
    jobs : int
    made_with : dict
        As for `markdown`.

    Returns
    -------
    str
        JSON.
    """
    pages = [
        {
            "condition": result.condition,
            "page": result.page.file.name,
            "aligned": result.score.aligned_mean,
            "in phase": result.in_phase,
            "strict": result.score.strict_mean,
            "worst": result.score.worst,
            "worst_lead": result.score.worst_lead,
            "coverage": result.score.coverage,
            "residual": result.score.residual,
            "aligned_by_lead": dict(zip(LEAD_NAMES, result.score.aligned.tolist(), strict=True)),
            "strict_by_lead": dict(zip(LEAD_NAMES, result.score.strict.tolist(), strict=True)),
            "layout": result.reading.leads.layout if result.reading.leads else None,
            "warnings": list(result.reading.leads.warnings) if result.reading.leads else [],
            "seconds": result.reading.seconds,
            "error": result.reading.error or None,
        }
        for result in results
    ]
    report = {
        "made_with": made_with,
        "jobs": jobs,
        "seconds_comparable": jobs == 1,
        "peak_mib": max(result.reading.peak for result in results),
        "conditions": _summaries(results),
        "pages": pages,
    }
    return json.dumps(_plain(report), indent=1, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, Interval):
        return _plain(vars(value))
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_overlays(results: Sequence[Result], folder: Path) -> None:
    """Draw the traces over the pages that were read; file names sort from the worst page to the best.

    Parameters
    ----------
    results : sequence of Result
    folder : Path
        It is made when missing; files of the same name are replaced.
    """
    from PIL import Image

    from digitize.pages.page import load_page

    ranked = sorted(results, key=lambda result: (result.score.worst, result.score.aligned_mean))
    for place, result in enumerate(tqdm(ranked, desc="overlays", disable=None), start=1):
        if result.reading.leads is not None:
            picture = result.reading.leads.overlay(load_page(result.page.file).image)
            name = (
                f"{place:03d}_{result.name.replace('/', '_')}_{result.score.worst_lead}_{result.score.worst:.1f}dB.png"
            )
            with written_together(folder) as temporary:
                Image.fromarray(picture).save(temporary / name)


def main(arguments: Sequence[str] | None = None, digitiser: Digitiser | None = None) -> None:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the command line.
    digitiser : callable, optional
        See `measure`; `digitise`, or `digitise_unrefined` where the command line says so.
    """
    parser = argparse.ArgumentParser(
        prog="python -m papertrace.benchmarks.digitization", description="Score the digitisation."
    )
    parser.add_argument(
        "conditions", nargs="*", metavar="CONDITION", help="folders of kit-pages, or real; default: all"
    )
    parser.add_argument("--data", type=Path, default=data_folder().parent, help="folder with kit-pages and real-pages")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path(__file__).parent / "results",
        help="folder for the two files (default: %(default)s)",
    )
    parser.add_argument("--overlays", type=Path, metavar="DIR", help="draw the traces over the pages, worst first")
    parser.add_argument("--jobs", type=int, default=1, help="pages at a time; above 1 the seconds mean little")
    parser.add_argument(
        "--no-refine", dest="refine", action="store_false", help="the deterministic stage alone, in files of its own"
    )
    chosen = parser.parse_args(arguments)
    if chosen.jobs < 1:
        parser.error(f"--jobs {chosen.jobs}; allowed: whole numbers from 1")
    try:
        targets = find_targets(chosen.data)
    except FileNotFoundError as error:
        parser.error(str(error))
    known = dict.fromkeys(map(condition_of, targets))
    for condition in chosen.conditions:
        if condition not in known:
            parser.error(f"unknown condition {condition!r}; allowed: {', '.join(known)}")
    if chosen.conditions:
        targets = [page for page in targets if condition_of(page) in chosen.conditions]

    results = measure(targets, digitiser or (digitise if chosen.refine else digitise_unrefined), chosen.jobs)
    made_with = provenance()
    text = markdown(results, chosen.jobs, made_with)
    with written_together(chosen.out) as temporary:
        stem = "digitization" if chosen.refine else "digitization-unrefined"
        (temporary / f"{stem}.md").write_text(text, encoding="utf-8")
        (temporary / f"{stem}.json").write_text(as_json(results, chosen.jobs, made_with), encoding="utf-8")
    if chosen.overlays is not None:
        write_overlays(results, chosen.overlays)
    print(text)


if __name__ == "__main__":
    main()
