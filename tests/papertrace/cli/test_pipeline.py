from __future__ import annotations

import csv
import errno
import io
import json
import os
import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import wfdb
from PIL import Image

from classify import Interpretation, StatementResult, readers
from classify.records.beats import Beat, Beats
from classify.records.measurements import not_measured
from digitize import PageError
from digitize.export import FORMATS
from digitize.ink.look import look_at
from digitize.records.known import Known
from digitize.records.layouts import LEAD_NAMES
from digitize.version import __version__
from papertrace.cli import app
from papertrace.cli.formats import BEATS, suffixes_of
from papertrace.cli.manifest import COLUMNS, Row, from_cell
from tests.measured import MEASURED
from tests.papertrace.cli import stubs
from tests.papertrace.cli.runs import OVERVIEW
from tests.watch import Watched, watch

ROOT = Path(__file__).parents[3]
SUFFIXES = tuple(suffix for suffix in suffixes_of(("wfdb", "csv")) if suffix != BEATS)
"""Of a page without beats, as `INTERPRETATION` is."""
FINDINGS = (
    StatementResult("NORM", "normal ECG", "superclass", 0.75, 0.5, True),
    StatementResult("MI", "myocardial infarction", "superclass", 0.05, 0.3, False),
    StatementResult("SR", "sinus rhythm", "rhythm", 0.97, 0.6, True),
    StatementResult("AFIB", "atrial fibrillation", "rhythm", 0.02, 0.2, False),
)
INTERPRETATION = Interpretation(FINDINGS, MEASURED, "0123456789ab", ("V1 was not seen",))


@pytest.fixture
def calls(monkeypatch, leads):
    """Every page is read as `leads`; gives the list of `trace_leads` calls."""
    calls = []

    def trace_leads(page, **options):
        calls.append((page, options))
        return leads

    monkeypatch.setattr(app, "Pool", stubs.Inline)
    stubs.digitize_by(monkeypatch.setattr, trace_leads)
    monkeypatch.setattr(readers, "interpret", lambda leads: INTERPRETATION)
    return calls


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def names_in(folder: Path) -> list[str]:
    """Files of a folder apart from manifest and table and the note of what was in flight."""
    return sorted({file.name for file in folder.iterdir()} - OVERVIEW - {"manifest.csv", ".papertrace.started"})


def outputs(*names: str) -> list[str]:
    return sorted(name + suffix for name in names for suffix in SUFFIXES)


