from __future__ import annotations

import csv
import errno
import io
import os
from dataclasses import astuple, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertrace.cli import manifest as module
from papertrace.cli.lock import NAME as LOCK
from papertrace.cli.lock import FolderError, locked
from papertrace.cli.manifest import COLUMNS, JOURNAL, NAME, Manifest, Row, from_cell, printable, to_cell

READ = Row("../a.png", "1", "read", "good", "", "1.00", "a.csv;a.json")
OTHER = Row('../b, "c".png', "2", "failed", error="too large; really")


def test_what_is_written_is_read(tmp_path):
    with Manifest(tmp_path) as manifest:
        manifest.end(READ)
        manifest.end(OTHER)
    with Manifest(tmp_path) as manifest:
        assert list(manifest.rows.values()) == [READ, OTHER]


@pytest.mark.parametrize("lines", [1, 2, 3])
def test_a_torn_line_is_dropped_wherever_it_is_torn(tmp_path, lines):
    with Manifest(tmp_path) as manifest:
        manifest.end(READ)
        manifest.end(OTHER)
    content = (tmp_path / NAME).read_bytes()
    ends = [0, *(place + 1 for place, byte in enumerate(content) if byte == 10)]
    for cut in range(ends[lines - 1], ends[lines]):
        (tmp_path / NAME).write_bytes(content[:cut])
        with Manifest(tmp_path) as manifest:
            assert list(manifest.rows.values()) == [READ, OTHER][: max(0, lines - 2)]
            manifest.end(OTHER)
        with Manifest(tmp_path) as manifest:
            assert manifest.rows[OTHER.key] == OTHER
        assert (tmp_path / NAME).read_text().startswith(",".join(COLUMNS) + "\n")


@given(st.text() | st.binary().map(os.fsdecode))
def test_printable_is_one_line_of_text(text):
    plain = printable(text)
    assert plain.isprintable()
    assert plain.encode("utf-8").decode("utf-8") == plain
    assert printable(plain) == plain


@given(st.text() | st.binary().map(os.fsdecode) | st.text(" '\\\t\r\n;=+-@xu3b0udcf", max_size=12))
def test_cells_are_read_back_and_are_no_formulas(text):
    cell = to_cell(text)
    assert from_cell(cell) == text
    assert cell.isprintable()
    assert not any(part.strip().startswith(("=", "+", "-", "@")) for part in cell.split(";"))


def test_every_cell_of_a_row_is_read_back(tmp_path):
    trick = "=1+1\n;=2\\x\udcff'"
    row = Row(trick, "1", "failed", "@v", f"\t{trick}", "-1", "-.hea;-.dat", f"'{trick}")
    with Manifest(tmp_path) as manifest:
        manifest.end(row)
        manifest.finish([row.key])
    with Manifest(tmp_path) as manifest:
        assert list(manifest.rows.values()) == [row]


def test_names_of_earlier_manifests_are_known(tmp_path):
    """Versions before 0.1.1 escaped what is not printable, and nothing else."""
    lines = (",".join(COLUMNS[:-1]), "../a\\x1b\\q.png,1,read,good,,1.00,a.csv,", "=b.png,1,read,,,,,", "")
    (tmp_path / NAME).write_text("\n".join(lines))
    with Manifest(tmp_path) as manifest:
        assert [row.file for row in manifest.rows.values()] == ["../a\x1b\\q.png", "=b.png"]


@pytest.mark.parametrize("content", [b"name,age\nx,3\n", b"hello", b"\0\1\2\n", b'"' + b"x" * 200_000 + b'"\n'])
def test_a_file_of_another_make_is_left_alone(tmp_path, content):
    (tmp_path / NAME).write_bytes(content)
    with pytest.raises(FolderError, match="not a manifest of this program; choose another --out"):
        Manifest(tmp_path)
    assert (tmp_path / NAME).read_bytes() == content


def test_links_are_not_written_through(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "victim").write_text("precious")
    for name in (NAME, JOURNAL):
        (tmp_path / "out" / name).symlink_to(tmp_path / "victim")
        with pytest.raises(FolderError), Manifest(tmp_path / "out") as manifest:
            manifest.begin(["a.csv"])
            manifest.end(READ)
        (tmp_path / "out" / name).unlink()
    (tmp_path / "out" / ".papertrace.lock").symlink_to(tmp_path / "victim")
    with pytest.raises(FolderError), locked(tmp_path / "out"):
        pass
    assert (tmp_path / "victim").read_text() == "precious"


