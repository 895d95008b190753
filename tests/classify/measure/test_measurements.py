from __future__ import annotations

import time
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import wfdb

from classify.contradictions import find_contradictions
from classify.measure.measurements import LEAST_CONFIDENCE, measure, measure_leads
from classify.records.interpretation import StatementResult
from classify.records.measurements import as_values
from classify.records.segments import StripSegment
from digitize.leads import Leads
from digitize.records.layouts import LEAD_NAMES, find_layout
from digitize.records.results import Calibration, Geometry, Quality, Strip
from papertrace.synth import simulate
from papertrace.synth.simulator import draw_heart

FS = 500


@lru_cache
def recording(heart_rate: int) -> np.ndarray:
    """Ten seconds, simulated once: it takes a second."""
    return simulate(10, FS, heart_rate, seed=heart_rate)


def strips_of(signal: np.ndarray, layout: str = "12x1", fs: int = FS) -> list[StripSegment]:
    page = find_layout(layout)
    length = signal.shape[1] // page.columns
    return [
        StripSegment(
            lead, signal[LEAD_NAMES.index(lead), column * length : (column + 1) * length], column * length / fs
        )
        for row in page.rows
        for column, lead in enumerate(row)
    ] + [StripSegment(lead, signal[LEAD_NAMES.index(lead)]) for lead in page.rhythm]


@pytest.mark.parametrize("heart_rate", [50, 75, 90])
@pytest.mark.parametrize("layout", ["12x1", "3x4+II"])
def test_intervals_of_the_simulator(heart_rate, layout):
    measured, heart = measure(strips_of(recording(heart_rate), layout), FS), draw_heart(heart_rate, seed=heart_rate)
    assert measured.heart_rate.value == pytest.approx(heart_rate, abs=2)
    assert measured.rr_variation.value < 0.05
    assert measured.p_share.value > 0.8
    assert measured.pr.value == pytest.approx(heart.pr, abs=12)
    assert measured.qrs.value == pytest.approx(heart.qrs, abs=12)
    assert measured.qt.value == pytest.approx(heart.qt, abs=12)
    assert measured.qtc.value == pytest.approx(measured.qt.value * (measured.heart_rate.value / 60) ** (1 / 3), abs=3)
    assert measured.axis.value == pytest.approx(heart.axis, abs=5)
    assert measured.leads == ("II",) and 6 <= measured.averaged <= measured.beats


@pytest.mark.parametrize("heart_rate", [50, 70, 90, 110, 130, 150])
def test_healthy_hearts_are_measured_as_they_are_at_any_rate(heart_rate):
    """From 130 a minute, P waves begin on the T waves before them."""
    normal = StatementResult("NORM", "normal ECG", "diagnosis", 0.9, 0.4, True)
    for seed in range(20):
        heart = draw_heart(heart_rate, seed)
        measured = measure(strips_of(simulate(10, FS, heart_rate, seed)), FS)
        assert measured.pr.value == pytest.approx(heart.pr, abs=12 if heart_rate <= 110 else 35)
        assert measured.qrs.value == pytest.approx(heart.qrs, abs=12)
        assert measured.axis.value == pytest.approx(heart.axis, abs=5)
        if measured.qt.value is None:
            assert heart_rate == 150 and "the end of the T wave is uncertain" in measured.qt.reason
        else:
            assert measured.qt.value == pytest.approx(heart.qt, abs=12)
        if heart_rate <= 110:
            assert find_contradictions([normal], measured) == ()


def high_p_waves(heart_rate: int, pr_segment: float, noise: float = 0.0) -> list[StripSegment]:
    """Limb leads of an axis of 49 degrees: P waves of 0.25 mV, 100 ms long, that end right before the QRS complex."""
    clock = np.arange(10 * FS) / FS
    since = (clock % (60 / heart_rate)) - 0.24

    def bump(start: float, end: float) -> np.ndarray:
        return np.where((since > start) & (since < end), np.sin(np.pi * (since - start) / (end - start)) ** 2, 0.0)

    qrs = -0.12 * bump(0.0, 0.03) + 1.1 * bump(0.015, 0.065) - 0.35 * bump(0.05, 0.085)
    beat = 0.25 * bump(-0.1 - pr_segment, -pr_segment) + qrs + 0.25 * bump(0.16, 0.29)
    rng = np.random.default_rng(0)
    leads = {"I": 0.7 * beat, "II": 1.05 * beat, "aVF": 0.7 * beat, "V5": 0.9 * beat, "V2": -0.9 * beat}
    return [
        StripSegment(lead, (signal + noise * rng.standard_normal(len(clock))).astype(np.float32))
        for lead, signal in leads.items()
    ]


