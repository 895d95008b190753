"""Measurements of a made-up page, for tests of what becomes of them."""

from __future__ import annotations

from classify.records.measurements import Measurement, Measurements

MEASURED = Measurements(
    heart_rate=Measurement(75.4, "1/min"),
    rr_variation=Measurement(0.02, "1"),
    p_share=Measurement(1.0, "1"),
    pr=Measurement(162.0, "ms"),
    qrs=Measurement(92.0, "ms"),
    qt=Measurement(380.0, "ms"),
    qtc=Measurement(411.2, "ms", note="a note on <QTc>"),
    axis=Measurement(None, "degrees", "limb leads with a whole QRS complex: I; an axis needs two"),
    beats=12,
    averaged=11,
    leads=("II",),
)
