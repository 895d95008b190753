from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from papertrace.cli.formats import suffixes_of
from papertrace.cli.lock import NAME as LOCK
from papertrace.cli.manifest import JOURNAL, NAME
from tests.papertrace.cli.runs import OVERVIEW

ROOT = Path(__file__).parents[3]
SUFFIXES = suffixes_of(("wfdb", "csv"))
PAGES = {"ward-1", "ward-2", "ward-3", "ward-4", "ward-5", "deep/round-1", "deep/round-2", "deep/round-3", "scan"}


@pytest.fixture
def archive(tmp_path):
    """A PDF of five pages, a TIFF of three in a folder below, a picture."""
    folder = tmp_path / "archive"
    (folder / "deep").mkdir(parents=True)
    image = Image.fromarray(np.full((150, 200), 255, np.uint8))
    image.save(folder / "ward.pdf", save_all=True, append_images=[image] * 4)
    image.save(folder / "deep" / "round.tiff", save_all=True, append_images=[image] * 2)
    image.save(folder / "scan.png")
    return folder


def start(archive: Path, *options: str, wait: float = 0.03) -> subprocess.Popen:
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PAPERTRACE_TEST_LOG": str(archive.parent / "log"),
        "PAPERTRACE_TEST_WAIT": str(wait),
    }
    command = [sys.executable, "-m", "tests.papertrace.cli.stubs", "archive", "--out", "out", *options]
    # A shell that starts the tests in the background has them, and so their children, ignore Ctrl-C.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(
            command, cwd=archive.parent, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
    finally:
        signal.signal(signal.SIGINT, before)


def finish(run: subprocess.Popen) -> tuple[int, str, str]:
    out, err = run.communicate(timeout=120)
    return run.returncode, out, err


def rows(archive: Path) -> list[dict[str, str]]:
    path = archive.parent / "out" / NAME
    if not path.exists():
        return []
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def until_read(archive: Path, count: int) -> None:
    deadline = time.monotonic() + 100
    while len(rows(archive)) < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def log(archive: Path) -> Counter[str]:
    return Counter((archive.parent / "log").read_text().split())


def left(archive: Path) -> set[str]:
    out = archive.parent / "out"
    return {str(file.relative_to(out)) for file in out.rglob("*") if file.is_file()} - OVERVIEW


def expected() -> set[str]:
    return {NAME, *(page + suffix for page in PAGES for suffix in SUFFIXES)}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_ended_goes_on_where_it_was(archive, number, jobs="2"):
    # Long enough for a loaded machine to see three pages before the rest are read.
    first = start(archive, "--jobs", jobs, wait=0.5)
    until_read(archive, 3)
    first.send_signal(number)
    code, _, err = finish(first)
    assert code == (-9 if number == signal.SIGKILL else 130), (err, len(rows(archive)))
    assert number == signal.SIGKILL or err == "papertrace: interrupted; --resume goes on from here\n"
    kept = {row["outputs"].split(".")[0] for row in rows(archive)}
    assert 3 <= len(kept) < 9, "the run was ended in its middle"
    assert not list((archive.parent / "out").rglob(".papertrace-*")) or number == signal.SIGKILL

    code, out, err = finish(start(archive, "--resume", "--jobs", jobs))
    assert (code, err) == (0, "")
    assert left(archive) == expected()
    assert {row["outputs"].split(".")[0] for row in rows(archive)} == PAGES
    assert Counter(row["status"] for row in rows(archive)) == {"read": 9}
    assert all(log(archive)[page] == 1 for page in kept), "what was done is not done again"
    assert sum(log(archive).values()) <= 9 + int(jobs), "only pages in flight are done twice"
    assert f"done before: {len(kept)}" in out

    for again in (("--resume",), ()):
        code, out, err = finish(start(archive, *again))
        assert (code, err) == (0, "")
        assert out.splitlines()[0] == "done before: 9 (--overwrite reads them again)"
    assert sum(log(archive).values()) <= 9 + int(jobs)
    assert {row["status"] for row in rows(archive)} == {"read"}


