"""Score the digitization of pages that another program drew, and of scans of real prints.

``python -m papertrace.benchmarks digitization [--data DIR] [--out DIR] [CONDITION ...]``.

Digitizes the pages of ``kit-pages``, a condition a folder, and the scans of real prints, ``real``; scores them against
their truth and writes ``digitization.md`` and ``digitization.json``. A page that cannot be read counts 0 dB for every
lead. Pages are read in a process of their own that is held to one core, after one page that is not counted.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from digitize.files import written_together
from digitize.leads import Leads
from digitize.records.layouts import LEAD_NAMES
from papertrace.benchmarks.options import parser_for
from papertrace.benchmarks.processes import peak_memory, run_all
from papertrace.benchmarks.report import Report, Section, Table, provenance
from papertrace.datasets.pages import FS, PageFile, find_pages, read_truth
from papertrace.datasets.ptbxl import data_folder
from papertrace.metrics.digitization import PageScore, in_phase_snr, score_page
from papertrace.metrics.scores import bootstrap

REAL = "real"
"""Condition of the scans of real prints."""

REAL_PAGES = ("90036.png", "90043.png")
"""The prints that make up the condition: its published figures are of these."""

Digitizer: TypeAlias = Callable[[Path], Leads]


@dataclass(frozen=True, eq=False)
class Reading:
    """Result of a page.

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


def digitize(image: Path) -> Leads:
    """Digitize a file as a user would, everything read from the page.

    Parameters
    ----------
    image : Path

    Returns
    -------
    Leads
    """
    from digitize import trace_leads

    return trace_leads(image, fs=FS)


def digitize_unrefined(image: Path) -> Leads:
    """Digitize a file as `digitize` does, without the network that corrects traces."""
    from digitize import trace_leads

    return trace_leads(image, fs=FS, refine=False)


