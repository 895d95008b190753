from __future__ import annotations

import csv
import json
import resource

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitize.pages.page import MAX_PAGES
from papertrace.cli import app
from papertrace.cli.manifest import COLUMNS, JOURNAL
from papertrace.cli.pool import Pool
from tests.papertrace.cli import fuzz
from tests.papertrace.cli.bombs import BOMBS

INPUTS, BATCH = 2000, 100
MEMORY = 2 * 2**30
ENDLESS = "form.pdf"
"""PDFium draws for ever what it asks for: the time limit of a page is there for such."""


def test_two_thousand_damaged_files_are_pages_or_one_clear_line():
    batches = [(first, BATCH) for first in range(0, INPUTS, BATCH)]
    with Pool(1, 120.0, MEMORY) as pool:
        answers = list(pool.map(fuzz.try_batch, batches))
    assert len(answers) == INPUTS // BATCH
    for (first, _), answer in answers:
        assert not answer, f"files {first} to {first + BATCH}: {answer}"


def test_damaged_files_are_of_all_kinds():
    files = [fuzz.damaged(np.random.default_rng(number)) for number in range(300)]
    read = [fuzz.first_page(data) for data in files]
    kinds = {data[:4] for data in files}
    assert len(kinds) > 30
    assert 40 < sum(page is not None for page in read) < 200


@settings(max_examples=200, deadline=None)
@given(
    head=st.sampled_from([data[:40] for data in fuzz.seeds()]) | st.just(b""),
    body=st.binary(max_size=300),
    tail=st.sampled_from([data[-60:] for data in fuzz.seeds()]) | st.just(b""),
)
def test_anything_between_a_head_and_a_tail(head, body, tail):
    assert fuzz.read(head + body + tail) is None


@pytest.mark.parametrize("name", sorted(set(BOMBS) - {ENDLESS}))
def test_bombs_cost_little(name):
    data = BOMBS[name]()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert fuzz.read(data) is None
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
        (folder / f"{number:03}.png").write_bytes(fuzz.damaged(np.random.default_rng(10_000 + number)))
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
    left = {str(file.relative_to(out)) for file in out.rglob("*")} - {"manifest.csv"}
    if JOURNAL in left:
        # A worker that was stopped in the moment between writing its files and saying so: the journal has them.
        written = [name for line in (out / JOURNAL).read_text().splitlines() for name in json.loads(line)]
        left -= {JOURNAL, *written}
    assert left == {output for row in rows for output in row["outputs"].split(";") if output}
