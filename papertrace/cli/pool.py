"""Worker processes that may die: each costs the piece of work it had in hand, and no other.

Python's own pools break when a worker is killed (out of memory) or crashes in a decoder, and so lose everything that
was queued. Here every worker has a pipe of its own, holds one piece of work at a time, and is replaced when it dies or
takes too long: the time that counts is the processor's, so that a machine that is busy with something else ends nobody.
Workers run one thread each and are started afresh (spawn), so that none inherits another's state.
"""

from __future__ import annotations

import contextlib
import logging
import math
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import FrameType, TracebackType
from typing import Any, TypeVar

try:
    import resource
except ImportError:  # only POSIX systems have it; elsewhere processor time is not bounded, and seconds of the clock are
    resource = None  # type: ignore[assignment]

Item = TypeVar("Item")
Answer = TypeVar("Answer")

_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")
"""Variables that libraries read when they are loaded."""

CLOCK = 10.0 if resource is not None else 1.0
"""Seconds of the clock for a second of the processor, after which a worker that waits for ever is ended, too."""

_NO_MEMORY = ("bad_alloc", "bad allocation", "insufficient memory", "allocate memory", "not enough memory")
"""Messages of libraries when memory is short and they raise an error of their own (OpenCV, PyTorch, PDFium, ...)."""

_PATIENCE = 5.0
"""Seconds that a worker has to end by itself."""


@dataclass(frozen=True)
class Lost:
    """Stand in place of an answer that did not come.

    Attributes
    ----------
    reason : str
        One line.
    """

    reason: str


@dataclass(frozen=True)
class _Worker:
    process: BaseProcess
    pipe: Connection


class Pool:
    """A fixed number of workers; use it as a context manager.

    Parameters
    ----------
    workers : int
        Pieces of work that are done at a time.
    limit : float
        Seconds of processor time, all threads together, after which a worker is ended with what it has in hand; the
        system counts in whole seconds.
    memory : int, optional
        Bytes of data that a worker may have (Linux): beyond it, it runs out of memory instead of the whole machine.
    clock : float
        So many times the limit by the clock end a worker that uses no processor time: it waits for what never comes.
    """

    def __init__(self, workers: int, limit: float, memory: int | None = None, clock: float = CLOCK) -> None:
        self._workers = workers
        self._limit = limit
        self._memory = memory
        self._patience = clock * limit
        self._idle: list[_Worker] = []
        self._busy: dict[Connection, _Worker] = {}

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for worker in self._idle:
            worker.pipe.close()
        for worker in self._busy.values():
            worker.process.terminate()
        for worker in (*self._idle, *self._busy.values()):
            _end(worker)

    def map(self, work: Callable[[Item], Answer], items: Iterable[Item]) -> Iterator[tuple[Item, Answer | Lost]]:
        """Do a piece of work for every item.

        Parameters
        ----------
        work : callable
            A module's function (it is sent by name).
        items : iterable
            Taken one by one, in order, as workers become free: nothing is queued.

        Yields
        ------
        item, answer
            In the order in which they are done; `Lost` where the work raised an error, its worker died or it took
            longer than the limit.
        """
        queue = iter(items)
        held: dict[Connection, tuple[Item, float]] = {}
        more = True
        while True:
            while more and len(held) < self._workers:
                try:
                    item = next(queue)
                except StopIteration:
                    more = False
                    break
                pipe = self._send((work, item))
                held[pipe] = (item, time.monotonic() + self._patience)
            if not held:
                return
            soonest = min(deadline for _, deadline in held.values())
            ready = set(wait(list(held), max(0.0, soonest - time.monotonic())))
            for pipe in [pipe for pipe in held if pipe in ready]:
                yield held.pop(pipe)[0], self._receive(pipe)
            for pipe in [pipe for pipe, (_, deadline) in held.items() if deadline <= time.monotonic()]:
                worker = self._busy.pop(pipe)
                worker.process.kill()
                _end(worker)
                yield held.pop(pipe)[0], Lost(f"took longer than {self._patience:g} s")

    def _send(self, message: Any) -> Connection:
        while self._idle:
            worker = self._idle.pop()
            try:
                worker.pipe.send(message)
            except OSError:  # it died while it had nothing to do
                _end(worker)
            else:
                self._busy[worker.pipe] = worker
                return worker.pipe
        worker = _start(self._limit, self._memory)
        self._busy[worker.pipe] = worker
        with contextlib.suppress(OSError):  # a worker that dies at once is told as lost
            worker.pipe.send(message)
        return worker.pipe

    def _receive(self, pipe: Connection) -> Any:
        worker = self._busy.pop(pipe)
        try:
            answer = pipe.recv()
        except (EOFError, OSError):
            _end(worker)
            return Lost(_death(worker.process.exitcode, self._limit, self._memory))
        self._idle.append(worker)
        return answer


