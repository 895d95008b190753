"""Where on a page the evidence for a statement lies, ready to be drawn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from classify.records.interpretation import Explanation, InterpretationData, StatementResult
from classify.records.segments import segments_from_leads
from classify.signal.attribution import attribute
from classify.statements import CODES
from digitize.leads import Leads
from digitize.records.layouts import LEAD_NAMES

_ORDINARY = ("NORM", "SR")
_CLASSES = ("superclass", "subclass", "challenge")


def explain(interpretation: InterpretationData, leads: Leads, code: str | None = None) -> Explanation:
    """Tell where on a page the evidence for a statement lies, by integrated gradients (`classify.signal.attribution`).

    Parameters
    ----------
    interpretation : InterpretationData
        The interpretation of the page.
    leads : Leads
        The page.
    code : str, optional
        One of `classify.statements.CODES`; by default `likeliest_abnormal`.

    Returns
    -------
    Explanation
        What speaks against the statement is not shown.

    Raises
    ------
    ValueError
        If there is no such statement.
    """
    if code is not None and code not in CODES:
        raise ValueError(f"unknown statement {code!r}; allowed: {', '.join(CODES)}")
    nothing = tuple(np.zeros(len(strip.signal), np.float32) for strip in leads.strips)
    if not interpretation.statements:
        return Explanation(None, None, None, f"no statements: {interpretation.fallback}", nothing, {})
    found = likeliest_abnormal(interpretation.statements) if code is None else _find(interpretation.statements, code)
    if found is None:
        return Explanation(None, None, None, "no abnormal statement is above its threshold", nothing, {})
    told = (found.code, found.name, found.probability)
    if found.reason is not None:
        return Explanation(*told, found.reason, nothing, {})
    try:
        spoken = iter(attribute(segments_from_leads(leads), leads.fs, found.code))
    except ValueError as error:  # the statement was read from the picture
        return Explanation(*told, str(error), nothing, {})
    spoke = [
        np.maximum(next(spoken), 0) if strip.lead in LEAD_NAMES else none
        for strip, none in zip(leads.strips, nothing, strict=True)
    ]
    most, total = max(float(part.max(initial=0)) for part in spoke), sum(float(part.sum()) for part in spoke)
    if most <= 0:
        return Explanation(*told, "nothing on the page speaks for it", nothing, {})
    of_lead: dict[str, float] = {}
    for strip, part in zip(leads.strips, spoke, strict=True):
        of_lead[strip.lead] = of_lead.get(strip.lead, 0.0) + float(part.sum()) / total
    by_lead = dict(sorted(of_lead.items(), key=lambda one: -one[1]))
    return Explanation(*told, None, tuple((part / most).astype(np.float32) for part in spoke), by_lead)


def likeliest_abnormal(statements: Sequence[StatementResult]) -> StatementResult | None:
    """Choose the statement that one would most like to see explained.

    Parameters
    ----------
    statements : sequence of StatementResult

    Returns
    -------
    StatementResult or None
        The likeliest that is present and neither a normal ECG nor sinus rhythm; classes of statements only where none
        of the statements themselves is present.
    """
    present = [found for found in statements if found.present and found.code not in _ORDINARY]
    return max(present, key=lambda found: (found.group not in _CLASSES, found.probability or 0.0), default=None)


def _find(statements: Sequence[StatementResult], code: str) -> StatementResult:
    return next(found for found in statements if found.code == code)
