"""Pages of PTB-XL's fold 9 that several benchmarks read: printed or of the kit, digitized once, a small file of each.

A page's file has its picture as the networks of `classify.picture.image` see it, what the networks of
`classify.signal.network` see of its signal, and what they would see of the true one. Files belong to the printer and
the reader that made them, so reading can be interrupted, goes on where it stopped, and is shared by all that ask for
the same pages.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from classify.picture.picture import coarse_picture, picture_of
from classify.records.segments import StripSegment
from classify.signal.inputs import NetworkInput, input_from_leads, input_from_segments
from classify.signal.network import INPUTS
from classify.signal.weights import predict
from digitize.api import analyze_page, leads_of, refined
from digitize.pages.page import load_pages
from digitize.records.layouts import LEAD_NAMES
from digitize.records.page import PageError
from papertrace.datasets.pages import find_pages
from papertrace.datasets.ptbxl import Records, read_500
from papertrace.synth import PrintedStrip, render_page
from papertrace.training.pages import make_missing, write_arrays
from papertrace.training.pictures import blank_view
from papertrace.training.sources import version_of_code

FOLD = 9
PAPERS = ("clean", "office_scan", "phone_photo", "stained")
"""Presets of `papertrace.synth`."""
KIT = "kit-pages"
NOT_READ = "not read"
READ_FS = 500

_SEED = 0
_TRUE = "true "
"""Before the names of what the true signal shows, in a page's file."""


@dataclass(frozen=True)
class Task:
    """A page to read, and the file to leave.

    Attributes
    ----------
    paper : str
        A preset of `papertrace.synth`, or `KIT`.
    source : Path
        The recording to print, or the picture of the page.
    seed : int
    record : int
        ``ecg_id``.
    file : Path
    """

    paper: str
    source: Path
    seed: int
    record: int
    file: Path


@dataclass(frozen=True)
class Read:
    """Result of a page.

    Attributes
    ----------
    task : Task
    ink : ndarray, shape (HEIGHT, WIDTH), uint8
        Its picture.
    view, truth : NetworkInput
        Of its signal; blank where there is none. And of the recording, as the page's strips show it; blank for pages
        of the kit, and where they show less than a second.
    verdict : str
        One of `digitize.records.results.VERDICTS`; `NOT_READ` for a page without a signal.
    error : str
        Why there is none.
    finding, tracing, looking : float
        Seconds of the processor: up to the page's traces; from these to the signal; from these to the picture.
    """

    task: Task
    ink: NDArray[np.uint8]
    view: NetworkInput
    truth: NetworkInput
    verdict: str
    error: str
    finding: float
    tracing: float
    looking: float


def choose_pages(records: Records, pages: int) -> Records:
    """Choose the records to print: a fixed shuffle's first ones that are there at 500 Hz.

    Parameters
    ----------
    records : Records
    pages : int

    Returns
    -------
    Records
        At most `pages` of them.
    """
    printable = np.flatnonzero([path is not None for path in records.paths_500])
    chosen = np.zeros(len(records), bool)
    chosen[np.random.default_rng(_SEED).permutation(printable)[:pages]] = True
    return records.take(chosen)


def printed_tasks(records: Records, papers: Iterable[str], folder: Path) -> list[Task]:
    """List pages to print: every record by every preset.

    Parameters
    ----------
    records : Records
        Those that are not there at 500 Hz are left out.
    papers : iterable of str
        Presets of `papertrace.synth`.
    folder : Path
        Of the files to leave.

    Returns
    -------
    list of Task
    """
    return [
        Task(paper, path, int(record), int(record), folder / paper / f"{record}.npz")
        for paper in papers
        for record, path in zip(records.ids, records.paths_500, strict=True)
        if path is not None
    ]


def kit_tasks(data: Path, folder: Path) -> list[Task]:
    """List pages of the kit that are PTB-XL's.

    Parameters
    ----------
    data : Path
        Folder with ``kit-pages``, which need not exist.
    folder : Path
        Of the files to leave.

    Returns
    -------
    list of Task
    """
    tasks = []
    for page in find_pages(data, ("kit",)):
        file, number = page.file, page.file.stem.split("_")[0]
        if number.isdecimal() and page.truth is not None:
            tasks.append(Task(KIT, file, 0, int(number), folder / KIT / f"{file.parent.name}-{file.stem}.npz"))
    return tasks