def manifest_of(folder: Path) -> list[Row]:
    with open(folder / "manifest.csv", newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert tuple(header) == COLUMNS
    return [Row(*map(from_cell, row)) for row in rows]


def error_lines(capsys) -> list[str]:
    lines = capsys.readouterr().err.splitlines()
    assert all(line.startswith("papertrace: ") for line in lines)
    assert not any("Traceback" in line for line in lines)
    return lines


def test_a_page_leaves_five_files_and_a_summary(calls, leads, paper, as_png, out, capsys):
    scan = as_png(paper, "scan.png")
    assert app.main([scan, "--out", str(out)]) == 0
    assert names_in(out) == outputs("scan")
    record = wfdb.rdrecord(str(out / "scan"))
    np.testing.assert_allclose(record.p_signal.T, leads.signal, atol=0.00051)
    np.testing.assert_allclose(pd.read_csv(out / "scan.csv").iloc[:, 1:].to_numpy().T, leads.signal, atol=1e-6)
    with Image.open(out / "scan.overlay.png") as overlay:
        assert (np.asarray(overlay) == leads.overlay(paper)).all()
    captured = capsys.readouterr()
    assert captured.err == ""
    for told in (
        "3x4+II, 13 strips, the longest 9.9 s",
        "25 mm/s (read), 10 mm/mV (assumed), 4.00 pixels/mm (grid)",
        "75/min",
        " 97%  sinus rhythm",
        " 75%  normal ECG",
        "gain not found",
        "V1 was not seen",
    ):
        assert told in captured.out
    assert "myocardial" not in captured.out


def test_a_page_to_read(calls, paper, tmp_path, out):
    pages = [Image.fromarray(paper)] * 2
    pages[0].save(tmp_path / "a & b.tif", save_all=True, append_images=pages[1:])
    assert app.main([str(tmp_path / "a & b.tif"), "--out", str(out), "--html"]) == 0
    assert names_in(out) == sorted([*outputs("a_b-1", "a_b-2"), "a_b-1.html", "a_b-2.html"])
    page = (out / "a_b-2.html").read_text(encoding="utf-8")
    assert "<h1>a &amp; b.tif, page 2</h1>" in page and "sinus rhythm" in page
    assert str(tmp_path) not in page, "who reads it need not know the folders"
    assert manifest_of(out)[1].files[-3:] == ("a_b-2.html", "a_b-2.json", "a_b-2.overlay.png")


def test_report(calls, leads, paper, as_png, out):
    scan = as_png(paper, "scan.png")
    app.main([scan, "--out", str(out)])
    report = json.loads((out / "scan.json").read_text(), parse_constant=pytest.fail)
    assert list(report) == [
        "format",
        "notice",
        "software",
        "source",
        "reader",
        "statements",
        "rhythm",
        "explanation",
        "measurements",
        "beats",
        "layout",
        "geometry",
        "calibration",
        "quality",
        "warnings",
        "seconds",
        "edits",
        "thumbnail",
    ]
    assert report["format"] == "papertrace-report/2"
    assert report["software"]["version"] == __version__
    assert report["software"]["weights"]["classify"] == "0123456789ab"
    assert report["source"] == {"file": scan, "page": 1, "width": 1100, "height": 600, "dpi": None, "traces": "raster"}
    assert report["statements"][0] == {
        "code": "NORM",
        "name": "normal ECG",
        "group": "superclass",
        "probability": 0.75,
        "threshold": 0.5,
        "present": True,
        "reason": None,
        "excluded_by": None,
    }
    assert len(report["statements"]) == 4
    assert report["rhythm"] == "SR"
    assert report["explanation"] is None
    measured = report["measurements"]
    assert (measured["heart_rate"], measured["pr"], measured["qtc"], measured["axis"]) == (75.4, 162.0, 411.2, None)
    assert (measured["qtc_formula"], measured["leads"], measured["averaged"]) == ("Fridericia", ["II"], 11)
    assert measured["reasons"] == {"axis": "limb leads with a whole QRS complex: I; an axis needs two"}
    assert measured["notes"] == {"qtc": "a note on <QTc>"} and measured["units"]["axis"] == "degrees"
    assert report["layout"] == "3x4+II"
    assert report["calibration"] == {
        "speed": 25.0,
        "gain": 10.0,
        "speed_source": "read",
        "gain_source": "assumed",
        "pixels_per_mm": 4.0,
        "pitch_source": "grid",
    }
    assert report["geometry"]["page_size"] == [1100, 600]
    assert report["quality"]["leads"]["V6"] == {"seconds": 2.4, "confidence": pytest.approx(0.8417, abs=0.001)}
    assert [strip["lead"] for strip in report["quality"]["strips"]] == [strip.lead for strip in leads.strips]
    assert report["warnings"] == [*leads.warnings, "V1 was not seen"]
    assert report["seconds"] > 0


def test_a_statement_is_explained_where_asked(calls, leads, paper, as_png, out, capsys):
    told = INTERPRETATION.explain(leads, "AFIB")
    assert app.main([as_png(paper, "scan.png"), "--out", str(out), "--html", "--explain", "afib"]) == 0
    with Image.open(out / "scan.overlay.png") as overlay:
        assert (np.asarray(overlay) == leads.overlay(paper, shade=told.shade)).all()
    explanation = json.loads((out / "scan.json").read_text())["explanation"]
    assert explanation["code"] == "AFIB" and explanation["reason"] is None and explanation["text"] == told.text
    assert sum(explanation["by_lead"].values()) == pytest.approx(1, abs=1e-4)
    assert f"  explained   {told.text}\n" in capsys.readouterr().out
    assert told.text in (out / "scan.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("asked", "reason", "told"),
    [
        ("likeliest", None, "nothing to explain: no abnormal statement is above its threshold"),
        ("AFIB", "needs <a strip>", "atrial fibrillation (AFIB): not assessable: needs <a strip>"),
    ],
)
def test_what_cannot_be_explained_is_said(calls, paper, as_png, out, monkeypatch, capsys, asked, reason, told):
    findings = tuple(replace(f, probability=None, reason=reason) if f.code == asked else f for f in FINDINGS)
    monkeypatch.setattr(readers, "interpret", lambda leads: replace(INTERPRETATION, statements=findings))
    assert app.main([as_png(paper, "scan.png"), "--out", str(out), "--html", "--explain", asked]) == 0
    assert f"  explained   {told}\n" in capsys.readouterr().out
    assert json.loads((out / "scan.json").read_text())["explanation"]["text"] == told
    assert told.replace("<", "&lt;").replace(">", "&gt;") in (out / "scan.html").read_text(encoding="utf-8")


def test_report_of_a_page_on_which_little_is_known(calls, leads, paper, as_png, out, monkeypatch, capsys):
    signal = np.full_like(leads.signal, np.nan)
    signal[1] = leads.signal[1]
    few = replace(leads, signal=signal, calibration=replace(leads.calibration, pixels_per_mm=float("nan")))
    none = tuple(replace(found, present=False) for found in FINDINGS)
    unknown = replace(INTERPRETATION, statements=none, measurements=not_measured("too short"))
    stubs.digitize_by(monkeypatch.setattr, lambda page, **options: few)
    monkeypatch.setattr(readers, "interpret", lambda leads: unknown)
    monkeypatch.setattr(type(leads), "overlay", lambda self, image, *_: image)
    assert app.main([as_png(paper, "scan.png"), "--out", str(out)]) == 0
    report = json.loads((out / "scan.json").read_text(), parse_constant=pytest.fail)
    assert report["calibration"]["pixels_per_mm"] is None
    assert report["quality"]["leads"]["I"] == {"seconds": 0.0, "confidence": None}
    assert report["rhythm"] is None
    printed = capsys.readouterr().out
    assert "  measured    heart rate -, PR -, QRS -, QT/QTc -, axis -, RR intervals vary by -\n" in printed
    assert "none above its threshold" in printed
    assert "unknown pixels/mm" in printed


@pytest.mark.parametrize(("count", "last"), [(8, "  20%  statement 8"), (11, "(and 3 more, see scan.json)")])
def test_a_summary_lists_the_most_probable_statements(calls, paper, as_png, out, monkeypatch, capsys, count, last):
    every = [StatementResult(f"S{n}", f"statement {n}", "form", 1 - n / 10, 0.0, True) for n in range(1, count + 1)]
    monkeypatch.setattr(readers, "interpret", lambda leads: replace(INTERPRETATION, statements=tuple(every[::-1])))
    assert app.main([as_png(paper, "scan.png"), "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    told = [line for line in printed.splitlines() if "  statement " in line]
    assert [line.split("  ")[-1] for line in told] == [f"statement {n}" for n in range(1, 9)]
    assert last in printed
    assert ("more, see" in printed) == (count > 8)
    assert len(json.loads((out / "scan.json").read_text())["statements"]) == count


def test_options_reach_the_digitization(calls, paper, as_png, out):
    scan = as_png(paper, "scan.png")
    app.main([scan, "--out", str(out), "--layout", "6x2+V1", "--speed", "50", "--gain", "5"])
    page, options = calls[0]
    assert options == {"known": Known("6x2+V1", 50.0, 5.0), "look": look_at, "refine": True}
    assert (page.image == paper).all()
    assert page.name == scan
    app.main([scan, "--out", str(out), "--overwrite", "--no-refine"])
    assert calls[1][1] == {"known": Known(), "look": None, "refine": False}
    versions = json.loads((out / "scan.json").read_text())["software"]["weights"]
    assert versions["confidence"] and versions["refine"] is None


@pytest.mark.parametrize("kind", ["tiff", "pdf"])
def test_many_pages(calls, paper, tmp_path, out, kind, capsys):
    path = tmp_path / f"round.{kind}"
    image = Image.fromarray(paper)
    image.save(path, save_all=True, append_images=[image, image])
    assert app.main([str(path), "--out", str(out)]) == 0
    assert names_in(out) == outputs("round-1", "round-2", "round-3")
    assert json.loads((out / "round-2.json").read_text())["source"]["page"] == 2
    assert "round." + kind + ", page 3 ->" in capsys.readouterr().out


def test_a_bad_page_of_many_spoils_no_other(calls, paper, tmp_path, out, capsys):
    path = tmp_path / "round.tiff"
    image = Image.fromarray(paper)
    image.save(path, save_all=True, append_images=[image.crop((0, 0, 50, 50)), image])
    assert app.main([str(path), "--out", str(out)]) == 1
    assert names_in(out) == outputs("round-1", "round-3")
    (line,) = error_lines(capsys)
    assert "round.tiff, page 2: 50 x 50 pixels is too small" in line


def test_file_names_are_made_fit_for_wfdb(calls, paper, as_png, out):
    assert app.main([as_png(paper, "Müller, 3. Mai.png"), "--out", str(out)]) == 0
    assert names_in(out) == outputs("Muller_3_Mai")
    assert wfdb.rdrecord(str(out / "Muller_3_Mai")).n_sig == 12


BAD_FILES = {
    "empty.png": b"",
    "text.png": b"dear doctor",
    "cut.png": None,
    "cut.jpg": None,
    "broken.pdf": b"%PDF-1.4\nnothing\n%%EOF",
    "wide.png": None,
    "small.png": None,
}


@pytest.fixture
def bad_files(tmp_path, paper):
    folder = tmp_path / "bad"
    folder.mkdir()
    image = Image.fromarray(paper)
    for name, content in BAD_FILES.items():
        path = folder / name
        if content is None:
            if name.startswith("wide"):
                image.resize((20_001, 200)).save(path)
            elif name.startswith("small"):
                image.resize((300, 99)).save(path)
            else:
                image.save(path)
                path.write_bytes(path.read_bytes()[:-900])
        else:
            path.write_bytes(content)
    return folder


def test_bad_files_are_one_line_each_and_spoil_no_other(calls, paper, as_png, bad_files, tmp_path, out, capsys):
    scan = as_png(paper, "scan.png")
    bad = [str(bad_files / name) for name in BAD_FILES]
    (tmp_path / "hollow").mkdir()
    bad += [str(tmp_path / "hollow"), str(tmp_path / "missing.png"), "x" * 5000]
    assert app.main([bad[0], scan, *bad[1:], "--out", str(out)]) == 1
    assert names_in(out) == outputs("scan")
    lines = error_lines(capsys)
    assert len(lines) == len(bad)
    for path in bad:
        assert sum(path in line for line in lines) >= 1


def test_nothing_is_made_when_no_page_can_be_read(calls, bad_files, out):
    assert app.main([str(bad_files / "text.png"), "--out", str(out)]) == 1
    assert names_in(out) == []


def test_no_permission(calls, paper, as_png, out, capsys, monkeypatch):
    scan = as_png(paper, "scan.png")
    if os.geteuid() == 0:  # whom no permission stops: the system's answer to others is put in its place

        def refuse(*_):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), scan)

        monkeypatch.setattr("digitize.pages.page.open", refuse, raising=False)
    else:
        os.chmod(scan, 0)
    assert app.main([scan, "--out", str(out)]) == 1
    assert error_lines(capsys) == [f"papertrace: {scan}: no permission to read it"]


def test_a_page_without_an_ecg(calls, paper, as_png, out, monkeypatch, capsys):
    def find_nothing(page, **options):
        raise PageError(f"{page.name}: no ECG found")

    stubs.digitize_by(monkeypatch.setattr, find_nothing)
    scan = as_png(paper, "scan.png")
    assert app.main([scan, "--out", str(out)]) == 1
    assert error_lines(capsys) == [f"papertrace: {scan}: no ECG found"]
    assert names_in(out) == []


@pytest.mark.parametrize(
    "error", [ValueError("the weights do not fit"), FileNotFoundError("weights.safetensors: no such file")]
)
def test_a_page_without_statements_keeps_its_leads(calls, leads, paper, as_png, out, monkeypatch, capsys, error):
    def fail(leads):
        raise error

    monkeypatch.setattr(readers, "interpret", fail)
    scan = as_png(paper, "scan.png")
    assert app.main([scan, "--out", str(out), "--html", "--explain", "AFIB"]) == 0
    assert names_in(out) == sorted([*outputs("scan"), "scan.html", "scan.atr"])
    np.testing.assert_allclose(wfdb.rdrecord(str(out / "scan")).p_signal.T, leads.signal, atol=0.00051)
    report = json.loads((out / "scan.json").read_text(), parse_constant=pytest.fail)
    assert (report["statements"], report["rhythm"]) == ([], None)
    assert report["reader"] == {"asked": "signal", "used": None, "reason": str(error)}
    assert report["quality"]["verdict"] == "usable" and report["measurements"]["heart_rate"] is not None
    assert f"no statements: {error}" in report["warnings"]
    assert f"None could be made: {error}." in (out / "scan.html").read_text()
    captured = capsys.readouterr()
    assert captured.err == "" and f"statements  none: {error}" in captured.out
    assert manifest_of(out)[0].status == "read"


@pytest.mark.parametrize("seconds", [0.25, 0.5])
def test_strips_from_a_quarter_of_a_second_are_written(leads, paper, as_png, out, monkeypatch, capsys, seconds):
    n = round(500 * seconds)
    strips = tuple(
        replace(of, start=0.0, signal=of.signal[:n], confidence=of.confidence[:n], path=of.path[:n])
        for of in leads.strips[:2]
    )
    signal, confidence = np.full((12, n), np.nan, np.float32), np.zeros((12, n), np.float32)
    for of in strips:
        row = LEAD_NAMES.index(of.lead)
        signal[row], confidence[row] = of.signal, of.confidence
    crop = replace(leads, signal=signal, confidence=confidence, strips=strips, layout="custom-1x2")
    monkeypatch.setattr(app, "Pool", stubs.Inline)
    stubs.digitize_by(monkeypatch.setattr, lambda page, **options: crop)
    every = ",".join(FORMATS)
    scan = as_png(paper, "scan.png")
    assert app.main([scan, "--out", str(out), "--html", "--format", every]) == 0
    assert names_in(out) == sorted("scan" + suffix for suffix in suffixes_of(tuple(FORMATS), True) if suffix != BEATS)
    np.testing.assert_allclose(pd.read_csv(out / "scan.csv").iloc[:, 1:].to_numpy().T, signal, atol=1e-6)
    assert json.loads((out / "scan.json").read_text())["reader"]["reason"] == "no strip holds 1 s of signal"
    assert "statements  none: no strip holds 1 s of signal" in capsys.readouterr().out


def test_a_finished_run_again_is_done_before(calls, paper, as_png, out, capsys):
    scans = [as_png(paper, f"{name}.png") for name in "abc"]
    assert app.main([*scans, "--out", str(out)]) == 0
    before = set(manifest_of(out))
    capsys.readouterr()
    for arguments, count in ((scans, 3), (scans[:1], 1), ([*scans[:1], "--resume"], 1)):
        assert app.main([*arguments, "--out", str(out)]) == 0
        captured = capsys.readouterr()
        assert captured.err == ""
        assert captured.out.splitlines() == [
            f"done before: {count} (--overwrite reads them again)",
            f"  details: {out}/manifest.csv",
        ]
    assert len(calls) == 3 and set(manifest_of(out)) == before
    assert app.main([*scans, as_png(paper, "d.png"), "--out", str(out)]) == 0
    assert len(calls) == 4 and "  done before: 3 (" in capsys.readouterr().out
    assert app.main([*scans[:1], "--out", str(out), "--html"]) == 1
    assert error_lines(capsys) == [f"papertrace: {scans[0]}: {out}/a.hea exists; --overwrite replaces it"]


def test_beats_that_are_not_ordinary_are_told(calls, paper, as_png, out, monkeypatch, capsys):
    kinds = "NNVNSNN"
    beats = tuple(Beat(0.8 * n + 0.4, 400 * n + 200, kind, 0.95, {}) for n, kind in enumerate(kinds))
    monkeypatch.setattr(
        readers, "interpret", lambda leads: replace(INTERPRETATION, beats=Beats(beats, "II", 12, "0123456789ab"))
    )
    assert app.main([as_png(paper, "scan.png"), "--out", str(out)]) == 0
    told = "beats       7 in lead II; supraventricular ectopic (S): 3.6 s 95%; ventricular ectopic (V): 2.0 s 95%"
    assert told in capsys.readouterr().out


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (RuntimeError("two\nlines"), "internal error: RuntimeError: two lines; please report it"),
        (MemoryError(), "not enough memory"),
    ],
)
def test_a_failing_reading(calls, paper, as_png, out, monkeypatch, capsys, error, told):
    def fail(leads):
        raise error

    monkeypatch.setattr(readers, "interpret", fail)
    scan = as_png(paper, "scan.png")
    assert app.main([scan, "--out", str(out)]) == 1
    assert error_lines(capsys) == [f"papertrace: {scan}: {told}"]
    assert names_in(out) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_nothing_is_overwritten_without_leave(calls, paper, as_png, out, capsys, suffix):
    scan, other = as_png(paper, "scan.png"), as_png(paper, "other.png")
    out.mkdir()
    (out / f"scan{suffix}").write_text("mine")
    assert app.main([scan, other, "--out", str(out)]) == 1
    assert (out / f"scan{suffix}").read_text() == "mine"
    assert names_in(out) == sorted([*outputs("other"), f"scan{suffix}"])
    assert error_lines(capsys) == [f"papertrace: {scan}: {out}/scan{suffix} exists; --overwrite replaces it"]
    assert len(calls) == 1, "the refused page cost no work"
    assert app.main([scan, other, "--out", str(out), "--overwrite"]) == 0
    assert names_in(out) == outputs("other", "scan")


