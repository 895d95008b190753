"""A report is written whole: texts, tables, the line that says what it was made with, and the same for machines."""

from __future__ import annotations

import json
import math

import pytest

from papertrace.benchmarks.options import parser_for
from papertrace.benchmarks.report import Report, Section, Table, provenance, table
from papertrace.metrics.scores import Interval


def test_provenance_and_tables():
    made_with = provenance()
    assert made_with["commit"] is None or made_with["commit"].removesuffix("-dirty").isalnum()
    json.dumps(made_with, allow_nan=False)
    assert table(["a"], [["x|y\nz"]]) == ["| a |", "| --- |", "| x/y z |"]


def test_a_report_leaves_both_files_and_tells_itself(tmp_path, capsys):
    made_with = provenance()
    sections = [Section("", ["Ratios."]), Section("Leads", [Table(["lead", "dB"], [["I", 3]]), "One."])]
    report = Report("leads", "All leads", sections, made_with, {"I": Interval(3.0, 2.0, math.inf), "II": [math.nan]})
    report.write(tmp_path / "out")
    text = (tmp_path / "out" / "leads.md").read_text(encoding="utf-8")
    assert text == capsys.readouterr().out
    assert text.startswith(
        "# All leads\n\nRatios.\n\n## Leads\n\n| lead | dB |\n| --- | --- |\n| I | 3 |\n\nOne.\n\nMade on "
    )
    assert made_with["date"] in text and text.endswith(" cores.\n")
    told = json.loads((tmp_path / "out" / "leads.json").read_text(encoding="utf-8"))
    assert told == {"I": {"value": 3.0, "low": 2.0, "high": None}, "II": [None]}


def test_a_report_without_data_is_markdown_alone(tmp_path):
    Report("leads", "All leads", []).write(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["leads.md"]


def test_nothing_is_left_of_a_report_that_cannot_be_written(tmp_path):
    with pytest.raises(TypeError):
        Report("leads", "All leads", [], {}, {"I": object()}).write(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("given", [["--jobs", "0"], ["--pages", "-1"], ["--jobs", "two"]])
def test_numbers_that_are_not_allowed_are_told(given, capsys):
    with pytest.raises(SystemExit):
        parser_for("leads", "Score the leads.", jobs=1, pages=5).parse_args(given)
    assert f"{given[1]}; allowed: whole numbers from 1" in capsys.readouterr().err
