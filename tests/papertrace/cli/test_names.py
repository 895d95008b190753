"""Every page that goes in comes out, whatever its file is called."""

from __future__ import annotations

import csv
import io
import os
import random
import sys
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from papertrace.cli import app
from papertrace.cli.formats import suffixes_of
from papertrace.cli.manifest import NAME, Manifest
from papertrace.cli.plan import seen_from
from tests.papertrace.cli import stubs
from tests.papertrace.cli.runs import OVERVIEW

COUNT = 1000
CONTROLS = [chr(code) for code in (*range(1, 32), *range(0x7F, 0xA1), 0xAD, 0x200B, 0x200F, 0x2028, 0x202E, 0xFEFF)]
ODD = [
    "\\", "\\\\", "'", '"', '""', ",", ";", "=", "+", "-", "@", "\uff1d", "=1+1", "=cmd|'C calc'!A0", "@SUM(1)", "-2",
    "+3", " ", "  ", "..", ".", "~", "$HOME", "%00", "a", "A", "é", "e\u0301", "ﬁ", "ß", "İ", "\u0131", "\u05d0\u202e",
    "😀", "👩\u200d⚕\ufe0f", "\udcff", "\udc80", "\\udcff", "\\n", "\\x1b", "\\x3b", "con", "NUL", "*", "?", "[1]",
    "<b>", "&amp;", "x" * 240, "é" * 120, ": ", "page-0001", "a.png", ".hea",
]  # fmt: skip


def hostile_names() -> list[str]:
    """Names that a Linux folder can hold; many print alike, some differ in nothing but capitals or composition."""
    names = {f"x{text}y.png": None for control in CONTROLS for text in (control, repr(control)[1:-1])}
    names.update(dict.fromkeys(f"{lead}{text}.png" for text in ODD for lead in ("", "\t", "\r", " ", "'", "z")))
    draw = random.Random(31)
    while len(names) < 2 * COUNT:
        names["".join(draw.choices(ODD + CONTROLS, k=draw.randint(1, 4))) + draw.choice((".png", ".PNG"))] = None
    fit = [name for name in names if not name.startswith(".") and len(os.fsencode(name)) <= 255]
    return fit[:COUNT]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems allow no such file names")
def test_a_thousand_hostile_names(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(app, "Pool", stubs.Inline)
    monkeypatch.setattr(app, "read_page", stubs.read_page)
    monkeypatch.setattr(os, "fsync", lambda handle: None)  # some thousand times, and no power is cut here
    monkeypatch.setenv("PAPERTRACE_TEST_LOG", str(tmp_path / "log"))
    monkeypatch.setenv("PAPERTRACE_TEST_WAIT", "0")
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    picture = io.BytesIO()
    Image.new("L", (120, 100), 255).save(picture, "PNG")
    for name in hostile_names():
        (folder / name).write_bytes(picture.getvalue())
    made = set(os.listdir(folder))
    assert len(made) == COUNT

    arguments = [str(folder), "--out", str(out), "--format", "csv"]
    assert app.main(arguments) == 0
    assert capsys.readouterr().err == ""
    with Manifest(out) as manifest:
        rows = list(manifest.rows.values())
    assert Counter(row.status for row in rows) == {"read": COUNT}
    assert {row.file for row in rows} == {seen_from(out, str(folder / name)) for name in made}
    assert {os.path.basename(row.file) for row in rows} == made, "read back as they were"
    outputs = [output for row in rows for output in row.files]
    assert len(outputs) == len({output.lower() for output in outputs}) == COUNT * len(suffixes_of(("csv",)))
    assert {str(file.relative_to(out)) for file in out.rglob("*")} == {NAME, *OVERVIEW, *outputs}

    assert app.main([*arguments, "--resume"]) == 0
    assert len((tmp_path / "log").read_text().splitlines()) == COUNT, "what was read is known again"
    assert_tame(out / NAME)


def assert_tame(path: Path) -> None:
    """Nothing in the file commands a terminal or begins a formula, whatever parts its cells."""
    text = path.read_text(encoding="utf-8")
    assert all(line.isprintable() for line in text.split("\n"))
    for separator in ",;\t":
        for line in csv.reader(io.StringIO(text), delimiter=separator):
            assert not [cell for cell in line if cell.strip().startswith(tuple("=+-@\uff1d\uff0b\uff0d\uff20"))]
