"""The beats of a report as marks to draw above their strip, and as a WFDB annotation file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from papertrace.cli.formats import BEATS

if TYPE_CHECKING:
    from pathlib import Path

    from digitize.render.overlay import Annotation

ORDINARY = "N"
"""The class that is marked by a tick alone."""


def beat_annotations(report: dict[str, Any]) -> tuple[Annotation, ...]:
    """Annotate each beat: a tick, and its class where that is not `ORDINARY`.

    Parameters
    ----------
    report : dict
        What `papertrace.cli.report.build_report` gave.

    Returns
    -------
    tuple of Annotation

    Examples
    --------
    >>> beats = [{"sample": 400, "class": "N"}, {"sample": 700, "class": "V"}]
    >>> [mark.text for mark in beat_annotations({"beats": {"strip": 12, "beats": beats}})]
    ['', 'V']
    """
    from digitize.render.overlay import Annotation

    found = report["beats"]
    return tuple(
        Annotation(found["strip"], beat["sample"], "" if beat["class"] == ORDINARY else beat["class"])
        for beat in found["beats"]
    )


def write_beats(report: dict[str, Any], header: Path) -> Path | None:
    """Write the beats as the WFDB annotations ``atr`` of a record: times on its clock, classes as WFDB's symbols.

    Parameters
    ----------
    report : dict
        What `papertrace.cli.report.build_report` gave.
    header : Path
        The record's ``.hea`` file (`digitize.export.write_wfdb`); it stays as it is.

    Returns
    -------
    Path or None
        The file; None, and no file, where there are no beats.

    Raises
    ------
    OSError
        If it cannot be written.

    References
    ----------
    annot(5) of the WFDB Applications Guide. The letters of ANSI/AAMI EC57 are WFDB's symbols of the same beats.
    """
    import wfdb

    beats = report["beats"]["beats"]
    if not beats:
        return None
    record = wfdb.rdheader(str(header.with_suffix("")))
    channel = record.sig_name.index(report["beats"]["lead"])
    wfdb.wrann(
        header.stem,
        BEATS.removeprefix("."),
        sample=np.array([round(beat["time_s"] * record.fs) for beat in beats]),
        symbol=[beat["class"] for beat in beats],
        chan=np.full(len(beats), channel),
        write_dir=str(header.parent),
    )
    return header.with_suffix(BEATS)
