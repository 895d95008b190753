"""Samples of digitized pages beside the printer's truth, for `papertrace.training.confidence`.

A page is printed by `papertrace.synth`, read once, and compared with its truth twice: as it was traced, and as
`digitize.refine.correct` corrected it. Each page becomes one small file (`papertrace.training.pages`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitize.api import analyze_page, features_of, refined, strips_of
from digitize.records.layouts import LEAD_NAMES
from digitize.records.page import PageError
from digitize.records.page_analysis import PageAnalysis
from digitize.refine.correct import WEIGHTS
from digitize.strips.confidence import FEATURES, TOLERANCE_MV
from papertrace.datasets.ptbxl import read_500
from papertrace.synth import PrintedPage, render_page
from papertrace.training.pages import Job, make_missing, write_arrays
from papertrace.training.sources import version_of_code

_FS = 500
"""Sampling frequency of the recordings that are printed, Hz."""

_EVERY = 10
"""Samples (20 ms) between those that are taken: neighbors tell the same."""


@dataclass(frozen=True)
class Samples:
    """Some of a page's samples: what is seen of them, and whether they are right.

    Attributes
    ----------
    features : ndarray, shape (n, len(FEATURES)), float32
        Of both kinds, see ``corrected`` among them.
    right : ndarray, shape (n,), bool
        Within 0.1 mV of the truth, the strip's median error apart.
    """

    features: NDArray[np.float32]
    right: NDArray[np.bool_]


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
    samples = joined(both)
    write_arrays(job.file, {"features": samples.features, "right": samples.right})


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
    found = []
    for strip, seen in zip(strips, features_of(analysis, strips, residual, _FS), strict=True):
        if strip.lead not in LEAD_NAMES:
            continue
        truth = page.signal[LEAD_NAMES.index(strip.lead)]
        at = round(strip.start * _FS) + np.arange(len(strip.signal))
        shown = np.where(at < len(truth), truth[np.minimum(at, len(truth) - 1)], np.nan)
        known = np.flatnonzero(np.isfinite(strip.signal))[seed % _EVERY :: _EVERY]
        error = strip.signal[known] - shown[known]
        # Paper does not tell where 0 mV lies. What is traced where the page shows nothing is an error: NaN is not less.
        offset = np.nanmedian(error) if np.isfinite(error).any() else 0.0
        found.append(Samples(seen[known], np.abs(error - offset) < TOLERANCE_MV))
    return joined(found)


def joined(parts: Sequence[Samples]) -> Samples:
    """Put samples together; no parts are no samples."""
    none = Samples(np.zeros((0, len(FEATURES)), np.float32), np.zeros(0, bool))
    return Samples(*(np.concatenate([getattr(own, name) for own in (none, *parts)]) for name in ("features", "right")))


def version_of_samples() -> str:
    """Name the version of what makes samples: the code, and the refiner's weights, which segments do not need."""
    return version_of_code("papertrace.training.samples", WEIGHTS)
