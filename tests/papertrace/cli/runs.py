"""Folders of results without any page being read: a manifest and the reports that it names."""

from __future__ import annotations

import json
from dataclasses import astuple
from pathlib import Path
from typing import Any

from classify.records.measurements import UNITS
from papertrace.cli.index import INDEX
from papertrace.cli.manifest import COLUMNS, NAME, Row, to_cell
from papertrace.cli.report import REPORT_FORMAT
from papertrace.cli.table import CSV, PARQUET
from tests.papertrace.cli.stubs import REPORT

OVERVIEW = {CSV, PARQUET, INDEX}
"""Files that stand beside the manifest where a folder has several pages."""


def report_of(verdict: str = "good", probability: float = 0.9, **values: Any) -> dict[str, Any]:
    """A report with these measurements, and an atrial fibrillation of 70 %."""
    measured = {**REPORT["measurements"], **dict.fromkeys(UNITS), **values}
    statement = {"code": "AFIB", "name": "atrial fibrillation", "probability": 0.7, "threshold": 0.5, "present": True}
    beats = [{"class": kind, "time_s": 0.8 * number} for number, kind in enumerate("NNV")]
    return {
        **REPORT,
        "format": REPORT_FORMAT,
        "quality": {"verdict": verdict, "reasons": ["dim"], "strips": [{}], "right": 0.95, "probability": probability},
        "measurements": measured,
        "beats": {**REPORT["beats"], "beats": beats, "lead": "II"},
        "statements": [statement, {**statement, "code": "NORM", "probability": 0.1, "present": False}],
        "software": {"version": "9.9", "weights": {"classify": "abc", "read": None}},
        "thumbnail": "QUJD",
    }


def read_row(file: str, name: str, report: dict[str, Any], page: int = 1) -> Row:
    outputs = f"{name}.json;{name}.overlay.png"
    return Row(file, str(page), "read", report["quality"]["verdict"], "w1; w2", "1.5", outputs)


def write_run(folder: Path, rows: list[Row], reports: dict[str, dict[str, Any]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    lines = [COLUMNS, *([to_cell(cell) for cell in astuple(row)] for row in rows)]
    text = "".join(",".join(f'"{cell}"' for cell in line) + "\n" for line in lines)
    (folder / NAME).write_text(text.replace('"file","page"', "file,page").replace('"', ""), encoding="utf-8")
    for name, report in reports.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.json").write_text(json.dumps(report), encoding="utf-8")
    return folder


def ward(folder: Path, **values: Any) -> Path:
    """Three pages that were read, the last one best, and one that failed."""
    reports = {
        "a": report_of("usable", 0.4, heart_rate=62.0),
        "b": report_of("unreliable", 0.2, heart_rate=150.0),
        "deep/c": report_of("good", 0.9, heart_rate=80.0, **values),
    }
    rows = [
        read_row("../scans/a.png", "a", reports["a"]),
        read_row("../scans/ward.pdf", "b", reports["b"], 2),
        read_row("../scans/deep/c.png", "deep/c", reports["deep/c"]),
        Row("../scans/d.png", "1", "failed", error="d.png: no electrocardiogram found"),
    ]
    return write_run(folder, rows, reports)
