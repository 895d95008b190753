"""The table of a folder of results: one row a page, in ``results.csv`` and ``results.parquet``.

It is made of the manifest and the reports whenever a run ends, so that it says what they say and nothing is kept twice.
"""

from __future__ import annotations

import csv
import json
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from classify.records.beats import CLASSES
from classify.records.measurements import UNITS
from classify.statements import CODES
from digitize.export import written_together
from digitize.records.results import VERDICTS
from papertrace.cli.formats import ALWAYS, HTML
from papertrace.cli.lock import FolderError
from papertrace.cli.manifest import NAME, READ, Row, read_rows, to_cell
from papertrace.cli.report import REPORT_FORMAT

if TYPE_CHECKING:
    import pandas as pd

CSV, PARQUET = "results.csv", "results.parquet"

REPORT_FAMILY = REPORT_FORMAT.partition("/")[0] + "/"
"""Reports of every version begin their format's name with it."""

_COUNTS = ("beats", *(f"beats_{kind}" for kind in CLASSES))
COLUMNS = (
    *("name", "file", "page", "status", "verdict", "probability", "right", "layout"),
    *("speed", "speed_source", "gain", "gain_source"),
    *UNITS,
    *_COUNTS,
    *("rhythm", "present", *CODES),
    *("reasons", "warnings", "seconds", "version", "weights", "error", "report", "html"),
)
"""Columns of the table in their order; docs/results.md, "Table", says what they hold."""

_TEXTS = {
    *("name", "file", "status", "verdict", "layout", "speed_source", "gain_source", "rhythm", "present"),
    *("reasons", "warnings", "version", "weights", "error", "report", "html"),
}


def read_results(folder: str | os.PathLike[str], *, join: str | os.PathLike[str] | None = None) -> pd.DataFrame:
    """Read a folder of results as a table: one row a page, in the order of the manifest.

    Parameters
    ----------
    folder : path
        What the command was given as ``--out``; it is read only, and results of older versions can be read, too.
    join : path, optional
        A list in CSV whose columns are to stand in the table (patient, accession, date, ...). It needs a column
        ``file``, a page's file or the end of its path, and may have a column ``page`` (from 1).

    Returns
    -------
    DataFrame
        The columns `COLUMNS`: millimeters, millivolts, seconds and milliseconds as in the report; of each statement the
        probability in a column named by its code. Empty (NaN, None) where a page failed or a value is unknown.

    Raises
    ------
    FileNotFoundError
        If the folder has no manifest.
    papertrace.cli.lock.FolderError
        If its manifest is of another make.
    ValueError
        If the list has no column ``file``, a column that the table has, two lines for one page, a line that fits
        several files, or none that fits any.
    OSError
        If the list or the manifest cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> from papertrace.cli.manifest import Manifest
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with Manifest(Path(folder)) as manifest:
    ...         manifest.end(Row("a.png", "1", "failed", error="a.png: no electrocardiogram found"))
    ...     read_results(folder)["error"].tolist()
    ['a.png: no electrocardiogram found']
    """
    return read_lines(Path(folder), None if join is None else Path(join))[0]


def read_lines(folder: Path, join: Path | None = None) -> tuple[pd.DataFrame, list[str | None]]:
    """Read a folder of results as a table, and the thumbnail of each of its pages; see `read_results`."""
    if not (folder / NAME).is_file():
        raise FileNotFoundError(f"{folder}: no folder of results: it has no {NAME}")
    rows = read_rows(folder)
    own = {} if join is None else joined(join, rows)
    lines, thumbnails = [], []
    for row in rows:  # one report at a time: thousands of them would fill the memory
        report = _report(folder, row)
        lines.append(line_of(row, report))
        thumbnails.append(None if report is None else report.get("thumbnail"))
    return tabulate(lines, own), thumbnails


def line_of(row: Row, report: dict[str, Any] | None) -> dict[str, Any]:
    """Lay a page out as a line of the table.

    Parameters
    ----------
    row : Row
        The page in the manifest.
    report : dict or None
        What `papertrace.cli.report.build_report` gave; None for a page that has none.

    Returns
    -------
    dict
        Some of `COLUMNS` by their names.

    Examples
    --------
    >>> line_of(Row("a.png", "1", "failed", error="a.png: no electrocardiogram found"), None)["status"]
    'failed'
    """
    line: dict[str, Any] = {
        "file": row.file,
        "page": int(row.page) if row.page.isdecimal() else None,
        "status": row.status,
        "verdict": row.verdict or None,
        "warnings": row.warnings or None,
        "seconds": float(row.seconds) if row.seconds else None,
        "error": row.error or None,
    }
    return line | _files_of(row) | ({} if report is None else _read_off(report))


