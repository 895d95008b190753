"""Measurements of a page, each with its reason where it is absent."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

QTC_FORMULA = "Fridericia"
"""QTc is QT / RR^(1/3), RR in seconds (Fridericia 1920).

Bazett's square root, although the most used, overcorrects: at fast rates it makes normal QT intervals long, at slow
ones long ones normal. The AHA, ACCF and HRS advise against it (Rautaharju et al. 2009); in 6,609 patients Fridericia's
and the Framingham formula left the least dependence on the rate and told mortality best (Vandenberk et al. 2016).
"""

UNITS = {
    "heart_rate": "1/min", "rr_variation": "1", "p_share": "1",
    "pr": "ms", "qrs": "ms", "qt": "ms", "qtc": "ms", "axis": "degrees",
}  # fmt: skip
"""Units of all values, in the order of the report."""


@dataclass(frozen=True)
class Measurement:
    """One value, or why there is none.

    Attributes
    ----------
    value : float or None
    unit : str
        ``"1/min"``, ``"ms"``, ``"degrees"`` or ``"1"`` (a share).
    reason : str or None
        Why `value` is None.
    note : str or None
        What to know before using `value`.
    """

    value: float | None
    unit: str
    reason: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class Measurements:
    """Rate, intervals and axis of a page.

    Attributes
    ----------
    heart_rate : Measurement
        Beats a minute, the mean over the strips that `leads` names.
    rr_variation : Measurement
        Standard deviation of the RR intervals over their mean: a few hundredths in sinus rhythm, typically above 0.1
        in atrial fibrillation.
    p_share : Measurement
        Share of the beats whose P wave stands where the others' do.
    pr, qrs, qt : Measurement
        Intervals from the earliest onset in any lead to the latest end.
    qtc : Measurement
        QT corrected for the rate by `QTC_FORMULA`.
    axis : Measurement
        The QRS complex's axis in the frontal plane, -180 to 180 degrees.
    beats : int
        Count of R peaks in the strips that `leads` names.
    averaged : int
        How many beats of the page, in whatever column, went into the averaged beat.
    leads : tuple of str
        Leads of the strips that the rhythm was read from: the longest one, and one of every column beside it.
    """

    heart_rate: Measurement
    rr_variation: Measurement
    p_share: Measurement
    pr: Measurement
    qrs: Measurement
    qt: Measurement
    qtc: Measurement
    axis: Measurement
    beats: int
    averaged: int
    leads: tuple[str, ...]


def not_measured(reason: str, beats: int = 0, leads: tuple[str, ...] = ()) -> Measurements:
    """Give the measurements of a page on which nothing can be measured.

    Parameters
    ----------
    reason : str
        Given for every value.
    beats : int
    leads : tuple of str

    Returns
    -------
    Measurements

    Examples
    --------
    >>> not_measured("no strip was traced").qt.reason
    'no strip was traced'
    """
    return Measurements(
        **{name: Measurement(None, unit, reason) for name, unit in UNITS.items()}, beats=beats, averaged=0, leads=leads
    )


def as_values(measured: Measurements) -> dict[str, Any]:
    """Lay measurements out as plain values, as the report has them.

    Parameters
    ----------
    measured : Measurements

    Returns
    -------
    dict
        Every value by its name, None where it is absent; ``qtc_formula``, ``beats``, ``averaged`` and ``leads``;
        ``units``, and by the same names ``reasons`` of what is absent and ``notes``.

    Examples
    --------
    >>> values = as_values(not_measured("no strip was traced"))
    >>> values["pr"], values["reasons"]["pr"], values["units"]["pr"]
    (None, 'no strip was traced', 'ms')
    """
    values: dict[str, Measurement] = {name: getattr(measured, name) for name in UNITS}
    return {
        **{name: measurement.value for name, measurement in values.items()},
        "qtc_formula": QTC_FORMULA,
        **{field.name: getattr(measured, field.name) for field in fields(measured) if field.name not in values},
        "units": dict(UNITS),
        "reasons": {name: measurement.reason for name, measurement in values.items() if measurement.reason is not None},
        "notes": {name: measurement.note for name, measurement in values.items() if measurement.note is not None},
    }
