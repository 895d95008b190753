"""Millivolts to statements: an arrhythmia network, measurements and beats for digitised electrocardiograms.

Examples
--------
>>> from classify import STATEMENTS
>>> STATEMENTS[0].name
'normal ECG'
"""

from classify.beats.beats import Beat, Beats, read_beats
from classify.diagnose import Diagnosis, Finding, diagnose
from classify.explanation import Explanation
from classify.measure.measurements import Measurement, Measurements
from classify.statements import STATEMENTS, Statement

__all__ = [
    "STATEMENTS",
    "Beat",
    "Beats",
    "Diagnosis",
    "Explanation",
    "Finding",
    "Measurement",
    "Measurements",
    "Statement",
    "diagnose",
    "read_beats",
]
