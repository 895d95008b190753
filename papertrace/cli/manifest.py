"""The manifest of a folder of results: one line a page in ``manifest.csv``, safe at any moment.

A line is appended with one write as soon as its page is done, so that a process that is killed loses the pages in
flight and no other; a line that a full disk or a power cut has torn is dropped when the file is opened again. Which
files were being written at that moment is kept beside it until the run ends (`Manifest.begin`): those, and no files of
anybody else, may be replaced by the run that goes on.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from types import TracebackType

from digitize.export import synced
from papertrace.cli.lock import FolderError, open_own

NAME = "manifest.csv"
JOURNAL = ".papertrace.started"

READ, FAILED = "read", "failed"


@dataclass(frozen=True)
class Row:
    """Hold what became of one page.

    Attributes
    ----------
    file : str
        The file, seen from the folder of results, so that both can be moved together; as it is called, escaped only in
        the file (`to_cell`).
    page : str
        Its number in the file, from 1; empty when the file could not be opened at all.
    status : str
        ``"read"`` or ``"failed"``.
    verdict : str
        As in `digitize.records.results.Quality`; empty for a failed page.
    warnings : str
        Joined by ``"; "``.
    seconds : str
        From opening the file to the statements.
    outputs : str
        Files in the folder of results, joined by ``";"``.
    error : str
        Why the page failed.
    checksums : str
        Sizes and hashes of `outputs`, in their order (`papertrace.cli.checksums.checksums_of`); empty in manifests up
        to version 0.2.
    """

    file: str
    page: str
    status: str
    verdict: str = ""
    warnings: str = ""
    seconds: str = ""
    outputs: str = ""
    error: str = ""
    checksums: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """Tell this page from all others."""
        return self.file, self.page

    @property
    def files(self) -> tuple[str, ...]:
        """`outputs`, one by one."""
        return tuple(self.outputs.split(";")) if self.outputs else ()

    def checksum_of(self, file: str) -> str | None:
        """Size and hash of one of `files` as it was written; None where they were not kept."""
        kept = self.checksums.split(";")
        return kept[self.files.index(file)] if len(kept) == len(self.files) and self.checksums else None


COLUMNS = tuple(field.name for field in fields(Row))

_EARLIER = COLUMNS[:-1]
"""Those of manifests up to version 0.2."""

_SIGNS = "[=+@\\-\uff1d\uff0b\uff0d\uff20]"
"""Beginnings of a formula, narrow and wide."""

_SEPARATORS = ",;\t"
"""Separators of cells: ours, and what spreadsheets save in its place."""

_ESCAPE = re.compile(r"\\(\\|[nrt]|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})")
_LETTERS = {"\\": "\\", "n": "\n", "r": "\r", "t": "\t"}


def printable(text: str) -> str:
    r"""Escape what is no text, would end the line or would command a terminal: to be looked at, not to be read back.

    Examples
    --------
    >>> print(printable("scan \x1b[2J\udcff.png"))
    scan \x1b[2J\udcff.png
    """
    plain = "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)
    return plain.encode("utf-8", "backslashreplace").decode("utf-8")


def to_cell(text: str) -> str:
    r"""Write any text as a cell of the manifest: one line of printable text that no spreadsheet runs as a formula.

    Parameters
    ----------
    text : str
        It may hold control characters, and the bytes of a file's name that are no text (`os.fsdecode`).

    Returns
    -------
    str
        What is not printable is escaped as in Python, and so is the backslash; a text that begins as a formula does, or
        with an apostrophe, has an apostrophe before it. Two texts never give the same cell (`from_cell`).

    Notes
    -----
    Spreadsheets run cells that begin with ``=``, ``+``, ``-`` or ``@``, some also in the wide forms of these, and those
    that are parted by semicolons look behind each (OWASP, "CSV Injection").

    Examples
    --------
    >>> print(to_cell("a\nb.png"), to_cell(r"a\nb.png"), to_cell("=1+1.png"))
    a\nb.png a\\nb.png '=1+1.png
    """
    escaped = "".join(map(_escape, text))
    escaped = re.sub(rf";(?= *{_SIGNS})", r"\\x3b", escaped)
    return f"'{escaped}" if re.match(rf" *(?:'|{_SIGNS})", escaped) else escaped


def from_cell(cell: str) -> str:
    r"""Read what `to_cell` has written.

    Examples
    --------
    >>> from_cell(to_cell("=a\tb\\")) == "=a\tb\\"
    True
    """
    return re.sub(_ESCAPE, _unescape, cell.removeprefix("'"))


def _escape(character: str) -> str:
    if character == "\\":
        return r"\\"
    return character if character.isprintable() else repr(character)[1:-1]


def _unescape(match: re.Match[str]) -> str:
    letter, digits = match[1][0], match[1][1:]
    # What is beyond Unicode was written by another hand: it stands as it is.
    return _LETTERS.get(letter) or (chr(int(digits, 16)) if int(digits, 16) <= sys.maxunicode else match[0])


class Manifest:
    """The manifest of one folder, open for one run. The folder must be locked (`papertrace.cli.lock.locked`).

    Parameters
    ----------
    folder : Path

    Attributes
    ----------
    rows : dict
        The last `Row` of each page, by its key; in the order of first mention.
    unfinished : set of str
        Files that were begun and not ended: a run or a worker that was killed may have left them, whole or not.

    Raises
    ------
    FolderError
        If the folder has a ``manifest.csv`` of another make, or it cannot be read or written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / NAME
        self._journal = folder / JOURNAL
        self._handles: dict[Path, int] = {}
        with _named(self._path):
            self.rows = {row.key: row for row in _read(self._path)}
            self.unfinished = set(_read_journal(self._journal)) - {
                file for row in self.rows.values() if row.status == READ for file in row.files
            }
        if not _line(COLUMNS).encode().startswith(_whole(self._path)[: len(_line(COLUMNS))]):
            self._write(self.rows.values())  # a spreadsheet has saved it in its own way, or it is of an earlier version
        sweep(folder, self.unfinished)

    def __enter__(self) -> Manifest:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for path in tuple(self._handles):
            self._close(path)

    def begin(self, outputs: Sequence[str]) -> None:
        """Note that these files are about to be written."""
        self.unfinished.update(outputs)
        self._append(self._journal, json.dumps(list(outputs)) + "\n")

    def end(self, row: Row, outputs: Iterable[str] = ()) -> None:
        """Note what became of a page. It is on the disk when this returns.

        Parameters
        ----------
        row : Row
        outputs : iterable of str
            Files that `begin` named and that are now all whole, or all not there.
        """
        self.rows[row.key] = row
        self._append(self._path, _line(astuple(row)))
        self.unfinished.difference_update(outputs)

    def forget(self, keys: Iterable[tuple[str, str]]) -> None:
        """Drop the lines of pages that are about to be read again."""
        dropped = [self.rows.pop(key, None) for key in keys]
        if any(dropped):
            self._write(self.rows.values())

    def finish(self, order: Iterable[tuple[str, str]]) -> None:
        """Put the lines in order, the pages of earlier runs first: the run has come to its end.

        Parameters
        ----------
        order : iterable of keys
            This run's pages.
        """
        place = {key: number for number, key in enumerate(order)}
        files = {file for file, _ in place}
        # A file that could not be opened, and now can, has lines for its pages in place of that for itself.
        for key in [row.key for row in self.rows.values() if row.status == FAILED and row.file in files]:
            if key not in place:
                del self.rows[key]
        if self.rows or self._path.exists():
            self._write(sorted(self.rows.values(), key=lambda row: place.get(row.key, -1)))
        self._close(self._journal)
        with _named(self._journal):
            self._journal.unlink(missing_ok=True)
        self.unfinished = {output for output in self.unfinished if os.path.lexists(self.folder / output)}
        if self.unfinished:
            self._append(self._journal, json.dumps(sorted(self.unfinished)) + "\n")

    def _write(self, rows: Iterable[Row]) -> None:
        """Replace the file."""
        self._close(self._path)
        temporary = self._path.with_name(f".{NAME}.new")
        with _named(self._path):
            temporary.unlink(missing_ok=True)
            with open(temporary, "x", encoding="utf-8", newline="") as file:
                file.write(_line(COLUMNS) + "".join(_line(astuple(row)) for row in rows))
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self._path)
            synced(self.folder)

    def _close(self, path: Path) -> None:
        if path in self._handles:
            os.close(self._handles.pop(path))

    def _append(self, path: Path, line: str) -> None:
        with _named(path):
            if path not in self._handles:
                self._handles[path] = _open(path)
                if path == self._path and os.fstat(self._handles[path]).st_size == 0:
                    line = _line(COLUMNS) + line
            data = line.encode("utf-8")
            if os.write(self._handles[path], data) != len(data):
                raise OSError(28, "No space left on device")
            os.fsync(self._handles[path])
            os.stat(path)  # what goes into a folder that was taken away is lost


