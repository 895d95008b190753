from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from papertrace.cli.checksums import checksums_of
from papertrace.cli.manifest import Manifest, Row
from papertrace.cli.options import parse
from papertrace.cli.plan import Failed, make_plan
from papertrace.cli.sources import File, find_files


@pytest.fixture
def tree(tmp_path, monkeypatch):
    for name in (
        "in/b.PNG", "in/a.tif", "in/notes.txt", "in/.hidden.png", "in/.cache/c.png", "in/deep/er/d.pdf",
        "in/deep/a.tif", "in/deep/a.overlay.png", "in/results/old.png", "in/odd[1].png", "empty/readme.txt",
    ):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def paths(*sources: str, out: str = "in/results") -> list[str]:
    files, problems = find_files(sources, Path(out))
    assert not problems
    return [file.path for file in files]


def test_folders_are_searched_to_the_bottom_and_keep_their_tree(tree):
    files, problems = find_files(["in"], Path("in/results"))
    assert not problems
    assert files == [
        File("in/a.tif"), File("in/b.PNG"), File("in/odd[1].png"), File("in/deep/a.tif", ("deep",)),
        File("in/deep/er/d.pdf", ("deep", "er")),
    ]  # fmt: skip


def test_globs_that_no_shell_has_expanded(tree):
    assert paths("in/*.tif") == ["in/a.tif"]
    assert paths("in/**/*.tif") == ["in/a.tif", "in/deep/a.tif"]
    assert paths("in/d*") == ["in/deep/a.tif", "in/deep/er/d.pdf"]
    assert paths("in/odd[1].png") == ["in/odd[1].png"], "a file of that name is meant before a pattern"
    assert paths("nothing*.png") == ["nothing*.png"], "which is then told as missing"


def test_what_is_meant_twice_is_there_once(tree):
    assert paths("in/a.tif", "./in/a.tif", str(tree / "in" / "a.tif"), "in/*.tif") == ["in/a.tif"]


def test_folders_without_pages_are_told(tree):
    files, (problem,) = find_files(["empty", "in/a.tif"], Path("out"))
    assert [file.path for file in files] == ["in/a.tif"]
    assert problem.startswith("empty: a folder without pages; looked for: .png, .jpg")


def test_circles_of_links_end_and_links_to_files_count(tree):
    (tree / "in" / "deep" / "back").symlink_to(tree / "in")
    (tree / "in" / "deep" / "link.png").symlink_to(tree / "in" / "b.PNG")
    (tree / "in" / "deep" / "gone.png").symlink_to(tree / "nowhere.png")
    assert paths("in/deep") == ["in/deep/a.tif", "in/deep/gone.png", "in/deep/link.png", "in/deep/er/d.pdf"]


def plan_of(tmp_path, files, *options):
    (tmp_path / "out").mkdir(exist_ok=True)
    with Manifest(tmp_path / "out") as manifest:
        return make_plan(files, parse(["x", "--out", str(tmp_path / "out"), *options]), manifest)


parts = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=8) | st.sampled_from(
    ["..", ".", "~", "a", "A", "a-1", "con", "-", "x" * 255, "a\n", "a;b", "é", "e\u0301"]
)


@settings(max_examples=150, deadline=None)
@given(
    names=st.lists(
        st.tuples(st.lists(parts, max_size=3).map(tuple), st.lists(parts, min_size=1, max_size=3)),
        min_size=1, max_size=12, unique_by=str,
    )
)  # fmt: skip
def test_names_cannot_collide_or_leave_the_folder(tmp_path_factory, names):
    root = tmp_path_factory.getbasetemp() / "names"
    files = [(File(f"{number}/page.png", tree), pages) for number, (tree, pages) in enumerate(names)]
    (root / "out").mkdir(parents=True, exist_ok=True)
    plan = plan_of(root, files)
    assert len(plan.jobs) == sum(len(pages) for _, pages in files)
    outputs = [output.lower() for job in plan.jobs for output in job.outputs]
    assert len(set(outputs)) == len(outputs)
    for job in plan.jobs:
        where = os.path.normpath(root / "out" / job.name)
        assert where.startswith(str(root / "out") + os.sep)
        assert os.path.basename(where) == job.name.split("/")[-1]
        assert re.fullmatch(r"[-\w]+(/[-\w]+)*", job.name, flags=re.ASCII)
        assert max(len(part) for output in job.outputs for part in output.split("/")) < 160


