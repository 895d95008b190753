"""Run a benchmark by its name: ``python -m papertrace.benchmarks NAME [options]``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path


def names() -> tuple[str, ...]:
    """List the benchmarks: the modules of this package that have a ``main``.

    Examples
    --------
    >>> "digitization" in names(), "report" in names()
    (True, False)
    """
    files = sorted(set(Path(__file__).parent.glob("*.py")) - {Path(__file__)})
    return tuple(file.stem for file in files if "\ndef main(" in file.read_text(encoding="utf-8"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark that the first argument names, with the others.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the command line.

    Returns
    -------
    int
        What the benchmark gives, 0 where that is nothing; 2 for a name that is none.
    """
    chosen = list(sys.argv[1:] if arguments is None else arguments)
    known = names()
    if not chosen or chosen[0] not in known:
        close = get_close_matches(chosen[0], known, 1) if chosen else []
        guess = f"; did you mean {close[0]}?" if close else ""
        usage = f"usage: python -m papertrace.benchmarks NAME [options]; NAME is one of: {', '.join(known)}{guess}"
        print(usage, file=sys.stderr)
        return 2
    result = import_module(f"papertrace.benchmarks.{chosen[0]}").main(chosen[1:])
    return result if isinstance(result, int) else 0


if __name__ == "__main__":
    sys.exit(main())
