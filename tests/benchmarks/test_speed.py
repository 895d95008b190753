from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from benchmarks import speed
from benchmarks.speed import Timing, measure


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
    monkeypatch.setattr(speed, "SECTIONS", {"printer": lambda runs: [Timing("clean", 0.25, 0.5, runs, 3.7)]})
    speed.main(["--out", str(tmp_path), "--pages", "7"])
    assert "| clean | 4.0 | 0.25 | 0.50 | 3.7 | 7 |" in (tmp_path / "speed.md").read_text()
    content = json.loads((tmp_path / "speed.json").read_text())
    assert content["dpi"] == 200 and content["printer"][0]["median"] == 0.25 and content["made with"]["cpus"]


def test_no_pages_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        speed.main(["--out", str(tmp_path), "--pages", "0"])
    assert "allowed: whole numbers from 1" in capsys.readouterr().err
