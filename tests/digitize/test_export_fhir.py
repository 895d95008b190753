from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fhir.resources.observation import Observation
from fhir.resources.R4B.observation import Observation as ObservationR4
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from digitize.export import write_fhir
from digitize.export.fhir import RELEASES
from digitize.records.layouts import ALL_NAMES, LEAD_NAMES

MODELS = {"R4": ObservationR4, "R5": Observation}


def read(path: Path, release: str = "R4") -> Any:
    """Read with the models of FHIR, which know every field, its type and whether it must be there."""
    return MODELS[release].model_validate_json(path.read_text(encoding="utf-8"))


def millivolts(data: Any) -> np.ndarray:
    """Compute the samples from SampledData as its specification says."""
    special = {"E": np.nan, "L": float(data.lowerLimit), "U": float(data.upperLimit)}
    origin, factor = float(data.origin.value), float(data.factor)
    assert data.dimensions == 1 and data.origin.code == "mV"
    return np.array([special[v] if v in special else origin + factor * float(v) for v in data.data.split(" ")])


@pytest.mark.parametrize("release", RELEASES)
def test_round_trip(leads, tmp_path, release):
    assert write_fhir(leads, tmp_path / "scan.fhir.json", release) == tmp_path / "scan.fhir.json"
    assert [file.name for file in tmp_path.iterdir()] == ["scan.fhir.json"]
    page = read(tmp_path / "scan.fhir.json", release)
    assert (page.code.coding[0].system, page.code.coding[0].code) == ("http://loinc.org", "11524-6")
    assert [component.code.text for component in page.component] == list(LEAD_NAMES)
    sampled = [component.valueSampledData for component in page.component]
    if release == "R4":
        assert {float(data.period) for data in sampled} == {2.0}
    else:
        assert {(float(data.interval), data.intervalUnit) for data in sampled} == {(2.0, "ms")}
    back = np.stack([millivolts(data) for data in sampled])
    assert (np.isnan(back) == np.isnan(leads.signal)).all()
    assert np.nanmax(np.abs(back - leads.signal)) <= 0.000501


def test_the_releases_do_not_take_each_other(leads, tmp_path):
    for release, other in (RELEASES, RELEASES[::-1]):
        write_fhir(leads, tmp_path / f"{release}.json", release)
        with pytest.raises(ValueError, match="validation error"):
            read(tmp_path / f"{release}.json", other)


def test_codes_of_leads(leads_of, back_strip, tmp_path):
    page = leads_of(np.zeros((12, 500)), strips=tuple(back_strip(name, 0, 500) for name in ALL_NAMES[12:]))
    write_fhir(page, tmp_path / "scan.json")
    coded = {part.code.text: part.code.coding[0] for part in read(tmp_path / "scan.json").component}
    assert tuple(coded) == ALL_NAMES
    # The specification's example "sample data" has I, II and III; the others follow ISO/IEEE 11073-10102.
    assert [coded[name].code for name in ("I", "II", "III")] == ["131329", "131330", "131389"]
    assert [coded[name].code for name in ("aVR", "V1", "V6", "V7", "V8")] == [
        *("131390", "131331", "131336", "131337", "131394")
    ]
    assert (coded["aVF"].display, coded["V4R"].display) == ("MDC_ECG_ELEC_POTL_AVF", "MDC_ECG_ELEC_POTL_V4R")
    assert {coding.system for coding in coded.values()} == {"urn:iso:std:iso:11073:10101"}
    assert coded["V1R"].display == "MDC_ECG_ELEC_POTL"
    assert len({coding.code for coding in coded.values()}) == len(ALL_NAMES)


def test_nothing_is_said_of_the_patient_and_all_of_the_page(leads, tmp_path):
    write_fhir(leads, tmp_path / "Miller.fhir.json")
    text = (tmp_path / "Miller.fhir.json").read_text(encoding="utf-8")
    content = json.loads(text)
    assert not {"subject", "performer", "effectiveDateTime", "issued", "encounter"} & set(content)
    assert "Miller" not in text
    assert content["status"] == "preliminary"
    notes = [note["text"] for note in content["note"]]
    assert "Verdict: usable: the gain is assumed" in notes and leads.warnings[0] in notes


def test_the_identifier_is_stable(leads, tmp_path):
    def identifier(name: str) -> str:
        write_fhir(leads, tmp_path / name)
        return json.loads((tmp_path / name).read_text())["identifier"][0]["value"]

    assert identifier("a.fhir.json") == identifier("a.fhir.json") != identifier("b.fhir.json")
    assert identifier("a.fhir.json").startswith("urn:uuid:")


def test_leads_that_are_not_on_the_page_are_left_out(leads_of, tmp_path):
    signal = np.ones((12, 50), np.float32)
    signal[3:] = np.nan
    write_fhir(leads_of(signal), tmp_path / "scan.json")
    assert [part.code.text for part in read(tmp_path / "scan.json").component] == ["I", "II", "III"]


def test_what_cannot_be_written(leads, leads_of, tmp_path):
    with pytest.raises(ValueError, match=r"unknown release 'R3' of FHIR; allowed: R4, R5"):
        write_fhir(leads, tmp_path / "scan.json", "R3")
    with pytest.raises(ValueError, match="no lead shows anything"):
        write_fhir(leads_of(np.full((12, 9), np.nan)), tmp_path / "scan.json")
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=25, deadline=None)
@given(signal=arrays(np.float32, st.tuples(st.just(12), st.integers(1, 30)), elements=st.floats(-40, 40, width=32)))
def test_any_signal_comes_back_within_half_a_unit(leads_of, signal):
    signal[:, 1:][signal[:, 1:] > 39] = np.nan
    with tempfile.TemporaryDirectory() as folder:
        write_fhir(leads_of(signal), Path(folder) / "scan.json")
        parts = read(Path(folder) / "scan.json").component
    back = np.stack([millivolts(part.valueSampledData) for part in parts])
    assert (np.isnan(back) == np.isnan(signal)).all()
    assert np.nanmax(np.abs(back - np.clip(signal, -32.767, 32.767))) <= 0.000501
