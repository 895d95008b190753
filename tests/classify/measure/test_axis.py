from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from classify.measure.average import AveragedBeat
from classify.measure.axis import frontal_axis
from classify.measure.waves import Waves

WAVES = Waves(-0.05, 0.05, 0.36, 6)
LIMB = ("I", "II", "III", "aVR", "aVL", "aVF")


def beat_of(degrees: float, leads: tuple[str, ...] = LIMB, height: float = 1.0) -> AveragedBeat:
    """Leads by Einthoven's and Goldberger's laws from I and II, whose potentials are a vector's projections."""
    time = np.arange(-250, 325) / 500
    qrs = height * np.clip(1 - np.abs(time) / 0.04, 0, None) + 0.2
    first, second = (np.cos(np.radians(degrees - at)) * qrs for at in (0, 60))
    of = {"I": first, "II": second, "III": second - first, "aVR": -(first + second) / 2}
    of |= {"aVL": first - second / 2, "aVF": second - first / 2, "V1": 5 * qrs}
    return AveragedBeat(leads, np.array([of[lead] for lead in leads]), np.full(len(leads), 5), 500)


@pytest.mark.parametrize("degrees", [-170, -90, -45, 0, 30, 90, 135, 180])
@pytest.mark.parametrize("leads", [LIMB, ("I", "aVF"), ("V1", "III", "aVL"), ("aVR", "II")])
def test_the_axis_of_a_vector(degrees, leads):
    axis = frontal_axis(beat_of(degrees, leads), WAVES)
    assert (axis.degrees - degrees + 180) % 360 - 180 == pytest.approx(0, abs=1)
    assert axis.reason is None


@pytest.mark.parametrize(
    ("beat", "reason"),
    [
        (beat_of(30, ("I", "V1")), "limb leads with a whole QRS complex: I; an axis needs two"),
        (beat_of(30, ("V1",)), "limb leads with a whole QRS complex: none"),
        (beat_of(30, height=0.02), "nearly zero"),
    ],
)
def test_no_axis_has_a_reason(beat, reason):
    axis = frontal_axis(beat, WAVES)
    assert axis.degrees is None and reason in axis.reason


def test_leads_that_contradict_each_other():
    beat = beat_of(30)
    swapped = beat.signal[[5, 0, 3, 2, 1, 4]]
    axis = frontal_axis(AveragedBeat(LIMB, swapped, beat.counts, 500), WAVES)
    assert (
        axis.degrees is None and axis.reason == "the QRS complexes of I, II, III, aVR, aVL, aVF contradict each other"
    )


def test_a_lead_with_a_hole_in_its_qrs_is_left_out():
    beat = beat_of(30)
    signal = beat.signal.copy()
    signal[0, beat.peak] = np.nan
    signal[1] = 3.0
    signal[1, beat.peak + 3] = np.nan
    assert frontal_axis(AveragedBeat(LIMB, signal, beat.counts, 500), WAVES).degrees == pytest.approx(30, abs=1)


@pytest.mark.parametrize("degrees", [20, 50, 110])
def test_an_axis_that_the_r_and_s_waves_speak_against_is_absent(degrees):
    """The level lies on a high P wave, as if the QRS complex began there: the net areas are turned by 180 degrees."""
    beat = beat_of(degrees)
    height = beat.signal[:, beat.peak, None] / 1.2
    time = (np.arange(575) - beat.peak) / 500
    p_wave = 0.6 * height * ((time > -0.2) & (time < -0.09))
    axis = frontal_axis(replace(beat, signal=beat.signal - 0.2 * height + p_wave), Waves(-0.15, 0.05, 0.36, 6))
    assert axis.degrees is None
    assert axis.reason == "the net QRS areas of I, II, III, aVR, aVL, aVF point away from their R and S waves"
