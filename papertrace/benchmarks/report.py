"""Write what a benchmark found: a report of texts and tables, with the versions that made it.

A benchmark collects its pages or records, measures them, and describes the measurements by a `Report`.
"""

from __future__ import annotations

import datetime
import json
import math
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, TypeAlias

from digitize.files import written_together
from digitize.version import __version__
from papertrace.metrics.scores import Interval

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
        See `provenance`; of the machine and the libraries, what is there.

    Returns
    -------
    str

    Examples
    --------
    >>> made = {"date": "2026-01-01 00:00 UTC", "papertrace": "0.1.0", "commit": None}
    >>> made_line(made)
    'Made on 2026-01-01 00:00 UTC with papertrace 0.1.0, commit unknown.'
    >>> made_line({**made, "python": "3.11.2", "platform": "Linux", "cpus": 2, "libraries": {"numpy": "2.2.0"}})
    'Made on 2026-01-01 00:00 UTC with papertrace 0.1.0, commit unknown, Python 3.11.2, numpy 2.2.0; Linux, 2 cores.'
    """
    sentence = f"Made on {made['date']} with papertrace {made['papertrace']}, commit {made['commit'] or 'unknown'}"
    if "python" not in made:
        return f"{sentence}."
    libraries = "".join(f", {name} {version}" for name, version in made["libraries"].items() if version)
    return f"{sentence}, Python {made['python']}{libraries}; {made['platform']}, {made['cpus']} cores."


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


@dataclass(frozen=True)
class Table:
    """A table of a report.

    Attributes
    ----------
    header : sequence of str
    rows : sequence of sequence
        Cells, see `table`.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[object]]


Text: TypeAlias = str
"""A paragraph of Markdown."""


@dataclass(frozen=True)
class Section:
    """Texts and tables below a heading.

    Attributes
    ----------
    title : str
        Empty for a section that has no heading of its own.
    parts : sequence of (Text or Table)
    """

    title: str
    parts: Sequence[Text | Table]

    def markdown(self) -> str:
        """Write the heading and what stands below it.

        Returns
        -------
        str

        Examples
        --------
        >>> print(Section("Leads", ["All of them.", Table(["lead", "dB"], [["I", 3]])]).markdown())
        ## Leads
        <BLANKLINE>
        All of them.
        <BLANKLINE>
        | lead | dB |
        | --- | --- |
        | I | 3 |
        """
        parts = [part if isinstance(part, str) else "\n".join(table(part.header, part.rows)) for part in self.parts]
        return "\n\n".join([f"## {self.title}", *parts] if self.title else parts)


@dataclass(frozen=True)
class Report:
    """Findings of a benchmark.

    Attributes
    ----------
    name : str
        Stem of its files.
    title : str
    sections : sequence of Section
    made_with : mapping
        See `provenance`; empty for a report that says by itself what it was made from.
    data : mapping
        The same for machines; `Interval` counts as a mapping, and NaN as null. Empty where Markdown is all.
    indent : int or None
        Of the JSON; None for a single line.
    """

    name: str
    title: str
    sections: Sequence[Section]
    made_with: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    indent: int | None = 1

    def markdown(self) -> str:
        """Write the report for people, the line that says what it was made with at its end.

        Returns
        -------
        str

        Examples
        --------
        >>> made = {"date": "2026-01-01 00:00 UTC", "papertrace": "0.1.0", "commit": None}
        >>> print(Report("a", "Leads", [Section("", ["None."])], made).markdown(), end="")
        # Leads
        <BLANKLINE>
        None.
        <BLANKLINE>
        Made on 2026-01-01 00:00 UTC with papertrace 0.1.0, commit unknown.
        """
        parts = [f"# {self.title}", *(part.markdown() for part in self.sections)]
        return "\n\n".join([*parts, *([made_line(self.made_with)] if self.made_with else [])]) + "\n"

    def json(self) -> str:
        r"""Write the report for machines.

        Returns
        -------
        str

        Examples
        --------
        >>> Report("a", "Leads", [], {}, {"I": math.nan, "II": Interval(2.0, 1.0, 3.0)}, indent=None).json()
        '{"I": null, "II": {"value": 2.0, "low": 1.0, "high": 3.0}}\n'
        """
        return json.dumps(_plain(self.data), indent=self.indent, allow_nan=False) + "\n"

    def write(self, folder: Path) -> None:
        """Write ``NAME.md`` and, where there are data, ``NAME.json``, both or neither, and print the former.

        Parameters
        ----------
        folder : Path
            It is made when missing.
        """
        text = self.markdown()
        with written_together(folder) as unfinished:
            (unfinished / f"{self.name}.md").write_text(text, encoding="utf-8")
            if self.data:
                (unfinished / f"{self.name}.json").write_text(self.json(), encoding="utf-8")
        sys.stdout.write(text)


def _plain(value: Any) -> Any:
    """Make a value of JSON; NaN and infinities are null."""
    if isinstance(value, Interval):
        return _plain(vars(value))
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


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