def test_pages_of_one_name_do_not_replace_each_other(calls, paper, as_png, out, capsys):
    first, second, third = (as_png(paper, name) for name in ("a/scan.png", "b/scan.png", "c/SCAN.png"))
    assert app.main([first, second, third, first, "--out", str(out)]) == 0
    rows = manifest_of(out)
    assert [row.file for row in rows] == ["../a/scan.png", "../b/scan.png", "../c/SCAN.png"]
    stems = [row.files[0].removesuffix(".hea") for row in rows]
    assert stems[0] == "scan"
    assert len({stem.lower() for stem in stems}) == 3
    assert names_in(out) == outputs(*stems)
    for stem, source in zip(stems, (first, second, third), strict=True):
        assert json.loads((out / f"{stem}.json").read_text())["source"]["file"] == source
    assert app.main([third, second, first, "--out", str(out), "--overwrite"]) == 0
    assert names_in(out) == outputs(*stems), "who comes first does not matter once a page has its name"


@pytest.mark.parametrize("stage", ["wfdb", "overlay"])
def test_a_failing_write_leaves_nothing(calls, leads, paper, as_png, out, monkeypatch, capsys, stage):
    def fail(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if stage == "overlay":
        monkeypatch.setattr(type(leads), stage, fail)
    else:
        monkeypatch.setitem(FORMATS, stage, replace(FORMATS[stage], writer=fail))
    scan = as_png(paper, "scan.png")
    assert app.main([scan, "--out", str(out)]) == 1
    assert names_in(out) == []
    assert error_lines(capsys) == [f"papertrace: {scan}: [Errno 28] No space left on device"]


@pytest.mark.parametrize("stage", ["trace", "write"])
def test_interruption_leaves_nothing_half_written(calls, leads, paper, as_png, out, monkeypatch, capsys, stage):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    first, second = as_png(paper, "first.png"), as_png(paper, "second.png")
    assert app.main([first, "--out", str(out)]) == 0
    if stage == "trace":
        stubs.digitize_by(monkeypatch.setattr, interrupt)
    else:
        monkeypatch.setattr(type(leads), "overlay", interrupt)
    capsys.readouterr()
    assert app.main([second, first, "--out", str(out), "--overwrite"]) == 130
    assert names_in(out) == outputs("first")
    assert error_lines(capsys) == ["papertrace: interrupted; --resume goes on from here"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "the following arguments are required: PAGE"),
        (["scan.png", "--layout", "5x5"], "unknown layout '5x5'; "),
        (["scan.png", "--layout", "3x4+IX"], "unknown rhythm lead 'IX'"),
        (["scan.png", "--timeout", "9"], "'9': allowed: 10 to 86400 s"),
        (["scan.png", "--timeout", "1e9"], "'1e9': allowed: 10 to 86400 s"),
        (["scan.png", "--timeout", "nan"], "'nan': allowed: 10 to 86400 s"),
        (["scan.png", "--layout", "cabrara-3x4"], "unknown layout 'cabrara-3x4'; did you mean 'cabrera-3x4'?"),
        (["scan.png", "--speed", "0"], "'0': allowed: 5 to 200 mm/s"),
        (["scan.png", "--speed", "inf"], "'inf': allowed: 5 to 200 mm/s"),
        (["scan.png", "--speed", "1e-300"], "'1e-300': allowed: 5 to 200 mm/s"),
        (["scan.png", "--gain", "ten"], "'ten': allowed: 1 to 100 mm/mV"),
        (["scan.png", "--gain", "1e12"], "'1e12': allowed: 1 to 100 mm/mV"),
        (["scan.png", "--out", __file__], "is a file, not a folder"),
        (["scan.png", "--explain", "FLU"], "unknown statement 'FLU'; allowed: likeliest, NORM, MI,"),
        (["scan.png", "--color"], "unrecognized arguments: --color"),
    ],
)
def test_usage_errors(calls, capsys, arguments, told):
    with pytest.raises(SystemExit) as caught:
        app.main(arguments)
    assert caught.value.code == 2
    assert told in capsys.readouterr().err
    assert not calls


