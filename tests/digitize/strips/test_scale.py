from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitize.ocr.text import GAINS, SPEEDS, PrintedScale
from digitize.records.symbols import Pulse
from digitize.strips.scale import find_scale, resolve

NOTHING = PrintedScale(None, None, None, "")


def pulse(height_mm: float = 10.0, width_mm: float = 5.0, row: int = 0) -> Pulse:
    return Pulse(row, 100.0, 100.0 + 10 * width_mm, 300.0, 300.0 + 10 * height_mm)


def test_print_comes_before_pulses():
    scale = find_scale(PrintedScale(50.0, 10.0, None, "50 mm/s 10 mm/mV"), [pulse(10, 10)])
    assert (scale.speed, scale.gain) == ((50.0, "read"), (10.0, "read"))
    assert scale.warnings == ()


def test_the_caller_comes_before_print():
    scale = find_scale(PrintedScale(25.0, 10.0, None, ""), [pulse()], speed=50.0, gain=20.0)
    assert (scale.speed, scale.gain) == ((50.0, "given"), (20.0, "given"))


@pytest.mark.parametrize("gain", GAINS)
@pytest.mark.parametrize("speed", SPEEDS[2:])
def test_pulses_measure_what_is_not_printed(gain, speed):
    scale = find_scale(NOTHING, [pulse(gain, 0.2 * speed, row) for row in range(3)])
    assert scale.speed == (speed, "measured")
    assert scale.gain == (gain, "measured")
    assert scale.warnings == ()


def test_a_short_pulse_is_no_sign_of_slow_paper():
    scale = find_scale(NOTHING, [pulse(10, 2.5)])
    assert scale.speed == (25.0, "assumed")


def test_a_bare_page_takes_what_is_usual_and_says_so():
    scale = find_scale(NOTHING, [])
    assert (scale.speed, scale.gain) == ((25.0, "assumed"), (10.0, "assumed"))
    assert len(scale.warnings) == 2
    assert "gain assumed: 10 mm/mV" in scale.warnings[0]
    assert "speed assumed: 25 mm/s" in scale.warnings[1]


def test_pulses_that_contradict_the_gain_are_a_warning():
    scale = find_scale(PrintedScale(25.0, 10.0, None, ""), [pulse(5)])
    assert scale.gain == (10.0, "read")
    assert scale.warnings == ("the calibration pulse is 5.0 mm high, but the gain is 10 mm/mV (read)",)


def test_one_bad_pulse_of_four_does_not_decide():
    assert find_scale(NOTHING, [pulse(), pulse(), pulse(), pulse(20)]).gain.value == 10.0


def test_a_pulse_that_fits_no_gain_measures_nothing():
    scale = find_scale(NOTHING, [pulse(7.2)])
    assert scale.gain.source == "assumed"


@given(gain=st.sampled_from(GAINS), stray=st.floats(-0.07, 0.07))
def test_pulses_may_be_a_little_off(gain, stray):
    scale = find_scale(NOTHING, [pulse(gain * (1 + stray))])
    assert scale.gain == (gain, "measured")


@given(height=st.floats(0.5, 60), width=st.floats(0.5, 30))
def test_what_is_measured_is_always_one_of_those_allowed(height, width):
    scale = find_scale(NOTHING, [pulse(height, width)])
    assert scale.gain.value in GAINS
    assert scale.speed.value in SPEEDS


def test_chest_leads_may_have_a_gain_of_their_own():
    scale = find_scale(PrintedScale(25.0, 10.0, 5.0, "limb 10 mm/mV chest 5 mm/mV"), [])
    assert (scale.gain.value, scale.chest_gain.value) == (10.0, 5.0)
    assert any("chest" in warning for warning in scale.warnings)
    assert find_scale(PrintedScale(25.0, 10.0, 5.0, ""), [], gain=20.0).chest_gain == (20.0, "given")


def test_pulses_of_chest_rows_measure_their_gain():
    pulses = [pulse(10, row=row) for row in range(6)] + [pulse(5, row=row) for row in range(6, 12)]
    scale = find_scale(NOTHING, pulses, range(6, 12))
    assert (scale.gain, scale.chest_gain) == ((10.0, "measured"), (5.0, "measured"))
    assert scale.warnings == ("chest leads are printed at 5 mm/mV, limb leads at 10",)
    read = find_scale(PrintedScale(25.0, 10.0, None, ""), pulses, range(6, 12))
    assert (read.gain, read.chest_gain) == ((10.0, "read"), (5.0, "measured"))


def test_pulses_of_chest_rows_that_contradict_print_are_a_warning():
    pulses = [pulse(10, row=0), pulse(10, row=1)]
    scale = find_scale(PrintedScale(25.0, 10.0, 5.0, ""), pulses, [1])
    assert scale.chest_gain == (5.0, "read")
    assert scale.warnings == (
        "chest leads are printed at 5 mm/mV, limb leads at 10",
        "the chest leads' calibration pulse is 10.0 mm high, but their gain is 5 mm/mV (read)",
    )


def test_a_page_of_chest_leads_takes_the_gain_of_its_pulses():
    scale = find_scale(NOTHING, [pulse(5, row=row) for row in range(6)], range(6))
    assert (scale.gain.value, scale.chest_gain.value) == (5.0, 5.0)
    assert scale.warnings == ()


def test_a_gain_that_was_given_holds_for_all_leads():
    scale = find_scale(NOTHING, [pulse(10, row=0), pulse(5, row=1)], [1], gain=10.0)
    assert (scale.gain.value, scale.chest_gain.value) == (10.0, 10.0)


def test_a_pulse_too_wide_for_the_speed_is_a_warning_with_both():
    scale = find_scale(PrintedScale(25.0, 10.0, None, ""), [pulse(10, 10)])
    assert scale.speed == (25.0, "read")
    assert scale.warnings == (
        "the calibration pulse is 10.0 mm wide, 0.2 s at 50 mm/s, but the speed is 25 mm/s (read)",
    )
    assert find_scale(PrintedScale(25.0, 10.0, None, ""), [pulse(10, 2.5)]).warnings == ()


def test_the_second_roof_of_a_pulse_is_the_chest_leads_gain():
    stepped = replace(pulse(10.0, 5.0), step=350.0)
    scale = find_scale(NOTHING, [stepped, stepped])
    assert (scale.gain.value, scale.chest_gain.value) == (10.0, 5.0)
    assert "chest leads are printed at 5 mm/mV" in scale.warnings[0]


@given(*[st.none() | st.floats(1, 100)] * 3, st.floats(1, 100))
def test_the_first_that_says_anything_is_taken_with_its_name(given_, printed, measured, usual):
    said = {"given": given_, "read": printed, "measured": measured, "assumed": usual}
    source = next(name for name, value in said.items() if value is not None)
    assert resolve(given_, printed, measured, usual) == (said[source], source)