def attempt(work: Callable[[Item], Answer], item: Item, memory: int | None = None) -> Answer | Lost:
    """Do a piece of work, whatever comes of it.

    Parameters
    ----------
    work : callable
    item
    memory : int, optional
        Bytes that this process may have, to be told where they do not suffice.

    Returns
    -------
    answer or Lost

    Examples
    --------
    >>> attempt(int, "x")
    Lost(reason="internal error: ValueError: invalid literal for int() with base 10: 'x'; please report it")
    """
    try:
        return work(item)
    except Exception as error:
        if isinstance(error, MemoryError) or any(words in str(error).lower() for words in _NO_MEMORY):
            return Lost("not enough memory" if memory is None else f"needs more than {_amount(memory)} of memory")
        return Lost(f"internal error: {type(error).__name__}: {error}; please report it")


def _amount(memory: int) -> str:
    return f"{memory / 2**30:g} GiB"


def _start(limit: float, memory: int | None) -> _Worker:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, limit, memory), daemon=True)
    before = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    # Ctrl-C reaches every process of a terminal: workers are born deaf to it, the caller ends them.
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process.start()
    finally:
        signal.signal(signal.SIGINT, handler)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
    theirs.close()
    return _Worker(process, ours)


def _end(worker: _Worker) -> None:
    worker.process.join(_PATIENCE)
    if worker.process.exitcode is None:
        worker.process.kill()
        worker.process.join()
    worker.pipe.close()


def _death(code: int | None, limit: float, memory: int | None) -> str:
    if code is not None and code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
        if name == "SIGXCPU":
            return f"took more than {limit:g} s of processor time"
        # Libraries that are refused memory abort as they do over a fault of their own.
        short = "" if memory is None else f", or more than {_amount(memory)} of memory needed"
        why = "most likely out of memory" if name == "SIGKILL" else f"a crash{short}"
        return f"its worker was killed ({name}): {why}"
    return f"its worker ended with exit code {code}"


def _serve(pipe: Connection, limit: float, memory: int | None) -> None:
    """Answer until the pipe is closed: what a worker does."""
    signal.signal(signal.SIGTERM, _leave)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    _hush()
    _offer()
    if memory is not None:
        _bound(memory)
    # An error means that nobody is left to ask or to hear.
    with contextlib.suppress(EOFError, OSError):
        while True:
            work, item = pipe.recv()
            _allow(limit)
            pipe.send(attempt(work, item, memory))
    # What was to be written is: to take libraries down in order takes a second, and helps nobody.
    os._exit(0)


def _leave(number: int, frame: FrameType | None) -> None:
    sys.exit(1)


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _hush() -> None:
    """Silence what libraries log or write past Python (libtiff); Python's own errors still come through."""
    logging.disable()
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)


def _offer() -> None:
    """Ask Linux to take this process, and not the one that keeps the books, when memory runs out."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("500")


def _allow(seconds: float) -> None:
    """Let this process use the processor for so much longer; then the system ends it, whatever it is doing."""
    if resource is not None:
        # Its last state would be written to a file otherwise, with the page in it.
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        until = math.ceil(time.process_time() + seconds)
        resource.setrlimit(resource.RLIMIT_CPU, (until if hard == resource.RLIM_INFINITY else min(until, hard), hard))


def _bound(memory: int) -> None:
    if resource is not None and sys.platform == "linux":
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        soft = memory if hard == resource.RLIM_INFINITY else min(memory, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
