"""One page, from the file to its results: what a worker does."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import digitize
from classify.interpretation import without_statements
from classify.readers import can_look, interpret_page
from digitize.export import FORMATS, written_together
from papertrace.cli.annotations import beat_annotations, write_beats
from papertrace.cli.edits import as_plain
from papertrace.cli.formats import BEATS, HTML
from papertrace.cli.html import build_html
from papertrace.cli.index import thumbnail
from papertrace.cli.manifest import printable
from papertrace.cli.options import LIKELIEST, Options
from papertrace.cli.plan import Failed, Job
from papertrace.cli.report import build_report
from papertrace.cli.sources import File

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classify import Interpretation
    from digitize import Leads
    from digitize.records.page import Page
    from digitize.records.results import Highlight


FS = 500
"""Sampling frequency of the results, Hz."""


class _Traced(NamedTuple):
    """A digitized page: its leads, the picture of it that may be written, and what makes the one to be looked at."""

    page: Page
    leads: Leads
    picture: NDArray[np.uint8]
    look: Callable[[], NDArray[np.uint8]]


def name_pages(file: File) -> list[str] | Failed:
    """Open a file and name its pages.

    Parameters
    ----------
    file : File

    Returns
    -------
    list of str or Failed
    """
    from digitize.pages.page import page_names

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
        The report (`papertrace.cli.report.build_report`).
    """
    job, options = task
    began = time.perf_counter()
    try:
        page, leads, picture, look = _trace(job, options)
        interpretation = _interpret(options.reader, leads, look)
        told = None if options.explain is None else interpretation.explain(leads, _code(options.explain))
        seconds = time.perf_counter() - began
        report = build_report(
            job, page, leads, interpretation, seconds, refined=options.refine, asked=options.reader, explanation=told
        )
        shade = None if told is None else told.shade
        drawn = leads.overlay(picture, beat_annotations(report), shade)
        report["edits"] = as_plain(options.edit_of(job.index + 1), anonymous=job.pseudonymized)
        report["thumbnail"] = thumbnail(drawn)
        _write(job, options, picture, leads, report, shade, drawn)
    except digitize.PageError as error:
        return Failed(str(error) if str(error).startswith(job.alias) else f"{job.alias}: {error}")
    except OSError as error:
        return Failed(f"{job.alias}: {(error.strerror or 'cannot be written') if job.pseudonymized else error}")
    return report


def _trace(job: Job, options: Options) -> _Traced:
    """Digitize a page, as far as it can be."""
    from classify.picture.picture import coarse_picture, picture_of
    from digitize import api
    from digitize.deidentify import redraw_page, redraw_strips
    from digitize.ink.look import look_at
    from digitize.leads import no_leads
    from digitize.pages.edit import edit_page

    known = options.edit_of(job.index + 1).known
    page = _load_unnamed(job, options) if job.pseudonymized else _load(job, options)
    drawn = api.leads_of_drawing(page.drawing, known=known, fs=FS)
    if drawn is not None:
        shown = redraw_strips(drawn) if job.pseudonymized else page.image
        return _Traced(page, drawn, shown, lambda: coarse_picture(page.image).ink)
    page = edit_page(page, known)
    try:
        analysis = api.analyze_page(
            page,
            known=options.edit_of(job.index + 1).known,
            look=look_at if options.refine else None,
        )
    except digitize.PageError as error:
        if not can_look(options.reader):
            raise
        leads = no_leads((page.image.shape[1], page.image.shape[0]), str(error).removeprefix(f"{page.name}: "))
        blank = np.full_like(page.image, 255)
        return _Traced(page, leads, blank if job.pseudonymized else page.image, lambda: coarse_picture(page.image).ink)
    traced = api.refined(analysis) if options.refine else analysis
    leads = api.leads_of(traced, fs=FS)
    shown = redraw_page(traced, leads) if job.pseudonymized else page.image
    return _Traced(page, leads, shown, lambda: picture_of(analysis).ink)


def _load(job: Job, options: Options) -> Page:
    from digitize.pages.page import load_page

    return replace(load_page(job.source, job.index, dpi=options.dpi), name=job.label)


def _code(asked: str) -> str | None:
    return None if asked == LIKELIEST else asked


def _interpret(reader: str, leads: Leads, look: Callable[[], NDArray[np.uint8]]) -> Interpretation:
    """Read what was digitized; whatever comes of that, the leads are kept."""
    try:
        return interpret_page(reader, leads, look)
    except (ValueError, FileNotFoundError) as error:
        if not leads.strips:
            raise digitize.PageError(f"nothing to read: {error}") from error
        return without_statements(leads, str(error))


def _load_unnamed(job: Job, options: Options) -> Page:
    """Load a page from its file's bytes: what decoders say of it cannot name the file."""
    from digitize.pages.page import load_page

    try:
        page = load_page(Path(job.source).read_bytes(), job.index, dpi=options.dpi)
    except OSError as error:
        raise digitize.PageError(f"{job.alias}: cannot be opened: {error.strerror}") from None
    except digitize.PageError as error:
        raise digitize.PageError(f"{job.alias}: {str(error).split(': ', 1)[-1]}") from None
    return replace(page, name=job.alias)


def _write(
    job: Job,
    options: Options,
    picture: NDArray[np.uint8],
    leads: Leads,
    report: dict[str, Any],
    shade: Highlight | None,
    drawn: NDArray[np.uint8],
) -> None:
    from PIL import Image

    target = options.out / job.name
    for place in target.parents[: job.name.count("/")]:
        if place.is_symlink():
            raise digitize.PageError(f"{job.alias}: {place} is a link; results are not written through it")
    with written_together(target.parent) as folder:
        for name in options.formats if leads.strips else ():
            written = FORMATS[name].write(leads, folder, target.name)
            if name == "wfdb":
                write_beats(report, written[0])
        text = json.dumps(report, indent=2, allow_nan=False) + "\n"
        (folder / f"{target.name}.json").write_text(text, encoding="utf-8")
        if options.html:
            title = (
                job.name if job.pseudonymized else printable(Path(job.source).name + job.label.removeprefix(job.source))
            )
            text = build_html(title, picture, leads, report, shade)
            (folder / (target.name + HTML)).write_text(text, encoding="utf-8")
        Image.fromarray(drawn).save(folder / f"{target.name}.overlay.png")
    if not report["beats"]["beats"]:
        target.with_name(target.name + BEATS).unlink(missing_ok=True)  # of an earlier reading, which had some
