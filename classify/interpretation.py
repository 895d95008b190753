"""From digitized leads to statements, measurements and beats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classify.beats.beats import read_beats
from classify.contradictions import find_contradictions
from classify.exclusive import excluders
from classify.explanation import explain
from classify.measure.measurements import measure_leads
from classify.notebook import interpretation_html, plot_interpretation
from classify.records.beats import NOT_READ
from classify.records.interpretation import Explanation, InterpretationData, StatementResult
from classify.records.measurements import Measurements, as_values, not_measured
from classify.records.segments import segments_from_leads
from classify.signal.assess import reasons_against
from classify.signal.inputs import ABSENT, NetworkInput, input_from_leads
from classify.signal.weights import load_weights, predict
from classify.statements import STATEMENTS
from classify.wording import in_a_line
from digitize.leads import Leads
from digitize.records.arguments import of_type
from digitize.records.layouts import LEAD_NAMES
from digitize.records.results import LeadData

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


class Interpretation(InterpretationData):
    """The interpretation of one page: `InterpretationData` with an explanation, tables and pictures."""

    def __repr__(self) -> str:
        """Tell in a line how much was found; the fields have the rest."""
        present = ", ".join(found.code for found in self.statements if found.present) or "none"
        return f"<Interpretation {in_a_line(as_values(self.measurements))}; present: {present}>"

    def __getitem__(self, code: str) -> StatementResult:
        """Give one statement by its code.

        Parameters
        ----------
        code : str
            One of `classify.statements.CODES`, e.g. ``"AFIB"``, in upper or lower case.

        Returns
        -------
        StatementResult

        Raises
        ------
        KeyError
            If there is no such statement, or none could be made; the message says which.
        """
        for found in self.statements:
            if found.code.lower() == str(code).lower():
                return found
        allowed = ", ".join(found.code for found in self.statements)
        raise KeyError(f"no statement {code!r}; " + (f"allowed: {allowed}" if allowed else str(self.fallback)))

    def to_dict(self) -> dict[str, Any]:
        """Lay everything out as plain values: dictionaries, lists, text, numbers and None."""
        return {
            "reader": {"used": self.reader, "reason": self.fallback},
            "statements": [asdict(found) for found in self.statements],
            "measurements": as_values(self.measurements),
            "beats": asdict(self.beats),
            "warnings": list(self.warnings),
            "weights": self.weights_version,
        }

    def to_frame(self) -> pd.DataFrame:
        """Arrange the statements as a table: one row a statement, indexed by its ``code``, columns as its fields."""
        import pandas as pd

        names = [field.name for field in fields(StatementResult)]
        return pd.DataFrame([asdict(found) for found in self.statements], columns=names).set_index("code")

    def explain(self, leads: Leads, code: str | None = None) -> Explanation:
        """Tell where on the page the evidence for a statement lies (`classify.explanation.explain`).

        Parameters
        ----------
        leads : Leads
            The page that was read.
        code : str, optional
            One of `classify.statements.CODES`; by default the likeliest abnormal statement that is present.

        Returns
        -------
        Explanation
            Its `shade` is what `Leads.overlay` draws.

        Raises
        ------
        ValueError
            If there is no such statement.

        Examples
        --------
        >>> from classify import interpret
        >>> from digitize import load_pages, trace_leads
        >>> page = load_pages("samples/00024_hr.png")[0]
        >>> leads = trace_leads(page)
        >>> explanation = interpret(leads).explain(leads, "CLBBB")
        >>> picture = leads.overlay(page.image, shade=explanation.shade)
        >>> explanation.name, picture.shape[1] == page.image.shape[1]
        ('complete left bundle branch block', True)
        """
        return explain(self, leads, code)

    def plot(self) -> Figure:
        """Plot the statements' probabilities as bars, each with its threshold."""
        return plot_interpretation(self)

    def _repr_html_(self) -> str:
        """Show the interpretation in a notebook: statements as bars, measurements, warnings."""
        return interpretation_html(self)


def interpret(leads: Leads) -> Interpretation:
    """Make statements and measurements of a digitized page.

    Parameters
    ----------
    leads : Leads
        Of `digitize.trace_leads`.

    Returns
    -------
    Interpretation
        Without statements, and with the reason as `Interpretation.fallback`, where no strip holds a second of signal.

    Raises
    ------
    TypeError
        If these are no leads.
    ValueError
        If their sampling frequency is below 60 Hz, or the weights do not fit this code.
    FileNotFoundError
        If the weights are missing.

    Examples
    --------
    >>> from digitize.leads import no_leads
    >>> interpretation = interpret(no_leads((800, 600), "no trace"))
    >>> interpretation.statements, interpretation.fallback
    ((), 'no strip holds 1 s of signal')
    """
    of_type("leads", leads, LeadData, "what trace_leads gives")
    weights = load_weights()
    try:
        network_input = input_from_leads(leads)
    except ValueError as error:
        return without_statements(leads, str(error))
    statements = statement_results(predict([network_input])[0], weights.thresholds, reasons_against(network_input))
    measured, beats = measure_leads(leads), read_beats(segments_from_leads(leads), leads.fs)
    warnings = (*_warnings(network_input, measured), *find_contradictions(statements, measured, beats))
    return Interpretation(statements, measured, weights.version, warnings, beats)


def without_statements(leads: Leads, reason: str) -> Interpretation:
    """Interpret a page about which no statement can be made: measurements and beats are there all the same.

    Parameters
    ----------
    leads : Leads
    reason : str
        Why there are no statements.

    Returns
    -------
    Interpretation
        Measurements and beats are absent, with their reason, where they cannot be read either.
    """
    try:
        measured = measure_leads(leads)
    except ValueError as error:
        measured = not_measured(str(error))
    try:
        beats = read_beats(segments_from_leads(leads), leads.fs)
    except (FileNotFoundError, ValueError) as error:
        beats = replace(NOT_READ, reason=str(error))
    return Interpretation((), measured, "", (f"no statements: {reason}",), beats, None, reason)


def statement_results(
    probabilities: NDArray[np.float64], thresholds: NDArray[np.float64], reasons: Sequence[str | None]
) -> tuple[StatementResult, ...]:
    """Say of every statement whether it is present, from its probability.

    Parameters
    ----------
    probabilities, thresholds : ndarray, shape (statements,), float64
    reasons : sequence of (str or None)
        Why a statement cannot be assessed; such a one has no probability.

    Returns
    -------
    tuple of StatementResult
        In the order of `classify.statements.STATEMENTS`. No two that are present exclude each other.
    """
    excluded = excluders(probabilities, thresholds, np.array([reason is None for reason in reasons]))
    return tuple(
        StatementResult(
            statement.code,
            statement.name,
            statement.group,
            None if reason else float(probability),
            float(threshold),
            reason is None and by is None and bool(probability >= threshold),
            reason,
            by,
        )
        for statement, probability, threshold, reason, by in zip(
            STATEMENTS, probabilities, thresholds, reasons, excluded, strict=True
        )
    )


def _warnings(network_input: NetworkInput, measured: Measurements) -> tuple[str, ...]:
    warnings = []
    missing = [lead for lead, seen in zip(LEAD_NAMES, network_input.beats_seen, strict=True) if not seen.any()]
    if missing:
        warnings.append(f"not seen: {', '.join(missing)}; statements that need them are left out or less certain")
    if network_input.rhythm_lead == ABSENT:
        warnings.append("no strip of 4 s or more: statements about the rhythm are left out or less certain")
    if measured.heart_rate.reason:
        warnings.append(f"no heart rate: {measured.heart_rate.reason}")
    return tuple(warnings)
