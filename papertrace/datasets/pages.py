"""Find the pages of the data folder, and read the millivolts that each shows where somebody knows them.

Each kind of page (`KINDS`) has a folder, a way to name the truth of a page, and peculiarities that whoever scores it
must know. A truth is ``(12, n)`` millivolts at `FS`, NaN where the page shows nothing.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from digitize.pages.page import page_names
from digitize.records.layouts import LEAD_NAMES, find_layout

FS = 500
"""Sampling frequency of every truth, Hz."""

_ROOT = Path(__file__).resolve().parents[2]
_PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".pdf")
_LAYOUT, _SECONDS = "3x4+II", 10.0
_PRINTS = {"90036": "01612_lr", "90043": "10173_lr", "90037": "02132_lr", "90054": "17583_lr"}
_DRAWN_FROM, _DRAWN_STRIP_S = 0.008, 2.488
"""Seconds of the recording at which the first column of a page of ``vector-pages`` starts, and what a column shows."""

_SIMULTANEOUS = ("qrs-diagnostic.p1.csv.gz", "qrs-diagnostic.p3.csv.gz")
"""Pages whose columns all show the same seconds, as the whole leads on other pages of the file tell."""


@dataclass(frozen=True)
class PageFile:
    """One page of a file.

    Attributes
    ----------
    kind : str
        Name of one of `KINDS`.
    name : str
        The file's place in the folder of its kind, with `` p1``, `` p2``, ... where it has several pages.
    file : Path
    index : int
        Page of the file, from 0.
    truth : Path or None
        File that `read_truth` reads: a WFDB header, or a table of a vector page's paths. None where nobody knows.
    remarks : mapping of str to str
        The page's line in the ``pages.csv`` of its folder; empty where there is none.
    """

    kind: str
    name: str
    file: Path
    index: int = 0
    truth: Path | None = None
    remarks: Mapping[str, str] = field(default_factory=dict)


def find_pages(data: Path, kinds: Sequence[str]) -> list[PageFile]:
    """List pages.

    Parameters
    ----------
    data : Path
        Folder of the data; kinds that it lacks are left out.
    kinds : sequence of str
        Of `KINDS`.

    Returns
    -------
    list of PageFile
        In the order of `KINDS`, then of names.

    Raises
    ------
    ValueError
        If a kind is unknown.
    digitize.PageError
        If a PDF cannot be opened.

    Examples
    --------
    >>> [(page.name, page.truth.name) for page in find_pages(Path("nowhere"), ["samples"])][0]
    ('00024_hr.png', '00024_hr_truth.hea')
    """
    for name in kinds:
        if name not in KINDS:
            raise ValueError(f"kind of pages {name!r}; allowed: {', '.join(KINDS)}")
    return [page for kind in KINDS.values() if kind.name in kinds for page in _pages_of(kind, data / kind.folder)]


def _pages_of(kind: Kind, folder: Path) -> list[PageFile]:
    remarks = _read_remarks(folder / "pages.csv")
    found = []
    for file in sorted(path for path in folder.glob(kind.pattern) if path.suffix.lower() in _PICTURES):
        name = str(file.relative_to(folder))
        pages = len(page_names(file)) if file.suffix == ".pdf" else 1
        for index in range(pages):
            label = name if pages == 1 else f"{name} p{index + 1}"
            truth = kind.truth_of(file, index) if kind.truth_of is not None else None
            known = truth if truth is not None and truth.is_file() else None
            found.append(PageFile(kind.name, label, file, index, known, remarks.get(file.name, {})))
    return found


def _read_remarks(table: Path) -> dict[str, dict[str, str]]:
    """Lines of a table by what stands in their first column, the name of a picture."""
    if not table.is_file():
        return {}
    with table.open(newline="", encoding="utf-8") as lines:
        return {next(iter(line.values())): line for line in csv.DictReader(lines)}


def read_truth(page: PageFile) -> NDArray[np.float64] | None:
    """Read the millivolts that a page shows.

    Parameters
    ----------
    page : PageFile

    Returns
    -------
    ndarray, shape (12, n), or None
        At `FS`, NaN where the page shows nothing; None where nobody knows.

    Raises
    ------
    ValueError
        If a record that is to have every lead lacks one, is not in mV, or is not sampled as its kind has it.
    """
    return None if page.truth is None else KINDS[page.kind].read(page.truth)


def _header_beside(file: Path, index: int) -> Path:
    return file.with_suffix(".hea")


def _read_record(path: Path, partial: bool = False) -> tuple[NDArray[np.float64], float]:
    """Read a WFDB record's twelve leads, NaN for those that a partial one lacks, and its sampling frequency."""
    import wfdb

    record = wfdb.rdrecord(str(path.with_suffix("")))
    rows = {name.upper(): row for name, row in zip(record.sig_name, record.p_signal.T, strict=True)}
    missing = [lead for lead in LEAD_NAMES if lead.upper() not in rows]
    if missing and not partial:
        raise ValueError(f"{path}: lead {missing[0]} is missing; it has {', '.join(record.sig_name)}")
    if set(record.units) != {"mV"}:
        raise ValueError(f"{path}: units {', '.join(sorted(set(record.units)))}; allowed: mV")
    nothing = np.full(record.sig_len, np.nan)
    return np.array([rows.get(lead.upper(), nothing) for lead in LEAD_NAMES], np.float64), float(record.fs)


