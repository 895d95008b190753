"""What a published figure needs beside it: the versions that made it, and tables to stand in."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from digitize.version import __version__

_LIBRARIES = ("numpy", "scipy", "opencv-python-headless", "scikit-image", "torch", "rapidocr", "pillow")


def provenance() -> dict[str, Any]:
    """Tell what a run was made with.

    Returns
    -------
    dict
        ``date`` (UTC), ``papertrace``, ``commit`` (None outside a git repository; ``-dirty`` appended where files
        differ from it), ``python``, ``platform``, ``cpus`` and ``libraries``, name to version (None: not installed).

    Examples
    --------
    >>> provenance()["papertrace"] == __version__
    True
    """
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "papertrace": __version__,
        "commit": _commit(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "libraries": {name: _version(name) for name in _LIBRARIES},
    }


def made_line(made: Mapping[str, Any]) -> str:
    """Say in a sentence what a run was made with.

    Parameters
    ----------
    made : mapping
        See `provenance`.

    Returns
    -------
    str

    Examples
    --------
    >>> made_line({"date": "2026-01-01 00:00 UTC", "papertrace": "0.1.0", "commit": None})
    'Made on 2026-01-01 00:00 UTC with papertrace 0.1.0, commit unknown.'
    """
    return f"Made on {made['date']} with papertrace {made['papertrace']}, commit {made['commit'] or 'unknown'}."


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Lay out a Markdown table.

    Parameters
    ----------
    header : sequence of str
        Names of the columns.
    rows : iterable of sequence
        Cells; bars and line breaks in them are made harmless.

    Returns
    -------
    list of str
        Lines.

    Examples
    --------
    >>> table(["lead", "dB"], [["I|II", 3]])
    ['| lead | dB |', '| --- | --- |', '| I/II | 3 |']
    """
    lines = [header, ["---"] * len(header), *rows]
    return ["| " + " | ".join(" ".join(str(cell).replace("|", "/").split()) for cell in line) + " |" for line in lines]


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _commit() -> str | None:
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
