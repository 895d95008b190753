"""From pictures of paper ECGs to records, tables, reports and overlays: the command from start to end.

``papertrace scan.png --out DIR`` leaves ``scan.hea`` and ``scan.dat`` (WFDB), ``scan.csv``, ``scan.json`` and
``scan.overlay.png`` in DIR, with ``--html`` also ``scan.html``, and a line in ``DIR/manifest.csv``.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from papertrace.cli.lock import FolderError, locked
from papertrace.cli.manifest import FAILED, READ, Manifest, Row, sweep
from papertrace.cli.options import Options, parse
from papertrace.cli.outcome import row_of
from papertrace.cli.plan import Failed, Job, Plan, make_plan
from papertrace.cli.pool import Lost, Pool
from papertrace.cli.progress import Progress
from papertrace.cli.pseudonyms import keep_apart
from papertrace.cli.sources import File, find_files
from papertrace.cli.summary import as_json, summarize, table
from papertrace.cli.work import name_pages, read_page

ALL_READ, SOME_NOT, UNUSABLE, INTERRUPTED = 0, 1, 2, 130
"""Exit codes; a wrong option exits with 2, too."""

PAGE_MEMORY = 6 * 2**30
"""Bytes of data for a worker: three times what the largest allowed page takes."""

_FONTS = "MPLCONFIGDIR"
"""Names the folder in which matplotlib keeps its list of fonts."""

LEAST_ROWS = 2
"""Pages from which on a folder of results has a table: of one page, the report says all."""

COMPARE = "compare"
"""As the first word, it compares two runs (`papertrace.cli.compare`); a folder of this name is ``./compare``."""

SUMMARIES = 20
"""Most pages of which each gets a summary on the terminal; above, the table at the end must do."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        The command line without the program's name; `sys.argv` by default.

    Returns
    -------
    int
        0 when all pages were read, 1 when some were not, 2 when the folder of results cannot be used, 130 when
        interrupted. A wrong option exits with 2.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == [COMPARE]:
        from papertrace.cli import compare

        return compare.main(given[1:])
    options = parse(given)
    with Progress(options.quiet) as progress, _ended_like_ctrl_c():
        try:
            with locked(options.out), Manifest(options.out) as manifest:
                keep_apart(manifest, options.deidentify)
                return run(options, manifest, progress)
        except FolderError as error:
            progress.complain(str(error))
            return UNUSABLE
        except KeyboardInterrupt:
            progress.complain("interrupted; --resume goes on from here")
            return INTERRUPTED
        except BrokenPipeError:  # whoever read the summaries, e.g. `head`, has left
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return SOME_NOT


def run(options: Options, manifest: Manifest, progress: Progress) -> int:
    """Find the pages, read them and keep the books.

    Parameters
    ----------
    options : Options
    manifest : Manifest
    progress : Progress

    Returns
    -------
    int
        `ALL_READ`, `SOME_NOT` or `UNUSABLE`.
    """
    began = time.perf_counter()
    files, problems = find_files(options.sources, options.out)
    for problem in problems:
        progress.complain(problem)
    if options.edits is not None and len(files) > 1:
        progress.complain(f"--edits says what is on the pages of one file, and {len(files)} files were found")
        return UNUSABLE
    try:
        with _caches_in(options.out), Pool(options.jobs, options.timeout, PAGE_MEMORY) as pool:
            plan = make_plan(look_into(files, pool, progress), options, manifest)
            rows = refuse(plan, options, manifest, progress)
            progress.start("reading", len(plan.jobs), "pages", len(problems) + len(rows))
            for (job, _), answer in pool.map(read_page, tasks(plan, options, manifest)):
                rows.append(row_of(job, answer, options.out))
                manifest.end(rows[-1], () if isinstance(answer, Lost) else job.outputs)
                announce(job, rows[-1], answer, len(plan.jobs) > SUMMARIES, options, progress)
    finally:
        sweep(options.out, manifest.unfinished)
    manifest.finish(plan.order)
    progress.stop()
    problems += lay_out(options, manifest, progress)
    if (plan.done or len(rows) > 1) and not (options.quiet or options.json):
        progress.tell(table(rows, len(plan.done), time.perf_counter() - began, options))
    return SOME_NOT if problems or any(row.status == FAILED for row in rows) else ALL_READ


