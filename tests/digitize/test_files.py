from __future__ import annotations

import os
from pathlib import Path

import pytest

from digitize import files
from digitize.export import record_name, written_together


def names_in(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


@pytest.mark.parametrize(
    ("name", "expected"),
    [("scan", "scan"), ("my scan (2)", "my_scan_2_"), ("ÉKG-1", "EKG-1"), ("scan.v2", "scan_v2"), ("心電図", "_")],
)
def test_record_name(name, expected):
    assert record_name(name) == expected == record_name(expected)


def test_a_failure_while_writing_leaves_nothing(tmp_path):
    with pytest.raises(OSError, match="disk full"), written_together(tmp_path / "out") as folder:
        (folder / "a.txt").write_text("half")
        raise OSError("disk full")
    assert names_in(tmp_path / "out") == []


def test_a_failure_while_moving_leaves_nothing_new(tmp_path, monkeypatch):
    def fail_on_second(source, target, done=[]):  # noqa: B006
        if done:
            raise OSError("gone")
        done.append(target)
        move(source, target)

    move = os.replace
    monkeypatch.setattr(files.os, "replace", fail_on_second)
    with pytest.raises(OSError, match="gone"), written_together(tmp_path) as folder:
        (folder / "a.txt").write_text("one")
        (folder / "b.txt").write_text("two")
    assert names_in(tmp_path) == []


def test_an_older_file_survives_a_failure(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(KeyboardInterrupt), written_together(tmp_path) as folder:
        (folder / "a.txt").write_text("new")
        raise KeyboardInterrupt
    assert (tmp_path / "a.txt").read_text() == "old"


def test_headers_move_last(tmp_path, monkeypatch):
    moved = []
    monkeypatch.setattr(files.os, "replace", lambda source, target: moved.append(Path(target).name))
    with written_together(tmp_path) as folder:
        for name in ("scan.hea", "scan.dat", "scan.json"):
            (folder / name).write_text("")
    assert moved == ["scan.dat", "scan.json", "scan.hea"]


def test_content_is_on_the_disk_before_its_name_is(tmp_path, monkeypatch):
    """A power cut must not leave a file of the right name with nothing in it."""
    done = []
    sync, replace = os.fsync, os.replace
    monkeypatch.setattr(files.os, "fsync", lambda handle: (done.append(os.fstat(handle).st_ino), sync(handle)))
    monkeypatch.setattr(files.os, "replace", lambda old, new: (done.append(str(new)), replace(old, new)))
    with written_together(tmp_path / "out") as folder:
        (folder / "a.csv").write_text("x")
    written = tmp_path / "out" / "a.csv"
    assert done == [written.stat().st_ino, str(written), written.parent.stat().st_ino]
