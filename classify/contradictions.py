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
from classify.records.measurements import Measurements
from classify.wording import format_value


@dataclass(frozen=True)
class Rule:
    """A bound that a statement sets to a measurement.

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
    """A demand of a beat on the statements.

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

CERTAIN_BEAT = 0.9
"""Probability from which on a beat contradicts a statement."""


def find_contradictions(
    results: Sequence[StatementResult], measured: Measurements, beats: Beats = NOT_READ
) -> tuple[str, ...]:
    """Name the statements that a measurement or a beat speaks against.

    Parameters
    ----------
    results : sequence of StatementResult
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
    present = {result.code: result.name for result in results if result.present}
    sentences = []
    for rule in RULES:
        value = getattr(measured, rule.measured).value
        if value is None or rule.low <= value <= rule.high or present.keys() & set(rule.unless):
            continue
        fact = f"{_NAMES[rule.measured]} {format_value(rule.measured, value)}"
        sentences += [_sentence(code, present[code], fact) for code in rule.codes if code in present]
    share, pr = measured.p_share.value, measured.pr.value
    if "AFIB" in present and pr is not None and share is not None and share >= _STEADY_P:
        steady = f"P waves stand steadily before {share:.0%} of the beats, PR {format_value('pr', pr)}"
        sentences.append(_sentence("AFIB", present["AFIB"], steady))
    return (*sentences, *_against_beats(results, present, beats))


def _against_beats(results: Iterable[StatementResult], present: dict[str, str], beats: Beats) -> list[str]:
    denied = {result.code: result.name for result in results if result.probability is not None and not result.present}
    sentences = []
    for rule in BEAT_RULES:
        certain = [beat for beat in beats.beats if beat.kind == rule.kind and beat.probability >= CERTAIN_BEAT]
        if not certain or present.keys() & {rule.wanted, *rule.unless}:
            continue
        fact = _count(certain, beats)
        sentences += [_sentence(code, present[code], fact) for code in rule.unwanted if code in present]
        if rule.wanted in denied:
            sentences.append(_sentence(rule.wanted, f"no {denied[rule.wanted]}", fact))
    return sentences


def _count(certain: Sequence[Beat], beats: Beats) -> str:
    """Count beats of one class, with their largest probability."""
    verb, most = ("are", ", the surest at ") if len(certain) > 1 else ("is", ", ")
    count = f"{len(certain)} of {len(beats.beats)} beat{'s' if len(beats.beats) > 1 else ''} in lead {beats.lead}"
    return f"{count} {verb} {NAMES[certain[0].kind]}{most}{max(beat.probability for beat in certain):.0%}"


_NAMES = {
    "heart_rate": "the heart rate is",
    "rr_variation": "the RR intervals vary by",
    "pr": "the PR interval is",
    "qrs": "the QRS duration is",
    "qtc": "the QTc is",
    "axis": "the axis is",
}


def _sentence(code: str, name: str, fact: str) -> str:
    return f"contradiction: {name} ({code}), but {fact}"
