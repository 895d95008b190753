"""Score how pages that nobody here drew are digitized, and what each part of the error costs.

The benchmarks `photographs`, `prints`, `scans` and `devices` share this: reading the pages, with the help of oracles
too (`papertrace.benchmarks.oracles`), the tables and the gallery. A page that was not read counts 0 dB for every lead,
and as wrong.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from tqdm import tqdm

from digitize.api import analyze_page, leads_of, refined
from digitize.files import written_together
from digitize.ink.look import look_at
from digitize.leads import Leads
from digitize.pages.page import load_page
from digitize.records.layouts import LEAD_NAMES
from digitize.records.page import PageError
from papertrace.benchmarks.options import parser_for, whole_number
from papertrace.benchmarks.oracles import ORACLES, ask, sums_of
from papertrace.benchmarks.processes import run_all
from papertrace.benchmarks.report import Report, Section, Table, Text, provenance
from papertrace.datasets.pages import FS, KINDS, PageFile, find_pages, read_truth
from papertrace.datasets.ptbxl import data_folder
from papertrace.metrics.digitization import PageScore, score_page
from papertrace.metrics.scores import Interval, bootstrap

TRUSTED = ("good", "usable")
"""Verdicts that a user relies on."""

WORST = 12
"""Pages of a gallery."""

MEASURES = ("aligned", "within 0.2 s", "strict")
"""Ratios of a page, dB."""


@dataclass(frozen=True)
class Job:
    """A page to be read.

    Attributes
    ----------
    page : PageFile
    layout : str
        What is printed on it (`digitize.records.layouts.find_layout`), for the oracles.
    parts : tuple of str
        Parts of its kind that it belongs to, the smallest last.
    dpi : float or None
        At which a PDF is rendered.
    """

    page: PageFile
    layout: str
    parts: tuple[str, ...] = ()
    dpi: float | None = None

    @property
    def part(self) -> str:
        """The smallest part that it belongs to; empty where there are none."""
        return self.parts[-1] if self.parts else ""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of a page.

    Attributes
    ----------
    job : Job
    leads : Leads or None
        None for a page that was not read.
    error : str
        Why not; else empty.
    score : PageScore
    helped : mapping of str to PageScore
        By sum of oracles (`papertrace.benchmarks.oracles.SUMS`), the score with their help.
    seconds : float
        CPU seconds from the file to millivolts.
    """

    job: Job
    leads: Leads | None
    error: str
    score: PageScore
    helped: Mapping[str, PageScore] = field(default_factory=dict)
    seconds: float = math.nan

    @property
    def verdict(self) -> str:
        """What the product says of the page; *not read* where it says nothing."""
        return self.leads.quality.verdict if self.leads else "not read"

    @property
    def layout_right(self) -> bool:
        """Whether every lead that the page shows stands under its name."""
        return self.leads is not None and not self.score.misnamed

    @property
    def wrong_and_trusted(self) -> bool:
        """Whether the page is not right, and called good or usable."""
        return not self.score.right and self.verdict in TRUSTED


@dataclass(frozen=True)
class Set:
    """Pages that a benchmark reads.

    Attributes
    ----------
    name : str
        As in ``python -m papertrace.benchmarks NAME``.
    title : str
        Of the report.
    kind : str
        Of `papertrace.datasets.pages.KINDS`.
    jobs_of : callable
        Gives the jobs of a page of that kind, whose truth is known.
    baseline : bool
        Whether the truth's 0 mV is the page's.
    """

    name: str
    title: str
    kind: str
    jobs_of: Callable[[PageFile], Sequence[Job]]
    baseline: bool = True


def find_jobs(data: Path, pages: Set) -> list[Job]:
    """List the pages of a set whose truth is known.

    Parameters
    ----------
    data : Path
        Folder of the data.
    pages : Set

    Returns
    -------
    list of Job

    Raises
    ------
    FileNotFoundError
        If there is none.
    """
    jobs = [job for page in find_pages(data, [pages.kind]) if page.truth is not None for job in pages.jobs_of(page)]
    if not jobs:
        raise FileNotFoundError(f"{data / KINDS[pages.kind].folder}: has no pages with truth")
    return jobs


