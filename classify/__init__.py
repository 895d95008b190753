"""Millivolts to statements: an arrhythmia network and rhythm measurements for digitised electrocardiograms.

Examples
--------
>>> from classify import STATEMENTS
>>> STATEMENTS[0].name
'normal ECG'
"""

from classify.diagnose import Diagnosis, Finding, diagnose
from classify.rhythm import Rhythm
from classify.statements import STATEMENTS, Statement

__all__ = ["STATEMENTS", "Diagnosis", "Finding", "Rhythm", "Statement", "diagnose"]