@pytest.mark.skipif(sys.platform != "linux", reason="other systems allow no such file names")
def test_names_that_are_no_text(calls, paper, as_png, tmp_path, out, capsys):
    odd = os.fsdecode(str(tmp_path / "\u03b1").encode() + b"\xff.png")
    os.rename(as_png(paper, "scan.png"), odd)
    assert app.main([odd, odd + "x", "--out", str(out)]) == 1
    assert names_in(out) == outputs("_")
    assert json.loads((out / "_.json").read_text())["source"]["file"] == odd
    captured = capsys.readouterr()
    assert "\\udcff.png ->" in captured.out
    assert captured.err.count("no such file") == 1


def test_a_reader_that_leaves(calls, paper, as_png, out, monkeypatch):
    def leave(self, text):
        raise BrokenPipeError

    monkeypatch.setattr(app.Progress, "tell", leave)
    closed = []
    monkeypatch.setattr(app.os, "dup2", lambda source, target: closed.append(target))
    assert app.main([as_png(paper, "scan.png"), "--out", str(out)]) == 1
    assert names_in(out) == outputs("scan")
    assert len(closed) == 1


def test_results_go_to_the_current_folder_by_default(calls, paper, as_png, tmp_path, monkeypatch):
    scan = as_png(paper, "in/scan.png")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert app.main([scan]) == 0
    assert names_in(tmp_path / "here") == outputs("scan")