def sweep(folder: Path, outputs: Iterable[str]) -> None:
    """Take away the temporary folders that a killed process has left here, or where it was writing these files.

    Nothing else may be writing there.
    """
    for place in {folder, *((folder / output).parent for output in outputs)}:
        with suppress(OSError):
            for left in place.glob(".papertrace-*"):
                if left.is_dir() and not left.is_symlink():
                    shutil.rmtree(left, ignore_errors=True)


def _line(values: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(map(to_cell, values))
    return line.getvalue()


@contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FolderError(f"{path}: cannot be written: {error.strerror or error}") from error


def _whole(path: Path) -> bytes:
    """Content up to the last end of a line."""
    content = path.read_bytes() if path.exists() else b""
    return content[: content.rfind(b"\n") + 1]


def _open(path: Path) -> int:
    keep = len(_whole(path))
    handle = open_own(path, os.O_WRONLY | os.O_APPEND)
    os.ftruncate(handle, keep)
    return handle


def read_rows(folder: Path) -> list[Row]:
    """Read the lines of a folder's manifest, the last one of each page; nothing is changed, and no lock is needed.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    list of Row
        None where the folder has no manifest.

    Raises
    ------
    FolderError
        If its ``manifest.csv`` is of another make or cannot be read.
    """
    with _named(folder / NAME):
        return list({row.key: row for row in _read(folder / NAME)}.values())


def _read(path: Path) -> list[Row]:
    foreign = FolderError(f"{path}: not a manifest of this program; choose another --out")
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise foreign
    text = _whole(path).decode("utf-8-sig", "replace")
    if not text:
        if path.exists() and not _line(COLUMNS).encode().startswith(path.read_bytes()):
            raise foreign
        return []
    for separator in _SEPARATORS:
        with suppress(csv.Error):
            lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
            if tuple(lines[0]) in (COLUMNS, _EARLIER):
                rows = (Row(*map(from_cell, line)) for line in lines[1:] if len(line) == len(lines[0]))
                return [row for row in rows if all(map(_is_result, row.files))]
    raise foreign


def _read_journal(path: Path) -> list[str]:
    """Files that the journal names; lines that are damaged name none, so that nothing is replaced on their account."""
    if path.exists() and not path.is_file():
        raise OSError(0, "it is no ordinary file")
    found: list[str] = []
    for line in _whole(path).splitlines():
        with suppress(ValueError, RecursionError):
            outputs = json.loads(line)
            if isinstance(outputs, list):
                found += (output for output in outputs if isinstance(output, str) and _is_result(output))
    return found


def _is_result(name: str) -> bool:
    """Whether a name is one that results have: it leads nowhere out of their folder."""
    return re.fullmatch(r"(?:[-\w]+/)*[-\w]+(?:\.\w+)+", name, re.ASCII) is not None