def measure(job: Job, oracles: Sequence[str] = (), refine: bool = True) -> Outcome:
    """Digitize and score one page.

    Parameters
    ----------
    job : Job
    oracles : sequence of str
        Of `papertrace.benchmarks.oracles.ORACLES`.
    refine : bool
        Whether the network corrects the traces.

    Returns
    -------
    Outcome
    """
    truth = read_truth(job.page)
    assert truth is not None
    leads, error = None, ""
    began = time.process_time()
    try:
        analysis = analyze_page(load_page(job.page.file, job.page.index, dpi=job.dpi), look=look_at if refine else None)
        leads = leads_of(refined(analysis) if refine else analysis, fs=FS)
    except PageError as problem:
        error = str(problem)
    except Exception as problem:  # a page that breaks the digitizer is a result, not the end of the run
        error = f"{type(problem).__name__}: {problem}"
    seconds = time.process_time() - began
    signal = np.full((len(LEAD_NAMES), 0), np.nan) if leads is None else leads.signal
    helped = _helped(job, signal, truth, oracles, refine) if oracles else {}
    return Outcome(job, leads, error, score_page(truth, signal, FS), helped, seconds)


def _helped(
    job: Job, signal: NDArray[np.floating], truth: NDArray[np.float64], oracles: Sequence[str], refine: bool
) -> dict[str, PageScore]:
    page = load_page(job.page.file, job.page.index, dpi=job.dpi)
    found = ask(sums_of(oracles), page, signal, truth, job.layout, FS, refine)
    return {name: score_page(truth, read, FS) for name, read in found.items()}


def ratios(score: PageScore) -> tuple[float, float, float]:
    """Give a page's ratios in the order of `MEASURES`, dB."""
    return score.aligned_mean, score.pooled, score.strict_mean


def linear_mean(decibels: NDArray[np.floating]) -> float:
    """Average ratios of powers: a few good pages weigh more than in a mean of decibels.

    Parameters
    ----------
    decibels : ndarray

    Returns
    -------
    float
        Decibels.

    Examples
    --------
    >>> round(linear_mean(np.array([0.0, 20.0])), 2)  # (1 + 100) / 2
    17.03
    """
    return float(10 * np.log10(np.mean(10 ** (np.asarray(decibels) / 10))))


def exact(hits: int, pages: int) -> Interval:
    """Give a count with the exact 95 % interval of a share (Clopper and Pearson 1934), in pages.

    Parameters
    ----------
    hits, pages : int

    Returns
    -------
    Interval

    Examples
    --------
    >>> interval = exact(5, 25)
    >>> interval.value, round(interval.low, 1), round(interval.high, 1)
    (5, 1.7, 10.2)
    """
    found = stats.binomtest(hits, pages).proportion_ci(method="exact")
    return Interval(hits, float(found.low) * pages, float(found.high) * pages)


