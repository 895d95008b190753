"""One run at a time in a folder of results."""

from __future__ import annotations

import os
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
        (folder / NAME).unlink(missing_ok=True)
        os.close(handle)
        try:
            for place in made:
                place.rmdir()
        except OSError:  # not empty: there are results
            pass


def _hold(path: Path) -> int:
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o644)
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