@pytest.mark.parametrize("heart_rate", [110, 125])
@pytest.mark.parametrize("noise", [0.0, 0.01])
@pytest.mark.parametrize("pr_segment", [0.0, 0.01, 0.03])
def test_a_high_p_wave_beside_the_qrs_complex_is_not_a_part_of_it(heart_rate, noise, pr_segment):
    """The axis was turned by 180 degrees where the level was taken on the P wave."""
    measured = measure(high_p_waves(heart_rate, pr_segment, noise), FS)
    assert measured.axis.value == pytest.approx(49, abs=10)
    assert measured.qrs.value == pytest.approx(85, abs=16)
    assert measured.pr.value == pytest.approx(1000 * (0.1 + pr_segment), abs=16)


def real_recording() -> np.ndarray:
    """A patient's ten seconds in all leads: the truth of a page in ``samples/``."""
    path = Path(__file__).parents[3] / "samples" / "02988_hr_truth"
    return np.asarray(wfdb.rdrecord(str(path)).p_signal.T, np.float32)


@pytest.mark.parametrize("layout", ["3x4", "6x2", "3x4+II"])
def test_the_layout_does_not_change_the_intervals(layout):
    """Without a rhythm strip, every column has beats of its own, and the R peaks of other leads stand elsewhere."""
    expected, measured = (measure(strips_of(real_recording(), of), FS) for of in ("12x1", layout))
    assert expected.leads == ("II",)
    assert len(measured.leads) == (1 if layout == "3x4+II" else find_layout(layout).columns)
    assert (measured.qrs.note is not None) == (len(measured.leads) > 1)
    for name, within in (("heart_rate", 3), ("qrs", 20), ("qt", 24), ("pr", 20), ("axis", 10)):
        assert getattr(measured, name).value == pytest.approx(getattr(expected, name).value, abs=within), name


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("heart_rate", [60, 120])
def test_heart_rate_of_one_lead(heart_rate, sign, ecg):
    measured = measure([StripSegment("II", sign * ecg(heart_rate))], FS)
    assert measured.heart_rate.value == pytest.approx(heart_rate, abs=3)
    assert measured.rr_variation.value < 0.05
    assert measured.axis.reason == "limb leads with a whole QRS complex: II; an axis needs two"


def test_the_longest_strip_is_read(ecg):
    measured = measure([StripSegment("I", ecg(60, 2.5)), StripSegment("V1", ecg(120))], FS)
    assert measured.leads == ("V1",)
    assert measured.heart_rate.value == pytest.approx(120, abs=3)


def test_a_long_strip_full_of_gaps_is_passed_over(ecg):
    gappy = ecg(120)
    gappy[np.arange(5000) % 500 < 100] = np.nan
    measured = measure([StripSegment("II", gappy), StripSegment("V1", ecg(60, 5))], FS)
    assert measured.leads == ("V1",) and measured.heart_rate.value == pytest.approx(60, abs=3)


def test_a_gap_shortens_the_strip_but_not_the_rate(ecg):
    signal = ecg(60)
    signal[2000:2400] = np.nan
    signal[3000:3020] = np.nan
    before = signal.copy()
    measured = measure([StripSegment("II", signal)], FS)
    assert measured.heart_rate.value == pytest.approx(60, abs=3)
    assert 4 <= measured.beats <= 6
    assert np.array_equal(signal, before, equal_nan=True)


def test_irregular_beats_have_more_variation_and_no_qtc(ecg):
    mixed = np.concatenate([ecg(60)[:2500], ecg(120)[:2500]])
    measured = measure([StripSegment("II", mixed)], FS)
    assert measured.rr_variation.value > 0.2
    assert measured.qtc.value is None
    assert "no correction for the rate holds" in measured.qtc.reason or measured.qt.value is None


