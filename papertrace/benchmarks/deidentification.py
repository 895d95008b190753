"""Look for what is left to read of a page's print.

``python -m papertrace.benchmarks deidentification [--pages N] [--resume] [PRESET ...]``.

Prints pages of `papertrace.synth`'s presets with names and numbers all over them (`papertrace.benchmarks.names`), draws
them anew as ``--deidentify`` does, and lets an OCR of another make look for the items (`papertrace.benchmarks.ocr`):
each by itself in the picture, upright and in two sizes, and in the overlay as a whole by quarter turns. Two controls
tell what it can find: the page itself, and the page wiped but for 2 mm on either side of its traces. Writes
``deidentification.md`` and, a line a page as it is done, ``deidentification.jsonl``, with which ``--resume`` goes on.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import stats

from digitize import PageError, api
from digitize.deidentify import redraw_page
from digitize.leads import Leads, no_leads
from papertrace.benchmarks.names import PLACES, SURNAMES, print_names
from papertrace.benchmarks.ocr import IN_A_ROW, are_read, has_tesseract, is_read, read_items, read_page, version
from papertrace.benchmarks.options import parser_for
from papertrace.benchmarks.processes import run_all
from papertrace.benchmarks.report import Report, Section, Table, provenance
from papertrace.datasets.ptbxl import data_folder, read_500
from papertrace.datasets.recordings import find_recordings
from papertrace.synth import PRESETS, render_page, simulate

FS = 500
PAGES = 10
FOLD = 9
NAME = "deidentification"
BESIDE_MM = 2.0
"""Paper to either side of a trace that the second control leaves."""

SIMULATED = "simulated"


@dataclass(frozen=True)
class Job:
    """A page to print: of a record of PTB-XL, or of a simulated one where there is none."""

    preset: str
    seed: int
    record: Path | None
    scales: tuple[float, ...]


@dataclass(frozen=True)
class Outcome:
    """Items that were read of a page.

    Attributes
    ----------
    preset : str
    seed : int
    record : str
    verdict : str
        Empty where the page was not read.
    places : tuple of str
        Of the printed items (`papertrace.benchmarks.names.PLACES`).
    page, beside, redrawn : tuple of bool
        Which items were read on the page itself, where only the traces' surroundings are left, and on the page drawn
        anew.
    chance : float
        How many names would be read on the page drawn anew if each stood in another's place: an OCR takes the wiggles
        of a trace for letters.
    """

    preset: str
    seed: int
    record: str
    verdict: str
    places: tuple[str, ...]
    page: tuple[bool, ...]
    beside: tuple[bool, ...]
    redrawn: tuple[bool, ...]
    chance: float


def run(job: Job) -> Outcome:
    """Print a page, draw it anew, and look for its names.

    Parameters
    ----------
    job : Job

    Returns
    -------
    Outcome
    """
    signal = simulate(10, FS, seed=job.seed) if job.record is None else read_500(job.record)
    printed = render_page(signal, FS, job.preset, seed=job.seed)
    image, items = print_names(printed, np.random.default_rng(job.seed))
    leads, verdict, redrawn = _redrawn(image)
    by_itself, in_whole = read_items(redrawn, items), read_page(leads.overlay(redrawn), items, job.scales)
    texts = [alone + among for alone, among in zip(by_itself, in_whole, strict=True)]
    return Outcome(
        preset=job.preset,
        seed=job.seed,
        record=SIMULATED if job.record is None else job.record.name,
        verdict=verdict,
        places=tuple(item.place for item in items),
        page=tuple(are_read(items, read_items(image, items))),
        beside=tuple(are_read(items, read_items(beside_traces(image, leads), items))),
        redrawn=tuple(are_read(items, texts)),
        chance=sum(_chance(item.string, text) for item, text in zip(items, texts, strict=True)),
    )


def _redrawn(image: NDArray[np.uint8]) -> tuple[Leads, str, NDArray[np.uint8]]:
    """Digitize a page and draw it anew; without leads or a verdict, and all white, where it cannot be read."""
    try:
        analysis = api.analyze_page(image)
        leads = api.leads_of(analysis, fs=FS)
        return leads, leads.quality.verdict, redraw_page(analysis, leads)
    except PageError as error:
        return no_leads((image.shape[1], image.shape[0]), str(error)), "", np.full_like(image, 255)


def _chance(name: str, text: str) -> float:
    """Share of the other names that would be read in a name's place; 0 for what is no name."""
    if name not in SURNAMES:
        return 0
    return float(np.mean([is_read(other, text) for other in SURNAMES if other != name]))


def plan(data: Path, presets: Sequence[str], pages: int, scales: tuple[float, ...]) -> list[Job]:
    """List the pages to print.

    Parameters
    ----------
    data : Path
        PTB-XL's folder; where it is missing, recordings are simulated.
    presets : sequence of str
    pages : int
        Of each preset.
    scales : tuple of float
        Of the whole overlay as it is searched.

    Returns
    -------
    list of Job
    """
    try:
        records: list[Path | None] = [*find_recordings(data, (FOLD,))]
    except FileNotFoundError:
        records = [None]
    return [Job(preset, 1000 * FOLD + k, records[k % len(records)], scales) for k in range(pages) for preset in presets]


