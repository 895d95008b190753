from __future__ import annotations

import base64
import csv
import io
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
import wfdb
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from classify import Interpretation, StatementResult, readers
from digitize import api
from digitize import deidentify as redraw
from digitize.export import FORMATS
from papertrace.cli import app
from papertrace.cli.manifest import JOURNAL
from papertrace.cli.pseudonyms import fingerprint
from papertrace.cli.sources import OVERLAY
from papertrace.synth import render_page, simulate
from tests.digitize.vector import drawn
from tests.measured import MEASURED
from tests.papertrace.cli import stubs

INTERPRETATION = Interpretation((StatementResult("SR", "sinus rhythm", "rhythm", 0.97, 0.6, True),), MEASURED, "0", ())
SECRETS = ("Ronaldsson", "Henrietta", "19500102", "St_Elsewhere", "0012345678", "Kilroy_was_here")


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def calls(monkeypatch, leads):
    """Every page is read as `leads`; gives the pages that were."""
    calls = []
    monkeypatch.setattr(app, "Pool", stubs.Inline)
    monkeypatch.setattr(api, "analyze_page", lambda page, **_: calls.append(page))
    monkeypatch.setattr(api, "refined", lambda reading: reading)
    monkeypatch.setattr(api, "leads_of", lambda reading, **_: leads)
    monkeypatch.setattr(redraw, "redraw_page", lambda reading, leads: np.full((600, 1100, 3), 255, np.uint8))
    monkeypatch.setattr(readers, "interpret", lambda leads: INTERPRETATION)
    return calls


def run(out: Path, *arguments: str) -> int:
    return app.main([*arguments, "--deidentify", "--out", str(out)])


