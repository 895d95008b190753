from __future__ import annotations

from dataclasses import fields, replace

import pytest

from classify.contradictions import RULES, find_contradictions
from classify.records.beats import Beat, Beats
from classify.records.interpretation import StatementResult
from classify.records.measurements import Measurement, Measurements, not_measured
from tests.measured import MEASURED


def said(*codes: str, present: bool = True) -> list[StatementResult]:
    return [StatementResult(code, f"name of {code}", "diagnostic", 0.8, 0.5, present) for code in codes]


def having(**values: float) -> Measurements:
    return replace(not_measured("-"), **{name: Measurement(value, "") for name, value in values.items()})


CASES = [
    (("STACH",), {"heart_rate": 62.0}, "name of STACH (STACH), but the heart rate is 62/min"),
    (("SBRAD",), {"heart_rate": 95.0}, "name of SBRAD (SBRAD), but the heart rate is 95/min"),
    (("SR",), {"rr_variation": 0.31}, "name of SR (SR), but the RR intervals vary by 31%"),
    (("AFIB",), {"rr_variation": 0.02}, "name of AFIB (AFIB), but the RR intervals vary by 2%"),
    (("1AVB",), {"pr": 150.0}, "name of 1AVB (1AVB), but the PR interval is 150 ms"),
    (("CLBBB",), {"qrs": 85.0}, "name of CLBBB (CLBBB), but the QRS duration is 85 ms"),
    (("CRBBB",), {"qrs": 85.0}, "name of CRBBB (CRBBB), but the QRS duration is 85 ms"),
    (("NORM",), {"qtc": 520.0}, "name of NORM (NORM), but the QTc is 520 ms"),
    (("NORM",), {"qrs": 140.0}, "name of NORM (NORM), but the QRS duration is 140 ms"),
    (("NORM",), {"heart_rate": 130.0}, "name of NORM (NORM), but the heart rate is 130/min"),
    (("LAFB",), {"axis": 60.0}, "name of LAFB (LAFB), but the axis is 60\N{DEGREE SIGN}"),
    (("LPFB",), {"axis": -30.0}, "name of LPFB (LPFB), but the axis is -30\N{DEGREE SIGN}"),
    (("LNGQT",), {"qtc": 380.0}, "name of LNGQT (LNGQT), but the QTc is 380 ms"),
]


@pytest.mark.parametrize(("codes", "values", "told"), CASES)
def test_a_contradiction_names_both(codes, values, told):
    assert find_contradictions(said(*codes), having(**values)) == (f"contradiction: {told}",)
    assert find_contradictions(said(*codes, present=False), having(**values)) == ()
    assert find_contradictions(said("OTHER"), having(**values)) == ()


@pytest.mark.parametrize(
    ("codes", "values"),
    [
        (("STACH",), {"heart_rate": 104.0}),
        (("SBRAD",), {"heart_rate": 52.0}),
        (("SR",), {"rr_variation": 0.04, "heart_rate": 72.0}),
        (("AFIB",), {"rr_variation": 0.2}),
        (("1AVB", "SR"), {"pr": 232.0, "rr_variation": 0.03}),
        (("CLBBB",), {"qrs": 150.0}),
        (("LAFB",), {"axis": -50.0}),
        (("NORM", "SR"), {"heart_rate": 70.0, "pr": 160.0, "qrs": 92.0, "qtc": 410.0, "axis": 40.0}),
    ],
)
def test_what_agrees_is_not_told(codes, values):
    assert find_contradictions(said(*codes), having(**values)) == ()


def test_uneven_beats_may_be_explained():
    uneven = having(rr_variation=0.3)
    assert find_contradictions(said("SR"), uneven)
    for code in ("PAC", "PVC", "SARRH", "AFIB"):
        assert find_contradictions(said("SR", code), uneven) == ()


def beats_of(kinds: str, probability: float = 0.98) -> Beats:
    return Beats(tuple(Beat(0.8 * n, 400 * n, kind, probability, {}) for n, kind in enumerate(kinds)), "II", 0, "")


def test_beats_contradict_a_normal_ecg_and_what_denies_them():
    findings = [*said("NORM", "SR"), *said("PVC", "PAC", present=False)]
    nothing = having()
    seen = "1 of 4 beats in lead II is ventricular ectopic, 98%"
    assert find_contradictions(findings, nothing, beats_of("NNVN")) == (
        f"contradiction: name of NORM (NORM), but {seen}",
        f"contradiction: no name of PVC (PVC), but {seen}",
    )
    assert find_contradictions(findings, nothing, beats_of("NSNS")) == (
        "contradiction: no name of PAC (PAC), but 2 of 4 beats in lead II are supraventricular ectopic, "
        "the surest at 98%",
    )
    for agreed in (beats_of("NNNN"), beats_of("NNVS", 0.7), beats_of("FFQN"), Beats((), None, None, "", "none")):
        assert find_contradictions(findings, nothing, agreed) == ()


def test_beats_may_be_explained():
    for code in ("PVC", "PACE"):
        assert find_contradictions(said("NORM", code), having(), beats_of("NVNN")) == ()
    irregular = [*said("AFIB"), *said("PAC", present=False)]
    assert find_contradictions(irregular, having(rr_variation=0.2), beats_of("NSNN")) == ()
    unknown = replace(*said("PVC", present=False), probability=None)
    assert find_contradictions([unknown], having(), beats_of("NVNN")) == (), "what cannot be assessed is not denied"


def test_fibrillation_with_steady_p_waves():
    steady = having(rr_variation=0.2, p_share=0.92, pr=160.0)
    (told,) = find_contradictions(said("AFIB"), steady)
    assert told.endswith("P waves stand steadily before 92% of the beats, PR 160 ms")
    assert find_contradictions(said("AFIB"), having(rr_variation=0.2, p_share=0.5)) == ()


def test_absent_values_contradict_nothing():
    every = [code for rule in RULES for code in rule.codes]
    assert find_contradictions(said(*every), not_measured("too short")) == ()


def test_rules_are_about_measurements():
    names = {field.name for field in fields(MEASURED)}
    for rule in RULES:
        assert rule.measured in names and rule.low < rule.high and rule.codes
