"""Layers of read pages beside the printer's truth, for `papertrace.training.bands`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitize.api import analyze_page
from digitize.records.page import PageError
from digitize.records.traces import Rows, Traces
from digitize.refine.layers import Layers, layers_of
from papertrace.datasets.ptbxl import read_500
from papertrace.synth import render_page
from papertrace.training.pages import Job, make_missing, write_arrays
from papertrace.training.sources import version_of_code
from papertrace.training.upright import true_rows

_FS = 500
"""Sampling frequency of the recordings that are printed, Hz."""

QUARTERS = 4
"""Places a column at which the truth is known."""


@dataclass(frozen=True, eq=False)
class ReadPage:
    """A printed page as it was read, and the truth about it.

    Attributes
    ----------
    layers : Layers
    seen, drawn : ndarray, shape (rows, w, QUARTERS), float32
        See `papertrace.training.upright.true_rows`.
    kind : str
        Preset.
    page : int
    """

    layers: Layers
    seen: NDArray[np.float32]
    drawn: NDArray[np.float32]
    kind: str
    page: int


def collect(jobs: Sequence[Job], processes: int) -> None:
    """Print and read the pages that are not there yet."""
    make_missing(jobs, make, processes)


def make(job: Job) -> None:
    """Print a page, read it, and write its layers; nothing but its kind where it cannot be read."""
    page = render_page(read_500(job.record), _FS, job.preset, seed=job.seed)
    try:
        analysis = analyze_page(page.image)
    except PageError:
        write_arrays(job.file, {"kind": job.preset, "page": job.page})
        return
    save(job.file, ReadPage(layers_of(analysis), *true_rows(page, analysis, QUARTERS), job.preset, job.page))


def save(file: Path, read: ReadPage) -> None:
    """Write a page, whole or not at all."""
    layers = read.layers
    arrays = {f"traces.{field.name}": getattr(layers.traces, field.name) for field in fields(Traces)}
    arrays |= {f"rows.{field.name}": getattr(layers.rows, field.name) for field in fields(Rows)}
    for name in ("coverage", "gray", "pen", "gain", "resolution"):
        arrays[name] = getattr(layers, name)
    arrays["print_mask"] = np.packbits(layers.print_mask, axis=1)
    write_arrays(file, {**arrays, "seen": read.seen, "drawn": read.drawn, "kind": read.kind, "page": read.page})


def load(file: Path) -> ReadPage | None:
    """Load a page that `save` wrote; None where it could not be read."""
    with np.load(file) as content:
        if "seen" not in content:
            return None
        traces = {field.name: content[f"traces.{field.name}"] for field in fields(Traces)}
        traces["radius"] = float(traces["radius"])
        rows = Rows(**{field.name: content[f"rows.{field.name}"] for field in fields(Rows)})
        coverage = content["coverage"]
        layers = Layers(
            coverage,
            content["gray"],
            content["pen"],
            np.unpackbits(content["print_mask"], axis=1, count=coverage.shape[1]).astype(bool),
            Traces(**traces),
            rows,
            float(content["gain"]),
            float(content["resolution"]),
        )
        return ReadPage(layers, content["seen"], content["drawn"], str(content["kind"]), int(content["page"]))


def version_of_band_pages() -> str:
    """Name the version of the code that makes pages; what corrects traces afterwards changes nothing of them."""
    return version_of_code("papertrace.training.band_pages", without=("digitize.refine.correct",))
