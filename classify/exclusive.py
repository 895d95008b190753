"""Statements that exclude each other by what they mean, and which of them stands.

The network gives every statement a probability of its own, and a rare one is present from a low probability on: so
"sinus bradycardia, 15 %" could stand beside "sinus rhythm, 81 %", although PTB-XL gives a record one of the two.

Of two rhythms the one stands that exceeds its threshold by the larger factor, of other statements the likelier one. On
PTB-XL's fold 8 (432 records) the mean F1 of all statements was 0.547 and is 0.550 with twelve leads of ten seconds, and
was 0.577 and is 0.570 with 3x4+II. The likelier rhythm would leave 0.536 and 0.560: sinus arrhythmia is never likelier
than sinus rhythm, even where it is true.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from classify.statements import CODES, STATEMENTS

_ABNORMAL = tuple(statement.code for statement in STATEMENTS if statement.superclass not in (None, "NORM"))
_FIBRILLATION = ("AFIB", "AFIB/AFL")

_TINY = 1e-9

Pairs = tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]

RHYTHMS: Pairs = (
    # PTB-XL's sinus rhythm is that of a usual and even rate.
    (("SR",), ("STACH", "SBRAD", "SARRH", *_FIBRILLATION, "PACE", "TACHY")),
    (("SBRAD",), ("STACH", "TACHY")),
    (_FIBRILLATION, ("STACH", "SBRAD", "SARRH")),
)
"""Rhythms: every code of a line's first part excludes every one of its second."""

FINDINGS: Pairs = (
    # A normal ECG has no finding of another superclass, no abnormal wave and no such rhythm.
    (("NORM",), (*_ABNORMAL, "ABQRS", "INVT", "LOWT", *_FIBRILLATION, "PACE")),
    # Fibrillation leaves no P wave to come early, to be wide or to begin a PR interval.
    (_FIBRILLATION, ("PAC", "LAO/LAE", "1AVB", "LPR")),
    # One QRS complex shows one block of a whole bundle; a non-specific disturbance is none.
    (("CLBBB",), ("CRBBB", "IRBBB", "IVCD", "LAFB", "LAFB/LPFB")),
    (("CRBBB",), ("IRBBB", "IVCD")),
)
"""All others, in the same form. In the 17,441 records of PTB-XL's folds 1 to 8 three of four pairs, rhythms included,
stand together less than a twentieth as often as by chance; most often do a normal ECG and an incomplete right bundle
branch block, half as often."""


def excluders(
    probabilities: NDArray[np.float64], thresholds: NDArray[np.float64], assessed: NDArray[np.bool_]
) -> tuple[str | None, ...]:
    """Tell which statements are above their thresholds and yet excluded.

    Parameters
    ----------
    probabilities, thresholds : ndarray, shape (statements,), float64
        In the order of `classify.statements.STATEMENTS`.
    assessed : ndarray, shape (statements,), bool
        Which ones the page allows.

    Returns
    -------
    tuple of (str or None)
        The code of what excludes the statement; None for one that is not excluded.

    Examples
    --------
    >>> chances = np.array([{"SR": 0.81, "SBRAD": 0.15}.get(code, 0.0) for code in CODES])
    >>> limits = np.array([{"SR": 0.59}.get(code, 0.12) for code in CODES])
    >>> excluders(chances, limits, np.ones(len(CODES), bool))[CODES.index("SBRAD")]
    'SR'
    """
    found: dict[str, str] = {}
    for pairs, strength in ((RHYTHMS, probabilities / np.maximum(thresholds, _TINY)), (FINDINGS, probabilities)):
        standing: list[str] = []
        for place in np.argsort(-strength, kind="stable"):
            code = CODES[place]
            if code in found or not assessed[place] or probabilities[place] < thresholds[place]:
                continue
            excluder = next((stronger for stronger in standing if _exclude(pairs, code, stronger)), None)
            if excluder is None:
                standing.append(code)
            else:
                found[code] = excluder
    return tuple(found.get(code) for code in CODES)


def _exclude(pairs: Pairs, code: str, stronger: str) -> bool:
    return any((code in a and stronger in b) or (code in b and stronger in a) for a, b in pairs)
