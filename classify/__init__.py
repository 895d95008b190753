"""Millivolts to statements: an arrhythmia network, measurements and beats for digitized electrocardiograms.

Examples
--------
>>> from classify import STATEMENTS
>>> STATEMENTS[0].name
'normal ECG'
"""

from __future__ import annotations

import warnings
from typing import Any

from classify.beats.beats import read_beats
from classify.interpretation import Interpretation, interpret
from classify.records.beats import Beat, Beats
from classify.records.interpretation import Explanation, StatementResult
from classify.records.measurements import Measurement, Measurements
from classify.statements import STATEMENTS, Statement

__all__ = [
    "STATEMENTS",
    "Beat",
    "Beats",
    "Explanation",
    "Interpretation",
    "Measurement",
    "Measurements",
    "Statement",
    "StatementResult",
    "interpret",
    "read_beats",
]

_RENAMED = {"Diagnosis": "Interpretation", "Finding": "StatementResult", "diagnose": "interpret"}
"""Names until version 0.1, and those that replace them."""


def __getattr__(name: str) -> Any:
    if name not in _RENAMED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warnings.warn(f"classify.{name} is now classify.{_RENAMED[name]}", DeprecationWarning, stacklevel=2)
    return globals()[_RENAMED[name]]
