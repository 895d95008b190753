"""The beats of a report as marks to draw above their strip."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