def _read_shown(path: Path, partial: bool = False) -> NDArray[np.float64]:
    """Read a record that already is what the page shows."""
    signal, fs = _read_record(path, partial)
    if fs != FS:
        raise ValueError(f"{path}: sampled at {fs:g} Hz; allowed: {FS}")
    return signal


def _read_print(path: Path) -> NDArray[np.float64]:
    """Cut the whole record of a real print to the layout, its samples joined by straight lines as the printer did.

    Against these, the 500 Hz record has 9 to 21 dB and a band-limited curve through the samples 17 to 26 dB, lead by
    lead: as truth, both would blame the digitizer for what the print lacks.
    """
    signal, fs = _read_record(path)
    time_s = np.arange(round(_SECONDS * FS)) / FS
    known = np.arange(signal.shape[1]) / fs
    return _cut(np.array([np.interp(time_s, known, lead, right=np.nan) for lead in signal]))


def _read_drawn(path: Path) -> NDArray[np.float64]:
    """Cut a whole record to what a page of ``vector-pages`` draws of it: columns that end a little early."""
    signal = _read_shown(path)
    drawn = _cut(signal[:, round(_DRAWN_FROM * FS) :], signal.shape[1])
    layout = find_layout(_LAYOUT)
    width, shown = signal.shape[1] // layout.columns, round(_DRAWN_STRIP_S * FS) + 1
    between_columns = np.arange(drawn.shape[1]) % width >= shown
    for i, lead in enumerate(LEAD_NAMES):
        if lead not in layout.rhythm:
            drawn[i, between_columns] = np.nan
    return drawn


def _cut(signal: NDArray[np.float64], length: int | None = None) -> NDArray[np.float64]:
    """Keep of each lead its column of the layout; columns are those of a recording of so many samples."""
    layout = find_layout(_LAYOUT)
    width = (length or signal.shape[1]) // layout.columns
    kept = np.full_like(signal, np.nan)
    for i, lead in enumerate(LEAD_NAMES):
        if lead in layout.rhythm:
            kept[i] = signal[i]
        else:
            column = next(row.index(lead) for row in layout.rows if lead in row)
            kept[i, column * width : (column + 1) * width] = signal[i, column * width : (column + 1) * width]
    return kept