@dataclass(frozen=True)
class Run:
    """The command as a user runs it, on a page that the project gives to try."""

    folder: Path
    name: str
    watched: Watched


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "deidentified"])
def run(request, tmp_path_factory) -> Run:
    """The real thing, with every thread and worker watched, and a home and a temporary folder of its own."""
    samples = sorted((ROOT / "samples").glob("*.png"))
    assert samples, "samples/ holds no pages"
    folder = tmp_path_factory.mktemp("run")
    places = ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "TMPDIR")
    environment = {name: str(folder / "elsewhere" / name) for name in places}
    for place in environment.values():
        Path(place).mkdir(parents=True)
    if request.param:
        # Not even root can write there: so it is in a home that is read-only.
        environment |= {name: f"{os.devnull}/{name}" for name in places if name != "TMPDIR"}
    command = [sys.executable, str(ROOT / "pipeline.py"), str(samples[0]), "missing.png", "--out", "results", "--html"]
    command += ["--deidentify"] * request.param
    return Run(folder, "page-0001" if request.param else samples[0].stem, watch(command, folder, environment))


def test_the_command_from_start_to_end(run):
    done, results = run.watched.done, run.folder / "results"
    assert done.stderr == "papertrace: missing.png: no such file\n"
    assert done.returncode == 1
    assert names_in(results) == sorted([*outputs(run.name), f"{run.name}.html", run.name + BEATS])
    report = json.loads((results / f"{run.name}.json").read_text())
    record = wfdb.rdrecord(str(results / run.name))
    assert record.fs == 500
    assert np.isfinite(record.p_signal).any(axis=0).sum() == 12
    assert 30 < report["measurements"]["heart_rate"] < 200
    assert all(0 <= found["probability"] <= 1 for found in report["statements"])
    assert f"{report['measurements']['heart_rate']:.0f}/min" in done.stdout
    failed = [("", "failed")] * (run.name != "page-0001")
    assert [(row.page, row.status) for row in manifest_of(results)] == [("1", "read"), *failed]