def tabulate(lines: Sequence[dict[str, Any]], joined: dict[str, list[str | None]]) -> pd.DataFrame:
    """Put lines into a table whose columns always have the same types.

    Parameters
    ----------
    lines : sequence of dict
        What `line_of` gave.
    joined : dict
        Further columns (`joined`).

    Returns
    -------
    DataFrame
        Text as ``object``, counts as ``Int64``, everything else as ``float64``.
    """
    import pandas as pd

    columns = {}
    for name in COLUMNS:
        kind = "object" if name in _TEXTS else "Int64" if name == "page" or name in _COUNTS else "float64"
        columns[name] = pd.Series([line.get(name) for line in lines], dtype=kind)
    return pd.DataFrame(columns | {name: pd.Series(cells, dtype="object") for name, cells in joined.items()})


def joined(path: Path, rows: Sequence[Row]) -> dict[str, list[str | None]]:
    """Find the lines of a user's list that belong to pages.

    Parameters
    ----------
    path : Path
        See `read_results`.
    rows : sequence of Row
        The pages.

    Returns
    -------
    dict
        The list's columns but ``file`` and ``page``, each with a cell for every page: None where no line fits.

    Raises
    ------
    ValueError, OSError
        See `read_results`.
    """
    header, lines = read_list(path)
    by_end: dict[str, list[int]] = {}
    for number, row in enumerate(rows):
        for end in _ends(row.file):
            by_end.setdefault(end, []).append(number)
    cells: dict[str, list[str | None]] = {name: [None] * len(rows) for name in header if name not in ("file", "page")}
    taken: dict[int, int] = {}
    for number, line in lines:
        meant = [
            place
            for place in by_end.get("/".join(_parts(line["file"])), [])
            if line.get("page", "") in ("", rows[place].page)
        ]
        files = sorted({rows[place].file for place in meant})
        if len(files) > 1:
            raise ValueError(
                f"{path}, line {number}: {line['file']!r} may be {files[0]} or {files[1]}; allowed: enough of the path "
                "to tell them apart"
            )
        for place in meant:
            if place in taken:
                raise ValueError(f"{path}, line {number}: {line['file']!r} is in line {taken[place]}, too")
            taken[place] = number
            for name in cells:
                cells[name][place] = line[name] or None
    if rows and lines and not taken:
        raise ValueError(f"{path}: no line names a page's file; line {lines[0][0]} has {lines[0][1]['file']!r}")
    return cells


def read_list(path: Path) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """Read the columns of a user's list, and its lines with their numbers; see `joined`."""
    text = path.read_text(encoding="utf-8-sig")
    first = text.partition("\n")[0]
    lines = csv.DictReader(text.splitlines(), delimiter=max(",;\t", key=first.count))
    header = list(lines.fieldnames or [])
    if "file" not in header:
        raise ValueError(f"{path}: its columns are {', '.join(header) or 'none'}; needed: file")
    ours = [name for name in header if name in {*COLUMNS, "sample"} - {"file", "page"}]
    if ours or len(set(header)) < len(header) or "" in header:
        problem = f"{ours[0]!r} is a column of the table" if ours else "two columns have one name, or one has none"
        raise ValueError(f"{path}: {problem}; rename it")
    return header, [(lines.line_num, {name: line[name] or "" for name in header}) for line in lines]


def sampled(table: pd.DataFrame, count: int) -> pd.Series:
    """Choose pages to audit: a random sample of those that were read, the same one whenever it is asked for.

    Parameters
    ----------
    table : DataFrame
        What `read_results` gave.
    count : int
        Pages; all where fewer were read.

    Returns
    -------
    Series of bool

    Notes
    -----
    The pages whose names have the smallest SHA-256 are taken: when pages are added, each of the sample stays in it
    unless a new one takes its place (Broder 1997, "bottom-k").

    Examples
    --------
    >>> rows = [Row(f"{number}.png", "1", "read", outputs=f"{number}.json;{number}.overlay.png") for number in range(9)]
    >>> int(sampled(tabulate([line_of(row, None) for row in rows], {}), 4).sum())
    4
    """
    hashes = {
        number: sha256(f"{file}\n{page}".encode("utf-8", "surrogatepass")).digest()
        for number, (file, page, status) in enumerate(zip(table["file"], table["page"], table["status"], strict=True))
        if status == READ
    }
    chosen = {table.index[number] for number in sorted(hashes, key=hashes.__getitem__)[:count]}
    marks: pd.Series = table.index.to_series().isin(chosen)
    return marks