def _read_paths(path: Path) -> NDArray[np.float64]:
    """Put the strips of a vector page at their times: where each starts on the page tells when it starts.

    Where columns are simultaneous, all start together. A lead's second strip (``II#2``) takes the place of the shorter
    one; averaged beats (``avg II``) have no time.
    """
    table = pd.read_csv(path)
    strips = [strip for name, strip in table.groupby("lead", sort=False) if not str(name).startswith("avg ")]
    strips.sort(key=lambda strip: float(strip.t_s.iloc[-1]))
    longest = strips[-1]
    axis = max(("x_pt", "y_pt"), key=lambda name: abs(float(longest[name].iloc[-1] - longest[name].iloc[0])))
    points_per_s = float(longest[axis].iloc[-1] - longest[axis].iloc[0]) / float(longest.t_s.iloc[-1])
    starts = np.array([float(strip[axis].iloc[0]) / points_per_s for strip in strips])
    starts = np.zeros(len(strips)) if path.name in _SIMULTANEOUS else starts - starts.min()
    ends = starts + [float(strip.t_s.iloc[-1]) for strip in strips]
    time_s = np.arange(int(np.floor(ends.max() * FS)) + 1) / FS
    shown = np.full((len(LEAD_NAMES), len(time_s)), np.nan)
    for strip, start in zip(strips, starts, strict=True):
        row = LEAD_NAMES.index(strip.lead.iloc[0].split("#")[0])
        joined = np.interp(time_s, start + strip.t_s, strip.mV, left=np.nan, right=np.nan)
        shown[row] = np.where(np.isfinite(joined), joined, shown[row])
    return shown


@dataclass(frozen=True)
class Kind:
    """Pages of one origin.

    Attributes
    ----------
    name : str
    folder : Path
        In the data folder, unless it is absolute.
    about : str
        What the pages are, and what is special about their truth.
    pattern : str
        Which files of the folder may be pages.
    truth_of : callable or None
        Names the file of a page's truth by the page's file and index. None where nobody knows any page's truth.
    read : callable
        Reads such a file; see `read_truth`.
    """

    name: str
    folder: Path
    about: str
    pattern: str = "*"
    truth_of: Callable[[Path, int], Path] | None = _header_beside
    read: Callable[[Path], NDArray[np.float64]] = _read_shown


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "samples",
            _ROOT / "samples",
            "pages that `papertrace.synth` printed, kept with the code",
            "*_hr.*",
            truth_of=lambda file, index: file.with_name(f"{file.stem}_truth.hea"),
        ),
        Kind("kit", Path("kit-pages"), "pages that ECG-Image-Kit drew; a folder is a condition", "*/*"),
        Kind(
            "prints",
            Path("real-pages/with-truth"),
            "scans of real prints of 100 Hz records: the truth is their samples joined by straight lines",
            truth_of=lambda file, index: file.with_name(f"{_PRINTS.get(file.stem, '')}.hea"),
            read=_read_print,
        ),
        Kind("pages", Path("real-pages/without-truth"), "real pages whose layout alone is known", truth_of=None),
        Kind("devices", Path("real-pages/devices"), "pages of real devices; nobody has their signals", truth_of=None),
        Kind(
            "scans-bw",
            Path("real-pages/scans-bw"),
            "black-and-white scans of prints; the truth was read from a clean picture of the page, good to 25 dB",
        ),
        Kind("photographs", Path("real-photos"), "phone photographs of real prints, in two halves: look and judge"),
        Kind(
            "cases",
            Path("cases"),
            "pages with one kind of fault each; some show one lead only",
            read=lambda path: _read_shown(path, partial=True),
        ),
        Kind(
            "device-pdf",
            Path("device-pdf"),
            "PDFs that devices wrote; the truth is their paths, each from its own median: no baseline is known",
            truth_of=lambda file, index: file.with_name(f"{file.stem}.p{index + 1}.csv.gz"),
            read=_read_paths,
        ),
        Kind(
            "vector-pages",
            Path("vector-pages"),
            "PDFs that another program drew at 125 Hz, 8 ms into the record; columns of 2.49 s stand 2.48 s apart",
            truth_of=lambda file, index: file.with_name(f"{file.stem}_hr.hea"),
            read=_read_drawn,
        ),
        Kind(
            "programs",
            Path("program-pages"),
            "pages that other programs drew from records of fold 9; the truth is what each draws of its record",
            read=lambda path: _read_shown(path, partial=True),
        ),
    )
}
"""Kinds of pages by their names."""
