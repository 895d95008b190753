"""Compare two runs over the same pages, e.g. before and after an upgrade: ``papertrace compare RUN_A RUN_B``."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from classify.records.measurements import UNITS
from classify.statements import CODES
from papertrace.cli.lock import FolderError
from papertrace.cli.manifest import printable
from papertrace.cli.table import read_results

if TYPE_CHECKING:
    import pandas as pd

SAME, DIFFERENT, TROUBLE = 0, 1, 2
"""Exit codes, as of ``diff``."""

WORDS = ("status", "verdict", "layout", "rhythm", "present")
NUMBERS = ("probability", "speed", "gain", *UNITS, *CODES)
SIGNAL = "signal_mv"

MOST_PAIRS = 6
"""Kinds of change that are named one by one."""

MOST_PAGES = 20
"""Pages that are named; ``--csv`` lists all."""


def main(arguments: Sequence[str]) -> int:
    """Run ``papertrace compare``.

    Parameters
    ----------
    arguments : sequence of str
        The command line behind ``compare``.

    Returns
    -------
    int
        0 when all pages of both runs are the same, 1 when some differ or stand in one run only, 2 when a run cannot be
        read. A wrong option exits with 2.
    """
    parser = argparse.ArgumentParser(
        prog="papertrace compare",
        description="Tell what differs between two folders of results of the same pages.",
        epilog="exit codes: 0 nothing differs, 1 something does, 2 a run cannot be read",
    )
    parser.add_argument("runs", nargs=2, metavar="RUN", type=Path, help="a folder of results (its --out)")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write a line for each page and value that differ")
    options = parser.parse_args(arguments)
    try:
        changes, alone = compare_runs(*options.runs)
        if options.csv is not None:
            _write(changes, options.csv)
    except (FolderError, OSError, ValueError) as error:
        print(f"papertrace compare: {error}", file=sys.stderr)
        return TROUBLE
    print(summarize(changes, alone, [str(run) for run in options.runs]))
    return DIFFERENT if len(changes) or any(alone[:2]) else SAME


def compare_runs(before: Path, after: Path) -> tuple[pd.DataFrame, tuple[int, int, int]]:
    """Find what differs between two runs.

    Parameters
    ----------
    before, after : Path
        Folders of results. Pages are matched by the names of their results; those of ``--deidentify`` and failed ones
        by their files.

    Returns
    -------
    changes : DataFrame
        Columns ``page``, ``what`` (a column of the table, or ``signal_mv``: the root mean square difference of the WFDB
        records where both show something, in mV), ``before``, ``after``; a line for each value that differs.
    alone : tuple of int
        Pages that only the first run has, only the second, and both.

    Raises
    ------
    FileNotFoundError, papertrace.cli.lock.FolderError
        If a folder holds no results.
    """
    import pandas as pd

    runs = [_by_key(folder) for folder in (before, after)]
    both = [key for key in runs[0] if key in runs[1]]
    lines = []
    for key in both:
        old, new = (run[key] for run in runs)
        label = new["name"] or old["name"] or f"{new['file']}, page {new['page']}"
        found = [(what, old[what], new[what]) for what in (*WORDS, *NUMBERS) if not _same(old[what], new[what])]
        difference = _signal_difference(before, old["name"], after, new["name"])
        if difference:
            found.append((SIGNAL, None, difference))
        lines += [(label, *change) for change in found]
    alone = (len(runs[0]) - len(both), len(runs[1]) - len(both), len(both))
    return pd.DataFrame(lines, columns=["page", "what", "before", "after"]), alone


def summarize(changes: pd.DataFrame, alone: tuple[int, int, int], names: Sequence[str]) -> str:
    """Tell what differs in a few lines.

    Parameters
    ----------
    changes : DataFrame
    alone : tuple of int
        See `compare_runs`.
    names : sequence of str
        The two runs.

    Returns
    -------
    str
    """
    pages = changes["page"].nunique()
    lines = [f"{alone[2]} pages in both runs, {pages} of them differ"]
    lines += [f"{count} only in {name}" for name, count in zip(names, alone[:2], strict=True) if count]
    for what in (*WORDS, *NUMBERS, SIGNAL):
        own = changes[changes["what"] == what]
        if len(own):
            lines.append(f"  {what:<14} {len(own):6}  {_kinds(own) if what in WORDS else _sizes(own, what)}")
    listed = Counter(changes["page"]).most_common(MOST_PAGES)
    lines += [f"  {printable(str(page))}: {count} values" for page, count in listed]
    if pages > MOST_PAGES:
        lines.append(f"  and {pages - MOST_PAGES} more pages")
    return "\n".join(lines)


def _by_key(folder: Path) -> dict[Any, dict[str, Any]]:
    table = read_results(folder)
    pages = table.astype(object).where(table.notna(), None).to_dict("records")
    # A page that was numbered (`--deidentify`) may have another number in another run.
    return {
        (page["file"], page["page"])
        if page["name"] is None or page["file"].startswith("sha256-")
        else page["name"]: page
        for page in pages
    }


def _same(old: Any, new: Any) -> bool:
    return bool(old == new)


def _signal_difference(before: Path, old: str | None, after: Path, new: str | None) -> float | None:
    """Root mean square difference of two records, mV; None where one is missing or they share no sample."""
    import wfdb

    paths = [folder / name for folder, name in ((before, old), (after, new)) if name is not None]
    if len(paths) < 2 or not all(path.with_name(path.name + ".hea").is_file() for path in paths):
        return None
    records = [wfdb.rdrecord(str(path)) for path in paths]
    shared = [name for name in records[0].sig_name if name in records[1].sig_name]
    columns = [record.p_signal[:, [record.sig_name.index(name) for name in shared]] for record in records]
    length = min(map(len, columns))
    squares = (columns[0][:length] - columns[1][:length]) ** 2
    return float(np.sqrt(np.nanmean(squares))) if np.isfinite(squares).any() else None


def _kinds(own: pd.DataFrame) -> str:
    counted = Counter(zip(own["before"].fillna("-"), own["after"].fillna("-"), strict=True))
    told = [f"{old} -> {new} {count}" for (old, new), count in counted.most_common(MOST_PAIRS)]
    return "; ".join([*told, *(["..."] if len(counted) > MOST_PAIRS else [])])


def _sizes(own: pd.DataFrame, what: str) -> str:
    if what == SIGNAL:
        values = own["after"].astype(float)
        return f"mV, root mean square: median {values.median():.3f}, largest {values.max():.3f}"
    old, new = own["before"], own["after"]
    steps = (new - old).dropna().astype(float).abs()
    told = [f"median {steps.median():.3g}, largest {steps.max():.3g}"] if len(steps) else []
    told += [f"{count} {word}" for count, word in ((old.isna().sum(), "new"), (new.isna().sum(), "gone")) if count]
    return ", ".join(told)


def _write(changes: pd.DataFrame, path: Path) -> None:
    from digitize.export import written_together
    from papertrace.cli.manifest import to_cell

    plain = changes.map(lambda value: to_cell(value) if isinstance(value, str) else value)
    with written_together(path.parent) as folder:
        plain.to_csv(folder / path.name, index=False, lineterminator="\n")
