"""Examine whether the layout of real pages is understood.

``python -m papertrace.benchmarks real_pages [--data DIR] [--out DIR] [PAGE ...]``.

Digitizes the pages of ``real-pages/without-truth``. Nobody has their signals, but their layout was written down by
looking at each of them (`TABLE`): leads, rows and columns are right or wrong, strips lie where they are printed or
not, and the leads obey Einthoven's law or not. Writes ``real_pages.md``.
"""

from __future__ import annotations

import csv
import math
import os
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitize.api import trace_leads
from digitize.leads import Leads
from digitize.records.page import PageError
from digitize.records.results import Strip
from papertrace.benchmarks.options import parser_for
from papertrace.benchmarks.processes import run_all
from papertrace.benchmarks.report import Report, Section, Table, provenance
from papertrace.datasets.pages import KINDS
from papertrace.datasets.ptbxl import data_folder
from papertrace.metrics.digitization import einthoven_residual

TABLE = Path(__file__).parents[2] / "tests" / "digitize" / "real_pages.csv"
"""What is printed on each page: `RealPage`, a line a page."""

GOAL = -12.0
"""Einthoven residual that the median page should not exceed, dB."""

_BORDER = 0.025
"""Farthest that a strip of the first row may begin from its border, in widths of the picture."""

_LEVEL = 0.05
"""Farthest that a row may be from its level, in heights of the picture: a third of the closest rows' distance."""


@dataclass(frozen=True)
class RealPage:
    """The layout of a page as seen by eye.

    Attributes
    ----------
    page : str
        Its file.
    layout : str
        Name of the layout (`digitize.records.layouts.find_layout`).
    rows : tuple of tuple of str
        Leads of each row, top to bottom, left to right; rows of which less than half is on the picture are left out.
    columns : str
        ``"sequential"``, ``"simultaneous"``, or ``"one"`` where there is one only.
    turned : int
        Degrees by which the paper is turned, clockwise: 0, 90, 180, 270.
    speed, gain : float or None
        mm/s and mm/mV where they can be read on the page.
    borders : tuple of float
        Where the strips of the first row begin and, last, end: x in widths of the picture.
    levels : tuple of float
        Where the rows begin: y in heights of the picture.
    remarks : str
    """

    page: str
    layout: str
    rows: tuple[tuple[str, ...], ...]
    columns: str
    turned: int
    speed: float | None
    gain: float | None
    borders: tuple[float, ...]
    levels: tuple[float, ...]
    remarks: str


@dataclass(frozen=True, eq=False)
class Outcome:
    """Result of a page.

    Attributes
    ----------
    page : RealPage
    leads : Leads or None
        None for a page that could not be read.
    faults : tuple of str
        What is wrong; empty for a page with every lead name and strip right.
    residual : float
        `einthoven_residual` in dB; NaN where it cannot be judged.
    seconds : float
    """

    page: RealPage
    leads: Leads | None
    faults: tuple[str, ...]
    residual: float
    seconds: float


def read_table(path: Path = TABLE) -> list[RealPage]:
    """Read what is printed on the pages.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of RealPage

    Examples
    --------
    >>> pages = read_table()
    >>> len(pages), pages[0].layout, pages[0].rows[3]
    (26, '3x4+II', ('II',))
    """
    with open(path, newline="", encoding="utf-8") as file:
        return [
            RealPage(
                page=line["page"],
                layout=line["layout"],
                rows=tuple(tuple(row.split()) for row in line["strips"].split("/")),
                columns=line["columns"],
                turned=int(line["turned"]),
                speed=float(line["speed"]) if line["speed"] else None,
                gain=float(line["gain"]) if line["gain"] else None,
                borders=tuple(float(x) for x in line["borders"].split()),
                levels=tuple(float(y) for y in line["levels"].split()),
                remarks=line["remarks"],
            )
            for line in csv.DictReader(file)
        ]


def find_faults(page: RealPage, leads: Leads) -> list[str]:
    """Compare a digitized page with what is printed on it.

    Parameters
    ----------
    page : RealPage
    leads : Leads

    Returns
    -------
    list of str
        A line a fault, empty when every lead name and strip is right: the leads, their rows and columns, where the
        rows and the first row's strips lie, whether columns follow each other, the turn, and printed speed and gain.
    """
    rows = rows_of(leads)
    found = names_of(rows)
    if found != page.rows:
        return [f"strips {text_of(found)} instead of {text_of(page.rows)}"]
    layout = [] if leads.layout == page.layout else [f"layout {leads.layout} instead of {page.layout}"]
    return [*layout, *_misplaced(page, leads, rows), *_wrong_reading(page, leads)]


def rows_of(leads: Leads) -> list[list[Strip]]:
    """Arrange the strips of a page row by row, each from left to right."""
    rows: dict[int, list[Strip]] = {}
    for strip in sorted(leads.strips, key=lambda strip: (strip.row, strip.column, strip.lead)):
        rows.setdefault(strip.row, []).append(strip)
    return list(rows.values())


def names_of(rows: Sequence[Sequence[Strip]]) -> tuple[tuple[str, ...], ...]:
    """Name the leads of rows of strips."""
    return tuple(tuple(strip.lead for strip in row) for row in rows)


