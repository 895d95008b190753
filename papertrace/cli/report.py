"""All that is known about a page, as plain JSON values."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from classify.records.measurements import as_values
from digitize.version import __version__

if TYPE_CHECKING:
    from classify import Explanation, Interpretation
    from classify.records.beats import Beats
    from digitize import Leads
    from digitize.records.page import Page
    from papertrace.cli.plan import Job

REPORT_FORMAT = "papertrace-report/2"
"""Name and version of the report's format; the number grows when a key changes its meaning or goes."""


def build_report(
    job: Job,
    page: Page,
    leads: Leads,
    interpretation: Interpretation,
    seconds: float,
    *,
    refined: bool,
    explanation: Explanation | None = None,
    asked: str = "signal",
) -> dict[str, Any]:
    """Put all that is known about a page into a report.

    Parameters
    ----------
    job : Job
    page : Page
    leads : Leads
    interpretation : Interpretation
    seconds : float
        Time from opening the file to the statements.
    refined : bool
        Whether a network corrected the traces.
    explanation : Explanation, optional
        What spoke for the statement that was asked for.
    asked : str
        The reader that was asked for (`classify.readers.READERS`).

    Returns
    -------
    dict
        See docs/results.md, "Report".
    """
    height, width = page.image.shape[:2]
    rhythms = {
        found.code: found.probability or 0.0
        for found in interpretation.statements
        if found.group == "rhythm" and found.present
    }
    report = {
        "format": REPORT_FORMAT,
        "notice": "Not a medical device: for research and teaching only.",
        "software": {"name": "papertrace", "version": __version__, "weights": _weights(interpretation, leads, refined)},
        "source": {
            "file": None if job.pseudonymized else job.source,
            "page": job.index + 1,
            "width": width,
            "height": height,
            "dpi": page.dpi,
            "traces": leads.source,
        },
        "reader": {"asked": asked, "used": interpretation.reader, "reason": interpretation.fallback},
        "statements": [asdict(found) for found in interpretation.statements],
        "rhythm": max(rhythms, key=rhythms.__getitem__) if rhythms else None,
        "explanation": None if explanation is None else _explanation(explanation),
        "measurements": as_values(interpretation.measurements),
        "beats": _beats(interpretation.beats, leads),
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
        "warnings": [*leads.warnings, *interpretation.warnings],
        "seconds": seconds,
    }
    plain: dict[str, Any] = _plain(report)
    return plain


def _explanation(explanation: Explanation) -> dict[str, Any]:
    names = ("code", "name", "probability", "reason", "by_lead", "text")
    return {name: getattr(explanation, name) for name in names}


def _beats(beats: Beats, leads: Leads) -> dict[str, Any]:
    """Each beat with its time on the record's clock, `time_s`, and from the beginning of its strip, `strip_time_s`."""
    known = [place for place, strip in enumerate(leads.strips) if strip.lead in leads.names]
    strip = None if beats.segment is None else known[beats.segment]
    start = 0.0 if strip is None else leads.strips[strip].start
    return {
        "lead": beats.lead,
        "strip": strip,
        "reason": beats.reason,
        "beats": [
            {
                "time_s": start + beat.time_s,
                "strip_time_s": beat.time_s,
                "sample": beat.sample,
                "class": beat.kind,
                "probability": beat.probability,
                "probabilities": beat.probabilities,
            }
            for beat in beats.beats
        ],
    }


def _weights(interpretation: Interpretation, leads: Leads, refined: bool) -> dict[str, str | None]:
    from digitize.refine import correct, read
    from digitize.strips import confidence

    seen = leads.source == "raster"
    return {
        "classify": interpretation.weights_version or None,
        "beats": interpretation.beats.weights_version or None,
        "confidence": confidence.weights_version() if seen else None,
        "read": read.weights_version() if seen and refined else None,
        "refine": correct.weights_version() if seen and refined else None,
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
