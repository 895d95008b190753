"""Decide which page goes where: names that are fit for every file system, keep the folders' tree and cannot collide."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from digitize.export import record_name
from papertrace.cli.checksums import State, state_of
from papertrace.cli.formats import ALWAYS, BEATS, HTML, suffixes_of
from papertrace.cli.manifest import FAILED, READ, Manifest, Row
from papertrace.cli.options import Options
from papertrace.cli.pseudonyms import fingerprint, numbered
from papertrace.cli.sources import File

LONGEST_NAME = 120
"""Characters of a name; file systems allow 255 with the suffixes."""


@dataclass(frozen=True)
class Job:
    """One page to read.

    Attributes
    ----------
    source : str
        The file, as the caller named it.
    index : int
        Page of the file, from 0.
    label : str
        The page in messages: the file, with the page's number where it has several.
    name : str
        Where its results go: the path below the folder of results, without suffix, parted by ``/``.
    key : tuple of str
        The page in the manifest (`papertrace.cli.manifest.Row.key`).
    outputs : tuple of str
        Files that will be written, below the folder of results.
    neutral : bool
        Whether nothing that is written may name the source.
    """

    source: str
    index: int
    label: str
    name: str
    key: tuple[str, str]
    outputs: tuple[str, ...]
    pseudonymized: bool = False

    @property
    def alias(self) -> str:
        """The page in what is written."""
        return self.name if self.pseudonymized else self.label


@dataclass(frozen=True)
class Failed:
    """A page or a file that cannot be read.

    Attributes
    ----------
    reason : str
        One line that names it.
    """

    reason: str


@dataclass(frozen=True)
class Plan:
    """Hold what is to be done.

    Attributes
    ----------
    jobs : list of Job
    failures : list of (str, Row)
        Message and manifest line of what will not be read.
    done : list of Row
        Pages that an earlier run has read and whose results stand.
    order : list of keys
        All pages, as the caller named them.
    """

    jobs: list[Job]
    failures: list[tuple[str, Row]]
    done: list[Row]
    order: list[tuple[str, str]]


def make_plan(files: Sequence[tuple[File, list[str] | Failed]], options: Options, manifest: Manifest) -> Plan:
    """Decide for every page whether it is read, and under which name.

    Parameters
    ----------
    files : sequence of (File, list of str or Failed)
        Each with the names of its pages (`digitize.pages.page.page_names`), or with the reason why there are none.
    options : Options
    manifest : Manifest
        What earlier runs have done in this folder.

    Returns
    -------
    Plan

    Notes
    -----
    A page is called like its file. Where two would have the same name, also one that differs in nothing but capitals
    (which some file systems do not tell apart), the later one gets a hyphen and the beginning of its path's hash. A
    page that was read before keeps its name.

    With ``--deidentify`` pages are numbered in the order of their sources, and known by what their files hold: a file
    that is there twice is read once, and one that cannot be read at all has no line.
    """
    plan = Plan([], [], [], [])
    names_of = _Names(options, manifest)
    met = set()
    for file, pages in files:
        seen = (fingerprint(file.path) or "") if options.deidentify else seen_from(options.out, file.path)
        if isinstance(pages, Failed):
            row = Row(seen, "", FAILED, error="cannot be opened" if options.deidentify else pages.reason)
            plan.failures.append((pages.reason, row))
            plan.order.append(row.key)
            continue
        absent = _absent(options, len(pages))
        if absent:
            error = absent if options.deidentify else f"{file.path}: {absent}"
            plan.failures.append((f"{file.path}: {absent}", Row("", "", FAILED, error=error)))
        for index, page_name in enumerate(pages):
            key = (seen, str(index + 1))
            if key in met:
                continue
            met.add(key)
            plan.order.append(key)
            if options.pages is not None and index + 1 not in options.pages:
                continue
            before = manifest.rows.get(key)
            if before is not None and (options.resume or not options.overwrite) and _is_done(before, options):
                plan.done.append(before)
                continue
            outputs = names_of.choose((*file.tree, page_name), key, before)
            name = outputs[-1].removesuffix(ALWAYS[-1])
            label = file.path if len(pages) == 1 else f"{file.path}, page {index + 1}"
            job = Job(file.path, index, label, name, key, outputs, options.deidentify)
            obstacle = _obstacle(job, before, options, manifest)
            if obstacle is None:
                plan.jobs.append(job)
            else:
                problem = f"{label}: {options.out}{os.sep}{obstacle}; --overwrite replaces it"
                error = f"{obstacle}; --overwrite replaces it" if options.deidentify else problem
                plan.failures.append((problem, Row(*key, FAILED, error=error)))
    return plan


def _absent(options: Options, count: int) -> str:
    """Tell what is asked for of pages that a file of so many does not have."""
    has = f"has {count} page{'' if count == 1 else 's'}"
    if options.pages is not None and options.pages.isdisjoint(range(1, count + 1)):
        return f"{has}, none of those of --pages"
    beyond = [page for page in options.edits or () if page > count]
    return f"{has}, but --edits says what is on page {beyond[0]}" if beyond else ""


class _Names:
    """Names for pages that no other page has, and the files that each leaves under its name."""

    def __init__(self, options: Options, manifest: Manifest) -> None:
        self._options = options
        self._numbers = numbered()
        self._owners = {output.lower(): row.key for row in manifest.rows.values() for output in row.files}

    def choose(self, path: tuple[str, ...], key: tuple[str, str], before: Row | None) -> tuple[str, ...]:
        """Take the first name for a page that is free, and list its files."""
        for name in self._candidates(path, key, before):
            outputs = tuple(name + suffix for suffix in suffixes_of(self._options.formats, self._options.html))
            if all(self._owners.get(output.lower(), key) == key for output in outputs):
                self._owners.update((output.lower(), key) for output in outputs)
                return outputs
        raise AssertionError("two pages of one hash")

    def _candidates(self, path: tuple[str, ...], key: tuple[str, str], before: Row | None) -> Iterable[str]:
        if not self._options.deidentify:
            return _names_after(path, key)
        had = [] if before is None or not before.files else [before.files[-1].removesuffix(ALWAYS[-1])]
        return itertools.chain(had, self._numbers)


def _obstacle(job: Job, before: Row | None, options: Options, manifest: Manifest) -> str | None:
    """The first of a page's files that is there and may not be replaced, and why not."""
    if options.overwrite:
        return None
    # The manifest may have lost the line, or which files there were when the page was last tried.
    files = () if before is None else before.files
    reported = options.resume and not files and _is_reported(job, options.out)
    for output in (output for output in job.outputs if os.path.lexists(options.out / output)):
        if output in manifest.unfinished or reported:
            continue
        if not options.resume or before is None or output not in files:
            return f"{output} exists"
        # It was written with care, and somebody's edits would be lost.
        if state_of(options.out / output, before.checksum_of(output)) is State.CHANGED:
            return f"{output} is not as it was written, but edited or damaged"
    return None


