"""Statements that the measurements or the beats speak against.

The network sees shapes and the measurements see times; another network names the beats one by one. Where they
contradict each other, one is wrong, and a reader should look. Bounds lie beyond the definitions (100/min, 200 ms,
120 ms, ...), as far as a correct statement's measurement may err: on PTB-XL's folds 1 to 8, fewer than one in twenty of
the records to which physicians gave a statement lie beyond its bound.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf

from classify.records.beats import NAMES, NOT_READ, Beat, Beats
from classify.records.interpretation import StatementResult
from classify.records.measurements import Measurement, Measurements
from classify.wording import format_value


@dataclass(frozen=True)
class Rule:
    """What a statement demands of a measurement.

    Attributes
    ----------
    codes : tuple of str
        Statements that demand it.
    measured : str
        A field of `classify.records.measurements.Measurements`.
    low, high : float
        The measurement lies between them.
    unless : tuple of str
        Statements that explain it if it does not.
    """

    codes: tuple[str, ...]
    measured: str
    low: float = -inf
    high: float = inf
    unless: tuple[str, ...] = ()


_UNEVEN = ("PAC", "PVC", "SVARR", "SARRH", "BIGU", "TRIGU", "AFIB", "AFLT", "2AVB", "3AVB", "PACE")
_SINUS = ("SR", "STACH", "SBRAD")

RULES: tuple[Rule, ...] = (
    Rule(("STACH", "SVTAC", "PSVT"), "heart_rate", low=95),
    Rule(("SBRAD",), "heart_rate", high=65),
    Rule(("NORM",), "heart_rate", low=45, high=115),
    Rule(_SINUS, "rr_variation", high=0.2, unless=_UNEVEN),
    Rule(("AFIB",), "rr_variation", low=0.06),
    Rule(("1AVB", "LPR"), "pr", low=190),
    Rule(("WPW",), "pr", high=160),
    Rule(("NORM",), "pr", high=230, unless=("1AVB", "LPR")),
    Rule(("CLBBB", "CRBBB"), "qrs", low=110),
    Rule(("NORM",), "qrs", high=125),
    Rule(("LNGQT",), "qtc", low=425),
    Rule(("NORM",), "qtc", high=480),
    Rule(("LAFB",), "axis", high=-15),
    Rule(("LPFB",), "axis", low=60),
    Rule(("NORM",), "axis", low=-45, high=110),
)
"""Every demand; codes that the statements do not have do no harm."""

_STEADY_P = 0.8


@dataclass(frozen=True)
class BeatRule:
    """What a beat demands of the statements.

    Attributes
    ----------
    kind : str
        Its class (`classify.records.beats.CLASSES`).
    wanted : str
        The statement that there is such a beat.
    unwanted : tuple of str
        Statements that deny it.
    unless : tuple of str
        Statements that explain it otherwise.
    """

    kind: str
    wanted: str
    unwanted: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()


BEAT_RULES: tuple[BeatRule, ...] = (
    BeatRule("V", "PVC", ("NORM",), ("BIGU", "TRIGU", "PACE")),
    BeatRule("S", "PAC", (), ("SVARR", "SARRH", "BIGU", "TRIGU", "AFIB", "AFLT", "AFIB/AFL", "PACE")),
)
"""Every demand of beats. A single atrial beat leaves an ECG normal for a third of PTB-XL's physicians."""

SURE_BEAT = 0.9
"""Probability from which on a beat contradicts a statement."""


def find_contradictions(
    findings: Sequence[StatementResult], measured: Measurements, beats: Beats = NOT_READ
) -> tuple[str, ...]:
    """Name the statements that a measurement or a beat speaks against.

    Parameters
    ----------
    findings : sequence of StatementResult
    measured : Measurements
    beats : Beats

    Returns
    -------
    tuple of str
        One sentence each, in the order of `RULES`, then of `BEAT_RULES`, with the statement and what contradicts it.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from classify.records.interpretation import StatementResult
    >>> from classify.records.measurements import Measurement, not_measured
    >>> fast = StatementResult("STACH", "sinus tachycardia", "rhythm", 0.83, 0.4, True)
    >>> find_contradictions([fast], replace(not_measured("-"), heart_rate=Measurement(62.0, "1/min")))
    ('contradiction: sinus tachycardia (STACH), but the heart rate is 62/min',)
    """
    present = {found.code: found.name for found in findings if found.present}
    told = []
    for rule in RULES:
        one: Measurement = getattr(measured, rule.measured)
        if one.value is None or rule.low <= one.value <= rule.high or present.keys() & set(rule.unless):
            continue
        value = f"{_NAMES[rule.measured]} {format_value(rule.measured, one.value)}"
        told += [_sentence(code, present[code], value) for code in rule.codes if code in present]
    share, pr = measured.p_share.value, measured.pr.value
    if "AFIB" in present and pr is not None and share is not None and share >= _STEADY_P:
        steady = f"P waves stand steadily before {share:.0%} of the beats, PR {format_value('pr', pr)}"
        told.append(_sentence("AFIB", present["AFIB"], steady))
    return (*told, *_against_beats(findings, present, beats))


def _against_beats(findings: Iterable[StatementResult], present: dict[str, str], beats: Beats) -> list[str]:
    denied = {found.code: found.name for found in findings if found.probability is not None and not found.present}
    told = []
    for rule in BEAT_RULES:
        sure = [beat for beat in beats.beats if beat.kind == rule.kind and beat.probability >= SURE_BEAT]
        if not sure or present.keys() & {rule.wanted, *rule.unless}:
            continue
        seen = _seen(sure, beats)
        told += [_sentence(code, present[code], seen) for code in rule.unwanted if code in present]
        if rule.wanted in denied:
            told.append(_sentence(rule.wanted, f"no {denied[rule.wanted]}", seen))
    return told


def _seen(sure: Sequence[Beat], beats: Beats) -> str:
    """Such a number of such beats, with the largest probability."""
    verb, most = ("are", ", the surest at ") if len(sure) > 1 else ("is", ", ")
    count = f"{len(sure)} of {len(beats.beats)} beat{'s' if len(beats.beats) > 1 else ''} in lead {beats.lead}"
    return f"{count} {verb} {NAMES[sure[0].kind]}{most}{max(beat.probability for beat in sure):.0%}"


_NAMES = {
    "heart_rate": "the heart rate is",
    "rr_variation": "the RR intervals vary by",
    "pr": "the PR interval is",
    "qrs": "the QRS duration is",
    "qtc": "the QTc is",
    "axis": "the axis is",
}


def _sentence(code: str, name: str, value: str) -> str:
    return f"contradiction: {name} ({code}), but {value}"