@pytest.mark.parametrize("target", ["victim", "nowhere"])
def test_a_link_in_the_place_of_the_new_manifest_is_not_followed(tmp_path, target):
    out = tmp_path / "out"
    out.mkdir()
    (tmp_path / "victim").write_text("precious")
    with Manifest(out) as manifest:
        manifest.end(READ)
        manifest.end(OTHER)
        for change in (lambda: manifest.forget([OTHER.key]), lambda: manifest.finish([READ.key])):
            (out / f".{NAME}.new").symlink_to(tmp_path / target)
            change()
            assert os.listdir(out) == [NAME]
    assert (tmp_path / "victim").read_text() == "precious"
    assert not (tmp_path / "nowhere").exists()
    with Manifest(out) as manifest:
        assert list(manifest.rows.values()) == [READ]


@pytest.mark.parametrize("name", [NAME, JOURNAL, LOCK])
@pytest.mark.parametrize("kind", ["hard link", "pipe", "folder"])
def test_what_is_planted_under_our_names_is_neither_written_nor_waited_for(tmp_path, name, kind):
    out, victim = tmp_path / "out", tmp_path / "victim"
    out.mkdir()
    victim.write_text(",".join(COLUMNS) + "\n" if name == NAME else "precious")
    before = victim.read_bytes()
    if kind == "pipe":
        os.mkfifo(out / name)
    elif kind == "folder":
        (out / name).mkdir()
    else:
        os.link(victim, out / name)
    with pytest.raises(FolderError) as caught, locked(out), Manifest(out) as manifest:
        manifest.begin(["a.csv"])
        manifest.end(READ)
    assert "\n" not in str(caught.value)
    assert victim.read_bytes() == before