def look_into(files: Sequence[File], pool: Pool, progress: Progress) -> list[tuple[File, list[str] | Failed]]:
    """Open every file for the names of its pages, in a worker: a file that crashes a decoder costs no more."""
    found: dict[File, list[str] | Failed] = {}
    progress.start("opening", len(files), "files")
    for file, answer in pool.map(name_pages, files):
        found[file] = Failed(f"{file.path}: {answer.reason}") if isinstance(answer, Lost) else answer
        progress.step()
    return [(file, found[file]) for file in files]


def refuse(plan: Plan, options: Options, manifest: Manifest, progress: Progress) -> list[Row]:
    """Tell what will not be read; the line of a page that was read before stands."""
    for problem, row in plan.failures:
        before = manifest.rows.get(row.key)
        if row.file and (before is None or before.status == FAILED):
            manifest.end(row)
        progress.complain(problem)
        if options.json:
            progress.tell(as_json(row, None))
    return [row for _, row in plan.failures]


def tasks(plan: Plan, options: Options, manifest: Manifest) -> Iterator[tuple[Job, Options]]:
    """Give out the pages, each noted before it is begun."""
    if options.overwrite and not options.resume:
        manifest.forget(job.key for job in plan.jobs)
    for job in plan.jobs:
        before = manifest.rows.get(job.key)
        if before is not None and before.status == READ:
            # Its files are about to change: a run that is killed meanwhile must not take them for those of this line.
            manifest.end(replace(before, status=FAILED, verdict="", error=f"{job.alias}: interrupted"))
        manifest.begin(job.outputs)
        yield job, options


def announce(job: Job, row: Row, answer: object, brief: bool, options: Options, progress: Progress) -> None:
    """Tell what became of a page, as the caller wants to hear it."""
    report = answer if isinstance(answer, dict) else None
    if report is None:
        progress.complain(f"{job.label}: {row.error}" if job.pseudonymized else row.error)
    if options.json:
        progress.tell(as_json(row, report))
    elif report is not None and not (brief or options.quiet):
        progress.tell(summarize(job, options, report))
    progress.step(report is None)


def lay_out(options: Options, manifest: Manifest, progress: Progress) -> list[str]:
    """Write the table of results and its overview, where there are pages to compare or it was asked for.

    Returns
    -------
    list of str
        What went wrong; the pages' own results stand whatever it was.
    """
    if len(manifest.rows) < LEAST_ROWS and options.join is None and options.sample is None:
        return []
    from papertrace.cli.index import write_index
    from papertrace.cli.table import read_lines, sampled, write_table

    try:
        results, thumbnails = read_lines(options.out, options.join)
        if options.sample is not None:
            results["sample"] = sampled(results, options.sample)
        write_table(results, options.out)
        write_index(results, thumbnails, options.out)
    except (FolderError, OSError, ValueError) as error:
        progress.complain(str(error))
        return [str(error)]
    return []


@contextmanager
def _ended_like_ctrl_c() -> Iterator[None]:
    """Let a polite kill end the run as Ctrl-C does."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _caches_in(out: Path) -> Iterator[None]:
    """Have libraries keep for this run in the folder of results what they would leave in the user's home.

    It is matplotlib, which NeuroKit2 loads and which lists the fonts of the machine: a home may be read-only.
    """
    if _FONTS in os.environ:  # the user has said where
        yield
        return
    try:
        kept = tempfile.TemporaryDirectory(prefix=".papertrace-", dir=out.absolute(), ignore_cleanup_errors=True)
    except OSError as error:
        raise FolderError(f"{out}: results cannot be written here: {error.strerror}") from None
    with kept as folder:
        os.environ[_FONTS] = folder
        try:
            yield
        finally:
            del os.environ[_FONTS]
