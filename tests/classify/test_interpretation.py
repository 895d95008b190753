from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from classify import interpret, interpretation
from classify.interpretation import statement_results
from classify.records.measurements import Measurement
from classify.signal.inputs import cut_to_layout
from classify.signal.weights import load_weights
from classify.statements import CODES, STATEMENTS
from digitize.leads import Leads
from digitize.records.results import Calibration, Geometry, Quality, Strip
from tests.measured import MEASURED


def page(lead: np.ndarray, layout: str, drop: tuple[str, ...] = ()) -> Leads:
    recording = np.outer(np.linspace(0.5, 1.5, 12), lead).astype(np.float32)
    strips = tuple(
        Strip(p.lead, 0, 0, p.start, p.signal, np.ones_like(p.signal), np.zeros((len(p.signal), 2), np.float32), "read")
        for p in cut_to_layout(recording, layout, fs=500)
        if p.lead not in drop
    )
    calibration = Calibration(25, 10, "read", "read", 8, "grid")
    geometry, quality = Geometry((1, 1), 0, 1), Quality("good", (), 1.0, 0.2)
    return Leads(recording, np.ones_like(recording), 500, strips, layout, calibration, geometry, quality)


def test_import_is_quick():
    """None of the heavy libraries is loaded before something is read."""
    heavy = ("torch", "neurokit2", "pandas", "scipy.signal", "scipy.ndimage")
    code = f"import sys, classify; print([m for m in {heavy} if m in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_every_statement_is_made(ecg):
    read = interpret(page(ecg(75), "3x4+II"))
    assert tuple(finding.code for finding in read.statements) == CODES
    for finding, statement in zip(read.statements, STATEMENTS, strict=True):
        assert (finding.name, finding.group) == (statement.name, statement.group)
        assert 0 <= finding.probability <= 1
        assert finding.present == (finding.probability >= finding.threshold and finding.excluded_by is None)
    assert read.measurements.heart_rate.value == pytest.approx(75, abs=3)
    assert read.beats.lead == "II" and len(read.beats.beats) == read.measurements.beats
    assert read.weights_version == load_weights().version
    # NeuroKit2's beats are broader than a normal ECG's.
    assert [told for told in read.warnings if "QRS duration" not in told] == []


def test_what_is_not_seen_is_said(ecg):
    warnings = interpret(page(ecg(75), "3x4", drop=("V2", "V3"))).warnings
    assert "not seen: V2, V3" in warnings[0]
    assert "no strip of 4 s" in warnings[1]


def test_what_the_page_does_not_allow_is_not_assessable(ecg):
    findings = {found.code: found for found in interpret(page(ecg(75), "3x4", drop=("V1", "V2"))).statements}
    blocked = findings["CRBBB"]
    assert blocked.probability is None and not blocked.present
    assert blocked.reason == "needs V1 or V2; the page does not show them"
    assert findings["AFIB"].reason == "needs a strip of 4 s or more"
    assert findings["IMI"].reason is None and findings["IMI"].probability is not None


def test_contradictions_are_warnings(ecg, monkeypatch):
    lenient = replace(load_weights(), thresholds=np.where(np.array(CODES) == "STACH", 0, load_weights().thresholds))
    slow = replace(MEASURED, heart_rate=Measurement(31.0, "1/min"))
    monkeypatch.setattr(interpretation, "measure_leads", lambda leads: slow)
    monkeypatch.setattr(interpretation, "load_weights", lambda: lenient)
    read = interpret(page(ecg(75), "3x4+II"))
    assert read.measurements is slow
    assert "contradiction: sinus tachycardia (STACH), but the heart rate is 31/min" in read.warnings


@pytest.mark.parametrize("seconds", [0.0, 0.25, 0.9])
def test_a_page_without_a_second_of_signal_has_no_statements(ecg, seconds):
    leads = page(ecg(75), "3x4")
    strips = [replace(strip, signal=strip.signal[: round(seconds * 500)]) for strip in leads.strips]
    short = replace(leads, strips=tuple(replace(of, confidence=np.ones_like(of.signal)) for of in strips))
    reading = interpret(short)
    assert (reading.statements, reading.reader, reading.fallback) == ((), None, "no strip holds 1 s of signal")
    assert "no statements: no strip holds 1 s of signal" in reading.warnings
    assert reading.measurements.heart_rate.value is None and reading.measurements.heart_rate.reason
    assert not reading.beats.beats and reading.beats.reason
    told = reading.explain(short, "AFIB")
    assert told.text == "nothing to explain: no statements: no strip holds 1 s of signal" and told.code is None
    assert "No statements: no strip holds 1 s of signal." in reading._repr_html_()
    assert not reading.plot().axes[0].patches


def test_what_excludes_each_other_does_not_stand_together():
    thresholds = load_weights().thresholds
    chances = np.array([{"NORM": 0.83, "CD": 0.27, "SR": 0.81, "SBRAD": 0.15}.get(code, 0.0) for code in CODES])
    found = {one.code: one for one in statement_results(chances, thresholds, [None] * len(CODES))}
    assert [code for code, one in found.items() if one.present] == ["NORM", "SR"]
    assert (found["CD"].excluded_by, found["SBRAD"].excluded_by) == ("NORM", "SR")
    assert found["CD"].probability == 0.27 and found["CD"].reason is None