def _is_reported(job: Job, out: Path) -> bool:
    """Whether a report of this very page is there: the page was read, though the manifest has lost its line."""
    try:
        source = json.loads((out / f"{job.name}{ALWAYS[0]}").read_bytes())["source"]
        return bool((source["file"], source["page"]) == (job.source, job.index + 1))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def seen_from(out: Path, path: str) -> str:
    """Name a file from the folder of results.

    Examples
    --------
    >>> seen_from(Path("results"), "scans/a.png")
    '../scans/a.png'
    """
    return os.path.relpath(os.path.abspath(path), os.path.abspath(out))


def _is_done(row: Row, options: Options) -> bool:
    if row.status != READ or not row.files:
        return False
    name = row.files[-1].removesuffix(ALWAYS[-1])
    # A page without a signal has left no record, and would not now.
    signal = any(not file.endswith((*ALWAYS, HTML)) for file in row.files)
    # Nor has one without beats, or one that an older version read, annotations.
    wanted = {name + suffix for suffix in suffixes_of(options.formats if signal else (), options.html)} - {name + BEATS}
    return wanted.issubset(row.files) and all(
        state_of(options.out / file, row.checksum_of(file)) is State.WHOLE for file in row.files
    )


def _names_after(path: tuple[str, ...], key: tuple[str, str]) -> Iterator[str]:
    """Names that a page may have after its file, the plain one first."""
    plain = "/".join(_short(record_name(part)) for part in path)
    mark = hashlib.sha256("\n".join(key).encode("utf-8", "surrogatepass")).hexdigest()
    yield plain
    yield from (f"{plain}-{mark[:length]}" for length in range(8, len(mark)))


def _short(name: str) -> str:
    if len(name) <= LONGEST_NAME:
        return name
    return f"{name[: LONGEST_NAME - 9]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
