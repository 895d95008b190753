from __future__ import annotations

from dataclasses import replace

from classify.records.measurements import Measurement, as_values, not_measured
from classify.wording import in_a_line, in_words
from tests.measured import MEASURED


def test_a_clinician_reads_it():
    assert [f"{line.name} {line.value}" for line in in_words(as_values(MEASURED))] == [
        "Heart rate 75/min",
        "PR 162 ms",
        "QRS 92 ms",
        "QT/QTc 380/411 ms (Fridericia)",
        "Axis -",
        "RR intervals vary by 2%",
    ]
    assert (
        in_a_line(as_values(MEASURED))
        == "75/min, PR 162 ms, QRS 92 ms, QT/QTc 380/411 ms (Fridericia), axis -, RR intervals vary by 2%"
    )


def test_what_is_absent_has_its_reason():
    lines = in_words(as_values(not_measured("too short")))
    assert all((line.value, line.remark) == ("-", "too short") for line in lines)


def test_a_qt_without_a_qtc():
    some = replace(MEASURED, qtc=Measurement(None, "ms", "uneven"), qt=Measurement(380.0, "ms", note="alone"))
    (line,) = (line for line in in_words(as_values(some)) if line.name == "QT/QTc")
    assert line == ("QT/QTc", "380/- ms", "alone; uneven")
