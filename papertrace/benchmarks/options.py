"""Read the options of a benchmark: those that several share mean the same everywhere."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
"""Folder of the published figures."""


def parser_for(
    name: str,
    description: str | None,
    *,
    data: Path | None = None,
    data_help: str = "folder of the data",
    jobs: int | None = None,
    pages: int | None = None,
    fewest: int = 1,
    resume: bool = False,
    out: bool = True,
) -> argparse.ArgumentParser:
    """Make the parser of a benchmark, with the common options that it has.

    Parameters
    ----------
    name : str
        As in ``python -m papertrace.benchmarks NAME``.
    description : str or None
        The benchmark's docstring, of which the first line is shown.
    data : Path, optional
        Default of ``--data``.
    data_help : str
        What is in that folder, where a benchmark needs one data set only.
    jobs : int, optional
        Default of ``--jobs``: pages at a time.
    pages : int, optional
        Default of ``--pages``: pages of each kind.
    fewest : int
        What ``--pages`` allows.
    resume : bool
        Whether there is ``--resume``.
    out : bool
        Whether there is ``--out``.

    Returns
    -------
    argparse.ArgumentParser

    Examples
    --------
    >>> parser = parser_for("beats", "Score the beats.", jobs=2)
    >>> parser.prog, parser.parse_args(["--jobs", "3"]).jobs
    ('python -m papertrace.benchmarks beats', 3)
    """
    first_line = (description or "").partition("\n")[0]
    parser = argparse.ArgumentParser(
        prog=f"python -m papertrace.benchmarks {name}", description=f"{first_line.partition(': ``')[0].rstrip('.')}."
    )
    if data is not None:
        parser.add_argument("--data", type=Path, default=data, help=f"{data_help} (default: %(default)s)")
    if pages is not None:
        parser.add_argument(
            "--pages", type=whole_number(fewest), default=pages, help="pages of each kind (default: %(default)s)"
        )
    if jobs is not None:
        parser.add_argument("--jobs", type=whole_number(1), default=jobs, help="pages at a time (default: %(default)s)")
    if resume:
        parser.add_argument("--resume", action="store_true", help="keep the pages that the folder of results has")
    if out:
        parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the results (default: %(default)s)")
    return parser


def whole_number(fewest: int) -> Callable[[str], int]:
    """Make the reader of an option that counts something.

    Parameters
    ----------
    fewest : int
        Least number that it allows.

    Returns
    -------
    callable
        For the ``type`` of an option.
    """

    def read(text: str) -> int:
        if not text.isdecimal() or int(text) < fewest:
            raise argparse.ArgumentTypeError(f"{text}; allowed: whole numbers from {fewest}")
        return int(text)

    return read
