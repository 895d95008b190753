"""Where on a page the evidence for a statement lies, ready to be drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from classify.signal.view import pieces_of
from classify.statements import CODES
from digitize.records.layouts import LEAD_NAMES
from digitize.records.results import Shade

if TYPE_CHECKING:
    from classify.diagnose import Diagnosis, Finding
    from digitize.leads import Leads

_ORDINARY = ("NORM", "SR")
_CLASSES = ("superclass", "subclass", "challenge")
_MOST_LEADS = 3


@dataclass(frozen=True, eq=False)
class Explanation:
    """What spoke for a statement.

    Attributes
    ----------
    code, name : str or None
        The statement; None where the likeliest abnormal one was asked for and none is present, or none could be made.
    probability : float or None
        As in `classify.Finding`.
    reason : str or None
        Why there is nothing to show, e.g. that the page does not allow the statement.
    strength : tuple of ndarray, each of shape (n,), float32
        Of each strip of the page, sample by sample: 0 (nothing speaks for the statement) to 1 (nothing on the page
        speaks for it more).
    by_lead : dict of str to float
        The leads' shares of what speaks for it, the largest first; empty where nothing does.
    """

    code: str | None
    name: str | None
    probability: float | None
    reason: str | None
    strength: tuple[NDArray[np.float32], ...]
    by_lead: dict[str, float]

    @property
    def text(self) -> str:
        """The statement, its probability and the leads that speak most, or why there is nothing to show."""
        if self.name is None:
            return f"nothing to explain: {self.reason}"
        if self.probability is None:
            return f"{self.name} ({self.code}): not assessable: {self.reason}"
        told = f"{self.name} ({self.code}), {self.probability:.0%}"
        if self.reason:
            return f"{told}: {self.reason}"
        most = [f"{lead} {share:.0%}" for lead, share in self.by_lead.items()][:_MOST_LEADS]
        return f"{told}: what speaks for it lies in {', '.join(most)}{', ...' if len(self.by_lead) > len(most) else ''}"

    @property
    def shade(self) -> Shade:
        """The same as a band to draw along the traces (`digitize.Leads.overlay`)."""
        return Shade(self.strength, self.text)


def explain(diagnosis: Diagnosis, leads: Leads, code: str | None = None) -> Explanation:
    """Tell where on a page the evidence for a statement lies, by integrated gradients (`classify.signal.attribution`).

    Parameters
    ----------
    diagnosis : Diagnosis
        The reading of the page.
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
    if not diagnosis.statements:
        return Explanation(None, None, None, f"no statements: {diagnosis.fallback}", nothing, {})
    found = likeliest_abnormal(diagnosis.statements) if code is None else _find(diagnosis.statements, code)
    if found is None:
        return Explanation(None, None, None, "no abnormal statement is above its threshold", nothing, {})
    told = (found.code, found.name, found.probability)
    if found.reason is not None:
        return Explanation(*told, found.reason, nothing, {})
    from classify.signal.attribution import attribute

    try:
        spoken = iter(attribute(pieces_of(leads), leads.fs, found.code))
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


def likeliest_abnormal(statements: Sequence[Finding]) -> Finding | None:
    """Choose the statement that one would most like to see explained.

    Parameters
    ----------
    statements : sequence of Finding

    Returns
    -------
    Finding or None
        The likeliest that is present and neither a normal ECG nor sinus rhythm; classes of statements only where none
        of the statements themselves is present.
    """
    present = [found for found in statements if found.present and found.code not in _ORDINARY]
    return max(present, key=lambda found: (found.group not in _CLASSES, found.probability or 0.0), default=None)


def _find(statements: Sequence[Finding], code: str) -> Finding:
    return next(found for found in statements if found.code == code)