def test_nothing_leaves_the_machine(run, can_watch):
    assert run.watched.leaks == ()


def test_nothing_is_written_elsewhere(run):
    assert sorted(path.name for path in run.folder.iterdir()) == ["elsewhere", "results"]
    assert [path for path in (run.folder / "elsewhere").rglob("*") if not path.is_dir()] == []


def test_one_line_of_json_a_page(calls, paper, as_png, tmp_path, out, capsys):
    folder = Path(as_png(paper, "in/scan.png")).parent
    (folder / "broken.png").write_bytes(b"x")
    assert app.main([str(folder), "--out", str(out), "--json"]) == 1
    captured = capsys.readouterr()
    broken, read = (json.loads(line) for line in captured.out.splitlines())
    assert (broken["status"], broken["page"], broken["outputs"]) == ("failed", None, [])
    assert "not a page picture" in broken["error"]
    assert read["outputs"] == [f"scan{suffix}" for suffix in SUFFIXES]
    assert (read["status"], read["verdict"], read["page"], read["layout"]) == ("read", "usable", 1, "3x4+II")
    assert (read["heart_rate"], read["rhythm"], read["statements"]) == (75.4, "SR", {"SR": 0.97, "NORM": 0.75})
    assert read["warnings"] == ["gain not found on the page: 10 mm/mV assumed", "V1 was not seen"]
    assert len(captured.err.splitlines()) == 1


