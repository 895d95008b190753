"""Tell whether files are as they were written: by their size and the hash of their content."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable
from enum import Enum
from pathlib import Path


class State(Enum):
    """What became of a file since it was written."""

    WHOLE = "as it was written"
    GONE = "missing, empty or no file"
    CHANGED = "of other content"


def checksums_of(folder: Path, files: Iterable[str]) -> str:
    """Size and hash of files, for the manifest.

    Parameters
    ----------
    folder : Path
    files : iterable of str
        Below the folder.

    Returns
    -------
    str
        ``BYTES-SHA256`` of each, joined by ``;``; nothing for a file that cannot be read, which then counts as changed
        as soon as it can.

    Examples
    --------
    >>> checksums_of(Path("samples"), ["missing.csv"])
    ''
    >>> checksums_of(Path("samples"), ["00024_hr.png"])[:14]
    '613316-98a1c16'
    """
    return ";".join(map(_checksum, (folder / file for file in files)))


def state_of(path: Path, checksum: str | None) -> State:
    """Say what became of a file.

    Parameters
    ----------
    path : Path
    checksum : str or None
        What `checksums_of` gave for it; None where none was kept: then whatever it holds is taken for whole.

    Returns
    -------
    State
    """
    try:
        found = os.stat(path)
    except OSError:
        return State.GONE
    if not stat.S_ISREG(found.st_mode) or found.st_size == 0:
        return State.GONE
    if checksum is None:
        return State.WHOLE
    same = checksum.startswith(f"{found.st_size}-") and _checksum(path) == checksum
    return State.WHOLE if same else State.CHANGED


def _checksum(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            digest = hashlib.sha256()
            size = 0
            while block := file.read(1 << 20):
                digest.update(block)
                size += len(block)
    except OSError:
        return ""
    return f"{size}-{digest.hexdigest()}"
