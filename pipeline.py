"""From a picture of a paper ECG to a record, a table, a report and an overlay.

``python pipeline.py scan.png --out DIR`` leaves ``scan.hea`` and ``scan.dat`` (WFDB), ``scan.csv``, ``scan.json`` and
``scan.overlay.png`` in DIR.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from PIL import Image

from classify import Diagnosis, diagnose
from digitize import Leads, PageError, refine, trace_leads
from digitize.confidence import weights_version
from digitize.export import record_name, write_csv, written_together
from digitize.layouts import find_layout
from digitize.page import Page, load_page, page_names
from digitize.version import __version__

REPORT_FORMAT = "papertrace-report/1"
"""Name and version of the report's format; the number grows when a key changes its meaning or goes."""

SUFFIXES = (".hea", ".dat", ".csv", ".json", ".overlay.png")
"""What is written for every page."""

TOLD = 8
"""Statements that a summary lists: rare ones have low thresholds, so many can be present. The report has all."""

OK, FAILED, INTERRUPTED = 0, 1, 130


@dataclass(frozen=True)
class Job:
    """One page to read.

    Attributes
    ----------
    source : str
        The file, as the caller named it.
    index : int
        Page of the file, from 0.
    label : str
        The page in messages: the file, with the page's number where it has several.
    name : str
        Stem of the files that are written.
    """

    source: str
    index: int
    label: str
    name: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        The command line without the program's name; `sys.argv` by default.

    Returns
    -------
    int
        0 when all pages were read, 1 when some were not, 130 when interrupted. A wrong option exits with 2.
    """
    options = parse(arguments)
    try:
        jobs, problems = plan(options.pages, options.out, options.overwrite)
        for problem in problems:
            complain(problem)
        failures = len(problems)
        for job in jobs:
            trouble = run(job, options)
            if trouble is not None:
                complain(trouble)
                failures += 1
    except KeyboardInterrupt:
        complain("interrupted")
        return INTERRUPTED
    except BrokenPipeError:  # whoever read the summaries, e.g. `head`, has left
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return FAILED if failures else OK


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="papertrace", description="Read paper ECGs: millivolts, statements and a report. Not a medical device."
    )
    parser.add_argument("pages", nargs="+", metavar="PAGE", help="PNG, JPEG, BMP, TIFF, WebP, GIF, HEIC or PDF")
    parser.add_argument("--out", type=_folder, default=Path("."), metavar="DIR", help="default: the current folder")
    parser.add_argument("--overwrite", action="store_true", help="replace files of an earlier run")
    parser.add_argument("--layout", type=_layout, metavar="L", help="e.g. 3x4+II; default: read from the page")
    parser.add_argument("--speed", type=_positive, metavar="S", help="paper speed in mm/s; default: read from the page")
    parser.add_argument("--gain", type=_positive, metavar="G", help="gain in mm/mV; default: read from the page")
    parser.add_argument("--version", action="version", version=f"papertrace {__version__}")
    return parser.parse_args(arguments)


def _folder(text: str) -> Path:
    folder = Path(text)
    if folder.exists() and not folder.is_dir():
        raise argparse.ArgumentTypeError(f"{text}: is a file, not a folder")
    return folder


def _layout(text: str) -> str:
    try:
        return find_layout(text).name
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (value > 0 and math.isfinite(value)):
        raise argparse.ArgumentTypeError(f"{text!r}: allowed: numbers above 0")
    return value


def plan(sources: Sequence[str], out: Path, overwrite: bool) -> tuple[list[Job], list[str]]:
    """List the pages to read and what stands in their way, before any work is done.

    Parameters
    ----------
    sources : sequence of str
        Files.
    out : Path
        Where the results go.
    overwrite : bool
        Whether existing files may be replaced.

    Returns
    -------
    jobs : list of Job
    problems : list of str
        One line for each file or page that will not be read.
    """
    jobs: list[Job] = []
    problems: list[str] = []
    takers: dict[str, str] = {}
    for source in sources:
        try:
            names = page_names(source)
        except PageError as error:
            problems.append(str(error))
            continue
        for index, page_name in enumerate(names):
            label = source if len(names) == 1 else f"{source}, page {index + 1}"
            name = record_name(page_name)
            # Some file systems do not tell capitals from small letters.
            taker = takers.setdefault(name.lower(), label)
            existing = [name + suffix for suffix in SUFFIXES if (out / (name + suffix)).exists()]
            if taker != label or any(job.label == label for job in jobs):
                problems.append(f"{label}: its results would replace those of {taker}: both are named {name!r}")
            elif existing and not overwrite:
                problems.append(f"{label}: {out / existing[0]} exists; --overwrite replaces it")
            else:
                jobs.append(Job(source, index, label, name))
    return jobs, problems


def run(job: Job, options: argparse.Namespace) -> str | None:
    """Read one page, write its files and print a summary.

    Parameters
    ----------
    job : Job
    options : argparse.Namespace
        What `parse` gave.

    Returns
    -------
    str or None
        One line that says why the page could not be read; None when it was.
    """
    began = time.perf_counter()
    try:
        page = replace(load_page(job.source, job.index), name=job.label)
        leads = trace_leads(page, layout=options.layout, speed=options.speed, gain=options.gain)
        diagnosis = read(leads)
        report = build_report(job, page, leads, diagnosis, time.perf_counter() - began)
        write(job.name, options.out, page, leads, report)
    except PageError as error:
        return str(error) if str(error).startswith(job.label) else f"{job.label}: {error}"
    except OSError as error:
        return f"{job.label}: {error}"
    except MemoryError:
        return f"{job.label}: not enough memory"
    except Exception as error:
        return f"{job.label}: internal error: {type(error).__name__}: {error}; please report it"
    tell(summarise(job, options.out, report))
    return None


def read(leads: Leads) -> Diagnosis:
    """Diagnose the leads; a signal that is too short to read is a `PageError`."""
    try:
        return diagnose(leads)
    except ValueError as error:
        raise PageError(f"cannot be diagnosed: {error}") from error


def build_report(job: Job, page: Page, leads: Leads, diagnosis: Diagnosis, seconds: float) -> dict[str, Any]:
    """Put all that is known about a page into a report, as plain JSON values.

    Parameters
    ----------
    job : Job
    page : Page
    leads : Leads
    diagnosis : Diagnosis
    seconds : float
        Time from opening the file to the diagnosis.

    Returns
    -------
    dict
        See README.md, "Report".
    """
    height, width = page.image.shape[:2]
    rhythms = [found for found in diagnosis.statements if found.group == "rhythm" and found.present]
    report = {
        "format": REPORT_FORMAT,
        "notice": "Not a medical device: for research and teaching only.",
        "software": {"name": "papertrace", "version": __version__, "weights": _weights(diagnosis)},
        "source": {"file": job.source, "page": job.index + 1, "width": width, "height": height, "dpi": page.dpi},
        "statements": [asdict(found) for found in diagnosis.statements],
        "rhythm": max(rhythms, key=lambda found: found.probability).code if rhythms else None,
        "measurements": asdict(diagnosis.rhythm),
        "layout": leads.layout,
        "geometry": asdict(leads.geometry),
        "calibration": asdict(leads.calibration),
        "quality": {
            **asdict(leads.quality),
            "leads": {
                name: _quality(signal, confidence, leads.fs)
                for name, signal, confidence in zip(leads.names, leads.signal, leads.confidence, strict=True)
            },
            "strips": [
                {
                    "lead": strip.lead,
                    "name_source": strip.name_source,
                    "row": strip.row,
                    "column": strip.column,
                    "start": strip.start,
                    **_quality(strip.signal, strip.confidence, leads.fs),
                }
                for strip in leads.strips
            ],
        },
        "warnings": [*leads.warnings, *diagnosis.warnings],
        "seconds": seconds,
    }
    plain: dict[str, Any] = _plain(report)
    return plain


def _weights(diagnosis: Diagnosis) -> dict[str, str]:
    return {
        "classify": diagnosis.weights_version,
        "digitize": weights_version(),
        "refine": refine.weights_version(),
    }


def _quality(signal: np.ndarray, confidence: np.ndarray, fs: int) -> dict[str, float | None]:
    seen = np.isfinite(signal)
    return {
        "seconds": float(seen.sum()) / fs,
        "confidence": float(confidence[seen].mean()) if seen.any() else None,
    }


def _plain(value: Any) -> Any:
    """Reduce to JSON values: numbers with six digits, None for what is not finite (JSON has no NaN)."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value


