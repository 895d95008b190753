"""The formats of results, by the name that ``--format`` takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from digitize.export import write_csv, write_wfdb

if TYPE_CHECKING:
    from digitize.leads import Leads


@dataclass(frozen=True)
class Format:
    """One way to write leads.

    Attributes
    ----------
    name : str
        As on the command line.
    suffixes : tuple of str
        Of the files of a page; the first is the one to open.
    writer : callable
        Takes the leads and the path of the first file.
    """

    name: str
    suffixes: tuple[str, ...]
    writer: Callable[[Leads, Path], Path]

    def write(self, leads: Leads, folder: Path, name: str) -> None:
        """Write a page into a folder."""
        self.writer(leads, folder / (name + self.suffixes[0]))


FORMATS = {
    form.name: form for form in (Format("wfdb", (".hea", ".dat"), write_wfdb), Format("csv", (".csv",), write_csv))
}

ALWAYS = (".json", ".overlay.png")
"""Suffixes of what is written whatever the format: the report, and the traces drawn over the page."""


def suffixes_of(formats: tuple[str, ...]) -> tuple[str, ...]:
    """Suffixes of all files that a page leaves.

    Examples
    --------
    >>> suffixes_of(("wfdb",))
    ('.hea', '.dat', '.json', '.overlay.png')
    """
    return (*(suffix for name in formats for suffix in FORMATS[name].suffixes), *ALWAYS)
