"""One page, from the file to its results: what a worker does."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import classify
import digitize
from command.formats import HTML
from command.html import build_html
from command.manifest import printable
from command.options import Options
from command.plan import Failed, Job
from command.report import build_report
from command.sources import File
from digitize.export import FORMATS, written_together

if TYPE_CHECKING:
    from classify import Diagnosis
    from digitize import Leads
    from digitize.page import Page


def name_pages(file: File) -> list[str] | Failed:
    """Open a file and name its pages.

    Parameters
    ----------
    file : File

    Returns
    -------
    list of str or Failed
    """
    from digitize.page import page_names

    try:
        return page_names(file.path)
    except digitize.PageError as error:
        return Failed(str(error))


def read_page(task: tuple[Job, Options]) -> dict[str, Any] | Failed:
    """Read one page and write its files, all or none.

    Parameters
    ----------
    task : tuple of Job and Options

    Returns
    -------
    dict or Failed
        The report (`command.report.build_report`).
    """
    job, options = task
    began = time.perf_counter()
    try:
        page, leads, diagnosis = _understand(job, options)
        report = build_report(job, page, leads, diagnosis, time.perf_counter() - began, refined=options.refine)
        _write(job, options, page, leads, report)
    except digitize.PageError as error:
        return Failed(str(error) if str(error).startswith(job.label) else f"{job.label}: {error}")
    except OSError as error:
        return Failed(f"{job.label}: {error}")
    return report


def _understand(job: Job, options: Options) -> tuple[Page, Leads, Diagnosis]:
    from digitize.page import load_page

    page = replace(load_page(job.source, job.index, dpi=options.dpi), name=job.label)
    leads = digitize.trace_leads(
        page, layout=options.layout, speed=options.speed, gain=options.gain, refine=options.refine
    )
    try:
        return page, leads, classify.diagnose(leads)
    except ValueError as error:
        raise digitize.PageError(f"cannot be diagnosed: {error}") from error


def _write(job: Job, options: Options, page: Page, leads: Leads, report: dict[str, Any]) -> None:
    from PIL import Image

    target = options.out / job.name
    with written_together(target.parent) as folder:
        for name in options.formats:
            FORMATS[name].write(leads, folder, target.name)
        text = json.dumps(report, indent=2, allow_nan=False) + "\n"
        (folder / f"{target.name}.json").write_text(text, encoding="utf-8")
        if options.html:
            title = printable(Path(job.source).name + job.label.removeprefix(job.source))
            (folder / (target.name + HTML)).write_text(build_html(title, page.image, leads, report), encoding="utf-8")
        Image.fromarray(leads.overlay(page.image)).save(folder / f"{target.name}.overlay.png")
