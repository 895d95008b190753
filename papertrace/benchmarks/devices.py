"""Score the digitization of rendered pages of real devices, and what each part of the error costs.

``python -m papertrace.benchmarks devices [--oracle NAME ...] [--gallery FOLDER] [--no-refine] [PAGE ...]``.

Renders the pages of ``device-pdf``, which devices wrote as vectors, at three resolutions, and scores them against their
own paths. A path tells no 0 mV, so there is neither a strict ratio nor an error of the baseline. Writes ``devices.md``
and ``devices.json`` (`papertrace.benchmarks.real_prints`).
"""

from __future__ import annotations

from collections.abc import Sequence

from papertrace.benchmarks.real_prints import Job, Set, run
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
    return [Job(page, LAYOUTS[name], f"{dpi} dpi", dpi) for dpi in RESOLUTIONS]


PAGES = Set("devices", "Pages of real devices, rendered", "device-pdf", jobs_of, baseline=False)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the command line.
    """
    run(PAGES, __doc__, arguments)