def rows(out: Path) -> list[dict[str, str]]:
    with open(out / "manifest.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def pages(out: Path) -> list[str]:
    return sorted(path.name.removesuffix(OVERLAY) for path in out.glob("*" + OVERLAY))


def write_scan(path: Path, image: np.ndarray) -> str:
    """A picture that tells about its patient wherever a PNG can."""
    path.parent.mkdir(parents=True, exist_ok=True)
    told = PngInfo()
    told.add_text("Author", "Kilroy_was_here")
    exif = Image.Exif()
    exif[0x010E] = "Henrietta Ronaldsson 0012345678"
    Image.fromarray(image).save(path, pnginfo=told, exif=exif)
    return str(path)


def assert_tells_nothing(folder: Path) -> None:
    for path in folder.rglob("*"):
        assert not any(secret.lower() in path.name.lower() for secret in SECRETS)
        content = path.read_bytes().lower()
        for secret in SECRETS:
            for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
                assert secret.lower().encode(encoding) not in content, (path.name, secret)
                assert base64.b64encode(secret.encode()) not in content


def test_a_page_from_start_to_end(tmp_path, out, monkeypatch, capsys):
    monkeypatch.setattr(app, "Pool", stubs.Inline)
    page = render_page(simulate(10, 500), 500)
    source = write_scan(tmp_path / "St_Elsewhere" / "Ronaldsson_Henrietta_19500102.png", page.image)
    assert run(out, source, "--html", "--format", ",".join(FORMATS)) == 0
    assert source in capsys.readouterr().out, "who runs it is told which page is which"
    assert_tells_nothing(out)
    assert pages(out) == ["page-0001"]
    assert wfdb.rdheader(str(out / "page-0001")).record_name == "page-0001"
    report = json.loads((out / "page-0001.json").read_text())
    assert report["source"]["file"] is None and report["layout"] == page.layout
    html = (out / "page-0001.html").read_text(encoding="utf-8")
    assert "<title>page-0001</title>" in html and "The page is drawn anew" in html
    embedded = base64.b64decode(re.search(r"data:image/jpeg;base64,([^\"]+)", html)[1])
    for picture in (Image.open(out / "page-0001.overlay.png"), Image.open(io.BytesIO(embedded))):
        assert not set(picture.info) - {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
        assert not picture.getexif()
        scale = picture.width / page.image.shape[1]
        for text in page.texts:
            crop = np.asarray(picture.crop(tuple(round(side * scale) for side in text.box)))
            assert crop.min() > 150, text.string


def test_pages_are_numbered_and_known_by_what_they_hold(calls, paper, tmp_path, out):
    first = write_scan(tmp_path / "in" / "Ronaldsson.png", paper)
    Image.fromarray(paper).save(
        tmp_path / "in" / "Ronaldsson.tif", save_all=True, append_images=[Image.fromarray(paper)]
    )
    (tmp_path / "in" / "copy of Henrietta.png").write_bytes(Path(first).read_bytes())
    assert run(out, str(tmp_path / "in")) == 0
    assert pages(out) == ["page-0001", "page-0002", "page-0003"]
    assert [(row["file"], row["page"]) for row in rows(out)] == [
        (fingerprint(first), "1"),
        (fingerprint(str(tmp_path / "in" / "Ronaldsson.tif")), "1"),
        (fingerprint(str(tmp_path / "in" / "Ronaldsson.tif")), "2"),
    ]
    assert_tells_nothing(out)
    assert [page.name for page in calls] == pages(out)


def test_resume_knows_pages_under_other_names(calls, paper, tmp_path, out):
    first = write_scan(tmp_path / "in" / "Ronaldsson.png", paper)
    assert run(out, first) == 0
    os.rename(first, tmp_path / "in" / "zz.png")
    write_scan(tmp_path / "in" / "Henrietta.png", paper[::-1])
    before = (out / "page-0001.json").read_bytes()
    assert run(out, str(tmp_path / "in"), "--resume") == 0
    assert len(calls) == 2
    assert pages(out) == ["page-0001", "page-0002"]
    assert (out / "page-0001.json").read_bytes() == before
    assert run(out, str(tmp_path / "in"), "--overwrite") == 0
    assert [row["outputs"].split(".")[0] for row in rows(out)] == ["page-0002", "page-0001"], "pages keep their names"
    (out / "page-0001.dat").unlink()
    assert run(out, str(tmp_path / "in"), "--resume") == 0
    assert len(calls) == 5 and (out / "page-0001.dat").exists()


@pytest.mark.parametrize("stage", ["read", "write", "open", "refused", "crash"])
def test_a_failure_names_its_source_on_the_terminal_alone(
    calls, leads, paper, tmp_path, out, monkeypatch, capsys, stage
):
    sources = [write_scan(tmp_path / "Henrietta" / f"Ronaldsson{n}.png", paper[n:]) for n in range(2)]

    def fail(*_, **__):
        raise OSError(5, "Input/output error", sources[0])

    if stage == "read":
        Path(sources[0]).write_bytes(Path(sources[0]).read_bytes()[:-900])
    elif stage == "open":
        Path(sources[0]).write_bytes(b"Henrietta Ronaldsson")
    elif stage == "write":
        monkeypatch.setattr(type(leads), "overlay", fail)
    elif stage == "refused":
        out.mkdir()
        (out / "page-0001.csv").write_text("mine")
    else:
        monkeypatch.setattr(api, "leads_of", lambda reading, **_: 1 / 0)
    assert run(out, *sources) == 1
    failed = [row for row in rows(out) if row["status"] == "failed"]
    assert failed and all(row["error"] for row in failed)
    assert failed[0]["file"] == fingerprint(sources[0])
    assert sources[0] in capsys.readouterr().err
    assert_tells_nothing(out)


def test_a_file_that_cannot_be_read_has_no_line(calls, paper, tmp_path, out, capsys):
    source = write_scan(tmp_path / "in" / "Ronaldsson.png", paper)
    assert run(out, str(tmp_path / "Henrietta.png"), source, "--json") == 1
    captured = capsys.readouterr()
    assert str(tmp_path / "Henrietta.png") in captured.err
    assert [json.loads(line)["file"] for line in captured.out.splitlines()] == [None, fingerprint(source)]
    assert [row["status"] for row in rows(out)] == ["read"]
    assert_tells_nothing(out)


def test_results_that_name_their_sources_stand_apart(calls, leads, paper, tmp_path, out, monkeypatch, capsys):
    stubs.digitize_by(monkeypatch.setattr, lambda page, **options: leads)
    source = write_scan(tmp_path / "Ronaldsson.png", paper)
    named, killed = tmp_path / "named", tmp_path / "killed"
    assert app.main([source, "--out", str(named)]) == 0
    assert run(named, source) == 2
    assert "choose another --out" in capsys.readouterr().err
    assert run(out, source) == 0
    assert app.main([source, "--out", str(out), "--resume"]) == 2
    assert "--deidentify" in capsys.readouterr().err
    killed.mkdir()
    (killed / JOURNAL).write_text('["Ronaldsson.hea"]\n')
    assert run(killed, source) == 2
    assert pages(named) == ["Ronaldsson"] and pages(out) == ["page-0001"] and pages(killed) == []


def test_a_page_that_its_file_draws(tmp_path, out, monkeypatch):
    monkeypatch.setattr(app, "Pool", stubs.Inline)
    monkeypatch.setattr(readers, "interpret", lambda leads: INTERPRETATION)
    sheet = drawn.sheet_of(simulate(10, 500))
    sheet.texts.append((drawn.LEFT, 16.0, "Henrietta Ronaldsson 0012345678"))
    source = tmp_path / "St_Elsewhere.pdf"
    source.write_bytes(drawn.by_reportlab(sheet))
    assert run(out, str(source), "--html") == 0
    assert_tells_nothing(out)
    report = json.loads((out / "page-0001.json").read_text(encoding="utf-8"))
    assert report["source"]["traces"] == "vector" and report["quality"]["verdict"] == "good"
    weights = report["software"]["weights"]
    assert weights["refine"] is weights["read"] is weights["confidence"] is None
    signal = wfdb.rdrecord(str(out / "page-0001")).p_signal.T
    assert np.nanmax(np.abs(signal - sheet.truth)) < 0.002 and (np.isfinite(signal) == np.isfinite(sheet.truth)).all()
    page = api.load_only_page(source)
    picture = redraw.redraw_strips(api.leads_of_drawing(page.drawing, fs=500))
    ink = picture.min(axis=2) < 128
    assert picture.shape == page.image.shape and ink.any() and (page.image.min(axis=2)[ink] < 255).mean() > 0.85
    header = slice(120, 170)  # 12 to 17 mm
    assert not ink[header].any()
