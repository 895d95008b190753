"""What an OCR of another make finds on pages that were drawn anew."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, replace

import cv2
import numpy as np
import pytest

from papertrace.benchmarks import deidentification, ocr
from papertrace.benchmarks.deidentification import Job, Outcome, beside_traces, load, main, report, run
from papertrace.benchmarks.names import PLACES, Item, print_names
from papertrace.benchmarks.ocr import are_read, is_read, montage, read_items, read_page
from papertrace.benchmarks.report import provenance
from papertrace.synth import render_page, simulate


@pytest.fixture
def tesseract():
    """The OCR, without which nothing is shown: a run that must be whole fails."""
    if ocr.has_tesseract():
        return
    if os.environ.get("CI"):
        pytest.fail("tesseract is missing; Debian has it as tesseract-ocr")
    pytest.skip("needs the command tesseract (Debian: tesseract-ocr)")


@pytest.mark.parametrize(("preset", "seed"), [("clean", 3), ("faxed", 5)])
def test_no_name_is_read_on_a_page_that_was_drawn_anew(tesseract, preset, seed):
    outcome = run(Job(preset, seed, None, (1.0,)))
    assert outcome.verdict in ("good", "usable") and len(outcome.places) > 15
    assert np.mean(outcome.page) > 0.4, "the OCR reads what stands on the page"
    assert sum(outcome.beside) >= 2, "and what stands beside its traces"
    assert not any(outcome.redrawn)
    assert outcome.chance < 1


def test_a_line_of_text_that_was_taken_for_a_trace_is_not_read(tesseract):
    """Its strokes' middles are all that is left: one point a column, drawn by a pen."""
    page = np.full((200, 900, 3), 255, np.uint8)
    cv2.putText(page, "ZIMMERMANN 19500102", (40, 100), cv2.FONT_HERSHEY_SIMPLEX, 2.0, (0, 0, 0), 5, cv2.LINE_AA)
    corners = np.array([(40, 55), (760, 55), (760, 100), (40, 100)], np.float32)
    items = [Item(string, "beside, small", 1.5, corners) for string in ("ZIMMERMANN", "19500102")]
    assert are_read(items, read_items(page, items)) == [True, True]
    dark = page[..., 0] < 128
    columns = np.flatnonzero(dark.any(axis=0))
    middle = [np.flatnonzero(dark[:, column]).mean() for column in columns]
    for thickness in (4, 8):
        drawn = np.full_like(page, 255)
        cv2.polylines(drawn, [np.stack([columns, middle], axis=1).astype(np.int32)], False, (0, 0, 0), thickness)
        assert are_read(items, read_items(drawn, items)) == [False, False]


def test_names_are_found_wherever_they_stand(tesseract):
    image, items = print_names(render_page(simulate(2, 500), 500, grid="none", dpi=150), np.random.default_rng(1))
    vertical = [item for item in items if item.place == "margin"]
    assert vertical and all(are_read(vertical, read_page(image, vertical)))
    outside = [item for item in items if item.place in ("header", "footer", "margin")]
    assert all(are_read(outside, read_items(image, outside)))


def test_items_stand_on_the_page_in_every_place():
    page = render_page(simulate(2, 500), 500)
    before = page.image.copy()
    image, items = print_names(page, np.random.default_rng(0))
    assert (page.image == before).all() and {item.place for item in items} == set(PLACES)
    for item in items:
        inside = np.zeros(image.shape[:2], np.uint8)
        cv2.fillPoly(inside, [item.corners.round().astype(np.int32)], 1)
        assert (image != page.image).any(axis=2)[inside > 0].mean() > 0.03, item
    assert print_names(page, np.random.default_rng(0))[0].tobytes() == image.tobytes()
    faxed = render_page(simulate(2, 500), 500, color="1-bit")
    assert set(np.unique(print_names(faxed, np.random.default_rng(0))[0])) == {0, 255}


def test_a_montage_turns_items_upright():
    image = np.full((200, 200, 3), 255, np.uint8)
    image[40:160, 90:100] = 0  # an upright bar is the base line of a text that is read downward
    item = Item("ABCD", "margin", 2.0, np.array([(110, 40), (110, 160), (90, 160), (90, 40)], np.float32))
    laid, (place,) = montage(image, [item], 20)
    y, x = np.nonzero(laid[..., 0] < 128)
    assert np.ptp(x) > 100 and np.ptp(y) < 15
    assert place[0, 0] <= x.min() and x.max() <= place[2, 0] and place[0, 1] <= y.min() and y.max() <= place[2, 1]


@pytest.mark.parametrize(
    ("text", "read"), [("xx kowa yy", True), ("KOW ALS", False), ("OWALSK", True), ("", False), ("eee 25 mm/s", False)]
)
def test_four_characters_in_a_row_are_read(text, read):
    assert is_read("KOWALSKI", text) is read


def test_paper_beside_traces(leads, paper):
    shown = (beside_traces(np.zeros_like(paper), leads) == 0).all(axis=2)
    path = leads.strips[0].path
    x, y = path[np.isfinite(path).all(axis=1)][50].astype(int)
    assert shown[y, x] and shown[y - 6, x] and not shown[y - 40, x]


def outcome(preset: str, page: int, redrawn: int, verdict: str = "good") -> Outcome:
    places = PLACES[:4]
    read = [tuple(k < count for k in range(4)) for count in (page, 2, redrawn)]
    return Outcome(preset, 1, "00001_hr", verdict, places, *read, 0.25)


def test_tables_count_items():
    pages = [outcome("clean", 4, 0), outcome("faxed", 3, 1), outcome("faxed", 1, 0, "")]
    text = report(pages, provenance(), "an OCR").markdown()
    assert "| clean | 1 | 4 | 100% | 50% | 0 (0.0% to 60.2%) | 0.2 |" in text
    assert "| faxed | 2 | 8 | 50% | 50% | 1 (0.3% to 52.7%) | 0.5 |" in text
    assert "| all | 3 | 12 | 67% | 50% | 1 (" in text
    assert f"| {PLACES[0]} | 3 | 100% | 100% | 1 (" in text and f"| {PLACES[-1]} | 0 | - |" in text
    assert "1 of 3 pages could not be digitized" in text


def test_the_command_goes_on_where_it_stopped(tesseract, folder, tmp_path, capsys):
    done = outcome("clean", 3, 0)
    out = tmp_path / "out"
    given = ["clean", "--data", str(folder), "--pages", "1", "--jobs", "1", "--out", str(out)]
    out.mkdir()
    seed = 1000 * deidentification.FOLD
    (out / "deidentification.jsonl").write_text(json.dumps(asdict(replace(done, seed=seed))) + "\n")
    main([*given, "--resume"])
    assert load(out / "deidentification.jsonl") == [replace(done, seed=seed)]
    assert "| clean | 1 | 4 | 75% |" in (out / "deidentification.md").read_text()
    assert "| all | 1 | 4 | 75% |" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"), [(["clear"], "unknown preset 'clear'"), (["--pages", "0"], "--pages: 0")]
)
def test_wrong_options_are_told(arguments, message, capsys):
    with pytest.raises(SystemExit):
        main(arguments)
    assert message in capsys.readouterr().err


def test_without_the_ocr_nothing_is_shown(monkeypatch, capsys):
    monkeypatch.setattr(ocr, "TESSERACT", "no-such-command")
    with pytest.raises(SystemExit):
        main(["clean"])
    assert "tesseract-ocr" in capsys.readouterr().err
