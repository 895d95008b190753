"""Word measurements and beats as a clinician reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from classify.records.beats import CLASSES, NAMES

ABSENT = "-"
"""Stands for a value that could not be measured."""


class Line(NamedTuple):
    """One measurement in words.

    Attributes
    ----------
    name : str
    value : str
        With its unit; `ABSENT` where it could not be measured.
    remark : str
        Why it is absent, or what to know before using it; may be empty.
    """

    name: str
    value: str
    remark: str


def format_value(name: str, value: float) -> str:
    """Write one value with its unit.

    Parameters
    ----------
    name : str
        A field of `classify.records.measurements.Measurements` that is measured.
    value : float

    Returns
    -------
    str

    Examples
    --------
    >>> format_value("heart_rate", 71.8), format_value("pr", 162.4), format_value("rr_variation", 0.034)
    ('72/min', '162 ms', '3%')
    """
    if name == "heart_rate":
        return f"{value:.0f}/min"
    if name == "axis":
        return f"{round(value)}\N{DEGREE SIGN}"
    if name in ("rr_variation", "p_share"):
        return f"{value:.0%}"
    return f"{value:.0f} ms"


def in_words(values: Mapping[str, Any]) -> tuple[Line, ...]:
    """Put measurements into words: rate, PR, QRS, QT and QTc, axis, RR variation.

    Parameters
    ----------
    values : mapping
        What `classify.records.measurements.as_values` gave, as the report has it.

    Returns
    -------
    tuple of Line

    Examples
    --------
    >>> from classify.records.measurements import as_values, not_measured
    >>> in_words(as_values(not_measured("no strip was traced")))[1]
    Line(name='PR', value='-', remark='no strip was traced')
    """
    names = (("Heart rate", "heart_rate"), ("PR", "pr"), ("QRS", "qrs"))
    lines = [_line(title, values, name) for title, name in names]
    qt, qtc = values["qt"], values["qtc"]
    if qt is None:
        lines.append(_line("QT/QTc", values, "qt"))
    else:
        corrected = ABSENT if qtc is None else f"{qtc:.0f}"
        formula = "" if qtc is None else f" ({values['qtc_formula']})"
        remarks = (_remark(values, "qt"), _remark(values, "qtc"))
        lines.append(Line("QT/QTc", f"{qt:.0f}/{corrected} ms{formula}", "; ".join(filter(None, remarks))))
    return (*lines, _line("Axis", values, "axis"), _line("RR intervals vary by", values, "rr_variation"))


def in_a_line(values: Mapping[str, Any]) -> str:
    """Put measurements into one line, without remarks.

    Parameters
    ----------
    values : mapping
        What `classify.records.measurements.as_values` gave.

    Returns
    -------
    str

    Examples
    --------
    >>> from classify.records.measurements import as_values, not_measured
    >>> in_a_line({**as_values(not_measured("too short")), "heart_rate": 71.8, "axis": -30.2})
    '72/min, PR -, QRS -, QT/QTc -, axis -30°, RR intervals vary by -'
    """
    first, *rest = in_words(values)
    rate = first.value if first.value != ABSENT else f"heart rate {ABSENT}"
    return ", ".join([rate, *(f"{_within(line.name)} {line.value}" for line in rest)])


MOST_BEATS = 20
"""Beats of one class that are named one by one."""


def beats_in_a_line(found: Mapping[str, Any]) -> str:
    """Put beats into one line: how many there are, and each that is not ordinary with its time.

    Parameters
    ----------
    found : mapping
        ``beats`` of a report (`papertrace.cli.report.build_report`).

    Returns
    -------
    str

    Examples
    --------
    >>> beats = [{"class": "N", "time_s": 0.4, "probability": 0.99}, {"class": "V", "time_s": 1.5, "probability": 0.98}]
    >>> beats_in_a_line({"lead": "II", "beats": beats, "reason": None})
    '2 in lead II; ventricular ectopic (V): 1.5 s 98%'
    >>> beats_in_a_line({"lead": None, "beats": [], "reason": "no strip was traced"})
    'none: no strip was traced'
    """
    if not found["beats"]:
        return f"none: {found['reason']}"
    parts = [f"{len(found['beats'])} in lead {found['lead']}"]
    for kind in CLASSES[1:]:
        every = [beat for beat in found["beats"] if beat["class"] == kind]
        named = [f"{beat['time_s']:.1f} s {beat['probability']:.0%}" for beat in every[:MOST_BEATS]]
        if len(every) > MOST_BEATS:
            named.append(f"and {len(every) - MOST_BEATS} more")
        if named:
            parts.append(f"{NAMES[kind]} ({kind}): {', '.join(named)}")
    return "; ".join(parts) if len(parts) > 1 else f"{parts[0]}, none of them ectopic"


def _within(name: str) -> str:
    """Write a name within a sentence: abbreviations keep their capitals."""
    return name if name[:2].isupper() else name.lower()


def _line(title: str, values: Mapping[str, Any], name: str) -> Line:
    value = values[name]
    return Line(title, ABSENT if value is None else format_value(name, value), _remark(values, name))


def _remark(values: Mapping[str, Any], name: str) -> str:
    remark: str = values["reasons"].get(name) or values["notes"].get(name) or ""
    return remark