def folder_of_pages(folder: Path) -> Path:
    """Give the folder that belongs to this printer and this reader.

    Parameters
    ----------
    folder : Path
        Of all of them.

    Returns
    -------
    Path
    """
    return folder / version_of_code("papertrace.benchmarks.reading", without=("classify.signal.weights",))


def read_pages(tasks: Sequence[Task], jobs: int) -> list[Read]:
    """Read those pages that no file is there of, and load all.

    Parameters
    ----------
    tasks : sequence of Task
    jobs : int
        Pages at a time.

    Returns
    -------
    list of Read
    """
    make_missing(tasks, make, jobs)
    return [load(task) for task in tqdm(tasks, desc="loading", leave=False, disable=None)]


def predict_pages(pages: Sequence[Read]) -> NDArray[np.float64]:
    """Probabilities for pages; one that could not be digitized says nothing, so every statement gets 0.

    Parameters
    ----------
    pages : sequence of Read

    Returns
    -------
    ndarray, shape (pages, statements), float64
    """
    probabilities = predict([page.view for page in pages])
    probabilities[[page.verdict == NOT_READ for page in pages]] = 0.0
    return probabilities


def make(task: Task) -> None:
    """Read a page and leave its file.

    Parameters
    ----------
    task : Task
    """
    truth, view, verdict, error = blank_view(), blank_view(), NOT_READ, ""
    if task.paper == KIT:
        image = load_pages(task.source)[0].image
    else:
        page = render_page(read_500(task.source), READ_FS, task.paper, seed=task.seed)
        image = page.image
        # Strips so short that nobody reads them are printed, too.
        with suppress(ValueError):
            truth = input_from_segments(true_pieces(page.signal, page.strips, READ_FS), READ_FS)
    times = [time.process_time()]
    try:
        analysis = analyze_page(image)
    except PageError as reason:
        error = str(reason)
        times += [time.process_time()] * 2
        picture = coarse_picture(image)
    else:
        times.append(time.process_time())
        leads = leads_of(refined(analysis), fs=READ_FS)
        try:
            view, verdict = input_from_leads(leads), leads.quality.verdict
        except ValueError as reason:
            error = str(reason)
        times.append(time.process_time())
        picture = picture_of(analysis)
    times.append(time.process_time())
    arrays = {name: getattr(view, name) for name in INPUTS}
    arrays |= {_TRUE + name: getattr(truth, name) for name in INPUTS}
    outcome = {"ink": picture.ink, "verdict": verdict, "error": error, "seconds": np.diff(times)}
    write_arrays(task.file, {**outcome, **arrays})


def load(task: Task) -> Read:
    """Load what `make` left.

    Parameters
    ----------
    task : Task

    Returns
    -------
    Read
    """
    with np.load(task.file) as content:
        view, truth = (NetworkInput(**{name: content[of + name] for name in INPUTS}) for of in ("", _TRUE))
        finding, tracing, looking = (float(value) for value in content["seconds"])
        verdict, error = str(content["verdict"]), str(content["error"])
        return Read(task, content["ink"], view, truth, verdict, error, finding, tracing, looking)


def true_pieces(signal: NDArray[np.floating], strips: Sequence[PrintedStrip], fs: int) -> list[StripSegment]:
    """Cut a recording into the strips of a printed page.

    Parameters
    ----------
    signal : ndarray, shape (12, n)
    strips : sequence of PrintedStrip
    fs : int
        Hz.

    Returns
    -------
    list of StripSegment
    """
    return [
        StripSegment(
            strip.lead,
            np.asarray(
                signal[LEAD_NAMES.index(strip.lead), round(strip.start * fs) : round(strip.end * fs)], np.float32
            ),
            strip.start,
        )
        for strip in strips
    ]
