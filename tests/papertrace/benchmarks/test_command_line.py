from __future__ import annotations

import math
import os
import sys
from pathlib import Path

import pytest

from papertrace.benchmarks import command_line as module
from papertrace.benchmarks.command_line import command_line, family


def test_a_family_holds_everyone_who_descends_and_nobody_else() -> None:
    parents = {1: 0, 5: 1, 6: 5, 7: 6, 8: 1, 9: 7}
    assert family(5, parents) == [5, 6, 7, 9]
    assert family(8, parents) == [8]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc on this system")
def test_this_process_is_its_parents_child() -> None:
    assert module._parents()[os.getpid()] == os.getppid()
    assert 20 < module._resident(os.getpid()) < 20_000


def test_memory_grows_from_the_first_tenth_to_the_last() -> None:
    grows = [(done, 500.0 + done) for done in range(101)]
    assert module._growth(grows, 100) == pytest.approx(80, abs=1)
    assert module._growth([(done, 700.0) for done in range(101)], 100) == 0
    assert math.isnan(module._growth([], 100))


def test_the_command_is_measured_from_start_to_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_KINDS", 1)
    monkeypatch.setattr(module, "_STARTS", 1)
    monkeypatch.setattr(module, "_ROUNDS", 1)
    monkeypatch.setattr(module, "_PAGES_AT_WORK", 2)
    figures = {figure.name: figure for figure in command_line(3, 72.0)}
    assert 0 < figures["import digitize"].value < 20
    assert 0.5 < figures["the command on one page, cold"].value < 120
    assert 0.2 < figures["one job's time over two jobs'"].value < 5
    if sys.platform == "linux":
        assert 100 < figures["highest memory, all processes"].value < 10_000


def test_a_command_that_fails_is_no_figure(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="exit code 1; allowed: 0"):
        module._read([tmp_path / "nothing.png"], tmp_path / "out", 1)
