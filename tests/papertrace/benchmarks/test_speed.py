from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest

from papertrace.benchmarks import speed
from papertrace.benchmarks.command_line import Figure
from papertrace.benchmarks.speed import Reading, Timing, measure
from papertrace.synth import render_page, simulate


def test_runs_are_counted_after_the_warm_up() -> None:
    seen: list[int] = []

    def work(run: int) -> int:
        seen.append(run)
        until = time.process_time() + (0.05 if run == 1 else 0.005)
        while time.process_time() < until:
            pass
        return 2_000_000

    timing = measure("work", work, 3)
    assert seen == [-2, -1, 0, 1, 2]
    assert timing.name == "work" and timing.runs == 3 and timing.megapixels == 2.0
    assert 0.005 <= timing.median < 0.04 <= timing.slowest


def test_every_preset_is_timed_at_one_resolution(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "DPI", 72.0)
    monkeypatch.setattr(speed, "PRESETS", ("clean", "stained"))
    timings = speed.printer(1)
    assert [timing.name for timing in timings] == ["plain 3x4+II", "plain 12x1", "clean", "stained"]
    assert all(0 < timing.median == timing.slowest for timing in timings)
    assert all(0.1 < timing.megapixels < 1.5 for timing in timings)


def test_results_are_written_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sections = {
        "printer": lambda runs: [Timing("clean", 0.25, 0.5, runs, 3.7)],
        "digitizer": lambda runs: [Reading("faxed", 1.25, 1.5, runs, 3.6, peak=612.4, unread=2)],
        "stages": lambda runs: [Timing("ink", 0.3, 0.5, runs, 3.7), Timing("the rest", 0.1, 0.2, runs, 3.7)],
    }
    monkeypatch.setattr(speed, "SECTIONS", sections)
    monkeypatch.setattr(speed, "command_line", lambda pages, dpi: [Figure("cold", 5.5, "s", "below 6", pages)])
    speed.main(["--out", str(tmp_path), "--pages", "7", "--archive", "30"])
    text = (tmp_path / "speed.md").read_text()
    assert "| clean | 4.0 | 0.25 | 0.50 | 3.7 | 7 |" in text
    assert "| faxed | 1.25 | 1.50 | 3.6 | 612 | 2 | 7 |" in text
    assert "| ink | 0.300 | 75% |" in text and "| the rest | 0.100 | 25% |" in text
    assert "| cold | 5.50 s | below 6 | 30 |" in text
    content = json.loads((tmp_path / "speed.json").read_text())
    assert content["command"][0]["value"] == 5.5
    assert content["dpi"] == 200 and content["printer"][0]["median"] == 0.25 and content["made with"]["cpus"]
    assert content["digitizer"][0]["peak"] == 612.4 and content["stages"][1]["name"] == "the rest"


def test_pages_that_are_refused_are_counted_but_not_those_of_the_warm_up() -> None:
    page = render_page(simulate(10, 500, seed=1), 500, layout="3x4+II", dpi=100).image
    blank = np.full((300, 400, 3), 255, np.uint8)
    reading = speed.read("kind", [blank, page, blank, page, blank])
    assert reading.name == "kind" and reading.runs == 3 and reading.unread == 2
    assert 0 < reading.median < reading.slowest
    assert reading.megapixels == 0.12
    assert reading.peak > 50


def test_every_kind_is_digitized_in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "DPI", 72.0)
    monkeypatch.setattr(speed, "PRESETS", ())
    monkeypatch.setattr(speed, "_NO_GRID", {})
    monkeypatch.setattr(speed, "_CLEAN", {"plain 3x4+II": {"layout": "3x4+II"}})
    (reading,) = speed.digitizer(1)
    assert isinstance(reading, Reading) and reading.name == "plain 3x4+II" and reading.unread == 0
    assert reading.median > 0 and 50 < reading.peak < 4000


def test_the_stages_make_up_the_page() -> None:
    page = render_page(simulate(10, 500, seed=1), 500, layout="3x4+II", dpi=100).image
    began = time.process_time()
    (seconds,) = speed.read_by_stage([page] * 3)
    spent = time.process_time() - began
    named = {stage: own for stage, own in seconds.items() if stage != "the rest"}
    # Every stage finds its functions: one that was renamed would take no time.
    assert min(named.values()) > 0
    assert 0 < seconds["the rest"] < sum(named.values())
    assert sum(seconds.values()) < spent


@pytest.mark.parametrize("option", ["--pages", "--archive"])
def test_no_pages_are_refused(option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        speed.main(["--out", str(tmp_path), option, "0"])
    assert "allowed: whole numbers from 1" in capsys.readouterr().err
