"""Look for pages that are lost and for files that do harm: ``python -m papertrace.benchmarks soak``.

Damaged files of every kind go through the decoders, some of them through the whole command, and a batch is killed at
random moments and resumed. Whatever is not as it should be is told, and the exit code is 1.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import wfdb
from PIL import Image

from papertrace.benchmarks.damaged import damaged, read
from papertrace.benchmarks.light_pages import LOG, PAUSE, command_line, content_of
from papertrace.benchmarks.options import parser_for, whole_number
from papertrace.benchmarks.processes import peak_memory
from papertrace.benchmarks.report import Report, Section, Table, provenance
from papertrace.cli.app import INTERRUPTED
from papertrace.cli.formats import suffixes_of
from papertrace.cli.index import INDEX
from papertrace.cli.manifest import NAME, READ
from papertrace.cli.pool import Lost, Pool
from papertrace.cli.table import CSV, PARQUET

_OVERVIEW = {CSV, PARQUET, INDEX}
"""Files of a folder of results that belong to no page."""
_BATCH = 100
"""Damaged files that a worker is given at a time."""
_BATCH_SECONDS = 300.0
_MEMORY = 2 * 2**30
"""Bytes that a worker may have for reading damaged files."""
_SHOWN = 20
"""Most troubles that the report names."""


@dataclass
class Found:
    """Hold what one part of the soak came to.

    Attributes
    ----------
    tried : int
        Files or kills.
    outcomes : Counter
        How often each came out in which way.
    troubles : list of str
        What was not as it should be, a line each.
    seconds : float
        Longest that one file took, in seconds of the processor; 0 where that is not known.
    memory : float
        Most that a process had, MiB; 0 where that is not known.
    """

    tried: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    troubles: list[str] = field(default_factory=list)
    seconds: float = 0.0
    memory: float = 0.0


def decode(count: int, jobs: int, first: int = 0) -> Found:
    """Read damaged files, each page of them, as the library does.

    Parameters
    ----------
    count : int
        Files; number `n` is the same on every machine.
    jobs : int
        Workers at a time.
    first : int
        Number of the first file.

    Returns
    -------
    Found
        Outcomes are ``"read"`` and ``"refused"``.
    """
    found = Found(count)
    batches = [range(start, min(start + _BATCH, first + count)) for start in range(first, first + count, _BATCH)]
    with Pool(jobs, _BATCH_SECONDS, _MEMORY) as pool:
        for batch, answer in pool.map(_decode_batch, batches):
            if isinstance(answer, Lost):
                found.troubles.append(f"files {batch.start} to {batch.stop - 1}: {answer.reason}")
                continue
            found.outcomes.update(answer.outcomes)
            found.troubles += answer.troubles
            found.seconds = max(found.seconds, answer.seconds)
            found.memory = max(found.memory, answer.memory)
    return found


def _decode_batch(numbers: range) -> Found:
    found = Found(len(numbers))
    for number in numbers:
        data = damaged(np.random.default_rng(number))
        began = sum(os.times()[:4])
        outcome, trouble = read(data)
        found.seconds = max(found.seconds, sum(os.times()[:4]) - began)
        found.outcomes[outcome] += 1
        if trouble:
            found.troubles.append(f"file {number}: {trouble}")
    found.memory = peak_memory()
    return found


def command(count: int, jobs: int, folder: Path, first: int = 0) -> Found:
    """Give damaged files to the whole command, and look at all that it leaves.

    Parameters
    ----------
    count, jobs, first : int
        See `decode`.
    folder : Path
        An empty one, to work in.

    Returns
    -------
    Found
        Outcomes are the pages' status in the manifest.
    """
    found = Found(count)
    source, out = folder / "in", folder / "out"
    source.mkdir()
    for number in range(first, first + count):
        (source / f"{number:06}.png").write_bytes(damaged(np.random.default_rng(number)))
    arguments = ["-m", "papertrace", str(source), "--out", str(out), "--jobs", str(jobs), "--quiet"]
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, errors="replace", check=False)
    if done.returncode not in (0, 1):
        found.troubles.append(f"exit code {done.returncode}: {done.stderr[-200:]}")
    found.troubles += [line for line in done.stderr.splitlines() if not line.startswith(f"papertrace: {source}")]
    rows = rows_of(out)
    found.outcomes.update(row["status"] for row in rows)
    found.troubles += [f"{row['file']}: {row['error']}" for row in rows if "internal error" in row["error"]]
    listed = {row["file"].rpartition("/")[2] for row in rows}
    found.troubles += [f"{file.name}: no line in the manifest" for file in source.iterdir() if file.name not in listed]
    found.troubles += _strangers(out, rows)
    found.troubles += [trouble for row in rows if row["status"] == READ for trouble in _unparsed(out, row)]
    return found


def rows_of(out: Path) -> list[dict[str, str]]:
    """Read the manifest of a folder of results: a mapping a line, none where there is no manifest."""
    if not (out / NAME).exists():
        return []
    with open(out / NAME, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _outputs(row: dict[str, str]) -> list[str]:
    return row["outputs"].split(";") if row["outputs"] else []


def _strangers(out: Path, rows: Sequence[dict[str, str]]) -> list[str]:
    there = {str(file.relative_to(out)) for file in out.rglob("*")} - {NAME}
    there -= {str(Path(file).parent) for file in there}
    listed = [output for row in rows for output in _outputs(row)]
    doubled = [f"{file}: listed twice" for file, times in Counter(listed).items() if times > 1]
    return [
        *doubled,
        *(f"{file}: left, and not in the manifest" for file in sorted(there - set(listed) - {CSV, PARQUET, INDEX})),
    ]


def _unparsed(out: Path, row: dict[str, str]) -> Iterator[str]:
    """Say which files of a page another program could not read."""
    for output in _outputs(row):
        path = out / output
        try:
            if path.suffix == ".json":
                json.loads(path.read_text(encoding="utf-8"))
            elif path.suffix == ".png":
                with Image.open(path) as picture:
                    picture.load()
            elif path.suffix == ".hea":
                wfdb.rdrecord(str(path.with_suffix("")))
            elif path.suffix == ".csv":
                np.genfromtxt(path, delimiter=",", skip_header=1)
        except (OSError, ValueError) as error:
            yield f"{output}: {error}"


KILLS = {
    "SIGKILL to the command": signal.SIGKILL,
    "SIGINT to the command": signal.SIGINT,
    "SIGTERM to the command": signal.SIGTERM,
    "SIGHUP to the command": signal.SIGHUP,
    "SIGKILL to a worker": signal.SIGKILL,
    "SIGKILL to the whole group": signal.SIGKILL,
}
"""Ways to end a run, each with its signal."""

_PAGES = {"ward.pdf": 8, "deep/round.tiff": 6, "scan.png": 1}
_KILLS_A_FOLDER = 5
"""Kills that a folder of results goes through before its run is let to its end."""
_PAUSE = 0.04
_WAIT = 120.0
"""Seconds by the clock after which a run, or a process that it left, counts as hanging."""


class Batch:
    """An archive whose run is killed again and again.

    Parameters
    ----------
    folder : Path
        An empty one, to work in.
    jobs : int
        Workers of a run.

    Attributes
    ----------
    found : Found
        Outcomes are the ways to end a run; those that came too late, when it had ended, do not count.
    """

    def __init__(self, folder: Path, jobs: int) -> None:
        self.found = Found()
        self._folder, self._jobs = folder, jobs
        self._out, self._log = folder / "out", folder / "log"
        (folder / "archive" / "deep").mkdir(parents=True)
        image = Image.fromarray(np.full((30, 40), 255, np.uint8))
        self._names = set()
        for file, pages in _PAGES.items():
            more: dict[str, Any] = {"save_all": True, "append_images": [image] * (pages - 1)} if pages > 1 else {}
            image.save(folder / "archive" / file, **more)
            stem = file.rpartition(".")[0]
            self._names |= {f"{stem}-{number}" for number in range(1, pages + 1)} if pages > 1 else {stem}

    def run(self, kills: Sequence[tuple[str, float]]) -> None:
        """Kill one run after the other, and let the last one come to its end.

        Parameters
        ----------
        kills : sequence of (str, float)
            Names of `KILLS`, each with the share of a whole run's time after which it comes.
        """
        shutil.rmtree(self._out, ignore_errors=True)
        self._log.write_text("")
        self._logged = 0
        for how, share in kills:
            done = self._done()
            run = self._start()
            time.sleep(share * (self._until_first + self._a_page * len(self._names - done)))
            if _end(run, how):
                self.found.tried += 1
                self.found.outcomes[how] += 1
            self._finish(run, how)
            self._look(how, done)
        done = self._done()
        run = self._start()
        code = self._finish(run, "the last run")
        self._look("the last run", done)
        if code != 0:
            self.found.troubles.append(f"the last run: exit code {code}")
        if missing := self._names - self._done():
            self.found.troubles.append(f"the last run: not read: {', '.join(sorted(missing))}")
        self.found.troubles += _strangers(self._out, rows_of(self._out))

    def measure(self) -> None:
        """Take the time of a run that nothing ends, until its first page and for each."""
        self._log.write_text("")
        began = time.monotonic()
        run = self._start()
        while not self._log.read_text() and run.poll() is None:
            time.sleep(0.02)
        self._until_first = time.monotonic() - began
        self._finish(run, "a run that nothing ends")
        self._a_page = (time.monotonic() - began - self._until_first) / len(self._names)

    def _start(self) -> subprocess.Popen[str]:
        # A shell that starts this in the background has its children ignore Ctrl-C.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            return subprocess.Popen(
                command_line(["archive", "--out", "out", "--jobs", str(self._jobs), "--resume"]),
                cwd=self._folder,
                env={**os.environ, LOG: str(self._log), PAUSE: str(_PAUSE)},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
        finally:
            signal.signal(signal.SIGINT, before)

    def _finish(self, run: subprocess.Popen[str], how: str) -> int:
        """Wait for a run and for all of its processes."""
        try:
            _, told = run.communicate(timeout=_WAIT)
        except subprocess.TimeoutExpired:
            told = "hangs"
        deadline = time.monotonic() + _WAIT
        while _lives(run.pid) and time.monotonic() < deadline:
            time.sleep(0.02)
        if _lives(run.pid):
            told += "; processes are left"
            os.killpg(run.pid, signal.SIGKILL)
            run.wait()
        # Before the command has taken over, Python itself ends with its own words.
        if "hangs" in told or "are left" in told or ("Traceback" in told and run.returncode not in (INTERRUPTED, -2)):
            self.found.troubles.append(f"{how}: {told[-300:]}")
        return run.returncode

    def _done(self) -> set[str]:
        """Pages that the manifest has as read."""
        return {_outputs(row)[0].partition(".")[0] for row in rows_of(self._out) if row["status"] == READ}

    def _look(self, how: str, done: set[str]) -> None:
        """Hold the folder against what the manifest says of it, and the log against what was done before."""
        rows = [row for row in rows_of(self._out) if row["status"] == READ]
        for row in rows:
            wanted = _outputs(row)[0].partition(".")[0]
            if _outputs(row) != [wanted + suffix for suffix in suffixes_of(("wfdb", "csv"))]:
                self.found.troubles.append(f"{how}: {wanted}: the manifest names {row['outputs']}")
        for file in self._out.rglob("*.*"):
            name = str(file.relative_to(self._out))
            if (
                not name.startswith(".")
                and "/." not in name
                and name not in {NAME, *_OVERVIEW}
                and file.read_text() != content_of(name)
            ):
                self.found.troubles.append(f"{how}: {name} is not whole")
        listed = {output for row in rows for output in _outputs(row)}
        self.found.troubles += [f"{how}: {name} is lost" for name in listed if not (self._out / name).exists()]
        if lost := done - self._done():
            self.found.troubles.append(f"{how}: no longer read: {', '.join(sorted(lost))}")
        if again := done & set(self._log.read_text().split()[self._logged :]):
            self.found.troubles.append(f"{how}: read again: {', '.join(sorted(again))}")
        self._logged = len(self._log.read_text().split())


def _lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def _workers(process: int) -> list[int]:
    """Number the workers of a run; none where the system does not tell (it is Linux that does)."""
    found = []
    with suppress(OSError):
        for number in Path(f"/proc/{process}/task/{process}/children").read_text().split():
            if b"spawn_main" in Path(f"/proc/{number}/cmdline").read_bytes():
                found.append(int(number))
    return found


def _end(run: subprocess.Popen[str], how: str) -> bool:
    """End a run, or a worker of it; gives whether there was one to end."""
    target = run.pid
    if how.endswith("a worker"):
        while not (workers := _workers(run.pid)) and run.poll() is None:
            time.sleep(0.02)
        target = workers[0] if workers else target
    if run.poll() is not None:
        return False
    (os.killpg if how.endswith("group") else os.kill)(target, KILLS[how])
    return True


def kill(count: int, jobs: int, folder: Path, seed: int = 0) -> Found:
    """Kill a batch at random moments, and resume it.

    Parameters
    ----------
    count : int
        Kills; all ways of `KILLS` in turn.
    jobs : int
        Workers of a run.
    folder : Path
        An empty one, to work in.
    seed : int
        Of the moments.

    Returns
    -------
    Found
        See `Batch`.
    """
    rng = np.random.default_rng(seed)
    batch = Batch(folder, jobs)
    batch.measure()
    ways = list(KILLS)
    while batch.found.tried < count:
        number = min(_KILLS_A_FOLDER, count - batch.found.tried)
        batch.run([(ways[(batch.found.tried + later) % len(ways)], float(rng.uniform())) for later in range(number)])
    return batch.found


def report(parts: dict[str, Found]) -> Report:
    """Describe what was tried and what was not as it should be.

    Parameters
    ----------
    parts : dict
        By what was done.

    Returns
    -------
    Report
    """
    made = provenance()
    rows = [
        (
            what,
            found.tried,
            ", ".join(f"{times} {outcome}" for outcome, times in sorted(found.outcomes.items())),
            len(found.troubles),
            f"{found.seconds:.1f}" if found.seconds else "-",
            f"{found.memory:.0f}" if found.memory else "-",
        )
        for what, found in parts.items()
    ]
    header = ["tried", "times", "came out", "not as it should be", "slowest, CPU s", "peak memory, MiB"]
    troubles = [f"{what}: {trouble}" for what, found in parts.items() for trouble in found.troubles[:_SHOWN]]
    told: list[str | Table] = [_WHAT, Table(header, rows)]
    if troubles:
        told.append("\n".join(f"- {' '.join(trouble.split())}" for trouble in troubles))
    data = {"made with": made, **{what: vars(found) for what, found in parts.items()}}
    return Report("soak", "Soak", [Section("", told)], made, data)


_WHAT = (
    "Damaged files (`papertrace.benchmarks.damaged`) must be read or refused with one line, in the library as in the "
    "command, whose results must be whole, parsed by other programs and named by the manifest. Runs that are killed, "
    "five in a row in one folder, must leave no process, no page without its files and none that is read twice; the "
    "sixth completes them. Their pages are written without being read (`papertrace.benchmarks.light_pages`)."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the command line.

    Returns
    -------
    int
        1 where something was not as it should be.
    """
    parser = parser_for("soak", __doc__, jobs=2)
    for name, count, told in (
        ("inputs", 10_000, "damaged files for the decoders"),
        ("through", 500, "damaged files for the whole command"),
        ("kills", 100, "runs to kill"),
    ):
        parser.add_argument(f"--{name}", type=whole_number(0), default=count, help=f"{told} (default: %(default)s)")
    chosen = parser.parse_args(arguments)
    parts: dict[str, Found] = {}
    with tempfile.TemporaryDirectory() as place:
        folders = {name: Path(place) / name for name in ("kills", "command")}
        for folder in folders.values():
            folder.mkdir()
        work: dict[str, Callable[[], Found]] = {
            "damaged files, decoders": lambda: decode(chosen.inputs, chosen.jobs),
            "kills": lambda: kill(chosen.kills, chosen.jobs, folders["kills"]),
            # Other files than the decoders had.
            "damaged files, command": lambda: command(
                chosen.through, chosen.jobs, folders["command"], first=chosen.inputs
            ),
        }
        for what, do in work.items():
            parts[what] = do()
            report(parts).write(chosen.out)  # it takes long: what was found is kept where the rest is interrupted
    return int(any(found.troubles for found in parts.values()))
