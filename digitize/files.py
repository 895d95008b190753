"""Names that files may have, and files that appear whole or not at all."""

from __future__ import annotations

import os
import re
import tempfile
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def record_name(name: str) -> str:
    """Make a page's name fit for a WFDB record: letters, digits, hyphens and underscores.

    Parameters
    ----------
    name : str
        Any name, e.g. a file's stem.

    Returns
    -------
    str
        Accents are dropped; every run of other characters becomes one underscore.

    Examples
    --------
    >>> record_name("Müller 3. scan")
    'Muller_3_scan'
    """
    plain = unicodedata.normalize("NFKD", name)
    plain = "".join(character for character in plain if not unicodedata.combining(character))
    return re.sub(r"[^-\w]+", "_", plain, flags=re.ASCII) or "_"


def synced(path: Path) -> None:
    """Wait until a file's content, or which files a folder has, is on the disk and outlives a power cut.

    Parameters
    ----------
    path : Path

    Raises
    ------
    OSError
        If a file's content cannot be written to the disk.
    """
    if path.is_dir():
        # Not every system opens folders, nor every network drive syncs them: there it does so by itself.
        with suppress(OSError):
            _sync(path, os.O_RDONLY)
    else:
        _sync(path, os.O_RDWR)


def _sync(path: Path, flags: int) -> None:
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def written_together(folder: Path) -> Iterator[Path]:
    """Collect files in a temporary folder and move them into `folder` when the block ends, all or none.

    Parameters
    ----------
    folder : Path
        Where the files go; it is made when missing. Files of the same name are replaced, and links of that name too:
        nothing is written through them.

    Yields
    ------
    Path
        The temporary folder, on the same file system, to write into.

    Raises
    ------
    OSError
        If a file cannot be written or moved; then nothing new is left in `folder`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as out:
    ...     with written_together(Path(out)) as temporary:
    ...         _ = (temporary / "a.txt").write_text("whole")
    ...     (Path(out) / "a.txt").read_text()
    'whole'
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".papertrace-", dir=folder) as temporary:
        yield Path(temporary)
        new: list[Path] = []
        try:
            # Data first: a record's header appears when its samples are there.
            for file in sorted(Path(temporary).iterdir(), key=lambda file: (file.suffix == ".hea", file.name)):
                target = folder / file.name
                if not os.path.lexists(target):
                    new.append(target)
                synced(file)
                os.replace(file, target)
            synced(folder)
        except BaseException:
            for target in new:
                target.unlink(missing_ok=True)
            raise