def beside_traces(image: NDArray[np.uint8], leads: Leads) -> NDArray[np.uint8]:
    """Whiten all of a page but the surroundings of its traces, in which nothing is looked for.

    Parameters
    ----------
    image : ndarray, shape (h, w, 3), uint8
    leads : Leads

    Returns
    -------
    ndarray, shape (h, w, 3), uint8
    """
    shown = np.zeros(image.shape[:2], np.uint8)
    for strip in leads.strips:
        path = strip.path[np.isfinite(strip.path).all(axis=1)].round().astype(np.int32)
        thickness = max(1, round(2 * BESIDE_MM * leads.calibration.pixels_per_mm))
        cv2.polylines(shown, [path], False, 1, thickness)
    return np.where(shown[..., None] > 0, image, np.uint8(255))


def report(outcomes: Sequence[Outcome], made_with: Mapping[str, Any], ocr: str) -> Report:
    """Describe the outcomes by preset and by place.

    Parameters
    ----------
    outcomes : sequence of Outcome
    made_with : mapping
        See `papertrace.benchmarks.report.provenance`.
    ocr : str
        Which OCR, of what version.

    Returns
    -------
    Report
    """
    unread = sum(not outcome.verdict for outcome in outcomes)
    about = (
        "Pages of every preset with names and eight-digit numbers printed all over them, drawn anew as by "
        f"`--deidentify`; an item counts as read where {ocr} gives {IN_A_ROW} of its characters in a row in "
        f"its place. {unread} of {len(outcomes)} pages could not be digitized and stay empty."
    )
    columns = ("printed", "read on the page", f"within {BESIDE_MM:g} mm of its traces", "drawn anew (95 %)")
    by_preset = {preset: [page for page in outcomes if page.preset == preset] for preset in PRESETS}
    preset_rows = [
        (name, len(pages), *_shares(_counts(pages)), f"{sum(page.chance for page in pages):.1f}")
        for name, pages in (by_preset | {"all": list(outcomes)}).items()
        if pages or name == "all"
    ]
    place_rows = [(place, *_shares(_counts(outcomes, place))) for place in PLACES]
    tables = [
        Table(["preset", "pages", *columns, "by chance"], preset_rows),
        Table(["items", *columns], place_rows),
    ]
    return Report(NAME, "What is left of a page's print", [Section("", [about, *tables, _COLUMNS])], made_with)


_COLUMNS = (
    "Items read where they stand: on the page itself; on the page wiped but for the surroundings of its traces, in "
    "which nothing was looked for; on the page drawn anew, each by itself, or in the whole of its overlay, with "
    "exact binomial intervals; and there if every name stood in the place of each other one: an OCR takes the "
    "wiggles of a trace for letters."
)


def _counts(outcomes: Sequence[Outcome], place: str | None = None) -> NDArray[np.int64]:
    """Items of a place, or of all, and how many were read in each of three pictures."""
    counts = np.zeros(4, np.int64)
    for outcome in outcomes:
        chosen = [place in (None, item_place) for item_place in outcome.places]
        read = np.array([outcome.page, outcome.beside, outcome.redrawn], bool).reshape(3, -1)[:, chosen]
        counts += [sum(chosen), *read.sum(axis=1)]
    return counts


def _shares(counts: NDArray[np.int64]) -> tuple[object, ...]:
    """Cells that tell how many items were printed, and which share was read."""
    items, on_page, beside, redrawn = (int(count) for count in counts)
    if not items:
        return (0, "-", "-", "-")
    interval = stats.binomtest(redrawn, items).proportion_ci(method="exact")
    left = f"{redrawn} ({interval.low:.1%} to {interval.high:.1%})"
    return (items, f"{on_page / items:.0%}", f"{beside / items:.0%}", left)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the command line.
    """
    parser = parser_for(
        NAME,
        __doc__,
        data=data_folder(),
        data_help="PTB-XL's folder",
        pages=PAGES,
        jobs=os.cpu_count(),
        resume=True,
    )
    parser.add_argument("presets", nargs="*", metavar="PRESET", help=f"of {', '.join(PRESETS)}; default: all")
    parser.add_argument(
        "--scales", type=float, nargs="+", default=(1.0,), help="of the whole overlay as it is searched (default: 1)"
    )
    chosen = parser.parse_args(arguments)
    for preset in chosen.presets:
        if preset not in PRESETS:
            parser.error(f"unknown preset {preset!r}; allowed: {', '.join(PRESETS)}")
    if not has_tesseract():
        parser.error("there is no tesseract; Debian has it as tesseract-ocr")
    jobs = plan(chosen.data, tuple(chosen.presets or PRESETS), chosen.pages, tuple(chosen.scales))
    chosen.out.mkdir(parents=True, exist_ok=True)
    file = chosen.out / f"{NAME}.jsonl"
    outcomes = load(file) if chosen.resume and file.exists() else []
    known = {(outcome.preset, outcome.seed) for outcome in outcomes}
    left = [job for job in jobs if (job.preset, job.seed) not in known]
    with file.open("a" if outcomes else "w", encoding="utf-8") as lines:
        for outcome in run_all(run, left, chosen.jobs):
            lines.write(json.dumps(asdict(outcome)) + "\n")
            lines.flush()
            outcomes.append(outcome)
    report(outcomes, provenance(), version()).write(chosen.out)


def load(file: Path) -> list[Outcome]:
    """Load the pages that are done.

    Parameters
    ----------
    file : Path

    Returns
    -------
    list of Outcome
    """
    outcomes = []
    for line in file.read_text(encoding="utf-8").splitlines():
        page: dict[str, Any] = json.loads(line)
        several: dict[str, Any] = {name: tuple(page.pop(name)) for name in ("places", "page", "beside", "redrawn")}
        outcomes.append(Outcome(**page, **several))
    return outcomes
