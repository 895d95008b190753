"""Pictures to train on: most are drawn straight away, some are of pages that were printed and read.

Every recording is drawn several times (`papertrace.training.sketch`). Pages of every preset are printed and really
read; each gives the picture that inference would make of it, with what the reader made of its signal, and every few
also the coarse picture of a page that cannot be read. All that is made of one recording or page is one small file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from classify.picture.picture import Picture, coarse_picture, picture_of
from classify.signal.inputs import (
    ABSENT,
    BEAT_SAMPLES,
    FS,
    INTERVALS,
    RHYTHM_SAMPLES,
    NetworkInput,
    input_from_leads,
    input_from_segments,
)
from classify.signal.network import INPUTS
from digitize.api import analyze_page, leads_of, refined
from digitize.records.layouts import LEAD_NAMES
from digitize.records.page import PageError
from digitize.records.page_analysis import PageAnalysis
from papertrace.datasets.ptbxl import Records, read_500
from papertrace.synth import PrintedPage, render_page
from papertrace.training.cells import Cells, Drawn, cells_of
from papertrace.training.pages import Job, make_missing, write_arrays
from papertrace.training.sketch import draw_sketch
from papertrace.training.upright import to_upright
from papertrace.training.views import Pool, disturb, misread, pool_views

_LEVELS = 17
"""Steps of ink that are kept: sixteen, for small files."""
_COARSE_EVERY = 4
"""Pages for one whose coarse picture is taken, too."""
_PRINT_FS = 500


@dataclass(frozen=True)
class Sketches:
    """Pictures of one recording to be drawn, and the file to leave.

    Attributes
    ----------
    signal : ndarray, shape (12, n), float32
        Millivolts at `classify.signal.inputs.FS`.
    seed, count : int
    file : Path
    """

    signal: NDArray[np.float32]
    seed: int
    count: int
    file: Path


@dataclass(frozen=True)
class PictureDataset:
    """Pictures with all that is known of them.

    Attributes
    ----------
    pictures : tuple of ndarray
        `classify.picture.picture.Picture.ink`, each as a PNG.
    cells : tuple of Cells
    views : Pool
        What the same pages show of the signal; zeros where they could not be read.
    printed : ndarray, shape (n,), bool
        Whether they are of printed pages, not drawn.
    """

    pictures: tuple[NDArray[np.uint8], ...]
    cells: tuple[Cells, ...]
    views: Pool
    printed: NDArray[np.bool_]

    def __len__(self) -> int:
        """Count the pictures."""
        return len(self.pictures)

    def ink(self, place: int) -> NDArray[np.uint8]:
        """Unpack a picture, shape (HEIGHT, WIDTH)."""
        return np.asarray(cv2.imdecode(self.pictures[place], cv2.IMREAD_GRAYSCALE), np.uint8)

    @cached_property
    def by_record(self) -> dict[int, NDArray[np.intp]]:
        """Places of the pictures of every record that has one."""
        return self.views.by_record


def draw_all(
    signals: NDArray[np.float32], places: Sequence[int], count: int, seed: int, folder: Path, processes: int
) -> PictureDataset:
    """Draw pictures of recordings, those that are not there yet.

    Parameters
    ----------
    signals : ndarray, shape (n, 12, m), float32
        Millivolts at `classify.signal.inputs.FS`.
    places : sequence of int
        Of the recordings among all records.
    count : int
        Pictures of each.
    seed : int
    folder : Path
        Of the files.
    processes : int
        Recordings at a time.

    Returns
    -------
    PictureDataset
    """
    jobs = [
        Sketches(signal, seed * 1_000_000 + place, count, folder / f"{place:05d}-{count}.npz")
        for signal, place in zip(signals, places, strict=True)
    ]
    make_missing(jobs, make_sketches, processes)
    return load([(job.file, place) for job, place in zip(jobs, places, strict=True)], printed=False)


def read_all(jobs: Sequence[Job], records: Records, processes: int) -> PictureDataset:
    """Print and read pages, those that are not there yet.

    Parameters
    ----------
    jobs : sequence of Job
        Of these records.
    records : Records
    processes : int
        Pages at a time.

    Returns
    -------
    PictureDataset
    """
    make_missing(jobs, make_page, processes)
    place = {path: k for k, path in enumerate(records.paths_500) if path is not None}
    return load([(job.file, place[job.record]) for job in jobs], printed=True)


def make_sketches(job: Sketches) -> None:
    """Draw the pictures of a recording."""
    made = []
    for number in range(job.count):
        rng = np.random.default_rng((job.seed, number))
        sketch = draw_sketch(disturb(job.signal, rng, None), FS, rng)
        made.append((sketch.ink, sketch.cells, _view_or_none([misread(piece, rng) for piece in sketch.pieces])))
    _save(job.file, made)


def make_page(job: Job) -> None:
    """Print a page, read it, and keep its pictures; of one that cannot be read the coarse one."""
    page = render_page(read_500(job.record), _PRINT_FS, job.preset, seed=job.seed)
    made = []
    try:
        analysis = refined(analyze_page(page.image))
        view = input_from_leads(leads_of(analysis, fs=_PRINT_FS))
    except (PageError, ValueError):
        made.append(_coarse(page, blank_view()))
    else:
        picture = picture_of(analysis)
        made.append((picture.ink, cells_of(_on_upright(page, analysis, picture)), view))
        if job.page % _COARSE_EVERY == 0:
            made.append(_coarse(page, blank_view()))
    _save(job.file, made)


def blank_view() -> NetworkInput:
    """Give the view of a page of which no signal is known."""
    beats, rhythm = np.zeros((len(LEAD_NAMES), BEAT_SAMPLES), np.float32), np.zeros(RHYTHM_SAMPLES, np.float32)
    return NetworkInput(beats, beats, np.zeros(len(INTERVALS), np.float32), rhythm, rhythm, ABSENT)


def load(files: Sequence[tuple[Path, int]], printed: bool) -> PictureDataset:
    """Load pictures.

    Parameters
    ----------
    files : sequence of (Path, int)
        Each with the place of its record.
    printed : bool
        Whether they are of printed pages.

    Returns
    -------
    PictureDataset
    """
    pictures: list[NDArray[np.uint8]] = []
    cells: list[Cells] = []
    views: list[NetworkInput] = []
    of: list[int] = []
    for file, record in files:
        with np.load(file) as content:
            arrays = {name: content[name] for name in content.files}
        for number, (picture, own) in enumerate(
            zip(_parts(arrays, "png"), zip(*(_parts(arrays, name) for name in _CELLS), strict=True), strict=True)
        ):
            pictures.append(picture)
            cells.append(Cells(*own))
            views.append(NetworkInput(**{name: arrays[name][number] for name in INPUTS}))
            of.append(record)
    return PictureDataset(tuple(pictures), tuple(cells), pool_views(views, of), np.full(len(of), printed))


def joined(datasets: Sequence[PictureDataset]) -> PictureDataset:
    """Put datasets together."""
    names = (*INPUTS, "record")
    views = {name: np.concatenate([getattr(dataset.views, name) for dataset in datasets]) for name in names}
    return PictureDataset(
        tuple(picture for dataset in datasets for picture in dataset.pictures),
        tuple(cells for dataset in datasets for cells in dataset.cells),
        Pool(**views),
        np.concatenate([dataset.printed for dataset in datasets]),
    )


_CELLS = ("place", "strip", "lead", "pen")


def _save(file: Path, made: Sequence[tuple[NDArray[np.uint8], Cells, NetworkInput]]) -> None:
    """Write pictures end to end, with the lengths of each part."""
    arrays: dict[str, Any] = {}
    packed = [cv2.imencode(".png", ink // _LEVELS * _LEVELS)[1].ravel() for ink, _, _ in made]
    parts = {"png": packed, **{name: [getattr(cells, name) for _, cells, _ in made] for name in _CELLS}}
    for name, values in parts.items():
        arrays[name] = np.concatenate(values)
        arrays[f"{name}_lengths"] = np.array([len(value) for value in values])
    for name in INPUTS:
        every = np.stack([np.asarray(getattr(view, name)) for _, _, view in made])
        arrays[name] = every if every.dtype.kind == "i" else every.astype(np.float16)
    write_arrays(file, arrays)


def _parts(arrays: dict[str, NDArray[Any]], name: str) -> list[NDArray[Any]]:
    return np.split(arrays[name], np.cumsum(arrays[f"{name}_lengths"])[:-1])


def _view_or_none(pieces: Sequence[Any]) -> NetworkInput:
    try:
        return input_from_segments(pieces, FS)
    except ValueError:
        return blank_view()


def _on_upright(page: PrintedPage, analysis: PageAnalysis, picture: Picture) -> list[Drawn]:
    def through(points: NDArray[np.floating]) -> NDArray[np.float64]:
        upright = to_upright(points, analysis, page.image.shape)
        return np.asarray(upright @ picture.matrix[:, :2].T + picture.matrix[:, 2])

    return [
        Drawn(LEAD_NAMES.index(strip.lead), through(strip.polyline), through(strip.baseline)) for strip in page.strips
    ]


def _coarse(page: PrintedPage, view: NetworkInput) -> tuple[NDArray[np.uint8], Cells, NetworkInput]:
    picture = coarse_picture(page.image)
    drawn = [
        Drawn(
            LEAD_NAMES.index(strip.lead),
            strip.polyline @ picture.matrix[:, :2].T + picture.matrix[:, 2],
            strip.baseline @ picture.matrix[:, :2].T + picture.matrix[:, 2],
        )
        for strip in page.strips
    ]
    return picture.ink, cells_of(drawn), view
