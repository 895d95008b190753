from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from digitize import Leads, PageError
from digitize.api import leads_of
from papertrace.benchmarks import presets
from papertrace.benchmarks.presets import BINS, Outcome, main, report, run
from papertrace.benchmarks.report import provenance


@pytest.fixture
def record(folder):
    return folder / "records500/00000/00001_hr"


def test_a_page_is_printed_read_and_scored(record):
    outcome = run(("clean", 3, record))
    assert outcome.error == ""
    assert outcome.aligned > 10
    assert outcome.unrefined > 8
    assert outcome.unrefined != outcome.aligned
    assert outcome.verdict
    assert len(outcome.count) == BINS
    assert sum(outcome.count) > 10_000
    assert all(right <= count for right, count in zip(outcome.right, outcome.count, strict=True))
    assert 0 < sum(outcome.said) <= sum(outcome.count)


@pytest.mark.parametrize(("error", "crashed"), [(PageError("nothing here"), False), (RuntimeError("oh"), True)])
def test_pages_that_cannot_be_read_count_as_nothing(record, monkeypatch, error, crashed):
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(presets, "analyze_page", fail)
    outcome = run(("clean", 3, record))
    assert (outcome.aligned, outcome.worst, outcome.crashed) == (0.0, 0.0, crashed)
    assert "nothing here" in outcome.error or "oh" in outcome.error
    assert sum(outcome.count) == 0


def test_a_lead_read_off_its_baseline_counts_as_right(record, monkeypatch):
    def raised(*args: object, **keywords: object) -> Leads:
        leads = leads_of(*args, **keywords)
        return replace(leads, signal=leads.signal + 0.5)

    level = run(("clean", 3, record))
    monkeypatch.setattr(presets, "leads_of", raised)
    outcome = run(("clean", 3, record))
    assert outcome.right == level.right
    assert sum(outcome.right) > 0.6 * sum(outcome.count)


def test_tables_tell_crashes_verdicts_and_confidence():
    def page(preset: str, aligned: float, verdict: str, error: str = "") -> Outcome:
        count = (0,) * 9 + (100,)
        said = (0.0,) * 9 + (95.0,)
        right = (0,) * 9 + (91,)
        decibels = (aligned, aligned - 1, aligned)
        return Outcome(preset, 1, "00001_hr", error, bool(error), *decibels, True, verdict, said, right, count, 1.0)

    pages = [page("clean", 20.0, "good"), page("clean", 10.0, "usable"), page("faxed", 0.0, "", "KeyError: x")]
    text = report(pages, provenance(), 8).markdown()
    assert "| clean | 2 | 0 | 0 | 15.0 (" in text
    assert "| 14.0 (9.2 to 19.2) | 9.0 | 1.0 (1.0 to 1.0) | 0 |" in text
    assert "| -1.0 (-1.0 to -1.0) | 1 |" in report([replace(pages[0], unrefined=21.0)], provenance(), 8).markdown()
    assert "| faxed | 1 | 1 | 1 | 0.0 (" in text
    assert "| good | 1 | 20.0 |" in text
    assert "| 0.9 to 1.0 | 100.0% | 0.950 | 0.910 |" in text
    assert "KeyError: x" in text


def test_the_command_writes_both_files(folder, tmp_path, capsys):
    out = tmp_path / "out"
    main(["clean", "--data", str(folder), "--fold", "8", "--pages", "1", "--jobs", "1", "--out", str(out)])
    assert "| clean | 1 |" in (out / "presets.md").read_text()
    (page,) = json.loads((out / "presets.json").read_text())["pages"]
    assert page["record"] == "00003_hr"
    assert np.isfinite(page["aligned"])
    assert "Verdicts" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["clear"], "unknown preset 'clear'"),
        (["--pages", "0"], "--pages: 0"),
        (["--fold", "11"], "no record of folds 11"),
    ],
)
def test_wrong_options_are_told(folder, arguments, message, capsys):
    with pytest.raises(SystemExit):
        main([*arguments, "--data", str(folder)])
    assert message in capsys.readouterr().err
