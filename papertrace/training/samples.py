"""Samples of digitized pages beside the printer's truth, for `papertrace.training.confidence`.

A page is printed by `papertrace.synth`, read once, and compared with its truth twice: as it was traced, and as
`digitize.refine.correct` corrected it. Each page becomes one small file (`papertrace.training.pages`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from digitize.api import analyze_page, features_of, refined, strips_of
from digitize.records.layouts import LEAD_NAMES
from digitize.records.page import PageError
from digitize.records.page_analysis import PageAnalysis
from digitize.refine import correct, read
from digitize.strips.confidence import FEATURES, TOLERANCE_MV
from digitize.strips.cut import join_strips
from papertrace.datasets.ptbxl import read_500
from papertrace.metrics.digitization import score_page
from papertrace.synth import PrintedPage, render_page
from papertrace.training.pages import Job, make_missing, write_arrays
from papertrace.training.sources import version_of_code

_FS = 500
"""Sampling frequency of the recordings that are printed, Hz."""

_EVERY = 10
"""Samples (20 ms) between those that are taken: neighbors tell the same."""


_NONE = np.zeros((0, len(FEATURES)), np.float32), np.zeros(0, bool), np.zeros(0, np.int64)


@dataclass(frozen=True)
class Samples:
    """Some of a page's samples: what is seen of them, and whether they are right.

    Attributes
    ----------
    features : ndarray, shape (n, len(FEATURES)), float32
        Of both kinds, see ``corrected`` among them.
    right : ndarray, shape (n,), bool
        Within 0.1 mV of the truth, the strip's median error apart.
    strip : ndarray, shape (n,), int
        Number of each sample's strip.
    page_right : ndarray, shape (pages,), bool
        Whether each page as it was corrected is right as a whole (`papertrace.metrics.digitization.PageScore.right`).
    """

    features: NDArray[np.float32]
    right: NDArray[np.bool_]
    strip: NDArray[np.int64]
    page_right: NDArray[np.bool_]


def collect(jobs: Sequence[Job], processes: int) -> list[Samples]:
    """Make the samples that are not there yet, and load those of all pages that could be read.

    Parameters
    ----------
    jobs : sequence of Job
    processes : int
        Pages at a time.

    Returns
    -------
    list of Samples
        In the order of the jobs.
    """
    make_missing(jobs, make, processes)
    pages = []
    for job in jobs:
        with np.load(job.file) as content:
            pages.append(Samples(**content))
    return [page for page in pages if len(page.right)]


def make(job: Job) -> None:
    """Print a page, read it, and write its samples as they were traced and as they were corrected.

    None are written where the page cannot be read.
    """
    page = render_page(read_500(job.record), _FS, job.preset, seed=job.seed)
    try:
        analysis = analyze_page(page.image)
    except PageError:
        both = []
    else:
        both = [compare(own, page, job.seed) for own in (analysis, refined(analysis))]
        both[0] = replace(both[0], page_right=both[0].page_right[:0])
    samples = joined(both)
    write_arrays(job.file, asdict(samples))


def compare(analysis: PageAnalysis, page: PrintedPage, seed: int) -> Samples:
    """Compare what was read with what was printed.

    Parameters
    ----------
    analysis : PageAnalysis
    page : PrintedPage
    seed : int
        Says which samples are taken.

    Returns
    -------
    Samples
    """
    strips, _, residual, _ = strips_of(analysis, _FS)
    signal = join_strips(strips, _FS)[0]
    right = bool(np.isfinite(signal).any()) and score_page(page.signal, signal, _FS).right
    found = [Samples(*_NONE, np.array([right]))]
    for number, (strip, seen) in enumerate(zip(strips, features_of(analysis, strips, residual, _FS), strict=True)):
        if strip.lead not in LEAD_NAMES:
            continue
        truth = page.signal[LEAD_NAMES.index(strip.lead)]
        at = round(strip.start * _FS) + np.arange(len(strip.signal))
        shown = np.where(at < len(truth), truth[np.minimum(at, len(truth) - 1)], np.nan)
        known = np.flatnonzero(np.isfinite(strip.signal))[seed % _EVERY :: _EVERY]
        error = strip.signal[known] - shown[known]
        # Paper does not tell where 0 mV lies. What is traced where the page shows nothing is an error: NaN is not less.
        offset = np.nanmedian(error) if np.isfinite(error).any() else 0.0
        own = np.abs(error - offset) < TOLERANCE_MV, np.full(len(known), number)
        found.append(Samples(seen[known], *own, np.zeros(0, bool)))
    return joined(found)


def joined(parts: Sequence[Samples]) -> Samples:
    """Put samples together; no parts are no samples."""
    every = (Samples(*_NONE, np.zeros(0, bool)), *parts)
    return Samples(*(np.concatenate([getattr(own, field.name) for own in every]) for field in fields(Samples)))


def version_of_samples() -> str:
    """Name the version of what makes samples: the code, and the weights of the networks that correct."""
    return version_of_code("papertrace.training.samples", read.WEIGHTS, correct.WEIGHTS)
