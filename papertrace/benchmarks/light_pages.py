"""Run the command with pages that are not read but written at once: what is tried is how it keeps its books.

Everything else is the command's own: its workers, manifest, journal and lock, and files that appear together.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from digitize.files import written_together
from papertrace.cli import app
from papertrace.cli.options import Options
from papertrace.cli.plan import Job

LOG, PAUSE = "PAPERTRACE_SOAK_LOG", "PAPERTRACE_SOAK_PAUSE"
"""Variables that name a file to which the begun pages are written, and the seconds between two pieces of a file."""

_LINES, _PIECES = 400, 2


def content_of(output: str) -> str:
    """Tell what one file of a page holds: a file that was cut or belongs to another page differs.

    Parameters
    ----------
    output : str
        Its name in the folder of results.

    Returns
    -------
    str

    Examples
    --------
    >>> content_of("ward-1.csv").splitlines()[-1]
    'ward-1.csv 400'
    """
    return "".join(f"{output} {number}\n" for number in range(1, _LINES + 1))


def write_page(task: tuple[Job, Options]) -> dict[str, Any]:
    """Write the files of a page piece by piece, in place of `papertrace.cli.work.read_page`.

    Parameters
    ----------
    task : tuple of Job and Options

    Returns
    -------
    dict
        As much of a report as the manifest needs.
    """
    job, options = task
    with open(os.environ[LOG], "a") as log:
        log.write(f"{job.name}\n")
    target = options.out / job.name
    with written_together(target.parent) as folder:
        for output in job.outputs:
            text = content_of(output)
            with open(folder / Path(output).name, "w") as file:
                for piece in range(_PIECES):
                    file.write(text[piece * len(text) // _PIECES : (piece + 1) * len(text) // _PIECES])
                    file.flush()
                    time.sleep(float(os.environ[PAUSE]))
    return {"seconds": 0.0, "warnings": [], "quality": {"verdict": "good", "strips": [{}]}, "beats": {"beats": [{}]}}


def command_line(arguments: Sequence[str]) -> list[str]:
    """Give what starts the command with such pages, in a process of its own.

    Parameters
    ----------
    arguments : sequence of str
        Those of the command.

    Returns
    -------
    list of str
    """
    # Workers find a function by its module's name, so that the module must not be the one that is run.
    code = f"import sys; from {__name__} import run; sys.exit(run(sys.argv[1:]))"
    return [sys.executable, "-c", code, *arguments]


def run(arguments: Sequence[str]) -> int:
    """Run the command with `write_page`; gives its exit code."""
    vars(app)["read_page"] = write_page
    return app.main([*arguments, "--quiet"])