def test_a_page_that_was_read_keeps_its_name(tmp_path):
    files = [(File(path), ["scan"]) for path in ("a/scan.png", "b/scan.png")]
    first, second = plan_of(tmp_path, files).jobs
    assert first.name == "scan" and second.name.startswith("scan-")
    with Manifest(tmp_path / "out") as manifest:
        for job in (first, second):
            manifest.end(Row(*job.key, "read", outputs=";".join(job.outputs)))
    again = plan_of(tmp_path, files[::-1]).jobs
    assert [job.name for job in again] == [second.name, "scan"]


@pytest.mark.parametrize("left", ["whole", "empty", "folder", "link to nothing", "none"])
def test_a_page_is_done_where_its_files_hold_something(tmp_path, left):
    files = [(File("scan.png"), ["scan"])]
    (job,) = plan_of(tmp_path, files).jobs
    for output in job.outputs:
        (tmp_path / "out" / output).write_text("x")
    with Manifest(tmp_path / "out") as manifest:
        manifest.end(Row(*job.key, "read", outputs=";".join(job.outputs)))
    last = tmp_path / "out" / job.outputs[-1]
    if left != "whole":
        last.unlink()
    if left == "empty":
        last.write_bytes(b"")
    elif left == "folder":
        last.mkdir()
    elif left == "link to nothing":
        last.symlink_to(tmp_path / "nowhere")
    plan = plan_of(tmp_path, files, "--resume")
    assert (len(plan.done), [job.name for job in plan.jobs]) == ((1, []) if left == "whole" else (0, ["scan"]))
    assert not plan.failures, "its own files may be replaced"


@pytest.mark.parametrize("change", ["edited", "cut", "as long", "emptied"])
def test_a_page_whose_file_is_not_as_it_was_written_is_told(tmp_path, change):
    files = [(File("scan.png"), ["scan"])]
    (job,) = plan_of(tmp_path, files).jobs
    out = tmp_path / "out"
    for output in job.outputs:
        (out / output).write_text(output)
    with Manifest(out) as manifest:
        manifest.end(Row(*job.key, "read", outputs=";".join(job.outputs), checksums=checksums_of(out, job.outputs)))
    assert len(plan_of(tmp_path, files, "--resume").done) == 1
    victim = out / "scan.csv"
    text = {"edited": "mine, all mine", "cut": "scan", "as long": "s" * len("scan.csv"), "emptied": ""}[change]
    victim.write_text(text)
    plan = plan_of(tmp_path, files, "--resume")
    assert not plan.done
    if change == "emptied":
        assert plan.jobs == [job], "there is nothing to lose"
    else:
        ((problem, _),) = plan.failures
        told = "scan.csv is not as it was written, but edited or damaged; --overwrite replaces it"
        assert problem == f"scan.png: {out / told}"
        assert plan_of(tmp_path, files, "--resume", "--overwrite").jobs == [job]


@pytest.mark.parametrize("page", [1, 2])
def test_a_page_whose_line_is_lost_is_known_by_its_report(tmp_path, page):
    files = [(File("scan.png"), ["scan"])]
    (job,) = plan_of(tmp_path, files).jobs
    for output in job.outputs:
        (tmp_path / "out" / output).write_text("x")
    (tmp_path / "out" / "scan.json").write_text(json.dumps({"source": {"file": "scan.png", "page": page}}))
    assert len(plan_of(tmp_path, files).failures) == 1
    assert plan_of(tmp_path, files, "--resume").jobs == ([job] if page == 1 else [])


@pytest.mark.parametrize("content", [b"", b"x", b"[]", b'{"source": 1}', b"[" * 10**5, b"\xff"])
def test_what_is_no_report_is_nobody_elses_to_replace(tmp_path, content):
    files = [(File("scan.png"), ["scan"])]
    plan_of(tmp_path, files)
    (tmp_path / "out" / "scan.json").write_bytes(content)
    ((problem, _),) = plan_of(tmp_path, files, "--resume").failures
    assert problem == f"scan.png: {tmp_path / 'out' / 'scan.json'} exists; --overwrite replaces it"


def test_files_that_cannot_be_opened_are_failures_of_the_plan(tmp_path):
    plan = plan_of(tmp_path, [(File("a.pdf"), Failed("a.pdf: damaged")), (File("b.pdf"), ["b-1", "b-2"])])
    ((problem, row),) = plan.failures
    assert problem == row.error == "a.pdf: damaged"
    assert (row.page, row.status) == ("", "failed")
    assert [job.label for job in plan.jobs] == ["b.pdf, page 1", "b.pdf, page 2"]
    assert len(plan.order) == 3
