"""Name pages where nothing may name their sources, neither a person nor a file."""

from __future__ import annotations

import hashlib
import itertools
import os
import re
from collections.abc import Iterator

from papertrace.cli.lock import FolderError
from papertrace.cli.manifest import Manifest

_PREFIX = "sha256-"
_FINGERPRINT = re.compile(_PREFIX + "[0-9a-f]{64}")
_NAME = re.compile(r"page-\d{4,}(\.\w+)+")


def numbered() -> Iterator[str]:
    """Give names in turn.

    Examples
    --------
    >>> names = numbered()
    >>> next(names), next(names)
    ('page-0001', 'page-0002')
    """
    return (f"page-{number:04d}" for number in itertools.count(1))


def fingerprint(path: str) -> str | None:
    """Tell a file from all others by its content, whatever it is called and wherever it lies.

    Parameters
    ----------
    path : str

    Returns
    -------
    str or None
        Nothing of the content can be had back from it, and only who holds the same file can make it. None where the
        file cannot be read.

    Examples
    --------
    >>> fingerprint("samples/00024_hr.png")[:15], fingerprint("missing.png")
    ('sha256-98a1c161', None)
    """
    digest = hashlib.sha256()
    if not os.path.isfile(path):  # a pipe may never end
        return None
    try:
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError:
        return None
    return _PREFIX + digest.hexdigest()


def keep_apart(manifest: Manifest, deidentify: bool) -> None:
    """Refuse to mix results that name their sources with results that do not.

    Parameters
    ----------
    manifest : Manifest
        Of the folder of results.
    deidentify : bool
        What is asked for.

    Raises
    ------
    FolderError
        If the folder has results of the other kind.
    """
    neutral = [bool(_FINGERPRINT.fullmatch(row.file)) for row in manifest.rows.values()]
    if deidentify and not (all(neutral) and all(map(_NAME.fullmatch, manifest.unfinished))):
        raise FolderError(f"{manifest.folder}: has results that name their sources; choose another --out")
    if not deidentify and any(neutral):
        raise FolderError(f"{manifest.folder}: has results of --deidentify; add it, or choose another --out")
