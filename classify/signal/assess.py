"""Tell which statements a page allows: none of an inferior infarction where no inferior lead is shown."""

from __future__ import annotations

from classify.signal.inputs import ABSENT, SHORTEST_RHYTHM_S, NetworkInput
from classify.statements import STATEMENTS, Statement
from digitize.records.layouts import LEAD_NAMES


def reasons_against(page: NetworkInput) -> tuple[str | None, ...]:
    """Tell why statements cannot be assessed on a page.

    Parameters
    ----------
    page : NetworkInput

    Returns
    -------
    tuple of (str or None)
        In the order of `STATEMENTS`; None where there is nothing in the way.

    Examples
    --------
    >>> import numpy as np
    >>> from classify.records.segments import StripSegment
    >>> from classify.signal.inputs import input_from_segments
    >>> beats = np.exp(-(((np.arange(1000) % 90 - 45) / 3) ** 2)).astype(np.float32)
    >>> reasons = reasons_against(input_from_segments([StripSegment("II", beats)], fs=100))
    >>> [reason for statement, reason in zip(STATEMENTS, reasons) if statement.code in ("LVH", "AFIB")]
    ['needs V1 or V2; the page does not show them', None]
    """
    shown = [lead for lead, seen in zip(LEAD_NAMES, page.beats_seen, strict=True) if seen.any()]
    return tuple(_reason(statement, shown, page) for statement in STATEMENTS)


def _reason(statement: Statement, shown: list[str], page: NetworkInput) -> str | None:
    if not shown:
        return "no heartbeat was found"
    for leads in statement.needs:
        if not set(leads) & set(shown):
            return f"needs {' or '.join(leads)}; the page does not show them"
    if statement.needs_rhythm and page.rhythm_lead == ABSENT:
        return f"needs a strip of {SHORTEST_RHYTHM_S:g} s or more"
    if statement.group == "rhythm" and statement.code != "PACE" and not page.intervals[0]:
        return "needs two heartbeats in one strip"
    return None
