"""Millivolts to statements: an arrhythmia network and measurements for digitised electrocardiograms.

Examples
--------
>>> from classify import STATEMENTS
>>> STATEMENTS[0].name
'normal ECG'
"""

from classify.diagnose import Diagnosis, Finding, diagnose
from classify.measurements import Measurement, Measurements
from classify.statements import STATEMENTS, Statement

__all__ = ["STATEMENTS", "Diagnosis", "Finding", "Measurement", "Measurements", "Statement", "diagnose"]
