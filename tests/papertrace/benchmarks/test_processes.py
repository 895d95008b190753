"""Work is done in processes of one thread each, in its order."""

from __future__ import annotations

import math
import os
from functools import partial

from papertrace.benchmarks.processes import run_all, start_processes


def test_results_come_in_the_order_of_the_items():
    assert list(run_all(math.sqrt, [9.0, 4.0, 1.0], 2)) == [3.0, 2.0, 1.0]
    assert list(run_all(math.sqrt, [], 2)) == []


def test_libraries_of_a_process_use_one_thread_and_those_of_this_one_what_they_did(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    assert list(run_all(os.getenv, ["OMP_NUM_THREADS", "MKL_NUM_THREADS"], 1)) == ["1", "1"]
    assert os.environ["OMP_NUM_THREADS"] == "7" and "MKL_NUM_THREADS" not in os.environ


def test_what_comes_first_is_done_before_the_work(tmp_path):
    with start_processes(1, on_one_core=True, first=partial(os.mkdir, tmp_path / "made")) as processes:
        assert processes.submit(os.path.isdir, tmp_path / "made").result()
        if hasattr(os, "sched_getaffinity"):
            assert len(processes.submit(os.sched_getaffinity, 0).result()) == 1
