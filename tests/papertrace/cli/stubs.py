"""Work for workers: they find it by name, so it cannot stand in a test."""

from __future__ import annotations

import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from classify.records.measurements import as_values, not_measured
from digitize.export import written_together
from papertrace.cli.pool import attempt
from papertrace.cli.work import name_pages as name_pages

REPORT = {
    "seconds": 0.1,
    "warnings": [],
    "quality": {"verdict": "good", "reasons": [], "strips": [{"seconds": 10.0}]},
    "layout": "3x4",
    "calibration": {
        "speed": 25.0, "gain": 10.0, "speed_source": "read", "gain_source": "read",
        "pixels_per_mm": 8.0, "pitch_source": "grid",
    },
    "measurements": as_values(not_measured("a stub")),
    "reader": {"asked": "signal", "used": None, "reason": "a stub"},
    "beats": {
        "lead": "II", "strip": 0, "reason": None,
        "beats": [{"time_s": 0.4, "sample": 200, "class": "N", "probability": 0.9}],
    },
    "rhythm": "SR",
    "explanation": None,
    "statements": [],
}  # fmt: skip


class Inline:
    """A pool without processes: the same answers, in this one."""

    def __init__(self, workers, limit, memory):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def map(self, work, items):
        for item in items:
            yield item, attempt(work, item)


def double(number):
    return 2 * number


def environment(_):
    import cv2

    return os.environ["OMP_NUM_THREADS"], cv2.getNumThreads(), os.getpid()


def misbehave(how):
    """Do as the name says."""
    if how == "exit":
        os._exit(3)
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if how == "hang":
        time.sleep(600)
    if how == "abort":
        os.abort()
    if how[0] == "wait for":
        time.sleep(how[1])
        return "done"
    if how[0] == "burn for":
        began = time.process_time()
        while time.process_time() - began < how[1]:
            pass
        return "done"
    if how == "burn":
        while True:
            pass
    if how == "memory of OpenCV":
        import cv2

        return cv2.resize(np.zeros((2, 2), np.uint8), (90_000, 90_000)).size
    if how == "raise":
        raise RuntimeError("two\nlines")
    if how == "memory":
        return len(bytearray(8 * 2**30))
    if how == "stack":
        sys.setrecursionlimit(50)
        return misbehave(["stack"]) if isinstance(how, list) else _deep()
    return how, os.getpid()


def _deep():
    return _deep()


def digitize_by(set_attribute, trace_leads):
    """Let pages be digitized by a function of the page and its options, as `digitize.trace_leads` is."""
    from digitize import api

    def refined(analysis):
        return SimpleNamespace(page=analysis.page, options={**analysis.options, "refine": True})

    set_attribute(
        api, "analyze_page", lambda page, **known: SimpleNamespace(page=page, options={**known, "refine": False})
    )
    set_attribute(api, "refined", refined)
    set_attribute(
        api, "leads_of", lambda analysis, fs: _as_large(trace_leads(analysis.page, **analysis.options), analysis.page)
    )


def _as_large(leads, page):
    """The same leads, of a page of this size."""
    height, width = page.image.shape[:2]
    return replace(leads, geometry=replace(leads.geometry, page_size=(width, height)))


def read_page(task):
    """Note the page in the file that PAPERTRACE_TEST_LOG names, wait, and write small files."""
    job, options = task
    with open(os.environ["PAPERTRACE_TEST_LOG"], "a") as log:
        log.write(f"{job.name}\n")
    target = options.out / job.name
    with written_together(target.parent) as folder:
        for output in job.outputs:
            (folder / Path(output).name).write_text(job.label, errors="surrogateescape")
            time.sleep(float(os.environ.get("PAPERTRACE_TEST_WAIT", "0.03")))
    return REPORT


def resident_after(item):
    """Read a page whose traces and statements are known, really write it; gives the process's memory in MiB."""
    from classify import readers
    from papertrace.cli.work import read_page as really_read

    task, leads, interpretation = item
    readers.interpret = lambda leads: interpretation
    digitize_by(setattr, lambda page, **options: leads)
    report = really_read(task)
    assert isinstance(report, dict), report
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmRSS"))


if __name__ == "__main__":
    from papertrace.cli import app
    from tests.papertrace.cli import stubs

    app.read_page = stubs.read_page
    sys.exit(app.main())
