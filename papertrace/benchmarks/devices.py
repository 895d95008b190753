"""Score the digitization of pages of real devices, and what each part of the error costs.

``python -m papertrace.benchmarks devices [--oracle NAME ...] [--gallery FOLDER] [--no-refine] [PAGE ...]``.

Renders the pages of ``device-pdf``, which devices wrote as vectors, at three resolutions, and scores them against their
own paths. A path tells no 0 mV, so there is neither a strict ratio nor an error of the baseline. Of the pictures of
``real-pages/devices`` nobody has the signals: of these it is told whether each lead stands in its row and column.
Writes ``devices.md`` and ``devices.json`` (`papertrace.benchmarks.real_prints`).
"""

from __future__ import annotations

from collections.abc import Sequence

from papertrace.benchmarks.device_pictures import describe, look_at_all, write_pictures
from papertrace.benchmarks.real_prints import Job, Set, options_of, publish, read
from papertrace.datasets.pages import PageFile

RESOLUTIONS = (100, 200, 300)
"""Dots per inch at which each page is rendered."""

LAYOUTS = {
    "cardiosoft.p1": "limb-6x1",
    "cardiosoft.p2": "chest-6x1",
    "kardia-6l.p1": "limb-6x1",
    "kardia-6l.p2": "limb-6x1",
    "kardia-6l.p3": "limb-6x1",
    "kardia-6l.p4": "limb-6x1",
    "muse.p1": "3x4+II",
    "qrs-diagnostic.p1": "3x4+II",
    "qrs-diagnostic.p2": "3x4+II",
    "qrs-diagnostic.p3": "6x2",
    "qrs-diagnostic.p4": "limb-6x1",
    "qrs-diagnostic.p5": "chest-6x1",
    "qrs-diagnostic.p6": "II",
}
"""What each page shows, by the stem of its file and its number in it."""

HAND_HELD = ("kardia-6l",)
"""Files of recorders that a person holds; the others are of carts."""


def jobs_of(page: PageFile) -> list[Job]:
    """Give the jobs of a page: it is rendered at each of `RESOLUTIONS`.

    Raises
    ------
    ValueError
        If nobody has written down what the page shows.
    """
    name = f"{page.file.stem}.p{page.index + 1}"
    if name not in LAYOUTS:
        raise ValueError(f"{page.name}: layout of {name} is not known; known: {', '.join(LAYOUTS)}")
    maker = "hand-held" if page.file.stem in HAND_HELD else "carts"
    return [Job(page, LAYOUTS[name], (f"{dpi} dpi", f"{maker}, {dpi} dpi"), dpi) for dpi in RESOLUTIONS]


PAGES = Set("devices", "Pages of real devices, rendered", "device-pdf", jobs_of, baseline=False)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the command line.
    """
    parser = options_of(PAGES, __doc__)
    chosen = parser.parse_args(arguments)
    outcomes = read(PAGES, parser, chosen)
    # Where pages are named, they are those with paths.
    pictures = [] if chosen.pages else look_at_all(chosen.data, chosen.jobs)
    section, data = describe(pictures) if pictures else (None, {})
    publish(outcomes, PAGES, chosen, [section] if section else [], {"pictures": data} if data else {})
    if chosen.gallery is not None:
        write_pictures(pictures, chosen.gallery)
