"""Score the digitization of gray scans of real prints, and what each part of the error costs.

``python -m papertrace.benchmarks prints [--oracle NAME ...] [--gallery FOLDER] [--no-refine] [PAGE ...]``.

Digitizes the pages of ``real-pages/with-truth``, printed from signals of 100 Hz; writes ``prints.md`` and
``prints.json`` (`papertrace.benchmarks.real_prints`).
"""

from __future__ import annotations

from collections.abc import Sequence

from papertrace.benchmarks.real_prints import Job, Set, run
from papertrace.datasets.pages import PageFile

LAYOUT = "3x4+II"
"""What all of them show."""


def jobs_of(page: PageFile) -> list[Job]:
    """Give the job of a scan."""
    return [Job(page, LAYOUT)]


PAGES = Set("prints", "Scans of real prints", "prints", jobs_of)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the command line.
    """
    run(PAGES, __doc__, arguments)
