"""Find where on a page the evidence for a statement lies, ready to be drawn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from classify.records.interpretation import Explanation, InterpretationData, StatementResult
from classify.records.segments import segments_from_leads
from classify.signal.attribution import attribute
from classify.statements import CODES
from digitize.leads import Leads
from digitize.records.arguments import of_type
from digitize.records.layouts import LEAD_NAMES
from digitize.records.results import LeadData

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
    TypeError
        If these are no leads.
    ValueError
        If there is no such statement.
    """
    of_type("leads", leads, LeadData, "what trace_leads gives")
    if code is not None and code not in CODES:
        raise ValueError(f"unknown statement {code!r}; allowed: {', '.join(CODES)}")
    nothing = tuple(np.zeros(len(strip.signal), np.float32) for strip in leads.strips)
    if not interpretation.statements:
        return Explanation(None, None, None, f"no statements: {interpretation.fallback}", nothing, {})
    found = likeliest_abnormal(interpretation.statements) if code is None else _find(interpretation.statements, code)
    if found is None:
        return Explanation(None, None, None, "no abnormal statement is above its threshold", nothing, {})
    statement = (found.code, found.name, found.probability)
    if found.reason is not None:
        return Explanation(*statement, found.reason, nothing, {})
    try:
        evidence = iter(attribute(segments_from_leads(leads), leads.fs, found.code))
    except ValueError as error:  # the statement was read from the picture
        return Explanation(*statement, str(error), nothing, {})
    parts = [
        np.maximum(next(evidence), 0) if strip.lead in LEAD_NAMES else none
        for strip, none in zip(leads.strips, nothing, strict=True)
    ]
    most, total = max(float(part.max(initial=0)) for part in parts), sum(float(part.sum()) for part in parts)
    if most <= 0:
        return Explanation(*statement, "nothing on the page speaks for it", nothing, {})
    shares: dict[str, float] = {}
    for strip, part in zip(leads.strips, parts, strict=True):
        shares[strip.lead] = shares.get(strip.lead, 0.0) + float(part.sum()) / total
    by_lead = dict(sorted(shares.items(), key=lambda share: -share[1]))
    return Explanation(*statement, None, tuple((part / most).astype(np.float32) for part in parts), by_lead)


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
    present = [result for result in statements if result.present and result.code not in _ORDINARY]
    return max(present, key=lambda result: (result.group not in _CLASSES, result.probability or 0.0), default=None)


def _find(statements: Sequence[StatementResult], code: str) -> StatementResult:
    return next(result for result in statements if result.code == code)
