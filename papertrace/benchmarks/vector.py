"""Score what is read off a file's own paths: ``python -m papertrace.benchmarks vector [--data FOLDER] [--out FOLDER]``.

Reads every page of ``device-pdf``, which devices wrote, and of ``vector-pages``, which another program drew, by
`digitize.api.leads_of_drawing`, and scores it against the truth. That of a device is its own paths, so only mistakes of
reading are left, and what the table of the truth rounds; what the other program drew are 125 points a second of a
recording: what these points are off, no reader can mend. Writes ``vector.md`` and ``vector.json``.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitize.api import leads_of_drawing
from digitize.leads import Leads
from digitize.pages.page import load_page
from digitize.records.layouts import LEAD_NAMES
from papertrace.benchmarks.devices import LAYOUTS
from papertrace.benchmarks.options import parser_for
from papertrace.benchmarks.report import Report, Section, Table, provenance
from papertrace.datasets.pages import FS, PageFile, find_pages, read_truth
from papertrace.datasets.ptbxl import data_folder
from papertrace.metrics.digitization import PageScore, score_page

KINDS = ("device-pdf", "vector-pages")
"""Kinds of pages whose files draw their traces."""

LAYOUT = "3x4+II"
"""What all of ``vector-pages`` show."""

_STEP = 4
"""Samples of a recording for each point of ``vector-pages``."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of a page.

    Attributes
    ----------
    page : PageFile
    leads : Leads or None
        None where its drawing does not tell all of it.
    score : PageScore or None
        None where there are no leads, or no truth.
    allowed : float
        Mean ratio over strips at the points of ``vector-pages`` alone, dB: what the path itself allows; NaN elsewhere.
    reached : float
        The same at every sample.
    seconds : float
        CPU time to read the leads off the drawing.
    """

    page: PageFile
    leads: Leads | None
    score: PageScore | None
    allowed: float
    reached: float
    seconds: float

    @property
    def layout_right(self) -> bool:
        """Whether the page was read as what it shows."""
        expected = LAYOUTS.get(f"{self.page.file.stem}.p{self.page.index + 1}", LAYOUT)
        return self.leads is not None and self.leads.layout == expected


def read(page: PageFile) -> Outcome:
    """Read a page off its paths.

    Parameters
    ----------
    page : PageFile

    Returns
    -------
    Outcome
    """
    drawing = load_page(page.file, page.index).drawing
    began = time.process_time()
    leads = leads_of_drawing(drawing, fs=FS)
    seconds = time.process_time() - began
    truth = read_truth(page)
    if leads is None or truth is None:
        return Outcome(page, leads, None, np.nan, np.nan, seconds)
    allowed, reached = _at_points(truth, leads) if page.kind == "vector-pages" else (np.nan, np.nan)
    return Outcome(page, leads, score_page(truth, leads.signal, FS), allowed, reached, seconds)


def _at_points(truth: NDArray[np.float64], leads: Leads) -> tuple[float, float]:
    """Mean ratio over leads at every point of the paths, and at every sample, each about its mean."""
    ratios = []
    for own, signal in zip(truth, leads.signal, strict=True):
        n = min(len(own), len(signal))
        error = signal[:n] - own[:n]
        at = np.flatnonzero(np.isfinite(signal[:n]))
        # Every fourth sample from a strip's first on is a point of its path.
        known = [at[::_STEP], at]
        ratios.append([10 * np.log10(np.nanvar(own[where]) / np.nanvar(error[where])) for where in known])
    allowed, reached = np.mean(ratios, axis=0)
    return float(allowed), float(reached)


def report_of(outcomes: Sequence[Outcome]) -> Report:
    """Describe what came of pages.

    Parameters
    ----------
    outcomes : sequence of Outcome

    Returns
    -------
    Report
    """
    header = (
        *("page", "layout", "layout right", "right", "aligned, dB", "worst lead", "clock, ms", "gain, %"),
        *("allowed, dB", "reached, dB", "verdict", "CPU s"),
    )
    rows = [_row(outcome) for outcome in outcomes]
    made = provenance()
    data = {"made with": made, "pages": [dict(zip(header, row, strict=True)) for row in rows]}
    return Report("vector", "Pages read off their own paths", [Section("", [_ABOUT, Table(header, rows)])], made, data)


def _row(outcome: Outcome) -> list[object]:
    leads, score = outcome.leads, outcome.score
    if leads is None or score is None:
        return [outcome.page.name, "not read", "no", "no", *[""] * 7, f"{outcome.seconds:.2f}"]
    return [
        outcome.page.name,
        leads.layout,
        "yes" if outcome.layout_right else "no",
        "yes" if score.right else "no",
        f"{score.aligned_mean:.1f}",
        f"{LEAD_NAMES[int(np.nanargmin(score.aligned))]} {score.worst:.1f}",
        f"{score.clock_ms:.0f}",
        f"{score.gain_percent:+.2f}",
        "" if np.isnan(outcome.allowed) else f"{outcome.allowed:.1f}",
        "" if np.isnan(outcome.reached) else f"{outcome.reached:.1f}",
        leads.quality.verdict,
        f"{outcome.seconds:.2f}",
    ]


_ABOUT = (
    "Pages of devices against their own paths, and pages of another program against the recordings: ratio aligned and "
    "that of the worst lead, and, where the path holds fewer points than the recording, the ratio at these points "
    "alone, which is all that it allows, beside the one reached at every sample. CPU s: from the drawing to the leads."
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the command line.
    """
    parser = parser_for("vector", __doc__, data=data_folder().parent)
    chosen = parser.parse_args(arguments)
    pages = [page for page in find_pages(Path(chosen.data), KINDS) if page.truth is not None]
    if not pages:
        parser.error(f"{chosen.data}: has none of {', '.join(KINDS)}")
    report_of([read(page) for page in pages]).write(chosen.out)
