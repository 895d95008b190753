from __future__ import annotations

import pytest

from digitize.layout.recount import miscount
from digitize.ocr.text import PrintedScale
from digitize.records.symbols import Pulse


def pulse(height_mm: float, width_mm: float) -> Pulse:
    return Pulse(0, 100.0, 100.0 + 10 * width_mm, 300.0, 300.0 + 10 * height_mm)


@pytest.mark.parametrize(
    ("pulse_mm", "row_mm", "times"),
    [
        ((20.0, 10.0), 500.0, 2.0),
        ((20.0, 6.0), 500.0, 2.0),
        ((20.0, 10.0), 260.0, 2.0),
        ((5.0, 2.5), 125.0, 0.5),
        ((25.0, 12.5), 625.0, 2.5),
        ((10.0, 5.0), 250.0, 1.0),
        ((20.0, 5.0), 250.0, 1.0),
        ((10.0, 10.0), 500.0, 1.0),
        ((11.0, 5.5), 275.0, 1.0),
    ],
)
def test_millimeters_are_miscounted_where_height_and_time_say_so(pulse_mm, row_mm, times):
    printed = PrintedScale(25.0, 10.0, None, "")
    assert miscount(printed, [pulse(*pulse_mm)], row_mm) == pytest.approx(times)


def test_nothing_is_miscounted_without_print_and_pulses():
    pulses = [pulse(20, 10)]
    assert miscount(PrintedScale(25.0, 10.0, None, ""), [], 500.0) == 1.0
    assert miscount(PrintedScale(None, 10.0, None, ""), pulses, 500.0) == 1.0
    assert miscount(PrintedScale(25.0, None, None, ""), pulses, 500.0) == 1.0