def worst_first(table: pd.DataFrame) -> pd.DataFrame:
    """Sort a table: failed pages, then unreliable, usable and good ones, each the least probable first.

    Parameters
    ----------
    table : DataFrame
        Not modified.

    Returns
    -------
    DataFrame
    """
    rank = {verdict: number for number, verdict in enumerate(reversed(VERDICTS))}
    keys = table["verdict"].map(rank).fillna(-1).to_frame("verdict").assign(probability=table["probability"])
    return table.loc[keys.sort_values(["verdict", "probability"], kind="stable").index]


def write_table(table: pd.DataFrame, folder: Path) -> list[Path]:
    """Write a table as ``results.csv`` and, where pyarrow is installed, as ``results.parquet``.

    Parameters
    ----------
    table : DataFrame
        What `read_results` gave.
    folder : Path
        Files of an earlier table are replaced.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    papertrace.cli.lock.FolderError
        If there is another file under one of these names.
    OSError
        If a file cannot be written.
    """
    names = [CSV, *([PARQUET] if find_spec("pyarrow") else [])]
    _refuse_others(folder)
    with written_together(folder) as temporary:
        # Cells as in the manifest: text that a spreadsheet would run, or that ends a line, is escaped.
        texts = [name for name in table.columns if table[name].dtype == object]
        plain = table.assign(**{name: table[name].map(to_cell, na_action="ignore") for name in texts})
        plain.to_csv(temporary / CSV, index=False, float_format="%.6g", lineterminator="\n")
        if PARQUET in names:
            told = table.assign(**{name: table[name].map(_told, na_action="ignore") for name in texts})
            told.to_parquet(temporary / PARQUET, index=False, engine="pyarrow")
    return [folder / name for name in names]


def _told(text: str) -> str:
    """Text that is valid Unicode: names of files may hold other bytes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _refuse_others(folder: Path) -> None:
    path = folder / CSV
    if not os.path.lexists(path):
        if os.path.lexists(folder / PARQUET):
            raise FolderError(f"{folder / PARQUET}: not a table of this program, which comes with {CSV}; it stays")
        return
    known = path.is_file() and not path.is_symlink()
    with open(path if known else os.devnull, encoding="utf-8-sig", errors="replace") as file:
        if not file.readline(200).replace(";", ",").startswith(",".join(COLUMNS[:5])):
            raise FolderError(f"{path}: not a table of this program; it stays, and no table is written")


def _files_of(row: Row) -> dict[str, str | None]:
    """What the results of a page are called, where it has any."""
    if row.status != READ or not row.files:
        return {}
    # The overlay stands last among a page's files.
    name = row.files[-1].removesuffix(ALWAYS[-1])
    return {"name": name, "report": name + ALWAYS[0], "html": name + HTML if name + HTML in row.files else None}


def _read_off(report: dict[str, Any]) -> dict[str, Any]:
    """What a report says of a page, but for what the manifest has, too."""
    quality, calibration, found = report["quality"], report["calibration"], report["beats"]["beats"]
    kinds = Counter(beat["class"] for beat in found)
    weights = report["software"]["weights"]
    return {
        "probability": quality.get("probability"),
        "right": quality.get("right"),
        "reasons": "; ".join(quality["reasons"]) or None,
        "layout": report["layout"],
        **{name: calibration[name] for name in ("speed", "speed_source", "gain", "gain_source")},
        **{name: report["measurements"][name] for name in UNITS},
        "beats": len(found),
        **{f"beats_{kind}": kinds[kind] for kind in CLASSES},
        "rhythm": report["rhythm"],
        "present": "; ".join(statement["code"] for statement in report["statements"] if statement["present"]) or None,
        **{statement["code"]: statement["probability"] for statement in report["statements"]},
        "version": report["software"]["version"],
        "weights": " ".join(f"{part}:{version}" for part, version in weights.items() if version),
    }


def _report(folder: Path, row: Row) -> dict[str, Any] | None:
    """The report of a page, where it has one that can be read."""
    named = [name for name in row.files if name.endswith(ALWAYS[0]) and not name.endswith(".fhir.json")]
    try:
        report = json.loads((folder / named[0]).read_text(encoding="utf-8")) if row.status == READ and named else None
    except (OSError, ValueError):
        return None
    known = isinstance(report, dict) and str(report.get("format")).startswith(REPORT_FAMILY)
    return report if known else None


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part for part in PurePosixPath(path.strip().replace("\\", "/")).parts if part not in ("/", ".", ".."))


def _ends(path: str) -> Iterable[str]:
    """All ends of a path that a list may name it by."""
    parts = _parts(path)
    return ("/".join(parts[number:]) for number in range(len(parts)))