def test_half_written_pages_of_a_killed_run_are_replaced_and_no_others(archive):
    first = start(archive, wait=0.1)
    until_read(archive, 2)
    out = archive.parent / "out"
    while (out / JOURNAL).read_text().count("\n") < 3:
        time.sleep(0.01)
    first.kill()
    finish(first)
    begun = json.loads((out / JOURNAL).read_text().splitlines()[-1])[0].split(".")[0]
    assert begun not in {row["outputs"].split(".")[0] for row in rows(archive)}
    mine = "deep/round-3"
    for name, content in ((begun, "half of it"), (mine, "the user's own")):
        (out / f"{name}.csv").parent.mkdir(exist_ok=True)
        (out / f"{name}.csv").write_text(content)
    code, _, err = finish(start(archive, "--resume"))
    assert code == 1
    assert err.count("\n") == 1 and f"{mine}.csv exists; --overwrite replaces it" in err
    assert (out / f"{mine}.csv").read_text() == "the user's own"
    assert (out / f"{begun}.csv").read_text() != "half of it"
    assert not (out / JOURNAL).exists()


def test_an_overwriting_run_that_is_ended_does_the_rest_again(archive):
    assert finish(start(archive, "--quiet"))[0] == 0
    second = start(archive, "--overwrite", wait=0.1)
    deadline = time.monotonic() + 60
    while sum(log(archive).values()) < 12:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    second.kill()
    finish(second)
    assert 0 < len(rows(archive)) < 9
    assert finish(start(archive, "--overwrite", "--resume"))[0] == 0
    assert min(log(archive).values()) == 2
    assert sum(log(archive).values()) <= 19
    assert len(rows(archive)) == 9


def test_missing_files_and_new_formats_are_done_again(archive):
    assert finish(start(archive, "--format", "csv"))[0] == 0
    assert (archive.parent / "out" / "scan.csv").exists() and not (archive.parent / "out" / "scan.hea").exists()
    (archive.parent / "out" / "scan.json").unlink()
    assert finish(start(archive, "--format", "csv", "--resume"))[0] == 0
    assert log(archive) == {**dict.fromkeys(PAGES, 1), "scan": 2}
    assert finish(start(archive, "--format", "wfdb,csv", "--resume"))[0] == 0
    assert left(archive) == expected()
    assert log(archive) == {**dict.fromkeys(PAGES, 2), "scan": 3}
    assert finish(start(archive, "--html", "--resume"))[0] == 0
    assert left(archive) == expected() | {f"{page}.html" for page in PAGES}
    assert finish(start(archive, "--resume"))[0] == 0
    assert log(archive) == {**dict.fromkeys(PAGES, 3), "scan": 4}, "a page more than asked for is no work"


def test_a_run_that_reads_again_and_is_ended_is_completed(archive):
    """The lines of pages whose files were being replaced are no longer believed."""
    assert finish(start(archive, "--quiet"))[0] == 0
    second = start(archive, "--resume", "--html", wait=0.2)
    deadline = time.monotonic() + 60
    while sum(log(archive).values()) < 11:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    second.kill()
    finish(second)
    assert Counter(row["status"] for row in rows(archive))["failed"] >= 1
    assert finish(start(archive, "--resume", "--html"))[0] == 0
    assert {row["status"] for row in rows(archive)} == {"read"}
    assert left(archive) == expected() | {f"{page}.html" for page in PAGES}


def test_a_manifest_that_lost_lines_is_completed(archive):
    """Of pages that it no longer has, those whose reports are there are read again; its torn line is dropped."""
    assert finish(start(archive, "--quiet"))[0] == 0
    path = archive.parent / "out" / NAME
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    for page in PAGES:
        report = archive.parent / "out" / f"{page}.json"
        source, _, number = report.read_text().partition(", page ")
        report.write_text(json.dumps({"source": {"file": source, "page": int(number or 1)}}))
    code, _, err = finish(start(archive, "--resume"))
    # Reports of pages that stand in the manifest are other ones now.
    assert code == 1 and err.count("edited or damaged; --overwrite replaces it") == err.count("\n") == len(PAGES) // 2
    assert finish(start(archive, "--resume", "--overwrite"))[0] == 0
    assert {row["status"] for row in rows(archive)} == {"read"}
    assert left(archive) == expected()


def test_two_runs_in_one_folder(archive):
    first = start(archive, wait=0.2)
    until_read(archive, 1)
    code, _, err = finish(start(archive, "--resume"))
    assert code == 2
    assert err == f"papertrace: out: another run (process {first.pid}) is writing here; " + (
        "wait for it or choose another --out\n"
    )
    assert finish(first)[0] == 0
    assert left(archive) == expected(), "the lock is gone"


def test_the_lock_of_a_dead_run_is_taken_over(archive):
    first = start(archive, wait=0.2)
    until_read(archive, 1)
    first.kill()
    finish(first)
    assert (archive.parent / "out" / LOCK).read_text() == f"{first.pid}\n"
    assert finish(start(archive, "--resume"))[0] == 0
    assert left(archive) == expected()
