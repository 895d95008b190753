"""What a caller knows of pages, from the command line and from files of edits."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from classify import readers
from classify.interpretation import without_statements
from digitize.records.known import Known
from papertrace.cli import app
from papertrace.cli.edits import Edit, as_plain, read_edits
from papertrace.cli.options import parse
from tests.papertrace.cli.stubs import Inline, digitize_by


@pytest.fixture
def calls(monkeypatch, leads):
    """Every page is read as `leads`; gives the pictures and what was known of them."""
    calls = []

    def trace_leads(page, **options):
        calls.append((page.image, options["known"]))
        return leads

    monkeypatch.setattr(app, "Pool", Inline)
    digitize_by(monkeypatch.setattr, trace_leads)
    monkeypatch.setattr(readers, "interpret", lambda leads: without_statements(leads, "a stub"))
    return calls


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def round_of_three(tmp_path, paper):
    path = tmp_path / "round.tiff"
    image = Image.fromarray(paper)
    image.save(path, save_all=True, append_images=[image, image])
    return str(path)


def written(folder, **pages):
    path = folder / "scan.edits.json"
    path.write_text(json.dumps({"format": "papertrace-edits/1", "pages": pages}), encoding="utf-8")
    return str(path)


def test_options_say_what_is_known_of_a_page():
    given = parse(["a.png", "--rename", "v3=V4, V4=V3,4.1=ii", "--crop", "1,2,30,40", "--turn", "0", "--invert"])
    names = {"V3": "V4", "V4": "V3", "4.1": "II"}
    assert given.known == Known(rename=names, crop=(1, 2, 30, 40), turn=0, invert=True)
    assert parse(["a.png"]).known == Known()
    assert parse(["a.png", "--pages", "1,3-5"]).pages == {1, 3, 4, 5}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--rename", "V1"], "'V1': allowed: OLD=NEW"),
        (["--rename", "V1=V2,V1=V3"], "names a lead twice"),
        (["--rename", "V1=W"], "'W' is no lead"),
        (["--crop", "1,2,3"], "crop is (1, 2, 3); allowed: left, top"),
        (["--crop", "a"], "crop is 'a'; allowed"),
        (["--turn", "45"], "turn is 45; allowed: 0, 90, 180 or 270"),
        (["--turn", "left"], "turn is 'left'"),
        (["--pages", "3-1"], "'3-1': allowed: page numbers from 1"),
        (["--pages", "0"], "'0': allowed: page numbers from 1"),
        (["--edits", "missing.json"], "missing.json: No such file"),
    ],
)
def test_a_wrong_option_says_what_is_allowed(capsys, given, told):
    with pytest.raises(SystemExit):
        parse(["a.png", *given])
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "scan.edits.json: no JSON"),
        ("[1]", "format None; allowed: 'papertrace-edits/1'"),
        ('{"format": "papertrace-edits/2", "pages": {}}', "format 'papertrace-edits/2'; allowed"),
        ('{"format": "papertrace-edits/1", "page": {}}', "has format, page; allowed: format and pages"),
        ('{"format": "papertrace-edits/1", "pages": {"0": {}}}', "page '0'; allowed: numbers from 1"),
        ('{"format": "papertrace-edits/1", "pages": {"2": {"turns": 90}}}', r"page 2: \['turns'\]; allowed: layout"),
        ('{"format": "papertrace-edits/1", "pages": {"2": {"turn": 45}}}', "page 2: turn is 45; allowed: 0, 90"),
        ('{"format": "papertrace-edits/1", "pages": {"2": {"by": 3}}}', "page 2: by is 3; allowed: a text"),
        ('{"format": "papertrace-edits/1", "pages": {"2": 3}}', "page 2: 3; allowed: layout"),
    ],
)
def test_a_file_of_edits_is_checked(tmp_path, content, told):
    path = tmp_path / "scan.edits.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=told):
        read_edits(path)


def test_what_is_written_is_read_again(tmp_path):
    edit = Edit(Known("3x4+II", 25, 10, {"V1": "V2"}, (1, 2, 30, 40), 90, True), "A. Reader", "2026-01-02", "faint")
    assert read_edits(tmp_path / written(tmp_path, **{"7": as_plain(edit)})) == {7: edit}
    assert as_plain(Edit()) is None
    assert as_plain(edit, anonymous=True) == edit.known.given


def test_edits_of_a_page_reach_it_and_its_report_and_options_go_before(calls, tmp_path, paper, round_of_three, out):
    edits = written(tmp_path, **{"2": {"turn": 90, "gain": 5, "by": "A. Reader", "remark": "on its side"}})
    assert app.main([round_of_three, "--edits", edits, "--gain", "20", "--out", str(out)]) == 0
    assert [known for _, known in calls] == [Known(gain=20), Known(gain=20, turn=90), Known(gain=20)]
    np.testing.assert_array_equal(calls[1][0], np.rot90(paper, -1))
    reports = [json.loads((out / f"round-{page}.json").read_text())["edits"] for page in (1, 2)]
    assert reports == [{"gain": 20}, {"gain": 20, "turn": 90, "by": "A. Reader", "remark": "on its side"}]


def test_a_deidentified_page_names_no_reader_and_no_remark(calls, tmp_path, monkeypatch, round_of_three, out):
    from digitize import deidentify

    monkeypatch.setattr(deidentify, "redraw_page", lambda reading, leads: np.full((600, 1100, 3), 255, np.uint8))
    edits = written(tmp_path, **{"1": {"speed": 50, "by": "A. Reader", "remark": "of B. Patient"}})
    assert app.main([round_of_three, "--edits", edits, "--pages", "1", "--deidentify", "--out", str(out)]) == 0
    assert json.loads((out / "page-0001.json").read_text())["edits"] == {"speed": 50}
    assert not any("Patient" in file.read_text(errors="ignore") for file in out.iterdir())


def test_only_the_pages_that_are_named_are_read_and_the_others_stand(calls, round_of_three, out, capsys):
    assert app.main([round_of_three, "--out", str(out), "--pages", "1-2"]) == 0
    assert len(calls) == 2 and not (out / "round-3.json").exists()
    assert app.main([round_of_three, "--out", str(out), "--pages", "3"]) == 0
    assert len(calls) == 3
    assert (out / "manifest.csv").read_text().count(",read,") == 3
    assert app.main([round_of_three, "--out", str(out), "--pages", "4"]) == 1
    assert "round.tiff: has 3 pages, none of those of --pages" in capsys.readouterr().err
    assert (out / "manifest.csv").read_text().count("\n") == 4


def test_edits_are_for_one_file_and_pages_that_it_has(calls, tmp_path, as_png, paper, round_of_three, out, capsys):
    edits = written(tmp_path, **{"9": {"turn": 90}})
    assert app.main([round_of_three, as_png(paper, "b.png"), "--edits", edits, "--out", str(out)]) == 2
    assert "--edits says what is on the pages of one file, and 2 files were found" in capsys.readouterr().err
    assert app.main([round_of_three, "--edits", edits, "--out", str(out)]) == 1
    assert "has 3 pages, but --edits says what is on page 9" in capsys.readouterr().err
