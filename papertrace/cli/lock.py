"""One run at a time in a folder of results, and nothing written through a link that lies there."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # only POSIX systems have it; elsewhere two runs in one folder are not told apart
    fcntl = None  # type: ignore[assignment]

NAME = ".papertrace.lock"


class FolderError(Exception):
    """The folder of results cannot be used; the message is one line that names it and says why."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder for this process alone.

    The system takes the lock back when the process ends, however it ends: a file that a killed run has left is taken
    over.

    Parameters
    ----------
    folder : Path
        It is made when missing, and taken away again when nothing is left in it.

    Raises
    ------
    FolderError
        If another process holds it, or it cannot be made or written.
    """
    made = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = _hold(folder / NAME)
    except OSError as error:
        raise FolderError(f"{folder}: results cannot be written here: {error.strerror}") from None
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # somebody has taken the folder away, or made it read-only
            (folder / NAME).unlink(missing_ok=True)
        os.close(handle)
        with contextlib.suppress(OSError):  # not empty: there are results
            for place in made:
                place.rmdir()


def open_own(path: Path, flags: int) -> int:
    """Open a file of this program's own to write, and nothing that was planted under its name.

    Parameters
    ----------
    path : Path
    flags : int
        As for `os.open`; the file is made where it is missing.

    Returns
    -------
    int
        The handle.

    Raises
    ------
    OSError
        If a link, a pipe, a device or a folder is there, or a file that has another name, too.
    """
    # A pipe is not waited for.
    more = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    handle = os.open(path, flags | os.O_CREAT | more, 0o644)
    found = os.fstat(handle)
    if stat.S_ISREG(found.st_mode) and found.st_nlink <= 1:
        return handle
    os.close(handle)
    kind = "has another name, too" if stat.S_ISREG(found.st_mode) else "is no ordinary file"
    raise OSError(0, f"{path.name} {kind}")


def _hold(path: Path) -> int:
    while True:
        handle = open_own(path, os.O_RDWR)
        try:
            if fcntl is not None:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.exists(path) and os.path.samestat(os.fstat(handle), os.stat(path)):
                os.truncate(handle, 0)
                os.write(handle, f"{os.getpid()}\n".encode())
                return handle
        except BlockingIOError:
            holder = os.pread(handle, 20, 0).decode(errors="replace").strip() or "unknown"
            os.close(handle)
            raise FolderError(
                f"{path.parent}: another run (process {holder}) is writing here; wait for it or choose another --out"
            ) from None
        except BaseException:
            os.close(handle)
            raise
        # The run that held the file has ended, and taken it away, between opening and locking it.
        os.close(handle)
