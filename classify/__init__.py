"""Millivolts to statements: an arrhythmia network, measurements and beats for digitised electrocardiograms.

Examples
--------
>>> from classify import STATEMENTS
>>> STATEMENTS[0].name
'normal ECG'
"""

from classify.beats.beats import read_beats
from classify.diagnose import Diagnosis, diagnose
from classify.records.beats import Beat, Beats
from classify.records.interpretation import Explanation, StatementResult
from classify.records.measurements import Measurement, Measurements
from classify.statements import STATEMENTS, Statement

__all__ = [
    "STATEMENTS",
    "Beat",
    "Beats",
    "Diagnosis",
    "Explanation",
    "Measurement",
    "Measurements",
    "Statement",
    "StatementResult",
    "diagnose",
    "read_beats",
]
