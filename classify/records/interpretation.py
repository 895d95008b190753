"""The interpretation of a page; `classify.Interpretation` adds what can be done with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classify.records.beats import NOT_READ, Beats
from classify.records.measurements import Measurements
from digitize.records.results import Highlight

_MOST_LEADS = 3


@dataclass(frozen=True)
class StatementResult:
    """One statement about one page.

    Attributes
    ----------
    code, name, group : str
        As in `classify.statements.Statement`.
    probability : float or None
        Calibrated on PTB-XL's fold 8; None where the page does not allow the statement.
    threshold : float
        The probability from which on the statement counts as present: best F1 on fold 8.
    present : bool
        False where the page does not allow the statement, or another excludes it.
    reason : str or None
        Why the statement cannot be assessed on this page.
    excluded_by : str or None
        Code of the statement that stands in its place, although it is above its threshold (`classify.exclusive`).
    """

    code: str
    name: str
    group: str
    probability: float | None
    threshold: float
    present: bool
    reason: str | None = None
    excluded_by: str | None = None


@dataclass(frozen=True, eq=False)
class Explanation:
    """Evidence for a statement, and where on the page it lies.

    Attributes
    ----------
    code, name : str or None
        The statement; None where the likeliest abnormal one was asked for and none is present, or none could be made.
    probability : float or None
        As in `StatementResult`.
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
        """Name the statement, its probability and the leads that speak most, or why there is nothing to show."""
        if self.name is None:
            return f"nothing to explain: {self.reason}"
        if self.probability is None:
            return f"{self.name} ({self.code}): not assessable: {self.reason}"
        statement = f"{self.name} ({self.code}), {self.probability:.0%}"
        if self.reason:
            return f"{statement}: {self.reason}"
        most = [f"{lead} {share:.0%}" for lead, share in self.by_lead.items()][:_MOST_LEADS]
        rest = ", ..." if len(self.by_lead) > len(most) else ""
        return f"{statement}: what speaks for it lies in {', '.join(most)}{rest}"

    @property
    def shade(self) -> Highlight:
        """Give the same as a band to draw along the traces (`digitize.Leads.overlay`)."""
        return Highlight(self.strength, self.text)


@dataclass(frozen=True)
class InterpretationData:
    """Statements, measurements and beats of one page.

    Attributes
    ----------
    statements : tuple of StatementResult
        Every statement in the order of `classify.statements.STATEMENTS`; none where none could be made.
    measurements : Measurements
        Heart rate and regularity, PR, QRS, QT and QTc, axis.
    weights_version : str
        Which weights said so.
    warnings : tuple of str
        Remarks to know before trusting it.
    beats : Beats
        The beats of the rhythm strip, one by one.
    reader : str or None
        What the statements were made from: ``"signal"``, or the network that looked at the picture, ``"image"`` or
        ``"hybrid"``, or ``"signal and image"`` (`classify.readers`); None where none could be made.
    fallback : str or None
        Why it was not what was asked for, or why there are no statements.
    """

    statements: tuple[StatementResult, ...]
    measurements: Measurements
    weights_version: str
    warnings: tuple[str, ...]
    beats: Beats = NOT_READ
    reader: str | None = "signal"
    fallback: str | None = None
