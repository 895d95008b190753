"""Tell what became of a page, as a line of the manifest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from papertrace.cli.checksums import checksums_of
from papertrace.cli.formats import ALWAYS, BEATS, HTML
from papertrace.cli.manifest import FAILED, READ, Row
from papertrace.cli.plan import Failed, Job
from papertrace.cli.pool import Lost


def row_of(job: Job, answer: dict[str, Any] | Failed | Lost, out: Path = Path(".")) -> Row:
    """Enter a page in the books.

    Parameters
    ----------
    job : Job
    answer : dict, Failed or Lost
        What `papertrace.cli.work.read_page` gave: a report or a reason; or why its worker gave nothing.
    out : Path
        Folder of the results, where the page's files now stand.

    Returns
    -------
    Row

    Examples
    --------
    >>> job = Job("ward.pdf", 2, "ward.pdf, page 3", "ward-3", ("../ward.pdf", "3"), ("ward-3.json",))
    >>> row_of(job, Lost("not enough memory")).error
    'ward.pdf, page 3: not enough memory'
    """
    if isinstance(answer, Lost):
        return Row(*job.key, FAILED, error=" ".join(f"{job.alias}: {answer.reason}".split()))
    if isinstance(answer, Failed):
        return Row(*job.key, FAILED, error=" ".join(answer.reason.split()))
    outputs = outputs_of(job, answer)
    return Row(
        *job.key,
        READ,
        verdict=answer["quality"]["verdict"],
        warnings="; ".join(answer["warnings"]),
        seconds=f"{answer['seconds']:.2f}",
        outputs=";".join(outputs),
        checksums=checksums_of(out, outputs),
    )


def outputs_of(job: Job, report: dict[str, Any]) -> tuple[str, ...]:
    """Name the files that a page left: those of a signal are missing where there was none, and beats where none are."""
    if not report["quality"]["strips"]:
        return tuple(output for output in job.outputs if output.endswith((*ALWAYS, HTML)))
    return tuple(output for output in job.outputs if report["beats"]["beats"] or not output.endswith(BEATS))
