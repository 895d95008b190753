"""Score the digitization of pages that other programs drew, and what each part of the error costs.

``python -m papertrace.benchmarks programs [--draw PYTHON ...] [--oracle NAME ...] [--gallery FOLDER] [PAGE ...]``.

Digitizes the pages of ``program-pages`` in the data folder: layouts and looks of dicom-ecg-plot, ecg-plot and pmecg
(`papertrace.benchmarks.drawings`). ``--draw`` makes them first, from records of fold 9 of PTB-XL: one interpreter for
each environment that has some of the programs. Writes ``programs.md`` and ``programs.json``
(`papertrace.benchmarks.real_prints`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from papertrace.benchmarks.drawings import DRAWINGS, draw, find_programs
from papertrace.benchmarks.real_prints import Job, Set, options_of, publish, read
from papertrace.datasets.pages import KINDS, PageFile
from papertrace.datasets.ptbxl import read_500
from papertrace.datasets.recordings import find_recordings

FOLD = 9
PDF_DPI = 200
"""Dots per inch at which pages are rendered that a program drew as PDF."""


def jobs_of(page: PageFile) -> list[Job]:
    """Give the job of a page.

    Raises
    ------
    ValueError
        If no program draws such a page.
    """
    drawing = DRAWINGS.get(page.file.stem)
    if drawing is None:
        raise ValueError(f"{page.name}: no program draws it; allowed: {', '.join(DRAWINGS)}")
    return [Job(page, drawing.layout.name, (drawing.program,), PDF_DPI if page.file.suffix == ".pdf" else None)]


PAGES = Set("programs", "Pages that other programs drew", "programs", jobs_of)


def draw_pages(data: Path, pythons: Sequence[str]) -> None:
    """Draw the pages of every program that some interpreters can run; a record of fold 9 for each page.

    Parameters
    ----------
    data : Path
        Folder of the data: PTB-XL is read from it, and the pages are written there.
    pythons : sequence of str
        Interpreters, see `papertrace.benchmarks.drawings.find_programs`.

    Raises
    ------
    ValueError
        If an interpreter has none of the programs.
    FileNotFoundError
        If there are no records.
    RuntimeError
        If a program fails.
    """
    found = find_recordings(data / "ptb-xl", (FOLD,))
    places = np.linspace(0, len(found) - 1, len(DRAWINGS)).astype(int)
    records = dict(zip(DRAWINGS, (found[place] for place in places), strict=True))
    for program, python in tqdm(find_programs(pythons).items(), desc="programs", disable=None):
        drawings = [drawing for drawing in DRAWINGS.values() if drawing.program == program]
        signals = [read_500(records[drawing.name]) for drawing in drawings]
        draw(drawings, signals, python, data / KINDS["programs"].folder)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the command line.
    """
    parser = options_of(PAGES, __doc__)
    parser.add_argument(
        "--draw",
        nargs="+",
        default=[],
        metavar="PYTHON",
        help="draw the pages first: interpreters of the programs' environments (CONTRIBUTING.md)",
    )
    chosen = parser.parse_args(arguments)
    try:
        if chosen.draw:
            draw_pages(chosen.data, chosen.draw)
    except (FileNotFoundError, RuntimeError, ValueError) as error:
        parser.error(str(error))
    publish(read(PAGES, parser, chosen), PAGES, chosen)
