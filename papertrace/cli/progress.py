"""Tell how a run goes on: a bar, summaries on standard output, complaints on standard error."""

from __future__ import annotations

import shutil
import sys
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Any, TextIO

from papertrace.cli.manifest import printable

BAR = "{desc} {percentage:3.0f}% |{bar}| {n_fmt}/{total_fmt}, {rate_noinv_fmt}, {remaining} left{postfix}"


class Progress:
    """A bar on standard error, where that is a terminal, and lines that go around it; use it as a context manager.

    Parameters
    ----------
    quiet : bool
        No bar.
    """

    def __init__(self, quiet: bool) -> None:
        self._shown = not quiet and sys.stderr.isatty()
        self._bar: Any = None
        self._failures = 0

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def start(self, what: str, total: int, unit: str, failures: int = 0) -> None:
        """Begin a bar, in place of the last one."""
        self.stop()
        self._failures = failures
        if self._shown and total > 1:
            from tqdm import tqdm

            screen = shutil.get_terminal_size()  # also where the terminal does not tell it
            self._bar = tqdm(
                total=total,
                desc=what,
                unit=f" {unit}",
                bar_format=BAR,
                leave=False,
                ncols=screen.columns - 1,
                nrows=screen.lines,
            )

    def stop(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def step(self, failed: bool = False) -> None:
        """One more is done."""
        self._failures += failed
        if self._bar is not None:
            self._bar.set_postfix_str(f"failed {self._failures}", refresh=False)
            self._bar.update()

    def tell(self, text: str) -> None:
        """Print on standard output."""
        with self._aside():
            _print(text, sys.stdout)

    def complain(self, problem: str) -> None:
        """Print one line on standard error."""
        with self._aside():
            _print(f"papertrace: {' '.join(problem.split())}", sys.stderr)

    def _aside(self) -> AbstractContextManager[object]:
        return nullcontext() if self._bar is None else self._bar.external_write_mode()


def _print(text: str, stream: TextIO) -> None:
    """Print with escapes for what the stream's encoding cannot say, and for what would command a terminal."""
    encoding = stream.encoding or "utf-8"
    safe = "\n".join(printable(line) for line in text.split("\n"))
    print(safe.encode(encoding, "backslashreplace").decode(encoding), file=stream, flush=True)