def measure(targets: Sequence[PageFile], digitizer: Digitizer = digitize, jobs: int = 1) -> list[Result]:
    """Digitize pages and score them.

    Parameters
    ----------
    targets : sequence of PageFile
    digitizer : callable
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
    read = partial(_read, digitizer)
    # A page that is not counted loads the models.
    readings = run_all(read, images, jobs, on_one_core=jobs == 1, first=partial(read, images[0]))
    nothing = np.full((len(LEAD_NAMES), 0), np.nan)
    return [
        _scored(page, reading, truth, reading.leads.signal if reading.leads else nothing)
        for page, truth, reading in zip(targets, truths, list(readings), strict=True)
    ]


def _read(digitizer: Digitizer, image: Path) -> Reading:
    start = time.perf_counter()
    leads, error = None, ""
    try:
        leads = digitizer(image)
    except Exception as exception:  # a page that breaks the digitizer is a result, not the end of the run
        error = f"{type(exception).__name__}: {exception}"
    return Reading(leads, error, time.perf_counter() - start, peak_memory())


def _truth_of(page: PageFile) -> NDArray[np.float64]:
    truth = read_truth(page)
    assert truth is not None
    return truth


def _scored(page: PageFile, reading: Reading, truth: NDArray[np.floating], signal: NDArray[np.floating]) -> Result:
    in_phase = float(np.nanmean(in_phase_snr(truth, signal, FS)))
    return Result(page, reading, score_page(truth, signal, FS), in_phase)


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


def report(results: Sequence[Result], jobs: int, made_with: Mapping[str, Any], name: str = "digitization") -> Report:
    """Describe the results, condition by condition and page by page.

    Parameters
    ----------
    results : sequence of Result
    jobs : int
        Pages that were digitized at a time.
    made_with : mapping
        See `papertrace.benchmarks.report.provenance`.
    name : str
        Stem of the report's files.

    Returns
    -------
    Report
    """
    peak = max(result.reading.peak for result in results)
    summaries = _summaries(results)
    ratios = ("aligned", "in phase", "strict", "worst lead", "coverage", "residual")
    conditions = Table(
        ["condition", "pages", *ratios, "seconds", "failed"],
        [_condition_row(condition, row) for condition, row in summaries.items()],
    )
    pages = Table(
        ["condition", "page", *ratios, "layout", "seconds", "error"], [_page_row(result) for result in results]
    )
    scans = "The `real` scans are prints of 100 Hz records: their truth is these samples joined by straight lines."
    memory = f"Peak memory of a process: {_number(peak, 0)} MiB."
    sections = [
        Section("", [_MEASURES, f"{_timing(jobs)} {memory}", conditions]),
        Section("Page by page", [pages, scans]),
    ]
    data = {
        "made_with": made_with,
        "jobs": jobs,
        "seconds_comparable": jobs == 1,
        "peak_mib": peak,
        "conditions": summaries,
        "pages": [_page_data(result) for result in results],
    }
    return Report(name, "Digitization", sections, made_with, data)


_MEASURES = (
    "Signal-to-noise ratios in dB, mean over leads, then pages; 95 % bootstrap intervals over pages in brackets. "
    "Aligned: shift up to 0.5 s, in whole samples of 2 ms, and offset up to 1 mV removed lead by lead; in phase: "
    "the same after the page's clock was shifted by a part of a sample; strict: as it stands; worst: lowest "
    "aligned ratio of a lead; coverage: share of the truth's samples; residual: power that breaks Einthoven's and "
    "Goldberger's laws (median). A page that cannot be read, and a lead that is missing, count 0 dB."
)


def _condition_row(name: str, row: Mapping[str, Any]) -> list[object]:
    return [
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
    ]


def _page_row(result: Result) -> list[object]:
    score = result.score
    return [
        result.condition,
        result.page.file.stem,
        f"{score.aligned_mean:.2f}",
        f"{result.in_phase:.2f}",
        f"{score.strict_mean:.2f}",
        f"{score.worst:.2f}, {score.worst_lead}",
        f"{score.coverage:.3f}",
        _number(score.residual, 4),
        result.reading.leads.layout if result.reading.leads else "-",
        f"{result.reading.seconds:.2f}",
        result.reading.error,
    ]


def _page_data(result: Result) -> dict[str, Any]:
    """Collect what the report says of a page, and every lead's ratios."""
    score, leads = result.score, result.reading.leads
    return {
        "condition": result.condition,
        "page": result.page.file.name,
        "aligned": score.aligned_mean,
        "in phase": result.in_phase,
        "strict": score.strict_mean,
        "worst": score.worst,
        "worst_lead": score.worst_lead,
        "coverage": score.coverage,
        "residual": score.residual,
        "aligned_by_lead": dict(zip(LEAD_NAMES, score.aligned.tolist(), strict=True)),
        "strict_by_lead": dict(zip(LEAD_NAMES, score.strict.tolist(), strict=True)),
        "layout": leads.layout if leads else None,
        "warnings": list(leads.warnings) if leads else [],
        "seconds": result.reading.seconds,
        "error": result.reading.error or None,
    }


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


def main(arguments: Sequence[str] | None = None, digitizer: Digitizer | None = None) -> None:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the command line.
    digitizer : callable, optional
        See `measure`; `digitize`, or `digitize_unrefined` where the command line says so.
    """
    parser = parser_for("digitization", __doc__, data=data_folder().parent, jobs=1)
    parser.add_argument(
        "conditions", nargs="*", metavar="CONDITION", help="folders of kit-pages, or real; default: all"
    )
    parser.add_argument("--overlays", type=Path, metavar="DIR", help="draw the traces over the pages, worst first")
    parser.add_argument(
        "--no-refine", dest="refine", action="store_false", help="the deterministic stage alone, in files of its own"
    )
    chosen = parser.parse_args(arguments)
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

    results = measure(targets, digitizer or (digitize if chosen.refine else digitize_unrefined), chosen.jobs)
    name = "digitization" if chosen.refine else "digitization-unrefined"
    report(results, chosen.jobs, provenance(), name).write(chosen.out)
    if chosen.overlays is not None:
        write_overlays(results, chosen.overlays)
