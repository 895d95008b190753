"""Facts that paper electrocardiograms have in common: speeds and gains of electrocardiographs, pulses, rows."""

from __future__ import annotations

SPEEDS = (10.0, 12.5, 25.0, 50.0, 100.0)
"""Paper speeds in mm/s that a printed scale may state."""

GAINS = (2.5, 5.0, 10.0, 20.0, 40.0)
"""Gains in mm/mV that a printed scale may state."""

USUAL_SPEED, USUAL_GAIN = 25.0, 10.0
"""Paper speed (mm/s) and gain (mm/mV) where nothing else is stated."""

SPEEDS_MM_S, GAINS_MM_MV = (5.0, 200.0), (1.0, 100.0)
"""Paper speeds and gains that a caller may give, from and to: electrocardiographs have 5 to 100 mm/s and 2.5 to 40
mm/mV, and some pictures are enlarged."""

DPI = (100.0, 700.0)
"""Resolutions of scans that a caller may give, from and to; what is beyond is not taken for one."""

SAMPLING_HZ = (1, 10_000)
"""Sampling frequencies of a result that a caller may ask for, from and to: a page shows some 250 points a second, and
electrocardiographs record 250 to 1000, a few 2000."""

PULSE_SECONDS = 0.2
"""Duration of a calibration pulse where it keeps to the custom; many do not, so it only ever confirms or warns."""

ROW_SECONDS = 10.0
"""Length of a row as a rule."""
