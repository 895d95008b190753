"""Views of pages that `papertrace.synth` printed and `digitize` read, for `papertrace.training.arrhythmia`.

What reading does to a signal, and how sure the digitizer is of it, is learned from its real work. Each page becomes one
small file (`papertrace.training.pages`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from classify.signal.inputs import NetworkInput, input_from_leads
from classify.signal.network import INPUTS
from digitize import PageError, trace_leads
from papertrace.datasets.ptbxl import Records, read_500
from papertrace.synth import render_page
from papertrace.training.pages import Job, make_missing, write_arrays
from papertrace.training.views import Pool, pool_views

_FS = 500


def collect(jobs: Sequence[Job], records: Records, processes: int) -> Pool | None:
    """Make the views that are not there yet, and load those of all pages that could be read.

    Parameters
    ----------
    jobs : sequence of Job
        Of these records.
    records : Records
    processes : int
        Pages at a time.

    Returns
    -------
    Pool or None
        In the order of the jobs; None where no page could be read.
    """
    make_missing(jobs, make, processes)
    place = {path: k for k, path in enumerate(records.paths_500) if path is not None}
    views, of = [], []
    for job in jobs:
        with np.load(job.file) as content:
            if content["read"]:
                views.append(NetworkInput(**{name: content[name] for name in INPUTS if name != "rhythm_lead"},
                                  rhythm_lead=int(content["rhythm_lead"])))  # fmt: skip
                of.append(place[job.record])
    return pool_views(views, of) if views else None


def make(job: Job) -> None:
    """Print a page, read it, and write its view; only that there is none where it cannot be read."""
    page = render_page(read_500(job.record), _FS, job.preset, seed=job.seed)
    try:
        view = input_from_leads(trace_leads(page.image, fs=_FS))
    except (PageError, ValueError):
        write_arrays(job.file, {"read": False})
    else:
        write_arrays(job.file, {"read": True, **{name: getattr(view, name) for name in INPUTS}})
