from __future__ import annotations

import csv
import json
import resource

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitize.pages.page import MAX_PAGES
from papertrace.benchmarks.damaged import damaged, read, seeds
from papertrace.benchmarks.soak import decode
from papertrace.cli import app
from papertrace.cli.manifest import COLUMNS, JOURNAL
from tests.papertrace.cli.bombs import BOMBS
from tests.papertrace.cli.runs import OVERVIEW

INPUTS = 2000
ENDLESS = "form.pdf"
"""PDFium draws for ever what it asks for: the time limit of a page is there for such."""


def test_two_thousand_damaged_files_are_pages_or_one_clear_line():
    found = decode(INPUTS, 1)
    assert found.troubles == []
    assert found.outcomes.total() == INPUTS
    assert min(found.outcomes["read"], found.outcomes["refused"]) > INPUTS // 10


def test_damaged_files_are_of_all_kinds():
    assert len({damaged(np.random.default_rng(number))[:4] for number in range(300)}) > 30


def test_the_files_are_whole_before_they_are_damaged():
    assert [read(data) for data in seeds()] == [("read", None)] * len(seeds())


@settings(max_examples=200, deadline=None)
@given(
    head=st.sampled_from([data[:40] for data in seeds()]) | st.just(b""),
    body=st.binary(max_size=300),
    tail=st.sampled_from([data[-60:] for data in seeds()]) | st.just(b""),
)
def test_anything_between_a_head_and_a_tail(head, body, tail):
    assert read(head + body + tail)[1] is None


@pytest.mark.parametrize("name", sorted(set(BOMBS) - {ENDLESS}))
def test_bombs_cost_little(name):
    data = BOMBS[name]()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert read(data)[1] is None
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 * 1024


def test_pages_are_bounded():
    from digitize.pages.page import page_names
    from digitize.records.page import PageError

    with pytest.raises(PageError, match=f"more than {MAX_PAGES} pages in one file; split it"):
        page_names(BOMBS["pages.tiff"]())


def test_the_whole_command_on_files_that_hurt(tmp_path, capfd):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for name, make in BOMBS.items():
        (folder / name).write_bytes(make())
    for number in range(20):
        (folder / f"{number:03}.png").write_bytes(damaged(np.random.default_rng(10_000 + number)))
    arguments = [str(folder), "--out", str(out), "--jobs", "2", "--json", "--timeout", "12"]
    assert app.main(arguments) == 1
    captured = capfd.readouterr()
    lines = captured.err.splitlines()
    assert all(line.startswith(f"papertrace: {folder}") for line in lines), lines
    with open(out / "manifest.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert {row["file"].split("/")[-1] for row in rows} == {file.name for file in folder.iterdir()}
    assert len(lines) == sum(row["status"] == "failed" for row in rows)
    assert not [row for row in rows if "internal error" in row["error"]]
    assert [json.loads(line)["status"] for line in captured.out.splitlines()].count("failed") == len(lines)
    # By the clock only on a machine that has less than a tenth of a processor to spare.
    ended = ("took more than 12 s of processor time", "took longer than 120 s")
    assert any(row["error"].endswith(ended) for row in rows if row["file"].endswith(ENDLESS))
    left = {str(file.relative_to(out)) for file in out.rglob("*")} - {"manifest.csv"} - OVERVIEW
    if JOURNAL in left:
        # A worker that was stopped in the moment between writing its files and saying so: the journal has them.
        written = [name for line in (out / JOURNAL).read_text().splitlines() for name in json.loads(line)]
        left -= {JOURNAL, *written}
    assert left == {output for row in rows for output in row["outputs"].split(";") if output}