def test_a_full_disk_is_told_and_tears_nothing(tmp_path, monkeypatch):
    write = os.write
    with Manifest(tmp_path) as manifest:
        manifest.end(READ)
        monkeypatch.setattr(module.os, "write", lambda handle, data: write(handle, data[: len(data) // 2]))
        with pytest.raises(FolderError, match=r"manifest\.csv: cannot be written: No space left on device"):
            manifest.end(OTHER)
    monkeypatch.undo()
    with Manifest(tmp_path) as manifest:
        assert list(manifest.rows.values()) == [READ]


DAMAGE = {
    "empty": b"\n\n", "zeros": bytes(400) + b"\n", "bytes": b"\xff\xfe\n", "number": b"7\n", "text": b'"a.csv"\n',
    "numbers": b"[1, null]\n", "object": b'{"b.csv": 1}\n', "half": b'["b.cs\n', "deep": b"[" * 10**5 + b"\n",
    "outside": b'["../b.csv", "/b.csv", "c/../../b.csv", "\\u0000.csv", "\\ud800.csv", ""]\n',
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_journal_costs_nothing(tmp_path, damage):
    """Its whole lines are known, and what the others named is nobody's to replace."""
    out = tmp_path / "out"
    out.mkdir()
    (tmp_path / ".papertrace-x").mkdir()
    (out / JOURNAL).write_bytes(b'["a.csv"]\n' + DAMAGE[damage] + b'["deep/c.csv"]\n["torn')
    with Manifest(out) as manifest:
        assert manifest.unfinished == {"a.csv", "deep/c.csv"}
        manifest.begin(["d.csv"])
    with Manifest(out) as manifest:
        assert manifest.unfinished == {"a.csv", "deep/c.csv", "d.csv"}
        manifest.finish([])
    assert (tmp_path / ".papertrace-x").is_dir(), "beyond the folder of results nothing is swept"
    assert os.listdir(out) == []


def test_a_manifest_that_names_files_elsewhere_is_not_believed(tmp_path):
    rows = [replace(READ, file=f"../{number}.png", outputs=path) for number, path in enumerate(("../x.csv", "/x", "x"))]
    with Manifest(tmp_path) as manifest:
        for row in (*rows, READ):
            manifest.end(row)
    with Manifest(tmp_path) as manifest:
        assert list(manifest.rows.values()) == [READ]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_manifest_that_a_spreadsheet_saved_is_read(tmp_path, separator, mark):
    text = io.StringIO()
    lines = csv.writer(text, delimiter=separator)
    lines.writerows([COLUMNS, *(map(to_cell, astuple(row)) for row in (READ, OTHER))])
    (tmp_path / NAME).write_bytes(mark + text.getvalue().encode())
    with Manifest(tmp_path) as manifest:
        assert list(manifest.rows.values()) == [READ, OTHER]
        manifest.end(replace(READ, file="../new.png"))
    with Manifest(tmp_path) as manifest:
        assert [row.file for row in manifest.rows.values()] == [READ.file, OTHER.file, "../new.png"]
    assert (tmp_path / NAME).read_text().startswith(",".join(COLUMNS) + "\n")


@pytest.mark.parametrize("lines", [1, 2, 3])
def test_a_manifest_of_an_earlier_version_is_read_and_goes_on(tmp_path, lines):
    old = [COLUMNS[:-1], *(astuple(row)[:-1] for row in (READ, OTHER))][:lines]
    (tmp_path / NAME).write_text("".join(",".join(map(to_cell, row)).replace(', "c"', "") + "\n" for row in old))
    with Manifest(tmp_path) as manifest:
        assert [row.status for row in manifest.rows.values()] == ["read", "failed"][: lines - 1]
        assert not manifest.rows or manifest.rows[READ.key] == READ
        manifest.end(replace(READ, file="../new.png", checksums="1-a;2-b"))
    assert (tmp_path / NAME).read_text().startswith(",".join(COLUMNS) + "\n")
    with Manifest(tmp_path) as manifest:
        new = manifest.rows["../new.png", "1"]
    assert [new.checksum_of(file) for file in new.files] == ["1-a", "2-b"]
    assert READ.checksum_of("a.csv") is None


def test_one_that_it_saved_in_another_encoding_is_refused(tmp_path):
    (tmp_path / NAME).write_bytes((",".join(COLUMNS) + "\n").encode("utf-16"))
    with pytest.raises(FolderError, match="not a manifest of this program; choose another --out"):
        Manifest(tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="there, a folder in use cannot be taken away")
@pytest.mark.parametrize("instead", ["nothing", "file"])
def test_a_folder_that_is_taken_away_under_way_is_told(tmp_path, instead):
    out = tmp_path / "out"
    with pytest.raises(FolderError, match=r"manifest\.csv: cannot be written: No") as caught:
        with locked(out), Manifest(out) as manifest:
            manifest.end(READ)
            os.rename(out, tmp_path / "away")
            if instead == "file":
                out.write_text("mine")
            manifest.end(OTHER)
    assert "\n" not in str(caught.value)
    with Manifest(tmp_path / "away") as manifest:
        assert READ.key in manifest.rows


def test_order_and_stale_lines(tmp_path):
    stale = Row("../c.pdf", "", "failed", error="damaged")
    pages = [Row("../c.pdf", str(number), "read", "good", outputs=f"c-{number}.csv") for number in (1, 2)]
    with Manifest(tmp_path) as manifest:
        for row in (stale, READ):
            manifest.end(row)
        manifest.finish([stale.key, READ.key])
    with Manifest(tmp_path) as manifest:
        for row in reversed(pages):
            manifest.end(row)
        manifest.finish([row.key for row in pages])
    with Manifest(tmp_path) as manifest:
        assert list(manifest.rows.values()) == [READ, *pages]


def test_what_was_in_flight_is_known_and_swept(tmp_path):
    with Manifest(tmp_path) as manifest:
        for name in ("a", "deep/b"):
            manifest.begin([f"{name}.csv", f"{name}.json"])
        manifest.end(READ, ["a.csv", "a.json"])
        assert manifest.unfinished == {"deep/b.csv", "deep/b.json"}
    (tmp_path / "deep" / ".papertrace-x1y2").mkdir(parents=True)
    (tmp_path / "deep" / ".papertrace-x1y2" / "b.csv").write_text("half")
    (tmp_path / "deep" / "b.csv").write_text("whole")
    with Manifest(tmp_path) as manifest:
        assert manifest.unfinished == {"deep/b.csv", "deep/b.json"}
        assert sorted(os.listdir(tmp_path / "deep")) == ["b.csv"]
        manifest.finish([])
        assert manifest.unfinished == {"deep/b.csv"}
    with Manifest(tmp_path) as manifest:
        assert manifest.unfinished == {"deep/b.csv"}
        manifest.end(Row("../b.png", "1", "read", outputs="deep/b.csv"), ["deep/b.csv"])
        manifest.finish([])
    assert sorted(os.listdir(tmp_path)) == ["deep", NAME]


def test_the_lock(tmp_path):
    out = tmp_path / "new" / "out"
    with locked(out):
        with pytest.raises(FolderError, match=f"another run .process {os.getpid()}. is writing here"), locked(out):
            pass
        assert out.is_dir()
    assert not (tmp_path / "new").exists(), "what was made for nothing is gone"
    with locked(out):
        (out / "result").write_text("x")
    assert os.listdir(out) == ["result"]


def test_a_folder_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "out").mkdir()
    if os.geteuid() == 0:  # whom no permission stops: the system's answer to others is put in its place

        def refuse(*_):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

        monkeypatch.setattr("papertrace.cli.lock.os.open", refuse)
    else:
        (tmp_path / "out").chmod(0o500)
    with pytest.raises(FolderError, match="out: results cannot be written here: Permission denied"):
        with locked(tmp_path / "out"):
            pass


def test_what_a_killed_run_kept_beside_the_manifest_is_taken_away(tmp_path):
    (tmp_path / ".papertrace-fonts").mkdir()
    (tmp_path / ".papertrace-fonts" / "list.json").write_text("{}")
    with Manifest(tmp_path):
        assert not list(tmp_path.glob(".papertrace-*"))
