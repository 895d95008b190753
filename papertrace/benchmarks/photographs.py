"""Score the digitization of photographs of real prints, and what each part of the error costs.

``python -m papertrace.benchmarks photographs [--oracle NAME ...] [--gallery FOLDER] [--no-refine] [PAGE ...]``.

Digitizes the pages of ``real-photos``, whose two halves are reported apart: a printer may learn the look of one half,
the other judges. Writes ``photographs.md`` and ``photographs.json`` (`papertrace.benchmarks.real_prints`).
"""

from __future__ import annotations

from collections.abc import Sequence

from papertrace.benchmarks.real_prints import Job, Set, run
from papertrace.datasets.pages import PageFile

LAYOUT = "3x4+II"
"""What all of them show."""


def jobs_of(page: PageFile) -> list[Job]:
    """Give the job of a photograph: its half is that of the folder's table."""
    return [Job(page, LAYOUT, (page.remarks["split"],) if "split" in page.remarks else ())]


PAGES = Set("photographs", "Photographs of real prints", "photographs", jobs_of)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the command line.
    """
    run(PAGES, __doc__, arguments)
