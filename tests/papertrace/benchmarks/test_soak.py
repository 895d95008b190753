from __future__ import annotations

import json
import sys
from collections import Counter

import pytest

from papertrace.benchmarks import soak
from papertrace.benchmarks.light_pages import content_of
from papertrace.benchmarks.soak import KILLS, Batch, Found, command, kill
from papertrace.cli.manifest import NAME


@pytest.mark.skipif(sys.platform != "linux", reason="workers are found by /proc")
def test_twenty_kills_lose_nothing_and_double_nothing(tmp_path):
    found = kill(20, 2, tmp_path)
    assert found.troubles == []
    assert found.tried == found.outcomes.total() == 20
    assert set(found.outcomes) <= set(KILLS) and len(found.outcomes) >= 4


@pytest.fixture(scope="module")
def batch(tmp_path_factory):
    """A batch that has run to its end."""
    batch = Batch(tmp_path_factory.mktemp("batch"), 2)
    batch.run([])
    assert batch.found.troubles == []
    return batch


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda out: (out / "ward-2.csv").write_text(content_of("ward-2.csv")[:-9]), "ward-2.csv is not whole"),
        (lambda out: (out / "ward-2.csv").write_text(content_of("ward-1.csv")), "ward-2.csv is not whole"),
        (lambda out: (out / "ward-2.csv").unlink(), "ward-2.csv is lost"),
        (lambda out: drop_last_line(out / NAME), "no longer read: "),
        (lambda out: (out.parent / "log").write_text("scan\n"), "read again: scan"),
        (lambda out: rename_outputs(out / NAME), "the manifest names "),
    ],
)
def test_what_is_lost_or_doubled_is_seen(batch, change, told, monkeypatch):
    out = batch._out
    kept = {file: file.read_bytes() for file in (*out.rglob("*.*"), batch._log)}
    done = batch._done()
    monkeypatch.setattr(batch, "found", Found())
    monkeypatch.setattr(batch, "_logged", len(batch._log.read_text().split()))
    batch._look("a run", done)
    assert batch.found.troubles == []
    batch._logged = 0 if "read again" in told else batch._logged
    change(out)
    batch._look("a run", done)
    for file, content in kept.items():
        file.write_bytes(content)
    assert any(trouble.startswith("a run: ") and told in trouble for trouble in batch.found.troubles)


def drop_last_line(path):
    path.write_bytes(path.read_bytes().rstrip(b"\n").rpartition(b"\n")[0] + b"\n")


def rename_outputs(path):
    path.write_text(path.read_text().replace("ward-2.hea", "ward-1.hea"))


def test_what_the_manifest_does_not_name_is_seen(tmp_path):
    row = {"outputs": "a.json;a.csv"}
    for name in ("a.json", "a.csv", NAME, ".papertrace.started"):
        (tmp_path / name).write_text("")
    assert soak._strangers(tmp_path, [row]) == [".papertrace.started: left, and not in the manifest"]
    assert "a.csv: listed twice" in soak._strangers(tmp_path, [row, row])


@pytest.mark.parametrize("name", ["a.json", "a.csv", "a.hea", "a.overlay.png"])
def test_files_that_nobody_can_read_are_seen(tmp_path, name):
    (tmp_path / name).write_text("a,b\n1,2\n1,2,3\n")
    (told,) = soak._unparsed(tmp_path, {"outputs": name})
    assert told.startswith(f"{name}: ")


def test_the_whole_command_on_damaged_files(tmp_path):
    found = command(8, 1, tmp_path)
    assert found.troubles == []
    assert found.outcomes["failed"] >= 1


@pytest.mark.parametrize("trouble", [[], ["file 7: a|b\nc"]])
def test_the_report_tells_all(tmp_path, monkeypatch, trouble, capsys):
    for name in ("decode", "kill", "command"):
        monkeypatch.setattr(soak, name, lambda *_, **__: Found(3, Counter(read=2, failed=1), list(trouble), 1.25, 90.0))
    assert soak.main(["--out", str(tmp_path)]) == len(trouble)
    written = (tmp_path / "soak.md").read_text()
    assert f"| kills | 3 | 1 failed, 2 read | {len(trouble)} | 1.2 | 90 |" in written
    assert ("- kills: file 7: a|b c" in written) == bool(trouble)
    assert json.loads((tmp_path / "soak.json").read_text())["kills"]["troubles"] == trouble
    capsys.readouterr()