def test_quiet(calls, paper, as_png, out, capsys):
    pages = [as_png(paper, name) for name in ("a.png", "b.png")]
    assert app.main([*pages, "missing.png", "--out", str(out), "--quiet"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "papertrace: missing.png: no such file\n"


def test_many_pages_are_told_in_a_table(calls, paper, tmp_path, out, capsys):
    image = Image.fromarray(paper[:200, :200])
    image.save(tmp_path / "ward.tiff", save_all=True, append_images=[image] * 21)
    assert app.main([str(tmp_path / "ward.tiff"), "missing.png", "--out", str(out)]) == 1
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("23 pages in ")
    assert printed[0].endswith(" pages/s")
    assert printed[1:] == ["  usable           22", "  failed            1", f"  details: {out}/manifest.csv"]


@pytest.mark.parametrize("quiet", [False, True])
def test_a_bar_with_failures_on_a_terminal(calls, paper, as_png, out, monkeypatch, quiet):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    pages = [as_png(paper, "a.png"), as_png(paper[:50], "b.png"), as_png(paper, "c.png")]
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert app.main([*pages, "--out", str(out), *(["--quiet"] if quiet else [])]) == 1
    for told in ("reading", "pages/s", "left", "failed 1"):
        assert (told in terminal.getvalue()) != quiet
    assert "papertrace: " in terminal.getvalue()


def test_help_fits_on_a_screen(capsys):
    with pytest.raises(SystemExit) as caught:
        app.main(["--help"])
    assert caught.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) < 45
    assert max(map(len, lines)) <= 80
    assert "examples:" in lines
    assert any(line.startswith("exit codes:") for line in lines)


@pytest.mark.parametrize(
    "name", ["\x1b[2Jscan.png", "a\nb.png", "~.png", "-.png", "CON.png", "x" * 250 + ".png", "a;b=c.png"]
)
def test_names_that_play_tricks(calls, paper, as_png, tmp_path, out, capsys, name):
    as_png(paper, f"in/{name}")
    assert app.main([str(tmp_path / "in"), "--out", str(out)]) == 0
    (row,) = manifest_of(out)
    assert row.status == "read" and row.file == f"../in/{name}"
    assert all(line.isprintable() for line in (out / "manifest.csv").read_text().split("\n"))
    assert names_in(out) == sorted(row.files)
    assert all(re.fullmatch(r"[-\w]+(\.\w+)+", file) for file in row.files)
    assert "\x1b" not in capsys.readouterr().out
    assert app.main([str(tmp_path / "in"), "--out", str(out), "--resume"]) == 0
    assert len(calls) == 1


def test_a_link_in_the_place_of_a_result_is_not_written_through(calls, paper, as_png, tmp_path, out, capsys):
    scan = as_png(paper, "scan.png")
    out.mkdir()
    (tmp_path / "victim").write_text("precious")
    (out / "scan.csv").symlink_to(tmp_path / "victim")
    (out / "scan.json").symlink_to(tmp_path / "nowhere")
    assert app.main([scan, "--out", str(out)]) == 1
    assert app.main([scan, "--out", str(out), "--overwrite"]) == 0
    assert (tmp_path / "victim").read_text() == "precious"
    assert not (tmp_path / "nowhere").exists()
    assert (out / "scan.csv").is_file() and not (out / "scan.csv").is_symlink()


def test_a_link_in_the_place_of_a_folder_of_results_is_not_written_through(calls, paper, as_png, tmp_path, out, capsys):
    as_png(paper, "in/deep/er/scan.png")
    (tmp_path / "elsewhere").mkdir()
    (out / "deep").mkdir(parents=True)
    (out / "deep" / "er").symlink_to(tmp_path / "elsewhere")
    assert app.main([str(tmp_path / "in"), "--out", str(out), "--overwrite"]) == 1
    (line,) = error_lines(capsys)
    assert line.endswith(f"scan.png: {out}/deep/er is a link; results are not written through it")
    assert os.listdir(tmp_path / "elsewhere") == []


@pytest.mark.skipif(sys.platform == "win32", reason="there, a folder in use cannot be taken away")
@pytest.mark.parametrize("instead", ["nothing", "file", "folder"])
@pytest.mark.parametrize("page", ["a", "b"])
def test_a_folder_of_results_that_is_taken_away_under_way(
    calls, leads, paper, as_png, tmp_path, out, monkeypatch, capsys, instead, page
):
    def take_away(source, **options):
        if source.name.endswith(f"{page}.png"):
            os.rename(out, tmp_path / "away")
            if instead == "file":
                out.write_text("mine")
            elif instead == "folder":
                out.mkdir()
        return leads

    stubs.digitize_by(monkeypatch.setattr, take_away)
    assert app.main([as_png(paper, "a.png"), as_png(paper, "b.png"), "--out", str(out)]) == 2
    (line,) = error_lines(capsys)
    assert f"{out}/manifest.csv: cannot be written: " in line or f"{out}/.papertrace.started: cannot be" in line
