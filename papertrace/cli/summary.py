"""Write what a terminal is told: a page in a few lines or in one line of JSON, and a run in a table."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from classify.wording import beats_in_a_line, in_a_line
from digitize.records.results import VERDICTS
from papertrace.cli.manifest import NAME, READ, Row
from papertrace.cli.options import Options
from papertrace.cli.plan import Job

TOLD = 8
"""Statements that a summary lists: rare ones have low thresholds, so many can be present. The report has all."""


def summarize(job: Job, options: Options, report: dict[str, Any]) -> str:
    """Tell a report in a few lines.

    Parameters
    ----------
    job : Job
    options : Options
    report : dict
        What `papertrace.cli.report.build_report` gave.

    Returns
    -------
    str
        Lines for a terminal.
    """
    paper, measured = report["calibration"], report["measurements"]
    scale = "unknown" if paper["pixels_per_mm"] is None else f"{paper['pixels_per_mm']:.2f}"
    longest = max((strip["seconds"] for strip in report["quality"]["strips"]), default=0.0)
    present = _present(report)
    judged = report["quality"]
    lines = [
        f"{job.label} -> {options.out / job.name}.*  ({report['seconds']:.1f} s)",
        f"  layout      {report['layout']}, {len(report['quality']['strips'])} strips, the longest {longest:.1f} s",
        f"  paper       {paper['speed']:g} mm/s ({paper['speed_source']}), {paper['gain']:g} mm/mV "
        f"({paper['gain_source']}), {scale} pixels/mm ({paper['pitch_source']})",
        f"  quality     {judged['verdict']}{': ' if judged['reasons'] else ''}{'; '.join(judged['reasons'])}",
        f"  measured    {in_a_line(measured)}",
        f"  beats       {beats_in_a_line(report['beats'])}",
    ]
    for number, found in enumerate(present[:TOLD]):
        title = "" if number else "statements"
        lines.append(f"  {title:<10}  {found['probability']:4.0%}  {found['name']}")
    if len(present) > TOLD:
        lines.append(f"  {'':<10}  (and {len(present) - TOLD} more, see {job.name}.json)")
    if not present:
        why = " above its threshold" if report["statements"] else f": {report['reader']['reason']}"
        lines.append(f"  statements  none{why}")
    if report["explanation"] is not None:
        lines.append(f"  explained   {report['explanation']['text']}")
    lines += [f"  warning     {warning}" for warning in report["warnings"]]
    return "\n".join(lines)


def as_json(row: Row, report: dict[str, Any] | None) -> str:
    """Tell a page in one line of JSON.

    Parameters
    ----------
    row : Row
        The page in the manifest.
    report : dict or None
        None for a page that was not read in this run.

    Returns
    -------
    str
        The manifest's line (lists as lists), and layout, heart rate, rhythm and the statements that are present.
    """
    line: dict[str, Any] = {
        "file": row.file or None,
        "page": int(row.page) if row.page else None,
        "status": row.status,
        "verdict": row.verdict or None,
        "warnings": [] if report is None else report["warnings"],
        "seconds": float(row.seconds) if row.seconds else None,
        "outputs": list(row.files),
        "error": row.error or None,
    }
    if report is not None:
        line["layout"] = report["layout"]
        line["heart_rate"] = report["measurements"]["heart_rate"]
        line["rhythm"] = report["rhythm"]
        line["statements"] = {found["code"]: found["probability"] for found in _present(report)}
    return json.dumps(line, allow_nan=False)


def table(rows: Sequence[Row], before: int, seconds: float, options: Options) -> str:
    """Tell a run in a table.

    Parameters
    ----------
    rows : sequence of Row
        The pages of this run.
    before : int
        Pages that an earlier run had read and whose results stand.
    seconds : float
        How long it took.
    options : Options

    Returns
    -------
    str
        Lines for a terminal.

    Examples
    --------
    >>> from pathlib import Path
    >>> from papertrace.cli.options import parse
    >>> rows = [Row("a.png", "1", "read", "good"), Row("b.png", "1", "failed")]
    >>> print(table(rows, 0, 4.0, parse(["a.png", "b.png", "--out", "R"])))
    2 pages in 4.0 s, 0.50 pages/s
      good              1
      failed            1
      details: R/manifest.csv
    >>> print(table([], 187, 0.5, parse(["archive", "--out", "R"])))
    done before: 187 (--overwrite reads them again)
      details: R/manifest.csv
    """
    verdicts = Counter(row.verdict for row in rows if row.status == READ)
    counts = [(verdict, verdicts[verdict]) for verdict in VERDICTS]
    counts.append(("failed", len(rows) - verdicts.total()))
    told = [f"{len(rows)} pages in {seconds:.1f} s, {len(rows) / max(seconds, 1e-9):.2f} pages/s"] if rows else []
    told += [f"  {name:<12} {count:6}" for name, count in counts if count]
    if before:
        told.append(f"{'  ' if rows else ''}done before: {before} (--overwrite reads them again)")
    return "\n".join([*told, f"  details: {options.out / NAME}"])


def _present(report: dict[str, Any]) -> list[dict[str, Any]]:
    present = (found for found in report["statements"] if found["present"])
    return sorted(present, key=lambda found: -found["probability"])