def _misplaced(page: RealPage, leads: Leads, rows: Sequence[Sequence[Strip]]) -> Iterator[str]:
    """Tell which rows, and which borders of the first row, do not lie where they are printed."""
    width, height = leads.geometry.page_size
    for place, strips in enumerate(rows):
        level = float(np.median(_seen(strips[0])[1][: max(1, len(strips[0].path) // 8)])) / height
        if not abs(level - page.levels[place]) <= _LEVEL:
            yield f"row {place + 1} at {level:.3f} of the height instead of {page.levels[place]:.3f}"
        if place == 0:
            ends = [*(_end(strip, 0) for strip in strips), _end(strips[-1], len(strips[-1].path) - 1)]
            for end, border in zip(ends, page.borders, strict=True):
                if not abs(end / width - border) <= _BORDER:
                    yield f"border at {end / width:.3f} of the width instead of {border:.3f}"


def _wrong_reading(page: RealPage, leads: Leads) -> Iterator[str]:
    """Tell whether the order of the columns, the turn, and the printed speed and gain were read wrong."""
    later = [strip.start for strip in leads.strips if strip.column > 0]
    if later and (min(later) > 0) != (page.columns == "sequential"):
        yield f"columns are not {page.columns}"
    if abs((leads.geometry.rotation - page.turned + 180) % 360 - 180) > 45:
        yield f"turned by {leads.geometry.rotation:.0f} degrees instead of {page.turned}"
    for name, printed, read in (
        ("speed", page.speed, leads.calibration.speed),
        ("gain", page.gain, leads.calibration.gain),
    ):
        if printed is not None and not math.isclose(read, printed):
            yield f"{name} {read:g} instead of {printed:g}"


def _seen(strip: Strip) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    """Numbers, y and x of the samples whose place on the page is known."""
    number = np.flatnonzero(np.isfinite(strip.path[:, 0]))
    return number, strip.path[number, 1], strip.path[number, 0]


def _end(strip: Strip, sample: int) -> float:
    """Where a sample is (x), also where the trace is hidden."""
    number, _, x = _seen(strip)
    if len(number) < 2:
        return math.nan
    if number[0] <= sample <= number[-1]:
        return float(np.interp(sample, number, x))
    # The paper may be bent: only what is near tells how it goes on.
    near = slice(None, 200) if sample < number[0] else slice(-200, None)
    return float(np.polyval(np.polyfit(number[near], x[near], 1), sample))


def text_of(rows: Sequence[Sequence[str]]) -> str:
    """Write the leads of rows as a text.

    Examples
    --------
    >>> text_of([("I", "V1"), ("II",)])
    'I V1 / II'
    """
    return " / ".join(" ".join(row) for row in rows) or "none"


def examine(page: RealPage, folder: Path) -> Outcome:
    """Digitize a page and compare it with what is printed on it.

    Parameters
    ----------
    page : RealPage
    folder : Path
        Where its picture is.

    Returns
    -------
    Outcome
    """
    start = time.perf_counter()
    try:
        leads = trace_leads(folder / page.page)
    except PageError as error:
        return Outcome(page, None, (str(error),), math.nan, time.perf_counter() - start)
    seconds = time.perf_counter() - start
    residual = einthoven_residual(leads.signal)
    decibels = 10 * math.log10(residual) if residual > 0 else math.nan
    return Outcome(page, leads, tuple(find_faults(page, leads)), decibels, seconds)


def examine_all(pages: Sequence[RealPage], folder: Path, jobs: int) -> list[Outcome]:
    """Examine pages, some at a time.

    Parameters
    ----------
    pages : sequence of RealPage
    folder : Path
        Where their pictures are.
    jobs : int
        Pages at a time.

    Returns
    -------
    list of Outcome
    """
    return list(run_all(partial(examine, folder=folder), pages, jobs))


def report(outcomes: Sequence[Outcome], made_with: Mapping[str, Any]) -> Report:
    """Describe the outcomes page by page.

    Parameters
    ----------
    outcomes : sequence of Outcome
    made_with : mapping
        See `papertrace.benchmarks.report.provenance`.

    Returns
    -------
    Report
    """
    right = sum(not outcome.faults for outcome in outcomes)
    known = [outcome.residual for outcome in outcomes if math.isfinite(outcome.residual)]
    about = (
        f"Every lead name and strip right on {right} of {len(outcomes)} pages. Einthoven residual: median "
        f"{_decibels(statistics.median(known) if known else math.nan)} over {len(known)} pages (goal: below "
        f"{GOAL:g} dB). {statistics.median(outcome.seconds for outcome in outcomes):.1f} s a page (median)."
    )
    rows = [
        (
            outcome.page.page,
            outcome.leads.layout if outcome.leads else "",
            "wrong" if outcome.faults else "right",
            _decibels(outcome.residual),
            f"{outcome.seconds:.1f}",
            "; ".join(outcome.faults),
        )
        for outcome in outcomes
    ]
    table = Table(["page", "layout found", "strips", "Einthoven residual", "seconds", "faults"], rows)
    return Report("real_pages", "Real pages without truth", [Section("", [about, table])], made_with)


def _decibels(value: float) -> str:
    return f"{value:.1f} dB" if math.isfinite(value) else "-"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the command line.
    """
    parser = parser_for("real_pages", __doc__, data=data_folder().parent, jobs=os.cpu_count())
    parser.add_argument("pages", nargs="*", metavar="PAGE", help="file names of the table; default: all")
    chosen = parser.parse_args(arguments)
    pages = read_table()
    known = [page.page for page in pages]
    for name in chosen.pages:
        if name not in known:
            parser.error(f"unknown page {name!r}; allowed: {', '.join(known)}")
    folder = chosen.data / KINDS["pages"].folder
    if not folder.is_dir():
        parser.error(f"{folder}: no such folder")
    wanted = [page for page in pages if page.page in chosen.pages or not chosen.pages]
    report(examine_all(wanted, folder, chosen.jobs), provenance()).write(chosen.out)