def without_p_waves() -> np.ndarray:
    """Fibrillation: uneven beats of one lead, and small waves all along."""
    rng = np.random.default_rng(0)
    at = np.cumsum(rng.uniform(0.5, 1.0, 13))
    clock = np.arange(10 * FS) / FS
    waves = ((1.0, 0.0, 0.012), (-0.25, 0.035, 0.01), (0.25, 0.27, 0.05))
    signal = sum(a * np.exp(-(((clock - beat - d) / width) ** 2)) for a, d, width in waves for beat in at)
    f_waves = 0.06 * np.sin(2 * np.pi * np.cumsum(rng.uniform(4, 9, len(clock))) / FS)
    return np.asarray(signal + f_waves, np.float32)


def test_without_a_steady_p_wave_there_is_no_pr():
    measured = measure([StripSegment("II", without_p_waves())], FS)
    assert measured.pr.value is None
    assert "no P wave stands at a steady place before the QRS complexes" in measured.pr.reason
    assert measured.p_share.value < 2 / 3
    assert measured.qrs.value is not None


def test_what_no_heart_does_is_absent():
    """As if the paper's speed were misread."""
    slow = [StripSegment("II", np.where(np.arange(40 * FS) % (6 * FS) < 40, 1, 0).astype(np.float32))]
    assert measure(slow, FS).heart_rate.reason == "what was found, 10 1/min, is not within 20 to 300"


def test_fast_rates_are_remarked():
    measured = measure(strips_of(recording(90), fs=640), 640)
    assert measured.heart_rate.value == pytest.approx(90 * 640 / FS, abs=3)
    assert "outside 60 to 100" in measured.qtc.note


@pytest.mark.parametrize(
    ("strips", "reason"),
    [
        ([], "no strip was traced"),
        ([StripSegment("II", np.full(5000, np.nan, np.float32))], "shows 0.0 s in one piece"),
        ([StripSegment("II", np.zeros(5000, np.float32))], "0 R peaks in 10.0 s of lead II; a rate needs 3"),
        ([StripSegment("aVF", np.zeros(900, np.float32))], "lead aVF shows 1.8 s in one piece; a rate needs 2 s"),
    ],
)
def test_nothing_measured_has_a_reason(strips, reason):
    values = as_values(measure(strips, FS))
    for name in values["units"]:
        assert values[name] is None
        assert reason in values["reasons"][name]


def leads_of(signal: np.ndarray, confidence: float) -> Leads:
    strips = tuple(
        Strip(s.lead, 0, 0, s.start, s.signal, np.full(s.signal.shape, confidence), np.zeros((1, 2), "f4"), "read")
        for s in strips_of(signal.astype(np.float32))
    )
    calibration = Calibration(25, 10, "read", "read", 8, "grid")
    geometry, quality = Geometry((1, 1), 0, 1), Quality("good", (), 1.0, 0.2)
    return Leads(signal, np.full(signal.shape, confidence), FS, strips, "12x1", calibration, geometry, quality)


def test_strips_that_are_not_sure_are_not_measured():
    signal = recording(75)
    assert measure_leads(leads_of(signal, LEAST_CONFIDENCE + 0.1)).pr.value is not None
    assert "with a confidence of 40% or more" in measure_leads(leads_of(signal, 0.1)).pr.reason
    mixed = leads_of(signal, 0.9)
    unsure = tuple(replace(s, confidence=0 * s.confidence) if s.lead == "II" else s for s in mixed.strips)
    assert measure_leads(replace(mixed, strips=unsure)).leads == ("V1",)
    assert measure_leads(replace(mixed, strips=())).pr.reason == "no strip was traced"


def test_other_leads_than_the_twelve_are_passed_over():
    leads = leads_of(recording(75), 0.9)
    more = replace(leads, strips=(replace(leads.strips[0], lead="V7"), *leads.strips))
    assert as_values(measure_leads(more)) == as_values(measure_leads(leads))


def test_it_is_quick():
    strips = strips_of(recording(75))
    measure(strips, FS)
    seconds = []
    for _ in range(5):
        began = time.process_time()
        measure(strips, FS)
        seconds.append(time.process_time() - began)
    assert min(seconds) < 0.15
