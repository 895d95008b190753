"""Score the digitization of printed pages of every kind.

``python -m papertrace.benchmarks presets [--pages N] [--fold F] [PRESET ...]``.

Prints pages of `papertrace.synth`'s presets from 500 Hz PTB-XL records, digitizes them and scores them against their
truth; writes ``presets.md`` and ``presets.json``. Every page that cannot be read counts 0 dB for every lead. The same
pages show whether the confidence of a sample and the verdict on a page mean what they say. Fold 9 by default; develop
on another.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitize import PageError
from digitize.api import analyze_page, leads_of, refined
from digitize.leads import Leads
from digitize.records.layouts import LEAD_NAMES
from digitize.records.results import VERDICTS
from digitize.strips.confidence import TOLERANCE_MV
from papertrace.benchmarks.options import parser_for
from papertrace.benchmarks.processes import run_all
from papertrace.benchmarks.refinement import REACH
from papertrace.benchmarks.report import Report, Section, Table, provenance
from papertrace.datasets.ptbxl import data_folder, read_500
from papertrace.datasets.recordings import find_recordings
from papertrace.metrics.digitization import PageScore, score_page
from papertrace.metrics.scores import bootstrap
from papertrace.synth import PRESETS, PrintedPage, render_page

FS = 500
PAGES = 200
BINS = 10


@dataclass(frozen=True)
class Outcome:
    """Result of a page.

    Attributes
    ----------
    preset : str
    seed : int
    record : str
    error : str
        Why it was not read; empty when it was.
    crashed : bool
        Whether the error was none that the digitizer announces.
    aligned, unrefined : float
        Mean aligned ratio, dB, with the network that corrects the traces and without.
    worst : float
        That of its worst lead.
    named : bool
        Whether every printed lead, and no other, was found.
    verdict : str
        Empty when it was not read.
    said, right, count : tuple
        By decile of confidence: sum of the confidences, samples within 0.1 mV of the truth, samples.
    seconds : float
    """

    preset: str
    seed: int
    record: str
    error: str
    crashed: bool
    aligned: float
    unrefined: float
    worst: float
    named: bool
    verdict: str
    said: tuple[float, ...]
    right: tuple[int, ...]
    count: tuple[int, ...]
    seconds: float


def run(job: tuple[str, int, Path]) -> Outcome:
    """Print, digitize and score one page.

    Parameters
    ----------
    job : tuple
        Preset, seed and record.

    Returns
    -------
    Outcome
    """
    preset, seed, record = job
    page = render_page(read_500(record), FS, preset, seed=seed)
    began = time.perf_counter()
    leads, error, crashed = None, "", False
    plain = None
    try:
        analysis = analyze_page(page.image)
        leads = leads_of(refined(analysis), fs=FS)
        seconds = time.perf_counter() - began
        plain = leads_of(analysis, fs=FS)
    except PageError as problem:
        error = str(problem)
    except Exception as problem:
        error, crashed = f"{type(problem).__name__}: {problem}", True
    if leads is None:
        seconds = time.perf_counter() - began
    score, unrefined = _score(page, leads), _score(page, plain)
    found = np.zeros(len(LEAD_NAMES), bool) if leads is None else np.isfinite(leads.signal).any(axis=1)
    said, right, count = _by_confidence(page, leads)
    return Outcome(
        preset=preset,
        seed=seed,
        record=record.name,
        error=error,
        crashed=crashed,
        aligned=score.aligned_mean if score else float("nan"),
        unrefined=unrefined.aligned_mean if unrefined else float("nan"),
        worst=score.worst if score else float("nan"),
        named=bool((np.isfinite(page.signal).any(axis=1) == found).all()),
        verdict=leads.quality.verdict if leads else "",
        said=said,
        right=right,
        count=count,
        seconds=seconds,
    )


def _score(page: PrintedPage, leads: Leads | None) -> PageScore | None:
    """How near leads come to the truth; None where every lead was hidden and there is nothing to score."""
    if not np.isfinite(page.signal).any():
        return None
    signal = np.full((len(LEAD_NAMES), 0), np.nan) if leads is None else leads.signal
    return score_page(page.signal, signal, FS)


def _by_confidence(
    page: PrintedPage, leads: Leads | None
) -> tuple[tuple[float, ...], tuple[int, ...], tuple[int, ...]]:
    """Confidences and hits of the samples in `signal`, by decile of confidence."""
    if leads is None:
        return (0.0,) * BINS, (0,) * BINS, (0,) * BINS
    n = leads.signal.shape[1]
    truth = np.full((len(LEAD_NAMES), n), np.nan)
    same = min(n, page.signal.shape[1])
    truth[:, :same] = page.signal[:, :same]
    given = np.isfinite(leads.signal)
    confidence = leads.confidence[given]
    error = leads.signal - truth
    for row in error:
        if np.isfinite(row).any():
            row -= np.nanmedian(row)
    hit = np.abs(error[given]) < TOLERANCE_MV
    place = np.clip((confidence * BINS).astype(int), 0, BINS - 1)
    return (
        tuple(float(value) for value in np.bincount(place, confidence, BINS)),
        tuple(int(value) for value in np.bincount(place, hit, BINS)),
        tuple(int(value) for value in np.bincount(place, minlength=BINS)),
    )


def report(outcomes: Sequence[Outcome], made_with: Mapping[str, Any], fold: int) -> Report:
    """Describe the outcomes: signals by preset, verdicts, confidence, and crashes where there are any.

    Parameters
    ----------
    outcomes : sequence of Outcome
    made_with : mapping
        See `papertrace.benchmarks.report.provenance`.
    fold : int

    Returns
    -------
    Report
    """
    about = f"Pages that `papertrace.synth` printed from fold {fold} of PTB-XL, digitized."
    offsets = "Every lead without its median error, for paper does not tell where 0 mV lies; no shift."
    sections = [
        Section("", [about]),
        Section("Signal", [_signal_table(outcomes), _MEASURES]),
        Section("Verdicts", [_verdict_table(outcomes)]),
        Section("Confidence", [_confidence_table(outcomes), offsets]),
    ]
    crashes = [(page.preset, page.seed, page.record, page.error) for page in outcomes if page.crashed]
    if crashes:
        sections.append(Section("Crashes", [Table(["preset", "seed", "record", "error"], crashes)]))
    data = {"made_with": made_with, "fold": fold, "pages": [asdict(outcome) for outcome in outcomes]}
    return Report("presets", "Pages of every kind", sections, made_with, data, indent=None)


_MEASURES = (
    "Mean over pages, a page that was not read as 0 dB; mean of the worst tenth of the pages; the same without the "
    f"network that corrects the traces, what it adds, paired, and how many pages it makes more than {REACH} dB "
    "worse; share of pages of more than 5 dB; share of pages on which exactly the printed leads were found; median "
    "seconds a page."
)


def _signal_table(outcomes: Sequence[Outcome]) -> Table:
    by_preset = {preset: [page for page in outcomes if page.preset == preset] for preset in PRESETS}
    rows = [_signal_row(preset, pages) for preset, pages in by_preset.items() if pages]
    header = [
        *("preset", "pages", "crashed", "not read", "aligned SNR, dB (95 %)", "worst tenth"),
        *("refinement off", "worst tenth, off", "refinement adds", f"worse by {REACH} dB"),
        *("pages above 5 dB", "leads right", "seconds"),
    ]
    return Table(header, [*rows, _signal_row("all", outcomes)])


def _signal_row(name: str, pages: Sequence[Outcome]) -> tuple[object, ...]:
    scored = [page for page in pages if np.isfinite(page.aligned)]
    aligned, unrefined = (np.array([getattr(page, which) for page in scored]) for which in ("aligned", "unrefined"))
    return (
        name,
        len(pages),
        sum(page.crashed for page in pages),
        sum(bool(page.error) for page in pages),
        _mean(aligned),
        f"{_worst_tenth(aligned):.1f}",
        _mean(unrefined),
        f"{_worst_tenth(unrefined):.1f}",
        _mean(aligned - unrefined),
        int((aligned - unrefined < -REACH).sum()),
        f"{np.mean(aligned > 5):.0%}",
        f"{np.mean([page.named for page in pages]):.0%}",
        f"{statistics.median(page.seconds for page in pages):.2f}",
    )


def _verdict_table(outcomes: Sequence[Outcome]) -> Table:
    by_verdict = {
        verdict: np.array([page.aligned for page in outcomes if page.verdict == verdict]) for verdict in VERDICTS
    }
    rows = [
        (
            verdict,
            len(aligned),
            f"{np.nanmean(aligned):.1f}",
            f"{np.nanpercentile(aligned, 10):.1f}",
            f"{np.nanmean(aligned > 5):.0%}",
        )
        for verdict, aligned in by_verdict.items()
        if len(aligned)
    ]
    return Table(["verdict", "pages", "aligned SNR, dB", "tenth percentile", "above 5 dB"], rows)


def _confidence_table(outcomes: Sequence[Outcome]) -> Table:
    said, right, count = (
        np.sum([getattr(page, name) for page in outcomes], axis=0) for name in ("said", "right", "count")
    )
    rows = [
        (
            f"{k / BINS:.1f} to {(k + 1) / BINS:.1f}",
            f"{count[k] / count.sum():.1%}",
            f"{said[k] / count[k]:.3f}",
            f"{right[k] / count[k]:.3f}",
        )
        for k in range(BINS)
        if count[k]
    ]
    return Table(["confidence", "share of samples", "mean confidence", f"within {TOLERANCE_MV} mV"], rows)


def _mean(values: NDArray[np.float64]) -> str:
    """A mean over pages with its interval."""

    def mean(chosen: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.array([values[chosen].mean()])

    interval = bootstrap(mean, len(values))[0]
    return f"{values.mean():.1f} ({interval.low:.1f} to {interval.high:.1f})"


def _worst_tenth(values: NDArray[np.float64]) -> float:
    return float(np.sort(values)[: max(1, len(values) // 10)].mean())


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the command line.
    """
    parser = parser_for(
        "presets", __doc__, data=data_folder(), data_help="PTB-XL's folder", pages=PAGES, jobs=os.cpu_count()
    )
    parser.add_argument("presets", nargs="*", metavar="PRESET", help=f"of {', '.join(PRESETS)}; default: all")
    parser.add_argument("--fold", type=int, default=9, help="of PTB-XL (default: %(default)s)")
    chosen = parser.parse_args(arguments)
    for preset in chosen.presets:
        if preset not in PRESETS:
            parser.error(f"unknown preset {preset!r}; allowed: {', '.join(PRESETS)}")
    try:
        records = find_recordings(chosen.data, (chosen.fold,))
    except FileNotFoundError as error:
        parser.error(str(error))
    jobs = [
        (preset, 1000 * chosen.fold + k, records[k % len(records)])
        for k in range(chosen.pages)
        for preset in chosen.presets or PRESETS
    ]
    report(list(run_all(run, jobs, chosen.jobs)), provenance(), chosen.fold).write(chosen.out)
