from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import wfdb

from papertrace.cli.app import main
from papertrace.cli.compare import compare_runs
from tests.papertrace.cli.runs import read_row, report_of, ward, write_run


def record(path, amplitude: float) -> None:
    signal = amplitude * np.sin(np.arange(500.0))[:, None]
    wfdb.wrsamp(
        path.name, fs=500, units=["mV"], sig_name=["II"], p_signal=signal, fmt=["16"], write_dir=str(path.parent)
    )


def test_equal_runs(tmp_path, capsys):
    runs = [str(ward(tmp_path / name)) for name in "AB"]
    assert main(["compare", *runs]) == 0
    assert capsys.readouterr().out.strip() == "4 pages in both runs, 0 of them differ"


def test_what_differs_is_told_page_by_page(tmp_path, capsys):
    first, second = ward(tmp_path / "A", qrs=90.0), ward(tmp_path / "B", qrs=100.0)
    (second / "a.json").write_text((second / "b.json").read_text())
    record(first / "deep" / "c", 1.0)
    record(second / "deep" / "c", 1.5)
    changes, alone = compare_runs(first, second)
    assert alone == (0, 0, 4)
    told = {(line.page, line.what): (line.before, line.after) for line in changes.itertuples()}
    assert told["deep/c", "qrs"] == (90.0, 100.0)
    assert told["a", "probability"] == (0.4, 0.2) and told["a", "heart_rate"] == (62.0, 150.0)
    assert told["deep/c", "signal_mv"][1] == pytest.approx(0.5 / np.sqrt(2), abs=0.01)
    assert set(page for page, _ in told) == {"a", "deep/c"}

    assert main(["compare", str(first), str(second), "--csv", str(tmp_path / "changes.csv")]) == 1
    out = capsys.readouterr().out
    assert "4 pages in both runs, 2 of them differ" in out
    assert "qrs                 1  median 10, largest 10" in out
    assert len(pd.read_csv(tmp_path / "changes.csv")) == len(changes)


def test_words_that_change_are_counted(tmp_path, capsys):
    one = {"a": report_of("usable"), "b": report_of("good")}
    two = {"a": report_of("good"), "b": report_of("good") | {"layout": "6x2"}, "c": report_of()}
    runs = [
        write_run(tmp_path / name, [read_row(f"{page}.png", page, report) for page, report in pages.items()], pages)
        for name, pages in (("A", one), ("B", two))
    ]
    assert main(["compare", *map(str, runs)]) == 1
    out = capsys.readouterr().out
    assert "usable -> good 1" in out and "3x4 -> 6x2 1" in out and f"1 only in {runs[1]}" in out


def test_numbered_pages_are_known_by_their_files(tmp_path):
    reports = {"page-0001": report_of(), "page-0002": report_of("unreliable")}
    marks = ["sha256-" + letter * 64 for letter in "ab"]
    runs = []
    for name, order in (("A", marks), ("B", marks[::-1])):
        verdicts = dict(zip(marks, reports.values(), strict=True))
        pages = {f"page-000{number}": verdicts[mark] for number, mark in enumerate(order, 1)}
        rows = [read_row(mark, page, pages[page]) for mark, page in zip(order, pages, strict=True)]
        runs.append(write_run(tmp_path / name, rows, pages))
    changes, _ = compare_runs(*runs)
    assert changes.empty


def test_no_folder_of_results(tmp_path, capsys):
    assert main(["compare", str(tmp_path), str(tmp_path / "none")]) == 2
    assert "no folder of results" in capsys.readouterr().err