def summary(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Average over pages.

    Parameters
    ----------
    outcomes : sequence of Outcome

    Returns
    -------
    dict
        ``pages``; of each of `MEASURES` a mapping of ``mean``, ``median`` and ``linear`` to an `Interval` over pages;
        counts as an `Interval` of pages: ``layout right``, ``right``, ``trusted``, ``wrong and trusted``, ``not read``;
        medians: ``clock_ms`` (of its amount), ``baseline_uv``, ``gain_percent`` (of its amount), ``worst`` and
        ``cpu_seconds``, NaN where no page tells.
    """
    n = len(outcomes)
    found: dict[str, Any] = {"pages": n}
    for name, values in zip(MEASURES, np.array([ratios(outcome.score) for outcome in outcomes]).T, strict=True):

        def averages(chosen: NDArray[np.int64], own: NDArray[np.float64] = values) -> NDArray[np.float64]:
            return np.array([own[chosen].mean(), np.median(own[chosen]), linear_mean(own[chosen])])

        found[name] = dict(zip(("mean", "median", "linear"), bootstrap(averages, n), strict=True))
    counts = {
        "layout right": [outcome.layout_right for outcome in outcomes],
        "right": [outcome.score.right for outcome in outcomes],
        "trusted": [outcome.verdict in TRUSTED for outcome in outcomes],
        "wrong and trusted": [outcome.wrong_and_trusted for outcome in outcomes],
        "not read": [outcome.leads is None for outcome in outcomes],
    }
    found |= {name: exact(sum(pages), n) for name, pages in counts.items()}
    medians = {
        "clock_ms": [abs(outcome.score.clock_ms) for outcome in outcomes],
        "baseline_uv": [outcome.score.baseline_uv for outcome in outcomes],
        "gain_percent": [abs(outcome.score.gain_percent) for outcome in outcomes],
        "worst": [outcome.score.worst for outcome in outcomes],
        "cpu_seconds": [outcome.seconds for outcome in outcomes],
    }
    return found | {name: _median(values) for name, values in medians.items()}


def prices(outcomes: Sequence[Outcome]) -> dict[str, dict[str, Interval]]:
    """Tell what each sum of oracles adds.

    Parameters
    ----------
    outcomes : sequence of Outcome
        All with the help of the same oracles.

    Returns
    -------
    dict
        By sum, of each of `MEASURES` the decibels more than as read, mean over pages, as an `Interval`, and the pages
        that are then ``right``.
    """
    as_read = np.array([ratios(outcome.score) for outcome in outcomes])
    found = {}
    for name in outcomes[0].helped:
        more = np.array([ratios(outcome.helped[name]) for outcome in outcomes]) - as_read

        def mean(chosen: NDArray[np.int64], own: NDArray[np.float64] = more) -> NDArray[np.float64]:
            return np.asarray(own[chosen].mean(axis=0))

        right = exact(sum(outcome.helped[name].right for outcome in outcomes), len(outcomes))
        found[name] = {**dict(zip(MEASURES, bootstrap(mean, len(outcomes)), strict=True)), "right": right}
    return found


def _median(values: Sequence[float]) -> float:
    known = [value for value in values if math.isfinite(value)]
    return statistics.median(known) if known else math.nan


def groups_of(outcomes: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    """Arrange pages: all of them, and those of each part that is not all of them, large parts first."""
    depth = max(len(outcome.job.parts) for outcome in outcomes)
    places = [(level, outcome) for level in range(depth) for outcome in outcomes if level < len(outcome.job.parts)]
    names = dict.fromkeys(outcome.job.parts[level] for level, outcome in places)
    parts = {name: [outcome for outcome in outcomes if name in outcome.job.parts] for name in names}
    return {"all": list(outcomes), **{name: own for name, own in parts.items() if len(own) < len(outcomes)}}


def report(outcomes: Sequence[Outcome], pages: Set, made_with: Mapping[str, Any], refine: bool = True) -> Report:
    """Describe the outcomes: averages, counts, what oracles add, and page by page, the worst first.

    Parameters
    ----------
    outcomes : sequence of Outcome
    pages : Set
    made_with : mapping
        See `papertrace.benchmarks.report.provenance`.
    refine : bool
        Whether the network corrected the traces.

    Returns
    -------
    Report
    """
    groups = {name: (summary(own), prices(own)) for name, own in groups_of(outcomes).items()}
    measures = MEASURES if pages.baseline else MEASURES[:2]
    sections = [
        Section("", [_about(pages, refine), _averages(groups, measures), _COUNTED, _counts(groups, pages.baseline)])
    ]
    if outcomes[0].helped:
        sections.append(Section("What each part costs", [_ORACLES, _price_table(groups, measures)]))
    sections.append(Section("Page by page", [_page_table(outcomes, pages.baseline)]))
    data = {
        "made_with": made_with,
        "refined": refine,
        "groups": {name: {**found, "oracles": more} for name, (found, more) in groups.items()},
        "pages": [_page_data(outcome) for outcome in ranked(outcomes)],
    }
    name = pages.name if refine else f"{pages.name}-unrefined"
    return Report(name, pages.title, sections, made_with, data)


def ranked(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Order pages from the worst aligned ratio to the best."""
    return sorted(outcomes, key=lambda outcome: outcome.score.aligned_mean)


_COUNTED = (
    "Pages with exact 95 % intervals in brackets, in pages; the other columns are medians over pages. Layout right: "
    "every lead under its name. Right: also aligned 15 dB, within 0.2 s 12 dB, coverage 0.85, and the clock within "
    "20 ms. Wrong and trusted: not right, and called good or usable. Clock and gain: amount of the error."
)

_ORACLES = (
    "An oracle answers for one part of the product, the rest stays as it is: **layout** given; each lead at the best "
    "**clock**, to a part of a sample; on top of this the best **lag** every half second, up to 60 ms; the true signal "
    "drawn as **ink** where its strip was found, then traced, refined and cut. Decibels more than as read, mean over "
    "pages, with 95 % bootstrap intervals. What each replaces and what not: `papertrace/benchmarks/oracles.py`."
)


def _about(pages: Set, refine: bool) -> Text:
    parts = [
        f"{KINDS[pages.kind].about[0].upper()}{KINDS[pages.kind].about[1:]}.",
        "Signal-to-noise ratios in dB; a page that was not read counts 0 dB for every lead and as wrong.",
        "Aligned: mean over leads, each shifted by up to 0.5 s and its offset removed; within 0.2 s: leads pooled.",
    ]
    if pages.baseline:
        parts.append("Strict: no shift, no offset.")
    else:
        parts.append("No baseline is known, so there is neither a strict ratio nor an error of the baseline.")
    parts.append(
        "Linear: ratios of powers averaged over pages, then decibels. 95 % bootstrap intervals over pages in brackets."
    )
    if not refine:
        parts.append("The deterministic stage alone: no network corrects the traces.")
    return " ".join(parts)


_Groups = Mapping[str, tuple[Mapping[str, Any], Mapping[str, Mapping[str, Interval]]]]


def _averages(groups: _Groups, measures: Sequence[str]) -> Table:
    rows = [
        [name, found["pages"], measure, *(_interval(found[measure][of]) for of in ("mean", "median", "linear"))]
        for name, (found, _) in groups.items()
        for measure in measures
    ]
    return Table(["pages", "count", "ratio", "mean", "median", "linear mean"], rows)


def _counts(groups: _Groups, baseline: bool) -> Table:
    counts = ("layout right", "right", "trusted", "wrong and trusted", "not read")
    rows = [
        [
            name,
            found["pages"],
            *(_count(found[count]) for count in counts),
            _number(found["clock_ms"], 0),
            _number(found["baseline_uv"], 0) if baseline else "-",
            _number(found["gain_percent"], 1),
            _number(found["worst"], 1),
            _number(found["cpu_seconds"], 1),
        ]
        for name, (found, _) in groups.items()
    ]
    medians = ("clock, ms", "baseline, µV", "gain, %", "worst lead, dB", "CPU s")
    return Table(["pages", "count", *counts, *medians], rows)


def _price_table(groups: _Groups, measures: Sequence[str]) -> Table:
    rows = [
        [name, more, *(f"+{_interval(price[of])}".replace("+-", "-") for of in measures), _count(price["right"])]
        for name, (_, found) in groups.items()
        for more, price in found.items()
    ]
    return Table(["pages", "given", *measures, "then right"], rows)


def _page_table(outcomes: Sequence[Outcome], baseline: bool) -> Table:
    sums = tuple(outcomes[0].helped)
    header = [
        *("part", "page", "aligned", "within 0.2 s", "strict", "clock, ms", "baseline, µV", "gain, %", "worst lead"),
        *("layout right", "right", "verdict", "wrong and trusted", "CPU s", *(f"{name}, aligned" for name in sums)),
        "layout and error",
    ]
    return Table(header, [_page_row(outcome, sums, baseline) for outcome in ranked(outcomes)])


def _page_row(outcome: Outcome, sums: Sequence[str], baseline: bool) -> list[object]:
    score = outcome.score
    return [
        outcome.job.part or "-",
        outcome.job.page.name,
        f"{score.aligned_mean:.1f}",
        f"{score.pooled:.1f}",
        f"{score.strict_mean:.1f}" if baseline else "-",
        _number(score.clock_ms, 0),
        _number(score.baseline_uv, 0) if baseline else "-",
        _number(score.gain_percent, 1),
        f"{score.worst:.1f}, {score.worst_lead}",
        "yes" if outcome.layout_right else "no",
        "yes" if score.right else "no",
        outcome.verdict,
        "**yes**" if outcome.wrong_and_trusted else "no",
        f"{outcome.seconds:.1f}",
        *(f"{outcome.helped[name].aligned_mean:.1f}" for name in sums),
        outcome.error or (outcome.leads.layout if outcome.leads else ""),
    ]


def _page_data(outcome: Outcome) -> dict[str, Any]:
    score = outcome.score
    return {
        "page": outcome.job.page.name,
        "parts": list(outcome.job.parts),
        "dpi": outcome.job.dpi,
        **dict(zip(MEASURES, ratios(score), strict=True)),
        "coverage": score.coverage,
        "clock_ms": score.clock_ms,
        "baseline_uv": score.baseline_uv,
        "gain_percent": score.gain_percent,
        "aligned_by_lead": dict(zip(LEAD_NAMES, score.aligned.tolist(), strict=True)),
        "misnamed": list(score.misnamed),
        "right": score.right,
        "verdict": outcome.verdict,
        "wrong and trusted": outcome.wrong_and_trusted,
        "layout": outcome.leads.layout if outcome.leads else None,
        "cpu_seconds": outcome.seconds,
        "error": outcome.error or None,
        "oracles": {
            name: {**dict(zip(MEASURES, ratios(helped), strict=True)), "right": helped.right}
            for name, helped in outcome.helped.items()
        },
    }


def _interval(interval: Interval) -> str:
    return f"{interval.value:.1f} ({interval.low:.1f} to {interval.high:.1f})"


def _count(interval: Interval) -> str:
    return f"{interval.value:.0f} ({interval.low:.1f} to {interval.high:.1f})"


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else "-"


def write_gallery(outcomes: Sequence[Outcome], folder: Path, most: int = WORST) -> None:
    """Draw the traces over the worst pages that were read; file names sort from the worst on.

    Parameters
    ----------
    outcomes : sequence of Outcome
    folder : Path
        It is made when missing; files of the same name are replaced.
    most : int
        How many pages.
    """
    from PIL import Image

    read = [outcome for outcome in ranked(outcomes) if outcome.leads is not None][:most]
    for place, outcome in enumerate(tqdm(read, desc="gallery", disable=None), start=1):
        assert outcome.leads is not None
        job, score = outcome.job, outcome.score
        picture = outcome.leads.overlay(load_page(job.page.file, job.page.index, dpi=job.dpi).image)
        stem = "_".join([*job.page.name.split(), *job.part.split()]).replace("/", "_")
        with written_together(folder) as unfinished:
            Image.fromarray(picture).save(unfinished / f"{place:03d}_{stem}_{score.aligned_mean:.1f}dB.png")


def run(pages: Set, description: str | None, arguments: Sequence[str] | None = None) -> None:
    """Run the command of a set of pages.

    Parameters
    ----------
    pages : Set
    description : str or None
        The benchmark's docstring.
    arguments : sequence of str, optional
        By default those of the command line.
    """
    parser = options_of(pages, description)
    chosen = parser.parse_args(arguments)
    publish(read(pages, parser, chosen), pages, chosen)


def options_of(pages: Set, description: str | None) -> argparse.ArgumentParser:
    """Make the parser of the command of a set of pages.

    Parameters
    ----------
    pages : Set
    description : str or None
        The benchmark's docstring.

    Returns
    -------
    argparse.ArgumentParser
    """
    parser = parser_for(pages.name, description, data=data_folder().parent, jobs=1)
    parser.add_argument("pages", nargs="*", metavar="PAGE", help="stems of pages; default: all")
    parser.add_argument(
        "--oracle",
        nargs="+",
        default=[],
        choices=ORACLES,
        metavar="NAME",
        help=f"parts that are told the truth, of {', '.join(ORACLES)}",
    )
    parser.add_argument("--gallery", type=Path, metavar="FOLDER", help="draw the traces over the worst pages")
    parser.add_argument(
        "--worst", type=whole_number(1), default=WORST, help="pages of the gallery (default: %(default)s)"
    )
    parser.add_argument(
        "--no-refine", dest="refine", action="store_false", help="the deterministic stage alone, in files of its own"
    )
    return parser


def read(pages: Set, parser: argparse.ArgumentParser, chosen: argparse.Namespace) -> list[Outcome]:
    """Digitize and score the pages that were asked for.

    Parameters
    ----------
    pages : Set
    parser : argparse.ArgumentParser
        Of `options_of`: tells what is wrong with the options.
    chosen : argparse.Namespace
        What it read.

    Returns
    -------
    list of Outcome
    """
    jobs = _chosen_jobs(parser, pages, chosen)
    work = partial(measure, oracles=tuple(chosen.oracle), refine=chosen.refine)
    # A page that is not counted loads the models.
    return list(run_all(work, jobs, chosen.jobs, first=partial(measure, jobs[0], refine=chosen.refine)))


def publish(
    outcomes: Sequence[Outcome],
    pages: Set,
    chosen: argparse.Namespace,
    sections: Sequence[Section] = (),
    data: Mapping[str, Any] | None = None,
) -> None:
    """Write the report, and the gallery where it was asked for.

    Parameters
    ----------
    outcomes : sequence of Outcome
    pages : Set
    chosen : argparse.Namespace
        Options of `options_of`.
    sections : sequence of Section
        What the benchmark tells besides.
    data : mapping, optional
        The same for machines.
    """
    told = report(outcomes, pages, provenance(), chosen.refine)
    replace(told, sections=[*told.sections, *sections], data={**told.data, **(data or {})}).write(chosen.out)
    if chosen.gallery is not None:
        write_gallery(outcomes, chosen.gallery, chosen.worst)


def _chosen_jobs(parser: argparse.ArgumentParser, pages: Set, chosen: argparse.Namespace) -> list[Job]:
    try:
        jobs = find_jobs(chosen.data, pages)
    except FileNotFoundError as error:
        parser.error(str(error))
    known = list(dict.fromkeys(job.page.file.stem for job in jobs))
    for name in chosen.pages:
        if name not in known:
            parser.error(f"unknown page {name!r}; allowed: {', '.join(known)}")
    return [job for job in jobs if not chosen.pages or job.page.file.stem in chosen.pages]
