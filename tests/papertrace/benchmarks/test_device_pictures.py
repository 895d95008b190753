"""Pictures of devices' pages: each lead is in its row and column, or the page is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from digitize.records.page import PageError
from papertrace.benchmarks import device_pictures, devices, real_prints
from papertrace.benchmarks.device_pictures import BY_EYE, Seen, describe, look_at, rows_by_eye, write_pictures
from papertrace.datasets.pages import PageFile, find_pages
from papertrace.datasets.ptbxl import data_folder

DATA = data_folder().parent


def page(name: str, file: Path | None = None) -> PageFile:
    return PageFile("devices", name, file or Path(name))


@pytest.fixture
def picture(tmp_path) -> Path:
    Image.new("RGB", (1100, 600), "white").save(tmp_path / "page.png")
    return tmp_path / "page.png"


@pytest.fixture
def looks(leads, picture, monkeypatch) -> list[Seen]:
    """A right page, one that shows no rhythm strip, and one that is not read."""
    monkeypatch.setattr(device_pictures, "BY_EYE", {"a.png": "3x4+II", "b.png": "3x4", "c.png": "3x4"})
    monkeypatch.setattr(device_pictures, "trace_leads", lambda page: leads)
    read = [look_at(page(name, picture)) for name in ("a.png", "b.png")]

    def fail(page: object) -> None:
        raise PageError("c: no electrocardiogram found")

    monkeypatch.setattr(device_pictures, "trace_leads", fail)
    return [*read, look_at(page("c.png", picture))]


def test_a_page_is_right_where_each_lead_stands_in_its_row_and_column(looks):
    assert [look.right for look in looks] == [True, False, False]
    assert [look.verdict for look in looks] == ["usable", "usable", "not read"]
    assert looks[2].error == "c: no electrocardiogram found"


@pytest.mark.parametrize(
    ("rows", "right"), [((("V5",),), True), ((("I",), ("II",)), False), ((("I", "II"),), False), ((), False)]
)
def test_any_lead_will_do_where_the_page_tells_none(rows, right):
    assert Seen(page("a.png"), rows_by_eye("?"), rows, None, "").right == right


def test_pages_are_counted_and_the_wrong_ones_named_first(looks):
    section, data = describe(looks)
    text = section.markdown()
    assert "on 1 of 3 (" in text and "called good or usable: 1 (" in text
    rows = [line.split(" | ") for line in text.splitlines() if ".png" in line]
    assert [row[0] for row in rows] == ["| b.png", "| c.png", "| a.png"]
    assert rows[0][4].endswith("V3 V6 / II instead of I aVR V1 V4 / II aVL V2 V5 / III aVF V3 V6")
    assert data["layout right"].value == 1 and [each["right"] for each in data["pages"]] == [True, False, False]


def test_pictures_are_drawn_of_the_wrong_pages_that_were_read(looks, tmp_path):
    write_pictures(looks, tmp_path / "gallery")
    (file,) = (tmp_path / "gallery").iterdir()
    assert file.name == "layout_b.png.png"
    assert (np.asarray(Image.open(file)) != 255).any()


def test_a_page_that_nobody_looked_at_is_named():
    with pytest.raises(ValueError, match=r"new\.png: what it shows is not known; known: 0055_input\.png,"):
        look_at(page("new.png"))


def test_the_report_of_devices_tells_of_the_pictures(looks, leads, tmp_path, monkeypatch, capsys):
    truth = np.random.default_rng(0).normal(size=(12, 1000))
    job = devices.jobs_of(PageFile("device-pdf", "muse.pdf", Path("muse.pdf")))[0]
    outcome = real_prints.Outcome(job, leads, "", real_prints.score_page(truth, truth, 500))
    monkeypatch.setattr(devices, "read", lambda *_: [outcome])
    monkeypatch.setattr(devices, "look_at_all", lambda *_: looks)
    devices.main(["--out", str(tmp_path)])
    assert "## Pictures whose layout alone is known" in capsys.readouterr().out
    found = json.loads((tmp_path / "devices.json").read_text(encoding="utf-8"))
    assert found["pictures"]["wrong and trusted"]["value"] == 1
    devices.main(["muse", "--out", str(tmp_path)])
    assert "Pictures whose layout" not in capsys.readouterr().out


def test_every_picture_was_looked_at():
    pages = find_pages(DATA, ["devices"])
    if not pages:
        pytest.skip(f"the pages are not at {DATA}; set PAPERTRACE_DATA")
    assert [each.name for each in pages] == list(BY_EYE)
    assert all(rows_by_eye(text) for text in BY_EYE.values())
