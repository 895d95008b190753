from __future__ import annotations

import re
from dataclasses import replace

import pytest
import wfdb

from classify import Interpretation
from classify.records.beats import NOT_READ, Beat, Beats
from digitize.records.page import Page
from digitize.render.overlay import Annotation
from papertrace.cli.annotations import beat_annotations, write_beats
from papertrace.cli.html import build_html
from papertrace.cli.plan import Job
from papertrace.cli.report import build_report
from tests.measured import MEASURED

KINDS = "NNVNS"


@pytest.fixture
def report(leads, paper):
    """Make a report from beats, and other strips than the page's."""

    def make(beats: Beats, strips=leads.strips):
        interpretation = Interpretation((), MEASURED, "0123456789ab", (), beats)
        job, page = Job("a.png", 0, "a.png", "a", ("a.png", "1"), ()), Page(paper, "a.png", None, 0)
        return build_report(job, page, replace(leads, strips=strips), interpretation, 1.0, refined=False)

    return make


def beats_of(piece: int) -> Beats:
    named = (Beat(0.4 * n, 200 * n, kind, 0.8, {"N": 0.2, "V": 0.8}) for n, kind in enumerate(KINDS))
    return Beats(tuple(named), "V6", piece, "abcdef")


def test_beats_have_the_time_of_the_page_and_of_their_strip(report, leads):
    told = report(beats_of(11))
    assert told["software"]["weights"]["beats"] == "abcdef"
    beats = told["beats"]
    assert (beats["lead"], beats["strip"], beats["reason"]) == ("V6", 11, None)
    assert leads.strips[11].lead == "V6" and leads.strips[11].start == 7.5
    assert beats["beats"][2] == {
        "time_s": 8.3,
        "strip_time_s": 0.8,
        "sample": 400,
        "class": "V",
        "probability": 0.8,
        "probabilities": {"N": 0.2, "V": 0.8},
    }


def test_strips_beyond_the_twelve_leads_are_counted(report, leads):
    strips = (replace(leads.strips[0], lead="V7"), *leads.strips)
    assert report(beats_of(11), strips)["beats"]["strip"] == 12


def test_beats_are_written_on_the_clock_of_their_record(report, leads, tmp_path):
    path = write_beats(report(beats_of(11)), leads.to_wfdb(tmp_path / "scan"))
    assert path == tmp_path / "scan.atr"
    read, record = wfdb.rdann(str(tmp_path / "scan"), "atr"), wfdb.rdrecord(str(tmp_path / "scan"))
    assert read.symbol == list(KINDS)
    assert read.sample.tolist() == [3750 + 200 * n for n in range(len(KINDS))]
    assert {record.sig_name[channel] for channel in read.chan} == {"V6"} and read.fs == leads.fs


def test_no_beats_leave_no_annotations(report, leads, tmp_path):
    assert write_beats(report(NOT_READ), leads.to_wfdb(tmp_path / "scan")) is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scan.dat", "scan.hea"]


def test_marks(report):
    assert beat_annotations(report(beats_of(11))) == (
        Annotation(11, 0), Annotation(11, 200), Annotation(11, 400, "V"), Annotation(11, 600), Annotation(11, 800, "S"),
    )  # fmt: skip


def test_a_reading_without_beats(report, paper, leads):
    told = report(NOT_READ)
    assert told["beats"] == {"lead": None, "strip": None, "reason": "the beats were not read", "beats": []}
    assert beat_annotations(told) == ()
    assert 'class="mark"' not in build_html("a", paper, leads, told)


def test_the_page_of_html_shows_and_counts_them(report, paper, leads):
    page = build_html("a", paper, leads, report(beats_of(11)))
    assert len(re.findall(r'<path class="mark"', page)) == 2
    assert "3 N, 1 S, 1 V" in page and "Beats by class, lead V6" in page
    assert "Ticks are beats" in page
