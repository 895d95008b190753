"""Files, folders and globs to a list of files, in a fixed order and each once."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".heic", ".heif", ".pdf")
"""Files of a folder that are taken for pages, whatever their capitals; a file that is named itself may have any."""

OVERLAY = ".overlay.png"
"""End of the pictures that this command writes: in a folder they are no pages."""


@dataclass(frozen=True)
class File:
    """A file that holds pages.

    Attributes
    ----------
    path : str
        As the caller named it, or as found below the folder that the caller named.
    tree : tuple of str
        Folders between the one that the caller named and the file.
    """

    path: str
    tree: tuple[str, ...] = ()


def find_files(sources: Sequence[str], out: Path) -> tuple[list[File], list[str]]:
    """Find the files that are meant.

    Parameters
    ----------
    sources : sequence of str
        Files, folders, which are searched to the bottom, and globs (``**`` for any depth) that no shell expanded.
    out : Path
        Where the results go: below a folder it is not searched.

    Returns
    -------
    files : list of File
        Sorted within each folder and glob; a file that is meant twice is there once. Links to folders are not
        followed, so that a circle of them ends; links to files are. Hidden files and folders are passed over.
    problems : list of str
        One line for each source or folder that gives none.

    Examples
    --------
    >>> find_files(["samples/00024_hr.png", "samples/*.jp*g"], Path("out"))[0]
    [File(path='samples/00024_hr.png', tree=()), File(path='samples/00139_hr.jpg', tree=())]
    """
    files: dict[str, File] = {}
    problems: list[str] = []
    for source in sources:
        for path in _expanded(source):
            if _is_folder(path):
                found = _below(path, out, problems)
                if not found:
                    problems.append(f"{path}: a folder without pages; looked for: {', '.join(SUFFIXES)}")
            else:
                found = [File(path)]
            for file in found:
                files.setdefault(os.path.abspath(file.path), file)
    return list(files.values()), problems


def _expanded(source: str) -> list[str]:
    """Matches of a glob; anything else, and a glob without matches, stands for itself and is told as missing."""
    if os.path.lexists(source) or not glob.has_magic(source):
        return [source]
    return sorted(path for path in glob.glob(source, recursive=True) if not path.endswith(OVERLAY)) or [source]


def _is_folder(path: str) -> bool:
    try:
        return os.path.isdir(path)
    except ValueError:  # a zero byte in the name
        return False


def _below(folder: str, out: Path, problems: list[str]) -> list[File]:
    def tell(error: OSError) -> None:
        problems.append(f"{error.filename}: the folder cannot be searched: {error.strerror}")

    found = []
    results = os.path.realpath(out)
    for place, folders, names in os.walk(folder, onerror=tell):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and os.path.realpath(os.path.join(place, name)) != results
        )
        tree = Path(os.path.relpath(place, folder)).parts
        for name in sorted(names):
            if name.lower().endswith(SUFFIXES) and not name.startswith(".") and not name.endswith(OVERLAY):
                found.append(File(os.path.join(place, name), tree))
    return found