def write(name: str, out: Path, page: Page, leads: Leads, report: dict[str, Any]) -> None:
    """Write all files of a page, or none."""
    with written_together(out) as folder:
        leads.to_wfdb(folder / name)
        write_csv(leads, folder / f"{name}.csv")
        (folder / f"{name}.json").write_text(json.dumps(report, indent=2, allow_nan=False) + "\n", encoding="utf-8")
        Image.fromarray(leads.overlay(page.image)).save(folder / f"{name}.overlay.png")


def summarise(job: Job, out: Path, report: dict[str, Any]) -> str:
    """Tell a report in a few lines.

    Parameters
    ----------
    job : Job
    out : Path
        Where the files went.
    report : dict
        What `build_report` gave.

    Returns
    -------
    str
        Lines for a terminal.
    """
    paper, measured = report["calibration"], report["measurements"]
    scale = "unknown" if paper["pixels_per_mm"] is None else f"{paper['pixels_per_mm']:.2f}"
    longest = max(strip["seconds"] for strip in report["quality"]["strips"])
    present = sorted(
        (found for found in report["statements"] if found["present"]), key=lambda found: -found["probability"]
    )
    rate, judged = measured["heart_rate"], report["quality"]
    lines = [
        f"{job.label} -> {out / job.name}.*  ({report['seconds']:.1f} s)",
        f"  layout      {report['layout']}, {len(report['quality']['strips'])} strips, the longest {longest:.1f} s",
        f"  paper       {paper['speed']:g} mm/s ({paper['speed_source']}), {paper['gain']:g} mm/mV "
        f"({paper['gain_source']}), {scale} pixels/mm ({paper['pitch_source']})",
        f"  quality     {judged['verdict']}{': ' if judged['reasons'] else ''}{'; '.join(judged['reasons'])}",
        f"  heart rate  {'not measured' if rate is None else f'{rate:.0f}/min'}",
    ]
    for number, found in enumerate(present[:TOLD]):
        title = "" if number else "statements"
        lines.append(f"  {title:<10}  {found['probability']:4.0%}  {found['name']}")
    if len(present) > TOLD:
        lines.append(f"  {'':<10}  (and {len(present) - TOLD} more, see {job.name}.json)")
    if not present:
        lines.append("  statements  none above its threshold")
    lines += [f"  warning     {warning}" for warning in report["warnings"]]
    return "\n".join(lines)


def tell(text: str, stream: TextIO | None = None) -> None:
    """Print, by default on standard output, with escapes for what the stream's encoding cannot say."""
    stream = stream or sys.stdout
    encoding = stream.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding), file=stream, flush=True)


def complain(problem: str) -> None:
    """Print one line on standard error."""
    tell(f"papertrace: {' '.join(problem.split())}", sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
