"""The formats by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from digitize.export.csv import write_csv
from digitize.export.dicom import write_dicom
from digitize.export.edf import write_edf
from digitize.export.extras import HOW
from digitize.export.fhir import write_fhir
from digitize.export.parquet import write_parquet
from digitize.export.wfdb import write_wfdb

if TYPE_CHECKING:
    from digitize.records.results import LeadData


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
    gaps, step, lost : str
        For the documentation: how a gap is written, how finely values are, and what of `Leads` the format cannot say.
    library : str or None
        Module of the extra ``formats`` that it needs.
    """

    name: str
    suffixes: tuple[str, ...]
    writer: Callable[[LeadData, Path], Path]
    gaps: str
    step: str
    lost: str
    library: str | None = None

    def write(self, leads: LeadData, folder: Path, name: str) -> tuple[Path, ...]:
        """Write a page.

        Parameters
        ----------
        leads : LeadData
        folder : Path
            Made when missing; files of the same name are replaced.
        name : str
            The files' name without suffix; WFDB takes letters, digits, hyphens and underscores (`record_name`).

        Returns
        -------
        tuple of Path
            The files, one for each of `suffixes`.

        Raises
        ------
        ImportError
            If the library is not installed.
        ValueError
            If the format cannot hold the leads or the name.
        OSError
            If a file cannot be written.
        """
        self.writer(leads, folder / (name + self.suffixes[0]))
        return tuple(folder / (name + suffix) for suffix in self.suffixes)


FORMATS: dict[str, Format] = {
    form.name: form
    for form in (
        Format(
            "wfdb",
            (".hea", ".dat"),
            write_wfdb,
            gaps="the invalid sample, NaN when read",
            step="1 µV, to ±32.767 mV",
            lost="confidence, warnings",
        ),
        Format("csv", (".csv",), write_csv, gaps="empty", step="6 digits", lost="confidence, warnings, its unit (mV)"),
        Format(
            "edf",
            (".edf",),
            write_edf,
            gaps="-32768, annotated `gap@@ECG V1`",
            step="0.01 to 1 µV, to ±32.767 mV",
            lost="NaN, confidence, warnings; it ends on a whole second",
            library="edfio",
        ),
        Format(
            "dicom",
            (".dcm",),
            write_dicom,
            gaps="padding value -32768",
            step="1 µV, to ±32.767 mV",
            lost="NaN, confidence; 200 to 1000 Hz only",
            library="pydicom",
        ),
        Format(
            "fhir",
            (".fhir.json",),
            write_fhir,
            gaps="`E`",
            step="1 µV, to ±32.767 mV",
            lost="confidence; it is R4 (R5 from Python)",
        ),
        Format(
            "parquet",
            (".parquet",),
            write_parquet,
            gaps="null",
            step="none (float32)",
            lost="nothing: confidences are columns",
            library="pyarrow",
        ),
    )
}
"""Every format that `Leads` can be written in."""


def find_formats(names: Iterable[str]) -> tuple[Format, ...]:
    """Look formats up, before any page is read.

    Parameters
    ----------
    names : iterable of str
        Names in `FORMATS`; one that is named twice counts once.

    Returns
    -------
    tuple of Format

    Raises
    ------
    ValueError
        If a name is unknown.
    ImportError
        If a format's library is not installed.

    Examples
    --------
    >>> [form.suffixes for form in find_formats(["wfdb", "csv"])]
    [('.hea', '.dat'), ('.csv',)]
    >>> find_formats(["xml"])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ValueError: unknown format 'xml'; allowed: wfdb, csv, ...
    """
    found = []
    for name in dict.fromkeys(names):
        if name not in FORMATS:
            raise ValueError(f"unknown format {name!r}; allowed: {', '.join(FORMATS)}")
        form = FORMATS[name]
        if form.library is not None and find_spec(form.library) is None:
            raise ImportError(f"{name} needs {form.library}: {HOW}", name=form.library)
        found.append(form)
    return tuple(found)


def tabulate_formats() -> list[tuple[str, ...]]:
    """List the formats for the documentation.

    Returns
    -------
    list of tuple of str
        The names of the columns, then a row for each format, in Markdown.

    Examples
    --------
    >>> tabulate_formats()[2]
    ('`csv`', '`.csv`', 'empty', '6 digits', 'confidence, warnings, its unit (mV)')
    """
    rows = [
        (f"`{form.name}`", ", ".join(f"`{suffix}`" for suffix in form.suffixes), form.gaps, form.step, form.lost)
        for form in FORMATS.values()
    ]
    return [("format", "files", "gaps", "step", "what is lost"), *rows]
